//! The `x509` mode: RSA and ECDSA over a template, under a certificate.
//!
//! The certificate comes with the message, or is fetched from where the message says. Neither makes it trusted: it has to
//! lead to a pinned anchor or to the roots of the web, be made out to a name that the preset gives, and be valid now. Where it
//! may be fetched from is ruled as [`Remote`] says, and a URL that is not allowed is never asked for.
//!
//! | key of `certificate` | says |
//! |---|---|
//! | `url` or `name`, `hosts`, `path` | where the host fetches it |
//! | `value` | or where it stands in the message: PEM, several or one, or the DER of one |
//! | `roots` | what it must lead to: `web`, or `pinned`, which are the source's keys |
//! | `names` | DNS names of which it must have one; needed for `web`, whose certificates anybody can have |
//! | `purposes` | extended key usages that it must have, in numbers with dots |
//! | `leaf_oids`, `intermediate_oids` | extensions that it, or its issuer's certificate, must have |
//! | `chain_length` | how many certificates there must be, exactly |
//!
//! Nothing is revoked here. Providers that sign webhooks publish no lists that a receiver could rely on; they rotate instead,
//! and a host keeps fetched certificates for a short time.
//!
//! [`Remote`]: countersign_keys::remote::Remote
//!
//! ```
//! let mut registry = countersign::Registry::new();
//! registry.register(countersign_x509::mode())?.add_preset("acme.toml", r#"
//!     schema = 1
//!     name = "acme"
//!     mode = "x509"
//!     [x509]
//!     algorithm = "rsa-pkcs1-sha256"
//!     signed_template = "{body}"
//!     signature_source = { header = "x-signature", encoding = "base64" }
//!     [x509.certificate]
//!     url = "{header:x-certificate-url}"
//!     hosts = ["keys.acme.example"]
//!     path = '/[a-z0-9-]+\.pem'
//!     roots = "web"
//!     names = ["hooks.acme.example"]
//! "#)?;
//! assert!(registry.named("acme")?.needs().remote);
//! # Ok::<_, countersign::ConfigErrors>(())
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod certificate;
mod find;

use countersign::template::TemplateMode;
use countersign::{Announced, Mode, ModeInfo, Status, inventory};
use countersign_keys::Signatures;
use std::sync::Arc;

/// The mode, for hosts that register it by hand.
pub fn mode() -> Arc<dyn Mode> {
    let mut info = INFO;
    info.details.to_mut().extend(find::details());
    Arc::new(TemplateMode::new(info, Signatures::finding(ALGORITHMS, certificate::finder)))
}

const ALGORITHMS: &[&str] = &[
    "rsa-pkcs1-sha256",
    "rsa-pkcs1-sha384",
    "rsa-pkcs1-sha512",
    "rsa-pss-sha256",
    "rsa-pss-sha384",
    "rsa-pss-sha512",
    "ecdsa-p256-sha256",
    "ecdsa-p256-sha256-p1363",
    "ecdsa-p384-sha384",
    "ecdsa-p384-sha384-p1363",
    "ecdsa-p521-sha512",
    "ecdsa-p521-sha512-p1363",
    "rsa-pkcs1-sha1",
];

const INFO: ModeInfo = ModeInfo::new(
    "x509",
    "RSA and ECDSA under a certificate, over a template",
    r#"algorithm = "rsa-pkcs1-sha256"
signed_template = "{body}"
signature_source = { header = "x-signature", encoding = "base64" }
certificate = { url = "{header:x-certificate-url}", hosts = ["keys.example.com"], path = '/[a-z0-9-]+\.pem', roots = "pinned", names = ["hooks.example.com"] }
"#,
    &[],
    Status::Preview,
);

inventory::submit!(Announced::Mode(mode));
