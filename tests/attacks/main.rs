//! Known attacks on webhook receivers, each a test named after its case in the corpus.
//!
//! A case is data and goes through one function; its signatures are made here, by the hash crates, and never by the
//! signer under test. What no request to the core can show stands in a list with its reason, and a test holds both
//! against the corpus: no case is missing, and none is in both.
#![allow(clippy::unwrap_used)]

mod algorithm;
mod body;
mod compare;
mod config;
mod corpus;
mod encoding;
mod fail_open;
mod findings;
mod harness;
mod headers;
mod pubkey;
mod replay;
mod rotation;
mod template;
mod time;
mod url;

use std::path::Path;

use corpus::{AND_THERE, CORPUS, NOT_HERE, OTHERWISE, OUTCOMES};

const TESTS: &[&str] = &[
    include_str!("algorithm.rs"),
    include_str!("body.rs"),
    include_str!("compare.rs"),
    include_str!("config.rs"),
    include_str!("encoding.rs"),
    include_str!("fail_open.rs"),
    include_str!("headers.rs"),
    include_str!("pubkey.rs"),
    include_str!("replay.rs"),
    include_str!("rotation.rs"),
    include_str!("template.rs"),
    include_str!("time.rs"),
    include_str!("url.rs"),
    // Attacks on one mode or one client are made where its own tests are.
    include_str!("../../crates/countersign-delivery/src/verdict.rs"),
    include_str!("../../crates/countersign-delivery/tests/outbound/attacks.rs"),
    include_str!("../../crates/countersign-egress/tests/sockets/attacks.rs"),
    include_str!("../../crates/countersign-plugin/tests/attacks.rs"),
    include_str!("../../crates/countersign-tower/tests/remote/attacks.rs"),
    include_str!("../../plugins/http-signature/tests/attacks.rs"),
    include_str!("../../plugins/http-signature/tests/attacks_of_other_classes.rs"),
    include_str!("../../plugins/jwt/tests/attacks.rs"),
    include_str!("../../plugins/jwt/tests/chain.rs"),
    include_str!("../../plugins/jwt/tests/keyset.rs"),
    include_str!("../../plugins/token/tests/attacks.rs"),
    include_str!("../../plugins/x509/tests/attacks.rs"),
    include_str!("../../plugins/x509/tests/trust.rs"),
];

#[test]
fn every_case_of_the_corpus_is_a_test_or_says_where_it_is() {
    for (id, _, _) in CORPUS {
        let name = format!("fn {}_", id.to_lowercase().replace('-', "_"));
        let tests = TESTS.iter().map(|text| text.matches(&name).count()).sum::<usize>();
        let elsewhere = NOT_HERE.iter().filter(|(known, _)| known == id).count();
        // One attack may be tried on several modes.
        assert!(
            (tests > 0) != (elsewhere == 1),
            "{id}: {tests} tests, {elsewhere} reasons why it is not here"
        );
    }
    for (id, reason) in NOT_HERE {
        assert!(CORPUS.iter().any(|(known, _, _)| known == id) && !reason.is_empty(), "{id}");
        // Who names a file has the test in it.
        if let Some(file) = reason.strip_prefix("the gateway: ") {
            is_in(id, file);
        }
    }
    for (id, file) in AND_THERE {
        assert!(CORPUS.iter().any(|(known, _, _)| known == id), "{id}");
        is_in(id, file);
    }
}

/// Expect a test of this case in a file of the repository.
fn is_in(id: &str, file: &str) {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file)).expect(file);
    let number = id.trim_start_matches("ATK-");
    let mut named = text.lines().filter(|line| line.contains("fn atk_"));
    assert!(named.any(|line| line.contains(&format!("_{number}_"))), "{id} is not in {file}");
}

#[test]
fn every_outcome_of_the_corpus_has_one_of_ours() {
    for (id, _, outcome) in CORPUS {
        assert!(OUTCOMES.iter().any(|(word, _)| word == outcome), "{id}: {outcome}");
    }
    for (id, _, why) in OTHERWISE {
        assert!(CORPUS.iter().any(|(known, _, _)| known == id) && !why.is_empty(), "{id}");
    }
}
