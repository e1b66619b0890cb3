//! What went wrong in the engine, and how an operator is told.

use crate::StoreError;
use rusqlite::{Error, ErrorCode};
use std::path::Path;

/// Why an operation was not done.
#[derive(Debug)]
pub(super) enum Fault {
    /// The engine's word.
    Sql(Error),
    /// Ours.
    Store(StoreError),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Fault::Sql(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Fault::Store(error)
    }
}

impl Fault {
    /// What was asked cannot be.
    pub(super) fn invalid(what: impl Into<String>) -> Self {
        Fault::Store(StoreError::Invalid(what.into()))
    }

    /// Whether another process, or another connection, had the file.
    pub(super) fn is_busy(&self) -> bool {
        matches!(self, Fault::Sql(error)
            if matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)))
    }

    /// For whoever asked. `path` is the file's.
    pub(super) fn told(self, path: &Path) -> StoreError {
        let error = match self {
            Fault::Store(error) => return error,
            Fault::Sql(error) => error,
        };
        let at = path.display();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Unavailable(format!(
                "another process holds `{at}` and did not let go of it for some seconds; look for a long transaction or a copy of it that is being made"
            )),
            Some(ErrorCode::DiskFull) => StoreError::Unavailable(format!(
                "the disk of `{at}` is full; make room on it: nothing is accepted until then"
            )),
            Some(ErrorCode::ReadOnly) => StoreError::Broken(format!(
                "`{at}` cannot be written; give its owner the right to write the file and its folder, or mount the file system for writing"
            )),
            Some(ErrorCode::NotADatabase) => StoreError::Broken(format!(
                "`{at}` is not a database; name another file, or move this one away and a new one is made"
            )),
            Some(ErrorCode::DatabaseCorrupt) => StoreError::Broken(format!(
                "`{at}` is damaged ({error}); stop, copy it away with its -wal file, and put a backup in its place or save what can be read with `sqlite3 … .recover`"
            )),
            Some(ErrorCode::CannotOpen) => StoreError::Broken(format!(
                "`{at}` cannot be opened ({error}); its folder has to exist, and the file and the folder have to be readable and writable"
            )),
            _ => StoreError::Broken(format!("`{at}`: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    #[test]
    fn each_kind_of_trouble_is_told_apart_and_names_the_file() {
        for (code, may_pass, says) in [
            (ffi::SQLITE_BUSY, true, "another process"),
            (ffi::SQLITE_LOCKED, true, "another process"),
            (ffi::SQLITE_FULL, true, "make room"),
            (ffi::SQLITE_READONLY, false, "right to write"),
            (ffi::SQLITE_READONLY_DIRECTORY, false, "right to write"),
            (ffi::SQLITE_NOTADB, false, "is not a database"),
            (ffi::SQLITE_CORRUPT, false, "is damaged"),
            (ffi::SQLITE_CANTOPEN, false, "cannot be opened"),
            (ffi::SQLITE_IOERR_FSYNC, false, "disk I/O error"),
        ] {
            let error = Error::SqliteFailure(ffi::Error::new(code), None);
            match Fault::Sql(error).told(Path::new("/var/lib/gate.db")) {
                StoreError::Unavailable(text) => assert!(may_pass && text.contains(says), "{code}: {text}"),
                StoreError::Broken(text) => assert!(!may_pass && text.contains(says), "{code}: {text}"),
                StoreError::Invalid(text) => panic!("{code}: {text}"),
            }
        }
    }
}
