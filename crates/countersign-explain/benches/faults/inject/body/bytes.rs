//! A body whose bytes were taken for other characters, wrapped, trimmed or cut.

use super::json::judged;
use super::{Now, body, fits};
use crate::faults::bodies::Kind;
use crate::faults::inject::{Did, Fault, Side};
use crate::faults::json::{Json, style};
use crate::faults::random::{base64, base64url};

const ALL: &[Kind] = &[Kind::Json, Kind::Form, Kind::Text];
const LINES: &[Kind] = &[Kind::Json, Kind::Text];

pub(super) fn faults() -> Vec<Fault> {
    [ends(), characters(), wrapped(), gone()].into_iter().flatten().collect()
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

fn ends() -> Vec<Fault> {
    vec![
        body("body/newline-added", 4, ALL, |bytes| Some([bytes, b"\n"].concat())),
        body("body/crlf-added", 1, ALL, |bytes| Some([bytes, b"\r\n"].concat())),
        body("body/newline-lost", 4, LINES, |bytes| bytes.strip_suffix(b"\n").map(<[u8]>::to_vec)),
        body("body/trimmed", 3, LINES, |bytes| Some(bytes.trim_ascii().to_vec())),
        body("body/crlf-to-lf", 3, LINES, |bytes| match text(bytes).map(|read| read.replace("\r\n", "\n")) {
            Some(changed) if changed.as_bytes() == bytes => Now::Unfit,
            None => Now::Unfit,
            Some(changed) if changed.replace('\n', "\r\n").as_bytes() == bytes => Now::Is(changed.into()),
            // Where there were both, nobody knows which was which.
            Some(_) => Now::Lost,
        }),
        body("body/lf-to-crlf", 3, LINES, |bytes| {
            let read = text(bytes)?;
            (!read.contains("\r\n")).then(|| read.replace('\n', "\r\n").into_bytes())
        }),
        body("body/bom-added", 3, ALL, |bytes| Some([&[0xef, 0xbb, 0xbf], bytes].concat())),
        body("body/nul-added", 1, ALL, |bytes| Some([bytes, b"\0"].concat())),
        body("body/twice", 1, ALL, |bytes| Some([bytes, bytes].concat())),
    ]
}

/// Taken for characters of another set, and written in the first.
fn characters() -> Vec<Fault> {
    vec![
        body("body/read-as-latin-1", 4, ALL, |bytes| {
            Some(bytes.iter().map(|byte| char::from(*byte)).collect::<String>().into_bytes())
        }),
        body("body/read-as-windows-1252", 1, ALL, |bytes| {
            Now::from(
                bytes
                    .iter()
                    .map(|byte| windows_1252(*byte))
                    .collect::<Option<String>>()
                    .map(String::into_bytes),
            )
        }),
        body("body/written-as-latin-1", 2, ALL, |bytes| match text(bytes) {
            None => Now::Unfit,
            Some(read) if read.chars().all(|c| u32::from(c) < 256) => {
                Now::Is(read.chars().map(|c| u32::from(c) as u8).collect())
            }
            Some(_) => Now::Lost,
        }),
        body("body/utf-16", 1, ALL, |bytes| {
            Some(text(bytes)?.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>())
        }),
        body("body/accents-apart", 1, LINES, |bytes| {
            let apart: String = text(bytes)?
                .chars()
                .map(|c| {
                    ACCENTS
                        .iter()
                        .find(|(one, _)| *one == c)
                        .map_or_else(|| c.to_string(), |(_, two)| (*two).into())
                })
                .collect();
            Some(apart.into_bytes())
        }),
        // `Encoding.ASCII.GetBytes`.
        body("body/question-marks", 3, ALL, |bytes| {
            Some(text(bytes)?.chars().map(|c| if c.is_ascii() { c as u8 } else { b'?' }).collect::<Vec<_>>())
        })
        .hopeless(),
        body("body/only-ascii-left", 1, ALL, |bytes| {
            Some(bytes.iter().copied().filter(u8::is_ascii).collect::<Vec<_>>())
        })
        .hopeless(),
    ]
}

/// Letters with their marks, and the same with the marks behind.
const ACCENTS: &[(char, &str)] =
    &[('ë', "e\u{308}"), ('ü', "u\u{308}"), ('ï', "i\u{308}"), ('ç', "c\u{327}"), ('à', "a\u{300}")];

/// `None`: a byte that the set leaves out.
fn windows_1252(byte: u8) -> Option<char> {
    const UPPER: [u16; 32] = [
        0x20ac, 0, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0,
        0x017d, 0, 0, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a,
        0x0153, 0, 0x017e, 0x0178,
    ];
    match byte {
        0x80..0xa0 => match UPPER[usize::from(byte - 0x80)] {
            0 => None,
            code => char::from_u32(code.into()),
        },
        _ => Some(char::from(byte)),
    }
}

/// Inside something else.
fn wrapped() -> Vec<Fault> {
    const JSON: &[Kind] = &[Kind::Json];
    let quoted = |bytes: &[u8]| text(bytes).map(|read| Json::Text(read.into()).print(style("compact")));
    vec![
        // An API gateway with binary media types, and a function's event.
        body("body/base64", 6, ALL, |bytes| Some(base64(bytes).into_bytes())),
        body("body/compressed", 2, ALL, |bytes| Some(gzip(bytes))),
        body("body/base64url", 1, ALL, |bytes| Some(base64url(bytes).into_bytes())),
        body("body/in-a-json-string", 3, ALL, quoted),
        body("body/backslashes-added", 2, JSON, move |bytes| {
            let quoted = quoted(bytes)?;
            Some(quoted[1..quoted.len() - 1].to_vec())
        }),
        body("body/backslashes-taken", 1, JSON, |bytes| match text(bytes) {
            Some(read) => judged(read.replace('\\', "").into_bytes(), bytes),
            None => Now::Unfit,
        }),
        body("body/escaped-for-html", 1, JSON, |bytes| {
            let read = text(bytes)?;
            Some(
                read.replace('&', "&amp;")
                    .replace('<', "&lt;")
                    .replace('>', "&gt;")
                    .replace('"', "&quot;")
                    .into_bytes(),
            )
        }),
        body("body/percent-encoded", 1, JSON, |bytes| {
            Some(crate::faults::bodies::FORMS[4].encode(text(bytes)?).into_bytes())
        }),
    ]
}

/// Not there, or not all of it.
fn gone() -> Vec<Fault> {
    let with_length = |code, weight, change: fn(&[u8]) -> Vec<u8>| {
        Fault::new(code, Side::Body, weight, move |question, at, _| {
            if !fits(question, at.delivery, ALL) || question.header("content-length").is_none() {
                return Did::Unfit;
            }
            question.body = change(&question.body);
            Did::Spoilt
        })
        .expects(&["body/", "transport/"])
        .told()
    };
    let half: fn(&[u8]) -> Vec<u8> = |bytes| bytes[..bytes.len() / 2].to_vec();
    vec![
        // Somebody read the stream before; the length says that there was something.
        with_length("body/read-before", 4, |_| Vec::new()),
        with_length("body/cut-short", 2, half),
        Fault::new("body/altered-beside-its-digest", Side::Body, 1, |question, at, _| {
            if !fits(question, at.delivery, ALL) {
                return Did::Unfit;
            }
            use sha2::Digest;
            let digest = base64(&sha2::Sha256::digest(&question.body));
            question.set_header("content-digest", format!("sha-256=:{digest}:"));
            question.body.truncate(question.body.len() - 1);
            question.body.extend_from_slice(b" changed");
            Did::Spoilt
        })
        .expects(&["body/", "transport/"])
        .told(),
        body("body/cut-short-and-nobody-counts", 2, ALL, move |bytes| Some(half(bytes))).hopeless(),
    ]
}

/// A member of RFC 1952 with stored blocks: as good as compressed to whoever looks at its first bytes.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    let mut blocks = bytes.chunks(0xffff).peekable();
    while let Some(block) = blocks.next() {
        let len = block.len() as u16;
        out.push(u8::from(blocks.peek().is_none()));
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(&(!len).to_le_bytes());
        out.extend_from_slice(block);
    }
    let table = |byte: u32| {
        (0..8).fold(byte, |crc, _| if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 })
    };
    let crc = bytes.iter().fold(u32::MAX, |crc, byte| table((crc ^ u32::from(*byte)) & 0xff) ^ (crc >> 8));
    out.extend_from_slice(&(!crc).to_le_bytes());
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out
}
