//! The page of preset keys. Which keys a table takes, and of which type and bounds they are, is asked of the reader itself:
//! a key it does not know makes it name those it does, and a value it does not like makes it say what it wants. By hand
//! are only the defaults and the meanings, and a key without them, or one too many, fails.

use countersign::{Preset, Registry};
use std::fmt::Write;

/// A table of a preset.
struct Table {
    title: &'static str,
    about: &'static str,
    /// What stands before its keys.
    open: &'static str,
    /// What it needs before it reads on.
    given: &'static str,
    rows: &'static [&'static [Row]],
}

/// Key, default, meaning, and what else must be said for the key to be read; `!` for: instead of what is given.
type Row = (&'static str, &'static str, &'static str, &'static str);

const PLACE: [Row; 21] = [
    ("header", "", "its name; `{n}` where it is numbered", "!"),
    ("query", "", "a query parameter", "!"),
    ("form", "", "a form field", "!"),
    ("json", "", "a pointer into the body", "!"),
    ("item", "", "a pointer into the element of `each`", "!"),
    ("body", "", "`true`: the body itself", "!"),
    ("numbered", "", "how many headers at most; ends at the first gap", ""),
    ("repeat", "false", "the header may come several times", ""),
    ("clean", "", "filters on the found text, joined by bars", ""),
    ("list", "", "split here first", ""),
    ("max_candidates", "8", "more are refused before anything is hashed", ""),
    ("extract", "`raw`", "how it is cut out", ""),
    ("prefix", "required for `prefix`", "what stands before it", "extract = \"prefix\""),
    ("optional", "false", "the prefix may be missing", "extract = \"prefix\"\nprefix = \"v\""),
    ("pair_separator", "`,`", "between pairs", "extract = \"kv_pairs\"\nkey = \"v\""),
    ("separator", "`=`", "between name and value", "extract = \"kv_pairs\"\nkey = \"v\""),
    ("key", "required for `kv_pairs`", "the pair that is meant", "extract = \"kv_pairs\""),
    (
        "scheme",
        "required for `scheme`",
        "the authentication scheme that stands before it",
        "extract = \"scheme\"",
    ),
    ("pattern", "required for `regex`", "with a capture of what is meant", "extract = \"regex\""),
    ("role", "", "only keys of this role are tried", ""),
    ("first_present", "false", "of several places, only the first that is there counts", ""),
];

