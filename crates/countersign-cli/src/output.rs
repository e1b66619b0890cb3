//! Where words go: data to stdout, all else to stderr, colours only to a terminal.
//!
//! Everything that came from a request, a preset or a vector passes [`plain`] before a person sees it: a message id must
//! not be able to repaint the terminal that says whether to trust it.

use crate::error::{Exit, Failure};
use anstyle::{AnsiColor, Style};
use serde::Serialize;
use std::fmt::Write as _;
use std::io::{self, ErrorKind, Write as _};

/// Good news.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// Bad news.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Look here.
pub(crate) const CARE: Style = AnsiColor::Yellow.on_default().bold();
/// What one has and the other lacks.
pub(crate) const GONE: Style = AnsiColor::Red.on_default();
/// What the other has.
pub(crate) const NEW: Style = AnsiColor::Green.on_default();
/// Headings and names.
pub(crate) const HEAD: Style = Style::new().bold();
/// What only frames the rest.
pub(crate) const FAINT: Style = Style::new().dimmed();

/// `text` in a style.
pub(crate) fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Data for stdout, whole. A reader that has gone away is no failure: it has what it wanted, and the exit code still
/// says what came of the work.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    settle(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// As [`print`], for bytes that must arrive as they are.
pub(crate) fn print_bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    settle(out.write_all(bytes).and_then(|()| out.flush()))
}

/// One JSON value and a newline.
pub(crate) fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let mut text =
        serde_json::to_string_pretty(value).map_err(|error| Failure::stream("write JSON", error))?;
    text.push('\n');
    print_bytes(text.as_bytes())
}

/// A JSON value on one line, with the newline. What could steer a terminal is escaped, which JSON itself does for less.
pub(crate) fn json_line(value: &impl Serialize) -> String {
    // Plain data: there is nothing that JSON could not say.
    let text = serde_json::to_string(value).unwrap_or_default();
    let mut out = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        match tame(c.encode_utf8(&mut [0; 4]), false).starts_with(c) {
            true => out.push(c),
            // Outside of texts there is none of these, and none of them needs two units.
            false => out.push_str(&format!("\\u{:04x}", u32::from(c))),
        }
    }
    out.push('\n');
    out
}

/// What went wrong.
pub(crate) fn error(message: &str) {
    remark(BAD, "error", message);
}

/// What the person asking should worry about.
pub(crate) fn warn(message: &str) {
    remark(CARE, "warning", message);
}

/// What was done that might surprise.
pub(crate) fn note(message: &str) {
    remark(HEAD, "note", message);
}

/// What to type next.
pub(crate) fn help(message: &str) {
    remark(GOOD, "help", message);
}

/// Rendered complaints, which are harmless already.
pub(crate) fn raw_error(text: &str) {
    // Nowhere is left to complain of a stderr that cannot be written.
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}

/// Text that cannot steer a terminal: control characters become pictures, those that reorder text a replacement.
/// Newlines stay if `lines`.
fn tame(text: &str, lines: bool) -> String {
    text.chars()
        .map(|c| match c {
            '\n' if lines => '\n',
            '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
            '\x7f' => '\u{2421}',
            '\u{80}'..='\u{9f}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// One line that cannot steer a terminal.
pub(crate) fn plain(text: &str) -> String {
    tame(text, false)
}

/// As [`plain`], over several lines.
pub(crate) fn plain_lines(text: &str) -> String {
    tame(text, true)
}

/// Facts under one another: labels in one column, values in the next; longer values go on below themselves.
pub(crate) fn facts(out: &mut String, facts: &[(&str, String)]) {
    let width = facts.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
    for (label, value) in facts {
        let mut lines = value.lines();
        let first = lines.next().unwrap_or("");
        let _ = writeln!(out, "  {FAINT}{label:<width$}{FAINT:#}  {first}");
        for line in lines {
            let _ = writeln!(out, "  {:width$}  {line}", "");
        }
    }
}

/// A table: a heading, then rows; every column but the last as wide as its widest cell.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).chain([head[column].len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> =
            cells.zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    let mut out = format!("{}\n", styled(HEAD, &line(&mut head.iter().copied())));
    for row in rows {
        let _ = writeln!(out, "{}", line(&mut row.iter().map(String::as_str)));
    }
    out
}

/// The columns that a terminal is taken to have, for help and for tables that are cut.
pub(crate) const WIDTH: usize = 100;

/// The rows of a table with their last cells cut, so that no line is longer than [`WIDTH`]. A column that would be left next
/// to nothing is let be: who asks for so much knows it.
pub(crate) fn fitted(head: &[&str], mut rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let Some(last) = head.len().checked_sub(1) else { return rows };
    let width = |column: usize| {
        rows.iter().map(|row| row[column].chars().count()).chain([head[column].len()]).max().unwrap_or(0)
    };
    let before: usize = (0..last).map(|column| width(column) + 2).sum();
    let room = WIDTH.saturating_sub(before);
    for cell in rows.iter_mut().map(|row| &mut row[last]).filter(|_| room >= head[last].len().max(8)) {
        if let Some((at, _)) = cell.char_indices().nth(room - 1)
            && cell.chars().count() > room
        {
            cell.replace_range(at.., "…");
        }
    }
    rows
}

/// `1 case`, `2 cases`.
pub(crate) fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

fn settle(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::stream("write to stdout", error)),
        _ => Ok(()),
    }
}

fn remark(style: Style, word: &str, message: &str) {
    raw_error(&format!("{style}{word}:{style:#} {}\n", plain_lines(message)));
}

/// What a parse of the command line ends with: help and version are data, anything else a usage error.
pub(crate) fn clap(error: &clap::Error, text: &str) -> Exit {
    if error.use_stderr() {
        raw_error(text);
        return Exit::Usage;
    }
    match print(text) {
        Ok(()) => Exit::Done,
        Err(failure) => failure.report(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_can_steer_the_terminal() {
        assert_eq!(plain("a\x1b[31m\n\u{202e}b\u{9b}"), "a␛[31m␊\u{fffd}b\u{fffd}");
        assert_eq!(plain_lines("a\nb\r"), "a\nb␍");
    }

    #[test]
    fn a_line_of_json_cannot_either_and_reads_as_it_was() {
        let text = "a\x1b[31m\n\u{202e}b\u{9b}é\u{1f980}\\";
        let line = json_line(&text);
        assert_eq!(line, "\"a\\u001b[31m\\n\\u202eb\\u009bé\u{1f980}\\\\\"\n");
        assert_eq!(serde_json::from_str::<String>(&line).ok().as_deref(), Some(text));
    }

    #[test]
    fn a_table_that_is_cut_fits_and_keeps_what_fits() {
        let rows = |last: usize| vec![vec!["a".repeat(40), "é".repeat(last)]];
        let head = ["N", "V"];
        for (last, kept) in [(3, 3), (58, 58), (59, 58), (500, 58)] {
            let row = &fitted(&head, rows(last))[0];
            assert_eq!((row[1].chars().count(), row[1].ends_with('…')), (kept, last > 58), "{last}");
        }
        let wide = vec![vec!["a".repeat(95), "b".repeat(20)]];
        assert_eq!(fitted(&head, wide.clone()), wide, "no room to cut to");
        assert!(fitted(&[], Vec::new()).is_empty());
    }

    #[test]
    fn a_table_lines_up() {
        let rows = [vec!["a".to_owned(), "x".to_owned()], vec!["long".to_owned(), "y".to_owned()]];
        let text = table(&["N", "V"], &rows);
        let text = anstream::adapter::strip_str(&text).to_string();
        assert_eq!(text, "N     V\na     x\nlong  y\n");
    }
}
