//! A request that was kept, read from whatever it was kept in.
//!
//! Six forms are read: a raw HTTP/1.1 message, JSON of our own, a `curl` command line, a HAR, and what two kinds of gateway hand
//! to a function. Which one it is, its content says; what could be two is refused.
//!
//! The bytes of a body are kept exactly, and nothing is unfolded, put together or decoded on the way that the form does not
//! itself prescribe. Few forms say all that was sent: an exporter writes a body as text, a gateway decodes a query. A
//! reader that refused those could explain nothing, and one that kept still would have people search where nothing is
//! wrong; so a [`Capture`] is read as far as it goes, and a [`Note`] says each thing that may not be as it was sent.
//! [`Capture::strict`] is for judging: it refuses what contradicts itself.

mod curl;
mod event;
mod har;
mod http;
mod json;
mod note;
mod redact;
mod shell;

pub use json::{NoteJson, RequestJson, ValueJson};
pub use note::{Note, NoteKind};
pub use redact::{BodyKept, Redaction, STRIPPED, Stripped, Where};

use countersign::{Head, HeaderName, Request};
use sha2::{Digest, Sha256};
use std::error::Error;
use std::fmt;

/// The largest capture that is read, in bytes.
pub const MOST: usize = 64 * 1024 * 1024;

/// The most headers that a request may have.
const MOST_HEADERS: usize = 512;

/// A request that owns its parts.
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub struct Capture {
    /// In upper case.
    pub method: String,

    /// Where it went.
    pub url: Address,

    /// In the order in which they stand, names as written; those that came twice, twice.
    pub headers: Vec<(String, Vec<u8>)>,

    /// Byte for byte.
    pub body: Vec<u8>,

    /// What is known of a body that is not here, which then is empty.
    pub withheld: Option<Withheld>,

    /// What may not be as it was sent.
    pub notes: Vec<Note>,

    /// What it was read as.
    pub form: Form,
}

/// Where a request went.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Address {
    /// As somebody said, in full.
    Given(String),

    /// As the request itself says, without a scheme.
    Wire {
        /// Its only `Host`.
        host: Option<String>,
        /// The path, and the query if there is one.
        target: String,
    },

    /// Not said at all.
    Unknown,
}

/// What stands for a body that is kept back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Withheld {
    /// How many bytes it has.
    pub length: u64,

    /// Their SHA-256, in lower-case hex.
    pub sha256: String,
}

/// What a capture was read as.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Form {
    /// Put together, not read.
    Pieces,
    /// A raw HTTP/1.1 message.
    Http,
    /// JSON of our own.
    Json,
    /// A command line of `curl`.
    Curl,
    /// An entry of an HTTP archive.
    Har,
    /// What a gateway hands to a function, first version: the query comes decoded.
    EventV1,
    /// The same, second version.
    EventV2,
    /// What a load balancer hands to a function.
    EventBalancer,
}

/// Why a capture was not read, not judged or not written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CaptureError {
    /// What kind of trouble it is.
    pub trouble: Trouble,

    /// What is wrong, and where.
    pub says: String,
}

/// Kinds of trouble.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Trouble {
    /// It is in no known form, or not as that form should be.
    Unreadable,
    /// It holds so many requests, and one is wanted: say which.
    Several(usize),
    /// It holds so many requests, and not the one that was asked for.
    NoSuchEntry(usize),
    /// It contradicts itself: the code of the note that says how.
    Contradicts(&'static str),
    /// The form that was asked for has no place for something in it.
    Unwritable,
}

/// A capture, or what is wrong with it: the other entries are none the worse for it.
type Entry = Result<Capture, String>;

impl Capture {
    /// Put one together.
    ///
    /// # Errors
    /// If the method, a header or the URL could be none.
    pub fn new(
        method: &str,
        url: Address,
        headers: Vec<(String, Vec<u8>)>,
        body: Vec<u8>,
    ) -> Result<Self, CaptureError> {
        Self::put_together(Form::Pieces, method, url, headers, body).map_err(CaptureError::unreadable)
    }

    /// Read the one request that a capture holds, or of several the one at `entry`, counted from 1.
    ///
    /// # Errors
    /// If it cannot be read; if there are several and none is named, or it has fewer than that.
    pub fn read(bytes: &[u8], entry: Option<usize>) -> Result<Self, CaptureError> {
        let mut entries = entries(bytes).map_err(CaptureError::unreadable)?;
        let count = entries.len();
        let index = match (entry, count) {
            (None, 1) => 0,
            (None, _) => {
                let says = format!("it holds {count} requests, and one is wanted");
                return Err(CaptureError { trouble: Trouble::Several(count), says });
            }
            (Some(number), _) if (1..=count).contains(&number) => number - 1,
            (Some(number), _) => {
                let held = if count == 1 { "one request".into() } else { format!("{count} requests") };
                let says = format!("it holds {held}, counted from 1: there is no number {number}");
                return Err(CaptureError { trouble: Trouble::NoSuchEntry(count), says });
            }
        };
        entries.swap_remove(index).map_err(|says| at(index, count, says))
    }

