//! Deliveries to several endpoints: taken in turn, made again, given up, and found.

use super::Place;
use super::sample::{
    KEEP, all_at_once, any, at, endpoint, leased, of_event, open, publication, put_all, record, settle,
};
use crate::{
    Cursor, Delivery, DeliverySearch, DeliveryState, Fence, Keep, Lease, Next, Published, Queued, Record,
    Redriven, Settled, Store, StoreError,
};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

pub(super) async fn one_with_a_long_queue_holds_up_no_other(place: &dyn Place) {
    let store = open(place).await;
    // The long queue is older than all the others.
    publish(&*store, "long", 40, 0).await;
    publish(&*store, "short", 2, 100).await;
    publish(&*store, "later", 9, 200).await;
    let first = leased(&*store, any("me", 3, 1_000, 2_000)).await;
    assert_eq!(first.iter().map(|one| &*one.endpoint).collect::<Vec<_>>(), ["long", "short", "later"]);
    let next = leased(&*store, any("me", 6, 1_000, 2_000)).await;
    let of = |name: &str| next.iter().filter(|one| &*one.endpoint == name).count();
    assert_eq!((of("long"), of("short"), of("later")), (3, 1, 2), "the short one has no more");
    let oldest: Vec<_> = next.iter().filter(|one| &*one.endpoint == "long").map(|one| one.event.at).collect();
    assert_eq!(oldest, [at(1), at(2), at(3)], "of each the longest due first");
}

pub(super) async fn no_endpoint_gives_more_than_there_is_room_for(place: &dyn Place) {
    let store = open(place).await;
    for name in ["a", "b", "c"] {
        publish(&*store, name, 9, 0).await;
    }
    let rooms = vec![("b".into(), 5), ("c".into(), 0), ("none".into(), 7)];
    let taken = leased(&*store, Lease { each: 2, rooms, ..any("me", 99, 50, 60) }).await;
    let of = |name: &str| taken.iter().filter(|one| &*one.endpoint == name).count();
    assert_eq!((of("a"), of("b"), of("c"), taken.len()), (2, 5, 0, 7));
    let rooms = vec![("b".into(), 0), ("c".into(), 2)];
    let taken = leased(&*store, Lease { each: 0, rooms, ..any("me", 99, 50, 60) }).await;
    assert_eq!(taken.iter().map(|one| &*one.endpoint).collect::<Vec<_>>(), ["c", "c"]);
    let taken = leased(&*store, Lease { each: 4, ..any("me", 5, 50, 60) }).await;
    assert_eq!(taken.len(), 5, "nor more in all");
}

pub(super) async fn of_many_that_lease_at_once_none_gets_more_of_an_endpoint_than_it_asked_for(
    place: &dyn Place,
) {
    let stores = [open(place).await, open(place).await];
    for name in ["a", "b", "c", "d"] {
        publish(&*stores[0], name, 12, 0).await;
    }
    let leases = (0..24).map(|worker: usize| {
        let rooms = vec![("a".into(), 1), ("d".into(), 0)];
        let lease = Lease { each: 2, rooms, ..any(&format!("worker {worker}"), 4, 100, 200) };
        stores[worker % 2].lease(lease)
    });
    let (mut all, mut taken) = (HashSet::new(), HashMap::<String, usize>::new());
    for lease in all_at_once(leases).await {
        let lease = lease.expect("a lease");
        let of = |name: &str| lease.iter().filter(|one| &*one.endpoint == name).count();
        let (a, b, c, d) = (of("a"), of("b"), of("c"), of("d"));
        assert!(a <= 1 && b <= 2 && c <= 2 && d == 0 && lease.len() <= 4, "{a} {b} {c} {d}");
        for one in lease {
            assert!(all.insert(one.fence.delivery.clone()), "{:?} went to two", one.fence);
            *taken.entry(one.endpoint.to_string()).or_default() += 1;
        }
    }
    let all_of = |name: &str| (name.to_owned(), 12);
    assert_eq!(taken, HashMap::from(["a", "b", "c"].map(all_of)), "24 workers have room for all of these");
}

