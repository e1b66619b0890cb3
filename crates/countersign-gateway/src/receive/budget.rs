//! The budget of a source: how much of what is authentic it takes in. Spent after the verdict, so that no forger can spend it.
//!
//! Two shapes. A *bucket* holds so many and is refilled evenly: what a steady sender with bursts needs. A *window* counts from
//! the first request on and begins anew when its time is over: what an agreement in requests per minute says. Both are exact in
//! whole numbers, so that no sum of fractions drifts.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How many in what time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Rule {
    pub(crate) count: u32,
    pub(crate) per: Duration,
    pub(crate) shape: Shape,
}

/// How it is counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Shape {
    /// From the first on, anew when the time is over.
    Window,
    /// Refilled evenly; so many at once.
    Bucket { burst: u32 },
}

/// What is left of it.
pub(crate) struct Budget {
    rule: Rule,
    state: Mutex<State>,
}

/// Times are nanoseconds of a clock that does not step.
#[derive(Default)]
struct State {
    /// Window: when it began. Bucket: when it would be full if nothing more were taken.
    at: u128,
    /// Window: how many were taken.
    taken: u32,
}

impl Budget {
    pub(crate) fn new(rule: Rule) -> Self {
        Budget { rule, state: Mutex::default() }
    }

    /// Take one at `now`, or hear how long to wait for one.
    pub(crate) fn take(&self, now: Duration) -> Result<(), Duration> {
        let Rule { count, per, shape } = self.rule;
        let (now, per, count) = (now.as_nanos(), per.as_nanos(), u128::from(count.max(1)));
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match shape {
            Shape::Window => {
                if state.taken == 0 || now >= state.at + per {
                    *state = State { at: now, taken: 0 };
                }
                if u128::from(state.taken) >= count {
                    return Err(nanos(state.at + per - now));
                }
                state.taken += 1;
            }
            Shape::Bucket { burst } => {
                // One costs `per / count`; to lose nothing by dividing, time is counted in parts of 1 / count.
                let (full, room) = (state.at.max(now * count), per * u128::from(burst.max(1)));
                let after = full + per;
                if after > now * count + room {
                    return Err(nanos((after - room - now * count).div_ceil(count)));
                }
                state.at = after;
            }
        }
        Ok(())
    }
}

fn nanos(time: u128) -> Duration {
    Duration::from_nanos(u64::try_from(time).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(time: u64) -> Duration {
        Duration::from_millis(time)
    }

    #[test]
    fn a_window_begins_with_its_first_and_ends_after_its_time() {
        let budget = Budget::new(Rule { count: 2, per: ms(250), shape: Shape::Window });
        assert_eq!(budget.take(ms(1000)), Ok(()));
        assert_eq!(budget.take(ms(1100)), Ok(()));
        assert_eq!(budget.take(ms(1200)), Err(ms(50)));
        assert_eq!(budget.take(ms(1249)), Err(ms(1)));
        assert_eq!(budget.take(ms(1250)), Ok(()));
    }

    #[test]
    fn a_bucket_gives_a_burst_and_then_one_after_the_other() {
        let budget = Budget::new(Rule { count: 10, per: ms(1000), shape: Shape::Bucket { burst: 3 } });
        for _ in 0..3 {
            assert_eq!(budget.take(ms(500)), Ok(()));
        }
        assert_eq!(budget.take(ms(500)), Err(ms(100)));
        assert_eq!(budget.take(ms(599)), Err(ms(1)));
        assert_eq!(budget.take(ms(600)), Ok(()));
        assert_eq!(budget.take(ms(600)), Err(ms(100)));
        for _ in 0..3 {
            assert_eq!(budget.take(ms(9000)), Ok(()), "no more than a burst is saved up");
        }
        assert_eq!(budget.take(ms(9000)), Err(ms(100)));
    }

    #[test]
    fn over_a_long_time_a_bucket_gives_its_rate_exactly() {
        let budget = Budget::new(Rule { count: 7, per: ms(1000), shape: Shape::Bucket { burst: 7 } });
        let given = (0..100_000).filter(|at| budget.take(ms(*at)).is_ok()).count();
        assert_eq!(given, 7 + 7 * 100 - 1);
    }

    #[test]
    fn a_clock_that_stands_still_gives_no_more_than_there_is() {
        for shape in [Shape::Window, Shape::Bucket { burst: 5 }] {
            let budget = Budget::new(Rule { count: 5, per: ms(1), shape });
            assert_eq!((0..100).filter(|_| budget.take(ms(3)).is_ok()).count(), 5);
        }
    }
}
