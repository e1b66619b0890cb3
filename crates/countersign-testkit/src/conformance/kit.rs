//! Asking a mode, and writing down what it says: every question goes through here, so that a panic, a leak and an
//! undeclared detail are found whatever was asked.

use super::promises::{
    ANOTHER_KEY, Breach, Check, FAULT, OTHER_REASON, PANICS, SECRET_LEAKED, TAG_LEAKED, UNDECLARED,
};
use super::report::{Checked, Claim, Conformance, Finding, Part};
use super::{Options, leaks};
use crate::mutants::key::other_secret;
use crate::mutants::spots::{self, Spot};
use crate::mutants::{Places, signature::Encoding};
use crate::run::{self, Bench, Verdict};
use crate::vectors::{Case, SecretSpec};
use countersign::{CORE_DETAILS, ModeInfo, Reason, Registry, Verifier, template};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a loaded mode says under no code of its own: it has no reason of its own either.
const SAID: &str = "module/said";

/// One run of the kit.
pub(super) struct Kit<'k> {
    pub(super) options: &'k Options,
    pub(super) registry: &'k Registry,
    pub(super) found: Conformance,
    declared: BTreeMap<String, Reason>,
    /// Those that the mode itself declares, and no host or grammar for it.
    own: BTreeMap<String, Reason>,
    seen: BTreeSet<String>,
    asked: BTreeMap<Check, usize>,
    not_asked: BTreeMap<Check, BTreeMap<String, usize>>,
}

/// A case whose keys are bound, and what is known of it.
pub(super) struct Subject<'c> {
    pub(super) case: &'c Case,
    pub(super) bench: Bench,
    pub(super) verifier: Arc<Verifier>,
    /// What is said of the case as it stands.
    pub(super) base: Verdict,
    pub(super) places: Places,
    /// The names, in lower case, of headers of which some change is refused.
    pub(super) matters: BTreeSet<String>,
    /// The texts that are taken for signatures: where the preset says they are, or else what looks like one.
    pub(super) signatures: Vec<Spot>,
    /// How many verifications this case may cost.
    pub(super) pace: usize,
}

impl<'k> Kit<'k> {
    pub(super) fn new(options: &'k Options, registry: &'k Registry, info: &ModeInfo) -> Self {
        let mut declared: BTreeMap<String, Reason> = BTreeMap::new();
        let all = info.details.iter().chain(template::DETAILS).chain(CORE_DETAILS);
        all.for_each(|(code, reason, _)| _ = declared.entry(code.to_string()).or_insert(*reason));
        let of_loader = |code: &str| code.starts_with("module/");
        let own = info.details.iter().filter(|(code, ..)| !of_loader(code));
        let own = own.map(|(code, reason, _)| (code.to_string(), *reason)).collect();
        let found = Conformance { mode: info.name.to_string(), ..Conformance::default() };
        let (seen, asked, not_asked) = Default::default();
        Kit { options, registry, found, declared, own, seen, asked, not_asked }
    }

