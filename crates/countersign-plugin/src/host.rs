//! Our side: choosing a module, loading it, and believing it only as far as its contract goes.
//!
//! ```
//! use countersign_plugin::host::{Loader, Pin, Spec};
//!
//! let mut registry = countersign::Registry::new();
//! let mut loader = Loader::new();
//! // Nothing is searched for: a path is absolute, and its bytes are pinned.
//! let spec = Spec::new("/usr/lib/countersign/libacme.so", Pin::parse(&"9f".repeat(32))?);
//! match loader.load(&spec) {
//!     Ok(module) => module.register(&mut registry)?,
//!     Err(refused) => eprintln!("{refused}"), // what was found, what was expected, and what to do
//! }
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! What is loaded stays: modules are never unloaded, and a newer one takes a restart. Forking after a load is not supported.

mod call;
mod check;
mod credential;
mod crossing;
mod descriptor;
#[cfg(test)]
mod doors;
mod error;
mod file;
mod mode;
mod pool;
pub mod probe;
mod redact;
mod rooms;
mod sign;
mod spec;
mod verdict;
mod watch;

pub use error::{LoadError, LoadFault};
pub use file::{Inspected, inspect};
pub use mode::DETAILS;
pub use spec::{Isolation, Pin, Spec};
pub use watch::Health;

use crate::abi;
use countersign::config::{ConfigCode, ConfigError, ConfigErrors};
use countersign::{Mode, Registry};
use descriptor::Described;
use mode::LoadedMode;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use watch::Shared;

/// Loads modules, and remembers what it has loaded.
#[derive(Default)]
pub struct Loader {
    writes: Vec<PathBuf>,
    loaded: Vec<Loaded>,
}

/// What of one module is taken already.
struct Loaded {
    path: PathBuf,
    pin: Pin,
    modes: Vec<String>,
}

/// A loaded module: its modes and presets, and how it fares.
pub struct Module {
    shared: Arc<Shared>,
    path: PathBuf,
    pin: Pin,
    name: String,
    version: String,
    minor: u32,
    guarded: bool,
    sealed: bool,
    notes: Vec<String>,
    modes: Vec<Arc<dyn Mode>>,
    shapes: Vec<Arc<mode::Shape>>,
    presets: Vec<ModulePreset>,
}

/// A preset that a module brings.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ModulePreset {
    /// Its name.
    pub name: Arc<str>,

    /// Its text, TOML.
    pub text: Arc<str>,

    /// Its vectors, TOML, if it has any.
    pub vectors: Option<Arc<str>>,
}

impl Loader {
    /// Nothing loaded yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Say that this program writes below `folder`: no module may be there, nor may the folder be inside that of a
    /// module. What is written for an operator to read must never become code.
    pub fn writes(&mut self, folder: impl Into<PathBuf>) -> &mut Self {
        self.writes.push(settled(&folder.into()));
        self
    }

    /// Load one. It is looked at from outside first, compared with its pin, and only then run: what a module does when it
    /// is loaded, it does with the rights of this process.
    ///
    /// # Errors
    /// Everything that is wrong is an error with a code of its own; nothing is only warned of.
    pub fn load(&mut self, spec: &Spec) -> Result<Module, LoadError> {
        let bytes = file::read(&spec.path, &self.writes)?;
        file::check_pin(&spec.path, &bytes, &spec.pin)?;
        let inspected = file::look(&spec.path, &bytes)?;
        inspected.require_entry(&spec.path)?;
        let opened = file::open(&spec.path, &bytes, &spec.pin)?;
        let described = descriptor::read(&spec.path, opened.entry, spec.allow_unguarded)?;
        self.settle(spec, described, opened.sealed)
    }

    /// What of it is taken, and under which names.
    fn settle(&mut self, spec: &Spec, described: Described, sealed: bool) -> Result<Module, LoadError> {
        let Described { name, version, minor, guarded, modes, presets } = described;
        let mut notes = Vec::new();
        let modes = chosen(spec, "mode", &spec.modes, modes, |mode| &mode.info.name, &mut notes)?;
        let presets = chosen(spec, "preset", &spec.presets, presets, |preset| &preset.name, &mut notes)?;
        for mode in &modes {
            if let Some(there) =
                self.loaded.iter().find(|there| there.modes.contains(&mode.info.name.to_string()))
            {
                return Err(there.refuse_again(spec, &mode.info.name));
            }
        }
        let names = modes.iter().map(|mode| mode.info.name.to_string()).collect();
        self.loaded.push(Loaded { path: spec.path.clone(), pin: spec.pin, modes: names });
        let shared = Shared::new(spec, &name);
        let modes: Vec<Arc<LoadedMode>> =
            modes.into_iter().map(|mode| Arc::new(LoadedMode::new(mode, shared.clone()))).collect();
        Ok(Module {
            shapes: modes.iter().map(|mode| mode.shape.clone()).collect(),
            modes: modes.into_iter().map(|mode| mode as Arc<dyn Mode>).collect(),
            shared,
            path: spec.path.clone(),
            pin: spec.pin,
            name,
            version,
            minor,
            guarded,
            sealed,
            notes,
            presets,
        })
    }
}

impl Loaded {
    /// Why another is not loaded that brings a mode of the same name.
    fn refuse_again(&self, spec: &Spec, mode: &str) -> LoadError {
        let Self { path, pin, .. } = self;
        let there = path.display();
        let (says, help) = match (*pin == spec.pin, *path == spec.path) {
            (true, true) => {
                (format!("it is loaded already: {there} is there twice"), "remove one of its two tables")
            }
            (true, false) => (
                format!("it has the same bytes as {there}, which is loaded already"),
                "remove one of the two tables",
            ),
            (false, _) => (
                format!("it brings the mode `{mode}`, and so does {there}"),
                "load one of the two, or take only some of its modes: `modes = [\"…\"]`",
            ),
        };
        LoadError::new(LoadFault::Duplicate, &spec.path, says).help(help)
    }
}

