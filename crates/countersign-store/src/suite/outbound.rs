//! What is sent: messages, the endpoints they go to, and what is held for those that are paused.

use super::Place;
use super::sample::{
    all_at_once, any, at, endpoint, leased, of_event, open, publication, put_all, record, settle,
};
use crate::{
    Changed, DeliveryState, Edit, EndpointRow, EventTypeRow, KeyUse, NewEndpoint, Next, PUBLISHED,
    Publication, Published, Queued, Record, Search, SecretRow, SecretState, Settled, StoreError, of_endpoint,
};
use bytes::Bytes;
use std::sync::Arc;

pub(super) async fn a_message_is_published_once_and_due_at_once_at_each_endpoint(place: &dyn Place) {
    let store = open(place).await;
    put_all(&*store, [record("received", 0)]).await;
    let message = Publication {
        head: Bytes::from_static(b"{\"topic\":\"x\"}"),
        body: Bytes::from_static(b"\xff byte for byte\0"),
        ..publication("msg_1", &["books", "mail"], 5)
    };
    assert_eq!(store.publish(message.clone()).await, Ok(Published::Fresh));
    let store = open(place).await;
    let event = store.event("msg_1".into()).await.expect("an event").expect("it is durable");
    assert_eq!((&*event.source, &*event.key, event.kind.as_deref()), (PUBLISHED, "", Some("invoice.paid")));
    assert_eq!((&event.head, &event.body, event.size), (&message.head, &message.body, 16));
    assert_eq!((event.at, event.message_id.clone(), event.refused.clone()), (at(5), None, None));
    assert_eq!(store.audits(Search::default()).await.expect("audits").rows.len(), 1, "nobody asked for it");
    let from = Search { from: Some(at(5)), source: Some(PUBLISHED.into()), ..Search::default() };
    assert_eq!(store.events(from).await.expect("events").rows.len(), 1);
    let before = store.deliveries("msg_1".into()).await.expect("deliveries");
    let told: Vec<_> = before
        .iter()
        .map(|one| (&*one.endpoint, one.state, one.at, &*one.event, one.kind.as_deref(), one.accepted_at))
        .collect();
    let waits = |endpoint| (endpoint, DeliveryState::Waiting, at(5), "msg_1", Some("invoice.paid"), at(5));
    assert_eq!(told, [waits("books"), waits("mail")]);
    // Another message of its name is not written over it, and neither is one of the name of what came in.
    for taken in ["msg_1", "received"] {
        let other = Publication { event: taken.into(), body: "other".into(), ..message.clone() };
        assert_eq!(store.publish(other).await, Ok(Published::Taken), "{taken}");
    }
    assert_eq!(store.event("msg_1".into()).await, Ok(Some(event.clone())));
    assert_eq!(store.deliveries("msg_1".into()).await, Ok(before));
    assert_eq!(store.deliveries("received".into()).await, Ok(Vec::new()));
    let leased = leased(&*store, any("me", 9, 5, 60)).await;
    assert_eq!(leased.iter().filter(|one| one.event == event).count(), 2, "it is leased whole");
}

pub(super) async fn of_many_that_publish_one_name_at_once_one_is_told_that_it_is_fresh(place: &dyn Place) {
    let stores = [open(place).await, open(place).await];
    let copies = (0..32).map(|copy| {
        let body = format!("copy {copy}").into();
        stores[copy % 2].publish(Publication { body, ..publication("msg_1", &["books"], 0) })
    });
    let told = all_at_once(copies).await;
    let fresh: Vec<usize> = (0..32).filter(|copy| told[*copy] == Ok(Published::Fresh)).collect();
    assert_eq!((fresh.len(), told.iter().filter(|told| **told == Ok(Published::Taken)).count()), (1, 31));
    let event = stores[0].event("msg_1".into()).await.expect("an event").expect("it is there");
    assert_eq!(
        event.body,
        format!("copy {}", fresh[0]),
        "the one that was told so is the one that is stored"
    );
    assert_eq!(stores[1].queued().await.expect("a queue").waiting, 1);
}

