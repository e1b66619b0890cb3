//! A raw HTTP/1.1 message.
//!
//! Line ends of the head may be bare newlines, for people keep captures in editors; the body is taken byte for byte.

use super::{Address, Capture, Form, MOST_HEADERS, Note, NoteKind, is_absolute, named};

pub(super) fn read(bytes: &[u8]) -> Result<Capture, String> {
    refuse_folding(bytes)?;
    let mut room = vec![httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut parsed = httparse::Request::new(&mut room);
    let start = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(start)) => start,
        Ok(httparse::Status::Partial) => {
            return Err("its head does not end: an empty line must stand after the headers".into());
        }
        Err(error) => return Err(format!("{error} in the head of an HTTP/1.1 message")),
    };
    let headers: Vec<(String, Vec<u8>)> =
        parsed.headers.iter().map(|header| (header.name.into(), header.value.to_vec())).collect();
    let body = bytes.get(start..).unwrap_or_default().to_vec();
    let url = address(parsed.path.unwrap_or("/"), &headers)?;
    let method = parsed.method.unwrap_or_default();
    let capture = Capture::put_together(Form::Http, method, url, headers, body)?;
    if named(&capture.headers, "transfer-encoding").next().is_none() {
        return Ok(capture.with_length_judged());
    }
    let says = "it has Transfer-Encoding: a signature covers the body put together again; save it so, and leave that header out";
    Ok(Capture { notes: vec![Note::new(NoteKind::CHUNKED, says)], ..capture })
}

