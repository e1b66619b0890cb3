//! Key pairs, and the containers that public keys are carried in.

use crate::faults::deliveries::Look;
use crate::faults::random::{Random, base64, base64url, hex};
use aws_lc_rs::rsa::KeyPair as RsaPair;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use ed25519_dalek::SigningKey;

/// The public half of a pair, bare.
#[derive(Clone)]
pub(crate) enum Pair {
    Ed25519([u8; 32]),
    /// The point, uncompressed.
    P256(Vec<u8>),
    /// PKCS #1.
    Rsa(Vec<u8>),
}

const P256: &str = include_str!("../../../countersign-cli/tests/common/p256.pem");
const RSA: &str = include_str!("../../../countersign-cli/tests/common/rsa.pem");

/// A pair, its private half as the signer takes it, its public half as the preset wants it.
pub(crate) fn pair(look: Look, random: &mut Random) -> (Pair, Vec<u8>, Vec<u8>) {
    match look {
        Look::P256 => {
            let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &der(P256)).expect("a key");
            let pair = Pair::P256(key.public_key().as_ref().to_vec());
            let public = base64(&pair.spki());
            (pair, P256.into(), public.into())
        }
        Look::Rsa => {
            let key = RsaPair::from_pkcs8(&der(RSA)).expect("a key");
            let pair = Pair::Rsa(key.public_key().as_ref().to_vec());
            let public = pem(&pair.spki());
            (pair, RSA.into(), public.into())
        }
        _ => {
            let seed: [u8; 32] = random.bytes(32).try_into().expect("32 bytes");
            let public = SigningKey::from_bytes(&seed).verifying_key().to_bytes();
            let write = |bytes: &[u8], prefix: &str| match look {
                Look::Ed25519Hex => hex(bytes),
                Look::Whpk => format!("{prefix}{}", base64(bytes)),
                _ => base64(bytes),
            };
            (Pair::Ed25519(public), write(&seed, "whsk_").into(), write(&public, "whpk_").into())
        }
    }
}

impl Pair {
    /// `SubjectPublicKeyInfo`, RFC 5280.
    pub(crate) fn spki(&self) -> Vec<u8> {
        let (algorithm, key): (&[u8], &[u8]) = match self {
            Pair::Ed25519(key) => (&[0x30, 5, 6, 3, 0x2b, 0x65, 0x70], key),
            Pair::P256(point) => (
                &[
                    0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d,
                    3, 1, 7,
                ],
                point,
            ),
            Pair::Rsa(pkcs1) => (&[0x30, 0xd, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0xd, 1, 1, 1, 5, 0], pkcs1),
        };
        let bits = tagged(3, &[&[0], key].concat());
        tagged(0x30, &[algorithm, &bits].concat())
    }

    /// Without anything around it; RSA has none such.
    pub(crate) fn raw(&self) -> Option<&[u8]> {
        match self {
            Pair::Ed25519(key) => Some(key),
            Pair::P256(point) => Some(point),
            Pair::Rsa(_) => None,
        }
    }

    /// RFC 7517.
    pub(crate) fn jwk(&self) -> String {
        match self {
            Pair::Ed25519(key) => format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{}"}}"#, base64url(key)),
            Pair::P256(point) => format!(
                r#"{{"kty":"EC","crv":"P-256","x":"{}","y":"{}"}}"#,
                base64url(&point[1..33]),
                base64url(&point[33..])
            ),
            Pair::Rsa(pkcs1) => {
                let (n, e) = modulus_and_exponent(pkcs1);
                format!(r#"{{"kty":"RSA","n":"{}","e":"{}"}}"#, base64url(n), base64url(e))
            }
        }
    }
}

/// The two integers of a PKCS #1 key of 2048 bits, without leading zeros.
fn modulus_and_exponent(pkcs1: &[u8]) -> (&[u8], &[u8]) {
    // SEQUENCE, two bytes of length; INTEGER, two bytes of length, a zero; 256 bytes; INTEGER, its length.
    (&pkcs1[9..265], &pkcs1[267..])
}

fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len();
    let head: Vec<u8> = match len {
        0..128 => vec![tag, len as u8],
        128..256 => vec![tag, 0x81, len as u8],
        _ => vec![tag, 0x82, (len >> 8) as u8, len as u8],
    };
    [head, content.to_vec()].concat()
}

fn der(pem: &str) -> Vec<u8> {
    let text: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    base64_simd::STANDARD.decode_to_vec(text).expect("PEM")
}

pub(crate) fn pem(spki: &[u8]) -> String {
    let text = base64(spki);
    let lines: Vec<&str> = (0..text.len()).step_by(64).map(|at| &text[at..text.len().min(at + 64)]).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
}
