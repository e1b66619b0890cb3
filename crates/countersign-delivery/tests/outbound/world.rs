//! What every test has: keys, clocks, messages, a store, an engine.

use crate::receiver::Receiver;
use bytes::Bytes;
use countersign::{
    Clock, Context, Head, Key, Keyring, Outcome, Request, Signer, Timestamp, Vars, Verifier, Window,
};
use countersign_delivery::{
    Canonical, Endpoints, Engine, MAX_MESSAGE, Message, MessageId, Policy, Prepared, Schedule, Settings,
    Shares, Standing, Target, Targets, Unprepared,
};
use countersign_egress::{Client, IpNet, Reach};
use countersign_store::{
    Delivery, DeliveryState, NewEndpoint, Options, Published, Sqlite, Store, StoredEvent,
};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) const START: Timestamp = Timestamp::from_unix(1_700_000_000);

/// Three secrets as the scheme wants them.
pub(crate) const SECRETS: [&str; 3] = [
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "whsec_IB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgE=",
];

/// Keys named by their numbers, each with its window.
pub(crate) fn ring(windows: &[(usize, Window)]) -> Keyring {
    let mut ring = Keyring::new();
    for (number, window) in windows {
        let mut key = Key::shared(format!("k{number}"), SECRETS[*number]).unwrap();
        key.window = *window;
        ring.add(key).unwrap();
    }
    ring
}

pub(crate) fn signer_of(keys: &Keyring) -> Signer {
    countersign_presets::registry()
        .unwrap()
        .named("standard-webhooks")
        .unwrap()
        .signer(keys, &Vars::new())
        .unwrap()
}

pub(crate) fn signer() -> Signer {
    signer_of(&ring(&[(0, Window::default())]))
}

pub(crate) fn verifier(number: usize) -> Arc<Verifier> {
    let registry = countersign_presets::registry().unwrap();
    let keys = ring(&[(number, Window::default())]);
    registry.named("standard-webhooks").unwrap().verifier("s", &keys, &Vars::new()).unwrap()
}

/// Whether it is signed by this key and of this moment.
pub(crate) fn verifies(seen: &crate::receiver::Seen, number: usize, now: Timestamp) -> bool {
    let headers = seen.headers();
    let pairs = &headers[..];
    let request = Request::new(Head::new("POST", "https://x.example/in", &pairs), &seen.body);
    matches!(verifier(number).verify(&request, &Context::at(now)), Outcome::Verified(_))
}

pub(crate) fn message(id: &str) -> Canonical {
    let payload = Bytes::from_static(br#"{"b":2,"a":"\u00fc"}"#);
    let id = MessageId::new(id).unwrap();
    let (topic, kind) = ("billing".into(), "invoice.paid".into());
    Message { id, time: START, topic, kind, payload }.canonical(MAX_MESSAGE).unwrap()
}

/// A client that may call the receivers of this machine.
pub(crate) fn client(ports: impl IntoIterator<Item = u16>) -> Client {
    let network: IpNet = "127.0.0.0/8".parse().unwrap();
    let reach = Reach::public().and_network(network).and_plain_http("127.0.0.1");
    let reach = ports.into_iter().fold(reach, |reach, port| reach.and_ports(port..=port));
    Client::builder().reach(reach).build().unwrap()
}

pub(crate) fn waits(millis: &[u64]) -> Schedule {
    Schedule::new(millis.iter().copied().map(Duration::from_millis).collect::<Vec<_>>()).unwrap()
}

pub(crate) fn target(receiver: &Receiver, policy: Policy) -> Target {
    let client = Arc::new(client([receiver.port]));
    Target::builder(receiver.url(), signer(), client).policy(policy).build(START).unwrap()
}

/// A clock that the test moves.
pub(crate) struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.0.load(Ordering::SeqCst))
    }
}

impl Default for Hand {
    fn default() -> Self {
        Hand(AtomicI64::new(START.unix_ms()))
    }
}

impl Hand {
    pub(crate) fn pass(&self, time: Duration) {
        self.0.fetch_add(time.as_millis() as i64, Ordering::SeqCst);
    }
}

