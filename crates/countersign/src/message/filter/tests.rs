//! Filters by example, against the tools they imitate, and against each other.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// Headers `A: 1`, `b: 2`, and a body.
struct Request(Json<'static>);

const BODY: &[u8] = br#"{"data":{"id":7,"user":{"name":"x"},"a/b":true,"none":null,"deep":[]}}"#;

impl Lookup<'static> for Request {
    fn header(&self, name: &[u8]) -> Result<Option<Cow<'static, [u8]>>, Fault> {
        match &name.to_ascii_lowercase()[..] {
            b"a" => Ok(Some(Cow::Borrowed(b"1"))),
            b"b" => Ok(Some(Cow::Borrowed(b"2"))),
            b"big" => Ok(Some(Cow::Owned(vec![b'x'; 64 << 10]))),
            b"twice" => Err(Fault::Malformed("twice")),
            _ => Ok(None),
        }
    }

    fn json(&self, pointer: &str) -> Result<Option<Val<'static>>, Fault> {
        Ok(self.0.pointer(pointer).map(Val::json))
    }
}

fn request() -> Request {
    Request(Json::parse(BODY).expect("JSON"))
}

fn filter(word: &str) -> Filter {
    let (name, args) = word.split_once(':').map_or((word, None), |(name, args)| (name, Some(args)));
    Filter::parse(name, args).unwrap_or_else(|e| panic!("{word}: {e:?}"))
}

