//! What is opened, what is refused and how that is said; and a file that several processes have.

#[path = "shared/mod.rs"]
mod shared;

use bytes::Bytes;
use countersign_store::{
    AuditRow, DeliverySearch, Entry, Lease, NewEndpoint, Options, Recorded, Redriven, Search, Sqlite, Store,
    StoreError, record,
};
use rusqlite::Connection;
use shared::{NOW, Sender};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

#[test]
fn what_cannot_be_a_store_is_refused_in_a_sentence_that_says_what_to_do() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("folder")).expect("a folder");
    fs::write(at("text.db"), "[server]\nlisten = \"0.0.0.0:8080\"\n".repeat(100)).expect("a file");
    Connection::open(at("other.db"))
        .expect("a database")
        .execute_batch("CREATE TABLE t (a)")
        .expect("a table");
    drop(opened(&at("newer.db")));
    set(&at("newer.db"), "user_version", 7);
    drop(opened(&at("foreign.db")));
    set(&at("foreign.db"), "application_id", 12);
    for (name, told) in [
        ("folder", &["is a folder", "folder/countersign.db"][..]),
        ("missing/store.db", &["there is no folder", "missing`; make it first"]),
        ("text.db", &["text.db` is not a database", "name another file"]),
        ("other.db", &["is a database of another program", "name another file"]),
        ("foreign.db", &["is a database of another program"]),
        ("newer.db", &["is of version 7", "versions up to 3", "start the newer program"]),
    ] {
        let before = fs::read(at(name)).ok();
        match Sqlite::open(at(name), Options::default()) {
            Err(StoreError::Broken(text)) => {
                assert!(told.iter().all(|part| text.contains(part)), "{name}: {text}");
            }
            other => panic!("{name}: {other:?}"),
        }
        assert_eq!(fs::read(at(name)).ok(), before, "{name} was touched");
    }
}

#[test]
fn a_file_of_the_first_version_is_brought_up_to_this_one_with_what_is_in_it() {
    let folder = folder();
    let path = folder.path().join("old.db");
    let db = Connection::open(&path).expect("a database");
    db.pragma_update(None, "journal_mode", "WAL").expect("it has a log");
    db.execute_batch(include_str!("../src/sqlite/migrations/0001-first.sql")).expect("the first version");
    // Two events with a delivery each, as that version wrote them: one waits, one is dead.
    db.execute_batch(
        "INSERT INTO events VALUES (1, 1000, 'orders', 'evt-1', 'a.b', 'main', NULL, NULL, 1, x'68', x'62');
         INSERT INTO events VALUES (3, 2000, 'orders', 'evt-2', 'a.b', 'main', NULL, NULL, 1, x'68', x'62');
         INSERT INTO deliveries VALUES (2, 1, 1000, 0, 0, 0, 'books', NULL, NULL, NULL);
         INSERT INTO deliveries VALUES (4, 3, 2000, 3, 1, 1, 'books', 'me', 500, 'it is down');
         INSERT INTO spans VALUES (0, 1, 4);
         UPDATE counters SET next = 5, bytes = 4;",
    )
    .expect("rows");
    drop(db);
    set(&path, "application_id", 0x6373_676e);
    set(&path, "user_version", 1);
    // A program of the first version has it open, and goes on.
    let other = Connection::open(&path).expect("a database");
    let version =
        || other.query_row("PRAGMA user_version", [], |row| row.get::<_, i32>(0)).expect("a number");
    assert_eq!(version(), 1);
    let (store, runtime) = (opened(&path), runtime());
    assert_eq!(version(), 3);
    runtime.block_on(async {
        let all = store.find_deliveries(DeliverySearch::default()).await.expect("deliveries").rows;
        let told: Vec<_> = all.iter().map(|one| (&*one.id, &*one.event, one.state.word())).collect();
        assert_eq!(told, [("d4", "evt-2", "dead"), ("d2", "evt-1", "waiting")]);
        let table = "url = \"https://books.example.com\"".into();
        let books = NewEndpoint { name: "books".into(), table, secrets: Vec::new(), now: NOW };
        assert_eq!(store.add_endpoint(books).await, Ok(true));
        assert_eq!(store.pause("books".into(), "operator".into(), NOW).await, Ok(true));
        // What was queued by its name was not meant for it, and is dead as well.
        let both = vec![("d2".into(), NOW), ("d4".into(), NOW)];
        assert_eq!(store.redrive(both, false).await, Ok(vec![Redriven::Queued; 2]));
        assert_eq!(store.queued().await.expect("a queue").held, 2);
    });
    other
        .execute(
            "INSERT INTO deliveries (seq, event, at, state, fence, attempts, endpoint) \
             VALUES (5, 1, 1000, 0, 0, 0, 'mail')",
            [],
        )
        .expect("what the first version writes can still be written");
    assert_eq!(runtime.block_on(store.queued()).expect("a queue").waiting, 1);
}

