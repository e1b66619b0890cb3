//! What filters do, as a phrase behind what they do it to.

use crate::Words;

/// What stands between the bars of a slot: its source, then its filters. A bar behind a backslash is text.
pub(crate) fn parts(slot: &str) -> Vec<String> {
    let (mut parts, mut escaped) = (vec![String::new()], false);
    for c in slot.chars() {
        match c {
            '|' if !escaped => parts.push(String::new()),
            '\\' if !escaped => {}
            c => parts.last_mut().into_iter().for_each(|part| part.push(c)),
        }
        escaped = c == '\\' && !escaped;
    }
    parts
}

impl Words<'_> {
    /// One filter. One that is not known here is told by its name.
    pub(crate) fn filter(&self, filter: &str) -> String {
        let (name, args) = filter.split_once(':').map_or((filter, None), |(name, args)| (name, Some(args)));
        let Some(args) = args else {
            return match name {
                "lower" => "in small letters",
                "upper" => "in capital letters",
                "trim" => "without white space at its ends",
                "reverse" => "turned round",
                "strip_space" => "without white space",
                "hex" => "as hex",
                "unhex" => "read as hex",
                "base64" => "as base64",
                "unbase64" => "read as base64",
                "base64url" => "as base64url",
                "unbase64url" => "read as base64url",
                "percent_decode" => "without percent-encoding",
                "json_string" => "as a JSON string",
                "json_ascii" => "with \\uXXXX for what is not ASCII",
                "md5" => "its MD5",
                "sha1" => "its SHA-1",
                "sha256" => "its SHA-256",
                "sha384" => "its SHA-384",
                "sha512" => "its SHA-512",
                "keccak256" => "its Keccak-256",
                "crc32" => "its CRC-32, in decimal",
                "values" => "the values without their names",
                "sort" => "sorted",
                "unique" => "each once",
                "drop_empty" => "without empty ones",
                "join" => "joined",
                "raw" => "as it was sent",
                "scalars" => "its values",
                "mac" => "its MAC",
                _ => return self.name(filter),
            }
            .into();
        };
        let (first, second) = args.split_once(':').unwrap_or((args, ""));
        match (name, first) {
            ("default", "") => "empty if it is not there".into(),
            ("default", _) => format!("{} if it is not there", self.text(args)),
            ("slice", from) => match (from, second) {
                ("", to) => format!("up to byte {to}"),
                (from, "") => format!("from byte {from} on"),
                (from, to) => format!("from byte {from} up to {to}"),
            },
            ("before", _) => format!("up to the first {}", self.text(args)),
            ("after_last", _) => format!("behind the last {}", self.text(args)),
            ("replace", old) => format!("with {} for {}", self.text(second), self.text(old)),
            ("percent_encode", set) => format!("percent-encoded ({set})"),
            ("percent_decode", _) => format!("without percent-encoding of {}", self.text(args)),
            ("port", "drop") => "without its port".into(),
            ("port", "explicit") => "with its port, default or not".into(),
            ("query", "drop") => "without its query".into(),
            ("split", _) => format!("parted at {}", self.text(args)),
            ("lookup", "header") => "each with the header of that name".into(),
            ("lookup", "json") => format!("each with its value below {}", self.name(second)),
            ("sort", "top") => "its members sorted".into(),
            ("except", _) => format!("without {}", self.name(args)),
            ("pairs", "") => "name and value together".into(),
            ("pairs", _) => format!("each as name {} value", self.text(args)),
            ("join", _) => format!("joined by {}", self.text(args)),
            ("json", _) => format!("{} of it", self.name(args)),
            ("without", _) => format!("without {}", self.name(args)),
            ("print", style) => format!("printed as JSON ({style})"),
            _ => self.name(filter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Voice;
    use countersign::config::Table;

    /// The table of filters in the grammar: a usage and an example in each row.
    const GRAMMAR: &str = include_str!("../../../docs/reference/grammar.md");

    #[test]
    fn every_filter_of_the_grammar_has_its_words() {
        let table = Table::default();
        let words = Words::of(&table, Voice::PLAIN);
        let rows = GRAMMAR.lines().skip_while(|line| !line.starts_with("| filter |")).skip(2);
        let rows: Vec<&str> = rows.take_while(|line| line.starts_with('|')).collect();
        assert!(rows.len() > 30, "the table of filters is found");
        for example in rows.iter().filter_map(|row| row.split('`').nth(3)) {
            assert_ne!(words.filter(example), example, "say in filter.rs what this does");
        }
    }

    #[test]
    fn a_bar_behind_a_backslash_is_text() {
        assert_eq!(parts(r"form|pairs:\||join:\}"), ["form", "pairs:|", "join:}"]);
    }
}
