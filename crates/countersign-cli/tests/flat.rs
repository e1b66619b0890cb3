//! Memory stays flat, however many addresses and ids there are: what is remembered of each is on disk, or in a table that has an end.
//!
//! The long form: `REQUESTS=1000000 cargo test --release -p countersign-cli --test flat -- --nocapture`
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "common/gateway.rs"]
mod gateway;

use gateway::{configure, free_address, request, serve, signer};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const CONNECTIONS: u64 = 4;

/// How much more may be in use at the end than after the first quarter, in KiB: buffers and caches that fill, and nothing that grows
/// with requests. A hundred bytes kept of each of a million would be three times as much.
const ROOM: u64 = 32 * 1024;

#[test]
fn a_million_addresses_and_ids_take_no_more_room_than_some() {
    let requests: u64 =
        std::env::var("REQUESTS").ok().and_then(|requests| requests.parse().ok()).unwrap_or(12_000);
    let folder = tempfile::tempdir().unwrap();
    let at = free_address();
    let server =
        "trusted_proxies = [\"127.0.0.1\"]\njunk = { failures = 20, per = \"10s\", addresses = 1000 }";
    configure(folder.path(), at, server, "");
    let mut child = serve(folder.path(), at);
    let memory = |when: &str| {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        println!("{when}: {kib} KiB");
        kib
    };
    memory("at the start");
    send_all(at, 0, requests / 4);
    let some = memory("after a quarter");
    send_all(at, requests / 4, requests);
    let all = memory("at the end");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(all <= some + ROOM, "it grew by {} KiB over {requests} requests", all - some);
}

/// Every second one is forged, and each comes from an address of its own, with an id of its own.
fn send_all(at: SocketAddr, from: u64, to: u64) {
    std::thread::scope(|scope| {
        for lane in 0..CONNECTIONS {
            scope.spawn(move || {
                let signer = signer();
                let stream = TcpStream::connect(at).unwrap();
                stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
                stream.set_nodelay(true).unwrap();
                let (mut writer, mut reader) = (stream.try_clone().unwrap(), BufReader::new(stream));
                for number in (from..to).filter(|number| number % CONNECTIONS == lane) {
                    let [_, _, _, _, _, a, b, c] = number.to_be_bytes();
                    let lines = format!("x-forwarded-for: 11.{a}.{b}.{c}\r\n");
                    let mut message =
                        request(&signer, &format!("msg_{number}"), &lines, b"{\"type\":\"a.b\"}");
                    let forged = number / CONNECTIONS % 2 == 1;
                    if forged {
                        message.pop();
                        message.push(b' ');
                    }
                    writer.write_all(&message).unwrap();
                    assert_eq!(status(&mut reader), if forged { 401 } else { 200 });
                }
            });
        }
    });
}

fn status(reader: &mut BufReader<TcpStream>) -> u16 {
    let (mut status, mut length) = (0, 0);
    for number in 0.. {
        let mut line = String::new();
        assert!(reader.read_line(&mut line).unwrap() > 0, "it hung up");
        match line.trim_end() {
            "" => break,
            first if number == 0 => status = first[9..12].parse().unwrap(),
            line => {
                if let Some(said) = line.strip_prefix("content-length: ") {
                    length = said.parse().unwrap();
                }
            }
        }
    }
    reader.read_exact(&mut vec![0; length]).unwrap();
    status
}
