//! Known attacks on certificates and on the URLs they are fetched by, each named after its id in the corpus. Every one that is
//! refused has a twin that verifies, so that a test of a broken thing does not pass by being broken.
#![allow(clippy::unwrap_used)]

mod shared;

use base64_simd::{STANDARD, URL_SAFE_NO_PAD};
use countersign::{Document, Registry, Timestamp};
use countersign_testkit::{Case, SecretSpec, VectorFile};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    KeyUsagePurpose, NameConstraints, SanType, date_time_ymd,
};
use shared::*;
use std::time::Instant;

/// Cases of the corpus that are not tests here, and why.
const ELSEWHERE: [(&str, &str); 1] = [(
    "ATK-197",
    "nothing is revoked here: providers publish no lists to rely on; hosts keep copies for a short time",
)];

/// An authority, one below it, and a signer's key: the least that a chain is made of.
struct Chain {
    root: Authority,
    middle: Authority,
    key: rcgen::KeyPair,
}

impl Chain {
    fn new() -> Self {
        let root = root("the root");
        let middle = root.below("the middle", |params| {
            params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        });
        Chain { root, middle, key: key() }
    }

    /// What comes of a request under a signer's certificate.
    fn send(&self, change: impl FnOnce(&mut CertificateParams)) -> Said {
        self.world(change).send()
    }

    fn world(&self, change: impl FnOnce(&mut CertificateParams)) -> World {
        let leaf = self.middle.issue(&self.key, change);
        World::fetched(&self.root.pem, leaf + &self.middle.pem, &self.key)
    }
}

#[track_caller]
fn untrusted(said: &Said, detail: &str) {
    assert!(said.is("untrusted_key", detail), "{said:?}");
}

#[track_caller]
fn verified(said: &Said) {
    assert_eq!(said.code, "ok", "{said:?}");
}

#[test]
fn atk_181_a_chain_that_leads_nowhere() {
    let chain = Chain::new();
    verified(&chain.send(|_| {}));
    let lone = signer().self_signed(&chain.key).unwrap().pem();
    untrusted(&World::fetched(&chain.root.pem, lone, &chain.key).send(), "x509/no-path");
}

#[test]
fn atk_182_a_root_that_came_along() {
    let (chain, impostor) = (Chain::new(), root("the root"));
    let leaf = impostor.issue(&chain.key, |_| {});
    let sent = |document: String| World::fetched(&chain.root.pem, document, &chain.key).send();
    untrusted(&sent(leaf.clone() + &impostor.pem), "x509/no-path");
    untrusted(&sent(leaf.clone() + &impostor.pem + &chain.root.pem), "x509/no-path");
    let mut other = World::fetched(&impostor.pem, leaf + &impostor.pem, &chain.key);
    verified(&other.send());
    other.anchors[0].0 = chain.root.pem.clone().into_bytes();
    untrusted(&other.send(), "x509/no-path");
}

#[test]
fn atk_183_names_that_match_and_signatures_that_do_not() {
    let chain = Chain::new();
    let mut forger = root("the root").below("the middle", |_| {});
    forger.params = chain.middle.params.clone();
    let leaf = forger.issue(&chain.key, |_| {});
    untrusted(&World::fetched(&chain.root.pem, leaf + &chain.middle.pem, &chain.key).send(), "x509/no-path");
}

#[test]
fn atk_184_a_signer_that_issues() {
    let chain = Chain::new();
    for flag in [IsCa::NoCa, IsCa::ExplicitNoCa] {
        let signer = chain.root.below("a signer", |params| params.is_ca = flag);
        let leaf = signer.issue(&chain.key, |_| {});
        untrusted(&World::fetched(&chain.root.pem, leaf + &signer.pem, &chain.key).send(), "x509/no-path");
    }
}

