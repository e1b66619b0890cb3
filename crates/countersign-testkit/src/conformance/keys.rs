//! Keys that are none, and keys that are another's.

use super::kit::{Kit, Subject};
use super::promises::{Check, KEY_ORDER, SECRET_LEAKED, WEAK_KEY};
use crate::mutants::key::other_secret;
use crate::run::Verdict;
use crate::vectors::SecretSpec;
use countersign::MAX_SECRET;

/// Keys that whoever sends could guess: refused when they are bound, or of no use.
pub(super) fn weak(kit: &mut Kit<'_>, subject: &Subject<'_>) {
    if subject.case.secrets.is_empty() {
        return kit.not_asked(Check::WeakKeys, "a scheme that finds its keys");
    }
    let long = |byte: &str| byte.repeat(MAX_SECRET);
    let kinds: [(&str, String); 9] = [
        ("no byte", String::new()),
        ("one byte", "a".into()),
        ("one space", " ".into()),
        ("a NUL", "\0".into()),
        ("a NUL inside", "a\0b".into()),
        ("32 NULs", "\0".repeat(32)),
        ("32 bytes of zeros in hex", "0".repeat(64)),
        ("64 KiB", long("a")),
        ("64 KiB of zeros", long("0")),
    ];
    for (what, weak) in kinds {
        let changed = subject.changed(|case| {
            case.secrets.iter_mut().for_each(|secret| secret.value = weak.as_str().into());
        });
        let what = format_args!("every secret is {what}");
        if changed.secrets.iter().zip(&subject.case.secrets).any(|(new, old)| new.value == old.value) {
            continue;
        }
        let Some(verifier) = kit.bind(Check::WeakKeys, subject, &subject.bench, &changed, what) else {
            continue;
        };
        let verdict = kit.judge(Check::WeakKeys, subject.case, &verifier, &changed, what);
        if verdict.is_some_and(|verdict| verdict.is_ok()) {
            kit.say(WEAK_KEY, Some(subject.case), format!("{what}: the case's own signature verifies"));
        }
    }
    // A key that will not do is told by its name: what is wrong is said without the key.
    let told = subject.changed(|case| {
        for secret in &mut case.secrets {
            secret.value = format!("{}!\u{1}", secret.value).into();
        }
    });
    kit.count(Check::Secrets, 1);
    let bound = kit
        .caught(subject.case, format_args!("a secret with more behind it"), || subject.bench.verifier(&told));
    if let Some(Err(verdict)) = bound
        && verdict.detail.as_deref().is_some_and(|text| super::leaks::shows_secret(subject.case, text))
    {
        kit.say(SECRET_LEAKED, Some(subject.case), "a secret that will not do: the error shows it");
    }
}

/// What one key signed, asked of verifiers that hold another: before that key was ever used, while it is in use, and when
/// it is gone.
pub(super) fn another(kit: &mut Kit<'_>, subject: &Subject<'_>) {
    if subject.case.secrets.is_empty() {
        return kit.not_asked(Check::AnotherKey, "a scheme that finds its keys");
    }
    let (check, case) = (Check::AnotherKey, subject.case);
    let Some((other, before)) = subject.rekeyed(kit, check) else {
        return kit.not_asked(check, "no other key of the same shape can be made");
    };
    let ask = |kit: &mut Kit<'_>, verifier: &_, what: &str| {
        let verdict = kit.judge(check, case, verifier, case, format_args!("{what}"));
        subject.refuse_other(kit, verdict.as_ref(), format_args!("{what}"));
    };
    ask(kit, &*before, "while the key that signed is bound elsewhere");
    let own = kit.bind(check, subject, &subject.bench, case, format_args!("its own key bound"));
    if let Some(own) = own {
        kit.judge(check, case, &own, case, format_args!("by its own key"));
        ask(kit, &*before, "after the key that signed was used");
        drop(own);
    }
    ask(kit, &*before, "after the key that signed was let go");
    let after = kit.bind(check, subject, &subject.bench, &other, format_args!("another key bound"));
    if let Some(after) = after {
        ask(kit, &*after, "by a verifier that came after it");
    }
}

/// Another key in the ring, before and behind: the answer stays, and names the same key.
pub(super) fn order(kit: &mut Kit<'_>, subject: &Subject<'_>) {
    let Some(first) = subject.case.secrets.first() else { return };
    let other =
        SecretSpec { id: "conformance-other".into(), value: other_secret(&first.value), ..first.clone() };
    for (what, place) in [("before", 0), ("behind", subject.case.secrets.len())] {
        let changed = subject.changed(|case| case.secrets.insert(place, other.clone()));
        let what = format_args!("another key {what} those of the case");
        let Some(verifier) = kit.bind(Check::Purity, subject, &subject.bench, &changed, what) else {
            continue;
        };
        let Some(verdict) = kit.judge(Check::Purity, subject.case, &verifier, &changed, what) else {
            continue;
        };
        let same = |a: &Verdict, b: &Verdict| a.code == b.code && a.key == b.key && a.binds == b.binds;
        if subject.is_ok() && !same(&verdict, &subject.base) {
            let key = |verdict: &Verdict| verdict.key.clone().unwrap_or_else(|| "none".into());
            let found =
                format!("{what}: {} by key {}, not {}", verdict.code, key(&verdict), key(&subject.base));
            kit.say(KEY_ORDER, Some(subject.case), found);
        }
    }
}
