//! Where something stands, and how it is cut out.

use crate::glance::spot;
use crate::tree::{each, is_true, text};
use crate::{Words, glance, tree};
use countersign::TimeFormat;
use countersign::config::{Node, Table, Value};

impl Words<'_> {
    /// Where the signature or the token is, and no more: each place once.
    pub fn spots(&self) -> Vec<String> {
        let spots = glance::once(glance::places(self.table).into_iter().map(|place| self.spot(place)));
        if spots.is_empty() { self.carried().into_iter().collect() } else { spots }
    }

    /// A place, or several: `header x-signature, after "sha256=", hex`.
    pub fn place(&self, node: &Node) -> String {
        let Value::Array(_) = &node.value else {
            return node.table().map_or_else(|| "?".into(), |place| self.one_place(place));
        };
        each(node).into_iter().map(|node| self.place(node)).collect::<Vec<_>>().join(" or ")
    }

    fn one_place(&self, place: &Table) -> String {
        let mut parts = vec![self.spot(place)];
        parts.extend(
            text(place, "clean")
                .map(|filters| filters.split('|').map(|f| self.filter(f)).collect::<Vec<_>>().join(", ")),
        );
        parts.extend(
            text(place, "list").map(|separator| format!("a list parted by {}", self.text(separator))),
        );
        parts.extend(match text(place, "extract") {
            Some("prefix") => text(place, "prefix").map(|prefix| format!("after {}", self.text(prefix))),
            Some("kv_pairs") => text(place, "key").map(|key| format!("the value of {}", self.name(key))),
            Some("scheme") => {
                text(place, "scheme").map(|scheme| format!("credentials of {}", self.name(scheme)))
            }
            Some("regex") => text(place, "pattern")
                .map(|pattern| format!("cut out by {}", self.name(&format!("/{pattern}/")))),
            _ => None,
        });
        parts.extend(
            ["encoding", "format"].iter().filter_map(|key| place.get(key)).map(|node| self.coding(node)),
        );
        parts.extend(text(place, "role").map(|role| format!("for keys of the role {}", self.name(role))));
        parts.join(", ")
    }

    /// Where, and no more.
    fn spot(&self, place: &Table) -> String {
        match (spot(place).map(|(key, name)| (key, self.name(name))), text(place, "from_signature")) {
            (Some(("header", name)), _) => format!("header {name}"),
            (Some(("query", name)), _) => format!("query parameter {name}"),
            (Some(("form", name)), _) => format!("form field {name}"),
            (Some(("json", pointer)), _) => format!("{pointer} of the JSON body"),
            (Some((_, pointer)), _) => format!("{pointer} of the element"),
            (None, Some(field)) => format!("field {} of the same signature", self.name(field)),
            (None, None) if is_true(place, "body") => "the whole body".into(),
            (None, None) => "the body".into(),
        }
    }

    /// An encoding or a format of times, or several.
    fn coding(&self, node: &Node) -> String {
        let one = |word: &str| match TimeFormat::WORDS.iter().find(|(known, _)| *known == word) {
            Some((word, meaning)) => format!("{word} ({meaning})"),
            None => self.word(word),
        };
        match tree::each(node)[..] {
            [node] => node.text().map_or_else(|| "?".into(), |word| one(word)),
            ref nodes => nodes
                .iter()
                .filter_map(|node| node.text())
                .map(|word| self.word(word))
                .collect::<Vec<_>>()
                .join(" / "),
        }
    }

    /// A word of ours as it stands, and another as a name.
    fn word(&self, word: &str) -> String {
        let known = ["hex", "base64", "base64url"].contains(&word) || TimeFormat::from_word(word).is_some();
        if known { word.into() } else { self.name(word) }
    }
}
