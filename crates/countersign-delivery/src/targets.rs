//! Endpoints by name, as an engine asks for them.

use crate::attempt::{Prepared, Unprepared};
use crate::engine::Endpoints;
use crate::message::Canonical;
use crate::places::Shares;
use crate::policy::Share;
use crate::target::Target;
use countersign::Timestamp;
use countersign_store::StoredEvent;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// How long after a message was published its endpoints are known here at the latest, in milliseconds.
const HEARD_OF: i64 = 10_000;

/// Endpoints by name, exchanged as a whole while an engine works. An attempt is of the one set or of the other.
#[derive(Default)]
pub struct Targets(RwLock<Arc<Set>>);

#[derive(Default)]
struct Set {
    targets: HashMap<Arc<str>, Option<Arc<Target>>>,
    shares: Shares,
    longest: Duration,
}

impl Targets {
    /// Send to these from now on; `None` for one that is paused.
    pub fn put(&self, targets: HashMap<Arc<str>, Option<Arc<Target>>>) {
        let ready = || targets.iter().filter_map(|(name, target)| Some((name, target.as_ref()?)));
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
            Some(None) => Err(Unprepared::Paused),
            Some(Some(target)) => {
                let message = Canonical::stored(event)
                    .ok_or_else(|| Unprepared::Never("what is stored is no message to be sent".into()))?;
                target.prepare(&message, now)
            }
        }
    }

    fn longest(&self) -> Duration {
        self.set().longest
    }

    fn shares(&self) -> Shares {
        self.set().shares.clone()
    }
}
