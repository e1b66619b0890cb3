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

/// One lease: of which delivery, and its fence.
pub(super) type Held = (i64, u64);

/// What a lease took, without its event.
pub(super) struct Taken {
    seq: i64,
    event: i64,
    fence: u64,
    endpoint: Arc<str>,
    attempts: u32,
    lost: u32,
}

/// What a lease took and cannot be delivered, and why.
pub(super) struct Unreadable {
    seq: i64,
    fence: u64,
    error: String,
}

/// What was taken, as far as it could be read.
pub(super) struct Whole {
    pub(super) leased: Vec<Leased>,
    pub(super) unreadable: Vec<Unreadable>,
    /// The disk did not answer for these, and may later.
    pub(super) later: Vec<Held>,
}

impl Taken {
    pub(super) fn held(&self) -> Held {
        (self.seq, self.fence)
    }
}

/// Take what is due and asked for.
pub(super) fn take(group: &mut Group<'_>, lease: &Lease) -> Result<Vec<Taken>, Fault> {
    let (db, now) = (group.db, lease.now.unix_ms());
    if lease.max == 0 {
        return Ok(Vec::new());
    }
    let mut due = sendable(db, now)?;
    // The endpoint that has waited longest is the first in every round.
    due.sort_unstable();
    let mut take = db.prepare_cached(
        // Who takes one that is leased takes it over: that lease has run out.
        "UPDATE deliveries SET state = 1, at = ?2, fence = fence + 1, worker = ?3, lost = lost + (state = 1) \
         WHERE seq = ?1 RETURNING event, fence, endpoint, attempts, lost",
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
                lost: row.get(4)?,
            })
        })
    });
    Ok(taken.collect::<Result<_, _>>()?)
}

/// What was taken, with what is delivered. Bodies are read here, and not by the one who writes. An error: none could be read.
pub(super) fn with_events(db: &Connection, taken: Vec<Taken>) -> Result<Whole, Fault> {
    let mut event = db.prepare_cached(&format!("SELECT {EVENT}, body FROM events WHERE seq = ?1"))?;
    let mut failing = db.prepare_cached("SELECT failing_since FROM endpoints WHERE name = ?1")?;
    let mut whole =
        Whole { leased: Vec::with_capacity(taken.len()), unreadable: Vec::new(), later: Vec::new() };
    let mut fault = None;
    for taken in taken {
        let held = taken.held();
        let Taken { seq, event: of, fence, endpoint, attempts, lost } = taken;
        let event = match event.query_row([of], event_of) {
            Ok(event) => event,
            Err(error)
                if error.sqlite_error_code().is_some_and(|code| code != ErrorCode::DatabaseCorrupt) =>
            {
                fault = Some(error);
                whole.later.push(held);
                continue;
            }
            Err(error) => {
                let gone = matches!(error, rusqlite::Error::QueryReturnedNoRows);
                let error = if gone { "it is not there".into() } else { error.to_string() };
                whole.unreadable.push(Unreadable { seq, fence, error });
                continue;
            }
        };
        let failing: Option<Option<i64>> = failing.query_row([&*endpoint], |row| row.get(0)).optional()?;
        whole.leased.push(Leased {
            fence: Fence { delivery: name(seq), number: fence },
            endpoint,
            attempts,
            lost,
            failing_since: failing.flatten().map(Timestamp::from_unix_ms),
            event,
        });
    }
    match fault {
        Some(fault) if whole.leased.is_empty() && whole.unreadable.is_empty() => Err(fault.into()),
        _ => Ok(whole),
    }
}

