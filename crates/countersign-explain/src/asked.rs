//! What is asked.

use countersign::{KeyCache, Keyring, Layer, Registry, ReplayKey, Request, Timestamp, Vars};
use std::time::Duration;

/// Who sends to us, and how they sign.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// What the operator calls it.
    pub name: &'a str,

    /// Its preset, resolved: see [`Registry::resolve`].
    pub preset: &'a Layer,

    /// Its keys, as the operator wrote them.
    pub keys: &'a Keyring,

    /// Its variables.
    pub vars: &'a Vars,
}

/// Whether a replay guard knows one of some keys.
pub type Known<'a> = &'a dyn Fn(&[ReplayKey]) -> bool;

/// A question. The fields are public: set those that matter.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Asked<'a> {
    /// The modes that there are, and the presets whose ways of signing are tried.
    pub registry: &'a Registry,

    /// The source that refused the request.
    pub source: Source<'a>,

    /// The request, as it arrived.
    pub request: &'a Request<'a>,

    /// When it arrived, or now.
    pub now: Timestamp,

    /// Other sources of the same receiver, whose secrets may have been taken for this one's.
    pub others: &'a [Source<'a>],

    /// The last request of the same source that verified.
    pub control: Option<&'a Request<'a>>,

    /// What was fetched.
    pub remote: &'a dyn KeyCache,

    /// Whether a replay guard knows one of these keys.
    pub known: Option<Known<'a>>,

    /// How much may be spent.
    pub budget: Budget,
}

impl<'a> Asked<'a> {
    /// About one request, with nothing else known.
    pub fn new(registry: &'a Registry, source: Source<'a>, request: &'a Request<'a>, now: Timestamp) -> Self {
        let budget = Budget::default();
        Asked { registry, source, request, now, others: &[], control: None, remote: &(), known: None, budget }
    }
}

/// How much may be spent on one question. What is spent first ends the search, and the diagnosis says so.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Time.
    pub time: Duration,

    /// Bytes that are hashed.
    pub bytes: u64,
}

/// Two seconds and four gibibytes.
impl Default for Budget {
    fn default() -> Self {
        Budget { time: Duration::from_secs(2), bytes: 4 << 30 }
    }
}
