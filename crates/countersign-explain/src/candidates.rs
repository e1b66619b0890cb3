//! Everything in a request that could be a signature, found before anything is tried.
//!
//! A signature under another name, behind another prefix or in another encoding then costs no trials of its own: what is asked is
//! whether the right one is *among* these.

use crate::head::Headers;
use base64_simd::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use countersign::{HeaderName, Request};
use std::borrow::Cow;

/// How many are tried: as many as a numbered header may have.
const MOST: usize = 100;

/// The longest text that is cut up, in bytes.
const LONGEST: usize = 16 * 1024;

/// The header under which the candidates are handed to a scheme, numbered from one.
pub(crate) const HEADER: &str = "countersign-candidate-";

/// Bytes that could be a signature.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    /// Where the text stands.
    pub(crate) place: Place,
    /// What stands before it in the same value.
    pub(crate) before: String,
    /// What stands behind it.
    pub(crate) after: String,
    /// As the grammar of presets calls it.
    pub(crate) encoding: &'static str,
    /// Something else than the encoding was done to the bytes.
    pub(crate) form: Form,
    /// Decoded.
    pub(crate) bytes: Vec<u8>,
}

/// Where a text stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    Header(String),
    Query(String),
    Form(String),
    Json(String),
}

/// How the bytes of a candidate were come by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Form {
    AsItStands,
    /// DER, from `r` and `s` beside one another.
    Der,
    /// `r` and `s` beside one another, from DER.
    Raw,
}

impl Place {
    /// For people.
    pub(crate) fn words(&self) -> String {
        match self {
            Place::Header(name) => format!("header `{name}`"),
            Place::Query(name) => format!("query parameter `{name}`"),
            Place::Form(name) => format!("form field `{name}`"),
            Place::Json(pointer) => format!("`{pointer}` of the JSON body"),
        }
    }

    /// For a preset.
    pub(crate) fn toml(&self) -> String {
        let (key, name) = match self {
            Place::Header(name) => ("header", name),
            Place::Query(name) => ("query", name),
            Place::Form(name) => ("form", name),
            Place::Json(pointer) => ("json", pointer),
        };
        format!("{key} = {}", crate::layers::quoted(name))
    }
}

/// Every text of a request that may hold something small: headers, parameters, fields.
pub(crate) fn texts<'r>(request: &Request<'r>) -> Vec<(Place, Cow<'r, str>)> {
    let mut texts = Vec::new();
    request.head.headers.each(&mut |name, value| {
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        if let Ok(value) = std::str::from_utf8(value) {
            texts.push((Place::Header(name), Cow::Borrowed(value)));
        }
    });
    if let Some((_, query)) = request.head.url.split_once('?') {
        let query = query.split('#').next().unwrap_or(query);
        texts.extend(crate::form::pairs(query.as_bytes()).map(|(n, v)| (Place::Query(n), Cow::Owned(v))));
    }
    if crate::form::is_form(request) {
        let fields = crate::form::pairs(request.body).take(200);
        texts.extend(fields.map(|(n, v)| (Place::Form(n), Cow::Owned(v))));
    } else if request.body.len() <= 256 * 1024 {
        let strings = crate::json::strings(request.body).into_iter().take(400);
        texts.extend(strings.map(|(pointer, text)| (Place::Json(pointer), Cow::Owned(text))));
    }
    texts
}

