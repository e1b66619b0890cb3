//! One request, judged: the steps that every host takes, in the one order that is right.
//!
//! Unsigned handshakes come first, since nothing of them could verify; signed ones after verification, since answering them
//! before would answer anybody. What is answered instead of handled is told apart from what is refused.

#[cfg(feature = "fetch")]
use crate::KeyFetcher;
use countersign::{
    Answer, Context, HandshakeKind, KeyCache, Rejection, Request, Timestamp, Verified, Verifier,
};
use std::sync::Arc;

/// Where remote keys come from, for presets that want some.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Keys {
    /// Nowhere: a preset that wants one gets `key_unavailable`.
    #[default]
    None,

    /// From what the host has by other means: nothing is fetched.
    Held(Arc<dyn KeyCache + Send + Sync>),

    /// From where the preset says.
    #[cfg(feature = "fetch")]
    Fetched(KeyFetcher),
}

/// What is to be done with a request.
#[derive(Debug)]
#[must_use = "an unread verdict is an unverified request"]
pub enum Verdict<'r> {
    /// Handle it, once: the host claims its replay keys.
    Verified(Verified<'r>),

    /// Answer it, and hand it to nobody.
    Handshake {
        /// With this.
        answer: Answer,
        /// Whether it was verified before.
        signed: bool,
    },

    /// It hands over a secret: [`Verifier::learnt`] has it. Unless an operator waits for one, refuse it: anybody can send
    /// such a request. The answer is for when the secret was taken down.
    Learn(Answer),

    /// Refuse it.
    Refused(Rejection),
}

/// Judge a whole request at `now`. Waits for nothing but keys that are fetched; copies and allocates nothing of its own.
pub async fn judge<'r>(
    verifier: &Verifier,
    keys: &Keys,
    request: &Request<'r>,
    now: Timestamp,
) -> Verdict<'r> {
    let cx = Context::at(now);
    if let Some(answer) = verifier.handshake(request, &cx) {
        return handshake(answer, false);
    }
    let verified = match keys {
        Keys::None => verifier.verify(request, &cx).into_verified(),
        Keys::Held(cache) => verifier.verify(request, &Context::new(now, &**cache)).into_verified(),
        #[cfg(feature = "fetch")]
        Keys::Fetched(fetcher) => fetcher.resolve(verifier, request, now).await,
    };
    match verified {
        Err(rejection) => Verdict::Refused(rejection),
        Ok(verified) => match verifier.signed_handshake(request, &cx) {
            Some(answer) => handshake(answer, true),
            None => Verdict::Verified(verified),
        },
    }
}

fn handshake<'r>(answer: Answer, signed: bool) -> Verdict<'r> {
    match answer.kind {
        HandshakeKind::Answer | HandshakeKind::Ignore => Verdict::Handshake { answer, signed },
        // And a kind that we do not know yet is not answered either.
        _ => Verdict::Learn(answer),
    }
}
