//! Managed secrets, sealed: what the store holds is of no use to whoever has the store and not the key.
//!
//! AES-256-GCM (NIST SP 800-38D) with a random nonce for each. The name of the source and that of the key are part of what
//! is authenticated, so that whoever can write rows cannot move a secret that he knows to a source where he wants it known.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use countersign::{KeyError, KeyId, Secret};
use std::fmt;
use zeroize::Zeroizing;

/// The first byte of all that is sealed: how it is.
const VERSION: u8 = 1;

/// Fills with random bytes; false if there are none to be had. [`system_random`], where it matters.
pub type Random<'a> = &'a mut dyn FnMut(&mut [u8]) -> bool;

/// What the operating system has, through `aws-lc-rs`.
pub fn system_random(bytes: &mut [u8]) -> bool {
    aws_lc_rs::rand::fill(bytes).is_ok()
}

/// Seals and opens by one key.
pub struct Sealer {
    key: LessSafeKey,
}

/// Why a secret does not open.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum NotOpened {
    /// It is nothing that was sealed here.
    Unknown,

    /// It was sealed with another key, for another source or under another name, or was changed since.
    Wrong,
}

impl fmt::Display for NotOpened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NotOpened::Unknown => "this is nothing that this program has sealed",
            NotOpened::Wrong => {
                "it does not open: it was sealed with another key than `[store] key` gives now, or was moved or changed"
            }
        })
    }
}

impl std::error::Error for NotOpened {}

impl Sealer {
    /// By a key as an operator writes it: 32 bytes, in 64 hexadecimal digits or in base64.
    ///
    /// # Errors
    /// It is none, and how one is made.
    pub fn new(key: &Secret) -> Result<Self, KeyError> {
        let says = "the store's key is 32 bytes, in 64 hexadecimal digits or in base64: `openssl rand -hex 32` makes one";
        let bytes = Zeroizing::new(decode(key.expose()).ok_or_else(|| KeyError::new(says))?);
        if bytes.iter().all(|byte| *byte == bytes[0]) {
            return Err(KeyError::new(
                "the store's key is one byte 32 times: `openssl rand -hex 32` makes a good one",
            ));
        }
        let key = UnboundKey::new(&AES_256_GCM, &*bytes).map_err(|_| KeyError::new(says))?;
        Ok(Sealer { key: LessSafeKey::new(key) })
    }

    /// Seal a secret of a source. `None` if there is no randomness: without it nothing is safe.
    pub fn seal(&self, source: &str, id: &KeyId, secret: &Secret, random: Random<'_>) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        if !random(&mut nonce) {
            return None;
        }
        // Sealed where it is: what stays behind of it is wiped.
        let mut text = Zeroizing::new(secret.expose().to_vec());
        let aad = Aad::from(context(source, id));
        let tag =
            self.key.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), aad, &mut text).ok()?;
        Some([&[VERSION], &nonce[..], &text, tag.as_ref()].concat())
    }

    /// Open it again.
    ///
    /// # Errors
    /// It was not sealed so.
    pub fn open(&self, source: &str, id: &KeyId, sealed: &[u8]) -> Result<Secret, NotOpened> {
        let sealed = sealed.strip_prefix(&[VERSION]).ok_or(NotOpened::Unknown)?;
        let (nonce, text) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(NotOpened::Unknown)?;
        let mut text = Zeroizing::new(text.to_vec());
        let aad = Aad::from(context(source, id));
        let opened = self.key.open_in_place(Nonce::assume_unique_for_key(*nonce), aad, &mut text);
        let opened = opened.map_err(|_| NotOpened::Wrong)?;
        Secret::new(&*opened).map_err(|_| NotOpened::Unknown)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(..)")
    }
}

/// Whose it is: each part with its length before it, so that no end can be taken for a start.
fn context(source: &str, id: &KeyId) -> Vec<u8> {
    let mut context = b"countersign sealed secret v1".to_vec();
    for part in [source, id.as_str()] {
        context.extend_from_slice(&(part.len() as u64).to_be_bytes());
        context.extend_from_slice(part.as_bytes());
    }
    context
}

fn decode(text: &[u8]) -> Option<[u8; 32]> {
    if text.len() == 64 {
        let mut key = [0; 32];
        return const_hex::decode_to_slice(text, &mut key).ok().map(|()| key);
    }
    let bytes = Zeroizing::new(base64_simd::STANDARD.decode_to_vec(text).ok()?);
    bytes.as_slice().try_into().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.as_bytes()).unwrap()
    }

    fn sealer(key: &str) -> Sealer {
        Sealer::new(&secret(key)).unwrap()
    }

    const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    #[test]
    fn what_is_sealed_opens_where_it_belongs_and_nowhere_else() {
        let (sealer, id) = (sealer(HEX), KeyId::new("main"));
        let sealed = sealer.seal("payments", &id, &secret("hunter2"), &mut system_random).unwrap();
        assert_eq!(sealer.open("payments", &id, &sealed).unwrap().expose(), b"hunter2");
        for (source, id) in
            [("payment", "smain"), ("payments", "mai"), ("Payments", "main"), ("", "paymentsmain")]
        {
            assert_eq!(sealer.open(source, &KeyId::new(id), &sealed).unwrap_err(), NotOpened::Wrong);
        }
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(sealer.open("payments", &id, &changed).is_err(), "byte {at}");
            assert!(sealer.open("payments", &id, &sealed[..at]).is_err(), "cut at {at}");
        }
        let other = super::tests::sealer(&HEX.replace("00", "ff"));
        let error = other.open("payments", &id, &sealed).unwrap_err();
        assert!(error.to_string().contains("another key than `[store] key` gives"));
    }

    #[test]
    fn no_two_are_sealed_alike_and_none_without_randomness() {
        let (sealer, id) = (sealer(HEX), KeyId::new("main"));
        let seal = || sealer.seal("a", &id, &secret("hunter2"), &mut system_random).unwrap();
        assert_ne!(seal(), seal());
        assert!(sealer.seal("a", &id, &secret("hunter2"), &mut |_| false).is_none());
        // Written out, so that a change which would lock every store is noticed.
        let fixed = sealer
            .seal("a", &id, &secret("hunter2"), &mut |bytes| {
                bytes.fill(7);
                true
            })
            .unwrap();
        assert_eq!(
            const_hex::encode(&fixed),
            "01070707070707070707070707671fc8280a7de50e3c977d3c099df694cf369d828e7c9d"
        );
    }

    #[test]
    fn a_key_is_32_bytes_in_hex_or_base64() {
        let base64 = base64_simd::STANDARD.encode_to_string(const_hex::decode(HEX).unwrap());
        let id = KeyId::new("main");
        let sealed = sealer(&base64).seal("a", &id, &secret("hunter2"), &mut system_random).unwrap();
        assert!(sealer(HEX).open("a", &id, &sealed).is_ok());
        for bad in
            [&HEX[2..], "hunter2", &"a".repeat(32), &"0".repeat(64), &format!("{HEX}00"), &base64[..40]]
        {
            let error = Sealer::new(&secret(bad)).unwrap_err().to_string();
            assert!(error.contains("openssl rand -hex 32") && !error.contains(bad), "{error}");
        }
        assert_eq!(format!("{:?}", sealer(HEX)), "Sealer(..)");
    }
}
