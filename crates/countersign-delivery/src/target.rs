//! One endpoint made ready: where to, what signs, what goes along.
//!
//! All that can be wrong with it is told when it is made, so that an operator hears of it and no message does. What cannot be known
//! then is the order of precedence at the moment of sending: what signs a message stands above whatever was written down for it.

use crate::attempt::{Prepared, Unprepared};
use crate::message::Canonical;
use crate::policy::Policy;
use crate::transport::Transport;
use countersign::{Draft, Reason, Signed, Signer, Timestamp};
use countersign_egress::{HeaderMap, HeaderName, HeaderValue, MAX_URL, Request, Url};
use std::fmt;
use std::sync::Arc;

/// In which headers a message's topic and type travel, beside its body, where a router sees them. They are not signed: who decides by
/// them, decides by the body's.
#[derive(Clone, Debug)]
pub struct Names {
    /// Of the topic.
    pub topic: HeaderName,
    /// Of the type.
    pub kind: HeaderName,
}

/// `webhook-topic` and `webhook-type`.
impl Default for Names {
    fn default() -> Self {
        Names {
            topic: HeaderName::from_static("webhook-topic"),
            kind: HeaderName::from_static("webhook-type"),
        }
    }
}

/// They belong to one connection (RFC 9110, 7.6.1), or say how a body travels or to whom: whoever sends writes them.
const FRAMING: [&str; 15] = [
    "connection",
    "content-encoding",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "upgrade-insecure-requests",
];

/// Makes a [`Target`].
pub struct TargetBuilder {
    url: String,
    signer: Signer,
    client: Arc<dyn Transport>,
    headers: Vec<(String, String)>,
    names: Names,
    policy: Policy,
}

impl TargetBuilder {
    /// Headers that go along. Values may be secret: none is printed.
    #[must_use]
    pub fn headers<N: Into<String>, V: Into<String>>(
        mut self,
        headers: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        self.headers.extend(headers.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Say topic and type by other headers.
    #[must_use]
    pub fn names(self, names: Names) -> Self {
        TargetBuilder { names, ..self }
    }

    /// How it is sent to.
    #[must_use]
    pub fn policy(self, policy: Policy) -> Self {
        TargetBuilder { policy, ..self }
    }

    /// Make it. `now` is the present: a message is signed on trial, to see which headers are the signer's.
    ///
    /// # Errors
    /// All that is wrong with it: a URL that is none or may not be called, a header that cannot be sent, or that belongs to the
    /// connection, to the signer or to us. No value of a header and no path is repeated.
    pub fn build(self, now: Timestamp) -> Result<Target, TargetError> {
        let TargetBuilder { url, signer, client, headers, names, policy } = self;
        let mut wrong = Vec::new();
        let url = url_of(&url, &*client).map_err(|says| wrong.push(says)).ok();
        let Names { topic, kind } = names;
        [&topic, &kind].into_iter().for_each(|name| own(name, &mut wrong));
        if topic == kind {
            wrong.push("topic and type have one header: give each its own".into());
        }
        let signed = url.as_ref().map_or_else(Vec::new, |url| signers(&signer, url, now));
        if let Some(name) = [&topic, &kind].into_iter().find(|name| signed.contains(name)) {
            wrong.push(format!("the header `{name}` is made by what signs: say topic and type by another"));
        }
        let mut map = HeaderMap::new();
        for (name, value) in &headers {
            let taken = |known: &HeaderName| {
                let ours = [&topic, &kind].contains(&known);
                match () {
                    () if FRAMING.contains(&known.as_str()) => {
                        Some("belongs to the connection: leave it out")
                    }
                    () if signed.contains(known) => Some("is made by what signs: leave it out"),
                    () if ours => Some("says topic or type: leave it out, or name another for them"),
                    () if map.contains_key(known) => Some("stands twice: write it once"),
                    () => None,
                }
            };
            let Ok(known) = HeaderName::from_bytes(name.as_bytes()) else {
                wrong.push(format!(
                    "`{}` is no name of a header: write letters, digits and `-`",
                    name.escape_debug()
                ));
                continue;
            };
            match (taken(&known), HeaderValue::from_str(value)) {
                (Some(says), _) => wrong.push(format!("the header `{known}` {says}")),
                (None, Err(_)) => wrong.push(format!(
                    "the value of the header `{known}` cannot be sent: write visible characters of ASCII, without line breaks"
                )),
                (None, Ok(mut value)) => {
                    value.set_sensitive(true);
                    map.insert(known, value);
                }
            }
        }
        match url {
            Some(url) if wrong.is_empty() => {
                Ok(Target { url, signer, client, headers: map, topic, kind, policy })
            }
            _ => Err(TargetError(wrong)),
        }
    }
}

/// An endpoint that can be sent to.
pub struct Target {
    url: Url,
    signer: Signer,
    client: Arc<dyn Transport>,
    headers: HeaderMap,
    topic: HeaderName,
    kind: HeaderName,
    policy: Policy,
}

impl Target {
    /// At `url`, signed by `signer`, sent by `client`.
    pub fn builder(url: impl Into<String>, signer: Signer, client: Arc<dyn Transport>) -> TargetBuilder {
        let (headers, names, policy) = (Vec::new(), Names::default(), Policy::default());
        TargetBuilder { url: url.into(), signer, client, headers, names, policy }
    }

    /// How it is sent to.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// One attempt to send `message`, made at `now`: its time and its signatures are of that moment, its id is the message's. Every
    /// key that may be used then signs, as far as the scheme has room for more than one signature; none else does.
    ///
    /// # Errors
    /// That no key may sign now: [`Unprepared::Later`]. That the scheme cannot sign this message: [`Unprepared::Never`].
    pub fn prepare(&self, message: &Canonical, now: Timestamp) -> Result<Prepared, Unprepared> {
        let Canonical { id, topic, kind, body } = message;
        let Target { url, signer, client, headers, topic: topic_name, kind: kind_name, policy } = self;
        let never = |says: String| Unprepared::Never(says);
        let value = |text: &str| {
            HeaderValue::from_str(text).map_err(|_| never("its topic or type fits into no header".into()))
        };
        let mut request = Request::post(url.as_str(), Vec::new());
        request.headers.reserve(headers.len() + 8);
        request.headers.insert("content-type", HeaderValue::from_static("application/json"));
        request.headers.extend(headers.clone());
        request.headers.insert(topic_name, value(topic)?);
        request.headers.insert(kind_name, value(kind)?);
        let mut draft = Draft::new(id, now, url.as_str(), body);
        draft.headers = &request.headers;
        let signed = signer.sign(&draft).map_err(|rejection| {
            let says = format!("it cannot be signed: {rejection}");
            match rejection.reason {
                Reason::NoActiveSecret => Unprepared::Later(says),
                _ => Unprepared::Never(says),
            }
        })?;
        let Signed { headers: marks, url: marked_url, body: marked_body, .. } = signed;
        for (name, value) in marks {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| never(error.to_string()))?;
            let value = HeaderValue::from_bytes(&value).map_err(|error| never(error.to_string()))?;
            request.headers.insert(name, value);
        }
        if let Some(url) = marked_url {
            request.url = url;
        }
        // What was signed is what is sent: nothing touches it any more.
        request.body = marked_body.unwrap_or_else(|| body.to_vec());
        Ok(Prepared {
            request,
            client: client.clone(),
            limits: policy.limits(),
            schedule: policy.waits().clone(),
            stops: policy.stops(),
        })
    }
}

/// Prints the host: path and headers may be secret.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({})", self.url.host_str().unwrap_or_default())
    }
}

