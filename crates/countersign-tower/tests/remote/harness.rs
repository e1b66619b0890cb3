//! The server, the clock, the mode, and a world of them.

use countersign::config::ConfigErrors;
use countersign::{
    Binds, BodyNeed, Check, Clock, Context, Evidence, Fingerprints, Head, HeaderName, Headers, KeyError,
    KeyId, KeyRequest, KeySet, Keyring, Mode, ModeConfig, ModeInfo, Needs, Reason, Refusal, Registry,
    Request, RequestKind, Scheme, SignedBy, Status, Timestamp, Vars, Verifier, ct,
};
use countersign_egress::{Client, IpNet, Looking, Lookup, Reach};
use countersign_tower::{Builder, KeyFetcher, Rules};
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

// ───────────── the server ─────────────

/// What the server does about the next requests.
#[derive(Clone)]
pub(crate) enum Answer {
    /// A key document: `kid token` on each line.
    Keys(&'static str),

    /// These bytes, whole.
    Raw(String),

    /// As the other, but a while later.
    Late(Duration, Box<Answer>),

    /// A head, and then a byte now and then.
    Drip,

    /// Hang up.
    Down,
}

impl Answer {
    pub(crate) fn with(status: &str, headers: &str, body: &str) -> Self {
        let length = body.len();
        Answer::Raw(format!(
            "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        ))
    }
}

/// How often each path was asked for, and what is answered.
pub(crate) struct Server {
    pub(crate) port: u16,
    state: Arc<Mutex<(HashMap<String, usize>, Answer)>>,
}

impl Server {
    pub(crate) async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new((HashMap::new(), answer)));
        let shared = state.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        Server { port, state }
    }

    pub(crate) fn says(&self, answer: Answer) {
        self.state.lock().unwrap().1 = answer;
    }

    /// How many requests there were, whatever for.
    pub(crate) fn seen(&self) -> usize {
        self.state.lock().unwrap().0.values().sum()
    }

    /// Wait until there were so many.
    pub(crate) async fn reached(&self, requests: usize) {
        let reached = async {
            while self.seen() < requests {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(10), reached).await;
        assert!(waited.is_ok(), "{} requests came, and {requests} were to come", self.seen());
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<(HashMap<String, usize>, Answer)>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    let path = String::from_utf8(head).unwrap().split(' ').nth(1).unwrap().to_owned();
    let mut answer = {
        let mut state = state.lock().unwrap();
        *state.0.entry(path).or_default() += 1;
        state.1.clone()
    };
    while let Answer::Late(by, then) = answer {
        tokio::time::sleep(by).await;
        answer = *then;
    }
    match answer {
        Answer::Keys(keys) => {
            let Answer::Raw(raw) = Answer::with("200 OK", "", keys) else { return };
            stream.write_all(raw.as_bytes()).await.ok();
        }
        Answer::Raw(raw) => {
            stream.write_all(raw.as_bytes()).await.ok();
        }
        Answer::Drip => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n").await.ok();
            while stream.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Answer::Late(..) | Answer::Down => {}
    }
}

// ───────────── the clock ─────────────

/// Stands still until it is moved.
pub(crate) struct ByHand(AtomicI64);

impl Clock for ByHand {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.0.load(Ordering::SeqCst))
    }
}

// ───────────── the mode ─────────────

/// A token under a key id, in a document whose URL or name the request says.
struct Listed(ModeInfo);

struct ListedScheme;

impl Mode for Listed {
    fn info(&self) -> &ModeInfo {
        &self.0
    }

    fn compile(&self, config: &ModeConfig) -> Result<Box<dyn Scheme>, ConfigErrors> {
        config.read(|_| Some(()))?;
        Ok(Box::new(ListedScheme))
    }
}

impl Scheme for ListedScheme {
    fn needs(&self) -> Needs {
        Needs::new(BodyNeed::Whole, Vec::new()).remote(true).binds(Binds::BODY)
    }

    fn bind(&self, _: &Keyring, _: &Vars) -> Result<Arc<dyn Check>, KeyError> {
        Ok(Arc::new(ListedScheme))
    }
}

impl Check for ListedScheme {
    fn check<'r>(&self, request: &Request<'r>, cx: &Context<'_>) -> Result<Evidence<'r>, Refusal> {
        let header = |name: &str| {
            let value = request.head.headers.nth(&HeaderName::new(name).unwrap(), 0)?;
            std::str::from_utf8(value).ok()
        };
        let kind = if header("x-url").is_some() { RequestKind::Url } else { RequestKind::Named };
        let name = header("x-url").or(header("x-name")).ok_or(Reason::MissingHeader)?;
        let (kid, token) = (header("x-kid").unwrap_or_default(), header("x-token").unwrap_or_default());
        let Some(document) = cx.remote.get(kind, name) else {
            return Err(Refusal::Unresolved(KeyRequest::new(kind, name)));
        };
        let text = std::str::from_utf8(&document.bytes).map_err(|_| Reason::KeyUnavailable)?;
        match text.lines().filter_map(|line| line.split_once(' ')).find(|(listed, _)| *listed == kid) {
            Some((_, listed)) if ct::equal(listed.as_bytes(), token.as_bytes()) => {
                let signed_by = SignedBy::Fetched(KeyId::new(kid), KeySet::default());
                Ok(Evidence::new(signed_by, Fingerprints::content([7; 32]), Binds::BODY))
            }
            Some(_) => Err(Reason::BadSignature.into()),
            None if document.fetched_at < cx.now => {
                Err(Refusal::Unresolved(KeyRequest::new(kind, name).newer_than(document.fetched_at)))
            }
            None => Err(Reason::UnknownKey.into()),
        }
    }
}

pub(crate) fn verifier() -> Arc<Verifier> {
    let mut registry = Registry::new();
    let info = ModeInfo::new("listed", "a token in a document", "", &[], Status::Preview);
    registry.register(Arc::new(Listed(info))).unwrap();
    let text = "schema = 1\nname = \"listed\"\nmode = \"listed\"\n[listed]\n";
    registry.add_preset("listed.toml", text).unwrap();
    registry.named("listed").unwrap().verifier("mine", &Keyring::new(), &Vars::new()).unwrap()
}

// ───────────── all together ─────────────

/// One server, one clock, one fetcher. The server may be reached in the clear, being on this machine.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) server: Arc<Server>,
    pub(crate) clock: Arc<ByHand>,
    pub(crate) fetcher: KeyFetcher,
    pub(crate) verifier: Arc<Verifier>,
}

