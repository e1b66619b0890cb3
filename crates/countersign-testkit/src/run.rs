//! Running a file: every case as it stands, whole and in pieces, and the mutants of those that verify.
//!
//! A case is judged twice because there are two ways to ask, and a difference between them is a hole: a host that
//! streams would let in what a host that buffers refuses. What is compared is what a host acts on: the code, the key,
//! the id, the time and what is bound.

use crate::answers;
use crate::mutants::{self, Expected, Mutant};
use crate::vectors::{Case, CaseSource, Delivery, Expect, SecretSpec, VectorFile};
use countersign::config::{ConfigErrors, Layer, Node, Value as Tree};
use countersign::{
    Binds, Compiled, Context, Document, Finish, Head, Headers, KeyCache, MemoryGuard, Outcome, Refusal,
    Registry, Rejection, Request, RequestKind, Timestamp, Tolerance, Unaccepted, Verified, Verifier,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What is run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Whether mutants are made. Default: yes.
    pub mutants: bool,

    /// Only the case of this name.
    pub only: Option<Arc<str>>,

    /// How many bytes of a body are flipped at most; a longer body is sampled evenly. Default: 128.
    pub flips: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options { mutants: true, only: None, flips: 128 }
    }
}

/// What was run, and what failed.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Cases by who says that they are right.
    pub cases: BTreeMap<CaseSource, usize>,

    /// Mutants by kind.
    pub mutants: BTreeMap<&'static str, usize>,

    /// Verified cases without mutants, and why.
    pub without_mutants: Vec<(Arc<str>, Arc<str>)>,

    /// What did not do as it must.
    pub failures: Vec<Failure>,
}

/// A case or mutant that did not do as it must. Holds neither secrets nor signatures.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Failure {
    /// Where the case stands, as `file:line:column`.
    pub place: String,

    /// The case.
    pub case: Arc<str>,

    /// The kind of mutant and what was changed; `None` for the case itself.
    pub mutant: Option<String>,

    /// What had to be.
    pub expected: String,

    /// What was.
    pub got: String,

    /// What the verifier said of it.
    pub detail: Option<String>,

    /// What to look at.
    pub hint: String,
}

/// Runs a file of vectors against the presets of a registry.
///
/// Deterministic: the same file and registry give the same report. A case costs two verifications, or some hundreds
/// with its mutants.
pub fn run(registry: &Registry, file: &VectorFile, options: &Options) -> Report {
    let mut report = Report::default();
    for case in &file.cases {
        if options.only.as_ref().is_none_or(|only| *only == case.name) {
            run_case(registry, case, options, &mut report);
        }
    }
    report
}

/// Which keys a preset's table has, at every depth, without what they say. Presets of one shape are judged by the same code,
/// and where there are hundreds, one of each does for what is looked at at length.
///
/// # Errors
/// The preset is not there, or will not do.
pub fn shape(registry: &Registry, preset: &str) -> Result<String, ConfigErrors> {
    fn keys(node: &Node) -> String {
        match &node.value {
            Tree::Table(table) => {
                let mut all: Vec<_> =
                    table.iter().map(|(key, node)| format!("{}{}", key.name, keys(node))).collect();
                all.sort();
                format!("{{{}}}", all.join(","))
            }
            Tree::Array(items) => items.first().map_or_else(String::new, keys),
            _ => String::new(),
        }
    }
    let tree = registry.resolve(preset, None)?;
    let mode = tree.get(&["mode"]).and_then(|node| node.text().cloned()).unwrap_or_default();
    Ok(format!("{mode}{}", tree.get(&[&*mode]).map_or_else(String::new, keys)))
}

impl Report {
    /// Whether nothing failed. An empty report is fine too: see [`ran`](Self::ran).
    pub fn is_ok(&self) -> bool {
        self.failures.is_empty()
    }

    /// How many cases were run.
    pub fn ran(&self) -> usize {
        self.cases.values().sum()
    }

    /// How many of the cases come from outside this project.
    pub fn proven(&self) -> usize {
        self.cases.iter().filter(|(source, _)| source.is_proof()).map(|(_, count)| count).sum()
    }

    /// How many mutants were run.
    pub fn mutants_ran(&self) -> usize {
        self.mutants.values().sum()
    }

    /// Adds what another file's report says.
    pub fn merge(&mut self, other: Report) {
        let Report { cases, mutants, without_mutants, failures } = other;
        for (source, count) in cases {
            *self.cases.entry(source).or_default() += count;
        }
        for (kind, count) in mutants {
            *self.mutants.entry(kind).or_default() += count;
        }
        self.without_mutants.extend(without_mutants);
        self.failures.extend(failures);
    }

