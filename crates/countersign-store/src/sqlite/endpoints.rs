//! Endpoints: where is sent to, and what is held for those that are paused.
//!
//! Pausing moves the whole queue of an endpoint in one step, and so does resuming. A mark at the endpoint alone would be cheaper to
//! set, but then every lease would have to look past what is held, for as long as it is.

use super::fault::Fault;
use super::group::Group;
use super::sources::{changed, save_secret};
use crate::{EndpointRow, NewEndpoint, of_endpoint};
use countersign::Timestamp;
use rusqlite::{Connection, params};
use std::sync::Arc;

/// Every endpoint.
pub(super) fn all(db: &Connection) -> Result<Vec<EndpointRow>, Fault> {
    let mut rows = db.prepare_cached(
        "SELECT name, config, paused_reason, paused_at, failing_since, created_at FROM endpoints ORDER BY name",
    )?;
    let rows = rows.query_map([], |row| {
        let moment =
            |at| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(at)?.map(Timestamp::from_unix_ms));
        let reason: Option<Arc<str>> = row.get(2)?;
        Ok(EndpointRow {
            name: row.get(0)?,
            table: row.get(1)?,
            paused: moment(3)?.map(|since| (reason.unwrap_or_default(), since)),
            failing_since: moment(4)?,
            created_at: Timestamp::from_unix_ms(row.get(5)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Add one, unless its name is taken. What is still queued by its name is of one that was removed: it was under way then, or was
/// published in that moment. It was not meant for this one, and is dead; whoever has it under way cannot report it any more.
pub(super) fn add(group: &mut Group<'_>, new: &NewEndpoint) -> Result<bool, Fault> {
    let NewEndpoint { name, table, secrets, now } = new;
    let own = of_endpoint(name);
    if let Some(other) = secrets.iter().find(|secret| *secret.source != *own) {
        return Err(Fault::invalid(format!(
            "secret `{}` is of `{}`; what is added with endpoint `{name}` has to be of `{own}`",
            other.id, other.source
        )));
    }
    let added = group
        .db
        .prepare_cached("INSERT OR IGNORE INTO endpoints (name, config, created_at) VALUES (?1, ?2, ?3)")?
        .execute(params![&**name, &**table, now.unix_ms()])?;
    if added == 1 {
        group
            .db
            .prepare_cached(&format!(
                "UPDATE deliveries INDEXED BY deliveries_queue SET fence = fence + 1, {REMOVED} \
                 WHERE state < 2 AND endpoint = ?1"
            ))?
            .execute(params![&**name, now.unix_ms()])?;
        for secret in secrets {
            save_secret(group.db, secret)?;
        }
        changed(group)?;
    }
    Ok(added == 1)
}

/// What becomes of a delivery whose endpoint is no more; `?2` is the present.
const REMOVED: &str = "state = 3, at = ?2, status = NULL, error = 'its endpoint was removed'";

/// Whether there is one of this name and it is paused.
pub(super) fn is_paused(db: &Connection, name: &str) -> Result<bool, Fault> {
    let mut paused =
        db.prepare_cached("SELECT 1 FROM endpoints WHERE name = ?1 AND paused_at IS NOT NULL")?;
    Ok(paused.exists([name])?)
}

/// Hold what waits.
pub(super) fn pause(group: &mut Group<'_>, name: &str, reason: &str, now: Timestamp) -> Result<bool, Fault> {
    let paused = group
        .db
        .prepare_cached(
            "UPDATE endpoints SET paused_reason = ?2, paused_at = ?3 WHERE name = ?1 AND paused_at IS NULL",
        )?
        .execute(params![name, reason, now.unix_ms()])?;
    if paused == 1 {
        group
            .db
            .prepare_cached(
                "UPDATE deliveries INDEXED BY deliveries_queue SET state = 4, at = ?2 \
                 WHERE state < 2 AND endpoint = ?1 AND state = 0",
            )?
            .execute(params![name, now.unix_ms()])?;
        changed(group)?;
    }
    Ok(paused == 1)
}

/// Let go what is held.
pub(super) fn resume(group: &mut Group<'_>, name: &str, now: Timestamp) -> Result<bool, Fault> {
    let resumed = group
        .db
        .prepare_cached(
            "UPDATE endpoints SET paused_reason = NULL, paused_at = NULL, failing_since = NULL \
             WHERE name = ?1 AND paused_at IS NOT NULL",
        )?
        .execute([name])?;
    if resumed == 1 {
        group
            .db
            .prepare_cached(
                "UPDATE deliveries INDEXED BY deliveries_held SET state = 0, at = ?2 \
                 WHERE state = 4 AND endpoint = ?1",
            )?
            .execute(params![name, now.unix_ms()])?;
        changed(group)?;
    }
    Ok(resumed == 1)
}

/// Forget one with its secrets and their uses; what waits for it or is held is dead. What is under way ends as it ends: if it has to be
/// made again, whoever leases it finds no endpoint of its name, and none that is added later is taken for it: see [`add`].
pub(super) fn remove(group: &mut Group<'_>, name: &str, now: Timestamp) -> Result<bool, Fault> {
    let db = group.db;
    if db.prepare_cached("DELETE FROM endpoints WHERE name = ?1")?.execute([name])? == 0 {
        return Ok(false);
    }
    for (index, state) in [("deliveries_queue", "state < 2 AND state = 0"), ("deliveries_held", "state = 4")]
    {
        db.prepare_cached(&format!(
            "UPDATE deliveries INDEXED BY {index} SET {REMOVED} WHERE {state} AND endpoint = ?1"
        ))?
        .execute(params![name, now.unix_ms()])?;
    }
    let own = of_endpoint(name);
    for table in ["secrets", "key_uses"] {
        db.prepare_cached(&format!("DELETE FROM {table} WHERE source = ?1"))?.execute([&own])?;
    }
    changed(group)?;
    Ok(true)
}
