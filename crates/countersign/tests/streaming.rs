//! A body that is judged as it arrives gets the answer that it would get whole.
#![allow(clippy::unwrap_used)]

mod shared;

use countersign::{Finish, Outcome, Reason, Refusal, Registry, Rejection, Timestamp, Verified};
use hmac::{Hmac, KeyInit, Mac};
use proptest::prelude::*;
use shared::Delivery;
use std::sync::LazyLock;
use std::time::Duration;

static ALL: LazyLock<Vec<Delivery>> =
    LazyLock::new(|| shared::vectors().into_iter().chain(shared::signed()).collect());

/// All that two answers must have in common.
fn told(outcome: Result<&Verified<'_>, &Rejection>, now: Timestamp) -> String {
    match outcome {
        Ok(verified) => format!(
            "ok {} {:?} {:?} {:?} {} {:?}",
            verified.key(),
            verified.binds(),
            verified.message_id(),
            verified.signed_at(),
            verified.body().len(),
            verified.replay_keys(now).iter().map(|key| *key.digest()).collect::<Vec<_>>(),
        ),
        Err(rejection) => format!("{rejection:?}"),
    }
}

fn whole(delivery: &Delivery) -> String {
    match delivery.judge() {
        Outcome::Verified(verified) => told(Ok(&verified), delivery.now),
        Outcome::Rejected(rejection) => told(Err(&rejection), delivery.now),
        Outcome::Unresolved(_) => "unresolved".into(),
    }
}

fn in_pieces(delivery: &Delivery, sizes: &[usize]) -> String {
    let (verifier, cx) = (delivery.verifier(), delivery.cx());
    let mut stream = match verifier.begin(&delivery.request().head, &cx, delivery.body.len()) {
        Ok(stream) => stream,
        Err(Refusal::Rejected(rejection)) => return told(Err(&rejection), delivery.now),
        Err(Refusal::Unresolved(_)) => return "unresolved".into(),
    };
    let (mut rest, mut sizes) = (&*delivery.body, sizes.iter().cycle());
    while !rest.is_empty() {
        let (piece, after) = rest.split_at((*sizes.next().unwrap_or(&usize::MAX)).min(rest.len()));
        stream.update(piece).unwrap();
        rest = after;
    }
    match stream.finish(&cx) {
        Finish::Verified(verified) => told(Ok(&verified), delivery.now),
        Finish::Rejected(rejection) => told(Err(&rejection), delivery.now),
        Finish::Unresolved(..) => "unresolved".into(),
    }
}

