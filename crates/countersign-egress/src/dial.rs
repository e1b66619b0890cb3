//! From a URL to a connection: directly, or through a tunnel of the proxy's.
//!
//! Both ways begin with the same look-up and the same rule. Behind them TLS is spoken with the name that stands in the
//! URL, so that a proxy that leads elsewhere has no certificate to show.

use crate::lookup::{Judged, Unjudged};
use crate::proxy::Proxy;
use crate::refused::{Refused, Why};
use http::{HeaderValue, Uri};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use std::error;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tower_service::Service;

/// What the libraries call an error.
pub(crate) type Error = Box<dyn error::Error + Send + Sync>;

/// TCP, or TLS to the proxy.
pub(crate) type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// One of two ways, chosen when the client is made. There is no way from one to the other.
#[derive(Clone)]
pub(crate) enum Dial {
    /// The judged addresses are dialled here.
    Direct(HttpConnector<Judged>),

    /// The proxy is asked for the judged addresses.
    ByProxy(ByProxy),
}

/// The way through the proxy.
#[derive(Clone)]
pub(crate) struct ByProxy {
    pub(crate) road: HttpsConnector<HttpConnector<Unjudged>>,
    pub(crate) proxy: Arc<Proxy>,
    pub(crate) judged: Judged,
    pub(crate) agent: HeaderValue,
    /// For each address, from dialling the proxy to its answer.
    pub(crate) time: Duration,
}

impl Service<Uri> for Dial {
    type Response = Stream;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        // Neither way is ever busy.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        match self {
            Dial::Direct(tcp) => {
                let dialling = tcp.call(to);
                Box::pin(async move { Ok(MaybeHttpsStream::Http(dialling.await?)) })
            }
            Dial::ByProxy(way) => {
                let way = way.clone();
                Box::pin(async move { Ok(way.tunnel(&to).await?) })
            }
        }
    }
}

impl ByProxy {
    /// A tunnel to the first of the target's addresses that the proxy opens one to.
    async fn tunnel(&self, to: &Uri) -> Result<Stream, Refused> {
        let host = to.host().unwrap_or_default();
        let port = to.port_u16().unwrap_or(if to.scheme_str() == Some("http") { 80 } else { 443 });
        let mut last = Refused::new(Why::Dns, format!("`{host}` has no address"));
        for address in self.addresses(host).await? {
            let opening = self.open(SocketAddr::new(address, port), host);
            last = match tokio::time::timeout(self.time, opening).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(Closed::ForAll(refused))) => return Err(refused),
                Ok(Err(Closed::ForThis(refused))) => refused,
                Err(_) => Refused::new(Why::Proxy, format!("the proxy opened no way to `{host}` in time")),
            };
        }
        Err(last)
    }

    /// An address that stands in the URL was judged with it, and is judged once more: nothing here relies on that.
    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, Refused> {
        match host.trim_start_matches('[').trim_end_matches(']').parse() {
            Ok(address) => {
                self.judged.reach.judge(address)?;
                Ok(vec![address])
            }
            Err(_) => self.judged.addresses(host).await,
        }
    }

    async fn open(&self, to: SocketAddr, host: &str) -> Result<Stream, Closed> {
        let mut road = self.road.clone();
        let unreached = |_| Closed::ForAll(Refused::new(Why::Proxy, "the proxy could not be reached"));
        let mut stream = TokioIo::new(road.call(self.proxy.uri().clone()).await.map_err(unreached)?);
        let status = self.proxy.connect(&mut stream, to, &self.agent).await.map_err(Closed::ForAll)?;
        let refused = |what: &str| Refused::new(Why::Proxy, what);
        match status {
            200..=299 => Ok(stream.into_inner()),
            407 => Err(Closed::ForAll(refused("the proxy asks for other credentials: it answered 407"))),
            status => Err(Closed::ForThis(refused(&format!(
                "the proxy opened no way to `{host}`: it answered {status} for {}",
                to.ip()
            )))),
        }
    }
}

/// Whether another address is worth a try.
enum Closed {
    ForThis(Refused),
    ForAll(Refused),
}
