//! The `jwt` mode: compact JWS (RFC 7515) with claims (RFC 7519), or over content that stands elsewhere.
//!
//! A token says itself how it is to be verified, and most that ever went wrong with tokens came of believing it. Here the
//! preset says how, and the token's word is only compared with it: its algorithm must be on a closed list, keys come from the
//! operator, from a key set whose place the preset names or from a chain to a pinned root, and never out of the token. What a
//! general library reads leniently is refused: a member twice, base64url with loose bits, an unknown `crit`.
//!
//! | key | means | unsaid |
//! |---|---|---|
//! | `token_source` | the place of the token, or several, of which the first that is there counts | must be said |
//! | `algorithms` | the names that a token may spell: `HS256` … `HS512`, or some of `RS…`, `PS…`, `ES…`, `EdDSA`, `Ed25519` | must be said |
//! | `key` | how held keys are written: secrets, public keys to verify, private ones to sign; roots for `x5c` | one of `key`, `jwks` |
//! | `jwks` | where a key set is: `url` and `hosts`, or `name`; `pointer` to a set or a lone key in the document, `expired_at` to its end | |
//! | `x5c` | the header brings certificates: `chain_length`, `leaf_oids`, `intermediate_oids` | |
//! | `short_secrets` | `"accepted"`: a secret may be shorter than its hash | refused |
//! | `issuer`, `audience`, `subject` | a value or several: the claim must be one of them, exactly | not asked |
//! | `single_audience` | a token for several is refused | `false` |
//! | `type` | the header's `typ`, without case and `application/`; one or several | not asked |
//! | `required_claims` | names, or pointers that begin with `/` | `["exp", "iat"]` and what is compared |
//! | `leeway_seconds` | how wrong a clock may be for `exp`, `nbf`, `iat`: at most 300 | 0 |
//! | `time`, `time_format` | the claim that is the signed time, which `[freshness]` judges | `iat`, if required; `unix` |
//! | `id` | the claim that is the message's id | `jti`, if required |
//! | `payload` | a value that is signed in place of the token's own part, which must be empty | in the token |
//! | `payload_encoding` | `"none"`: signed as it is, RFC 7797 | `"base64url"` |
//! | `require`, `[[case]]` | tests, in which `{claim:NAME}` is a claim | |
//!
//! Where content is signed that stands elsewhere (`payload`), the header is all that the token says, and stands for the claims.
//! In `jwks`, where nothing is proven yet, `{claim:kid}` is a member of the header, too. A key of a set is chosen by its `kid`;
//! held keys are all tried, whatever the token says of them.
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
