//! Chains that came with messages and were believed, so that the next message need not prove the same again.

use crate::chain::{Leaf, Untrusted};
use countersign::Timestamp;
use std::sync::{Arc, Mutex, PoisonError};

/// How many are remembered.
const REMEMBERED: usize = 16;

/// The 16 chains that were believed last, and what was made of each.
///
/// To judge a chain costs ten times what a signature does, and a sender shows the same one in every message. What is
/// remembered holds in the time that [`Leaf::judge`] says, which is asked at every message; past it the chain is judged
/// anew. Only the believed are in it, each certificate once: whoever sends others, or one of them in ever new spellings,
/// pushes none of the rest out.
pub struct Recent<T>(Mutex<Vec<([u8; 32], Arc<T>)>>);

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Recent(Mutex::default())
    }
}

impl<T: AsRef<Leaf>> Recent<T> {
    /// What is remembered by this digest of the whole chain, if it holds now; else what `believe` makes.
    ///
    /// # Errors
    ///
    /// Those of `believe`.
    pub fn of(
        &self,
        digest: [u8; 32],
        now: Timestamp,
        believe: impl FnOnce() -> Result<T, Untrusted>,
    ) -> Result<Arc<T>, Untrusted> {
        // A poisoned lock holds whole entries all the same: pushing is the last thing done under it.
        let held = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = held().iter().find(|(known, _)| *known == digest).map(|(_, kept)| kept.clone());
        if let Some(kept) = known.filter(|kept| T::as_ref(kept).judge(now).is_ok()) {
            return Ok(kept);
        }
        let believed = Arc::new(believe()?);
        let mut held = held();
        held.retain(|(_, kept)| T::as_ref(kept).print != T::as_ref(&believed).print);
        if held.len() == REMEMBERED {
            held.remove(0);
        }
        held.push((digest, believed.clone()));
        Ok(believed)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::chain::{Anchors, Demands, certificates, verify_chain};
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    use sha2::{Digest, Sha256};

    impl AsRef<Leaf> for Leaf {
        fn as_ref(&self) -> &Leaf {
            self
        }
    }

    #[test]
    fn a_certificate_in_many_spellings_pushes_no_other_out() {
        let (mut root, key) = (CertificateParams::default(), KeyPair::generate().unwrap());
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let anchors = Anchors::pinned([root.self_signed(&key).unwrap().pem()]).unwrap();
        let issuer = Issuer::from_params(&root, &key);
        let leaf = |name: &str| {
            let params = CertificateParams::new([name.to_owned()]).unwrap();
            params.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap().pem()
        };
        let (recent, now) = (Recent::default(), Timestamp::from_unix(1_767_225_600));
        let judged = std::cell::Cell::new(0);
        let ask = |text: &str| {
            let believe = || {
                judged.set(judged.get() + 1);
                verify_chain(&certificates(text.as_bytes())?, &anchors, now, &Demands::default())
            };
            recent.of(Sha256::digest(text).into(), now, believe).unwrap();
        };
        let (quiet, noisy) = (leaf("a.example.com"), leaf("b.example.com"));
        ask(&quiet);
        for count in 0..2 * REMEMBERED {
            let text = noisy.clone() + &"\n".repeat(count);
            ask(&text);
            ask(&text);
        }
        ask(&quiet);
        assert_eq!(judged.get(), 1 + 2 * REMEMBERED, "each spelling once, and the quiet one never again");
    }
}
