//! Mutants of everything but the signature: body, address, signed fields, headers.

use super::spots::{self, At, Place};
use super::{Expected, FLIP, Kind, Subject, read};
use crate::vectors::Case;
use countersign::Binds;
use std::collections::BTreeSet;

/// Every bound byte counts, and so does every byte that is not there.
pub(super) fn body(subject: &mut Subject<'_>, flips: usize) {
    const FLIPPED: Kind = (FLIP, "the signature is said to bind the body, and one bit of it does not matter");
    const CUT: Kind =
        ("body-truncated", "the signature is said to bind the body, and its end does not matter");
    const MORE: Kind =
        ("body-extended", "the signature is said to bind the body, and more of it does not matter");
    const EMPTY: Kind = ("body-emptied", "the signature is said to bind the body, and none at all will do");
    if !subject.verdict.binds.contains(Binds::BODY) {
        return;
    }
    let length = subject.case.request.body.len();
    let sampled = length.min(flips);
    for index in 0..sampled {
        // Evenly, the first and the last byte among them.
        let at = if length <= flips { index } else { index * (length - 1) / (sampled - 1).max(1) };
        let bit = (at * 5 + 3) % 8;
        subject.add(FLIPPED, format!("byte {at}, bit {bit}"), Expected::Refused, |case| {
            case.request.body[at] ^= 1 << bit;
        });
    }
    for (changed, more) in [("a line feed", "\n"), ("a space", " "), ("a NUL", "\0"), ("a brace", "}")] {
        subject.add(MORE, changed, Expected::Refused, |case| {
            case.request.body.extend_from_slice(more.as_bytes())
        });
    }
    subject.add(MORE, "a byte order mark before it", Expected::Refused, |case| {
        case.request.body.splice(0..0, *b"\xef\xbb\xbf");
    });
    if length > 0 {
        subject.add(CUT, "without its last byte", Expected::Refused, |case| {
            case.request.body.truncate(length - 1)
        });
        subject.add(CUT, "without its first byte", Expected::Refused, |case| {
            case.request.body.drain(..1).for_each(drop)
        });
        subject.add(EMPTY, "no byte of it", Expected::Refused, |case| case.request.body.clear());
    }
}

/// The method and the URL, as far as they are bound.
pub(super) fn address(subject: &mut Subject<'_>) {
    const METHOD: Kind = ("method-changed", "the signature is said to bind the method");
    const URL: Kind = ("url-changed", "the signature is said to bind scheme, host and path of the URL");
    const QUERY: Kind = ("query-changed", "the signature is said to bind the query");
    let binds = subject.verdict.binds;
    if binds.contains(Binds::METHOD) {
        subject.add(METHOD, "another method", Expected::Refused, |case| {
            case.request.method = if case.request.method == "PUT" { "POST" } else { "PUT" }.into();
        });
    }
    let url = subject.case.request.url.clone();
    let (before, query) = match url.split_once('?') {
        Some((before, query)) => (before.to_owned(), Some(query.to_owned())),
        None => (url.clone(), None),
    };
    let with_query = |before: String| match &query {
        Some(query) => format!("{before}?{query}"),
        None => before,
    };
    if binds.contains(Binds::URL) {
        let slash = if before.matches('/').count() < 3 { "/" } else { "" };
        let other_host = before.replacen("://", "://x", 1);
        subject.add(URL, "a longer path", Expected::Refused, |case| {
            case.request.url = with_query(format!("{before}{slash}x"))
        });
        subject.add(URL, "another host", Expected::Refused, |case| case.request.url = with_query(other_host));
    }
    if binds.contains(Binds::QUERY) {
        let more = if query.is_some() { "&" } else { "?" };
        subject.add(QUERY, "one more parameter", Expected::Refused, |case| {
            case.request.url = format!("{url}{more}added=1")
        });
        if query.as_deref().is_some_and(|query| !query.is_empty()) {
            subject.add(QUERY, "no parameters", Expected::Refused, |case| case.request.url = before.clone());
        }
    }
}

