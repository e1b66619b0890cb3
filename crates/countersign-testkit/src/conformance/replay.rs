//! What a guard remembers: of the same content the same, of other content something else, and of a message with two
//! signatures the same with either of them.

use super::kit::{Kit, Subject};
use super::promises::{Check, OTHER_CONTENT, SAME_CONTENT, SIGNATURE_DROPPED};
use super::{laid_over, signing};
use crate::mutants::key::other_secret;
use crate::run::{self, Bench};
use crate::vectors::{Case, SecretSpec};
use countersign::{Binds, Registry, Verifier, Window};
use std::sync::Arc;

/// The case judged by its content; `None` where the scheme takes no content for a name.
pub(super) fn by_content(registry: &Registry, case: &Case) -> Option<(Case, Bench)> {
    let overrides = laid_over(case, "[replay]\nkey = \"content\"")?;
    let case = Case { overrides: Some(overrides), ..case.clone() };
    let bench = Bench::new(registry, &case).ok()?;
    Some((case, bench))
}

/// The same content, and other content.
pub(super) fn ask(kit: &mut Kit<'_>, subject: &Subject<'_>, verifier: &Verifier) {
    let mut digests = |case: &Case, what: &str| {
        kit.count(Check::Replay, 1);
        kit.caught(subject.case, format_args!("{what}"), || run::replay_digests(verifier, case)).flatten()
    };
    let Some(base) = digests(subject.case, "as it stands") else { return };
    let upper = subject.changed(|case| {
        case.request.headers.iter_mut().for_each(|(name, _)| *name = name.to_ascii_uppercase());
    });
    let added =
        subject.changed(|case| case.request.headers.insert(0, ("x-added-by-a-proxy".into(), b"1".to_vec())));
    let again =
        [("as it stands", subject.case), ("header names in upper case", &upper), ("one more header", &added)];
    let again = again.map(|(what, case)| (what, digests(case, what)));
    for (what, other) in again {
        if other.is_some_and(|other| other != base) {
            kit.say(
                SAME_CONTENT,
                Some(subject.case),
                format!("{what}: the same content has other replay keys"),
            );
        }
    }
}

/// Two cases of one preset whose bodies differ and are bound. What is laid over a preset may make one content of two bodies.
pub(super) fn differ(kit: &mut Kit<'_>, one: (&Subject<'_>, &Verifier), other: (&Subject<'_>, &Verifier)) {
    let ((subject, verifier), (second, by)) = (one, other);
    let bound = |subject: &Subject<'_>| subject.is_ok() && subject.base.binds.contains(Binds::BODY);
    let bare = |subject: &Subject<'_>| subject.case.overrides.is_none();
    if !(bound(subject) && bound(second) && bare(subject) && bare(second))
        || subject.case.request.body == second.case.request.body
    {
        return;
    }
    kit.count(Check::Replay, 1);
    let (Some(first), Some(second_keys)) =
        (run::replay_digests(verifier, subject.case), run::replay_digests(by, second.case))
    else {
        return;
    };
    if first.iter().any(|key| second_keys.contains(key)) {
        let found =
            format!("other content than that of case `{}`, and the same replay key", second.case.name);
        kit.say(OTHER_CONTENT, Some(subject.case), found);
    }
}

/// A message with the signatures of two keys, and with either alone: accepted once, whichever comes first.
pub(super) fn dropped(kit: &mut Kit<'_>, subject: &Subject<'_>, case: &Case, bench: &Bench) {
    let Some(first) = case.secrets.first() else { return };
    let first = SecretSpec { window: Window::default(), ..first.clone() };
    let second =
        SecretSpec { id: "conformance-other".into(), value: other_secret(&first.value), ..first.clone() };
    let held = |secrets: &[&SecretSpec]| Case {
        secrets: secrets.iter().map(|secret| (*secret).clone()).collect(),
        ..case.clone()
    };
    let both = held(&[&first, &second]);
    let what = format_args!("two keys bound");
    let Some(verifier) = kit.bind(Check::Replay, subject, bench, &both, what) else { return };
    let mut signed = Vec::new();
    for (who, by) in [
        ("both signatures", &both),
        ("the first alone", &held(&[&first])),
        ("the second alone", &held(&[&second])),
    ] {
        let Some(signer) = signing::signer(kit, bench, by) else {
            return kit
                .not_asked(Check::Replay, "two keys, and no signature by each: the case's keys do not sign");
        };
        let Some(case) =
            signing::sign(kit, subject, &signer, by, &subject.case.request.body, subject.case.now)
        else {
            return kit.not_asked(
                Check::Replay,
                "two keys, and no signature by each: the case is not to be signed",
            );
        };
        signed.push((who, case));
    }
    // Where the wire takes one signature, there is none to drop.
    let alone =
        |by: &Case| bench.verifier(by).is_ok_and(|verifier| run::judge(&verifier, &signed[0].1).is_ok());
    if !alone(&held(&[&first])) || !alone(&held(&[&second])) {
        return kit.not_asked(Check::Replay, "two keys, and the wire takes the signature of one");
    }
    for (before, after) in [(0, 1), (0, 2), (1, 2), (2, 1), (1, 0), (2, 0)] {
        kit.count(Check::Replay, 1);
        let what = format_args!("{}, then {}", signed[before].0, signed[after].0);
        let seen =
            kit.caught(subject.case, what, || seen(&verifier, &signed[before].1, &signed[after].1)).flatten();
        if seen == Some(false) {
            kit.say(SIGNATURE_DROPPED, Some(subject.case), format!("{what}: a guard lets it in twice"));
        }
    }
}

/// Whether a guard that has let one in calls the other a duplicate; `None` if one of them does not verify.
fn seen(verifier: &Arc<Verifier>, before: &Case, after: &Case) -> Option<bool> {
    let (before, after) = (run::replay_digests(verifier, before)?, run::replay_digests(verifier, after)?);
    Some(after.iter().any(|key| before.contains(key)))
}
