//! Listings: by number, which is the order in which rows were committed.
//!
//! Not by time. A request that came first may be written last, and whoever follows a listing would miss it. A search by time is
//! turned into one by number with the help of `spans`; the time of each row is compared all the same.

use super::deliveries::bounded;
use super::fault::Fault;
use super::group::HOUR;
use crate::{AuditRow, Cursor, Page, Search, StoredEvent};
use bytes::Bytes;
use countersign::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};
use std::sync::Arc;

/// The columns of an event before its body, as [`event_of`] reads them.
pub(super) const EVENT: &str = "id, source, at, key, message_id, kind, head, length(body)";

/// Rows of the audit.
pub(super) fn audits(db: &Connection, search: &Search) -> Result<Page<AuditRow>, Fault> {
    let columns = "at, source, outcome, status, event, columns";
    let word = search.word.as_ref().map(|word| Word::Is("outcome", word.to_string()));
    page(db, search, &format!("{columns}, seq FROM audits"), word, |row| {
        Ok((
            row.get(6)?,
            AuditRow {
                at: Timestamp::from_unix_ms(row.get(0)?),
                source: row.get(1)?,
                outcome: row.get(2)?,
                status: row.get(3)?,
                event: row.get(4)?,
                columns: row.get::<_, Vec<u8>>(5)?.into(),
                repeated: None,
            },
        ))
    })
}

/// Events, without their bodies.
pub(super) fn events(db: &Connection, search: &Search) -> Result<Page<StoredEvent>, Fault> {
    let word = search.word.as_ref().map(|word| match word.strip_suffix(".*") {
        // What begins with `a.` lies before `a/`, the next byte.
        Some(prefix) => Word::Between("kind", format!("{prefix}."), format!("{prefix}/")),
        None => Word::Is("kind", word.to_string()),
    });
    page(db, search, &format!("{EVENT}, seq FROM events"), word, |row| Ok((row.get(8)?, listed(row)?)))
}

/// One event, whole.
pub(super) fn event(db: &Connection, id: &str) -> Result<Option<StoredEvent>, Fault> {
    let mut whole = db.prepare_cached(&format!("SELECT {EVENT}, body FROM events WHERE id = ?1"))?;
    Ok(whole.query_row([id], event_of).optional()?)
}

/// From a row of [`EVENT`] and the body.
pub(super) fn event_of(row: &Row<'_>) -> rusqlite::Result<StoredEvent> {
    Ok(StoredEvent { body: row.get::<_, Vec<u8>>(8)?.into(), ..listed(row)? })
}

fn listed(row: &Row<'_>) -> rusqlite::Result<StoredEvent> {
    Ok(StoredEvent {
        id: row.get(0)?,
        source: row.get(1)?,
        at: Timestamp::from_unix_ms(row.get(2)?),
        key: row.get(3)?,
        message_id: row.get(4)?,
        kind: row.get(5)?,
        head: row.get::<_, Vec<u8>>(6)?.into(),
        body: Bytes::new(),
        size: row.get::<_, i64>(7)? as u64,
    })
}

enum Word {
    Is(&'static str, String),
    Between(&'static str, String, String),
}

/// `read` gives a row's number and the row.
fn page<T>(
    db: &Connection,
    search: &Search,
    what: &str,
    word: Option<Word>,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<(i64, T)>,
) -> Result<Page<T>, Fault> {
    let Search { source, from, to, after, oldest_first, max, word: _ } = search;
    let after = after.as_ref().map(place).transpose()?;
    let (mut first, mut last) = within(db, *from, *to)?;
    match after {
        Some(place) if *oldest_first => first = first.max(place.saturating_add(1)),
        Some(place) => last = last.min(place.saturating_sub(1)),
        None => {}
    }
    let (order, max) =
        (if *oldest_first { "ASC" } else { "DESC" }, if *max == 0 { 100 } else { (*max).min(1000) });
    let mut asked = format!("SELECT {what} WHERE seq BETWEEN ? AND ?");
    let mut values = vec![Value::from(first), Value::from(last)];
    let mut and = |test: &str, value: Value| {
        asked.push_str(" AND ");
        asked.push_str(test);
        values.push(value);
    };
    if let Some(source) = source {
        and("source = ?", source.to_string().into());
    }
    match word {
        Some(Word::Is(column, word)) => and(&format!("{column} = ?"), word.into()),
        Some(Word::Between(column, from, to)) => {
            and(&format!("{column} >= ?"), from.into());
            and(&format!("{column} < ?"), to.into());
        }
        None => {}
    }
    if let Some(from) = from {
        and("at >= ?", from.unix_ms().into());
    }
    if let Some(to) = to {
        and("at < ?", to.unix_ms().into());
    }
    asked.push_str(&format!(" ORDER BY seq {order} LIMIT ?"));
    values.push(bounded(max).into());
    let mut asked = db.prepare_cached(&asked)?;
    let found: Vec<(i64, T)> =
        asked.query_map(params_from_iter(values), |row| read(row))?.collect::<Result<_, _>>()?;
    let next = found.last().map(|(seq, _)| *seq).or(after);
    let next = next.map(|seq| Cursor(seq.to_string().into()));
    Ok(Page { rows: found.into_iter().map(|(_, row)| row).collect(), next })
}

/// The numbers that rows between two moments can have.
fn within(db: &Connection, from: Option<Timestamp>, to: Option<Timestamp>) -> Result<(i64, i64), Fault> {
    let bound = |asked: &str, hour: i64| -> Result<Option<i64>, Fault> {
        Ok(db.prepare_cached(asked)?.query_row([hour], |row| row.get(0))?)
    };
    let first = match from {
        Some(from) => {
            bound("SELECT min(first) FROM spans WHERE hour >= ?1", from.unix_ms().div_euclid(HOUR))?
                .unwrap_or(i64::MAX)
        }
        None => 0,
    };
    let last = match to {
        Some(to) => {
            bound("SELECT max(last) FROM spans WHERE hour <= ?1", to.unix_ms().div_euclid(HOUR))?.unwrap_or(0)
        }
        None => i64::MAX,
    };
    Ok((first, last))
}

fn place(cursor: &Cursor) -> Result<i64, Fault> {
    let digits: &Arc<str> = &cursor.0;
    let number = Some(digits).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    number.and_then(|digits| digits.parse().ok()).ok_or_else(|| {
        Fault::invalid(format!("`{}` is no place of a listing; begin without one", digits.escape_debug()))
    })
}
