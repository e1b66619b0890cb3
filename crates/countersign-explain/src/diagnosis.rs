//! What is answered.

use serde::Serialize;
use std::time::Duration;

/// The answer: what state the request is in, why, and how that is known.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Diagnosis {
    /// What came of it.
    pub state: State,

    /// Why it was refused: every deviation that is needed for the signature to fit and none that is not; or, where nothing had to be
    /// tried, what was read off the request.
    pub cause: Vec<Finding>,

    /// What else was noticed: suspects, without proof.
    pub noted: Vec<Finding>,

    /// The content that was signed, as far as it is known: with the deviations of the cause, or as configured.
    pub content: Vec<Piece>,

    /// The keys of the source, so that both sides can compare them.
    pub keys: Vec<KeyShown>,

    /// What it took.
    pub effort: Effort,
}

/// A key, as far as it may be shown.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct KeyShown {
    /// What the operator calls it.
    pub id: String,

    /// How long it is, as it is stored.
    pub bytes: usize,

    /// The first eight hexadecimal digits of the SHA-256 digest of what is stored. Thirty-two bits tell two secrets apart,
    /// and are no use against one made at random; of one that somebody thought up, guesses can be tested by them.
    pub fingerprint: String,
}

/// What came of the question.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum State {
    /// It verifies as it is.
    Verifies,

    /// It does not, and the cause is known.
    Explained,

    /// It does not, and nothing that was tried makes it fit.
    #[default]
    Unexplained,
}

/// One thing that is wrong.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// Stable, such as `secret/trailing-newline`: see the page of causes.
    pub code: &'static str,

    /// What is wrong, in one sentence, with what it was seen by.
    pub says: String,

    /// What to do about it.
    pub advice: String,

    /// A change of the preset or source that mends it, as TOML, where one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch: Option<String>,

    /// How it is known.
    pub proof: Proof,
}

/// How a finding is known.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Proof {
    /// With it the signature fits exactly, and without it it does not.
    Match,

    /// It stands in the request or the configuration for everyone to see.
    Read,

    /// It is likely, and nothing proves it.
    Suspect,
}

/// A piece of signed content.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Piece {
    /// The placeholder, such as `body`; empty for literal text.
    pub name: String,

    /// What it stood for. `None`: it is made of the secret, and is not shown.
    pub bytes: Option<Vec<u8>>,
}

/// What it took.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Effort {
    /// Combinations of key, content and scheme that were tried.
    pub trials: u64,

    /// Bytes that were hashed for it, about.
    pub bytes: u64,

    /// Time.
    pub time: Duration,

    /// The budget ended the search: more time may find more.
    pub cut_short: bool,
}
