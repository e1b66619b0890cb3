//! What a diagnosis must not say: any signature that would have been right, and any byte of a secret.
//!
//! What would have been right is found by signing: with the true key and with the configured one, by the true preset and by the
//! configured one, the body as it was sent and as it came. What stands in the request itself is no secret of ours.

use crate::faults::deliveries::{Delivery, Held, Question};
use crate::faults::random::{base64, base64url, hex};
use countersign::{KeyKind, Registry};
use countersign_explain::Diagnosis;

/// What is looked for, each with what it is.
pub(crate) struct Needles(Vec<(&'static str, Vec<u8>)>);

/// Shorter pieces turn up by chance.
const SHORTEST: usize = 10;

impl Needles {
    pub(crate) fn of(registry: &Registry, delivery: &Delivery, question: &Question) -> Needles {
        let mut needles = Needles(Vec::new());
        let truth = &delivery.truth;
        for held in [&question.key, &truth.key].into_iter().chain(&question.others) {
            if held.kind == KeyKind::Shared {
                needles.secret(&held.bytes);
            }
        }
        // A public key that somebody else signs with cannot sign for us: only what was held can.
        let configured = Held { ends: None, ..question.key.clone() };
        let pens = match truth.key.kind {
            KeyKind::Shared => vec![&delivery.pen, &configured],
            _ => vec![&delivery.pen],
        };
        for layer in [&truth.layer, &question.layer] {
            for (url, body) in [(&truth.url, &truth.body), (&question.url, &question.body)] {
                let asked =
                    Question { layer: layer.clone(), url: url.clone(), body: body.clone(), ..truth.clone() };
                for pen in &pens {
                    let Some(signed) = delivery.signed(registry, &asked, pen) else { continue };
                    let headers = signed.headers.into_iter().map(|(_, value)| value);
                    let body = signed.body.filter(|body| body.len() < 65536);
                    let texts = headers.chain(signed.url.map(String::into_bytes)).chain(body);
                    texts.for_each(|text| needles.signatures(&text));
                }
            }
        }
        needles.0.sort();
        needles.0.dedup();
        let stands = |needle: &[u8]| {
            contains(&question.body, needle)
                || contains(question.url.as_bytes(), needle)
                || question
                    .headers
                    .iter()
                    .any(|(name, value)| contains(value, needle) || contains(name.as_bytes(), needle))
        };
        needles.0.retain(|(_, needle)| needle.len() >= SHORTEST && !stands(needle));
        needles
    }

    /// Text, bytes, and what the text may be read as.
    fn secret(&mut self, bytes: &[u8]) {
        let trimmed = bytes.trim_ascii();
        let text = String::from_utf8_lossy(trimmed).into_owned();
        let bare =
            text.trim_matches(['"', '\'']).trim_start_matches("v1,").trim_start_matches("whsec_").to_owned();
        let decoded = [const_hex::decode(&bare).ok(), base64_simd::STANDARD.decode_to_vec(&bare).ok()];
        let spelt = [Some(trimmed.to_vec()), Some(bare.into_bytes())].into_iter().chain(decoded).flatten();
        spelt.for_each(|bytes| self.every_way("a secret", &bytes));
    }

    fn signatures(&mut self, text: &[u8]) {
        let text = String::from_utf8_lossy(text);
        let pieces = text.split(|c: char| !(c.is_ascii_alphanumeric() || "+/-_".contains(c)));
        for piece in pieces.filter(|piece| piece.len() >= 22) {
            let decoded = [
                const_hex::decode(piece).ok(),
                base64_simd::STANDARD_NO_PAD.decode_to_vec(piece).ok(),
                base64_simd::URL_SAFE_NO_PAD.decode_to_vec(piece).ok(),
            ];
            // The parts of a token before its signature are no secrets.
            let tags = decoded.into_iter().flatten().filter(|tag| tag.len() >= 16 && tag[0] != b'{');
            tags.for_each(|tag| self.every_way("a signature", &tag));
        }
    }

    fn every_way(&mut self, what: &'static str, bytes: &[u8]) {
        let texts = [hex(bytes), hex(bytes).to_uppercase(), base64(bytes), base64url(bytes)];
        self.0.extend(texts.into_iter().map(|text| (what, text.into_bytes())));
        // As lists of numbers, which is how bytes are printed for people and written for machines.
        let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
        self.0.extend([numbers.join(", "), numbers.join(",")].map(|text| (what, text.into_bytes())));
        self.0.push((what, bytes.to_vec()));
    }

    /// What of it a diagnosis says.
    pub(crate) fn said(&self, diagnosis: &Diagnosis) -> Option<&'static str> {
        let debug = format!("{diagnosis:?}");
        let json = serde_json::to_string(diagnosis).unwrap_or_default();
        let pieces = diagnosis.content.iter().filter_map(|piece| piece.bytes.as_deref());
        let said: Vec<&[u8]> = [debug.as_bytes(), json.as_bytes()].into_iter().chain(pieces).collect();
        self.found_in(&said)
    }

    pub(crate) fn found_in(&self, said: &[&[u8]]) -> Option<&'static str> {
        let found = self.0.iter().find(|(_, needle)| said.iter().any(|said| contains(said, needle)));
        found.map(|(what, _)| *what)
    }
}

fn contains(hay: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find(hay, needle).is_some()
}
