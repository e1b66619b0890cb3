//! The reader against the standards, against another reader, and against anything.

use super::*;
use proptest::prelude::*;

fn what(source: &str) -> &'static str {
    blame(Json::parse(source.as_bytes()))
}

fn blame<T>(result: Result<T, Fault>) -> &'static str {
    match result {
        Err(Fault::Malformed(what)) => what,
        Err(Fault::Absent) => "absent",
        Ok(_) => "taken",
    }
}

fn at(json: &Json<'_>, pointer: &str) -> String {
    let found = json.pointer(pointer).unwrap_or_else(|| panic!("nothing at {pointer}"));
    String::from_utf8(found.scalar().expect("a scalar").into_owned()).expect("UTF-8")
}

#[test]
fn keeps_spelling_and_order() {
    let source = br#" {"b": 1.50e+1, "a":[true , {"\u0061\"":"x\u00e9\n\ud83d\ude00\/"}],"n":null} "#;
    let json = Json::parse(source).expect("valid");
    assert_eq!(at(&json, "/b"), "1.50e+1");
    assert_eq!(at(&json, "/a/0"), "true");
    assert_eq!(at(&json, "/a/1/a\""), "xé\n😀/");
    assert_eq!(
        json.pointer("/a").expect("there").bytes(),
        br#"[true , {"\u0061\"":"x\u00e9\n\ud83d\ude00\/"}]"#
    );
    assert!(json.pointer("/n").expect("there").is_null());
    assert_eq!(json.pointer("/n").expect("there").scalar(), None);
    let keys: Vec<_> = json.members().map(|(key, _)| key.source()).collect();
    assert_eq!(keys, [&b"\"b\""[..], b"\"a\"", b"\"n\""]);
    assert_eq!(json.pointer("").expect("itself").bytes().len(), source.len() - 2);
}

#[test]
fn pointers_follow_rfc_6901() {
    let source = br#"{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8,"~1":9}"#;
    let json = Json::parse(source).expect("valid");
    for (pointer, text) in [
        ("/foo/0", "bar"),
        ("/", "0"),
        ("/a~1b", "1"),
        ("/c%d", "2"),
        ("/e^f", "3"),
        ("/g|h", "4"),
        ("/i\\j", "5"),
        ("/k\"l", "6"),
        ("/ ", "7"),
        ("/m~0n", "8"),
        ("/~01", "9"),
    ] {
        assert_eq!(at(&json, pointer), text, "{pointer}");
    }
    for nothing in [
        "foo",
        "/foo/2",
        "/foo/-",
        "/foo/00",
        "/foo/01",
        "/foo/+1",
        "/foo/",
        "/a~2b",
        "/m~",
        "/foo/0/x",
        "/foo/99999999999999999999",
    ] {
        assert!(json.pointer(nothing).is_none(), "{nothing}");
    }
    assert!(check_pointer("x").is_err() && check_pointer("/~").is_err() && check_pointer("/~2").is_err());
}

