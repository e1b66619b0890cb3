//! What is signed, drawn: the parts of the content in boxes, what they go into, and where the result stands.
//!
//! ```text
//! ┌─────────────┐     ┌────────┐
//! │ {timestamp} │ "." │ {body} │
//! └───┬─────────┘     └────────┘
//!     ▼
//! HMAC-SHA256 ◀── the secret as it is
//!     │
//!     ▼
//! Acme-Signature: v1=‹hex›
//! ```

use super::Provider;
use super::seen::{Seen, quoted};
use countersign::config::{Node, Table};
use countersign_words::tree::{tables, text, texts};
use countersign_words::{Piece, Voice, Words, component, pieces};
use std::fmt::Write;

/// The widest line of boxes, and of what stands under them.
pub(crate) const WIDTH: usize = 100;

/// One line, whatever a preset says.
const VOICE: Voice = Voice { name: one_line, text: quoted };

/// What several drawings are drawn of.
pub(crate) struct Drawing {
    /// When it is this one; empty if there is but one.
    pub(crate) when: Vec<String>,
    pub(crate) text: String,
    /// What must hold besides.
    pub(crate) require: Vec<String>,
}

/// Every drawing of a provider: one, or one for each case.
pub(crate) fn drawings(provider: &Provider, voice: Voice) -> Vec<Drawing> {
    let table = provider.table();
    let words = Words::of(table, voice);
    let tests =
        |table: &Table, key: &str| tables(table, key).into_iter().map(|test| words.test(test)).collect();
    let cases = tables(table, "case");
    if cases.is_empty() {
        let text = draw(provider, None);
        return vec![Drawing { when: Vec::new(), text, require: tests(table, "require") }];
    }
    let case = |case: &&Table| Drawing {
        when: tests(case, "when"),
        text: draw(provider, Some(case)),
        require: [tests(table, "require"), tests(case, "require")].concat(),
    };
    cases.iter().map(case).collect()
}

fn draw(provider: &Provider, case: Option<&Table>) -> String {
    let table = provider.table();
    let at = |key: &str| case.and_then(|case| case.get(key)).or_else(|| table.get(key));
    let from = |key: &str| case.filter(|case| case.get(key).is_some()).unwrap_or(table);
    let seen = Seen { provider, table };
    let mut drawing = Plain::new(Words::of(table, VOICE));
    let step = || seen.step(at("algorithm"));
    let key = table.get("key").and_then(Node::table);
    if let Some(each) = text(table, "each") {
        drawing.line(&format!("for each element of {each}:"));
    }
    if at("signed_template").is_some() {
        let templates = texts(from("signed_template"), "signed_template");
        drawing.templates(&templates);
        drawing.arrow(&step());
        drawing.results(&seen.places(at("signature_source")));
        drawing.parts(table);
        key.and_then(|key| text(key, "derive")).into_iter().for_each(|template| drawing.tell(template));
    } else if let Some(payload) = text(table, "payload") {
        let header = [Part::Box("header of the token".into()), Part::Between(".".into())];
        drawing.boxes(&header.into_iter().chain(parts(payload)).collect::<Vec<_>>());
        drawing.tell(payload);
        if text(table, "payload_encoding") != Some("none") {
            drawing.line("both as base64url");
        }
        drawing.arrow(&step());
        drawing.results(&seen.tokens(at("token_source"), "‹header›..‹signature›"));
    } else if table.get("algorithms").is_some() && at("token_source").is_some() {
        drawing.boxes(&[Part::Box("header".into()), Part::Between(".".into()), Part::Box("claims".into())]);
        drawing.arrow(&step());
        drawing.results(&seen.tokens(at("token_source"), "‹header›.‹claims›.‹signature›"));
    } else if at("token_source").is_some() {
        drawing.boxes(&[Part::Box("the secret itself".into())]);
        drawing.arrow("nothing is signed: it is shown, and compared");
        drawing.results(&seen.tokens(at("token_source"), "‹secret›"));
    } else {
        let rows =
            texts(table, "required").into_iter().map(|word| (word.to_owned(), component(word).to_owned()));
        let parameters = drawing.words.parameters().join(", ");
        let last = ("@signature-params".to_owned(), format!("{parameters}, and what else it says of itself"));
        let is_draft = text(table, "form") == Some("cavage");
        drawing.stack(rows.chain((!is_draft).then_some(last)).collect());
        drawing.arrow(&step());
        drawing.results(&seen.http_signature());
    }
    drawing.legend();
    drawing.out
}

