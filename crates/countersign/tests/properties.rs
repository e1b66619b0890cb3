//! What holds of any template, any header and any preset, found by trying many.
#![allow(clippy::unwrap_used, clippy::type_complexity)] // closures of a few lines

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
    #![proptest_config(config(1_200))]

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
    #![proptest_config(config(2_500))]

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

static SIGNED: LazyLock<Vec<Delivery>> = LazyLock::new(|| {
    let mut signed = shared::signed();
    // What lists the headers it signs can sign none that stands there twice: its old time and signature go first.
    let lists = |one: &Delivery| one.preset.preset().name.as_ref() == "contentful" && !one.body.is_empty();
    let mut listed = shared::vectors().into_iter().find(lists).unwrap();
    listed.marks = vec!["x-contentful-timestamp".into(), "x-contentful-signature".into()];
    signed.push(again(&listed).unwrap());
    signed
});

/// Signed anew, without the headers that the signer wrote before.
fn again(delivery: &Delivery) -> Option<Delivery> {
    let mut bare = delivery.clone();
    bare.headers.retain(|(name, _)| !delivery.marks.iter().any(|mark| mark.eq_ignore_ascii_case(name)));
    bare.signed_again()
}

proptest! {
    #![proptest_config(config(1_500))]

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
        let mut delivery = which.get(&SIGNED).clone();
        delivery.now = Timestamp::from_unix(1_100_000_000 + ahead);
        // With one key there is one signature, and no other makes up for it.
        delivery.secrets.truncate(1);
        let binds = delivery.preset.needs().binds;
        // A body of any bytes will do where all of it is signed and nothing else of it is read.
        let any = body.is_some() && binds.contains(Binds::BODY) && !delivery.marks.is_empty();
        if let Some(body) = body && any {
            delivery.body = body;
        }
        // What reads more of it than that cannot sign it, and says so.
        let Some(delivery) = again(&delivery) else { return Ok(()) };
        let code = delivery.judge().code();
        if any && code != "bad_signature" && code != "ok" {
            // It was signed, and is not what the preset requires of a body.
            return Ok(());
        }
        prop_assert_eq!(code, "ok", "{}: {}", delivery.preset.preset().name, delivery.name);

        if binds.contains(Binds::BODY) && !delivery.body.is_empty() {
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
    assert!(SIGNED.len() * 2 > shared::core_presets().len(), "{}", SIGNED.len());
}

// ───────────── any text, any bytes ─────────────

proptest! {
    #![proptest_config(config(1_000))]

    #[test]
    fn any_characters_at_all_compile_as_a_template_or_complain(
        template in prop_oneof![".{0,40}", prop::collection::vec(any::<char>(), 0..20).prop_map(String::from_iter)],
    ) {
        let _ = compile(&preset(&template, SOURCES));
    }

    #[test]
    fn a_preset_with_any_bytes_changed_compiles_or_complains(
        which in 0..countersign_presets::PRESETS.len(),
        at in any::<prop::sample::Index>(),
        taken in 0..4_usize,
        more in prop::collection::vec(any::<u8>(), 0..4),
    ) {
        let mut bytes = countersign_presets::PRESETS[which].1.as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes.splice(at..(at + taken).min(bytes.len()), more);
        // A file that is not UTF-8 is refused by whoever reads it: a preset's text is `str`.
        let _ = compile(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn content_one_edit_away_does_not_verify(
        pieces in prop::collection::vec(piece(), 1..5),
        others in prop::collection::vec(piece(), 1..5),
        body in prop::collection::vec(any::<u8>(), 0..40),
        any in "[!-~]([ -~]{0,8}[!-~])?",
        at in any::<prop::sample::Index>(),
        how in 0..4_u8,
        byte in any::<u8>(),
    ) {
        let template: String = pieces.iter().map(|(text, _)| text.as_str()).collect();
        prop_assume!(!template.contains("]]]"));
        let sent = Sent { body, any: any.into() };
        let render = |pieces: &[(String, fn(&Sent, &str) -> Vec<u8>)]| -> Vec<u8> {
            pieces.iter().flat_map(|(text, reference)| reference(&sent, text)).collect()
        };
        let content = render(&pieces);
        let mut other = content.clone();
        let at = at.index(content.len() + 1);
        match how {
            0 => other = render(&others),
            1 => other.insert(at, byte),
            2 => drop(other.drain(at..(at + 1).min(content.len()))),
            _ => other.iter_mut().skip(at).take(1).for_each(|there| *there = byte),
        }
        prop_assume!(other != content);
        let compiled = compile(&preset(&template, SOURCES)).unwrap();
        let (signature, time) = (const_hex::encode(tag(&other)), NOW.to_string());
        let headers: [(&str, &[u8]); 4] =
            [("x-time", time.as_bytes()), ("x-id", b"id"), ("x-any", &sent.any), ("x-sig", signature.as_bytes())];
        prop_assert_eq!(code(&compiled, &headers, &sent.body), "bad_signature", "{} {:?}", template, sent);
    }
}

// ───────────── places of shipped presets ─────────────

fn shipped(name: &str) -> Delivery {
    let mut delivery = SIGNED.iter().find(|one| one.preset.preset().name.as_ref() == name).unwrap().clone();
    delivery.secrets.truncate(1);
    again(&delivery).unwrap()
}

proptest! {
    #![proptest_config(config(600))]

    /// The rule: a list takes eight items, whatever they are, and one that is good is enough; pairs take eight of the
    /// signature's key and any number of others, but one time.
    #[test]
    fn a_good_signature_is_found_among_junk(
        pairs in any::<bool>(),
        before in prop::collection::vec("(v1a|v2|v0|V1|v1|x|)[,=.][A-Za-z0-9+/]{0,12}={0,2}", 0..9),
        after in prop::collection::vec("(v1a|v2|v0|V1|v1|x|t)[,=.][A-Za-z0-9+/]{0,12}={0,2}", 0..5),
    ) {
        let (name, header, separator) = match pairs {
            true => ("stripe", "stripe-signature", ","),
            false => ("standard-webhooks", "webhook-signature", " "),
        };
        let mut delivery = shipped(name);
        let (_, value) = delivery.headers.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case(header)).unwrap();
        let good = String::from_utf8(value.clone()).unwrap();
        let text = [&before[..], &[good], &after[..]].concat().join(separator);
        *value = text.clone().into();
        let found = match pairs {
            true => {
                let keys = |wanted: &str| text.split(',').filter(|pair| pair.split_once('=').is_some_and(|(key, _)| key == wanted)).count();
                keys("v1") <= 8 && keys("t") == 1
            }
            false => text.split(' ').filter(|item| !item.is_empty()).count() <= 8,
        };
        let judged = delivery.judge().code();
        prop_assert_eq!(judged == "ok", found, "{}: {}", text, judged);
        prop_assert!(["ok", "malformed_signature", "malformed_timestamp"].contains(&judged), "{}: {}", text, judged);
    }

    #[test]
    fn any_bytes_in_any_header_of_a_signed_request_are_refused(
        which in any::<prop::sample::Index>(),
        mark in any::<prop::sample::Index>(),
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..100),
            "(v1,|v1=|v0=|sha256=|t=1700000000,v1=)?[0-9a-f]{64}".prop_map(String::into_bytes),
            "(v1,)?[A-Za-z0-9+/]{43}=".prop_map(String::into_bytes),
        ],
    ) {
        // With one key there is one signature, and no other makes up for it.
        let mut delivery = shipped(&which.get(&SIGNED).preset.preset().name);
        prop_assume!(!delivery.marks.is_empty());
        let name = mark.get(&delivery.marks).clone();
        let (_, value) = delivery.headers.iter_mut().find(|(there, _)| *there == name).unwrap();
        prop_assume!(*value != bytes);
        *value = bytes;
        prop_assert_ne!(delivery.judge().code(), "ok", "{}: {}", delivery.name, name);
    }
}

