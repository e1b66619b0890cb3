//! Public keys, carried in another container than the preset reads.

use super::{Did, Fault, Side};
use crate::faults::keys::{Pair, pem};
use crate::faults::random::{base64, base64url, hex};

fn key(code: &'static str, weight: usize, write: fn(&Pair, &str) -> Option<String>) -> Fault {
    Fault::new(code, Side::Key, weight, move |question, at, _| {
        let Some(pair) = &at.delivery.pair else { return Did::Unfit };
        let given = String::from_utf8_lossy(&question.key.bytes).into_owned();
        match write(pair, &given) {
            Some(changed) if changed != given => {
                question.key.bytes = changed.into_bytes();
                Did::Spoilt
            }
            _ => Did::Unfit,
        }
    })
}

pub(crate) fn faults() -> Vec<Fault> {
    vec![
        key("key/pem", 4, |pair, _| Some(pem(&pair.spki()))),
        // One line of an `.env` holds no line breaks.
        key("key/pem-with-literal-newlines", 4, |pair, _| {
            Some(pem(&pair.spki()).trim_end().replace('\n', "\\n"))
        }),
        key("key/pem-in-one-line", 3, |pair, _| {
            let text = pem(&pair.spki());
            let inner: String = text.lines().filter(|line| !line.starts_with('-')).collect();
            Some(format!("-----BEGIN PUBLIC KEY----- {inner} -----END PUBLIC KEY-----"))
        }),
        key("key/pem-in-quotes", 1, |pair, _| {
            Some(format!("\"{}\"", pem(&pair.spki()).replace('\n', "\\n")))
        }),
        key("key/base64-of-pem", 2, |pair, _| Some(base64(pem(&pair.spki()).as_bytes()))),
        key("key/spki-in-base64", 4, |pair, _| Some(base64(&pair.spki()))),
        key("key/spki-in-hex", 1, |pair, _| Some(hex(&pair.spki()))),
        key("key/raw-in-hex", 3, |pair, _| pair.raw().map(hex)),
        key("key/raw-in-base64", 3, |pair, _| pair.raw().map(base64)),
        key("key/raw-in-base64url", 1, |pair, _| pair.raw().map(base64url)),
        key("key/jwk", 2, |pair, _| Some(pair.jwk())),
        key("key/newline", 3, |_, given| Some(format!("{given}\n"))),
        key("key/quotes", 2, |_, given| Some(format!("\"{given}\""))),
        key("key/0x", 1, |pair, _| pair.raw().map(|raw| format!("0x{}", hex(raw)))),
        Fault::new("key/another", Side::Key, 3, |question, at, random| {
            let Some(Pair::Ed25519(_)) = at.delivery.pair else { return Did::Unfit };
            let (_, _, public) = crate::faults::keys::pair(at.delivery.look, random);
            question.key.bytes = public;
            Did::Spoilt
        })
        .hopeless(),
    ]
}