const TABLES: &[Table] = &[
    Table {
        title: "The file",
        about: "",
        open: "",
        given: "schema = 1\nname = \"probe\"\nmode = \"hmac\"",
        rows: &[&[
            ("schema", "required", "the version of this format: 1", "!name = \"probe\"\nmode = \"hmac\""),
            (
                "name",
                "required",
                "lower-case letters, digits and hyphens; the name of the file",
                "!mode = \"hmac\"",
            ),
            ("title", "", "for people", ""),
            ("reference", "", "the provider's page", ""),
            ("confidence", "", "`provider` once cases of the provider's own pass", ""),
            ("notes", "none", "what an operator should know", ""),
            ("like", "", "the preset that this one changes; one level", ""),
            ("replaces", "", "its own name: it takes the place of another of that name", ""),
            ("mode", "required", "which mode reads the rest", "!name = \"probe\""),
            ("var", "none", "what each source must give", ""),
            ("freshness", "300 s and 60 s, if a time is signed", "how old a message may be", ""),
            (
                "replay",
                "by id, else by content if a time is signed, else none",
                "what makes two requests the same",
                "",
            ),
            ("event", "", "where the event's type and id are", ""),
            ("handshake", "none", "how a set-up challenge is recognised and answered", ""),
            ("response", "", "what the provider needs to hear", ""),
            ("hmac", "required", "the mode's own table, named after it", ""),
        ]],
    },
    Table {
        title: "`[[var]]`",
        about: "A value that every source gives: `{var:NAME}`.",
        open: "[[var]]",
        given: "name = \"a\"",
        rows: &[&[
            ("name", "required", "as in `{var:NAME}`", "!"),
            ("label", "the name", "for help and forms", ""),
            ("secret", "false", "never print it", ""),
            ("required", "true", "without it no verifier is made", ""),
        ]],
    },
    Table {
        title: "`[freshness]`",
        about: "Judges the signed time; bounds are inclusive, 0 is the same second. A time that is not signed has no freshness.",
        open: "[freshness]",
        given: "",
        rows: &[&[
            ("tolerance_seconds", "300", "how old a message may be", ""),
            ("future_seconds", "60", "how far ahead its clock may run", ""),
            ("required", "true", "refuse a message without a time", ""),
            ("unsigned", "", "spelled where the time is not signed: nothing is judged", ""),
        ]],
    },
    Table {
        title: "`[replay]`",
        about: "What makes two requests the same, and for how long that is remembered.",
        open: "[replay]",
        given: "key = \"id\"",
        rows: &[&[
            ("key", "required", "see [grammar.md](grammar.md)", "!"),
            ("keep", "86400, or as long as the message is fresh", "seconds", ""),
        ]],
    },
    Table {
        title: "`[event]`",
        about: "Values, for logs and filters. Covered by the signature only if what they read is.",
        open: "[event]",
        given: "",
        rows: &[&[
            ("type", "", "such as `invoice.paid`", ""),
            ("id", "", "the provider's id of the event", ""),
        ]],
    },
    Table {
        title: "`[[handshake]]`",
        about: "How a set-up challenge is recognised and answered. An answer with `{…|mac}` must be to a text that can never be signed content.",
        open: "[[handshake]]",
        given: "kind = \"answer\"",
        rows: &[&[
            ("kind", "required", "answer it, learn a secret from it, or let it be", "!"),
            ("signed", "false", "it comes signed, and is answered after verification", ""),
            ("when", "required", "tests by which it is recognised", ""),
            ("answer", "required for `answer`", "what is answered", ""),
        ]],
    },
    Table {
        title: "`answer` of `[[handshake]]`",
        about: "",
        open: "[[handshake]]\nkind = \"answer\"\n[handshake.answer]",
        given: "",
        rows: &[&ANSWER],
    },
    Table {
        title: "`[response]`",
        about: "What the provider needs to hear, where the usual answer will not do.",
        open: "[response]",
        given: "",
        rows: &[&[("accepted", "", "an answer, as above", ""), ("refused", "", "an answer, as above", "")]],
    },
    Table {
        title: "`[hmac]`",
        about: "And the table of any other mode that signs a template.",
        open: "[hmac]",
        given: "",
        rows: &[&[
            ("algorithm", "required", "a word, or `{ from = VALUE, map = { … } }`", ""),
            ("signed_template", "required", "a value; up to four that differ in filters and text only", ""),
            ("signature_source", "required", "a place, or several", ""),
            ("timestamp_source", "", "a place, or several of which the first that is there counts", ""),
            ("id_source", "", "a place, or several of which the first that is there counts", ""),
            ("key", "required", "how a secret becomes a key", ""),
            ("parts", "none", "named values, each of which may use those above it", ""),
            ("case", "none", "layouts, of which the first whose `when` holds counts", ""),
            ("require", "none", "tests that must hold beside the signature", ""),
            (
                "each",
                "",
                "a pointer with a `*`: the scheme runs once for every element, and all must verify",
                "",
            ),
            ("max_items", "100", "how many elements at most", ""),
            ("adjacent", "", "two placeholders may touch; say in `notes` what that means", ""),
            ("secret_in_content", "false", "`{secret}` may stand in the template", ""),
        ]],
    },
    Table {
        title: "`signature_source`",
        about: "A place: [grammar.md](grammar.md#places). Exactly one of the first six keys says where.",
        open: "[hmac.signature_source]",
        given: "header = \"x\"",
        rows: &[&PLACE, &[("encoding", "required", "one, or several from the outside in", "")]],
    },
    Table {
        title: "`timestamp_source`",
        about: "As `signature_source`, without `encoding`, and:",
        open: "[hmac.timestamp_source]",
        given: "header = \"x\"",
        rows: &[
            &PLACE,
            &[
                ("format", "required", "one, or several that differ in length", ""),
                ("from_signature", "", "instead of a place: the field of each signature's own item", ""),
            ],
        ],
    },
    Table {
        title: "`id_source`",
        about: "As `signature_source`, without `encoding`.",
        open: "[hmac.id_source]",
        given: "header = \"x\"",
        rows: &[&PLACE],
    },
    Table {
        title: "`key`",
        about: "",
        open: "[hmac.key]",
        given: "",
        rows: &[&[
            ("forms", "required", "spellings of a secret; the first whose prefix fits is taken", ""),
            ("derive", "`{secret}`", "a value with `{secret}` in it: the key's bytes", ""),
            ("select", "", "a value: only the key of this id is tried", ""),
            ("roles", "none", "what each key must say it is", ""),
            ("min_bytes", "1", "a shorter key is an error", ""),
        ]],
    },
    Table {
        title: "`forms` of `key`",
        about: "",
        open: "[[hmac.key.forms]]",
        given: "",
        rows: &[&[
            ("prefix", "none", "what a secret of this form begins with; taken off", ""),
            ("decode", "required", "how the rest is read", ""),
        ]],
    },
    Table {
        title: "`algorithm` as a table",
        about: "A request chooses, but only what the map allows.",
        open: "[hmac.algorithm]",
        given: "",
        rows: &[&[
            ("from", "required", "the value that names it", ""),
            ("map", "required", "its words, each with an algorithm", ""),
        ]],
    },
    Table {
        title: "`[[hmac.case]]`",
        about: "What a case does not say is said by the mode's own table; `require` is added to it.",
        open: "[hmac]\nsigned_template = \"{body}\"\nalgorithm = \"sha256\"\nsignature_source = { header = \"x\", encoding = \"hex\" }\n[[hmac.case]]",
        given: "",
        rows: &[&[
            ("when", "required", "tests by which it is chosen", ""),
            ("require", "none", "tests that must hold beside the signature", ""),
            ("signed_template", "the table's", "as above", ""),
            ("signature_source", "the table's", "as above", ""),
            ("algorithm", "the table's", "as above", ""),
        ]],
    },
    Table {
        title: "Tests: `when`, `require`",
        about: "`value`, and exactly one of the rest; `early` only in `require`. See [grammar.md](grammar.md#tests).",
        open: "[[hmac.require]]",
        given: "value = \"{method}\"",
        rows: &[&[
            ("value", "required", "what is looked at", "!"),
            ("equals", "", "a value that is the same", ""),
            ("in", "", "values, one of which is the same", ""),
            ("matches", "", "a regular expression for all of it", ""),
            ("contains", "", "values that a list must have", ""),
            ("present", "", "`true`", ""),
            ("absent", "", "`true`", ""),
            (
                "early",
                "false",
                "judged before the signature: `malformed_signature`, else `claim_mismatch`",
                "",
            ),
        ]],
    },
];

