//! What a token costs, beside `jsonwebtoken` with a kept key and the same library beneath.
//!
//! Both sides are given the same token and claims and check issuer, audience and signature; ours also finds the token in its
//! header, judges its times, refuses what [decision 12] lists, and gives evidence. Both run interleaved in one process, fifteen
//! rounds; what counts is the difference round by round.
//!
//! `cargo bench -p countersign-jwt --bench verify`
//!
//! [decision 12]: https://github.com/countersign/countersign/blob/main/docs/decisions/0012-jws-on-our-own-keys.md
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[allow(dead_code, reason = "what other benches show of a pair")]
#[path = "../../../crates/countersign/benches/pair/mod.rs"]
mod pair;
#[path = "../tests/shared/mod.rs"]
mod shared;

use countersign::{Context, Head, KeyKind, Outcome, Request, Timestamp, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use pair::Pair;
use shared::{BEARER, EC, ED, HS256, NOW, RSA, SECRET, claims, mac, public, signed};
use std::hint::black_box;

const MORE: &str = ",\"iss\":\"https://issuer.example\",\"aud\":\"https://example.com/hook\",\"sub\":\"123456\",\"jti\":\"59a244dc-e9ad-4e23-9778-371faa238f72\"";

fn main() {
    let field = |jwk: &str, name: &str| {
        let start = jwk.find(&format!("\"{name}\":\"")).unwrap() + name.len() + 4;
        jwk[start..].split('"').next().unwrap().to_owned()
    };
    let asymmetric = |alg: &str, jwk: &str| {
        signed(&format!("{{\"alg\":\"{alg}\",\"typ\":\"JWT\"}}"), claims(MORE), alg, jwk)
    };
    let cases = [
        (
            "HS256",
            SECRET.to_owned(),
            mac(HS256, claims(MORE), SECRET.as_bytes()),
            DecodingKey::from_secret(SECRET.as_bytes()),
        ),
        (
            "RS256",
            public(RSA, ""),
            asymmetric("RS256", RSA),
            DecodingKey::from_rsa_components(&field(RSA, "n"), "AQAB").unwrap(),
        ),
        (
            "ES256",
            public(EC, ""),
            asymmetric("ES256", EC),
            DecodingKey::from_ec_components(&field(EC, "x"), &field(EC, "y")).unwrap(),
        ),
        (
            "EdDSA",
            public(ED, ""),
            asymmetric("EdDSA", ED),
            DecodingKey::from_ed_components(&field(ED, "x")).unwrap(),
        ),
    ];
    for (alg, key, token, peer) in cases {
        let (decode, kind) =
            if alg == "HS256" { ("text", KeyKind::Shared) } else { ("jwk", KeyKind::Public) };
        let table = format!(
            "{BEARER}algorithms = [\"{alg}\"]\nkey = {{ forms = [{{ decode = \"{decode}\" }}] }}\nissuer = \"https://issuer.example\"\n\
             audience = \"https://example.com/hook\"\nid = \"jti\""
        );
        let ours = shared::verifier(&table, kind, &[key.as_bytes()]).unwrap();
        let mut rules = Validation::new(match alg {
            "HS256" => Algorithm::HS256,
            "RS256" => Algorithm::RS256,
            "ES256" => Algorithm::ES256,
            _ => Algorithm::EdDSA,
        });
        rules.set_issuer(&["https://issuer.example"]);
        rules.set_audience(&["https://example.com/hook"]);
        // Its clock is its own, and this token is of 2023.
        rules.validate_exp = false;
        let headers = [("authorization", format!("Bearer {token}"))];
        let theirs = || jsonwebtoken::decode::<serde_json::Value>(black_box(&token), &peer, &rules).is_ok();
        assert!(theirs() && judge(&ours, &headers));
        let pair = Pair::measure(theirs, || judge(&ours, &headers));
        pair.say(alg);
        let (low, high) = pair.quartiles;
        println!(
            "{alg}: {:.0} ns more than jsonwebtoken ({low:.0} to {high:.0} in the middle half of rounds)",
            pair.more
        );
    }
}

fn judge(verifier: &Verifier, headers: &[(&str, String)]) -> bool {
    let request = Request::new(Head::new("POST", "https://example.com/hook", &headers), b"{}");
    let outcome = verifier.verify(black_box(&request), &Context::at(Timestamp::from_unix(NOW)));
    matches!(outcome, Outcome::Verified(_))
}
