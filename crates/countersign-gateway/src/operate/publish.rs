//! Sending: a message is written down with where it goes, and delivered from then on.

use super::types::{check_payload, find};
use super::{DeliveryLine, ErrorCode, Moment, OperateError, Operator};
use crate::config::{Config, Events};
use crate::outbound::called;
use bytes::Bytes;
use countersign_delivery::{MAX_MESSAGE, Message, MessageId};
use countersign_store::{Delivery, EndpointRow, PUBLISHED, Published};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, PoisonError};
use utoipa::ToSchema;

/// What a message is about when nothing is said.
pub const TOPIC: &str = "events";

/// A message to be sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMessage {
    /// Its type, which has to be declared.
    #[serde(rename = "type")]
    pub kind: String,

    /// What it says: any JSON.
    #[schema(value_type = serde_json::Value)]
    pub payload: Box<RawValue>,

    /// What it is about: visible characters of ASCII. Default: `events`.
    #[serde(default)]
    #[schema(nullable = false)]
    pub topic: Option<String>,

    /// Its name, which receivers tell a second copy by, and by which asking twice sends once, for as long as the first is kept: 1 to 64
    /// letters, digits, `_` and `-`. Asking once more with the same message is answered as the first time. Default: one is made.
    #[serde(default)]
    #[schema(nullable = false)]
    pub id: Option<String>,

    /// When it happened. Default: now.
    #[serde(default)]
    #[schema(nullable = false)]
    pub time: Option<Moment>,

    /// Only to these endpoints, whatever their filters say. Default: to every one whose filter fits.
    #[serde(default)]
    #[schema(nullable = false)]
    pub endpoints: Option<Vec<String>>,
}

/// Prints all but the payload, which is its receiver's.
impl fmt::Debug for NewMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NewMessage { kind, payload: _, topic, id, time, endpoints } = self;
        let mut shown = f.debug_struct("NewMessage");
        shown.field("type", kind).field("topic", topic).field("id", id).field("time", time);
        shown.field("endpoints", endpoints).finish_non_exhaustive()
    }
}

/// A message that was written down, and is delivered from then on.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct MessageSent {
    /// Its name: of an event whose deliveries can be looked at.
    pub id: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is about.
    pub topic: String,
    /// How long it is, in bytes.
    pub size: usize,
    /// Where it goes. Empty: nobody subscribes to its type, and it is kept all the same.
    pub deliveries: Vec<DeliveryLine>,
    /// It had been written down before, and was not again: this is what has become of it.
    pub repeated: bool,
}

/// All endpoints as they were at one revision of the store.
pub(super) struct Subscribers {
    config: Arc<Config>,
    revision: u64,
    /// By name.
    of: Vec<Subscriber>,
}

/// What one endpoint wants.
#[derive(Clone)]
struct Subscriber {
    name: Arc<str>,
    table: Arc<str>,
    /// None: everything; or what it wants cannot be read. Then it waits for an operator, and nothing is lost meanwhile.
    events: Option<Events>,
}

impl Subscriber {
    fn read(config: &Config, EndpointRow { name, table, .. }: EndpointRow) -> Self {
        let events = config.read_endpoint(&called(&name), &table).ok().and_then(|endpoint| endpoint.events);
        Subscriber { name, table, events }
    }

    fn wants(&self, kind: &str) -> bool {
        self.events.as_ref().is_none_or(|events| events.fit(kind))
    }
}

impl Operator {
    /// Write a message down with a delivery for each endpoint that wants it. A gateway that runs on this store delivers it.
    pub async fn publish(&self, new: &NewMessage) -> Result<MessageSent, OperateError> {
        let NewMessage { kind, payload, topic, id, time, endpoints } = new;
        let types = self.store().event_types().await?;
        let declared = find(kind, &types)?;
        let now = self.now();
        let id = match id {
            Some(id) => MessageId::new(id).map_err(|error| invalid(&error.to_string()))?,
            None => MessageId::made(now, self.bytes()?),
        };
        let message = Message {
            id,
            time: time.map_or(now, |at| at.0),
            topic: topic.as_deref().unwrap_or(TOPIC).into(),
            kind: kind.as_str().into(),
            payload: Bytes::copy_from_slice(payload.get().as_bytes()),
        };
        let canonical = message.canonical(MAX_MESSAGE).map_err(|error| invalid(&error.to_string()))?;
        // Behind that, for then it is neither too long nor too deep.
        check_payload(declared, payload.get()).await?;
        let to = self.wanting(kind, endpoints.as_deref()).await?;
        let repeated =
            self.store().publish(canonical.publication(to.clone(), now)).await? == Published::Taken;
        let deliveries = self.store().deliveries(canonical.id.clone()).await?;
        if repeated {
            let to = endpoints.as_ref().map(|_| to);
            let same = self.is_there(message, time.is_some(), to.map(|to| (to, &*deliveries))).await?;
            if !same {
                let says =
                    format!("there is another event called `{}` already, and nothing was sent", canonical.id);
                return Err(OperateError::new(ErrorCode::Taken, says).help(format!(
                    "`countersign event show {0}` shows it; to send it again: `countersign dead redrive`, or another id",
                    canonical.id
                )));
            }
        }
        self.wake();
        Ok(MessageSent {
            id: canonical.id.to_string(),
            kind: canonical.kind.to_string(),
            topic: canonical.topic.to_string(),
            size: canonical.body.len(),
            deliveries: deliveries.into_iter().map(Into::into).collect(),
            repeated,
        })
    }

