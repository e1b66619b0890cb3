//! Handing on what was accepted: the body as it came, the safe headers as they came, and the verdict in our own name.
//!
//! What a sender wrote is text until it stands in a header: a value that a line break could end is escaped before it does. The target
//! was written down by the operator, and is called as written, be it an address of one's own: the rule of addresses is for URLs that
//! strangers write.
//!
//! Where a target has a secret, every attempt is signed by the engine that verifies everybody else's: the scheme is a preset, and an
//! upstream checks it as it would check any provider.

use crate::config::Forward;
use crate::kept::Kept;
use crate::receive::OURS;
use countersign::{Draft, Key, KeyId, KeyKind, Keyring, Registry, Secret, Signer, Timestamp, Vars};
use countersign_delivery::{Endpoints, Prepared, Schedule, Share, Stops, Unprepared};
use countersign_egress::{Client, HeaderMap, HeaderName, HeaderValue, Limits, Request, Url};
use countersign_store::StoredEvent;
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
    /// What signs each attempt, if it is signed.
    signer: Option<Signer>,
}

/// How attempts are signed where a target has `sign`: a preset, for whoever verifies them.
pub const FORWARD_SCHEME: &str = include_str!("forward/scheme.toml");

impl Forwards {
    /// Hand on to these from now on.
    pub(crate) fn put(&self, targets: HashMap<Arc<str>, Target>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(targets);
    }

    /// Their names.
    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }
}

impl Target {
    pub(crate) fn new(
        forward: Forward,
        headers: Vec<(countersign::HeaderName, Zeroizing<String>)>,
        client: Client,
        secret: Option<Secret>,
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
        let signer = secret
            .map(signer)
            .transpose()
            .map_err(|says| format!("forward `{}`: {says}", forward.endpoint))?;
        Ok(Target { forward, headers: map, client, signer })
    }
}

fn signer(secret: Secret) -> Result<Signer, String> {
    let mut registry = Registry::new();
    let added = registry.add_preset("forward/scheme.toml", FORWARD_SCHEME);
    let compiled =
        added.and_then(|registry| registry.named("handed-on")).map_err(|errors| errors.to_string())?;
    let mut keys = Keyring::new();
    keys.add(Key::new(KeyId::new("sign"), KeyKind::Shared, secret)).map_err(|error| error.to_string())?;
    compiled.signer(&keys, &Vars::new()).map_err(|error| format!("`sign`: {error}"))
}

impl Endpoints for Forwards {
    fn prepare(
        &self,
        endpoint: &str,
        event: &StoredEvent,
        attempt: u32,
        now: Timestamp,
    ) -> Result<Prepared, Unprepared> {
        let targets = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        let target = targets
            .get(endpoint)
            // A source that is switched off, or a configuration of a moment ago.
            .ok_or_else(|| Unprepared::Later("its source forwards to nothing of this name now".into()))?;
        let kept: Kept<'_> = serde_json::from_slice(&event.head)
            .map_err(|_| Unprepared::Never("its stored head cannot be read".into()))?;
        let Target { forward, headers, client, signer } = target;
        let to = url(forward, &kept);
        let mut request = Request::post(to.as_str(), event.body.to_vec());
        request.headers = kept.headers(&forward.pass_headers);
        for (name, value) in verdict(event, attempt, now) {
            request.headers.insert(name, value);
        }
        if let Some(signer) = signer {
            let mut draft = Draft::new(&event.id, now, to.as_str(), &event.body);
            draft.headers = &request.headers;
            let never = |says: String| Unprepared::Never(format!("it cannot be signed: {says}"));
            let signed = signer.sign(&draft).map_err(|refused| never(refused.to_string()))?;
            for (name, value) in signed.headers {
                let name =
                    HeaderName::from_bytes(name.as_bytes()).map_err(|error| never(error.to_string()))?;
                let value = HeaderValue::from_bytes(&value).map_err(|error| never(error.to_string()))?;
                request.headers.insert(name, value);
            }
        }
        // In place of what the sender may have sent by these names.
        for (name, value) in headers {
            request.headers.insert(name.clone(), value.clone());
        }
        let schedule = forward.schedule.clone();
        let limits = Limits::default().bytes(ANSWER).time(forward.timeout).cut();
        Ok(Prepared { request, client: Arc::new(client.clone()), limits, schedule, stops: Stops::default() })
    }

    fn schedule(&self, endpoint: &str) -> Option<Schedule> {
        let targets = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Some(targets.get(endpoint).map(|target| target.forward.schedule.clone()).unwrap_or_default())
    }

    /// Half of all places: an upstream of one's own is not spared, and yet holds up no other.
    fn share(&self) -> Share {
        Share { concurrency: 32, rate: None }
    }

    fn longest(&self) -> Duration {
        let targets = self.0.read().unwrap_or_else(PoisonError::into_inner);
        targets.values().map(|target| target.forward.timeout).max().unwrap_or_default()
    }
}

fn url(forward: &Forward, kept: &Kept<'_>) -> Url {
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
    let verified = !key.is_empty() && refused.is_none();
    let mut said = vec![
        ("verified", verified.to_string()),
        ("source", source.to_string()),
        ("event", id.to_string()),
        ("received-at", at.unix().to_string()),
        ("sent-at", now.unix().to_string()),
        ("attempt", attempt.to_string()),
    ];
    let maybe = [
        ("key", Some(key).filter(|key| !key.is_empty())),
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

/// A text as the value of a header: visible ASCII as it is, all else as `%XX`; of a long text its beginning, 512 bytes.
pub fn escaped(text: &str) -> String {
    text.bytes().take(512).fold(String::with_capacity(text.len()), |mut out, byte| {
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
