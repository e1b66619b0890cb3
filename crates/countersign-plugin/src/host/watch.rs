//! How a module fares: its faults, its quarantine, and the watchdog that notices a call which does not come back.
//!
//! A call that hangs in the caller's thread cannot be stopped. What can be done is to notice it, to let no other request
//! go the same way, and to say so. For that every thread has a slot: which module it is in, and a number that is odd while
//! it is. To enter and to leave are two stores; only the watchdog looks at a clock.

use super::pool::Pool;
use super::spec::{Isolation, Spec};
use std::cell::OnceCell;
use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// Over how long faults are counted.
const WINDOW: Duration = Duration::from_secs(60);

/// What all calls into one module have in common.
pub(super) struct Shared {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) isolation: Isolation,
    pub(super) deadline: Duration,
    pub(super) fetch_hosts: Vec<String>,
    pub(super) pool: Option<Pool>,
    abort_after: Option<Duration>,
    most_faults: usize,
    pub(super) id: usize,
    quarantined: AtomicBool,
    why: Mutex<Option<String>>,
    recent: Mutex<VecDeque<Instant>>,
    faults: AtomicU64,
}

/// How a module fares.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Health {
    /// Why no request is let in, if none is: each is then `mode_fault`, and a host is not ready.
    pub quarantined: Option<String>,

    /// How many faults there have been.
    pub faults: u64,
}

impl Shared {
    pub(super) fn new(spec: &Spec, name: &str) -> Arc<Self> {
        static IDS: AtomicUsize = AtomicUsize::new(1);
        let pool = (spec.isolation == Isolation::Thread).then(|| Pool::new(spec.threads, name));
        let shared = Arc::new(Shared {
            name: name.to_owned(),
            path: spec.path.clone(),
            isolation: spec.isolation,
            deadline: spec.deadline,
            fetch_hosts: spec.fetch_hosts.clone(),
            pool,
            abort_after: spec.abort_after,
            most_faults: spec.faults,
            id: IDS.fetch_add(1, Ordering::Relaxed),
            quarantined: AtomicBool::new(false),
            why: Mutex::default(),
            recent: Mutex::default(),
            faults: AtomicU64::new(0),
        });
        if spec.isolation == Isolation::Inline {
            lock(&WATCHED).push(Arc::downgrade(&shared));
            static DOG: Once = Once::new();
            DOG.call_once(|| drop(thread::Builder::new().name("countersign-watch".into()).spawn(watch)));
        }
        shared
    }

    /// Whether requests are kept out.
    #[inline]
    pub(super) fn is_quarantined(&self) -> bool {
        self.quarantined.load(Ordering::Relaxed)
    }

    /// One more fault. Too many within a minute, and it is quarantined.
    pub(super) fn fault(&self) {
        self.faults.fetch_add(1, Ordering::Relaxed);
        let mut recent = lock(&self.recent);
        let now = Instant::now();
        recent.push_back(now);
        while recent.front().is_some_and(|first| now.duration_since(*first) > WINDOW) {
            recent.pop_front();
        }
        if recent.len() >= self.most_faults {
            self.quarantine(format!("{} faults within a minute", recent.len()));
        }
    }

    pub(super) fn quarantine(&self, why: String) {
        lock(&self.why).get_or_insert(why);
        self.quarantined.store(true, Ordering::Release);
    }

    pub(super) fn release(&self) {
        lock(&self.recent).clear();
        lock(&self.why).take();
        self.quarantined.store(false, Ordering::Release);
    }

    pub(super) fn health(&self) -> Health {
        let quarantined = self.is_quarantined().then(|| lock(&self.why).clone().unwrap_or_default());
        Health { quarantined, faults: self.faults.load(Ordering::Relaxed) }
    }

