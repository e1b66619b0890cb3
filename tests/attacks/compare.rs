//! Comparing signatures.

use crate::harness::*;
use countersign::Reason::*;

/// Comparing up to the shorter of two would take an empty signature for a good one.
#[test]
fn atk_001_signature_compared_only_up_to_the_shorter_length() {
    let good = standard_sig("msg_1", "1700000000");
    let with = |signature: &str| standard("msg_1", "1700000000", signature);
    attack(
        "ATK-001",
        [
            with(&format!("v1,{good}")),
            with("v1,").refused(MalformedSignature),
            with(&format!("v1,{}", &good[..8])).refused(BadSignature),
            with(&format!("v1,{}", base64(&sha256(KEY, b"other")[..31]))).refused(BadSignature),
            with("").refused(MalformedSignature),
        ],
    );
    let body = b"body";
    let sig = github_sig(body);
    for len in 0..sig.len() {
        let reason = if len > 7 && (len - 7) % 2 == 0 { BadSignature } else { MalformedSignature };
        attack("ATK-001", [github(&sig[..len], body).refused(reason)]);
    }
}

/// Comparing as many bytes as were expected would let anything follow them.
#[test]
fn atk_003_digest_longer_than_expected_with_a_correct_prefix() {
    let body = b"body";
    let longer = |more: &str| github(github_sig(body) + more, body);
    attack(
        "ATK-003",
        [longer(""), longer("00").refused(BadSignature), longer(&hex(&[0; 32])).refused(BadSignature)],
    );
}

/// A comparison that ends at the first difference tells, by its time, how much of a guess was right.
///
/// That there is one comparison is shown here, by reading; that it takes constant time is not measured: tests of time
/// are noise on shared machines. Its own crate answers for it.
#[test]
fn atk_004_early_exit_comparison_leaks_the_expected_digest() {
    let names = ["tag", "mac", "signature", "expected_tag", "digest"];
    let mut read = 0;
    each_source(&mut |file, text| {
        read += 1;
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in code.lines().enumerate() {
            let words: Vec<&str> = line.split_whitespace().collect();
            for compared in words.windows(3).filter(|words| matches!(words[1], "==" | "!=")) {
                let name = |word: &str| {
                    let word =
                        word.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.');
                    names.contains(&word.rsplit('.').next().unwrap_or(word))
                };
                // Replay keys are digests of what the sender itself sent; the guard says why that is harmless.
                let allowed = file.ends_with("replay.rs");
                assert!(
                    allowed || !(name(compared[0]) || name(compared[2])),
                    "{file}:{}: compare by `ct::equal`: {line}",
                    number + 1
                );
            }
        }
        // What signatures and tags are made of has no `==` of its own.
        for secret in ["struct Secret", "enum Keyed", "struct Fingerprints", "struct Candidate"] {
            if let Some((before, _)) = code.split_once(secret) {
                let attributes = before.rsplit("\n\n").next().unwrap_or(before);
                assert!(!attributes.contains("PartialEq"), "{file}: {secret} compares with ==");
            }
        }
    });
    assert!(read > 20, "the core was not found: {read} files");
}

fn each_source(see: &mut dyn FnMut(&str, &str)) {
    let mut folders =
        vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/countersign/src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs")
                && !path.ends_with("ct.rs")
                && !path.ends_with("tests.rs")
            {
                see(&path.to_string_lossy(), &std::fs::read_to_string(&path).unwrap());
            }
        }
    }
}

/// A comparison that panics on unequal lengths makes a crash of a wrong signature.
#[test]
fn atk_005_length_mismatch_throws_instead_of_rejecting() {
    let too_long = base64(&[7; 33]);
    assert_eq!((too_long.len(), too_long.contains('=')), (44, false));
    attack(
        "ATK-005",
        [
            standard("msg_1", "1700000000", &format!("v1,{too_long}")).refused(BadSignature),
            standard("msg_1", "1700000000", &format!("v1,{}", base64(&[7; 1]))).refused(BadSignature),
        ],
    );
    assert_eq!(
        BadSignature.class().status(),
        MalformedSignature.class().status(),
        "a sender cannot tell them apart"
    );
}

/// Text comparisons that insist on ASCII raise, and the attacker gets a 500.
#[test]
fn atk_006_non_ascii_signature_text_breaks_the_comparison() {
    let letters = "é".repeat(32);
    attack(
        "ATK-006",
        [
            github(&letters, b"body").refused(MalformedSignature),
            github(format!("sha256={letters}"), b"body").refused(MalformedSignature),
            standard("msg_1", "1700000000", &format!("v1,{letters}")).refused(MalformedSignature),
        ],
    );
    assert_eq!(MalformedSignature.class().status(), 401);
}
