//! Digests of the body that signatures cover in its place: `Content-Digest` of RFC 9530 and the older `Digest` of RFC 3230.
//!
//! A signature over a digest says nothing of the body until the digest is computed again over what was received. Only
//! SHA-256 and SHA-512 count, and where several are there all of them must fit: a reader that picks one can be led to the
//! one it should not trust.

use crate::details::{DIGEST_UNREADABLE, DIGEST_WEAK};
use crate::structured::{Dictionary, Item, Member, print_bytes};
use countersign::Rejection;
use sha2::digest::Digest;
use sha2::{Sha256, Sha512};

/// The digests that a request shows of its body, and that body as far as it has come.
#[derive(Default)]
pub(crate) struct Digests {
    sha256: Option<(Sha256, Vec<u8>)>,
    sha512: Option<(Sha512, Vec<u8>)>,
}

impl Digests {
    /// Those of a `Content-Digest`, its lines joined.
    pub(crate) fn content(text: &str) -> Result<Self, Rejection> {
        let entries = Dictionary::parse(text).map_err(|why| DIGEST_UNREADABLE.because(why))?;
        let mut found = Digests::default();
        for (name, member) in entries.0 {
            let Member::Item(Item { value: sfv::BareItemFromInput::ByteSequence(bytes), .. }) = member else {
                return Err(DIGEST_UNREADABLE.refuse());
            };
            // Padding and loose bits may be written in several ways, and are only right in one.
            if !text.contains(&print_bytes(&bytes)) {
                return Err(DIGEST_UNREADABLE.refuse());
            }
            found.add(name.as_str(), bytes)?;
        }
        found.known()
    }

    /// Those of a `Digest`: names without regard to case, base64 behind `=`.
    pub(crate) fn instance(text: &str) -> Result<Self, Rejection> {
        let mut found = Digests::default();
        let mut seen: Vec<String> = Vec::new();
        for entry in text.split(',') {
            let (name, value) = entry.trim().split_once('=').ok_or_else(|| DIGEST_UNREADABLE.refuse())?;
            let name = name.to_ascii_lowercase();
            if seen.contains(&name) {
                return Err(DIGEST_UNREADABLE.because("the digest of the body names an algorithm twice"));
            }
            if matches!(&*name, SHA256 | SHA512) {
                let bytes = base64_simd::STANDARD.decode_to_vec(value);
                found.add(&name, bytes.map_err(|_| DIGEST_UNREADABLE.refuse())?)?;
            }
            seen.push(name);
        }
        found.known()
    }

    fn add(&mut self, name: &str, bytes: Vec<u8>) -> Result<(), Rejection> {
        let length = match name {
            SHA256 => 32,
            SHA512 => 64,
            // Of others nothing is known, not even whether they are wrong.
            _ => return Ok(()),
        };
        if bytes.len() != length {
            return Err(DIGEST_UNREADABLE.because("the digest of the body is not as long as its algorithm's"));
        }
        match name {
            SHA256 => self.sha256 = Some((Sha256::new(), bytes)),
            _ => self.sha512 = Some((Sha512::new(), bytes)),
        }
        Ok(())
    }

    fn known(self) -> Result<Self, Rejection> {
        match (&self.sha256, &self.sha512) {
            (None, None) => Err(DIGEST_WEAK.refuse()),
            _ => Ok(self),
        }
    }

    /// More of the body.
    pub(crate) fn update(&mut self, piece: &[u8]) {
        if let Some((hash, _)) = &mut self.sha256 {
            hash.update(piece);
        }
        if let Some((hash, _)) = &mut self.sha512 {
            hash.update(piece);
        }
    }

    /// Whether every digest is that of the body.
    pub(crate) fn fit(self) -> bool {
        let first = self.sha256.is_none_or(|(hash, shown)| hash.finalize().as_slice() == shown);
        let second = self.sha512.is_none_or(|(hash, shown)| hash.finalize().as_slice() == shown);
        first && second
    }
}

/// A `Content-Digest` of a body, for whoever signs.
pub(crate) fn content_digest(body: &[u8]) -> String {
    format!("{SHA256}={}", print_bytes(Sha256::digest(body).as_slice()))
}

/// A `Digest` of a body, for whoever signs.
pub(crate) fn instance_digest(body: &[u8]) -> String {
    format!("SHA-256={}", base64_simd::STANDARD.encode_to_string(Sha256::digest(body)))
}

const SHA256: &str = "sha-256";
const SHA512: &str = "sha-512";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// RFC 9421, appendix B.2: the digest of the test request.
    const BODY: &[u8] = br#"{"hello": "world"}"#;
    const SHA512_OF_BODY: &str =
        "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";

    fn content(text: &str) -> Result<bool, &'static str> {
        let mut digests = Digests::content(text).map_err(|refused| refused.reason.code())?;
        digests.update(&BODY[..5]);
        digests.update(&BODY[5..]);
        Ok(digests.fit())
    }

    fn instance(text: &str) -> Result<bool, &'static str> {
        let mut digests = Digests::instance(text).map_err(|refused| refused.reason.code())?;
        digests.update(BODY);
        Ok(digests.fit())
    }

    #[test]
    fn every_known_digest_must_fit_and_one_must_be_known() {
        let right = content_digest(BODY);
        let wrong = content_digest(b"other");
        assert_eq!(content(SHA512_OF_BODY), Ok(true));
        assert_eq!(content(&format!("{right}, {SHA512_OF_BODY}")), Ok(true));
        assert_eq!(content(&format!("{wrong}, {SHA512_OF_BODY}")), Ok(false));
        assert_eq!(content(&format!("md5=:aGk=:, {SHA512_OF_BODY}")), Ok(true));
        for bad in [
            "md5=:aGk=:",
            "",
            "sha-256",
            "sha-256=aGk",
            "sha-256=:aGk=:",
            &SHA512_OF_BODY.replace("==:", ":"),
            &SHA512_OF_BODY.replace("w==:", "x==:"),
            &format!("{right}, {right}"),
        ] {
            assert_eq!(content(bad), Err("malformed_signature"), "{bad}");
        }
    }

    #[test]
    fn the_older_header_is_read_as_strictly() {
        let right = instance_digest(BODY);
        let wrong = instance_digest(b"other");
        assert_eq!(instance(&right), Ok(true));
        assert_eq!(instance(&right.replace("SHA-256", "sha-256")), Ok(true));
        assert_eq!(instance(&format!("UNIXsum=3, {right}")), Ok(true));
        assert_eq!(instance(&wrong), Ok(false));
        for bad in ["", "md5=aGk=", "SHA-256", "SHA-256=aGk", &format!("{right},{right}")] {
            assert_eq!(instance(bad), Err("malformed_signature"), "{bad}");
        }
    }
}
