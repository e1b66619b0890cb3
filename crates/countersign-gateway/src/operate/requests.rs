//! The audit: every request that got a row, refused ones as well.

use super::{Listing, Moment, OperateError, Operator};
use countersign_store::{AuditRow, Search};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which requests.
#[derive(Clone, Debug, Default, Deserialize, Eq, IntoParams, PartialEq)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct RequestSearch {
    /// Of this source.
    pub source: Option<String>,

    /// With this outcome: `ok`, `replayed`, `bad_signature` and so on.
    pub outcome: Option<String>,

    /// At this moment or later.
    #[param(value_type = Option<String>, format = DateTime)]
    pub from: Option<Moment>,

    /// Before this moment.
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

/// One request as an operator sees it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct RequestLine {
    /// When it came.
    pub at: Moment,
    /// Which source; empty if no source has its path.
    pub source: String,
    /// `ok`, a reason's code, or a word of the gateway's.
    pub outcome: String,
    /// What the sender was answered.
    pub status: u16,
    /// The event that was recorded for it.
    pub event: Option<String>,
    /// What else is known of it. What a sender wrote in other places is not here: it is not kept.
    #[serde(flatten)]
    pub columns: Columns,
}

/// What is known of a request beside its outcome. Only what is named here is read, whatever stands in the row.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct Columns {
    /// The request's id, as in the log.
    pub id: Option<String>,
    /// Its method.
    pub method: Option<String>,
    /// Its path, cut; without the query.
    pub path: Option<String>,
    /// The sender's address.
    pub address: Option<String>,
    /// The connection's, where a proxy stands between.
    pub peer: Option<String>,
    /// What it calls itself, cut.
    pub agent: Option<String>,
    /// How long the body was, in bytes.
    pub size: u64,
    /// The body's SHA-256, of an accepted one.
    pub body_sha256: Option<String>,
    /// The event's type.
    #[serde(rename(serialize = "type"))]
    pub kind: Option<String>,
    /// Which key signed.
    pub key: Option<String>,
    /// Seconds by which the signed time was behind the present.
    pub skew: Option<i64>,
    /// A finer code than the outcome.
    pub detail: Option<String>,
    /// What that says.
    pub says: Option<String>,
    /// What each check said.
    pub checks: Checks,
    /// How long it took, in microseconds.
    pub micros: u64,
}

/// What each check said: `passed`, `failed`, or `skipped` for one that was not asked.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct Checks {
    /// The size.
    pub limit: Word,
    /// The address.
    pub address: Word,
    /// The limit of failures.
    pub junk: Word,
    /// The signature.
    pub signature: Word,
    /// The budget.
    pub rate: Word,
    /// Whether it was accepted before.
    pub replay: Word,
}

/// What a check said.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// It was not asked.
    #[default]
    Skipped,
    /// Well.
    Passed,
    /// Not well.
    Failed,
}

impl Operator {
    /// Requests that fit, the newest first unless it is asked for otherwise. Refused ones have rows up to a rate per source and
    /// address; all are in [`stats`](Self::stats).
    pub async fn requests(&self, search: &RequestSearch) -> Result<Listing<RequestLine>, OperateError> {
        let RequestSearch { source, outcome, from, to, after, oldest_first, max } = search;
        let asked = Search {
            source: source.as_deref().map(Into::into),
            word: outcome.as_deref().map(Into::into),
            from: from.map(|at| at.0),
            to: to.map(|at| at.0),
            after: super::cursor(after.as_deref()),
            oldest_first: *oldest_first,
            max: super::most(*max)?,
        };
        let page = self.store().audits(asked).await?;
        if page.rows.is_empty() && after.is_none() {
            self.expect_source(source.as_deref()).await?;
        }
        Ok(Listing::new(page, RequestLine::from))
    }
}

impl From<AuditRow> for RequestLine {
    fn from(row: AuditRow) -> Self {
        let AuditRow { at, source, outcome, status, event, columns, repeated: _ } = row;
        RequestLine {
            at: at.into(),
            source: source.to_string(),
            outcome: outcome.to_string(),
            status,
            event: event.map(|event| event.to_string()),
            // A row of another version is shown as far as it goes.
            columns: serde_json::from_slice(&columns).unwrap_or_default(),
        }
    }
}
