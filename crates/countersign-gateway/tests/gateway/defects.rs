//! Defects of receivers that people admire, each of which is a test that ours has not got it.

use crate::world::{OK, SECRET, Upstream, WHSEC, World, github, http, signed, signed_at, standard};
use countersign_store::DeliveryState;
use std::time::{Duration, SystemTime};

const BODY: &[u8] = b"{\"b\":1,\"a\":2}";

fn now() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() as i64
}

fn set(
    mut headers: Vec<(String, String)>,
    name: &str,
    change: impl Fn(&str) -> String,
) -> Vec<(String, String)> {
    headers.iter_mut().filter(|(known, _)| known == name).for_each(|(_, value)| *value = change(value));
    headers
}

/// The outcome of one request to a source of Standard Webhooks.
fn outcome(headers: &[(String, String)], body: &[u8]) -> (u16, String) {
    let world = World::start(&standard("a", ""));
    let status = world.post("/in/a", headers, body).status;
    (status, world.audit(1)[0].0.outcome.to_string())
}

#[test]
fn an_allow_list_does_not_open_when_the_header_is_absent() {
    let world = World::with_server(
        "trusted_proxies = [\"127.0.0.1\"]",
        &github("a", "allow_from = [\"192.0.2.0/24\"]"),
    );
    assert_eq!(world.post("/in/a", &signed("github", SECRET, "1", BODY), BODY).status, 403);
}

#[test]
fn a_body_is_measured_before_it_is_looked_at_and_413_is_what_is_answered() {
    let world = World::start(&standard("a", "limits = { body = \"1KiB\" }"));
    let body = [b"{\"type\":\"".as_slice(), &vec![b'x'; 2000], b"\"}"].concat();
    let answer = world.post("/in/a", &signed("standard-webhooks", WHSEC, "msg_1", &body), &body);
    assert_eq!(answer.status, 413);
    let (_, columns) = world.audit(1).remove(0);
    assert_eq!(
        (&columns["checks"]["limit"], &columns["checks"]["signature"]),
        (&"failed".into(), &"skipped".into())
    );
    assert!(columns.get("kind").is_none());
}

#[test]
fn all_signatures_are_tried_and_not_the_first_alone() {
    let headers = signed("standard-webhooks", WHSEC, "msg_1", BODY);
    let other = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let headers = set(headers, "webhook-signature", |good| format!("{other} {other} {good}"));
    assert_eq!(outcome(&headers, BODY), (200, "ok".into()));
}

#[test]
fn a_time_in_the_future_is_refused() {
    let headers = signed_at("standard-webhooks", WHSEC, "msg_1", BODY, now() + 3600);
    assert_eq!(outcome(&headers, BODY), (401, "future_timestamp".into()));
}

#[test]
fn a_time_that_is_none_is_not_0() {
    for time in ["soon", "", "NaN", "1e9", "0x5f", "-1"] {
        let headers =
            set(signed("standard-webhooks", WHSEC, "msg_1", BODY), "webhook-timestamp", |_| time.into());
        let (status, outcome) = outcome(&headers, BODY);
        assert!(matches!(status, 400 | 401) && outcome.ends_with("_timestamp"), "{time}: {status} {outcome}");
    }
}

#[test]
fn a_body_that_was_written_anew_does_not_verify() {
    let headers = signed("standard-webhooks", WHSEC, "msg_1", BODY);
    for body in [&b"{\"b\": 1, \"a\": 2}"[..], b"{\"a\":2,\"b\":1}", b"{\"b\":1,\"a\":2}\n"] {
        assert_eq!(outcome(&headers, body), (401, "bad_signature".into()));
    }
}

