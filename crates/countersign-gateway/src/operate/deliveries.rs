//! Deliveries: what waits, what arrived, what was given up, and how that is sent again.

use super::{DeliveryLine, ErrorCode, Listing, Moment, OperateError, Operator};
use countersign::Timestamp;
use countersign_store::{Delivery, DeliverySearch, DeliveryState, Redriven};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};

/// How many are sent again in one step.
const STEP: usize = 500;

/// How many are named at once.
const MAX_IDS: usize = 1000;

/// The most that are sent again in a second.
const MAX_RATE: u32 = 10_000;

/// Which deliveries.
#[derive(Clone, Debug, Default, Deserialize, Eq, IntoParams, PartialEq)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct DeliveriesAsked {
    /// `waiting`, `leased`, `done`, `dead`, `held` or `cancelled`.
    pub state: Option<String>,

    /// To this endpoint.
    pub endpoint: Option<String>,

    /// Of events of this type; `invoice.*` means every type that begins so.
    #[serde(rename = "type")]
    pub kind: Option<String>,

    /// Of events that were accepted at this moment or later.
    #[param(value_type = Option<String>, format = DateTime)]
    pub from: Option<Moment>,

    /// Of events that were accepted before this moment.
    #[param(value_type = Option<String>, format = DateTime)]
    pub to: Option<Moment>,

    /// Behind this place of a listing: its `next`.
    pub after: Option<String>,

    /// The oldest first.
    pub oldest_first: bool,

    /// At most so many: 1 to 1000.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    pub max: Option<usize>,
}

/// A delivery in a listing of many.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct DeliveryShown {
    /// What stands beside an event.
    #[serde(flatten)]
    pub line: DeliveryLine,
    /// Of which event.
    pub event: String,
    /// The event's type.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// When the event was accepted.
    pub accepted_at: Moment,
}

/// What is to be sent again: these, or every dead letter that fits.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Redrive {
    /// These deliveries; at most 1000. Then nothing else but `rate`, `dry_run` and `force` is said.
    pub ids: Vec<String>,

    /// To this endpoint.
    #[schema(nullable = false)]
    pub endpoint: Option<String>,

    /// Of events of this type; `invoice.*` means every type that begins so.
    #[serde(rename = "type")]
    #[schema(nullable = false)]
    pub kind: Option<String>,

    /// Of events that were accepted at this moment or later.
    #[schema(nullable = false)]
    pub from: Option<Moment>,

    /// Of events that were accepted before this moment.
    #[schema(nullable = false)]
    pub to: Option<Moment>,

    /// So many a second, 1 to 10 000: they become due one after the other. Default: all at once.
    #[schema(nullable = false)]
    pub rate: Option<u32>,

    /// Say what would be, and do nothing.
    pub dry_run: bool,

    /// What has arrived since is sent again, too.
    pub force: bool,

    /// Behind this place: `next` of the step before.
    #[schema(nullable = false)]
    pub after: Option<String>,

    /// When the first of this step becomes due: `next_due` of the step before. Default: now.
    #[schema(nullable = false)]
    pub due: Option<Moment>,
}

/// What became of one step of it: at most 500 deliveries.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct RedriveStep {
    /// How many were looked at.
    pub found: usize,
    /// Queued again, or would be.
    pub queued: usize,
    /// Refused: they arrived since. `force` sends them all the same.
    pub delivered: Vec<String>,
    /// Passed over: they are queued or under way already.
    pub waiting: usize,
    /// Refused: an operator cancelled them.
    pub cancelled: Vec<String>,
    /// There are none of these names.
    pub unknown: Vec<String>,
    /// Where the next step goes on; none if this was the last.
    pub next: Option<String>,
    /// When the first of the next step becomes due.
    pub next_due: Option<Moment>,
}

