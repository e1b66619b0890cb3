//! What was found, for people and for machines.

use super::promises::{Breach, Check};
use crate::run::Report;
use countersign::Reason;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What was found.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Conformance {
    /// The mode that was asked.
    pub mode: String,

    /// The promises that do not hold. Empty: conformant.
    pub broken: Vec<Finding>,

    /// Every check, in the order of [`Check::ALL`].
    pub checks: Vec<Checked>,

    /// What of a request is bound, by preset.
    pub parts: Vec<Part>,

    /// Details that are declared and that no case and no change of one brought about: a case may be missing.
    pub unseen: Vec<(String, Reason)>,

    /// How long verifying takes.
    pub timings: Vec<Timing>,

    /// How many requests were damaged at random and judged.
    pub damaged: usize,

    /// The vectors and their mutants.
    pub vectors: Report,
}

/// A promise that does not hold. Holds neither secrets nor signatures.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Finding {
    /// Which.
    pub breach: Breach,

    /// The preset and the case by which it was found; `None`: by the mode alone.
    pub case: Option<(Arc<str>, Arc<str>)>,

    /// What was found, in words: the first time.
    pub found: String,

    /// How often, by this case.
    pub times: usize,
}

/// A check, and how it went.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Checked {
    /// Which.
    pub check: Check,

    /// How many answers were looked at.
    pub asked: usize,

    /// How many promises are broken.
    pub broken: usize,

    /// Why nothing, or not everything, was asked.
    pub not_asked: Vec<String>,
}

/// A part of a preset's requests: what is said of it, and what its changes showed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Part {
    /// The preset.
    pub preset: Arc<str>,

    /// Such as `body`, or `header x-a`.
    pub name: String,

    /// What is said of it.
    pub claim: Claim,

    /// How many changes were tried.
    pub tried: usize,

    /// How many of them verified still. Of what is bound, none may.
    pub verified: usize,
}

/// What is said of a part of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Claim {
    /// It is bound.
    Bound,

    /// It is not.
    Unbound,

    /// Nothing, for it is a header: what of it is bound is its content, as time or id.
    Unsaid,

    /// It holds the signature.
    Signature,
}

/// How long verifying takes, as built here.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Timing {
    /// The preset.
    pub preset: Arc<str>,

    /// How long the body is.
    pub body: usize,

    /// Nanoseconds for one verification.
    pub nanos: u64,
}

impl Conformance {
    /// Whether every promise held and every vector passed.
    pub fn is_ok(&self) -> bool {
        self.broken.is_empty() && self.vectors.is_ok()
    }

    /// Whether a breach of this code was found.
    pub fn has(&self, code: &str) -> bool {
        self.broken.iter().any(|finding| finding.breach.code == code)
    }

    /// For machines.
    pub fn to_json(&self) -> Value {
        let Self { mode, broken, checks, parts, unseen, timings, damaged, vectors } = self;
        let unseen: BTreeMap<_, _> = unseen.iter().map(|(code, reason)| (&**code, reason.code())).collect();
        json!({
            "mode": mode,
            "ok": self.is_ok(),
            "broken": broken.iter().map(Finding::to_json).collect::<Vec<_>>(),
            "checks": checks.iter().map(Checked::to_json).collect::<Vec<_>>(),
            "parts": parts.iter().map(Part::to_json).collect::<Vec<_>>(),
            "unseen_details": unseen,
            "timings": timings.iter().map(Timing::to_json).collect::<Vec<_>>(),
            "damaged": damaged,
            "vectors": vectors.to_json(),
        })
    }
}

impl Finding {
    /// For machines.
    pub fn to_json(&self) -> Value {
        let Self { breach: Breach { code, check, look }, case, found, times } = self;
        let (preset, case) = case.as_ref().map(|(preset, case)| (&**preset, &**case)).unzip();
        json!({
            "code": code, "check": check.name(), "preset": preset, "case": case, "found": found,
            "look_at": look, "times": times,
        })
    }
}

