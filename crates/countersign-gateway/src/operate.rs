//! What operators do: one service, behind the admin API and the command line alike.
//!
//! Every operation is a function of typed arguments whose answer is plain data, so that the two doors cannot differ in what
//! they do, only in how they show it. It works on the store and on the configuration, and not on a running gateway: a gateway that
//! runs sees a change by [`Store::revision`], and there need be none.
//!
//! The surprising decision is that a source which is added is written to the store as the text of its TOML table, and read by the
//! reader of the configuration file. So it can be nothing that a file could not say, and every mistake in it is told in the
//! same words.

mod aim;
mod change;
mod decide;
mod deliveries;
mod endpoints;
mod error;
mod events;
mod keys;
mod known;
mod moment;
mod publish;
mod requests;
mod schema;
mod sealed;
mod secrets;
mod sources;
mod stats;
mod trial;
mod types;

pub use aim::{Aim, AimWith};
pub use change::{NewSource, SourceAdded, SourceRemoved, Switch};
pub use deliveries::{DeliveriesAsked, DeliveryShown, Redrive, RedriveStep};
pub use endpoints::{
    Attempts, EndpointAdded, EndpointLine, EndpointRemoved, EndpointShown, EndpointTried, NewEndpoint,
};
pub use error::{Complaint, ErrorCode, OperateError};
pub use events::{DeliveryLine, EventLine, EventSearch, EventShown, HeaderText, RequestShown};
pub use keys::{KeyLine, KeyState};
pub(crate) use known::receives;
pub use moment::Moment;
pub use publish::{MessageSent, NewMessage, TOPIC};
pub use requests::{Checks, Columns, RequestLine, RequestSearch, Word};
pub use sealed::Resealed;
pub(crate) use sealed::expect_opens;
pub use secrets::{Given, SecretChanged, Secrets, ShownOnce, Value};
pub use sources::{ForwardLine, FreshnessShown, RateShown, SourceLine, SourceShown};
pub use stats::{Counts, Hour, Span, Stats};
pub use trial::{DiagnosisShown, FindingShown, Trial, TrialCheck, Tried};
pub use types::{EventType, NewEventType};

use crate::config::Config;
use crate::secrets::Sealer;
use countersign::{Clock, Timestamp};
use countersign_store::{Cursor, Options, Page, Queued, Sqlite, Store};
use known::Placed;
use publish::Subscribers;
use serde::Serialize;
use std::fmt;
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;
use utoipa::ToSchema;

/// A part of a listing.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct Listing<T: ToSchema> {
    /// What was found.
    pub rows: Vec<T>,

    /// Where it goes on. It is there even if nothing follows yet, so that a listing can be followed as it grows.
    pub next: Option<String>,
}

impl<T: ToSchema> Listing<T> {
    fn new<R>(page: Page<R>, show: impl FnMut(R) -> T) -> Self {
        let Page { rows, next } = page;
        Listing {
            rows: rows.into_iter().map(show).collect(),
            next: next.map(|Cursor(place)| place.to_string()),
        }
    }
}

/// Fills bytes with ones that nobody can guess; `false` if there are none.
pub type Chance = dyn Fn(&mut [u8]) -> bool + Send + Sync;

/// The configuration as the file says it, without the sources that the store keeps: those are read here.
pub type Current = dyn Fn() -> Arc<Config> + Send + Sync;

/// What operators do. Cheap to share; holds no state of its own but what it has read already.
pub struct Operator {
    store: Arc<dyn Store>,
    config: Box<Current>,
    sealer: Option<Arc<Sealer>>,
    clock: Arc<dyn Clock>,
    chance: Box<Chance>,
    /// Tells whoever delivers that there is something.
    wake: Option<Box<dyn Fn() + Send + Sync>>,
    /// Places for trials: each takes a thread, and a second or two of it.
    trials: Semaphore,
    /// Who wanted what when somebody last published.
    subscribers: Mutex<Option<Arc<Subscribers>>>,
}

/// How many trials there are at once.
const TRIALS: usize = 2;

impl Operator {
    /// On this store, and on the configuration that `config` gives. Without a `sealer` there are no managed secrets: nothing that
    /// would have to open or to seal one can be done.
    pub fn new(
        store: Arc<dyn Store>,
        config: Box<Current>,
        sealer: Option<Arc<Sealer>>,
        clock: Arc<dyn Clock>,
        chance: Box<Chance>,
    ) -> Self {
        let (trials, subscribers) = (Semaphore::new(TRIALS), Mutex::default());
        Operator { store, config, sealer, clock, chance, wake: None, trials, subscribers }
    }

    /// Call `wake` when something was queued: whoever delivers looks by himself only every second.
    #[must_use]
    pub fn waking(self, wake: impl Fn() + Send + Sync + 'static) -> Self {
        Operator { wake: Some(Box::new(wake)), ..self }
    }

    fn wake(&self) {
        if let Some(wake) = &self.wake {
            wake();
        }
    }

    /// The same on the store that the configuration names, opened here: for a command. A gateway may have it open as well.
    ///
    /// # Errors
    /// The store cannot be used. Blocks, for as long as ten seconds if another process has the file.
    pub fn open(
        config: Arc<Config>,
        sealer: Option<Arc<Sealer>>,
        clock: Arc<dyn Clock>,
        chance: Box<Chance>,
    ) -> Result<Self, OperateError> {
        let store = Arc::new(Sqlite::open(&config.store.path, Options::default())?);
        Ok(Self::new(store, Box::new(move || config.clone()), sealer, clock, chance))
    }

    /// Whether the store can write now, and the configuration has been read. For readiness.
    pub async fn ready(&self) -> Result<(), OperateError> {
        Ok(self.store.ready().await?)
    }

    /// The configuration in use, as JSON: what was written and what was not, and what operators have switched since, with where
    /// secrets are and none of them.
    pub async fn config(&self) -> Result<serde_json::Value, OperateError> {
        let mut whole = Config::clone(&self.current());
        whole.sources = self.known().await?.sources.into_iter().map(Placed::in_use).collect();
        Ok(whole.to_json())
    }

    /// How many deliveries are where, if the store answers, and the present. For measures.
    pub(crate) async fn queued(&self) -> (Option<Queued>, Timestamp) {
        (self.store.queued().await.ok(), self.now())
    }

    fn store(&self) -> &dyn Store {
        &*self.store
    }

    fn current(&self) -> Arc<Config> {
        (self.config)()
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// To have found nothing of a source that there is, is an answer; of one that there is not, a mistake.
    async fn expect_source(&self, name: Option<&str>) -> Result<(), OperateError> {
        match name {
            Some(name) => self.known().await?.find(name).map(drop),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operator").finish_non_exhaustive()
    }
}

/// The place that a listing goes on from.
fn cursor(after: Option<&str>) -> Option<Cursor> {
    after.map(|place| Cursor(place.into()))
}

/// How many rows are wanted. A page is a page: who wants more asks again.
fn most(max: Option<usize>) -> Result<usize, OperateError> {
    match max {
        None => Ok(0),
        Some(max @ 1..=1000) => Ok(max),
        Some(max) => {
            Err(OperateError::new(ErrorCode::InvalidArgument, format!("`max` is {max}: it is 1 to 1000"))
                .help("ask for the rest with `after`, the `next` of a listing"))
        }
    }
}
