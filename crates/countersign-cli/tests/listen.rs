//! `countersign listen` over real sockets: what a sender hears, what the receiver behind it gets, what a person sees.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/gateway.rs"]
mod gateway;
#[path = "common/local.rs"]
mod local;

use common::{Folder, run};
use gateway::{WHSEC, request, signer};
use local::{Listening, Upstream, raw, send};
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

const CLOSE: &str = "connection: close\r\n";

/// A folder with the secret in it, and the options that name it.
struct Desk {
    folder: Folder,
    secret: String,
}

impl Desk {
    fn new() -> Self {
        let folder = Folder::new();
        let secret = format!("file:{}", folder.file("secret.txt", WHSEC));
        Desk { folder, secret }
    }

    fn listen(&self, more: &[&str]) -> Listening {
        Listening::start(&[&["--preset", "standard-webhooks", "--secret", &self.secret], more].concat())
    }

    fn captures(&self) -> String {
        self.folder.path().join("captures").to_str().unwrap().into()
    }
}

/// The files of a folder, by their names.
fn files(folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

#[test]
fn a_genuine_request_is_verified_and_handed_on_byte_for_byte() {
    let (desk, upstream) = (
        Desk::new(),
        Upstream::answering(
            "HTTP/1.1 202 Accepted\r\nx-acme-answer: 1\r\nx-acme-answer: 2\r\nkeep-alive: 1\r\ncontent-length: 3\r\n\r\nyes",
        ),
    );
    let listening = desk.listen(&["--forward", &upstream.url("/hooks")]);
    let body = b"{\"type\":\"a.b\",\"x\":\"\\ud83e\"}\n\0\xff\xfe\r\n";
    let lines = "connection: close, X-Acme-Hop\r\nx-acme-hop: 1\r\nauthorization: Bearer t\r\nX-Acme: one\r\nx-other: \u{e9}\r\n\
                 X-Acme: two\r\nx-countersign-verified: true\r\nX_Countersign_Key: theirs\r\nte: trailers\r\n";
    let (status, answer) = send(listening.at, &request(&signer(), "msg_1", lines, body));
    assert_eq!(status, 202, "{answer}");
    assert!(
        answer.ends_with("\r\n\r\nyes") && answer.contains("x-acme-answer: 1\r\nx-acme-answer: 2"),
        "{answer}"
    );
    assert!(!answer.contains("keep-alive: 1"), "{answer}");
    let came = upstream.request();
    assert_eq!(came.line, "POST /hooks HTTP/1.1");
    assert_eq!(came.body, body);
    assert_eq!(came.values("x-acme"), ["one", "two"]);
    assert_eq!(came.values("authorization"), ["Bearer t"]);
    assert_eq!(came.values("webhook-id"), ["msg_1"]);
    assert_eq!(came.values("host"), [upstream.at.to_string()]);
    assert_eq!(came.values("x-countersign-verified"), ["true"], "ours, once");
    assert_eq!(came.values("x-countersign-key"), ["main"]);
    for gone in ["x-acme-hop", "x_countersign_key", "te", "x-countersign-reason"] {
        assert!(came.values(gone).is_empty(), "{gone}");
    }
    let other = came.headers.iter().find(|(name, _)| name == "x-other").unwrap();
    assert_eq!(other.1, "\u{e9}".as_bytes());
    let line = listening.line();
    for part in ["POST /in", "✓ verified", "key main", "→ 202 in"] {
        assert!(line.contains(part), "{part}: {line}");
    }
}

#[test]
fn a_refused_request_is_answered_as_hosts_answer_it_and_goes_no_further() {
    let (desk, upstream) = (Desk::new(), Upstream::ok());
    let listening = desk.listen(&["--forward", &upstream.url("")]);
    let (status, answer) = send(listening.at, &raw("", b"{}"));
    assert_eq!(status, 401);
    assert!(answer.ends_with("\r\n\r\nnot accepted\n"), "{answer}");
    let line = listening.line();
    assert!(line.contains("✗ missing_signature") && line.contains("answered 401"), "{line}");
    assert!(line.contains("--save DIR"), "{line}");
    // What comes behind it is the first to arrive.
    assert_eq!(send(listening.at, &request(&signer(), "msg_2", CLOSE, b"{}")).0, 200);
    assert_eq!(upstream.request().values("webhook-id"), ["msg_2"]);
    assert!(!upstream.has_request());
}

#[test]
fn an_observed_request_is_handed_on_and_marked() {
    let (desk, upstream) = (Desk::new(), Upstream::ok());
    let listening = desk.listen(&["--observe", "--format", "json", "--forward", &upstream.url("")]);
    let mut damaged =
        request(&signer(), "msg_1", &format!("{CLOSE}x-countersign-verified: true\r\n"), b"{\"a\":1}");
    *damaged.last_mut().unwrap() = b' ';
    assert_eq!(send(listening.at, &damaged).0, 200);
    let came = upstream.request();
    assert_eq!((&*came.line, &*came.body), ("POST /in HTTP/1.1", &b"{\"a\":1 "[..]));
    assert_eq!(came.values("x-countersign-verified"), ["false"]);
    assert_eq!(came.values("x-countersign-reason"), ["bad_signature"]);
    let line = listening.json();
    assert_eq!((&line["outcome"], &line["reason"]), (&"observed".into(), &"bad_signature".into()));
    assert_eq!((&line["status"], &line["forwarded"]["status"]), (&200.into(), &200.into()));
    assert_eq!((&line["method"], &line["path"], &line["size"]), (&"POST".into(), &"/in".into(), &7.into()));
    assert!(line["micros"].is_u64() && line["key_id"].is_null());
}

#[test]
fn without_a_preset_everything_is_shown_and_handed_on() {
    let upstream = Upstream::ok();
    let listening = Listening::start(&["--forward", &upstream.url("")]);
    assert!(listening.began.contains("nothing is verified"), "{}", listening.began);
    let (status, _) = send(
        listening.at,
        b"PUT /a%2Fb?c=%20d HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 1\r\n\r\n\xff",
    );
    assert_eq!(status, 200);
    let came = upstream.request();
    assert_eq!((&*came.line, &*came.body), ("PUT /a%2Fb?c=%20d HTTP/1.1", &b"\xff"[..]));
    assert!(came.headers.iter().all(|(name, _)| !name.starts_with("x-countersign")));
    let line = listening.line();
    assert!(line.contains("PUT /a%2Fb?c=%20d") && line.contains("not verified"), "{line}");
    // Nobody behind it, and still an answer.
    assert_eq!(send(Listening::start(&[]).at, &raw("", b"{}")).0, 200);
}

#[test]
fn a_body_over_the_limit_is_refused_and_neither_kept_nor_handed_on() {
    let (desk, upstream) = (Desk::new(), Upstream::ok());
    let captures = desk.captures();
    let options = ["--body-limit", "1KiB", "--observe", "--save", &captures, "--forward", &upstream.url("")];
    let listening = desk.listen(&options);
    assert_eq!(send(listening.at, &request(&signer(), "msg_1", CLOSE, &[b'a'; 1025])).0, 413);
    assert!(listening.line().contains("✗ payload_too_large"));
    let chunked = format!(
        "POST /in HTTP/1.1\r\nhost: x\r\n{CLOSE}transfer-encoding: chunked\r\n\r\n401\r\n{}\r\n0\r\n\r\n",
        "a".repeat(1025)
    );
    assert_eq!(send(listening.at, chunked.as_bytes()).0, 413);
    assert!(listening.line().contains("? B  ✗ payload_too_large"));
    assert_eq!(send(listening.at, &request(&signer(), "msg_2", CLOSE, &[b'a'; 1024])).0, 200);
    assert_eq!(upstream.request().values("webhook-id"), ["msg_2"]);
    assert_eq!(files(&captures).len(), 1);
}

#[test]
fn what_is_kept_verifies_again_and_is_its_owners_alone() {
    let desk = Desk::new();
    let captures = desk.captures();
    let listening = desk.listen(&["--save", &captures]);
    let body = b"{\"a\":1}\xff\r\n";
    assert_eq!(send(listening.at, &request(&signer(), "msg_1", CLOSE, body)).0, 200);
    // The same in two chunks.
    let whole = String::from_utf8_lossy(&request(&signer(), "msg_2", CLOSE, b"{\"a\":1}")).into_owned();
    let chunked = whole.replace("content-length: 7", "transfer-encoding: chunked");
    let chunked = chunked.replace("\r\n\r\n{\"a\":1}", "\r\n\r\n3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n");
    assert_eq!(send(listening.at, chunked.as_bytes()).0, 200);
    // And one that something altered on its way.
    let mut damaged = request(&signer(), "msg_3", CLOSE, b"{\"a\":1}");
    *damaged.last_mut().unwrap() = b' ';
    assert_eq!(send(listening.at, &damaged).0, 401);
    let told = [listening.line(), listening.line(), listening.line()];
    let kept = files(&captures);
    assert_eq!(kept.len(), 3);
    assert!(name(&kept[0]).ends_with("-0001.http") && name(&kept[1]).ends_with("-0002.http"), "{kept:?}");
    assert!(name(&kept[2]).ends_with("-0003-refused.http"), "{kept:?}");
    for file in &kept {
        assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(std::fs::read(&kept[0]).unwrap().ends_with(&[b"\r\n\r\n", &body[..]].concat()));
    let options = ["--preset", "standard-webhooks", "--secret", &desk.secret];
    for (file, exit) in kept.iter().zip([0, 0, 1]) {
        run(&[&["verify", file.to_str().unwrap()], &options[..]].concat()).exits(exit);
    }
    // The line of the refused one says what to type, and that works as it stands.
    let next = told[2].split("next: countersign ").nth(1).unwrap();
    assert!(next.starts_with("explain ") && next.contains("-refused.http"), "{next}");
    let typed: Vec<&str> = next.split_whitespace().map(|word| word.trim_matches('\'')).collect();
    let explained = run(&typed);
    assert!(explained.exit == 6 || explained.exit == 7, "{}", explained.err);
}

#[test]
fn what_a_sender_writes_cannot_steer_the_terminal() {
    let desk = Desk::new();
    let body = "{\"type\":\"\\u001b[31mred\\u202e\\u009b\\nnext line\"}";
    for (options, ends) in
        [(&[][..], "␛[31mred"), (&["--format", "json"][..], "\\u001b[31mred\\u202e\\u009b\\nnext line\"")]
    {
        let listening = desk.listen(options);
        assert_eq!(send(listening.at, &request(&signer(), "msg_1", CLOSE, body.as_bytes())).0, 200);
        let line = listening.line();
        assert!(line.contains(ends), "{line}");
        assert!(!line.contains(|c: char| c.is_control() || c == '\u{202e}'), "{line:?}");
        assert!(!listening.has_line());
    }
    let listening = Listening::start(&[]);
    let path = format!("/\u{9b}31m\u{202e}{}", "a".repeat(1000));
    send(listening.at, format!("GET {path} HTTP/1.1\r\nhost: x\r\n{CLOSE}\r\n").as_bytes());
    // Whether or not the library takes such a path, the next line is of the next request and short.
    send(listening.at, format!("GET /{} HTTP/1.1\r\nhost: x\r\n{CLOSE}\r\n", "b".repeat(1000)).as_bytes());
    let line = std::iter::repeat_with(|| listening.line()).find(|line| line.contains("/bb")).unwrap();
    assert!(line.len() < 300 && line.contains('…'), "{line}");
}

#[test]
fn a_target_that_is_down_is_told_and_the_sender_hears_502() {
    let desk = Desk::new();
    let nobody = gateway::free_address();
    let listening = desk.listen(&["--forward", &format!("http://{nobody}/hooks")]);
    let (status, answer) = send(listening.at, &request(&signer(), "msg_1", CLOSE, b"{}"));
    assert_eq!(status, 502);
    assert!(answer.ends_with("\r\n\r\nthe target gave no answer\n"), "{answer}");
    let line = listening.line();
    assert!(line.contains("✓ verified") && line.contains("not handed on: connect:"), "{line}");
    assert!(line.contains("see whether the server is up"), "{line}");
    let (exit, said) = listening.stop("-TERM");
    assert_eq!(exit, Some(0));
    assert!(said.contains("1 request, 1 verified, 1 not handed on"), "{said}");
}

#[test]
fn a_sender_that_does_not_wait_is_shown_and_handed_on_all_the_same() {
    let receiver = TcpListener::bind("127.0.0.1:0").unwrap();
    let forward = format!("http://{}", receiver.local_addr().unwrap());
    let listening = Desk::new().listen(&["--forward", &forward]);
    let mut sender = TcpStream::connect(listening.at).unwrap();
    sender.write_all(&request(&signer(), "msg_1", CLOSE, b"{}")).unwrap();
    let (mut stream, _) = receiver.accept().unwrap();
    local::read_request(&mut stream).unwrap();
    drop(sender);
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
    let line = listening.line();
    assert!(line.contains("✓ verified") && line.contains("→ 200 in"), "{line}");
}

#[test]
fn a_redirect_is_not_followed() {
    let upstream =
        Upstream::answering("HTTP/1.1 301 Moved\r\nlocation: /hooks/\r\ncontent-length: 0\r\n\r\n");
    let listening = Listening::start(&["--forward", &upstream.url("/hooks")]);
    assert_eq!(send(listening.at, &raw("", b"{}")).0, 502);
    let line = listening.line();
    assert!(line.contains("redirect: the answer is 301") && line.contains("give the final URL"), "{line}");
    upstream.request();
    assert!(!upstream.has_request());
}

#[test]
fn a_challenge_is_answered_as_the_preset_says() {
    let (desk, upstream) = (Desk::new(), Upstream::ok());
    let signing = ["--preset", "slack", "--secret", &desk.secret];
    let listening = Listening::start(&[&signing[..], &["--forward", &upstream.url("")]].concat());
    let body = r#"{"type":"url_verification","challenge":"3eZbrw1a"}"#;
    let piece = ["--body", body, "--header", "connection: close", "--format", "http"];
    let signed = run(&[&["sign"], &signing[..], &piece].concat()).exits(0).out;
    let (status, answer) = send(listening.at, signed.as_bytes());
    assert_eq!(status, 200);
    assert!(answer.ends_with("\r\n\r\n3eZbrw1a"), "{answer}");
    assert!(listening.line().contains("✓ challenge answered"));
    assert!(!upstream.has_request());
}

#[test]
fn a_secret_that_stands_on_the_command_line_is_told_nowhere() {
    let desk = Desk::new();
    let captures = desk.captures();
    let secret = format!("literal:{WHSEC}");
    let options = ["--preset", "standard-webhooks", "--secret", &secret, "--save", &captures];
    let listening = Listening::start(&options);
    assert_eq!(send(listening.at, &raw("", b"{}")).0, 401);
    let line = listening.line();
    assert!(line.ends_with("--preset standard-webhooks --secret …"), "{line}");
    let began = listening.began.clone();
    let (_, said) = listening.stop("-INT");
    for text in [line, began, said] {
        assert!(!text.contains("MfKQ9r8G"), "{text}");
    }
}

#[test]
fn a_scheme_that_signs_the_url_is_told_by_which_it_is_judged() {
    let folder = Folder::new();
    let (scheme, secret) =
        (folder.file("urls.toml", common::URLS), folder.file("secret.txt", common::SECRET));
    let captures = folder.path().join("captures").to_str().unwrap().to_owned();
    let secret = format!("file:{secret}");
    let by = ["--scheme", &scheme, "--secret", &secret];
    let sign = |url: &str| {
        let piece = ["--url", url, "--header", "connection: close", "--format", "http"];
        run(&[&["sign"], &by[..], &piece].concat()).exits(0).out
    };
    let listening =
        Listening::start(&[&by[..], &["--url", "https://hooks.example/base", "--save", &captures]].concat());
    // As a proxy passes it on that takes `/base` off.
    let signed = sign("https://hooks.example/base/in?a=1").replace("POST /base/in", "POST /in");
    assert_eq!(send(listening.at, signed.as_bytes()).0, 200);
    let kept = files(&captures).remove(0);
    run(&[&["verify", kept.to_str().unwrap()], &by[..]].concat()).exits(0);
    let (_, said) = listening.stop("-TERM");
    assert!(said.contains("does not cover the BODY"), "{said}");

    let listening = Listening::start(&by);
    assert_eq!(send(listening.at, sign(&format!("http://{}/in", listening.at)).as_bytes()).0, 200);
    let (_, said) = listening.stop("-TERM");
    assert!(said.contains("this scheme signs the URL; assumed http://127.0.0.1:"), "{said}");
}

#[test]
fn sigterm_and_ctrl_c_end_it_with_a_total() {
    for signal in ["-TERM", "-INT"] {
        let desk = Desk::new();
        let captures = desk.captures();
        let listening = desk.listen(&["--save", &captures]);
        send(listening.at, &request(&signer(), "msg_1", CLOSE, b"{}"));
        send(listening.at, &raw("", b"{}"));
        listening.line();
        listening.line();
        let (exit, said) = listening.stop(signal);
        assert_eq!(exit, Some(0));
        assert!(said.contains("2 requests, 1 verified, 1 refused, 2 kept"), "{said}");
    }
}

#[test]
fn a_folder_that_cannot_be_written_any_more_is_told_and_is_no_success() {
    let desk = Desk::new();
    let captures = desk.captures();
    let listening = desk.listen(&["--save", &captures]);
    std::fs::remove_dir(&captures).unwrap();
    assert_eq!(send(listening.at, &request(&signer(), "msg_1", CLOSE, b"{}")).0, 200);
    assert!(listening.line().contains("✓ verified"));
    let (exit, said) = listening.stop("-TERM");
    assert_eq!(exit, Some(5));
    assert!(said.contains("request 1 was not kept in") && said.contains("1 not kept"), "{said}");
}

#[test]
fn what_cannot_work_is_told_before_it_listens() {
    let desk = Desk::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    run(&["listen", &port])
        .exits(5)
        .says(&format!("cannot listen on 127.0.0.1:{port}"))
        .says("0 for any that is free");
    let preset = ["--preset", "standard-webhooks", "--secret", &desk.secret];
    for (options, exit, says) in [
        (&["0", "--forward", "localhost:3000"][..], 2, "--forward: `localhost:3000`"),
        (&["0", "--forward", "ftp://127.0.0.1/"], 2, "neither of http nor of https"),
        (&["0", "--forward", "http://u:hunter2@127.0.0.1/"], 2, "carries a user or a password"),
        (&["0", "--forward", "/hooks"], 2, "this is no absolute URL"),
        (&["0", "--observe"], 2, "nothing is verified"),
        (&["0", "--secret", &desk.secret], 2, "no scheme is named"),
        (&["0", "--preset", "no-such"], 3, "there is no preset `no-such`"),
        (&["0", "--preset", "standard-webhooks"], 4, "no --secret is given"),
        (&["0", "--body-limit", "1"], 2, "--body-limit: `1` has no unit"),
        (
            &[&["0", "--url", "hooks.example"], &preset[..]].concat(),
            2,
            "--url: `hooks.example` is no public URL",
        ),
        (&["70000"], 2, "70000"),
        (&["0", "--save", "/dev/null/x"], 5, "cannot make the folder"),
    ] {
        let ran = run(&[&["listen"], options].concat()).exits(exit).says(says);
        assert!(!ran.err.contains("hunter2"), "{}", ran.err);
    }
    let free = gateway::free_address();
    let itself = format!("http://localhost:{}/", free.port());
    run(&["listen", &free.port().to_string(), "--forward", &itself])
        .exits(2)
        .says("this is where it listens itself");
}
