//! What waits for a thread: bounded in number and in bytes, taken many at a time.
//!
//! Not a channel: of a channel one takes one at a time, and each of them costs a lock. The thread that commits groups takes
//! all that waits with one lock, and whoever puts something in wakes it only if it sleeps.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A queue with an end.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
    limit: Limit,
}

/// At most so much.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    /// Items.
    pub(super) items: usize,
    /// Bytes that they hold. One item alone may hold more.
    pub(super) bytes: usize,
}

/// Why something was not taken in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Refused {
    /// As much waits as may.
    Full,
    /// Nobody takes from it any more.
    Closed,
}

struct State<T> {
    waiting: VecDeque<(T, usize)>,
    bytes: usize,
    sleepers: usize,
    /// How many have to wait for a sleeper to be woken.
    enough: usize,
    closed: bool,
}

impl<T> Queue<T> {
    /// An empty one.
    pub(super) fn new(limit: Limit) -> Self {
        let state = State { waiting: VecDeque::new(), bytes: 0, sleepers: 0, enough: 1, closed: false };
        Self { state: Mutex::new(state), filled: Condvar::new(), limit }
    }

    /// Put `item` behind all that waits; `bytes` is what it holds.
    pub(super) fn push(&self, item: T, bytes: usize) -> Result<(), Refused> {
        let mut state = self.lock();
        if state.closed {
            return Err(Refused::Closed);
        }
        if !state.waiting.is_empty()
            && (state.waiting.len() >= self.limit.items || state.bytes + bytes > self.limit.bytes)
        {
            return Err(Refused::Full);
        }
        state.bytes += bytes;
        state.waiting.push_back((item, bytes));
        let asleep = state.sleepers > 0 && state.waiting.len() >= state.enough;
        drop(state);
        if asleep {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Sleep until something waits, and then until `enough` do, though no longer than `patience`.
    pub(super) fn gather(&self, enough: usize, patience: Duration) {
        let mut state = self.filled(self.lock());
        let start = Instant::now();
        state.enough = enough.min(self.limit.items);
        while state.waiting.len() < state.enough && !state.closed {
            let Some(left) = patience.checked_sub(start.elapsed()) else { break };
            state.sleepers += 1;
            state = self.filled.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            state.sleepers -= 1;
        }
        state.enough = 1;
    }

    /// Move what waits, within `limit` and at least one, behind what `into` has. Sleeps until there is something; `false` if
    /// the queue was closed and is empty.
    pub(super) fn take(&self, limit: Limit, into: &mut Vec<T>) -> bool {
        let mut state = self.filled(self.lock());
        if state.waiting.is_empty() {
            return false;
        }
        let mut taken = 0;
        for _ in 0..limit.items.max(1) {
            let Some((_, bytes)) = state.waiting.front() else { break };
            if taken > 0 && taken + bytes > limit.bytes {
                break;
            }
            taken += bytes;
            into.extend(state.waiting.pop_front().map(|(item, _)| item));
        }
        state.bytes -= taken;
        true
    }

    /// Take nothing in any more. What waits can still be taken.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
    }

    /// Close it, and drop what waits.
    pub(super) fn abandon(&self) {
        self.close();
        let waiting = std::mem::take(&mut self.lock().waiting);
        drop(waiting);
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Sleeps until there is something, or never will be.
    fn filled<'s>(&self, mut state: MutexGuard<'s, State<T>>) -> MutexGuard<'s, State<T>> {
        while state.waiting.is_empty() && !state.closed {
            state.sleepers += 1;
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.sleepers -= 1;
        }
        state
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit { items: 3, bytes: 100 };

    #[test]
    fn it_is_full_by_number_and_by_bytes_but_one_alone_may_be_large() {
        let queue = Queue::new(LIMIT);
        assert_eq!(queue.push('a', 500), Ok(()));
        assert_eq!(queue.push('b', 1), Err(Refused::Full));
        let mut taken = Vec::new();
        assert!(queue.take(LIMIT, &mut taken));
        for item in ['b', 'c', 'd'] {
            assert_eq!(queue.push(item, 1), Ok(()));
        }
        assert_eq!((queue.push('e', 1), queue.len()), (Err(Refused::Full), 3));
        assert!(queue.take(LIMIT, &mut taken));
        assert_eq!(taken, ['a', 'b', 'c', 'd'], "in the order in which they came");
    }

    #[test]
    fn no_more_is_taken_than_asked_for_and_what_is_closed_is_emptied_first() {
        let queue = Queue::new(Limit { items: 10, bytes: 1000 });
        (0..4).for_each(|item| queue.push(item, 60).expect("it has room"));
        queue.close();
        assert_eq!(queue.push(9, 1), Err(Refused::Closed));
        let mut taken = Vec::new();
        assert!(queue.take(LIMIT, &mut taken) && taken == [0]);
        assert!(queue.take(Limit { items: 2, bytes: 1000 }, &mut taken) && taken == [0, 1, 2]);
        assert!(queue.take(LIMIT, &mut taken) && taken == [0, 1, 2, 3]);
        assert!(!queue.take(LIMIT, &mut taken));
    }

    #[test]
    fn gathering_ends_when_enough_wait_when_it_is_closed_and_when_it_took_too_long() {
        const LONG: Duration = Duration::from_secs(600);
        let queue = Queue::new(LIMIT);
        std::thread::scope(|scope| {
            let gathers = scope.spawn(|| queue.gather(2, LONG));
            queue.push('a', 1).expect("it has room");
            queue.push('b', 1).expect("it has room");
            gathers.join().expect("it does not panic");
            let gathers = scope.spawn(|| queue.gather(9, LONG));
            queue.push('c', 1).expect("it has room");
            gathers.join().expect("no more than the queue holds is waited for");
            queue.gather(9, Duration::ZERO);
            let mut taken = Vec::new();
            assert!(queue.take(LIMIT, &mut taken) && taken.len() == 3);
            let gathers = scope.spawn(|| queue.gather(2, LONG));
            queue.push('d', 1).expect("it has room");
            queue.close();
            gathers.join().expect("it does not panic");
        });
    }

    #[test]
    fn who_sleeps_is_woken_by_an_item_and_by_the_end() {
        let queue = Queue::new(LIMIT);
        std::thread::scope(|scope| {
            let sleeper = scope.spawn(|| {
                let mut taken = Vec::new();
                while queue.take(LIMIT, &mut taken) {}
                taken
            });
            queue.push(7, 1).expect("it has room");
            while queue.len() > 0 {
                std::thread::yield_now();
            }
            queue.close();
            assert_eq!(sleeper.join().expect("it does not panic"), [7]);
        });
    }
}
