//! Known attacks on message signatures, each named after its id in the corpus.
#![allow(clippy::unwrap_used)]

mod common;

use common::keys::{ED25519, OTHER, RSA};
use common::*;
use countersign::{Binds, KeyKind, Vars};

const BODY: &[u8] = b"{\"paid\":1}";

fn good() -> Sent {
    signed(BODY, &sha256_of(BODY), &[], PARAMS)
}

#[test]
fn what_the_attacks_are_made_of_is_good() {
    assert_eq!(judge(&good()), Ok("main".into()));
}

/// Who signs a digest and lets nobody compute it again has signed nothing.
#[test]
fn atk_325_content_digest_not_compared_with_the_body() {
    let altered = Sent { body: b"{\"paid\":9}".to_vec(), ..good() };
    assert_eq!(judge(&altered), refused("bad_signature", "digest-other"));
    let empty = Sent { body: Vec::new(), ..good() };
    assert_eq!(judge(&empty), refused("bad_signature", "digest-other"));
    let both =
        Sent { body: b"{\"paid\":9}".to_vec(), ..good() }.set("Content-Digest", &sha256_of(b"{\"paid\":9}"));
    assert_eq!(judge(&both), refused("bad_signature", ""), "the digest of the other body is not signed");
}

/// A digest that can be forged, or one beside another that nobody looks at.
#[test]
fn atk_326_digest_algorithm_downgrade() {
    let with = |digest: &str| judge(&signed(BODY, digest, &[], PARAMS));
    assert_eq!(with("md5=:U1rMx0M1Z1Hq3bFQHCm5Tw==:"), refused("malformed_signature", "digest-weak"));
    assert_eq!(
        with("unixsum=:Cg8=:, sha=:2jmj7l5rSw0yVb/vlWAYkK/YBwk=:"),
        refused("malformed_signature", "digest-weak")
    );
    let (right, wrong) = (sha256_of(BODY), sha512_of(b"other"));
    assert_eq!(with(&format!("{right}, {wrong}")), refused("bad_signature", "digest-other"));
    assert_eq!(
        with(&format!("{}, {}", sha512_of(BODY), sha256_of(b"other"))),
        refused("bad_signature", "digest-other")
    );
    assert_eq!(with(&format!("{right}, {}", sha512_of(BODY))), Ok("main".into()));
    assert_eq!(with(&format!("md5=:AAAA:, {right}")), Ok("main".into()));
    assert_eq!(with(&format!("{right}, {right}")), refused("malformed_signature", "digest-unreadable"));
}

/// Whose signature counts is the receiver's to say.
#[test]
fn atk_327_several_signatures_labels_and_duplicates() {
    let good = good();
    let lines = [("\"@method\"", "POST"), ("\"content-digest\"", &*sha256_of(BODY))];
    let theirs = sign_as((OTHER, "ed25519"), "sig2", &lines, ";created=1700000000;keyid=\"mallory\"");
    let both = |first: &[(String, String); 2], second: &[(String, String); 2]| {
        let join = |at: usize| format!("{}, {}", first[at].1, second[at].1);
        good.clone().set("Signature-Input", &join(0)).set("Signature", &join(1))
    };
    let ours = [0, 1].map(|at| {
        let name = ["Signature-Input", "Signature"][at];
        (name.to_owned(), good.header(name))
    });
    let keys = ring(KeyKind::Public, &[("main", ED25519.1)]);
    let by = |more: &str, sent: &Sent| judge_with(&format!("{ED25519_TABLE}\n{more}"), &keys, sent, NOW);
    // The same label twice, in one line and in two.
    assert_eq!(judge(&both(&ours, &ours)), refused("malformed_signature", "unreadable"));
    let twice = good.clone().add("Signature-Input", &ours[0].1).add("Signature", &ours[1].1);
    assert_eq!(judge(&twice), refused("malformed_signature", "unreadable"));
    // Two labels, and nothing says which is meant.
    let two = both(&ours, &theirs);
    assert_eq!(judge(&two), refused("malformed_signature", "several"));
    assert_eq!(by("label = \"sig1\"", &two), Ok("main".into()));
    assert_eq!(by("label = \"sig2\"", &two), refused("unknown_key", "keyid-unknown"));
    assert_eq!(by("label = \"sig3\"", &two), refused("missing_signature", "not-there"));
    // A signature of one under the input of another.
    let crossed = both(&ours, &theirs)
        .set("Signature", &format!("sig1={}", theirs[1].1.strip_prefix("sig2=").unwrap()));
    assert_eq!(by("label = \"sig1\"", &crossed), refused("bad_signature", ""));
    assert_eq!(by("label = \"sig2\"", &crossed), refused("malformed_signature", "unpaired"));
    let alone = good.clone().set("Signature-Input", &two.header("Signature-Input"));
    assert_eq!(by("label = \"sig2\"", &alone), refused("malformed_signature", "unpaired"));
    // Tags are signed, and several of one tag are as ambiguous as several at all.
    let tagged =
        |label: &str, key| sign_as((key, "ed25519"), label, &lines, &format!("{PARAMS};tag=\"hooks\""));
    let tag = "tag = \"hooks\"";
    assert_eq!(by(tag, &both(&theirs, &tagged("any", ED25519))), Ok("main".into()));
    assert_eq!(
        by(tag, &both(&tagged("a", OTHER), &tagged("b", ED25519))),
        refused("malformed_signature", "several")
    );
    assert_eq!(by(tag, &two), refused("missing_signature", "not-there"));
}