#[test]
fn atk_185_path_lengths_and_key_usage() {
    let chain = Chain::new();
    let deeper = chain.middle.below("too deep", |_| {});
    let leaf = deeper.issue(&chain.key, |_| {});
    let document = leaf + &deeper.pem + &chain.middle.pem;
    untrusted(&World::fetched(&chain.root.pem, document, &chain.key).send(), "x509/no-path");
    let mute = chain.root.below("may not sign", |params| params.key_usages = vec![KeyUsagePurpose::CrlSign]);
    let leaf = mute.issue(&chain.key, |_| {});
    untrusted(&World::fetched(&chain.root.pem, leaf + &mute.pem, &chain.key).send(), "x509/no-path");
    // What may sign nothing but certificates, or agree on keys alone, signs no messages.
    for usage in [KeyUsagePurpose::KeyAgreement, KeyUsagePurpose::KeyEncipherment] {
        untrusted(&chain.send(|params| params.key_usages = vec![usage]), "x509/wrong-purpose");
    }
}

#[test]
fn atk_186_a_certificate_for_another_purpose() {
    const MARKER: [u64; 7] = [1, 2, 840, 113635, 100, 6, 11];
    let marker = || CustomExtension::from_oid_content(&MARKER, vec![5, 0]);
    let root = root("the root");
    let marked = root.below("marked", |params| params.custom_extensions = vec![marker()]);
    let plain = root.below("plain", |_| {});
    let key = key();
    let oids = "leaf_oids = [\"1.2.840.113635.100.6.11\"]\nintermediate_oids = [\"1.2.840.113635.100.6.11\"]";
    let send = |middle: &Authority, extensions: Vec<CustomExtension>| {
        let leaf = middle.issue(&key, |params| params.custom_extensions = extensions);
        World::fetched(&root.pem, leaf + &middle.pem, &key).with(oids).send()
    };
    verified(&send(&marked, vec![marker()]));
    untrusted(&send(&marked, vec![]), "x509/missing-oid");
    untrusted(&send(&plain, vec![marker()]), "x509/missing-oid");

    let chain = Chain::new();
    let signing = "purposes = [\"1.3.6.1.5.5.7.3.3\"]";
    let send = |purposes: Vec<ExtendedKeyUsagePurpose>| {
        chain.world(|params| params.extended_key_usages = purposes).with(signing).send()
    };
    verified(&send(vec![ExtendedKeyUsagePurpose::CodeSigning]));
    verified(&send(vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::CodeSigning]));
    untrusted(&send(vec![ExtendedKeyUsagePurpose::ServerAuth]), "x509/wrong-purpose");
    untrusted(&send(vec![ExtendedKeyUsagePurpose::Any]), "x509/wrong-purpose");
    untrusted(&send(vec![]), "x509/wrong-purpose");
}

#[test]
fn atk_188_before_and_after() {
    let chain = Chain::new();
    let until = chain.world(|params| params.not_after = date_time_ymd(2026, 1, 1));
    verified(&until.clone().at(NOW).send());
    untrusted(&until.at(NOW + 1).send(), "x509/expired");
    let from = chain.world(|params| params.not_before = date_time_ymd(2026, 1, 1));
    verified(&from.clone().at(NOW).send());
    untrusted(&from.at(NOW - 1).send(), "x509/not-yet-valid");
    // Of the whole path, not of its end alone.
    let old = chain.root.below("old", |params| params.not_after = date_time_ymd(2025, 1, 1));
    let leaf = old.issue(&chain.key, |_| {});
    let world = World::fetched(&chain.root.pem, leaf + &old.pem, &chain.key);
    verified(&world.clone().at(NOW - 400 * 86_400).send());
    untrusted(&world.send(), "x509/expired");
}

