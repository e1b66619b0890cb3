//! Each rule of fetching, by what the server sees.

use crate::harness::{Answer, GOOD, Said, World, quick};
use countersign::{Clock, Context, KeyCache, KeyRequest, RequestKind};
use countersign_tower::{DETAILS, KeyFetcher, Rules};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

fn late(answer: Answer) -> Answer {
    Answer::Late(Duration::from_millis(400), Box::new(answer))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_that_want_one_document_share_one_fetch() {
    let world = World::new().await;
    world.server.says(late(GOOD));
    let url = world.server.url("keys");
    let answers = world.crowd((0..200).map(|_| Said::url(&url, "a", "first"))).await;
    assert_eq!((answers, world.server.seen()), ([("ok".into(), 200)].into(), 1));
    // And so is a failure.
    let world = World::new().await;
    world.server.says(late(Answer::Down));
    let url = world.server.url("keys");
    let answers = world.crowd((0..200).map(|_| Said::url(&url, "a", "first"))).await;
    assert_eq!(answers.values().sum::<usize>(), 200);
    assert!(answers.keys().all(|answer| answer.starts_with("key_unavailable")), "{answers:?}");
    assert_eq!(world.server.seen(), 1);
}

#[tokio::test]
async fn who_hangs_up_takes_no_fetch_with_him() {
    let world = World::new().await;
    world.server.says(late(GOOD));
    let hasty = tokio::time::timeout(Duration::from_millis(30), world.ask("a", "first")).await;
    assert!(hasty.is_err(), "it was still waiting");
    assert_eq!((world.ask("a", "first").await, world.server.seen()), ("ok".into(), 1));
}

#[tokio::test]
async fn a_copy_is_kept_for_an_hour_or_as_the_server_says() {
    for (header, seconds) in
        [("", 3600.0), ("cache-control: max-age=600\r\n", 600.0), ("cache-control: no-store\r\n", 30.0)]
    {
        let world = World::new().await;
        world.server.says(Answer::with("200 OK", header, "a first\n"));
        for (wait, fetches) in [(0.0, 1), (seconds - 1.0, 1), (1.0, 2)] {
            world.pass(wait);
            assert_eq!(world.ask("a", "first").await, "ok");
            assert_eq!(world.server.seen(), fetches, "{header} {wait}");
        }
    }
}

#[tokio::test]
async fn while_the_server_is_down_an_old_copy_serves_for_a_day() {
    let world = World::new().await;
    assert_eq!(world.ask("a", "first").await, "ok");
    world.server.says(Answer::Down);
    world.pass(3600.0);
    assert_eq!(
        (world.ask("a", "first").await, world.server.seen()),
        ("ok".into(), 2),
        "tried, and fallen back"
    );
    assert_eq!(
        (world.ask("a", "first").await, world.server.seen()),
        ("ok".into(), 2),
        "not tried again at once"
    );
    assert_eq!(world.ask("random", "x").await, "key_unavailable (fetch/waiting)", "an old copy cannot say");
    world.pass(23.0 * 3600.0);
    assert_eq!(world.ask("a", "first").await, "ok", "24 hours to the second");
    world.pass(61.0);
    assert_eq!(world.ask("a", "first").await, "key_unavailable (fetch/failed)");
    world.server.says(GOOD);
    world.pass(61.0);
    assert_eq!(world.ask("a", "first").await, "ok");
}

#[tokio::test]
async fn for_a_server_that_is_silent_one_waits_and_the_others_go_on_with_the_old_copy() {
    let world = World::new().await;
    assert_eq!(world.ask("a", "first").await, "ok");
    world.server.says(Answer::Late(Duration::from_secs(60), Box::new(GOOD)));
    world.pass(3600.0);
    assert_eq!(world.ask("a", "first").await, "ok");
    world.pass(1.0);
    let patient = tokio::spawn({
        let world = world.clone();
        async move { world.ask("a", "first").await }
    });
    world.server.reached(3).await;
    assert_eq!(world.server.seen(), 3, "tried again");
    let hasty = tokio::time::timeout(Duration::from_millis(100), world.ask("a", "first")).await;
    assert_eq!(hasty.unwrap(), "ok");
    assert_eq!(patient.await.unwrap(), "ok");
    assert_eq!(world.server.seen(), 3);
}

#[tokio::test]
async fn rules_of_nothing_at_all_still_verify() {
    let nothing = |rules: &mut Rules| {
        let (zero, limits) = (Duration::ZERO, rules.limits);
        (rules.max_age, rules.max_stale, rules.cool_down) = (zero, zero, zero);
        (rules.first_wait, rules.longest_wait, rules.documents, rules.fetches) = (zero, zero, 0, 0);
        rules.limits = limits;
    };
    let world = World::ruled(nothing).await;
    assert_eq!((world.ask("a", "first").await, world.ask("a", "first").await), ("ok".into(), "ok".into()));
    assert_eq!(world.server.seen(), 1);
}

#[tokio::test]
async fn what_failed_is_left_alone_ever_longer_and_success_forgets_it() {
    let world = World::new().await;
    world.server.says(Answer::Down);
    for (passed, seen) in [(0.0, 1), (0.9, 1), (0.1, 2), (1.9, 2), (0.1, 3), (3.9, 3), (0.1, 4), (60.0, 5)] {
        world.pass(passed);
        assert!(world.ask("a", "first").await.starts_with("key_unavailable"));
        assert_eq!(world.server.seen(), seen, "after {passed} s more");
    }
    world.pass(60.0);
    world.server.says(GOOD);
    assert_eq!(world.ask("a", "first").await, "ok");
}

#[tokio::test]
async fn a_new_key_is_noticed_once_the_cool_down_is_over() {
    let world = World::new().await;
    assert_eq!(world.ask("a", "first").await, "ok");
    world.server.says(Answer::Keys("new third\n"));
    world.pass(29.0);
    assert_eq!(world.ask("new", "third").await, "unknown_key (fetch/no-newer)");
    world.pass(1.0);
    assert_eq!((world.ask("new", "third").await, world.server.seen()), ("ok".into(), 2));
    assert_eq!(world.ask("a", "first").await, "unknown_key", "what the server took back is gone");
}

#[tokio::test]
async fn a_copy_is_as_old_as_the_question_that_it_answers() {
    let world = World::new().await;
    world.server.says(late(GOOD));
    let began = world.clock.now();
    let asking = tokio::spawn({
        let world = world.clone();
        async move { world.ask("a", "first").await }
    });
    world.server.reached(1).await;
    world.pass(2.0);
    assert_eq!(asking.await.unwrap(), "ok");
    let copy = world.fetcher.get(RequestKind::Url, &world.server.url("keys")).unwrap();
    assert_eq!((copy.fetched_at, world.server.seen()), (began, 1));
}

#[tokio::test]
async fn an_operators_hosts_are_the_only_ones() {
    let world =
        World::ruled(|rules| rules.hosts = vec!["Keys.Example".into(), "*.keys.example".into()]).await;
    assert_eq!(world.ask("a", "first").await, "key_unavailable (fetch/refused)");
    assert_eq!(world.server.seen(), 0);
    let world = World::ruled(|rules| rules.hosts = vec!["127.0.0.1".into()]).await;
    assert_eq!(world.ask("a", "first").await, "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fetches_at_the_same_time_are_counted_and_known_documents_have_a_quarter_to_themselves() {
    let world = World::ruled(|rules| rules.fetches = 4).await;
    assert_eq!(world.ask("a", "first").await, "ok");
    world.pass(3600.0);
    world.server.says(late(GOOD));
    let strangers = (0..20).map(|i| Said::url(&world.server.url(&format!("other/{i}")), "a", "first"));
    let crowd = tokio::spawn({
        let (world, strangers) = (world.clone(), strangers.collect::<Vec<_>>());
        async move { world.crowd(strangers).await }
    });
    world.server.reached(1 + 3).await;
    assert_eq!(world.ask("a", "first").await, "ok", "the known one is had anew");
    let answers = crowd.await.unwrap();
    assert_eq!(answers, [("ok".into(), 3), ("key_unavailable (fetch/busy)".into(), 17)].into());
    assert_eq!(world.server.seen(), 1 + 3 + 1);
}

#[tokio::test]
async fn a_clock_that_was_set_back_keeps_no_copy_for_ever() {
    let world = World::new().await;
    assert_eq!(world.ask("a", "first").await, "ok");
    world.pass(-30.0);
    assert_eq!(
        (world.ask("a", "first").await, world.server.seen()),
        ("ok".into(), 1),
        "a little is forgiven"
    );
    world.pass(-100_000.0);
    assert_eq!((world.ask("a", "first").await, world.server.seen()), ("ok".into(), 2));
}

#[tokio::test]
async fn a_named_document_comes_from_the_host_under_the_same_rules() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let source = move |name: String| {
        let turn = count.fetch_add(1, Ordering::SeqCst);
        async move {
            assert_ne!(turn, 2, "the third is a bug of the host's");
            match &*name {
                "vault" => Ok(b"a first\n".to_vec()),
                "big" => Ok(vec![b'x'; (256 << 10) + 1]),
                "slow" => std::future::pending().await,
                _ => Err("no such name".into()),
            }
        }
    };
    let world = World::built(|builder| builder.rules(quick()).named(source)).await;
    let judge = async |name| world.judge(&Said::named(name, "a", "first")).await;
    assert_eq!((judge("vault").await, judge("vault").await), ("ok".into(), "ok".into()));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert_eq!(judge("other").await, "key_unavailable (fetch/failed)");
    assert_eq!(judge("other").await, "key_unavailable (fetch/waiting)");
    assert_eq!(judge("panics").await, "key_unavailable (fetch/failed)", "and it takes nobody with it");
    world.pass(1.0);
    assert_eq!(judge("panics").await, "key_unavailable (fetch/failed)");
    assert_eq!(asked.load(Ordering::SeqCst), 4);
    for name in ["big", "slow"] {
        assert_eq!(judge(name).await, "key_unavailable (fetch/failed)", "{name}");
    }
    assert_eq!(judge(&"long".repeat(300)).await, "key_unavailable (fetch/refused)");
    assert_eq!(asked.load(Ordering::SeqCst), 6);
    // A name is no URL: what one has, the other has not.
    assert_eq!(world.judge(&Said::url("vault", "a", "first")).await, "key_unavailable (fetch/refused)");
    let none = World::new().await;
    assert_eq!(none.judge(&Said::named("vault", "a", "first")).await, "key_unavailable (fetch/no-source)");
}

#[tokio::test]
async fn a_body_in_pieces_waits_for_its_key() {
    let world = World::new().await;
    for (kid, token, code) in
        [("a", "first", "ok"), ("b", "wrong", "bad_signature"), ("c", "x", "unknown_key")]
    {
        let said = Said::url(&world.server.url("keys"), kid, token);
        let cx = Context::new(world.clock.now(), &world.fetcher);
        let mut stream = world.verifier.begin(&said.head(), &cx, 10).unwrap();
        stream.update(b"{").unwrap();
        stream.update(b"}").unwrap();
        match world.fetcher.finish(stream, world.clock.now()).await {
            Ok(verified) => assert_eq!((verified.body(), code), (&b"{}"[..], "ok")),
            Err(rejection) => assert_eq!(rejection.reason.code(), code),
        }
    }
    assert_eq!(world.server.seen(), 1);
}

#[tokio::test]
async fn a_host_may_drive_by_itself() {
    let world = World::new().await;
    let url = world.server.url("keys");
    let (wanted, has) =
        (KeyRequest::new(RequestKind::Url, &*url), || world.fetcher.get(RequestKind::Url, &url));
    assert!(has().is_none());
    world.fetcher.fetch(&wanted).await.unwrap();
    let fetched_at = has().unwrap().fetched_at;
    assert_eq!(
        (fetched_at, world.fetcher.get(RequestKind::Named, &url).is_none()),
        (world.clock.now(), true)
    );
    world.fetcher.fetch(&wanted).await.unwrap();
    let newer = wanted.clone().newer_than(fetched_at);
    assert_eq!(world.fetcher.fetch(&newer).await.unwrap_err().reason.code(), "unknown_key");
    assert_eq!(world.server.seen(), 1);
    world.pass(30.0);
    world.fetcher.fetch(&newer).await.unwrap();
    assert!(has().unwrap().fetched_at > fetched_at);
    assert_eq!(world.server.seen(), 2);
}

#[test]
fn without_a_runtime_nothing_is_fetched_and_nothing_panics() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let world = runtime.block_on(World::new());
    let said = Said::url(&world.server.url("keys"), "a", "first");
    let request = said.request();
    let mut asking = Box::pin(world.fetcher.resolve(&world.verifier, &request, world.clock.now()));
    let waker = std::task::Waker::noop();
    match asking.as_mut().poll(&mut std::task::Context::from_waker(waker)) {
        std::task::Poll::Ready(Err(rejection)) => assert_eq!(rejection.reason.code(), "key_unavailable"),
        other => panic!("{:?}", other.is_ready()),
    }
}

#[test]
fn details_are_declared_once_and_a_fetcher_goes_between_threads() {
    let mut codes: Vec<_> = DETAILS.iter().map(|(code, ..)| &**code).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), DETAILS.len());
    fn sendable<T: Send + Sync + 'static>() {}
    sendable::<KeyFetcher>();
}