impl Checked {
    /// `ok`, `failed`, or `not applicable`.
    pub fn word(&self) -> &'static str {
        match (self.broken, self.asked) {
            (1.., _) => "failed",
            (0, 0) => "not applicable",
            (0, _) => "ok",
        }
    }

    /// For machines.
    pub fn to_json(&self) -> Value {
        let Self { check, asked, broken, not_asked } = self;
        json!({
            "name": check.name(), "says": check.says(), "result": self.word(), "asked": asked,
            "broken": broken, "not_asked": not_asked,
        })
    }
}

impl Part {
    /// For machines.
    pub fn to_json(&self) -> Value {
        let Self { preset, name, claim, tried, verified } = self;
        json!({
            "preset": &**preset, "part": name, "claim": claim.word(), "tried": tried, "verified": verified,
        })
    }
}

impl Claim {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Claim::Bound => "bound",
            Claim::Unbound => "not bound",
            Claim::Unsaid => "-",
            Claim::Signature => "signature",
        }
    }
}

impl Timing {
    /// For machines.
    pub fn to_json(&self) -> Value {
        let Self { preset, body, nanos } = self;
        json!({ "preset": &**preset, "body": body, "nanos": nanos })
    }
}

/// What is broken; then every check; then what is bound, as a table; then what is to be known; then one line of counts.
impl fmt::Display for Conformance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mode, broken, checks, parts, unseen, timings, damaged, vectors } = self;
        broken.iter().try_for_each(|finding| writeln!(f, "{finding}"))?;
        let failed = checks.iter().filter(|checked| checked.broken > 0).count();
        writeln!(f, "{} checks of mode `{mode}`, {failed} failed:", checks.len())?;
        checks.iter().try_for_each(|checked| writeln!(f, "  {checked}"))?;
        if !parts.is_empty() {
            writeln!(f, "what is bound:")?;
            table(f, parts)?;
        }
        for Timing { preset, body, nanos } in timings {
            writeln!(f, "{preset}: {nanos} ns for a body of {body} bytes")?;
        }
        if !unseen.is_empty() {
            let codes: Vec<_> = unseen.iter().map(|(code, _)| format!("`{code}`")).collect();
            writeln!(f, "declared, and never seen here; a case may be missing: {}", codes.join(", "))?;
        }
        write!(f, "{vectors}; {damaged} damaged requests, {} promises broken", broken.len())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { breach: Breach { code, look, .. }, case, found, times } = self;
        write!(f, "broken: {code}: ")?;
        if let Some((preset, case)) = case {
            write!(f, "{preset}, case `{case}`: ")?;
        }
        write!(f, "{found}")?;
        if *times > 1 {
            write!(f, " (and {} more)", times - 1)?;
        }
        write!(f, "\n  look at: {look}")
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { check, asked, broken: _, not_asked } = self;
        write!(f, "{:<14} {:<12} {asked:>7}  {}", self.word(), check.name(), check.says())?;
        not_asked.iter().try_for_each(|why| write!(f, " Not asked: {why}."))
    }
}

/// The binding report.
fn table(f: &mut fmt::Formatter<'_>, parts: &[Part]) -> fmt::Result {
    let width = |of: &dyn Fn(&Part) -> usize, heading: usize| parts.iter().map(of).max().max(Some(heading));
    let preset = width(&|part| part.preset.len(), 6).unwrap_or(0);
    let name = width(&|part| part.name.len(), 4).unwrap_or(0);
    writeln!(
        f,
        "  {:<preset$}  {:<name$}  {:<9}  {:>7}  {:>8}",
        "preset", "part", "claim", "changes", "verified"
    )?;
    parts.iter().try_for_each(|part| {
        let Part { preset: of, name: part, claim, tried, verified } = part;
        writeln!(f, "  {of:<preset$}  {part:<name$}  {:<9}  {tried:>7}  {verified:>8}", claim.word())
    })
}
