//! Tokens that bring their certificates: what is remembered of a chain, and attacks named after their cases, as they are on
//! tokens. Those of the corpus stand with the mode of certificates.
#![allow(clippy::unwrap_used)]

mod shared;

use base64_simd::{STANDARD, URL_SAFE};
use countersign::{Context, Head, Key, KeyId, KeyKind, Keyring, Registry, Request, Secret, Timestamp, Vars};
use shared::certificates::{BETWEEN, LEAF, SHAPE, base64, chain, pinned, root, token, token_of};
use shared::{BEARER, NOW, judge, part, told};

#[test]
fn a_chain_to_a_pinned_root_verifies_and_its_validity_is_judged_every_time() {
    let root = root();
    let (chain, leaf) = chain(&root, LEAF, BETWEEN);
    let verifier = pinned(SHAPE, &[(&root, None)]);
    let token = token(&base64(&chain), &leaf);
    assert_eq!(judge(&verifier, &token), "ok");
    // A copy that came first with another signature is remembered no less, and proves nothing.
    let (content, _) = token.rsplit_once('.').unwrap();
    assert_eq!(judge(&verifier, &format!("{content}.{}", part([1; 64]))), "bad_signature");
    let at = |now: i64| {
        let headers = [("authorization", format!("Bearer {token}"))];
        let request = Request::new(Head::new("POST", "https://example.com/", &headers), b"");
        told(&verifier.verify(&request, &Context::at(Timestamp::from_unix(now))))
    };
    assert_eq!(at(NOW), "ok");
    assert_eq!(at(1_735_689_601), "untrusted_key jwt/chain-untrusted", "a remembered path has expired");
    assert_eq!(at(1_672_531_199), "untrusted_key jwt/chain-untrusted", "it was not valid yet");
}

#[test]
fn the_window_of_an_anchor_is_the_cores_to_judge() {
    let (old, new) = (root(), root());
    let (chain, leaf) = chain(&old, LEAF, BETWEEN);
    let token = token(&base64(&chain), &leaf);
    assert_eq!(judge(&pinned(SHAPE, &[(&new, None), (&old, None)]), &token), "ok");
    assert_eq!(judge(&pinned(SHAPE, &[(&new, None), (&old, Some(NOW))]), &token), "expired_secret");
}

/// Apple signs notifications without `data` and `summary`, for whichever developer. A variable that came out empty must not
/// ask for just those.
#[test]
fn a_notification_of_no_app_is_not_that_of_an_app_whose_name_is_empty() {
    let mut registry = Registry::new();
    registry.register(countersign_jwt::mode()).unwrap();
    let preset = include_str!("../../../presets/apple-app-store.toml");
    registry.add_preset("apple-app-store.toml", preset).unwrap();
    let root = root();
    let (chain, leaf) = chain(&root, LEAF, BETWEEN);
    let judge = |(bundle, environment): (&str, &str), data: &str| {
        let material = Secret::new(STANDARD.encode_to_string(&root.der).into_bytes()).unwrap();
        let mut ring = Keyring::new();
        ring.add(Key::new(KeyId::new("root"), KeyKind::TrustAnchor, material)).unwrap();
        let mut vars = Vars::new();
        vars.set("bundle_id", bundle).set("environment", environment);
        let claims = format!("{{\"notificationUUID\":\"a\",\"signedDate\":{NOW}000{data}}}");
        let body = format!("{{\"signedPayload\":\"{}\"}}", token_of(&base64(&chain), &leaf, &claims));
        let none: [(&str, &str); 0] = [];
        let request = Request::new(Head::new("POST", "https://example.com/", &none), body.as_bytes());
        match registry.named("apple-app-store").unwrap().verifier("apple", &ring, &vars) {
            Ok(verifier) => told(&verifier.verify(&request, &Context::at(Timestamp::from_unix(NOW)))),
            Err(error) => error.to_string(),
        }
    };
    let ours = ",\"data\":{\"bundleId\":\"com.example\",\"environment\":\"Sandbox\"}";
    assert_eq!(judge(("com.example", "Sandbox"), ours), "ok");
    assert_eq!(judge(("com.example", "Sandbox"), ""), "claim_mismatch require/claim");
    assert_ne!(judge(("", ""), ""), "ok");
    assert_ne!(judge(("", "Sandbox"), ",\"data\":{\"environment\":\"Sandbox\"}"), "ok");
}

/// The root of the message has the name of ours, and another key.
#[test]
fn atk_182_attacker_supplied_root_in_the_message() {
    let (ours, theirs) = (root(), root());
    let (mut chain, leaf) = chain(&theirs, LEAF, BETWEEN);
    let verifier = pinned(SHAPE, &[(&ours, None)]);
    assert_eq!(judge(&verifier, &token(&base64(&chain), &leaf)), "untrusted_key jwt/chain-untrusted");
    chain[2] = ours.der.clone();
    assert_eq!(judge(&verifier, &token(&base64(&chain), &leaf)), "untrusted_key jwt/chain-untrusted");
}