pub(super) async fn an_endpoint_is_added_once_with_its_secrets_or_not_at_all(place: &dyn Place) {
    let stores = [open(place).await, open(place).await];
    let adds = (0..16).map(|copy: usize| {
        let table = format!("copy = {copy}").into();
        let secrets = vec![secret("endpoint:books", &format!("copy {copy}"))];
        stores[copy % 2].add_endpoint(NewEndpoint { table, secrets, ..new("books") })
    });
    let told = all_at_once(adds).await;
    let added: Vec<usize> = (0..16).filter(|copy| told[*copy] == Ok(true)).collect();
    assert_eq!((added.len(), told.iter().filter(|told| **told == Ok(false)).count()), (1, 15));
    let store = open(place).await;
    assert_eq!(store.add_endpoint(NewEndpoint { now: at(9), ..new("aim") }).await, Ok(true));
    let row = |name: &str, table: String, seconds| EndpointRow {
        name: name.into(),
        table: table.into(),
        paused: None,
        failing_since: None,
        created_at: at(seconds),
    };
    let wanted = [row("aim", "url = \"x\"\n".into(), 9), row("books", format!("copy = {}", added[0]), 0)];
    assert_eq!(store.endpoints().await.expect("endpoints"), wanted, "by name");
    let secrets = store.secrets().await.expect("secrets");
    assert_eq!(secrets, [secret("endpoint:books", &format!("copy {}", added[0]))], "of no other is one left");
    let of_another = vec![secret("endpoint:mail", "a"), secret("endpoint:books", "b")];
    let told = store.add_endpoint(NewEndpoint { secrets: of_another, ..new("mail") }).await;
    assert!(matches!(told, Err(StoreError::Invalid(_))), "the second secret is of another: {told:?}");
    assert_eq!(store.endpoints().await.expect("endpoints").len(), 2);
    assert_eq!(store.secrets().await, Ok(secrets));
}

pub(super) async fn what_is_queued_for_a_paused_endpoint_is_held_and_what_comes_is_too(place: &dyn Place) {
    let store = open(place).await;
    endpoint(&*store, "books").await;
    endpoint(&*store, "mail").await;
    let both = ["books", "mail"];
    assert_eq!(store.publish(publication("before", &both, 1)).await, Ok(Published::Fresh));
    assert_eq!(store.pause("books".into(), "the first reason".into(), at(10)).await, Ok(true));
    let other = open(place).await;
    assert_eq!(other.pause("books".into(), "the second".into(), at(11)).await, Ok(false));
    assert_eq!(other.pause("none".into(), "there is none".into(), at(11)).await, Ok(false));
    assert_eq!(other.publish(publication("published", &both, 20)).await, Ok(Published::Fresh));
    put_all(&*other, [Record { endpoints: both.map(Arc::from).to_vec(), ..record("put", 30) }]).await;
    for (event, moment) in [("before", 10), ("published", 20), ("put", 30)] {
        let held = of_event(&*store, event, "books").await;
        assert_eq!((held.state, held.at), (DeliveryState::Held, at(moment)), "{event}");
        assert_eq!(of_event(&*store, event, "mail").await.state, DeliveryState::Waiting, "{event}");
    }
    let queued = Queued { waiting: 3, held: 3, oldest: Some(at(1)), ..Queued::default() };
    assert_eq!(store.queued().await, Ok(queued));
    assert_eq!(store.next_due(vec!["mail".into()]).await, Ok(None), "what is held has no time");
    assert_eq!(leased(&*store, any("me", 9, 1_000, 2_000)).await.len(), 3, "of the other endpoint");
    let paused = store.endpoints().await.expect("endpoints").remove(0).paused;
    assert_eq!(paused, Some(("the first reason".into(), at(10))));
}

