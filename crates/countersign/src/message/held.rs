//! From a secret's text to a prepared key: once, when the verifier is built.

use super::plan::{Decode, Form, KeyPlan};
use super::scope::{Local, Scope};
use super::template::Primitive;
use crate::keys::{Key, KeyError, KeyId, KeyIndex, KeyKind, Secret};
use std::sync::Arc;
use zeroize::Zeroizing;

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
        let roles = || plan.roles.iter().map(|role| format!("`{role}`")).collect::<Vec<_>>().join(" or ");
        match &key.role {
            None if !plan.roles.is_empty() => {
                return Err(KeyError::new(format!("this preset's keys have a role: say {}", roles())));
            }
            Some(role) if !plan.roles.contains(role) => {
                return Err(KeyError::new(match plan.roles.is_empty() {
                    true => format!("this preset's keys have no role, and so not `{role}`"),
                    false => format!("unknown role `{role}`: say {}", roles()),
                }));
            }
            _ => {}
        }
        let secret = decode_secret(plan, key.material.expose())?;
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

    /// The decoded secret.
    pub(super) fn expose(&self) -> &[u8] {
        self.secret.expose()
    }
}

/// A secret's text by the first form whose prefix fits. Lenient on base64 padding, as published secrets are careless of
/// it; strict on the alphabet.
fn decode_secret(plan: &KeyPlan, text: &[u8]) -> Result<Secret, KeyError> {
    let fits = |form: &&Form| text.starts_with(form.prefix.as_bytes());
    let Some(form) = plan.forms.iter().find(fits) else {
        let known: Vec<String> = plan.forms.iter().map(|form| format!("`{}…`", form.prefix)).collect();
        return Err(KeyError::new(format!(
            "the secret has no known form: it starts with {}",
            known.join(" or ")
        )));
    };
    let text = &text[form.prefix.len()..];
    let bytes = match form.decode {
        Decode::Text => Some(text.to_vec()),
        Decode::Hex if text.starts_with(b"0x") => None,
        Decode::Hex => const_hex::decode(text).ok(),
        Decode::Base64 => forgiving_base64(text, b'+', b'/'),
        Decode::Base64Url => forgiving_base64(text, b'-', b'_'),
    };
    let bytes = bytes.map(Zeroizing::new).ok_or_else(|| {
        let (word, _) = Decode::WORDS[Decode::WORDS.iter().position(|(_, d)| *d == form.decode).unwrap_or(0)];
        KeyError::new(match form.prefix.is_empty() {
            true => format!("the secret is not {word}: copy it again, whole"),
            false => format!("what follows `{}` is not {word}: copy the secret again, whole", form.prefix),
        })
    })?;
    if bytes.len() < plan.min_bytes {
        let says =
            format!("the key has {} bytes, and this preset's have at least {}", bytes.len(), plan.min_bytes);
        return Err(KeyError::new(says));
    }
    match bytes.is_empty() {
        true => Err(KeyError::new("the secret is empty: give its value")),
        false => Ok(Secret::of(bytes)),
    }
}

/// Base64 of one alphabet, padded or not, whatever its loose trailing bits.
fn forgiving_base64(text: &[u8], plus: u8, slash: u8) -> Option<Vec<u8>> {
    let padding = text.iter().rev().take(2).take_while(|b| **b == b'=').count();
    let text = &text[..text.len() - padding];
    if text.len() % 4 == 1 {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in text {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b if *b == plus => 62,
            b if *b == slash => 63,
            _ => return None,
        };
        (bits, held) = ((bits << 6 | u32::from(six)) & 0x3fff, held + 6);
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    Some(bytes)
}
