//! Verifying: a key made ready, content taken in, a signature judged.
//!
//! ECDSA and RSA sign a digest, so content is hashed as it arrives. Ed25519 hashes it twice, the second time after the
//! first has told with what: all of it is kept. That is the algorithm's nature, and the reason why Ed25519ph exists.

use crate::algorithm::{Algorithm, With, ecdsa_parameters, rsa_parameters};
use crate::material::Public;
use crate::public::{PublicKey, Rules};
use crate::{der, json, pem};
use aws_lc_rs::digest::{self, Digest, SHA1_FOR_LEGACY_USE_ONLY as SHA1};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::ParsedPublicKey;
use countersign::{KeyError, ct};
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest as _, Sha256, Sha512};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// A key that is ready to verify. Cheap to clone; nothing is decoded when it is used.
#[derive(Clone)]
pub struct Verifying(Arc<Ready>);

struct Ready {
    algorithm: Algorithm,
    key: Key,
}

enum Key {
    Ed25519(VerifyingKey),
    /// ECDSA and RSA.
    Parsed(ParsedPublicKey),
    Hmac(Box<hmac::Key>),
}

impl Verifying {
    /// A shared secret, for HMAC. It has at least as many bytes as the hash, and is nothing that is public: where a sender
    /// may choose between HMAC and public keys, who knows the public key could sign with it.
    pub fn hmac(secret: &[u8], algorithm: Algorithm) -> Result<Self, KeyError> {
        let With::Hmac(hash) = algorithm.with() else {
            return Err(KeyError::new(format!("`{}` takes no shared secret", algorithm.word())));
        };
        if looks_public(secret) {
            return Err(KeyError::new(
                "this is a public key or a certificate, and everybody has it: it is no secret",
            ));
        }
        let least = algorithm.hash().output_len();
        if secret.len() < least {
            let says = format!("a secret for `{}` has at least {least} bytes (RFC 7518)", algorithm.word());
            return Err(KeyError::new(says));
        }
        Ok(Self::of(algorithm, Key::Hmac(Box::new(hmac::Key::new(*hash, secret)))))
    }

    /// What it verifies with.
    pub fn algorithm(&self) -> Algorithm {
        self.0.algorithm
    }

    /// Begin to take content in.
    pub fn start(&self) -> Hashing {
        Hashing(match (&self.0.key, self.0.algorithm.with()) {
            (Key::Hmac(key), _) => Taking::Mac(Box::new(hmac::Context::with_key(key)), self.0.clone()),
            (_, With::Ed25519) => Taking::Whole(Vec::new()),
            (_, With::Ed25519ph) => Taking::Prehash(Sha512::new()),
            _ => Taking::Digest(digest::Context::new(self.0.algorithm.hash())),
        })
    }

    /// Content that is all there.
    pub fn content(&self, pieces: &[&[u8]]) -> Content {
        let mut hashing = self.start();
        if let Taking::Whole(content) = &mut hashing.0 {
            content.reserve_exact(pieces.iter().map(|piece| piece.len()).sum());
        }
        pieces.iter().for_each(|piece| hashing.update(piece));
        hashing.finish()
    }

