//! The request to judge: a raw HTTP/1.1 message, JSON, or pieces from the command line.
//!
//! Strict, because what is judged must be what was sent: nothing is unfolded, put together or decoded on the way. Line
//! ends of the head may be bare newlines, for people keep captures in editors; the body is taken byte for byte.

use crate::args::PartArgs;
use crate::error::Failure;
use crate::{output, secret};
use countersign::{Head, HeaderName, Request};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The largest request that is read, in bytes.
const MOST: u64 = 64 * 1024 * 1024;

/// The most headers that are read.
const MOST_HEADERS: usize = 512;

/// A request that owns its parts.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) method: String,
    pub(crate) url: Address,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

/// Where a request went.
#[derive(Debug)]
pub(crate) enum Address {
    /// As somebody said.
    Given(String),
    /// As the request itself says, without a scheme: a target, and perhaps a host.
    Wire { host: Option<String>, target: String },
    /// Not said at all.
    Unknown,
}

/// Standard input can be read once: who has taken it?
#[derive(Default)]
pub(crate) struct Stdin(Option<&'static str>);

impl Stdin {
    /// Refuse a command line that names it twice, before any of it is read.
    pub(crate) fn check(secrets: &[String], others: &[Option<&str>]) -> Result<(), Failure> {
        let mut stdin = Stdin::default();
        others.iter().filter(|other| **other == Some("-")).try_for_each(|_| stdin.claim("the request"))?;
        secrets.iter().filter(|spec| secret::is_stdin(spec)).try_for_each(|_| stdin.claim("a secret"))
    }

    /// Take it.
    pub(crate) fn claim(&mut self, what: &'static str) -> Result<(), Failure> {
        match self.0.replace(what) {
            None => Ok(()),
            Some(other) => {
                Err(Failure::usage(format!("standard input can be only one of {other} and {what}"))
                    .next("put one of them into a file, or a secret into the environment (env:NAME)"))
            }
        }
    }
}

impl Incoming {
    /// Read what REQUEST names, or put it together from pieces.
    pub(crate) fn read(request: Option<&Path>, parts: &PartArgs, stdin: &mut Stdin) -> Result<Self, Failure> {
        let mut incoming = match request {
            Some(path) => Self::parse(&read_all(path, "the request", stdin)?)?,
            None if parts.header.is_empty() && parts.body.is_none() && parts.url.is_none() => {
                return Err(Failure::usage("there is no request to judge")
                    .next("name a file, or `-` for standard input; or give --header, --body and --url"));
            }
            None => Self::from_parts(parts, stdin)?,
        };
        if let Some(url) = &parts.url {
            incoming.url = Address::Given(absolute(url)?);
        }
        Ok(incoming)
    }

    /// Put one together from pieces.
    pub(crate) fn from_parts(parts: &PartArgs, stdin: &mut Stdin) -> Result<Self, Failure> {
        let PartArgs { method, url, header, body } = parts;
        let headers = header.iter().map(|text| header_option(text)).collect::<Result<_, _>>()?;
        let url = url.as_deref().map(absolute).transpose()?.map_or(Address::Unknown, Address::Given);
        let body = match body.as_deref() {
            None => Vec::new(),
            Some("-") => read_all(Path::new("-"), "the body", stdin)?,
            Some(text) => match text.strip_prefix('@') {
                Some(file) => read_all(Path::new(file), "the body", stdin)?,
                None => text.as_bytes().to_vec(),
            },
        };
        let method = check_method(method.as_deref().unwrap_or("POST")).map_err(Failure::usage)?;
        Ok(Incoming { method, url, headers, body })
    }

    /// Read either form; JSON begins with a brace, and no method does.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Failure> {
        let read = match bytes.trim_ascii_start().first() {
            None => Err("it is empty".into()),
            Some(b'{') => parse_json(bytes),
            Some(_) => parse_http(bytes),
        };
        read.map_err(|says| {
            Failure::usage(format!("the request cannot be read: {}", output::plain(&says))).next(
                "give a raw HTTP/1.1 message (request line, headers, an empty line, body) \
                 or JSON: {\"method\", \"url\", \"headers\": [[name, value]], \"body\"}",
            )
        })
    }

    /// The URL that is judged. Where the wire does not say it and the scheme wants it, what is assumed is said aloud.
    pub(crate) fn settle_url(&self, wanted: bool) -> Result<String, Failure> {
        let (host, target) = match &self.url {
            Address::Given(url) => return Ok(url.clone()),
            Address::Wire { host, target } => (host.as_deref(), target.as_str()),
            Address::Unknown => (None, "/"),
        };
        match (host, wanted) {
            (Some(host), wanted) => {
                let url = format!("https://{host}{target}");
                if wanted {
                    output::note(&format!(
                        "this scheme signs the URL, which the request does not say in full; assumed {url} (else: --url URL)"
                    ));
                }
                Ok(url)
            }
            (None, true) => Err(Failure::usage("this scheme signs the URL, and it is not given")
                .next("--url URL, exactly as the sender was told it, query included")),
            (None, false) => Ok(format!("https://host.invalid{target}")),
        }
    }

    /// Lend it to the core.
    pub(crate) fn request<'r>(&'r self, url: &'r str) -> Request<'r> {
        Request::new(Head::new(&self.method, url, &self.headers), &self.body)
    }
}

