//! Structured fields, RFC 9651, as far as signatures have to do with them: read without forgiving, written canonically.
//!
//! The standard lets the last of several equal keys win. Here a key that comes twice is an error: two readers of one
//! `Signature-Input` that disagree about which `sig1` is meant are all that an attacker wants.

use sfv::visitor::{
    DictionaryVisitor, EntryVisitor, InnerListVisitor, ItemVisitor, ListVisitor, ParameterVisitor,
};
use sfv::{BareItemFromInput, DictSerializer, ItemSerializer, KeyRef, ListSerializer, Parser};
use std::fmt;

/// A value with its parameters.
pub(crate) struct Item<'v> {
    pub(crate) value: BareItemFromInput<'v>,
    pub(crate) parameters: Parameters<'v>,
}

/// Names and values, in wire order, no name twice.
#[derive(Default)]
pub(crate) struct Parameters<'v>(pub(crate) Vec<(&'v KeyRef, BareItemFromInput<'v>)>);

/// Items in parentheses, with parameters of the whole.
#[derive(Default)]
pub(crate) struct InnerList<'v> {
    pub(crate) items: Vec<Item<'v>>,
    pub(crate) parameters: Parameters<'v>,
}

/// What a dictionary or list holds.
pub(crate) enum Member<'v> {
    Item(Item<'v>),
    List(InnerList<'v>),
}

/// Members by name, in wire order, no name twice.
#[derive(Default)]
pub(crate) struct Dictionary<'v>(pub(crate) Vec<(&'v KeyRef, Member<'v>)>);

/// Members in wire order.
#[derive(Default)]
pub(crate) struct List<'v>(Vec<Member<'v>>);

/// What a whole field is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Dictionary,
    List,
    Item,
}

/// What is wrong with a field, for a person.
const NO_DICTIONARY: &str = "it is no dictionary of structured fields, or names something twice";

impl<'v> Dictionary<'v> {
    pub(crate) fn parse(text: &'v str) -> Result<Self, &'static str> {
        Parser::new(text).parse_dictionary_with_visitor(Dictionary::default()).map_err(|_| NO_DICTIONARY)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Member<'v>> {
        self.0.iter().find(|(name, _)| name.as_str() == key).map(|(_, member)| member)
    }
}

impl Item<'_> {
    /// The one way to write it.
    pub(crate) fn print(&self) -> String {
        let Item { value, parameters } = self;
        let item = ItemSerializer::new().bare_item(value);
        parameters.0.iter().fold(item, |item, (name, value)| item.parameter(name, value)).finish()
    }
}

impl Item<'_> {
    /// The same for all that differ in the order of their parameters alone.
    pub(crate) fn identity(&self) -> String {
        let print = |value: &BareItemFromInput<'_>| ItemSerializer::new().bare_item(value).finish();
        let named = |(name, value): &(&KeyRef, BareItemFromInput<'_>)| format!(";{name}={}", print(value));
        let mut parameters: Vec<String> = self.parameters.0.iter().map(named).collect();
        parameters.sort_unstable();
        print(&self.value) + &parameters.concat()
    }
}

impl InnerList<'_> {
    /// The one way to write it, parameters included.
    pub(crate) fn print(&self) -> String {
        let mut list = ListSerializer::new();
        self.write(list.inner_list());
        list.finish().unwrap_or_default()
    }

    fn write(&self, mut list: sfv::InnerListSerializer<'_>) {
        for Item { value, parameters } in &self.items {
            let item = list.bare_item(value);
            parameters.0.iter().fold(item, |item, (name, value)| item.parameter(name, value));
        }
        let whole = list.finish();
        self.parameters.0.iter().fold(whole, |whole, (name, value)| whole.parameter(name, value));
    }
}

impl Member<'_> {
    /// The one way to write it.
    pub(crate) fn print(&self) -> String {
        match self {
            Member::Item(item) => item.print(),
            Member::List(list) => list.print(),
        }
    }
}

/// A whole field in its one spelling; `None` if it is not of its kind. An empty dictionary or list is an empty text.
pub(crate) fn reprint(text: &str, kind: Kind) -> Option<String> {
    match kind {
        Kind::Item => {
            let mut item = Item::default();
            Parser::new(text).parse_item_with_visitor(&mut item).ok()?;
            Some(item.print())
        }
        Kind::List => {
            let members = Parser::new(text).parse_list_with_visitor(List::default()).ok()?.0;
            let mut list = ListSerializer::new();
            for member in &members {
                match member {
                    Member::List(inner) => inner.write(list.inner_list()),
                    Member::Item(Item { value, parameters }) => {
                        let item = list.bare_item(value);
                        parameters.0.iter().fold(item, |item, (name, value)| item.parameter(name, value));
                    }
                }
            }
            Some(list.finish().unwrap_or_default())
        }
        Kind::Dictionary => {
            let members = Dictionary::parse(text).ok()?.0;
            let mut dictionary = DictSerializer::new();
            for (key, member) in &members {
                match member {
                    Member::List(inner) => inner.write(dictionary.inner_list(key)),
                    Member::Item(Item { value, parameters }) => {
                        let item = dictionary.bare_item(key, value);
                        parameters.0.iter().fold(item, |item, (name, value)| item.parameter(name, value));
                    }
                }
            }
            Some(dictionary.finish().unwrap_or_default())
        }
    }
}