const ANSWER: [Row; 3] = [
    ("status", "200", "the HTTP status", ""),
    ("content_type", "`text/plain`", "the media type", ""),
    ("body", "empty", "a value", ""),
];

/// The page; the error is what the reader and the tables above do not agree on.
pub(crate) fn page() -> Result<String, String> {
    let (mut page, mut wrong) = (super::head("what the reader of presets takes"), String::new());
    page.push_str(
        "# The keys of a preset\n\n\
         A key that is not here is an error. *value*, *place* and *test* are those of [grammar.md](grammar.md).\n",
    );
    for table in TABLES {
        let Table { title, about, rows, .. } = table;
        let _ = writeln!(page, "\n## {title}\n");
        if !about.is_empty() {
            let _ = writeln!(page, "{about}\n");
        }
        // What every place takes is printed once, and checked at each.
        let again = |row: &Row| about.starts_with("As `signature_source`") && PLACE.contains(row);
        if !rows.iter().copied().flatten().all(again) {
            page.push_str("| key | takes | default | means |\n|---|---|---|---|\n");
        }
        let mut known = known(table);
        for row in rows.iter().copied().flatten() {
            let (key, default, about, _) = row;
            match known.iter().position(|name| name == key) {
                Some(at) => drop(known.remove(at)),
                None => drop(writeln!(
                    wrong,
                    "{title}: the reader takes no `{key}`: remove it from tests/reference/schema.rs"
                )),
            }
            let takes = takes(table, row, &mut wrong);
            if !again(row) {
                let _ = writeln!(page, "| `{key}` | {takes} | {default} | {about} |");
            }
        }
        for key in known {
            let _ = writeln!(
                wrong,
                "{title}: the reader takes `{key}`: say in tests/reference/schema.rs what it means"
            );
        }
    }
    if wrong.is_empty() { Ok(page) } else { Err(wrong) }
}

