//! What [`Mode`] promises, asked of one: for whoever writes a mode, in the language it is written in or behind a loader.
//!
//! A mode that passes is not thereby right: only vectors from outside say that. But one that does not pass breaks the
//! core's own promises to its hosts.
//!
//! ```text
//! mode, presets, vectors ──suite──▶ every case, changed in every way ──▶ Conformance
//!                                                                         ├─ broken: which promise, found how
//!                                                                         ├─ checks: each ok, failed or not applicable
//!                                                                         └─ parts: what is bound, and what is not
//! ```
//!
//! Everything is deterministic but for how often the same is asked, which follows a budget of time, and for the timings,
//! which are told and not judged. No text that is written here holds a secret or a signature.

mod binding;
mod damage;
mod descriptor;
mod keys;
mod kit;
mod leaks;
mod promises;
mod purity;
mod replay;
mod report;
mod signature;
mod signing;
mod time;

pub use leaks::shows_secret;
pub use promises::{BREACHES, Breach, Check};
pub use report::{Checked, Claim, Conformance, Finding, Part, Timing};

use crate::run::{self, Options as RunOptions, Report};
use crate::vectors::{Case, Expect, VectorFile};
use countersign::{Compiled, Layer, Mode, Registry, Sources, Verifier};
use kit::{Kit, Subject};
use promises::{PANICS, PRESET, UNREGISTERED};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// How much is asked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// How often the same is asked at most. Default: 1000.
    pub rounds: usize,

    /// How many threads ask at once. Default: 64.
    pub threads: usize,

    /// How many requests are damaged at random, of every case. Default: 64.
    pub damaged: u64,

    /// How many bytes of a body, a header or a signature are changed at most; a longer one is sampled evenly. Default: 128.
    pub samples: usize,

    /// The private halves of public keys, as `(public, private)`, each as a case would write it: what a mode of public keys
    /// signs is asked only of cases whose keys are all here, or are PEM of the private half. Default: none.
    pub pairs: Vec<(String, String)>,

    /// Whether verifying is timed. Default: yes.
    pub speed: bool,

    /// What the checks of one preset may take, roughly: a slow mode is asked less often. Default: four seconds.
    pub budget: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            rounds: 1000,
            threads: 64,
            damaged: 64,
            samples: 128,
            pairs: Vec::new(),
            speed: true,
            budget: Duration::from_secs(4),
        }
    }
}

impl Options {
    /// With the private half of a public key: see [`pairs`](Self::pairs).
    pub fn with_pair(mut self, public: impl Into<String>, private: impl Into<String>) -> Self {
        self.pairs.push((public.into(), private.into()));
        self
    }

    /// Without timing.
    pub fn without_speed(self) -> Self {
        Options { speed: false, ..self }
    }
}

/// Asks a mode everything, as much as [`Options`] says by default: see [`suite_with`].
pub fn suite(mode: Arc<dyn Mode>, presets: &[(&str, &str)], vectors: &[VectorFile]) -> Conformance {
    suite_with(mode, presets, vectors, &Options::default())
}

/// Asks a mode what its trait promises, and runs vectors through it. What is asked is [`Check`], what may be found is
/// [`BREACHES`].
///
/// `presets` are the files that the vectors are about, each a name and a text. Without vectors only what the mode says of
/// itself is asked: give at least one case that verifies of every shape of the table. A mode of the name of one that is
/// always there, such as `hmac`, stands for it: that one is asked.
///
/// A panic of the mode is caught and told; what the panic hook prints of it is the host's to silence. Takes a second at
/// least, for the clock is asked twice, and a few seconds a preset.
pub fn suite_with(
    mode: Arc<dyn Mode>,
    presets: &[(&str, &str)],
    vectors: &[VectorFile],
    options: &Options,
) -> Conformance {
    let started = SystemTime::now();
    let info = mode.info().clone();
    let mut registry = Registry::new();
    let registered = match registry.mode(&info.name) {
        None => registry.register(mode).err(),
        Some(_) => None,
    };
    let mut wrong: Vec<_> = registered
        .map(|errors| (UNREGISTERED, format!("it cannot be registered: {errors}")))
        .into_iter()
        .collect();
    for (file, text) in presets {
        if let Err(errors) = registry.add_preset(*file, *text) {
            wrong.push((PRESET, format!("{file}: {}", errors.render(registry.sources()))));
        }
    }
    let compiled = compile_all(&registry, &info.name, &mut wrong);
    // The example is tried in a registry of its own, so that the one that cases are judged by can be lent.
    let mut examples = Registry::new();
    if let Some(mode) = registry.mode(&info.name).filter(|_| examples.mode(&info.name).is_none()) {
        wrong.extend(examples.register(mode.clone()).err().map(|errors| (UNREGISTERED, errors.to_string())));
    }
    let mut kit = Kit::new(options, &registry, &info);
    wrong.into_iter().for_each(|(breach, found)| kit.say(breach, None, found));
    descriptor::ask(&mut kit, &mut examples, &info, &compiled);

    let mut kept = Vec::new();
    let cases = || vectors.iter().flat_map(|file| &file.cases);
    for file in vectors {
        run_vectors(&mut kit, file);
    }
    let mut names: Vec<&Arc<str>> = cases().map(|case| &case.preset).collect();
    names.sort();
    names.dedup();
    for name in names {
        let of_preset: Vec<&Case> = cases().filter(|case| case.preset == *name).collect();
        kept.extend(preset(&mut kit, &of_preset));
    }
    time::later(&mut kit, &kept, started);
    kit.finish()
}

