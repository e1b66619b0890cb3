//! JSON in its one spelling (RFC 8785): keys sorted, numbers as ECMAScript prints them, no white space.
//!
//! The surprising decision is what is refused. A canonical form that changes what it was given is worse than none, for nobody hears of
//! it: a reader that takes numbers for doubles makes another amount of a long one, and of two members of one name it forgets one.
//! So the text is read here, before any reader has lost how it was spelled, and whatever would change is a mistake of its author's.

use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// How deep arrays and objects may lie in one another.
pub(crate) const DEPTH: usize = 64;

/// The greatest whole number of which every reader makes the same (RFC 7493, section 2.2).
const GREATEST: u64 = (1 << 53) - 1;

/// Append `text`, one JSON value, to `out`. The cost grows with its length times its depth.
pub(crate) fn write(text: &str, out: &mut Vec<u8>) -> Result<(), Unstable> {
    let raw: &RawValue = serde_json::from_str(text).map_err(|error| Unstable::at("", not_json(&error)))?;
    value(raw, DEPTH, out)
}

/// Append a text in quotes. What serde_json escapes, and how, is what RFC 8785 wants.
pub(crate) fn write_text(text: &str, out: &mut Vec<u8>) {
    // A `Vec` takes whatever is written, and a text can always be.
    let _ = serde_json::to_writer(out, text);
}

/// What has no canonical form that says the same.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Unstable {
    /// Where, as a JSON pointer; filled from its end while reading unwinds.
    pub(crate) pointer: String,
    /// What, as the end of a sentence.
    pub(crate) says: Cow<'static, str>,
}

impl Unstable {
    fn at(pointer: &str, says: impl Into<Cow<'static, str>>) -> Self {
        Unstable { pointer: pointer.into(), says: says.into() }
    }

    fn below(mut self, token: &str) -> Self {
        self.pointer.insert_str(0, &token.replace('~', "~0").replace('/', "~1"));
        self.pointer.insert(0, '/');
        self
    }
}

/// The text of the payload is its author's, and not repeated: only the place in it.
fn not_json(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    format!("is no JSON (at line {line}, column {column})")
}

fn value(raw: &RawValue, depth: usize, out: &mut Vec<u8>) -> Result<(), Unstable> {
    let text = raw.get();
    let unread = |error: serde_json::Error| Unstable::at("", not_json(&error));
    match text.as_bytes().first() {
        Some(b'{' | b'[') if depth == 0 => Err(Unstable::at("", format!("is more than {DEPTH} levels deep"))),
        Some(b'{') => object(text, depth, out),
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text).map_err(unread)?;
            out.push(b'[');
            for (index, item) in items.into_iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                value(item, depth - 1, out).map_err(|wrong| wrong.below(&index.to_string()))?;
            }
            out.push(b']');
            Ok(())
        }
        Some(b'"') => {
            write_text(&serde_json::from_str::<String>(text).map_err(unread)?, out);
            Ok(())
        }
        Some(b'-' | b'0'..=b'9') => number(text, out),
        _ => {
            out.extend_from_slice(text.as_bytes());
            Ok(())
        }
    }
}

fn object(text: &str, depth: usize, out: &mut Vec<u8>) -> Result<(), Unstable> {
    let mut json = serde_json::Deserializer::from_str(text);
    let mut members = json.deserialize_map(Members).map_err(|error| Unstable::at("", not_json(&error)))?;
    // By UTF-16 units, as ECMAScript sorts.
    members.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
    if let Some(pair) = members.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(Unstable::at("", "stands twice in its object").below(&pair[0].0));
    }
    out.push(b'{');
    for (index, (name, member)) in members.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_text(&name, out);
        out.push(b':');
        value(member, depth - 1, out).map_err(|wrong| wrong.below(&name))?;
    }
    out.push(b'}');
    Ok(())
}

/// The members of an object as they stand, those that stand twice among them.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = from.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }
}

fn number(text: &str, out: &mut Vec<u8>) -> Result<(), Unstable> {
    let whole = text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit());
    if whole && !text.trim_start_matches('-').parse::<u64>().is_ok_and(|number| number <= GREATEST) {
        let says = format!(
            "is a number beyond {GREATEST}, of which not every reader makes the same: write it as a text"
        );
        return Err(Unstable::at("", says));
    }
    let double: f64 = text.parse().unwrap_or(f64::INFINITY);
    let mut buffer = ryu_js::Buffer::new();
    let printed = buffer.format(double);
    if !double.is_finite() || decimal(text) != decimal(printed) {
        let says = "is a number that a double does not hold, so that readers would make another of it: write it as a text, or shorter";
        return Err(Unstable::at("", says));
    }
    out.extend_from_slice(printed.as_bytes());
    Ok(())
}

