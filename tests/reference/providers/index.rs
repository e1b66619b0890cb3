//! All providers at a glance: a table for readers of Markdown, and a page to search.

use super::markdown::{html as escaped, prose, table};
use super::seen::{self, Seen};
use super::{ALL, Provider, by_title};
use countersign::Binds;
use countersign_words::glance::{self, once, places, spot};
use countersign_words::tree::text;

/// The page to search, with a mark where the rows go.
const HTML: &str = include_str!("index.html");

/// What is told of a provider in a line.
struct Line<'p> {
    name: &'p str,
    title: &'p str,
    mode: &'p str,
    algorithm: String,
    signature: String,
    body: bool,
    time: bool,
    handshake: String,
    published: usize,
    proven: bool,
}

impl<'p> Line<'p> {
    fn of(provider: &'p Provider) -> Self {
        let binds = provider.compiled.needs().binds;
        let root = provider.layer.root().table();
        Line {
            name: provider.name(),
            title: provider.title(),
            mode: provider.mode(),
            algorithm: algorithms(provider),
            signature: signature(provider),
            body: binds.contains(Binds::BODY),
            time: binds.contains(Binds::TIME),
            handshake: root.map(glance::handshakes).unwrap_or_default().join(", "),
            published: provider.published(),
            proven: provider.is_proven(),
        }
    }

    fn how_sure(&self) -> String {
        match self.proven {
            true => format!("proven: {}", self.published),
            false => "consistent".into(),
        }
    }
}

/// What makes the signature, each once.
fn algorithms(provider: &Provider) -> String {
    let words = glance::algorithms(provider.table()).into_iter();
    once(words.map(|word| seen::named(word, provider.mode()))).join(", ")
}

/// Where the signature, or the token, is.
fn signature(provider: &Provider) -> String {
    let table = provider.table();
    let seen = Seen { provider, table };
    let named = places(table).into_iter().map(|place| match spot(place) {
        Some(("header", name)) => seen.spelling(name),
        Some(("query", name)) => format!("query {name}"),
        Some(("form", name)) => format!("form {name}"),
        Some((_, pointer)) => format!("body {pointer}"),
        None => "body".into(),
    });
    match &once(named)[..] {
        [] if text(table, "form") == Some("cavage") => {
            seen.spelling(text(table, "signature_header").unwrap_or("signature"))
        }
        [] => seen.spelling("signature"),
        named => named.join(", "),
    }
}

fn lines() -> Vec<Line<'static>> {
    by_title().into_iter().map(Line::of).collect()
}

/// The index as Markdown.
pub(crate) fn page() -> String {
    let lines = lines();
    let cases: usize = ALL.iter().map(|provider| provider.cases.len()).sum();
    let yes = |is: bool| if is { "yes" } else { "" }.to_owned();
    let row = |line: &Line<'_>| {
        vec![
            format!("[{}]({}.md)", prose(line.title), line.name),
            format!("`{}`", line.mode),
            line.algorithm.clone(),
            prose(&line.signature),
            yes(line.body),
            yes(line.time),
            line.handshake.clone(),
            line.how_sure(),
        ]
    };
    format!(
        "# Providers\n\n\
        {} presets with {cases} cases. {} are proven: somebody else's delivery verifies by them, as published; the number is that of\n\
        published cases. The others are consistent: two programs agree. [index.html](index.html) is the same to search, in a\n\
        browser; [coverage.md](../reference/coverage.md) holds it against what others take in.\n\n\
        When a signature does not verify, `countersign verify` says the [reason](../reference/reasons.md), and a page the pitfalls.\n\n{}",
        lines.len(),
        lines.iter().filter(|line| line.proven).count(),
        table(
            &[
                "provider",
                "mode",
                "algorithm",
                "signature in",
                "covers the body",
                "time signed",
                "handshake",
                "how sure"
            ],
            lines.iter().map(row)
        )
    )
}

/// The page to search.
pub(crate) fn html() -> String {
    let row = |line: &Line<'_>| {
        let Line { name, title, mode, algorithm, signature, body, time, handshake, .. } = line;
        let proven = if line.proven { "proven" } else { "consistent" };
        let cell = |text: &str| format!("<td>{}</td>", escaped(text));
        let yes = |is: &bool| cell(if *is { "yes" } else { "" });
        format!(
            "<tr data-mode=\"{}\" data-sure=\"{proven}\" data-handshake=\"{}\"><td><a href=\"{name}.md\">{}</a> <small>{name}</small></td>{}{}{}{}{}{}{}</tr>\n",
            escaped(mode),
            if handshake.is_empty() { "no" } else { "yes" },
            escaped(title),
            cell(mode),
            cell(algorithm),
            cell(signature),
            yes(body),
            yes(time),
            cell(handshake),
            cell(&line.how_sure()),
        )
    };
    let lines = lines();
    let mut modes: Vec<&str> = lines.iter().map(|line| line.mode).collect();
    modes.sort_unstable();
    modes.dedup();
    let modes: String = modes.iter().map(|mode| format!("<option>{}</option>", escaped(mode))).collect();
    let rows: String = lines.iter().map(row).collect();
    HTML.replace("<!-- modes -->", &modes).replace("<!-- rows -->\n", &rows)
}
