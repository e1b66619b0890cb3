//! What is remembered of a certificate and what is judged at every request; every detail code; every mistake in a preset.
#![allow(clippy::unwrap_used)]

mod shared;

use countersign::{Timestamp, Window};
use rcgen::{KeyPair, PKCS_ECDSA_P384_SHA384, date_time_ymd};
use shared::*;
use std::collections::BTreeSet;

#[test]
fn atk_165_a_remembered_certificate_expires_and_is_not_forgotten_for_being_late() {
    let (root, key) = (root("the root"), key());
    let until = root.issue(&key, |params| params.not_after = date_time_ymd(2026, 1, 1));
    let from = root.issue(&key, |params| params.not_before = date_time_ymd(2026, 1, 1));
    for world in [
        World::fetched(&root.pem, &until, &key),
        World::sent(&root.pem, &until, &key),
        World::sent(&root.pem, der(&until), &key),
    ] {
        let verifier = world.verifier().unwrap();
        for (now, code, detail) in [
            (NOW, "ok", ""),
            (NOW, "ok", ""),
            (NOW + 1, "untrusted_key", "x509/expired"),
            (NOW - 86_400, "ok", ""),
            (NOW + 1, "untrusted_key", "x509/expired"),
        ] {
            let said = world.clone().at(now).send_to(&verifier);
            assert!(said.is(code, detail), "{now}: {said:?}");
        }
    }
    let world = World::fetched(&root.pem, &from, &key);
    let verifier = world.verifier().unwrap();
    for (now, code) in [(NOW - 1, "untrusted_key"), (NOW, "ok"), (NOW - 1, "untrusted_key"), (NOW, "ok")] {
        assert_eq!(world.clone().at(now).send_to(&verifier).code, code, "{now}");
    }
}

#[test]
fn another_copy_is_judged_for_itself() {
    let (root, other, key) = (root("the root"), root("the root"), key());
    let (good, bad) = (root.issue(&key, |_| {}), other.issue(&key, |_| {}));
    let world = World::fetched(&root.pem, &good, &key);
    let verifier = world.verifier().unwrap();
    assert_eq!(world.send_to(&verifier).code, "ok");
    let replaced = world.clone().document(URL, &bad);
    assert!(replaced.send_to(&verifier).is("untrusted_key", "x509/no-path"));
    assert_eq!(world.send_to(&verifier).code, "ok");
    // The copy at another address is another, though its text is the same.
    let elsewhere = "https://keys.example.com/b.pem";
    let world = world.document(elsewhere, &bad).header("x-cert-url", elsewhere);
    assert!(world.send_to(&verifier).is("untrusted_key", "x509/no-path"));
}

#[test]
fn more_certificates_than_are_remembered_are_judged_all_the_same() {
    let (root, key) = (root("the root"), key());
    let all: Vec<World> = (0..40).map(|_| World::sent(&root.pem, root.issue(&key, |_| {}), &key)).collect();
    let verifier = all[0].verifier().unwrap();
    let names: BTreeSet<_> =
        all.iter().chain(&all).map(|world| world.send_to(&verifier).key.unwrap()).collect();
    assert_eq!(names.len(), 40, "each is called by its own thumbprint");
}

#[test]
fn a_certificate_that_came_along_is_called_by_its_thumbprint_and_a_fetched_one_by_its_place() {
    let (root, key) = (root("the root"), key());
    let leaf = root.issue(&key, |_| {});
    let print = const_hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &der(&leaf)));
    assert_eq!(World::sent(&root.pem, &leaf, &key).send().key.as_deref(), Some(&*print));
    let same = leaf.clone() + &root.pem;
    assert_eq!(World::sent(&root.pem, same, &key).send().key.as_deref(), Some(&*print));
    assert_eq!(World::fetched(&root.pem, &leaf, &key).send().key.as_deref(), Some(URL));
}

