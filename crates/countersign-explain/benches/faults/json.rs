//! JSON as others write it: a tree that forgets nothing but white space and escapes, and the habits of those who print one.
//!
//! Written here once more, apart from the core's reader and from whatever the search uses: an emulation that shares their code
//! would share their mistakes.

use std::fmt::Write as _;

/// A value. Numbers keep their spelling, members their order and their doubles.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    pub(crate) fn parse(bytes: &[u8]) -> Option<Json> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut parsing = Parsing { rest: text.trim_start() };
        let value = parsing.value()?;
        parsing.rest.trim_start().is_empty().then_some(value)
    }

    /// With every number spelt anew.
    pub(crate) fn numbers(self, spell: fn(&str) -> String) -> Json {
        match self {
            Json::Number(raw) => Json::Number(spell(&raw)),
            Json::List(items) => Json::List(items.into_iter().map(|item| item.numbers(spell)).collect()),
            Json::Object(members) => {
                Json::Object(members.into_iter().map(|(name, item)| (name, item.numbers(spell))).collect())
            }
            other => other,
        }
    }

    /// With the members of every object in order of name.
    pub(crate) fn sorted(self) -> Json {
        match self {
            Json::List(items) => Json::List(items.into_iter().map(Json::sorted).collect()),
            Json::Object(members) => {
                let mut members: Vec<_> =
                    members.into_iter().map(|(name, item)| (name, item.sorted())).collect();
                members.sort_by(|(one, _), (other, _)| one.cmp(other));
                Json::Object(members)
            }
            other => other,
        }
    }

    /// Every text of it, through this.
    pub(crate) fn texts(self, change: &dyn Fn(String) -> String) -> Json {
        match self {
            Json::Text(text) => Json::Text(change(text)),
            Json::List(items) => Json::List(items.into_iter().map(|item| item.texts(change)).collect()),
            Json::Object(members) => {
                Json::Object(members.into_iter().map(|(name, item)| (name, item.texts(change))).collect())
            }
            other => other,
        }
    }

    /// Without members that are `null`.
    pub(crate) fn without_null(self) -> Json {
        match self {
            Json::List(items) => Json::List(items.into_iter().map(Json::without_null).collect()),
            Json::Object(members) => {
                let kept = members.into_iter().filter(|(_, item)| *item != Json::Null);
                Json::Object(kept.map(|(name, item)| (name, item.without_null())).collect())
            }
            other => other,
        }
    }

    pub(crate) fn print(&self, style: &Style) -> Vec<u8> {
        let mut out = String::new();
        style.put(self, 0, &mut out);
        out.into_bytes()
    }
}

struct Parsing<'t> {
    rest: &'t str,
}

impl Parsing<'_> {
    fn value(&mut self) -> Option<Json> {
        self.space();
        match self.rest.as_bytes().first()? {
            b'{' => {
                let mut members = Vec::new();
                self.list(b'{', b'}', &mut |parsing| {
                    parsing.space();
                    let name = parsing.text()?;
                    parsing.space();
                    parsing.take(b':')?;
                    members.push((name, parsing.value()?));
                    Some(())
                })?;
                Some(Json::Object(members))
            }
            b'[' => {
                let mut items = Vec::new();
                self.list(b'[', b']', &mut |parsing| {
                    items.push(parsing.value()?);
                    Some(())
                })?;
                Some(Json::List(items))
            }
            b'"' => self.text().map(Json::Text),
            b't' => self.word("true", Json::Bool(true)),
            b'f' => self.word("false", Json::Bool(false)),
            b'n' => self.word("null", Json::Null),
            _ => {
                let end = self.rest.find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E'));
                let (number, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
                number.parse::<f64>().ok()?;
                self.rest = rest;
                Some(Json::Number(number.into()))
            }
        }
    }

    fn list(&mut self, open: u8, close: u8, item: &mut dyn FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.take(open)?;
        self.space();
        if self.take(close).is_some() {
            return Some(());
        }
        loop {
            item(self)?;
            self.space();
            if self.take(close).is_some() {
                return Some(());
            }
            self.take(b',')?;
        }
    }

    fn text(&mut self) -> Option<String> {
        self.take(b'"')?;
        let mut text = String::new();
        loop {
            let at = self.rest.find(['"', '\\'])?;
            text.push_str(&self.rest[..at]);
            let quoted = self.rest.as_bytes()[at] == b'"';
            self.rest = &self.rest[at + 1..];
            if quoted {
                return Some(text);
            }
            let escaped = self.rest.chars().next()?;
            self.rest = &self.rest[escaped.len_utf8()..];
            text.push(match escaped {
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => self.unit_pair()?,
                other => other,
            });
        }
    }

    fn unit_pair(&mut self) -> Option<char> {
        let high = self.unit()?;
        if !(0xd800..0xdc00).contains(&high) {
            return char::from_u32(high);
        }
        self.rest = self.rest.strip_prefix("\\u")?;
        let low = self.unit()?;
        char::from_u32(0x10000 + ((high - 0xd800) << 10) + low.checked_sub(0xdc00)?)
    }

    fn unit(&mut self) -> Option<u32> {
        let (digits, rest) = self.rest.split_at_checked(4)?;
        self.rest = rest;
        u32::from_str_radix(digits, 16).ok()
    }

    fn word(&mut self, word: &str, value: Json) -> Option<Json> {
        self.rest = self.rest.strip_prefix(word)?;
        Some(value)
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        self.rest = self.rest.strip_prefix(char::from(byte))?;
        Some(())
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
    }
}

