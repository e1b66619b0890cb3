//! Sending: a message is written down with where it goes, and delivered from then on.

use super::types::{check_payload, find};
use super::{DeliveryLine, ErrorCode, Moment, OperateError, Operator};
use crate::outbound::called;
use bytes::Bytes;
use countersign_delivery::{MAX_MESSAGE, Message, MessageId};
use countersign_store::{EndpointRow, Published};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::sync::Arc;
use utoipa::ToSchema;

/// What a message is about when nothing is said.
const TOPIC: &str = "events";

/// A message to be sent.
#[derive(Debug, Deserialize, ToSchema)]
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

    /// Its name, which receivers tell a second copy by, and by which asking twice sends once: 1 to 64 letters, digits, `_` and `-`.
    /// Default: one is made.
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
        if self.store().publish(canonical.publication(to, now)).await? == Published::Taken {
            let says = format!("there is an event called `{}` already, and nothing was sent", canonical.id);
            return Err(OperateError::new(ErrorCode::Taken, says).help(format!(
                "`countersign event show {0}` shows it; to send it again: `countersign dead redrive`, or another id",
                canonical.id
            )));
        }
        self.wake();
        let deliveries = self.store().deliveries(canonical.id.clone()).await?;
        Ok(MessageSent {
            id: canonical.id.to_string(),
            kind: canonical.kind.to_string(),
            topic: canonical.topic.to_string(),
            size: canonical.body.len(),
            deliveries: deliveries.into_iter().map(Into::into).collect(),
        })
    }

    /// The endpoints that a message of this type goes to.
    async fn wanting(&self, kind: &str, named: Option<&[String]>) -> Result<Vec<Arc<str>>, OperateError> {
        let rows = self.store().endpoints().await?;
        let Some(named) = named else {
            let config = self.current();
            let wants = |row: &&EndpointRow| match config.read_endpoint(&called(&row.name), &row.table) {
                Ok(endpoint) => endpoint.events.is_none_or(|events| events.fit(kind)),
                // What it wants cannot be read: it waits for an operator, and nothing is lost meanwhile.
                Err(_) => true,
            };
            return Ok(rows.iter().filter(wants).map(|row| row.name.clone()).collect());
        };
        let mut to: Vec<Arc<str>> = Vec::new();
        for name in named {
            let row = rows.iter().find(|row| *row.name == **name);
            let row = row.ok_or_else(|| super::endpoints::unknown(name, &rows))?;
            if !to.contains(&row.name) {
                to.push(row.name.clone());
            }
        }
        Ok(to)
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
