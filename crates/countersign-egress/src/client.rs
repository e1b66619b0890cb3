//! The one client: what it may call is [`Reach`], how much and how long is [`Limits`].
//!
//! It follows no redirect, obeys no proxy of the environment, decompresses nothing, keeps no cookies and repeats no
//! request. The surprising one is the proxy: a proxy would look names up itself, and the rule would be asked about the
//! proxy's address instead of the target's.

use crate::lookup::{Judged, Lookup, SystemLookup};
use crate::reach::Reach;
use crate::refused::{Refused, Why};
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap, HeaderValue};
use reqwest::{Method, redirect, retry};
use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Calls out. Clones share connections; a connection is only ever used for the name it was judged for.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    reach: Arc<Reach>,
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
        Builder {
            reach: Reach::public(),
            lookup: Arc::new(SystemLookup),
            agent: concat!("countersign/", env!("CARGO_PKG_VERSION")).into(),
            roots: Vec::new(),
        }
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
            Ok(Err(Failure::Http(error))) => Err(told(&error, &host)),
            Err(_) => Err(Refused::new(
                Why::TimedOut,
                format!("`{host}` did not answer whole in {:?}", limits.time),
            )),
        }
    }

    async fn exchange(&self, request: Request, url: Url, limits: &Limits) -> Result<Response, Failure> {
        let Request { method, url: _, headers, body } = request;
        let mut sent = self.http.request(method, url).headers(headers);
        if !body.is_empty() {
            sent = sent.body(body);
        }
        let mut answer = sent.send().await?;
        // Asked again of the connection itself, should some way of dialling ever pass the resolver by.
        if let Some(peer) = answer.remote_addr() {
            self.reach.judge(peer.ip())?;
        }
        if answer.status().is_redirection() {
            return Err(
                Refused::new(Why::Redirect, format!("the answer is {}", answer.status().as_u16())).into()
            );
        }
        let over = || Refused::new(Why::TooLarge, format!("the body is longer than {} bytes", limits.bytes));
        let told = answer.content_length().and_then(|length| usize::try_from(length).ok());
        if !limits.cut && told.is_some_and(|length| length > limits.bytes) {
            return Err(over().into());
        }
        let mut body = Vec::with_capacity(told.unwrap_or(0).min(limits.bytes));
        while let Some(piece) = answer.chunk().await? {
            let room = limits.bytes - body.len();
            body.extend_from_slice(&piece[..piece.len().min(room)]);
            match piece.len() > room {
                true if limits.cut => break,
                true => return Err(over().into()),
                false => {}
            }
        }
        Ok(Response { status: answer.status().as_u16(), headers: std::mem::take(answer.headers_mut()), body })
    }
}

/// Settings of a [`Client`].
pub struct Builder {
    reach: Reach,
    lookup: Arc<dyn Lookup>,
    agent: String,
    roots: Vec<Vec<u8>>,
}

/// How long one of a name's addresses may take to connect, before the next is tried.
const CONNECT: Duration = Duration::from_secs(3);

/// How much an HTTP/2 server may send ahead of our reading, in bytes.
const WINDOW: u32 = 256 << 10;

impl Builder {
    /// What it may call.
    #[must_use]
    pub fn reach(self, reach: Reach) -> Self {
        Builder { reach, ..self }
    }

    /// Look names up otherwise. What comes is judged all the same.
    #[must_use]
    pub fn lookup(self, lookup: Arc<dyn Lookup>) -> Self {
        Builder { lookup, ..self }
    }

    /// Be called something other than `countersign/VERSION`.
    #[must_use]
    pub fn agent(self, agent: impl Into<String>) -> Self {
        Builder { agent: agent.into(), ..self }
    }

    /// Trust the certificates of this PEM file, and none of this machine's roots.
    #[must_use]
    pub fn trust_only(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots.push(pem.into());
        self
    }

    /// Make it. Reads this machine's roots, unless it was given others; without any it cannot be made.
    pub fn build(self) -> Result<Client, Refused> {
        let Builder { reach, lookup, agent, roots } = self;
        let reach = Arc::new(reach);
        let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static("identity"))]);
        let mut http = reqwest::Client::builder()
            .dns_resolver(Judged { reach: reach.clone(), lookup })
            .no_proxy()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            // Another crate of the program might have switched these on for all.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .user_agent(agent)
            .default_headers(headers)
            .connect_timeout(CONNECT)
            .pool_max_idle_per_host(2)
            .pool_idle_timeout(Duration::from_secs(30))
            .http2_initial_stream_window_size(WINDOW)
            .http2_initial_connection_window_size(4 * WINDOW);
        if !roots.is_empty() {
            let mut trusted = Vec::new();
            for pem in &roots {
                trusted.extend(reqwest::Certificate::from_pem_bundle(pem).map_err(setup)?);
            }
            if trusted.is_empty() {
                return Err(Refused::new(Why::Setup, "the PEM file holds no certificate"));
            }
            http = http.tls_certs_only(trusted);
        }
        Ok(Client { http: http.build().map_err(setup)?, reach })
    }
}

/// The innermost cause says most.
fn setup(error: reqwest::Error) -> Refused {
    let mut cause: &dyn Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    Refused::new(Why::Setup, cause.to_string())
}

/// Ours, or the library's.
enum Failure {
    Refused(Refused),
    Http(reqwest::Error),
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Failure::Refused(refused)
    }
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        Failure::Http(error)
    }
}

/// The library's error in our words. Its own text holds the URL, and is never passed on.
fn told(error: &reqwest::Error, host: &str) -> Refused {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    let mut tls = false;
    while let Some(now) = cause {
        if let Some(refused) = now.downcast_ref::<Refused>() {
            return refused.clone();
        }
        let io = now.downcast_ref::<io::Error>();
        // The TLS library reports bad certificates and bad handshakes as these two; TCP knows neither.
        tls |= io
            .is_some_and(|io| matches!(io.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof));
        // An `io::Error` that holds another error tells that one's source as its own, and would hide it.
        cause = match io.and_then(io::Error::get_ref) {
            Some(held) => Some(held),
            None => now.source(),
        };
    }
    let (why, what) = match () {
        () if error.is_connect() && tls => (Why::Tls, "gave no certificate that is good for it"),
        () if error.is_timeout() => (Why::TimedOut, "could not be reached in time"),
        () if error.is_connect() => (Why::Connect, "could not be reached"),
        () => (Why::Broken, "gave no whole answer"),
    };
    Refused::new(why, format!("`{host}` {what}"))
}
