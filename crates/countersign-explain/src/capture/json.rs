//! JSON of our own; and which of the forms that are JSON one is.

use super::{Address, Capture, Entry, Form, Note, NoteKind, Withheld, base64, event, har, http};
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::marker::PhantomData;

/// How deep objects and lists may nest. What is read of a capture needs seven; a library's own limit is a feature away from being
/// none.
const MOST_DEPTH: usize = 64;

/// A request as JSON: what is read, and what is written.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RequestJson {
    /// `POST` if it is left out.
    #[serde(default = "post")]
    pub method: String,

    /// In full.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,

    /// Path and query, where scheme and host are not said; the host is then that of the header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,

    /// Pairs of name and value.
    #[serde(default)]
    pub headers: Vec<(String, ValueJson)>,

    /// The body, if it is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,

    /// The body, if it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_base64: Option<String>,

    /// The length of a body that is withheld.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_length: Option<u64>,

    /// The SHA-256 of a body that is withheld.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_sha256: Option<String>,

    /// What was remarked when it was first read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<NoteJson>,
}

/// The value of a header: a text, or `{"base64": …}` where it is none.
#[derive(Serialize)]
#[serde(untagged)]
pub enum ValueJson {
    /// UTF-8.
    Text(String),
    /// Other bytes.
    Bytes {
        /// In base64.
        base64: String,
    },
}

/// A note as JSON.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NoteJson {
    code: String,
    says: String,
}

/// The keys that only JSON of our own has.
const OURS: [&str; 7] = ["method", "url", "target", "body_base64", "body_length", "body_sha256", "notes"];

/// The keys by which an event is known.
const EVENTS: [&str; 4] = ["httpMethod", "requestContext", "rawPath", "multiValueHeaders"];

