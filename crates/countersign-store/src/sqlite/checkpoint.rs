//! Moving the log into the file while the writer goes on.
//!
//! Left to itself, the engine does it in the commit that makes the log too long, and whoever waits for that commit waits for
//! eight megabytes to be copied. Here a second connection copies them beside the writer. It cannot finish, for the writer
//! meanwhile makes the log longer; so the writer copies the little that is left, and after that the log begins anew.

use super::fault::Fault;
use rusqlite::Connection;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// From so many pages on the log is too long: eight mebibytes.
const LONG: i64 = 1_000;

/// So many pages the writer copies itself: two mebibytes.
const LITTLE: i64 = 256;

/// The log is not to be longer than this, even if all have to wait for it: 64 mebibytes.
const TOO_LONG: i64 = 8_000;

/// The writer's end.
pub(super) struct Checkpoints {
    wanted: SyncSender<()>,
    running: Arc<AtomicBool>,
}

/// The other thread's.
pub(super) struct Beside {
    wanted: Receiver<()>,
    running: Arc<AtomicBool>,
}

/// Both ends.
pub(super) fn checkpoints() -> (Checkpoints, Beside) {
    let ((sender, receiver), running) = (sync_channel(1), Arc::<AtomicBool>::default());
    (Checkpoints { wanted: sender, running: running.clone() }, Beside { wanted: receiver, running })
}

impl Checkpoints {
    /// To be called by the writer after a commit, with its connection. A checkpoint that fails loses nothing: the log has it all,
    /// and the next one tries again.
    pub(super) fn after_commit(&self, db: &Connection) -> Result<(), Fault> {
        let (log, copied) = db
            .prepare_cached("PRAGMA wal_checkpoint(NOOP)")?
            .query_row([], |row| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)))?;
        if log >= TOO_LONG {
            return copy(db);
        }
        let running = self.running.load(Ordering::Acquire);
        if running || log < LONG || log == copied {
            return Ok(());
        }
        if log - copied <= LITTLE {
            return copy(db);
        }
        self.running.store(true, Ordering::Release);
        // There is room for it, and the other thread ends after this one.
        let _ = self.wanted.try_send(());
        Ok(())
    }
}

impl Beside {
    /// Copy whenever it is wanted, until the writer has gone.
    pub(super) fn run(self, db: &Connection) {
        while self.wanted.recv().is_ok() {
            // What fails here, the writer meets when it copies what is left.
            let _ = copy(db);
            self.running.store(false, Ordering::Release);
        }
    }
}

/// Without waiting for anyone.
fn copy(db: &Connection) -> Result<(), Fault> {
    Ok(db.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?.query_row([], |_| Ok(()))?)
}
