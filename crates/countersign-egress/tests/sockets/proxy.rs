//! A proxy that was asked for: it is told addresses that were judged here, and nothing goes another way.

use crate::authority::Authority;
use crate::server::{Names, Server, answer, client, head, this_machine};
use countersign_egress::{Builder, Client, Limits, Proxy, Reach, Refused, Request, Response, Why};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

/// An address that is public, and that no test dials: whoever answers for it is the proxy.
const PUBLIC: &str = "93.184.215.14";
const ALSO_PUBLIC: &str = "2606:2800:21f:cb07::1";

/// A proxy that leads to one port of this machine, whatever it is asked for, and keeps what it was asked.
pub(crate) struct Way {
    server: Server,
    scheme: &'static str,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Way {
    pub(crate) async fn to(port: u16) -> Self {
        Self::start("http", move |stream, asked| through(stream, port, asked)).await
    }

    /// It speaks TLS itself.
    pub(crate) async fn secured(acceptor: TlsAcceptor, port: u16) -> Self {
        Self::start("https", move |stream, asked| {
            let acceptor = acceptor.clone();
            async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    through(stream, port, asked).await;
                }
            }
        })
        .await
    }

    /// It answers every question with these bytes, and hangs up.
    async fn saying(answer: &'static str) -> Self {
        Self::start("http", move |mut stream, asked| async move {
            let question = head(&mut stream).await;
            asked.lock().unwrap().push(question);
            stream.write_all(answer.as_bytes()).await.ok();
        })
        .await
    }

    async fn start<F>(
        scheme: &'static str,
        answer: impl Fn(TcpStream, Arc<Mutex<Vec<String>>>) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let keep = asked.clone();
        Way { server: Server::start(move |stream| answer(stream, keep.clone())).await, scheme, asked }
    }

    pub(crate) fn proxy(&self) -> Proxy {
        let host = if self.scheme == "https" { "keys.example" } else { "127.0.0.1" };
        Proxy::new(&format!("{}://{host}:{}", self.scheme, self.server.port)).unwrap()
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn through(mut stream: impl AsyncRead + AsyncWrite + Unpin, port: u16, asked: Arc<Mutex<Vec<String>>>) {
    let question = head(&mut stream).await;
    asked.lock().unwrap().push(question);
    let mut target = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(b"HTTP/1.1 200 Connection established\r\nvia: test\r\n\r\n").await.unwrap();
    copy_bidirectional(&mut stream, &mut target).await.ok();
}

fn limits() -> Limits {
    Limits::default().bytes(1000).time(Duration::from_secs(20))
}

async fn got(names: &Arc<Names>, builder: Builder, url: &str) -> Result<Response, Refused> {
    names.client(builder).get(url, &limits()).await
}

#[tokio::test]
async fn a_proxy_is_asked_for_the_judged_address_and_never_for_a_name() {
    let authority = Authority::new();
    let way = Way::to(authority.server(None).await.port).await;
    let names = Names::new(&[&[PUBLIC]]);
    let proxy = way.proxy().credentials("gateway", "open sesame").unwrap();
    let builder = Client::builder().trust_only(authority.root).proxy(proxy);
    assert_eq!(got(&names, builder, "https://keys.example/keys?a=b").await.unwrap().body, b"secured");
    let wanted = format!(
        "CONNECT {PUBLIC}:443 HTTP/1.1\r\nhost: {PUBLIC}:443\r\nuser-agent: countersign/{}\r\n\
         proxy-authorization: Basic Z2F0ZXdheTpvcGVuIHNlc2FtZQ==\r\n\r\n",
        env!("CARGO_PKG_VERSION"),
    );
    assert_eq!((way.asked(), names.asked()), (vec![wanted], 1));
}

#[tokio::test]
async fn what_is_in_the_clear_goes_through_a_tunnel_too_and_carries_nothing_of_the_proxys() {
    let seen = Arc::new(Mutex::new(String::new()));
    let keep = seen.clone();
    let server = Server::start(move |mut stream| {
        let keep = keep.clone();
        async move {
            *keep.lock().unwrap() = head(&mut stream).await;
            stream.write_all(answer("200 OK", "", "plain").as_bytes()).await.ok();
        }
    })
    .await;
    let way = Way::to(server.port).await;
    let reach = Reach::public().and_ports(80..=80).and_plain_http("keys.example");
    let builder = Client::builder().reach(reach).proxy(way.proxy().credentials("user", "word").unwrap());
    let response = got(&Names::new(&[&[PUBLIC]]), builder, "http://keys.example/path").await.unwrap();
    assert_eq!(response.body, b"plain");
    assert!(way.asked()[0].starts_with(&format!("CONNECT {PUBLIC}:80 ")), "{:?}", way.asked());
    let seen = seen.lock().unwrap().to_lowercase();
    assert!(seen.starts_with("get /path http/1.1\r\n") && seen.contains("host: keys.example\r\n"), "{seen}");
    assert!(!seen.contains("proxy"), "{seen}");
}

#[tokio::test]
async fn by_a_proxy_the_rule_of_addresses_holds() {
    let way = Way::to(Server::saying(answer("200 OK", "", "secret")).await.port).await;
    let reach =
        || Reach::public().and_ports(80..=80).and_plain_http("keys.example").and_plain_http("127.0.0.1");
    for addresses in [
        &["127.0.0.1"][..],
        &["10.0.0.5"],
        &["169.254.169.254"],
        &["::ffff:127.0.0.1"],
        &[PUBLIC, "10.0.0.5"],
    ] {
        let builder = Client::builder().reach(reach()).proxy(way.proxy());
        let refused = got(&Names::new(&[addresses]), builder, "http://keys.example/").await.unwrap_err();
        assert_eq!(refused.why, Why::Address, "{addresses:?}");
    }
    let builder = Client::builder().reach(reach()).proxy(way.proxy());
    let names = Names::new(&[&[PUBLIC]]);
    for url in ["http://127.0.0.1/", "https://localhost/", "https://[::1]/", "https://0x7f.1/"] {
        let builder = Client::builder().reach(reach()).proxy(way.proxy());
        assert_eq!(got(&names, builder, url).await.unwrap_err().why, Why::Address, "{url}");
    }
    assert_eq!(way.server.seen(), 0, "a proxy is not troubled with what is refused");
    // And from one call to the next: the name's second answer is judged as the first.
    let rebound = Names::new(&[&[PUBLIC], &["10.0.0.5"]]).client(builder);
    assert!(rebound.get("http://keys.example/", &limits()).await.is_ok());
    assert_eq!(rebound.get("http://keys.example/", &limits()).await.unwrap_err().why, Why::Address);
    assert_eq!(way.asked().len(), 1);
}

#[tokio::test]
async fn where_the_proxy_fails_nothing_is_dialled_directly() {
    let server = Server::saying(answer("200 OK", "", "direct")).await;
    let call = async |proxy: Proxy| {
        let builder = Client::builder().reach(this_machine()).proxy(proxy);
        builder.build().unwrap().get(&server.url(), &limits()).await.unwrap_err()
    };
    for (answer, said) in [
        ("HTTP/1.1 403 Forbidden\r\n\r\n", "answered 403 for 127.0.0.1"),
        ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "other credentials"),
        ("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1/\r\n\r\n", "answered 302"),
        ("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 4\r\n\r\nbody", "answered 502"),
        ("HTTP/1.1 200 OK\r\n", "hung up"),
        ("", "hung up"),
        ("SSH-2.0-OpenSSH_9.6\r\n\r\n", "not answer in HTTP/1"),
    ] {
        let refused = call(Way::saying(answer).await.proxy()).await;
        assert_eq!(refused.why, Why::Proxy, "{answer:?}: {refused}");
        assert!(refused.what.contains(said), "{answer:?}: {refused}");
        assert!(!refused.why.is_rule(), "it may be better later");
    }
    let endless = Way::start("http", |mut stream, _| async move {
        head(&mut stream).await;
        while stream.write_all(b"HTTP/1.1 200 OK\r\nx: y\r\n").await.is_ok() {}
    });
    assert!(call(endless.await.proxy()).await.what.contains("over 8192 bytes"));
    let silent = Way::start("http", |mut stream, _| async move {
        head(&mut stream).await;
        std::future::pending::<()>().await;
    });
    assert!(call(silent.await.proxy()).await.what.contains("in time"));
    let gone = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let refused = call(Proxy::new(&format!("http://127.0.0.1:{gone}")).unwrap()).await;
    assert_eq!((refused.why, &*refused.what), (Why::Proxy, "the proxy could not be reached"));
    assert_eq!(server.seen(), 0);
}

