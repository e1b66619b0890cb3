//! What is kept of each document, and what is to be done when it is wanted. No IO, no clock: times are arguments.
//!
//! An entry never loses its copy to a failure. A copy is replaced by a newer one, or it grows too old to be shown.

use super::rules::Rules;
use countersign::{Document, KeyRequest, Reason, Rejection, RequestKind, Timestamp};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Every document there is or was asked for: at most [`Rules::documents`].
#[derive(Default)]
pub(super) struct Held {
    urls: HashMap<Arc<str>, Entry>,
    named: HashMap<Arc<str>, Entry>,
    flying: usize,
    turn: u64,
}

#[derive(Default)]
struct Entry {
    copy: Option<Copied>,
    failed: Option<Failed>,
    flight: Option<Landing>,
    started: Option<Timestamp>,
    proven: bool,
    used: u64,
}

struct Copied {
    document: Document,
    fresh_for: Duration,
}

struct Failed {
    at: Timestamp,
    times: u32,
    trouble: Trouble,
}

/// Why there is no document: a detail's code, and a sentence.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    code: &'static str,
    says: Cow<'static, str>,
}

/// What a fetch brought: the document, and how long the server says it is good for.
pub(super) type Landed = Result<(Vec<u8>, Option<Duration>), Trouble>;

/// Where the end of a fetch is told, and where it is heard.
type Told = watch::Sender<Option<Result<(), Trouble>>>;
type Landing = watch::Receiver<Option<Result<(), Trouble>>>;

/// What to do about something that is wanted.
pub(super) enum Plan {
    /// Nothing: it is here.
    Have,

    /// Nothing: it may not be had now.
    Refuse(Trouble),

    /// Wait for a fetch under way.
    Join(Landing),

    /// Fetch it. It counts as fetched from now on, whatever comes of it.
    Start(Told, Landing),
}

impl Trouble {
    pub(super) fn new(code: &'static str, says: impl Into<Cow<'static, str>>) -> Self {
        Trouble { code, says: says.into() }
    }

    /// The task that fetched is gone.
    pub(super) fn lost() -> Self {
        Trouble::new("fetch/failed", "the fetch was given up half-way")
    }
}

impl Held {
    /// What to do about `wanted`; whoever is told to start has started.
    pub(super) fn plan(&mut self, rules: &Rules, wanted: &KeyRequest, now: Timestamp) -> Plan {
        let turn = self.next_turn();
        if let Some(entry) = self.of(wanted.kind).get_mut(&*wanted.name) {
            entry.used = turn;
            let fresh = entry.copy.as_ref().filter(|copy| copy.is_fresh(now));
            let newer = |copy: &&Copied| wanted.newer_than.is_none_or(|at| copy.document.fetched_at > at);
            if fresh.is_some_and(|copy| newer(&copy)) {
                return Plan::Have;
            }
            if let Some(landing) = &entry.flight {
                return Plan::Join(landing.clone());
            }
            if let Some(failed) = entry.failed.as_ref().filter(|failed| failed.holds(rules, now)) {
                let says = format!("the last fetch failed, and the next is not due: {}", failed.trouble.says);
                return Plan::Refuse(Trouble::new("fetch/waiting", says));
            }
            let started = entry.started.and_then(|started| age(started, now));
            if fresh.is_some() && started.is_some_and(|ago| ago < rules.cool_down) {
                return Plan::Refuse(Trouble::new("fetch/waiting", "it has only just been fetched"));
            }
        }
        let known = self.of(wanted.kind).get(&*wanted.name).is_some_and(|entry| entry.copy.is_some());
        // Strangers leave a quarter free: names that forgers make up must not keep known keys from being had anew.
        let room = if known { rules.fetches } else { rules.fetches - rules.fetches / 4 };
        if self.flying >= room.max(1) {
            return Plan::Refuse(Trouble::new("fetch/busy", "too many fetches are under way"));
        }
        if !self.of(wanted.kind).contains_key(&*wanted.name) && !self.make_room(rules) {
            return Plan::Refuse(Trouble::new("fetch/busy", "every document that is kept is being fetched"));
        }
        let (told, landing) = watch::channel(None);
        self.flying += 1;
        let entry = self.of(wanted.kind).entry(wanted.name.clone()).or_default();
        (entry.started, entry.flight, entry.used) = (Some(now), Some(landing.clone()), turn);
        Plan::Start(told, landing)
    }

