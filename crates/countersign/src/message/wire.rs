//! Strict readers of what a request carries: its URL, its query, its form, the edges of a header's value.
//!
//! What they have in common is that nothing is repaired. Between the sender that signed, the proxies on the
//! way and the application behind us there are several parsers, and a signature over parsed values is only
//! worth something if all of them read the same. Where parsers are known to differ, the request is malformed.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

use super::filter::Fault;

mod form;

pub(crate) use form::form;

/// How many pairs a query or form may have, and how many parts a multipart body.
pub(crate) const MAX_PAIRS: usize = 1000;

/// A decoded name and its decoded value; a name without `=` has an empty one.
pub(crate) type Pair<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

/// How often a name occurs.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum FoundPair<'a> {
    /// Not at all.
    Absent,
    /// Once, with this decoded value.
    One(Cow<'a, [u8]>),
    /// More than once, so that which one is meant depends on who reads.
    Several,
}

/// An absolute `http` or `https` URL, cut and not changed: a sender signs the text, and `/a%2Fb`, `HTTPS://`
/// and `:443` are part of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Url<'a> {
    authority: &'a str,
    path_and_query: &'a str,
    /// Without its `?`.
    query: Option<&'a str>,
}

impl<'a> Url<'a> {
    /// Cut `text`. It must be ASCII without spaces and control characters, have `http` or `https` as its
    /// scheme (in any case) and a host, and no fragment: that is never sent. User information is never sent
    /// either, but some senders sign the URL as it was typed in, with it: it stays part of the URL, and is
    /// none of the host. Linear; no allocation.
    pub(crate) fn split(text: &'a str) -> Result<Self, Fault> {
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Fault::Malformed(
                "the URL holds a space, a control character or a character beyond ASCII",
            ));
        }
        let (scheme, rest) =
            text.split_once("://").ok_or(Fault::Malformed("the URL does not begin with https://"))?;
        if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            return Err(Fault::Malformed("the URL's scheme is neither http nor https"));
        }
        if rest.contains('#') {
            return Err(Fault::Malformed("the URL has a fragment (#…), which is never sent"));
        }
        let (authority, path_and_query) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (user, authority) = authority.rsplit_once('@').unwrap_or(("", authority));
        if !user.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:".contains(&b)) {
            return Err(Fault::Malformed("the URL's user information holds characters that none has"));
        }
        check_authority(authority)?;
        let query = path_and_query.split_once('?').map(|(_, query)| query);
        Ok(Self { authority, path_and_query, query })
    }

    /// `host` or `host:port`, as written.
    pub(crate) fn authority(&self) -> &'a str {
        self.authority
    }

    /// As a request line would have it: as written, and `/` where nothing is.
    pub(crate) fn path(&self) -> &'a str {
        match self.path_as_written() {
            "" => "/",
            path => path,
        }
    }

    /// As written, without `?`. An empty query is not an absent one.
    pub(crate) fn query(&self) -> Option<&'a str> {
        self.query
    }

    /// [`path`](Self::path), and `?` and the query where there is one. Allocates only to put a missing `/`
    /// before a query.
    pub(crate) fn target(&self) -> Cow<'a, str> {
        match self.query {
            Some(_) if self.path_as_written().is_empty() => Cow::Owned(format!("/{}", self.path_and_query)),
            Some(_) => Cow::Borrowed(self.path_and_query),
            None => Cow::Borrowed(self.path()),
        }
    }

    /// As written: empty where the host is followed by `?` or by nothing.
    fn path_as_written(&self) -> &'a str {
        self.path_and_query.split_once('?').map_or(self.path_and_query, |(path, _)| path)
    }
}

/// All pairs of a query or an `application/x-www-form-urlencoded` body, decoded, in wire order.
///
/// Cut at `&` and at the first `=`; `+` is a space; an empty segment is skipped. A `%` without two
/// hexadecimal digits and more than [`MAX_PAIRS`] pairs are malformed. Copies only what needs decoding.
pub(crate) fn pairs(raw: &[u8]) -> Result<Vec<Pair<'_>>, Fault> {
    segments(raw)
        .map(|segment| {
            let (name, value) = segment?;
            Ok((decode(name)?, decode(value)?))
        })
        .collect()
}