pub(super) async fn the_next_is_looked_for_among_the_endpoints_that_matter(place: &dyn Place) {
    let store = open(place).await;
    publish(&*store, "a", 3, 10).await;
    publish(&*store, "b", 1, 20).await;
    publish(&*store, "c", 1, 30).await;
    let next = |but: &[&str]| store.next_due(but.iter().copied().map(Arc::from).collect());
    assert_eq!(next(&[]).await, Ok(Some(at(10))));
    assert_eq!(next(&["a", "none"]).await, Ok(Some(at(20))));
    assert_eq!(next(&["b", "a"]).await, Ok(Some(at(30))));
    assert_eq!(next(&["a", "b", "c"]).await, Ok(None));
    let one = leased(&*store, any("me", 1, 10, 25)).await.remove(0);
    assert_eq!(next(&["b"]).await, Ok(Some(at(11))), "another to the same endpoint");
    assert_eq!(settle(&*store, &one.fence, 11, Next::Done).await, Settled::Written);
    let rest = leased(&*store, Lease { each: 9, ..any("me", 2, 12, 25) }).await;
    assert_eq!(rest.iter().map(|one| &*one.endpoint).collect::<Vec<_>>(), ["a", "a"]);
    assert_eq!(next(&["b"]).await, Ok(Some(at(25))), "a lease that ends");
}

pub(super) async fn an_endpoint_learns_since_when_it_fails(place: &dyn Place) {
    let store = open(place).await;
    endpoint(&*store, "books").await;
    let since = async || store.endpoints().await.expect("endpoints").remove(0).failing_since;
    let revision = store.revision().await.expect("a revision");
    for (number, (next, failing)) in [
        (Next::Done, None),
        (Next::Hold, None),
        (Next::Retry(at(9_000)), Some(3)),
        (Next::GiveUp, Some(3)),
        (Next::Hold, Some(3)),
        (Next::Done, None),
        (Next::GiveUp, Some(7)),
        (Next::Retry(at(9_000)), Some(7)),
        (Next::Done, None),
    ]
    .into_iter()
    .enumerate()
    {
        let (event, now) = (format!("msg_{number}"), number as i64 + 1);
        let message = publication(&event, &["books", "without/row"], now);
        assert_eq!(store.publish(message).await, Ok(Published::Fresh));
        let before = since().await;
        for one in leased(&*store, any("me", 9, now, now + 60)).await {
            let to_books = &*one.endpoint == "books";
            assert_eq!(one.failing_since, before.filter(|_| to_books), "who leases is told, number {number}");
            let next = if to_books { next } else { Next::GiveUp };
            assert_eq!(settle(&*store, &one.fence, now, next).await, Settled::Written);
        }
        if next == Next::Hold {
            // It is due again, as nothing is paused, and would be in the way.
            let held = of_event(&*store, &event, "books").await.id;
            assert_eq!(store.cancel(vec![held], at(now)).await, Ok(vec![true]));
        }
        assert_eq!(since().await, failing.map(at), "number {number}");
    }
    assert_eq!(store.revision().await, Ok(revision), "whether it fails is no change");
    assert_eq!(store.endpoints().await.expect("endpoints").len(), 1, "nobody made a row");
}

pub(super) async fn what_is_held_by_its_worker_made_no_attempt(place: &dyn Place) {
    let store = open(place).await;
    endpoint(&*store, "books").await;
    publish(&*store, "books", 1, 0).await;
    let one = leased(&*store, any("me", 1, 0, 60)).await.remove(0);
    assert_eq!(settle(&*store, &one.fence, 1, Next::Retry(at(2))).await, Settled::Written);
    let one = leased(&*store, any("me", 1, 2, 60)).await.remove(0);
    assert_eq!(store.pause("books".into(), "410".into(), at(3)).await, Ok(true));
    let attempt = crate::Attempt { at: at(4), status: None, error: None, next: Next::Hold };
    assert_eq!(store.settle(one.fence.clone(), attempt).await, Ok(Settled::Written));
    assert_eq!(settle(&*store, &one.fence, 5, Next::Done).await, Settled::Fenced, "it was settled before");
    let held = of_event(&*store, "books_0", "books").await;
    assert_eq!((held.state, held.at, held.attempts), (DeliveryState::Held, at(4), 1));
    assert_eq!((held.status, held.error.as_deref()), (Some(503), Some("it is down")), "of the last attempt");
}

