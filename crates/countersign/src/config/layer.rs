//! TOML as a tree whose every node knows its place, not yet read as anything; and how one tree is laid over
//! another.

use super::print::{is_section, print_table};
use std::collections::HashMap;
use std::sync::Arc;

use toml::de::{DeFloat, DeInteger, DeTable, DeValue};
use toml_parser::lexer::TokenKind;

use super::{Complaints, ConfigCode, ConfigError, ConfigErrors, FileId, Sources, Span};

/// The longest text that is read, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;

/// How many tables and arrays may stand inside one another, the whole text not counted.
pub const MAX_DEPTH: usize = 32;

/// How many mistakes of syntax are told of one text: after the first few, a parser that picks itself up
/// mostly hears its own echo.
const MAX_SYNTAX: usize = 20;

/// The keys that say where in a request something is: a table with one of them is a place.
const PLACES: [&str; 6] = ["header", "query", "form", "json", "item", "body"];

/// The tables whose keys the writer makes up, so that `body` is only a name there.
const FREELY_NAMED: [&str; 3] = ["parts", "map", "vars"];

/// One text of configuration, or several laid over one another. Its root is always a table.
#[derive(Clone, Debug)]
pub struct Layer {
    root: Node,
}

/// A value and where it was written. The place of a `[table]` is its header, of `a.b = 1` for `a` the first
/// key, of a root the start of its text.
#[derive(Clone, Debug)]
pub struct Node {
    /// The value.
    pub value: Value,

    /// Where.
    pub span: Span,
}

/// What TOML can say.
#[derive(Clone, Debug)]
pub enum Value {
    /// A string.
    Text(Arc<str>),

    /// An integer.
    Integer(i64),

    /// A float.
    Float(f64),

    /// A boolean.
    Boolean(bool),

    /// An array, whether written as `[…]` or as `[[tables]]`.
    Array(Vec<Node>),

    /// A table, however written.
    Table(Table),

    /// A date, a time or both, in TOML's spelling.
    Datetime(Arc<str>),
}

/// A table's entries in the order of the file, each key once. To clone one is to share them: a preset is handed on several
/// times from its text to what verifies, and seldom changed.
#[derive(Clone, Debug, Default)]
pub struct Table {
    entries: Arc<Vec<(Key, Node)>>,
}

/// A key and where it was written.
#[derive(Clone, Debug)]
pub struct Key {
    /// The key, without quotes and escapes.
    pub name: Arc<str>,

    /// Where.
    pub span: Span,
}

impl Layer {
    /// Reads one text as TOML 1.1.
    ///
    /// # Errors
    /// What is wrong with its syntax, as far as the parser can pick itself up (at most twenty mistakes);
    /// numbers that do not fit; a text longer than [`MAX_BYTES`] or nested deeper than [`MAX_DEPTH`], which
    /// are found before the parser recurses.
    pub fn parse(sources: &Sources, file: FileId) -> Result<Self, ConfigErrors> {
        Self::parse_within(sources, file, MAX_BYTES)
    }

    /// The same with a longest length of one's own, in bytes: for a text that no stranger wrote.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_within(sources: &Sources, file: FileId, most: usize) -> Result<Self, ConfigErrors> {
        let text = sources.text(file);
        let wrong =
            |range, message| ConfigError::at(ConfigCode::MalformedConfig, Span { file, range }, message);
        if text.len() > most {
            let message = format!("the text has {} bytes, but at most {most} are read", text.len());
            return Err(wrong(0..0, message).into());
        }
        if let Some(range) = too_deep(text) {
            return Err(wrong(range, format!("nested deeper than {MAX_DEPTH} levels")).into());
        }

        let (root, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            let complain = |error: &toml::de::Error| {
                let range = error.span().unwrap_or(text.len()..text.len());
                match (error.message(), text.get(range.clone())) {
                    ("duplicate key", Some(key)) => wrong(range, format!("`{key}` is set twice"))
                        .help("keep one of the two, or merge them"),
                    (message, _) => wrong(range, message.into()),
                }
            };
            return Err(ConfigErrors(errors.iter().take(MAX_SYNTAX).map(complain).collect()));
        }

