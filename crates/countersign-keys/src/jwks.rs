//! Key sets: RFC 7517, section 5.
//!
//! A set is as its provider published it, today and in ten years: keys of kinds that we do not know are passed over, as the
//! RFC asks. A set with a shared secret in it is not: whoever published that has published more than they know.

use crate::algorithm::Algorithm;
use crate::json;
use crate::public::{PublicKey, Rules};
use crate::verify::Verifying;
use countersign::KeyId;
use serde_json::Value;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// How many bytes a key set has at most.
pub const MAX_JWKS: usize = 256 * 1024;

/// How many keys a key set has at most.
pub const MAX_JWKS_KEYS: usize = 100;

/// A key set. Keys are made ready when they are first asked for, and kept so.
pub struct Jwks(Vec<Entry>);

struct Entry {
    kid: Option<Arc<str>>,
    key: PublicKey,
    /// By the place of the algorithm.
    ready: Box<[OnceLock<Option<Verifying>>]>,
}

/// What a key set has for a signature.
#[derive(Debug)]
pub enum Found {
    /// The keys to try, at least one. More than one only where the set gives several keys one `kid`.
    Keys(Vec<NamedKey>),

    /// No key has that `kid`, or none fits.
    Unknown,

    /// There is a key of that `kid`, and it is of another algorithm, or too weak.
    Unfit,

    /// The signature names no key, and more than one fits.
    Ambiguous,
}

/// A key and what it is called: its `kid`, or else its thumbprint.
#[derive(Clone, Debug)]
pub struct NamedKey {
    /// Its name.
    pub id: KeyId,

    /// The key.
    pub key: Verifying,
}

/// Why a document is no key set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NoJwks {
    /// More than [`MAX_JWKS`] bytes.
    TooLong,

    /// Not JSON, or with a member twice.
    NotJson,

    /// Without a list `keys` of objects.
    NoKeys,

    /// More than [`MAX_JWKS_KEYS`] keys.
    TooManyKeys,

    /// With a shared or a private key among them.
    Secret,
}

impl NoJwks {
    /// In words.
    pub fn says(self) -> &'static str {
        match self {
            NoJwks::TooLong => "the key set is longer than 262144 bytes",
            NoJwks::NotJson => "the key set is not JSON, or has a member twice",
            NoJwks::NoKeys => "the key set has no list `keys`",
            NoJwks::TooManyKeys => "the key set has more than 100 keys",
            NoJwks::Secret => "the key set has a shared or private key in it, which is published now",
        }
    }
}

impl fmt::Display for NoJwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.says())
    }
}

impl std::error::Error for NoJwks {}

impl Jwks {
    /// Read a document. A key that cannot be read, is of an unknown kind, or may not verify by its own `use` or `key_ops`
    /// is passed over, so a set may come out empty.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoJwks> {
        if bytes.len() > MAX_JWKS {
            return Err(NoJwks::TooLong);
        }
        let json = json::parse(bytes).ok_or(NoJwks::NotJson)?;
        let keys = json.get("keys").and_then(Value::as_array).ok_or(NoJwks::NoKeys)?;
        if keys.len() > MAX_JWKS_KEYS {
            return Err(NoJwks::TooManyKeys);
        }
        if keys.iter().any(|key| key.get("kty").is_some_and(|kty| kty == "oct") || key.get("d").is_some()) {
            return Err(NoJwks::Secret);
        }
        let entry = |json: &Value| {
            let kid = match json.get("kid") {
                None => None,
                Some(kid) => Some(kid.as_str()?.into()),
            };
            let ready = Algorithm::all().iter().map(|_| OnceLock::new()).collect();
            Some(Entry { kid, key: PublicKey::from_jwk(json).ok()?, ready })
        };
        Ok(Jwks(keys.iter().filter_map(entry).collect()))
    }

    /// How many keys can be used.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none can.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys to try on a signature of this algorithm. Without a `kid` only where there is no choice: which of several
    /// keys a signature is of is the sender's to say.
    pub fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Found {
        self.find_under(kid, algorithm, Rules::default())
    }

    /// The same under rules of the caller's. Keys under other rules than the default are made ready at every call.
    pub fn find_under(&self, kid: Option<&str>, algorithm: Algorithm, rules: Rules) -> Found {
        let named = |entry: &&Entry| kid.is_none() || entry.kid.as_deref() == kid;
        let mut keys: Vec<_> =
            self.0.iter().filter(named).filter_map(|entry| entry.prepared(algorithm, rules)).collect();
        match (keys.len(), kid) {
            (0, Some(_)) if self.0.iter().any(|entry| named(&entry)) => Found::Unfit,
            (0, _) => Found::Unknown,
            (1, _) | (_, Some(_)) => {
                keys.shrink_to_fit();
                Found::Keys(keys)
            }
            (_, None) => Found::Ambiguous,
        }
    }
}

/// Prints how many.
impl fmt::Debug for Jwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Jwks({} keys)", self.0.len())
    }
}

impl Entry {
    fn prepared(&self, algorithm: Algorithm, rules: Rules) -> Option<NamedKey> {
        let ready = self.ready.get(algorithm.index())?;
        let key = match rules.small_rsa {
            true => self.key.prepare(algorithm, rules).ok()?,
            false => ready.get_or_init(|| self.key.prepare(algorithm, rules).ok()).clone()?,
        };
        let id = match &self.kid {
            Some(kid) => KeyId::new(kid.clone()),
            None => KeyId::new(self.key.thumbprint()),
        };
        Some(NamedKey { id, key })
    }
}
