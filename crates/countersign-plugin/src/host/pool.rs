//! A module's own threads: few, fed from one queue, each call with a deadline that the caller can rely on.
//!
//! A call waits for a thread for so long at most, and then has as long to itself: what a crowd of callers takes away from
//! each other is not held against the module. A thread that does not come back in time is given up: its caller has an
//! answer, and the thread is counted as lost until it comes back after all. With none left there is nobody to ask.

use super::watch::lock;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How many calls wait for a thread, for each of them.
const WAITING: usize = 64;

/// The threads of one module.
pub(super) struct Pool {
    inner: Arc<Inner>,
    threads: usize,
}

struct Inner {
    queue: Mutex<VecDeque<Job>>,
    filled: Condvar,
    lost: AtomicUsize,
    closed: AtomicBool,
}

type Job = Box<dyn FnOnce() + Send>;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Late {
    /// It did not come in time. Whether it was still waiting for a thread.
    Deadline { waiting: bool },

    /// Too many are waiting already.
    Full,

    /// The call ended without an answer.
    Gone,
}

impl Pool {
    pub(super) fn new(threads: usize, name: &str) -> Self {
        let threads = threads.max(1);
        let inner = Arc::new(Inner {
            queue: Mutex::default(),
            filled: Condvar::new(),
            lost: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
        });
        for number in 0..threads {
            let own = inner.clone();
            let builder = thread::Builder::new().name(format!("{name}-{number}"));
            // One that cannot be had is one that is lost.
            if builder.spawn(move || own.work()).is_err() {
                inner.lost.fetch_add(1, Ordering::AcqRel);
            }
        }
        Pool { inner, threads }
    }

    /// Whether every thread is lost.
    pub(super) fn is_lost(&self) -> bool {
        self.inner.lost.load(Ordering::Acquire) >= self.threads
    }

    /// Have it done by one of the threads, and wait for so long at most until it begins, and then until it ends.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        deadline: Duration,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Late> {
        /// What becomes of a call, agreed between its caller and its thread.
        const WAITS: usize = 0;
        const RUNS: usize = 1;
        const GIVEN_UP: usize = 2;
        const DONE: usize = 3;
        let state = Arc::new(AtomicUsize::new(WAITS));
        let began = Arc::new(OnceLock::new());
        let (answer, answers) = sync_channel(1);
        let job = {
            let (state, began, inner) = (state.clone(), began.clone(), self.inner.clone());
            Box::new(move || {
                // Before the state: who sees that it runs sees since when.
                let _ = began.set(Instant::now());
                if state.compare_exchange(WAITS, RUNS, Ordering::AcqRel, Ordering::Acquire).is_err() {
                    return;
                }
                let value = call();
                if state.swap(DONE, Ordering::AcqRel) == GIVEN_UP {
                    // It was counted as lost, and is back.
                    inner.lost.fetch_sub(1, Ordering::AcqRel);
                }
                let _ = answer.send(value);
            })
        };
        {
            let mut queue = lock(&self.inner.queue);
            if queue.len() >= self.threads * WAITING {
                return Err(Late::Full);
            }
            queue.push_back(job);
        }
        self.inner.filled.notify_one();
        let becomes = |from| state.compare_exchange(from, GIVEN_UP, Ordering::AcqRel, Ordering::Acquire);
        let mut answered = answers.recv_timeout(deadline);
        if matches!(answered, Err(RecvTimeoutError::Timeout)) {
            if becomes(WAITS).is_ok() {
                return Err(Late::Deadline { waiting: true });
            }
            let ran = began.get().map_or(deadline, Instant::elapsed);
            answered = answers.recv_timeout(deadline.saturating_sub(ran));
        }
        match answered {
            Ok(value) => Ok(value),
            Err(RecvTimeoutError::Disconnected) => Err(Late::Gone),
            Err(RecvTimeoutError::Timeout) => {
                // Counted first: the thread counts itself back as soon as it sees that it was given up.
                self.inner.lost.fetch_add(1, Ordering::AcqRel);
                if becomes(RUNS).is_ok() {
                    return Err(Late::Deadline { waiting: false });
                }
                // It came back at this very moment.
                self.inner.lost.fetch_sub(1, Ordering::AcqRel);
                answers.recv().map_err(|_| Late::Gone)
            }
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.inner.closed.store(true, Ordering::Release);
        self.inner.filled.notify_all();
    }
}

impl Inner {
    fn work(&self) {
        loop {
            let job = {
                let mut queue = lock(&self.queue);
                loop {
                    if let Some(job) = queue.pop_front() {
                        break job;
                    }
                    if self.closed.load(Ordering::Acquire) {
                        return;
                    }
                    // A closing that is missed is seen at the next look.
                    let waited = self.filled.wait_timeout(queue, Duration::from_secs(1));
                    queue = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
            };
            // What unwinds is one call, and not the thread: its caller hears that there is no answer.
            let _ = catch_unwind(AssertUnwindSafe(job));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    const SOON: Duration = Duration::from_millis(30);
    const LATER: Duration = Duration::from_secs(20);

    #[test]
    fn a_thread_that_does_not_come_back_is_given_up_and_taken_again_when_it_does() {
        let pool = Pool::new(2, "test");
        let mut held = Vec::new();
        for _ in 0..2 {
            let (free, waits) = channel::<()>();
            held.push(free);
            let late = pool.ask(SOON, move || waits.recv().unwrap_or_default());
            assert_eq!(late, Err(Late::Deadline { waiting: false }));
        }
        assert!(pool.is_lost());
        assert_eq!(pool.ask(SOON, || 1), Err(Late::Deadline { waiting: true }));
        drop(held);
        assert_eq!(pool.ask(LATER, || 2), Ok(2));
        while pool.is_lost() {
            thread::yield_now();
        }
    }

    #[test]
    fn what_waits_is_bounded_and_what_was_given_up_waiting_never_runs() {
        let pool = Arc::new(Pool::new(1, "test"));
        let (free, waits) = channel::<()>();
        let _ = pool.ask(SOON, move || waits.recv().unwrap_or_default());
        let ran = Arc::new(AtomicUsize::new(0));
        for _ in 0..WAITING {
            let ran = ran.clone();
            let given_up = pool.ask(Duration::ZERO, move || ran.fetch_add(1, Ordering::SeqCst));
            assert_eq!(given_up, Err(Late::Deadline { waiting: true }));
        }
        assert_eq!(pool.ask(SOON, || 0).err(), Some(Late::Full));
        drop(free);
        while pool.ask(LATER, || ()).is_err() {
            thread::yield_now();
        }
        assert_eq!(ran.load(Ordering::SeqCst), 0);
    }
}
