//! When to try again.

use std::time::Duration;

/// The most attempts that a schedule has.
pub const MAX_ATTEMPTS: usize = 10;

/// The longest that a receiver can make us wait by `Retry-After`.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 3600);

/// The waits between attempts, as data. After the last one a delivery is given up.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Schedule {
    waits: Vec<Duration>,
}

/// Five seconds, then minutes, then hours: ten attempts over some three days.
impl Default for Schedule {
    fn default() -> Self {
        let seconds = [5, 60, 300, 1800, 7200, 21_600, 43_200, 86_400, 86_400];
        Schedule { waits: seconds.map(Duration::from_secs).to_vec() }
    }
}

impl Schedule {
    /// These waits; `None` if they are more than [`MAX_ATTEMPTS`] attempts need.
    pub fn new(waits: impl Into<Vec<Duration>>) -> Option<Self> {
        let waits = waits.into();
        (waits.len() < MAX_ATTEMPTS).then_some(Schedule { waits })
    }

    /// The same with at most so many attempts, and at least one.
    #[must_use]
    pub fn attempts(mut self, attempts: usize) -> Self {
        self.waits.truncate(attempts.saturating_sub(1));
        self
    }

    /// The waits, in their order.
    pub fn waits(&self) -> &[Duration] {
        &self.waits
    }

    /// How many attempts there are in all.
    pub fn len(&self) -> usize {
        self.waits.len() + 1
    }

    /// Whether the first attempt is the last.
    pub fn is_empty(&self) -> bool {
        self.waits.is_empty()
    }

    /// How long to wait after `made` attempts; `None` to give up. `chance` (0 to 1) spreads the wait by a fifth either way, so that
    /// what failed together does not come back together. What the receiver asked for counts if it is longer, up to
    /// [`MAX_RETRY_AFTER`].
    pub fn wait(&self, made: u32, chance: f64, asked: Option<Duration>) -> Option<Duration> {
        let wait = self.waits.get(usize::try_from(made).ok()?.checked_sub(1)?)?;
        // Written so that no wait is too long for it, and no chance is none.
        let chance = if chance.is_nan() { 0.5 } else { chance.clamp(0.0, 1.0) };
        let (least, more) = (*wait - *wait / 5, (*wait / 5 * 2).mul_f64(chance));
        let spread = least.saturating_add(more);
        Some(spread.max(asked.unwrap_or_default().min(MAX_RETRY_AFTER)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn waits_come_in_their_order_and_end() {
        let schedule = Schedule::new([SECOND, 10 * SECOND]).unwrap();
        assert_eq!(schedule.len(), 3);
        let told = |made| schedule.wait(made, 0.5, None);
        assert_eq!((told(1), told(2), told(3), told(0)), (Some(SECOND), Some(10 * SECOND), None, None));
        assert_eq!(schedule.clone().attempts(1).wait(1, 0.5, None), None);
        assert_eq!(schedule.attempts(2).len(), 2);
        assert!(Schedule::new(vec![SECOND; MAX_ATTEMPTS]).is_none());
        assert_eq!(Schedule::default().len(), MAX_ATTEMPTS);
    }

    #[test]
    fn chance_spreads_by_a_fifth_and_what_was_asked_counts_if_longer_up_to_a_day() {
        let schedule = Schedule::new([10 * SECOND]).unwrap();
        assert_eq!(schedule.wait(1, 0.0, None), Some(8 * SECOND));
        assert_eq!(schedule.wait(1, 1.0, None), Some(12 * SECOND));
        assert_eq!(schedule.wait(1, 0.5, Some(SECOND)), Some(10 * SECOND));
        assert_eq!(schedule.wait(1, 0.5, Some(60 * SECOND)), Some(60 * SECOND));
        assert_eq!(schedule.wait(1, 0.5, Some(MAX_RETRY_AFTER * 9)), Some(MAX_RETRY_AFTER));
        assert_eq!(schedule.wait(1, f64::NAN, None), Some(10 * SECOND));
        let long = Schedule::new([Duration::MAX]).unwrap();
        assert!(long.wait(1, 1.0, None).unwrap() > Duration::MAX / 2 && long.wait(1, 0.0, None).is_some());
    }
}