/// A request as JSON: what `verify` reads and `sign` writes.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestJson {
    #[serde(default = "post")]
    pub(crate) method: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    #[serde(default)]
    pub(crate) headers: Vec<(String, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body_base64: Option<String>,
}

fn post() -> String {
    "POST".into()
}

fn parse_json(bytes: &[u8]) -> Result<Incoming, String> {
    let RequestJson { method, url, headers, body, body_base64 } =
        serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let body = match (body, body_base64) {
        (Some(_), Some(_)) => return Err("it has `body` and `body_base64`: keep one".into()),
        (Some(text), None) => text.into_bytes(),
        (None, Some(text)) => base64_simd::STANDARD
            .decode_to_vec(text.as_bytes())
            .map_err(|_| "`body_base64` is not base64 (standard alphabet, padded)")?,
        (None, None) => Vec::new(),
    };
    let headers = headers
        .into_iter()
        .map(|(name, value)| header(name, value.into_bytes()))
        .collect::<Result<_, _>>()?;
    let url = url.map(|url| is_absolute(&url).then_some(url).ok_or("its `url` is not http:// or https://"));
    let url = url.transpose()?.map_or(Address::Unknown, Address::Given);
    Ok(Incoming { method: check_method(&method)?, url, headers, body })
}

fn parse_http(bytes: &[u8]) -> Result<Incoming, String> {
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
    let mut headers = Vec::new();
    for parsed in parsed.headers.iter() {
        headers.push(header(parsed.name.into(), parsed.value.to_vec())?);
    }
    let body = bytes.get(start..).unwrap_or_default().to_vec();
    check_length(&headers, &body)?;
    let method = check_method(parsed.method.unwrap_or_default())?;
    let url = address(parsed.path.unwrap_or("/"), &headers)?;
    Ok(Incoming { method, url, headers, body })
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
fn check_length(headers: &[(String, Vec<u8>)], body: &[u8]) -> Result<(), String> {
    let named = |name: &'static str| headers.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name));
    if named("transfer-encoding").next().is_some() {
        return Err(
            "it has Transfer-Encoding: a signature covers the body put together again; save it so, and \
                    leave that header out"
                .into(),
        );
    }
    let mut lengths = named("content-length").map(|(_, value)| value);
    let Some(length) = lengths.next() else { return Ok(()) };
    if lengths.next().is_some() {
        return Err("it has Content-Length more than once".into());
    }
    let digits = length.iter().all(u8::is_ascii_digit);
    let length: usize = std::str::from_utf8(length)
        .ok()
        .filter(|_| digits)
        .and_then(|text| text.parse().ok())
        .ok_or("its Content-Length is no number")?;
    if length == body.len() {
        return Ok(());
    }
    let newline = body.len() == length + 1 && body.ends_with(b"\n");
    let cause = match newline {
        true => "an editor added a newline at the end",
        false if body.len() < length => "was it cut off?",
        false => "was something added?",
    };
    Err(format!("Content-Length says {length} bytes, and the body has {}: {cause}", body.len()))
}

/// Absolute-form says it all; else the target, and the host if it is said once.
fn address(target: &str, headers: &[(String, Vec<u8>)]) -> Result<Address, String> {
    if is_absolute(target) {
        return Ok(Address::Given(target.into()));
    }
    if !target.starts_with('/') {
        return Err("its target is neither a path nor an http URL".into());
    }
    let mut hosts =
        headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("host")).map(|(_, value)| value);
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

fn header_option(text: &str) -> Result<(String, Vec<u8>), Failure> {
    let wrong = |says: &str| Failure::usage(format!("--header: {says}")).next("write --header 'Name: value'");
    let (name, value) = text.split_once(':').ok_or_else(|| wrong("there is no `:` in it"))?;
    header(name.to_owned(), value.trim_matches([' ', '\t']).as_bytes().to_vec()).map_err(|says| wrong(&says))
}

fn header(name: String, value: Vec<u8>) -> Result<(String, Vec<u8>), String> {
    if HeaderName::new(&name).is_none() {
        return Err(format!("`{}` can be no header's name", output::plain(&name)));
    }
    match value.iter().any(|b| b"\r\n\0".contains(b)) {
        true => Err(format!("the value of header `{name}` holds a line break or a zero byte")),
        false => Ok((name, value)),
    }
}

fn check_method(method: &str) -> Result<String, String> {
    match !method.is_empty()
        && method.len() <= 32
        && method.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-')
    {
        true => Ok(method.to_ascii_uppercase()),
        false => Err(format!("`{}` is no method", output::plain(method))),
    }
}

fn absolute(url: &str) -> Result<String, Failure> {
    match is_absolute(url) {
        true => Ok(url.to_owned()),
        false => Err(Failure::usage("--url: this is no http:// or https:// URL")
            .next("write it as the sender was told it: https://example.com/hook?a=b")),
    }
}

fn is_absolute(url: &str) -> bool {
    let rest = ["https://", "http://"].iter().find_map(|scheme| {
        let (start, rest) = url.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    });
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#']))
        && !url.bytes().any(|b| b <= b' ' || b == 0x7f)
}

/// All of a file, or of standard input for `-`.
pub(crate) fn read_all(path: &Path, what: &'static str, stdin: &mut Stdin) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        stdin.claim(what)?;
        let read = io::stdin().lock().take(MOST + 1).read_to_end(&mut bytes);
        read.map_err(|error| Failure::stream("read standard input", error))?;
    } else {
        let failed = |error| Failure::io(&format!("read {what} from"), path, &error);
        File::open(path).map_err(failed)?.take(MOST + 1).read_to_end(&mut bytes).map_err(failed)?;
    }
    match bytes.len() as u64 > MOST {
        true => Err(Failure::usage(format!("{what} is longer than {MOST} bytes"))),
        false => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn wrong(text: &str) -> String {
        format!("{:?}", Incoming::parse(text.as_bytes()).unwrap_err())
    }

    #[test]
    fn a_raw_message_is_taken_byte_for_byte() {
        let text = "post /a?b HTTP/1.1\r\nHost: h:1\r\nX-A:  1 \r\nx-a: 2\n\r\n\n body\n";
        let Incoming { method, url, headers, body } = Incoming::parse(text.as_bytes()).unwrap();
        assert_eq!((&*method, &*body), ("POST", &b"\n body\n"[..]));
        assert!(matches!(url, Address::Wire { host: Some(h), target } if h == "h:1" && target == "/a?b"));
        assert_eq!(headers[1..], [("X-A".into(), b"1".to_vec()), ("x-a".into(), b"2".to_vec())]);
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
            ("Host: a\r\nHost: b\r\n\r\n", "Host more than once"),
            ("A: 1\r\n", "an empty line must stand"),
            ("A : 1\r\n\r\n", "in the head"),
        ] {
            let got = wrong(&format!("{head}{rest}"));
            assert!(got.contains(says), "{rest:?}: {got}");
        }
        assert!(wrong("").contains("it is empty"));
    }

    #[test]
    fn json_takes_what_it_knows_and_nothing_else() {
        let text = r#"{"url":"https://h/","headers":[["A","1"]],"body_base64":"/w=="}"#;
        let Incoming { method, headers, body, .. } = Incoming::parse(text.as_bytes()).unwrap();
        assert_eq!((&*method, headers.len(), &*body), ("POST", 1, &b"\xff"[..]));
        for (bad, says) in [
            (r#"{"body":"a","body_base64":"/w=="}"#, "keep one"),
            (r#"{"body":"a","body":"b"}"#, "duplicate field"),
            (r#"{"bdoy":"a"}"#, "unknown field"),
            (r#"{"headers":[["a b","1"]]}"#, "no header"),
            (r#"{"headers":[["a","1\n2"]]}"#, "line break"),
            (r#"{"url":"/a"}"#, "not http"),
            (r#"{"body_base64":"?"}"#, "not base64"),
        ] {
            assert!(wrong(bad).contains(says), "{bad}: {}", wrong(bad));
        }
    }
}
