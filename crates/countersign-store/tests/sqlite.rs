//! SQLite does what every engine must do.
//!
//! `cargo test -p countersign-store --features suite`

use countersign_store::suite::{Check, Place};
use countersign_store::{Options, Reply, Sqlite, Store};
use std::sync::Arc;
use tempfile::TempDir;

struct Folder(TempDir);

impl Place for Folder {
    fn open(&self) -> Reply<'_, Arc<dyn Store>> {
        Box::pin(async {
            let store = Sqlite::open(self.0.path().join("store.db"), Options::default())?;
            Ok(Arc::new(store) as Arc<dyn Store>)
        })
    }
}

fn run(check: Check) {
    let folder = Folder(tempfile::tempdir().expect("a folder"));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(check(&folder));
}

countersign_store::suite!(run);
