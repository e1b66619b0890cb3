//! Moments as people write them, and spans of time as people read them.

use crate::error::Failure;
use countersign::{TimeFormat, Timestamp};
use countersign_gateway::config::duration;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The present. The only look at a clock in this command.
pub(crate) fn now() -> Timestamp {
    let ms = |duration: std::time::Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_unix_ms(match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(after) => ms(after),
        Err(before) => ms(before.duration()).saturating_neg(),
    })
}

/// Read RFC 3339 or Unix seconds, with or without a fraction. Finer than a millisecond is rounded down.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    TimeFormat::Rfc3339.parse(text.as_bytes()).or_else(|| seconds(text))
}

/// As [`parse`]; `option` is what the text was given to.
pub(crate) fn parse_option(option: &str, text: &str) -> Result<Timestamp, Failure> {
    parse(text).ok_or_else(|| {
        Failure::usage(format!("{option}: `{text}` is not a time"))
            .next("write RFC 3339 (2026-01-02T03:04:05Z) or Unix seconds (1767323045, 1767323045.250)")
    })
}

/// Read a span of time: `500ms`, `2s`, `1m`.
pub(crate) fn span(option: &str, text: &str) -> Result<Duration, Failure> {
    let bounds = Duration::from_millis(1)..=Duration::from_secs(3600);
    duration(text).ok().filter(|span| bounds.contains(span)).ok_or_else(|| {
        Failure::usage(format!("{option}: `{text}` is no span of time up to an hour"))
            .next("write 500ms, 2s or 1m")
    })
}

/// How long ago or ahead, in one or two units: `12 s ago`, `3 h 20 min ahead`.
pub(crate) fn distance(skew_seconds: i64) -> String {
    let s = skew_seconds.unsigned_abs();
    let (d, h, m) = (s / 86_400, s % 86_400 / 3600, s % 3600 / 60);
    let span = match s {
        0 => return "now".into(),
        1..60 => format!("{s} s"),
        60..3600 if s.is_multiple_of(60) => format!("{m} min"),
        60..3600 => format!("{m} min {} s", s % 60),
        3600..86_400 if m == 0 => format!("{h} h"),
        3600..86_400 => format!("{h} h {m} min"),
        _ if h == 0 => format!("{d} d"),
        _ => format!("{d} d {h} h"),
    };
    format!("{span} {}", if skew_seconds < 0 { "ahead" } else { "ago" })
}

/// Unix seconds: up to twelve digits, then perhaps a point and up to nine more.
fn seconds(text: &str) -> Option<Timestamp> {
    let digits =
        |text: &str, most| (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) if digits(fraction, 9) => (whole, fraction),
        Some(_) => return None,
        None => (text, "0"),
    };
    if !digits(whole, 12) {
        return None;
    }
    let ms: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    Some(Timestamp::from_unix_ms(whole.parse::<i64>().ok()? * 1000 + ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_moment_is_that_moment() {
        let at = |text| parse(text).map(Timestamp::unix_ms);
        assert_eq!(at("1767323045"), Some(1_767_323_045_000));
        assert_eq!(at("1767323045.25"), Some(1_767_323_045_250));
        assert_eq!(at("1767323045.0009"), Some(1_767_323_045_000));
        assert_eq!(at("2026-01-02T03:04:05Z"), Some(1_767_323_045_000));
        assert_eq!(at("2026-01-02T04:04:05.5+01:00"), Some(1_767_323_045_500));
        for bad in ["", "now", "-1", "+1", " 1", "1.", ".5", "1e9", "2026-01-02", "1234567890123456"] {
            assert_eq!(at(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn distances_read_as_people_say_them() {
        for (seconds, says) in [
            (0, "now"),
            (59, "59 s ago"),
            (-60, "1 min ahead"),
            (3725, "1 h 2 min ago"),
            (90_000, "1 d 1 h ago"),
        ] {
            assert_eq!(distance(seconds), says);
        }
    }
}