/// The value of `name` in a query or form, as [`pairs`] would decode it, without decoding what lies beside
/// it: a bad escape in another pair's *value* goes unnoticed. Allocates only where the value itself needs
/// decoding.
pub(crate) fn find_pair<'a>(raw: &'a [u8], name: &[u8]) -> Result<FoundPair<'a>, Fault> {
    let mut found = None;
    for segment in segments(raw) {
        let (raw_name, value) = segment?;
        if is_encoding_of(raw_name, name)? && found.replace(value).is_some() {
            return Ok(FoundPair::Several);
        }
    }
    found.map_or(Ok(FoundPair::Absent), |value| decode(value).map(FoundPair::One))
}

/// `value` without the spaces and tabs around it: what a header's value is, says HTTP.
#[inline]
pub(crate) fn ows(value: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let from = value.iter().position(|byte| !is_space(byte)).unwrap_or(value.len());
    let to = value.iter().rposition(|byte| !is_space(byte)).map_or(from, |last| last + 1);
    &value[from..to]
}

/// Whether a header's value, its edges trimmed, may enter signed content: it holds no control character, a
/// tab included. A line break in one would let it pass for two values of a content made of lines.
#[inline]
pub(crate) fn is_plain_header(value: &[u8]) -> bool {
    let Some(last) = value.last_chunk() else { return !value.iter().any(u8::is_ascii_control) };
    // Eight bytes are looked at together; the last eight overlap what was seen already.
    let seen = value.as_chunks().0.iter().fold(controls(*last), |seen, eight| seen | controls(*eight));
    seen == 0
}

/// Not zero if one of eight bytes is a control character: below a space, or 127.
#[inline]
fn controls(eight: [u8; 8]) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    let bytes = u64::from_ne_bytes(eight);
    // Taking a bound from a byte below it borrows its highest bit; one that had that bit set is no ASCII.
    let below = |bytes: u64, bound: u64| bytes.wrapping_sub(ONES * bound) & !bytes & (ONES * 0x80);
    below(bytes, 0x20) | below(bytes ^ (ONES * 0x7f), 1)
}

/// `host[:port]`: letters, digits, `.`, `-`, `_`, or an IPv6 address in brackets; a port of 1 to 5 digits.
fn check_authority(authority: &str) -> Result<(), Fault> {
    let end_of_host = match authority.strip_prefix('[') {
        Some(_) => authority.find(']').map(|at| at + 1),
        None => Some(authority.find(':').unwrap_or(authority.len())),
    };
    let (host, port) = authority.split_at(end_of_host.unwrap_or(0));
    let is_address =
        |host: &str| host.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'));
    let is_name =
        |host: &str| host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    let good_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.contains(':') && is_address(address),
        None => !host.is_empty() && is_name(host),
    };
    if !good_host {
        return Err(Fault::Malformed("the URL has no host, or one with characters that no host has"));
    }
    let good_port = match port.strip_prefix(':') {
        Some(digits) => matches!(digits.len(), 1..=5) && digits.bytes().all(|byte| byte.is_ascii_digit()),
        None => port.is_empty(),
    };
    if good_port { Ok(()) } else { Err(Fault::Malformed("the URL's port is not one to five digits")) }
}

/// The raw names and values, at most [`MAX_PAIRS`], then a fault.
fn segments(raw: &[u8]) -> impl Iterator<Item = Result<(&[u8], &[u8]), Fault>> {
    raw.split(|&byte| byte == b'&').filter(|segment| !segment.is_empty()).enumerate().map(|(at, segment)| {
        if at >= MAX_PAIRS {
            return Err(Fault::Malformed("the query or form has more than 1000 pairs"));
        }
        Ok(match memchr(b'=', segment) {
            Some(equals) => (&segment[..equals], &segment[equals + 1..]),
            None => (segment, &[][..]),
        })
    })
}