/// A public key is no secret, whatever the request calls it.
#[test]
fn atk_328_alg_parameter_versus_key_type() {
    let keys = ring(KeyKind::Public, &[("main", RSA.1)]);
    let table = "algorithms = [\"rsa-pss-sha512\"]\nrequired = [\"@method\"]\nkey = { forms = [{ decode = \"pem\" }] }";
    let by = |algorithm: &str, params: &str| {
        let made = sign_as((RSA, algorithm), "sig1", &[("\"@method\"", "POST")], params);
        let sent = made.iter().fold(Sent::new(&[], b""), |sent, (name, value)| sent.add(name, value));
        judge_with(table, &keys, &sent, NOW)
    };
    assert_eq!(by("rsa-pss-sha512", PARAMS), Ok("main".into()));
    assert_eq!(by("rsa-pss-sha512", &format!("{PARAMS};alg=\"rsa-pss-sha512\"")), Ok("main".into()));
    for other in ["hmac-sha256", "rsa-v1_5-sha256", "ed25519", "none", "RSA-PSS-SHA512", ""] {
        let said = by("rsa-pss-sha512", &format!("{PARAMS};alg=\"{other}\""));
        assert_eq!(said, refused("malformed_signature", "alg-not-allowed"), "{other}");
    }
    assert_eq!(
        by("rsa-pkcs1-sha256", PARAMS),
        refused("bad_signature", ""),
        "another padding is another algorithm"
    );
    // Nor can the operator mix them up: the public key as a secret, both in one preset, two paddings in one preset.
    let hmac = "algorithms = [\"hmac-sha256\"]\nrequired = []\nkey = { forms = [{ decode = \"text\" }] }";
    let as_secret = ring(KeyKind::Shared, &[("main", RSA.1)]);
    assert!(compile(hmac).unwrap().verifier("test", &as_secret, &Vars::new()).is_err());
    for mixed in ["\"hmac-sha256\", \"ed25519\"", "\"rsa-pss-sha512\", \"rsa-v1_5-sha256\""] {
        let table =
            format!("algorithms = [{mixed}]\nrequired = []\nkey = {{ forms = [{{ decode = \"pem\" }}] }}");
        assert!(compile(&table).err().unwrap().contains("one key would fit both"), "{mixed}");
    }
}

/// Without a time the oldest request is as good as the newest.
#[test]
fn atk_329_created_expires_nonce_missing_or_inconsistent() {
    let with = |params: &str| judge(&signed(BODY, &sha256_of(BODY), &[], params));
    assert_eq!(with(";keyid=\"main\""), refused("malformed_signature", "parameter-absent"));
    assert_eq!(with(";created=1700000000"), Ok("main".into()), "without a name every key is tried");
    assert_eq!(
        with(";created=1700000000;expires=1699999999"),
        refused("malformed_signature", "expires-first")
    );
    assert_eq!(
        with(";created=1700000000;expires=1700000000"),
        refused("malformed_signature", "expires-first")
    );
    assert_eq!(with(";created=1699999990;expires=1699999999"), refused("stale_timestamp", "expired"));
    assert_eq!(with(";created=1699999990;expires=1700000000"), Ok("main".into()), "the last second counts");
    let reason = |params: &str| with(params).map_err(|(reason, _)| reason);
    assert_eq!(reason(";created=1699999699"), Err("stale_timestamp"));
    assert_eq!(reason(";created=1700000061"), Err("future_timestamp"));
    for bad in ["1700000000.0", "\"1700000000\"", "@1700000000", "?1", "a"] {
        assert_eq!(
            with(&format!(";created={bad}")),
            refused("malformed_signature", "parameter-unreadable"),
            "{bad}"
        );
    }
    assert_eq!(with(";created=1700000000;created=1700000000"), refused("malformed_signature", "unreadable"));
    let nonce = format!("{ED25519_TABLE}\nrequired_parameters = [\"created\", \"nonce\"]");
    let keys = ring(KeyKind::Public, &[("main", ED25519.1)]);
    let asked = |params: &str| judge_with(&nonce, &keys, &signed(BODY, &sha256_of(BODY), &[], params), NOW);
    assert_eq!(asked(";created=1700000000;nonce=\"a\""), Ok("main".into()));
    assert_eq!(asked(";created=1700000000"), refused("malformed_signature", "parameter-absent"));
    assert_eq!(
        asked(";created=1700000000;nonce=\"\""),
        refused("malformed_signature", "parameter-unreadable")
    );
    assert_eq!(asked(";created=1700000000;nonce=7"), refused("malformed_signature", "parameter-unreadable"));
}

