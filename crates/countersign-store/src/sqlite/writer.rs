//! The one thread that writes: it takes what waits, does it in one transaction, commits once, and answers all.
//!
//! The size of a group finds itself: while one is written to the disk, the next one gathers.

use super::checkpoint::Checkpoints;
use super::claims::Fresh;
use super::fault::Fault;
use super::group::{Group, Operation};
use super::queue::{Limit, Queue};
use crate::StoreError;
use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What waits to be written.
pub(super) type Writes = Queue<Box<dyn Operation>>;

/// What the writer has done since it was opened. Of a running one the numbers are of nearly, not of exactly, one moment.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Figures {
    /// Transactions that were committed.
    pub commits: u64,
    /// Operations in them.
    pub operations: u64,
    /// The most operations of one commit.
    pub largest_group: u64,
    /// Groups that failed as a whole.
    pub failures: u64,
    /// Spent on doing operations, in microseconds.
    pub work_micros: u64,
    /// Spent on making them durable, in microseconds.
    pub commit_micros: u64,
    /// Operations that wait at this moment.
    pub waiting: u64,
}

impl Figures {
    /// The mean number of operations of a commit; zero if there was none.
    pub fn mean_group(&self) -> f64 {
        if self.commits == 0 { 0.0 } else { self.operations as f64 / self.commits as f64 }
    }
}

/// [`Figures`] as they are counted.
#[derive(Default)]
pub(super) struct Counters {
    commits: AtomicU64,
    operations: AtomicU64,
    largest: AtomicU64,
    failures: AtomicU64,
    work: AtomicU64,
    commit: AtomicU64,
}

impl Counters {
    /// As they stand.
    pub(super) fn figures(&self, waiting: usize) -> Figures {
        let Self { commits, operations, largest, failures, work, commit } = self;
        let [commits, operations, largest_group, failures, work_micros, commit_micros] =
            [commits, operations, largest, failures, work, commit].map(|count| count.load(Ordering::Relaxed));
        let waiting = waiting as u64;
        Figures { commits, operations, largest_group, failures, work_micros, commit_micros, waiting }
    }

    fn committed(&self, operations: usize, work: u128, commit: u128) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.operations.fetch_add(operations as u64, Ordering::Relaxed);
        self.largest.fetch_max(operations as u64, Ordering::Relaxed);
        self.work.fetch_add(work as u64, Ordering::Relaxed);
        self.commit.fetch_add(commit as u64, Ordering::Relaxed);
    }
}

/// The longest that a group is waited for, after one of several that took long: a quarter of what that one took, and no more than
/// this.
const PATIENCE: Duration = Duration::from_millis(1);

/// A group that took less is not waited for: its senders' way back is as long.
const SLOW: Duration = Duration::from_millis(2);

/// The writer.
pub(super) struct Writer {
    pub(super) db: Connection,
    pub(super) fresh: Fresh,
    pub(super) path: Arc<Path>,
    pub(super) queue: Arc<Writes>,
    pub(super) counters: Arc<Counters>,
    pub(super) group: Limit,
    pub(super) checkpoints: Checkpoints,
}

impl Writer {
    /// Write until the queue is closed and empty.
    pub(super) fn run(&mut self) {
        // If this thread panics, nobody may wait for it.
        let queue = self.queue.clone();
        let _closed = Abandon(&queue);
        let mut group = Vec::new();
        while self.queue.take(self.group, &mut group) {
            group.retain(|operation| operation.wanted());
            let (size, start) = (group.len(), Instant::now());
            self.write(&mut group);
            // Nobody waits for this one. What it finds wrong, the next commit tells.
            let _ = self.checkpoints.after_commit(&self.db);
            // Whoever was answered may be back at once. Without this, half of them wait while the other half is written, and so on
            // for ever: groups of half the size. On a disk that is quicker than they are, waiting only takes time: a seventh of all
            // of it, where a sync takes a third of a millisecond.
            let took = start.elapsed();
            if size > 1 && took >= SLOW {
                self.queue.gather(self.queue.len() + size, (took / 4).min(PATIENCE));
            }
        }
        // The last one to leave empties the log; if it cannot, whoever opens it next does.
        let _ = self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }

    fn write(&mut self, group: &mut Vec<Box<dyn Operation>>) {
        let start = Instant::now();
        let done = match self.together(group, start) {
            Ok(()) => Ok(vec![Ok(()); group.len()]),
            // One of them failed, or all: the second time tells.
            Err(_) if group.len() > 1 => self.one_by_one(group, start),
            Err(fault) => Err(fault),
        };
        match done {
            Ok(how) => group.drain(..).zip(how).for_each(|(operation, how)| operation.answer(how)),
            Err(fault) => {
                let _ = self.rolled_back();
                self.counters.failures.fetch_add(1, Ordering::Relaxed);
                let told = fault.told(&self.path);
                group.drain(..).for_each(|operation| operation.answer(Err(told.clone())));
            }
        }
    }

    fn together(&mut self, operations: &mut [Box<dyn Operation>], start: Instant) -> Result<(), Fault> {
        self.rolled_back()?;
        let mut group = Group::begin(&self.db, &mut self.fresh)?;
        for operation in &mut *operations {
            operation.run(&mut group)?;
        }
        commit(&self.counters, group, operations.len(), start)
    }

    fn one_by_one(
        &mut self,
        operations: &mut [Box<dyn Operation>],
        start: Instant,
    ) -> Result<Vec<Result<(), StoreError>>, Fault> {
        self.rolled_back()?;
        let mut group = Group::begin(&self.db, &mut self.fresh)?;
        let mut how = Vec::with_capacity(operations.len());
        for operation in &mut *operations {
            let done = group.apart(|group| operation.run(group));
            // The engine rolls everything back by itself when it is out of room or memory.
            if self.db.is_autocommit() {
                return done.map(|()| how);
            }
            how.push(done.map_err(|fault| fault.told(&self.path)));
        }
        commit(&self.counters, group, operations.len(), start)?;
        Ok(how)
    }

    fn rolled_back(&mut self) -> Result<(), Fault> {
        self.fresh.back();
        if !self.db.is_autocommit() {
            self.db.execute_batch("ROLLBACK")?;
        }
        Ok(())
    }
}

fn commit(counters: &Counters, group: Group<'_>, operations: usize, start: Instant) -> Result<(), Fault> {
    let work = start.elapsed();
    group.commit()?;
    let commit = start.elapsed() - work;
    counters.committed(operations, work.as_micros(), commit.as_micros());
    Ok(())
}

struct Abandon<'q>(&'q Writes);

impl Drop for Abandon<'_> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}
