//! Forms that were read, and written again or not.

use super::{Now, body};
use crate::faults::bodies::{FORMS, Kind, decode, pairs};
use crate::faults::inject::Fault;
use crate::faults::json::{Json, style};

const FORM: &[Kind] = &[Kind::Form];

/// Whether some printer of forms makes the original of these pairs.
fn judged(changed: Vec<u8>, had: &[(String, String)], original: &[u8]) -> Now {
    match FORMS.iter().any(|form| form.print(had) == original) {
        true => Now::Is(changed),
        false => Now::Lost,
    }
}

pub(super) fn faults() -> Vec<Fault> {
    // A servlet's parameters, Rack's, `qs.stringify(req.body)`, `http_build_query($_POST)`.
    let codes = [
        ("body/form-by-urlencoder", 2),
        ("body/form-by-quote-plus", 3),
        ("body/form-by-urlencode", 2),
        ("body/form-by-component", 2),
        ("body/form-by-rfc3986", 1),
        ("body/form-by-httputility", 1),
    ];
    let printed = codes.into_iter().zip(FORMS).map(|((code, weight), form)| {
        body(code, weight, FORM, move |bytes| {
            let pairs = pairs(bytes);
            judged(form.print(&pairs), &pairs, bytes)
        })
    });
    let others = [
        body("body/payload-taken-out", 4, FORM, |bytes| match pairs(bytes).as_slice() {
            [(name, value)] if name == "payload" => judged(value.clone().into_bytes(), &pairs(bytes), bytes),
            _ => Now::Unfit,
        }),
        body("body/form-as-json", 2, FORM, |bytes| {
            let pairs = pairs(bytes);
            let members = pairs.iter().map(|(name, value)| (name.clone(), Json::Text(value.clone())));
            judged(Json::Object(members.collect()).print(style("compact")), &pairs, bytes)
        }),
        body("body/form-decoded", 1, FORM, |bytes| {
            let text = decode(&String::from_utf8_lossy(bytes), true).into_bytes();
            // A text with `&` or `=` in it falls apart, and what was `%2B` is read as a space.
            let had: Vec<_> = String::from_utf8_lossy(&text)
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            judged(text, &had, bytes)
        }),
    ];
    printed.chain(others).collect()
}
