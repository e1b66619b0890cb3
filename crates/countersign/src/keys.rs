//! Keys, the windows they may be used in, and what has to be fetched to have one.
//!
//! A key's window is judged by the core, against the present and never against the signed time: whoever holds an old
//! key could write an old time.

use crate::time::Timestamp;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// How many keys a ring holds at most.
pub const MAX_KEYS: usize = 64;

/// How many bytes a secret has at most: enough for a PEM file.
pub const MAX_SECRET: usize = 64 * 1024;

/// A key's name: its `kid`, or what the operator calls it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct KeyId(Arc<str>);

impl KeyId {
    /// Name a key.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        KeyId(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Bytes that never print, never compare with `==`, and are wiped when dropped.
pub struct Secret(Zeroizing<Box<[u8]>>);

impl Secret {
    /// Take them.
    ///
    /// An endpoint never accepts because nothing is set, so what is left when configuration fails is an error:
    /// nothing at all, only white space, and the words a missing variable becomes (`undefined`, `null`, `None`,
    /// `changeme`, `${…}`). So is more than [`MAX_SECRET`] bytes.
    pub fn new(bytes: impl Into<Box<[u8]>>) -> Result<Self, KeyError> {
        let bytes = Zeroizing::new(bytes.into());
        let says = match &**bytes {
            b if b.iter().all(u8::is_ascii_whitespace) => "the secret is empty: give its value",
            b"undefined" | b"null" | b"None" | b"changeme" => {
                "the secret is a placeholder, not a value: look where it should come from"
            }
            b if b.starts_with(b"${") && b.ends_with(b"}") => {
                "the secret is a reference that was not resolved: set the variable it names"
            }
            b if b.len() > MAX_SECRET => "the secret is longer than 65536 bytes",
            _ => return Ok(Secret(bytes)),
        };
        Err(KeyError::new(says))
    }

    /// Look at them. The one way in, so that a search for it finds every use.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Decoded bytes, known not to be empty: any bytes are a key then, even those that spell a placeholder.
    pub(crate) fn of(mut bytes: Zeroizing<Vec<u8>>) -> Secret {
        Secret(Zeroizing::new(std::mem::take(&mut *bytes).into_boxed_slice()))
    }

    /// Another copy, wiped on its own.
    pub(crate) fn copy(&self) -> Secret {
        Secret(self.0.clone())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// One key and the time it may be used.
#[derive(Debug)]
#[non_exhaustive]
pub struct Key {
    /// Its name.
    pub id: KeyId,

    /// What sort of key it is.
    pub kind: KeyKind,

    /// Its bytes as the operator wrote them: the preset's `key.forms` say how they are read.
    pub material: Secret,

    /// Its part, where a preset gives several: tried only on signatures of that role.
    pub role: Option<Arc<str>>,

    /// When it may be used.
    pub window: Window,
}

impl Key {
    /// A key without role, usable at any time. The fields are public: set the rest.
    pub fn new(id: KeyId, kind: KeyKind, material: Secret) -> Self {
        Key { id, kind, material, role: None, window: Window::default() }
    }

    /// The most common key: a secret both sides hold.
    pub fn shared(id: impl Into<Arc<str>>, secret: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let id = KeyId::new(id);
        let material = Secret::new(secret.as_ref()).map_err(|error| error.key(&id))?;
        Ok(Key::new(id, KeyKind::Shared, material))
    }
}

/// What sort of key a scheme takes.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum KeyKind {
    /// A secret both sides hold.
    Shared,

    /// A raw or PEM public key.
    Public,

    /// The private half, for signing.
    Private,

    /// A root that certificates must lead to.
    TrustAnchor,
}

impl KeyKind {
    /// The word for it, as in `mode show`.
    pub fn word(self) -> &'static str {
        match self {
            KeyKind::Shared => "shared",
            KeyKind::Public => "public",
            KeyKind::Private => "private",
            KeyKind::TrustAnchor => "trust-anchor",
        }
    }
}

/// The time a key may be used, judged against the present. Rotation is two keys whose windows overlap.
#[derive(Clone, Copy, Debug, Default)]
pub struct Window {
    /// Not usable before this.
    pub not_before: Option<Timestamp>,

    /// Not usable from this on.
    pub not_after: Option<Timestamp>,
}

impl Window {
    /// Whether a moment is inside.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.not_before.is_none_or(|start| start <= now) && self.not_after.is_none_or(|end| now < end)
    }
}

