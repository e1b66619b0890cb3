//! What one call may take, and what it says when it comes to nothing: over real sockets.

use crate::authority::Authority;
use crate::server::{Names, Server, answer, client, head, this_machine};
use countersign_egress::{Client, Limits, Looking, Lookup, Reach, Refused, Request, Response, Why};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsAcceptor;

/// Enough for this machine, and short enough to wait for.
fn limits() -> Limits {
    Limits::default().bytes(1000).time(Duration::from_millis(500))
}

async fn got(answer: impl Into<Vec<u8>>) -> Result<Response, Refused> {
    let server = Server::saying(answer).await;
    client(this_machine()).get(&server.url(), &limits()).await
}

#[tokio::test]
async fn a_document_is_fetched_as_it_is() {
    let response = got(answer("200 OK", "cache-control: max-age=60\r\n", "a key")).await.unwrap();
    assert_eq!((response.status, &*response.body), (200, &b"a key"[..]));
    assert_eq!(response.header("Cache-Control"), Some("max-age=60"));
}

#[tokio::test]
async fn bad_answers_are_told_by_their_words() {
    let chunked =
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3e9\r\n{}\r\n", "x".repeat(1001));
    let cases = [
        (answer("404 Not Found", "", "no"), Why::Status),
        (answer("204 No Content", "", ""), Why::Status),
        (answer("304 Not Modified", "", ""), Why::Redirect),
        (answer("200 OK", "content-encoding: gzip\r\n", "\x1f"), Why::Encoded),
        (answer("200 OK", "", &"x".repeat(1001)), Why::TooLarge),
        ("HTTP/1.1 200 OK\r\ncontent-length: 99999999999999\r\n\r\n".into(), Why::TooLarge),
        (chunked, Why::TooLarge),
        ("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".into(), Why::Broken),
        ("SSH-2.0-OpenSSH_9.6\r\n".into(), Why::Broken),
        (String::new(), Why::Broken),
    ];
    for (answer, why) in cases {
        let refused = got(answer.clone()).await.unwrap_err();
        assert_eq!(refused.why, why, "{answer:.60}: {refused}");
        assert!(!refused.why.is_rule());
        assert!(!refused.to_string().contains("/keys"), "no path in {refused}");
    }
    assert_eq!(
        got(answer("200 OK", "", &"x".repeat(1000))).await.unwrap().body.len(),
        1000,
        "the limit itself"
    );
}

#[tokio::test]
async fn a_body_without_end_is_given_up_at_the_limit() {
    let server = Server::start(|mut stream| async move {
        head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok();
        while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
    })
    .await;
    let refused = client(this_machine()).get(&server.url(), &limits()).await.unwrap_err();
    assert_eq!(refused.why, Why::TooLarge);
}

#[tokio::test]
async fn a_longer_answer_is_cut_where_that_is_asked() {
    let server = Server::saying(answer("500 Oops", "retry-after: 7\r\n", &"x".repeat(5000))).await;
    let sent =
        client(this_machine()).send(Request::post(server.url(), "event"), &limits().cut()).await.unwrap();
    assert_eq!((sent.status, sent.body.len(), sent.header("retry-after")), (500, 1000, Some("7")));
}

