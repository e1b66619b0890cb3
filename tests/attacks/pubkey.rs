//! Public keys: how they are read, and signatures that a lenient verifier takes. Signed by the primitives' own crates.

use crate::harness::*;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256, RsaKeyPair,
};
use countersign::Reason::*;
use ed25519_dalek::{Signer, SigningKey};

const BODY: &[u8] = b"{\"a\":1}";

/// A preset of a mode with public keys that signs the body, hex in `x-sig`.
fn scheme(mode: &str, algorithm: &str, form: &str) -> Scheme {
    Scheme::Text(format!(
        "schema = 1\nname = \"attacked\"\nmode = \"{mode}\"\n[{mode}]\nalgorithm = \"{algorithm}\"\n\
         signed_template = \"{{body}}\"\nsignature_source = {{ header = \"x-sig\", encoding = \"hex\" }}\n\
         key = {{ forms = [{{ decode = \"{form}\" }}] }}\n"
    ))
}

fn signed(scheme: Scheme, public: impl AsRef<[u8]>, signature: impl AsRef<[u8]>) -> Case {
    let sent = Sent { headers: headers([("x-sig", hex(signature.as_ref()))]), ..Sent::default() };
    Case::new(scheme, sent).keys([key("main", public)])
}

fn ed25519() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn ed(signature: impl AsRef<[u8]>) -> Case {
    signed(scheme("ed25519", "ed25519", "hex"), hex(ed25519().verifying_key().as_bytes()), signature)
}

fn p256(algorithm: &str, signature: impl AsRef<[u8]>, pair: &EcdsaKeyPair) -> Case {
    signed(scheme("public-key", algorithm, "hex"), hex(pair.public_key().as_ref()), signature)
}

fn fixed_pair() -> EcdsaKeyPair {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()
}

/// The group's order, big-endian.
const P256_ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

/// Adding the group's order to `s` gives another text for the same signature.
#[test]
fn atk_170_ed25519_s_past_the_order() {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let good = ed25519().sign(BODY).to_bytes();
    let (mut other, mut carry) = (good, 0_u16);
    for (byte, more) in other[32..].iter_mut().zip(ORDER) {
        carry += u16::from(*byte) + u16::from(more);
        *byte = carry as u8;
        carry >>= 8;
    }
    attack("ATK-170", [ed(good), ed(other).refused(BadSignature)]);
}

/// Zeros cut off or put on.
#[test]
fn atk_171_ed25519_signature_of_another_length() {
    let good = ed25519().sign(BODY).to_bytes();
    for wrong in [&good[..63], &[&good[..], &[0]].concat(), &good[..32], &[&good[..], &good[..]].concat()] {
        let case = ed(wrong).refused(BadSignature);
        // The length is the primitive's to know: a text that decodes is a signature, and a wrong one.
        run(&case, "ATK-171");
    }
}

/// A seed is 32 bytes as a public key is, and verifies nothing that it signs.
#[test]
fn atk_172_ed25519_private_seed_as_public_key() {
    let pair = ed25519();
    let seed = signed(scheme("ed25519", "ed25519", "hex"), hex(pair.as_bytes()), pair.sign(BODY).to_bytes());
    match build(&seed) {
        // Most seeds are no point of the curve at all.
        Err(refused) => assert_eq!(refused, Expected::KeyError),
        Ok(_) => run(&seed.refused(BadSignature), "ATK-172"),
    }
}

/// What a key's text is, is said and not tried out.
#[test]
fn atk_173_key_encoding_is_explicit() {
    let pair = ed25519();
    let (public, good) = (pair.verifying_key(), pair.sign(BODY).to_bytes());
    let with = |form: &str, text: String| signed(scheme("ed25519", "ed25519", form), text, good);
    attack("ATK-173", [with("hex", hex(public.as_bytes())), with("base64", base64(public.as_bytes()))]);
    for (form, text) in [
        ("text", hex(public.as_bytes())),
        ("base64", hex(public.as_bytes())),
        ("hex", base64(public.as_bytes())),
        ("pem", hex(public.as_bytes())),
    ] {
        attack("ATK-173", [with(form, text).expect(Expected::KeyError)]);
    }
}

