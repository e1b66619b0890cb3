//! The compact form, taken apart: RFC 7515, section 7.1. Strict, for every leniency is a second spelling of one token.

use crate::detail;
use base64_simd::URL_SAFE_NO_PAD;
use countersign::Rejection;
use countersign::template::Claims;

/// The longest header, in bytes of base64url: five certificates fit with room.
const MAX_HEADER: usize = 32 * 1024;

/// The longest key id, in bytes.
pub(crate) const MAX_KID: usize = 256;

/// The three parts of a token, undecoded but for dots.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'t> {
    /// The first.
    pub(crate) header: &'t [u8],

    /// The second. Empty where the payload is elsewhere.
    pub(crate) payload: &'t [u8],

    /// Header and payload and the dot between: what is signed, unless the payload is elsewhere.
    pub(crate) signed: &'t [u8],

    /// The third.
    pub(crate) signature: &'t [u8],
}

impl<'t> Token<'t> {
    /// Cut it. Any number of parts but three, as in encrypted tokens, is refused.
    pub(crate) fn cut(text: &'t [u8]) -> Result<Self, Rejection> {
        let mut dots = text.iter().enumerate().filter(|(_, byte)| **byte == b'.').map(|(at, _)| at);
        let (Some(first), Some(second), None) = (dots.next(), dots.next(), dots.next()) else {
            return Err(detail::SEGMENTS.into());
        };
        Ok(Token {
            header: &text[..first],
            payload: &text[first + 1..second],
            signed: &text[..second],
            signature: &text[second + 1..],
        })
    }
}

/// The bytes of a part. Padding, white space, the other alphabet and loose trailing bits are refused.
pub(crate) fn decode(part: &[u8]) -> Result<Vec<u8>, Rejection> {
    URL_SAFE_NO_PAD.decode_to_vec(part).map_err(|_| detail::BASE64URL.into())
}

/// A part of these bytes.
pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode_to_string(bytes)
}

/// The bytes of the header, if it is not too long.
pub(crate) fn header_bytes(token: &Token<'_>) -> Result<Vec<u8>, Rejection> {
    match token.header.len() {
        0..=MAX_HEADER => decode(token.header),
        _ => Err(detail::HEADER.because("it is longer than 32768 bytes")),
    }
}

/// A header as far as it is believed before anything is proven.
#[derive(Clone, Debug)]
pub(crate) struct Header<'h> {
    /// All of it. `jwk`, `jku` and `x5u` are never asked for.
    pub(crate) members: Claims<'h>,

    /// The name of the algorithm.
    pub(crate) algorithm: String,

    /// The name of the key.
    pub(crate) kid: Option<String>,
}

impl<'h> Header<'h> {
    /// Read it. `unencoded`: whether the preset says that the payload is signed as it is, RFC 7797.
    pub(crate) fn read(bytes: &'h [u8], unencoded: bool) -> Result<Self, Rejection> {
        let members = Claims::parse(bytes).map_err(|why| detail::HEADER.because(why))?;
        let text = |pointer: &str| match members.text(pointer) {
            Some(text) => Ok(Some(text.into_owned())),
            None if members.source(pointer).is_none() => Ok(None),
            None => {
                Err(detail::HEADER.because(format_args!("`{}` is no text", pointer.trim_start_matches('/'))))
            }
        };
        let algorithm = text("/alg")?.ok_or_else(|| detail::HEADER.because("it has no `alg`"))?;
        let kid = text("/kid")?;
        text("/typ")?;
        let printable = |kid: &String| {
            (1..=MAX_KID).contains(&kid.len()) && kid.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
        };
        if !kid.iter().all(printable) {
            return Err(detail::KID_SHAPE.into());
        }
        let header = Header { members, algorithm, kid };
        header.critical(unencoded)?;
        Ok(header)
    }

