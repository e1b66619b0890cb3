//! The real command, run as a shell would run it.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A secret that fits every key form there is: text, hex, base64.
pub const SECRET: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// What a run left behind.
pub struct Ran {
    pub exit: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// Checked against an exit code; the rest is shown if it is another.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        let Ran { exit, out, err } = &self;
        assert_eq!(*exit, code, "stdout:\n{out}\nstderr:\n{err}");
        self
    }

    /// On stderr.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.err.contains(text), "{text:?} is not in:\n{}", self.err);
        self
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap()
    }
}

/// With nothing on standard input.
pub fn run(args: &[&str]) -> Ran {
    run_with(args, b"", &[])
}

pub fn run_with(args: &[&str], input: &[u8], env: &[(&str, &str)]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.args(args).envs(env.iter().copied()).env_remove("CLICOLOR_FORCE");
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that fails early does not read to the end.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    Ran {
        exit: output.status.code().unwrap(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A folder for files, gone afterwards.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Folder(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Write a file; readable by its owner alone.
    pub fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path: PathBuf = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        path.to_str().unwrap().into()
    }
}

/// A small scheme of nobody's: body and time under a text key.
pub const ACME: &str = r#"
schema = 1
name = "acme"
title = "Acme"
mode = "hmac"

[hmac]
algorithm = "sha256"
signed_template = "{timestamp}.{body}"
timestamp_source = { header = "acme-time", format = "unix" }
signature_source = { header = "acme-signature", encoding = "hex" }
key = { forms = [{ decode = "text" }] }
"#;

/// Signs the URL, and of the body nothing.
pub const URLS: &str = r#"
schema = 1
name = "urls"
mode = "hmac"

[hmac]
algorithm = "sha256"
signed_template = "{url}"
signature_source = { header = "acme-signature", encoding = "hex" }
key = { forms = [{ decode = "text" }] }
"#;

/// A folder that nobody else can write, as a module wants it: temporary ones mostly are in a folder for everybody.
pub fn trusted_folder(name: &str) -> tempfile::TempDir {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let places = [Some(PathBuf::from(env!("CARGO_TARGET_TMPDIR"))), home, Some("/root".into())];
    for place in places.into_iter().flatten() {
        let Ok(place) = place.canonicalize() else { continue };
        let Ok(folder) = tempfile::Builder::new().prefix(name).tempdir_in(&place) else { continue };
        let probe = folder.path().join("probe.so");
        std::fs::write(&probe, "no library").unwrap();
        if run(&["module", "check", probe.to_str().unwrap()]).err.contains("module/not-a-library") {
            return folder;
        }
    }
    panic!("nowhere here can a module be: check out where nobody else may write");
}
