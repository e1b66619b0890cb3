//! A body that is judged while it arrives.

use super::place::Tag;
use super::template::{Bound, Primitive, Prints};
use crate::keys::KeySet;
use crate::mode::{Context, Evidence, Progress, Refusal, SignedBy};
use crate::outcome::{Reason, Rejection};
use crate::time::Timestamp;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::sync::Arc;

/// A body that arrives in pieces: one state a content and key.
pub(super) struct InPieces<P: Primitive> {
    pub(super) bound: Arc<Bound<P>>,
    pub(super) algorithm: usize,
    pub(super) hashing: Vec<Alternative<P>>,
    /// Why an alternative behind those cannot be built.
    pub(super) broken: Option<Rejection>,
    pub(super) signatures: Vec<(Tag, KeySet)>,
    pub(super) time: Option<Timestamp>,
    pub(super) id: Option<String>,
    pub(super) late: Option<Rejection>,
}

/// One content that a signature may be of, taken in so far.
pub(super) struct Alternative<P: Primitive> {
    /// By the place of the key.
    pub(super) states: Vec<P::State>,
    /// Its own digest, where one is needed.
    pub(super) digest: Option<Sha256>,
    /// What follows the body.
    pub(super) after: Vec<u8>,
}

impl<P: Primitive> Progress for InPieces<P> {
    fn update(&mut self, piece: &[u8]) {
        let primitive = &self.bound.primitive;
        for Alternative { states, digest, .. } in &mut self.hashing {
            states.iter_mut().for_each(|state| primitive.update(state, piece));
            if let Some(digest) = digest {
                digest.update(piece);
            }
        }
    }

    fn finish(self: Box<Self>, _: &Context<'_>) -> Result<Evidence<'static>, Refusal> {
        let InPieces { bound, algorithm, hashing, broken, signatures, time, id, late } = *self;
        for Alternative { states, digest, after } in hashing {
            let (mut keys, mut prints) = (KeySet::default(), Prints::default());
            for (key, mut state) in bound.keys.iter().zip(states) {
                // Every key leaves a fingerprint, as when all is there at once.
                let Some(prepared) = key.prepared(algorithm) else { continue };
                bound.primitive.update(&mut state, &after);
                let tag = bound.primitive.finish(state);
                let tried = signatures.iter().filter(|(_, keys)| keys.contains(key.index));
                if tried.fold(false, |any, (sig, _)| bound.primitive.matches(prepared, &tag, sig) || any) {
                    keys.insert(key.index);
                }
                prints.push(&*bound.primitive, tag);
            }
            if !keys.is_empty() {
                if let Some(rejection) = late {
                    return Err(rejection.into());
                }
                prints.push_digest(digest.map(|digest| digest.chain_update(&after)));
                let mut evidence = Evidence::new(SignedBy::Held(keys), prints.done(), bound.plan.binds);
                evidence.signed_at = time;
                evidence.message_id = id.map(Cow::Owned);
                return Ok(evidence);
            }
        }
        Err(broken.unwrap_or_else(|| Rejection::new(Reason::BadSignature)).into())
    }
}
