//! The `token` mode: a secret that the sender shows, in a header, as bearer token, as HTTP Basic or in the query.
//!
//! Nothing is signed, and so nothing is bound: whoever sees one request can send any other. The evidence says so, and a host
//! that demands the body gets an error at start. What can be done well is the comparison. A token is never compared with a
//! secret: both are hashed under that very secret first, so that how long the work takes says nothing of it, not even its
//! length.
//!
//! ```
//! use countersign::{Context, Head, Keyring, Registry, Request, Timestamp, Vars};
//!
//! let mut registry = Registry::new();
//! registry.register(countersign_token::mode())?.add_preset("acme.toml", r#"
//!     schema = 1
//!     name = "acme"
//!     mode = "token"
//!     [token]
//!     token_source = { header = "authorization", extract = "scheme", scheme = "Bearer" }
//!     key = { forms = [{ decode = "text" }] }
//! "#)?;
//! let verifier = registry.named("acme")?.verifier("hooks", &Keyring::of("s3cr3t-t0k3n")?, &Vars::new())?;
//! let headers = [("authorization", "bearer s3cr3t-t0k3n")];
//! let request = Request::new(Head::new("POST", "https://example.com/hook", &headers), b"{}");
//! let verified = verifier.verify(&request, &Context::at(Timestamp::from_unix(0))).into_verified()?;
//! assert_eq!(verified.binds().words().count(), 0);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

