//! Borrowed views of a request: nothing here is copied, decoded or trusted.
//!
//! The URL is the one the receiver publishes, given by the host. It is never put together from `Host` or
//! `X-Forwarded-*`: those are the sender's words, and a signature over them would prove nothing.

use std::fmt;

/// A request as its sender addressed it, borrowed from the host.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Request<'r> {
    /// What arrived before the body.
    pub head: Head<'r>,

    /// Every byte of the body, exactly as received: not decompressed, not re-encoded, not trimmed.
    pub body: &'r [u8],
}

impl<'r> Request<'r> {
    /// Borrow a whole request.
    pub fn new(head: Head<'r>, body: &'r [u8]) -> Self {
        Request { head, body }
    }
}

/// Everything that arrives before the body.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Head<'r> {
    /// The method in upper case: `POST`, almost always.
    pub method: &'r str,

    /// The absolute URL the sender signed, with its query. The host configures scheme, host and path prefix; a
    /// proxy's headers never do. Schemes that do not sign the URL do not look at it.
    pub url: &'r str,

    /// The host's own header map.
    pub headers: &'r dyn Headers,
}

impl<'r> Head<'r> {
    /// Borrow a request's head.
    pub fn new(method: &'r str, url: &'r str, headers: &'r dyn Headers) -> Self {
        Head { method, url, headers }
    }

    /// Let go of the request. Costs one allocation a header.
    pub fn to_owned(&self) -> HeadBuf {
        let mut headers = Vec::new();
        self.headers.each(&mut |name, value| headers.push((name.into(), value.into())));
        HeadBuf { method: self.method.into(), url: self.url.into(), headers }
    }
}

/// Prints no header: some are secrets.
impl fmt::Debug for Head<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Head").field("method", &self.method).finish_non_exhaustive()
    }
}

/// A head that outlives its request: what a [`Stream`](crate::Stream) and a binding's objects hold.
pub struct HeadBuf {
    method: Box<str>,
    url: Box<str>,
    headers: Vec<Pair>,
}

/// A header's name and value.
type Pair = (Box<[u8]>, Box<[u8]>);

impl HeadBuf {
    /// Lend it.
    pub fn head(&self) -> Head<'_> {
        Head::new(&self.method, &self.url, &self.headers)
    }
}

/// A header's name, prepared once for many look-ups.
///
/// Names are compared as bytes without regard to ASCII case, and nothing else is folded: `\u{212a}` is not `k`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HeaderName {
    text: Box<str>,
    #[cfg(feature = "http")]
    prepared: http::HeaderName,
}

impl HeaderName {
    /// Prepare a name; `None` if it is no RFC 9110 token and so can be no header.
    pub fn new(name: &str) -> Option<Self> {
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if name.is_empty() || !name.bytes().all(token) {
            return None;
        }
        Some(HeaderName {
            text: name.to_ascii_lowercase().into(),
            #[cfg(feature = "http")]
            prepared: http::HeaderName::from_bytes(name.as_bytes()).ok()?,
        })
    }

    /// The name in lower case.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a name on the wire is this one.
    #[inline]
    pub fn is(&self, name: &[u8]) -> bool {
        let text = self.text.as_bytes();
        // Names of one length mostly differ in their last letter already; bit 5 is the case of letters.
        let last = |name: &[u8]| name.last().map_or(0, |byte| byte | 0x20);
        name.len() == text.len()
            && last(name) == last(text)
            && (name == text || name.eq_ignore_ascii_case(text))
    }
}

/// A host's header map, looked up in place.
///
/// Only [`each`](Self::each) is required: explaining, bindings and schemes that sign a list of headers need every
/// one. A map that can look up by name overrides the rest for speed, with the same answers. Values are bytes: they
/// need not be UTF-8, and a map must not drop those that are not.
pub trait Headers: Sync {
    /// Every header in wire order, duplicates kept. Names may come in any case.
    fn each<'h>(&'h self, f: &mut dyn FnMut(&'h [u8], &'h [u8]));

    /// One look at `name`, enough to tell none from one from several.
    fn find(&self, name: &HeaderName) -> Found<'_> {
        let mut found = Found::Absent;
        self.each(&mut |n, value| {
            if name.is(n) {
                found = found.and(value);
            }
        });
        found
    }

    /// The `index`th value of `name`, for the few schemes that read more than one.
    fn nth(&self, name: &HeaderName, index: usize) -> Option<&[u8]> {
        let (mut seen, mut found) = (0, None);
        self.each(&mut |n, value| {
            if name.is(n) {
                if seen == index {
                    found = Some(value);
                }
                seen += 1;
            }
        });
        found
    }
}

