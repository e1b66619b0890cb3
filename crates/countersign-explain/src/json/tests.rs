#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;

fn written(text: &str, style: Style) -> String {
    String::from_utf8(Document::read(text.as_bytes()).unwrap().write(style)).unwrap()
}

#[test]
fn every_hand_is_written() {
    let text = r#" {"b" : [1, 2.50, {}], "a/é": "\u00e9<\u2028\/\"", "n": null , "e":[] } "#;
    let compact = "{\"b\":[1,2.50,{}],\"a/é\":\"é<\u{2028}/\\\"\",\"n\":null,\"e\":[]}";
    assert_eq!(written(text, Style::COMPACT), compact);
    let python = Style {
        comma: ", ",
        colon: ": ",
        escapes: Escapes { ascii: true, ..Escapes::default() },
        ..Style::COMPACT
    };
    assert_eq!(
        written(text, python),
        r#"{"b": [1, 2.50, {}], "a/\u00e9": "\u00e9<\u2028/\"", "n": null, "e": []}"#
    );
    let sorted = Style { sorted: true, numbers: Numbers::Shortest, ..Style::COMPACT };
    assert!(written(text, sorted).starts_with("{\"a/é\":"));
    assert!(written(text, sorted).contains("[1,2.5,{}]"));
    let pretty = Style { colon: ": ", indent: Some("  "), ..Style::COMPACT };
    assert_eq!(
        written("{\"a\":[1,{}],\"b\":{}}", pretty),
        "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": {}\n}"
    );
    let go = Style { escapes: Escapes { also: "<>&", lines: true, ..Escapes::default() }, ..Style::COMPACT };
    assert_eq!(written("[\"<\u{2028}😀\"]", go), "[\"\\u003c\\u2028😀\"]");
    let php = Style { escapes: Escapes { ascii: true, slash: true, ..Escapes::default() }, ..Style::COMPACT };
    assert_eq!(written("[\"😀/\"]", php), r#"["\ud83d\ude00\/"]"#);
}

#[test]
fn numbers_are_spelled() {
    let with = |numbers| written("[1.0,1e3,12.5,3]", Style { numbers, ..Style::COMPACT });
    assert_eq!(with(Numbers::Shortest), "[1,1000,12.5,3]");
    assert_eq!(with(Numbers::Pointed), "[1.0,1000.0,12.5,3]");
    assert_eq!(with(Numbers::Cents), "[1.00,1000.00,12.50,3]");
}

#[test]
fn what_is_no_json_is_none() {
    for bad in ["", "{", "[1,]", "{\"a\"}", "{\"a\":1,}", "tru", "[1 2]", "\"\n\"", "]", "{1:2}", "1 2"] {
        assert!(Document::read(bad.as_bytes()).is_none(), "{bad}");
    }
    assert!(Document::read("[".repeat(100_000).as_bytes()).is_none());
    assert!(Document::read(b"\"\\ud800\"").is_some(), "a lone surrogate stays as it is");
}

#[test]
fn texts_have_pointers() {
    assert_eq!(
        strings(br#"{"a":[{"b/c":"x"}],"d":"y"}"#),
        [("/a/0/b~1c".to_owned(), "x".to_owned()), ("/d".to_owned(), "y".to_owned())]
    );
}

#[test]
fn a_document_in_a_text_is_taken_out() {
    assert_eq!(unwrapped(br#""{\"a\":1}""#).unwrap(), br#"{"a":1}"#);
    assert!(unwrapped(br#""a" "b""#).is_none());
    assert_eq!(wrapped("a\"b"), br#""a\"b""#);
}

fn documents() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        (-1e6..1e6).prop_map(|number: f64| number.into()),
        r#"[a-c/<&"\\\n\x01é\u{2028}😀]{0,8}"#.prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::btree_map(r#"[a-cé/"]{0,3}"#, inner, 0..5)
                .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

proptest! {
    #[test]
    fn written_again_it_is_the_same_document(document in documents(), pretty: bool, ascii: bool, sorted: bool, slash: bool) {
        let escapes = Escapes { ascii, slash, upper: sorted, lines: pretty, also: if pretty { "<&" } else { "" } };
        let indent = pretty.then_some("  ");
        let style = Style { escapes, indent, sorted, end: if slash { "\n" } else { "" }, ..Style::COMPACT };
        let text = document.to_string();
        let once = Document::read(text.as_bytes()).unwrap().write(style);
        let value = |text: &[u8]| serde_json::from_slice::<serde_json::Value>(text).unwrap();
        prop_assert_eq!(value(&once), value(text.as_bytes()));
        let twice = Document::read(&once).unwrap().write(style);
        prop_assert_eq!(String::from_utf8(twice).unwrap(), String::from_utf8(once).unwrap());
    }

    #[test]
    fn numbers_written_again_stay_as_they_are(number in -1e9..1e9, point in r"-?[0-9]{1,5}\.[0-9]{1,3}(e[0-9])?") {
        for text in [format!("[{number}]"), format!("[{number:e}]"), format!("[{point}]")] {
            for numbers in [Numbers::Shortest, Numbers::Pointed, Numbers::Cents, Numbers::Padded] {
                let style = Style { numbers, ..Style::COMPACT };
                let once = Document::read(text.as_bytes()).unwrap().write(style);
                let twice = Document::read(&once).unwrap().write(style);
                prop_assert_eq!(&twice, &once, "{} {:?}", text, numbers);
            }
        }
    }

    #[test]
    fn anything_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..60), text in r#"[{}\[\],:"\\u0ad8 1e.-]{0,40}"#) {
        for bytes in [&bytes[..], text.as_bytes()] {
            if let Some(document) = Document::read(bytes) {
                prop_assert!(Document::read(&document.write(Style::COMPACT)).is_some());
            }
            let _ = (strings(bytes), flat(bytes), unwrapped(bytes));
        }
    }

    #[test]
    fn a_text_in_a_text_comes_out_again(text: String) {
        prop_assert_eq!(unwrapped(&wrapped(&text)), Some(text.into_bytes()));
    }
}
