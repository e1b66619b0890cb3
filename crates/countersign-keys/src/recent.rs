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
/// anew. What was not believed is not remembered: whoever sends such chains pushes no good one out.
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
        held.retain(|(known, _)| *known != digest);
        if held.len() == REMEMBERED {
            held.remove(0);
        }
        held.push((digest, believed.clone()));
        Ok(believed)
    }
}
