//! Reading a table key by key: what was wrong is collected, and what was never asked for was never meant to
//! be there.

use std::cell::RefCell;
use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use std::str::FromStr;
use std::sync::Arc;

use smallvec::SmallVec;

use super::{Complaints, ConfigCode, ConfigError, Key, Node, Span, Table, Value, nearest, one_of};

/// A value that remembers where it was written.
#[derive(Clone, Debug)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,

    /// Where.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// The same place with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Spanned<U> {
        let Self { value, span } = self;
        Spanned { value: change(value), span }
    }
}

impl Spanned<Arc<str>> {
    /// The place of some bytes of the text, for a caret under part of it. Where the text was written with
    /// escapes or over several lines, so that its bytes cannot be counted off in the file, the place of the
    /// whole.
    pub fn part(&self, bytes: Range<usize>) -> Span {
        let Self { value, span: Span { file, range } } = self;
        // Every escape is longer than what it stands for, so only `"text"` and `'text'` are exactly two
        // quotes longer.
        let literal = range.len() == value.len() + 2 && bytes.end <= value.len();
        let range =
            if literal { range.start + 1 + bytes.start..range.start + 1 + bytes.end } else { range.clone() };
        Span { file: *file, range }
    }
}

/// Reads one table and collects complaints about it.
///
/// Ask for every key that may be there, whether it is or not, then [`finish`](Self::finish): a key never
/// asked for is unknown. A wrong value is complained of and then absent, so that reading goes on and the
/// operator hears of everything at once; whether all was well is for the [`Complaints`] to say, in the end. A
/// node that is no table is complained of once and then reads as an empty table that lacks nothing.
#[derive(Debug)]
pub struct Reader<'a> {
    table: Option<&'a Table>,
    span: &'a Span,
    complaints: &'a Complaints,
    path: String,
    asked: RefCell<Asked>,
}

/// The keys that were asked for, some of them twice, in one text: there are many tables, and each is asked for many keys.
#[derive(Debug)]
struct Asked {
    names: String,
    ends: SmallVec<[usize; 16]>,
}

impl Asked {
    fn none() -> Self {
        Asked { names: String::with_capacity(128), ends: SmallVec::new() }
    }

    fn add(&mut self, name: &str) {
        self.names.push_str(name);
        self.ends.push(self.names.len());
    }

    fn any(&self, name: &str) -> bool {
        self.all().any(|asked| asked == name)
    }

    /// In the order of asking.
    fn each_once(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.all().for_each(|name| {
            if !names.contains(&name) {
                names.push(name)
            }
        });
        names
    }

    fn all(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.names[start..*end])
    }
}

impl<'a> Reader<'a> {
    /// Of a node that should be a table. The path is what complaints call it: dotted keys, such as
    /// `hmac.key`; empty for a whole text.
    pub fn new(node: &'a Node, complaints: &'a Complaints, path: &str) -> Self {
        Self::at(node, complaints, path.into())
    }

    fn at(node: &'a Node, complaints: &'a Complaints, path: String) -> Self {
        if node.table().is_none() {
            let message = format!("`{path}` must be a table, but is {}", node.value.kind());
            complaints.push(
                ConfigError::at(ConfigCode::MalformedConfig, node.span.clone(), message)
                    .help(format!("write `{path} = {{ … }}`, or `[{path}]`")),
            );
        }
        Self { table: node.table(), span: &node.span, complaints, path, asked: Asked::none().into() }
    }

    /// The text at a key.
    pub fn text(&self, key: &str) -> Option<Spanned<Arc<str>>> {
        let node = self.node(key)?;
        self.text_of(key, node, "a text in quotes")
    }

    /// The text at a key that must be there.
    pub fn required_text(&self, key: &str) -> Option<Spanned<Arc<str>>> {
        if !self.has(key) {
            self.missing(key, format!("write `{key} = \"…\"`"));
        }
        self.text(key)
    }

