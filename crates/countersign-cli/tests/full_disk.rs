//! A disk that is full: senders are told to come back, the log says why, and what was accepted before stays.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

#[path = "common/gateway.rs"]
mod gateway;

use countersign_store::{Options, Search, Sqlite, Store};
use gateway::{configure, free_address, post, signer};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The library that makes a disk small: the store's own tests have it.
const SHIM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../countersign-store/tests/shim/unsynced.c");

#[test]
fn a_full_disk_is_503_and_takes_nothing_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("unsynced.so");
    let cc = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    let built = Command::new(cc)
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&library)
        .arg(SHIM)
        .args(["-ldl", "-lpthread"])
        .status();
    assert!(built.unwrap().success(), "the library that makes a disk small cannot be built");
    let (at, data) = (free_address(), folder.path().join("data"));
    std::fs::create_dir(&data).unwrap();
    configure(&data, at, "", "");
    let log = std::fs::File::create(folder.path().join("log")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.args(["serve", "--log", "json", "--config"]).arg(data.join("countersign.toml"));
    command.env("LD_PRELOAD", &library).env("UNSYNCED_FOLDER", data.canonicalize().unwrap());
    command.env("UNSYNCED_AFTER", "0").env("UNSYNCED_SEED", "1").env("UNSYNCED_ROOM", "6000000");
    let mut child = command.stdin(Stdio::null()).stderr(log).spawn().unwrap();
    let start = Instant::now();
    while TcpStream::connect(at).is_err() {
        assert!(start.elapsed() < Duration::from_secs(30), "it does not start: {}", said(folder.path()));
        std::thread::sleep(Duration::from_millis(5));
    }
    let signer = signer();
    let (mut accepted, mut refused) = (Vec::new(), 0);
    for number in 0..2000 {
        let id = format!("msg_{number}");
        let body = format!("{{\"id\":\"{id}\",\"pad\":\"{}\"}}", "x".repeat(8000)).into_bytes();
        match post(at, &signer, &id, &body) {
            Some(200) => accepted.push((id, body)),
            Some(503) => refused += 1,
            other => panic!("{id}: {other:?}\n{}", said(folder.path())),
        }
        if refused == 10 {
            break;
        }
    }
    assert!(accepted.len() > 20 && refused == 10, "{} accepted, {refused} refused", accepted.len());
    std::thread::sleep(Duration::from_millis(300));
    child.kill().unwrap();
    child.wait().unwrap();
    let log = said(folder.path());
    assert!(log.contains("store_unavailable") && log.contains("full"), "{log}");
    let store = Sqlite::open(data.join("countersign.db"), Options::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let search = Search { oldest_first: true, max: 1000, ..Search::default() };
    let events = runtime.block_on(store.events(search)).unwrap().rows;
    for (id, body) in accepted {
        let event = events
            .iter()
            .find(|event| event.message_id.as_deref() == Some(&id))
            .unwrap_or_else(|| panic!("{id} is lost"));
        assert_eq!(runtime.block_on(store.event(event.id.clone())).unwrap().unwrap().body, body);
    }
}

fn said(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("log")).unwrap_or_default()
}
