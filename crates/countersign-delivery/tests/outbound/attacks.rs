//! The class `delivery` of the corpus of attacks, and of the class `ssrf` what is kept of an answer.

use crate::deliver::Hurried;
use crate::receiver::{Receiver, Step};
use crate::world::{
    Hand, Hasty, START, World, client, message, ring, signer, signer_of, target, verifies, wait_for, waits,
};
use countersign::{Timestamp, Window};
use countersign_delivery::{End, GONE, Policy, Target, deliver};
use countersign_egress::{Client, IpNet, Looking, Lookup, Reach};
use countersign_store::{DeliveryState, Redriven, Store};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

const TEN_MINUTES: Duration = Duration::from_secs(600);

#[tokio::test(flavor = "multi_thread")]
async fn atk_275_of_what_a_receiver_answers_nothing_is_kept_but_its_status() {
    let answers = [
        (
            "HTTP/1.1 500 internal\r\nx-inside: internal\r\ncontent-length: 13\r\n\r\n\u{1b}[31minternal",
            Some(500),
        ),
        ("HTTP/1.1 404 internal\r\ncontent-length: 8\r\n\r\ninternal", Some(404)),
        ("HTTP/1.1 410 internal\r\ncontent-length: 8\r\n\r\ninternal", Some(410)),
        ("HTTP/1.1 429 internal\r\nretry-after: internal\r\ncontent-length: 0\r\n\r\n", Some(429)),
        ("HTTP/1.1 302 internal\r\nlocation: http://internal/\r\ncontent-length: 0\r\n\r\n", None),
        ("HTTP/1.1 200 OK\r\ninternal\r\n\r\n", None),
        ("internal\r\n\r\n", None),
    ];
    let world = World::new();
    for (number, (answer, status)) in answers.into_iter().enumerate() {
        let (receiver, id) = (Receiver::steps(&[Step::Raw(answer)]).await, format!("msg_{number}"));
        world.put(vec![("up", Some(target(&receiver, Policy::default().schedule(waits(&[])))))]);
        world.publish(&id, &["up"]).await;
        let engine = world.start(world.targets.clone(), 64);
        let dead = world.until_state(&id, DeliveryState::Dead).await;
        engine.stop().await;
        assert_eq!((dead.status, receiver.count()), (status, 1), "{answer:?}");
        let error = dead.error.unwrap();
        assert!(!error.contains("internal") && !error.contains(char::is_control), "{error:?}");
    }
    // Neither in the rows that are listed, nor anywhere else in the files.
    for ending in ["", "-wal"] {
        let mut file = world.file.clone().into_os_string();
        file.push(ending);
        let bytes = std::fs::read(file).unwrap();
        assert!(!bytes.windows(8).any(|eight| eight == b"internal"), "in the file{ending} of the store");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn atk_277_every_attempt_is_signed_at_its_own_time() {
    let (world, receiver) = (World::new(), Receiver::steps(&[Step::Status(500), Step::Status(200)]).await);
    world.put(vec![("up", Some(target(&receiver, Policy::default().schedule(waits(&[1000])))))]);
    world.publish("msg_1", &["up"]).await;
    let engine = world.start(world.targets.clone(), 64);
    world.until("msg_1", |delivery| delivery.attempts == 1).await;
    world.clock.pass(TEN_MINUTES);
    world.until_state("msg_1", DeliveryState::Done).await;
    engine.stop().await;
    let (seen, late) = (receiver.seen(), START.after(TEN_MINUTES));
    assert!(verifies(&seen[0], 0, START) && verifies(&seen[1], 0, late), "within five minutes");
    assert!(!verifies(&seen[0], 0, late), "the first one would be too old by now");
    assert_eq!(seen[0].header("webhook-id"), seen[1].header("webhook-id"));
    assert_eq!(seen[0].body, seen[1].body);
}

#[tokio::test(flavor = "multi_thread")]
async fn atk_278_the_id_is_the_same_in_all_attempts_and_after_a_redrive() {
    let (world, receiver) = (World::new(), Receiver::steps(&[Step::Status(500)]).await);
    world.put(vec![("up", Some(target(&receiver, Policy::default().schedule(waits(&[0, 0])))))]);
    world.publish("msg_1", &["up"]).await;
    let engine = world.start(world.targets.clone(), 64);
    let dead = world.until_state("msg_1", DeliveryState::Dead).await;
    let again = world.store.redrive(vec![(dead.id, START)], false).await.unwrap();
    assert_eq!(again, [Redriven::Queued]);
    wait_for("six attempts", || receiver.count() == 6).await;
    engine.stop().await;
    let ids: BTreeSet<_> =
        receiver.seen().iter().map(|s| s.header("webhook-id").map(str::to_owned)).collect();
    assert_eq!(ids, BTreeSet::from([Some("msg_1".to_owned())]));
}

#[test]
fn atk_280_a_line_break_in_a_header_or_in_a_url_is_refused_when_the_endpoint_is_made() {
    let build = |url: &str, name: &str, value: &str| {
        let client = Arc::new(Client::builder().build().unwrap());
        Target::builder(url, signer(), client).headers([(name, value)]).build(START).map(drop)
    };
    assert!(build("https://x.example/", "x-a", "a").is_ok());
    for bad in ["a\r\nX: 1", "a\nX: 1", "a\rX: 1", "a\0", "\u{7f}", "\n"] {
        assert!(build("https://x.example/", "x-a", bad).is_err(), "the value {bad:?}");
        assert!(build("https://x.example/", bad, "a").is_err(), "the name {bad:?}");
        assert!(build(&format!("https://x.example/{bad}"), "x-a", "a").is_err(), "the URL with {bad:?}");
    }
    assert!(build("https://x.example\r\n/in", "x-a", "a").is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn atk_281_a_thousand_failures_come_back_spread_and_never_more_at_once_than_allowed() {
    let (world, receiver) = (World::new(), Receiver::steps(&[Step::Status(500)]).await);
    world.put(vec![("up", Some(target(&receiver, Policy::default().schedule(waits(&[100_000])))))]);
    world.publish_many((0..1000).map(|n| format!("msg_{n}")), &["up"]).await;
    let engine = world.start(world.targets.clone(), 64);
    wait_for("all failed", || receiver.count() == 1000).await;
    engine.stop().await;
    assert!(receiver.most() <= 8, "{}", receiver.most());
    let mut tenths = [0; 10];
    for n in 0..1000 {
        let at = world.delivery(&format!("msg_{n}")).await.at.unix_ms() - START.unix_ms();
        assert!((80_000..=120_000).contains(&at), "{at}");
        tenths[(at as usize - 80_000) * 10 / 40_001] += 1;
    }
    assert!(tenths.iter().all(|count| *count > 50), "spread over two fifths of the wait: {tenths:?}");
}

#[tokio::test]
async fn atk_283_an_answer_without_end_ends_in_time_and_fills_no_memory() {
    let receiver =
        Receiver::steps(&[Step::EndlessHead, Step::Drip, Step::Long(1 << 30), Step::Status(200)]).await;
    let client = Arc::new(Hurried(client([receiver.port]), Duration::from_millis(500)));
    let policy = Policy::default().schedule(waits(&[1; 3]));
    let target = Target::builder(receiver.url(), signer(), client).policy(policy).build(START).unwrap();
    let report = deliver(&target, &message("msg_1"), &Hand::default(), &|| 0.5).await;
    // The third is a success: it said so before it began to talk.
    assert_eq!((report.end, report.attempts.len()), (End::Delivered, 3));
    assert!(report.attempts.iter().all(|tried| tried.took < Duration::from_secs(10)));
    assert!(receiver.written() < 64 << 20, "{} bytes were taken", receiver.written());
}

#[tokio::test(flavor = "multi_thread")]
async fn atk_284_a_client_error_is_not_tried_again_and_410_stops_the_endpoint() {
    for (status, paused) in [(400, None), (404, None), (410, Some(GONE.to_owned()))] {
        let (world, receiver) = (World::new(), Receiver::steps(&[Step::Status(status)]).await);
        world.put(vec![("up", Some(target(&receiver, Policy::default().schedule(waits(&[0; 9])))))]);
        world.endpoint("up").await;
        world.publish("msg_1", &["up"]).await;
        let engine = world.start(world.targets.clone(), 64);
        let dead = world.until_state("msg_1", DeliveryState::Dead).await;
        engine.stop().await;
        assert_eq!((dead.attempts, dead.status, receiver.count()), (1, Some(status), 1));
        assert_eq!(world.paused("up").await, paused, "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn atk_285_a_worker_that_dies_while_it_sends_costs_a_second_copy_with_the_same_id_and_no_more() {
    let (world, receiver) = (World::new(), Receiver::steps(&[Step::Hang, Step::Status(200)]).await);
    world.put(vec![("up", Some(target(&receiver, Policy::default())))]);
    world.publish("msg_1", &["up"]).await;
    let dies = world.worker("dies", world.store.clone(), world.targets.clone(), 64);
    wait_for("it is sent", || receiver.count() == 1).await;
    dies.task.abort();
    let dead = world.delivery("msg_1").await;
    assert_eq!(dead.state, DeliveryState::Leased);
    // Whoever redrives what is under way is told so.
    let again = world.store.redrive(vec![(dead.id, START)], true).await.unwrap();
    assert_eq!(again, [Redriven::Waiting]);
    let lives = world.worker("lives", world.store.clone(), world.targets.clone(), 64);
    world.publish("msg_2", &["up"]).await;
    world.until_state("msg_2", DeliveryState::Done).await;
    assert_eq!(receiver.count(), 2, "the lease of the first holds");
    world.clock.pass(Duration::from_secs(60));
    world.until_state("msg_1", DeliveryState::Done).await;
    lives.stop().await;
    let seen = receiver.seen();
    let ids: Vec<_> = seen.iter().map(|seen| seen.header("webhook-id").unwrap()).collect();
    assert_eq!(ids, ["msg_1", "msg_2", "msg_1"]);
    assert_eq!(seen[0].body, seen[2].body);
}

#[tokio::test]
async fn atk_286_every_live_secret_signs_and_one_that_is_over_never() {
    let at = |seconds: i64| Some(Timestamp::from_unix(START.unix() + seconds));
    let windows = [
        (0, Window { not_before: at(0), not_after: None }),
        (1, Window { not_before: None, not_after: at(100) }),
        (2, Window { not_before: None, not_after: at(0) }),
    ];
    let receiver = Receiver::steps(&[Step::Status(200)]).await;
    let target =
        Target::builder(receiver.url(), signer_of(&ring(&windows)), Arc::new(client([receiver.port])));
    let (target, clock) = (target.build(START).unwrap(), Hand::default());
    assert_eq!(deliver(&target, &message("msg_1"), &clock, &|| 0.5).await.end, End::Delivered);
    clock.pass(Duration::from_secs(100));
    assert_eq!(deliver(&target, &message("msg_2"), &clock, &|| 0.5).await.end, End::Delivered);
    let seen = receiver.seen();
    let who = |n: usize, at: Timestamp| [0, 1, 2].map(|key| verifies(&seen[n], key, at));
    let count = |n: usize| seen[n].header("webhook-signature").unwrap().split(' ').count();
    assert_eq!((who(0, START), count(0)), ([true, true, false], 2), "while one follows the other");
    let late = START.after(Duration::from_secs(100));
    assert_eq!((who(1, late), count(1)), ([true, false, false], 1), "the old one is over");
}

#[tokio::test(flavor = "multi_thread")]
async fn atk_287_what_is_on_the_wire_is_what_was_signed() {
    let (world, receiver) = (World::new(), Receiver::steps(&[Step::Status(200)]).await);
    world.put(vec![("up", Some(target(&receiver, Policy::default())))]);
    world.publish("msg_1", &["up"]).await;
    let engine = world.start(world.targets.clone(), 64);
    world.until_state("msg_1", DeliveryState::Done).await;
    engine.stop().await;
    let seen = &receiver.seen()[0];
    assert!(verifies(seen, 0, START));
    assert_eq!(seen.header("content-encoding"), None);
    let length = seen.header("content-length").unwrap().parse::<usize>().unwrap();
    assert_eq!((length, &seen.body[..]), (seen.body.len(), &message("msg_1").body[..]));
}

/// Every name leads to this machine.
struct Home;

impl Lookup for Home {
    fn lookup(&self, _: &str) -> Looking {
        Box::pin(async { Ok(vec!["127.0.0.1".parse().unwrap()]) })
    }
}

#[tokio::test]
async fn atk_288_a_certificate_that_nobody_vouches_for_is_a_failed_attempt() {
    use tokio_rustls::rustls::ServerConfig;
    let made = rcgen::generate_simple_self_signed(["x.example".to_owned()]).unwrap();
    let key = made.signing_key.serialize_der();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.try_into().unwrap())
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let accepted = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        acceptor.accept(stream).await.is_ok()
    });
    let network: IpNet = "127.0.0.0/8".parse().unwrap();
    let reach = Reach::public().and_network(network).and_ports(port..=port);
    let client = Arc::new(Client::builder().reach(reach).lookup(Arc::new(Home)).build().unwrap());
    let target = |url: String| {
        Target::builder(url, signer(), client.clone()).policy(Policy::default().schedule(waits(&[])))
    };
    let plain = target(format!("http://x.example:{port}/")).build(START);
    assert!(plain.err().unwrap().to_string().starts_with("scheme-refused"));
    let target = target(format!("https://x.example:{port}/")).build(START).unwrap();
    let report = deliver(&target, &message("msg_1"), &Hand::default(), &|| 0.5).await;
    assert_eq!(report.end, End::GivenUp);
    let why = report.attempts[0].error.as_deref().unwrap();
    assert!(why.starts_with("tls: `x.example`"), "{why}");
    assert!(!accepted.await.unwrap(), "nothing was said before the certificate was looked at");
}

#[tokio::test(flavor = "multi_thread")]
async fn atk_289_what_is_written_of_a_failure_holds_nothing_of_path_query_or_headers() {
    let steps =
        [Step::Status(500), Step::Reset, Step::Hang, Step::EndlessHead, Step::Status(302), Step::Status(400)];
    let (world, receiver) = (World::new(), Receiver::steps(&steps).await);
    let secret = "hunter2";
    let url = format!("{}/{secret}?token={secret}", receiver.url());
    let client = Arc::new(client([receiver.port]));
    let target = Target::builder(url, signer(), client).headers([("authorization", secret)]);
    let target = target.policy(Policy::default().schedule(waits(&[1000; 6]))).build(START).unwrap();
    assert!(!format!("{target:?}").contains(secret));
    world.put(vec![("up", Some(target))]);
    world.publish("msg_1", &["up"]).await;
    let engine = world.start(Arc::new(Hasty(world.targets.clone(), Duration::from_millis(300))), 64);
    let mut errors = Vec::new();
    for attempts in 1..=6 {
        let delivery = world.until("msg_1", |delivery| delivery.attempts == attempts).await;
        errors.push(delivery.error.unwrap());
        world.clock.pass(Duration::from_secs(2));
    }
    engine.stop().await;
    assert_eq!(errors.len(), receiver.count());
    for error in errors {
        assert!(!error.contains(secret) && !error.contains("/in") && error.chars().count() <= 200, "{error}");
    }
    let user = Target::builder(
        "https://user:hunter2@x.example/",
        signer(),
        Arc::new(Client::builder().build().unwrap()),
    );
    let says = user.build(START).err().unwrap().to_string();
    assert!(says.contains("user or a password") && !says.contains(secret), "{says}");
}
