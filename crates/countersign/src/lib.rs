//! countersign verifies who sent a webhook. One engine; every provider is data.
//!
//! A *preset* (TOML) says how a provider signs. A *mode* is a way of proving it. This crate is the engine: it does no
//! IO, reads no clock, knows no provider and contains no `unsafe`. What it needs of the world it is told.
//!
//! ```text
//!  Preset ──compile──▶ Compiled ──keys──▶ Verifier ──request──▶ Outcome
//!  data      │         executable   │     holds keys    │        Verified · Rejected · Unresolved
//!       ConfigErrors            KeyError            Rejection
//! ```
//!
//! A bad preset and a bad key are found before the first request, never during one.
//!
//! ```
//! use countersign::{Context, Head, Keyring, Registry, Request, Timestamp, Vars};
//!
//! let mut registry = Registry::new();
//! registry.add_preset("acme.toml", r#"
//!     schema = 1
//!     name = "acme"
//!     mode = "hmac"
//!     [hmac]
//!     algorithm = "sha256"
//!     signed_template = "{body}"
//!     signature_source = { header = "x-acme-signature", encoding = "hex" }
//!     key = { forms = [{ decode = "text" }] }
//! "#)?;
//! let keys = Keyring::of("It's a Secret to Everybody")?;
//! let verifier = registry.named("acme")?.verifier("billing", &keys, &Vars::new())?;
//!
//! let headers = [("x-acme-signature", "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17")];
//! let request = Request::new(Head::new("POST", "https://example.com/hook", &headers), b"Hello, World!");
//! let verified = verifier.verify(&request, &Context::at(Timestamp::from_unix(1_700_000_000))).into_verified()?;
//! assert_eq!(verified.body(), b"Hello, World!");
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! Where next: [`Verified::accept`] keeps a request from being accepted twice; [`Verifier::begin`] judges a body as it
//! arrives; [`Compiled::signer`] makes what it verifies; [`Mode`] and [`template::Primitive`] are what a new mode
//! implements.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod config;
pub mod ct;
mod handshake;
mod hmac;
mod keys;
mod message;
mod mode;
mod outcome;
mod preset;
#[cfg(test)]
mod reference;
mod registry;
mod replay;
mod request;
mod time;
mod verifier;

/// Modes that sign a template, and the grammar of presets for modes of any shape.
pub mod template {
    pub use crate::message::DETAILS;
    pub use crate::message::forms::KeyForms;
    pub use crate::message::grammar::{Address, Claims, Grammar, Message, Parameter, Places, Rules};
    pub use crate::message::pattern::Pattern;
    pub use crate::message::scope::Scope;
    pub use crate::message::template::{Find, Finder, FoundKey, Primitive, TemplateMode};
    pub use crate::message::value::Value;
}

pub use config::{ConfigCode, ConfigError, ConfigErrors, Layer, Sources};
pub use handshake::{Answer, HandshakeKind, MAX_CHALLENGE};
#[cfg(feature = "announce")]
pub use inventory;
pub use keys::{
    Document, Key, KeyCache, KeyError, KeyId, KeyIndex, KeyKind, KeyRequest, KeySet, Keyring, MAX_KEYS,
    MAX_SECRET, Memo, RequestKind, Secret, Vars, Window,
};
pub use mode::{
    Alphabet, BodyNeed, Change, Check, Context, DetailInfo, Draft, Evidence, Explain, Hypothesis, Mark,
    MarkPlace, Mode, ModeInfo, Needs, Progress, Refusal, Scheme, Sign, SignedBy, Status, Step,
};
pub use outcome::{
    Accepted, Binds, Class, Detail, Fingerprints, Outcome, Reason, Rejection, Unaccepted, Verified, danger,
};
pub use preset::{Freshness, ModeConfig, Preset, SCHEMA, Var};
#[cfg(feature = "announce")]
pub use registry::Announced;
pub use registry::{Compiled, Registry};
pub use replay::{Claim, MemoryGuard, Replay, ReplayBy, ReplayGuard, ReplayKey};
pub use request::{Found, Head, HeadBuf, HeaderName, Headers, Request};
pub use time::{Clock, TimeFormat, TimeFormats, Timestamp, Tolerance};
pub use verifier::{
    CORE_DETAILS, Event, Finish, MAX_FETCHES, Signed, Signer, Stream, Verifier, Waiting, drive,
};