// ───────────── times ─────────────

/// Days since 1970 of a real date in the Gregorian calendar, by counting.
fn days(year: i64, month: usize, day: i64) -> Option<i64> {
    let leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let lengths = [31, 28 + i64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let length = *lengths.get(month.checked_sub(1)?)?;
    (1..=length).contains(&day).then_some(())?;
    let years = |from: i64, to: i64| (from..to).map(|year| 365 + i64::from(leap(year))).sum::<i64>();
    let before = if year >= 1970 { years(1970, year) } else { -years(year, 1970) };
    Some(before + lengths[..month - 1].iter().sum::<i64>() + day - 1)
}

/// The plainest reading of each format, in milliseconds.
fn time_of(format: &str, text: &str) -> Option<i64> {
    use regex::Regex;
    static DATE: LazyLock<Regex> = LazyLock::new(|| {
        let pattern = r"^([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?(?:(Z)|([+-])([0-9]{2}):([0-9]{2}))?$";
        Regex::new(pattern).unwrap()
    });
    let digits = |count: usize| {
        let right = text.len() == count && !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
        right.then(|| text.parse::<i64>().unwrap())
    };
    match format {
        "unix" => return digits(10).map(|seconds| seconds * 1000),
        "unix_ms" => return digits(13),
        "http_date" => {
            let at =
                httpdate::parse_http_date(text).ok().filter(|at| httpdate::fmt_http_date(*at) == text)?;
            return Some(at.duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64);
        }
        _ => {}
    }
    let found = DATE.captures(text)?;
    let number = |index: usize| found.get(index).map_or(0, |text| text.as_str().parse::<i64>().unwrap());
    let zoned = found.get(8).is_some() || found.get(9).is_some();
    let (hour, minute, second) = (number(4), number(5), number(6));
    let in_clock = hour < 24 && minute < 60 && second < 60 && number(10) < 24 && number(11) < 60;
    (in_clock && zoned == (format == "rfc3339")).then_some(())?;
    let fraction =
        found.get(7).map_or(0, |text| format!("{:0<3}", text.as_str())[..3].parse::<i64>().unwrap());
    let east = (number(10) * 60 + number(11))
        * if found.get(9).is_some_and(|sign| sign.as_str() == "-") { -1 } else { 1 };
    let day = days(number(1), number(2) as usize, number(3))?;
    Some((day * 86_400 + hour * 3600 + (minute - east) * 60 + second) * 1000 + fraction)
}

proptest! {
    #![proptest_config(config(3_000))]

    #[test]
    fn a_time_has_the_one_meaning_of_its_format_or_none(
        format in prop::sample::select(vec!["unix", "unix_ms", "rfc3339", "iso8601_utc", "http_date"]),
        written_as in 0..5_usize,
        away in -400_000..100_000_i64,
        zone in prop::option::weighted(0.3, "(\\.[0-9]{1,10})?[+-][01][0-9]:[0-5][0-9]"),
        edits in prop::collection::vec(edit(), 0..3),
    ) {
        use countersign::TimeFormat;
        let at = Timestamp::from_unix_ms(NOW * 1000 + away);
        // Mostly in the format itself, sometimes in another.
        let own = TimeFormat::from_word(format).unwrap();
        let mut text = if written_as == 0 { TimeFormat::ALL[(away.unsigned_abs() % 5) as usize].print(at) } else { own.print(at) };
        if let Some(zone) = zone {
            text = text.trim_end_matches('Z').to_owned() + &zone;
        }
        for edit in edits {
            if !text.is_empty() && !matches!(edit, Edit::Swap(..)) {
                text = edit.apply(&text);
            }
        }
        static COMPILED: LazyLock<Vec<(&str, Arc<Compiled>)>> = LazyLock::new(|| {
            let words = TimeFormat::WORDS.iter().map(|(word, _)| *word);
            words.map(|word| (word, compile(&preset("{timestamp}.{body}", &SOURCES.replace("\"unix\"", &format!("{word:?}")))).unwrap())).collect()
        });
        let (_, compiled) = COMPILED.iter().find(|(word, _)| *word == format).unwrap();
        let wire = text.trim_matches([' ', '\t']);
        let signature = const_hex::encode(tag(format!("{wire}.{{}}").as_bytes()));
        let headers: [(&str, &[u8]); 3] = [("x-time", text.as_bytes()), ("x-id", b"i"), ("x-sig", signature.as_bytes())];
        let expected = match time_of(format, wire).map(|at| (NOW * 1000 - at) / 1000) {
            None => "malformed_timestamp",
            Some(301..) => "stale_timestamp",
            Some(..=-61) => "future_timestamp",
            Some(_) => "ok",
        };
        let judged = code(compiled, &headers, b"{}");
        // A header that holds nothing at all is no time, or none is there.
        let absent = wire.is_empty() && judged == "missing_timestamp";
        // The second opinion on HTTP dates knows no year before 1970; to us such a date is one, and stale.
        let year = wire.get(12..16).and_then(|year| year.parse::<u16>().ok());
        let early = format == "http_date" && year.is_some_and(|year| year < 1970) && judged == "stale_timestamp";
        prop_assert!(judged == expected || absent || early, "{} {:?}: {}, not {}", format, text, judged, expected);
    }
}

// ───────────── keys, ids, and asking twice ─────────────

/// Another secret of the same shape: one character in its later half is another.
fn other_secret(value: &str, at: prop::sample::Index) -> String {
    let mut bytes = value.as_bytes().to_vec();
    // The last of a base64 text may have bits that mean nothing.
    let end = if bytes.len() > 8 { bytes.len() - 3 } else { bytes.len() };
    let later: Vec<usize> = (bytes.len() / 2..end).filter(|at| bytes[*at].is_ascii_alphanumeric()).collect();
    let at = *at.get(&later);
    bytes[at] = if bytes[at].eq_ignore_ascii_case(&b'a') { b'b' } else { b'a' };
    String::from_utf8(bytes).unwrap()
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn another_key_is_a_bad_signature(which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>()) {
        let mut delivery = which.get(&SIGNED).clone();
        for secret in &mut delivery.secrets {
            secret.value = other_secret(&secret.value, at).into();
        }
        prop_assert_eq!(delivery.judge().code(), "bad_signature", "{}", delivery.name);
    }

    #[test]
    fn asking_again_changes_nothing(
        which in any::<prop::sample::Index>(), harm in any::<prop::sample::Index>(), xor in 0..4_u8, at in any::<prop::sample::Index>(),
    ) {
        let good = which.get(&SIGNED);
        let mut bad = good.clone();
        if !bad.headers.is_empty() {
            let number = harm.index(bad.headers.len());
            let value = &mut bad.headers[number].1;
            if !value.is_empty() {
                let at = at.index(value.len());
                value[at] ^= xor;
            }
        }
        let (verifier, cx) = (good.verifier(), good.cx());
        let told = |delivery: &Delivery| format!("{:?}", verifier.verify(&delivery.request(), &cx));
        let first = (told(&bad), told(good));
        prop_assert!(first.1.starts_with("Verified("), "{}: {}", good.name, first.1);
        prop_assert_eq!((told(&bad), told(good)), first);
    }

    #[test]
    fn the_id_that_was_signed_is_told_and_no_other_one_verifies(
        which in any::<prop::sample::Index>(),
        id in "[A-Z0-9_:-]{1,255}[A-Z]",
        other in "[A-Za-z0-9_:.-]{1,256}",
    ) {
        let named: Vec<&Delivery> = SIGNED.iter().filter(|one| one.preset.needs().binds.contains(Binds::ID)).collect();
        let mut delivery = (*which.get(&named)).clone();
        let signer = delivery.preset.signer(&delivery.ring(), &delivery.vars).unwrap();
        let headers: Vec<(String, Vec<u8>)> = delivery.headers.iter().filter(|(name, _)| !delivery.marks.contains(name)).cloned().collect();
        let mut draft = countersign::Draft::new(&id, delivery.now, &delivery.url, &delivery.body);
        (draft.method, draft.headers) = (&delivery.method, &headers);
        // Some presets take ids of one shape only.
        let Ok(signed) = signer.sign(&draft) else { return Ok(()) };
        let body = signed.body.unwrap_or_else(|| delivery.body.clone());
        delivery.headers = [headers, signed.headers.into_iter().map(|(name, value)| (name.to_string(), value)).collect()].concat();
        delivery.body = body;
        let verified = delivery.judge().into_verified().map(|verified| verified.message_id().map(str::to_owned));
        prop_assert_eq!(verified, Ok(Some(id.clone())), "{}", delivery.name);
        prop_assume!(id != other);
        let mut replaced = 0;
        for (_, value) in &mut delivery.headers {
            if *value == id.as_bytes() {
                *value = other.clone().into();
                replaced += 1;
            }
        }
        let quoted = (format!("{id:?}"), format!("{other:?}"));
        let text = String::from_utf8(delivery.body.clone()).unwrap();
        if replaced == 0 {
            delivery.body = text.replacen(&quoted.0, &quoted.1, 1).into();
            replaced += text.matches(&quoted.0).count();
        }
        prop_assert_eq!(replaced, 1, "{}: the id stands once", delivery.name);
        prop_assert_ne!(delivery.judge().code(), "ok", "{}: {}", delivery.name, other);
    }
}

// ───────────── signed values in a JSON body ─────────────

/// Where a preset that signs values of a JSON body, and not its bytes, keeps them.
const SIGNED_VALUES: [(&str, &[&str]); 2] = [
    ("mailgun", &["/signature/timestamp", "/signature/token", "/signature/signature"]),
    (
        "adyen-standard",
        &[
            "/notificationItems/0/NotificationRequestItem/pspReference",
            "/notificationItems/0/NotificationRequestItem/merchantAccountCode",
            "/notificationItems/0/NotificationRequestItem/merchantReference",
            "/notificationItems/0/NotificationRequestItem/amount/currency",
            "/notificationItems/0/NotificationRequestItem/eventCode",
            "/notificationItems/0/NotificationRequestItem/success",
            "/notificationItems/0/NotificationRequestItem/additionalData/hmacSignature",
        ],
    ),
];

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn no_signed_value_of_a_body_can_be_changed(
        preset in 0..SIGNED_VALUES.len(), pointer in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), to in any::<char>(),
    ) {
        let (name, pointers) = SIGNED_VALUES[preset];
        let pointer = *pointer.get(pointers);
        let mut delivery = shipped(name);
        let mut json: serde_json::Value = serde_json::from_slice(&delivery.body).unwrap();
        let serde_json::Value::String(text) = json.pointer_mut(pointer).unwrap() else { panic!("{pointer} is no text") };
        let mut chars: Vec<char> = text.chars().collect();
        let at = at.index(chars.len());
        // Hexadecimal digits come in two cases.
        prop_assume!(!chars[at].eq_ignore_ascii_case(&to));
        chars[at] = to;
        *text = chars.into_iter().collect();
        delivery.body = json.to_string().into();
        prop_assert_ne!(delivery.judge().code(), "ok", "{} {} at {}", name, pointer, at);
        // Printing it anew changes nothing else: what is signed is the values.
        let mut again = shipped(name);
        again.body = serde_json::from_slice::<serde_json::Value>(&again.body).unwrap().to_string().into();
        prop_assert_eq!(again.judge().code(), "ok", "{}", name);
    }
}

