//! One thing that may have gone wrong.

use crate::diagnosis::{Finding, Proof};
use std::borrow::Cow;

/// What differs from the source as configured or the request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Deviation {
    /// Stable.
    pub(crate) code: &'static str,
    /// What is wrong, if this is it.
    pub(crate) says: Cow<'static, str>,
    /// What to do about it.
    pub(crate) advice: Cow<'static, str>,
    /// What mends it in the source's configuration.
    pub(crate) patch: Option<String>,
    /// How seldom it is: the least is tried first.
    pub(crate) rank: u32,
}

impl Deviation {
    pub(crate) fn new(
        code: &'static str,
        rank: u32,
        says: impl Into<Cow<'static, str>>,
        advice: impl Into<Cow<'static, str>>,
    ) -> Self {
        Deviation { code, says: says.into(), advice: advice.into(), patch: None, rank }
    }

    pub(crate) fn patch(self, patch: String) -> Self {
        Deviation { patch: Some(patch), ..self }
    }

    /// As something that is known.
    pub(crate) fn found(&self, proof: Proof) -> Finding {
        Finding {
            code: self.code,
            says: self.says.clone().into_owned(),
            advice: self.advice.clone().into_owned(),
            patch: self.patch.clone(),
            proof,
        }
    }
}
