//! Accepting a message once: what names it, and who remembers the name.
//!
//! The in-memory guard keeps time by the `now` it is handed, and only ever compares it with a key's own end.
//! It does not follow the latest `now` it has seen. Clocks step back, and a guard that had forgotten by the
//! later time would let everything in again; comparing with the stepped-back time can only remember longer.
//! The other direction, a clock that runs ahead and is then put right, is why an expired key is dropped no
//! sooner than its room is needed: see [`MemoryGuard`].

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    fmt,
    sync::Mutex,
    time::Duration,
};

use sha2::{Digest, Sha256};

use crate::time::Timestamp;

/// A preset's `[replay]`: what makes two requests the same, and for how long.
///
/// Unsaid, it is the id where the signature binds one; else the content where it binds a time, kept for
/// `past + future + 60 s`; else nothing, for two equal events are then two events, and only the operator can
/// say otherwise. Compiling settles which, and `preset show` prints it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Replay {
    /// What makes two requests the same.
    pub key: ReplayBy,
    /// How long that is remembered, counted from when it was accepted.
    pub keep: Duration,
}

/// What makes two requests the same: `key = "id" | "content" | "none"`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ReplayBy {
    /// The signed message id.
    Id,
    /// The signed content, by its fingerprints.
    Content,
    /// Nothing: every request is new.
    None,
}

impl ReplayBy {
    /// Every choice, in the order of [`WORDS`](Self::WORDS).
    pub const ALL: [Self; 3] = [Self::Id, Self::Content, Self::None];

    /// The words of `key`, each with what it means.
    pub const WORDS: [(&'static str, &'static str); 3] = [
        ("id", "the message id that the signature covers"),
        ("content", "the content that the signature covers, whichever key signed it"),
        ("none", "nothing: every verified request is accepted, however often it comes"),
    ];

    /// The choice called `word`.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.word() == word)
    }

    /// What a preset calls it.
    pub const fn word(self) -> &'static str {
        Self::WORDS[self as usize].0
    }
}

/// One thing remembered about an accepted request: fixed in size, free of sender-chosen bytes.
///
/// SHA-256 over source, mode, `id` or `content`, and the value, each with its length before it: two sources
/// never share one, though they share a preset.
///
/// Comparing two with `==` need not take constant time. A guard is only asked about requests that verified,
/// and what leaks, a prefix of a hash of what the sender itself sent, helps nobody to make a signature.
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct ReplayKey {
    digest: [u8; 32],
    expires: Timestamp,
}

impl ReplayKey {
    /// The key for `value`, of the given kind (a word of [`ReplayBy`]), as accepted by `source` through
    /// `mode`.
    pub(crate) fn new(source: &str, mode: &str, kind: &str, value: &[u8], expires: Timestamp) -> Self {
        let mut hash = Sha256::new();
        for part in [source.as_bytes(), mode.as_bytes(), kind.as_bytes(), value] {
            // The length goes first, so that no part's end can be taken for the next one's start.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self { digest: hash.finalize().into(), expires }
    }

    /// What to remember.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// Until when: the last moment at which it is still remembered.
    pub fn expires(&self) -> Timestamp {
        self.expires
    }
}

/// Prints nothing of the digest: in a log it would tell two readers that they saw the same message.
impl fmt::Debug for ReplayKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReplayKey(..)")
    }
}

/// Remembers what was accepted, so that a genuine request sent again is not acted on again.
///
/// # What must hold
///
/// * **One atomic step.** Of any number of claims that share a key, in any threads, processes or machines
///   that this guard serves, exactly one is told [`Claim::Fresh`]. Looking first and storing after is not a
///   guard.
/// * **All keys or none.** A claim is [`Claim::Seen`] if *any* of its keys is known. After `Fresh` and after
///   `Seen`, *all* of them are known, each at least until its own [`expires`](ReplayKey::expires), inclusive;
///   of a key claimed twice, the later end counts. After [`Claim::Unknown`], nothing is known that was not
///   before.
/// * **Remembered by digest.** Two keys with one digest are one key, whatever their ends, also within one
///   claim.
/// * **No keys: `Fresh`.** A preset may have nothing to remember.
///
/// `now` is the caller's clock and may step back between two calls. That must not make a guard forget.
///
/// # What a wrong answer costs
///
/// * A false `Fresh` lets a recorded request act again: a second refund, a second shipment. Nobody downstream
///   can notice, since the signature is genuine. It is the one failure a guard exists to prevent.
/// * A false `Seen` loses a message for good. The sender is answered as for any duplicate, with a success,
///   and will not send it again.
/// * `Unknown` costs a delay: the sender is told to come back later, and does. A guard that is full, cut off
///   from its store or unsure in any other way says so, and never guesses either of the others.
pub trait ReplayGuard: Send + Sync {
    /// Claim `keys` for one request, all of them in one step, at the moment `now`.
    fn claim(&self, keys: &[ReplayKey], now: Timestamp) -> Claim;

