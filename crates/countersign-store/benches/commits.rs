//! How many events a second become durable, and how long each waits: in groups, with a commit each, and as fast as the disk can.
//!
//! An event is what a gateway writes for one request: a body of 2 KiB with its head, one claim, one delivery, one row of the
//! audit. All of them were verified beforehand; what is measured is `record`. The limit is a log in a file that was written full
//! of zeros before: the bodies and heads of a group, one write, one `fdatasync`.
//!
//! The three take turns, in slices of a fraction of a second, for a disk is not as fast in one minute as in the next. What is told
//! is the median of the turns; the ratio is the median of each turn's ratio.
//!
//! `cargo bench -p countersign-store`. Files are made in a folder of `TMPDIR`; on a disk in memory the figures mean nothing.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "../tests/shared/mod.rs"]
mod shared;

use bytes::Bytes;
use countersign::Verified;
use countersign_store::{AuditRow, Entry, Options, Recorded, Sqlite, record};
use shared::{NOW, Sender};
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

const HEAD: &[u8] = &[b'h'; 400];
const COLUMNS: &[u8] = &[b'c'; 250];
const BODY: usize = 2048;

/// Tasks at the same time; in a turn, events in groups and to the log, and events with a commit each.
const LOADS: [(usize, usize, usize); 3] = [(1, 200, 200), (32, 4_000, 400), (128, 6_000, 400)];

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let turns: usize = std::env::var("TURNS").map_or(15, |turns| turns.parse().unwrap());
    println!(
        "{:>5}  {:28} {:>9} {:>9} {:>9} {:>9}  {:>10}",
        "tasks", "", "events/s", "p50 µs", "p99 µs", "most µs", "mean group"
    );
    for (tasks, many, few) in LOADS {
        let folder = tempfile::tempdir().unwrap();
        let mut groups = Bench::new(folder.path().join("groups.db"), Options::default(), &runtime);
        let mut each = Bench::new(folder.path().join("each.db"), Options::default().commit_each(), &runtime);
        let mut runs = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..turns {
            runs[0].push(groups.run(&runtime, tasks, many));
            runs[1].push(each.run(&runtime, tasks, few));
            runs[2].push(log(&runtime, folder.path(), tasks, many));
        }
        let ratio = |of: usize| {
            let ratios = runs[0].iter().zip(&runs[of]).map(|(groups, other)| groups.rate() / other.rate());
            median(ratios.collect())
        };
        let (times, share) = (ratio(1), ratio(2));
        let aim = match tasks {
            1 => "",
            _ if times >= 6.0 => ", at least 6: met",
            _ => ", at least 6: MISSED",
        };
        for (what, runs) in ["in groups", "a commit each", "the disk: a log, in groups"].iter().zip(&runs) {
            row(tasks, what, runs);
        }
        println!("{tasks:>5}  groups: {times:.1} times a commit each{aim}; {share:.2} of the disk\n");
    }
}

/// One turn.
struct Run {
    took: Duration,
    waits: Vec<Duration>,
    group: f64,
}

impl Run {
    fn rate(&self) -> f64 {
        self.waits.len() as f64 / self.took.as_secs_f64()
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn row(tasks: usize, what: &str, runs: &[Run]) {
    let of = |value: fn(&Run) -> f64| median(runs.iter().map(value).collect());
    let mut waits: Vec<Duration> = runs.iter().flat_map(|run| &run.waits).copied().collect();
    waits.sort();
    let wait = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize].as_micros();
    let waits = [0.5, 0.99, 1.0].map(|share| format!("{:>9}", wait(share))).join(" ");
    println!("{tasks:>5}  {what:28} {:>9.0} {waits}  {:>10.1}", of(Run::rate), of(|run| run.group));
}

/// A store that has run for a while: a log that still grows is slower than one that is written over.
struct Bench {
    store: Arc<Sqlite>,
    next: usize,
}

impl Bench {
    fn new(file: PathBuf, options: Options, runtime: &Runtime) -> Self {
        let mut bench = Self { store: Arc::new(Sqlite::open(&file, Options::default()).unwrap()), next: 0 };
        bench.run(runtime, 128, 8_000);
        // It is closed first: the log is copied, and begins anew.
        let next = bench.next;
        drop(bench);
        Self { store: Arc::new(Sqlite::open(&file, options).unwrap()), next }
    }

