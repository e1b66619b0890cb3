//! The queue: each delivery to one worker at a time, until it ends.

use super::Place;
use super::sample::{all_at_once, any, at, endpoint, open, put_all, record};
use crate::{
    Attempt, Delivery, DeliveryState, Fence, Leased, Next, Queued, Record, Redriven, Settled, Store,
};
use bytes::Bytes;
use std::collections::HashSet;
use std::sync::Arc;

pub(super) async fn what_is_put_is_due_at_once_at_each_endpoint(place: &dyn Place) {
    let store = open(place).await;
    assert_eq!(store.next_due(Vec::new()).await, Ok(None));
    let endpoints = vec!["books".into(), "mail".into()];
    let body = Bytes::from_static(b"\xff whole");
    put_all(&*store, [Record { endpoints, body: body.clone(), ..record("evt_1", 5) }, record("evt_2", 1)])
        .await;
    assert_eq!(store.next_due(Vec::new()).await, Ok(Some(at(5))));
    assert_eq!(lease(&*store, "me", 9, 4, 60).await, [], "it is not due yet");
    let deliveries = store.deliveries("evt_1".into()).await.expect("deliveries");
    let told: Vec<_> =
        deliveries.iter().map(|one| (&*one.endpoint, one.state, one.attempts, one.at)).collect();
    assert_eq!(
        told,
        [("books", DeliveryState::Waiting, 0, at(5)), ("mail", DeliveryState::Waiting, 0, at(5))]
    );
    let leased = lease(&*store, "me", 9, 5, 60).await;
    let mut went: Vec<_> = leased.iter().map(|one| (&*one.endpoint, &*one.event.id, one.attempts)).collect();
    went.sort();
    assert_eq!(went, [("books", "evt_1", 0), ("mail", "evt_1", 0)]);
    assert_eq!(Some(&leased[0].event), store.event("evt_1".into()).await.expect("an event").as_ref());
    assert_eq!(leased[0].event.body, body);
    assert_eq!(store.deliveries("evt_none".into()).await, Ok(Vec::new()));
}

pub(super) async fn a_lease_is_exclusive_until_it_ends(place: &dyn Place) {
    let store = one_queued(place).await;
    let first = lease(&*store, "me", 9, 0, 60).await;
    assert_eq!(first.len(), 1);
    assert_eq!(store.next_due(Vec::new()).await, Ok(Some(at(60))), "it is due again when the lease ends");
    assert_eq!(one(&*store).await.state, DeliveryState::Leased);
    let other = open(place).await;
    assert_eq!(lease(&*other, "you", 9, 59, 100).await, []);
    let second = lease(&*other, "you", 9, 60, 100).await;
    assert_eq!(second.len(), 1, "it ran out");
    assert_eq!(second[0].fence.delivery, first[0].fence.delivery);
    assert!(second[0].fence.number > first[0].fence.number, "every lease raises the fence");
    assert_eq!(second[0].attempts, 0, "nobody told of an attempt");
}

pub(super) async fn the_longest_due_is_leased_first_and_no_more_than_asked_for(place: &dyn Place) {
    let store = open(place).await;
    let to_books =
        |event: &str, seconds| Record { endpoints: vec!["books".into()], ..record(event, seconds) };
    put_all(&*store, [to_books("evt_3", 30), to_books("evt_1", 10), to_books("evt_2", 20)]).await;
    assert_eq!(lease(&*store, "me", 0, 100, 200).await, []);
    for event in ["evt_1", "evt_2", "evt_3"] {
        let one = lease(&*store, "me", 1, 100, 200).await;
        assert_eq!(one.iter().map(|one| &*one.event.id).collect::<Vec<_>>(), [event]);
    }
    assert_eq!(lease(&*store, "me", usize::MAX, 100, 200).await, []);
}

pub(super) async fn of_many_that_lease_at_once_each_delivery_goes_to_one(place: &dyn Place) {
    let stores = [open(place).await, open(place).await];
    let many = (0..40)
        .map(|number| Record { endpoints: vec!["books".into()], ..record(&format!("evt_{number}"), 0) });
    put_all(&*stores[0], many).await;
    let leases =
        (0..16).map(|worker: usize| stores[worker % 2].lease(any(&format!("worker {worker}"), 5, 1, 60)));
    let mut taken: Vec<Arc<str>> = Vec::new();
    for leased in all_at_once(leases).await {
        taken.extend(leased.expect("a lease").into_iter().map(|one| one.fence.delivery));
    }
    assert_eq!((taken.len(), taken.iter().collect::<HashSet<_>>().len()), (40, 40));
}

