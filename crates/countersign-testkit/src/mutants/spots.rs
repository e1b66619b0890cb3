//! Where in a delivery the preset's places find something, read from the preset's own tree, so that exactly that can be
//! changed.
//!
//! This is a second, naive reading of `signature_source` and its like, on purpose: what finds the text to damage must
//! not be what is being tested. What it cannot read (`clean`, a regular expression) it leaves alone, and the mutants
//! that need it are not made.

use super::json;
use crate::vectors::Delivery;
use countersign::config::{Node, Table, Value};
use std::collections::BTreeSet;
use std::ops::Range;

impl Spot {
    /// Which of the delivery's headers it stands in.
    pub(crate) fn header(&self) -> Option<usize> {
        match &self.site {
            Site::Header { index, .. } => Some(*index),
            _ => None,
        }
    }
}

/// Where something may stand, as the preset says.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) at: At,
    list: Option<String>,
    cut: Cut,
    pub(crate) encoding: Option<String>,
    pub(crate) repeat: bool,
    pub(crate) first_present: bool,
    readable: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum At {
    Header(String),
    Query(String),
    Form(String),
    Json(String),
}

#[derive(Clone, Debug)]
enum Cut {
    Raw,
    Prefix(String),
    Pairs { between: String, separator: String, key: String },
}

/// One text that a place finds.
#[derive(Clone, Debug)]
pub(crate) struct Spot {
    site: Site,
    /// What stands before the text and stays, where it is no part of the site.
    lead: String,
    /// Which of the places.
    pub(crate) place: usize,
    /// What stands there, decoded from JSON or percent-escapes.
    pub(crate) text: String,
    /// The first word of the place's `encoding`.
    pub(crate) encoding: Option<String>,
}

#[derive(Clone, Debug)]
enum Site {
    /// The text, the item around it, and what stands between items; `None`: the header holds one.
    Header {
        index: usize,
        text: Range<usize>,
        item: Range<usize>,
        between: Option<String>,
    },
    /// The value, with its quotes if it has any.
    Json {
        range: Range<usize>,
        quoted: bool,
    },
    Query(Range<usize>),
    Form(Range<usize>),
}

/// The places at a key of the mode's table and of all its cases.
pub(crate) fn places(mode: &Table, key: &str) -> Vec<Place> {
    let each = mode.get("each").and_then(Node::text).map(|each| &**each);
    let cases = mode.get("case").into_iter().flat_map(tables).filter_map(|case| case.get(key));
    mode.get(key)
        .into_iter()
        .chain(cases)
        .flat_map(tables)
        .filter_map(|place| Place::read(place, each))
        .collect()
}

/// A table, or the tables of an array.
pub(crate) fn tables(node: &Node) -> Vec<&Table> {
    match &node.value {
        Value::Table(table) => vec![table],
        Value::Array(items) => items.iter().filter_map(Node::table).collect(),
        _ => Vec::new(),
    }
}

impl Place {
    fn read(table: &Table, each: Option<&str>) -> Option<Self> {
        let text = |key: &str| table.get(key).and_then(Node::text).map(|text| text.to_string());
        let truth = |key: &str| matches!(table.get(key).map(|node| &node.value), Some(Value::Boolean(true)));
        let at = None
            .or_else(|| text("header").map(|name| At::Header(name.to_ascii_lowercase())))
            .or_else(|| text("query").map(At::Query))
            .or_else(|| text("form").map(At::Form))
            .or_else(|| text("json").map(At::Json))
            .or_else(|| {
                text("item").map(|pointer| At::Json(format!("{}{pointer}", each.unwrap_or_default())))
            })?;
        let word = |key: &str, default: &str| text(key).unwrap_or_else(|| default.into());
        let extract = word("extract", "raw");
        let cut = match &*extract {
            "prefix" => Cut::Prefix(word("prefix", "")),
            "scheme" => Cut::Prefix(format!("{} ", word("scheme", ""))),
            "kv_pairs" => Cut::Pairs {
                between: word("pair_separator", ","),
                separator: word("separator", "="),
                key: word("key", ""),
            },
            _ => Cut::Raw,
        };
        let encoding = table.get("encoding").and_then(|node| match &node.value {
            Value::Array(words) => words.first().and_then(Node::text).map(|word| word.to_string()),
            _ => node.text().map(|word| word.to_string()),
        });
        Some(Place {
            at,
            list: text("list"),
            cut,
            encoding,
            repeat: truth("repeat"),
            first_present: truth("first_present"),
            readable: extract != "regex"
                && (text("list").is_none() || table.get("header").is_some())
                && !truth("optional")
                && table.get("clean").is_none()
                && table.get("numbered").is_none(),
        })
    }

