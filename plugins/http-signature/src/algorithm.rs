//! The names of algorithms on the wire, and the one rule about them: a key decides, and a name can only agree.
//!
//! So the algorithms of a preset must be such that no key fits two of them. A preset that took shared secrets beside public
//! keys would let whoever knows a public key make a MAC with it, and one that took RSA in two paddings would leave the
//! choice to the sender.

use countersign::config::{ConfigCode, ConfigError, Reader, Spanned, nearest, one_of};
use countersign::{Key, KeyError, KeyKind, Secret};
use countersign_keys::{Algorithm, Family, PublicKey, Rules, Signing, Verifying};

/// The registry of RFC 9421, as far as it is for requests.
pub(crate) const STANDARD: &[(&str, &str)] = &[
    ("hmac-sha256", "hmac-sha256"),
    ("ed25519", "ed25519"),
    ("ecdsa-p256-sha256", "ecdsa-p256-sha256-p1363"),
    ("ecdsa-p384-sha384", "ecdsa-p384-sha384-p1363"),
    ("rsa-pss-sha512", "rsa-pss-sha512"),
    ("rsa-v1_5-sha256", "rsa-pkcs1-sha256"),
];

/// The words of the drafts. The last one says nothing: the key is to be asked.
pub(crate) const DRAFT: &[(&str, &str)] = &[
    ("hmac-sha256", "hmac-sha256"),
    ("ed25519", "ed25519"),
    ("rsa-sha256", "rsa-pkcs1-sha256"),
    (HS2019, ""),
];

const HS2019: &str = "hs2019";

/// What a preset allows.
#[derive(Clone, Debug)]
pub(crate) struct Allowed {
    named: Vec<(&'static str, Algorithm)>,
    hidden: bool,
}

/// A key, ready.
pub(crate) struct Ready {
    /// Its algorithm's name on the wire.
    pub(crate) name: &'static str,
    pub(crate) algorithm: Algorithm,
    pub(crate) verifying: Verifying,
}

/// A key that signs, ready.
pub(crate) struct Hand {
    pub(crate) name: &'static str,
    verifying: Verifying,
    /// None: the secret is shared, and a MAC is all that is needed.
    signing: Option<Signing>,
}

impl Allowed {
    /// Read `algorithms`.
    pub(crate) fn read(table: &Reader<'_>, known: &'static [(&'static str, &'static str)]) -> Option<Self> {
        let words = || known.iter().map(|(word, _)| *word);
        if !table.has("algorithms") {
            table.missing("algorithms", format!("say which keys sign, of {}", one_of(words())));
        }
        let mut allowed = Allowed { named: Vec::new(), hidden: false };
        let mut unknown = false;
        for Spanned { value, span } in table.texts("algorithms")? {
            let complain = |says: String, help: String| {
                let error = ConfigError::at(ConfigCode::MalformedConfig, span.clone(), says);
                table.complaints().push(error.help(help));
            };
            let Some((word, ours)) = known.iter().find(|(word, _)| **word == *value) else {
                let help = match nearest(&value, words()) {
                    Some(near) => format!("write `{near}`"),
                    None => "leave it out".into(),
                };
                complain(format!("`algorithms` holds {}, but not `{value}`", one_of(words())), help);
                unknown = true;
                continue;
            };
            let Some(algorithm) = Algorithm::from_word(ours) else {
                allowed.hidden = true;
                continue;
            };
            if let Some((other, _)) = allowed.named.iter().find(|(_, other)| clash(*other, algorithm)) {
                complain(
                    format!("`{word}` beside `{other}`: one key would fit both, or a public key be a secret"),
                    "allow one of them, and write another preset for the other".into(),
                );
            }
            allowed.named.push((word, algorithm));
        }
        if unknown {
            return None;
        }
        if allowed.named.is_empty() {
            let says = "`algorithms` names none that a key has";
            table.complain(ConfigCode::MalformedConfig, table.span(), says);
            return None;
        }
        Some(allowed)
    }

    /// The kinds of key that these take.
    pub(crate) fn kinds(&self) -> &'static [KeyKind] {
        match self.named.first().map(|(_, algorithm)| algorithm.family()) {
            Some(Family::Hmac) => &[KeyKind::Shared],
            _ => &[KeyKind::Public, KeyKind::Private],
        }
    }

