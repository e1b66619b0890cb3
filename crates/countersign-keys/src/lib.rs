//! Public keys and signatures, for the modes that have them: read strictly, made ready once, judged.
//!
//! ECDSA, RSA and HMAC are `aws-lc-rs`'s, Ed25519 is `ed25519-dalek`'s. Nothing here says whether a request is authentic:
//! windows of keys, freshness and replay are the core's, and what a signature covers is the mode's.
//!
//! ```
//! use countersign_keys::{Algorithm, PublicKey, Rules};
//!
//! let key = PublicKey::read(b"-----BEGIN PUBLIC KEY-----
//! MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
//! -----END PUBLIC KEY-----")?;
//! let ed25519 = Algorithm::from_word("ed25519").unwrap();
//! let verifying = key.prepare(ed25519, Rules::default())?;
//! let content = verifying.content(&[b"never", b" signed"]);
//! assert!(!verifying.verify(&content, &[0; 64]));
//! # Ok::<_, countersign::KeyError>(())
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod algorithm;
#[cfg(feature = "x509")]
pub mod chain;
mod der;
mod finding;
mod json;
mod jwk;
mod jwks;
mod material;
mod pem;
mod public;
#[cfg(feature = "x509")]
mod recent;
pub mod remote;
mod sign;
mod signatures;
mod verify;

pub use algorithm::{Algorithm, Curve, Family};
pub use finding::{Offered, ReadFinder};
pub use jwks::{Found, Jwks, MAX_JWKS, MAX_JWKS_KEYS, NamedKey, NoJwks};
pub use public::{PublicKey, Rules};
pub use sign::Signing;
pub use signatures::{SignatureKey, Signatures, WEAK_KEY};
pub use verify::{Content, Hashing, Verifying};