impl Operator {
    /// Deliveries that fit, the newest first unless it is asked for otherwise.
    pub async fn find_deliveries(
        &self,
        asked: &DeliveriesAsked,
    ) -> Result<Listing<DeliveryShown>, OperateError> {
        let DeliveriesAsked { state, endpoint, kind, from, to, after, oldest_first, max } = asked;
        let state = state.as_deref().map(state_of).transpose()?;
        if let Some(kind) = kind {
            super::events::expect_pattern(kind)?;
        }
        let search = DeliverySearch {
            state,
            endpoint: endpoint.as_deref().map(Into::into),
            kind: kind.as_deref().map(Into::into),
            from: from.map(|at| at.0),
            to: to.map(|at| at.0),
            after: super::cursor(after.as_deref()),
            oldest_first: *oldest_first,
            max: super::most(*max)?,
        };
        Ok(Listing::new(self.store().find_deliveries(search).await?, DeliveryShown::of))
    }

    /// One delivery.
    pub async fn delivery(&self, id: &str) -> Result<DeliveryShown, OperateError> {
        let found = self.store().delivery(id.into()).await?;
        found.map(DeliveryShown::of).ok_or_else(|| no_delivery(id))
    }

    /// Give up what is not over yet, or drop a dead letter: nothing sends it any more.
    pub async fn cancel(&self, ids: &[String]) -> Result<Vec<DeliveryShown>, OperateError> {
        expect_few(ids)?;
        let mut names: Vec<Arc<str>> = Vec::with_capacity(ids.len());
        for id in ids {
            let found = self.delivery(id).await?;
            let over = [DeliveryState::Done, DeliveryState::Cancelled]
                .iter()
                .any(|state| state.word() == found.line.state);
            if over {
                let says =
                    format!("`{}` is {} already: nothing was cancelled", found.line.id, found.line.state);
                return Err(OperateError::new(ErrorCode::Over, says)
                    .help("`countersign delivery list --state waiting` shows what is not over"));
            }
            names.push(id.as_str().into());
        }
        self.store().cancel(names, self.now()).await?;
        let mut shown = Vec::with_capacity(ids.len());
        for id in ids {
            tracing::info!(what = "delivery cancel", delivery = id.as_str(), "an operator's change");
            shown.push(self.delivery(id).await?);
        }
        Ok(shown)
    }

    /// Send dead letters again: one step, of at most 500. Whoever wants all of them asks with `next` and `next_due` until there is no
    /// `next`. Any number may do so at once: each is queued once.
    pub async fn redrive(&self, asked: &Redrive) -> Result<RedriveStep, OperateError> {
        let rate = match asked.rate {
            None => None,
            Some(rate @ 1..=MAX_RATE) => Some(rate),
            Some(rate) => {
                let says = format!("`rate` is {rate}: it is 1 to {MAX_RATE} a second");
                return Err(OperateError::new(ErrorCode::InvalidArgument, says).help("write `rate` 50, say"));
            }
        };
        let (found, next) = self.doomed(asked).await?;
        let mut step = RedriveStep { found: found.len(), next, ..RedriveStep::default() };
        let due = Due { first: asked.due.map_or(self.now(), |at| at.0), rate };
        if asked.dry_run {
            for (id, delivery) in &found {
                step.count(id, would(delivery.as_ref(), asked.force));
            }
        } else {
            let queue =
                found.iter().enumerate().map(|(place, (id, _))| (id.clone(), due.of(place))).collect();
            let done = self.store().redrive(queue, asked.force).await?;
            for ((id, _), done) in found.iter().zip(done) {
                step.count(id, done);
            }
            self.wake();
            tracing::info!(what = "dead redrive", queued = step.queued, "an operator's change");
        }
        step.next_due = step.next.is_some().then(|| due.of(found.len()).into());
        Ok(step)
    }

