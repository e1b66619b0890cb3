//! `capture show` and `capture redact`; and every form of a capture, judged.

#![allow(clippy::unwrap_used)]

mod common;
use common::{ACME, Folder, Ran, URLS, run, run_with};
use serde_json::{Value, json};

const SIGNATURE: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
const SECRET: &str = "It's a Secret to Everybody";
const HTTP: &str = "POST /webhooks?a=b&token=hunter2 HTTP/1.1\r\nHost: example.com\r\nAuthorization: Bearer hunter2\r\n\
    X-Hub-Signature-256: sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17\r\n\
    Content-Length: 13\r\n\r\nHello, World!";

fn har(requests: &[Value]) -> String {
    let entries: Vec<Value> =
        requests.iter().map(|request| json!({ "request": request, "response": {} })).collect();
    json!({ "log": { "version": "1.2", "entries": entries } }).to_string()
}

fn request(url: &str, body: &str) -> Value {
    json!({ "method": "POST", "url": url, "headers": [{ "name": "X-Hub-Signature-256", "value": SIGNATURE }],
        "postData": { "mimeType": "text/plain", "text": body }, "bodySize": body.len() })
}

fn event() -> Value {
    json!({ "version": "2.0", "rawPath": "/hook", "rawQueryString": "", "isBase64Encoded": true, "body": "SGVsbG8sIFdvcmxkIQ==",
        "headers": { "x-hub-signature-256": SIGNATURE, "content-length": "13" },
        "requestContext": { "domainName": "x.execute-api.eu-west-1.amazonaws.com", "http": { "method": "POST" } } })
}

fn capture(args: &[&str], input: impl AsRef<[u8]>) -> Ran {
    run_with(&[&["capture"], args].concat(), input.as_ref(), &[])
}

fn verify(input: impl AsRef<[u8]>, more: &[&str]) -> Ran {
    let args = [&["verify", "-", "--preset", "github", "--secret", "env:S"], more].concat();
    run_with(&args, input.as_ref(), &[("S", SECRET)])
}

#[test]
fn every_form_of_a_capture_is_judged() {
    verify(HTTP, &[]).exits(0);
    let curl = format!(
        "curl https://example.com/ \\\n  -H 'X-Hub-Signature-256: {SIGNATURE}' \\\n  --data-raw $'Hello, World\\u0021'"
    );
    assert!(verify(&curl, &[]).exits(0).err.is_empty());
    verify(event().to_string(), &[]).exits(0);
    verify(har(&[request("https://example.com/", "Hello, World!")]), &[]).exits(0).says("note: body-text: ");

    let several =
        har(&[request("https://example.com/", "no"), request("https://example.com/", "Hello, World!")]);
    verify(&several, &["--entry", "2"]).exits(0);
    verify(&several, &["--entry", "1"]).exits(1);
    verify(&several, &[]).exits(2).says("it holds 2 requests").says("--entry N, with N from 1 to 2");
    verify(&several, &["--entry", "3"]).exits(2).says("there is no number 3");
    verify(HTTP, &["--entry", "2"]).exits(2).says("it holds one request").says("leave --entry out");
    run(&["verify", "--header", "a: b", "--entry", "1", "--preset", "github", "--secret", "literal:xyz"])
        .exits(2)
        .says("no REQUEST to choose from");
}

#[test]
fn what_contradicts_itself_is_shown_and_not_judged() {
    let short = HTTP.replace("Content-Length: 13", "Content-Length: 99");
    verify(&short, &[]).exits(2).says("Content-Length says 99 bytes").says("countersign capture show FILE");
    let shown = capture(&["show", "-"], &short).exits(0).out;
    assert!(shown.contains("content-length: Content-Length says 99 bytes"), "{shown}");
    let kept = capture(&["redact", "-"], &short).exits(0).out;
    verify(kept, &[]).exits(2).says("Content-Length says 99 bytes");
    let event = event().to_string().replace("\"13\"", "\"12\"");
    verify(event, &[]).exits(2).says("Content-Length says 12 bytes");
}

