//! The part of `module conform` that runs the module, and may die of it. Its report goes into a file of its own.

use super::super::refused;
use crate::args::{ConformArgs, ConformStage};
use crate::error::Failure;
use crate::scheme;
use countersign::{Key, Registry};
use countersign_plugin::host::probe::{Delivery, FAULTS};
use countersign_plugin::host::{Loader, Module, ModulePreset, Spec, inspect};
use countersign_testkit::{Case, Expect, SecretSpec, VectorFile, conformance};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

/// How long one call may take here before it counts as one that does not end.
const HANGS: Duration = Duration::from_secs(20);

/// Do one stage, and write what came of it.
pub(in super::super) fn run(stage: ConformStage, report: &Path, args: &ConformArgs) -> Result<(), Failure> {
    // A panic of the mode is told in the report, and its words are nobody's here.
    std::panic::set_hook(Box::new(|_| {}));
    let module = load(&args.file)?;
    let files = vectors(&module, args)?;
    let mode = args.mode.as_deref().unwrap_or_default();
    let value = match stage {
        ConformStage::Memory => memory(&module, mode, &files, args)?,
        ConformStage::Promises => promises(&module, mode, &files, args)?,
    };
    // It is there: whoever wants it has made it.
    let file = File::options().write(true).truncate(true).open(report);
    file.and_then(|mut file| file.write_all(value.to_string().as_bytes()))
        .map_err(|error| Failure::io("write", report, &error))
}

/// The module, as it is now; whoever asks here means this file.
pub(super) fn load(file: &Path) -> Result<Module, Failure> {
    let path = std::path::absolute(file).map_err(|error| Failure::io("find", file, &error))?;
    let mut spec = Spec::new(&path, inspect(&path).map_err(refused)?.pin);
    spec.allow_unguarded = true;
    // Faults are counted in what is reported, and must not end the asking.
    spec.faults = usize::MAX;
    (spec.deadline, spec.abort_after) = (HANGS, Some(HANGS));
    Loader::new().load(&spec).map_err(refused)
}

/// The cases that the module brings, and those that are given.
pub(super) fn vectors(module: &Module, args: &ConformArgs) -> Result<Vec<VectorFile>, Failure> {
    let mut texts = Vec::new();
    for ModulePreset { name, vectors, .. } in module.presets() {
        texts.extend(vectors.as_ref().map(|text| (format!("{name}.vectors.toml"), text.to_string())));
    }
    for file in &args.vectors {
        texts.push((file.display().to_string(), scheme::read_text(file)?));
    }
    let parse = |(name, text): (String, String)| {
        VectorFile::parse(name, &text).map_err(|wrong| Failure::complaints(&wrong.errors, &wrong.sources))
    };
    texts.into_iter().map(parse).collect()
}

/// The presets that the module brings, and those of the folder, each as a file and a text.
fn presets(module: &Module, args: &ConformArgs) -> Result<Vec<(String, String)>, Failure> {
    let of_module =
        module.presets().iter().map(|preset| (format!("{}.toml", preset.name), preset.text.to_string()));
    let mut all: Vec<(String, String)> = of_module.collect();
    if let Some(dir) = &args.presets {
        for file in scheme::preset_files(dir)? {
            let text = scheme::read_text(&file)?;
            if all.iter().all(|(_, known)| *known != text) {
                all.push((file.display().to_string(), text));
            }
        }
    }
    Ok(all)
}

fn promises(module: &Module, mode: &str, files: &[VectorFile], args: &ConformArgs) -> Result<Value, Failure> {
    let loaded = module.modes().iter().find(|known| known.info().name == mode);
    let loaded = loaded.ok_or_else(|| Failure::config(format!("the module brings no mode `{mode}`")))?;
    let presets = presets(module, args)?;
    let presets: Vec<(&str, &str)> = presets.iter().map(|(file, text)| (&**file, &**text)).collect();
    let mut options = conformance::Options::default();
    if args.quick {
        (options.rounds, options.threads, options.damaged) = (100, 8, 16);
        (options.samples, options.budget) = (32, Duration::from_millis(500));
    }
    let found = conformance::suite_with(loaded.clone(), &presets, files, &options);
    Ok(json!({ "text": found.to_string(), "report": found.to_json() }))
}

fn memory(module: &Module, mode: &str, files: &[VectorFile], args: &ConformArgs) -> Result<Value, Failure> {
    let mut registry = Registry::new();
    module.register_modes(&mut registry).map_err(|errors| Failure::config(errors.to_string()))?;
    for (file, text) in presets(module, args)? {
        let added = registry.add_preset(file, text).map(drop);
        added.map_err(|errors| Failure::complaints(&errors, registry.sources()))?;
    }
    let (mut calls, mut deliveries) = (0, 0);
    let mut found: BTreeMap<&str, String> = BTreeMap::new();
    for case in files.iter().flat_map(|file| &file.cases).filter(|case| case.expect == Expect::Ok) {
        if let Some(probed) =
            probe(module, mode, &registry, case, if args.quick { 300 } else { args.rounds as usize })
        {
            deliveries += 1;
            calls += probed.calls;
            for (code, says) in probed.found {
                found.entry(code).or_insert_with(|| format!("case `{}`: {says}", case.name));
            }
        }
    }
    let look = |code: &str| FAULTS.iter().find(|(known, _)| *known == code).map_or("", |(_, look)| look);
    let found: Vec<Value> = found
        .iter()
        .map(|(code, says)| json!({ "code": code, "found": says, "look_at": look(code) }))
        .collect();
    Ok(json!({ "calls": calls, "deliveries": deliveries, "found": found }))
}

/// Probe with a case, if it is of this mode: with the key that makes it verify.
fn probe(
    module: &Module,
    mode: &str,
    registry: &Registry,
    case: &Case,
    rounds: usize,
) -> Option<countersign_plugin::host::probe::Probed> {
    let compiled = match case.overrides.clone() {
        None => registry.named(&case.preset),
        Some(changes) => registry.named_with(&case.preset, changes),
    }
    .ok()?;
    if *compiled.preset().mode.value != *mode || !case.documents.is_empty() {
        return None;
    }
    let ring = SecretSpec::ring(&case.secrets, compiled.needs().key_kind(false)).ok()?;
    let signs = |key: &&Key| {
        let mut own = countersign::Keyring::new();
        let copy = Key::shared(key.id.as_str(), key.material.expose()).ok().map(|mut copy| {
            (copy.kind, copy.role) = (key.kind, key.role.clone());
            copy
        });
        let added = copy.is_some_and(|copy| own.add(copy).is_ok());
        let verifier = compiled.verifier("conform", &own, &case.vars).ok().filter(|_| added);
        let cx = countersign::Context::at(case.now);
        verifier.is_some_and(|verifier| verifier.verify(&case.request.request(), &cx).code() == "ok")
    };
    // None verifies by a module that the host has caught already: then it is looked at all the more.
    let first = || ring.iter().map(|(_, key)| key).next();
    let key = ring.iter().map(|(_, key)| key).find(signs).or_else(first)?;
    let delivery = Delivery {
        config: compiled.preset().config(),
        key: Some(key),
        vars: &case.vars,
        request: case.request.request(),
        now: case.now,
    };
    module.probe(mode, &delivery, rounds).ok()
}