#[test]
fn neither_an_answer_nor_a_row_holds_the_signature_that_would_have_been_right() {
    let world = World::start(&github("a", ""));
    let right = signed("github", SECRET, "1", BODY).remove(0).1;
    let right = right.trim_start_matches("sha256=");
    let wrong = [("x-hub-signature-256".to_owned(), format!("sha256={}", "0".repeat(64)))];
    let answer = world.post("/in/a", &wrong, BODY);
    assert_eq!(answer.status, 401, "and no 500, at which senders come back for ever");
    let (row, columns) = world.audit(1).remove(0);
    let told = format!("{row:?} {columns} {} {}", answer.head, String::from_utf8_lossy(&answer.body));
    assert!(!told.to_lowercase().contains(right));
}

#[test]
fn an_empty_secret_is_no_secret() {
    let says = World::refused("", &github("a", "").replace("file = \"github.txt\"", "command = \"true\""));
    assert!(says.contains("source `a`") && says.contains("main"), "{says}");
    let says = World::refused("", "[[source]]\npath = \"/in/a\"\npreset = \"github\"\n");
    assert!(says.contains("secrets"), "{says}");
    let says = World::refused("", "[[source]]\npath = \"/in/a\"\npreset = \"github\"\nsecrets = []\n");
    assert!(says.contains("secrets"), "{says}");
}

#[test]
fn an_answer_without_end_poisons_nothing() {
    let long: &'static str = Box::leak(
        format!("HTTP/1.1 200 OK\r\ncontent-length: 50000000\r\n\r\n{}", "x".repeat(50_000_000))
            .into_boxed_str(),
    );
    let upstream = Upstream::answering(Box::leak(Box::new([long])));
    let world = World::start(&standard("a", &format!("forward = {{ to = \"{}\" }}", upstream.url)));
    assert_eq!(world.post("/in/a", &signed("standard-webhooks", WHSEC, "msg_1", BODY), BODY).status, 202);
    let done = world.delivery(|delivery| delivery.state == DeliveryState::Done);
    assert_eq!((done.attempts, done.status), (1, Some(200)));
}

#[test]
fn every_attempt_has_a_signature_of_its_own_and_the_same_id() {
    let upstream =
        Upstream::answering(&["HTTP/1.1 500 Oh\r\nconnection: close\r\ncontent-length: 0\r\n\r\n", OK]);
    let forward = format!(
        "forward = {{ to = \"{}\", sign = {{ file = \"admin.txt\" }}, schedule = [\"2s\"] }}",
        upstream.url
    );
    let world = World::start(&standard("a", &forward));
    assert_eq!(world.post("/in/a", &signed("standard-webhooks", WHSEC, "msg_1", BODY), BODY).status, 202);
    let seen = upstream.wait(2);
    let both = |name| (seen[0].all(name)[0], seen[1].all(name)[0]);
    let (sent, signature, event) =
        (both("x-countersign-sent-at"), both("x-countersign-signature"), both("x-countersign-event"));
    assert!(sent.0 < sent.1 && signature.0 != signature.1 && event.0 == event.1, "{sent:?}");
}

#[test]
fn a_dead_letter_that_two_send_again_is_sent_once() {
    let upstream =
        Upstream::answering(&["HTTP/1.1 500 Oh\r\nconnection: close\r\ncontent-length: 0\r\n\r\n", OK]);
    let world =
        World::start(&standard("a", &format!("forward = {{ to = \"{}\", attempts = 1 }}", upstream.url)));
    assert_eq!(world.post("/in/a", &signed("standard-webhooks", WHSEC, "msg_1", BODY), BODY).status, 202);
    let dead = world.delivery(|delivery| delivery.state == DeliveryState::Dead);
    let again: usize = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..8).map(|_| scope.spawn(|| world.try_redrive(dead.id.clone()))).collect();
        tries.into_iter().map(|tried| tried.join().unwrap()).sum()
    });
    assert_eq!(again, 1);
    world.delivery(|delivery| delivery.state == DeliveryState::Done);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(upstream.wait(2).len(), 2);
}

#[test]
fn a_path_with_an_escaped_slash_is_another_path() {
    let world = World::start(&github("a", ""));
    let request = http("POST", "/in%2fa", &signed("github", SECRET, "1", BODY), BODY);
    assert_eq!(world.send(&request).status, 404);
}
