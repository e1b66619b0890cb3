//! Calling out: the one client, by which no private address is reached.
//!
//! Keys are fetched and webhooks are delivered to URLs that somebody else wrote. Whoever writes one must not reach what
//! only this machine can: its own ports, its network, its cloud's metadata. So every call goes through one [`Client`],
//! which follows one rule, [`Reach`].
//!
//! The surprising decision is *when* the rule is asked. A name is judged by the addresses it leads to, at the moment of
//! connecting, and those very addresses are dialled: between the question and the call there is no second look-up that
//! could answer otherwise. An address written in a URL is looked up by nobody, and so is judged before. Nothing of this
//! changes behind a [`Proxy`], which is told the judged address and never a name.
//!
//! ```
//! use countersign_egress::{Client, Limits, Why};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let client = Client::builder().build()?;
//! let refused = client.get("https://169.254.169.254/latest/meta-data", &Limits::default()).await.unwrap_err();
//! assert_eq!(refused.why, Why::Address);
//! # Ok::<_, countersign_egress::Refused>(())
//! # })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod builder;
mod client;
mod dial;
mod identity;
mod lookup;
mod proxy;
mod reach;
mod refused;

pub use builder::Builder;
pub use client::{Client, Limits, Request, Response};
pub use http::Method;
pub use http::header::{HeaderMap, HeaderName, HeaderValue};
pub use identity::Identity;
pub use ipnet::IpNet;
pub use lookup::{Looking, Lookup, SystemLookup};
pub use proxy::Proxy;
pub use reach::{MAX_URL, Reach};
pub use refused::{Refused, Why};
pub use url::Url;
