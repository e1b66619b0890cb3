//! Somebody who is sent to: answers as it is told, and keeps what came.

use crate::common::run_with;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A receiver on this machine. It listens for as long as the process lives.
pub(crate) struct Receiver {
    pub(crate) url: String,
    answer: Arc<Mutex<String>>,
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Receiver {
    /// One that answers with this status.
    pub(crate) fn start(status: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (answer, seen) = (Arc::new(Mutex::new(status.to_owned())), Arc::default());
        let receiver = Receiver { url, answer, seen };
        let (answer, seen) = (receiver.answer.clone(), receiver.seen.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (answer, seen) = (answer.clone(), seen.clone());
                std::thread::spawn(move || take(stream, &answer, &seen));
            }
        });
        receiver
    }

    /// Answer so from now on.
    pub(crate) fn answers(&self, status: &str) {
        *self.answer.lock().unwrap() = status.to_owned();
    }

    /// What came, each request whole.
    pub(crate) fn seen(&self) -> Vec<Vec<u8>> {
        self.seen.lock().unwrap().clone()
    }

    /// Whether `countersign verify` takes what came, with this secret.
    pub(crate) fn verifies(&self, which: usize, secret: &str) -> bool {
        let args = ["verify", "-", "--preset", "standard-webhooks", "--secret", "env:S"];
        run_with(&args, &self.seen()[which], &[("S", secret)]).exit == 0
    }
}

/// One request of a connection that is closed behind it.
fn take(mut stream: TcpStream, answer: &Mutex<String>, seen: &Mutex<Vec<Vec<u8>>>) {
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let (mut request, mut part) = (Vec::new(), [0; 4096]);
    let whole = loop {
        match whole_length(&request) {
            Some(length) if request.len() >= length => break length,
            _ => {}
        }
        match stream.read(&mut part) {
            Ok(count @ 1..) => request.extend_from_slice(&part[..count]),
            _ => return,
        }
    };
    request.truncate(whole);
    seen.lock().unwrap().push(request);
    let status = answer.lock().unwrap().clone();
    let _ = write!(stream, "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
}

/// How long the request is, once its head is there.
fn whole_length(request: &[u8]) -> Option<usize> {
    let head = request.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&request[..head]).unwrap().to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:")).unwrap_or("0");
    Some(head + length.trim().parse::<usize>().unwrap())
}
