//! Each check, and each status.

use crate::world::{OK, SECRET, Upstream, WHSEC, World, github, http, signed, signed_at, standard};
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

const BODY: &[u8] = b"{\"action\":\"opened\",\"b\":1,\"a\":2}";

#[test]
fn what_is_authentic_is_stored_byte_for_byte_and_answered_200() {
    let world = World::start(&github("a", ""));
    let body = b"{\"z\":1, \"a\":\"\xff\xfe not utf-8\",\r\n\"b\":1e5}";
    let answer = world.post("/in/a", &signed("github", SECRET, "1", body), body);
    assert_eq!((answer.status, &*answer.body), (200, &b""[..]), "{}", answer.head);
    let events = world.events();
    assert_eq!(events.len(), 1);
    assert_eq!((&*events[0].body, &*events[0].source, &*events[0].key), (&body[..], "a", "main"));
    let rows = world.audit(1);
    let (row, columns) = &rows[0];
    assert_eq!((&*row.outcome, row.status, row.event.as_ref()), ("ok", 200, Some(&events[0].id)));
    assert_eq!(columns["checks"]["signature"], "passed");
    assert_eq!(columns["checks"]["replay"], "passed");
}

#[test]
fn what_is_forwarded_is_answered_202_and_arrives_with_the_verdict() {
    let upstream = Upstream::start(OK);
    let forward = format!("forward = {{ to = \"{}\" }}", upstream.url);
    let world = World::start(&github("a", &forward));
    let mut headers = signed("github", SECRET, "1", BODY);
    headers.push(("x-github-event".into(), "issues".into()));
    assert_eq!(world.post("/in/a", &headers, BODY).status, 202);
    let seen = upstream.wait(1).remove(0);
    assert_eq!((&*seen.line, &*seen.body), ("POST /hook HTTP/1.1", BODY));
    assert_eq!(seen.all("x-countersign-verified"), ["true"]);
    assert_eq!(seen.all("x-countersign-source"), ["a"]);
    assert_eq!(seen.all("x-countersign-key"), ["main"]);
    assert_eq!(seen.all("x-countersign-event"), [&*world.events()[0].id]);
    assert_eq!(seen.all("x-github-event"), ["issues"]);
}

#[test]
fn what_is_handed_on_is_signed_by_a_scheme_that_anybody_can_verify() {
    use countersign::{Context, Head, Keyring, Registry, Request, Timestamp, Vars};
    let upstream = Upstream::start(OK);
    let more = format!("forward = {{ to = \"{}\", sign = {{ file = \"admin.txt\" }} }}", upstream.url);
    let world = World::start(&github("a", &more));
    assert_eq!(world.post("/in/a", &signed("github", SECRET, "1", BODY), BODY).status, 202);
    let seen = upstream.wait(1).remove(0);
    let mut registry = Registry::new();
    registry.add_preset("handed-on.toml", countersign_gateway::FORWARD_SCHEME).unwrap();
    let keys = Keyring::of("an-admin-token-of-some-length").unwrap();
    let verifier = registry.named("handed-on").unwrap().verifier("upstream", &keys, &Vars::new()).unwrap();
    let sent: i64 = seen.all("x-countersign-sent-at")[0].parse().unwrap();
    let judge = |headers: &[(String, String)], body: &[u8]| {
        let pairs: Vec<(&[u8], &[u8])> = headers.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes())).collect();
        let pairs = &pairs[..];
        let request = Request::new(Head::new("POST", "", &pairs), body);
        verifier.verify(&request, &Context::at(Timestamp::from_unix(sent))).code()
    };
    assert_eq!(judge(&seen.headers, &seen.body), "ok");
    assert_eq!(judge(&seen.headers, b"other"), "bad_signature");
    let mut lied = seen.headers.clone();
    lied.iter_mut()
        .filter(|(name, _)| name == "x-countersign-verified")
        .for_each(|(_, value)| *value = "false".into());
    assert_eq!(judge(&lied, &seen.body), "bad_signature");
    // And by the formula alone.
    use hmac::{Hmac, KeyInit, Mac};
    let text = format!("{}\n{sent}\ntrue\na\n", seen.all("x-countersign-event")[0]);
    let mac = Hmac::<sha2::Sha256>::new_from_slice(b"an-admin-token-of-some-length").unwrap();
    let mac = mac.chain_update(text).chain_update(BODY).finalize().into_bytes();
    assert_eq!(seen.all("x-countersign-signature"), [format!("v1={}", const_hex::encode(mac))]);
}

