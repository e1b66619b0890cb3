//! What is written down about requests: a row for each, and counts by source, hour and outcome.
//!
//! Counts are kept in memory and added to the store every second: a second's counts are what a crash can lose, and nothing else,
//! for the row of an accepted request is written in the same step as its event. Rows of refused requests are written up to a rate
//! per source and address, and dropped when the store is slower than they come: junk fills no disk.

use crate::config::{Audit, Junk as Rule, Rate, Shape};
use crate::receive::{Budget, Junk};
use countersign::{KeyId, Timestamp};
use countersign_store::{AuditRow, Histogram, KeyUse, Store, Tally};
use serde::Serialize;
use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;

/// How many rows wait for the store at most.
const MOST_ROWS: usize = 8192;

/// How long rows are gathered: a commit for each that comes would keep the disk as busy as requests that are recorded do.
const GATHER: Duration = Duration::from_millis(50);

/// How many refusals get a row, of all addresses and sources together.
const MOST_REFUSALS: Rate =
    Rate { count: 100, per: Duration::from_secs(1), shape: Shape::Bucket { burst: 1000 } };

/// How many rows are written at once.
const BATCH: usize = 512;

/// How often counts are added to the store.
const EVERY: Duration = Duration::from_secs(1);

/// An hour, in seconds.
const HOUR: i64 = 3600;

/// What one check said.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Check {
    /// It was not asked: it is not configured, or the visit ended before.
    #[default]
    Skipped,
    Passed,
    Failed,
}

/// What each check said.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Checks {
    pub(crate) limit: Check,
    pub(crate) address: Check,
    pub(crate) junk: Check,
    pub(crate) signature: Check,
    pub(crate) rate: Check,
    pub(crate) replay: Check,
}

/// Everything of a row that no engine looks at: what `columns` holds, as JSON.
#[derive(Serialize)]
pub(crate) struct Columns<'a> {
    /// The request's id.
    pub(crate) id: &'a str,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    /// The sender's address; and the connection's, where a proxy stands between.
    pub(crate) address: IpAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) peer: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) agent: Option<Cow<'a, str>>,
    pub(crate) size: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body_sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<&'a str>,
    /// Seconds by which the signed time is behind the present.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) skew: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) says: Option<&'a str>,
    pub(crate) checks: Checks,
    pub(crate) micros: u64,
}

/// Takes rows and hands them to the store.
pub(crate) struct Books {
    rows: mpsc::Sender<AuditRow>,
    waiting: Mutex<Option<mpsc::Receiver<AuditRow>>>,
    refusals: Junk,
    /// Who has many addresses writes no more than this.
    all: Budget,
    dropped: AtomicU64,
    /// Whether the last change of the configuration was taken.
    reloaded: AtomicBool,
}

impl Books {
    pub(crate) fn new(audit: &Audit, addresses: usize) -> Self {
        let (rows, waiting) = mpsc::channel(MOST_ROWS);
        let rule = Rule { failures: audit.refusals.count, per: audit.refusals.per, addresses };
        Books {
            rows,
            waiting: Mutex::new(Some(waiting)),
            refusals: Junk::new(rule),
            all: Budget::new(MOST_REFUSALS),
            dropped: AtomicU64::new(0),
            reloaded: AtomicBool::new(true),
        }
    }

    /// Whether a refusal gets a row: up to a rate per source and address, and up to one for all together.
    pub(crate) fn wants(&self, source: u32, address: IpAddr, now: u64) -> bool {
        let wants = self.refusals.wait(source, address, now).is_none()
            && self.all.take(Duration::from_millis(now)).is_ok();
        if wants {
            self.refusals.charge(source, address, now);
        }
        wants
    }

    /// Write a row, soon. Dropped, and counted as dropped, while too many wait.
    pub(crate) fn write(&self, row: AuditRow) {
        if self.rows.try_send(row).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many rows were dropped since the start.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// The last change of the configuration was taken, or was not.
    pub(crate) fn reloaded(&self, well: bool) {
        self.reloaded.store(well, Ordering::Relaxed);
    }

    /// Whether it was.
    pub(crate) fn is_reloaded(&self) -> bool {
        self.reloaded.load(Ordering::Relaxed)
    }

    /// Hand rows and counts to the store until `stop` says so, and once more then.
    pub(crate) async fn keep(
        &self,
        store: &dyn Store,
        ledgers: impl Fn() -> Vec<Arc<Ledger>>,
        mut stop: watch::Receiver<bool>,
    ) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut waiting) = waiting else { return };
        let mut every = tokio::time::interval(GATHER);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut rows = Vec::new();
        loop {
            let stopped = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => true,
                _ = every.tick() => false,
            };
            loop {
                while rows.len() < BATCH
                    && let Ok(row) = waiting.try_recv()
                {
                    rows.push(row);
                }
                let count = rows.len() as u64;
                if count == 0 {
                    break;
                }
                if store.audit(std::mem::take(&mut rows)).await.is_err() {
                    self.dropped.fetch_add(count, Ordering::Relaxed);
                }
                // What came meanwhile waits for the next round, or this one might never end.
                if count < BATCH as u64 && !stopped {
                    break;
                }
            }
            for ledger in ledgers() {
                ledger.hand_over(store, stopped).await;
            }
            if stopped {
                return;
            }
        }
    }
}

