//! How an endpoint is sent to: how long, how often, how much at once. Every number has bounds, and is checked where it is set.

use crate::schedule::{MAX_ATTEMPTS, Schedule};
use countersign_egress::Limits;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

/// How long one attempt may take, in seconds.
pub const TIMEOUT: RangeInclusive<u64> = 5..=300;

/// How often a message is attempted.
pub const ATTEMPTS: RangeInclusive<u64> = 1..=MAX_ATTEMPTS as u64;

/// How many attempts are under way to one endpoint at once, of one worker.
pub const CONCURRENCY: RangeInclusive<u64> = 1..=64;

/// How many attempts begin in a second to one endpoint, of one worker.
pub const RATE: RangeInclusive<u64> = 1..=10_000;

/// For how many seconds all attempts fail until an endpoint is paused: an hour to a year.
pub const DISABLE_AFTER: RangeInclusive<u64> = 3600..=31_536_000;

/// How much of an answer is read, in bytes: nobody reads more than its status.
const ANSWER: usize = 16 * 1024;

/// What one endpoint gets of a worker.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Share {
    /// How many attempts are under way at once; zero counts as one.
    pub concurrency: usize,
    /// How many attempts begin in a second, at even distances; `None` for as many as there is room for.
    pub rate: Option<u32>,
}

/// Eight at once, at any rate.
impl Default for Share {
    fn default() -> Self {
        Share { concurrency: 8, rate: None }
    }
}

/// When an endpoint is paused by what it answers.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Stops {
    /// When it says that it is gone (410).
    pub gone: bool,
    /// When no attempt has arrived for so long, and one more has failed.
    pub after: Option<Duration>,
}

/// How an endpoint is sent to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Policy {
    timeout: Duration,
    schedule: Schedule,
    share: Share,
    stops: Stops,
}

/// 15 seconds for an attempt, the default schedule, eight at once, paused at 410 and never for its age.
impl Default for Policy {
    fn default() -> Self {
        Policy {
            timeout: Duration::from_secs(15),
            schedule: Schedule::default(),
            share: Share::default(),
            stops: Stops { gone: true, after: None },
        }
    }
}

impl Policy {
    /// How long one attempt may take, in [`TIMEOUT`] seconds.
    ///
    /// # Errors
    /// What is allowed.
    pub fn timeout(self, timeout: Duration) -> Result<Self, OutOfBounds> {
        seconds("timeout", timeout, TIMEOUT)?;
        Ok(Policy { timeout, ..self })
    }

    /// At most so many attempts, in [`ATTEMPTS`]: the schedule's first ones. More than the schedule has are as many as it has.
    ///
    /// # Errors
    /// What is allowed.
    pub fn attempts(self, attempts: u64) -> Result<Self, OutOfBounds> {
        within("attempts", attempts, ATTEMPTS, "")?;
        Ok(Policy { schedule: self.schedule.attempts(attempts as usize), ..self })
    }

    /// When to try again. Set it before [`attempts`](Self::attempts).
    #[must_use]
    pub fn schedule(self, schedule: Schedule) -> Self {
        Policy { schedule, ..self }
    }

    /// How many attempts are under way at once, in [`CONCURRENCY`].
    ///
    /// # Errors
    /// What is allowed.
    pub fn concurrency(mut self, concurrency: u64) -> Result<Self, OutOfBounds> {
        within("concurrency", concurrency, CONCURRENCY, "")?;
        self.share.concurrency = concurrency as usize;
        Ok(self)
    }

    /// How many attempts begin in a second, in [`RATE`]; `None` for no limit.
    ///
    /// # Errors
    /// What is allowed.
    pub fn rate(mut self, rate: Option<u64>) -> Result<Self, OutOfBounds> {
        if let Some(rate) = rate {
            within("rate", rate, RATE, " a second")?;
        }
        self.share.rate = rate.map(|rate| rate as u32);
        Ok(self)
    }

    /// Pause the endpoint when no attempt has arrived for so long, in [`DISABLE_AFTER`] seconds; `None` for never.
    ///
    /// # Errors
    /// What is allowed.
    pub fn disable_after(mut self, after: Option<Duration>) -> Result<Self, OutOfBounds> {
        if let Some(after) = after {
            seconds("disable_after", after, DISABLE_AFTER)?;
        }
        self.stops.after = after;
        Ok(self)
    }

    /// When to try again.
    pub fn waits(&self) -> &Schedule {
        &self.schedule
    }

    /// What the endpoint gets of a worker.
    pub fn share(&self) -> Share {
        self.share
    }

    /// When it is paused.
    pub fn stops(&self) -> Stops {
        self.stops
    }

    /// How long an attempt may take, and how much of an answer is read: 16 KiB, and the rest is left.
    pub fn limits(&self) -> Limits {
        Limits::default().bytes(ANSWER).time(self.timeout).cut()
    }
}

/// A number that is not allowed: what it is, and what is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OutOfBounds(String);

impl fmt::Display for OutOfBounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for OutOfBounds {}

fn seconds(what: &str, given: Duration, allowed: RangeInclusive<u64>) -> Result<(), OutOfBounds> {
    // Up: what is a moment longer than allowed is not allowed.
    let whole = given
        .as_secs()
        .saturating_add(u64::from(given.subsec_nanos() > 0 && given.as_secs() >= *allowed.end()));
    within(what, whole, allowed, " seconds")
}

fn within(what: &str, given: u64, allowed: RangeInclusive<u64>, unit: &str) -> Result<(), OutOfBounds> {
    if allowed.contains(&given) {
        return Ok(());
    }
    let (least, most) = allowed.into_inner();
    Err(OutOfBounds(format!("`{what}` is {given}{unit}: write {least} to {most}")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_number_has_bounds_and_says_them() {
        let policy = Policy::default;
        let second = Duration::from_secs(1);
        for (ends, sets) in [
            (
                TIMEOUT,
                (|policy, n| policy_of(Policy::timeout(policy, Duration::from_secs(n))))
                    as fn(Policy, u64) -> Result<(), String>,
            ),
            (ATTEMPTS, |policy, n| policy_of(policy.attempts(n))),
            (CONCURRENCY, |policy, n| policy_of(policy.concurrency(n))),
            (RATE, |policy, n| policy_of(policy.rate(Some(n)))),
            (DISABLE_AFTER, |policy, n| policy_of(policy.disable_after(Some(Duration::from_secs(n))))),
        ] {
            let (least, most) = ends.into_inner();
            assert_eq!((sets(policy(), least), sets(policy(), most)), (Ok(()), Ok(())));
            for bad in [least - 1, most + 1] {
                let says = sets(policy(), bad).unwrap_err();
                assert!(says.ends_with(&format!(": write {least} to {most}")), "{says}");
            }
        }
        assert!(policy().timeout(300 * second + Duration::from_nanos(1)).is_err());
        assert_eq!(
            policy().timeout(2 * second).unwrap_err().to_string(),
            "`timeout` is 2 seconds: write 5 to 300"
        );
        assert_eq!(policy().attempts(3).unwrap().waits().len(), 3);
    }

    fn policy_of(set: Result<Policy, OutOfBounds>) -> Result<(), String> {
        set.map(drop).map_err(|wrong| wrong.to_string())
    }
}
