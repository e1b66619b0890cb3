//! Nothing that was acknowledged is lost when the power fails; and the same test, on a store that does not wait for the disk,
//! loses something.
//!
//! Killing a process proves nothing about a disk: the system keeps what the process had written. So a process of its own runs
//! on a disk that forgets what was not synced, `shim/unsynced.c`. It records from several tasks and tells on stderr what was
//! acknowledged. After some thousand operations on files the power fails, and the files are looked at without the shim: in
//! a copy, so that the next process finds them as the crash left them, and may crash while it recovers.
//!
//! The long form: `CRASHES=500 cargo test -p countersign-store --test durable -- --nocapture`.
#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout)]

#[path = "shared/mod.rs"]
mod shared;

use bytes::Bytes;
use countersign_store::{
    Attempt, AuditRow, DeliveryState, Entry, Lease, Next, Options, Recorded, Search, Settled, Sqlite, Store,
    StoreError, record,
};
use shared::{NOW, Sender};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::task::JoinSet;

/// How a process ends whose power failed.
const GONE: i32 = 86;

/// How often the power fails until everything begins anew.
const LIVES: u64 = 5;

#[test]
fn what_was_acknowledged_is_there_after_the_power_failed() {
    let crashes = std::env::var("CRASHES").map_or(15, |crashes| crashes.parse().expect("a number"));
    let lost = crash(crashes, "");
    let some = &lost[..lost.len().min(20)];
    assert!(lost.is_empty(), "of {crashes} crashes, {} things are missing: {some:#?}", lost.len());
}

/// If this finds nothing, the disk above forgets nothing.
#[test]
fn a_store_that_does_not_wait_for_the_disk_loses_something() {
    let lost = crash(LIVES, "unsynced");
    assert!(!lost.is_empty(), "nothing was lost, though nothing was synced");
}

#[test]
fn a_full_disk_is_told_takes_nothing_with_it_and_is_no_end() {
    let mut life = Life::new();
    let shim = Shim::build();
    let child = shim.command(&life, 0, 1, "full").env("UNSYNCED_ROOM", "3000000").output().expect("it runs");
    let lines = String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success(), "{lines}");
    assert!(life.acknowledged(&lines) > 100, "{lines}");
    assert_eq!(life.missing().expect("it opens"), [""; 0]);
    // Where there is room again, it goes on.
    let store = Sqlite::open(life.folder.path().join("store.db"), Options::default()).expect("it opens");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(put(&store, &Sender::to("orders"), life.first)).expect("there is room");
}

/// What a process does until its power fails. A process of its own, started by [`crash`].
#[test]
#[ignore = "it is a part of the others, in a process of its own"]
fn until_the_power_fails() {
    let Some(folder) = std::env::var_os("UNSYNCED_FOLDER") else { return };
    let (first, how) = (std::env::var("FIRST").expect("a number"), std::env::var("HOW").expect("a word"));
    let options = if how == "unsynced" { Options::default().danger_unsynced() } else { Options::default() };
    let store = Arc::new(Sqlite::open(PathBuf::from(folder).join("store.db"), options).expect("it opens"));
    let next = Arc::new(AtomicU64::new(first.parse().expect("a number")));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    runtime.block_on(async {
        let mut tasks = JoinSet::<()>::new();
        for _ in 0..8 {
            let (store, next, how) = (store.clone(), next.clone(), how.clone());
            tasks.spawn(async move {
                let sender = Sender::to("orders");
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    assert!(number < 200_000, "the power does not fail, and the disk is never full");
                    match put(&store, &sender, number).await {
                        Err(error) if how == "full" => return full(&store, error).await,
                        put => put.expect("it is recorded"),
                    }
                }
            });
        }
        if how != "full" {
            tasks.spawn(async move {
                loop {
                    deliver(&store).await;
                }
            });
        }
        // Where there is room, none ends but by a panic.
        while let Some(ended) = tasks.join_next().await {
            ended.expect("no operation fails");
        }
    });
}

async fn full(store: &Sqlite, error: StoreError) {
    assert!(matches!(&error, StoreError::Unavailable(what) if what.contains("full")), "{error:?}");
    assert!(!store.events(Search::default()).await.expect("reading needs no room").rows.is_empty());
}

async fn put(store: &Sqlite, sender: &Sender, number: u64) -> Result<(), StoreError> {
    let (id, body) = (format!("msg-{number}"), body(number));
    let event: Arc<str> = format!("evt-{number}").into();
    let entry = Entry {
        event: event.clone(),
        kind: None,
        refused: None,
        head: Bytes::from(format!("head of {number}")),
        endpoints: vec!["books".into()],
        audit: AuditRow {
            at: NOW,
            source: "orders".into(),
            outcome: "ok".into(),
            status: 200,
            event: Some(event),
            columns: Bytes::new(),
            repeated: None,
        },
    };
    let done = record(store, sender.verified(&id, &body), &Bytes::new(), entry, NOW).await?;
    assert!(matches!(done, Recorded::Accepted(_)), "{done:?}");
    acknowledge("put", &number.to_string());
    Ok(())
}

