//! Keys and signatures made by OpenSSL: every spelling of a key is the same key, and what OpenSSL has signed is verified.
#![allow(clippy::unwrap_used)]

use countersign_keys::{Algorithm, PublicKey, Rules, Signing, Verifying};
use serde_json::Value;
use std::collections::BTreeSet;

fn fixture() -> Value {
    serde_json::from_str(include_str!("keys.json")).unwrap()
}

/// What a key's text is: hex where its spelling is bytes.
fn spelling(name: &str, text: &Value) -> Vec<u8> {
    let text = text.as_str().unwrap();
    match name {
        "pem" | "jwk" | "old" => text.as_bytes().to_vec(),
        _ => const_hex::decode(text).unwrap(),
    }
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().unwrap().iter().map(|(name, value)| (&**name, value))
}

fn key(name: &str) -> Value {
    fixture()["keys"].as_array().unwrap().iter().find(|key| key["name"] == name).unwrap().clone()
}

fn public(name: &str) -> PublicKey {
    PublicKey::read(&spelling("pem", &key(name)["public"]["pem"])).unwrap()
}

fn word(word: &str) -> Algorithm {
    Algorithm::from_word(word).unwrap()
}

fn weak() -> Rules {
    Rules::default().with_small_rsa()
}

#[test]
fn every_spelling_of_a_key_is_the_same_key() {
    for key in fixture()["keys"].as_array().unwrap() {
        for (name, text) in members(&key["public"]).chain(members(&key["private"])) {
            // The raw private halves of Ed25519 look like public ones, or like nothing.
            if matches!(name, "pair") || (name == "raw" && *text == key["private"]["raw"]) {
                continue;
            }
            let read = PublicKey::read(&spelling(name, text));
            let read = read.unwrap_or_else(|error| panic!("{} as {name}: {error}", key["name"]));
            assert_eq!(read.thumbprint(), key["thumbprint"].as_str().unwrap(), "{} as {name}", key["name"]);
        }
    }
}

#[test]
fn what_openssl_has_signed_is_verified_and_nothing_beside_it() {
    let fixture = fixture();
    let content = fixture["content"].as_str().unwrap().as_bytes();
    let mut tried = BTreeSet::new();
    for key in fixture["keys"].as_array().unwrap() {
        let public = PublicKey::read(&spelling("pem", &key["public"]["pem"])).unwrap();
        for (name, signature) in members(&key["signatures"]) {
            let signature = spelling("", signature);
            let verifying = public.prepare(word(name), weak()).unwrap();
            let whole = verifying.content(&[content]);
            assert!(verifying.verify(&whole, &signature), "{} {name}", key["name"]);
            let pieces = verifying.content(&[&content[..3], b"", &content[3..]]);
            assert!(verifying.verify(&pieces, &signature));
            assert_eq!(whole.fingerprint(), pieces.fingerprint());
            let other = verifying.content(&[content, b" "]);
            assert!(!verifying.verify(&other, &signature));
            assert_ne!(whole.fingerprint(), other.fingerprint());
            for wrong in
                [&signature[1..], &signature[..signature.len() - 1], &[&signature[..], &[0]].concat(), b""]
            {
                assert!(!verifying.verify(&whole, wrong), "{name}: {} bytes", wrong.len());
            }
            for at in 0..signature.len() {
                let mut wrong = signature.clone();
                wrong[at] ^= 1;
                assert!(!verifying.verify(&whole, &wrong), "{name}: byte {at}");
            }
            tried.insert(name.to_owned());
        }
    }
    let untried: Vec<&str> =
        Algorithm::all().iter().map(|all| all.word()).filter(|word| !tried.contains(*word)).collect();
    // OpenSSL 3.0 has no Ed25519ph: RFC 8032 has vectors. HMAC has no key pair.
    assert_eq!(untried, ["ed25519ph", "hmac-sha256", "hmac-sha384", "hmac-sha512"]);
}

