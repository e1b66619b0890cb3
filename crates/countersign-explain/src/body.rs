//! What may have happened to a body between sender and receiver, each with the way back.

use crate::deviation::Deviation;
use crate::form;
use crate::json::{Document, Escapes, Numbers, Seen, Style};
use crate::text::replaced;
use base64_simd::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use flate2::read::{GzDecoder, ZlibDecoder};
use std::io::Read;
use unicode_normalization::UnicodeNormalization;

/// The most bytes that a body is unpacked to.
const MOST_UNPACKED: u64 = 32 * 1024 * 1024;

/// A body as it may have been sent.
pub(crate) struct Variant {
    pub(crate) deviation: Deviation,
    way_back: WayBack,
}

type WayBack = Box<dyn Fn(&[u8]) -> Option<Vec<u8>>>;

impl Variant {
    fn new(
        code: &'static str,
        rank: u32,
        says: &str,
        advice: &'static str,
        way_back: impl Fn(&[u8]) -> Option<Vec<u8>> + 'static,
    ) -> Self {
        let deviation = Deviation::new(code, rank, says.to_owned(), advice);
        Variant { deviation, way_back: Box::new(way_back) }
    }

    /// The body that was sent, if this is what happened to it.
    pub(crate) fn sent(&self, received: &[u8]) -> Option<Vec<u8>> {
        (self.way_back)(received)
    }
}

/// Every variant of this body, the likeliest first.
pub(crate) fn variants(body: &[u8], is_form: bool) -> Vec<Variant> {
    let mut variants = Vec::new();
    let document = Document::read(body);
    if let Some(document) = &document {
        spellings(document.escapes(), document.has_fractions(), &mut variants);
    }
    ends(&mut variants);
    wrappings(body, &mut variants);
    texts(body, &mut variants);
    if is_form {
        forms(&mut variants);
    }
    variants.sort_by_key(|variant| variant.deviation.rank);
    variants
}

const RAW: &str =
    "verify the bytes that arrived, before any framework parses them: keep the raw body, and hand that on";

