//! What may have happened to a secret on its way from the provider's page into a configuration, each with the way back.
//!
//! All of it works on bytes that are wiped when they are dropped, and none of it is ever told: a variant is known by what was done, not
//! by what it is.

mod containers;

use crate::deviation::Deviation;
use crate::form;
use base64_simd::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use countersign::config::{Table, Value};
use countersign::{Key, KeyKind, Keyring};
use std::sync::Arc;
use zeroize::Zeroizing;

/// A key's bytes as they may be meant.
pub(crate) struct Variant {
    /// `None`: as configured.
    pub(crate) deviation: Option<Deviation>,
    pub(crate) role: Option<Arc<str>>,
    /// Decoded: what the mode takes. A PEM or JWK text stays one.
    pub(crate) bytes: Zeroizing<Vec<u8>>,
    /// How many things were done to it.
    pub(crate) steps: u32,
    /// The operator's name of the key it comes from.
    pub(crate) id: String,
}

/// A spelling that a preset gives its secrets.
pub(crate) struct Form {
    pub(crate) prefix: String,
    pub(crate) decode: String,
}

impl Form {
    /// Whether a text is of this form, as the grammar says it.
    fn fits(&self, text: &[u8]) -> bool {
        match &*self.decode {
            "pem" => text.trim_ascii_start().starts_with(b"-----BEGIN "),
            "jwk" => text.trim_ascii_start().starts_with(b"{"),
            _ => text.starts_with(self.prefix.as_bytes()),
        }
    }
}

/// The spellings of a mode's table.
pub(crate) fn forms(table: &Table) -> Vec<Form> {
    let forms = table.get("key").and_then(|key| key.table()?.get("forms"));
    let Some(Value::Array(forms)) = forms.map(|forms| &forms.value) else { return Vec::new() };
    let form = |table: &Table| {
        let text = |key: &str| table.get(key).and_then(|node| node.text()).map(|text| text.to_string());
        Some(Form { prefix: text("prefix").unwrap_or_default(), decode: text("decode")? })
    };
    forms.iter().filter_map(|node| form(node.table()?)).collect()
}

type Bytes = Zeroizing<Vec<u8>>;
/// A text with what was done to it.
struct Cleaned {
    deviation: Option<Deviation>,
    text: Bytes,
}

/// Every variant of every key of a ring: as configured first, then by likelihood.
///
/// `prefixes` are those that secrets of any preset have. Variants that come to the same bytes are one.
pub(crate) fn variants(keys: &Keyring, forms: &[Form], prefixes: &[String]) -> Vec<Variant> {
    let mut all: Vec<Variant> = Vec::new();
    for (_, key) in keys.iter() {
        for cleaned in cleanings(key.material.expose(), prefixes) {
            readings(key, &cleaned, forms, prefixes, &mut all);
            // What stands at the ends is often two things: quotes, and a newline.
            let ends = cleaned.deviation.as_ref().filter(|deviation| deviation.rank <= 3);
            for mut twice in ends.map(|_| cleanings(&cleaned.text, prefixes)).unwrap_or_default() {
                if twice.deviation.as_ref().is_some_and(|deviation| deviation.rank <= 16) {
                    twice.deviation = both(cleaned.deviation.clone(), twice.deviation);
                    readings(key, &twice, forms, prefixes, &mut all);
                }
            }
        }
        if key.kind == KeyKind::Shared {
            whole(key, &mut all);
        }
    }
    all.sort_by_key(|variant| (variant.steps, variant.deviation.as_ref().map_or(0, |d| d.rank)));
    let mut distinct: Vec<Variant> = Vec::new();
    for variant in all {
        let known = |other: &Variant| {
            countersign::ct::equal(&other.bytes, &variant.bytes) && other.role == variant.role
        };
        if !variant.bytes.is_empty() && !distinct.iter().any(known) {
            distinct.push(variant);
        }
    }
    distinct
}