    /// Bind a case and ask about it: `None` where its preset or its keys will not do, which its vectors tell.
    pub(super) fn subject<'c>(&mut self, case: &'c Case, share: Duration) -> Option<Subject<'c>> {
        let bench = Bench::new(self.registry, case).ok()?;
        if *bench.compiled.preset().mode.value != *self.found.mode {
            return None;
        }
        let verifier = self.caught(case, format_args!("its keys bound"), || bench.verifier(case))?.ok()?;
        let started = Instant::now();
        let base = self.judge(Check::Damage, case, &verifier, case, format_args!("as it stands"))?;
        let cost = started.elapsed().as_nanos().max(1);
        let pace = usize::try_from(share.as_nanos() / cost).unwrap_or(usize::MAX);
        let places = Places::of(&bench);
        let signatures = spots::locate(&places.signatures, &case.request);
        Some(Subject { case, bench, verifier, base, places, matters: BTreeSet::new(), signatures, pace })
    }

    /// One answer to `asked`, which is `case` or a change of it; `None` if it panicked, which is told.
    pub(super) fn judge(
        &mut self,
        check: Check,
        case: &Case,
        verifier: &Verifier,
        asked: &Case,
        what: fmt::Arguments<'_>,
    ) -> Option<Verdict> {
        self.count(check, 1);
        let verdict = self.caught(case, what, || run::judge(verifier, asked))?;
        self.heed(case, asked, &verdict, what);
        Some(verdict)
    }

    /// The subject's own verifier, asked about a change of its case.
    pub(super) fn ask(
        &mut self,
        check: Check,
        subject: &Subject<'_>,
        asked: &Case,
        what: fmt::Arguments<'_>,
    ) -> Option<Verdict> {
        self.judge(check, subject.case, &subject.verifier, asked, what)
    }

    /// A change of the case bound to its own keys, with `bench`. `None`: refused, or it panicked, which is told.
    pub(super) fn bind(
        &mut self,
        check: Check,
        subject: &Subject<'_>,
        bench: &Bench,
        asked: &Case,
        what: fmt::Arguments<'_>,
    ) -> Option<Arc<Verifier>> {
        self.count(check, 1);
        match self.caught(subject.case, what, || bench.verifier(asked))? {
            Ok(verifier) => Some(verifier),
            Err(verdict) => {
                self.heed(subject.case, asked, &verdict, what);
                None
            }
        }
    }

    /// `None` if it panicked, which is told.
    pub(super) fn caught<T>(
        &mut self,
        case: &Case,
        what: fmt::Arguments<'_>,
        run: impl FnOnce() -> T,
    ) -> Option<T> {
        let ran = catch_unwind(AssertUnwindSafe(run)).ok();
        if ran.is_none() {
            self.say(PANICS, Some(case), format!("{what}: it panics"));
        }
        self.count(Check::Panics, 1);
        ran
    }

    /// Write down a breach. Told once a case, and counted.
    pub(super) fn say(&mut self, breach: Breach, case: Option<&Case>, found: impl Into<String>) {
        let case = case.map(|case| (case.preset.clone(), case.name.clone()));
        let told = self.found.broken.iter_mut().find(|told| told.breach == breach && told.case == case);
        // Of the mode alone there may be several of a kind, such as codes.
        match told.filter(|_| case.is_some()) {
            Some(told) => told.times += 1,
            None => self.found.broken.push(Finding { breach, case, found: found.into(), times: 1 }),
        }
    }

    pub(super) fn count(&mut self, check: Check, more: usize) {
        *self.asked.entry(check).or_default() += more;
    }

    /// Write down why something was not asked.
    pub(super) fn not_asked(&mut self, check: Check, why: &str) {
        *self.not_asked.entry(check).or_default().entry(why.to_owned()).or_default() += 1;
    }

    /// One more change of a part of the case.
    pub(super) fn tried(&mut self, case: &Case, name: &str, claim: Claim, verified: bool) {
        let same = |part: &&mut Part| *part.preset == *case.preset && part.name == name;
        let more = usize::from(verified);
        match self.found.parts.iter_mut().find(same) {
            Some(part) => {
                (part.tried, part.verified) = (part.tried + 1, part.verified + more);
                // What is bound by one case of a preset need not be by the next: the table shows the most.
                part.claim = if claim == Claim::Bound { claim } else { part.claim };
            }
            None => {
                let (preset, name) = (case.preset.clone(), name.to_owned());
                self.found.parts.push(Part { preset, name, claim, tried: 1, verified: more });
            }
        }
    }

    /// Put the report together.
    pub(super) fn finish(self) -> Conformance {
        let Kit { options: _, registry: _, mut found, declared: _, own, seen, asked, not_asked } = self;
        found.checks = Check::ALL
            .iter()
            .map(|check| Checked {
                check: *check,
                asked: asked.get(check).copied().unwrap_or(0),
                broken: found.broken.iter().filter(|finding| finding.breach.check == *check).count(),
                not_asked: not_asked
                    .get(check)
                    .into_iter()
                    .flatten()
                    .map(|(why, times)| match times {
                        1 => why.clone(),
                        _ => format!("{why} ({times} times)"),
                    })
                    .collect(),
            })
            .collect();
        found.unseen = own.into_iter().filter(|(code, _)| !seen.contains(code)).collect();
        found
    }

    /// What must hold of every refusal.
    fn heed(&mut self, case: &Case, asked: &Case, verdict: &Verdict, what: fmt::Arguments<'_>) {
        if verdict.code == "mode_fault" && case.expect.code() != "mode_fault" {
            let detail = verdict.detail.as_deref().unwrap_or("no detail");
            self.say(FAULT, Some(case), format!("{what}: mode_fault ({detail})"));
        }
        if let Some(code) = &verdict.detail_code {
            self.count(Check::Details, 1);
            match self.declared.get(code) {
                None => {
                    let found =
                        format!("detail code `{code}` is given and not declared in `ModeInfo::details`");
                    self.say(UNDECLARED, Some(case), found);
                }
                Some(reason) if reason.code() != verdict.code && code != SAID => {
                    let (reason, given) = (reason.code(), verdict.code);
                    let found =
                        format!("detail code `{code}` is declared under {reason} and given with {given}");
                    self.say(OTHER_REASON, Some(case), found);
                }
                Some(_) => {}
            }
            if !self.seen.contains(code) {
                self.seen.insert(code.clone());
            }
        }
        let Some(text) = &verdict.detail else { return };
        self.count(Check::Secrets, 1);
        if leaks::shows_secret(asked, text) {
            let said = verdict.detail_code.as_deref().unwrap_or(verdict.code);
            self.say(
                SECRET_LEAKED,
                Some(case),
                format!("{what}: the text of `{said}` holds a secret of the case"),
            );
        }
        if leaks::shows_signature(case, asked, text) {
            let said = verdict.detail_code.as_deref().unwrap_or(verdict.code);
            let found =
                format!("{what}: the text of `{said}` holds a signature that the request did not have");
            self.say(TAG_LEAKED, Some(case), found);
        }
    }
}

