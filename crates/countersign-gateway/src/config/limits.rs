//! How much of a source's requests is let in: bytes, requests in a time, requests at once.

use std::time::Duration;

/// `limits` of a source.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// The longest body, in bytes. Default: 1 MiB; at most 64 MiB.
    pub body: usize,

    /// How many authentic requests in a time. `None`: as many as come.
    pub rate: Option<Rate>,

    /// How many requests of this source are worked on at the same time. `None`: as many as the server's connections.
    pub concurrency: Option<usize>,
}

/// So many in a time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Rate {
    /// How many: 1 to 1 000 000.
    pub count: u32,

    /// In which time: a millisecond to a day.
    pub per: Duration,

    /// How it is counted.
    pub shape: Shape,
}

/// How a [`Rate`] is counted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Shape {
    /// From the first on, and anew when the time is over.
    #[default]
    Window,

    /// A bucket that fills evenly, with `count` in that time.
    Bucket {
        /// How many it holds: what may come at once. At least 1; default: `count`.
        burst: u32,
    },
}
