//! What in a request could be the time, or the id, of a message; and how a preset says where it stands.

use crate::candidates::{Place, texts};
use crate::layers::quoted;
use countersign::{Request, TimeFormat, TimeFormats, Timestamp};

/// A text that could be part of what is signed.
#[derive(Clone, Debug)]
pub(crate) struct Atom {
    pub(crate) place: Place,
    /// What stands before and behind it in the same value.
    pub(crate) cut: Cut,
    pub(crate) text: String,
    /// For a time: how it is written.
    pub(crate) format: Option<&'static str>,
}

/// How a text is cut out of a value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Cut {
    Whole,
    /// Behind a name and `=`, between commas or the like.
    Pair {
        key: String,
        between: char,
    },
}

impl Atom {
    /// As a place of a preset: `timestamp_source = { … }`.
    pub(crate) fn source(&self, key: &str) -> String {
        let cut = match &self.cut {
            Cut::Whole => String::new(),
            Cut::Pair { key, between } => {
                let between = if *between == ',' {
                    String::new()
                } else {
                    format!(", pair_separator = {}", quoted(&between.to_string()))
                };
                format!(", extract = \"kv_pairs\", key = {}{between}", quoted(key))
            }
        };
        let format = self.format.map_or_else(String::new, |format| format!(", format = \"{format}\""));
        format!("{key} = {{ {}{cut}{format} }}\n", self.place.toml())
    }

    /// For people.
    pub(crate) fn words(&self) -> String {
        match &self.cut {
            Cut::Whole => self.place.words(),
            Cut::Pair { key, .. } => format!("`{key}` in {}", self.place.words()),
        }
    }
}

