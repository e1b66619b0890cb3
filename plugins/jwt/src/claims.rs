//! What a proven token must say: whose it is, for whom, and for how long.
//!
//! `exp` and `nbf` are judged here, against the present that the host gives. The signed time is not: its age is the core's to
//! judge, by `[freshness]`, as in every mode; so an `iat` that is the signed time is not asked here whether it lies ahead. An
//! `nbf` is asked even so: it is a bound that the issuer set, whatever tolerance the operator has for clocks.

use crate::detail;
use countersign::template::{Claims, Message, Value};
use countersign::{KeyError, Rejection, TimeFormat, Timestamp, Vars};
use std::borrow::Cow;
use std::sync::Arc;

/// A claim, by its pointer into the token's object.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Claim(Arc<str>);

impl Claim {
    /// By its name, or by a pointer, which begins with a slash.
    pub(crate) fn named(name: &str) -> Self {
        match name.starts_with('/') {
            true => Claim(name.into()),
            false => Claim(format!("/{}", name.replace('~', "~0").replace('/', "~1")).into()),
        }
    }

    /// As a pointer.
    pub(crate) fn pointer(&self) -> &str {
        &self.0
    }

    /// For people.
    pub(crate) fn name(&self) -> &str {
        self.0.trim_start_matches('/')
    }
}

/// The claim that says when the message was signed.
#[derive(Clone, Debug)]
pub(crate) struct SignedTime {
    pub(crate) claim: Claim,
    pub(crate) format: TimeFormat,
}

/// What the preset expects of a token. Lists that are empty ask nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expected {
    pub(crate) issuer: Box<[Value]>,
    pub(crate) audience: Box<[Value]>,
    pub(crate) subject: Box<[Value]>,
    pub(crate) single_audience: bool,
    pub(crate) kinds: Box<[Arc<str>]>,
    pub(crate) required: Box<[Claim]>,
    pub(crate) time: Option<SignedTime>,
    pub(crate) id: Option<Claim>,
    /// In seconds.
    pub(crate) leeway: i64,
}

/// What the core is told of a token.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    pub(crate) signed_at: Option<Timestamp>,
    pub(crate) id: Option<String>,
}

impl Expected {
    /// The same with a source's variables put in.
    pub(crate) fn with_vars(&self, vars: &Vars) -> Result<Self, KeyError> {
        let all = |values: &[Value]| {
            values.iter().map(|value| value.with_vars(vars)).collect::<Result<Box<[_]>, _>>()
        };
        let (issuer, audience, subject) = (all(&self.issuer)?, all(&self.audience)?, all(&self.subject)?);
        Ok(Expected { issuer, audience, subject, ..self.clone() })
    }

    /// Every value in it.
    pub(crate) fn values(&self) -> impl Iterator<Item = &Value> {
        self.issuer.iter().chain(&self.audience).chain(&self.subject)
    }

    /// Whether no token is without this claim.
    pub(crate) fn requires(&self, claim: &Claim) -> bool {
        self.required.contains(claim)
    }

    /// Whose token it is, and for whom. Comparisons are exact: a prefix is another issuer.
    pub(crate) fn parties(
        &self,
        header: &Claims<'_>,
        claims: &Claims<'_>,
        message: &Message<'_, '_>,
    ) -> Result<(), Rejection> {
        if !self.kinds.is_empty() {
            let found = header.text("/typ");
            if !self.kinds.iter().any(|kind| found.as_ref().is_some_and(|found| same_type(kind, found))) {
                return Err(detail::TYPE.into());
            }
        }
        if let Some(missing) = self.required.iter().find(|claim| !claims.has(claim.pointer())) {
            return Err(detail::REQUIRED.because(format_args!("`{}`", missing.name())));
        }
        let one = |values: &[Value], pointer: &str, fault: detail::Fault| {
            let holds = || match claims.text(pointer) {
                Some(found) => any(values, &[found], message),
                None => Ok(false),
            };
            if values.is_empty() || holds()? { Ok(()) } else { Err(Rejection::from(fault)) }
        };
        one(&self.issuer, "/iss", detail::ISSUER)?;
        one(&self.subject, "/sub", detail::SUBJECT)?;
        if self.audience.is_empty() {
            return Ok(());
        }
        let found = match claims.text("/aud") {
            Some(audience) => vec![audience],
            None => claims.texts("/aud").unwrap_or_default(),
        };
        if self.single_audience && found.len() != 1 {
            return Err(detail::AUDIENCE.because("it is for several, and must be for one"));
        }
        if any(&self.audience, &found, message)? { Ok(()) } else { Err(detail::AUDIENCE.into()) }
    }

