//! What is read of requests, and how they are answered.

use super::Shared;
use crate::operate::{ErrorCode, OperateError};
use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;

/// The longest body that is taken, in bytes: a capture of the largest request, as JSON has it.
const MOST: usize = 24 << 20;

/// And how long it may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why not, as JSON with its status.
pub(super) struct Failure(pub(super) OperateError);

impl From<OperateError> for Failure {
    fn from(error: OperateError) -> Self {
        Failure(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(self.0)).into_response()
    }
}

/// A body of JSON. Its content type is not looked at; an empty one is an empty object.
pub(super) struct Sent<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<Shared>> for Sent<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &Arc<Shared>) -> Result<Self, Failure> {
        let too_long = |says: String| {
            Failure(OperateError::new(ErrorCode::TooLong, says).help("send less, or over a faster line"))
        };
        let read = tokio::time::timeout(PATIENCE, axum::body::to_bytes(request.into_body(), MOST)).await;
        let body = read
            .map_err(|_| too_long(format!("the body took longer than {} s", PATIENCE.as_secs())))?
            .map_err(|_| too_long(format!("the body is longer than {MOST} bytes, or broke off")))?;
        let text: &[u8] = if body.is_empty() { b"{}" } else { &body };
        serde_json::from_slice(text).map(Sent).map_err(|error| {
            // The words of a reader name keys and kinds of values, and quote none: a value may be a secret.
            let says = format!(
                "the body cannot be read: it is not the JSON that is wanted, at line {} column {}",
                error.line(),
                error.column()
            );
            let says = match error.classify() {
                serde_json::error::Category::Data => format!("{says}: {}", without_values(&error)),
                _ => says,
            };
            Failure(
                OperateError::new(ErrorCode::InvalidArgument, says)
                    .help("/api/v1/openapi.json says what is taken"),
            )
        })
    }
}

/// The query, read whole: a key that is not known is a mistake.
pub(super) struct Said<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Arc<Shared>> for Said<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Shared>) -> Result<Self, Failure> {
        Query::try_from_uri(&parts.uri).map(|Query(said)| Said(said)).map_err(|rejection| {
            Failure(
                OperateError::new(
                    ErrorCode::InvalidArgument,
                    format!("the query: {}", rejection.body_text()),
                )
                .help("/api/v1/openapi.json says what is taken"),
            )
        })
    }
}

/// What stands in the path.
pub(super) struct At<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<Shared>> for At<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Failure> {
        let found = Path::from_request_parts(parts, shared).await;
        found.map(|Path(found)| At(found)).map_err(|_| {
            Failure(
                OperateError::new(ErrorCode::UnknownPath, "a name in the path is no text")
                    .help("encode it as UTF-8"),
            )
        })
    }
}

/// No answer of ours is kept by anybody on the way, nor taken for anything else than it says.
pub(super) async fn uncached(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers: &mut HeaderMap = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// What a reader complains of, without what it quotes: `invalid type: string "hunter2", expected u64`.
fn without_values(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let mut shown = String::new();
    for (index, part) in text.split('"').enumerate() {
        shown.push_str(if index % 2 == 0 { part } else { "…" });
    }
    shown
}
