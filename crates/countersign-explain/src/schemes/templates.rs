//! Other templates than a preset's: its own with one thing changed, and the shapes that are common.

use super::{Kind, SEPARATORS, Variant};
use crate::atoms::Atom;
use crate::deviation::Deviation;
use crate::layers;
use countersign::config::{Table, Value};

/// A piece of a template.
#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(String),
    /// With its braces.
    Slot(String),
}

/// A template in pieces; `None` if it has optional segments or doubled braces, whose edits would say something else.
fn pieces(template: &str) -> Option<Vec<Piece>> {
    if template.contains(['[', ']'])
        || template.contains("{{")
        || template.contains("}}")
        || template.contains('\\')
    {
        return None;
    }
    let (mut pieces, mut rest) = (Vec::new(), template);
    while let Some(start) = rest.find('{') {
        let end = rest.find('}').filter(|end| *end > start)?;
        if start > 0 {
            pieces.push(Piece::Text(rest[..start].to_owned()));
        }
        pieces.push(Piece::Slot(rest[start..=end].to_owned()));
        rest = &rest[end + 1..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Some(pieces)
}

fn name_of(piece: &Piece) -> &str {
    match piece {
        Piece::Text(text) | Piece::Slot(text) => text,
    }
}

fn joined(pieces: &[Piece]) -> String {
    pieces.iter().map(name_of).collect()
}

/// Other templates than the preset's: its own with one thing changed, and the shapes that are common.
pub(super) fn templates(
    table: &Table,
    mode: &str,
    times: &[Atom],
    ids: &[Atom],
    url: bool,
    variants: &mut Vec<Variant>,
) {
    let own: Vec<String> = match table.get("signed_template").map(|node| &node.value) {
        Some(Value::Text(text)) => vec![text.to_string()],
        Some(Value::Array(items)) => {
            items.iter().filter_map(|item| item.text().map(|text| text.to_string())).collect()
        }
        _ => Vec::new(),
    };
    if own.is_empty() {
        return;
    }
    let mut seen: std::collections::HashSet<String> = own.iter().cloned().collect();
    let mut add = |code: &'static str,
                   rank: u32,
                   says: String,
                   template: String,
                   lines: String,
                   variants: &mut Vec<Variant>| {
        if !seen.insert(format!("{template}{lines}")) {
            return;
        }
        let change = format!("signed_template = {}\n{lines}", layers::quoted(&template));
        let deviation = Deviation::new(
            code,
            rank,
            says,
            "write the preset so, if that is how the provider says it signs",
        )
        .patch(format!("[{mode}]\n{change}"));
        variants.push(Variant::new(deviation, Kind::Template(template, lines)));
    };
    let known = [("{timestamp}", "timestamp_source"), ("{id}", "id_source")];
    let known: Vec<&str> =
        known.iter().filter(|(_, source)| table.get(source).is_some()).map(|(slot, _)| *slot).collect();
    for pieces in own.iter().filter_map(|own| pieces(own)) {
        edits(&pieces, &known, &mut |code, rank, says, template| {
            add(code, rank, says, template, String::new(), variants)
        });
    }
    // Common shapes round a body, in a mode whose content holds no secret.
    let secret = own.iter().any(|own| own.contains("{secret"));
    if secret {
        return;
    }
    let body_only = ["{body}".to_owned()];
    for body in body_only {
        add("message/template", 15, "the body alone was signed".into(), body, String::new(), variants);
    }
    let own_time = own.iter().any(|own| own.contains("{timestamp}"));
    for time in times.iter().take(6) {
        let lines = if own_time { String::new() } else { time.source("timestamp_source") };
        let from = time.words();
        for (index, separator) in SEPARATORS.iter().enumerate() {
            let rank = 30 + index as u32;
            for (words, template) in [
                ("the time and the body", format!("{{timestamp}}{separator}{{body}}")),
                ("the body and the time", format!("{{body}}{separator}{{timestamp}}")),
                ("`v0`, the time and the body", format!("v0{separator}{{timestamp}}{separator}{{body}}")),
                ("`v1`, the time and the body", format!("v1{separator}{{timestamp}}{separator}{{body}}")),
            ] {
                let says = format!("what was signed is {words}{}, the time from {from}", between(separator));
                add("message/template", rank, says, template, lines.clone(), variants);
            }
            for id in ids.iter().take(4) {
                let lines = format!("{lines}{}", id.source("id_source"));
                for template in [
                    format!("{{id}}{separator}{{timestamp}}{separator}{{body}}"),
                    format!("{{timestamp}}{separator}{{id}}{separator}{{body}}"),
                ] {
                    let says = format!(
                        "what was signed is `{}`, the time from {from} and the id from {}",
                        template.replace('\n', "\\n"),
                        id.words()
                    );
                    add("message/template", rank + 10, says, template, lines.clone(), variants);
                }
            }
        }
    }
    for id in ids.iter().take(4) {
        for (index, separator) in SEPARATORS.iter().enumerate() {
            for template in [format!("{{id}}{separator}{{body}}"), format!("{{body}}{separator}{{id}}")] {
                let says = format!(
                    "what was signed is `{}`, the id from {}",
                    template.replace('\n', "\\n"),
                    id.words()
                );
                add("message/template", 45 + index as u32, says, template, id.source("id_source"), variants);
            }
        }
    }
    let addresses = ["{url}", "{path}", "{target}", "{method}{url}", "{method}{path}", "{method}{target}"];
    for (index, address) in addresses.iter().enumerate() {
        for (step, separator) in ["", ".", ":", "\n", "|"].iter().enumerate() {
            let rank = if url { 35 } else { 55 } + (index + step) as u32;
            let address = address.replace("}{", &format!("}}{separator}{{"));
            for template in [
                format!("{address}{separator}{{body}}"),
                format!("{{body}}{separator}{address}"),
                address.clone(),
            ] {
                let says = format!("what was signed is `{}`", template.replace('\n', "\\n"));
                add("message/template", rank, says, template, String::new(), variants);
            }
        }
    }
    for time in times.iter().take(3) {
        let lines = if own_time { String::new() } else { time.source("timestamp_source") };
        for (index, separator) in ["", ".", ":", "\n", "|"].iter().enumerate() {
            for order in [
                "{method}S{target}S{timestamp}S{body}",
                "{timestamp}S{method}S{target}S{body}",
                "{method}S{url}S{timestamp}S{body}",
                "{method}S{url}S{body}S{timestamp}",
                "{method}S{target}S{body}S{timestamp}",
                "{timestamp}S{url}S{body}",
                "{url}S{timestamp}S{body}",
            ] {
                let template = order.replace('S', separator);
                let says = format!(
                    "what was signed is `{}`, the time from {}",
                    template.replace('\n', "\\n"),
                    time.words()
                );
                add("message/template", 60 + index as u32, says, template, lines.clone(), variants);
            }
        }
    }
}

fn between(separator: &str) -> String {
    match separator {
        "" => String::new(),
        "\n" => ", with a newline between them".into(),
        other => format!(", with `{other}` between them"),
    }
}

type Tell<'t> = dyn FnMut(&'static str, u32, String, String) + 't;

/// A template with one thing changed.
fn edits(pieces: &[Piece], known: &[&str], tell: &mut Tell<'_>) {
    let slots: Vec<usize> = (0..pieces.len()).filter(|at| matches!(pieces[*at], Piece::Slot(_))).collect();
    let name = |at: usize| match &pieces[at] {
        Piece::Slot(text) | Piece::Text(text) => text.clone(),
    };
    // Something is signed that the sender leaves out.
    for at in slots.iter().filter(|_| slots.len() > 1) {
        for (from, to) in
            [(*at, *at + 1), (*at, (*at + 2).min(pieces.len())), (at.saturating_sub(1), *at + 1)]
        {
            let rest: Vec<Piece> = pieces[..from].iter().chain(&pieces[to..]).cloned().collect();
            if rest.iter().any(|piece| matches!(piece, Piece::Slot(_))) {
                tell(
                    "message/part-extra",
                    12,
                    format!("`{}` is not signed by the sender", name(*at)),
                    joined(&rest),
                );
            }
        }
    }
    // Something that the sender signs as well, joined as the rest is, or not at all.
    let own = pieces.iter().find_map(|piece| match piece {
        Piece::Text(text) => Some(text.as_str()),
        Piece::Slot(_) => None,
    });
    let more = ["{body}", "{url}", "{method}", "{target}", "{path}"];
    for slot in known
        .iter()
        .chain(&more)
        .filter(|slot| !pieces.iter().any(|piece| *piece == Piece::Slot((**slot).to_owned())))
    {
        for at in 0..=pieces.len() {
            for separator in std::iter::once("").chain(own) {
                let mut changed = pieces.to_vec();
                let (text, slot) = (Piece::Text(separator.to_owned()), Piece::Slot((*slot).to_owned()));
                changed.splice(at..at, if at == 0 { [slot, text] } else { [text, slot] });
                tell(
                    "message/part-lacking",
                    17,
                    format!("the sender signs `{}` as well", name_of(&changed[at + usize::from(at > 0)])),
                    joined(&changed),
                );
            }
        }
    }
    // A literal that the sender does not write, or writes otherwise.
    for at in (0..pieces.len()).filter(|at| matches!(pieces[*at], Piece::Text(_))) {
        for separator in SEPARATORS {
            let mut changed = pieces.to_vec();
            changed[at] = Piece::Text(separator.to_owned());
            let says = format!(
                "the sender signs `{}` where the preset has `{}`",
                separator.replace('\n', "\\n"),
                name(at).replace('\n', "\\n")
            );
            tell("message/separator", 14, says, joined(&changed));
        }
    }
    for separator in SEPARATORS {
        let mut woven = Vec::new();
        for at in &slots {
            if !woven.is_empty() {
                woven.push(Piece::Text(separator.to_owned()));
            }
            woven.push(pieces[*at].clone());
        }
        let says = format!("what is signed is joined otherwise{}", between(separator));
        tell("message/separator", 16, says, joined(&woven));
    }
    // Two that stand the other way round.
    for (index, a) in slots.iter().enumerate() {
        for b in &slots[index + 1..] {
            let mut changed = pieces.to_vec();
            changed.swap(*a, *b);
            tell(
                "message/order",
                18,
                format!("`{}` and `{}` are signed the other way round", name(*a), name(*b)),
                joined(&changed),
            );
        }
    }
    // A digest of the body in its place, or the body in the place of its digest.
    for at in &slots {
        let slot = name(*at);
        if !slot.starts_with("{body") {
            continue;
        }
        let forms = [
            "{body}",
            "{body|sha256|hex}",
            "{body|sha256}",
            "{body|sha256|base64}",
            "{body|md5|hex}",
            "{body|sha1|hex}",
            "{body|sha512|hex}",
            "{body|md5|base64}",
            "{body|base64}",
            "{body|hex}",
            "{body|sha256|hex|upper}",
            "{body|trim}",
            "{body|base64url}",
            "{body|sha256|base64url}",
            "{body|percent_encode:component}",
            "{body|strip_space}",
        ];
        for (rank, form) in forms.iter().enumerate().filter(|(_, form)| **form != slot) {
            let mut changed = pieces.to_vec();
            changed[*at] = Piece::Slot((*form).to_owned());
            tell(
                "message/body-form",
                22 + rank as u32,
                format!("the sender signs `{form}` where the preset has `{slot}`"),
                joined(&changed),
            );
        }
    }
    // Fields that are sorted, escaped or joined in another way.
    for at in &slots {
        let slot = name(*at);
        for form in fields(&slot) {
            let mut changed = pieces.to_vec();
            changed[*at] = Piece::Slot(form.clone());
            tell(
                "message/fields",
                19,
                format!("the sender signs `{form}` where the preset has `{slot}`"),
                joined(&changed),
            );
        }
    }
    // An address in another form.
    for at in &slots {
        let slot = name(*at);
        if !["{url", "{path", "{target", "{host", "{query_string"].iter().any(|word| slot.starts_with(word)) {
            continue;
        }
        for form in [
            "{url}",
            "{path}",
            "{target}",
            "{url|query:drop}",
            "{host}{target}",
            "{host}{path}",
            "{url|port:drop}",
            "{url|percent_encode:component}",
            "{query_string}",
        ] {
            if form == slot {
                continue;
            }
            let mut changed = pieces.to_vec();
            changed[*at] = Piece::Slot(form.to_owned());
            tell(
                "message/url-form",
                26,
                format!("the sender signs `{form}` where the preset has `{slot}`"),
                joined(&changed),
            );
        }
    }
}

/// A placeholder of a list of fields with one filter more, less, or another; none if it is none of such.
fn fields(slot: &str) -> Vec<String> {
    let inner = slot.trim_start_matches('{').trim_end_matches('}');
    let filters: Vec<&str> = inner.split('|').collect();
    let Some(pairs) = filters.iter().position(|filter| filter.starts_with("pairs") || *filter == "values")
    else {
        return Vec::new();
    };
    let written = |filters: &[&str]| format!("{{{}}}", filters.join("|"));
    let mut forms = Vec::new();
    let steps =
        ["sort", "drop_empty", "percent_encode:form", "percent_encode:component", "percent_encode:uri"];
    for step in steps {
        match filters.iter().position(|filter| *filter == step) {
            Some(at) => {
                let mut less = filters.clone();
                less.remove(at);
                forms.push(written(&less));
            }
            None => {
                let mut more = filters.clone();
                more.insert(pairs, step);
                forms.push(written(&more));
            }
        }
    }
    // Names with their values or values alone, and what stands between them.
    for (pair, join) in [
        ("pairs:=", "join:&"),
        ("pairs:", "join"),
        ("values", "join"),
        ("values", "join:|"),
        ("pairs::", "join:,"),
    ] {
        let mut other = filters.clone();
        other.truncate(pairs);
        other.extend([pair, join]);
        forms.push(written(&other));
    }
    forms.retain(|form| form != slot);
    forms
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::atoms;
    use countersign::{Head, Request, Timestamp};

    fn of(own: &str) -> Vec<(&'static str, String, String)> {
        let text = format!(
            "mode = \"hmac\"\n[hmac]\nsigned_template = {}\ntimestamp_source = {{ header = \"x-time\" }}\n",
            layers::quoted(own)
        );
        let preset = layers::parse(&text).unwrap();
        let headers = [("x-time", "1700000000"), ("x-request-id", "evt_1")];
        let request = Request::new(Head::new("POST", "https://h/p", &headers), b"");
        let times = atoms::times(&request, Timestamp::from_unix(1_700_000_000));
        let mut variants = Vec::new();
        templates(
            layers::table(&preset).unwrap(),
            "hmac",
            &times,
            &atoms::ids(&request),
            own.contains("{url"),
            &mut variants,
        );
        let told = |variant: Variant| match variant.change {
            Kind::Template(template, lines) => (variant.deviation.unwrap().code, template, lines),
            _ => unreachable!("templates alone"),
        };
        variants.into_iter().map(told).collect()
    }

    /// The preset's, the sender's, code.
    #[test]
    fn a_template_with_one_thing_changed_is_tried() {
        for (own, signed, code) in [
            ("{timestamp}.{body}", "{timestamp}:{body}", "message/separator"),
            ("{timestamp}.{body}", "{timestamp}\n{body}", "message/separator"),
            ("{timestamp}.{body}", "{timestamp}{body}", "message/separator"),
            ("{timestamp}.{body}", "{body}.{timestamp}", "message/order"),
            ("{timestamp}.{body}", "{body}", "message/part-extra"),
            ("v0:{timestamp}:{body}", "v0:{body}", "message/part-extra"),
            ("{body}", "{timestamp}{body}", "message/part-lacking"),
            ("{timestamp}.{body}", "{timestamp}.{body}.{url}", "message/part-lacking"),
            ("{timestamp}.{body}", "{timestamp}.{body|sha256|hex}", "message/body-form"),
            ("{body|sha256|hex}", "{body}", "message/body-form"),
            ("{url}{body}", "{target}{body}", "message/url-form"),
            ("{url}{form|sort|pairs:|join}", "{url}{form|pairs:|join}", "message/fields"),
            ("{query|pairs:=|join:&}", "{query|sort|pairs:=|join:&}", "message/fields"),
            (
                "{form|sort|pairs:=|join:&}",
                "{form|sort|percent_encode:form|pairs:=|join:&}",
                "message/fields",
            ),
            ("{form|percent_encode:form|pairs:=|join:&}", "{form|pairs:=|join:&}", "message/fields"),
            ("{form|sort|pairs:=|join:&}", "{form|sort|drop_empty|pairs:=|join:&}", "message/fields"),
            ("{form|sort|pairs:=|join:&}", "{form|sort|pairs:|join}", "message/fields"),
            ("{body}", "v1.{timestamp}.{body}", "message/template"),
            ("{body}", "{id}.{timestamp}.{body}", "message/template"),
            ("{body}", "{method}\n{path}\n{body}", "message/template"),
        ] {
            let variants = of(own);
            let codes: Vec<&str> = variants
                .iter()
                .filter(|(_, template, _)| template == signed)
                .map(|(code, _, _)| *code)
                .collect();
            assert!(codes.contains(&code), "{own} {signed}: {codes:?}");
        }
    }

    #[test]
    fn no_template_is_tried_twice_and_the_own_one_not_at_all() {
        for own in ["{body}", "{timestamp}.{body}", "v0:{timestamp}:{body}", "{method}{url}{body|sha256|hex}"]
        {
            let variants = of(own);
            let changes: std::collections::HashSet<(&str, &str)> =
                variants.iter().map(|(_, template, lines)| (&**template, &**lines)).collect();
            assert_eq!(changes.len(), variants.len(), "{own}");
            assert!(!changes.contains(&(own, "")), "{own}");
        }
    }

    #[test]
    fn what_cannot_be_taken_apart_is_let_be() {
        for own in ["{a}[.{b}]", "{{x}}{body}", "a}b{c", "{body"] {
            assert!(pieces(own).is_none(), "{own}");
        }
        assert_eq!(joined(&pieces("v0:{timestamp}:{body}").unwrap()), "v0:{timestamp}:{body}");
        assert!(
            of("{secret}{body}").iter().all(|(code, _, _)| *code != "message/template"),
            "a secret is not left out by chance"
        );
    }
}
