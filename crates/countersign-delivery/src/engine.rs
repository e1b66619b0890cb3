//! The loop: lease what is due, attempt it, report it.

use crate::schedule::Schedule;
use crate::verdict::{Verdict, judge};
use countersign::{Clock, Timestamp};
use countersign_egress::{Client, Limits, Request};
use countersign_store::{Attempt, Lease, Leased, Next, Settled, Store, StoreError, StoredEvent};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

/// What is sent where, asked anew for every attempt: so that time and signature are of the moment.
pub trait Endpoints: Send + Sync + 'static {
    /// The attempt number `attempt` (the first is 1) of getting `event` to `endpoint`, made at `now`. If that
    /// cannot be said, it says whether it may be later.
    fn prepare(
        &self,
        endpoint: &str,
        event: &StoredEvent,
        attempt: u32,
        now: Timestamp,
    ) -> Result<Prepared, Unprepared>;

    /// The longest [`Limits::time`] of any attempt there is. A lease is that, and [`Settings::margin`]: as short as can be, for after a
    /// crash nobody else takes up what was leased until it ends.
    fn longest(&self) -> Duration;
}

/// Why there is nothing to attempt.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Unprepared {
    /// There is no such endpoint now. It counts as an attempt that failed, on the default schedule, so that what waits for an
    /// endpoint that is switched off is there when it is back.
    Later(String),
    /// There never will be anything to send: the delivery is given up.
    Never(String),
}

/// One attempt, ready to be made.
#[derive(Clone)]
pub struct Prepared {
    /// What is sent.
    pub request: Request,
    /// By which client: its rule of addresses holds.
    pub client: Client,
    /// How long it may take, and how much of an answer is read.
    pub limits: Limits,
    /// When to try again.
    pub schedule: Schedule,
}

/// How an [`Engine`] works.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Settings {
    /// How many attempts are under way at once.
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
    store: Arc<dyn Store>,
    endpoints: Arc<dyn Endpoints>,
    clock: Arc<dyn Clock>,
    worker: Arc<str>,
    settings: Settings,
    chance: Arc<dyn Fn() -> f64 + Send + Sync>,
    wake: Arc<Notify>,
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
        Engine {
            store,
            endpoints,
            clock,
            worker: worker.into(),
            settings: Settings::default(),
            chance: Arc::new(chance),
            wake: Arc::default(),
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

    /// Work until `stop` says so. What is under way then is brought to its end; nothing new is begun.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        let mut attempts = JoinSet::new();
        let mut trouble = Duration::ZERO;
        while !*stop.borrow() {
            let room = self.settings.parallel.saturating_sub(attempts.len());
            let pause = match self.begin(&mut attempts, room).await {
                Ok(begun) => {
                    trouble = Duration::ZERO;
                    // There may be more than there was room for, or than one lease takes.
                    if begun > 0 && attempts.len() < self.settings.parallel {
                        Duration::ZERO
                    } else {
                        self.pause().await
                    }
                }
                // The store is busy or cut off: ever more seldom, up to half a minute.
                Err(_) => {
                    trouble = (trouble * 2).clamp(Duration::from_millis(100), Duration::from_secs(30));
                    trouble
                }
            };
            if pause.is_zero() {
                continue;
            }
            tokio::select! {
                changed = stop.changed() => {
                    // Nobody is left who could say when.
                    if changed.is_err() {
                        break;
                    }
                }
                () = tokio::time::sleep(pause) => {}
                () = self.wake.notified() => {}
                Some(_) = attempts.join_next() => {}
            }
            while attempts.try_join_next().is_some() {}
        }
        while attempts.join_next().await.is_some() {}
    }

    async fn begin(&self, attempts: &mut JoinSet<()>, room: usize) -> Result<usize, StoreError> {
        if room == 0 {
            return Ok(0);
        }
        let now = self.clock.now();
        let lease = Lease {
            worker: self.worker.clone(),
            max: room,
            each: room,
            rooms: Vec::new(),
            now,
            until: now.after(self.endpoints.longest() + self.settings.margin),
        };
        let leased = self.store.lease(lease).await?;
        let begun = leased.len();
        for leased in leased {
            let work = Work {
                store: self.store.clone(),
                endpoints: self.endpoints.clone(),
                clock: self.clock.clone(),
                chance: self.chance.clone(),
            };
            attempts.spawn(async move { work.attempt(leased).await });
        }
        Ok(begun)
    }

    /// How long until something is due, as far as is known.
    async fn pause(&self) -> Duration {
        let idle = self.settings.idle.max(Duration::from_millis(1));
        let Ok(Some(due)) = self.store.next_due(Vec::new()).await else { return idle };
        let ahead = due.unix_ms().saturating_sub(self.clock.now().unix_ms());
        // At least a moment: what is due and could not be leased is under way.
        Duration::from_millis(u64::try_from(ahead).unwrap_or(0))
            .clamp(Duration::from_millis(5).min(idle), idle)
    }
}

/// One attempt, in a task of its own.
struct Work {
    store: Arc<dyn Store>,
    endpoints: Arc<dyn Endpoints>,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Fn() -> f64 + Send + Sync>,
}

impl Work {
    async fn attempt(&self, leased: Leased) {
        let Leased { fence, endpoint, attempts, event, failing_since: _ } = leased;
        let number = attempts.saturating_add(1);
        let attempt = match self.endpoints.prepare(&endpoint, &event, number, self.clock.now()) {
            Err(Unprepared::Never(error)) => self.report(None, Some(error), Next::GiveUp),
            Err(Unprepared::Later(error)) => {
                let wait = Schedule::default().wait(number, (self.chance)(), None);
                let next = wait.map_or(Next::GiveUp, |wait| Next::Retry(self.clock.now().after(wait)));
                self.report(None, Some(error), next)
            }
            Ok(Prepared { request, client, limits, schedule }) => {
                let answer = client.send(request, &limits).await;
                let status = answer.as_ref().ok().map(|response| response.status);
                let now = self.clock.now();
                match judge(&answer, now) {
                    Verdict::Delivered => self.report(status, None, Next::Done),
                    Verdict::Final { error } => self.report(status, Some(error), Next::GiveUp),
                    Verdict::Retry { after, error } => {
                        let wait = schedule.wait(number, (self.chance)(), after);
                        let next = wait.map_or(Next::GiveUp, |wait| Next::Retry(now.after(wait)));
                        self.report(status, Some(error), next)
                    }
                }
            }
        };
        // A report that cannot be written leaves the lease to run out: the delivery is attempted again, and not lost.
        let _: Result<Settled, StoreError> = self.store.settle(fence, attempt).await;
    }

    fn report(&self, status: Option<u16>, error: Option<String>, next: Next) -> Attempt {
        let error = error.map(|error| error.chars().take(200).collect::<String>().into());
        Attempt { at: self.clock.now(), status, error, next }
    }
}
