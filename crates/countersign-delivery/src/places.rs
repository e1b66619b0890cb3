//! Who has how many attempts under way, and who may begin another when.
//!
//! A rate is kept by distance and not by counting: the next attempt of an endpoint begins so and so long after the one before. What is
//! leased a moment ahead of its time waits for it here, so that a high rate does not want a lease for every attempt.
//!
//! Endpoints that are slow have half of all places together, and no more. Concurrency alone does not keep one that hangs from the
//! others: eight of them would fill sixty-four places, and whenever one of those ends, what has waited longest is theirs again.

use crate::policy::Share;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How far ahead of their time attempts are leased.
pub(crate) const AHEAD: Duration = Duration::from_millis(50);

/// How long an attempt takes whose endpoint is slow, and for how long it is remembered.
const SLOW: Duration = Duration::from_secs(1);
const REMEMBERED: Duration = Duration::from_secs(60);

/// What endpoints get, where it is not what all get.
pub type Shares = Arc<HashMap<Arc<str>, Share>>;

/// What is under way.
#[derive(Default)]
pub(crate) struct Places {
    held: HashMap<Arc<str>, Held>,
}

struct Held {
    /// When what is under way began, or will.
    under_way: Vec<Instant>,
    /// When the next may begin.
    next: Instant,
    /// Until when it counts as slow for what was.
    slow: Option<Instant>,
}

impl Held {
    fn is_slow(&self, now: Instant) -> bool {
        self.slow.is_some_and(|until| until > now) || self.under_way.iter().any(|began| *began + SLOW <= now)
    }
}

/// For how much there is room.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Rooms {
    /// Of any endpoint that is not named.
    pub(crate) each: usize,
    /// Of these.
    pub(crate) rooms: Vec<(Arc<str>, usize)>,
    /// When there is room again for one that has none because of its rate alone.
    pub(crate) again: Option<Instant>,
}

impl Places {
    /// For how much there is room at `now`, of so many places in all.
    pub(crate) fn rooms(&mut self, all: usize, every: Share, shares: &Shares, now: Instant) -> Rooms {
        self.held.retain(|_, held| {
            !held.under_way.is_empty() || held.next > now || held.slow.is_some_and(|until| until > now)
        });
        let share_of = |name: &str| shares.get(name).copied().unwrap_or(every);
        let mut rooms = Rooms { each: room(every, None, now), ..Rooms::default() };
        let (mut slow, mut theirs) = (Vec::new(), (all / 2).max(1));
        for (name, held) in &self.held {
            let share = share_of(name);
            let free = room(share, Some(held), now);
            if free == 0 && held.under_way.len() < share.concurrency.max(1) {
                let again = held.next.checked_sub(AHEAD).unwrap_or(now);
                rooms.again = Some(rooms.again.map_or(again, |other| other.min(again)));
            }
            if held.is_slow(now) {
                theirs = theirs.saturating_sub(held.under_way.len());
                slow.push((held.under_way.len(), name, free));
            } else {
                rooms.rooms.push((name.clone(), free));
            }
        }
        // Those that have least are given first.
        slow.sort_unstable();
        let mut left = slow.len();
        for (_, name, free) in slow {
            let given = free.min(theirs.div_ceil(left));
            (theirs, left) = (theirs - given, left - 1);
            rooms.rooms.push((name.clone(), given));
        }
        let others = shares.iter().filter(|(name, _)| !self.held.contains_key(*name));
        rooms.rooms.extend(others.map(|(name, share)| (name.clone(), room(*share, None, now))));
        rooms
    }

    /// One more is under way to `name`: when it may begin.
    pub(crate) fn take(&mut self, name: Arc<str>, share: Share, now: Instant) -> Instant {
        let held =
            self.held.entry(name).or_insert_with(|| Held { under_way: Vec::new(), next: now, slow: None });
        let begins = held.next.max(now);
        held.under_way.push(begins);
        held.next = begins + distance(share).unwrap_or_default();
        begins
    }

    /// One ended at `now` that had this beginning.
    pub(crate) fn give(&mut self, name: &str, began: Instant, now: Instant) {
        let Some(held) = self.held.get_mut(name) else { return };
        if let Some(place) = held.under_way.iter().position(|one| *one == began) {
            held.under_way.swap_remove(place);
        }
        held.slow = (began + SLOW <= now).then(|| now + REMEMBERED);
    }
}

/// How far from one another attempts begin.
fn distance(share: Share) -> Option<Duration> {
    share.rate.map(|rate| Duration::from_secs(1) / rate.max(1))
}

