//! What attempts came to, by endpoint and hour, until it is written.

use countersign::Timestamp;
use countersign_store::{Histogram, Store, Tally, of_endpoint};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const HOUR_MS: i64 = 3_600_000;

/// It arrived.
pub const DELIVERED: &str = "delivered";
/// It failed, and is tried again.
pub const FAILED: &str = "failed";
/// It failed, and was given up.
pub const DEAD: &str = "dead";

/// Endpoint, hour, outcome.
type Key = (Arc<str>, i64, &'static str);

/// Attempts since an engine was made, that came to one thing at one endpoint.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Total {
    /// Where they went: the name in the queue.
    pub endpoint: Arc<str>,
    /// [`DELIVERED`], [`FAILED`] or [`DEAD`].
    pub outcome: &'static str,
    /// How many.
    pub count: u64,
    /// How long they took, in microseconds.
    pub micros: Histogram,
}

/// By endpoint and outcome: how many, and how long they took.
type Totals = HashMap<(Arc<str>, &'static str), (u64, Histogram)>;

#[derive(Default)]
pub(crate) struct Counts {
    unwritten: Mutex<HashMap<Key, Tally>>,
    since_start: Mutex<Totals>,
}

impl Counts {
    /// Count an attempt that ended at `at`.
    pub(crate) fn add(&self, endpoint: &Arc<str>, at: Timestamp, outcome: &'static str, took: Duration) {
        let hour = at.unix_ms().div_euclid(HOUR_MS).saturating_mul(HOUR_MS);
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let mut micros = Histogram::default();
        micros.add(took);
        {
            let mut since_start = self.since_start.lock().unwrap_or_else(PoisonError::into_inner);
            let (count, all) = since_start.entry((endpoint.clone(), outcome)).or_default();
            *count += 1;
            all.add(took);
        }
        let fresh = Tally {
            source: of_endpoint(endpoint).into(),
            hour: Timestamp::from_unix_ms(hour),
            outcome: outcome.into(),
            count: 1,
            last_at: at,
            micros,
        };
        self.merge((endpoint.clone(), hour, outcome), fresh);
    }

    /// All since the start.
    pub(crate) fn totals(&self) -> Vec<Total> {
        let since_start = self.since_start.lock().unwrap_or_else(PoisonError::into_inner);
        let total =
            |((endpoint, outcome), (count, micros)): (&(Arc<str>, &'static str), &(u64, Histogram))| Total {
                endpoint: endpoint.clone(),
                outcome,
                count: *count,
                micros: micros.clone(),
            };
        since_start.iter().map(total).collect()
    }

    /// Write all of it. What could not be written is kept for the next time.
    pub(crate) async fn flush(&self, store: &dyn Store) {
        let taken = std::mem::take(&mut *self.unwritten.lock().unwrap_or_else(PoisonError::into_inner));
        if taken.is_empty() {
            return;
        }
        if store.tally(taken.values().cloned().collect()).await.is_err() {
            taken.into_iter().for_each(|(key, tally)| self.merge(key, tally));
        }
    }

    fn merge(&self, key: Key, new: Tally) {
        let mut counts = self.unwritten.lock().unwrap_or_else(PoisonError::into_inner);
        match counts.get_mut(&key) {
            None => drop(counts.insert(key, new)),
            Some(there) => {
                there.count = there.count.saturating_add(new.count);
                there.last_at = there.last_at.max(new.last_at);
                there.micros.merge(&new.micros);
            }
        }
    }
}