    /// Read every request that a capture holds: at least one.
    ///
    /// # Errors
    /// If one of them cannot be read. The others can still be had by [`read`](Self::read).
    pub fn read_all(bytes: &[u8]) -> Result<Vec<Self>, CaptureError> {
        let entries = entries(bytes).map_err(CaptureError::unreadable)?;
        let count = entries.len();
        let told = |(index, entry): (usize, Entry)| entry.map_err(|says| at(index, count, says));
        entries.into_iter().enumerate().map(told).collect()
    }

    /// For judging: refuse what contradicts itself, such as a length that is not the body's.
    ///
    /// # Errors
    /// With the first note that makes a verdict worthless.
    pub fn strict(self) -> Result<Self, CaptureError> {
        match self.notes.iter().find(|note| note.kind().refuses) {
            Some(note) => {
                Err(CaptureError { trouble: Trouble::Contradicts(note.code), says: note.says.clone() })
            }
            None => Ok(self),
        }
    }

    /// Lend it to the core, with the URL that is to be judged.
    pub fn request<'r>(&'r self, url: &'r str) -> Request<'r> {
        Request::new(Head::new(&self.method, url, &self.headers), &self.body)
    }

    /// As a raw HTTP/1.1 message, to which nothing is added: what was read from one comes out as it was, but for line ends and
    /// blanks in the head. A URL that is given in full stands in full in the request line.
    ///
    /// # Errors
    /// If HTTP has no place for something in it: a body that was withheld, a header with control characters.
    pub fn to_http(&self) -> Result<Vec<u8>, CaptureError> {
        http::write(self).map_err(|says| CaptureError { trouble: Trouble::Unwritable, says })
    }

    /// As JSON of our own, which has a place for all of it.
    pub fn to_json(&self) -> RequestJson {
        RequestJson::of(self)
    }

    /// The SHA-256 of the body, in lower-case hex, also of one that is withheld.
    pub fn body_sha256(&self) -> String {
        match &self.withheld {
            Some(Withheld { sha256, .. }) => sha256.clone(),
            None => const_hex::encode(Sha256::digest(&self.body)),
        }
    }

    fn put_together(
        form: Form,
        method: &str,
        url: Address,
        headers: Vec<(String, Vec<u8>)>,
        body: Vec<u8>,
    ) -> Result<Self, String> {
        if headers.len() > MOST_HEADERS {
            return Err(format!("it has {} headers: {MOST_HEADERS} are allowed", headers.len()));
        }
        headers.iter().try_for_each(|(name, value)| check_header(name, value))?;
        url.check()?;
        Ok(Capture {
            method: check_method(method)?,
            url,
            headers,
            body,
            withheld: None,
            notes: Vec::new(),
            form,
        })
    }

    /// Add a note if the headers speak of another length than the body's.
    fn with_length_judged(mut self) -> Self {
        self.notes.extend(http::judge_length(&self.headers, &self.body));
        self
    }
}

/// Prints neither a header nor the body: some are secrets.
impl fmt::Debug for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, headers, body, form, notes, .. } = self;
        let notes: Vec<&str> = notes.iter().map(|note| note.code).collect();
        f.debug_struct("Capture")
            .field("method", method)
            .field("headers", &headers.len())
            .field("body", &body.len())
            .field("notes", &notes)
            .field("form", form)
            .finish_non_exhaustive()
    }
}

impl Address {
    /// The URL in full, if it is said: given, or a host and a target, and then `https` is assumed.
    pub fn assumed(&self) -> Option<String> {
        match self {
            Address::Given(url) => Some(url.clone()),
            Address::Wire { host: Some(host), target } => Some(format!("https://{host}{target}")),
            Address::Wire { host: None, .. } | Address::Unknown => None,
        }
    }

    /// The path and query, as far as they are said.
    pub fn target(&self) -> &str {
        match self {
            Address::Given(url) => split(url).1,
            Address::Wire { target, .. } => target,
            Address::Unknown => "/",
        }
    }

    fn check(&self) -> Result<(), String> {
        match self {
            Address::Given(url) if !is_absolute(url) => Err("its URL is not http:// or https://".into()),
            Address::Wire { target, .. } if !is_target(target) => {
                Err("its target is neither a path nor an http URL".into())
            }
            _ => Ok(()),
        }
    }
}