/// Numbers between 0 and 1 that look like chance, the same in every run.
pub(crate) fn chance() -> impl Fn() -> f64 + Send + Sync {
    let state = AtomicU64::new(1);
    move || {
        let number = state.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Targets whose attempts end sooner than an operator could say.
pub(crate) struct Hasty(pub(crate) Arc<Targets>, pub(crate) Duration);

impl Endpoints for Hasty {
    fn prepare(
        &self,
        endpoint: &str,
        event: &StoredEvent,
        attempt: u32,
        now: Timestamp,
    ) -> Result<Prepared, Unprepared> {
        let mut prepared = self.0.prepare(endpoint, event, attempt, now)?;
        prepared.limits = prepared.limits.time(self.1);
        Ok(prepared)
    }

    fn schedule(&self, endpoint: &str) -> Option<Schedule> {
        self.0.schedule(endpoint)
    }

    fn longest(&self) -> Duration {
        self.1
    }

    fn shares(&self) -> Shares {
        self.0.shares()
    }
}

/// A store in a folder, and a clock.
pub(crate) struct World {
    pub(crate) store: Arc<Sqlite>,
    pub(crate) clock: Arc<Hand>,
    pub(crate) targets: Arc<Targets>,
    pub(crate) file: std::path::PathBuf,
    _folder: tempfile::TempDir,
}

/// An engine that works.
pub(crate) struct Working {
    stop: watch::Sender<bool>,
    pub(crate) task: JoinHandle<()>,
}

impl Working {
    pub(crate) async fn stop(self) {
        self.stop.send(true).unwrap();
        self.task.await.unwrap();
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("s.db");
        let store = Arc::new(Sqlite::open(&file, Options::default()).unwrap());
        World { store, clock: Arc::default(), targets: Arc::default(), file, _folder: folder }
    }

    pub(crate) fn put(&self, targets: Vec<(&str, Option<Target>)>) {
        let standing = |target: Option<Target>| match target {
            Some(target) => Standing::Ready(Arc::new(target)),
            None => Standing::Paused,
        };
        let targets = targets.into_iter().map(|(name, target)| (name.into(), standing(target)));
        self.targets.put(targets.collect::<HashMap<_, _>>());
    }

    /// An endpoint that the store knows.
    pub(crate) async fn endpoint(&self, name: &str) {
        let new = NewEndpoint { name: name.into(), table: "".into(), secrets: vec![], now: self.clock.now() };
        assert!(self.store.add_endpoint(new).await.unwrap());
    }

    pub(crate) async fn paused(&self, name: &str) -> Option<String> {
        let rows = self.store.endpoints().await.unwrap();
        let row = rows.into_iter().find(|row| &*row.name == name).unwrap();
        row.paused.map(|(reason, _)| reason.to_string())
    }

    pub(crate) async fn publish(&self, id: &str, endpoints: &[&str]) {
        let endpoints = endpoints.iter().map(|name| Arc::from(*name)).collect();
        let publication = message(id).publication(endpoints, self.clock.now());
        assert_eq!(self.store.publish(publication).await.unwrap(), Published::Fresh);
    }

    /// A hundred and more at once: they share commits.
    pub(crate) async fn publish_many(&self, ids: impl IntoIterator<Item = String>, endpoints: &[&str]) {
        let endpoints: Vec<Arc<str>> = endpoints.iter().map(|name| Arc::from(*name)).collect();
        let mut writes = tokio::task::JoinSet::new();
        for id in ids {
            let publication = message(&id).publication(endpoints.clone(), self.clock.now());
            let store = self.store.clone();
            writes.spawn(
                async move { assert_eq!(store.publish(publication).await.unwrap(), Published::Fresh) },
            );
        }
        writes.join_all().await;
    }

    pub(crate) fn start(&self, endpoints: Arc<dyn Endpoints>, parallel: usize) -> Working {
        self.worker("one", self.store.clone(), endpoints, parallel)
    }

    pub(crate) fn worker(
        &self,
        name: &str,
        store: Arc<Sqlite>,
        endpoints: Arc<dyn Endpoints>,
        parallel: usize,
    ) -> Working {
        let (stop, stopped) = watch::channel(false);
        let idle = Duration::from_millis(5);
        let settings = Settings { idle, parallel, ..Settings::default() };
        let engine = Engine::new(store, endpoints, self.clock.clone(), name, chance()).settings(settings);
        Working { stop, task: tokio::spawn(async move { engine.run(stopped).await }) }
    }

    pub(crate) async fn delivery(&self, event: &str) -> Delivery {
        self.store.deliveries(event.into()).await.unwrap().remove(0)
    }

    /// The first delivery of an event, once it is as wanted.
    pub(crate) async fn until(&self, event: &str, wanted: impl Fn(&Delivery) -> bool) -> Delivery {
        for _ in 0..4000 {
            let delivery = self.delivery(event).await;
            if wanted(&delivery) {
                return delivery;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("never came to be as wanted: {:?}", self.delivery(event).await);
    }

    pub(crate) async fn until_state(&self, event: &str, state: DeliveryState) -> Delivery {
        self.until(event, |delivery| delivery.state == state).await
    }
}

/// Wait until it holds, for half a minute at most.
pub(crate) async fn wait_for(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..6000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("never came to be: {what}");
}
