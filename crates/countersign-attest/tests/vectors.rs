//! The vectors of `tests/parity`, which another program made and a third one checks: what it projects, signs and refuses, this
//! crate projects, signs and refuses.
#![allow(clippy::unwrap_used)]

use countersign::{Key, KeyId, KeyKind, Keyring, Secret, Timestamp, Tolerance, Window};
use countersign_attest::{Attester, Fields, Keys, Names, Reason, SigningKey, Verifier, print, read};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

fn file() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/parity/attestation.vectors.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn what_is_attested_is_byte_for_byte_what_python_attests() {
    let file = file();
    let cases = file["sign"].as_array().unwrap();
    assert!(cases.len() >= 40, "{} cases", cases.len());
    for case in cases {
        let outcome = attest(case, &file["keys"]);
        let told = match &outcome {
            Ok(event) => {
                let names = names(case);
                let mut properties: Vec<&str> = event.keys().map(String::as_str).collect();
                properties.sort_unstable();
                json!({
                    "attestation": event[names.attestation()],
                    "signature": event[names.signature()],
                    "properties": properties,
                })
            }
            Err(reason) => json!({ "refused": reason }),
        };
        for (member, value) in told.as_object().unwrap() {
            assert_eq!(Some(value), case.get(member), "{}: {member}", case["name"]);
        }
    }
}

/// The signature is of these bytes: so a mistake in the projection is seen where it is.
#[test]
fn the_signatures_of_the_vectors_are_of_the_contents_that_they_show() {
    let file = file();
    let mut checked = 0;
    for case in file["sign"].as_array().unwrap().iter().filter(|case| case.get("content").is_some()) {
        let key = &file["keys"][case["key"].as_str().unwrap()];
        let Some(secret) = key["secret"].as_str() else { continue };
        let word = countersign_keys::Algorithm::from_word("hmac-sha256").unwrap();
        let mac = countersign_keys::Verifying::hmac(secret.as_bytes(), word).unwrap();
        let content = filled(case, case["content"].as_str().unwrap());
        let signature = const_hex::decode(case["signature"].as_str().unwrap()).unwrap();
        assert!(mac.verify(&mac.content(&[content.as_bytes()]), &signature), "{}", case["name"]);
        checked += 1;
    }
    assert!(checked >= 20, "{checked}");
}

#[test]
fn every_verdict_is_the_one_that_python_gives() {
    let file = file();
    let cases = file["verify"].as_array().unwrap();
    assert!(cases.len() >= 100, "{} cases", cases.len());
    for case in cases {
        let text = text(case);
        let Ok(mut event) = read(&text) else {
            let verdict = json!({ "verified": false, "reason": "malformed_event" });
            assert_eq!(case["verdict"], verdict, "{}", case["name"]);
            continue;
        };
        let names = names(case);
        let verifier = verifier(case, &file["keys"]);
        let now = Timestamp::from_unix(case["now"].as_i64().unwrap());
        let verdict = verifier.stamp(&mut event, now);
        assert_eq!(event[names.verdict()], case["verdict"], "{}: {verdict:?}", case["name"]);
        assert_eq!(verdict.is_ok(), case["verdict"]["verified"] == true, "{}", case["name"]);
        let mut properties: Vec<&str> = event.keys().map(String::as_str).collect();
        properties.sort_unstable();
        assert_eq!(json!(properties), case["properties"], "{}", case["name"]);
        // And as text: what was there is there, and the verdict is in it once.
        let printed = print(&event, &text).unwrap();
        assert_eq!(read(printed.as_bytes()).unwrap(), event, "{}", case["name"]);
        let again = verifier.stamp(&mut event, now);
        assert_eq!(again, verdict, "{}: a verdict changes nothing", case["name"]);
    }
}

