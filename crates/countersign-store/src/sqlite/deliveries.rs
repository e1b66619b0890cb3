//! The queue: rows that are due, leased, done or dead.
//!
//! A delivery's name is its number, `d42`. A worker that lost its lease cannot write: the fence has moved, or the delivery is
//! no longer leased at all.

use super::fault::Fault;
use super::group::Group;
use super::search::{EVENT, event_of};
use crate::{Attempt, Delivery, DeliveryState, Fence, Leased, Next, Queued, Settled};
use countersign::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::sync::Arc;

/// What a lease took, without its event.
pub(super) struct Taken {
    seq: i64,
    event: i64,
    fence: u64,
}

/// Take up to `max` that are due.
pub(super) fn take(
    group: &mut Group<'_>,
    worker: &str,
    max: usize,
    now: Timestamp,
    until: Timestamp,
) -> Result<Vec<Taken>, Fault> {
    let db = group.db;
    let mut due = db.prepare_cached(
        "SELECT seq FROM deliveries INDEXED BY deliveries_due WHERE state < 2 AND at <= ?1 ORDER BY at LIMIT ?2",
    )?;
    // All of them first: taking one moves it in the index that is read.
    let due: Vec<i64> =
        due.query_map(params![now.unix_ms(), bounded(max)], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut take = db.prepare_cached(
        "UPDATE deliveries SET state = 1, at = ?2, fence = fence + 1, worker = ?3 WHERE seq = ?1 RETURNING event, fence",
    )?;
    let mut taken = Vec::with_capacity(due.len());
    for seq in due {
        taken.push(take.query_row(params![seq, until.unix_ms(), worker], |row| {
            Ok(Taken { seq, event: row.get(0)?, fence: row.get::<_, i64>(1)? as u64 })
        })?);
    }
    Ok(taken)
}

/// What was taken, with what is delivered. Bodies are read here, and not by the one who writes.
pub(super) fn with_events(db: &Connection, taken: Vec<Taken>) -> Result<Vec<Leased>, Fault> {
    let mut delivery = db.prepare_cached("SELECT endpoint, attempts FROM deliveries WHERE seq = ?1")?;
    let mut event = db.prepare_cached(&format!("SELECT {EVENT}, body FROM events WHERE seq = ?1"))?;
    taken
        .into_iter()
        .map(|Taken { seq, event: of, fence }| {
            let (endpoint, attempts) =
                delivery.query_row([seq], |row| Ok((row.get::<_, Arc<str>>(0)?, row.get(1)?)))?;
            let event = event.query_row([of], event_of)?;
            Ok(Leased {
                fence: Fence { delivery: name(seq), number: fence },
                endpoint,
                attempts,
                failing_since: None,
                event,
            })
        })
        .collect()
}

/// Write how an attempt went, unless someone else has the delivery.
pub(super) fn settle(group: &mut Group<'_>, fence: &Fence, attempt: &Attempt) -> Result<Settled, Fault> {
    let Attempt { at, status, error, next } = attempt;
    let (state, at) = match next {
        Next::Done => (DeliveryState::Done, *at),
        Next::GiveUp => (DeliveryState::Dead, *at),
        Next::Retry(due) => (DeliveryState::Waiting, *due),
        Next::Hold => (DeliveryState::Held, *at),
    };
    let written = group
        .db
        .prepare_cached(
            "UPDATE deliveries SET state = ?3, at = ?4, attempts = attempts + 1, status = ?5, error = ?6 \
             WHERE seq = ?1 AND fence = ?2 AND state = 1",
        )?
        .execute(params![
            number(&fence.delivery),
            fence.number as i64,
            state as i64,
            at.unix_ms(),
            status,
            error.as_deref()
        ])?;
    Ok(if written == 1 { Settled::Written } else { Settled::Fenced })
}

/// Queue dead letters again.
pub(super) fn redrive(
    group: &mut Group<'_>,
    deliveries: &[Arc<str>],
    now: Timestamp,
) -> Result<usize, Fault> {
    let mut queue = group.db.prepare_cached(
        "UPDATE deliveries SET state = 0, at = ?2, attempts = 0 WHERE seq = ?1 AND state = 3",
    )?;
    deliveries.iter().try_fold(0, |sum, name| Ok(sum + queue.execute(params![number(name), now.unix_ms()])?))
}

/// The first moment at which one is due.
pub(super) fn next_due(db: &Connection) -> Result<Option<Timestamp>, Fault> {
    let mut first =
        db.prepare_cached("SELECT min(at) FROM deliveries INDEXED BY deliveries_due WHERE state < 2")?;
    let first: Option<i64> = first.query_row([], |row| row.get(0))?;
    Ok(first.map(Timestamp::from_unix_ms))
}

/// Those of one event.
pub(super) fn of_event(db: &Connection, event: &str) -> Result<Vec<Delivery>, Fault> {
    let known = db
        .prepare_cached("SELECT seq, deliveries FROM events WHERE id = ?1")?
        .query_row([event], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
        .optional()?;
    let Some((seq, count)) = known else { return Ok(Vec::new()) };
    let mut rows = db.prepare_cached(
        "SELECT seq, endpoint, state, attempts, at, status, error FROM deliveries \
         WHERE seq BETWEEN ?1 + 1 AND ?1 + ?2 ORDER BY seq",
    )?;
    let event: Arc<str> = event.into();
    let rows = rows.query_map([seq, count], |row| delivery(row, &event))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// How many are where.
pub(super) fn queued(db: &Connection) -> Result<Queued, Fault> {
    let mut queued = Queued::default();
    let (waiting, leased, oldest): (i64, i64, Option<i64>) = db
        .prepare_cached(
            "SELECT count(*) FILTER (WHERE state = 0), count(*) FILTER (WHERE state = 1), min(seq) \
             FROM deliveries INDEXED BY deliveries_due WHERE state < 2",
        )?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let dead: i64 = db
        .prepare_cached("SELECT count(*) FROM deliveries INDEXED BY deliveries_dead WHERE state = 3")?
        .query_row([], |row| row.get(0))?;
    (queued.waiting, queued.leased, queued.dead) = (waiting as u64, leased as u64, dead as u64);
    if let Some(seq) = oldest {
        let mut at = db.prepare_cached(
            "SELECT at FROM events WHERE seq = (SELECT event FROM deliveries WHERE seq = ?1)",
        )?;
        queued.oldest = at.query_row([seq], |row| row.get(0)).optional()?.map(Timestamp::from_unix_ms);
    }
    Ok(queued)
}

/// A limit as the engine takes it.
pub(super) fn bounded(max: usize) -> i64 {
    i64::try_from(max).unwrap_or(i64::MAX)
}

fn delivery(row: &Row<'_>, event: &Arc<str>) -> rusqlite::Result<Delivery> {
    let state: usize = row.get::<_, i64>(2)? as usize;
    let (_, state) =
        *DeliveryState::WORDS.get(state).ok_or(rusqlite::Error::IntegralValueOutOfRange(2, state as i64))?;
    Ok(Delivery {
        id: name(row.get(0)?),
        event: event.clone(),
        kind: None,
        accepted_at: Timestamp::from_unix_ms(0),
        endpoint: row.get(1)?,
        state,
        attempts: row.get(3)?,
        at: Timestamp::from_unix_ms(row.get(4)?),
        status: row.get(5)?,
        error: row.get(6)?,
    })
}

fn name(seq: i64) -> Arc<str> {
    format!("d{seq}").into()
}

/// `None` if it is no delivery of ours, by its very name.
fn number(name: &str) -> Option<i64> {
    name.strip_prefix('d').filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()
}