/// How somebody prints JSON.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    pub(crate) name: &'static str,
    /// What one level is indented by; `None`: all in one line.
    indent: Option<&'static str>,
    comma: &'static str,
    colon: &'static str,
    /// Whether what is not ASCII is escaped.
    ascii: bool,
    /// Which characters are escaped as `\u` besides those that must be.
    escaped: &'static str,
    /// Whether the digits of such are large.
    upper: bool,
    /// Whether `/` is `\/`.
    slash: bool,
}

const COMPACT: Style = Style {
    name: "compact",
    indent: None,
    comma: ",",
    colon: ":",
    ascii: false,
    escaped: "",
    upper: false,
    slash: false,
};
const PRETTY: Style = Style { name: "pretty-2", indent: Some("  "), colon: ": ", ..COMPACT };

/// `JSON.stringify`; Python's `json.dumps`, plain, with `separators`, with `ensure_ascii=False`; PHP's `json_encode`, plain,
/// with `JSON_UNESCAPED_UNICODE`, with `JSON_PRETTY_PRINT`; Go's `json.Marshal` and Rails' `to_json`; .NET's
/// `System.Text.Json`; Gson; and printed for people.
pub(crate) const STYLES: &[Style] = &[
    COMPACT,
    Style { name: "python", comma: ", ", colon: ": ", ascii: true, ..COMPACT },
    Style { name: "python-compact", ascii: true, ..COMPACT },
    Style { name: "python-unicode", comma: ", ", colon: ": ", ..COMPACT },
    Style { name: "php", ascii: true, slash: true, ..COMPACT },
    Style { name: "php-unicode", escaped: "\u{2028}\u{2029}", slash: true, ..COMPACT },
    Style { name: "php-pretty", indent: Some("    "), colon: ": ", ascii: true, slash: true, ..COMPACT },
    Style { name: "go", escaped: "<>&\u{2028}\u{2029}", ..COMPACT },
    Style { name: "dotnet", ascii: true, escaped: "\"<>&+'`", upper: true, ..COMPACT },
    Style { name: "gson", escaped: "<>&='\u{2028}\u{2029}", ..COMPACT },
    PRETTY,
    Style { name: "pretty-4", indent: Some("    "), ..PRETTY },
    Style { name: "pretty-tab", indent: Some("\t"), ..PRETTY },
    Style { name: "python-pretty", indent: Some("  "), ascii: true, ..PRETTY },
    Style { name: "python-pretty-4", indent: Some("    "), ascii: true, ..PRETTY },
];

pub(crate) fn style(name: &str) -> &'static Style {
    STYLES.iter().find(|style| style.name == name).expect("a style of that name")
}

impl Style {
    fn put(&self, value: &Json, depth: usize, out: &mut String) {
        match value {
            Json::Null => out.push_str("null"),
            Json::Bool(yes) => out.push_str(if *yes { "true" } else { "false" }),
            Json::Number(raw) => out.push_str(raw),
            Json::Text(text) => self.text(text, out),
            Json::List(items) => {
                self.all('[', ']', items.len(), depth, out, &mut |at, out| {
                    self.put(&items[at], depth + 1, out)
                });
            }
            Json::Object(members) => {
                self.all('{', '}', members.len(), depth, out, &mut |at, out| {
                    let (name, item) = &members[at];
                    self.text(name, out);
                    out.push_str(self.colon);
                    self.put(item, depth + 1, out);
                });
            }
        }
    }

    fn all(
        &self,
        open: char,
        close: char,
        len: usize,
        depth: usize,
        out: &mut String,
        one: &mut dyn FnMut(usize, &mut String),
    ) {
        let line = |depth: usize, out: &mut String| {
            if let Some(indent) = self.indent {
                out.push('\n');
                (0..depth).for_each(|_| out.push_str(indent));
            }
        };
        out.push(open);
        for at in 0..len {
            if at > 0 {
                out.push_str(self.comma);
            }
            line(depth + 1, out);
            one(at, out);
        }
        if len > 0 {
            line(depth, out);
        }
        out.push(close);
    }

