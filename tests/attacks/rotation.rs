//! Keys and their windows.

use crate::harness::*;
use countersign::Reason::*;

fn signed_with(secret: &[u8]) -> Case {
    github(format!("sha256={}", hex(&sha256(secret, b"body"))), b"body")
}

fn sent_at(case: Case, now: i64) -> Case {
    Case { request: Sent { now, ..case.request.clone() }, ..case }
}

/// An old secret that stays in the list is a secret for ever.
#[test]
fn atk_022_expired_secret_still_accepted() {
    let old = || Given { not_after: Some(NOW - 1), ..key("old", "old") };
    let case = || signed_with(b"old").keys([key("new", "new"), old()]);
    attack(
        "ATK-022",
        [
            case().refused(ExpiredSecret),
            sent_at(case(), NOW - 1).refused(ExpiredSecret),
            sent_at(case(), NOW - 2),
            // Whoever holds an old key could write an old time: the window is judged against the present.
            Case {
                request: stripe(&format!(
                    "t={},v1={}",
                    NOW - 100,
                    hex(&sha256(b"old", format!("{}.{{\"a\":1}}", NOW - 100).as_bytes()))
                ))
                .request,
                ..stripe("").keys([key("new", "new"), old()])
            }
            .refused(ExpiredSecret),
        ],
    );
}

/// A secret that leaks before its time must be worth nothing before its time.
#[test]
fn atk_023_future_secret_accepted_early() {
    let case = || {
        signed_with(b"next")
            .keys([Given { not_before: Some(NOW + 60), ..key("next", "next") }, key("main", "main")])
    };
    attack(
        "ATK-023",
        [
            case().refused(ExpiredSecret),
            sent_at(case(), NOW + 59).refused(ExpiredSecret),
            sent_at(case(), NOW + 60),
        ],
    );
}

/// A loop that ends with the first secret makes rotation an outage.
#[test]
fn atk_024_first_secret_failure_ends_the_loop() {
    let ring = [key("new", "new"), key("old", "old"), key("older", "older")];
    for (secret, turn) in [("new", 0), ("old", 1), ("older", 2), ("old", 0), ("new", 2)] {
        let mut keys = ring.clone();
        keys.rotate_left(turn);
        let case = signed_with(secret.as_bytes()).keys(keys);
        attack("ATK-024", [case.clone()]);
        let verifier = build(&case).unwrap_or_else(|e| panic!("{e:?}"));
        assert_eq!(judge(&verifier, &case.request).unwrap().key().as_str(), secret);
    }
}

/// Decoding what is decodable leaves a key that can be guessed.
#[test]
fn atk_026_lenient_base64_secret_decodes_to_a_tiny_key() {
    let with = |secret: &str| {
        standard("m", "1700000000", &format!("v1,{}", standard_sig("m", "1700000000")))
            .keys([key("main", secret)])
    };
    let good = base64(KEY);
    attack("ATK-026", [with(&format!("whsec_{good}")), with(&good)]);
    let broken = format!("whsec_{}!{}", &good[..8], &good[8..]);
    for bad in [
        "whsec_xyz!",
        "whsec_QQ==",
        "QQ==",
        "whsec_",
        &broken,
        &format!("whsec_{}", base64(&KEY[..23])),
        "whsec_ QUFB",
    ] {
        attack("ATK-026", [with(bad).expect(Expected::KeyError)]);
    }
}

/// A key of another kind, decoded by luck, is a key that nobody chose.
#[test]
fn atk_028_wrong_prefix_kind_on_a_secret() {
    for prefix in ["v1,whsec_", "whpk_", "whsk_", "WHSEC_", "whsec-", " whsec_"] {
        let secret = format!("{prefix}{}", base64(KEY));
        attack(
            "ATK-028",
            [standard("m", "1700000000", "v1,").keys([key("main", secret)]).expect(Expected::KeyError)],
        );
    }
}

/// A secret of megabytes makes every request expensive.
#[test]
fn atk_030_unbounded_secret_length() {
    let with = |len: usize| {
        let secret = vec![b'k'; len];
        signed_with(&secret).keys([key("main", secret)])
    };
    attack(
        "ATK-030",
        [
            with(4096),
            with(10 << 20).expect(Expected::KeyError),
            with((64 << 10) + 1).expect(Expected::KeyError),
        ],
    );
}

/// A key cut at its first NUL is a shorter key.
#[test]
fn atk_031_interior_nul_truncates_the_secret_at_the_c_boundary() {
    let held = || [key("main", b"a\0b")];
    attack("ATK-031", [signed_with(b"a\0b").keys(held())]);
    for cut in [&b"a"[..], b"a\0", b"a\0c"] {
        let case = signed_with(cut).keys(held());
        let verifier = build(&case).unwrap_or_else(|e| panic!("{e:?}"));
        assert_eq!(judge(&verifier, &case.request).err(), Some(BadSignature));
    }
}
