//! Chains that are right, and chains that are wrong in one way each.
#![cfg(feature = "x509")]
#![allow(clippy::unwrap_used)]

use countersign::Timestamp;
use countersign_keys::chain::{Anchors, Demands, Leaf, MAX_CHAIN, Untrusted, certificates, verify_chain};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, date_time_ymd,
};

/// 2026-01-01T00:00:00Z, in the middle of every validity here but the wrong ones.
const NOW: i64 = 1_767_225_600;
const LEAF_OID: &[u64] = &[1, 2, 840, 113635, 100, 6, 11, 1];
const ISSUER_OID: &[u64] = &[1, 2, 840, 113635, 100, 6, 2, 1];

/// One certificate and its key.
struct Made {
    der: Vec<u8>,
    params: CertificateParams,
    key: KeyPair,
}

impl Made {
    fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2025, 1, 1);
    params.not_after = date_time_ymd(2027, 1, 1);
    params
}

fn ca(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

fn root() -> Made {
    let (params, key) = (ca("root"), KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap());
    let der = params.self_signed(&key).unwrap().der().to_vec();
    Made { der, params, key }
}

fn signed(params: CertificateParams, by: &Made) -> Made {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let der = params.signed_by(&key, &by.issuer()).unwrap().der().to_vec();
    Made { der, params, key }
}

fn leaf() -> CertificateParams {
    let mut params = params("leaf.example.com");
    params.subject_alt_names = vec![rcgen::SanType::DnsName("sns.eu-west-1.example.com".try_into().unwrap())];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params
}

/// A leaf and a CA between it and the root, changed at will: the chain and the root.
fn chain(
    leaf_is: impl FnOnce(&mut CertificateParams),
    ca_is: impl FnOnce(&mut CertificateParams),
) -> (Vec<Vec<u8>>, Made) {
    let root = root();
    let (mut leaf, mut between) = (leaf(), ca("between"));
    leaf_is(&mut leaf);
    ca_is(&mut between);
    let between = signed(between, &root);
    let leaf = signed(leaf, &between);
    (vec![leaf.der, between.der], root)
}

fn judge(chain: &[Vec<u8>], root: &Made, demands: &Demands) -> Result<Leaf, Untrusted> {
    let anchors = Anchors::pinned([&root.der]).unwrap();
    verify_chain(chain, &anchors, Timestamp::from_unix(NOW), demands)
}

fn as_is(_: &mut CertificateParams) {}

#[test]
fn a_chain_is_believed_until_its_first_certificate_expires() {
    let narrow = |params: &mut CertificateParams| params.not_after = date_time_ymd(2026, 2, 1);
    let late = |params: &mut CertificateParams| params.not_before = date_time_ymd(2025, 6, 1);
    let (chain, root) = chain(late, narrow);
    let leaf = judge(&chain, &root, &Demands::default()).unwrap();
    assert_eq!(leaf.anchors, [0]);
    assert_eq!(leaf.key.kind(), "an ECDSA key on P-256");
    let at = Timestamp::from_unix;
    assert_eq!((leaf.not_before, leaf.not_after), (at(1_748_736_000), at(1_769_904_000)));
    // Both bounds are inside, and to the second: RFC 5280, section 4.1.2.5.
    for (second, judged) in [
        (1_748_735_999, Err(Untrusted::NotYetValid)),
        (1_748_736_000, Ok(())),
        (1_769_904_000, Ok(())),
        (1_769_904_001, Err(Untrusted::Expired)),
    ] {
        let now = at(second);
        assert_eq!(leaf.judge(now), judged);
        let again = verify_chain(&chain, &Anchors::pinned([&root.der]).unwrap(), now, &Demands::default());
        assert_eq!(again.map(drop), judged, "a remembered path is judged as a fresh one");
    }
    assert_eq!(leaf.judge(Timestamp::from_unix_ms(1_769_904_000_999)), Ok(()));
}

#[test]
fn a_chain_that_is_wrong_in_one_way_is_refused_for_it() {
    type Change = fn(&mut CertificateParams);
    let signs_crls: Change = |params| params.key_usages = vec![KeyUsagePurpose::CrlSign];
    let is_ca: Change = |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let is_no_ca: Change = |params| params.is_ca = IsCa::ExplicitNoCa;
    let expired: Change = |params| params.not_after = date_time_ymd(2025, 12, 31);
    let future: Change = |params| params.not_before = date_time_ymd(2026, 1, 2);
    let critical: Change = |params| {
        let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
        extension.set_criticality(true);
        params.custom_extensions = vec![extension];
    };
    let agrees: Change = |params| params.key_usages = vec![KeyUsagePurpose::KeyAgreement];
    for (leaf, between, reason) in [
        (expired, as_is as Change, Untrusted::Expired),
        (as_is, expired, Untrusted::Expired),
        (future, as_is, Untrusted::NotYetValid),
        (as_is, future, Untrusted::NotYetValid),
        (as_is, is_no_ca, Untrusted::NoPath),
        (as_is, signs_crls, Untrusted::NoPath),
        (is_ca, as_is, Untrusted::NoPath),
        (critical, as_is, Untrusted::NoPath),
        (as_is, critical, Untrusted::NoPath),
        (agrees, as_is, Untrusted::WrongPurpose),
    ] {
        let (chain, root) = chain(leaf, between);
        assert_eq!(judge(&chain, &root, &Demands::default()).err(), Some(reason));
    }
}

#[test]
fn only_pinned_roots_are_believed_and_every_one_that_a_chain_leads_to_is_told() {
    let (chain, root) = chain(as_is, as_is);
    let other = self::root();
    let none = Demands::default();
    assert_eq!(judge(&chain, &other, &none).err(), Some(Untrusted::NoPath), "a root of the same name");
    let with_root = [&chain[..], std::slice::from_ref(&other.der)].concat();
    assert_eq!(judge(&with_root, &root, &none).unwrap().anchors, [0], "what else was sent does not matter");
    let own_root = [&chain[..], std::slice::from_ref(&root.der)].concat();
    assert_eq!(
        judge(&own_root, &other, &none).err(),
        Some(Untrusted::NoPath),
        "a root that was sent is no anchor"
    );
    assert_eq!(judge(&chain[..1], &root, &none).err(), Some(Untrusted::NoPath), "without the one between");
    let swapped = [chain[1].clone(), chain[0].clone()];
    assert_eq!(judge(&swapped, &root, &none).err(), Some(Untrusted::NoPath), "the last comes first");

    let renewed = root.params.self_signed(&root.key).unwrap().der().to_vec();
    let anchors = Anchors::pinned([&other.der, &root.der, &renewed]).unwrap();
    let leaf = verify_chain(&chain, &anchors, Timestamp::from_unix(NOW), &none).unwrap();
    assert_eq!(leaf.anchors, [1, 2]);
    let web = verify_chain(&chain, &Anchors::web(), Timestamp::from_unix(NOW), &none);
    assert_eq!(web.err(), Some(Untrusted::WrongName), "anybody has a website");
    let named = Demands::default().name("sns.eu-west-1.example.com").unwrap();
    let web = verify_chain(&chain, &Anchors::web(), Timestamp::from_unix(NOW), &named);
    assert_eq!(web.err(), Some(Untrusted::NoPath));
}

#[test]
fn of_several_paths_the_narrowest_validity_counts() {
    let (one, other) = (root(), {
        let (params, key) = (ca("another root"), KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap());
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Made { der, params, key }
    });
    let between = signed(ca("between"), &one);
    let mut narrow = ca("between");
    narrow.not_before = date_time_ymd(2025, 6, 1);
    narrow.not_after = date_time_ymd(2026, 2, 1);
    let cross = narrow.signed_by(&between.key, &other.issuer()).unwrap().der().to_vec();
    let leaf = signed(leaf(), &between);
    let chain = [leaf.der, between.der, cross];
    let now = Timestamp::from_unix(NOW);
    for (roots, validity) in [
        ([&one, &one], [1_735_689_600, 1_798_761_600]),
        ([&one, &other], [1_748_736_000, 1_769_904_000]),
        ([&other, &one], [1_748_736_000, 1_769_904_000]),
    ] {
        let anchors = Anchors::pinned(roots.map(|root| &root.der)).unwrap();
        let leaf = verify_chain(&chain, &anchors, now, &Demands::default()).unwrap();
        assert_eq!([leaf.not_before.unix(), leaf.not_after.unix()], validity);
        assert_eq!(leaf.anchors, [0, 1]);
    }
}

#[test]
fn names_are_those_of_the_san_and_a_wildcard_in_it_speaks_for_nobody() {
    let dns = |name: &str| rcgen::SanType::DnsName(name.try_into().unwrap());
    let with = |names: &[&str], pattern: &str| {
        let (chain, root) =
            chain(|leaf| leaf.subject_alt_names = names.iter().map(|name| dns(name)).collect(), as_is);
        judge(&chain, &root, &Demands::default().name(pattern).unwrap()).map(drop)
    };
    for (names, pattern, good) in [
        (&["sns.example.com"][..], "sns.example.com", true),
        (&["a.example.com", "sns.example.com"], "sns.example.com", true),
        (&["SNS.example.COM"], "sns.example.com", true),
        (&["sns.eu-west-1.example.com"], "sns.*.example.com", true),
        (&["sns.eu-west-1.example.com"], "sns.example.com", false),
        (&["sns.a.b.example.com"], "sns.*.example.com", false),
        (&["sns.example.com"], "sns.*.example.com", false),
        (&["evil.sns.eu.example.com"], "sns.*.example.com", false),
        (&["sns.eu.example.com.evil.net"], "sns.*.example.com", false),
        (&["sns.*.example.com"], "sns.*.example.com", false),
        (&["*.example.com"], "sns.example.com", false),
        (&["sns.example.com", "*.example.com"], "sns.example.com", false),
        // The common name is `leaf.example.com`.
        (&[], "leaf.example.com", false),
        (&["sns.example.com"], "leaf.example.com", false),
    ] {
        let wanted = if good { Ok(()) } else { Err(Untrusted::WrongName) };
        assert_eq!(with(names, pattern), wanted, "{names:?} for {pattern}");
    }
    for bad in [
        "",
        "com",
        "*.example.com",
        "sns.*.com",
        "s*.example.com",
        "a.*.*.example.com",
        "A.example.com",
        "a..b",
    ] {
        assert!(Demands::default().name(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn purposes_extensions_and_length_are_as_demanded() {
    let mark = |oid: &[u64]| vec![CustomExtension::from_oid_content(oid, vec![5, 0])];
    let signs_code = |params: &mut CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning]
    };
    let serves = |params: &mut CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]
    };
    let code = || Demands::default().purpose("1.3.6.1.5.5.7.3.3").unwrap();
    let (good, good_root) = chain(signs_code, as_is);
    judge(&good, &good_root, &code()).unwrap();
    for (leaf, between) in [
        (as_is as fn(&mut CertificateParams), as_is as fn(&mut CertificateParams)),
        (serves, as_is),
        (signs_code, serves),
    ] {
        let (chain, root) = chain(leaf, between);
        assert_eq!(judge(&chain, &root, &code()).err(), Some(Untrusted::WrongPurpose));
        judge(&chain, &root, &Demands::default()).unwrap();
    }

    let marked = || {
        let demands = Demands::default().leaf_oid("1.2.840.113635.100.6.11.1").unwrap();
        demands.issuer_oid("1.2.840.113635.100.6.2.1").unwrap()
    };
    let with = |leaf: &[u64], between: &[u64]| {
        let (chain, root) =
            chain(|p| p.custom_extensions = mark(leaf), |p| p.custom_extensions = mark(between));
        judge(&chain, &root, &marked()).map(drop)
    };
    assert_eq!(with(LEAF_OID, ISSUER_OID), Ok(()));
    for (leaf, between) in [(ISSUER_OID, LEAF_OID), (LEAF_OID, LEAF_OID), (ISSUER_OID, ISSUER_OID)] {
        assert_eq!(with(leaf, between), Err(Untrusted::MissingOid));
    }
    for bad in ["", "1", "1.2", "1.2.", "1.02.3", "3.1.1", "1.40.1", "1.2.x", "1.2.99999999999"] {
        assert!(Demands::default().leaf_oid(bad).is_err(), "{bad:?}");
    }

    let two = judge(&good, &good_root, &Demands::default().length(2));
    assert!(two.is_ok());
    assert_eq!(judge(&good, &good_root, &Demands::default().length(3)).err(), Some(Untrusted::ChainLength));
    assert_eq!(judge(&[], &good_root, &Demands::default()).err(), Some(Untrusted::ChainLength));
    let long = vec![good[0].clone(); MAX_CHAIN + 1];
    assert_eq!(judge(&long, &good_root, &Demands::default()).err(), Some(Untrusted::ChainLength));
}

#[test]
fn certificates_are_read_strictly_and_five_at_most() {
    let (chain, root) = chain(as_is, as_is);
    let pem = |der: &[u8]| {
        let base64 = base64_simd::STANDARD.encode_to_string(der);
        format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n")
    };
    let text: String = chain.iter().map(|der| pem(der)).collect();
    assert_eq!(certificates(text.as_bytes()).unwrap(), chain);
    assert_eq!(certificates(&chain[0]).unwrap(), chain[..1]);
    assert_eq!(certificates(text.repeat(3).as_bytes()), Err(Untrusted::ChainLength));
    let key = text.replace("CERTIFICATE", "PUBLIC KEY");
    let around = format!("Subject: somebody\n{text}");
    for bad in [&b""[..], b"x", &chain.concat(), key.as_bytes(), around.as_bytes()] {
        assert_eq!(certificates(bad), Err(Untrusted::Malformed));
    }
    let junk = vec![vec![0x30, 0], chain[1].clone()];
    assert_eq!(judge(&junk, &root, &Demands::default()).err(), Some(Untrusted::Malformed));
    assert!(Anchors::pinned([text.as_bytes()]).is_err(), "one anchor a key");
    assert!(Anchors::pinned([b"junk"]).is_err());
    assert!(Anchors::pinned([pem(&root.der)]).is_ok());
}

#[test]
fn no_byte_of_a_certificate_can_be_changed() {
    let (chain, root) = chain(as_is, as_is);
    let anchors = Anchors::pinned([&root.der]).unwrap();
    let now = Timestamp::from_unix(NOW);
    for which in 0..chain.len() {
        for at in 0..chain[which].len() {
            let mut changed = chain.clone();
            changed[which][at] ^= 1;
            assert!(
                verify_chain(&changed, &anchors, now, &Demands::default()).is_err(),
                "{which}: byte {at}"
            );
        }
    }
}
