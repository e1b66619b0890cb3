//! Reading a place's table.

use super::super::filter::{Filter, Type};
use super::super::json;
use super::super::pattern::Pattern;
use super::{At, Encoding, Extract, MAX_CANDIDATES, Place, What};
use crate::config::{ConfigCode, ConfigError, Reader, Span, Spanned, nearest, one_of};
use crate::request::HeaderName;
use std::sync::Arc;

impl Place {
    /// Read a place's table. The keys of the time's own (`format`, `from_signature`) are the caller's to ask for.
    pub(crate) fn read(table: &Reader<'_>, what: What, has_items: bool) -> Option<Place> {
        let complaints = table.complaints().len();
        let at = read_at(table, has_items);
        let extract = read_extract(table, what);
        let clean = table.text("clean").and_then(|text| read_clean(&text, table)).unwrap_or_default();
        let list =
            table.text("list").filter(|text| not_empty(text, "list", table)).map(|text| (*text.value).into());
        let repeat = table.boolean("repeat").unwrap_or(false);
        let max = table.integer("max_candidates", 1..=100).map_or(MAX_CANDIDATES, |n| n.value as usize);
        let role = table.text("role").map(|role| role.value);
        let encoding = match what {
            What::Signature => read_encoding(table),
            What::Token if table.has("encoding") => read_encoding(table),
            What::Timestamp | What::Id | What::Token => Vec::new(),
        };
        if repeat && !matches!(at, None | Some((At::Header(_), _))) {
            let help = "only a header occurs several times: leave `repeat` out";
            wrong(table, table.span(), "`repeat` is for a `header`", help);
        }
        (table.complaints().len() == complaints).then_some(())?;
        let ((at, label), clean, encoding) = (at?, clean.into(), encoding.into());
        Some(Place { at, repeat, clean, list, max, extract: extract?, encoding, role, label })
    }
}

fn wrong(table: &Reader<'_>, span: &Span, says: &str, help: &str) {
    table.complaints().push(ConfigError::at(ConfigCode::MalformedConfig, span.clone(), says).help(help));
}

fn not_empty(text: &Spanned<Arc<str>>, key: &str, table: &Reader<'_>) -> bool {
    if text.value.is_empty() {
        wrong(table, &text.span, &format!("`{key}` is empty"), "give the text that stands there");
    }
    !text.value.is_empty()
}

const WHERE: [&str; 6] = ["header", "query", "form", "json", "item", "body"];

fn read_at(table: &Reader<'_>, has_items: bool) -> Option<(At, Box<str>)> {
    let named: Vec<&str> = WHERE.into_iter().filter(|key| table.has(key)).collect();
    let numbered = table.integer("numbered", 1..=100);
    let [key] = named[..] else {
        let says = match named.len() {
            0 => "this names no place".into(),
            _ => format!("this names {} places", named.len()),
        };
        let help = "name exactly one of `header`, `query`, `form`, `json`, `item` or `body = true`";
        wrong(table, table.span(), &says, help);
        return None;
    };
    if key == "body" {
        return match table.boolean("body")? {
            true => Some((At::Body, "body".into())),
            false => {
                wrong(
                    table,
                    table.span(),
                    "`body = false` names no place",
                    "leave it out, and name another place",
                );
                None
            }
        };
    }
    let name = table.text(key)?;
    let text = &*name.value;
    let label = format!("{key} {text}").into();
    let at = match (key, &numbered) {
        ("header", Some(most)) => {
            let names = (1..=most.value).map(|n| HeaderName::new(&text.replace("{n}", &n.to_string())));
            match names.collect::<Option<Vec<_>>>() {
                Some(names) if text.contains("{n}") => At::Numbered(names.into()),
                _ => {
                    let help = "write the number's place as `{n}`: `header = \"X-Signature-{n}\"`";
                    wrong(table, &name.span, "a numbered header needs `{n}` in its name", help);
                    return None;
                }
            }
        }
        ("header", None) => match HeaderName::new(text) {
            Some(name) => At::Header(name),
            None => {
                let help = match text.contains("{n}") {
                    true => "a numbered header needs `numbered = 100`, say: how many at most",
                    false => "letters, digits and hyphens, without the colon",
                };
                wrong(table, &name.span, &format!("`{text}` can be no header's name"), help);
                return None;
            }
        },
        ("query", _) => At::Query(text.into()),
        ("form", _) => At::Form(text.into()),
        (kind, _) => {
            if let Err(why) = json::check_pointer(text) {
                wrong(
                    table,
                    &name.span,
                    &format!("`{text}` is no JSON pointer: {why}"),
                    "write it as `/a/b`",
                );
                return None;
            }
            if kind == "item" && !has_items {
                wrong(table, &name.span, "`item` needs `each`", "say over what: `each = \"/items/*\"`");
                return None;
            }
            if kind == "json" { At::Json(text.into()) } else { At::Item(text.into()) }
        }
    };
    Some((at, label))
}

