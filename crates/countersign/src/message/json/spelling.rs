//! How strings are written as JSON: one way for each family of writers that providers sign the output of.

/// How a string is spelled: which characters are escaped beside quote, backslash and controls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// Nothing else (ECMAScript's `JSON.stringify`).
    Compact,
    /// Slashes, and all that is not ASCII (PHP's `json_encode`).
    Php,
    /// Slashes and the line separators U+2028 and U+2029 (PHP's `JSON_UNESCAPED_UNICODE`).
    PhpUnicode,
    /// All that is not printable ASCII (Python's `json.dumps`).
    Python,
}

/// Appends `text` as a quoted JSON string. At most six times as long as `text`, plus two.
pub(crate) fn write_text(text: &str, spelling: Spelling, out: &mut Vec<u8>) {
    use Spelling::{Compact, Php, PhpUnicode, Python};
    out.reserve(text.len() + 2);
    out.push(b'"');
    for c in text.chars() {
        match (c, spelling) {
            ('"', _) => out.extend_from_slice(b"\\\""),
            ('\\', _) => out.extend_from_slice(b"\\\\"),
            ('\u{8}', _) => out.extend_from_slice(b"\\b"),
            ('\u{c}', _) => out.extend_from_slice(b"\\f"),
            ('\n', _) => out.extend_from_slice(b"\\n"),
            ('\r', _) => out.extend_from_slice(b"\\r"),
            ('\t', _) => out.extend_from_slice(b"\\t"),
            ('/', Php | PhpUnicode) => out.extend_from_slice(b"\\/"),
            ('\0'..='\u{1f}', _)
            | ('\u{7f}', Python)
            | ('\u{80}'.., Php | Python)
            | ('\u{2028}' | '\u{2029}', PhpUnicode) => write_escape(c, out),
            (_, Compact | Php | PhpUnicode | Python) => {
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }
    out.push(b'"');
}

/// Appends `c` as `\uXXXX` in lower-case digits, as two of them where it needs a surrogate pair.
pub(crate) fn write_escape(c: char, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for unit in c.encode_utf16(&mut [0; 2]) {
        out.extend_from_slice(b"\\u");
        out.extend([12, 8, 4, 0].map(|shift| DIGITS[usize::from(*unit >> shift & 15)]));
    }
}