/// Zeros as `r` and `s` verified everything, once.
#[test]
fn atk_174_ecdsa_zero_and_order() {
    let pair = fixed_pair();
    let (zero, one) = ([0_u8; 32], [&[0_u8; 31][..], &[1]].concat());
    let order = const_hex::decode(P256_ORDER).unwrap();
    for (r, s) in [(&zero[..], &zero[..]), (&zero, &one), (&one, &zero), (&order, &one), (&one, &order)] {
        attack("ATK-174", [p256("ecdsa-p256-sha256-p1363", [r, s].concat(), &pair).refused(BadSignature)]);
        attack("ATK-174", [p256("ecdsa-p256-sha256", der(r, s), &pair).refused(BadSignature)]);
    }
}

/// The sequence of two integers, written as DER asks.
fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let bare: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
        let lead = bare.first().is_none_or(|byte| *byte >= 0x80);
        let bytes = if lead { [&[0], &bare[..]].concat() } else { bare };
        [&[2, bytes.len() as u8], &bytes[..]].concat()
    };
    let inner = [integer(r), integer(s)].concat();
    [&[0x30, inner.len() as u8], &inner[..]].concat()
}

/// DER has one spelling; BER has many.
#[test]
fn atk_175_ecdsa_lax_der() {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let good = pair.sign(&SystemRandom::new(), BODY).unwrap().as_ref().to_vec();
    attack("ATK-175", [p256("ecdsa-p256-sha256", &good, &pair)]);
    let trailing = [&good[..], &[0]].concat();
    let long_form = [&[0x30, 0x81, good[1]], &good[2..]].concat();
    let indefinite = [&[0x30, 0x80], &good[2..], &[0, 0]].concat();
    let mut padded = good.clone();
    (padded[1], padded[3]) = (padded[1] + 1, padded[3] + 1);
    padded.insert(4, 0);
    for wrong in [trailing, long_form, indefinite, padded, good[..good.len() - 1].to_vec()] {
        run(&p256("ecdsa-p256-sha256", wrong, &pair).refused(BadSignature), "ATK-175");
    }
    // A fixed-width signature is no DER, nor the other way.
    let fixed = fixed_pair();
    let raw = fixed.sign(&SystemRandom::new(), BODY).unwrap();
    attack("ATK-174", [p256("ecdsa-p256-sha256", raw.as_ref(), &fixed).refused(BadSignature)]);
    attack("ATK-174", [p256("ecdsa-p256-sha256-p1363", &good, &pair).refused(BadSignature)]);
}

fn rsa() -> RsaKeyPair {
    RsaKeyPair::generate(KeySize::Rsa2048).unwrap()
}

fn rsa_signed(pair: &RsaKeyPair, algorithm: &str, signature: &[u8]) -> Case {
    signed(scheme("public-key", algorithm, "hex"), hex(pair.public_key().as_ref()), signature)
}

/// A verifier that parses the padding takes what stands behind it for granted: forged with `e = 3`.
#[test]
fn atk_176_rsa_lax_padding_and_small_exponent() {
    let pair = rsa();
    let mut good = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), BODY, &mut good).unwrap();
    attack("ATK-176", [rsa_signed(&pair, "rsa-pkcs1-sha256", &good)]);
    let short = rsa_signed(&pair, "rsa-pkcs1-sha256", &good[1..]);
    let long = rsa_signed(&pair, "rsa-pkcs1-sha256", &[&[0], &good[..]].concat());
    let pss = rsa_signed(&pair, "rsa-pss-sha256", &good);
    attack("ATK-176", [short.refused(BadSignature), long.refused(BadSignature), pss.refused(BadSignature)]);
    // All that Wycheproof knows of padding is in tests/wycheproof.rs. A key whose exponent is three will not do.
    let modulus: Vec<u8> = std::iter::once(0xc5).chain([0x5a; 254]).chain([0x01]).collect();
    let three = rsa_public(&modulus, &[3]);
    let case = signed(scheme("public-key", "rsa-pkcs1-sha256", "hex"), hex(&three), &good);
    attack("ATK-176", [case.expect(Expected::KeyError)]);
}

