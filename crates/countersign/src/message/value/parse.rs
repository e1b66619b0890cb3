//! Reading a value's text: every mistake has its caret, and all are told.

use super::super::filter::{Filter, Type};
use super::{Env, SOURCES, Segment, Slot, Source, merge};
use crate::config::{ConfigCode, ConfigError, Spanned, nearest, one_of};
use crate::request::HeaderName;
use smallvec::SmallVec;
use std::borrow::Cow;
use std::sync::Arc;

pub(super) struct Parser<'t, 'e> {
    pub(super) text: &'t Spanned<Arc<str>>,
    pub(super) at: usize,
    pub(super) env: Env<'e>,
    pub(super) failed: bool,
}

impl<'t> Parser<'t, '_> {
    pub(super) fn segments(&mut self, optional: bool) -> Vec<Segment> {
        let (mut segments, mut literal) = (Vec::new(), Vec::new());
        let start = self.at;
        let text: &'t str = &self.text.value;
        loop {
            let rest = &text[self.at..];
            let Some(c) = rest.chars().next() else {
                if optional {
                    self.complain(
                        start - 1,
                        1,
                        "this `[` is never closed",
                        "close it with `]`, or write `[[` for a `[`",
                    );
                }
                break;
            };
            if ["{{", "}}", "[[", "]]"].iter().any(|pair| rest.starts_with(pair)) {
                literal.push(rest.as_bytes()[0]);
                self.at += 2;
                continue;
            }
            match c {
                '{' => {
                    segments.push(Segment::Literal(std::mem::take(&mut literal).into()));
                    self.at += 1;
                    if let Some(slot) = self.slot() {
                        segments.push(Segment::Slot(slot));
                    }
                }
                '[' if optional => {
                    self.complain(self.at, 1, "optional segments do not nest", "write `[[` for a `[`");
                    self.at += 1;
                }
                '[' => {
                    segments.push(Segment::Literal(std::mem::take(&mut literal).into()));
                    self.at += 1;
                    let from = self.at;
                    let inner = self.segments(true);
                    if !self.failed && !inner.iter().any(|segment| matches!(segment, Segment::Slot(_))) {
                        let help = "put one in, or write `[[` and `]]` for brackets";
                        self.complain(
                            from - 1,
                            self.at + 1 - from,
                            "an optional segment without placeholder",
                            help,
                        );
                    }
                    segments.push(Segment::Optional(merge(inner)));
                }
                ']' if optional => {
                    self.at += 1;
                    break;
                }
                '}' | ']' => {
                    let help = format!("write `{c}{c}` for a `{c}`");
                    self.complain(self.at, 1, &format!("this `{c}` closes nothing"), &help);
                    self.at += 1;
                }
                c => {
                    literal.extend_from_slice(&rest.as_bytes()[..c.len_utf8()]);
                    self.at += c.len_utf8();
                }
            }
        }
        segments.push(Segment::Literal(literal.into()));
        segments
    }

    /// From behind the brace to behind its fellow.
    fn slot(&mut self) -> Option<Slot> {
        let (open, text): (usize, &'t str) = (self.at, &self.text.value);
        // A word is a part of the text, unless something in it is escaped.
        let mut words = SmallVec::<[(usize, Cow<'t, str>); 4]>::new();
        let (mut from, mut unescaped) = (open, None::<String>);
        let word = |from: usize, to: usize, unescaped: Option<String>| {
            (from, unescaped.map_or(Cow::Borrowed(&text[from..to]), Cow::Owned))
        };
        let mut chars = text[open..].char_indices().peekable();
        let close = loop {
            match chars.next() {
                None => {
                    self.complain(
                        open - 1,
                        1,
                        "this `{` is never closed",
                        "close it with `}`, or write `{{` for a `{`",
                    );
                    self.at = text.len();
                    return None;
                }
                Some((i, '}')) => break open + i,
                Some((i, '|')) => {
                    words.push(word(from, open + i, unescaped.take()));
                    from = open + i + 1;
                }
                Some((i, '\\')) if matches!(chars.peek(), Some((_, '|' | '}'))) => {
                    let so_far = unescaped.get_or_insert_with(|| text[from..open + i].into());
                    so_far.extend(chars.next().map(|(_, c)| c));
                }
                Some((_, c)) => unescaped.iter_mut().for_each(|so_far| so_far.push(c)),
            }
        };
        words.push(word(from, close, unescaped));
        self.at = close + 1;
        let written = &text[open..close];
        let mut words = words.into_iter();
        let (at, word) = words.next()?;
        let source = self.source(at, &word);
        let mut kind = source.as_ref().map(Source::kind);
        let mut filters = Vec::new();
        for (at, word) in words {
            let filter = self.filter(at, &word)?;
            if matches!(filter, Filter::Mac) && !filters.is_empty() {
                self.complain(
                    at,
                    word.len(),
                    "`mac` takes a source as it is, without a filter before it",
                    "",
                );
            }
            if matches!((&filter, &source), (Filter::Mac, Some(Source::Part(_)))) {
                let help = "name the source itself, as in `{query:challenge|mac|hex}`";
                self.complain(at, word.len(), "`mac` takes one source, and a part may hold several", help);
            }
            if let Some(before) = kind {
                kind = filter.output(before);
                if kind.is_none() {
                    let says = format!("`{word}` does not take {before}");
                    self.complain(
                        at,
                        word.len(),
                        &says,
                        "see the table of filters: `docs/reference/grammar.md`",
                    );
                    return None;
                }
            }
            filters.push(filter);
        }
        Filter::tell_pairs(&mut filters);
        let looked_up = filters.iter().position(Filter::looks_up_headers);
        if looked_up.is_some_and(|at| filters[at..].iter().any(|filter| filter.row().name == "values")) {
            let says = "the request names these headers: without their names, whoever writes the list moves the values";
            self.complain(open, written.len(), says, "keep the names: `|pairs::|join:;`, say");
            return None;
        }
        match kind? {
            Type::Bytes | Type::Json => {}
            Type::List if self.env.allow.list => {}
            kind => {
                let help = match kind {
                    Type::List => "end in text: add `|join` or `|join:,`",
                    Type::Pairs => "end in text: add `|pairs:=|join:&`, say",
                    _ => "end in text: add `|print:compact`, say",
                };
                self.complain(
                    open,
                    written.len(),
                    &format!("this ends in {kind}, where text is needed"),
                    help,
                );
                return None;
            }
        }
        Some(Slot { source: source?, filters: filters.into(), text: written.into(), without: None })
    }

    fn source(&mut self, at: usize, word: &str) -> Option<Source> {
        let (name, arg) = match word.split_once(':') {
            Some((name, arg)) => (name, Some(arg)),
            None => (word, None),
        };
        let Some((_, usage, _)) = SOURCES.iter().find(|(known, _, _)| *known == name) else {
            let known: Vec<&str> = SOURCES.iter().map(|(known, _, _)| *known).collect();
            let help = match nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`? Known are {}", one_of(known.iter().copied())),
                None => format!("known are {}", one_of(known.iter().copied())),
            };
            self.complain(at, name.len(), &format!("unknown source `{name}`"), &help);
            return None;
        };
        let all_pairs = matches!(name, "query" | "form") && arg.is_none();
        match arg {
            Some(_) if usage.is_empty() => {
                self.complain(
                    at,
                    word.len(),
                    &format!("`{name}` takes no argument"),
                    &format!("write `{{{name}}}`"),
                );
                return None;
            }
            None if !usage.is_empty() && !all_pairs => {
                self.complain(
                    at,
                    word.len(),
                    &format!("`{name}` needs an argument"),
                    &format!("write `{{{name}:{usage}}}`"),
                );
                return None;
            }
            _ => {}
        }
        let allow = self.env.allow;
        let wrong_place = match name {
            "item" if !allow.item => Some("`item` needs `each`: there is no current element here"),
            "timestamp" | "id" | "sig" if !allow.found => {
                Some("this is not known yet where this value is read")
            }
            "secret" if !allow.secret => {
                Some("the secret stands only in `key.derive`, or where `secret_in_content = true` is spelled")
            }
            "claim" if !allow.claims => Some("this mode has no claims"),
            _ => None,
        };
        if let Some(says) = wrong_place {
            self.complain(at, word.len(), says, "");
            return None;
        }
        let arg = arg.unwrap_or_default();
        Some(match name {
            "body" => Source::Body,
            "method" => Source::Method,
            "url" => Source::Url,
            "path" => Source::Path,
            "target" => Source::Target,
            "query_string" => Source::QueryString,
            "host" => Source::Host,
            "header" => match HeaderName::new(arg) {
                Some(name) => Source::Header(name),
                None => {
                    self.complain(at, word.len(), &format!("`{arg}` can be no header's name"), "");
                    return None;
                }
            },
            "query" if all_pairs => Source::QueryPairs,
            "form" if all_pairs => Source::FormPairs,
            "query" => Source::Query(arg.into()),
            "form" => Source::Form(arg.into()),
            "param" => Source::Param(arg.into()),
            "json" | "item" => {
                if !(arg.is_empty() || arg.starts_with('/')) {
                    let help = format!("a pointer starts with a slash: `{{{name}:/{arg}}}`");
                    self.complain(at, word.len(), &format!("`{arg}` is no JSON pointer"), &help);
                    return None;
                }
                if name == "json" { Source::Json(arg.into()) } else { Source::Item(arg.into()) }
            }
            "timestamp" => Source::Timestamp,
            "id" => Source::Id,
            "sig" => Source::Sig(arg.into()),
            "part" => {
                return self
                    .named(at, word, arg, "part", self.env.parts.iter().map(|p| &**p))
                    .map(Source::Part);
            }
            "var" => {
                let vars = self.env.vars;
                let index = self.named(at, word, arg, "var", vars.iter().map(|v| &*v.name))?;
                Source::Var(vars[index].name.clone())
            }
            "secret" => Source::Secret,
            // A name is a member of the token's own object, whatever characters it has.
            _ if arg.starts_with('/') => Source::Claim(arg.into()),
            _ => Source::Claim(format!("/{}", arg.replace('~', "~0").replace('/', "~1")).into()),
        })
    }

    /// The place of a declared name.
    fn named<'n>(
        &mut self,
        at: usize,
        word: &str,
        name: &str,
        kind: &str,
        declared: impl Iterator<Item = &'n str>,
    ) -> Option<usize> {
        let declared: Vec<&str> = declared.collect();
        let found = declared.iter().position(|known| *known == name);
        if found.is_none() {
            let help = match (kind, nearest(name, declared.iter().copied())) {
                (_, Some(near)) => format!("did you mean `{{{kind}:{near}}}`?"),
                ("var", None) => format!("declare it: `[[var]]` with `name = \"{name}\"`"),
                (_, None) => format!("declare it above its use: `parts = {{ {name} = \"…\" }}`"),
            };
            self.complain(at, word.len(), &format!("no {kind} `{name}` is declared"), &help);
        }
        found
    }

    fn filter(&mut self, at: usize, word: &str) -> Option<Filter> {
        let (name, args) = match word.split_once(':') {
            Some((name, args)) => (name, Some(args)),
            None => (word, None),
        };
        match Filter::parse(name, args) {
            Ok(Filter::Mac) if !self.env.allow.mac => {
                self.complain(at, word.len(), "`mac` is only for the answers of handshakes", "");
                None
            }
            Ok(filter) => Some(filter),
            Err(error) => {
                self.complain(at, word.len(), &error.message, &error.help);
                None
            }
        }
    }

    fn complain(&mut self, at: usize, len: usize, message: &str, help: &str) {
        self.failed = true;
        let end = (at + len.max(1)).min(self.text.value.len()).max(at);
        let span = self.text.part(at..end);
        let error = ConfigError::at(ConfigCode::MalformedTemplate, span, message);
        self.env.complaints.push(if help.is_empty() { error } else { error.help(help) });
    }
}