fn decode(raw: &[u8]) -> Result<Cow<'_, [u8]>, Fault> {
    if is_plain(raw) {
        return Ok(Cow::Borrowed(raw));
    }
    Decoded(raw).collect::<Result<Vec<u8>, Fault>>().map(Cow::Owned)
}

/// Whether `raw` is one of the ways to write `name`. Reads `raw` to its end, so that a bad escape in a name
/// is never taken for just another name.
fn is_encoding_of(raw: &[u8], name: &[u8]) -> Result<bool, Fault> {
    if is_plain(raw) {
        return Ok(raw == name);
    }
    let (mut expected, mut same) = (name.iter(), true);
    for byte in Decoded(raw) {
        let byte = byte?;
        same &= expected.next() == Some(&byte);
    }
    Ok(same && expected.next().is_none())
}

fn is_plain(raw: &[u8]) -> bool {
    memchr2(b'%', b'+', raw).is_none()
}

/// The bytes that a piece of a query or form stands for. Not to be read past a fault.
struct Decoded<'a>(&'a [u8]);

impl Iterator for Decoded<'_> {
    type Item = Result<u8, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let (byte, rest) = match *self.0 {
            [] => return None,
            [b'%', high, low, ref rest @ ..] => match (digit(high), digit(low)) {
                (Some(high), Some(low)) => (Ok(high << 4 | low), rest),
                _ => (Err(BAD_ESCAPE), rest),
            },
            [b'%', ..] => (Err(BAD_ESCAPE), &[][..]),
            [b'+', ref rest @ ..] => (Ok(b' '), rest),
            [byte, ref rest @ ..] => (Ok(byte), rest),
        };
        self.0 = rest;
        Some(byte)
    }
}

const BAD_ESCAPE: Fault =
    Fault::Malformed("a % in the query or form is not followed by two hexadecimal digits");

/// The URL with this parameter, in the place of any other of its name.
pub(crate) fn with_pair(url: &str, name: &str, value: &[u8]) -> String {
    let (bare, fragment) = url.split_at(url.find('#').unwrap_or(url.len()));
    let (path, query) = bare.split_once('?').unwrap_or((bare, ""));
    let pairs = with_field(query.as_bytes(), name, value);
    format!("{path}?{}{fragment}", String::from_utf8_lossy(&pairs))
}

/// Whether the headers say that the body is a form whose fields can be written.
pub(crate) fn is_form(headers: &dyn crate::request::Headers) -> bool {
    let mut is = false;
    headers.each(&mut |name, value| {
        let essence = value.split(|b| *b == b';').next().unwrap_or_default();
        is |= name.eq_ignore_ascii_case(b"content-type")
            && ows(essence).eq_ignore_ascii_case(b"application/x-www-form-urlencoded");
    });
    is
}

/// The form with this field, in the place of any other of its name.
pub(crate) fn with_field(form: &[u8], name: &str, value: &[u8]) -> Vec<u8> {
    let is_other = |pair: &&[u8]| {
        let found = pair.split(|b| *b == b'=').next().unwrap_or_default();
        !is_encoding_of(found, name.as_bytes()).unwrap_or(false)
    };
    let mut pairs: Vec<&[u8]> = match form {
        [] => Vec::new(),
        form => form.split(|b| *b == b'&').filter(is_other).collect(),
    };
    let pair = format!("{}={}", escaped(name.as_bytes()), escaped(value));
    pairs.push(pair.as_bytes());
    pairs.join(&b'&')
}

