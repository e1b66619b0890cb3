//! `countersign preset lint`: every mistake in every file, each at its line.

use crate::args::FolderArgs;
use crate::error::{Exit, Failure};
use crate::module;
use crate::output::{self, count};
use crate::scheme;
use countersign::config::{ConfigError, near, one_of};
use countersign::{ConfigErrors, Layer, Registry, Sources};
use countersign_plugin::host::Module;
use countersign_testkit::VectorFile;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Check files, or else the folder, or else what is built in.
pub(super) fn run(files: &[PathBuf], folder: &FolderArgs) -> Result<Exit, Failure> {
    let mut linted = Linted::default();
    let dir = folder.presets.as_slice();
    let paths = if files.is_empty() { dir } else { files };
    if paths.is_empty() {
        linted.loaded(&scheme::registry(folder)?);
        for (name, text) in countersign_presets::VECTORS {
            linted.vectors(name, text);
        }
    } else {
        let files = expand(paths)?;
        if files.is_empty() {
            let paths: Vec<String> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
            return Err(Failure::config(format!("there is no `*.toml` in {}", paths.join(", ")))
                .next("countersign preset new NAME --dir DIR begins a preset"));
        }
        let (vectors, presets): (Vec<_>, Vec<_>) =
            files.iter().partition(|(path, _)| scheme::is_vectors(path));
        linted.given(&presets, folder)?;
        for (path, text) in vectors {
            linted.vectors(&path.display().to_string(), text);
        }
    }
    linted.finish()
}

/// What was found so far.
#[derive(Default)]
struct Linted {
    presets: usize,
    files: usize,
    cases: usize,
    complaints: usize,
    rendered: Vec<String>,
    /// Presets by name.
    known: BTreeSet<Arc<str>>,
    /// Presets that cases name, each with the file that does.
    named: BTreeSet<(Arc<str>, String)>,
}

impl Linted {
    /// Every preset of a registry.
    fn loaded(&mut self, registry: &Registry) {
        let names: Vec<&str> = registry.presets().map(|(name, _)| name).collect();
        let errors = ConfigErrors(names.iter().flat_map(|name| mistakes(registry, name)).collect());
        self.presets += names.len();
        self.known.extend(names.iter().map(|name| Arc::from(*name)));
        self.complain(&errors, registry.sources());
    }

    /// Presets in files. One of the same name that is not among them gives way, for the file is being worked on; one that
    /// says what it `replaces` finds it there.
    fn given(&mut self, files: &[&(PathBuf, String)], folder: &FolderArgs) -> Result<(), Failure> {
        let mut registry =
            countersign_modes::without_presets().map_err(|errors| Failure::config(errors.to_string()))?;
        let modules = module::load_all(&folder.modules)?;
        for module in &modules {
            let added = module.register_modes(&mut registry);
            added.map_err(|errors| Failure::config(errors.to_string()))?;
        }
        let named: Vec<(Arc<str>, bool)> = files.iter().filter_map(|(_, text)| name_in(text)).collect();
        let gives_way = |text: &str| {
            let is_same = |known: &Arc<str>| named.iter().any(|(name, replaces)| name == known && !replaces);
            name_in(text).is_some_and(|(name, _)| is_same(&name))
        };
        for (path, text) in beside(files, folder, &modules)? {
            if !gives_way(&text) {
                let added = registry.add_preset(path, text).map(drop);
                added.map_err(|errors| Failure::complaints(&errors, registry.sources()))?;
            }
        }
        let mut errors = Vec::new();
        let mut added = BTreeSet::new();
        for (path, text) in files {
            self.presets += 1;
            match registry.add_preset(path.display().to_string(), text.as_str()).map(drop) {
                Ok(()) => added.extend(name_in(text).map(|(name, _)| name)),
                Err(more) => errors.extend(more.0),
            }
        }
        let named = named.into_iter().map(|(name, _)| name);
        self.known.extend(named.chain(registry.presets().map(|(name, _)| Arc::from(name))));
        errors.extend(added.iter().flat_map(|name| mistakes(&registry, name)));
        self.complain(&ConfigErrors(errors), registry.sources());
        Ok(())
    }

