//! [`Signatures`] whose keys are found, and not held: in a fetched document, or in the message.
//!
//! Where they are found is the mode's own matter, and all else the same. A mode whose keys may also be held returns no
//! finder for a table that says nothing of it.

use crate::algorithm::Algorithm;
use crate::public::{PublicKey, Rules};
use crate::signatures::{SignatureKey, Signatures, WEAK_KEY};
use crate::verify::{Content, Hashing, Verifying};
use countersign::config::Reader;
use countersign::template::{Finder, Grammar, Primitive};
use countersign::{KeyError, KeyKind};

/// What a mode offers: words of algorithms, by their place.
#[derive(Clone, Copy, Debug)]
pub struct Offered(&'static [&'static str]);

/// Reads from a mode's table where keys are found; `None` if it says nothing of it.
pub type ReadFinder = fn(&Reader<'_>, &Grammar<'_>, Offered) -> Option<Box<dyn Finder<SignatureKey>>>;

impl Offered {
    /// How many there are.
    pub fn count(self) -> usize {
        self.0.len()
    }

    /// What the word at a place means.
    pub fn algorithm(self, place: usize) -> Option<(Algorithm, Rules)> {
        let word = self.0.get(place)?;
        match word.strip_suffix(WEAK_KEY) {
            Some(word) => Some((Algorithm::from_word(word)?, Rules::default().with_small_rsa())),
            None => Some((Algorithm::from_word(word)?, Rules::default())),
        }
    }

    /// Make a found key ready for the word at a place.
    pub fn prepare(self, place: usize, key: &PublicKey) -> Result<Verifying, KeyError> {
        let unknown = || KeyError::new("the mode offers an algorithm that there is not");
        let (algorithm, rules) = self.algorithm(place).ok_or_else(unknown)?;
        key.prepare(algorithm, rules)
    }
}

/// A [`Primitive`] like [`Signatures`], whose keys a mode finds.
pub struct Finding {
    signatures: Signatures,
    offered: Offered,
    read: ReadFinder,
}

impl Finding {
    /// Offer these words, and find keys so.
    pub const fn new(words: &'static [&'static str], read: ReadFinder) -> Self {
        Finding { signatures: Signatures::new(words), offered: Offered(words), read }
    }
}

impl Primitive for Finding {
    type Key = SignatureKey;
    type State = Hashing;
    type Tag = Content;

    fn algorithms(&self) -> &'static [&'static str] {
        self.signatures.algorithms()
    }

    fn kinds(&self) -> &'static [KeyKind] {
        self.signatures.kinds()
    }

    fn key(&self, algorithm: usize, kind: KeyKind, bytes: &[u8]) -> Result<Self::Key, KeyError> {
        self.signatures.key(algorithm, kind, bytes)
    }

    fn start(&self, key: &Self::Key) -> Self::State {
        self.signatures.start(key)
    }

    fn update(&self, state: &mut Self::State, piece: &[u8]) {
        self.signatures.update(state, piece);
    }

    fn finish(&self, state: Self::State) -> Self::Tag {
        self.signatures.finish(state)
    }

    fn matches(&self, key: &Self::Key, tag: &Self::Tag, signature: &[u8]) -> bool {
        self.signatures.matches(key, tag, signature)
    }

    fn fingerprint(&self, tag: &Self::Tag) -> [u8; 32] {
        self.signatures.fingerprint(tag)
    }

    fn sign(&self, key: &Self::Key, tag: &Self::Tag) -> Option<Vec<u8>> {
        self.signatures.sign(key, tag)
    }

    fn note(&self, algorithm: usize) -> Option<&'static str> {
        self.signatures.note(algorithm)
    }

    fn allocates(&self) -> bool {
        self.signatures.allocates()
    }

    fn finder(&self, table: &Reader<'_>, grammar: &Grammar<'_>) -> Option<Box<dyn Finder<Self::Key>>> {
        (self.read)(table, grammar, self.offered)
    }
}
