//! Deliveries over real sockets, out of a real store.
#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use countersign::{Clock, Context, Draft, Head, Keyring, Request, Timestamp, Vars};
use countersign_delivery::{Endpoints, Engine, Prepared, Schedule, Settings, Stops, Unprepared};
use countersign_egress::{Client, Limits, Reach};
use countersign_store::{
    AuditRow, Delivery, DeliveryState, Entry, Options, Recorded, Redriven, Sqlite, Store, StoredEvent, record,
};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;

/// A receiver that answers with what it is told, one connection after the other, and remembers what it was sent.
struct Receiver {
    url: String,
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Receiver {
    fn start(answers: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/in", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let noted = seen.clone();
        std::thread::spawn(move || {
            for answer in answers.iter().chain(std::iter::repeat(answers.last().unwrap())) {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = Vec::new();
                let mut piece = [0; 4096];
                while !request.ends_with(b"}") {
                    match stream.read(&mut piece) {
                        Ok(count) if count > 0 => request.extend_from_slice(&piece[..count]),
                        _ => break,
                    }
                }
                noted.lock().unwrap().push(request);
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        Receiver { url, seen }
    }

    fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

/// A clock that the test moves.
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.0.load(Ordering::SeqCst))
    }
}

struct To(String, Schedule);

impl Endpoints for To {
    fn prepare(
        &self,
        endpoint: &str,
        event: &StoredEvent,
        attempt: u32,
        _: Timestamp,
    ) -> Result<Prepared, Unprepared> {
        if endpoint == "gone" {
            return Err(Unprepared::Never("there is no such endpoint".into()));
        }
        let port = self.0.split([':', '/']).nth(4).unwrap().parse().unwrap();
        let reach = Reach::public()
            .and_network("127.0.0.0/8".parse::<countersign_egress::IpNet>().unwrap())
            .and_ports(port..=port)
            .and_plain_http("127.0.0.1");
        let client =
            Client::builder().reach(reach).build().map_err(|error| Unprepared::Never(error.to_string()))?;
        let mut request = countersign_egress::Request::post(self.0.as_str(), event.body.to_vec());
        request.headers.insert("x-attempt", attempt.into());
        let limits = Limits::default().bytes(100).time(Duration::from_secs(5)).cut();
        let (client, schedule) = (Arc::new(client), self.1.clone());
        Ok(Prepared { request, client, limits, schedule, stops: Stops::default() })
    }

    fn schedule(&self, _: &str) -> Option<Schedule> {
        Some(self.1.clone())
    }

    fn longest(&self) -> Duration {
        Duration::from_secs(5)
    }
}

struct World {
    store: Arc<Sqlite>,
    clock: Arc<Hand>,
    _folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Sqlite::open(folder.path().join("s.db"), Options::default()).unwrap());
        World { store, clock: Arc::new(Hand(AtomicI64::new(1_700_000_000_000))), _folder: folder }
    }

    /// An event that is queued for `endpoint`.
    async fn accept(&self, name: &str, endpoint: &str) {
        let keys = Keyring::of("It's a Secret to Everybody").unwrap();
        let registry = countersign_presets::registry().unwrap();
        let verifier = registry.named("github").unwrap().verifier("s", &keys, &Vars::new()).unwrap();
        let body = Bytes::from(format!("{{\"n\":\"{name}\"}}").into_bytes());
        let draft = Draft::new(name, self.clock.now(), "https://x.example/in", &body);
        let signer = registry.named("github").unwrap().signer(&keys, &Vars::new()).unwrap();
        let headers = signer.sign(&draft).unwrap().headers;
        let pairs: Vec<(&[u8], &[u8])> = headers.iter().map(|(n, v)| (n.as_bytes(), &v[..])).collect();
        let pairs = &pairs[..];
        let request = Request::new(Head::new("POST", "https://x.example/in", &pairs), &body);
        let verified = verifier.verify(&request, &Context::at(self.clock.now())).into_verified().unwrap();
        let audit = AuditRow {
            at: self.clock.now(),
            source: "s".into(),
            outcome: "ok".into(),
            status: 202,
            event: Some(name.into()),
            columns: Bytes::from_static(b"{}"),
            repeated: None,
        };
        let entry = Entry {
            event: name.into(),
            kind: None,
            refused: None,
            head: Bytes::from_static(b"{}"),
            endpoints: vec![endpoint.into()],
            audit,
        };
        let recorded = record(&*self.store, verified, &body, entry, self.clock.now()).await.unwrap();
        assert!(matches!(recorded, Recorded::Accepted(_)));
    }

    fn start(&self, to: To) -> (watch::Sender<bool>, tokio::task::JoinHandle<()>) {
        let (stop, stopped) = watch::channel(false);
        let settings = Settings { idle: Duration::from_millis(5), ..Settings::default() };
        let engine = Engine::new(self.store.clone(), Arc::new(to), self.clock.clone(), "one", || 0.5)
            .settings(settings);
        (stop, tokio::spawn(async move { engine.run(stopped).await }))
    }