    /// For machines.
    pub fn to_json(&self) -> Value {
        let Self { cases, mutants, without_mutants, failures } = self;
        let cases: BTreeMap<_, _> = cases.iter().map(|(source, count)| (source.word(), count)).collect();
        let without: Vec<_> =
            without_mutants.iter().map(|(case, why)| json!({ "case": &**case, "why": &**why })).collect();
        json!({
            "ok": self.is_ok(),
            "cases": cases,
            "proven": self.proven(),
            "mutants": mutants,
            "mutants_ran": self.mutants_ran(),
            "without_mutants": without,
            "failures": failures.iter().map(Failure::to_json).collect::<Vec<_>>(),
        })
    }
}

/// The failures, then one line of counts: `9 cases (3 provider-sdk, 6 generated), 1204 mutants of 31 kinds, 0 failures`.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failure in &self.failures {
            writeln!(f, "{failure}")?;
        }
        let of: Vec<_> =
            self.cases.iter().map(|(source, count)| format!("{count} {}", source.word())).collect();
        let of = if of.is_empty() { String::new() } else { format!(" ({})", of.join(", ")) };
        let (ran, mutants, kinds, failed) =
            (self.ran(), self.mutants_ran(), self.mutants.len(), self.failures.len());
        write!(f, "{ran} cases{of}, {mutants} mutants of {kinds} kinds, {failed} failures")
    }
}

impl Failure {
    pub(crate) fn of(case: &Case, expected: String, got: String, hint: &str) -> Failure {
        Failure {
            place: case.at.to_string(),
            case: case.name.clone(),
            mutant: None,
            expected,
            got,
            detail: None,
            hint: hint.into(),
        }
    }

    /// For machines.
    pub fn to_json(&self) -> Value {
        let Self { place, case, mutant, expected, got, detail, hint } = self;
        json!({
            "place": place, "case": &**case, "mutant": mutant, "expected": expected, "got": got,
            "detail": detail, "hint": hint,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, case, mutant, expected, got, detail, hint } = self;
        write!(f, "{place}: case `{case}`")?;
        if let Some(mutant) = mutant {
            write!(f, ", mutant {mutant}")?;
        }
        write!(f, ": expected {expected}, got {got}")?;
        if let Some(detail) = detail {
            write!(f, " ({detail})")?;
        }
        write!(f, "\n  look at: {hint}")
    }
}

/// What was said of a delivery, freed of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Verdict {
    /// `ok`, a reason's code, `unresolved`, `key_error` or `config_error`.
    pub(crate) code: &'static str,
    pub(crate) key: Option<String>,
    pub(crate) message_id: Option<String>,
    pub(crate) signed_at: Option<Timestamp>,
    pub(crate) binds: Binds,
    pub(crate) detail_code: Option<String>,
    pub(crate) detail: Option<String>,
}

impl Verdict {
    fn of_error(code: &'static str, detail: String) -> Self {
        Verdict {
            code,
            key: None,
            message_id: None,
            signed_at: None,
            binds: Binds::default(),
            detail_code: None,
            detail: Some(detail),
        }
    }

    fn of(outcome: &Outcome<'_>) -> Self {
        match outcome {
            Outcome::Verified(verified) => Self::of_verified(verified),
            Outcome::Rejected(rejection) => Self::of_rejection(rejection),
            Outcome::Unresolved(wanted) => Self::of_error("unresolved", format!("wants {}", wanted.name)),
        }
    }

    fn of_verified(verified: &Verified<'_>) -> Self {
        Verdict {
            code: "ok",
            key: Some(verified.key().to_string()),
            message_id: verified.message_id().map(str::to_owned),
            signed_at: verified.signed_at(),
            binds: verified.binds(),
            detail_code: None,
            detail: None,
        }
    }

    fn of_rejection(rejection: &Rejection) -> Self {
        let detail = rejection.detail.as_ref().map(|detail| format!("{}: {}", detail.code, detail.text));
        let detail_code = rejection.detail.as_ref().map(|detail| detail.code.to_string());
        Verdict { detail, detail_code, ..Self::of_error(rejection.reason.code(), String::new()) }
    }

    pub(crate) fn is_ok(&self) -> bool {
        self.code == "ok"
    }

