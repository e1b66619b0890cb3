//! Wycheproof's known attacks on JSON Web Signatures, each as a request to a preset of the mode `jwt`.
//!
//! The payloads of these tests are any bytes, and claims are a JSON object; so a payload is put into the body, where the
//! preset says that it is signed (RFC 7515, appendix F), and its part of the token is left empty. A payload that is not written
//! in the one way of base64url stays in the token, which is then refused for it.
#![allow(clippy::unwrap_used)]

use base64_simd::URL_SAFE_NO_PAD;
use countersign::{Context, Head, Key, KeyId, Keyring, Registry, Request, Secret, Timestamp, Vars, Verifier};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use wycheproof_ng_kdf_jose::json_web::TestName;

/// Tests that contradict RFC 7515 or RFC 7518, whose labels are not followed: what is said there, and why not.
const CONTRADICT: [(u64, &str, &str); 8] = [
    (346, "valid", "RFC 7520, figure 20: the token says PS384, and the key says that it is for PS256"),
    (350, "valid", "RFC 7520, figure 20: the token says PS384, and the key says that it is for PS256"),
    (347, "valid", "RFC 7520, figure 27: the key says that it is for ES521, which is no algorithm"),
    (351, "valid", "RFC 7520, figure 27: the key says that it is for ES521, which is no algorithm"),
    (367, "invalid", "byte for byte the same as 357, which is valid: padding was lost in conversion"),
    (370, "invalid", "byte for byte the same as 357, which is valid: padding was lost in conversion"),
    (372, "valid", "a `?` that is no base64url stands in it, and the MAC is over the text without it"),
    (373, "valid", "a `?` that is no base64url stands in it, and the MAC is over the text without it"),
];

#[test]
fn json_web_signatures() {
    let file: Value = serde_json::from_str(TestName::JsonWebSignature.json_data()).unwrap();
    let (mut counts, mut wrong) = (BTreeMap::<&str, usize>::new(), Vec::new());
    for group in file["testGroups"].as_array().unwrap() {
        let verifier = verifier(group);
        for test in group["tests"].as_array().unwrap() {
            let id = test["tcId"].as_u64().unwrap();
            let says = test["result"].as_str().unwrap();
            let verified = match &verifier {
                Err(_) => false,
                Ok(verifier) => verifies(verifier, &test["jws"]),
            };
            let contradicts = CONTRADICT.iter().find(|(known, ..)| *known == id);
            let expected = match contradicts {
                Some((_, label, _)) => {
                    assert_eq!(*label, says, "{id}: the label is another now");
                    says != "valid"
                }
                None => says == "valid",
            };
            let count = match (contradicts, &verifier, verified) {
                (Some(_), ..) => "contradicts the RFCs",
                (None, Err(_), _) => "key refused",
                (None, Ok(_), true) => "verified",
                (None, Ok(_), false) => "refused",
            };
            *counts.entry(count).or_default() += 1;
            if verified != expected {
                wrong.push(format!(
                    "{id} ({}): {says}, and it {}",
                    test["comment"],
                    if verified { "verified" } else { "did not" }
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let counts: Vec<(&str, usize)> = counts.into_iter().collect();
    assert_eq!(counts, [("contradicts the RFCs", 8), ("key refused", 4), ("refused", 349), ("verified", 40)]);
}

/// A verifier by the group's key; the error is that the key will not do.
fn verifier(group: &Value) -> Result<Arc<Verifier>, String> {
    let key = group.get("public").filter(|key| key.is_object()).unwrap_or(&group["private"]);
    let shared = key["kty"] == "oct";
    // Without `alg`, what such a key is mostly for.
    let usual = if key["kty"] == "EC" { "ES256" } else { "RS256" };
    let algorithm = match key["alg"].as_str().unwrap_or(usual) {
        "ES521" => "ES512",
        algorithm => algorithm,
    };
    let (decode, material) = match shared {
        true => ("base64url", key["k"].as_str().unwrap().to_owned()),
        false => ("jwk", key.to_string()),
    };
    let text = format!(
        "schema = 1\nname = \"jws\"\nmode = \"jwt\"\n[jwt]\ntoken_source = {{ header = \"x-jws\" }}\n\
         algorithms = [\"{algorithm}\"]\nkey = {{ forms = [{{ decode = \"{decode}\" }}] }}\npayload = \"{{body}}\"\n"
    );
    let mut registry: Registry = countersign_modes::without_presets().unwrap();
    registry.add_preset("jws.toml", text.as_str()).unwrap();
    let compiled = registry.named("jws").unwrap_or_else(|errors| panic!("{text}\n{errors}"));
    let secret = Secret::new(material.as_bytes()).map_err(|error| error.to_string())?;
    let mut ring = Keyring::new();
    ring.add(Key::new(KeyId::new("key"), compiled.needs().key_kind(false), secret)).unwrap();
    compiled.verifier("wycheproof", &ring, &Vars::new()).map_err(|error| error.to_string())
}

fn verifies(verifier: &Verifier, jws: &Value) -> bool {
    // JSON where the compact form is expected is shown as it stands.
    let text = jws.as_str().map_or_else(|| jws.to_string(), str::to_owned);
    let parts: Vec<&str> = text.split('.').collect();
    let (token, body) = match parts[..] {
        [header, payload, signature] => match URL_SAFE_NO_PAD.decode_to_vec(payload) {
            Ok(body) => (format!("{header}..{signature}"), body),
            Err(_) => (text.clone(), Vec::new()),
        },
        _ => (text.clone(), Vec::new()),
    };
    let headers = [("x-jws", token)];
    let request = Request::new(Head::new("POST", "https://example.com/", &headers), &body);
    verifier.verify(&request, &Context::at(Timestamp::from_unix(1_700_000_000))).into_verified().is_ok()
}
