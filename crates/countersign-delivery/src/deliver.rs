//! Delivering without a store: one message, one receiver, to the end.

use crate::attempt::{Then, Tried, attempt};
use crate::message::Canonical;
use crate::target::Target;
use countersign::Clock;

/// How a delivery went.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// Every attempt, the first one first; at least one.
    pub attempts: Vec<Tried>,
    /// What it came to.
    pub end: End,
}

/// What a delivery came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    /// It arrived.
    Delivered,
    /// It failed for good, or too often.
    GivenUp,
    /// The receiver said that it is gone (410): send it nothing more.
    Gone,
}

/// Deliver `message` to `target`: attempts by its policy, with waits between them, until it arrives or is given up. `clock` is what
/// signatures are made by; `chance` gives numbers between 0 and 1, by which waits are spread.
///
/// It may wait for days, by tokio's timer, and what it knows is lost with the process: an [`Engine`](crate::Engine) with a store loses
/// nothing. A future that is dropped may have delivered.
pub async fn deliver(
    target: &Target,
    message: &Canonical,
    clock: &dyn Clock,
    chance: &(dyn Fn() -> f64 + Sync),
) -> Report {
    let mut attempts = Vec::new();
    loop {
        let number = u32::try_from(attempts.len()).unwrap_or(u32::MAX).saturating_add(1);
        let (tried, _) = attempt(|now| target.prepare(message, now), number, clock, chance()).await;
        let then = tried.then;
        attempts.push(tried);
        let end = match then {
            Then::Retry(wait) => {
                tokio::time::sleep(wait).await;
                continue;
            }
            Then::Done => End::Delivered,
            Then::Gone => End::Gone,
            Then::GiveUp | Then::Hold => End::GivenUp,
        };
        return Report { attempts, end };
    }
}
