//! A source, the application that receives its requests, and a client that writes bytes.

use axum::body::Body;
use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum::{Extension, Router};
use bytes::Bytes;
use countersign::{Clock, Compiled, Draft, Keyring, Registry, Timestamp, Vars, Verifier};
use countersign_tower::axum::{Verified, VerifiedJson};
use countersign_tower::{Answered, Proof, Receiver, Settings, VerifyLayer, Why};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub(crate) const NOW: i64 = 1_767_225_600;
pub(crate) const URL: &str = "https://hooks.example.com";

/// Where the same source is received: by the extractor, and behind the layer.
pub(crate) const DOORS: [&str; 2] = ["/extract", "/layer"];

// ───────────── the source ─────────────

/// A shipped preset and a secret, for both sides.
pub(crate) struct Source {
    compiled: Arc<Compiled>,
    secret: &'static str,
    vars: Vars,
}

pub(crate) const SECRET: &str = "It's a Secret to Everybody";

impl Source {
    pub(crate) fn new(preset: &str) -> Self {
        let secret = match preset {
            "standard-webhooks" => "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
            "microsoft-teams" => "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
            _ => SECRET,
        };
        let mut registry = Registry::new();
        let (file, text) = shipped(preset);
        registry.add_preset(file, text).unwrap();
        Source { compiled: registry.named(preset).unwrap(), secret, vars: Vars::new() }
    }

    pub(crate) fn var(mut self, name: &str, value: &str) -> Self {
        self.vars.set(name, value);
        self
    }

    pub(crate) fn secret(self, secret: &'static str) -> Self {
        Source { secret, ..self }
    }

    pub(crate) fn verifier(&self) -> Arc<Verifier> {
        self.compiled.verifier("mine", &Keyring::of(self.secret).unwrap(), &self.vars).unwrap()
    }

    pub(crate) fn settings(&self) -> Settings {
        Receiver::builder(self.verifier(), URL).clock(Arc::new(ByHand::new()))
    }

    /// What a sender sends to this path.
    pub(crate) fn sends(&self, path: &str, body: impl AsRef<[u8]>) -> Sent {
        self.sends_as("msg_1", path, body.as_ref(), &[])
    }

    pub(crate) fn sends_as(&self, id: &str, path: &str, body: &[u8], headers: &[(&str, &str)]) -> Sent {
        let url = format!("{URL}{path}");
        let mut draft = Draft::new(id, Timestamp::from_unix(NOW), &url, body);
        draft.headers = &headers;
        let ring = Keyring::of(self.secret).unwrap();
        let signed = self.compiled.signer(&ring, &self.vars).unwrap().sign(&draft).unwrap();
        let mut all: Vec<(String, String)> =
            headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        all.extend(signed.headers.into_iter().map(|(name, value)| (name.to_string(), text(value))));
        Sent { method: "POST", path: path.into(), headers: all, body: body.into() }
    }
}

pub(crate) fn shipped(preset: &str) -> (&'static str, &'static str) {
    let file = format!("presets/{preset}.toml");
    *countersign_presets::PRESETS.iter().find(|(name, _)| *name == file).unwrap()
}

/// Stands still until it is moved.
pub(crate) struct ByHand(pub(crate) AtomicI64);

impl ByHand {
    pub(crate) fn new() -> Self {
        ByHand(AtomicI64::new(NOW))
    }
}

impl Clock for ByHand {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.0.load(Ordering::SeqCst))
    }
}

// ───────────── the application ─────────────

/// What handlers saw, and what they answer from now on.
pub(crate) struct Seen {
    pub(crate) bodies: Mutex<Vec<Bytes>>,
    /// Why the others were answered, in the words of the code.
    pub(crate) log: Mutex<Vec<String>>,
    pub(crate) status: AtomicU16,
}

#[derive(Clone)]
struct App {
    receiver: Receiver,
    seen: Arc<Seen>,
}

impl FromRef<App> for Receiver {
    fn from_ref(app: &App) -> Self {
        app.receiver.clone()
    }
}

impl Seen {
    fn handle(&self, body: &Bytes) -> Response {
        self.bodies.lock().unwrap().push(body.clone());
        let status = StatusCode::from_u16(self.status.load(Ordering::SeqCst)).unwrap();
        (status, "handled").into_response()
    }

    pub(crate) fn count(&self) -> usize {
        self.bodies.lock().unwrap().len()
    }

    pub(crate) fn logged(&self) -> Vec<String> {
        std::mem::take(&mut self.log.lock().unwrap())
    }
}

async fn extracted(State(app): State<App>, delivery: Verified<Bytes>) -> Response {
    let response = app.seen.handle(delivery.body());
    if !response.status().is_success() {
        delivery.release();
    }
    assert_eq!(delivery.body(), delivery.value());
    response
}

async fn json(State(app): State<App>, delivery: VerifiedJson<Invoice>) -> String {
    app.seen.handle(delivery.body());
    let (kind, id) = (delivery.event().kind, delivery.event().id);
    format!("{} {} {kind:?} {id:?}", delivery.into_inner().id, 1)
}

#[derive(serde::Deserialize)]
struct Invoice {
    id: String,
}

