//! Times, sizes and rates as people write them: `250ms`, `64KiB`, `100/s`. Whole numbers, and always a unit: `timeout = 10`
//! is ten of what?
//!
//! Every reading here says what was wrong in one sentence, which whoever asked puts behind the name of the key.

use super::{Rate, Shape};
use std::fmt::Write as _;
use std::time::Duration;

/// What each unit of time is called, and its milliseconds.
const TIMES: [(&str, u64); 5] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// What each unit of size is called, and its bytes.
const SIZES: [(&str, u64); 7] = [
    ("B", 1),
    ("kB", 1000),
    ("KiB", 1 << 10),
    ("MB", 1_000_000),
    ("MiB", 1 << 20),
    ("GB", 1_000_000_000),
    ("GiB", 1 << 30),
];

/// The largest count of a [`Rate`].
pub const MAX_COUNT: u32 = 1_000_000;

/// The longest time of a [`Rate`].
pub const MAX_PER: Duration = Duration::from_secs(86_400);

/// A span of time: a whole number of `ms`, `s`, `m`, `h` or `d`.
///
/// # Errors
/// What is wrong with it, and how one is written.
///
/// ```
/// use countersign_gateway::config::duration;
/// assert_eq!(duration("250ms"), Ok(std::time::Duration::from_millis(250)));
/// assert_eq!(duration("10").unwrap_err(), "`10` has no unit: write `10s`, or ms, m, h, d");
/// ```
pub fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text);
    if unit.is_empty() && !number.is_empty() {
        return Err(format!("`{text}` has no unit: write `{number}s`, or ms, m, h, d"));
    }
    let ms = TIMES.iter().find(|(name, _)| *name == unit).map(|(_, ms)| *ms);
    let whole = number.parse::<u64>().ok().zip(ms).and_then(|(number, ms)| number.checked_mul(ms));
    whole.map(Duration::from_millis).ok_or_else(|| {
        format!(
            "`{text}` is no span of time: write a whole number and a unit, as in 250ms, 10s, 5m, 12h, 30d"
        )
    })
}

/// A span of time as [`duration`] reads it, in the largest unit that it is whole in. Less than a millisecond is dropped.
pub fn print_duration(span: Duration) -> String {
    let ms = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let fits = |(_, unit): &&(&str, u64)| ms > 0 && ms.is_multiple_of(*unit);
    match TIMES.iter().rev().find(fits) {
        Some((name, unit)) => format!("{}{name}", ms / unit),
        None => "0s".into(),
    }
}

/// A size in bytes: a whole number of `B`, `kB`, `KiB`, `MB`, `MiB`, `GB` or `GiB`.
///
/// # Errors
/// What is wrong with it, and how one is written.
pub fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text);
    if unit.is_empty() && !number.is_empty() {
        return Err(format!("`{text}` has no unit: write `{number}B`, or kB, KiB, MB, MiB, GB, GiB"));
    }
    let bytes = SIZES.iter().find(|(name, _)| *name == unit).map(|(_, bytes)| *bytes);
    let whole = number.parse::<u64>().ok().zip(bytes).and_then(|(number, bytes)| number.checked_mul(bytes));
    whole.ok_or_else(|| {
        let near = SIZES.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit) && !number.is_empty());
        match near {
            Some((name, _)) => format!("`{text}` is no size: write `{number}{name}`"),
            None => format!(
                "`{text}` is no size: write a whole number and a unit, as in 64KiB, 1MiB, 10MB, 10GiB"
            ),
        }
    })
}

/// A size as [`size`] reads it, in the largest unit that it is whole in.
pub fn print_size(bytes: u64) -> String {
    match SIZES.iter().rev().find(|(_, unit)| bytes > 0 && bytes.is_multiple_of(*unit)) {
        Some((name, unit)) => format!("{}{name}", bytes / unit),
        None => format!("{bytes}B"),
    }
}