#[test]
fn a_capture_that_cannot_be_read_is_told_where_and_what_can_be() {
    for (input, says) in [
        ("", "it is empty"),
        ("hello", "must stand after the headers"),
        ("curl https://h -d @body.json", "the body is in the file `body.json`"),
        ("curl https://h --frob", "the option `--frob` is not known here"),
        ("{\"log\":{}}", "missing field `entries`"),
        ("{\"method\":\"POST\",\"log\":{}}", "`log` and `method`, which are of different forms"),
        ("{\"httpMethod\":\"POST\"}", "it has no `path`"),
        ("HTTP/1.1 200 OK\r\n\r\n", "a request is wanted"),
    ] {
        capture(&["show", "-"], input).exits(2).says(says).says("give a raw HTTP/1.1 message");
    }
    run(&["capture", "show", "/not/there"]).exits(5);
    let ran = capture(&["show", "-"], "{\"a\x1b[31m\n\":1}").exits(2);
    assert!(!ran.err.contains('\x1b'), "{}", ran.err);
}

#[test]
fn a_capture_is_shown_in_words() {
    let shown = capture(&["show", "-"], HTTP).exits(0);
    assert!(shown.err.is_empty(), "{}", shown.err);
    let lines: Vec<&str> = shown.out.lines().collect();
    assert_eq!(lines[0], "POST /webhooks?a=b&token=hunter2");
    for says in [
        "  read as  a raw HTTP/1.1 message",
        "  host     example.com; whether http or https is not said",
        "  body     13 bytes, sha256 dffd6021bb2bd5b0af676290809ec3a53191dd81c7f70a4b28688a362182986f",
        "Authorization: Bearer hunter2",
        "Hello, World!",
    ] {
        assert!(lines.contains(&says), "{says:?} is not in:\n{}", shown.out);
    }
    let evil =
        capture(&["show", "-"], "POST / HTTP/1.1\r\nA: \u{202e}\r\n\r\n\x1b[31m\r\n\u{9b}").exits(0).out;
    assert!(!evil.contains(['\x1b', '\u{202e}', '\u{9b}']) && evil.contains("␛[31m␍\n"), "{evil:?}");
    let bytes = [&b"POST / HTTP/1.1\r\n\r\n\xff\0A"[..], &[b'x'; 400]].concat();
    let shown = capture(&["show", "-"], bytes).exits(0).out;
    assert!(
        shown.contains("ff 00 41 78") && shown.contains("..Axxx") && shown.contains("… 147 bytes more"),
        "{shown}"
    );
}

#[test]
fn several_are_a_numbered_table_and_a_list_that_is_read_again() {
    let two = har(&[request("https://example.com/one", "a"), request("data:x", "")]);
    let shown = capture(&["show", "-"], &two).exits(0).says("--entry N");
    let rows: Vec<&str> = shown.out.lines().collect();
    assert_eq!(rows.len(), 3, "{}", shown.out);
    assert_eq!(
        rows[1].split_whitespace().collect::<Vec<_>>(),
        ["1", "POST", "1", "body-text", "https://example.com/one"]
    );
    assert!(rows[2].contains("url-foreign") && rows[2].ends_with("(no URL)"));
    let list = capture(&["show", "-", "--format", "json"], &two).exits(0);
    assert_eq!(list.json().as_array().unwrap().len(), 2);
    let again = capture(&["show", "-"], &list.out).exits(0).out;
    assert_eq!(again, shown.out);
    capture(&["show", "-", "--format", "http"], &two).exits(2).says("--entry N");
    let one = capture(&["show", "-", "--format", "http", "--entry", "1"], &two).exits(0).out;
    assert!(
        one.starts_with("POST https://example.com/one HTTP/1.1\r\n") && one.ends_with("\r\n\r\na"),
        "{one}"
    );
    let unknown = capture(&["show", "-", "--entry", "2"], &two).exits(0).out;
    assert!(unknown.starts_with("POST (no URL)\n"), "{unknown}");
}

#[test]
fn a_raw_message_comes_out_as_it_went_in() {
    assert_eq!(capture(&["show", "-", "--format", "http"], HTTP).exits(0).out, HTTP);
    let json = capture(&["show", "-", "--format", "json"], HTTP).exits(0);
    assert_eq!(json.json()["target"], "/webhooks?a=b&token=hunter2");
    assert_eq!(capture(&["show", "-", "--format", "http"], &json.out).exits(0).out, HTTP);
}