    /// Whether this very message is what is there by its name: byte for byte, but for a time that nobody said, and to the
    /// endpoints that were named, if any were. Whoever heard no answer asks again, and has to hear that it is done.
    async fn is_there(
        &self,
        message: Message,
        timed: bool,
        to: Option<(Vec<Arc<str>>, &[Delivery])>,
    ) -> Result<bool, OperateError> {
        #[derive(Deserialize)]
        struct Kept {
            time: Moment,
        }
        let Some(event) = self.store().event(message.id.as_str().into()).await? else { return Ok(false) };
        let Ok(Kept { time }) = serde_json::from_slice(&event.body) else { return Ok(false) };
        let time = if timed { message.time } else { time.0 };
        let same =
            Message { time, ..message }.canonical(MAX_MESSAGE).is_ok_and(|same| same.body == event.body);
        let there = to.is_none_or(|(to, there)| {
            let there: HashSet<&str> = there.iter().map(|one| &*one.endpoint).collect();
            there == to.iter().map(|name| &**name).collect()
        });
        Ok(*event.source == *PUBLISHED && same && there)
    }

    /// The endpoints that a message of this type goes to.
    async fn wanting(&self, kind: &str, named: Option<&[String]>) -> Result<Vec<Arc<str>>, OperateError> {
        let known = self.subscribers().await?;
        let Some(named) = named else {
            return Ok(known.of.iter().filter(|one| one.wants(kind)).map(|one| one.name.clone()).collect());
        };
        let (mut to, mut seen) = (Vec::new(), HashSet::new());
        for name in named {
            let Ok(place) = known.of.binary_search_by(|one| (*one.name).cmp(name)) else {
                return Err(super::endpoints::unknown(name, &self.store().endpoints().await?));
            };
            let name = &known.of[place].name;
            if seen.insert(name) {
                to.push(name.clone());
            }
        }
        Ok(to)
    }

    /// Every endpoint with what it wants. Tables are read when they have changed: there may be thousands, and a message goes by
    /// each of them.
    async fn subscribers(&self) -> Result<Arc<Subscribers>, OperateError> {
        let config = self.current();
        // Before they are read: what changes meanwhile is read the next time.
        let revision = self.store().revision().await?;
        let held = || self.subscribers.lock().unwrap_or_else(PoisonError::into_inner);
        let before = held().clone().filter(|before| Arc::ptr_eq(&before.config, &config));
        if let Some(before) = before.as_ref().filter(|before| before.revision == revision) {
            return Ok(before.clone());
        }
        let rows = self.store().endpoints().await?;
        let read = move || {
            let known = before.iter().flat_map(|before| &before.of);
            let known: HashMap<&str, &Subscriber> = known.map(|one| (&*one.name, one)).collect();
            let subscriber = |row: EndpointRow| {
                let known = known.get(&*row.name).filter(|known| known.table == row.table);
                known.map_or_else(|| Subscriber::read(&config, row), |known| (*known).clone())
            };
            let mut of: Vec<Subscriber> = rows.into_iter().map(subscriber).collect();
            of.sort_by(|one, other| one.name.cmp(&other.name));
            Arc::new(Subscribers { config: config.clone(), revision, of })
        };
        let read = tokio::task::spawn_blocking(read).await.map_err(|_| {
            OperateError::new(ErrorCode::StoreUnavailable, "reading the endpoints failed").help("try again")
        })?;
        *held() = Some(read.clone());
        Ok(read)
    }

    pub(super) fn bytes<const N: usize>(&self) -> Result<[u8; N], OperateError> {
        let mut bytes = [0; N];
        match (self.chance)(&mut bytes) {
            true => Ok(bytes),
            false => Err(OperateError::new(
                ErrorCode::NoChance,
                "this system gives no random bytes: no id was made",
            )),
        }
    }
}

fn invalid(says: &str) -> OperateError {
    OperateError::new(ErrorCode::InvalidPayload, says)
}