/// So many in a time: `100/s`, `5/250ms`, `1000/60s`. A window; the count is 1 to [`MAX_COUNT`], the time a millisecond to
/// [`MAX_PER`].
///
/// # Errors
/// What is wrong with it, and how one is written.
pub fn rate(text: &str) -> Result<Rate, String> {
    let shape = "write how many and in which time, as in 100/s, 5/250ms, 1000/60s";
    let (count, per) = text.split_once('/').ok_or_else(|| format!("`{text}` is no rate: {shape}"))?;
    let count =
        digits(count).ok_or_else(|| format!("`{text}` does not begin with a whole number: {shape}"))?;
    // `100/s` is `100/1s`.
    let per = if TIMES.iter().any(|(unit, _)| *unit == per) { format!("1{per}") } else { per.into() };
    within(count, duration(&per)?)
}

/// As [`rate`] writes it.
pub fn print_rate(rate: &Rate) -> String {
    let per = print_duration(rate.per);
    // `100/1s` is `100/s`.
    let per = per.strip_prefix('1').filter(|unit| TIMES.iter().any(|(name, _)| name == unit)).unwrap_or(&per);
    format!("{}/{per}", rate.count)
}

/// A rate whose numbers are within their bounds.
pub(super) fn within(count: u64, per: Duration) -> Result<Rate, String> {
    let bounded = u32::try_from(count).ok().filter(|count| (1..=MAX_COUNT).contains(count));
    let count = bounded.ok_or_else(|| format!("a rate counts 1 to {MAX_COUNT}, and this {count}"))?;
    if per.is_zero() || per > MAX_PER {
        let (per, most) = (print_duration(per), print_duration(MAX_PER));
        return Err(format!("the time of a rate is 1ms to {most}, and this {per}"));
    }
    Ok(Rate { count, per, shape: Shape::Window })
}

/// Digits, and what stands behind them.
fn split(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
}

/// `u64::parse` takes a sign.
fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// As a basic string of TOML, on one line.
pub fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\0'..='\x1f' | '\x7f' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_printed_is_read_again() {
        for (text, ms) in [("250ms", 250), ("10s", 10_000), ("5m", 300_000), ("12h", 43_200_000), ("0s", 0)] {
            assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
            assert_eq!(print_duration(Duration::from_millis(ms)), text);
        }
        assert_eq!(print_duration(Duration::from_millis(1500)), "1500ms");
        for (text, bytes) in
            [("64KiB", 65_536), ("1MiB", 1 << 20), ("10MB", 10_000_000), ("10GiB", 10 << 30), ("7B", 7)]
        {
            assert_eq!(size(text), Ok(bytes), "{text}");
            assert_eq!(print_size(bytes), text);
        }
        for (text, count, ms) in [("100/s", 100, 1000), ("5/250ms", 5, 250), ("1000/60s", 1000, 60_000)] {
            let read = rate(text).unwrap();
            assert_eq!((read.count, read.per), (count, Duration::from_millis(ms)), "{text}");
            assert_eq!(rate(&print_rate(&read)), Ok(read));
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_what_to_write() {
        for (text, says) in [
            ("10", "`10` has no unit: write `10s`"),
            ("", "is no span of time"),
            ("s", "is no span of time"),
            ("1.5s", "is no span of time"),
            ("-1s", "is no span of time"),
            ("+1s", "is no span of time"),
            ("10 s", "is no span of time"),
            ("10sec", "is no span of time"),
            ("99999999999999999999s", "is no span of time"),
            ("18446744073709551615d", "is no span of time"),
        ] {
            assert!(duration(text).unwrap_err().contains(says), "{text}");
        }
        for (text, says) in [
            ("1024", "`1024` has no unit: write `1024B`"),
            ("1mib", "write `1MiB`"),
            ("1kb", "write `1kB`"),
            ("1 MiB", "write a whole number and a unit"),
            ("18446744073709551615KiB", "is no size"),
        ] {
            assert!(size(text).unwrap_err().contains(says), "{text}");
        }
        for (text, says) in [
            ("100", "`100` is no rate"),
            ("/s", "does not begin with a whole number"),
            ("+1/s", "does not begin with a whole number"),
            ("0/s", "counts 1 to 1000000, and this 0"),
            ("1000001/s", "counts 1 to 1000000"),
            ("5/0s", "the time of a rate is 1ms to 1d, and this 0s"),
            ("5/2d", "the time of a rate is 1ms to 1d, and this 2d"),
            ("5/60", "`60` has no unit"),
        ] {
            assert!(rate(text).unwrap_err().contains(says), "{text}: {:?}", rate(text));
        }
    }
}
