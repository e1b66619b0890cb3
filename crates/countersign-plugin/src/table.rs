//! A mode's table as JSON, over the border, and its complaints back.
//!
//! The host writes the tree of the resolved preset; the module reads it into a tree whose nodes know their JSON pointer
//! where those of a file know their line. A complaint crosses as a pointer and a sentence, and the host looks up where
//! that node was written. Order is kept: in a preset it says what may use what.

#[cfg(feature = "host")]
use countersign::config::ConfigCode;
use countersign::config::{ConfigError, ConfigErrors, Key, Node, Sources, Span, Table, Value};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
#[cfg(feature = "host")]
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

/// A tree as JSON. A date or time becomes its text, and what is no number becomes nothing.
#[cfg(feature = "host")]
pub(crate) fn to_json(node: &Node) -> Vec<u8> {
    serde_json::to_vec(&Json(node)).unwrap_or_default()
}

#[cfg(feature = "host")]
struct Json<'a>(&'a Node);

#[cfg(feature = "host")]
impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match &self.0.value {
            Value::Text(text) | Value::Datetime(text) => to.serialize_str(text),
            Value::Integer(integer) => to.serialize_i64(*integer),
            Value::Float(float) => to.serialize_f64(*float),
            Value::Boolean(truth) => to.serialize_bool(*truth),
            Value::Array(items) => to.collect_seq(items.iter().map(Json)),
            Value::Table(table) => {
                let mut map = to.serialize_map(Some(table.len()))?;
                for (key, node) in table.iter() {
                    map.serialize_entry(&*key.name, &Json(node))?;
                }
                map.end()
            }
        }
    }
}

/// A tree read from JSON. Every node and key has a number for its place.
pub(crate) struct Read {
    pub(crate) root: Node,
    pointers: Vec<String>,
}

impl Read {
    /// `None`: it is no JSON, or no table.
    pub(crate) fn json(bytes: &[u8]) -> Option<Self> {
        let mut sources = Sources::new();
        let file = sources.add("config_json", "");
        let places = Places { file: Span { file, range: 0..0 }, pointers: RefCell::default() };
        let mut from = serde_json::Deserializer::from_slice(bytes);
        let root = At { places: &places, pointer: String::new() }.deserialize(&mut from).ok()?;
        from.end().ok()?;
        root.table()?;
        Some(Read { root, pointers: places.pointers.into_inner() })
    }

    /// Complaints about this tree as the lines that cross: pointer, tab, what is wrong, perhaps a tab and what to do.
    pub(crate) fn lines(&self, errors: &ConfigErrors) -> String {
        let one_line = |text: &str| text.replace(['\t', '\n', '\r'], " ");
        let mut lines = String::new();
        for ConfigError { span, message, help, .. } in &errors.0 {
            let place = span.as_ref().and_then(|span| self.pointers.get(span.range.start));
            lines.push_str(place.map_or("", |pointer| pointer));
            lines.push('\t');
            lines.push_str(&one_line(message));
            if let Some(help) = help {
                lines.push('\t');
                lines.push_str(&one_line(help));
            }
            lines.push('\n');
        }
        lines
    }
}

/// Which pointer has which number.
struct Places {
    file: Span,
    pointers: RefCell<Vec<String>>,
}

impl Places {
    fn give(&self, pointer: &str) -> Span {
        let mut pointers = self.pointers.borrow_mut();
        pointers.push(pointer.to_owned());
        let number = pointers.len() - 1;
        Span { file: self.file.file, range: number..number + 1 }
    }
}

/// What reads a node at a pointer.
struct At<'p> {
    places: &'p Places,
    pointer: String,
}

impl At<'_> {
    fn node<E>(&self, value: Value) -> Result<Node, E> {
        Ok(Node { value, span: self.places.give(&self.pointer) })
    }
}

