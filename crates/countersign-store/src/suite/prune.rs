//! Forgetting what is old, and nothing else.

use super::Place;
use super::sample::{KEEP, any, at, claim, open, put_all, record, row};
use crate::{Attempt, Keep, Next, Queued, Record, Search, Settled, Store, Tally};
use countersign::Claim::{Fresh, Seen};
use countersign::Timestamp;
use std::sync::Arc;

const DAY: i64 = 86_400;

pub(super) async fn what_is_old_goes_and_what_is_not_delivered_stays(place: &dyn Place) {
    let store = open(place).await;
    let queued = |event: &str| Record { endpoints: vec![event.into()], ..record(event, 0) };
    put_all(&*store, ["waiting", "leased", "done", "dead"].map(queued)).await;
    put_all(&*store, [record("old", 0), record("new", DAY)]).await;
    store
        .audit(vec![row("orders", "stale", 400, 0), row("orders", "stale", 400, DAY)])
        .await
        .expect("written");
    for one in store.lease(any("me", 9, 0, 9)).await.expect("a lease") {
        let next = match &*one.endpoint {
            "waiting" => Next::Retry(at(10 * DAY)),
            "done" => Next::Done,
            "dead" => Next::GiveUp,
            _ => continue,
        };
        let attempt = Attempt { at: at(1), status: None, error: None, next };
        assert_eq!(store.settle(one.fence, attempt).await, Ok(Settled::Written));
    }
    for hour in [0, 1, 24] {
        let hour = at(hour * 3600 - 400);
        let micros = Default::default();
        let tally =
            Tally { source: "orders".into(), hour, outcome: "ok".into(), count: 1, last_at: hour, micros };
        store.tally(vec![tally]).await.expect("written");
    }
    prune(&*store, Keep { before: at(DAY), bytes: None, now: at(0) }).await;
    assert_eq!(events(&*store).await, ["waiting", "leased", "new"]);
    let audits = store.audits(Search::default()).await.expect("audits").rows;
    assert!(audits.len() == 2 && audits.iter().all(|row| row.at == at(DAY)), "{audits:?}");
    assert_eq!(store.deliveries("done".into()).await, Ok(Vec::new()));
    let left = Queued { waiting: 1, leased: 1, oldest: Some(at(0)), ..Queued::default() };
    assert_eq!(store.queued().await, Ok(left));
    let hours = store.hours(None, at(-DAY), at(2 * DAY)).await.expect("hours");
    assert_eq!(hours.iter().map(|hour| hour.hour).collect::<Vec<_>>(), [at(DAY - 400)]);
    // What waited can still be delivered, and then it goes.
    let late = store.lease(any("me", 9, 10 * DAY, 11 * DAY)).await.expect("a lease");
    assert_eq!(late.len(), 2);
    for one in late {
        let attempt = Attempt { at: at(10 * DAY), status: Some(200), error: None, next: Next::Done };
        assert_eq!(store.settle(one.fence, attempt).await, Ok(Settled::Written));
    }
    prune(&*store, Keep { before: at(DAY), bytes: None, now: at(0) }).await;
    assert_eq!(events(&*store).await, ["new"]);
}

pub(super) async fn the_newest_are_kept_by_size(place: &dyn Place) {
    let store = open(place).await;
    let sized = |number: i64| Record {
        head: vec![b'h'; 100].into(),
        body: vec![b'b'; 900].into(),
        endpoints: if number == 2 { vec!["books".into()] } else { Vec::new() },
        ..record(&format!("evt_{number}"), number)
    };
    put_all(&*store, (0..8).map(sized)).await;
    let at_most = |bytes| Keep { before: at(-DAY), bytes: Some(bytes), now: at(0) };
    prune(&*store, at_most(8_000)).await;
    assert_eq!(events(&*store).await.len(), 8, "there is room for all");
    prune(&*store, at_most(5_500)).await;
    assert_eq!(
        events(&*store).await,
        ["evt_2", "evt_4", "evt_5", "evt_6", "evt_7"],
        "the third is not delivered"
    );
    prune(&*store, at_most(0)).await;
    assert_eq!(events(&*store).await, ["evt_2"]);
    put_all(&*store, [sized(9)]).await;
    prune(&*store, at_most(2_000)).await;
    assert_eq!(events(&*store).await, ["evt_2", "evt_9"], "what is gone is not counted");
}

