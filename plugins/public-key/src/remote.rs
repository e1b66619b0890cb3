//! Keys that are fetched: the table `remote`.
//!
//! ```toml
//! remote = { url = "https://keys.example.com/jwks.json", format = "jwks", key_id = "{header:x-key-id}" }
//! remote = { name = "acme/{header:x-key-id}", format = "pem", pointer = "/publicKey" }
//! ```
//!
//! A document is read once a copy. A key id that a copy lacks is asked for again, unless the copy was fetched at this very
//! moment: the provider may have rolled its keys since, and a sender who makes ids up costs no more fetches than the host
//! allows. A document that cannot be read is the provider's fault and not the sender's, and so is `key_unavailable`, which
//! the sender may try again.

use countersign::config::{ConfigCode, ConfigError, Reader};
use countersign::template::{Claims, Find, Finder, FoundKey, Grammar, Message, Value};
use countersign::{
    Context, DetailInfo, Document, KeyError, KeyId, KeyKind, KeyRequest, KeySet, Keyring, Memo, Reason,
    Refusal, Rejection, Vars,
};
use countersign_keys::remote::Remote;
use countersign_keys::{Found, Jwks, Offered, PublicKey, SignatureKey, Verifying};
use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

/// The document holds no key as the preset says.
const DOCUMENT: &str = "public-key/document";
/// A key that the algorithm cannot use.
const UNFIT: &str = "public-key/key-unfit";
/// Nothing says which key.
const NO_KEY_ID: &str = "public-key/no-key-id";

/// What can go wrong with a fetched key.
pub(crate) const DETAILS: &[DetailInfo] = &[
    detail(
        DOCUMENT,
        Reason::KeyUnavailable,
        "the fetched document holds no key in the format that the preset says",
    ),
    detail(UNFIT, Reason::UnknownKey, "the fetched key is of another algorithm, or too weak"),
    detail(NO_KEY_ID, Reason::UnknownKey, "the key set has several keys, and the request does not say which"),
];

const fn detail(code: &'static str, reason: Reason, says: &'static str) -> DetailInfo {
    (Cow::Borrowed(code), reason, Cow::Borrowed(says))
}

/// Read the table `remote`, if there is one.
pub(crate) fn finder(
    table: &Reader<'_>,
    grammar: &Grammar<'_>,
    offered: Offered,
) -> Option<Box<dyn Finder<SignatureKey>>> {
    table.has("remote").then(|| Box::new(Fetched { place: Place::read(table, grammar), offered }) as _)
}

/// Where keys are, before any variable is known.
struct Fetched {
    /// `None`: it was complained of.
    place: Option<Place>,
    offered: Offered,
}

#[derive(Clone)]
struct Place {
    remote: Remote,
    format: Format,
    pointer: Option<Arc<str>>,
    key_id: Option<Value>,
}

/// How a document spells a key.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Format {
    Jwks,
    Pem,
    Spki,
}

impl Format {
    const WORDS: [(&'static str, Self); 3] = [("jwks", Self::Jwks), ("pem", Self::Pem), ("spki", Self::Spki)];
}

impl Place {
    fn read(table: &Reader<'_>, grammar: &Grammar<'_>) -> Option<Self> {
        let table = table.table("remote")?;
        let remote = Remote::read(&table, grammar);
        if !table.has("format") {
            table.missing("format", "write `format = \"jwks\"`, `\"pem\"` or `\"spki\"`");
        }
        let format = table.choice("format", &Format::WORDS).map(|format| format.value);
        let pointer = table.text("pointer");
        let key_id = grammar.value(&table, "key_id");
        let wrong = |says: &str, help: &str| {
            let error = ConfigError::at(ConfigCode::MalformedConfig, table.span().clone(), says);
            table.complaints().push(error.help(help));
        };
        match format {
            Some(Format::Jwks) if pointer.is_some() => {
                wrong("a key set is the whole document", "remove `pointer`");
            }
            Some(Format::Pem | Format::Spki) if table.has("key_id") => {
                let help = "put the key's id into `url` or `name`, and remove `key_id`";
                wrong("a document of one key has no ids to choose by", help);
            }
            _ => {}
        }
        if let Some(pointer) = pointer.as_ref().filter(|pointer| !pointer.value.starts_with('/')) {
            let says = format!("`{}` is no JSON pointer", pointer.value);
            wrong(&says, "write it with a slash in front: `pointer = \"/publicKey\"`");
        }
        table.finish();
        let pointer = pointer.map(|pointer| pointer.value);
        Some(Place { remote: remote?, format: format?, pointer, key_id })
    }
}

impl Finder<SignatureKey> for Fetched {
    fn kinds(&self) -> &'static [KeyKind] {
        &[]
    }

    fn notes(&self) -> Vec<Cow<'static, str>> {
        vec!["keys are fetched from where the preset says, and none is configured".into()]
    }

    fn values(&self) -> Vec<&Value> {
        self.place.iter().flat_map(|place| place.key_id.iter().chain([place.remote.place()])).collect()
    }

    fn bind(&self, _: &Keyring, vars: &Vars) -> Result<Box<dyn Find<SignatureKey>>, KeyError> {
        let Some(Place { remote, format, pointer, key_id }) = &self.place else {
            return Err(KeyError::new("the preset does not say where its keys are"));
        };
        let key_id = key_id.as_ref().map(|value| value.with_vars(vars)).transpose()?;
        let place =
            Place { remote: remote.with_vars(vars)?, format: *format, pointer: pointer.clone(), key_id };
        Ok(Box::new(Bound { place, offered: self.offered, read: Memo::new() }))
    }
}

/// The same, with what has been read so far.
struct Bound {
    place: Place,
    offered: Offered,
    read: Memo<Keys>,
}

