//! Events: what was accepted, and what became of it.

use super::{ErrorCode, Listing, Moment, OperateError, Operator};
use crate::receive::is_safe;
use bytes::Bytes;
use countersign_store::{Delivery, Search, StoredEvent};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which events.
#[derive(Clone, Debug, Default, Deserialize, Eq, IntoParams, PartialEq)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct EventSearch {
    /// Of this source.
    pub source: Option<String>,

    /// Of this type; `invoice.*` means every type that begins so.
    #[serde(rename = "type")]
    pub kind: Option<String>,

    /// Accepted at this moment or later.
    #[param(value_type = Option<String>, format = DateTime)]
    pub from: Option<Moment>,

    /// Accepted before this moment.
    #[param(value_type = Option<String>, format = DateTime)]
    pub to: Option<Moment>,

    /// Behind this place of a listing: its `next`.
    pub after: Option<String>,

    /// The oldest first, as a listing is followed.
    pub oldest_first: bool,

    /// At most so many: 1 to 1000.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    pub max: Option<usize>,
}

/// An event in a listing.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct EventLine {
    /// Our name for it.
    pub id: String,
    /// Whose.
    pub source: String,
    /// When it was accepted.
    pub at: Moment,
    /// Its type, where the preset says where that is.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Which key signed; empty if none did.
    pub key: String,
    /// The sender's own name for the message, if it was signed.
    pub message_id: Option<String>,
    /// Why it did not verify, if its source is only observed.
    pub refused: Option<String>,
    /// How long the body is, in bytes.
    pub size: u64,
}

/// An event, whole.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct EventShown {
    /// What stands in listings.
    #[serde(flatten)]
    pub line: EventLine,
    /// The request, as every command reads one. Headers that may be credentials are not kept.
    pub request: RequestShown,
    /// What became of it.
    pub deliveries: Vec<DeliveryLine>,
}

/// A request that was kept.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct RequestShown {
    /// In upper case.
    pub method: String,

    /// In full, where it is known what the gateway is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub url: Option<String>,

    /// Path and query, where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub target: Option<String>,

    /// Pairs of a name and a value, in their order.
    #[schema(value_type = Vec<Vec<HeaderText>>)]
    pub headers: Vec<(String, HeaderText)>,

    /// The body, if it is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub body: Option<String>,

    /// The body in base64, if it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub body_base64: Option<String>,
}

/// What a header says.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum HeaderText {
    /// UTF-8.
    Text(String),
    /// Anything else.
    Bytes {
        /// Its bytes.
        base64: String,
    },
}

/// A delivery of an event.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct DeliveryLine {
    /// Its name.
    pub id: String,
    /// Where it goes: an endpoint, or a source's name, and behind a slash its target's or `forward`.
    pub endpoint: String,
    /// `waiting`, `leased`, `done`, `dead`, `held` or `cancelled`.
    pub state: String,
    /// How many attempts were made since it was queued.
    pub attempts: u32,
    /// When it is due, or leased until; when it ended.
    pub at: Moment,
    /// The last attempt's answer.
    pub status: Option<u16>,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

impl Operator {
    /// Events that fit, the newest first unless it is asked for otherwise, without their bodies.
    pub async fn events(&self, search: &EventSearch) -> Result<Listing<EventLine>, OperateError> {
        let EventSearch { source, kind, from, to, after, oldest_first, max } = search;
        if let Some(kind) = kind {
            expect_pattern(kind)?;
        }
        let asked = Search {
            source: source.as_deref().map(Into::into),
            word: kind.as_deref().map(Into::into),
            from: from.map(|at| at.0),
            to: to.map(|at| at.0),
            after: super::cursor(after.as_deref()),
            oldest_first: *oldest_first,
            max: super::most(*max)?,
        };
        let page = self.store().events(asked).await?;
        if page.rows.is_empty() && after.is_none() {
            self.expect_source(source.as_deref()).await?;
        }
        Ok(Listing::new(page, |event| EventLine::of(&event)))
    }

