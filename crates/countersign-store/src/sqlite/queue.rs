//! What waits for a thread: bounded in number and in bytes, taken many at a time.
//!
//! Not a channel: of a channel one takes one at a time, and each of them costs a lock. The thread that commits groups takes
//! all that waits with one lock, and whoever puts something in wakes it only if it sleeps.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

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
    closed: bool,
}

impl<T> Queue<T> {
    /// An empty one.
    pub(super) fn new(limit: Limit) -> Self {
        let state = State { waiting: VecDeque::new(), bytes: 0, sleepers: 0, closed: false };
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
        let asleep = state.sleepers > 0;
        drop(state);
        if asleep {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Move what waits, within `limit` and at least one, behind what `into` has. Sleeps until there is something; `false` if
    /// the queue was closed and is empty.
    pub(super) fn take(&self, limit: Limit, into: &mut Vec<T>) -> bool {
        let mut state = self.lock();
        while state.waiting.is_empty() {
            if state.closed {
                return false;
            }
            state.sleepers += 1;
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.sleepers -= 1;
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