pub(super) async fn each_is_queued_again_at_its_moment_and_each_has_its_answer(place: &dyn Place) {
    use Redriven::{Cancelled, Delivered, Queued, Unknown, Waiting};
    let store = open(place).await;
    endpoint(&*store, "paused").await;
    let states = all_states(&*store, "").await;
    let id = |name: &str| states[name].clone();
    let asked = ["done", "dead", "paused-dead", "none", "waiting", "held", "cancelled", "leased", "dead"];
    let ask = |from: i64| {
        let due = asked.iter().zip(from..);
        due.map(|(name, due)| (states.get(*name).cloned().unwrap_or("d01".into()), at(due))).collect()
    };
    let told = store.redrive(ask(500), false).await;
    let wanted = vec![Delivered, Queued, Queued, Unknown, Waiting, Waiting, Cancelled, Waiting, Waiting];
    assert_eq!(told, Ok(wanted), "one twice is queued once");
    let dead = one(&*store, &id("dead")).await;
    assert_eq!((dead.state, dead.at, dead.attempts), (DeliveryState::Waiting, at(501), 0));
    assert_eq!(
        (dead.status, dead.error.as_deref()),
        (Some(503), Some("it is down")),
        "until the next attempt"
    );
    let held = one(&*store, &id("paused-dead")).await;
    assert_eq!((held.state, held.attempts), (DeliveryState::Held, 0), "its endpoint is paused");
    let told = store.redrive(ask(600), true).await;
    let wanted = vec![Queued, Waiting, Waiting, Unknown, Waiting, Waiting, Cancelled, Waiting, Waiting];
    assert_eq!(told, Ok(wanted), "by force what arrived, and nothing else");
    let done = one(&*store, &id("done")).await;
    assert_eq!((done.state, done.at, done.attempts), (DeliveryState::Waiting, at(600), 0));
    let again = leased(&*store, any("me", 9, 600, 700)).await;
    assert!(again.iter().any(|one| one.fence.delivery == id("done")), "it is sent once more");
}

pub(super) async fn of_many_that_redrive_at_once_one_is_told_that_it_is_queued(place: &dyn Place) {
    let stores = [open(place).await, open(place).await];
    publish(&*stores[0], "books", 5, 0).await;
    let mut dead: Vec<Arc<str>> = Vec::new();
    for (number, one) in leased(&*stores[0], any("me", 9, 50, 60)).await.into_iter().enumerate() {
        let next = if number == 0 { Next::Done } else { Next::GiveUp };
        assert_eq!(settle(&*stores[0], &one.fence, 51, next).await, Settled::Written);
        dead.push(one.fence.delivery);
    }
    let asks = (0..32).map(|asker: usize| {
        let mut all: Vec<_> = dead.iter().map(|id| (id.clone(), at(100 + asker as i64))).collect();
        all.rotate_left(asker % 5);
        stores[asker % 2].redrive(all, true)
    });
    let mut queued: HashMap<Arc<str>, Vec<usize>> = HashMap::new();
    for (asker, told) in all_at_once(asks).await.into_iter().enumerate() {
        let told = told.expect("an answer");
        assert_eq!(told.len(), 5);
        for (place, told) in told.into_iter().enumerate() {
            match told {
                Redriven::Queued => queued.entry(dead[(place + asker) % 5].clone()).or_default().push(asker),
                told => assert_eq!(told, Redriven::Waiting),
            }
        }
    }
    for id in &dead {
        let [asker] = queued[id][..] else { panic!("{id} was queued by {:?}", queued[id]) };
        assert_eq!(one(&*stores[1], id).await.at, at(100 + asker as i64), "the one that was told so");
    }
    assert_eq!(leased(&*stores[1], any("me", 99, 500, 600)).await.len(), 5, "each is sent once");
}

