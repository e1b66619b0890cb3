//! Nothing lost on its way out: a gateway is killed at random moments, again and again, while it sends to receivers that fail. Every
//! message that was published arrives at every endpoint, byte for byte and signed, or is a dead letter that was attempted as often as
//! the schedule says.
//!
//! What a kill costs is one attempt for each delivery that was under way: made, and its report lost. The first of a delivery is let
//! pass, and made again under the same number; every other is counted as an attempt that failed. So a receiver sees of one delivery at most
//! as many attempts as the schedule has and one, however many processes were killed while they sent it.
//!
//! The long form: `MESSAGES=10000 cargo test --release -p countersign-cli --test kill_send -- --nocapture`
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "common/flaky.rs"]
mod flaky;
#[path = "common/gateway.rs"]
mod gateway;
#[path = "common/sending.rs"]
mod sending;

use countersign_store::{Delivery, DeliveryState};
use flaky::{Flaky, Said, Seen};
use gateway::Chance;
use sending::{LEASE, Place, body, deliveries, id, settle};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const ENDPOINTS: [&str; 2] = ["books", "mail"];
const PUBLISHERS: u64 = 6;

/// Waits between attempts: there are four of these.
const WAITS: [&str; 3] = ["1s", "1s", "1s"];
const ATTEMPTS: u32 = 4;

/// Every third fails somehow, and every tenth takes a while: the same in every run.
fn flaky(number: u64) -> Said {
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15 ^ (number + 1));
    chance.next();
    match chance.next() % 100 {
        0..15 => Said::No(500),
        15..20 => Said::No(503),
        20..28 => Said::Reset,
        28..36 => Said::HangUp,
        36..46 => Said::Yes(Duration::from_millis(50 + chance.next() % 200)),
        _ => Said::Yes(Duration::ZERO),
    }
}

#[test]
fn what_was_published_arrives_or_is_a_dead_letter_whenever_the_gateway_is_killed() {
    let messages: u64 = std::env::var("MESSAGES").ok().and_then(|count| count.parse().ok()).unwrap_or(300);
    let kills = (messages / 100).max(6);
    let (folder, place, receiver) = (tempfile::tempdir().unwrap(), Place::free(), Flaky::start(flaky));
    let began = Instant::now();
    let mut gateway = place.start(folder.path(), 0, &WAITS);
    place.declare();
    for name in ENDPOINTS {
        receiver.verify(name, &place.add_endpoint(name, &receiver.url(name), 8));
    }
    let publishing = Arc::new(Publishing::default());
    publishing.released.store(messages / kills, Ordering::SeqCst);
    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|_| {
            let publishing = publishing.clone();
            std::thread::spawn(move || publishing.publish(place, messages))
        })
        .collect();
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15 ^ u64::from(std::process::id()));
    for life in 1..=kills {
        std::thread::sleep(Duration::from_micros(chance.next() % 800_000));
        gateway.kill();
        // Each life has its share to publish, so that every kill finds something.
        publishing.released.store(messages * (life + 1) / kills, Ordering::SeqCst);
        gateway = place.start(folder.path(), life, &WAITS);
    }
    publishers.into_iter().for_each(|publisher| publisher.join().unwrap());
    // What the last one had that was killed is taken over when its lease ends, and may fail then.
    settle(folder.path(), Duration::from_secs(120 + messages / 20));
    gateway.kill();

    let (held, seen) = (deliveries(folder.path()), receiver.seen());
    assert_eq!(held.len() as u64, messages * ENDPOINTS.len() as u64, "a message went to each, once");
    let figures = check(&held, &seen, messages);
    assert!(figures.uncounted.keys().any(|more| *more > 0), "no kill found anything under way: {figures:?}");
    println!(
        "{kills} kills, {messages} messages to {} endpoints in {:.0?}: {publishing:?}, {} requests came, {figures:#?}",
        ENDPOINTS.len(),
        began.elapsed(),
        seen.len()
    );
}

/// How publishing goes.
#[derive(Debug, Default)]
struct Publishing {
    next: AtomicU64,
    /// How many may be published by now.
    released: AtomicU64,
    answered: AtomicU64,
    /// No answer: asked again.
    unanswered: AtomicU64,
    /// Asked again, it was there already.
    repeated: AtomicU64,
}

