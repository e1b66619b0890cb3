//! Taking what is due: of each endpoint the longest due first, and of endpoints in turn.
//!
//! The index of the queue is by endpoint, and then by time. By time alone, whoever looks for the short queues would have to read past the long
//! one before them. So the first of each endpoint is found by looking behind the endpoint before: a step for each that
//! has something queued, however much that is.

use super::deliveries::{bounded, name};
use super::endpoints::is_paused;
use super::fault::Fault;
use super::group::Group;
use super::search::{EVENT, event_of};
use crate::{Fence, Lease, Leased};
use countersign::Timestamp;
use rusqlite::{Connection, ErrorCode, OptionalExtension, params};
use std::collections::HashMap;
use std::sync::Arc;

/// What a lease took, without its event.
pub(super) struct Taken {
    seq: i64,
    event: i64,
    fence: u64,
    endpoint: Arc<str>,
    attempts: u32,
}

/// What a lease took and cannot be delivered, and why.
pub(super) struct Unreadable {
    seq: i64,
    fence: u64,
    error: String,
}

/// Take what is due and asked for.
pub(super) fn take(group: &mut Group<'_>, lease: &Lease) -> Result<Vec<Taken>, Fault> {
    let (db, now) = (group.db, lease.now.unix_ms());
    if lease.max == 0 {
        return Ok(Vec::new());
    }
    let mut due = Vec::new();
    for (at, endpoint) in firsts(db)?.into_iter().filter(|(at, _)| *at <= now) {
        if is_paused(db, &endpoint)? {
            // It was under way when its endpoint was paused, and nobody told how that ended.
            db.prepare_cached(HOLD)?.execute(params![&*endpoint, now])?;
        } else {
            due.push((at, endpoint));
        }
    }
    // The endpoint that has waited longest is the first in every round.
    due.sort_unstable();
    let mut take = db.prepare_cached(
        "UPDATE deliveries SET state = 1, at = ?2, fence = fence + 1, worker = ?3 WHERE seq = ?1 \
         RETURNING event, fence, endpoint, attempts",
    )?;
    // All of them are known before the first is taken: taking one moves it in the index that is read.
    let due = in_turn(db, due.into_iter().map(|(_, endpoint)| endpoint), lease)?;
    let taken = due.into_iter().map(|seq| {
        take.query_row(params![seq, lease.until.unix_ms(), &*lease.worker], |row| {
            Ok(Taken {
                seq,
                event: row.get(0)?,
                fence: row.get::<_, i64>(1)? as u64,
                endpoint: row.get(2)?,
                attempts: row.get(3)?,
            })
        })
    });
    Ok(taken.collect::<Result<_, _>>()?)
}

/// What was taken, with what is delivered. Bodies are read here, and not by the one who writes.
pub(super) fn with_events(
    db: &Connection,
    taken: Vec<Taken>,
) -> Result<(Vec<Leased>, Vec<Unreadable>), Fault> {
    let mut event = db.prepare_cached(&format!("SELECT {EVENT}, body FROM events WHERE seq = ?1"))?;
    let mut failing = db.prepare_cached("SELECT failing_since FROM endpoints WHERE name = ?1")?;
    let (mut leased, mut unreadable) = (Vec::with_capacity(taken.len()), Vec::new());
    for Taken { seq, event: of, fence, endpoint, attempts } in taken {
        let event = match event.query_row([of], event_of) {
            Ok(event) => event,
            // A disk that does not answer now may answer later, and then the lease has run out.
            Err(error)
                if error.sqlite_error_code().is_some_and(|code| code != ErrorCode::DatabaseCorrupt) =>
            {
                return Err(error.into());
            }
            Err(error) => {
                unreadable.push(Unreadable { seq, fence, error: error.to_string() });
                continue;
            }
        };
        let failing: Option<Option<i64>> = failing.query_row([&*endpoint], |row| row.get(0)).optional()?;
        leased.push(Leased {
            fence: Fence { delivery: name(seq), number: fence },
            endpoint,
            attempts,
            failing_since: failing.flatten().map(Timestamp::from_unix_ms),
            event,
        });
    }
    Ok((leased, unreadable))
}

