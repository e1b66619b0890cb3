//! Every part of a request changed, byte by byte: what verifies still must lie outside of what is said to be bound.
//!
//! Nothing is assumed of where a scheme keeps its signature: a header matters if some change of it is refused. What is
//! claimed of headers is what is read from them, so that a time or an id that changes in a request that verifies still
//! was not bound.

use super::kit::{Kit, Subject};
use super::promises::{
    BODY_IGNORED, Breach, Check, HEADER_CASE, HEADER_DOUBLED, ID_IGNORED, METHOD_IGNORED, QUERY_IGNORED,
    TIME_IGNORED, URL_IGNORED,
};
use super::report::Claim;
use crate::mutants::request::other_text;
use crate::mutants::spots::{self, Place};
use crate::vectors::Case;
use countersign::Binds;
use std::collections::BTreeSet;
use std::fmt;

/// How many parts a case has at most, roughly: what its pace is divided by.
const PARTS: usize = 16;

/// Finds out which headers matter.
pub(super) fn probe(kit: &mut Kit<'_>, subject: &mut Subject<'_>) {
    const PROBES: usize = 24;
    for name in names(subject.case) {
        let mut changes = vec![subject.changed(|case| remove(case, &name))];
        for (index, value) in values(subject.case, &name) {
            let sampled = sample(value.len(), subject.afford(PROBES, PARTS));
            changes.extend(sampled.map(|at| subject.changed(|case| alter(case, index, at))));
        }
        let mut refused = changes.iter().map(|change| {
            kit.ask(Check::Binding, subject, change, format_args!("header `{name}` changed"))
                .is_none_or(|verdict| !verdict.is_ok())
        });
        if refused.any(|refused| refused) {
            subject.matters.insert(name);
        }
    }
    if subject.signatures.is_empty() {
        subject.signatures = spots::runs(&subject.case.request, &subject.matters);
    }
}

/// Every part of the request, changed.
pub(super) fn ask(kit: &mut Kit<'_>, subject: &Subject<'_>) {
    body(kit, subject);
    address(kit, subject);
    for name in names(subject.case) {
        header(kit, subject, &name);
    }
    texts(kit, subject);
}

/// Names in another case, and headers that come twice.
pub(super) fn headers(kit: &mut Kit<'_>, subject: &Subject<'_>) {
    for (how, change) in
        [("upper", str::to_ascii_uppercase as fn(&str) -> String), ("lower", str::to_ascii_lowercase)]
    {
        let changed = subject.changed(|case| {
            case.request.headers.iter_mut().for_each(|(name, _)| *name = change(name));
        });
        let verdict = kit.ask(Check::Headers, subject, &changed, format_args!("header names in {how} case"));
        if let Some(verdict) = verdict.filter(|verdict| !verdict.is_ok()) {
            kit.say(HEADER_CASE, Some(subject.case), format!("names in {how} case: {}", verdict.code));
        }
    }
    let places = [&subject.places.signatures, &subject.places.times, &subject.places.ids];
    let repeats = |name: &str| {
        let named = |place: &Place| place.header().is_some_and(|header| header.eq_ignore_ascii_case(name));
        places.into_iter().flatten().any(|place| named(place) && place.repeat)
    };
    for name in &subject.matters {
        if repeats(name) {
            kit.not_asked(Check::Headers, "a header that the preset lets repeat");
            continue;
        }
        for (how, other) in [
            ("the same again", None),
            ("another value behind it", Some(1)),
            ("another value before it", Some(0)),
        ] {
            let changed = subject.changed(|case| double(case, name, other));
            let verdict =
                kit.ask(Check::Headers, subject, &changed, format_args!("header `{name}` twice, {how}"));
            if verdict.is_some_and(|verdict| verdict.is_ok()) {
                kit.say(
                    HEADER_DOUBLED,
                    Some(subject.case),
                    format!("header `{name}` twice, {how}: it verifies"),
                );
            }
        }
    }
}

/// A part, and what it breaks if it is said to be bound and a change of it verifies.
#[derive(Clone, Copy)]
struct Bound<'n> {
    name: &'n str,
    binds: Binds,
    breach: Breach,
}

/// Judge one change of a part.
fn change(
    kit: &mut Kit<'_>,
    subject: &Subject<'_>,
    part: Bound<'_>,
    changed: &Case,
    what: fmt::Arguments<'_>,
) {
    let Bound { name, binds, breach } = part;
    let Some(verdict) = kit.ask(Check::Binding, subject, changed, what) else { return };
    let claimed = subject.base.binds.contains(binds);
    kit.tried(subject.case, name, if claimed { Claim::Bound } else { Claim::Unbound }, verdict.is_ok());
    if claimed && verdict.is_ok() {
        kit.say(breach, Some(subject.case), format!("{what}: it verifies, and {name} is said to be bound"));
    }
}

