//! One transaction, in which many operations are done and committed together.
//!
//! Operations share a transaction without a savepoint each. A savepoint costs a copy of every page that the operation touches,
//! for the sake of one that fails, and that hardly ever happens. When one does, everything is rolled back, and the group is
//! done once more, this time with savepoints: operations keep what they were given until they are answered.

use super::claims::Fresh;
use super::fault::Fault;
use crate::StoreError;
use rusqlite::Connection;
use tokio::sync::oneshot;

/// The transaction under way. Its numbers are written once, before the commit.
pub(super) struct Group<'c> {
    /// To work on.
    pub(super) db: &'c Connection,
    /// What was accepted of late.
    pub(super) fresh: &'c mut Fresh,
    numbers: Numbers,
    before: Numbers,
}

#[derive(Clone, Default, PartialEq)]
struct Numbers {
    next: i64,
    bytes: i64,
    /// Hour, first and last row; one or two of them.
    spans: Vec<(i64, i64, i64)>,
}

/// An hour, in the milliseconds of a [`Timestamp`](countersign::Timestamp).
pub(super) const HOUR: i64 = 3_600_000;

impl<'c> Group<'c> {
    /// Begin a transaction that nobody can write beside.
    pub(super) fn begin(db: &'c Connection, fresh: &'c mut Fresh) -> Result<Self, Fault> {
        db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let numbers = db
            .prepare_cached("SELECT next, bytes FROM counters")?
            .query_row([], |row| Ok(Numbers { next: row.get(0)?, bytes: row.get(1)?, spans: Vec::new() }))?;
        fresh.begin(db, numbers.next)?;
        Ok(Self { db, fresh, before: numbers.clone(), numbers })
    }

    /// The number of the next row, `count` of them reserved.
    pub(super) fn number(&mut self, count: usize) -> i64 {
        let first = self.numbers.next;
        self.numbers.next += count as i64;
        first
    }

    /// Row `seq` happened at `at`, in milliseconds.
    pub(super) fn happened(&mut self, seq: i64, at: i64) {
        let hour = at.div_euclid(HOUR);
        match self.numbers.spans.iter_mut().find(|(known, ..)| *known == hour) {
            Some((_, first, last)) => (*first, *last) = (seq.min(*first), seq.max(*last)),
            None => self.numbers.spans.push((hour, seq, seq)),
        }
    }

    /// `events` holds so many bytes more, or fewer.
    pub(super) fn grew(&mut self, bytes: i64) {
        self.numbers.bytes += bytes;
    }

    /// Do one operation so that nothing of it stays if it fails.
    pub(super) fn apart<T>(&mut self, run: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        let (numbers, mark) = (self.numbers.clone(), self.fresh.mark());
        self.db.prepare_cached("SAVEPOINT operation")?.execute([])?;
        let done = run(self);
        if done.is_err() {
            self.numbers = numbers;
            self.fresh.back_to(mark);
            self.db.prepare_cached("ROLLBACK TO operation")?.execute([])?;
        }
        self.db.prepare_cached("RELEASE operation")?.execute([])?;
        done
    }

    /// Make it durable. If nothing was written, nothing is waited for.
    pub(super) fn commit(self) -> Result<(), Fault> {
        let Self { db, fresh, numbers: Numbers { next, bytes, spans }, before } = self;
        if next != before.next {
            fresh.shift(db, next)?;
        }
        for (hour, first, last) in spans {
            db.prepare_cached(
                "INSERT INTO spans VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE \
                 SET first = min(first, excluded.first), last = max(last, excluded.last)",
            )?
            .execute((hour, first, last))?;
        }
        if (next, bytes) != (before.next, before.bytes) {
            db.prepare_cached("UPDATE counters SET next = ?1, bytes = ?2")?.execute((next, bytes))?;
        }
        db.prepare_cached("COMMIT")?.execute([])?;
        fresh.committed(next);
        Ok(())
    }
}

/// Something to be done in a group. It may be done twice, and only the last time counts.
pub(super) trait Operation: Send {
    /// Whether anybody still waits for it.
    fn wanted(&self) -> bool;

    /// Do it, and keep what it found.
    fn run(&mut self, group: &mut Group<'_>) -> Result<(), Fault>;

    /// Tell whoever waits.
    fn answer(self: Box<Self>, how: Result<(), StoreError>);
}

/// A function to be done, and who waits for what it gives back.
pub(super) struct Asked<F, T> {
    run: F,
    found: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<F, T> Asked<F, T>
where
    F: FnMut(&mut Group<'_>) -> Result<T, Fault> + Send,
    T: Send,
{
    /// Have `run` done for `reply`.
    pub(super) fn new(run: F, reply: oneshot::Sender<Result<T, StoreError>>) -> Self {
        Self { run, found: None, reply }
    }
}

impl<F, T> Operation for Asked<F, T>
where
    F: FnMut(&mut Group<'_>) -> Result<T, Fault> + Send,
    T: Send,
{
    fn wanted(&self) -> bool {
        !self.reply.is_closed()
    }

    fn run(&mut self, group: &mut Group<'_>) -> Result<(), Fault> {
        self.found = None;
        self.found = Some((self.run)(group)?);
        Ok(())
    }

    fn answer(self: Box<Self>, how: Result<(), StoreError>) {
        let Self { found, reply, .. } = *self;
        let lost = || StoreError::Unavailable("it was not done".into());
        // Whoever has gone does not want to know.
        let _ = reply.send(how.and_then(|()| found.ok_or_else(lost)));
    }
}
