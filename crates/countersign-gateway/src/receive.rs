//! Receiving: one request, from its head to its answer. The order is the design.
//!
//! What costs nothing is asked first and what costs a signature last; what an honest sender's budget pays is spent only after the
//! sender was proven. Each step is a function that ends the visit or lets it go on. The answer to an accepted request is given
//! when the store says that it is durable, and not before.
//!
//! The surprising decision is that addresses are judged before the body is read, though a body that says it is too long is refused
//! before that: whoever may not come at all shall not make us read a megabyte to hear it.

mod address;
mod answer;
mod budget;
mod junk;
mod safe;
#[cfg(test)]
mod tests;
mod visit;

pub(crate) use budget::Budget;
pub(crate) use junk::Junk;
pub use safe::{OURS, passed_on};
pub(crate) use safe::{is_safe, safe};

use crate::gate::Gate;
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use std::error::Error;
use std::net::IpAddr;
use visit::Visit;

/// Receive one request that came over a connection from `peer`. Always answers.
pub(crate) async fn receive<B>(gate: &Gate, peer: IpAddr, request: Request<B>) -> Response<Full<Bytes>>
where
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let (head, body) = request.into_parts();
    let mut visit = Visit::begin(gate, peer, head);
    let end = visit.run(body).await;
    visit.end(end)
}