    /// As a person would compare two.
    fn in_words(&self) -> String {
        let Self { code, key, message_id, signed_at, binds, .. } = self;
        match key {
            None => (*code).into(),
            Some(key) => {
                let binds: Vec<_> = binds.words().collect();
                format!(
                    "{code} by key `{key}`, id {message_id:?}, signed at {signed_at:?}, binding {}",
                    binds.join("+")
                )
            }
        }
    }

    /// Whether a host would act alike on both. Details may differ: they are for people.
    fn agrees(&self, other: &Self) -> bool {
        let bare = |verdict: &Self| Verdict { detail: None, detail_code: None, ..verdict.clone() };
        bare(self) == bare(other)
    }
}

/// A case made ready to be asked about: its preset compiled.
pub(crate) struct Bench {
    pub(crate) compiled: Arc<Compiled>,
    /// The resolved preset as a tree, for whoever wants to know what it says.
    pub(crate) tree: Layer,
}

impl Bench {
    pub(crate) fn new(registry: &Registry, case: &Case) -> Result<Self, ConfigErrors> {
        let tree = registry.resolve(&case.preset, case.overrides.clone())?;
        let compiled = match &case.overrides {
            None => registry.named(&case.preset)?,
            Some(changes) => registry.named_with(&case.preset, changes.clone())?,
        };
        Ok(Bench { compiled, tree })
    }

    pub(crate) fn tolerance(&self) -> Option<Tolerance> {
        self.compiled.freshness().map(|freshness| freshness.tolerance)
    }

    /// The case's own keys, bound.
    pub(crate) fn verifier(&self, case: &Case) -> Result<Arc<Verifier>, Box<Verdict>> {
        let key_error =
            |error: countersign::KeyError| Box::new(Verdict::of_error("key_error", error.to_string()));
        let kind = self.compiled.needs().key_kind(false);
        let ring = SecretSpec::ring(&case.secrets, kind).map_err(key_error)?;
        self.compiled.verifier("vectors", &ring, &case.vars).map_err(key_error)
    }
}

/// One-shot, by a verifier that is there already.
pub(crate) fn judge(verifier: &Verifier, case: &Case) -> Verdict {
    let remote = Documents(case);
    Verdict::of(&verifier.verify(&case.request.request(), &Context::new(case.now, &remote)))
}

/// What a guard would remember of a case; `None` if it is refused, or nothing is to be remembered.
pub(crate) fn replay_digests(verifier: &Verifier, case: &Case) -> Option<Vec<[u8; 32]>> {
    let remote = Documents(case);
    let outcome = verifier.verify(&case.request.request(), &Context::new(case.now, &remote));
    let keys = outcome.into_verified().ok()?.replay_keys(case.now);
    (!keys.is_empty()).then(|| keys.iter().map(|key| *key.digest()).collect())
}

/// The same headers through any view, such as one that listens to what is asked.
pub(crate) fn judge_seen(verifier: &Verifier, case: &Case, headers: &dyn Headers) -> Verdict {
    let Delivery { method, url, headers: _, body } = &case.request;
    let remote = Documents(case);
    let request = Request::new(Head::new(method, url, headers), body);
    Verdict::of(&verifier.verify(&request, &Context::new(case.now, &remote)))
}

/// In pieces of these sizes, over and over.
fn judge_streamed(verifier: &Arc<Verifier>, case: &Case, pieces: &[usize]) -> Verdict {
    let remote = Documents(case);
    let cx = Context::new(case.now, &remote);
    let request = case.request.request();
    let mut stream = match verifier.begin(&request.head, &cx, request.body.len()) {
        Ok(stream) => stream,
        Err(Refusal::Rejected(rejection)) => return Verdict::of_rejection(&rejection),
        Err(Refusal::Unresolved(wanted)) => {
            return Verdict::of_error("unresolved", format!("wants {}", wanted.name));
        }
    };
    let mut rest = request.body;
    for size in pieces.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at((*size).min(rest.len()));
        if let Err(rejection) = stream.update(piece) {
            return Verdict::of_rejection(&rejection);
        }
        rest = after;
    }
    match stream.finish(&cx) {
        Finish::Verified(verified) => Verdict::of_verified(&verified),
        Finish::Rejected(rejection) => Verdict::of_rejection(&rejection),
        Finish::Unresolved(wanted, _) => Verdict::of_error("unresolved", format!("wants {}", wanted.name)),
    }
}

impl Delivery {
    /// Borrow it.
    pub fn request(&self) -> Request<'_> {
        Request::new(Head::new(&self.method, &self.url, &self.headers), &self.body)
    }
}