pub(super) fn write(capture: &Capture) -> Result<Vec<u8>, String> {
    if capture.withheld.is_some() {
        return Err("its body is withheld, and HTTP has no place for the hash of one".into());
    }
    let target = match &capture.url {
        Address::Given(url) => url,
        Address::Wire { target, .. } => target,
        Address::Unknown => "/",
    };
    let mut out = format!("{} {target} HTTP/1.1\r\n", capture.method).into_bytes();
    for (name, value) in &capture.headers {
        let carried = |b: &u8| *b == b'\t' || *b >= b' ' && *b != 0x7f;
        if value.trim_ascii() != value || !value.iter().all(carried) {
            return Err(format!(
                "the value of header `{name}` has a control character, or blanks at its ends, which HTTP does not carry"
            ));
        }
        out.extend_from_slice(&[name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(&capture.body);
    Ok(out)
}

/// A line that begins with white space goes on with the one before it, in HTTP as it was. Two readers of such a head
/// read two different headers.
fn refuse_folding(bytes: &[u8]) -> Result<(), String> {
    let lines = bytes.split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    // Empty lines may stand before the head.
    let head =
        lines.enumerate().skip_while(|(_, line)| line.is_empty()).take_while(|(_, line)| !line.is_empty());
    match head.skip(1).find(|(_, line)| line.starts_with(b" ") || line.starts_with(b"\t")) {
        Some((index, _)) => Err(format!(
            "line {} begins with white space: a folded header, which is obsolete; write each header on one line",
            index + 1
        )),
        None => Ok(()),
    }
}

/// The body is all that follows; a length that says otherwise means that something was lost or added on the way.
pub(super) fn judge_length(headers: &[(String, Vec<u8>)], body: &[u8]) -> Option<Note> {
    let note = |says: String| Some(Note::new(NoteKind::LENGTH, says));
    let mut lengths = named(headers, "content-length");
    let length = lengths.next()?;
    if lengths.next().is_some() {
        return note("it has Content-Length more than once".into());
    }
    let digits = length.iter().all(u8::is_ascii_digit);
    let parsed = std::str::from_utf8(length).ok().filter(|_| digits).and_then(|text| text.parse().ok());
    let Some(length) = parsed else { return note("its Content-Length is no number".into()) };
    let length: usize = length;
    if length == body.len() {
        return None;
    }
    let newline = body.len().checked_sub(1) == Some(length) && body.ends_with(b"\n");
    let cause = match newline {
        true => "an editor added a newline at the end",
        false if body.len() < length => "was it cut off?",
        false => "was something added?",
    };
    note(format!("Content-Length says {length} bytes, and the body has {}: {cause}", body.len()))
}

/// Absolute-form says it all; else the target, and the host if it is said once.
pub(super) fn address(target: &str, headers: &[(String, Vec<u8>)]) -> Result<Address, String> {
    if is_absolute(target) {
        return Ok(Address::Given(target.into()));
    }
    let mut hosts = named(headers, "host");
    let host = match (hosts.next(), hosts.next()) {
        (_, Some(_)) => return Err("it has Host more than once".into()),
        (Some(host), None) => {
            let fits = |b: &u8| b.is_ascii_alphanumeric() || b"-._~:[]%".contains(b);
            if host.is_empty() || !host.iter().all(fits) {
                return Err("its Host is no host's name".into());
            }
            Some(String::from_utf8_lossy(host).into_owned())
        }
        (None, None) => None,
    };
    Ok(Address::Wire { host, target: target.into() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn wrong(text: &str) -> String {
        match Capture::read(text.as_bytes(), None).and_then(Capture::strict) {
            Ok(_) => panic!("{text:?} is taken"),
            Err(error) => error.says,
        }
    }

    #[test]
    fn a_raw_message_is_taken_byte_for_byte() {
        let text = "post /a?b HTTP/1.1\r\nHost: h:1\r\nX-A:  1 \r\nx-a: 2\n\r\n\n body\n";
        let Capture { method, url, headers, body, notes, .. } = Capture::read(text.as_bytes(), None).unwrap();
        assert_eq!((&*method, &*body, notes.len()), ("POST", &b"\n body\n"[..], 0));
        assert!(matches!(url, Address::Wire { host: Some(h), target } if h == "h:1" && target == "/a?b"));
        assert_eq!(headers[1..], [("X-A".into(), b"1".to_vec()), ("x-a".into(), b"2".to_vec())]);
    }

    #[test]
    fn a_body_may_be_any_bytes() {
        for body in [&b""[..], b"\0\xff\r\n\r\n", "\u{1f980}".as_bytes(), b"\n", b"POST / HTTP/1.1\r\n\r\n"] {
            let bytes = [b"POST / HTTP/1.1\r\nA: \xe9\r\n\r\n", body].concat();
            let capture = Capture::read(&bytes, None).unwrap();
            assert_eq!((&*capture.body, &*capture.headers[0].1), (body, &b"\xe9"[..]));
            assert_eq!(capture.to_http().unwrap(), bytes);
        }
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        let head = "POST / HTTP/1.1\r\n";
        for (rest, says) in [
            ("A: 1\r\n b\r\n\r\n", "line 3 begins with white space"),
            ("Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "Transfer-Encoding"),
            ("Content-Length: 1\r\nContent-Length: 1\r\n\r\na", "more than once"),
            ("Content-Length: +1\r\n\r\na", "no number"),
            ("Content-Length: 2\r\n\r\na", "was it cut off?"),
            ("Content-Length: 1\r\n\r\na\n", "an editor added a newline"),
            ("Content-Length: 18446744073709551615\r\n\r\na\n", "was it cut off?"),
            ("Host: a\r\nHost: b\r\n\r\n", "Host more than once"),
            ("A: 1\r\n", "an empty line must stand"),
            ("A : 1\r\n\r\n", "in the head"),
        ] {
            let got = wrong(&format!("{head}{rest}"));
            assert!(got.contains(says), "{rest:?}: {got}");
        }
        assert!(wrong("").contains("it is empty"));
        assert!(wrong("HTTP/1.1 200 OK\r\n\r\n").contains("a response"));
        assert!(wrong("\u{feff}POST a HTTP/1.1\r\n\r\n").contains("neither a path"));
    }

    #[test]
    fn for_explaining_a_length_that_is_wrong_is_a_note() {
        for (rest, code) in [
            ("Transfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n0\r\n\r\n", "transfer-encoding"),
            ("Content-Length: 2\r\n\r\na", "content-length"),
            ("Content-Length: x\r\n\r\na", "content-length"),
        ] {
            let capture = Capture::read(format!("POST / HTTP/1.1\r\n{rest}").as_bytes(), None).unwrap();
            let codes: Vec<&str> = capture.notes.iter().map(|note| note.code).collect();
            assert_eq!(codes, [code], "{rest:?}");
        }
    }

    #[test]
    fn what_http_does_not_carry_is_not_written() {
        for value in [&b" a"[..], b"a\t", b"a\x01b", b"\x7f"] {
            let headers = vec![("a".to_owned(), value.to_vec())];
            let capture = Capture::new("POST", Address::Unknown, headers, Vec::new()).unwrap();
            assert!(capture.to_http().is_err(), "{value:?}");
        }
    }
}
