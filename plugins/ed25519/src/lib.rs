//! The `ed25519` mode: Ed25519 (RFC 8032) over a template.
//!
//! `ed25519` signs the content itself, and so has to keep all of it; `ed25519ph` signs its SHA-512. Neither takes the
//! other's signatures. Verification is strict: a key of small order, a key or an `S` that is not spelled canonically, and
//! every other way of having two signatures for one content are refused. Keys are raw (hex, base64), PEM or JWK.
//!
//! ```
//! use countersign::{Context, Head, Key, KeyId, KeyKind, Keyring, Registry, Request, Secret, Timestamp, Vars};
//!
//! let mut registry = Registry::new();
//! registry.register(countersign_ed25519::mode())?.add_preset("acme.toml", r#"
//!     schema = 1
//!     name = "acme"
//!     mode = "ed25519"
//!     [ed25519]
//!     algorithm = "ed25519"
//!     signed_template = "{body}"
//!     signature_source = { header = "x-signature", encoding = "hex" }
//!     key = { forms = [{ decode = "hex" }] }
//! "#)?;
//! // The second test of RFC 8032, section 7.1: its content is one letter.
//! let public = Secret::new(*b"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")?;
//! let mut keys = Keyring::new();
//! keys.add(Key::new(KeyId::new("rfc"), KeyKind::Public, public))?;
//! let verifier = registry.named("acme")?.verifier("hooks", &keys, &Vars::new())?;
//! let headers = [("x-signature", "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
//!                                 085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")];
//! let request = Request::new(Head::new("POST", "https://example.com/hook", &headers), b"r");
//! assert!(verifier.verify(&request, &Context::at(Timestamp::from_unix(0))).into_verified().is_ok());
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

use countersign::template::TemplateMode;
use countersign::{Announced, Mode, ModeInfo, Status, inventory};
use countersign_keys::Signatures;
use std::sync::Arc;

/// The mode, for hosts that register it by hand.
pub fn mode() -> Arc<dyn Mode> {
    Arc::new(TemplateMode::new(INFO, Signatures::new(ALGORITHMS)))
}

const ALGORITHMS: &[&str] = &["ed25519", "ed25519ph"];

const INFO: ModeInfo = ModeInfo::new(
    "ed25519",
    "Ed25519 over a template",
    r#"algorithm = "ed25519"
signed_template = "{body}"
signature_source = { header = "x-signature", encoding = "hex" }
key = { forms = [{ decode = "hex" }] }
"#,
    &[],
    Status::Stable,
);

inventory::submit!(Announced::Mode(mode));
