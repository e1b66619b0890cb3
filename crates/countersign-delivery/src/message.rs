//! What is sent: a payload in an envelope, as one text that never changes again.
//!
//! The surprising decision is when it is spelled: once, when it is published. What is stored is what is signed and what is sent, at the
//! first attempt and at the tenth; no attempt prints JSON.

use crate::canonical;
use bytes::Bytes;
use countersign::{TimeFormat, Timestamp};
use countersign_store::{Publication, StoredEvent};
use serde::Deserialize;
use std::fmt;
use std::sync::Arc;

/// The longest message by default, in bytes of its canonical form.
pub const MAX_MESSAGE: usize = 1 << 20;

/// The longest topic, and the longest type, in bytes.
pub const MAX_NAME: usize = 128;

/// A message's own name, by which its receiver tells a second copy: 1 to 64 of `A-Z a-z 0-9 _ -`, for schemes sign it between other
/// texts and headers carry it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct MessageId(Arc<str>);

impl MessageId {
    /// One that its publisher made.
    ///
    /// # Errors
    /// What it may be made of.
    pub fn new(text: &str) -> Result<Self, MessageError> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        match text.len() {
            1..=64 if text.bytes().all(fits) => Ok(MessageId(text.into())),
            _ => Err(MessageError("the id will not do: write 1 to 64 of `A-Z a-z 0-9 _ -`".into())),
        }
    }

    /// A new one: `msg_`, 12 hexadecimal digits of milliseconds, 20 of chance. They sort by time, and ten random bytes are what
    /// tells those of one millisecond apart.
    pub fn made(now: Timestamp, chance: [u8; 10]) -> Self {
        let [.., a, b, c, d, e, f] = now.unix_ms().to_be_bytes();
        let bytes = [a, b, c, d, e, f].into_iter().chain(chance);
        MessageId(bytes.fold(String::from("msg_"), |text, byte| text + &format!("{byte:02x}")).into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Something to be sent.
#[derive(Clone)]
pub struct Message {
    /// Its name, which stays through all attempts.
    pub id: MessageId,
    /// When it happened.
    pub time: Timestamp,
    /// Of what: 1 to [`MAX_NAME`] visible characters of ASCII.
    pub topic: Arc<str>,
    /// Which type it is of, `invoice.paid`: spelled as a topic is.
    pub kind: Arc<str>,
    /// What it says: one JSON value, in any spelling.
    pub payload: Bytes,
}

/// Prints all but the payload, which is its receiver's.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Message { id, time, topic, kind, payload } = self;
        write!(f, "Message({} {time} {topic} {kind}, {} bytes)", id.as_str(), payload.len())
    }
}

impl Message {
    /// Spell it: `{"data":…,"id":…,"time":…,"topic":…,"type":…,"version":1}` by RFC 8785, the time by RFC 3339 in UTC with
    /// milliseconds. At most `limit` bytes; [`MAX_MESSAGE`] is a good one.
    ///
    /// # Errors
    /// What of it has no such spelling that says the same: a member that stands twice, a number beyond 2⁵³ − 1 or one that a double
    /// does not hold. What is too long or too deep.
    pub fn canonical(&self, limit: usize) -> Result<Canonical, MessageError> {
        let Message { id, time, topic, kind, payload } = self;
        for (what, name) in [("topic", topic), ("type", kind)] {
            if !is_name(name) {
                let says = format!(
                    "the {what} will not do: write 1 to {MAX_NAME} visible characters of ASCII, without spaces"
                );
                return Err(MessageError(says));
            }
        }
        if payload.len() > limit {
            return Err(too_long(limit));
        }
        let text =
            std::str::from_utf8(payload).map_err(|_| MessageError("the payload is no UTF-8".into()))?;
        let mut body = Vec::with_capacity(payload.len() + 256);
        body.extend_from_slice(b"{\"data\":");
        canonical::write(text, &mut body).map_err(|wrong| {
            let place = if wrong.pointer.is_empty() { "it".into() } else { format!("`{}`", wrong.pointer) };
            MessageError(format!("the payload cannot be sent: {place} {}", wrong.says))
        })?;
        for (name, text) in
            [("id", id.as_str()), ("time", &time_text(*time)?), ("topic", topic), ("type", kind)]
        {
            body.extend_from_slice(b",\"");
            body.extend_from_slice(name.as_bytes());
            body.extend_from_slice(b"\":");
            canonical::write_text(text, &mut body);
        }
        body.extend_from_slice(b",\"version\":1}");
        if body.len() > limit {
            return Err(too_long(limit));
        }
        Ok(Canonical { id: id.0.clone(), topic: topic.clone(), kind: kind.clone(), body: body.into() })
    }
}

/// A message as it is stored, signed and sent.
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub struct Canonical {
    /// Its name.
    pub id: Arc<str>,
    /// Of what.
    pub topic: Arc<str>,
    /// Of which type.
    pub kind: Arc<str>,
    /// All of it, byte for byte.
    pub body: Bytes,
}

/// What is kept of a message beside its body.
#[derive(Deserialize)]
struct Kept {
    topic: String,
}

impl Canonical {
    /// To be written into a store, for these endpoints.
    pub fn publication(&self, endpoints: Vec<Arc<str>>, now: Timestamp) -> Publication {
        let mut head = b"{\"topic\":".to_vec();
        canonical::write_text(&self.topic, &mut head);
        head.push(b'}');
        let (event, kind) = (self.id.clone(), self.kind.clone());
        Publication { event, kind, head: head.into(), body: self.body.clone(), endpoints, now }
    }

