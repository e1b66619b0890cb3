//! Reading, deciding, writing: so that no operator writes over what he did not see.
//!
//! Two may be at work at once, in two processes: one by the command line, one by the API. Whatever is decided is decided by one
//! reading of the store, and written only if the store is still at the revision of that reading. If it is not, all is read and decided
//! anew: who adds what the other has just added is told that it is taken, and who rotates what the other has just forgotten rotates
//! what is left.
//!
//! The surprising decision is that nothing is locked. A lock outlives the process that held it, or ends while it still decides.

use super::known::Known;
use super::{ErrorCode, OperateError, Operator};
use countersign_store::{Changed, Edit, SecretRow};

/// How often is decided anew. Who is overtaken as often as that has met a program that never rests.
const ATTEMPTS: usize = 8;

/// One reading of everything that operators change.
pub(super) struct Held {
    pub(super) known: Known,
    /// The secrets of every source.
    pub(super) secrets: Vec<SecretRow>,
    revision: u64,
}

impl Operator {
    /// Have `decide` say what to write, and what is told of it once it is written. It is asked again when somebody wrote meanwhile, and
    /// so must do nothing else.
    pub(super) async fn write<T>(
        &self,
        what: &'static str,
        decide: impl Fn(&Held) -> Result<(Vec<Edit>, T), OperateError>,
    ) -> Result<T, OperateError> {
        for _ in 0..ATTEMPTS {
            let held = self.held().await?;
            let (edits, told) = decide(&held)?;
            if self.store().change(edits, held.revision).await? == Changed::Written {
                return Ok(told);
            }
        }
        let says = format!("it was not done: others changed sources or secrets {ATTEMPTS} times meanwhile");
        Err(OperateError::new(ErrorCode::Conflict, says)
            .help(format!("try again; if it stays so, see what else would {what} all the time")))
    }

    pub(super) async fn held(&self) -> Result<Held, OperateError> {
        // First of all: what is changed while the rest is read makes this reading an old one.
        let revision = self.store().revision().await?;
        let known = self.known().await?;
        Ok(Held { known, secrets: self.store().secrets().await?, revision })
    }
}
