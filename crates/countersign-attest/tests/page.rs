//! What `docs/reference/attestation.md` shows is what happens.
#![allow(clippy::unwrap_used)]

use countersign::{Keyring, Timestamp};
use countersign_attest::{
    Keys, MAX_CONTENT, MAX_DEPTH, MAX_FIELD, MAX_FIELDS, MAX_KEY_ID, MAX_NAME, MAX_TIME, Names, PREFIX,
    Reason, Verifier, read,
};
use countersign_keys::{Algorithm, Verifying};
use serde_json::Value;

const PAGE: &str = include_str!("../../../docs/reference/attestation.md");
const SECRET: &str = "an attestation secret of 32 bytes or more";

fn blocks(language: &str) -> Vec<&'static str> {
    let begins = format!("```{language}\n");
    PAGE.split(begins.as_str()).skip(1).filter_map(|rest| rest.split("\n```").next()).collect()
}

#[test]
fn the_example_of_the_page_is_real() {
    assert!(PAGE.contains(SECRET));
    let [event, verdict, refused] = blocks("json")[..] else { panic!("three blocks") };
    let mut event = read(event.as_bytes()).unwrap();
    let content = blocks("text")[0];
    assert_eq!(content.len(), 116);
    let mac = Verifying::hmac(SECRET.as_bytes(), Algorithm::from_word("hmac-sha256").unwrap()).unwrap();
    let signature = const_hex::decode(event["attestation_signature"].as_str().unwrap()).unwrap();
    assert!(
        mac.verify(&mac.content(&[content.as_bytes()]), &signature),
        "the bytes that are shown are those that are signed"
    );

    let verifier = Verifier::new(Keys::read(&Keyring::of(SECRET).unwrap()).unwrap());
    let now = Timestamp::from_unix(1_767_225_700);
    verifier.stamp(&mut event, now).unwrap();
    let shown: Value = serde_json::from_str(verdict).unwrap();
    assert_eq!(event["attestation_verdict"], shown["attestation_verdict"]);
    event.insert("id".into(), "evt_2".into());
    verifier.stamp(&mut event, now).unwrap_err();
    let shown: Value = serde_json::from_str(refused).unwrap();
    assert_eq!(event["attestation_verdict"], shown["attestation_verdict"]);
}

#[test]
fn the_page_tells_every_reason_in_order_and_every_bound() {
    let table = PAGE.split("## Verifying").nth(1).unwrap();
    let mut before = 0;
    for reason in Reason::ALL {
        // `malformed_attestation` is looked for twice.
        let at =
            table.rfind(&format!("`{reason}`")).unwrap_or_else(|| panic!("`{reason}` is not on the page"));
        assert!(at > before, "`{reason}` is not where it is looked for");
        before = at;
    }
    let names = Names::default();
    for name in [names.attestation(), names.signature(), names.verdict(), PREFIX.trim_end()] {
        assert!(PAGE.contains(&format!("`{name}`")), "{name}");
    }
    assert_eq!(PREFIX.len(), 27);
    let bounds = [
        format!("at most {MAX_CONTENT} bytes"),
        format!("more than {MAX_DEPTH} levels"),
        format!("at most {MAX_FIELD} bytes"),
        format!("1 to {MAX_FIELDS} fields"),
        format!("1 to {MAX_KEY_ID} letters"),
        format!("1 to {MAX_NAME} bytes"),
        format!("from 0 to {MAX_TIME}"),
    ];
    for bound in bounds {
        assert!(PAGE.contains(&bound), "{bound}");
    }
}