#[test]
fn big_containers_are_searched_alike() {
    let members: Vec<_> = (0..1000).map(|n| format!(r#""k\u003{}{n}":{n}"#, n % 10)).collect();
    let elements: Vec<_> = (0..1000).map(|n| format!("[{n}]")).collect();
    let source = format!(r#"[{{{}}},[{}]]"#, members.join(","), elements.join(","));
    let json = Json::parse(source.as_bytes()).expect("valid");
    for n in [0, 1, 31, 32, 33, 998, 999] {
        assert_eq!(at(&json, &format!("/0/k{}{n}", n % 10)), n.to_string());
        assert_eq!(at(&json, &format!("/1/{n}/0")), n.to_string());
    }
    assert!(json.pointer("/0/k").is_none() && json.pointer("/1/1000").is_none());
}

#[test]
fn refuses_what_readers_disagree_about() {
    for (source, fault) in [
        (r#"{"a":1,"a":2}"#, "a JSON object with the same key twice"),
        (r#"[{"x":{"a":1,"b":0,"\u0061":2}}]"#, "a JSON object with the same key twice"),
        ("\u{feff}{}", "a byte order mark before JSON"),
        (r#""\ud800""#, "an escaped lone surrogate in a JSON string"),
        (r#""\ud800\u0041""#, "an escaped lone surrogate in a JSON string"),
        (r#""\ud800xxdc00""#, "an escaped lone surrogate in a JSON string"),
        (r#""\udc00\ud800""#, "an escaped lone surrogate in a JSON string"),
        ("01", "a JSON number with leading zeros"),
        ("-", "a JSON number without its digits"),
        ("1.", "a JSON number without its digits"),
        ("1e", "a JSON number without its digits"),
        ("{} x", "something after the end of the JSON value"),
        ("[1,]", "something that begins no JSON value"),
        ("{\"a\":1,}", "an object member without a quoted key"),
        ("[1}", "neither a comma nor the end of an array or object"),
        ("", "JSON that ends too early"),
        ("{", "JSON that ends too early"),
        ("\"a\nb\"", "a control character in a JSON string"),
        (r#""\x""#, "an escape that JSON does not have"),
        (r#""\u12g4""#, "a JSON escape `\\u` without four digits"),
        ("NaN", "something that begins no JSON value"),
        ("truth", "something that begins no JSON value"),
        ("\u{a0}1", "something that begins no JSON value"),
    ] {
        assert_eq!(what(source), fault, "{source}");
    }
    assert_eq!(blame(Json::parse(b"\"\xff\"")), "JSON that is not UTF-8");
}

#[test]
fn depth_is_bounded_without_a_stack() {
    let nest = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    assert!(Json::parse(nest(DEPTH).as_bytes()).is_ok());
    assert_eq!(what(&nest(DEPTH + 1)), "JSON of more than 64 levels");
    assert_eq!(what(&"[".repeat(100_000)), "JSON of more than 64 levels");
    assert_eq!(what(&"{\"a\":".repeat(100_000)), "JSON of more than 64 levels");
}

#[test]
fn wildcards_want_every_part() {
    let json = Json::parse(br#"{"a":[{"b":1},{"b":[2]}],"c":[]}"#).expect("valid");
    let found = |pattern| {
        json.wildcard(pattern).map(|all| all.iter().map(|j| j.bytes().to_vec()).collect::<Vec<_>>())
    };
    assert_eq!(found("/a/*/b").expect("both"), [&b"1"[..], b"[2]"]);
    assert_eq!(found("/c/*").expect("none"), Vec::<Vec<u8>>::new());
    assert_eq!(found("").expect("itself").len(), 1);
    assert_eq!(blame(found("/a/*/x")), "an item without its expected part");
    assert_eq!(blame(found("/a/*/b/*")), "something else than the array of items");
    assert_eq!(blame(found("/*")), "something else than the array of items");
}

#[test]
fn placing_changes_nothing_else() {
    for (source, pointer, text, after) in [
        (r#" {"a" : "x" } "#, "/a", "y\"", r#" {"a" : "y\"" } "#),
        (r#"{"t": 17 }"#, "/t", "18", r#"{"t": 18 }"#),
        (r#"{"t": 17 }"#, "/t", "018", r#"{"t": "018" }"#),
        (r#"{"t":"17"}"#, "/t", "18", r#"{"t":"18"}"#),
        (r#"{"t":{"x":[]}}"#, "/t", "18", r#"{"t":"18"}"#),
        ("{ }", "/a", "x", r#"{"a":"x" }"#),
        ("{\"b\": 1\n}", "/a", "x", "{\"b\": 1,\"a\":\"x\"\n}"),
        (r#"{"b":[{}]}"#, "/b/0/c/d", "x", r#"{"b":[{"c":{"d":"x"}}]}"#),
        ("1", "", "x", "\"x\""),
    ] {
        let placed = place(source.as_bytes(), pointer, text).expect(source);
        assert_eq!(String::from_utf8_lossy(&placed), after);
    }
    for (source, pointer) in
        [("[]", "/0"), ("{\"a\":1}", "/a/b"), ("{\"a\":null}", "/a/b"), ("{", "/a"), ("{}", "a")]
    {
        assert!(place(source.as_bytes(), pointer, "x").is_err(), "{source} {pointer}");
    }
}

/// Text that is often JSON, or nearly.
fn jsonish() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\"",
        "\"\\u0061\"",
        "\"b\\n\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud800\"",
        "1",
        "-0",
        "01",
        "1.5",
        "2e10",
        "1E-2",
        "true",
        "false",
        "null",
        " ",
        "\n",
        "\"",
        "\\",
        "é",
        "\"é\"",
        "\u{7f}",
        "\"\t\"",
        "+1",
        "-",
    ]);
    let soup = prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat());
    let damaged = (valid(), any::<prop::sample::Index>(), any::<char>()).prop_map(|(mut text, at, c)| {
        let at = at.index(text.len() + 1);
        if text.is_char_boundary(at) {
            text.insert(at, c);
        }
        text
    });
    prop_oneof![soup, damaged, valid()]
}

pub(crate) fn valid() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        any::<String>().prop_map(|text| serde_json::to_string(&text).expect("a string")),
        any::<i64>().prop_map(|number| number.to_string()),
        prop::sample::select(vec!["null", "true", "false", "1.0", "-0", "1e5", "2.50E-7", "\"\\u00E9\\/\""])
            .prop_map(String::from),
    ];
    scalar.prop_recursive(5, 64, 6, |inner| {
        let array =
            prop::collection::vec(inner.clone(), 0..6).prop_map(|all| format!("[{}]", all.join(" ,\t")));
        let object = prop::collection::vec((any::<String>(), inner), 0..6).prop_map(|all| {
            let all: Vec<_> = all
                .iter()
                .enumerate()
                .map(|(n, (key, value))| {
                    format!("{}: {value}", serde_json::to_string(&format!("{key}{n}")).expect("a string"))
                })
                .collect();
            format!("{{{}}}", all.join(",\n"))
        });
        prop_oneof![array, object]
    })
}

/// Ours against another reader's value, all the way down.
fn same(ours: &Json<'_>, theirs: &serde_json::Value) -> bool {
    use serde_json::Value;
    let scalar = ours.scalar();
    match theirs {
        Value::Null => ours.is_null(),
        Value::String(text) => ours.kind() == Kind::Text && scalar.as_deref() == Some(text.as_bytes()),
        Value::Bool(b) => ours.kind() == Kind::Bool && scalar.as_deref() == Some(b.to_string().as_bytes()),
        Value::Number(_) => ours.kind() == Kind::Number && scalar.as_deref() == Some(ours.bytes()),
        Value::Array(all) => {
            ours.elements().count() == all.len()
                && ours.elements().zip(all).all(|(ours, theirs)| same(&ours, theirs))
        }
        Value::Object(all) => {
            ours.members().count() == all.len()
                && ours.members().all(|(key, value)| {
                    let key = key.scalar().expect("a key");
                    let key = std::str::from_utf8(&key).expect("UTF-8");
                    let pointed = ours.pointer(&format!("/{}", key.replace('~', "~0").replace('/', "~1")));
                    same(&value, &all[key]) && pointed.is_some_and(|pointed| pointed.at == value.at)
                })
        }
    }
}

proptest! {
    #[test]
    fn agrees_with_serde_json(source in jsonish()) {
        match (Json::parse(source.as_bytes()), serde_json::from_str::<serde_json::Value>(&source)) {
            (Ok(ours), Ok(theirs)) => prop_assert!(same(&ours, &theirs)),
            (Err(fault), Ok(_)) => {
                prop_assert_eq!(fault, Fault::Malformed("a JSON object with the same key twice"));
            },
            (Ok(_), Err(e)) => prop_assert!(e.to_string().contains("number out of range"), "{e}"),
            (Err(_), Err(_)) => {}
        }
    }

    #[test]
    fn reads_all_that_is_valid(source in valid()) {
        prop_assert!(Json::parse(source.as_bytes()).is_ok());
        prop_assert!(Json::read(Cow::Owned(source.into_bytes())).is_ok());
    }

    #[test]
    fn never_panics(source in prop::collection::vec(any::<u8>(), 0..64), pointer in any::<String>()) {
        if let Ok(json) = Json::parse(&source) {
            let _ = json.pointer(&pointer);
            let _ = json.wildcard(&pointer);
            let _ = place(&source, &pointer, "x");
        }
    }

    #[test]
    fn placed_is_found(source in valid(), text in any::<String>(), key in any::<String>()) {
        let pointer = format!("/{}", key.replace('~', "~0").replace('/', "~1"));
        if let Ok(placed) = place(source.as_bytes(), &pointer, &text) {
            let json = Json::parse(&placed).expect("still JSON");
            let found = json.pointer(&pointer).and_then(|found| found.scalar());
            prop_assert_eq!(found.as_deref(), Some(text.as_bytes()));
        }
    }
}