/// What copying does to a text.
fn cleanings(text: &[u8], prefixes: &[String]) -> Vec<Cleaned> {
    let mut cleaned = vec![Cleaned { deviation: None, text: Zeroizing::new(text.to_vec()) }];
    let mut add = |code: &'static str, rank: u32, says: &str, advice: &'static str, new: Option<Vec<u8>>| {
        if let Some(new) = new.map(Zeroizing::new).filter(|new| !new.is_empty() && **new != text) {
            cleaned.push(Cleaned {
                deviation: Some(Deviation::new(code, rank, says.to_owned(), advice)),
                text: new,
            });
        }
    };
    let store = "store the secret again without it";
    let strip = |end: &[u8]| text.strip_suffix(end).map(<[u8]>::to_vec);
    let white = "the secret has white space at its ends";
    add("secret/trailing-newline", 1, "the secret ends with a newline", store, strip(b"\n"));
    add("secret/trailing-newline", 1, "the secret ends with CR LF", store, strip(b"\r\n"));
    add("secret/trailing-newline", 2, "the secret ends with a carriage return", store, strip(b"\r"));
    add("secret/white-space", 2, white, store, Some(text.trim_ascii().to_vec()));
    add("secret/white-space", 40, "the secret has white space in it", store, {
        Some(text.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect())
    });
    for (open, close) in [(b"\"", b"\""), (b"'", b"'"), (b"`", b"`")] {
        let inner = text.trim_ascii().strip_prefix(open).and_then(|t| t.strip_suffix(close));
        add("secret/quotes", 3, "the secret has quotes round it", store, inner.map(<[u8]>::to_vec));
    }
    let half = text.trim_ascii().trim_suffix_any(b"\"'`,;");
    add(
        "secret/quotes",
        20,
        "the secret has a quote, comma or semicolon at its end",
        store,
        Some(half.to_vec()),
    );
    let half: &[u8] = match text {
        [b'"' | b'\'' | b'`', rest @ ..] => rest,
        _ => text,
    };
    add("secret/quotes", 21, "the secret has a quote before it", store, Some(half.to_vec()));
    for (written, meant) in [("\\n", ""), ("\\r\\n", ""), ("\\t", "")] {
        add(
            "secret/escapes",
            8,
            "the secret ends with a backslash and a letter, where a newline was meant",
            store,
            text.strip_suffix(written.as_bytes()).map(|rest| [rest, meant.as_bytes()].concat()),
        );
    }
    add(
        "secret/escapes",
        22,
        "the secret has `\\n` where a newline is meant",
        "store it with the newline itself",
        memchr::memmem::find(text, b"\\n").map(|_| crate::text::replaced(text, b"\\n", b"\n")),
    );
    add("secret/escapes", 23, "the secret is percent-encoded", "store it decoded", {
        text.contains(&b'%').then(|| form::decode(text, false))
    });
    add("secret/escapes", 24, "the secret is percent-encoded as a form is", "store it decoded", {
        (text.contains(&b'%') || text.contains(&b'+')).then(|| form::decode(text, true))
    });
    add(
        "secret/escapes",
        41,
        "the secret has a space where the provider's has `+`",
        "store it again: a form decoded it",
        text.contains(&b' ').then(|| crate::text::replaced(text, b" ", b"+")),
    );
    add("secret/escapes", 25, "the secret has escapes of JSON in it", "store it decoded", {
        text.contains(&b'\\').then(|| crate::json::unwrapped(&[b"\"", text, b"\""].concat())).flatten()
    });
    add("secret/escapes", 42, "the secret has `&amp;`, `&#39;` or the like in it", "store it decoded", {
        text.contains(&b'&').then(|| crate::text::without_html(text))
    });
    add("secret/byte-order-mark", 8, "the secret begins with a byte order mark", store, {
        text.strip_prefix(b"\xef\xbb\xbf").map(<[u8]>::to_vec)
    });
    add("secret/assignment", 15, "the secret still has the name of its variable before it", store, {
        let at = text.iter().position(|b| *b == b'=');
        let name = |name: &[u8]| {
            !name.is_empty() && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_' || *b == b' ')
        };
        at.filter(|at| name(&text[..*at]) && text[at + 1..].len() > 8 && *at < 60)
            .map(|at| text[at + 1..].to_vec())
    });
    add("secret/scheme-word", 16, "the secret has `Bearer ` or the like before it", store, {
        ["Bearer ", "bearer ", "Basic ", "Token ", "token ", "Secret: ", "secret: "]
            .iter()
            .find_map(|word| text.strip_prefix(word.as_bytes()).map(<[u8]>::to_vec))
    });
    add("secret/label", 14, "the secret has `v1,` before it, which is of signatures", store, {
        let version = text.strip_prefix(b"v").filter(|rest| rest.first().is_some_and(u8::is_ascii_digit));
        version.and_then(|rest| rest.get(1..)?.strip_prefix(b",").map(<[u8]>::to_vec))
    });
    let visible: Option<Vec<u8>> = std::str::from_utf8(text)
        .ok()
        .map(|text| text.chars().filter(|c| !is_invisible(*c)).collect::<String>().into_bytes());
    add(
        "secret/invisible",
        11,
        "the secret has a character in it that nobody sees, such as a zero-width space",
        "type it, or copy it from the provider's page by its button",
        visible,
    );
    add("secret/white-space", 12, "the secret has a space of another kind at its ends", store, {
        std::str::from_utf8(text)
            .ok()
            .map(|text| text.trim_matches(|c: char| c.is_whitespace() || is_invisible(c)).as_bytes().to_vec())
    });
    let (half, other) = text.split_at(text.len() / 2);
    add("secret/twice", 18, "the secret was pasted twice", store, (half == other).then(|| half.to_vec()));
    let other: Vec<u8> = text
        .iter()
        .map(|b| match b {
            b'-' => b'+',
            b'_' => b'/',
            b => *b,
        })
        .collect();
    add(
        "secret/alphabet",
        19,
        "the secret is in the alphabet of base64url, and the provider's is in that of base64",
        "copy it again as it is written",
        Some(other.clone()),
    );
    let padding = b"=".repeat((4 - other.len() % 4) % 4);
    add(
        "secret/alphabet",
        20,
        "the secret is in the alphabet of base64url, without padding, and the provider's is in that of base64",
        "copy it again as it is written",
        Some([other, padding].concat()),
    );
    let other: Vec<u8> = text
        .iter()
        .map(|b| match b {
            b'+' => b'-',
            b'/' => b'_',
            b => *b,
        })
        .collect();
    add(
        "secret/alphabet",
        21,
        "the secret is in the alphabet of base64, and the provider's is in that of base64url",
        "copy it again as it is written",
        Some(other.clone()),
    );
    add(
        "secret/alphabet",
        22,
        "the secret is in the alphabet of base64, padded, and the provider's is in that of base64url",
        "copy it again as it is written",
        Some(other.trim_suffix_any(b"=").to_vec()),
    );
    for prefix in prefixes {
        let whole = [prefix.as_bytes(), text].concat();
        add(
            "secret/prefix-lost",
            6,
            &format!("the secret lacks `{prefix}`, which belongs to it"),
            "copy it again, whole",
            (!text.starts_with(prefix.as_bytes())).then_some(whole),
        );
        let twice = format!("{prefix}{prefix}");
        add("secret/prefix-twice", 4, "the secret has its prefix twice", store, {
            text.strip_prefix(twice.as_bytes()).map(|rest| [prefix.as_bytes(), rest].concat())
        });
    }
    add(
        "secret/upper-case",
        10,
        "the secret is in small letters, and the provider's is in large ones",
        "copy it again as it is written",
        Some(text.to_ascii_uppercase()),
    );
    add(
        "secret/lower-case",
        9,
        "the secret is in large letters, and the provider's is in small ones",
        "copy it again as it is written",
        Some(text.to_ascii_lowercase()),
    );
    add("secret/utf-16", 10, "the secret was stored as UTF-16", "store it as UTF-8", utf8_of_utf16(text));
    for (more, says) in [
        ("\n", "the provider's secret ends with a newline, and yours does not"),
        (" ", "the provider's secret ends with a space, and yours does not"),
        ("\r\n", "the provider's secret ends with CR LF, and yours does not"),
        ("=", "the secret has lost the `=` at its end"),
        ("==", "the secret has lost the `==` at its end"),
    ] {
        let advice = "store it as the provider has it, or have the provider make a new one";
        add(
            "secret/trimmed",
            if more == "\n" { 5 } else { 26 },
            says,
            advice,
            Some([text, more.as_bytes()].concat()),
        );
    }
    add(
        "secret/trimmed",
        27,
        "the provider's secret begins with a space, and yours does not",
        "store it as the provider has it",
        Some([b" ", text].concat()),
    );
    cleaned
}

