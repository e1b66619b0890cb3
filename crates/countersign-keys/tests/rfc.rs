//! What the RFCs give as examples, and key sets.
#![allow(clippy::unwrap_used)]

use countersign_keys::{Algorithm, Found, Jwks, MAX_JWKS, MAX_JWKS_KEYS, NoJwks, PublicKey, Rules, Signing};
use serde_json::{Value, json};

fn hex(text: &str) -> Vec<u8> {
    const_hex::decode(text).unwrap()
}

fn word(word: &str) -> Algorithm {
    Algorithm::from_word(word).unwrap()
}

/// Algorithm, seed, public key, content, signature.
type Vector = (&'static str, &'static str, &'static str, &'static str, &'static str);

/// RFC 8032, sections 7.1 (tests 1, 2, 3 and SHA(abc)) and 7.3.
const RFC8032: [Vector; 5] = [
    (
        "ed25519",
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "ed25519",
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "ed25519",
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "ed25519",
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
    (
        "ed25519ph",
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "616263",
        "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406",
    ),
];

#[test]
fn ed25519_signs_and_verifies_as_rfc_8032_does() {
    for (algorithm, seed, public, content, signature) in RFC8032 {
        let signing = Signing::read(&hex(seed), word(algorithm)).unwrap();
        let verifying =
            PublicKey::read(&hex(public)).unwrap().prepare(word(algorithm), Rules::default()).unwrap();
        let content = verifying.content(&[&hex(content)]);
        assert_eq!(const_hex::encode(signing.sign(&content).unwrap()), signature);
        assert!(verifying.verify(&content, &hex(signature)));
        // Pure and prehashed are two algorithms.
        let other = word(if algorithm == "ed25519" { "ed25519ph" } else { "ed25519" });
        let other = PublicKey::read(&hex(public)).unwrap().prepare(other, Rules::default()).unwrap();
        assert!(!other.verify(&content, &hex(signature)));
    }
}

/// Whoever holds the key can make such signatures, as many as they like, and readers of RFC 8032 differ about them.
#[test]
fn a_signature_whose_r_is_of_small_order_is_refused() {
    let (algorithm, _, public, ..) = RFC8032[0];
    let key = PublicKey::read(&hex(public)).unwrap().prepare(word(algorithm), Rules::default()).unwrap();
    // R is the neutral element, and S is the hash times the private scalar: computed from the seed, in Python.
    let signature = "0100000000000000000000000000000000000000000000000000000000000000c69b0222d4967b8906ff9247c0314856c1303293290d52349578b1aa0e62c007";
    assert!(!key.verify(&key.content(&[b"content"]), &hex(signature)));
    let lenient = ed25519_dalek::VerifyingKey::from_bytes(&hex(public).try_into().unwrap()).unwrap();
    let signature = ed25519_dalek::Signature::from_slice(&hex(signature)).unwrap();
    assert!(
        ed25519_dalek::Verifier::verify(&lenient, b"content", &signature).is_ok(),
        "a lenient reader takes it"
    );
}

/// RFC 6979, appendix A.2.5: ECDSA on P-256 over SHA-1.
#[test]
fn ecdsa_over_sha1_is_that_of_rfc_6979() {
    let point = "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
    let key =
        PublicKey::read(&hex(point)).unwrap().prepare(word("ecdsa-p256-sha1"), Rules::default()).unwrap();
    for (content, r, s) in [
        (
            "sample",
            "61340c88c3aaebeb4f6d667f672ca9759a6ccaa9fa8811313039ee4a35471d32",
            "6d7f147dac089441bb2e2fe8f7a3fa264b9c475098fdcf6e00d7c996e1b8b7eb",
        ),
        (
            "test",
            "0cbcc86fd6abd1d99e703e1ec50069ee5c0b4ba4b9ac60e409e8ec5910d81a89",
            "01b9d7b73dfaa60d5651ec4591a0136f87653e0fd780c3b1bc872ffdeae479b1",
        ),
    ] {
        // None of these numbers begins with a set bit, and so each is 32 bytes of DER.
        let signature = hex(&format!("30440220{r}0220{s}"));
        assert!(key.verify(&key.content(&[content.as_bytes()]), &signature), "{content}");
        assert!(!key.verify(&key.content(&[b"other"]), &signature));
    }
}

#[test]
fn thumbprints_are_those_of_the_rfcs() {
    let rsa = json!({
        "kty": "RSA",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"
    });
    let okp = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    // RFC 7638, section 3.1; RFC 8037, appendix A.3.
    for (jwk, thumbprint) in [
        (rsa, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"),
        (okp, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"),
    ] {
        assert_eq!(PublicKey::from_jwk(&jwk).unwrap().thumbprint(), thumbprint);
    }
}

#[test]
fn a_compact_jws_is_signed_as_rfc_8037_does() {
    let jwk = br#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let signing = Signing::read(jwk, Algorithm::jose("EdDSA").unwrap()).unwrap();
    let content = signing.verifying().content(&[b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"]);
    let signature = base64_simd::URL_SAFE_NO_PAD.encode_to_string(signing.sign(&content).unwrap());
    let wanted = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    assert_eq!(signature, wanted);
}

/// The public JWK of a key of `keys.json`, with more members.
fn jwk(name: &str, more: Value) -> Value {
    let fixture: Value = serde_json::from_str(include_str!("keys.json")).unwrap();
    let key = fixture["keys"].as_array().unwrap().iter().find(|key| key["name"] == name).unwrap();
    let mut jwk: Value = serde_json::from_str(key["public"]["jwk"].as_str().unwrap()).unwrap();
    jwk.as_object_mut().unwrap().append(&mut more.as_object().unwrap().clone());
    jwk
}

fn set(keys: &[Value]) -> Jwks {
    Jwks::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

/// What was found, in a word; the names of keys, where there are some.
fn found(set: &Jwks, kid: Option<&str>, alg: &str) -> String {
    match set.find(kid, Algorithm::jose(alg).unwrap()) {
        Found::Keys(keys) => keys.iter().map(|key| key.id.as_str().to_owned()).collect::<Vec<_>>().join(" "),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_key_is_found_by_its_name_and_what_it_is_for() {
    let keys = set(&[
        jwk("p256", json!({ "kid": "a", "use": "sig", "alg": "ES256" })),
        jwk("rsa-2048", json!({ "kid": "a" })),
        jwk("rsa-2048", json!({ "kid": "b", "alg": "RS256", "key_ops": ["verify"] })),
        jwk("p384", json!({ "kid": "c", "use": "enc" })),
        jwk("p521", json!({ "kid": "c", "key_ops": ["deriveKey"] })),
        jwk("ed25519", json!({})),
        jwk("rsa-1024", json!({ "kid": "weak" })),
        json!({ "kty": "PQ", "kid": "new" }),
        json!({ "kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA", "kid": "broken" }),
        json!("no object"),
    ]);
    assert_eq!(keys.len(), 5);
    for (kid, alg, wanted) in [
        (Some("a"), "ES256", "a"),
        (Some("a"), "RS256", "a"),
        (Some("a"), "PS512", "a"),
        (Some("a"), "EdDSA", "Unfit"),
        (Some("b"), "RS256", "b"),
        (Some("b"), "PS256", "Unfit"),
        (Some("b"), "RS512", "Unfit"),
        (Some("c"), "ES384", "Unknown"),
        (Some("c"), "ES512", "Unknown"),
        (Some("weak"), "RS256", "Unfit"),
        (Some("new"), "RS256", "Unknown"),
        (Some("broken"), "ES256", "Unknown"),
        (Some(""), "EdDSA", "Unknown"),
        (None, "ES256", "a"),
        (None, "RS256", "Ambiguous"),
        (None, "PS256", "a"),
        (None, "ES384", "Unknown"),
        (None, "HS256", "Unknown"),
    ] {
        assert_eq!(found(&keys, kid, alg), wanted, "{kid:?} {alg}");
    }
    let thumbprint = PublicKey::from_jwk(&jwk("ed25519", json!({}))).unwrap().thumbprint();
    assert_eq!(found(&keys, None, "EdDSA"), thumbprint, "a key without a name is called by its thumbprint");
}

#[test]
fn of_one_name_all_that_fit_are_tried() {
    let twice = set(&[
        jwk("rsa-2048", json!({ "kid": "a" })),
        jwk("rsa-2048", json!({ "kid": "a" })),
        jwk("p256", json!({ "kid": "a" })),
    ]);
    assert_eq!(found(&twice, Some("a"), "RS256"), "a a");
    assert_eq!(found(&twice, Some("a"), "ES256"), "a");
}

#[test]
fn what_is_no_key_set_or_gives_secrets_away_is_refused() {
    let ed25519 = jwk("ed25519", json!({}));
    let text = |keys: Vec<Value>| json!({ "keys": keys }).to_string();
    let symmetric = json!({ "kty": "oct", "k": "c2VjcmV0" });
    let private = jwk("ed25519", json!({ "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A" }));
    for (document, wanted) in [
        ("x".to_owned(), NoJwks::NotJson),
        (r#"{"keys":[],"keys":[]}"#.to_owned(), NoJwks::NotJson),
        (r#"{"keys":[{"kid":"a","kid":"b"}]}"#.to_owned(), NoJwks::NotJson),
        ("[]".to_owned(), NoJwks::NoKeys),
        (r#"{"keys":{}}"#.to_owned(), NoJwks::NoKeys),
        (text(vec![ed25519.clone(), symmetric]), NoJwks::Secret),
        (text(vec![ed25519.clone(), private]), NoJwks::Secret),
        (text(vec![ed25519.clone(); MAX_JWKS_KEYS + 1]), NoJwks::TooManyKeys),
        (" ".repeat(MAX_JWKS + 1), NoJwks::TooLong),
    ] {
        assert_eq!(Jwks::parse(document.as_bytes()).err(), Some(wanted));
        assert!(!wanted.to_string().is_empty());
    }
    assert_eq!(Jwks::parse(text(vec![ed25519; MAX_JWKS_KEYS]).as_bytes()).unwrap().len(), MAX_JWKS_KEYS);
    assert!(Jwks::parse(br#"{"keys":[]}"#).unwrap().is_empty());
}
