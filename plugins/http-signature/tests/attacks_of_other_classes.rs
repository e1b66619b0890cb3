//! Attacks of other classes, as far as they concern message signatures; the corpus has its tests of them elsewhere.
#![allow(clippy::unwrap_used)]

mod common;

use common::keys::ED25519;
use common::*;
use countersign::KeyKind;

const BODY: &[u8] = b"{\"paid\":1}";

fn good() -> Sent {
    signed(BODY, &sha256_of(BODY), &[], PARAMS)
}

/// A weak digest that fits does not make up for a strong one that does not.
#[test]
fn atk_124_strong_invalid_but_weak_valid() {
    let md5 = "md5=:YkWhkUZDUnk5PZmb1ZpQ4w==:";
    let digest = format!("{md5}, {}", sha256_of(b"other"));
    assert_eq!(judge(&signed(BODY, &digest, &[], PARAMS)), refused("bad_signature", "digest-other"));
}

/// The request may name an algorithm, and only that of the key.
#[test]
fn atk_125_algorithm_named_by_the_request() {
    let table = ED25519_TABLE.replace("[\"ed25519\"]", "[\"ed25519\", \"ecdsa-p256-sha256\"]");
    let keys = ring(KeyKind::Public, &[("main", ED25519.1)]);
    let with = |alg: &str| {
        let params = format!("{PARAMS};alg=\"{alg}\"");
        judge_with(&table, &keys, &signed(BODY, &sha256_of(BODY), &[], &params), NOW)
    };
    assert_eq!(with("ed25519"), Ok("main".into()));
    assert_eq!(with("ecdsa-p256-sha256"), refused("malformed_signature", "alg-not-of-key"));
    assert_eq!(with("rsa-v1_5-sha256"), refused("malformed_signature", "alg-not-allowed"));
}

/// What nobody knows is nothing, and not the default.
#[test]
fn atk_128_unknown_algorithm_maps_to_null_or_none() {
    for alg in ["none", "", "ED25519", "ed25519 ", "hs2019", "rsa-v1_5-sha1"] {
        let params = format!("{PARAMS};alg=\"{alg}\"");
        let said = judge(&signed(BODY, &sha256_of(BODY), &[], &params));
        assert_eq!(said, refused("malformed_signature", "alg-not-allowed"), "{alg}");
    }
}

/// The signature with other characters between its colons.
fn respelled(change: impl Fn(&str) -> String) -> Said {
    let sent = good();
    let text = sent.header("Signature");
    let base64 = text.strip_prefix("sig1=:").unwrap().strip_suffix(':').unwrap();
    judge(&sent.set("Signature", &format!("sig1=:{}:", change(base64))))
}

/// Bits that mean nothing make several texts of one signature: 64 bytes leave four of them.
#[test]
fn atk_054_base64_non_canonical_trailing_bits() {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    assert_eq!(respelled(str::to_owned), Ok("main".into()));
    for loose in 1..16 {
        let said = respelled(|text| {
            let last = ALPHABET.iter().position(|b| *b == text.as_bytes()[85]).unwrap();
            format!("{}{}==", &text[..85], char::from(ALPHABET[last | loose]))
        });
        assert_eq!(said, refused("malformed_signature", "unreadable"), "{loose}");
    }
}

/// So does padding that may be there or not.
#[test]
fn atk_055_base64_missing_extra_or_interior_padding() {
    for change in [
        |text: &str| text.trim_end_matches('=').to_owned(),
        |text: &str| format!("{text}="),
        |text: &str| text.replacen("==", "=", 1),
        |text: &str| format!("{}=={}", &text[..2], &text[4..]),
    ] {
        assert_eq!(respelled(change), refused("malformed_signature", "unreadable"));
    }
}

/// And an alphabet that is two.
#[test]
fn atk_056_url_safe_and_standard_alphabets_mixed() {
    let said = respelled(|text| text.replace('+', "-").replace('/', "_"));
    assert_eq!(said, refused("malformed_signature", "unreadable"));
}

/// And white space.
#[test]
fn atk_057_whitespace_or_line_breaks_in_base64() {
    for between in [" ", "\t", "\r\n "] {
        let said = respelled(|text| format!("{}{between}{}", &text[..10], &text[10..]));
        assert_eq!(said, refused("malformed_signature", "unreadable"), "{between:?}");
    }
}

/// A secret has one reading, and the preset says which.
#[test]
fn atk_058_hex_string_used_as_key_versus_decoded_bytes() {
    let secret = "6b6579206b6579206b6579206b6579206b6579206b6579206b6579206b657921";
    let table = |decode: &str| {
        format!(
            "algorithms = [\"hmac-sha256\"]\nrequired = [\"@method\"]\nkey = {{ forms = [{{ decode = \"{decode}\" }}] }}"
        )
    };
    let keys = ring(KeyKind::Shared, &[("main", secret)]);
    let draft = countersign::Draft::new("m", countersign::Timestamp::from_unix(NOW), URL, BODY);
    for (signs, reads, wanted) in [
        ("text", "text", Ok("main".into())),
        ("hex", "hex", Ok("main".into())),
        ("hex", "text", refused("bad_signature", "")),
        ("text", "hex", refused("bad_signature", "")),
    ] {
        let sent = send(&table(signs), &keys, &draft);
        assert_eq!(judge_with(&table(reads), &keys, &sent, NOW), wanted, "{signs} {reads}");
    }
}

/// A body is bytes.
#[test]
fn atk_060_unicode_normalisation_of_the_body() {
    let (apart, together) = ("e\u{301}".as_bytes(), "\u{e9}".as_bytes());
    let sent = signed(apart, &sha256_of(apart), &[], PARAMS);
    assert_eq!(judge(&sent), Ok("main".into()));
    assert_eq!(judge(&Sent { body: together.to_vec(), ..sent }), refused("bad_signature", "digest-other"));
}

/// Any bytes.
#[test]
fn atk_061_utf_8_requirement_on_the_body() {
    let body = b"\xff\xfe\x00";
    assert_eq!(judge(&signed(body, &sha256_of(body), &[], PARAMS)), Ok("main".into()));
}

/// An escape that is none is not read in any way.
#[test]
fn atk_062_percent_decoding_of_tokens_in_the_query() {
    let sent = signed(BODY, &sha256_of(BODY), &[("\"@query-param\";name=\"a\"", "%25zz")], PARAMS);
    let sent = Sent { url: "https://example.com/hook?a=%zz".into(), ..sent };
    assert_eq!(judge(&sent), refused("malformed_content", "component-unreadable"));
}