pub(super) async fn a_lease_that_was_lost_writes_nothing(place: &dyn Place) {
    let store = one_queued(place).await;
    let slow = lease(&*store, "slow", 1, 0, 10).await.remove(0).fence;
    let quick = lease(&*store, "quick", 1, 10, 20).await.remove(0).fence;
    for next in [Next::Done, Next::GiveUp, Next::Retry(at(12))] {
        assert_eq!(settle(&*store, &slow, 11, next).await, Settled::Fenced);
    }
    let still = one(&*store).await;
    assert_eq!((still.state, still.attempts, still.at), (DeliveryState::Leased, 0, at(20)));
    assert_eq!(
        settle(&*store, &quick, 25, Next::Done).await,
        Settled::Written,
        "late, but nobody else has it"
    );
    for unknown in ["d999999", "evt_1", ""] {
        let fence = Fence { delivery: unknown.into(), number: 1 };
        assert_eq!(
            settle(&*store, &fence, 25, Next::Done).await,
            Settled::Fenced,
            "`{unknown}` is no delivery"
        );
    }
}

pub(super) async fn leases_that_ran_out_are_told_until_they_are_counted(place: &dyn Place) {
    let store = open(place).await;
    endpoint(&*store, "books").await;
    put_all(&*store, [Record { endpoints: vec!["books".into()], ..record("evt_1", 0) }]).await;
    let mut now = 0;
    let mut next = async |lost: u32, attempts: u32| {
        now += 10;
        let one = lease(&*store, "me", 1, now, now + 10).await.remove(0);
        assert_eq!((one.lost, one.attempts), (lost, attempts), "at {now}");
        one.fence
    };
    for lost in 0..3 {
        next(lost, 0).await;
    }
    // The one that is let pass is told as long as it is queued.
    let fence = next(3, 0).await;
    assert_eq!(settle(&*store, &fence, 41, Next::Hold).await, Settled::Written);
    let fence = next(3, 0).await;
    assert_eq!(settle(&*store, &fence, 51, Next::Retry(at(52))).await, Settled::Written);
    let failing = async || store.endpoints().await.expect("endpoints").remove(0).failing_since;
    assert_eq!(failing().await, None, "its endpoint is not to blame");
    let fence = next(1, 1).await;
    assert_eq!(settle(&*store, &fence, 61, Next::Retry(at(62))).await, Settled::Written);
    assert_eq!(failing().await, Some(at(61)), "that was an attempt");
    next(1, 2).await;
    let fence = next(2, 2).await;
    assert_eq!(settle(&*store, &fence, 81, Next::GiveUp).await, Settled::Written);
    let dead = one(&*store).await;
    assert_eq!((dead.state, dead.attempts), (DeliveryState::Dead, 3));
    let queued = store.redrive(vec![(dead.id, at(82))], false).await;
    assert_eq!(queued, Ok(vec![Redriven::Queued]));
    next(0, 0).await;
    let fence = next(1, 0).await;
    assert_eq!(settle(&*store, &fence, 101, Next::Done).await, Settled::Written);
    assert_eq!(failing().await, None);
}

pub(super) async fn what_failed_waits_for_its_time(place: &dyn Place) {
    let store = one_queued(place).await;
    for attempt in 1..4 {
        let now = i64::from(attempt) * 100;
        let leased = lease(&*store, "me", 1, now, now + 10).await.remove(0);
        assert_eq!(leased.attempts, attempt - 1);
        let failed = Attempt {
            at: at(now + 5),
            status: (attempt > 1).then_some(502),
            error: Some("bad gateway".into()),
            next: Next::Retry(at(now + 100)),
        };
        assert_eq!(store.settle(leased.fence, failed).await, Ok(Settled::Written));
        let waits = one(&*store).await;
        assert_eq!((waits.state, waits.attempts, waits.at), (DeliveryState::Waiting, attempt, at(now + 100)));
        assert_eq!(
            (waits.status, waits.error.as_deref()),
            ((attempt > 1).then_some(502), Some("bad gateway"))
        );
        assert_eq!(lease(&*store, "me", 1, now + 99, now + 200).await, []);
        assert_eq!(store.next_due(Vec::new()).await, Ok(Some(at(now + 100))));
    }
}

pub(super) async fn what_ended_is_not_leased_again_and_settled_once(place: &dyn Place) {
    let store = open(place).await;
    put_all(&*store, [Record { endpoints: vec!["a".into(), "b".into()], ..record("evt_1", 0) }]).await;
    let leased = lease(&*store, "me", 9, 0, 60).await;
    for (one, next) in leased.iter().zip([Next::Done, Next::GiveUp]) {
        assert_eq!(settle(&*store, &one.fence, 3, next).await, Settled::Written);
        assert_eq!(settle(&*store, &one.fence, 4, next).await, Settled::Fenced, "it was settled before");
    }
    let mut ended: Vec<_> = store
        .deliveries("evt_1".into())
        .await
        .expect("deliveries")
        .into_iter()
        .map(|one| (one.state.word(), one.at))
        .collect();
    ended.sort();
    assert_eq!(ended, [("dead", at(3)), ("done", at(3))]);
    assert_eq!(lease(&*store, "me", 9, 1_000_000, 2_000_000).await, []);
    assert_eq!(store.next_due(Vec::new()).await, Ok(None));
}

