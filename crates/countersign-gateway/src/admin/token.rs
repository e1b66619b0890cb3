//! Who may operate: whoever has the token.

use super::Peer;
use super::answer::Failure;
use crate::config::Junk as Rule;
use crate::operate::{ErrorCode, OperateError};
use crate::receive::Junk;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use countersign::{Secret, ct};
use http::header::{AUTHORIZATION, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tracing::Instrument as _;

/// How many wrong tokens an address may show in which time, and how many addresses are remembered.
const FAILURES: u32 = 10;
const PER: Duration = Duration::from_secs(60);
const ADDRESSES: usize = 1024;

/// What operators have to show. It can be replaced while they are let in; who has shown the old one is asked again with his next
/// request.
pub struct Token(RwLock<Secret>);

impl Token {
    /// This one, to begin with.
    pub fn new(token: Secret) -> Self {
        Token(RwLock::new(token))
    }

    /// From now on another one; whether it is.
    pub fn replace(&self, token: Secret) -> bool {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let another = !ct::equal(known.expose(), token.expose());
        *known = token;
        another
    }

    fn is(&self, shown: &[u8]) -> bool {
        ct::equal(shown, self.0.read().unwrap_or_else(PoisonError::into_inner).expose())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// Knows the token, and who was wrong about it.
pub(super) struct Guard {
    token: Arc<Token>,
    wrong: Junk,
    started: Instant,
}

impl Guard {
    pub(super) fn new(token: Arc<Token>) -> Self {
        let rule = Rule { failures: FAILURES, per: PER, addresses: ADDRESSES };
        Guard { token, wrong: Junk::new(rule), started: Instant::now() }
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }
}

/// Let through whoever has the token. A missing one and a wrong one are told the same; a wrong one is charged.
pub(super) async fn check(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>();
    let address = peer.map_or(IpAddr::from(Ipv4Addr::UNSPECIFIED), |Peer(address)| address.to_canonical());
    let shown = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes);
    let token = shown.and_then(|shown| {
        let (scheme, token) = shown.split_at_checked(7)?;
        scheme.eq_ignore_ascii_case(b"bearer ").then_some(token.trim_ascii())
    });
    if token.is_some_and(|token| guard.token.is(token)) {
        // Whatever is written down on the way says for whom.
        return next.run(request).instrument(tracing::info_span!("admin", %address)).await;
    }
    // Behind the comparison: who has the token is let in, whoever else tries from where he is.
    if let Some(wait) = guard.wrong.wait(0, address, guard.millis()) {
        let says = "too many wrong tokens came from this address";
        let error = OperateError::new(ErrorCode::TooManyFailures, says).help("wait a minute");
        let mut response = Failure(error).into_response();
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
        return response;
    }
    if token.is_some() {
        guard.wrong.charge(0, address, guard.millis());
    }
    let error = OperateError::new(ErrorCode::Unauthorized, "the token is missing or wrong")
        .help("send `Authorization: Bearer …` with what `[admin] token` names");
    let mut response = Failure(error).into_response();
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}