#[test]
fn the_windows_of_all_anchors_are_the_operators_word() {
    let (root, other, key) = (root("the root"), root("another root"), key());
    let leaf = root.issue(&key, |_| {});
    let ended = Window { not_before: None, not_after: Some(Timestamp::from_unix(NOW)) };
    let mut world = World::fetched(&root.pem, &leaf, &key);
    world.anchors.insert(0, (other.pem.clone().into_bytes(), Window::default()));
    assert_eq!(world.send().code, "ok");
    world.anchors[1].1 = ended;
    assert_eq!(world.send().code, "expired_secret", "the live one is not what it leads to");
    // Under two anchors: one that is live is enough.
    let cross = other.issuer();
    let again = root.params.signed_by(&root.key, &cross).unwrap().pem();
    world.anchors[1].1 = ended;
    let world = world.document(URL, leaf + &again);
    assert_eq!(world.send().code, "ok");
}

#[test]
fn anchors_are_certificates_and_one_that_is_none_is_told_before_the_first_request() {
    let (root, key) = (root("the root"), key());
    let leaf = root.issue(&key, |_| {});
    let mut world = World::fetched(&root.pem, &leaf, &key);
    world.anchors[0].0 = der(&root.pem);
    assert_eq!(world.send().code, "ok", "in DER as well as in PEM");
    for text in ["no certificate", &key.public_key_pem(), &(root.pem.clone() + &root.pem)] {
        world.anchors[0].0 = text.as_bytes().to_vec();
        let said = world.verifier().map(drop).unwrap_err();
        assert!(said.contains("key `anchor-0`: "), "{said}");
    }
    world.anchors.clear();
    assert!(world.verifier().is_err(), "a source without anchors must never come to be");
    world.table = world.table.replace("\"pinned\"", "\"web\"");
    let said = world.send();
    assert!(said.is("untrusted_key", "x509/no-path"), "{said:?}");
}

#[test]
fn what_is_not_held_is_asked_for_once_it_may_be() {
    let (root, key) = (root("the root"), key());
    let mut world = World::fetched(&root.pem, root.issue(&key, |_| {}), &key);
    let document = world.documents.remove(0).1;
    let said = world.send();
    assert!(said.is("unresolved", URL) && said.asked == [URL], "{said:?}");
    let said = world.clone().header("x-cert-url", "https://evil.example/a.pem").send();
    assert!(said.is("untrusted_key", "remote/host-not-allowed") && said.asked.is_empty(), "{said:?}");
    world.documents.push((URL.into(), document));
    assert_eq!(world.send().code, "ok");
}

/// Whether a name can be fetched is for the host to say; the mode only asks.
#[test]
fn a_certificate_may_have_a_name_instead_of_a_url() {
    let (root, key) = (root("the root"), key());
    let leaf = root.issue(&key, |_| {});
    let mut world = World::fetched(&root.pem, &leaf, &key).header("x-serial", "5F3A");
    world.table = "name = \"acme/{header:x-serial}\"\nroots = \"pinned\"".into();
    let said = world.send();
    assert!(said.is("unresolved", "acme/5F3A"), "{said:?}");
    assert_eq!(world.clone().document("acme/5F3A", &leaf).send().code, "ok");
    assert!(world.header("x-serial", "../5F3A").send().is("unknown_key", "remote/name-not-allowed"));
}