#[test]
fn atk_189_the_common_name_and_names_that_look_alike() {
    let chain = Chain::new();
    let common = |params: &mut CertificateParams| {
        params.subject_alt_names.clear();
        params.distinguished_name.push(rcgen::DnType::CommonName, NAME);
    };
    untrusted(&chain.send(common), "x509/wrong-name");
    for name in [
        "hooks.example.com.attacker.example",
        "evilhooks.example.com",
        "a.hooks.example.com",
        "example.com",
        "hooks.example.com\0.attacker.example",
    ] {
        let name = SanType::DnsName(name.try_into().unwrap());
        untrusted(&chain.send(|params| params.subject_alt_names = vec![name]), "x509/wrong-name");
    }
    let upper = SanType::DnsName("Hooks.Example.COM".try_into().unwrap());
    verified(&chain.send(|params| params.subject_alt_names = vec![upper]));
}

#[test]
fn atk_191_wildcards_and_name_constraints() {
    let chain = Chain::new();
    for names in [vec!["*.example.com"], vec!["*.example.com", NAME], vec!["hooks.*.com"]] {
        let names = names.into_iter().map(|name| SanType::DnsName(name.try_into().unwrap())).collect();
        untrusted(&chain.send(|params| params.subject_alt_names = names), "x509/wrong-name");
    }
    let constrained = |permitted: &str, excluded: &[&str]| {
        let subtree = |name: &str| GeneralSubtree::DnsName(name.to_owned());
        let middle = chain.root.below("constrained", |params| {
            params.name_constraints = Some(NameConstraints {
                permitted_subtrees: vec![subtree(permitted)],
                excluded_subtrees: excluded.iter().map(|name| subtree(name)).collect(),
            });
        });
        let leaf = middle.issue(&chain.key, |_| {});
        World::fetched(&chain.root.pem, leaf + &middle.pem, &chain.key).send()
    };
    verified(&constrained("example.com", &[]));
    untrusted(&constrained("example.org", &[]), "x509/no-path");
    untrusted(&constrained("example.com", &["hooks.example.com"]), "x509/no-path");
}

#[test]
fn atk_192_certificates_signed_with_sha1() {
    // Made by `openssl`, for rcgen signs none: one anchor, and one leaf signed twice.
    let anchor = include_str!("sha1/anchor.pem");
    let key = key();
    let send = |leaf: &str| World::fetched(anchor, leaf, &key).at(1_900_000_000).send();
    untrusted(&send(include_str!("sha1/leaf-sha1.pem")), "x509/no-path");
    // Its twin is believed; the key in it is of RSA, and no key of the test's.
    untrusted(&send(include_str!("sha1/leaf-sha256.pem")), "x509/key-unfit");
}

#[test]
fn atk_193_a_critical_extension_that_nobody_knows() {
    let chain = Chain::new();
    let with = |critical: bool| {
        let mut extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
        extension.set_criticality(critical);
        chain.send(|params| params.custom_extensions = vec![extension])
    };
    verified(&with(false));
    untrusted(&with(true), "x509/no-path");
    let mut extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
    extension.set_criticality(true);
    let middle = chain.root.below("critical", |params| params.custom_extensions = vec![extension]);
    let leaf = middle.issue(&chain.key, |_| {});
    untrusted(&World::fetched(&chain.root.pem, leaf + &middle.pem, &chain.key).send(), "x509/no-path");
}

#[test]
fn atk_194_a_chain_a_mile_long_and_one_that_is_a_maze() {
    let chain = Chain::new();
    let world = chain.world(|_| {});
    let leaf = chain.middle.issue(&chain.key, |_| {});
    let (long, longer) = (chain.middle.pem.repeat(5), chain.middle.pem.repeat(99));
    let maze: String = (0..4).map(|_| chain.root.below("the root", |_| {}).pem).collect();
    for (others, detail) in [(long, "x509/chain-length"), (longer, "x509/malformed"), (maze, "x509/no-path")]
    {
        let document = leaf.clone() + &others;
        let world = world.clone().document(URL, document);
        let verifier = world.verifier().unwrap();
        let start = Instant::now();
        untrusted(&world.send_to(&verifier), detail);
        // Ten milliseconds are the aim; a debug build on a busy machine gets more.
        assert!(start.elapsed().as_millis() < 500, "{:?}", start.elapsed());
    }
}

