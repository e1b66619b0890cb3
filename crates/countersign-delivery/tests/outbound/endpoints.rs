//! What an engine grants each endpoint, and when it stops sending to one.

use crate::receiver::{Receiver, Step};
use crate::world::{Hasty, START, World, target, wait_for, waits};
use countersign::Timestamp;
use countersign_delivery::{
    DEAD, DELIVERED, Endpoints, FAILED, GONE, Policy, Prepared, Schedule, Share, Stops, Unprepared,
};
use countersign_store::{DeliveryState, Store, StoredEvent};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_hangs_fills_its_own_places_and_no_other() {
    let (world, hangs, works) =
        (World::new(), Receiver::steps(&[Step::Hang]).await, Receiver::steps(&[Step::Status(200)]).await);
    world.put(vec![
        ("hangs", Some(target(&hangs, Policy::default()))),
        ("works", Some(target(&works, Policy::default()))),
    ]);
    // A hundred to the one that hangs are queued before the first to the other.
    world.publish_many((0..100).map(|n| format!("msg_h{n}")), &["hangs"]).await;
    let engine = world.start(world.targets.clone(), 64);
    wait_for("eight hang", || hangs.count() == 8).await;
    world.publish_many((0..100).map(|n| format!("msg_w{n}")), &["works"]).await;
    for n in 0..100 {
        world.until_state(&format!("msg_w{n}"), DeliveryState::Done).await;
    }
    assert_eq!((hangs.count(), hangs.most(), works.count()), (8, 8, 100));
    assert_eq!(world.store.queued().await.unwrap().leased, 8);
    engine.task.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_that_hang_and_would_fill_all_places_leave_half_of_them_to_others() {
    let (world, hangs, works) =
        (World::new(), Receiver::steps(&[Step::Hang]).await, Receiver::steps(&[Step::Status(200)]).await);
    let names = ["hangs_1", "hangs_2", "works"];
    let ready = |name: &str| target(if name == "works" { &works } else { &hangs }, Policy::default());
    world.put(names.iter().map(|name| (*name, Some(ready(name)))).collect());
    // What has waited longest is of those that hang, for as long as this test waits.
    world.publish_many((0..400).map(|n| format!("msg_h{n}")), &["hangs_1", "hangs_2"]).await;
    let hasty = Hasty(world.targets.clone(), Duration::from_millis(1500));
    let engine = world.start(Arc::new(hasty), 16);
    wait_for("they fill all places", || hangs.count() == 16).await;
    world.publish_many((0..50).map(|n| format!("msg_w{n}")), &["works"]).await;
    for n in 0..50 {
        world.until_state(&format!("msg_w{n}"), DeliveryState::Done).await;
    }
    assert!(hangs.count() < 400, "{} of 800", hangs.count());
    engine.task.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_endpoint_has_more_under_way_than_it_wants() {
    let slow = Step::Slow(Duration::from_millis(5), 200);
    for concurrency in [1, 3, 20] {
        let (world, receiver) = (World::new(), Receiver::steps(std::slice::from_ref(&slow)).await);
        let policy = Policy::default().concurrency(concurrency).unwrap();
        world.put(vec![("up", Some(target(&receiver, policy)))]);
        world.publish_many((0..60).map(|n| format!("msg_{n}")), &["up"]).await;
        let engine = world.start(world.targets.clone(), 64);
        wait_for("all arrive", || receiver.count() == 60).await;
        engine.stop().await;
        assert!(receiver.most() as u64 <= concurrency, "{} of {concurrency}", receiver.most());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_endpoints_together_have_no_more_under_way_than_the_engine_has_places() {
    let slow = Step::Slow(Duration::from_millis(5), 200);
    let (world, receiver) = (World::new(), Receiver::steps(&[slow]).await);
    let names: Vec<String> = (0..6).map(|n| format!("e{n}")).collect();
    world.put(names.iter().map(|name| (&**name, Some(target(&receiver, Policy::default())))).collect());
    let all: Vec<&str> = names.iter().map(|name| &**name).collect();
    for n in 0..10 {
        world.publish(&format!("msg_{n}"), &all).await;
    }
    let engine = world.start(world.targets.clone(), 5);
    wait_for("all arrive", || receiver.count() == 60).await;
    engine.stop().await;
    assert!(receiver.most() <= 5, "{}", receiver.most());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_is_kept_and_holds_up_no_other_endpoint() {
    let (world, slow, fast) = (
        World::new(),
        Receiver::steps(&[Step::Status(200)]).await,
        Receiver::steps(&[Step::Status(200)]).await,
    );
    let policy = Policy::default().rate(Some(20)).unwrap();
    world.put(vec![("slow", Some(target(&slow, policy))), ("fast", Some(target(&fast, Policy::default())))]);
    world.publish_many((0..31).map(|n| format!("msg_{n}")), &["slow", "fast"]).await;
    let began = Instant::now();
    let engine = world.start(world.targets.clone(), 64);
    wait_for("all arrive", || slow.count() == 31 && fast.count() == 31).await;
    engine.stop().await;
    // Thirty distances of 50 ms lie between the first and the last, however slow this machine is.
    assert!(slow.seen()[30].at - began >= Duration::from_millis(1490));
    assert!(fast.seen()[30].at < slow.seen()[30].at);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_gone_is_sent_nothing_more_until_it_is_resumed() {
    let (world, receiver) = (World::new(), Receiver::steps(&[Step::Status(410), Step::Status(200)]).await);
    let policy = Policy::default().concurrency(1).unwrap();
    world.put(vec![("up", Some(target(&receiver, policy)))]);
    world.endpoint("up").await;
    world.publish("msg_1", &["up"]).await;
    world.publish("msg_2", &["up"]).await;
    let engine = world.start(world.targets.clone(), 64);
    let dead = world.until_state("msg_1", DeliveryState::Dead).await;
    assert_eq!((dead.status, dead.attempts), (Some(410), 1));
    // The place is free only when all is written: nothing was sent in between.
    world.until_state("msg_2", DeliveryState::Held).await;
    assert_eq!(world.paused("up").await.as_deref(), Some(GONE));
    world.publish("msg_3", &["up"]).await;
    assert_eq!(world.delivery("msg_3").await.state, DeliveryState::Held);
    assert_eq!(receiver.count(), 1);
    assert!(world.store.resume("up".into(), START).await.unwrap());
    for id in ["msg_2", "msg_3"] {
        world.until_state(id, DeliveryState::Done).await;
    }
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_fails_for_longer_than_was_allowed_is_paused_if_that_was_asked_for() {
    for (after, paused) in [(Some(HOUR), true), (None, false)] {
        let (world, receiver) = (World::new(), Receiver::steps(&[Step::Status(500)]).await);
        let policy = Policy::default().schedule(waits(&[1_800_000; 5])).disable_after(after).unwrap();
        world.put(vec![("up", Some(target(&receiver, policy)))]);
        world.endpoint("up").await;
        world.publish("msg_1", &["up"]).await;
        let engine = world.start(world.targets.clone(), 64);
        for attempts in 1..=3 {
            world.until("msg_1", |delivery| delivery.attempts == attempts).await;
            if attempts < 3 {
                assert_eq!(world.paused("up").await, None, "after {attempts}");
                // Waits are spread by a fifth either way.
                world.clock.pass(HOUR * 3 / 5);
            }
        }
        if paused {
            world.until_state("msg_1", DeliveryState::Held).await;
            let why = world.paused("up").await.unwrap();
            assert_eq!(why, "failing since 2023-11-14T22:13:20Z: no attempt arrived for 1 h 12 min");
        } else {
            assert_eq!(world.delivery("msg_1").await.state, DeliveryState::Waiting);
            assert_eq!(world.paused("up").await, None);
        }
        engine.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_something_has_arrived_at_meanwhile_is_not_paused_for_its_age() {
    let world = World::new();
    let receiver = Receiver::start(|n, seen| match (n, seen.header("webhook-id")) {
        (0, _) => Step::Status(500),
        (_, Some("msg_1")) => Step::Slow(Duration::from_millis(500), 500),
        _ => Step::Status(200),
    })
    .await;
    let policy = Policy::default().schedule(waits(&[1000, 1_800_000])).disable_after(Some(HOUR)).unwrap();
    world.put(vec![("up", Some(target(&receiver, policy)))]);
    world.endpoint("up").await;
    world.publish("msg_1", &["up"]).await;
    let engine = world.start(world.targets.clone(), 64);
    world.until("msg_1", |delivery| delivery.attempts == 1).await;
    world.clock.pass(2 * HOUR);
    // Under way for half a second, leased when nothing had arrived for two hours; in that time another one arrives.
    wait_for("the second attempt", || receiver.count() == 2).await;
    world.publish("msg_2", &["up"]).await;
    world.until_state("msg_2", DeliveryState::Done).await;
    let late = world.until("msg_1", |delivery| delivery.attempts == 2).await;
    engine.stop().await;
    assert_eq!((late.state, world.paused("up").await), (DeliveryState::Waiting, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_leased_for_an_endpoint_that_is_paused_is_held_and_no_attempt_is_counted() {
    let (world, receiver) = (World::new(), Receiver::steps(&[Step::Status(200)]).await);
    world.put(vec![("up", None)]);
    world.endpoint("up").await;
    world.publish("msg_1", &["up"]).await;
    let engine = world.start(world.targets.clone(), 64);
    world.until_state("msg_1", DeliveryState::Leased).await;
    assert!(world.store.pause("up".into(), "operator".into(), START).await.unwrap());
    let held = world.until_state("msg_1", DeliveryState::Held).await;
    assert_eq!((held.attempts, receiver.count()), (0, 0));
    world.put(vec![("up", Some(target(&receiver, Policy::default())))]);
    assert!(world.store.resume("up".into(), START).await.unwrap());
    assert_eq!(world.until_state("msg_1", DeliveryState::Done).await.attempts, 1);
    engine.stop().await;
}

/// Fails in the worst way, a few times.
struct Broken {
    good: Hasty,
    panics: AtomicUsize,
}

impl Endpoints for Broken {
    fn prepare(
        &self,
        endpoint: &str,
        event: &StoredEvent,
        attempt: u32,
        now: Timestamp,
    ) -> Result<Prepared, Unprepared> {
        let left = self.panics.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        assert!(endpoint != "broken" || left.is_err(), "a defect of somebody else's");
        self.good.prepare(endpoint, event, attempt, now)
    }

    fn schedule(&self, endpoint: &str) -> Option<Schedule> {
        self.good.schedule(endpoint)
    }

    fn longest(&self) -> Duration {
        self.good.longest()
    }

    fn share(&self) -> Share {
        Share { concurrency: 1, rate: None }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_while_making_ready_costs_one_attempt_and_no_delivery() {
    let (world, receiver) = (World::new(), Receiver::steps(&[Step::Status(200)]).await);
    world.put(vec![("broken", Some(target(&receiver, Policy::default())))]);
    let good = Hasty(world.targets.clone(), Duration::from_secs(5));
    let engine = world.start(Arc::new(Broken { good, panics: AtomicUsize::new(1) }), 64);
    world.publish("msg_1", &["broken"]).await;
    let failed = world.until("msg_1", |delivery| delivery.attempts == 1).await;
    assert!(failed.error.as_deref().unwrap().starts_with("a defect: "), "{failed:?}");
    assert_eq!(failed.state, DeliveryState::Waiting);
    world.clock.pass(HOUR);
    assert_eq!(world.until_state("msg_1", DeliveryState::Done).await.attempts, 2);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_are_counted_by_endpoint_hour_and_outcome_and_written_at_the_end() {
    let steps = [Step::Status(503), Step::Status(200), Step::Status(400)];
    let (world, receiver) = (World::new(), Receiver::steps(&steps).await);
    let policy = Policy::default().schedule(waits(&[10_000])).concurrency(1).unwrap();
    world.put(vec![("up", Some(target(&receiver, policy)))]);
    world.publish("msg_1", &["up"]).await;
    let engine = world.start(world.targets.clone(), 64);
    world.until("msg_1", |delivery| delivery.attempts == 1).await;
    world.clock.pass(HOUR);
    world.until_state("msg_1", DeliveryState::Done).await;
    world.publish("msg_2", &["up"]).await;
    world.until_state("msg_2", DeliveryState::Dead).await;
    engine.stop().await;
    let hours = world.store.hours(Some("endpoint:up".into()), START, START.after(3 * HOUR)).await;
    let early =
        world.store.hours(Some("endpoint:up".into()), Timestamp::from_unix(START.unix() - 3600), START);
    let all = [early.await.unwrap(), hours.unwrap()].concat();
    let mut told: Vec<_> =
        all.iter().map(|t| (t.hour.unix(), &*t.outcome, t.count, t.micros.total())).collect();
    told.sort_unstable();
    let hour = START.unix() / 3600 * 3600;
    assert_eq!(told, [(hour, FAILED, 1, 1), (hour + 3600, DEAD, 1, 1), (hour + 3600, DELIVERED, 1, 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_are_written_while_an_engine_works() {
    let (world, receiver) = (World::new(), Receiver::steps(&[Step::Status(200)]).await);
    world.put(vec![("up", Some(target(&receiver, Policy::default())))]);
    world.publish("msg_1", &["up"]).await;
    let engine = world.start(world.targets.clone(), 64);
    let (from, to) = (Timestamp::from_unix(0), START.after(HOUR));
    for _ in 0..2000 {
        if !world.store.hours(Some("endpoint:up".into()), from, to).await.unwrap().is_empty() {
            return engine.stop().await;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nothing was written in twenty seconds");
}

#[test]
fn without_a_word_an_endpoint_is_paused_when_it_is_gone_and_never_for_its_age() {
    assert_eq!(Policy::default().stops(), Stops { gone: true, after: None });
    assert_eq!(Policy::default().share(), Share { concurrency: 8, rate: None });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_asks_for_time_gets_it_and_a_day_at_most() {
    let steps = [
        Step::With(429, "retry-after: 120\r\n"),
        Step::With(503, "Retry-After: Tue, 14 Nov 2023 22:23:20 GMT\r\n"),
        Step::With(429, "retry-after: 99999999999999999999\r\n"),
        Step::With(429, "retry-after: -1\r\n"),
        Step::With(500, "retry-after: Wed, 01 Jan 1000 00:00:00 GMT\r\n"),
    ];
    let wanted = [120..=120, 600..=600, 86_400..=86_400, 8..=12, 8..=12];
    for (step, wanted) in steps.into_iter().zip(wanted) {
        let (world, receiver) = (World::new(), Receiver::steps(&[step]).await);
        world.put(vec![("up", Some(target(&receiver, Policy::default().schedule(waits(&[10_000])))))]);
        world.publish("msg_1", &["up"]).await;
        let engine = world.start(world.targets.clone(), 64);
        let waits = world.until("msg_1", |delivery| delivery.attempts == 1).await;
        assert!(wanted.contains(&(waits.at.unix() - START.unix())), "{wanted:?} {waits:?}");
        engine.stop().await;
    }
}