    /// Where a plain value stands.
    pub(crate) fn plain(at: At) -> Self {
        Place {
            at,
            list: None,
            cut: Cut::Raw,
            encoding: None,
            repeat: false,
            first_present: false,
            readable: true,
        }
    }

    /// The header's name, if it is one.
    pub(crate) fn header(&self) -> Option<&str> {
        match &self.at {
            At::Header(name) => Some(name),
            _ => None,
        }
    }
}

/// Everything that the places find in a delivery.
pub(crate) fn locate(places: &[Place], delivery: &Delivery) -> Vec<Spot> {
    let mut spots = Vec::new();
    for (index, place) in places.iter().enumerate().filter(|(_, place)| place.readable) {
        let spot = |site, text: String| Spot {
            site,
            lead: String::new(),
            place: index,
            text,
            encoding: place.encoding.clone(),
        };
        // Outside of headers a prefix is all that is cut.
        let led = |site, text: String| {
            let start = match &place.cut {
                Cut::Prefix(_) => cut(&place.cut, &text, 0..text.len())?.start,
                Cut::Raw => 0,
                Cut::Pairs { .. } => return None,
            };
            let (lead, text) = text.split_at(start);
            Some(Spot { lead: lead.to_owned(), ..spot(site, text.to_owned()) })
        };
        match &place.at {
            At::Header(name) => spots.extend(in_headers(place, name, delivery, &spot)),
            At::Query(name) => {
                let start = delivery.url.find('?').map_or(delivery.url.len(), |mark| mark + 1);
                let found = in_pairs(&delivery.url, start, name);
                spots.extend(found.into_iter().filter_map(|(range, text)| led(Site::Query(range), text)));
            }
            At::Form(name) => {
                let body = std::str::from_utf8(&delivery.body).unwrap_or("");
                let found = in_pairs(body, 0, name);
                spots.extend(found.into_iter().filter_map(|(range, text)| led(Site::Form(range), text)));
            }
            At::Json(pointer) => {
                let found = json::locate(&delivery.body, pointer).into_iter();
                spots.extend(
                    found
                        .filter_map(|range| in_json(&delivery.body, range))
                        .filter_map(|(site, text)| led(site, text)),
                );
            }
        }
    }
    spots
}

/// What looks like a signature in headers of these names, where no place says: the longest run of letters, digits and
/// signs of base64 in them, and every other one as long.
pub(crate) fn runs(delivery: &Delivery, names: &BTreeSet<String>) -> Vec<Spot> {
    let run = |b: &u8| b.is_ascii_alphanumeric() || b"+/-_".contains(b);
    let mut spots = Vec::new();
    let headers = delivery.headers.iter().enumerate();
    for (index, (_, value)) in headers.filter(|(_, (name, _))| names.contains(&name.to_ascii_lowercase())) {
        let Ok(value) = std::str::from_utf8(value) else { continue };
        let mut start = 0;
        for part in value.as_bytes().split_inclusive(|b| !run(b)) {
            let mut text = start..start + part.iter().take_while(|b| run(b)).count();
            start += part.len();
            // Signs of equality at an end are padding, and otherwise stand behind a key.
            let padding = value.as_bytes()[text.end..].iter().take_while(|b| **b == b'=').count();
            if !value.as_bytes().get(text.end + padding).is_some_and(run) {
                text.end += padding;
            }
            let found = value[text.clone()].to_owned();
            let encoding = guess(&found).map(str::to_owned);
            let site = Site::Header { index, item: text.clone(), text, between: None };
            spots.push(Spot { site, lead: String::new(), place: 0, text: found, encoding });
        }
    }
    let longest = spots.iter().map(|spot| spot.text.len()).max().filter(|longest| *longest >= SHORTEST_RUN);
    spots.retain(|spot| Some(spot.text.len()) == longest);
    spots
}

/// Eight bytes in hex: nothing shorter is a signature.
const SHORTEST_RUN: usize = 16;

fn guess(text: &str) -> Option<&'static str> {
    if text.len().is_multiple_of(2) && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Some("hex");
    }
    let url = text.contains(['-', '_']);
    // Both signs of one alphabet and of the other: something else, such as a path.
    (!text.contains(['+', '/']) || !url).then_some(if url { "base64url" } else { "base64" })
}