/// JSON that was parsed and written again.
fn spellings(seen: Seen, fractions: bool, variants: &mut Vec<Variant>) {
    let escapes = |ascii, slash, html| {
        let also = if html { "<>&" } else { "" };
        Escapes { ascii, slash, lines: html, also, ..Escapes::default() }
    };
    let plain = Style::COMPACT;
    let spaced = Style { comma: ", ", colon: ": ", ..plain };
    let pretty = |step| Style { colon: ": ", indent: Some(step), ..plain };
    let with = |style: Style, escapes| Style { escapes, ..style };
    let ascii = escapes(true, false, false);
    let dotnet = Escapes { ascii: true, upper: true, lines: true, also: "\"'+`<>&\x7f", slash: false };
    let gson = Escapes { lines: true, also: "<>&='", ..Escapes::default() };
    let mut hands: Vec<(&str, u32, Style)> = vec![
        ("compactly", 10, plain),
        ("with a space behind `,` and `:`, and escapes for all that is not ASCII", 12, with(spaced, ascii)),
        ("with a space behind `,` and `:`", 14, spaced),
        ("compactly, with escapes for all that is not ASCII", 16, with(plain, ascii)),
        (
            "compactly, with `\\/` and escapes for all that is not ASCII",
            18,
            with(plain, escapes(true, true, false)),
        ),
        ("compactly, with escapes for `<`, `>` and `&`", 20, with(plain, escapes(false, false, true))),
        ("with two spaces a level", 22, pretty("  ")),
        ("with four spaces a level", 24, pretty("    ")),
        ("compactly, with `\\/`", 26, with(plain, escapes(false, true, false))),
        ("with a tab a level", 40, pretty("\t")),
        ("with two spaces a level and escapes for all that is not ASCII", 30, with(pretty("  "), ascii)),
        ("with four spaces a level and escapes for all that is not ASCII", 32, with(pretty("    "), ascii)),
        ("with four spaces a level and `\\/`", 34, with(pretty("    "), escapes(true, true, false))),
        (
            "with four spaces a level, and `\\/` alone escaped",
            44,
            with(pretty("    "), escapes(false, true, false)),
        ),
        ("with two spaces a level and ` : `", 36, Style { colon: " : ", ..pretty("  ") }),
        ("with one space a level", 46, pretty(" ")),
        (
            "compactly, with large escapes for quotes, `<`, `>`, `&`, `+` and all that is not ASCII",
            28,
            with(plain, dotnet),
        ),
        ("compactly, with escapes for `<`, `>`, `&`, `=` and `'`", 29, with(plain, gson)),
        ("with two spaces a level and escapes for `<`, `>`, `&`, `=` and `'`", 45, with(pretty("  "), gson)),
        ("with two spaces a level and large escapes", 38, with(pretty("  "), dotnet)),
        (
            "with escapes for `<`, `>`, `&` and all that is not ASCII",
            42,
            with(plain, escapes(true, false, true)),
        ),
        (
            "with two spaces a level and escapes for `<`, `>` and `&`",
            43,
            with(pretty("  "), escapes(false, false, true)),
        ),
        ("with a space behind `:`", 45, Style { colon: ": ", ..plain }),
        (
            "compactly, with large escapes for all that is not ASCII",
            47,
            with(plain, Escapes { upper: true, ..ascii }),
        ),
    ];
    for line in [false, true] {
        if seen.lines && line {
            hands.push((
                "compactly, with escapes for U+2028",
                48,
                with(plain, Escapes { lines: true, ..Escapes::default() }),
            ));
        }
    }
    // What a document does not have, nobody escapes differently: those hands are another's.
    let told = |style: &Style| {
        let Escapes { ascii, upper, slash, lines, also } = style.escapes;
        let also = if seen.any(also) { also } else { "" };
        let escapes = Escapes {
            ascii: ascii && seen.wide,
            upper: upper && (seen.wide || !also.is_empty()),
            slash: slash && seen.slash,
            lines: lines && seen.lines,
            also,
        };
        Style { escapes, ..*style }
    };
    let mut written = std::collections::HashSet::new();
    let mut add = |words: &str, rank: u32, code: &'static str, style: Style, variants: &mut Vec<Variant>| {
        if written.insert(told(&style)) {
            let says = format!("the body was parsed and written again: the sender wrote its JSON {words}");
            variants.push(Variant::new(code, rank, &says, RAW, move |body| {
                Some(Document::read(body)?.write(style))
            }));
        }
    };
    for (words, rank, style) in &hands {
        add(words, *rank, "body/json-reserialised", *style, variants);
    }
    for (words, rank, style) in hands.iter().filter(|(_, rank, _)| *rank <= 38) {
        let style = Style { end: "\n", ..*style };
        add(
            &format!("{words}, and a newline behind it"),
            rank + 20,
            "body/json-reserialised",
            style,
            variants,
        );
    }
    for (words, rank, style) in hands.iter().filter(|(_, rank, _)| *rank <= 32) {
        let style = Style { sorted: true, ..*style };
        add(&format!("{words}, its keys sorted"), rank + 25, "body/json-key-order", style, variants);
    }
    if fractions {
        let spelt = [
            (Numbers::Shortest, "whole numbers without a point"),
            (Numbers::Pointed, "whole numbers with `.0`"),
            (Numbers::Padded, "two digits behind the point"),
            (Numbers::Cents, "two digits behind every point"),
        ];
        for (numbers, what) in spelt {
            for (words, rank, style) in hands.iter().filter(|(_, rank, _)| *rank <= 38) {
                let style = Style { numbers, ..*style };
                add(&format!("{words}, and {what}"), rank + 20, "body/json-numbers", style, variants);
                let style = Style { end: "\n", ..style };
                add(
                    &format!("{words}, and {what}, and a newline behind it"),
                    rank + 30,
                    "body/json-numbers",
                    style,
                    variants,
                );
            }
        }
    }
}

