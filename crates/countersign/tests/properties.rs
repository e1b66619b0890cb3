//! What holds of any template, any header and any preset, found by trying many.
#![allow(clippy::unwrap_used)]

mod shared;

use countersign::{Binds, Compiled, Context, Head, Keyring, Registry, Request, Timestamp, Vars};
use hmac::{Hmac, KeyInit, Mac};
use proptest::prelude::*;
use shared::Delivery;
use std::sync::{Arc, LazyLock};

const NOW: i64 = 1_700_000_000;
const URL: &str = "https://hooks.example.com:8443/a/b%20c?x=1&y=%2F";

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

// ───────────── values ─────────────

/// A preset around a template and the rest of its table.
fn preset(template: &str, rest: &str) -> String {
    let mut quoted = String::from("\"");
    for c in template.chars() {
        quoted.push_str(&match c {
            '"' => "\\\"".into(),
            '\\' => "\\\\".into(),
            c if c.is_control() => format!("\\u{:04X}", u32::from(c)),
            c => c.to_string(),
        });
    }
    format!(
        "schema = 1\nname = \"acme\"\nmode = \"hmac\"\n[hmac]\nalgorithm = \"sha256\"\nadjacent = \"accepted\"\n\
         signed_template = {quoted}\"\nkey = {{ forms = [{{ decode = \"text\" }}] }}\n{rest}\n"
    )
}

const SOURCES: &str = "timestamp_source = { header = \"x-time\", format = \"unix\" }\nid_source = { header = \"x-id\" }\n\
                       signature_source = { header = \"x-sig\", encoding = \"hex\" }";

/// Compiles, or complains with places that are in the text.
fn compile(text: &str) -> Result<Arc<Compiled>, String> {
    let mut registry = Registry::new();
    let compiled = match registry.add_preset("acme.toml", text) {
        Err(errors) => Err(errors),
        Ok(_) => match registry.presets().next().map(|(name, _)| name.to_owned()) {
            Some(name) => registry.named(&name),
            None => panic!("a preset was added and is not there"),
        },
    };
    compiled.map_err(|errors| {
        assert!(!errors.0.is_empty(), "refused without a word: {text}");
        for error in &errors.0 {
            assert!(!error.message.is_empty());
            if let Some(span) = &error.span {
                let range = span.range.clone();
                assert!(text.get(range.clone()).is_some(), "{range:?} is not in the text: {error}\n{text}");
            }
        }
        errors.render(registry.sources())
    })
}

/// Pieces that templates are made of, right and wrong.
fn template_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("{body}".to_owned()),
        Just("{timestamp}".to_owned()),
        Just("[".to_owned()),
        Just("]".to_owned()),
        Just("{{".to_owned()),
        Just("}}".to_owned()),
        Just("{".to_owned()),
        Just("}".to_owned()),
        "\\{[a-z_]{1,12}(:[a-z/,]{0,5})?(\\|[a-z0-9_]{1,12}(:.{0,3}){0,3}){0,3}\\}",
        "\\{(body|url|query|form|json:|header:x|id|sig:t|part:p|var:v|secret|item:/a)(\\|(hex|sort|join:,|split:,|values|slice:-1:2|json:/a|print:php|default:|before:\\.|except:a|lookup:header|pairs:=|mac|percent_encode:uri))*\\}",
        ".{0,6}",
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

/// A piece of a template and what it stands for, by the plainest means.
fn piece() -> impl Strategy<Value = (String, fn(&Sent, &str) -> Vec<u8>)> {
    fn literal(_: &Sent, text: &str) -> Vec<u8> {
        text.replace("{{", "{").replace("}}", "}").replace("[[", "[").replace("]]", "]").into()
    }
    type Reference = fn(&Sent, &str) -> Vec<u8>;
    let known: Vec<(&str, Reference)> = vec![
        ("{body}", |sent, _| sent.body.clone()),
        ("{method}", |_, _| b"POST".to_vec()),
        ("{url}", |_, _| URL.into()),
        ("{path}", |_, _| b"/a/b%20c".to_vec()),
        ("{target}", |_, _| b"/a/b%20c?x=1&y=%2F".to_vec()),
        ("{query_string}", |_, _| b"x=1&y=%2F".to_vec()),
        ("{host}", |_, _| b"hooks.example.com:8443".to_vec()),
        ("{query:y}", |_, _| b"/".to_vec()),
        ("{timestamp}", |_, _| NOW.to_string().into()),
        ("{header:X-Any}", |sent, _| sent.any.clone()),
        ("{header:x-none|default:nothing}", |_, _| b"nothing".to_vec()),
        ("[a{header:x-none}b]", |_, _| Vec::new()),
        ("[<{header:x-any}>]", |sent, _| [b"<", &sent.any[..], b">"].concat()),
        ("{body|hex}", |sent, _| const_hex::encode(&sent.body).into()),
        ("{body|hex|upper}", |sent, _| const_hex::encode_upper(&sent.body).into()),
        ("{body|base64}", |sent, _| base64_simd::STANDARD.encode_to_string(&sent.body).into()),
        ("{body|sha256|hex}", |sent, _| {
            use sha2::Digest;
            const_hex::encode(sha2::Sha256::digest(&sent.body)).into()
        }),
        ("{body|reverse}", |sent, _| sent.body.iter().rev().copied().collect()),
        ("{body|hex|unhex}", |sent, _| sent.body.clone()),
        ("{query|sort|pairs:=|join:&}", |_, _| b"x=1&y=/".to_vec()),
    ];
    let literals =
        "[ -Z^-z|~\\n]{1,6}|\\{\\{|\\}\\}|\\[\\[|\\]\\]".prop_map(|text| (text, literal as Reference));
    prop_oneof![
        1 => literals,
        3 => prop::sample::select(known).prop_map(|(text, reference)| (text.to_owned(), reference)),
    ]
}

