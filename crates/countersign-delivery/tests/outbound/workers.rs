//! Several workers on one store, and workers that die.

use crate::receiver::{Receiver, Step};
use crate::world::{START, World, target, wait_for, waits};
use countersign::Clock;
use countersign_delivery::Policy;
use countersign_store::{Attempt, DeliveryState, Lease, Next, Options, Settled, Sqlite, Store};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_on_one_store_send_nothing_twice() {
    let slow = Step::Slow(Duration::from_millis(3), 200);
    let (world, receiver) = (World::new(), Receiver::steps(&[slow]).await);
    world.put(vec![("up", Some(target(&receiver, Policy::default())))]);
    world.publish_many((0..300).map(|n| format!("msg_{n}")), &["up"]).await;
    // As two processes have it: each opens the file for itself.
    let other = Arc::new(Sqlite::open(&world.file, Options::default()).unwrap());
    let one = world.worker("one", world.store.clone(), world.targets.clone(), 16);
    let two = world.worker("two", other, world.targets.clone(), 16);
    for n in 0..300 {
        world.until_state(&format!("msg_{n}"), DeliveryState::Done).await;
    }
    one.stop().await;
    two.stop().await;
    let mut copies: BTreeMap<String, usize> = BTreeMap::new();
    for seen in receiver.seen() {
        *copies.entry(seen.header("webhook-id").unwrap().to_owned()).or_default() += 1;
    }
    assert_eq!((copies.len(), receiver.count()), (300, 300), "no clock was moved, so no lease ran out");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_worker_had_is_taken_over_when_its_lease_ends_and_not_before() {
    let (world, receiver) = (World::new(), Receiver::steps(&[Step::Status(200)]).await);
    world.put(vec![("up", Some(target(&receiver, Policy::default())))]);
    world.publish("msg_1", &["up"]).await;
    let until = START.after(Duration::from_secs(20));
    let lease = Lease { worker: "dead".into(), max: 1, each: 1, rooms: vec![], now: START, until };
    let held = world.store.lease(lease).await.unwrap().remove(0);
    let engine = world.start(world.targets.clone(), 64);
    world.clock.pass(Duration::from_secs(19));
    // Something that is queued later arrives; so it was looked.
    world.publish("msg_2", &["up"]).await;
    world.until_state("msg_2", DeliveryState::Done).await;
    assert_eq!(receiver.count(), 1);
    world.clock.pass(Duration::from_secs(1));
    world.until_state("msg_1", DeliveryState::Done).await;
    assert_eq!(receiver.count(), 2);
    let report = Attempt { at: until, status: None, error: None, next: Next::GiveUp };
    assert_eq!(world.store.settle(held.fence, report).await.unwrap(), Settled::Fenced);
    assert_eq!(world.delivery("msg_1").await.state, DeliveryState::Done);
    engine.stop().await;
}

/// The worst that a message can do: whoever takes it dies.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_ends_every_worker_is_sent_once_more_than_its_schedule_says_and_given_up() {
    let (world, receiver) = (World::new(), Receiver::steps(&[Step::Status(200)]).await);
    let policy = Policy::default().schedule(waits(&[60_000, 60_000]));
    world.put(vec![("up", Some(target(&receiver, policy)))]);
    world.publish("msg_1", &["up"]).await;
    let lasts = Duration::from_secs(20);
    // It may have sent it before it died.
    let sent = Cell::new(0);
    let dies = async || {
        let (now, until) = (world.clock.now(), world.clock.now().after(lasts));
        let lease = Lease { worker: "dead".into(), max: 1, each: 1, rooms: vec![], now, until };
        sent.set(sent.get() + world.store.lease(lease).await.unwrap().len());
        world.clock.pass(lasts);
    };
    dies().await;
    for counted in 1..=3 {
        dies().await;
        let engine = world.start(world.targets.clone(), 64);
        let delivery = world.until("msg_1", |one| one.attempts == counted).await;
        engine.stop().await;
        assert!(delivery.error.as_deref().unwrap().starts_with("nobody reported"), "{delivery:?}");
        let (state, due) = (delivery.state, delivery.at.unix_ms() - world.clock.now().unix_ms());
        match counted {
            3 => assert_eq!(state, DeliveryState::Dead),
            _ => assert!(state == DeliveryState::Waiting && (48_000..=72_000).contains(&due), "{due}"),
        }
        world.clock.pass(Duration::from_secs(100));
    }
    dies().await;
    assert_eq!((sent.get(), receiver.count()), (4, 0), "three by the schedule, and the one that is let pass");
    // One death alone costs a delivery nothing.
    world.publish("msg_2", &["up"]).await;
    dies().await;
    let engine = world.start(world.targets.clone(), 64);
    let done = world.until_state("msg_2", DeliveryState::Done).await;
    assert_eq!((done.attempts, receiver.count()), (1, 1));
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_that_were_lost_are_counted_when_the_endpoint_is_resumed_and_by_its_own_schedule() {
    let (world, receiver) = (World::new(), Receiver::steps(&[Step::Status(200)]).await);
    world.put(vec![("up", None)]);
    world.publish("msg_1", &["up"]).await;
    for _ in 0..2 {
        let (now, until) = (world.clock.now(), world.clock.now().after(Duration::from_secs(20)));
        let lease = Lease { worker: "dead".into(), max: 1, each: 1, rooms: vec![], now, until };
        assert_eq!(world.store.lease(lease).await.unwrap().len(), 1);
        world.clock.pass(Duration::from_secs(20));
    }
    // Here the endpoint is paused still, and in the store it is not any more.
    let engine = world.start(world.targets.clone(), 64);
    world.publish("msg_2", &["up"]).await;
    let back = world.until_state("msg_1", DeliveryState::Waiting).await;
    assert_eq!(back.attempts, 0, "it is given back, and nothing is counted meanwhile");
    world.put(vec![("up", Some(target(&receiver, Policy::default().attempts(1).unwrap())))]);
    world.until_state("msg_2", DeliveryState::Done).await;
    let dead = world.until_state("msg_1", DeliveryState::Dead).await;
    assert_eq!((dead.attempts, receiver.count()), (1, 1), "one attempt and one more were made before");
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_told_to_stop_ends_what_it_began() {
    let slow = Step::Slow(Duration::from_millis(300), 200);
    let (world, receiver) = (World::new(), Receiver::steps(&[slow]).await);
    world.put(vec![("up", Some(target(&receiver, Policy::default().concurrency(2).unwrap())))]);
    world.publish_many((0..4).map(|n| format!("msg_{n}")), &["up"]).await;
    let engine = world.start(world.targets.clone(), 64);
    wait_for("two are under way", || receiver.count() == 2).await;
    engine.stop().await;
    let queued = world.store.queued().await.unwrap();
    assert_eq!((queued.leased, queued.waiting + receiver.count() as u64), (0, 4));
}