/// Everything that is wrong with an endpoint, each in a sentence.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TargetError(Vec<String>);

impl TargetError {
    /// The sentences.
    pub fn mistakes(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for TargetError {}

/// As it is called; readers of URLs drop line breaks without a word, so those are looked for before one reads.
fn url_of(text: &str, client: &dyn Transport) -> Result<Url, String> {
    if text.len() > MAX_URL {
        return Err(format!("the URL is longer than {MAX_URL} bytes"));
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("the URL has a space or a line break in it: write it without, or as `%20`".into());
    }
    client.judge(text).map_err(|refused| refused.to_string())?;
    let url =
        Url::parse(text).map_err(|_| "this is no absolute URL: write `https://` and a host".to_owned())?;
    match url.has_host() && url.username().is_empty() && url.password().is_none() && url.fragment().is_none() {
        true => Ok(url),
        false => Err("the URL names no host, or carries a user, a password or a fragment: send what is secret in a header".into()),
    }
}

/// Whether a header can be ours.
fn own(name: &HeaderName, wrong: &mut Vec<String>) {
    if FRAMING.contains(&name.as_str()) || *name == "content-type" {
        wrong.push(format!("topic and type cannot be said by the header `{name}`: name another"));
    }
}

/// The headers that the signer makes, by a trial. None if it fails: what it wants then, the real message may have.
fn signers(signer: &Signer, url: &Url, now: Timestamp) -> Vec<HeaderName> {
    let draft = Draft::new("msg_trial", now, url.as_str(), b"{\"data\":{}}");
    let signed = signer.sign(&draft).map(|signed| signed.headers).unwrap_or_default();
    signed.iter().filter_map(|(name, _)| HeaderName::from_bytes(name.as_bytes()).ok()).collect()
}
