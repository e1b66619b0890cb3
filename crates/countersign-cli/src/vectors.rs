//! A preset's two files as the command writes them: deliveries as cases, and nothing written over.

use crate::error::Failure;
use crate::scheme::quoted;
use countersign::{Binds, Compiled, Keyring, Timestamp};
use countersign_explain::capture::Capture;
use countersign_testkit::vectors::DEFAULT_URL;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::sync::Arc;

/// What arrives in a case.
pub(crate) struct Delivered {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) now: Timestamp,
    /// By id, as the operator writes them.
    pub(crate) secrets: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Delivered {
    /// One that was kept.
    pub(crate) fn new(
        capture: &Capture,
        url: String,
        now: Timestamp,
        ring: &Keyring,
    ) -> Result<Self, Failure> {
        let not_text = |what: &str| {
            Failure::config(format!("{what} is not UTF-8 text, and a vectors file is"))
                .next("write that case by hand, from one that was made up")
        };
        let text = |bytes: &[u8], what: &str| String::from_utf8(bytes.to_vec()).map_err(|_| not_text(what));
        let secrets = ring
            .iter()
            .map(|(_, key)| Ok((key.id.to_string(), text(key.material.expose(), "the secret")?)))
            .collect::<Result<_, Failure>>()?;
        // Where it went and how long it is, the case says without them.
        let kept =
            |name: &str| !["host", "content-length"].iter().any(|drop| name.eq_ignore_ascii_case(drop));
        let headers = capture.headers.iter().filter(|(name, _)| kept(name));
        let headers = headers
            .map(|(name, value)| Ok((name.clone(), text(value, &format!("the header `{name}`"))?)))
            .collect::<Result<_, Failure>>()?;
        let (method, body) = (capture.method.clone(), capture.body.clone());
        Ok(Delivered { method, url, now, secrets, headers, body })
    }
}

pub(crate) const BODY: &str = r#"{"event":"ping"}"#;
pub(crate) const OTHER_BODY: &str = r#"{"event":"pong"}"#;

pub(crate) fn case(
    out: &mut String,
    name: &str,
    source: &str,
    delivered: &Delivered,
    compiled: &Arc<Compiled>,
) {
    let Delivered { method, url, now, secrets, headers, body } = delivered;
    let _ = write!(out, "[[case]]\nname = \"{name}\"\nsource = \"{source}\"\nnow = {}\n", seconds(*now));
    if method != "POST" {
        let _ = writeln!(out, "method = {}", quoted(method));
    }
    if url != DEFAULT_URL {
        let _ = writeln!(out, "url = {}", quoted(url));
    }
    let secrets =
        secrets.iter().map(|(id, value)| format!("{{ id = {}, value = {} }}", quoted(id), quoted(value)));
    let _ = writeln!(out, "secrets = [{}]", secrets.collect::<Vec<_>>().join(", "));
    out.push_str("headers = [\n");
    for (name, value) in headers {
        let _ = writeln!(out, "  [{}, {}],", quoted(name), quoted(value));
    }
    out.push_str("]\n");
    let _ = match std::str::from_utf8(body) {
        Ok(text) if !text.contains(['\'', '\n', '\r']) => writeln!(out, "body = '{text}'"),
        Ok(text) => writeln!(out, "body = {}", quoted(text)),
        Err(_) => writeln!(out, "body_base64 = \"{}\"", base64_simd::STANDARD.encode_to_string(body)),
    };
    out.push_str("expect = \"ok\"\n");
    let binds: Vec<String> = compiled.needs().binds.words().map(|word| format!("\"{word}\"")).collect();
    if !binds.is_empty() {
        let _ = writeln!(out, "binds = [{}] # what a signature must cover", binds.join(", "));
    }
}

/// What must be refused. Further changes are made by `preset test` itself.
pub(crate) fn variants(out: &mut String, base: &str, delivered: &Delivered, compiled: &Arc<Compiled>) {
    if compiled.needs().binds.contains(Binds::BODY) {
        let body = if delivered.body == OTHER_BODY.as_bytes() { BODY } else { OTHER_BODY };
        let _ = write!(
            out,
            "\n[[case]]\nname = \"body-altered\"\nlike = \"{base}\" # the same, except:\nsource = \"generated\"\n\
             body = '{body}'\nexpect = \"bad_signature\"\n"
        );
    }
    if let Some(freshness) = compiled.freshness() {
        let past = i64::try_from(freshness.tolerance.past.as_secs()).unwrap_or(i64::MAX);
        let late = delivered.now.unix().saturating_add(past).saturating_add(1);
        let _ = write!(
            out,
            "\n[[case]]\nname = \"a-second-too-old\"\nlike = \"{base}\"\nsource = \"generated\"\n\
             now = {late}\nexpect = \"stale_timestamp\"\n"
        );
    }
}

fn seconds(at: Timestamp) -> String {
    at.unix().to_string()
}

pub(crate) fn taken(path: &Path) -> Failure {
    let path = path.display();
    Failure::usage(format!("`{path}` is there already, and nothing is ever written over")).next(format!(
        "choose another name or --dir, or remove it; to check it: countersign preset lint {path}"
    ))
}

/// Whether the file was written: one that is there stays as it is.
pub(crate) fn create(path: &Path, text: &str) -> Result<bool, Failure> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    match file.and_then(|mut file| file.write_all(text.as_bytes())) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => {
            let folder = path.parent().filter(|folder| !folder.is_dir() && *folder != Path::new(""));
            let failure = Failure::io("write", path, &error);
            Err(match folder {
                Some(folder) => failure.next(format!("mkdir -p {}", folder.display())),
                None => failure,
            })
        }
    }
}
