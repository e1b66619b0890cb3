//! Configuration as people write it: TOML whose every value remembers its place, and complaints that point
//! there.
//!
//! Text goes into [`Sources`], becomes a [`Layer`], layers are laid over one another, and what results is
//! read through a [`Reader`] into checked types. Nothing here knows what a preset or a mode is.
//!
//! There is no serde on this road, on purpose. A derived type stops at the first mistake and loses the place
//! of a value wherever an enum is untagged or a field flattened; an operator wants every mistake, each with
//! its line, in one run.

mod layer;
mod print;
mod reader;
mod words;

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt::{self, Write};
use std::ops::Range;
use std::sync::Arc;

pub use layer::{Key, Layer, MAX_BYTES, MAX_DEPTH, Node, Table, Value};
pub use reader::{Reader, Spanned};
pub use words::{near, nearest, one_of};

/// How many complaints [`ConfigErrors::render`] shows before it only counts: finding a line costs a walk
/// through its text.
pub const MAX_RENDERED: usize = 100;

/// The columns of a source line that [`ConfigErrors::render`] shows; a longer line is cut to a window around
/// the span.
const WINDOW: usize = 100;

/// Every text that configuration came from, so that a complaint can show its line. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<(Arc<str>, Arc<str>)>,
}

impl Sources {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps one: its name (a path, or what it is called on the command line, such as `--override`) and its
    /// text.
    pub fn add(&mut self, name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> FileId {
        self.files.push((name.into(), text.into()));
        FileId(self.files.len() as u32 - 1)
    }

    /// Hides parts of texts: what shows a line of them shows asterisks there. For what turned out to be a secret. Places stay
    /// where they are; what was read from a text before is not touched.
    pub fn mask(&mut self, spans: &[Span]) {
        for (index, (_, text)) in self.files.iter_mut().enumerate() {
            let mut of_it = spans.iter().filter(|span| span.file.0 as usize == index).peekable();
            if of_it.peek().is_none() {
                continue;
            }
            let mut bytes = text.as_bytes().to_vec();
            for Span { range, .. } in of_it {
                let (start, end) =
                    (text.floor_char_boundary(range.start), text.ceil_char_boundary(range.end));
                let hidden = bytes[start..end.max(start)].iter_mut().filter(|byte| **byte != b'\n');
                hidden.for_each(|byte| *byte = b'*');
            }
            *text = String::from_utf8_lossy(&bytes).into();
        }
    }

    /// Its name; `(unknown)` for an id that other `Sources` gave.
    pub fn name(&self, file: FileId) -> &str {
        self.files.get(file.0 as usize).map_or("(unknown)", |(name, _)| name)
    }

    /// Its text; empty for an id that other `Sources` gave.
    pub fn text(&self, file: FileId) -> &str {
        self.files.get(file.0 as usize).map_or("", |(_, text)| text)
    }
}

/// One text of a [`Sources`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct FileId(u32);

/// Bytes of one text.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Span {
    /// Which text.
    pub file: FileId,

    /// Which bytes.
    pub range: Range<usize>,
}

impl Span {
    /// Where it begins, for a person. A span past the end of its text is taken to stand at the end. Walks
    /// through the text.
    pub fn locate(&self, sources: &Sources) -> Location {
        let text = sources.text(self.file);
        let start = text.floor_char_boundary(self.range.start);
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        Location {
            file: sources.name(self.file).into(),
            line: text[..line_start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
        }
    }
}

/// A place as editors name it. Displays as `file:line:column`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Location {
    /// The name of the text.
    pub file: Arc<str>,

    /// From 1.
    pub line: usize,

    /// From 1, in characters.
    pub column: usize,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column } = self;
        write!(f, "{}:{line}:{column}", harmless(file))
    }
}

/// What sort of mistake.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum ConfigCode {
    /// A value's template is wrong in itself, or joins what does not fit.
    MalformedTemplate,

    /// Anything else that the text says wrongly, or fails to say.
    MalformedConfig,

    /// No mode of this name is registered.
    UnknownMode,

    /// No preset of this name is loaded.
    UnknownPreset,
}

impl ConfigCode {
    /// The stable code, in snake_case.
    pub fn code(self) -> &'static str {
        match self {
            Self::MalformedTemplate => "malformed_template",
            Self::MalformedConfig => "malformed_config",
            Self::UnknownMode => "unknown_mode",
            Self::UnknownPreset => "unknown_preset",
        }
    }
}

