//! The gateway as a process of its own, and a sender.
#![allow(dead_code)]

use countersign::{Draft, Keyring, Signer, Timestamp, Vars};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant, SystemTime};

pub(crate) const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

pub(crate) fn signer() -> Signer {
    let compiled = countersign_modes::registry().unwrap().named("standard-webhooks").unwrap();
    compiled.signer(&Keyring::of(WHSEC).unwrap(), &Vars::new()).unwrap()
}

/// A signed request as bytes, with these lines more in its head.
pub(crate) fn request(signer: &Signer, id: &str, lines: &str, body: &[u8]) -> Vec<u8> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() as i64;
    let draft = Draft::new(id, Timestamp::from_unix(now), "http://x.example/in", body);
    let mut request =
        format!("POST /in HTTP/1.1\r\nhost: x\r\n{lines}content-length: {}\r\n", body.len()).into_bytes();
    for (name, value) in signer.sign(&draft).unwrap().headers {
        request.extend([name.as_bytes(), b": ", &value, b"\r\n"].concat());
    }
    request.extend_from_slice(b"\r\n");
    request.extend_from_slice(body);
    request
}

/// The status, if there was an answer.
pub(crate) fn post(at: SocketAddr, signer: &Signer, id: &str, body: &[u8]) -> Option<u16> {
    let request = request(signer, id, "connection: close\r\n", body);
    let mut stream = TcpStream::connect_timeout(&at, Duration::from_secs(5)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(&request).ok()?;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    std::str::from_utf8(answer.get(9..12)?).ok()?.parse().ok()
}

/// Start the gateway, and wait until it listens.
pub(crate) fn serve(folder: &Path, at: SocketAddr) -> Child {
    serve_by(&folder.join("countersign.toml"), &[at])
}

/// The same by another configuration, at all of these addresses.
pub(crate) fn serve_by(config: &Path, at: &[SocketAddr]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.args(["serve", "--config"]).arg(config);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    while !at.iter().all(|at| TcpStream::connect(at).is_ok()) {
        assert!(start.elapsed() < Duration::from_secs(30), "it does not start");
        std::thread::sleep(Duration::from_millis(2));
    }
    child
}

/// A source at `/in`, and these tables.
pub(crate) fn configure(folder: &Path, at: SocketAddr, server: &str, source: &str) {
    use std::os::unix::fs::PermissionsExt;
    let secret = folder.join("whsec.txt");
    std::fs::write(&secret, WHSEC).unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let text = format!(
        "[server]\nlisten = \"{at}\"\n{server}\n[store]\nurl = \"sqlite:countersign.db\"\n[[source]]\npath = \"/in\"\n\
         preset = \"standard-webhooks\"\nsecrets = [{{ id = \"main\", file = \"whsec.txt\" }}]\n{source}\n"
    );
    std::fs::write(folder.join("countersign.toml"), text).unwrap();
}

/// An address that stays free while a gateway is dead: below those from which connections are made, so that none of them takes it.
pub(crate) fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let begin = std::process::id() % 12_000;
    let port = || 20_000 + (begin + u32::from(NEXT.fetch_add(1, Ordering::Relaxed))) % 12_000;
    let free = |port: u32| TcpListener::bind(("127.0.0.1", port as u16)).ok()?.local_addr().ok();
    (0..1000).find_map(|_| free(port())).unwrap()
}

/// Moments nobody chose: xorshift.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
