//! Forgetting: what may go is looked for by a reader, and goes in small steps, so that nobody waits long for the one who writes.
//!
//! The file does not shrink. Room that is given back is used again by what comes next; giving it back to the disk
//! (`auto_vacuum`) would move pages about at every step, and a gateway that keeps thirty days needs the room again tomorrow.

use super::deliveries::bounded;
use super::fault::Fault;
use super::group::{Group, HOUR};
use crate::Keep;
use rusqlite::{Connection, params};

/// How long a claim is kept behind its end, in milliseconds. It counts no more; but a clock that leaps ahead, and is put right again,
/// would have had it forgotten while its message can still be sent again.
const GRACE: i64 = 24 * HOUR;

/// Rows that may go, by digest or number. Claims and events are looked at once more before they do.
#[derive(Default)]
pub(super) struct Doomed {
    claims: Vec<[u8; 32]>,
    fresh: Vec<([u8; 32], i64)>,
    audits: Vec<i64>,
    events: Vec<i64>,
    hours: usize,
}

impl Doomed {
    /// Whether there is nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn len(&self) -> usize {
        self.claims.len() + self.fresh.len() + self.audits.len() + self.events.len() + self.hours
    }

    /// In steps of at most so many.
    pub(super) fn steps(mut self, size: usize) -> Vec<Doomed> {
        let mut steps = Vec::new();
        while !self.is_empty() {
            let mut left = size;
            let mut step = Doomed {
                claims: part(&mut self.claims, &mut left),
                fresh: part(&mut self.fresh, &mut left),
                audits: part(&mut self.audits, &mut left),
                events: part(&mut self.events, &mut left),
                hours: 0,
            };
            step.hours = self.hours.min(left);
            self.hours -= step.hours;
            steps.push(step);
        }
        steps
    }
}

