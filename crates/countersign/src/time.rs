//! Time as the core knows it: a number it is told, never one it asks for.
//!
//! A signed time is the sender's *text*, and the text is what the signature covers. Reading it is therefore
//! strict to the byte: one spelling for one shape, so that no text is a time in two ways and nothing the
//! sender did not write, such as a sign, a space or a leading zero, is forgiven. Each shape is checked here
//! byte by byte; the `time` crate is only asked what day a date is.

use std::{fmt, time::Duration};

use ::time::{Date, Month, OffsetDateTime};

/// A moment, in milliseconds since the Unix epoch, leap seconds not counted.
///
/// Reaches 292 million years either way; all arithmetic saturates there.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From whole seconds since the epoch. Beyond ±292 million years it saturates.
    pub const fn from_unix(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// From milliseconds since the epoch.
    pub const fn from_unix_ms(milliseconds: i64) -> Self {
        Self(milliseconds)
    }

    /// Whole seconds since the epoch, rounded down: half a second before the epoch is `-1`.
    pub const fn unix(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Milliseconds since the epoch.
    pub const fn unix_ms(self) -> i64 {
        self.0
    }

    /// This much later. Less than a millisecond is dropped; past the last moment there is, it stays there.
    pub fn after(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How many whole seconds this moment lies before `now`, truncated toward zero; negative when it lies
    /// ahead.
    ///
    /// The number that [`Tolerance::judge`] compares, so that what is reported is what was judged.
    pub const fn skew_seconds(self, now: Self) -> i64 {
        now.0.saturating_sub(self.0) / 1000
    }

    /// As a calendar date and time, where the calendar reaches: years 0 to 9999.
    fn civil(self) -> Option<OffsetDateTime> {
        let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000).ok()?;
        (0..=9999).contains(&at.year()).then_some(at)
    }
}

/// RFC 3339 in UTC, with milliseconds only where there are some: `2023-11-14T22:13:20Z`. Outside the years 0
/// to 9999, which that format cannot write, `unix:` and the seconds.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.civil() {
            Some(at) => write!(f, "{}Z", DateAndTime(at)),
            None => write!(f, "unix:{}", self.unix()),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where a host gets the time. The core never asks; it is told.
///
/// An implementation answers with the wall clock, not with a monotonic one: senders sign wall time. It may
/// step back; nothing here relies on it going forward.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// How far a signed time may stray from the present. Both bounds are inclusive; zero is the same second.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Tolerance {
    /// How old a message may be.
    pub past: Duration,
    /// How far ahead its clock may run.
    pub future: Duration,
}

impl Tolerance {
    /// Is a message signed at `signed` recent enough at `now`?
    ///
    /// The difference is truncated toward zero to whole seconds first: with `past` 29 s, a time 29.999 s old
    /// is fresh and one 30 s old is stale, whether the sender signs seconds or milliseconds.
    pub fn judge(self, signed: Timestamp, now: Timestamp) -> Freshness {
        let skew = signed.skew_seconds(now);
        let (bound, beyond) =
            if skew < 0 { (self.future, Freshness::Future) } else { (self.past, Freshness::Stale) };
        if Duration::from_secs(skew.unsigned_abs()) > bound { beyond } else { Freshness::Fresh }
    }
}

/// What a scheme with a signed time gets when its preset says nothing: 300 seconds past, 60 seconds future.
impl Default for Tolerance {
    fn default() -> Self {
        Self { past: Duration::from_secs(300), future: Duration::from_secs(60) }
    }
}

/// What [`Tolerance::judge`] found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Freshness {
    /// Within both bounds.
    Fresh,
    /// Older than the tolerance.
    Stale,
    /// Further ahead than the tolerance.
    Future,
}

/// How a sender writes a time: `format = "unix"`. No text fits two of them.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum TimeFormat {
    /// Seconds since the epoch: exactly ten digits, the first not zero (2001 to 2286).
    Unix,
    /// Milliseconds since the epoch: exactly thirteen digits, the first not zero (2001 to 2286).
    UnixMs,
    /// `YYYY-MM-DDTHH:MM:SS[.fraction](Z|±HH:MM)`, upper-case `T` and `Z`, one to nine digits of fraction.
    Rfc3339,
    /// As [`Rfc3339`](Self::Rfc3339) without a zone, read as UTC.
    Iso8601Utc,
    /// The one form HTTP still writes: `Sun, 06 Nov 1994 08:49:37 GMT`, with the right day of the week.
    HttpDate,
    /// Text that goes into the signed content and says nothing about freshness.
    Opaque,
}