    /// Give a claim back: who was told [`Claim::Fresh`] for these keys did not act on the request after all, and its sender
    /// should be let in when he tries again. Nobody else may call this.
    ///
    /// As it stands it does nothing, which is safe and costs a message: one that failed once is a duplicate from then on. A
    /// guard that can forget should.
    fn release(&self, keys: &[ReplayKey]) {
        let _ = keys;
    }
}

/// A guard's answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use = "a claim that nobody reads guards nothing"]
pub enum Claim {
    /// None of the keys was known. They are now.
    Fresh,
    /// At least one was known.
    Seen,
    /// The guard cannot say, and has remembered nothing.
    Unknown,
}

/// A guard for one process: it remembers in memory, and a restart forgets everything.
///
/// **Bounded, and closed when full.** It holds at most as many keys as it was given room for. When all of
/// them are still live and a claim needs more room, the answer is [`Claim::Unknown`]; a live key is never
/// dropped to make room, for whoever can send many messages could then push out the one to be replayed. A key
/// takes 90 to 180 bytes, so the default of 100 000 keys is at most some 18 MB. Room is taken as it is needed
/// and not given back.
///
/// **Forgets late.** An expired key counts as unknown at once, but its room is only reused when there is no
/// other, the earliest expired first. A clock that leaps ahead and is put right again has thus dropped only
/// as many keys as claims made in between had to. Those it cannot bring back: while the clock is wrong, so is
/// the guard.
///
/// **Cost**: a look-up for each key, and O(log n) for each key stored or dropped, amortised; every key stored
/// is dropped once, and re-sorted at most once for each time its end was moved. One lock guards the whole,
/// not one for each shard: the keys of a claim must be judged in one step, and holding several locks in order
/// would cost more than the few look-ups made under this one.
pub struct MemoryGuard {
    capacity: usize,
    memory: Mutex<Memory>,
}

impl MemoryGuard {
    /// A guard with room for `capacity` keys (a request has one or a few). With none, every claim of a key is
    /// [`Claim::Unknown`].
    pub fn new(capacity: usize) -> Self {
        Self { capacity, memory: Mutex::default() }
    }
}

/// Room for 100 000 keys.
impl Default for MemoryGuard {
    fn default() -> Self {
        Self::new(100_000)
    }
}

impl fmt::Debug for MemoryGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryGuard").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

impl ReplayGuard for MemoryGuard {
    fn claim(&self, keys: &[ReplayKey], now: Timestamp) -> Claim {
        // A thread that panicked in here may have left a claim half done. Nothing it says can be
        // trusted then.
        let Ok(mut memory) = self.memory.lock() else {
            return Claim::Unknown;
        };
        let seen = keys.iter().any(|key| memory.known.get(&key.digest).is_some_and(|&until| until >= now));
        if !memory.make_room(keys, self.capacity, now) {
            return Claim::Unknown;
        }
        keys.iter().for_each(|key| memory.remember(key));
        if seen { Claim::Seen } else { Claim::Fresh }
    }

    /// Forgotten at once, and the room is had back when the keys would have expired.
    fn release(&self, keys: &[ReplayKey]) {
        let Ok(mut memory) = self.memory.lock() else {
            return;
        };
        for key in keys {
            if let Some(until) = memory.known.get_mut(&key.digest) {
                // Not removed: its place in the queue would then be a second one when it is claimed again.
                *until = Timestamp::from_unix_ms(i64::MIN);
            }
        }
    }
}

/// Every key is once in `known`, with its end, and once in `queue`, with an end that is no later than the
/// true one: moving an end does not touch the queue, and whoever takes a key from there looks again.
#[derive(Default)]
struct Memory {
    known: HashMap<[u8; 32], Timestamp>,
    queue: BinaryHeap<Reverse<(Timestamp, [u8; 32])>>,
}

