//! A layer in front of any service: what does not verify does not get past it.
//!
//! The service behind it gets the very bytes that were verified, and a [`Proof`] in the request's extensions. Extensions
//! are of this program: nothing that a client sends lands there.
//!
//! Unlike an extractor, a layer sees what became of a request. If the service fails, answers anything but a success, or is
//! dropped half-way, the replay claim is given back, and the sender's next try is let in.

use crate::{Proof, Receiver, respond};
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use std::error::Error;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};
use tower_layer::Layer;
use tower_service::Service;

/// Puts a [`Verify`] in front of a service.
#[derive(Clone, Debug)]
pub struct VerifyLayer {
    receiver: Receiver,
}

impl VerifyLayer {
    /// Let by what `receiver` takes.
    pub fn new(receiver: Receiver) -> Self {
        VerifyLayer { receiver }
    }
}

impl<S> Layer<S> for VerifyLayer {
    type Service = Verify<S>;

    fn layer(&self, inner: S) -> Verify<S> {
        Verify { receiver: self.receiver.clone(), inner }
    }
}

/// Hands requests that verify to the service behind it, and answers all others itself.
///
/// Of a success, the response is what the preset's `[response]` says, if it says something: a provider that needs to hear
/// `*ok*` takes everything else for a failure. All other responses pass as they are. Costs one allocation a request beside
/// what [`Receiver::receive`] costs, and one for the extensions.
#[derive(Clone, Debug)]
pub struct Verify<S> {
    receiver: Receiver,
    inner: S,
}

impl<S, B, R> Service<Request<B>> for Verify<S>
where
    S: Service<Request<Full<Bytes>>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    R: From<Bytes> + 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let receiver = self.receiver.clone();
        // The one that is ready is called; its clone takes its place.
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            let proof = match receiver.receive(&parts, body).await {
                Ok(proof) => proof,
                Err(answered) => return Ok(answered.into_response()),
            };
            let mut handled = Handled { proof, done: false };
            parts.extensions.insert(handled.proof.clone());
            let body = Full::new(handled.proof.body().clone());
            let response = inner.call(Request::from_parts(parts, body)).await?;
            if !response.status().is_success() {
                return Ok(response);
            }
            handled.done = true;
            Ok(match handled.proof.response() {
                Some(answer) => respond(answer.clone()),
                None => response,
            })
        })
    }
}

/// A claim that is given back unless the request was handled.
struct Handled {
    proof: Proof,
    done: bool,
}

impl Drop for Handled {
    fn drop(&mut self) {
        if !self.done {
            self.proof.release();
        }
    }
}
