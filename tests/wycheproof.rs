//! Wycheproof's known attacks on primitives, each as a request to a preset: what is here judged is not the library beneath but
//! all that stands between it and a sender, from the key's PEM to the outcome.
//!
//! What is `invalid` there never verifies. What is `valid` does, but for what a webhook must not take: cut tags, and salts of
//! another length than the preset's. The tables say how many of each, so that nothing is passed over in silence. Those of JOSE
//! are in another crate, and in `wycheproof_jws.rs`.
#![allow(clippy::unwrap_used)]

use countersign::{
    Compiled, Context, Head, Key, KeyId, KeyKind, Keyring, Outcome, Registry, Request, Secret, Timestamp,
    Vars, Verifier,
};
use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Arc;
use wycheproof::{HashFunction, TestResult, ecdsa, eddsa, mac, rsa_pkcs1_verify, rsa_pss_verify};

/// What came of a file.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Tally {
    /// Valid, and verified.
    verified: usize,
    /// Invalid, and refused.
    refused: usize,
    /// A matter of taste there, and refused here.
    acceptable: usize,
    /// Valid there, and refused here for the reason in the table.
    policy: usize,
    /// Of a key that is refused before there is any signature, valid or not.
    key: usize,
    /// Verified only because the preset spells that weak keys will do; in `verified`, too.
    weak: usize,
    /// Of groups that no algorithm of ours is for.
    skipped: usize,
}

/// A file, the algorithm it is run with, and what must come of it.
type Row = (&'static str, &'static str, Tally);

/// What must come of a file whose groups are all judged alike: verified, refused, acceptable.
const fn all(verified: usize, refused: usize, acceptable: usize) -> Tally {
    Tally { verified, refused, acceptable, ..NONE }
}

/// The same, where some of those that are verified are of a weak key.
const fn some_weak(weak: usize, tally: Tally) -> Tally {
    Tally { weak, ..tally }
}

/// The same, where some are refused though they are valid.
const fn and_policy(policy: usize, tally: Tally) -> Tally {
    Tally { policy, ..tally }
}

/// A file of keys that are refused.
const fn no_key(key: usize) -> Tally {
    Tally { key, ..NONE }
}

const NONE: Tally = Tally { verified: 0, refused: 0, acceptable: 0, policy: 0, key: 0, weak: 0, skipped: 0 };

/// Part of the names of files that are passed over, how many there are, and why. The first part that fits counts.
type Skip = (&'static str, usize, &'static str);

/// Tests that Wycheproof calls invalid for a reason that is not ours.
const OURS: [(&str, usize, &str); 1] =
    [("RsaPss2048Sha256Mgf1SaltLen0", 69, "its salt is as long as the hash: just what we want")];

const HMAC: [Row; 4] = [
    ("HmacSha1", "sha1", and_policy(33, all(33, 104, 0))),
    ("HmacSha256", "sha256", and_policy(33, all(33, 108, 0))),
    ("HmacSha384", "sha384", and_policy(33, all(33, 108, 0))),
    ("HmacSha512", "sha512", and_policy(33, all(33, 108, 0))),
];

const NOT_HMAC: [Skip; 7] = [
    ("Cmac", 3, "no mode has MACs of ciphers"),
    ("Kmac", 2, "no mode has KMAC"),
    ("SipHash", 5, "no signature, but a hash for tables"),
    ("HmacSha3_", 4, "no provider signs so"),
    ("HmacSha224", 1, "no provider signs so"),
    ("HmacSha512_", 2, "no provider signs so"),
    ("HmacSm3", 1, "no provider signs so"),
];

const NOT_EDDSA: [Skip; 1] = [("Ed448", 1, "no provider signs so")];

const NOT_ECDSA: [Skip; 9] = [
    ("Brainpool", 15, "no provider's curve, and not the library's"),
    ("Secp160", 6, "too small a curve"),
    ("Secp192", 4, "too small a curve"),
    ("Secp224", 15, "too small a curve"),
    ("Secp256k1", 11, "a curve of blockchains"),
    ("Sha3_", 5, "no provider signs so"),
    ("Shake", 6, "no provider signs so"),
    (
        "Secp256r1Sha512P1363",
        1,
        "r||s only with the hash of the curve's size: the library has no other, and nor has JOSE",
    ),
    (
        "Secp384r1Sha512P1363",
        1,
        "r||s only with the hash of the curve's size: the library has no other, and nor has JOSE",
    ),
];

const NOT_PKCS1: [Skip; 3] = [
    ("Sha224", 1, "no provider signs so"),
    ("Sha3_", 7, "no provider signs so"),
    ("Sha512_", 4, "no provider signs so"),
];

