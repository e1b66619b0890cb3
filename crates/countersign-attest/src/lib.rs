//! Events whose payload carries its proof, for pipelines in which the transport's signature does not reach the consumer.
//!
//! A projection of named JSON fields is signed: HMAC-SHA256, or Ed25519 with a key id that is the fingerprint of the public
//! key. What was covered and the signature travel as two properties of the event. The verifier checks them, takes away
//! whatever the sender wrote where the verdict goes, and stamps its own. The format is `docs/reference/attestation.md`.
//!
//! ```
//! use countersign::{Key, Keyring, Timestamp};
//! use countersign_attest::{Attester, Fields, Keys, Names, SigningKey, Verifier, read};
//!
//! let secret = "a secret of at least thirty-two bytes";
//! let names = Names::default();
//! let fields = Fields::new(["/id", "/data/amount"], &names)?;
//! let attester = Attester::new(SigningKey::read(&Key::shared("main", secret)?)?, fields.clone());
//!
//! let now = Timestamp::from_unix(1_767_225_600);
//! let event = serde_json::json!({ "id": "evt_1", "data": { "amount": 4200, "note": "anybody may change this" } });
//! let mut sent = attester.before_send(event, now);
//!
//! let verifier = Verifier::new(Keys::read(&Keyring::of(secret)?)?).require(fields);
//! let event = sent.as_object_mut().expect("it was an object");
//! let verified = verifier.stamp(event, now)?;
//! assert_eq!(verified.fields(), ["/data/amount", "/id"]);
//! assert_eq!(event["attestation_verdict"]["verified"], true);
//! # assert!(read(b"{}").is_ok());
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! **The one surprising decision: numbers other than integers are not signed, and neither is an integer past 2^53 − 1.**
//! Between a signer and its consumer stand programs that parse and print again, and they do not agree on what `1.0`, `1e0` and
//! `0.1` are, nor on `9007199254740993`. An amount of money is an integer of cents, or a text.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod attestation;
mod fields;
mod keys;
mod names;
mod project;
mod reason;
mod sign;
mod text;
mod verify;

pub use attestation::{Algorithm, MAX_KEY_ID, MAX_TIME, VERSION};
pub use fields::{FieldError, FieldErrors, Fields, MAX_FIELD, MAX_FIELDS};
pub use keys::{Keys, SigningKey};
pub use names::{MAX_NAME, Names, NamesError};
pub use project::{MAX_CONTENT, MAX_DEPTH, MAX_INTEGER, PREFIX};
pub use reason::{Reason, Refused};
pub use sign::Attester;
pub use text::{Malformed, print, read};
pub use verify::{Verified, Verifier};
