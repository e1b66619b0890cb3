//! Listings: by number, which is the order in which rows were committed.
//!
//! Not by time. A request that came first may be written last, and whoever follows a listing would miss it. A search by time is
//! turned into one by number with the help of `spans`; the time of each row is compared all the same.

use super::deliveries::{DELIVERY, OF_EVENT, bounded, delivery};
use super::fault::Fault;
use super::group::HOUR;
use crate::{AuditRow, Cursor, Delivery, DeliverySearch, DeliveryState, Page, Search, StoredEvent};
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
    let word = search.word.as_deref().map(|word| Word::of_kind("kind", word));
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

/// Deliveries.
///
/// Of those that are dead, held or cancelled there are few beside those that are done, and an index by endpoint has only them. A search
/// in any of these states is one for each endpoint that has some, put together again, each of them in the order of the listing.
/// What is queued has an index too, but by time, so that it has to be sorted: that is worth it while the queue is short.
/// Everything else is read from one end, past what is not looked for, until the page is full: that too is how events are searched by their type.
pub(super) fn deliveries(db: &Connection, search: &DeliverySearch) -> Result<Page<Delivery>, Fault> {
    let DeliverySearch { state, endpoint, kind, from, to, after, oldest_first, max } = search.clone();
    let listing = Search { source: None, word: kind, from, to, after, oldest_first, max };
    let (mut first, mut last) = range(db, &listing)?;
    let index = match state {
        Some(DeliveryState::Dead) => "deliveries_dead",
        Some(DeliveryState::Held) => "deliveries_held",
        Some(DeliveryState::Cancelled) => "deliveries_cancelled",
        Some(DeliveryState::Waiting | DeliveryState::Leased) if is_short(db, endpoint.as_deref())? => QUEUE,
        _ => "",
    };
    let endpoints = match (state, endpoint) {
        (Some(state), None) if !matches!(index, "" | QUEUE) => {
            let [first, next] = endpoints_in(index, state);
            distinct(db, &first, &next, &[])?.into_iter().map(Some).collect()
        }
        (_, endpoint) => vec![endpoint],
    };
    let mut found = Vec::new();
    for endpoint in endpoints {
        let of = Part { state, endpoint, index, numbers: (first, last) };
        let read = |row: &Row<'_>| Ok((row.get(0)?, delivery(row)?));
        found.extend(of.asked(&listing).rows(db, "d.seq", &listing, read)?);
        in_order(&listing, &mut found);
        // Of the next endpoint, only what comes before the last of a full page is of any use.
        if let Some((seq, _)) = found.get(most(&listing) - 1) {
            *(if oldest_first { &mut last } else { &mut first }) = *seq;
        }
    }
    page(&listing, found)
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

impl Word {
    /// A type, or all that begin so.
    fn of_kind(column: &'static str, word: &str) -> Self {
        match word.strip_suffix(".*") {
            // What begins with `a.` lies before `a/`, the next byte.
            Some(prefix) => Word::Between(column, format!("{prefix}."), format!("{prefix}/")),
            None => Word::Is(column, word.to_string()),
        }
    }
}

/// What was found, in the order and number that were asked for.
fn page<T>(search: &Search, mut found: Vec<(i64, T)>) -> Result<Page<T>, Fault> {
    in_order(search, &mut found);
    let last = found.last().map(|(seq, _)| Cursor(seq.to_string().into()));
    let next = last.or_else(|| search.after.clone());
    Ok(Page { rows: found.into_iter().map(|(_, row)| row).collect(), next })
}

fn in_order<T>(search: &Search, found: &mut Vec<(i64, T)>) {
    found.sort_by_key(|(seq, _)| if search.oldest_first { *seq } else { -seq });
    found.truncate(most(search));
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
    let mut asked = Asked::between(&format!("{what} WHERE seq"), range(db, search)?);
    if let Some(source) = &search.source {
        asked.and("source = ?", source.to_string());
    }
    asked.word(word);
    asked.times("at", search);
    asked.rows(db, "seq", search, read)
}

/// The numbers that what is looked for can have.
fn range(db: &Connection, search: &Search) -> Result<(i64, i64), Fault> {
    let after = search.after.as_ref().map(place).transpose()?;
    let (first, last) = within(db, search.from, search.to)?;
    Ok(match after {
        Some(place) if search.oldest_first => (first.max(place.saturating_add(1)), last),
        Some(place) => (first, last.min(place.saturating_sub(1))),
        None => (first, last),
    })
}

/// A search as it is put together.
struct Asked {
    sql: String,
    values: Vec<Value>,
}

impl Asked {
    /// Rows whose number, which `what` ends with, lies between two.
    fn between(what: &str, (first, last): (i64, i64)) -> Self {
        Self { sql: format!("SELECT {what} BETWEEN ? AND ?"), values: vec![first.into(), last.into()] }
    }

    fn and(&mut self, test: &str, value: impl Into<Value>) {
        self.sql.push_str(" AND ");
        self.sql.push_str(test);
        self.values.push(value.into());
    }

    fn word(&mut self, word: Option<Word>) {
        match word {
            Some(Word::Is(column, word)) => self.and(&format!("{column} = ?"), word),
            Some(Word::Between(column, from, to)) => {
                self.and(&format!("{column} >= ?"), from);
                self.and(&format!("{column} < ?"), to);
            }
            None => {}
        }
    }

    fn times(&mut self, column: &str, search: &Search) {
        if let Some(from) = search.from {
            self.and(&format!("{column} >= ?"), from.unix_ms());
        }
        if let Some(to) = search.to {
            self.and(&format!("{column} < ?"), to.unix_ms());
        }
    }

    /// What is found, by the number `seq`, as much as makes a page.
    fn rows<T>(
        mut self,
        db: &Connection,
        seq: &str,
        search: &Search,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<(i64, T)>,
    ) -> Result<Vec<(i64, T)>, Fault> {
        let order = if search.oldest_first { "ASC" } else { "DESC" };
        self.sql.push_str(&format!(" ORDER BY {seq} {order} LIMIT ?"));
        self.values.push(bounded(most(search)).into());
        let mut asked = db.prepare_cached(&self.sql)?;
        let found = asked.query_map(params_from_iter(self.values), |row| read(row))?;
        Ok(found.collect::<Result<_, _>>()?)
    }
}

/// The first endpoint in an index of one state, and the first behind another.
fn endpoints_in(index: &str, state: DeliveryState) -> [String; 2] {
    let first =
        format!("SELECT min(endpoint) FROM deliveries INDEXED BY {index} WHERE state = {}", state as i64);
    let next = format!("{first} AND endpoint > ?1");
    [first, next]
}

const QUEUE: &str = "deliveries_queue";

/// A queue that is no longer than this is sorted.
const SHORT: i64 = 5_000;

/// Whether what is queued, to this endpoint or to all, is little.
fn is_short(db: &Connection, endpoint: Option<&str>) -> Result<bool, Fault> {
    let of = if endpoint.is_some() { "AND endpoint = ?" } else { "" };
    let mut count = db.prepare_cached(&format!(
        "SELECT count(*) FROM (SELECT 1 FROM deliveries INDEXED BY {QUEUE} WHERE state < 2 {of} LIMIT {})",
        SHORT + 1
    ))?;
    Ok(count.query_row(params_from_iter(endpoint), |row| row.get::<_, i64>(0))? <= SHORT)
}

/// A part of a search: of one endpoint, or of all.
struct Part<'a> {
    state: Option<DeliveryState>,
    endpoint: Option<Arc<str>>,
    /// By which it is found, if not by number alone.
    index: &'a str,
    numbers: (i64, i64),
}

