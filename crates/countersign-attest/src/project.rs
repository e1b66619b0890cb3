//! The projection: the exact bytes that are signed.
//!
//! Every item says its type and its length before its bytes, so no two lists of fields and values come to the same bytes: the
//! reader of a projection never has to guess where something ends. An absent field has a tag of its own, and so its absence is
//! signed: whoever adds it later is found out.

use crate::attestation::Attestation;
use crate::fields::steps;
use crate::names::alike;
use crate::reason::{Reason, Refused};
use serde_json::{Map, Number, Value};

/// What every projection begins with: no other signed text of ours, or of others, does.
pub const PREFIX: &str = "countersign-attestation-v1\n";

/// How many bytes a projection has at most.
pub const MAX_CONTENT: usize = 1024 * 1024;

/// How deep an event nests at most; the event itself is the first level.
pub const MAX_DEPTH: usize = 64;

/// The greatest integer that is covered, and the least with a minus: 2^53 − 1. The next one is where a reader that has
/// floating-point numbers alone begins to take two for one.
pub const MAX_INTEGER: i64 = (1 << 53) - 1;

/// What an attestation covers of an event.
pub(crate) struct Projection<'a> {
    pub(crate) content: Vec<u8>,
    /// Those fields that are not there.
    pub(crate) absent: Vec<&'a str>,
}

/// Project an event. Its cost is that of what is covered, and of the names beside it.
pub(crate) fn project<'a>(
    event: &Map<String, Value>,
    attestation: &Attestation<'a>,
) -> Result<Projection<'a>, Refused> {
    let mut out = Out(PREFIX.as_bytes().to_vec());
    out.text(attestation.algorithm.word())?;
    out.text(attestation.key_id)?;
    out.sized('i', attestation.time.to_string().as_bytes())?;
    out.head('a', attestation.fields.len())?;
    let mut absent = Vec::new();
    for field in &attestation.fields {
        out.text(field)?;
        let about = |reason| Refused::about(reason, field);
        match find(event, field).map_err(about)? {
            Some((value, depth)) => out.value(value, depth).map_err(about)?,
            None => {
                out.put(b"-")?;
                absent.push(*field);
            }
        }
    }
    Ok(Projection { content: out.0, absent })
}

/// The value at a field and the level it stands at, or that it is not there. Also what a verifier asks of required fields.
pub(crate) fn find<'e>(
    event: &'e Map<String, Value>,
    field: &str,
) -> Result<Option<(&'e Value, usize)>, Reason> {
    let mut object = event;
    let mut steps = steps(field).peekable();
    let mut depth = 1;
    while let Some(step) = steps.next() {
        if object.keys().any(|name| **name != *step && alike(name, &step)) {
            return Err(Reason::AmbiguousField);
        }
        depth += 1;
        match object.get(&*step) {
            None => return Ok(None),
            Some(value) if steps.peek().is_none() => return Ok(Some((value, depth))),
            Some(Value::Object(inner)) => object = inner,
            Some(_) => return Err(Reason::UnreachableField),
        }
    }
    Ok(None)
}

/// A number with the one spelling that integers have: no point, no exponent, no minus before zero.
pub(crate) fn integer(number: &Number) -> Option<i64> {
    let spelled = number.to_string();
    let value: i64 = spelled.parse().ok()?;
    let canonical = value.to_string() == spelled;
    (canonical && (-MAX_INTEGER..=MAX_INTEGER).contains(&value)).then_some(value)
}

struct Out(Vec<u8>);

impl Out {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Reason> {
        if self.0.len() + bytes.len() > MAX_CONTENT {
            return Err(Reason::TooLarge);
        }
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    /// A tag, a number in decimal, a colon.
    fn head(&mut self, tag: char, number: usize) -> Result<(), Reason> {
        self.put(format!("{tag}{number}:").as_bytes())
    }

    fn sized(&mut self, tag: char, bytes: &[u8]) -> Result<(), Reason> {
        self.head(tag, bytes.len())?;
        self.put(bytes)
    }

    fn text(&mut self, text: &str) -> Result<(), Reason> {
        self.sized('s', text.as_bytes())
    }

    fn value(&mut self, value: &Value, depth: usize) -> Result<(), Reason> {
        if (value.is_array() || value.is_object()) && depth > MAX_DEPTH {
            return Err(Reason::TooDeep);
        }
        match value {
            Value::Null => self.put(b"n"),
            Value::Bool(false) => self.put(b"f"),
            Value::Bool(true) => self.put(b"t"),
            Value::Number(number) => {
                let number = integer(number).ok_or(Reason::UnsupportedNumber)?;
                self.sized('i', number.to_string().as_bytes())
            }
            Value::String(text) => self.text(text),
            Value::Array(items) => {
                self.head('a', items.len())?;
                items.iter().try_for_each(|item| self.value(item, depth + 1))
            }
            Value::Object(members) => {
                // By the bytes of their names. The map may be one that keeps the order they came in.
                let mut members: Vec<(&String, &Value)> = members.iter().collect();
                members.sort_unstable_by_key(|(name, _)| name.as_bytes());
                self.head('o', members.len())?;
                members.into_iter().try_for_each(|(name, value)| {
                    self.text(name)?;
                    self.value(value, depth + 1)
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_integer_has_one_spelling() {
        let read = |text: &str| integer(&serde_json::from_str(text).unwrap());
        assert_eq!(read("9007199254740991"), Some(MAX_INTEGER));
        assert_eq!(read("-9007199254740991"), Some(-MAX_INTEGER));
        assert_eq!(read("0"), Some(0));
        for other in [
            "9007199254740992",
            "-9007199254740992",
            "-0",
            "1.0",
            "1e0",
            "0.5",
            "1e300",
            "18446744073709551615",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
