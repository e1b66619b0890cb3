//! The mathematics of every mode that signs a template with a private key. Such modes differ in the algorithms that they
//! offer, and in nothing else.

use crate::algorithm::Algorithm;
use crate::finding::{Offered, ReadFinder};
use crate::public::{PublicKey, Rules};
use crate::sign::Signing;
use crate::verify::{Content, Hashing, Verifying};
use countersign::config::Reader;
use countersign::template::{Finder, Grammar, Primitive};
use countersign::{KeyError, KeyKind};

/// What a word ends with that takes RSA keys that can be broken, or soon could be. A preset has to spell it.
pub const WEAK_KEY: &str = "-weak-key";

/// A [`Primitive`] that offers some algorithms by their words, those of RSA also with [`WEAK_KEY`] behind.
///
/// A private key signs; given for verifying, it stands for its public half.
pub struct Signatures {
    offered: Offered,
    finder: Option<ReadFinder>,
}

impl Signatures {
    /// Offer these. A word of no algorithm takes no key.
    pub const fn new(words: &'static [&'static str]) -> Self {
        Signatures { offered: Offered::new(words), finder: None }
    }

    /// And find keys so, where a table says of it.
    pub const fn finding(words: &'static [&'static str], finder: ReadFinder) -> Self {
        Signatures { offered: Offered::new(words), finder: Some(finder) }
    }
}

/// A key of [`Signatures`]: ready to verify, and to sign if it is private.
pub struct SignatureKey {
    verifying: Verifying,
    signing: Option<Signing>,
}

/// A key that was found, and only verifies.
impl From<Verifying> for SignatureKey {
    fn from(verifying: Verifying) -> Self {
        SignatureKey { verifying, signing: None }
    }
}

impl Primitive for Signatures {
    type Key = SignatureKey;
    type State = Hashing;
    type Tag = Content;

    fn algorithms(&self) -> &'static [&'static str] {
        self.offered.words()
    }

    fn kinds(&self) -> &'static [KeyKind] {
        &[KeyKind::Public, KeyKind::Private]
    }

    fn key(&self, algorithm: usize, kind: KeyKind, bytes: &[u8]) -> Result<Self::Key, KeyError> {
        let unknown = || KeyError::new("the mode offers an algorithm that there is not");
        let (algorithm, rules) = self.offered.algorithm(algorithm).ok_or_else(unknown)?;
        // What only verifies here, and a key that is too weak to sign with, still stand for their public halves.
        if kind == KeyKind::Private && signs(algorithm, rules) {
            let signing = Signing::read(bytes, algorithm)?;
            return Ok(SignatureKey { verifying: signing.verifying(), signing: Some(signing) });
        }
        PublicKey::read(bytes)?.prepare(algorithm, rules).map(SignatureKey::from)
    }

    fn start(&self, key: &Self::Key) -> Self::State {
        key.verifying.start()
    }

    fn update(&self, state: &mut Self::State, piece: &[u8]) {
        state.update(piece);
    }

    fn finish(&self, state: Self::State) -> Self::Tag {
        state.finish()
    }

    fn whole(&self, key: &Self::Key, pieces: &[&[u8]]) -> Self::Tag {
        key.verifying.content(pieces)
    }

    fn matches(&self, key: &Self::Key, tag: &Self::Tag, signature: &[u8]) -> bool {
        key.verifying.verify(tag, signature)
    }

    fn fingerprint(&self, tag: &Self::Tag) -> [u8; 32] {
        tag.fingerprint()
    }

    fn kept_content(&self, tag: Self::Tag) -> Result<Vec<u8>, Self::Tag> {
        tag.into_whole()
    }

    fn signs_by(&self, algorithm: usize) -> bool {
        self.offered.algorithm(algorithm).is_some_and(|(algorithm, rules)| signs(algorithm, rules))
    }

    fn can_sign(&self, key: &Self::Key) -> bool {
        key.signing.is_some()
    }

    fn sign(&self, key: &Self::Key, tag: &Self::Tag) -> Option<Vec<u8>> {
        key.signing.as_ref()?.sign(tag).ok()
    }

    fn note(&self, algorithm: usize) -> Option<&'static str> {
        let (algorithm, rules) = self.offered.algorithm(algorithm)?;
        let small = "RSA keys from 1024 bits on are taken, which can be broken, or soon could be";
        rules.small_rsa.then_some(small).or(algorithm.note())
    }

    fn finder(&self, table: &Reader<'_>, grammar: &Grammar<'_>) -> Option<Box<dyn Finder<Self::Key>>> {
        (self.finder?)(table, grammar, self.offered)
    }

    /// Ed25519 keeps its content, and the library beneath the others allocates for each signature.
    fn allocates(&self) -> bool {
        true
    }
}

/// Whether keys are signed with that are taken so.
fn signs(algorithm: Algorithm, rules: Rules) -> bool {
    algorithm.can_sign() && !rules.small_rsa
}