/// Every candidate of a request.
pub(crate) fn collect(request: &Request<'_>) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    let mut texts = texts(request);
    // A signature that was percent-encoded on its way has other letters where its alphabet has `+`, `/` and `=`.
    // And one that was taken for a form's has spaces where it has `+`; one that was printed has `0x` before it.
    let respelt = |(place, text): &(Place, Cow<'_, str>)| {
        let decoded = text
            .contains('%')
            .then(|| String::from_utf8(crate::form::decode(text.as_bytes(), false)).ok())
            .flatten();
        let plus = text.contains(' ').then(|| text.replace(' ', "+"));
        let bare = text.contains("0x").then(|| text.replace("0x", ""));
        [decoded, plus, bare]
            .into_iter()
            .flatten()
            .map(|text| (place.clone(), Cow::Owned(text)))
            .collect::<Vec<_>>()
    };
    let more: Vec<(Place, Cow<'_, str>)> = texts.iter().flat_map(respelt).collect();
    texts.extend(more);
    for (place, text) in texts.into_iter().filter(|(_, text)| text.len() <= LONGEST) {
        for (start, piece) in pieces(&text) {
            // Twice encoded, as by whoever takes the digits for the bytes.
            let once: Vec<(&'static str, Vec<u8>)> = decodings(piece).collect();
            let again =
                once.iter().filter_map(|(_, bytes)| std::str::from_utf8(bytes).ok()).flat_map(decodings);
            let again: Vec<(&'static str, Vec<u8>)> = again.collect();
            for (encoding, bytes) in once.into_iter().chain(again) {
                if !likely(bytes.len()) || found.iter().any(|other| other.bytes == bytes) {
                    continue;
                }
                found.push(Candidate {
                    place: place.clone(),
                    before: text[..start].to_owned(),
                    after: text[start + piece.len()..].to_owned(),
                    encoding,
                    form: Form::AsItStands,
                    bytes,
                });
            }
        }
    }
    let reformed: Vec<Candidate> = found.iter().filter_map(reformed).collect();
    found.extend(reformed);
    // Headers first: they came first above.
    found.truncate(MOST);
    found
}

/// What the pieces of a text may decode to, whatever its length.
pub(crate) fn short(text: &str) -> Vec<Vec<u8>> {
    pieces(text).flat_map(|(_, piece)| decodings(piece)).map(|(_, bytes)| bytes).collect()
}

/// The headers that hand candidates to a scheme.
pub(crate) fn headers(candidates: &[&Candidate]) -> Headers<'static> {
    let line = |(index, candidate): (usize, &&Candidate)| {
        let name = format!("{HEADER}{}", index + 1).into_bytes();
        (Cow::Owned(name), Cow::Owned(const_hex::encode(&candidate.bytes).into_bytes()))
    };
    candidates.iter().enumerate().map(line).collect()
}

/// Where a scheme finds them.
pub(crate) fn source(count: usize) -> String {
    format!(
        "x = {{ header = \"{HEADER}{{n}}\", numbered = {}, encoding = \"hex\", max_candidates = 100 }}",
        count.max(1)
    )
}

/// The whole text, and what separators cut it into.
fn pieces(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let trimmed = text.trim_matches([' ', '\t', '"', '\'']);
    let start = text.len() - text.trim_start_matches([' ', '\t', '"', '\'']).len();
    let mut pieces = vec![(start, trimmed)];
    // `=` may pad base64, and `/` and `+` are of its alphabet: what stands behind a name and its `=` is a piece with its padding.
    for separators in [&[',', ';', ' ', '&', '|'][..], &[',', ';', ' ', '&', '|', ':', '.'][..]] {
        let mut at = 0;
        for item in text.split(separators) {
            let quotes: &[char] = &[' ', '\t', '"', '\''];
            let inner = item.trim_matches(quotes);
            let inset = item.len() - item.trim_start_matches(quotes).len();
            pieces.push((at + inset, inner));
            if let Some((name, rest)) = inner.split_once('=')
                && !rest.trim_matches('=').is_empty()
            {
                let value = rest.trim_matches(quotes);
                let skipped = rest.len() - rest.trim_start_matches(quotes).len();
                pieces.push((at + inset + name.len() + 1 + skipped, value));
            }
            at += item.len() + 1;
        }
    }
    let mut seen = std::collections::HashSet::new();
    pieces.into_iter().filter(move |piece| piece.1.len() >= 16 && seen.insert(*piece))
}

/// What a text could decode to.
fn decodings(text: &str) -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    let bytes = text.as_bytes();
    let hex = (!text.starts_with("0x")).then(|| const_hex::decode(text).ok()).flatten();
    let standard = STANDARD.decode_to_vec(bytes).or_else(|_| STANDARD_NO_PAD.decode_to_vec(bytes)).ok();
    let url = URL_SAFE_NO_PAD.decode_to_vec(bytes).or_else(|_| URL_SAFE.decode_to_vec(bytes)).ok();
    [("hex", hex), ("base64", standard), ("base64url", url)]
        .into_iter()
        .filter_map(|(word, decoded)| Some((word, decoded?)))
}

/// Whether a signature may have so many bytes: a MAC's, a digest's, those of a public key's signature, or DER.
fn likely(length: usize) -> bool {
    matches!(length, 16 | 20 | 28 | 32 | 48 | 64 | 128 | 256 | 384 | 512) || (68..=72).contains(&length)
}

/// The two numbers of an ECDSA signature, written the other way.
fn reformed(candidate: &Candidate) -> Option<Candidate> {
    let (form, bytes) = match der_numbers(&candidate.bytes) {
        Some((r, s)) => (Form::Raw, [fixed(r)?, fixed(s)?].concat()),
        None if candidate.bytes.len() == 64 => {
            let (r, s) = candidate.bytes.split_at(32);
            let body = [integer(r), integer(s)].concat();
            (Form::Der, [vec![0x30, body.len() as u8], body].concat())
        }
        None => return None,
    };
    Some(Candidate { form, bytes, ..candidate.clone() })
}

/// A sequence of two integers, and nothing else.
fn der_numbers(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let [0x30, length, rest @ ..] = bytes else { return None };
    if usize::from(*length) != rest.len() {
        return None;
    }
    let number = |bytes: &'_ [u8]| -> Option<usize> {
        let [0x02, length, ..] = bytes else { return None };
        (bytes.len() >= 2 + usize::from(*length)).then_some(usize::from(*length))
    };
    let first = number(rest)?;
    let (r, rest) = rest[2..].split_at(first);
    let second = number(rest)?;
    (rest.len() == 2 + second).then(|| (r, &rest[2..]))
}

