//! Counts and times of a source, by the hour.

use super::{ErrorCode, Moment, OperateError, Operator};
use countersign::Timestamp;
use countersign_delivery::DELIVERED;
use countersign_store::{Histogram, Tally};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};

/// An hour, in seconds.
const HOUR: i64 = 3600;

/// The longest time that is asked for at once: what is kept by default, and a day.
const MOST: i64 = 31 * 24 * HOUR;

/// Which hours.
#[derive(Clone, Debug, Default, Deserialize, Eq, IntoParams, PartialEq)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct Span {
    /// The hours from this moment's on. Default: 24 hours before the end.
    #[param(value_type = Option<String>, format = DateTime)]
    pub from: Option<Moment>,

    /// The hours before this moment. Default: the present one included.
    #[param(value_type = Option<String>, format = DateTime)]
    pub to: Option<Moment>,
}

/// What came to a source, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct Stats {
    /// Whose.
    pub source: String,
    /// The first hour's first moment.
    pub from: Moment,
    /// The first moment that does not count.
    pub to: Moment,
    /// When the last request came within that time.
    pub last_seen: Option<Moment>,
    /// All of it.
    pub whole: Counts,
    /// Each hour in which something came, the oldest first.
    pub hours: Vec<Hour>,
}

/// One hour.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct Hour {
    /// Its first moment.
    pub hour: Moment,
    /// What came in it.
    #[serde(flatten)]
    pub counts: Counts,
}

/// How many, and how long they took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct Counts {
    /// All requests.
    pub total: u64,
    /// Accepted: recorded or handed on, repeated, not wanted, or a handshake.
    pub accepted: u64,
    /// Let through by a source that observes, and otherwise refused.
    pub observed: u64,
    /// Asked to come again later.
    pub limited: u64,
    /// Refused.
    pub refused: u64,
    /// By outcome.
    pub outcomes: BTreeMap<String, u64>,
    /// Half took no longer than so many microseconds, rounded up by at most a quarter.
    pub p50_micros: Option<u64>,
    /// 95 of 100 did not.
    pub p95_micros: Option<u64>,
    /// 99 of 100 did not.
    pub p99_micros: Option<u64>,
}

impl Operator {
    /// The hours of one source.
    pub async fn stats(&self, source: &str, span: &Span) -> Result<Stats, OperateError> {
        let (from, to) = self.hours_of(span)?;
        let tallies = self.store().hours(Some(source.into()), from, to).await?;
        if tallies.is_empty() {
            self.expect_source(Some(source)).await?;
        }
        let mut whole = Sum::default();
        let mut hours: BTreeMap<Timestamp, Sum> = BTreeMap::new();
        for tally in &tallies {
            whole.add(tally);
            hours.entry(tally.hour).or_default().add(tally);
        }
        Ok(Stats {
            source: source.into(),
            from: from.into(),
            to: to.into(),
            last_seen: whole.last_at.map(Into::into),
            whole: whole.counts(),
            hours: hours
                .into_iter()
                .map(|(hour, sum)| Hour { hour: hour.into(), counts: sum.counts() })
                .collect(),
        })
    }

    /// The last 24 hours of every source that anything came to.
    pub(super) async fn day(&self) -> Result<BTreeMap<String, (Counts, Option<Timestamp>)>, OperateError> {
        let (from, to) = self.hours_of(&Span::default())?;
        let mut sums: BTreeMap<String, Sum> = BTreeMap::new();
        for tally in self.store().hours(None, from, to).await? {
            sums.entry(tally.source.to_string()).or_default().add(&tally);
        }
        Ok(sums.into_iter().map(|(source, sum)| (source, (sum.counts(), sum.last_at))).collect())
    }

    fn hours_of(&self, Span { from, to }: &Span) -> Result<(Timestamp, Timestamp), OperateError> {
        let hour = |at: Timestamp| Timestamp::from_unix(at.unix().div_euclid(HOUR) * HOUR);
        let next = |at: Timestamp| hour(at).after(Duration::from_secs(HOUR as u64));
        let to = to.map_or_else(|| next(self.now()), |to| to.0);
        let from =
            from.map_or_else(|| Timestamp::from_unix(hour(to).unix() - 24 * HOUR), |from| hour(from.0));
        match to.unix() - from.unix() {
            1..=MOST => Ok((from, to)),
            ..1 => Err(OperateError::new(ErrorCode::InvalidArgument, "the time ends before it begins")
                .help("exchange `from` and `to`")),
            _ => Err(OperateError::new(ErrorCode::InvalidArgument, "more than 31 days are asked for")
                .help("ask for a part of it")),
        }
    }
}

/// What becomes of a request, of which its outcome is the name.
enum Sort {
    Accepted,
    Observed,
    Limited,
    Refused,
}

impl Sort {
    fn of(outcome: &str) -> Self {
        match outcome {
            "ok" | "replayed" | "unwanted" | "handshake" | DELIVERED => Sort::Accepted,
            "rate_limited" | "junk_limited" | "busy" => Sort::Limited,
            _ if outcome.starts_with("observed/") => Sort::Observed,
            _ => Sort::Refused,
        }
    }
}

#[derive(Default)]
struct Sum {
    counts: Counts,
    micros: Histogram,
    last_at: Option<Timestamp>,
}

impl Sum {
    fn add(&mut self, tally: &Tally) {
        let Tally { outcome, count, last_at, micros, .. } = tally;
        let Counts { total, accepted, observed, limited, refused, outcomes, .. } = &mut self.counts;
        let sort = match Sort::of(outcome) {
            Sort::Accepted => accepted,
            Sort::Observed => observed,
            Sort::Limited => limited,
            Sort::Refused => refused,
        };
        *sort += count;
        *total += count;
        *outcomes.entry(outcome.to_string()).or_default() += count;
        self.micros.merge(micros);
        self.last_at = self.last_at.max(Some(*last_at));
    }

    fn counts(&self) -> Counts {
        let [p50_micros, p95_micros, p99_micros] =
            [0.5, 0.95, 0.99].map(|share| self.micros.percentile(share));
        Counts { p50_micros, p95_micros, p99_micros, ..self.counts.clone() }
    }
}
