//! Accepting once, and all or nothing.

use super::Place;
use super::sample::{KEEP, all_at_once, at, claim, from, open, put_all, record, row};
use crate::{Record, Search, StoreError, Tally};
use bytes::Bytes;
use countersign::Claim::{Fresh, Seen};
use std::sync::Arc;

pub(super) async fn atk_112_of_64_that_claim_at_once_exactly_one_is_fresh(place: &dyn Place) {
    let stores = [open(place).await, open(place).await];
    let copies = (0..64).map(|copy| {
        let event = format!("evt_{copy:02}");
        let record = Record { claims: claim("orders", "the-one", 0), ..record(&event, 0) };
        stores[copy % 2].put(record)
    });
    let claims = all_at_once(copies).await;
    let fresh: Vec<usize> = (0..64).filter(|copy| claims[*copy] == Ok(Fresh)).collect();
    assert_eq!(fresh.len(), 1, "of 64 copies in two processes, these were told that they are the first");
    assert_eq!(claims.iter().filter(|claim| **claim == Ok(Seen)).count(), 63);
    let events = stores[0].events(Search::default()).await.expect("events").rows;
    let names: Vec<String> = events.iter().map(|event| event.id.to_string()).collect();
    assert_eq!(names, [format!("evt_{:02}", fresh[0])], "the one that was told so is the one that is stored");
    let audits = stores[1].audits(Search::default()).await.expect("audits").rows;
    let repeated = audits.iter().filter(|row| &*row.outcome == "replayed" && row.event.is_none());
    assert_eq!((audits.len(), repeated.count()), (64, 63), "every copy has its row");
}

pub(super) async fn atk_117_one_id_of_two_sources_is_two_events(place: &dyn Place) {
    let store = open(place).await;
    for source in ["orders", "billing"] {
        let one = Record { claims: claim(source, "msg_1", 0), ..from(source, record(source, 0)) };
        assert_eq!(store.put(one).await, Ok(Fresh), "{source} never had this message");
        let again = Record { claims: claim(source, "msg_1", 1), ..from(source, record("again", 1)) };
        assert_eq!(store.put(again).await, Ok(Seen), "{source} had it");
    }
}

pub(super) async fn atk_118_a_restart_forgets_no_claim(place: &dyn Place) {
    put_all(&*open(place).await, [record("evt_1", 0)]).await;
    let store = open(place).await;
    let again = Record { claims: claim("orders", "evt_1", 1), ..record("evt_2", 1) };
    assert_eq!(store.put(again).await, Ok(Seen), "it was accepted before the restart");
}

pub(super) async fn a_claim_is_known_until_its_end_and_the_later_end_counts(place: &dyn Place) {
    let store = open(place).await;
    let mut number = 0;
    // When it comes, and from when on it counts.
    for (now, kept_from, claim_is) in [
        (0, 0, Fresh),
        (KEEP, 0, Seen), // the end is inclusive, and the later one does not count before it is known
        (KEEP + 1, 100, Fresh), // nobody moved the end
        (KEEP + 2, 50, Seen), // an earlier end takes nothing back
        (KEEP + 100, 300, Seen),
        (KEEP + 300, 300, Seen),
        (KEEP + 301, 301, Fresh),
    ] {
        number += 1;
        let again =
            Record { claims: claim("orders", "msg", kept_from), ..record(&format!("evt_{number}"), now) };
        assert_eq!(store.put(again).await, Ok(claim_is), "number {number}, {now} s after the beginning");
    }
}

pub(super) async fn seen_if_any_is_known_and_then_all_are(place: &dyn Place) {
    let store = open(place).await;
    let many = |event: &str, ids: &[&str]| Record {
        claims: ids.iter().flat_map(|id| claim("orders", id, 0)).collect(),
        ..record(event, 0)
    };
    for (event, ids, claim_is) in [
        ("evt_1", &["a", "b"][..], Fresh),
        ("evt_2", &["c", "b"], Seen),
        ("evt_3", &["d", "c"], Seen),
        ("evt_4", &["d"], Seen),
        ("evt_5", &["e"], Fresh),
    ] {
        assert_eq!(store.put(many(event, ids)).await, Ok(claim_is), "{event} claims {ids:?}");
    }
}

