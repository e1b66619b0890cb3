//! What goes into a store and comes out: plain data, owned, the same for every engine.

use crate::Histogram;
use bytes::Bytes;
use countersign::Timestamp;
use std::sync::Arc;

/// One request as an operator sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuditRow {
    /// When it came.
    pub at: Timestamp,

    /// Which source; empty if no source has its path.
    pub source: Arc<str>,

    /// `ok`, a reason's code, or a word of the host's. Few in number: rows are counted and searched by it.
    pub outcome: Arc<str>,

    /// What the sender was answered.
    pub status: u16,

    /// The event that was recorded for it.
    pub event: Option<Arc<str>>,

    /// The rest as a JSON object, which no engine reads.
    pub columns: Bytes,

    /// What [`outcome`](Self::outcome) and [`status`](Self::status) are instead if the request was accepted before. Not kept.
    pub repeated: Option<(Arc<str>, u16)>,
}

/// An accepted request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredEvent {
    /// Our name for it.
    pub id: Arc<str>,
    /// Whose.
    pub source: Arc<str>,
    /// When it was accepted.
    pub at: Timestamp,
    /// Which key signed.
    pub key: Arc<str>,
    /// The sender's own name for the message.
    pub message_id: Option<Arc<str>>,
    /// What it would have been refused for, if its source is only observed. If it did not verify, [`key`](Self::key) is empty.
    pub refused: Option<Arc<str>>,
    /// Its type.
    pub kind: Option<Arc<str>>,
    /// Method, URL and headers, as the host wrote them.
    pub head: Bytes,
    /// The body, byte for byte; empty in listings.
    pub body: Bytes,
    /// How long the body is, in bytes.
    pub size: u64,
}

/// Counts of one source, hour and outcome; in [`Store::tally`](crate::Store::tally) what is to be added.
#[derive(Clone, Debug, PartialEq)]
pub struct Tally {
    /// Whose.
    pub source: Arc<str>,
    /// The hour's first moment.
    pub hour: Timestamp,
    /// As in [`AuditRow::outcome`].
    pub outcome: Arc<str>,
    /// How many.
    pub count: u64,
    /// The last of them.
    pub last_at: Timestamp,
    /// How long they took, in microseconds.
    pub micros: Histogram,
}

/// When a key last matched.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyUse {
    /// Whose.
    pub source: Arc<str>,
    /// Which.
    pub key: Arc<str>,
    /// When.
    pub at: Timestamp,
}

/// A delivery that one worker alone may attempt, for now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Leased {
    /// To settle it with.
    pub fence: Fence,
    /// Where it goes.
    pub endpoint: Arc<str>,
    /// How many attempts were made since it was queued, this one not counted.
    pub attempts: u32,
    /// How many leases of it ran out that are not counted among the attempts. One may be let pass. Who is given more makes no
    /// attempt, and [settles](crate::Store::settle) it as one that failed: that counts for those beyond the first, and the endpoint is not
    /// blamed for it.
    pub lost: u32,
    /// When the first attempt failed of those to its endpoint since the last that arrived, where it has a row.
    pub failing_since: Option<Timestamp>,
    /// What is delivered, whole.
    pub event: StoredEvent,
}

/// One lease of one delivery.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fence {
    /// Which.
    pub delivery: Arc<str>,
    /// Which lease of it.
    pub number: u64,
}

/// How an attempt went, and what comes after it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attempt {
    /// When it ended.
    pub at: Timestamp,
    /// `None`: no answer.
    pub status: Option<u16>,
    /// Why it failed, in at most 200 characters; for operators.
    pub error: Option<Arc<str>>,
    /// What comes after.
    pub next: Next,
}

/// What comes after an attempt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Next {
    /// Nothing: delivered.
    Done,
    /// Another.
    Retry(Timestamp),
    /// A dead letter.
    GiveUp,
    /// It is given back: it waits for its endpoint to be resumed. No attempt was made, none is counted, and what the last one said stays. If the
    /// endpoint is not paused any more, or has no row, it is due at once: nobody would resume it.
    Hold,
}

/// Whether an attempt was written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use = "an attempt that was not written is another worker's"]
pub enum Settled {
    /// Yes.
    Written,
    /// No: the lease was lost.
    Fenced,
}

