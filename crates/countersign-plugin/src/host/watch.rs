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
        let slot = Arc::new(Slot { module: AtomicUsize::new(0), beat: AtomicU64::new(0) });
        let mut slots = lock(&SLOTS);
        slots.retain(|slot| slot.strong_count() > 0);
        slots.push(Arc::downgrade(&slot));
        slot
    }
}

/// A thread's stay in a module, as the watchdog knows it.
struct Stay {
    beat: u64,
    since: Instant,
    /// Whether it is told that this is too long. Once is enough: an operator who lets requests in again knows of it.
    told: bool,
}

impl Stay {
    fn of(beat: u64) -> Self {
        Stay { beat, since: Instant::now(), told: false }
    }
}

/// Look at every slot, again and again.
fn watch() {
    let mut stays: HashMap<*const Slot, Stay> = HashMap::new();
    loop {
        let modules: Vec<Arc<Shared>> = {
            let mut watched = lock(&WATCHED);
            watched.retain(|module| module.strong_count() > 0);
            watched.iter().filter_map(Weak::upgrade).collect()
        };
        let slots: Vec<Arc<Slot>> = lock(&SLOTS).iter().filter_map(Weak::upgrade).collect();
        stays.retain(|known, _| slots.iter().any(|slot| Arc::as_ptr(slot) == *known));
        for slot in &slots {
            let beat = slot.beat.load(Ordering::Acquire);
            let module = slot.module.load(Ordering::Acquire);
            let stay = stays.entry(Arc::as_ptr(slot)).or_insert_with(|| Stay::of(beat));
            if stay.beat != beat {
                *stay = Stay::of(beat);
            }
            // A thread that has moved on meanwhile may be in another module by now, which is not to be blamed.
            let is_inside = beat % 2 == 1 && slot.beat.load(Ordering::Acquire) == beat;
            if is_inside && let Some(module) = modules.iter().find(|known| known.id == module) {
                module.look_at(stay);
            }
        }
        let soonest = modules.iter().map(|module| module.deadline).min().unwrap_or(Duration::from_secs(1));
        drop(modules);
        thread::sleep((soonest / 8).clamp(Duration::from_millis(1), Duration::from_millis(100)));
    }
}

impl Shared {
    /// A call is in it.
    fn look_at(&self, stay: &mut Stay) {
        let for_long = stay.since.elapsed();
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