fn body(kit: &mut Kit<'_>, subject: &Subject<'_>) {
    const BODY: Bound<'_> = Bound { name: "body", binds: Binds::BODY, breach: BODY_IGNORED };
    let length = subject.case.request.body.len();
    for at in sample(length, subject.afford(kit.options.samples, PARTS)) {
        let changed = subject.changed(|case| case.request.body[at] ^= 1 << ((at * 5 + 3) % 8));
        change(kit, subject, BODY, &changed, format_args!("body, byte {at} changed"));
    }
    for (what, more) in [("a space", " "), ("a line feed", "\n"), ("a NUL", "\0"), ("a letter", "x")] {
        for at in [0, length / 2, length].into_iter().take(if length > 1 { 3 } else { 1 }) {
            let changed =
                subject.changed(|case| case.request.body.splice(at..at, more.bytes()).for_each(drop));
            change(kit, subject, BODY, &changed, format_args!("body, {what} added at byte {at}"));
        }
    }
    if length > 0 {
        for kept in [0, length / 2, length - 1] {
            let changed = subject.changed(|case| case.request.body.truncate(kept));
            change(kit, subject, BODY, &changed, format_args!("body, cut to {kept} bytes"));
        }
    }
}

fn address(kit: &mut Kit<'_>, subject: &Subject<'_>) {
    const METHOD: Bound<'_> = Bound { name: "method", binds: Binds::METHOD, breach: METHOD_IGNORED };
    const HOST: Bound<'_> = Bound { name: "host", binds: Binds::URL, breach: URL_IGNORED };
    const PATH: Bound<'_> = Bound { name: "path", binds: Binds::URL, breach: URL_IGNORED };
    const QUERY: Bound<'_> = Bound { name: "query", binds: Binds::QUERY, breach: QUERY_IGNORED };
    let request = &subject.case.request;
    for method in ["GET", "POST", "PUT", "DELETE"].into_iter().filter(|method| *method != request.method) {
        let changed = subject.changed(|case| case.request.method = method.into());
        change(kit, subject, METHOD, &changed, format_args!("method {method}"));
    }
    let url = &*request.url;
    let query = url.find('?').unwrap_or(url.len());
    let host = url.find("://").map_or(0, |at| at + 3);
    let path = url[host..query].find('/').map_or(query, |at| host + at);
    let mut set = |part, what: fmt::Arguments<'_>, url: String| {
        let changed = subject.changed(|case| case.request.url = url);
        change(kit, subject, part, &changed, what);
    };
    set(HOST, format_args!("another host"), format!("{}x{}", &url[..host], &url[host..]));
    set(HOST, format_args!("another scheme"), url.replacen("://", "x://", 1));
    let slash = if path == query { "/" } else { "" };
    set(PATH, format_args!("a longer path"), format!("{}{slash}x{}", &url[..query], &url[query..]));
    let mark = if query == url.len() { "?" } else { "&" };
    set(QUERY, format_args!("one more parameter"), format!("{url}{mark}added=1"));
    if query < url.len() {
        set(QUERY, format_args!("no query"), url[..query].to_owned());
    }
    for (part, range) in [(PATH, path..query), (QUERY, (query + 1).min(url.len())..url.len())] {
        for at in sample(range.len(), subject.afford(kit.options.samples, PARTS)).map(|at| at + range.start) {
            // Only letters and digits, so that another spelling of the same is never tried.
            if url.as_bytes()[at].is_ascii_alphanumeric() {
                let letter = other_text(&url[at..=at]);
                let other = format!("{}{letter}{}", &url[..at], &url[at + 1..]);
                let changed = subject.changed(|case| case.request.url = other);
                change(
                    kit,
                    subject,
                    part,
                    &changed,
                    format_args!("{}, byte {at} of the URL changed", part.name),
                );
            }
        }
    }
}

