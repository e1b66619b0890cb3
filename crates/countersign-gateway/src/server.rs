//! Connections: who may be here at once, how long a head may take, and how all of it comes to an end.
//!
//! HTTP/1.1 and nothing else: it is what senders and the proxies in front of us speak, and every other protocol is one more way
//! to be asked for work. TLS is the proxy's.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// How large a head may be, in bytes.
pub(crate) const MOST_HEAD: usize = 64 * 1024;

/// How long a connection lives, however busy it is: then it is closed behind the request that is under way.
const MOST_LIFE: Duration = Duration::from_secs(300);

/// How many headers the library takes if nothing is said.
const DEFAULT_HEADERS: usize = 100;

/// How connections are held.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// How many may be here at once; further ones wait outside.
    pub connections: usize,
    /// How long a head may take.
    pub header_timeout: Duration,
    /// How many headers it may have.
    pub headers: usize,
    /// How long what is under way may take when all ends.
    pub drain: Duration,
}

/// Accept connections and answer requests, until `stop` says so; then bring what is under way to its end, and give up what is
/// still there after [`Rules::drain`].
pub async fn serve<F, R>(listener: TcpListener, rules: Rules, stop: watch::Receiver<bool>, answer: F)
where
    F: Fn(IpAddr, Request<Incoming>) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Response<Full<Bytes>>> + Send,
{
    let room = Arc::new(Semaphore::new(rules.connections));
    let (mut connections, mut stopped) = (JoinSet::new(), stop.clone());
    loop {
        // First a place, and then whom to give it to: who finds none waits outside, where the system holds him.
        let place = tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => break,
            place = room.clone().acquire_owned() => place,
        };
        let stream = tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => break,
            accepted = listener.accept() => accepted,
        };
        while connections.try_join_next().is_some() {}
        let (Ok(place), Ok((stream, peer))) = (place, stream) else {
            // No more files, most likely: somebody has to leave first.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (answer, stop) = (answer.clone(), stop.clone());
        connections.spawn(async move {
            connection(stream, peer.ip(), rules, stop, answer).await;
            drop(place);
        });
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(rules.drain, all).await;
}

async fn connection<F, R>(
    stream: TcpStream,
    peer: IpAddr,
    rules: Rules,
    mut stop: watch::Receiver<bool>,
    answer: F,
) where
    F: Fn(IpAddr, Request<Incoming>) -> R,
    R: Future<Output = Response<Full<Bytes>>>,
{
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| {
        let response = answer(peer, request);
        async { Ok::<_, Infallible>(response.await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(rules.header_timeout)
        .max_buf_size(MOST_HEAD)
        // Answers are short: one piece that is copied is sent for less than two that are not.
        .writev(false)
        .half_close(false);
    // The library's own number is for nothing; any other is room that it fills for every request.
    if rules.headers != DEFAULT_HEADERS {
        http.max_headers(rules.headers);
    }
    let connection = http.serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        biased;
        // A connection that breaks is its sender's affair: what was received whole was answered, or is not accepted.
        _ = connection.as_mut() => return,
        // Whoever does not read what he is answered would stay for ever otherwise.
        () = tokio::time::sleep(MOST_LIFE) => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = tokio::time::timeout(rules.drain, connection).await;
}