impl Memory {
    fn remember(&mut self, &ReplayKey { digest, expires }: &ReplayKey) {
        match self.known.get_mut(&digest) {
            Some(until) => *until = expires.max(*until),
            None => {
                self.known.insert(digest, expires);
                self.queue.push(Reverse((expires, digest)));
            }
        }
    }

    /// Make sure that all of `keys` can be remembered, dropping expired keys if that is what it takes.
    fn make_room(&mut self, keys: &[ReplayKey], capacity: usize, now: Timestamp) -> bool {
        // Counting which of them are new is only worth it near the end.
        if self.known.len().saturating_add(keys.len()) <= capacity {
            return true;
        }
        let is_first = |at: usize| keys[..at].iter().all(|earlier| earlier.digest != keys[at].digest);
        let is_new = |at: &usize| !self.known.contains_key(&keys[*at].digest) && is_first(*at);
        let mut new = (0..keys.len()).filter(is_new).count();
        while self.known.len().saturating_add(new) > capacity {
            match self.drop_expired(now) {
                Some(dropped) => new += usize::from(keys.iter().any(|key| key.digest == dropped)),
                None => return false,
            }
        }
        true
    }

    /// Drop the key that expired first, if one has.
    fn drop_expired(&mut self, now: Timestamp) -> Option<[u8; 32]> {
        loop {
            let mut first = self.queue.peek_mut()?;
            let Reverse((queued, digest)) = *first;
            if queued >= now {
                return None;
            }
            match self.known.get(&digest) {
                // Its end was moved since: put it where it belongs.
                Some(&until) if until > queued => *first = Reverse((until, digest)),
                _ => {
                    std::collections::binary_heap::PeekMut::pop(first);
                    self.known.remove(&digest);
                    return Some(digest);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};
    use std::{
        collections::HashSet,
        sync::{
            Barrier,
            atomic::{AtomicUsize, Ordering},
        },
        thread,
    };

    const NOW: i64 = 1_700_000_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(seconds)
    }

    fn key(name: &str, expires: i64) -> ReplayKey {
        ReplayKey::new("orders", "hmac", "id", name.as_bytes(), at(expires))
    }

    #[test]
    fn keys_differ_in_every_part_and_in_where_parts_end() {
        let digest = |source, mode, kind, value: &str| {
            *ReplayKey::new(source, mode, kind, value.as_bytes(), at(NOW)).digest()
        };
        let all = [
            digest("ab", "c", "id", "x"),
            digest("a", "bc", "id", "x"),
            digest("ab", "ci", "d", "x"),
            digest("ab", "c", "idx", ""),
            digest("ab", "c", "content", "x"),
            digest("ab", "c", "id", "y"),
        ];
        assert_eq!(HashSet::from(all).len(), all.len());
        // Written out, so that a change which would forget every stored key on upgrade is noticed.
        let mut plain = Vec::new();
        for part in ["ab", "c", "id", "x"] {
            plain.extend_from_slice(&(part.len() as u64).to_be_bytes());
            plain.extend_from_slice(part.as_bytes());
        }
        assert_eq!(all[0], <[u8; 32]>::from(Sha256::digest(plain)));
    }

    #[test]
    fn every_choice_has_its_word() {
        for (by, (word, meaning)) in ReplayBy::ALL.into_iter().zip(ReplayBy::WORDS) {
            assert_eq!((ReplayBy::from_word(word), by.word()), (Some(by), word));
            assert!(!meaning.is_empty());
        }
        assert_eq!(ReplayBy::from_word("ID"), None);
    }

    #[test]
    fn a_claim_that_was_given_back_can_be_made_again_and_takes_no_second_place() {
        let guard = MemoryGuard::new(2);
        let (a, b) = (key("a", NOW + 60), key("b", NOW + 60));
        for _ in 0..100 {
            assert_eq!(guard.claim(&[a.clone(), b.clone()], at(NOW)), Claim::Fresh);
            assert_eq!(guard.claim(std::slice::from_ref(&a), at(NOW)), Claim::Seen);
            guard.release(&[a.clone(), b.clone()]);
        }
        assert_eq!(guard.memory.lock().expect("not poisoned").queue.len(), 2);
        assert_eq!(guard.claim(&[a], at(NOW)), Claim::Fresh);
        assert_eq!(guard.claim(&[key("c", NOW + 90)], at(NOW)), Claim::Unknown, "room comes back at the end");
        assert_eq!(guard.claim(&[key("c", NOW + 90)], at(NOW + 61)), Claim::Fresh);
    }

    #[test]
    fn nothing_of_a_digest_is_printed() {
        assert_eq!(format!("{:?}", key("a", NOW)), "ReplayKey(..)");
        assert_eq!(format!("{:?}", MemoryGuard::new(3)), "MemoryGuard { capacity: 3, .. }");
    }

    #[test]
    fn seen_if_any_is_known_and_then_all_are() {
        let guard = MemoryGuard::default();
        let (a, b, c) = (key("a", NOW + 60), key("b", NOW + 60), key("c", NOW + 60));
        assert_eq!(guard.claim(&[], at(NOW)), Claim::Fresh);
        assert_eq!(guard.claim(&[a.clone(), a.clone()], at(NOW)), Claim::Fresh, "twice in one claim is once");
        assert_eq!(guard.claim(&[b.clone(), a], at(NOW)), Claim::Seen);
        assert_eq!(guard.claim(&[c, b], at(NOW)), Claim::Seen);
        assert_eq!(guard.claim(&[key("c", NOW + 60)], at(NOW)), Claim::Seen);
    }

    #[test]
    fn the_end_is_inclusive_and_the_later_one_counts() {
        let guard = MemoryGuard::default();
        assert_eq!(guard.claim(&[key("a", NOW + 10)], at(NOW)), Claim::Fresh);
        assert_eq!(guard.claim(&[key("a", NOW + 20)], at(NOW + 10)), Claim::Seen);
        assert_eq!(
            guard.claim(&[key("a", NOW + 5)], at(NOW + 20)),
            Claim::Seen,
            "an earlier end takes nothing back"
        );
        assert_eq!(guard.claim(&[key("a", NOW + 40)], at(NOW + 21)), Claim::Fresh);
    }

    #[test]
    fn a_full_guard_cannot_say_and_forgets_nothing() {
        let guard = MemoryGuard::new(2);
        assert_eq!(guard.claim(&[key("a", NOW + 10), key("b", NOW + 20)], at(NOW)), Claim::Fresh);
        assert_eq!(guard.claim(&[key("c", NOW + 90)], at(NOW + 10)), Claim::Unknown);
        assert_eq!(guard.claim(&[key("a", NOW + 10), key("c", NOW + 90)], at(NOW + 10)), Claim::Unknown);
        assert_eq!(guard.claim(&[key("b", NOW + 20), key("a", NOW + 10)], at(NOW + 10)), Claim::Seen);
        assert_eq!(guard.claim(&[key("c", NOW + 90), key("c", NOW + 90)], at(NOW + 11)), Claim::Fresh);
        assert_eq!(guard.claim(&[key("b", NOW + 20)], at(NOW + 11)), Claim::Seen);
        assert_eq!(MemoryGuard::new(0).claim(&[key("a", NOW)], at(NOW)), Claim::Unknown);
    }

    #[test]
    fn an_expired_key_of_the_claim_itself_can_be_the_one_that_makes_room() {
        let guard = MemoryGuard::new(2);
        assert_eq!(guard.claim(&[key("a", NOW), key("b", NOW + 90)], at(NOW)), Claim::Fresh);
        assert_eq!(guard.claim(&[key("a", NOW + 90), key("c", NOW + 90)], at(NOW + 1)), Claim::Unknown);
        assert_eq!(guard.claim(&[key("a", NOW + 90)], at(NOW + 1)), Claim::Fresh);
    }

    #[test]
    fn a_clock_stepping_back_forgets_nothing() {
        let guard = MemoryGuard::new(2);
        let keep = 420;
        assert_eq!(guard.claim(&[key("a", NOW + keep)], at(NOW)), Claim::Fresh);
        assert_eq!(guard.claim(&[key("a", NOW - 200 + keep)], at(NOW - 200)), Claim::Seen);
        assert_eq!(guard.claim(&[key("a", NOW + keep)], at(NOW)), Claim::Seen);
        // Far ahead and put right: what was not pushed out is known again.
        assert_eq!(guard.claim(&[key("b", NOW + 90_000 + keep)], at(NOW + 90_000)), Claim::Fresh);
        assert_eq!(guard.claim(&[key("a", NOW + keep)], at(NOW + 10)), Claim::Seen);
    }

    #[test]
    fn memory_stays_within_its_bounds_however_often_ends_are_moved() {
        let guard = MemoryGuard::new(8);
        for step in 0..10_000 {
            let name = (step % 20).to_string();
            let _ = guard.claim(&[key(&name, NOW + step + 5)], at(NOW + step));
        }
        let memory = guard.memory.lock().expect("nobody panicked");
        assert!(memory.known.len() <= 8);
        assert_eq!(memory.known.len(), memory.queue.len());
    }

    #[test]
    fn of_64_threads_exactly_one_is_first() {
        let guard = MemoryGuard::default();
        let (start, fresh) = (Barrier::new(64), AtomicUsize::new(0));
        let (guard, start, fresh) = (&guard, &start, &fresh);
        thread::scope(|scope| {
            for thread in 0..64 {
                scope.spawn(move || {
                    start.wait();
                    for message in 0..100 {
                        // Each has a key of its own besides the one they share, in either order.
                        let shared = key(&format!("shared {message}"), NOW + 60);
                        let own = key(&format!("own {thread} {message}"), NOW + 60);
                        let keys = if thread % 2 == 0 { [shared, own] } else { [own, shared] };
                        let claim = guard.claim(&keys, at(NOW));
                        fresh.fetch_add(usize::from(claim == Claim::Fresh), Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(fresh.load(Ordering::Relaxed), 100);
    }

    /// The contract, written down as plainly as it can be: a list that is searched from end to end.
    #[derive(Default)]
    struct Model(Vec<ReplayKey>);

    impl Model {
        fn claim(&mut self, keys: &[ReplayKey], capacity: usize, now: Timestamp) -> Claim {
            let live = |known: &Vec<ReplayKey>| {
                known.iter().filter(|k| k.expires >= now).cloned().collect::<Vec<_>>()
            };
            let before = live(&self.0);
            let mut after = self.0.clone();
            for key in keys {
                match after.iter_mut().find(|known| known.digest == key.digest) {
                    Some(known) => known.expires = known.expires.max(key.expires),
                    None => after.push(key.clone()),
                }
            }
            let kept = |k: &ReplayKey| k.expires >= now || keys.iter().any(|key| key.digest == k.digest);
            if after.iter().filter(|k| kept(k)).count() > capacity {
                return Claim::Unknown;
            }
            self.0 = after;
            let seen = keys.iter().any(|key| before.iter().any(|known| known.digest == key.digest));
            if seen { Claim::Seen } else { Claim::Fresh }
        }
    }

    proptest! {
        /// While time goes forward, the guard is the model, at any capacity.
        #[test]
        fn the_guard_does_what_the_model_does(
            capacity in 0_usize..8,
            claims in vec((0_i64..6, vec((0_u8..12, 0_i64..30), 0..4)), 0..120),
        ) {
            let (guard, mut model, mut now) = (MemoryGuard::new(capacity), Model::default(), NOW);
            for (step, keys) in claims {
                now += step;
                let keys: Vec<_> = keys.iter().map(|(name, keep)| key(&name.to_string(), now + keep)).collect();
                prop_assert_eq!(guard.claim(&keys, at(now)), model.claim(&keys, capacity, at(now)));
                let memory = guard.memory.lock().expect("nobody panicked");
                prop_assert!(memory.known.len() <= capacity && memory.known.len() == memory.queue.len());
            }
        }

        /// With room enough, also while the clock jumps about.
        #[test]
        fn a_jumping_clock_changes_nothing_while_there_is_room(
            claims in vec((-50_i64..50, vec((0_u8..12, 0_i64..30), 0..4)), 0..120),
        ) {
            let (guard, mut model) = (MemoryGuard::new(12), Model::default());
            for (jump, keys) in claims {
                let now = NOW + jump;
                let keys: Vec<_> = keys.iter().map(|(name, keep)| key(&name.to_string(), now + keep)).collect();
                prop_assert_eq!(guard.claim(&keys, at(now)), model.claim(&keys, 12, at(now)));
            }
        }
    }
}