    fn text(&self, text: &str, out: &mut String) {
        out.push('"');
        for c in text.chars() {
            match c {
                c if self.escaped.contains(c) || (self.ascii && !c.is_ascii()) => self.units(c, out),
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '/' if self.slash => out.push_str("\\/"),
                '\u{8}' => out.push_str("\\b"),
                '\u{c}' => out.push_str("\\f"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                c if c < ' ' => self.units(c, out),
                c => out.push(c),
            }
        }
        out.push('"');
    }

    fn units(&self, c: char, out: &mut String) {
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = if self.upper { write!(out, "\\u{unit:04X}") } else { write!(out, "\\u{unit:04x}") };
        }
    }
}

/// The shortest digits of a number that is read as a double, and the power of ten of the first of them.
fn digits(raw: &str) -> (&'static str, String, i32) {
    let value: f64 = raw.parse().unwrap_or(0.0);
    let written = format!("{:e}", value.abs());
    let (mantissa, power) = written.split_once('e').unwrap_or((&written, "0"));
    let sign = if value.is_sign_negative() && value != 0.0 { "-" } else { "" };
    (sign, mantissa.replace('.', ""), power.parse().unwrap_or(0))
}

/// With the point where it belongs, and `zero` behind what has no fraction.
fn plain((sign, digits, power): (&str, String, i32), zero: &str) -> String {
    let whole = (power + 1).max(0) as usize;
    match power {
        ..0 => format!("{sign}0.{}{digits}", "0".repeat((-power - 1) as usize)),
        _ if digits.len() <= whole => format!("{sign}{digits}{}{zero}", "0".repeat(whole - digits.len())),
        _ => format!("{sign}{}.{}", &digits[..whole], &digits[whole..]),
    }
}

/// With an exponent.
fn scientific((sign, digits, power): (&str, String, i32), zero: &str, e: &str) -> String {
    let (first, rest) = digits.split_at(1);
    let rest = if rest.is_empty() { zero.into() } else { format!(".{rest}") };
    format!("{sign}{first}{rest}{e}{power}")
}

fn is_whole(raw: &str) -> bool {
    !raw.contains(['.', 'e', 'E'])
}

pub(crate) fn as_it_was(raw: &str) -> String {
    raw.into()
}

/// As JavaScript does: all are doubles, and no fraction is written that is nought. Go's `map[string]any` is alike.
pub(crate) fn javascript(raw: &str) -> String {
    let parts = digits(raw);
    match parts.2 {
        21.. => scientific(parts, "", "e+"),
        ..-6 => scientific(parts, "", "e"),
        _ => plain(parts, ""),
    }
}

/// As Python and Ruby do: whole numbers have no end, and a double always has a point.
pub(crate) fn python(raw: &str) -> String {
    let parts = digits(raw);
    match parts.2 {
        _ if is_whole(raw) => raw.into(),
        16.. => scientific(parts, "", "e+"),
        ..-4 => scientific(parts, "", "e-0").replace("e-0-", "e-0"),
        _ => plain(parts, ".0"),
    }
}

/// As PHP does: whole numbers of 64 bits, else doubles.
pub(crate) fn php(raw: &str) -> String {
    let parts = digits(raw);
    match parts.2 {
        _ if raw.parse::<i64>().is_ok() => raw.into(),
        15.. => scientific(parts, ".0", "e+"),
        ..-5 => scientific(parts, ".0", "e"),
        _ => plain(parts, ".0"),
    }
}

/// As `Double.toString` does.
pub(crate) fn java(raw: &str) -> String {
    let parts = digits(raw);
    match parts.2 {
        _ if is_whole(raw) => raw.into(),
        7.. | ..-3 => scientific(parts, ".0", "E"),
        _ => plain(parts, ".0"),
    }
}

/// Two places behind the point wherever there is one, as money is written.
pub(crate) fn money(raw: &str) -> String {
    match raw.parse::<f64>() {
        Ok(value) if !is_whole(raw) => format!("{value:.2}"),
        _ => raw.into(),
    }
}

/// A point behind every whole number, as whoever has no whole numbers writes them.
pub(crate) fn pointed(raw: &str) -> String {
    if is_whole(raw) { format!("{raw}.0") } else { raw.into() }
}

/// What can be had back of a body that somebody printed anew: whether some printer, out of the values of `received`, prints
/// `original`, with one rule for all its numbers. Where none does, what was lost is lost.
pub(crate) fn can_be_had_back(received: &Json, original: &[u8]) -> bool {
    let lines: Vec<u8> = original.iter().copied().filter(|byte| *byte != b'\r').collect();
    let wanted = lines.strip_suffix(b"\n").unwrap_or(&lines);
    [as_it_was, javascript, python, money].iter().any(|spell| {
        let tree = received.clone().numbers(*spell);
        STYLES.iter().any(|style| tree.print(style) == wanted)
    })
}