pub(super) async fn what_is_cancelled_is_never_made_again(place: &dyn Place) {
    let store = open(place).await;
    endpoint(&*store, "paused").await;
    publish(&*store, "under_way", 1, 0).await;
    let under_way = leased(&*store, any("me", 1, 0, 400)).await.remove(0);
    let states = all_states(&*store, "").await;
    let mut asked: Vec<Arc<str>> = ["waiting", "leased", "dead", "held", "done", "cancelled"]
        .iter()
        .map(|name| states[*name].clone())
        .collect();
    asked.extend([
        "d999999".into(),
        "evt".into(),
        under_way.fence.delivery.clone(),
        states["waiting"].clone(),
    ]);
    let told = store.cancel(asked.clone(), at(300)).await;
    assert_eq!(told, Ok(vec![true, true, true, true, false, false, false, false, true, false]));
    let other = open(place).await;
    for name in ["waiting", "leased", "dead", "held"] {
        let gone = one(&*other, &states[name]).await;
        assert_eq!((gone.state, gone.at), (DeliveryState::Cancelled, at(300)), "{name}");
    }
    assert_eq!(one(&*other, &states["done"]).await.state, DeliveryState::Done);
    // Whoever was at it may still tell, and is not heard: not even if it guessed the fence.
    for number in under_way.fence.number..under_way.fence.number + 3 {
        let fence = Fence { number, ..under_way.fence.clone() };
        assert_eq!(settle(&*store, &fence, 301, Next::Done).await, Settled::Fenced);
    }
    let again = asked[..4].iter().map(|id| (id.clone(), at(310))).collect();
    assert_eq!(store.redrive(again, true).await, Ok(vec![Redriven::Cancelled; 4]));
    assert_eq!(store.resume("paused".into(), at(320)).await, Ok(true));
    let due = leased(&*store, any("me", 99, 100_000, 200_000)).await;
    assert_eq!(due.iter().map(|one| &*one.endpoint).collect::<Vec<_>>(), [""; 0], "nothing is left to send");
}

pub(super) async fn what_is_held_is_kept_and_what_is_cancelled_goes(place: &dyn Place) {
    let store = open(place).await;
    endpoint(&*store, "paused").await;
    let states = all_states(&*store, "").await;
    let queued = Queued { waiting: 1, leased: 1, dead: 2, held: 1, oldest: Some(at(0)) };
    assert_eq!(store.queued().await, Ok(queued));
    let keep = Keep { before: at(900_000), bytes: Some(0), now: at(KEEP + 1) };
    while store.prune(keep, 100).await.expect("a step") > 0 {}
    for (name, id) in &states {
        let stays = matches!(&**name, "waiting" | "leased" | "held");
        assert_eq!(store.delivery(id.clone()).await.expect("an answer").is_some(), stays, "{name}");
    }
    let left = ["waiting", "leased"].map(|name| states[name].clone());
    assert_eq!(store.cancel(left.to_vec(), at(5)).await, Ok(vec![true, true]));
    let held = Queued { held: 1, oldest: Some(at(2)), ..Queued::default() };
    assert_eq!(store.queued().await, Ok(held), "what is held has not arrived");
}

