//! Listings: whole, in order, and found by what was asked for.

use super::Place;
use super::sample::{at, from, open, put_all, record, row};
use crate::{Cursor, Record, Search, Store, StoreError};
use std::sync::Arc;

pub(super) async fn pages_join_in_both_directions_while_rows_are_added(place: &dyn Place) {
    let store = open(place).await;
    let name = |number: i64| format!("evt_{number:03}");
    put_all(&*store, (0..50).map(|number| record(&name(number), number))).await;
    for oldest_first in [true, false] {
        let (mut after, mut seen, mut added) = (None, Vec::new(), if oldest_first { 50 } else { 60 });
        loop {
            let search = Search { oldest_first, after: after.clone(), max: 7, ..Search::default() };
            let page = store.events(search).await.expect("a page");
            if page.rows.is_empty() {
                break;
            }
            assert!(page.rows.len() <= 7);
            seen.extend(page.rows.iter().map(|event| event.id.to_string()));
            after = page.next;
            // Nine more come meanwhile.
            if added % 10 < 9 {
                put_all(&*store, [record(&name(added), added)]).await;
                added += 1;
            }
        }
        let wanted: Vec<String> = match oldest_first {
            // What comes is behind all that was there, and is met in the end.
            true => (0..59).map(name).collect(),
            // Here it is before all, where this listing has been already.
            false => (0..59).map(name).rev().collect(),
        };
        assert_eq!(seen, wanted, "oldest first: {oldest_first}");
    }
}

pub(super) async fn a_listing_is_followed_as_it_grows(place: &dyn Place) {
    let store = open(place).await;
    store.audit(vec![row("orders", "ok", 200, 0)]).await.expect("it is written");
    let newest = store.audits(Search { max: 1, ..Search::default() }).await.expect("a page");
    let mut after = newest.next;
    assert!(after.is_some(), "there is a place to go on from");
    for number in 1..20 {
        let ahead = Search { oldest_first: true, after: after.clone(), ..Search::default() };
        let nothing = store.audits(ahead.clone()).await.expect("a page");
        assert!(nothing.rows.is_empty() && nothing.next.is_some(), "nothing follows yet");
        // Time does not go forward for everyone; the order of a listing does.
        store.audit(vec![row("orders", "ok", 200, -number)]).await.expect("it is written");
        let one = store.audits(Search { after: nothing.next, ..ahead }).await.expect("a page");
        assert_eq!(one.rows.iter().map(|row| row.at).collect::<Vec<_>>(), [at(-number)]);
        after = one.next;
    }
}

pub(super) async fn what_is_looked_for_is_found_and_nothing_else(place: &dyn Place) {
    let store = open(place).await;
    let kinds = [
        Some("invoice.paid"),
        Some("invoice"),
        Some("invoices.paid"),
        Some("invoice.paid.late"),
        None,
        Some("invoice/x"),
    ];
    for (number, kind) in kinds.into_iter().enumerate() {
        for source in ["orders", "billing"] {
            let event = record(&format!("{source}_{number}"), number as i64);
            put_all(&*store, [from(source, Record { kind: kind.map(Arc::from), ..event })]).await;
        }
    }
    store
        .audit(vec![row("orders", "bad_signature", 401, 7), row("", "no_source", 404, 8)])
        .await
        .expect("written");
    let events = |source: Option<&str>, word: &str| {
        let search = Search {
            source: source.map(Arc::from),
            word: Some(word.into()),
            oldest_first: true,
            ..Search::default()
        };
        names(&*store, search)
    };
    assert_eq!(events(Some("orders"), "invoice.paid").await, ["orders_0"]);
    assert_eq!(
        events(Some("orders"), "invoice.*").await,
        ["orders_0", "orders_3"],
        "what begins with `invoice.`"
    );
    assert_eq!(events(Some("billing"), "nothing.*").await, [""; 0]);
    assert_eq!(events(None, "invoice").await, ["orders_1", "billing_1"]);
    for (source, outcome, found) in [
        (Some("orders"), None, 7),
        (Some(""), None, 1),
        (None, Some("bad_signature"), 1),
        (None, Some("ok"), 12),
        (Some("billing"), Some("bad_signature"), 0),
    ] {
        let search =
            Search { source: source.map(Arc::from), word: outcome.map(Arc::from), ..Search::default() };
        let rows = store.audits(search).await.expect("a page").rows;
        assert_eq!(rows.len(), found, "{source:?} {outcome:?}");
    }
}

pub(super) async fn times_are_looked_at_though_they_are_out_of_order(place: &dyn Place) {
    let store = open(place).await;
    // Days, hours and milliseconds, and none of them sorted.
    let times = [90_000, 3_600, -90_000, 7_199, 3_599, 1, -1, 3_601, 0, 90_000, -7_200, 0];
    for (number, seconds) in times.into_iter().enumerate() {
        put_all(&*store, [record(&format!("evt_{number:02}"), seconds)]).await;
    }
    let bounds = [
        None,
        Some(-90_000),
        Some(-1),
        Some(0),
        Some(1),
        Some(3_600),
        Some(7_199),
        Some(90_000),
        Some(90_001),
    ];
    for from in bounds {
        for to in bounds {
            let inside =
                |seconds: &i64| from.is_none_or(|from| *seconds >= from) && to.is_none_or(|to| *seconds < to);
            let wanted = times.iter().filter(|seconds| inside(seconds)).count();
            for oldest_first in [true, false] {
                let search = Search { from: from.map(at), to: to.map(at), oldest_first, ..Search::default() };
                let events = names(&*store, search.clone()).await;
                assert_eq!(events.len(), wanted, "events from {from:?} to {to:?}");
                let audits = store.audits(search).await.expect("a page").rows;
                assert_eq!(audits.len(), wanted, "audits from {from:?} to {to:?}");
            }
        }
    }
}

pub(super) async fn a_page_has_an_end_and_no_bodies(place: &dyn Place) {
    let store = open(place).await;
    let rows = (0..1_100).map(|number| row("orders", "ok", 200, number)).collect();
    store.audit(rows).await.expect("they are written");
    for (max, found) in [(0, 100), (1, 1), (1_000, 1_000), (1_001, 1_000), (usize::MAX, 1_000)] {
        let page = store.audits(Search { max, ..Search::default() }).await.expect("a page");
        assert_eq!(page.rows.len(), found, "at most {max}");
        let cursor = page.next.expect("a place to go on from").0;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        assert!(!cursor.is_empty() && cursor.bytes().all(plain), "`{cursor}` can stand in a URL");
    }
    put_all(&*store, [Record { body: vec![b'x'; 5_000].into(), ..record("evt_1", 0) }]).await;
    let event = store.events(Search::default()).await.expect("a page").rows.remove(0);
    assert_eq!((event.body.len(), event.size), (0, 5_000));
    let empty =
        store.events(Search { source: Some("none".into()), ..Search::default() }).await.expect("a page");
    assert!(empty.rows.is_empty());
}

pub(super) async fn what_is_no_place_of_a_listing_is_told(place: &dyn Place) {
    let store = open(place).await;
    for wrong in ["", "x y", "-", "99999999999999999999999", "1;DROP TABLE events"] {
        let search = Search { after: Some(Cursor(wrong.into())), ..Search::default() };
        let told = store.audits(search).await;
        assert!(matches!(told, Err(StoreError::Invalid(_))), "`{wrong}`: {told:?}");
    }
}

async fn names(store: &dyn Store, search: Search) -> Vec<String> {
    let page = store.events(search).await.expect("a page");
    page.rows.iter().map(|event| event.id.to_string()).collect()
}
