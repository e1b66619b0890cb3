//! Signatures that are written, found or made in another way than is configured.

use super::{At, Did, Fault, Side};
use crate::faults::deliveries::{Delivery, Held, Question, layer};
use crate::faults::random::{ALPHANUMERIC, HEX, Random, base64, hex};
use countersign::KeyKind;

pub(crate) fn faults() -> Vec<Fault> {
    [configured(), written(), several(), made(), pairs()].into_iter().flatten().collect()
}

/// A change of the preset.
fn preset(
    code: &'static str,
    weight: usize,
    toml: impl Fn(&Question) -> Option<String> + Send + Sync + 'static,
) -> Fault {
    Fault::new(code, Side::Signature, weight, move |question, at, _| match toml(question) {
        Some(toml) => {
            let toml = format!("[{}]\n{toml}\n", question.mode());
            Did::if_so(question.lay(at.registry, &toml))
        }
        None => Did::Unfit,
    })
}

fn source(question: &Question, key: &str) -> Option<String> {
    question.set(&["signature_source", key])
}

fn configured() -> Vec<Fault> {
    let algorithm = |question: &Question, other: &str| {
        (question.mode() == "hmac" && question.set(&["algorithm"])? != other)
            .then(|| format!("algorithm = \"{other}\""))
    };
    let encoding = |question: &Question, other: &str| {
        (source(question, "encoding")? != other).then(|| format!("signature_source.encoding = \"{other}\""))
    };
    let place = |question: &Question, more: &str| {
        let (header, encoding) = (source(question, "header")?, source(question, "encoding")?);
        // In an array, which replaces; a table would be merged.
        Some(format!("signature_source = [{{ header = \"{header}\", encoding = \"{encoding}\"{more} }}]"))
    };
    vec![
        preset("signature/sha1-configured", 3, move |question| algorithm(question, "sha1")),
        preset("signature/sha256-configured", 3, move |question| algorithm(question, "sha256")),
        preset("signature/sha512-configured", 2, move |question| algorithm(question, "sha512")),
        preset("signature/hex-configured", 3, move |question| encoding(question, "hex")),
        preset("signature/base64-configured", 3, move |question| encoding(question, "base64")),
        preset("signature/another-header-configured", 4, |question| {
            source(question, "header")
                .map(|_| "signature_source.header = \"x-webhook-signature-sha256\"".into())
        }),
        preset("signature/prefix-not-configured", 3, move |question| {
            (source(question, "extract")? == "prefix").then(|| place(question, ""))?
        }),
        preset("signature/prefix-configured", 2, move |question| {
            match source(question, "extract").as_deref() {
                Some("raw") | None => place(question, ", extract = \"prefix\", prefix = \"sha256=\""),
                _ => None,
            }
        }),
        preset("signature/another-prefix-configured", 1, |question| {
            source(question, "prefix").map(|_| "signature_source.prefix = \"hmac-sha256=\"".into())
        }),
        preset("signature/another-version-configured", 1, |question| {
            (source(question, "extract")? == "kv_pairs").then(|| "signature_source.key = \"s\"".into())
        }),
    ]
}

/// A change of the text in the header.
fn header(
    code: &'static str,
    weight: usize,
    change: impl Fn(&str, &Question, &mut Random) -> Option<String> + Send + Sync + 'static,
) -> Fault {
    Fault::new(code, Side::Signature, weight, move |question, _, random| {
        let found = question.signature_header();
        let Some((name, value)) = found.and_then(|name| Some((name.clone(), question.header_text(&name)?)))
        else {
            return Did::Unfit;
        };
        match change(&value, question, random).filter(|changed| *changed != value) {
            Some(changed) => {
                question.set_header(&name, changed);
                Did::Spoilt
            }
            None => Did::Unfit,
        }
    })
}

/// What stands before the signature in a header that holds nothing else, and the signature.
fn alone<'v>(value: &'v str, question: &Question) -> Option<(&'v str, &'v str)> {
    match source(question, "extract").as_deref() {
        Some("kv_pairs") => None,
        Some("prefix") => {
            let prefix = source(question, "prefix")?;
            value.starts_with(&prefix).then(|| value.split_at(prefix.len()))
        }
        _ if question.mode() == "jwt" || question.mode() == "token" => None,
        _ => Some(("", value)),
    }
}