    /// From what [`publication`](Self::publication) wrote; `None` if it is something else.
    pub fn stored(event: &StoredEvent) -> Option<Self> {
        let StoredEvent { id, kind, head, body, .. } = event;
        let Kept { topic } = serde_json::from_slice(head).ok()?;
        let kind = kind.clone()?;
        (is_name(&topic) && is_name(&kind)).then(|| Canonical {
            id: id.clone(),
            topic: topic.into(),
            kind,
            body: body.clone(),
        })
    }
}

/// Prints all but the body, which is its receiver's.
impl fmt::Debug for Canonical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Canonical { id, topic, kind, body } = self;
        write!(f, "Canonical({id} {topic} {kind}, {} bytes)", body.len())
    }
}

/// What of a message cannot be sent: for its publisher, in a sentence.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MessageError(String);

impl fmt::Display for MessageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for MessageError {}

fn is_name(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn too_long(limit: usize) -> MessageError {
    MessageError(format!("the message is longer than {limit} bytes: send what is big by a link"))
}

/// Always with milliseconds, so that texts sort as times do.
fn time_text(time: Timestamp) -> Result<String, MessageError> {
    let text = TimeFormat::Rfc3339.print(time);
    match (text.strip_suffix('Z'), text.contains('.')) {
        (Some(_), true) => Ok(text),
        (Some(whole), false) => Ok(format!("{whole}.000Z")),
        (None, _) => Err(MessageError("the time is outside of the years 0 to 9999".into())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn message(payload: &str) -> Message {
        Message {
            id: MessageId::new("msg_1").unwrap(),
            time: Timestamp::from_unix(1_700_000_000),
            topic: "billing".into(),
            kind: "invoice.paid".into(),
            payload: Bytes::copy_from_slice(payload.as_bytes()),
        }
    }

    #[test]
    fn a_message_has_one_spelling_however_its_payload_was_spelled() {
        let wanted = r#"{"data":{"a":1,"b":"ü"},"id":"msg_1","time":"2023-11-14T22:13:20.000Z","topic":"billing","type":"invoice.paid","version":1}"#;
        for payload in [r#"{"a":1,"b":"ü"}"#, " { \"b\" : \"\\u00fc\",\n\"a\":1.0 } "] {
            assert_eq!(message(payload).canonical(MAX_MESSAGE).unwrap().body, wanted);
        }
        let mut later = message("1");
        later.time = Timestamp::from_unix_ms(1_700_000_000_007);
        let body = later.canonical(MAX_MESSAGE).unwrap().body;
        assert!(body.windows(26).any(|w| w == b"\"2023-11-14T22:13:20.007Z\""));
    }

    #[test]
    fn what_cannot_be_sent_is_told_with_its_place_and_without_its_value() {
        let told = |payload: &str| message(payload).canonical(MAX_MESSAGE).unwrap_err().to_string();
        assert_eq!(
            told(r#"{"amount":98765432109876543}"#),
            "the payload cannot be sent: `/amount` is a number beyond 9007199254740991, of which not every reader makes the same: write it as a text"
        );
        assert_eq!(told(r#"{"a":1,"a":1}"#), "the payload cannot be sent: `/a` stands twice in its object");
        assert_eq!(told("{"), "the payload cannot be sent: it is no JSON (at line 1, column 1)");
    }

    #[test]
    fn the_limit_is_of_the_whole_message_and_a_name_is_visible_ascii() {
        let whole = message("1").canonical(MAX_MESSAGE).unwrap().body.len();
        assert!(message("1").canonical(whole).is_ok());
        assert!(message("1").canonical(whole - 1).unwrap_err().to_string().contains("longer than"));
        for bad in ["", "a b", "a\r\nx: 1", "ü", &"x".repeat(MAX_NAME + 1)] {
            let (mut topic, mut kind) = (message("1"), message("1"));
            (topic.topic, kind.kind) = (bad.into(), bad.into());
            assert!(topic.canonical(MAX_MESSAGE).is_err() && kind.canonical(MAX_MESSAGE).is_err(), "{bad:?}");
        }
        for bad in ["", "a.b", "a b", "a\n", &"x".repeat(65)] {
            assert!(MessageId::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn made_ids_sort_by_time_and_are_ids() {
        let early = MessageId::made(Timestamp::from_unix(1_700_000_000), [255; 10]);
        let late = MessageId::made(Timestamp::from_unix_ms(1_700_000_000_001), [0; 10]);
        assert_eq!(early.as_str(), "msg_018bcfe56800ffffffffffffffffffff");
        assert!(early.as_str() < late.as_str() && MessageId::new(late.as_str()).is_ok());
    }

    #[test]
    fn what_is_published_comes_back_from_the_store_as_it_was() {
        let canonical = message("{}").canonical(MAX_MESSAGE).unwrap();
        let Publication { event, kind, head, body, .. } =
            canonical.publication(vec![], Timestamp::from_unix(0));
        let mut stored = StoredEvent {
            id: event,
            source: "published".into(),
            at: Timestamp::from_unix(0),
            key: "".into(),
            message_id: None,
            refused: None,
            kind: Some(kind),
            head,
            size: body.len() as u64,
            body,
        };
        assert_eq!(Canonical::stored(&stored), Some(canonical));
        stored.head = Bytes::from_static(b"{\"method\":\"POST\"}");
        assert_eq!(Canonical::stored(&stored), None);
    }
}