/// One header: nothing is claimed of it but what is read from it.
fn header(kit: &mut Kit<'_>, subject: &Subject<'_>, name: &str) {
    let holds = subject.signatures.iter().filter_map(|spot| spot.header());
    let mut holds = holds.map(|index| &*subject.case.request.headers[index].0);
    let claim =
        if holds.any(|held| held.eq_ignore_ascii_case(name)) { Claim::Signature } else { Claim::Unsaid };
    let mut changes = vec![
        ("removed".to_owned(), subject.changed(|case| remove(case, name))),
        ("twice".to_owned(), subject.changed(|case| double(case, name, None))),
    ];
    for (index, value) in values(subject.case, name) {
        let mut put = |what: String, value: Vec<u8>| {
            changes.push((what, subject.changed(|case| case.request.headers[index].1 = value)));
        };
        put("emptied".into(), Vec::new());
        put("a space before it".into(), [b" ", value].concat());
        put("a space behind it".into(), [value, b" "].concat());
        put("a tab behind it".into(), [value, b"\t"].concat());
        put("a NUL behind it".into(), [value, b"\0"].concat());
        put("a NUL and a letter behind it".into(), [value, b"\0x"].concat());
        for at in sample(value.len(), subject.afford(kit.options.samples, PARTS)) {
            changes.push((format!("byte {at} changed"), subject.changed(|case| alter(case, index, at))));
        }
    }
    let part = format!("header {name}");
    for (what, changed) in &changes {
        let what = format_args!("header `{name}`, {what}");
        let Some(verdict) = kit.ask(Check::Binding, subject, changed, what) else { continue };
        kit.tried(subject.case, &part, claim, verdict.is_ok());
        // Of several signatures another one may count now, with a time of its own.
        if !verdict.is_ok() || subject.signatures.len() > 1 {
            continue;
        }
        for (binds, breach, same) in [
            (Binds::TIME, TIME_IGNORED, verdict.signed_at == subject.base.signed_at),
            (Binds::ID, ID_IGNORED, verdict.message_id == subject.base.message_id),
        ] {
            if verdict.binds.contains(binds) && !same {
                let word = binds.words().next().unwrap_or_default();
                let found = format!("{what}: it verifies with another {word}, which is said to be bound");
                kit.say(breach, Some(subject.case), found);
            }
        }
    }
}

/// Time and id, where the preset says where they stand.
fn texts(kit: &mut Kit<'_>, subject: &Subject<'_>) {
    const TIME: Bound<'_> = Bound { name: "time", binds: Binds::TIME, breach: TIME_IGNORED };
    const ID: Bound<'_> = Bound { name: "id", binds: Binds::ID, breach: ID_IGNORED };
    for (part, places) in [(TIME, &subject.places.times), (ID, &subject.places.ids)] {
        let found = spots::locate(places, &subject.case.request);
        if found.is_empty() {
            continue;
        }
        let longest = found.iter().map(|spot| spot.text.len()).max().unwrap_or(0);
        for at in sample(longest, subject.afford(kit.options.samples, PARTS)) {
            let with = |text: &str| match text.get(at..=at) {
                Some(letter) => format!("{}{}{}", &text[..at], other_text(letter), &text[at + 1..]),
                None => format!("{text}0"),
            };
            let request = spots::replace(&subject.case.request, &found, &|spot| with(&spot.text));
            let changed = subject.changed(|case| case.request = request);
            change(kit, subject, part, &changed, format_args!("{}, character {at} changed", part.name));
        }
    }
}

/// At most `most` of so many places, evenly, the first and the last among them.
pub(super) fn sample(length: usize, most: usize) -> impl Iterator<Item = usize> + use<> {
    let count = length.min(most);
    (0..count)
        .map(move |index| if length <= most { index } else { index * (length - 1) / (count - 1).max(1) })
}

/// The names of the headers, in lower case.
fn names(case: &Case) -> BTreeSet<String> {
    case.request.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect()
}

fn values<'c>(case: &'c Case, name: &'c str) -> impl Iterator<Item = (usize, &'c [u8])> {
    let all = case.request.headers.iter().enumerate();
    all.filter(move |(_, (n, _))| n.eq_ignore_ascii_case(name)).map(|(index, (_, value))| (index, &**value))
}

/// Another byte in the place of one: of a letter or digit the next one, for its case may not count.
fn alter(case: &mut Case, index: usize, at: usize) {
    let byte = &mut case.request.headers[index].1[at];
    *byte = match *byte {
        b'0'..=b'8' | b'a'..=b'y' | b'A'..=b'Y' => *byte + 1,
        b'9' => b'1',
        b'z' => b'b',
        b'Z' => b'B',
        other => other ^ 1,
    };
}

fn remove(case: &mut Case, name: &str) {
    case.request.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
}

/// The first header of this name once more behind it, one of the two with another value.
fn double(case: &mut Case, name: &str, other: Option<usize>) {
    let headers = &mut case.request.headers;
    let Some(at) = headers.iter().position(|(n, _)| n.eq_ignore_ascii_case(name)) else { return };
    let twin = headers[at].clone();
    headers.insert(at + 1, twin);
    if let Some(other) = other {
        headers[at + other].1.push(b'x');
    }
}