/// The keys that the reader names when it meets one it does not know.
fn known(table: &Table) -> Vec<String> {
    let said = complaints(table, table.given, "zz = 1");
    let list = said
        .iter()
        .find(|said| said.starts_with("unknown key `zz`"))
        .map(|said| said.split_once(", which takes "));
    let (_, list) =
        list.flatten().unwrap_or_else(|| panic!("{}: no complaint of `zz`: {said:#?}", table.title));
    quoted(list)
}

/// What the reader wants at a key, in its own words.
fn takes(table: &Table, (key, _, _, more): &Row, wrong: &mut String) -> String {
    let given = match more.strip_prefix('!') {
        Some(instead) => instead.to_owned(),
        None => format!("{}\n{more}", table.given),
    };
    let said = |value: &str| complaints(table, &given, &format!("{key} = {value}"));
    let wanted = |said: Vec<String>| {
        let start = format!("`{key}` must be ");
        said.iter().find_map(|said| Some(said.strip_prefix(&start)?.split(", but ").next()?.to_owned()))
    };
    let Some(kind) = wanted(said("0.5")).or_else(|| wanted(said("true"))) else {
        let _ = writeln!(
            wrong,
            "{}: the reader does not say what `{key}` must be: {:?}",
            table.title,
            said("0.5")
        );
        return String::new();
    };
    // A text may be any, or a word of a list.
    let of_list = said("\"zz\"").into_iter().find_map(|said| {
        let unknown = said.starts_with("unknown ") && said.contains("`zz`: ");
        unknown.then(|| said.split_once("`zz`: ").map(|(_, list)| list.to_owned())).flatten()
    });
    let word =
        wanted(said("\"zz\"")).filter(|word| word.starts_with('`') && !word.contains("without quotes"));
    let word = of_list.or(word);
    let kind = kind.replace("`true` or `false`, without quotes", "true or false").replace(" in quotes", "");
    match word {
        Some(word) if kind.contains("integer") => format!("{kind}, or {word}"),
        Some(word) if kind.contains("array") => format!("{word}, or an array of them"),
        Some(word) => word,
        None => kind,
    }
}

/// What is complained of when a preset has this table.
fn complaints(table: &Table, given: &str, line: &str) -> Vec<String> {
    let top = "schema = 1\nname = \"probe\"\nmode = \"hmac\"";
    let text = match table.open {
        "" => format!("{given}\n{line}\n"),
        open => format!("{top}\n{open}\n{given}\n{line}\n"),
    };
    // The mode's table has to be there for the mode to be asked.
    let text =
        if text.contains("[hmac") || line.starts_with("hmac") { text } else { format!("{text}\n[hmac]\n") };
    let mut registry = Registry::new();
    let id = registry.sources_mut().add("probe.toml", text.as_str());
    let layer = countersign::config::Layer::parse(registry.sources(), id)
        .unwrap_or_else(|errors| panic!("{text}\n{errors}"));
    let compiled = Preset::read(&layer).and_then(|preset| registry.compile(&preset).map(drop));
    compiled.err().map(|errors| errors.0.into_iter().map(|error| error.message).collect()).unwrap_or_default()
}

/// What stands in backticks.
fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}
