//! `jsonwebtoken` as a second opinion: what it accepts and we refuse stands in a list, with the reason; never the other way
//! round.
#![allow(clippy::unwrap_used)]

mod shared;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use shared::*;

/// Tokens that only it accepts: a name, the token, and what we say.
fn only_theirs() -> Vec<(&'static str, String, &'static str)> {
    let mac = |header: &str, claims: String| mac(header, claims, SECRET.as_bytes());
    let ours = ",\"iss\":\"a\",\"aud\":\"b\"";
    vec![
        (
            "iat in the future",
            mac(HS256, claims(&format!("{ours},\"nbf\":1")).replacen(&NOW.to_string(), "9999999999", 1)),
            "future_timestamp core/future",
        ),
        (
            "a critical member",
            mac("{\"alg\":\"HS256\",\"crit\":[\"x\"],\"x\":1}", claims(ours)),
            "malformed_signature jwt/critical",
        ),
        (
            "a member twice",
            mac(HS256, claims(&format!("{ours},\"role\":\"user\",\"role\":\"admin\""))),
            "malformed_signature jwt/claims",
        ),
        (
            "no iat",
            mac(HS256, format!("{{\"exp\":{}{ours}}}", NOW + 300)),
            "claim_mismatch jwt/claim-missing",
        ),
    ]
}

#[test]
fn what_we_accept_it_accepts_and_the_rest_is_on_the_list() {
    let table = format!(
        "{BEARER}algorithms = [\"HS256\"]\nkey = {{ forms = [{{ decode = \"text\" }}] }}\nissuer = \"a\"\naudience = \"b\""
    );
    let verifier = verifier(&table, countersign::KeyKind::Shared, &[SECRET.as_bytes()]).unwrap();
    let mut rules = Validation::new(Algorithm::HS256);
    rules.set_issuer(&["a"]);
    rules.set_audience(&["b"]);
    // Unsaid, it takes a token that names no issuer for one of the right one.
    rules.set_required_spec_claims(&["exp", "iss", "aud"]);
    // It asks the machine's clock: what expires is judged by our own tests.
    rules.validate_exp = false;
    let key = DecodingKey::from_secret(SECRET.as_bytes());
    let theirs = |token: &str| jsonwebtoken::decode::<serde_json::Value>(token, &key, &rules).is_ok();

    let good = mac(HS256, claims(",\"iss\":\"a\",\"aud\":\"b\""), SECRET.as_bytes());
    assert!(theirs(&good) && judge(&verifier, &good) == "ok");
    for (name, token, said) in only_theirs() {
        assert!(theirs(&token), "{name}: it refuses it now, so take it off the list");
        assert_eq!(judge(&verifier, &token), said, "{name}");
    }
    // Every byte of a good token, changed in each bit and cut off there.
    let mut accepted = 0;
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bytes = good.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            let Ok(token) = String::from_utf8(bytes) else { continue };
            let ours = judge(&verifier, &token) == "ok";
            assert!(!ours || theirs(&token), "{token}");
            accepted += usize::from(ours);
        }
        assert!(judge(&verifier, &good[..at]) != "ok", "{at}");
    }
    assert_eq!(accepted, 0, "a token has one spelling");
    // Claims and headers of every shape: both refuse, or both accept.
    for header in [
        HS256,
        "{\"alg\":\"HS256\"}",
        "{\"alg\":\"HS384\"}",
        "{\"alg\":\"none\"}",
        "{\"typ\":\"JWT\"}",
        "[]",
        "{\"alg\":1}",
    ] {
        for more in [
            "",
            ",\"iss\":\"a\"",
            ",\"aud\":\"b\"",
            ",\"iss\":\"a\",\"aud\":\"b\"",
            ",\"iss\":\"a\",\"aud\":[\"c\",\"b\"]",
            ",\"iss\":\"aa\",\"aud\":\"b\"",
            ",\"iss\":\"a\",\"aud\":[]",
            ",\"iss\":\"a\",\"aud\":{}",
        ] {
            let token = mac(header, claims(more), SECRET.as_bytes());
            assert_eq!(judge(&verifier, &token) == "ok", theirs(&token), "{header} {more}");
        }
    }
}