/// The counts of one source.
pub(crate) struct Ledger {
    source: Arc<str>,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    /// Since they were last handed over.
    fresh: Vec<Tally>,
    keys: Vec<(Arc<str>, Timestamp)>,
    handed_at: Option<tokio::time::Instant>,
    /// Since the start, for metrics.
    totals: Vec<(Arc<str>, u64)>,
    micros: Histogram,
}

impl Open {
    /// Add what could not be handed over to what came meanwhile: one for each outcome and hour, however long that goes on.
    fn put_back(&mut self, tally: Tally) {
        let same = |known: &&mut Tally| known.hour == tally.hour && known.outcome == tally.outcome;
        match self.fresh.iter_mut().find(same) {
            Some(known) => {
                known.count += tally.count;
                known.last_at = known.last_at.max(tally.last_at);
                known.micros.merge(&tally.micros);
            }
            None => self.fresh.push(tally),
        }
    }
}

impl Ledger {
    pub(crate) fn new(source: Arc<str>) -> Self {
        Ledger { source, open: Mutex::default() }
    }

    /// Count a request that ended at `at` after so many microseconds.
    pub(crate) fn count(&self, outcome: &str, at: Timestamp, micros: u64) {
        let hour = Timestamp::from_unix(at.unix().div_euclid(HOUR) * HOUR);
        let mut open = self.open();
        open.micros.add(micros);
        match open.totals.iter_mut().find(|(known, _)| **known == *outcome) {
            Some((_, count)) => *count += 1,
            None => open.totals.push((outcome.into(), 1)),
        }
        if let Some(tally) =
            open.fresh.iter_mut().find(|tally| tally.hour == hour && *tally.outcome == *outcome)
        {
            tally.count += 1;
            tally.last_at = tally.last_at.max(at);
            tally.micros.add(micros);
            return;
        }
        let mut histogram = Histogram::default();
        histogram.add(micros);
        let (source, outcome) = (self.source.clone(), outcome.into());
        open.fresh.push(Tally { source, hour, outcome, count: 1, last_at: at, micros: histogram });
    }

    /// A key matched.
    pub(crate) fn matched(&self, key: &KeyId, at: Timestamp) {
        let mut open = self.open();
        match open.keys.iter_mut().find(|(known, _)| **known == *key.as_str()) {
            Some((_, last)) => *last = (*last).max(at),
            None => open.keys.push((key.as_str().into(), at)),
        }
    }

    /// Whose.
    pub(crate) fn source(&self) -> Arc<str> {
        self.source.clone()
    }

    /// Counts and times since the start.
    pub(crate) fn totals(&self) -> (Vec<(Arc<str>, u64)>, Histogram) {
        let open = self.open();
        (open.totals.clone(), open.micros.clone())
    }

    /// Add what is new to the store: once a second, or `now`. What cannot be added is kept.
    async fn hand_over(&self, store: &dyn Store, now: bool) {
        let (fresh, keys) = {
            let mut open = self.open();
            let due = open.handed_at.is_none_or(|at| at.elapsed() >= EVERY);
            if !(due || now) || (open.fresh.is_empty() && open.keys.is_empty()) {
                return;
            }
            open.handed_at = Some(tokio::time::Instant::now());
            (std::mem::take(&mut open.fresh), std::mem::take(&mut open.keys))
        };
        if !fresh.is_empty() && store.tally(fresh.clone()).await.is_err() {
            let mut open = self.open();
            fresh.into_iter().for_each(|tally| open.put_back(tally));
        }
        let uses = keys.into_iter().map(|(key, at)| KeyUse { source: self.source.clone(), key, at });
        let uses: Vec<_> = uses.collect();
        if !uses.is_empty() {
            // A time that is lost is made up for by the next match.
            let _ = store.matched(uses).await;
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
