//! Outbound: what is to be sent is delivered, or becomes a dead letter. Nothing is forgotten in between.
//!
//! A [`Message`] is spelled once, as [`Canonical`] bytes. A [`Target`] is one endpoint made ready: its URL, what signs, what goes along.
//! [`deliver`] brings the one to the other, without a store:
//!
//! ```no_run
#![doc = include_str!("../examples/deliver.rs")]
//! ```
//!
//! An [`Engine`] does the same for what a store has queued, to many endpoints at once. A worker leases what is due, makes one attempt of
//! each, and reports it. It holds nothing that a crash could lose: a lease that runs out is somebody else's, and whoever comes back too
//! late with a report writes nothing.
//!
//! The surprising decision is that a delivery is made *at least* once. Between an attempt that arrived and the report of it there is
//! a moment in which to crash; the receiver tells the second copy by the message's id, which stays, while time and signature
//! are made afresh for every attempt.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod attempt;
mod canonical;
mod counts;
mod deliver;
mod engine;
mod message;
mod places;
mod policy;
mod schedule;
mod target;
mod targets;
mod transport;
mod verdict;

pub use attempt::{Prepared, Then, Tried, Unprepared};
pub use counts::{DEAD, DELIVERED, FAILED, Total};
pub use deliver::{End, Report, deliver};
pub use engine::{Endpoints, Engine, GONE, Settings};
pub use message::{Canonical, MAX_MESSAGE, MAX_NAME, Message, MessageError, MessageId};
pub use places::Shares;
pub use policy::{ATTEMPTS, CONCURRENCY, DISABLE_AFTER, OutOfBounds, Policy, RATE, Share, Stops, TIMEOUT};
pub use schedule::{MAX_ATTEMPTS, MAX_RETRY_AFTER, Schedule};
pub use target::{Names, Target, TargetBuilder, TargetError};
pub use targets::{Standing, Targets};
pub use transport::{Sending, Transport};
pub use verdict::{MAX_ERROR, Verdict, judge};
