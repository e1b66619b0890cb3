//! Outbound: what was accepted is delivered, or becomes a dead letter. Nothing is forgotten in between.
//!
//! The queue is in the store; a worker leases what is due, makes one attempt of each, and reports it. It holds nothing that a crash
//! could lose: a lease that runs out is somebody else's, and whoever comes back too late with a report writes nothing.
//!
//! The surprising decision is that a delivery is made *at least* once. Between an attempt that arrived and the report of it there is
//! a moment in which to crash; the receiver tells the second copy by the message's id, which stays, while time and signature
//! are made afresh for every attempt.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod engine;
mod schedule;
mod verdict;

pub use engine::{Endpoints, Engine, Prepared, Settings, Unprepared};
pub use schedule::{MAX_ATTEMPTS, MAX_RETRY_AFTER, Schedule};
pub use verdict::{Verdict, judge};