    /// The text at a key, one of a closed list.
    pub fn word<'w>(&self, key: &str, allowed: &[&'w str]) -> Option<Spanned<&'w str>> {
        let text = self.text(key)?;
        let found = allowed.iter().copied().find(|word| **word == *text.value);
        if found.is_none() {
            let message =
                format!("`{key}` must be {}, but is `{}`", one_of(allowed.iter().copied()), text.value);
            let error = ConfigError::at(ConfigCode::MalformedConfig, text.span.clone(), message);
            self.complaints.push(match nearest(&text.value, allowed.iter().copied()) {
                Some(word) => error.help(format!("write `{key} = \"{word}\"`")),
                None => error,
            });
        }
        found.map(|value| Spanned { value, span: text.span })
    }

    /// As [`word`](Self::word), read as what each word stands for.
    pub fn choice<T: Clone>(&self, key: &str, allowed: &[(&str, T)]) -> Option<Spanned<T>> {
        let words: Vec<&str> = allowed.iter().map(|(word, _)| *word).collect();
        let Spanned { value, span } = self.word(key, &words)?;
        let (_, meaning) = allowed.iter().find(|(word, _)| *word == value)?;
        Some(Spanned { value: meaning.clone(), span })
    }

    /// The boolean at a key.
    pub fn boolean(&self, key: &str) -> Option<bool> {
        let node = self.node(key)?;
        let Value::Boolean(truth) = node.value else {
            self.mistyped(key, node, "`true` or `false`, without quotes", bare::<bool>(node));
            return None;
        };
        Some(truth)
    }

    /// The integer at a key, within inclusive bounds.
    pub fn integer(&self, key: &str, bounds: RangeInclusive<i64>) -> Option<Spanned<i64>> {
        let node = self.node(key)?;
        let wanted = match (*bounds.start(), *bounds.end()) {
            (i64::MIN, i64::MAX) => "an integer".into(),
            (least, i64::MAX) => format!("an integer of at least {least}"),
            (i64::MIN, most) => format!("an integer of at most {most}"),
            (least, most) => format!("an integer from {least} to {most}"),
        };
        let Value::Integer(value) = node.value else {
            self.mistyped(key, node, &wanted, bare::<i64>(node));
            return None;
        };
        if !bounds.contains(&value) {
            self.complain(
                ConfigCode::MalformedConfig,
                &node.span,
                format!("`{key}` must be {wanted}, but is {value}"),
            );
            return None;
        }
        Some(Spanned { value, span: node.span.clone() })
    }

    /// The array of texts at a key; a text alone is an array of one. What of it is no text is complained of
    /// and left out.
    pub fn texts(&self, key: &str) -> Option<Vec<Spanned<Arc<str>>>> {
        let node = self.node(key)?;
        let items = match &node.value {
            Value::Text(_) => std::slice::from_ref(node),
            Value::Array(items) => items,
            _ => {
                self.mistyped(key, node, "a text in quotes, or an array of them", quoted(node));
                return None;
            }
        };
        Some(items.iter().filter_map(|item| self.text_of(key, item, "an array of texts in quotes")).collect())
    }

    /// A reader of the table at a key.
    pub fn table(&self, key: &str) -> Option<Reader<'a>> {
        let node = self.node(key)?;
        self.table_of(key, node, "a table")?;
        Some(Reader::at(node, self.complaints, self.path_to(key)))
    }

    /// Readers of the array of tables at a key, whose paths end in a number from 1; a table alone is an array
    /// of one.
    pub fn tables(&self, key: &str) -> Vec<Reader<'a>> {
        let Some(node) = self.node(key) else { return Vec::new() };
        let path = self.path_to(key);
        match &node.value {
            Value::Table(_) => vec![Reader::at(node, self.complaints, path)],
            Value::Array(items) => {
                let tables = items
                    .iter()
                    .enumerate()
                    .filter(|(_, item)| self.table_of(key, item, "an array of tables").is_some());
                let mut readers = Vec::with_capacity(items.len());
                readers.extend(
                    tables.map(|(index, item)| {
                        Reader::at(item, self.complaints, format!("{path}.{}", index + 1))
                    }),
                );
                readers
            }
            _ => {
                self.mistyped(key, node, "a table, or an array of tables", None);
                Vec::new()
            }
        }
    }

    /// The entries, in order, of a table whose keys are free; none if it is absent.
    pub fn entries(&self, key: &str) -> Vec<(&'a Key, &'a Node)> {
        let table = self.node(key).and_then(|node| self.table_of(key, node, "a table"));
        table.map(|table| table.iter().collect()).unwrap_or_default()
    }

    /// Whatever stands at a key.
    pub fn node(&self, key: &str) -> Option<&'a Node> {
        self.asked.borrow_mut().add(key);
        self.table?.get(key)
    }

    /// As [`node`](Self::node), without asking: the key is still one that may not be there. For whoever has more to say of
    /// it than that it is unknown.
    pub fn peek(&self, key: &str) -> Option<&'a Node> {
        self.table?.get(key)
    }

    /// Whether anything stands at a key. Counts as asking for it.
    pub fn has(&self, key: &str) -> bool {
        self.node(key).is_some()
    }

    /// The entries that were not asked for so far: what [`finish`](Self::finish) would complain of.
    pub fn unasked(&self) -> impl Iterator<Item = (&'a Key, &'a Node)> {
        let entries = self.table.into_iter().flat_map(Table::iter);
        entries.filter(|(key, _)| !self.asked.borrow().any(&key.name))
    }

    /// What complaints call this table.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Where this table was written.
    pub fn span(&self) -> &'a Span {
        self.span
    }

    /// Where complaints go.
    pub fn complaints(&self) -> &'a Complaints {
        self.complaints
    }

    /// Complains that a key, which counts as asked for, is not there. The help is what to type.
    pub fn missing(&self, key: &str, help: impl Into<String>) {
        self.node(key);
        if self.table.is_some() {
            let message = format!("{} lacks `{key}`", self.name());
            self.complaints
                .push(ConfigError::at(ConfigCode::MalformedConfig, self.span.clone(), message).help(help));
        }
    }

    /// Complains of anything else.
    pub fn complain(&self, code: ConfigCode, span: &Span, message: impl Into<String>) {
        self.complaints.at(code, span, message);
    }

    /// Complains of every key that was never asked for. To be called when all has been read; a reader that is
    /// dropped without it accepts any key.
    pub fn finish(self) {
        let asked = self.asked.borrow();
        for (Key { name, span }, _) in self.unasked() {
            let known = asked.each_once();
            let message = format!(
                "unknown key `{name}` in {}, which takes {}",
                self.name(),
                one_of(known.iter().copied())
            );
            self.complaints.push(ConfigError::at(ConfigCode::MalformedConfig, span.clone(), message).help(
                match nearest(name, known) {
                    Some(meant) => format!("write `{meant}`, if that is what is meant"),
                    None => "remove it".into(),
                },
            ));
        }
    }

    fn text_of(&self, key: &str, node: &Node, wanted: &str) -> Option<Spanned<Arc<str>>> {
        let Some(text) = node.text() else {
            self.mistyped(key, node, wanted, quoted(node));
            return None;
        };
        Some(Spanned { value: text.clone(), span: node.span.clone() })
    }

    fn table_of(&self, key: &str, node: &'a Node, wanted: &str) -> Option<&'a Table> {
        if node.table().is_none() {
            self.mistyped(key, node, wanted, None);
        }
        node.table()
    }

    /// Complains of the wrong sort of value, which stands at the key or in an array there; and says what to
    /// type, where that is plain.
    fn mistyped(&self, key: &str, node: &Node, wanted: &str, instead: Option<String>) {
        let holds = if self.is_at(key, node) { "is" } else { "holds" };
        let message = format!("`{key}` must be {wanted}, but {holds} {}", node.value.kind());
        let error = ConfigError::at(ConfigCode::MalformedConfig, node.span.clone(), message);
        self.complaints.push(match instead {
            Some(value) if holds == "is" => error.help(format!("write `{key} = {value}`")),
            Some(value) => error.help(format!("write `{value}`")),
            None => error,
        });
    }

    /// Whether this very node stands at the key, rather than inside an array there.
    fn is_at(&self, key: &str, node: &Node) -> bool {
        self.table.and_then(|table| table.get(key)).is_some_and(|there| std::ptr::eq(there, node))
    }

    fn path_to(&self, key: &str) -> String {
        if self.path.is_empty() { key.into() } else { format!("{}.{key}", self.path) }
    }

    fn name(&self) -> String {
        if self.path.is_empty() { "the top level".into() } else { format!("`[{}]`", self.path) }
    }
}

