//! Counts by the hour, and when keys last matched.

use super::fault::Fault;
use super::group::Group;
use crate::{Histogram, KeyUse, Tally};
use countersign::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

/// Add to what is counted.
pub(super) fn tally(group: &mut Group<'_>, tallies: &[Tally]) -> Result<(), Fault> {
    let mut known = group
        .db
        .prepare_cached("SELECT micros FROM hours WHERE hour = ?1 AND source = ?2 AND outcome = ?3")?;
    let mut write = group.db.prepare_cached(
        "INSERT INTO hours (hour, source, outcome, count, last_at, micros) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT DO UPDATE SET count = count + excluded.count, last_at = max(last_at, excluded.last_at), \
         micros = excluded.micros",
    )?;
    for Tally { source, hour, outcome, count, last_at, micros } in tallies {
        let (hour, mut sum) = (hour.unix_ms(), micros.clone());
        let known: Option<Vec<u8>> =
            known.query_row(params![hour, &**source, &**outcome], |row| row.get(0)).optional()?;
        // What cannot be read is not worth refusing an hour for.
        if let Some(known) = known.as_deref().and_then(Histogram::from_bytes) {
            sum.merge(&known);
        }
        let count = i64::try_from(*count).unwrap_or(i64::MAX);
        write.execute(params![hour, &**source, &**outcome, count, last_at.unix_ms(), sum.to_bytes()])?;
    }
    Ok(())
}

/// The hours from one moment to another.
pub(super) fn hours(
    db: &Connection,
    source: Option<&str>,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Tally>, Fault> {
    let mut rows = db.prepare_cached(
        "SELECT source, hour, outcome, count, last_at, micros FROM hours \
         WHERE hour >= ?1 AND hour < ?2 AND (?3 IS NULL OR source = ?3) ORDER BY hour, source, outcome",
    )?;
    let rows = rows.query_map(params![from.unix_ms(), to.unix_ms(), source], |row| {
        Ok(Tally {
            source: row.get(0)?,
            hour: Timestamp::from_unix_ms(row.get(1)?),
            outcome: row.get(2)?,
            count: row.get::<_, i64>(3)? as u64,
            last_at: Timestamp::from_unix_ms(row.get(4)?),
            micros: Histogram::from_bytes(&row.get::<_, Vec<u8>>(5)?).unwrap_or_default(),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Keys matched.
pub(super) fn matched(group: &mut Group<'_>, uses: &[KeyUse]) -> Result<(), Fault> {
    let mut write = group.db.prepare_cached(
        "INSERT INTO key_uses (source, key, at) VALUES (?1, ?2, ?3) \
         ON CONFLICT DO UPDATE SET at = excluded.at WHERE excluded.at > at",
    )?;
    for KeyUse { source, key, at } in uses {
        write.execute(params![&**source, &**key, at.unix_ms()])?;
    }
    Ok(())
}

/// When each key last matched.
pub(super) fn key_uses(db: &Connection) -> Result<Vec<KeyUse>, Fault> {
    let mut rows = db.prepare_cached("SELECT source, key, at FROM key_uses ORDER BY source, key")?;
    let rows = rows.query_map([], |row| {
        Ok(KeyUse { source: row.get(0)?, key: row.get(1)?, at: Timestamp::from_unix_ms(row.get(2)?) })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
