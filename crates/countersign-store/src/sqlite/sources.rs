//! Sources and their secrets, which people change and gateways follow.

use super::fault::Fault;
use super::group::Group;
use crate::{Changed, Edit, SecretRow, SecretState, SourceRow};
use countersign::Timestamp;
use rusqlite::{Connection, params, params_from_iter};

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

/// Do all of it, if this is still the revision. Nobody writes beside this transaction, in whichever process.
pub(super) fn change(group: &mut Group<'_>, edits: &[Edit], expected: u64) -> Result<Changed, Fault> {
    if revision(group.db)? != expected {
        return Ok(Changed::Overtaken);
    }
    let mut touched = 0;
    for edit in edits {
        touched += match edit {
            Edit::Source(row) => save(group.db, row)?,
            Edit::Unsaid(name) => forget("DELETE FROM sources WHERE name = ?1", group.db, [&**name])?,
            Edit::Gone(name) => remove(group.db, name)?,
            Edit::Secret(row) => save_secret(group.db, row)?,
            Edit::Forgotten { source, id } => {
                forget("DELETE FROM secrets WHERE source = ?1 AND id = ?2", group.db, [&**source, &**id])?
            }
        };
    }
    if touched > 0 {
        changed(group)?;
    }
    Ok(Changed::Written)
}

/// Write one.
fn save(db: &Connection, row: &SourceRow) -> Result<usize, Fault> {
    let SourceRow { name, table, enabled, enforce, learns_until, changed_at } = row;
    let mut write = db.prepare_cached(
        "INSERT OR REPLACE INTO sources (name, config, enabled, enforce, learns_until, changed_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    Ok(write.execute(params![
        &**name,
        table.as_deref(),
        enabled,
        enforce.as_deref(),
        learns_until.map(Timestamp::unix_ms),
        changed_at.unix_ms()
    ])?)
}

/// Forget one, with its secrets and their uses.
fn remove(db: &Connection, name: &str) -> Result<usize, Fault> {
    let was = forget("DELETE FROM sources WHERE name = ?1", db, [name])?
        + forget("DELETE FROM secrets WHERE source = ?1", db, [name])?;
    if was > 0 {
        forget("DELETE FROM key_uses WHERE source = ?1", db, [name])?;
    }
    Ok(was)
}

fn forget<const N: usize>(sql: &str, db: &Connection, which: [&str; N]) -> Result<usize, Fault> {
    Ok(db.prepare_cached(sql)?.execute(params_from_iter(which))?)
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

/// Write one.
pub(super) fn save_secret(db: &Connection, row: &SecretRow) -> Result<usize, Fault> {
    let SecretRow { source, id, sealed, fingerprint, state, not_before, not_after, created_at } = row;
    let mut write = db.prepare_cached(
        "INSERT OR REPLACE INTO secrets (source, id, sealed, fingerprint, state, not_before, not_after, created_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    Ok(write.execute(params![
        &**source,
        &**id,
        &sealed[..],
        &**fingerprint,
        *state as i64,
        not_before.map(Timestamp::unix_ms),
        not_after.map(Timestamp::unix_ms),
        created_at.unix_ms()
    ])?)
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