#[test]
fn atk_195_order_and_extras() {
    let root = root("the root");
    let (middle, key) = (root.below("the middle", |_| {}), key());
    let leaf = middle.issue(&key, |_| {});
    let send = |document: String| World::fetched(&root.pem, document, &key).with("chain_length = 3").send();
    verified(&send(leaf.clone() + &middle.pem + &root.pem));
    verified(&send(leaf.clone() + &root.pem + &middle.pem));
    untrusted(&send(root.pem.clone() + &middle.pem + &leaf), "x509/no-path");
    untrusted(&send(leaf.clone() + &middle.pem), "x509/chain-length");
    untrusted(&send(leaf.clone() + &middle.pem + &root.pem + &root.pem), "x509/chain-length");
}

#[test]
fn atk_196_a_certificate_in_another_spelling() {
    let chain = Chain::new();
    let leaf = chain.root.issue(&chain.key, |_| {});
    let world = World::sent(&chain.root.pem, der(&leaf), &chain.key);
    verified(&world.send());
    let unpadded = URL_SAFE_NO_PAD.encode_to_string(der(&leaf));
    assert_eq!(world.clone().header("x-cert", &unpadded).send().code, "malformed_content");
    let with_space = format!(" {}\n", STANDARD.encode_to_string(der(&leaf))).replace('A', "A ");
    assert_eq!(world.header("x-cert", with_space.trim()).send().code, "malformed_content");
}

// ───────────── where certificates are fetched, and what is mapped, through the presets ─────────────

/// A case of a preset's vectors, to be changed and sent.
struct Shipped {
    registry: Registry,
    case: Case,
}

impl Shipped {
    fn new(preset: &str, vectors: &str, case: &str) -> Self {
        let mut registry = Registry::new();
        registry.register(countersign_x509::mode()).unwrap().add_preset("shipped.toml", preset).unwrap();
        let case = VectorFile::parse("shipped.vectors.toml", vectors).unwrap().case(case).unwrap().clone();
        Shipped { registry, case }
    }

    fn sns() -> Self {
        let preset = include_str!("../../../presets/aws-sns.toml");
        Self::new(preset, include_str!("../../../presets/aws-sns.vectors.toml"), "v2")
    }

    fn paypal() -> Self {
        let preset = include_str!("../../../presets/paypal.toml");
        Self::new(preset, include_str!("../../../presets/paypal.vectors.toml"), "sale")
    }

    fn alexa() -> Self {
        let preset = include_str!("../../../presets/alexa.toml");
        Self::new(preset, include_str!("../../../presets/alexa.vectors.toml"), "hello")
    }

    fn with_body(mut self, old: &str, new: &str) -> Self {
        let body = String::from_utf8(self.case.request.body).unwrap();
        assert!(body.contains(old), "{old}");
        self.case.request.body = body.replace(old, new).into_bytes();
        self
    }

    fn with_header(mut self, name: &str, value: &str) -> Self {
        let header = self.case.request.headers.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name));
        header.unwrap().1 = value.as_bytes().to_vec();
        self
    }

    fn send(&self) -> Said {
        let Case { preset, overrides, secrets, vars, documents, now, request, .. } = &self.case;
        let overrides = overrides.clone().unwrap();
        let compiled = self.registry.named_with(preset, overrides).unwrap();
        let keys = SecretSpec::ring(secrets, compiled.needs().key_kind(false)).unwrap();
        let verifier = compiled.verifier("test", &keys, vars).unwrap();
        // Whatever is asked for is there, so that nothing is refused for being absent.
        let text = documents[0].1.as_bytes();
        let document = Document::new(text, Timestamp::from_unix(now.unix()));
        let all: Vec<_> = EVERY_URL
            .iter()
            .map(|url| (*url).to_owned())
            .chain(documents.iter().map(|(url, _)| url.to_string()))
            .map(|url| (url, document.clone()))
            .collect();
        ask(&verifier, &request.request(), now.unix(), &all)
    }
}