/// What is sent beside the signature.
#[derive(Debug)]
struct Sent {
    body: Vec<u8>,
    any: Vec<u8>,
}

fn tag(content: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"secret").unwrap();
    mac.update(content);
    mac.finalize().into_bytes().to_vec()
}

fn code(compiled: &Arc<Compiled>, headers: &[(&str, &[u8])], body: &[u8]) -> &'static str {
    let verifier = compiled.verifier("test", &Keyring::of("secret").unwrap(), &Vars::new()).unwrap();
    let headers = headers.to_vec();
    let request = Request::new(Head::new("POST", URL, &headers), body);
    verifier.verify(&request, &Context::at(Timestamp::from_unix(NOW))).code()
}

proptest! {
    #![proptest_config(config(3_000))]

    #[test]
    fn any_text_compiles_as_a_template_or_complains(template in template_text()) {
        let _ = compile(&preset(&template, SOURCES));
    }

    #[test]
    fn any_text_is_read_as_a_place_or_complains(
        table in "(header|query|json|body|item|form) = (\"[a-z/{}-]{0,6}\"|true|1), (extract = \"(raw|prefix|regex|kv_pairs)\", )?(pattern|prefix|key|list|separator|clean|role|numbered|max_candidates) = (\".{0,8}\"|9|true), encoding = \"(hex|base64|b)\"",
    ) {
        let source = format!("signature_source = {{ {table} }}");
        let _ = compile(&preset("{body}", &source));
    }
}

proptest! {
    #![proptest_config(config(1_500))]

    #[test]
    fn signed_content_is_what_the_plainest_reading_gives(
        pieces in prop::collection::vec(piece(), 1..7),
        body in prop::collection::vec(any::<u8>(), 0..80),
        any in "[!-~]([ -~]{0,8}[!-~])?",
    ) {
        let template: String = pieces.iter().map(|(text, _)| text.as_str()).collect();
        // A segment's end and an escaped bracket behind it read as the reverse; `]` cannot stand there.
        prop_assume!(!template.contains("]]]"));
        let sent = Sent { body, any: any.into() };
        let content: Vec<u8> = pieces.iter().flat_map(|(text, reference)| reference(&sent, text)).collect();
        let compiled = match compile(&preset(&template, SOURCES)) {
            Ok(compiled) => compiled,
            Err(errors) => return Err(TestCaseError::fail(errors)),
        };
        let (signature, time) = (const_hex::encode(tag(&content)), NOW.to_string());
        let headers: [(&str, &[u8]); 4] =
            [("x-time", time.as_bytes()), ("x-id", b"id"), ("X-ANY", &sent.any), ("x-sig", signature.as_bytes())];
        prop_assert_eq!(code(&compiled, &headers, &sent.body), "ok", "{} {:?}", template, sent);
        let other = const_hex::encode(tag(&[&content[..], b"."].concat()));
        let headers = [headers[0], headers[1], headers[2], ("x-sig", other.as_bytes())];
        prop_assert_eq!(code(&compiled, &headers, &sent.body), "bad_signature", "{} {:?}", template, sent);
    }
}

// ───────────── places ─────────────

/// How a place cuts its text, and the plainest reading of the same rule: the encoded signatures in it, and how many
/// items count.
struct Cut {
    table: &'static str,
    reference: fn(&str) -> Option<(Vec<&str>, usize)>,
}