#[test]
fn what_is_signed_is_verified_by_every_spelling_of_the_private_key() {
    let mut tried = BTreeSet::new();
    for key in fixture()["keys"].as_array().unwrap() {
        let public = PublicKey::read(&spelling("pem", &key["public"]["pem"])).unwrap();
        for algorithm in Algorithm::all().iter().filter(|all| public.fits(**all)) {
            for (name, text) in members(&key["private"]) {
                let signing = match Signing::read(&spelling(name, text), *algorithm) {
                    Ok(signing) => signing,
                    Err(error) => {
                        let weak = key["name"] == "rsa-1024" || key["name"] == "rsa-2048-e3";
                        assert!(
                            weak || !algorithm.can_sign(),
                            "{} {algorithm:?} as {name}: {error}",
                            key["name"]
                        );
                        continue;
                    }
                };
                let verifying = public.prepare(*algorithm, Rules::default()).unwrap();
                let content = verifying.content(&[b"content"]);
                let signature = signing.sign(&content).unwrap();
                assert!(verifying.verify(&content, &signature), "{} {algorithm:?} as {name}", key["name"]);
                assert!(signing.verifying().verify(&content, &signature));
                assert_eq!(format!("{signing:?}"), "Signing(..)");
                tried.insert(algorithm.word());
            }
        }
    }
    assert_eq!(tried.len(), 14, "{tried:?}");
}

#[test]
fn content_of_one_algorithm_is_none_of_another() {
    let p256 = public("p256");
    let ready = |name| p256.prepare(word(name), Rules::default()).unwrap();
    let (der, fixed, other) =
        (ready("ecdsa-p256-sha256"), ready("ecdsa-p256-sha256-p1363"), ready("ecdsa-p256-sha384"));
    let signature = spelling("", &key("p256")["signatures"]["ecdsa-p256-sha256"]);
    let fixture = fixture();
    let content = fixture["content"].as_str().unwrap().as_bytes();
    assert!(der.verify(&fixed.content(&[content]), &signature), "the digest is the same");
    assert!(!fixed.verify(&fixed.content(&[content]), &signature), "but not the form");
    assert!(!der.verify(&other.content(&[content]), &signature));
    let ed25519 = public("ed25519").prepare(word("ed25519"), Rules::default()).unwrap();
    assert!(!der.verify(&ed25519.content(&[content]), &signature));
    assert!(
        Signing::read(&spelling("pem", &key("p256")["private"]["pem"]), word("ecdsa-p256-sha256"))
            .unwrap()
            .sign(&ed25519.content(&[content]))
            .is_err()
    );
    // A MAC belongs to the secret that made it, though another key might take it for its own.
    let mac = |secret: &[u8]| Verifying::hmac(secret, word("hmac-sha256")).unwrap();
    let (ours, theirs) = (mac(&[1; 32]), mac(&[2; 32]));
    let content = theirs.content(&[b"content"]);
    let tag = theirs.mac(&content).unwrap();
    assert!(theirs.verify(&content, &tag) && !ours.verify(&content, &tag) && ours.mac(&content).is_none());
    assert!(!theirs.verify(&content, &tag[..16]), "a cut tag is none");
}

/// It is verified by way of SHA-256, and must be no other algorithm for it: neither its signatures nor its content are.
#[test]
fn ecdsa_over_sha1_takes_its_own_digests_alone() {
    let p256 = public("p256");
    let ready = |name| p256.prepare(word(name), Rules::default()).unwrap();
    let signature = |name: &str, algorithm: &str| spelling("", &key(name)["signatures"][algorithm]);
    let (sha1, sha256) = (ready("ecdsa-p256-sha1"), ready("ecdsa-p256-sha256"));
    let fixture = fixture();
    let content = fixture["content"].as_str().unwrap().as_bytes();
    let (short, long) = (sha1.content(&[content]), sha256.content(&[content]));
    let good = signature("p256", "ecdsa-p256-sha1");
    assert!(sha1.verify(&short, &good));
    assert!(!sha1.verify(&long, &signature("p256", "ecdsa-p256-sha256")));
    assert!(!sha1.verify(&long, &good) && !sha256.verify(&short, &good) && !sha256.verify(&long, &good));
    assert!(!sha1.verify(&short, &signature("p256", "ecdsa-p256-sha256")), "of another hash");
    assert!(!sha1.verify(&short, &signature("p384", "ecdsa-p384-sha256")), "of another curve");
    let rsa = public("rsa-2048").prepare(word("rsa-pkcs1-sha1"), Rules::default()).unwrap();
    assert!(sha1.verify(&rsa.content(&[content]), &good), "the digest is the same");
    let signed = Signing::read(&spelling("pem", &key("p256")["private"]["pem"]), word("ecdsa-p256-sha1"));
    let refused = signed.unwrap_err().to_string();
    assert_eq!(refused, "`ecdsa-p256-sha1` only verifies here: sign with another algorithm");
}