/// The fields that a template names, where the body as a whole is not bound.
pub(super) fn fields(subject: &mut Subject<'_>) {
    const FIELD: Kind =
        ("field-changed", "the preset's template names this field, and another value of it will do as well");
    let Some(mode) = subject.mode() else { return };
    let each = mode.get("each").and_then(|node| node.text()).map_or("", |each| &**each);
    let sources: BTreeSet<String> = read::ever_signed(mode).into_iter().map(|found| found.source).collect();
    for source in &sources {
        let at = match source.split_once(':') {
            Some(("json", pointer)) if !pointer.is_empty() => At::Json(pointer.into()),
            Some(("item", pointer)) => At::Json(format!("{each}{pointer}")),
            Some(("query", name)) => At::Query(name.into()),
            Some(("form", name)) if subject.is_form() => At::Form(name.into()),
            _ => continue,
        };
        for spot in spots::locate(&[Place::plain(at)], &subject.case.request) {
            let changed = spots::replace(&subject.case.request, &[spot], &|spot| other_text(&spot.text));
            subject.add(FIELD, source.clone(), Expected::Refused, |case| case.request = changed);
        }
    }
    // A whole form is signed field by field: its last one stands for all.
    if sources.contains("form") && subject.is_form() && !subject.case.request.body.is_empty() {
        subject.add(FIELD, "the end of the form", Expected::Refused, |case| case.request.body.push(b'x'));
    }
}

/// Every header that is there or is asked for.
pub(super) fn headers(subject: &mut Subject<'_>) {
    const CASE: Kind = ("header-case", "header names have no case");
    const ADDED: Kind = ("unbound-header-added", "a header that the scheme does not name must not matter");
    const UNREAD: Kind = ("unread-header-removed", "a header that was not asked for was needed all the same");
    subject.add(CASE, "upper-case names", Expected::Verified, |case| {
        case.request.headers.iter_mut().for_each(|(name, _)| *name = name.to_ascii_uppercase());
    });
    subject.add(CASE, "lower-case names", Expected::Verified, |case| {
        case.request.headers.iter_mut().for_each(|(name, _)| *name = name.to_ascii_lowercase());
    });
    subject.add(ADDED, "x-added-by-a-proxy", Expected::Verified, |case| {
        case.request.headers.insert(0, ("x-added-by-a-proxy".into(), b"1".to_vec()));
    });
    let present: BTreeSet<String> =
        subject.case.request.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    for name in present.difference(&subject.read.clone()) {
        subject.add(UNREAD, name.clone(), Expected::Verified, |case| remove(case, &[name]));
    }
    places(subject);
    needed(subject, &present);
    contradicted(subject, &present);
}

/// The headers that hold signature, time and id.
fn places(subject: &mut Subject<'_>) {
    const SIGNATURE: [Kind; 3] = [
        ("signature-header-removed", "a request without a signature must never verify"),
        ("signature-header-emptied", "a request with an empty signature must never verify"),
        (
            "signature-header-doubled",
            "a signature header that occurs twice is ambiguous, even if both are alike",
        ),
    ];
    const TIME: [Kind; 3] = [
        ("time-header-removed", "the time is bound, and a request without it verifies"),
        ("time-header-emptied", "the time is bound, and a request with an empty one verifies"),
        ("time-header-doubled", "a time header that occurs twice is ambiguous, even if both are alike"),
    ];
    const ID: [Kind; 3] = [
        ("id-header-removed", "the id is bound, and a request without it verifies"),
        ("id-header-emptied", "the id is bound, and a request with an empty one verifies"),
        ("id-header-doubled", "an id header that occurs twice is ambiguous, even if both are alike"),
    ];
    let binds = subject.verdict.binds;
    let all = [
        (SIGNATURE, subject.signature_places.clone(), true),
        (TIME, subject.time_places.clone(), binds.contains(Binds::TIME)),
        (ID, subject.id_places.clone(), binds.contains(Binds::ID)),
    ];
    for (kinds, places, bound) in all {
        let present: Vec<&Place> =
            places.iter().filter(|place| place.header().is_some_and(|name| subject.has(name))).collect();
        let names: Vec<&str> = present.iter().filter_map(|place| place.header()).collect();
        // Places elsewhere would still hold what the headers lost.
        if names.is_empty() || !bound || places.iter().any(|place| place.header().is_none()) {
            continue;
        }
        let [removed, emptied, doubled] = kinds;
        subject.add(removed, names.join(", "), Expected::Refused, |case| remove(case, &names));
        subject.add(emptied, names.join(", "), Expected::Refused, |case| {
            values(case, &names).for_each(Vec::clear);
        });
        let alone = present.len() == 1 || present[0].first_present;
        for (index, (place, name)) in present.iter().zip(&names).enumerate() {
            let expected = match place.repeat {
                true => Expected::Either,
                false if alone && index == 0 => Expected::Refused,
                false => Expected::Either,
            };
            subject.add(doubled, *name, expected, |case| double(case, name));
        }
    }
}

