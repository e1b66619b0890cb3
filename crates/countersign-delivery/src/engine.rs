//! The loop: lease what is due, attempt it, report it.
//!
//! What an endpoint may have is asked of the store in the lease itself, and not sorted out afterwards: a delivery that was leased and has no
//! place here would be nobody's until its lease ran out. So a receiver that hangs fills its own places, and those of no other; and all that
//! hang, half of those that there are.

use crate::attempt::{Prepared, Then, Tried, Unprepared, attempt};
use crate::counts::{Counts, DEAD, DELIVERED, FAILED, Total};
use crate::places::{AHEAD, Places, Rooms, Shares};
use crate::policy::{Share, Stops};
use crate::schedule::Schedule;
use countersign::{Clock, Timestamp};
use countersign_store::{Attempt, Fence, Lease, Leased, Next, Settled, Store, StoreError, StoredEvent};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Notify, watch};
use tokio::task::{Id, JoinSet};
use tokio::time::Instant;

/// Why an endpoint was paused that said that it is gone.
pub const GONE: &str = "the receiver answered 410";

/// What stands in the place of a report.
const LOST: &str = "nobody reported how it went: its worker ended, or could not write, within its lease";

/// How often counts are written.
const FLUSH: Duration = Duration::from_secs(1);

/// What of a lease's margin is kept for the report.
const REPORT: Duration = Duration::from_secs(1);

/// How long it takes to believe that an endpoint is paused.
const HELD: Duration = Duration::from_millis(100);

/// The longest wait while the store cannot be used.
const TROUBLE: Duration = Duration::from_secs(30);

/// What is sent where, asked anew for every attempt: so that time and signature are of the moment.
pub trait Endpoints: Send + Sync + 'static {
    /// The attempt number `attempt` (the first is 1) of getting `event` to `endpoint`, made at `now`. If that
    /// cannot be said, it says whether it may be later.
    ///
    /// # Errors
    /// Why there is nothing to attempt.
    fn prepare(
        &self,
        endpoint: &str,
        event: &StoredEvent,
        attempt: u32,
        now: Timestamp,
    ) -> Result<Prepared, Unprepared>;

    /// When to try again what is for this endpoint; `None` while it is paused. Asked where no attempt is made, because whoever made the
    /// last ones did not live to report them; else a schedule comes with what [`prepare`](Self::prepare) gives.
    fn schedule(&self, endpoint: &str) -> Option<Schedule>;

    /// The longest time of any attempt there is. A lease is that, and [`Settings::margin`]: as short as can be, for after a
    /// crash nobody else takes up what was leased until it ends.
    fn longest(&self) -> Duration;

    /// What an endpoint gets that [`shares`](Self::shares) does not name.
    fn share(&self) -> Share {
        Share::default()
    }

    /// What those endpoints get that get something else. Asked before every lease: a clone of what is held.
    fn shares(&self) -> Shares {
        Shares::default()
    }
}

/// How an [`Engine`] works.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Settings {
    /// How many attempts are under way at once, to all endpoints together.
    pub parallel: usize,
    /// How much longer a lease is than an attempt: time to report it, even to a store that is busy.
    pub margin: Duration,
    /// How often the store is asked when nobody says that there is something: what other processes queued is seen so late.
    pub idle: Duration,
}

/// 64 at once, five seconds to report, a look every second.
impl Default for Settings {
    fn default() -> Self {
        Settings { parallel: 64, margin: Duration::from_secs(5), idle: Duration::from_secs(1) }
    }
}

/// Delivers what a store has queued. Any number may work on one store.
pub struct Engine {
    worker: Arc<str>,
    settings: Settings,
    wake: Arc<Notify>,
    work: Arc<Work>,
}

