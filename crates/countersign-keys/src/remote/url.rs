//! The one shape of URL that is fetched, read strictly: what a lenient reader would mend is refused.

use super::{Fault, HOST_NOT_ALLOWED, MAX_URL, PATH_NOT_ALLOWED, URL_MALFORMED, URL_NOT_ALLOWED};
use std::sync::Arc;

/// The bytes that a URL may have: RFC 3986, sections 2.2 and 2.3, and the percent sign.
const OF_URLS: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        table[byte] = b.is_ascii_graphic()
            && !matches!(b, b'\\' | b'"' | b'<' | b'>' | b'^' | b'`' | b'{' | b'|' | b'}');
        byte += 1;
    }
    table
};

/// A URL that has one reading: `https://HOST/PATH`, perhaps with `:443`.
#[derive(Debug)]
pub(super) struct Url<'t> {
    pub(super) host: &'t str,
    pub(super) path: &'t str,
}

impl<'t> Url<'t> {
    pub(super) fn parse(text: &'t [u8]) -> Result<Self, Fault> {
        let malformed = |says| Fault { code: URL_MALFORMED, says };
        let not_allowed = |says| Fault { code: URL_NOT_ALLOWED, says };
        if text.len() > MAX_URL {
            return Err(malformed("it is longer than 2048 bytes"));
        }
        if !text.iter().all(|b| OF_URLS[usize::from(*b)]) {
            return Err(malformed("it has a byte in it that no URL has"));
        }
        let text = std::str::from_utf8(text).map_err(|_| malformed("it is no text"))?;
        let rest = text.strip_prefix("https://").ok_or(not_allowed("it does not begin with `https://`"))?;
        if rest.contains(['?', '#']) {
            return Err(not_allowed("it has a query or a fragment"));
        }
        let slash = rest.find('/').ok_or(not_allowed("it has no path"))?;
        let (authority, path) = rest.split_at(slash);
        if authority.contains('@') {
            return Err(not_allowed("it names a user"));
        }
        let host = authority.strip_suffix(":443").unwrap_or(authority);
        if host.contains(':') {
            return Err(not_allowed("it names a port other than 443, or an address"));
        }
        if !is_host(host) {
            return Err(Fault { code: HOST_NOT_ALLOWED, says: "its host is no plain name in lower case" });
        }
        match is_plain_path(path) {
            true => Ok(Url { host, path }),
            false => Err(Fault { code: PATH_NOT_ALLOWED, says: "its path could be read in two ways" }),
        }
    }

    /// Without the port, so that one document has one name.
    pub(super) fn spelled(&self, text: &[u8]) -> Arc<str> {
        let Url { host, path } = self;
        match std::str::from_utf8(text) {
            Ok(text) if text.len() == "https://".len() + host.len() + path.len() => text.into(),
            _ => format!("https://{host}{path}").into(),
        }
    }
}

/// Whether it is a DNS name in lower case, of two labels or more, and no address: that would end in a number.
pub(super) fn is_host(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    host.len() <= 253
        && host.contains('.')
        && host.split('.').all(is_label)
        && last.starts_with(|c: char| c.is_ascii_lowercase())
}

/// A label of letters, digits and inner hyphens. None in Punycode: a `*` is not meant for names in other scripts, and whether
/// one can be decoded at all is another parser's to say.
pub(super) fn is_label(label: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=63).contains(&label.len())
        && label.bytes().all(inner)
        && !label.starts_with('-')
        && !label.ends_with('-')
        && !label.starts_with("xn--")
}

/// Whether nobody resolves or decodes it into another path: no dot segments, no empty ones but the last, and no escape of
/// what divides a path, of a percent sign or of a control character.
fn is_plain_path(path: &str) -> bool {
    let segments = path.strip_prefix('/').unwrap_or(path);
    let (before, last) = segments.rsplit_once('/').unwrap_or(("", segments));
    let dots = |segment: &str| matches!(segment, "." | "..");
    let inner = segments.contains('/').then(|| before.split('/'));
    !dots(last)
        && inner.into_iter().flatten().all(|segment| !segment.is_empty() && !dots(segment))
        && escapes(path).all(|byte| byte.is_some_and(|b| b > b' ' && b != 0x7f && !b"/\\.%".contains(&b)))
}

/// What each percent sign stands for; `None` if two digits do not follow.
fn escapes(path: &str) -> impl Iterator<Item = Option<u8>> {
    path.match_indices('%').map(|(at, _)| {
        let digits = path.get(at + 1..at + 3).filter(|two| two.bytes().all(|b| b.is_ascii_hexdigit()))?;
        u8::from_str_radix(digits, 16).ok()
    })
}
