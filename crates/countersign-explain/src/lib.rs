//! Why a signature failed, proven by trial.
//!
//! A refused request, the source that refused it, and a budget go in; a [`Diagnosis`] comes out. Whatever may have gone wrong on
//! either side (a newline in the secret, a body that a framework wrote anew, a proxy's URL) is a *deviation*, and every
//! deviation is tried: one at a time, then two, then three. A signature that fits is a proof, for a wrong guess cannot fit a MAC.
//!
//! Nothing here is for deciding: a request is accepted by a [`Verifier`](countersign::Verifier) and by nothing else. Explaining
//! is slow and candid, and belongs behind a terminal or an administrator's door. What the right signature would have been
//! is never told, nor is any byte of a secret: no type here has a place for either.
//!
//! ```
//! use countersign::{Draft, Head, Keyring, Request, Timestamp, Vars};
//! use countersign_explain::{Asked, Source, explain};
//!
//! let mut registry = countersign::Registry::new();
//! registry.add_preset("acme.toml", r#"
//!     schema = 1
//!     name = "acme"
//!     mode = "hmac"
//!     [hmac]
//!     algorithm = "sha256"
//!     signed_template = "{body}"
//!     signature_source = { header = "x-signature", encoding = "hex" }
//!     key = { forms = [{ decode = "text" }] }
//! "#)?;
//!
//! // The sender signs with the secret. Yours was read from a file, and its newline with it.
//! let preset = registry.resolve("acme", None)?;
//! let vars = Vars::new();
//! let signer = registry.named("acme")?.signer(&Keyring::of("correct horse battery staple")?, &vars)?;
//! let (now, url) = (Timestamp::from_unix(1_700_000_000), "https://example.com/hook");
//! let signed = signer.sign(&Draft::new("evt_1", now, url, br#"{"a":1}"#))?;
//!
//! let keys = Keyring::of("correct horse battery staple\n")?;
//! let headers: Vec<(&str, &[u8])> = signed.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
//! let source = Source { name: "acme", preset: &preset, keys: &keys, vars: &vars };
//! let request = Request::new(Head::new("POST", url, &headers), br#"{"a":1}"#);
//! let diagnosis = explain(&Asked::new(&registry, source, &request, now));
//! assert_eq!(diagnosis.cause[0].code, "secret/trailing-newline");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod capture;

mod asked;
mod atoms;
mod body;
mod candidates;
mod deviation;
mod diagnosis;
mod form;
mod head;
mod infer;
mod json;
mod layers;
mod read;
mod schemes;
mod search;
mod secret;
mod text;
mod trial;

pub use asked::{Asked, Budget, Known, Source};
pub use diagnosis::{Diagnosis, Effort, Finding, KeyShown, Piece, Proof, State};
pub use infer::{Deliveries, Explanation, Inferred, infer};
pub use trial::explain;