pub(super) async fn what_claims_nothing_is_fresh_and_twice_in_one_claim_is_once(place: &dyn Place) {
    let store = open(place).await;
    for event in ["evt_1", "evt_2"] {
        let nothing = Record { claims: Vec::new(), ..record(event, 0) };
        assert_eq!(store.put(nothing).await, Ok(Fresh), "{event} has nothing by which it could be known");
    }
    let twice = [claim("orders", "msg", 0), claim("orders", "msg", 60)].concat();
    assert_eq!(store.put(Record { claims: twice, ..record("evt_3", 0) }).await, Ok(Fresh));
    let again = Record { claims: claim("orders", "msg", 0), ..record("evt_4", KEEP + 60) };
    assert_eq!(store.put(again).await, Ok(Seen), "of its two ends the later one counts");
}

pub(super) async fn a_clock_that_steps_back_forgets_nothing(place: &dyn Place) {
    let store = open(place).await;
    put_all(&*store, [record("evt_1", 0), record("evt_2", 1000)]).await;
    let again = Record { claims: claim("orders", "evt_1", 0), ..record("evt_3", 10) };
    assert_eq!(store.put(again).await, Ok(Seen), "that another came later ended nothing");
}

pub(super) async fn an_id_is_not_burnt_if_storing_failed(place: &dyn Place) {
    let store = open(place).await;
    put_all(&*store, [record("evt_1", 0)]).await;
    let taken = Record { claims: claim("orders", "msg_2", 0), ..record("evt_1", 0) };
    let told = store.put(taken).await;
    assert!(matches!(told, Err(StoreError::Invalid(_))), "the name of an event is taken: {told:?}");
    let rows = store.audits(Search::default()).await.expect("audits").rows;
    assert_eq!(rows.len(), 1, "of what failed, nothing is there");
    let again = Record { claims: claim("orders", "msg_2", 1), ..record("evt_2", 1) };
    assert_eq!(store.put(again).await, Ok(Fresh), "it was never accepted");
}

pub(super) async fn one_that_fails_takes_no_other_down(place: &dyn Place) {
    let store = open(place).await;
    put_all(&*store, [record("taken", 0)]).await;
    let fails = |number: usize| number % 7 == 3;
    let puts = (0..40).map(|number| {
        let event = format!("evt_{number:02}");
        let own = record(&event, number as i64);
        store.put(if fails(number) { Record { event: "taken".into(), ..own } } else { own })
    });
    for (number, claim) in all_at_once(puts).await.into_iter().enumerate() {
        match claim {
            Ok(claim) => assert!(claim == Fresh && !fails(number), "number {number}: {claim:?}"),
            Err(error) => assert!(fails(number), "number {number}: {error}"),
        }
    }
    let events = store.events(Search::default()).await.expect("events").rows;
    assert_eq!(events.len(), 1 + (0..40).filter(|number| !fails(*number)).count());
    let rows = store.audits(Search::default()).await.expect("audits").rows;
    assert_eq!(rows.len(), events.len(), "of what failed, nothing is there");
    for number in (0..40).filter(|number| fails(*number)) {
        let (id, event) = (format!("evt_{number:02}"), format!("again_{number:02}"));
        let again = Record { claims: claim("orders", &id, 50), ..record(&event, 50) };
        assert_eq!(store.put(again).await, Ok(Fresh), "{id} was not accepted, whatever was beside it");
    }
}

