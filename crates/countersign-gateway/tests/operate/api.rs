//! Talking to the admin API as an operator's tool does.

use crate::world::{Answer, World};
use serde_json::Value;
use std::fmt::Write as _;
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

pub(crate) const TOKEN: &str = "an-admin-token-of-some-length";
const STORE_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// A scheme of one's own, with a challenge that hands a secret over.
pub(crate) const SCHEME: &str = r#"mode = "hmac"
hmac = { algorithm = "sha256", signed_template = "{body}", signature_source = { header = "x-acme-signature", encoding = "hex" }, key = { forms = [{ decode = "text" }] } }
handshake = [{ kind = "learn", when = [{ value = "{header:x-acme-secret}", present = true }], secret = "{header:x-acme-secret}", answer = { status = 200 } }]
"#;

/// A source of that, at `/in/hook`.
pub(crate) fn hook() -> String {
    format!("[[source]]\npath = \"/in/hook\"\nname = \"hook\"\nsecrets = \"managed\"\n{SCHEME}")
}

/// A gateway with an admin API, a store that keeps secrets, and these sources.
pub(crate) fn gateway(sources: &str) -> World {
    World::prepared(
        // Who asks again and again until a change is in use fails often before it is.
        "junk = \"off\"",
        &[("store.txt", STORE_KEY)],
        &format!(
            "key = {{ file = \"store.txt\" }}\n[admin]\nlisten = \"127.0.0.1:0\"\ntoken = {{ file = \"admin.txt\" }}\n{sources}"
        ),
    )
}

/// Ask, with the token.
pub(crate) fn call(world: &World, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
    let answer = ask(world, method, path, Some(TOKEN), body);
    let json = serde_json::from_slice(&answer.body);
    (
        answer.status,
        json.unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&answer.body).into_owned())),
    )
}

/// Ask, and expect it to be done.
#[track_caller]
pub(crate) fn done(world: &World, method: &str, path: &str, body: Option<&Value>) -> Value {
    let (status, json) = call(world, method, path, body);
    assert_eq!(status, 200, "{method} {path}: {json:#}");
    json
}

pub(crate) fn ask(
    world: &World,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: Option<&Value>,
) -> Answer {
    let body = body.map(|body| serde_json::to_vec(body).unwrap()).unwrap_or_default();
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: admin\r\ncontent-length: {}\r\n", body.len());
    if let Some(token) = token {
        write!(head, "authorization: Bearer {token}\r\n").unwrap();
    }
    let mut stream = TcpStream::connect(world.admin.unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(&[head.as_bytes(), b"\r\n", &body].concat()).unwrap();
    Answer::read(&mut stream)
}

/// Until it is so: a gateway takes a change of the store within a second or so.
#[track_caller]
pub(crate) fn until(what: &str, so: impl Fn() -> bool) {
    for _ in 0..1200 {
        if so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    panic!("not within half a minute: {what}")
}
