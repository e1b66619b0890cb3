//! `docs/reference/coming-from.md`: the gateway reads every key of it, the command takes every line of it, every word of ours is in the
//! glossary, and every older word is read by `import`.

#![allow(clippy::unwrap_used)]

mod common;
#[allow(dead_code, unreachable_pub)]
#[path = "../src/import/words.rs"]
mod words;

use common::{Folder, run};
use countersign_gateway::config::{Config, Modules};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

/// The columns of what maps words to words.
const HEAD: &str = "| their word | where | our word | key or command |";

/// A source, and what is taken from it where a row says something else.
const SOURCE: &str = "path = \"/in/test\"\npreset = \"stripe\"\nsecrets = [{ env = \"TEST\" }]";

fn docs(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)).unwrap()
}

fn page() -> String {
    docs("reference/coming-from.md")
}

/// The rows of every table with this head, each with its line and its cells.
fn rows(page: &str, head: &str) -> Vec<(usize, Vec<String>)> {
    let (mut found, mut inside) = (Vec::new(), false);
    for (line, text) in page.lines().enumerate() {
        inside = text == head || inside && text.starts_with('|');
        if inside && text != head && !text.starts_with("|---") {
            let cells =
                text.trim_matches('|').split(" |").map(|cell| cell.trim().trim_start_matches("| ").into());
            found.push((line + 1, cells.collect()));
        }
    }
    found
}

