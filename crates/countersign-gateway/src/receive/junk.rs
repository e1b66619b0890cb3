//! The limit for those who only ever fail: asked before any cryptography, charged after the verdict.
//!
//! Honest senders come from a handful of addresses and do not fail, so they are never in the table. Its size is fixed: when
//! it is full, the address that failed longest ago makes room. Whoever has more addresses than the table has rows can thus
//! escape the limit; he cannot make it grow.
//!
//! Providers send for many from one address, and anybody can have one send him something: what fails from there is no proof
//! against what comes from there. So an address from which something verified within the hour is not limited.

use super::address::neighbourhood;
use crate::config::Junk as Rule;
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long an address is trusted, in milliseconds.
const TRUST: u64 = 3_600_000;

/// Who failed how often of late, at which source: a source whose secret is wrong must not have its sender limited at another. IPv6
/// addresses count by their /64.
pub(crate) struct Junk {
    rule: Rule,
    /// How many are in the table, so that nobody takes the lock while all is well.
    held: AtomicUsize,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    /// Who sent something that verified, and when; in the order in which that was written down.
    trusted: HashMap<Who, u64>,
    trusted_order: VecDeque<(Who, u64)>,
    of: HashMap<Who, Failures>,
    /// The same in the order in which their time began.
    order: VecDeque<(Who, u64)>,
}

/// The number of a source, and an address.
type Who = (u32, IpAddr);

struct Failures {
    since: u64,
    count: u32,
}

impl Junk {
    pub(crate) fn new(rule: Rule) -> Self {
        Junk { rule, held: AtomicUsize::new(0), table: Mutex::default() }
    }

    /// How long this address has to wait, if it failed too often. `now` is in milliseconds of any clock that does not step.
    pub(crate) fn wait(&self, source: u32, address: IpAddr, now: u64) -> Option<Duration> {
        if self.held.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let Rule { failures, per, .. } = self.rule;
        let table = self.table();
        let who = (source, neighbourhood(address));
        let Failures { since, count } = table.of.get(&who)?;
        if table.trusted.get(&who).is_some_and(|at| now < at.saturating_add(TRUST)) {
            return None;
        }
        let end = since.saturating_add(millis(per));
        (*count >= failures && now < end).then(|| Duration::from_millis(end - now))
    }

    /// Charge a failure.
    pub(crate) fn charge(&self, source: u32, address: IpAddr, now: u64) {
        let Rule { per, addresses, .. } = self.rule;
        let mut table = self.table();
        let who = (source, neighbourhood(address));
        table.forget_ended(now, millis(per));
        match table.of.get_mut(&who) {
            Some(failures) => failures.count = failures.count.saturating_add(1),
            None => {
                while table.of.len() >= addresses.max(1) {
                    table.forget_oldest();
                }
                table.of.insert(who, Failures { since: now, count: 1 });
                table.order.push_back((who, now));
            }
        }
        self.held.store(table.of.len(), Ordering::Relaxed);
    }

    /// Something verified that came from this address.
    pub(crate) fn trust(&self, source: u32, address: IpAddr, now: u64) {
        let who = (source, neighbourhood(address));
        let mut table = self.table();
        // Once in a while is enough, and leaves one row for each.
        if table.trusted.get(&who).is_some_and(|at| now < at.saturating_add(TRUST / 4)) {
            return;
        }
        while table.trusted_order.len() >= self.rule.addresses.max(1) {
            table.distrust_oldest();
        }
        table.trusted.insert(who, now);
        table.trusted_order.push_back((who, now));
    }

    /// How many addresses are in the table.
    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn forget_ended(&mut self, now: u64, per: u64) {
        while self.order.front().is_some_and(|(_, since)| since.saturating_add(per) <= now) {
            self.forget_oldest();
        }
    }

    fn distrust_oldest(&mut self) {
        if let Some((who, at)) = self.trusted_order.pop_front()
            && self.trusted.get(&who) == Some(&at)
        {
            self.trusted.remove(&who);
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((who, _)) = self.order.pop_front() {
            self.of.remove(&who);
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::net::Ipv6Addr;

    const RULE: Rule = Rule { failures: 3, per: Duration::from_secs(10), addresses: 4 };

    fn v4(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    #[test]
    fn whoever_fails_too_often_waits_and_then_begins_anew() {
        let junk = Junk::new(RULE);
        (0..2).for_each(|at| junk.charge(1, v4(1), at));
        assert_eq!(junk.wait(1, v4(1), 2), None);
        junk.charge(1, v4(1), 2_000);
        assert_eq!(junk.wait(1, v4(1), 2_000), Some(Duration::from_secs(8)));
        assert_eq!(junk.wait(1, v4(2), 2_000), None, "another address");
        assert_eq!(junk.wait(2, v4(1), 2_000), None, "another source");
        assert_eq!(junk.wait(1, v4(1), 10_000), None, "its time is over");
        junk.charge(1, v4(1), 10_000);
        assert_eq!(junk.wait(1, v4(1), 10_000), None);
    }

    #[test]
    fn atk_241_the_table_does_not_grow_and_the_oldest_makes_room() {
        let junk = Junk::new(RULE);
        (0..3).for_each(|_| junk.charge(1, v4(1), 0));
        for last in 2..5 {
            junk.charge(1, v4(last), 1);
        }
        assert!(junk.wait(1, v4(1), 1).is_some());
        junk.charge(1, v4(9), 1);
        assert_eq!((junk.held(), junk.wait(1, v4(1), 1)), (4, None));
        for at in 0..1_000_000_u32 {
            junk.charge(1, Ipv6Addr::from(u128::from(at) << 64).into(), 1);
        }
        let table = junk.table();
        assert_eq!((table.of.len(), table.order.len()), (4, 4));
    }

    #[test]
    fn an_address_from_which_something_verified_is_not_limited_for_an_hour() {
        let junk = Junk::new(RULE);
        junk.trust(1, v4(1), 0);
        (0..9).for_each(|_| junk.charge(1, v4(1), 1));
        (0..9).for_each(|_| junk.charge(1, v4(2), 1));
        assert_eq!(junk.wait(1, v4(1), 1), None);
        assert!(junk.wait(1, v4(2), 1).is_some() && junk.wait(2, v4(1), 1).is_none());
        (0..9).for_each(|_| junk.charge(1, v4(1), TRUST + 5));
        assert!(junk.wait(1, v4(1), TRUST + 5).is_some());
        for at in 0..100_000_u32 {
            junk.trust(1, Ipv6Addr::from(u128::from(at) << 64).into(), TRUST + 6);
        }
        let table = junk.table();
        assert_eq!((table.trusted.len(), table.trusted_order.len()), (4, 4));
    }

    #[test]
    fn a_64_of_ipv6_is_one_sender() {
        let junk = Junk::new(RULE);
        for host in 0..3_u128 {
            junk.charge(1, Ipv6Addr::from(0x2001_0db8 << 96 | host).into(), 0);
        }
        assert!(junk.wait(1, "2001:db8::ffff".parse().unwrap(), 0).is_some());
        assert_eq!(junk.held(), 1);
    }
}
