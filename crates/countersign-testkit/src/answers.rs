//! What a provider has to hear: challenges and acknowledgements, held against what a case says.
//!
//! A case that names no handshake asserts that it is none. An unsigned request that is taken for a challenge is answered
//! before anything is verified, and so every delivery of every preset is asked.

use crate::run::{Documents, Failure};
use crate::vectors::{Case, Expect};
use countersign::config::{Node, Reader, Value};
use countersign::{Answer, Context, HandshakeKind, Verifier};
use std::fmt;
use std::sync::Arc;

/// What has to be answered to a case.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// To the challenge that it is; `None`: it must not be taken for one.
    pub handshake: Option<Reply>,

    /// After it was accepted; `None`: not looked at.
    pub accepted: Option<Reply>,

    /// After it was refused; `None`: not looked at.
    pub refused: Option<Reply>,
}

/// One answer.
#[derive(Clone, Eq, PartialEq)]
pub struct Reply {
    /// What the handshake is for; of an acknowledgement, [`HandshakeKind::Ignore`].
    pub kind: HandshakeKind,

    /// The HTTP status.
    pub status: u16,

    /// The media type.
    pub content_type: Arc<str>,

    /// Further headers, by name.
    pub headers: Vec<(String, String)>,

    /// The body.
    pub body: Arc<str>,

    /// The secret that is handed over, if one is. Of a test, and so no secret.
    pub secret: Option<Arc<str>>,
}

const KINDS: [(&str, HandshakeKind); 3] =
    [("answer", HandshakeKind::Answer), ("learn", HandshakeKind::Learn), ("ignore", HandshakeKind::Ignore)];

impl Answers {
    pub(crate) fn read(case: &Reader<'_>) -> Answers {
        Answers {
            handshake: Reply::read(case, "handshake"),
            accepted: Reply::read(case, "accepted"),
            refused: Reply::read(case, "refused"),
        }
    }
}

impl Reply {
    fn read(case: &Reader<'_>, key: &str) -> Option<Reply> {
        let table = case.table(key)?;
        let is_handshake = key == "handshake";
        if is_handshake && !table.has("kind") {
            table.missing("kind", "write `kind = \"answer\"`, `\"learn\"` or `\"ignore\"`");
        }
        let kind = match is_handshake {
            true => table.choice("kind", &KINDS).map(|kind| kind.value),
            false => Some(HandshakeKind::Ignore),
        };
        let status = table.integer("status", 200..=599).map_or(200, |status| status.value as u16);
        let content_type = table.text("content_type").map_or_else(|| "text/plain".into(), |text| text.value);
        let text_of = |node: &Node| match &node.value {
            Value::Text(text) => text.to_string(),
            _ => String::new(),
        };
        let mut headers: Vec<_> = table
            .entries("headers")
            .into_iter()
            .map(|(name, node)| (name.name.to_ascii_lowercase(), text_of(node)))
            .collect();
        headers.sort();
        let reply = Reply {
            kind: kind.unwrap_or(HandshakeKind::Ignore),
            status,
            content_type,
            headers,
            body: table.text("body").map_or_else(|| "".into(), |text| text.value),
            secret: if is_handshake { table.text("secret").map(|text| text.value) } else { None },
        };
        table.finish();
        Some(reply)
    }

    fn of(answer: Answer, secret: Option<Arc<str>>) -> Reply {
        let mut headers = answer.headers;
        headers.sort();
        Reply {
            kind: answer.kind,
            status: answer.status,
            content_type: answer.content_type.into(),
            headers,
            body: String::from_utf8_lossy(&answer.body).into(),
            secret,
        }
    }

    /// What kind of answer it is. What it says may be a MAC, or a secret that is echoed, and is shown to nobody.
    fn in_words(&self) -> String {
        let Reply { kind, status, content_type, headers, body, secret } = self;
        let kind = KINDS.iter().find(|(_, known)| known == kind).map_or("", |(word, _)| word);
        let headers: String = headers.iter().map(|(name, _)| format!(", {name}")).collect();
        let secret = if secret.is_some() { ", and a secret" } else { "" };
        format!("{kind}: {status} {content_type}{headers}, {} bytes{secret}", body.len())
    }

    /// The same, and in what it differs from what was wanted.
    fn beside(&self, wanted: Option<&Reply>) -> String {
        let Some(wanted) = wanted else { return self.in_words() };
        let parts = [
            ("kind", self.kind != wanted.kind),
            ("status", self.status != wanted.status),
            ("content_type", self.content_type != wanted.content_type),
            ("headers", self.headers != wanted.headers),
            ("body", self.body != wanted.body),
            ("secret", self.secret != wanted.secret),
        ];
        let other: Vec<_> = parts.iter().filter(|(_, differs)| *differs).map(|(part, _)| *part).collect();
        format!("{} (another {})", self.in_words(), other.join(", "))
    }
}

/// Prints what kind of answer it is.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({})", self.in_words())
    }
}

/// What is wrong with what a case hears. `verified` is whether it was let in.
pub(crate) fn wrong(verifier: &Verifier, case: &Case, verified: bool) -> Option<Failure> {
    let remote = Documents(case);
    let (request, cx) = (case.request.request(), Context::new(case.now, &remote));
    let secret = || {
        let secret = verifier.learnt(&request)?;
        Some(String::from_utf8_lossy(secret.expose()).into())
    };
    let Answers { handshake, accepted, refused } = &case.answers;
    let unsigned = verifier.handshake(&request, &cx).map(|answer| Reply::of(answer, secret()));
    let signed = verified.then(|| verifier.signed_handshake(&request, &cx)).flatten();
    let signed = signed.map(|answer| Reply::of(answer, secret()));
    let (before, after) = match case.expect {
        Expect::Handshake => (handshake.as_ref(), None),
        _ => (None, handshake.as_ref()),
    };
    let acknowledged = |is: bool| verifier.response(is, &request).map(|answer| Reply::of(answer, None));
    let (yes, no) = (acknowledged(true), acknowledged(false));
    let rows = [
        (
            "before it is verified",
            before,
            unsigned,
            true,
            "`when` of `[[handshake]]`: what it takes for a challenge",
        ),
        ("after it is verified", after, signed, true, "`[[handshake]]` and its `signed`"),
        (
            "when it is accepted",
            accepted.as_ref(),
            yes,
            accepted.is_some(),
            "`[response]` and its `accepted`",
        ),
        ("when it is refused", refused.as_ref(), no, refused.is_some(), "`[response]` and its `refused`"),
    ];
    rows.into_iter().find(|(_, wanted, got, asked, _)| *asked && *wanted != got.as_ref()).map(
        |(when, wanted, got, _, hint)| {
            let none = || "no answer".to_owned();
            let expected = format!("{when}, {}", wanted.map_or_else(none, Reply::in_words));
            Failure::of(case, expected, got.map_or_else(none, |got| got.beside(wanted)), hint)
        },
    )
}