impl Engine {
    /// One that works as `worker`, a name of its own among those that work on this store. `chance` gives numbers between 0 and 1,
    /// by which waits are spread.
    pub fn new(
        store: Arc<dyn Store>,
        endpoints: Arc<dyn Endpoints>,
        clock: Arc<dyn Clock>,
        worker: impl Into<Arc<str>>,
        chance: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Self {
        let work = Work { store, endpoints, clock, chance: Box::new(chance), counts: Counts::default() };
        Engine {
            worker: worker.into(),
            settings: Settings::default(),
            wake: Arc::default(),
            work: Arc::new(work),
        }
    }

    /// Work otherwise.
    #[must_use]
    pub fn settings(self, settings: Settings) -> Self {
        Engine { settings, ..self }
    }

    /// What to call when something was queued: it is looked for at once.
    pub fn wake(&self) -> Arc<Notify> {
        self.wake.clone()
    }

    /// What its attempts came to since it was made, for measures: by endpoint and outcome, in no order.
    pub fn totals(&self) -> Vec<Total> {
        self.work.counts.totals()
    }

    /// Work until `stop` says so. What is under way then is brought to its end; nothing new is begun.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        let mut under_way = UnderWay::new();
        let mut trouble = Duration::ZERO;
        let mut flushed = Instant::now();
        while !*stop.borrow() {
            under_way.gather();
            if flushed.elapsed() >= FLUSH {
                self.work.counts.flush(&*self.work.store).await;
                flushed = Instant::now();
            }
            let pause = match self.begin(&mut under_way).await {
                Ok(pause) => {
                    trouble = Duration::ZERO;
                    pause.min(FLUSH)
                }
                // The store is busy or cut off: ever more seldom.
                Err(_) => {
                    trouble = (trouble * 2).clamp(Duration::from_millis(100), TROUBLE);
                    trouble
                }
            };
            tokio::select! {
                changed = stop.changed() => {
                    // Nobody is left who could say when.
                    if changed.is_err() {
                        break;
                    }
                }
                () = tokio::time::sleep(pause) => {}
                () = self.wake.notified() => {}
                // While the store is in trouble, what ends is no reason to ask it.
                () = under_way.room(self.settings.parallel), if trouble.is_zero() => {}
            }
        }
        while under_way.tasks.join_next().await.is_some() {}
        self.work.counts.flush(&*self.work.store).await;
    }

    /// Lease what there is room for, and begin it. How long until there may be more.
    async fn begin(&self, under_way: &mut UnderWay) -> Result<Duration, StoreError> {
        let Engine { worker, settings, work, .. } = self;
        let idle = settings.idle.max(Duration::from_millis(1));
        let max = under_way.free(settings.parallel);
        if max == 0 {
            return Ok(idle);
        }
        let (share, shares) = (work.endpoints.share(), work.endpoints.shares());
        let Rooms { each, rooms, .. } =
            under_way.places.rooms(settings.parallel, share, &shares, Instant::now());
        // From the moment of asking: what the store takes is part of the lease.
        let (now, asked) = (work.clock.now(), Instant::now());
        let lasts = work.endpoints.longest() + AHEAD + settings.margin;
        let until = now.after(lasts);
        let lease = Lease { worker: worker.clone(), max, each, rooms, now, until };
        let leased = work.store.lease(lease).await?;
        for leased in leased {
            let share = shares.get(&leased.endpoint).copied().unwrap_or(share);
            let begins = under_way.places.take(leased.endpoint.clone(), share, Instant::now());
            let term = Term { begins, ends: asked + lasts - (settings.margin / 2).min(REPORT) };
            under_way.begin(work.clone(), leased, term);
        }
        if under_way.free(settings.parallel) == 0 {
            return Ok(idle);
        }
        let Rooms { rooms, again, .. } =
            under_way.places.rooms(settings.parallel, share, &shares, Instant::now());
        let full = rooms.into_iter().filter(|(_, room)| *room == 0).map(|(name, _)| name).collect();
        let again = again.map_or(idle, |again| again.saturating_duration_since(Instant::now()));
        Ok(self.due(full).await.min(again).max(Duration::from_millis(1)))
    }

    /// How long until something is due to those that are not full, as far as is known.
    async fn due(&self, full: Vec<Arc<str>>) -> Duration {
        let idle = self.settings.idle.max(Duration::from_millis(1));
        let Ok(Some(due)) = self.work.store.next_due(full).await else { return idle };
        let ahead = due.unix_ms().saturating_sub(self.work.clock.now().unix_ms());
        // At least a moment: what is due and could not be leased is under way.
        Duration::from_millis(u64::try_from(ahead).unwrap_or(0))
            .clamp(Duration::from_millis(5).min(idle), idle)
    }
}

/// Attempts, and whose places they take.
///
/// What has arrived gives its place back before that is written: so what is leased next and what is reported share a commit. What
/// failed keeps it until all is written, for it may be that nothing more is to be sent.
struct UnderWay {
    tasks: JoinSet<()>,
    /// And since when.
    whose: HashMap<Id, (Arc<str>, Instant)>,
    places: Places,
    arrive: UnboundedSender<Id>,
    arrived: UnboundedReceiver<Id>,
}

impl UnderWay {
    fn new() -> Self {
        let (arrive, arrived) = unbounded_channel();
        let (tasks, whose, places) = (JoinSet::new(), HashMap::new(), Places::default());
        UnderWay { tasks, whose, places, arrive, arrived }
    }

