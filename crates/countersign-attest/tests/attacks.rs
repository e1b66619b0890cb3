//! What somebody on the way, or at the sender's, could try. What can be said as an event's text is a vector; here is the rest.
#![allow(clippy::unwrap_used)]

use countersign::{Key, KeyId, KeyKind, Keyring, Secret, Timestamp, Tolerance};
use countersign_attest::{Attester, Fields, Keys, Names, Reason, SigningKey, Verifier, print, read};
use serde_json::{Map, Value, json};
use std::time::Duration;

const SECRET: &str = "a secret of at least thirty-two bytes";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";
const NOW: Timestamp = Timestamp::from_unix(1_767_225_600);

fn attester(fields: &[&str]) -> Attester {
    let key = SigningKey::read(&Key::shared("main", SECRET).unwrap()).unwrap();
    Attester::new(key, Fields::new(fields.iter().copied(), &Names::default()).unwrap())
}

fn verifier() -> Verifier {
    Verifier::new(Keys::read(&Keyring::of(SECRET).unwrap()).unwrap())
}

fn attested(event: Value, fields: &[&str]) -> Map<String, Value> {
    let Value::Object(mut event) = event else { panic!("an object") };
    attester(fields).attest(&mut event, NOW).unwrap();
    event
}

#[test]
fn a_byte_changed_anywhere_changes_nothing_that_is_believed() {
    let event = json!({ "id": "evt_1", "data": { "amount": 4200, "tags": ["a", {"b": null}], "note": "x" }, "n": 1.5 });
    let original = attested(event, &["/id", "/data/amount", "/data/tags", "/absent"]);
    let text = serde_json::to_string(&original).unwrap();
    let covered = |event: &Map<String, Value>| {
        let event = Value::Object(event.clone());
        ["/id", "/data/amount", "/data/tags", "/absent"].map(|field| event.pointer(field).cloned())
    };
    let mut chance = Chance(7);
    let (mut believed, mut refused) = (0, 0);
    for _ in 0..20_000 {
        let mut bytes = text.clone().into_bytes();
        for _ in 0..=chance.below(2) {
            let at = chance.below(bytes.len());
            match chance.below(4) {
                0 => drop(bytes.remove(at)),
                1 => bytes.insert(at, b"{}[]\",:0aA\\ue."[chance.below(14)]),
                2 => bytes[at] ^= 1 << chance.below(8),
                _ => bytes[at] = b"{}[]\",:01aA\\e."[chance.below(14)],
            }
        }
        let Ok(mut changed) = read(&bytes) else {
            refused += 1;
            continue;
        };
        match verifier().stamp(&mut changed, NOW) {
            Ok(verified) => {
                assert_eq!(covered(&changed), covered(&original), "{}", String::from_utf8_lossy(&bytes));
                assert_eq!(verified.fields(), ["/absent", "/data/amount", "/data/tags", "/id"]);
                believed += 1;
            }
            Err(_) => refused += 1,
        }
    }
    // Letters of what is not covered may change, and most bytes are covered.
    assert!(believed > 100 && refused > 10_000, "{believed} and {refused}");
}

#[test]
fn every_digit_of_a_signature_counts() {
    let event = attested(json!({ "id": 1 }), &["/id"]);
    let signature = event["attestation_signature"].as_str().unwrap().to_owned();
    for at in 0..signature.len() {
        let mut changed = signature.clone().into_bytes();
        changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
        let mut event = event.clone();
        event.insert("attestation_signature".into(), String::from_utf8(changed).unwrap().into());
        assert_eq!(verifier().verify(&event, NOW).unwrap_err().reason, Reason::BadSignature, "{at}");
    }
    assert!(verifier().verify(&event, NOW).is_ok());
}

#[test]
fn what_is_public_is_no_secret_and_kinds_of_keys_are_not_exchanged() {
    let key = |kind, bytes: &[u8]| Key::new(KeyId::new("k"), kind, Secret::new(bytes).unwrap());
    let ring = |kind, bytes: &[u8]| {
        let mut ring = Keyring::new();
        ring.add(key(kind, bytes)).unwrap();
        ring
    };
    let jwk = br#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    for public in [PUBLIC.as_bytes(), jwk] {
        assert!(SigningKey::read(&key(KeyKind::Shared, public)).is_err(), "the public key as the secret");
        assert!(Keys::read(&ring(KeyKind::Shared, public)).is_err());
        assert!(SigningKey::read(&key(KeyKind::Private, public)).is_err(), "a public key does not sign");
        let keys = Keys::read(&ring(KeyKind::Public, public)).unwrap();
        assert_eq!(keys.ids().collect::<Vec<_>>(), ["kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"]);
    }
    assert!(Keys::read(&ring(KeyKind::Shared, b"too short to be safe")).is_err());
    assert!(Keys::read(&ring(KeyKind::Private, PUBLIC.as_bytes())).is_err());
    assert!(Keys::read(&ring(KeyKind::TrustAnchor, PUBLIC.as_bytes())).is_err());
    assert!(SigningKey::read(&key(KeyKind::Public, PUBLIC.as_bytes())).is_err());
    assert!(Keys::read(&Keyring::new()).is_err(), "nothing is believed without a key");
    let weak = [&[1u8][..], &[0; 31]].concat();
    assert!(Keys::read(&ring(KeyKind::Public, &weak)).is_err(), "a key under which anybody can sign");
}