/// The delivery with the text of each spot replaced.
pub(crate) fn replace(delivery: &Delivery, spots: &[Spot], with: &dyn Fn(&Spot) -> String) -> Delivery {
    let mut changed = delivery.clone();
    for spot in from_behind(spots) {
        let text = spot.lead.clone() + &with(spot);
        match &spot.site {
            Site::Header { index, text: range, .. } => {
                changed.headers[*index].1.splice(range.clone(), text.into_bytes());
            }
            Site::Json { range, quoted } => {
                let text = if *quoted { serde_json::Value::from(text).to_string() } else { text };
                changed.body.splice(range.clone(), text.into_bytes());
            }
            Site::Query(range) => changed.url.replace_range(range.clone(), &percent_encode(&text)),
            Site::Form(range) => {
                changed.body.splice(range.clone(), percent_encode(&text).into_bytes());
            }
        }
    }
    changed
}

/// The delivery without these spots: items leave their list, a header without items goes. `None` if one of them stands
/// in no header, and so cannot go without leaving something else.
pub(crate) fn drop(delivery: &Delivery, spots: &[Spot]) -> Option<Delivery> {
    let mut changed = delivery.clone();
    for spot in from_behind(spots) {
        let Site::Header { index, item, between, .. } = &spot.site else { return None };
        let value = &mut changed.headers[*index].1;
        let Some(between) = between else {
            value.clear();
            continue;
        };
        let between = between.as_bytes();
        let mut range = item.clone();
        if value[range.end..].starts_with(between) {
            range.end += between.len();
        } else if value[..range.start].ends_with(between) {
            range.start -= between.len();
        }
        value.drain(range);
    }
    let touched: Vec<usize> = spots
        .iter()
        .filter_map(|spot| match spot.site {
            Site::Header { index, .. } => Some(index),
            _ => None,
        })
        .collect();
    let mut index = 0;
    changed.headers.retain(|(_, value)| {
        index += 1;
        !(touched.contains(&(index - 1)) && value.iter().all(u8::is_ascii_whitespace))
    });
    Some(changed)
}

/// Later ones first, so that the places of earlier ones stay true.
fn from_behind(spots: &[Spot]) -> Vec<&Spot> {
    let mut ordered: Vec<&Spot> = spots.iter().collect();
    ordered.sort_by_key(|spot| match &spot.site {
        Site::Header { text: range, .. }
        | Site::Json { range, .. }
        | Site::Query(range)
        | Site::Form(range) => std::cmp::Reverse(range.start),
    });
    ordered
}

fn in_headers(
    place: &Place,
    name: &str,
    delivery: &Delivery,
    spot: &dyn Fn(Site, String) -> Spot,
) -> Vec<Spot> {
    let mut spots = Vec::new();
    let named = delivery.headers.iter().enumerate().filter(|(_, (n, _))| n.eq_ignore_ascii_case(name));
    for (index, (_, value)) in named {
        let Ok(value) = std::str::from_utf8(value) else { continue };
        for item in split(value, 0..value.len(), place.list.as_deref()) {
            let inner: Vec<Range<usize>> = match &place.cut {
                Cut::Pairs { between, .. } => split(value, item.clone(), Some(between)),
                _ => vec![item.clone()],
            };
            for part in inner {
                let Some(text) = cut(&place.cut, value, trimmed(value, part.clone())) else { continue };
                let (item, between) = match (&place.list, &place.cut) {
                    (Some(between), _) => (item.clone(), Some(between.clone())),
                    (None, Cut::Pairs { between, .. }) => (part, Some(between.clone())),
                    (None, _) => (item.clone(), None),
                };
                let found = value[text.clone()].to_owned();
                spots.push(spot(Site::Header { index, text, item, between }, found));
            }
        }
    }
    spots
}

fn cut(cut: &Cut, value: &str, item: Range<usize>) -> Option<Range<usize>> {
    let text = &value[item.clone()];
    let start = match cut {
        Cut::Raw => 0,
        Cut::Prefix(prefix) => text.starts_with(&**prefix).then_some(prefix.len())?,
        Cut::Pairs { separator, key, .. } => {
            let (found, _) = text.split_once(&**separator)?;
            (found == key).then_some(found.len() + separator.len())?
        }
    };
    Some(item.start + start..item.end)
}

fn split(value: &str, within: Range<usize>, by: Option<&str>) -> Vec<Range<usize>> {
    let Some(by) = by.filter(|by| !by.is_empty()) else { return vec![within] };
    let mut start = within.start;
    let parts = value[within].split(by);
    parts
        .map(|part| {
            let range = start..start + part.len();
            start = range.end + by.len();
            range
        })
        .collect()
}