/// A delivery as an operator sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Delivery {
    /// Its name.
    pub id: Arc<str>,
    /// Of which event.
    pub event: Arc<str>,
    /// The event's type.
    pub kind: Option<Arc<str>>,
    /// When the event was accepted.
    pub accepted_at: Timestamp,
    /// Where it goes.
    pub endpoint: Arc<str>,
    /// How far it is.
    pub state: DeliveryState,
    /// How many attempts were made since it was queued.
    pub attempts: u32,
    /// When it is due, or leased until; when it ended, or was held.
    pub at: Timestamp,
    /// The last attempt's answer.
    pub status: Option<u16>,
    /// Why the last attempt failed.
    pub error: Option<Arc<str>>,
}

/// How far a delivery is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum DeliveryState {
    /// It waits for its time.
    Waiting,
    /// A worker has it.
    Leased,
    /// It arrived.
    Done,
    /// Given up: a dead letter.
    Dead,
    /// Its endpoint is paused.
    Held,
    /// Given up by an operator, for good.
    Cancelled,
}

impl DeliveryState {
    /// As in JSON and on the command line.
    pub const WORDS: [(&'static str, DeliveryState); 6] = [
        ("waiting", Self::Waiting),
        ("leased", Self::Leased),
        ("done", Self::Done),
        ("dead", Self::Dead),
        ("held", Self::Held),
        ("cancelled", Self::Cancelled),
    ];

    /// What it is called.
    pub const fn word(self) -> &'static str {
        Self::WORDS[self as usize].0
    }
}

/// How many deliveries are in each state, and since when the longest waits.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Queued {
    /// Due, or to be.
    pub waiting: u64,
    /// Under way.
    pub leased: u64,
    /// Given up, but not by an operator.
    pub dead: u64,
    /// Of endpoints that are paused.
    pub held: u64,
    /// When the first event was accepted that is neither delivered nor given up.
    pub oldest: Option<Timestamp>,
}

/// What to look for. Whatever is `None` is not looked at.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Search {
    /// Of this source.
    pub source: Option<Arc<str>>,
    /// With this outcome (audit), or of this type (events); `prefix.*` means every type that begins so.
    pub word: Option<Arc<str>>,
    /// At this moment or later.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub to: Option<Timestamp>,
    /// Behind this place of a listing, in its direction.
    pub after: Option<Cursor>,
    /// The oldest first.
    pub oldest_first: bool,
    /// At most so many; 1 to 1000, and 0 means 100.
    pub max: usize,
}

/// A part of a listing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Page<T> {
    /// What was found.
    pub rows: Vec<T>,
    /// To go on with. It is there even if nothing follows yet, so that a listing can be followed as it grows; `None` if nothing
    /// was ever found.
    pub next: Option<Cursor>,
}

/// A place in a listing, opaque: `[A-Za-z0-9_-]`, so that it can stand in a URL.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cursor(pub Arc<str>);

/// What a store knows of a source: all of it, or what was changed about one that stands in the configuration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SourceRow {
    /// Its name.
    pub name: Arc<str>,
    /// Its table in TOML; `None` if it stands in the configuration.
    pub table: Option<Arc<str>>,
    /// Whether it receives.
    pub enabled: bool,
    /// What is done with refused requests, if that was changed: a word of the configuration.
    pub enforce: Option<Arc<str>>,
    /// Until when it waits for a secret that a set-up challenge hands over.
    pub learns_until: Option<Timestamp>,
    /// When this was written.
    pub changed_at: Timestamp,
}

/// A secret, sealed: what an engine holds is of no use without the key that it does not hold.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SecretRow {
    /// Whose.
    pub source: Arc<str>,
    /// Its name.
    pub id: Arc<str>,
    /// The secret, encrypted by the host.
    pub sealed: Bytes,
    /// By which people tell secrets apart without seeing them.
    pub fingerprint: Arc<str>,
    /// Whether it verifies.
    pub state: SecretState,
    /// Not usable before this.
    pub not_before: Option<Timestamp>,
    /// Not usable from this on.
    pub not_after: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Whether a secret verifies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SecretState {
    /// It does.
    Live,
    /// It was learnt from a challenge, and an operator has not confirmed it.
    Pending,
}

/// How much is kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Keep {
    /// Forget events and rows from before this moment, and hours that ended by then.
    pub before: Timestamp,
    /// Keep at most so many bytes of heads and bodies, the newest.
    pub bytes: Option<u64>,
    /// The present: claims that ended before it are forgotten.
    pub now: Timestamp,
}