/// Addresses at which attackers keep certificates.
const EVERY_URL: [&str; 3] = [
    "https://s3.amazonaws.com/b/SimpleNotificationService-x.pem",
    "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem",
    "https://s3.amazonaws.com/echo.api/../evil/c.pem",
];

const SNS_URL: &str =
    "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem";

/// A URL under which nothing is fetched, whatever is there.
#[track_caller]
fn not_fetched(url: &str, code: &str) {
    let said = Shipped::sns().with_body(SNS_URL, url).send();
    assert!(said.code == code && said.asked.is_empty(), "{url}: {said:?}");
}

#[test]
fn atk_198_any_host_of_the_cloud() {
    let good = Shipped::sns().send();
    assert!(good.code == "ok" && good.asked == [SNS_URL], "{good:?}");
    not_fetched(EVERY_URL[0], "untrusted_key");
    not_fetched("https://sns.s3-ap-southeast-2.amazonaws.com/x.pem", "malformed_signature");
    not_fetched(
        "https://sns.us-east-1.amazonaws.com.s3.amazonaws.com/SimpleNotificationService-x.pem",
        "untrusted_key",
    );
    // A bucket called `sns`: its owner is anybody, and what looks like a region is the service.
    for service in ["s3", "s3-us-west-2", "s3-ap-southeast-2", "s3-accelerate", "s3express-use1-az4"] {
        let host = format!("https://sns.{service}.amazonaws.com");
        not_fetched(&format!("{host}/SimpleNotificationService-x.pem"), "malformed_signature");
        not_fetched(&format!("{host}.cn:443/SimpleNotificationService-x.pem"), "malformed_signature");
    }
    for region in ["sa-east-1", "us-gov-west-1"] {
        let url = format!("https://sns.{region}.amazonaws.com/SimpleNotificationService-x.pem");
        let said = Shipped::sns().with_body(SNS_URL, &url).send();
        assert!(said.code == "unresolved" && said.asked == [url], "{said:?}");
    }
}

#[test]
fn atk_199_a_user_in_the_url() {
    not_fetched("https://sns.us-east-1.amazonaws.com@evil.com/x.pem", "untrusted_key");
    not_fetched("https://sns.us-east-1.amazonaws.com%40evil.com/x.pem", "untrusted_key");
}

#[test]
fn atk_200_more_before_or_behind_the_host() {
    not_fetched(
        "https://sns.us-east-1.amazonaws.com.evil.com/SimpleNotificationService-x.pem",
        "untrusted_key",
    );
    not_fetched("https://evilsns.us-east-1.amazonaws.com/SimpleNotificationService-x.pem", "untrusted_key");
}

#[test]
fn atk_202_backslash_tab_and_newline() {
    for url in [
        r"https://sns.us-east-1.amazonaws.com\\@evil.com/x.pem",
        r"https://sns.us-east-1.amazonaws.com/SimpleNotificationService-x\n.pem",
        r"https://sns.us-east-1.amaz\tonaws.com/SimpleNotificationService-x.pem",
        r" https://sns.us-east-1.amazonaws.com/SimpleNotificationService-x.pem",
        r"https://sns.us-east-1.amazonaws.com/SimpleNotificationService-x.pem\u0000",
    ] {
        not_fetched(url, "malformed_signature");
    }
}