#[test]
fn every_detail_code_is_declared_and_given() {
    let (root, key) = (root("the root"), key());
    let leaf = root.issue(&key, |_| {});
    let fetched = World::fetched(&root.pem, &leaf, &key);
    let sent = World::sent(&root.pem, &leaf, &key);
    let other_curve = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
    let issued =
        |change: fn(&mut rcgen::CertificateParams)| fetched.clone().document(URL, root.issue(&key, change));
    let mut named = fetched.clone().header("x-serial", "a b");
    named.table = "name = \"acme/{header:x-serial}\"\nroots = \"pinned\"".into();
    let url = |url: &str| fetched.clone().header("x-cert-url", url);
    let mut absent = fetched.clone();
    absent.headers.remove(0);
    let mut lacking = sent.clone();
    lacking.headers.remove(0);
    let cases: [(World, &str, &str); 18] = [
        (lacking, "missing_header", "x509/absent"),
        (sent.clone().header("x-cert", "AAAA"), "malformed_signature", "x509/unreadable"),
        (
            World::fetched(&root.pem, root.issue(&other_curve, |_| {}), &other_curve),
            "untrusted_key",
            "x509/key-unfit",
        ),
        (fetched.clone().document(URL, "<html>"), "untrusted_key", "x509/malformed"),
        (fetched.clone().with("chain_length = 2"), "untrusted_key", "x509/chain-length"),
        (
            fetched.clone().document(URL, signer().self_signed(&key).unwrap().pem()),
            "untrusted_key",
            "x509/no-path",
        ),
        (fetched.clone().at(NOW + 5 * 366 * 86_400), "untrusted_key", "x509/expired"),
        (fetched.clone().at(NOW - 7 * 366 * 86_400), "untrusted_key", "x509/not-yet-valid"),
        (issued(|params| params.subject_alt_names.clear()), "untrusted_key", "x509/wrong-name"),
        (fetched.clone().with("purposes = [\"1.3.6.1.5.5.7.3.3\"]"), "untrusted_key", "x509/wrong-purpose"),
        (fetched.clone().with("leaf_oids = [\"1.2.3.4\"]"), "untrusted_key", "x509/missing-oid"),
        (absent, "missing_header", "remote/absent"),
        (url("https://keys.example.com/\\a.pem"), "malformed_signature", "remote/url-malformed"),
        (url("http://keys.example.com/a.pem"), "untrusted_key", "remote/url-not-allowed"),
        (url("https://evil.example/a.pem"), "untrusted_key", "remote/host-not-allowed"),
        (url("https://keys.example.com/abc.pem"), "untrusted_key", "remote/path-not-allowed"),
        (named, "unknown_key", "remote/name-not-allowed"),
        // Too much to be read at all.
        (
            sent.header("x-cert", &base64_simd::STANDARD.encode_to_string(vec![b'-'; 70_000])),
            "malformed_signature",
            "x509/unreadable",
        ),
    ];
    assert_eq!(fetched.send().code, "ok");
    let mut given = BTreeSet::new();
    for (world, code, detail) in cases {
        let said = world.send();
        assert!(said.is(code, detail), "{detail}: {said:?}");
        given.insert((detail.to_owned(), code));
    }
    let info = countersign_x509::mode();
    let declared = info.info().details.iter().map(|(code, reason, _)| (code.to_string(), reason.code()));
    let of_ours = |(code, _): &(String, &str)| code.starts_with("x509/") || code.starts_with("remote/");
    assert_eq!(given, declared.filter(of_ours).collect::<BTreeSet<_>>());
}

#[test]
fn mistakes_are_told_when_the_preset_is_read() {
    let root = root("the root");
    let refused = |table: &str, says: &str| {
        let mut world = World::fetched(&root.pem, "", &key());
        world.table = table.into();
        let said = world.verifier().map(drop).unwrap_err();
        assert!(said.contains(says), "{table}: {said}");
        // Nothing is complained of that was not asked for.
        assert!(!said.contains("lacks `key`"), "{said}");
    };
    let fetched = "url = \"{header:x}\"\nhosts = [\"a.example.com\"]";
    for (table, says) in [
        ("", "lacks `url`"),
        (fetched, "lacks `roots`"),
        (&format!("{fetched}\nroots = \"system\""), "`roots` must be `web` or `pinned`"),
        (&format!("{fetched}\nroots = \"web\""), "lacks `names`"),
        (&format!("{fetched}\nroots = \"web\"\nnames = []"), "lacks `names`"),
        (
            &format!("{fetched}\nroots = \"pinned\"\nnames = [\"*.example.com\"]"),
            "`*.example.com` is no name",
        ),
        (&format!("{fetched}\nroots = \"pinned\"\npurposes = [\"code\"]"), "`code` is no object identifier"),
        (&format!("{fetched}\nroots = \"pinned\"\nleaf_oids = [\"1\"]"), "`1` is no object identifier"),
        (&format!("{fetched}\nroots = \"pinned\"\nintermediate_oids = [\"a\"]"), "`a` is no object"),
        (&format!("{fetched}\nroots = \"pinned\"\nchain_length = 6"), "an integer from 1 to 5"),
        ("url = \"{header:x}\"\nroots = \"pinned\"", "lacks `hosts`"),
        ("value = \"{header:x}\"\nhosts = []\nroots = \"pinned\"", "unknown key `hosts`"),
        ("value = \"{header:x}\"\nroots = \"pinned\"\nkey = 1", "unknown key `key`"),
    ] {
        refused(table, says);
    }
}