const NOT_PSS: [Skip; 4] = [
    ("Sha1Mgf1", 2, "no PSS with SHA-1: the library has none"),
    ("Sha512_", 2, "no provider signs so"),
    ("Shake", 5, "no provider signs so"),
    ("miscWithParams", 1, "keys with parameters, of which six other files have more"),
];

const EDDSA: [Row; 1] = [("Ed25519", "ed25519", all(88, 63, 0))];

const ECDSA: [Row; 9] = [
    ("EcdsaSecp256r1Sha256", "ecdsa-p256-sha256", all(174, 310, 0)),
    ("EcdsaSecp256r1Sha256P1363", "ecdsa-p256-sha256-p1363", all(173, 89, 0)),
    ("EcdsaSecp256r1Sha512", "ecdsa-p256-sha512", all(243, 311, 0)),
    ("EcdsaSecp384r1Sha256", "ecdsa-p384-sha256", all(162, 310, 0)),
    ("EcdsaSecp384r1Sha384", "ecdsa-p384-sha384", all(194, 310, 0)),
    ("EcdsaSecp384r1Sha384P1363", "ecdsa-p384-sha384-p1363", all(193, 87, 0)),
    ("EcdsaSecp384r1Sha512", "ecdsa-p384-sha512", all(231, 311, 0)),
    ("EcdsaSecp521r1Sha512", "ecdsa-p521-sha512", all(232, 310, 0)),
    ("EcdsaSecp521r1Sha512P1363", "ecdsa-p521-sha512-p1363", all(231, 87, 0)),
];

const RSA_PKCS1: [Row; 12] = [
    ("Rsa2048Sha256", "rsa-pkcs1-sha256", some_weak(2, all(9, 249, 1))),
    ("Rsa2048Sha384", "rsa-pkcs1-sha384", all(7, 250, 1)),
    ("Rsa2048Sha512", "rsa-pkcs1-sha512", some_weak(1, all(8, 250, 1))),
    ("Rsa3072Sha256", "rsa-pkcs1-sha256", some_weak(1, all(8, 250, 1))),
    ("Rsa3072Sha384", "rsa-pkcs1-sha384", all(7, 251, 1)),
    ("Rsa3072Sha512", "rsa-pkcs1-sha512", some_weak(1, all(8, 251, 1))),
    ("Rsa4096Sha256", "rsa-pkcs1-sha256", all(7, 250, 1)),
    ("Rsa4096Sha384", "rsa-pkcs1-sha384", all(7, 251, 1)),
    ("Rsa4096Sha512", "rsa-pkcs1-sha512", all(7, 251, 1)),
    ("Rsa8192Sha256", "rsa-pkcs1-sha256", all(7, 250, 1)),
    ("Rsa8192Sha384", "rsa-pkcs1-sha384", all(7, 251, 1)),
    ("Rsa8192Sha512", "rsa-pkcs1-sha512", all(7, 251, 1)),
];

const RSA_PSS: [Row; 16] = [
    ("RsaPss2048Sha256Mgf1SaltLen32", "rsa-pss-sha256", all(63, 45, 0)),
    ("RsaPss2048Sha384Mgf1SaltLen48", "rsa-pss-sha384", all(95, 46, 0)),
    ("RsaPss3072Sha256Mgf1SaltLen32", "rsa-pss-sha256", all(63, 45, 0)),
    ("RsaPss4096Sha256Mgf1SaltLen32", "rsa-pss-sha256", all(63, 45, 0)),
    ("RsaPss4096Sha384Mgf1SaltLen48", "rsa-pss-sha384", all(95, 46, 0)),
    ("RsaPss4096Sha512Mgf1SaltLen64", "rsa-pss-sha512", all(132, 47, 0)),
    ("RsaPss2048Sha256Mgf1SaltLen0", "rsa-pss-sha256", and_policy(61, all(1, 41, 0))),
    ("RsaPss2048Sha256Mgf1Sha1_20", "rsa-pss-sha256", and_policy(63, all(0, 45, 0))),
    ("RsaPss4096Sha512Mgf1SaltLen32", "rsa-pss-sha512", and_policy(132, all(0, 45, 0))),
    ("RsaPssmisc", "rsa-pss-sha256", Tally { skipped: 60, ..and_policy(87, all(3, 0, 0)) }),
    ("RsaPss2048Sha256Mgf1SaltLen0WithParams", "rsa-pss-sha256", no_key(103)),
    ("RsaPss2048Sha256Mgf1SaltLen32WithParams", "rsa-pss-sha256", no_key(108)),
    ("RsaPss2048Sha512Mgf1Sha256SaltLen32WithParams", "rsa-pss-sha512", no_key(178)),
    ("RsaPss3072Sha256Mgf1SaltLen32WithParams", "rsa-pss-sha256", no_key(108)),
    ("RsaPss4096Sha512Mgf1SaltLen32WithParams", "rsa-pss-sha512", no_key(177)),
    ("RsaPss4096Sha512Mgf1SaltLen64WithParams", "rsa-pss-sha512", no_key(179)),
];

