//! The one client: what it may call is [`Reach`], how much and how long is [`Limits`].
//!
//! It follows no redirect, obeys no proxy of the environment, decompresses nothing, keeps no cookies and repeats no
//! request that was sent. The surprising one is the proxy: a proxy would look names up itself, and the rule would be asked about the
//! proxy's address instead of the target's. One that the builder was given is told addresses: see [`Proxy`].
//!
//! [`Proxy`]: crate::Proxy

use crate::builder::Builder;
use crate::dial::{Dial, Error};
use crate::reach::Reach;
use crate::refused::{Refused, Why};
use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Uri};
use http_body_util::{BodyExt, Full};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpInfo;
use rustls::AlertDescription;
use std::error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Calls out. Clones share connections; a connection is only ever used for the name it was judged for.
#[derive(Clone)]
pub struct Client {
    pub(crate) http: legacy::Client<HttpsConnector<Dial>, Full<Bytes>>,
    pub(crate) reach: Arc<Reach>,
    pub(crate) agent: HeaderValue,
    /// Whether the other end of a connection is a proxy.
    pub(crate) by_proxy: bool,
}

/// How much and how long one call may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// The longest body that is read, in bytes.
    pub bytes: usize,

    /// From looking the name up to the last byte of the body, so that a sender of one byte a second ends here, too.
    pub time: Duration,

    /// Keep the beginning of a longer body and give up the connection, instead of refusing. For answers that only a log
    /// wants.
    pub cut: bool,
}

/// What key documents get: 256 KiB, 5 seconds, and nothing is cut.
impl Default for Limits {
    fn default() -> Self {
        Limits { bytes: 256 << 10, time: Duration::from_secs(5), cut: false }
    }
}

impl Limits {
    /// The longest body, in bytes.
    #[must_use]
    pub fn bytes(self, bytes: usize) -> Self {
        Limits { bytes, ..self }
    }

    /// The longest time for all of it.
    #[must_use]
    pub fn time(self, time: Duration) -> Self {
        Limits { time, ..self }
    }

    /// Cut a longer body instead of refusing it.
    #[must_use]
    pub fn cut(self) -> Self {
        Limits { cut: true, ..self }
    }
}

/// A request to send.
#[derive(Clone)]
#[non_exhaustive]
pub struct Request {
    /// How.
    pub method: Method,

    /// Where to.
    pub url: String,

    /// With what; nothing is added but `host`, `user-agent`, `accept`, `accept-encoding` and the body's length.
    pub headers: HeaderMap,

    /// Saying what.
    pub body: Vec<u8>,
}

impl Request {
    /// A GET without headers.
    pub fn get(url: impl Into<String>) -> Self {
        Request { method: Method::GET, url: url.into(), headers: HeaderMap::new(), body: Vec::new() }
    }

    /// A POST without headers.
    pub fn post(url: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Request { method: Method::POST, body: body.into(), ..Request::get(url) }
    }
}

/// Prints neither headers nor body nor the URL: each may hold a secret.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({} ..)", self.method)
    }
}

/// An answer, read to its end or to its cut.
#[derive(Clone)]
#[non_exhaustive]
pub struct Response {
    /// Never of the 300s: those are [`Why::Redirect`].
    pub status: u16,

    /// As received.
    pub headers: HeaderMap,

    /// As received: not decompressed, at most [`Limits::bytes`].
    pub body: Vec<u8>,
}

impl Response {
    /// For whoever calls out otherwise, and in whose place our client could stand.
    pub fn new(status: u16, headers: HeaderMap, body: impl Into<Vec<u8>>) -> Self {
        Response { status, headers, body: body.into() }
    }

    /// The first header of this name, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Prints the status and the length.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({}, {} bytes)", self.status, self.body.len())
    }
}

impl Client {
    /// A client that reaches public addresses only, until told otherwise.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// What it may call. Ask [`Reach::judge_url`] when a URL is configured, and the operator hears of it then.
    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    /// Fetch a document: a plain GET. Every status but 200 is refused, and so is a body that was compressed unasked.
    pub async fn get(&self, url: &str, limits: &Limits) -> Result<Response, Refused> {
        let response = self.send(Request::get(url), limits).await?;
        if response.status != 200 {
            return Err(Refused::new(Why::Status, format!("the answer is {}, not 200", response.status)));
        }
        match response.header(CONTENT_ENCODING.as_str()) {
            None | Some("identity") => Ok(response),
            Some(_) => Err(Refused::new(Why::Encoded, "the body came compressed, unasked")),
        }
    }