#[test]
fn an_event_that_is_damaged_is_a_dead_letter_and_takes_no_other_with_it() {
    let folder = folder();
    let path = folder.path().join("store.db");
    let (store, runtime) = (opened(&path), runtime());
    for number in 0..4 {
        runtime.block_on(put(&store, number)).expect("it is recorded");
    }
    let other = Connection::open(&path).expect("a database");
    other
        .execute("UPDATE events SET id = CAST(x'ff' AS TEXT) WHERE id = 'evt-2'", [])
        .expect("it is damaged");
    let lease = |max| {
        let until = NOW.after(Duration::from_secs(60));
        store.lease(Lease { worker: "me".into(), max, each: max, rooms: Vec::new(), now: NOW, until })
    };
    runtime.block_on(async {
        let leased = lease(9).await.expect("what can be read is leased");
        let events: Vec<_> = leased.iter().map(|one| &*one.event.id).collect();
        assert_eq!(events, ["evt-0", "evt-1", "evt-3"]);
        let queued = store.queued().await.expect("a queue");
        assert_eq!((queued.waiting, queued.leased, queued.dead), (0, 3, 1));
        let error: String = other
            .query_row("SELECT error FROM deliveries WHERE state = 3", [], |row| row.get(0))
            .expect("there is one");
        assert!(error.starts_with("its event cannot be read: "), "{error}");
        // When the file is whole again, it is sent.
        other
            .execute("UPDATE events SET id = 'evt-2' WHERE id = CAST(x'ff' AS TEXT)", [])
            .expect("it is mended");
        let dead = store.deliveries("evt-2".into()).await.expect("deliveries").remove(0);
        assert_eq!(dead.attempts, 0, "nobody attempted it");
        assert_eq!(store.redrive(vec![(dead.id, NOW)], false).await, Ok(vec![Redriven::Queued]));
        assert_eq!(lease(9).await.expect("a lease").len(), 1);
    });
}

#[cfg(unix)]
#[test]
fn a_new_file_is_for_its_owner_alone_and_so_is_what_stands_beside_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let _store = opened(&folder.path().join("store.db"));
    let mut names = Vec::new();
    for file in fs::read_dir(folder.path()).expect("a folder") {
        let file = file.expect("a file");
        let mode = file.metadata().expect("a file").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", file.file_name());
        names.push(file.file_name());
    }
    names.sort();
    assert_eq!(names, ["store.db", "store.db-shm", "store.db-wal"]);
}

#[test]
fn many_that_start_at_once_make_one_file() {
    let folder = folder();
    let path = folder.path().join("store.db");
    let stores: Vec<Sqlite> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..8).map(|_| scope.spawn(|| opened(&path))).collect();
        starts.into_iter().map(|start| start.join().expect("it opens")).collect()
    });
    let runtime = runtime();
    for (number, store) in stores.iter().enumerate() {
        runtime.block_on(put(store, number)).expect("it is recorded");
    }
    assert_eq!(runtime.block_on(stores[0].events(Search::default())).expect("events").rows.len(), 8);
}

