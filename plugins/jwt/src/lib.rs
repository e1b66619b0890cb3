//! The `jwt` mode: compact JWS (RFC 7515) with claims (RFC 7519), or over content that stands elsewhere.
//!
//! A token says itself how it is to be verified, and most that ever went wrong with tokens came of believing it. Here the
//! preset says how, and the token's word is only compared with it: its algorithm must be on a closed list, keys come from the
//! operator, from a key set whose place the preset names or from a chain to a pinned root, and never out of the token. What a
//! general library reads leniently is refused: a member twice, base64url with loose bits, an unknown `crit`.
//!
//! Where content is signed that stands elsewhere (`payload`), the header is all that the token says, and stands for the claims.
//!
//! ```
//! use countersign::{Context, Draft, Head, Keyring, Registry, Request, Timestamp, Vars};
//!
//! let mut registry = Registry::new();
//! registry.register(countersign_jwt::mode())?.add_preset("acme.toml", r#"
//!     schema = 1
//!     name = "acme"
//!     mode = "jwt"
//!     [jwt]
//!     token_source = { header = "authorization", extract = "scheme", scheme = "Bearer" }
//!     algorithms = ["HS256"]
//!     issuer = "acme"
//!     require = [{ value = "{claim:sha256}", equals = "{body|sha256|hex}" }]
//!     key = { forms = [{ decode = "text" }] }
//! "#)?;
//! let (keys, now) = (Keyring::of("a secret of thirty-two bytes, at least")?, Timestamp::from_unix(1_700_000_000));
//! let acme = registry.named("acme")?;
//! let draft = Draft::new("evt_1", now, "https://example.com/hook", b"{}");
//! let signed = acme.signer(&keys, &Vars::new())?.sign(&draft)?;
//! let headers: Vec<_> = signed.headers.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
//! let request = Request::new(Head::new("POST", "https://example.com/hook", &headers), b"{}");
//! let verified = acme.verifier("hooks", &keys, &Vars::new())?.verify(&request, &Context::at(now)).into_verified()?;
//! assert_eq!(verified.binds().words().collect::<Vec<_>>(), ["body", "time"]);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod chain;
mod check;
mod claims;
mod detail;
mod keys;
mod plan;
mod scheme;
mod sign;
mod token;

use countersign::config::ConfigErrors;
use countersign::template::DETAILS;
use countersign::{Announced, Mode, ModeConfig, ModeInfo, Scheme, Status, inventory};
use countersign_keys::remote;
use std::sync::Arc;

/// The mode, for hosts that register it by hand.
pub fn mode() -> Arc<dyn Mode> {
    let mut info = INFO;
    info.details = [detail::DETAILS, DETAILS, remote::DETAILS].concat().into();
    Arc::new(Jwt { info })
}

const INFO: ModeInfo = ModeInfo::new(
    "jwt",
    "a JSON Web Token, or a detached JWS: HMAC, RSA, ECDSA or Ed25519",
    r#"token_source = { header = "authorization", extract = "scheme", scheme = "Bearer" }
algorithms = ["HS256"]
key = { forms = [{ decode = "text" }] }
"#,
    &[],
    Status::Preview,
);

inventory::submit!(Announced::Mode(mode));

struct Jwt {
    info: ModeInfo,
}

impl Mode for Jwt {
    fn info(&self) -> &ModeInfo {
        &self.info
    }

    fn compile(&self, config: &ModeConfig) -> Result<Box<dyn Scheme>, ConfigErrors> {
        Ok(Box::new(config.read(|table| plan::read(table, config))?))
    }
}
