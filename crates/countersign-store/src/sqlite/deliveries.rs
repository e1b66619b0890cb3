//! Deliveries from their lease to their end, and what people do about them.
//!
//! A delivery's name is its number, `d42`. A worker that lost its lease cannot write: the fence has moved, or the delivery is
//! no longer leased at all.

use super::endpoints::is_paused;
use super::fault::Fault;
use super::group::Group;
use crate::{Attempt, Delivery, DeliveryState, Fence, Next, Queued, Redriven, Settled};
use countersign::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::sync::Arc;

/// A delivery and its event, as [`delivery`] reads them. Which index is used may stand behind `d`.
pub(super) const DELIVERY: &str = "d.seq, d.endpoint, d.state, d.attempts, d.at, d.status, d.error, e.id, e.kind, e.at FROM deliveries AS d";

/// Its event.
pub(super) const OF_EVENT: &str = "CROSS JOIN events AS e ON e.seq = d.event";

/// Write how an attempt went, unless someone else has the delivery.
///
/// What goes on is held if its endpoint is paused by now. If a worker holds it and its endpoint is not paused any more, it waits: nobody
/// would let it go.
///
/// Where more than one lease was lost, the report stands for all of them but the first.
pub(super) fn settle(group: &mut Group<'_>, fence: &Fence, attempt: &Attempt) -> Result<Settled, Fault> {
    let (db, seq) = (group.db, number(&fence.delivery));
    let Attempt { at, status, error, next } = attempt;
    let under_way = db
        .prepare_cached(
            "SELECT d.endpoint, e.paused_at IS NOT NULL, e.name IS NOT NULL, e.failing_since IS NOT NULL, d.lost > 1 \
             FROM deliveries AS d LEFT JOIN endpoints AS e ON e.name = d.endpoint \
             WHERE d.seq = ?1 AND d.fence = ?2 AND d.state = 1",
        )?
        .query_row(params![seq, fence.number as i64], |row| {
            let [paused, known, failing, lost] = [row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?];
            Ok((row.get::<_, Arc<str>>(0)?, paused, known, failing, lost))
        })
        .optional()?;
    let Some((endpoint, paused, known, failing, lost)): Option<(_, bool, bool, bool, bool)> = under_way
    else {
        return Ok(Settled::Fenced);
    };
    let (state, due) = match next {
        Next::Done => (DeliveryState::Done, at),
        Next::GiveUp => (DeliveryState::Dead, at),
        Next::Retry(_) | Next::Hold if paused => (DeliveryState::Held, at),
        Next::Retry(due) => (DeliveryState::Waiting, due),
        Next::Hold => (DeliveryState::Waiting, at),
    };
    if *next == Next::Hold {
        db.prepare_cached("UPDATE deliveries SET state = ?2, at = ?3 WHERE seq = ?1")?.execute(params![
            seq,
            state as i64,
            due.unix_ms()
        ])?;
        return Ok(Settled::Written);
    }
    db.prepare_cached(
        "UPDATE deliveries SET state = ?2, at = ?3, attempts = attempts + 1, status = ?4, error = ?5, \
         lost = min(lost, 1) WHERE seq = ?1",
    )?
    .execute(params![seq, state as i64, due.unix_ms(), status, error.as_deref()])?;
    let fails = *next != Next::Done;
    // Only when it changes: what goes well costs no write. It is not to blame for what nobody reported.
    if known && fails != failing && !(fails && lost) {
        db.prepare_cached("UPDATE endpoints SET failing_since = ?2 WHERE name = ?1")?
            .execute(params![&*endpoint, fails.then_some(at.unix_ms())])?;
    }
    Ok(Settled::Written)
}

/// Queue again what is dead, and with `force` what arrived. What the last attempt said stays until the next.
pub(super) fn redrive(
    group: &mut Group<'_>,
    deliveries: &[(Arc<str>, Timestamp)],
    force: bool,
) -> Result<Vec<Redriven>, Fault> {
    let mut known = group.db.prepare_cached("SELECT state, endpoint FROM deliveries WHERE seq = ?1")?;
    let mut queue = group
        .db
        .prepare_cached("UPDATE deliveries SET state = ?2, at = ?3, attempts = 0, lost = 0 WHERE seq = ?1")?;
    let redrive = |(name, due): &(Arc<str>, Timestamp)| {
        let seq = number(name);
        let found =
            known.query_row([seq], |row| Ok((state(row, 0)?, row.get::<_, Arc<str>>(1)?))).optional()?;
        let endpoint = match found {
            None => return Ok(Redriven::Unknown),
            Some((DeliveryState::Cancelled, _)) => return Ok(Redriven::Cancelled),
            Some((DeliveryState::Done, _)) if !force => return Ok(Redriven::Delivered),
            Some((DeliveryState::Waiting | DeliveryState::Leased | DeliveryState::Held, _)) => {
                return Ok(Redriven::Waiting);
            }
            Some((DeliveryState::Dead | DeliveryState::Done, endpoint)) => endpoint,
        };
        let held = is_paused(group.db, &endpoint)?;
        let state = if held { DeliveryState::Held } else { DeliveryState::Waiting };
        queue.execute(params![seq, state as i64, due.unix_ms()])?;
        Ok(Redriven::Queued)
    };
    deliveries.iter().map(redrive).collect()
}

