//! Types of events that were declared.

use super::fault::Fault;
use super::group::Group;
use super::sources::changed;
use crate::EventTypeRow;
use countersign::Timestamp;
use rusqlite::{Connection, params};

/// Every type.
pub(super) fn all(db: &Connection) -> Result<Vec<EventTypeRow>, Fault> {
    let mut rows =
        db.prepare_cached("SELECT name, description, schema, changed_at FROM event_types ORDER BY name")?;
    let rows = rows.query_map([], |row| {
        Ok(EventTypeRow {
            name: row.get(0)?,
            description: row.get(1)?,
            schema: row.get::<_, Option<Vec<u8>>>(2)?.map(Into::into),
            changed_at: Timestamp::from_unix_ms(row.get(3)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Write one.
pub(super) fn save(group: &mut Group<'_>, row: &EventTypeRow) -> Result<(), Fault> {
    let EventTypeRow { name, description, schema, changed_at } = row;
    group
        .db
        .prepare_cached(
            "INSERT OR REPLACE INTO event_types (name, description, schema, changed_at) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![&**name, &**description, schema.as_deref(), changed_at.unix_ms()])?;
    changed(group)
}

/// Forget one.
pub(super) fn remove(group: &mut Group<'_>, name: &str) -> Result<bool, Fault> {
    let was = group.db.prepare_cached("DELETE FROM event_types WHERE name = ?1")?.execute([name])?;
    if was > 0 {
        changed(group)?;
    }
    Ok(was > 0)
}
