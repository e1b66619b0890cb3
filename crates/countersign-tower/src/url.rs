//! The URL that senders were given.
//!
//! Some sign it. It is configuration: `Host` and `X-Forwarded-*` are the sender's words, and a signature over them would
//! prove nothing. Only the path and the query are the request's, byte for byte: a `%2F` decoded on the way is another URL.

use http::Uri;
use smallvec::SmallVec;
use std::fmt;

/// The part of the URL that a host publishes: scheme, name, and what a proxy in front takes off the path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicUrl(Box<str>);

/// Room for one URL: 256 bytes without an allocation, and more with one.
#[derive(Default)]
pub struct UrlRoom(SmallVec<[u8; 256]>);

impl PublicUrl {
    /// Read `https://hooks.example.com`, or `https://example.com/hooks` where a proxy takes `/hooks` off. A user, a query
    /// and a fragment are errors; a slash at the end is dropped, as paths begin with one.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        // Before an `@` may stand a password.
        let shown = text.rfind('@').map_or(text, |at| &text[at + 1..]);
        let wrong = |says| Err(UrlError { text: shown.into(), says });
        let Ok(uri) = text.parse::<Uri>() else { return wrong("it is no URL") };
        match (uri.scheme_str(), uri.authority()) {
            (Some("https" | "http"), Some(at)) if !at.as_str().contains('@') => {}
            (Some("https" | "http"), Some(_)) => return wrong("it has a user: leave that out"),
            (Some(_), Some(_)) => return wrong("its scheme is neither `https` nor `http`"),
            _ => return wrong("it has no scheme and host"),
        }
        if text.contains(['?', '#']) {
            return wrong("it has a query or a fragment: those are the request's");
        }
        Ok(PublicUrl(text.trim_end_matches('/').into()))
    }

    /// The base, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL of a request: this, and its path and query as they came.
    pub fn of<'b>(&self, uri: &Uri, room: &'b mut UrlRoom) -> &'b str {
        let path = uri.path_and_query().map_or("", |path| path.as_str());
        let UrlRoom(bytes) = room;
        bytes.clear();
        bytes.extend_from_slice(self.0.as_bytes());
        if !path.starts_with('/') {
            bytes.push(b'/');
        }
        bytes.extend_from_slice(path.as_bytes());
        // Two texts and a slash are text.
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

/// What is no public URL, and why.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UrlError {
    text: Box<str>,
    says: &'static str,
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let UrlError { text, says } = self;
        write!(
            f,
            "`{text}` is no public URL: {says}. Write the one that senders were given, up to where the path \
                   of a request begins: `https://hooks.example.com`"
        )
    }
}

impl std::error::Error for UrlError {}
