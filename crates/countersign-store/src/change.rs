//! What operators change of sources and their secrets, and whether it was changed.

use crate::{SecretRow, SourceRow};
use std::sync::Arc;

/// One step of a change of sources and secrets: see [`Store::change`](crate::Store::change).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Edit {
    /// Write a source's row, in place of the one that may be there.
    Source(SourceRow),

    /// Forget the row of this source, and nothing else of it: what the row said is said elsewhere.
    Unsaid(Arc<str>),

    /// Forget the row of this source, its secrets and when they matched. Its events stay.
    Gone(Arc<str>),

    /// Write a secret, in place of the one of its source and id.
    Secret(SecretRow),

    /// Forget one secret.
    Forgotten {
        /// Whose.
        source: Arc<str>,
        /// Which.
        id: Arc<str>,
    },
}

/// What became of a change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use = "what was overtaken was not written"]
pub enum Changed {
    /// All of it was written.
    Written,

    /// None of it: somebody has changed sources or secrets since that revision. Read anew, and decide anew.
    Overtaken,
}
