//! A receiver of what is sent that cannot be relied on, and remembers everything that came.
#![allow(dead_code)]

use countersign::{Context, Head, Keyring, Request, Timestamp, Vars, Verifier};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant, SystemTime};

/// What it does with one request, all of which it has read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Said {
    /// Answer 200, after a while.
    Yes(Duration),
    /// Answer this status.
    No(u16),
    /// Break the connection.
    Reset,
    /// Close it in good order, without an answer.
    HangUp,
}

impl Said {
    pub(crate) fn arrived(self) -> bool {
        matches!(self, Said::Yes(_))
    }
}

/// A request as it came.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) at: Instant,
    /// To which endpoint: the path, without its slash.
    pub(crate) endpoint: String,
    pub(crate) id: String,
    pub(crate) body: Vec<u8>,
    /// From which process: what follows `x-by-` in the name of a header.
    pub(crate) by: u64,
    /// Whether it verifies, with the secret of its endpoint, at the time at which it came.
    pub(crate) signed: bool,
    pub(crate) said: Said,
}

pub(crate) struct Flaky {
    at: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    script: fn(u64) -> Said,
    count: AtomicU64,
    seen: Mutex<Vec<Seen>>,
    verifiers: RwLock<HashMap<String, Arc<Verifier>>>,
}

impl Flaky {
    /// `script` is told the number of the request; the first is 0.
    pub(crate) fn start(script: fn(u64) -> Said) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let shared =
            Shared { script, count: AtomicU64::new(0), seen: Mutex::default(), verifiers: RwLock::default() };
        let shared = Arc::new(shared);
        let noted = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let noted = noted.clone();
                std::thread::spawn(move || stream.and_then(|stream| serve(stream, &noted)));
            }
        });
        Flaky { at, shared }
    }

    pub(crate) fn url(&self, endpoint: &str) -> String {
        format!("http://{}/{endpoint}", self.at)
    }

    /// From now on, what comes to this endpoint is verified with this secret.
    pub(crate) fn verify(&self, endpoint: &str, secret: &str) {
        let compiled = countersign_modes::registry().unwrap().named("standard-webhooks").unwrap();
        let verifier = compiled.verifier("receiver", &Keyring::of(secret).unwrap(), &Vars::new()).unwrap();
        self.shared.verifiers.write().unwrap().insert(endpoint.into(), verifier);
    }

    pub(crate) fn count(&self) -> u64 {
        self.shared.count.load(Ordering::SeqCst)
    }

    /// All that came, in its order.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }
}

/// Requests of one connection, one after the other.
///
/// They are looked at before they are taken: what is dropped with something unread in it breaks, as a connection does, and is not closed.
fn serve(mut stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut held = vec![0; 64 * 1024];
    loop {
        let count = stream.peek(&mut held)?;
        let Some((end, whole)) = measure(&held[..count]) else {
            if count == 0 {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(1));
            continue;
        };
        let said = (shared.script)(shared.count.fetch_add(1, Ordering::SeqCst));
        let seen = shared.look(&held[..end], &held[end + 4..whole], said);
        shared.seen.lock().unwrap().push(seen);
        if said == Said::Reset {
            return Ok(());
        }
        stream.read_exact(&mut held[..whole])?;
        let status = match said {
            Said::Yes(wait) => {
                std::thread::sleep(wait);
                200
            }
            Said::No(status) => status,
            Said::Reset | Said::HangUp => return Ok(()),
        };
        stream.write_all(format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n").as_bytes())?;
    }
}

/// Where the head ends, and where the body does, once all of it is there.
fn measure(bytes: &[u8]) -> Option<(usize, usize)> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    let length: usize = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())?;
    let whole = end + 4 + length;
    (bytes.len() >= whole).then_some((end, whole))
}

impl Shared {
    fn look(&self, head: &[u8], body: &[u8], said: Said) -> Seen {
        let head = std::str::from_utf8(head).unwrap();
        let (line, lines) = head.split_once("\r\n").unwrap();
        let path = line.split(' ').nth(1).unwrap();
        let endpoint = path.trim_start_matches('/').to_owned();
        let headers: Vec<(&str, &[u8])> = lines
            .lines()
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name, value.as_bytes()))
            .collect();
        let id = headers.iter().find(|(name, _)| *name == "webhook-id").unwrap().1;
        let by = headers.iter().find_map(|(name, _)| name.strip_prefix("x-by-")).unwrap().parse().unwrap();
        let verifier = self.verifiers.read().unwrap().get(&endpoint).cloned();
        let signed = verifier.is_some_and(|verifier| {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() as i64;
            let request = Request::new(Head::new("POST", "http://receiver.example/", &headers), body);
            verifier.verify(&request, &Context::at(Timestamp::from_unix(now))).into_verified().is_ok()
        });
        let id = String::from_utf8(id.to_vec()).unwrap();
        Seen { at: Instant::now(), endpoint, id, body: body.to_vec(), by, signed, said }
    }
}