/// One signature has one spelling, which no reader of DER can take for another.
#[test]
fn ecdsa_over_sha1_is_der_and_nothing_near_it() {
    let sha1 = public("p256").prepare(word("ecdsa-p256-sha1"), Rules::default()).unwrap();
    let fixture = fixture();
    let content = sha1.content(&[fixture["content"].as_str().unwrap().as_bytes()]);
    let good = spelling("", &key("p256")["signatures"]["ecdsa-p256-sha1"]);
    let r = usize::from(good[3]);
    let (body, s) = (&good[2..], &good[6 + r..]);
    let fixed = |number: &[u8]| [&[0; 32], number].concat()[number.len()..].to_vec();
    let padded = [&[0x30, good[1] + 1, 2, good[3] + 1, 0], &good[4..]].concat();
    for (wrong, says) in [
        ([&[0x30, 0x81, good[1]], body].concat(), "a length in two bytes"),
        ([&[0x30, 0x80], body, &[0, 0]].concat(), "a length that is not said"),
        ([&good[..], &[0]].concat(), "something behind"),
        ([&[0x30, good[1] + 1], body, &[0]].concat(), "something behind the numbers"),
        (padded, "a zero too many"),
        ([fixed(&good[4..4 + r]), fixed(s)].concat(), "r||s"),
        ([&[0x31, good[1]], body].concat(), "a set"),
    ] {
        assert!(!sha1.verify(&content, &wrong), "{says}");
    }
}