/// One thing wrong, or nothing.
#[derive(Clone, Debug)]
enum Harm {
    None,
    Body(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    More(u8),
    Header(prop::sample::Index, prop::sample::Index, u8),
    Drop(prop::sample::Index),
    Double(prop::sample::Index),
    Later(u32),
    Url(String),
}

impl Harm {
    fn do_to(&self, delivery: &mut Delivery) {
        let Delivery { headers, body, now, url, .. } = delivery;
        match self {
            Harm::Body(at, xor) if !body.is_empty() => {
                let at = at.index(body.len());
                body[at] ^= xor;
            }
            Harm::Cut(at) if !body.is_empty() => body.truncate(at.index(body.len())),
            Harm::More(byte) => body.push(*byte),
            Harm::Header(which, at, xor) if !headers.is_empty() => {
                let which = which.index(headers.len());
                let value = &mut headers[which].1;
                if !value.is_empty() {
                    let at = at.index(value.len());
                    value[at] ^= xor;
                }
            }
            Harm::Drop(which) if !headers.is_empty() => drop(headers.remove(which.index(headers.len()))),
            Harm::Double(which) if !headers.is_empty() => {
                headers.push(headers[which.index(headers.len())].clone())
            }
            Harm::Later(seconds) => *now = now.after(Duration::from_secs(u64::from(*seconds))),
            Harm::Url(more) => url.push_str(more),
            _ => {}
        }
    }
}

fn harm() -> impl Strategy<Value = Harm> {
    use prop::sample::Index;
    prop_oneof![
        2 => Just(Harm::None),
        2 => (any::<Index>(), 1..=255_u8).prop_map(|(at, xor)| Harm::Body(at, xor)),
        1 => any::<Index>().prop_map(Harm::Cut),
        1 => any::<u8>().prop_map(Harm::More),
        4 => (any::<Index>(), any::<Index>(), 1..=255_u8).prop_map(|(which, at, xor)| Harm::Header(which, at, xor)),
        2 => any::<Index>().prop_map(Harm::Drop),
        2 => any::<Index>().prop_map(Harm::Double),
        1 => (0..2_000_u32).prop_map(Harm::Later),
        1 => "[?&][a-z]=[a-z%]{0,3}".prop_map(Harm::Url),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn in_any_pieces_as_if_whole(
        which in any::<prop::sample::Index>(),
        harm in harm(),
        sizes in prop::collection::vec(0..200_usize, 1..6),
    ) {
        let mut delivery = which.get(&ALL).clone();
        harm.do_to(&mut delivery);
        // All sizes zero would never end.
        let sizes = [&sizes[..], &[1]].concat();
        prop_assert_eq!(whole(&delivery), in_pieces(&delivery, &sizes), "{}", delivery.name);
    }
}

#[test]
fn every_good_delivery_in_single_bytes() {
    for delivery in ALL.iter() {
        let whole = whole(delivery);
        assert!(whole.starts_with("ok "), "{}: {whole}", delivery.name);
        assert_eq!(whole, in_pieces(delivery, &[1]), "{}", delivery.name);
    }
}

#[test]
fn a_body_past_the_limit_never_verifies_whatever_follows() {
    for delivery in ALL.iter().filter(|delivery| !delivery.body.is_empty()) {
        let (verifier, cx, length) = (delivery.verifier(), delivery.cx(), delivery.body.len());
        let begin = |limit| verifier.begin(&delivery.request().head, &cx, limit).ok().unwrap();
        let mut stream = begin(length - 1);
        // The hole: a piece is refused, and what follows would fit again.
        let refused = [&delivery.body[..], b"x"].concat();
        assert_eq!(stream.update(&refused).unwrap_err().reason, Reason::PayloadTooLarge);
        assert_eq!(stream.update(b"").unwrap_err().reason, Reason::PayloadTooLarge);
        assert_eq!(stream.update(&delivery.body[1..]).unwrap_err().reason, Reason::PayloadTooLarge);
        match stream.finish(&cx) {
            Finish::Rejected(rejection) => assert_eq!(rejection.reason, Reason::PayloadTooLarge),
            _ => panic!("{}: a body with a hole was judged", delivery.name),
        }
        // The limit itself is within it.
        let mut stream = begin(length);
        stream.update(&delivery.body).unwrap();
        assert!(matches!(stream.finish(&cx), Finish::Verified(_)), "{}", delivery.name);
    }
}

#[test]
fn a_head_that_can_never_verify_is_refused_before_the_body_for_the_same_reason() {
    let mut refused = 0;
    for delivery in ALL.iter() {
        for gone in 0..delivery.headers.len() {
            let mut delivery = delivery.clone();
            delivery.headers.remove(gone);
            let (verifier, cx) = (delivery.verifier(), delivery.cx());
            if let Err(Refusal::Rejected(rejection)) = verifier.begin(&delivery.request().head, &cx, 1 << 20)
            {
                let whole = delivery.judge().into_verified().unwrap_err();
                assert_eq!(rejection, whole, "{}", delivery.name);
                refused += 1;
            }
        }
    }
    assert!(refused > 20, "{refused}");
}

// ───────────── keys and limits ─────────────

#[test]
fn every_shipped_preset_is_among_them() {
    for name in shared::core_presets() {
        assert!(ALL.iter().any(|delivery| delivery.preset.preset().name.as_ref() == name), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn keys_and_their_windows_count_alike(
        which in any::<prop::sample::Index>(),
        windows in prop::collection::vec((prop::option::of(-3..3_i64), prop::option::of(-3..3_i64)), 1..5),
        sizes in prop::collection::vec(1..50_usize, 1..4),
    ) {
        let mut delivery = which.get(&ALL).clone();
        let now = delivery.now.unix();
        let first = delivery.secrets[0].clone();
        for (number, (start, end)) in windows.into_iter().enumerate() {
            // The same secret under other names: every one of them signed it.
            if number >= delivery.secrets.len() {
                let id = format!("more-{number}").into();
                delivery.secrets.push(countersign_testkit::SecretSpec { id, ..first.clone() });
            }
            delivery.secrets[number].window = countersign::Window {
                not_before: start.map(|by| Timestamp::from_unix(now + by)),
                not_after: end.map(|by| Timestamp::from_unix(now + by)),
            };
        }
        let told = whole(&delivery);
        prop_assert_eq!(&told, &in_pieces(&delivery, &sizes), "{}", delivery.name);
        let live = |secret: &countersign_testkit::SecretSpec| secret.window.holds(delivery.now);
        if !delivery.secrets.iter().any(live) {
            prop_assert!(!told.starts_with("ok "), "{}: {}", delivery.name, told);
        } else if delivery.secrets.iter().all(live) {
            prop_assert!(told.starts_with("ok "), "{}: {}", delivery.name, told);
        }
    }

    #[test]
    fn a_limit_is_kept_to_the_byte_however_the_body_is_cut(
        which in any::<prop::sample::Index>(),
        short in 0..3_usize,
        sizes in prop::collection::vec(0..60_usize, 1..5),
        after in prop::collection::vec(0..60_usize, 0..4),
    ) {
        let delivery = which.get(&ALL);
        let (verifier, cx, length) = (delivery.verifier(), delivery.cx(), delivery.body.len());
        prop_assume!(short <= length);
        let limit = length - short;
        let mut stream = verifier.begin(&delivery.request().head, &cx, limit).ok().unwrap();
        let sizes = [&sizes[..], &[1]].concat();
        let (mut rest, mut taken, mut refused) = (&*delivery.body, 0, false);
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, left) = rest.split_at((*size).min(rest.len()));
            let answer = stream.update(piece);
            // What was refused once is refused always, even nothing at all.
            refused |= taken + piece.len() > limit;
            prop_assert_eq!(answer.map_err(|rejection| rejection.reason), if refused { Err(Reason::PayloadTooLarge) } else { Ok(()) });
            taken += if refused { 0 } else { piece.len() };
            rest = left;
        }
        prop_assert_eq!(refused, short > 0);
        if refused {
            for size in after {
                prop_assert_eq!(stream.update(&delivery.body[..size.min(length)]).unwrap_err().reason, Reason::PayloadTooLarge);
            }
        }
        match (stream.finish(&cx), refused) {
            (Finish::Verified(verified), false) => prop_assert_eq!(verified.body(), &*delivery.body),
            (Finish::Rejected(rejection), true) => prop_assert_eq!(rejection.reason, Reason::PayloadTooLarge),
            _ => prop_assert!(false, "{}: limit {limit} of {length}", delivery.name),
        }
    }
}

#[test]
fn no_limit_is_too_small_or_too_big_and_no_piece_either() {
    let big = vec![0_u8; 64 << 20];
    for delivery in shared::signed() {
        let (verifier, cx) = (delivery.verifier(), delivery.cx());
        let begin = |limit| verifier.begin(&delivery.request().head, &cx, limit).ok().unwrap();
        for limit in [0, 1, big.len() - 1] {
            let mut stream = begin(limit);
            assert!(stream.update(b"").is_ok(), "nothing is within any limit");
            assert_eq!(stream.update(&big).unwrap_err().reason, Reason::PayloadTooLarge, "{}", delivery.name);
            match stream.finish(&cx) {
                Finish::Rejected(rejection) => assert_eq!(rejection.reason, Reason::PayloadTooLarge),
                _ => panic!("{}: judged", delivery.name),
            }
        }
        let mut stream = begin(usize::MAX);
        stream.update(&delivery.body).unwrap();
        assert!(matches!(stream.finish(&cx), Finish::Verified(_)), "{}", delivery.name);
        // Nothing was fed: the body is empty, and judged as one.
        let mut empty = delivery.clone();
        empty.body.clear();
        assert_eq!(whole(&empty), in_pieces(&empty, &[1]), "{}", delivery.name);
    }
}

// ───────────── presets of our own ─────────────

const NOW: i64 = 1_700_000_000;

/// A delivery under a preset with these contents and this signature place.
fn own(
    templates: &str,
    place: &str,
    headers: Vec<(String, Vec<u8>)>,
    body: &[u8],
    keys: &[&str],
) -> Delivery {
    own_with(templates, place, "", headers, body, keys)
}

/// The same with more in its `key` table.
fn own_with(
    templates: &str,
    place: &str,
    key: &str,
    headers: Vec<(String, Vec<u8>)>,
    body: &[u8],
    keys: &[&str],
) -> Delivery {
    let text = format!(
        "schema = 1\nname = \"acme\"\nmode = \"hmac\"\n[hmac]\nalgorithm = \"sha256\"\nadjacent = \"accepted\"\n\
         signed_template = {templates}\nsignature_source = {{ header = \"x-sig\", {place}, encoding = \"hex\" }}\n\
         timestamp_source = {{ header = \"x-time\", format = \"unix\" }}\nkey = {{ forms = [{{ decode = \"text\" }}]{key} }}\n"
    );
    let mut registry = Registry::new();
    registry.add_preset("acme.toml", text).unwrap_or_else(|errors| panic!("{errors}"));
    let mut delivery = ALL[0].clone();
    let mut secret = delivery.secrets[0].clone();
    (secret.role, secret.window) = (None, countersign::Window::default());
    delivery.name = format!("{templates}, {place}");
    delivery.preset = registry.named("acme").unwrap_or_else(|errors| panic!("{errors}"));
    delivery.secrets = keys
        .iter()
        .map(|key| countersign_testkit::SecretSpec {
            id: (*key).into(),
            value: (*key).into(),
            ..secret.clone()
        })
        .collect();
    (delivery.method, delivery.url) = ("POST".into(), "https://example.com/hook".into());
    (delivery.now, delivery.headers, delivery.body) = (Timestamp::from_unix(NOW), headers, body.into());
    delivery
}

fn tag(key: &str, content: &[u8]) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(content);
    const_hex::encode(mac.finalize().into_bytes())
}

fn header(name: &str, value: impl Into<Vec<u8>>) -> (String, Vec<u8>) {
    (name.into(), value.into())
}

type Content = (&'static str, fn(&[u8]) -> Vec<u8>);

/// Contents that can be alternatives of one another: first with the time before the body, then with it behind.
const ALTERNATIVES: [[Content; 4]; 2] = [
    [
        ("{timestamp}.{body}", |body| [b"1700000000.", body].concat()),
        ("v0:{timestamp}:{body}", |body| [b"v0:1700000000:", body].concat()),
        ("{timestamp}{body}!", |body| [b"1700000000", body, b"!"].concat()),
        ("{timestamp|reverse}.{body}.end", |body| [b"0000000071.", body, b".end"].concat()),
    ],
    [
        ("{body}{timestamp}", |body| [body, b"1700000000"].concat()),
        ("{body}.{timestamp}", |body| [body, b".1700000000"].concat()),
        ("<{body}|{timestamp}>", |body| [b"<", body, b"|1700000000>"].concat()),
        ("{body}{timestamp|hex}", |body| [body, b"31373030303030303030"].concat()),
    ],
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_alternative_before_and_after_the_body_streams(
        behind in 0..2_usize,
        order in Just([0, 1, 2, 3]).prop_shuffle(),
        count in 1..=4_usize,
        signed in any::<prop::sample::Index>(),
        key in 0..4_usize,
        body in prop::collection::vec(any::<u8>(), 0..80),
        sizes in prop::collection::vec(0..90_usize, 0..4),
    ) {
        let (keys, held) = (["one", "two", "three", "stranger"], 3);
        let used: Vec<_> = order[..count].iter().map(|index: &usize| ALTERNATIVES[behind][*index]).collect();
        let templates: Vec<_> = used.iter().map(|(template, _)| *template).collect();
        let (_, content) = used[signed.index(count)];
        let headers = vec![header("x-time", NOW.to_string()), header("x-sig", tag(keys[key], &content(&body)))];
        let delivery = own(&format!("{templates:?}"), "extract = \"raw\"", headers, &body, &keys[..held]);
        prop_assert_eq!(delivery.preset.needs().body, countersign::BodyNeed::Stream);
        let told = whole(&delivery);
        prop_assert_eq!(&told, &in_pieces(&delivery, &[&sizes[..], &[1]].concat()));
        let expected = if key < held { format!("ok {} ", keys[key]) } else { "Rejection { reason: BadSignature".into() };
        prop_assert!(told.starts_with(&expected), "{}", told);
    }

    /// One-shot judging has a short way for plain presets and streaming has not: whatever the header holds, both agree.
    #[test]
    fn any_signature_header_is_read_alike(
        place in prop::sample::select(vec![
            "extract = \"raw\"",
            "extract = \"raw\", list = \",\"",
            "extract = \"raw\", list = \", \", max_candidates = 2",
            "extract = \"prefix\", prefix = \"v1=\"",
            "extract = \"prefix\", prefix = \"v1=\", optional = true, list = \",\"",
            "extract = \"prefix\", prefix = \"v1=\", list = \" \", max_candidates = 3",
            "extract = \"kv_pairs\", key = \"v1\"",
            "extract = \"kv_pairs\", key = \"v1\", max_candidates = 1",
            "extract = \"kv_pairs\", key = \"v1\", pair_separator = \";\", separator = \"==\"",
        ]),
        parts in prop::collection::vec(prop::sample::select(vec![
            "@", "@", "v1=@", "v1=@", "v0=@", "V1=@", "v1=", "=", ",", ",", " ", ";", "00", "v1=00", "v1=zz", "0x@",
            "v1==@", "\t", "é", "\u{0}",
        ]), 0..14),
        doubled in any::<bool>(),
    ) {
        let text = parts.concat().replace('@', &tag("one", b"1700000000.{}"));
        let mut headers = vec![header("x-time", NOW.to_string()), header("X-Sig", text)];
        headers.extend(doubled.then(|| headers[1].clone()));
        let delivery = own("\"{timestamp}.{body}\"", place, headers, b"{}", &["two", "one"]);
        prop_assert_eq!(whole(&delivery), in_pieces(&delivery, &[1]), "{}", place);
    }
}

#[test]
fn items_without_the_key_count_in_both_ways() {
    let place = "extract = \"kv_pairs\", key = \"v1\", list = \" \", max_candidates = 2";
    let sig = format!("a=1 b=2 c=3 v1={}", tag("one", b"1700000000.{}"));
    let headers = vec![header("x-time", NOW.to_string()), header("x-sig", sig)];
    let delivery = own("\"{timestamp}.{body}\"", place, headers, b"{}", &["one"]);
    assert_eq!(whole(&delivery), in_pieces(&delivery, &[1]));
}

#[test]
fn a_key_that_holds_the_separator_is_no_key() {
    let text = r#"
        schema = 1
        name = "acme"
        mode = "hmac"
        [hmac]
        algorithm = "sha256"
        signed_template = "{body}"
        signature_source = { header = "x-sig", extract = "kv_pairs", key = "v=1", encoding = "hex" }
        key = { forms = [{ decode = "text" }] }
    "#;
    let mut registry = countersign::Registry::new();
    registry.add_preset("acme.toml", text).unwrap();
    let error = registry.named("acme").err().unwrap().to_string();
    assert!(error.contains("no pair can have the key `v=1`"), "{error}");
}

#[test]
fn an_alternative_that_is_not_needed_may_lack_its_header() {
    let headers = vec![header("x-time", NOW.to_string()), header("x-sig", tag("one", b"1700000000.{}"))];
    let templates = r#"["{timestamp}.{header:x-more|default:}{body}", "{timestamp}.{header:x-more}.{body}"]"#;
    let delivery = own(templates, "extract = \"raw\"", headers, b"{}", &["one"]);
    assert_eq!(whole(&delivery), in_pieces(&delivery, &[1]));
}

#[test]
fn an_unknown_key_is_the_same_reason_in_both_ways() {
    let headers = vec![header("x-time", NOW.to_string()), header("x-sig", "00"), header("x-key", "stranger")];
    let (template, select) = ("\"{header:x-more}.{timestamp}.{body}\"", ", select = \"{header:x-key}\"");
    let delivery = own_with(template, "extract = \"raw\"", select, headers, b"{}", &["one"]);
    assert_eq!(whole(&delivery), in_pieces(&delivery, &[1]));
}

#[test]
fn a_key_that_runs_into_the_separator_is_read_alike() {
    let place = "extract = \"kv_pairs\", key = \"v-\", separator = \"--\"";
    for text in ["v---@", "v----@", "v--@"] {
        let text = text.replace('@', &tag("one", b"1700000000.{}"));
        let headers = vec![header("x-time", NOW.to_string()), header("x-sig", text)];
        let delivery = own("\"{timestamp}.{body}\"", place, headers, b"{}", &["one"]);
        assert_eq!(whole(&delivery), in_pieces(&delivery, &[1]));
    }
}
