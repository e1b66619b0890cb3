//! What was done to the characters of a body.

use super::Variant;
use unicode_normalization::UnicodeNormalization;

/// What was done to characters.
pub(super) fn texts(body: &[u8], variants: &mut Vec<Variant>) {
    let bytes = "something read the body as text in the wrong encoding: hand on the bytes that arrived";
    if body.contains(&0) || body.starts_with(b"\xff\xfe") || body.starts_with(b"\xfe\xff") {
        for (large, rank) in [(false, 33), (true, 34)] {
            variants.push(Variant::new(
                "body/utf-16",
                rank,
                "your body is in UTF-16, and the sender's in UTF-8",
                bytes,
                move |body| from_utf16(body, large),
            ));
        }
    }
    if body.is_ascii() {
        return;
    }
    let bytes = "something read the body as text in the wrong encoding: hand on the bytes that arrived";
    variants.extend([
        Variant::new(
            "body/latin-1",
            21,
            "your body was read as Latin-1 and written as UTF-8",
            bytes,
            |body| {
                let text = std::str::from_utf8(body).ok()?;
                text.chars()
                    .map(|c| windows_1252_byte(c).or_else(|| u8::try_from(u32::from(c)).ok()))
                    .collect()
            },
        ),
        Variant::new(
            "body/latin-1",
            23,
            "your body is in Latin-1, and the sender's in UTF-8",
            bytes,
            |body| {
                std::str::from_utf8(body)
                    .is_err()
                    .then(|| body.iter().map(|b| char::from(*b)).collect::<String>().into_bytes())
            },
        ),
        Variant::new(
            "body/latin-1",
            65,
            "your body is in UTF-8, and the sender's in Latin-1",
            bytes,
            |body| {
                let text = std::str::from_utf8(body).ok()?;
                text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
            },
        ),
        Variant::new(
            "body/normalised",
            43,
            "the sender's text is in Unicode's composed form (NFC), and yours is not",
            bytes,
            |body| {
                let text = std::str::from_utf8(body).ok()?;
                Some(text.nfc().collect::<String>().into_bytes())
            },
        ),
        Variant::new(
            "body/normalised",
            45,
            "the sender's text is in Unicode's decomposed form (NFD), and yours is not",
            bytes,
            |body| {
                let text = std::str::from_utf8(body).ok()?;
                Some(text.nfd().collect::<String>().into_bytes())
            },
        ),
        Variant::new(
            "body/surrogates",
            66,
            "your body has characters as two surrogates of three bytes each",
            bytes,
            from_cesu8,
        ),
    ]);
}

/// The characters that Windows puts where Latin-1 has controls.
fn windows_1252_byte(c: char) -> Option<u8> {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    HIGH.iter().position(|known| *known == c).map(|at| 0x80 + at as u8)
}

/// UTF-8 out of UTF-16, with or without a mark before it.
fn from_utf16(body: &[u8], large: bool) -> Option<Vec<u8>> {
    let mark: &[u8] = if large { b"\xfe\xff" } else { b"\xff\xfe" };
    let body = body.strip_prefix(mark).unwrap_or(body);
    body.len().is_multiple_of(2).then_some(())?;
    let unit = |pair: &[u8]| {
        if large { u16::from_be_bytes([pair[0], pair[1]]) } else { u16::from_le_bytes([pair[0], pair[1]]) }
    };
    let units: Vec<u16> = body.chunks(2).map(unit).collect();
    String::from_utf16(&units).ok().map(String::into_bytes)
}

/// UTF-8 out of CESU-8.
fn from_cesu8(body: &[u8]) -> Option<Vec<u8>> {
    let unit = |bytes: &[u8]| match bytes {
        [0xed, b @ 0xa0..=0xbf, c @ 0x80..=0xbf] => {
            Some(0xd000 | (u16::from(b & 0x3f) << 6) | u16::from(c & 0x3f))
        }
        _ => None,
    };
    let (mut out, mut at, mut any) = (Vec::with_capacity(body.len()), 0, false);
    while at < body.len() {
        let pair = body.get(at..at + 3).and_then(unit).zip(body.get(at + 3..at + 6).and_then(unit));
        match pair.and_then(|(high, low)| char::decode_utf16([high, low]).next()?.ok()) {
            Some(c) => {
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                (at, any) = (at + 6, true);
            }
            None => {
                out.push(body[at]);
                at += 1;
            }
        }
    }
    any.then_some(out)
}
