//! The same request, the same answer: over and over, between others, in many threads, beside verifiers that come and go.

use super::kit::{Kit, Subject};
use super::promises::{ANSWERS_DIFFER, Breach, Check, KEEPS_STATE, LIFETIMES, THREADS};
use crate::mutants::spots;
use crate::run::{self, Verdict};
use crate::vectors::Case;
use countersign::Verifier;
use std::sync::Arc;

/// How many ways to ask share the pace of a case.
const WAYS: usize = 6;

/// One verifier, asked the same thing often.
pub(super) fn repeated(kit: &mut Kit<'_>, subject: &Subject<'_>) {
    for round in 1..=subject.afford(kit.options.rounds, WAYS) {
        let Some(verdict) = kit.ask(Check::Purity, subject, subject.case, format_args!("asked again")) else {
            return;
        };
        if differs(kit, subject, ANSWERS_DIFFER, &verdict, &subject.base, format_args!("asked {round} times"))
        {
            return;
        }
    }
}

/// One verifier, asked different things in turn, refused ones among them: each answer is that of a verifier that was asked
/// nothing else.
pub(super) fn interleaved(kit: &mut Kit<'_>, subject: &Subject<'_>, other: Option<&Case>) {
    let requests = requests(subject, other);
    let mut alone = Vec::new();
    for (what, case) in &requests {
        let what = format_args!("{what}, by a verifier of its own");
        let Some(new) = kit.bind(Check::Purity, subject, &subject.bench, subject.case, what) else { return };
        let Some(verdict) = kit.judge(Check::Purity, subject.case, &new, case, what) else { return };
        alone.push(verdict);
    }
    let Some(shared) =
        kit.bind(Check::Purity, subject, &subject.bench, subject.case, format_args!("bound once more"))
    else {
        return;
    };
    // Every request behind every other one, itself included.
    let count = requests.len();
    let rounds = subject.afford(kit.options.rounds, WAYS).div_ceil(2 * count * count).max(1);
    for _ in 0..rounds {
        for (first, second) in (0..count * count).map(|pair| (pair / count, pair % count)) {
            for index in [first, second] {
                let (what, case) = &requests[index];
                let asked = format_args!("{what}, after {}", requests[first].0);
                let Some(verdict) = kit.judge(Check::Purity, subject.case, &shared, case, asked) else {
                    return;
                };
                if differs(kit, subject, KEEPS_STATE, &verdict, &alone[index], asked) {
                    return;
                }
            }
        }
    }
}

/// Many threads that share one verifier.
pub(super) fn threads(kit: &mut Kit<'_>, subject: &Subject<'_>) {
    let threads = kit.options.threads;
    let rounds = (subject.afford(kit.options.rounds, WAYS) / threads.max(1)).clamp(2, 16);
    let refused = subject.changed(|case| case.request.headers.clear());
    let Some(refusal) = kit.ask(Check::Threads, subject, &refused, format_args!("without headers")) else {
        return;
    };
    let (verifier, case) = (&subject.verifier, subject.case);
    let ask = |thread: usize| {
        (0..rounds).find_map(|round| {
            let (case, wanted) =
                if (thread + round).is_multiple_of(4) { (&refused, &refusal) } else { (case, &subject.base) };
            Some(run::judge(verifier, case)).filter(|verdict| verdict != wanted)
        })
    };
    kit.count(Check::Threads, threads * rounds);
    let answers: Vec<_> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..threads).map(|thread| scope.spawn(move || ask(thread))).collect();
        started.into_iter().map(std::thread::ScopedJoinHandle::join).collect()
    });
    for answer in answers {
        match answer {
            Ok(None) => {}
            Ok(Some(verdict)) => {
                let found =
                    format!("{threads} threads at once: {}, and alone {}", verdict.code, subject.base.code);
                kit.say(THREADS, Some(case), found);
            }
            Err(_) => {
                kit.say(super::promises::PANICS, Some(case), format!("{threads} threads at once: it panics"))
            }
        }
    }
}

/// Verifiers that are made, used and dropped in any order, while others live.
pub(super) fn lifetimes(kit: &mut Kit<'_>, subject: &Subject<'_>) {
    const LIVES: usize = 8;
    let what = format_args!("while other verifiers come and go");
    let bind = |kit: &mut Kit<'_>| kit.bind(Check::Purity, subject, &subject.bench, subject.case, what);
    let mut living: Vec<Option<Arc<Verifier>>> = (0..LIVES).map(|_| bind(kit)).collect();
    for round in 0..2 * LIVES {
        // Three is prime to eight: every one goes in turn, and never the oldest first.
        let (gone, asked) = (round * 3 % LIVES, (round * 5 + 1) % LIVES);
        living[gone] = None;
        if let Some(verifier) = &living[asked] {
            let Some(verdict) = kit.judge(Check::Purity, subject.case, verifier, subject.case, what) else {
                return;
            };
            if differs(kit, subject, LIFETIMES, &verdict, &subject.base, what) {
                return;
            }
        }
        living[gone] = bind(kit);
    }
}

/// The case, another one, and some that are refused: without headers, with none that can be read, with another body, and
/// with signatures that cannot be decoded.
fn requests(subject: &Subject<'_>, other: Option<&Case>) -> Vec<(&'static str, Case)> {
    let mut requests = vec![("the case", subject.case.clone())];
    // Its request at its moment, by the keys of this one.
    requests.extend(other.map(|other| {
        let (request, documents, now) = (other.request.clone(), other.documents.clone(), other.now);
        (
            "another case",
            subject.changed(|case| (case.request, case.documents, case.now) = (request, documents, now)),
        )
    }));
    requests.push(("the case without headers", subject.changed(|case| case.request.headers.clear())));
    requests.push((
        "the case with headers that are no text",
        subject.changed(|case| {
            case.request.headers.iter_mut().for_each(|(_, value)| *value = vec![0xff, 0, b','])
        }),
    ));
    requests.push((
        "the case with another body",
        subject.changed(|case| case.request.body.extend_from_slice(b"\0x")),
    ));
    if !subject.signatures.is_empty() {
        for (what, garbage) in
            [("the case with signatures that cannot be decoded", "!"), ("the case with empty signatures", "")]
        {
            let request = spots::replace(&subject.case.request, &subject.signatures, &|_| garbage.into());
            requests.push((what, subject.changed(|case| case.request = request)));
        }
    }
    requests
}

/// Whether an answer is not the one that it was, which is told.
fn differs(
    kit: &mut Kit<'_>,
    subject: &Subject<'_>,
    breach: Breach,
    is: &Verdict,
    was: &Verdict,
    what: std::fmt::Arguments<'_>,
) -> bool {
    if is != was {
        let found = match is.code == was.code {
            true => format!("{what}: {} again, but with other words or another proof", is.code),
            false => format!("{what}: {}, and before {}", is.code, was.code),
        };
        kit.say(breach, Some(subject.case), found);
    }
    is != was
}
