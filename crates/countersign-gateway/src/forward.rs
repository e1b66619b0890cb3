//! Handing on what was accepted: the body as it came, the safe headers as they came, and the verdict in our own name.
//!
//! What a sender wrote is text until it stands in a header: a value that a line break could end is escaped before it does. The target
//! was written down by the operator, and is called as written, be it an address of one's own: the rule of addresses is for URLs that
//! strangers write.

use crate::config::{Forward, reach};
use crate::receive::OURS;
use countersign::Timestamp;
use countersign_delivery::{Endpoints, Prepared};
use countersign_egress::{Client, HeaderMap, HeaderName, HeaderValue, Limits, Refused, Request, Url};
use countersign_store::StoredEvent;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use zeroize::Zeroizing;

/// How much of an upstream's answer is read: nobody reads more than its status.
const ANSWER: usize = 16 * 1024;

/// The targets as they are now.
#[derive(Default)]
pub(crate) struct Forwards(RwLock<Arc<HashMap<Arc<str>, Target>>>);

/// One target, with what its headers say.
pub(crate) struct Target {
    pub(crate) forward: Forward,
    pub(crate) headers: HeaderMap,
    pub(crate) client: Client,
}

impl Forwards {
    /// Hand on to these from now on.
    pub(crate) fn put(&self, targets: HashMap<Arc<str>, Target>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(targets);
    }
}

/// A client that reaches the targets of `forwards`.
pub(crate) fn client(forwards: &[&Forward]) -> Result<Client, Refused> {
    Client::builder().reach(reach(forwards.iter().copied())).build()
}

impl Target {
    pub(crate) fn new(
        forward: Forward,
        headers: Vec<(countersign::HeaderName, Zeroizing<String>)>,
        client: Client,
    ) -> Result<Self, String> {
        let mut map = HeaderMap::new();
        for (name, text) in &headers {
            // A value is not quoted: it may be a secret.
            let wrong =
                || format!("forward `{}`: the header `{}` cannot be sent", forward.endpoint, name.as_str());
            let mut value = HeaderValue::from_str(text).map_err(|_| wrong())?;
            value.set_sensitive(true);
            map.insert(HeaderName::from_bytes(name.as_str().as_bytes()).map_err(|_| wrong())?, value);
        }
        Ok(Target { forward, headers: map, client })
    }
}

impl Endpoints for Forwards {
    fn prepare(
        &self,
        endpoint: &str,
        event: &StoredEvent,
        attempt: u32,
        now: Timestamp,
    ) -> Result<Prepared, String> {
        let targets = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        let target = targets.get(endpoint).ok_or("its source forwards to nothing of this name any more")?;
        let kept: Kept = serde_json::from_slice(&event.head).map_err(|_| "its stored head cannot be read")?;
        let Target { forward, headers, client } = target;
        let mut request = Request::post(url(forward, &kept).as_str(), event.body.to_vec());
        request.headers = kept.headers();
        for (name, value) in verdict(event, attempt, now) {
            request.headers.insert(name, value);
        }
        request.headers.extend(headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        let schedule = forward.schedule.clone();
        let limits = Limits::default().bytes(ANSWER).time(forward.timeout).cut();
        Ok(Prepared { request, client: client.clone(), limits, schedule })
    }

    fn longest(&self) -> Duration {
        let targets = self.0.read().unwrap_or_else(PoisonError::into_inner);
        targets.values().map(|target| target.forward.timeout).max().unwrap_or_default()
    }
}

/// A stored head.
#[derive(Deserialize)]
struct Kept {
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    target: Option<String>,
    headers: Vec<(String, KeptValue)>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum KeptValue {
    Text(String),
    Bytes { base64: String },
}

impl Kept {
    fn query(&self) -> Option<&str> {
        let whole = self.url.as_deref().or(self.target.as_deref())?;
        whole.split_once('?').map(|(_, query)| query)
    }

    /// As they came; ours are put in by ourselves alone.
    fn headers(&self) -> HeaderMap {
        let mut map = HeaderMap::with_capacity(self.headers.len() + 10);
        for (name, value) in &self.headers {
            let value = match value {
                KeptValue::Text(text) => HeaderValue::from_bytes(text.as_bytes()).ok(),
                KeptValue::Bytes { base64 } => base64_simd::STANDARD
                    .decode_to_vec(base64)
                    .ok()
                    .and_then(|bytes| HeaderValue::from_bytes(&bytes).ok()),
            };
            let name =
                HeaderName::from_bytes(name.as_bytes()).ok().filter(|name| !name.as_str().starts_with(OURS));
            if let (Some(name), Some(value)) = (name, value) {
                map.append(name, value);
            }
        }
        map
    }
}

fn url(forward: &Forward, kept: &Kept) -> Url {
    let mut to = forward.to.clone();
    if let (true, Some(query)) = (forward.pass_query, kept.query()) {
        let whole = to.query().map_or_else(|| query.to_owned(), |own| format!("{own}&{query}"));
        to.set_query(Some(&whole));
    }
    to
}

/// What we say of it, each once.
fn verdict(event: &StoredEvent, attempt: u32, now: Timestamp) -> Vec<(HeaderName, HeaderValue)> {
    let StoredEvent { id, source, at, key, message_id, kind, refused, .. } = event;
    let verified = !key.is_empty();
    let mut said = vec![
        ("verified", verified.to_string()),
        ("source", source.to_string()),
        ("event", id.to_string()),
        ("received-at", at.unix().to_string()),
        ("sent-at", now.unix().to_string()),
        ("attempt", attempt.to_string()),
    ];
    let maybe = [
        ("key", Some(key).filter(|_| verified)),
        ("reason", refused.as_ref()),
        ("message-id", message_id.as_ref()),
        ("type", kind.as_ref()),
    ];
    said.extend(maybe.into_iter().filter_map(|(name, text)| text.map(|text| (name, escaped(text)))));
    let headers = said.into_iter().filter_map(|(name, text)| {
        let name = HeaderName::from_bytes(format!("{OURS}{name}").as_bytes()).ok()?;
        Some((name, HeaderValue::from_bytes(text.as_bytes()).ok()?))
    });
    headers.collect()
}

/// Visible ASCII as it is, all else as `%XX`.
fn escaped(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        match byte {
            b'%' | 0..=b' ' | 0x7f.. => out.push_str(&format!("%{byte:02X}")),
            _ => out.push(char::from(byte)),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_break_in_a_value_is_text() {
        assert_eq!(escaped("a\r\nX-Evil: 1"), "a%0D%0AX-Evil:%201");
        assert_eq!(escaped("100% ü"), "100%25%20%C3%BC");
    }
}