pub(super) async fn what_was_held_is_due_when_its_endpoint_is_resumed(place: &dyn Place) {
    let store = open(place).await;
    for name in ["books", "mail"] {
        endpoint(&*store, name).await;
        assert_eq!(store.publish(publication(name, &[name], 0)).await, Ok(Published::Fresh));
    }
    let one = leased(&*store, any("me", 1, 0, 60)).await.remove(0);
    assert_eq!(settle(&*store, &one.fence, 5, Next::Retry(at(500))).await, Settled::Written);
    for name in ["books", "mail"] {
        assert_eq!(store.pause(name.into(), "operator".into(), at(10)).await, Ok(true));
    }
    assert!(store.endpoints().await.expect("endpoints")[0].failing_since.is_some(), "it failed once");
    let other = open(place).await;
    assert_eq!(other.resume("books".into(), at(700)).await, Ok(true));
    assert_eq!(other.resume("books".into(), at(800)).await, Ok(false), "it is not paused");
    assert_eq!(other.resume("none".into(), at(800)).await, Ok(false));
    let row = store.endpoints().await.expect("endpoints").remove(0);
    assert_eq!((row.paused, row.failing_since), (None, None), "it begins anew");
    let due = of_event(&*store, "books", "books").await;
    assert_eq!((due.state, due.at, due.attempts), (DeliveryState::Waiting, at(700), 1));
    assert_eq!(
        of_event(&*store, "mail", "mail").await.state,
        DeliveryState::Held,
        "this one is still paused"
    );
    assert_eq!(store.next_due(Vec::new()).await, Ok(Some(at(700))));
    assert_eq!(leased(&*store, any("me", 9, 700, 800)).await.len(), 1);
}

pub(super) async fn what_is_under_way_when_its_endpoint_is_paused_ends_as_it_ends(place: &dyn Place) {
    let store = open(place).await;
    endpoint(&*store, "books").await;
    for event in ["done", "given_up", "again", "held", "lost"] {
        assert_eq!(store.publish(publication(event, &["books"], 0)).await, Ok(Published::Fresh));
    }
    let under_way = leased(&*store, any("me", 9, 0, 60)).await;
    assert_eq!(under_way.len(), 5);
    assert_eq!(store.pause("books".into(), "operator".into(), at(10)).await, Ok(true));
    assert_eq!(store.queued().await.expect("a queue").leased, 5, "they are not taken away");
    let of = |event: &str| under_way.iter().find(|one| &*one.event.id == event).expect("it was leased");
    for (event, next, state, attempts) in [
        ("done", Next::Done, DeliveryState::Done, 1),
        ("given_up", Next::GiveUp, DeliveryState::Dead, 1),
        ("again", Next::Retry(at(900)), DeliveryState::Held, 1),
        ("held", Next::Hold, DeliveryState::Held, 0),
    ] {
        assert_eq!(settle(&*store, &of(event).fence, 20, next).await, Settled::Written, "{event}");
        let ended = of_event(&*store, event, "books").await;
        assert_eq!((ended.state, ended.attempts, ended.at), (state, attempts, at(20)), "{event}");
        assert_eq!(
            settle(&*store, &of(event).fence, 21, Next::Done).await,
            Settled::Fenced,
            "{event}, again"
        );
    }
    // Its lease runs out, and nobody gets it as long as its endpoint is paused; but its worker may still tell.
    assert_eq!(store.next_due(Vec::new()).await, Ok(None));
    assert_eq!(leased(&*store, any("you", 9, 5_000, 6_000)).await, []);
    assert_eq!(settle(&*store, &of("lost").fence, 5_001, Next::Done).await, Settled::Written);
    assert_eq!(store.resume("books".into(), at(7_000)).await, Ok(true));
    assert_eq!(leased(&*store, any("you", 9, 7_000, 8_000)).await.len(), 2, "the two that were held");
}