/// What a text may be the spelling of.
fn readings(key: &Key, cleaned: &Cleaned, forms: &[Form], prefixes: &[String], out: &mut Vec<Variant>) {
    let text: &[u8] = &cleaned.text;
    let mut push = |deviation: Option<Deviation>, bytes: Option<Vec<u8>>| {
        let Some(bytes) = bytes.map(Zeroizing::new) else { return };
        let steps = u32::from(cleaned.deviation.is_some()) + u32::from(deviation.is_some());
        let deviation = both(cleaned.deviation.clone(), deviation);
        let id = key.id.as_str().to_owned();
        out.push(Variant { deviation, role: key.role.clone(), bytes, steps, id });
    };
    // As configured: the first form that it fits.
    let form = forms.iter().find(|form| form.fits(text));
    let configured = form.and_then(|form| read(&form.decode, &text[form.prefix.len()..]));
    match (forms.is_empty(), configured) {
        (true, _) => push(None, Some(text.to_vec())),
        (false, Some(bytes)) => push(None, Some(bytes)),
        (false, None) => {}
    }
    if key.kind != KeyKind::Shared {
        containers::containers(text, &mut push);
        return;
    }
    for form in
        forms.iter().filter(|form| !form.prefix.is_empty() && !text.starts_with(form.prefix.as_bytes()))
    {
        let says = format!("the secret lacks its prefix `{}`", form.prefix);
        let deviation = Deviation::new("secret/prefix-lost", 3, says, "copy it again, whole");
        push(Some(deviation), read(&form.decode, text));
    }
    let other = |code, rank, says: &str, decode: &str| {
        let deviation = Deviation::new(
            code,
            rank,
            says.to_owned(),
            "say so where the preset says how its secrets are written",
        );
        deviation.patch(format!("key.forms = [{{ decode = \"{decode}\" }}]"))
    };
    push(
        Some(other(
            "secret/not-decoded",
            4,
            "the secret is the key as it stands: it is not to be decoded",
            "text",
        )),
        Some(text.to_vec()),
    );
    for (decode, rank) in [("hex", 7), ("base64", 4), ("base64url", 11)] {
        let says = format!("the secret is {decode}, and what it stands for is the key");
        push(Some(other("secret/decoded", rank, &says, decode)), read(decode, text));
    }
    for prefix in prefixes {
        let Some(rest) = text.strip_prefix(prefix.as_bytes()) else { continue };
        let known = forms.iter().any(|form| form.prefix == *prefix);
        for decode in ["text", "base64", "hex", "base64url"] {
            let says = format!("the secret begins with `{prefix}`, and what follows is the key, as {decode}");
            let deviation = Deviation::new(
                "secret/prefix",
                if known { 4 } else { 6 },
                says,
                "say so where the preset says how its secrets are written",
            )
            .patch(format!("key.forms = [{{ prefix = \"{prefix}\", decode = \"{decode}\" }}]"));
            push(Some(deviation), read(decode, rest));
        }
    }
    // Encoded once more than it should be, as stores of secrets do it; and with the newline of whoever did it by hand.
    for decode in ["base64", "hex"] {
        let Some(once) = read(decode, text) else { continue };
        for (rank, once) in [(9, &once[..]), (14, once.trim_ascii_end())] {
            for form in forms {
                let says = format!("the secret is the provider's in {decode}");
                let deviation = Deviation::new("secret/encoded-once-more", rank, says, "store it decoded");
                push(
                    Some(deviation),
                    once.strip_prefix(form.prefix.as_bytes()).and_then(|rest| read(&form.decode, rest)),
                );
            }
        }
    }
}

