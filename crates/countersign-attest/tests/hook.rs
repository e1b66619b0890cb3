//! The hook before sending: no event makes it fail, and what it cannot attest goes through as it was.
#![allow(clippy::unwrap_used)]

use countersign::{Key, Keyring, Timestamp};
use countersign_attest::{Attester, Fields, Keys, MAX_CONTENT, Names, Reason, SigningKey, Verifier};
use serde_json::{Map, Value, json};

const SECRET: &str = "a secret of at least thirty-two bytes";
const NOW: Timestamp = Timestamp::from_unix(1_767_225_600);
/// Deep enough to end any stack that follows it by calls.
const DEEP: usize = 200_000;

fn attester() -> Attester {
    let key = SigningKey::read(&Key::shared("main", SECRET).unwrap()).unwrap();
    Attester::new(key, Fields::new(["/id", "/data/amount"], &Names::default()).unwrap())
}

#[test]
fn without_a_key_nothing_is_done() {
    let events = [json!({ "id": 1, "attestation_verdict": true }), json!([]), json!(null), json!({})];
    for event in events {
        assert_eq!(Attester::without_key().before_send(event.clone(), NOW), event);
    }
}

#[test]
fn what_cannot_be_attested_goes_through_as_it_was() {
    let events = [
        (json!({ "id": 1.5 }), Reason::UnsupportedNumber),
        (json!({ "data": [1] }), Reason::UnreachableField),
        (json!({ "data": null }), Reason::UnreachableField),
        (json!({ "id": 1, "ID": 2 }), Reason::AmbiguousField),
        (json!({ "id": "x".repeat(MAX_CONTENT) }), Reason::TooLarge),
        (json!({ "id": vec![u64::MAX; 3] }), Reason::UnsupportedNumber),
    ];
    for (event, reason) in events {
        assert_eq!(attester().before_send(event.clone(), NOW), event, "{reason}");
        let Value::Object(mut members) = event else { panic!() };
        assert_eq!(attester().attest(&mut members, NOW).unwrap_err().reason, reason);
    }
    for event in [json!(null), json!(true), json!(1.5), json!("x"), json!([{ "id": 1 }])] {
        assert_eq!(attester().before_send(event.clone(), NOW), event, "no object");
    }
}

#[test]
fn a_clock_that_is_nowhere_is_no_reason_to_fail() {
    for now in [i64::MIN, -1, 253_402_300_800_000, i64::MAX] {
        let event = json!({ "id": 1 });
        assert_eq!(attester().before_send(event.clone(), Timestamp::from_unix_ms(now)), event, "{now}");
    }
}

#[test]
fn an_event_without_the_fields_is_attested_to_be_without_them() {
    let event = attester().before_send(json!({ "other": 1.5 }), NOW);
    let Value::Object(event) = event else { panic!() };
    let verifier = || Verifier::new(Keys::read(&Keyring::of(SECRET).unwrap()).unwrap());
    let verified = verifier().verify(&event, NOW).unwrap();
    assert_eq!(verified.absent(), ["/data/amount", "/id"]);
    let wanted = Fields::new(["/id"], &Names::default()).unwrap();
    let refused = verifier().require(wanted).verify(&event, NOW).unwrap_err();
    assert_eq!(refused.reason, Reason::MissingField);
}

#[test]
fn attesting_twice_is_attesting_once() {
    let once = attester().before_send(json!({ "id": 1 }), NOW);
    assert_eq!(attester().before_send(once.clone(), NOW), once);
}

#[test]
fn what_nests_without_end_ends_neither_the_hook_nor_the_verifier() {
    let fields =
        ["id", "attestation", "attestation_signature", "attestation_verdict", "Attestation_Verdict", "data"];
    for name in fields {
        let mut members = Map::new();
        members.insert(name.to_owned(), deep());
        let hooked = attester().before_send(Value::Object(members), NOW);
        let is_attested = hooked.get("attestation").and_then(|found| found.get("version")).is_some();
        // `/data/amount` is not there, and nobody looks further down.
        assert_eq!(is_attested, name != "id", "{name}");
        let Value::Object(mut event) = hooked else { panic!() };
        let verifier = Verifier::new(Keys::read(&Keyring::of(SECRET).unwrap()).unwrap());
        assert_eq!(verifier.stamp(&mut event, NOW).is_ok(), is_attested, "{name}");
        take_apart(Value::Object(event));
    }
    let mut members = Map::new();
    members.insert("id".to_owned(), deep());
    assert_eq!(attester().attest(&mut members, NOW).unwrap_err().reason, Reason::TooDeep);
    take_apart(Value::Object(members));
    // A signed promise of something deep, checked against something deep.
    let Value::Object(mut event) = attester().before_send(json!({ "id": 1 }), NOW) else { panic!() };
    event.insert("id".to_owned(), deep());
    let verifier = Verifier::new(Keys::read(&Keyring::of(SECRET).unwrap()).unwrap());
    assert_eq!(verifier.verify(&event, NOW).unwrap_err().reason, Reason::TooDeep);
    take_apart(Value::Object(event));
}

fn deep() -> Value {
    (0..DEEP).fold(Value::Null, |inner, level| match level % 2 {
        0 => Value::Array(vec![inner]),
        _ => {
            let mut object = Map::new();
            object.insert("a".to_owned(), inner);
            Value::Object(object)
        }
    })
}

/// Values drop by calls, and these would not come back.
fn take_apart(value: Value) {
    let mut pending = vec![value];
    while let Some(value) = pending.pop() {
        match value {
            Value::Array(items) => pending.extend(items),
            Value::Object(members) => pending.extend(members.into_iter().map(|(_, value)| value)),
            _ => {}
        }
    }
}
