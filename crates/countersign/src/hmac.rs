//! The `hmac` mode: a keyed hash over a template, the way three providers in four sign.
//!
//! A key's two hash states are computed once, when the verifier is built; a request clones them and hashes its content
//! and no more. A tag is compared with every signature on the wire, whatever their number, in constant time.

use crate::ct;
use crate::keys::{KeyError, KeyKind};
use crate::mode::{Mode, ModeInfo, Status};
use crate::template::{Primitive, TemplateMode};
use hmac::block_api::HmacCore;
use hmac::digest::Output;
use hmac::digest::block_api::{Buffer, FixedOutputCore, UpdateCore};
use hmac::{EagerHash, KeyInit};
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

const ALGORITHMS: [&str; 5] = ["sha256", "sha1", "sha384", "sha512", "md5-legacy"];

/// A key: what hashing it, padded, leaves behind.
enum Keyed {
    Sha256(HmacCore<sha2::Sha256>),
    Sha1(HmacCore<sha1::Sha1>),
    Sha384(HmacCore<sha2::Sha384>),
    Sha512(HmacCore<sha2::Sha512>),
    Md5(HmacCore<md5::Md5>),
}

/// Content on its way through a key's hash. Nothing is boxed: a request that verifies allocates nothing.
enum Hashing {
    Sha256(Running<sha2::Sha256>),
    Sha1(Running<sha1::Sha1>),
    Sha384(Running<sha2::Sha384>),
    Sha512(Running<sha2::Sha512>),
    Md5(Running<md5::Md5>),
}

/// The two halves of an [`hmac::Hmac`]: a key has no use for a buffer, and what is ended in place need not be moved.
struct Running<D: EagerHash> {
    core: HmacCore<D>,
    buffer: Buffer<HmacCore<D>>,
}

impl<D: EagerHash> Running<D> {
    #[inline]
    fn of(key: &HmacCore<D>) -> Self {
        Running { core: key.clone(), buffer: Buffer::<HmacCore<D>>::default() }
    }

    #[inline]
    fn update(&mut self, piece: &[u8]) {
        let Self { core, buffer } = self;
        buffer.digest_blocks(piece, |blocks| core.update_blocks(blocks));
    }

    #[inline]
    fn whole(key: &HmacCore<D>, pieces: &[&[u8]]) -> Made {
        let mut running = Self::of(key);
        pieces.iter().for_each(|piece| running.update(piece));
        running.finish()
    }

    #[inline]
    fn finish(&mut self) -> Made {
        let mut tag = Output::<HmacCore<D>>::default();
        self.core.finalize_fixed_core(&mut self.buffer, &mut tag);
        Made::of(&tag)
    }
}

/// A finished MAC: of a fixed size, so that it moves without a call.
struct Made {
    bytes: [u8; 64],
    len: usize,
}

impl Made {
    #[inline]
    fn of(mac: &[u8]) -> Self {
        let mut bytes = [0; 64];
        bytes[..mac.len()].copy_from_slice(mac);
        Made { bytes, len: mac.len() }
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl Primitive for HmacPrimitive {
    type Key = Keyed;
    type State = Hashing;
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
            "sha1" => Keyed::Sha1(HmacCore::new_from_slice(bytes).map_err(refused)?),
            "sha384" => Keyed::Sha384(HmacCore::new_from_slice(bytes).map_err(refused)?),
            "sha512" => Keyed::Sha512(HmacCore::new_from_slice(bytes).map_err(refused)?),
            "md5-legacy" => Keyed::Md5(HmacCore::new_from_slice(bytes).map_err(refused)?),
            _ => Keyed::Sha256(HmacCore::new_from_slice(bytes).map_err(refused)?),
        })
    }

    #[inline]
    fn start(&self, key: &Keyed) -> Hashing {
        match key {
            Keyed::Sha256(key) => Hashing::Sha256(Running::of(key)),
            Keyed::Sha1(key) => Hashing::Sha1(Running::of(key)),
            Keyed::Sha384(key) => Hashing::Sha384(Running::of(key)),
            Keyed::Sha512(key) => Hashing::Sha512(Running::of(key)),
            Keyed::Md5(key) => Hashing::Md5(Running::of(key)),
        }
    }

    #[inline]
    fn update(&self, state: &mut Hashing, piece: &[u8]) {
        match state {
            Hashing::Sha256(running) => running.update(piece),
            Hashing::Sha1(running) => running.update(piece),
            Hashing::Sha384(running) => running.update(piece),
            Hashing::Sha512(running) => running.update(piece),
            Hashing::Md5(running) => running.update(piece),
        }
    }

    #[inline]
    fn finish(&self, mut state: Hashing) -> Self::Tag {
        match &mut state {
            Hashing::Sha256(running) => running.finish(),
            Hashing::Sha1(running) => running.finish(),
            Hashing::Sha384(running) => running.finish(),
            Hashing::Sha512(running) => running.finish(),
            Hashing::Md5(running) => running.finish(),
        }
    }

    // The state of the one hash is smaller than one that could be any's, and is never moved.
    #[inline]
    fn whole(&self, key: &Keyed, pieces: &[&[u8]]) -> Self::Tag {
        match key {
            Keyed::Sha256(key) => Running::whole(key, pieces),
            Keyed::Sha1(key) => Running::whole(key, pieces),
            Keyed::Sha384(key) => Running::whole(key, pieces),
            Keyed::Sha512(key) => Running::whole(key, pieces),
            Keyed::Md5(key) => Running::whole(key, pieces),
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
            "md5-legacy" => Some(
                "MD5: HMAC over it is not broken, but all else about MD5 is. Ask the provider for SHA-256",
            ),
            _ => None,
        }
    }
}
