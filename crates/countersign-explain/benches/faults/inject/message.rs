//! What is signed, put together in another way than the sender does, or out of the wrong places.

use super::{At, Did, Fault, Side};
use crate::faults::deliveries::{NOW, Question};

/// A fault of the template. What it then no longer binds needs no freshness, and no id to know replays by.
fn template(code: &'static str, weight: usize, change: fn(&str) -> Option<String>) -> Fault {
    Fault::new(code, Side::Message, weight, move |question, at, _| {
        let Some(template) = question.set(&["signed_template"]) else { return Did::Unfit };
        match change(&template).filter(|changed| *changed != template) {
            Some(changed) => Did::if_so(set(question, at, &changed)),
            None => Did::Unfit,
        }
    })
}

fn set(question: &mut Question, at: &At<'_>, template: &str) -> bool {
    if !template.contains("{timestamp}") {
        question.layer = question.layer.clone().without("freshness");
    }
    if !template.contains("{id}") {
        question.layer = question.layer.clone().without("replay");
    }
    let quoted = template.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let toml = format!("[{}]\nsigned_template = \"{quoted}\"\nadjacent = \"accepted\"\n", question.mode());
    question.lay(at.registry, &toml)
}

/// A placeholder and the separator behind it, or before it.
fn without(template: &str, placeholder: &str) -> Option<String> {
    let (before, after) = template.split_once(placeholder)?;
    let after = match after.chars().next() {
        Some('{') | None => after,
        Some(mark) => &after[mark.len_utf8()..],
    };
    Some(format!("{before}{after}"))
}

fn swapped(template: &str, one: &str, other: &str) -> Option<String> {
    if !template.contains(one) || !template.contains(other) {
        return None;
    }
    Some(template.replace(one, "\0").replace(other, one).replace('\0', other))
}

/// The one mark between two placeholders, everywhere.
fn separated(template: &str, mark: &str) -> Option<String> {
    let old = template.split_once('}')?.1.split_once('{')?.0;
    (old.len() == 1).then(|| template.replace(&format!("}}{old}{{"), &format!("}}{mark}{{")))
}

pub(crate) fn faults() -> Vec<Fault> {
    [templates(), places()].into_iter().flatten().collect()
}

fn templates() -> Vec<Fault> {
    vec![
        template("message/body-only", 4, |template| {
            (template.contains("{body}") && !template.contains("{secret}")).then(|| "{body}".into())
        }),
        template("message/time-missing", 3, |template| without(template, "{timestamp}")),
        template("message/id-missing", 2, |template| without(template, "{id}")),
        template("message/version-missing", 2, |template| template.strip_prefix("v0:").map(str::to_owned)),
        template("message/separator-missing", 2, |template| separated(template, "")),
        template("message/separator-dot", 2, |template| separated(template, ".")),
        template("message/separator-colon", 2, |template| separated(template, ":")),
        template("message/separator-newline", 1, |template| separated(template, "\n")),
        template("message/time-and-id-swapped", 2, |template| swapped(template, "{timestamp}", "{id}")),
        template("message/time-and-body-swapped", 2, |template| swapped(template, "{timestamp}", "{body}")),
        template("message/url-and-body-swapped", 2, |template| swapped(template, "{url}", "{body}")),
        template("message/url-missing", 3, |template| without(template, "{url}")),
        template("message/body-hashed", 1, |template| {
            template.contains("{body}").then(|| template.replace("{body}", "{body|sha256|hex}"))
        }),
        template("message/newline-behind", 1, |template| {
            template.ends_with("{body}").then(|| format!("{template}\n"))
        })
        // A newline behind the body and a body that has lost its newline are one and the same.
        .expects(&["message/", "body/"]),
    ]
}

fn places() -> Vec<Fault> {
    vec![
        Fault::new("message/time-from-another-header", Side::Message, 3, |question, at, _| {
            other_place(question, at, "timestamp_source", &(NOW - 7).to_string())
        }),
        Fault::new("message/time-from-no-header", Side::Message, 2, |question, at, _| {
            let done = other_place(question, at, "timestamp_source", "");
            question.headers.retain(|(name, _)| name != OTHER);
            done
        }),
        Fault::new("message/id-from-another-header", Side::Message, 2, |question, at, _| {
            other_place(question, at, "id_source", "4c8a2b1e-6a1d-4b0f-9b9e-3f1f8f6a9a10")
        }),
        Fault::new("message/time-in-another-unit", Side::Message, 2, |question, at, _| {
            let format = question.set(&["timestamp_source", "format"]);
            let other = match format.as_deref() {
                Some("unix") => "unix_ms",
                Some("unix_ms") => "unix",
                _ => return Did::Unfit,
            };
            let toml = format!("[{}.timestamp_source]\nformat = \"{other}\"\n", question.mode());
            Did::if_so(question.lay(at.registry, &toml))
        }),
        // Two proxies, each of which adds what the other has added already.
        joined("message/time-joined", 2, "timestamp_source"),
        joined("message/id-joined", 1, "id_source"),
    ]
}

const OTHER: &str = "x-event-info";

fn other_place(question: &mut Question, at: &At<'_>, source: &str, value: &str) -> Did {
    if question.set(&[source, "header"]).is_none() || question.set(&[source, "extract"]).is_some() {
        return Did::Unfit;
    }
    question.set_header(OTHER, value);
    let format = question.set(&[source, "format"]);
    let format = format.map_or_else(String::new, |format| format!(", format = \"{format}\""));
    let toml = format!("[{}]\n{source} = {{ header = \"{OTHER}\"{format} }}\n", question.mode());
    Did::if_so(question.lay(at.registry, &toml))
}

fn joined(code: &'static str, weight: usize, source: &'static str) -> Fault {
    Fault::new(code, Side::Message, weight, move |question, _, _| {
        let named =
            question.set(&[source, "header"]).filter(|_| question.set(&[source, "extract"]).is_none());
        let Some((name, value)) = named.and_then(|name| Some((name.clone(), question.header_text(&name)?)))
        else {
            return Did::Unfit;
        };
        question.set_header(&name, format!("{value}, {value}"));
        Did::Spoilt
    })
    .expects(&["message/", "time/", "id/", "transport/"])
}