impl Part<'_> {
    fn asked(&self, listing: &Search) -> Asked {
        let Part { state, endpoint, index, numbers } = self;
        let by = match *index {
            "" => format!("{DELIVERY} {OF_EVENT} WHERE d.seq"),
            QUEUE => format!("{DELIVERY} INDEXED BY {QUEUE} {OF_EVENT} WHERE d.state < 2 AND d.seq"),
            index => format!("{DELIVERY} INDEXED BY {index} {OF_EVENT} WHERE d.seq"),
        };
        let mut asked = Asked::between(&by, *numbers);
        if let Some(state) = state {
            // A number in the text and no value, or the engine would not know that an index has all of them.
            asked.sql.push_str(&format!(" AND d.state = {}", *state as i64));
        }
        if let Some(endpoint) = endpoint {
            asked.and("d.endpoint = ?", endpoint.to_string());
        }
        asked.word(listing.word.as_deref().map(|kind| Word::of_kind("e.kind", kind)));
        asked.times("e.at", listing);
        asked
    }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::open::{self, Manner};
    use super::*;
    use std::time::Duration;

    /// How the engine would go about it.
    fn plan(db: &Connection, asked: &str, values: &[Value]) -> String {
        let mut plan = db.prepare(&format!("EXPLAIN QUERY PLAN {asked}")).unwrap();
        let steps = plan.query_map(params_from_iter(values), |row| row.get::<_, String>(3)).unwrap();
        steps.collect::<Result<Vec<_>, _>>().unwrap().join("; ")
    }

    #[test]
    fn what_is_dead_held_or_cancelled_is_read_in_the_order_of_the_listing_and_past_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let manner = Manner { patience: Duration::from_secs(10), unsynced: true };
        open::prepare(&path, manner).unwrap();
        let db = open::writer(&path, manner).unwrap();
        for (state, index) in [
            (DeliveryState::Dead, "deliveries_dead"),
            (DeliveryState::Held, "deliveries_held"),
            (DeliveryState::Cancelled, "deliveries_cancelled"),
        ] {
            for oldest_first in [true, false] {
                let listing = Search { oldest_first, ..Search::default() };
                let endpoint = Some("books".into());
                let part = Part { state: Some(state), endpoint, index, numbers: (1, 9) };
                let Asked { sql, values } = part.asked(&listing);
                let order = if oldest_first { "ASC" } else { "DESC" };
                let plan = plan(&db, &format!("{sql} ORDER BY d.seq {order} LIMIT 9"), &values);
                assert_eq!(
                    plan,
                    format!(
                        "SEARCH d USING INDEX {index} (endpoint=? AND rowid>? AND rowid<?); \
                         SEARCH e USING INTEGER PRIMARY KEY (rowid=?)"
                    )
                );
            }
            let [_, next] = endpoints_in(index, state);
            let plan = plan(&db, &next, &["books".to_owned().into()]);
            assert_eq!(plan, format!("SEARCH deliveries USING COVERING INDEX {index} (endpoint>?)"));
        }
        let everything = Part { state: None, endpoint: None, index: "", numbers: (1, 9) };
        let Asked { sql, values } = everything.asked(&Search::default());
        let plan = plan(&db, &format!("{sql} ORDER BY d.seq DESC LIMIT 9"), &values);
        assert!(plan.starts_with("SEARCH d USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"), "{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
    }
}
