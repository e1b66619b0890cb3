//! Two sources with one secret: what is signed for one verifies at the other.
//!
//! What is compared is what a key *does*, and not how it is written: a key longer than the hash's block is, to HMAC, its own
//! hash, so that two secrets that share no character can be one key. So each is asked for the MAC of one text of ours, and
//! the MACs are compared. They are compared in memory, once, and kept nowhere.

use super::SourceSecrets;
use crate::config::{Source, Warning, WarningCode};
use aws_lc_rs::hmac;
use countersign::config::{Complaints, ConfigCode, ConfigError, Node, Reader};
use countersign::template::KeyForms;
use countersign::{Key, KeyKind};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// What is hashed before a secret, so that a fingerprint of ours is found in no table of others'.
const SALT: &[u8] = b"countersign secret fingerprint v1\0";

/// Eight hexadecimal digits by which people tell secrets apart without seeing them: SHA-256 of a fixed text and the secret as
/// it is written. Four bytes name none of many; they would tell a guess from a miss, which a secret of any length worth the
/// name makes useless.
pub fn fingerprint(secret: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(SALT);
    hash.update(secret);
    const_hex::encode(&hash.finalize()[..4])
}

/// Every two sources that have a secret in common, once for each two keys. Public keys and roots are no secrets, and anybody's.
pub fn shared<'a>(sources: impl IntoIterator<Item = (&'a Source, &'a SourceSecrets)>) -> Vec<Warning> {
    let mut seen: BTreeMap<[u8; 32], (&Source, &Key)> = BTreeMap::new();
    let mut warnings = Vec::new();
    for (source, secrets) in sources {
        for (_, key) in secrets.keys.iter().filter(|(_, key)| key.kind == KeyKind::Shared) {
            let mut told = false;
            for print in prints(source, key) {
                let (other, its) = *seen.entry(print).or_insert((source, key));
                if other.name != source.name && !told {
                    told = true;
                    warnings.push(warning((other, its), (source, key)));
                }
            }
        }
    }
    warnings
}

fn warning((other, its): (&Source, &Key), (source, key): (&Source, &Key)) -> Warning {
    let says = format!(
        "key `{}` of source `{}` and key `{}` of source `{}` are one secret: what is signed for one verifies at the other",
        its.id, other.name, key.id, source.name
    );
    let told = ConfigError::new(ConfigCode::MalformedConfig, says);
    Warning::new(WarningCode::SharedSecret, told.help("have the provider make one for each"))
}

/// What the key makes of our text: by the hash of its own scheme, and by SHA-256, so that one secret is one whatever the
/// scheme.
fn prints(source: &Source, key: &Key) -> Vec<[u8; 32]> {
    let Some(bytes) = decoded(source, key) else { return Vec::new() };
    let mode = &source.compiled.preset().mode.value;
    let word = source.scheme.get(&[mode, "algorithm"]).and_then(Node::text).map(|word| &**word);
    let own = match word {
        Some("sha1") => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        Some("sha384") => hmac::HMAC_SHA384,
        Some("sha512") => hmac::HMAC_SHA512,
        _ => hmac::HMAC_SHA256,
    };
    let print = |algorithm: hmac::Algorithm| {
        let tag = hmac::sign(&hmac::Key::new(algorithm, &bytes), SALT);
        Sha256::digest(tag.as_ref()).into()
    };
    vec![print(own), print(hmac::HMAC_SHA256)]
}

/// The key's bytes, as the scheme's forms read them; as they are written where it has none that we know.
fn decoded(source: &Source, key: &Key) -> Option<Zeroizing<Vec<u8>>> {
    let raw = || Zeroizing::new(key.material.expose().to_vec());
    let mode = &source.compiled.preset().mode.value;
    let Some(node) = source.scheme.get(&[mode, "key"]) else { return Some(raw()) };
    let complaints = Complaints::new();
    let forms = KeyForms::read(&Reader::new(node, &complaints, "key"), &[key.kind]);
    match forms {
        Some(forms) if complaints.is_empty() => {
            // One that does not fit is told of when it is bound.
            forms.decode(key).ok().map(|secret| Zeroizing::new(secret.expose().to_vec()))
        }
        _ => Some(raw()),
    }
}
