//! Types of events: declared before anything of them is sent, or subscribed to.
//!
//! A type that nobody declared is most often one that somebody misspelt: an endpoint that waits for `invoice.payed` would wait for ever.
//! So every place that names a type is held against those that are declared, and is told them.

use super::{ErrorCode, Moment, OperateError, Operator, schema};
use crate::config::Events;
use countersign::config::{nearest, one_of};
use countersign_delivery::MAX_NAME;
use countersign_store::EventTypeRow;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// How many types are named to whoever named an unknown one.
const TOLD: usize = 12;

/// A type of events.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct EventType {
    /// Its name.
    pub name: String,
    /// For people.
    pub description: String,
    /// The JSON Schema that payloads are valid by.
    pub schema: Option<Value>,
    /// When this was written.
    pub changed_at: Moment,
}

/// A type to be declared.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NewEventType {
    /// Its name: `invoice.paid`. Letters, digits and `_`, `-`, with dots between words.
    pub name: String,
    /// For people.
    pub description: String,
    /// A JSON Schema (draft 2020-12 unless it says another) that payloads have to be valid by. It refers to nothing outside of itself.
    #[schema(nullable = false)]
    pub schema: Option<Value>,
}

impl Operator {
    /// Every type, by name.
    pub async fn event_types(&self) -> Result<Vec<EventType>, OperateError> {
        Ok(self.store().event_types().await?.into_iter().map(EventType::of).collect())
    }

    /// Declare a type, or say something else of one.
    pub async fn declare(&self, new: &NewEventType) -> Result<EventType, OperateError> {
        let NewEventType { name, description, schema } = new;
        if !is_type(name) {
            let says = format!("`{}` can be no type's name", name.escape_debug());
            return Err(OperateError::new(ErrorCode::InvalidArgument, says)
                .help(format!("write `invoice.paid`, say: at most {MAX_NAME} letters, digits, `_` and `-`, with dots between words")));
        }
        let text = match schema {
            Some(schema) => Some(schema::text_of(schema).await?),
            None => None,
        };
        let row = EventTypeRow {
            name: name.as_str().into(),
            description: description.as_str().into(),
            schema: text.map(Into::into),
            changed_at: self.now(),
        };
        self.store().save_event_type(row.clone()).await?;
        tracing::info!(what = "type add", event_type = &*row.name, "an operator's change");
        Ok(EventType::of(row))
    }

    /// Forget a type. What was sent of it stays; endpoints that name it are refused the next time that they are written.
    pub async fn remove_type(&self, name: &str) -> Result<(), OperateError> {
        if self.store().remove_event_type(name.into()).await? {
            tracing::info!(what = "type remove", event_type = name, "an operator's change");
            return Ok(());
        }
        let known = self.store().event_types().await?;
        Err(unknown(name, &known))
    }
}

impl EventType {
    fn of(row: EventTypeRow) -> Self {
        let EventTypeRow { name, description, schema, changed_at } = row;
        EventType {
            name: name.to_string(),
            description: description.to_string(),
            schema: schema.and_then(|text| serde_json::from_slice(&text).ok()),
            changed_at: changed_at.into(),
        }
    }
}

/// That each pattern fits a type that is declared; `*` fits what there will be.
pub(super) fn expect_known(events: &Events, known: &[EventTypeRow]) -> Result<(), OperateError> {
    let fits =
        |pattern: &&str| *pattern != "*" && !known.iter().any(|row| Events::one(pattern).fit(&row.name));
    events.patterns().find(fits).map_or(Ok(()), |pattern| Err(unknown(pattern, known)))
}

/// The type of this name.
pub(super) fn find<'k>(name: &str, known: &'k [EventTypeRow]) -> Result<&'k EventTypeRow, OperateError> {
    known.iter().find(|row| *row.name == *name).ok_or_else(|| unknown(name, known))
}

fn unknown(name: &str, known: &[EventTypeRow]) -> OperateError {
    let names = || known.iter().map(|row| &*row.name);
    let says = match known.len() {
        0 => format!("no type `{}` is declared, nor any other", name.escape_debug()),
        1..=TOLD => format!("no type `{}` is declared: {} is", name.escape_debug(), one_of(names())),
        more => {
            let some = names().take(TOLD).collect::<Vec<_>>().join("`, `");
            format!("no type `{}` is declared, but `{some}` and {} more", name.escape_debug(), more - TOLD)
        }
    };
    let help = match nearest(name, names()) {
        Some(near) => format!("did you mean `{near}`? `countersign type list` shows all"),
        None if name.contains('*') => {
            let example = name.replace('*', "made");
            format!("declare a type that it fits: `countersign type add {example}`, say")
        }
        None => format!("`countersign type add {name}` declares it, if it is meant so"),
    };
    OperateError::new(ErrorCode::UnknownType, says).help(help)
}

/// That a payload is valid by the schema of its type, if that has one.
pub(super) async fn check_payload(row: &EventTypeRow, payload: &str) -> Result<(), OperateError> {
    let Some(text) = &row.schema else { return Ok(()) };
    let read = (serde_json::from_slice(text), serde_json::from_str(payload));
    let (Ok(schema), Ok(payload)) = read else {
        let says = format!("the schema of `{}` cannot be read as it is kept", row.name);
        return Err(OperateError::new(ErrorCode::Unreadable, says).help("declare the type again"));
    };
    schema::check(schema, payload).await?.map_err(|says| {
        OperateError::new(ErrorCode::InvalidPayload, format!("the payload is no `{}`: {says}", row.name))
            .help("`countersign type list --format json` shows the schemas")
    })
}

fn is_type(name: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
    };
    name.len() <= MAX_NAME && name.split('.').all(word)
}
