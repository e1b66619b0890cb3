//! Public keys, as operators write them and providers publish them.

use crate::algorithm::{Algorithm, Curve, Family};
use crate::material::{Material, Public};
use crate::verify::Verifying;
use crate::{json, jwk, pem};
use countersign::KeyError;
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// A public key, parsed and checked: a point is on its curve and of no small order, a modulus is odd and of 1024 to 8192
/// bits. What it may verify is decided by [`prepare`](Self::prepare).
#[derive(Clone)]
pub struct PublicKey {
    pub(crate) public: Public,
    /// What its JWK says it is for, in words of JOSE.
    alg: Option<Arc<str>>,
}

/// What is asked of a key. The default is what is sound today.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Rules {
    /// Take RSA keys from 1024 bits on, and any odd exponent from 3 on. Such keys can be broken, or soon could be: only for
    /// a provider that has nothing better.
    pub small_rsa: bool,
}

impl Rules {
    /// RSA keys that can be broken, or soon could be, are taken too.
    pub fn with_small_rsa(self) -> Self {
        Rules { small_rsa: true }
    }
}

impl PublicKey {
    /// From any spelling of it.
    ///
    /// PEM with one block (`PUBLIC KEY`, `RSA PUBLIC KEY`, or a private key, of which the public half is taken); a JWK; DER
    /// of any of these; an Ed25519 key of 32 bytes; an uncompressed point of P-256, P-384 or P-521. They cannot be
    /// confused: lengths decide first, and no other spelling has those.
    pub fn read(bytes: &[u8]) -> Result<Self, KeyError> {
        match (bytes.len(), bytes.first()) {
            (32, _) => Public::ed25519(bytes).map(Self::new),
            (65, Some(4)) => Public::point(Curve::P256, bytes).map(Self::new),
            (97, Some(4)) => Public::point(Curve::P384, bytes).map(Self::new),
            (133, Some(4)) => Public::point(Curve::P521, bytes).map(Self::new),
            _ => {
                let (material, alg) = read(bytes)?;
                let key = Self::new(material.into_public()).sized()?;
                Ok(PublicKey { alg, ..key })
            }
        }
    }

    /// From a `SubjectPublicKeyInfo` in DER: RFC 5280, section 4.1.
    pub fn from_spki(der: &[u8]) -> Result<Self, KeyError> {
        Public::from_spki(der).map(Self::new)?.sized()
    }

    /// From a JWK. Its `use` and `key_ops` must allow verifying; its `alg` binds it to that algorithm.
    pub fn from_jwk(json: &Value) -> Result<Self, KeyError> {
        let key = Self::new(jwk::read(json)?.into_public()).sized()?;
        Ok(PublicKey { alg: alg(json), ..key })
    }

    /// What sort of key it is, in words.
    pub fn kind(&self) -> &'static str {
        match &self.public {
            Public::Ed25519(_) => "an Ed25519 key",
            Public::Ec(Curve::P256, _) => "an ECDSA key on P-256",
            Public::Ec(Curve::P384, _) => "an ECDSA key on P-384",
            Public::Ec(Curve::P521, _) => "an ECDSA key on P-521",
            Public::Rsa(rsa) if rsa.pss_only => "an RSA key for PSS alone",
            Public::Rsa(_) => "an RSA key",
        }
    }

    /// Whether it is of an algorithm's family, and of its very algorithm where its JWK names one. Its size is another
    /// matter, and [`prepare`](Self::prepare)'s.
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        let family = match (&self.public, algorithm.family()) {
            (Public::Ed25519(_), Family::Ed25519) | (Public::Rsa(_), Family::RsaPss) => true,
            (Public::Ec(curve, _), Family::Ecdsa(of)) => *curve == of,
            (Public::Rsa(rsa), Family::RsaPkcs1) => !rsa.pss_only,
            _ => false,
        };
        // The JWK of a key whose signatures come as DER still says ES256.
        let named = |alg: &Arc<str>| Algorithm::jose(alg).is_some_and(|named| named.is_kin(algorithm));
        family && self.alg.as_ref().is_none_or(named)
    }

    /// Its thumbprint: RFC 7638 with SHA-256, 43 characters of base64url.
    pub fn thumbprint(&self) -> String {
        jwk::thumbprint(&self.public)
    }

    /// Make it ready to verify. Costs some microseconds, once.
    pub fn prepare(&self, algorithm: Algorithm, rules: Rules) -> Result<Verifying, KeyError> {
        if !self.fits(algorithm) {
            let says = match &self.alg {
                Some(alg) => format!("the JWK is for `{alg}`, and `{}` is asked for", algorithm.word()),
                None => format!("this is {}, and `{}` is asked for", self.kind(), algorithm.word()),
            };
            return Err(KeyError::new(says));
        }
        Verifying::new(&self.public, algorithm, rules)
    }

    pub(crate) fn new(public: Public) -> Self {
        PublicKey { public, alg: None }
    }

    /// Sizes that no rules allow.
    fn sized(self) -> Result<Self, KeyError> {
        match &self.public {
            Public::Rsa(rsa) if rsa.bits() > 8192 => Err(KeyError::new(
                "the RSA key has more than 8192 bits: none so big is taken, for it is slow",
            )),
            Public::Rsa(rsa) if rsa.bits() < 1024 => {
                Err(KeyError::new("the RSA key has less than 1024 bits: anybody can break it"))
            }
            Public::Rsa(rsa) if *rsa.e == [1] => {
                Err(KeyError::new("the RSA key has the exponent 1: anybody could sign for it"))
            }
            _ => Ok(self),
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({}, {})", self.kind(), self.thumbprint())
    }
}

/// What a text or DER holds, and what its JWK says it is for.
pub(crate) fn read(bytes: &[u8]) -> Result<(Material, Option<Arc<str>>), KeyError> {
    if pem::is_pem(bytes) {
        return Material::from_pem(bytes).map(|material| (material, None));
    }
    match bytes.trim_ascii_start().first() {
        Some(b'{') => {
            let mut json = json::parse(bytes)
                .ok_or_else(|| KeyError::new("the JWK is not JSON, or has a member twice"))?;
            let read = jwk::read(&json).map(|material| (material, alg(&json)));
            json::wipe(&mut json);
            read
        }
        _ if bytes.first() == Some(&0x30) => Material::from_der(bytes).map(|material| (material, None)),
        _ => Err(KeyError::new(
            "this is no key: PEM, DER, a JWK, 32 bytes of Ed25519 or an uncompressed point are",
        )),
    }
}

/// What a JWK is for. Something that is no text is for nothing that we know.
fn alg(json: &Value) -> Option<Arc<str>> {
    json.get("alg").map(|alg| alg.as_str().unwrap_or("?").into())
}
