//! JSON Schemas of presets and of vectors files, for editors. What a key takes is what the reader says of it, as on the page of
//! preset keys: its words are read here, and words that nobody thought of fail the test.
//!
//! A schema says less than the reader does. Where keys hang together (one place and not two, a prefix for `prefix`), `preset
//! lint` is the judge; and what must be there is asked for in tables of arrays alone, because a preset that is `like` another
//! leaves out what is the same.

use super::schema::{Ask, complaints, known, path, quoted, takes};
use super::tables::{BESIDE, Row, TABLES, Table};
use countersign_testkit::VectorFile;
use serde_json::{Map, Value, json};

/// That of a preset.
pub(crate) fn presets() -> Value {
    let registry = countersign_modes::without_presets().unwrap();
    let mut modes: Vec<&countersign::ModeInfo> = registry.modes().collect();
    // What several have in common bears the name of the one that is built in.
    modes.sort_by_key(|info| info.name != "hmac");
    let mut schema = Schema::default();
    let file = TABLES.iter().find(|table| table.open.is_empty()).unwrap();
    let mut keys = Map::new();
    for row in file.rows.iter().copied().flatten().filter(|(key, ..)| *key != "hmac") {
        let ask = |given: &str, line: &str| complaints("", given, line);
        keys.insert(row.0.into(), schema.key("", "hmac", row, file.given, &ask));
    }
    let names: Vec<&str> = modes.iter().map(|info| &*info.name).collect();
    keys.insert("mode".into(), json!({ "description": about(&("mode", "required", "which mode reads the rest", "")), "enum": names }));
    for info in &modes {
        let table = schema.reference(&info.name, &info.name);
        let title = format!("{}: `countersign mode show {}`", info.summary, info.name);
        keys.insert(info.name.to_string(), json!({ "description": title, "allOf": [table] }));
    }
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A preset of countersign",
        "description": "How one provider signs its webhooks.",
        "type": "object",
        "additionalProperties": false,
        "required": ["schema", "name"],
        "anyOf": [{ "required": ["mode"] }, { "required": ["like"] }],
        "properties": keys,
        "definitions": schema.definitions,
    })
}

/// Tables by name; one that is the same in several modes stands there once.
#[derive(Default)]
struct Schema {
    definitions: Map<String, Value>,
}

impl Schema {
    /// A reference to the table at a path, as a mode takes it.
    fn reference(&mut self, path: &str, mode: &str) -> Value {
        let table = self.table(path, mode);
        let same = self.definitions.iter().find(|(_, known)| **known == table).map(|(name, _)| name.clone());
        let name = same.unwrap_or_else(|| {
            self.definitions.insert(path.into(), table);
            path.into()
        });
        json!({ "$ref": format!("#/definitions/{name}") })
    }

    /// The table at a path: what the mode's reader takes of the rows that there are for it, or for `hmac` at that place.
    fn table(&mut self, at: &str, mode: &str) -> Value {
        let all = tables(at, mode);
        let first = all.first().unwrap_or_else(|| panic!("no table of tests/reference/tables.rs is `{at}`"));
        let in_array = first.open.lines().last().is_some_and(|line| line.starts_with("[["));
        let (mut keys, mut required) = (Map::new(), Vec::new());
        for table in &all {
            let open = opened(table, at, mode);
            let ask = |given: &str, line: &str| complaints(&open, given, line);
            for key in known(at, table.given, &ask) {
                let rows = table.rows.iter().copied().flatten();
                let row = rows.chain(mode_rows()).chain(&BESIDE).find(|(known, ..)| *known == key);
                let row = row
                    .unwrap_or_else(|| panic!("{at}: say in tests/reference/tables.rs what `{key}` means"));
                if in_array && row.1 == "required" && !required.contains(&row.0) {
                    required.push(row.0);
                }
                let schema = self.key(at, mode, row, table.given, &ask);
                // Of two tables at one place each may allow its own.
                let other = keys.get(&key).filter(|other| **other != schema).cloned();
                let schema = match other {
                    Some(other) => json!({ "description": about(row), "anyOf": [other, schema] }),
                    None => schema,
                };
                keys.insert(key, schema);
            }
        }
        let mut object = json!({ "type": "object", "additionalProperties": false, "properties": keys });
        if !required.is_empty() {
            object["required"] = json!(required);
        }
        object
    }

    /// What a key takes.
    fn key(&mut self, at: &str, mode: &str, row: &Row, given: &str, ask: Ask<'_>) -> Value {
        let said = takes(given, row, ask).unwrap_or_else(|says| panic!("{at}: {says}"));
        let inner = inner(at, row.0).filter(|inner| !tables(inner, mode).is_empty());
        let is_table = said.starts_with("a table");
        let table = match inner {
            Some(inner) => self.reference(&inner, mode),
            // Its keys are names that the preset gives.
            None => json!({ "type": "object" }),
        };
        let mut value = match &*said {
            "a table" => table.clone(),
            "a table, or an array of tables" => {
                json!({ "anyOf": [table, { "type": "array", "items": table }] })
            }
            said => of_words(said),
        };
        if !is_table && row.0 == "algorithm" {
            value = json!({ "anyOf": [value, table] });
        }
        if value.get("$ref").is_some() {
            // Beside a reference nothing else is read.
            value = json!({ "allOf": [value] });
        }
        value["description"] = about(row).into();
        value
    }
}