/// What is behind the layer reads its body as if nothing were in front.
async fn behind(Extension(seen): Extension<Arc<Seen>>, proof: Proof, body: Bytes) -> Response {
    assert_eq!(proof.body(), &body);
    seen.handle(&body)
}

async fn acknowledged(delivery: Verified<Bytes>) -> Response {
    delivery.acknowledge()
}

/// What a host does for its log.
async fn logged(seen: Arc<Seen>, response: Response) -> Response {
    if let Some(why) = response.extensions().get::<Why>() {
        let says = match why {
            Why::Refused(refusal) => refusal.code().to_owned(),
            Why::Handshake { signed } => format!("handshake, signed: {signed}"),
            Why::Duplicate(proof) => format!("duplicate {:?} {}", proof.message_id(), proof.source()),
            _ => "something new".into(),
        };
        seen.log.lock().unwrap().push(says);
    }
    response
}

/// Who wants to see what is answered instead sees it.
async fn seeing(State(app): State<App>, delivery: Result<Verified<Bytes>, Answered>) -> Response {
    match delivery {
        Ok(delivery) => app.seen.handle(delivery.body()),
        Err(answered) => (StatusCode::IM_A_TEAPOT, answered.status().to_string()).into_response(),
    }
}

pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Seen>,
    pub(crate) receiver: Receiver,
}

impl Site {
    pub(crate) async fn of(source: &Source) -> Self {
        Self::start(source.settings().build().unwrap()).await
    }

    pub(crate) async fn start(receiver: Receiver) -> Self {
        let (bodies, log, status) = (Mutex::default(), Mutex::default(), AtomicU16::new(200));
        let seen = Arc::new(Seen { bodies, log, status });
        let app = App { receiver: receiver.clone(), seen: seen.clone() };
        let layered = any(behind).layer(VerifyLayer::new(receiver.clone()));
        let nested = Router::new()
            .route("/extract", any(extracted))
            .route("/layer", any(behind).layer(VerifyLayer::new(receiver.clone())));
        let log = seen.clone();
        let router = Router::new()
            .route("/extract", any(extracted))
            .route("/layer", layered)
            .route("/json", any(json))
            .route("/seeing", any(seeing))
            .route("/acknowledged", any(acknowledged))
            .route("/unguarded", any(behind))
            .nest("/nested/below", nested)
            .with_state(app)
            .layer(Extension(seen.clone()))
            .layer(axum::middleware::map_response(move |response: Response<Body>| {
                logged(log.clone(), response)
            }));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Site { address, seen, receiver }
    }

    /// Send a request and read the response to its end.
    pub(crate) async fn send(&self, sent: &Sent) -> Reply {
        self.write(&sent.bytes()).await
    }

    pub(crate) async fn write(&self, bytes: &[u8]) -> Reply {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        reply(&mut stream).await
    }
}

// ───────────── the client ─────────────

#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Sent {
    pub(crate) fn bare(method: &'static str, path: &str) -> Self {
        Sent { method, path: path.into(), headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(held, _)| !held.eq_ignore_ascii_case(name));
        self
    }

    pub(crate) fn body(self, body: impl Into<Vec<u8>>) -> Self {
        Sent { body: body.into(), ..self }
    }

    pub(crate) fn path(self, path: &str) -> Self {
        Sent { path: path.into(), ..self }
    }

    /// The head, up to where the body's framing stands.
    pub(crate) fn head(&self) -> String {
        let Sent { method, path, headers, .. } = self;
        let mut head =
            format!("{method} {path} HTTP/1.1\r\nhost: elsewhere.example\r\nconnection: close\r\n");
        headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
        head
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head().into_bytes();
        bytes.extend(format!("content-length: {}\r\n\r\n", self.body.len()).bytes());
        bytes.extend(&self.body);
        bytes
    }

    /// The same in chunks of this size, ended or not.
    pub(crate) fn chunked(&self, size: usize, ended: bool) -> Vec<u8> {
        let mut bytes = self.head().into_bytes();
        bytes.extend(b"transfer-encoding: chunked\r\n\r\n");
        for chunk in self.body.chunks(size) {
            bytes.extend(format!("{:x}\r\n", chunk.len()).bytes());
            bytes.extend(chunk);
            bytes.extend(b"\r\n");
        }
        if ended {
            bytes.extend(b"0\r\n\r\n");
        }
        bytes
    }
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// All but the date, sorted.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(held, _)| held == name).map(|(_, value)| &**value)
    }
}

pub(crate) async fn reply(stream: &mut TcpStream) -> Reply {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut bytes)).await;
    // A server that hangs up on bytes that it did not read resets the connection, after its answer.
    let broke = read.expect("no answer within twenty seconds").err();
    let text = String::from_utf8(bytes).unwrap();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { panic!("no answer: {text:?} ({broke:?})") };
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let pairs = lines.map(|line| line.split_once(": ").unwrap());
    let mut headers: Vec<_> =
        pairs.filter(|(name, _)| *name != "date").map(|(name, value)| (name.into(), value.into())).collect();
    headers.sort();
    Reply { status, headers, body: body.into() }
}
