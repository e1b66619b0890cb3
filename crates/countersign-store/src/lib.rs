//! What is remembered: events, what was accepted before, audit rows, the queue, sources and their secrets.
//!
//! A [`Store`] is a set of whole operations on owned data. No transaction, closure or row crosses it, so that an engine is
//! free to do many operations in one commit: a request is answered when what it brought is durable, and a hundred
//! requests may share the wait for one disk.
//!
//! ```
//! use countersign::{Context, Draft, Head, Keyring, Registry, Request, Timestamp, Vars};
//! use countersign_store::{AuditRow, Entry, Options, Recorded, Sqlite, Store, record};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let file = folder.path().join("countersign.db");
//! let store = Sqlite::open(&file, Options::default())?;
//! # let mut registry = Registry::new();
//! # registry.add_preset("acme.toml", r#"
//! #     schema = 1
//! #     name = "acme"
//! #     mode = "hmac"
//! #     [hmac]
//! #     algorithm = "sha256"
//! #     signed_template = "{id}.{body}"
//! #     id_source = { header = "x-acme-id" }
//! #     signature_source = { header = "x-acme-signature", encoding = "hex" }
//! #     key = { forms = [{ decode = "text" }] }
//! # "#)?;
//! # let (keys, vars) = (Keyring::of("It's a Secret to Everybody")?, Vars::new());
//! # let verifier = registry.named("acme")?.verifier("billing", &keys, &vars)?;
//! # let now = Timestamp::from_unix(1_700_000_000);
//! # let body = bytes::Bytes::from_static(b"Hello, World!");
//! # let signed = registry.named("acme")?.signer(&keys, &vars)?
//! #     .sign(&Draft::new("m-1", now, "https://example.com/in", &body)).expect("it signs");
//! # let headers: Vec<_> = signed.headers.iter().map(|(n, v)| (&**n, &**v)).collect();
//! # let request = Request::new(Head::new("POST", "https://example.com/in", &headers), &body);
//! # for first in [true, false] {
//! let verified = verifier.verify(&request, &Context::at(now)).into_verified()?;
//! let entry = Entry {
//!     event: "evt_1".into(),
//!     kind: Some("invoice.paid".into()),
//!     refused: None,
//!     head: "POST /in".into(),
//!     endpoints: vec!["books".into()],
//!     audit: AuditRow {
//!         at: now,
//!         source: "billing".into(),
//!         outcome: "ok".into(),
//!         status: 200,
//!         event: Some("evt_1".into()),
//!         columns: "{}".into(),
//!         repeated: Some(("replayed".into(), 200)),
//!     },
//! };
//! match record(&store, verified, &body, entry, now).await? {
//!     Recorded::Accepted(_) => {} // durable: answer 200
//!     Recorded::Duplicate(_) => {} // it was, some time ago: answer 200 as well
//! }
//! # }
//! let event = store.event("evt_1".into()).await?.expect("it was recorded");
//! assert_eq!(&event.body[..], b"Hello, World!");
//! # assert_eq!(store.audits(Default::default()).await?.rows.len(), 2);
//! # assert_eq!(store.queued().await?.waiting, 1);
//! # Ok(())
//! # }
//! ```
//!
//! The surprising decision is that no engine says that a request was accepted. It answers a [`Claim`], and [`record`]
//! makes the proof of it: in one place, for all engines.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod change;
mod histogram;
mod outbound;
mod record;
mod rows;
mod sqlite;
#[cfg(feature = "suite")]
pub mod suite;

pub use change::{Changed, Edit};
pub use countersign::Claim;
pub use histogram::Histogram;
pub use outbound::{
    DeliverySearch, EndpointRow, EventTypeRow, Lease, NewEndpoint, PUBLISHED, Publication, Published,
    Redriven, of_endpoint,
};
pub use record::{Entry, Record, Recorded, danger, record};
pub use rows::{
    Attempt, AuditRow, Cursor, Delivery, DeliveryState, Fence, Keep, KeyUse, Leased, Next, Page, Queued,
    Search, SecretRow, SecretState, Settled, SourceRow, StoredEvent, Tally,
};
pub use sqlite::{Figures, Options, Sqlite};

