//! The value of a header field as signatures see it: RFC 9421, section 2.1, and alike in the draft before it.
//!
//! Elsewhere a header that comes twice is ambiguous. Here the standard says what several lines come to, so that a proxy may
//! join them, and what they come to is what is signed.

use crate::details::{COMPONENT_UNREADABLE, Flaw, TOO_LONG};
use countersign::{HeaderName, Headers, Rejection};
use std::borrow::Cow;

/// How many lines of one name are read.
const MAX_LINES: usize = 64;

/// How many bytes of one name's lines are read.
const MAX_BYTES: usize = 16 * 1024;

/// Every line of a name, in wire order: folded ones unfolded, white space around them dropped.
pub(crate) fn lines<'r>(
    headers: &'r dyn Headers,
    name: &HeaderName,
) -> Result<Vec<Cow<'r, [u8]>>, Rejection> {
    let (mut lines, mut bytes) = (Vec::new(), 0);
    while let Some(line) = headers.nth(name, lines.len()) {
        bytes += line.len();
        if lines.len() == MAX_LINES || bytes > MAX_BYTES {
            return Err(
                TOO_LONG.because(format!("the header `{}` is longer than is ever read", name.as_str()))
            );
        }
        lines.push(match unfold(line) {
            Cow::Borrowed(line) => Cow::Borrowed(trim(line)),
            Cow::Owned(line) => Cow::Owned(trim(&line).to_vec()),
        });
    }
    Ok(lines)
}

/// All lines of a name as one text; `None` if there is no line. `flaw` is said of a text that no base may hold: it is made
/// of lines itself, and of ASCII.
pub(crate) fn joined(
    headers: &dyn Headers,
    name: &HeaderName,
    flaw: Flaw,
) -> Result<Option<String>, Rejection> {
    let lines = lines(headers, name)?;
    if lines.is_empty() {
        return Ok(None);
    }
    let may_be_signed = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t');
    match String::from_utf8(lines.join(&b", "[..])) {
        Ok(text) if text.as_bytes().iter().all(may_be_signed) => Ok(Some(text)),
        _ => {
            Err(flaw
                .because(format!("the header `{}` holds what is neither printed nor ASCII", name.as_str())))
        }
    }
}

/// The same for a component.
pub(crate) fn text(headers: &dyn Headers, name: &HeaderName) -> Result<Option<String>, Rejection> {
    joined(headers, name, COMPONENT_UNREADABLE)
}

/// A line break before white space is one space; any other stays, and is refused where it matters.
fn unfold(line: &[u8]) -> Cow<'_, [u8]> {
    if !line.contains(&b'\n') {
        return Cow::Borrowed(line);
    }
    let mut whole: Vec<u8> = Vec::with_capacity(line.len());
    for (at, piece) in line.split(|byte| *byte == b'\n').enumerate() {
        if at == 0 {
            whole.extend_from_slice(piece);
        } else if piece.first().is_some_and(is_space) {
            let kept = trim(whole.strip_suffix(b"\r").unwrap_or(&whole)).len();
            whole.truncate(kept + leading(&whole));
            whole.push(b' ');
            whole.extend_from_slice(trim(piece));
        } else {
            whole.push(b'\n');
            whole.extend_from_slice(piece);
        }
    }
    Cow::Owned(whole)
}

fn leading(line: &[u8]) -> usize {
    line.iter().take_while(|byte| is_space(byte)).count()
}

fn is_space(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn trim(line: &[u8]) -> &[u8] {
    let line = &line[leading(line)..];
    let behind = line.iter().rev().take_while(|byte| is_space(byte)).count();
    &line[..line.len() - behind]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn value(lines: &[&[u8]]) -> Result<Option<String>, &'static str> {
        let headers: Vec<(&str, &[u8])> = lines.iter().map(|line| ("X-It", *line)).collect();
        text(&headers, &HeaderName::new("x-it").unwrap()).map_err(|refused| refused.reason.code())
    }

    /// The examples of RFC 9421, section 2.1, among them.
    #[test]
    fn lines_are_trimmed_unfolded_and_joined() {
        let some = |text: &str| Ok(Some(text.to_owned()));
        assert_eq!(
            value(&[b"  Leading and trailing whitespace.   "]),
            some("Leading and trailing whitespace.")
        );
        assert_eq!(value(&[b"Obsolete\r\n    line folding."]), some("Obsolete line folding."));
        assert_eq!(value(&[b" a \t\r\n\t b\n c "]), some("a b c"));
        assert_eq!(value(&[b"max-age=60", b"   must-revalidate"]), some("max-age=60, must-revalidate"));
        assert_eq!(value(&[b""]), some(""));
        assert_eq!(value(&[b"", b"a", b""]), some(", a, "));
        assert_eq!(value(&[b"a, \tb"]), some("a, \tb"), "what is inside a line is left alone");
        assert_eq!(value(&[]), Ok(None));
    }

    #[test]
    fn a_value_that_could_pass_for_two_lines_is_refused() {
        for bad in
            [&b"a\nb"[..], b"\na", b"\r\na", b"a\n", b"a\rb", b"a\r\nb", b"a\0", b"caf\xc3\xa9", b"\x7f"]
        {
            assert_eq!(value(&[bad]), Err("malformed_content"), "{bad:?}");
        }
        assert_eq!(value(&[&[b'a'; MAX_BYTES + 1]]), Err("malformed_signature"));
        assert_eq!(value(&[&b"a"[..]; MAX_LINES + 1]), Err("malformed_signature"));
        assert!(value(&[&b"a"[..]; MAX_LINES]).is_ok());
    }
}
