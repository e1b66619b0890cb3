//! `countersign replay` over real sockets: what arrives is what was captured, and where it goes was said.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/gateway.rs"]
mod gateway;
#[path = "common/local.rs"]
mod local;

use common::{Folder, Ran, run, run_with};
use gateway::{WHSEC, request, signer};
use local::{Listening, Upstream, send};
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// A genuine request of long ago.
fn stale(folder: &Folder, url: &str) -> String {
    let secret = format!("file:{}", folder.file("secret.txt", WHSEC));
    let sign = ["sign", "--preset", "standard-webhooks", "--secret", &secret, "--id", "msg_old"];
    let parts = ["--url", url, "--body", "{\"type\":\"a.b\"}", "--header", "x-acme: 1", "--at", "1700000000"];
    let signed = run(&[&sign[..], &parts, &["--format", "http"]].concat()).exits(0).out;
    folder.file("stale.http", signed)
}

fn lines(ran: &Ran) -> Vec<Value> {
    ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_capture_arrives_byte_for_byte() {
    let (folder, upstream) = (Folder::new(), Upstream::ok());
    let head = b"PUT /a%2Fb?c=%20d HTTP/1.1\r\nHost: hooks.example\r\nX-Acme: one\r\nX-Bytes: \xe9\r\nX-Acme: two\r\nAuthorization: Bearer t\r\n\
                 Connection: close, x-hop\r\nX-Hop: 1\r\nX-Countersign-Verified: true\r\nContent-Length: 6\r\n\r\n";
    let body = b"\0\xff\r\n{\n";
    let file = folder.file("one.http", [&head[..], body].concat());
    let ran = run(&["replay", &file, "--forward", &upstream.url("")]).exits(0);
    assert!(
        ran.out.contains("1/1  ") && ran.out.contains("PUT /a%2Fb?c=%20d  6 B  → 200 in "),
        "{}",
        ran.out
    );
    let came = upstream.request();
    assert_eq!((&*came.line, &*came.body), ("PUT /a%2Fb?c=%20d HTTP/1.1", &body[..]));
    assert_eq!(came.values("x-acme"), ["one", "two"]);
    assert_eq!(came.values("authorization"), ["Bearer t"]);
    assert_eq!(came.values("host"), [upstream.at.to_string()]);
    assert_eq!(came.headers.iter().find(|(name, _)| name == "x-bytes").unwrap().1, b"\xe9");
    for gone in ["x-hop", "x-countersign-verified"] {
        assert!(came.values(gone).is_empty(), "{gone}");
    }
    // And a URL with a path of its own gets it there, query and all.
    run_with(&["replay", "-", "--forward", &upstream.url("/hooks?k=1")], &[&head[..], body].concat(), &[])
        .exits(0);
    assert_eq!(upstream.request().line, "PUT /hooks?k=1&c=%20d HTTP/1.1");
}

#[test]
fn what_was_kept_of_a_request_is_sent_again_and_verifies_while_it_is_fresh() {
    let folder = Folder::new();
    let secret = format!("file:{}", folder.file("secret.txt", WHSEC));
    let captures = folder.path().join("captures").to_str().unwrap().to_owned();
    let options = ["--preset", "standard-webhooks", "--secret", &secret];
    let listening = Listening::start(&[&options[..], &["--save", &captures]].concat());
    let body = b"{\"type\":\"a.b\"}\xff";
    assert_eq!(send(listening.at, &request(&signer(), "msg_1", "connection: close\r\n", body)).0, 200);
    listening.line();
    let kept = std::fs::read_dir(&captures).unwrap().next().unwrap().unwrap().path();
    let forward = format!("http://{}", listening.at);
    run(&["replay", kept.to_str().unwrap(), "--forward", &forward]).exits(0);
    assert!(listening.line().contains("POST /in  15 B  ✓ verified"));
}

#[test]
fn a_stale_capture_verifies_again_when_it_is_signed_anew_and_keeps_its_id() {
    let folder = Folder::new();
    let file = stale(&folder, "https://hooks.example/in");
    let secret = format!("file:{}/secret.txt", folder.path().display());
    let options = ["--preset", "standard-webhooks", "--secret", &secret];
    let listening = Listening::start(&[&options[..], &["--format", "json"]].concat());
    let forward = format!("http://{}", listening.at);
    let ran = run(&["replay", &file, "--forward", &forward, "--format", "json"]).exits(1);
    assert_eq!(lines(&ran)[0]["status"], 401);
    assert_eq!(listening.json()["reason"], "stale_timestamp");
    let ran = run(&[&["replay", &file, "--forward", &forward, "--resign"], &options[..]].concat()).exits(0);
    assert!(!ran.out.contains("MfKQ9r8G") && !ran.err.contains("MfKQ9r8G"));
    let line = listening.json();
    assert_eq!((&line["outcome"], &line["message_id"]), (&"verified".into(), &"msg_old".into()));
    // Everything else is as it was, and what signing makes is there once.
    let upstream = Upstream::ok();
    run(&[&["replay", &file, "--forward", &upstream.url(""), "--resign"], &options[..]].concat()).exits(0);
    let came = upstream.request();
    assert_eq!((&*came.body, came.values("x-acme")), (&b"{\"type\":\"a.b\"}"[..], vec!["1".to_owned()]));
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        assert_eq!(came.values(name).len(), 1, "{name}");
    }
}