/// The documents of a case, all fetched just now.
pub(crate) struct Documents<'c>(pub(crate) &'c Case);

impl KeyCache for Documents<'_> {
    fn get(&self, _: RequestKind, name: &str) -> Option<Document> {
        let (_, text) = self.0.documents.iter().find(|(known, _)| **known == *name)?;
        Some(Document::new(text.as_bytes(), self.0.now))
    }
}

/// Sizes of pieces. One byte at a time finds what is lost at a seam; empty pieces must change nothing; the odd ones fall
/// across every block of every hash.
const CHUNKINGS: [&[usize]; 3] = [&[1], &[3, 0, 61, 7], &[usize::MAX]];

fn run_case(registry: &Registry, case: &Case, options: &Options, report: &mut Report) {
    *report.cases.entry(case.source).or_default() += 1;
    let bench = match Bench::new(registry, case) {
        Ok(bench) => bench,
        Err(errors) => {
            let verdict = Verdict::of_error("config_error", errors.to_string());
            return report.failures.extend(wrong_verdict(case, &verdict));
        }
    };
    let verifier = match bench.verifier(case) {
        Ok(verifier) => verifier,
        Err(verdict) => return report.failures.extend(wrong_verdict(case, &verdict)),
    };
    let verdict = judge(&verifier, case);
    let wrong = wrong_verdict(case, &verdict);
    let as_expected = wrong.is_none();
    report.failures.extend(wrong);
    report.failures.extend(answers::wrong(&verifier, case, verdict.is_ok()));
    report.failures.extend(disagreement(&verifier, case, &verdict, None));

    // The mutants of a case that is itself wrong would only say so again, a thousand times.
    if !options.mutants || !verdict.is_ok() || !as_expected {
        return;
    }
    if let Some(why) = &case.without_mutants {
        report.without_mutants.push((case.name.clone(), why.clone()));
        return;
    }
    for mutant in mutants::of(&bench, case, &verdict, options.flips) {
        *report.mutants.entry(mutant.kind).or_default() += 1;
        report.failures.extend(run_mutant(&bench, &verifier, case, &mutant));
    }
}

/// What is wrong with a case's verdict.
fn wrong_verdict(case: &Case, got: &Verdict) -> Option<Failure> {
    let fail = |expected: String, said: String, hint: &str| Failure {
        detail: got.detail.clone(),
        ..Failure::of(case, expected, said, hint)
    };
    // A challenge is answered whatever its signature, and what it hears is looked at elsewhere.
    if case.expect == Expect::Handshake && !matches!(got.code, "config_error" | "key_error") {
        return None;
    }
    if got.code != case.expect.code() {
        return Some(fail(case.expect.code().into(), got.code.into(), hint(case.expect, got.code)));
    }
    if !got.is_ok() {
        return None;
    }
    let differs = |wanted: &Option<Arc<str>>, is: &Option<String>| {
        wanted.as_ref().filter(|wanted| is.as_deref() != Some(&***wanted)).map(|wanted| format!("`{wanted}`"))
    };
    if let Some(wanted) = differs(&case.key_id, &got.key) {
        let hint =
            "the ids of `secrets`, their order and their windows: the first live key that matches is named";
        return Some(fail(format!("key {wanted}"), format!("{:?}", got.key), hint));
    }
    if let Some(wanted) = differs(&case.message_id, &got.message_id) {
        let hint = "`id_source`, and whether the signature binds the id";
        return Some(fail(format!("message id {wanted}"), format!("{:?}", got.message_id), hint));
    }
    if !got.binds.contains(case.binds) {
        let words = |binds: Binds| binds.words().collect::<Vec<_>>().join("+");
        let hint = "`signed_template`: the case says that the signature covers more than the preset makes it";
        return Some(fail(
            format!("{} bound", words(case.binds)),
            format!("{} bound", words(got.binds)),
            hint,
        ));
    }
    let same_time = |wanted: Timestamp, is: Timestamp| {
        if wanted.unix_ms() % 1000 == 0 { wanted.unix() == is.unix() } else { wanted == is }
    };
    if let Some(wanted) = case.signed_at
        && !got.signed_at.is_some_and(|is| same_time(wanted, is))
    {
        let hint = "`timestamp_source`, its `format`, and whether the signature binds the time";
        return Some(fail(format!("signed at {wanted}"), format!("{:?}", got.signed_at), hint));
    }
    None
}

