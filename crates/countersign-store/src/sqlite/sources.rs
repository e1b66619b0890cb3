//! Sources and their secrets, which people change and gateways follow.

use super::fault::Fault;
use super::group::Group;
use crate::{SecretRow, SecretState, SourceRow};
use countersign::Timestamp;
use rusqlite::{Connection, params};

/// Every source.
pub(super) fn all(db: &Connection) -> Result<Vec<SourceRow>, Fault> {
    let mut rows = db.prepare_cached(
        "SELECT name, config, enabled, enforce, learns_until, changed_at FROM sources ORDER BY name",
    )?;
    let rows = rows.query_map([], |row| {
        Ok(SourceRow {
            name: row.get(0)?,
            table: row.get(1)?,
            enabled: row.get(2)?,
            enforce: row.get(3)?,
            learns_until: row.get::<_, Option<i64>>(4)?.map(Timestamp::from_unix_ms),
            changed_at: Timestamp::from_unix_ms(row.get(5)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Write one.
pub(super) fn save(group: &mut Group<'_>, row: &SourceRow) -> Result<(), Fault> {
    let SourceRow { name, table, enabled, enforce, learns_until, changed_at } = row;
    group
        .db
        .prepare_cached(
            "INSERT OR REPLACE INTO sources (name, config, enabled, enforce, learns_until, changed_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            &**name,
            table.as_deref(),
            enabled,
            enforce.as_deref(),
            learns_until.map(Timestamp::unix_ms),
            changed_at.unix_ms()
        ])?;
    changed(group)
}

/// Forget one, with its secrets and their uses.
pub(super) fn remove(group: &mut Group<'_>, name: &str) -> Result<bool, Fault> {
    let was = group.db.prepare_cached("DELETE FROM sources WHERE name = ?1")?.execute([name])?;
    let secrets = group.db.prepare_cached("DELETE FROM secrets WHERE source = ?1")?.execute([name])?;
    if was + secrets > 0 {
        group.db.prepare_cached("DELETE FROM key_uses WHERE source = ?1")?.execute([name])?;
        changed(group)?;
    }
    Ok(was > 0)
}

/// Every secret, as it was sealed.
pub(super) fn secrets(db: &Connection) -> Result<Vec<SecretRow>, Fault> {
    let mut rows = db.prepare_cached(
        "SELECT source, id, sealed, fingerprint, state, not_before, not_after, created_at FROM secrets \
         ORDER BY source, created_at, id",
    )?;
    let rows = rows.query_map([], |row| {
        let moment =
            |at| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(at)?.map(Timestamp::from_unix_ms));
        Ok(SecretRow {
            source: row.get(0)?,
            id: row.get(1)?,
            sealed: row.get::<_, Vec<u8>>(2)?.into(),
            fingerprint: row.get(3)?,
            // Whatever is not plainly live is not used.
            state: if row.get::<_, i64>(4)? == 0 { SecretState::Live } else { SecretState::Pending },
            not_before: moment(5)?,
            not_after: moment(6)?,
            created_at: Timestamp::from_unix_ms(row.get(7)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Write some.
pub(super) fn save_secrets(group: &mut Group<'_>, rows: &[SecretRow]) -> Result<(), Fault> {
    let mut write = group.db.prepare_cached(
        "INSERT OR REPLACE INTO secrets (source, id, sealed, fingerprint, state, not_before, not_after, created_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for row in rows {
        let SecretRow { source, id, sealed, fingerprint, state, not_before, not_after, created_at } = row;
        write.execute(params![
            &**source,
            &**id,
            &sealed[..],
            &**fingerprint,
            *state as i64,
            not_before.map(Timestamp::unix_ms),
            not_after.map(Timestamp::unix_ms),
            created_at.unix_ms()
        ])?;
    }
    if rows.is_empty() { Ok(()) } else { changed(group) }
}

/// Forget one.
pub(super) fn forget(group: &mut Group<'_>, source: &str, id: &str) -> Result<bool, Fault> {
    let was = group
        .db
        .prepare_cached("DELETE FROM secrets WHERE source = ?1 AND id = ?2")?
        .execute([source, id])?;
    if was > 0 {
        changed(group)?;
    }
    Ok(was > 0)
}

/// How often anything of this was changed.
pub(super) fn revision(db: &Connection) -> Result<u64, Fault> {
    let mut revision = db.prepare_cached("SELECT revision FROM counters")?;
    Ok(revision.query_row([], |row| row.get::<_, i64>(0))? as u64)
}

/// Let everyone know that something of this was.
pub(super) fn changed(group: &mut Group<'_>) -> Result<(), Fault> {
    group.db.prepare_cached("UPDATE counters SET revision = revision + 1")?.execute([])?;
    Ok(())
}