/// What a document held.
enum Keys {
    Set(Jwks),
    /// A key, and what it was made ready for: by the place of the algorithm.
    One(Box<PublicKey>, Box<[OnceLock<Option<Verifying>>]>),
}

impl Find<SignatureKey> for Bound {
    fn find(
        &self,
        algorithm: usize,
        message: &Message<'_, '_>,
        cx: &Context<'_>,
    ) -> Result<Vec<FoundKey<SignatureKey>>, Refusal> {
        let request = self.place.remote.request(message)?;
        let kid = match &self.place.key_id {
            Some(key_id) => message.text(key_id)?,
            None => None,
        };
        let Some(document) = cx.remote.get(request.kind, &request.name) else {
            return Err(Refusal::Unresolved(request));
        };
        let fetched = Fetch { request, document, cx };
        let read = self.read.read(&fetched.document, |bytes| self.parse(bytes));
        let Ok(keys) = read else { return Err(fetched.again(Reason::KeyUnavailable, DOCUMENT)) };
        match &*keys {
            Keys::Set(set) => self.of_set(set, kid.as_deref(), algorithm, &fetched),
            Keys::One(key, ready) => {
                let make = || self.offered.prepare(algorithm, key).ok();
                match ready.get(algorithm).and_then(|ready| ready.get_or_init(make).clone()) {
                    Some(key) => Ok(vec![found(KeyId::new(fetched.request.name), key)]),
                    None => Err(refuse(Reason::UnknownKey, UNFIT)),
                }
            }
        }
    }
}

/// A document, and what it is the answer to.
struct Fetch<'c> {
    request: KeyRequest,
    document: Document,
    cx: &'c Context<'c>,
}

impl Fetch<'_> {
    /// A newer copy may do; one of this moment would be no other.
    fn again(&self, reason: Reason, code: &'static str) -> Refusal {
        match self.document.fetched_at < self.cx.now {
            true => Refusal::Unresolved(self.request.clone().newer_than(self.document.fetched_at)),
            false if code.is_empty() => reason.into(),
            false => refuse(reason, code),
        }
    }
}

impl Bound {
    fn of_set(
        &self,
        set: &Jwks,
        kid: Option<&[u8]>,
        algorithm: usize,
        fetched: &Fetch<'_>,
    ) -> Result<Vec<FoundKey<SignatureKey>>, Refusal> {
        let unfit = || refuse(Reason::UnknownKey, UNFIT);
        let (algorithm, rules) = self.offered.algorithm(algorithm).ok_or_else(unfit)?;
        // A key's id that is no text is no key's.
        let kid = kid.map(|kid| std::str::from_utf8(kid).unwrap_or("\u{fffd}"));
        match set.find_under(kid, algorithm, rules) {
            Found::Keys(keys) => Ok(keys.into_iter().map(|key| found(key.id, key.key)).collect()),
            Found::Unknown => Err(fetched.again(Reason::UnknownKey, "")),
            Found::Unfit => Err(unfit()),
            Found::Ambiguous => Err(refuse(Reason::UnknownKey, NO_KEY_ID)),
        }
    }

    fn parse(&self, bytes: &[u8]) -> Result<Keys, Unreadable> {
        if self.place.format == Format::Jwks {
            return Jwks::parse(bytes).map(Keys::Set).map_err(|_| Unreadable);
        }
        let text: Cow<'_, [u8]> = match &self.place.pointer {
            None => Cow::Borrowed(bytes.trim_ascii()),
            Some(pointer) => {
                let claims = Claims::parse(bytes).map_err(|_| Unreadable)?;
                Cow::Owned(claims.text(pointer).ok_or(Unreadable)?.trim().as_bytes().to_vec())
            }
        };
        let key = match self.place.format {
            Format::Pem => match on_one_line(&text) {
                Some(base64) => spki(base64)?,
                // Nothing but a public key: a private one that is published is everybody's.
                None if PUBLIC_PEM.iter().any(|begin| text.starts_with(begin)) => {
                    PublicKey::read(&text).map_err(|_| Unreadable)?
                }
                None => return Err(Unreadable),
            },
            _ => spki(&text)?,
        };
        Ok(Keys::One(Box::new(key), (0..self.offered.count()).map(|_| OnceLock::new()).collect()))
    }
}

/// A document that is not what the preset says.
struct Unreadable;

/// How a PEM text begins that holds a public key.
const PUBLIC_PEM: [&[u8]; 2] = [b"-----BEGIN PUBLIC KEY-----", b"-----BEGIN RSA PUBLIC KEY-----"];

/// What stands between the markers of a PEM text without line breaks, as some providers put it into JSON.
fn on_one_line(text: &[u8]) -> Option<&[u8]> {
    text.strip_prefix(b"-----BEGIN PUBLIC KEY-----")?
        .strip_suffix(b"-----END PUBLIC KEY-----")
        .filter(|inner| !inner.contains(&b'\n') && !inner.contains(&b'\r'))
}

fn spki(base64: &[u8]) -> Result<PublicKey, Unreadable> {
    let der = base64_simd::STANDARD.decode_to_vec(base64).map_err(|_| Unreadable)?;
    PublicKey::from_spki(&der).map_err(|_| Unreadable)
}

fn found(id: KeyId, key: Verifying) -> FoundKey<SignatureKey> {
    FoundKey { id, anchors: KeySet::default(), key: Arc::new(SignatureKey::from(key)) }
}

fn refuse(reason: Reason, code: &'static str) -> Refusal {
    let says = DETAILS.iter().find(|(known, ..)| known == code).map(|(_, _, says)| says.clone());
    Rejection::new(reason).detail(code, says.unwrap_or_default()).into()
}