/// A piece of a line.
enum Part {
    Box(String),
    /// Left out, with its text, where something in it is absent.
    Maybe(String),
    Between(String),
}

/// A template as parts. `[[` and `{{` are text; what stands in brackets becomes one part.
fn parts(template: &str) -> Vec<Part> {
    let (mut parts, mut text, mut within) = (Vec::new(), String::new(), None::<String>);
    let flush = |text: &mut String, within: &mut Option<String>, parts: &mut Vec<Part>| {
        let text = std::mem::take(text);
        match within {
            _ if text.is_empty() => {}
            Some(held) => {
                let _ = write!(held, " {}", quoted(&text));
            }
            None => parts.push(Part::Between(text)),
        }
    };
    for piece in pieces(template) {
        let literal = match piece {
            Piece::Slot(slot) => {
                flush(&mut text, &mut within, &mut parts);
                let slot = one_line(&format!("{{{slot}}}"));
                match &mut within {
                    Some(held) => {
                        let _ = write!(held, " {slot}");
                    }
                    None => parts.push(Part::Box(slot)),
                }
                continue;
            }
            Piece::Literal(literal) => literal,
        };
        let mut rest = literal.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '[' | ']' | '{' | '}' if rest.next_if_eq(&c).is_some() => text.push(c),
                '[' => {
                    flush(&mut text, &mut within, &mut parts);
                    within = Some(String::new());
                }
                ']' => {
                    flush(&mut text, &mut within, &mut parts);
                    parts.extend(within.take().map(|held| Part::Maybe(held.trim_start().into())));
                }
                c => text.push(c),
            }
        }
    }
    flush(&mut text, &mut within, &mut parts);
    parts
}

fn one_line(text: &str) -> String {
    text.replace('\n', "\\n")
}

/// A drawing in the making.
struct Plain<'t> {
    words: Words<'t>,
    out: String,
    /// Placeholders, in the order in which they were drawn.
    told: Vec<String>,
    /// Where the last boxes begin, from which the arrow leaves.
    indent: usize,
}

impl<'t> Plain<'t> {
    fn new(words: Words<'t>) -> Self {
        Plain { words, out: String::new(), told: Vec::new(), indent: 0 }
    }

    fn line(&mut self, text: &str) {
        let _ = writeln!(self.out, "{}", text.trim_end());
    }

    /// A template, or its alternatives.
    fn templates(&mut self, templates: &[&str]) {
        for (index, template) in templates.iter().enumerate() {
            if index > 0 {
                self.line("or");
            }
            self.row(&parts(template));
            self.tell(template);
        }
        self.leave();
    }

    /// Boxes, of which an arrow leaves.
    fn boxes(&mut self, parts: &[Part]) {
        self.row(parts);
        self.leave();
    }

    /// The lower edge that was drawn last gets a way out.
    fn leave(&mut self) {
        let start = self.out.trim_end().rfind('\n').map_or(0, |at| at + 1);
        let edge = self.out.split_off(start);
        let exit =
            |(column, c)| if column == self.indent + 4 && (c == '─' || c == '╌') { '┬' } else { c };
        self.out.extend(edge.chars().enumerate().map(exit));
    }

    /// Boxes side by side, on as many lines as it takes.
    fn row(&mut self, parts: &[Part]) {
        let mut lines = <[String; 3]>::default();
        for part in parts {
            let drawn = drawn(part);
            let is_box = !matches!(part, Part::Between(_));
            if is_box && !lines[0].is_empty() && width(&lines[0]) + width(&drawn[0]) > WIDTH {
                std::mem::take(&mut lines).iter().for_each(|line| self.line(line));
            }
            for (line, drawn) in lines.iter_mut().zip(drawn) {
                line.push_str(&drawn);
            }
        }
        self.indent = lines[2].chars().take_while(|c| *c != '└').count();
        lines.iter().for_each(|line| self.line(line));
    }