    /// Whoever does not know a critical member must refuse: RFC 7515, section 4.1.11. Only `b64` is known, and only where the
    /// preset says what it must be.
    fn critical(&self, unencoded: bool) -> Result<(), Rejection> {
        let (crit, b64) = (self.members.source("/crit"), self.members.source("/b64"));
        match (unencoded, crit, b64) {
            (false, None, None) => Ok(()),
            (true, Some(_), Some(_)) => {
                let only = self.members.texts("/crit").is_some_and(|crit| crit == ["b64"]);
                match (only, self.members.truth("/b64")) {
                    (false, _) => Err(detail::CRITICAL.into()),
                    (true, Some(false)) => Ok(()),
                    (true, _) => Err(detail::UNENCODED.into()),
                }
            }
            (true, None, _) | (_, None, Some(_)) => Err(detail::UNENCODED.into()),
            (_, Some(_), None) | (false, Some(_), Some(_)) => Err(detail::CRITICAL.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn code<T>(result: Result<T, Rejection>) -> String {
        result.err().map(|rejection| rejection.detail.unwrap().code.into_owned()).unwrap_or_default()
    }

    #[test]
    fn a_token_has_three_parts() {
        for (text, parts) in
            [("a.b.c", true), ("a..c", true), ("..", true), ("", false), ("a.b", false), ("a.b.c.d.e", false)]
        {
            assert_eq!(Token::cut(text.as_bytes()).is_ok(), parts, "{text}");
        }
        let token = Token::cut(b"ab.c.d").unwrap();
        assert_eq!(
            (token.header, token.payload, token.signed, token.signature),
            (&b"ab"[..], &b"c"[..], &b"ab.c"[..], &b"d"[..])
        );
    }

    #[test]
    fn base64url_has_one_spelling() {
        for good in ["", "AA", "AAA", "-_8", "SGVsbG8"] {
            assert_eq!(encode(&decode(good.as_bytes()).unwrap()), good);
        }
        for bad in ["A", "AB", "AAB", "AA==", "+/8", "A A", "AA\n", "AAAAA", "AA=", "\u{ff}"] {
            assert_eq!(code(decode(bad.as_bytes())), "jwt/base64url", "{bad:?}");
        }
    }

    #[test]
    fn a_header_is_read_strictly() {
        let long = format!(r#"{{"alg":"ES256","kid":"{}"}}"#, "k".repeat(257));
        let cases = [
            (r#"{"alg":"ES256"}"#, ""),
            (r#" {"typ":"JWT","alg":"ES256","kid":"a b","x":{"y":[1]}} "#, ""),
            (r#"{"alg":"ES256","jwk":{},"jku":"https://evil.example/","x5u":1}"#, ""),
            (r#"{}"#, "jwt/header"),
            (r#"[]"#, "jwt/header"),
            (r#""alg""#, "jwt/header"),
            ("", "jwt/header"),
            ("\u{feff}{\"alg\":\"ES256\"}", "jwt/header"),
            (r#"{"alg":"ES256","alg":"none"}"#, "jwt/header"),
            (r#"{"alg":"ES256","\u0061lg":"none"}"#, "jwt/header"),
            (r#"{"alg":"ES256","x":{"y":1,"y":2}}"#, "jwt/header"),
            (r#"{"alg":null}"#, "jwt/header"),
            (r#"{"alg":["ES256"]}"#, "jwt/header"),
            (r#"{"alg":"ES256","typ":1}"#, "jwt/header"),
            (r#"{"alg":"ES256","kid":1}"#, "jwt/header"),
            (r#"{"alg":"ES256","kid":null}"#, "jwt/header"),
            (r#"{"alg":"ES256","kid":""}"#, "jwt/kid-shape"),
            (r#"{"alg":"ES256","kid":"a\u0000"}"#, "jwt/kid-shape"),
            (r#"{"alg":"ES256","kid":"é"}"#, "jwt/kid-shape"),
            (&long, "jwt/kid-shape"),
            (r#"{"alg":"ES256","crit":[]}"#, "jwt/critical"),
            (r#"{"alg":"ES256","crit":["exp"],"exp":1}"#, "jwt/critical"),
            (r#"{"alg":"ES256","crit":null}"#, "jwt/critical"),
            (r#"{"alg":"ES256","crit":["b64"],"b64":false}"#, "jwt/critical"),
            (r#"{"alg":"ES256","crit":["b64"],"b64":true}"#, "jwt/critical"),
            (r#"{"alg":"ES256","b64":false}"#, "jwt/unencoded"),
        ];
        for (text, expected) in cases {
            assert_eq!(code(Header::read(text.as_bytes(), false)), expected, "{text}");
        }
    }

    #[test]
    fn an_unencoded_payload_is_said_by_both_or_refused() {
        let cases = [
            (r#"{"alg":"ES256","crit":["b64"],"b64":false}"#, ""),
            (r#"{"alg":"ES256"}"#, "jwt/unencoded"),
            (r#"{"alg":"ES256","b64":false}"#, "jwt/unencoded"),
            (r#"{"alg":"ES256","crit":["b64"]}"#, "jwt/critical"),
            (r#"{"alg":"ES256","crit":["b64"],"b64":true}"#, "jwt/unencoded"),
            (r#"{"alg":"ES256","crit":["b64"],"b64":"false"}"#, "jwt/unencoded"),
            (r#"{"alg":"ES256","crit":["b64","b64"],"b64":false}"#, "jwt/critical"),
            (r#"{"alg":"ES256","crit":["b64","exp"],"b64":false}"#, "jwt/critical"),
            (r#"{"alg":"ES256","crit":"b64","b64":false}"#, "jwt/critical"),
        ];
        for (text, expected) in cases {
            assert_eq!(code(Header::read(text.as_bytes(), true)), expected, "{text}");
        }
    }
}