/// What a whole secret may have become.
fn whole(key: &Key, out: &mut Vec<Variant>) {
    let text = key.material.expose();
    let mut push = |deviation: Deviation, bytes: Vec<u8>| {
        let (id, role) = (key.id.as_str().to_owned(), key.role.clone());
        out.push(Variant { deviation: Some(deviation), role, bytes: Zeroizing::new(bytes), steps: 1, id });
    };
    let encoded = "the sender signs with its secret in another encoding: have it use the secret as it is";
    if let Ok(text) = std::str::from_utf8(text) {
        let units: Vec<u16> = text.encode_utf16().collect();
        push(
            Deviation::new("secret/utf-16", 31, "the sender's key is the secret in UTF-16", encoded),
            units.iter().flat_map(|unit| unit.to_le_bytes()).collect(),
        );
        push(
            Deviation::new(
                "secret/utf-16",
                34,
                "the sender's key is the secret in UTF-16, large end first",
                encoded,
            ),
            units.iter().flat_map(|unit| unit.to_be_bytes()).collect(),
        );
        if !text.is_ascii()
            && let Some(bytes) =
                text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect::<Option<Vec<u8>>>()
        {
            push(
                Deviation::new("secret/latin-1", 32, "the sender's key is the secret in Latin-1", encoded),
                bytes,
            );
        }
    }
    push(
        Deviation::new("secret/encoded", 29, "the sender's key is the secret in base64", encoded),
        base64_simd::STANDARD.encode_to_string(text).into_bytes(),
    );
    push(
        Deviation::new("secret/encoded", 33, "the sender's key is the secret in hexadecimal digits", encoded),
        const_hex::encode(text).into_bytes(),
    );
    // The same bytes, spelled as the provider does not: its secret is the spelling, and not the bytes.
    if let Some(bytes) = read("hex", text) {
        let says =
            "the secret is in hexadecimal digits, and the provider's key is the same bytes spelled as base64";
        push(
            Deviation::new("secret/respelled", 30, says, "copy it again as it is written"),
            base64_simd::STANDARD.encode_to_string(bytes).into_bytes(),
        );
    }
    if let Some(bytes) = read("base64", text) {
        let says =
            "the secret is in base64, and the provider's key is the same bytes spelled in hexadecimal digits";
        push(
            Deviation::new("secret/respelled", 32, says, "copy it again as it is written"),
            const_hex::encode(bytes).into_bytes(),
        );
    }
    use sha2::Digest;
    push(
        Deviation::new("secret/hashed", 35, "the sender's key is the SHA-256 digest of the secret", encoded),
        sha2::Sha256::digest(text).to_vec(),
    );
    push(
        Deviation::new(
            "secret/hashed",
            36,
            "the sender's key is the SHA-256 digest of the secret, in hexadecimal digits",
            encoded,
        ),
        const_hex::encode(sha2::Sha256::digest(text)).into_bytes(),
    );
    for word in [
        "undefined",
        "null",
        "None",
        "nil",
        "false",
        "changeme",
        "secret",
        "your-secret",
        "test",
        "[object Object]",
    ] {
        let says = format!("the sender's key is `{word}`: its secret is not set");
        push(
            Deviation::new("secret/unset", 45, says, "set the secret where the sender reads it"),
            word.as_bytes().to_vec(),
        );
    }
}