    /// One box, a row for each component.
    fn stack(&mut self, rows: Vec<(String, String)>) {
        let inner = rows.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
        self.line(&format!("┌{}┐", "─".repeat(inner + 2)));
        for (name, says) in &rows {
            self.line(&format!("│ {name}{} │  {says}", " ".repeat(inner - width(name))));
        }
        self.line(&format!("└{}┘", "─".repeat(inner + 2)));
        self.leave();
    }

    fn arrow(&mut self, step: &str) {
        self.below("    ▼");
        step.lines().for_each(|line| self.below(line));
        self.below("    │");
    }

    fn results(&mut self, results: &[String]) {
        self.below("    ▼");
        for (index, result) in results.iter().enumerate() {
            let or = if index > 0 { "or  " } else { "" };
            self.below(&format!("{or}{result}"));
        }
    }

    fn below(&mut self, text: &str) {
        self.line(&format!("{}{text}", " ".repeat(self.indent)));
    }

    /// The named parts that are used.
    fn parts(&mut self, table: &Table) {
        let all = table.get("parts").and_then(Node::table);
        for (name, node) in all.into_iter().flat_map(Table::iter) {
            if let Some(template) = node.text() {
                self.line(&format!("\nwhere {{part:{}}} is", name.name));
                self.row(&parts(template));
                self.tell(template);
            }
        }
    }

    fn tell(&mut self, template: &str) {
        for piece in pieces(template) {
            if let Piece::Slot(slot) = piece
                && !self.told.iter().any(|told| told == slot)
            {
                self.told.push(slot.into());
            }
        }
    }

    /// What placeholders stand for.
    fn legend(&mut self) {
        let rows: Vec<(String, String)> =
            self.told.iter().map(|slot| (one_line(&format!("{{{slot}}}")), self.words.slot(slot))).collect();
        if rows.is_empty() {
            return;
        }
        let column = rows.iter().map(|(slot, _)| width(slot)).filter(|width| *width <= 36).max().unwrap_or(0);
        self.line("");
        for (slot, says) in rows {
            let first = match width(&slot) <= column {
                true => format!("{slot}{}  ", " ".repeat(column - width(&slot))),
                false => {
                    self.line(&slot);
                    " ".repeat(column + 2)
                }
            };
            for (index, line) in wrapped(&says, WIDTH.saturating_sub(column + 2)).iter().enumerate() {
                let start = if index == 0 { first.clone() } else { " ".repeat(column + 2) };
                self.line(&format!("{start}{line}"));
            }
        }
        if self.out.contains('╎') {
            self.line("\nA box of dots is left out, with its text, where what it stands for is not there.");
        }
    }
}

fn drawn(part: &Part) -> [String; 3] {
    match part {
        Part::Box(text) => {
            let rule = "─".repeat(width(text) + 2);
            [format!("┌{rule}┐"), format!("│ {text} │"), format!("└{rule}┘")]
        }
        Part::Maybe(text) => {
            let rule = "╌".repeat(width(text) + 2);
            [format!("┌{rule}┐"), format!("╎ {text} ╎"), format!("└{rule}┘")]
        }
        Part::Between(text) => {
            let text = format!(" {} ", quoted(text));
            let space = " ".repeat(width(&text));
            [space.clone(), text, space]
        }
    }
}

pub(crate) fn width(text: &str) -> usize {
    text.chars().count()
}

/// Lines of at most so many characters, broken between words.
fn wrapped(text: &str, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is a line");
        if !line.is_empty() && width(line) + 1 + width(word) > most {
            lines.push(word.into());
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines
}

#[test]
fn a_template_is_drawn_as_boxes() {
    let table = Table::default();
    let mut drawing = Plain::new(Words::of(&table, VOICE));
    drawing.templates(&["v0:{a}{b}[?{c}][[x"]);
    drawing.arrow("HMAC");
    let wanted = r#"
       ┌─────┐┌─────┐┌╌╌╌╌╌╌╌╌╌┐
 "v0:" │ {a} ││ {b} │╎ "?" {c} ╎ "[x"
       └───┬─┘└─────┘└╌╌╌╌╌╌╌╌╌┘
           ▼
       HMAC
           │
"#;
    assert_eq!(drawing.out, wanted[1..]);
}
