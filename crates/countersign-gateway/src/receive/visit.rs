//! The steps of one visit, and what is written down about it.

use super::address;
use super::answer::{bare, refused};
use crate::books::{Check, Checks, Columns};
use crate::config::{Accepted, Enforce, Events, Record};
use crate::gate::{Gate, Inlet, Snapshot};
use crate::ids::Id;
use crate::kept::Kept;
use crate::server::MOST_HEAD;
use bytes::Bytes;
use countersign::{Answer, Event, Head, HeaderName, KeyId, Reason, Rejection, Request, Timestamp, Verified};
use countersign_store::{AuditRow, Entry, Recorded, StoreError, danger, record};
use countersign_tower::{Verdict, collect, judge, respond};
use http::{Response, request::Parts};
use http_body::Body;
use http_body_util::Full;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One request on its way.
pub(super) struct Visit<'g> {
    gate: &'g Gate,
    snapshot: Arc<Snapshot>,
    inlet: Option<Arc<Inlet>>,
    head: Parts,
    peer: IpAddr,
    address: IpAddr,
    id: Id,
    began: Instant,
    now: Timestamp,
    checks: Checks,
    size: usize,
    /// What an observed source would have refused it for.
    observed: Option<Refusal>,
    /// What is known of who signed, for the audit.
    key: Option<KeyId>,
    skew: Option<i64>,
    event: Event,
}

/// How a visit ends.
pub(super) enum End {
    Refused(Refusal),
    Handshake {
        answer: Answer,
        signed: bool,
    },
    /// The sender is done with; the row is written with the event.
    Accepted {
        status: u16,
        answer: Option<Answer>,
    },
    Duplicate {
        answer: Option<Answer>,
    },
    /// Authentic, and of a type that nobody wants.
    Unwanted {
        answer: Option<Answer>,
    },
    /// Nothing is recorded here: a proxy asked.
    Vouched,
}

/// A refusal: a code for the audit, a status for the sender.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    code: &'static str,
    status: u16,
    detail: Option<(String, String)>,
    wait: Option<Duration>,
    answer: Option<Answer>,
}

/// In a box: a refusal is rare, and what is not one is not to pay for its size.
type Refusal = Box<Refused>;

impl Refused {
    fn new(code: &'static str, status: u16) -> Refusal {
        Box::new(Refused { code, status, detail: None, wait: None, answer: None })
    }

    fn wait(mut self: Box<Self>, wait: Duration) -> Refusal {
        self.wait = Some(wait);
        self
    }

    fn detail(mut self: Box<Self>, code: &str, says: impl Into<String>) -> Refusal {
        self.detail = Some((code.into(), says.into()));
        self
    }

    fn answer(mut self: Box<Self>, answer: Option<Answer>) -> Refusal {
        self.answer = answer;
        self
    }

    fn rejected(Rejection { reason, detail, .. }: Rejection) -> Refusal {
        let mut refused = Refused::new(reason.code(), reason.class().status());
        refused.detail = detail.map(|detail| (detail.code.into_owned(), detail.text.into_owned()));
        if refused.status == 503 {
            refused.wait = Some(Duration::from_secs(5));
        }
        refused
    }
}

impl<'g> Visit<'g> {
    pub(super) fn begin(gate: &'g Gate, peer: IpAddr, head: Parts) -> Self {
        let snapshot = gate.snapshot();
        let now = gate.clock.now();
        let address = address::sender(peer, &head.headers, &snapshot.server.trusted_proxies);
        Visit {
            inlet: snapshot.inlet(head.uri.path()),
            id: gate.ids.next(now),
            began: Instant::now(),
            checks: Checks::default(),
            size: 0,
            observed: None,
            key: None,
            skew: None,
            event: Event::default(),
            gate,
            snapshot,
            head,
            peer,
            address,
            now,
        }
    }

