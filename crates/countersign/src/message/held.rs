//! From a secret's text to a prepared key: once, when the verifier is built.

use super::plan::KeyPlan;
use super::scope::{Local, Scope};
use super::template::Primitive;
use crate::keys::{Key, KeyError, KeyId, KeyIndex, KeyKind, Secret};
use std::sync::Arc;

/// A key, decoded and prepared for each algorithm it may be used with.
pub(super) struct Held<P: Primitive> {
    pub(super) index: KeyIndex,
    pub(super) id: KeyId,
    pub(super) role: Option<Arc<str>>,
    pub(super) kind: KeyKind,
    secret: Secret,
    /// By the number of the algorithm; empty where the key depends on the request.
    prepared: Vec<Option<P::Key>>,
}

impl<P: Primitive> Held<P> {
    pub(super) fn prepare(
        primitive: &P,
        plan: &KeyPlan,
        algorithms: &[usize],
        index: KeyIndex,
        key: &Key,
    ) -> Result<Self, KeyError> {
        if !primitive.kinds().contains(&key.kind) {
            return Err(KeyError::new(format!("this mode takes no {} key", key.kind.word())));
        }
        let forms =
            plan.forms.as_ref().ok_or_else(|| KeyError::new("this preset takes no key: it finds its own"))?;
        let secret = forms.decode(key)?;
        let mut prepared = Vec::new();
        if !plan.per_request {
            let scope = Scope::nothing();
            let derived = match &plan.derive {
                None => secret.copy(),
                Some(derive) => {
                    let local = Local { secret: Some(secret.expose()), ..Local::default() };
                    let text = derive.text(&scope, &local).ok().flatten();
                    let text = text.ok_or_else(|| KeyError::new("no key can be derived from this secret"))?;
                    Secret::new(text.into_owned())?
                }
            };
            for algorithm in algorithms {
                prepared.resize_with((*algorithm + 1).max(prepared.len()), || None);
                prepared[*algorithm] = Some(primitive.key(*algorithm, key.kind, derived.expose())?);
            }
        }
        let (id, role, kind) = (key.id.clone(), key.role.clone(), key.kind);
        Ok(Held { index, id, role, kind, secret, prepared })
    }

    /// The key for an algorithm, unless it depends on the request.
    pub(super) fn prepared(&self, algorithm: usize) -> Option<&P::Key> {
        self.prepared.get(algorithm).and_then(Option::as_ref)
    }

    /// Some prepared key: with one algorithm, the key.
    pub(super) fn any(&self) -> Option<&P::Key> {
        self.prepared.iter().flatten().next()
    }

    /// Whether it signs by some algorithm. One that depends on the request is not known yet.
    pub(super) fn signs(&self, primitive: &P) -> bool {
        self.prepared.is_empty() || self.prepared.iter().flatten().any(|key| primitive.can_sign(key))
    }

    /// The decoded secret.
    pub(super) fn expose(&self) -> &[u8] {
        self.secret.expose()
    }
}
