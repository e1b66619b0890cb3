//! What a mode offers, and where its keys are found if they are not held: in a fetched document, or in the message.

use crate::algorithm::Algorithm;
use crate::public::{PublicKey, Rules};
use crate::signatures::{SignatureKey, WEAK_KEY};
use crate::verify::Verifying;
use countersign::KeyError;
use countersign::config::Reader;
use countersign::template::{Finder, Grammar};

/// What a mode offers: words of algorithms, by their place.
#[derive(Clone, Copy, Debug)]
pub struct Offered(&'static [&'static str]);

/// Reads from a mode's table where keys are found; `None` if it says nothing of it.
pub type ReadFinder = fn(&Reader<'_>, &Grammar<'_>, Offered) -> Option<Box<dyn Finder<SignatureKey>>>;

impl Offered {
    pub(crate) const fn new(words: &'static [&'static str]) -> Self {
        Offered(words)
    }

    pub(crate) fn words(self) -> &'static [&'static str] {
        self.0
    }

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
