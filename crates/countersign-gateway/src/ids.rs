//! Names for requests and events: they sort by time, and nobody else makes the same.

use countersign::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Makes names for one process.
pub(crate) struct Ids {
    /// Tells this process from every other that names things: chance.
    process: [u8; 6],
    next: AtomicU32,
}

/// A name: milliseconds, a running number, the process.
#[derive(Clone, Copy)]
pub(crate) struct Id([u8; 16]);

impl Ids {
    pub(crate) fn new(process: [u8; 6]) -> Self {
        Ids { process, next: AtomicU32::new(0) }
    }

    pub(crate) fn next(&self, now: Timestamp) -> Id {
        let mut id = [0; 16];
        id[..6].copy_from_slice(&now.unix_ms().to_be_bytes()[2..]);
        id[6..10].copy_from_slice(&self.next.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        id[10..].copy_from_slice(&self.process);
        Id(id)
    }
}

impl Id {
    /// As a request's: 32 hexadecimal digits.
    pub(crate) fn text(self) -> String {
        const_hex::encode(self.0)
    }

    /// The running number in it.
    pub(crate) fn number(self) -> u32 {
        let [_, _, _, _, _, _, a, b, c, d, ..] = self.0;
        u32::from_be_bytes([a, b, c, d])
    }

    /// As an event's.
    pub(crate) fn event(self) -> Arc<str> {
        let mut text = String::with_capacity(36);
        text.push_str("evt_");
        text.push_str(const_hex::Buffer::<16>::new().format(&self.0));
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_by_time_and_number_and_differ_between_processes() {
        let (ids, other) = (Ids::new([1; 6]), Ids::new([2; 6]));
        let mut names: Vec<_> = (0..1000)
            .map(|n| ids.next(Timestamp::from_unix_ms(1_700_000_000_000 + n / 10)).event())
            .collect();
        assert!(names.is_sorted() && names.iter().all(|name| name.len() == 36));
        names.push(other.next(Timestamp::from_unix_ms(1_700_000_000_000)).event());
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 1001);
    }
}