fn hint(expected: Expect, got: &str) -> &'static str {
    match (expected, got) {
        (_, "config_error") => "`countersign preset lint`: the preset or the case's `overrides` will not do",
        (_, "key_error") => "`secrets`, their roles, and `key.forms` of the preset",
        (Expect::Ok, "bad_signature") => {
            "`signed_template`, `algorithm` and `key`; that the body's bytes are those of the origin"
        }
        (Expect::Ok, "missing_signature" | "malformed_signature") => {
            "`signature_source`: its header, `extract` and `encoding`"
        }
        (Expect::Ok, "stale_timestamp" | "future_timestamp") => "`now` of the case, and `[freshness]`",
        (Expect::Ok, "disallowed") => "`when` of the preset's cases: none fits this request",
        (Expect::Ok, _) => "what of the request is named by the preset and not there, or not as it should be",
        (_, "ok") => {
            "what the preset does not look at, and should: this delivery must be refused, and is let in"
        }
        (_, _) => "which of the two is checked first: both refuse, but for different reasons",
    }
}

/// Whether asking in pieces gives the same answer.
pub(crate) fn disagreement(
    verifier: &Arc<Verifier>,
    case: &Case,
    whole: &Verdict,
    mutant: Option<&str>,
) -> Option<Failure> {
    let chunkings: &[&[usize]] = if mutant.is_some() { &CHUNKINGS[1..2] } else { &CHUNKINGS };
    chunkings.iter().find_map(|pieces| {
        let streamed = judge_streamed(verifier, case, pieces);
        (!streamed.agrees(whole)).then(|| Failure {
            place: case.at.to_string(),
            case: case.name.clone(),
            mutant: mutant.map(str::to_owned),
            expected: format!("{}, as for the whole body", whole.in_words()),
            got: format!("{} in pieces of {pieces:?} bytes", streamed.in_words()),
            detail: streamed.detail,
            hint: "the mode's `begin`, `update` and `finish`: they disagree with its `check`".into(),
        })
    })
}

fn run_mutant(bench: &Bench, verifier: &Arc<Verifier>, case: &Case, mutant: &Mutant) -> Option<Failure> {
    let label = format!("{} ({})", mutant.kind, mutant.changed);
    let own = match mutant.rekeyed {
        false => Ok(verifier.clone()),
        true => bench.verifier(&mutant.case),
    };
    let (verdict, seen) = match &own {
        Err(verdict) => ((**verdict).clone(), None),
        Ok(own) => (judge(own, &mutant.case), again(mutant, verifier, case, own)),
    };
    let failed = match (mutant.expected, verdict.code) {
        (_, "mode_fault") => true,
        (Expected::Verified, code) => code != "ok",
        (Expected::Refused, code) => code == "ok",
        (Expected::Is(reason), code) => code != reason.code(),
        (Expected::Seen | Expected::New, code) => code != "ok" || seen != Some(mutant.expected),
        (Expected::Either, _) => false,
    };
    if failed {
        let got = match seen {
            Some(seen) => format!("{}, {seen}", verdict.code),
            None => verdict.code.into(),
        };
        return Some(Failure {
            place: case.at.to_string(),
            case: case.name.clone(),
            mutant: Some(label),
            expected: mutant.expected.to_string(),
            got,
            detail: verdict.detail,
            hint: mutant.why.into(),
        });
    }
    // Flips are many and alike; how pieces are put together is tried on all the others.
    match own {
        Ok(own) if mutant.kind != mutants::FLIP => disagreement(&own, &mutant.case, &verdict, Some(&label)),
        _ => None,
    }
}

/// Whether a guard that has let the case in lets the mutant in too.
fn again(mutant: &Mutant, verifier: &Verifier, case: &Case, own: &Verifier) -> Option<Expected> {
    if !matches!(mutant.expected, Expected::Seen | Expected::New) {
        return None;
    }
    let guard = MemoryGuard::default();
    let accept = |verifier: &Verifier, case: &Case| {
        let remote = Documents(case);
        let outcome = verifier.verify(&case.request.request(), &Context::new(case.now, &remote));
        match outcome.into_verified().ok()?.accept(&guard, case.now) {
            Ok(_) => Some(Expected::New),
            Err(Unaccepted::Seen(_)) => Some(Expected::Seen),
            Err(Unaccepted::Unknown(_)) => None,
        }
    };
    match accept(verifier, case)? {
        Expected::New => accept(own, &mutant.case),
        _ => None,
    }
}