/// Bytes as a field writes them: `:aGk=:`.
pub(crate) fn print_bytes(bytes: &[u8]) -> String {
    ItemSerializer::new().bare_item(bytes).finish()
}

/// A text as a field writes it, `"it"`; `None` if it holds what a field's strings cannot.
pub(crate) fn print_text(text: &str) -> Option<String> {
    Some(ItemSerializer::new().bare_item(sfv::StringRef::from_str(text).ok()?).finish())
}

/// A name that came twice.
#[derive(Debug)]
pub(crate) struct Twice;

impl fmt::Display for Twice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name comes twice")
    }
}

impl std::error::Error for Twice {}

impl Default for Item<'_> {
    fn default() -> Self {
        Item { value: BareItemFromInput::Boolean(true), parameters: Parameters::default() }
    }
}

impl<'v> ParameterVisitor<'v> for &mut Parameters<'v> {
    type Out = ();
    type Error = Twice;

    fn parameter(&mut self, key: &'v KeyRef, value: BareItemFromInput<'v>) -> Result<(), Twice> {
        if self.0.iter().any(|(known, _)| *known == key) {
            return Err(Twice);
        }
        self.0.push((key, value));
        Ok(())
    }

    fn finish(self) -> Result<(), Twice> {
        Ok(())
    }
}

impl<'v> ItemVisitor<'v> for &mut Item<'v> {
    type Out = ();
    type Error = Twice;

    fn bare_item(
        self,
        value: BareItemFromInput<'v>,
    ) -> Result<impl ParameterVisitor<'v, Out = Self::Out>, Twice> {
        self.value = value;
        Ok(&mut self.parameters)
    }
}

impl<'v> InnerListVisitor<'v> for &mut InnerList<'v> {
    type Error = Twice;

    fn item(&mut self) -> Result<impl ItemVisitor<'v>, Twice> {
        Ok(self.items.push_mut(Item::default()))
    }

    fn finish(self) -> Result<impl ParameterVisitor<'v>, Twice> {
        Ok(&mut self.parameters)
    }
}

impl<'v> EntryVisitor<'v> for &mut Member<'v> {
    type Error = Twice;

    fn item(self) -> Result<impl ItemVisitor<'v>, Twice> {
        *self = Member::Item(Item::default());
        match self {
            Member::Item(item) => Ok(item),
            Member::List(_) => Err(Twice),
        }
    }

    fn inner_list(self) -> Result<impl InnerListVisitor<'v>, Twice> {
        *self = Member::List(InnerList::default());
        match self {
            Member::List(list) => Ok(list),
            Member::Item(_) => Err(Twice),
        }
    }
}

impl<'v> DictionaryVisitor<'v> for Dictionary<'v> {
    type Out = Self;
    type Error = Twice;

    fn entry(&mut self, key: &'v KeyRef) -> Result<impl EntryVisitor<'v>, Twice> {
        if self.get(key.as_str()).is_some() {
            return Err(Twice);
        }
        Ok(&mut self.0.push_mut((key, Member::Item(Item::default()))).1)
    }

    fn finish(self) -> Result<Self, Twice> {
        Ok(self)
    }
}

impl<'v> ListVisitor<'v> for List<'v> {
    type Out = Self;
    type Error = Twice;

    fn entry(&mut self) -> Result<impl EntryVisitor<'v>, Twice> {
        Ok(self.0.push_mut(Member::Item(Item::default())))
    }

    fn finish(self) -> Result<Self, Twice> {
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The examples of RFC 9421, sections 2.1.1 and 2.1.2.
    #[test]
    fn fields_are_written_in_one_way() {
        let dictionary = r#"a=1,    b=2;x=1;y=2,   c=(a   b   c), d"#;
        assert_eq!(reprint(dictionary, Kind::Dictionary).unwrap(), "a=1, b=2;x=1;y=2, c=(a b c), d");
        let read = Dictionary::parse(dictionary).unwrap();
        let member = |key| read.get(key).map(Member::print);
        assert_eq!(member("a").unwrap(), "1");
        assert_eq!(member("b").unwrap(), "2;x=1;y=2");
        assert_eq!(member("c").unwrap(), "(a b c)");
        assert_eq!(member("d").unwrap(), "?1");
        assert_eq!(member("e"), None);
        assert_eq!(reprint("a;q=1.0 ,  (b  c);x", Kind::List).unwrap(), "a;q=1.0, (b c);x");
        assert_eq!(reprint("  :aGk:  ", Kind::Item).unwrap(), ":aGk=:");
        assert_eq!(print_bytes(b"hi"), ":aGk=:");
        assert_eq!(print_text("a\"b").unwrap(), r#""a\"b""#);
        assert_eq!(print_text("\u{e9}"), None);
    }

    #[test]
    fn a_name_that_comes_twice_is_refused_wherever_it_stands() {
        for text in ["a=1, a=2", "a=1;x;x", "a=(1;x;x)", "a=(1);x;x", "a=1, b=2, a"] {
            assert!(Dictionary::parse(text).is_err(), "{text}");
        }
        assert!(reprint("a;x;x", Kind::Item).is_none() && reprint("(a;x;x)", Kind::List).is_none());
    }
}
