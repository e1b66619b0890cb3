//! The spellings of a secret: from what an operator copied to the bytes of a key, once, when a verifier is built.
//!
//! Lenient where no attacker writes and people do: padding may be missing. Strict on everything else, and a text that
//! fits no form is an error that says which there are.

use crate::config::{Reader, one_of};
use crate::keys::{Key, KeyError, KeyKind, Secret};
use std::sync::Arc;
use zeroize::Zeroizing;

/// How the secrets of a preset are written: its table `key`, as far as every mode has it.
#[derive(Clone, Debug)]
pub struct KeyForms {
    forms: Box<[Form]>,
    pub(crate) roles: Box<[Arc<str>]>,
    min_bytes: usize,
}

/// One spelling of a secret.
#[derive(Clone, Debug)]
struct Form {
    prefix: Box<str>,
    decode: Decode,
}

/// How the rest of a secret's text is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Decode {
    Text,
    Hex,
    Base64,
    Base64Url,
    Pem,
    Jwk,
}

impl Decode {
    pub(crate) const WORDS: [(&'static str, Decode); 6] = [
        ("text", Decode::Text),
        ("hex", Decode::Hex),
        ("base64", Decode::Base64),
        ("base64url", Decode::Base64Url),
        ("pem", Decode::Pem),
        ("jwk", Decode::Jwk),
    ];

    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, decode)| *decode == self).map_or("", |(word, _)| *word)
    }
}

impl KeyForms {
    /// Read `forms`, `roles`, `min_bytes` and `mistaken` of a table `key`. `kinds` are those of the mode: PEM and JWK are containers
    /// of public and private keys, and no spelling of a shared secret. The caller ends the reading.
    pub fn read(table: &Reader<'_>, kinds: &[KeyKind]) -> Option<Self> {
        let contained = kinds.iter().any(|kind| *kind != KeyKind::Shared);
        let known = if contained { &Decode::WORDS[..] } else { &Decode::WORDS[..4] };
        let words = || one_of(known.iter().map(|(word, _)| *word));
        let mut forms = Vec::new();
        if !table.has("forms") {
            table.missing("forms", format!("write `forms = [{{ decode = \"text\" }}]`, say: {}", words()));
        }
        for form in table.tables("forms") {
            let prefix = form.text("prefix").map_or_else(Box::default, |prefix| Box::from(&*prefix.value));
            if !form.has("decode") {
                form.missing("decode", format!("write `decode = \"text\"`, say: {}", words()));
            }
            forms.extend(form.choice("decode", known).map(|decode| Form { prefix, decode: decode.value }));
            form.finish();
        }
        let roles = table.texts("roles").unwrap_or_default().into_iter().map(|role| role.value).collect();
        let min_bytes = table.integer("min_bytes", 1..=4096).map_or(1, |n| n.value as usize);
        // What a secret is taken for by mistake is for whoever explains a failure: a secret may begin like that and be one.
        for mistaken in table.tables("mistaken") {
            let _ = (mistaken.required_text("prefix"), mistaken.required_text("is"));
            mistaken.finish();
        }
        (!forms.is_empty()).then(|| KeyForms { forms: forms.into(), roles, min_bytes })
    }

    /// A key's bytes, by the first form that its text fits: for `pem` the whole PEM text and for `jwk` the whole JSON text,
    /// which the mode reads. A key of a role that the preset does not have, or of none where it has some, is an error.
    pub fn decode(&self, key: &Key) -> Result<Secret, KeyError> {
        self.allow(key.role.as_ref())?;
        let text = key.material.expose();
        let Some(form) = self.forms.iter().find(|form| form.fits(text)) else {
            let known: Vec<String> = self.forms.iter().map(Form::says).collect();
            return Err(KeyError::new(format!(
                "the secret has no known form: it starts with {}",
                known.join(" or ")
            )));
        };
        let bytes = form.read(text).ok_or_else(|| {
            let word = form.decode.word();
            if text.starts_with(b"-----BEGIN ") {
                return KeyError::new(format!("the key is PEM, and this preset's keys are {word}"));
            }
            KeyError::new(match form.prefix.is_empty() {
                true => format!("the secret is not {word}: copy it again, whole"),
                false => {
                    format!("what follows `{}` is not {word}: copy the secret again, whole", form.prefix)
                }
            })
        })?;
        match bytes.len() {
            0 => Err(KeyError::new("the secret is empty: give its value")),
            len if len < self.min_bytes => Err(KeyError::new(format!(
                "the key has {len} bytes, and this preset's have at least {}",
                self.min_bytes
            ))),
            _ => Ok(Secret::of(bytes)),
        }
    }

    fn allow(&self, role: Option<&Arc<str>>) -> Result<(), KeyError> {
        let roles = || self.roles.iter().map(|role| format!("`{role}`")).collect::<Vec<_>>().join(" or ");
        match role {
            None if !self.roles.is_empty() => {
                Err(KeyError::new(format!("this preset's keys have a role: say {}", roles())))
            }
            Some(role) if !self.roles.contains(role) => Err(KeyError::new(match self.roles.is_empty() {
                true => format!("this preset's keys have no role, and so not `{role}`"),
                false => format!("unknown role `{role}`: say {}", roles()),
            })),
            _ => Ok(()),
        }
    }
}

impl Form {
    fn fits(&self, text: &[u8]) -> bool {
        match self.decode {
            Decode::Pem => text.trim_ascii_start().starts_with(PEM),
            Decode::Jwk => text.trim_ascii_start().starts_with(b"{"),
            _ => text.starts_with(self.prefix.as_bytes()),
        }
    }

    fn says(&self) -> String {
        match self.decode {
            Decode::Pem => "`-----BEGIN`".into(),
            Decode::Jwk => "`{`".into(),
            _ => format!("`{}…`", self.prefix),
        }
    }

    fn read(&self, text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let rest = || &text[self.prefix.len()..];
        let bytes = match self.decode {
            Decode::Text => rest().to_vec(),
            Decode::Hex if rest().starts_with(b"0x") => return None,
            Decode::Hex => const_hex::decode(rest()).ok()?,
            Decode::Base64 => forgiving_base64(rest(), b'+', b'/')?,
            Decode::Base64Url => forgiving_base64(rest(), b'-', b'_')?,
            Decode::Pem | Decode::Jwk => text.trim_ascii().to_vec(),
        };
        Some(Zeroizing::new(bytes))
    }
}

/// What every PEM text begins with.
const PEM: &[u8] = b"-----BEGIN ";

/// Base64 of one alphabet, padded or not, whatever its loose trailing bits.
fn forgiving_base64(text: &[u8], plus: u8, slash: u8) -> Option<Vec<u8>> {
    let padding = text.iter().rev().take(2).take_while(|b| **b == b'=').count();
    let text = &text[..text.len() - padding];
    if text.len() % 4 == 1 {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in text {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b if *b == plus => 62,
            b if *b == slash => 63,
            _ => return None,
        };
        (bits, held) = ((bits << 6 | u32::from(six)) & 0x3fff, held + 6);
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    Some(bytes)
}