/// What editors, shells and readers of lines do to the ends of a text.
fn ends(variants: &mut Vec<Variant>) {
    let lost = "something trimmed the body: hand on the bytes that arrived";
    let added = "something added to the body: hand on the bytes that arrived";
    let strip = |end: &'static [u8]| move |body: &[u8]| Some(body.strip_suffix(end)?.to_vec());
    let append = |end: &'static [u8]| move |body: &[u8]| Some([body, end].concat());
    variants.extend([
        Variant::new(
            "body/trailing-newline",
            11,
            "the sender's body ends without the newline that yours has",
            added,
            strip(b"\n"),
        ),
        Variant::new(
            "body/trailing-newline",
            13,
            "the sender's body ends with a newline that yours has lost",
            lost,
            append(b"\n"),
        ),
        Variant::new(
            "body/trailing-newline",
            50,
            "the sender's body ends without the CR LF that yours has",
            added,
            strip(b"\r\n"),
        ),
        Variant::new(
            "body/trailing-newline",
            51,
            "the sender's body ends with a CR LF that yours has lost",
            lost,
            append(b"\r\n"),
        ),
        Variant::new(
            "body/line-ends",
            25,
            "the sender's lines end with CR LF, and yours with LF alone",
            "something changed the ends of lines: open the body as bytes, not as text",
            |body| (body.contains(&b'\n') && !body.contains(&b'\r')).then(|| replaced(body, b"\n", b"\r\n")),
        ),
        Variant::new(
            "body/line-ends",
            27,
            "the sender's lines end with LF, and yours with CR LF",
            "something changed the ends of lines: open the body as bytes, not as text",
            |body| memchr::memmem::find(body, b"\r\n").map(|_| replaced(body, b"\r\n", b"\n")),
        ),
        Variant::new(
            "body/byte-order-mark",
            29,
            "your body has a byte order mark that the sender's has not",
            added,
            |body| Some(body.strip_prefix(BOM)?.to_vec()),
        ),
        Variant::new(
            "body/byte-order-mark",
            52,
            "the sender's body begins with a byte order mark that yours has lost",
            lost,
            |body| (!body.starts_with(BOM)).then(|| [BOM, body].concat()),
        ),
        Variant::new(
            "body/white-space",
            31,
            "your body has white space at its ends that the sender's has not",
            added,
            |body| {
                let trimmed = body.trim_ascii();
                (trimmed.len() < body.len()).then(|| trimmed.to_vec())
            },
        ),
        Variant::new(
            "body/white-space",
            53,
            "the sender's body ends with a space that yours has lost",
            lost,
            append(b" "),
        ),
        Variant::new("body/white-space", 54, "the sender's body has a space at both ends", lost, |body| {
            Some([b" ", body, b" "].concat())
        }),
        Variant::new(
            "body/white-space",
            54,
            "the sender's body begins with a space that yours has lost",
            lost,
            |body| Some([b" ", body].concat()),
        ),
        Variant::new(
            "body/white-space",
            55,
            "the sender's body begins with a newline that yours has lost",
            lost,
            |body| Some([b"\n", body].concat()),
        ),
        Variant::new("body/white-space", 56, "the sender's body has a newline at both ends", lost, |body| {
            Some([b"\n", body, b"\n"].concat())
        }),
        Variant::new(
            "body/white-space",
            57,
            "the sender's body ends with two newlines that yours has lost",
            lost,
            append(b"\n\n"),
        ),
        Variant::new(
            "body/nul",
            45,
            "your body ends with zero bytes that the sender's has not",
            added,
            |body| {
                let end = body.iter().rev().take_while(|b| **b == 0).count();
                (end > 0).then(|| body[..body.len() - end].to_vec())
            },
        ),
        Variant::new(
            "body/twice",
            47,
            "your body is the sender's, twice",
            "look who hands it on twice",
            |body| {
                let (half, other) = body.split_at(body.len() / 2);
                (!body.is_empty() && half == other).then(|| half.to_vec())
            },
        ),
        Variant::new(
            "body/empty",
            33,
            "the sender signed an empty body",
            "look whether the sender sends a body at all, or whether yours is of another request",
            |body| (!body.is_empty()).then(Vec::new),
        ),
        Variant::new(
            "body/empty-object",
            58,
            "the sender signed `{}`, and your body is empty",
            "something dropped the body",
            |body| body.is_empty().then(|| b"{}".to_vec()),
        ),
    ]);
}

const BOM: &[u8] = b"\xef\xbb\xbf";