/// Give up for good. The fence is raised, so that whoever has one of them cannot write.
pub(super) fn cancel(
    group: &mut Group<'_>,
    deliveries: &[Arc<str>],
    now: Timestamp,
) -> Result<Vec<bool>, Fault> {
    let mut cancel = group.db.prepare_cached(
        "UPDATE deliveries SET state = 5, at = ?2, fence = fence + 1 WHERE seq = ?1 AND state IN (0, 1, 3, 4)",
    )?;
    deliveries.iter().map(|name| Ok(cancel.execute(params![number(name), now.unix_ms()])? == 1)).collect()
}

/// One.
pub(super) fn one(db: &Connection, id: &str) -> Result<Option<Delivery>, Fault> {
    let mut one = db.prepare_cached(&format!("SELECT {DELIVERY} {OF_EVENT} WHERE d.seq = ?1"))?;
    Ok(one.query_row([number(id)], delivery).optional()?)
}

/// Those of one event.
pub(super) fn of_event(db: &Connection, event: &str) -> Result<Vec<Delivery>, Fault> {
    let known = db
        .prepare_cached("SELECT seq, deliveries FROM events WHERE id = ?1")?
        .query_row([event], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
        .optional()?;
    let Some((seq, count)) = known else { return Ok(Vec::new()) };
    let mut rows = db.prepare_cached(&format!(
        "SELECT {DELIVERY} {OF_EVENT} WHERE d.seq BETWEEN ?1 + 1 AND ?1 + ?2 ORDER BY d.seq"
    ))?;
    let rows = rows.query_map([seq, count], delivery)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// How many are where.
pub(super) fn queued(db: &Connection) -> Result<Queued, Fault> {
    let (waiting, leased, queued): (i64, i64, Option<i64>) = db
        .prepare_cached(
            "SELECT count(*) FILTER (WHERE state = 0), count(*) FILTER (WHERE state = 1), min(seq) \
             FROM deliveries INDEXED BY deliveries_queue WHERE state < 2",
        )?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let (held, longest): (i64, Option<i64>) = db
        .prepare_cached(
            "SELECT count(*), min(seq) FROM deliveries INDEXED BY deliveries_held WHERE state = 4",
        )?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let dead: i64 = db
        .prepare_cached("SELECT count(*) FROM deliveries INDEXED BY deliveries_dead WHERE state = 3")?
        .query_row([], |row| row.get(0))?;
    let oldest = match [queued, longest].into_iter().flatten().min() {
        Some(seq) => db
            .prepare_cached(
                "SELECT at FROM events WHERE seq = (SELECT event FROM deliveries WHERE seq = ?1)",
            )?
            .query_row([seq], |row| row.get(0))
            .optional()?
            .map(Timestamp::from_unix_ms),
        None => None,
    };
    let [waiting, leased, dead, held] = [waiting, leased, dead, held].map(|count| count as u64);
    Ok(Queued { waiting, leased, dead, held, oldest })
}

/// A limit as the engine takes it.
pub(super) fn bounded(max: usize) -> i64 {
    i64::try_from(max).unwrap_or(i64::MAX)
}

/// From a row of [`DELIVERY`].
pub(super) fn delivery(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    Ok(Delivery {
        id: name(row.get(0)?),
        event: row.get(7)?,
        kind: row.get(8)?,
        accepted_at: Timestamp::from_unix_ms(row.get(9)?),
        endpoint: row.get(1)?,
        state: state(row, 2)?,
        attempts: row.get(3)?,
        at: Timestamp::from_unix_ms(row.get(4)?),
        status: row.get(5)?,
        error: row.get(6)?,
    })
}

/// What a delivery is called.
pub(super) fn name(seq: i64) -> Arc<str> {
    format!("d{seq}").into()
}

fn state(row: &Row<'_>, column: usize) -> rusqlite::Result<DeliveryState> {
    let state: i64 = row.get(column)?;
    let known = usize::try_from(state).ok().and_then(|state| DeliveryState::WORDS.get(state));
    known.map(|(_, state)| *state).ok_or(rusqlite::Error::IntegralValueOutOfRange(column, state))
}

/// `None` if it is no delivery of ours, by its very name.
fn number(name: &str) -> Option<i64> {
    let digits = name.strip_prefix('d').filter(|digits| !digits.starts_with('0'))?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}
