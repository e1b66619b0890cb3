//! The `public-key` mode: ECDSA and RSA over a template.
//!
//! The algorithm's word says all of it: curve or padding, hash, and how a signature is written down. ECDSA is DER unless the
//! word ends with `-p1363`, which is r||s of fixed width; RSA-PSS has a salt as long as its hash. What a request says of its
//! algorithm is not asked, unless the preset maps it.
//!
//! RSA keys have 2048 to 8192 bits and an exponent of at least 65537. A provider that has nothing better needs a word with
//! `-weak-key` behind: the preset spells it, and `preset show` says it to whoever relies on it. Such words, SHA-1 and some
//! pairs of curve and hash verify, and sign nothing.
//!
//! Keys are the operator's, or are fetched: a table `remote` in place of `key` says where from, as [`Remote`] reads it.
//!
//! [`Remote`]: countersign_keys::remote::Remote
//!
//! ```
//! let mut registry = countersign::Registry::new();
//! registry.register(countersign_public_key::mode())?.add_preset("acme.toml", r#"
//!     schema = 1
//!     name = "acme"
//!     mode = "public-key"
//!     [public-key]
//!     algorithm = "ecdsa-p256-sha256"
//!     signed_template = "{body}"
//!     signature_source = { header = "x-signature", encoding = "base64" }
//!     key = { forms = [{ decode = "pem" }, { decode = "base64" }] }
//! "#)?;
//! assert!(!registry.named("acme")?.needs().remote);
//! # Ok::<_, countersign::ConfigErrors>(())
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod remote;

use countersign::template::TemplateMode;
use countersign::{Announced, Mode, ModeInfo, Status, inventory};
use countersign_keys::Signatures;
use std::sync::Arc;

/// The mode, for hosts that register it by hand.
pub fn mode() -> Arc<dyn Mode> {
    Arc::new(TemplateMode::new(info(), Signatures::finding(ALGORITHMS, remote::finder)))
}

/// What the mode says of itself, and the details of fetching a key.
fn info() -> ModeInfo {
    let mut info = INFO;
    info.details.to_mut().extend_from_slice(countersign_keys::remote::DETAILS);
    info
}

const ALGORITHMS: &[&str] = &[
    "ecdsa-p256-sha256",
    "ecdsa-p256-sha256-p1363",
    "ecdsa-p256-sha384",
    "ecdsa-p256-sha512",
    "ecdsa-p384-sha256",
    "ecdsa-p384-sha384",
    "ecdsa-p384-sha384-p1363",
    "ecdsa-p384-sha512",
    "ecdsa-p521-sha512",
    "ecdsa-p521-sha512-p1363",
    "rsa-pkcs1-sha256",
    "rsa-pkcs1-sha384",
    "rsa-pkcs1-sha512",
    "rsa-pss-sha256",
    "rsa-pss-sha384",
    "rsa-pss-sha512",
    "rsa-pkcs1-sha1",
    "rsa-pkcs1-sha1-weak-key",
    "rsa-pkcs1-sha256-weak-key",
    "rsa-pkcs1-sha512-weak-key",
    "ecdsa-p256-sha1",
];

const INFO: ModeInfo = ModeInfo::new(
    "public-key",
    "ECDSA and RSA over a template",
    r#"algorithm = "ecdsa-p256-sha256"
signed_template = "{body}"
signature_source = { header = "x-signature", encoding = "base64" }
key = { forms = [{ decode = "pem" }] }
"#,
    remote::DETAILS,
    Status::Stable,
);

inventory::submit!(Announced::Mode(mode));
