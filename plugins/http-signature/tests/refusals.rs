//! Every detail code that the mode declares, given for its reason; and every mistake of a preset, told at its place.
#![allow(clippy::unwrap_used)]

mod common;

use common::keys::{ED25519, P256};
use common::*;
use countersign::{HeaderName, KeyKind, Vars};
use std::collections::BTreeSet;

const BODY: &[u8] = b"{}";

/// The table of the draft.
const DRAFT_TABLE: &str = "form = \"cavage\"\nalgorithms = [\"ed25519\", \"hs2019\"]\nrequired = [\"date\", \"digest\"]\nkey = { forms = [{ decode = \"pem\" }] }";

const DATE: &str = "Tue, 14 Nov 2023 22:13:20 GMT";

/// A request signed by the draft: these headers, under these parameters.
fn old(headers: &[(&str, &str)], params: &str) -> Sent {
    let lines: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    let signature = base64(&made((ED25519, "ed25519"), &lines.join("\n")));
    let real: Vec<(&str, &str)> =
        headers.iter().filter(|(name, _)| HeaderName::new(name).is_some()).copied().collect();
    let header = format!("keyId=\"main\",headers=\"{}\",signature=\"{signature}\"{params}", names.join(" "));
    Sent::new(&real, BODY).add("Signature", &header)
}

fn digest() -> String {
    use sha2::Digest;
    format!("SHA-256={}", base64(&sha2::Sha256::digest(BODY)))
}

fn judge_old(sent: &Sent) -> Said {
    judge_with(DRAFT_TABLE, &ring(KeyKind::Public, &[("main", ED25519.1)]), sent, NOW)
}

#[test]
fn every_detail_code_is_given_for_its_reason() {
    let good = |params: &str| signed(BODY, &sha256_of(BODY), &[], params);
    let with = |name: &str, value: &str| signed(BODY, &sha256_of(BODY), &[(name, value)], PARAMS);
    let label = |sent: &Sent| {
        let table = format!("{ED25519_TABLE}\nlabel = \"other\"");
        judge_with(&table, &ring(KeyKind::Public, &[("main", ED25519.1)]), sent, NOW)
    };
    let p256 = |sent: &Sent| {
        let table = ED25519_TABLE.replace("[\"ed25519\"]", "[\"ed25519\", \"ecdsa-p256-sha256\"]");
        judge_with(&table, &ring(KeyKind::Public, &[("main", P256.1)]), sent, NOW)
    };
    let (no_input, no_digest) =
        (good(PARAMS).set("Signature", "other=:AA==:"), good(PARAMS).set("Content-Digest", ""));
    let two = format!("{}, b=()", good(PARAMS).header("Signature-Input"));
    let not_covered = sign_as((ED25519, "ed25519"), "sig1", &[("\"@method\"", "POST")], PARAMS);
    let not_covered = not_covered.iter().fold(Sent::new(&[], BODY), |sent, (n, v)| sent.add(n, v));
    let md5 = signed(BODY, "md5=:AAAA:", &[], PARAMS);
    let said = [
        ("not-there", "missing_signature", label(&good(PARAMS))),
        ("several", "malformed_signature", judge(&good(PARAMS).set("Signature-Input", &two))),
        ("unreadable", "malformed_signature", judge(&good(PARAMS).set("Signature", "caf\u{e9}"))),
        ("unpaired", "malformed_signature", judge(&no_input)),
        ("too-long", "malformed_signature", judge(&good(PARAMS).add("Signature-Input", &"a".repeat(20_000)))),
        ("component-unknown", "malformed_signature", judge(&with("\"@status\"", "200"))),
        ("component-twice", "malformed_signature", judge(&with("\"@method\"", "POST"))),
        ("component-absent", "missing_header", judge(&with("\"x-absent\"", ""))),
        (
            "component-unreadable",
            "malformed_content",
            judge(&with("\"x-it\"", "caf").add("X-It", "caf\u{e9}")),
        ),
        ("not-covered", "malformed_signature", judge(&not_covered)),
        ("parameter-absent", "malformed_signature", judge(&good(";keyid=\"main\""))),
        ("parameter-unreadable", "malformed_signature", judge(&good(";created=a"))),
        ("expires-first", "malformed_signature", judge(&good(";created=9;expires=8"))),
        ("alg-not-allowed", "malformed_signature", judge(&good(&format!("{PARAMS};alg=\"hmac-sha256\"")))),
        ("alg-not-of-key", "malformed_signature", p256(&good(&format!("{PARAMS};alg=\"ed25519\"")))),
        ("keyid-unknown", "unknown_key", judge(&good(";created=1700000000;keyid=\"other\""))),
        ("digest-unreadable", "malformed_signature", judge(&no_digest.set("Content-Digest", "sha-256=a"))),
        ("digest-weak", "malformed_signature", judge(&md5)),
        ("digest-other", "bad_signature", judge(&Sent { body: b"[]".to_vec(), ..good(PARAMS) })),
        (
            "date-unreadable",
            "malformed_timestamp",
            judge_old(&old(&[("date", "today"), ("digest", &digest())], "")),
        ),
        ("expired", "stale_timestamp", judge(&good(";created=1699999990;expires=1699999999"))),
    ];
    let dict = [("\"x-it\";sf;key=\"a\"", "1"), ("\"x-it\";key=\"a\";sf", "1")];
    let twice = signed(BODY, &sha256_of(BODY), &dict, PARAMS).add("X-It", "a=1");
    assert_eq!(judge(&twice), refused("malformed_signature", "component-twice"), "in whatever order");
    let mut given = BTreeSet::new();
    for (code, reason, said) in said {
        assert_eq!(said, refused(reason, code));
        given.insert(format!("http-signature/{code}"));
    }
    let mode = countersign_http_signature::mode();
    let declared: BTreeSet<String> = mode.info().details.iter().map(|(code, ..)| code.to_string()).collect();
    assert_eq!(given, declared);
}