impl Publishing {
    /// Publish message after message, each until it is known to be written.
    fn publish(&self, place: Place, messages: u64) {
        loop {
            let number = self.next.fetch_add(1, Ordering::SeqCst);
            if number >= messages {
                return;
            }
            while self.released.load(Ordering::SeqCst) <= number {
                std::thread::sleep(Duration::from_millis(2));
            }
            let count = loop {
                match place.publish(number) {
                    Some((200, false)) => break &self.answered,
                    Some((200, true)) => break &self.repeated,
                    Some((503, _)) | None => {
                        self.unanswered.fetch_add(1, Ordering::SeqCst);
                        std::thread::sleep(Duration::from_millis(2));
                    }
                    Some((status, _)) => panic!("{} was answered {status}", id(number)),
                }
            };
            count.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[derive(Debug, Default)]
struct Figures {
    arrived: u64,
    dead: u64,
    /// Dead letters of which the receiver took a copy, whose report was lost.
    dead_though_it_arrived: u64,
    /// Copies after one that the receiver took.
    duplicates: usize,
    /// How many deliveries were sent so often more than is counted, or less.
    uncounted: BTreeMap<isize, u64>,
    /// Of how many an attempt was counted that nobody reported, as the last one.
    unreported: u64,
    /// The most attempts that the receiver saw of one delivery.
    most: usize,
}

/// Hold every delivery against what came of it.
fn check(held: &[Delivery], seen: &[Seen], messages: u64) -> Figures {
    let numbers: HashMap<String, u64> = (0..messages).map(|number| (id(number), number)).collect();
    let mut came: HashMap<(&str, &str), Vec<&Seen>> = HashMap::new();
    for one in seen {
        assert!(one.signed, "{} came to {} with a signature that does not verify", one.id, one.endpoint);
        assert_eq!(one.body, body(numbers[&one.id]).as_bytes(), "{}", one.id);
        came.entry((&one.endpoint, &one.id)).or_default().push(one);
    }
    let mut figures = Figures::default();
    let mut named = BTreeSet::new();
    for delivery in held {
        let name = (&*delivery.endpoint, &*delivery.event);
        assert!(numbers.contains_key(name.1) && named.insert(name), "{name:?} is there twice");
        let seen = came.remove(&name).unwrap_or_default();
        copies_are_paid_for(delivery, &seen);
        let first = seen.iter().position(|one| one.said.arrived());
        match delivery.state {
            DeliveryState::Done => {
                assert!(first.is_some(), "{name:?} is said to have arrived, and did not");
                figures.arrived += 1;
            }
            DeliveryState::Dead => {
                assert_eq!(delivery.attempts, ATTEMPTS, "{name:?} was given up early: {:?}", delivery.error);
                figures.dead += 1;
                figures.dead_though_it_arrived += u64::from(first.is_some());
            }
            state => panic!("{name:?} ended as {state:?}"),
        }
        figures.duplicates += first.map_or(0, |first| seen.len() - first - 1);
        *figures.uncounted.entry(seen.len() as isize - delivery.attempts as isize).or_default() += 1;
        figures.unreported +=
            u64::from(delivery.error.as_deref().is_some_and(|says| says.starts_with("nobody reported")));
        figures.most = figures.most.max(seen.len());
    }
    assert!(came.is_empty(), "nobody sent for: {:?}", came.keys());
    figures
}

/// No more attempts than the schedule has, and one more at most that nobody counted; and what had arrived came again from another
/// process, and only when its lease had run out.
fn copies_are_paid_for(delivery: &Delivery, seen: &[&Seen]) {
    let name = (&delivery.endpoint, &delivery.event);
    assert!(delivery.attempts <= ATTEMPTS, "{name:?}: {} attempts", delivery.attempts);
    let (sent, counted) = (seen.len(), delivery.attempts as usize);
    assert!(sent <= counted + 1, "{name:?} was sent {sent} times, and {counted} are counted");
    for pair in seen.windows(2).filter(|pair| pair[0].said.arrived()) {
        assert_ne!(pair[0].by, pair[1].by, "{name:?} was sent again by one that had an answer");
        // A request is under way a moment after its lease began: half of it is left for machines that stand still.
        let later = pair[1].at - pair[0].at;
        assert!(later > LEASE / 2, "{name:?} was sent again after {later:?}, in its lease");
    }
}

/// Every request takes a moment, so that there is always something under way.
fn steady(_: u64) -> Said {
    Said::Yes(Duration::from_millis(5))
}

#[test]
fn two_gateways_on_one_store_send_nothing_twice_unless_a_lease_has_run_out() {
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Flaky::start(steady));
    let places = [Place::free(), Place::free()];
    let first = places[0].start(folder.path(), 0, &WAITS);
    let _second = places[1].start(folder.path(), 1, &WAITS);
    places[0].declare();
    receiver.verify("books", &places[0].add_endpoint("books", &receiver.url("books"), 4));
    let publish = |numbers: std::ops::Range<u64>| {
        for number in numbers {
            assert_eq!(places[number as usize % 2].publish(number), Some((200, false)));
        }
    };
    publish(0..300);
    settle(folder.path(), Duration::from_secs(60));
    let seen = receiver.seen();
    assert_eq!(check(&deliveries(folder.path()), &seen, 300).arrived, 300);
    assert_eq!(seen.len(), 300, "both lived, so no lease ran out, and nothing came twice");
    let by = |seen: &[Seen], who: u64| seen.iter().filter(|one| one.by == who).count();
    assert!(by(&seen, 0) > 0 && by(&seen, 1) > 0, "one of them did all the work");

    // One is killed while it sends; the other takes over what it had.
    publish(300..400);
    first.kill();
    settle(folder.path(), Duration::from_secs(60));
    let (held, seen) = (deliveries(folder.path()), receiver.seen());
    let figures = check(&held, &seen, 400);
    assert_eq!(figures.arrived, 400);
    println!("two gateways sent {} and {}: {figures:?}", by(&seen, 0), by(&seen, 1));
}