/// Up to `max` rows that may go.
pub(super) fn find(db: &Connection, keep: Keep, max: usize) -> Result<Doomed, Fault> {
    let mut doomed = Doomed::default();
    let numbers = |asked: &str, bound: i64, max: usize| -> Result<Vec<i64>, Fault> {
        let mut asked = db.prepare_cached(asked)?;
        let rows = asked.query_map(params![bound, bounded(max)], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    };
    let (before, ended) = (keep.before.unix_ms(), ended(keep));
    let until: Option<i64> = db
        .prepare_cached("SELECT max(last) FROM spans WHERE hour <= ?1")?
        .query_row([before.div_euclid(HOUR)], |row| row.get(0))?;
    let until = until.unwrap_or(0);
    doomed.claims = db
        .prepare_cached("SELECT digest FROM claims WHERE expires < ?1 LIMIT ?2")?
        .query_map(params![ended, bounded(max)], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    doomed.fresh = db
        .prepare_cached("SELECT digest, seq FROM fresh WHERE expires < ?1 LIMIT ?2")?
        .query_map(params![ended, bounded(max - doomed.len())], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let old = |table: &str, and: &str| {
        format!("SELECT seq FROM {table} WHERE seq <= {until} AND at < ?1 {and} ORDER BY seq LIMIT ?2")
    };
    doomed.audits = numbers(&old("audits", ""), before, max - doomed.len())?;
    doomed.events = numbers(&old("events", ENDED), before, max - doomed.len())?;
    if let Some(most) = keep.bytes {
        beyond(db, most, max - doomed.len(), &mut doomed.events)?;
    }
    let hours: i64 = db
        .prepare_cached("SELECT count(*) FROM (SELECT 1 FROM hours WHERE hour <= ?1 LIMIT ?2)")?
        .query_row(params![before.saturating_sub(HOUR), bounded(max - doomed.len())], |row| row.get(0))?;
    doomed.hours = hours as usize;
    Ok(doomed)
}

/// Let these go; how many did.
pub(super) fn forget(group: &mut Group<'_>, doomed: &Doomed, keep: Keep) -> Result<usize, Fault> {
    let (db, ended, mut gone) = (group.db, ended(keep), 0);
    let mut claim = db.prepare_cached("DELETE FROM claims WHERE digest = ?1 AND expires < ?2")?;
    for digest in &doomed.claims {
        gone += claim.execute(params![digest, ended])?;
    }
    let mut fresh = db.prepare_cached("DELETE FROM fresh WHERE seq = ?1 AND expires < ?2")?;
    for (digest, seq) in &doomed.fresh {
        if fresh.execute(params![seq, ended])? == 1 {
            group.fresh.forgotten(digest, *seq);
            gone += 1;
        }
    }
    let mut audit = db.prepare_cached("DELETE FROM audits WHERE seq = ?1")?;
    for seq in &doomed.audits {
        gone += audit.execute([seq])?;
    }
    for seq in &doomed.events {
        gone += forget_event(group, *seq)?;
    }
    if doomed.hours > 0 {
        gone += db
            .prepare_cached(
                "DELETE FROM hours WHERE (hour, source, outcome) IN \
                 (SELECT hour, source, outcome FROM hours WHERE hour <= ?1 LIMIT ?2)",
            )?
            .execute(params![keep.before.unix_ms().saturating_sub(HOUR), bounded(doomed.hours)])?;
    }
    // An hour all of whose rows are gone bounds nothing any more.
    db.prepare_cached(
        "DELETE FROM spans WHERE hour < ?1 AND last < min(\
         coalesce((SELECT min(seq) FROM events), 9e18), coalesce((SELECT min(seq) FROM audits), 9e18))",
    )?
    .execute([keep.before.unix_ms().div_euclid(HOUR)])?;
    Ok(gone)
}

/// Claims that ended before this go.
fn ended(keep: Keep) -> i64 {
    keep.now.unix_ms().saturating_sub(GRACE)
}

/// The first of `rows`, as many as are `left`.
fn part<T>(rows: &mut Vec<T>, left: &mut usize) -> Vec<T> {
    let part: Vec<T> = rows.drain(..rows.len().min(*left)).collect();
    *left -= part.len();
    part
}

/// An event whose deliveries have all arrived or been given up: none of them waits, is under way or is held.
const ENDED: &str = "AND NOT EXISTS (SELECT 1 FROM deliveries AS d \
    WHERE d.seq BETWEEN events.seq + 1 AND events.seq + events.deliveries AND d.state IN (0, 1, 4))";

/// The oldest events, as many as there are bytes too many.
fn beyond(db: &Connection, most: u64, max: usize, doomed: &mut Vec<i64>) -> Result<(), Fault> {
    let size = "length(head) + length(body)";
    let held: i64 = db.prepare_cached("SELECT bytes FROM counters")?.query_row([], |row| row.get(0))?;
    let mut more = held.saturating_sub(i64::try_from(most).unwrap_or(i64::MAX));
    let mut event = db.prepare_cached(&format!("SELECT {size} FROM events WHERE seq = ?1"))?;
    for seq in &*doomed {
        more -= event.query_row([seq], |row| row.get::<_, i64>(0))?;
    }
    let last = doomed.last().copied().unwrap_or(0);
    let mut rows = db.prepare_cached(&format!(
        "SELECT seq, {size} FROM events WHERE seq > ?1 {ENDED} ORDER BY seq LIMIT ?2"
    ))?;
    let mut rows = rows.query(params![last, bounded(max)])?;
    while more > 0
        && let Some(row) = rows.next()?
    {
        doomed.push(row.get(0)?);
        more -= row.get::<_, i64>(1)?;
    }
    Ok(())
}

fn forget_event(group: &mut Group<'_>, seq: i64) -> Result<usize, Fault> {
    let db = group.db;
    let mut rows = db.prepare_cached(&format!(
        "DELETE FROM events WHERE seq = ?1 {ENDED} RETURNING deliveries, length(head) + length(body)"
    ))?;
    let mut rows = rows.query([seq])?;
    let Some(row) = rows.next()? else { return Ok(0) };
    let (deliveries, bytes): (i64, i64) = (row.get(0)?, row.get(1)?);
    while rows.next()?.is_some() {}
    db.prepare_cached("DELETE FROM deliveries WHERE seq BETWEEN ?1 + 1 AND ?1 + ?2")?
        .execute([seq, deliveries])?;
    group.grew(-bytes);
    Ok(1)
}
