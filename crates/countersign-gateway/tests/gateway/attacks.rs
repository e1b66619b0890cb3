//! The attack corpus, as far as it concerns a gateway: each case a test named after its id.

use crate::world::{Answer, OK, SECRET, Upstream, WHSEC, World, github, http, signed, standard};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const BODY: &[u8] = b"{\"action\":\"opened\"}";

fn good() -> Vec<(String, String)> {
    signed("github", SECRET, "1", BODY)
}

fn with(mut headers: Vec<(String, String)>, name: &str, value: &str) -> Vec<(String, String)> {
    headers.push((name.into(), value.into()));
    headers
}

fn source(name: &str, preset: &str, more: &str) -> String {
    format!(
        "[[source]]\npath = \"/in/{name}\"\nname = \"{name}\"\npreset = \"{preset}\"\nsecrets = [{{ id = \"main\", file = \"github.txt\" }}]\n{more}\n"
    )
}

// Replay.

#[test]
fn atk_112_of_64_copies_at_once_one_is_new() {
    let world = World::start(&standard("a", ""));
    let request = http("POST", "/in/a", &signed("standard-webhooks", WHSEC, "msg_1", BODY), BODY);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let (world, request) = (&world, &request);
        let sent: Vec<_> = (0..64).map(|_| scope.spawn(move || world.send(request).status)).collect();
        sent.into_iter().map(|sent| sent.join().unwrap()).collect()
    });
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    assert_eq!(world.events().len(), 1);
    let rows = world.audit(64);
    assert_eq!(rows.iter().filter(|(row, _)| &*row.outcome == "replayed").count(), 63);
}

#[test]
fn atk_117_one_id_at_two_sources_is_two_messages() {
    let world = World::start(&[standard("a", ""), standard("b", "")].concat());
    let headers = signed("standard-webhooks", WHSEC, "msg_1", BODY);
    assert_eq!(
        (world.post("/in/a", &headers, BODY).status, world.post("/in/b", &headers, BODY).status),
        (200, 200)
    );
    assert_eq!(world.events().len(), 2);
    // That they have one secret is told to the operator.
    assert!(world.warnings.iter().any(|warning| warning.code.code() == "shared_secret"));
}

#[test]
fn atk_118_a_restart_forgets_nothing() {
    let world = World::start(&standard("a", ""));
    let headers = signed("standard-webhooks", WHSEC, "msg_1", BODY);
    assert_eq!(world.post("/in/a", &headers, BODY).status, 200);
    let world = World::again(world.stop());
    assert_eq!(world.post("/in/a", &headers, BODY).status, 200);
    assert_eq!(world.events().len(), 1);
    assert!(world.audit(2).iter().any(|(row, _)| &*row.outcome == "replayed"));
}

#[test]
fn atk_120_what_failed_downstream_is_delivered_later_and_the_senders_retry_is_no_second_event() {
    let upstream =
        Upstream::answering(&["HTTP/1.1 500 Oh\r\nconnection: close\r\ncontent-length: 0\r\n\r\n", OK]);
    let forward = format!("forward = {{ to = \"{}\", schedule = [\"1s\"] }}", upstream.url);
    let world = World::start(&standard("a", &forward));
    let headers = signed("standard-webhooks", WHSEC, "msg_1", BODY);
    assert_eq!(world.post("/in/a", &headers, BODY).status, 202);
    assert_eq!(world.post("/in/a", &headers, BODY).status, 200);
    let seen = upstream.wait(2);
    assert!(seen.iter().all(|seen| seen.body == BODY));
    assert_eq!(
        (seen[0].all("x-countersign-attempt"), seen[1].all("x-countersign-attempt")),
        (vec!["1"], vec!["2"])
    );
    assert_eq!(seen[0].all("x-countersign-event"), seen[1].all("x-countersign-event"));
}

#[test]
fn atk_121_a_duplicate_hears_200_only_behind_a_valid_signature_and_is_not_forwarded() {
    let upstream = Upstream::start(OK);
    let world = World::start(&standard("a", &format!("forward = {{ to = \"{}\" }}", upstream.url)));
    let headers = signed("standard-webhooks", WHSEC, "msg_1", BODY);
    assert_eq!(world.post("/in/a", &headers, BODY).status, 202);
    assert_eq!(world.post("/in/a", &headers, BODY).status, 200);
    assert_eq!(world.post("/in/a", &headers, b"{}").status, 401);
    upstream.wait(1);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(upstream.wait(1).len(), 1);
}