/// What number a text spells: its sign, its digits without zeros around them, and where the point is. Zero has no sign here.
fn decimal(text: &str) -> (bool, String, i64) {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (negative, mantissa) = mantissa.strip_prefix('-').map_or((false, mantissa), |rest| (true, rest));
    let (before, behind) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{before}{behind}");
    let significant = digits.trim_start_matches('0');
    let leading = digits.len() - significant.len();
    let significant = significant.trim_end_matches('0');
    if significant.is_empty() {
        return (false, String::new(), 0);
    }
    // An exponent that does not fit is none that a double has either.
    let exponent = exponent.trim_start_matches('+').parse().unwrap_or(i64::MAX / 2);
    let exponent = i64::saturating_add(exponent, before.len() as i64).saturating_sub(leading as i64);
    (negative, significant.into(), exponent)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn canonical(text: &str) -> Result<String, String> {
        let mut out = Vec::new();
        write(text, &mut out).map_err(|wrong| format!("{} {}", wrong.pointer, wrong.says))?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn the_examples_of_rfc_8785_come_out_as_it_says() {
        // Section 3.2.2, but for the one number in it that changes.
        let text = r#"{"numbers": [1E30, 4.50, 2e-3, 0.000000000000000000000000001],
            "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}"#;
        let wanted = r#"{"literals":[null,true,false],"numbers":[1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#;
        assert_eq!(canonical(text).unwrap(), wanted);
        // Section 3.2.3.
        let text = r#"{"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh",
            "1": "One", "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"}"#;
        let sorted = canonical(text).unwrap();
        let order = ["Carriage", "One", "Control", "Latin", "Euro", "Emoji", "Hebrew"]
            .map(|word| sorted.find(word).unwrap());
        assert!(order.is_sorted(), "{sorted}");
    }

    #[test]
    fn what_is_canonical_stays_as_it_is_and_what_is_not_becomes_it_in_one_step() {
        for text in [
            "{}",
            "[]",
            r#"{"a":{"b":[1,-1,0.1,1e+21,"x"]}}"#,
            "null",
            "\"\u{7f}/\"",
            "9007199254740991",
            "5e-324",
        ] {
            assert_eq!(canonical(text).unwrap(), text);
        }
        for (text, wanted) in [
            (" { \"b\" : 1.0 , \"a\" : -0 } ", r#"{"a":0,"b":1}"#),
            ("1.5e3", "1500"),
            ("123456789012345.6e6", "123456789012345600000"),
            ("0.0e99999999999999999999", "0"),
        ] {
            assert_eq!(canonical(text).unwrap(), wanted);
        }
    }

    #[test]
    fn a_number_that_would_change_is_refused_and_its_place_is_told() {
        for number in [
            "9007199254740992",
            "-9007199254740993",
            "333333333.33333329",
            "0.1000000000000000055",
            "1e400",
            "1e-400",
            "99999999999999999999",
            "1e99999999999999999999",
            "0.001e-9223372036854775808",
            "9007199254740993.0",
        ] {
            let says = canonical(&format!(r#"{{"a/b":[0,{{"c~":{number}}}]}}"#)).unwrap_err();
            assert!(
                says.starts_with("/a~1b/1/c~0 is a number") && says.contains("write it as a text"),
                "{number}: {says}"
            );
        }
    }

    #[test]
    fn a_member_that_stands_twice_is_refused_at_any_depth_and_however_it_is_spelled() {
        assert_eq!(
            canonical(r#"[{"b":{"a":1,"\u0061":2}}]"#).unwrap_err(),
            "/0/b/a stands twice in its object"
        );
        assert_eq!(canonical(r#"[{"a":1},{"a":1}]"#).unwrap(), r#"[{"a":1},{"a":1}]"#);
    }

    #[test]
    fn what_is_no_json_and_what_is_too_deep_is_refused() {
        for bad in ["", "{", "{} {}", "01", "nul", r#""\ud800""#, "NaN", "[1,]"] {
            assert!(canonical(bad).unwrap_err().contains("is no JSON"), "{bad}");
        }
        assert!(canonical(&format!("{}{}", "[".repeat(DEPTH), "]".repeat(DEPTH))).is_ok());
        let deep = canonical(&format!("{}{}", "[".repeat(DEPTH + 1), "]".repeat(DEPTH + 1))).unwrap_err();
        assert!(deep.ends_with("is more than 64 levels deep"), "{deep}");
        assert!(canonical(&"[".repeat(1_000_000)).is_err());
    }
}
