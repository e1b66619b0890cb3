//! `countersign preset show`: a preset in words, drawn from its resolved tree.

mod words;

use super::{FreshnessJson, ReplayJson};
use crate::args::{ShowFormat, ShowScheme};
use crate::error::{Exit, Failure};
use crate::output::{self, CARE, FAINT, HEAD, facts, plain, styled};
use crate::scheme::{Choice, Chosen};
use countersign::config::Node;
use countersign::{Binds, Freshness, Needs, Preset, Replay, Var};
use countersign_gateway::config::json;
use countersign_words::{Fact, Words, kinds, proof};
use serde::Serialize;
use std::fmt::Write as _;

/// Show it.
pub(super) fn run(name: Option<&str>, args: &ShowScheme, format: ShowFormat) -> Result<Exit, Failure> {
    let ShowScheme { preset, scheme, folder, overrides } = args;
    let choice = match (name.or(preset.as_deref()), scheme) {
        (_, Some(file)) => Choice::File(file),
        (Some(name), None) => Choice::Name(name),
        (None, None) => return Err(Failure::usage("no preset is named").next("countersign preset show NAME")),
    };
    let chosen = Chosen::resolve(&choice, folder, overrides, None)?;
    match format {
        ShowFormat::Toml => output::print_bytes(chosen.layer.to_toml().as_bytes())?,
        ShowFormat::Json => output::print_json(&to_json(&chosen))?,
        ShowFormat::Human => output::print(&in_words(&chosen))?,
    }
    Ok(Exit::Done)
}

#[derive(Serialize)]
struct Shown<'a> {
    name: &'a str,
    title: Option<&'a str>,
    reference: Option<&'a str>,
    confidence: Option<&'a str>,
    mode: &'a str,
    keys: Vec<&'static str>,
    remote: bool,
    body: &'static str,
    allocates: bool,
    signs: bool,
    binds: Vec<&'static str>,
    freshness: Option<FreshnessJson>,
    replay: ReplayJson,
    vars: Vec<VarJson<'a>>,
    notes: Vec<&'a str>,
    scheme_notes: Vec<String>,
    resolved: serde_json::Value,
    toml: String,
}

#[derive(Serialize)]
struct VarJson<'a> {
    name: &'a str,
    label: &'a str,
    required: bool,
    secret: bool,
}

fn to_json(chosen: &Chosen) -> Shown<'_> {
    let Chosen { compiled, layer, .. } = chosen;
    let (preset, needs) = (compiled.preset(), compiled.needs());
    let vars = preset.vars.iter().map(|Var { name, label, secret, required, .. }| {
        let (required, secret) = (*required, *secret);
        VarJson { name, label, required, secret }
    });
    Shown {
        name: &preset.name,
        title: preset.title.as_deref(),
        reference: preset.reference.as_deref(),
        confidence: preset.confidence.as_deref(),
        mode: &preset.mode.value,
        keys: needs.keys.iter().map(|kind| kind.word()).collect(),
        remote: needs.remote,
        body: needs.body.word(),
        allocates: needs.allocates,
        signs: needs.signs,
        binds: needs.binds.words().collect(),
        freshness: compiled.freshness().map(Into::into),
        replay: compiled.replay().into(),
        vars: vars.collect(),
        notes: preset.notes.iter().map(|note| &**note).collect(),
        scheme_notes: needs.notes.iter().map(ToString::to_string).collect(),
        resolved: json(layer.root()),
        toml: layer.to_toml(),
    }
}

