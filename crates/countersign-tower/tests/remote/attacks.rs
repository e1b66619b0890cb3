//! The known attacks of the class `keyfetch`, each a test of its number. Those that are none of this room's:
//!
//! | case | where | why not here |
//! |---|---|---|
//! | ATK-159 | the mode that reads key sets | what `use`, `key_ops` and `alg` say is in the document, which is raw here |
//! | ATK-160 | the mode that reads key sets | so is which key a `kid` names |
//! | ATK-165 | the modes that read certificates | so is until when one is good; that a copy does not live for ever is ATK-168 |

use crate::harness::{Answer, GOOD, Said, Server, World};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn atk_155_a_thousand_unknown_keys_cause_one_fetch_a_cool_down() {
    let world = World::new().await;
    let url = world.server.url("keys");
    assert_eq!(world.ask("a", "first").await, "ok");
    // Ten seconds of a thousand requests, each for another key: one cool-down has passed before, none passes within.
    world.pass(31.0);
    let mut answers = std::collections::HashMap::new();
    for tenth in 0..100 {
        let crowd = (0..10).map(|i| Said::url(&url, &format!("random-{tenth}-{i}"), "x"));
        for (answer, times) in world.crowd(crowd).await {
            *answers.entry(answer.split(' ').next().unwrap().to_owned()).or_insert(0) += times;
        }
        world.pass(0.1);
    }
    assert_eq!(answers, [("unknown_key".to_owned(), 1000)].into());
    assert_eq!(world.server.seen(), 2, "the first, and one for the cool-down");
    assert_eq!(world.ask("b", "second").await, "ok", "and the keys there are still good");
    // The next cool-down has its own.
    world.pass(30.0);
    world.server.says(Answer::Keys("a first\nnew third\n"));
    assert_eq!(world.ask("random", "x").await, "unknown_key");
    assert_eq!((world.ask("new", "third").await, world.server.seen()), ("ok".into(), 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_no_copy_at_all_the_key_is_unavailable_and_the_waits_grow() {
    let world = World::new().await;
    world.server.says(Answer::Down);
    let url = world.server.url("keys");
    for _ in 0..100 {
        let crowd = (0..10).map(|i| Said::url(&url, &format!("random-{i}"), "x"));
        let answers = world.crowd(crowd).await;
        assert!(answers.keys().all(|answer| answer.starts_with("key_unavailable")), "{answers:?}");
        world.pass(0.1);
    }
    // At 0, 1, 3 and 7 seconds of ten.
    assert_eq!(world.server.seen(), 4);
}

#[tokio::test]
async fn atk_157_an_unknown_key_does_not_evict_good_ones() {
    for broken in [Answer::Down, Answer::with("500 Oops", "", "a forged"), Answer::with("200 OK", "", "")] {
        let world = World::new().await;
        assert_eq!(world.ask("a", "first").await, "ok");
        world.pass(60.0);
        world.server.says(broken);
        assert_eq!(world.ask("random", "x").await, "unknown_key (fetch/no-newer)");
        assert_eq!(world.server.seen(), 2, "it was tried");
        assert_eq!(world.ask("a", "first").await, "ok");
        assert_eq!(world.ask("random", "x").await, "unknown_key (fetch/no-newer)");
        assert_eq!(world.server.seen(), 2, "and not again at once");
    }
}

#[tokio::test]
async fn atk_161_an_oversized_or_a_slow_document_is_given_up() {
    let big = Answer::with("200 OK", "", &"a first\n".repeat(40_000));
    let endless = Answer::Raw(format!("HTTP/1.1 200 OK\r\n\r\n{}", "a first\n".repeat(40_000)));
    let huge = Answer::Raw("HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\na first\n".into());
    let silent = Answer::Late(Duration::from_secs(60), Box::new(GOOD));
    for answer in [big, endless, huge, Answer::Drip, silent] {
        let world = World::new().await;
        world.server.says(answer);
        let began = Instant::now();
        assert_eq!(world.ask("a", "first").await, "key_unavailable (fetch/failed)");
        assert!(began.elapsed() < Duration::from_secs(3), "the limit of these tests is 0.8 s");
        assert_eq!(world.server.seen(), 1);
    }
}

#[tokio::test]
async fn atk_162_a_redirect_is_no_key() {
    let world = World::new().await;
    let inside = Server::start(GOOD).await;
    for to in ["http://169.254.169.254/".to_owned(), inside.url("keys")] {
        world.server.says(Answer::with("302 Found", &format!("location: {to}\r\n"), "a first\n"));
        assert_eq!(world.ask("a", "first").await, "key_unavailable (fetch/failed)");
        world.pass(60.0);
    }
    assert_eq!((world.server.seen(), inside.seen()), (2, 0));
}

#[tokio::test]
async fn atk_163_a_key_is_not_fetched_in_the_clear() {
    let world = World::new().await;
    for url in ["http://8.8.8.8:8443/keys", "ftp://127.0.0.1/keys", "file:///etc/passwd", "keys"] {
        assert_eq!(
            world.judge(&Said::url(url, "a", "first")).await,
            "key_unavailable (fetch/refused)",
            "{url}"
        );
    }
}

#[tokio::test]
async fn atk_164_a_key_in_private_space_is_not_fetched() {
    let world = World::new().await;
    let port = world.server.port;
    for host in ["keys.example", "127.0.0.2", "[::1]", "10.0.0.1", "0x7f.2"] {
        let url = format!("https://{host}:{port}/keys");
        assert_eq!(
            world.judge(&Said::url(&url, "a", "first")).await,
            "key_unavailable (fetch/refused)",
            "{host}"
        );
    }
    // The name again: the refusal is kept as any failure is, and the name is not looked up each time.
    let url = format!("https://keys.example:{port}/keys");
    assert_eq!(world.judge(&Said::url(&url, "a", "first")).await, "key_unavailable (fetch/waiting)");
    assert_eq!(world.server.seen(), 0);
}

#[tokio::test]
async fn atk_166_made_up_urls_push_out_no_key_that_was_of_use() {
    // That a URL is a provider's is the preset's to say, before it comes here.
    let world = World::ruled(|rules| rules.documents = 8).await;
    assert_eq!(world.ask("a", "first").await, "ok");
    for i in 0..300 {
        let url = world.server.url(&format!("keys?{i}"));
        assert_eq!(world.judge(&Said::url(&url, "random", "x")).await, "unknown_key");
    }
    let seen = world.server.seen();
    assert_eq!(world.ask("a", "first").await, "ok");
    assert_eq!(world.server.seen(), seen, "it is here still");
    let first = world.server.url("keys?0");
    assert_eq!(world.judge(&Said::url(&first, "random", "x")).await, "unknown_key");
    assert_eq!(world.server.seen(), seen + 1, "the made-up ones are not");
}

#[tokio::test]
async fn atk_167_a_page_is_no_key_and_is_not_kept() {
    for page in [
        Answer::with("200 OK", "content-type: text/html; charset=utf-8\r\n", "a first\n"),
        Answer::with("200 OK", "", "\n  <!doctype html>a first\n"),
        Answer::with("200 OK", "", "   "),
    ] {
        let world = World::new().await;
        world.server.says(page);
        assert_eq!(world.ask("a", "first").await, "key_unavailable (fetch/no-key)");
        world.server.says(GOOD);
        world.pass(1.0);
        assert_eq!(world.ask("a", "first").await, "ok");
    }
}

#[tokio::test]
async fn atk_168_a_key_that_was_taken_back_is_forgotten_whatever_the_server_said() {
    let world = World::new().await;
    world.server.says(Answer::with("200 OK", "cache-control: max-age=31536000\r\n", "a first\nold gone\n"));
    assert_eq!(world.ask("old", "gone").await, "ok");
    world.server.says(GOOD);
    world.pass(3599.0);
    assert_eq!((world.ask("old", "gone").await, world.server.seen()), ("ok".into(), 1));
    world.pass(1.0);
    assert_eq!((world.ask("old", "gone").await, world.server.seen()), ("unknown_key".into(), 2));
}
