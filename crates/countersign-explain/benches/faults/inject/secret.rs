//! What happens to a shared secret between the page that it is copied from and the program that uses it.

use super::{Did, Fault, Side};
use crate::faults::deliveries::{Delivery, Held, Look, NOW};
use crate::faults::random::{ALPHANUMERIC, Random, base64, hex};
use countersign::{KeyKind, Timestamp};

/// Another text in its place; `None` where there is none such.
type Change = fn(&str, &Delivery, &mut Random) -> Option<Vec<u8>>;

fn secret(code: &'static str, weight: usize, change: Change) -> Fault {
    Fault::new(code, Side::Secret, weight, move |question, at, random| {
        if question.key.kind != KeyKind::Shared {
            return Did::Unfit;
        }
        let text = String::from_utf8_lossy(&question.key.bytes).into_owned();
        match change(&text, at.delivery, random) {
            Some(changed) if changed != question.key.bytes => {
                question.key.bytes = changed;
                Did::Spoilt
            }
            _ => Did::Unfit,
        }
    })
}

/// The operator's preset reads the secret in another way than the sender.
fn read_as(code: &'static str, weight: usize, looks: &'static [Look], forms: &'static str) -> Fault {
    Fault::new(code, Side::Secret, weight, move |question, at, _| {
        if !looks.contains(&at.delivery.look) || question.set(&["signature_source", "header"]).is_none() {
            return Did::Unfit;
        }
        let toml = format!("[{}]\nkey = {{ forms = [{forms}], min_bytes = 16 }}\n", question.mode());
        Did::if_so(question.lay(at.registry, &toml))
    })
}

fn put(text: String) -> Option<Vec<u8>> {
    Some(text.into_bytes())
}

pub(crate) fn faults() -> Vec<Fault> {
    [around(), spelling(), readings(), others(), hopeless()].into_iter().flatten().collect()
}

/// What was pasted along.
fn around() -> Vec<Fault> {
    vec![
        // A file, a mounted secret, `echo` without `-n`: what most of these threads end with.
        secret("secret/newline", 10, |text, _, _| put(format!("{text}\n"))),
        secret("secret/crlf", 4, |text, _, _| put(format!("{text}\r\n"))),
        secret("secret/space", 5, |text, _, _| put(format!("{text} "))),
        secret("secret/leading-space", 3, |text, _, _| put(format!(" {text}"))),
        secret("secret/tab", 1, |text, _, _| put(format!("{text}\t"))),
        secret("secret/two-newlines", 1, |text, _, _| put(format!("{text}\n\n"))),
        // An `--env-file` keeps what a shell would take away.
        secret("secret/double-quotes", 5, |text, _, _| put(format!("\"{text}\""))),
        secret("secret/single-quotes", 3, |text, _, _| put(format!("'{text}'"))),
        secret("secret/quotes-and-newline", 1, |text, _, _| put(format!("\"{text}\"\n"))),
        secret("secret/literal-newline", 4, |text, _, _| put(format!("{text}\\n"))),
        secret("secret/bom", 2, |text, _, _| put(format!("\u{feff}{text}"))),
        secret("secret/zero-width-space", 2, |text, _, _| put(format!("{text}\u{200b}"))),
        secret("secret/no-break-space", 1, |text, _, _| put(format!("{text}\u{a0}"))),
        secret("secret/nul", 1, |text, _, _| put(format!("{text}\0"))),
        secret("secret/semicolon", 1, |text, _, _| put(format!("{text};"))),
        secret("secret/comma", 1, |text, _, _| put(format!("{text},"))),
        secret("secret/whole-line-of-env", 2, |text, _, _| put(format!("WEBHOOK_SECRET={text}"))),
        secret("secret/pasted-twice", 1, |text, _, _| put(format!("{text}{text}"))),
    ]
}

/// The same letters, written otherwise.
fn spelling() -> Vec<Fault> {
    vec![
        // What is in a cluster's manifest is base64, and is copied from there.
        secret("secret/base64-of-it", 5, |text, _, _| put(base64(text.as_bytes()))),
        secret("secret/base64-of-it-with-newline", 1, |text, _, _| {
            put(base64(format!("{text}\n").as_bytes()))
        }),
        secret("secret/hex-of-it", 1, |text, _, _| put(hex(text.as_bytes()))),
        secret("secret/percent-encoded", 2, |text, _, _| put(percent_encoded(text))),
        // A template's filter for scripts makes `=` into this.
        secret("secret/escaped-for-scripts", 2, |text, _, _| {
            let one = |c: char| match c {
                '<' | '>' | '&' | '=' | '\'' => format!("\\u{:04X}", u32::from(c)),
                c => c.to_string(),
            };
            put(text.chars().map(one).collect())
        }),
        secret("secret/escaped-for-html", 1, |text, _, _| {
            put(text.replace('&', "&amp;").replace('<', "&lt;").replace('\'', "&#39;"))
        }),
        secret("secret/large-hex", 2, |text, delivery, _| match delivery.look {
            Look::Hex => put(text.to_uppercase()),
            _ => None,
        }),
        secret("secret/padding-lost", 2, |text, delivery, _| match delivery.look {
            Look::Base64Text => put(text.trim_end_matches('=').into()),
            _ => None,
        }),
        secret("secret/url-alphabet", 1, |text, delivery, _| match delivery.look {
            Look::Base64Text | Look::Whsec => {
                let (prefix, rest) = text.split_at(if text.starts_with("whsec_") { 6 } else { 0 });
                put(format!("{prefix}{}", rest.replace('+', "-").replace('/', "_")))
            }
            _ => None,
        }),
        secret("secret/wrapped", 1, |text, _, _| {
            let (first, rest) = text.split_at_checked(76)?;
            put(format!("{first}\n{rest}"))
        }),
        secret("secret/utf-16", 2, |text, _, _| {
            Some(text.encode_utf16().flat_map(u16::to_le_bytes).collect())
        }),
        secret("secret/utf-16-with-mark", 1, |text, _, _| {
            Some(std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect())
        }),
    ]
}

