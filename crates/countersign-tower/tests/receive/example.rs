//! The example, started as a process and sent requests that are signed by the clock of this machine.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

struct Running {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
    address: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Running {
    fn start() -> Self {
        let mut child = Command::new(built())
            .arg("127.0.0.1:0")
            .env("ACME_SECRET", "acme's secret")
            .env("SHOP_SECRET", "shop's secret")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let mut running = Running { child, out, address: String::new() };
        running.address = running.line().strip_prefix("listening on ").unwrap().trim().into();
        running
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line
    }

    fn send(&self, path: &str, headers: &[(&str, &str)], body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut request = format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n");
        headers.iter().for_each(|(name, value)| request.push_str(&format!("{name}: {value}\r\n")));
        request.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
        stream.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response[9..12].into()
    }
}

/// Cargo builds the examples of a package with its tests; of one test alone it does not.
fn built() -> PathBuf {
    let profile = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().to_path_buf();
    let example = profile.join("examples").join(format!("axum_receiver{}", std::env::consts::EXE_SUFFIX));
    if !example.exists() {
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--locked", "--features", "axum", "--example", "axum_receiver"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .arg("--target-dir")
            .arg(profile.parent().unwrap())
            .status();
        assert!(built.unwrap().success());
    }
    example
}

fn sign(secret: &str, content: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(content.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_example_receives_two_sources_and_takes_neither_for_the_other() {
    let mut example = Running::start();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let body = r#"{"invoice":"in_7","amount":4200}"#;
    let acme = |example: &Running, id: &str, at: u64, secret: &str, sent: &str| {
        let (at, signature) = (at.to_string(), sign(secret, &format!("{id}.{at}.{body}")));
        let headers = [("acme-id", id), ("acme-time", &*at), ("acme-signature", &*signature)];
        example.send("/in/acme", &headers, sent)
    };
    assert_eq!(acme(&example, "msg_1", now, "acme's secret", body), "200");
    assert_eq!(example.line(), "msg_1: invoice in_7 of 4200\n");

    assert_eq!(acme(&example, "msg_1", now, "acme's secret", body), "200");
    assert!(example.line().starts_with("200 OK: Duplicate("), "a second time");
    for (at, secret, sent, reason) in [
        (now, "shop's secret", body, "BadSignature"),
        (now, "acme's secret", "{}", "BadSignature"),
        (now - 4_000, "acme's secret", body, "StaleTimestamp"),
    ] {
        assert_eq!(acme(&example, "msg_2", at, secret, sent), "401");
        let line = example.line();
        assert!(line.starts_with("401 Unauthorized: Refused(") && line.contains(reason), "{line}");
    }

    let shop = |secret: &str| format!("sha256={}", sign(secret, body));
    assert_eq!(example.send("/in/shop", &[("shop-signature", &shop("shop's secret"))], body), "200");
    assert_eq!(example.line(), format!("{} bytes, signed by main\n", body.len()));
    assert_eq!(example.send("/in/shop", &[("shop-signature", &shop("acme's secret"))], body), "401");
    assert!(example.line().contains("BadSignature"));
    assert_eq!(example.send("/in/shop", &[], body), "401");
    assert!(example.line().contains("MissingSignature"));
    let more = " ".repeat(1024 * 1024 + 1);
    assert_eq!(example.send("/in/shop", &[("expect", "100-continue")], &more), "413");
    assert!(example.line().contains("PayloadTooLarge"));
}
