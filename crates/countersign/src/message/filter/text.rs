//! Filters that cut, change or compare text, and those that know a URL's parts.

use std::borrow::Cow;
use std::ops::Range;

use super::{Fault, OUTPUT, TOO_BIG};

/// Text is bytes here: letters and white space are those of ASCII, positions count bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Text {
    Lower,
    Upper,
    Trim,
    Reverse,
    StripSpace,
    /// Negative positions count from the end; `None` is the end.
    Slice(isize, Option<isize>),
    Before(Vec<u8>),
    AfterLast(Vec<u8>),
    /// The first is not empty.
    Replace(Vec<u8>, Vec<u8>),
}

impl Text {
    pub(super) fn apply<'a>(&self, text: Cow<'a, [u8]>) -> Result<Cow<'a, [u8]>, Fault> {
        let all = 0..text.len();
        Ok(match self {
            Self::Lower if text.iter().any(u8::is_ascii_uppercase) => text.to_ascii_lowercase().into(),
            Self::Upper if text.iter().any(u8::is_ascii_lowercase) => text.to_ascii_uppercase().into(),
            Self::Lower | Self::Upper => text,
            Self::Trim => {
                let start = text.iter().position(|b| !is_space(*b)).unwrap_or(text.len());
                let end = text.iter().rposition(|b| !is_space(*b)).map_or(start, |last| last + 1);
                cut(text, start..end)
            }
            Self::Reverse => text.iter().rev().copied().collect::<Vec<_>>().into(),
            Self::StripSpace => text.iter().copied().filter(|b| !is_space(*b)).collect::<Vec<_>>().into(),
            Self::Slice(from, to) => {
                let place = |n: isize| match usize::try_from(n) {
                    Ok(n) => n.min(all.end),
                    Err(_) => all.end.saturating_sub(n.unsigned_abs()),
                };
                let (start, end) = (place(*from), to.map_or(all.end, place));
                cut(text, start.min(end)..end)
            }
            Self::Before(mark) => {
                let end = find(&text, mark).unwrap_or(all.end);
                cut(text, 0..end)
            }
            Self::AfterLast(mark) => {
                let last = text.windows(mark.len()).rposition(|window| window == mark);
                cut(text, last.map_or(0, |at| at + mark.len())..all.end)
            }
            Self::Replace(from, to) => replace(text, from, to)?,
        })
    }
}

/// Filters on the text of an absolute URL. What is not one, is malformed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Url {
    PortDrop,
    PortExplicit,
    QueryDrop,
}

impl Url {
    pub(super) fn apply<'a>(&self, url: Cow<'a, [u8]>) -> Result<Cow<'a, [u8]>, Fault> {
        let Parts { scheme, host, port, authority } = Parts::of(&url)?;
        let default = match &url[..scheme].to_ascii_lowercase()[..] {
            b"https" => Some(&b":443"[..]),
            b"http" => Some(&b":80"[..]),
            _ => None,
        };
        Ok(match self {
            Self::PortDrop if port => without(url, host..authority),
            Self::PortExplicit if !port => {
                let default =
                    default.ok_or(Fault::Malformed("a URL without a port, neither http nor https"))?;
                [&url[..host], default, &url[host..]].concat().into()
            }
            Self::PortDrop | Self::PortExplicit => url,
            Self::QueryDrop => {
                let rest = &url[authority..];
                let fragment = rest.iter().position(|b| *b == b'#').unwrap_or(rest.len());
                match rest[..fragment].iter().position(|b| *b == b'?') {
                    Some(query) => without(url, authority + query..authority + fragment),
                    None => url,
                }
            }
        })
    }
}

/// Where the parts of a URL end, as offsets.
struct Parts {
    scheme: usize,
    host: usize,
    /// Whether `:digits` stands between `host` and `authority`.
    port: bool,
    authority: usize,
}

impl Parts {
    fn of(url: &[u8]) -> Result<Self, Fault> {
        let scheme =
            find(url, b"://").filter(|at| *at > 0).ok_or(Fault::Malformed("a URL without a scheme"))?;
        let start = scheme + 3;
        let length = url[start..].iter().position(|b| matches!(b, b'/' | b'?' | b'#'));
        let authority = length.map_or(url.len(), |length| start + length);
        let user = url[start..authority].iter().rposition(|b| *b == b'@').map_or(0, |at| at + 1);
        let name = &url[start + user..authority];
        // The colons of an IPv6 address are inside brackets.
        let address = name.iter().rposition(|b| *b == b']').map_or(0, |at| at + 1);
        let colon = name[address..].iter().position(|b| *b == b':').map(|at| address + at);
        let host = start + user + colon.unwrap_or(name.len());
        let digits = colon.map(|at| &name[at + 1..]);
        if digits.is_some_and(|digits| digits.is_empty() || !digits.iter().all(u8::is_ascii_digit)) {
            return Err(Fault::Malformed("a URL whose port is no number"));
        }
        Ok(Self { scheme, host, port: colon.is_some(), authority })
    }
}

/// Where `needle`, which is not empty, first stands in `text`.
pub(super) fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len()).position(|window| window == needle)
}

/// As ECMAScript, HTML and HTTP have it in common: no vertical tab.
pub(super) fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace()
}

fn cut(text: Cow<'_, [u8]>, range: Range<usize>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[range]),
        Cow::Owned(mut text) => {
            text.truncate(range.end);
            text.drain(..range.start);
            Cow::Owned(text)
        }
    }
}

fn without(text: Cow<'_, [u8]>, range: Range<usize>) -> Cow<'_, [u8]> {
    let mut text = text.into_owned();
    text.drain(range);
    Cow::Owned(text)
}

fn replace<'a>(text: Cow<'a, [u8]>, from: &[u8], to: &[u8]) -> Result<Cow<'a, [u8]>, Fault> {
    let Some(mut found) = find(&text, from) else { return Ok(text) };
    let mut out = Vec::with_capacity(text.len());
    let mut rest = &text[..];
    loop {
        out.extend_from_slice(&rest[..found]);
        out.extend_from_slice(to);
        rest = &rest[found + from.len()..];
        if out.len() + rest.len() > OUTPUT {
            return Err(TOO_BIG);
        }
        match find(rest, from) {
            Some(next) => found = next,
            None => break,
        }
    }
    out.extend_from_slice(rest);
    Ok(Cow::Owned(out))
}
