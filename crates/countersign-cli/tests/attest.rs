//! `countersign attest`: events that carry their proof, by standard input and files, and what is said of those that do not.
#![allow(clippy::unwrap_used)]

mod common;
use common::{Folder, Ran, SECRET, run, run_with};

const EVENT: &str = r#"{"rate":1.10,"id":"evt_1","data":{"amount":4200,"note":12345678901234567890}}"#;
const AT: &str = "1767225600";

fn attest(input: &str, args: &[&str]) -> Ran {
    run_with(&[&["attest"], args].concat(), input.as_bytes(), &[("S", SECRET)])
}

fn verify(input: &str, args: &[&str]) -> Ran {
    attest(input, &[&["--verify", "--secret", "id=main@env:S", "--now", "1767225700"], args].concat())
}

fn attested() -> String {
    attest(EVENT, &["--fields", "/id,/data/amount", "--secret", "env:S", "--at", AT]).exits(0).out
}

#[test]
fn what_is_attested_verifies_and_the_rest_of_the_text_is_as_it_was() {
    let sent = attested();
    assert!(sent.starts_with(EVENT.trim_end_matches('}')), "{sent}");
    let ran = verify(&sent, &["--require", "/id"]).exits(0);
    let verdict = &ran.json()["attestation_verdict"];
    assert_eq!(verdict["verified"], true);
    assert_eq!(verdict["fields"], serde_json::json!(["/data/amount", "/id"]));
    assert!(ran.out.starts_with(EVENT.trim_end_matches('}')) && ran.err.is_empty(), "{}{}", ran.out, ran.err);
    let words = verify(&sent, &["--format", "text"]).exits(0).out;
    for part in ["✓ verified", "/data/amount", "1 min 40 s ago", "anyone could have put it there"] {
        assert!(words.contains(part), "{part:?} is not in {words}");
    }
}

#[test]
fn a_file_is_read_as_standard_input_is() {
    let folder = Folder::new();
    let file = folder.file("event.json", attested());
    let secret = format!("file:{}", folder.file("secret.txt", format!("{SECRET}\n")));
    let ran = run(&["attest", &file, "--verify", "--secret", &secret, "--now", AT]).exits(0);
    assert_eq!(ran.json()["attestation_verdict"]["verified"], true);
}

#[test]
fn what_was_changed_is_printed_with_the_verdict_and_the_answer_is_no() {
    let sent = attested().replace("4200", "9999");
    let lie = sent.replacen('{', r#"{"Attestation_Verdict":{"verified":true},"#, 1);
    let ran = verify(&lie, &[]).exits(1).says("bad_signature");
    assert_eq!(
        ran.json()["attestation_verdict"],
        serde_json::json!({ "verified": false, "reason": "bad_signature" })
    );
    assert!(ran.json().get("Attestation_Verdict").is_none());
    let words = verify(&lie, &["--format", "text"]).exits(1).out;
    assert!(words.contains("✗ not verified: bad_signature"), "{words}");
}

#[test]
fn every_refusal_says_what_to_look_at() {
    let sent = attested();
    verify(&sent, &["--require", "/data/note"])
        .exits(1)
        .says("uncovered_field")
        .says("`/data/note`")
        .says("--fields");
    verify(EVENT, &[]).exits(1).says("missing_attestation").says("--names");
    verify(&sent.replace("\"main\"", "\"other\""), &[]).exits(1).says("unknown_key").says("--secret id=ID@…");
    attest(&sent, &["--verify", "--secret", "env:S"]).exits(1).says("stale_timestamp").says("--past TIME");
    attest(&sent, &["--verify", "--secret", "env:S", "--past", "36500d"]).exits(0);
    let twice = verify(&sent.replacen('{', r#"{"id":"evt_2","#, 1), &[])
        .exits(1)
        .says("malformed_event")
        .says("twice");
    assert!(twice.out.is_empty(), "there is no event to print: {}", twice.out);
    attest(EVENT, &["--fields", "/rate", "--secret", "env:S"])
        .exits(1)
        .says("unsupported_number")
        .says("as a text");
}

#[test]
fn what_makes_no_sense_is_told_with_what_to_type() {
    attest(EVENT, &["--fields", "id,data.amount", "--secret", "env:S"])
        .exits(2)
        .says("write `/data/amount`")
        .says("`/id`");
    attest(EVENT, &["--fields", "/attestation", "--secret", "env:S"]).exits(2).says("leave it out");
    attest(EVENT, &["--fields", "/id"]).exits(4).says("openssl rand -hex 32");
    attest(EVENT, &["--verify", "--algorithm", "ed25519"]).exits(4).says("a public key");
    attest(EVENT, &["--fields", "/id", "--secret", "literal:hunter2"]).exits(4).says("at least 32 bytes");
    attest(EVENT, &["--fields", "/id", "--secret", "env:S", "--secret", "id=b@env:S"])
        .exits(2)
        .says("one key signs");
    attest(EVENT, &["--fields", "/id", "--secret", "-"]).exits(2).says("standard input can be only one");
    attest("[]", &["--fields", "/id", "--secret", "env:S"]).exits(2).says("one JSON object");
    verify(EVENT, &["--names", "a,b"]).exits(2).says("it takes three");
    verify(EVENT, &["--names", "a,A,b"]).exits(2).says("more than case");
    verify(EVENT, &["--past", "5"]).exits(2).says("`5s`");
    attest(EVENT, &["--fields", "/id", "--verify", "--secret", "env:S"]).exits(2);
    attest(EVENT, &["--secret", "env:S"]).exits(2).says("--fields");
}

#[test]
fn a_pair_of_keys_attests_under_its_fingerprint_and_is_never_a_shared_secret() {
    let private = format!("file:{}/tests/common/ed25519.pem", env!("CARGO_MANIFEST_DIR"));
    let pair = ["--algorithm", "ed25519", "--secret", &private];
    let sent = attest(EVENT, &[&["--fields", "/id", "--at", AT][..], &pair].concat()).exits(0);
    let id = sent.json()["attestation"]["key_id"].as_str().unwrap().to_owned();
    assert_eq!(id.len(), 43);
    // The public half is taken out of the private key.
    let verified = attest(&sent.out, &[&["--verify", "--now", AT][..], &pair].concat()).exits(0);
    assert_eq!(verified.json()["attestation_verdict"]["key_id"], id);
    let shared = ["--verify", "--now", AT, "--secret", &private];
    attest(&sent.out, &shared).exits(4).says("it is no secret");
    let named = format!("id={id}@env:S");
    attest(&sent.out, &["--verify", "--now", AT, "--secret", &named]).exits(1).says("wrong_algorithm");
}

#[test]
fn other_names_are_kept_apart() {
    let names = ["--names", "proof,proof_sig,proof_ok"];
    let sent = attest(EVENT, &[&["--fields", "/id", "--secret", "env:S", "--at", AT][..], &names].concat())
        .exits(0)
        .out;
    assert_eq!(verify(&sent, &names).exits(0).json()["proof_ok"]["verified"], true);
    verify(&sent, &[]).exits(1).says("missing_attestation");
}
