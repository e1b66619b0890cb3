//! Reads an object of an older shape by its words: what is wrong is collected, and what was never asked for is complained of.
//!
//! Not the reader of TOML: here a key has several spellings, a place is a JSON pointer, and what is passed over is said.

use super::json::{Item, Json, Name};
use super::words::{Holds, Word, snake};
use crate::output::plain;
use countersign::config::{Complaints, ConfigCode, ConfigError, Span, nearest, one_of};
use std::cell::RefCell;
use std::ops::RangeInclusive;

/// What was said of a source that is imported all the same.
pub(super) struct Remark {
    /// Where, as a JSON pointer.
    pub(super) at: String,
    /// What could not be carried over, or what is not as good as it might be.
    pub(super) says: String,
    /// What to do about that.
    pub(super) next: String,
}

/// One object that is being read.
pub(super) struct Fields<'a> {
    members: &'a [(Name, Item)],
    span: &'a Span,
    pointer: String,
    words: Vec<&'static Word>,
    /// Other keys, which are taken as they are.
    more: Vec<String>,
    complaints: &'a Complaints,
    remarks: &'a RefCell<Vec<Remark>>,
}

/// A value that was asked for.
#[derive(Clone)]
pub(super) struct Field<'a> {
    pub(super) item: &'a Item,
    pub(super) pointer: String,
    complaints: &'a Complaints,
}

/// One step more of a JSON pointer.
pub(super) fn step(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// A complaint at a place.
pub(super) fn wrong(
    complaints: &Complaints,
    span: &Span,
    pointer: &str,
    says: &str,
    help: impl Into<String>,
) {
    let pointer = if pointer.is_empty() { "the whole" } else { pointer };
    let told =
        ConfigError::at(ConfigCode::MalformedConfig, span.clone(), format!("{}: {says}", plain(pointer)));
    complaints.push(told.help(help));
}

impl<'a> Field<'a> {
    pub(super) fn new(item: &'a Item, pointer: String, complaints: &'a Complaints) -> Self {
        Field { item, pointer, complaints }
    }

    /// Complain of it.
    pub(super) fn wrong(&self, says: &str, help: impl Into<String>) {
        wrong(self.complaints, &self.item.span, &self.pointer, says, help);
    }

    fn mistyped(&self, wanted: &str) {
        let says = format!("this must be {wanted}, but is {}", self.item.value.kind());
        self.wrong(&says, format!("write {wanted}"));
    }

    /// The text that it has to be, not empty.
    pub(super) fn text(&self) -> Option<&'a str> {
        let text = self.item.text();
        match text {
            None => self.mistyped("a text"),
            Some("") => self.wrong("this is empty", "give its value, or leave the key out"),
            Some(_) => {}
        }
        text.filter(|text| !text.is_empty())
    }

    /// One of a closed list, in any case.
    pub(super) fn word<T: Copy>(&self, allowed: &[(&str, T)], help: &str) -> Option<T> {
        let text = self.text()?;
        let found = allowed.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
        if found.is_none() {
            let words = || allowed.iter().map(|(word, _)| *word);
            let says = format!("this must be {}, but is `{}`", one_of(words()), plain(text));
            let near = nearest(text, words()).map(|near| format!("write `{near}`, if that is what is meant"));
            self.wrong(&says, near.unwrap_or_else(|| help.into()));
        }
        found.map(|(_, meaning)| *meaning)
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        match &self.item.value {
            Json::Boolean(truth) => Some(*truth),
            _ => {
                self.mistyped("`true` or `false`");
                None
            }
        }
    }

    pub(super) fn integer(&self, bounds: RangeInclusive<i64>) -> Option<i64> {
        let number = match &self.item.value {
            Json::Number(digits) => digits.parse::<i64>().ok().filter(|number| bounds.contains(number)),
            _ => None,
        };
        if number.is_none() {
            self.mistyped(&format!("a whole number from {} to {}", bounds.start(), bounds.end()));
        }
        number
    }

    /// A list of texts; one alone is a list of one.
    pub(super) fn texts(&self) -> Option<Vec<&'a str>> {
        match &self.item.value {
            Json::Text(_) => Some(vec![self.text()?]),
            Json::List(items) => {
                let texts = items.iter().enumerate().map(|(index, item)| {
                    Field::new(item, format!("{}/{index}", self.pointer), self.complaints).text()
                });
                texts.collect()
            }
            _ => {
                self.mistyped("a list of texts");
                None
            }
        }
    }

    /// The items of a list; anything else is a list of one.
    pub(super) fn items(&self) -> Vec<Field<'a>> {
        match &self.item.value {
            Json::List(items) => {
                let fields = items.iter().enumerate().map(|(index, item)| {
                    Field::new(item, format!("{}/{index}", self.pointer), self.complaints)
                });
                fields.collect()
            }
            _ => vec![self.clone()],
        }
    }

    /// The members of an object.
    pub(super) fn members(&self) -> Option<&'a [(Name, Item)]> {
        if self.item.members().is_none() {
            self.mistyped("an object");
        }
        self.item.members()
    }
}