#[test]
fn the_draft_is_read_strictly() {
    let digest = digest();
    let both = [("date", DATE), ("digest", &*digest)];
    let good = old(&both, "");
    assert_eq!(judge_old(&good), Ok("main".into()));
    assert_eq!(judge_old(&old(&both, ",algorithm=\"hs2019\"")), Ok("main".into()), "the key is to be asked");
    assert_eq!(judge_old(&old(&both, ",unknown=\"x\",other=7")), Ok("main".into()));
    let malformed = |sent: &Sent, detail: &str| {
        assert_eq!(judge_old(sent), refused("malformed_signature", detail), "{}", sent.header("Signature"));
    };
    for (more, detail) in [
        (",keyid=\"other\"", "unreadable"),
        (",date=\"a\\\"b\"", "unreadable"),
        (",", "unreadable"),
        (" x", "unreadable"),
        (",x", "unreadable"),
        (",x=\"y", "unreadable"),
        (",x=\"y\"z=\"\"", "unreadable"),
        (",created=x", "parameter-unreadable"),
        (",created=\"7\"", "parameter-unreadable"),
        (",created=07", "parameter-unreadable"),
        (",created=-7", "parameter-unreadable"),
        (",algorithm=ed25519", "parameter-unreadable"),
        (",created=8,expires=8", "expires-first"),
        (",algorithm=\"hmac-sha256\"", "alg-not-allowed"),
        (",a=1,b=1,c=1,d=1,e=1,f=1,g=1,h=1,i=1,j=1,k=1,l=1,m=1,n=1", "too-long"),
    ] {
        malformed(&old(&both, more), detail);
    }
    let header = good.header("Signature");
    malformed(&good.clone().add("Signature", &header), "several");
    malformed(&good.clone().set("Signature", &header.replace("headers=", "was=")), "parameter-absent");
    malformed(&good.clone().set("Signature", &header.replace("signature=", "was=")), "parameter-absent");
    malformed(&good.clone().set("Signature", &header.replace("==\"", "\"")), "parameter-unreadable");
    malformed(
        &good.clone().set("Signature", &header.replace("date digest", "date  digest")),
        "component-unknown",
    );
    malformed(
        &good.clone().set("Signature", &header.replace("date digest", "date date digest")),
        "component-twice",
    );
    malformed(&old(&both[..1], ""), "not-covered");
    assert_eq!(judge_old(&Sent::new(&both, BODY)), refused("missing_signature", ""));
    assert_eq!(
        judge_old(&good.clone().set("Digest", "SHA-256=")),
        refused("malformed_signature", "digest-unreadable")
    );
    assert_eq!(judge_old(&Sent { body: b"[]".to_vec(), ..good }), refused("bad_signature", "digest-other"));
    // A time that is signed is one; with two, neither may be stale.
    let timed = [("date", DATE), ("digest", &*digest), ("(created)", "1700000000")];
    assert_eq!(judge_old(&old(&timed, ",created=1700000000")), Ok("main".into()));
    assert_eq!(judge_old(&old(&timed, ",created=1700000001")), refused("bad_signature", ""));
    assert_eq!(judge_old(&old(&timed, "")), refused("missing_header", "component-absent"));
    let stale = [("date", DATE), ("digest", &*digest), ("(created)", "1600000000")];
    let said = judge_old(&old(&stale, ",created=1600000000")).map_err(|(reason, _)| reason);
    assert_eq!(said, Err("stale_timestamp"));
    assert_eq!(
        judge_old(&old(&both, ",created=1699999990,expires=1699999999")),
        refused("stale_timestamp", "expired"),
        "an end that is not signed is an end all the same"
    );
}

