//! A body that was parsed and printed again.

use super::{Now, body};
use crate::faults::bodies::Kind;
use crate::faults::inject::Fault;
use crate::faults::json::{self, Json, can_be_had_back, style};

/// What becomes of the members of an object.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Order {
    Kept,
    Sorted,
    /// As in JavaScript, where names that are array indices come first.
    IndicesFirst,
}

/// Somebody's parser and printer.
struct Printer {
    code: &'static str,
    weight: usize,
    style: &'static str,
    numbers: fn(&str) -> String,
    order: Order,
    newline: bool,
}

const fn printer(
    code: &'static str,
    weight: usize,
    style: &'static str,
    numbers: fn(&str) -> String,
    order: Order,
) -> Printer {
    Printer { code, weight, style, numbers, order, newline: false }
}

const PRINTERS: &[Printer] = &[
    // `express.json()` and then `JSON.stringify(req.body)`: no other cause has more threads.
    printer("body/json-stringify", 10, "compact", json::javascript, Order::IndicesFirst),
    printer("body/json-stringify-2", 3, "pretty-2", json::javascript, Order::IndicesFirst),
    printer("body/json-stringify-4", 1, "pretty-4", json::javascript, Order::IndicesFirst),
    printer("body/python-dumps", 6, "python", json::python, Order::Kept),
    printer("body/python-dumps-compact", 3, "python-compact", json::python, Order::Kept),
    printer("body/python-dumps-unicode", 3, "python-unicode", json::python, Order::Kept),
    printer("body/python-dumps-indented", 1, "python-pretty-4", json::python, Order::Kept),
    printer("body/python-dumps-sorted", 1, "python", json::python, Order::Sorted),
    printer("body/php-json-encode", 5, "php", json::php, Order::Kept),
    printer("body/php-json-encode-unicode", 2, "php-unicode", json::php, Order::Kept),
    printer("body/php-json-encode-pretty", 1, "php-pretty", json::php, Order::Kept),
    printer("body/ruby-generate", 3, "compact", json::python, Order::Kept),
    printer("body/rails-to-json", 3, "go", json::python, Order::Kept),
    printer("body/go-marshal", 3, "go", json::javascript, Order::Sorted),
    Printer { newline: true, ..printer("body/go-encoder", 1, "go", json::javascript, Order::Sorted) },
    printer("body/go-compact", 1, "compact", json::as_it_was, Order::Kept),
    printer("body/dotnet-serialize", 3, "dotnet", json::as_it_was, Order::Kept),
    printer("body/dotnet-newtonsoft", 2, "compact", json::python, Order::Kept),
    printer("body/java-jackson", 3, "compact", json::java, Order::Kept),
    printer("body/java-gson", 2, "gson", json::as_it_was, Order::Kept),
    printer("body/java-gson-of-doubles", 1, "gson", json::pointed, Order::Kept),
    // An inspector, a tunnel's page, a test tool: printed for people and sent again.
    printer("body/printed-for-people", 3, "pretty-2", json::as_it_was, Order::Kept),
    printer("body/printed-with-tabs", 1, "pretty-tab", json::as_it_was, Order::Kept),
];

const JSON: &[Kind] = &[Kind::Json];

pub(super) fn faults() -> Vec<Fault> {
    let printed = PRINTERS.iter().map(|printer| {
        body(printer.code, printer.weight, JSON, |bytes| match Json::parse(bytes) {
            Some(tree) => judged(printer.print(tree), bytes),
            None => Now::Unfit,
        })
    });
    printed.chain(lossy()).collect()
}

/// What the values of the new body allow to be had back.
pub(super) fn judged(printed: Vec<u8>, original: &[u8]) -> Now {
    match Json::parse(&printed) {
        _ if printed == original => Now::Unfit,
        Some(tree) if can_be_had_back(&tree, original) => Now::Is(printed),
        _ => Now::Lost,
    }
}

impl Printer {
    fn print(&self, tree: Json) -> Vec<u8> {
        let tree = tree.numbers(self.numbers);
        let tree = match self.order {
            Order::Kept => tree,
            Order::Sorted => tree.sorted(),
            Order::IndicesFirst => indices_first(tree),
        };
        let mut bytes = tree.print(style(self.style));
        if self.newline {
            bytes.push(b'\n');
        }
        bytes
    }
}

fn indices_first(tree: Json) -> Json {
    match tree {
        Json::List(items) => Json::List(items.into_iter().map(indices_first).collect()),
        Json::Object(members) => {
            let is_index = |name: &str| name.parse::<u32>().is_ok_and(|index| index.to_string() == name);
            let mut members: Vec<_> =
                members.into_iter().map(|(name, item)| (name, indices_first(item))).collect();
            members.sort_by_key(
                |(name, _)| if is_index(name) { name.parse().unwrap_or(u32::MAX) } else { u32::MAX },
            );
            Json::Object(members)
        }
        other => other,
    }
}

/// Printed anew with something left out, so that nobody has it.
fn lossy() -> Vec<Fault> {
    let anew = |code, weight, change: fn(Json) -> Json| {
        body(code, weight, JSON, move |bytes| {
            let tree = Json::parse(bytes)?;
            let changed = change(tree.clone());
            (changed != tree).then(|| changed.print(style("compact")))
        })
        .hopeless()
    };
    vec![
        // A validator that knows not all members keeps those that it knows.
        anew("body/members-dropped", 2, Json::without_null),
        anew("body/texts-trimmed", 1, |tree| {
            tree.texts(&|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
        }),
        anew("body/sanitised", 1, |tree| tree.texts(&|text| text.replace(['<', '>'], ""))),
        body("body/object-object", 2, JSON, |_| Some(b"[object Object]".to_vec())).hopeless(),
        body("body/braces-only", 2, JSON, |_| Some(b"{}".to_vec())).hopeless(),
    ]
}
