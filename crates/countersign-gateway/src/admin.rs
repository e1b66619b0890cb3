//! The admin API: what [`operate`](crate::operate) does, over HTTP, on an address of its own.
//!
//! Everything but `/healthz` and `/readyz` wants a bearer token, paths that are not there included: whoever has none learns nothing,
//! not even what there is. Answers are JSON, and are kept by no cache. The document of the API is generated from the code that
//! answers, and is at `/api/v1/openapi.json`.
//!
//! The surprising decision is that there is no way to read a secret here, and none to be told one twice: an API that
//! could would be worth more to a thief than all that it administers.

mod answer;
mod gauges;
mod metrics;
mod outbound;
mod routes;
mod token;

pub use gauges::{Gauges, LedgerGauges, Measured};
pub use token::Token;

use crate::operate::Operator;
use crate::server::{self, Rules};
use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use token::Guard;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, watch};
use tower_service::Service;
use utoipa::openapi::OpenApi;

/// How operators' connections are held: there are few of them, and none is slow for a good reason.
const RULES: Rules = Rules {
    connections: 64,
    header_timeout: Duration::from_secs(10),
    headers: 100,
    drain: Duration::from_secs(5),
};

/// What all requests share.
pub(crate) struct Shared {
    pub(crate) operator: Arc<Operator>,
    pub(crate) measure: Box<Measured>,
    /// Whether the store could be written, and when that was seen.
    written: Mutex<Option<(Instant, bool)>>,
}

/// How long it is believed that the store can be written: whoever asks without a token has it written no more often.
const BELIEVED: Duration = Duration::from_secs(1);

impl Shared {
    /// Whether the store can be written. Asked of it once in a second.
    pub(crate) async fn writes(&self) -> bool {
        let mut written = self.written.lock().await;
        if let Some((at, writes)) = *written
            && at.elapsed() < BELIEVED
        {
            return writes;
        }
        let ready = self.operator.ready().await;
        if let Err(error) = &ready {
            tracing::warn!(%error, "not ready");
        }
        *written = Some((Instant::now(), ready.is_ok()));
        ready.is_ok()
    }
}

/// Who is at the other end of the connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// The API as a service. `measure` gives what only a running gateway knows.
///
/// Wants to know its peers: see [`serve`]. Without, all of them count as one address.
pub fn router(operator: Arc<Operator>, token: Arc<Token>, measure: Box<Measured>) -> Router {
    let shared = Arc::new(Shared { operator, measure, written: Mutex::default() });
    let guard = Arc::new(Guard::new(token));
    let (guarded, _) = routes::guarded().split_for_parts();
    let (open, _) = routes::open().split_for_parts();
    guarded
        .fallback(routes::nothing)
        .method_not_allowed_fallback(routes::other_method)
        .layer(from_fn_with_state(guard, token::check))
        .merge(open)
        .layer(axum::middleware::from_fn(answer::uncached))
        .layer(DefaultBodyLimit::disable())
        .with_state(shared)
}

/// The document of the API, OpenAPI 3.1.
pub fn openapi() -> OpenApi {
    let (_, mut document) = routes::guarded().split_for_parts();
    let (_, open) = routes::open().split_for_parts();
    document.merge(open);
    document
}

/// Let operators in until `stop` says so.
pub async fn serve(listener: TcpListener, router: Router, stop: watch::Receiver<bool>) {
    server::serve(listener, RULES, stop, move |peer, request| {
        let router = router.clone();
        async move { respond(router, peer, request.map(Body::new)).await }
    })
    .await;
}

async fn respond(mut router: Router, peer: IpAddr, mut request: Request<Body>) -> Response<Full<Bytes>> {
    request.extensions_mut().insert(Peer(peer));
    // A router is always ready, and cannot fail.
    let Ok(response) = router.call(request).await;
    let (head, body) = response.into_parts();
    match body.collect().await {
        Ok(body) => Response::from_parts(head, Full::new(body.to_bytes())),
        Err(_) => {
            let mut response = Response::new(Full::default());
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response
        }
    }
}
