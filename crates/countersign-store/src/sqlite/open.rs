//! A file becomes a store: made if it is not there, looked at before it is touched, brought up to this version.
//!
//! Migrations only add. A program of yesterday that still runs beside the one of today goes on reading and writing what it
//! knows; only a program that is *started* on a file of a later version refuses it.

use super::fault::Fault;
use crate::StoreError;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// Says whose the file is: `csgn`.
const APPLICATION: i32 = 0x6373_676e;

/// Each is one step from the version of its place to the next. None is ever changed.
const MIGRATIONS: [&str; 3] = [
    include_str!("migrations/0001-first.sql"),
    include_str!("migrations/0002-outbound.sql"),
    include_str!("migrations/0003-lost-leases.sql"),
];

/// The version that this program writes.
pub(super) const VERSION: i32 = MIGRATIONS.len() as i32;

/// How a connection waits, and for what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    /// For whoever has the file, so long.
    pub(super) patience: Duration,
    /// Not for the disk.
    pub(super) unsynced: bool,
}

/// Make the file if there is none, and bring it up to this version.
pub(super) fn prepare(path: &Path, manner: Manner) -> Result<(), StoreError> {
    create(path)?;
    let start = Instant::now();
    loop {
        match migrated(path, manner) {
            // Changing to a log does not wait by itself.
            Err(fault) if fault.is_busy() && start.elapsed() < manner.patience => {
                std::thread::sleep(Duration::from_millis(5));
            }
            done => return done.map_err(|fault| fault.told(path)),
        }
    }
}

/// A connection that writes.
pub(super) fn writer(path: &Path, manner: Manner) -> Result<Connection, Fault> {
    let mut db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | FLAGS)?;
    db.busy_handler(Some(manner.wait()))?;
    db.set_prepared_statement_cache_capacity(64);
    db.pragma_update(None, "foreign_keys", false)?;
    db.pragma_update(None, "synchronous", if manner.unsynced { "OFF" } else { "FULL" })?;
    db.pragma_update(None, "temp_store", "MEMORY")?;
    // See `checkpoint`.
    db.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
    db.pragma_update(None, "cache_size", -64_000)?;
    Ok(db)
}

/// A connection that only reads.
pub(super) fn reader(path: &Path, manner: Manner) -> Result<Connection, Fault> {
    let mut db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | FLAGS)?;
    db.busy_handler(Some(manner.wait()))?;
    db.set_prepared_statement_cache_capacity(64);
    db.pragma_update(None, "query_only", true)?;
    db.pragma_update(None, "cache_size", -16_000)?;
    Ok(db)
}

/// A name is a name, and not a URL with options; each connection has one thread.
const FLAGS: OpenFlags = OpenFlags::SQLITE_OPEN_NO_MUTEX;

impl Manner {
    /// Ask again every two milliseconds. The engine's own wait grows to a tenth of a second, and would never meet the moment
    /// between two groups of a busy gateway.
    fn wait(self) -> impl FnMut(i32) -> bool + Send + 'static {
        const STEP: Duration = Duration::from_millis(2);
        move |asked| {
            let waits = STEP.saturating_mul(asked.max(0).unsigned_abs()) < self.patience;
            if waits {
                std::thread::sleep(STEP);
            }
            waits
        }
    }
}

fn create(path: &Path) -> Result<(), StoreError> {
    let at = path.display();
    if path.is_dir() {
        return Err(StoreError::Broken(format!(
            "`{at}` is a folder; name a file, for example `{}`",
            path.join("countersign.db").display()
        )));
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => sync_folder(path),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = folder(path).display();
            Err(StoreError::Broken(format!(
                "`{at}` cannot be made: there is no folder `{folder}`; make it first"
            )))
        }
        Err(error) if error.kind() == io::ErrorKind::StorageFull => Err(StoreError::Unavailable(format!(
            "the disk of `{at}` is full; make room on it: nothing is accepted until then"
        ))),
        Err(error) => Err(StoreError::Broken(format!(
            "`{at}` cannot be made: {error}; its folder has to be writable for this user"
        ))),
    }
}

/// The name of a new file is durable when its folder is.
fn sync_folder(path: &Path) -> Result<(), StoreError> {
    let synced = File::open(folder(path)).and_then(|folder| folder.sync_all());
    synced.map_err(|error| StoreError::Broken(format!("`{}`: {error}", folder(path).display())))
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn migrated(path: &Path, manner: Manner) -> Result<(), Fault> {
    let mut db = writer(path, manner)?;
    if version(&db, path)? == VERSION {
        return Ok(());
    }
    // Both are of a new file only; in one that has pages they change nothing.
    db.pragma_update(None, "page_size", 8192)?;
    let mode: String = db.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(StoreError::Broken(format!(
            "`{}` cannot keep a write-ahead log where it is; put it on a local disk, not on a network's",
            path.display()
        ))
        .into());
    }
    let step = db.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    // Another process may have been here first.
    for migration in MIGRATIONS.iter().skip(version(&step, path)? as usize) {
        step.execute_batch(migration)?;
    }
    step.pragma_update(None, "application_id", APPLICATION)?;
    step.pragma_update(None, "user_version", VERSION)?;
    step.commit()?;
    Ok(())
}

/// The version of a file that is ours or empty.
fn version(db: &Connection, path: &Path) -> Result<i32, Fault> {
    let (application, version, tables): (i32, i32, i64) = db.query_row(
        "SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version), \
         (SELECT count(*) FROM sqlite_schema)",
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let at = path.display();
    match (application, version) {
        (0, 0) if tables == 0 => Ok(0),
        (APPLICATION, version @ 1..=VERSION) => Ok(version),
        (APPLICATION, later) if later > VERSION => Err(StoreError::Broken(format!(
            "`{at}` is of version {later}, and this program knows versions up to {VERSION}; start the newer program, or name another file"
        ))
        .into()),
        _ => Err(StoreError::Broken(format!(
            "`{at}` is a database of another program; name another file, and a new one is made"
        ))
        .into()),
    }
}