fn room(share: Share, held: Option<&Held>, now: Instant) -> usize {
    let free = share.concurrency.max(1).saturating_sub(held.map_or(0, |held| held.under_way.len()));
    let Some(distance) = distance(share) else { return free };
    let first = held.map_or(now, |held| held.next.max(now));
    let ahead = match (now + AHEAD).checked_duration_since(first) {
        None => 0,
        Some(left) => 1 + left.as_nanos().checked_div(distance.as_nanos()).unwrap_or(0),
    };
    free.min(usize::try_from(ahead).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn share(concurrency: usize, rate: impl Into<Option<u32>>) -> Share {
        Share { concurrency, rate: rate.into() }
    }

    #[test]
    fn what_is_under_way_is_taken_from_the_room_of_its_endpoint_and_of_no_other() {
        let (mut places, now) = (Places::default(), Instant::now());
        let own: Shares = Arc::new(HashMap::from([("wide".into(), share(64, None))]));
        for _ in 0..8 {
            places.take("hangs".into(), share(8, None), now);
        }
        let Rooms { each, mut rooms, again } = places.rooms(64, share(8, None), &own, now);
        rooms.sort();
        assert_eq!((each, rooms, again), (8, vec![("hangs".into(), 0), ("wide".into(), 64)], None));
        places.give("hangs", now, now);
        assert!(places.rooms(64, share(8, None), &own, now).rooms.contains(&("hangs".into(), 1)));
        for _ in 0..7 {
            places.give("hangs", now, now);
        }
        assert_eq!(
            places.rooms(64, share(8, None), &Shares::default(), now).rooms,
            vec![],
            "it is forgotten"
        );
    }

    #[test]
    fn slow_endpoints_have_half_of_all_places_together_and_are_forgiven() {
        let (mut places, start) = (Places::default(), Instant::now());
        let (every, none) = (share(8, None), Shares::default());
        let room = |places: &mut Places, now| {
            let mut rooms = places.rooms(16, every, &none, now).rooms;
            rooms.sort();
            rooms.into_iter().map(|(_, room)| room).collect::<Vec<_>>()
        };
        for (name, count) in [("a", 5), ("b", 2), ("c", 1)] {
            for _ in 0..count {
                places.take(name.into(), every, start);
            }
        }
        assert_eq!(room(&mut places, start), [3, 6, 7], "nobody is slow yet");
        let later = start + SLOW;
        assert_eq!(room(&mut places, later), [0, 0, 0], "eight of sixteen are theirs");
        for _ in 0..4 {
            places.give("a", start, later);
        }
        assert_eq!(room(&mut places, later), [2, 1, 1], "four of the eight are free");
        places.take("d".into(), every, later);
        assert_eq!(room(&mut places, later), [2, 1, 1, 7], "this one is not slow");
        for name in ["a", "b", "b", "c"] {
            places.give(name, start, later);
        }
        assert_eq!(room(&mut places, later), [3, 3, 2, 7], "nothing is under way to them, and they are slow");
        places.take("a".into(), every, later);
        places.give("a", later, later);
        assert_eq!(
            room(&mut places, later),
            [4, 4, 7],
            "one that was quick the last time is like all others"
        );
        places.give("d", later, later);
        let end = later + REMEMBERED;
        assert_eq!(room(&mut places, end - AHEAD).len(), 2);
        assert_eq!(room(&mut places, end), [] as [usize; 0], "all are forgotten");
    }

    #[test]
    fn a_rate_spaces_attempts_evenly_and_gives_room_a_moment_ahead() {
        let (mut places, start) = (Places::default(), Instant::now());
        let (slow, all) = (share(64, 10), Shares::default());
        let mut begun = Vec::new();
        let mut now = start;
        while now < start + Duration::from_secs(3) {
            let Rooms { each, rooms, again } = places.rooms(64, slow, &all, now);
            let room = rooms.first().map_or(each, |(_, room)| *room);
            if room == 0 {
                now = again.unwrap().max(now + Duration::from_nanos(1));
                continue;
            }
            for _ in 0..room {
                let begins = places.take("e".into(), slow, now);
                begun.push(begins);
                places.give("e", begins, now);
            }
        }
        assert!(begun.windows(2).all(|pair| pair[1] - pair[0] >= Duration::from_millis(100)));
        for from in &begun {
            let within =
                begun.iter().filter(|at| *at >= from && **at < *from + Duration::from_secs(1)).count();
            assert!(within <= 10);
        }
        assert!(begun.len() >= 30, "{} in three seconds: what is allowed is used", begun.len());
    }

    #[test]
    fn a_high_rate_wants_no_lease_for_each() {
        let (mut places, now) = (Places::default(), Instant::now());
        assert_eq!(places.rooms(64, share(64, 1000), &Shares::default(), now).each, 51);
        assert_eq!(places.rooms(64, share(8, 1000), &Shares::default(), now).each, 8);
        assert_eq!(places.rooms(64, share(0, 1), &Shares::default(), now).each, 1, "never none");
    }
}