#[test]
fn atk_122_two_equal_bodies_without_an_id_are_two_events() {
    let world = World::start(&github("a", ""));
    assert_eq!(
        (world.post("/in/a", &good(), BODY).status, world.post("/in/a", &good(), BODY).status),
        (200, 200)
    );
    assert_eq!(world.events().len(), 2);
}

// Challenges.

#[test]
fn atk_210_a_challenge_is_no_signing_oracle() {
    let world = World::start(&source("a", "x-twitter", ""));
    let asked = world.send(&http("GET", "/in/a?crc_token=%7B%22for_user_id%22%3A%221%22%7D", &[], b""));
    assert!(
        asked.status >= 400 && !asked.body.windows(7).any(|seven| seven == b"sha256="),
        "{}",
        asked.status
    );
    let answered = world.send(&http("GET", "/in/a?crc_token=abc123", &[], b""));
    assert_eq!((answered.status, answered.body.starts_with(b"{\"response_token\":\"sha256=")), (200, true));
}

#[test]
fn atk_211_an_echo_is_plain_text_and_no_markup() {
    let world =
        World::start(&source("a", "meta-graph", "vars = { verify_token = { file = \"github.txt\" } }"));
    let ask = |challenge: &str, token: &str| {
        let path = format!("/in/a?hub.mode=subscribe&hub.verify_token={token}&hub.challenge={challenge}");
        world.send(&http("GET", &path, &[], b""))
    };
    let markup = ask("%3Cscript%3Ealert(1)%3C%2Fscript%3E", SECRET);
    assert!(markup.status >= 400 && !markup.body.contains(&b'<'));
    let echo = ask("1158201444", SECRET);
    assert_eq!((echo.status, &*echo.body), (200, &b"1158201444"[..]));
    assert!(echo.header("content-type").unwrap().starts_with("text/plain"));
    assert_eq!(echo.header("x-content-type-options"), Some("nosniff"));
}

#[test]
fn atk_212_a_challenge_with_the_wrong_token_is_not_answered() {
    let world =
        World::start(&source("a", "meta-graph", "vars = { verify_token = { file = \"github.txt\" } }"));
    for token in ["wrong", "", "github-secret-of-the-test", "github-secret-of-the-tests2"] {
        let path = format!("/in/a?hub.mode=subscribe&hub.verify_token={token}&hub.challenge=1158201444");
        let answer = world.send(&http("GET", &path, &[], b""));
        assert!(answer.status >= 400 && !answer.body.starts_with(b"1158"), "{token}");
    }
}

#[test]
fn atk_213_a_challenge_takes_the_same_way_as_every_request() {
    let world = World::start(&source("a", "x-twitter", "allow_from = [\"192.0.2.1\"]"));
    assert_eq!(world.send(&http("GET", "/in/a?crc_token=abc", &[], b"")).status, 403);
    let world = World::start(&source("a", "slack", "limits = { body = \"64KiB\" }"));
    let body = [b"{\"type\":\"url_verification\",\"challenge\":\"".as_slice(), &vec![b'a'; 10 << 20], b"\"}"]
        .concat();
    assert_eq!(world.post("/in/a", &[], &body).status, 413);
    let rows = world.audit(1);
    assert_eq!((&*rows[0].0.outcome, rows[0].0.status), ("payload_too_large", 413));
}

#[test]
fn atk_214_a_challenge_that_should_be_signed_is_not_answered_unsigned() {
    let world = World::start(&source("a", "slack", ""));
    let body = b"{\"type\":\"url_verification\",\"challenge\":\"abc\"}";
    let unsigned = world.post("/in/a", &[], body);
    assert_eq!((unsigned.status, unsigned.body.windows(3).any(|three| three == b"abc")), (401, false));
    let answer = world.post("/in/a", &signed("slack", SECRET, "1", body), body);
    assert_eq!((answer.status, &*answer.body), (200, &b"abc"[..]));
    assert!(world.events().is_empty(), "a challenge is no event");
}