#[test]
fn a_duplicate_is_answered_200_and_stored_once() {
    let world = World::start(&standard("a", ""));
    let headers = signed("standard-webhooks", WHSEC, "msg_1", BODY);
    for _ in 0..3 {
        assert_eq!(world.post("/in/a", &headers, BODY).status, 200);
    }
    assert_eq!(world.events().len(), 1);
    let outcomes: Vec<_> = world.audit(3).into_iter().map(|(row, _)| row.outcome.to_string()).collect();
    assert_eq!(outcomes, ["ok", "replayed", "replayed"]);
}

#[test]
fn all_refusals_of_a_signature_are_the_same_to_the_sender() {
    let world = World::start(&standard("a", ""));
    let good = signed("standard-webhooks", WHSEC, "msg_1", BODY);
    let forged = signed("standard-webhooks", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "msg_1", BODY);
    let stale = signed_at("standard-webhooks", WHSEC, "msg_2", BODY, 1_000_000_000);
    let without: Vec<_> = good.iter().filter(|(name, _)| name != "webhook-signature").cloned().collect();
    let sent: [(_, &[u8]); 4] = [(&forged, BODY), (&stale, BODY), (&without, BODY), (&good, b"{}")];
    let answers: Vec<_> =
        sent.into_iter().map(|(headers, body)| world.post("/in/a", headers, body)).collect();
    let date =
        |head: &str| head.lines().filter(|line| !line.starts_with("date")).collect::<Vec<_>>().join("\n");
    for answer in &answers {
        assert_eq!(
            (answer.status, &answer.body, date(&answer.head)),
            (401, &answers[0].body, date(&answers[0].head))
        );
    }
    let outcomes: Vec<_> = world.audit(4).into_iter().map(|(row, _)| row.outcome.to_string()).collect();
    assert_eq!(outcomes, ["bad_signature", "stale_timestamp", "missing_signature", "bad_signature"]);
    assert!(world.events().is_empty());
}

#[test]
fn a_header_that_comes_twice_is_refused_and_what_makes_no_sense_is_400() {
    let world = World::start(&standard("a", ""));
    let mut headers = signed("standard-webhooks", WHSEC, "msg_1", BODY);
    headers.push(("webhook-id".into(), "msg_2".into()));
    assert_eq!(world.post("/in/a", &headers, BODY).status, 400);
    assert_eq!(&*world.audit(1)[0].0.outcome, "malformed_content");
    assert_eq!(
        world.send(b"POST /in/a HTTP/1.1\r\nhost: a\r\nhost: b\r\ncontent-length: 0\r\n\r\n").status,
        400
    );
    assert_eq!(world.send(b"POST /in/a HTTP/1.1\r\ncontent-length: 0\r\n\r\n").status, 400);
    assert_eq!(world.send(b"nonsense\r\n\r\n").status, 400);
}

#[test]
fn an_unknown_path_and_a_disabled_source_are_told_the_same() {
    let world = World::start(&[github("a", ""), github("b", "enabled = false")].concat());
    let headers = signed("github", SECRET, "1", BODY);
    let answers: Vec<_> = ["/in/b", "/in/c", "/in/a/", "/in%2Fa", "/IN/a", "//in/a", "/in/./a"]
        .iter()
        .map(|path| world.post(path, &headers, BODY))
        .collect();
    for answer in &answers {
        assert_eq!((answer.status, &answer.body), (404, &answers[0].body));
    }
}

#[test]
fn only_addresses_of_the_list_may_come() {
    let world = World::start(
        &[github("a", "allow_from = [\"192.0.2.0/24\"]"), github("b", "allow_from = [\"127.0.0.0/8\"]")]
            .concat(),
    );
    let headers = signed("github", SECRET, "1", BODY);
    assert_eq!(world.post("/in/a", &headers, BODY).status, 403);
    assert_eq!(world.post("/in/b", &headers, BODY).status, 200);
    let rows = world.audit(2);
    assert_eq!(
        rows.iter()
            .filter(|(row, columns)| &*row.outcome == "address" && columns["checks"]["address"] == "failed")
            .count(),
        1
    );
}

#[test]
fn a_method_that_is_not_taken_is_405() {
    let world = World::start(&github("a", ""));
    for method in ["GET", "PUT", "TRACE", "OPTIONS", "DELETE"] {
        let answer = world.send(&http(method, "/in/a", &signed("github", SECRET, "1", BODY), BODY));
        assert_eq!((answer.status, answer.header("allow")), (405, Some("post")), "{method}");
    }
}

