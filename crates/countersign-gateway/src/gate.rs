//! What receiving goes by: the sources as they are now, and what outlives a change of them.
//!
//! Sources are a snapshot: made whole beside the one in use, and put in its place in one step. A request is judged by one snapshot
//! from its beginning to its end, so that no request meets new keys behind an old path.

use crate::books::{Books, Ledger};
use crate::config::{Config, Enforce, Server, Source};
use crate::ids::Ids;
use crate::operate::expect_opens;
use crate::receive::{Budget, Junk};
use crate::secrets::{Sealer, fingerprint, system_random};
use countersign::{Clock, KeyId, Secret, Timestamp, Verifier, Window};
use countersign_store::{Changed, Edit, SecretRow, SecretState, Store, StoreError};
use countersign_tower::Keys;
use http::Uri;
use http::uri::PathAndQuery;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, Notify, Semaphore, SemaphorePermit};

/// How a secret that a challenge handed over is called.
pub(crate) const LEARNT: &str = "learnt-";

/// How often it is tried to take one down while operators are at work.
const ATTEMPTS: usize = 8;

/// What all requests share.
pub(crate) struct Gate {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Ids,
    pub(crate) junk: Option<Junk>,
    pub(crate) keys: Keys,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) books: Books,
    pub(crate) sealer: Option<Arc<Sealer>>,
    /// Counts of requests that no source has the path of.
    pub(crate) unknown: Arc<Ledger>,
    learning: Mutex<()>,
    started: Instant,
    snapshot: RwLock<Arc<Snapshot>>,
    wake: OnceLock<Arc<Notify>>,
}

/// The sources at one time.
pub(crate) struct Snapshot {
    pub(crate) server: Server,
    /// All that are enabled and can verify, by path.
    by_path: HashMap<Arc<str>, Arc<Inlet>>,
    /// The same in the order of the configuration.
    pub(crate) all: Vec<Arc<Inlet>>,
}

/// One source, ready.
pub(crate) struct Inlet {
    /// Its number, by which limits know it: the same as long as the process lives.
    pub(crate) number: u32,
    pub(crate) config: Arc<Source>,
    pub(crate) verifier: Arc<Verifier>,
    /// It has no key yet: nothing verifies, and challenges are recognised.
    pub(crate) keyless: bool,
    /// When each of its keys may be used; none where the scheme finds them.
    pub(crate) windows: Vec<Window>,
    /// It was told that none may be used any more.
    pub(crate) told: AtomicBool,
    pub(crate) enforce: Enforce,
    pub(crate) budget: Option<Arc<Budget>>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) endpoints: Vec<Arc<str>>,
    pub(crate) learns_until: Option<Timestamp>,
    pub(crate) room: Option<Arc<Semaphore>>,
}

/// A place among the requests that are worked on at once; for nothing if there is no limit.
pub(crate) struct Room<'i>(
    #[expect(dead_code, reason = "held, and given back when dropped")] Option<SemaphorePermit<'i>>,
);

impl Gate {
    pub(crate) fn new(
        config: &Config,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        keys: Keys,
        (sealer, process): (Option<Arc<Sealer>>, [u8; 6]),
    ) -> Self {
        let Server { junk, audit, .. } = &config.server;
        let addresses = junk.as_ref().map_or(65_536, |junk| junk.addresses);
        Gate {
            clock,
            ids: Ids::new(process),
            junk: junk.clone().map(Junk::new),
            keys,
            store,
            books: Books::new(audit, addresses),
            sealer,
            unknown: Arc::new(Ledger::new("".into())),
            learning: Mutex::new(()),
            started: Instant::now(),
            snapshot: RwLock::new(Arc::new(Snapshot::new(config.server.clone(), Vec::new()))),
            wake: OnceLock::new(),
        }
    }

    /// Let these sources receive from now on.
    pub(crate) fn put(&self, snapshot: Snapshot) {
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(snapshot);
    }

    /// What to call when something was queued.
    pub(crate) fn on_queued(&self, wake: Arc<Notify>) {
        let _ = self.wake.set(wake);
    }

    pub(crate) fn wake(&self) {
        if let Some(wake) = self.wake.get() {
            wake.notify_one();
        }
    }

    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The counts of every source that receives, and of paths that no source has.
    pub(crate) fn ledgers(&self) -> Vec<Arc<Ledger>> {
        let snapshot = self.snapshot();
        snapshot.all.iter().map(|inlet| inlet.ledger.clone()).chain([self.unknown.clone()]).collect()
    }

