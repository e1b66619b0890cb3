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
pub(super) const EVENT: &str = "id, source, at, key, message_id, kind, head, length(body), refused";

/// Rows of the audit.
///
/// There is one index, by source and then outcome. A search by one of them alone is as many searches by both as there are values
/// of the other, which are few, put together again: an index for each would be one more tree that every request is entered into.
pub(super) fn audits(db: &Connection, search: &Search) -> Result<Page<AuditRow>, Fault> {
    search.after.as_ref().map(place).transpose()?;
    let of = |source: &Arc<str>, outcome: &Arc<str>| Search {
        source: Some(source.clone()),
        word: Some(outcome.clone()),
        ..search.clone()
    };
    let searches = match (&search.source, &search.word) {
        (Some(source), None) => {
            let next = "SELECT min(outcome) FROM audits WHERE source = ?1 AND outcome > ?2";
            let first = "SELECT min(outcome) FROM audits WHERE source = ?1";
            let outcomes = distinct(db, first, next, &[&**source])?;
            outcomes.iter().map(|outcome| of(source, outcome)).collect()
        }
        (None, Some(outcome)) => {
            let next = "SELECT min(source) FROM audits WHERE source > ?1";
            let sources = distinct(db, "SELECT min(source) FROM audits", next, &[])?;
            sources.iter().map(|source| of(source, outcome)).collect()
        }
        _ => vec![search.clone()],
    };
    let mut found = Vec::new();
    for search in &searches {
        let word = search.word.as_ref().map(|word| Word::Is("outcome", word.to_string()));
        found.extend(rows(
            db,
            search,
            "at, source, outcome, status, event, columns, seq FROM audits",
            word,
            audit_of,
        )?);
    }
    page(search, found)
}

/// Events, without their bodies.
pub(super) fn events(db: &Connection, search: &Search) -> Result<Page<StoredEvent>, Fault> {
    let word = search.word.as_ref().map(|word| match word.strip_suffix(".*") {
        // What begins with `a.` lies before `a/`, the next byte.
        Some(prefix) => Word::Between("kind", format!("{prefix}."), format!("{prefix}/")),
        None => Word::Is("kind", word.to_string()),
    });
    page(
        search,
        rows(db, search, &format!("{EVENT}, seq FROM events"), word, |row| Ok((row.get(9)?, listed(row)?)))?,
    )
}

/// One event, whole.
pub(super) fn event(db: &Connection, id: &str) -> Result<Option<StoredEvent>, Fault> {
    let mut whole = db.prepare_cached(&format!("SELECT {EVENT}, body FROM events WHERE id = ?1"))?;
    Ok(whole.query_row([id], event_of).optional()?)
}

/// From a row of [`EVENT`] and the body.
pub(super) fn event_of(row: &Row<'_>) -> rusqlite::Result<StoredEvent> {
    Ok(StoredEvent { body: row.get::<_, Vec<u8>>(9)?.into(), ..listed(row)? })
}

fn listed(row: &Row<'_>) -> rusqlite::Result<StoredEvent> {
    Ok(StoredEvent {
        id: row.get(0)?,
        source: row.get(1)?,
        at: Timestamp::from_unix_ms(row.get(2)?),
        key: row.get(3)?,
        message_id: row.get(4)?,
        refused: row.get(8)?,
        kind: row.get(5)?,
        head: row.get::<_, Vec<u8>>(6)?.into(),
        body: Bytes::new(),
        size: row.get::<_, i64>(7)? as u64,
    })
}

fn audit_of(row: &Row<'_>) -> rusqlite::Result<(i64, AuditRow)> {
    let audit = AuditRow {
        at: Timestamp::from_unix_ms(row.get(0)?),
        source: row.get(1)?,
        outcome: row.get(2)?,
        status: row.get(3)?,
        event: row.get(4)?,
        columns: row.get::<_, Vec<u8>>(5)?.into(),
        repeated: None,
    };
    Ok((row.get(6)?, audit))
}

/// The values of a column, each found by looking behind the one before.
fn distinct(db: &Connection, first: &str, next: &str, of: &[&str]) -> Result<Vec<Arc<str>>, Fault> {
    let mut found: Vec<Arc<str>> = Vec::new();
    loop {
        let (asked, last) = match found.last() {
            None => (first, None),
            Some(last) => (next, Some(&**last)),
        };
        let values = params_from_iter(of.iter().copied().chain(last));
        match db.prepare_cached(asked)?.query_row(values, |row| row.get(0))? {
            Some(value) => found.push(value),
            None => return Ok(found),
        }
    }
}

enum Word {
    Is(&'static str, String),
    Between(&'static str, String, String),
}

/// What was found, in the order and number that were asked for.
fn page<T>(search: &Search, mut found: Vec<(i64, T)>) -> Result<Page<T>, Fault> {
    found.sort_by_key(|(seq, _)| if search.oldest_first { *seq } else { -seq });
    found.truncate(most(search));
    let last = found.last().map(|(seq, _)| Cursor(seq.to_string().into()));
    let next = last.or_else(|| search.after.clone());
    Ok(Page { rows: found.into_iter().map(|(_, row)| row).collect(), next })
}

fn most(search: &Search) -> usize {
    if search.max == 0 { 100 } else { search.max.min(1000) }
}

/// `read` gives a row's number and the row.
fn rows<T>(
    db: &Connection,
    search: &Search,
    what: &str,
    word: Option<Word>,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<(i64, T)>,
) -> Result<Vec<(i64, T)>, Fault> {
    let Search { source, from, to, after, oldest_first, max: _, word: _ } = search;
    let after = after.as_ref().map(place).transpose()?;
    let (mut first, mut last) = within(db, *from, *to)?;
    match after {
        Some(place) if *oldest_first => first = first.max(place.saturating_add(1)),
        Some(place) => last = last.min(place.saturating_sub(1)),
        None => {}
    }
    let order = if *oldest_first { "ASC" } else { "DESC" };
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
    values.push(bounded(most(search)).into());
    let mut asked = db.prepare_cached(&asked)?;
    let found = asked.query_map(params_from_iter(values), |row| read(row))?;
    Ok(found.collect::<Result<_, _>>()?)
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