#[test]
fn a_slow_body_is_408() {
    let world = World::with_server("body_timeout = \"1s\"", &github("a", ""));
    let mut stream = TcpStream::connect(world.at).unwrap();
    stream.write_all(b"POST /in/a HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nslow").unwrap();
    let answer = crate::world::Answer::read(&mut stream);
    assert_eq!(answer.status, 408);
    assert_eq!(&*world.audit(1)[0].0.outcome, "body_slow");
}

#[test]
fn a_body_that_says_it_is_too_long_is_413_before_it_is_read() {
    let world = World::start(&github("a", "limits = { body = \"1KiB\" }"));
    let answer = world.send(b"POST /in/a HTTP/1.1\r\nhost: x\r\ncontent-length: 1025\r\n\r\n");
    assert_eq!(answer.status, 413);
    let body = vec![b'x'; 1024];
    assert_eq!(world.post("/in/a", &signed("github", SECRET, "1", &body), &body).status, 200);
}

#[test]
fn atk_244_a_body_without_end_is_cut_at_the_limit() {
    let world = World::start(&github("a", "limits = { body = \"16KiB\" }"));
    let mut stream = TcpStream::connect(world.at).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(b"POST /in/a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n").unwrap();
    let chunk = [b"1000\r\n".as_slice(), &[b'x'; 4096], b"\r\n"].concat();
    let mut sent = 0;
    while sent < 4 << 20 && stream.write_all(&chunk).is_ok() {
        sent += chunk.len();
    }
    assert!(sent < 4 << 20, "it reads on and on");
    let rows = world.audit(1);
    assert_eq!((&*rows[0].0.outcome, rows[0].0.status), ("payload_too_large", 413));
}

#[test]
fn whoever_only_fails_waits_and_others_do_not() {
    let world = World::with_server(
        "junk = { failures = 3, per = \"60s\", addresses = 100 }",
        &[github("a", ""), github("b", "")].concat(),
    );
    let forged = signed("github", "another secret, long enough", "1", BODY);
    for _ in 0..3 {
        assert_eq!(world.post("/in/a", &forged, BODY).status, 401);
    }
    let answer = world.post("/in/a", &signed("github", SECRET, "1", BODY), BODY);
    assert_eq!(answer.status, 429, "nothing ever verified that came from there");
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(world.post("/in/b", &signed("github", SECRET, "1", BODY), BODY).status, 200, "another source");
}

#[test]
fn whoever_was_genuine_is_not_shut_out_by_what_fails_from_his_address() {
    let junk = "junk = { failures = 3, per = \"60s\", addresses = 100 }";
    let world = World::with_server(junk, &github("a", ""));
    let good = || world.post("/in/a", &signed("github", SECRET, "1", BODY), BODY).status;
    assert_eq!(good(), 200);
    let forged = signed("github", "another secret, long enough", "1", BODY);
    for _ in 0..10 {
        assert_eq!(world.post("/in/a", &forged, BODY).status, 401);
    }
    assert_eq!(good(), 200);
}

#[test]
fn a_pure_verifier_refuses_though_it_is_observed() {
    let world = World::start(&github("a", "record = \"none\"\nforward = \"none\"\nenforce = \"observe\""));
    assert_eq!(world.post("/in/a", &signed("github", SECRET, "1", BODY), BODY).status, 204);
    assert_eq!(world.post("/in/a", &signed("github", SECRET, "1", BODY), b"x").status, 401);
}

#[test]
fn what_is_observed_is_told_though_its_signature_is_good() {
    let upstream = Upstream::start(OK);
    let more = format!(
        "enforce = \"observe\"\nallow_from = [\"192.0.2.1\"]\nforward = {{ to = \"{}\" }}",
        upstream.url
    );
    let world = World::start(&github("a", &more));
    assert_eq!(world.post("/in/a", &signed("github", SECRET, "1", BODY), BODY).status, 202);
    let seen = upstream.wait(1).remove(0);
    assert_eq!(
        (seen.all("x-countersign-verified"), seen.all("x-countersign-reason"), seen.all("x-countersign-key")),
        (vec!["false"], vec!["address"], vec!["main"])
    );
}

