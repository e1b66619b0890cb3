//! Why a signature failed, proven by trial.
//!
//! A refused request, the source that refused it, and a budget go in; a [`Diagnosis`] comes out. Whatever may have gone wrong on
//! either side (a newline in the secret, a body that a framework wrote anew, a proxy's URL) is a *deviation*, and every
//! deviation is tried: one at a time, then two, then three. A signature that fits is a proof, for a wrong guess cannot fit a MAC.
//!
//! Nothing here is for deciding: a request is accepted by a [`Verifier`](countersign::Verifier) and by nothing else. Explaining
//! is slow and candid, and belongs behind a terminal or an administrator's door. What the right signature would have been
//! is never told, nor is any byte of a secret: no type here has a place for either.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod asked;
mod diagnosis;

pub use asked::{Asked, Budget, Source};
pub use diagnosis::{Diagnosis, Effort, Finding, Piece, Proof, State};

/// Find out why.
pub fn explain(asked: &Asked<'_>) -> Diagnosis {
    let _ = asked;
    Diagnosis::default()
}
