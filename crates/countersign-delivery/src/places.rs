//! Who has how many attempts under way, and who may begin another when.
//!
//! A rate is kept by distance and not by counting: the next attempt of an endpoint begins so and so long after the one before. What is
//! leased a moment ahead of its time waits for it here, so that a high rate does not want a lease for every attempt.

use crate::policy::Share;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How far ahead of their time attempts are leased.
pub(crate) const AHEAD: Duration = Duration::from_millis(50);

/// What endpoints get, where it is not what all get.
pub type Shares = Arc<HashMap<Arc<str>, Share>>;

/// What is under way.
#[derive(Default)]
pub(crate) struct Places {
    held: HashMap<Arc<str>, Held>,
}

struct Held {
    under_way: usize,
    /// When the next may begin.
    next: Instant,
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
    /// For how much there is room at `now`.
    pub(crate) fn rooms(&mut self, every: Share, shares: &Shares, now: Instant) -> Rooms {
        self.held.retain(|_, held| held.under_way > 0 || held.next > now);
        let share_of = |name: &str| shares.get(name).copied().unwrap_or(every);
        let mut rooms = Rooms { each: room(every, None, now), ..Rooms::default() };
        for (name, held) in &self.held {
            let share = share_of(name);
            let free = room(share, Some(held), now);
            if free == 0 && held.under_way < share.concurrency.max(1) {
                let again = held.next.checked_sub(AHEAD).unwrap_or(now);
                rooms.again = Some(rooms.again.map_or(again, |other| other.min(again)));
            }
            rooms.rooms.push((name.clone(), free));
        }
        let others = shares.iter().filter(|(name, _)| !self.held.contains_key(*name));
        rooms.rooms.extend(others.map(|(name, share)| (name.clone(), room(*share, None, now))));
        rooms
    }

    /// One more is under way to `name`: when it may begin.
    pub(crate) fn take(&mut self, name: Arc<str>, share: Share, now: Instant) -> Instant {
        let held = self.held.entry(name).or_insert(Held { under_way: 0, next: now });
        let begins = held.next.max(now);
        held.under_way += 1;
        held.next = begins + distance(share).unwrap_or_default();
        begins
    }

    /// One ended.
    pub(crate) fn give(&mut self, name: &str) {
        if let Some(held) = self.held.get_mut(name) {
            held.under_way = held.under_way.saturating_sub(1);
        }
    }
}

/// How far from one another attempts begin.
fn distance(share: Share) -> Option<Duration> {
    share.rate.map(|rate| Duration::from_secs(1) / rate.max(1))
}

fn room(share: Share, held: Option<&Held>, now: Instant) -> usize {
    let free = share.concurrency.max(1).saturating_sub(held.map_or(0, |held| held.under_way));
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
        let Rooms { each, mut rooms, again } = places.rooms(share(8, None), &own, now);
        rooms.sort();
        assert_eq!((each, rooms, again), (8, vec![("hangs".into(), 0), ("wide".into(), 64)], None));
        places.give("hangs");
        assert!(places.rooms(share(8, None), &own, now).rooms.contains(&("hangs".into(), 1)));
        for _ in 0..7 {
            places.give("hangs");
        }
        assert_eq!(places.rooms(share(8, None), &Shares::default(), now).rooms, vec![], "it is forgotten");
    }

    #[test]
    fn a_rate_spaces_attempts_evenly_and_gives_room_a_moment_ahead() {
        let (mut places, start) = (Places::default(), Instant::now());
        let (slow, all) = (share(64, 10), Shares::default());
        let mut begun = Vec::new();
        let mut now = start;
        while now < start + Duration::from_secs(3) {
            let Rooms { each, rooms, again } = places.rooms(slow, &all, now);
            let room = rooms.first().map_or(each, |(_, room)| *room);
            if room == 0 {
                now = again.unwrap().max(now + Duration::from_nanos(1));
                continue;
            }
            for _ in 0..room {
                begun.push(places.take("e".into(), slow, now));
                places.give("e");
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
        assert_eq!(places.rooms(share(64, 1000), &Shares::default(), now).each, 51);
        assert_eq!(places.rooms(share(8, 1000), &Shares::default(), now).each, 8);
        assert_eq!(places.rooms(share(0, 1), &Shares::default(), now).each, 1, "never none");
    }
}