impl fmt::Display for ConfigCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// One mistake of the operator's. Displays as its message and help on one line, without a place;
/// [`ConfigErrors::render`] shows the place.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ConfigError {
    /// The stable code.
    pub code: ConfigCode,

    /// Where; `None` for what is wrong with no text.
    pub span: Option<Span>,

    /// What is wrong, and what was allowed.
    pub message: String,

    /// What to type next.
    pub help: Option<String>,
}

impl ConfigError {
    /// What is wrong, at this place.
    pub fn at(code: ConfigCode, span: Span, message: impl Into<String>) -> Self {
        Self { span: Some(span), ..Self::new(code, message) }
    }

    /// What is wrong, at no place in particular.
    pub fn new(code: ConfigCode, message: impl Into<String>) -> Self {
        Self { code, span: None, message: message.into(), help: None }
    }

    /// And what to do about it.
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    fn render(&self, sources: &Sources, out: &mut String) {
        let Self { code: _, span, message, help } = self;
        if let Some(span) = span {
            let _ = write!(out, "{}: ", span.locate(sources));
        }
        let _ = writeln!(out, "{}", indented(message, "    "));
        if let Some(span) = span {
            underline(sources.text(span.file), &span.range, out);
        }
        if let Some(help) = help {
            let _ = writeln!(out, "help: {}", indented(help, "      "));
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&harmless(&self.message))?;
        match &self.help {
            Some(help) => write!(f, " (help: {})", harmless(help)),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ConfigError {}

/// The operator's mistakes, all that could be found: before the first request, never during one. Displays one
/// a line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl ConfigErrors {
    /// For a terminal: each as `file:line:column: message`, its line, carets under the span, and `help: …`;
    /// in the order of the texts, those without a place last, none twice, at most [`MAX_RENDERED`].
    ///
    /// Control characters are shown as pictures, so that neither a message nor a line can steer the terminal.
    /// Source lines are shown as they are: **where a text may hold secrets, so may this**, and it belongs on
    /// the operator's screen, not in a shared log.
    pub fn render(&self, sources: &Sources) -> String {
        let mut errors: Vec<&ConfigError> = self.0.iter().collect();
        errors.sort_by_key(|error| {
            let place = error.span.as_ref().map(|Span { file, range }| (*file, range.start, range.end));
            (place.is_none(), place, error.code, &error.message, &error.help)
        });
        errors.dedup();
        let mut out = String::new();
        for (index, error) in errors.iter().take(MAX_RENDERED).enumerate() {
            if index > 0 {
                out.push('\n');
            }
            error.render(sources, &mut out);
        }
        if let Some(more) = errors.len().checked_sub(MAX_RENDERED).filter(|more| *more > 0) {
            let _ = writeln!(out, "\nand {more} more");
        }
        out
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            write!(f, "{}{error}", if index > 0 { "\n" } else { "" })?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        Self(vec![error])
    }
}

/// Where complaints are collected while reading goes on. Written to through `&self`, so that many readers can
/// share one.
#[derive(Debug, Default)]
pub struct Complaints(RefCell<Vec<ConfigError>>);

impl Complaints {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is wrong, at this place. For one with help: [`push`](Self::push).
    pub fn at(&self, code: ConfigCode, span: &Span, message: impl Into<String>) {
        self.push(ConfigError::at(code, span.clone(), message));
    }

    /// One more.
    pub fn push(&self, error: ConfigError) {
        self.0.borrow_mut().push(error);
    }

    /// All that something else found.
    pub fn extend(&self, errors: ConfigErrors) {
        self.0.borrow_mut().extend(errors.0);
    }

    /// Whether there is nothing to complain of.
    pub fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// How many so far: two counts tell whether what was read between them was in order.
    pub fn len(&self) -> usize {
        self.0.borrow().len()
    }

    /// All, in the order they were made.
    pub fn into_vec(self) -> Vec<ConfigError> {
        self.0.into_inner()
    }

    /// `Ok` if there are none.
    ///
    /// # Errors
    /// All there are.
    pub fn into_result(self) -> Result<(), ConfigErrors> {
        let errors = self.into_vec();
        if errors.is_empty() { Ok(()) } else { Err(ConfigErrors(errors)) }
    }
}

/// Writes the line where `range` begins, cut to [`WINDOW`], and carets below it. A span over several lines is
/// underlined on its first.
fn underline(text: &str, range: &Range<usize>, out: &mut String) {
    let start = text.floor_char_boundary(range.start);
    let end = text.floor_char_boundary(range.end.max(start));
    let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
    let line = text[line_start..line_end].trim_end_matches('\r');

    // Tabs become four columns in the line, in the padding and in the carets alike, so that no terminal's tab
    // stops can shift them.
    let mut columns = Vec::new();
    let mut marked = 0..0;
    for (offset, character) in line.char_indices() {
        let at = line_start + offset;
        if at < start {
            marked = columns.len() + width(character)..0;
        }
        columns.extend(std::iter::repeat_n(shown(character), width(character)));
        if at < end {
            marked.end = columns.len();
        }
    }
    // An empty span, or one at the end of its line, still gets its caret.
    marked.end = marked.end.max(marked.start + 1);

    let from = if columns.len() <= WINDOW {
        0
    } else {
        marked.start.saturating_sub(WINDOW / 3).min(columns.len() - WINDOW)
    };
    let to = (from + WINDOW).min(columns.len());
    let (before, after) = (if from > 0 { "…" } else { "" }, if to < columns.len() { "…" } else { "" });
    let window: String = columns[from..to].iter().collect();
    let _ = writeln!(out, "    {before}{}{after}", window.trim_end());
    let padding = marked.start - from + before.chars().count();
    let carets = marked.end.min(to.max(marked.start + 1)) - marked.start;
    let _ = writeln!(out, "    {}{}", " ".repeat(padding), "^".repeat(carets));
}

fn width(character: char) -> usize {
    if character == '\t' { 4 } else { 1 }
}

/// A character as it may be put on a terminal: controls as their pictures, and what turns the direction of
/// writing or takes no room as a replacement character.
fn shown(character: char) -> char {
    match character {
        '\t' => ' ',
        '\0'..'\x20' => char::from_u32(0x2400 + character as u32).unwrap_or(char::REPLACEMENT_CHARACTER),
        '\x7f' => '␡',
        '\u{80}'..='\u{9f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}'
        | '\u{feff}' => char::REPLACEMENT_CHARACTER,
        other => other,
    }
}

fn harmless(text: &str) -> Cow<'_, str> {
    if text.chars().any(|character| shown(character) != character) {
        text.chars().map(shown).collect::<String>().into()
    } else {
        text.into()
    }
}

/// Several lines, the later ones indented, so that no text quoted in a message can pass for a line of ours.
fn indented(text: &str, by: &str) -> String {
    text.lines().map(harmless).collect::<Vec<_>>().join(&format!("\n{by}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rendered(text: &str, range: Range<usize>) -> String {
        let mut sources = Sources::new();
        let file = sources.add("a.toml", text);
        let error = ConfigError::at(ConfigCode::MalformedConfig, Span { file, range }, "wrong");
        ConfigErrors::from(error).render(&sources)
    }

    #[test]
    fn a_complaint_shows_its_line_and_help() {
        let mut sources = Sources::new();
        let file = sources.add("presets/a.toml", "schema = 1\n[hmac]\nalgoritm = \"é\" # x\n");
        let span = Span { file, range: 18..26 };
        assert_eq!(span.locate(&sources), Location { file: "presets/a.toml".into(), line: 3, column: 1 });
        let errors = ConfigErrors(vec![
            ConfigError::new(ConfigCode::UnknownMode, "no mode"),
            ConfigError::at(ConfigCode::MalformedConfig, span.clone(), "unknown key")
                .help("write this:\nalgorithm = …"),
            ConfigError::at(ConfigCode::MalformedConfig, Span { file, range: 0..6 }, "first"),
            ConfigError::at(ConfigCode::MalformedConfig, span, "unknown key")
                .help("write this:\nalgorithm = …"),
        ]);
        let expected = "\
presets/a.toml:1:1: first
    schema = 1
    ^^^^^^

presets/a.toml:3:1: unknown key
    algoritm = \"é\" # x
    ^^^^^^^^
help: write this:
      algorithm = …

no mode
";
        assert_eq!(errors.render(&sources), expected);
    }

    #[test]
    fn what_is_masked_is_not_shown_and_all_else_stays_where_it_is() {
        let mut sources = Sources::new();
        let file = sources.add("a.toml", "secret = \"hé\n2\" # x\n");
        sources.mask(&[Span { file, range: 9..12 }, Span { file, range: 12..16 }]);
        assert_eq!(sources.text(file), "secret = ****\n** # x\n");
        sources.mask(&[Span { file, range: 900..901 }, Span { file: FileId(7), range: 0..1 }]);
        let error = ConfigError::at(ConfigCode::MalformedConfig, Span { file, range: 19..20 }, "wrong");
        let expected = "a.toml:2:6: wrong\n    ** # x\n         ^\n";
        assert_eq!(ConfigErrors::from(error).render(&sources), expected);
    }

    #[test]
    fn carets_stand_under_the_span_behind_tabs_and_wide_text() {
        assert_eq!(rendered("\ta\t= 1", 1..2), "a.toml:1:2: wrong\n        a    = 1\n        ^\n");
        assert_eq!(rendered("é = 1\r\n", 5..6), "a.toml:1:5: wrong\n    é = 1\n        ^\n");
        assert_eq!(rendered("a = [\n1]", 4..8), "a.toml:1:5: wrong\n    a = [\n        ^\n");
        assert_eq!(rendered("a = ", 4..4), "a.toml:1:5: wrong\n    a =\n        ^\n");
        assert_eq!(rendered("", 7..9), "a.toml:1:1: wrong\n    \n    ^\n");
    }

    #[test]
    fn a_long_line_is_cut_around_the_span() {
        let line = format!("{}HERE{}", "a".repeat(5000), "b".repeat(5000));
        let text = rendered(&line, 5000..5004);
        let [_, shown, carets] = text.lines().collect::<Vec<_>>()[..] else { panic!("{text}") };
        assert!(
            shown.starts_with("    …a") && shown.ends_with("b…") && shown.chars().count() == 4 + WINDOW + 2,
            "{shown}"
        );
        let column = carets.find('^').expect("a caret");
        assert_eq!(shown.chars().skip(column).take(4).collect::<String>(), "HERE");
        assert_eq!(carets.len(), column + 4);
        assert!(rendered(&line, 0..10_000).lines().all(|line| line.chars().count() <= 4 + WINDOW + 2));
    }

    #[test]
    fn nothing_quoted_can_steer_the_terminal() {
        let mut sources = Sources::new();
        let file = sources.add("a\x1b.toml", "x = '\x1b[31m\u{202e}'");
        let error = ConfigError::at(
            ConfigCode::MalformedConfig,
            Span { file, range: 0..1 },
            "key `\x1b]0;`\nb.toml:1:1: forged",
        );
        let text = ConfigErrors::from(error.help("\x07\u{9b}")).render(&sources);
        assert_eq!(
            text,
            "a␛.toml:1:1: key `␛]0;`\n    b.toml:1:1: forged\n    x = '␛[31m\u{fffd}'\n    ^\nhelp: ␇\u{fffd}\n"
        );
    }

    #[test]
    fn only_so_many_are_shown() {
        let errors = (0..MAX_RENDERED + 7)
            .map(|n| ConfigError::new(ConfigCode::MalformedConfig, format!("{n:04}")))
            .collect();
        let text = ConfigErrors(errors).render(&Sources::new());
        assert!(text.contains("0099\n") && text.ends_with("\nand 7 more\n"), "{text}");
    }

    #[test]
    fn codes_are_unique() {
        use ConfigCode::*;
        let codes: std::collections::HashSet<_> =
            [MalformedTemplate, MalformedConfig, UnknownMode, UnknownPreset].map(ConfigCode::code).into();
        assert_eq!(codes.len(), 4);
    }

    proptest! {
        #[test]
        fn render_never_panics(text in "(.|[\t\r\n\u{1b}é😀]){0,300}", start in 0usize..400, end in 0usize..400, known in any::<bool>()) {
            let mut sources = Sources::new();
            let file = sources.add("a", text);
            let sources = if known { sources } else { Sources::new() };
            let span = Span { file, range: start..end };
            let error = ConfigError::at(ConfigCode::MalformedConfig, span, "wrong");
            let text = ConfigErrors::from(error).render(&sources);
            prop_assert!(text.contains('^'));
            prop_assert!(!text.contains(|c: char| c.is_control() && c != '\n'));
        }
    }
}
