//! From a tree to cases: every key read, every complaint collected, every `like` resolved.

use super::{Case, CaseSource, DEFAULT_NOW, DEFAULT_URL, Delivery, Expect, SecretSpec, VectorFile};
use crate::answers::Answers;
use countersign::config::{
    Complaints, ConfigCode, ConfigError, ConfigErrors, Layer, Node, Reader, Sources, Span, Spanned, Value,
    nearest, one_of,
};
use countersign::{Binds, TimeFormat, Timestamp, Vars, Window};
use std::sync::Arc;

/// A case as written: what it does not say is `None`, so that a base can say it.
#[derive(Clone, Default)]
struct Written {
    name: Option<Spanned<Arc<str>>>,
    like: Option<Spanned<Arc<str>>>,
    source: Option<CaseSource>,
    origin: Option<Arc<str>>,
    preset: Option<Arc<str>>,
    overrides: Option<Layer>,
    vars: Option<Vars>,
    secrets: Option<Vec<SecretSpec>>,
    documents: Option<Vec<(Arc<str>, Arc<str>)>>,
    now: Option<Timestamp>,
    method: Option<Arc<str>>,
    url: Option<Arc<str>>,
    headers: Option<Vec<(String, Vec<u8>)>>,
    set_headers: Vec<(String, Vec<u8>)>,
    add_headers: Vec<(String, Vec<u8>)>,
    remove_headers: Vec<String>,
    body: Option<Vec<u8>>,
    expect: Option<Expect>,
    answers: Answers,
    key_id: Option<Arc<str>>,
    message_id: Option<Arc<str>>,
    signed_at: Option<Timestamp>,
    binds: Binds,
    provider_says: Option<Arc<str>>,
    why: Option<Arc<str>>,
    without_mutants: Option<Arc<str>>,
}

impl Written {
    /// What this says, and where it is silent, what `base` says. What is asserted or argued of the base alone
    /// (its verdict, its origin's opinion, its reasons) is not passed on.
    fn over(self, base: &Written) -> Written {
        let Written { headers, set_headers, add_headers, remove_headers, .. } = self.clone();
        let replaced = |name: &str| {
            set_headers
                .iter()
                .map(|(set, _)| set)
                .chain(&remove_headers)
                .any(|set| set.eq_ignore_ascii_case(name))
        };
        let mut headers = headers.or_else(|| base.headers.clone()).unwrap_or_default();
        headers.retain(|(name, _)| !replaced(name));
        headers.extend(set_headers.iter().cloned().chain(add_headers));
        Written {
            origin: self.origin.or_else(|| base.origin.clone()),
            preset: self.preset.or_else(|| base.preset.clone()),
            overrides: self.overrides.or_else(|| base.overrides.clone()),
            vars: self.vars.or_else(|| base.vars.clone()),
            secrets: self.secrets.or_else(|| base.secrets.clone()),
            documents: self.documents.or_else(|| base.documents.clone()),
            now: self.now.or(base.now),
            method: self.method.or_else(|| base.method.clone()),
            url: self.url.or_else(|| base.url.clone()),
            headers: Some(headers),
            body: self.body.or_else(|| base.body.clone()),
            without_mutants: self.without_mutants.or_else(|| base.without_mutants.clone()),
            ..self
        }
    }
}

/// Reads one text, collecting complaints.
pub(super) struct Reading<'s> {
    pub(super) sources: &'s Sources,
    pub(super) complaints: Complaints,
}