/// The keys of one source, at most [`MAX_KEYS`], each with its own name. Put the newest first: it is tried first.
#[derive(Debug, Default)]
pub struct Keyring {
    keys: Vec<Key>,
}

impl Keyring {
    /// No keys yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A ring of one shared secret, named `main`.
    pub fn of(secret: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let mut ring = Self::new();
        ring.add(Key::shared("main", secret)?)?;
        Ok(ring)
    }

    /// Add one. A 65th, or a name twice, is an error.
    pub fn add(&mut self, key: Key) -> Result<&mut Self, KeyError> {
        if self.keys.iter().any(|held| held.id == key.id) {
            return Err(KeyError::new("two keys have this name: give each its own").key(&key.id));
        }
        if self.keys.len() == MAX_KEYS {
            return Err(KeyError::new("a source holds at most 64 keys: forget the old ones").key(&key.id));
        }
        self.keys.push(key);
        Ok(self)
    }

    /// Every key and its place: what a mode binds, and what it reports a match by.
    pub fn iter(&self) -> impl Iterator<Item = (KeyIndex, &Key)> {
        self.keys.iter().enumerate().map(|(i, key)| (KeyIndex(i as u8), key))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

/// A key's place in its ring. Only [`Keyring::iter`] makes one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeyIndex(pub(crate) u8);

/// Some of a ring's keys.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct KeySet(u64);

impl KeySet {
    /// Add one.
    pub fn insert(&mut self, key: KeyIndex) {
        self.0 |= 1 << key.0;
    }

    /// Whether it is in.
    pub fn contains(self, key: KeyIndex) -> bool {
        self.0 & (1 << key.0) != 0
    }

    /// Whether none is.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those in either.
    pub fn union(self, other: Self) -> Self {
        KeySet(self.0 | other.0)
    }

    /// Those in both.
    pub fn intersect(self, other: Self) -> Self {
        KeySet(self.0 & other.0)
    }
}

impl FromIterator<KeyIndex> for KeySet {
    fn from_iter<I: IntoIterator<Item = KeyIndex>>(keys: I) -> Self {
        keys.into_iter().fold(Self::default(), |mut set, key| {
            set.insert(key);
            set
        })
    }
}

/// A key or variable that will not do: the operator's mistake, found before the first request. Names it, never its
/// bytes.
#[derive(Debug)]
pub struct KeyError {
    key: Option<KeyId>,
    message: Cow<'static, str>,
}

impl KeyError {
    /// What is wrong.
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        KeyError { key: None, message: message.into() }
    }

    /// With which key.
    pub fn key(self, key: &KeyId) -> Self {
        KeyError { key: Some(key.clone()), ..self }
    }

    /// What is wrong, without saying with which key: for whoever names that himself.
    pub fn without_key(&self) -> &str {
        &self.message
    }

    /// This scheme verifies only.
    pub fn cannot_sign() -> Self {
        Self::new("this scheme verifies only")
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Some(key) => write!(f, "key `{key}`: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for KeyError {}

/// Values a source gives to its preset: what `{var:NAME}` stands for. Prints names only.
#[derive(Clone, Default)]
pub struct Vars(BTreeMap<Arc<str>, Arc<str>>);

impl Vars {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// Set one.
    pub fn set(&mut self, name: impl Into<Arc<str>>, value: impl Into<Arc<str>>) -> &mut Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// Read one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|v| &**v)
    }

    /// The names that are set.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(|name| &**name)
    }
}

impl fmt::Debug for Vars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Something only the outside world can supply: a key set or a certificate.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct KeyRequest {
    /// What `name` is.
    pub kind: RequestKind,

    /// The URL, already checked against the preset's allowed hosts, or the name.
    pub name: Arc<str>,

    /// A copy fetched at or before this moment will not do: it lacked the key we were asked for.
    pub newer_than: Option<Timestamp>,
}

impl KeyRequest {
    /// Whatever copy there is will do.
    pub fn new(kind: RequestKind, name: impl Into<Arc<str>>) -> Self {
        KeyRequest { kind, name: name.into(), newer_than: None }
    }

    /// Only a copy fetched after `at` will do. A mode asks this only of a copy older than
    /// [`Context::now`](crate::Context::now); a key missing from one fetched just now is `unknown_key`.
    pub fn newer_than(self, at: Timestamp) -> Self {
        KeyRequest { newer_than: Some(at), ..self }
    }
}

/// How a host answers a [`KeyRequest`].
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum RequestKind {
    /// By a plain GET without credentials.
    Url,

    /// As the operator configured this name: a POST, a bearer token, a file.
    Named,
}

/// A fetched document, raw: what one scheme concluded from it is no business of another.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Document {
    /// As received.
    pub bytes: Arc<[u8]>,

    /// When.
    pub fetched_at: Timestamp,
}

impl Document {
    /// Bytes fetched at a moment.
    pub fn new(bytes: impl Into<Arc<[u8]>>, fetched_at: Timestamp) -> Self {
        Document { bytes: bytes.into(), fetched_at }
    }
}

/// What the host has fetched so far. `()` holds nothing.
pub trait KeyCache: Sync {
    /// What is held, however old; the mode judges its age.
    fn get(&self, kind: RequestKind, name: &str) -> Option<Document>;
}

impl KeyCache for () {
    fn get(&self, _: RequestKind, _: &str) -> Option<Document> {
        None
    }
}

/// A mode's own reading of a document, parsed once per copy; kept in the scheme, by identity of the copy.
///
/// Only parsing is remembered: trust and expiry are judged at every check. Holds the 16 newest copies.
#[derive(Debug)]
pub struct Memo<T> {
    held: Mutex<Vec<(Document, Arc<T>)>>,
}

impl<T> Memo<T> {
    const COPIES: usize = 16;