#[test]
fn atk_215_whoever_asks_for_an_origin_hears_of_the_one_that_is_named() {
    let source = "[[source]]\npath = \"/in/a\"\npreset = \"azure-event-grid\"\nvars = { tenant = \"72f988bf-86f1-41af-91ab-2d7cd011db47\", audience = \"api://x\" }\nrequire_bound = []\n";
    let world = World::start(source);
    let ask = |origin: &str| {
        world.send(&http("OPTIONS", "/in/a", &[("webhook-request-origin".into(), origin.into())], b""))
    };
    let evil = ask("evil.example");
    assert!(evil.status >= 400 && evil.header("webhook-allowed-origin").is_none());
    assert_eq!(ask("eventgrid.azure.net").header("webhook-allowed-origin"), Some("eventgrid.azure.net"));
}

// Handing on.

#[test]
fn atk_224_nobody_speaks_in_our_name() {
    let upstream = Upstream::start(OK);
    let world = World::start(&github("a", &format!("forward = {{ to = \"{}\" }}", upstream.url)));
    let spoofed = with(with(good(), "X-Countersign-Verified", "true"), "x-countersign-anything", "yes");
    assert_eq!(world.post("/in/a", &spoofed, BODY).status, 202);
    let seen = upstream.wait(1).remove(0);
    assert_eq!(
        (seen.all("x-countersign-verified"), seen.all("x-countersign-anything")),
        (vec!["true"], vec![])
    );
    let forged =
        with(signed("github", "another-secret-long-enough", "1", BODY), "x-countersign-verified", "true");
    assert_eq!(world.post("/in/a", &forged, BODY).status, 401);
    assert_eq!(upstream.wait(1).len(), 1);
}

#[test]
fn atk_224_nobody_speaks_in_our_name_by_another_spelling_or_in_the_operators() {
    let upstream = Upstream::start(OK);
    let more = format!("forward = {{ to = \"{}\", headers = {{ \"x-tenant\" = \"acme\" }} }}", upstream.url);
    let world = World::start(&github("a", &more));
    let spoofed = with(with(good(), "X_Countersign_Verified", "true"), "x-tenant", "evil");
    assert_eq!(world.post("/in/a", &spoofed, BODY).status, 202);
    let seen = upstream.wait(1).remove(0);
    assert!(seen.all("x_countersign_verified").is_empty());
    assert_eq!(seen.all("x-tenant"), ["acme"]);
}

#[test]
fn atk_227_two_lengths_are_no_request() {
    let world = World::start(&github("a", ""));
    for head in [
        "content-length: +5\r\n",
        "content-length: 5\r\ncontent-length: 6\r\n",
        "content-length: 5, 6\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding: identity\r\n",
        "content-length: 5x\r\n",
    ] {
        let answer = world.send(format!("POST /in/a HTTP/1.1\r\nhost: x\r\n{head}\r\nhello").as_bytes());
        assert_eq!(answer.status, 400, "{head}");
    }
}

/// RFC 9112, 6.3: chunked overrides a length, and the connection is closed behind it, so that what follows is no request.
#[test]
fn atk_227_of_a_length_and_chunks_the_chunks_count_and_nothing_behind_them() {
    let world = World::start(&github("a", ""));
    let smuggled = "POST /in/a HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nPOST /in/a HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n";
    let mut stream = TcpStream::connect(world.at).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(smuggled.as_bytes()).unwrap();
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    assert_eq!(String::from_utf8_lossy(&all).matches("HTTP/1.1").count(), 1);
}