fn fixed(number: &[u8]) -> Option<Vec<u8>> {
    let digits = &number[number.iter().take_while(|b| **b == 0).count()..];
    let mut out = vec![0; 32usize.checked_sub(digits.len())?];
    out.extend_from_slice(digits);
    Some(out)
}

fn integer(number: &[u8]) -> Vec<u8> {
    let digits = &number[number.iter().take_while(|b| **b == 0).count().min(number.len() - 1)..];
    let sign: &[u8] = if digits[0] & 0x80 != 0 { &[0] } else { &[] };
    [&[0x02, (digits.len() + sign.len()) as u8], sign, digits].concat()
}

/// Whether a name can be a header's.
pub(crate) fn is_header(name: &str) -> bool {
    HeaderName::new(name).is_some()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use countersign::Head;

    fn of(headers: &[(&str, &str)], body: &[u8]) -> Vec<Candidate> {
        collect(&Request::new(
            Head::new("POST", "https://h/p?sig=00112233445566778899aabbccddeeff", &headers),
            body,
        ))
    }

    #[test]
    fn a_signature_is_found_wherever_it_stands() {
        let mac = "ab".repeat(32);
        let base = STANDARD.encode_to_string([7; 32]);
        let url = URL_SAFE_NO_PAD.encode_to_string([0xfb; 32]);
        for (value, bytes) in [
            (format!("sha256={mac}"), vec![0xab; 32]),
            (format!("t=1,v1={mac}"), vec![0xab; 32]),
            (format!("v1,{base} v1,AAAA"), vec![7; 32]),
            (format!("\"{base}\""), vec![7; 32]),
            (format!("Signature keyId=\"x\",signature=\"{base}\""), vec![7; 32]),
            (format!("v0:{}", mac.to_uppercase()), vec![0xab; 32]),
            (url, vec![0xfb; 32]),
        ] {
            let found = of(&[("x-sig", &value)], b"");
            let hit = found.iter().find(|c| c.bytes == bytes).unwrap_or_else(|| panic!("{value}"));
            assert_eq!(hit.place, Place::Header("x-sig".into()), "{value}");
        }
        assert!(of(&[], b"").iter().any(|c| c.place == Place::Query("sig".into())));
        let body = format!("{{\"a\":{{\"sign\":\"{mac}\"}}}}");
        assert!(of(&[], body.as_bytes()).iter().any(|c| c.place == Place::Json("/a/sign".into())));
    }

    #[test]
    fn two_numbers_are_written_both_ways() {
        let raw: Vec<u8> = [vec![0x80; 32], vec![0; 30], vec![1, 2]].concat();
        let value = const_hex::encode(&raw);
        let found = of(&[("x-sig", &value)], b"");
        let der = found.iter().find(|c| c.form == Form::Der).unwrap().clone();
        assert_eq!(reformed(&Candidate { form: Form::AsItStands, ..der }).unwrap().bytes, raw);
    }

    #[test]
    fn they_are_counted() {
        let many: Vec<(String, String)> = (0..300)
            .map(|n| (format!("x-{n}"), const_hex::encode([n as u8, (n >> 8) as u8].repeat(16))))
            .collect();
        let lent: Vec<(&str, &str)> = many.iter().map(|(n, v)| (&**n, &**v)).collect();
        assert_eq!(of(&lent, b"").len(), MOST);
    }
}