impl Form {
    /// What it is called.
    pub fn says(self) -> &'static str {
        match self {
            Form::Pieces => "pieces",
            Form::Http => "a raw HTTP/1.1 message",
            Form::Json => "JSON of our own",
            Form::Curl => "a curl command line",
            Form::Har => "an entry of a HAR",
            Form::EventV1 => "a gateway's event, version 1.0",
            Form::EventV2 => "a gateway's event, version 2.0",
            Form::EventBalancer => "a load balancer's event",
        }
    }

    /// What can be read, for whoever has something else.
    pub const READ: &'static str = "a raw HTTP/1.1 message (request line, headers, an empty line, body), \
        JSON ({\"method\", \"url\", \"headers\": [[name, value]], \"body\"}), a curl command line, a HAR, \
        or a gateway's event as JSON";
}

impl CaptureError {
    fn unreadable(says: String) -> Self {
        CaptureError { trouble: Trouble::Unreadable, says }
    }
}

impl fmt::Display for CaptureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.says)
    }
}

impl Error for CaptureError {}

/// Read in its form each request that a capture holds.
fn entries(bytes: &[u8]) -> Result<Vec<Entry>, String> {
    if bytes.len() > MOST {
        return Err(format!("it is longer than {MOST} bytes"));
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(
            "it is UTF-16, as some shells write files: save it as UTF-8, or as the bytes that it is".into()
        );
    }
    // Editors put a mark there, and none of the forms begins with it.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let start = bytes.trim_ascii_start();
    let word = start.split(u8::is_ascii_whitespace).next().unwrap_or_default();
    match (start.first(), word) {
        (None, _) => Err("it is empty".into()),
        (Some(b'{' | b'['), _) => json::entries(start),
        (_, b"curl") => Ok(vec![curl::read(start)]),
        (_, word) if word.starts_with(b"HTTP/") => {
            Err("it begins with the status line of a response, and a request is wanted".into())
        }
        _ => Ok(vec![http::read(bytes)]),
    }
}

/// Where in a capture of several something is wrong.
fn at(index: usize, count: usize, says: String) -> CaptureError {
    CaptureError::unreadable(if count == 1 { says } else { format!("entry {}: {says}", index + 1) })
}

fn check_header(name: &str, value: &[u8]) -> Result<(), String> {
    if HeaderName::new(name).is_none() {
        return Err(format!("`{name}` can be no header's name"));
    }
    match value.iter().any(|b| b"\r\n\0".contains(b)) {
        true => Err(format!("the value of header `{name}` holds a line break or a zero byte")),
        false => Ok(()),
    }
}

fn check_method(method: &str) -> Result<String, String> {
    let fits = |b: u8| b.is_ascii_alphabetic() || b == b'-';
    match !method.is_empty() && method.len() <= 32 && method.bytes().all(fits) {
        true => Ok(method.to_ascii_uppercase()),
        false => Err(format!("`{method}` is no method")),
    }
}

/// The values of one header.
fn named<'h>(headers: &'h [(String, Vec<u8>)], name: &'h str) -> impl Iterator<Item = &'h [u8]> {
    headers.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
}

/// Whether it is a URL with `http` or `https` and a host, and without a blank.
pub fn is_absolute(url: &str) -> bool {
    let rest = ["https://", "http://"].iter().find_map(|scheme| {
        let (start, rest) = url.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    });
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#'])) && has_no_blank(url)
}

/// Whether it can stand in a request line behind the method.
fn is_target(target: &str) -> bool {
    target.starts_with('/') && has_no_blank(target)
}

fn has_no_blank(text: &str) -> bool {
    !text.bytes().any(|b| b <= b' ' || b == 0x7f)
}

/// The authority of an absolute URL, and what follows it, without a fragment: a path, a query or nothing.
pub fn split(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
    rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()))
}

/// Percent-encoded, but for what RFC 3986 never needs encoded and what `keep` takes.
fn percent(bytes: &[u8], keep: impl Fn(u8) -> bool) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &b in bytes {
        match b.is_ascii_alphanumeric() || b"-._~".contains(&b) || b.is_ascii() && keep(b) {
            true => out.push(char::from(b)),
            false => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}

/// Strict base64: the standard alphabet, padded.
fn base64(text: &str, what: &str) -> Result<Vec<u8>, String> {
    base64_simd::STANDARD
        .decode_to_vec(text.as_bytes())
        .map_err(|_| format!("{what} is not base64 (standard alphabet, padded)"))
}