    /// Call into the module, and let the watchdog see for how long.
    #[inline]
    pub(super) fn within<T>(&self, call: impl FnOnce() -> T) -> T {
        SLOT.with(|slot| {
            let slot = slot.get_or_init(Slot::register);
            slot.module.store(self.id, Ordering::Release);
            let beat = slot.beat.load(Ordering::Relaxed);
            slot.beat.store(beat.wrapping_add(1), Ordering::Release);
            let value = call();
            slot.beat.store(beat.wrapping_add(2), Ordering::Release);
            value
        })
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is kept under these locks is whole after every step.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A thread's own slot.
struct Slot {
    /// Which module the thread is in, or was in last.
    module: AtomicUsize,
    /// Odd while it is.
    beat: AtomicU64,
}

static SLOTS: Mutex<Vec<Weak<Slot>>> = Mutex::new(Vec::new());
static WATCHED: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());

thread_local! {
    static SLOT: OnceCell<Arc<Slot>> = const { OnceCell::new() };
}

impl Slot {
    fn register() -> Arc<Self> {
        // No two slots ever beat alike: one that has the address of one that is gone is not taken for it.
        static FIRST: AtomicU64 = AtomicU64::new(0);
        let beat = AtomicU64::new(FIRST.fetch_add(1 << 40, Ordering::Relaxed));
        let slot = Arc::new(Slot { module: AtomicUsize::new(0), beat });
        let mut slots = lock(&SLOTS);
        slots.retain(|slot| slot.strong_count() > 0);
        slots.push(Arc::downgrade(&slot));
        slot
    }
}

/// A thread's stay in a module, as the watchdog knows it.
struct Stay {
    beat: u64,
    /// For how long, as far as it was looked at.
    long: Duration,
    /// Whether it is told that this is too long. Once is enough: an operator who lets requests in again knows of it.
    told: bool,
}

impl Stay {
    fn of(beat: u64) -> Self {
        Stay { beat, long: Duration::ZERO, told: false }
    }

    /// Look again, after so long. Who looks much later than it meant to was itself kept from running, by a stopped process or
    /// a machine that slept, and so was the call: no such time is held against a module.
    fn look(&mut self, beat: u64, after: Duration, meant: Duration) {
        match self.beat == beat {
            true => self.long += after.min(2 * meant),
            false => *self = Stay::of(beat),
        }
    }
}

/// Look at every slot, again and again.
fn watch() {
    let mut stays: HashMap<*const Slot, Stay> = HashMap::new();
    let (mut last, mut pause) = (Instant::now(), Duration::ZERO);
    loop {
        let after = last.elapsed();
        last += after;
        let modules: Vec<Arc<Shared>> = {
            let mut watched = lock(&WATCHED);
            watched.retain(|module| module.strong_count() > 0);
            watched.iter().filter_map(Weak::upgrade).collect()
        };
        let slots: Vec<Arc<Slot>> = lock(&SLOTS).iter().filter_map(Weak::upgrade).collect();
        let mut before = std::mem::replace(&mut stays, HashMap::with_capacity(slots.len()));
        for slot in &slots {
            let beat = slot.beat.load(Ordering::Acquire);
            let module = slot.module.load(Ordering::Acquire);
            let mut stay = before.remove(&Arc::as_ptr(slot)).unwrap_or(Stay::of(beat));
            stay.look(beat, after, pause);
            // A thread that has moved on meanwhile may be in another module by now, which is not to be blamed.
            let is_inside = beat % 2 == 1 && slot.beat.load(Ordering::Acquire) == beat;
            if is_inside && let Some(module) = modules.iter().find(|known| known.id == module) {
                module.look_at(&mut stay);
            }
            stays.insert(Arc::as_ptr(slot), stay);
        }
        let soonest = modules.iter().map(|module| module.deadline).min().unwrap_or(Duration::from_secs(1));
        drop(modules);
        pause = (soonest / 8).clamp(Duration::from_millis(1), Duration::from_millis(100));
        thread::sleep(pause);
    }
}

impl Shared {
    /// A call is in it.
    fn look_at(&self, stay: &mut Stay) {
        let for_long = stay.long;
        if for_long >= self.deadline && !std::mem::replace(&mut stay.told, true) && !self.is_quarantined() {
            self.faults.fetch_add(1, Ordering::Relaxed);
            self.quarantine(format!("a call has not come back within {} ms", self.deadline.as_millis()));
        }
        if self.abort_after.is_some_and(|limit| for_long >= limit) {
            #[expect(clippy::print_stderr, reason = "the last word of a process that ends here")]
            {
                let Self { name, path, .. } = self;
                let ms = for_long.as_millis();
                eprintln!(
                    "countersign: a call into the module {name} ({}) hangs since {ms} ms: aborting",
                    path.display()
                );
            }
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_was_stopped_blames_no_module_for_it() {
        let meant = Duration::from_millis(100);
        let mut stay = Stay::of(1);
        stay.look(1, meant, meant);
        stay.look(1, Duration::from_secs(3600), meant);
        assert_eq!(stay.long, 3 * meant);
        stay.look(3, meant, meant);
        assert_eq!(stay.long, Duration::ZERO);
    }

    #[test]
    fn no_two_slots_beat_alike() {
        let beats = [Slot::register(), Slot::register()].map(|slot| slot.beat.load(Ordering::Relaxed));
        assert!(beats[0].abs_diff(beats[1]) >= 1 << 40 && beats.iter().all(|beat| beat % 2 == 0));
    }
}