#[test]
fn what_waits_for_a_source_that_is_switched_off_is_no_dead_letter() {
    let upstream = Upstream::start("HTTP/1.1 503 Down\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    let forward = format!("forward = {{ to = \"{}\", schedule = [\"1s\", \"1s\", \"1s\"] }}", upstream.url);
    let world = World::start(&github("a", &forward));
    assert_eq!(world.post("/in/a", &signed("github", SECRET, "1", BODY), BODY).status, 202);
    upstream.wait(1);
    world.reload(&github("a", &format!("enabled = false\n{forward}"))).unwrap();
    let waits =
        world.delivery(|delivery| delivery.error.as_deref().is_some_and(|error| error.contains("now")));
    assert_eq!(waits.state, countersign_store::DeliveryState::Waiting);
}

#[test]
fn a_budget_is_spent_by_the_authentic_alone() {
    let world = World::start(&github("a", "limits = { rate = \"2/60s\" }"));
    let forged = signed("github", "another secret, long enough", "1", BODY);
    for _ in 0..5 {
        assert_eq!(world.post("/in/a", &forged, BODY).status, 401);
    }
    let good = |n: u8| {
        let body = [n; 4];
        world.post("/in/a", &signed("github", SECRET, "1", &body), &body)
    };
    assert_eq!((good(1).status, good(2).status), (200, 200));
    let answer = good(3);
    assert_eq!(answer.status, 429);
    assert!(answer.header("retry-after").is_some());
    assert_eq!(world.events().len(), 2);
}

#[test]
fn a_pure_verifier_says_204_or_401_and_keeps_nothing() {
    let world = World::start(&github("a", "record = \"none\"\nforward = \"none\""));
    assert_eq!(world.post("/in/a", &signed("github", SECRET, "1", BODY), BODY).status, 204);
    assert_eq!(world.post("/in/a", &signed("github", SECRET, "1", BODY), b"x").status, 401);
    assert!(world.events().is_empty());
    assert_eq!(world.audit(2).len(), 2);
}

#[test]
fn what_is_observed_is_let_through_with_its_verdict() {
    let upstream = Upstream::start(OK);
    let more = format!(
        "enforce = \"observe\"\nallow_from = [\"192.0.2.1\"]\nforward = {{ to = \"{}\" }}",
        upstream.url
    );
    let world = World::start(&github("a", &more));
    let forged = signed("github", "another secret, long enough", "1", BODY);
    assert_eq!(world.post("/in/a", &forged, BODY).status, 202);
    let seen = upstream.wait(1).remove(0);
    assert_eq!(
        (seen.all("x-countersign-verified"), seen.all("x-countersign-reason")),
        (vec!["false"], vec!["address"])
    );
    assert_eq!(&*world.audit(1)[0].0.outcome, "observed/address");
}

#[test]
fn events_that_nobody_wants_are_acknowledged_and_not_kept() {
    let world = World::start(&github("a", "events = [\"issues*\"]"));
    let mut headers = signed("github", SECRET, "1", BODY);
    headers.push(("x-github-event".into(), "push".into()));
    assert_eq!(world.post("/in/a", &headers, BODY).status, 200);
    assert!(world.events().is_empty());
    assert_eq!(&*world.audit(1)[0].0.outcome, "unwanted");
    headers.last_mut().unwrap().1 = "issues".into();
    assert_eq!(world.post("/in/a", &headers, BODY).status, 200);
    assert_eq!(world.events().len(), 1);
}

#[test]
fn all_checks_together_let_the_good_one_through() {
    let upstream = Upstream::start(OK);
    let more = format!(
        "allow_from = [\"203.0.113.7\"]\nlimits = {{ body = \"64KiB\", rate = \"100/s\", concurrency = 8 }}\nforward = {{ to = \"{}\", timeout = \"5s\" }}",
        upstream.url
    );
    let world = World::with_server(
        "trusted_proxies = [\"127.0.0.0/8\"]\njunk = { failures = 5, per = \"10s\", addresses = 64 }",
        &standard("a", &more),
    );
    let mut headers = signed("standard-webhooks", WHSEC, "msg_1", BODY);
    headers.push(("x-forwarded-for".into(), "192.0.2.1, 203.0.113.7".into()));
    assert_eq!(world.post("/in/a", &headers, BODY).status, 202);
    assert_eq!(upstream.wait(1)[0].body, BODY);
    let (_, columns) = world.audit(1).remove(0);
    let checks = &columns["checks"];
    for check in ["limit", "address", "signature", "rate", "replay"] {
        assert_eq!(checks[check], "passed", "{check}");
    }
    assert_eq!((&columns["address"], &columns["peer"]), (&"203.0.113.7".into(), &"127.0.0.1".into()));
}
