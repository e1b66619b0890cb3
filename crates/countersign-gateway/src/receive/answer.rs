//! What senders hear: a status and one text, the same for everybody, or what the preset says that the provider needs.

use crate::gate::Inlet;
use bytes::Bytes;
use countersign_tower::REFUSED;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use http::{Response, StatusCode};
use http_body_util::Full;
use std::time::Duration;

/// A status alone.
pub(super) fn bare(status: u16) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

/// A refusal: nothing in it tells what was wrong.
pub(super) fn refused(status: u16, wait: Option<Duration>, inlet: Option<&Inlet>) -> Response<Full<Bytes>> {
    let mut response = bare(status);
    *response.body_mut() = Full::new(Bytes::from_static(REFUSED.as_bytes()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(wait) = wait {
        // Whole seconds, rounded up: who comes back as told is let in.
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    }
    if let (405, Some(inlet)) = (status, inlet)
        && let Ok(methods) = HeaderValue::from_str(&inlet.config.methods.join(", "))
    {
        headers.insert(ALLOW, methods);
    }
    response
}