        let reading = Reading { file, complaints: Complaints::new() };
        let root = Node {
            value: Value::Table(reading.table(root.into_inner(), 0)),
            span: Span { file, range: 0..0 },
        };
        reading.complaints.into_result()?;
        Ok(Self { root })
    }

    /// A table out of another layer as a layer of its own, such as the `overrides` of a source.
    ///
    /// # Errors
    /// The node is no table.
    pub fn from_table(root: Node) -> Result<Self, ConfigError> {
        match &root.value {
            Value::Table(_) => Ok(Self { root }),
            other => Err(ConfigError::at(
                ConfigCode::MalformedConfig,
                root.span.clone(),
                format!("a table is needed here, but this is {}", other.kind()),
            )),
        }
    }

    /// A table that was written nowhere, to print it.
    pub fn of(table: Table, span: Span) -> Self {
        Self { root: Node { value: Value::Table(table), span } }
    }

    /// Lays this over `base`: scalars and arrays replace, tables merge, and every node keeps the text and
    /// span it came from.
    ///
    /// A table here that names a place (`header`, `query`, `form`, `json`, `item`, `body`) first drops
    /// whatever place the base's table names: a place is *one* of these keys, so a signature moved from a
    /// header to the query by plain merging would stand in both, and be refused. What else the two tables say
    /// still merges, so that whoever moves a signature need not repeat its encoding. (In `parts`, `map` and
    /// `vars` the keys are made-up names and never places.)
    ///
    /// The base's keys keep their order and new ones follow; a merged table has its place where this one was
    /// written, being the text that is worked on, unless it is empty here and so says nothing.
    pub fn over(self, base: &Layer) -> Layer {
        Layer { root: lay("", self.root, &base.root) }
    }

    /// This without one key of the root.
    pub fn without(mut self, key: &str) -> Self {
        if let Value::Table(Table { entries }) = &mut self.root.value {
            Arc::make_mut(entries).retain(|(Key { name, .. }, _)| **name != *key);
        }
        self
    }

    /// The whole; its value is a [`Value::Table`].
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// The node at the end of a path of keys; an empty path is the root.
    pub fn get(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(&self.root, |node, key| node.table()?.get(key))
    }

    /// The tree as tidy TOML: plain keys, then a `[section]` for every table and a `[[section]]` for every
    /// array of tables; what stands inside a section is written inline, unless it is a table that does not
    /// fit in a line, or an array with such a table in it. Comments are not kept.
    ///
    /// Reading it again gives an equal tree, up to the order in which a table's sections and its other keys
    /// stand.
    pub fn to_toml(&self) -> String {
        let mut out = String::new();
        if let Some(table) = self.root.table() {
            print_table(&mut out, "", table, &|_, node| is_section(node));
        }
        out
    }
}

impl Node {
    /// The table that this is.
    pub fn table(&self) -> Option<&Table> {
        match &self.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The text that this is.
    pub fn text(&self) -> Option<&Arc<str>> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl Value {
    /// What sort of value, with its article, for a complaint: `a text`, `an integer` …
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Boolean(_) => "a boolean",
            Self::Array(_) => "an array",
            Self::Table(_) => "a table",
            Self::Datetime(_) => "a date or time",
        }
    }
}

/// A table that was written somewhere else than in TOML. Of a key that comes twice, the first counts.
impl FromIterator<(Key, Node)> for Table {
    fn from_iter<I: IntoIterator<Item = (Key, Node)>>(entries: I) -> Self {
        Table { entries: Arc::new(entries.into_iter().collect()) }
    }
}

impl Table {
    /// The value of a key. Looks at every key.
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.iter().find_map(|(key, node)| (*key.name == *name).then_some(node))
    }

    /// The entries, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Key, &Node)> {
        self.entries.iter().map(|(key, node)| (key, node))
    }

    /// How many keys.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// Where the text nests deeper than [`MAX_DEPTH`], counting brackets and, since `a.b.c = 1` makes tables too,
/// the dots of keys.
///
/// The parser bounds brackets and dots each for itself, and so lets through their product: thousands of
/// tables in one another, which overflow the stack when they are dropped. This looks at tokens only, so it
/// cannot be taken in by brackets in texts or comments.
fn too_deep(text: &str) -> Option<std::ops::Range<usize>> {
    // One count per open bracket and one for the statement: the dots since its last comma.
    let mut dots = vec![0];
    let mut depth = 0;
    for token in toml_parser::Source::new(text).lex() {
        match token.kind() {
            TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket => {
                dots.push(0);
                depth += 1;
            }
            TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket if dots.len() > 1 => {
                depth -= dots.pop().unwrap_or(0) + 1;
            }
            TokenKind::Dot => {
                *dots.last_mut()? += 1;
                depth += 1;
            }
            TokenKind::Comma => depth -= std::mem::take(dots.last_mut()?),
            TokenKind::Newline if dots.len() == 1 => depth -= std::mem::take(dots.last_mut()?),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Some(token.span().start()..token.span().end());
        }
    }
    None
}

