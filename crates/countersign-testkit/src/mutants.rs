//! Mutants: what a delivery that verifies implies, made so that nobody has to write it down.
//!
//! Everything is derived from two things: what the preset says (its tree, what it binds, its freshness, its replay key)
//! and what the case shows (its verdict, the headers that were asked for). Both are needed. A preset that forgets to sign
//! the body also forgets to say that it binds it, and no mutant of the body would be made: what a preset must bind is
//! for its cases to say, by one that is refused.
//!
//! Where the grammar leaves an answer open (an optional header removed), the mutant may go either way; it is made all the
//! same, because both ways of asking must agree on it, and neither may panic.

mod json;
pub(crate) mod key;
mod read;
pub(crate) mod request;
pub(crate) mod signature;
pub(crate) mod spots;

use crate::run::{Bench, Verdict, judge_seen};
use crate::vectors::Case;
use countersign::config::Table;
use countersign::{Found, HeaderName, Headers, Reason, Verifier};
use spots::{Place, Spot};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// The kind of which there are most.
pub(crate) const FLIP: &str = "body-bit-flip";

/// A case with one thing changed, and what must come of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Mutant {
    /// Stable and kebab-case, for counting.
    pub kind: &'static str,

    /// Why the answer must be what is expected: what to look at when it is not.
    pub why: &'static str,

    /// What exactly was changed. Never a secret or a signature.
    pub changed: String,

    /// The changed case.
    pub case: Case,

    /// Whether its secrets were changed, so that they have to be bound again.
    pub rekeyed: bool,

    /// What must come of it.
    pub expected: Expected,
}

/// What must come of a mutant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Expected {
    /// It verifies still.
    Verified,

    /// It is refused, for whatever reason.
    Refused,

    /// It is refused for this one.
    Is(Reason),

    /// It verifies, and a guard that has accepted the case refuses it.
    Seen,

    /// It verifies, and a guard that has accepted the case accepts it too.
    New,

    /// Either; but the same whichever way it is asked.
    Either,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Verified => "ok",
            Self::Refused => "a refusal",
            Self::Is(reason) => reason.code(),
            Self::Seen => "ok, but a duplicate",
            Self::New => "ok, and no duplicate",
            Self::Either => "either",
        })
    }
}

/// Every mutant of a case that verifies, in a fixed order. At most `flips` bytes of the body are flipped.
pub(crate) fn of(bench: &Bench, case: &Case, verdict: &Verdict, flips: usize) -> Vec<Mutant> {
    let Ok(verifier) = bench.verifier(case) else { return Vec::new() };
    let mut subject = Subject::new(bench, case, verdict, verifier);
    request::body(&mut subject, flips);
    request::address(&mut subject);
    request::fields(&mut subject);
    request::headers(&mut subject);
    signature::time_and_id(&mut subject);
    signature::spelling(&mut subject);
    signature::several(&mut subject);
    signature::replay(&mut subject);
    key::secrets(&mut subject);
    key::windows(&mut subject);
    key::tolerance(&mut subject);
    subject.mutants
}

/// A case that verifies, and all that is known of it.
struct Subject<'c> {
    bench: &'c Bench,
    case: &'c Case,
    verdict: &'c Verdict,
    verifier: Arc<Verifier>,
    /// The names that were asked for, in lower case.
    read: BTreeSet<String>,
    signature_places: Vec<Place>,
    signatures: Vec<Spot>,
    time_places: Vec<Place>,
    times: Vec<Spot>,
    id_places: Vec<Place>,
    ids: Vec<Spot>,
    mutants: Vec<Mutant>,
}

/// The name and reason of a kind of mutant.
type Kind = (&'static str, &'static str);

impl<'c> Subject<'c> {
    fn new(bench: &'c Bench, case: &'c Case, verdict: &'c Verdict, verifier: Arc<Verifier>) -> Self {
        let Places { signatures: signature_places, times: time_places, ids: id_places } = Places::of(bench);
        let found = |places: &[Place]| spots::locate(places, &case.request);
        let listening = Listening { headers: &case.request.headers, asked: Mutex::default() };
        judge_seen(&verifier, case, &listening);
        Subject {
            bench,
            case,
            verdict,
            verifier,
            read: listening.asked.into_inner().unwrap_or_else(PoisonError::into_inner),
            signatures: found(&signature_places),
            signature_places,
            times: found(&time_places),
            time_places,
            ids: found(&id_places),
            id_places,
            mutants: Vec::new(),
        }
    }

    /// One more mutant of the delivery or the present.
    fn add(
        &mut self,
        (kind, why): Kind,
        changed: impl Into<String>,
        expected: Expected,
        change: impl FnOnce(&mut Case),
    ) {
        let mut case = self.case.clone();
        change(&mut case);
        self.mutants.push(Mutant { kind, why, changed: changed.into(), case, rekeyed: false, expected });
    }

    /// One more mutant of the secrets.
    fn add_rekeyed(
        &mut self,
        kind: Kind,
        changed: impl Into<String>,
        expected: Expected,
        change: impl FnOnce(&mut Case),
    ) {
        self.add(kind, changed, expected, change);
        if let Some(mutant) = self.mutants.last_mut() {
            mutant.rekeyed = true;
        }
    }

    /// What the case's own keys say of a changed case.
    fn try_out(&self, change: impl FnOnce(&mut Case)) -> Verdict {
        let mut case = self.case.clone();
        change(&mut case);
        crate::run::judge(&self.verifier, &case)
    }

    fn mode(&self) -> Option<&'c Table> {
        mode_table(self.bench)
    }

    /// Whether the case has a header of this name.
    fn has(&self, name: &str) -> bool {
        self.case.request.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name))
    }

    /// Whether the scheme runs once for every element of an array.
    fn is_batch(&self) -> bool {
        self.mode().is_some_and(|mode| mode.get("each").is_some())
    }
}

/// Where signatures, times and ids stand, as a preset says.
pub(crate) struct Places {
    pub(crate) signatures: Vec<Place>,
    pub(crate) times: Vec<Place>,
    pub(crate) ids: Vec<Place>,
}

impl Places {
    pub(crate) fn of(bench: &Bench) -> Self {
        let places = |key| mode_table(bench).map(|mode| spots::places(mode, key)).unwrap_or_default();
        // A token is shown where a signature would be, and is no less to be changed.
        let mut signatures = places("signature_source");
        signatures.extend(places("token_source"));
        Places { signatures, times: places("timestamp_source"), ids: places("id_source") }
    }
}

/// The table named after the mode.
fn mode_table(bench: &Bench) -> Option<&Table> {
    let mode = bench.tree.get(&["mode"])?.text()?;
    bench.tree.get(&[mode])?.table()
}

/// Headers that remember what was asked for.
struct Listening<'h> {
    headers: &'h Vec<(String, Vec<u8>)>,
    asked: Mutex<BTreeSet<String>>,
}

impl Listening<'_> {
    fn hear(&self, name: &str) {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_ascii_lowercase());
    }
}

impl Headers for Listening<'_> {
    fn each<'h>(&'h self, f: &mut dyn FnMut(&'h [u8], &'h [u8])) {
        self.headers.iter().for_each(|(name, _)| self.hear(name));
        self.headers.each(f);
    }

    fn find(&self, name: &HeaderName) -> Found<'_> {
        self.hear(name.as_str());
        self.headers.find(name)
    }

    fn nth(&self, name: &HeaderName, index: usize) -> Option<&[u8]> {
        self.hear(name.as_str());
        self.headers.nth(name, index)
    }
}
