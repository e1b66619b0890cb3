//! SQLite: one file, one thread that writes, a few that read.
//!
//! The surprising decision is that nothing is written for one request alone. A commit that is durable waits for the disk, a
//! quarter of a millisecond and more; whatever came meanwhile is written with the next commit, together. One request at a time is
//! as fast as a commit each, and a hundred at a time are as fast as the disk takes their bytes.
//!
//! Readers have connections of their own, so that a listing never stops a request from being recorded.

mod checkpoint;
mod claims;
mod deliveries;
mod endpoints;
mod fault;
mod group;
mod hours;
mod lease;
mod open;
mod prune;
mod put;
mod queue;
mod search;
mod sources;
mod store;
mod types;
mod writer;

pub use writer::Figures;

use crate::{Reply, StoreError};
use claims::Fresh;
use fault::Fault;
use group::{Asked, Group};
use open::Manner;
use queue::{Limit, Queue, Refused};
use rusqlite::Connection;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::sync::oneshot;
use writer::{Counters, Writer, Writes};

/// How a file is used. [`Options::default`] is what a gateway wants.
#[derive(Clone, Debug)]
pub struct Options {
    waiting: Limit,
    group: Limit,
    readers: usize,
    manner: Manner,
}

/// 4096 operations of at most 256 MiB wait; 512 of at most 16 MiB make a group; two threads read; another process is waited for
/// for ten seconds.
impl Default for Options {
    fn default() -> Self {
        Self {
            waiting: Limit { items: 4096, bytes: 256 << 20 },
            group: Limit { items: 512, bytes: 16 << 20 },
            readers: 2,
            manner: Manner { patience: Duration::from_secs(10), unsynced: false },
        }
    }
}

impl Options {
    /// How many operations may wait to be written, and how many bytes of them. What comes when as much waits is refused as
    /// [`StoreError::Unavailable`] at once. One operation may always wait, whatever its size.
    pub fn waiting(mut self, operations: usize, bytes: usize) -> Self {
        self.waiting = Limit { items: operations, bytes };
        self
    }

    /// How many threads read; at least one.
    pub fn readers(mut self, readers: usize) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// How long to wait for another process that has the file.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.manner.patience = patience;
        self
    }

    /// Commit every operation by itself. For measuring what groups are worth.
    pub fn commit_each(mut self) -> Self {
        self.group.items = 1;
        self
    }

    /// Answer before anything is durable: what was acknowledged is lost with the power. For the test that shows that another
    /// test can fail, and for nothing else.
    pub fn danger_unsynced(mut self) -> Self {
        self.manner.unsynced = true;
        self
    }
}

/// A store in one file.
///
/// Any number of processes may have the file open; each writes through one thread. Dropping it waits until everything that was
/// taken in is written.
pub struct Sqlite {
    path: Arc<Path>,
    writes: Arc<Writes>,
    reads: Arc<Queue<Read>>,
    counters: Arc<Counters>,
    threads: Vec<JoinHandle<()>>,
}

type Read = Box<dyn FnOnce(&Connection) + Send>;

impl Sqlite {
    /// Open `path`, and make it if it is not there: readable for this user alone. Its folder has to exist. A file of an older
    /// version is brought up to this one.
    ///
    /// Blocks, on a new file for some milliseconds, and for as long as ten seconds if another process has the file.
    ///
    /// # Errors
    ///
    /// A sentence for the operator: what is there is a folder, no database, another program's or a later version's, or it
    /// cannot be read or written.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self, StoreError> {
        let path: Arc<Path> = path.as_ref().into();
        open::prepare(&path, options.manner)?;
        let told = |fault: Fault| fault.told(&path);
        let db = open::writer(&path, options.manner).map_err(told)?;
        let readers: Vec<_> = (0..options.readers)
            .map(|_| open::reader(&path, options.manner))
            .collect::<Result<_, _>>()
            .map_err(told)?;
        let mut store = Self {
            writes: Arc::new(Queue::new(options.waiting)),
            reads: Arc::new(Queue::new(options.waiting)),
            counters: Arc::default(),
            threads: Vec::new(),
            path: path.clone(),
        };
        let beside = open::writer(&path, options.manner).map_err(told)?;
        let (checkpoints, copies) = checkpoint::checkpoints();
        store.start("store-checkpoint", move || copies.run(&beside))?;
        let (queue, counters) = (store.writes.clone(), store.counters.clone());
        let fresh = Fresh::default();
        let mut writer =
            Writer { db, fresh, path: path.clone(), queue, counters, group: options.group, checkpoints };
        store.start("store-writer", move || writer.run())?;
        for db in readers {
            let reads = store.reads.clone();
            store.start("store-reader", move || read_all(&db, &reads))?;
        }
        Ok(store)
    }

    /// What the writer has done since it was opened.
    pub fn figures(&self) -> Figures {
        self.counters.figures(self.writes.len())
    }

    /// Have `run` done in a group; `bytes` is about what it holds.
    fn write<T, F>(&self, bytes: usize, run: F) -> Reply<'_, T>
    where
        T: Send + 'static,
        F: FnMut(&mut Group<'_>) -> Result<T, Fault> + Send + 'static,
    {
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            self.writes
                .push(Box::new(Asked::new(run, reply)), bytes + 512)
                .map_err(|refused| self.refused(refused))?;
            answer.await.unwrap_or_else(|_| Err(self.refused(Refused::Closed)))
        })
    }

    /// Have `run` read, in one moment of the file.
    fn read<T, F>(&self, run: F) -> Reply<'_, T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            let path = self.path.clone();
            let read = move |db: &Connection| {
                if !reply.is_closed() {
                    // Whoever has gone does not want to know.
                    let _ = reply.send(in_one_moment(db, run).map_err(|fault| fault.told(&path)));
                }
            };
            self.reads.push(Box::new(read), 512).map_err(|refused| self.refused(refused))?;
            answer.await.unwrap_or_else(|_| Err(self.refused(Refused::Closed)))
        })
    }

    fn refused(&self, refused: Refused) -> StoreError {
        let at = self.path.display();
        StoreError::Unavailable(match refused {
            Refused::Full => format!("more waits for `{at}` than the disk takes in"),
            Refused::Closed => format!("`{at}` was closed"),
        })
    }

    fn start(&mut self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
        let started = thread::Builder::new().name(name.into()).spawn(run);
        self.threads.push(
            started.map_err(|error| StoreError::Unavailable(format!("no thread can be started: {error}")))?,
        );
        Ok(())
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.reads.close();
        self.writes.close();
        for thread in self.threads.drain(..).rev() {
            // One that panicked has told on its own.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite").field("path", &self.path).finish_non_exhaustive()
    }
}

fn read_all(db: &Connection, reads: &Queue<Read>) {
    let mut one = Vec::with_capacity(1);
    while reads.take(Limit { items: 1, bytes: usize::MAX }, &mut one) {
        one.drain(..).for_each(|read| read(db));
    }
}

fn in_one_moment<T>(db: &Connection, run: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, Fault> {
    let moment = db.unchecked_transaction()?;
    let found = run(&moment)?;
    moment.commit()?;
    Ok(found)
}