#[test]
fn created_is_not_for_algorithms_older_than_it() {
    let table = "form = \"cavage\"\nalgorithms = [\"rsa-sha256\", \"hs2019\"]\nrequired = [\"(created)\"]\nkey = { forms = [{ decode = \"pem\" }] }";
    let keys = ring(KeyKind::Public, &[("main", common::keys::RSA.1)]);
    let with = |algorithm: &str| {
        let signature = base64(&made((common::keys::RSA, "rsa-pkcs1-sha256"), "(created): 1700000000"));
        let header = format!(
            "keyId=\"main\",algorithm=\"{algorithm}\",created=1700000000,headers=\"(created)\",signature=\"{signature}\""
        );
        judge_with(table, &keys, &Sent::new(&[("Signature", &header)], BODY), NOW)
    };
    assert_eq!(with("hs2019"), Ok("main".into()));
    assert_eq!(with("rsa-sha256"), refused("malformed_signature", "component-unknown"));
}

#[test]
fn one_misspelt_algorithm_is_one_complaint() {
    let table = "algorithms = [\"ed25591\"]\nrequired = []\nkey = { forms = [{ decode = \"pem\" }] }";
    let told = compile(table).map(drop).unwrap_err();
    assert_eq!(told.matches("acme.toml:").count(), 1, "{told}");
}

