//! A line for each request.
//!
//! Nearly all of it is the sender's words. For people it passes [`output::plain`], and a long path is cut; for programs it is
//! JSON on one line.

use crate::args::Format;
use crate::operate::took;
use crate::output::{self, BAD, CARE, FAINT, GOOD};
use countersign::Event;
use countersign_tower::{Proof, Refusal};
use http::request::Parts;
use serde::Serialize;
use std::fmt::Write as _;
use std::time::Duration;

/// What is shown of one. The names are stable.
#[derive(Serialize)]
pub(super) struct Line {
    time: String,
    method: String,
    path: String,
    /// In bytes; of a body that was not read whole, nothing is known.
    pub(super) size: Option<usize>,
    pub(super) outcome: Outcome,
    reason: Option<&'static str>,
    detail: Option<Detail>,
    key_id: Option<String>,
    message_id: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    /// How long judging took.
    pub(super) micros: Option<u64>,
    /// What the sender was answered.
    pub(super) status: u16,
    pub(super) forwarded: Option<Forwarded>,
    pub(super) saved: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<String>,
}

/// What came of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// Nothing was asked of it.
    Unverified,
    Verified,
    Refused,
    /// Refused, and treated as if it had not been.
    Observed,
    /// A set-up challenge.
    Handshake,
}

#[derive(Serialize)]
struct Detail {
    code: String,
    text: String,
}

/// What the target said to it.
#[derive(Serialize)]
pub(super) struct Forwarded {
    pub(super) status: Option<u16>,
    pub(super) error: Option<String>,
    pub(super) micros: u64,
    /// The path went out in another spelling: `/a/../b` as `/b`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) respelled: bool,
}

impl Line {
    pub(super) fn begin(time: String, parts: &Parts) -> Self {
        let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
        Line {
            time,
            method: parts.method.to_string(),
            path: path.into(),
            size: None,
            outcome: Outcome::Unverified,
            reason: None,
            detail: None,
            key_id: None,
            message_id: None,
            kind: None,
            micros: None,
            status: 0,
            forwarded: None,
            saved: None,
            next: None,
        }
    }

    pub(super) fn verified(&mut self, proof: &Proof, event: Event) {
        self.outcome = Outcome::Verified;
        self.key_id = Some(proof.key().to_string());
        self.message_id = proof.message_id().map(str::to_owned);
        self.kind = event.kind;
    }

    pub(super) fn refused(&mut self, refusal: &Refusal) {
        self.outcome = Outcome::Refused;
        self.reason = Some(refusal.code());
        let detail = refusal.detail();
        self.detail =
            detail.map(|detail| Detail { code: detail.code.to_string(), text: detail.text.to_string() });
    }

    pub(super) fn in_form(&self, format: Format) -> String {
        match format {
            Format::Human => self.in_words(),
            Format::Json => output::json_line(self),
        }
    }

    fn in_words(&self) -> String {
        let Line { time, method, path, size, micros, status, forwarded, next, .. } = self;
        let size = size.map_or_else(|| "? B".into(), |size| format!("{size} B"));
        let mut out =
            format!("{FAINT}{time}{FAINT:#} {} {}  {size}  {}", plain(method), plain(path), self.verdict());
        if let Some(micros) = micros {
            let _ = write!(out, "  {}", took(*micros));
        }
        match forwarded {
            Some(Forwarded { status: Some(status), micros, respelled, .. }) => {
                let style = if (200..300).contains(status) { GOOD } else { CARE };
                let _ =
                    write!(out, "  → {} in {}", output::styled(style, &status.to_string()), took(*micros));
                out.push_str(if *respelled { " (its path spelt otherwise)" } else { "" });
            }
            Some(Forwarded { error, .. }) => {
                let why = error.as_deref().map(plain).unwrap_or_default();
                let _ = write!(out, "  → {}", output::styled(BAD, &format!("not handed on: {why}")));
            }
            None => {
                let _ = write!(out, "  answered {status}");
            }
        }
        if let Some(next) = next {
            let _ = write!(out, "  next: {}", output::plain(next));
        }
        out.push('\n');
        out
    }

    fn verdict(&self) -> String {
        let reason = || {
            let code = self.detail.as_ref().map(|detail| format!(" ({})", detail.code)).unwrap_or_default();
            plain(&format!("{}{code}", self.reason.unwrap_or_default()))
        };
        match self.outcome {
            Outcome::Unverified => output::styled(FAINT, "not verified"),
            Outcome::Refused => output::styled(BAD, &format!("✗ {}", reason())),
            Outcome::Observed => output::styled(CARE, &format!("✗ {}, observed", reason())),
            Outcome::Handshake => output::styled(GOOD, "✓ challenge answered"),
            Outcome::Verified => {
                let mut out = output::styled(GOOD, "✓ verified");
                for (label, text) in [("key", &self.key_id), ("type", &self.kind)] {
                    if let Some(text) = text {
                        let _ = write!(out, "  {label} {}", plain(text));
                    }
                }
                out
            }
        }
    }
}

/// In microseconds.
pub(crate) fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

/// How much of what a sender wrote stands in a line, in characters.
const SHOWN: usize = 160;

/// Harmless, and not too long.
fn plain(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => output::plain(&text[..end]) + "…",
        None => output::plain(text),
    }
}
