//! A HAR, version 1.2, as browsers and proxies write it: the request of each entry.
//!
//! It says `text` of a body, and a body is bytes. Version 1.2 has no word for how they became text; `encoding` is of a draft
//! of 1.3, and `_encoding` and `comment` are what exporters made do with. Where none of them stands, the text is taken as UTF-8,
//! and a note says so. What is not of HTTP (`data:`, `blob:`) stands in the archives of browsers too; such an entry is
//! read, so that the others keep their numbers.

use super::json::parsed;
use super::{Address, Capture, Entry, Form, Note, NoteKind, base64, is_absolute, percent};
use serde::Deserialize;

#[derive(Deserialize)]
struct Har {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    entries: Vec<One>,
}

#[derive(Deserialize)]
struct One {
    request: Asked,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    method: String,
    url: String,
    headers: Vec<Field>,
    post_data: Option<Posted>,
    body_size: Option<serde_json::Number>,
}

#[derive(Deserialize)]
struct Field {
    name: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Posted {
    mime_type: Option<String>,
    text: Option<String>,
    #[serde(default)]
    params: Option<Vec<Param>>,
    encoding: Option<String>,
    #[serde(rename = "_encoding")]
    own_encoding: Option<String>,
    comment: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Param {
    name: String,
    value: Option<String>,
    file_name: Option<String>,
}

pub(super) fn entries(bytes: &[u8]) -> Result<Vec<Entry>, String> {
    let Har { log: Log { entries } } = parsed(bytes)?;
    match entries.is_empty() {
        true => Err("the HAR has no entries".into()),
        false => Ok(entries.into_iter().map(|entry| entry.request.capture()).collect()),
    }
}

impl Asked {
    fn capture(self) -> Entry {
        let Asked { method, url, headers, post_data, body_size } = self;
        let mut notes = Vec::new();
        let (pseudo, fields): (Vec<Field>, Vec<Field>) =
            headers.into_iter().partition(|field| field.name.starts_with(':'));
        let mut headers: Vec<(String, Vec<u8>)> =
            fields.into_iter().map(|Field { name, value }| (name, value.into_bytes())).collect();
        if !pseudo.is_empty() {
            notes.push(Note::of(NoteKind::PSEUDO));
        }
        // What HTTP/2 says so, a gateway that passes it on as HTTP/1.1 says as `Host`.
        let host = pseudo.into_iter().find(|field| field.name == ":authority");
        if let Some(Field { value, .. }) = host.filter(|_| super::named(&headers, "host").next().is_none()) {
            headers.insert(0, ("Host".into(), value.into_bytes()));
        }
        let url = match is_absolute(&url) {
            true => Address::Given(url),
            false => {
                let scheme: String = url.chars().take_while(|c| *c != ':').take(20).collect();
                let says = format!("its URL begins with `{scheme}:`, and not with http: it was left out");
                notes.push(Note::new(NoteKind::FOREIGN, says));
                Address::Unknown
            }
        };
        let body = match post_data {
            Some(posted) => posted.body(&mut notes)?,
            None => Vec::new(),
        };
        let mut capture = Capture::put_together(Form::Har, &method, url, headers, body)?;
        capture.notes = notes;
        let mut capture = capture.with_length_judged();
        let counted = body_size.and_then(|size| size.as_u64());
        capture.notes.extend(counted.and_then(|counted| other_size(counted, &capture.body)));
        Ok(capture)
    }
}

impl Posted {
    fn body(self, notes: &mut Vec<Note>) -> Result<Vec<u8>, String> {
        let Posted { mime_type, text, params, encoding, own_encoding, comment } = self;
        let params = params.unwrap_or_default();
        let text = text.unwrap_or_default();
        if text.is_empty() && !params.is_empty() {
            return Ok(of_params(&mime_type.unwrap_or_default(), params, notes));
        }
        let remark = comment.filter(|comment| comment.eq_ignore_ascii_case("base64"));
        let encoding = encoding.or(own_encoding).filter(|encoding| !encoding.is_empty()).or(remark);
        match encoding {
            Some(encoding) if encoding.eq_ignore_ascii_case("base64") => base64(&text, "`postData.text`"),
            Some(encoding) if ["utf-8", "utf8"].iter().any(|known| encoding.eq_ignore_ascii_case(known)) => {
                Ok(text.into_bytes())
            }
            Some(encoding) => {
                Err(format!("the encoding of `postData.text` is `{encoding}`: base64 is known, and utf-8"))
            }
            None => {
                match text.contains('\u{fffd}') {
                    true => notes.push(Note::of(NoteKind::REPLACED)),
                    false if !text.is_empty() => notes.push(Note::of(NoteKind::TEXT)),
                    false => {}
                }
                Ok(text.into_bytes())
            }
        }
    }
}

/// A form can be written again, if not surely as it was; the parts of any other body are not all here.
fn of_params(kind: &str, params: Vec<Param>, notes: &mut Vec<Note>) -> Vec<u8> {
    let is_form = kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded");
    if !is_form || params.iter().any(|param| param.file_name.is_some()) {
        let says = format!("the HAR holds the {} parts of the body, and not the body", params.len());
        notes.push(Note::new(NoteKind::LOST, says));
        return Vec::new();
    }
    notes.push(Note::of(NoteKind::PARAMS));
    let encode = |text: &str| {
        percent(text.as_bytes(), |b| b == b' ' || b == b'*').replace(' ', "+").replace('~', "%7E")
    };
    let pair = |Param { name, value, .. }: &Param| match value {
        Some(value) => format!("{}={}", encode(name), encode(value)),
        None => encode(name),
    };
    params.iter().map(pair).collect::<Vec<_>>().join("&").into_bytes()
}

/// Some count bytes, others the units of a text in memory: either will do.
fn other_size(counted: u64, body: &[u8]) -> Option<Note> {
    let units = std::str::from_utf8(body).ok().map(|text| text.encode_utf16().count());
    let fits = [Some(body.len()), units].into_iter().flatten().any(|length| length as u64 == counted);
    let says = || format!("the HAR says that the body had {counted} bytes, and it has {}", body.len());
    match fits {
        true => None,
        false if body.is_empty() => Some(Note::new(NoteKind::LOST, says())),
        false => Some(Note::new(NoteKind::SIZE, says())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::{Value, json};

    fn har(requests: &[Value]) -> Vec<u8> {
        let entries: Vec<Value> = requests
            .iter()
            .map(|request| {
                json!({"startedDateTime": "2026-01-02T03:04:05Z", "time": 1.5, "request": request,
                "response": {"status": 200, "content": {"size": 0}}, "cache": {}, "timings": {}})
            })
            .collect();
        let log = json!({"log": {"version": "1.2", "creator": {"name": "x", "version": "1"}, "pages": [], "entries": entries}});
        serde_json::to_vec(&log).unwrap()
    }

    fn request(more: Value) -> Value {
        let mut request = json!({"method": "POST", "url": "https://h/a?b=c", "httpVersion": "HTTP/1.1", "cookies": [],
            "headers": [{"name": "X-A", "value": "1"}, {"name": "x-a", "value": "2"}], "queryString": [],
            "headersSize": -1, "bodySize": -1});
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        request
    }

    fn read(more: Value) -> (Capture, Vec<&'static str>) {
        let capture = Capture::read(&har(&[request(more)]), None).unwrap();
        let codes = capture.notes.iter().map(|note| note.code).collect();
        (capture, codes)
    }

    #[test]
    fn a_body_is_the_text_or_the_bytes_that_it_stands_for() {
        let (capture, notes) = read(json!({}));
        assert_eq!((&*capture.method, capture.body.len(), notes.len()), ("POST", 0, 0));
        assert_eq!(capture.url, Address::Given("https://h/a?b=c".into()));
        assert_eq!(capture.headers, [("X-A".into(), b"1".to_vec()), ("x-a".into(), b"2".to_vec())]);
        for (posted, body, codes) in [
            (json!({"mimeType": "x", "text": "a\r\n\u{0}"}), &b"a\r\n\0"[..], &["body-text"][..]),
            (json!({"mimeType": "x", "text": ""}), b"", &[]),
            (json!({"mimeType": "x", "text": "/w==", "encoding": "base64"}), b"\xff", &[]),
            (json!({"mimeType": "x", "text": "/w==", "_encoding": "base64"}), b"\xff", &[]),
            (json!({"mimeType": "x", "text": "/w==", "comment": "base64"}), b"\xff", &[]),
            (json!({"mimeType": "x", "text": "a", "comment": "hello"}), b"a", &["body-text"]),
            (json!({"text": "\u{fffd}"}), b"\xef\xbf\xbd", &["body-replaced"]),
            (
                json!({"mimeType": "application/x-www-form-urlencoded", "text": "a=b", "params": [{"name": "a", "value": "b"}]}),
                b"a=b",
                &["body-text"],
            ),
            (
                json!({"mimeType": "application/x-www-form-urlencoded; charset=utf-8", "text": "",
                "params": [{"name": "a b", "value": "\u{e9}&~*"}, {"name": "c"}]}),
                b"a+b=%C3%A9%26%7E*&c",
                &["body-made"],
            ),
            (
                json!({"mimeType": "multipart/form-data", "params": [{"name": "a", "fileName": "f"}]}),
                b"",
                &["body-lost"],
            ),
        ] {
            let (capture, notes) = read(json!({"postData": posted}));
            assert_eq!((&*capture.body, &*notes), (body, codes), "{posted}");
        }
    }

    #[test]
    fn sizes_that_are_not_the_bodys_are_noted() {
        let posted = json!({"mimeType": "x", "text": "\u{1f980}"});
        for (size, code) in [(4, None), (2, None), (3, Some("body-size")), (-1, None)] {
            let (_, notes) = read(json!({"bodySize": size, "postData": posted}));
            assert_eq!(notes.get(1).copied(), code, "{size}");
        }
        assert_eq!(read(json!({"bodySize": 5})).1, ["body-lost"]);
        let headers = json!([{"name": "Content-Length", "value": "5"}]);
        assert_eq!(read(json!({"headers": headers, "postData": posted})).1, ["body-text", "content-length"]);
    }

    #[test]
    fn what_only_http_2_has_is_left_out_and_its_authority_is_the_host() {
        let headers = json!([{"name": ":method", "value": "POST"}, {"name": ":authority", "value": "h"}, {"name": "a", "value": "1"}]);
        let (capture, notes) = read(json!({"headers": headers}));
        assert_eq!(capture.headers, [("Host".into(), b"h".to_vec()), ("a".into(), b"1".to_vec())]);
        assert_eq!(notes, ["headers-pseudo"]);
    }

    #[test]
    fn an_entry_that_cannot_be_read_leaves_the_others_their_numbers() {
        let bad = request(json!({"headers": [{"name": "a b", "value": ""}]}));
        let other = request(json!({"url": "data:text/plain,x", "method": "GET"}));
        let bytes = har(&[bad, other, request(json!({"postData": {"text": "x", "encoding": "gzip"}}))]);
        let other = Capture::read(&bytes, Some(2)).unwrap();
        assert_eq!((other.url, other.notes[0].code), (Address::Unknown, "url-foreign"));
        for (entry, says) in [
            (Some(1), "entry 1: `a b`"),
            (Some(3), "is `gzip`"),
            (None, "3 requests"),
            (Some(4), "3 requests"),
        ] {
            let error = Capture::read(&bytes, entry).unwrap_err();
            assert!(error.says.contains(says), "{error}");
        }
        assert!(Capture::read_all(&har(&[])).unwrap_err().says.contains("no entries"));
        assert!(Capture::read_all(br#"{"log":{}}"#).unwrap_err().says.contains("missing field `entries`"));
        assert!(
            Capture::read_all(br#"{"log":{"entries":[{}]}}"#)
                .unwrap_err()
                .says
                .contains("missing field `request`")
        );
    }
}