use countersign::config::ConfigErrors;
use countersign::template::{DETAILS, Grammar, KeyForms, Message, Places, Rules, Scope};
use countersign::{
    Announced, Binds, BodyNeed, Check, Context, Draft, Evidence, Explain, Fingerprints, Head, Key, KeyError,
    KeyId, KeyIndex, KeyKind, KeySet, Keyring, Mark, Mode, ModeConfig, ModeInfo, Needs, Progress, Reason,
    Refusal, Rejection, Request, Scheme, Secret, Sign, SignedBy, Status, Step, Vars, ct, inventory,
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::borrow::Cow;
use std::sync::Arc;

/// The mode, for hosts that register it by hand.
pub fn mode() -> Arc<dyn Mode> {
    let mut info = INFO;
    info.details = DETAILS.into();
    Arc::new(Token { info })
}

const INFO: ModeInfo = ModeInfo::new(
    "token",
    "a secret that the sender shows; it binds nothing",
    r#"token_source = { header = "authorization", extract = "scheme", scheme = "Bearer" }
key = { forms = [{ decode = "text" }] }
"#,
    &[],
    Status::Stable,
);

inventory::submit!(Announced::Mode(mode));

struct Token {
    info: ModeInfo,
}

impl Mode for Token {
    fn info(&self) -> &ModeInfo {
        &self.info
    }

    fn compile(&self, config: &ModeConfig) -> Result<Box<dyn Scheme>, ConfigErrors> {
        let grammar = Grammar::of(config);
        let scheme = config.read(|table| {
            if !table.has("token_source") {
                table.missing("token_source", "say where it is: `token_source = { header = \"x-token\" }`");
            }
            let places = grammar.places(table, "token_source");
            let rules = grammar.rules(table);
            if !table.has("key") {
                let help = "say how a secret is written: `key = { forms = [{ decode = \"text\" }] }`";
                table.missing("key", help);
            }
            let forms = table.table("key").and_then(|key| {
                let forms = KeyForms::read(&key, &[KeyKind::Shared]);
                key.finish();
                forms
            });
            Some(TokenScheme { places: places?, rules, forms: forms? })
        })?;
        Ok(Box::new(scheme))
    }
}

/// Where tokens are, and what a secret looks like.
struct TokenScheme {
    places: Places,
    rules: Rules,
    forms: KeyForms,
}

impl Scheme for TokenScheme {
    fn needs(&self) -> Needs {
        let in_head = self.places.are_in_head() && !self.rules.read_the_body();
        let mut needs =
            Needs::new(if in_head { BodyNeed::Nothing } else { BodyNeed::Whole }, &[KeyKind::Shared][..]);
        needs.signs = self.can_sign();
        needs.content = false;
        needs.notes.push(
            "a token proves that the sender knows it, and nothing of the request: body, time and all else may be anyone's"
                .into(),
        );
        needs
    }

    fn bind(&self, keys: &Keyring, vars: &Vars) -> Result<Arc<dyn Check>, KeyError> {
        let held = self.each(keys, Held::new)?;
        self.places.prepare();
        let in_head = self.needs().body == BodyNeed::Nothing;
        Ok(Arc::new(Bound { places: self.places.clone(), rules: self.rules.with_vars(vars)?, held, in_head }))
    }

    fn signer(&self, keys: &Keyring, _: &Vars) -> Result<Box<dyn Sign>, KeyError> {
        if !self.can_sign() {
            return Err(KeyError::new(
                "this scheme verifies only: what is cut out of a place cannot be put back",
            ));
        }
        let secrets = self.each(keys, |index, _, secret| Ok((index, secret)))?;
        Ok(Box::new(Shown { places: self.places.clone(), secrets }))
    }
}

impl TokenScheme {
    /// Whether a token can be put where it is looked for.
    fn can_sign(&self) -> bool {
        self.places.mark(b"x").is_some()
    }

    /// Every key, decoded.
    fn each<T>(
        &self,
        keys: &Keyring,
        make: impl Fn(KeyIndex, &Key, Secret) -> Result<T, KeyError>,
    ) -> Result<Box<[T]>, KeyError> {
        let one = |(index, key): (KeyIndex, &Key)| match key.kind {
            KeyKind::Shared => make(index, key, self.forms.decode(key)?),
            kind => Err(KeyError::new(format!("this mode takes no {} key", kind.word()))),
        };
        keys.iter().map(|(index, key)| one((index, key)).map_err(|error| error.key(&key.id))).collect()
    }
}

/// A secret, as what hashing under it leaves behind: itself is not kept.
struct Held {
    index: KeyIndex,
    id: KeyId,
    role: Option<Arc<str>>,
    under: Hmac<Sha256>,
    expected: [u8; 32],
}

impl Held {
    fn new(index: KeyIndex, key: &Key, secret: Secret) -> Result<Self, KeyError> {
        let under = Hmac::<Sha256>::new_from_slice(secret.expose());
        let under = under.map_err(|_| KeyError::new("the secret does not fit the hash"))?;
        let expected = hashed(&under, secret.expose());
        Ok(Held { index, id: key.id.clone(), role: key.role.clone(), under, expected })
    }

    fn is(&self, token: &[u8]) -> bool {
        ct::equal(&hashed(&self.under, token), &self.expected)
    }
}

fn hashed(under: &Hmac<Sha256>, text: &[u8]) -> [u8; 32] {
    let mut mac = under.clone();
    mac.update(text);
    mac.finalize().into_bytes().into()
}

struct Bound {
    places: Places,
    rules: Rules,
    held: Box<[Held]>,
    in_head: bool,
}

impl Check for Bound {
    fn check<'r>(&self, request: &Request<'r>, _: &Context<'_>) -> Result<Evidence<'r>, Refusal> {
        let scope = Scope::new(request);
        let message = Message::new(&scope);
        message.early(&self.rules)?;
        let shown = message.all(&self.places)?;
        let mut keys = KeySet::default();
        // All are compared with all: what takes longer must not say which fits.
        for (token, role) in &shown {
            for held in &self.held {
                let may = role.is_none() || *role == held.role.as_deref();
                if held.is(token) & may {
                    keys.insert(held.index);
                }
            }
        }
        if keys.is_empty() {
            return Err(Reason::BadSignature.into());
        }
        message.late(&self.rules)?;
        // What is signed is nothing, whatever the request.
        Ok(Evidence::new(SignedBy::Held(keys), Fingerprints::content([0; 32]), Binds::default()))
    }

    fn begin(
        self: Arc<Self>,
        head: &Head<'_>,
        cx: &Context<'_>,
    ) -> Result<Option<Box<dyn Progress>>, Refusal> {
        if !self.in_head {
            return Ok(None);
        }
        let Evidence { signed_by, .. } = self.check(&Request::new(*head, b""), cx)?;
        Ok(Some(Box::new(Shower(signed_by))))
    }

    fn explain(&self, request: &Request<'_>, _: &Context<'_>, out: &mut dyn Explain) {
        let scope = Scope::new(request);
        let Ok(shown) = Message::new(&scope).all(&self.places) else { return };
        // A token is a secret even where it does not fit: only that there is one is told.
        self.places.labels().for_each(|place| out.step(Step::Candidate { place, bytes: b"" }));
        for held in &self.held {
            out.step(Step::Tried { key: &held.id, matched: shown.iter().any(|(token, _)| held.is(token)) });
        }
    }
}

/// A body that no token looks at.
struct Shower(SignedBy);

impl Progress for Shower {
    fn update(&mut self, _: &[u8]) {}

    fn finish(self: Box<Self>, _: &Context<'_>) -> Result<Evidence<'static>, Refusal> {
        Ok(Evidence::new(self.0, Fingerprints::content([0; 32]), Binds::default()))
    }
}

/// The other direction.
struct Shown {
    places: Places,
    secrets: Box<[(KeyIndex, Secret)]>,
}

impl Sign for Shown {
    fn sign(&self, _: &Draft<'_>, live: KeySet, out: &mut dyn FnMut(Mark)) -> Result<(), Rejection> {
        let first = self.secrets.iter().find(|(index, _)| live.contains(*index));
        let (_, secret) = first.ok_or_else(|| Rejection::new(Reason::NoActiveSecret))?;
        let mark = self.places.mark(secret.expose());
        out(mark.ok_or_else(|| {
            Rejection::new(Reason::ModeFault)
                .detail(Cow::Borrowed("core/contract"), "this place takes no token")
        })?);
        Ok(())
    }
}
