//! The pages that people copy from: what they show must work.
//!
//! A preset in a page is compiled as it stands, by every mode and without the presets that ship, so that it needs nothing
//! that the page does not say.
#![allow(clippy::unwrap_used)]

use countersign::config::{Complaints, ConfigErrors, Reader};
use countersign::{Layer, Sources};
use countersign_plugin::host::{Isolation, LoadFault, Pin, Spec};
use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn every_preset_in_the_page_of_presets_compiles() {
    let page =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../presets/README.md")).unwrap();
    let (mut modes, mut wrong) = (BTreeSet::new(), Vec::new());
    for (line, text) in blocks(&page).into_iter().filter(|(_, text)| is_preset(text)) {
        match compile(line, text) {
            Ok(mode) => drop(modes.insert(mode)),
            Err(says) => wrong.push(says),
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.concat());
    let registry = countersign_modes::without_presets().unwrap();
    let missing: Vec<_> =
        registry.modes().filter(|info| !modes.contains(&*info.name)).map(|info| &info.name).collect();
    assert!(missing.is_empty(), "presets/README.md shows no preset of the modes {missing:?}");
}

#[test]
fn a_preset_that_does_not_compile_is_told_with_its_line() {
    let page = "text\n```toml\nschema = 1\nname = \"a\"\nmode = \"hmac\"\n```\n```toml\n[hmac]\n```\n";
    let all = blocks(page);
    assert_eq!(all.len(), 2);
    assert!(is_preset(all[0].1) && !is_preset(all[1].1));
    assert!(compile(all[0].0, all[0].1).unwrap_err().contains("presets/README.md, block at line 3"));
}

/// The name of its mode, or what is wrong.
fn compile(line: usize, text: &str) -> Result<String, String> {
    let mut registry = countersign_modes::without_presets().map_err(|errors| errors.to_string())?;
    let place = format!("presets/README.md, block at line {line}");
    let name =
        text.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')).unwrap_or_default();
    let added = registry.add_preset(place, text.to_owned()).map(drop);
    let compiled = added.and_then(|()| registry.named(name));
    match compiled {
        Ok(compiled) => Ok(compiled.preset().mode.value.to_string()),
        Err(errors) => Err(errors.render(registry.sources())),
    }
}

/// A table of a preset, or the cases of one, are shown without what makes a preset whole.
fn is_preset(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("mode = "))
}

/// The blocks of TOML, each with the line it begins on.
fn blocks(page: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(open) = page[from..].find("```toml\n") {
        let start = from + open + "```toml\n".len();
        let Some(close) = page[start..].find("```") else { break };
        found.push((page[..start].lines().count() + 1, &page[start..start + close]));
        from = start + close + 3;
    }
    found
}

/// The rows of the table that begins with these columns, each as its cells.
fn rows<'p>(page: &'p str, head: &str) -> Vec<Vec<&'p str>> {
    let lines = page.lines().skip_while(|line| !line.starts_with(head)).skip(2);
    let rows = lines.take_while(|line| line.starts_with('|'));
    rows.map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect())
        .collect()
}

/// What is read of one `[[module]]` table with these lines beside a path and a pin, and what is complained of.
fn module(lines: &str) -> (Option<Spec>, String) {
    let mut sources = Sources::new();
    let text = format!("[[module]]\npath = \"/a.so\"\nsha256 = \"{}\"\n{lines}\n", "0".repeat(64));
    let file = sources.add("modules.toml", text);
    let layer = Layer::parse(&sources, file).unwrap();
    let complaints = Complaints::new();
    let root = Reader::new(layer.root(), &complaints, "");
    let spec = Spec::read_all(&root).pop();
    root.finish();
    (spec, ConfigErrors(complaints.into_vec()).render(&sources))
}

#[test]
fn the_guide_to_modules_tells_every_refusal_and_every_key() {
    let page =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guide/modules.md"))
            .unwrap();
    let told = rows(&page, "| code | means |");
    let faults: Vec<_> = LoadFault::ALL.iter().map(|fault| vec![fault.code(), fault.says()]).collect();
    assert_eq!(told, faults);

    let keys = rows(&page, "| key | takes | default |");
    // A key that there is not makes the reader name those that there are.
    let (_, says) = module("zzz = 1");
    let known = says.split_once("which takes ").unwrap().1.lines().next().unwrap();
    let known: BTreeSet<&str> = known.split('`').skip(1).step_by(2).collect();
    assert_eq!(keys.iter().map(|row| row[0]).collect::<BTreeSet<_>>(), known);

    let plain = Spec::new("/a.so", Pin::of(b""));
    for row in keys {
        let (key, takes, default) = (row[0], row[1], row[2]);
        let is = match key {
            "path" | "sha256" => "required".to_owned(),
            "modes" => plain.modes.as_ref().map_or("all".into(), |_| "some".into()),
            "presets" => plain.presets.as_ref().map_or("all".into(), |_| "some".into()),
            "fetch_hosts" => if plain.fetch_hosts.is_empty() { "none" } else { "some" }.into(),
            "isolation" => plain.isolation.word().into(),
            "deadline_ms" => plain.deadline.as_millis().to_string(),
            "abort_after_ms" => {
                plain.abort_after.map_or("never".into(), |after| after.as_millis().to_string())
            }
            "threads" => plain.threads.to_string(),
            "faults" => plain.faults.to_string(),
            "allow_unguarded" => plain.allow_unguarded.to_string(),
            _ => panic!("say here what the default of `{key}` is"),
        };
        assert_eq!(default, is, "{key}");
        let (good, bad): (Vec<String>, Vec<String>) = match takes.split_once(" to ") {
            Some((least, most)) => {
                let (least, most): (i64, i64) = (least.parse().unwrap(), most.parse().unwrap());
                (
                    [least, most].map(|n| n.to_string()).into(),
                    [least - 1, most + 1].map(|n| n.to_string()).into(),
                )
            }
            None if takes == "texts" => (vec!["[\"a\"]".into(), "[]".into()], vec!["1".into()]),
            None if takes == "true or false" => (vec!["true".into(), "false".into()], vec!["1".into()]),
            None if key == "isolation" => {
                let words = [Isolation::Inline, Isolation::Thread].map(Isolation::word);
                assert_eq!(takes, words.join("` or `"));
                (words.map(|word| format!("\"{word}\"")).into(), vec!["\"process\"".into()])
            }
            None => continue,
        };
        for value in good {
            assert_eq!(module(&format!("{key} = {value}")).1, "");
        }
        for value in bad {
            assert_ne!(module(&format!("{key} = {value}")).1, "", "{key} = {value}");
        }
    }
    let shown = blocks(&page).into_iter().find(|(_, text)| text.starts_with("[[module]]")).unwrap().1;
    let layer = shown.split_once("sha256").unwrap().1.split_once('\n').unwrap().1;
    assert_eq!(module(layer).1, "", "the table that the page shows");
}