#[test]
fn a_key_is_refused_with_what_is_wrong_with_it() {
    let pem = |name: &str| key(name)["public"]["pem"].as_str().unwrap().to_owned();
    let private = |name: &str, form: &str| key(name)["private"][form].as_str().unwrap().to_owned();
    let relabelled = pem("p256").replace("PUBLIC KEY", "CERTIFICATE");
    let encrypted = private("p256", "pem").replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let two = pem("p256") + &pem("p384");
    let mislabelled = pem("rsa-2048").replace("PUBLIC KEY", "RSA PUBLIC KEY");
    let mut jwk: Value = serde_json::from_str(key("p256")["public"]["jwk"].as_str().unwrap()).unwrap();
    let mut changed = |member: &str, value: Value| {
        let kept = jwk[member].take();
        jwk[member] = value;
        let text = jwk.to_string();
        match kept {
            Value::Null => drop(jwk.as_object_mut().unwrap().remove(member)),
            kept => jwk[member] = kept,
        }
        text
    };
    let cases = [
        (String::new(), "this is no key"),
        ("secret".into(), "this is no key"),
        (relabelled, "openssl x509"),
        (encrypted, "openssl pkey"),
        (two, "two blocks"),
        (mislabelled, "cut short"),
        (pem("p256").replace("MFkw", "MFkx"), "cut short"),
        (changed("x", "AAAA".into()), "32 bytes each"),
        (changed("x", "?".into()), "base64url"),
        (changed("x", Value::Null), "base64url"),
        (changed("y", key("p256")["thumbprint"].clone()), "no point on P-256"),
        (changed("crv", "P-384".into()), "48 bytes each"),
        (changed("crv", "secp256k1".into()), "`crv`"),
        (changed("kty", "oct".into()), "shared secret"),
        (changed("kty", "XYZ".into()), "`kty`"),
        (changed("use", "enc".into()), "`use`"),
        (changed("key_ops", serde_json::json!(["encrypt"])), "`key_ops`"),
        (changed("kid", "twice".into()).replace(r#""kid""#, r#""kty":"EC","kid""#), "member twice"),
    ];
    for (text, says) in cases {
        let refused = PublicKey::read(text.as_bytes()).unwrap_err().to_string();
        assert!(refused.contains(says), "{text}: {refused}");
    }
    let rsa = |bytes: usize, e: &str| {
        let n = base64_simd::URL_SAFE_NO_PAD.encode_to_string(vec![0xc5; bytes]);
        PublicKey::from_jwk(&serde_json::json!({ "kty": "RSA", "n": n, "e": e }))
            .map_err(|error| error.to_string())
    };
    for (bytes, e, says) in [
        (127, "AQAB", "less than 1024 bits"),
        (1025, "AQAB", "more than 8192 bits"),
        (256, "AQ", "exponent 1"),
        (256, "Ag", "no RSA key"),
        (256, "AAEAAQ", "leading zeros"),
    ] {
        let refused = rsa(bytes, e).unwrap_err();
        assert!(refused.contains(says), "{refused}");
    }
    assert!(rsa(128, "AQAB").is_ok() && rsa(1024, "AQAB").is_ok());
    assert!(PublicKey::read(changed("use", "sig".into()).as_bytes()).is_ok());
    let bound = PublicKey::read(changed("alg", "ES256".into()).as_bytes()).unwrap();
    assert!(bound.fits(word("ecdsa-p256-sha256")) && !bound.fits(word("ecdsa-p256-sha512")));
    let bound = PublicKey::read(changed("alg", "ECDH-ES".into()).as_bytes()).unwrap();
    assert!(bound.prepare(word("ecdsa-p256-sha256"), Rules::default()).is_err());
}

#[test]
fn a_key_of_the_wrong_family_or_size_is_refused() {
    for (key, algorithm, rules, says) in [
        ("p256", "ecdsa-p384-sha384", Rules::default(), "this is an ECDSA key on P-256"),
        ("p384", "ecdsa-p256-sha1", Rules::default(), "this is an ECDSA key on P-384"),
        ("p256", "rsa-pkcs1-sha256", Rules::default(), "this is an ECDSA key"),
        ("ed25519", "hmac-sha256", Rules::default(), "this is an Ed25519 key"),
        ("rsa-2048", "ed25519", Rules::default(), "this is an RSA key"),
        ("rsa-1024", "rsa-pkcs1-sha256", Rules::default(), "1024 bits"),
        ("rsa-1024", "rsa-pss-sha256", weak(), "less than 2048 bits"),
        ("rsa-1024", "rsa-pkcs1-sha384", weak(), "less than 2048 bits"),
        ("rsa-2048-e3", "rsa-pkcs1-sha256", Rules::default(), "exponent"),
    ] {
        let refused = public(key).prepare(word(algorithm), rules).unwrap_err().to_string();
        assert!(refused.contains(says), "{key}: {refused}");
    }
}

/// RFC 4055: the container of a key may say that it is for PSS alone.
#[test]
fn a_key_for_pss_alone_is_taken_for_pss_alone() {
    let plain = ["300d06092a864886f70d0101010500", "300b06092a864886f70d01010a"];
    for (half, lengths) in [("public", ["30820122", "30820120"]), ("private", ["", ""])] {
        let der = key("rsa-2048")[half]["der"].as_str().unwrap().to_owned();
        let mut changed = der.replacen(plain[0], plain[1], 1).replacen(lengths[0], lengths[1], 1);
        if half == "private" {
            let length = u16::from_str_radix(&der[4..8], 16).unwrap() - 2;
            changed = format!("3082{length:04x}{}", &changed[8..]);
        }
        let key = PublicKey::read(&const_hex::decode(changed).unwrap()).unwrap();
        assert!(key.prepare(word("rsa-pss-sha512"), Rules::default()).is_ok());
        let refused = key.prepare(word("rsa-pkcs1-sha512"), Rules::default()).unwrap_err().to_string();
        assert!(refused.contains("PSS alone"), "{half}: {refused}");
    }
}

#[test]
fn ed25519_keys_under_which_anybody_can_sign_are_refused() {
    for (bytes, says) in [
        // The neutral element, and a point of order eight: RFC 8032 takes both.
        ("0100000000000000000000000000000000000000000000000000000000000000", "small order"),
        ("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa", "small order"),
        // Zero, spelled as p.
        ("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "canonical"),
        ("0200000000000000000000000000000000000000000000000000000000000000", "no Ed25519 public key"),
    ] {
        let refused = PublicKey::read(&const_hex::decode(bytes).unwrap()).unwrap_err().to_string();
        assert!(refused.contains(says), "{bytes}: {refused}");
    }
}

#[test]
fn halves_that_do_not_belong_together_sign_nothing() {
    let mut jwk: Value = serde_json::from_str(key("p256")["private"]["jwk"].as_str().unwrap()).unwrap();
    jwk["d"] = key("p256")["thumbprint"].clone();
    assert!(Signing::read(jwk.to_string().as_bytes(), word("ecdsa-p256-sha256")).is_err());
    let mut jwk: Value = serde_json::from_str(key("ed25519")["private"]["jwk"].as_str().unwrap()).unwrap();
    jwk["d"] = key("p256")["thumbprint"].clone();
    assert!(Signing::read(jwk.to_string().as_bytes(), word("ed25519")).is_err());
    let mut jwk: Value = serde_json::from_str(key("rsa-2048")["private"]["jwk"].as_str().unwrap()).unwrap();
    jwk["d"] = jwk["n"].clone();
    assert!(Signing::read(jwk.to_string().as_bytes(), word("rsa-pkcs1-sha256")).is_err());
    let public = key("p256")["public"]["pem"].as_str().unwrap().to_owned();
    let refused = Signing::read(public.as_bytes(), word("ecdsa-p256-sha256")).unwrap_err().to_string();
    assert!(refused.contains("public key"), "{refused}");
}

#[test]
fn what_is_public_is_no_secret() {
    let spellings = |name: &str, forms: &[&str]| {
        forms.iter().map(|form| spelling(form, &key(name)["public"][*form])).collect::<Vec<_>>()
    };
    let mut secrets = spellings("rsa-2048", &["pem", "der", "jwk"]);
    secrets.extend(spellings("p256", &["pem", "der", "jwk", "point"]));
    secrets.push(base64_simd::STANDARD.encode_to_string(&secrets[1]).into_bytes());
    secrets.push(br#"{"keys": [], "padding": "padding"}"#.to_vec());
    for secret in secrets {
        let refused = Verifying::hmac(&secret, word("hmac-sha256")).unwrap_err().to_string();
        assert!(refused.contains("everybody has it"), "{refused}");
    }
    for (length, name, good) in
        [(32, "hmac-sha256", true), (31, "hmac-sha256", false), (47, "hmac-sha384", false)]
    {
        assert_eq!(Verifying::hmac(&vec![b'{'; length], word(name)).is_ok(), good, "{length}");
    }
    assert!(Verifying::hmac(&[7; 64], word("ed25519")).is_err());
}

#[test]
fn nothing_panics_on_what_is_almost_a_key() {
    for key in fixture()["keys"].as_array().unwrap() {
        for (name, text) in members(&key["public"]).chain(members(&key["private"])) {
            let bytes = spelling(name, text);
            for at in (0..bytes.len()).step_by(if bytes.len() > 600 { 7 } else { 1 }) {
                drop(PublicKey::read(&bytes[..at]));
                let mut changed = bytes.clone();
                changed[at] ^= 1 << (at % 8);
                drop(PublicKey::read(&changed));
                drop(Verifying::hmac(&changed, word("hmac-sha256")));
            }
        }
    }
}