#[test]
fn atk_203_out_of_the_folder() {
    let good = Shipped::alexa().send();
    assert!(good.code == "ok" && good.asked.len() == 1, "{good:?}");
    for path in [
        "/echo.api/../evil/c.pem",
        "/echo.api/%2e%2e/evil/c.pem",
        "/echo.api%2f..%2fevil/c.pem",
        "/echo.api//c",
    ] {
        let url = format!("https://s3.amazonaws.com{path}");
        let said = Shipped::alexa().with_header("SignatureCertChainUrl", &url).send();
        assert!(
            said.is("untrusted_key", "remote/path-not-allowed") && said.asked.is_empty(),
            "{path}: {said:?}"
        );
    }
}

#[test]
fn atk_204_another_port() {
    not_fetched(&SNS_URL.replace(".com/", ".com:8443/"), "untrusted_key");
    not_fetched(&SNS_URL.replace(".com/", ".com:80/"), "untrusted_key");
    let said = Shipped::sns().with_body(SNS_URL, &SNS_URL.replace(".com/", ".com:443/")).send();
    assert!(said.code == "ok" && said.asked == [SNS_URL], "{said:?}");
}

#[test]
fn atk_205_a_query_or_a_fragment() {
    not_fetched("https://sns.us-east-1.amazonaws.com/latest?x=.pem", "untrusted_key");
    not_fetched(&format!("{SNS_URL}?x=1"), "untrusted_key");
    not_fetched(&format!("{SNS_URL}#x"), "untrusted_key");
}

#[test]
fn atk_206_an_open_redirect_on_an_allowed_host() {
    not_fetched("https://sns.us-east-1.amazonaws.com/?Action=GetEndpointAttributes", "untrusted_key");
    not_fetched(
        "https://sns.us-east-1.amazonaws.com/redirect/SimpleNotificationService-x.pem",
        "untrusted_key",
    );
}

/// The region of the URL is that of the topic; only a good signature is told so. A sandbox is another place.
#[test]
fn atk_207_another_region_or_environment() {
    let said = Shipped::sns().with_body(SNS_URL, EVERY_URL[1]).send();
    assert_eq!(said.code, "claim_mismatch", "{said:?}");
    let sandbox = "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-1d93a270";
    let said = Shipped::paypal().with_header("PAYPAL-CERT-URL", sandbox).send();
    assert!(said.is("untrusted_key", "remote/host-not-allowed") && said.asked.is_empty(), "{said:?}");
}

/// A topic that is not ours is refused, and its SubscribeURL is fetched neither then nor ever.
#[test]
fn atk_208_a_topic_of_someone_else() {
    let mut other = Shipped::sns();
    other.case.vars.set("topic_arn", "arn:aws:sns:us-east-1:123456789012:others");
    let said = other.send();
    assert!(said.code == "claim_mismatch" && said.asked == [SNS_URL], "{said:?}");
}

#[test]
fn atk_126_the_sender_chooses_sha1() {
    verified(&Shipped::paypal().send());
    for word in ["SHA1withRSA", "sha256withrsa", "SHA256withRSA ,", "none", ""] {
        let said = Shipped::paypal().with_header("PAYPAL-AUTH-ALGO", word).send();
        assert!(said.code == "malformed_signature" && said.asked.is_empty(), "{word}: {said:?}");
    }
}

#[test]
fn atk_127_the_version_chooses_sha1() {
    let version = r#""SignatureVersion": "2""#;
    for other in [r#""01""#, "1", "2", "2.0", r#""3""#, r#""""#, "true", r#"["2"]"#] {
        let said = Shipped::sns().with_body(version, &format!(r#""SignatureVersion": {other}"#)).send();
        assert!(said.code.starts_with("malformed") && said.asked.is_empty(), "{other}: {said:?}");
    }
    // A signature of the one is none of the other.
    let said = Shipped::sns().with_body(version, r#""SignatureVersion": "1""#).send();
    assert_eq!(said.code, "bad_signature");
}

#[test]
fn what_is_elsewhere_says_why() {
    for (id, why) in ELSEWHERE {
        assert!(id.starts_with("ATK-") && why.len() > 20);
    }
}