/// Make dead letters of those whose events are damaged. Let alone, each would be leased again whenever its lease ran out, for ever
/// and without anybody hearing of it; a dead letter is seen, says why, and can be queued again when the file is whole.
/// No attempt was made, and the endpoint is not to blame.
pub(super) fn bury(group: &mut Group<'_>, unreadable: &[Unreadable], now: Timestamp) -> Result<(), Fault> {
    let mut bury = group.db.prepare_cached(
        "UPDATE deliveries SET state = 3, at = ?3, status = NULL, error = ?4 \
         WHERE seq = ?1 AND fence = ?2 AND state = 1",
    )?;
    for Unreadable { seq, fence, error } in unreadable {
        let told = format!("its event cannot be read: {error}").chars().take(200).collect::<String>();
        bury.execute(params![seq, *fence as i64, now.unix_ms(), told])?;
    }
    Ok(())
}

/// The first moment at which one is due, to any endpoint but these.
pub(super) fn next_due(db: &Connection, but: &[Arc<str>]) -> Result<Option<Timestamp>, Fault> {
    let firsts = firsts(db)?.into_iter();
    let first = firsts.filter(|(_, endpoint)| !but.contains(endpoint)).map(|(at, _)| at).min();
    Ok(first.map(Timestamp::from_unix_ms))
}

/// Of the first endpoint, and of the first behind another.
const FIRST: [&str; 2] = [
    "SELECT at, endpoint FROM deliveries INDEXED BY deliveries_queue WHERE state < 2 \
     ORDER BY endpoint, at LIMIT 1",
    "SELECT at, endpoint FROM deliveries INDEXED BY deliveries_queue WHERE state < 2 AND endpoint > ?1 \
     ORDER BY endpoint, at LIMIT 1",
];

/// Those of one endpoint that are due, from one place to another.
const DUE: &str = "SELECT seq FROM deliveries INDEXED BY deliveries_queue \
    WHERE state < 2 AND endpoint = ?1 AND at <= ?2 ORDER BY at, state, seq LIMIT ?3 OFFSET ?4";

/// What is due to one that is paused.
const HOLD: &str = "UPDATE deliveries INDEXED BY deliveries_queue SET state = 4, at = ?2 \
    WHERE state < 2 AND endpoint = ?1 AND at <= ?2";

/// When the first is due to each endpoint that has something queued.
fn firsts(db: &Connection) -> Result<Vec<(i64, Arc<str>)>, Fault> {
    let [mut first, mut next] = [db.prepare_cached(FIRST[0])?, db.prepare_cached(FIRST[1])?];
    let mut firsts = Vec::new();
    let mut found = first.query_row([], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    while let Some((at, endpoint)) = found {
        let endpoint: Arc<str> = endpoint;
        found = next.query_row([&*endpoint], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        firsts.push((at, endpoint));
    }
    Ok(firsts)
}

/// One endpoint's part of a lease.
struct Line {
    endpoint: Arc<str>,
    room: usize,
    due: Vec<i64>,
    /// There may be more, and room for it.
    more: bool,
}

/// The first of each endpoint, then the second of each, and so on, within what is asked for.
///
/// Of each is read what it would get if all had enough; what some have not is shared out among the others the next time. So
/// hardly more is read than is taken.
fn in_turn(
    db: &Connection,
    endpoints: impl Iterator<Item = Arc<str>>,
    lease: &Lease,
) -> Result<Vec<i64>, Fault> {
    let rooms: HashMap<&str, usize> = lease.rooms.iter().map(|(of, room)| (&**of, *room)).collect();
    let mut lines: Vec<Line> = endpoints
        .map(|endpoint| {
            let room = rooms.get(&*endpoint).copied().unwrap_or(lease.each);
            Line { endpoint, room, due: Vec::new(), more: room > 0 }
        })
        .collect();
    let mut due = db.prepare_cached(DUE)?;
    let (mut share, mut found) = (0_usize, 0);
    loop {
        let open = lines.iter().filter(|line| line.more).count();
        if open == 0 || found >= lease.max {
            break;
        }
        share = share.saturating_add((lease.max - found).div_ceil(open));
        for line in lines.iter_mut().filter(|line| line.more) {
            let (before, most) = (line.due.len(), share.min(line.room));
            let asked =
                params![&*line.endpoint, lease.now.unix_ms(), bounded(most - before), bounded(before)];
            for seq in due.query_map(asked, |row| row.get(0))? {
                line.due.push(seq?);
            }
            line.more = line.due.len() == most && most < line.room;
            found += line.due.len() - before;
        }
    }
    let rounds = lines.iter().map(|line| line.due.len()).max().unwrap_or(0);
    let rounds = (0..rounds).flat_map(|round| lines.iter().filter_map(move |line| line.due.get(round)));
    Ok(rounds.take(lease.max).copied().collect())
}