#[test]
fn a_damaged_file_is_told_and_nothing_is_made_up() {
    let folder = folder();
    let path = folder.path().join("store.db");
    let (store, runtime) = (opened(&path), runtime());
    for number in 0..200 {
        runtime.block_on(put(&store, number)).expect("it is recorded");
    }
    drop(store);
    let mut bytes = fs::read(&path).expect("a file");
    assert!(bytes.len() > 30 * 8192);
    bytes[8192..].chunks_mut(8192).for_each(|page| page[..100].fill(0xaa));
    fs::write(&path, bytes).expect("a file");
    let told = match Sqlite::open(&path, Options::default()) {
        Ok(store) => runtime.block_on(put(&store, 999)).expect_err("nothing can be written to it"),
        Err(error) => error,
    };
    assert!(matches!(&told, StoreError::Broken(text) if text.contains("is damaged")), "{told:?}");
}

#[test]
fn another_process_is_waited_for_and_after_a_while_it_is_told() {
    let folder = folder();
    let path = folder.path().join("store.db");
    drop(opened(&path));
    let (locked, release) = (mpsc::channel(), mpsc::channel());
    let held = path.clone();
    let other = std::thread::spawn(move || {
        let db = Connection::open(held).expect("a database");
        db.execute_batch("BEGIN IMMEDIATE").expect("nobody has it");
        locked.0.send(()).expect("the test waits");
        release.1.recv().expect("the test goes on");
    });
    locked.1.recv().expect("it has the file");
    let runtime = runtime();
    let hasty =
        Sqlite::open(&path, Options::default().patience(Duration::from_millis(20))).expect("it opens");
    let told = runtime.block_on(put(&hasty, 1));
    assert!(
        matches!(&told, Err(StoreError::Unavailable(text)) if text.contains("another process")),
        "{told:?}"
    );
    assert!(runtime.block_on(hasty.events(Search::default())).is_ok(), "reading waits for nobody");
    let patient =
        Sqlite::open(&path, Options::default().patience(Duration::from_secs(600))).expect("it opens");
    let waits = runtime.spawn(async move { put(&patient, 2).await });
    release.0.send(()).expect("it waits");
    runtime.block_on(waits).expect("it does not panic").expect("it had its turn");
    other.join().expect("it does not panic");
}

#[test]
fn what_is_more_than_may_wait_is_refused_at_once() {
    let folder = folder();
    let path = folder.path().join("store.db");
    let store = Arc::new(Sqlite::open(&path, Options::default().waiting(3, 1 << 20)).expect("it opens"));
    let other = Connection::open(&path).expect("a database");
    other.execute_batch("BEGIN IMMEDIATE").expect("nobody has it");
    let runtime = runtime();
    runtime.block_on(async {
        let mut puts = JoinSet::new();
        for number in 0..20 {
            let store = store.clone();
            puts.spawn(async move { put(&store, number).await });
        }
        // At most three wait, and as many as were taken while they came. The others hear so while the file is still held.
        let mut refused = 0;
        while refused < 20 - 6 {
            match puts.join_next().await.expect("most are refused").expect("it does not panic") {
                Err(StoreError::Unavailable(text)) => assert!(text.contains("more waits"), "{text}"),
                other => panic!("{other:?}"),
            }
            refused += 1;
        }
        other.execute_batch("ROLLBACK").expect("it was begun");
        let mut recorded = 0;
        while let Some(put) = puts.join_next().await {
            recorded += usize::from(put.expect("it does not panic").is_ok());
        }
        assert!(recorded >= 3, "{recorded} were recorded");
        assert_eq!(store.events(Search::default()).await.expect("events").rows.len(), recorded);
    });
}

#[test]
fn what_was_taken_in_is_written_though_the_store_is_dropped() {
    let folder = folder();
    let path = folder.path().join("store.db");
    let store = opened(&path);
    let runtime = runtime();
    runtime.block_on(async {
        // Each is asked for once, and so it waits, or it is written already.
        let mut puts: Vec<_> = (0..50).map(|number| Box::pin(put(&store, number))).collect();
        for put in &mut puts {
            once(put).await;
        }
        // Nobody may be gone, for what nobody waits for is not done.
        std::mem::forget(puts);
    });
    drop(store);
    assert!(!path.with_extension("db-wal").exists(), "the log is empty, and gone");
    let store = opened(&path);
    assert_eq!(runtime.block_on(store.events(Search::default())).expect("events").rows.len(), 50);
}

