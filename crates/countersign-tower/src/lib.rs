//! Hosts that speak http; so far what fetches and keeps remote keys.
//!
//! Some senders sign with keys that they publish under a URL. The core asks for them and does no IO; how they are had,
//! kept and had again is the same for every host, and easy to get wrong. The feature `fetch` has it, once:
//! [`KeyFetcher`].
#![forbid(unsafe_code)]
#![warn(missing_docs)]

#[cfg(feature = "fetch")]
mod fetch;

#[cfg(feature = "fetch")]
pub use fetch::{Builder, DETAILS, Fetching, KeyFetcher, NamedSource, Rules};

/// The guide, whose code is compiled as ours is.
#[cfg(all(doctest, feature = "fetch"))]
#[doc = include_str!("../../../docs/guide/remote-keys.md")]
struct Guide;
