//! What was accepted before, and how it is remembered without writing all over the file.
//!
//! Digests are random, so that a tree of them is written somewhere else for every one: a page of eight kilobytes for forty
//! bytes, more than all else of an event. So a claim is first appended to the table `fresh`, whose pages fill one after the other,
//! and found there by a map in memory; some thousands at a time are then moved into the tree `claims` in the order of their
//! digests, a few hundred with each group, so that those that belong to one page are written with it.
//!
//! The map holds what `fresh` holds, and perhaps more. It is only ever asked within a transaction that nobody can write beside, and
//! at the beginning of each it is given what other processes appended since: every row has a number from the one counter, so a
//! number that is not ours tells that there are some. What is taken back is taken back here as well.

use super::fault::Fault;
use rusqlite::{Connection, params};
use std::collections::HashMap;

/// How many claims are gathered before they are moved.
const GATHERED: usize = 8192;

/// How many of them are moved with one group.
const MOVED: usize = 256;

type Digest = [u8; 32];

/// The claims that are not in the tree yet.
#[derive(Default)]
pub(super) struct Fresh {
    /// Until when each is known, and the number of its row.
    known: HashMap<Digest, (i64, i64)>,
    /// Every row below this number was read.
    read: i64,
    /// What the group under way changed, and what was there before.
    undo: Vec<(Digest, Option<(i64, i64)>)>,
    moving: Option<Moving>,
}

/// Claims on their way into the tree.
struct Moving {
    /// In the order of their digests.
    sorted: Vec<(Digest, i64)>,
    /// How many are in the tree and committed; and how many with the group under way.
    done: usize,
    under_way: usize,
    /// Every row of `fresh` up to this number is among them, or was overtaken by one that is.
    upto: i64,
}