    /// Nothing read yet.
    pub fn new() -> Self {
        Memo { held: Mutex::new(Vec::new()) }
    }

    /// The reading of `document`: remembered, or by `parse` now. A failed reading is not remembered.
    pub fn read<E>(
        &self,
        document: &Document,
        parse: impl FnOnce(&[u8]) -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        let same = |(held, _): &&(Document, Arc<T>)| Arc::ptr_eq(&held.bytes, &document.bytes);
        // A poisoned lock holds whole entries all the same: pushing is the last thing done under it.
        if let Some((_, read)) = self.held.lock().unwrap_or_else(PoisonError::into_inner).iter().find(same) {
            return Ok(read.clone());
        }
        let read = Arc::new(parse(&document.bytes)?);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() == Self::COPIES {
            held.remove(0);
        }
        held.push((document.clone(), read.clone()));
        Ok(read)
    }
}

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_left_when_configuration_fails_is_no_secret() {
        for bad in ["", "   ", "\n", "undefined", "null", "None", "changeme", "${WEBHOOK_SECRET}"] {
            assert!(Secret::new(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert!(Secret::new(vec![b'x'; MAX_SECRET + 1]).is_err());
        assert!(Secret::new(&b"***"[..]).is_ok(), "no value of a secret changes what is done");
    }

    #[test]
    fn neither_a_secret_nor_what_holds_one_prints_it() {
        let ring = Keyring::of("hunter2").unwrap();
        let mut vars = Vars::new();
        vars.set("name", "hunter2");
        assert!(!format!("{ring:?}{vars:?}").contains("hunter2"));
        assert_eq!(format!("{:?}", Secret::new(&b"hunter2"[..]).unwrap()), "Secret(..)");
    }

    #[test]
    fn a_window_ends_before_its_end() {
        let at = Timestamp::from_unix;
        let window = Window { not_before: Some(at(10)), not_after: Some(at(20)) };
        assert_eq!([9, 10, 19, 20].map(|s| window.holds(at(s))), [false, true, true, false]);
    }

    #[test]
    fn a_ring_takes_64_keys_and_no_name_twice() {
        let mut ring = Keyring::new();
        for i in 0..MAX_KEYS {
            ring.add(Key::shared(format!("k{i}"), "secret").unwrap()).unwrap();
        }
        assert!(ring.add(Key::shared("more", "secret").unwrap()).is_err());
        let mut ring = Keyring::of("secret").unwrap();
        let twice = ring.add(Key::shared("main", "other").unwrap()).unwrap_err();
        assert_eq!(twice.to_string(), "key `main`: two keys have this name: give each its own");
    }

    #[test]
    fn a_document_is_parsed_once_a_copy() {
        let memo = Memo::new();
        let document = Document::new(&b"7"[..], Timestamp::from_unix(0));
        let mut parsed = 0;
        for _ in 0..3 {
            let read = memo.read(&document, |bytes| {
                parsed += 1;
                Ok::<_, ()>(bytes.len())
            });
            assert_eq!(*read.unwrap(), 1);
        }
        assert_eq!(parsed, 1);
    }
}
