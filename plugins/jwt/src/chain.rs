//! Keys that come in the header as a chain of certificates (`x5c`, RFC 7515, section 4.1.6), to a pinned root.
//!
//! The path that was found is remembered by the digest of the chain; its validity is judged at every request all the same.

use crate::detail;
use crate::plan::Allowed;
use base64_simd::STANDARD;
use countersign::template::Claims;
use countersign::{Key, KeyError, KeyId, KeyIndex, KeySet, Rejection, Timestamp};
use countersign_keys::chain::{Anchors, Demands, Leaf, MAX_CHAIN, Recent, Untrusted, verify_chain};
use countersign_keys::{Rules, Verifying};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// What the preset says of a chain.
#[derive(Clone)]
pub(crate) struct Shape {
    /// How many certificates it has, if it is always as many.
    pub(crate) length: Option<usize>,
    pub(crate) demands: Demands,
}

/// The pinned roots, and the paths that were found to them.
pub(crate) struct Chains {
    shape: Shape,
    anchors: Anchors,
    places: Box<[KeyIndex]>,
    allowed: Arc<[Allowed]>,
    recent: Recent<Path>,
}

/// A chain that leads to a root.
struct Path {
    leaf: Leaf,
    id: KeyId,
    anchors: KeySet,
    /// The key, ready for each algorithm that it is for.
    ready: Vec<(&'static str, Verifying)>,
}

/// A key out of a chain.
#[derive(Debug)]
pub(crate) struct Trusted {
    pub(crate) key: Verifying,
    pub(crate) id: KeyId,
    pub(crate) anchors: KeySet,
}

impl Chains {
    /// Pin these roots.
    pub(crate) fn new<'k>(
        roots: impl Iterator<Item = (KeyIndex, &'k Key, countersign::Secret)>,
        shape: Shape,
        allowed: Arc<[Allowed]>,
    ) -> Result<Self, KeyError> {
        let (mut places, mut certificates) = (Vec::new(), Vec::new());
        for (index, key, root) in roots {
            Anchors::pinned([root.expose()]).map_err(|error| error.key(&key.id))?;
            places.push(index);
            certificates.push(root.expose().to_vec());
        }
        let anchors = Anchors::pinned(&certificates)?;
        Ok(Chains { shape, anchors, places: places.into(), allowed, recent: Recent::default() })
    }

    /// The key of the first certificate, if all of them lead to a root and are valid now.
    pub(crate) fn find(
        &self,
        header: &Claims<'_>,
        wanted: &Allowed,
        now: Timestamp,
    ) -> Result<Trusted, Rejection> {
        let chain = self.read(header)?;
        let mut hash = Sha256::new();
        for der in &chain {
            hash.update(der.len().to_be_bytes());
            hash.update(der);
        }
        let digest = hash.finalize().into();
        let path = self.recent.of(digest, now, || self.believe(&chain, now)).map_err(untrusted)?;
        let ready = path.ready.iter().find(|(name, _)| *name == wanted.name);
        let (_, key) = ready.ok_or(detail::KEY_UNFIT)?;
        Ok(Trusted { key: key.clone(), id: path.id.clone(), anchors: path.anchors })
    }

    /// The certificates, in DER. Each is base64 as everywhere else in the world but in a token, and on one line.
    fn read(&self, header: &Claims<'_>) -> Result<Vec<Vec<u8>>, Rejection> {
        let texts = header.texts("/x5c").ok_or(detail::CHAIN_SHAPE)?;
        let fits = match self.shape.length {
            Some(length) => texts.len() == length,
            None => (1..=MAX_CHAIN).contains(&texts.len()),
        };
        if !fits {
            return Err(detail::CHAIN_SHAPE.because("their number"));
        }
        let der = |text: &str| {
            STANDARD.decode_to_vec(text).map_err(|_| detail::CHAIN_SHAPE.because("their base64"))
        };
        texts.iter().map(|text| der(text)).collect()
    }

    fn believe(&self, chain: &[Vec<u8>], now: Timestamp) -> Result<Path, Untrusted> {
        let leaf = verify_chain(chain, &self.anchors, now, &self.shape.demands)?;
        let prepared = |allowed: &Allowed| {
            Some((allowed.name, leaf.key.prepare(allowed.algorithm, Rules::default()).ok()?))
        };
        Ok(Path {
            id: KeyId::new(leaf.key.thumbprint()),
            anchors: leaf.anchors.iter().filter_map(|place| self.places.get(*place).copied()).collect(),
            ready: self.allowed.iter().filter_map(prepared).collect(),
            leaf,
        })
    }
}

impl AsRef<Leaf> for Path {
    fn as_ref(&self) -> &Leaf {
        &self.leaf
    }
}

fn untrusted(why: Untrusted) -> Rejection {
    match why {
        Untrusted::Malformed | Untrusted::ChainLength => detail::CHAIN_SHAPE.because(why),
        why => detail::CHAIN_UNTRUSTED.because(why),
    }
}