impl<'de> DeserializeSeed<'de> for At<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Node, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for At<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of texts, numbers, booleans, arrays and tables")
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Node, E> {
        self.node(Value::Boolean(truth))
    }

    fn visit_i64<E>(self, integer: i64) -> Result<Node, E> {
        self.node(Value::Integer(integer))
    }

    fn visit_u64<E: serde::de::Error>(self, integer: u64) -> Result<Node, E> {
        let integer = i64::try_from(integer).map_err(|_| E::custom("an integer that does not fit"))?;
        self.node(Value::Integer(integer))
    }

    fn visit_f64<E>(self, float: f64) -> Result<Node, E> {
        self.node(Value::Float(float))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        self.node(Value::Text(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = from.next_element_seed(At {
            places: self.places,
            pointer: format!("{}/{}", self.pointer, items.len()),
        })? {
            items.push(item);
        }
        self.node(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Node, A::Error> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        while let Some(name) = from.next_key::<String>()? {
            if entries.iter().any(|(key, _)| *key.name == *name) {
                return Err(A::Error::custom("a key twice"));
            }
            let pointer = format!("{}/{}", self.pointer, name.replace('~', "~0").replace('/', "~1"));
            // The key itself, as of a relative pointer: a key that nobody knows is complained of where it stands.
            let key = Key { name: name.into(), span: self.places.give(&format!("{pointer}#")) };
            entries.push((key, from.next_value_seed(At { places: self.places, pointer })?));
        }
        self.node(Value::Table(entries.into_iter().collect::<Table>()))
    }
}

/// The complaints in a module's lines, each where its pointer leads in `table`; one that leads nowhere, and one without a
/// pointer, at the table. `clean` makes a text of the module's harmless.
#[cfg(feature = "host")]
pub(crate) fn complaints(lines: &str, table: &Node, clean: &dyn Fn(&str) -> String) -> Vec<ConfigError> {
    let complaint = |line: &str| {
        let mut fields = line.splitn(3, '\t');
        let pointer = fields.next().unwrap_or_default();
        let (says, help) = (fields.next(), fields.next());
        // A line without a tab is all message.
        let (pointer, says) = says.map_or(("", pointer), |says| (pointer, says));
        let error = ConfigError::at(ConfigCode::MalformedConfig, find(table, pointer), clean(says));
        match help.filter(|help| !help.is_empty()) {
            Some(help) => error.help(clean(help)),
            None => error,
        }
    };
    lines.lines().filter(|line| !line.trim().is_empty()).map(complaint).collect()
}

#[cfg(feature = "host")]
fn find(table: &Node, pointer: &str) -> Span {
    let (path, of_key) = match walk(table, pointer) {
        Some(_) => (pointer, false),
        None => (pointer.strip_suffix('#').unwrap_or(pointer), true),
    };
    match (walk(table, path), of_key) {
        (Some((Some(key), _)), true) => key.span.clone(),
        (Some((_, node)), false) => node.span.clone(),
        _ => table.span.clone(),
    }
}

/// The node that a pointer leads to, and its key, if it has one.
#[cfg(feature = "host")]
fn walk<'n>(table: &'n Node, pointer: &str) -> Option<(Option<&'n Key>, &'n Node)> {
    let steps = pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~"));
    steps.into_iter().try_fold((None, table), |(_, node), step| match &node.value {
        Value::Table(table) => {
            table.iter().find(|(key, _)| *key.name == *step).map(|(key, node)| (Some(key), node))
        }
        Value::Array(items) => items.get(step.parse::<usize>().ok()?).map(|node| (None, node)),
        _ => None,
    })
}

/// Variables by name, as a mode's table may use them.
pub(crate) fn var(name: &str) -> countersign::Var {
    countersign::Var::new(Arc::<str>::from(name))
}

#[cfg(all(test, feature = "host"))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use countersign::{Layer, ModeConfig};

    const TEXT: &str = "z = 1\na = \"x\"\n[[rows]]\n\"a/b\" = true\n[[rows]]\nc = [1, 2]\n";

    fn layer(sources: &mut Sources, text: &str) -> Layer {
        let file = sources.add("acme.toml", text);
        Layer::parse(sources, file).unwrap()
    }

    #[test]
    fn a_table_crosses_in_its_order() {
        let layer = layer(&mut Sources::new(), TEXT);
        let json = to_json(layer.root());
        assert_eq!(
            String::from_utf8(json.clone()).unwrap(),
            r#"{"z":1,"a":"x","rows":[{"a/b":true},{"c":[1,2]}]}"#
        );
        assert_eq!(to_json(&Read::json(&json).unwrap().root), json);
        for bad in
            ["", "[]", "{", "{\"a\":1}x", "{\"a\":1,\"a\":2}", "{\"a\":null}", "{\"a\":9223372036854775808}"]
        {
            assert!(Read::json(bad.as_bytes()).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_complaint_finds_its_line_again() {
        let mut sources = Sources::new();
        let layer = layer(&mut sources, TEXT);
        let read = Read::json(&to_json(layer.root())).unwrap();
        let config = ModeConfig::new("acme", read.root.clone(), []);
        let errors = config
            .read(|table| {
                table.integer("z", 5..=9);
                table.text("a");
                for row in table.tables("rows") {
                    row.text("a/b");
                    row.finish();
                }
                Some(())
            })
            .unwrap_err();
        let lines = read.lines(&errors);
        let told = ConfigErrors(complaints(&lines, layer.root(), &str::to_owned));
        let expected = "\
acme.toml:1:5: `z` must be an integer from 5 to 9, but is 1
    z = 1
        ^

acme.toml:4:9: `a/b` must be a text in quotes, but is a boolean
    \"a/b\" = true
            ^^^^
help: write `a/b = \"true\"`

acme.toml:6:1: unknown key `c` in `[acme.rows.2]`, which takes `a/b`
    c = [1, 2]
    ^
help: remove it
";
        assert_eq!(told.render(&sources), expected);
    }

    #[test]
    fn a_pointer_to_nowhere_is_the_table() {
        let layer = layer(&mut Sources::new(), TEXT);
        let told = complaints("/no/where\tbad\n\n/rows/7\tworse\tmend\nbare\n", layer.root(), &str::to_owned);
        assert_eq!(told.len(), 3);
        assert!(told.iter().all(|error| error.span.as_ref() == Some(&layer.root().span)));
        assert_eq!((&*told[2].message, told[1].help.as_deref()), ("bare", Some("mend")));
    }
}