pub(super) async fn what_nobody_told_of_before_its_endpoint_was_paused_is_made_again_after(
    place: &dyn Place,
) {
    let store = open(place).await;
    endpoint(&*store, "books").await;
    assert_eq!(store.publish(publication("msg", &["books"], 0)).await, Ok(Published::Fresh));
    let lost = leased(&*store, any("me", 9, 0, 60)).await.remove(0);
    assert_eq!(store.pause("books".into(), "operator".into(), at(10)).await, Ok(true));
    assert_eq!(leased(&*store, any("you", 9, 100, 200)).await, []);
    assert_eq!(store.resume("books".into(), at(100)).await, Ok(true));
    let again = leased(&*store, any("you", 9, 100, 200)).await;
    assert_eq!(again.len(), 1);
    assert!(again[0].fence.number > lost.fence.number);
    assert_eq!(settle(&*store, &lost.fence, 101, Next::Done).await, Settled::Fenced);
}

pub(super) async fn what_a_worker_holds_though_its_endpoint_is_not_paused_waits(place: &dyn Place) {
    let store = open(place).await;
    endpoint(&*store, "books").await;
    assert_eq!(store.publish(publication("msg", &["books", "without/row"], 0)).await, Ok(Published::Fresh));
    for one in leased(&*store, any("me", 9, 0, 60)).await {
        assert_eq!(settle(&*store, &one.fence, 7, Next::Hold).await, Settled::Written);
        let waits = of_event(&*store, "msg", &one.endpoint).await;
        assert_eq!((waits.state, waits.at, waits.attempts), (DeliveryState::Waiting, at(7), 0), "{one:?}");
    }
}

pub(super) async fn pausing_while_many_lease_and_report_loses_nothing(place: &dyn Place) {
    let stores = [open(place).await, open(place).await];
    endpoint(&*stores[0], "books").await;
    for number in 0..60 {
        let message = publication(&format!("msg_{number}"), &["books"], 0);
        assert_eq!(stores[number % 2].publish(message).await, Ok(Published::Fresh));
    }
    let first = leased(&*stores[0], any("first", 20, 0, 60)).await;
    let reports = first.iter().map(|one| {
        let store = &stores[1];
        Step::Reported(Box::pin(async move { settle(&**store, &one.fence, 5, Next::Retry(at(6))).await }))
    });
    let leases = (0..8).map(|worker: usize| {
        let (store, name) = (&stores[worker % 2], format!("worker {worker}"));
        Step::Leased(Box::pin(async move { leased(&**store, any(&name, 3, 6, 60)).await.len() }))
    });
    let mut steps: Vec<_> = reports.chain(leases).collect();
    let pause = stores[0].pause("books".into(), "operator".into(), at(5));
    steps.insert(14, Step::Paused(Box::pin(pause)));
    let mut taken = 0;
    for told in all_at_once(steps.into_iter().map(Step::done)).await {
        taken += told;
    }
    let queued = stores[0].queued().await.expect("a queue");
    assert_eq!((queued.waiting, queued.leased as usize), (0, taken), "{queued:?}");
    assert_eq!(queued.held as usize + taken, 60, "what nobody has is held: {queued:?}");
    assert_eq!(leased(&*stores[1], any("late", 99, 50, 60)).await, []);
}

