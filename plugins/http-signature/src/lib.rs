//! The `http-signature` mode: HTTP Message Signatures, RFC 9421, with digests of the body, RFC 9530; and the draft that was
//! there before, under `form = "cavage"`.
//!
//! Here the request says what is signed. That is no reason to believe it: the preset says what must be covered at least,
//! the key says which algorithm it is, and the configured URL says where the request went. A digest that is covered is
//! computed again, so that a body is bound by it. The draft is never a fallback of the standard: a preset has one form.
//!
//! | key of `[http-signature]` | means |
//! |---|---|
//! | `form` | `rfc9421`, unless said, or `cavage` |
//! | `algorithms` | the names that are allowed; a key decides which of them it is, so no key may fit two |
//! | `required` | what must be covered at least: `@method`, `@query-param;name="id"`, `content-digest`; in the draft `(request-target)`, `digest`. It has no default |
//! | `required_parameters` | what must be said beside; `["created"]`, unless said. `created` is the signed time, and `nonce` the message's id. Not in the draft |
//! | `label`, `tag` | which signature is meant; without either, the only one. Not in the draft |
//! | `signature_header` | where the draft's signature is: `signature`, unless said; in `authorization` the word `Signature` stands before it |
//! | `keyid` | `selects`, unless said: the key of that name alone is tried. `ignored`: all are |
//! | `key` | how a key is written: `{ forms = [{ decode = "pem" }] }` |
//!
//! ```
//! use countersign::{Context, Draft, Head, Keyring, Registry, Request, Timestamp, Vars};
//!
//! let mut registry = Registry::new();
//! registry.register(countersign_http_signature::mode())?.add_preset("acme.toml", r#"
//!     schema = 1
//!     name = "acme"
//!     mode = "http-signature"
//!     [http-signature]
//!     algorithms = ["hmac-sha256"]
//!     required = ["@method", "@target-uri", "content-digest"]
//!     key = { forms = [{ decode = "text" }] }
//! "#)?;
//! let acme = registry.named("acme")?;
//! let (keys, vars) = (Keyring::of("It's a Secret to Everybody, and long")?, Vars::new());
//! let (now, url) = (Timestamp::from_unix(1_700_000_000), "https://example.com/hook?a=1");
//! let signed = acme.signer(&keys, &vars)?.sign(&Draft::new("msg_1", now, url, b"Hello"))?;
//! assert_eq!(signed.headers.len(), 3);
//!
//! let headers: Vec<_> = signed.headers.iter().map(|(name, value)| (name.as_bytes(), value)).collect();
//! let request = Request::new(Head::new("POST", url, &headers), b"Hello");
//! let verified = acme.verifier("hooks", &keys, &vars)?.verify(&request, &Context::at(now)).into_verified()?;
//! assert_eq!(verified.binds().words().collect::<Vec<_>>(), ["body", "time", "url", "method", "query"]);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod algorithm;
mod check;
mod component;
mod details;
mod digest;
mod draft;
mod fields;
mod plan;
mod sign;
mod standard;
mod statement;
mod structured;

use check::{Bound, Held};
use countersign::config::ConfigErrors;
use countersign::{
    Announced, Binds, BodyNeed, Check, Key, KeyError, KeyIndex, Keyring, Mode, ModeConfig, ModeInfo, Needs,
    Scheme, Secret, Sign, Status, Vars, inventory,
};
use plan::Plan;
use sign::Signer;
use std::sync::Arc;

/// The mode, for hosts that register it by hand.
pub fn mode() -> Arc<dyn Mode> {
    Arc::new(HttpSignature)
}

inventory::submit!(Announced::Mode(mode));

static INFO: ModeInfo = ModeInfo::new(
    "http-signature",
    "HTTP Message Signatures, RFC 9421, and the draft before it",
    r#"algorithms = ["ed25519"]
required = ["@method", "@target-uri", "content-digest"]
required_parameters = ["created", "keyid"]
key = { forms = [{ decode = "pem" }] }
"#,
    details::DETAILS,
    Status::Preview,
);

struct HttpSignature;

impl Mode for HttpSignature {
    fn info(&self) -> &ModeInfo {
        &INFO
    }

    fn compile(&self, config: &ModeConfig) -> Result<Box<dyn Scheme>, ConfigErrors> {
        let plan = config.read(|table| Plan::read(table))?;
        Ok(Box::new(MessageSignature(Arc::new(plan))))
    }
}

/// A preset's table, made executable.
struct MessageSignature(Arc<Plan>);

impl Scheme for MessageSignature {
    fn needs(&self) -> Needs {
        let Plan { algorithms, binds, form, .. } = &*self.0;
        let mut needs = Needs::new(BodyNeed::Stream, algorithms.kinds()).binds(*binds).signs(true);
        if form.required().is_empty() {
            needs.notes.push("nothing has to be covered: a signature over nothing at all is accepted".into());
        }
        if !binds.contains(Binds::TIME) && !form.ends() {
            needs.notes.push(
                "a signature is good for ever: it need not say when it was made, nor when it ends".into(),
            );
        }
        if !binds.contains(Binds::BODY) {
            needs
                .notes
                .push("no digest of the body has to be covered, so that the body may be anyone's".into());
        }
        needs
    }

    fn bind(&self, keys: &Keyring, _: &Vars) -> Result<Arc<dyn Check>, KeyError> {
        let held = self.each(keys, |index, key, secret| {
            let ready = self.0.algorithms.ready(key, &secret)?;
            Ok(Held { index, id: key.id.clone(), ready })
        })?;
        Ok(Arc::new(Bound { plan: self.0.clone(), held }))
    }

    fn signer(&self, keys: &Keyring, _: &Vars) -> Result<Box<dyn Sign>, KeyError> {
        let hands = self.each(keys, |index, key, secret| {
            Ok((index, key.id.clone(), self.0.algorithms.hand(key, &secret)?))
        })?;
        Ok(Box::new(Signer { plan: self.0.clone(), hands }))
    }
}

impl MessageSignature {
    /// Every key, decoded.
    fn each<T>(
        &self,
        keys: &Keyring,
        make: impl Fn(KeyIndex, &Key, Secret) -> Result<T, KeyError>,
    ) -> Result<Box<[T]>, KeyError> {
        let one = |index: KeyIndex, key: &Key| make(index, key, self.0.forms.decode(key)?);
        keys.iter().map(|(index, key)| one(index, key).map_err(|error| error.key(&key.id))).collect()
    }
}
