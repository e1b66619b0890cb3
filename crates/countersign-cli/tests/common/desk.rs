//! A folder with a configuration, commands on it, and a gateway that runs on it.
#![allow(dead_code)]

use super::common::{Folder, Ran, run_with};
use serde_json::Value;
use std::cell::RefCell;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// A folder with a configuration, and everything that was ever printed about it.
pub(crate) struct Desk {
    pub(crate) folder: Folder,
    pub(crate) said: RefCell<String>,
}

impl Desk {
    pub(crate) fn new(sources: &str) -> Self {
        let folder = Folder::new();
        folder.file("store.txt", KEY);
        let text = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\n[store]\nurl = \"sqlite:countersign.db\"\nkey = {{ file = \"store.txt\" }}\n{sources}"
        );
        folder.file("countersign.toml", text);
        Desk { folder, said: RefCell::default() }
    }

    /// Run a command, split at spaces, on this configuration.
    pub(crate) fn run(&self, line: &str) -> Ran {
        self.with(line, b"")
    }

    pub(crate) fn with(&self, line: &str, input: &[u8]) -> Ran {
        let config = self.folder.path().join("countersign.toml");
        let args: Vec<&str> = line.split(' ').collect();
        let ran = run_with(&args, input, &[("COUNTERSIGN_CONFIG", config.to_str().unwrap())]);
        let mut said = self.said.borrow_mut();
        said.push_str(&ran.out);
        said.push_str(&ran.err);
        ran
    }

    pub(crate) fn json(&self, line: &str) -> Value {
        self.run(&format!("{line} --format json")).exits(0).json()
    }
}

/// A gateway, ended with the test.
pub(crate) struct Gateway {
    child: Child,
    pub(crate) at: String,
    admin: Option<String>,
    pub(crate) log: Arc<Mutex<Vec<String>>>,
}

impl Gateway {
    pub(crate) fn start(desk: &Desk) -> Self {
        let config = desk.folder.path().join("countersign.toml");
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        command.args(["serve", "--log", "json", "--config"]).arg(config);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let at = loop {
            let line = lines.next().expect("it starts").unwrap();
            if let Some((_, at)) = line.split_once("receiving on http://") {
                break at.to_owned();
            }
        };
        let text = std::fs::read_to_string(desk.folder.path().join("countersign.toml")).unwrap();
        let admin = text.contains("[admin]").then(|| {
            let line = lines.next().expect("it is administered").unwrap();
            line.split_once("administered on http://").unwrap().1.to_owned()
        });
        let log: Arc<Mutex<Vec<String>>> = Arc::default();
        let kept = log.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                kept.lock().unwrap().push(line);
            }
        });
        Gateway { child, at, admin, log }
    }

    /// Whether a line of the log says all of this.
    pub(crate) fn logged(&self, all: &[&str]) -> bool {
        self.log.lock().unwrap().iter().any(|line| all.iter().all(|text| line.contains(text)))
    }

    /// Ask the admin API; its status, and what it says.
    pub(crate) fn ask(&self, method: &str, path: &str, token: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.admin.as_ref().unwrap()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let length = body.len();
        write!(stream, "{method} {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\nauthorization: Bearer {token}\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    pub(crate) fn send(&self, request: &str) -> u16 {
        let mut stream = TcpStream::connect(&self.at).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(request.replacen("\r\n", "\r\nconnection: close\r\n", 1).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[track_caller]
pub(crate) fn until(what: &str, so: impl Fn() -> bool) {
    for _ in 0..600 {
        if so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("not within half a minute: {what}")
}
