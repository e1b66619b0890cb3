//! How many signed deliveries a second go from a store on disk to a receiver on this machine, beside a loop that does nothing but post
//! the same bytes.
//!
//! A delivery here is all of it: it was published to SQLite, is leased, signed afresh, sent, answered and settled, each of these durable.
//! The loop is bare: the same HTTP library with its defaults, no store, no signature, no rule of addresses. Both have the same receiver
//! and the same number of requests under way; they take turns, for a machine is not as fast in one minute as in the next, and what is
//! told is the median of the turns and of each turn's ratio. What a disk does to it is seen in the second table, of a store in memory
//! (`SHM`, `/dev/shm` by default).
//!
//! `TURNS=9 MANY=4000 cargo bench -p countersign-delivery`.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use bytes::Bytes;
use countersign::{Clock, Keyring, Timestamp, Vars};
use countersign_delivery::{
    Canonical, Engine, MAX_MESSAGE, Message, MessageId, Policy, Settings, Standing, Target, Targets,
};
use countersign_egress::{Client, IpNet, Reach};
use countersign_store::{Options, Published, Sqlite, Store};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

const PAYLOAD: usize = 1024;
const AT_ONCE: [usize; 2] = [8, 64];

fn main() {
    let number = |name, usual| std::env::var(name).map_or(usual, |text| text.parse::<usize>().unwrap());
    let (turns, many) = (number("TURNS", 9), number("MANY", 3000));
    let memory = std::env::var("SHM").unwrap_or_else(|_| "/dev/shm".into());
    let receiver = Receiver::start();
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    println!("{many} messages of {PAYLOAD} bytes a turn, {turns} turns; a second:");
    println!("{:>8}  {:<16}{:>12}{:>12}{:>8}", "at once", "store", "deliveries", "bare posts", "ratio");
    for (store, folder) in [("on disk", std::env::temp_dir()), ("in memory", memory.into())] {
        for at_once in AT_ONCE {
            let mut runs = Vec::new();
            for _ in 0..turns {
                let ours = deliveries(&runtime, &folder, &receiver, at_once, many);
                runs.push((ours, bare(&runtime, &receiver, at_once, many)));
            }
            let median_of = |of: fn(&(f64, f64)) -> f64| median(runs.iter().map(of).collect());
            let (ours, bare, ratio) = (median_of(|r| r.0), median_of(|r| r.1), median_of(|r| r.0 / r.1));
            println!("{at_once:>8}  {store:<16}{ours:>12.0}{bare:>12.0}{ratio:>8.2}");
        }
    }
}

struct System;

impl Clock for System {
    fn now(&self) -> Timestamp {
        let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        Timestamp::from_unix_ms(since.as_millis() as i64)
    }
}

fn message(number: usize) -> Canonical {
    let id = MessageId::new(&format!("msg_{number}")).unwrap();
    let payload = Bytes::from(format!("\"{}\"", "x".repeat(PAYLOAD - 2)));
    let (topic, kind) = ("billing".into(), "invoice.paid".into());
    Message { id, time: System.now(), topic, kind, payload }.canonical(MAX_MESSAGE).unwrap()
}

/// Deliveries a second.
fn deliveries(runtime: &Runtime, folder: &Path, receiver: &Receiver, at_once: usize, many: usize) -> f64 {
    let folder = tempfile::tempdir_in(folder).unwrap();
    let store = Arc::new(Sqlite::open(folder.path().join("s.db"), Options::default()).unwrap());
    let targets = Arc::new(Targets::default());
    let policy = Policy::default().concurrency(at_once as u64).unwrap();
    targets.put([("up".into(), Standing::Ready(Arc::new(target(receiver, policy))))].into());
    runtime.block_on(publish(&store, many));
    let settings = Settings { parallel: at_once, ..Settings::default() };
    let engine = Engine::new(store.clone(), targets, Arc::new(System), "one", || 0.5).settings(settings);
    let before = receiver.count();
    let (stop, stopped) = watch::channel(false);
    let began = Instant::now();
    runtime.block_on(async {
        let working = tokio::spawn(async move { engine.run(stopped).await });
        while receiver.count() - before < many {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        stop.send(true).unwrap();
        // The last reports are written, too.
        working.await.unwrap();
    });
    let took = began.elapsed();
    let queued = runtime.block_on(store.queued()).unwrap();
    assert_eq!((queued.waiting, queued.leased, receiver.count() - before), (0, 0, many), "each once");
    many as f64 / took.as_secs_f64()
}

async fn publish(store: &Arc<Sqlite>, many: usize) {
    let mut writes = tokio::task::JoinSet::new();
    for number in 0..many {
        let (store, publication) =
            (store.clone(), message(number).publication(vec!["up".into()], System.now()));
        writes.spawn(async move { assert_eq!(store.publish(publication).await.unwrap(), Published::Fresh) });
    }
    writes.join_all().await;
}

fn target(receiver: &Receiver, policy: Policy) -> Target {
    let scheme = countersign_presets::registry().unwrap().named("standard-webhooks").unwrap();
    let keys = Keyring::of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let network: IpNet = "127.0.0.0/8".parse().unwrap();
    let ports = receiver.port..=receiver.port;
    let reach = Reach::public().and_network(network).and_plain_http("127.0.0.1").and_ports(ports);
    let client = Client::builder().reach(reach).build().unwrap();
    let signer = scheme.signer(&keys, &Vars::new()).unwrap();
    Target::builder(receiver.url(), signer, Arc::new(client)).policy(policy).build(System.now()).unwrap()
}

/// Posts a second.
fn bare(runtime: &Runtime, receiver: &Receiver, at_once: usize, many: usize) -> f64 {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let (body, left) = (message(0).body, Arc::new(AtomicUsize::new(many)));
    let began = Instant::now();
    runtime.block_on(async {
        let mut posting = tokio::task::JoinSet::new();
        for _ in 0..at_once {
            let (client, body, left, url) = (client.clone(), body.clone(), left.clone(), receiver.url());
            posting.spawn(async move {
                let next = |left: usize| left.checked_sub(1);
                while left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next).is_ok() {
                    let post =
                        client.post(&url).header("content-type", "application/json").body(body.clone());
                    let answer = post.send().await.unwrap();
                    assert!(answer.status().is_success());
                    answer.bytes().await.unwrap();
                }
            });
        }
        posting.join_all().await;
    });
    many as f64 / began.elapsed().as_secs_f64()
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

/// Answers 204 to everything, on a thread of its own.
struct Receiver {
    port: u16,
    count: Arc<AtomicUsize>,
}

impl Receiver {
    fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let (port, count) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
        let counted = count.clone();
        std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    tokio::spawn(answer(stream, counted.clone()));
                }
            });
        });
        Receiver { port, count }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/in", self.port)
    }

    fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

async fn answer(mut stream: TcpStream, counted: Arc<AtomicUsize>) {
    let _ = stream.set_nodelay(true);
    let mut held = Vec::with_capacity(8192);
    loop {
        let whole = held.windows(4).position(|window| window == b"\r\n\r\n").and_then(|end| {
            let head = std::str::from_utf8(&held[..end]).ok()?;
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?;
            Some(end + 4 + length.parse::<usize>().ok()?)
        });
        match whole {
            Some(whole) if held.len() >= whole => {
                held.drain(..whole);
                counted.fetch_add(1, Ordering::SeqCst);
                if stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.is_err() {
                    return;
                }
            }
            _ => match stream.read_buf(&mut held).await {
                Ok(count) if count > 0 => {}
                _ => return,
            },
        }
    }
}