/// From the parser's tree to ours.
struct Reading {
    file: FileId,
    complaints: Complaints,
}

impl Reading {
    fn table(&self, table: DeTable<'_>, depth: usize) -> Table {
        let mut entries: Vec<_> = table
            .into_iter()
            .map(|(key, value)| {
                let span = self.span(key.span());
                (Key { name: key.into_inner().into(), span }, self.node(value, depth + 1))
            })
            .collect();
        // The parser's tables are sorted by name; the order of the file says what stands above what.
        entries.sort_by_key(|(key, _)| key.span.range.start);
        Table { entries: entries.into() }
    }

    fn node(&self, value: toml::Spanned<DeValue<'_>>, depth: usize) -> Node {
        let span = self.span(value.span());
        let value = match value.into_inner() {
            DeValue::String(text) => Value::Text(text.into()),
            DeValue::Integer(digits) => Value::Integer(self.integer(&digits, &span)),
            DeValue::Float(digits) => Value::Float(self.float(&digits, &span)),
            DeValue::Boolean(truth) => Value::Boolean(truth),
            DeValue::Datetime(time) => Value::Datetime(time.to_string().into()),
            DeValue::Array(_) | DeValue::Table(_) if depth > MAX_DEPTH => {
                self.complain(&span, format!("nested deeper than {MAX_DEPTH} levels"));
                Value::Boolean(false)
            }
            DeValue::Array(items) => {
                Value::Array(items.into_iter().map(|item| self.node(item, depth + 1)).collect())
            }
            DeValue::Table(table) => Value::Table(self.table(table, depth)),
        };
        Node { value, span }
    }

    fn integer(&self, digits: &DeInteger<'_>, span: &Span) -> i64 {
        i64::from_str_radix(digits.as_str(), digits.radix()).unwrap_or_else(|_| {
            self.complain(span, format!("an integer must be {} to {}", i64::MIN, i64::MAX));
            0
        })
    }

    fn float(&self, digits: &DeFloat<'_>, span: &Span) -> f64 {
        match digits.as_str().parse::<f64>() {
            Ok(float) if float.is_finite() || !digits.as_str().contains(|c: char| c.is_ascii_digit()) => {
                float
            }
            _ => {
                self.complain(span, "a float of this size cannot be held".into());
                0.0
            }
        }
    }

    fn complain(&self, span: &Span, message: String) {
        self.complaints.at(ConfigCode::MalformedConfig, span, message);
    }

    fn span(&self, range: std::ops::Range<usize>) -> Span {
        Span { file: self.file, range }
    }
}

fn lay(name: &str, over: Node, base: &Node) -> Node {
    let Node { value, span } = over;
    match (value, &base.value) {
        (Value::Table(over), Value::Table(_)) if over.is_empty() => base.clone(),
        (Value::Table(over), Value::Table(base)) => {
            Node { value: Value::Table(lay_table(name, over, base)), span }
        }
        (value, _) => Node { value, span },
    }
}

