//! Keys that are fetched: key sets by their ids, and single keys by URL or name.
#![allow(clippy::unwrap_used)]

use base64_simd::{STANDARD, URL_SAFE_NO_PAD};
use countersign::{
    Context, Document, Head, KeyCache, Keyring, MemoryGuard, Outcome, Registry, Request, RequestKind,
    Timestamp, Vars, Verifier,
};
use countersign_keys::{Algorithm, Signing};
use std::collections::BTreeSet;
use std::sync::Arc;

const NOW: i64 = 1_767_225_600;
const BODY: &[u8] = b"{\"a\":1}";
const SET: &str = "https://keys.example.com/jwks.json";

/// The key of RFC 7515, appendix A.3: both halves, and the public one alone.
const PRIVATE: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;
const OURS: &str = r#""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#;

/// The key of RFC 7517, appendix A.1, of which nobody has the other half but its authors.
const OTHER: &str = r#""kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM""#;

/// An Ed25519 key: RFC 8037, appendix A.2.
const ED25519: &str = r#""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;

const JWKS: &str =
    r#"{ url = "https://keys.example.com/jwks.json", format = "jwks", key_id = "{header:x-kid}" }"#;

/// What came of a request, and every detail that a test looks at.
#[derive(Debug, Eq, PartialEq)]
enum Said {
    Ok(String),
    Refused(&'static str, String),
    Asked(RequestKind, String, Option<i64>),
}

fn ok(key: &str) -> Said {
    Said::Ok(key.into())
}

fn refused(code: &'static str, detail: &str) -> Said {
    Said::Refused(code, detail.into())
}

fn asked(kind: RequestKind, name: &str, newer_than: Option<i64>) -> Said {
    Said::Asked(kind, name.into(), newer_than)
}

/// A document: its name, its text, and when it was fetched.
type Held<'d> = (&'d str, &'d str, i64);

fn compile(remote: &str) -> Result<Arc<Verifier>, String> {
    compile_with("header = \"x-sig\", encoding = \"base64\"", remote)
}

fn compile_with(signature_source: &str, remote: &str) -> Result<Arc<Verifier>, String> {
    compile_for("ecdsa-p256-sha256", signature_source, remote)
}

fn compile_for(algorithm: &str, signature_source: &str, remote: &str) -> Result<Arc<Verifier>, String> {
    let text = format!(
        "schema = 1\nname = \"fetched\"\nmode = \"public-key\"\n[[var]]\nname = \"tenant\"\nrequired = false\n\
         [public-key]\nalgorithm = \"{algorithm}\"\nsigned_template = \"{{body}}\"\n\
         signature_source = {{ {signature_source} }}\nremote = {remote}\n"
    );
    let mut registry = Registry::new();
    registry.register(countersign_public_key::mode()).unwrap();
    let added = registry.add_preset("fetched.toml", text).map(drop);
    let compiled = added.and_then(|()| registry.named("fetched"));
    let compiled = compiled.map_err(|errors| errors.render(registry.sources()))?;
    let mut vars = Vars::new();
    vars.set("tenant", "acme");
    compiled.verifier("test", &Keyring::new(), &vars).map_err(|error| error.to_string())
}

/// Of the body, by our key.
fn signature() -> String {
    let key = Signing::read(PRIVATE.as_bytes(), Algorithm::from_word("ecdsa-p256-sha256").unwrap()).unwrap();
    STANDARD.encode_to_string(key.sign(&key.verifying().content(&[BODY])).unwrap())
}

fn send_to(verifier: &Verifier, kid: Option<&str>, held: &[Held<'_>]) -> Said {
    let mut headers = vec![("x-sig".to_owned(), signature())];
    headers.extend(kid.map(|kid| ("x-kid".to_owned(), kid.to_owned())));
    ask(verifier, headers, held)
}

fn ask(verifier: &Verifier, headers: Vec<(String, String)>, held: &[Held<'_>]) -> Said {
    struct Documents(Vec<(String, Document)>);
    impl KeyCache for Documents {
        fn get(&self, _: RequestKind, name: &str) -> Option<Document> {
            self.0.iter().find(|(known, _)| known == name).map(|(_, document)| document.clone())
        }
    }
    let document = |(name, text, at): &Held<'_>| {
        (name.to_string(), Document::new(text.as_bytes(), Timestamp::from_unix(*at)))
    };
    let documents = Documents(held.iter().map(document).collect());
    let request = Request::new(Head::new("POST", "https://example.com/hook", &headers), BODY);
    match verifier.verify(&request, &Context::new(Timestamp::from_unix(NOW), &documents)) {
        Outcome::Verified(verified) => Said::Ok(verified.key().to_string()),
        Outcome::Rejected(rejection) => {
            let detail = rejection.detail.map(|detail| detail.code.into_owned());
            Said::Refused(rejection.reason.code(), detail.unwrap_or_default())
        }
        Outcome::Unresolved(wanted) => {
            let newer_than = wanted.newer_than.map(Timestamp::unix);
            Said::Asked(wanted.kind, wanted.name.to_string(), newer_than)
        }
    }
}

fn send(remote: &str, kid: Option<&str>, held: &[Held<'_>]) -> Said {
    send_to(&compile(remote).unwrap_or_else(|says| panic!("{says}")), kid, held)
}

fn set(keys: &[(&str, &str)]) -> String {
    let keys: Vec<String> =
        keys.iter().map(|(kid, key)| format!("{{\"kid\":\"{kid}\",\"use\":\"sig\",{key}}}")).collect();
    format!("{{\"keys\":[{}]}}", keys.join(","))
}

#[test]
fn a_key_set_has_the_key_or_is_asked_for_again_or_has_it_not() {
    let both = set(&[("one", OURS), ("two", OTHER), ("three", ED25519)]);
    let (now, old) = (NOW, NOW - 60);
    let again = || asked(RequestKind::Url, SET, Some(old));
    for (kid, fetched_at, said) in [
        (Some("one"), now, ok("one")),
        (Some("one"), old, ok("one")),
        (Some("two"), now, refused("bad_signature", "")),
        // Rolled since the copy was made, or made up: a copy of this moment says which.
        (Some("four"), old, again()),
        (Some("four"), now, refused("unknown_key", "")),
        (Some("One"), now, refused("unknown_key", "")),
        (Some(""), now, refused("unknown_key", "")),
        (Some("\u{e9}"), now, refused("unknown_key", "")),
        // A key of this name, of another algorithm.
        (Some("three"), now, refused("unknown_key", "public-key/key-unfit")),
        // No name, and two that fit.
        (None, now, refused("unknown_key", "public-key/no-key-id")),
    ] {
        assert_eq!(send(JWKS, kid, &[(SET, &both, fetched_at)]), said, "{kid:?}");
    }
    assert_eq!(send(JWKS, Some("one"), &[]), asked(RequestKind::Url, SET, None));
    assert_eq!(send(JWKS, None, &[(SET, &set(&[("one", OURS)]), NOW)]), ok("one"));
}

#[test]
fn a_document_that_is_no_key_set_is_the_providers_fault() {
    let symmetric = r#"{"keys":[{"kty":"oct","kid":"one","k":"AAAA"}]}"#;
    for text in ["", "<html>", "{}", r#"{"keys":{}}"#, symmetric, PRIVATE] {
        let said = send(JWKS, Some("one"), &[(SET, text, NOW)]);
        assert_eq!(said, refused("key_unavailable", "public-key/document"), "{text}");
        let said = send(JWKS, Some("one"), &[(SET, text, NOW - 1)]);
        assert_eq!(said, asked(RequestKind::Url, SET, Some(NOW - 1)), "{text}");
    }
}

#[test]
fn a_rolled_key_is_found_in_the_next_copy_and_the_old_one_no_more() {
    let verifier = compile(JWKS).unwrap();
    let (before, after) = (set(&[("old", OURS)]), set(&[("new", OURS)]));
    assert_eq!(send_to(&verifier, Some("old"), &[(SET, &before, NOW - 9)]), ok("old"));
    let said = send_to(&verifier, Some("new"), &[(SET, &before, NOW - 9)]);
    assert_eq!(said, asked(RequestKind::Url, SET, Some(NOW - 9)));
    assert_eq!(send_to(&verifier, Some("new"), &[(SET, &after, NOW)]), ok("new"));
    assert_eq!(send_to(&verifier, Some("old"), &[(SET, &after, NOW)]), refused("unknown_key", ""));
}

/// Of two signatures, each with a time of its own, either alone is the same message; and both may be alternatives.
#[test]
fn every_content_that_a_found_key_signed_is_remembered() {
    let text = "schema = 1\nname = \"fetched\"\nmode = \"public-key\"\n[replay]\nkey = \"content\"\n[public-key]\n\
        algorithm = \"ecdsa-p256-sha256\"\nsigned_template = [\"{timestamp}.{body}\", \"{timestamp}:{body}\"]\n\
        timestamp_source = { from_signature = \"t\", format = \"unix\" }\n\
        signature_source = { header = \"x-sig\", list = \" \", extract = \"regex\", \
        pattern = 't=(?<t>[0-9]+),v1=(?<signature>[A-Za-z0-9+/=]+)', encoding = \"base64\" }\n\
        remote = { url = \"https://keys.example.com/jwks.json\", format = \"jwks\" }\n";
    struct One(Document);
    impl KeyCache for One {
        fn get(&self, _: RequestKind, _: &str) -> Option<Document> {
            Some(self.0.clone())
        }
    }
    let mut registry = Registry::new();
    registry.register(countersign_public_key::mode()).unwrap();
    registry.add_preset("fetched.toml", text).unwrap();
    let verifier =
        registry.named("fetched").unwrap().verifier("test", &Keyring::new(), &Vars::new()).unwrap();
    let now = Timestamp::from_unix(NOW);
    let held = One(Document::new(set(&[("one", OURS)]).into_bytes(), now));
    let key = Signing::read(PRIVATE.as_bytes(), Algorithm::from_word("ecdsa-p256-sha256").unwrap()).unwrap();
    let signed = |time: i64, separator: &str| {
        let content = [time.to_string().as_bytes(), separator.as_bytes(), BODY].concat();
        let signature = key.sign(&key.verifying().content(&[&content])).unwrap();
        format!("t={time},v1={}", STANDARD.encode_to_string(signature))
    };
    let junk = format!("t={},v1={}", NOW - 9, STANDARD.encode_to_string([7; 64]));
    for separator in [".", ":"] {
        let (one, two) = (signed(NOW, "."), signed(NOW - 1, separator));
        for (first, second) in [
            (format!("{one} {two}"), one.clone()),
            (format!("{one} {two}"), two.clone()),
            (format!("{two} {one}"), one.clone()),
            (format!("{two} {one}"), two.clone()),
            (one.clone(), format!("{one} {junk}")),
            (one.clone(), format!("{junk} {one}")),
        ] {
            let guard = MemoryGuard::default();
            let send = |list: &str| {
                let headers = [("x-sig", list)];
                let request = Request::new(Head::new("POST", "https://example.com/hook", &headers), BODY);
                let verified = verifier.verify(&request, &Context::new(now, &held)).into_verified().unwrap();
                verified.accept(&guard, now).is_ok()
            };
            assert!(send(&first) && !send(&second), "{second} after {first}");
        }
    }
}

/// A key's id may stand beside the signature, and is that signature's alone.
#[test]
fn every_signature_is_tried_under_the_key_that_it_names() {
    let source = "header = \"x-sigs\", list = \" \", extract = \"regex\", \
        pattern = 'kid=(?<kid>[a-z]+),v1=(?<signature>[A-Za-z0-9+/=]+)', encoding = \"base64\"";
    let verifier = compile_with(source, &JWKS.replace("{header:x-kid}", "{sig:kid}")).unwrap();
    let both = set(&[("one", OURS), ("two", OTHER)]);
    let send = |list: &[(&str, &str)]| {
        let list: Vec<String> =
            list.iter().map(|(kid, signature)| format!("kid={kid},v1={signature}")).collect();
        ask(&verifier, vec![("x-sigs".to_owned(), list.join(" "))], &[(SET, &both, NOW)])
    };
    let (good, junk) = (signature(), STANDARD.encode_to_string([7; 64]));
    assert_eq!(send(&[("one", &good)]), ok("one"));
    assert_eq!(send(&[("two", &junk), ("one", &good)]), ok("one"));
    assert_eq!(send(&[("two", &good)]), refused("bad_signature", ""));
    assert_eq!(send(&[("none", &good), ("one", &good)]), ok("one"));
    assert_eq!(send(&[("one", &good), ("none", &good)]), ok("one"));
    assert_eq!(send(&[("none", &good)]), refused("unknown_key", ""));
    assert_eq!(send(&[("one", &junk), ("two", &good)]), refused("bad_signature", ""));
}

/// The public half as a `SubjectPublicKeyInfo`: the head of every one on P-256, and the point.
fn spki() -> Vec<u8> {
    let mut der = vec![0x30, 0x59, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
    der.extend([6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7, 3, 0x42, 0, 4]);
    for half in ["f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"]
    {
        der.extend(URL_SAFE_NO_PAD.decode_to_vec(half).unwrap());
    }
    der
}

#[test]
fn a_single_key_is_read_in_each_of_its_spellings() {
    let base64 = STANDARD.encode_to_string(spki());
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{base64}\n-----END PUBLIC KEY-----\n");
    let one_line = format!("-----BEGIN PUBLIC KEY-----{base64}-----END PUBLIC KEY-----");
    let escaped = pem.replace('\n', "\\n");
    let json = |key: &str| format!("{{\"algorithm\":\"ECDSA\",\"data\":{{\"key\":\"{key}\"}}}}");
    let plain = |format: &str| format!("{{ name = \"acme/{{header:x-kid}}\", format = \"{format}\" }}");
    let pointed = |format: &str| {
        format!("{{ name = \"acme/{{header:x-kid}}\", format = \"{format}\", pointer = \"/data/key\" }}")
    };
    let unread = || refused("key_unavailable", "public-key/document");
    for (remote, text, said) in [
        (plain("pem"), pem.clone(), ok("acme/k1")),
        (plain("pem"), one_line.clone(), ok("acme/k1")),
        (plain("spki"), base64.clone(), ok("acme/k1")),
        (plain("spki"), format!("{base64}\n"), ok("acme/k1")),
        (pointed("pem"), json(&escaped), ok("acme/k1")),
        (pointed("pem"), json(&one_line), ok("acme/k1")),
        (pointed("spki"), json(&base64), ok("acme/k1")),
        (plain("spki"), pem.clone(), unread()),
        (plain("pem"), base64.clone(), unread()),
        (pointed("pem"), pem.clone(), unread()),
        (pointed("spki"), "{\"data\":{}}".into(), unread()),
        (pointed("spki"), "{\"data\":{\"key\":1}}".into(), unread()),
        (pointed("spki"), format!("{{\"data\":{{}},\"data\":{{\"key\":\"{base64}\"}}}}"), unread()),
        (plain("spki"), base64.replace('=', ""), unread()),
        (plain("pem"), one_line.replace("MF", "MF\n"), unread()),
    ] {
        assert_eq!(send(&remote, Some("k1"), &[("acme/k1", &text, NOW)]), said, "{remote}: {text}");
    }
    let pem = plain("pem");
    assert_eq!(send(&pem, Some("k1"), &[]), asked(RequestKind::Named, "acme/k1", None));
    assert_eq!(send(&pem, Some("../k1"), &[]), refused("unknown_key", "remote/name-not-allowed"));
    assert_eq!(send(&pem, None, &[]), refused("missing_header", "remote/absent"));
}

/// A preset that takes keys that can be broken says so, and takes them from wherever they come.
#[test]
fn a_weak_key_of_a_set_is_taken_where_the_preset_spells_it() {
    let modulus = URL_SAFE_NO_PAD.encode_to_string([0xff; 128]);
    let weak = set(&[("one", &format!(r#""kty":"RSA","n":"{modulus}","e":"AQAB""#))]);
    for (algorithm, said) in [
        ("rsa-pkcs1-sha256", refused("unknown_key", "public-key/key-unfit")),
        ("rsa-pkcs1-sha256-weak-key", refused("bad_signature", "")),
    ] {
        let verifier = compile_for(algorithm, "header = \"x-sig\", encoding = \"base64\"", JWKS).unwrap();
        for _ in 0..2 {
            assert_eq!(send_to(&verifier, Some("one"), &[(SET, &weak, NOW)]), said, "{algorithm}");
        }
    }
}

/// Whoever published the other half published it to everybody: the document is as good as none.
#[test]
fn a_document_with_a_private_key_is_no_document() {
    let sec1 = [
        &[0x30, 0x31, 2, 1, 1, 4, 0x20][..],
        &URL_SAFE_NO_PAD.decode_to_vec("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI").unwrap(),
        &[0xa0, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7],
    ]
    .concat();
    let base64 = STANDARD.encode_to_string(sec1);
    let pem = format!("-----BEGIN EC PRIVATE KEY-----\n{base64}\n-----END EC PRIVATE KEY-----\n");
    let jwk = format!("{{{OURS}}}");
    for text in [&*pem, PRIVATE, &jwk] {
        let said = send(r#"{ name = "acme", format = "pem" }"#, None, &[("acme", text, NOW)]);
        assert_eq!(said, refused("key_unavailable", "public-key/document"), "{text}");
    }
}

#[test]
fn a_key_of_another_algorithm_is_not_tried() {
    let pem = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----";
    let said = send(r#"{ name = "acme", format = "pem" }"#, None, &[("acme", pem, NOW)]);
    assert_eq!(said, refused("unknown_key", "public-key/key-unfit"));
}

#[test]
fn the_operator_may_say_where_and_the_request_only_within_limits() {
    let tenant = r#"{ url = "https://{var:tenant}.example.com/jwks.json", format = "jwks", hosts = ["*.example.com"] }"#;
    assert_eq!(send(tenant, None, &[]), asked(RequestKind::Url, "https://acme.example.com/jwks.json", None));
    let named = r#"{ url = "https://{header:x-kid}.example.com/jwks.json", format = "jwks", hosts = ["*.example.com"] }"#;
    let there = asked(RequestKind::Url, "https://one.example.com/jwks.json", None);
    assert_eq!(send(named, Some("one"), &[]), there);
    for kid in ["evil.com/", "evil.com#", "a.b", "evil.com\\", "@evil.com/", ""] {
        assert!(matches!(send(named, Some(kid), &[]), Said::Refused(..)), "{kid}");
    }
}

#[test]
fn mistakes_are_told_when_the_preset_is_read() {
    for (remote, says) in [
        (r#"{ url = "https://a.example/k" }"#, "lacks `format`"),
        (r#"{ url = "https://a.example/k", format = "der" }"#, "`format` must be `jwks`, `pem` or `spki`"),
        (r#"{ format = "jwks" }"#, "lacks `url`"),
        (r#"{ url = "http://a.example/k", format = "jwks" }"#, "cannot be fetched"),
        (r#"{ url = "{header:x}", format = "jwks" }"#, "lacks `hosts`"),
        (
            r#"{ url = "https://a.example/k", format = "jwks", pointer = "/a" }"#,
            "a key set is the whole document",
        ),
        (
            r#"{ url = "https://a.example/k", format = "pem", key_id = "{header:x}" }"#,
            "a document of one key has no ids",
        ),
        (r#"{ url = "https://a.example/k", format = "pem", pointer = "a" }"#, "`a` is no JSON pointer"),
        ("1", "`remote` must be a table"),
        ("{ url = \"https://a.example/k\", format = \"pem\" }\nkey = { forms = [] }", "unknown key `key`"),
        (
            "{ url = \"https://a.example/k\", format = \"pem\" }\nsecret_in_content = true",
            "`secret_in_content` needs keys that are held",
        ),
    ] {
        let said = compile(remote).map(drop).unwrap_err();
        assert!(said.contains(says) && !said.contains("lacks `key`"), "{remote}: {said}");
    }
}

#[test]
fn a_found_key_has_no_role() {
    let source = "header = \"x-sig\", encoding = \"base64\", role = \"primary\"";
    let said = compile_with(source, JWKS).map(drop).unwrap_err();
    assert!(said.contains("`role` needs keys that are held"), "{said}");
}

#[test]
fn every_detail_code_is_declared_once() {
    let mode = countersign_public_key::mode();
    let codes: Vec<&str> = mode.info().details.iter().map(|(code, ..)| &**code).collect();
    assert_eq!(codes.len(), codes.iter().collect::<BTreeSet<_>>().len());
    for code in ["public-key/document", "public-key/key-unfit", "public-key/no-key-id", "remote/absent"] {
        assert!(codes.contains(&code), "{code}");
    }
}
