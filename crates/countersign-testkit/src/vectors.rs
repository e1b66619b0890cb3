//! Vectors: deliveries with what must be said of them, in TOML or JSON of one schema.
//!
//! Read through the same [`Reader`](countersign::config::Reader) as presets, so that a mistake is told with its line and all mistakes are told at
//! once. JSON is first rewritten as TOML, and complaints about it show the rewritten line: one reader, one set of
//! messages, at the price of a line that the author has to recognise.

mod json;
mod read;

use crate::answers::Answers;
use countersign::config::{Complaints, ConfigCode, ConfigError, ConfigErrors, Layer, Location, Sources};
use countersign::{Binds, Key, KeyError, KeyId, KeyKind, Keyring, Reason, Secret, Timestamp, Vars, Window};
use read::Reading;
use std::fmt;
use std::sync::Arc;

/// The present of a case that does not say when it happens: 2026-01-01T00:00:00Z.
pub const DEFAULT_NOW: Timestamp = Timestamp::from_unix(1_767_225_600);

/// The URL of a case that does not say where it goes.
pub const DEFAULT_URL: &str = "https://example.com/webhook";

/// One file of vectors.
#[derive(Clone, Debug)]
pub struct VectorFile {
    /// The name it was read under.
    pub name: Arc<str>,

    /// The preset of the cases that name none.
    pub preset: Option<Arc<str>>,

    /// Every case with its `like` resolved, in the order of the file.
    pub cases: Vec<Case>,
}

/// One delivery and what must be said of it.
#[derive(Clone, Debug)]
pub struct Case {
    /// Unique in its file.
    pub name: Arc<str>,

    /// Where in the file it stands.
    pub at: Location,

    /// Who says that this is right.
    pub source: CaseSource,

    /// Where exactly it was found.
    pub origin: Option<Arc<str>>,

    /// The preset that judges it.
    pub preset: Arc<str>,

    /// What is laid over the preset.
    pub overrides: Option<Layer>,

    /// The variables that the source gives.
    pub vars: Vars,

    /// The source's secrets.
    pub secrets: Vec<SecretSpec>,

    /// Fetched documents by URL or name.
    pub documents: Vec<(Arc<str>, Arc<str>)>,

    /// The present.
    pub now: Timestamp,

    /// What arrives.
    pub request: Delivery,

    /// What must be said of it.
    pub expect: Expect,

    /// What must be answered.
    pub answers: Answers,

    /// The key that must be named, if it verifies.
    pub key_id: Option<Arc<str>>,

    /// The message id that must be named, if it verifies.
    pub message_id: Option<Arc<str>>,

    /// The signed time that must be named, if it verifies; compared to the second when it is a whole one.
    pub signed_at: Option<Timestamp>,

    /// What must be bound at least, if it verifies. The one way to say that a preset must sign the body: a preset that
    /// forgets to also forgets to claim it.
    pub binds: Binds,

    /// What the provider's own code answers, where that differs.
    pub provider_says: Option<Arc<str>>,

    /// Why the answer is right, where that is not plain.
    pub why: Option<Arc<str>>,

    /// Why no mutants are to be made of it; `None`: they are.
    pub without_mutants: Option<Arc<str>>,
}

/// A request that owns its parts.
#[derive(Clone, Default)]
pub struct Delivery {
    /// In upper case.
    pub method: String,

    /// The absolute URL as the receiver publishes it.
    pub url: String,

    /// In wire order.
    pub headers: Vec<(String, Vec<u8>)>,

    /// Every byte.
    pub body: Vec<u8>,
}

/// Prints neither URL, header nor body: each may hold a signature.
impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").field("method", &self.method).finish_non_exhaustive()
    }
}

/// Who says that a case is right.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum CaseSource {
    /// The provider's documentation.
    ProviderDocs,

    /// The provider's own code or its tests.
    ProviderSdk,

    /// A real delivery.
    Captured,

    /// Somebody else's code.
    OtherImplementation,

    /// A script that knows the same facts: consistent, not proven.
    Generated,
}