fn lay_table(name: &str, over: Table, base: &Table) -> Table {
    let is_place = |(key, _): &(Key, Node)| !FREELY_NAMED.contains(&name) && PLACES.contains(&&*key.name);
    let mut entries = Vec::clone(&base.entries);
    let mut rest = Arc::unwrap_or_clone(over.entries);
    if let Some(seat) = entries.iter().position(is_place)
        && rest.iter().any(is_place)
    {
        // The new place takes the seat of the old one.
        let (places, others) = rest.into_iter().partition::<Vec<_>, _>(is_place);
        entries.retain(|entry| !is_place(entry));
        entries.splice(seat..seat, places);
        rest = others;
    }

    let seats: HashMap<Arc<str>, usize> =
        entries.iter().enumerate().map(|(seat, (key, _))| (key.name.clone(), seat)).collect();
    for (key, node) in rest {
        match seats.get(&key.name) {
            Some(&seat) => {
                let node = lay(&key.name, node, &entries[seat].1);
                entries[seat] = (key, node);
            }
            None => entries.push((key, node)),
        }
    }
    Table { entries: entries.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<Layer, ConfigErrors> {
        let mut sources = Sources::new();
        let file = sources.add("a.toml", text);
        Layer::parse(&sources, file)
    }

    /// The complaints about a text as a person sees them.
    fn complaints(text: &str) -> String {
        let mut sources = Sources::new();
        let file = sources.add("a.toml", text);
        Layer::parse(&sources, file).expect_err("a complaint").render(&sources)
    }

    /// Equal but for spans and the order of tables, which matters only among a table's plain keys.
    fn same(a: &Value, b: &Value) -> bool {
        match (a, b) {
            (Value::Text(a), Value::Text(b)) | (Value::Datetime(a), Value::Datetime(b)) => a == b,
            (Value::Integer(a), Value::Integer(b)) => a == b,
            (Value::Float(a), Value::Float(b)) => a == b || a.is_nan() && b.is_nan(),
            (Value::Boolean(a), Value::Boolean(b)) => a == b,
            (Value::Array(a), Value::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(&a.value, &b.value))
            }
            (Value::Table(a), Value::Table(b)) => {
                let plain = |table: &Table| -> Vec<Arc<str>> {
                    let entries = table
                        .iter()
                        .filter(|(_, node)| !matches!(node.value, Value::Table(_) | Value::Array(_)));
                    entries.map(|(key, _)| key.name.clone()).collect()
                };
                a.len() == b.len()
                    && plain(a) == plain(b)
                    && a.iter().all(|(key, a)| b.get(&key.name).is_some_and(|b| same(&a.value, &b.value)))
            }
            _ => false,
        }
    }

    #[track_caller]
    fn assert_prints(layer: &Layer, expected: &str) {
        assert_eq!(layer.to_toml(), expected);
    }

    #[test]
    fn keys_keep_the_order_of_the_file() {
        let layer = parse("[z]\nparts = { c = '1', a = '2', b = '3' }\n[z.y]\n[a]\nq.b = 1\nq.a = 2\n")
            .expect("parses");
        let names = |path: &[&str]| -> Vec<String> {
            let table = layer.get(path).and_then(Node::table).expect("a table");
            table.iter().map(|(key, _)| key.name.to_string()).collect()
        };
        assert_eq!(names(&[]), ["z", "a"]);
        assert_eq!(names(&["z"]), ["parts", "y"]);
        assert_eq!(names(&["z", "parts"]), ["c", "a", "b"]);
        assert_eq!(names(&["a", "q"]), ["b", "a"]);
        assert!(layer.get(&["z", "parts", "d"]).is_none());
        assert!(layer.get(&["z", "parts", "a", "b"]).is_none());
    }

    #[test]
    fn nodes_know_their_place() {
        let text = "a = 'x'\n[b]\nc = [1, 2]\n";
        let layer = parse(text).expect("parses");
        let place = |path: &[&str]| &text[layer.get(path).expect("a node").span.range.clone()];
        assert_eq!([place(&["a"]), place(&["b"]), place(&["b", "c"])], ["'x'", "[b]", "[1, 2]"]);
    }

    #[test]
    fn every_mistake_is_told_with_its_place() {
        assert_eq!(
            complaints("a = 1\nb = \na = 2\nc = \"\n"),
            "a.toml:2:5: string values must be quoted, expected literal string\n    b =\n        ^\n"
                .to_owned()
                + "\na.toml:3:1: `a` is set twice\n    a = 2\n    ^\nhelp: keep one of the two, or merge them\n"
                + "\na.toml:4:6: invalid basic string, expected `\"`\n    c = \"\n         ^\n"
        );
        assert!(complaints("[a]\n[a]\n").contains("a.toml:2:2: `a` is set twice"));
        assert!(complaints("a = 99999999999999999999\nb = 1e999").contains("an integer must be"));
        assert!(complaints("b = 1e999").contains("a float"));
        assert!(parse("a = inf\nb = -nan").is_ok());
        assert!(complaints("]\n".repeat(1000).as_str()).matches("a.toml:").count() <= MAX_SYNTAX);
    }

    #[test]
    fn too_long_and_too_deep_are_complaints() {
        assert!(complaints(&"#".repeat(MAX_BYTES + 1)).contains("262145 bytes"));
        assert!(parse(&"#".repeat(MAX_BYTES)).is_ok());
        let keys = vec!["a"; 60].join(".");
        for text in [
            "[".repeat(5000),
            format!("a = {}", "[".repeat(5000)),
            format!("a = {}{}", "[".repeat(5000), "]".repeat(5000)),
            "a = {".repeat(5000),
            "a = { ".to_owned() + &"a = { ".repeat(5000) + &"}".repeat(5001),
            format!("[{}]", vec!["a"; 5000].join(".")),
            format!("[{keys}]\n{} 1 {}", format!("{keys} = {{ ").repeat(70), "}".repeat(70)),
            format!("{} = 1", vec!["a"; 5000].join(".")),
        ] {
            assert!(complaints(&text).contains("nested deeper than 32 levels"), "{}", &text[..20]);
        }
        let nested = |depth: usize| format!("a = {}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(&nested(MAX_DEPTH)).is_ok());
        assert!(complaints(&nested(MAX_DEPTH + 1)).contains("nested deeper"));
        // Each part of it shallow, deep together; and deep only in a text.
        let half = vec!["a"; 20].join(".");
        assert!(complaints(&format!("[{half}]\n{half} = 1")).contains("nested deeper"));
        assert!(parse(&format!("a = '{}' # {}", "[".repeat(99), "[".repeat(99))).is_ok());
        assert!(parse(&"a.b = 1.5\n".replace('a', "[[x]]\na").repeat(99)).is_ok());
    }

    #[test]
    fn over_replaces_scalars_and_arrays_and_merges_tables() {
        let base =
            parse("a = 1\nb = [1, 2]\nc = { x = 1, y = { z = 1 } }\nd = { x = 1 }\ne = 1").expect("parses");
        let over = parse("f = 1\nb = [3]\nc = { y = { w = 2 } }\nd = 2\ne = { x = 1 }").expect("parses");
        let expected = "a = 1\nb = [3]\nd = 2\nf = 1\n\n[c]\nx = 1\ny = { z = 1, w = 2 }\n\n[e]\nx = 1\n";
        assert_prints(&over.over(&base), expected);
    }

    #[test]
    fn a_place_over_a_place_does_not_stand_in_both() {
        let base = "[hmac]\nsignature_source = { encoding = 'hex', header = 'X-Sig', list = ',' }\n[hmac.parts]\njson = '1'\nb = '2'\n";
        let over =
            "[hmac]\nsignature_source = { query = 'sig', encoding = 'base64' }\nparts = { body = '3' }\n";
        let layer = parse(over).expect("parses").over(&parse(base).expect("parses"));
        let expected = "\
[hmac]
signature_source = { encoding = \"base64\", query = \"sig\", list = \",\" }
parts = { json = \"1\", b = \"2\", body = \"3\" }
";
        assert_prints(&layer, expected);
    }

    #[test]
    fn a_place_over_no_place_was_moved_to_the_front() {
        let text = "a = 1\nheader = \"x\"\nb = 2\n";
        assert_prints(&parse(text).expect("parses").over(&parse("").expect("parses")), text);
    }

    #[test]
    fn every_node_keeps_its_own_place() {
        let mut sources = Sources::new();
        let base = sources.add("base", "[a]\nx = 1\ny = 1\n[b]");
        let over = sources.add("over", "a = { x = 2 }\nb = {}");
        let layer = Layer::parse(&sources, over)
            .expect("parses")
            .over(&Layer::parse(&sources, base).expect("parses"));
        let file = |path: &[&str]| layer.get(path).expect("a node").span.file;
        assert_eq!(
            [file(&["a"]), file(&["a", "x"]), file(&["a", "y"]), file(&["b"])],
            [over, over, base, base]
        );
    }

    #[test]
    fn printing_is_tidy() {
        let text = r#"
like = "x"
title = 'a "b" \d'
[[handshake]]
kind = "answer"
answer = { status = 200, body = "it's \"x\"\n" }
[[handshake]]
kind = "ignore"
[hmac]
key = { forms = [{ decode = "text" }] }
'odd key' = 1.0
[[hmac.case]]
when = [{ value = "{method}", equals = "GET" }]
signed_template = "{url|query:drop}?{query|sort|pairs:=|join:&|default:}.{id}"
[[hmac.case]]
when = []
[hmac.long]
a = "0123456789012345678901234567890123456789"
b = "0123456789012345678901234567890123456789"
[empty]
"#;
        let expected = r#"title = 'a "b" \d'

[[handshake]]
kind = "answer"
answer = { status = 200, body = "it's \"x\"\n" }

[[handshake]]
kind = "ignore"

[hmac]
key = { forms = [{ decode = "text" }] }
"odd key" = 1.0

[[hmac.case]]
when = [{ value = "{method}", equals = "GET" }]
signed_template = "{url|query:drop}?{query|sort|pairs:=|join:&|default:}.{id}"

[[hmac.case]]
when = []

[hmac.long]
a = "0123456789012345678901234567890123456789"
b = "0123456789012345678901234567890123456789"

[empty]
"#;
        assert_prints(&parse(text).expect("parses").without("like"), expected);
    }

    #[test]
    fn only_a_table_is_a_layer() {
        let layer = parse("overrides = { a = 1 }\nb = 1").expect("parses");
        let node = |key| layer.get(&[key]).expect("a node").clone();
        assert_prints(&Layer::from_table(node("overrides")).expect("a table"), "a = 1\n");
        assert!(Layer::from_table(node("b")).is_err());
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let times: &[&str] =
            &["1979-05-27T07:32:00Z", "1979-05-27T00:32:00.999-07:00", "1979-05-27", "07:32:00"];
        let leaf = prop_oneof![
            any::<String>().prop_map(|text| Value::Text(text.into())),
            "[a-z'\"\\\\\t\n\r\u{7f}\u{85}]{0,40}".prop_map(|text| Value::Text(text.into())),
            any::<i64>().prop_map(Value::Integer),
            prop::num::f64::ANY.prop_map(Value::Float),
            any::<bool>().prop_map(Value::Boolean),
            prop::sample::select(times).prop_map(|time| Value::Datetime(time.into())),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5)
                    .prop_map(|items| Value::Array(items.into_iter().map(node).collect())),
                any_table(inner.clone()),
                prop::collection::vec(any_table(inner), 0..4)
                    .prop_map(|items| Value::Array(items.into_iter().map(node).collect())),
            ]
        })
    }

    fn any_table(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
        let name = prop_oneof![3 => "header|query|body|parts|[a-c]{1,2}", 1 => any::<String>()];
        prop::collection::vec((name, value), 0..5).prop_map(|pairs| {
            let mut table = Table::default();
            for (name, value) in pairs {
                if table.get(&name).is_none() {
                    Arc::make_mut(&mut table.entries)
                        .push((Key { name: name.into(), span: nowhere() }, node(value)));
                }
            }
            Value::Table(table)
        })
    }

    fn any_layer() -> impl Strategy<Value = Layer> {
        any_table(any_value()).prop_map(|value| Layer { root: node(value) })
    }

    fn node(value: Value) -> Node {
        Node { value, span: nowhere() }
    }

    fn nowhere() -> Span {
        let mut sources = Sources::new();
        Span { file: sources.add("", ""), range: 0..0 }
    }

    /// Text that is TOML often enough to get behind the parser's door.
    fn any_toml() -> impl Strategy<Value = String> {
        let word = "[\\[\\]{}=.,#\"'\n a-c1-9]|\\[\\[|\\]\\]|a = |\\[a\\]\n|\\[\\[b\\]\\]\n|a\\.b = 1\n|\"\"\"|'''|1e9|0x|inf|true|1979-05-27|\\\\u00|é|\t|\r\n|\u{0}";
        prop_oneof![any::<String>(), prop::collection::vec(word, 0..60).prop_map(|words| words.concat())]
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in any_toml()) {
            let mut sources = Sources::new();
            let file = sources.add("a", text);
            match Layer::parse(&sources, file) {
                Ok(layer) => drop(layer.to_toml()),
                Err(errors) => prop_assert!(!errors.render(&sources).is_empty()),
            }
        }

        #[test]
        fn printing_and_reading_again_gives_the_same(layer in any_layer()) {
            let text = layer.to_toml();
            let again = parse(&text).map_err(|errors| TestCaseError::fail(format!("{errors}\n{text}")))?;
            prop_assert!(same(&layer.root.value, &again.root.value), "{text}");
            prop_assert_eq!(again.to_toml(), text);
        }

        #[test]
        fn an_empty_layer_changes_nothing(layer in any_layer()) {
            let empty = parse("").expect("parses");
            prop_assert!(same(&empty.clone().over(&layer).root.value, &layer.root.value));
            prop_assert!(same(&layer.clone().over(&empty).root.value, &layer.root.value));
        }

        #[test]
        fn what_the_upper_layer_says_stands(over in any_layer(), base in any_layer()) {
            let both = over.clone().over(&base);
            for (key, node) in over.root.table().expect("a table").iter() {
                let merged = both.get(&[&key.name]).expect("every key above");
                prop_assert!(node.table().is_some() || same(&merged.value, &node.value));
            }
        }
    }
}
