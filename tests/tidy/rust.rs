//! Just enough of Rust's grammar to tell code from text from comments.

/// A piece of a source file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Piece {
    /// An identifier or keyword.
    Word(String),

    /// Any other character of code that is not white space.
    Mark(char),

    /// What stands between the quotes of a string literal, escapes left as they are.
    Text(String),
}

/// The pieces of a source, each with its line, from 1. Comments, and the documentation in them, are left out.
pub(crate) fn pieces(source: &str) -> Vec<(usize, Piece)> {
    let chars: Vec<char> = source.chars().collect();
    let (mut at, mut line, mut pieces) = (0, 1, Vec::new());
    while let Some(&c) = chars.get(at) {
        let rest = &chars[at..];
        let (used, piece) = match c {
            '/' if rest.get(1) == Some(&'/') => (rest.iter().take_while(|c| **c != '\n').count(), None),
            '/' if rest.get(1) == Some(&'*') => (comment(rest), None),
            '"' => text(rest, 0, true),
            'b' | 'c' | 'r' if opens_text(rest) => {
                let raw = rest.iter().take_while(|c| c.is_alphabetic()).any(|c| *c == 'r');
                text(rest, rest.iter().take_while(|c| **c != '"').count(), !raw)
            }
            '\'' => character(rest),
            c if c.is_alphanumeric() || c == '_' => {
                let word: String = rest.iter().take_while(|c| c.is_alphanumeric() || **c == '_').collect();
                (word.chars().count(), Some(Piece::Word(word)))
            }
            c if c.is_whitespace() => (1, None),
            c => (1, Some(Piece::Mark(c))),
        };
        pieces.extend(piece.map(|piece| (line, piece)));
        line += chars[at..at + used].iter().filter(|c| **c == '\n').count();
        at += used;
    }
    pieces
}

/// The same without a file's own tests, which stand last: from `#[cfg(test)] mod … {` to the end.
pub(crate) fn shipped(source: &str) -> Vec<(usize, Piece)> {
    let all = pieces(source);
    let opens = |at: &usize| {
        let next: Vec<&str> = all[*at..].iter().take(10).map(|(_, piece)| piece.as_str()).collect();
        matches!(next[..], ["#", "[", "cfg", "(", "test", ")", "]", "mod", _, "{"])
    };
    let end = (0..all.len()).find(opens).unwrap_or(all.len());
    all[..end].to_vec()
}

impl Piece {
    /// The piece as written; a text without its quotes.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Piece::Word(word) | Piece::Text(word) => word,
            // Marks are compared, never printed: one character of ASCII each, wherever it matters.
            Piece::Mark(c) => MARKS.iter().find(|mark| mark.starts_with(*c)).copied().unwrap_or("?"),
        }
    }
}

const MARKS: &[&str] =
    &["#", "[", "]", "(", ")", "{", "}", "!", "=", ":", ",", ";", "&", "*", ".", "|", "<", ">", "-", "+"];

/// Whether a prefixed string literal begins here: `b"`, `r#"`, `br"` and their like.
fn opens_text(rest: &[char]) -> bool {
    let letters = rest.iter().take_while(|c| matches!(c, 'b' | 'c' | 'r')).count();
    let hashes = rest[letters..].iter().take_while(|c| **c == '#').count();
    letters <= 2 && rest.get(letters + hashes) == Some(&'"') && (hashes == 0 || rest[letters - 1] == 'r')
}

/// The length of a string literal whose opening quote stands at `quote`, and its text.
fn text(rest: &[char], quote: usize, escapes: bool) -> (usize, Option<Piece>) {
    let hashes = rest[..quote].iter().filter(|c| **c == '#').count();
    let mut at = quote + 1;
    while at < rest.len() {
        match rest[at] {
            '\\' if escapes => at += 1,
            '"' if rest[at + 1..].iter().take_while(|c| **c == '#').count() >= hashes => break,
            _ => {}
        }
        at += 1;
    }
    let end = at.min(rest.len());
    let held: String = rest.get(quote + 1..end).unwrap_or_default().iter().collect();
    ((end + 1 + hashes).min(rest.len()), Some(Piece::Text(held)))
}

/// The length of a block comment; they nest.
fn comment(rest: &[char]) -> usize {
    let (mut at, mut depth) = (0, 0);
    while at < rest.len() {
        match (rest[at], rest.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at.min(rest.len())
}

/// A character literal, or the tick of a lifetime.
fn character(rest: &[char]) -> (usize, Option<Piece>) {
    match (rest.get(1), rest.get(2)) {
        (Some('\\'), _) => {
            let close = rest.iter().skip(3).position(|c| *c == '\'');
            (close.map_or(rest.len(), |close| close + 4), None)
        }
        (Some(_), Some('\'')) => (3, None),
        _ => (1, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(source: &str) -> Vec<String> {
        pieces(source).iter().map(|(_, piece)| format!("{piece:?}")).collect()
    }

    #[test]
    fn code_texts_and_comments_are_told_apart() {
        let source = "a /* \"no\" /* */ */ b\"t\\\"1\" // \"no\"\n r#\"t\"2\"# 'x' '\\'' &'a str";
        let wanted = [
            r#"Word("a")"#,
            r#"Text("t\\\"1")"#,
            r#"Text("t\"2")"#,
            "Mark('&')",
            r#"Word("a")"#,
            r#"Word("str")"#,
        ];
        assert_eq!(written(source), wanted);
        assert_eq!(pieces("\n\"x\ny\" z").last(), Some(&(3, Piece::Word("z".into()))));
    }

    #[test]
    fn a_files_own_tests_are_left_out_and_test_only_imports_are_not() {
        let source = "#[cfg(test)]\nuse x;\nfn f() {}\n#[cfg(test)]\nmod tests { unsafe {} }";
        assert!(shipped(source).iter().any(|(_, piece)| piece.as_str() == "f"));
        assert!(!shipped(source).iter().any(|(_, piece)| piece.as_str() == "unsafe"));
    }
}
