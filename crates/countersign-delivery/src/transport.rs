//! By which way a request goes out.

use countersign_egress::{Client, Limits, Refused, Request, Response};
use std::future::Future;
use std::pin::Pin;

/// An answer that is waited for.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<Response, Refused>> + Send + 'a>>;

/// Sends requests. [`Client`] is the one to use; another is for tests, and for hosts that have a way out of their own.
///
/// # What must hold
///
/// * A request is sent **once**. Whoever repeats one by himself delivers twice.
/// * [`Limits`] hold: of a longer answer no more is read, and all of it ends in time. An engine drops a future that does not end.
/// * No redirect is followed: what was signed for one URL is not said to another.
/// * Which addresses may be called is this one's business, and nobody asks a second time.
///
/// # What a wrong answer costs
///
/// A false success loses the message. A false failure sends it once more, which receivers know by its id.
pub trait Transport: Send + Sync + 'static {
    /// Send it, and wait for the answer.
    fn send<'a>(&'a self, request: Request, limits: &'a Limits) -> Sending<'a>;

    /// Whether this URL may be called, as far as that can be told without calling: so that an operator hears of it when he writes it.
    ///
    /// # Errors
    /// Why it may not.
    fn judge(&self, url: &str) -> Result<(), Refused>;
}

impl Transport for Client {
    fn send<'a>(&'a self, request: Request, limits: &'a Limits) -> Sending<'a> {
        Box::pin(Client::send(self, request, limits))
    }

    fn judge(&self, url: &str) -> Result<(), Refused> {
        self.reach().judge_url(url).map(drop)
    }
}