/// A text by one of the words of the grammar.
fn read(decode: &str, text: &[u8]) -> Option<Vec<u8>> {
    let bare = |text: &[u8]| -> Vec<u8> {
        let end = text.iter().rev().take_while(|b| **b == b'=').count();
        text[..text.len() - end].to_vec()
    };
    match decode {
        "hex" => const_hex::decode(text).ok(),
        "base64" => STANDARD_NO_PAD.decode_to_vec(bare(text)).ok(),
        "base64url" => URL_SAFE_NO_PAD.decode_to_vec(bare(text)).ok(),
        _ => Some(text.to_vec()),
    }
}

fn utf8_of_utf16(text: &[u8]) -> Option<Vec<u8>> {
    let bytes = text.strip_prefix(b"\xff\xfe").unwrap_or(text);
    (bytes.len().is_multiple_of(2) && bytes.len() >= 2).then_some(())?;
    let units: Vec<u16> = bytes.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    String::from_utf16(&units).ok().map(String::into_bytes)
}

fn both(first: Option<Deviation>, second: Option<Deviation>) -> Option<Deviation> {
    match (first, second) {
        (Some(a), Some(b)) => Some(Deviation {
            says: format!("{}; and {}", a.says, b.says).into(),
            advice: format!("{}; {}", a.advice, b.advice).into(),
            patch: b.patch,
            rank: a.rank + b.rank,
            code: a.code,
        }),
        (one, None) | (None, one) => one,
    }
}

