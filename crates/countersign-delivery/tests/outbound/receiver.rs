//! A receiver that does what a script says, request by request, any number of them at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What it does with one request.
#[derive(Clone)]
pub(crate) enum Step {
    /// Answer this status.
    Status(u16),
    /// Answer this status and these lines of a head.
    With(u16, &'static str),
    /// Answer these very bytes.
    Raw(&'static str),
    /// Answer this status after a while.
    Slow(Duration, u16),
    /// Never answer.
    Hang,
    /// Close the connection so that its peer is told that it broke.
    Reset,
    /// Answer 200 and this many bytes of a body.
    Long(usize),
    /// Answer with a head that does not end.
    EndlessHead,
    /// Answer 200 and a body of one byte now and then, without end.
    Drip,
}

/// A request as it arrived.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) at: Instant,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    /// The one header of this name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.head.lines().filter_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then(|| value.trim())
        });
        let first = found.next();
        assert!(found.next().is_none(), "{name} comes twice");
        first
    }

    pub(crate) fn headers(&self) -> Vec<(&str, &str)> {
        self.head.lines().skip(1).filter_map(|line| line.split_once(": ")).collect()
    }
}

pub(crate) struct Receiver {
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    seen: Mutex<Vec<Seen>>,
    now: AtomicUsize,
    most: AtomicUsize,
    /// Bytes of answers that were taken off our hands.
    written: AtomicUsize,
}

impl Receiver {
    /// `script` is told the number of the request, the first is 0, and what it says.
    pub(crate) async fn start(script: impl Fn(usize, &Seen) -> Step + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared: Arc<Shared> = Arc::default();
        let (script, noted) = (Arc::new(script), shared.clone());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (script, shared) = (script.clone(), noted.clone());
                tokio::spawn(async move {
                    let _ = serve(stream, &*script, &shared).await;
                });
            }
        });
        Receiver { port, shared }
    }

    /// The steps in their order, the last one for ever.
    pub(crate) async fn steps(steps: &[Step]) -> Self {
        let steps = steps.to_vec();
        Self::start(move |n, _| steps[n.min(steps.len() - 1)].clone()).await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/in", self.port)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.shared.seen.lock().unwrap().len()
    }

    /// The most requests that were under way at once.
    pub(crate) fn most(&self) -> usize {
        self.shared.most.load(Ordering::SeqCst)
    }

    pub(crate) fn written(&self) -> usize {
        self.shared.written.load(Ordering::SeqCst)
    }
}

/// Requests of one connection, one after the other.
async fn serve(
    mut stream: TcpStream,
    script: &(dyn Fn(usize, &Seen) -> Step + Send + Sync),
    shared: &Shared,
) -> std::io::Result<()> {
    let mut held = Vec::new();
    while let Some(seen) = read(&mut stream, &mut held).await? {
        let step = {
            let mut all = shared.seen.lock().unwrap();
            all.push(seen.clone());
            script(all.len() - 1, &seen)
        };
        let now = shared.now.fetch_add(1, Ordering::SeqCst) + 1;
        shared.most.fetch_max(now, Ordering::SeqCst);
        let done = act(&mut stream, step, shared).await;
        shared.now.fetch_sub(1, Ordering::SeqCst);
        if !done? {
            break;
        }
    }
    Ok(())
}

async fn read(stream: &mut TcpStream, held: &mut Vec<u8>) -> std::io::Result<Option<Seen>> {
    loop {
        if let Some(end) = held.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&held[..end]).into_owned();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            let whole = end + 4 + length.unwrap_or(0);
            if held.len() >= whole {
                let rest = held.split_off(whole);
                let body = std::mem::replace(held, rest).split_off(end + 4);
                return Ok(Some(Seen { at: Instant::now(), head, body }));
            }
        }
        let mut piece = [0; 16384];
        match stream.read(&mut piece).await? {
            0 => return Ok(None),
            count => held.extend_from_slice(&piece[..count]),
        }
    }
}

/// Whether the connection can be used again.
async fn act(stream: &mut TcpStream, step: Step, shared: &Shared) -> std::io::Result<bool> {
    let plain = |status, lines: &str| format!("HTTP/1.1 {status} X\r\n{lines}content-length: 0\r\n\r\n");
    match step {
        Step::Status(status) => stream.write_all(plain(status, "").as_bytes()).await?,
        Step::With(status, lines) => stream.write_all(plain(status, lines).as_bytes()).await?,
        Step::Raw(bytes) => stream.write_all(bytes.as_bytes()).await?,
        Step::Slow(time, status) => {
            tokio::time::sleep(time).await;
            stream.write_all(plain(status, "").as_bytes()).await?;
        }
        Step::Hang => gone(stream).await?,
        Step::Reset => {
            stream.set_zero_linger()?;
            return Ok(false);
        }
        Step::Long(length) => {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
            stream.write_all(head.as_bytes()).await?;
            let piece = vec![b'x'; 1 << 20];
            let mut left = length;
            while left > 0 {
                let count = stream.write(&piece[..left.min(piece.len())]).await?;
                left -= count;
                shared.written.fetch_add(count, Ordering::SeqCst);
            }
        }
        Step::EndlessHead => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n").await?;
            loop {
                let line = format!("x-more: {}\r\n", "y".repeat(1000));
                stream.write_all(line.as_bytes()).await?;
                shared.written.fetch_add(line.len(), Ordering::SeqCst);
            }
        }
        Step::Drip => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await?;
            loop {
                stream.write_all(b"1\r\nx\r\n").await?;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
    Ok(true)
}

/// Wait until the other side goes.
async fn gone(stream: &mut TcpStream) -> std::io::Result<()> {
    while stream.read(&mut [0; 1024]).await? > 0 {}
    Ok(())
}