#[test]
fn atk_228_a_chunked_body_is_handed_on_whole_and_plain() {
    let upstream = Upstream::start(OK);
    let world = World::start(&github("a", &format!("forward = {{ to = \"{}\" }}", upstream.url)));
    let (name, value) = good().remove(0);
    let (one, two) = BODY.split_at(7);
    let mut request =
        format!("POST /in/a HTTP/1.1\r\nhost: x\r\n{name}: {value}\r\ntransfer-encoding: chunked\r\n\r\n")
            .into_bytes();
    for piece in [one, two] {
        request.extend([format!("{:x};ext=\"a;b\"\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat());
    }
    request.extend_from_slice(b"0\r\n\r\n");
    assert_eq!(world.send(&request).status, 202);
    let seen = upstream.wait(1).remove(0);
    assert_eq!(
        (&*seen.body, seen.all("content-length"), seen.all("transfer-encoding")),
        (BODY, vec!["19"], vec![])
    );
}

#[test]
fn atk_229_what_is_handed_on_is_what_was_verified() {
    use sha2::Digest;
    let upstream = Upstream::start(OK);
    let world = World::start(&github("a", &format!("forward = {{ to = \"{}\" }}", upstream.url)));
    assert_eq!(world.post("/in/a", &good(), BODY).status, 202);
    let digest = const_hex::encode(sha2::Sha256::digest(&upstream.wait(1)[0].body));
    assert_eq!(world.audit(1)[0].1["body_sha256"], digest);
}

#[test]
fn atk_230_credentials_go_no_further() {
    let upstream = Upstream::start(OK);
    let forward = format!("forward = {{ to = \"{}?own=1\", pass_query = true }}", upstream.url);
    let world = World::start(&github("a", &forward));
    let mut headers = good();
    for (name, value) in [
        ("authorization", "Bearer abc"),
        ("cookie", "a=b"),
        ("x-api-key", "k"),
        ("x-gitlab-token", "t"),
        ("proxy-authorization", "p"),
    ] {
        headers.push((name.into(), value.into()));
    }
    let answer = world.send(&http("POST", "/in/a?token=hunter2&%74oken=hunter2&page=2", &headers, BODY));
    assert_eq!(answer.status, 202);
    let seen = upstream.wait(1).remove(0);
    assert_eq!(seen.line, "POST /hook?own=1&token=withheld&%74oken=withheld&page=2 HTTP/1.1");
    for name in ["authorization", "cookie", "x-api-key", "x-gitlab-token", "proxy-authorization"] {
        assert!(seen.all(name).is_empty(), "{name}");
    }
    let kept = String::from_utf8(world.events()[0].head.to_vec()).unwrap();
    assert!(!["hunter2", "Bearer", "a=b"].iter().any(|secret| kept.contains(secret)), "{kept}");
}

#[test]
fn a_credential_goes_further_to_the_target_that_asks_for_it_and_to_no_other() {
    let (one, two) = (Upstream::start(OK), Upstream::start(OK));
    let forward = format!(
        "forward = [{{ name = \"one\", to = \"{}\", pass_headers = [\"x-tenant-token\"] }}, {{ name = \"two\", to = \"{}\" }}]",
        one.url, two.url
    );
    let world = World::start(&github("a", &forward));
    assert_eq!(world.post("/in/a", &with(good(), "x-tenant-token", "t1"), BODY).status, 202);
    assert_eq!(one.wait(1)[0].all("x-tenant-token"), ["t1"]);
    assert!(two.wait(1)[0].all("x-tenant-token").is_empty());
}

#[test]
fn atk_231_the_upstreams_answer_is_not_the_senders() {
    let upstream = Upstream::start(
        "HTTP/1.1 500 Oh\r\nset-cookie: a=b\r\nserver: secret/1\r\nconnection: close\r\ncontent-length: 5\r\n\r\ntrace",
    );
    let world = World::start(&github("a", &format!("forward = {{ to = \"{}\" }}", upstream.url)));
    let answer = world.post("/in/a", &good(), BODY);
    assert_eq!((answer.status, &*answer.body), (202, &b""[..]));
    assert!(!answer.head.contains("cookie") && !answer.head.contains("server"));
}

#[test]
fn atk_232_a_value_with_a_line_break_is_no_header() {
    let upstream = Upstream::start(OK);
    let world = World::start(&standard("a", &format!("forward = {{ to = \"{}\" }}", upstream.url)));
    let body = b"{\"type\":\"a\\r\\nX-Evil: 1\"}";
    assert_eq!(world.post("/in/a", &signed("standard-webhooks", WHSEC, "msg_1", body), body).status, 202);
    let seen = upstream.wait(1).remove(0);
    assert!(seen.all("x-evil").is_empty());
    assert_eq!(seen.all("x-countersign-type"), ["a%0D%0AX-Evil:%201"]);
}

#[test]
fn atk_233_upgrades_are_ignored_and_other_methods_refused() {
    let upstream = Upstream::start(OK);
    let world = World::start(&github("a", &format!("forward = {{ to = \"{}\" }}", upstream.url)));
    let upgrade = with(with(good(), "connection", "upgrade"), "upgrade", "websocket");
    assert_eq!(world.post("/in/a", &upgrade, BODY).status, 202);
    let seen = upstream.wait(1).remove(0);
    assert!(seen.all("upgrade").is_empty() && seen.all("connection").is_empty());
    assert_eq!(world.send(&http("TRACE", "/in/a", &good(), BODY)).status, 405);
    assert!(world.send(b"CONNECT evil.example:443 HTTP/1.1\r\nhost: evil.example:443\r\n\r\n").status >= 400);
    // Told to go on only once nothing is known to be against it.
    let limited = World::start(&github("a", "limits = { body = \"1KiB\" }"));
    let answer = limited
        .send(b"POST /in/a HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 9999\r\n\r\n");
    assert_eq!(answer.status, 413);
}

/// HTTP/2 is not spoken: its preface is no request.
#[test]
fn atk_234_http2_is_not_spoken() {
    let world = World::start(&github("a", ""));
    let answer = world.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert!(matches!(answer.status, 0 | 400 | 505), "{}", answer.status);
    assert_eq!(world.post("/in/a", &good(), BODY).status, 200);
}

// Who may come.

#[test]
fn atk_235_the_left_most_hop_is_anybodys_word() {
    let world = World::start(&github("a", "allow_from = [\"192.0.2.1\"]"));
    assert_eq!(world.post("/in/a", &with(good(), "x-forwarded-for", "192.0.2.1"), BODY).status, 403);
    let world =
        World::with_server("trusted_proxies = [\"127.0.0.1\"]", &github("a", "allow_from = [\"192.0.2.1\"]"));
    assert_eq!(
        world.post("/in/a", &with(good(), "x-forwarded-for", "192.0.2.1, 198.51.100.9"), BODY).status,
        403
    );
    assert_eq!(
        world.post("/in/a", &with(good(), "x-forwarded-for", "198.51.100.9, 192.0.2.1"), BODY).status,
        200
    );
}

#[test]
fn atk_237_a_hop_that_cannot_be_read_ends_the_walk() {
    let world =
        World::with_server("trusted_proxies = [\"127.0.0.1\"]", &github("a", "allow_from = [\"1.2.3.4\"]"));
    for hops in ["1.2.3.4, garbage", "1.2.3.4, ", "1.2.3.4, [::1]:80", "1.2.3.4, unknown"] {
        assert_eq!(world.post("/in/a", &with(good(), "x-forwarded-for", hops), BODY).status, 403, "{hops}");
    }
}

#[test]
fn atk_240_a_proxy_line_is_no_request() {
    let world = World::start(&github("a", ""));
    let mut request = b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n".to_vec();
    request.extend(http("POST", "/in/a", &good(), BODY));
    assert!(matches!(world.send(&request).status, 0 | 400));
    assert!(world.events().is_empty());
}

#[test]
fn atk_242_whoever_forges_spends_nobody_elses_budget() {
    let world = World::with_server(
        "trusted_proxies = [\"127.0.0.1\"]\njunk = { failures = 5, per = \"60s\", addresses = 10 }",
        &github("a", "limits = { rate = \"3/60s\" }"),
    );
    let forged =
        with(signed("github", "another-secret-long-enough", "1", BODY), "x-forwarded-for", "203.0.113.1");
    let statuses: Vec<_> = (0..200).map(|_| world.post("/in/a", &forged, BODY).status).collect();
    assert_eq!((statuses[0], statuses[199]), (401, 429));
    assert_eq!(world.post("/in/a", &with(good(), "x-forwarded-for", "203.0.113.2"), BODY).status, 200);
}

#[test]
fn atk_243_a_header_is_no_client_certificate() {
    let world = World::start(&github("a", ""));
    let headers = [("x-ssl-client-verify".into(), "SUCCESS".into())];
    assert_eq!(world.post("/in/a", &headers, BODY).status, 401);
    assert_eq!(&*world.audit(1)[0].0.outcome, "missing_signature");
}

// Too much.

#[test]
fn atk_246_slow_heads_and_bodies_are_given_up() {
    let world = World::with_server("header_timeout = \"1s\"\nbody_timeout = \"1s\"", &github("a", ""));
    let start = Instant::now();
    let mut head = TcpStream::connect(world.at).unwrap();
    head.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    head.write_all(b"POST /in/a HT").unwrap();
    let mut rest = Vec::new();
    let _ = head.read_to_end(&mut rest);
    let mut body = TcpStream::connect(world.at).unwrap();
    body.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    body.write_all(b"POST /in/a HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\n").unwrap();
    let mut drip = body.try_clone().unwrap();
    std::thread::spawn(move || {
        while drip.write_all(b"x").is_ok() {
            std::thread::sleep(Duration::from_millis(200));
        }
    });
    assert_eq!(Answer::read(&mut body).status, 408);
    assert!(start.elapsed() < Duration::from_secs(15));
}

#[test]
fn atk_251_junk_fills_no_disk() {
    let world = World::with_server("junk = \"off\"\naudit = { refusals = \"10/60s\" }", &github("a", ""));
    let agent = "x".repeat(20_000);
    for _ in 0..100 {
        assert_eq!(world.post("/in/a", &[("user-agent".into(), agent.clone())], BODY).status, 401);
    }
    std::thread::sleep(Duration::from_millis(1500));
    let rows = world.audit(1);
    assert_eq!(rows.len(), 10, "of a hundred");
    assert!(rows.iter().all(|(row, _)| row.columns.len() <= 2048));
}

// What leaks.

#[test]
fn atk_256_headers_that_nobody_knows_are_not_written_down() {
    let world = World::start(&github("a", ""));
    let headers = with(good(), "x-github-encoded-secret", "aHVudGVyMg");
    assert_eq!(world.post("/in/a", &headers, BODY).status, 200);
    assert_eq!(world.post("/in/a", &headers, b"{}").status, 401);
    assert!(
        world.audit(2).iter().all(|(row, _)| !String::from_utf8_lossy(&row.columns).contains("aHVudGVyMg"))
    );
    assert!(!String::from_utf8_lossy(&world.events()[0].head).contains("aHVudGVyMg"));
}

#[test]
fn atk_257_a_token_in_a_url_is_in_no_row() {
    let world = World::start(&github("a", ""));
    let answer = world.send(&http("POST", "/in/a?token=hunter2&x=1", &good(), BODY));
    assert_eq!(answer.status, 200);
    assert_eq!(world.send(&http("POST", "/in/a?token=hunter2", &[], BODY)).status, 401);
    for (_, columns) in world.audit(2) {
        assert_eq!(columns["path"], "/in/a");
        assert!(!columns.to_string().contains("hunter2"));
    }
    assert!(!String::from_utf8_lossy(&world.events()[0].head).contains("hunter2"));
}

#[test]
fn atk_258_and_025_all_refusals_read_alike() {
    // More of it in `checks`: statuses, bodies and heads of four failures are one.
    let world = World::start(&github("a", ""));
    let missing = world.post("/in/a", &[], BODY);
    let wrong = world.post("/in/a", &signed("github", "another-secret-long-enough", "1", BODY), BODY);
    let malformed = world.post("/in/a", &[("x-hub-signature-256".into(), "sha256=zz".into())], BODY);
    assert_eq!((missing.status, wrong.status, malformed.status), (401, 401, 401));
    assert!(missing.body == wrong.body && wrong.body == malformed.body);
}

#[test]
fn atk_261_a_user_agent_breaks_no_row() {
    let world = World::start(&github("a", ""));
    let headers = with(good(), "user-agent", "\",\"outcome\":\"ok\"}\t{\"x\": 'y");
    assert_eq!(world.post("/in/a", &headers, BODY).status, 200);
    assert_eq!(world.audit(1)[0].1["agent"], "\",\"outcome\":\"ok\"}\t{\"x\": 'y");
}

// Lines and targets.

#[test]
fn atk_038_folded_lines_are_refused() {
    let world = World::start(&github("a", ""));
    let request = b"POST /in/a HTTP/1.1\r\nhost: x\r\nx-hub-signature-256: sha256=\r\n abc\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(world.send(request).status, 400);
}

#[test]
fn atk_042_a_head_has_an_end() {
    let world = World::start(&github("a", ""));
    let large = with(good(), "x-big", &"x".repeat(100_000));
    // 0: the connection was ended while we were still writing, and the answer was lost with it.
    let status = world.post("/in/a", &large, BODY).status;
    assert!(matches!(status, 0 | 400 | 431), "{status}");
    let many = (0..1000).fold(good(), |headers, n| with(headers, &format!("x-{n}"), "1"));
    assert!(matches!(world.post("/in/a", &many, BODY).status, 0 | 400 | 431));
    assert!(world.events().is_empty());
    assert_eq!(world.post("/in/a", &good(), BODY).status, 200);
}

#[test]
fn atk_067_and_068_nothing_is_unpacked() {
    let world = World::start(&github("a", ""));
    let bomb = [&[0x1f, 0x8b, 8, 0][..], &[0; 1000]].concat();
    let unsigned = world.post("/in/a", &[("content-encoding".into(), "gzip".into())], &bomb);
    assert_eq!(unsigned.status, 401);
    let headers = with(signed("github", SECRET, "1", &bomb), "content-encoding", "gzip, br");
    assert_eq!(world.post("/in/a", &headers, &bomb).status, 200);
    assert_eq!(&*world.events()[0].body, bomb);
}

#[test]
fn atk_079_a_method_that_is_asked_for_in_a_header_is_not_handed_on() {
    let upstream = Upstream::start(OK);
    let world = World::start(&github("a", &format!("forward = {{ to = \"{}\" }}", upstream.url)));
    assert_eq!(world.post("/in/a", &with(good(), "x-http-method-override", "DELETE"), BODY).status, 202);
    assert!(upstream.wait(1)[0].all("x-http-method-override").is_empty());
    assert_eq!(world.send(&http("PUT", "/in/a", &good(), BODY)).status, 405);
}

#[test]
fn atk_219_a_path_is_the_bytes_that_it_is() {
    let world = World::start(&github("b", ""));
    for path in ["/in/a/../b", "/in/%2e%2e/in/b", "/in//b", "/in/a%2fb", "/in/b/", "/in/b%20", "/in/%62"] {
        assert!(matches!(world.post(path, &good(), BODY).status, 400 | 404), "{path}");
    }
    assert_eq!(world.post("/in/b", &good(), BODY).status, 200);
}

#[test]
fn atk_220_a_target_that_names_another_host_is_refused() {
    let world = World::start(&github("a", ""));
    let absolute = |target: &str| {
        let request = http("POST", "/in/a", &good(), BODY);
        world.send(&[format!("POST {target} ").as_bytes(), &request[11..]].concat()).status
    };
    assert_eq!(absolute("http://evil.example/in/a"), 400);
    assert_eq!(absolute("http://hooks.example.com/in/a"), 200);
}

#[test]
fn atk_223_line_breaks_in_a_target_are_refused_or_stay_encoded() {
    let world = World::start(&github("a", ""));
    assert_eq!(world.post("/in/a%0d%0aX:1", &good(), BODY).status, 404);
    assert_eq!(world.send(b"POST /in/a\rX:1 HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n").status, 400);
}

// Configuration that changes while it runs.

#[test]
fn atk_320_a_configuration_that_will_not_do_changes_nothing() {
    let world = World::start(&github("a", ""));
    let refused = world.reload(&[github("b", ""), github("c", "preset_typo = 1")].concat()).unwrap_err();
    assert!(refused.contains("preset_typo"), "{refused}");
    assert_eq!(
        (world.post("/in/a", &good(), BODY).status, world.post("/in/b", &good(), BODY).status),
        (200, 404)
    );
    let missing = world.reload(&github("b", "").replace("github.txt", "gone.txt")).unwrap_err();
    assert!(missing.contains("gone.txt"), "{missing}");
    assert_eq!(
        (world.post("/in/a", &good(), BODY).status, world.post("/in/b", &good(), BODY).status),
        (200, 404)
    );
    world.reload(&github("b", "")).unwrap();
    assert_eq!(
        (world.post("/in/a", &good(), BODY).status, world.post("/in/b", &good(), BODY).status),
        (404, 200)
    );
}