/// One key and signatures of it.
struct Group {
    /// `None`: no algorithm of ours is for it.
    word: Option<&'static str>,
    /// Hex of a secret, or PEM.
    key: String,
    /// Even what is valid must be refused.
    policy: bool,
    /// Number, content, signature, result.
    tests: Vec<(usize, Vec<u8>, Vec<u8>, TestResult)>,
}

/// Presets of one mode, by algorithm.
struct Runner {
    mode: &'static str,
    form: &'static str,
    kind: KeyKind,
    presets: HashMap<String, Arc<Compiled>>,
}

impl Runner {
    fn new(mode: &'static str, form: &'static str, kind: KeyKind) -> Self {
        Runner { mode, form, kind, presets: HashMap::new() }
    }

    fn compiled(&mut self, word: &str) -> Option<Arc<Compiled>> {
        if let Some(compiled) = self.presets.get(word) {
            return Some(compiled.clone());
        }
        let Runner { mode, form, .. } = self;
        let text = format!(
            "schema = 1\nname = \"wycheproof\"\nmode = \"{mode}\"\n[{mode}]\nalgorithm = \"{word}\"\n\
             signed_template = \"{{body}}\"\nsignature_source = {{ header = \"x-signature\", encoding = \"hex\" }}\n\
             key = {{ forms = [{{ decode = \"{form}\" }}] }}\n"
        );
        let mut registry: Registry = countersign_modes::without_presets().unwrap();
        registry.add_preset("wycheproof.toml", text).unwrap();
        let compiled = registry.named("wycheproof").ok()?;
        self.presets.insert(word.to_owned(), compiled.clone());
        Some(compiled)
    }

    fn verifier(&mut self, word: &str, key: &str) -> Option<Arc<Verifier>> {
        let mut keys = Keyring::new();
        let material = Secret::new(key.as_bytes()).ok()?;
        keys.add(Key::new(KeyId::new("main"), self.kind, material)).unwrap();
        self.compiled(word)?.verifier("wycheproof", &keys, &Vars::new()).ok()
    }

    /// Judge every test of a group; what went wrong goes to `wrong`.
    fn run(&mut self, file: &str, group: &Group, tally: &mut Tally, wrong: &mut Vec<String>) {
        let Some(word) = group.word else {
            tally.skipped += group.tests.len();
            return;
        };
        let mut weak = false;
        let verifier = self.verifier(word, &group.key).or_else(|| {
            weak = true;
            self.verifier(&format!("{word}-weak-key"), &group.key)
        });
        let Some(verifier) = verifier else {
            tally.key += group.tests.len();
            return;
        };
        let ours = |number: &usize| OURS.iter().any(|(of, test, _)| *of == file && test == number);
        for (number, content, signature, result) in &group.tests {
            let headers = [("x-signature", const_hex::encode(signature))];
            let request = Request::new(Head::new("POST", "https://example.com/", &headers), content);
            let outcome = verifier.verify(&request, &Context::at(Timestamp::from_unix(1_700_000_000)));
            let verified = matches!(outcome, Outcome::Verified(_));
            match (result, verified) {
                (TestResult::Valid, true) if !group.policy => {
                    tally.verified += 1;
                    tally.weak += usize::from(weak);
                }
                (TestResult::Valid, false) if group.policy => tally.policy += 1,
                (TestResult::Invalid, true) if ours(number) => tally.verified += 1,
                (TestResult::Invalid, false) => tally.refused += 1,
                (TestResult::Acceptable, false) => tally.acceptable += 1,
                _ => wrong.push(format!("{number} is {result:?}, and verified is {verified}")),
            }
        }
    }
}