    /// Whether it is valid now. Bounds are RFC 7519's: at `exp` a token has expired, at `nbf` it is valid.
    pub(crate) fn times(&self, claims: &Claims<'_>, now: Timestamp) -> Result<(), Rejection> {
        if let Some(exp) = numeric_date(claims, "/exp")?
            && now.unix() >= exp.unix().saturating_add(self.leeway)
        {
            return Err(detail::EXPIRED.into());
        }
        for pointer in ["/nbf", "/iat"] {
            let Some(begins) = numeric_date(claims, pointer)? else { continue };
            let ahead = match self.core_judges(pointer) {
                // In whole seconds, as the core counts them.
                true => pointer == "/nbf" && begins.skew_seconds(now) < -self.leeway,
                false => begins.unix() > now.unix().saturating_add(self.leeway),
            };
            if ahead {
                return Err(detail::NOT_YET.into());
            }
        }
        Ok(())
    }

    /// Whether a claim is the signed time of every token, so that the core judges its age.
    fn core_judges(&self, pointer: &str) -> bool {
        let time = self.time.as_ref().map(|time| &time.claim);
        time.is_some_and(|claim| claim.pointer() == pointer && self.requires(claim))
    }

    /// Time and id, for the core.
    pub(crate) fn told(&self, claims: &Claims<'_>) -> Result<Told, Rejection> {
        let signed_at = self.time.as_ref().map(|time| time.read(claims)).transpose()?.flatten();
        let id = match self.id.as_ref().map(|id| (claims.text(id.pointer()), id)) {
            Some((Some(text), _)) if is_id(&text) => Some(text.into_owned()),
            Some((None, id)) if claims.source(id.pointer()).is_none() => None,
            Some(_) => return Err(detail::ID.into()),
            None => None,
        };
        Ok(Told { signed_at, id })
    }
}

impl SignedTime {
    fn read(&self, claims: &Claims<'_>) -> Result<Option<Timestamp>, Rejection> {
        let pointer = self.claim.pointer();
        let at = match (self.format, claims.number(pointer)) {
            (TimeFormat::Unix, Some(number)) => date(&number),
            (TimeFormat::UnixMs, Some(number)) => TimeFormat::UnixMs.parse(number.as_bytes()),
            (_, Some(_)) => None,
            (format, None) => match claims.text(pointer) {
                Some(text) => format.parse(text.as_bytes()),
                None if claims.source(pointer).is_none() => return Ok(None),
                None => None,
            },
        };
        at.map(Some).ok_or_else(|| detail::TIME.because(format_args!("`{}`", self.claim.name())))
    }

    /// As a claim that [`read`](Self::read) takes.
    pub(crate) fn write(&self, at: Timestamp) -> serde_json::Value {
        match self.format {
            TimeFormat::Unix => at.unix().into(),
            TimeFormat::UnixMs => at.unix_ms().into(),
            format => format.print(at).into(),
        }
    }
}

/// Whether a text may be an id: the alphabet of ids in every mode.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=256).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:-".contains(&b))
}