impl Fresh {
    /// Read what others appended; `next` is the number that the next row gets.
    pub(super) fn begin(&mut self, db: &Connection, next: i64) -> Result<(), Fault> {
        if self.read == next {
            return Ok(());
        }
        let mut rows =
            db.prepare_cached("SELECT digest, expires, seq FROM fresh WHERE seq >= ?1 ORDER BY seq")?;
        let mut rows = rows.query([self.read])?;
        while let Some(row) = rows.next()? {
            let (digest, expires, seq): (Digest, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let known = self.known.entry(digest).or_insert((expires, seq));
            *known = (known.0.max(expires), known.1.max(seq));
        }
        self.read = next;
        Ok(())
    }

    /// Until when a digest is known, if it is.
    pub(super) fn known(&self, db: &Connection, digest: &Digest) -> Result<Option<i64>, Fault> {
        let here = self.known.get(digest).map(|(expires, _)| *expires);
        let mut asked = db.prepare_cached("SELECT expires FROM claims WHERE digest = ?1")?;
        let there = asked.query([digest])?.next()?.map(|row| row.get(0)).transpose()?;
        Ok(here.max(there))
    }

    /// Know a digest until `expires`, by a row of this number.
    pub(super) fn add(
        &mut self,
        db: &Connection,
        seq: i64,
        digest: &Digest,
        expires: i64,
    ) -> Result<(), Fault> {
        db.prepare_cached("INSERT INTO fresh (seq, expires, digest) VALUES (?1, ?2, ?3)")?
            .execute(params![seq, expires, digest])?;
        let before = self.known.insert(*digest, (expires, seq));
        self.undo.push((*digest, before));
        Ok(())
    }

    /// Where the group is, to go [`back_to`](Self::back_to).
    pub(super) fn mark(&self) -> usize {
        self.undo.len()
    }

    /// Take back what was added since.
    pub(super) fn back_to(&mut self, mark: usize) {
        for (digest, before) in self.undo.drain(mark..).rev() {
            match before {
                Some(before) => self.known.insert(digest, before),
                None => self.known.remove(&digest),
            };
        }
    }

    /// Take back all that the group did.
    pub(super) fn back(&mut self) {
        self.back_to(0);
        match &mut self.moving {
            // It was begun by this group, and holds what is taken back.
            Some(Moving { done: 0, .. }) => self.moving = None,
            Some(moving) => moving.under_way = 0,
            None => {}
        }
    }

    /// Before the commit: move some into the tree, if enough were gathered. `next` is as in [`begin`](Self::begin).
    pub(super) fn shift(&mut self, db: &Connection, next: i64) -> Result<(), Fault> {
        if self.moving.is_none() && self.known.len() >= GATHERED {
            let mut sorted: Vec<_> =
                self.known.iter().map(|(digest, (expires, _))| (*digest, *expires)).collect();
            sorted.sort_unstable();
            self.moving = Some(Moving { sorted, done: 0, under_way: 0, upto: next - 1 });
        }
        let Some(moving) = &mut self.moving else { return Ok(()) };
        let mut insert = db.prepare_cached(
            "INSERT INTO claims (digest, expires) VALUES (?1, ?2) \
             ON CONFLICT (digest) DO UPDATE SET expires = max(expires, excluded.expires)",
        )?;
        moving.under_way = MOVED.min(moving.sorted.len() - moving.done);
        for (digest, expires) in &moving.sorted[moving.done..moving.done + moving.under_way] {
            insert.execute(params![digest, expires])?;
        }
        // The last of them: none of those rows is needed any more.
        if moving.done + moving.under_way == moving.sorted.len() {
            db.prepare_cached("DELETE FROM fresh WHERE seq <= ?1")?.execute([moving.upto])?;
        }
        Ok(())
    }

    /// After the commit, at which the next number was `next`.
    pub(super) fn committed(&mut self, next: i64) {
        self.undo.clear();
        self.read = next;
        let Some(moving) = &mut self.moving else { return };
        moving.done += std::mem::take(&mut moving.under_way);
        if moving.done == moving.sorted.len() {
            let upto = moving.upto;
            self.known.retain(|_, (_, seq)| *seq > upto);
            self.moving = None;
        }
    }

    /// A row was forgotten, for it had expired.
    pub(super) fn forgotten(&mut self, digest: &Digest, seq: i64) {
        if self.known.get(digest).is_some_and(|(_, known)| *known == seq)
            && let Some(before) = self.known.remove(digest)
        {
            self.undo.push((*digest, Some(before)));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::group::Group;
    use super::super::open;
    use super::*;

    const MANNER: open::Manner = open::Manner { patience: std::time::Duration::from_secs(5), unsynced: true };

    struct File(tempfile::TempDir);

    impl File {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            open::prepare(&folder.path().join("s.db"), MANNER).unwrap();
            File(folder)
        }

        fn open(&self) -> (Connection, Fresh) {
            let path = self.0.path().join("s.db");
            (open::writer(&path, MANNER).unwrap(), Fresh::default())
        }
    }

    fn digest(number: u64) -> Digest {
        // Spread, as hashes are.
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        digest
    }

    fn add(group: &mut Group<'_>, numbers: std::ops::Range<u64>, expires: i64) {
        for number in numbers {
            let seq = group.number(1);
            group.fresh.add(group.db, seq, &digest(number), expires).unwrap();
        }
    }

    fn count(db: &Connection, table: &str) -> i64 {
        db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    }

    fn known(db: &Connection, fresh: &mut Fresh, number: u64) -> Option<i64> {
        let group = Group::begin(db, fresh).unwrap();
        let known = group.fresh.known(db, &digest(number)).unwrap();
        db.execute_batch("ROLLBACK").unwrap();
        known
    }

    #[test]
    fn whatever_was_moved_is_known_and_little_is_gathered() {
        let file = File::new();
        let (db, mut fresh) = file.open();
        for first in (0..30_000).step_by(50) {
            let mut group = Group::begin(&db, &mut fresh).unwrap();
            add(&mut group, first..first + 50, 100 + first as i64);
            group.commit().unwrap();
        }
        let (there, here) = (count(&db, "claims"), count(&db, "fresh"));
        assert!(
            there > 15_000 && here < 2 * GATHERED as i64 && fresh.known.len() < 2 * GATHERED,
            "{there} {here}"
        );
        // Also by one that begins anew.
        let (other, mut anew) = file.open();
        for number in 0..30_000 {
            let ends = Some(100 + (number / 50 * 50) as i64);
            assert_eq!(known(&other, &mut anew, number), ends, "{number}");
            assert_eq!(fresh.known(&db, &digest(number)).unwrap(), ends, "{number}");
        }
        assert_eq!(known(&other, &mut anew, 30_000), None);
    }

    #[test]
    fn what_is_taken_back_is_known_to_nobody_though_it_was_about_to_be_moved() {
        let file = File::new();
        let (db, mut fresh) = file.open();
        let most = GATHERED as u64 - 1;
        let mut group = Group::begin(&db, &mut fresh).unwrap();
        add(&mut group, 0..most, 7);
        group.commit().unwrap();
        // This one is enough to begin moving, and fails.
        let mut group = Group::begin(&db, &mut fresh).unwrap();
        add(&mut group, most..most + 10, 7);
        let next = group.number(0);
        group.fresh.shift(&db, next).unwrap();
        assert!(fresh.moving.is_some());
        db.execute_batch("ROLLBACK").unwrap();
        fresh.back();
        assert!(fresh.moving.is_none());
        for first in (most + 10..3 * most).step_by(100) {
            let mut group = Group::begin(&db, &mut fresh).unwrap();
            add(&mut group, first..first + 100, 7);
            group.commit().unwrap();
        }
        assert!(count(&db, "claims") >= most as i64);
        for number in most..most + 10 {
            assert_eq!(known(&db, &mut fresh, number), None);
        }
        assert_eq!((known(&db, &mut fresh, most - 1), known(&db, &mut fresh, most + 10)), (Some(7), Some(7)));
    }

    #[test]
    fn one_operation_that_is_taken_back_takes_its_claims_along_and_no_others() {
        let file = File::new();
        let (db, mut fresh) = file.open();
        let mut group = Group::begin(&db, &mut fresh).unwrap();
        add(&mut group, 0..1, 7);
        let failed = group.apart(|group| {
            add(group, 1..2, 7);
            add(group, 0..1, 9);
            Err::<(), _>(Fault::invalid("no".to_owned()))
        });
        assert!(failed.is_err());
        group.commit().unwrap();
        assert_eq!((known(&db, &mut fresh, 0), known(&db, &mut fresh, 1)), (Some(7), None));
    }

    #[test]
    fn two_that_write_know_what_the_other_has_claimed_and_the_later_end_counts() {
        let file = File::new();
        let ((one, mut first), (two, mut second)) = (file.open(), file.open());
        for number in (0..40_000).step_by(40) {
            let (db, fresh) = if number % 80 == 0 { (&one, &mut first) } else { (&two, &mut second) };
            let mut group = Group::begin(db, fresh).unwrap();
            add(&mut group, number..number + 40, 5);
            // And one of long ago, for longer.
            if number >= 20_000 {
                add(&mut group, number - 20_000..number - 19_999, 8);
            }
            group.commit().unwrap();
        }
        for number in (0..40_000).step_by(40) {
            let ends = Some(if number < 20_000 { 8 } else { 5 });
            assert_eq!(
                (known(&one, &mut first, number), known(&two, &mut second, number)),
                (ends, ends),
                "{number}"
            );
            assert_eq!(known(&one, &mut first, number + 39), Some(5));
        }
    }
}