    /// What a name on the wire stands for: `None` if it is not allowed, `Some(None)` if it says nothing.
    pub(crate) fn find(&self, word: &str) -> Option<Option<Algorithm>> {
        match word == HS2019 && self.hidden {
            true => Some(None),
            false => self.named.iter().find(|(name, _)| *name == word).map(|(_, algorithm)| Some(*algorithm)),
        }
    }

    /// Whether the wire may be silent about the algorithm, by a name that says nothing.
    pub(crate) fn hidden_name(&self) -> Option<&'static str> {
        self.hidden.then_some(HS2019)
    }

    /// Make a key ready to verify. It decides which algorithm is its.
    pub(crate) fn ready(&self, key: &Key, bytes: &Secret) -> Result<Ready, KeyError> {
        let bytes = bytes.expose();
        match (self.named.as_slice(), key.kind) {
            ([(name, algorithm), ..], KeyKind::Shared) if algorithm.family() == Family::Hmac => {
                let verifying = Verifying::hmac(bytes, *algorithm)?;
                Ok(Ready { name, algorithm: *algorithm, verifying })
            }
            (_, KeyKind::Public) if self.kinds().contains(&KeyKind::Public) => {
                let public = PublicKey::read(bytes)?;
                let (name, algorithm) = self.fitting(&public)?;
                Ok(Ready { name, algorithm, verifying: public.prepare(algorithm, Rules::default())? })
            }
            (_, kind) => Err(self.not_taken(kind)),
        }
    }

    /// Make a key ready to sign.
    pub(crate) fn hand(&self, key: &Key, bytes: &Secret) -> Result<Hand, KeyError> {
        match key.kind {
            KeyKind::Shared => {
                let Ready { name, verifying, .. } = self.ready(key, bytes)?;
                Ok(Hand { name, verifying, signing: None })
            }
            KeyKind::Private if self.kinds().contains(&KeyKind::Private) => {
                let (name, algorithm) = self.fitting(&PublicKey::read(bytes.expose())?)?;
                let signing = Signing::read(bytes.expose(), algorithm)?;
                Ok(Hand { name, verifying: signing.verifying(), signing: Some(signing) })
            }
            kind => Err(self.not_taken(kind)),
        }
    }

    fn fitting(&self, key: &PublicKey) -> Result<(&'static str, Algorithm), KeyError> {
        self.named.iter().find(|(_, algorithm)| key.fits(*algorithm)).copied().ok_or_else(|| {
            let words = one_of(self.named.iter().map(|(name, _)| *name));
            KeyError::new(format!("this is a key of {}, and the preset allows {words}", key.kind()))
        })
    }

    fn not_taken(&self, kind: KeyKind) -> KeyError {
        let words = one_of(self.kinds().iter().map(|kind| kind.word()));
        KeyError::new(format!(
            "this preset takes keys of kind {words}, and this is of kind `{}`",
            kind.word()
        ))
    }
}

impl Hand {
    /// Sign a text.
    pub(crate) fn sign(&self, text: &[u8]) -> Result<Vec<u8>, KeyError> {
        let content = self.verifying.content(&[text]);
        match &self.signing {
            Some(signing) => signing.sign(&content),
            None => self.verifying.mac(&content).ok_or_else(KeyError::cannot_sign),
        }
    }
}

/// Whether one key could be of both, or one's public key the other's secret.
fn clash(one: Algorithm, other: Algorithm) -> bool {
    let rsa = |algorithm: Algorithm| matches!(algorithm.family(), Family::RsaPkcs1 | Family::RsaPss);
    let shared = |algorithm: Algorithm| algorithm.family() == Family::Hmac;
    one == other || shared(one) != shared(other) || rsa(one) && rsa(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_an_algorithm_and_those_of_the_standard_are_the_registered_ones() {
        for (name, ours) in STANDARD {
            let algorithm = Algorithm::from_word(ours);
            assert!(algorithm.is_some(), "{name}");
            assert_eq!(Algorithm::http_signature(name), algorithm, "{name}");
        }
        for (name, ours) in DRAFT.iter().filter(|(name, _)| *name != HS2019) {
            assert!(Algorithm::from_word(ours).is_some(), "{name}");
        }
    }
}