#[test]
fn an_operator_is_told_of_what_is_weak() {
    let notes = |template: &str, algorithm: &str| {
        let mut world = World::fetched(&root("the root").pem, "", &key());
        world.table.push_str("\n[[x509.case]]\nwhen = [{ value = \"{method}\", equals = \"POST\" }]");
        let text = world.preset().replace("signed_template = \"{body}\"\n", "");
        let text = text.replace("ecdsa-p256-sha256", algorithm);
        let mut registry = countersign::Registry::new();
        registry.register(countersign_x509::mode()).unwrap();
        registry.add_preset("a.toml", format!("{text}\nsigned_template = \"{template}\"")).unwrap();
        registry.named("attacked").unwrap().needs().notes.join("; ")
    };
    assert_eq!(notes("{body}", "rsa-pkcs1-sha256"), "");
    assert_eq!(notes("{body|sha256|hex}", "rsa-pkcs1-sha256"), "");
    assert!(notes("{body|crc32}", "rsa-pkcs1-sha256").contains("bound by a CRC-32 alone"));
    assert!(notes("{json:/a}", "rsa-pkcs1-sha256").contains("the body as such is not"));
    assert!(notes("{body}", "rsa-pkcs1-sha1").contains("SHA-1 is a legacy"));
}

#[test]
fn certificates_verify_and_sign_nothing() {
    let world = World::fetched(&root("the root").pem, "", &key());
    let mut registry = countersign::Registry::new();
    registry.register(countersign_x509::mode()).unwrap().add_preset("a.toml", world.preset()).unwrap();
    let compiled = registry.named("attacked").unwrap();
    let mut keys = countersign::Keyring::new();
    let material = countersign::Secret::new(&*world.anchors[0].0).unwrap();
    let id = countersign::KeyId::new("a");
    keys.add(countersign::Key::new(id, countersign::KeyKind::TrustAnchor, material)).unwrap();
    assert!(compiled.signer(&keys, &countersign::Vars::new()).is_err());
    // An anchor is a certificate, and no key that is public.
    let mut keys = countersign::Keyring::new();
    keys.add(countersign::Key::shared("a", &*world.anchors[0].0).unwrap()).unwrap();
    assert!(compiled.verifier("a", &keys, &countersign::Vars::new()).is_err());
}

#[test]
fn a_certificate_with_one_bit_changed_or_cut_short_is_believed_by_nobody() {
    let (root, key) = (root("the root"), key());
    let leaf = der(&root.issue(&key, |_| {}));
    let world = World::sent(&root.pem, &leaf, &key);
    let verifier = world.verifier().unwrap();
    assert_eq!(world.send_to(&verifier).code, "ok");
    let send = |bytes: &[u8]| {
        let encoded = base64_simd::STANDARD.encode_to_string(bytes);
        world.clone().header("x-cert", &encoded).send_to(&verifier)
    };
    for at in 0..leaf.len() {
        let mut changed = leaf.clone();
        changed[at] ^= 1 << (at % 8);
        let said = send(&changed);
        assert!(["untrusted_key", "malformed_signature"].contains(&said.code), "bit in {at}: {said:?}");
        let said = send(&leaf[..at]);
        let empty = at == 0 && said.code == "malformed_content";
        assert!(empty || said.is("malformed_signature", "x509/unreadable"), "cut at {at}: {said:?}");
    }
    let said = send(&[&leaf[..], &[0]].concat());
    assert!(said.is("malformed_signature", "x509/unreadable"), "{said:?}");
}
