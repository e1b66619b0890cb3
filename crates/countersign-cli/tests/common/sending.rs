//! Gateways that send, as processes: configured, told what to send, and looked at in their store.
#![allow(dead_code)]

use crate::gateway::{free_address, serve_by};
use countersign_store::{Delivery, DeliverySearch, Options, Sqlite, Store};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

const TOKEN: &str = "an-admin-token-of-some-length";
const STORE_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// The shortest timeout that can be set. A lease lasts five seconds longer.
const TIMEOUT: &str = "5s";

/// How long a lease lasts at least that a worker took.
pub(crate) const LEASE: Duration = Duration::from_secs(10);

/// Where a gateway listens, whichever process it is.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    at: SocketAddr,
    admin: SocketAddr,
}

/// A process. It is killed when this is dropped, and before.
pub(crate) struct Running(Child);

impl Running {
    /// SIGKILL.
    pub(crate) fn kill(self) {}
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Place {
    pub(crate) fn free() -> Self {
        Place { at: free_address(), admin: free_address() }
    }

    /// Start one on the store of this folder, with these waits between attempts. What it sends says by which process: `x-by-BY`.
    pub(crate) fn start(&self, folder: &Path, by: u64, waits: &[&str]) -> Running {
        for (name, text) in [("admin.txt", TOKEN), ("store.txt", STORE_KEY)] {
            let file = folder.join(name);
            std::fs::write(&file, text).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        let Place { at, admin } = self;
        let text = format!(
            "[server]\nlisten = \"{at}\"\n[admin]\nlisten = \"{admin}\"\ntoken = {{ file = \"admin.txt\" }}\n\
             [store]\nurl = \"sqlite:countersign.db\"\nkey = {{ file = \"store.txt\" }}\n\
             [egress]\nnetworks = [\"127.0.0.0/8\"]\nports = [\"1024-65535\"]\nplain_http = [\"127.0.0.1\"]\n\
             [delivery]\ntimeout = \"{TIMEOUT}\"\nschedule = {waits:?}\ntopic_header = \"x-by-{by}\"\n"
        );
        let config = folder.join(format!("{by}.toml"));
        std::fs::write(&config, text).unwrap();
        Running(serve_by(&config, &[*at, *admin]))
    }

    /// Ask the admin API: the status and what was said, if there was an answer.
    pub(crate) fn ask(&self, path: &str, body: &Value) -> Option<(u16, Value)> {
        let body = body.to_string();
        let head = format!(
            "POST /api/v1/{path} HTTP/1.1\r\nhost: admin\r\nauthorization: Bearer {TOKEN}\r\nconnection: close\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        let mut stream = TcpStream::connect_timeout(&self.admin, Duration::from_secs(5)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all((head + &body).as_bytes()).ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        let answer = String::from_utf8(answer).ok()?;
        let status = answer.get(9..12)?.parse().ok()?;
        Some((status, serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()?))
    }

    /// Add an endpoint, so many attempts at once: its secret.
    pub(crate) fn add_endpoint(&self, name: &str, url: &str, concurrency: u32) -> String {
        let new = json!({ "name": name, "url": url, "concurrency": concurrency });
        let (status, added) = self.ask("endpoints", &new).unwrap();
        assert_eq!(status, 200, "{added}");
        added["secret"]["value"].as_str().unwrap().to_owned()
    }

    pub(crate) fn declare(&self) {
        let (status, why) = self.ask("event-types", &json!({ "name": "thing.made" })).unwrap();
        assert_eq!(status, 200, "{why}");
    }

    /// Publish a message once: the status, and whether it was there already; or no answer.
    pub(crate) fn publish(&self, number: u64) -> Option<(u16, bool)> {
        let message = json!({
            "type": "thing.made", "id": id(number), "time": "2026-01-01T00:00:00Z",
            "payload": { "pad": pad(number), "n": number },
        });
        self.ask("messages", &message).map(|(status, sent)| (status, sent["repeated"] == json!(true)))
    }
}

pub(crate) fn id(number: u64) -> String {
    format!("msg-{number}")
}

/// A message, byte for byte as every receiver gets it.
pub(crate) fn body(number: u64) -> String {
    format!(
        "{{\"data\":{{\"n\":{number},\"pad\":\"{}\"}},\"id\":\"{}\",\"time\":\"2026-01-01T00:00:00.000Z\",\
         \"topic\":\"events\",\"type\":\"thing.made\",\"version\":1}}",
        pad(number),
        id(number)
    )
}

fn pad(number: u64) -> String {
    "x".repeat((number * 37 % 4000) as usize)
}

/// Wait until nothing is queued any more.
pub(crate) fn settle(folder: &Path, within: Duration) {
    let (store, runtime) = open(folder);
    let start = Instant::now();
    loop {
        let queued = runtime.block_on(store.queued()).unwrap();
        if queued.waiting == 0 && queued.leased == 0 {
            return;
        }
        assert!(start.elapsed() < within, "still waiting: {queued:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Every delivery there is.
pub(crate) fn deliveries(folder: &Path) -> Vec<Delivery> {
    let (store, runtime) = open(folder);
    let mut all = Vec::new();
    let mut search = DeliverySearch { oldest_first: true, max: 1000, ..DeliverySearch::default() };
    loop {
        let page = runtime.block_on(store.find_deliveries(search.clone())).unwrap();
        if page.rows.is_empty() {
            return all;
        }
        all.extend(page.rows);
        search.after = page.next;
    }
}

fn open(folder: &Path) -> (Sqlite, tokio::runtime::Runtime) {
    let store = Sqlite::open(folder.join("countersign.db"), Options::default()).unwrap();
    (store, tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap())
}