/// The headers that a template or a requirement names.
fn needed(subject: &mut Subject<'_>, present: &BTreeSet<String>) {
    const REMOVED: Kind = (
        "needed-header-removed",
        "the preset's template or requirements name this header, and it is not needed",
    );
    const EMPTIED: Kind = (
        "needed-header-emptied",
        "the preset's template or requirements name this header, and its value does not matter",
    );
    const DOUBLED: Kind = (
        "needed-header-doubled",
        "a header that is read and occurs twice is ambiguous, even if both are alike",
    );
    let Some(mode) = subject.mode() else { return };
    let named = read::signed(mode).into_iter().chain(read::required(mode)).filter(|found| !found.optional);
    let names: BTreeSet<String> =
        named.filter_map(|found| Some(found.source.strip_prefix("header:")?.to_ascii_lowercase())).collect();
    for name in names.intersection(present) {
        subject.add(REMOVED, name.clone(), Expected::Refused, |case| remove(case, &[name]));
        subject.add(DOUBLED, name.clone(), Expected::Refused, |case| double(case, name));
        if values(&mut subject.case.clone(), &[name]).any(|value| !value.is_empty()) {
            subject.add(EMPTIED, name.clone(), Expected::Refused, |case| {
                values(case, &[name]).for_each(Vec::clear)
            });
        }
    }
}

/// Every other header that was asked for: if its value matters, two values are a contradiction.
fn contradicted(subject: &mut Subject<'_>, present: &BTreeSet<String>) {
    const AGAINST: Kind =
        ("header-contradicted", "another value of this header is refused, but both together are let in");
    const GONE: Kind = ("read-header-removed", "asking whole and in pieces must agree");
    let repeated: Vec<String> = [&subject.signature_places, &subject.time_places, &subject.id_places]
        .into_iter()
        .flatten()
        .filter_map(|place| place.header())
        .map(str::to_owned)
        .collect();
    for name in present.intersection(&subject.read.clone()) {
        subject.add(GONE, name.clone(), Expected::Either, |case| remove(case, &[name]));
        if repeated.contains(name) {
            continue;
        }
        let matters = !subject.try_out(|case| values(case, &[name]).for_each(alter)).is_ok();
        for order in ["after", "before"].into_iter().filter(|_| matters) {
            subject.add(AGAINST, format!("{name}, another value {order} it"), Expected::Refused, |case| {
                double(case, name);
                let names = [name];
                let mut both: Vec<_> = values(case, &names).collect();
                let altered = if order == "after" { both.len() - 1 } else { 0 };
                alter(both[altered]);
            });
        }
    }
}

impl Subject<'_> {
    fn is_form(&self) -> bool {
        let is_form =
            |value: &[u8]| value.to_ascii_lowercase().starts_with(b"application/x-www-form-urlencoded");
        let mut headers = self.case.request.headers.iter();
        headers.any(|(name, value)| name.eq_ignore_ascii_case("content-type") && is_form(value))
    }
}

/// Another text of the same length and shape: its last letter or digit is another.
pub(crate) fn other_text(text: &str) -> String {
    let mut changed: Vec<char> = text.chars().collect();
    match changed.iter_mut().rev().find(|character| character.is_ascii_alphanumeric()) {
        Some(last) => {
            *last = match *last {
                '0'..='8' | 'a'..='y' | 'A'..='Y' => char::from(*last as u8 + 1),
                '9' => '1',
                'z' => 'b',
                _ => 'B',
            }
        }
        None => changed.push('1'),
    }
    changed.into_iter().collect()
}

fn alter(value: &mut Vec<u8>) {
    value.push(b'x');
}

fn values<'v>(case: &'v mut Case, names: &'v [impl AsRef<str>]) -> impl Iterator<Item = &'v mut Vec<u8>> {
    let named = |name: &str| names.iter().any(|wanted| wanted.as_ref().eq_ignore_ascii_case(name));
    case.request.headers.iter_mut().filter(move |(name, _)| named(name)).map(|(_, value)| value)
}

fn remove(case: &mut Case, names: &[impl AsRef<str>]) {
    case.request
        .headers
        .retain(|(name, _)| !names.iter().any(|gone| gone.as_ref().eq_ignore_ascii_case(name)));
}

fn double(case: &mut Case, name: &str) {
    let headers = &mut case.request.headers;
    if let Some(twin) = headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).cloned() {
        headers.push(twin);
    }
}