pub(super) async fn deliveries_are_found_by_what_was_asked_for(place: &dyn Place) {
    let store = open(place).await;
    let all = many(&*store).await;
    let some = |endpoint: &str| all.iter().any(|one| &*one.endpoint == endpoint);
    assert!(some("a") && some("paused") && all.len() > 40, "{} deliveries", all.len());
    let states = DeliveryState::WORDS.map(|(_, state)| Some(state));
    let kinds = [None, Some("invoice.paid"), Some("invoice.*"), Some("user.*"), Some("none")];
    for state in states.into_iter().chain([None]) {
        for endpoint in [None, Some("a"), Some("paused"), Some("none")] {
            for kind in kinds {
                for (from, to) in
                    [(None, None), (Some(0), Some(7_200)), (Some(7_200), None), (None, Some(-1))]
                {
                    let search = DeliverySearch {
                        state,
                        endpoint: endpoint.map(Arc::from),
                        kind: kind.map(Arc::from),
                        from: from.map(at),
                        to: to.map(at),
                        ..DeliverySearch::default()
                    };
                    let mut wanted: Vec<_> = all.iter().filter(|one| fits(one, &search)).cloned().collect();
                    for oldest_first in [true, false] {
                        let search = DeliverySearch { oldest_first, max: 3, ..search.clone() };
                        if !oldest_first {
                            wanted.reverse();
                        }
                        assert_eq!(pages(&*store, search.clone()).await, wanted, "{search:?}");
                    }
                }
            }
        }
    }
    for found in &all {
        assert_eq!(store.delivery(found.id.clone()).await, Ok(Some(found.clone())));
    }
    let first = &all[0].id;
    for wrong in
        ["d999999", "", "d", "evt", &first[1..], &first.replace('d', "d0"), &first.replace('d', "d+")]
    {
        assert_eq!(store.delivery(wrong.into()).await, Ok(None), "`{wrong}` is no delivery");
    }
}

pub(super) async fn a_listing_of_deliveries_has_pages_and_is_followed(place: &dyn Place) {
    let store = open(place).await;
    let empty = store.find_deliveries(DeliverySearch::default()).await.expect("a page");
    assert!(empty.rows.is_empty() && empty.next.is_none());
    let to = vec!["books".into(); 6_000];
    put_all(&*store, [Record { endpoints: to, ..record("evt_1", 0) }]).await;
    for (max, found) in [(0, 100), (1, 1), (1_000, 1_000), (1_001, 1_000), (usize::MAX, 1_000)] {
        for state in [None, Some(DeliveryState::Waiting)] {
            let search = DeliverySearch { max, state, ..DeliverySearch::default() };
            assert_eq!(
                store.find_deliveries(search).await.expect("a page").rows.len(),
                found,
                "at most {max}"
            );
        }
    }
    let newest = DeliverySearch { max: 1, ..DeliverySearch::default() };
    let mut after = store.find_deliveries(newest).await.expect("a page").next;
    for number in 0..5 {
        let ahead = DeliverySearch { oldest_first: true, after, ..DeliverySearch::default() };
        let nothing = store.find_deliveries(ahead.clone()).await.expect("a page");
        assert!(nothing.rows.is_empty() && nothing.next.is_some(), "nothing follows yet");
        publish(&*store, &format!("to_{number}"), 1, -number).await;
        let page =
            store.find_deliveries(DeliverySearch { after: nothing.next, ..ahead }).await.expect("a page");
        let found: Vec<_> = page.rows.iter().map(|one| &*one.endpoint).collect();
        assert_eq!(found, [format!("to_{number}")]);
        after = page.next;
    }
    for wrong in ["", "-1", "x y", "99999999999999999999999"] {
        for state in [None, Some(DeliveryState::Dead)] {
            let after = Some(Cursor(wrong.into()));
            let told =
                store.find_deliveries(DeliverySearch { state, after, ..DeliverySearch::default() }).await;
            assert!(matches!(told, Err(StoreError::Invalid(_))), "`{wrong}`: {told:?}");
        }
    }
}

/// So many messages to one endpoint, a second apart, the first so many seconds after the beginning: `books_0` and so on.
async fn publish(store: &dyn Store, to: &str, count: i64, seconds: i64) {
    for number in 0..count {
        let message = publication(&format!("{to}_{number}"), &[to], seconds + number);
        assert_eq!(store.publish(message).await, Ok(Published::Fresh));
    }
}

