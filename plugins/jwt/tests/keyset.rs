//! What a key set is asked, and attacks on what is fetched, each named after its case. Those of the corpus stand with the host
//! that fetches.
#![allow(clippy::unwrap_used)]

mod shared;

use countersign::KeyKind;
use shared::*;

/// How often a host fetches is the host's; that a copy fetched just now is not asked for again is ours.
#[test]
fn atk_155_random_kid_causes_a_fetch_per_request() {
    let verifier = fetched("\"ES256\"");
    let token = signed(r#"{"alg":"ES256","kid":"random"}"#, claims(""), "ES256", EC);
    let held = |age| Fetched { age, ..now(set(&[public(EC, ",\"kid\":\"k1\"")])) };
    assert_eq!(judge_with(&verifier, &token, b"", &held(0)), "unknown_key jwt/kid-unknown");
    assert_eq!(
        judge_with(&verifier, &token, b"", &held(1)),
        format!("unresolved {SET} newer than {}", NOW - 1)
    );
}

/// The set stands as long as nothing better came.
#[test]
fn atk_157_unknown_kid_evicts_good_keys() {
    let verifier = fetched("\"ES256\"");
    let held = Fetched { age: 100, ..now(set(&[public(EC, ",\"kid\":\"k1\"")])) };
    let token =
        |kid: &str| signed(&format!("{{\"alg\":\"ES256\",\"kid\":\"{kid}\"}}"), claims(""), "ES256", EC);
    assert!(judge_with(&verifier, &token("unknown"), b"", &held).starts_with("unresolved"));
    assert_eq!(judge_with(&verifier, &token("k1"), b"", &held), "ok");
}

#[test]
fn atk_163_http_scheme_or_downgrade() {
    let said = complaints(&format!(
        "{BEARER}algorithms = [\"RS256\"]\njwks = {{ url = \"http://keys.example.com/\" }}"
    ));
    assert!(said.contains("cannot be fetched"), "{said}");
}

#[test]
fn atk_167_partial_or_html_answer_parsed_as_key() {
    let verifier = fetched("\"ES256\"");
    let token = signed(r#"{"alg":"ES256","kid":"k"}"#, claims(""), "ES256", EC);
    let key = public(EC, ",\"kid\":\"k\"");
    for text in [
        "<html></html>",
        "",
        "{\"keys\":[",
        "{}",
        "[]",
        "{\"keys\":{}}",
        "{\"keys\":[],\"keys\":[]}",
        &set(&[EC.to_owned()]),
    ] {
        assert_eq!(
            judge_with(&verifier, &token, b"", &now(text.to_owned())),
            "key_unavailable jwt/no-key-set",
            "{text}"
        );
    }
    assert_eq!(judge_with(&verifier, &token, b"", &now(set(&[key]))), "ok");
}

#[test]
fn a_set_or_a_lone_key_is_found_at_its_pointer() {
    let key = public(EC, ",\"kid\":\"k\"");
    let token = signed(r#"{"alg":"ES256","kid":"k"}"#, claims(""), "ES256", EC);
    let told = |pointer: &str, text: String| {
        let table = format!(
            "{BEARER}algorithms = [\"ES256\"]\njwks = {{ url = \"{SET}\", pointer = \"{pointer}\" }}"
        );
        judge_with(&verifier(&table, KeyKind::Public, &[]).unwrap(), &token, b"", &now(text))
    };
    let alone = format!("{{\"a\":{{\"key\":{key}}},\"b\":1}}");
    let all = format!("{{\"a\":{}}}", set(&[public(RSA, ""), key.clone()]));
    assert_eq!(told("/a/key", alone.clone()), "ok");
    assert_eq!(told("/a", all), "ok");
    for (pointer, text) in [
        ("/b", alone.clone()),
        ("/c", alone),
        ("/a", format!("{{\"a\":{key},\"a\":{key}}}")),
        ("/a", "{\"a\":null}".into()),
        ("/a", format!("{{\"a\":{EC}}}")),
    ] {
        assert_eq!(told(pointer, text.clone()), "key_unavailable jwt/no-key-set", "{pointer} {text}");
    }
    let said = complaints(&format!(
        "{BEARER}algorithms = [\"ES256\"]\njwks = {{ url = \"{SET}\", pointer = \"key\" }}"
    ));
    assert!(said.contains("`pointer` is no JSON pointer"), "{said}");
}

#[test]
fn a_key_that_was_withdrawn_is_of_no_use_from_that_moment() {
    let token = signed(r#"{"alg":"ES256","kid":"k"}"#, claims(""), "ES256", EC);
    let table = format!(
        "{BEARER}algorithms = [\"ES256\"]\njwks = {{ name = \"acme/{{claim:kid}}\", pointer = \"/key\", expired_at = \"/key/expired_at\" }}"
    );
    let told = |expired_at: &str, age: i64| {
        let text = format!("{{\"key\":{}}}", public(EC, &format!(",\"kid\":\"k\"{expired_at}")));
        let held = Fetched { name: "acme/k".into(), text, age };
        judge_with(&verifier(&table, KeyKind::Public, &[]).unwrap(), &token, b"", &held)
    };
    for more in ["", ",\"expired_at\":null", &format!(",\"expired_at\":{}", NOW + 1)] {
        assert_eq!(told(more, 100), "ok", "{more}");
    }
    let withdrawn = format!(",\"expired_at\":{NOW}");
    assert_eq!(told(&withdrawn, 0), "unknown_key jwt/key-expired");
    assert_eq!(told(&withdrawn, 5), format!("unresolved acme/k newer than {}", NOW - 5));
    assert_eq!(told(",\"expired_at\":\"soon\"", 0), "key_unavailable jwt/no-key-set");
}

#[test]
fn a_copy_that_is_no_key_set_is_asked_for_again_once_it_is_old() {
    let token = signed(r#"{"alg":"ES256","kid":"k"}"#, claims(""), "ES256", EC);
    let told = |age| judge_with(&fetched("\"ES256\""), &token, b"", &Fetched { age, ..now("<html>".into()) });
    assert_eq!(told(0), "key_unavailable jwt/no-key-set");
    assert_eq!(told(5), format!("unresolved {SET} newer than {}", NOW - 5));
}

#[test]
fn nothing_is_fetched_for_what_can_never_verify() {
    let verifier = fetched("\"ES256\"");
    let nothing = Fetched { name: String::new(), ..now(String::new()) };
    let good = signed(r#"{"alg":"ES256","kid":"k"}"#, claims(""), "ES256", EC);
    assert_eq!(judge_with(&verifier, &good, b"", &nothing), format!("unresolved {SET}"));
    let (content, _) = good.rsplit_once('.').unwrap();
    for token in [
        "a.b.c".to_owned(),
        format!("{content}."),
        format!("{content}.{}", part([1; 63])),
        signed(r#"{"alg":"RS256","kid":"k"}"#, claims(""), "RS256", RSA),
        signed(r#"{"alg":"ES256","kid":"k","crit":["x"]}"#, claims(""), "ES256", EC),
    ] {
        assert!(judge_with(&verifier, &token, b"", &nothing).starts_with("malformed_signature"), "{token}");
    }
}