fn trimmed(value: &str, range: Range<usize>) -> Range<usize> {
    let text = &value[range.clone()];
    let start = range.start + (text.len() - text.trim_start().len());
    start..start + text.trim().len()
}

fn in_json(body: &[u8], range: Range<usize>) -> Option<(Site, String)> {
    let raw = &body[range.clone()];
    match serde_json::from_slice(raw).ok()? {
        serde_json::Value::String(text) => Some((Site::Json { range, quoted: true }, text)),
        serde_json::Value::Number(_) | serde_json::Value::Bool(_) => {
            Some((Site::Json { range, quoted: false }, String::from_utf8(raw.to_vec()).ok()?))
        }
        _ => None,
    }
}

/// The values of a name in `a=b&c=d`, from `start` on.
fn in_pairs(text: &str, start: usize, name: &str) -> Vec<(Range<usize>, String)> {
    let pairs = split(text, start..text.len(), Some("&")).into_iter();
    let named = pairs.filter_map(|pair| {
        let (found, value) = text[pair.clone()].split_once('=')?;
        (percent_decode(found)? == name).then(|| (pair.end - value.len()..pair.end, value))
    });
    named.filter_map(|(range, value)| Some((range, percent_decode(value)?))).collect()
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match (first, after) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, after @ ..]) => {
                bytes.extend(const_hex::decode([*high, *low]).ok()?);
                rest = after;
            }
            (byte, _) => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).ok()
}

fn percent_encode(text: &str) -> String {
    let keep = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    text.bytes().map(|b| if keep(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(at: At, list: Option<&str>, cut: Cut) -> Place {
        let list = list.map(str::to_owned);
        Place { at, list, cut, encoding: None, repeat: false, first_present: false, readable: true }
    }

    fn pairs(key: &str) -> Cut {
        Cut::Pairs { between: ",".into(), separator: "=".into(), key: key.into() }
    }

    #[test]
    fn texts_are_found_replaced_and_dropped() {
        let delivery = Delivery {
            method: "POST".into(),
            url: "https://example.com/?a=1&sig=x%2By".into(),
            headers: vec![
                ("X-List".into(), b"v1,aa v2,bb v1,cc".to_vec()),
                ("X-Pairs".into(), b"t=1, v1=aa,v0=no,v1=bb".to_vec()),
                ("X-Raw".into(), b" aa ".to_vec()),
            ],
            body: br#"{"s":"aa\/b","n":12}"#.to_vec(),
        };
        let header = |name: &str| At::Header(name.into());
        let cases = [
            (place(header("x-list"), Some(" "), Cut::Prefix("v1,".into())), vec!["aa", "cc"]),
            (place(header("x-pairs"), None, pairs("v1")), vec!["aa", "bb"]),
            (place(header("x-raw"), None, Cut::Raw), vec!["aa"]),
            (place(At::Query("sig".into()), None, Cut::Raw), vec!["x+y"]),
            (place(At::Query("sig".into()), None, Cut::Prefix("x+".into())), vec!["y"]),
            (place(At::Json("/s".into()), None, Cut::Prefix("aa/".into())), vec!["b"]),
            (place(At::Json("/s".into()), None, Cut::Prefix("bb".into())), vec![]),
            (place(At::Json("/s".into()), None, Cut::Raw), vec!["aa/b"]),
            (place(At::Json("/n".into()), None, Cut::Raw), vec!["12"]),
        ];
        for (place, wanted) in cases {
            let spots = locate(std::slice::from_ref(&place), &delivery);
            assert_eq!(spots.iter().map(|spot| &*spot.text).collect::<Vec<_>>(), wanted);
            let changed = replace(&delivery, &spots, &|_| "77".into());
            assert!(locate(&[place], &changed).iter().all(|spot| spot.text == "77"));
        }
        let spots = locate(&[place(header("x-list"), Some(" "), Cut::Prefix("v1,".into()))], &delivery);
        let value = |delivery: Option<Delivery>, index: usize| {
            String::from_utf8(delivery.expect("droppable").headers[index].1.clone()).expect("text")
        };
        assert_eq!(value(drop(&delivery, &spots[..1]), 0), "v2,bb v1,cc");
        assert_eq!(value(drop(&delivery, &spots[1..]), 0), "v1,aa v2,bb");
        assert_eq!(value(drop(&delivery, &spots), 0), "v2,bb");
        let raw = locate(&[place(header("x-raw"), None, Cut::Raw)], &delivery);
        assert_eq!(drop(&delivery, &raw).expect("droppable").headers.len(), 2);
    }
}