/// The keys of all objects of a JSON text, by where the text after their opening brace starts: with the first key.
fn objects(json: &str) -> Vec<(usize, String)> {
    let (mut at, mut inside, mut found) = (0, false, Vec::new());
    let bytes = json.as_bytes();
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if inside => at += 1,
            b'"' => inside = !inside,
            b'{' if !inside => {
                let rest = json[at + 1..].trim_start();
                if let Some(key) = rest.strip_prefix('"').and_then(|rest| rest.split('"').next()) {
                    found.push((at + 1, key.to_owned()));
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

proptest! {
    #![proptest_config(config(600))]

    #[test]
    fn a_key_that_occurs_twice_is_refused_where_json_is_signed(
        which in 0..4_usize,
        object in any::<prop::sample::Index>(),
        value in prop::sample::select(vec!["null", "1", "\"x\"", "{}", "[]"]),
        escaped in any::<bool>(),
        at in prop::option::of(any::<prop::sample::Index>()),
    ) {
        // Shipped ones, and one of our own whose signature is good whichever of the two is read.
        let (mut delivery, own) = match which {
            0 => (shipped("mailgun"), false),
            1 => (shipped("adyen-standard"), false),
            2 => (shipped("linear"), false),
            _ => {
                let mut own = shipped("github");
                own.preset = compile(&preset("{json:/a}{json:/b/c}", "signature_source = { header = \"x-sig\", encoding = \"hex\" }")).unwrap();
                own.secrets[0].value = "secret".into();
                own.body = br#"{"a":"x","b":{"c":"y","d":[{"e":1}]}}"#.to_vec();
                own.headers = vec![("x-sig".into(), const_hex::encode(tag(b"xy")).into())];
                (own, true)
            }
        };
        prop_assert_eq!(delivery.judge().code(), "ok");
        let text = String::from_utf8(delivery.body.clone()).unwrap();
        let found = objects(&text);
        let (start, key) = match at {
            // The outermost, which every reader meets.
            None => found[0].clone(),
            Some(_) => object.get(&found).clone(),
        };
        let key = match escaped {
            true => key.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect(),
            false => key,
        };
        let text = format!("{}\"{key}\":{value},{}", &text[..start], &text[start..]);
        delivery.body = text.clone().into();
        if delivery.preset.preset().name.as_ref() == "linear" {
            // Its bytes are signed: sign these, and what is read of them is refused still.
            let mut mac = Hmac::<sha2::Sha256>::new_from_slice(delivery.secrets[0].value.as_bytes()).unwrap();
            mac.update(&delivery.body);
            let signature = const_hex::encode(mac.finalize().into_bytes());
            let (_, there) = delivery.headers.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case("linear-signature")).unwrap();
            *there = signature.into();
        }
        prop_assert_eq!(delivery.judge().code(), "malformed_content", "{} {}", own, text);
    }
}
