//! What holds of captures whatever they hold.

#![allow(clippy::unwrap_used)]

use countersign_explain::capture::{Address, BodyKept, Capture, Form, NoteKind, Redaction};
use proptest::collection::vec;
use proptest::prelude::*;

/// One capture of every form.
const SEEDS: [&str; 8] = [
    "POST /a?b=c HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
    r#"{"method":"POST","url":"https://h/?token=x","headers":[["A","1"],["B",{"base64":"/w=="}]],"body_base64":"/w==","notes":[{"code":"body-text","says":"x"}]}"#,
    r#"[{"target":"/a","headers":[["Host","h"]],"body":"a"},{"body_length":1,"body_sha256":"0000000000000000000000000000000000000000000000000000000000000000"}]"#,
    "curl -X POST 'https://h/\\[a\\]?b' \\\n  -H $'A: \\u00e9\\'' -u a:b --data-urlencode \"x=\\\"y\" -d z --json '{}' --compressed # end\n",
    r#"{"log":{"entries":[{"request":{"method":"POST","url":"https://h/","headers":[{"name":":authority","value":"h"}],"bodySize":3,"postData":{"mimeType":"application/x-www-form-urlencoded","text":"","params":[{"name":"a","value":"b"}]}}}]}}"#,
    r#"{"httpMethod":"POST","path":"/a b","headers":{"host":"h"},"multiValueHeaders":{"host":["h"]},"queryStringParameters":{"a":"%"},"requestContext":{"path":"/p/a","domainName":"h"},"body":"AA==","isBase64Encoded":true}"#,
    r#"{"version":"2.0","rawPath":"/é","rawQueryString":"a=b","cookies":["a=b"],"headers":{"a":"1,2"},"requestContext":{"domainName":"h","http":{"method":"GET"}}}"#,
    r#"{"requestContext":{"elb":{}},"httpMethod":"GET","path":"/","multiValueQueryStringParameters":{"a":["%20"]},"headers":{"host":"h"}}"#,
];

fn name() -> impl Strategy<Value = String> {
    "[A-Za-z][A-Za-z0-9-]{0,12}"
        .prop_filter("a length is judged, and a host is part of the address", |name| {
            !["content-length", "transfer-encoding", "host"].contains(&&*name.to_ascii_lowercase())
        })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..40),
        any::<String>().prop_map(String::into_bytes),
        Just(b"\r\n\0\r\n".to_vec()),
        Just("\u{feff}\u{1f980}".into()),
    ]
}

fn url() -> impl Strategy<Value = Address> {
    let target = "/[!-\"$-~]{0,20}";
    prop_oneof![
        "https?://[a-z0-9.]{1,9}(:[0-9]{1,4})?(/[!-~é]{0,20})?".prop_map(Address::Given),
        target.prop_map(|target| Address::Wire { host: None, target }),
        target.prop_map(|target| Address::Wire { host: Some("h:1".into()), target }),
    ]
}

/// Headers with values of any of these bytes.
fn capture(values: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Capture> {
    ("[A-Z]{1,9}", url(), vec((name(), values), 0..6), body()).prop_map(|(method, url, mut headers, body)| {
        if let Address::Wire { host: Some(host), .. } = &url {
            headers.insert(headers.len() / 2, ("hOST".into(), host.clone().into_bytes()));
        }
        Capture::new(&method, url, headers, body).unwrap()
    })
}

#[track_caller]
fn comes_back(mut capture: Capture, written: &[u8], form: Form) {
    let back = Capture::read(written, None).unwrap();
    capture.form = form;
    assert!(back == capture, "{capture:?} came back as {back:?} from {:?}", String::from_utf8_lossy(written));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_as_json_comes_back(
        capture in capture(vec(any::<u8>().prop_filter("no line", |b| !b"\r\n\0".contains(b)), 0..9)),
    ) {
        let written = serde_json::to_vec(&capture.to_json()).unwrap();
        comes_back(capture, &written, Form::Json);
    }

    #[test]
    fn what_is_written_as_http_comes_back(capture in capture(vec(0x21u8..0x7f, 0..9))) {
        let written = capture.to_http().unwrap();
        comes_back(capture, &written, Form::Http);
    }

    #[test]
    fn what_http_cannot_carry_is_refused_and_the_rest_comes_back(
        capture in capture(vec(any::<u8>().prop_filter("no line", |b| !b"\r\n\0".contains(b)), 0..9)),
    ) {
        if let Ok(written) = capture.to_http() {
            comes_back(capture, &written, Form::Http);
        }
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in vec(any::<u8>(), 0..200)) {
        let _ = Capture::read_all(&bytes);
        let _ = Capture::read_all(&[b"curl ", &*bytes].concat());
    }

    #[test]
    fn no_text_makes_the_reader_of_commands_panic(text in "curl( |\\\\|'|\"|\\$'|\\\\u|\\\\x|-[a-zA-Z:#]|--data|a|\\[|http://h|@|=|;|\n){0,20}") {
        let _ = Capture::read_all(text.as_bytes());
    }

    /// What can be read can also be redacted and written, and is then read as the same.
    #[test]
    fn a_damaged_capture_is_read_or_refused(
        seed in 0..SEEDS.len(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 0..4),
    ) {
        let mut bytes = SEEDS[seed].as_bytes().to_vec();
        for (at, byte, how) in damage {
            let at = at.index(bytes.len().max(1));
            match how {
                _ if at >= bytes.len() => {}
                0 => bytes[at] = byte,
                1 => drop(bytes.remove(at)),
                _ => bytes.truncate(at.max(bytes.len() / 2)),
            }
        }
        for mut capture in Capture::read_all(&bytes).unwrap_or_default() {
            let _ = capture.clone().strict();
            let _ = capture.to_http();
            Redaction::new(&[], &[], BodyKept::Hash).apply(&mut capture);
            let written = serde_json::to_vec(&capture.to_json()).unwrap();
            comes_back(capture, &written, Form::Json);
        }
    }
}

#[test]
fn every_form_is_known_by_what_it_holds() {
    let forms = [
        &[Form::Http][..],
        &[Form::Json],
        &[Form::Json, Form::Json],
        &[Form::Curl],
        &[Form::Har],
        &[Form::EventV1],
        &[Form::EventV2],
        &[Form::EventBalancer],
    ];
    for (seed, forms) in SEEDS.iter().zip(forms) {
        for before in ["", "\u{feff}", "\n"] {
            let captures = Capture::read_all(format!("{before}{seed}").as_bytes()).unwrap();
            assert_eq!(captures.iter().map(|capture| capture.form).collect::<Vec<_>>(), forms, "{seed}");
        }
    }
}

#[test]
fn a_capture_prints_neither_its_headers_nor_its_body() {
    let headers = vec![("Authorization".to_owned(), b"hunter2".to_vec())];
    let url = Address::Given("https://h/?token=hunter2".into());
    let capture = Capture::new("POST", url, headers, b"hunter2".to_vec()).unwrap();
    assert!(!format!("{capture:?}").contains("hunter2"));
}

#[test]
fn the_page_of_captures_tells_every_note() {
    let page = include_str!("../../../docs/guide/captures.md");
    for NoteKind { code, refuses, means, .. } in NoteKind::ALL {
        let row = format!("| `{code}` | {} | {means} |", if *refuses { "refused" } else { "told" });
        assert!(page.contains(&row), "docs/guide/captures.md has no row {row}");
    }
}