/// An `RSAPublicKey` of RFC 8017.
fn rsa_public(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let field = |tag: u8, bytes: &[u8]| match bytes.len() {
        len @ 0..=127 => [&[tag, len as u8], bytes].concat(),
        len @ 128..=255 => [&[tag, 0x81, len as u8], bytes].concat(),
        len => [&[tag, 0x82, (len >> 8) as u8, len as u8], bytes].concat(),
    };
    let positive = |bytes: &[u8]| if bytes[0] >= 0x80 { [&[0], bytes].concat() } else { bytes.to_vec() };
    field(0x30, &[field(2, &positive(modulus)), field(2, &positive(exponent))].concat())
}

/// Such keys can be factored.
#[test]
fn atk_177_rsa_key_too_small() {
    for bytes in [64, 128, 255] {
        let modulus: Vec<u8> = std::iter::once(0xc5).chain(vec![0x5a; bytes - 2]).chain([0x01]).collect();
        let small = rsa_public(&modulus, &[1, 0, 1]);
        let case = signed(scheme("public-key", "rsa-pkcs1-sha256", "hex"), hex(&small), [0; 64]);
        attack("ATK-177", [case.expect(Expected::KeyError)]);
    }
}

/// The salt is as long as the preset's algorithm says, whatever the sender prefers.
#[test]
fn atk_178_pss_parameters_are_the_presets() {
    let pair = rsa();
    let mut good = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PSS_SHA256, &SystemRandom::new(), BODY, &mut good).unwrap();
    attack("ATK-178", [rsa_signed(&pair, "rsa-pss-sha256", &good)]);
    attack("ATK-178", [rsa_signed(&pair, "rsa-pss-sha512", &good).refused(BadSignature)]);
    // A good signature of 2048 bits with a salt of no bytes, by Python's `cryptography`, and its key.
    let unsalted = const_hex::decode(include_str!("pss-without-salt.hex").trim()).unwrap();
    let public = include_str!("pss-without-salt.pem");
    let case = signed(scheme("public-key", "rsa-pss-sha256", "pem"), public, unsalted);
    attack("ATK-178", [case.refused(BadSignature)]);
}

/// A digest that is signed is not the content that is signed.
#[test]
fn atk_179_prehash_confusion() {
    use sha2::Digest;
    let pair = ed25519();
    let over_digest = pair.sign(&sha2::Sha256::digest(BODY)).to_bytes();
    attack("ATK-179", [ed(over_digest).refused(BadSignature)]);
    let prehashed = pair.sign_prehashed(sha2::Sha512::new_with_prefix(BODY), None).unwrap().to_bytes();
    attack("ATK-179", [ed(prehashed).refused(BadSignature)]);
    let with = |signature| {
        signed(scheme("ed25519", "ed25519ph", "hex"), hex(pair.verifying_key().as_bytes()), signature)
    };
    attack("ATK-179", [with(prehashed), with(pair.sign(BODY).to_bytes()).refused(BadSignature)]);
}

/// RSA in pure Rust leaks private keys by its timing (RUSTSEC-2023-0071): it is nowhere in the graph.
#[test]
fn atk_180_no_pure_rust_rsa() {
    let lock = include_str!("../../Cargo.lock");
    assert!(!lock.contains("name = \"rsa\"\n"), "the `rsa` crate is in the graph");
    assert!(lock.contains("name = \"aws-lc-rs\"\n"));
}