#[test]
fn a_scheme_that_signs_the_url_signs_the_one_it_is_told() {
    let folder = Folder::new();
    let (scheme, secret) =
        (folder.file("urls.toml", common::URLS), folder.file("secret.txt", common::SECRET));
    let secret = format!("file:{secret}");
    let by = ["--scheme", &scheme, "--secret", &secret];
    let file = folder.file("one.http", "POST /in?a=1 HTTP/1.1\r\nAcme-Signature: old\r\n\r\n");
    let listening = Listening::start(&[&by[..], &["--url", "https://hooks.example"]].concat());
    let forward = format!("http://{}", listening.at);
    let again = [&["replay", &file, "--forward", &forward, "--resign"], &by[..]].concat();
    run(&again).exits(1);
    run(&[&again[..], &["--url", "https://hooks.example/in?a=1"]].concat()).exits(0);
    let listening = Listening::start(&by);
    let forward = format!("http://{}", listening.at);
    run(&[&["replay", &file, "--forward", &forward, "--resign"], &by[..]].concat()).exits(0);
}

#[test]
fn a_request_goes_where_it_went_only_if_that_was_this_machine() {
    let (folder, upstream) = (Folder::new(), Upstream::ok());
    let home = folder.file("home.http", format!("POST /in?a HTTP/1.1\r\nHost: {}\r\n\r\n", upstream.at));
    run(&["replay", &home]).exits(0);
    assert_eq!(upstream.request().line, "POST /in?a HTTP/1.1");
    let json = folder.file("home.json", format!(r#"{{"url":"{}","body":"x"}}"#, upstream.url("/j")));
    run(&["replay", &json]).exits(0);
    assert_eq!(upstream.request().line, "POST /j HTTP/1.1");
    let away = folder.file("away.http", "POST /in HTTP/1.1\r\nHost: hooks.example\r\n\r\n");
    let ran = run(&["replay", &home, &away]).exits(2).says("it went to `hooks.example`");
    assert!(ran.err.contains("if that is this machine") && ran.err.contains("--forward"), "{}", ran.err);
    let nowhere = folder.file("nowhere.http", "POST /in HTTP/1.1\r\n\r\n");
    run(&["replay", &nowhere]).exits(2).says("does not say where it went");
    assert!(!upstream.has_request(), "nothing is sent before all is clear");
}

#[test]
fn all_requests_of_a_file_are_sent_or_the_one_that_is_named() {
    let (folder, upstream) = (Folder::new(), Upstream::ok());
    let list = folder.file("list.json", r#"[{"body":"a"},{"body":"b"},{"body":"c"}]"#);
    let ran = run(&["replay", &list, "--forward", &upstream.url("/x")]).exits(0).says("3 requests: 3 taken");
    assert_eq!(ran.out.lines().count(), 3);
    let bodies: Vec<_> = (0..3).map(|_| upstream.request().body).collect();
    assert_eq!(bodies, [b"a", b"b", b"c"]);
    run(&["replay", &list, "--entry", "2", "--forward", &upstream.url("/x")]).exits(0);
    assert_eq!(upstream.request().body, b"b");
}

#[test]
fn answers_decide_the_exit_code() {
    let folder = Folder::new();
    let file = folder.file("one.json", r#"{"body":"a"}"#);
    for (answer, exit) in [
        ("HTTP/1.1 204 No Content\r\n\r\n", 0),
        ("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n", 1),
        ("HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n", 1),
        ("HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n", 5),
        ("nonsense\r\n\r\n", 5),
    ] {
        run(&["replay", &file, "--forward", &Upstream::answering(answer).url("/")]).exits(exit);
    }
    let nobody = format!("http://{}", gateway::free_address());
    let ran = run(&["replay", &file, &file, "--forward", &nobody, "--format", "json"]).exits(5);
    let told = lines(&ran);
    assert_eq!((told.len(), &told[1]["number"], &told[1]["of"]), (2, &2.into(), &2.into()));
    assert!(told[0]["status"].is_null() && told[0]["error"].as_str().unwrap().starts_with("connect: "));
    assert!(
        ran.err.contains("2 not answered") && ran.err.contains("see whether the server is up"),
        "{}",
        ran.err
    );
}

#[test]
fn a_rate_is_kept() {
    let (folder, upstream) = (Folder::new(), Upstream::ok());
    let file = folder.file("one.json", r#"{"body":"a"}"#);
    let start = Instant::now();
    run(&["replay", &file, &file, &file, "--rate", "10/s", "--forward", &upstream.url("/")]).exits(0);
    assert!(start.elapsed() >= Duration::from_millis(200), "the third is due after two tenths");
}

#[test]
fn an_event_of_the_gateway_is_sent_by_its_name() {
    let (folder, upstream) = (tempfile::tempdir().unwrap(), Upstream::ok());
    let at = gateway::free_address();
    gateway::configure(folder.path(), at, "", "");
    let mut gateway = gateway::serve(folder.path(), at);
    let body = b"{\"type\":\"a.b\"}\xff";
    let sent = request(&signer(), "msg_1", "connection: close\r\nauthorization: Bearer t\r\n", body);
    assert_eq!(send(at, &sent).0, 200);
    let config = folder.path().join("countersign.toml");
    let config = config.to_str().unwrap();
    let listed = run(&["event", "list", "--config", config, "--format", "json"]).exits(0).json();
    let id =
        listed["rows"][0]["id"].as_str().or_else(|| listed["events"][0]["id"].as_str()).unwrap().to_owned();
    let ran = run(&["replay", &id, "--config", config, "--forward", &upstream.url("/hooks")]).exits(0);
    assert!(ran.out.contains(&id), "{}", ran.out);
    let came = upstream.request();
    assert_eq!((&*came.line, &*came.body), ("POST /hooks HTTP/1.1", &body[..]));
    assert_eq!(came.values("webhook-id"), ["msg_1"]);
    assert!(came.values("authorization").is_empty(), "it is not in the store");
    run(&["replay", "evt_0", "--config", config, "--forward", &upstream.url("/")])
        .exits(2)
        .says("there is no event `evt_0`");
    Command::new("kill").args(["-TERM", &gateway.id().to_string()]).status().unwrap();
    assert_eq!(gateway.wait().unwrap().code(), Some(0));
}

/// The commands of a page, in their order, without their remarks.
fn commands(page: &str) -> Vec<&str> {
    let blocks = page.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.flat_map(str::lines).map(|line| line.split(" #").next().unwrap().trim()).collect()
}

#[test]
fn the_page_of_local_work_can_be_typed_from_its_first_command_to_its_last() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/local.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (folder, upstream) = (Folder::new(), Upstream::ok());
    folder.file("secret.txt", WHSEC);
    let own = Path::new(env!("CARGO_BIN_EXE_countersign")).parent().unwrap();
    let path = format!("{}:{}", own.display(), std::env::var("PATH").unwrap());
    let (mut listening, mut typed): (Option<Listening>, _) = (None, 0);
    for line in commands(&page) {
        let line = line.replace("127.0.0.1:3000", &upstream.at.to_string());
        if let Some(rest) = line.strip_prefix("countersign listen 8080 ") {
            drop(listening.take());
            listening =
                Some(Listening::start_in(folder.path(), &rest.split_whitespace().collect::<Vec<_>>()));
        } else {
            let at = listening.as_ref().expect("the page begins with a listener").at.to_string();
            let mut shell = Command::new("sh");
            shell.args(["-c", &line.replace("127.0.0.1:8080", &at)]).current_dir(folder.path());
            let ran = shell.env("PATH", &path).output().unwrap();
            assert!(ran.status.success(), "{line}\n{}", String::from_utf8_lossy(&ran.stderr));
        }
        typed += 1;
    }
    assert!(typed > 6, "{typed}");
    let shown: Vec<String> = (0..2).map(|_| upstream.request().line).collect();
    assert!(shown.iter().all(|line| line.starts_with("POST /hooks ")), "{shown:?}");
}

#[test]
fn what_cannot_be_sent_is_told_and_nothing_is_sent() {
    let (folder, upstream) = (Folder::new(), Upstream::ok());
    let to = upstream.url("/");
    let good = folder.file("good.json", r#"{"body":"a"}"#);
    let short = folder.file("short.http", "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\na");
    let withheld =
        folder.file("withheld.json", format!(r#"{{"body_length":1,"body_sha256":"{}"}}"#, "0".repeat(64)));
    for (options, says) in [
        (&[&*good, &short, "--forward", &to][..], "short.http: "),
        (&[&good, &withheld, "--forward", &to], "withheld.json: "),
        (&[&good, "no-such.http", "--forward", &to], "there is no file `no-such.http`"),
        (&[&good, "--forward", "127.0.0.1:3000"], "--forward: `127.0.0.1:3000`"),
        (&[&good, "--forward", &to, "--resign"], "--resign: by which scheme?"),
        (&[&good, "--forward", &to, "--preset", "standard-webhooks"], "for --resign"),
        (&[&good, "--forward", &to, "--rate", "fast"], "--rate: `fast` is no rate"),
        (&[&good, &good, "--entry", "1", "--forward", &to], "--entry: of which file?"),
        (&["-", "-", "--forward", &to], "standard input can be only one of"),
    ] {
        run(&[&["replay"], options].concat()).exits(2).says(says);
    }
    assert!(!upstream.has_request());
}

#[test]
fn what_a_capture_holds_cannot_steer_the_terminal() {
    let (folder, upstream) = (Folder::new(), Upstream::ok());
    let file = folder.file("a.json", "{\"target\":\"/\u{9b}31m\u{202e}\",\"body\":\"a\"}");
    for format in ["human", "json"] {
        let ran = run(&["replay", &file, "--format", format, "--forward", &upstream.url("")]).exits(0);
        let line = ran.out.trim_end_matches('\n');
        assert!(!line.contains(|c: char| c.is_control() || c == '\u{202e}'), "{line:?}");
        assert!(line.contains("spelt otherwise") || line.contains("\"respelled\":true"), "{line}");
    }
}
