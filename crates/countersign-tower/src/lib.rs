//! Webhooks verified in hosts that speak http: a tower layer, an axum extractor, remote keys fetched and kept.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

#[cfg(feature = "receive")]
mod body;
#[cfg(feature = "receive")]
mod clock;
#[cfg(feature = "fetch")]
mod fetch;
#[cfg(feature = "receive")]
mod judge;
#[cfg(feature = "receive")]
mod refusal;
#[cfg(feature = "receive")]
mod url;

#[cfg(feature = "receive")]
pub use body::collect;
#[cfg(feature = "receive")]
pub use clock::SystemClock;
#[cfg(feature = "fetch")]
pub use fetch::{Builder, DETAILS, Fetching, KeyFetcher, NamedSource, Rules};
#[cfg(feature = "receive")]
pub use judge::{Keys, Verdict, judge};
#[cfg(feature = "receive")]
pub use refusal::{REFUSED, Refusal, respond};
#[cfg(feature = "receive")]
pub use url::{PublicUrl, UrlError, UrlRoom};

/// The guide, whose code is compiled as ours is.
#[cfg(all(doctest, feature = "fetch"))]
#[doc = include_str!("../../../docs/guide/remote-keys.md")]
struct Guide;
