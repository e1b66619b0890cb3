//! Set-up challenges and fixed answers, as data: how they are recognised, and what is said back.
//!
//! Answering a caller's text with a MAC is a signing oracle unless no such text can ever be signed content. That is
//! proved when the preset is compiled, and a preset for which it cannot be proved is refused.

use crate::config::{ConfigCode, ConfigError, Reader};
use crate::keys::{KeyError, Secret, Vars};
use crate::message::filter::{Fault, Filter};
use crate::message::scope::{Local, Scope};
use crate::message::test::{Check, Test, hold};
use crate::message::value::{Allow, Env, Segment, Source, Value};
use crate::mode::Scheme;
use crate::preset::Var;
use crate::request::HeaderName;
use std::borrow::Cow;
use std::sync::Arc;

/// The longest text that is answered with a MAC of it, or echoed.
pub const MAX_CHALLENGE: usize = 256;

/// A `[[handshake]]`: how a set-up challenge is recognised and answered.
#[derive(Clone, Debug)]
pub(crate) struct Handshake {
    pub(crate) kind: HandshakeKind,
    pub(crate) signed: bool,
    pub(crate) when: Box<[Test]>,
    pub(crate) answer: Option<Template>,
    secret: Option<Value>,
}

/// What a handshake is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum HandshakeKind {
    /// The challenge is answered.
    Answer,

    /// The request hands over a secret, which an operator must confirm.
    Learn,

    /// The request is a formality: it is answered and not recorded.
    Ignore,
}

/// An answer, before the request is known.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    status: u16,
    content_type: Box<str>,
    /// What the rest may use as `{part:NAME}`, each of which may use those before it.
    parts: Box<[Value]>,
    headers: Box<[(Box<str>, Value)]>,
    body: Option<Value>,
}

/// What to answer.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Answer {
    /// What the handshake was for; [`HandshakeKind::Ignore`] for a `[response]`.
    pub kind: HandshakeKind,

    /// The HTTP status.
    pub status: u16,

    /// The media type. Answer with `X-Content-Type-Options: nosniff` beside it: an echo is the caller's text.
    pub content_type: String,

    /// Further headers, in lower case. Their values are visible ASCII and spaces.
    pub headers: Vec<(String, String)>,

    /// The body: at most what the preset writes and [`MAX_CHALLENGE`] bytes of the caller's.
    pub body: Vec<u8>,
}

/// `[response]`: what the provider needs to hear.
#[derive(Clone, Debug, Default)]
pub(crate) struct Responses {
    pub(crate) accepted: Option<Template>,
    pub(crate) refused: Option<Template>,
}

impl Handshake {
    pub(crate) fn read_all(root: &Reader<'_>, vars: &[Var]) -> Vec<Handshake> {
        root.tables("handshake").into_iter().filter_map(|table| Self::read(table, vars)).collect()
    }

    fn read(table: Reader<'_>, vars: &[Var]) -> Option<Handshake> {
        const KINDS: [(&str, HandshakeKind); 3] = [
            ("answer", HandshakeKind::Answer),
            ("learn", HandshakeKind::Learn),
            ("ignore", HandshakeKind::Ignore),
        ];
        let env = env(vars, &table);
        if !table.has("kind") {
            table.missing("kind", "write `kind = \"answer\"`, `\"learn\"` or `\"ignore\"`");
        }
        let kind = table.choice("kind", &KINDS).map(|kind| kind.value);
        let signed = table.boolean("signed").unwrap_or(false);
        let when: Box<[Test]> =
            Test::read_all(&table, "when", env).into_iter().map(|(test, _)| test).collect();
        if when.is_empty() && !table.has("when") {
            table.missing(
                "when",
                "say how it is recognised: `when = [{ value = \"{method}\", equals = \"GET\" }]`",
            );
        }
        let (names, parts) = Value::parts(&table, env);
        let mac = Env { parts: &names, allow: Allow { mac: true, ..env.allow }, ..env };
        let answer = table.table("answer").and_then(|answer| Template::read(answer, mac));
        let answer = answer.map(|answer| Template { parts: parts.into(), ..answer });
        if kind == Some(HandshakeKind::Answer) && !table.has("answer") {
            table.missing(
                "answer",
                "say what is answered: `answer = { status = 200, body = \"{query:challenge}\" }`",
            );
        }
        let secret = table.text("secret").and_then(|text| {
            if kind != Some(HandshakeKind::Learn) {
                table.complain(
                    ConfigCode::MalformedConfig,
                    &text.span,
                    "only a handshake of the kind `learn` has a `secret`",
                );
            }
            Value::compile(&text, env)
        });
        if kind == Some(HandshakeKind::Learn) && !table.has("secret") {
            table.missing("secret", "say what is learnt: `secret = \"{json:/secret}\"`");
        }
        table.finish();
        Some(Handshake { kind: kind?, signed, when, answer, secret })
    }

