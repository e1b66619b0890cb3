//! The budget of a source: how much of what is authentic it takes in. Spent after the verdict, so that no forger can spend it.
//!
//! All is counted in whole numbers, so that no sum of fractions drifts, and by a clock that does not step.

use crate::config::{Rate, Shape};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What is left of a [`Rate`].
pub(crate) struct Budget {
    rate: Rate,
    state: Mutex<State>,
}

/// Times are nanoseconds.
#[derive(Default)]
struct State {
    /// Window: when the current one began. Bucket: when it would be full if nothing more were taken, in parts of 1 / count.
    at: u128,
    /// Window: how many were taken in the one before, and in this.
    taken: [u32; 2],
}

impl Budget {
    pub(crate) fn new(rate: Rate) -> Self {
        Budget { rate, state: Mutex::default() }
    }

    /// What it was made of.
    pub(crate) fn rate(&self) -> Rate {
        self.rate
    }

    /// Take one at `now`, or hear how long to wait for one.
    pub(crate) fn take(&self, now: Duration) -> Result<(), Duration> {
        let Rate { count, per, shape } = self.rate;
        let (now, per, count) = (now.as_nanos(), per.as_nanos().max(1), count.max(1));
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match shape {
            Shape::Window => state.window(now, per, count),
            Shape::Bucket { burst } => state.bucket(now, per, count.into(), burst.max(1).into()),
        }
    }
}

impl State {
    /// The window before counts by the part of it that is less than `per` ago.
    fn window(&mut self, now: u128, per: u128, count: u32) -> Result<(), Duration> {
        let passed = now.saturating_sub(self.at) / per;
        if passed > 0 {
            let before = if passed == 1 { self.taken[1] } else { 0 };
            *self = State {
                at: if passed > 1 || self.at == 0 { now } else { self.at + per },
                taken: [before, 0],
            };
        }
        let [before, here] = self.taken.map(u128::from);
        let (into, count) = (now.saturating_sub(self.at), u128::from(count));
        if before * (per - into) + (here + 1) * per <= count * per {
            self.taken[1] += 1;
            return Ok(());
        }
        // When the part that counts has shrunk enough: still in this window, or in the next one, whose before is this.
        let until = |of: u128, room: u128| per - (room * per).checked_div(of).unwrap_or(per).min(per);
        let at = match here < count {
            true => until(before, count - 1 - here),
            false => per + until(here, count - 1),
        };
        Err(nanos(at - into))
    }

    fn bucket(&mut self, now: u128, per: u128, count: u128, burst: u128) -> Result<(), Duration> {
        // One costs `per / count`; to lose nothing by dividing, time is counted in parts of 1 / count.
        let after = self.at.max(now * count) + per;
        let limit = now * count + per * burst;
        if after > limit {
            return Err(nanos((after - limit).div_ceil(count)));
        }
        self.at = after;
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

    fn budget(count: u32, per: u64, shape: Shape) -> Budget {
        Budget::new(Rate { count, per: ms(per), shape })
    }

    #[test]
    fn a_window_slides() {
        let budget = budget(4, 1000, Shape::Window);
        for at in [1000, 1900, 1900, 1900] {
            assert_eq!(budget.take(ms(at)), Ok(()));
        }
        // Of the four, three quarters count after a quarter of the next window: room for one.
        assert_eq!(budget.take(ms(1900)), Err(ms(350)));
        assert!(budget.take(ms(2249)).is_err());
        assert_eq!(budget.take(ms(2250)), Ok(()));
        assert_eq!(budget.take(ms(2250)), Err(ms(250)));
        assert_eq!(budget.take(ms(2500)), Ok(()));
        assert_eq!(budget.take(ms(9000)), Ok(()), "whoever was away begins anew");
    }

    #[test]
    fn what_is_told_to_wait_is_long_enough_and_no_longer_than_needed() {
        for count in [1, 2, 7] {
            for shape in [Shape::Window, Shape::Bucket { burst: 3 }] {
                let budget = budget(count, 250, shape);
                let mut now = ms(5000);
                for _ in 0..200 {
                    match budget.take(now) {
                        Ok(()) => now += Duration::from_micros(777),
                        Err(wait) => {
                            assert!(
                                wait > Duration::ZERO
                                    && budget.take(now + wait - Duration::from_nanos(1)).is_err()
                            );
                            now += wait;
                            assert_eq!(budget.take(now), Ok(()), "{count} {shape:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_bucket_gives_a_burst_and_then_one_after_the_other() {
        let budget = budget(10, 1000, Shape::Bucket { burst: 3 });
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
        let budget = budget(7, 1000, Shape::Bucket { burst: 7 });
        let given = (0..100_000).filter(|at| budget.take(ms(*at)).is_ok()).count();
        assert_eq!(given, 7 + 7 * 100 - 1);
    }

    #[test]
    fn a_clock_that_stands_still_gives_no_more_than_there_is() {
        for shape in [Shape::Window, Shape::Bucket { burst: 5 }] {
            let budget = budget(5, 1, shape);
            assert_eq!((0..100).filter(|_| budget.take(ms(3)).is_ok()).count(), 5);
        }
    }
}
