//! What of an accepted request's head goes into the store: JSON that every command of ours reads as a request, and that is read
//! again to hand it on. What may be a credential does not, nor does the value of a query's parameter that is called like one.

use crate::receive::{is_safe, safe};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A head as it is stored: with the URL that its sender signed, where that is known, and else with the target as it came.
#[derive(Deserialize, Serialize)]
pub(crate) struct Kept<'k> {
    headers: Vec<(Cow<'k, str>, KeptValue<'k>)>,
    method: Cow<'k, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<Cow<'k, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<Cow<'k, str>>,
}

/// What is no text is kept as it came, too.
#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum KeptValue<'k> {
    Text(Cow<'k, str>),
    Bytes { base64: String },
}

impl<'k> Kept<'k> {
    /// Of a request that came to `url`, if that is known; with those headers whose names are `wanted`, whatever they are called.
    pub(crate) fn of(head: &'k Parts, url: Option<&'k str>, wanted: &[&str]) -> Self {
        let query = head.uri.query().map(without_credentials);
        let whole = |path: &'k str| match &query {
            None => Cow::Borrowed(path),
            Some(query) => Cow::Owned(format!("{path}?{query}")),
        };
        let headers = safe(&head.headers, wanted).map(|(name, value)| {
            let bytes =
                || KeptValue::Bytes { base64: base64_simd::STANDARD.encode_to_string(value.as_bytes()) };
            let text = std::str::from_utf8(value.as_bytes());
            (Cow::Borrowed(name.as_str()), text.map_or_else(|_| bytes(), |text| KeptValue::Text(text.into())))
        });
        Kept {
            headers: headers.collect(),
            method: head.method.as_str().into(),
            target: url.is_none().then(|| whole(head.uri.path())),
            url: url.map(whole),
        }
    }

    /// What followed the question mark.
    pub(crate) fn query(&self) -> Option<&str> {
        let whole = self.url.as_deref().or(self.target.as_deref())?;
        whole.split_once('?').map(|(_, query)| query)
    }

    /// The headers that may go further, as they came, and those of these names: what may be a credential is kept for the target that
    /// asked for it.
    pub(crate) fn headers(&self, wanted: &[countersign::HeaderName]) -> HeaderMap {
        let goes = |name: &str| is_safe(name) || wanted.iter().any(|wanted| wanted.as_str() == name);
        let mut map = HeaderMap::with_capacity(self.headers.len() + 10);
        for (name, value) in &self.headers {
            let value = match value {
                KeptValue::Text(text) => HeaderValue::from_bytes(text.as_bytes()).ok(),
                KeptValue::Bytes { base64 } => base64_simd::STANDARD
                    .decode_to_vec(base64)
                    .ok()
                    .and_then(|bytes| HeaderValue::from_bytes(&bytes).ok()),
            };
            let name = HeaderName::from_bytes(name.as_bytes()).ok().filter(|name| goes(name.as_str()));
            if let (Some(name), Some(value)) = (name, value) {
                map.append(name, value);
            }
        }
        map
    }
}

/// A query as it came, but for values of parameters that are called like credentials.
fn without_credentials(query: &str) -> String {
    let parts = query.split('&').map(|part| match part.split_once('=') {
        Some((name, _)) if !is_safe(&decoded(name).to_ascii_lowercase()) => {
            Cow::Owned(format!("{name}=withheld"))
        }
        _ => Cow::Borrowed(part),
    });
    parts.collect::<Vec<_>>().join("&")
}

/// A parameter's name without its escapes: `%74oken` is `token`.
fn decoded(name: &str) -> Cow<'_, str> {
    match form_urlencoded::parse(name.as_bytes()).next() {
        Some((decoded, _)) => decoded,
        None => Cow::Borrowed(name),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_kept_is_read_again_as_it_came() {
        let request = http::Request::post("/in?a=1&%74oken=s3cret&b")
            .header("x-acme-id", "1")
            .header("x-acme-id", "2")
            .header("x-bytes", &b"\xff\xfe"[..])
            .header("x-umlaut", "ü")
            .header("authorization", "Bearer s3cret");
        let (head, ()) = request.body(()).unwrap().into_parts();
        let url = "https://hooks.example.com/in";
        let stored = serde_json::to_string(&Kept::of(&head, Some(url), &[])).unwrap();
        assert_eq!(
            stored,
            "{\"headers\":[[\"x-acme-id\",\"1\"],[\"x-acme-id\",\"2\"],[\"x-bytes\",{\"base64\":\"//4=\"}],\
             [\"x-umlaut\",\"ü\"]],\"method\":\"POST\",\"url\":\"https://hooks.example.com/in?a=1&%74oken=withheld&b\"}"
        );
        let read: Kept<'_> = serde_json::from_str(&stored).unwrap();
        assert_eq!(read.query(), Some("a=1&%74oken=withheld&b"));
        let mut came = head.headers.clone();
        came.remove("authorization");
        assert_eq!(read.headers(&[]), came);
        // Where the URL is not known, the target is kept; and what a target asks for is kept for it.
        let stored = serde_json::to_string(&Kept::of(&head, None, &["authorization"])).unwrap();
        assert!(
            stored.ends_with("\"method\":\"POST\",\"target\":\"/in?a=1&%74oken=withheld&b\"}"),
            "{stored}"
        );
        let read: Kept<'_> = serde_json::from_str(&stored).unwrap();
        assert_eq!(read.headers(&[]), came);
        let asked = countersign::HeaderName::new("authorization").unwrap();
        assert_eq!(read.headers(&[asked]), head.headers);
    }
}