fn written() -> Vec<Fault> {
    vec![
        header("signature/quoted", 2, |value, _, _| Some(format!("\"{value}\""))),
        header("signature/prefix-lost", 2, |value, question, _| {
            alone(value, question).filter(|(prefix, _)| !prefix.is_empty()).map(|(_, rest)| rest.into())
        }),
        header("signature/prefix-in-capitals", 1, |value, question, _| {
            alone(value, question)
                .filter(|(prefix, _)| !prefix.is_empty())
                .map(|(prefix, rest)| format!("{}{rest}", prefix.to_uppercase()))
        }),
        header("signature/prefix-added", 2, |value, question, _| {
            alone(value, question)
                .filter(|(prefix, _)| prefix.is_empty())
                .map(|(_, rest)| format!("sha256={rest}"))
        }),
        header("signature/space-behind-prefix", 1, |value, question, _| {
            alone(value, question)
                .filter(|(prefix, _)| !prefix.is_empty())
                .map(|(prefix, rest)| format!("{prefix} {rest}"))
        }),
        header("signature/0x", 1, |value, question, _| {
            (source(question, "encoding")? == "hex").then_some(())?;
            alone(value, question).map(|(prefix, rest)| format!("{prefix}0x{rest}"))
        }),
        header("signature/padding-lost", 2, |value, question, _| {
            alone(value, question).map(|_| value.trim_end_matches('=').into())
        }),
        header("signature/url-alphabet", 2, |value, question, _| {
            let (prefix, rest) = alone(value, question)?;
            Some(format!("{prefix}{}", rest.trim_end_matches('=').replace('+', "-").replace('/', "_")))
        }),
        header("signature/percent-encoded", 1, |value, question, _| {
            alone(value, question)?;
            Some(value.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D"))
        }),
        header("signature/plus-as-space", 1, |value, question, _| {
            alone(value, question).map(|(prefix, rest)| format!("{prefix}{}", rest.replace('+', " ")))
        }),
        header("signature/base64-of-hex", 1, |value, question, _| {
            let (prefix, rest) = alone(value, question)?;
            const_hex::decode(rest).ok()?;
            Some(format!("{prefix}{}", base64(rest.as_bytes())))
        }),
        header("signature/cut-to-16-bytes", 1, |value, question, _| {
            (question.mode() == "hmac").then_some(())?;
            let (prefix, rest) = alone(value, question)?;
            Some(format!("{prefix}{}", hex(const_hex::decode(rest).ok()?.get(..16)?)))
        }),
    ]
}

fn several() -> Vec<Fault> {
    vec![
        header("signature/joined", 3, |value, _, _| Some(format!("{value}, {value}"))),
        header("signature/behind-an-older-one", 3, |value, question, random| {
            let (prefix, rest) = alone(value, question)?;
            let old: String = match source(question, "encoding")?.as_str() {
                "hex" => random.text(HEX, rest.len()),
                _ => base64(&random.bytes(32)),
            };
            Some(format!("{prefix}{old},{value}"))
        }),
        header("signature/ninth-of-nine", 1, |value, question, random| {
            source(question, "list")?;
            let old: Vec<String> = (0..9).map(|_| format!("v1,{}", base64(&random.bytes(32)))).collect();
            Some(format!("{} {value}", old.join(" ")))
        }),
        Fault::new("signature/header-twice", Side::Signature, 3, |question, _, _| {
            let found = question.signature_header();
            let Some(value) = found.as_ref().and_then(|name| question.header_text(name)) else {
                return Did::Unfit;
            };
            question.headers.extend(found.map(|name| (name, value.into_bytes())));
            Did::Spoilt
        }),
    ]
}

/// Made in another way by the sender.
fn made() -> Vec<Fault> {
    vec![
        signed_otherwise("signature/plain-hash", |secret, body| hash(&[secret, body])),
        signed_otherwise("signature/plain-hash-secret-behind", |secret, body| hash(&[body, secret])),
        signed_otherwise("signature/key-and-message-swapped", |secret, body| {
            let key = if body.len() > 64 { hash(&[body]) } else { body.to_vec() };
            let pad = |with: u8| -> Vec<u8> {
                (0..64).map(|at| key.get(at).copied().unwrap_or(0) ^ with).collect()
            };
            hash(&[&pad(0x5c), &hash(&[&pad(0x36), secret])])
        }),
        Fault::new("signature/at-random", Side::Signature, 3, |question, at, random| {
            let Some(forged) = forged(question, at, random) else { return Did::Unfit };
            question.headers = forged.headers;
            Did::Spoilt
        })
        .hopeless(),
    ]
}

fn hash(parts: &[&[u8]]) -> Vec<u8> {
    use sha2::Digest;
    let mut hash = sha2::Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().to_vec()
}

fn signed_otherwise(code: &'static str, make: fn(&[u8], &[u8]) -> Vec<u8>) -> Fault {
    Fault::new(code, Side::Signature, 1, move |question, _, _| {
        let plain = question.set(&["signed_template"]).as_deref() == Some("{body}")
            && question.mode() == "hmac"
            && question.set(&["algorithm"]).as_deref() == Some("sha256");
        let (Some(name), true) = (question.signature_header(), plain) else { return Did::Unfit };
        let made = make(&question.key.bytes, &question.body);
        let prefix = source(question, "prefix").unwrap_or_default();
        let text =
            if source(question, "encoding").as_deref() == Some("hex") { hex(&made) } else { base64(&made) };
        question.set_header(&name, format!("{prefix}{text}"));
        Did::Spoilt
    })
    .expects(&["algorithm/", "signature/", "message/"])
}

/// The same question, signed with a key that nobody knows.
pub(crate) fn forged(question: &Question, at: &At<'_>, random: &mut Random) -> Option<Question> {
    let pen = match question.key.kind {
        KeyKind::Shared => Held::of(KeyKind::Shared, random.text(ALPHANUMERIC, 44)),
        _ => Delivery::of(at.registry, at.delivery.known, crate::faults::bodies::Size::Small, random)?.pen,
    };
    let mut forged = question.clone();
    forged.carry(at.delivery.signed(at.registry, question, &pen)?);
    Some(forged)
}

/// Public keys: how their signatures are written and made.
fn pairs() -> Vec<Fault> {
    vec![
        algorithm("signature/p1363-configured", 3, "ecdsa-p256-sha256", "ecdsa-p256-sha256-p1363"),
        algorithm("signature/ecdsa-sha384-configured", 1, "ecdsa-p256-sha256", "ecdsa-p256-sha384"),
        algorithm("signature/rsa-sha512-configured", 2, "rsa-pkcs1-sha256", "rsa-pkcs1-sha512"),
        algorithm("signature/rsa-pss-configured", 3, "rsa-pkcs1-sha256", "rsa-pss-sha256"),
        // Written as two numbers of fixed width, where DER is configured.
        header("signature/p1363-written", 2, |value, question, _| {
            (question.set(&["algorithm"])? == "ecdsa-p256-sha256").then_some(())?;
            let der = base64_simd::STANDARD.decode_to_vec(value).ok()?;
            let (r, rest) = integer(der.get(2..)?)?;
            let (s, _) = integer(rest)?;
            Some(base64(&[r, s].concat()))
        }),
        // Signed for another algorithm, which the preset does not have.
        Fault::new("signature/rsa-pss-made", Side::Signature, 1, |question, at, _| {
            if question.set(&["algorithm"]).as_deref() != Some("rsa-pkcs1-sha256") {
                return Did::Unfit;
            }
            let mut sender = question.clone();
            sender.layer = layer("[public-key]\nalgorithm = \"rsa-pss-sha256\"\n").over(&sender.layer);
            match at.delivery.signed(at.registry, &sender, &at.delivery.pen) {
                Some(signed) => {
                    question.carry(signed);
                    Did::Spoilt
                }
                None => Did::Unfit,
            }
        }),
    ]
}

/// One algorithm configured where another is right.
fn algorithm(code: &'static str, weight: usize, right: &'static str, configured: &'static str) -> Fault {
    Fault::new(code, Side::Signature, weight, move |question, at, _| {
        if question.set(&["algorithm"]).as_deref() != Some(right) {
            return Did::Unfit;
        }
        let toml = format!("[{}]\nalgorithm = \"{configured}\"\n", question.mode());
        Did::if_so(question.lay(at.registry, &toml))
    })
}

/// An INTEGER in DER as 32 bytes, and what follows.
fn integer(der: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let (len, rest) = (usize::from(*der.get(1)?), der.get(2..)?);
    let (bytes, rest) = rest.split_at_checked(len)?;
    let bytes = bytes.strip_prefix(&[0]).unwrap_or(bytes);
    Some(([vec![0; 32_usize.checked_sub(bytes.len())?], bytes.to_vec()].concat(), rest))
}
