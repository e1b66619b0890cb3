//! Public keys in another container than the preset's.

use super::read;
use crate::deviation::Deviation;

/// A public key in another container than the preset's.
pub(super) fn containers(text: &[u8], push: &mut impl FnMut(Option<Deviation>, Option<Vec<u8>>)) {
    let says = |form: &str| {
        Deviation::new(
            "secret/container",
            7,
            format!("the key is {form}"),
            "write it as the preset says, or add this form to it",
        )
    };
    let trimmed = text.trim_ascii();
    if trimmed.starts_with(b"-----BEGIN") || trimmed.starts_with(b"{") {
        push(Some(says("in another container than the preset takes")), Some(trimmed.to_vec()));
        // A PEM whose lines were joined, or whose newlines are spelled.
        if let Some(pem) = unfolded(trimmed) {
            push(
                Some(Deviation::new(
                    "secret/pem-lines",
                    5,
                    "the lines of the PEM text are lost",
                    "store the key with its newlines",
                )),
                Some(pem),
            );
        }
        if let Some(der) = der_of(trimmed) {
            spki_and_raw(&der, &says, push);
        }
        return;
    }
    for decode in ["hex", "base64", "base64url"] {
        if let Some(bytes) = read(decode, trimmed) {
            spki_and_raw(&bytes, &says, push);
            push(Some(says(&format!("written as {decode}"))), Some(bytes));
        }
    }
    spki_and_raw(text, &says, push);
}

/// The algorithm identifier that stands before the 32 bytes of an Ed25519 key: RFC 8410.
const ED25519_SPKI: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

fn spki_and_raw(
    bytes: &[u8],
    says: &dyn Fn(&str) -> Deviation,
    push: &mut impl FnMut(Option<Deviation>, Option<Vec<u8>>),
) {
    if bytes.first() == Some(&0x30) {
        push(Some(says("a SubjectPublicKeyInfo (DER)")), Some(pem_of(bytes)));
        if let Some(raw) = bytes.strip_prefix(ED25519_SPKI) {
            push(Some(says("a SubjectPublicKeyInfo round the bare key")), Some(raw.to_vec()));
        }
    }
    if bytes.len() == 32 {
        push(Some(says("the bare 32 bytes")), Some(pem_of(&[ED25519_SPKI, bytes].concat())));
    }
}

fn pem_of(der: &[u8]) -> Vec<u8> {
    let text = base64_simd::STANDARD.encode_to_string(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n")).into_bytes()
}

/// What stands between the lines of a PEM text.
fn der_of(pem: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(pem).ok()?;
    let inner = text.split("-----").nth(2)?;
    let digits: String = inner.replace("\\n", "").chars().filter(|c| !c.is_whitespace()).collect();
    base64_simd::STANDARD.decode_to_vec(digits.as_bytes()).ok()
}

fn unfolded(pem: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(pem).ok()?;
    let mut parts = text.split("-----");
    let (label, inner) = (parts.nth(1)?, parts.next()?);
    let digits: String =
        inner.replace("\\r", "").replace("\\n", "").chars().filter(|c| !c.is_whitespace()).collect();
    let lines: Vec<&str> =
        digits.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    let end = label.replace("BEGIN", "END");
    Some(format!("-----{label}-----\n{}\n-----{end}-----\n", lines.join("\n")).into_bytes())
}
