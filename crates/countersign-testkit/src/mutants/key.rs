//! Mutants of keys and of the present.

use super::{Expected, Subject};
use crate::vectors::{Case, SecretSpec};
use countersign::{Binds, Reason, Timestamp, Window};
use std::sync::Arc;

/// Other keys, no keys, the one key alone.
pub(super) fn secrets(subject: &mut Subject<'_>) {
    // A scheme that finds its keys has none to be changed.
    if subject.case.secrets.is_empty() {
        return;
    }
    const OTHER: super::Kind =
        ("other-key", "another key of the same shape must not verify: is the secret used at all?");
    subject.add_rekeyed(OTHER, "every secret is another", Expected::Refused, |case| {
        for secret in &mut case.secrets {
            secret.value = other_secret(&secret.value);
        }
    });

    const NONE: super::Kind =
        ("no-key", "a source without keys must never come to be: `Scheme::bind` or the core let one in");
    subject.add_rekeyed(NONE, "no secrets", Expected::Refused, |case| case.secrets.clear());

    if subject.case.secrets.len() > 1 {
        const ALONE: super::Kind = ("lone-key", "the key that verified must verify without the others too");
        let key = subject.verdict.key.clone();
        subject.add_rekeyed(ALONE, "only the secret that verified", Expected::Verified, |case| {
            case.secrets.retain(|secret| Some(&*secret.id) == key.as_deref());
        });
        const ORDER: super::Kind = ("key-order", "every key is tried, whatever their order");
        subject
            .add_rekeyed(ORDER, "the secrets in reverse", Expected::Verified, |case| case.secrets.reverse());
    }
}

/// The present just outside and just inside every key's window.
pub(super) fn windows(subject: &mut Subject<'_>) {
    if subject.case.secrets.is_empty() {
        return;
    }
    const ENDED: super::Kind =
        ("window-ended", "a window ends before its end: a good signature is then `expired_secret`");
    const AHEAD: super::Kind =
        ("window-ahead", "a key is of no use before its window: a good signature is `expired_secret`");
    const INSIDE: super::Kind =
        ("window-just-inside", "a window of one millisecond that holds the present is enough");
    let now = subject.case.now;
    let next = Timestamp::from_unix_ms(now.unix_ms().saturating_add(1));
    let expired = Expected::Is(Reason::ExpiredSecret);
    let all = |window: Window| {
        move |case: &mut Case| case.secrets.iter_mut().for_each(|secret| secret.window = window)
    };
    subject.add_rekeyed(
        ENDED,
        "all end now",
        expired,
        all(Window { not_before: None, not_after: Some(now) }),
    );
    subject.add_rekeyed(
        AHEAD,
        "all begin in a moment",
        expired,
        all(Window { not_before: Some(next), not_after: None }),
    );
    let inside = Window { not_before: Some(now), not_after: Some(next) };
    subject.add_rekeyed(INSIDE, "all begin now and end in a moment", Expected::Verified, all(inside));
}

/// The present at both ends of the tolerance, to the millisecond.
pub(super) fn tolerance(subject: &mut Subject<'_>) {
    const OLD: super::Kind = ("time-just-fresh", "the past bound is inclusive, in whole seconds");
    const STALE: super::Kind =
        ("time-just-stale", "a second past the tolerance is stale: is the time judged at all?");
    const AHEAD: super::Kind = ("time-just-not-ahead", "the future bound is inclusive, in whole seconds");
    const FUTURE: super::Kind = ("time-just-ahead", "a second past `future_seconds` is refused");
    let (Some(tolerance), Some(signed)) = (subject.bench.tolerance(), subject.verdict.signed_at) else {
        return;
    };
    if !subject.verdict.binds.contains(Binds::TIME) || subject.is_batch() {
        return;
    }
    let ms =
        |duration: std::time::Duration| i64::try_from(duration.as_millis()).ok().filter(|ms| *ms < 1 << 40);
    let (Some(past), Some(future)) = (ms(tolerance.past), ms(tolerance.future)) else { return };
    let cases = [
        (OLD, past, Expected::Verified),
        (OLD, past + 999, Expected::Verified),
        (STALE, past + 1000, Expected::Is(Reason::StaleTimestamp)),
        (AHEAD, -future, Expected::Verified),
        (AHEAD, -future - 999, Expected::Verified),
        (FUTURE, -future - 1000, Expected::Is(Reason::FutureTimestamp)),
    ];
    for (kind, after, expected) in cases {
        // A window of the case's own would answer in place of the tolerance.
        subject.add_rekeyed(kind, format!("judged {after} ms after it was signed"), expected, |case| {
            case.now = Timestamp::from_unix_ms(signed.unix_ms() + after);
            case.secrets.iter_mut().for_each(|SecretSpec { window, .. }| *window = Window::default());
        });
    }
}

/// Another secret of the same length and alphabet. Its latter half is changed, for what secrets begin with says how they
/// are read; and not its very end, whose last bits some decoders drop.
pub(crate) fn other_secret(value: &str) -> Arc<str> {
    let count = value.chars().count();
    let half = count / 2;
    let changed = value.chars().enumerate().map(|(at, character)| match character {
        _ if at < half || (at + 1 == count && count > 2) => character,
        '0'..='8' | 'a'..='e' | 'A'..='E' => char::from(character as u8 + 1),
        '9' => '0',
        'f' => 'a',
        'F' => 'A',
        'g'..='y' | 'G'..='Y' => char::from(character as u8 + 1),
        'z' => 'g',
        'Z' => 'G',
        other => other,
    });
    let changed: String = changed.collect();
    if changed == value { format!("{value}A").into() } else { changed.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_secret_is_another_of_the_same_shape() {
        for value in ["a", "ab", "12345", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "44782DEF", "---"] {
            let other = other_secret(value);
            assert_ne!(&*other, value);
            assert_eq!(value.chars().take(value.len() / 2).collect::<String>(), other[..value.len() / 2]);
        }
        assert!(const_hex::decode(&*other_secret("44782DEF547AAA06C910C43932B1EB0C")).is_ok());
    }
}