fn read_extract(table: &Reader<'_>, what: What) -> Option<Extract> {
    const WORDS: [&str; 5] = ["raw", "prefix", "kv_pairs", "scheme", "regex"];
    let word = if table.has("extract") { table.word("extract", &WORDS)?.value } else { "raw" };
    let other = [
        ("prefix", "prefix"),
        ("optional", "prefix"),
        ("pair_separator", "kv_pairs"),
        ("separator", "kv_pairs"),
        ("key", "kv_pairs"),
        ("scheme", "scheme"),
        ("pattern", "regex"),
    ];
    for (key, of) in other {
        // An inherited key of another way of cutting means nothing here, but is no mistake either: `like` and overrides
        // lay one table over another. Written without any `extract` it is one.
        if of != word && table.has(key) && !table.has("extract") {
            wrong(
                table,
                table.span(),
                &format!("`{key}` needs `extract = \"{of}\"`"),
                &format!("write `extract = \"{of}\"`"),
            );
        }
    }
    let text = |key: &str, default: &str| match table.text(key) {
        Some(text) => not_empty(&text, key, table).then(|| Box::from(&*text.value)),
        None => Some(Box::from(default)),
    };
    Some(match word {
        "raw" => Extract::Raw,
        "prefix" => {
            let prefix = table.required_text("prefix")?;
            not_empty(&prefix, "prefix", table);
            Extract::Prefix {
                prefix: (*prefix.value).into(),
                optional: table.boolean("optional").unwrap_or(false),
            }
        }
        "kv_pairs" => {
            let key = table.required_text("key")?;
            not_empty(&key, "key", table);
            let (between, separator) = (text("pair_separator", ","), text("separator", "="));
            if let (Some(between), Some(separator)) = (&between, &separator)
                && (key.value.contains(&**between) || key.value.contains(&**separator))
            {
                let help = "a pair is cut at its first separator: name what stands before it";
                wrong(table, &key.span, &format!("no pair can have the key `{}`", key.value), help);
            }
            Extract::Pairs { between: between?, separator: separator?, key: (*key.value).into() }
        }
        "scheme" => {
            let scheme = table.required_text("scheme")?;
            not_empty(&scheme, "scheme", table);
            Extract::Scheme((*scheme.value).into())
        }
        _ => {
            let pattern = table.required_text("pattern")?;
            let regex = Pattern::read(&pattern, table)?;
            let capture = what.capture();
            if !regex.has_name(capture) {
                let help = format!("name the part that is meant: `(?<{capture}>…)`");
                wrong(table, &pattern.span, &format!("the pattern captures no `{capture}`"), &help);
                return None;
            }
            Extract::Regex { regex, capture }
        }
    })
}

fn read_encoding(table: &Reader<'_>) -> Vec<Encoding> {
    let known: Vec<&str> = Encoding::WORDS.iter().map(|(word, _)| *word).collect();
    let Some(words) = table.texts("encoding") else {
        if !table.has("encoding") {
            table.missing(
                "encoding",
                "write `encoding = \"hex\"`, `\"base64\"` or `\"base64url\"`; several: outermost first",
            );
        }
        return Vec::new();
    };
    if words.is_empty() {
        wrong(table, table.span(), "`encoding` is empty", "write `encoding = \"hex\"`, say");
    }
    let read = |word: Spanned<Arc<str>>| {
        let found = Encoding::WORDS.iter().find(|(known, _)| **known == *word.value);
        if found.is_none() {
            let near = nearest(&word.value, known.iter().copied()).unwrap_or("hex");
            let says = format!("unknown encoding `{}`: {}", word.value, one_of(known.iter().copied()));
            wrong(table, &word.span, &says, &format!("write `encoding = \"{near}\"`"));
        }
        found.map(|(_, encoding)| *encoding)
    };
    words.into_iter().filter_map(read).collect()
}

/// Filters on the found text, before it is cut.
fn read_clean(text: &Spanned<Arc<str>>, table: &Reader<'_>) -> Option<Vec<Filter>> {
    let (mut filters, mut kind, mut at) = (Vec::new(), Type::Bytes, 0);
    for word in text.value.split('|') {
        let span = text.part(at..at + word.len());
        at += word.len() + 1;
        let (name, args) = match word.split_once(':') {
            Some((name, args)) => (name, Some(args)),
            None => (word, None),
        };
        match Filter::parse(name, args) {
            Ok(Filter::Mac | Filter::Default(_)) => {
                wrong(table, &span, &format!("`{name}` has no meaning here"), "leave it out");
                return None;
            }
            Ok(filter) => {
                let Some(after) = filter.output(kind) else {
                    wrong(
                        table,
                        &span,
                        &format!("`{word}` does not take {kind}"),
                        "see the table of filters",
                    );
                    return None;
                };
                kind = after;
                filters.push(filter);
            }
            Err(error) => {
                wrong(table, &span, &error.message, &error.help);
                return None;
            }
        }
    }
    if !kind.is_text() {
        wrong(table, &text.span, &format!("`clean` ends in {kind}, where text is needed"), "end in text");
        return None;
    }
    Some(filters)
}