fn percent_encoded(text: &str) -> String {
    let one = |byte: u8| match byte {
        _ if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

/// Text taken for an encoding, or the reverse.
fn readings() -> Vec<Fault> {
    const TEXT: &str = "{ decode = \"text\" }";
    const BASE64: &str = "{ prefix = \"whsec_\", decode = \"base64\" }, { decode = \"base64\" }";
    vec![
        read_as("secret/not-decoded", 6, &[Look::Whsec], TEXT),
        read_as(
            "secret/prefix-cut-and-not-decoded",
            2,
            &[Look::Whsec],
            "{ prefix = \"whsec_\", decode = \"text\" }",
        ),
        read_as("secret/decoded", 4, &[Look::WhsecText, Look::Base64Text], BASE64),
        read_as("secret/decoded-as-hex", 3, &[Look::Hex], "{ decode = \"hex\" }"),
        secret("secret/bytes-of-hex", 3, |text, delivery, _| match delivery.look {
            Look::Hex => const_hex::decode(text).ok(),
            _ => None,
        }),
        secret("secret/bytes-of-base64", 3, |text, delivery, _| match delivery.look {
            Look::Base64Text | Look::Whsec => {
                base64_simd::STANDARD.decode_to_vec(text.trim_start_matches("whsec_")).ok()
            }
            _ => None,
        }),
        secret("secret/hex-of-base64", 1, |text, delivery, _| match delivery.look {
            Look::Base64Text | Look::Whsec => {
                let bytes = base64_simd::STANDARD.decode_to_vec(text.trim_start_matches("whsec_")).ok()?;
                put(hex(&bytes))
            }
            _ => None,
        }),
        secret("secret/prefix-lost", 3, |text, delivery, _| match delivery.look {
            Look::WhsecText => put(text.trim_start_matches("whsec_").into()),
            _ => None,
        }),
        secret("secret/prefix-twice", 2, |text, _, _| {
            text.starts_with("whsec_").then(|| format!("whsec_{text}").into_bytes())
        }),
        // Some dashboards print the secret with the signature's version before it.
        secret("secret/version-pasted", 4, |text, delivery, _| match delivery.look {
            Look::Whsec => put(format!("v1,{text}")),
            _ => None,
        }),
    ]
}

/// Another's, or its own at another time.
fn others() -> Vec<Fault> {
    vec![
        // Test and live, two endpoints, two apps: the right one is held, for another source.
        Fault::new("secret/of-another-source", Side::Secret, 6, |question, _, random| {
            if question.key.kind != KeyKind::Shared || question.others.is_empty() {
                return Did::Unfit;
            }
            let at = random.below(question.others.len());
            std::mem::swap(&mut question.key, &mut question.others[at]);
            Did::Spoilt
        }),
        Fault::new("secret/after-its-window", Side::Secret, 2, |question, _, _| {
            question.key.ends = Some(Timestamp::from_unix(NOW - 60));
            Did::Spoilt
        })
        .expects(&["secret/", "key/", "time/"]),
    ]
}

/// The right one is nowhere.
fn hopeless() -> Vec<Fault> {
    let instead = |code, weight, change: Change| secret(code, weight, change);
    vec![
        instead("secret/name-of-a-variable", 3, |_, _, _| put("GITHUB_WEBHOOK_SECRET".into())).told(),
        instead("secret/an-api-key", 3, |_, _, random| {
            put(format!("sk_live_{}", random.text(ALPHANUMERIC, 24)))
        })
        .told(),
        instead("secret/a-variable-not-set-in-text", 1, |_, _, _| put("whsec_undefined".into())).told(),
        instead("secret/cut-short", 2, |text, _, _| put(text[..text.len() * 2 / 3].into())).hopeless(),
        instead("secret/in-small-letters", 2, |text, delivery, _| match delivery.look {
            Look::Hex => None,
            _ => put(text.to_lowercase()),
        })
        .hopeless(),
        instead("secret/masked", 1, |text, _, _| {
            let (first, last) = (text.get(..10)?, text.get(text.len() - 4..)?);
            put(format!("{first}************{last}"))
        })
        .hopeless(),
        Fault::new("secret/another", Side::Secret, 4, |question, at, random| {
            let other =
                Delivery::of(at.registry, at.delivery.known, crate::faults::bodies::Size::Small, random);
            match other {
                Some(other) if other.truth.key.bytes != question.key.bytes => {
                    question.key = Held { ends: None, ..other.truth.key };
                    Did::Spoilt
                }
                _ => Did::Unfit,
            }
        })
        .hopeless(),
    ]
}
