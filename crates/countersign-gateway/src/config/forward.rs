//! Where accepted requests are handed on to.

use crate::secrets::SecretPlace;
use countersign::HeaderName;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// One target of a source.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Forward {
    /// Its name in the queue: the source's, and behind a slash its own where the source has several. It outlives a
    /// change of [`to`](Self::to): what waits goes to the new one.
    pub endpoint: Arc<str>,

    /// Where to. Written by the operator, and so allowed as written: by `http`, to an address of one's own.
    pub to: Url,

    /// How long one attempt has: 5 to 300 s. Default: 10 s.
    pub timeout: Duration,

    /// How many attempts: 1 to 10. Default: 10, or one more than `schedule` has waits.
    pub attempts: u32,

    /// How long to wait before the second, third, … attempt; the last one repeats. Never empty.
    pub schedule: Vec<Duration>,

    /// Headers added to every attempt.
    pub headers: Vec<(HeaderName, HeaderText)>,

    /// Add the query that the request came with to the target's own.
    pub pass_query: bool,

    /// Headers of the request that are passed on beside the usual ones.
    pub pass_headers: Vec<HeaderName>,
}

/// What a header says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum HeaderText {
    /// This.
    Text(Arc<str>),

    /// What is found there.
    Secret(SecretPlace),
}