const CUTS: [Cut; 5] = [
    Cut { table: r#"extract = "raw""#, reference: |text| Some((vec![text], 1)) },
    Cut {
        table: r#"extract = "prefix", prefix = "v1=""#,
        reference: |text| Some((text.strip_prefix("v1=").into_iter().collect(), 1)),
    },
    Cut {
        table: r#"extract = "raw", list = ",""#,
        reference: |text| {
            let items: Vec<&str> = text
                .split(',')
                .map(|item| item.trim_matches([' ', '\t']))
                .filter(|i| !i.is_empty())
                .collect();
            let count = items.len();
            Some((items, count))
        },
    },
    Cut {
        table: r#"extract = "prefix", prefix = "v1=", list = " ""#,
        reference: |text| {
            let items: Vec<&str> = text
                .split(' ')
                .map(|item| item.trim_matches([' ', '\t']))
                .filter(|i| !i.is_empty())
                .collect();
            Some((items.iter().filter_map(|item| item.strip_prefix("v1=")).collect(), items.len()))
        },
    },
    Cut {
        table: r#"extract = "kv_pairs", key = "v1""#,
        reference: |text| {
            let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
            let found: Vec<&str> = pairs.filter(|(key, _)| *key == "v1").map(|(_, value)| value).collect();
            let count = found.len().max(1);
            Some((found, count))
        },
    },
];

/// Parts of a signature header; `@` is the good signature.
fn header_text() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "@", "@", "v1=@", "v1=@", "v0=@", "V1=@", "v1=", "v1", "=", "==", ",", ",", " ", " ", "00", "v1=00",
        "v1=zz", "t=1", "0x@", "@0", "v1=v1=@", "\t", "é", "\"",
    ]);
    prop::collection::vec(part, 0..14).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(config(4_000))]

    #[test]
    fn a_good_signature_is_found_where_the_grammar_says_and_nowhere_else(
        which in 0..CUTS.len(), text in header_text(), upper in any::<bool>(),
    ) {
        let Cut { table, reference } = &CUTS[which];
        let source = format!("signature_source = {{ header = \"x-sig\", {table}, encoding = \"hex\" }}");
        let compiled = compile(&preset("{body}", &source)).unwrap();
        let good = const_hex::encode(tag(b"{}"));
        let good = if upper { good.to_uppercase() } else { good };
        let text = text.replace('@', &good);
        let trimmed = text.trim_matches([' ', '\t']);
        let expected = !trimmed.contains('\t') && reference(trimmed).is_some_and(|(found, count)| {
            count <= 8 && found.iter().any(|found| **found == good)
        });
        let judged = code(&compiled, &[("x-sig", text.as_bytes())], b"{}");
        prop_assert_eq!(judged == "ok", expected, "{} {:?}: {}", table, text, judged);
        prop_assert!(["ok", "bad_signature", "malformed_signature"].contains(&judged), "{}", judged);
    }

    #[test]
    fn any_bytes_in_any_place_are_refused_and_nothing_worse(
        which in 0..CUTS.len(), text in prop::collection::vec(any::<u8>(), 0..60), body in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let source = format!("signature_source = {{ header = \"x-sig\", {}, encoding = [\"base64\", \"hex\"] }}", CUTS[which].table);
        let compiled = compile(&preset("{body|json:/a}.{body|sha256|hex}", &source)).unwrap();
        prop_assert_ne!(code(&compiled, &[("x-sig", &text)], &body), "ok");
    }

    #[test]
    fn a_time_is_ten_digits_and_nothing_else(text in "[ +\\-0-9]{0,3}(17000000[0-9]{2}|[0-9]{0,14}|[0-9]{10})[ .e0-9]{0,2}") {
        static COMPILED: LazyLock<Arc<Compiled>> = LazyLock::new(|| compile(&preset("{timestamp}.{body}", SOURCES)).unwrap());
        let wire = text.trim_matches(' ');
        let number = (wire.len() == 10 && !wire.starts_with('0') && wire.bytes().all(|b| b.is_ascii_digit()))
            .then(|| wire.parse::<i64>().unwrap());
        let expected = match number {
            None => "malformed_timestamp",
            Some(at) if NOW - at > 300 => "stale_timestamp",
            Some(at) if at - NOW > 60 => "future_timestamp",
            Some(_) => "ok",
        };
        let signature = const_hex::encode(tag(format!("{wire}.{{}}").as_bytes()));
        let headers: [(&str, &[u8]); 3] = [("x-time", text.as_bytes()), ("x-id", b"i"), ("x-sig", signature.as_bytes())];
        prop_assert_eq!(code(&COMPILED, &headers, b"{}"), expected, "{:?}", text);
    }
}