pub(super) async fn a_removed_endpoint_leaves_dead_letters_and_no_secrets(place: &dyn Place) {
    let store = open(place).await;
    for name in ["books", "mail"] {
        let secrets = vec![secret(&of_endpoint(name), "main")];
        assert_eq!(store.add_endpoint(NewEndpoint { secrets, ..new(name) }).await, Ok(true));
        let key_use = KeyUse { source: of_endpoint(name).into(), key: "main".into(), at: at(0) };
        store.matched(vec![key_use]).await.expect("it is written");
    }
    // A source may be called as an endpoint is.
    let revision = store.revision().await.expect("a revision");
    let edits = vec![Edit::Secret(secret("books", "main"))];
    assert_eq!(store.change(edits, revision).await, Ok(Changed::Written));
    for event in ["under_way", "waiting"] {
        assert_eq!(store.publish(publication(event, &["books", "mail"], 0)).await, Ok(Published::Fresh));
    }
    let under_way = leased(&*store, crate::Lease { each: 1, ..any("me", 9, 0, 60) }).await;
    let under_way = under_way.iter().find(|one| &*one.endpoint == "books").expect("one of each").clone();
    let waiting = if &*under_way.event.id == "waiting" { "under_way" } else { "waiting" };
    assert_eq!(store.remove_endpoint("books".into(), at(30)).await, Ok(true));
    assert_eq!(store.remove_endpoint("books".into(), at(31)).await, Ok(false));
    let dead = of_event(&*store, waiting, "books").await;
    assert_eq!((dead.state, dead.at), (DeliveryState::Dead, at(30)));
    assert_eq!(dead.error.as_deref(), Some("its endpoint was removed"));
    assert_eq!(of_event(&*store, waiting, "mail").await.state, DeliveryState::Waiting);
    assert_eq!(settle(&*store, &under_way.fence, 40, Next::Retry(at(50))).await, Settled::Written);
    let again = of_event(&*store, &under_way.event.id, "books").await;
    assert_eq!((again.state, again.at), (DeliveryState::Waiting, at(50)), "it ends as it ends");
    let mut left: Vec<_> =
        store.secrets().await.expect("secrets").into_iter().map(|one| one.source).collect();
    left.sort();
    assert_eq!(left, ["books".into(), Arc::from("endpoint:mail")]);
    let uses = store.key_uses().await.expect("uses");
    assert_eq!(uses.iter().map(|one| &*one.source).collect::<Vec<_>>(), ["endpoint:mail"]);
    assert_eq!(store.endpoints().await.expect("endpoints").len(), 1);
    // One that is paused goes with what is held for it, and its name is free.
    assert_eq!(store.pause("mail".into(), "operator".into(), at(60)).await, Ok(true));
    assert_eq!(store.remove_endpoint("mail".into(), at(70)).await, Ok(true));
    assert_eq!(of_event(&*store, waiting, "mail").await.state, DeliveryState::Dead);
    assert_eq!(store.add_endpoint(new("mail")).await, Ok(true));
    assert_eq!(store.publish(publication("new", &["mail"], 80)).await, Ok(Published::Fresh));
    assert_eq!(
        of_event(&*store, "new", "mail").await.state,
        DeliveryState::Waiting,
        "this one is not paused"
    );
}

pub(super) async fn what_was_under_way_to_a_removed_endpoint_is_not_sent_to_another_of_its_name(
    place: &dyn Place,
) {
    let store = open(place).await;
    endpoint(&*store, "books").await;
    for event in ["reported", "silent"] {
        assert_eq!(store.publish(publication(event, &["books", "mail"], 0)).await, Ok(Published::Fresh));
    }
    let under_way = leased(&*store, any("me", 9, 0, 60)).await;
    let of = |event| {
        let mut all = under_way.iter();
        all.find(|one| &*one.endpoint == "books" && &*one.event.id == event).expect("it is leased").clone()
    };
    let (reported, silent) = (of("reported"), of("silent"));
    assert_eq!(store.remove_endpoint("books".into(), at(10)).await, Ok(true));
    assert_eq!(settle(&*store, &reported.fence, 20, Next::Retry(at(25))).await, Settled::Written);
    // Published by somebody who had read the list of endpoints a moment before.
    assert_eq!(store.publish(publication("late", &["books"], 20)).await, Ok(Published::Fresh));
    assert_eq!(store.add_endpoint(NewEndpoint { now: at(30), ..new("books") }).await, Ok(true));
    for event in ["reported", "silent", "late"] {
        let dead = of_event(&*store, event, "books").await;
        assert_eq!((dead.state, dead.at), (DeliveryState::Dead, at(30)), "{event}");
        assert_eq!(dead.error.as_deref(), Some("its endpoint was removed"), "{event}");
    }
    assert_eq!(settle(&*store, &silent.fence, 40, Next::Retry(at(50))).await, Settled::Fenced);
    assert_eq!(of_event(&*store, "silent", "mail").await.state, DeliveryState::Leased, "of another");
    let later = leased(&*store, any("me", 9, 1_000, 2_000)).await;
    assert_eq!(later.iter().filter(|one| &*one.endpoint == "books").count(), 0, "nothing of it is sent");
}

