//! Where a signature stands and how it is written, beside where the preset looks.

use crate::candidates::{Candidate, Form, Place};
use crate::deviation::Deviation;
use crate::layers;
use countersign::Rejection;
use countersign::config::{Node, Table, Value};

/// Where a signature stands and how it is written, beside where the preset looks.
pub(super) fn placed(
    candidate: &Candidate,
    table: Option<&Table>,
    mode: &str,
    refused: Option<&Rejection>,
) -> Deviation {
    let looked = table.and_then(first_source);
    let text =
        |key: &str| looked.and_then(|table| table.get(key)).and_then(Node::text).map(|text| text.to_string());
    let same_header = matches!((&candidate.place, text("header")), (Place::Header(there), Some(name)) if there.eq_ignore_ascii_case(&name));
    let before = candidate.before.trim_matches(['"', '\'', ' ', '\t']);
    let cut = match (
        before.is_empty(),
        before.rsplit_once([',', ';', ' ']).map_or(before, |(_, last)| last).trim_end_matches('='),
    ) {
        (true, _) => String::new(),
        (false, key)
            if before.ends_with('=')
                && (before.contains([',', ';']) || candidate.after.contains([',', ';'])) =>
        {
            format!(", extract = \"kv_pairs\", key = {}", layers::quoted(key))
        }
        (false, _) => format!(", extract = \"prefix\", prefix = {}", layers::quoted(before)),
    };
    let patch = format!(
        "[{mode}]\nsignature_source = {{ {}{cut}, encoding = \"{}\" }}\n",
        candidate.place.toml(),
        candidate.encoding
    );
    let place = candidate.place.words();
    let advice = "write the preset so, if that is how the provider says it signs";
    let encoding =
        looked.and_then(|table| table.get("encoding")).and_then(Node::text).map(|text| text.to_string());
    let deviation = match candidate.form {
        Form::Der => Deviation::new(
            "signature/raw-numbers",
            0,
            format!("the signature in {place} is two numbers beside one another, and the preset takes DER"),
            advice,
        ),
        Form::Raw => Deviation::new(
            "signature/der",
            0,
            format!("the signature in {place} is DER, and the preset takes two numbers beside one another"),
            advice,
        ),
        Form::AsItStands if !same_header => {
            let says = match text("header") {
                Some(name) => {
                    format!("the signature stands in {place}, and the preset looks in header `{name}`")
                }
                None => format!("the signature stands in {place}, and not where the preset looks"),
            };
            Deviation::new(
                "signature/place",
                0,
                says,
                "look whether something renames it, or change the preset",
            )
        }
        Form::AsItStands if encoding.as_deref().is_some_and(|encoding| encoding != candidate.encoding) => {
            let says = format!(
                "the signature in {place} is in {}, and the preset reads {}",
                candidate.encoding,
                encoding.unwrap_or_default()
            );
            Deviation::new("signature/encoding", 0, says, advice)
        }
        Form::AsItStands => {
            let stands = match (before, candidate.after.as_str()) {
                ("", "") => "there is nothing before it".to_owned(),
                ("", after) => format!("`{}` stands behind it", shown(after)),
                (before, _) => format!("`{}` stands before it", shown(before)),
            };
            let why = refused
                .and_then(|rejection| rejection.detail.as_ref())
                .map_or_else(String::new, |detail| format!(" ({})", detail.text));
            let says = format!("the signature in {place} is not cut out as the preset says: {stands}{why}");
            Deviation::new("signature/cut", 0, says, advice)
        }
    };
    deviation.patch(patch)
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}

/// The first place where a table looks for its signature.
fn first_source(table: &Table) -> Option<&Table> {
    match &table.get("signature_source")?.value {
        Value::Table(table) => Some(table),
        Value::Array(items) => items.first()?.table(),
        _ => None,
    }
}
