//! What a sender is told, and what it is not.
//!
//! A sender hears a status and one text, the same for all: whoever tries out signatures learns nothing from a refusal. What
//! was wrong is for the host's log, and goes along in the extensions of the response, where no sender sees it.

use crate::Why;
use bytes::Bytes;
use countersign::{Answer, Detail, Reason, Rejection};
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{Response, StatusCode};
use std::fmt;
use std::time::Duration;

/// All that the body of a refusal says.
pub const REFUSED: &str = "not accepted\n";

/// Why a request was refused.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Refusal {
    /// By what the signature is of, or by its size: the status is that of the reason's class.
    Rejected(Rejection),

    /// The body did not end in time: 408.
    Slow {
        /// How long it had.
        time: Duration,
    },

    /// The body broke off, or was no HTTP: 400.
    Broken {
        /// What the connection says.
        says: String,
    },

    /// The replay guard cannot say whether this was accepted before: 503.
    Unsure,

    /// What verified is not the JSON that is wanted: 400. Nothing of it stands in the text.
    NotJson {
        /// What is wrong, and where.
        says: String,
    },
}

impl Refusal {
    /// The stable code, for logs: a reason's, or `body_slow`, `body_broken`, `guard_unsure`, `not_json`.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::Rejected(rejection) => rejection.reason.code(),
            Refusal::Slow { .. } => "body_slow",
            Refusal::Broken { .. } => "body_broken",
            Refusal::Unsure => "guard_unsure",
            Refusal::NotJson { .. } => "not_json",
        }
    }

    /// The reason, if it was the verifier's.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Refusal::Rejected(rejection) => Some(rejection.reason),
            _ => None,
        }
    }

    /// The verifier's finer code and a sentence, for the log.
    pub fn detail(&self) -> Option<&Detail> {
        match self {
            Refusal::Rejected(rejection) => rejection.detail.as_ref(),
            _ => None,
        }
    }

    /// What the sender is told: 400, 401, 408, 413 or 503.
    pub fn status(&self) -> StatusCode {
        match self {
            Refusal::Rejected(rejection) => status(rejection.reason.class().status()),
            Refusal::Slow { .. } => StatusCode::REQUEST_TIMEOUT,
            Refusal::Unsure => StatusCode::SERVICE_UNAVAILABLE,
            Refusal::Broken { .. } | Refusal::NotJson { .. } => StatusCode::BAD_REQUEST,
        }
    }

    /// The response: the status, [`REFUSED`], and this in its extensions, as [`Why::Refused`].
    pub fn into_response<B: From<Bytes>>(self) -> Response<B> {
        let mut response = text(self.status(), Bytes::from_static(REFUSED.as_bytes()));
        response.extensions_mut().insert(Why::Refused(self));
        response
    }
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Refusal::Rejected(rejection)
    }
}

/// For the log: it may hold what a connection said, and what a document of keys is called.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Rejected(rejection) => rejection.fmt(f),
            Refusal::Slow { time } => write!(f, "body_slow: the body did not end in {time:?}"),
            Refusal::Broken { says } => write!(f, "body_broken: {says}"),
            Refusal::Unsure => f.write_str("guard_unsure: the replay guard cannot say"),
            Refusal::NotJson { says } => write!(f, "not_json: {says}"),
        }
    }
}

impl std::error::Error for Refusal {}

/// The response to a handshake, or of a preset's `[response]`. A body comes with `nosniff`: it may be the caller's text.
pub fn respond<B: From<Bytes>>(answer: Answer) -> Response<B> {
    let Answer { status: number, content_type, headers, body, .. } = answer;
    let mut response = match body.is_empty() {
        true => Response::new(Bytes::new().into()),
        false => text(StatusCode::OK, body.into()),
    };
    *response.status_mut() = status(number);
    let map = response.headers_mut();
    if map.contains_key(CONTENT_TYPE)
        && let Ok(value) = HeaderValue::try_from(content_type)
    {
        map.insert(CONTENT_TYPE, value);
    }
    for (name, value) in headers {
        // The core gives no others: a preset with such a name or value does not compile, or has no answer.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            map.insert(name, value);
        }
    }
    response
}

fn text<B: From<Bytes>>(status: StatusCode, body: Bytes) -> Response<B> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Presets and classes name real ones; what is none is our fault.
fn status(number: u16) -> StatusCode {
    StatusCode::from_u16(number).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
