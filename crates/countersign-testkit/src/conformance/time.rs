//! The clock: none is read, and the one that is told decides what is valid, never what is fresh.

use super::kit::{Kit, Subject};
use super::promises::{CLOCK, Check, FRESHNESS, NOW};
use super::{laid_over, signing};
use crate::run::{Bench, Verdict};
use crate::vectors::Case;
use countersign::{Registry, Timestamp, Window};
use std::time::{Duration, SystemTime};

/// 2001-09-09 and 2100-01-01.
const MOMENTS: [(&str, i64); 2] = [("2001", 1_000_000_000), ("2100", 4_102_444_800)];

/// What may follow the present: whether a key, a certificate or a claim is valid, or must be fetched.
const VALIDITY: [&str; 7] = [
    "unresolved",
    "key_unavailable",
    "unknown_key",
    "untrusted_key",
    "claim_mismatch",
    "no_active_secret",
    "expired_secret",
];

/// Details by which a mode judges a time all the same, and why that stands.
const AGES: &[(&str, &str)] = &[
    ("jwt/expired", "`exp` is written in the token, and no tolerance of the preset's"),
    ("jwt/not-yet", "`nbf` and `iat` are written in the token, and no tolerance of the preset's"),
    ("http-signature/expired", "`expires` is written in the signature, and no tolerance of the preset's"),
];

/// The same case at other moments, with nothing said of freshness; then messages that are signed and judged at other
/// moments.
pub(super) fn ask(kit: &mut Kit<'_>, subject: &Subject<'_>) {
    let Some(ageless) = ageless(kit.registry, subject.case) else {
        return kit.not_asked(Check::Time, "the preset does not compile without freshness");
    };
    let Ok(bench) = Bench::new(kit.registry, &ageless) else { return };
    let Some(verifier) = kit.bind(Check::Time, subject, &bench, &ageless, format_args!("without freshness"))
    else {
        return;
    };
    let mut judge = |case: &Case, what: &str| {
        let what = format_args!("without freshness, in {what}");
        kit.judge(Check::Time, subject.case, &verifier, case, what)
    };
    let Some(base) = judge(&ageless, "its own present") else { return };
    let mut answers = vec![("its own present", base.clone())];
    for (year, seconds) in MOMENTS {
        let at = Case { now: Timestamp::from_unix(seconds), ..ageless.clone() };
        answers.extend(judge(&at, year).map(|verdict| (year, verdict)));
    }
    for (when, verdict) in answers {
        if is_of_age(&verdict) {
            let found = format!("in {when}, with freshness `none`: {}", verdict.code);
            kit.say(FRESHNESS, Some(subject.case), found);
        } else if verdict.code != base.code
            && verdict.detail_code.as_deref().is_none_or(|code| !excused(code))
            && !VALIDITY.contains(&verdict.code)
        {
            kit.say(
                NOW,
                Some(subject.case),
                format!("in {when}: {}, and before {}", verdict.code, base.code),
            );
        }
    }
    signed(kit, subject, &bench, &ageless);
}

/// What is signed and judged at one moment is as good at any other.
fn signed(kit: &mut Kit<'_>, subject: &Subject<'_>, bench: &Bench, ageless: &Case) {
    let Some(signer) = signing::signer(kit, bench, ageless) else { return };
    let Some(verifier) = kit.bind(Check::Time, subject, bench, ageless, format_args!("without freshness"))
    else {
        return;
    };
    let mut answers = Vec::new();
    for (when, at) in MOMENTS
        .map(|(year, at)| (year, Timestamp::from_unix(at)))
        .into_iter()
        .chain([("the real present", real_now())])
    {
        let what = format_args!("signed and judged in {when}");
        let Some(case) = signing::sign(kit, subject, &signer, ageless, &subject.case.request.body, at) else {
            continue;
        };
        let verdict = kit.judge(Check::Time, subject.case, &verifier, &case, what);
        answers.extend(verdict.map(|verdict| (when, verdict)));
    }
    let differs = answers.iter().find(|(_, verdict)| verdict.code != answers[0].1.code);
    if let Some((when, verdict)) = differs {
        let (first, other) = (&answers[0].1.code, verdict.code);
        let found = format!("signed and judged in {}: {first}; in {when}: {other}", answers[0].0);
        kit.say(CLOCK, Some(subject.case), found);
    }
}

/// Waits until the clock shows another second, and asks again: by the verifier that was there, and by a new one.
pub(super) fn later(kit: &mut Kit<'_>, subjects: &[Subject<'_>], since: SystemTime) {
    if subjects.is_empty() {
        return;
    }
    let second =
        |at: SystemTime| at.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    while second(SystemTime::now()) == second(since) {
        std::thread::sleep(Duration::from_millis(10));
    }
    for subject in subjects {
        let now = kit.ask(Check::Time, subject, subject.case, format_args!("asked again, seconds later"));
        let new = kit.bind(Check::Time, subject, &subject.bench, subject.case, format_args!("bound again"));
        let again = new.and_then(|new| {
            kit.judge(
                Check::Time,
                subject.case,
                &new,
                subject.case,
                format_args!("bound again, seconds later"),
            )
        });
        for verdict in [now, again].into_iter().flatten().filter(|verdict| *verdict != subject.base) {
            let found = format!(
                "the same request at the same `now`: {}, and seconds later {}",
                subject.base.code, verdict.code
            );
            kit.say(CLOCK, Some(subject.case), found);
        }
    }
}

/// The case without freshness and without windows of keys.
fn ageless(registry: &Registry, case: &Case) -> Option<Case> {
    let overrides = laid_over(case, "[freshness]\ntolerance_seconds = \"none\"")?;
    let mut case = Case { overrides: Some(overrides), ..case.clone() };
    case.secrets.iter_mut().for_each(|secret| secret.window = Window::default());
    Bench::new(registry, &case).ok().map(|_| case)
}

fn is_of_age(verdict: &Verdict) -> bool {
    let excused = verdict.detail_code.as_deref().is_some_and(excused);
    matches!(verdict.code, "stale_timestamp" | "future_timestamp") && !excused
}

fn excused(code: &str) -> bool {
    AGES.iter().any(|(known, _)| *known == code)
}

fn real_now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