    /// A fetch of `wanted` has ended; `times` are those of its start and its end. A copy counts as old as the question
    /// that it answers.
    pub(super) fn land(
        &mut self,
        rules: &Rules,
        wanted: &KeyRequest,
        landed: Landed,
        times: (Timestamp, Timestamp),
    ) {
        let (started, now) = times;
        let Some(entry) = self.of(wanted.kind).get_mut(&*wanted.name) else { return };
        entry.flight = None;
        match landed {
            Ok((bytes, max_age)) => {
                let (document, fresh_for) = (Document::new(bytes, started), rules.fresh_for(max_age));
                (entry.copy, entry.failed) = (Some(Copied { document, fresh_for }), None);
            }
            Err(trouble) => {
                let times = entry.failed.as_ref().map_or(0, |failed| failed.times).saturating_add(1);
                entry.failed = Some(Failed { at: now, times, trouble });
            }
        }
        self.flying = self.flying.saturating_sub(1);
    }

    /// The copy of a document, if it may be shown: a fresh one, or one past its age if there is no hope of a newer. That
    /// is when `stale` says so, or the last fetch failed and the next is not due or under way: of all who want it, only
    /// one waits for a server that is down.
    pub(super) fn copy(
        &mut self,
        rules: &Rules,
        (kind, name): (RequestKind, &str),
        now: Timestamp,
        stale: bool,
    ) -> Option<(Arc<str>, Document)> {
        let turn = self.next_turn();
        let (name, _) = self.of(kind).get_key_value(name)?;
        let name = name.clone();
        let entry = self.of(kind).get_mut(&name)?;
        entry.used = turn;
        let copy = entry.copy.as_ref()?;
        let down = |failed: &Failed| failed.holds(rules, now) || entry.flight.is_some();
        let stale = stale || entry.failed.as_ref().is_some_and(down);
        let usable = age(copy.document.fetched_at, now).is_some_and(|age| age <= rules.max_stale);
        (copy.is_fresh(now) || stale && usable).then(|| (name, copy.document.clone()))
    }

    /// Somebody's signature was proved by this document.
    pub(super) fn prove(&mut self, kind: RequestKind, name: &str) {
        if let Some(entry) = self.of(kind).get_mut(name) {
            entry.proven = true;
        }
    }

    /// What whoever wanted it is told. A key that a fresh copy lacks is unknown; else nobody knows.
    pub(super) fn refusal(&mut self, wanted: &KeyRequest, trouble: &Trouble, now: Timestamp) -> Rejection {
        let entry = self.of(wanted.kind).get(&*wanted.name);
        let fresh = entry.and_then(|entry| entry.copy.as_ref()).filter(|copy| copy.is_fresh(now));
        match fresh.filter(|_| wanted.newer_than.is_some()) {
            Some(copy) => {
                let of = copy.document.fetched_at;
                let says =
                    format!("the copy of {of} lacks the key, and none newer is to be had: {}", trouble.says);
                Rejection::new(Reason::UnknownKey).detail("fetch/no-newer", says)
            }
            None => Rejection::new(Reason::KeyUnavailable).detail(trouble.code, trouble.says.clone()),
        }
    }

    fn of(&mut self, kind: RequestKind) -> &mut HashMap<Arc<str>, Entry> {
        match kind {
            RequestKind::Url => &mut self.urls,
            RequestKind::Named => &mut self.named,
        }
    }

    fn next_turn(&mut self) -> u64 {
        self.turn += 1;
        self.turn
    }

    /// Have room for one more, if need be by letting go of what is worth least; `false` if all is in use.
    fn make_room(&mut self, rules: &Rules) -> bool {
        while self.urls.len() + self.named.len() >= rules.documents.max(1) {
            let urls = self.urls.iter().map(|(name, entry)| (RequestKind::Url, name, entry));
            let all = urls.chain(self.named.iter().map(|(name, entry)| (RequestKind::Named, name, entry)));
            let idle = all.filter(|(_, _, entry)| entry.flight.is_none());
            let least = idle.min_by_key(|(_, _, entry)| (entry.proven, entry.copy.is_some(), entry.used));
            let Some((kind, name)) = least.map(|(kind, name, _)| (kind, name.clone())) else { return false };
            self.of(kind).remove(&name);
        }
        true
    }
}

impl Copied {
    fn is_fresh(&self, now: Timestamp) -> bool {
        age(self.document.fetched_at, now).is_some_and(|age| age < self.fresh_for)
    }
}

impl Failed {
    /// Whether it is too soon to try again.
    fn holds(&self, rules: &Rules, now: Timestamp) -> bool {
        age(self.at, now).is_some_and(|ago| ago < rules.wait(self.times))
    }
}

/// How far a clock may be set back before what was noted under it counts for nothing.
const SET_BACK: u64 = 60_000;

/// How long `then` is ago. Nothing, if it lies well ahead: a clock that was set back must not keep a copy for ever.
fn age(then: Timestamp, now: Timestamp) -> Option<Duration> {
    let passed = now.unix_ms().saturating_sub(then.unix_ms());
    match u64::try_from(passed) {
        Ok(passed) => Some(Duration::from_millis(passed)),
        Err(_) => (passed.unsigned_abs() <= SET_BACK).then_some(Duration::ZERO),
    }
}