    /// One event, with its request and its deliveries.
    pub async fn event(&self, id: &str) -> Result<EventShown, OperateError> {
        let event = self.stored_event(id).await?;
        let deliveries = self.store().deliveries(event.id.clone()).await?;
        Ok(EventShown {
            line: EventLine::of(&event),
            request: RequestShown::of(&event)?,
            deliveries: deliveries.into_iter().map(Into::into).collect(),
        })
    }

    /// The body of one, byte for byte.
    pub async fn event_body(&self, id: &str) -> Result<Bytes, OperateError> {
        Ok(self.stored_event(id).await?.body)
    }

    pub(super) async fn stored_event(&self, id: &str) -> Result<StoredEvent, OperateError> {
        self.store().event(id.into()).await?.ok_or_else(|| {
            let says = format!("there is no event `{}`", id.escape_debug());
            OperateError::new(ErrorCode::UnknownEvent, says).help(
                "`countersign event list` shows those that are kept; `[store] keep` says how long they are",
            )
        })
    }
}

impl EventLine {
    fn of(event: &StoredEvent) -> Self {
        let StoredEvent { id, source, at, key, message_id, refused, kind, size, .. } = event;
        let text = |text: &Option<std::sync::Arc<str>>| text.as_deref().map(str::to_owned);
        EventLine {
            id: id.to_string(),
            source: source.to_string(),
            at: (*at).into(),
            kind: text(kind),
            key: key.to_string(),
            message_id: text(message_id),
            refused: text(refused),
            size: *size,
        }
    }
}

/// A head as it is kept.
#[derive(Deserialize)]
pub(super) struct Kept {
    /// A message that was published has none yet: each attempt makes its own.
    #[serde(default = "post")]
    pub(super) method: String,
    pub(super) url: Option<String>,
    pub(super) target: Option<String>,
    #[serde(default)]
    pub(super) headers: Vec<(String, HeaderText)>,
}

fn post() -> String {
    "POST".into()
}

impl Kept {
    pub(super) fn of(event: &StoredEvent) -> Result<Self, OperateError> {
        serde_json::from_slice(&event.head).map_err(|_| {
            let says = format!("the head of `{}` cannot be read as it is kept", event.id);
            OperateError::new(ErrorCode::Unreadable, says)
        })
    }
}

impl RequestShown {
    fn of(event: &StoredEvent) -> Result<Self, OperateError> {
        let Kept { method, url, target, mut headers } = Kept::of(event)?;
        // Kept for a target that asked for it, and for nobody else to see.
        for (_, value) in headers.iter_mut().filter(|(name, _)| !is_safe(name)) {
            *value = HeaderText::Text("withheld".into());
        }
        let text = std::str::from_utf8(&event.body).ok().map(str::to_owned);
        let bytes = || base64_simd::STANDARD.encode_to_string(&event.body);
        let (body, body_base64) = match text {
            Some(text) => (Some(text), None),
            None => (None, Some(bytes())),
        };
        Ok(RequestShown { method, url, target, headers, body, body_base64 })
    }
}

impl From<Delivery> for DeliveryLine {
    fn from(delivery: Delivery) -> Self {
        let Delivery { id, endpoint, state, attempts, at, status, error, .. } = delivery;
        DeliveryLine {
            id: id.to_string(),
            endpoint: endpoint.to_string(),
            state: state.word().into(),
            attempts,
            at: at.into(),
            status,
            error: error.map(|error| error.to_string()),
        }
    }
}

/// A store looks for a type or for how it begins: another star would be looked for as a star, and found nowhere.
pub(super) fn expect_pattern(kind: &str) -> Result<(), OperateError> {
    if !kind.strip_suffix(".*").unwrap_or(kind).contains('*') {
        return Ok(());
    }
    let says = format!("`{}`: a star stands for the rest of a type, behind a dot", kind.escape_debug());
    Err(OperateError::new(ErrorCode::InvalidArgument, says)
        .help("write a whole type, such as `invoice.paid`, or how it begins: `invoice.*`"))
}