    /// All steps, in their order.
    pub(super) async fn run<B>(&mut self, body: B) -> End
    where
        B: Body,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        match self.steps(body).await {
            Ok(end) => end,
            Err(refused) => End::Refused(refused),
        }
    }

    async fn steps<B>(&mut self, body: B) -> Result<End, Refusal>
    where
        B: Body,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        self.well_formed()?;
        let inlet = self.found()?;
        self.short_enough(&inlet, &body)?;
        self.may_come(&inlet)?;
        self.no_junk(&inlet)?;
        let body = self.read(&inlet, body).await?;
        // Behind the body: who sends slowly takes nobody's place.
        let _room = inlet.enter().ok_or(Refused::new("busy", 503).wait(Duration::from_secs(1)))?;

        let head = std::mem::replace(&mut self.head, http::Request::new(()).into_parts().0); // lent to what follows
        let url = inlet.url(&head.uri);
        let request = Request::new(Head::new(head.method.as_str(), &url, &head.headers), &body);
        let end = self.authentic(&inlet, &head, &request, &body).await;
        self.head = head;
        end
    }

    /// Everything from the signature on.
    async fn authentic(
        &mut self,
        inlet: &Inlet,
        head: &Parts,
        request: &Request<'_>,
        body: &Bytes,
    ) -> Result<End, Refusal> {
        let verified = match judge(&inlet.verifier, &self.gate.keys, request, self.now).await {
            Verdict::Verified(verified) => Some(verified),
            Verdict::Handshake { answer, signed } => return Ok(End::Handshake { answer, signed }),
            Verdict::Learn(answer) => return self.learn(inlet, request, answer).await,
            // Somebody will give it a key; until then nobody can say.
            Verdict::Refused(_) if inlet.keyless => {
                return Err(Refused::new("no_key", 503).wait(Duration::from_secs(60)));
            }
            // It had some: what the sender signed may be right, and is not to be given up for good.
            Verdict::Refused(_) if inlet.is_past_its_keys(self.now) => {
                self.or_observe(inlet, Refused::new("no_key", 503).wait(Duration::from_secs(60)))?;
                None
            }
            Verdict::Refused(rejection) => {
                self.checks.signature = Check::Failed;
                let answer = inlet.verifier.response(false, request);
                self.or_observe(inlet, Refused::rejected(rejection).answer(answer))?;
                None
            }
        };
        if let Some(verified) = &verified {
            self.checks.signature = Check::Passed;
            self.key = Some(verified.key().clone());
            self.skew = verified.signed_at().map(|at| at.skew_seconds(self.now));
            inlet.ledger.matched(verified.key(), self.now);
            if let Some(junk) = &self.gate.junk {
                junk.trust(inlet.number, self.address, self.gate.millis_at(self.began));
            }
        }
        if !inlet.config.methods.iter().any(|method| **method == *head.method.as_str()) {
            return Err(Refused::new("method", 405));
        }
        // What is observed and did not verify spends nothing.
        if let (Some(budget), Some(_)) = (&inlet.budget, &verified) {
            match budget.take(self.gate.elapsed()) {
                Ok(()) => self.checks.rate = Check::Passed,
                Err(wait) => {
                    self.checks.rate = Check::Failed;
                    self.or_observe(inlet, Refused::new("rate_limited", 429).wait(wait))?;
                }
            }
        }
        if inlet.config.record == Record::None {
            return Ok(End::Vouched);
        }
        self.event = inlet.verifier.event(request);
        let wanted = |events: &Events| self.event.kind.as_deref().is_none_or(|kind| events.fit(kind));
        let answer = inlet.verifier.response(true, request);
        if !inlet.config.events.as_ref().is_none_or(wanted) {
            return Ok(End::Unwanted { answer });
        }
        self.record(inlet, head, verified, body, answer).await
    }

    fn well_formed(&self) -> Result<(), Refusal> {
        let bad = |code: &str, says: &str| Err(Refused::new("bad_request", 400).detail(code, says));
        // The parser's own limit is on what it buffers, which may be twice as much.
        let size: usize =
            self.head.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if size > MOST_HEAD {
            return Err(Refused::new("head_too_large", 431));
        }
        let hosts = self.head.headers.get_all("host").iter().count();
        if hosts > 1 || (hosts == 0 && self.head.version == http::Version::HTTP_11) {
            return bad("http/host", "there is not exactly one Host header");
        }
        // A whole URL for a target: it and the header have to agree on whom is meant.
        let host = self.head.headers.get("host").map_or(&b""[..], |host| host.as_bytes());
        match self.head.uri.authority() {
            Some(named) if !host.eq_ignore_ascii_case(named.as_str().as_bytes()) => {
                bad("http/target", "the target names another host than the Host header")
            }
            _ => Ok(()),
        }
    }

    /// A path that nobody has, and one whose source is disabled, are told the same.
    fn found(&self) -> Result<Arc<Inlet>, Refusal> {
        let inlet = self.inlet.clone().ok_or(Refused::new("no_source", 404))?;
        let method = self.head.method.as_str();
        let known = inlet.config.methods.iter().chain(&inlet.config.handshake_methods);
        match known.into_iter().any(|known| **known == *method) {
            true => Ok(inlet),
            false => Err(Refused::new("method", 405)),
        }
    }

    fn short_enough(&mut self, inlet: &Inlet, body: &impl Body) -> Result<(), Refusal> {
        let (said, limit) = (body.size_hint().lower(), inlet.config.limits.body);
        if said <= limit as u64 {
            return Ok(());
        }
        self.size = usize::try_from(said).unwrap_or(usize::MAX);
        self.checks.limit = Check::Failed;
        let rejection = Rejection::new(Reason::PayloadTooLarge)
            .detail("body/limit", format!("the body is said to be longer than {limit} bytes"));
        Err(Refused::rejected(rejection))
    }

    fn may_come(&mut self, inlet: &Inlet) -> Result<(), Refusal> {
        let Some(allowed) = &inlet.config.allow_from else { return Ok(()) };
        if address::contains(allowed, self.address) {
            self.checks.address = Check::Passed;
            return Ok(());
        }
        self.checks.address = Check::Failed;
        self.or_observe(inlet, Refused::new("address", 403))
    }

    fn no_junk(&mut self, inlet: &Inlet) -> Result<(), Refusal> {
        let Some(junk) = &self.gate.junk else { return Ok(()) };
        match junk.wait(inlet.number, self.address, self.gate.millis_at(self.began)) {
            None => Ok(()),
            Some(wait) => {
                self.checks.junk = Check::Failed;
                Err(Refused::new("junk_limited", 429).wait(wait))
            }
        }
    }

    async fn read<B>(&mut self, inlet: &Inlet, body: B) -> Result<Bytes, Refusal>
    where
        B: Body,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let limits = &inlet.config.limits;
        match collect(body, limits.body, self.snapshot.server.body_timeout).await {
            Ok(body) => {
                self.size = body.len();
                // A body may take its time; how old a message is, is asked when it is whole.
                self.now = self.gate.clock.now();
                self.checks.limit = Check::Passed;
                Ok(body)
            }
            Err(refusal) => {
                self.checks.limit = Check::Failed;
                let refused = Refused::new(refusal.code(), refusal.status().as_u16());
                Err(refused.detail("body", refusal.to_string()))
            }
        }
    }

    /// Refuse, or go on and write down what would have been refused. The first is kept.
    fn or_observe(&mut self, inlet: &Inlet, refused: Refusal) -> Result<(), Refusal> {
        // A pure verifier's answer is all there is: a proxy would take any 204 for a yes.
        if inlet.enforce == Enforce::Reject || inlet.config.record == Record::None {
            return Err(refused);
        }
        self.observed.get_or_insert(refused);
        Ok(())
    }

    /// A secret that is handed over is taken down only while an operator waits for one.
    async fn learn(&mut self, inlet: &Inlet, request: &Request<'_>, answer: Answer) -> Result<End, Refusal> {
        let secret = inlet.verifier.learnt(request);
        let waits = inlet.learns_until.is_some_and(|until| self.now < until);
        let (Some(secret), true) = (secret, waits) else {
            self.checks.signature = Check::Failed;
            return Err(Refused::new("handshake_not_expected", 401));
        };
        match self.gate.take_down(inlet, secret, self.now).await {
            Ok(true) => Ok(End::Handshake { answer, signed: false }),
            // One value is taken; whoever comes second may be anybody.
            Ok(false) => Err(Refused::new("handshake_not_expected", 401)),
            Err(error) => Err(unavailable(&error)),
        }
    }

    async fn record(
        &mut self,
        inlet: &Inlet,
        head: &Parts,
        verified: Option<Verified<'_>>,
        body: &Bytes,
        answer: Option<Answer>,
    ) -> Result<End, Refusal> {
        let queued = !inlet.endpoints.is_empty();
        let event = self.id.event();
        let outcome = self.outcome("ok");
        let status = answer.as_ref().map_or(if queued { 202 } else { 200 }, |answer| answer.status);
        self.checks.replay = Check::Passed;
        let audit = AuditRow {
            repeated: Some(("replayed".into(), answer.as_ref().map_or(200, |answer| answer.status))),
            event: Some(event.clone()),
            ..self.row(head, &outcome, status, Some(body))
        };
        let entry = Entry {
            event,
            kind: self.event.kind.as_deref().map(Arc::from),
            refused: self.observed.as_ref().map(|observed| observed.code.into()),
            head: kept(inlet, head),
            endpoints: inlet.endpoints.clone(),
            audit,
        };
        let store = &*self.gate.store;
        let fresh = match verified {
            Some(verified) => match record(store, verified, body, entry, self.now).await {
                Ok(recorded) => Ok(matches!(recorded, Recorded::Accepted(_))),
                Err(error) => Err(error),
            },
            // Observed, and not verified: there is nothing to claim.
            None => {
                let source = inlet.config.name.clone();
                danger::record_unverified(store, source, body.clone(), entry, self.now).await.map(|()| true)
            }
        };
        match fresh {
            Ok(true) => {
                if queued {
                    self.gate.wake();
                }
                Ok(End::Accepted { status, answer })
            }
            Ok(false) => Ok(End::Duplicate { answer }),
            Err(error) => {
                self.checks.replay = Check::Failed;
                Err(unavailable(&error))
            }
        }
    }

    /// What the audit and the counts call it: with what would have been refused before it, if the source is observed.
    fn outcome(&self, code: &'static str) -> Cow<'static, str> {
        match &self.observed {
            None => Cow::Borrowed(code),
            Some(observed) => Cow::Owned(format!("observed/{}", observed.code)),
        }
    }

    /// Answer, and write down what there is to be written.
    pub(super) fn end(self, end: End) -> Response<Full<Bytes>> {
        let (outcome, response, written) = match end {
            End::Accepted { status, answer } => (self.outcome("ok"), accepted(status, answer), true),
            End::Duplicate { answer } => (Cow::Borrowed("replayed"), accepted(200, answer), true),
            End::Unwanted { answer } => (Cow::Borrowed("unwanted"), accepted(200, answer), false),
            // Anybody can send what is not signed, and as often as he likes.
            End::Handshake { answer, signed } => {
                (Cow::Borrowed("handshake"), respond(answer), !signed && !self.wants_row())
            }
            End::Vouched => (self.outcome("ok"), bare(204), self.goes_without_row()),
            End::Refused(refused) => return self.refuse(*refused),
        };
        let status = response.status().as_u16();
        if !written {
            self.gate.books.write(self.row(&self.head, &outcome, status, None));
        }
        self.count(&outcome);
        self.log_answered(&outcome, status);
        response
    }

    fn refuse(self, mut refused: Refused) -> Response<Full<Bytes>> {
        let answer = refused.answer.take();
        let response = match answer {
            Some(answer) => respond(answer),
            None => self::refused(refused.status, refused.wait, self.inlet.as_deref()),
        };
        let status = response.status().as_u16();
        let (number, now) = (self.inlet.as_ref().map_or(0, |inlet| inlet.number), self.gate.millis());
        // Who was asked to wait, or met our own trouble, has proved nothing about himself.
        if let (Some(junk), Some(_), 400..=428 | 431) = (&self.gate.junk, &self.inlet, refused.status) {
            junk.charge(number, self.address, now);
        }
        if self.wants_row() {
            let mut row = self.row(&self.head, refused.code, status, None);
            row.columns = self.columns(&self.head, None, refused.detail.as_ref());
            self.gate.books.write(row);
            self.log_refused(refused.code, status, refused.detail.as_ref());
        }
        self.count(refused.code);
        response
    }

    /// Whether a request that proved nothing gets a row: up to a rate.
    fn wants_row(&self) -> bool {
        let number = self.inlet.as_ref().map_or(0, |inlet| inlet.number);
        self.gate.books.wants(number, self.address, self.gate.millis())
    }

    /// Whether an accepted request that is not recorded goes without a row.
    fn goes_without_row(&self) -> bool {
        match self.snapshot.server.audit.accepted {
            Accepted::All => false,
            Accepted::OneIn(many) => !self.id.number().is_multiple_of(many),
        }
    }

    fn count(&self, outcome: &str) {
        let ledger = self.inlet.as_ref().map_or(&self.gate.unknown, |inlet| &inlet.ledger);
        ledger.count(outcome, self.now, self.micros());
    }

    /// A line for what was refused. What was accepted has its row, and a line only where more than usual is wanted.
    fn log_refused(&self, outcome: &str, status: u16, detail: Option<&(String, String)>) {
        let (code, says) = detail.map_or(("", ""), |(code, says)| (&**code, &**says));
        tracing::info!(
            request = %self.id.text(), source = self.source(), outcome, status, address = %self.address,
            size = self.size, micros = self.micros(), detail = code, says, "refused"
        );
    }

    fn log_answered(&self, outcome: &str, status: u16) {
        tracing::debug!(
            request = %self.id.text(), source = self.source(), outcome, status, address = %self.address,
            size = self.size, micros = self.micros(), "answered"
        );
    }

    fn source(&self) -> &str {
        self.inlet.as_ref().map_or("", |inlet| &inlet.config.name)
    }

    fn row(&self, head: &Parts, outcome: &str, status: u16, body: Option<&Bytes>) -> AuditRow {
        AuditRow {
            at: self.now,
            source: self.inlet.as_ref().map_or_else(|| "".into(), |inlet| inlet.config.name.clone()),
            outcome: outcome.into(),
            status,
            event: None,
            columns: self.columns(head, body, None),
            repeated: None,
        }
    }

    fn columns(&self, head: &Parts, body: Option<&Bytes>, detail: Option<&(String, String)>) -> Bytes {
        let agent = head.headers.get(http::header::USER_AGENT);
        let columns = Columns {
            id: &self.id.text(),
            method: cut(head.method.as_str()),
            path: cut(head.uri.path()),
            address: self.address,
            peer: (self.peer.to_canonical() != self.address).then_some(self.peer),
            agent: agent.map(|agent| String::from_utf8_lossy(&agent.as_bytes()[..agent.len().min(CUT)])),
            size: self.size,
            body_sha256: body.map(|body| const_hex::encode(Sha256::digest(body))),
            kind: self.event.kind.as_deref().map(cut),
            key: self.key.as_ref().map(KeyId::as_str),
            skew: self.skew,
            detail: detail.map(|(code, _)| &**code),
            says: detail.map(|(_, says)| &**says),
            checks: self.checks,
            micros: self.micros(),
        };
        // Texts and numbers: there is nothing that JSON could not say.
        serde_json::to_vec(&columns).unwrap_or_default().into()
    }

    fn micros(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// How much of what a sender wrote stands in a row, in bytes.
const CUT: usize = 256;

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(CUT)]
}

fn accepted(status: u16, answer: Option<Answer>) -> Response<Full<Bytes>> {
    answer.map_or_else(|| bare(status), respond)
}

fn unavailable(error: &StoreError) -> Refusal {
    Refused::new("store_unavailable", 503).wait(Duration::from_secs(5)).detail("store", error.to_string())
}

/// The head as it is stored, for operators and for where it is handed on.
fn kept(inlet: &Inlet, head: &Parts) -> Bytes {
    let wanted = inlet.config.forward.iter().flat_map(|forward| &forward.pass_headers);
    let wanted: Vec<&str> = wanted.map(HeaderName::as_str).collect();
    serde_json::to_vec(&Kept::of(head, inlet.config.url.as_deref(), &wanted)).unwrap_or_default().into()
}