fn in_words(chosen: &Chosen) -> String {
    let Chosen { registry, compiled, layer } = chosen;
    let (preset, needs) = (compiled.preset(), compiled.needs());
    let mode = &*preset.mode.value;
    let mut out = about(preset, registry.mode(mode).map(|mode| mode.info()));
    let table = layer.get(&[mode]).and_then(Node::table);
    if let Some(table) = table {
        words::scheme(&mut out, table, mode);
    }
    heading(&mut out, "Keys");
    let found = table.map(|table| Words::of(table, words::GUARDED).keys(&needs));
    let keys = [("kind", kinds(&needs))].into_iter().chain(found.unwrap_or_default());
    facts(&mut out, &keys.collect::<Vec<_>>());
    heading(&mut out, "What a good signature proves");
    facts(&mut out, &proves(&needs, compiled.freshness(), compiled.replay()));
    if let Some(root) = layer.root().table() {
        words::event(&mut out, root);
        words::handshakes(&mut out, root);
        words::responses(&mut out, root);
    }
    variables(&mut out, &preset.vars);
    let notes = preset.notes.iter().map(|note| &**note).chain(needs.notes.iter().map(|note| &**note));
    let notes: Vec<&str> = notes.collect();
    if !notes.is_empty() {
        heading(&mut out, "Notes");
        notes.iter().for_each(|note| wrapped(&mut out, "  - ", &plain(note)));
    }
    heading(&mut out, "The preset, resolved");
    layer.to_toml().lines().for_each(|line| out.push_str(&format!("  {FAINT}│{FAINT:#} {}\n", plain(line))));
    out
}

fn about(preset: &Preset, mode: Option<&countersign::ModeInfo>) -> String {
    let title = preset.title.as_deref().map_or_else(String::new, |title| format!(": {}", plain(title)));
    let mut out = format!("{}{title}\n", styled(HEAD, &preset.name));
    let mut about = Vec::new();
    if let Some(reference) = &preset.reference {
        about.push(("reference", plain(reference)));
    }
    about.push(("confidence", plain(proof::confidence(preset.confidence.as_deref()))));
    if preset.default_outbound {
        about.push(("outbound", "what is sent is signed by it where nothing else is said".into()));
    }
    about.push((
        "mode",
        match mode {
            Some(info) => format!("{}: {} ({})", info.name, plain(&info.summary), info.status.word()),
            None => preset.mode.value.to_string(),
        },
    ));
    facts(&mut out, &about);
    out
}

fn proves(needs: &Needs, freshness: Option<Freshness>, replay: Replay) -> Vec<Fact> {
    let mut facts = proof::covers(needs.binds);
    if !needs.binds.contains(Binds::BODY) {
        facts.push(("beware", styled(CARE, "the body is not covered as a whole")));
    }
    facts.push(("freshness", proof::freshness(freshness)));
    facts.push(("replay", proof::replay(replay)));
    facts.push(("reads body", needs.body.word().into()));
    facts.push(("allocates", if needs.allocates { "yes" } else { "no" }.into()));
    facts.push(("signs", if needs.signs { "yes: countersign sign" } else { "no: it verifies only" }.into()));
    facts
}

fn variables(out: &mut String, vars: &[Var]) {
    if vars.is_empty() {
        return;
    }
    heading(out, "Variables (--var NAME=VALUE)");
    let told = vars.iter().map(|Var { name, label, secret, required, .. }| {
        let secret = if *secret { ", secret" } else { "" };
        let required = if *required { "required" } else { "optional" };
        (&**name, format!("{} ({required}{secret})", plain(label)))
    });
    facts(out, &told.collect::<Vec<_>>());
}

pub(super) fn heading(out: &mut String, text: &str) {
    let _ = writeln!(out, "\n{}", styled(HEAD, text));
}

/// In lines of about a hundred columns, the first after `bullet` and the rest below its text.
fn wrapped(out: &mut String, bullet: &str, text: &str) {
    let mut line = bullet.to_owned();
    let mut fresh = true;
    for word in text.split_whitespace() {
        if !fresh && line.chars().count() + 1 + word.chars().count() > 100 {
            let _ = writeln!(out, "{line}");
            line = " ".repeat(bullet.len());
            fresh = true;
        }
        if !fresh {
            line.push(' ');
        }
        line.push_str(word);
        fresh = false;
    }
    let _ = writeln!(out, "{line}");
}