    /// Whether the signature is of this content and key. Content of another hash never is, and neither is a MAC's of
    /// another secret. Costs some 50 µs for Ed25519 and P-256, 200 µs for P-384, 350 µs for P-521, 20 µs for RSA of 2048 bits
    /// and more for bigger keys.
    pub fn verify(&self, content: &Content, signature: &[u8]) -> bool {
        match (&self.0.key, &content.0) {
            (Key::Ed25519(key), Taken::Whole(content)) if self.is_pure() => {
                // Strict: a weak key or R, and any S but the smallest, are refused.
                Signature::from_slice(signature)
                    .is_ok_and(|signature| key.verify_strict(content, &signature).is_ok())
            }
            (Key::Ed25519(key), Taken::Prehash(hash)) if !self.is_pure() => Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_prehashed_strict(hash.clone(), None, &signature).is_ok()),
            (Key::Parsed(key), Taken::Digest(digest)) if self.is_ecdsa_over_sha1() => {
                lengthened(digest).is_some_and(|digest| key.verify_digest_sig(&digest, signature).is_ok())
            }
            (Key::Parsed(key), Taken::Digest(digest)) => key.verify_digest_sig(digest, signature).is_ok(),
            (Key::Hmac(_), Taken::Mac(tag, of)) => {
                Arc::ptr_eq(&self.0, of) && ct::equal(tag.as_ref(), signature)
            }
            _ => false,
        }
    }

    /// The MAC of this content; `None` if the key makes none, or the content was not taken in by it.
    pub fn mac(&self, content: &Content) -> Option<Vec<u8>> {
        match &content.0 {
            Taken::Mac(tag, of) if Arc::ptr_eq(&self.0, of) => Some(tag.as_ref().to_vec()),
            _ => None,
        }
    }

    pub(crate) fn new(public: &Public, algorithm: Algorithm, rules: Rules) -> Result<Self, KeyError> {
        let unfit = || KeyError::new(format!("the key is not for `{}`", algorithm.word()));
        let key = match public {
            Public::Ed25519(key) => Key::Ed25519(*key),
            Public::Ec(_, point) => {
                let parameters = ecdsa_parameters(algorithm.with()).ok_or_else(unfit)?;
                Key::Parsed(ParsedPublicKey::new(parameters, point).map_err(|_| unfit())?)
            }
            Public::Rsa(rsa) => {
                let small = rsa.bits() < 2048;
                if (small || !rsa.has_big_exponent()) && !rules.small_rsa {
                    let says = match small {
                        true => {
                            format!("the RSA key has {} bits, and less than 2048 are not safe", rsa.bits())
                        }
                        false => "the RSA key has an exponent below 65537, which is not safe".to_owned(),
                    };
                    return Err(KeyError::new(says));
                }
                let too_small = || {
                    KeyError::new(format!("`{}` is not to be had with less than 2048 bits", algorithm.word()))
                };
                let parameters = rsa_parameters(algorithm.with(), small).ok_or_else(too_small)?;
                let parsed = ParsedPublicKey::new(parameters, &*rsa.der());
                Key::Parsed(parsed.map_err(|_| KeyError::new("these numbers are no RSA key"))?)
            }
        };
        Ok(Self::of(algorithm, key))
    }

    fn of(algorithm: Algorithm, key: Key) -> Self {
        Verifying(Arc::new(Ready { algorithm, key }))
    }

    fn is_pure(&self) -> bool {
        matches!(self.0.algorithm.with(), With::Ed25519)
    }

    fn is_ecdsa_over_sha1(&self) -> bool {
        let algorithm = self.0.algorithm;
        matches!(algorithm.with(), With::Ecdsa { .. }) && *algorithm.hash() == SHA1
    }
}

/// Prints the algorithm alone: the key may be a secret.
impl fmt::Debug for Verifying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifying({})", self.0.algorithm.word())
    }
}

/// Content taken in so far.
pub struct Hashing(Taking);

enum Taking {
    Digest(digest::Context),
    Whole(Vec<u8>),
    Prehash(Sha512),
    Mac(Box<hmac::Context>, Arc<Ready>),
}

impl Hashing {
    /// Take the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        match &mut self.0 {
            Taking::Digest(context) => context.update(piece),
            Taking::Whole(content) => content.extend_from_slice(piece),
            Taking::Prehash(hash) => hash.update(piece),
            Taking::Mac(context, _) => context.update(piece),
        }
    }

    /// The content has ended.
    pub fn finish(self) -> Content {
        Content(match self.0 {
            Taking::Digest(context) => Taken::Digest(context.finish()),
            Taking::Whole(content) => Taken::Whole(content),
            Taking::Prehash(hash) => Taken::Prehash(hash),
            Taking::Mac(context, of) => Taken::Mac(context.sign(), of),
        })
    }
}