/// What stands in backquotes.
fn spans(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_row_has_four_cells_and_a_key_or_a_command() {
    let rows = rows(&page(), HEAD);
    assert!(rows.len() > 80, "the tables are found: {}", rows.len());
    for (line, row) in &rows {
        let spans = row.get(3).map(|cell| spans(cell)).unwrap_or_default();
        let known = |first: &str| first.starts_with("countersign ") || first.starts_with('[');
        assert!(row.len() == 4 && spans.first().is_some_and(|first| known(first)), "line {line}: {row:?}");
        assert!(row.iter().all(|cell| !cell.is_empty()), "line {line}: {row:?}");
    }
}

#[test]
fn every_key_is_read_by_the_gateway() {
    let mut tried = 0;
    for (line, row) in rows(&page(), HEAD) {
        let spans = spans(&row[3]);
        let [table, keys @ ..] = &spans[..] else { continue };
        if !table.starts_with('[') {
            continue;
        }
        assert!(!keys.is_empty(), "line {line}: a table without a key");
        let text = format!("{table}\n{}\n{}\n", without(SOURCE, table, keys), keys.join("\n"));
        let read = Config::read_text("countersign.toml".as_ref(), &text, &mut Modules::new());
        let loaded = read.unwrap_or_else(|refused| panic!("line {line}:\n{text}\n{refused}"));
        assert_eq!(loaded.config.sources.len(), usize::from(*table == "[[source]]"), "line {line}");
        tried += 1;
    }
    assert!(tried > 50, "{tried}");
}

/// The lines of a base that no key replaces; none of another table than a source.
fn without(base: &str, table: &str, keys: &[&str]) -> String {
    let key = |line: &str| line.split(" =").next().unwrap_or_default().to_owned();
    let own: BTreeSet<String> = keys.iter().map(|line| key(line)).collect();
    let keep = |line: &&str| {
        let key = key(line);
        table == "[[source]]" && !own.contains(&key) && !(key == "preset" && own.contains("mode"))
    };
    base.lines().filter(keep).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_command_is_one() {
    let page = page();
    let in_rows = rows(&page, HEAD)
        .into_iter()
        .flat_map(|(_, row)| spans(&row[3]).into_iter().map(str::to_owned).collect::<Vec<_>>());
    let in_blocks = page.lines().map(str::to_owned);
    let lines: BTreeSet<String> =
        in_rows.chain(in_blocks).filter(|line| line.starts_with("countersign ")).collect();
    assert!(lines.len() > 15, "{lines:?}");
    for line in lines {
        let words = line.split_whitespace().skip(1).chain(["--help"]);
        let ran = run(&words.collect::<Vec<_>>());
        assert!(ran.exit == 0 && ran.out.contains("Usage: countersign"), "{line}\n{}{}", ran.out, ran.err);
    }
    // What is asked here can be answered with no.
    assert_eq!(run(&["serve", "--no-such-thing", "--help"]).exit, 2);
    assert_eq!(run(&["no-such-thing", "--help"]).exit, 2);
}

#[test]
fn every_preset_that_is_named_is_there() {
    let named = page();
    let commands = named.lines().flat_map(|line| spans(line).into_iter());
    let asked = commands.filter(|span| span.starts_with("countersign "));
    let mut names = BTreeSet::new();
    for span in asked {
        let words: Vec<&str> = span.split_whitespace().collect();
        let after =
            |word: &str| words.iter().position(|it| *it == word).and_then(|at| words.get(at + 1).copied());
        let shown = (words.get(1..3) == Some(&["preset", "show"])).then(|| words[3]);
        names.extend(after("--preset").into_iter().chain(shown).filter(|name| *name != "NAME"));
    }
    assert!(names.len() > 3, "{names:?}");
    for name in names {
        run(&["preset", "show", name]).exits(0);
    }
}

#[test]
fn every_word_of_ours_is_in_the_glossary() {
    let architecture = docs("architecture.md");
    let glossary = rows(&architecture, "| word | means | not |");
    let known: BTreeSet<&str> = glossary.iter().flat_map(|(_, row)| row[0].split(", ")).collect();
    assert!(known.contains("source") && known.contains("replay guard"), "{known:?}");
    for (line, row) in rows(&page(), HEAD) {
        for word in row[2].split(", ") {
            assert!(known.contains(word), "line {line}: `{word}` is not in the glossary");
        }
    }
}

#[test]
fn the_older_words_are_those_of_the_code() {
    let page = page();
    for (title, words) in words::ALL {
        let mut expected = String::from("| word | or | today |\n|---|---|---|\n");
        for words::Word { name, also, ours, .. } in *words {
            let also: Vec<String> = also.iter().map(|word| format!("`{word}`")).collect();
            expected.push_str(&format!("| `{name}` | {} | {ours} |\n", also.join(", ")));
        }
        let section = page.split("#### ").find_map(|part| part.strip_prefix(&format!("{title}\n\n")));
        let section = section.unwrap_or_else(|| panic!("no section `{title}`"));
        let table = section.split("\n\n").next().unwrap_or_default();
        assert_eq!(format!("{}\n", table.trim_end()), expected, "docs/reference/coming-from.md, {title}");
    }
}

#[test]
fn every_example_is_imported() {
    let page = page();
    let blocks: Vec<&str> =
        page.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(blocks.len(), 4);
    let mut shapes = BTreeSet::new();
    for (index, block) in blocks.iter().enumerate() {
        let folder = Folder::new();
        let secret = format!("hunter2-{index}-0123456789");
        let file = folder.file("old.json", block.replace('…', &secret));
        let config = folder.path().join("countersign.toml");
        let ran = run(&["import", &file, "--config", config.to_str().unwrap(), "--format", "json"]).exits(0);
        shapes.insert(ran.json()["sources"][0]["shape"].as_str().unwrap().to_owned());
        assert!(!std::fs::read_to_string(&config).unwrap().contains("hunter2"));
    }
    assert_eq!(shapes.into_iter().collect::<Vec<_>>(), ["bearer", "hmac_sha256", "webhook_auth"]);
}

/// One endpoint for each spelling of each word, all in one file.
#[test]
fn every_spelling_of_every_word_is_read() {
    let mut endpoints = Vec::new();
    for (title, words) in words::ALL {
        for word in *words {
            for spelling in word.spellings().flat_map(|word| [word.to_owned(), camel(word)]) {
                endpoints.push(endpoint(title, word.name, &spelling, endpoints.len()));
            }
        }
    }
    assert!(endpoints.len() > 200);
    let folder = Folder::new();
    let file = folder.file("old.json", serde_json::to_string_pretty(&endpoints).unwrap());
    let config = folder.path().join("countersign.toml");
    let ran = run(&["import", &file, "--config", config.to_str().unwrap(), "--dry-run", "--format", "json"])
        .exits(0);
    assert_eq!(ran.json()["sources"].as_array().unwrap().len(), endpoints.len());
}

fn camel(word: &str) -> String {
    let mut parts = word.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + &part[..1].to_uppercase() + &part[1..])
}

/// An endpoint in which this word stands, so spelled.
fn endpoint(table: &str, word: &str, spelling: &str, number: usize) -> Value {
    let (name, path) = (format!("e{number}"), format!("/e/{number}"));
    let secret = format!("hunter2-{number}-0123456789");
    let auth = json!({"type": "hmac_sha256", "header": "X-Own-Mac", "format": "hex", "secret": secret});
    let block = json!({
        "mode": "hmac", "algorithm": "sha256", "template": "{body}", "header": "X-Own-Mac", "encoding": "hex", "secret": secret
    });
    let mut whole = json!({"name": name, "path": path, "auth": auth});
    let mut set = |object: &str, rename: &str, value: Value| {
        let place = if object.is_empty() { &mut whole } else { &mut whole[object] };
        let members = place.as_object_mut().unwrap();
        let value = if value.is_null() { members[rename].clone() } else { value };
        members.remove(rename);
        members.insert(spelling.into(), value);
    };
    match (table, word) {
        ("An endpoint", "webhook_auth") => {
            whole.as_object_mut().unwrap().remove("auth");
            whole[spelling] = block;
        }
        ("An endpoint", "webhook_secrets") => {
            whole["auth"].as_object_mut().unwrap().remove("secret");
            whole[spelling] = json!([secret]);
        }
        ("An endpoint", "events") => {
            whole.as_object_mut().unwrap().remove("auth");
            whole["webhook_auth"] = json!({"preset": "github", "secret": secret});
            whole[spelling] = json!(["push"]);
        }
        ("An endpoint", "variables") => whole[spelling] = json!({"team": "blue"}),
        ("An endpoint", word) => set("", word, of_source(word)),
        ("`auth`", "scheme") => {
            whole["auth"] = json!({"type": "bearer", "token": secret});
            whole["auth"][spelling] = json!("Token");
        }
        ("`auth`", "secret_env" | "secret_file" | "secrets") => {
            whole["auth"].as_object_mut().unwrap().remove("secret");
            whole["auth"][spelling] = if word == "secrets" { json!([secret]) } else { json!("A_NAME") };
        }
        ("`auth`", "secret_encoding") => whole["auth"][spelling] = json!("text"),
        ("`auth`", word) => set("auth", word, Value::Null),
        ("A secret", word) => {
            whole["auth"].as_object_mut().unwrap().remove("secret");
            let mut one = json!({"id": "a", "value": secret});
            let (remove, value) = match word {
                "id" | "value" => (word, one[word].clone()),
                "env" | "file" => ("value", json!("A_NAME")),
                "not_before" => ("", json!(1_700_000_000)),
                "not_after" => ("", json!("2030-01-01")),
                "status" => ("", json!("current")),
                // A preset whose keys have roles.
                "role" => {
                    whole.as_object_mut().unwrap().remove("auth");
                    whole["webhook_auth"] = json!({"preset": "box"});
                    ("", json!("primary"))
                }
                _ => ("", json!("words")),
            };
            one.as_object_mut().unwrap().remove(remove);
            one[spelling] = value;
            whole["webhook_secrets"] = json!([one]);
        }
        ("`rate_limit`", word) => {
            let mut rate = json!({"requests": 5, "per_seconds": 10});
            rate.as_object_mut().unwrap().remove(word);
            rate[spelling] = if word == "enabled" { json!(true) } else { json!(5) };
            whole["rate_limit"] = rate;
        }
        (_, word) => {
            whole.as_object_mut().unwrap().remove("auth");
            whole["webhook_auth"] = of_block(word, spelling, &secret, block);
        }
    }
    whole
}

fn of_source(word: &str) -> Value {
    match word {
        "url" => json!("https://hooks.example.com/x"),
        "enabled" => json!(true),
        "forward_to" => json!("http://127.0.0.1:3000/"),
        "methods" => json!(["POST"]),
        "allow_from" => json!(["192.0.2.0/24"]),
        "rate_limit" => json!("5/s"),
        "max_body_bytes" => json!(1024),
        "name" | "path" | "auth" => Value::Null,
        _ => json!("words"),
    }
}

fn of_block(word: &str, spelling: &str, secret: &str, mut block: Value) -> Value {
    let members = block.as_object_mut().unwrap();
    let mut put = |value: Value| drop(members.insert(spelling.into(), value));
    match word {
        "preset" | "overrides" => {
            let mut preset = json!({"preset": "github", "secret": secret});
            if word == "preset" {
                preset = json!({"secret": secret});
            }
            preset[spelling] = if word == "preset" { json!("github") } else { json!({"header": "X-Other"}) };
            return preset;
        }
        "mode" | "algorithm" | "template" | "header" | "encoding" | "secret" => {
            let value = members.remove(word).unwrap();
            members.insert(spelling.into(), value);
        }
        "secret_env" | "secret_file" => {
            put(json!("A_NAME"));
            members.remove("secret");
        }
        "secrets" => {
            put(json!([secret]));
            members.remove("secret");
        }
        "variables" => {
            put(json!({"team": "blue"}));
            members.insert("template".into(), json!("{var:team}.{body}"));
        }
        "scheme" => {
            return json!({"mode": "token", "header": "authorization", spelling: "Token", "secret": secret});
        }
        "prefix" => put(json!("sha256=")),
        "signature_key" => put(json!("v1")),
        "list_separator" => put(json!(",")),
        "timestamp_header" => {
            put(json!("X-Time"));
            members.insert("template".into(), json!("{timestamp}.{body}"));
        }
        "timestamp_key" | "timestamp_format" | "tolerance" => {
            let value = match word {
                "timestamp_key" => json!("t"),
                "timestamp_format" => json!("unix_ms"),
                _ => json!(120),
            };
            put(value);
            members.entry("timestamp_header").or_insert(json!("X-Time"));
            members.insert("template".into(), json!("{timestamp}.{body}"));
        }
        "id_header" => {
            put(json!("X-Id"));
            members.insert("template".into(), json!("{id}.{body}"));
        }
        "secret_encoding" => put(json!("text")),
        "secret_prefix" => put(json!("hunter2-")),
        other => panic!("say in this test what `{other}` may hold"),
    }
    block
}