impl Reading<'_> {
    /// The whole file, every `like` resolved.
    pub(super) fn file(self, name: Arc<str>, layer: &Layer) -> Result<VectorFile, ConfigErrors> {
        let root = Reader::new(layer.root(), &self.complaints, "");
        if !root.has("schema") {
            root.missing("schema", "write `schema = 1` at the top");
        }
        root.integer("schema", 1..=1);
        let preset = root.text("preset").map(|text| text.value);
        let tables = root.tables("case");
        if !root.has("case") {
            root.missing("case", "write at least one `[[case]]`");
        }
        root.finish();

        let written: Vec<(Written, Span)> = tables
            .into_iter()
            .map(|table| {
                let span = table.span().clone();
                (self.written(table), span)
            })
            .collect();
        let mut cases: Vec<Case> = Vec::new();
        for (at, (case, span)) in written.iter().enumerate() {
            if let Some(name) = &case.name
                && written[..at]
                    .iter()
                    .any(|(other, _)| other.name.as_ref().is_some_and(|o| o.value == name.value))
            {
                let message = format!("two cases are named `{}`", name.value);
                self.complaints.push(
                    ConfigError::at(ConfigCode::MalformedConfig, name.span.clone(), message)
                        .help("give each its own name"),
                );
            }
            cases.extend(self.case(case.clone(), span, &written, preset.as_ref()));
        }
        self.complaints.into_result()?;
        Ok(VectorFile { name, preset, cases })
    }

    /// A case with its base resolved; `None` after a complaint.
    fn case(
        &self,
        own: Written,
        span: &Span,
        all: &[(Written, Span)],
        default: Option<&Arc<str>>,
    ) -> Option<Case> {
        let whole = match &own.like {
            None => own.over(&Written::default()),
            Some(like) => {
                let base = self.base(like, all)?;
                own.over(base)
            }
        };
        let Written { name, preset, source, expect, headers, body, method, url, .. } = whole;
        if preset.is_none() && default.is_none() {
            let error = ConfigError::at(
                ConfigCode::MalformedConfig,
                span.clone(),
                "this case names no preset, nor does its file",
            );
            self.complaints.push(error.help("write `preset = \"…\"` at the top of the file, or here"));
        }
        Some(Case {
            name: name?.value,
            at: span.locate(self.sources),
            source: source?,
            origin: whole.origin,
            preset: preset.or_else(|| default.cloned())?,
            overrides: whole.overrides,
            vars: whole.vars.unwrap_or_default(),
            secrets: whole.secrets.unwrap_or_default(),
            documents: whole.documents.unwrap_or_default(),
            now: whole.now.unwrap_or(DEFAULT_NOW),
            request: Delivery {
                method: method.as_deref().unwrap_or("POST").into(),
                url: url.as_deref().unwrap_or(DEFAULT_URL).into(),
                headers: headers.unwrap_or_default(),
                body: body.unwrap_or_default(),
            },
            expect: expect?,
            answers: whole.answers,
            key_id: whole.key_id,
            message_id: whole.message_id,
            signed_at: whole.signed_at,
            binds: whole.binds,
            provider_says: whole.provider_says,
            why: whole.why,
            without_mutants: whole.without_mutants,
        })
    }

    fn base<'w>(&self, like: &Spanned<Arc<str>>, all: &'w [(Written, Span)]) -> Option<&'w Written> {
        let named =
            |case: &&(Written, Span)| case.0.name.as_ref().is_some_and(|name| name.value == like.value);
        match all.iter().find(named) {
            Some((base, _)) => {
                if let Some(further) = &base.like {
                    let message = format!(
                        "`{}` is itself like `{}`: likeness has one level",
                        like.value, further.value
                    );
                    let error = ConfigError::at(ConfigCode::MalformedConfig, like.span.clone(), message);
                    self.complaints
                        .push(error.help(format!("write `like = \"{}\"` and what differs", further.value)));
                    return None;
                }
                Some(base)
            }
            None => {
                let names = || all.iter().filter_map(|(case, _)| case.name.as_ref()).map(|name| &*name.value);
                let message = format!("no case of this file is named `{}`", like.value);
                let error = ConfigError::at(ConfigCode::MalformedConfig, like.span.clone(), message);
                self.complaints.push(match nearest(&like.value, names()) {
                    Some(meant) => {
                        error.help(format!("write `like = \"{meant}\"`, if that is what is meant"))
                    }
                    None => error,
                });
                None
            }
        }
    }

    fn written(&self, table: Reader<'_>) -> Written {
        let text = |key: &str| table.text(key).map(|text| text.value);
        let name = table.required_text("name");
        if let Some(Spanned { value, span }) = &name
            && (value.is_empty()
                || !value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'))
        {
            table.complain(
                ConfigCode::MalformedConfig,
                span,
                format!("a case's name is lower-case letters, digits and hyphens, but this is `{value}`"),
            );
        }
        let written = Written {
            name,
            like: table.text("like"),
            source: self.source(&table),
            origin: text("origin"),
            preset: text("preset"),
            overrides: table.node("overrides").and_then(|node| self.overrides(node)),
            vars: table.has("vars").then(|| self.vars(&table)),
            secrets: table.has("secrets").then(|| self.secrets(&table)),
            documents: table.has("documents").then(|| self.pairs_of_texts(&table, "documents")),
            now: self.time(&table, "now"),
            method: text("method"),
            url: text("url"),
            headers: table.node("headers").map(|node| self.headers(node)),
            set_headers: table.node("set_headers").map(|node| self.headers(node)).unwrap_or_default(),
            add_headers: table.node("add_headers").map(|node| self.headers(node)).unwrap_or_default(),
            remove_headers: table
                .texts("remove_headers")
                .unwrap_or_default()
                .iter()
                .map(|name| name.value.to_string())
                .collect(),
            body: self.body(&table),
            expect: self.expect(&table),
            answers: Answers::read(&table),
            key_id: text("key_id"),
            message_id: text("message_id"),
            signed_at: self.time(&table, "signed_at"),
            binds: self.binds(&table),
            provider_says: text("provider_says"),
            why: text("why"),
            without_mutants: self.mutants(&table),
        };
        match (written.expect, &written.answers.handshake) {
            (Some(Expect::Handshake), None) => {
                table.missing(
                    "handshake",
                    "say what is answered: `handshake = { kind = \"answer\", body = \"…\" }`",
                );
            }
            (Some(Expect::Ok | Expect::Handshake) | None, _) | (_, None) => {}
            (Some(_), Some(_)) => table.complain(
                ConfigCode::MalformedConfig,
                table.span(),
                "what is refused is no handshake: `expect` is `handshake`, or `ok` for one that comes signed",
            ),
        }
        if written.provider_says.is_some() && written.why.is_none() {
            table.missing("why", "say why the provider's code is not followed: `why = \"…\"`");
        }
        table.finish();
        written
    }

    fn source(&self, table: &Reader<'_>) -> Option<CaseSource> {
        if !table.has("source") {
            let words: Vec<_> = CaseSource::WORDS.iter().map(|(word, _)| *word).collect();
            table.missing("source", format!("write `source = \"…\"`: {}", words.join(", ")));
        }
        Some(table.choice("source", &CaseSource::WORDS)?.value)
    }

    fn expect(&self, table: &Reader<'_>) -> Option<Expect> {
        if !table.has("expect") {
            table.missing("expect", "write `expect = \"ok\"`, or the code of the refusal");
        }
        let codes: Vec<_> = Expect::all().map(|expect| (expect.code(), expect)).collect();
        Some(table.choice("expect", &codes)?.value)
    }

    fn mutants(&self, table: &Reader<'_>) -> Option<Arc<str>> {
        let Spanned { value, span } = table.text("mutants")?;
        match value.strip_prefix("none:").map(str::trim) {
            Some(reason) if !reason.is_empty() => Some(reason.into()),
            _ if &*value == "all" => None,
            _ => {
                let error = ConfigError::at(
                    ConfigCode::MalformedConfig,
                    span,
                    "`mutants` must be `all`, or `none:` and a reason",
                );
                self.complaints.push(error.help("write `mutants = \"none: why not\"`"));
                None
            }
        }
    }

    fn binds(&self, table: &Reader<'_>) -> Binds {
        let mut binds = Binds::default();
        for Spanned { value, span } in table.texts("binds").unwrap_or_default() {
            match Binds::WORDS.iter().find(|(_, word)| *word == &*value) {
                Some((part, _)) => binds = binds | *part,
                None => {
                    let words = one_of(Binds::WORDS.iter().map(|(_, word)| *word));
                    let message = format!("`binds` holds {words}, but not `{value}`");
                    table.complain(ConfigCode::MalformedConfig, &span, message);
                }
            }
        }
        binds
    }

    fn overrides(&self, node: &Node) -> Option<Layer> {
        Layer::from_table(node.clone()).map_err(|error| self.complaints.push(error)).ok()
    }

    fn vars(&self, table: &Reader<'_>) -> Vars {
        let mut vars = Vars::new();
        for (name, value) in self.pairs_of_texts(table, "vars") {
            vars.set(name, value);
        }
        vars
    }

    fn pairs_of_texts(&self, table: &Reader<'_>, key: &str) -> Vec<(Arc<str>, Arc<str>)> {
        let mut pairs = Vec::new();
        for (name, node) in table.entries(key) {
            match node.text() {
                Some(text) => pairs.push((name.name.clone(), text.clone())),
                None => self.wrong(
                    node,
                    format!("`{}` must be a text in quotes, but is {}", name.name, node.value.kind()),
                ),
            }
        }
        pairs
    }

    fn secrets(&self, table: &Reader<'_>) -> Vec<SecretSpec> {
        let mut secrets = Vec::new();
        for secret in table.tables("secrets") {
            let (id, value) = (secret.required_text("id"), secret.required_text("value"));
            let role = secret.text("role").map(|text| text.value);
            let window = Window {
                not_before: self.time(&secret, "not_before"),
                not_after: self.time(&secret, "not_after"),
            };
            secret.finish();
            if let (Some(id), Some(value)) = (id, value) {
                secrets.push(SecretSpec { id: id.value, value: value.value, role, window });
            }
        }
        secrets
    }

    /// A moment: seconds, perhaps with a fraction, or RFC 3339.
    fn time(&self, table: &Reader<'_>, key: &str) -> Option<Timestamp> {
        let node = table.node(key)?;
        let at = match &node.value {
            Value::Integer(seconds) => Some(Timestamp::from_unix(*seconds)),
            Value::Float(seconds) if seconds.is_finite() => {
                Some(Timestamp::from_unix_ms((seconds * 1000.0).round() as i64))
            }
            Value::Text(text) | Value::Datetime(text) => TimeFormat::Rfc3339.parse(text.as_bytes()),
            _ => None,
        };
        if at.is_none() {
            self.wrong(
                node,
                format!("`{key}` must be seconds since 1970, or a time such as \"2026-01-01T00:00:00Z\""),
            );
        }
        at
    }

    fn headers(&self, node: &Node) -> Vec<(String, Vec<u8>)> {
        let Value::Array(pairs) = &node.value else {
            self.wrong(node, "headers are an array of pairs: `[[\"name\", \"value\"]]`".into());
            return Vec::new();
        };
        let mut headers = Vec::new();
        for pair in pairs {
            let texts: Option<Vec<&Arc<str>>> = match &pair.value {
                Value::Array(both) => both.iter().map(Node::text).collect(),
                _ => None,
            };
            match texts.as_deref() {
                Some([name, value]) => headers.push((name.to_string(), value.as_bytes().to_vec())),
                _ => self.wrong(pair, "a header is a pair of texts: `[\"name\", \"value\"]`".into()),
            }
        }
        headers
    }

    fn body(&self, table: &Reader<'_>) -> Option<Vec<u8>> {
        let (text, encoded) = (table.text("body"), table.text("body_base64"));
        match (text, encoded) {
            (Some(_), Some(Spanned { span, .. })) => {
                table.complain(
                    ConfigCode::MalformedConfig,
                    &span,
                    "`body` and `body_base64` are both set: keep one",
                );
                None
            }
            (Some(text), None) => Some(text.value.as_bytes().to_vec()),
            (None, Some(Spanned { value, span })) => {
                let bytes = base64_simd::STANDARD.decode_to_vec(value.as_bytes()).ok();
                if bytes.is_none() {
                    table.complain(ConfigCode::MalformedConfig, &span, "`body_base64` is not padded base64");
                }
                bytes
            }
            (None, None) => None,
        }
    }

    fn wrong(&self, node: &Node, message: String) {
        self.complaints.at(ConfigCode::MalformedConfig, &node.span, message);
    }
}
