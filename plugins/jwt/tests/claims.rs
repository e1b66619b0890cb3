//! What claims are asked, where no known attack is behind it.
#![allow(clippy::unwrap_used)]

mod shared;

use countersign::{Context, Head, KeyKind, Request, Timestamp};
use shared::*;

#[test]
fn a_subject_is_compared_and_several_values_are_each_enough() {
    let verifier = shared("subject = [\"a\", \"b\"]");
    let told =
        |sub: &str| judge(&verifier, &mac(HS256, claims(&format!(",\"sub\":\"{sub}\"")), SECRET.as_bytes()));
    assert_eq!([told("a"), told("b")], ["ok", "ok"]);
    assert_eq!([told("c"), told("ab"), told("")], ["claim_mismatch jwt/subject"; 3]);
}

#[test]
fn an_issuer_may_be_made_of_the_request() {
    let verifier = shared("issuer = \"https://{header:x-tenant}.example\"");
    let told = |tenant: Option<&str>| {
        let token =
            format!("Bearer {}", mac(HS256, claims(",\"iss\":\"https://a.example\""), SECRET.as_bytes()));
        let headers: Vec<(&str, &str)> =
            [("authorization", token.as_str())].into_iter().chain(tenant.map(|t| ("x-tenant", t))).collect();
        let request = Request::new(Head::new("POST", "https://example.com/", &headers), b"");
        told(&verifier.verify(&request, &Context::at(Timestamp::from_unix(NOW))))
    };
    assert_eq!(told(Some("a")), "ok");
    assert_eq!([told(Some("b")), told(None)], ["claim_mismatch jwt/issuer"; 2]);
}

#[test]
fn an_id_is_a_short_text() {
    let verifier = shared("required_claims = [\"jti\"]");
    let told =
        |jti: &str| judge(&verifier, &mac(HS256, claims(&format!(",\"jti\":{jti}")), SECRET.as_bytes()));
    assert_eq!(told("\"59a244dc-e9ad:1\""), "ok");
    let long = format!("\"{}\"", "a".repeat(257));
    for jti in ["1", "[]", "\"\"", "\"a b\"", "\"a\\u0000\"", &long] {
        assert_eq!(told(jti), "malformed_content jwt/id", "{jti}");
    }
    assert_eq!(told("null"), "claim_mismatch jwt/claim-missing");
}

#[test]
fn a_signed_time_is_read_in_its_format_alone() {
    let told = |format: &str, at: &str| {
        let table = format!("required_claims = [\"t\"]\ntime = \"t\"\ntime_format = \"{format}\"");
        judge(&shared(&table), &mac(HS256, format!("{{\"t\":{at}}}"), SECRET.as_bytes()))
    };
    let ms = (NOW * 1000).to_string();
    let seconds = NOW.to_string();
    for (format, at) in [
        ("unix", seconds.as_str()),
        ("unix", "1700000000.25"),
        ("unix", "\"1700000000\""),
        ("unix_ms", &ms),
        ("rfc3339", "\"2023-11-14T22:13:20Z\""),
    ] {
        assert_eq!(told(format, at), "ok", "{format} {at}");
    }
    for (format, at) in [
        ("unix", "\"1700000000.25\""),
        ("unix", "1.7e9"),
        ("unix", "[]"),
        ("unix", "true"),
        ("unix_ms", &seconds),
        ("unix_ms", "1700000000000.5"),
        ("rfc3339", &seconds),
        ("rfc3339", "\"2023-11-14\""),
    ] {
        assert_eq!(told(format, at), "malformed_timestamp jwt/time", "{format} {at}");
    }
    assert!(told("unix", &ms).starts_with("malformed_timestamp"), "milliseconds are no seconds");
    assert!(told("unix", "1600000000").starts_with("stale_timestamp core/stale"));
}

#[test]
fn what_a_detached_token_says_of_itself_stands_in_its_header() {
    let table = format!(
        "{BEARER}algorithms = [\"ES256\"]\nkey = {{ forms = [{{ decode = \"jwk\" }}] }}\npayload = \"[{{header:x-more}}]{{body}}\"\n\
         issuer = \"acme\"\nid = \"rid\"\nrequired_claims = [\"rid\"]\nrequire = [{{ value = \"{{claim:m}}\", equals = \"{{method}}\" }}]"
    );
    let verifier = verifier(&table, KeyKind::Public, &[public(EC, "").as_bytes()]).unwrap();
    let token = |more: &str, payload: &str| {
        let whole = signed(&format!("{{\"alg\":\"ES256\"{more}}}"), payload, "ES256", EC);
        let parts: Vec<&str> = whole.split('.').collect();
        format!("{}..{}", parts[0], parts[2])
    };
    let said = ",\"iss\":\"acme\",\"rid\":\"r1\",\"m\":\"POST\"";
    let told = |token: &str| judge_with(&verifier, token, b"{}", &now(String::new()));
    assert_eq!(told(&token(said, "{}")), "ok");
    assert_eq!(told(&token(said, "{ }")), "bad_signature");
    assert_eq!(told(&token(&said.replace("acme", "evil"), "{}")), "claim_mismatch jwt/issuer");
    assert_eq!(told(&token(&said.replace("POST", "GET"), "{}")), "claim_mismatch require/claim");
    assert_eq!(told(&token(",\"iss\":\"acme\",\"m\":\"POST\"", "{}")), "claim_mismatch jwt/claim-missing");
    assert_eq!(told(&token(&format!("{said},\"exp\":{NOW}"), "{}")), "stale_timestamp jwt/expired");
    let attached = signed(&format!("{{\"alg\":\"ES256\"{said}}}"), "{}", "ES256", EC);
    assert_eq!(told(&attached), "malformed_signature jwt/attached");
}

#[test]
fn a_payload_that_is_not_there_is_no_empty_one() {
    let table = "payload = \"{header:x-payload}\"\nrequired_claims = []";
    let whole = mac("{\"alg\":\"HS256\"}", "", SECRET.as_bytes());
    assert_eq!(judge(&shared(table), &whole), "missing_header jwt/payload");
}

#[test]
fn every_held_key_is_tried_and_the_first_in_its_window_counts() {
    let table = format!("{BEARER}algorithms = [\"HS256\"]\nkey = {{ forms = [{{ decode = \"text\" }}] }}");
    let other = SECRET.replace('0', "x");
    let both = verifier(&table, KeyKind::Shared, &[other.as_bytes(), SECRET.as_bytes()]).unwrap();
    for (secret, expected) in
        [(SECRET, "ok"), (&other, "ok"), ("neither of them, but just as long..", "bad_signature")]
    {
        // The name of a key is no claim to it: held keys are tried whatever the header says.
        for header in [HS256, "{\"alg\":\"HS256\",\"kid\":\"k0\"}", "{\"alg\":\"HS256\",\"kid\":\"unknown\"}"]
        {
            assert_eq!(judge(&both, &mac(header, claims(""), secret.as_bytes())), expected);
        }
    }
}