    /// Since the start: a clock that does not step, for limits.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// The same in milliseconds, and never 0.
    pub(crate) fn millis(&self) -> u64 {
        self.millis_at(Instant::now())
    }

    /// What [`millis`](Self::millis) was at that moment: to ask the clock costs more than most checks.
    pub(crate) fn millis_at(&self, moment: Instant) -> u64 {
        let elapsed = moment.saturating_duration_since(self.started);
        u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }

    /// Keep a secret that a challenge handed over, unconfirmed. `false` if one waits to be confirmed already.
    pub(crate) async fn take_down(
        &self,
        inlet: &Inlet,
        secret: Secret,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let source = &inlet.config.name;
        let Some(sealer) = &self.sealer else {
            return Err(StoreError::Broken(
                "a secret was handed over, and there is no `[store] key` to seal it with".into(),
            ));
        };
        let id: Arc<str> = format!("{LEARNT}{}", self.ids.next(now).text()).into();
        let sealed = sealer.seal(source, &KeyId::new(id.clone()), &secret, &mut system_random);
        let sealed = sealed
            .ok_or_else(|| StoreError::Broken("the system gives no random bytes to seal with".into()))?;
        let row = SecretRow {
            source: source.clone(),
            id,
            sealed: sealed.into(),
            fingerprint: fingerprint(secret.expose()).into(),
            state: SecretState::Pending,
            not_before: None,
            not_after: None,
            created_at: now,
        };
        // One at a time here, and as operators do it: two at once would both find that there is none.
        let _one = self.learning.lock().await;
        for _ in 0..ATTEMPTS {
            let revision = self.store.revision().await?;
            let held = self.store.secrets().await?;
            if held.iter().any(|row| row.source == *source && row.state == SecretState::Pending) {
                return Ok(false);
            }
            expect_opens(sealer, &held).map_err(|error| StoreError::Broken(error.to_string()))?;
            let written = self.store.change(vec![Edit::Secret(row.clone())], revision).await?;
            if written == Changed::Written {
                return Ok(true);
            }
        }
        Err(StoreError::Unavailable("others change sources or secrets all the while".into()))
    }
}

impl Snapshot {
    pub(crate) fn new(server: Server, all: Vec<Arc<Inlet>>) -> Self {
        let by_path = all.iter().map(|inlet| (inlet.config.path.clone(), inlet.clone())).collect();
        Snapshot { server, by_path, all }
    }

    /// The source of a path, compared byte for byte.
    pub(crate) fn inlet(&self, path: &str) -> Option<Arc<Inlet>> {
        self.by_path.get(path).cloned()
    }
}

impl Inlet {
    /// Whether none of its keys may be used now. Told once, in the log.
    pub(crate) fn is_past_its_keys(&self, now: Timestamp) -> bool {
        let past = !self.windows.is_empty() && !self.windows.iter().any(|window| window.holds(now));
        if past && !self.told.swap(true, Ordering::Relaxed) {
            let source = &*self.config.name;
            tracing::error!(
                source,
                "none of its keys may be used at this time, and it accepts nothing: give it one"
            );
        }
        past
    }

    /// A place for one request; `None` if all are taken.
    pub(crate) fn enter(&self) -> Option<Room<'_>> {
        match &self.room {
            None => Some(Room(None)),
            Some(room) => room.try_acquire().ok().map(|permit| Room(Some(permit))),
        }
    }

    /// The URL that the sender signed: what is configured, and the query as it came. Where nothing is configured the scheme does not
    /// look at the rest, and a challenge may stand in the query.
    pub(crate) fn url<'u>(&'u self, uri: &'u Uri) -> Cow<'u, str> {
        match (&self.config.url, uri.query()) {
            (None, None) => Cow::Borrowed(""),
            (None, Some(_)) => {
                let rest = uri.path_and_query().map_or("", PathAndQuery::as_str);
                Cow::Owned(format!("http://unnamed.invalid{rest}"))
            }
            (Some(url), None) => Cow::Borrowed(url),
            (Some(url), Some(query)) => Cow::Owned(format!("{url}?{query}")),
        }
    }
}