#[tokio::test]
async fn silence_and_drips_end_in_time() {
    let silent = Server::start(|mut stream| async move {
        head(&mut stream).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
    });
    let dripping = Server::start(|mut stream| async move {
        head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n").await.ok();
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let dripping_head = Server::start(|mut stream| async move {
        head(&mut stream).await;
        while stream.write_all(b"H").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let client = client(this_machine());
    for server in [silent.await, dripping.await] {
        let began = Instant::now();
        assert_eq!(client.get(&server.url(), &limits()).await.unwrap_err().why, Why::TimedOut);
        assert!(began.elapsed() < Duration::from_secs(2));
    }
    let mute = Client::builder().reach(this_machine()).lookup(Arc::new(Mute)).build().unwrap();
    let refused = mute.get("https://keys.example/", &limits()).await.unwrap_err();
    assert_eq!(refused.why, Why::TimedOut, "a look-up counts");
    let refused = client.get(&dripping_head.await.url(), &limits()).await.unwrap_err();
    assert!(matches!(refused.why, Why::TimedOut | Why::Broken), "{refused}");
}

/// Never answers.
struct Mute;

impl Lookup for Mute {
    fn lookup(&self, _: &str) -> Looking {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn nothing_is_said_about_us_but_our_name() {
    let seen = Arc::new(Mutex::new(String::new()));
    let keep = seen.clone();
    let server = Server::start(move |mut stream| {
        let keep = keep.clone();
        async move {
            *keep.lock().unwrap() = head(&mut stream).await;
            stream.write_all(answer("200 OK", "set-cookie: a=b\r\n", "").as_bytes()).await.ok();
        }
    })
    .await;
    let client = client(this_machine());
    for _ in 0..2 {
        client.get(&server.url(), &limits()).await.unwrap();
        let head = seen.lock().unwrap().to_lowercase();
        let mut names: Vec<_> =
            head.lines().skip(1).filter_map(|line| Some(line.split_once(':')?.0)).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "accept-encoding", "host", "user-agent"]);
        assert!(
            head.contains("accept-encoding: identity\r\n") && head.contains("user-agent: countersign/"),
            "{head}"
        );
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_and_a_name_that_leads_nowhere_are_told_apart() {
    let port = Server::saying("").await.port;
    let gone = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    assert_ne!(port, gone);
    let url = format!("http://127.0.0.1:{gone}/");
    assert_eq!(client(this_machine()).get(&url, &limits()).await.unwrap_err().why, Why::Connect);
    let nowhere = Names::new(&[&[]]).client(Client::builder());
    assert_eq!(nowhere.get("https://keys.example/", &limits()).await.unwrap_err().why, Why::Dns);
}

#[tokio::test]
async fn names_of_this_machine_may_be_allowed() {
    let server = Server::saying(answer("200 OK", "", "here")).await;
    let client = client(this_machine().and_plain_http("localhost"));
    let url = format!("http://localhost:{}/", server.port);
    assert_eq!(client.get(&url, &limits()).await.unwrap().body, b"here");
}

#[tokio::test]
async fn https_is_checked_against_the_name_and_the_roots() {
    let authority = Authority::new();
    let server = authority.server(None).await;
    let names = Names::new(&[&["127.0.0.1"]]);
    let trusting = names.client(Client::builder().reach(this_machine()).trust_only(authority.root));
    let doubting = names.client(Client::builder().reach(this_machine()));
    let url = |host: &str| format!("https://{host}:{}/", server.port);
    assert_eq!(trusting.get(&url("keys.example"), &limits()).await.unwrap().body, b"secured");
    for (client, host) in
        [(&trusting, "other.example"), (&trusting, "127.0.0.1"), (&doubting, "keys.example")]
    {
        let refused = client.get(&url(host), &limits()).await.unwrap_err();
        assert_eq!(refused.why, Why::Tls, "{host}: {refused}");
    }
    let plain = Server::start(|mut stream| async move {
        stream.write_all(b"220 ready, and not for TLS\r\n").await.ok();
    })
    .await;
    let url = format!("https://keys.example:{}/", plain.port);
    assert_eq!(trusting.get(&url, &limits()).await.unwrap_err().why, Why::Tls, "no TLS at all");
}

#[tokio::test]
async fn http_2_is_spoken_where_the_server_offers_it_and_is_capped_as_well() {
    let authority = Authority::new();
    let mut config = authority.config(None);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let server = Server::start(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let saying = service_fn(async |request: hyper::Request<Incoming>| {
                let length = if request.uri().path() == "/long" { 10 << 20 } else { 0 };
                let body = format!("{:?}{}", request.version(), "x".repeat(length));
                Ok::<_, Infallible>(hyper::Response::new(body))
            });
            auto::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), saying)
                .await
                .ok();
        }
    })
    .await;
    let builder = Client::builder().reach(this_machine()).trust_only(authority.root);
    let client = Names::new(&[&["127.0.0.1"]]).client(builder);
    let limits = limits().time(Duration::from_secs(20));
    let url = |path: &str| format!("https://keys.example:{}{path}", server.port);
    for _ in 0..3 {
        assert_eq!(client.get(&url("/"), &limits).await.unwrap().body, b"HTTP/2.0");
    }
    assert_eq!(client.get(&url("/long"), &limits).await.unwrap_err().why, Why::TooLarge);
    let cut = client.send(Request::get(url("/long")), &limits.cut()).await.unwrap();
    assert_eq!((cut.body.len(), server.seen()), (1000, 1), "one connection is kept for all");
}

#[test]
fn a_client_that_cannot_be_made_says_so() {
    for builder in [Client::builder().trust_only("no PEM"), Client::builder().agent("line\nbreak")] {
        assert_eq!(builder.reach(Reach::public()).build().err().unwrap().why, Why::Setup);
    }
}