    /// The delivery of an event, once it is as wanted.
    async fn until(&self, event: &str, wanted: impl Fn(&Delivery) -> bool) -> Delivery {
        for _ in 0..2000 {
            let delivery = self.store.deliveries(event.into()).await.unwrap().remove(0);
            if wanted(&delivery) {
                return delivery;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("never came to be as wanted: {:?}", self.store.deliveries(event.into()).await);
    }

    fn pass(&self, time: Duration) {
        self.clock.0.fetch_add(time.as_millis() as i64, Ordering::SeqCst);
    }
}

const OK: &str = "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
const DOWN: &str = "HTTP/1.1 503 Down\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

fn seconds(waits: &[u64]) -> Schedule {
    Schedule::new(waits.iter().map(|s| Duration::from_secs(*s)).collect::<Vec<_>>()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_queued_arrives_byte_for_byte_and_is_done() {
    let (world, receiver) = (World::new(), Receiver::start(&[OK]));
    world.accept("e1", "up").await;
    let (stop, engine) = world.start(To(receiver.url.clone(), seconds(&[])));
    let delivery = world.until("e1", |delivery| delivery.state == DeliveryState::Done).await;
    assert_eq!((delivery.attempts, delivery.status, delivery.error), (1, Some(204), None));
    let seen = receiver.seen.lock().unwrap()[0].clone();
    assert!(seen.ends_with(b"\r\n\r\n{\"n\":\"e1\"}"), "{}", String::from_utf8_lossy(&seen));
    stop.send(true).unwrap();
    engine.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_tried_again_when_it_is_time_and_not_before() {
    let (world, receiver) = (World::new(), Receiver::start(&[DOWN, DOWN, OK]));
    world.accept("e1", "up").await;
    let (stop, engine) = world.start(To(receiver.url.clone(), seconds(&[10, 20])));
    let waiting = world
        .until("e1", |delivery| delivery.attempts == 1 && delivery.state == DeliveryState::Waiting)
        .await;
    assert_eq!(waiting.at, world.clock.now().after(Duration::from_secs(10)));
    assert_eq!((waiting.status, waiting.error.as_deref()), (Some(503), Some("the answer was 503")));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(receiver.count(), 1, "its time has not come");
    world.pass(Duration::from_secs(10));
    world.until("e1", |delivery| delivery.attempts == 2 && delivery.state == DeliveryState::Waiting).await;
    world.pass(Duration::from_secs(20));
    let done = world.until("e1", |delivery| delivery.state == DeliveryState::Done).await;
    assert_eq!((done.attempts, receiver.count()), (3, 3));
    stop.send(true).unwrap();
    engine.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_failing_and_what_cannot_be_sent_become_dead_letters_that_can_be_sent_again() {
    let (world, receiver) = (World::new(), Receiver::start(&[DOWN, OK]));
    world.accept("e1", "up").await;
    world.accept("e2", "gone").await;
    let (stop, engine) = world.start(To(receiver.url.clone(), seconds(&[])));
    let dead = world.until("e1", |delivery| delivery.state == DeliveryState::Dead).await;
    assert_eq!(dead.error.as_deref(), Some("the answer was 503"));
    let gone = world.until("e2", |delivery| delivery.state == DeliveryState::Dead).await;
    assert_eq!((gone.status, gone.error.as_deref()), (None, Some("there is no such endpoint")));
    let again = |id: &Arc<str>| vec![(id.clone(), world.clock.now())];
    let redriven = world.store.redrive(again(&dead.id), false).await.unwrap();
    assert_eq!(redriven, [Redriven::Queued]);
    world.until("e1", |delivery| delivery.state == DeliveryState::Done).await;
    let redriven = world.store.redrive(again(&dead.id), false).await.unwrap();
    assert_eq!(redriven, [Redriven::Delivered], "it arrived since");
    stop.send(true).unwrap();
    engine.await.unwrap();
    assert_eq!(receiver.count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_error_is_final_and_a_redirect_is_a_failure_that_nobody_follows() {
    let moved = "HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let moved: &'static [&'static str] = Box::leak(vec![moved].into_boxed_slice());
    let refused: &[&str] = &["HTTP/1.1 400 No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"];
    for (answers, attempts, status) in [(moved, 2, None), (refused, 1, Some(400))] {
        let (world, receiver) = (World::new(), Receiver::start(answers));
        world.accept("e1", "up").await;
        let (stop, engine) = world.start(To(receiver.url.clone(), seconds(&[0])));
        let dead = world.until("e1", |delivery| delivery.state == DeliveryState::Dead).await;
        assert_eq!((dead.attempts, dead.status), (attempts, status), "{:?}", dead.error);
        assert_eq!(receiver.count(), attempts as usize);
        stop.send(true).unwrap();
        engine.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_engines_on_one_store_send_each_delivery_once() {
    let (world, receiver) = (World::new(), Receiver::start(&[OK]));
    for n in 0..40 {
        world.accept(&format!("e{n}"), "up").await;
    }
    let engines: Vec<_> = (0..2).map(|_| world.start(To(receiver.url.clone(), seconds(&[])))).collect();
    for n in 0..40 {
        world.until(&format!("e{n}"), |delivery| delivery.state == DeliveryState::Done).await;
    }
    for (stop, engine) in engines {
        stop.send(true).unwrap();
        engine.await.unwrap();
    }
    assert_eq!(receiver.count(), 40);
}