impl TimeFormat {
    /// Every format, in the order of [`WORDS`](Self::WORDS).
    pub const ALL: [Self; 6] =
        [Self::Unix, Self::UnixMs, Self::Rfc3339, Self::Iso8601Utc, Self::HttpDate, Self::Opaque];

    /// The words of `format`, each with what it means.
    pub const WORDS: [(&'static str, &'static str); 6] = [
        ("unix", "seconds since 1970: ten digits"),
        ("unix_ms", "milliseconds since 1970: thirteen digits"),
        ("rfc3339", "date, time and zone: 2023-11-14T22:13:20Z, 2023-11-14T23:13:20.5+01:00"),
        ("iso8601_utc", "date and time without a zone, read as UTC: 2023-11-14T22:13:20"),
        ("http_date", "as HTTP writes dates: Tue, 14 Nov 2023 22:13:20 GMT"),
        ("opaque", "text that is signed but never read as a time: no freshness"),
    ];

    /// The format called `word`.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.word() == word)
    }

    /// What a preset calls it.
    pub const fn word(self) -> &'static str {
        Self::WORDS[self as usize].0
    }

    /// Read `text`, all of it. `None` if it is not of this shape or not a real time; always `None` for
    /// [`Opaque`](Self::Opaque).
    ///
    /// Not a time: a leading or trailing space, a sign or a leading zero before seconds or milliseconds, 30
    /// February, a zone beyond ±23:59, and **second 60**: Unix time has no number for a leap second, so it is
    /// refused rather than moved. A fraction finer than a millisecond is rounded down. Does not allocate.
    pub fn parse(&self, text: &[u8]) -> Option<Timestamp> {
        match self {
            Self::Unix => number_without_zero(text, 10).map(Timestamp::from_unix),
            Self::UnixMs => number_without_zero(text, 13).map(Timestamp::from_unix_ms),
            Self::Rfc3339 => {
                let (local, rest) = date_and_time(text)?;
                let east = zone_seconds(rest)?;
                Some(Timestamp(local.0 - east * 1000))
            }
            Self::Iso8601Utc => match date_and_time(text)? {
                (at, []) => Some(at),
                _ => None,
            },
            Self::HttpDate => http_date(text),
            Self::Opaque => None,
        }
    }

    /// Write `at` for signing, finer parts rounded down to what the format holds; `rfc3339` and `iso8601_utc`
    /// write milliseconds where there are some. `opaque` writes Unix seconds, and is not signed with.
    ///
    /// [`parse`](Self::parse) reads it back wherever the format reaches. Outside that (before 2001 or after
    /// 2286 for the two numbers, outside the years 0 to 9999 for dates) the text is the plain number, which
    /// this format does not read.
    pub fn print(&self, at: Timestamp) -> String {
        match (self, at.civil()) {
            (Self::UnixMs, _) => at.unix_ms().to_string(),
            (Self::Rfc3339, Some(civil)) => format!("{}Z", DateAndTime(civil)),
            (Self::Iso8601Utc, Some(civil)) => DateAndTime(civil).to_string(),
            (Self::HttpDate, Some(civil)) => print_http_date(civil),
            _ => at.unix().to_string(),
        }
    }

    /// Whether all texts of this format are equally long, so that what follows one in a signed content can
    /// never be shifted into it.
    pub const fn is_fixed_width(self) -> bool {
        self.width().is_some()
    }

    const fn width(self) -> Option<usize> {
        match self {
            Self::Unix => Some(10),
            Self::UnixMs => Some(13),
            Self::HttpDate => Some(HTTP_DATE.len()),
            Self::Rfc3339 | Self::Iso8601Utc | Self::Opaque => None,
        }
    }
}

/// The formats one place may use, `format = ["unix", "unix_ms"]`: the text's own shape decides, for it fits
/// at most one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TimeFormats(Box<[TimeFormat]>);