pub(super) async fn bodies_and_heads_come_back_byte_for_byte(place: &dyn Place) {
    let all: Vec<u8> = (0..=255).collect();
    let bodies: [Bytes; 7] = [
        Bytes::new(),
        Bytes::from_static(b"{\"b\":1,\"a\":2, \"a\":1.0e+00 ,\"\\u0041\":\"A\"}\r\n"),
        Bytes::from_static(b"\0\0"),
        Bytes::from_static(b"\xff\xfe\xed\xa0\x80 is no UTF-8"),
        Bytes::from(all.repeat(11)),
        Bytes::from(all.repeat(4096)),
        "\u{feff}größer".into(),
    ];
    let name = |number: usize| format!("evt_{number}");
    let store = open(place).await;
    for (number, body) in bodies.iter().enumerate() {
        let record = Record { head: body.clone(), body: body.clone(), ..record(&name(number), 0) };
        put_all(&*store, [record]).await;
    }
    let stores = [store, open(place).await];
    for (number, body) in bodies.iter().enumerate() {
        for store in &stores {
            let event = store.event(name(number).into()).await.expect("an event").expect("it is there");
            assert!(event.body == body && event.head == body, "number {number} came back otherwise");
            assert_eq!(event.size, body.len() as u64);
        }
    }
    assert_eq!(stores[0].event("evt_none".into()).await, Ok(None));
}

pub(super) async fn what_was_accepted_before_leaves_its_row_and_nothing_else(place: &dyn Place) {
    let store = open(place).await;
    let endpoints: Vec<Arc<str>> = vec!["books".into()];
    put_all(&*store, [Record { endpoints: endpoints.clone(), ..record("evt_1", 0) }]).await;
    let again = Record { claims: claim("orders", "evt_1", 5), endpoints, ..record("evt_2", 5) };
    assert_eq!(store.put(again).await, Ok(Seen));
    assert_eq!(store.event("evt_2".into()).await, Ok(None));
    assert_eq!(store.queued().await.expect("a queue").waiting, 1);
    let rows = store.audits(Search::default()).await.expect("audits").rows;
    let told: Vec<_> =
        rows.iter().map(|row| (&*row.outcome, row.status, row.event.as_deref(), row.at)).collect();
    assert_eq!(told, [("replayed", 208, None, at(5)), ("ok", 200, Some("evt_1"), at(0))]);
    assert!(rows.iter().all(|row| row.repeated.is_none()), "what it would have been is not kept");
}

pub(super) async fn what_was_answered_is_there_after_a_restart(place: &dyn Place) {
    let endpoints: Vec<Arc<str>> = vec!["books".into()];
    let junk = row("orders", "bad_signature", 401, 2);
    let hour = Tally {
        source: "orders".into(),
        hour: at(0),
        outcome: "ok".into(),
        count: 3,
        last_at: at(9),
        micros: Default::default(),
    };
    let before = {
        let store = open(place).await;
        let (kind, refused) = (Some("invoice.paid".into()), Some("bad_signature".into()));
        let record = Record { endpoints, kind, refused, ..record("evt_1", 0) };
        put_all(&*store, [record]).await;
        store.audit(vec![junk.clone()]).await.expect("a row is written");
        store.tally(vec![hour.clone()]).await.expect("an hour is written");
        store.event("evt_1".into()).await.expect("an event").expect("it is there")
    };
    assert_eq!((&*before.key, before.kind.as_deref(), before.at), ("main", Some("invoice.paid"), at(0)));
    assert_eq!((&*before.source, before.message_id.as_deref()), ("orders", Some("evt_1")));
    assert_eq!(before.refused.as_deref(), Some("bad_signature"));
    let store = open(place).await;
    assert_eq!(store.event("evt_1".into()).await, Ok(Some(before)));
    assert_eq!(store.audits(Search::default()).await.expect("audits").rows[0], junk);
    assert_eq!(store.hours(None, at(0), at(1)).await, Ok(vec![hour]));
    assert_eq!(store.deliveries("evt_1".into()).await.expect("deliveries").len(), 1);
}
