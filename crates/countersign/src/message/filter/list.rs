//! Filters on lists and pairs.

use std::borrow::Cow;
use std::collections::HashSet;

use super::text::find;
use super::{ELEMENTS, Fault, Lookup, OUTPUT, Pair, TOO_BIG, TOO_MANY, Work};

type Text<'a> = Cow<'a, [u8]>;

/// The parts between separators, not trimmed: one more than there are separators, so that empty text is one
/// empty part.
pub(super) fn split<'a>(text: &Text<'a>, separator: &[u8]) -> Result<Vec<Text<'a>>, Fault> {
    let mut parts = Vec::new();
    let mut start = 0;
    loop {
        let end = find(&text[start..], separator).map(|length| start + length);
        if parts.len() == ELEMENTS {
            return Err(TOO_MANY);
        }
        let range = start..end.unwrap_or(text.len());
        parts.push(match text {
            Cow::Borrowed(text) => Cow::Borrowed(&text[range]),
            Cow::Owned(text) => Cow::Owned(text[range].to_vec()),
        });
        match end {
            Some(end) => start = end + separator.len(),
            None => return Ok(parts),
        }
    }
}

/// Each name, spelled as in the list, with the value of the header of that name. One that is not there makes
/// the whole absent.
pub(super) fn lookup_headers<'a>(
    names: Vec<Text<'a>>,
    lookup: &dyn Lookup<'a>,
) -> Result<Vec<Pair<'a>>, Fault> {
    look_up(names, |name| lookup.header(name)?.ok_or(Fault::Absent))
}

/// Each name with the scalar below `base` in the body that it points to, a dot in the name being a step down.
pub(super) fn lookup_json<'a>(
    names: Vec<Text<'a>>,
    base: &str,
    lookup: &dyn Lookup<'a>,
) -> Result<Vec<Pair<'a>>, Fault> {
    look_up(names, |name| {
        let name =
            std::str::from_utf8(name).map_err(|_| Fault::Malformed("a field name that is not UTF-8"))?;
        let path = name.replace('~', "~0").replace('/', "~1").replace('.', "/");
        lookup.json(&format!("{base}/{path}"))?.ok_or(Fault::Absent)?.into_bytes()
    })
}

/// `name SEPARATOR value` for each pair. If they will be joined with `between`, what is joined has one reading: a name holds
/// neither of the two, and a value may hold `between`, but not a separator behind it.
pub(super) fn pairs<'a>(
    pairs: &[Pair<'a>],
    separator: &[u8],
    between: &[u8],
) -> Result<Vec<Text<'a>>, Fault> {
    let size: usize = pairs.iter().map(|(name, value)| name.len() + separator.len() + value.len()).sum();
    if size > OUTPUT {
        return Err(TOO_BIG);
    }
    let holds = |text: &[u8], part: &[u8]| find(text, part).is_some();
    let as_two = |(name, value): &Pair<'_>| {
        let second = |at: usize| holds(&value[at + between.len()..], separator);
        holds(name, separator) || holds(name, between) || find(value, between).is_some_and(second)
    };
    if !separator.is_empty() && !between.is_empty() && pairs.iter().any(as_two) {
        return Err(Fault::Malformed("a name or value that could be read as two"));
    }
    Ok(pairs.iter().map(|(name, value)| Cow::Owned([&name[..], separator, &value[..]].concat())).collect())
}

pub(super) fn join<'a>(mut items: Vec<Text<'a>>, separator: &[u8]) -> Result<Text<'a>, Fault> {
    if items.len() == 1 {
        return Ok(items.remove(0));
    }
    if items.iter().map(|item| item.len() + separator.len()).sum::<usize>() > OUTPUT + separator.len() {
        return Err(TOO_BIG);
    }
    Ok(Cow::Owned(items.join(separator)))
}

/// `sort`, `unique`, `drop_empty`, `except` on a list.
pub(super) fn thin_list<'a>(work: &Work, mut items: Vec<Text<'a>>) -> Vec<Text<'a>> {
    match work {
        Work::Sort => items.sort(),
        Work::Unique => {
            let mut seen = HashSet::new();
            items.retain(|item| seen.insert(item.clone()));
        }
        Work::DropEmpty => items.retain(|item| !item.is_empty()),
        Work::Except(names) => items.retain(|item| !names.iter().any(|name| *name == **item)),
        _ => {}
    }
    items
}

/// The same on pairs: sorted by name, then value; equal in both; empty in the value; named so.
pub(super) fn thin_pairs<'a>(work: &Work, mut pairs: Vec<Pair<'a>>) -> Vec<Pair<'a>> {
    match work {
        Work::Sort => pairs.sort(),
        Work::Unique => {
            let mut seen = HashSet::new();
            pairs.retain(|pair| seen.insert(pair.clone()));
        }
        Work::DropEmpty => pairs.retain(|(_, value)| !value.is_empty()),
        Work::Except(names) => pairs.retain(|(name, _)| !names.iter().any(|other| *other == **name)),
        _ => {}
    }
    pairs
}

fn look_up<'a>(
    names: Vec<Text<'a>>,
    find: impl Fn(&[u8]) -> Result<Text<'a>, Fault>,
) -> Result<Vec<Pair<'a>>, Fault> {
    let mut size = 0;
    let mut found = Vec::with_capacity(names.len());
    for name in names {
        let value = find(&name)?;
        size += name.len() + value.len();
        if size > OUTPUT {
            return Err(TOO_BIG);
        }
        found.push((name, value));
    }
    Ok(found)
}
