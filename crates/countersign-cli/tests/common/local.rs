//! `countersign listen` as a process, a receiver behind it, and a sender in front: all of it over real sockets.
#![allow(dead_code)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// How long anything is waited for.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// A listener that runs. It ends when this is dropped.
pub(crate) struct Listening {
    child: Child,
    pub(crate) at: SocketAddr,
    lines: Receiver<String>,
    said: BufReader<ChildStderr>,
    /// What was said before it listened, and where it does.
    pub(crate) began: String,
}

impl Listening {
    /// Start it on any port that is free.
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::start_in(Path::new("."), args)
    }

    /// The same in a folder.
    pub(crate) fn start_in(folder: &Path, args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        command.args(["listen", "0"]).args(args).current_dir(folder).env_remove("CLICOLOR_FORCE");
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut began = String::new();
        while !began.contains("listening on http://") {
            assert!(said.read_line(&mut began).unwrap() > 0, "it does not listen: {began}");
        }
        let at = began.split("listening on http://").nth(1).unwrap();
        let at = at.split(',').next().unwrap().parse().unwrap();
        Listening { child, at, lines, said, began }
    }

    /// The next line.
    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(LONG).expect("a line for the request")
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.line()).unwrap()
    }

    /// Whether a line is there that nobody read.
    pub(crate) fn has_line(&self) -> bool {
        self.lines.try_recv().is_ok()
    }

    /// Send a signal: the exit code, and all that was said on stderr but what it began with.
    pub(crate) fn stop(mut self, signal: &str) -> (Option<i32>, String) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let start = Instant::now();
        let exit = loop {
            if let Some(exit) = self.child.try_wait().unwrap() {
                break exit;
            }
            assert!(start.elapsed() < LONG, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        };
        let mut said = String::new();
        self.said.read_to_string(&mut said).unwrap();
        (exit.code(), said)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A receiver that is being worked on: it writes down what comes, byte for byte, and answers with this.
pub(crate) struct Upstream {
    pub(crate) at: SocketAddr,
    came: Receiver<Vec<u8>>,
}

impl Upstream {
    pub(crate) fn answering(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let (sender, came) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (sender, mut stream) = (sender.clone(), stream.unwrap());
                std::thread::spawn(move || {
                    while let Some(request) = read_request(&mut stream) {
                        if sender.send(request).is_err() || stream.write_all(answer.as_bytes()).is_err() {
                            break;
                        }
                    }
                });
            }
        });
        Upstream { at, came }
    }

    pub(crate) fn ok() -> Self {
        Self::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
    }

    /// The next request: its request line, its headers as they came, its body.
    pub(crate) fn request(&self) -> Came {
        Came::of(&self.came.recv_timeout(LONG).expect("a request for the receiver"))
    }

    pub(crate) fn has_request(&self) -> bool {
        self.came.try_recv().is_ok()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.at)
    }
}

/// A request that came to a receiver.
pub(crate) struct Came {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

impl Came {
    fn of(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let mut lines =
            bytes[..end].split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let line = String::from_utf8(lines.next().unwrap().to_vec()).unwrap();
        let header = |line: &[u8]| {
            let colon = line.iter().position(|b| *b == b':').unwrap();
            let name = String::from_utf8(line[..colon].to_vec()).unwrap().to_lowercase();
            (name, line[colon + 1..].trim_ascii().to_vec())
        };
        Came { line, headers: lines.map(header).collect(), body: bytes[end + 4..].to_vec() }
    }

    /// All values of a header.
    pub(crate) fn values(&self, name: &str) -> Vec<String> {
        let named = self.headers.iter().filter(|(known, _)| known == name);
        named.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect()
    }
}

/// Head and body, unless the connection ends before.
pub(crate) fn read_request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = head.split("content-length:").nth(1).and_then(|rest| rest.lines().next());
            let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
            if bytes.len() >= end + 4 + length {
                return Some(bytes);
            }
        }
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&piece[..count]),
        }
    }
}

/// Send bytes, and read the answer to its end: its status, and all of it as text.
pub(crate) fn send(at: SocketAddr, request: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    // What is refused early is not read to its end.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.get(9..12).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("no answer: {answer:?}")), answer)
}

/// A request with these lines in its head, and its length.
pub(crate) fn raw(lines: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /in HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{lines}content-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}
