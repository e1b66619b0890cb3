//! What frameworks, gateways and proxies do to a body before anybody looks at its signature.

mod bytes;
mod forms;
mod json;

use super::{Did, Fault, Side};
use crate::faults::bodies::Kind;
use crate::faults::deliveries::{Delivery, Question};

/// Another body in its place.
enum Now {
    /// And the old one can be had back.
    Is(Vec<u8>),
    Lost,
    Unfit,
}

impl From<Option<Vec<u8>>> for Now {
    fn from(changed: Option<Vec<u8>>) -> Now {
        changed.map_or(Now::Unfit, Now::Is)
    }
}

/// A fault of a body of some kinds.
fn body<N: Into<Now>>(
    code: &'static str,
    weight: usize,
    kinds: &'static [Kind],
    change: impl Fn(&[u8]) -> N + Send + Sync + 'static,
) -> Fault {
    Fault::new(code, Side::Body, weight, move |question, at, _| {
        if !fits(question, at.delivery, kinds) {
            return Did::Unfit;
        }
        match change(&question.body).into() {
            Now::Is(changed) if changed != question.body => {
                question.body = changed;
                Did::Spoilt
            }
            Now::Lost => Did::Lost,
            Now::Is(_) | Now::Unfit => Did::Unfit,
        }
    })
}

/// A signature that stands in the body is about something else.
fn fits(question: &Question, delivery: &Delivery, kinds: &[Kind]) -> bool {
    kinds.contains(&delivery.body.kind) && question.set(&["signature_source", "json"]).is_none()
}

pub(crate) fn faults() -> Vec<Fault> {
    [json::faults(), bytes::faults(), forms::faults()].into_iter().flatten().collect()
}
