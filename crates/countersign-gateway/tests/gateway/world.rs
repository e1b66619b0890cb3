//! A gateway on real sockets, and who talks to it.

use countersign::{Draft, Keyring, Timestamp, Vars};
use countersign_gateway::{Gateway, config::Warning};
use countersign_store::{AuditRow, Delivery, Options, Redriven, Search, Sqlite, Store, StoredEvent};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub(crate) const SECRET: &str = "github-secret-of-the-tests";
/// Of the form that the preset of Standard Webhooks wants.
pub(crate) const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) runtime: Runtime,
    gateway: Option<Gateway>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) at: SocketAddr,
    #[allow(dead_code, reason = "the tests of operating ask there")]
    pub(crate) admin: Option<SocketAddr>,
}

impl World {
    /// A gateway with these tables of TOML behind `[server]`, which has `listen` already.
    pub(crate) fn start(tables: &str) -> Self {
        Self::with_server("", tables)
    }

    /// And these keys of `[server]`.
    pub(crate) fn with_server(server: &str, tables: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write(&folder, server, tables);
        Self::again(folder)
    }

    /// The same with these files beside it.
    #[allow(dead_code, reason = "the tests of operating start so")]
    pub(crate) fn prepared(server: &str, files: &[(&str, &str)], tables: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write(&folder, server, tables);
        files.iter().for_each(|(name, text)| private(&folder, name, text));
        Self::again(folder)
    }