pub(super) async fn types_are_written_replaced_and_removed(place: &dyn Place) {
    let store = open(place).await;
    assert_eq!(store.event_types().await, Ok(Vec::new()));
    let schema = Some(Bytes::from_static(b"{ \"type\" :\"object\"}"));
    let paid = EventTypeRow {
        name: "invoice.paid".into(),
        description: "An invoice was paid.".into(),
        schema,
        changed_at: at(1),
    };
    let made = EventTypeRow { name: "invoice.made".into(), schema: None, ..paid.clone() };
    for row in [&paid, &made] {
        store.save_event_type(row.clone()).await.expect("it is written");
    }
    assert_eq!(open(place).await.event_types().await, Ok(vec![made.clone(), paid.clone()]), "by name");
    let changed = EventTypeRow { schema: None, description: "".into(), changed_at: at(2), ..paid };
    store.save_event_type(changed.clone()).await.expect("it is written");
    assert_eq!(store.publish(publication("msg", &[], 0)).await, Ok(Published::Fresh));
    assert_eq!(store.remove_event_type("invoice.made".into()).await, Ok(true));
    assert_eq!(store.remove_event_type("invoice.made".into()).await, Ok(false));
    assert_eq!(store.event_types().await, Ok(vec![changed]));
    assert_eq!(store.remove_event_type("invoice.paid".into()).await, Ok(true));
    assert!(store.event("msg".into()).await.expect("an event").is_some(), "its events stay");
}

pub(super) async fn every_change_of_endpoints_and_types_is_seen_by_others(place: &dyn Place) {
    let (one, other) = (open(place).await, open(place).await);
    let row =
        EventTypeRow { name: "invoice.paid".into(), description: "".into(), schema: None, changed_at: at(0) };
    let (books, why): (Arc<str>, Arc<str>) = ("books".into(), "operator".into());
    let mut last = other.revision().await.expect("a revision");
    for (step, grows) in
        [true, false, true, false, true, false, true, true, false, true, false].into_iter().enumerate()
    {
        let done = match step {
            0 | 1 => one.add_endpoint(new("books")).await,
            2 | 3 => one.pause(books.clone(), why.clone(), at(1)).await,
            4 | 5 => one.resume(books.clone(), at(2)).await,
            6 => one.save_event_type(row.clone()).await.map(|()| true),
            7 | 8 => one.remove_event_type("invoice.paid".into()).await,
            _ => one.remove_endpoint(books.clone(), at(3)).await,
        };
        assert_eq!(done, Ok(grows), "step {step}");
        let now = other.revision().await.expect("a revision");
        assert_eq!(now > last, grows, "step {step}: {now} after {last}");
        last = now;
    }
}

type Future<'a, T> = std::pin::Pin<Box<dyn std::future::Future<Output = T> + Send + 'a>>;

/// What happens at once with a pause.
enum Step<'a> {
    Reported(Future<'a, Settled>),
    Leased(Future<'a, usize>),
    Paused(crate::Reply<'a, bool>),
}

impl Step<'_> {
    /// How many it took.
    async fn done(self) -> usize {
        match self {
            Step::Reported(report) => {
                assert_eq!(report.await, Settled::Written);
                0
            }
            Step::Leased(lease) => lease.await,
            Step::Paused(pause) => {
                assert_eq!(pause.await, Ok(true));
                0
            }
        }
    }
}

fn new(name: &str) -> NewEndpoint {
    NewEndpoint { name: name.into(), table: "url = \"x\"\n".into(), secrets: Vec::new(), now: at(0) }
}

fn secret(source: &str, id: &str) -> SecretRow {
    SecretRow {
        source: source.into(),
        id: id.into(),
        sealed: vec![0, 255].into(),
        fingerprint: "a1b2".into(),
        state: SecretState::Live,
        not_before: None,
        not_after: None,
        created_at: at(0),
    }
}