    /// Send any request, once. Every answer but a redirect is an answer: what a status means is the caller's business.
    pub async fn send(&self, request: Request, limits: &Limits) -> Result<Response, Refused> {
        let url = self.reach.judge_url(&request.url)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        match tokio::time::timeout(limits.time, self.exchange(request, url, limits)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(Failure::Refused(refused))) => Err(refused),
            Ok(Err(Failure::Http(error))) => Err(told(&*error, &host)),
            Err(_) => Err(Refused::new(
                Why::TimedOut,
                format!("`{host}` did not answer whole in {:?}", limits.time),
            )),
        }
    }

    async fn exchange(&self, request: Request, url: Url, limits: &Limits) -> Result<Response, Failure> {
        let answer = self.http.request(self.written(request, &url)?).await?;
        // Asked again of the connection itself, should some way of dialling ever pass the resolver by.
        if let Some(peer) = answer.extensions().get::<HttpInfo>().filter(|_| !self.by_proxy) {
            self.reach.judge(peer.remote_addr().ip())?;
        }
        let (head, mut rest) = answer.into_parts();
        if head.status.is_redirection() {
            return Err(Refused::new(Why::Redirect, format!("the answer is {}", head.status.as_u16())).into());
        }
        let over = || Refused::new(Why::TooLarge, format!("the body is longer than {} bytes", limits.bytes));
        let told = head.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        if !limits.cut && told.is_some_and(|length: usize| length > limits.bytes) {
            return Err(over().into());
        }
        let mut body = Vec::with_capacity(told.unwrap_or(0).min(limits.bytes));
        while let Some(frame) = rest.frame().await {
            // Trailers are read and dropped.
            let Ok(piece) = frame.map_err(|error| Failure::Http(error.into()))?.into_data() else { continue };
            let room = limits.bytes - body.len();
            body.extend_from_slice(&piece[..piece.len().min(room)]);
            match piece.len() > room {
                true if limits.cut => break,
                true => return Err(over().into()),
                false => {}
            }
        }
        Ok(Response { status: head.status.as_u16(), headers: head.headers, body })
    }

    /// As it goes out: what the request does not say itself is added.
    fn written(&self, request: Request, url: &Url) -> Result<http::Request<Full<Bytes>>, Refused> {
        let Request { method, url: _, mut headers, body } = request;
        let uri: Uri =
            url.as_str().parse().map_err(|_| Refused::new(Why::Url, "the URL holds what HTTP cannot say"))?;
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static("identity"));
        headers.entry(USER_AGENT).or_insert_with(|| self.agent.clone());
        let mut written = http::Request::new(Full::new(Bytes::from(body)));
        *written.method_mut() = method;
        *written.uri_mut() = uri;
        *written.headers_mut() = headers;
        Ok(written)
    }
}

/// Ours, or the library's.
enum Failure {
    Refused(Refused),
    Http(Error),
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Failure::Refused(refused)
    }
}

impl From<legacy::Error> for Failure {
    fn from(error: legacy::Error) -> Self {
        Failure::Http(error.into())
    }
}

/// The library's error in our words. Its own text holds what was received, and is never passed on.
fn told(error: &(dyn error::Error + 'static), host: &str) -> Refused {
    let connecting = error.downcast_ref().is_some_and(legacy::Error::is_connect);
    let (mut cause, mut tls, mut timed_out) = (Some(error), false, false);
    while let Some(now) = cause {
        if let Some(refused) = now.downcast_ref::<Refused>() {
            return refused.clone();
        }
        if let Some(rustls::Error::AlertReceived(alert)) = now.downcast_ref() {
            return Refused::new(Why::Tls, format!("`{host}` {}", alerted(*alert)));
        }
        let io = now.downcast_ref::<io::Error>();
        let is = |kind| io.is_some_and(|io| io.kind() == kind);
        // The TLS library reports bad certificates and bad handshakes as these two; TCP knows neither.
        tls |= is(io::ErrorKind::InvalidData) || is(io::ErrorKind::UnexpectedEof);
        timed_out |= is(io::ErrorKind::TimedOut);
        // An `io::Error` that holds another error tells that one's source as its own, and would hide it.
        cause = match io.and_then(io::Error::get_ref) {
            Some(held) => Some(held),
            None => now.source(),
        };
    }
    let (why, what) = match () {
        () if connecting && tls => (Why::Tls, "gave no certificate that is good for it"),
        () if timed_out => (Why::TimedOut, "could not be reached in time"),
        () if connecting => (Why::Connect, "could not be reached"),
        () => (Why::Broken, "gave no whole answer"),
    };
    Refused::new(why, format!("`{host}` {what}"))
}

/// What a server's alert says, mostly of the certificate that we showed or did not. It is a number: none of their words.
fn alerted(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::CertificateRequired => "demands a client certificate, and was shown none".into(),
        AlertDescription::UnknownCA => "does not know who issued our client certificate".into(),
        AlertDescription::CertificateExpired => "finds our client certificate out of date".into(),
        AlertDescription::CertificateRevoked => "finds our client certificate revoked".into(),
        AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnsupportedCertificate => "does not take our client certificate".into(),
        // Of TLS 1.2 this is all one hears when a client certificate is missing.
        alert => format!("broke off TLS with the alert `{alert:?}`"),
    }
}