/// The tables at a path: of that mode itself, or else those of `hmac`.
fn tables(at: &str, mode: &str) -> Vec<&'static Table> {
    let named = |wanted: &str| -> Vec<&'static Table> {
        TABLES.iter().filter(|table| !table.open.is_empty() && path(table.open) == wanted).collect()
    };
    let own = named(at);
    match at.strip_prefix(mode) {
        Some(rest) if own.is_empty() => named(&format!("hmac{rest}")),
        _ => own,
    }
}

/// The rows that modes have in common.
fn mode_rows() -> impl Iterator<Item = &'static Row> {
    let of_modes = ["[hmac]", "[token]"];
    TABLES
        .iter()
        .filter(move |table| of_modes.contains(&table.open))
        .flat_map(|table| table.rows.iter().copied().flatten())
}

/// Where the table at a key is; some stand for several places.
fn inner(at: &str, key: &str) -> Option<String> {
    let mode = at.split('.').next().unwrap_or_default();
    Some(match (at, key) {
        ("handshake", "when") => "hmac.require".into(),
        ("response", "accepted" | "refused") => "handshake.answer".into(),
        ("", key) => key.into(),
        (_, "when" | "require") => format!("{mode}.require"),
        (_, "token_source") => "token.token_source".into(),
        (at, "signature_source" | "algorithm") if at.ends_with(".case") => format!("{mode}.{key}"),
        (_, "parts" | "map") => return None,
        (at, key) => format!("{at}.{key}"),
    })
}

/// How a table is opened for a mode's reader, when it is written down for `hmac`.
fn opened(table: &Table, at: &str, mode: &str) -> String {
    let Table { open, .. } = table;
    if path(open) == at {
        return (*open).into();
    }
    open.replace("hmac", mode)
}

fn about((_, default, means, _): &Row) -> String {
    match *default {
        "" => (*means).into(),
        "required" => format!("{means} (required)"),
        default if default.starts_with("required") => format!("{means} ({default})"),
        default => format!("{means} (if left out: {default})"),
    }
}

/// A type, from what the reader says that it wants.
fn of_words(said: &str) -> Value {
    if let Some(one) = said.strip_suffix(", or an array of them") {
        let one = of_words(one);
        return json!({ "anyOf": [one, { "type": "array", "items": one }] });
    }
    match said {
        "a text" => return json!({ "type": "string" }),
        "true or false" => return json!({ "type": "boolean" }),
        _ => {}
    }
    let words = quoted(said);
    let Some(bounds) = said.strip_prefix("an integer ") else {
        assert!(!words.is_empty(), "tests/reference/json.rs does not know how to say: {said}");
        return json!({ "enum": words });
    };
    let numbers: Vec<i64> = bounds.split([' ', ',']).filter_map(|word| word.parse().ok()).collect();
    let integer = match numbers[..] {
        [least, most] => json!({ "type": "integer", "minimum": least, "maximum": most }),
        [least] if bounds.starts_with("of at least") => json!({ "type": "integer", "minimum": least }),
        _ => panic!("tests/reference/json.rs does not know how to say: {said}"),
    };
    match words.is_empty() {
        true => integer,
        false => json!({ "anyOf": [integer, { "enum": words }] }),
    }
}

/// A key of a vectors file, its meaning, and what it takes where the reader does not say that in words.
type CaseRow = (&'static str, &'static str, Option<fn() -> Value>);

const CASE: &[CaseRow] = &[
    ("name", "unique in its file: lower-case letters, digits and hyphens", None),
    ("like", "another case: this one says only what differs", None),
    ("source", "who says that it is right; `generated` proves nothing about a provider", None),
    ("origin", "where exactly it was found", None),
    ("preset", "the preset that judges it, if not the file's", None),
    ("overrides", "what is laid over the preset", Some(|| json!({ "type": "object" }))),
    ("vars", "the variables that the preset declares", Some(texts_by_name)),
    ("secrets", "published test secrets, as an operator would write them; never one in use", Some(secrets)),
    ("documents", "what would be fetched, by its URL or name", Some(texts_by_name)),
    ("now", "the present: seconds since 1970, or RFC 3339", Some(time)),
    ("method", "POST, unless said", None),
    ("url", "the whole URL as the sender was told it", None),
    ("headers", "pairs, in the order of the wire", Some(pairs)),
    ("set_headers", "in the place of those of `like`", Some(pairs)),
    ("add_headers", "beside those of `like`", Some(pairs)),
    ("remove_headers", "names", None),
    ("body", "every byte; a newline at the end counts", None),
    ("body_base64", "a body that is not text", None),
    ("expect", "`ok`, or the code of the refusal", None),
    ("handshake", "what is answered to the challenge that it is", Some(|| answer(&HANDSHAKE))),
    ("accepted", "what `[response]` says when it is accepted", Some(|| answer(&ACKNOWLEDGEMENT))),
    ("refused", "what `[response]` says when it is refused", Some(|| answer(&ACKNOWLEDGEMENT))),
    ("key_id", "the key that must be named, if it verifies", None),
    ("message_id", "the message id that must be named", None),
    ("signed_at", "the signed time that must be named", Some(time)),
    ("binds", "what a signature must cover at least", None),
    ("provider_says", "what the provider's own code answers, where that differs", None),
    ("why", "why the answer is right, where that is not plain", None),
    (
        "mutants",
        "`all`, or `none:` and why",
        Some(|| json!({ "type": "string", "pattern": "^(all$|none:.)" })),
    ),
];