impl TimeFormats {
    /// These formats; signing writes the first. The error says what is wrong: none, one twice, or `opaque`
    /// beside another.
    pub fn new(formats: impl Into<Box<[TimeFormat]>>) -> Result<Self, &'static str> {
        let formats = formats.into();
        if formats.is_empty() {
            return Err("no time format: name at least one");
        }
        if formats.iter().enumerate().any(|(at, format)| formats[..at].contains(format)) {
            return Err("a time format is named twice: leave one out");
        }
        if formats.len() > 1 && formats.contains(&TimeFormat::Opaque) {
            return Err("`opaque` takes any text, so it stands alone: leave it or the others out");
        }
        Ok(Self(formats))
    }

    /// The formats, in the order given.
    pub fn formats(&self) -> &[TimeFormat] {
        &self.0
    }

    /// Read `text` by the one format it fits, as [`TimeFormat::parse`].
    pub fn parse(&self, text: &[u8]) -> Option<Timestamp> {
        self.0.iter().find_map(|format| format.parse(text))
    }

    /// Write `at` in the first format, as [`TimeFormat::print`].
    pub fn print(&self, at: Timestamp) -> String {
        self.0[0].print(at)
    }

    /// Whether the text is never read as a time: then there is no freshness, and [`parse`](Self::parse) gives
    /// `None`.
    pub fn is_opaque(&self) -> bool {
        matches!(*self.0, [TimeFormat::Opaque])
    }

    /// Whether all texts of all formats are equally long. Ten or thirteen digits are not.
    pub fn is_fixed_width(&self) -> bool {
        self.0[0].is_fixed_width() && self.0.iter().all(|format| format.width() == self.0[0].width())
    }
}

impl From<TimeFormat> for TimeFormats {
    fn from(format: TimeFormat) -> Self {
        Self(Box::new([format]))
    }
}

/// The shape of an HTTP date: `D` a digit, `d` a letter of the weekday, `m` of the month, all else itself.
const HTTP_DATE: &[u8; 29] = b"ddd, DD mmm DDDD DD:DD:DD GMT";
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `2023-11-14T22:13:20`, and `.123` where there are milliseconds.
struct DateAndTime(OffsetDateTime);

impl fmt::Display for DateAndTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.0.to_calendar_date();
        let (hour, minute, second, milli) = self.0.to_hms_milli();
        write!(f, "{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}", u8::from(month))?;
        if milli > 0 { write!(f, ".{milli:03}") } else { Ok(()) }
    }
}

fn print_http_date(at: OffsetDateTime) -> String {
    let (year, month, day) = at.to_calendar_date();
    let (hour, minute, second) = at.to_hms();
    let weekday = WEEKDAYS[usize::from(at.weekday().number_days_from_monday())];
    let month = MONTHS[usize::from(u8::from(month)) - 1];
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

/// Digits and nothing else. At most eighteen, so that no number overflows.
fn number(text: &[u8]) -> Option<i64> {
    if text.is_empty() || text.len() > 18 {
        return None;
    }
    text.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
}

/// A number of exactly `width` digits in its only spelling.
fn number_without_zero(text: &[u8], width: usize) -> Option<i64> {
    if text.len() != width || text.first() == Some(&b'0') {
        return None;
    }
    number(text)
}

/// Whether `text` has the shape of `pattern`, where `D` stands for a digit, a lower-case letter for any
/// letter, all else for itself.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    pattern.len() == text.len()
        && pattern.iter().zip(text).all(|(expected, byte)| match expected {
            b'D' => byte.is_ascii_digit(),
            b'a'..=b'z' => byte.is_ascii_alphabetic(),
            _ => byte == expected,
        })
}

/// The leading `YYYY-MM-DDTHH:MM:SS[.fraction]`, taken as UTC, and what follows it.
fn date_and_time(text: &[u8]) -> Option<(Timestamp, &[u8])> {
    let (whole, rest) = text.split_at_checked(19)?;
    if !fits(b"DDDD-DD-DDTDD:DD:DD", whole) {
        return None;
    }
    let part = |from: usize, to: usize| number(&whole[from..to]);
    let at =
        moment([part(0, 4)?, part(5, 7)?, part(8, 10)?], [part(11, 13)?, part(14, 16)?, part(17, 19)?])?.0;
    let Some(rest) = rest.strip_prefix(b".") else {
        return Some((at, rest));
    };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=9).contains(&digits) {
        return None;
    }
    let (fraction, rest) = rest.split_at(digits);
    // The first three digits, padded: finer ones are dropped, which rounds down.
    let milli =
        (0..3).fold(0, |sum, place| sum * 10 + i64::from(fraction.get(place).map_or(0, |byte| byte - b'0')));
    Some((Timestamp(at.0 + milli), rest))
}

