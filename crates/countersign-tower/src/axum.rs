//! Extractors: a handler that asks for one cannot get a body that was not verified.
//!
//! The types have no public constructor and no default, so that a handler which has one in its hands was called with a
//! genuine request. They read the body from the request, and so come last among a handler's arguments. axum's own limit of
//! bodies does not count here: the [`Receiver`]'s does.
//!
//! ```
//! use axum::{Router, http::StatusCode, routing::post};
//! use bytes::Bytes;
//! use countersign_tower::{Receiver, axum::Verified};
//!
//! async fn hook(delivery: Verified<Bytes>) -> StatusCode {
//!     println!("{} bytes, signed by {}", delivery.body().len(), delivery.key());
//!     StatusCode::NO_CONTENT
//! }
//!
//! fn app(receiver: Receiver) -> Router {
//!     Router::new().route("/in/acme", post(hook)).with_state(receiver)
//! }
//! ```

use crate::{Answered, Proof, Receiver, Refusal};
use ::axum::body::Body;
use ::axum::extract::{FromRef, FromRequest, FromRequestParts, Request};
use ::axum::response::{IntoResponse, Response};
use bytes::Bytes;
use countersign::{Binds, Event, KeyId, Timestamp};
use http::StatusCode;
use http::request::Parts;
use serde::de::DeserializeOwned;
use std::fmt;
use std::ops::Deref;

/// A request that verified, and what was read from its body: its bytes, or of a [`VerifiedJson`] what they mean.
///
/// The [`Receiver`] is the router's state, or a part of it: `Receiver: FromRef<S>`. A refusal never reaches the handler,
/// nor does a handshake or a duplicate; who wants to see those asks for a `Result<Verified<Bytes>, Answered>`.
///
/// The replay claim, if there is a guard, was made before the handler was called. A handler that cannot do its work calls
/// [`release`](Self::release), or the sender's next try is answered as a duplicate.
pub struct Verified<B = Bytes> {
    proof: Proof,
    parts: Parts,
    value: B,
}

impl<B> Verified<B> {
    /// What was read from the body.
    pub fn into_inner(self) -> B {
        self.value
    }

    /// The same, and all else that is known: the proof, and the request's head.
    pub fn into_parts(self) -> (B, Proof, Parts) {
        (self.value, self.proof, self.parts)
    }

    /// What was read from the body, to look at.
    pub fn value(&self) -> &B {
        &self.value
    }

    /// The body, byte for byte as it was sent and judged.
    pub fn body(&self) -> &Bytes {
        self.proof.body()
    }

    /// The source that it is of.
    pub fn source(&self) -> &str {
        self.proof.source()
    }

    /// Which key signed.
    pub fn key(&self) -> &KeyId {
        self.proof.key()
    }

    /// The sender's own name for the message, if it was signed.
    pub fn message_id(&self) -> Option<&str> {
        self.proof.message_id()
    }

    /// When the sender says it signed, if that was signed.
    pub fn signed_at(&self) -> Option<Timestamp> {
        self.proof.signed_at()
    }

    /// What the signature covers: of all else, nothing is known.
    pub fn binds(&self) -> Binds {
        self.proof.binds()
    }

    /// What happened, as far as the preset says where to look. Reads the body anew at each call.
    pub fn event(&self) -> Event {
        self.proof.event(&self.parts)
    }

    /// The request's head, as it came: proven as far as [`binds`](Self::binds) goes, which is seldom.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// The proof by itself, to hand on.
    pub fn proof(&self) -> &Proof {
        &self.proof
    }

    /// The response to a request that was handled: what the preset's `[response]` says, or an empty 200.
    pub fn acknowledge(&self) -> Response {
        self.proof.acknowledge()
    }

    /// The request cannot be handled now: let it in when it is sent again. Answer with a 5xx, so that it is.
    pub fn release(&self) {
        self.proof.release();
    }
}

/// Prints nothing of the body or the headers.
impl<B> fmt::Debug for Verified<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Verified").field(&self.proof).finish()
    }
}

impl<S> FromRequest<S> for Verified<Bytes>
where
    Receiver: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Answered;

    async fn from_request(request: Request, state: &S) -> Result<Self, Answered> {
        let (parts, body) = request.into_parts();
        let proof = Receiver::from_ref(state).receive(&parts, body).await?;
        let value = proof.body().clone();
        Ok(Verified { proof, parts, value })
    }
}

/// As [`Verified`], with the body read as JSON, after it was verified and not before.
///
/// What verifies and is no such JSON is answered 400, and its replay claim is given back: it may be we who are wrong.
/// `Content-Type` is not looked at: it is seldom signed.
pub struct VerifiedJson<T>(Verified<T>);

impl<T> VerifiedJson<T> {
    /// What the body means.
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }

    /// The same, and all else that is known.
    pub fn into_verified(self) -> Verified<T> {
        self.0
    }
}

impl<T> Deref for VerifiedJson<T> {
    type Target = Verified<T>;

    fn deref(&self) -> &Verified<T> {
        &self.0
    }
}

/// Prints nothing of the body or the headers.
impl<T> fmt::Debug for VerifiedJson<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VerifiedJson").field(&self.0.proof).finish()
    }
}

impl<S, T> FromRequest<S> for VerifiedJson<T>
where
    Receiver: FromRef<S>,
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Answered;

    async fn from_request(request: Request, state: &S) -> Result<Self, Answered> {
        let Verified { proof, parts, .. } = Verified::from_request(request, state).await?;
        match serde_json::from_slice(proof.body()) {
            Ok(value) => Ok(VerifiedJson(Verified { proof, parts, value })),
            Err(error) => {
                proof.release();
                Err(Refusal::NotJson { says: told(&error) }.into())
            }
        }
    }
}

/// Behind a `VerifyLayer`, the proof by itself. Where no such layer is, every request is answered 500: the route is wired
/// wrongly, and nothing of it may be let by.
impl<S: Send + Sync> FromRequestParts<S> for Proof {
    type Rejection = NoProof;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, NoProof> {
        parts.extensions.get::<Proof>().cloned().ok_or(NoProof)
    }
}

/// There is no `VerifyLayer` in front of this route.
#[derive(Debug)]
pub struct NoProof;

impl IntoResponse for NoProof {
    fn into_response(self) -> Response {
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

impl IntoResponse for Answered {
    fn into_response(self) -> Response {
        Answered::into_response::<Body>(self)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        Refusal::into_response::<Body>(self)
    }
}

/// What is wrong with JSON, and where. serde's own words may quote the body.
fn told(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Data => "it is JSON of another shape",
        serde_json::error::Category::Eof => "it ends too early",
        _ => "it is no JSON",
    };
    format!("{what}: line {}, column {}", error.line(), error.column())
}
