//! Accepting: claim, event, queue and audit row; the audit rows of what was not accepted; and publishing, which claims nothing.

use super::fault::Fault;
use super::group::Group;
use crate::{AuditRow, Claim, PUBLISHED, Publication, Published, Record};
use countersign::{ReplayKey, Timestamp};
use rusqlite::ffi::ErrorCode;
use rusqlite::params;
use std::sync::Arc;

/// About what a record holds, in bytes.
pub(super) fn size(record: &Record) -> usize {
    record.body.len() + record.head.len() + record.audit.columns.len()
}

/// All of it, or on [`Claim::Seen`] the audit row alone.
pub(super) fn put(group: &mut Group<'_>, record: &Record) -> Result<Claim, Fault> {
    let Record { claims, now, audit, .. } = record;
    if claim(group, claims, *now)? == Claim::Seen {
        let (outcome, status) = match &audit.repeated {
            Some((outcome, status)) => (outcome, *status),
            None => (&audit.outcome, audit.status),
        };
        write_audit(group, &AuditRow { outcome: outcome.clone(), status, event: None, ..audit.clone() })?;
        return Ok(Claim::Seen);
    }
    write_event(group, record)?;
    write_audit(group, audit)?;
    Ok(Claim::Fresh)
}

/// Rows of what was not recorded.
pub(super) fn audit(group: &mut Group<'_>, rows: &[AuditRow]) -> Result<(), Fault> {
    rows.iter().try_for_each(|row| write_audit(group, row))
}

/// An event of our own, unless there is one of its name.
pub(super) fn publish(group: &mut Group<'_>, publication: &Publication) -> Result<Published, Fault> {
    let Publication { event, kind, head, body, endpoints, now } = publication;
    if group.db.prepare_cached("SELECT 1 FROM events WHERE id = ?1")?.exists([&**event])? {
        return Ok(Published::Taken);
    }
    let now = now.unix_ms();
    let seq = group.number(1 + endpoints.len());
    let nothing = None::<&str>;
    group.db.prepare_cached(INSERT)?.execute(params![
        seq,
        now,
        PUBLISHED,
        &**event,
        &**kind,
        "",
        nothing,
        nothing,
        endpoints.len() as i64,
        &head[..],
        &body[..],
    ])?;
    group.grew((head.len() + body.len()) as i64);
    queue(group, seq, now, endpoints)?;
    Ok(Published::Fresh)
}

/// Nobody writes beside this transaction, so that looking and writing are one step.
fn claim(group: &mut Group<'_>, keys: &[ReplayKey], now: Timestamp) -> Result<Claim, Fault> {
    let mut claim = Claim::Fresh;
    for (at, key) in keys.iter().enumerate() {
        let (digest, expires) = (key.digest(), key.expires().unix_ms());
        let known = group.fresh.known(group.db, digest)?;
        // One that came twice in this very claim is known since a moment ago.
        let again = keys[..at].iter().any(|earlier| earlier.digest() == digest);
        if known.is_some_and(|known| known >= now.unix_ms()) && !again {
            claim = Claim::Seen;
        }
        if known.is_none_or(|known| expires > known) {
            let seq = group.number(1);
            group.fresh.add(group.db, seq, digest, expires)?;
        }
    }
    Ok(claim)
}

fn write_event(group: &mut Group<'_>, record: &Record) -> Result<(), Fault> {
    let Record { event, source, key, message_id, refused, kind, head, body, endpoints, now, .. } = record;
    let now = now.unix_ms();
    let seq = group.number(1 + endpoints.len());
    group
        .db
        .prepare_cached(INSERT)?
        .execute(params![
            seq,
            now,
            &**source,
            &**event,
            kind.as_deref(),
            key.as_str(),
            message_id.as_deref(),
            refused.as_deref(),
            endpoints.len() as i64,
            &head[..],
            &body[..],
        ])
        .map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation) => Fault::invalid(format!(
                "there is an event `{event}` already; every event has a name of its own"
            )),
            _ => error.into(),
        })?;
    group.grew((head.len() + body.len()) as i64);
    queue(group, seq, now, endpoints)
}

const INSERT: &str = "INSERT INTO events \
    (seq, at, source, id, kind, key, message_id, refused, deliveries, head, body) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";

/// The deliveries of event `seq`, which have the numbers behind it.
///
/// Whether an endpoint is paused is looked up for each, in the statement that writes it. That is one look into a tree of a few pages that
/// are in memory, far below what the row itself costs, and unlike a copy of it in this process it is never out of date: another process
/// may have paused the endpoint a moment ago.
fn queue(group: &mut Group<'_>, seq: i64, now: i64, endpoints: &[Arc<str>]) -> Result<(), Fault> {
    let mut queue = group.db.prepare_cached(
        "INSERT INTO deliveries (seq, event, at, state, fence, attempts, endpoint) VALUES (?1, ?2, ?3, \
         iif(EXISTS (SELECT 1 FROM endpoints WHERE name = ?4 AND paused_at IS NOT NULL), 4, 0), 0, 0, ?4)",
    )?;
    for (place, endpoint) in (1..).zip(endpoints) {
        queue.execute(params![seq + place, seq, now, &**endpoint])?;
    }
    // The last of them as well, so that a search by time finds them where it finds the event.
    group.happened(seq, now);
    group.happened(seq + endpoints.len() as i64, now);
    Ok(())
}

fn write_audit(group: &mut Group<'_>, row: &AuditRow) -> Result<(), Fault> {
    let AuditRow { at, source, outcome, status, event, columns, repeated: _ } = row;
    let seq = group.number(1);
    group
        .db
        .prepare_cached(
            "INSERT INTO audits (seq, at, source, outcome, status, event, columns) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![seq, at.unix_ms(), &**source, &**outcome, status, event.as_deref(), &columns[..]])?;
    group.happened(seq, at.unix_ms());
    Ok(())
}