pub(super) async fn redriving_is_for_the_dead_and_repeating_it_changes_nothing(place: &dyn Place) {
    use Redriven::{Delivered, Queued, Unknown, Waiting};
    let store = open(place).await;
    let endpoints = ["dead", "done", "leased", "waiting"].map(Arc::from).to_vec();
    put_all(&*store, [Record { endpoints, ..record("evt_1", 0) }]).await;
    let mut old = None;
    for one in lease(&*store, "me", 9, 0, 60).await {
        let next = match &*one.endpoint {
            "dead" => Next::GiveUp,
            "done" => Next::Done,
            "waiting" => Next::Retry(at(500)),
            _ => continue,
        };
        assert_eq!(settle(&*store, &one.fence, 3, next).await, Settled::Written);
        if next == Next::GiveUp {
            old = Some(one.fence);
        }
    }
    let before = store.deliveries("evt_1".into()).await.expect("deliveries");
    let all: Vec<Arc<str>> =
        before.iter().map(|one| one.id.clone()).chain(["d999999".into(), "evt_1".into()]).collect();
    let due = |all: &[Arc<str>], seconds| all.iter().map(|id| (id.clone(), at(seconds))).collect::<Vec<_>>();
    for (round, dead) in [(0, Queued), (1, Waiting), (2, Waiting)] {
        let redriven = store.redrive(due(&all, 100 + round), false).await;
        assert_eq!(
            redriven,
            Ok(vec![dead, Delivered, Waiting, Waiting, Unknown, Unknown]),
            "round {round}, in the order that was asked for"
        );
    }
    let after = store.deliveries("evt_1".into()).await.expect("deliveries");
    for (before, after) in before.into_iter().zip(after) {
        if &*before.endpoint == "dead" {
            assert_eq!((after.state, after.at, after.attempts), (DeliveryState::Waiting, at(100), 0));
        } else {
            assert_eq!(after, before);
        }
    }
    let old = old.expect("one was given up");
    let again = lease(&*store, "me", 9, 100, 160).await;
    let again = again.iter().find(|one| &*one.endpoint == "dead").expect("it is due again");
    assert_eq!(settle(&*store, &old, 101, Next::GiveUp).await, Settled::Fenced, "that was another lease");
    assert_eq!(settle(&*store, &again.fence, 102, Next::Done).await, Settled::Written);
    let arrived = store.redrive(due(&all[..1], 200), false).await;
    assert_eq!(arrived, Ok(vec![Delivered]), "what arrived is not sent twice");
}

pub(super) async fn the_queue_is_counted(place: &dyn Place) {
    let store = open(place).await;
    assert_eq!(store.queued().await, Ok(Queued::default()));
    let endpoints: Vec<Arc<str>> = vec!["a".into(), "b".into()];
    put_all(
        &*store,
        (0..3).map(|n| Record { endpoints: endpoints.clone(), ..record(&format!("evt_{n}"), n) }),
    )
    .await;
    let taken = lease(&*store, "me", 4, 10, 60).await;
    assert_eq!(settle(&*store, &taken[0].fence, 11, Next::Done).await, Settled::Written);
    assert_eq!(settle(&*store, &taken[1].fence, 11, Next::GiveUp).await, Settled::Written);
    let queued = Queued { waiting: 2, leased: 2, dead: 1, held: 0, oldest: Some(at(1)) };
    assert_eq!(store.queued().await, Ok(queued), "the first event was delivered, or given up");
}

async fn one_queued(place: &dyn Place) -> Arc<dyn Store> {
    let store = open(place).await;
    put_all(&*store, [Record { endpoints: vec!["books".into()], ..record("evt_1", 0) }]).await;
    store
}

/// The delivery of [`one_queued`].
async fn one(store: &dyn Store) -> Delivery {
    store.deliveries("evt_1".into()).await.expect("deliveries").remove(0)
}

async fn lease(store: &dyn Store, worker: &str, max: usize, now: i64, until: i64) -> Vec<Leased> {
    store.lease(any(worker, max, now, until)).await.expect("a lease")
}

async fn settle(store: &dyn Store, fence: &Fence, now: i64, next: Next) -> Settled {
    let attempt = Attempt { at: at(now), status: Some(200), error: None, next };
    store.settle(fence.clone(), attempt).await.expect("an answer")
}