/// `Z` or `±HH:MM` as seconds east of Greenwich. `-00:00`, RFC 3339's "zone unknown", is UTC like the others.
fn zone_seconds(text: &[u8]) -> Option<i64> {
    let (sign, text) = match text {
        b"Z" => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    if !fits(b"DD:DD", text) {
        return None;
    }
    let (hours, minutes) = (number(&text[..2])?, number(&text[3..])?);
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3600 + minutes * 60))
}

fn http_date(text: &[u8]) -> Option<Timestamp> {
    if !fits(HTTP_DATE, text) {
        return None;
    }
    let part = |from: usize, to: usize| number(&text[from..to]);
    let month = MONTHS.iter().position(|name| name.as_bytes() == &text[8..11])?;
    let month = i64::try_from(month).ok()? + 1;
    let (at, date) =
        moment([part(12, 16)?, month, part(5, 7)?], [part(17, 19)?, part(20, 22)?, part(23, 25)?])?;
    let weekday = WEEKDAYS[usize::from(date.weekday().number_days_from_monday())];
    (weekday.as_bytes() == &text[..3]).then_some(at)
}

/// A real day of the calendar and a time of day, in UTC. Second 60 is none.
fn moment([year, month, day]: [i64; 3], [hour, minute, second]: [i64; 3]) -> Option<(Timestamp, Date)> {
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = Date::from_calendar_date(i32::try_from(year).ok()?, month, u8::try_from(day).ok()?).ok()?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = date.midnight().assume_utc().unix_timestamp();
    Some((Timestamp::from_unix(days + hour * 3600 + minute * 60 + second), date))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOV_2023: Timestamp = Timestamp::from_unix(1_700_000_000);

    fn parse(word: &str, text: &str) -> Option<i64> {
        TimeFormat::from_word(word)
            .expect("a word of the table")
            .parse(text.as_bytes())
            .map(Timestamp::unix_ms)
    }

    #[test]
    fn every_format_has_its_word() {
        for (format, (word, meaning)) in TimeFormat::ALL.into_iter().zip(TimeFormat::WORDS) {
            assert_eq!((TimeFormat::from_word(word), format.word()), (Some(format), word));
            assert!(!meaning.is_empty());
        }
        assert_eq!(TimeFormat::from_word("Unix"), None);
    }

    #[test]
    fn good_times() {
        for (word, text, ms) in [
            ("unix", "1700000000", 1_700_000_000_000),
            ("unix_ms", "1700000000123", 1_700_000_000_123),
            ("rfc3339", "2023-11-14T22:13:20Z", 1_700_000_000_000),
            ("rfc3339", "2023-11-14T22:13:20+00:00", 1_700_000_000_000),
            ("rfc3339", "2023-11-14T22:13:20-00:00", 1_700_000_000_000),
            ("rfc3339", "2023-11-15T03:43:20.5+05:30", 1_700_000_000_500),
            ("rfc3339", "2023-11-14T14:13:20.123999999-08:00", 1_700_000_000_123),
            ("rfc3339", "2024-02-29T00:00:00Z", 1_709_164_800_000),
            ("rfc3339", "1969-12-31T23:59:59.9999Z", -1),
            ("rfc3339", "0000-01-01T00:00:00+23:59", -62_167_305_540_000),
            ("iso8601_utc", "2023-11-14T22:13:20", 1_700_000_000_000),
            ("iso8601_utc", "2023-11-14T22:13:20.000001", 1_700_000_000_000),
            ("http_date", "Tue, 14 Nov 2023 22:13:20 GMT", 1_700_000_000_000),
        ] {
            assert_eq!(parse(word, text), Some(ms), "{word} {text}");
        }
    }

    #[test]
    fn bad_times_are_no_times_in_any_format() {
        #[rustfmt::skip]
        let bad = [
            "", "0", " 1700000000", "1700000000 ", "+1700000000", "-1700000000", "1e9", "NaN",
            "99999999999999999999", "0001700000000", "0170000000", "170000000", "17000000000",
            "1700000000.0", "1700000000\n", "0x65535000", "1_700_000_000", "１７００００００００", "170000000012",
            "17000000001234", "2023-11-14", "2023-11-14 22:13:20Z", "2023-11-14t22:13:20Z",
            "2023-11-14T22:13:20z", "2023-11-14T22:13:20ZZ", "2023-11-14T22:13:20Z ",
            "2023-11-14T22:13:20.Z", "2023-11-14T22:13:20.1234567890Z", "2023-11-14T22:13:20,5Z",
            "2023-11-14T22:13Z", "2023-11-14T22:13:60Z", "2016-12-31T23:59:60Z", "2023-11-14T24:00:00Z",
            "2023-11-14T22:60:20Z", "2023-02-29T00:00:00Z", "2023-00-10T00:00:00Z", "2023-13-10T00:00:00Z",
            "2023-01-00T00:00:00Z", "2023-04-31T00:00:00", "+2023-11-14T22:13:20Z",
            "2023-11-14T22:13:20+0100", "2023-11-14T22:13:20+01", "2023-11-14T22:13:20+24:00",
            "2023-11-14T22:13:20+01:60", "2023-11-14T22:13:20 +01:00", "-023-11-14T22:13:20Z",
            "Mon, 14 Nov 2023 22:13:20 GMT", "Tue, 14 Nov 2023 22:13:20 UTC",
            "tue, 14 nov 2023 22:13:20 GMT", "Tue, 14 Nov 2023 22:13:60 GMT",
            "Tuesday, 14-Nov-23 22:13:20 GMT", "Tue Nov 14 22:13:20 2023", "Tue, 14 Nov 2023 22:13:20 GMT ",
            "Tue, 4 Nov 2023 22:13:20 GMT", "Sat, 30 Feb 2023 22:13:20 GMT",
        ];
        for text in bad {
            for (word, _) in TimeFormat::WORDS {
                assert_eq!(parse(word, text), None, "{word} {text}");
            }
        }
    }

    #[test]
    fn milliseconds_are_not_seconds() {
        assert_eq!(parse("unix", "1700000000000"), None);
        assert_eq!(parse("unix_ms", "1700000000"), None);
        let either = TimeFormats::new([TimeFormat::Unix, TimeFormat::UnixMs]).expect("two formats");
        assert_eq!(either.parse(b"1700000000"), Some(NOV_2023));
        assert_eq!(either.parse(b"1700000000000"), Some(NOV_2023));
        assert_eq!(either.parse(b"170000000000"), None);
        assert_eq!(either.print(NOV_2023), "1700000000");
        assert!(!either.is_fixed_width() && TimeFormats::from(TimeFormat::UnixMs).is_fixed_width());
    }

    #[test]
    fn sets_that_make_no_sense_are_refused() {
        assert!(TimeFormats::new([]).is_err());
        assert!(TimeFormats::new([TimeFormat::Unix, TimeFormat::Unix]).is_err());
        assert!(TimeFormats::new([TimeFormat::Unix, TimeFormat::Opaque]).is_err());
        assert!(TimeFormats::new([TimeFormat::Opaque]).expect("alone").is_opaque());
    }

    #[test]
    fn bounds_are_inclusive_and_zero_is_the_same_second() {
        let judge = |past, future, signed_ms, now_ms| {
            let tolerance =
                Tolerance { past: Duration::from_secs(past), future: Duration::from_secs(future) };
            tolerance.judge(Timestamp::from_unix_ms(signed_ms), Timestamp::from_unix_ms(now_ms))
        };
        assert_eq!(judge(300, 60, 0, 300_000), Freshness::Fresh);
        assert_eq!(judge(300, 60, 0, 300_999), Freshness::Fresh);
        assert_eq!(judge(300, 60, 0, 301_000), Freshness::Stale);
        assert_eq!(judge(300, 60, 60_999, 0), Freshness::Fresh);
        assert_eq!(judge(300, 60, 61_000, 0), Freshness::Future);
        assert_eq!(judge(0, 0, 0, 999), Freshness::Fresh);
        assert_eq!(judge(0, 0, 0, 1000), Freshness::Stale);
        assert_eq!(judge(0, 0, 1000, 0), Freshness::Future);
        assert_eq!(judge(300, 60, i64::MIN, i64::MAX), Freshness::Stale);
        assert_eq!(judge(300, 60, i64::MAX, i64::MIN), Freshness::Future);
        assert_eq!(judge(u64::MAX, 0, i64::MIN, i64::MAX), Freshness::Fresh);
    }

    #[test]
    fn timestamps_round_down_saturate_and_print() {
        assert_eq!(Timestamp::from_unix_ms(-1).unix(), -1);
        assert_eq!(Timestamp::from_unix(i64::MAX).unix_ms(), i64::MAX);
        assert_eq!(NOV_2023.after(Duration::MAX), Timestamp::from_unix_ms(i64::MAX));
        assert_eq!(NOV_2023.after(Duration::from_micros(1999)).unix_ms(), 1_700_000_000_001);
        assert_eq!(NOV_2023.to_string(), "2023-11-14T22:13:20Z");
        assert_eq!(format!("{:?}", Timestamp::from_unix_ms(-1)), "1969-12-31T23:59:59.999Z");
        assert_eq!(Timestamp::from_unix(300_000_000_000).to_string(), "unix:300000000000");
        assert_eq!(Timestamp::from_unix_ms(i64::MIN).to_string(), "unix:-9223372036854776");
    }

    /// Text that looks like a time.
    fn near_miss() -> impl Strategy<Value = String> {
        prop_oneof![
            "[0-9]{9,14}",
            "[0-9+TZ:. -]{15,32}",
            "20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{0,10})?(Z|[+-][0-2][0-9]:[0-6][0-9])?",
        ]
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_none_fit_two_formats(text in proptest::collection::vec(any::<u8>(), 0..40)) {
            prop_assert!(TimeFormat::ALL.into_iter().filter(|format| format.parse(&text).is_some()).count() <= 1);
        }

        #[test]
        fn near_misses_fit_at_most_one_format(text in near_miss()) {
            prop_assert!(TimeFormat::ALL.into_iter().filter(|format| format.parse(text.as_bytes()).is_some()).count() <= 1);
        }

        #[test]
        fn what_is_printed_is_read_back(ms in 1_000_000_000_000..=9_999_999_999_999_i64) {
            let at = Timestamp::from_unix_ms(ms);
            let second = Timestamp::from_unix(at.unix());
            for (format, expected) in [
                (TimeFormat::Unix, second), (TimeFormat::UnixMs, at), (TimeFormat::Rfc3339, at),
                (TimeFormat::Iso8601Utc, at), (TimeFormat::HttpDate, second),
            ] {
                let text = format.print(at);
                prop_assert_eq!(format.parse(text.as_bytes()), Some(expected), "{}", text);
                prop_assert!(format.width().is_none_or(|width| width == text.len()));
            }
            prop_assert_eq!(TimeFormat::Rfc3339.parse(at.to_string().as_bytes()), Some(at));
        }

        #[test]
        fn printing_never_panics(ms in any::<i64>()) {
            for format in TimeFormat::ALL {
                let text = format.print(Timestamp::from_unix_ms(ms));
                let back = format.parse(text.as_bytes()).map(Timestamp::unix);
                prop_assert!(back.is_none_or(|back| back == ms.div_euclid(1000)), "{}", text);
            }
        }

        #[test]
        fn http_dates_agree_with_the_httpdate_crate(seconds in 0..253_402_300_800_u64) {
            let at = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            let text = httpdate::fmt_http_date(at);
            let ours = Timestamp::from_unix(i64::try_from(seconds).expect("small"));
            prop_assert_eq!(TimeFormat::HttpDate.parse(text.as_bytes()), Some(ours));
            prop_assert_eq!(TimeFormat::HttpDate.print(ours), text);
        }

        #[test]
        fn freshness_is_skew_against_bounds(
            signed in -10_000_i64..10_000, now in -10_000_i64..10_000, past in 0..5_u64, future in 0..5_u64,
        ) {
            let (signed, now) = (Timestamp::from_unix_ms(signed), Timestamp::from_unix_ms(now));
            let whole = (now.unix_ms() - signed.unix_ms()).abs() / 1000;
            let expected = match (now >= signed, u64::try_from(whole).expect("positive")) {
                (true, whole) if whole > past => Freshness::Stale,
                (false, whole) if whole > future => Freshness::Future,
                _ => Freshness::Fresh,
            };
            let tolerance = Tolerance { past: Duration::from_secs(past), future: Duration::from_secs(future) };
            prop_assert_eq!(tolerance.judge(signed, now), expected);
        }
    }
}