/// What one proxy folds and the next joins is one value, and no other. (The vectors of the RFC are in `vectors.rs`.)
#[test]
fn atk_330_multi_value_header_canonicalisation() {
    let with = |name: &str, value: &str, sent: &[&str]| {
        let request = signed(BODY, &sha256_of(BODY), &[(name, value)], PARAMS);
        judge(&sent.iter().fold(request, |request, line| request.add("Via", line)))
    };
    let ok = Ok("main".to_owned());
    assert_eq!(with("\"via\"", "1.1 a, 1.0 b", &["1.1 a, 1.0 b"]), ok);
    assert_eq!(with("\"via\"", "1.1 a, 1.0 b", &[" 1.1 a", "1.0 b\t"]), ok);
    assert_eq!(with("\"via\"", "1.1 a, 1.0 b", &["1.1 a,\r\n 1.0 b"]), ok);
    let other = refused("bad_signature", "");
    assert_eq!(with("\"via\"", "1.1 a, 1.0 b", &["1.0 b", "1.1 a"]), other);
    assert_eq!(with("\"via\"", "1.1 a, 1.0 b", &["1.1 a,1.0 b"]), other);
    assert_eq!(with("\"via\"", "1.1 a, 1.0 b", &["1.1 a", "1.0 b", ""]), other);
    // Bytes keep lines apart, which is what they are for.
    assert_eq!(with("\"via\";bs", ":MS4xIGE=:, :MS4wIGI=:", &["1.1 a", "1.0 b"]), ok);
    assert_eq!(with("\"via\";bs", ":MS4xIGE=:, :MS4wIGI=:", &["1.1 a, 1.0 b"]), other);
    // A line break would let one value be two lines of the signed text.
    let split = "1.1 a\n\"x-admin\": yes";
    assert_eq!(with("\"via\"", "1.1 a", &[split]), refused("malformed_content", "component-unreadable"));
}

/// `+`, `%20` and `%2B` are three texts, whatever they mean to whom.
#[test]
fn atk_331_query_component_ambiguity() {
    let at = |name: &str, value: &str, url: &str| {
        let sent = signed(BODY, &sha256_of(BODY), &[(name, value)], PARAMS);
        judge(&Sent { url: url.into(), ..sent })
    };
    let ok = Ok("main".to_owned());
    assert_eq!(at("\"@query\"", "?a=b%20c", "https://example.com/hook?a=b%20c"), ok);
    for url in [
        "https://example.com/hook?a=b+c",
        "https://example.com/hook?a=b%20c&",
        "https://example.com/hook?a=b%20C",
    ] {
        assert_eq!(at("\"@query\"", "?a=b%20c", url), refused("bad_signature", ""), "{url}");
    }
    // A single parameter is what it means, in one spelling.
    assert_eq!(at("\"@query-param\";name=\"a\"", "b%20c", "https://example.com/hook?a=b%20c"), ok);
    assert_eq!(at("\"@query-param\";name=\"a\"", "b%20c", "https://example.com/hook?a=b+c"), ok);
    assert_eq!(
        at("\"@query-param\";name=\"a\"", "b%20c", "https://example.com/hook?a=b%2Bc"),
        refused("bad_signature", "")
    );
    let twice = "https://example.com/hook?a=b%20c&a=evil";
    assert_eq!(
        at("\"@query-param\";name=\"a\"", "b%20c", twice),
        refused("malformed_content", "component-unreadable")
    );
}