/// What a text would have been with quotes.
fn quoted(node: &Node) -> Option<String> {
    match node.value {
        Value::Integer(integer) => Some(format!("\"{integer}\"")),
        Value::Boolean(truth) => Some(format!("\"{truth}\"")),
        _ => None,
    }
}

/// What stands in quotes that should have none.
fn bare<T: FromStr + Display>(node: &Node) -> Option<String> {
    node.text()?.parse::<T>().ok().map(|value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::{ConfigErrors, Layer, Sources};
    use super::*;

    /// What is complained of when a text is read, as a person sees it.
    fn reading(text: &str, read: impl FnOnce(Reader<'_>)) -> String {
        let mut sources = Sources::new();
        let file = sources.add("a.toml", text);
        let layer = Layer::parse(&sources, file).expect("parses");
        let complaints = Complaints::new();
        read(Reader::new(layer.root(), &complaints, ""));
        ConfigErrors(complaints.into_vec()).render(&sources)
    }

    #[test]
    fn what_is_right_is_read() {
        let text = "text = 'x'\nword = 'b'\nyes = true\nnumber = -3\none = 'x'\nmany = ['x', 'y']\nlone = { a = 1 }\n\
            rows = [{ a = 1 }, { a = 2 }]\nparts = { z = 1, a = '2' }\n[sub.sub]\na = 1";
        let said = reading(text, |reader| {
            assert_eq!(&*reader.required_text("text").expect("a text").value, "x");
            assert_eq!(reader.word("word", &["a", "b"]).expect("a word").value, "b");
            assert_eq!(reader.choice("word", &[("a", 1), ("b", 2)]).expect("a word").value, 2);
            assert_eq!(reader.boolean("yes"), Some(true));
            assert_eq!(reader.integer("number", -3..=0).expect("an integer").value, -3);
            assert_eq!(reader.texts("one").expect("texts").len(), 1);
            assert_eq!(reader.texts("many").expect("texts").len(), 2);
            let paths = |key| -> Vec<String> {
                let rows = reader.tables(key).into_iter();
                rows.map(|row| (row.path().to_owned(), row.integer("a", 1..=2), row.finish()).0).collect()
            };
            assert_eq!(paths("lone"), ["lone"]);
            assert_eq!(paths("rows"), ["rows.1", "rows.2"]);
            let names: Vec<&str> = reader.entries("parts").into_iter().map(|(key, _)| &*key.name).collect();
            assert_eq!(names, ["z", "a"]);
            let sub = reader.table("sub").expect("a table");
            let subsub = sub.table("sub").expect("a table");
            assert_eq!(subsub.path(), "sub.sub");
            assert!(subsub.has("a") && !subsub.has("b"));
            subsub.finish();
            sub.finish();
            assert!(
                reader.text("absent").is_none()
                    && reader.texts("absent").is_none()
                    && reader.boolean("absent").is_none()
            );
            assert!(
                reader.table("absent").is_none()
                    && reader.tables("absent").is_empty()
                    && reader.entries("absent").is_empty()
            );
            reader.finish();
        });
        assert_eq!(said, "");
    }

    #[test]
    fn an_unknown_key_is_told_the_known_ones() {
        let said = reading("[hmac]\nalgoritm = 'sha1'\nzzz = 1\n", |reader| {
            let hmac = reader.table("hmac").expect("a table");
            hmac.required_text("algorithm");
            hmac.text("key");
            hmac.finish();
            reader.finish();
        });
        let expected = "\
a.toml:1:1: `[hmac]` lacks `algorithm`
    [hmac]
    ^^^^^^
help: write `algorithm = \"…\"`

a.toml:2:1: unknown key `algoritm` in `[hmac]`, which takes `algorithm` or `key`
    algoritm = 'sha1'
    ^^^^^^^^
help: write `algorithm`, if that is what is meant

a.toml:3:1: unknown key `zzz` in `[hmac]`, which takes `algorithm` or `key`
    zzz = 1
    ^^^
help: remove it
";
        assert_eq!(said, expected);
        assert!(
            reading("a = 1", |reader| reader.finish())
                .starts_with("a.toml:1:1: unknown key `a` in the top level, which takes nothing\n")
        );
    }

    #[test]
    fn a_wrong_value_is_told_what_is_wanted() {
        type Read = fn(&Reader<'_>);
        let cases: [(&str, Read, &str, &str); 11] = [
            (
                "k = 256",
                |r| assert!(r.text("k").is_none()),
                "a text in quotes, but is an integer",
                "k = \"256\"",
            ),
            (
                "k = 'true'",
                |r| assert!(r.boolean("k").is_none()),
                "`true` or `false`, without quotes, but is a text",
                "k = true",
            ),
            (
                "k = '30'",
                |r| assert!(r.integer("k", 0..=9).is_none()),
                "an integer from 0 to 9, but is a text",
                "k = 30",
            ),
            ("k = 30", |r| assert!(r.integer("k", 0..=9).is_none()), "an integer from 0 to 9, but is 30", ""),
            (
                "k = -1",
                |r| assert!(r.integer("k", 0..=i64::MAX).is_none()),
                "an integer of at least 0, but is -1",
                "",
            ),
            (
                "k = 'SHA-1'",
                |r| assert!(r.word("k", &["md5", "sha1"]).is_none()),
                "`md5` or `sha1`, but is `SHA-1`",
                "k = \"sha1\"",
            ),
            (
                "k = {}",
                |r| assert!(r.texts("k").is_none()),
                "a text in quotes, or an array of them, but is a table",
                "",
            ),
            (
                "k = ['a', 1]",
                |r| assert_eq!(r.texts("k").map(|k| k.len()), Some(1)),
                "an array of texts in quotes, but holds an integer",
                "\"1\"",
            ),
            ("k = 1.5", |r| assert!(r.table("k").is_none()), "a table, but is a float", ""),
            (
                "k = [{}, 1]",
                |r| assert_eq!(r.tables("k").len(), 1),
                "an array of tables, but holds an integer",
                "",
            ),
            ("k = []", |r| assert!(r.entries("k").is_empty()), "a table, but is an array", ""),
        ];
        for (text, read, wanted, help) in cases {
            let said = reading(text, |reader| read(&reader));
            assert!(said.contains(&format!(": `k` must be {wanted}\n")), "{text}: {said}");
            assert!(help.is_empty() != said.contains("help: ") && said.contains(help), "{text}: {said}");
        }
    }

    #[test]
    fn what_is_no_table_is_complained_of_once() {
        let said = reading("hmac = 1", |reader| {
            let node = reader.node("hmac").expect("a node");
            let hmac = Reader::new(node, reader.complaints(), "hmac");
            hmac.required_text("algorithm");
            hmac.finish();
            reader.finish();
        });
        assert_eq!(said.matches("a.toml:").count(), 1, "{said}");
        assert!(said.contains("`hmac` must be a table, but is an integer"), "{said}");
    }

    #[test]
    fn part_of_a_text_is_found_in_the_file_where_it_can_be() {
        for (text, found) in [
            ("k = \"a{b}\"", "{b}"),
            ("k = 'a{b}'", "{b}"),
            ("k = \"\\u0061{b}\"", "\"\\u0061{b}\""),
            ("k = '''a{b}'''", "'''a{b}'''"),
            ("k = 'é'", "'é'"),
        ] {
            reading(text, |reader| {
                assert_eq!(&text[reader.text("k").expect("a text").part(1..4).range], found)
            });
        }
    }
}