// ───────────── shipped presets ─────────────

#[derive(Clone, Debug)]
enum Edit {
    Replace(prop::sample::Index, char),
    Insert(prop::sample::Index, String),
    Delete(prop::sample::Index, usize),
    Swap(prop::sample::Index, prop::sample::Index),
}

impl Edit {
    fn apply(&self, text: &str) -> String {
        let mut chars: Vec<char> = text.chars().collect();
        match self {
            Edit::Replace(at, c) => {
                let at = at.index(chars.len());
                chars[at] = *c;
            }
            Edit::Insert(at, more) => {
                let at = at.index(chars.len());
                chars.splice(at..at, more.chars());
            }
            Edit::Delete(at, len) => {
                let at = at.index(chars.len());
                let end = (at + len).min(chars.len());
                chars.drain(at..end);
            }
            Edit::Swap(a, b) => {
                let mut lines: Vec<&str> = text.lines().collect();
                let (a, b) = (a.index(lines.len()), b.index(lines.len()));
                lines.swap(a, b);
                return lines.join("\n");
            }
        }
        chars.into_iter().collect()
    }
}

fn edit() -> impl Strategy<Value = Edit> {
    use prop::sample::Index;
    let chars = prop_oneof![
        prop::sample::select("{}[]|:\"'=,.#\n\\ 019aZ\u{0}é".chars().collect::<Vec<_>>()),
        any::<char>()
    ];
    prop_oneof![
        (any::<Index>(), chars).prop_map(|(at, c)| Edit::Replace(at, c)),
        (any::<Index>(), "[{}\\[\\]|:\"=,a-z\n]{1,4}").prop_map(|(at, more)| Edit::Insert(at, more)),
        (any::<Index>(), 1..6_usize).prop_map(|(at, len)| Edit::Delete(at, len)),
        (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Edit::Swap(a, b)),
    ]
}

static SIGNED: LazyLock<Vec<Delivery>> = LazyLock::new(shared::signed);

proptest! {
    #![proptest_config(config(3_000))]

    #[test]
    fn a_damaged_preset_compiles_or_complains_within_its_text(
        which in 0..countersign_presets::PRESETS.len(), edits in prop::collection::vec(edit(), 1..4),
    ) {
        let mut text = countersign_presets::PRESETS[which].1.to_owned();
        for edit in &edits {
            if !text.is_empty() {
                text = edit.apply(&text);
            }
        }
        let _ = compile(&text);
    }
}

proptest! {
    #![proptest_config(config(1_000))]

    #[test]
    fn what_a_preset_signs_it_verifies_and_nothing_one_byte_away(
        which in any::<prop::sample::Index>(),
        body in prop::option::of(prop::collection::vec(any::<u8>(), 1..200)),
        ahead in 0..2_000_000_000_i64,
        at in any::<prop::sample::Index>(),
        xor in 1..=255_u8,
    ) {
        let mut delivery = which.get(&*SIGNED).clone();
        delivery.now = Timestamp::from_unix(1_100_000_000 + ahead);
        // With one key there is one signature, and no other makes up for it.
        delivery.secrets.truncate(1);
        let binds = delivery.preset.needs().binds;
        // A body of any bytes will do where all of it is signed and nothing else of it is read.
        if let Some(body) = body && binds.contains(Binds::BODY) && !delivery.marks.is_empty() {
            delivery.body = body;
        }
        // What reads more of it than that cannot sign it, and says so.
        let Some(delivery) = delivery.signed_again() else { return Ok(()) };
        prop_assert_eq!(delivery.judge().code(), "ok", "{}", delivery.name);

        if binds.contains(Binds::BODY) {
            let mut changed = delivery.clone();
            let at = at.index(changed.body.len());
            changed.body[at] ^= xor;
            prop_assert_ne!(changed.judge().code(), "ok", "{}: body at {}", delivery.name, at);
        }
        for mark in &delivery.marks {
            let mut changed = delivery.clone();
            let (_, value) = changed.headers.iter_mut().find(|(name, _)| name == mark).unwrap();
            let before = value.clone();
            let at = at.index(value.len());
            value[at] ^= xor;
            // Hexadecimal digits come in two cases.
            if !value.eq_ignore_ascii_case(&before) {
                prop_assert_ne!(changed.judge().code(), "ok", "{}: {} at {}", delivery.name, mark, at);
            }
        }
    }
}

#[test]
fn most_shipped_presets_are_among_them() {
    assert!(SIGNED.len() * 2 > countersign_presets::PRESETS.len(), "{}", SIGNED.len());
}
