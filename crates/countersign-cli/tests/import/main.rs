//! `countersign import`: real files in, and what a gateway would read out. What was imported is tried with requests that a small
//! signer of these tests makes, by what each older shape meant, and not by our own.

#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod files;
mod mistakes;
mod shapes;

use common::{Folder, Ran, run};
use countersign::{Context, Head, Outcome, Request, Timestamp};
use countersign_gateway::config::{Config, Modules, Source};
use countersign_gateway::secrets::Outside;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const NOW: i64 = 1_700_000_000;
const BODY: &[u8] = br#"{"type":"invoice.paid"}"#;

/// No output and no configuration may have this in it.
const MARK: &str = "hunter2";
const TOKEN: &str = "hunter2-the-token-0123456789";
const SECRET: &str = "hunter2-the-secret-0123456789";
const OLD_SECRET: &str = "hunter2-the-old-secret-012345";

const BEARER: &str =
    r#"{"path": "/hooks/deploy", "auth": {"type": "bearer", "token": "hunter2-the-token-0123456789"}}"#;
const HMAC: &str = r#"{"path": "/hooks/acme", "auth": {"type": "hmac_sha256", "header": "X-Acme-Mac", "format": "sha256=hex",
  "secret": "hunter2-the-secret-0123456789"}}"#;
const BLOCK: &str = r#"{"path": "/hooks/block",
  "webhook_auth": {"mode": "hmac", "algorithm": "sha256", "header": "X-Block-Signature", "encoding": "hex", "prefix": "v1=",
    "template": "{timestamp}.{body}", "timestamp_header": "X-Block-Time", "tolerance": 120},
  "webhook_secrets": [
    {"id": "2025", "value": "hunter2-the-old-secret-012345", "status": "previous", "not_after": "2023-12-01T00:00:00Z"},
    {"id": "2026", "value": "hunter2-the-secret-0123456789", "status": "current"}]}"#;
const PRESET: &str = r#"{"name": "payments", "path": "/hooks/payments",
  "webhookAuth": {"preset": "stripe", "overrides": {"tolerance": 60}},
  "webhookSecrets": [{"id": "main", "value": "hunter2-the-secret-0123456789"}]}"#;

struct World {
    folder: Folder,
}

impl World {
    fn new() -> Self {
        World { folder: Folder::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn config(&self) -> PathBuf {
        self.path("countersign.toml")
    }

    /// Import a text, with options. Whatever comes of it, nothing that is printed or configured holds a secret.
    fn import(&self, json: &str, options: &[&str]) -> Ran {
        let file = self.folder.file("old.json", json);
        let config = self.config();
        let out: &[&str] =
            if options.contains(&"--out") { &[] } else { &["--config", config.to_str().unwrap()] };
        let ran = run(&[&["import", &*file], out, options].concat());
        assert!(!ran.out.contains(MARK) && !ran.err.contains(MARK), "{}{}", ran.out, ran.err);
        if config.exists() {
            assert!(!self.toml().contains(MARK), "{}", self.toml());
        }
        ran
    }

    fn toml(&self) -> String {
        std::fs::read_to_string(self.config()).unwrap()
    }

    fn source(&self, name: &str) -> Arc<Source> {
        let loaded =
            Config::read(&self.config(), &mut Modules::new()).unwrap_or_else(|refused| panic!("{refused}"));
        loaded
            .config
            .sources
            .iter()
            .find(|source| *source.name == *name)
            .unwrap_or_else(|| panic!("{name}"))
            .clone()
    }

    /// What the source says of a request, its secrets read from where they are now.
    fn verdict(&self, source: &str, headers: &[(&str, &str)], body: &[u8], now: i64) -> Result<(), String> {
        let source = self.source(source);
        let secrets = source.read_secrets(&Outside::system(), true).unwrap();
        let verifier = source.compiled.verifier("test", &secrets.keys, &secrets.vars).unwrap();
        let head = Head::new("POST", "https://hooks.example.com/in", &headers);
        match verifier.verify(&Request::new(head, body), &Context::at(Timestamp::from_unix(now))) {
            Outcome::Verified(_) => Ok(()),
            Outcome::Rejected(rejection) => Err(rejection.reason.to_string()),
            other => panic!("{other:?}"),
        }
    }
}

/// HMAC-SHA256, as every sender's library has it.
fn mac(secret: &str, parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn files(folder: &Path) -> Vec<String> {
    let all = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = all.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