#[test]
fn the_mistakes_of_a_preset_are_told_with_what_was_allowed() {
    const KEY: &str = "key = { forms = [{ decode = \"pem\" }] }";
    for (table, told) in [
        ("", "lacks `algorithms`"),
        ("algorithms = [\"ed25519\"]", "lacks `required`"),
        ("algorithms = [\"ed25519\"]\nrequired = []", "lacks `key`"),
        ("algorithms = []\nrequired = []", "names none that a key has"),
        ("algorithms = [\"ed25591\"]\nrequired = []", "write `ed25519`"),
        ("algorithms = [\"hs2019\"]\nrequired = []", "but not `hs2019`"),
        ("form = \"cavage\"\nalgorithms = [\"hs2019\"]\nrequired = []", "names none that a key has"),
        (
            "form = \"cavage\"\nalgorithms = [\"ecdsa-p256-sha256\"]\nrequired = []",
            "but not `ecdsa-p256-sha256`",
        ),
        ("form = \"rfc9412\"", "write `form = \"rfc9421\"`"),
        ("algorithms = [\"ed25519\", \"ed25519\"]\nrequired = []", "allow one of them"),
        ("algorithms = [\"hmac-sha256\", \"ed25519\"]\nrequired = []", "one key would fit both"),
        ("algorithms = [\"ed25519\"]\nrequired = [\"Date\"]", "`Date` is no component that a request has"),
        ("algorithms = [\"ed25519\"]\nrequired = [\"@status\"]", "`@status` is no component"),
        ("algorithms = [\"ed25519\"]\nrequired = [\"a\\\" \\\"b\"]", "is no component"),
        ("algorithms = [\"ed25519\"]\nrequired = [\"(created)\"]", "`(created)` is no component"),
        ("form = \"cavage\"\nalgorithms = [\"ed25519\"]\nrequired = [\"@method\"]", "`@method` is no header"),
        (
            "algorithms = [\"ed25519\"]\nrequired = []\nrequired_parameters = [\"age\"]",
            "`age` is no parameter",
        ),
        (
            "form = \"cavage\"\nalgorithms = [\"ed25519\"]\nrequired = []\nrequired_parameters = []",
            "unknown key `required_parameters`",
        ),
        (
            "algorithms = [\"ed25519\"]\nrequired = []\nsignature_header = \"x\"",
            "unknown key `signature_header`",
        ),
        (
            "form = \"cavage\"\nalgorithms = [\"ed25519\"]\nrequired = []\nsignature_header = \"x y\"",
            "can be no header's name",
        ),
        ("algorithms = [\"ed25519\"]\nrequired = []\nlabel = \"Sig 1\"", "this can be no label"),
        ("algorithms = [\"ed25519\"]\nrequired = []\ntag = \"caf\u{e9}\"", "this can be no tag"),
        ("algorithms = [\"ed25519\"]\nrequired = []\nlabel = \"a\"\ntag = \"a\"", "leave one of them out"),
        ("algorithms = [\"ed25519\"]\nrequired = []\nkeyid = \"any\"", "`keyid` must be"),
        (
            "algorithms = [\"hmac-sha256\"]\nrequired = []\nkey = { forms = [{ decode = \"pem\" }] }",
            "`decode` must be",
        ),
    ] {
        let table = if table.contains("key = {") || told.contains("`key`") {
            table.to_owned()
        } else {
            format!("{table}\n{KEY}")
        };
        let errors = compile(&table).err().unwrap_or_else(|| panic!("compiles: {table}"));
        assert!(errors.contains(told), "{table}\n{errors}");
    }
}

#[test]
fn a_key_that_will_not_do_is_told_before_the_first_request() {
    let bind = |table: &str, kind, key: &str| {
        let compiled = compile(table).unwrap_or_else(|errors| panic!("{errors}"));
        compiled.verifier("test", &ring(kind, &[("main", key)]), &Vars::new()).err().map(|e| e.to_string())
    };
    assert_eq!(bind(ED25519_TABLE, KeyKind::Public, ED25519.1), None);
    let told = bind(ED25519_TABLE, KeyKind::Public, P256.1).unwrap();
    assert!(told.contains("key `main`") && told.contains("the preset allows `ed25519`"), "{told}");
    let told = bind(ED25519_TABLE, KeyKind::Shared, ED25519.1).unwrap();
    assert!(told.contains("takes keys of kind `public`") && told.contains("`shared`"), "{told}");
    let hmac = "algorithms = [\"hmac-sha256\"]\nrequired = []\nkey = { forms = [{ decode = \"text\" }] }";
    assert!(bind(hmac, KeyKind::Shared, "too short").is_some());
    assert!(bind(hmac, KeyKind::Public, ED25519.1).is_some());
}
