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
use countersign_store::{Changed, Edit, EndpointRow, SecretRow};
use std::sync::Arc;

/// How often is decided anew. Who is overtaken as often as that has met a program that never rests.
const ATTEMPTS: usize = 8;

/// One reading of everything that operators change.
pub(super) struct Held {
    pub(super) known: Known,
    /// The secrets of every source.
    pub(super) secrets: Vec<SecretRow>,
    /// Every endpoint.
    pub(super) endpoints: Vec<EndpointRow>,
    revision: u64,
}

impl Operator {
    /// Have `decide` say what to write, and what is told of it once it is written. It is asked again when somebody wrote meanwhile, and
    /// so must do nothing else. `what` is what the log calls it: the command's words.
    pub(super) async fn write<T>(
        &self,
        what: &'static str,
        decide: impl Fn(&Held) -> Result<(Vec<Edit>, T), OperateError>,
    ) -> Result<T, OperateError> {
        for _ in 0..ATTEMPTS {
            let held = self.held().await?;
            let (edits, told) = decide(&held)?;
            let done: Vec<_> = edits.iter().map(whose).collect();
            if self.store().change(edits, held.revision).await? == Changed::Written {
                // Who it was is for whoever called this to say: see the API's span.
                for (source, secret) in done {
                    tracing::info!(
                        what,
                        source = &*source,
                        secret = secret.as_deref(),
                        "an operator's change"
                    );
                }
                return Ok(told);
            }
        }
        let says = format!("it was not done: others changed sources or secrets {ATTEMPTS} times meanwhile");
        Err(OperateError::new(ErrorCode::Conflict, says)
            .help("try again; if it stays so, find the program that changes them without rest"))
    }

    pub(super) async fn held(&self) -> Result<Held, OperateError> {
        // First of all: what is changed while the rest is read makes this reading an old one.
        let revision = self.store().revision().await?;
        let known = self.known().await?;
        let (secrets, endpoints) = (self.store().secrets().await?, self.store().endpoints().await?);
        Ok(Held { known, secrets, endpoints, revision })
    }
}

/// What a step is about: a source, and a secret of it.
fn whose(edit: &Edit) -> (Arc<str>, Option<Arc<str>>) {
    match edit {
        Edit::Source(row) => (row.name.clone(), None),
        Edit::Secret(row) => (row.source.clone(), Some(row.id.clone())),
        Edit::Forgotten { source, id } => (source.clone(), Some(id.clone())),
        Edit::Unsaid(name) | Edit::Gone(name) => (name.clone(), None),
        _ => ("".into(), None),
    }
}