    fn begin(&mut self, work: Arc<Work>, leased: Leased, term: Term) {
        let (whose, arrive) = ((leased.endpoint.clone(), term.begins), self.arrive.clone());
        let task = self.tasks.spawn(async move { work.attempt(leased, term, arrive).await });
        self.whose.insert(task.id(), whose);
    }

    /// For how many more there is room. Of reports that are not written yet there are as many as attempts, and no more.
    fn free(&self, parallel: usize) -> usize {
        let reports = parallel.saturating_mul(2).saturating_sub(self.tasks.len());
        parallel.saturating_sub(self.whose.len()).min(reports)
    }

    /// Take note of all that ended.
    fn gather(&mut self) {
        while let Ok(id) = self.arrived.try_recv() {
            self.give(id);
        }
        while let Some(ended) = self.tasks.try_join_next_with_id() {
            self.give(ended.map_or_else(|error| error.id(), |(id, ())| id));
        }
    }

    /// Wait until there is more room than there was. May be dropped at any time.
    async fn room(&mut self, parallel: usize) {
        loop {
            let full = self.free(parallel) == 0;
            let given = tokio::select! {
                Some(id) = self.arrived.recv() => self.give(id),
                Some(ended) = self.tasks.join_next_with_id() => {
                    self.give(ended.map_or_else(|error| error.id(), |(id, ())| id))
                }
                else => return std::future::pending().await,
            };
            if given || (full && self.free(parallel) > 0) {
                return;
            }
        }
    }

    /// However it ended, its place is free; whether it was not before.
    fn give(&mut self, id: Id) -> bool {
        let Some((endpoint, began)) = self.whose.remove(&id) else { return false };
        self.places.give(&endpoint, began, Instant::now());
        true
    }
}

/// The time that an attempt has.
struct Term {
    begins: Instant,
    /// A moment before its lease ends.
    ends: Instant,
}

/// What every attempt needs.
struct Work {
    store: Arc<dyn Store>,
    endpoints: Arc<dyn Endpoints>,
    clock: Arc<dyn Clock>,
    chance: Box<dyn Fn() -> f64 + Send + Sync>,
    counts: Counts,
}

impl Work {
    /// One attempt, in a task of its own.
    async fn attempt(&self, leased: Leased, term: Term, arrive: UnboundedSender<Id>) {
        let Leased { fence, endpoint, attempts, lost, failing_since, event } = leased;
        let Term { begins, ends } = term;
        // A timer goes by whole milliseconds: what need not wait does not ask it.
        if begins > Instant::now() {
            tokio::time::sleep_until(begins).await;
        }
        let number = attempts.saturating_add(1);
        if lost > 1 {
            return self.count_lost(fence, &endpoint, number).await;
        }
        // A store that took so long to give it has little left of it. It is given back, so that nobody takes it for lost.
        let left = ends.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let back = Attempt { at: self.clock.now(), status: None, error: None, next: Next::Hold };
            let _: Result<Settled, StoreError> = self.store.settle(fence, back).await;
            return;
        }
        let prepare = |now| {
            let mut prepared = self.endpoints.prepare(&endpoint, &event, number, now)?;
            // Nothing is under way longer than its lease, whatever was changed since that was asked for.
            prepared.limits = prepared.limits.time(prepared.limits.time.min(left));
            Ok(prepared)
        };
        let (tried, stops) = attempt(prepare, number, &*self.clock, (self.chance)()).await;
        let Tried { at, took, status, error, then } = tried;
        let (next, outcome) = match then {
            Then::Done => (Next::Done, Some(DELIVERED)),
            Then::Retry(wait) => (Next::Retry(at.after(wait)), Some(FAILED)),
            Then::GiveUp | Then::Gone => (Next::GiveUp, Some(DEAD)),
            Then::Hold => (Next::Hold, None),
        };
        if then == Then::Done {
            // Nobody listens any more when the engine was dropped.
            let _ = arrive.send(tokio::task::id());
        }
        if let Some(outcome) = outcome {
            self.counts.add(&endpoint, at, outcome, took);
        }
        if then == Then::Hold {
            // Whoever says so may know it a moment before the store, or a moment after: it is not asked as fast as it can answer.
            tokio::time::sleep(HELD).await;
        }
        // A report that cannot be written leaves the lease to run out: the delivery is not lost, and is taken over then.
        let report = Attempt { at, status, error: error.map(Into::into), next };
        let settled = self.store.settle(fence, report).await;
        // After the report: what is tried again is then held with all the rest.
        if settled.is_ok()
            && let Some(reason) = reason(then, stops, failing_since, at)
            && let Some(reason) = self.confirmed(&endpoint, reason, failing_since).await
        {
            // If that cannot be written, the next attempt that fails says so again.
            let _: Result<bool, StoreError> = self.store.pause(endpoint, reason.into(), at).await;
        }
    }

    /// Count what a worker did that did not live to report it, and make no attempt: so a receiver sees no more of them than the
    /// schedule has and one, however often workers die; and a message that ends whoever sends it is given up in the end.
    async fn count_lost(&self, fence: Fence, endpoint: &Arc<str>, number: u32) {
        let asked = catch_unwind(AssertUnwindSafe(|| self.endpoints.schedule(endpoint)));
        // A defect of somebody else's costs no delivery: see `attempt`.
        let schedule = asked.unwrap_or_else(|_| Some(Schedule::default()));
        let at = self.clock.now();
        let wait = schedule.as_ref().map(|schedule| schedule.wait(number, (self.chance)(), None));
        let (next, error, outcome) = match wait {
            None => (Next::Hold, None, None),
            Some(None) => (Next::GiveUp, Some(LOST.into()), Some(DEAD)),
            Some(Some(wait)) => (Next::Retry(at.after(wait)), Some(LOST.into()), Some(FAILED)),
        };
        if outcome.is_none() {
            tokio::time::sleep(HELD).await;
        }
        // If it cannot be written, whoever leases it next counts it.
        let settled = self.store.settle(fence, Attempt { at, status: None, error, next }).await;
        if let (Ok(Settled::Written), Some(outcome)) = (settled, outcome) {
            self.counts.add(endpoint, at, outcome, Duration::ZERO);
        }
    }

    /// The reason for which this endpoint is to be paused, if it still is one.
    async fn confirmed(
        &self,
        endpoint: &Arc<str>,
        reason: String,
        since: Option<Timestamp>,
    ) -> Option<String> {
        if reason == GONE {
            return Some(reason);
        }
        // That it fails was so when this was leased; another attempt may have arrived since.
        let rows = self.store.endpoints().await.ok()?;
        rows.iter().find(|row| row.name == *endpoint).filter(|row| row.failing_since == since).map(|_| reason)
    }
}