/// What a request says: which document, which key, which token.
pub(crate) struct Said {
    headers: Vec<(&'static str, String)>,
}

pub(crate) const GOOD: Answer = Answer::Keys("a first\nb second\n");

impl World {
    pub(crate) async fn new() -> Self {
        Self::built(|builder| builder).await
    }

    pub(crate) async fn ruled(change: impl FnOnce(&mut Rules)) -> Self {
        let mut rules = quick();
        change(&mut rules);
        Self::built(|builder| builder.rules(rules)).await
    }

    pub(crate) async fn built(build: impl FnOnce(Builder) -> Builder) -> Self {
        let reach = Reach::public()
            .and_network("127.0.0.1/32".parse::<IpNet>().unwrap())
            .and_ports(1024..=u16::MAX)
            .and_plain_http("127.0.0.1")
            .and_plain_http("keys.example");
        let client = Client::builder().reach(reach).lookup(Arc::new(Private)).build().unwrap();
        let clock = Arc::new(ByHand(AtomicI64::new(1_700_000_000_000)));
        let builder = KeyFetcher::builder(client, clock.clone()).rules(quick());
        let fetcher = build(builder).build();
        World { server: Arc::new(Server::start(GOOD).await), clock, fetcher, verifier: verifier() }
    }

    /// Let time pass.
    pub(crate) fn pass(&self, seconds: f64) {
        self.clock.0.fetch_add((seconds * 1000.0) as i64, Ordering::SeqCst);
    }

    /// Judge a request whose keys are under `/keys`.
    pub(crate) async fn ask(&self, kid: &str, token: &str) -> String {
        self.judge(&Said::url(&self.server.url("keys"), kid, token)).await
    }

    /// The reason's code, and the detail's in brackets.
    pub(crate) async fn judge(&self, said: &Said) -> String {
        let request = said.request();
        match self.fetcher.resolve(&self.verifier, &request, self.clock.now()).await {
            Ok(verified) => {
                assert_eq!(verified.body(), b"{}");
                "ok".into()
            }
            Err(rejection) => match rejection.detail {
                Some(detail) => format!("{} ({})", rejection.reason.code(), detail.code),
                None => rejection.reason.code().into(),
            },
        }
    }

    /// Many at once: how often each answer was given.
    pub(crate) async fn crowd(&self, all: impl IntoIterator<Item = Said>) -> HashMap<String, usize> {
        let tasks: Vec<_> = all
            .into_iter()
            .map(|said| {
                let world = self.clone();
                tokio::spawn(async move { world.judge(&said).await })
            })
            .collect();
        let mut answers = HashMap::new();
        for task in tasks {
            *answers.entry(task.await.unwrap()).or_default() += 1;
        }
        answers
    }
}

/// The default, but for the patience: tests wait for some of it.
pub(crate) fn quick() -> Rules {
    let mut rules = Rules::default();
    rules.limits = rules.limits.time(Duration::from_millis(800));
    rules
}

impl Said {
    pub(crate) fn url(url: &str, kid: &str, token: &str) -> Self {
        Self::in_document("x-url", url, kid, token)
    }

    pub(crate) fn named(name: &str, kid: &str, token: &str) -> Self {
        Self::in_document("x-name", name, kid, token)
    }

    fn in_document(header: &'static str, name: &str, kid: &str, token: &str) -> Self {
        let headers = vec![(header, name.into()), ("x-kid", kid.into()), ("x-token", token.into())];
        Said { headers }
    }

    pub(crate) fn request(&self) -> Request<'_> {
        Request::new(self.head(), b"{}")
    }

    pub(crate) fn head(&self) -> Head<'_> {
        Head::new("POST", "https://hooks.example/in", self)
    }
}

impl Headers for Said {
    fn each<'h>(&'h self, f: &mut dyn FnMut(&'h [u8], &'h [u8])) {
        self.headers.iter().for_each(|(name, value)| f(name.as_bytes(), value.as_bytes()));
    }
}

/// Every name leads to a private address.
struct Private;

impl Lookup for Private {
    fn lookup(&self, _: &str) -> Looking {
        Box::pin(async { Ok(vec!["127.0.0.2".parse().unwrap()]) })
    }
}
