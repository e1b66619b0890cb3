//! Endpoints by name, as an engine asks for them.

use crate::attempt::{Prepared, Unprepared};
use crate::engine::Endpoints;
use crate::message::Canonical;
use crate::places::Shares;
use crate::policy::Share;
use crate::schedule::Schedule;
use crate::target::Target;
use countersign::Timestamp;
use countersign_store::StoredEvent;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// How long after a message was published its endpoints are known here at the latest, in milliseconds.
const HEARD_OF: i64 = 10_000;

/// How an endpoint stands.
#[derive(Clone)]
pub enum Standing {
    /// It is sent to.
    Ready(Arc<Target>),
    /// What is queued for it is held.
    Paused,
    /// It cannot be made ready until somebody mends it, and why. It counts as attempts that fail, on the default schedule.
    Broken(String),
}

/// Endpoints by name, exchanged as a whole while an engine works. An attempt is of the one set or of the other.
#[derive(Default)]
pub struct Targets(RwLock<Arc<Set>>);

#[derive(Default)]
struct Set {
    targets: HashMap<Arc<str>, Standing>,
    shares: Shares,
    longest: Duration,
}

impl Targets {
    /// Send to these from now on.
    pub fn put(&self, targets: HashMap<Arc<str>, Standing>) {
        let ready = || {
            targets.iter().filter_map(|(name, standing)| match standing {
                Standing::Ready(target) => Some((name, target)),
                Standing::Paused | Standing::Broken(_) => None,
            })
        };
        let longest = ready().map(|(_, target)| target.policy().limits().time).max().unwrap_or_default();
        let shares = ready().map(|(name, target)| (name.clone(), target.policy().share()));
        let shares = Arc::new(shares.filter(|(_, share)| *share != Share::default()).collect());
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Set { targets, shares, longest });
    }

    fn set(&self) -> Arc<Set> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Endpoints for Targets {
    fn prepare(
        &self,
        endpoint: &str,
        event: &StoredEvent,
        _: u32,
        now: Timestamp,
    ) -> Result<Prepared, Unprepared> {
        match self.set().targets.get(endpoint) {
            // Added a moment ago, and not heard of yet: nothing was attempted.
            None if now.unix_ms().saturating_sub(event.at.unix_ms()) < HEARD_OF => Err(Unprepared::Paused),
            None => Err(Unprepared::Later("there is no endpoint of this name now".into())),
            Some(Standing::Paused) => Err(Unprepared::Paused),
            Some(Standing::Broken(why)) => {
                Err(Unprepared::Later(format!("its endpoint cannot be sent to: {why}")))
            }
            Some(Standing::Ready(target)) => {
                let message = Canonical::stored(event)
                    .ok_or_else(|| Unprepared::Never("what is stored is no message to be sent".into()))?;
                target.prepare(&message, now)
            }
        }
    }

    /// Of one that is broken or not known, the default: as attempts are counted that cannot be made for it.
    fn schedule(&self, endpoint: &str) -> Option<Schedule> {
        match self.set().targets.get(endpoint) {
            Some(Standing::Ready(target)) => Some(target.policy().waits().clone()),
            Some(Standing::Paused) => None,
            Some(Standing::Broken(_)) | None => Some(Schedule::default()),
        }
    }

    fn longest(&self) -> Duration {
        self.set().longest
    }

    fn shares(&self) -> Shares {
        self.set().shares.clone()
    }
}