/// Whether any of the found texts is one of the wanted.
fn any(wanted: &[Value], found: &[Cow<'_, str>], message: &Message<'_, '_>) -> Result<bool, Rejection> {
    for value in wanted {
        if let Some(wanted) = message.text(value)?
            && found.iter().any(|found| found.as_bytes() == &*wanted)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Media types, without case; `application/` may be left out on either side: RFC 7515, section 4.1.9.
fn same_type(wanted: &str, found: &str) -> bool {
    let bare = |kind: &str| -> String {
        let kind = kind.to_ascii_lowercase();
        match kind.strip_prefix("application/") {
            Some(rest) if !rest.contains('/') => rest.to_owned(),
            _ => kind,
        }
    };
    bare(wanted) == bare(found)
}

/// A NumericDate, if the claim is there: seconds, with a fraction or without. `null` is no date.
fn numeric_date(claims: &Claims<'_>, pointer: &str) -> Result<Option<Timestamp>, Rejection> {
    let at = match claims.number(pointer) {
        Some(number) => date(&number),
        None if claims.source(pointer).is_none() => return Ok(None),
        None => None,
    };
    at.map(Some).ok_or_else(|| detail::TIME.because(format_args!("`{}`", pointer.trim_start_matches('/'))))
}

/// Seconds since 1970 as JSON spells them, up to the year 9999, rounded down to milliseconds. No exponent, no sign: nobody
/// writes a time so, and two readers might round it differently.
pub(crate) fn date(number: &str) -> Option<Timestamp> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || whole.len() > 12 {
        return None;
    }
    let seconds: i64 = whole.parse().ok().filter(|seconds| *seconds <= 253_402_300_799)?;
    let milliseconds: i64 = format!("{fraction:0<3}")[..3].parse().ok()?;
    Some(Timestamp::from_unix_ms(seconds * 1000 + milliseconds))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_date_is_seconds_in_digits() {
        for (text, ms) in [
            ("0", 0),
            ("1700000000", 1_700_000_000_000),
            ("1.5", 1500),
            ("1.0019", 1001),
            ("1.05", 1050),
            ("253402300799", 253_402_300_799_000),
        ] {
            assert_eq!(date(text).map(Timestamp::unix_ms), Some(ms), "{text}");
        }
        for text in [
            "-1",
            "1e9",
            "1.5e3",
            "1E2",
            "253402300800",
            "9999999999999",
            "1.",
            "",
            ".5",
            "99999999999999999999",
        ] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn types_have_no_case_and_may_leave_application_out() {
        for (wanted, found, same) in [
            ("JWT", "jwt", true),
            ("JWT", "application/JWT", true),
            ("application/at+jwt", "at+JWT", true),
            ("JWT", "secevent+jwt", false),
            ("JWT", "text/jwt", false),
            ("JWT", "application/x/jwt", false),
            ("JWT", "", false),
        ] {
            assert_eq!(same_type(wanted, found), same, "{wanted} {found}");
        }
    }

    #[test]
    fn a_token_is_valid_from_nbf_until_before_exp() {
        let claims = br#"{"nbf":100,"iat":90,"exp":200.9}"#;
        let judge = |claims: &[u8], leeway: i64, now: i64| {
            let expected = Expected { leeway, ..Expected::default() };
            let judged = expected.times(&Claims::parse(claims).unwrap(), Timestamp::from_unix(now));
            judged.err().map(|rejection| rejection.reason.code())
        };
        for (leeway, now, refused) in [
            (0, 99, Some("future_timestamp")),
            (0, 100, None),
            (0, 199, None),
            (0, 200, Some("stale_timestamp")),
            (5, 95, None),
            (5, 94, Some("future_timestamp")),
            (5, 204, None),
            (5, 205, Some("stale_timestamp")),
        ] {
            assert_eq!(judge(claims, leeway, now), refused, "{leeway} {now}");
        }
        assert_eq!(judge(br#"{"iat":101}"#, 0, 100), Some("future_timestamp"));
        for bad in [
            r#"{"exp":"200"}"#,
            r#"{"exp":null}"#,
            r#"{"exp":1e9}"#,
            r#"{"nbf":-1}"#,
            r#"{"iat":true}"#,
            r#"{"exp":[200]}"#,
        ] {
            assert_eq!(judge(bad.as_bytes(), 0, 100), Some("malformed_timestamp"), "{bad}");
        }
        assert_eq!(judge(b"{}", 0, 100), None);
    }

    #[test]
    fn an_id_has_the_alphabet_of_ids() {
        assert!(is_id("59a244dc-e9ad_4e.23:1") && is_id(&"a".repeat(256)));
        assert!(["", "a b", "a/b", "é", "a\n", &"a".repeat(257)].iter().all(|id| !is_id(id)));
    }
}