/// What all the content came to. The same for every key and algorithm with one hash, except for HMAC and Ed25519.
pub struct Content(Taken);

enum Taken {
    Digest(Digest),
    Whole(Vec<u8>),
    Prehash(Sha512),
    Mac(hmac::Tag, Arc<Ready>),
}

impl Content {
    /// What stays the same when the same content comes with another of its signatures: its digest or MAC, cut or
    /// zero-padded. For Ed25519 the content is hashed for it, with SHA-256.
    pub fn fingerprint(&self) -> [u8; 32] {
        match &self.0 {
            Taken::Digest(digest) => cut(digest.as_ref()),
            Taken::Whole(content) => Sha256::digest(content).into(),
            Taken::Prehash(hash) => cut(&hash.clone().finalize()),
            Taken::Mac(tag, _) => cut(tag.as_ref()),
        }
    }

    /// The content itself, where the algorithm kept it: Ed25519. Else back what it came to.
    #[expect(clippy::result_large_err, reason = "what is not taken is given back, and neither is boxed")]
    pub fn into_whole(self) -> Result<Vec<u8>, Self> {
        match self.0 {
            Taken::Whole(content) => Ok(content),
            other => Err(Content(other)),
        }
    }

    pub(crate) fn digest(&self) -> Option<&Digest> {
        match &self.0 {
            Taken::Digest(digest) => Some(digest),
            _ => None,
        }
    }

    pub(crate) fn whole(&self) -> Option<&[u8]> {
        match &self.0 {
            Taken::Whole(content) => Some(content),
            _ => None,
        }
    }

    pub(crate) fn prehash(&self) -> Option<&Sha512> {
        match &self.0 {
            Taken::Prehash(hash) => Some(hash),
            _ => None,
        }
    }
}

/// A SHA-1 digest, and no other, as the library takes it for ECDSA. It has none over SHA-1, and for P-256 it wants the 32
/// bytes of SHA-256. What ECDSA works with is the integer that a hash's leftmost bits are, as many as the order has; a
/// shorter hash is taken as it is (FIPS 186-5, section 6.4; `bits2int` of RFC 6979, section 2.3.2). Zero bytes before it do
/// not change that integer, and so the same signatures verify. That anything has such a SHA-256 is as unlikely as that it has
/// the SHA-1 behind the zeros, and 96 bits more.
fn lengthened(digest: &Digest) -> Option<Digest> {
    if *digest.algorithm() != SHA1 {
        return None;
    }
    let mut bytes = [0; 32];
    bytes[12..].copy_from_slice(digest.as_ref());
    Digest::import_less_safe(&bytes, &digest::SHA256).ok()
}

fn cut(digest: &[u8]) -> [u8; 32] {
    let mut print = [0; 32];
    let length = digest.len().min(print.len());
    print[..length].copy_from_slice(&digest[..length]);
    print
}

/// Whether a would-be secret is something that is published. Any 32 bytes may be an Ed25519 key, so raw ones are not asked.
fn looks_public(secret: &[u8]) -> bool {
    let der = |bytes: &[u8]| {
        let certificate = |bytes| {
            let mut inside = der::Der::only_sequence(bytes)?;
            inside.sequence()?;
            inside.sequence()?;
            inside.bits()
        };
        PublicKey::from_spki(bytes).is_ok() || certificate(bytes).is_some()
    };
    let is_jwk = || {
        json::parse(secret).is_some_and(|mut json| {
            let is_jwk = json.get("kty").is_some() || json.get("keys").is_some();
            json::wipe(&mut json);
            is_jwk
        })
    };
    let in_base64 = || {
        let bytes = base64_simd::STANDARD.decode_to_vec(secret.trim_ascii()).map(Zeroizing::new);
        bytes.is_ok_and(|bytes| der(&bytes))
    };
    let is_point = || secret.first() == Some(&4) && PublicKey::read(secret).is_ok();
    pem::is_pem(secret) || der(secret) || is_jwk() || is_point() || in_base64()
}