impl<'a> Fields<'a> {
    /// Of an object; what is none is complained of.
    pub(super) fn new(
        field: &Field<'a>,
        words: &[&'static [Word]],
        remarks: &'a RefCell<Vec<Remark>>,
    ) -> Option<Self> {
        let members = field.members()?;
        let Field { item, pointer, complaints } = field;
        let words = words.iter().flat_map(|words| words.iter()).collect();
        let (span, pointer) = (&item.span, pointer.clone());
        Some(Fields { members, span, pointer, words, more: Vec::new(), complaints, remarks })
    }

    /// Keys that are allowed beside the words.
    pub(super) fn and(mut self, keys: impl IntoIterator<Item = String>) -> Self {
        self.more.extend(keys);
        self
    }

    /// Those keys.
    pub(super) fn more(&self) -> &[String] {
        &self.more
    }

    /// What stands at a word, in whichever spelling; `null` is nothing. Two spellings of one word are complained of.
    pub(super) fn get(&self, name: &str) -> Option<Field<'a>> {
        let mut found = self.members.iter().filter(|(key, item)| {
            self.word(&key.text).is_some_and(|word| word.name == name) && !matches!(item.value, Json::Null)
        });
        let (key, item) = found.next()?;
        if let Some((other, _)) = found.next() {
            let says = format!("`{}` and `{}` say the same thing", plain(&key.text), plain(&other.text));
            wrong(
                self.complaints,
                &other.span,
                &step(&self.pointer, &other.text),
                &says,
                "keep one of the two",
            );
        }
        Some(self.field(key, item))
    }

    /// What stands at a key of [`and`](Self::and).
    pub(super) fn exact(&self, key: &str) -> Option<Field<'a>> {
        let found =
            self.members.iter().find(|(name, item)| name.text == key && !matches!(item.value, Json::Null));
        found.map(|(name, item)| self.field(name, item))
    }

    /// What has to be there.
    pub(super) fn required(&self, name: &str, help: &str) -> Option<Field<'a>> {
        let field = self.get(name);
        if field.is_none() {
            self.wrong(&format!("`{name}` is missing"), help);
        }
        field
    }

    /// The text at a word.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.get(name)?.text()
    }

    /// Complain of the whole.
    pub(super) fn wrong(&self, says: &str, help: impl Into<String>) {
        wrong(self.complaints, self.span, &self.pointer, says, help);
    }

    /// Say something of it.
    pub(super) fn remark(&self, at: &str, says: impl Into<String>, next: impl Into<String>) {
        self.remarks.borrow_mut().push(Remark { at: at.into(), says: says.into(), next: next.into() });
    }

    pub(super) fn span(&self) -> &'a Span {
        self.span
    }

    pub(super) fn complaints(&self) -> &'a Complaints {
        self.complaints
    }

    pub(super) fn remarks(&self) -> &'a RefCell<Vec<Remark>> {
        self.remarks
    }

    /// Complain of every key that is no word here, and say which are passed over.
    pub(super) fn finish(&self) {
        for (key, item) in self.members {
            let pointer = step(&self.pointer, &key.text);
            match self.word(&key.text) {
                None if self.more.contains(&key.text) => {}
                None => self.unknown(key, &pointer),
                Some(word) if word.holds == Holds::Nothing && !matches!(item.value, Json::Null) => {
                    self.remark(&pointer, format!("`{}` is not carried over", plain(&key.text)), word.ours);
                }
                Some(_) => {}
            }
        }
    }

    fn unknown(&self, key: &Name, pointer: &str) {
        let known = || self.words.iter().map(|word| word.name).chain(self.more.iter().map(|key| &**key));
        let spelt = self.words.iter().flat_map(|word| word.spellings().map(|word| -> &str { word }));
        let all = spelt.chain(self.more.iter().map(|key| &**key));
        let says = format!("`{}` is no key here: there is {}", plain(&key.text), one_of(known()));
        let help = match nearest(&snake(&key.text), all) {
            Some(near) => format!("write `{near}`, if that is what is meant"),
            None => "take it out, once you know that nothing needs it".into(),
        };
        wrong(self.complaints, &key.span, pointer, &says, help);
    }

    fn word(&self, key: &str) -> Option<&'static Word> {
        let key = snake(key);
        self.words.iter().copied().find(|word| word.spellings().any(|spelling| spelling == key))
    }

    fn field(&self, key: &Name, item: &'a Item) -> Field<'a> {
        Field::new(item, step(&self.pointer, &key.text), self.complaints)
    }
}