/// A body inside something, or something inside it.
fn wrappings(body: &[u8], variants: &mut Vec<Variant>) {
    let gateway =
        "your gateway hands bodies on as base64: decode it first, where it says so (`isBase64Encoded`)";
    variants.extend([
        Variant::new("body/base64", 15, "your body is the sender's in base64", gateway, |body| {
            let text = body.trim_ascii();
            let text = text.strip_prefix(b"\"").and_then(|t| t.strip_suffix(b"\"")).unwrap_or(text);
            let decoded = STANDARD.decode_to_vec(text).or_else(|_| STANDARD_NO_PAD.decode_to_vec(text));
            decoded
                .or_else(|_| URL_SAFE_NO_PAD.decode_to_vec(text))
                .ok()
                .filter(|decoded| !decoded.is_empty())
        }),
        Variant::new(
            "body/base64",
            60,
            "the sender signed its body in base64",
            "hand on what arrived, and decode it afterwards",
            |body| (!body.is_empty()).then(|| STANDARD.encode_to_string(body).into_bytes()),
        ),
        Variant::new(
            "body/compressed",
            17,
            "your body is still compressed, and the sender signed what is inside",
            "decompress the body before it is verified",
            unpacked,
        ),
        Variant::new(
            "body/json-text",
            19,
            "your body is the sender's, written once more as a text of JSON",
            "something put the body, as a text, through a JSON writer: hand on the bytes that arrived",
            crate::json::unwrapped,
        ),
        Variant::new(
            "body/json-text",
            61,
            "the sender signed its body as a text of JSON",
            "something parsed the body: hand on the bytes that arrived",
            |body| std::str::from_utf8(body).ok().filter(|text| !text.is_empty()).map(crate::json::wrapped),
        ),
        Variant::new(
            "body/bytes-literal",
            35,
            "your body is the sender's with `b'` and `'` round it",
            "a program printed the bytes instead of handing them on",
            |body| {
                let inner = body.strip_prefix(b"b'").and_then(|b| b.strip_suffix(b"'"));
                inner
                    .or_else(|| body.strip_prefix(b"b\"").and_then(|b| b.strip_suffix(b"\"")))
                    .map(<[u8]>::to_vec)
            },
        ),
        Variant::new(
            "body/backslashes",
            38,
            "the sender's body has quotes and backslashes with a backslash before each, and yours has not",
            "hand on the bytes that arrived",
            |body| body.contains(&b'"').then(|| replaced(&replaced(body, b"\\", b"\\\\"), b"\"", b"\\\"")),
        ),
        Variant::new(
            "body/backslashes",
            40,
            "your body has a backslash before each quote and backslash that the sender's has not",
            "hand on the bytes that arrived",
            |body| memchr::memmem::find(body, b"\\").map(|_| without_backslashes(body)),
        ),
        Variant::new(
            "body/backslashes",
            37,
            "the escapes of the sender's body were taken for a shell's or a program's",
            "hand on the bytes that arrived",
            |body| body.contains(&b'\\').then(|| replaced(body, b"\\\\", b"\\")).filter(|back| back != body),
        ),
        Variant::new(
            "body/backslashes",
            39,
            "your body's quotes have backslashes before them that the sender's have not",
            "hand on the bytes that arrived",
            |body| memchr::memmem::find(body, b"\\\"").map(|_| replaced(body, b"\\\"", b"\"")),
        ),
        Variant::new(
            "body/percent-encoded",
            41,
            "your body is the sender's, percent-encoded",
            "something took the body for a form: hand on the bytes that arrived",
            |body| body.contains(&b'%').then(|| form::decode(body, false)),
        ),
        Variant::new(
            "body/percent-encoded",
            62,
            "your body is the sender's, percent-encoded as a form is",
            "something took the body for a form: hand on the bytes that arrived",
            |body| {
                let body = body.strip_suffix(b"=").unwrap_or(body);
                (body.contains(&b'%') || body.contains(&b'+')).then(|| form::decode(body, true))
            },
        ),
        Variant::new(
            "body/form-decoded",
            63,
            "your body is the sender's with its escapes decoded",
            "the framework parsed the form: hand on the bytes that arrived",
            |body| {
                (!body.is_empty())
                    .then(|| form::encode(body, form::Style { plus: true, bare: b"-_.*=&", small: false }))
            },
        ),
        Variant::new(
            "body/escapes-as-html",
            64,
            "your body has `&quot;`, `&amp;`, `&lt;`, `&gt;` where the sender's has the characters",
            "something escaped the body for a page",
            |body| body.contains(&b'&').then(|| crate::text::without_html(body)),
        ),
    ]);
    // A form that was parsed into an object, and printed as one.
    if let Some(pairs) = crate::json::flat(body) {
        let styles = [
            ("with `+` for a space", form::Style { plus: true, bare: b"-_.*", small: false }),
            ("with `%20` for a space", form::Style { plus: false, bare: b"-_.~", small: false }),
            ("as encodeURIComponent does", form::Style { plus: false, bare: b"-_.!~*'()", small: false }),
            (
                "with `+` for a space and `~` as it is",
                form::Style { plus: true, bare: b"-_.~", small: false },
            ),
            ("with `+` for a space and small digits", form::Style { plus: true, bare: b"-_.*", small: true }),
            (
                "with `%20` for a space and small digits",
                form::Style { plus: false, bare: b"-_.~", small: true },
            ),
        ];
        for (rank, (words, style)) in styles.into_iter().enumerate() {
            let pairs = pairs.clone();
            let says = format!("the sender sent a form, {words}, and your body is JSON with its fields");
            variants.push(Variant::new(
                "body/form-as-json",
                32 + rank as u32,
                &says,
                "the framework parsed the form: hand on the bytes that arrived",
                move |_| {
                    let text = |(name, value): &(String, String)| {
                        [
                            form::encode(name.as_bytes(), style),
                            vec![b'='],
                            form::encode(value.as_bytes(), style),
                        ]
                        .concat()
                    };
                    Some(pairs.iter().map(text).collect::<Vec<_>>().join(&b'&'))
                },
            ));
        }
    }
    // A form's only field, or one of a few, that is the message: `payload={…}`.
    let fields: Vec<String> = form::pairs(body).take(12).map(|(name, _)| name).collect();
    if body.contains(&b'=') && body.len() < 8 * 1024 * 1024 {
        for name in fields {
            let says = format!(
                "the sender signed what the form's field `{}` holds, and your body is the form",
                shown(&name)
            );
            let advice = "take the field out of the form before it is verified, or have the sender send JSON";
            variants.push(Variant::new("body/form-field", 36, &says, advice, move |body| {
                form::pairs(body).find(|(other, _)| *other == name).map(|(_, value)| value.into_bytes())
            }));
        }
    }
    for (name, plus, bare) in [
        ("payload", true, &b"-_.*"[..]),
        ("payload", false, b"-_.!~*'()"),
        ("payload", false, b"-_.~"),
        ("data", true, b"-_.*"),
        ("body", true, b"-_.*"),
        ("json", true, b"-_.*"),
    ] {
        let says =
            format!("the sender sent a form with the field `{name}`, and your body is what the field holds");
        variants.push(Variant::new(
            "body/form-field",
            49,
            &says,
            "the framework took the field out of the form: hand on the bytes that arrived",
            move |body| {
                let style = form::Style { plus, bare, small: false };
                matches!(body.first(), Some(b'{' | b'['))
                    .then(|| [format!("{name}=").into_bytes(), form::encode(body, style)].concat())
            },
        ));
    }
}

