//! The pages that people copy from: what they show must work.
//!
//! A preset in a page is compiled as it stands, by every mode and without the presets that ship, so that it needs nothing
//! that the page does not say.
#![allow(clippy::unwrap_used)]

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