impl CaseSource {
    /// Every source and its word.
    pub const WORDS: [(&'static str, Self); 5] = [
        ("provider-docs", Self::ProviderDocs),
        ("provider-sdk", Self::ProviderSdk),
        ("captured", Self::Captured),
        ("other-implementation", Self::OtherImplementation),
        ("generated", Self::Generated),
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        Self::WORDS[self as usize].0
    }

    /// Whether it comes from outside this project, and so proves more than that we agree with ourselves.
    pub fn is_proof(self) -> bool {
        self != Self::Generated
    }
}

/// What must be said of a case.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Expect {
    /// It verifies.
    Ok,

    /// It is refused for this reason.
    Reason(Reason),

    /// It is an unsigned challenge, and is answered before anything is verified.
    Handshake,

    /// Its keys will not do.
    KeyError,

    /// Its preset with its overrides will not do.
    ConfigError,
}

impl Expect {
    /// The code, as in the file and as in [`Outcome::code`](countersign::Outcome::code).
    pub fn code(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Reason(reason) => reason.code(),
            Self::Handshake => "handshake",
            Self::KeyError => "key_error",
            Self::ConfigError => "config_error",
        }
    }

    pub(crate) fn all() -> impl Iterator<Item = Self> {
        [Self::Ok, Self::Handshake, Self::KeyError, Self::ConfigError]
            .into_iter()
            .chain(Reason::ALL.iter().map(|reason| Self::Reason(*reason)))
    }
}

/// One secret of a case. Published test secrets only.
#[derive(Clone)]
pub struct SecretSpec {
    /// Its name.
    pub id: Arc<str>,

    /// As the operator would write it.
    pub value: Arc<str>,

    /// Its part, where the preset gives several.
    pub role: Option<Arc<str>>,

    /// When it may be used.
    pub window: Window,
}

/// Prints the name only.
impl fmt::Debug for SecretSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretSpec").field("id", &self.id).finish_non_exhaustive()
    }
}

impl SecretSpec {
    /// All of them as one ring, as keys of one kind: see [`Needs::key_kind`](countersign::Needs::key_kind).
    ///
    /// # Errors
    /// One is no secret, or a name occurs twice.
    pub fn ring(specs: &[SecretSpec], kind: KeyKind) -> Result<Keyring, KeyError> {
        let mut ring = Keyring::new();
        for SecretSpec { id, value, role, window } in specs {
            let id = KeyId::new(id.clone());
            let material = Secret::new(value.as_bytes()).map_err(|error| error.key(&id))?;
            let mut key = Key::new(id, kind, material);
            key.role = role.clone();
            key.window = *window;
            ring.add(key)?;
        }
        Ok(ring)
    }
}

/// What is wrong with a file of vectors, and its text, so that the lines can be shown.
#[derive(Debug)]
pub struct VectorErrors {
    /// Every mistake.
    pub errors: ConfigErrors,

    /// The text they are in.
    pub sources: Sources,
}

impl fmt::Display for VectorErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.errors.render(&self.sources))
    }
}

impl std::error::Error for VectorErrors {}

impl VectorFile {
    /// Reads a file: as JSON if its first character is `{`, else as TOML.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place.
    pub fn parse(name: impl Into<Arc<str>>, text: &str) -> Result<Self, VectorErrors> {
        let name = name.into();
        let mut sources = Sources::new();
        let parsed = if text.trim_start().starts_with('{') {
            json::to_toml(text).map(|toml| sources.add(format!("{name} (rewritten as TOML)"), toml)).map_err(
                |message| {
                    ConfigErrors::from(ConfigError::new(
                        ConfigCode::MalformedConfig,
                        format!("{name}: {message}"),
                    ))
                },
            )
        } else {
            Ok(sources.add(name.clone(), text))
        };
        let read = parsed.and_then(|file| {
            let layer = Layer::parse(&sources, file)?;
            Reading { sources: &sources, complaints: Complaints::new() }.file(name, &layer)
        });
        read.map_err(|errors| VectorErrors { errors, sources })
    }

    /// The case of this name.
    pub fn case(&self, name: &str) -> Option<&Case> {
        self.cases.iter().find(|case| *case.name == *name)
    }
}