    fn vectors(&mut self, name: &str, text: &str) {
        self.files += 1;
        match VectorFile::parse(name, text) {
            Ok(file) => {
                self.cases += file.cases.len();
                self.named.extend(file.cases.into_iter().map(|case| (case.preset, name.to_owned())));
            }
            Err(wrong) => self.complain(&wrong.errors, &wrong.sources),
        }
    }

    fn complain(&mut self, errors: &ConfigErrors, sources: &Sources) {
        if !errors.0.is_empty() {
            self.complaints += errors.0.len();
            self.rendered.push(errors.render(sources));
        }
    }

    fn finish(self) -> Result<Exit, Failure> {
        let Self { presets, files, cases, complaints, rendered, known, named } = self;
        for (preset, file) in named.iter().filter(|(preset, _)| !known.contains(preset)) {
            let near = near(preset, known.iter().map(|name| (&**name, "")));
            let meant = match near.is_empty() {
                true => String::new(),
                false => format!(": is {} meant?", one_of(near)),
            };
            // No mistake of the file's own: its preset may be elsewhere.
            output::warn(&format!("{file}: its preset `{preset}` is neither here nor built in{meant}"));
        }
        if complaints > 0 {
            output::raw_error(&rendered.join("\n"));
            output::raw_error("\n");
            output::error(&count(complaints, "complaint"));
            return Ok(Exit::Config);
        }
        let mut parts = Vec::new();
        if presets > 0 {
            parts.push(count(presets, "preset"));
        }
        if files > 0 {
            parts.push(format!("{} in {} of vectors", count(cases, "case"), count(files, "file")));
        }
        let all = if parts.is_empty() { "nothing to check".into() } else { parts.join(", ") };
        output::print(&format!("{} {all}\n", output::styled(output::GOOD, "ok:")))?;
        Ok(Exit::Done)
    }
}

/// Everything that is wrong with one preset.
fn mistakes(registry: &Registry, name: &str) -> Vec<ConfigError> {
    registry.named(name).err().map_or_else(Vec::new, |errors| errors.0)
}

/// Files, and those of folders, with their texts.
fn expand(paths: &[PathBuf]) -> Result<Vec<(PathBuf, String)>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        match Path::is_dir(path) {
            true => files.extend(scheme::toml_files(path)?),
            false => files.push(path.clone()),
        }
    }
    files
        .into_iter()
        .map(|file| Ok((file.clone(), scheme::read_text(&file).map_err(|f| meant(&file, f.into()))?)))
        .collect()
}

/// A name stands for no file here, though elsewhere it does.
fn meant(file: &Path, failure: Failure) -> Failure {
    let with_end = file.with_extension("toml");
    match !file.exists() && with_end.is_file() {
        true => failure.next(format!("countersign preset lint {}", with_end.display())),
        false => failure,
    }
}

/// Presets that files may name: what is built in, what modules bring, what else the folder has. Each with its path.
fn beside(
    files: &[&(PathBuf, String)],
    folder: &FolderArgs,
    modules: &[Module],
) -> Result<Vec<(String, String)>, Failure> {
    let built_in = countersign_presets::PRESETS.iter();
    let mut beside: Vec<_> = built_in.map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    for module in modules {
        let presets = module.presets().iter();
        beside.extend(presets.map(|preset| (module.preset_file(&preset.name), preset.text.to_string())));
    }
    let Some(dir) = &folder.presets else { return Ok(beside) };
    for file in scheme::preset_files(dir)? {
        let text = scheme::read_text(&file)?;
        if files.iter().all(|(_, given)| *given != text) && !scheme::is_built_in(&file, &text) {
            beside.push((file.display().to_string(), text));
        }
    }
    Ok(beside)
}

/// The name that a preset gives itself, if it can be read that far, and whether it says that it replaces another.
fn name_in(text: &str) -> Option<(Arc<str>, bool)> {
    let mut sources = Sources::new();
    let file = sources.add("", text);
    let layer = Layer::parse(&sources, file).ok()?;
    Some((layer.get(&["name"])?.text()?.clone(), layer.get(&["replaces"]).is_some()))
}