/// A delivery in each state, and one more that is dead and whose endpoint `paused` is paused in the end; their names by what they are.
/// Every event has `before` in front of its name. Nothing else may be due.
async fn all_states(store: &dyn Store, before: &str) -> HashMap<String, Arc<str>> {
    let ends = ["waiting", "leased", "held", "paused-dead", "done", "dead", "cancelled"];
    for (name, seconds) in ends.into_iter().zip(0..) {
        let to = if name.contains("held") || name.contains("paused") { "paused" } else { name };
        let message = publication(&format!("{before}{name}"), &[to], seconds);
        assert_eq!(store.publish(message).await, Ok(Published::Fresh));
    }
    for one in leased(store, any("me", 9, 10, 50_000)).await {
        let next = match &one.event.id[before.len()..] {
            "waiting" | "held" => Next::Retry(at(100_000)),
            "done" => Next::Done,
            "dead" | "paused-dead" | "cancelled" => Next::GiveUp,
            _ => continue,
        };
        assert_eq!(settle(store, &one.fence, 20, next).await, Settled::Written);
    }
    let mut names = HashMap::new();
    for name in ends {
        let found = store.deliveries(format!("{before}{name}").into()).await.expect("deliveries").remove(0);
        names.insert(name.to_owned(), found.id);
    }
    assert_eq!(store.cancel(vec![names["cancelled"].clone()], at(30)).await, Ok(vec![true]));
    assert_eq!(store.pause("paused".into(), "operator".into(), at(40)).await, Ok(true));
    names
}

/// Deliveries in every state, of several types and hours, to three endpoints; all of them, the oldest first.
async fn many(store: &dyn Store) -> Vec<Delivery> {
    endpoint(store, "paused").await;
    let kinds = ["invoice.paid", "invoice.made.late", "invoice", "user.left"];
    let times = [0, 7_200, -1, 3_599, 7_199, -90_000, 3_600];
    let mut all = Vec::new();
    for number in 0..28 {
        let name = format!("msg_{number}");
        let to: &[&str] = if number % 3 == 0 { &["a", "b", "paused"] } else { &["paused", "a"] };
        let kind = kinds[number % kinds.len()].into();
        let message = crate::Publication { kind, ..publication(&name, to, times[number % times.len()]) };
        assert_eq!(store.publish(message).await, Ok(Published::Fresh));
        all.push(name);
    }
    let mut cancelled = Vec::new();
    for (number, one) in leased(store, any("me", 55, 10_000, 50_000)).await.into_iter().enumerate() {
        let next = match number % 6 {
            0 => Next::Done,
            1 => Next::GiveUp,
            2 => Next::Retry(at(20_000)),
            3 => {
                cancelled.push(one.fence.delivery);
                continue;
            }
            _ => continue,
        };
        assert_eq!(settle(store, &one.fence, 10_001, next).await, Settled::Written);
    }
    assert!(store.cancel(cancelled, at(10_002)).await.expect("an answer").into_iter().all(|was| was));
    assert_eq!(store.pause("paused".into(), "operator".into(), at(10_003)).await, Ok(true));
    let mut found = Vec::new();
    for name in all {
        found.extend(store.deliveries(name.into()).await.expect("deliveries"));
    }
    for (word, state) in DeliveryState::WORDS {
        assert!(found.iter().any(|one| one.state == state), "one is {word}");
    }
    found
}

fn fits(one: &Delivery, search: &DeliverySearch) -> bool {
    let kind = one.kind.as_deref().unwrap_or("");
    search.state.is_none_or(|state| one.state == state)
        && search.endpoint.as_ref().is_none_or(|endpoint| one.endpoint == *endpoint)
        && search.from.is_none_or(|from| one.accepted_at >= from)
        && search.to.is_none_or(|to| one.accepted_at < to)
        && search.kind.as_deref().is_none_or(|wanted| match wanted.strip_suffix('*') {
            Some(prefix) => kind.starts_with(prefix),
            None => kind == wanted,
        })
}

async fn pages(store: &dyn Store, mut search: DeliverySearch) -> Vec<Delivery> {
    let mut found = Vec::new();
    loop {
        let page = store.find_deliveries(search.clone()).await.expect("a page");
        if page.rows.is_empty() {
            return found;
        }
        assert!(page.rows.len() <= search.max);
        (search.after, found) = (page.next, [found, page.rows].concat());
    }
}

async fn one(store: &dyn Store, id: &Arc<str>) -> Delivery {
    store.delivery(id.clone()).await.expect("an answer").unwrap_or_else(|| panic!("{id} is not there"))
}
