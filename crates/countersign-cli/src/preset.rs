//! `countersign preset`: what there is, what it says, whether it is right.

mod lint;
mod show;
mod test;

use crate::args::{FolderArgs, Format, PresetCommand};
use crate::error::{Exit, Failure};
use crate::output;
use crate::scheme;
use countersign::{Compiled, ConfigErrors, Freshness, Replay, ReplayBy};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

/// Do it.
pub(crate) fn run(command: &PresetCommand) -> Result<Exit, Failure> {
    match command {
        PresetCommand::List { folder, format } => list(folder, *format),
        PresetCommand::Show { name, scheme, format } => show::run(name.as_deref(), scheme, *format),
        PresetCommand::Lint { files, folder } => lint::run(files, folder),
        PresetCommand::Test { names, vectors, folder, format } => test::run(names, vectors, folder, *format),
    }
}

#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    mode: &'a str,
    title: Option<&'a str>,
    confidence: Option<&'a str>,
    binds: Vec<&'static str>,
    freshness: Option<FreshnessJson>,
    replay: ReplayJson,
}

/// In seconds.
#[derive(Serialize)]
struct FreshnessJson {
    tolerance_seconds: u64,
    future_seconds: u64,
    required: bool,
}

#[derive(Serialize)]
struct ReplayJson {
    key: &'static str,
    keep_seconds: u64,
}

impl From<Freshness> for FreshnessJson {
    fn from(Freshness { tolerance, required }: Freshness) -> Self {
        let (tolerance_seconds, future_seconds) = (tolerance.past.as_secs(), tolerance.future.as_secs());
        FreshnessJson { tolerance_seconds, future_seconds, required }
    }
}

impl From<Replay> for ReplayJson {
    fn from(Replay { key, keep }: Replay) -> Self {
        ReplayJson { key: key.word(), keep_seconds: keep.as_secs() }
    }
}

fn list(folder: &FolderArgs, format: Format) -> Result<Exit, Failure> {
    let registry = scheme::registry(folder)?;
    let mut errors = Vec::new();
    let mut all: Vec<Arc<Compiled>> = Vec::new();
    for (name, _) in registry.presets() {
        match registry.named(name) {
            Ok(compiled) => all.push(compiled),
            Err(more) => errors.extend(more.0),
        }
    }
    if !errors.is_empty() {
        return Err(Failure::complaints(&ConfigErrors(errors), registry.sources()));
    }
    match format {
        Format::Json => output::print_json(&all.iter().map(|compiled| listed(compiled)).collect::<Vec<_>>())?,
        Format::Human => {
            let rows: Vec<Vec<String>> = all.iter().map(|compiled| row(compiled)).collect();
            output::print(&output::table(&["NAME", "MODE", "COVERS", "TIME", "REPLAY", "TITLE"], &rows))?;
        }
    }
    Ok(Exit::Done)
}

fn listed(compiled: &Compiled) -> Listed<'_> {
    let preset = compiled.preset();
    Listed {
        name: &preset.name,
        mode: &preset.mode.value,
        title: preset.title.as_deref(),
        confidence: preset.confidence.as_deref(),
        binds: compiled.needs().binds.words().collect(),
        freshness: compiled.freshness().map(Into::into),
        replay: compiled.replay().into(),
    }
}

fn row(compiled: &Compiled) -> Vec<String> {
    let preset = compiled.preset();
    let binds: Vec<&str> = compiled.needs().binds.words().collect();
    let time = compiled.freshness().map_or_else(
        || "-".into(),
        |Freshness { tolerance, .. }| format!("{} / {}", span(tolerance.past), span(tolerance.future)),
    );
    let Replay { key, keep } = compiled.replay();
    let replay = match key {
        ReplayBy::None => "-".into(),
        key => format!("{}, {}", key.word(), span(keep)),
    };
    let title = output::plain(preset.title.as_deref().unwrap_or(""));
    let binds = if binds.is_empty() { "-".into() } else { binds.join(" ") };
    vec![preset.name.to_string(), preset.mode.value.to_string(), binds, time, replay, title]
}

/// In the largest unit that holds it whole.
fn span(duration: Duration) -> String {
    match duration.as_secs() {
        s if s > 0 && s.is_multiple_of(86_400) => format!("{} d", s / 86_400),
        s if s > 0 && s.is_multiple_of(3600) => format!("{} h", s / 3600),
        s => format!("{s} s"),
    }
}