impl Subject<'_> {
    pub(super) fn is_ok(&self) -> bool {
        self.base.is_ok()
    }

    /// The case with one change.
    pub(super) fn changed(&self, change: impl FnOnce(&mut Case)) -> Case {
        let mut case = self.case.clone();
        change(&mut case);
        case
    }

    /// How many of `wanted` this case can afford, as one of `parts` that cost alike.
    pub(super) fn afford(&self, wanted: usize, parts: usize) -> usize {
        wanted.min((self.pace / parts.max(1)).max(8))
    }

    /// The case with every secret another one of the same shape that can be bound, and bound; `None`: none was found.
    pub(super) fn rekeyed(&self, kit: &mut Kit<'_>, check: Check) -> Option<(Case, Arc<Verifier>)> {
        // Not every text of the shape of a public key is one: of the points of a curve half are.
        const TRIES: usize = 8;
        let mut other = self.case.clone();
        (0..TRIES).find_map(|_| {
            for SecretSpec { value, .. } in &mut other.secrets {
                *value = other_secret(value);
            }
            let bound = kit.bind(check, self, &self.bench, &other, format_args!("another key bound"))?;
            Some((other.clone(), bound))
        })
    }

    /// Complain if what must not verify does, for another key.
    pub(super) fn refuse_other(
        &self,
        kit: &mut Kit<'_>,
        verdict: Option<&Verdict>,
        what: fmt::Arguments<'_>,
    ) {
        if verdict.is_some_and(Verdict::is_ok) {
            kit.say(ANOTHER_KEY, Some(self.case), format!("{what}: what another key signed verifies"));
        }
    }

    /// The bytes of a signature, and how to write others like it.
    pub(super) fn decoded(spot: &Spot) -> Option<(Encoding, Vec<u8>)> {
        let encoding = Encoding::of(spot);
        encoding.decode(&spot.text).map(|bytes| (encoding, bytes))
    }
}