/// Why an endpoint is to be paused after an attempt that ended at `at`, if it is.
fn reason(then: Then, stops: Stops, since: Option<Timestamp>, at: Timestamp) -> Option<String> {
    if then == Then::Gone && stops.gone {
        return Some(GONE.into());
    }
    let failed = matches!(then, Then::Retry(_) | Then::GiveUp | Then::Gone);
    let (after, since) = stops.after.zip(since).filter(|_| failed)?;
    (since.after(after) <= at)
        .then(|| format!("failing since {since}: no attempt arrived for {}", span(since.skew_seconds(at))))
}

/// A time in its two greatest units: `3 d 4 h`.
fn span(seconds: i64) -> String {
    let units = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")];
    let mut left = seconds.max(0);
    let mut said = Vec::new();
    for (size, unit) in units {
        if left >= size {
            said.push(format!("{} {unit}", left / size));
            left %= size;
        }
    }
    said.truncate(2);
    if said.is_empty() { "0 s".into() } else { said.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_said_in_its_two_greatest_units() {
        let told =
            [(0, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (3600, "1 h"), (5 * 86_400 + 7_322, "5 d 2 h")];
        for (seconds, wanted) in told {
            assert_eq!(span(seconds), wanted);
        }
    }

    #[test]
    fn only_what_fails_for_longer_than_was_allowed_is_a_reason_to_pause() {
        let (at, hour) = (Timestamp::from_unix(1_700_000_000), Duration::from_secs(3600));
        let since = |seconds: i64| Some(Timestamp::from_unix(1_700_000_000 - seconds));
        let stops = Stops { gone: true, after: Some(hour) };
        let retry = Then::Retry(hour);
        assert_eq!(reason(retry, stops, since(3599), at), None);
        let says = "failing since 2023-11-14T21:13:20Z: no attempt arrived for 1 h";
        assert_eq!(reason(retry, stops, since(3600), at).as_deref(), Some(says));
        assert_eq!(
            reason(retry, Stops { gone: true, after: None }, since(999_999), at),
            None,
            "unless asked"
        );
        assert_eq!(reason(Then::GiveUp, stops, None, at), None);
        assert_eq!(
            (reason(Then::Done, stops, since(9999), at), reason(Then::Hold, stops, since(9999), at)),
            (None, None)
        );
        assert_eq!(reason(Then::Gone, stops, None, at).as_deref(), Some(GONE));
        assert_eq!(reason(Then::Gone, Stops::default(), None, at), None);
    }
}
