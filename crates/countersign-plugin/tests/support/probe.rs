//! The mode of `modules/broken.c`, and what it is asked.

use super::{build, spec};
use countersign::{
    Context, Document, Head, KeyCache, Keyring, Outcome, Registry, Request, RequestKind, Timestamp, Vars,
    Verifier,
};
use countersign_plugin::host::{Loader, Module, Spec};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

pub(crate) const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/modules/broken.c");
pub(crate) const TEXT: &str = include_str!("../modules/broken.c");

/// The key. Its base64 and its base64url differ.
pub(crate) const SECRET: &[u8] = b"made-up?>secret~~of?>these>>tests";

pub(crate) const NOW: Timestamp = Timestamp::from_unix(1_767_225_600);

/// A body and its signature.
pub(crate) type Signed = (&'static [u8], &'static str);

// All by Python's hmac module.
pub(crate) const GOOD: Signed =
    (b"{\"type\":\"note.written\"}", "7c28aafc016c7f6d1d950d3a80b555347987ff223358dc236e810d511631c0a1");
pub(crate) const OTHER: Signed =
    (b"{\"type\":\"note.removed\"}", "a31def220d679ecc5ffbc50b1290794d667ea5b3ebfc6d5929a59d52c5eedf1c");
pub(crate) const HANG: Signed = (b"hang", "d5c603ab3602c548a277522822e55daec8dc4a5e42ed30559d29466d18829c1a");
pub(crate) const BOOM: Signed = (b"boom", "8d45dfea0ba47e13c54c8c0107a5562af90b712e10ce427cd201fa4062ea6edd");
/// Signed by nobody.
pub(crate) const BAD: Signed = (GOOD.0, "0000000000000000000000000000000000000000000000000000000000000000");

/// The module with this switch, or the good one without any.
pub(crate) fn built(folder: &TempDir, switch: &str) -> PathBuf {
    let path = folder.path().join(format!("{}.so", if switch.is_empty() { "good" } else { switch }));
    let defined = format!("-D{switch}");
    let switches: &[&str] = if switch.is_empty() { &[] } else { &[&defined] };
    build(Path::new(SOURCE), switches, &path);
    path
}

/// A module, and a registry with what it brings.
pub(crate) struct Loaded {
    pub(crate) module: Module,
    pub(crate) registry: Registry,
}

impl Loaded {
    pub(crate) fn of(spec: &Spec) -> Self {
        let module = Loader::new().load(spec).unwrap_or_else(|error| panic!("{error}"));
        let mut registry = Registry::new();
        module
            .register(&mut registry)
            .unwrap_or_else(|errors| panic!("{}", errors.render(registry.sources())));
        Loaded { module, registry }
    }

    pub(crate) fn at(path: &Path) -> Self {
        Self::of(&spec(path))
    }

    /// With the key, or with none where the mode takes none.
    pub(crate) fn verifier(&self) -> Arc<Verifier> {
        let compiled = self.registry.named("probe");
        let compiled = compiled.unwrap_or_else(|errors| panic!("{}", errors.render(self.registry.sources())));
        compiled.verifier("tests", &ring(&compiled), &Vars::new()).unwrap_or_else(|error| panic!("{error}"))
    }
}

pub(crate) fn ring(compiled: &countersign::Compiled) -> Keyring {
    match compiled.needs().keys.is_empty() {
        true => Keyring::new(),
        false => Keyring::of(SECRET).unwrap_or_else(|error| panic!("{error}")),
    }
}

/// An answer in three texts: `ok`, `unresolved` or a reason; the detail's code; the detail's words, or what is wanted.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Answer {
    pub(crate) code: String,
    pub(crate) detail: String,
    pub(crate) says: String,
}

impl Answer {
    pub(crate) fn is(&self, code: &str, detail: &str) -> bool {
        (&*self.code, &*self.detail) == (code, detail)
    }
}

pub(crate) fn ask(verifier: &Verifier, signed: Signed) -> Answer {
    ask_with(verifier, signed, &())
}

pub(crate) fn ask_with(verifier: &Verifier, (body, signature): Signed, cache: &dyn KeyCache) -> Answer {
    let headers = [("Host", "hooks.example.com"), ("X-Probe", signature)];
    let request = Request::new(Head::new("POST", "https://hooks.example.com/in", &headers), body);
    let outcome = verifier.verify(&request, &Context::new(NOW, cache));
    let code = outcome.code().to_owned();
    let (detail, says) = match outcome {
        Outcome::Verified(_) => Default::default(),
        Outcome::Unresolved(wanted) => (format!("{:?}", wanted.kind), wanted.name.to_string()),
        Outcome::Rejected(rejection) => match rejection.detail {
            None => Default::default(),
            Some(detail) => (detail.code.into_owned(), detail.text.into_owned()),
        },
    };
    Answer { code, detail, says }
}

/// What has been fetched, and what was looked for.
#[derive(Default)]
pub(crate) struct Cache {
    held: BTreeMap<&'static str, &'static [u8]>,
    all: Option<&'static [u8]>,
    asked: Mutex<Vec<String>>,
}

impl Cache {
    pub(crate) fn of(held: &[(&'static str, &'static [u8])]) -> Self {
        Cache { held: held.iter().copied().collect(), ..Cache::default() }
    }

    /// It has whatever is asked for.
    pub(crate) fn of_all(document: &'static [u8]) -> Self {
        Cache { all: Some(document), ..Cache::default() }
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().map(|asked| asked.clone()).unwrap_or_default()
    }
}

impl KeyCache for Cache {
    fn get(&self, _: RequestKind, name: &str) -> Option<Document> {
        self.asked.lock().ok()?.push(name.to_owned());
        self.held.get(name).copied().or(self.all).map(|bytes| Document::new(bytes, NOW))
    }
}