#[test]
fn two_keys_of_one_id_are_refused() {
    let mut ring = Keyring::new();
    for id in ["one", "two"] {
        ring.add(Key::new(KeyId::new(id), KeyKind::Public, Secret::new(PUBLIC.as_bytes()).unwrap())).unwrap();
    }
    assert!(Keys::read(&ring).is_err(), "the same public key twice has one fingerprint");
    let mut ring = Keyring::of(SECRET).unwrap();
    ring.add(Key::shared("with space", SECRET).unwrap()).unwrap();
    assert!(Keys::read(&ring).is_err(), "an id that no attestation can name");
}

#[test]
fn a_replay_is_taken_within_the_window_and_never_after_it() {
    let event = attested(json!({ "id": 1 }), &["/id"]);
    let at = |seconds: i64| verifier().verify(&event, Timestamp::from_unix(NOW.unix() + seconds));
    assert!(at(0).is_ok() && at(300).is_ok());
    assert_eq!(at(301).unwrap_err().reason, Reason::StaleTimestamp);
    assert_eq!(at(-61).unwrap_err().reason, Reason::FutureTimestamp);
    let year = Timestamp::from_unix(NOW.unix() + 31_536_000);
    assert!(verifier().danger_of_any_age().verify(&event, year).is_ok(), "when it is spelled");
    let none = Tolerance { past: Duration::ZERO, future: Duration::ZERO };
    assert_eq!(
        verifier().fresh_within(none).verify(&event, year).unwrap_err().reason,
        Reason::StaleTimestamp
    );
}

#[test]
fn a_verdict_of_the_sender_survives_neither_the_hook_nor_the_verifier() {
    let lie = json!({ "verified": true, "key_id": "main" });
    let event =
        json!({ "id": 1, "attestation_verdict": lie, "ATTESTATION_verdict": lie, "attestation": lie });
    let sent = attested(event.clone(), &["/id"]);
    assert!(sent.keys().all(|name| !name.eq_ignore_ascii_case("attestation_verdict")), "{sent:?}");
    let Value::Object(mut event) = event else { panic!() };
    assert!(verifier().stamp(&mut event, NOW).is_err());
    assert_eq!(event["attestation_verdict"], json!({ "verified": false, "reason": "missing_signature" }));
    assert!(!event.contains_key("ATTESTATION_verdict"));
}

#[test]
fn no_two_events_come_to_the_same_signature() {
    // Values that careless projections take for one another, each as the same field.
    let values = [
        json!(null),
        json!("null"),
        json!(""),
        json!(0),
        json!("0"),
        json!(false),
        json!("false"),
        json!("f"),
        json!([]),
        json!({}),
        json!([[]]),
        json!([{}]),
        json!({"": null}),
        json!({"": {}}),
        json!([null]),
        json!(["a", "b"]),
        json!(["ab"]),
        json!("ab"),
        json!("a,b"),
        json!(["a,b"]),
        json!({"a": "b"}),
        json!({"a": 1, "b": 2}),
        json!({"a": {"b": 2}}),
        json!([["a"], "b"]),
        json!([["a", "b"]]),
        json!("s1:a"),
        json!("-"),
        json!("n"),
        json!(-1),
        json!("\u{e9}"),
        json!("e\u{301}"),
        json!("\u{0}"),
    ];
    let mut signatures: Vec<String> = values
        .iter()
        .map(|value| attested(json!({ "v": value }), &["/v"])["attestation_signature"].to_string())
        .collect();
    signatures.push(attested(json!({}), &["/v"])["attestation_signature"].to_string());
    let all = signatures.len();
    signatures.sort_unstable();
    signatures.dedup();
    assert_eq!(signatures.len(), all);
}

#[test]
fn secrets_are_not_printed() {
    let printed = format!("{:?} {:?}", attester(&["/id"]), verifier());
    assert!(!printed.contains(SECRET) && !printed.contains("thirty"), "{printed}");
    let bytes = format!("{:?}", SECRET.as_bytes());
    assert!(!printed.contains(bytes.trim_matches(['[', ']'])), "{printed}");
}

#[test]
fn names_of_ours_are_not_fields_even_if_they_are_named_later() {
    let fields = Fields::new(["/proof_ok"], &Names::default()).unwrap();
    let names = Names::new("proof", "proof_sig", "proof_ok").unwrap();
    let key = SigningKey::read(&Key::shared("main", SECRET).unwrap()).unwrap();
    let mut event = Map::new();
    event.insert("proof_ok".into(), true.into());
    let refused = Attester::new(key, fields).named(names).attest(&mut event, NOW).unwrap_err();
    assert_eq!((refused.reason, refused.field.as_deref()), (Reason::ReservedField, Some("/proof_ok")));
}

#[test]
fn what_is_printed_after_a_verdict_is_what_came_and_the_verdict() {
    let text = br#"{ "amount" : 12345678901234567890, "rate": 1.10, "attestation_verdict": {"verified": true}, "id":"\u0031" }"#;
    let mut event = read(text).unwrap();
    let _ = verifier().stamp(&mut event, NOW);
    let told = r#"{"amount":12345678901234567890,"rate":1.10,"id":"\u0031","attestation_verdict":{"#;
    assert!(print(&event, text).unwrap().starts_with(told));
}

/// Numbers nobody chose: xorshift.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}