#[tokio::test]
async fn an_address_that_the_proxy_cannot_reach_is_followed_by_the_next() {
    let port = Server::saying(answer("200 OK", "", "second")).await.port;
    let way = Way::start("http", move |mut stream, asked| async move {
        let first = asked.lock().unwrap().is_empty();
        if first {
            let question = head(&mut stream).await;
            asked.lock().unwrap().push(question);
            stream.write_all(b"HTTP/1.1 504 Gateway Timeout\r\n\r\n").await.ok();
        } else {
            through(stream, port, asked).await;
        }
    })
    .await;
    let reach = Reach::public().and_ports(8080..=8080).and_plain_http("keys.example");
    let builder = Client::builder().reach(reach).proxy(way.proxy());
    let names = Names::new(&[&[ALSO_PUBLIC, PUBLIC]]);
    assert_eq!(got(&names, builder, "http://keys.example:8080/").await.unwrap().body, b"second");
    let asked: Vec<_> =
        way.asked().iter().map(|head| head.lines().next().unwrap_or_default().to_owned()).collect();
    let wanted =
        [format!("CONNECT [{ALSO_PUBLIC}]:8080 HTTP/1.1"), format!("CONNECT {PUBLIC}:8080 HTTP/1.1")];
    assert_eq!(asked, wanted);
}

