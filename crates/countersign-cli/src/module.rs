//! `countersign module`: shared libraries with modes and presets, and how everything else here comes by them.

mod check;
mod conform;
mod new;

use crate::args::{Format, ModuleArgs, ModuleCommand};
use crate::error::{Exit, Failure};
use crate::output;
use crate::scheme::read_text;
use countersign::config::{Complaints, Reader};
use countersign::{Layer, Sources};
use countersign_plugin::host::{LoadError, Loader, Module, Pin, Spec};
use serde_json::{Value, json};
use std::path::Path;

/// Do it.
pub(crate) fn run(command: &ModuleCommand) -> Result<Exit, Failure> {
    match command {
        ModuleCommand::List { modules, format } => list(&load_all(modules)?, *format)?,
        ModuleCommand::Check { file, format } => check::run(file, *format)?,
        ModuleCommand::Conform(args) => return conform::run(args),
        ModuleCommand::ConformStage { stage, report, args } => conform::stage::run(*stage, report, args)?,
        ModuleCommand::New { name, dir, c, source } => {
            return new::run(name, dir.as_deref(), *c, source.as_deref());
        }
    }
    Ok(Exit::Done)
}

/// Load what the command line names, each as its pin says.
pub(crate) fn load_all(args: &ModuleArgs) -> Result<Vec<Module>, Failure> {
    let ModuleArgs { module, modules } = args;
    let mut specs = module.iter().map(|text| spec(text)).collect::<Result<Vec<_>, _>>()?;
    if let Some(file) = modules {
        specs.extend(read(file)?);
    }
    if specs.is_empty() {
        return Ok(Vec::new());
    }
    for name in ["LD_PRELOAD", "LD_LIBRARY_PATH"] {
        if std::env::var_os(name).is_some_and(|value| !value.is_empty()) {
            output::warn(&format!("{name} is set: what a module calls may be something else than it seems"));
        }
    }
    let mut loader = Loader::new();
    specs.iter().map(|spec| loader.load(spec).map_err(refused)).collect()
}

/// A refusal, as a person reads it.
fn refused(error: LoadError) -> Failure {
    let says = format!(
        "module {} is not loaded: {} ({})",
        error.path().display(),
        error.says(),
        error.fault().code()
    );
    let failure = Failure::config(says);
    match error.next() {
        Some(next) => failure.next(next),
        None => failure,
    }
}

/// `PATH@sha256=PIN`.
fn spec(text: &str) -> Result<Spec, Failure> {
    let Some((path, pin)) = text.rsplit_once("@sha256=") else {
        let failure = Failure::usage(format!("--module: `{}` has no pin", output::plain(text)));
        return Err(failure.next("`countersign module check FILE` prints it: write --module PATH@sha256=PIN"));
    };
    let pin = Pin::parse(pin).map_err(|says| {
        Failure::usage(format!("--module: {says}")).next("`countersign module check FILE` prints it")
    })?;
    Ok(Spec::new(path, pin))
}

/// Every `[[module]]` of a file.
fn read(file: &Path) -> Result<Vec<Spec>, Failure> {
    let mut sources = Sources::new();
    let id = sources.add(file.display().to_string(), read_text(file)?);
    let complaints = Complaints::new();
    let specs = Layer::parse(&sources, id).map(|layer| {
        let root = Reader::new(layer.root(), &complaints, "");
        let specs = Spec::read_all(&root);
        root.finish();
        specs
    });
    match (specs, complaints.into_result()) {
        (Ok(specs), Ok(())) => Ok(specs),
        (Err(errors), _) | (_, Err(errors)) => Err(Failure::complaints(&errors, &sources)),
    }
}

fn list(modules: &[Module], format: Format) -> Result<(), Failure> {
    if format == Format::Json {
        return output::print_json(&modules.iter().map(to_json).collect::<Vec<_>>());
    }
    if modules.is_empty() {
        output::note("no module is given");
        output::help("--module PATH@sha256=PIN, or --modules FILE with a [[module]] table for each");
        return Ok(());
    }
    let row = |module: &Module| {
        let (major, minor) = module.abi();
        vec![
            output::plain(module.name()),
            output::plain(module.version()),
            format!("{major}.{minor}"),
            modes(module).join(", "),
            presets(module).join(", "),
            module.isolation().word().into(),
            if module.is_sealed() { "sealed copy".into() } else { "its file".into() },
            module.path().display().to_string(),
        ]
    };
    const HEAD: [&str; 8] = ["NAME", "VERSION", "ABI", "MODES", "PRESETS", "ISOLATION", "RUNS FROM", "PATH"];
    output::print(&output::table(&HEAD, &modules.iter().map(row).collect::<Vec<_>>()))?;
    modules.iter().flat_map(|module| module.notes()).for_each(|note| output::note(note));
    Ok(())
}

fn modes(module: &Module) -> Vec<String> {
    module.modes().iter().map(|mode| mode.info().name.to_string()).collect()
}

fn presets(module: &Module) -> Vec<String> {
    module.presets().iter().map(|preset| preset.name.to_string()).collect()
}

fn to_json(module: &Module) -> Value {
    let (major, minor) = module.abi();
    json!({
        "path": module.path().display().to_string(),
        "sha256": module.pin().to_string(),
        "name": module.name(),
        "version": module.version(),
        "abi": format!("{major}.{minor}"),
        "modes": modes(module),
        "presets": presets(module),
        "isolation": module.isolation().word(),
        "guarded": module.is_guarded(),
        "sealed": module.is_sealed(),
        "notes": module.notes(),
    })
}