/// How often a header occurs.
#[derive(Clone, Copy, Debug)]
pub enum Found<'r> {
    /// Not at all.
    Absent,

    /// Once, with this value.
    One(&'r [u8]),

    /// More than once, which for a signature is as bad as wrong.
    Several,
}

impl<'r> Found<'r> {
    /// What is known after one more occurrence.
    fn and(self, value: &'r [u8]) -> Self {
        match self {
            Found::Absent => Found::One(value),
            Found::One(_) | Found::Several => Found::Several,
        }
    }
}

#[inline]
fn find_in<'h, N: AsRef<[u8]>, V: AsRef<[u8]>>(pairs: &'h [(N, V)], name: &HeaderName) -> Found<'h> {
    let mut found = Found::Absent;
    for (n, value) in pairs {
        let n = n.as_ref();
        if n.len() == name.text.len() && name.is(n) {
            found = found.and(value.as_ref());
        }
    }
    found
}

macro_rules! pairs_are_headers {
    ($($(const $k:ident)? $of:ty),+) => {$(
        impl<N: AsRef<[u8]> + Sync, V: AsRef<[u8]> + Sync $(, const $k: usize)?> Headers for $of {
            fn each<'h>(&'h self, f: &mut dyn FnMut(&'h [u8], &'h [u8])) {
                self.iter().for_each(|(n, v)| f(n.as_ref(), v.as_ref()));
            }
            fn find(&self, name: &HeaderName) -> Found<'_> {
                find_in(self, name)
            }
        }
    )+};
}
pairs_are_headers!(&[(N, V)], Vec<(N, V)>, const K [(N, V); K]);

/// No headers at all.
impl Headers for () {
    fn each<'h>(&'h self, _: &mut dyn FnMut(&'h [u8], &'h [u8])) {}
}

#[cfg(feature = "http")]
impl Headers for http::HeaderMap {
    fn each<'h>(&'h self, f: &mut dyn FnMut(&'h [u8], &'h [u8])) {
        self.iter().for_each(|(n, v)| f(n.as_str().as_bytes(), v.as_bytes()));
    }

    fn find(&self, name: &HeaderName) -> Found<'_> {
        let mut values = self.get_all(&name.prepared).iter();
        match (values.next(), values.next()) {
            (None, _) => Found::Absent,
            (Some(value), None) => Found::One(value.as_bytes()),
            (Some(_), Some(_)) => Found::Several,
        }
    }

    fn nth(&self, name: &HeaderName, index: usize) -> Option<&[u8]> {
        self.get_all(&name.prepared).iter().nth(index).map(http::HeaderValue::as_bytes)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn name(text: &str) -> HeaderName {
        HeaderName::new(text).unwrap()
    }

    #[test]
    fn every_map_gives_the_same_answers() {
        let pairs = [("X-A", "1"), ("x-b", "2"), ("x-B", "3")];
        let vec = pairs.to_vec();
        let slice: &[(&str, &str)] = &pairs;
        let head = Head::new("POST", "https://example.com/", &pairs).to_owned();
        #[cfg(feature = "http")]
        let map: http::HeaderMap =
            pairs.iter().map(|(n, v)| (n.parse::<http::HeaderName>().unwrap(), v.parse().unwrap())).collect();
        let maps: &[&dyn Headers] = &[
            &pairs,
            &vec,
            &slice,
            &head.headers,
            #[cfg(feature = "http")]
            &map,
        ];
        for map in maps {
            assert!(matches!(map.find(&name("x-a")), Found::One(b"1")));
            assert!(matches!(map.find(&name("X-B")), Found::Several));
            assert!(matches!(map.find(&name("x-c")), Found::Absent));
            assert_eq!(map.nth(&name("x-b"), 1), Some(&b"3"[..]));
            assert_eq!(map.nth(&name("x-b"), 2), None);
        }
    }

    #[test]
    fn a_name_that_can_be_no_header_is_refused() {
        for bad in ["", "x y", "x:y", "wor\u{212a}er", "x\n"] {
            assert!(HeaderName::new(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn only_ascii_case_is_folded() {
        assert!(!name("worker-sig").is("wor\u{212a}er-sig".as_bytes()));
    }
}
