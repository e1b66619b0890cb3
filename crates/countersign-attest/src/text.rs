//! Events as text: read strictly, printed as they came.
//!
//! A reader that keeps the last of two equal names and a consumer that keeps the first see two events, of which one is signed.
//! So a name that comes twice is refused, anywhere in the text. And what is printed is the text that came with its three
//! properties changed: a number that nobody covers is not respelled on the way.

use crate::project::MAX_DEPTH;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::fmt;

/// Why a text is no event.
#[derive(Debug)]
pub struct Malformed(String);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Malformed {}

/// Read an event: UTF-8 without a byte order mark, one JSON object, no name twice in any object, at most [`MAX_DEPTH`] levels,
/// no lone surrogate, no number that is infinite as a double.
pub fn read(text: &[u8]) -> Result<Map<String, Value>, Malformed> {
    let malformed = |error: serde_json::Error| Malformed(error.to_string());
    let mut reader = serde_json::Deserializer::from_slice(text);
    Level(0).deserialize(&mut reader).and_then(|()| reader.end()).map_err(malformed)?;
    match serde_json::from_slice(text).map_err(malformed)? {
        Value::Object(event) => Ok(event),
        _ => Err(Malformed("an event is a JSON object, and this is none".to_owned())),
    }
}

/// The text of an event that was [`read`] from `original` and changed since: properties that are as they were are printed as
/// they were spelled and in their order; new ones come last. No white space is added, and none between properties is kept.
pub fn print(event: &Map<String, Value>, original: &[u8]) -> Result<String, Malformed> {
    let malformed = |error: serde_json::Error| Malformed(error.to_string());
    let mut members: Vec<(String, String)> = Vec::new();
    let mut reader = serde_json::Deserializer::from_slice(original);
    for (name, raw) in reader.deserialize_map(InOrder).map_err(malformed)? {
        let was: Value = serde_json::from_str(raw.get()).map_err(malformed)?;
        if event.get(&name) == Some(&was) {
            members.push((name, raw.get().to_owned()));
        }
    }
    let kept: HashSet<String> = members.iter().map(|(name, _)| name.clone()).collect();
    members.extend(
        event
            .iter()
            .filter(|(name, _)| !kept.contains(*name))
            .map(|(name, value)| (name.clone(), value.to_string())),
    );
    let members: Vec<String> =
        members.into_iter().map(|(name, value)| format!("{}:{value}", Value::String(name))).collect();
    Ok(format!("{{{}}}", members.join(",")))
}

/// How deep we are. Looks at everything and keeps nothing.
struct Level(usize);

impl Level {
    fn below<E: Error>(&self) -> Result<Level, E> {
        match self.0 < MAX_DEPTH {
            true => Ok(Level(self.0 + 1)),
            false => Err(E::custom("it nests deeper than 64")),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Level {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<(), A::Error> {
        let below = self.below::<A::Error>()?.0;
        while from.next_element_seed(Level(below))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<(), A::Error> {
        let below = self.below::<A::Error>()?.0;
        let mut names = HashSet::new();
        while let Some(name) = from.next_key::<String>()? {
            from.next_value_seed(Level(below))?;
            if !names.insert(name) {
                return Err(A::Error::custom("an object has a name twice"));
            }
        }
        Ok(())
    }
}

/// The properties of an object, each as it is spelled.
struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = from.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_readers_disagree_about_is_refused() {
        let deep = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
        assert!(read(deep(64).as_bytes()).is_ok());
        let (too_deep, array) = (deep(65), format!("{{\"a\":{}{}}}", "[".repeat(64), "]".repeat(64)));
        let texts: [&[u8]; 12] = [
            br#"{"a":1,"a":1}"#,
            br#"{"a":{"b":1,"\u0062":2}}"#,
            br#"{"a":"\ud800"}"#,
            br#"{"a":1e400}"#,
            br#"{"a":01}"#,
            br#"{"a":NaN}"#,
            br#"[]"#,
            br#"{} {}"#,
            b"\xef\xbb\xbf{}",
            b"{\"a\":\"\xff\"}",
            too_deep.as_bytes(),
            array.as_bytes(),
        ];
        for text in texts {
            assert!(read(text).is_err(), "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn what_was_not_changed_is_printed_as_it_was_spelled() {
        let text =
            br#" { "z": 1.10 ,"big":12345678901234567890123, "gone":1, "a":{"c":1,  "b":2}, "\u0062":[ ] } "#;
        let mut event = read(text).unwrap();
        event.remove("gone");
        event.insert("a".into(), 5.into());
        event.insert("new".into(), "x\n".into());
        let printed = print(&event, text).unwrap();
        assert_eq!(printed, r#"{"z":1.10,"big":12345678901234567890123,"b":[ ],"a":5,"new":"x\n"}"#);
        assert_eq!(read(printed.as_bytes()).unwrap(), event);
    }
}
