//! A server on this machine that counts who comes, and look-ups that answer what they are told.

use countersign_egress::{Builder, Client, IpNet, Looking, Lookup, Reach};
use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A port, and how many connections it has seen.
pub(crate) struct Server {
    pub(crate) port: u16,
    seen: Arc<AtomicUsize>,
}

impl Server {
    /// Give every connection to `answer`.
    pub(crate) async fn start<F>(answer: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let (port, seen) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
        let count = seen.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(answer(stream));
            }
        });
        Server { port, seen }
    }

    /// Answer every request with these bytes and close.
    pub(crate) async fn saying(answer: impl Into<Vec<u8>>) -> Self {
        let answer: Arc<[u8]> = answer.into().into();
        Self::start(move |mut stream| {
            let answer = answer.clone();
            async move {
                head(&mut stream).await;
                stream.write_all(&answer).await.ok();
            }
        })
        .await
    }

    pub(crate) fn seen(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }

    /// A URL of it by its address, in the clear.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/keys", self.port)
    }
}

/// The head of one request, as text.
pub(crate) async fn head(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}

/// A whole answer.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

/// Everything a test on this machine needs to be allowed, and nothing private besides.
pub(crate) fn this_machine() -> Reach {
    Reach::public()
        .and_network("127.0.0.1/32".parse::<IpNet>().unwrap())
        .and_ports(1024..=u16::MAX)
        .and_plain_http("127.0.0.1")
        .and_plain_http("keys.example")
}

pub(crate) fn client(reach: Reach) -> Client {
    Client::builder().reach(reach).build().unwrap()
}

/// Answers look-ups in turn, the last for ever, and counts them.
pub(crate) struct Names {
    answers: Vec<Vec<IpAddr>>,
    asked: AtomicUsize,
}

impl Names {
    pub(crate) fn new(answers: &[&[&str]]) -> Arc<Self> {
        let answers =
            answers.iter().map(|all| all.iter().map(|one| one.parse().unwrap()).collect()).collect();
        Arc::new(Names { answers, asked: AtomicUsize::new(0) })
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    pub(crate) fn client(self: &Arc<Self>, builder: Builder) -> Client {
        builder.lookup(self.clone()).build().unwrap()
    }
}

impl Lookup for Names {
    fn lookup(&self, _name: &str) -> Looking {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst).min(self.answers.len() - 1);
        let answer = self.answers[turn].clone();
        Box::pin(async move { Ok(answer) })
    }
}
