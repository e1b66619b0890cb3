//! One attempt: the same for an engine with a store and for whoever delivers by hand.
//!
//! The surprising decision is that a panic is an answer. Whoever signs and whoever sends may be somebody else's code; a defect in it
//! costs this attempt, and neither the delivery nor those beside it.

use crate::policy::Stops;
use crate::schedule::Schedule;
use crate::transport::Transport;
use crate::verdict::{Verdict, judge, short};
use countersign::{Clock, Timestamp};
use countersign_egress::{Limits, Refused, Request, Response};
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::time::Instant;

/// Why there is nothing to attempt.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Unprepared {
    /// Not now. It counts as an attempt that failed, on the default schedule, so that what waits for an endpoint that is switched
    /// off, or for a key, is there when it is back.
    Later(String),
    /// There never will be anything to send: the delivery is given up.
    Never(String),
    /// Its endpoint is paused: the delivery waits until that is resumed, and nothing is counted.
    Paused,
}

/// One attempt, ready to be made.
#[derive(Clone)]
pub struct Prepared {
    /// What is sent.
    pub request: Request,
    /// By which way: its rule of addresses holds.
    pub client: Arc<dyn Transport>,
    /// How long it may take, and how much of an answer is read.
    pub limits: Limits,
    /// When to try again.
    pub schedule: Schedule,
    /// When its endpoint is paused.
    pub stops: Stops,
}

/// An attempt that was made, or could not be.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Tried {
    /// When it ended.
    pub at: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// `None`: no answer.
    pub status: Option<u16>,
    /// Why it failed, in at most 200 characters, without anything that may be secret.
    pub error: Option<String>,
    /// What comes after.
    pub then: Then,
}

/// What comes after an attempt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Then {
    /// Nothing: it arrived.
    Done,
    /// Another, after so long.
    Retry(Duration),
    /// Nothing: it is given up.
    GiveUp,
    /// Nothing, and nothing else to this receiver either: it said that it is gone.
    Gone,
    /// It waits for its endpoint to be resumed. There was no attempt.
    Hold,
}

/// Make what `prepare` gives, as attempt number `number` (the first is 1). What `prepare` and the client do ends here, panics
/// included. `chance` is between 0 and 1.
pub(crate) async fn attempt(
    prepare: impl FnOnce(Timestamp) -> Result<Prepared, Unprepared>,
    number: u32,
    clock: &dyn Clock,
    chance: f64,
) -> (Tried, Stops) {
    let began = Instant::now();
    let now = clock.now();
    let prepared = catch_unwind(AssertUnwindSafe(|| prepare(now)))
        .unwrap_or_else(|_| Err(Unprepared::Later(format!("a defect: making it ready {PANICKED}"))));
    let tried = |status, error: Option<String>, then| Tried {
        at: clock.now(),
        took: began.elapsed(),
        status,
        error: error.map(short),
        then,
    };
    let later =
        |schedule: &Schedule, asked| schedule.wait(number, chance, asked).map_or(Then::GiveUp, Then::Retry);
    let Prepared { request, client, limits, schedule, stops } = match prepared {
        Ok(prepared) => prepared,
        Err(Unprepared::Paused) => return (tried(None, None, Then::Hold), Stops::default()),
        Err(Unprepared::Never(error)) => return (tried(None, Some(error), Then::GiveUp), Stops::default()),
        Err(Unprepared::Later(error)) => {
            return (tried(None, Some(error), later(&Schedule::default(), None)), Stops::default());
        }
    };
    let Some(answer) = sent(&*client, request, &limits).await else {
        let error = format!("a defect: sending it {PANICKED}");
        return (tried(None, Some(error), later(&schedule, None)), stops);
    };
    let status = answer.as_ref().ok().map(|response| response.status);
    let tried = match judge(&answer, clock.now()) {
        Verdict::Delivered => tried(status, None, Then::Done),
        Verdict::Final { error } => tried(status, Some(error), Then::GiveUp),
        Verdict::Gone { error } => tried(status, Some(error), Then::Gone),
        Verdict::Retry { after, error } => tried(status, Some(error), later(&schedule, after)),
    };
    (tried, stops)
}

const PANICKED: &str = "failed in a way that it must not (a panic); standard error says where";

/// How much longer than its limit a client may take before its future is dropped.
const GRACE: Duration = Duration::from_secs(1);

/// The answer; `None` if the client panicked.
async fn sent(
    client: &dyn Transport,
    request: Request,
    limits: &Limits,
) -> Option<Result<Response, Refused>> {
    let mut sending = catch_unwind(AssertUnwindSafe(|| client.send(request, limits))).ok()?;
    let caught = poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| sending.as_mut().poll(cx))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(answer)) => Poll::Ready(Some(answer)),
        // It is never polled again.
        Err(_) => Poll::Ready(None),
    });
    let late = || {
        let what = format!("the client did not end in {:?}", limits.time);
        Some(Err(Refused::new(countersign_egress::Why::TimedOut, what)))
    };
    tokio::time::timeout(limits.time.saturating_add(GRACE), caught).await.unwrap_or_else(|_| late())
}