/// Where a folder is, or will be once it is there: without links as far as it goes by now.
fn settled(folder: &Path) -> PathBuf {
    let whole = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let there = whole.ancestors().find_map(|above| Some((above.canonicalize().ok()?, above)));
    there.map_or(whole.clone(), |(real, above)| match whole.strip_prefix(above) {
        // Joined with nothing, a path would end in a slash.
        Ok(rest) if rest.as_os_str().is_empty() => real,
        Ok(rest) => real.join(rest),
        Err(_) => whole.clone(),
    })
}

/// The listed ones, all of which must be there; all, where nothing is listed.
fn chosen<T>(
    spec: &Spec,
    what: &str,
    wanted: &Option<Vec<String>>,
    all: Vec<T>,
    name: impl Fn(&T) -> &str,
    notes: &mut Vec<String>,
) -> Result<Vec<T>, LoadError> {
    let Some(wanted) = wanted else { return Ok(all) };
    if let Some(missing) = wanted.iter().find(|wanted| all.iter().all(|there| name(there) != **wanted)) {
        let there: Vec<&str> = all.iter().map(&name).collect();
        let brings = match there.is_empty() {
            true => "none".to_owned(),
            false => countersign::config::one_of(there),
        };
        let says =
            format!("the {what} `{missing}` is to be taken from it, and of {what}s it brings {brings}");
        return Err(LoadError::new(LoadFault::Unlisted, &spec.path, says)
            .help(format!("correct `{what}s` of its table")));
    }
    let (taken, left): (Vec<T>, Vec<T>) =
        all.into_iter().partition(|there| wanted.iter().any(|wanted| wanted == name(there)));
    notes
        .extend(left.iter().map(|left| format!("the {what} `{}` is left out: it is not listed", name(left))));
    Ok(taken)
}

impl Module {
    /// Add its modes and presets to a registry.
    ///
    /// # Errors
    /// A name that is built in or there already: nothing shadows silently. Then nothing is added.
    pub fn register(&self, registry: &mut Registry) -> Result<(), ConfigErrors> {
        self.register_modes(registry)?;
        for ModulePreset { name, text, .. } in &self.presets {
            registry.add_preset(self.preset_file(name), text.clone())?;
        }
        Ok(())
    }

    /// Add its modes alone.
    ///
    /// # Errors
    /// As [`register`](Self::register).
    pub fn register_modes(&self, registry: &mut Registry) -> Result<(), ConfigErrors> {
        let taken =
            self.modes.iter().map(|mode| &mode.info().name).find(|name| registry.mode(name).is_some());
        if let Some(name) = taken {
            let says = format!(
                "the module {} brings a mode `{name}`, and there is one of that name in this program already",
                self.path.display()
            );
            let help = "rename the module's, or leave it out: list those you take in `modes`";
            return Err(ConfigError::new(ConfigCode::MalformedConfig, says).help(help).into());
        }
        for mode in &self.modes {
            registry.register(mode.clone())?;
        }
        Ok(())
    }

    /// What a preset's text is called in complaints: the module's path and the preset's name.
    pub fn preset_file(&self, preset: &str) -> String {
        format!("{}:{preset}.toml", self.path.display())
    }

    /// Where it was read.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The SHA-256 of its bytes.
    pub fn pin(&self) -> Pin {
        self.pin
    }

    /// What it calls itself.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version it gives itself.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The ABI it was built against: major and minor.
    pub fn abi(&self) -> (u32, u32) {
        (abi::MAJOR, self.minor)
    }

    /// Whether its panics cannot leave it.
    pub fn is_guarded(&self) -> bool {
        self.guarded
    }

    /// Whether what runs is a sealed private copy. Where a policy of the system forbids that, it runs from its file, which
    /// was compared once more; then do not overwrite that file.
    pub fn is_sealed(&self) -> bool {
        self.sealed
    }

    /// How its calls are kept apart.
    pub fn isolation(&self) -> Isolation {
        self.shared.isolation
    }

    /// What was left out, and why.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Its modes.
    pub fn modes(&self) -> &[Arc<dyn Mode>] {
        &self.modes
    }

    /// Its presets.
    pub fn presets(&self) -> &[ModulePreset] {
        &self.presets
    }

    /// How it fares: for `/readyz`, and for whoever is called at night.
    pub fn health(&self) -> Health {
        self.shared.health()
    }

    /// Ask one of its modes what the contract says of memory, with a delivery that verifies: see [`probe`]. A module that
    /// breaks it may end this process: do it in one that may. `rounds` damaged requests and four times as many handles.
    ///
    /// # Errors
    /// There is no such mode, or the key will not do.
    pub fn probe(
        &self,
        mode: &str,
        delivery: &probe::Delivery<'_>,
        rounds: usize,
    ) -> Result<probe::Probed, countersign::KeyError> {
        let place = self.modes.iter().position(|known| known.info().name == mode);
        let shape = place.and_then(|place| self.shapes.get(place));
        let shape = shape.ok_or_else(|| countersign::KeyError::new(format!("it has no mode `{mode}`")))?;
        probe::probe(shape, delivery, rounds)
    }

    /// Let requests in again after a quarantine, once an operator has looked.
    pub fn release(&self) {
        self.shared.release();
    }
}