#[tokio::test]
async fn a_proxy_may_speak_tls_and_have_a_private_address_and_is_checked_by_its_name() {
    let authority = Authority::new();
    let way = Way::secured(authority.acceptor(None), authority.server(None).await.port).await;
    // The first look-up is the target's, the second the proxy's, which the rule would refuse.
    let names = || Names::new(&[&[PUBLIC], &["127.0.0.1"]]);
    let builder = Client::builder().trust_only(authority.root.as_str()).proxy(way.proxy());
    assert_eq!(got(&names(), builder, "https://keys.example/").await.unwrap().body, b"secured");
    let stranger = Way::secured(Authority::new().acceptor(None), 1).await;
    let builder = Client::builder().trust_only(authority.root.as_str()).proxy(stranger.proxy());
    let refused = got(&names(), builder, "https://keys.example/").await.unwrap_err();
    assert_eq!((refused.why, stranger.asked().len()), (Why::Proxy, 0), "{refused}");
}

#[tokio::test]
async fn a_proxy_that_leads_elsewhere_has_no_certificate_to_show() {
    let authority = Authority::new();
    let way = Way::to(Authority::new().server(None).await.port).await;
    let builder = Client::builder().trust_only(authority.root).proxy(way.proxy());
    let refused = got(&Names::new(&[&[PUBLIC]]), builder, "https://keys.example/").await.unwrap_err();
    assert_eq!(refused.why, Why::Tls, "{refused}");
}

#[tokio::test]
async fn by_a_proxy_answers_are_capped_and_redirects_are_not_followed() {
    let long = Server::saying(answer("200 OK", "", &"x".repeat(1001))).await;
    let away = Server::saying(answer("302 Found", "location: http://169.254.169.254/\r\n", "")).await;
    for (server, why) in [(long, Why::TooLarge), (away, Why::Redirect)] {
        let way = Way::to(server.port).await;
        let builder = Client::builder().reach(this_machine()).proxy(way.proxy());
        let sent = builder.build().unwrap().send(Request::post(server.url(), "event"), &limits()).await;
        assert_eq!((sent.unwrap_err().why, way.asked().len(), server.seen()), (why, 1, 1));
        assert!(client(this_machine()).get(&server.url(), &limits()).await.is_err(), "as without one");
    }
}