    /// On what is in a folder already.
    pub(crate) fn again(folder: TempDir) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let started = runtime.block_on(Gateway::start(&folder.path().join("countersign.toml")));
        let (gateway, warnings) = started.unwrap_or_else(|error| panic!("it does not start:\n{error}"));
        let (at, admin) = (gateway.addresses()[0], gateway.admin());
        World { folder, runtime, gateway: Some(gateway), warnings, at, admin }
    }

    /// Why it does not start.
    pub(crate) fn refused(server: &str, tables: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        write(&folder, server, tables);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        match runtime.block_on(Gateway::start(&folder.path().join("countersign.toml"))) {
            Ok(_) => panic!("it started"),
            Err(error) => error.to_string(),
        }
    }

    pub(crate) fn gateway(&self) -> &Gateway {
        self.gateway.as_ref().unwrap()
    }

    /// Change the configuration and have it read.
    pub(crate) fn reload(&self, tables: &str) -> Result<usize, String> {
        write(&self.folder, "", tables);
        let reloaded = self.runtime.block_on(self.gateway().reload());
        reloaded.map(|changes| changes.len()).map_err(|error| error.to_string())
    }

    /// Stop it in order; what is in the folder stays.
    pub(crate) fn stop(mut self) -> TempDir {
        if let Some(gateway) = self.gateway.take() {
            self.runtime.block_on(gateway.stop());
        }
        let empty = tempfile::tempdir().unwrap();
        std::mem::replace(&mut self.folder, empty)
    }

    /// The same while others go on; afterwards the folder is still this world's.
    pub(crate) fn stop_in_background(&mut self) -> std::thread::JoinHandle<()> {
        let gateway = self.gateway.take().unwrap();
        let handle = self.runtime.handle().clone();
        std::thread::spawn(move || handle.block_on(gateway.stop()))
    }

    /// Write the configuration anew, and say nothing.
    pub(crate) fn write(&self, tables: &str) {
        write(&self.folder, "", tables);
    }

    /// The first event's delivery, once it is as wanted.
    pub(crate) fn delivery(&self, wanted: impl Fn(&Delivery) -> bool) -> Delivery {
        let event = self.events().remove(0).id;
        let store = self.store();
        for _ in 0..1000 {
            let delivery = self.runtime.block_on(store.deliveries(event.clone())).unwrap().remove(0);
            if wanted(&delivery) {
                return delivery;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the delivery never came to be as wanted")
    }

    pub(crate) fn redrive(&self, delivery: Arc<str>) {
        assert_eq!(self.try_redrive(delivery), 1);
    }

    pub(crate) fn try_redrive(&self, delivery: Arc<str>) -> usize {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as i64;
        let now = Timestamp::from_unix_ms(now);
        let redriven = self.runtime.block_on(self.store().redrive(vec![(delivery, now)], false)).unwrap();
        redriven.iter().filter(|one| **one == Redriven::Queued).count()
    }

    fn store(&self) -> Sqlite {
        Sqlite::open(self.folder.path().join("countersign.db"), Options::default()).unwrap()
    }

    /// Every event, with its body, the oldest first.
    pub(crate) fn events(&self) -> Vec<StoredEvent> {
        let store = self.store();
        self.runtime.block_on(async {
            let search = Search { oldest_first: true, max: 1000, ..Search::default() };
            let mut events = Vec::new();
            for event in store.events(search).await.unwrap().rows {
                events.push(store.event(event.id).await.unwrap().unwrap());
            }
            events
        })
    }

    /// Rows of the audit, the oldest first, once there are so many.
    pub(crate) fn audit(&self, count: usize) -> Vec<(AuditRow, serde_json::Value)> {
        let store = self.store();
        for _ in 0..500 {
            let search = Search { oldest_first: true, max: 1000, ..Search::default() };
            let rows = self.runtime.block_on(store.audits(search)).unwrap().rows;
            if rows.len() >= count {
                return rows
                    .into_iter()
                    .map(|row| {
                        let json = serde_json::from_slice(&row.columns).unwrap();
                        (row, json)
                    })
                    .collect();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("there are not {count} rows")
    }

    /// Send bytes, and read until the connection ends or an answer is whole.
    pub(crate) fn send(&self, request: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.at).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let _ = stream.write_all(request);
        Answer::read(&mut stream)
    }

    pub(crate) fn post(&self, path: &str, headers: &[(String, String)], body: &[u8]) -> Answer {
        self.send(&http("POST", path, headers, body))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(gateway) = self.gateway.take() {
            self.runtime.block_on(gateway.stop());
        }
    }
}

fn write(folder: &TempDir, server: &str, tables: &str) {
    let listen = if server.contains("listen") { "" } else { "listen = \"127.0.0.1:0\"\n" };
    for (name, secret) in
        [("github.txt", SECRET), ("whsec.txt", WHSEC), ("admin.txt", "an-admin-token-of-some-length")]
    {
        private(folder, name, secret);
    }
    let text = format!("[server]\n{listen}{server}\n[store]\nurl = \"sqlite:countersign.db\"\n{tables}");
    std::fs::write(folder.path().join("countersign.toml"), text).unwrap();
}

fn private(folder: &TempDir, name: &str, text: &str) {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
}

/// A source that verifies as GitHub signs, at `/in/NAME`, with these keys more.
pub(crate) fn github(name: &str, more: &str) -> String {
    format!(
        "[[source]]\npath = \"/in/{name}\"\nname = \"{name}\"\npreset = \"github\"\nsecrets = [{{ id = \"main\", file = \"github.txt\" }}]\n{more}\n"
    )
}

/// A source that verifies as Standard Webhooks signs: with an id and a time.
pub(crate) fn standard(name: &str, more: &str) -> String {
    format!(
        "[[source]]\npath = \"/in/{name}\"\nname = \"{name}\"\npreset = \"standard-webhooks\"\nsecrets = [{{ id = \"main\", file = \"whsec.txt\" }}]\n{more}\n"
    )
}

/// A request as bytes.
pub(crate) fn http(method: &str, path: &str, headers: &[(String, String)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: hooks.example.com\r\n");
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    write!(head, "content-length: {}\r\n\r\n", body.len()).unwrap();
    [head.as_bytes(), body].concat()
}

/// The headers by which a preset's sender signs `body`, now.
pub(crate) fn signed(preset: &str, secret: &str, id: &str, body: &[u8]) -> Vec<(String, String)> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() as i64;
    signed_at(preset, secret, id, body, now)
}

pub(crate) fn signed_at(preset: &str, secret: &str, id: &str, body: &[u8], at: i64) -> Vec<(String, String)> {
    let compiled = countersign_modes::registry().unwrap().named(preset).unwrap();
    let signer = compiled.signer(&Keyring::of(secret).unwrap(), &Vars::new()).unwrap();
    let draft = Draft::new(id, Timestamp::from_unix(at), "https://hooks.example.com/in/x", body);
    let headers = signer.sign(&draft).unwrap().headers;
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8(value.clone()).unwrap()))
        .collect()
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        let mut piece = [0; 4096];
        loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "))
                    .map_or(0, |n| n.parse().unwrap());
                let status = head.split(' ').nth(1).unwrap().parse().unwrap();
                if bytes.len() >= end + 4 + length {
                    let body = bytes[end + 4..end + 4 + length].to_vec();
                    return Answer { status, head, body };
                }
            }
            match stream.read(&mut piece) {
                Ok(count) if count > 0 => bytes.extend_from_slice(&piece[..count]),
                // Closed without an answer.
                _ => {
                    return Answer {
                        status: 0,
                        head: String::from_utf8_lossy(&bytes).into_owned(),
                        body: Vec::new(),
                    };
                }
            }
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// An upstream that answers with what it is told, and keeps what it was sent.
pub(crate) struct Upstream {
    pub(crate) url: String,
    pub(crate) seen: Arc<Mutex<Vec<Seen>>>,
}