/// Read in its form whatever is JSON.
pub(super) fn entries(bytes: &[u8]) -> Result<Vec<Entry>, String> {
    if is_deep(bytes) {
        return Err(format!("it nests more than {MOST_DEPTH} objects and lists"));
    }
    if bytes.starts_with(b"[") {
        let all: Vec<RequestJson> = parsed(bytes)?;
        return match all.is_empty() {
            true => Err("it is a list of no requests".into()),
            false => Ok(all.into_iter().map(RequestJson::capture).collect()),
        };
    }
    let Members(members) = parsed::<Members<IgnoredAny>>(bytes)?;
    let has =
        |keys: &[&'static str]| keys.iter().copied().find(|key| members.iter().any(|(name, _)| name == key));
    match (has(&["log"]), has(&EVENTS), has(&OURS)) {
        (Some(log), Some(other), _) | (Some(log), _, Some(other)) | (None, Some(log), Some(other)) => {
            Err(format!("it has `{log}` and `{other}`, which are of different forms: keep what is of one"))
        }
        (Some(_), None, None) => har::entries(bytes),
        (None, Some(_), None) => Ok(vec![event::read(bytes)]),
        (None, None, _) => Ok(vec![parsed::<RequestJson>(bytes)?.capture()]),
    }
}

/// Parsed, or why not and where.
pub(super) fn parsed<'b, T: Deserialize<'b>>(bytes: &'b [u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}

impl RequestJson {
    pub(super) fn of(capture: &Capture) -> Self {
        let Capture { method, url, headers, body, withheld, notes, form: _ } = capture;
        let (url, target) = match url {
            Address::Given(url) => (Some(url.clone()), None),
            Address::Wire { target, .. } => (None, Some(target.clone())),
            Address::Unknown => (None, None),
        };
        let base64 = |bytes: &[u8]| base64_simd::STANDARD.encode_to_string(bytes);
        let (body, body_base64) = match std::str::from_utf8(body) {
            _ if withheld.is_some() => (None, None),
            Ok(body) => (Some(body.to_owned()), None),
            Err(_) => (None, Some(base64(body))),
        };
        let value = |value: &[u8]| match std::str::from_utf8(value) {
            Ok(text) => ValueJson::Text(text.into()),
            Err(_) => ValueJson::Bytes { base64: base64(value) },
        };
        RequestJson {
            method: method.clone(),
            url,
            target,
            headers: headers.iter().map(|(name, bytes)| (name.clone(), value(bytes))).collect(),
            body,
            body_base64,
            body_length: withheld.as_ref().map(|withheld| withheld.length),
            body_sha256: withheld.as_ref().map(|withheld| withheld.sha256.clone()),
            notes: notes
                .iter()
                .map(|Note { code, says }| NoteJson { code: (*code).into(), says: says.clone() })
                .collect(),
        }
    }

    fn capture(self) -> Entry {
        let RequestJson { method, url, target, headers, body, body_base64, body_length, body_sha256, notes } =
            self;
        let withheld = withheld(body_length, body_sha256)?;
        let body = match (body, body_base64) {
            (Some(_), Some(_)) => return Err("it has `body` and `body_base64`: keep one".into()),
            (Some(_), None) | (None, Some(_)) if withheld.is_some() => {
                return Err("it has a body, and `body_sha256` of one that is withheld: keep one".into());
            }
            (Some(text), None) => text.into_bytes(),
            (None, Some(text)) => base64(&text, "`body_base64`")?,
            (None, None) => Vec::new(),
        };
        let value = |(name, value)| match value {
            ValueJson::Text(text) => Ok((name, text.into_bytes())),
            ValueJson::Bytes { base64: text } => {
                let bytes = base64(&text, &format!("the value of header `{name}`"))?;
                Ok((name, bytes))
            }
        };
        let headers = headers.into_iter().map(value).collect::<Result<Vec<_>, String>>()?;
        let url = match (url, target) {
            (Some(_), Some(_)) => return Err("it has `url` and `target`: keep one".into()),
            (Some(url), None) if super::is_absolute(&url) => Address::Given(url),
            (Some(_), None) => return Err("its `url` is not http:// or https://".into()),
            (None, Some(target)) if super::is_target(&target) => http::address(&target, &headers)?,
            (None, Some(_)) => {
                return Err("its `target` is no path: it begins with `/` and has no blank".into());
            }
            (None, None) => Address::Unknown,
        };
        let mut capture = Capture::put_together(Form::Json, &method, url, headers, body)?;
        capture.notes = notes.into_iter().map(note).collect::<Result<_, _>>()?;
        let told = capture.notes.iter().any(|note| note.code == NoteKind::WITHHELD.code);
        if let Some(withheld) = withheld {
            if !told {
                capture.notes.push(withheld.note());
            }
            capture.withheld = Some(withheld);
        }
        Ok(capture)
    }
}

impl Withheld {
    pub(super) fn note(&self) -> Note {
        let Withheld { length, sha256 } = self;
        let says = format!("the body was kept back: {length} bytes, SHA-256 {sha256}");
        Note::new(NoteKind::WITHHELD, says)
    }
}

fn post() -> String {
    "POST".into()
}

fn withheld(length: Option<u64>, sha256: Option<String>) -> Result<Option<Withheld>, String> {
    match (length, sha256) {
        (None, None) => Ok(None),
        (Some(length), Some(sha256)) => {
            let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
            match sha256.len() == 64 && sha256.bytes().all(hex) {
                true => Ok(Some(Withheld { length, sha256 })),
                false => Err("`body_sha256` is not 64 digits of lower-case hex".into()),
            }
        }
        _ => Err("`body_length` and `body_sha256` stand together or not at all".into()),
    }
}

fn note(NoteJson { code, says }: NoteJson) -> Result<Note, String> {
    match NoteKind::find(&code) {
        Some(kind) => Ok(Note::new(kind, says)),
        None => {
            let known: Vec<&str> = NoteKind::ALL.iter().map(|kind| kind.code).collect();
            Err(format!("there is no note `{code}`: there are {}", known.join(", ")))
        }
    }
}

impl<'de> Deserialize<'de> for ValueJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Value;
        impl<'de> Visitor<'de> for Value {
            type Value = ValueJson;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or {\"base64\": …}")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ValueJson, E> {
                Ok(ValueJson::Text(text.into()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ValueJson, A::Error> {
                match map.next_entry::<String, String>()? {
                    Some((key, base64)) if key == "base64" && map.next_key::<String>()?.is_none() => {
                        Ok(ValueJson::Bytes { base64 })
                    }
                    _ => Err(de::Error::custom("the value of a header is a text, or {\"base64\": …}")),
                }
            }
        }
        deserializer.deserialize_any(Value)
    }
}

/// The members of an object in the order in which they stand; a name that comes twice is refused.
pub(super) struct Members<T>(pub(super) Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Members<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Each<T> {
            type Value = Members<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<T>, A::Error> {
                let (mut members, mut names) = (Vec::new(), std::collections::HashSet::new());
                while let Some((name, value)) = map.next_entry::<String, T>()? {
                    if !names.insert(name.clone()) {
                        return Err(de::Error::custom(format!("duplicate field `{name}`")));
                    }
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Each(PhantomData))
    }
}

/// Whether it nests too deep, looked at before anything is parsed.
fn is_deep(bytes: &[u8]) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0usize, false, false);
    for b in bytes {
        match b {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => depth += 1,
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MOST_DEPTH {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(text: &str) -> Result<Capture, String> {
        Capture::read(text.as_bytes(), None).map_err(|error| error.says)
    }

    #[test]
    fn json_takes_what_it_knows_and_nothing_else() {
        let text = r#"{"url":"https://h/","headers":[["A","1"]],"body_base64":"/w=="}"#;
        let Capture { method, headers, body, .. } = read(text).unwrap();
        assert_eq!((&*method, headers.len(), &*body), ("POST", 1, &b"\xff"[..]));
        for (bad, says) in [
            (r#"{"body":"a","body_base64":"/w=="}"#, "keep one"),
            (r#"{"body":"a","body":"b"}"#, "duplicate field"),
            (r#"{"bdoy":"a"}"#, "unknown field"),
            (r#"{"headers":[["a b","1"]]}"#, "no header"),
            (r#"{"headers":[["a","1\n2"]]}"#, "line break"),
            (r#"{"headers":[["a",1]]}"#, "a text, or {\"base64\""),
            (r#"{"headers":[["a",{"base64":"?"}]]}"#, "not base64"),
            (r#"{"headers":[["a",{"base64":"","x":""}]]}"#, "a text, or {\"base64\""),
            (r#"{"url":"/a"}"#, "not http"),
            (r#"{"target":"a"}"#, "no path"),
            (r#"{"target":"/a","url":"https://h/"}"#, "keep one"),
            (r#"{"body_base64":"?"}"#, "not base64"),
            (r#"{"body_length":1}"#, "together"),
            (r#"{"body_length":1,"body_sha256":"x"}"#, "64 digits"),
            (r#"{"notes":[{"code":"x","says":""}]}"#, "there is no note `x`"),
            (r#"{"method":"POST","log":{}}"#, "different forms"),
            (r#"{"method":"POST","httpMethod":"POST"}"#, "different forms"),
            (r#"{"log":{},"rawPath":"/"}"#, "different forms"),
            ("[]", "no requests"),
            ("{} {}", "trailing"),
        ] {
            let says_it = read(bad).unwrap_err();
            assert!(says_it.contains(says), "{bad}: {says_it}");
        }
    }

    #[test]
    fn every_part_of_a_request_has_its_place_and_comes_back() {
        let headers = vec![
            ("Host".to_owned(), b"h".to_vec()),
            ("a".to_owned(), b"\xff".to_vec()),
            ("a".to_owned(), b" \x01".to_vec()),
        ];
        for url in [
            Address::Unknown,
            Address::Given("http://h/\u{e9}?a=%20#f".into()),
            Address::Wire { host: Some("h".into()), target: "/?".into() },
        ] {
            for body in [&b""[..], b"\0", b"\r\n\xff", "\u{1f980}".as_bytes()] {
                let mut capture = Capture::new("PUT", url.clone(), headers.clone(), body.into()).unwrap();
                capture.notes.push(Note::of(NoteKind::TEXT));
                let mut back = read(&serde_json::to_string(&capture.to_json()).unwrap()).unwrap();
                assert_eq!(std::mem::replace(&mut back.form, Form::Pieces), Form::Json);
                assert!(back == capture, "{url:?} {body:?}");
            }
        }
    }

    #[test]
    fn a_list_holds_several_and_one_is_chosen_by_its_number() {
        let text = br#"[{"body":"a"},{"body":"b"},{"headers":[["",""]]}]"#;
        assert_eq!(Capture::read(text, Some(2)).unwrap().body, b"b");
        let wrong = |entry| Capture::read(text, entry).unwrap_err().says;
        assert!(wrong(None).contains("it holds 3 requests"));
        assert!(wrong(Some(0)).contains("counted from 1") && wrong(Some(4)).contains("3 requests"));
        assert!(wrong(Some(3)).contains("entry 3: `` can be no header's name"));
        assert!(Capture::read_all(text).unwrap_err().says.starts_with("entry 3: "));
    }

    #[test]
    fn what_nests_too_deep_is_not_parsed() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(read(&nested(65)).unwrap_err().contains("nests more than 64"));
        assert!(!read(&nested(64)).unwrap_err().contains("nests"));
        let text = format!(r#"{{"body":"\"{}"}}"#, "[".repeat(100));
        assert_eq!(read(&text).unwrap().body.len(), 101);
    }
}