/// Give back what could not be read: due when its lease would have run out, so that a disk in trouble is not asked without end, and
/// not counted as lost, for nobody attempted it.
pub(super) fn give_back(group: &mut Group<'_>, held: &[Held], until: Timestamp) -> Result<(), Fault> {
    let mut back = group.db.prepare_cached(
        "UPDATE deliveries SET at = ?3, \
         state = iif(EXISTS (SELECT 1 FROM endpoints WHERE name = endpoint AND paused_at IS NOT NULL), 4, 0) \
         WHERE seq = ?1 AND fence = ?2 AND state = 1",
    )?;
    for (seq, fence) in held {
        back.execute(params![seq, *fence as i64, until.unix_ms()])?;
    }
    Ok(())
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
    let firsts = sendable(db, i64::MAX)?.into_iter();
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

/// When the first is due to each endpoint that has something queued by then and is not paused.
///
/// Of one that is paused nothing waits, but something may have been under way, and its lease may have run out since. Its worker can
/// still tell how that ended; nobody else takes it before the endpoint is resumed.
fn sendable(db: &Connection, by: i64) -> Result<Vec<(i64, Arc<str>)>, Fault> {
    let [mut first, mut next] = [db.prepare_cached(FIRST[0])?, db.prepare_cached(FIRST[1])?];
    let mut firsts = Vec::new();
    let mut found = first.query_row([], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    while let Some((at, endpoint)) = found {
        let endpoint: Arc<str> = endpoint;
        found = next.query_row([&*endpoint], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        if at <= by && !is_paused(db, &endpoint)? {
            firsts.push((at, endpoint));
        }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::sqlite::claims::Fresh;
    use crate::sqlite::open::{self, Manner};
    use rusqlite::StatementStatus;
    use std::time::Duration;
    use tempfile::TempDir;

    /// A file in which each endpoint has so many that wait, one a millisecond.
    fn queued(queues: &[(&str, i64)]) -> (TempDir, Connection) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let manner = Manner { patience: Duration::from_secs(10), unsynced: true };
        open::prepare(&path, manner).unwrap();
        let db = open::writer(&path, manner).unwrap();
        db.execute_batch("BEGIN").unwrap();
        for (endpoint, count) in queues {
            let mut queue = db
                .prepare(
                    "INSERT INTO deliveries (event, at, state, fence, attempts, endpoint) \
                     VALUES (1, ?1, 0, 0, 0, ?2)",
                )
                .unwrap();
            for at in 0..*count {
                queue.execute(params![at, endpoint]).unwrap();
            }
        }
        db.execute_batch("COMMIT").unwrap();
        (folder, db)
    }

    #[test]
    fn what_could_not_be_read_is_given_back_and_is_not_lost() {
        let (_folder, db) = queued(&[("a", 2)]);
        db.execute_batch("UPDATE deliveries SET at = 0; DELETE FROM events").unwrap();
        let mut fresh = Fresh::default();
        let mut take_at = |now: i64, back: bool| -> Vec<u32> {
            let moment = Timestamp::from_unix_ms;
            let (now, until) = (moment(now), moment(now + 10));
            let lease = Lease { worker: "me".into(), max: 9, each: 9, rooms: Vec::new(), now, until };
            let mut group = Group::begin(&db, &mut fresh).unwrap();
            let taken = take(&mut group, &lease).unwrap();
            if back {
                give_back(&mut group, &taken.iter().map(Taken::held).collect::<Vec<_>>(), until).unwrap();
            }
            group.commit().unwrap();
            taken.iter().map(|one| one.lost).collect()
        };
        assert_eq!(take_at(0, true), [0, 0]);
        assert_eq!(take_at(9, false), [0_u32; 0], "not before its lease would have run out");
        assert_eq!(take_at(10, true), [0, 0]);
        assert_eq!(take_at(20, false), [0, 0]);
        assert_eq!(take_at(30, true), [1, 1], "that was not given back");
        assert_eq!(take_at(40, false), [1, 1]);
    }

    fn leased(db: &Connection, max: usize, each: usize, rooms: &[(&str, usize)]) -> Vec<(String, i64)> {
        let rooms = rooms.iter().map(|(of, room)| (Arc::from(*of), *room)).collect();
        let moment = Timestamp::from_unix_ms;
        let lease =
            Lease { worker: "me".into(), max, each, rooms, now: moment(1_000_000), until: moment(2_000_000) };
        let mut fresh = Fresh::default();
        let mut group = Group::begin(db, &mut fresh).unwrap();
        let taken = take(&mut group, &lease).unwrap();
        // What was taken is taken back, and with it what was due.
        db.execute_batch("ROLLBACK").unwrap();
        let mut at = db.prepare("SELECT at FROM deliveries WHERE seq = ?1").unwrap();
        let of = |one: Taken| (one.endpoint.to_string(), at.query_row([one.seq], |row| row.get(0)).unwrap());
        taken.into_iter().map(of).collect()
    }

    /// What the engine did for all that was read of the queue.
    fn steps(db: &Connection) -> i32 {
        let asked = [FIRST[0], FIRST[1], DUE].into_iter();
        asked.map(|asked| db.prepare_cached(asked).unwrap().get_status(StatementStatus::VmStep)).sum()
    }

    #[test]
    fn what_a_lease_and_a_look_ahead_cost_does_not_grow_with_the_queues() {
        let cost = |long: i64| {
            let (_folder, db) = queued(&[("a", long), ("b", 3), ("c", long), ("d", 1)]);
            let taken = leased(&db, 12, 5, &[]);
            assert_eq!(taken.len(), 12);
            let lease = steps(&db);
            let ahead = next_due(&db, &["a".into(), "b".into()]).unwrap();
            assert_eq!(ahead, Some(Timestamp::from_unix_ms(0)));
            (lease, steps(&db) - lease)
        };
        let (short, long) = (cost(20), cost(20_000));
        assert!(short.0 > 0 && short.1 > 0, "{short:?}");
        assert_eq!(short, long, "a thousand times as much is queued");
    }

    #[test]
    fn endpoints_are_read_in_turn_and_what_one_has_not_the_others_get() {
        let (_folder, db) = queued(&[("a", 100), ("b", 2), ("c", 100), ("d", 4)]);
        for (max, each, rooms, wanted) in [
            (5, 100, &[][..], [2, 1, 1, 1]),
            (4, 100, &[], [1, 1, 1, 1]),
            (10, 100, &[], [3, 2, 3, 2]),
            (16, 100, &[], [5, 2, 5, 4]),
            (17, 100, &[], [6, 2, 5, 4]),
            (1_000, 100, &[], [100, 2, 100, 4]),
            (1_000, 3, &[], [3, 2, 3, 3]),
            (1_000, 3, &[("a", 7), ("c", 0), ("none", 9)], [7, 2, 0, 3]),
            (6, 3, &[("d", 1), ("b", 0)], [3, 0, 2, 1]),
            (usize::MAX, usize::MAX, &[], [100, 2, 100, 4]),
            (1_000, 0, &[("b", 1)], [0, 1, 0, 0]),
            (0, 9, &[], [0, 0, 0, 0]),
        ] {
            let taken = leased(&db, max, each, rooms);
            for (endpoint, wanted) in ["a", "b", "c", "d"].into_iter().zip(wanted) {
                let of = taken.iter().filter(|(of, _)| of == endpoint);
                let at: Vec<i64> = of.map(|(_, at)| *at).collect();
                let first: Vec<i64> = (0..wanted).collect();
                assert_eq!(at, first, "{endpoint}, of {max}, {each} and {rooms:?}: the longest due first");
            }
            assert!(taken.is_sorted_by_key(|(_, at)| *at), "in rounds: {taken:?}");
        }
    }
}