#[test]
fn what_is_redacted_has_no_credential_and_still_verifies() {
    let ran = capture(&["redact", "-"], HTTP)
        .exits(0)
        .says("stripped: the headers Authorization; the URL's parameters token")
        .says("the URL is no longer what was sent")
        .says("the path and the body are kept byte for byte");
    assert!(!ran.out.contains("hunter2") && !ran.err.contains("hunter2"), "{}", ran.out);
    assert_eq!(ran.json()["headers"][1], json!(["Authorization", "REDACTED"]));
    verify(&ran.out, &[]).exits(0);
    let http = capture(&["redact", "-", "--format", "http"], HTTP).exits(0).out;
    assert!(http.starts_with("POST /webhooks?a=b&token=REDACTED HTTP/1.1\r\n"), "{http}");
    verify(http, &[]).exits(0);

    let kept =
        capture(&["redact", "-", "--keep", "TOKEN", "--drop", "host", "--keep", "nope"], HTTP).exits(0);
    assert!(kept.err.contains("`nope`") && !kept.err.contains("no longer what was sent"), "{}", kept.err);
    assert!(kept.out.contains("token=hunter2") && kept.out.contains("\"REDACTED\""), "{}", kept.out);

    let hashed = capture(&["redact", "-", "--body", "hash"], HTTP).exits(0).says("for which its hash stands");
    assert!(!hashed.out.contains("Hello") && !hashed.err.contains("byte for byte"));
    assert!(
        capture(&["show", "-"], &hashed.out).exits(0).out.contains("withheld: 13 bytes, sha256 dffd6021")
    );
    verify(&hashed.out, &[]).exits(2).says("the body was kept back");
    capture(&["redact", "-", "--body", "hash", "--format", "http"], HTTP).exits(2).says("--format json");

    let plain = capture(&["redact", "-"], "GET / HTTP/1.1\r\n\r\n").exits(0).says("nothing was stripped");
    assert!(!plain.err.contains("byte for byte"));
    let two = har(&[request("https://u:p@h/", "a"), request("https://h/?key=x", "")]);
    let ran = capture(&["redact", "-"], two).exits(0).says("entry 1: stripped: the URL's name and password");
    ran.says("entry 2: stripped: the URL's parameters key");
}

#[test]
fn what_is_signed_is_read_back_in_every_form() {
    let folder = Folder::new();
    let (acme, urls) = (folder.file("acme.toml", ACME), folder.file("urls.toml", URLS));
    for scheme in [acme, urls] {
        let scheme = ["--scheme", &scheme, "--secret", "literal:hunter2"];
        for body in ["it's $x `y` \"z\"\\", "", "\r\n", "é\u{1f980}", "@a"] {
            let file = folder.file("body", body);
            for format in ["json", "http", "curl"] {
                let url = "https://example.com/a?b=[c]&d";
                let body = if format == "curl" { body.to_owned() } else { format!("@{file}") };
                if body == "@a" {
                    continue;
                }
                let args =
                    ["sign", "--url", url, "--header", "X-Empty:", "--body", &body, "--format", format];
                let signed = run(&[&args, &scheme[..]].concat()).exits(0).out;
                let args = ["verify", "-", "--ignore-time", "--format", "json"];
                let verified = run_with(&[&args, &scheme[..]].concat(), signed.as_bytes(), &[]);
                assert_eq!(verified.exits(0).json()["outcome"], "verified", "{signed}");
                let shown = capture(&["show", "-", "--format", "json"], &signed).exits(0).json();
                assert!(shown["headers"].as_array().unwrap().contains(&json!(["X-Empty", ""])), "{signed}");
            }
        }
    }
}

#[test]
fn a_preset_can_begin_with_an_entry_of_a_har() {
    let folder = Folder::new();
    let har =
        folder.file("a.har", har(&[request("https://h/", "no"), request("https://h/", "Hello, World!")]));
    let secret = folder.file("s", SECRET);
    let dir = folder.path().to_str().unwrap();
    let secret = format!("literal:{}", std::fs::read_to_string(secret).unwrap());
    let args = [
        "preset",
        "new",
        "acme",
        "--dir",
        dir,
        "--mode",
        "hmac",
        "--algorithm",
        "sha256",
        "--signed",
        "body",
        "--signature-header",
        "x-hub-signature-256",
        "--prefix",
        "sha256=",
        "--encoding",
        "hex",
        "--secret-form",
        "text",
        "--title",
        "Acme",
        "--from",
        &har,
        "--secret",
        &secret,
    ];
    run(&args).exits(2).says("--entry N");
    run(&[&args[..], &["--entry", "2"]].concat()).exits(0);
}