/// Every text that is a time in some format, those of headers first. `now` tells times from other numbers.
pub(crate) fn times(request: &Request<'_>, now: Timestamp) -> Vec<Atom> {
    let formats: Vec<(&'static str, TimeFormats)> = TimeFormat::WORDS
        .iter()
        .filter(|(word, _)| *word != "opaque")
        .filter_map(|(word, _)| Some((*word, TimeFormats::new([TimeFormat::from_word(word)?]).ok()?)))
        .collect();
    let format = |text: &str| {
        let near = |at: Timestamp| at.skew_seconds(now).abs() < 20 * 365 * 86_400;
        formats
            .iter()
            .find_map(|(word, format)| format.parse(text.as_bytes()).filter(|at| near(*at)).map(|_| *word))
    };
    pick(request, 12, &|text| format(text).map(Some))
}

/// Every text that could be an id, those whose names say so first.
pub(crate) fn ids(request: &Request<'_>) -> Vec<Atom> {
    let fits = |text: &str| {
        (4..=128).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.:-".contains(&b))
    };
    let mut ids = pick(request, 60, &|text| fits(text).then_some(None));
    let telling = |atom: &Atom| {
        let name = match (&atom.place, &atom.cut) {
            (_, Cut::Pair { key, .. }) => key,
            (Place::Header(name) | Place::Query(name) | Place::Form(name) | Place::Json(name), _) => name,
        };
        let words = ["id", "nonce", "delivery", "uuid", "guid", "token", "event", "topic", "type"];
        words
            .iter()
            .any(|word| name.to_ascii_lowercase().split(['-', '_', '/']).any(|part| part.ends_with(word)))
    };
    ids.retain(telling);
    ids.truncate(10);
    ids
}

fn pick(request: &Request<'_>, most: usize, is: &dyn Fn(&str) -> Option<Option<&'static str>>) -> Vec<Atom> {
    let mut atoms = Vec::new();
    for (place, text) in texts(request).into_iter().filter(|(_, text)| text.len() <= 4096) {
        if let Some(format) = is(text.trim()) {
            atoms.push(Atom { place: place.clone(), cut: Cut::Whole, text: text.trim().to_owned(), format });
        }
        for between in [',', ';', ' ', '&'] {
            if !text.contains(between) && between != ',' {
                continue;
            }
            for pair in text.split(between) {
                let Some((key, value)) = pair.trim().split_once('=') else { continue };
                if let Some(format) = is(value) {
                    let cut = Cut::Pair { key: key.to_owned(), between };
                    if !atoms.iter().any(|atom: &Atom| atom.place == place && atom.text == value) {
                        atoms.push(Atom { place: place.clone(), cut, text: value.to_owned(), format });
                    }
                }
            }
        }
        if atoms.len() >= most {
            break;
        }
    }
    atoms
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::layers;
    use countersign::Head;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_unix(1_700_000_000);

    fn of(
        headers: &[(&str, &str)],
        url: &str,
        body: &[u8],
        take: fn(&Request<'_>) -> Vec<Atom>,
    ) -> Vec<String> {
        take(&Request::new(Head::new("POST", url, &headers), body))
            .iter()
            .map(|atom| format!("{} {}", atom.source("x").trim_end(), atom.text))
            .collect()
    }

    #[test]
    fn a_time_is_found_wherever_it_stands_and_in_every_format() {
        let times = |headers: &[(&str, &str)], url: &str, body: &[u8]| {
            of(headers, url, body, |request| times(request, NOW))
        };
        for (value, said) in [
            ("1699999999", r#"x = { header = "x-time", format = "unix" } 1699999999"#),
            ("1699999999123", r#"x = { header = "x-time", format = "unix_ms" } 1699999999123"#),
            ("2023-11-14T22:13:20Z", r#"x = { header = "x-time", format = "rfc3339" } 2023-11-14T22:13:20Z"#),
            (
                "Tue, 14 Nov 2023 22:13:20 GMT",
                r#"x = { header = "x-time", format = "http_date" } Tue, 14 Nov 2023 22:13:20 GMT"#,
            ),
            (
                "t=1699999999,v1=ab",
                r#"x = { header = "x-time", extract = "kv_pairs", key = "t", format = "unix" } 1699999999"#,
            ),
            (
                "ts=1699999999;v1=ab",
                r#"x = { header = "x-time", extract = "kv_pairs", key = "ts", pair_separator = ";", format = "unix" } 1699999999"#,
            ),
        ] {
            assert_eq!(times(&[("X-Time", value)], "/", b""), [said], "{value}");
        }
        assert_eq!(times(&[], "/?t=1699999999", b""), [r#"x = { query = "t", format = "unix" } 1699999999"#]);
        assert_eq!(
            times(&[], "/", br#"{"a":{"at":"2023-11-14T22:13:20Z"}}"#),
            [r#"x = { json = "/a/at", format = "rfc3339" } 2023-11-14T22:13:20Z"#]
        );
        assert!(
            times(&[("X-Count", "17"), ("X-Long-Ago", "86400"), ("X-Big", "99999999999999999999")], "/", b"")
                .is_empty()
        );
    }

    #[test]
    fn an_id_is_known_by_its_name() {
        let ids = |headers: &[(&str, &str)]| of(headers, "/", b"", ids);
        assert_eq!(
            ids(&[("X-Request-Id", "evt_1"), ("X-Colour", "blue"), ("Webhook-Nonce", "abcd")]),
            [r#"x = { header = "x-request-id" } evt_1"#, r#"x = { header = "webhook-nonce" } abcd"#,]
        );
        assert!(
            ids(&[("X-Request-Id", "a b c d"), ("X-Id", "abc")]).is_empty(),
            "no id has spaces, or three letters"
        );
    }

    proptest! {
        #[test]
        fn any_request_can_be_asked_about(body in prop::collection::vec(any::<u8>(), 0..60), value in "[ -~]{0,60}", query in "[ -~]{0,40}") {
            let headers = [("x-a", &*value), ("content-type", "application/x-www-form-urlencoded")];
            for few in [&headers[..1], &headers[..]] {
                let url = format!("https://h/p?{query}");
                let request = Request::new(Head::new("POST", &url, &few), &body);
                for atom in times(&request, NOW).iter().chain(&ids(&request)) {
                    prop_assert!(layers::parse(&atom.source("x")).is_some(), "{}", atom.source("x"));
                }
                prop_assert!(crate::candidates::collect(&request).len() <= 100);
            }
        }
    }
}