#[test]
fn what_nobody_waits_for_any_more_is_not_begun() {
    let folder = folder();
    let path = folder.path().join("store.db");
    let store = opened(&path);
    let other = Connection::open(&path).expect("a database");
    other.execute_batch("BEGIN IMMEDIATE").expect("nobody has it");
    runtime().block_on(async {
        let mut begun = Box::pin(put(&store, 0));
        once(&mut begun).await;
        while store.figures().waiting > 0 {
            std::thread::yield_now();
        }
        // The writer has it, and waits for the file. The next one waits for the writer, and then for nobody.
        once(&mut Box::pin(put(&store, 1))).await;
        other.execute_batch("ROLLBACK").expect("it was begun");
        put(&store, 2).await.expect("it is recorded");
        begun.await.expect("it is recorded");
        let events = store.events(Search::default()).await.expect("events").rows;
        let mut names: Vec<_> = events.iter().map(|event| &*event.id).collect();
        names.sort_unstable();
        assert_eq!(names, ["evt-0", "evt-2"]);
    });
}

#[test]
fn many_at_once_share_commits_and_the_figures_say_so() {
    for (options, shared) in [(Options::default(), true), (Options::default().commit_each(), false)] {
        let folder = folder();
        let store = Arc::new(Sqlite::open(folder.path().join("store.db"), options).expect("it opens"));
        runtime().block_on(async {
            let mut puts = JoinSet::new();
            for number in 0..200 {
                let store = store.clone();
                puts.spawn(async move { put(&store, number).await });
            }
            while let Some(put) = puts.join_next().await {
                put.expect("it does not panic").expect("it is recorded");
            }
        });
        let figures = store.figures();
        assert_eq!((figures.operations, figures.failures, figures.waiting), (200, 0, 0));
        assert_eq!(figures.commits < 100, shared, "{figures:?}");
        assert_eq!(figures.largest_group > 1, shared, "{figures:?}");
        assert_eq!(figures.mean_group() > 2.0, shared, "{figures:?}");
    }
}

#[test]
fn a_listing_that_takes_its_time_stops_nobody_from_writing() {
    let folder = folder();
    let path = folder.path().join("store.db");
    let (store, runtime) = (opened(&path), runtime());
    runtime.block_on(put(&store, 0)).expect("it is recorded");
    let other = Connection::open(&path).expect("a database");
    let reads = other.unchecked_transaction().expect("it reads");
    let count =
        || reads.query_row("SELECT count(*) FROM events", [], |row| row.get::<_, i64>(0)).expect("a count");
    assert_eq!(count(), 1);
    for number in 1..50 {
        runtime.block_on(put(&store, number)).expect("it is recorded");
    }
    assert_eq!(count(), 1, "it still reads what was there when it began");
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn opened(path: &Path) -> Sqlite {
    Sqlite::open(path, Options::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn set(path: &PathBuf, pragma: &str, value: i32) {
    Connection::open(path).expect("a database").pragma_update(None, pragma, value).expect("it is set");
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime")
}

/// Ask for it once, so that it is begun.
async fn once<F: Future>(future: &mut std::pin::Pin<Box<F>>) {
    std::future::poll_fn(|cx| {
        let _ = future.as_mut().poll(cx);
        std::task::Poll::Ready(())
    })
    .await;
}

async fn put(store: &Sqlite, number: usize) -> Result<(), StoreError> {
    let event: Arc<str> = format!("evt-{number}").into();
    let entry = Entry {
        event: event.clone(),
        kind: None,
        refused: None,
        head: Bytes::from_static(b"head"),
        endpoints: vec!["books".into()],
        audit: AuditRow {
            at: NOW,
            source: "orders".into(),
            outcome: "ok".into(),
            status: 200,
            event: Some(event),
            columns: Bytes::from_static(b"{}"),
            repeated: None,
        },
    };
    let verified = Sender::to("orders").verified(&format!("msg-{number}"), &[b'b'; 3_000]);
    let done = record(store, verified, &Bytes::new(), entry, NOW).await?;
    assert!(matches!(done, Recorded::Accepted(_)), "{done:?}");
    Ok(())
}