pub(super) async fn claims_that_ended_go_and_others_stay(place: &dyn Place) {
    let store = open(place).await;
    put_all(&*store, [record("evt_1", 0), record("evt_2", 100)]).await;
    let gone = prune(&*store, Keep { before: at(-DAY), bytes: None, now: at(DAY + KEEP + 1) }).await;
    assert_eq!(gone, 1, "one claim ended, and nothing else is old");
    let again = |event: &str, id: &str| Record { claims: claim("orders", id, 0), ..record(event, 0) };
    assert_eq!(store.put(again("evt_3", "evt_2")).await, Ok(Seen));
    // It would be known, had it not been forgotten: the clock was wrong then.
    assert_eq!(store.put(again("evt_4", "evt_1")).await, Ok(Fresh));
}

pub(super) async fn a_clock_that_leaps_ahead_and_back_has_no_claim_forgotten(place: &dyn Place) {
    let store = open(place).await;
    put_all(&*store, [record("evt_1", 0)]).await;
    for ahead in [KEEP + 1, KEEP + 600, KEEP + DAY - 1] {
        prune(&*store, Keep { before: at(-DAY), bytes: None, now: at(ahead) }).await;
    }
    let again = Record { claims: claim("orders", "evt_1", 1), ..record("evt_2", 1) };
    assert_eq!(store.put(again).await, Ok(Seen), "the clock was put right, and it can be sent again");
}

pub(super) async fn steps_are_no_larger_than_asked_for_and_there_is_an_end(place: &dyn Place) {
    let store = open(place).await;
    put_all(&*store, (0..30).map(|number| record(&format!("evt_{number}"), 0))).await;
    let keep = Keep { before: at(DAY), bytes: Some(0), now: at(3 * DAY) };
    assert_eq!(store.prune(keep, 0).await, Ok(0));
    let (mut steps, mut gone) = (0, 0);
    loop {
        let step = store.prune(keep, 7).await.expect("a step");
        assert!(step <= 7, "{step} went");
        if step == 0 {
            break;
        }
        (steps, gone) = (steps + 1, gone + step);
    }
    assert_eq!((gone, steps >= 13), (90, true), "each has a claim, an event and a row");
}

pub(super) async fn a_listing_is_followed_though_everything_was_forgotten(place: &dyn Place) {
    let store = open(place).await;
    put_all(&*store, (0..5).map(|number| record(&format!("evt_{number}"), 0))).await;
    let after = store.events(Search { max: 1, ..Search::default() }).await.expect("a page").next;
    prune(&*store, Keep { before: at(DAY), bytes: None, now: at(DAY) }).await;
    assert_eq!(events(&*store).await, [""; 0]);
    put_all(&*store, [record("evt_9", DAY)]).await;
    let search = Search { after, oldest_first: true, ..Search::default() };
    let page = store.events(search).await.expect("a page");
    assert_eq!(page.rows.iter().map(|event| &*event.id).collect::<Vec<_>>(), ["evt_9"]);
    let from = Search { from: Some(Timestamp::from_unix_ms(at(DAY).unix_ms())), ..Search::default() };
    assert_eq!(store.events(from).await.expect("a page").rows.len(), 1);
}

async fn prune(store: &dyn Store, keep: Keep) -> usize {
    let mut gone = 0;
    loop {
        match store.prune(keep, 1_000).await.expect("a step") {
            0 => return gone,
            step => gone += step,
        }
    }
}

async fn events(store: &dyn Store) -> Vec<String> {
    let search = Search { oldest_first: true, ..Search::default() };
    let events = store.events(search).await.expect("a page").rows;
    events.iter().map(|event| Arc::clone(&event.id).to_string()).collect()
}
