//! The `hmac` mode: a keyed hash over a template, the way three providers in four sign.
//!
//! A key's two hash states are computed once, when the verifier is built; a request clones them and hashes its content
//! and no more. A tag is compared with every signature on the wire, whatever their number, in constant time.

use crate::ct;
use crate::keys::{KeyError, KeyKind};
use crate::mode::{Mode, ModeInfo, Status};
use crate::template::{Primitive, TemplateMode};
use hmac::{Hmac, KeyInit, Mac};
use std::sync::Arc;

/// The mode, as [`Registry::new`](crate::Registry::new) registers it.
pub(crate) fn mode() -> Arc<dyn Mode> {
    Arc::new(TemplateMode::new(INFO, HmacPrimitive))
}

const INFO: ModeInfo = ModeInfo::new(
    "hmac",
    "a keyed hash (RFC 2104) over a template",
    r#"algorithm = "sha256"
signed_template = "{body}"
signature_source = { header = "x-signature", encoding = "hex" }
key = { forms = [{ decode = "text" }] }
"#,
    &[],
    Status::Stable,
);

struct HmacPrimitive;

const ALGORITHMS: [&str; 4] = ["sha256", "sha1", "sha384", "sha512"];

/// A keyed state: what hashing the padded key leaves behind. None is boxed: a request that verifies allocates nothing.
#[derive(Clone)]
enum Keyed {
    Sha256(Hmac<sha2::Sha256>),
    Sha1(Hmac<sha1::Sha1>),
    Sha384(Hmac<sha2::Sha384>),
    Sha512(Hmac<sha2::Sha512>),
}

/// A finished MAC: of a fixed size, so that it moves without a call.
struct Made {
    bytes: [u8; 64],
    len: usize,
}

impl Made {
    #[inline]
    fn new<const N: usize>(mac: [u8; N]) -> Self {
        let mut bytes = [0; 64];
        bytes[..N].copy_from_slice(&mac);
        Made { bytes, len: N }
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl Primitive for HmacPrimitive {
    type Key = Keyed;
    type State = Keyed;
    type Tag = Made;

    fn algorithms(&self) -> &'static [&'static str] {
        &ALGORITHMS
    }

    fn key(&self, algorithm: usize, _: KeyKind, bytes: &[u8]) -> Result<Keyed, KeyError> {
        if bytes.is_empty() {
            return Err(KeyError::new("the key is empty: anyone could sign"));
        }
        let refused = |_| KeyError::new("the key does not fit the hash");
        Ok(match ALGORITHMS[algorithm] {
            "sha1" => Keyed::Sha1(Hmac::new_from_slice(bytes).map_err(refused)?),
            "sha384" => Keyed::Sha384(Hmac::new_from_slice(bytes).map_err(refused)?),
            "sha512" => Keyed::Sha512(Hmac::new_from_slice(bytes).map_err(refused)?),
            _ => Keyed::Sha256(Hmac::new_from_slice(bytes).map_err(refused)?),
        })
    }

    #[inline(always)]
    fn start(&self, key: &Keyed) -> Keyed {
        key.clone()
    }

    #[inline(always)]
    fn update(&self, state: &mut Keyed, piece: &[u8]) {
        match state {
            Keyed::Sha256(mac) => mac.update(piece),
            Keyed::Sha1(mac) => mac.update(piece),
            Keyed::Sha384(mac) => mac.update(piece),
            Keyed::Sha512(mac) => mac.update(piece),
        }
    }

    #[inline(always)]
    fn finish(&self, state: Keyed) -> Self::Tag {
        match state {
            Keyed::Sha256(mac) => Made::new(mac.finalize().into_bytes().0),
            Keyed::Sha1(mac) => Made::new(mac.finalize().into_bytes().0),
            Keyed::Sha384(mac) => Made::new(mac.finalize().into_bytes().0),
            Keyed::Sha512(mac) => Made::new(mac.finalize().into_bytes().0),
        }
    }

    #[inline]
    fn matches(&self, _: &Keyed, tag: &Self::Tag, signature: &[u8]) -> bool {
        ct::equal(tag.bytes(), signature)
    }

    #[inline]
    fn fingerprint(&self, tag: &Self::Tag) -> [u8; 32] {
        // Shorter MACs have zeros behind them.
        *tag.bytes.first_chunk().unwrap_or(&[0; 32])
    }

    fn sign(&self, _: &Keyed, tag: &Self::Tag) -> Option<Vec<u8>> {
        Some(tag.bytes().to_vec())
    }

    fn mac(&self, tag: &Self::Tag) -> Option<Vec<u8>> {
        Some(tag.bytes().to_vec())
    }

    fn note(&self, algorithm: usize) -> Option<&'static str> {
        match ALGORITHMS[algorithm] {
            "sha1" => Some("SHA-1: HMAC over it still stands, but nothing new should use it"),
            _ => None,
        }
    }
}