    /// Whether every variable that it reads is set. One that lacks its own is none: a source need not use it.
    pub(crate) fn is_set(&self, vars: &Vars) -> bool {
        let answer = self.answer.iter().flat_map(Template::values);
        let mut values = self.when.iter().flat_map(Test::values).chain(answer).chain(&self.secret);
        values.all(|value| {
            value.slots().all(|(slot, optional)| match &slot.source {
                Source::Var(name) if !optional => {
                    vars.get(name).is_some() || slot.filters.iter().any(|f| matches!(f, Filter::Default(_)))
                }
                _ => true,
            })
        })
    }

    pub(crate) fn bind(&self, vars: &Vars) -> Result<Handshake, KeyError> {
        Ok(Handshake {
            when: self.when.iter().map(|test| test.bind(vars)).collect::<Result<_, _>>()?,
            answer: self.answer.as_ref().map(|answer| answer.bind(vars)).transpose()?,
            secret: self.secret.as_ref().map(|secret| secret.bind(vars)).transpose()?,
            ..self.clone()
        })
    }

    /// The secret that is handed over.
    pub(crate) fn learnt(&self, scope: &Scope<'_>) -> Option<Secret> {
        let text = self.secret.as_ref()?.text(scope, &Local::default()).ok()??;
        Secret::new(&*text).ok().filter(|_| text.len() <= MAX_CHALLENGE)
    }

    /// Whether this is one. What cannot be read is none.
    pub(crate) fn recognises(&self, scope: &Scope<'_>) -> bool {
        hold(&self.when, scope, &Local::default()).unwrap_or(false)
    }

    /// The oracle rule: every operand of `mac` is one source with a finite `matches`, and no text of that language can
    /// be signed content of the same preset.
    pub(crate) fn check(&self, scheme: &dyn Scheme) -> Vec<ConfigError> {
        let values = self.answer.iter().flat_map(Template::values);
        let slots = values.flat_map(|value| value.slots().map(move |(slot, _)| (value, slot)));
        let mut errors = Vec::new();
        for (value, slot) in
            slots.filter(|(_, slot)| slot.filters.iter().any(|filter| matches!(filter, Filter::Mac)))
        {
            let mut complain = |says: String, help: &str| {
                let error = ConfigError::at(ConfigCode::MalformedConfig, value.span.clone(), says);
                errors.push(error.help(help));
            };
            let pattern = self.when.iter().find_map(|test| match (&test.check, &*test.value.segments) {
                (Check::Matches(pattern), [Segment::Slot(tested)])
                    if tested.source == slot.source && tested.filters.is_empty() =>
                {
                    Some(pattern)
                }
                _ => None,
            });
            let Some(pattern) = pattern else {
                let help = "add `{ value = \"{…}\", matches = \"[A-Za-z0-9_-]{1,128}\" }` to `when`";
                complain(
                    format!("`{{{}}}` is answered with a MAC, and nothing limits what it may be", slot.text),
                    help,
                );
                continue;
            };
            match pattern.alphabet(MAX_CHALLENGE) {
                None => complain(
                    format!("`{}` allows more than {MAX_CHALLENGE} bytes", pattern.text()),
                    "limit it: `[A-Za-z0-9_-]{1,128}`",
                ),
                Some(text) if scheme.could_sign(&text) => complain(
                    "whoever asks for this answer could have a signature: such a challenge may be signed content".into(),
                    "narrow the challenge's alphabet, or add a `require` on the content's first value that no challenge passes",
                ),
                Some(_) => {}
            }
        }
        errors
    }
}

impl Responses {
    pub(crate) fn read(root: &Reader<'_>, vars: &[Var]) -> Responses {
        let Some(table) = root.table("response") else { return Responses::default() };
        let env = env(vars, &table);
        let template = |key: &str| table.table(key).and_then(|answer| Template::read(answer, env));
        let responses = Responses { accepted: template("accepted"), refused: template("refused") };
        table.finish();
        responses
    }

    pub(crate) fn bind(&self, vars: &Vars) -> Result<Responses, KeyError> {
        let bind =
            |template: &Option<Template>| template.as_ref().map(|template| template.bind(vars)).transpose();
        Ok(Responses { accepted: bind(&self.accepted)?, refused: bind(&self.refused)? })
    }
}

