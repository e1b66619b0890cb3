//! Nothing lost: a gateway is killed at random moments, again and again, while it receives. Every request that was answered 2xx is in the
//! store, once, byte for byte, and reaches the upstream.
//!
//! The long form: `KILLS=200 cargo test --release -p countersign-cli --test kill -- --nocapture`
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "common/gateway.rs"]
mod gateway;

use countersign_store::{DeliveryState, Options, Search, Sqlite, Store};
use gateway::{Chance, configure, free_address, post, serve, signer};
use std::collections::{BTreeMap, HashMap};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const SENDERS: u64 = 6;

#[test]
fn what_was_answered_2xx_is_stored_once_whenever_the_gateway_is_killed() {
    let kills: u64 = std::env::var("KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(6);
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    let at = free_address();
    configure(folder.path(), at, "", &format!("forward = {{ to = \"{}\", timeout = \"5s\" }}", upstream.url));
    let (acknowledged, stop) = (Arc::new(Mutex::new(HashMap::new())), Arc::new(AtomicBool::new(false)));
    let unanswered = Arc::new(AtomicU64::new(0));
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let (acknowledged, stop, unanswered) = (acknowledged.clone(), stop.clone(), unanswered.clone());
            std::thread::spawn(move || send(sender, at, &acknowledged, &stop, &unanswered))
        })
        .collect();
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15 ^ u64::from(std::process::id()));
    // A machine that is busy with something else may not get to anything between two kills: then there are more of them.
    for life in 0..20 * kills {
        if life >= kills && acknowledged.lock().unwrap().len() as u64 > kills {
            break;
        }
        let mut gateway = serve(folder.path(), at);
        std::thread::sleep(Duration::from_micros(chance.next() % 250_000));
        gateway.kill().unwrap(); // SIGKILL
        gateway.wait().unwrap();
    }
    stop.store(true, Ordering::SeqCst);
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    // Once more, for what is queued to reach the upstream.
    let mut gateway = serve(folder.path(), at);
    let acknowledged = acknowledged.lock().unwrap().clone();
    settle(folder.path(), acknowledged.len());
    gateway.kill().unwrap();
    gateway.wait().unwrap();

    let stored = stored(folder.path());
    let reached = upstream.seen.lock().unwrap().clone();
    let mut twice = 0;
    for (id, body) in &acknowledged {
        let held = stored.get(id).unwrap_or_else(|| panic!("{id} was answered 2xx and is not in the store"));
        assert_eq!(held, &vec![body.clone()], "{id} is there other than once, byte for byte");
        let times = reached.get(body).copied().unwrap_or(0);
        assert!(times > 0, "{id} never reached the upstream");
        twice += u64::from(times > 1);
    }
    println!(
        "{kills} kills: {} answered 2xx, {} requests unanswered, {} stored, {twice} reached the upstream more than once",
        acknowledged.len(),
        unanswered.load(Ordering::SeqCst),
        stored.len()
    );
    assert!(acknowledged.len() as u64 > kills, "hardly anything was sent");
}

/// Send message after message, each until it is answered 2xx.
fn send(
    sender: u64,
    at: SocketAddr,
    acknowledged: &Mutex<HashMap<String, Vec<u8>>>,
    stop: &AtomicBool,
    unanswered: &AtomicU64,
) {
    let signer = signer();
    for number in 0.. {
        let id = format!("msg_{sender}_{number}");
        let body =
            format!("{{\"id\":\"{id}\", \"pad\":\"{}\"}}", "x".repeat(number * 37 % 4000)).into_bytes();
        loop {
            if stop.load(Ordering::SeqCst) {
                return;
            }
            match post(at, &signer, &id, &body) {
                Some(200..300) => break,
                Some(503) | None => {
                    unanswered.fetch_add(1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(2));
                }
                Some(status) => panic!("{id} was answered {status}"),
            }
        }
        acknowledged.lock().unwrap().insert(id, body);
    }
}

/// Wait until nothing is queued any more.
fn settle(folder: &Path, least: usize) {
    let store = Sqlite::open(folder.join("countersign.db"), Options::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let start = Instant::now();
    loop {
        let queued = runtime.block_on(store.queued()).unwrap();
        // A lease of a worker that was killed has to run out first: ten seconds.
        if queued.waiting == 0 && queued.leased == 0 {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(120), "{queued:?} of at least {least} wait still");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The bodies of each message id in the store.
fn stored(folder: &Path) -> BTreeMap<String, Vec<Vec<u8>>> {
    let store = Sqlite::open(folder.join("countersign.db"), Options::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut all: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
        let mut search = Search { oldest_first: true, max: 1000, ..Search::default() };
        loop {
            let page = store.events(search.clone()).await.unwrap();
            if page.rows.is_empty() {
                return all;
            }
            for event in page.rows {
                let whole = store.event(event.id.clone()).await.unwrap().unwrap();
                let ended = |state| matches!(state, DeliveryState::Done);
                assert!(
                    store.deliveries(event.id).await.unwrap().iter().all(|delivery| ended(delivery.state))
                );
                all.entry(whole.message_id.unwrap().to_string()).or_default().push(whole.body.to_vec());
            }
            search.after = page.next;
        }
    })
}

/// Counts the bodies that it gets.
struct Upstream {
    url: String,
    seen: Arc<Mutex<HashMap<Vec<u8>, u64>>>,
}

impl Upstream {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let seen: Arc<Mutex<HashMap<Vec<u8>, u64>>> = Arc::default();
        let noted = seen.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let noted = noted.clone();
                std::thread::spawn(move || stream.map(|stream| answer(stream, &noted)));
            }
        });
        Upstream { url, seen }
    }
}

fn answer(mut stream: TcpStream, noted: &Mutex<HashMap<Vec<u8>, u64>>) {
    let (mut bytes, mut piece) = (Vec::new(), [0; 8192]);
    loop {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let whole = end.and_then(|end| {
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length: usize =
                head.lines().find_map(|line| line.strip_prefix("content-length: "))?.parse().ok()?;
            (bytes.len() >= end + 4 + length).then(|| end + 4..end + 4 + length)
        });
        if let Some(body) = whole {
            *noted.lock().unwrap().entry(bytes[body.clone()].to_vec()).or_default() += 1;
            bytes.drain(..body.end);
            if stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").is_err() {
                return;
            }
            continue;
        }
        match stream.read(&mut piece) {
            Ok(count) if count > 0 => bytes.extend_from_slice(&piece[..count]),
            _ => return,
        }
    }
}
