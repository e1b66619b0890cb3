//! One request: read, judged, kept, handed on, answered, shown.
//!
//! What follows the body runs on its own: a sender that does not wait for the answer still gets its line, and the receiver that
//! is being worked on its request.

use super::line::{Forwarded, Line, Outcome, micros};
use super::save::{Folder, Label, capture};
use crate::args::Format;
use crate::error::{Exit, Failure};
use crate::output;
use crate::time;
use crate::upstream::{Sent, Upstream};
use bytes::Bytes;
use countersign::Timestamp;
use countersign_gateway::{OURS, escaped, passed_on};
use countersign_tower::{Answered, BODY_TIME, PublicUrl, Receiver, UrlRoom, Why, collect};
use http::header::{HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::Full;
use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::Notify;

/// What the sender hears where the target gave no answer. Why, is not his to know.
const NO_ANSWER: &str = "the target gave no answer\n";

/// What the command line says of every request.
pub(super) struct Settings {
    pub(super) limit: usize,
    pub(super) observe: bool,
    pub(super) format: Format,
    /// Options for `countersign explain`.
    pub(super) next: String,
}

/// What all requests share.
pub(super) struct Listener {
    receiver: Option<Receiver>,
    upstream: Option<Upstream>,
    folder: Option<Folder>,
    /// What URLs begin with, where captures have to say it.
    url: Option<PublicUrl>,
    settings: Settings,
    number: AtomicU64,
    total: Mutex<Total>,
    broken: Notify,
}

/// How many of what.
#[derive(Default)]
pub(super) struct Total {
    received: usize,
    verified: usize,
    refused: usize,
    forwarded: usize,
    lost: usize,
    saved: usize,
    unsaved: usize,
    /// Where lines cannot be shown, nothing else is worth doing.
    failure: Option<Failure>,
}

/// What is to be done with a request.
enum Judged {
    /// Hand it on with this said of it; without a target, this is the answer.
    Goes(Vec<(&'static str, String)>, Response<Full<Bytes>>),
    Answered(Response<Full<Bytes>>),
}

impl Listener {
    pub(super) fn new(
        receiver: Option<Receiver>,
        upstream: Option<Upstream>,
        folder: Option<Folder>,
        url: Option<PublicUrl>,
        settings: Settings,
    ) -> Self {
        let (number, total, broken) = (AtomicU64::new(0), Mutex::default(), Notify::new());
        Listener { receiver, upstream, folder, url, settings, number, total, broken }
    }

    /// Do all there is to do with one request. Always answers.
    pub(super) async fn visit<B>(self: Arc<Self>, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let now = time::now();
        let number = self.number.fetch_add(1, Ordering::Relaxed) + 1;
        let (parts, body) = request.into_parts();
        let mut line = Line::begin(now.to_string(), &parts);
        match collect(body, self.settings.limit, BODY_TIME).await {
            Ok(body) => {
                let rest = tokio::spawn(async move { self.rest((now, number), parts, body, line).await });
                rest.await.unwrap_or_else(|_| bare(StatusCode::INTERNAL_SERVER_ERROR))
            }
            // Not here as a whole, it can neither be kept nor handed on.
            Err(refusal) => {
                line.refused(&refusal);
                let response = Answered::from(refusal).into_response();
                self.show(line, &response);
                response
            }
        }
    }

    /// Until lines cannot be shown any more.
    pub(super) async fn broken(&self) {
        self.broken.notified().await;
    }

    /// How it ended.
    pub(super) fn end(&self) -> Result<Total, Failure> {
        let mut total = std::mem::take(&mut *self.total.lock().unwrap_or_else(PoisonError::into_inner));
        total.failure.take().map_or(Ok(total), Err)
    }

    async fn rest(
        &self,
        (now, number): (Timestamp, u64),
        parts: Parts,
        body: Bytes,
        mut line: Line,
    ) -> Response<Full<Bytes>> {
        line.size = Some(body.len());
        let judged = self.judge(&parts, &body, &mut line).await;
        self.keep((now, number), &parts, &body, &mut line);
        let response = match judged {
            Judged::Answered(response) => response,
            Judged::Goes(said, answer) => match &self.upstream {
                Some(upstream) => hand_on(upstream, &parts, (body, said), &mut line).await,
                None => answer,
            },
        };
        self.show(line, &response);
        response
    }

    async fn judge(&self, parts: &Parts, body: &Bytes, line: &mut Line) -> Judged {
        let Some(receiver) = &self.receiver else {
            return Judged::Goes(Vec::new(), bare(StatusCode::OK));
        };
        let began = Instant::now();
        let judged = receiver.receive_bytes(parts, body.clone()).await;
        line.micros = Some(micros(began.elapsed()));
        let answered = match judged {
            Ok(proof) => {
                let event = proof.event(parts);
                let mut said = vec![("verified", "true".to_owned()), ("key", proof.key().to_string())];
                let more = [("message-id", proof.message_id()), ("type", event.kind.as_deref())];
                said.extend(more.into_iter().filter_map(|(name, text)| Some((name, text?.to_owned()))));
                line.verified(&proof, event);
                return Judged::Goes(said, proof.acknowledge());
            }
            Err(answered) => answered,
        };
        let Why::Refused(refusal) = answered.why() else {
            line.outcome = Outcome::Handshake;
            return Judged::Answered(answered.into_response());
        };
        line.refused(refusal);
        if self.settings.observe {
            line.outcome = Outcome::Observed;
            let said = vec![("verified", "false".to_owned()), ("reason", refusal.code().to_owned())];
            return Judged::Goes(said, bare(StatusCode::OK));
        }
        Judged::Answered(answered.into_response())
    }

    fn keep(&self, (at, number): (Timestamp, u64), parts: &Parts, body: &[u8], line: &mut Line) {
        let refused = matches!(line.outcome, Outcome::Refused | Outcome::Observed);
        let Some(folder) = &self.folder else {
            if refused {
                line.next = Some("--save DIR keeps such a request, for `countersign explain`".into());
            }
            return;
        };
        let mut room = UrlRoom::default();
        let word = match line.outcome {
            Outcome::Refused | Outcome::Observed => "refused",
            Outcome::Handshake => "challenge",
            Outcome::Verified | Outcome::Unverified => "",
        };
        let url = self.url.as_ref().map(|url| url.of(&parts.uri, &mut room).to_owned());
        let captured = capture(parts, url, body);
        let kept = captured.and_then(|capture| {
            folder.keep(&Label { at, number, word }, &capture).map_err(|error| error.to_string())
        });
        match kept {
            Ok(path) => {
                self.count(|total| total.saved += 1);
                let path = path.to_string_lossy().into_owned();
                if refused {
                    let file = super::quoted(&path);
                    // Looked into tomorrow, it would be too old besides.
                    line.next = Some(format!("countersign explain {file} --now {at} {}", self.settings.next));
                }
                line.saved = Some(path);
            }
            Err(says) => {
                self.count(|total| total.unsaved += 1);
                let place = folder.path().display();
                output::error(&format!(
                    "request {number} was not kept in `{place}`: {}",
                    output::plain(&says)
                ));
            }
        }
    }

    fn show(&self, mut line: Line, response: &Response<Full<Bytes>>) {
        line.status = response.status().as_u16();
        self.count(|total| {
            total.received += 1;
            match line.outcome {
                Outcome::Verified => total.verified += 1,
                Outcome::Refused | Outcome::Observed => total.refused += 1,
                Outcome::Handshake | Outcome::Unverified => {}
            }
            match &line.forwarded {
                Some(Forwarded { status: Some(_), .. }) => total.forwarded += 1,
                Some(Forwarded { status: None, .. }) => total.lost += 1,
                None => {}
            }
        });
        if let Err(failure) = output::print(&line.in_form(self.settings.format)) {
            self.count(|total| total.failure = Some(failure));
            self.broken.notify_one();
        }
    }

    fn count(&self, add: impl FnOnce(&mut Total)) {
        add(&mut self.total.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Total {
    /// On one line.
    pub(super) fn says(&self) -> String {
        let Total { received, verified, refused, forwarded, lost, saved, unsaved, failure: _ } = self;
        let mut out = output::count(*received, "request");
        let parts = [
            (verified, "verified"),
            (refused, "refused"),
            (forwarded, "handed on"),
            (lost, "not handed on, for want of an answer"),
            (saved, "kept"),
            (unsaved, "not kept"),
        ];
        for (number, what) in parts.into_iter().filter(|(number, _)| **number > 0) {
            out.push_str(&format!(", {number} {what}"));
        }
        out
    }

    pub(super) fn exit(&self) -> Exit {
        if self.unsaved > 0 { Exit::Io } else { Exit::Done }
    }
}

/// Send it on as it came, and give back what comes.
async fn hand_on(
    upstream: &Upstream,
    parts: &Parts,
    (body, said): (Bytes, Vec<(&'static str, String)>),
    line: &mut Line,
) -> Response<Full<Bytes>> {
    let mut headers = HeaderMap::with_capacity(parts.headers.len() + said.len());
    headers.extend(passed_on(&parts.headers).map(|(name, value)| (name.clone(), value.clone())));
    for (name, text) in said {
        let name = HeaderName::from_bytes(format!("{OURS}{name}").as_bytes());
        // Escaped, it can be sent.
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(&escaped(&text))) {
            headers.insert(name, value);
        }
    }
    let url = upstream.place(parts.uri.path_and_query().map_or("/", |target| target.as_str()));
    let respelled = upstream.respells(&url);
    let Sent { answer, took } = upstream.send(parts.method.clone(), url, headers, body.to_vec()).await;
    let micros = micros(took);
    match answer {
        Ok(answer) => {
            line.forwarded = Some(Forwarded { status: Some(answer.status), error: None, micros, respelled });
            let mut response = Response::new(Full::from(answer.body));
            *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
            let kept = passed_on(&answer.headers).map(|(name, value)| (name.clone(), value.clone()));
            response.headers_mut().extend(kept);
            response
        }
        Err(refused) => {
            line.next = line.next.take().or_else(|| Some(refused.why.advice().into()));
            let error = Some(format!("{}: {}", refused.why.word(), refused.what));
            line.forwarded = Some(Forwarded { status: None, error, micros, respelled });
            let mut response = Response::new(Full::from(NO_ANSWER));
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            response
        }
    }
}

fn bare(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
