//! Whether a text shows what it must not: a secret, or a signature that whoever reads a log could send.

use crate::mutants::signature::Encoding;
use crate::vectors::{Case, Delivery};

/// Shorter ones occur in any text.
const SHORTEST: usize = 8;

/// Whether a text holds a secret of the case: as it is written, or its bytes, raw, in hex or in base64. For whoever listens
/// to what a mode prints.
pub fn shows_secret(case: &Case, text: &str) -> bool {
    let public =
        |value: &str| value.contains("-----BEGIN CERTIFICATE") || value.contains("-----BEGIN PUBLIC");
    let mut secrets = case.secrets.iter().map(|secret| &*secret.value).filter(|value| !public(value));
    secrets.any(|value| {
        // What is written before the key itself, such as a word and an underscore, says how it is read.
        let bare = value.rsplit(['_', ':']).next().unwrap_or(value);
        let decoded = [value, bare].into_iter().flat_map(readings);
        [value.as_bytes().to_vec()].into_iter().chain(decoded).any(|bytes| shows(text, &bytes))
    })
}

/// Whether a text holds a signature of the case that is not in the request that was asked about.
pub(super) fn shows_signature(case: &Case, asked: &Case, text: &str) -> bool {
    let values = case.request.headers.iter().map(|(_, value)| value);
    let words = values.filter_map(|value| std::str::from_utf8(value).ok()).flat_map(long_words);
    let mut words = words.filter(|word| !holds(&asked.request, word));
    words.any(|word| text.contains(word) || readings(word).iter().any(|bytes| shows(text, bytes)))
}

/// What looks like a signature, a key or another number that nobody guesses: the runs of at least 16 letters, digits and
/// signs of base64 that hold a digit.
pub(super) fn long_words(text: &str) -> impl Iterator<Item = &str> {
    let run = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_');
    text.split(move |c| !run(c)).filter(|word| word.len() >= 16 && word.bytes().any(|b| b.is_ascii_digit()))
}

fn holds(Delivery { url, headers, body, .. }: &Delivery, word: &str) -> bool {
    let within = |bytes: &[u8]| bytes.windows(word.len()).any(|window| window == word.as_bytes());
    url.contains(word) || within(body) || headers.iter().any(|(_, value)| within(value))
}

/// The bytes that a text may stand for.
fn readings(text: &str) -> Vec<Vec<u8>> {
    let encodings = [Encoding::Hex, Encoding::Base64, Encoding::Base64Url];
    encodings.iter().filter_map(|encoding| encoding.decode(text)).collect()
}

fn shows(text: &str, bytes: &[u8]) -> bool {
    if bytes.len() < SHORTEST {
        return false;
    }
    let hex = const_hex::encode(bytes);
    let written = [
        base64_simd::STANDARD_NO_PAD.encode_to_string(bytes),
        base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes),
        hex.to_ascii_uppercase(),
        hex,
    ];
    let raw = std::str::from_utf8(bytes).is_ok_and(|raw| text.contains(raw));
    raw || written.iter().any(|written| text.contains(&**written))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::VectorFile;

    #[test]
    fn a_secret_is_found_however_it_is_written() {
        let text = r#"
schema = 1
preset = "a"
[[case]]
name = "a"
source = "generated"
secrets = [{ id = "a", value = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" }, { id = "b", value = "short" }]
headers = [["x-a", "v1=0123456789abcdef0123456789abcdef"]]
expect = "ok"
"#;
        let file = VectorFile::parse("a", text).unwrap_or_else(|errors| panic!("{errors}"));
        let case = &file.cases[0];
        for shown in [
            "so whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw is",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "31f290f6bf06298aab4f08d43c3f082cf648a362da2da4b0",
            "31F290F6BF06298AAB4F08D43C3F082CF648A362DA2DA4B0",
        ] {
            assert!(shows_secret(case, shown), "{shown}");
        }
        assert!(!shows_secret(case, "whsec_ and short and 31f290"));
        let mut asked = case.clone();
        let tag = "expected 0123456789ABCDEF0123456789ABCDEF";
        assert!(!shows_signature(case, &asked, tag), "it is in the request");
        asked.request.headers.clear();
        assert!(shows_signature(case, &asked, tag) && !shows_signature(case, &asked, "expected another"));
    }
}