    /// The deliveries of one step, and where the next goes on.
    async fn doomed(&self, asked: &Redrive) -> Result<(Vec<Found>, Option<String>), OperateError> {
        let Redrive { ids, endpoint, kind, from, to, after, .. } = asked;
        if !ids.is_empty() {
            expect_few(ids)?;
            if endpoint.is_some() || kind.is_some() || from.is_some() || to.is_some() || after.is_some() {
                let says = "`ids` says which, and so does something else beside it";
                return Err(OperateError::new(ErrorCode::InvalidArgument, says).help("say it in one way"));
            }
            let mut found = Vec::with_capacity(ids.len());
            for id in ids {
                let id: Arc<str> = id.as_str().into();
                found.push((id.clone(), self.store().delivery(id).await?));
            }
            return Ok((found, None));
        }
        if let Some(kind) = kind {
            super::events::expect_pattern(kind)?;
        }
        let search = DeliverySearch {
            state: Some(DeliveryState::Dead),
            endpoint: endpoint.as_deref().map(Into::into),
            kind: kind.as_deref().map(Into::into),
            from: from.map(|at| at.0),
            to: to.map(|at| at.0),
            after: super::cursor(after.as_deref()),
            oldest_first: true,
            max: STEP,
        };
        let page = self.store().find_deliveries(search).await?;
        let next = page.next.filter(|_| page.rows.len() == STEP).map(|place| place.0.to_string());
        Ok((page.rows.into_iter().map(|row| (row.id.clone(), Some(row))).collect(), next))
    }
}

/// A delivery that was named or found.
type Found = (Arc<str>, Option<Delivery>);

/// When each of a step becomes due.
struct Due {
    first: Timestamp,
    rate: Option<u32>,
}

impl Due {
    fn of(&self, place: usize) -> Timestamp {
        let after = self.rate.map_or(Duration::ZERO, |rate| {
            Duration::from_millis(
                u64::try_from(place).unwrap_or(u64::MAX).saturating_mul(1000) / u64::from(rate),
            )
        });
        self.first.after(after)
    }
}

/// What would become of it.
fn would(delivery: Option<&Delivery>, force: bool) -> Redriven {
    match delivery.map(|delivery| delivery.state) {
        None => Redriven::Unknown,
        Some(DeliveryState::Dead) => Redriven::Queued,
        Some(DeliveryState::Done) if force => Redriven::Queued,
        Some(DeliveryState::Done) => Redriven::Delivered,
        Some(DeliveryState::Cancelled) => Redriven::Cancelled,
        Some(DeliveryState::Waiting | DeliveryState::Leased | DeliveryState::Held) => Redriven::Waiting,
    }
}

impl RedriveStep {
    fn count(&mut self, id: &str, done: Redriven) {
        match done {
            Redriven::Queued => self.queued += 1,
            Redriven::Waiting => self.waiting += 1,
            Redriven::Delivered => self.delivered.push(id.into()),
            Redriven::Cancelled => self.cancelled.push(id.into()),
            Redriven::Unknown => self.unknown.push(id.into()),
        }
    }
}

impl DeliveryShown {
    fn of(delivery: Delivery) -> Self {
        let (event, kind, accepted_at) =
            (delivery.event.to_string(), delivery.kind.as_deref().map(str::to_owned), delivery.accepted_at);
        DeliveryShown { line: delivery.into(), event, kind, accepted_at: accepted_at.into() }
    }
}

fn state_of(word: &str) -> Result<DeliveryState, OperateError> {
    let known = DeliveryState::WORDS.iter().find(|(known, _)| *known == word);
    known.map(|(_, state)| *state).ok_or_else(|| {
        let words = countersign::config::one_of(DeliveryState::WORDS.iter().map(|(word, _)| *word));
        OperateError::new(
            ErrorCode::InvalidArgument,
            format!("`{}` is no state: {words}", word.escape_debug()),
        )
        .help("write `dead`, say")
    })
}

fn expect_few(ids: &[String]) -> Result<(), OperateError> {
    match ids.len() {
        0 => {
            Err(OperateError::new(ErrorCode::InvalidArgument, "no delivery is named").help("name one: `d42`"))
        }
        1..=MAX_IDS => Ok(()),
        more => {
            Err(OperateError::new(ErrorCode::InvalidArgument, format!("{more} deliveries are named at once"))
                .help(format!("name at most {MAX_IDS}; or say which by endpoint, type or time")))
        }
    }
}

fn no_delivery(id: &str) -> OperateError {
    let says = format!("there is no delivery `{}`", id.escape_debug());
    OperateError::new(ErrorCode::UnknownDelivery, says)
        .help("`countersign delivery list` shows those that are kept; a delivery is called `d` and a number")
}
