//! Keys: a secret that both sides hold is for HMAC, a pair is for Ed25519, and neither is ever taken for the other.
//!
//! What sort a key is of is said where it is set up, never by an attestation: whoever could choose would sign with HMAC and
//! the public key, which everybody has. A pair has no name of its own; its id is the fingerprint of its public half.

use crate::attestation::{Algorithm, is_key_id};
use countersign::{Key, KeyError, KeyId, KeyKind, Keyring, Window};
use countersign_keys::{Algorithm as Primitive, PublicKey, Rules, Signing, Verifying};
use std::fmt;

/// A key to attest with. Wiped when dropped; prints its id alone.
pub struct SigningKey {
    id: String,
    half: Half,
}

enum Half {
    Hmac(Verifying),
    Ed25519(Box<Signing>),
}

impl SigningKey {
    /// A key of the kind `Shared` is for HMAC: at least 32 bytes, and nothing that is public. One of the kind `Private` is for
    /// Ed25519: PKCS #8 in PEM or DER, a JWK, or the seed. Windows of keys are not looked at: choosing one is the signer's.
    pub fn read(key: &Key) -> Result<Self, KeyError> {
        let Key { id, kind, material, .. } = key;
        let read = || match kind {
            KeyKind::Shared => Ok(SigningKey { id: named(id)?, half: Half::Hmac(hmac(material.expose())?) }),
            KeyKind::Private => {
                let signing = Signing::read(material.expose(), primitive(Algorithm::Ed25519)?)?;
                Ok(SigningKey { id: signing.public().thumbprint(), half: Half::Ed25519(Box::new(signing)) })
            }
            _ => Err(KeyError::new("attesting takes a shared secret (HMAC) or a private key (Ed25519)")),
        };
        read().map_err(|error: KeyError| error.key(id))
    }

    /// The id that attestations name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it signs with.
    pub fn algorithm(&self) -> Algorithm {
        match &self.half {
            Half::Hmac(_) => Algorithm::HmacSha256,
            Half::Ed25519(_) => Algorithm::Ed25519,
        }
    }

    /// `None` only if the library below does not do its work.
    pub(crate) fn sign(&self, content: &[u8]) -> Option<Vec<u8>> {
        match &self.half {
            Half::Hmac(key) => key.mac(&key.content(&[content])),
            Half::Ed25519(key) => key.sign(&key.verifying().content(&[content])).ok(),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, {})", self.id, self.algorithm().word())
    }
}

/// The keys that attestations are believed by, each with its own id.
#[derive(Debug)]
pub struct Keys(Vec<Held>);

#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) id: String,
    pub(crate) algorithm: Algorithm,
    pub(crate) window: Window,
    verifying: Verifying,
}

impl Keys {
    /// Keys of the kind `Shared` are for HMAC and named as in the ring, those of the kind `Public` for Ed25519 and named by
    /// their fingerprints. At least one, for a verifier without keys believes nothing.
    pub fn read(ring: &Keyring) -> Result<Self, KeyError> {
        let mut keys: Vec<Held> = Vec::new();
        for (_, key) in ring.iter() {
            let held = Held::read(key).map_err(|error| error.key(&key.id))?;
            if keys.iter().any(|other| other.id == held.id) {
                return Err(KeyError::new("this key is given twice, or another has its id").key(&key.id));
            }
            keys.push(held);
        }
        match keys.is_empty() {
            true => Err(KeyError::new("there is no key, and without one nothing can be believed: give one")),
            false => Ok(Keys(keys)),
        }
    }

    /// Their ids.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|key| &*key.id)
    }

    pub(crate) fn find(&self, id: &str) -> Option<&Held> {
        self.0.iter().find(|key| key.id == id)
    }
}

impl Held {
    fn read(key: &Key) -> Result<Self, KeyError> {
        let Key { id, kind, material, window, .. } = key;
        let (id, algorithm, verifying) = match kind {
            KeyKind::Shared => (named(id)?, Algorithm::HmacSha256, hmac(material.expose())?),
            KeyKind::Public => {
                let public = PublicKey::read(material.expose())?;
                let verifying = public.prepare(primitive(Algorithm::Ed25519)?, Rules::default())?;
                (public.thumbprint(), Algorithm::Ed25519, verifying)
            }
            _ => {
                let says = "attestations are verified with a shared secret (HMAC) or a public key (Ed25519)";
                return Err(KeyError::new(says));
            }
        };
        Ok(Held { id, algorithm, window: *window, verifying })
    }

    /// In constant time for HMAC, strictly for Ed25519: below, where all such comparisons are.
    pub(crate) fn verify(&self, content: &[u8], signature: &[u8]) -> bool {
        self.verifying.verify(&self.verifying.content(&[content]), signature)
    }
}

fn named(id: &KeyId) -> Result<String, KeyError> {
    let says = "a key's id has 1 to 256 letters, digits and . _ : - / # ? & = + % ~";
    is_key_id(id.as_str()).then(|| id.as_str().to_owned()).ok_or_else(|| KeyError::new(says))
}

fn hmac(secret: &[u8]) -> Result<Verifying, KeyError> {
    Verifying::hmac(secret, primitive(Algorithm::HmacSha256)?)
}

fn primitive(algorithm: Algorithm) -> Result<Primitive, KeyError> {
    // Both have the same words there.
    let word = algorithm.word();
    Primitive::from_word(word).ok_or_else(|| KeyError::new(format!("`{word}` is not to be had here")))
}
