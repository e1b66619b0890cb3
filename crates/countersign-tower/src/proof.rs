use crate::{Receiver, UrlRoom, respond};
use bytes::Bytes;
use countersign::{Answer, Binds, Event, KeyId, ReplayKey, Timestamp, Verified, Verifier};
use http::Response;
use http::request::Parts;
use std::fmt;
use std::sync::Arc;

/// Proof that a request was verified, and the body that was. Only a [`Receiver`] makes one.
///
/// It holds the body, so that nothing that stands between can put another in its place. Clones are the same proof: they
/// cost one reference count.
#[derive(Clone)]
pub struct Proof {
    proven: Arc<Proven>,
}

struct Proven {
    receiver: Receiver,
    verifier: Arc<Verifier>,
    key: KeyId,
    message_id: Option<Box<str>>,
    signed_at: Option<Timestamp>,
    binds: Binds,
    body: Bytes,
    answer: Option<Answer>,
    claimed: Vec<ReplayKey>,
}

impl Proof {
    /// The source that it is of.
    pub fn source(&self) -> &str {
        self.proven.verifier.source()
    }

    /// The preset it was verified by.
    pub fn preset(&self) -> &str {
        &self.proven.verifier.compiled().preset().name
    }

    /// Which key signed.
    pub fn key(&self) -> &KeyId {
        &self.proven.key
    }

    /// The sender's own name for the message, if it was signed.
    pub fn message_id(&self) -> Option<&str> {
        self.proven.message_id.as_deref()
    }

    /// When the sender says it signed, if that was signed.
    pub fn signed_at(&self) -> Option<Timestamp> {
        self.proven.signed_at
    }

    /// What the signature covers: of all else, nothing is known.
    pub fn binds(&self) -> Binds {
        self.proven.binds
    }

    /// The body, byte for byte as it was sent and judged.
    pub fn body(&self) -> &Bytes {
        &self.proven.body
    }

    /// What happened, as far as the preset says where to look. Reads the body anew at each call; `parts` are those of the
    /// request, and what they say is proven as far as [`binds`](Self::binds) goes.
    pub fn event(&self, parts: &Parts) -> Event {
        let mut room = UrlRoom::default();
        let Proven { receiver, verifier, body, .. } = &*self.proven;
        verifier.event(&receiver.request(parts, body, &mut room))
    }

    /// What the provider needs to hear when the request was handled, if the preset's `[response]` says so.
    pub fn response(&self) -> Option<&Answer> {
        self.proven.answer.as_ref()
    }

    /// The response to a request that was handled: what the preset says, or an empty 200.
    pub fn acknowledge<B: From<Bytes>>(&self) -> Response<B> {
        match self.response() {
            Some(answer) => respond(answer.clone()),
            None => Response::new(Bytes::new().into()),
        }
    }

    /// The request was not handled after all: let it in when it is sent again. Without a replay guard, that it is anyway.
    pub fn release(&self) {
        let Proven { receiver, claimed, .. } = &*self.proven;
        if let Some(guard) = receiver.guard()
            && !claimed.is_empty()
        {
            guard.release(claimed);
        }
    }

    /// `claimed` is what the guard was told for this very request, and nothing for a duplicate: it has nothing to give back.
    pub(crate) fn new(
        receiver: &Receiver,
        verifier: Arc<Verifier>,
        verified: &Verified<'_>,
        (body, answer): (Bytes, Option<Answer>),
        claimed: Vec<ReplayKey>,
    ) -> Self {
        let proven = Proven {
            receiver: receiver.clone(),
            verifier,
            key: verified.key().clone(),
            message_id: verified.message_id().map(Box::from),
            signed_at: verified.signed_at(),
            binds: verified.binds(),
            body,
            answer,
            claimed,
        };
        Proof { proven: Arc::new(proven) }
    }
}

/// Prints nothing of the body.
impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Proven { key, message_id, signed_at, .. } = &*self.proven;
        f.debug_struct("Proof")
            .field("source", &self.source())
            .field("key", key)
            .field("message_id", message_id)
            .field("signed_at", signed_at)
            .finish_non_exhaustive()
    }
}