use countersign::Timestamp;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// What every operation gives back. It borrows nothing but the store.
pub type Reply<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// What is remembered, and the operations on it.
///
/// # What must hold
///
/// * **All or nothing, and durable.** When an operation that writes answers `Ok`, what it wrote survives a crash of the
///   process, of the system and of the power. When it answers an error, nothing of it was written. A future that is dropped
///   may have done either.
/// * **[`put`](Self::put) claims like a guard**: of any number of records that share a key of [`Record::claims`], exactly one
///   is told [`Claim::Fresh`], and of no other is anything written but the later end of its keys. The contract of
///   [`countersign::ReplayGuard`] holds, word by word.
/// * **[`change`](Self::change) overwrites nothing that was not seen.** Two operators who read the same and decide at the same time
///   are not both written.
/// * **A lease is exclusive until it ends**, and a [`Fence`] that was overtaken writes nothing.
/// * **Time is an argument.** No engine looks at a clock.
/// * **Bytes come back as they went in**: bodies and heads are not parsed, and not printed again.
///
/// # What a wrong answer costs
///
/// A false `Fresh` lets a recorded request act twice. A false `Ok` loses an event that its sender will not send again. A false
/// error costs one retry of the sender's: an engine that is in doubt says so.
///
/// The feature `suite` has a check for each of these promises: `countersign_store::suite!`.
pub trait Store: Send + Sync + 'static {
    /// Claim, event, audit row and first rows of the queue, in one step. On [`Claim::Seen`] the audit row is written with
    /// [`AuditRow::repeated`] in place of its own outcome and without its event, and nothing else is. A name of an event that is
    /// taken is [`StoreError::Invalid`].
    fn put(&self, record: Record) -> Reply<'_, Claim>;

    /// Write rows of requests that were not recorded, mostly refusals.
    fn audit(&self, rows: Vec<AuditRow>) -> Reply<'_, ()>;

    /// Add counts to the hours of sources.
    fn tally(&self, tallies: Vec<Tally>) -> Reply<'_, ()>;

    /// Remember when keys last matched. An earlier time than the one that is known changes nothing.
    fn matched(&self, uses: Vec<KeyUse>) -> Reply<'_, ()>;

    /// Write an event of our own, and a delivery for each of its endpoints, in one step. Its source is [`PUBLISHED`], its key empty. For
    /// an endpoint that is paused the delivery is held.
    fn publish(&self, publication: Publication) -> Reply<'_, Published>;

    /// Take deliveries that are due, of each endpoint the longest due first, and of endpoints in turn, so that one with a long queue
    /// holds up no other. Each carries a fence that every later lease of it raises. One whose lease ran out is due again, if
    /// its endpoint is not paused; each that is taken over so is told in [`Leased::lost`]. One whose event is damaged becomes a dead letter and takes no other with it. What it costs
    /// grows with the number of endpoints that have something queued, and not with how much is queued.
    fn lease(&self, lease: Lease) -> Reply<'_, Vec<Leased>>;

    /// Report an attempt. Not written if the fence has moved, for someone else has the delivery now; nor if this lease was
    /// settled already, or there is no such delivery, or it was cancelled meanwhile. A lease that ran out can be settled while nobody
    /// else has taken it. If its endpoint has a row, that learns since when it is failing, or that it is not. A report of an attempt that failed
    /// with more than one lease lost stands for those beyond the first: they are not told again, and the endpoint is not blamed.
    fn settle(&self, fence: Fence, attempt: Attempt) -> Reply<'_, Settled>;

    /// Queue dead letters again, each due at its moment; and with `force` what arrived, too. Of any number who ask at once for the
    /// same, one is told [`Redriven::Queued`]. To an endpoint that is paused it is held. One answer for each, in their order.
    fn redrive(&self, deliveries: Vec<(Arc<str>, Timestamp)>, force: bool) -> Reply<'_, Vec<Redriven>>;

    /// Give up what waits, is held, is under way or is dead, so that nothing makes it again; for each, in their order, whether it
    /// was any of these. The report of an attempt that is under way is not written.
    fn cancel(&self, deliveries: Vec<Arc<str>>, now: Timestamp) -> Reply<'_, Vec<bool>>;

    /// When the next delivery is due to any endpoint but these, leases that end included; `None` if none waits. What is held has no time.
    fn next_due(&self, but: Vec<Arc<str>>) -> Reply<'_, Option<Timestamp>>;

    /// One delivery.
    fn delivery(&self, id: Arc<str>) -> Reply<'_, Option<Delivery>>;

    /// Deliveries that match, newest first unless `search` says otherwise: by the order in which they were queued.
    fn find_deliveries(&self, search: DeliverySearch) -> Reply<'_, Page<Delivery>>;

    /// Add an endpoint with its secrets, all or nothing; `false` if its name is taken. What is still queued by its name was meant for
    /// one that was removed, and becomes dead letters, be it under way.
    fn add_endpoint(&self, new: NewEndpoint) -> Reply<'_, bool>;

    /// Every endpoint, by name.
    fn endpoints(&self) -> Reply<'_, Vec<EndpointRow>>;

    /// Hold what is queued for an endpoint, and what will be, for this reason; what is under way ends as it ends. `false` if there is
    /// none, or it is paused already: the first reason stays.
    fn pause(&self, endpoint: Arc<str>, reason: Arc<str>, now: Timestamp) -> Reply<'_, bool>;

    /// Send to an endpoint again: what was held is due at `now`, and it is not failing any more. `false` if there is none, or it is not paused.
    fn resume(&self, endpoint: Arc<str>, now: Timestamp) -> Reply<'_, bool>;

    /// Forget an endpoint and its secrets; what is queued for it becomes dead letters. Whether there was one.
    fn remove_endpoint(&self, name: Arc<str>, now: Timestamp) -> Reply<'_, bool>;

    /// Every type of events, by name.
    fn event_types(&self) -> Reply<'_, Vec<EventTypeRow>>;

    /// Write a type, in place of the one that may be there.
    fn save_event_type(&self, row: EventTypeRow) -> Reply<'_, ()>;

    /// Forget a type; whether there was one. Its events stay.
    fn remove_event_type(&self, name: Arc<str>) -> Reply<'_, bool>;

    /// Rows of the audit that match, newest first unless `search` says otherwise. New and old is by the order in which they were
    /// written, not by their times: whoever follows a listing misses none.
    fn audits(&self, search: Search) -> Reply<'_, Page<AuditRow>>;

    /// Events that match, newest first unless `search` says otherwise, without their bodies.
    fn events(&self, search: Search) -> Reply<'_, Page<StoredEvent>>;

    /// One event, whole.
    fn event(&self, id: Arc<str>) -> Reply<'_, Option<StoredEvent>>;

    /// The deliveries of one event.
    fn deliveries(&self, event: Arc<str>) -> Reply<'_, Vec<Delivery>>;

    /// How many deliveries are in each state.
    fn queued(&self) -> Reply<'_, Queued>;

    /// The hours of one source, or of all, from `from` on and before `to`, the oldest first.
    fn hours(&self, source: Option<Arc<str>>, from: Timestamp, to: Timestamp) -> Reply<'_, Vec<Tally>>;

    /// Every source that has a row.
    fn sources(&self) -> Reply<'_, Vec<SourceRow>>;

    /// Every secret, sealed as it was given.
    fn secrets(&self) -> Reply<'_, Vec<SecretRow>>;

    /// Change sources and secrets, one step after the other, all or none, if nobody has since `expected`, the
    /// [`revision`](Self::revision) that was read *before* what this change was decided by. The comparison and the change are one
    /// step: of any number of changes that expect one revision, and change something, one is written. What is to be forgotten and
    /// is not there is passed over.
    fn change(&self, edits: Vec<Edit>, expected: u64) -> Reply<'_, Changed>;

    /// When each key last matched.
    fn key_uses(&self) -> Reply<'_, Vec<KeyUse>>;

    /// A number that grows with every change to sources, secrets, endpoints and types, by whichever process. A
    /// [`change`](Self::change) that found nothing to change leaves it as it is; and so does an endpoint that fails, or does not any
    /// more. That it is paused is a change.
    fn revision(&self) -> Reply<'_, u64>;

    /// Forget up to `max` things that `keep` does not keep; how many were. Zero means that nothing is left to forget. An event
    /// that is neither delivered nor given up stays, if it is held as well, and so does a claim until a day behind its end, whatever
    /// the clock does meanwhile. Room is used again, and not given
    /// back to the disk.
    fn prune(&self, keep: Keep, max: usize) -> Reply<'_, usize>;

    /// Whether it can write now: it does. For readiness, so at most every second or so.
    fn ready(&self) -> Reply<'_, ()>;
}

/// What went wrong. Nothing was written.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum StoreError {
    /// Trying again later may help: it is busy, full or cut off.
    Unavailable(String),

    /// Trying again will not help: say this to the operator.
    Broken(String),

    /// What was asked cannot be, and the store is well: say this to whoever asked.
    Invalid(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Unavailable(what) => write!(f, "the store cannot be used now: {what}"),
            StoreError::Broken(what) => write!(f, "the store cannot be used: {what}"),
            StoreError::Invalid(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for StoreError {}