/// Runs a chain, types checked first, as the compiler of values does.
fn chain(chain: &str, value: Val<'static>) -> Result<Val<'static>, Fault> {
    let filters: Vec<_> = chain.split('|').filter(|word| !word.is_empty()).map(filter).collect();
    let typed = filters.iter().try_fold(value.kind(), |kind, filter| filter.output(kind));
    let result = filters.iter().try_fold(value, |value, filter| filter.apply(value, &request()))?;
    assert_eq!(Some(result.kind()), typed, "{chain}");
    Ok(result)
}

fn run(words: &str, text: &str) -> Result<String, Fault> {
    let text = Val::Bytes(Cow::Owned(text.as_bytes().to_vec()));
    let bytes = chain(words, text)?.into_bytes()?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn assert_all(cases: &[(&str, &str, &str)]) {
    for (words, text, expected) in cases {
        assert_eq!(run(words, text).as_deref(), Ok(*expected), "{words} on {text:?}");
    }
}

fn assert_malformed(cases: &[(&str, &str)]) {
    for (words, text) in cases {
        let result = run(words, text);
        assert!(matches!(result, Err(Fault::Malformed(_))), "{words} on {text:?}: {result:?}");
    }
}

#[test]
fn the_table_is_complete_and_unambiguous() {
    let grammar = "lower upper trim reverse strip_space slice before after_last replace default hex unhex base64 \
        unbase64 base64url unbase64url percent_encode percent_decode json_string json_ascii md5 sha1 sha256 sha384 \
        sha512 keccak256 crc32 port query split lookup values sort unique drop_empty except pairs join json without \
        print raw scalars mac";
    let listed: BTreeSet<_> = grammar.split_whitespace().collect();
    assert_eq!(names().collect::<BTreeSet<_>>(), listed);
    assert_eq!(names().count(), listed.len());
    let usages: BTreeSet<_> = TABLE.iter().map(|row| row.usage).collect();
    assert_eq!(usages.len(), TABLE.len());
    for row in TABLE {
        assert_eq!(filter(row.example).row().usage, row.usage);
        assert!(!row.about.is_empty() && !row.types.is_empty(), "{row:?}");
        let forms = TABLE.iter().filter(|other| other.name == row.name);
        let args = row.example.split_once(':').map(|(_, args)| args);
        assert_eq!(forms.filter(|form| form.arguments(args).is_some()).count(), 1, "{row:?}");
    }
}

#[test]
fn text_filters() {
    assert_all(&[
        ("lower", "AbÇ", "abÇ"),
        ("upper", "aBç", "ABç"),
        ("trim", " \t\r\n a b \x0c", "a b"),
        ("trim", "   ", ""),
        ("reverse", "abc", "cba"),
        ("strip_space", " a \n\tb ", "ab"),
        ("slice:0:4", "abcdef", "abcd"),
        ("slice:0:-2", "abcdef", "abcd"),
        ("slice:-2:", "abcdef", "ef"),
        ("slice:2:", "abcdef", "cdef"),
        ("slice:4:2", "abcdef", ""),
        ("slice:-99:99", "abcdef", "abcdef"),
        ("slice:7:9", "abcdef", ""),
        ("before:,", "a,b,c", "a"),
        ("before:,", "abc", "abc"),
        ("before::", "a:b", "a"),
        ("after_last:/", "a/b/c", "c"),
        ("after_last:/", "abc", "abc"),
        ("after_last:--", "a---b", "b"),
        ("replace: :+", "a b  c", "a+b++c"),
        ("replace:aa:a", "aaaaa", "aaa"),
        ("replace:x::", "axb", "a:b"),
        ("replace:x:", "axb", "ab"),
        ("default:x", "", ""),
        ("hex|slice:0:2|trim|before:0|after_last:a", "abc", "61"),
    ]);
}

#[test]
fn codecs() {
    assert_all(&[
        ("hex", "\u{1}J", "014a"),
        ("unhex", "014A4a", "\u{1}JJ"),
        ("base64", "a?>", "YT8+"),
        ("base64", "a", "YQ=="),
        ("unbase64", "YQ==", "a"),
        ("base64url", "a?>a", "YT8-YQ"),
        ("unbase64url", "YT8-YQ", "a?>a"),
        ("unbase64url", "YT8-YQ==", "a?>a"),
        ("unbase64", "", ""),
        ("percent_decode", "a%20%2Fb%2f+", "a /b/+"),
        ("percent_decode::/", "%3A%2f%20:%25", ":/%20:%25"),
        ("percent_decode:%", "%2541", "%41"),
        (
            "json_string",
            "a\"\\/\u{8}\u{c}\n\r\t\u{1}\u{1f}\u{7f}é\u{2028}😀",
            "\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\u{7f}é\u{2028}😀\"",
        ),
        ("json_ascii", "é/😀\"\n\u{7f}", "\\u00e9/\\ud83d\\ude00\"\n\u{7f}"),
    ]);
    assert_malformed(&[
        ("unhex", "0"),
        ("unhex", "0x61"),
        ("unhex", "zz"),
        ("unbase64", "YQ"),
        ("unbase64", "YR=="),
        ("unbase64", "YT8-"),
        ("unbase64", "Y Q=="),
        ("unbase64", "YQ==\n"),
        ("unbase64url", "YR"),
        ("unbase64url", "YQ="),
        ("unbase64url", "YT8+"),
        ("percent_decode", "%"),
        ("percent_decode", "%2"),
        ("percent_decode", "%zz"),
        ("percent_decode:/", "%+1"),
        ("percent_decode:/", "%0x"),
        ("unhex|json_string", "ff"),
        ("unhex|json_ascii", "ff"),
    ]);
}

/// All of ASCII, a letter of two bytes and one of four, as other languages write them.
#[test]
fn percent_encoding_is_that_of_the_functions_it_names() {
    let all: String = (0..128u8).map(char::from).chain("é😀".chars()).collect();
    let below_space: String = (0..32).map(|n| format!("%{n:02X}")).collect();
    // node: encodeURIComponent, encodeURI; python: quote_plus(safe="-_."), with PHP's `~`.
    let component = "%20!%22%23%24%25%26'()*%2B%2C-.%2F0123456789%3A%3B%3C%3D%3E%3F%40ABCDEFGHIJKLMNOPQRSTUVWXYZ%5B%5C%5D%5E_%60abcdefghijklmnopqrstuvwxyz%7B%7C%7D~%7F%C3%A9%F0%9F%98%80";
    let uri = "%20!%22#$%25&'()*+,-./0123456789:;%3C=%3E?@ABCDEFGHIJKLMNOPQRSTUVWXYZ%5B%5C%5D%5E_%60abcdefghijklmnopqrstuvwxyz%7B%7C%7D~%7F%C3%A9%F0%9F%98%80";
    let form = "+%21%22%23%24%25%26%27%28%29%2A%2B%2C-.%2F0123456789%3A%3B%3C%3D%3E%3F%40ABCDEFGHIJKLMNOPQRSTUVWXYZ%5B%5C%5D%5E_%60abcdefghijklmnopqrstuvwxyz%7B%7C%7D%7E%7F%C3%A9%F0%9F%98%80";
    for (set, rest) in [("component", component), ("uri", uri), ("form", form)] {
        assert_eq!(run(&format!("percent_encode:{set}"), &all), Ok(format!("{below_space}{rest}")), "{set}");
    }
}

#[test]
fn digests() {
    assert_all(&[
        ("md5|hex", "abc", "900150983cd24fb0d6963f7d28e17f72"),
        ("sha1|hex", "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("sha256|hex", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("sha384|hex|slice:0:16", "abc", "cb00753f45a35e8b"),
        ("sha512|hex|slice:0:16", "abc", "ddaf35a193617aba"),
        ("keccak256|hex", "", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
        ("crc32", "123456789", "3421780262"),
    ]);
}

#[test]
fn urls() {
    assert_all(&[
        ("port:drop", "https://h:8443/a:1?b:2", "https://h/a:1?b:2"),
        ("port:drop", "https://u:1@h:8443", "https://u:1@h"),
        ("port:drop", "https://[::1]:80/", "https://[::1]/"),
        ("port:drop", "https://[::1]/", "https://[::1]/"),
        ("port:drop", "https://h?x=a:1", "https://h?x=a:1"),
        ("port:explicit", "https://h/a", "https://h:443/a"),
        ("port:explicit", "HTTP://h", "HTTP://h:80"),
        ("port:explicit", "https://u:1@[::1]?q", "https://u:1@[::1]:443?q"),
        ("port:explicit", "https://h:8443/a", "https://h:8443/a"),
        ("query:drop", "https://h/a?b?c", "https://h/a"),
        ("query:drop", "https://h?b#c?d", "https://h#c?d"),
        ("query:drop", "https://h/#c?d", "https://h/#c?d"),
    ]);
    assert_malformed(&[
        ("port:drop", "/a"),
        ("port:drop", "://h"),
        ("port:drop", "https://h:/"),
        ("port:drop", "https://h:8x/"),
        ("port:drop", "https://::1/"),
        ("port:explicit", "ftp://h"),
        ("query:drop", ""),
    ]);
}

#[test]
fn lists() {
    assert_all(&[
        ("split:,|join:+", "a, b,,c", "a+ b++c"),
        ("split:,|join:+", "", ""),
        ("split:,|drop_empty|join:+", "", ""),
        ("split:--|sort|join", "b--a-", "a-b"),
        ("split:,|unique|join:,", "b,a,b,a", "b,a"),
        ("split:,|except:a,c|join:,", "a,b,c,a", "b"),
        ("split:,|trim|upper|join:;", "a, b", "A;B"),
        ("split:,|lookup:header|pairs::|join:;", "B,a", "B:2;a:1"),
        ("split:,|lookup:header|sort|pairs:|join", "b,a,B", "B2a1b2"),
        ("split:,|lookup:header|unique|pairs:=|join:&", "b,a,b", "b=2&a=1"),
        ("split:,|lookup:header|hex|values|join:,", "b,a", "32,31"),
        ("split:,|lookup:header|except:b|pairs:=|join", "b,a", "a=1"),
        ("split:,|lookup:json:/data|pairs:=|join:&", "id,user.name,a/b", "id=7&user.name=x&a/b=true"),
        ("split:,|lookup:json:|values|join", "data.id", "7"),
    ]);
    let pair = |name: &'static str, value: &'static str| (name.as_bytes().into(), value.as_bytes().into());
    let pairs = Val::Pairs(vec![pair("b", "2"), pair("a", ""), pair("b", "1")]);
    let sorted = chain("drop_empty|sort|pairs:=|join:&", pairs).and_then(Val::into_bytes);
    assert_eq!(sorted.as_deref(), Ok(&b"b=1&b=2"[..]));
    for (words, text) in [
        ("split:,|lookup:header", "a,x"),
        ("split:,|lookup:json:/data", "id,none"),
        ("split:,|lookup:json:/data", ""),
    ] {
        assert_eq!(run(words, text), Err(Fault::Absent), "{words} on {text}");
    }
    assert_eq!(run("split:,|lookup:header", "a,twice"), Err(Fault::Malformed("twice")));
    assert_malformed(&[("split:,|lookup:json:/data", "deep"), ("split:,|lookup:json:/data", "user")]);
}

#[test]
fn json_filters() {
    let body = r#"{"b": 1.0, "sign":"x", "a":{"d":[{"z":1,"y":2}], "c":"\u00e9\/"}, "t":true, "n":null}"#;
    assert_all(&[
        ("json:/b", body, "1.0"),
        ("json:/a/c", body, "é/"),
        ("json:/a/c|hex", body, "c3a92f"),
        ("json:/t|default:x|upper", body, "TRUE"),
        ("json:/a|raw", body, r#"{"d":[{"z":1,"y":2}], "c":"\u00e9\/"}"#),
        ("json:/a/c|raw", body, r#""\u00e9\/""#),
        (
            "json:|without:/sign|without:/a/d/0|print:minify",
            body,
            r#"{"b":1.0,"a":{"d":[],"c":"\u00e9\/"},"t":true,"n":null}"#,
        ),
        (
            "json:|without:/a/d/0/z|without:/nowhere/x|without:/b/c|print:compact",
            body,
            r#"{"b":1.0,"sign":"x","a":{"d":[{"y":2}],"c":"é/"},"t":true,"n":null}"#,
        ),
        ("json:/a|sort|print:minify", body, r#"{"c":"\u00e9\/","d":[{"y":2,"z":1}]}"#),
        ("json:/a|sort:top|print:minify", body, r#"{"c":"\u00e9\/","d":[{"z":1,"y":2}]}"#),
        ("json:|without:/a|without:/n|scalars|sort|join:/", body, "1.0/true/x"),
        ("json:/a/d/0|scalars|join:,", body, "1,2"),
        ("unbase64|json:/a", "eyJhIjoiXHUwMDYxIn0=", "a"),
        ("json:/j|json:/k", r#"{"j":"{\"k\":5}"}"#, "5"),
        ("json:/a|split:,|join:;", r#"{"a":"1,2"}"#, "1;2"),
    ]);
    for (words, text) in [("json:/x", body), ("json:/n", body), ("json:", "null"), ("json:/a/0", "[]")] {
        assert_eq!(run(words, text), Err(Fault::Absent), "{words} on {text}");
    }
    assert_malformed(&[
        ("json:/a", body),
        ("json:/a|hex", body),
        ("json:/a", "{\"a\":1,\"a\":1}"),
        ("json:", ""),
        ("json:|scalars", "[null]"),
        ("json:|scalars", "[[]]"),
        ("json:|scalars", "1"),
        ("json:/a|json:/d", body),
    ]);
    let null = || Val::json(Json::parse(b"null").expect("JSON"));
    assert_eq!(chain("print:compact", null()).and_then(Val::into_bytes), Err(Fault::Absent));
    assert_eq!(chain("default:x", null()).and_then(Val::into_bytes).as_deref(), Ok(&b"x"[..]));
}

/// What python3 (`json.dumps`) and node (`JSON.stringify`) print for the same value, and what PHP's
/// `json_encode` documents.
#[test]
fn styles_are_those_of_the_writers_they_name() {
    let body = r#"{ "k\u0031" : "\"\\\/\b\f\n\r\t\u0001\u001F\u007f\u00e9\u2028\uD83D\ude00é/" , "n":[1, true ,null, {},[]]}"#;
    let head = r#"{"k1":"\"\\/\b\f\n\r\t\u0001\u001f"#;
    let slashed = r#"{"k1":"\"\\\/\b\f\n\r\t\u0001\u001f"#;
    let tail = r#","n":[1,true,null,{},[]]}"#;
    assert_all(&[
        (
            "json:|print:minify",
            body,
            r#"{"k\u0031":"\"\\\/\b\f\n\r\t\u0001\u001F\u007f\u00e9\u2028\uD83D\ude00é/","n":[1,true,null,{},[]]}"#,
        ),
        ("json:|print:compact", body, &format!("{head}\u{7f}é\u{2028}😀é/\"{tail}")),
        ("json:|print:php", body, &format!("{slashed}\u{7f}\\u00e9\\u2028\\ud83d\\ude00\\u00e9\\/\"{tail}")),
        ("json:|print:php_unicode", body, &format!("{slashed}\u{7f}é\\u2028😀é\\/\"{tail}")),
        (
            "json:|print:python",
            body,
            r#"{"k1": "\"\\/\b\f\n\r\t\u0001\u001f\u007f\u00e9\u2028\ud83d\ude00\u00e9/", "n": [1, true, null, {}, []]}"#,
        ),
    ]);
}

#[test]
fn types_follow_the_grammar() {
    use Type::{Bytes, Json, List, Pairs, Tree};
    for (word, takes) in [
        ("lower", [Some(Bytes), Some(List), Some(Pairs), Some(Bytes), None]),
        ("sha256", [Some(Bytes), Some(List), Some(Pairs), Some(Bytes), None]),
        ("default:", [Some(Bytes), None, None, Some(Bytes), None]),
        ("mac", [Some(Bytes), None, None, Some(Bytes), None]),
        ("split:,", [Some(List), None, None, Some(List), None]),
        ("json:/a", [Some(Json), None, None, Some(Json), None]),
        ("sort", [None, Some(List), Some(Pairs), Some(Tree), Some(Tree)]),
        ("sort:top", [None, None, None, Some(Tree), Some(Tree)]),
        ("without:/a", [None, None, None, Some(Tree), Some(Tree)]),
        ("raw", [None, None, None, Some(Bytes), None]),
        ("print:php", [None, None, None, Some(Bytes), Some(Bytes)]),
        ("values", [None, None, Some(List), None, None]),
        ("join", [None, Some(Bytes), None, None, None]),
    ] {
        assert_eq!([Bytes, List, Pairs, Json, Tree].map(|input| filter(word).output(input)), takes, "{word}");
    }
}

#[test]
fn wrong_filters_are_told_what_to_type() {
    for (name, args, message, help) in [
        (
            "sha265",
            None,
            "there is no filter `sha265`",
            "did you mean `sha256`? It makes the SHA-256 digest, as bytes",
        ),
        ("slice", Some("1"), "`slice` cannot take `:1`", "write `slice:FROM:TO`"),
        ("slice", None, "`slice` needs an argument", "write `slice:FROM:TO`"),
        ("hex", Some(""), "`hex` cannot take `:`", "write `hex`"),
        ("port", Some("drip"), "`port` cannot take `:drip`", "write `port:drop` or `port:explicit`"),
        ("sort", Some("deep"), "`sort` cannot take `:deep`", "write `sort` or `sort:top`"),
        (
            "lookup",
            Some("json"),
            "`lookup` cannot take `:json`",
            "write `lookup:header` or `lookup:json:BASE`",
        ),
    ] {
        let expected = FilterError { message: message.into(), help: help.into() };
        assert_eq!(Filter::parse(name, args), Err(expected));
    }
    for (name, args, message) in [
        ("slice", "a:b", "`slice` has `b` where a position is needed"),
        ("print", "pyhton", "`print` has no style `pyhton`; did you mean `python`?"),
        ("percent_encode", "all", "`percent_encode` has no set `all`"),
        ("percent_decode", "", "`percent_decode` takes one or more ASCII characters, or no colon"),
        ("split", "", "`split` has an empty text to look for"),
        ("replace", ":x", "`replace` has an empty text to look for"),
        ("except", "a,,b", "`except` has an empty name"),
        ("json", "a", "`json` has a JSON pointer that does not begin with `/`"),
        ("without", "", "`without` would leave nothing"),
    ] {
        let error = Filter::parse(name, Some(args)).expect_err(name);
        assert_eq!(error.message, message);
        assert!(error.help.starts_with(&format!("write `{name}")), "{}", error.help);
    }
    let help = Filter::parse("banana", None).expect_err("none").help;
    assert!(help.starts_with("filters are `lower`, `upper`"), "{help}");
}

#[test]
fn output_is_bounded() {
    let names = |count| vec!["big"; count].join(",");
    assert!(run("split:,|lookup:header|values|join", &names(200)).is_ok());
    let text = |n: usize| "\u{1}".repeat(n);
    for (words, text) in [
        ("split:,", ",".repeat(1000)),
        ("json:|scalars", format!("[{}1]", "1,".repeat(1000))),
        ("split:,|lookup:header", names(300)),
        ("split:,|lookup:header|hex|hex", names(200)),
        ("hex", text(OUTPUT / 2 + 1)),
        ("json_string|json_string", text(OUTPUT / 6)),
        ("replace:\u{1}:0123456789abcdef0123456789abcdef", text(OUTPUT / 16)),
        (&format!("split:,|join:{}", "x".repeat(20_000)), ",".repeat(999)),
    ] {
        assert!(matches!(run(words, &text), Err(Fault::Malformed(_))), "{words}");
    }
}

fn words() -> impl Strategy<Value = Vec<&'static str>> {
    let examples: Vec<_> = TABLE.iter().map(|row| row.example).collect();
    let more = [
        "join",
        "percent_decode",
        "json:",
        "print:minify",
        "print:python",
        "slice:-3:",
        "lookup:json:",
        "split:a",
    ];
    let word = prop::sample::select(examples.into_iter().chain(more).collect::<Vec<_>>());
    prop::collection::vec(word, 0..8)
}

fn values() -> impl Strategy<Value = Val<'static>> {
    let text = || {
        prop_oneof![
            any::<Vec<u8>>(),
            any::<String>().prop_map(String::into_bytes),
            r#"[ab,%"{}:/\[\]0-9]{0,12}"#.prop_map(String::into_bytes)
        ]
    };
    let json = || {
        crate::message::json::tests::valid()
            .prop_map(|source| Json::read(source.into_bytes().into()).expect("JSON"))
    };
    let cow = move || text().prop_map(Cow::<'static, [u8]>::Owned);
    prop_oneof![
        cow().prop_map(Val::Bytes),
        prop::collection::vec(cow(), 0..5).prop_map(Val::List),
        prop::collection::vec((cow(), cow()), 0..5).prop_map(Val::Pairs),
        json().prop_map(Val::Json),
        json().prop_map(|json| Val::Tree(Tree::Source(json).sort())),
    ]
}

proptest! {
    #[test]
    fn what_is_typed_is_what_comes_out(words in words(), value in values()) {
        let (mut kind, mut value) = (value.kind(), value);
        for word in words {
            let filter = filter(word);
            let Some(next) = filter.output(kind) else { continue };
            match filter.apply(value, &request()) {
                Ok(result) => {
                    prop_assert_eq!(result.kind(), next, "{}", word);
                    (kind, value) = (next, result);
                }
                Err(fault) => {
                    prop_assert_ne!(fault, MISTYPED, "{}", word);
                    return Ok(());
                }
            }
        }
    }

    #[test]
    fn untyped_use_is_refused_not_a_panic(words in words(), value in values()) {
        let _ = words.into_iter().try_fold(value, |value, word| filter(word).apply(value, &request()));
    }

    #[test]
    fn codecs_undo_each_other(bytes in any::<Vec<u8>>()) {
        for (there, back) in [
            ("hex", "unhex"), ("base64", "unbase64"), ("base64url", "unbase64url"),
            ("percent_encode:component", "percent_decode"), ("percent_encode:uri", "percent_decode"),
            ("percent_encode:form|replace:+:%20", "percent_decode"), ("reverse", "reverse"),
        ] {
            let undone = chain(&format!("{there}|{back}"), Val::Bytes(Cow::Owned(bytes.clone())));
            let undone = undone.and_then(Val::into_bytes);
            prop_assert_eq!(undone.as_deref(), Ok(&bytes[..]), "{}", there);
        }
    }

    /// Decoders that are said to keep their input have one spelling for each value.
    #[test]
    fn unbase64_reads_one_spelling(text in "[A-Da-d+/]{0,6}={0,2}") {
        if let Ok(bytes) = chain("unbase64", Val::Bytes(Cow::Owned(text.clone().into_bytes()))) {
            let again = chain("base64", bytes).and_then(Val::into_bytes);
            prop_assert_eq!(again.as_deref(), Ok(text.as_bytes()));
        }
    }

    #[test]
    fn json_strings_are_read_back(text in any::<String>()) {
        prop_assert_eq!(run("json_string|json:", &text), Ok(text));
    }

    #[test]
    fn printing_keeps_the_value(source in crate::message::json::tests::valid()) {
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
        prop_assume!(!read(&source).is_null());
        for style in ["minify", "compact", "php", "php_unicode", "python"] {
            let printed = run(&format!("json:|print:{style}"), &source).expect("printed");
            prop_assert_eq!(read(&printed), read(&source), "{}", style);
            prop_assert_eq!(run(&format!("json:|print:{style}"), &printed), Ok(printed.clone()), "{}", style);
            if style == "compact" {
                prop_assert_eq!(run("json:|sort|print:compact", &printed), run("json:|sort|print:minify", &printed));
            }
        }
    }
}