/// The draft is another scheme, and never the way out of the standard.
#[test]
fn atk_332_draft_cavage_fallback() {
    let text = "(request-target): post /hook?a=b%20c";
    let signature = base64(&made((ED25519, "ed25519"), text));
    let old = format!(
        "keyId=\"main\",algorithm=\"ed25519\",headers=\"(request-target)\",signature=\"{signature}\""
    );
    let sent = Sent::new(&[("Signature", &old)], BODY);
    assert_eq!(judge(&sent), refused("missing_signature", ""));
    let beside = sent.clone().add("Signature-Input", &good().header("Signature-Input"));
    assert_eq!(judge(&beside), refused("malformed_signature", "unreadable"));
    // And it is good where a preset says that it is meant.
    let table = "form = \"cavage\"\nalgorithms = [\"ed25519\"]\nrequired = [\"(request-target)\"]\nkey = { forms = [{ decode = \"pem\" }] }";
    let keys = ring(KeyKind::Public, &[("main", ED25519.1)]);
    assert_eq!(judge_with(table, &keys, &sent, NOW), Ok("main".into()));
    assert_eq!(judge_with(table, &keys, &good(), NOW), refused("malformed_signature", "parameter-absent"));
}

/// A member of the digest's field that nobody computes again is no word about the body, whatever stands beside it.
#[test]
fn atk_326_a_covered_member_of_the_digest_binds_no_body() {
    let table = |word: &str| {
        format!(
            "algorithms = [\"ed25519\"]\nrequired = [\"@method\", '{word}']\nkey = {{ forms = [{{ decode = \"pem\" }}] }}"
        )
    };
    let name = "\"content-digest\";key=\"md5\"";
    let lines = [("\"@method\"", "POST"), (name, ":U1rMx0M1Z1Hq3bFQHCm5Tw==:")];
    let [input, signature] = sign_as((ED25519, "ed25519"), "sig1", &lines, PARAMS);
    let sent = |body: &[u8]| {
        Sent::new(
            &[("Content-Digest", &format!("md5=:U1rMx0M1Z1Hq3bFQHCm5Tw==:, {}", sha256_of(body)))],
            body,
        )
        .add(&input.0, &input.1)
        .add(&signature.0, &signature.1)
    };
    let keys = ring(KeyKind::Public, &[("main", ED25519.1)]);
    let (md5, other) = (table("content-digest;key=\"md5\""), sent(b"{\"paid\":9}"));
    // Another body with another digest passes, so that none must be said to be bound.
    assert_eq!(judge_with(&md5, &keys, &sent(BODY), NOW), Ok("main".into()));
    assert_eq!(judge_with(&md5, &keys, &other, NOW), Ok("main".into()));
    for (word, bound) in [
        ("content-digest;key=\"md5\"", false),
        ("content-digest;key=\"sha-256\"", false),
        ("content-digest;sf;key=\"md5\"", false),
        ("content-digest", true),
        ("content-digest;sf", true),
        ("content-digest;bs", true),
    ] {
        let needs = compile(&table(word)).unwrap().needs();
        assert_eq!(needs.binds.contains(Binds::BODY), bound, "{word}");
        assert_eq!(needs.notes.iter().any(|note| note.contains("no digest of the body")), !bound, "{word}");
    }
}

/// Who never asks when something was signed takes it for ever, and is told.
#[test]
fn atk_329_a_signature_without_any_time_is_noted() {
    let standard = |parameters: &str| {
        format!(
            "algorithms = [\"ed25519\"]\nrequired = [\"content-digest\"]\nrequired_parameters = {parameters}\nkey = {{ forms = [{{ decode = \"pem\" }}] }}"
        )
    };
    let draft = |required: &str| {
        format!(
            "form = \"cavage\"\nalgorithms = [\"ed25519\", \"hs2019\"]\nrequired = {required}\nkey = {{ forms = [{{ decode = \"pem\" }}] }}"
        )
    };
    for (table, noted) in [
        (standard("[\"created\"]"), false),
        (standard("[\"expires\"]"), false),
        (standard("[\"nonce\"]"), true),
        (standard("[]"), true),
        (draft("[\"digest\", \"date\"]"), false),
        (draft("[\"digest\", \"(created)\"]"), false),
        (draft("[\"digest\", \"(expires)\"]"), false),
        (draft("[\"digest\"]"), true),
    ] {
        let needs = compile(&table).unwrap().needs();
        assert_eq!(needs.notes.iter().any(|note| note.contains("for ever")), noted, "{table}");
    }
}
