//! What the three properties of an event are called.
//!
//! Names are looked at without regard to case where a mistake would let something through: some readers, Go's of JSON among
//! them, take `Attestation_Verdict` for `attestation_verdict`, and so does whoever would like to write his own verdict.

use serde_json::{Map, Value};
use std::fmt;

/// How many bytes a name has at most.
pub const MAX_NAME: usize = 128;

/// The properties that attesting writes: no field that is covered is below them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Names {
    pub(crate) attestation: String,
    pub(crate) signature: String,
    pub(crate) verdict: String,
}

impl Names {
    /// Other names: 1 to [`MAX_NAME`] bytes each, different even without regard to case.
    pub fn new(attestation: &str, signature: &str, verdict: &str) -> Result<Self, NamesError> {
        let all = [attestation, signature, verdict];
        if all.iter().any(|name| name.is_empty() || name.len() > MAX_NAME) {
            return Err(NamesError("a property's name has 1 to 128 bytes"));
        }
        if alike(attestation, signature) || alike(attestation, verdict) || alike(signature, verdict) {
            return Err(NamesError("the three properties have names that differ by more than case"));
        }
        let [attestation, signature, verdict] = all.map(str::to_owned);
        Ok(Names { attestation, signature, verdict })
    }

    /// The property with what was covered.
    pub fn attestation(&self) -> &str {
        &self.attestation
    }

    /// The property with the signature of it.
    pub fn signature(&self) -> &str {
        &self.signature
    }

    /// The property that only a verifier writes.
    pub fn verdict(&self) -> &str {
        &self.verdict
    }

    /// Whether a top-level property is one of the three, in any case.
    pub(crate) fn reserves(&self, name: &str) -> bool {
        [&self.attestation, &self.signature, &self.verdict].iter().any(|reserved| alike(reserved, name))
    }

    /// Take away whatever stands where the verdict goes, in any case.
    pub(crate) fn strip_verdict(&self, event: &mut Map<String, Value>) {
        let copies: Vec<String> = event.keys().filter(|name| alike(name, &self.verdict)).cloned().collect();
        copies.iter().filter_map(|name| event.remove(name)).for_each(discard);
    }

    /// Write a property over what was there.
    pub(crate) fn set(event: &mut Map<String, Value>, name: &str, value: Value) {
        if let Some(old) = event.insert(name.to_owned(), value) {
            discard(old);
        }
    }
}

/// `attestation`, `attestation_signature` and `attestation_verdict`.
impl Default for Names {
    fn default() -> Self {
        Names {
            attestation: "attestation".to_owned(),
            signature: "attestation_signature".to_owned(),
            verdict: "attestation_verdict".to_owned(),
        }
    }
}

/// What is wrong with the names.
#[derive(Debug)]
pub struct NamesError(&'static str);

impl fmt::Display for NamesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for NamesError {}

/// Whether a reader that disregards case could take one for the other: ASCII letters, and the two others that fold to some
/// (U+017F, the long s, and U+212A, the sign of kelvin).
pub(crate) fn alike(one: &str, other: &str) -> bool {
    one.chars().map(folded).eq(other.chars().map(folded))
}

fn folded(c: char) -> char {
    match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        c => c.to_ascii_lowercase(),
    }
}

/// Drop a value level by level: one that nests without end was not made by a reader, and would end the stack.
fn discard(value: Value) {
    let mut pending = vec![value];
    while let Some(value) = pending.pop() {
        match value {
            Value::Array(items) => pending.extend(items),
            Value::Object(members) => pending.extend(members.into_iter().map(|(_, value)| value)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_that_a_careless_reader_confuses_are_refused() {
        for (attestation, signature, verdict) in
            [("a", "a", "v"), ("a", "A", "v"), ("a", "v", "V"), ("K", "s", "\u{212a}"), ("", "b", "c")]
        {
            assert!(Names::new(attestation, signature, verdict).is_err());
        }
        assert!(Names::new(&"a".repeat(129), "b", "c").is_err());
        assert!(Names::new("proof", "proof_sig", "proof_ok").is_ok());
    }

    #[test]
    fn case_is_folded_as_far_as_ascii_letters_go() {
        assert!(alike("attestation_verdict", "Atte\u{17f}tation_VERDICT") && alike("key", "\u{212a}EY"));
        assert!(!alike("a", "ab") && !alike("é", "É") && !alike("a_b", "a-b"));
    }
}