async fn deliver(store: &Sqlite) {
    let until = NOW.after(std::time::Duration::from_secs(60));
    let lease = Lease { worker: "me".into(), max: 5, each: 5, rooms: Vec::new(), now: NOW, until };
    for one in store.lease(lease).await.expect("a lease") {
        let attempt = Attempt { at: NOW, status: Some(200), error: None, next: Next::Done };
        let (event, settled) = (one.event.id, store.settle(one.fence, attempt).await);
        assert_eq!(settled, Ok(Settled::Written));
        acknowledge("done", event.strip_prefix("evt-").expect("a name of ours"));
    }
}

/// In one write, so that no line is mixed with another.
fn acknowledge(what: &str, number: &str) {
    let line = format!("{what} {number}\n");
    std::io::stderr().write_all(line.as_bytes()).expect("the parent reads");
}

/// Up to 12 KiB, the same for the same number, and hardly ever UTF-8.
fn body(number: u64) -> Vec<u8> {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let size = next() % if next() % 4 == 0 { 12_000 } else { 1_500 };
    (0..size).map(|_| next() as u8).collect()
}

/// Let the power fail so many times; everything that was acknowledged and is not there, or not as it was.
fn crash(crashes: u64, how: &str) -> Vec<String> {
    let shim = Shim::build();
    let (mut lost, mut acknowledged, mut most) = (Vec::new(), 0, 0);
    let mut life = Life::new();
    for seed in 0..crashes {
        if seed % LIVES == 0 {
            life = Life::new();
        }
        // Some fail while the file is made or recovered, and some after checkpoints.
        let after = [40, 400, 4_000, 12_000][(seed % 4) as usize];
        let after = 1 + seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) % after;
        acknowledged += shim.run(&mut life, after, seed, how);
        most = most.max(life.put.len());
        let found = life.missing().unwrap_or_else(|error| vec![error.to_string()]);
        if !found.is_empty() {
            lost.extend(
                found.into_iter().map(|what| format!("seed {seed}, after {after} operations: {what}")),
            );
            life = Life::new();
        }
    }
    println!("{crashes} crashes, {acknowledged} acknowledgements, at most {most} events in one file");
    assert!(acknowledged > crashes, "it hardly did anything");
    lost
}

/// A folder, and what was acknowledged about it.
struct Life {
    folder: tempfile::TempDir,
    put: BTreeSet<u64>,
    done: BTreeSet<u64>,
    first: u64,
}

