//! `countersign config check`: every mistake with its line, then every warning, then what the sources are.

use super::refused;
use crate::args::{CheckArgs, Format};
use crate::error::{Exit, Failure};
use crate::output::{self, CARE, count, styled};
use countersign::config::{ConfigError, one_of};
use countersign::{ConfigErrors, Sources, Timestamp};
use countersign_gateway::config::{
    Config, Keys, Loaded, Modules, Record, Refused, Source, Warning, Warnings,
};
use countersign_gateway::own_secrets;
use countersign_gateway::secrets::{KeyPlace, Outside, shared};
use serde_json::{Value, json};
use std::sync::Arc;

/// Check it.
pub(super) fn run(CheckArgs { config, secrets, format }: &CheckArgs) -> Result<Exit, Failure> {
    let Loaded { config, mut warnings, texts, .. } = match Config::read(config, &mut Modules::new()) {
        Ok(loaded) => loaded,
        Err(Refused::Wrong { errors, texts, .. }) if *format == Format::Json => {
            output::print_json(&wrong_json(&errors, &texts))?;
            return Ok(Exit::Config);
        }
        Err(error) => return Err(refused(error)),
    };
    let missing = if *secrets { read_all(&config, &mut warnings) } else { Vec::new() };
    match format {
        Format::Json => {
            output::print_json(&to_json(&config, &warnings, &texts, secrets.then_some(&missing)))?
        }
        Format::Human => {
            tell(&warnings, &texts);
            missing.iter().for_each(|missing| output::error(missing));
            output::print(&table(&config))?;
            summary(&config, *secrets, missing.len());
        }
    }
    Ok(if missing.is_empty() { Exit::Done } else { Exit::Key })
}

/// Every secret that there is a place for. What cannot be read is told, each in a sentence.
fn read_all(config: &Config, warnings: &mut Vec<Warning>) -> Vec<String> {
    let (outside, mut read) = (Outside::system(), Vec::new());
    let (open, mut missing) = own_secrets(config);
    warnings.extend(open);
    for source in &config.sources {
        match source.read_secrets(&outside, config.server.strict) {
            Err(errors) => missing.extend(errors.iter().map(ToString::to_string)),
            Ok(mut secrets) => {
                warnings.append(&mut secrets.warnings);
                if !matches!(source.keys, Keys::Managed) {
                    let bound = source.compiled.verifier(source.name.clone(), &secrets.keys, &secrets.vars);
                    missing.extend(bound.err().map(|error| format!("source `{}`: {error}", source.name)));
                }
                read.push((source, secrets));
            }
        }
    }
    warnings.extend(shared(read.iter().map(|(source, secrets)| (&***source, secrets))));
    missing
}

/// Each with its line, if it has one.
fn tell(warnings: &[Warning], texts: &Sources) {
    for warning in warnings {
        let rendered = Warnings::render(std::slice::from_ref(warning), texts);
        output::raw_error(&format!("{} {rendered}", styled(CARE, "warning:")));
    }
}

fn table(config: &Config) -> String {
    const HEAD: [&str; 6] = ["PATH", "SCHEME", "KEYS", "COVERS", "FORWARD", "REFUSED"];
    let rows: Vec<_> = config.sources.iter().map(|source| row(source)).collect();
    if rows.is_empty() { String::new() } else { output::table(&HEAD, &rows) }
}

fn row(source: &Source) -> Vec<String> {
    let preset = source.compiled.preset();
    let scheme = match &source.preset {
        Some(name) => name.to_string(),
        None => format!("({})", preset.mode.value),
    };
    let covers: Vec<&str> = source.compiled.needs().binds.words().collect();
    let forward = match &source.forward[..] {
        [] if source.record == Record::None => "nowhere, kept nowhere".into(),
        [] => "nowhere".into(),
        targets => targets.iter().map(|target| shown(&target.to)).collect::<Vec<_>>().join(", "),
    };
    let refused = if source.enabled { source.enforce.word() } else { "disabled" };
    let covers = if covers.is_empty() { "nothing".into() } else { covers.join(", ") };
    vec![output::plain(&source.path), scheme, keys(source), covers, forward, refused.into()]
}

/// Without its query, which may hold a key.
fn shown(to: &impl ToString) -> String {
    let text = to.to_string();
    text.split('?').next().unwrap_or_default().to_owned()
}

fn keys(source: &Source) -> String {
    match &source.keys {
        Keys::Found => "found".into(),
        Keys::Managed => "managed".into(),
        Keys::Placed(keys) => {
            let one = |KeyPlace { id, window, .. }: &KeyPlace| {
                let day = |at: Timestamp| at.to_string().replace("T00:00:00Z", "");
                match (window.not_before, window.not_after) {
                    (None, None) => id.to_string(),
                    (Some(from), None) => format!("{id} (from {})", day(from)),
                    (None, Some(to)) => format!("{id} (until {})", day(to)),
                    (Some(from), Some(to)) => format!("{id} ({} until {})", day(from), day(to)),
                }
            };
            keys.iter().map(one).collect::<Vec<_>>().join(", ")
        }
    }
}

fn summary(config: &Config, secrets: bool, missing: usize) {
    let sources = count(config.sources.len(), "source");
    if missing > 0 {
        output::note(&format!("{sources} in order but for {}", count(missing, "secret")));
        return;
    }
    let listen = one_of(
        config.server.listen.iter().map(ToString::to_string).collect::<Vec<_>>().iter().map(|it| &**it),
    );
    output::note(&format!("in order: {sources}, at {listen}"));
    if !secrets && !config.sources.is_empty() {
        output::help("--secrets reads every secret as well");
    }
}

fn wrong_json(errors: &ConfigErrors, texts: &Sources) -> Value {
    let errors: Vec<Value> = errors.0.iter().map(|error| complaint(error, texts)).collect();
    json!({ "ok": false, "errors": errors })
}

fn complaint(error: &ConfigError, texts: &Sources) -> Value {
    let at = error.span.as_ref().map(|span| span.locate(texts).to_string());
    json!({ "code": error.code.code(), "at": at, "message": error.message, "help": error.help })
}

fn to_json(config: &Config, warnings: &[Warning], texts: &Sources, missing: Option<&Vec<String>>) -> Value {
    let warnings: Vec<Value> = warnings
        .iter()
        .map(|warning| {
            let mut told = complaint(&warning.what, texts);
            told["code"] = warning.code.code().into();
            told
        })
        .collect();
    let source = |source: &Arc<Source>| {
        let mut told = source.to_json();
        told["covers"] = source.compiled.needs().binds.words().collect();
        told["mode"] = (&*source.compiled.preset().mode.value).into();
        told["digest"] = format!("sha256:{}", source.digest).into();
        told
    };
    let mut resolved = config.to_json();
    resolved["source"] = config.sources.iter().map(source).collect();
    json!({
        "ok": missing.is_none_or(Vec::is_empty),
        "warnings": warnings,
        "missing_secrets": missing,
        "config": resolved,
    })
}