#[test]
fn atk_186_wrong_certificate_purpose() {
    let root = root();
    let verifier = pinned(SHAPE, &[(&root, None)]);
    for (leaf, between, expected) in [
        (LEAF, BETWEEN, "ok"),
        (&[][..], BETWEEN, "untrusted_key jwt/chain-untrusted"),
        (LEAF, &[], "untrusted_key jwt/chain-untrusted"),
        (BETWEEN, LEAF, "untrusted_key jwt/chain-untrusted"),
    ] {
        let (chain, leaf) = chain(&root, leaf, between);
        assert_eq!(judge(&verifier, &token(&base64(&chain), &leaf)), expected);
    }
}

#[test]
fn atk_194_path_building_cpu_exhaustion() {
    let root = root();
    let (chain, leaf) = chain(&root, LEAF, BETWEEN);
    let small: Vec<String> = base64(&chain[..1]);
    for shape in [SHAPE, "x5c = {}"] {
        let verifier = pinned(shape, &[(&root, None)]);
        let many = vec![small[0].clone(); 30];
        assert_eq!(judge(&verifier, &token(&many, &leaf)), "malformed_signature jwt/chain-shape", "{shape}");
        assert_eq!(
            judge(&verifier, &token(&vec![small[0].clone(); 100], &leaf)),
            "malformed_signature jwt/header"
        );
        assert_eq!(judge(&verifier, &token(&[], &leaf)), "malformed_signature jwt/chain-shape");
    }
}

/// What is not the leaf first leads nowhere, and another number of certificates is another shape.
#[test]
fn atk_195_chain_order_and_extras() {
    let root = root();
    let (chain, leaf) = chain(&root, LEAF, BETWEEN);
    let verifier = pinned(SHAPE, &[(&root, None)]);
    let told = |chain: &[&Vec<u8>]| {
        let chain: Vec<Vec<u8>> = chain.iter().map(|der| der.to_vec()).collect();
        judge(&verifier, &token(&base64(&chain), &leaf))
    };
    let [first, second, third] = &chain[..] else { panic!("three") };
    assert_eq!(told(&[first, second, third]), "ok");
    assert!(told(&[third, second, first]).starts_with("untrusted_key"));
    assert!(told(&[second, first, third]).starts_with("untrusted_key"));
    for wrong in [&[first, second][..], &[first, second, third, third], &[first, first, second, third]] {
        assert_eq!(told(wrong), "malformed_signature jwt/chain-shape");
    }
}

#[test]
fn atk_196_base64url_or_pem_in_x5c() {
    let root = root();
    let (chain, leaf) = chain(&root, LEAF, BETWEEN);
    let verifier = pinned(SHAPE, &[(&root, None)]);
    let good = base64(&chain);
    let pem = |der: &[u8]| {
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----", STANDARD.encode_to_string(der))
    };
    let spaced = |text: &String| format!("{}\n{}", &text[..64], &text[64..]);
    let spelled: [Vec<String>; 5] = [
        chain.iter().map(|der| URL_SAFE.encode_to_string(der)).collect(),
        chain.iter().map(|der| pem(der)).collect(),
        good.iter().map(spaced).collect(),
        vec![good[0].clone(), "AAAA".into(), good[2].clone()],
        vec![good[0].clone(), String::new(), good[2].clone()],
    ];
    assert_eq!(judge(&verifier, &token(&good, &leaf)), "ok");
    for certificates in &spelled {
        if *certificates != good {
            assert!(judge(&verifier, &token(certificates, &leaf)) != "ok", "{certificates:?}");
        }
    }
    assert_eq!(judge(&verifier, &token(&spelled[1], &leaf)), "malformed_signature jwt/chain-shape");
    assert_eq!(judge(&verifier, &token(&spelled[2], &leaf)), "malformed_signature jwt/chain-shape");
    assert!(judge(&verifier, "e30.e30.").starts_with("malformed_signature"));
}

#[test]
fn a_root_that_is_none_is_told_before_the_first_request() {
    let table = format!(
        "{BEARER}algorithms = [\"ES256\"]\nkey = {{ forms = [{{ decode = \"pem\" }}, {{ decode = \"base64\" }}] }}\n{SHAPE}"
    );
    let refused = shared::verifier(&table, KeyKind::TrustAnchor, &[b"AAAA"]).err().unwrap();
    assert!(refused.to_string().contains("key `k0`: this is no certificate"), "{refused}");
    let refused = shared::verifier(&table, KeyKind::Public, &[b"AAAA"]).err().unwrap();
    assert!(refused.to_string().contains("trust-anchor"), "{refused}");
}
