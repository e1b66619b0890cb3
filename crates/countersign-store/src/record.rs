//! A verified request on its way into a store.

use crate::rows::AuditRow;
use crate::{Store, StoreError};
use bytes::Bytes;
use countersign::{KeyId, ReplayKey, Timestamp, Unaccepted, Verified};
use std::sync::Arc;

/// What is recorded beside what was verified.
pub struct Entry {
    /// Our name for the event.
    pub event: Arc<str>,

    /// Its type, where the preset says where that is.
    pub kind: Option<Arc<str>>,

    /// What it would have been refused for, if its source is only observed.
    pub refused: Option<Arc<str>>,

    /// Method, URL and headers, in whatever form the host reads them again.
    pub head: Bytes,

    /// What it is delivered to: each becomes a delivery that is due at once.
    pub endpoints: Vec<Arc<str>>,

    /// Its row.
    pub audit: AuditRow,
}

/// A verified request to be written. Only [`record`] makes one; engines take it apart.
#[non_exhaustive]
pub struct Record {
    /// Ours.
    pub event: Arc<str>,
    /// Whose.
    pub source: Arc<str>,
    /// Who signed.
    pub key: KeyId,
    /// The sender's own name for the message, if it was signed.
    pub message_id: Option<Arc<str>>,
    /// What it would have been refused for; always there of what is recorded by [`danger::record_unverified`].
    pub refused: Option<Arc<str>>,
    /// Its type.
    pub kind: Option<Arc<str>>,
    /// Method, URL and headers.
    pub head: Bytes,
    /// What was judged.
    pub body: Bytes,
    /// Any known: `Seen`. All become known.
    pub claims: Vec<ReplayKey>,
    /// What it is delivered to.
    pub endpoints: Vec<Arc<str>>,
    /// Its row.
    pub audit: AuditRow,
    /// The present.
    pub now: Timestamp,
}

/// What [`record`] did.
#[derive(Debug)]
pub enum Recorded<'r> {
    /// New, and durable.
    Accepted(countersign::Accepted<'r>),

    /// Accepted before: answer 200; nothing but the audit row was stored.
    Duplicate(Verified<'r>),
}

/// Accept and record in one step: the one grounded use of [`countersign::danger::settle`].
///
/// `buffer` is what the request's body was read into: where the body that was judged lies in it, it is shared and not copied.
pub async fn record<'r>(
    store: &dyn Store,
    verified: Verified<'r>,
    buffer: &Bytes,
    entry: Entry,
    now: Timestamp,
) -> Result<Recorded<'r>, StoreError> {
    let Entry { event, kind, refused, head, endpoints, audit } = entry;
    let record = Record {
        event,
        source: verified.source().into(),
        key: verified.key().clone(),
        message_id: verified.message_id().map(Arc::from),
        refused,
        kind,
        head,
        body: share(buffer, verified.body()),
        claims: verified.replay_keys(now),
        endpoints,
        audit,
        now,
    };
    match countersign::danger::settle(verified, store.put(record).await?) {
        Ok(accepted) => Ok(Recorded::Accepted(accepted)),
        Err(Unaccepted::Seen(verified)) => Ok(Recorded::Duplicate(verified)),
        Err(Unaccepted::Unknown(_)) => {
            Err(StoreError::Unavailable("it cannot say whether this was accepted before".into()))
        }
    }
}

/// Records without their grounds.
pub mod danger {
    use super::{Entry, Record};
    use crate::{Claim, Store, StoreError};
    use bytes::Bytes;
    use countersign::{KeyId, Timestamp};
    use std::sync::Arc;

    /// Record what nobody verified, and why not: for a host that observes and refuses nothing, and writes the verdict beside it. Nothing is
    /// claimed, so that the genuine request is still accepted when it comes.
    pub async fn record_unverified(
        store: &dyn Store,
        source: Arc<str>,
        body: Bytes,
        entry: Entry,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Entry { event, kind, refused, head, endpoints, audit } = entry;
        let (key, claims) = (KeyId::new(""), Vec::new());
        let record = Record {
            event,
            source,
            key,
            message_id: None,
            refused,
            kind,
            head,
            body,
            claims,
            endpoints,
            audit,
            now,
        };
        match store.put(record).await? {
            Claim::Fresh => Ok(()),
            Claim::Seen | Claim::Unknown => {
                Err(StoreError::Unavailable("it refused a record without claims".into()))
            }
        }
    }
}

/// `body` as a part of `buffer`, or a copy of it.
fn share(buffer: &Bytes, body: &[u8]) -> Bytes {
    let (all, part) = (buffer.as_ptr_range(), body.as_ptr_range());
    if all.start <= part.start && part.end <= all.end {
        buffer.slice_ref(body)
    } else {
        Bytes::copy_from_slice(body)
    }
}

#[cfg(test)]
mod tests {
    use super::share;
    use bytes::Bytes;

    #[test]
    fn a_body_that_lies_in_the_buffer_is_shared_and_another_is_copied() {
        let buffer = Bytes::from(b"head body".to_vec());
        let shared = share(&buffer, &buffer[5..]);
        assert_eq!((&*shared, shared.as_ptr()), (&b"body"[..], buffer[5..].as_ptr()));
        let other = b"body".to_vec();
        let copied = share(&buffer, &other);
        assert_eq!(&*copied, &other);
        assert_ne!(copied.as_ptr(), other.as_ptr());
    }
}