/// Percent-encoded but for what no reader takes for anything else.
fn escaped(text: &[u8]) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    text.iter().map(|b| if plain(*b) { char::from(*b).to_string() } else { format!("%{b:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    #[test]
    fn a_pair_takes_the_place_of_those_of_its_name() {
        for (url, put) in [
            ("https://a.example/x", "https://a.example/x?s=1%2B"),
            ("https://a.example/x?", "https://a.example/x?s=1%2B"),
            ("https://a.example/x?a=%41&b#f", "https://a.example/x?a=%41&b&s=1%2B#f"),
            ("https://a.example/x?s=old&a=1&%73=old&sa=2&s", "https://a.example/x?a=1&sa=2&s=1%2B"),
        ] {
            assert_eq!(with_pair(url, "s", b"1+"), put);
        }
        assert_eq!(with_field(b"", "s", b"1"), b"s=1");
        assert_eq!(with_field(b"%zz=1&s=0&\xff=2", "s", b"1"), b"%zz=1&\xff=2&s=1");
    }

    fn url(text: &str) -> Option<Url<'_>> {
        Url::split(text).ok()
    }

    fn plain(raw: &str) -> Option<Vec<(String, String)>> {
        let text = |bytes: Cow<'_, [u8]>| String::from_utf8_lossy(&bytes).into_owned();
        Some(pairs(raw.as_bytes()).ok()?.into_iter().map(|(name, value)| (text(name), text(value))).collect())
    }

    fn one(value: &str) -> Option<FoundPair<'_>> {
        Some(FoundPair::One(Cow::Borrowed(value.as_bytes())))
    }

    #[test]
    fn urls_are_cut_and_not_changed() {
        for (text, authority, path, query, target) in [
            ("https://example.com", "example.com", "/", None, "/"),
            (
                "HTTPS://Example.COM:443/A%2fb/../c;d",
                "Example.COM:443",
                "/A%2fb/../c;d",
                None,
                "/A%2fb/../c;d",
            ),
            ("http://example.com?a=/b?c", "example.com", "/", Some("a=/b?c"), "/?a=/b?c"),
            ("http://example.com?", "example.com", "/", Some(""), "/?"),
            ("https://[::1]:8080//x?q=1&q=2", "[::1]:8080", "//x", Some("q=1&q=2"), "//x?q=1&q=2"),
            ("https://a_b-c.example/?", "a_b-c.example", "/", Some(""), "/?"),
        ] {
            let url = url(text).expect(text);
            let found = (url.authority(), url.path(), url.query(), &*url.target());
            assert_eq!(found, (authority, path, query, target), "{text}");
        }
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for text in [
            "",
            "example.com",
            "/hook",
            "//example.com/hook",
            "https:/example.com",
            "ftp://example.com",
            "://example.com",
            "https://",
            "https:///hook",
            "https://?q",
            "https://:80/",
            "https://example.com:/",
            "https://example.com:123456/",
            "https://example.com:8a/",
            "https://example.com/#top",
            "https://example.com#",
            "https://example.com/a b",
            "https://example.com/\n",
            "https://example.com/é",
            "https://exa%6dple.com/",
            "https://example.com\\@evil.example/",
            "https://[::1",
            "https://[]/",
            "https://[::1]x/",
            "https://[1234]/",
            " https://example.com/",
            "https://example.com/\u{7f}",
        ] {
            assert_eq!(url(text), None, "{text:?}");
        }
    }

    #[test]
    fn user_information_is_none_of_the_host() {
        assert_eq!(
            url("https://u:p@example.com:8443/a").map(|url| url.authority()),
            Some("example.com:8443")
        );
    }

    #[test]
    fn pairs_are_decoded_in_wire_order() {
        let expected = [("b", "1"), ("a", "x y"), ("a", "z=="), ("c", ""), ("", "v"), ("é", "&")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(plain("b=1&&a=x+y&a=z==&c&=v&%C3%a9=%26&").as_deref(), Some(&expected[..]));
        assert_eq!(plain(""), Some(Vec::new()));
        for bad in ["a=%", "a=%4", "%zz=1", "a=%4g", "a=1&b=%", "a=%+1", "a=%-1"] {
            assert_eq!(plain(bad), None, "{bad}");
        }
        assert!(
            pairs(b"a=b").is_ok_and(|all| matches!(all[..], [(Cow::Borrowed(b"a"), Cow::Borrowed(b"b"))]))
        );
    }

    #[test]
    fn there_is_an_end_to_pairs() {
        assert_eq!(pairs("a=1&".repeat(MAX_PAIRS).as_bytes()).ok().map(|all| all.len()), Some(MAX_PAIRS));
        let many = "a=1&".repeat(MAX_PAIRS + 1);
        assert!(pairs(many.as_bytes()).is_err() && find_pair(many.as_bytes(), b"b").is_err());
    }

    #[test]
    fn one_pair_is_found_by_its_decoded_name() {
        let find = |raw: &'static str, name: &str| find_pair(raw.as_bytes(), name.as_bytes()).ok();
        assert_eq!(find("a=1&b=2", "b"), one("2"));
        assert_eq!(find("a=1&data.id=%41b", "data.id"), one("Ab"));
        assert_eq!(find("a=%zz&%62=2", "b"), one("2"), "another's value is not decoded");
        assert_eq!(find("a", "a"), one(""));
        assert_eq!(find("x+y=1", "x y"), one("1"));
        assert_eq!(find("b=1&%62=2", "b"), Some(FoundPair::Several), "two spellings of one name");
        assert_eq!(find("ab=1&%61b=&%61%62c=&a%=", "abc"), None, "a bad name");
        assert_eq!(find("b=%", "b"), None);
        assert_eq!(find("B=1&b%00=2&=3", "b"), Some(FoundPair::Absent));
        assert_eq!(find("", ""), Some(FoundPair::Absent));
    }

    #[test]
    fn header_values_have_no_edges_and_no_control_characters() {
        for (value, trimmed) in [(" \ta b\t ", "a b"), ("", ""), (" \t ", ""), ("a", "a"), ("\na ", "\na")] {
            assert_eq!(ows(value.as_bytes()), trimmed.as_bytes());
        }
        assert!(is_plain_header(b"a b") && is_plain_header("é".as_bytes()) && is_plain_header(b""));
        for bad in [&b"a\tb"[..], b"a\r\nb", b"\0", b"\x7f"] {
            assert!(!is_plain_header(bad));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(raw in vec(any::<u8>(), 0..200), text in any::<String>(), name in ".{0,3}") {
            let _ = (pairs(&raw).is_ok(), find_pair(&raw, name.as_bytes()).is_ok(), url(&text), url(&format!("https://{text}")));
            let _ = (ows(&raw), is_plain_header(&raw));
        }

        #[test]
        fn the_parts_of_a_url_make_the_url(text in "[hH]ttps?://[a-zA-Z0-9.:\\[\\]-]{0,12}[!-?A-~]{0,30}") {
            if let Some(url) = url(&text) {
                let query = url.query().map_or(String::new(), |query| format!("?{query}"));
                let (scheme, _) = text.split_once(':').expect("a scheme");
                let whole = format!("{scheme}://{}{}{query}", url.authority(), url.path_as_written());
                prop_assert_eq!(whole, &*text);
                prop_assert_eq!(format!("{}{query}", url.path()), url.target());
            }
        }

        #[test]
        fn pairs_agree_with_the_form_urlencoded_crate(raw in "([a-c=&+]|%[0-7][0-9a-fA-F]|é){0,40}") {
            let theirs: Vec<_> = form_urlencoded::parse(raw.as_bytes()).into_owned().collect();
            prop_assert_eq!(plain(&raw), Some(theirs));
        }

        #[test]
        fn what_the_form_urlencoded_crate_writes_is_read(all in vec((".{0,8}", ".{0,8}"), 0..10)) {
            let raw = form_urlencoded::Serializer::new(String::new()).extend_pairs(&all).finish();
            // An empty name with an empty value is written as "=", which is a pair like any other.
            prop_assert_eq!(plain(&raw), Some(all));
        }

        #[test]
        fn finding_one_agrees_with_reading_all(raw in "([ab]|[ab=&]|%6[12]|%2|\\+){0,30}", name in "[ab ]{0,2}") {
            let (found, all) = (find_pair(raw.as_bytes(), name.as_bytes()), pairs(raw.as_bytes()));
            if let Ok(all) = all {
                let mut values = all.into_iter().filter(|(n, _)| **n == *name.as_bytes()).map(|(_, value)| value);
                let expected = match (values.next(), values.next()) {
                    (None, _) => FoundPair::Absent,
                    (Some(value), None) => FoundPair::One(value),
                    _ => FoundPair::Several,
                };
                prop_assert_eq!(found.ok(), Some(expected));
            }
        }
    }
}
