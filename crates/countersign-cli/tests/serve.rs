//! `countersign serve` as a service manager runs it: signals, exit codes, what is said.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]
#![allow(clippy::print_stderr, reason = "what is not tried is told")]

mod common;
#[path = "common/gateway.rs"]
mod gateway;

use common::run;
use gateway::{configure, free_address, post, serve, signer};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn a_first_request_is_accepted_within_one_command() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.args(["serve", "--quickstart"]).current_dir(folder.path());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The address is the default one: somebody else on this machine may have it.
    let mut line = String::new();
    let mut out = child.stdout.take().unwrap();
    let start = Instant::now();
    let mut piece = [0; 1024];
    while !line.contains("-d '") && start.elapsed() < Duration::from_secs(30) {
        match out.read(&mut piece).unwrap() {
            0 => break,
            count => line.push_str(std::str::from_utf8(&piece[..count]).unwrap()),
        }
    }
    if line.is_empty() {
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        child.wait().unwrap();
        assert!(said.contains("cannot listen on 127.0.0.1:8080"), "{said}");
        return;
    }
    let curl = Command::new("curl").arg("--version").output().is_ok_and(|output| output.status.success());
    let sent = curl.then(|| Command::new("sh").args(["-c", &line]).output().unwrap());
    signal(&child, "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    match sent {
        Some(sent) => {
            let sent = String::from_utf8(sent.stdout).unwrap();
            assert!(sent.starts_with("HTTP/1.1 200"), "{sent}\n{line}");
        }
        None => eprintln!("the line was not run: there is no curl"),
    }
    let secret = std::fs::read_to_string(folder.path().join("first.secret")).unwrap();
    assert!(!std::fs::read_to_string(folder.path().join("countersign.toml")).unwrap().contains(&secret));
    // A second time it lets be what is there.
    run_in(folder.path(), &["serve", "--quickstart"]).exits(2).says("is there already");
}

fn run_in(folder: &Path, args: &[&str]) -> common::Ran {
    let output =
        Command::new(env!("CARGO_BIN_EXE_countersign")).args(args).current_dir(folder).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    common::Ran { exit: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

#[test]
fn sigterm_ends_it_in_order_and_what_was_under_way_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let at = free_address();
    configure(folder.path(), at, "", "");
    let mut child = serve(folder.path(), at);
    let signer = signer();
    let request = gateway::request(&signer, "msg_1", "connection: close\r\n", b"{\"type\":\"a\"}");
    let (one, two) = request.split_at(request.len() - 3);
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(one).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    signal(&child, "-TERM");
    let start = Instant::now();
    while TcpStream::connect(at).is_ok() {
        assert!(start.elapsed() < Duration::from_secs(20), "it lets people in still");
        std::thread::sleep(Duration::from_millis(10));
    }
    stream.write_all(two).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn sighup_reads_the_configuration_anew_and_a_mistake_leaves_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let at = free_address();
    configure(folder.path(), at, "watch = false", "");
    let mut child = serve(folder.path(), at);
    let signer = signer();
    assert_eq!(post(at, &signer, "msg_1", b"{}"), Some(200));
    configure(folder.path(), at, "watch = false", "typo = 1");
    signal(&child, "-HUP");
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(post(at, &signer, "msg_2", b"{}"), Some(200));
    configure(folder.path(), at, "watch = false", "enabled = false");
    std::thread::sleep(Duration::from_millis(2500));
    assert_eq!(post(at, &signer, "msg_3", b"{}"), Some(200), "nobody told it to read");
    signal(&child, "-HUP");
    let start = Instant::now();
    while post(at, &signer, "msg_4", b"{}") != Some(404) {
        assert!(start.elapsed() < Duration::from_secs(20), "it is never read");
        std::thread::sleep(Duration::from_millis(50));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn what_keeps_it_from_starting_is_told_with_its_code() {
    let folder = tempfile::tempdir().unwrap();
    let at = free_address();
    let config = folder.path().join("countersign.toml");
    let config = config.to_str().unwrap();
    run(&["serve", "--config", config]).exits(5).says("serve --quickstart");
    configure(folder.path(), at, "listne = 1", "");
    run(&["serve", "--config", config]).exits(3).says("listen");
    configure(folder.path(), at, "", "");
    std::fs::remove_file(folder.path().join("whsec.txt")).unwrap();
    run(&["serve", "--config", config]).exits(4).says("whsec.txt");
    configure(folder.path(), at, "", "");
    let _taken = std::net::TcpListener::bind(at).unwrap();
    run(&["serve", "--config", config]).exits(5).says("something listens there already");
}