impl Template {
    fn read(table: Reader<'_>, env: Env<'_>) -> Option<Template> {
        let status = table.integer("status", 200..=599).map_or(200, |status| status.value as u16);
        let content_type =
            table.text("content_type").map_or_else(|| "text/plain".into(), |text| (*text.value).into());
        let mut headers = Vec::new();
        let fields = table.table("headers");
        for (key, _) in table.entries("headers") {
            let Some(fields) = &fields else { break };
            // One place says how long a body is and of what type, and it is not here.
            if HeaderName::new(&key.name).is_none()
                || ["content-type", "content-length", "transfer-encoding", "connection"]
                    .iter()
                    .any(|taken| key.name.eq_ignore_ascii_case(taken))
            {
                let says = format!("`{}` cannot be a header of an answer", key.name);
                table.complain(ConfigCode::MalformedConfig, &key.span, says);
            }
            let value = fields.text(&key.name).and_then(|text| Value::compile(&text, env));
            headers.extend(value.map(|value| (key.name.to_ascii_lowercase().into(), value)));
        }
        let body = table.text("body").and_then(|text| Value::compile(&text, env));
        table.finish();
        Some(Template { status, content_type, parts: [].into(), headers: headers.into(), body })
    }

    fn values(&self) -> impl Iterator<Item = &Value> {
        self.parts.iter().chain(&self.body).chain(self.headers.iter().map(|(_, value)| value))
    }

    fn bind(&self, vars: &Vars) -> Result<Template, KeyError> {
        let parts = self.parts.iter().map(|part| part.bind(vars)).collect::<Result<_, _>>()?;
        let body = self.body.as_ref().map(|body| body.bind(vars)).transpose()?;
        let headers = self.headers.iter().map(|(name, value)| Ok((name.clone(), value.bind(vars)?)));
        Ok(Template { parts, headers: headers.collect::<Result<_, KeyError>>()?, body, ..self.clone() })
    }

    /// The answer to this request; `None` if something it says is absent or longer than a challenge.
    pub(crate) fn fill(&self, kind: HandshakeKind, scope: &Scope<'_>, local: &Local<'_>) -> Option<Answer> {
        let mut parts: Vec<Option<Cow<'static, [u8]>>> = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let text = filled(part, scope, &Local { parts: &parts, ..*local })?;
            parts.push(Some(text.into()));
        }
        let local = &Local { parts: &parts, ..*local };
        let body = self.body.as_ref().map_or(Some(Vec::new()), |body| filled(body, scope, local))?;
        let mut headers = Vec::with_capacity(self.headers.len());
        for (name, value) in &self.headers {
            // A text of the caller's must not become a header of its own.
            let value = filled(value, scope, local)?;
            let value =
                String::from_utf8(value).ok().filter(|v| v.bytes().all(|b| matches!(b, b' '..=b'~')))?;
            headers.push((name.to_string(), value));
        }
        Some(Answer { kind, status: self.status, content_type: self.content_type.to_string(), headers, body })
    }
}

/// A value as it is said back; `None` if something in it is absent, or a placeholder or `[…]` has more than
/// [`MAX_CHALLENGE`] bytes. Parts are made so, too: their placeholders are as short, though a digest is what is said.
fn filled(value: &Value, scope: &Scope<'_>, local: &Local<'_>) -> Option<Vec<u8>> {
    let mut said = Vec::new();
    for segment in &value.segments {
        match segment {
            Segment::Literal(text) => said.extend_from_slice(text),
            Segment::Slot(slot) => {
                let bytes = slot.bytes(scope, local).ok().filter(|bytes| bytes.len() <= MAX_CHALLENGE)?;
                said.extend_from_slice(&bytes);
            }
            Segment::Optional(inner) => {
                let mut pieces = crate::message::value::Pieces::new();
                if crate::message::value::resolve(inner, scope, local, &mut pieces).is_ok() {
                    let bytes = Some(pieces.concat()).filter(|bytes| bytes.len() <= MAX_CHALLENGE)?;
                    said.extend_from_slice(&bytes);
                }
            }
        }
    }
    Some(said)
}

fn env<'a>(vars: &'a [Var], table: &'a Reader<'_>) -> Env<'a> {
    Env { vars, parts: &[], allow: Allow::default(), complaints: table.complaints() }
}

/// The value of an `[event]` key in this request, if it is there and is text: never an empty one.
pub(crate) fn event_text(value: &Option<Value>, scope: &Scope<'_>) -> Option<String> {
    let text: Result<_, Fault> = value.as_ref()?.text(scope, &Local::default());
    // An optional segment that is all of a value leaves nothing when what it names is not there.
    String::from_utf8(text.ok()??.into_owned()).ok().filter(|text| !text.is_empty())
}

/// For the registry: every complaint about a preset's handshakes.
pub(crate) fn check_all(handshakes: &Arc<[Handshake]>, scheme: &dyn Scheme) -> Vec<ConfigError> {
    handshakes.iter().flat_map(|handshake| handshake.check(scheme)).collect()
}
