//! What is sent rather than received: endpoints and event types, as plain data, and how their deliveries are asked for.

use crate::SecretRow;
use crate::rows::{Cursor, DeliveryState};
use bytes::Bytes;
use countersign::Timestamp;
use std::sync::Arc;

/// The source of every event that was published here instead of received. No source is called so.
pub const PUBLISHED: &str = "published";

/// Whose secrets and hours an endpoint's are, where those of sources stand under their names: `endpoint:books`. No source's
/// name has a colon.
pub fn of_endpoint(endpoint: &str) -> String {
    format!("endpoint:{endpoint}")
}

/// A message to be sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Publication {
    /// Its name, which stays through all attempts. One that is taken is not published again.
    pub event: Arc<str>,
    /// Its type.
    pub kind: Arc<str>,
    /// What the host has to know of it beside its body.
    pub head: Bytes,
    /// What is sent, byte for byte.
    pub body: Bytes,
    /// Where it goes: each becomes a delivery, due at once, or held where the endpoint is paused.
    pub endpoints: Vec<Arc<str>>,
    /// The present.
    pub now: Timestamp,
}

/// Whether a message was published.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use = "what was there already may be another message"]
pub enum Published {
    /// It is durable and queued.
    Fresh,
    /// There is an event of its name. Nothing was written.
    Taken,
}

/// Which deliveries to take.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lease {
    /// By whom: a name of its own among those that work on a store.
    pub worker: Arc<str>,
    /// At most so many in all.
    pub max: usize,
    /// At most so many of any one endpoint.
    pub each: usize,
    /// Of these endpoints at most so many instead; zero for none.
    pub rooms: Vec<(Arc<str>, usize)>,
    /// What is due by now.
    pub now: Timestamp,
    /// Nobody else may take it before this.
    pub until: Timestamp,
}

/// An endpoint: where it is, and whether it is sent to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EndpointRow {
    /// Its name; by it deliveries are queued.
    pub name: Arc<str>,
    /// Its table in TOML.
    pub table: Arc<str>,
    /// Why it is not sent to, and since when.
    pub paused: Option<(Arc<str>, Timestamp)>,
    /// When the first attempt failed of those since the last that arrived.
    pub failing_since: Option<Timestamp>,
    /// When it was added.
    pub created_at: Timestamp,
}

/// An endpoint to be added.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewEndpoint {
    /// Its name.
    pub name: Arc<str>,
    /// Its table in TOML.
    pub table: Arc<str>,
    /// Its secrets, whose source is [`of_endpoint`] its name.
    pub secrets: Vec<SecretRow>,
    /// The present.
    pub now: Timestamp,
}

/// A type of events that was declared.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EventTypeRow {
    /// Its name: `invoice.paid`.
    pub name: Arc<str>,
    /// For people.
    pub description: Arc<str>,
    /// A JSON Schema that payloads have to be valid by, as text.
    pub schema: Option<Bytes>,
    /// When this was written.
    pub changed_at: Timestamp,
}

/// Which deliveries to look for. Whatever is `None` is not looked at.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DeliverySearch {
    /// In this state.
    pub state: Option<DeliveryState>,
    /// To this endpoint.
    pub endpoint: Option<Arc<str>>,
    /// Of events of this type; `prefix.*` means every type that begins so.
    pub kind: Option<Arc<str>>,
    /// Of events that were accepted at this moment or later.
    pub from: Option<Timestamp>,
    /// Of events that were accepted before this moment.
    pub to: Option<Timestamp>,
    /// Behind this place of a listing, in its direction.
    pub after: Option<Cursor>,
    /// The oldest first.
    pub oldest_first: bool,
    /// At most so many; 1 to 1000, and 0 means 100.
    pub max: usize,
}

/// What became of one delivery that was to be made again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Redriven {
    /// It is queued again, its attempts counted afresh.
    Queued,
    /// It arrived since, and was not forced.
    Delivered,
    /// It is queued or under way.
    Waiting,
    /// It was cancelled.
    Cancelled,
    /// There is none of this name.
    Unknown,
}