/// Every backslash taken for one that only says that the next character is meant as it stands.
fn without_backslashes(body: &[u8]) -> Vec<u8> {
    let (mut out, mut escaped) = (Vec::with_capacity(body.len()), false);
    for byte in body {
        match (*byte, escaped) {
            (b'\\', false) => escaped = true,
            (byte, _) => {
                out.push(byte);
                escaped = false;
            }
        }
    }
    out
}

/// A name that may come from anywhere, short.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(40).collect()
}

/// What was done to characters.
fn texts(body: &[u8], variants: &mut Vec<Variant>) {
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

/// Forms that were parsed and written again.
fn forms(variants: &mut Vec<Variant>) {
    let hands: [(&str, u32, form::Style); 6] = [
        ("with `+` for a space", 10, form::Style { plus: true, bare: b"-_.*", small: false }),
        ("with `%20` for a space", 12, form::Style { plus: false, bare: b"-_.~", small: false }),
        (
            "with `+` for a space and `~` as it is",
            14,
            form::Style { plus: true, bare: b"-_.~", small: false },
        ),
        ("as encodeURIComponent does", 16, form::Style { plus: false, bare: b"-_.!~*'()", small: false }),
        ("with `+` for a space and small digits", 18, form::Style { plus: true, bare: b"-_.*", small: true }),
        (
            "with `%20` for a space and small digits",
            20,
            form::Style { plus: false, bare: b"-_.~", small: true },
        ),
    ];
    for (words, rank, style) in hands {
        for sorted in [false, true] {
            let order = if sorted { ", its fields sorted" } else { "" };
            let says = format!("the form was parsed and written again: the sender wrote it {words}{order}");
            let rank = rank + if sorted { 30 } else { 0 };
            variants.push(Variant::new("body/form-rewritten", rank, &says, RAW, move |body| {
                Some(form::rewritten(body, style, sorted))
            }));
        }
    }
}

/// What is inside gzip or zlib, up to a limit.
fn unpacked(body: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let read = match body {
        [0x1f, 0x8b, ..] => GzDecoder::new(body).take(MOST_UNPACKED).read_to_end(&mut out),
        [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..] => {
            ZlibDecoder::new(body).take(MOST_UNPACKED).read_to_end(&mut out)
        }
        _ => return None,
    };
    read.ok()?;
    ((out.len() as u64) < MOST_UNPACKED).then_some(out)
}
