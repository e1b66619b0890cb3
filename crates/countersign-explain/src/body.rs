//! What may have happened to a body between sender and receiver, each with the way back.

mod characters;
mod spelling;

use crate::deviation::Deviation;
use crate::form;
use crate::json::Document;
use crate::text::replaced;
use base64_simd::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use flate2::read::{GzDecoder, ZlibDecoder};
use std::io::Read;

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
        spelling::spellings(document.escapes(), document.has_fractions(), &mut variants);
    }
    ends(&mut variants);
    wrappings(body, &mut variants);
    characters::texts(body, &mut variants);
    if is_form {
        spelling::forms(&mut variants);
    }
    variants.sort_by_key(|variant| variant.deviation.rank);
    variants
}

const RAW: &str =
    "verify the bytes that arrived, before any framework parses them: keep the raw body, and hand that on";

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

#[cfg(test)]
mod tests;