/// Every preset of this mode that compiles: what is wrong with the others, their cases tell.
fn compile_all(registry: &Registry, mode: &str, wrong: &mut Vec<(Breach, String)>) -> Vec<Arc<Compiled>> {
    let mut compiled = Vec::new();
    for (name, _) in registry.presets() {
        match catch_unwind(AssertUnwindSafe(|| registry.named(name))) {
            Ok(Ok(preset)) if *preset.preset().mode.value == *mode => compiled.push(preset),
            Ok(_) => {}
            Err(_) => wrong.push((PANICS, format!("preset `{name}` compiled: it panics"))),
        }
    }
    compiled
}

/// The vectors and their mutants, case by case, so that a panic in one leaves the others.
fn run_vectors(kit: &mut Kit<'_>, file: &VectorFile) {
    let registry = kit.registry;
    for case in &file.cases {
        let options = RunOptions { only: Some(case.name.clone()), ..RunOptions::default() };
        let what = format_args!("the case and its mutants run");
        let report: Option<Report> = kit.caught(case, what, || run::run(registry, file, &options));
        kit.found.vectors.merge(report.unwrap_or_default());
    }
}

/// How many cases of a preset are asked what costs most; the others are alike.
const CHOSEN: usize = 3;

/// All cases of one preset; those that are to be asked once more, later.
fn preset<'c>(kit: &mut Kit<'_>, cases: &[&'c Case]) -> Vec<Subject<'c>> {
    let share = kit.options.budget / u32::try_from(cases.len()).unwrap_or(u32::MAX).max(1);
    let mut subjects: Vec<Subject<'c>> = cases.iter().filter_map(|case| kit.subject(case, share)).collect();
    let contents: Vec<_> = subjects.iter().map(|subject| by_content(kit, subject)).collect();
    for (subject, content) in subjects.iter_mut().zip(&contents) {
        damage::ask(kit, subject);
        if subject.is_ok() {
            binding::probe(kit, subject);
            binding::ask(kit, subject);
            binding::headers(kit, subject);
            signature::ask(kit, subject, content.as_deref());
            keys::another(kit, subject);
            keys::order(kit, subject);
            match content {
                Some(verifier) => replay::ask(kit, subject, verifier),
                None => kit.not_asked(
                    Check::Replay,
                    "nothing that is signed differs, or the scheme takes no content for a name",
                ),
            }
        }
    }
    for (first, second) in (1..subjects.len()).map(|second| (second - 1, second)) {
        if let (Some(one), Some(other)) = (&contents[first], &contents[second]) {
            replay::differ(kit, (&subjects[first], one), (&subjects[second], other));
        }
    }
    let refused = subjects.iter().find(|subject| !subject.is_ok());
    for subject in subjects.iter().filter(|subject| subject.is_ok()).take(CHOSEN).chain(refused) {
        purity::repeated(kit, subject);
        let other = subjects.iter().map(|other| other.case).find(|other| other.name != subject.case.name);
        purity::interleaved(kit, subject, other);
        purity::threads(kit, subject);
        purity::lifetimes(kit, subject);
    }
    // A mode that judges by its own clock refuses what it should verify.
    let verifies = |subject: &&Subject<'_>| subject.is_ok() || subject.case.expect == Expect::Ok;
    subjects.iter().filter(verifies).take(CHOSEN).for_each(|subject| time::ask(kit, subject));
    for (index, subject) in subjects.iter().filter(|subject| subject.is_ok()).take(CHOSEN).enumerate() {
        keys::weak(kit, subject);
        signing::ask(kit, subject);
        if let Some((case, bench)) = replay::by_content(kit.registry, subject.case) {
            replay::dropped(kit, subject, &case, &bench);
        }
        if kit.options.speed && index == 0 {
            signing::speed(kit, subject);
        }
    }
    subjects
}

/// A case's keys, by a verifier that knows a request by its content.
fn by_content(kit: &mut Kit<'_>, subject: &Subject<'_>) -> Option<Arc<Verifier>> {
    let (case, bench) = replay::by_content(kit.registry, subject.case)?;
    kit.bind(Check::Replay, subject, &bench, &case, format_args!("known by its content"))
}

/// The case's own overrides under a few lines of a preset.
fn laid_over(case: &Case, text: &str) -> Option<Layer> {
    let mut sources = Sources::new();
    let file = sources.add("conformance", text);
    let changes = Layer::parse(&sources, file).ok()?;
    Some(match &case.overrides {
        Some(own) => changes.over(own),
        None => changes,
    })
}
