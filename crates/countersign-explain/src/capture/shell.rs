//! A command line as a POSIX shell takes it apart, with bash's `$'…'`.
//!
//! The crates for this know neither `$'…'`, in which browsers write what is not plain, nor whether a `$` stood in quotes.
//! Nothing is replaced here as a shell would: variables, commands and patterns are refused, because what they stood for is
//! not in the capture.

use std::iter::Peekable;
use std::slice::Iter;

/// The words of one command, and whether surrogates were put together.
pub(super) struct Words {
    pub(super) words: Vec<Vec<u8>>,
    pub(super) joined_surrogates: bool,
}

/// Take it apart.
pub(super) fn split(text: &[u8]) -> Result<Words, String> {
    let mut shell = Shell { rest: text.iter().peekable(), line: 1, joined_surrogates: false };
    let mut words = Vec::new();
    while let Some(word) = shell.word()? {
        words.push(word);
    }
    Ok(Words { words, joined_surrogates: shell.joined_surrogates })
}

struct Shell<'t> {
    rest: Peekable<Iter<'t, u8>>,
    line: usize,
    joined_surrogates: bool,
}

impl Shell<'_> {
    fn next(&mut self) -> Option<u8> {
        let b = self.rest.next().copied();
        self.line += usize::from(b == Some(b'\n'));
        b
    }

    fn peek(&mut self) -> Option<u8> {
        self.rest.peek().map(|b| **b)
    }

    fn wrong<T>(&self, says: &str) -> Result<T, String> {
        Err(format!("line {} of the command: {says}", self.line))
    }

    /// The next word; none at the end.
    fn word(&mut self) -> Result<Option<Vec<u8>>, String> {
        let mut word: Option<Vec<u8>> = None;
        while let Some(b) = self.peek() {
            match b {
                b' ' | b'\t' | b'\r' if word.is_some() => break,
                b' ' | b'\t' | b'\r' => drop(self.next()),
                b'\n' if word.is_some() => break,
                b'\n' => {
                    self.next();
                    // A command ends with its line, and then nothing may follow.
                    self.end()?;
                }
                b'#' if word.is_none() => {
                    while self.peek().is_some_and(|b| b != b'\n') {
                        self.next();
                    }
                }
                _ => {
                    let begun = word.is_some();
                    let mut more = word.take().unwrap_or_default();
                    if self.part(&mut more)? || begun {
                        word = Some(more);
                    }
                }
            }
        }
        Ok(word)
    }

    /// Nothing but blanks and comments may be left.
    fn end(&mut self) -> Result<(), String> {
        while let Some(b) = self.peek() {
            match b {
                b'#' => {
                    while self.peek().is_some_and(|b| b != b'\n') {
                        self.next();
                    }
                }
                b if b.is_ascii_whitespace() => drop(self.next()),
                _ => return self.wrong("a second command begins here; a line that goes on ends with `\\`"),
            }
        }
        Ok(())
    }

    /// One piece of a word, up to where quoting may change; whether it is one, and not just the end of a line.
    fn part(&mut self, word: &mut Vec<u8>) -> Result<bool, String> {
        let Some(b) = self.next() else { return Ok(false) };
        match b {
            b'\\' => match self.next() {
                Some(b'\n') => return Ok(false),
                Some(b'\r') if self.peek() == Some(b'\n') => {
                    self.next();
                    return Ok(false);
                }
                Some(b) => word.push(b),
                None => return self.wrong("it ends with `\\`: was it cut off?"),
            },
            b'\'' => loop {
                match self.next() {
                    Some(b'\'') => break,
                    Some(b) => word.push(b),
                    None => return self.wrong("a `'` is not closed"),
                }
            },
            b'"' => self.double(word)?,
            b'$' if self.peek() == Some(b'\'') => {
                self.next();
                self.ansi(word)?;
            }
            b'$' if self.peek() == Some(b'"') => {}
            b'$' => self.dollar(word)?,
            b'`' => return self.backtick(),
            b'|' | b'&' | b';' | b'<' | b'>' | b'(' | b')' => {
                let says = format!(
                    "`{}` stands outside quotes, where the command ends: leave out what is not curl's, and quote URLs",
                    char::from(b)
                );
                return self.wrong(&says);
            }
            b'{' => {
                return self.wrong("`{` stands outside quotes, where shells differ: quote it");
            }
            b'^' if matches!(self.peek(), Some(b'\r' | b'\n' | b'"')) => {
                return self.wrong("`^` as in a command for Windows: copy it for bash");
            }
            0 => return self.wrong("a zero byte, which no command line can hold"),
            b => word.push(b),
        }
        Ok(true)
    }

    /// Between double quotes.
    fn double(&mut self, word: &mut Vec<u8>) -> Result<(), String> {
        loop {
            match self.next() {
                Some(b'"') => return Ok(()),
                Some(b'\\') => match self.next() {
                    Some(b'\n') => {}
                    Some(b @ (b'$' | b'`' | b'"' | b'\\')) => word.push(b),
                    Some(b) => word.extend([b'\\', b]),
                    None => return self.wrong("a `\"` is not closed"),
                },
                Some(b'$') => self.dollar(word)?,
                Some(b'`') => return self.backtick(),
                Some(0) => return self.wrong("a zero byte, which no command line can hold"),
                Some(b) => word.push(b),
                None => return self.wrong("a `\"` is not closed"),
            }
        }
    }

    /// Behind a `$` that is not of a quote.
    fn dollar(&mut self, word: &mut Vec<u8>) -> Result<(), String> {
        match self.peek() {
            Some(b) if b.is_ascii_alphanumeric() || b"_({!#?*@$-".contains(&b) => self.wrong(
                "`$` stands for something that the shell would put there: write what it was, in single quotes",
            ),
            _ => {
                word.push(b'$');
                Ok(())
            }
        }
    }

    fn backtick<T>(&self) -> Result<T, String> {
        self.wrong(
            "a backtick: the shell would run a command (or it is one for PowerShell: copy it for bash)",
        )
    }

    /// Between `$'` and `'`.
    fn ansi(&mut self, word: &mut Vec<u8>) -> Result<(), String> {
        let mut high: Option<u32> = None;
        loop {
            let b = self.next();
            let escape = match b {
                Some(b'\\') => self.next(),
                _ => None,
            };
            if let (Some(_), false) = (high, escape == Some(b'u')) {
                return self.wrong("a `\\u` is half of a character, and the other half does not follow");
            }
            match (b, escape) {
                (None, _) | (Some(b'\\'), None) => return self.wrong("a `$'` is not closed"),
                (Some(b'\''), None) => return Ok(()),
                (Some(b), None) => word.push(b),
                (_, Some(b'u')) => {
                    let Some(code) = self.digits(16, 4) else {
                        word.extend(b"\\u");
                        continue;
                    };
                    match (high.take(), code) {
                        (None, 0xd800..=0xdbff) => high = Some(code),
                        (Some(high), 0xdc00..=0xdfff) => {
                            self.joined_surrogates = true;
                            self.character(0x10000 + ((high - 0xd800) << 10) + (code - 0xdc00), word)?;
                        }
                        (Some(_), _) => {
                            return self
                                .wrong("a `\\u` is half of a character, and the other half does not follow");
                        }
                        (None, code) => self.character(code, word)?,
                    }
                }
                (_, Some(escape)) => self.escape(escape, word)?,
            }
        }
    }

    /// What an escape of `$'…'` stands for, but for `\u`.
    fn escape(&mut self, escape: u8, word: &mut Vec<u8>) -> Result<(), String> {
        let byte = match escape {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'a' => 7,
            b'b' => 8,
            b'v' => 11,
            b'f' => 12,
            b'e' | b'E' => 27,
            b'\\' | b'\'' | b'"' | b'?' => escape,
            b'0'..=b'7' => {
                let first = u32::from(escape - b'0');
                let more = self.octal(first);
                // As bash does it: what is more than a byte loses its top.
                (more & 0xff) as u8
            }
            b'x' => match self.digits(16, 2) {
                Some(code) => code as u8,
                None => {
                    word.extend(b"\\x");
                    return Ok(());
                }
            },
            b'U' => match self.digits(16, 8) {
                Some(code) => return self.character(code, word),
                None => {
                    word.extend(b"\\U");
                    return Ok(());
                }
            },
            b'c' => match self.next() {
                Some(b) => b & 0x1f,
                None => return self.wrong("a `$'` is not closed"),
            },
            other => {
                word.extend([b'\\', other]);
                return Ok(());
            }
        };
        match byte {
            0 => self.wrong("a zero byte, which no command line can hold"),
            byte => {
                word.push(byte);
                Ok(())
            }
        }
    }

    fn character(&self, code: u32, word: &mut Vec<u8>) -> Result<(), String> {
        match char::from_u32(code) {
            Some('\0') => self.wrong("a zero byte, which no command line can hold"),
            Some(c) => {
                word.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
                Ok(())
            }
            None => self.wrong("an escape that is no character"),
        }
    }

    /// Up to so many digits.
    fn digits(&mut self, radix: u32, most: usize) -> Option<u32> {
        let mut value = None;
        for _ in 0..most {
            let Some(digit) = self.peek().and_then(|b| char::from(b).to_digit(radix)) else { break };
            self.next();
            value = Some(value.unwrap_or(0) * radix + digit);
        }
        value
    }

    /// Up to two more digits of a number in base eight.
    fn octal(&mut self, first: u32) -> u32 {
        let mut value = first;
        for _ in 0..2 {
            let Some(digit) = self.peek().and_then(|b| char::from(b).to_digit(8)) else { break };
            self.next();
            value = value * 8 + digit;
        }
        value
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn words(text: &str) -> Vec<Vec<u8>> {
        split(text.as_bytes()).unwrap_or_else(|says| panic!("{text}: {says}")).words
    }

    #[test]
    fn words_come_apart_as_bash_takes_them_apart() {
        let table: [(&str, &[&str]); 8] = [
            (r"a  b\ c 'd e' ''", &["a", "b c", "d e", ""]),
            ("a \\\n  b \\\r\n c\n\n# end\n", &["a", "b", "c"]),
            (r#"it\'s "a \"b\" \x \$ $ 'c'" a"b"'c'"#, &["it's", r#"a "b" \x $ $ 'c'"#, "abc"]),
            ("\"a\\\nb\" a#b # c", &["ab", "a#b"]),
            (r"$'\n\r\t\\\'\x41\101\e\u00e9\U1f980\cA\q\x'", &["\n\r\t\\'AA\x1b\u{e9}\u{1f980}\x01\\q\\x"]),
            ("''\\\n", &[""]),
            (r#"$"a" a$'b'c '$x' a$ ~ *"#, &["a", "abc", "$x", "a$", "~", "*"]),
            (r"$'\ud83e\udd80'", &["\u{1f980}"]),
        ];
        for (text, wanted) in table {
            assert_eq!(words(text), wanted.iter().map(|word| word.as_bytes()).collect::<Vec<_>>(), "{text}");
        }
        assert_eq!(words(r"$'\xff\377'"), [b"\xff\xff"]);
        assert!(split(br"$'\ud83e\udd80'").unwrap().joined_surrogates);
    }

    #[test]
    fn what_the_shell_would_put_in_is_refused() {
        for (text, says) in [
            ("a $X", "`$` stands for"),
            ("a \"${X}\"", "`$` stands for"),
            ("a\n \\\n \"$(x)\"", "line 2 of the command: a second command"),
            ("a `x`", "backtick"),
            ("a \"`x`\"", "backtick"),
            ("a | jq .", "`|` stands outside quotes"),
            ("a http://h/?a&b", "`&` stands outside quotes"),
            ("a <x", "`<`"),
            ("a {b,c}", "shells differ"),
            ("a ^\r\n b", "Windows"),
            ("a 'b", "`'` is not closed"),
            ("a \"b", "`\"` is not closed"),
            ("a $'b\\'", "`$'` is not closed"),
            ("a \\", "cut off"),
            ("a $'\\0'", "zero byte"),
            ("a $'\\u0000'", "zero byte"),
            ("a\0", "zero byte"),
            ("a $'\\ud83e'", "half of a character"),
            ("a $'\\ud83e\\u0041'", "half of a character"),
            ("a $'\\udd80'", "no character"),
            ("a $'\\Uffffffff'", "no character"),
            ("a\n\nb", "line 3 of the command: a second command"),
        ] {
            let got = split(text.as_bytes()).err().unwrap_or_default();
            assert!(got.contains(says), "{text:?}: {got}");
        }
    }
}