/// A request as an upstream saw it.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) raw: Vec<u8>,
}

impl Seen {
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| &**value).collect()
    }
}

impl Upstream {
    pub(crate) fn start(answer: &'static str) -> Self {
        Self::answering(Box::leak(Box::new([answer])))
    }

    /// One answer after the other, and the last one for ever.
    pub(crate) fn answering(answers: &'static [&'static str]) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), answers)
    }

    /// At this very address.
    pub(crate) fn at(at: SocketAddr, answers: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind(at).unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let noted = seen.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let noted = noted.clone();
                std::thread::spawn(move || {
                    if let Some(request) = Seen::read(&mut stream) {
                        let mut noted = noted.lock().unwrap();
                        let answer = answers[noted.len().min(answers.len() - 1)];
                        noted.push(request);
                        drop(noted);
                        let _ = stream.write_all(answer.as_bytes());
                    }
                });
            }
        });
        Upstream { url, seen }
    }

    /// What it was sent, once that is so much.
    pub(crate) fn wait(&self, count: usize) -> Vec<Seen> {
        for _ in 0..1000 {
            let seen = self.seen.lock().unwrap().clone();
            if seen.len() >= count {
                return seen;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the upstream saw {} requests, and not {count}", self.seen.lock().unwrap().len())
    }
}

impl Seen {
    fn read(stream: &mut TcpStream) -> Option<Self> {
        let mut bytes = Vec::new();
        let mut piece = [0; 4096];
        loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
                let mut lines = head.lines();
                let line = lines.next()?.to_owned();
                let headers: Vec<(String, String)> = lines
                    .filter_map(|line| {
                        line.split_once(": ").map(|(n, v)| (n.to_ascii_lowercase(), v.to_owned()))
                    })
                    .collect();
                let length = headers
                    .iter()
                    .find(|(n, _)| n == "content-length")
                    .map_or(0, |(_, v)| v.parse().unwrap());
                if bytes.len() >= end + 4 + length {
                    return Some(Seen { line, headers, body: bytes[end + 4..].to_vec(), raw: bytes });
                }
            }
            match stream.read(&mut piece) {
                Ok(count) if count > 0 => bytes.extend_from_slice(&piece[..count]),
                _ => return None,
            }
        }
    }
}

/// A path of the folder.
pub(crate) fn database(world: &World) -> PathBuf {
    world.folder.path().join("countersign.db")
}

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
