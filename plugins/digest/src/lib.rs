//! The `digest` mode: a plain hash over content that holds the secret.
//!
//! Some thirty providers, most of them of payments, hash the secret together with what they send, where others use HMAC.
//! That is weaker, and [`Needs::notes`](countersign::Needs) say so to whoever takes such a source: no proof stands behind it,
//! MD5 and SHA-1 collide, and where the secret comes first, whoever has seen a hash can go on with it. What can be done about
//! it is done here:
//!
//! - A template without the secret in it, or with a part of it, is refused: anybody could make such content.
//! - Content with a NUL byte never verifies and is never signed. To go on with a hash means to put its padding into the
//!   content, and the padding of MD5 and the SHAs has one for every content of less than 2⁵⁶ bits.
//!
//! The whole grammar of templates is there; `{secret}` may stand in it without `secret_in_content`. Nested hashes are filters:
//! `{secret|md5|hex}`, or a part that holds the secret and is hashed in its turn.
//!
//! ```
//! use countersign::{Context, Head, Keyring, Registry, Request, Timestamp, Vars};
//!
//! let mut registry = Registry::new();
//! registry.register(countersign_digest::mode())?.add_preset("acme.toml", r#"
//!     schema = 1
//!     name = "acme"
//!     mode = "digest"
//!     [digest]
//!     algorithm = "sha256"
//!     signed_template = "{secret}{body}"
//!     signature_source = { header = "x-signature", encoding = "hex" }
//!     key = { forms = [{ decode = "text" }] }
//! "#)?;
//! let verifier = registry.named("acme")?.verifier("hooks", &Keyring::of("s3cr3t")?, &Vars::new())?;
//! // printf 's3cr3t{}' | sha256sum
//! let headers = [("x-signature", "d35e522d6eac10e1683ccc6b8f03e34c243936ea60773b13f6213725f8f1a001")];
//! let request = Request::new(Head::new("POST", "https://example.com/hook", &headers), b"{}");
//! let verified = verifier.verify(&request, &Context::at(Timestamp::from_unix(0))).into_verified()?;
//! assert_eq!(verified.binds().words().collect::<Vec<_>>(), ["body"]);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

use countersign::template::{Primitive, TemplateMode};
use countersign::{Announced, KeyError, KeyKind, Mode, ModeInfo, Status, ct, inventory};
use sha2::Digest;
use std::sync::Arc;

/// The mode, for hosts that register it by hand.
pub fn mode() -> Arc<dyn Mode> {
    Arc::new(TemplateMode::new(INFO, Hash))
}

const INFO: ModeInfo = ModeInfo::new(
    "digest",
    "a plain hash over content that holds the secret; weaker than hmac",
    r#"algorithm = "sha256"
signed_template = "{body}{secret}"
signature_source = { header = "x-signature", encoding = "hex" }
key = { forms = [{ decode = "text" }] }
"#,
    &[],
    Status::Stable,
);

inventory::submit!(Announced::Mode(mode));

struct Hash;

const ALGORITHMS: [&str; 6] = ["sha256", "sha384", "sha512", "sha1", "md5", "keccak256"];

/// Content on its way through a hash.
enum State {
    Sha256(sha2::Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
    Sha1(sha1::Sha1),
    Md5(md5::Md5),
    Keccak256(sha3::Keccak256),
}

/// A hash in the making, and whether a NUL byte was in the content.
struct Hashing {
    state: State,
    nul: bool,
}

/// A finished hash.
struct Made {
    bytes: [u8; 64],
    len: usize,
    nul: bool,
}

impl Made {
    fn of(hash: &[u8], nul: bool) -> Self {
        let mut bytes = [0; 64];
        bytes[..hash.len()].copy_from_slice(hash);
        Made { bytes, len: hash.len(), nul }
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl Primitive for Hash {
    /// Which hash: the secret itself comes as content.
    type Key = usize;
    type State = Hashing;
    type Tag = Made;

    fn algorithms(&self) -> &'static [&'static str] {
        &ALGORITHMS
    }

    fn key(&self, algorithm: usize, _: KeyKind, bytes: &[u8]) -> Result<usize, KeyError> {
        match bytes {
            [] => Err(KeyError::new("the secret is empty: anyone could sign")),
            _ if bytes.contains(&0) => Err(KeyError::new(
                "the secret has a NUL byte, and no content with one is taken: see `key.forms`",
            )),
            _ => Ok(algorithm),
        }
    }

    fn start(&self, algorithm: &usize) -> Hashing {
        let state = match ALGORITHMS[*algorithm] {
            "sha384" => State::Sha384(sha2::Sha384::new()),
            "sha512" => State::Sha512(sha2::Sha512::new()),
            "sha1" => State::Sha1(sha1::Sha1::new()),
            "md5" => State::Md5(md5::Md5::new()),
            "keccak256" => State::Keccak256(sha3::Keccak256::new()),
            _ => State::Sha256(sha2::Sha256::new()),
        };
        Hashing { state, nul: false }
    }

    fn update(&self, hashing: &mut Hashing, piece: &[u8]) {
        hashing.nul |= piece.contains(&0);
        match &mut hashing.state {
            State::Sha256(state) => state.update(piece),
            State::Sha384(state) => state.update(piece),
            State::Sha512(state) => state.update(piece),
            State::Sha1(state) => state.update(piece),
            State::Md5(state) => state.update(piece),
            State::Keccak256(state) => state.update(piece),
        }
    }

    fn finish(&self, Hashing { state, nul }: Hashing) -> Made {
        match state {
            State::Sha256(state) => Made::of(&state.finalize(), nul),
            State::Sha384(state) => Made::of(&state.finalize(), nul),
            State::Sha512(state) => Made::of(&state.finalize(), nul),
            State::Sha1(state) => Made::of(&state.finalize(), nul),
            State::Md5(state) => Made::of(&state.finalize(), nul),
            State::Keccak256(state) => Made::of(&state.finalize(), nul),
        }
    }

    fn matches(&self, _: &usize, made: &Made, signature: &[u8]) -> bool {
        ct::equal(made.bytes(), signature) & !made.nul
    }

    fn fingerprint(&self, made: &Made) -> [u8; 32] {
        // Shorter hashes have zeros behind them.
        *made.bytes.first_chunk().unwrap_or(&[0; 32])
    }

    fn sign(&self, _: &usize, made: &Made) -> Option<Vec<u8>> {
        (!made.nul).then(|| made.bytes().to_vec())
    }

    fn secret_in_content(&self) -> bool {
        true
    }

    fn note(&self, algorithm: usize) -> Option<&'static str> {
        Some(match ALGORITHMS[algorithm] {
            "md5" => {
                "weaker than HMAC: a plain MD5 over content that holds the secret. Fetch what matters from the provider before acting on it"
            }
            "sha1" => {
                "weaker than HMAC: a plain SHA-1 over content that holds the secret. Fetch what matters from the provider before acting on it"
            }
            _ => "weaker than HMAC: a plain hash over content that holds the secret",
        })
    }
}
