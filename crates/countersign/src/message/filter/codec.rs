//! Encodings and digests.
//!
//! Decoders are strict where leniency would let two texts mean the same bytes without need; where a filter
//! still reads several spellings (`unhex`, `unbase64url`), the table says that it does not keep its input.

use std::borrow::Cow;

use base64_simd::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use sha2::Digest as _;

use super::super::json::{Spelling, write_escape, write_text};
use super::Fault;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Codec {
    Hex,
    Unhex,
    Base64,
    Unbase64,
    Base64Url,
    Unbase64Url,
    PercentEncode(Set),
    /// Only these characters, which are ASCII; all where there are none.
    PercentDecode(Vec<u8>),
    JsonString,
    JsonAscii,
}

/// Which characters `percent_encode` leaves alone, beside ASCII letters and digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Set {
    /// ECMAScript's `encodeURIComponent`.
    Component,
    /// ECMAScript's `encodeURI`.
    Uri,
    /// PHP's `urlencode`, which writes a space as `+`.
    Form,
}

impl Set {
    /// Name and variant, for the table and its complaints.
    pub(super) const ALL: [(&str, Self); 3] =
        [("component", Self::Component), ("uri", Self::Uri), ("form", Self::Form)];

    fn leaves(self, byte: u8) -> bool {
        byte.is_ascii_alphanumeric()
            || match self {
                Self::Component => b"-_.!~*'()".contains(&byte),
                Self::Uri => b"-_.!~*'();/?:@&=+$,#".contains(&byte),
                Self::Form => b"-_.".contains(&byte),
            }
    }
}

impl Codec {
    pub(super) fn apply<'a>(&self, text: Cow<'a, [u8]>) -> Result<Cow<'a, [u8]>, Fault> {
        Ok(Cow::Owned(match self {
            Self::Hex => const_hex::encode(&text).into_bytes(),
            Self::Unhex => unhex(&text)?,
            Self::Base64 => STANDARD.encode_to_string(&text).into_bytes(),
            Self::Unbase64 => unbase64(STANDARD, &text)?,
            Self::Base64Url => URL_SAFE_NO_PAD.encode_to_string(&text).into_bytes(),
            Self::Unbase64Url if text.ends_with(b"=") => unbase64(URL_SAFE, &text)?,
            Self::Unbase64Url => unbase64(URL_SAFE_NO_PAD, &text)?,
            Self::PercentEncode(set) => percent_encode(&text, *set),
            Self::PercentDecode(_) if !text.contains(&b'%') => return Ok(text),
            Self::PercentDecode(only) => percent_decode(&text, only)?,
            Self::JsonString => {
                let mut out = Vec::new();
                write_text(utf8(&text)?, Spelling::Compact, &mut out);
                out
            }
            Self::JsonAscii if text.is_ascii() => return Ok(text),
            Self::JsonAscii => json_ascii(utf8(&text)?),
        }))
    }
}

/// Digests come out as raw bytes; the checksum as decimal text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Digest {
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
    Keccak256,
    Crc32,
}

impl Digest {
    pub(super) fn of(self, text: &[u8]) -> Vec<u8> {
        match self {
            Self::Md5 => md5::Md5::digest(text).to_vec(),
            Self::Sha1 => sha1::Sha1::digest(text).to_vec(),
            Self::Sha256 => sha2::Sha256::digest(text).to_vec(),
            Self::Sha384 => sha2::Sha384::digest(text).to_vec(),
            Self::Sha512 => sha2::Sha512::digest(text).to_vec(),
            Self::Keccak256 => sha3::Keccak256::digest(text).to_vec(),
            Self::Crc32 => crc32fast::hash(text).to_string().into_bytes(),
        }
    }
}

fn utf8(text: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(text).map_err(|_| Fault::Malformed("text that is not UTF-8, to be written as JSON"))
}

fn unhex(text: &[u8]) -> Result<Vec<u8>, Fault> {
    const WHAT: Fault = Fault::Malformed("text that is not hexadecimal");
    // The library also reads a leading `0x`.
    if !text.iter().all(u8::is_ascii_hexdigit) {
        return Err(WHAT);
    }
    const_hex::decode(text).map_err(|_| WHAT)
}

fn unbase64(alphabet: base64_simd::Base64, text: &[u8]) -> Result<Vec<u8>, Fault> {
    alphabet.decode_to_vec(text).map_err(|_| Fault::Malformed("text that is not base64"))
}

fn percent_encode(text: &[u8], set: Set) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = Vec::with_capacity(text.len());
    for &byte in text {
        if set.leaves(byte) {
            out.push(byte);
        } else if byte == b' ' && set == Set::Form {
            out.push(b'+');
        } else {
            out.extend([b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
    }
    out
}

fn percent_decode(text: &[u8], only: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digits = bytes.as_slice().get(..2).unwrap_or_default();
        let mut decoded = [0];
        if !digits.iter().all(u8::is_ascii_hexdigit)
            || const_hex::decode_to_slice(digits, &mut decoded).is_err()
        {
            return Err(Fault::Malformed("a `%` without two hexadecimal digits"));
        }
        if only.is_empty() || only.contains(&decoded[0]) {
            out.push(decoded[0]);
            bytes.nth(1);
        } else {
            out.push(byte);
        }
    }
    Ok(out)
}

fn json_ascii(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() * 2);
    for c in text.chars() {
        if c.is_ascii() { out.push(c as u8) } else { write_escape(c, &mut out) }
    }
    out
}
