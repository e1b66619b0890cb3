//! Webhooks verified in hosts that speak http: a tower layer, an axum extractor, remote keys fetched and kept.
//!
//! A [`Receiver`] stands between a request and whoever handles it: it reads the body within a size and a time, answers
//! set-up challenges, verifies, and claims what must be received once. The module [`axum`] has it as extractors,
//! [`VerifyLayer`] as a layer for any service; a host of its own kind calls [`collect`] and [`judge`].
//!
//! Some senders sign with keys that they publish under a URL. The core asks for them and does no IO; how they are had,
//! kept and had again is the same for every host, and easy to get wrong. [`KeyFetcher`] has it, once.
//!
//! | feature | brings |
//! |---|---|
//! | `axum` | the extractors |
//! | `tower` | the layer |
//! | `receive` | what both are made of; they bring it themselves |
//! | `fetch` | remote keys |
#![cfg_attr(
    not(all(feature = "axum", feature = "fetch", feature = "tower")),
    allow(rustdoc::broken_intra_doc_links)
)]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

#[cfg(feature = "axum")]
pub mod axum;
#[cfg(feature = "receive")]
mod body;
#[cfg(feature = "receive")]
mod clock;
#[cfg(feature = "fetch")]
mod fetch;
#[cfg(feature = "receive")]
mod judge;
#[cfg(feature = "tower")]
mod layer;
#[cfg(feature = "receive")]
mod proof;
#[cfg(feature = "receive")]
mod receiver;
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
#[cfg(feature = "tower")]
pub use layer::{Verify, VerifyLayer};
#[cfg(feature = "receive")]
pub use proof::Proof;
#[cfg(feature = "receive")]
pub use receiver::{Answered, BODY_LIMIT, BODY_TIME, Receiver, Settings, SetupError, Why};
#[cfg(feature = "receive")]
pub use refusal::{REFUSED, Refusal, respond};
#[cfg(feature = "receive")]
pub use url::{PublicUrl, UrlError, UrlRoom};

/// The guide, whose code is compiled as ours is.
#[cfg(all(doctest, feature = "axum", feature = "fetch", feature = "tower"))]
#[doc = include_str!("../../../docs/guide/frameworks.md")]
#[doc = include_str!("../../../docs/guide/remote-keys.md")]
struct Guide;