/// What a secret's shape says without any trial: something else than a secret.
pub(crate) fn shapes(key: &Key) -> Option<Deviation> {
    let text = key.material.expose().trim_ascii();
    let upper = |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_';
    let says = if key.kind == KeyKind::Shared && text.starts_with(b"-----BEGIN") {
        "it is a PEM text, and a shared secret is wanted"
    } else if text.starts_with(b"eyJ") && text.iter().filter(|b| **b == b'.').count() == 2 {
        "it is a JSON Web Token, and a secret is wanted"
    } else if text.starts_with(b"http://") || text.starts_with(b"https://") {
        "it is a URL, and a secret is wanted"
    } else if text.len() >= 6
        && text.contains(&b'_')
        && text.iter().all(upper)
        && text.iter().any(u8::is_ascii_alphabetic)
        && text[0].is_ascii_alphabetic()
    {
        "it looks like the name of a variable, and not like its value"
    } else if text.starts_with(b"<") && text.ends_with(b">")
        || text.starts_with(b"{{")
        || text.starts_with(b"$(")
    {
        "it is a placeholder that nobody filled in"
    } else if text.iter().all(|b| b"*x.".contains(b) || *b == 0xe2 || *b == 0x80 || *b == 0xa2) {
        "it is what a page shows in place of a secret"
    } else {
        return None;
    };
    let says = format!("key `{}`: {says}", key.id);
    Some(Deviation::new(
        "secret/wrong-kind",
        0,
        says,
        "copy the signing secret of this endpoint from the provider's page",
    ))
}

/// Whether nobody sees a character.
fn is_invisible(c: char) -> bool {
    matches!(c, '\0' | '\u{ad}' | '\u{a0}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// `trim_end_matches` for bytes.
trait TrimSuffix {
    fn trim_suffix_any(&self, of: &[u8]) -> &Self;
}

impl TrimSuffix for [u8] {
    fn trim_suffix_any(&self, of: &[u8]) -> &[u8] {
        let end = self.iter().rev().take_while(|b| of.contains(b)).count();
        &self[..self.len() - end]
    }
}

#[cfg(test)]
mod tests;
