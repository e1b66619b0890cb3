#![allow(clippy::unwrap_used)]
use super::*;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use proptest::prelude::*;
use std::io::Write;

fn undone(received: &[u8], sent: &[u8], is_form: bool) -> Vec<&'static str> {
    let fits = |variant: &Variant| variant.sent(received).as_deref() == Some(sent);
    variants(received, is_form).into_iter().filter(fits).map(|variant| variant.deviation.code).collect()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    out.write_all(text).unwrap();
    out.finish().unwrap()
}

fn zlib(text: &[u8]) -> Vec<u8> {
    let mut out = ZlibEncoder::new(Vec::new(), Compression::default());
    out.write_all(text).unwrap();
    out.finish().unwrap()
}

fn utf16(text: &str, mark: &[u8], unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    mark.iter().copied().chain(text.encode_utf16().flat_map(unit)).collect()
}

/// Sent, received, code: what was done to the one is undone in the other.
#[test]
fn what_was_done_to_a_body_is_undone() {
    let json = r#"{"a": "é/<"}"#;
    let latin: Vec<u8> = json.chars().map(|c| c as u8).collect();
    let table: &[(&[u8], &[u8], &str)] = &[
        (b"{}", b"{}\n", "body/trailing-newline"),
        (b"{}\n", b"{}", "body/trailing-newline"),
        (b"{}", b"{}\r\n", "body/trailing-newline"),
        (b"{}\r\n", b"{}", "body/trailing-newline"),
        (b"a\r\nb\r\n", b"a\nb\n", "body/line-ends"),
        (b"a\nb\n", b"a\r\nb\r\n", "body/line-ends"),
        (b"{}", b"\xef\xbb\xbf{}", "body/byte-order-mark"),
        (b"\xef\xbb\xbf{}", b"{}", "body/byte-order-mark"),
        (b"a", b"\t a \n\n", "body/white-space"),
        (b"a ", b"a", "body/white-space"),
        (b" a ", b"a", "body/white-space"),
        (b" a", b"a", "body/white-space"),
        (b"\na", b"a", "body/white-space"),
        (b"\na\n", b"a", "body/white-space"),
        (b"a\n\n", b"a", "body/white-space"),
        (b"a", b"a\0\0\0", "body/nul"),
        (b"ab", b"abab", "body/twice"),
        (b"", b"ab", "body/empty"),
        (b"{}", b"", "body/empty-object"),
        (b"{\"a\":1}", b"eyJhIjoxfQ==", "body/base64"),
        (b"{\"a\":1}", b"\"eyJhIjoxfQ\"\n", "body/base64"),
        (b"eyJhIjoxfQ==", b"{\"a\":1}", "body/base64"),
        (b"{\"a\":1}", &gzip(b"{\"a\":1}"), "body/compressed"),
        (b"{\"a\":1}", &zlib(b"{\"a\":1}"), "body/compressed"),
        (b"{\"a\":\"\\n\"}", br#""{\"a\":\"\\n\"}""#, "body/json-text"),
        (br#""{\"a\":1}""#, b"{\"a\":1}", "body/json-text"),
        (b"{}", b"b'{}'", "body/bytes-literal"),
        (b"{}", b"b\"{}\"", "body/bytes-literal"),
        (br#"{"a":"\n"}"#, br#"{\"a\":\"\\n\"}"#, "body/backslashes"),
        (br#"{\"a\":\"\\n\"}"#, br#"{"a":"\n"}"#, "body/backslashes"),
        (br#"{\"a\":1}"#, br#"{\\"a\\":1}"#, "body/backslashes"),
        (br#"{"a":"\n"}"#, br#"{\"a\":\"\n\"}"#, "body/backslashes"),
        (b"{\"a\": 1}", b"%7B%22a%22%3A%201%7D", "body/percent-encoded"),
        (b"{\"a\": 1}", b"%7B%22a%22%3A+1%7D=", "body/percent-encoded"),
        (b"a=b+c%40&d=", b"a=b c@&d=", "body/form-decoded"),
        (b"{\"a\":\"<'&\"}", b"{&quot;a&quot;:&quot;&lt;&#39;&amp;&quot;}", "body/escapes-as-html"),
        (b"a=b+c&d=1", b"{\"a\":\"b c\",\"d\":1}", "body/form-as-json"),
        (b"a=b%20c&a=d", b"{\"a\":[\"b c\",\"d\"]}", "body/form-as-json"),
        (b"{\"a\":1}", b"x=1&payload=%7B%22a%22%3A1%7D", "body/form-field"),
        (b"payload=%7B%22a%22%3A1%7D", b"{\"a\":1}", "body/form-field"),
        (json.as_bytes(), "{\"a\": \"Ã©/<\"}".as_bytes(), "body/latin-1"),
        (json.as_bytes(), &latin, "body/latin-1"),
        (&latin, json.as_bytes(), "body/latin-1"),
        ("“é”".as_bytes(), "â€œÃ©â€\u{9d}".as_bytes(), "body/latin-1"),
        ("\u{e9}".as_bytes(), "e\u{301}".as_bytes(), "body/normalised"),
        ("e\u{301}".as_bytes(), "\u{e9}".as_bytes(), "body/normalised"),
        ("a😀".as_bytes(), b"a\xed\xa0\xbd\xed\xb8\x80", "body/surrogates"),
        (json.as_bytes(), &utf16(json, b"\xff\xfe", u16::to_le_bytes), "body/utf-16"),
        (json.as_bytes(), &utf16(json, b"", u16::to_le_bytes), "body/utf-16"),
        (json.as_bytes(), &utf16(json, b"\xfe\xff", u16::to_be_bytes), "body/utf-16"),
    ];
    for (sent, received, code) in table {
        let codes = undone(received, sent, false);
        assert!(codes.contains(code), "{:?}: {codes:?}", String::from_utf8_lossy(received));
    }
}

#[test]
fn every_writer_of_json_is_known() {
    let received = br#"{"b":"\u00e9/<'","a":[1.0,{}]}"#;
    let table = [
        ("{\"b\":\"é/<'\",\"a\":[1.0,{}]}", "body/json-reserialised"),
        (r#"{"b": "\u00e9/<'", "a": [1.0, {}]}"#, "body/json-reserialised"),
        (r#"{"b": "é/<'", "a": [1.0, {}]}"#, "body/json-reserialised"),
        (r#"{"b":"\u00e9\/<'","a":[1.0,{}]}"#, "body/json-reserialised"),
        (r#"{"b":"é\/<'","a":[1.0,{}]}"#, "body/json-reserialised"),
        (r#"{"b":"é/\u003c'","a":[1.0,{}]}"#, "body/json-reserialised"),
        (r#"{"b":"\u00E9/\u003C\u0027","a":[1.0,{}]}"#, "body/json-reserialised"),
        (r#"{"b":"é/\u003c\u0027","a":[1.0,{}]}"#, "body/json-reserialised"),
        ("{\n  \"b\": \"é/<'\",\n  \"a\": [\n    1.0,\n    {}\n  ]\n}", "body/json-reserialised"),
        (
            "{\n    \"b\": \"\\u00e9\\/<'\",\n    \"a\": [\n        1.0,\n        {}\n    ]\n}",
            "body/json-reserialised",
        ),
        ("{\n\t\"b\": \"é/<'\",\n\t\"a\": [\n\t\t1.0,\n\t\t{}\n\t]\n}\n", "body/json-reserialised"),
        ("{\n  \"b\" : \"é/<'\",\n  \"a\" : [\n    1.0,\n    {}\n  ]\n}", "body/json-reserialised"),
        ("{\"b\":\"é/<'\",\"a\":[1.0,{}]}\n", "body/json-reserialised"),
        ("{\"a\":[1.0,{}],\"b\":\"é/<'\"}", "body/json-key-order"),
        ("{\"b\":\"é/<'\",\"a\":[1,{}]}", "body/json-numbers"),
        ("{\"b\":\"é/<'\",\"a\":[1.00,{}]}", "body/json-numbers"),
    ];
    for (sent, code) in table {
        // With a tab and a newline behind it nobody writes.
        let codes = undone(received, sent.as_bytes(), false);
        let wanted = !(sent.contains('\t'));
        assert_eq!(codes.contains(&code), wanted, "{sent}: {codes:?}");
    }
}

#[test]
fn forms_are_written_again() {
    let received = b"b=x%20y%7e&a=%2f&b=";
    for sent in [&b"b=x+y%7E&a=%2F&b="[..], b"b=x%20y~&a=%2F&b=", b"b=x+y%7e&a=%2f&b=", b"a=%2F&b=&b=x%20y~"]
    {
        assert!(
            undone(received, sent, true).contains(&"body/form-rewritten"),
            "{}",
            String::from_utf8_lossy(sent)
        );
        assert!(!undone(received, sent, false).contains(&"body/form-rewritten"));
    }
}

/// Of a document that has all that writers spell differently, no two hands write the same.
#[test]
fn no_hand_is_tried_twice() {
    for document in [
        "{\"b\":\"é/<>&+'`=\\\"\u{2028}\u{7f}\",\"a\":[1,{}]}",
        "{\"b\":\"plain\",\"a\":[1,{}]}",
        "{\"b\":\"é\",\"a\":[1,{}]}",
        "{\"b\":\"a/b\",\"a\":[1,{}]}",
    ] {
        let mut written = std::collections::HashMap::new();
        let spelt = ["body/json-reserialised", "body/json-key-order"];
        for variant in variants(document.as_bytes(), false)
            .iter()
            .filter(|variant| spelt.contains(&variant.deviation.code))
        {
            let before =
                written.insert(variant.sent(document.as_bytes()).unwrap(), variant.deviation.says.clone());
            assert_eq!(before, None, "{document}: {}", variant.deviation.says);
        }
        assert!(written.len() > 10);
    }
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: [&str; 20] = [
        "{", "}", "\"", "\\", "a", "1.5", ":", ",", "[", "]", "=", "&", "%", "%7B", "+", "\u{e9}", "😀",
        "\n", "\0", "b'",
    ];
    let text = prop::collection::vec(prop::sample::select(&PIECES[..]), 0..20)
        .prop_map(|pieces| pieces.concat().into_bytes());
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..80),
        text,
        prop::collection::vec(any::<u8>(), 0..40).prop_map(|bytes| gzip(&bytes)),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(|bytes| [&[0x1f, 0x8b], &bytes[..]].concat()),
    ]
}

proptest! {
    #[test]
    fn any_body_can_be_asked_about(body in bodies(), is_form: bool) {
        for variant in variants(&body, is_form) {
            let _ = variant.sent(&body);
        }
    }
}