#[test]
fn every_reason_has_a_case() {
    let file = file();
    let told = |kind: &str| -> BTreeSet<String> {
        let cases = file[kind].as_array().unwrap().iter();
        cases
            .filter_map(|case| case["verdict"]["reason"].as_str().or(case["refused"].as_str()))
            .map(str::to_owned)
            .collect()
    };
    let told: BTreeSet<String> = told("sign").union(&told("verify")).cloned().collect();
    let all: BTreeSet<String> = Reason::ALL.iter().map(|reason| reason.code().to_owned()).collect();
    // A text that is read is never too deep, so no case as text can be: `attacks.rs` has one.
    let without: Vec<&String> = all.difference(&told).filter(|code| *code != "too_deep").collect();
    assert!(without.is_empty(), "no case is refused for {without:?}");
    assert!(told.is_subset(&all), "{told:?}");
    assert_eq!(all.len(), Reason::ALL.len(), "codes are unique");
}

fn attest(case: &Value, keys: &Value) -> Result<serde_json::Map<String, Value>, String> {
    let mut event = read(&text(case)).map_err(|_| "malformed_event".to_owned())?;
    let before = event.clone();
    let names = names(case);
    let fields: Vec<&str> = case["fields"].as_array().unwrap().iter().map(|f| f.as_str().unwrap()).collect();
    let fields = match Fields::new(fields, &names) {
        Ok(fields) => fields,
        Err(errors) => {
            let says = errors.to_string();
            let reserved = says.contains("attesting writes itself");
            return Err(if reserved { "reserved_field" } else { "malformed_field" }.to_owned());
        }
    };
    let key = key(&keys[case["key"].as_str().unwrap()], true);
    let attester = Attester::new(SigningKey::read(&key).unwrap(), fields).named(names);
    let now = Timestamp::from_unix(case["time"].as_i64().unwrap());
    let hooked = attester.before_send(Value::Object(event.clone()), now);
    let outcome = attester.attest(&mut event, now);
    assert_eq!(hooked, Value::Object(event.clone()), "{}: the hook does the same", case["name"]);
    outcome.map(|()| event.clone()).map_err(|refused| {
        assert_eq!(event, before, "{}: what is not attested is left as it was", case["name"]);
        refused.reason.code().to_owned()
    })
}

fn verifier(case: &Value, keys: &Value) -> Verifier {
    let mut ring = Keyring::new();
    for name in case["keys"].as_array().unwrap() {
        ring.add(key(&keys[name.as_str().unwrap()], false)).unwrap();
    }
    let seconds = |name: &str, default| Duration::from_secs(case[name].as_u64().unwrap_or(default));
    let tolerance = Tolerance { past: seconds("past", 300), future: seconds("future", 60) };
    let names = names(case);
    let verifier = Verifier::new(Keys::read(&ring).unwrap()).fresh_within(tolerance).named(names.clone());
    match case["require"].as_array() {
        Some(required) => {
            verifier.require(Fields::new(required.iter().map(|f| f.as_str().unwrap()), &names).unwrap())
        }
        None => verifier,
    }
}

fn key(json: &Value, private: bool) -> Key {
    let at = |name: &str| json[name].as_i64().map(Timestamp::from_unix);
    let hex = |name: &str| const_hex::decode(json[name].as_str().unwrap()).unwrap();
    let (kind, bytes) = match (json["algorithm"].as_str().unwrap(), private) {
        ("hmac-sha256", _) => (KeyKind::Shared, json["secret"].as_str().unwrap().as_bytes().to_vec()),
        (_, true) => (KeyKind::Private, hex("private")),
        (_, false) => (KeyKind::Public, hex("public")),
    };
    let mut key = Key::new(KeyId::new(json["id"].as_str().unwrap()), kind, Secret::new(bytes).unwrap());
    key.window = Window { not_before: at("not_before"), not_after: at("not_after") };
    key
}

fn names(case: &Value) -> Names {
    match case["names"].as_object() {
        Some(names) => {
            let name = |which: &str| names[which].as_str().unwrap();
            Names::new(name("attestation"), name("signature"), name("verdict")).unwrap()
        }
        None => Names::default(),
    }
}

fn text(case: &Value) -> Vec<u8> {
    match case["event_hex"].as_str() {
        Some(hex) => const_hex::decode(hex).unwrap(),
        None => filled(case, case["event"].as_str().unwrap()).into_bytes(),
    }
}

fn filled(case: &Value, text: &str) -> String {
    match case["fill"].as_u64() {
        Some(letters) => text.replace("FILL", &"x".repeat(letters as usize)),
        None => text.to_owned(),
    }
}
