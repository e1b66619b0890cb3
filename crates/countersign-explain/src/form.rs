//! Forms and queries, taken apart and written again.

use countersign::{Found, HeaderName, Request};

/// Whether a body says that it is a form.
pub(crate) fn is_form(request: &Request<'_>) -> bool {
    let Some(name) = HeaderName::new("content-type") else { return false };
    match request.head.headers.find(&name) {
        Found::One(value) => value.to_ascii_lowercase().starts_with(b"application/x-www-form-urlencoded"),
        _ => false,
    }
}

/// Every pair, decoded. What is no text is left out.
pub(crate) fn pairs(bytes: &[u8]) -> impl Iterator<Item = (String, String)> {
    raw_pairs(bytes).filter_map(|(name, value)| {
        let text = |bytes: &[u8]| String::from_utf8(decode(bytes, true)).ok();
        Some((text(name)?, text(value.unwrap_or_default())?))
    })
}

/// Every pair as it stands.
pub(crate) fn raw_pairs(bytes: &[u8]) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
    bytes.split(|b| *b == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        match pair.iter().position(|b| *b == b'=') {
            Some(at) => (&pair[..at], Some(&pair[at + 1..])),
            None => (pair, None),
        }
    })
}

/// `%XX` and, in forms, `+`.
pub(crate) fn decode(bytes: &[u8], plus: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| const_hex::decode(digits).ok());
        match (bytes[at], escaped) {
            (_, Some(byte)) => {
                out.extend(byte);
                at += 3;
            }
            (b'+', None) if plus => {
                out.push(b' ');
                at += 1;
            }
            (byte, None) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

/// How a form is written.
#[derive(Clone, Copy)]
pub(crate) struct Style {
    /// A space is `+` and not `%20`.
    pub(crate) plus: bool,
    /// The bytes, beside letters and digits, that stand as they are.
    pub(crate) bare: &'static [u8],
    /// Digits of escapes are small.
    pub(crate) small: bool,
}

/// Percent-encode.
pub(crate) fn encode(bytes: &[u8], style: Style) -> Vec<u8> {
    let digits: &[u8; 16] = if style.small { b"0123456789abcdef" } else { b"0123456789ABCDEF" };
    let mut out = Vec::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b' ' if style.plus => out.push(b'+'),
            b if b.is_ascii_alphanumeric() || style.bare.contains(b) => out.push(*b),
            b => out.extend([b'%', digits[usize::from(b >> 4)], digits[usize::from(b & 15)]]),
        }
    }
    out
}

/// The same pairs, written anew.
pub(crate) fn rewritten(bytes: &[u8], style: Style, sorted: bool) -> Vec<u8> {
    let mut pairs: Vec<(Vec<u8>, Option<Vec<u8>>)> = raw_pairs(bytes)
        .map(|(name, value)| (decode(name, true), value.map(|value| decode(value, true))))
        .collect();
    if sorted {
        pairs.sort();
    }
    let text = |(name, value): (Vec<u8>, Option<Vec<u8>>)| match value {
        Some(value) => [encode(&name, style), vec![b'='], encode(&value, style)].concat(),
        None => encode(&name, style),
    };
    pairs.into_iter().map(text).collect::<Vec<_>>().join(&b'&')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_form_is_taken_apart() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let found: Vec<_> = pairs(b"a=b+c%40&d&&=e&f=%zz%4&g=%ff&h=1=2").collect();
        assert_eq!(
            found,
            [pair("a", "b c@"), pair("d", ""), pair("", "e"), pair("f", "%zz%4"), pair("h", "1=2")]
        );
        assert_eq!(decode(b"a+%2B", false), b"a++");
    }

    #[test]
    fn what_has_no_value_stays_so() {
        let style = Style { plus: true, bare: b"-_.*", small: false };
        assert_eq!(rewritten(b"b=%7e&a&b=&a=+", style, false), b"b=%7E&a&b=&a=+");
        assert_eq!(rewritten(b"b=%7e&a&b=&a=+", style, true), b"a&a=+&b=&b=%7E");
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(bytes in prop::collection::vec(any::<u8>(), 0..60), plus: bool, small: bool) {
            for bare in [&b"-_.*"[..], b"-_.~", b"-_.!~*'()"] {
                let text = encode(&bytes, Style { plus, bare, small });
                prop_assert!(text.is_ascii());
                prop_assert_eq!(&decode(&text, true), &bytes);
            }
        }
    }
}