/// Run the files of a table; every other file of the family must stand in `skipped`, by a part of its name.
fn run<N: Debug>(
    all: Vec<N>,
    rows: &[Row],
    skipped: &[Skip],
    mut runner: Runner,
    groups: impl Fn(&N, &'static str) -> Vec<Group>,
) {
    let mut wrong = Vec::new();
    let mut passed_over = vec![0; skipped.len()];
    let mut found = Vec::new();
    for name in all {
        let file = format!("{name:?}");
        let Some((_, word, _)) = rows.iter().find(|(known, ..)| *known == file) else {
            match skipped.iter().position(|(part, ..)| file.contains(part)) {
                Some(at) => passed_over[at] += 1,
                None => wrong.push(format!("{file} stands in no table")),
            }
            continue;
        };
        let (mut tally, mut of_file) = (Tally::default(), Vec::new());
        groups(&name, word).iter().for_each(|group| runner.run(&file, group, &mut tally, &mut of_file));
        wrong.extend(of_file.into_iter().map(|says| format!("{file}: {says}")));
        found.push((file, tally));
    }
    for (file, _, wanted) in rows {
        match found.iter().find(|(name, _)| name == file) {
            Some((_, tally)) if tally == wanted => {}
            Some((_, tally)) => wrong.push(format!("{file}: {tally:?}")),
            None => wrong.push(format!("{file}: there is no such file")),
        }
    }
    for ((part, files, why), found) in skipped.iter().zip(passed_over) {
        if *files != found {
            wrong.push(format!("{found} files of `{part}` are passed over ({why}), not {files}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a group tests. Each family of files has types of its own, alike but for their names.
macro_rules! signed {
    ($group:ident) => {
        $group.tests.into_iter().map(|t| (t.tc_id, t.msg.to_vec(), t.sig.to_vec(), t.result)).collect()
    };
}

#[test]
fn hmac() {
    let groups = |name: &mac::TestName, word| {
        let set = mac::TestSet::load(*name).unwrap();
        let full = set.test_groups.iter().map(|group| group.tag_size).max().unwrap();
        let each = set.test_groups.into_iter().flat_map(|group| {
            let policy = group.tag_size != full;
            group.tests.into_iter().map(move |test| Group {
                word: Some(word),
                key: const_hex::encode(&*test.key),
                policy,
                tests: vec![(test.tc_id, test.msg.to_vec(), test.tag.to_vec(), test.result)],
            })
        });
        each.collect()
    };
    run(mac::TestName::all(), &HMAC, &NOT_HMAC, Runner::new("hmac", "hex", KeyKind::Shared), groups);
}

#[test]
fn ed25519() {
    let groups = |name: &eddsa::TestName, word| {
        let of = |group: eddsa::TestGroup| Group {
            word: Some(word),
            key: group.pem,
            policy: false,
            tests: signed!(group),
        };
        eddsa::TestSet::load(*name).unwrap().test_groups.into_iter().map(of).collect()
    };
    run(eddsa::TestName::all(), &EDDSA, &NOT_EDDSA, Runner::new("ed25519", "pem", KeyKind::Public), groups);
}

#[test]
fn ecdsa() {
    let groups = |name: &ecdsa::TestName, word| {
        let of = |group: ecdsa::TestGroup| Group {
            word: Some(word),
            key: group.pem,
            policy: false,
            tests: signed!(group),
        };
        ecdsa::TestSet::load(*name).unwrap().test_groups.into_iter().map(of).collect()
    };
    run(
        ecdsa::TestName::all(),
        &ECDSA,
        &NOT_ECDSA,
        Runner::new("public-key", "pem", KeyKind::Public),
        groups,
    );
}

#[test]
fn rsa_pkcs1() {
    let groups = |name: &rsa_pkcs1_verify::TestName, word| {
        let of = |group: rsa_pkcs1_verify::TestGroup| Group {
            word: Some(word),
            key: group.pem,
            policy: false,
            tests: signed!(group),
        };
        rsa_pkcs1_verify::TestSet::load(*name).unwrap().test_groups.into_iter().map(of).collect()
    };
    let runner = Runner::new("public-key", "pem", KeyKind::Public);
    run(rsa_pkcs1_verify::TestName::all(), &RSA_PKCS1, &NOT_PKCS1, runner, groups);
}

#[test]
fn rsa_pss() {
    let groups = |name: &rsa_pss_verify::TestName, _| {
        let of = |group: rsa_pss_verify::TestGroup| {
            let (word, length) = match group.hash {
                HashFunction::Sha2_256 => (Some("rsa-pss-sha256"), 32),
                HashFunction::Sha2_384 => (Some("rsa-pss-sha384"), 48),
                HashFunction::Sha2_512 => (Some("rsa-pss-sha512"), 64),
                _ => (None, 0),
            };
            Group {
                word,
                policy: group.salt_size != length || group.mgf_hash != Some(group.hash),
                key: group.pem,
                tests: signed!(group),
            }
        };
        rsa_pss_verify::TestSet::load(*name).unwrap().test_groups.into_iter().map(of).collect()
    };
    let runner = Runner::new("public-key", "pem", KeyKind::Public);
    run(rsa_pss_verify::TestName::all(), &RSA_PSS, &NOT_PSS, runner, groups);
}