    fn run(&mut self, runtime: &Runtime, tasks: usize, count: usize) -> Run {
        let work = verified(self.next, count);
        self.next += count;
        let (store, before) = (self.store.clone(), self.store.figures());
        let (took, waits) = all(runtime, tasks, work, move |verified| put(store.clone(), verified));
        let after = self.store.figures();
        let group = (after.operations - before.operations) as f64 / (after.commits - before.commits) as f64;
        Run { took, waits, group }
    }
}

async fn put(store: Arc<Sqlite>, (event, verified): (Arc<str>, Verified<'static>)) {
    let entry = Entry {
        event: event.clone(),
        kind: Some("invoice.paid".into()),
        refused: None,
        head: Bytes::from_static(HEAD),
        endpoints: vec!["upstream".into()],
        audit: AuditRow {
            at: NOW,
            source: "payments".into(),
            outcome: "ok".into(),
            status: 200,
            event: Some(event),
            columns: Bytes::from_static(COLUMNS),
            repeated: Some(("replayed".into(), 200)),
        },
    };
    let done = record(&*store, verified, &Bytes::new(), entry, NOW).await.unwrap();
    assert!(matches!(done, Recorded::Accepted(_)));
}

/// Do all of `work`, `tasks` at a time: how long it took, and how long each waited.
fn all<W, F>(
    runtime: &Runtime,
    tasks: usize,
    work: Vec<W>,
    one: impl Fn(W) -> F + Clone + Send + 'static,
) -> (Duration, Vec<Duration>)
where
    W: Send + 'static,
    F: Future<Output = ()> + Send,
{
    let work = Arc::new(Mutex::new(work));
    let start = Instant::now();
    let workers: Vec<_> = (0..tasks)
        .map(|_| {
            let (work, one) = (work.clone(), one.clone());
            runtime.spawn(async move {
                let mut waits = Vec::new();
                loop {
                    let Some(next) = work.lock().unwrap().pop() else { return waits };
                    let start = Instant::now();
                    one(next).await;
                    waits.push(start.elapsed());
                }
            })
        })
        .collect();
    let waits: Vec<_> = workers.into_iter().flat_map(|worker| runtime.block_on(worker).unwrap()).collect();
    let took = start.elapsed();
    (took, waits)
}

/// Requests that were verified, each with a name for its event. The last one is taken first.
fn verified(from: usize, count: usize) -> Vec<(Arc<str>, Verified<'static>)> {
    let sender = Sender::to("payments");
    let body = vec![b'b'; BODY];
    (from..from + count)
        .rev()
        .map(|number| {
            let verified = sender.verified(&format!("msg_{number:012}"), &body);
            (format!("evt_{number:026}").into(), verified)
        })
        .collect()
}

/// What the disk can do: the same bytes, in a log that does not grow.
fn log(runtime: &Runtime, folder: &Path, tasks: usize, count: usize) -> Run {
    let path = folder.join("bench.log");
    let each = BODY + HEAD.len() + COLUMNS.len();
    let mut file = File::create(&path).unwrap();
    (0..(count * each).div_ceil(1 << 20)).for_each(|_| file.write_all(&vec![0; 1 << 20]).unwrap());
    file.sync_all().unwrap();
    let (sender, receiver) = mpsc::sync_channel::<(Vec<u8>, oneshot::Sender<()>)>(4096);
    let writer = std::thread::spawn(move || {
        let (mut at, mut groups) = (0, 0);
        while let Ok(first) = receiver.recv() {
            let group: Vec<_> = std::iter::once(first).chain(receiver.try_iter().take(511)).collect();
            let bytes: Vec<u8> = group.iter().flat_map(|(bytes, _)| bytes).copied().collect();
            file.write_all_at(&bytes, at).unwrap();
            file.sync_data().unwrap();
            at += bytes.len() as u64;
            groups += 1;
            for (_, reply) in group {
                let _ = reply.send(());
            }
        }
        groups
    });
    let (took, waits) = all(runtime, tasks, vec![vec![b'b'; each]; count], move |bytes| {
        let sender = sender.clone();
        async move {
            let (reply, answer) = oneshot::channel();
            sender.send((bytes, reply)).unwrap();
            answer.await.unwrap();
        }
    });
    let groups: usize = writer.join().unwrap();
    std::fs::remove_file(&path).unwrap();
    Run { took, waits, group: count as f64 / groups as f64 }
}