/// That of a vectors file.
pub(crate) fn vectors() -> Value {
    let ask = |given: &str, line: &str| vector_complaints(&format!("[[case]]\n{given}\n{line}\n"));
    let mut keys = Map::new();
    let mut left = known("[[case]]", "", &ask);
    for (key, means, other) in CASE {
        let at = left.iter().position(|known| known == key);
        left.remove(at.unwrap_or_else(|| panic!("[[case]]: the reader takes no `{key}`")));
        let said = || {
            of_words(
                &takes("", &(key, "", means, ""), &ask).unwrap_or_else(|says| panic!("[[case]]: {says}")),
            )
        };
        let mut value = other.map_or_else(said, |other| other());
        value["description"] = (*means).into();
        keys.insert((*key).into(), value);
    }
    assert!(left.is_empty(), "say in tests/reference/json.rs what these of a case mean: {left:?}");
    let case = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["name", "source", "expect"],
        "properties": keys,
    });
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Vectors of countersign",
        "description": "Deliveries, and what must be said of each.",
        "type": "object",
        "additionalProperties": false,
        "required": ["schema", "case"],
        "properties": {
            "schema": { "description": "the version of this format", "enum": [1] },
            "preset": { "description": "the preset of the cases that name none", "type": "string" },
            "case": { "anyOf": [{ "$ref": "#/definitions/case" }, { "type": "array", "items": { "$ref": "#/definitions/case" } }] },
        },
        "definitions": { "case": case },
    })
}

/// What the reader of vectors complains of.
fn vector_complaints(text: &str) -> Vec<String> {
    match VectorFile::parse("probe", &format!("schema = 1\npreset = \"p\"\n{text}")) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.errors.0.into_iter().map(|error| error.message).collect(),
    }
}

fn time() -> Value {
    json!({ "type": ["integer", "number", "string"] })
}

fn pairs() -> Value {
    let pair = json!({ "type": "array", "items": { "type": "string" }, "minItems": 2, "maxItems": 2 });
    json!({ "type": "array", "items": pair })
}

fn texts_by_name() -> Value {
    json!({ "type": "object", "additionalProperties": { "type": "string" } })
}

const HANDSHAKE: [&str; 6] = ["kind", "status", "content_type", "headers", "body", "secret"];
const ACKNOWLEDGEMENT: [&str; 4] = ["status", "content_type", "headers", "body"];

/// An answer that has these keys.
fn answer(keys: &[&str]) -> Value {
    let table = if keys.contains(&"kind") { "handshake" } else { "accepted" };
    let open = format!("[[case]]\n[case.{table}]");
    let known = known(table, "", &|_, line| vector_complaints(&format!("{open}\n{line}\n")));
    assert_eq!(known, keys, "tests/reference/json.rs knows others");
    let all = json!({
        "kind": { "enum": ["answer", "learn", "ignore"] },
        "status": { "type": "integer", "minimum": 200, "maximum": 599 },
        "content_type": { "type": "string" },
        "headers": texts_by_name(),
        "body": { "type": "string" },
        "secret": { "description": "what is handed over", "type": "string" },
    });
    let properties: Map<String, Value> =
        keys.iter().map(|key| ((*key).to_owned(), all[key].clone())).collect();
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

fn secrets() -> Value {
    let known =
        known("secrets", "", &|_, line| vector_complaints(&format!("[[case]]\n[[case.secrets]]\n{line}\n")));
    assert_eq!(
        known,
        ["id", "value", "role", "not_before", "not_after"],
        "tests/reference/json.rs knows others"
    );
    let secret = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["id", "value"],
        "properties": {
            "id": { "description": "its name, which a case may expect", "type": "string" },
            "value": { "description": "the secret, or the public key", "type": "string" },
            "role": { "description": "its part, where the preset gives several", "type": "string" },
            "not_before": time(),
            "not_after": time(),
        },
    });
    json!({ "anyOf": [secret, { "type": "array", "items": secret }] })
}