impl Life {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { folder, put: BTreeSet::new(), done: BTreeSet::new(), first: 0 }
    }

    /// Numbers that were used need not have been acknowledged: the next process begins behind them.
    fn acknowledged(&mut self, lines: &str) -> u64 {
        let mut count = 0;
        for line in lines.lines() {
            let Some((what, number)) = line.split_once(' ') else { continue };
            let Ok(number) = number.parse() else { continue };
            let new = match what {
                "put" => self.put.insert(number),
                "done" => self.done.insert(number),
                _ => continue,
            };
            assert!(new, "{line}: twice");
            count += 1;
        }
        // A life in which nothing was acknowledged may have stored something all the same: its numbers are not given again.
        self.first = self.put.last().map_or(self.first, |last| self.first.max(last + 1)) + 1_000;
        count
    }

    /// What is wrong with the files as they are.
    fn missing(&self) -> Result<Vec<String>, Box<dyn Error>> {
        let copy = tempfile::tempdir()?;
        for file in fs::read_dir(self.folder.path())? {
            let file = file?;
            fs::copy(file.path(), copy.path().join(file.file_name()))?;
        }
        let path = copy.path().join("store.db");
        // Whether what is asked here is durable is of no interest.
        let store = Sqlite::open(&path, Options::default().danger_unsynced())?;
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let mut missing = runtime.block_on(self.compare(&store))?;
        drop(store);
        let check: String =
            rusqlite::Connection::open(&path)?.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        if check != "ok" {
            missing.push(check);
        }
        Ok(missing)
    }

    async fn compare(&self, store: &Sqlite) -> Result<Vec<String>, Box<dyn Error>> {
        let mut missing = Vec::new();
        let (mut there, mut audits) = (BTreeMap::new(), BTreeMap::new());
        let mut search = Search { max: 1_000, oldest_first: true, ..Search::default() };
        loop {
            let page = store.events(search.clone()).await?;
            if page.rows.is_empty() {
                break;
            }
            page.rows.iter().for_each(|event| *there.entry(event.id.clone()).or_insert(0) += 1);
            search.after = page.next;
        }
        search.after = None;
        loop {
            let page = store.audits(search.clone()).await?;
            if page.rows.is_empty() {
                break;
            }
            page.rows
                .iter()
                .for_each(|row| *audits.entry(row.event.clone().unwrap_or_default()).or_insert(0) += 1);
            search.after = page.next;
        }
        for number in &self.put {
            let event: Arc<str> = format!("evt-{number}").into();
            if there.get(&event) != Some(&1) {
                missing.push(format!("{event} is there {:?} times", there.get(&event)));
            }
        }
        // What was not acknowledged is there as a whole, or not at all.
        for event in there.keys() {
            let number = event.strip_prefix("evt-").unwrap_or_default().parse()?;
            let whole = store.event(event.clone()).await?.ok_or("an event vanished")?;
            if whole.body != body(number) || whole.head != format!("head of {number}") {
                missing.push(format!("{event} is not what it was"));
            }
            let deliveries = store.deliveries(event.clone()).await?;
            let [delivery] = &*deliveries else {
                missing.push(format!("{event} has {} deliveries", deliveries.len()));
                continue;
            };
            if self.done.contains(&number) && delivery.state != DeliveryState::Done {
                missing.push(format!("{event} was delivered, and is {:?}", delivery.state));
            }
            if audits.get(event) != Some(&1) {
                missing.push(format!("{event} has not its one row of the audit"));
            }
        }
        if audits.len() != there.len() {
            missing.push(format!("{} events have {} rows of the audit", there.len(), audits.len()));
        }
        self.again(store, there.keys(), &mut missing).await?;
        Ok(missing)
    }

    /// Every message that is stored is known, if it comes again.
    async fn again(
        &self,
        store: &Sqlite,
        stored: impl Iterator<Item = &Arc<str>>,
        missing: &mut Vec<String>,
    ) -> Result<(), Box<dyn Error>> {
        let sender = Sender::to("orders");
        for event in stored {
            let number: u64 = event.strip_prefix("evt-").unwrap_or_default().parse()?;
            let audit = AuditRow {
                at: NOW,
                source: "orders".into(),
                outcome: "ok".into(),
                status: 200,
                event: None,
                columns: Bytes::new(),
                repeated: None,
            };
            let event: Arc<str> = format!("again-{number}").into();
            let entry =
                Entry { event, kind: None, refused: None, head: Bytes::new(), endpoints: Vec::new(), audit };
            let verified = sender.verified(&format!("msg-{number}"), &body(number));
            if !matches!(record(store, verified, &Bytes::new(), entry, NOW).await?, Recorded::Duplicate(_)) {
                missing.push(format!("{number} was accepted twice"));
            }
        }
        Ok(())
    }
}

struct Shim {
    /// Goes when this does.
    _folder: tempfile::TempDir,
    library: PathBuf,
}

impl Shim {
    fn build() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let library = folder.path().join("unsynced.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shim/unsynced.c");
        let built = Command::new("cc")
            .args(["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"])
            .args([&library, &source])
            .args(["-ldl", "-lpthread"])
            .status();
        assert!(built.expect("a C compiler, `cc`, is needed for this test").success());
        Self { _folder: folder, library }
    }

    /// A process on such a disk.
    fn command(&self, life: &Life, after: u64, seed: u64, how: &str) -> Command {
        let mut child = Command::new(std::env::current_exe().expect("a program"));
        child
            .args(["until_the_power_fails", "--exact", "--ignored", "--nocapture"])
            .env("LD_PRELOAD", &self.library)
            .env("UNSYNCED_FOLDER", life.folder.path().canonicalize().expect("a folder"))
            .env("UNSYNCED_AFTER", after.to_string())
            .env("UNSYNCED_SEED", (seed + 1).to_string())
            .env("FIRST", life.first.to_string())
            .env("HOW", how)
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        child
    }

    /// One process, until its power fails; how much it acknowledged.
    fn run(&self, life: &mut Life, after: u64, seed: u64, how: &str) -> u64 {
        let child = self.command(life, after, seed, how).output().expect("it runs");
        let lines = String::from_utf8_lossy(&child.stderr);
        let acknowledged = life.acknowledged(&lines);
        let last: Vec<&str> = lines.lines().rev().take(20).collect();
        assert_eq!(child.status.code(), Some(GONE), "seed {seed}, after {after}: {last:#?}");
        acknowledged
    }
}
