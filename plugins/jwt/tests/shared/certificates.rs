//! Certificates for tokens, made here, and tokens that bring them.
#![allow(dead_code, reason = "each test uses some of it")]

use crate::shared::{BEARER, claims, part, registry};
use base64_simd::STANDARD;
use countersign::{Key, KeyId, KeyKind, Keyring, Secret, Timestamp, Vars, Verifier, Window};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, date_time_ymd,
};
use std::sync::Arc;

pub(crate) const SHAPE: &str = "x5c = { chain_length = 3, leaf_oids = [\"1.2.840.113635.100.6.11.1\"], intermediate_oids = [\"1.2.840.113635.100.6.2.1\"] }";
pub(crate) const LEAF: &[u64] = &[1, 2, 840, 113635, 100, 6, 11, 1];
pub(crate) const BETWEEN: &[u64] = &[1, 2, 840, 113635, 100, 6, 2, 1];

/// A certificate and its key.
pub(crate) struct Made {
    pub(crate) der: Vec<u8>,
    params: CertificateParams,
    key: KeyPair,
}

pub(crate) fn params(name: &str, oid: &[u64]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = (date_time_ymd(2023, 1, 1), date_time_ymd(2025, 1, 1));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    if !oid.is_empty() {
        params.custom_extensions = vec![CustomExtension::from_oid_content(oid, vec![5, 0])];
    }
    params
}

pub(crate) fn ca(name: &str, oid: &[u64]) -> CertificateParams {
    let mut params = params(name, oid);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

pub(crate) fn root() -> Made {
    let (params, key) =
        (ca("Apple Root CA - G3", &[]), KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap());
    let der = params.self_signed(&key).unwrap().der().to_vec();
    Made { der, params, key }
}

pub(crate) fn issued(params: CertificateParams, by: &Made) -> Made {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let der = params.signed_by(&key, &Issuer::from_params(&by.params, &by.key)).unwrap().der().to_vec();
    Made { der, params, key }
}

/// A chain of three, leaf first, and its leaf.
pub(crate) fn chain(root: &Made, leaf: &[u64], between: &[u64]) -> (Vec<Vec<u8>>, Made) {
    let between = issued(ca("between", between), root);
    let leaf = issued(params("leaf", leaf), &between);
    (vec![leaf.der.clone(), between.der, root.der.clone()], leaf)
}

/// A token with certificates spelled so in its header.
pub(crate) fn token(certificates: &[String], leaf: &Made) -> String {
    token_of(certificates, leaf, &claims(""))
}

/// The same with these claims.
pub(crate) fn token_of(certificates: &[String], leaf: &Made, claims: &str) -> String {
    let header = format!("{{\"alg\":\"ES256\",\"x5c\":{}}}", serde_json::to_string(certificates).unwrap());
    let jwk_key = leaf.key.serialize_der();
    let signing =
        countersign_keys::Signing::read(&jwk_key, countersign_keys::Algorithm::jose("ES256").unwrap())
            .unwrap();
    let content = format!("{}.{}", part(header), part(claims));
    let signature = signing.sign(&signing.verifying().content(&[content.as_bytes()])).unwrap();
    format!("{content}.{}", part(signature))
}

pub(crate) fn base64(chain: &[Vec<u8>]) -> Vec<String> {
    chain.iter().map(|der| STANDARD.encode_to_string(der)).collect()
}

/// A verifier under these roots, each named by its place and ending at some time.
pub(crate) fn pinned(shape: &str, roots: &[(&Made, Option<i64>)]) -> Arc<Verifier> {
    let table = format!(
        "{BEARER}algorithms = [\"ES256\"]\nkey = {{ forms = [{{ decode = \"pem\" }}, {{ decode = \"base64\" }}] }}\n{shape}"
    );
    let mut ring = Keyring::new();
    for (at, (root, ends)) in roots.iter().enumerate() {
        let material = Secret::new(STANDARD.encode_to_string(&root.der).into_bytes()).unwrap();
        let mut key = Key::new(KeyId::new(format!("root{at}")), KeyKind::TrustAnchor, material);
        key.window = Window { not_before: None, not_after: ends.map(Timestamp::from_unix) };
        ring.add(key).unwrap();
    }
    registry("", &table).named("acme").unwrap().verifier("tests", &ring, &Vars::new()).unwrap()
}
