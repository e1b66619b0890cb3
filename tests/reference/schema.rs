//! The page of preset keys. Which keys a table takes, and of which type and bounds they are, is asked of the reader itself:
//! a key it does not know makes it name those it does, and a value it does not like makes it say what it wants. By hand
//! are only the defaults and the meanings, and a key without them, or one too many, fails.

use super::tables::{PLACE, Row, TABLES, Table};
use countersign::Preset;
use std::fmt::Write;

/// The page; the error is what the reader and the tables above do not agree on.
pub(crate) fn page() -> Result<String, String> {
    let (mut page, mut wrong) = (super::head("what the reader of presets takes"), String::new());
    page.push_str(
        "# The keys of a preset\n\n\
         A key that is not here is an error. *value*, *place* and *test* are those of [grammar.md](grammar.md).\n\
         For editors the same is a [JSON Schema](../../crates/countersign-cli/schema/preset.schema.json), and there is\n\
         [one of vectors files](../../crates/countersign-cli/schema/vectors.schema.json).\n",
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
        let ask = |given: &str, line: &str| complaints(table.open, given, line);
        let mut known = known(title, table.given, &ask);
        for row in rows.iter().copied().flatten() {
            let (key, default, means, _) = row;
            match known.iter().position(|name| name == key) {
                Some(at) => drop(known.remove(at)),
                None => drop(writeln!(
                    wrong,
                    "{title}: the reader takes no `{key}`: remove it from tests/reference/tables.rs"
                )),
            }
            let takes = takes(table.given, row, &ask).unwrap_or_else(|says| {
                let _ = writeln!(wrong, "{title}: {says}");
                String::new()
            });
            if !again(row) {
                let _ = writeln!(page, "| `{key}` | {takes} | {default} | {means} |");
            }
        }
        for key in known {
            let _ = writeln!(
                wrong,
                "{title}: the reader takes `{key}`: say in tests/reference/tables.rs what it means"
            );
        }
    }
    if wrong.is_empty() { Ok(page) } else { Err(wrong) }
}

/// What a reader complains of when a table has these lines: what it needs, and one more.
pub(crate) type Ask<'a> = &'a dyn Fn(&str, &str) -> Vec<String>;

/// The keys that the reader names when it meets one it does not know.
pub(crate) fn known(title: &str, given: &str, ask: Ask<'_>) -> Vec<String> {
    let said = ask(given, "zz = 1");
    let list = said
        .iter()
        .find(|said| said.starts_with("unknown key `zz`"))
        .map(|said| said.split_once(", which takes "));
    let (_, list) = list.flatten().unwrap_or_else(|| panic!("{title}: no complaint of `zz`: {said:#?}"));
    quoted(list)
}

/// What the reader wants at a key, in its own words.
pub(crate) fn takes(given: &str, (key, _, _, more): &Row, ask: Ask<'_>) -> Result<String, String> {
    let given = match more.strip_prefix('!') {
        Some(instead) => instead.to_owned(),
        None => format!("{given}\n{more}"),
    };
    let said = |value: &str| ask(&given, &format!("{key} = {value}"));
    let wanted = |said: Vec<String>| {
        let starts = [format!("`{key}` must be "), format!("`{key}` is a number of seconds or ")];
        said.iter().find_map(|said| {
            let wanted = starts.iter().find_map(|start| said.strip_prefix(start))?;
            Some(wanted.split(", but ").next()?.to_owned())
        })
    };
    let Some(kind) = wanted(said("0.5")).or_else(|| wanted(said("true"))) else {
        return Err(format!("the reader does not say what `{key}` must be: {:?}", said("0.5")));
    };
    // A text may be any, or a word of a list.
    let of_list = said("\"zz\"").into_iter().find_map(|said| {
        let unknown = said.split_once("`zz`: ").filter(|_| said.starts_with("unknown "));
        let held =
            said.strip_prefix(&format!("`{key}` holds ")).and_then(|said| said.split_once(", but not "));
        Some(unknown.map(|(_, list)| list).or(held.map(|(list, _)| list))?.to_owned())
    });
    let word =
        wanted(said("\"zz\"")).filter(|word| word.starts_with('`') && !word.contains("without quotes"));
    let word = of_list.or(word);
    let kind = kind.replace("`true` or `false`, without quotes", "true or false").replace(" in quotes", "");
    Ok(match word {
        Some(word) if kind.contains("integer") => format!("{kind}, or {word}"),
        Some(word) if kind.contains("array") => format!("{word}, or an array of them"),
        Some(word) => word,
        None => kind,
    })
}

/// What is complained of when a preset has this table.
pub(crate) fn complaints(open: &str, given: &str, line: &str) -> Vec<String> {
    let mode = mode_of(open).unwrap_or("hmac");
    let text = match open {
        "" => format!("{given}\n{line}\n"),
        open => format!("schema = 1\nname = \"probe\"\nmode = \"{mode}\"\n{open}\n{given}\n{line}\n"),
    };
    // The mode's table has to be there for the mode to be asked.
    let text = match text.contains(&format!("[{mode}")) || line.starts_with(mode) {
        true => text,
        false => format!("{text}\n[{mode}]\n"),
    };
    let mut registry = countersign_modes::without_presets().unwrap();
    let id = registry.sources_mut().add("probe.toml", text.as_str());
    let layer = countersign::config::Layer::parse(registry.sources(), id)
        .unwrap_or_else(|errors| panic!("{text}\n{errors}"));
    let compiled = Preset::read(&layer).and_then(|preset| registry.compile(&preset).map(drop));
    compiled.err().map(|errors| errors.0.into_iter().map(|error| error.message).collect()).unwrap_or_default()
}

/// Where a table stands, with dots: what its last heading says.
pub(crate) fn path(open: &str) -> &str {
    let heading = open.lines().rev().find(|line| line.starts_with('[')).unwrap_or_default();
    heading.trim_matches(['[', ']'])
}

/// The mode whose table it is, or is part of.
fn mode_of(open: &str) -> Option<&str> {
    const SHARED: [&str; 6] = ["var", "freshness", "replay", "event", "handshake", "response"];
    let first = path(open).split('.').next().unwrap_or_default();
    (!first.is_empty() && !SHARED.contains(&first)).then_some(first)
}

/// What stands in backticks.
pub(crate) fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}
