//! Where in a JSON text a pointer's value stands, so that it can be replaced without printing the rest again.

use std::ops::Range;

/// The places of all values that a pointer names; `*` names every element. Empty if there is none, or where the text is
/// not JSON up to there. Of a string the quotes belong to its place.
pub(super) fn locate(text: &[u8], pointer: &str) -> Vec<Range<usize>> {
    let steps: Vec<String> =
        pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
    let mut found = Vec::new();
    walk(text, space(text, 0), &steps, &mut found);
    found
}

/// Collects what `steps` name in the value at `at`, and says where that value ends.
fn walk(text: &[u8], at: usize, steps: &[String], found: &mut Vec<Range<usize>>) -> Option<usize> {
    let end = match *text.get(at)? {
        b'"' => string(text, at)?,
        b'{' => entries(text, at, b'}', |text, at, _| {
            let key_end = string(text, at)?;
            let key: String = serde_json::from_slice(&text[at..key_end]).ok()?;
            let colon = space(text, key_end);
            let value = space(text, (text.get(colon) == Some(&b':')).then_some(colon + 1)?);
            walk(text, value, into(steps, |step| *step == key), found)
        })?,
        b'[' => entries(text, at, b']', |text, at, index| {
            walk(text, at, into(steps, |step| step == "*" || *step == index.to_string()), found)
        })?,
        _ => at + text[at..].iter().take_while(|b| !b",]} \t\r\n".contains(b)).count(),
    };
    if steps.is_empty() {
        found.push(at..end);
    }
    Some(end)
}

/// The steps below an entry; for one that is not meant, a step that names nothing.
fn into(steps: &[String], meant: impl Fn(&String) -> bool) -> &[String] {
    static NOWHERE: [String; 1] = [String::new()];
    match steps {
        [first, rest @ ..] if meant(first) => rest,
        _ => &NOWHERE,
    }
}

fn entries(
    text: &[u8],
    open: usize,
    close: u8,
    mut entry: impl FnMut(&[u8], usize, usize) -> Option<usize>,
) -> Option<usize> {
    let mut at = space(text, open + 1);
    let mut index = 0;
    while *text.get(at)? != close {
        at = space(text, entry(text, at, index)?);
        index += 1;
        match *text.get(at)? {
            b',' => at = space(text, at + 1),
            b if b == close => {}
            _ => return None,
        }
    }
    Some(at + 1)
}

fn string(text: &[u8], at: usize) -> Option<usize> {
    let mut end = (text.get(at) == Some(&b'"')).then_some(at + 1)?;
    loop {
        match *text.get(end)? {
            b'"' => return Some(end + 1),
            b'\\' => end += 2,
            _ => end += 1,
        }
    }
}

fn space(text: &[u8], at: usize) -> usize {
    at + text.iter().skip(at).take_while(|b| b.is_ascii_whitespace()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_where_they_stand() {
        let text = br#" {"a": [ {"b": "x\"y"}, {"b": 12 } ], "b":{"c/d":"z"}, "":1}"#;
        let found = |pointer: &str| -> Vec<String> {
            let ranges = locate(text, pointer).into_iter();
            ranges.map(|range| String::from_utf8_lossy(&text[range]).into_owned()).collect()
        };
        assert_eq!(found("/a/*/b"), [r#""x\"y""#, "12"]);
        assert_eq!(found("/a/1/b"), ["12"]);
        assert_eq!(found("/b/c~1d"), [r#""z""#]);
        assert!(found("/b/x").is_empty() && found("/a/2").is_empty());
        assert!(
            locate(b"a=b&c=d", "/a").is_empty()
                && locate(b"", "/a").is_empty()
                && locate(b"{\"a\"", "/a").is_empty()
        );
    }
}
