//! Trees of TOML that are written nowhere yet.

use super::json::{Item, Json};
use countersign::Layer;
use countersign::config::{Key, Node, Span, Table, Value};

/// A table that is being written. Every node has the place that it came from.
pub(super) struct Tree<'s> {
    entries: Vec<(Key, Node)>,
    span: &'s Span,
}

impl<'s> Tree<'s> {
    pub(super) fn new(span: &'s Span) -> Self {
        Tree { entries: Vec::new(), span }
    }

    /// One more key; one that has no value is left out.
    pub(super) fn add(&mut self, key: &str, value: impl Into<Option<Value>>) -> &mut Self {
        if let Some(value) = value.into() {
            let span = self.span.clone();
            self.entries.push((Key { name: key.into(), span: span.clone() }, Node { value, span }));
        }
        self
    }

    /// A table in it, unless that is empty.
    pub(super) fn table(&mut self, key: &str, table: Tree<'_>) -> &mut Self {
        let value = (!table.is_empty()).then(|| table.value());
        self.add(key, value)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn value(self) -> Value {
        Value::Table(self.done())
    }

    pub(super) fn done(self) -> Table {
        self.entries.into_iter().collect()
    }

    /// As a text of its own.
    pub(super) fn layer(self) -> Layer {
        let span = self.span.clone();
        Layer::of(self.done(), span)
    }
}

pub(super) fn text(text: &str) -> Value {
    Value::Text(text.into())
}

pub(super) fn list(items: impl IntoIterator<Item = Value>, span: &Span) -> Value {
    Value::Array(items.into_iter().map(|value| Node { value, span: span.clone() }).collect())
}

/// What JSON says, as TOML says it. TOML has no `null`: a member that is `null` is left out, and elsewhere there is none.
pub(super) fn toml(item: &Item) -> Option<Value> {
    Some(match &item.value {
        Json::Null => return None,
        Json::Boolean(truth) => Value::Boolean(*truth),
        Json::Number(digits) => match digits.parse::<i64>() {
            Ok(number) => Value::Integer(number),
            Err(_) => Value::Float(digits.parse().ok()?),
        },
        Json::Text(text) => Value::Text(text.as_str().into()),
        Json::List(items) => list(items.iter().map(toml).collect::<Option<Vec<_>>>()?, &item.span),
        Json::Object(members) => {
            let mut tree = Tree::new(&item.span);
            for (name, item) in members.iter().filter(|(_, item)| !matches!(item.value, Json::Null)) {
                tree.add(&name.text, toml(item)?);
            }
            tree.value()
        }
    })
}
