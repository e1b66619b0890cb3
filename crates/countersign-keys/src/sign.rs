//! Signing, for whoever sends and for tests. RSA is signed by the C library alone, which does so in constant time.

use crate::algorithm::{Algorithm, With};
use crate::material::{Material, Private};
use crate::public::{self, PublicKey, Rules};
use crate::verify::{Content, Verifying};
use aws_lc_rs::signature::{EcdsaKeyPair, RsaEncoding, RsaKeyPair};
use countersign::KeyError;
use ed25519_dalek::{Signer, SigningKey};
use std::fmt;

/// A private key that is ready to sign. Wiped when dropped; prints nothing.
pub struct Signing {
    key: Key,
    public: PublicKey,
    verifying: Verifying,
}

enum Key {
    Ed25519(SigningKey),
    Ec(EcdsaKeyPair),
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
}

impl Signing {
    /// From any spelling of it: PKCS #8, PKCS #1 or SEC 1 in PEM or DER, a JWK with its `d`, and for Ed25519 the seed of 32
    /// bytes, or 64 with the public key behind. The halves must belong together. RSA has 2048 to 8192 bits.
    pub fn read(bytes: &[u8], algorithm: Algorithm) -> Result<Self, KeyError> {
        let raw =
            matches!(algorithm.with(), With::Ed25519 | With::Ed25519ph) && matches!(bytes.len(), 32 | 64);
        // 64 bytes may be text, too; but no PEM and no JWK of a private key is so short.
        let (private, public) = match raw {
            true => {
                let private = Private::ed25519(bytes)?;
                let public = match &private {
                    Private::Ed25519(key) => PublicKey::read(key.verifying_key().as_bytes())?,
                    _ => return Err(KeyError::cannot_sign()),
                };
                (private, public)
            }
            false => match public::read(bytes)?.0 {
                Material::Private(private) => (private, PublicKey::read(bytes)?),
                Material::Public(_) => {
                    return Err(KeyError::new("this is a public key: signing takes the private one"));
                }
            },
        };
        let verifying = public.prepare(algorithm, Rules::default())?;
        if !algorithm.can_sign() {
            let says = format!("`{}` only verifies here: sign with another algorithm", algorithm.word());
            return Err(KeyError::new(says));
        }
        let apart =
            |_| KeyError::new("the halves of the private key do not belong together, or it is broken");
        let key = match (private, algorithm.with()) {
            (Private::Ed25519(key), With::Ed25519 | With::Ed25519ph) => Key::Ed25519(key),
            (Private::Ec { scalar, point, .. }, With::Ecdsa { sign: Some(with), .. }) => {
                Key::Ec(EcdsaKeyPair::from_private_key_and_public_key(with, &scalar, &point).map_err(apart)?)
            }
            (Private::Rsa { der, .. }, With::Rsa { sign: Some(with), .. }) => {
                Key::Rsa(RsaKeyPair::from_der(&der).map_err(apart)?, *with)
            }
            _ => return Err(KeyError::cannot_sign()),
        };
        Ok(Signing { key, public, verifying })
    }

    /// The public half, ready to verify what this signs.
    pub fn verifying(&self) -> Verifying {
        self.verifying.clone()
    }

    /// The public half, to be shown and named.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Sign content that was taken in by the [`verifying`](Self::verifying) half, or by another key of the same algorithm.
    pub fn sign(&self, content: &Content) -> Result<Vec<u8>, KeyError> {
        let foreign = || KeyError::new("the content was taken in for another algorithm");
        let failed = |_| KeyError::new("the key does not sign");
        match &self.key {
            Key::Ed25519(key) => {
                match (content.whole(), content.prehash(), self.verifying.algorithm().with()) {
                    (Some(content), _, With::Ed25519) => Ok(key.sign(content).to_vec()),
                    (_, Some(hash), With::Ed25519ph) => {
                        let signed = key.sign_prehashed(hash.clone(), None);
                        signed
                            .map(|signature| signature.to_vec())
                            .map_err(|_| KeyError::new("the key does not sign"))
                    }
                    _ => Err(foreign()),
                }
            }
            Key::Ec(key) => {
                let signature = key.sign_digest(content.digest().ok_or_else(foreign)?).map_err(failed)?;
                Ok(signature.as_ref().to_vec())
            }
            Key::Rsa(key, with) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign_digest(*with, content.digest().ok_or_else(foreign)?, &mut signature)
                    .map_err(failed)?;
                Ok(signature)
            }
        }
    }
}

impl fmt::Debug for Signing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signing(..)")
    }
}
