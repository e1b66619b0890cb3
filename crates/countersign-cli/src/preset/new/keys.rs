//! Keys that were made up for first cases. Nobody signs with them: whoever has this command has their private halves.

use countersign::KeyKind;

/// What signs, and what verifies that, as an operator would write both.
pub(super) struct Pair {
    pub(super) signs: String,
    pub(super) verifies: String,
    pub(super) kind: KeyKind,
}

/// For a form of key: its `decode` and `prefix`. `None`: there is none of that form.
pub(super) fn pair(algorithm: &str, decode: &str, prefix: &str) -> Option<Pair> {
    let Some((_, private, public)) = PAIRS.iter().find(|(start, ..)| algorithm.starts_with(start)) else {
        let secret = format!("{prefix}{}", shared(decode)?);
        return Some(Pair { signs: secret.clone(), verifies: secret, kind: KeyKind::Shared });
    };
    let half = |pem: &str| {
        let text = match decode {
            "pem" => return Some(format!("{prefix}{pem}")),
            "base64" => base64_simd::STANDARD.encode_to_string(raw(algorithm, pem)?),
            "base64url" => base64_simd::URL_SAFE_NO_PAD.encode_to_string(raw(algorithm, pem)?),
            "hex" => hex(&raw(algorithm, pem)?),
            _ => return None,
        };
        Some(format!("{prefix}{text}"))
    };
    Some(Pair { signs: half(private)?, verifies: half(public)?, kind: KeyKind::Private })
}

/// By what the algorithm's name begins with: the private half, the public half.
const PAIRS: [(&str, &str, &str); 5] = [
    // The first of RFC 8032, section 7.1.
    ("ed25519", include_str!("keys/ed25519.pem"), include_str!("keys/ed25519.public.pem")),
    ("ecdsa-p256", include_str!("keys/p256.pem"), include_str!("keys/p256.public.pem")),
    ("ecdsa-p384", include_str!("keys/p384.pem"), include_str!("keys/p384.public.pem")),
    ("ecdsa-p521", include_str!("keys/p521.pem"), include_str!("keys/p521.public.pem")),
    ("rsa-", include_str!("keys/rsa.pem"), include_str!("keys/rsa.public.pem")),
];

/// The same 32 letters in every spelling.
const SHARED: &[u8; 32] = b"made-up-secret-for-the-1st-case.";

fn shared(decode: &str) -> Option<String> {
    Some(match decode {
        "text" => String::from_utf8_lossy(SHARED).into_owned(),
        "hex" => hex(SHARED),
        "base64" => base64_simd::STANDARD.encode_to_string(SHARED),
        "base64url" => base64_simd::URL_SAFE_NO_PAD.encode_to_string(SHARED),
        _ => return None,
    })
}

/// What a PEM holds. Of Ed25519 the key alone, the last 32 bytes: senders print no more.
fn raw(algorithm: &str, pem: &str) -> Option<Vec<u8>> {
    let text: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64_simd::STANDARD.decode_to_vec(text.as_bytes()).ok()?;
    Some(if algorithm.starts_with("ed25519") { der[der.len().checked_sub(32)?..].to_vec() } else { der })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
