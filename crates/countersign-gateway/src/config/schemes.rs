//! What there is to verify with: modes and presets, built in, of modules, of a folder.
//!
//! A module is loaded once in the life of a process: what it has started cannot be taken back. So [`Modules`] outlives a
//! reload, and a configuration that wants another module than the one that runs is refused, and says to restart.

use super::values::Around;
use countersign::config::{ConfigCode, ConfigError, MAX_BYTES, Node, Reader, Span, Value};
use countersign::{ConfigErrors, Layer, Registry};
use countersign_plugin::host::{Loader, Module, Spec};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The modes and presets that there are, and the modules that some are from.
pub struct Schemes {
    registry: Registry,
    modules: Vec<Arc<Module>>,
    folder: Option<PathBuf>,
    table: Option<Node>,
}

impl Schemes {
    /// What is built in, and nothing else.
    ///
    /// # Errors
    /// Something built in will not do.
    pub fn built_in() -> Result<Self, ConfigErrors> {
        Ok(Schemes {
            registry: countersign_modes::registry()?,
            modules: Vec::new(),
            folder: None,
            table: None,
        })
    }

    /// The modes and presets by name.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The modules.
    pub fn modules(&self) -> &[Arc<Module>] {
        &self.modules
    }

    /// The folder with more presets, if there is one.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// `[[module]]` as it is written.
    pub(super) fn table(&self) -> Option<&Node> {
        self.table.as_ref()
    }

    /// What is built in, and what the file adds. What is wrong with a module or a preset is told, and reading goes on
    /// without it.
    pub(super) fn load(
        specs: &[Spec],
        table: Option<&Node>,
        folder: Option<PathBuf>,
        modules: &mut Modules,
    ) -> (Self, Vec<ConfigError>) {
        let mut errors = Vec::new();
        let registry = countersign_modes::registry().unwrap_or_else(|wrong| {
            errors.extend(wrong.0);
            Registry::new()
        });
        let mut schemes = Schemes { registry, modules: Vec::new(), folder, table: table.cloned() };
        for spec in specs {
            let added = modules.load(spec).and_then(|module| {
                module.register(&mut schemes.registry)?;
                Ok(module)
            });
            match added {
                Ok(module) => schemes.modules.push(module),
                Err(wrong) => errors.extend(wrong.0),
            }
        }
        if let Some(folder) = schemes.folder.clone() {
            errors.extend(schemes.add_folder(&folder));
        }
        (schemes, errors)
    }

    fn add_folder(&mut self, folder: &Path) -> Vec<ConfigError> {
        let unread = |error: FolderError| {
            let told = ConfigError::new(ConfigCode::MalformedConfig, error.to_string());
            match error.help() {
                Some(help) => told.help(help),
                None => told,
            }
        };
        let files = match preset_files(folder) {
            Ok(files) => files,
            Err(error) => return vec![unread(error)],
        };
        let mut errors = Vec::new();
        for file in files {
            match read_text(&file) {
                Err(error) => errors.push(unread(error)),
                Ok(text) if is_built_in(&file, &text) => {}
                Ok(text) => {
                    let added = self.registry.add_preset(file.display().to_string(), text).map(drop);
                    errors.extend(added.err().into_iter().flat_map(|wrong| wrong.0));
                }
            }
        }
        errors
    }
}

impl fmt::Debug for Schemes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { registry, modules, folder, table: _ } = self;
        let mut shown = f.debug_struct("Schemes");
        shown.field("presets", &registry.presets().count()).field("modules", &modules.len());
        shown.field("folder", folder).finish()
    }
}

/// The modules that this process has loaded. One for the life of a process.
#[derive(Default)]
pub struct Modules {
    loader: Loader,
    loaded: Vec<(String, Arc<Module>)>,
}

impl Modules {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The one that the table is of: as it was loaded before, or now.
    fn load(&mut self, spec: &Spec) -> Result<Arc<Module>, ConfigErrors> {
        // All of a table counts: one that has another deadline than the module runs with is another.
        let table = format!("{spec:?}");
        if let Some((_, module)) = self.loaded.iter().find(|(known, _)| *known == table) {
            return Ok(module.clone());
        }
        let runs = self.loaded.iter().any(|(_, module)| module.path() == spec.path);
        let module = self.loader.load(spec).map_err(|error| {
            let says = format!(
                "module {} is not loaded: {} ({})",
                error.path().display(),
                error.says(),
                error.fault().code()
            );
            let told = ConfigError::new(ConfigCode::MalformedConfig, says);
            match (runs, error.next()) {
                (true, _) => {
                    told.help("a module is loaded once in the life of a process: restart the gateway")
                }
                (false, Some(next)) => told.help(next),
                (false, None) => told,
            }
        })?;
        let module = Arc::new(module);
        self.loaded.push((table, module.clone()));
        Ok(module)
    }
}

/// The file's `presets` and `[[module]]`s, as far as they can be read.
pub(super) fn read(around: &Around<'_>, root: &Reader<'_>) -> (Vec<Spec>, Option<PathBuf>) {
    let folder = super::values::path(around, root, "presets").map(|path| path.value);
    (Spec::read_all(root), folder)
}

/// Whether a scheme reads scheme or host of the URL, which a message on the wire does not have: then somebody has to say what
/// senders call the receiver.
pub fn looks_at_url(scheme: &Layer, mode: &str) -> bool {
    let covered = |word: &str| ["@target-uri", "@authority", "@scheme", "host"].contains(&word);
    let required = scheme.get(&[mode, "required"]);
    scheme.get(&[mode]).is_some_and(|node| texts(node).iter().any(|text| names_url(text)))
        || required.is_some_and(|node| texts(node).into_iter().any(covered))
}

/// Every text at any depth.
pub(super) fn texts(node: &Node) -> Vec<&str> {
    match &node.value {
        Value::Text(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Table(table) => table.iter().flat_map(|(_, node)| texts(node)).collect(),
        _ => Vec::new(),
    }
}

fn names_url(text: &str) -> bool {
    ["{url", "{host"]
        .iter()
        .any(|name| text.match_indices(name).any(|(at, _)| text[at + name.len()..].starts_with(['}', '|'])))
}

/// Why a folder of presets, or a text in it, is not read.
#[derive(Debug)]
#[non_exhaustive]
pub enum FolderError {
    /// The system says no.
    Io {
        /// What was to be done.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// What it says.
        error: io::Error,
    },

    /// A link, or no file at all.
    NoFile {
        /// Which.
        path: PathBuf,
        /// What it is, with its article.
        is: &'static str,
    },

    /// Longer than any preset.
    TooLong {
        /// Which.
        path: PathBuf,
        /// The longest that is read, in bytes.
        most: u64,
    },

    /// No text in UTF-8.
    NoText {
        /// Which.
        path: PathBuf,
        /// The first byte that is wrong.
        at: usize,
    },
}

impl FolderError {
    /// What to do about it.
    pub fn help(&self) -> Option<&'static str> {
        matches!(self, FolderError::NoFile { .. }).then_some("put the file itself there")
    }
}

impl fmt::Display for FolderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FolderError::Io { doing, path, error } => {
                write!(f, "cannot {doing} `{}`: {error}", path.display())
            }
            FolderError::NoFile { path, is } => {
                write!(f, "`{}` is {is}, and presets are read from files only", path.display())
            }
            FolderError::TooLong { path, most } => {
                write!(f, "`{}` is longer than {most} bytes", path.display())
            }
            FolderError::NoText { path, at } => {
                write!(f, "`{}` is not UTF-8 text: byte {at} is wrong", path.display())
            }
        }
    }
}

impl std::error::Error for FolderError {}

/// The presets of a folder, sorted: every `*.toml` that is no vectors file.
///
/// # Errors
/// As [`toml_files`].
pub fn preset_files(dir: &Path) -> Result<Vec<PathBuf>, FolderError> {
    Ok(toml_files(dir)?.into_iter().filter(|file| !is_vectors(file)).collect())
}

/// Every `*.toml` of a folder, sorted. A link is refused: whoever may write there could otherwise have any file of the
/// reader's shown in a complaint.
///
/// # Errors
/// The folder cannot be read, or one of them is no file.
pub fn toml_files(dir: &Path) -> Result<Vec<PathBuf>, FolderError> {
    let failed = |error| FolderError::Io { doing: "read the folder", path: dir.to_owned(), error };
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        // A folder of presets may be a crate that embeds them.
        let is_manifest = path.file_name().is_some_and(|name| name == "Cargo.toml");
        if is_manifest || path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let kind = entry.file_type().map_err(failed)?;
        if !kind.is_file() {
            let is = if kind.is_symlink() { "a symbolic link" } else { "not a file" };
            return Err(FolderError::NoFile { path, is });
        }
        files.push(path);
    }
    files.sort();
    Ok(files)
}

/// `acme.vectors.toml` and `acme.vectors.json` hold cases.
pub fn is_vectors(file: &Path) -> bool {
    let name = file.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    name.ends_with(".vectors.toml") || name.ends_with(".json")
}

/// A folder that holds what is built in, such as the one it was built from, says nothing twice.
pub fn is_built_in(file: &Path, text: &str) -> bool {
    let name = file.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    countersign_presets::PRESETS.iter().any(|(known, built_in)| {
        Path::new(known).file_name().is_some_and(|known| known == &*name) && *built_in == text
    })
}

/// A text of configuration, whole. A file too big to be one is not read to its end.
///
/// # Errors
/// It cannot be read, is longer than sixteen presets may be, or is not UTF-8.
pub fn read_text(file: &Path) -> Result<String, FolderError> {
    let most = 16 * MAX_BYTES as u64;
    let path = || file.to_owned();
    let failed = |error| FolderError::Io { doing: "read", path: path(), error };
    let mut bytes = Vec::new();
    File::open(file).map_err(failed)?.take(most + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > most {
        return Err(FolderError::TooLong { path: path(), most });
    }
    String::from_utf8(bytes)
        .map_err(|error| FolderError::NoText { path: path(), at: error.utf8_error().valid_up_to() })
}

/// Where a complaint about a table of several stands: its own place, for those of loading have none.
pub(super) fn placed(mut errors: Vec<ConfigError>, span: Option<&Span>) -> Vec<ConfigError> {
    errors.iter_mut().filter(|error| error.span.is_none()).for_each(|error| error.span = span.cloned());
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_url_itself_is_the_url() {
        assert!(names_url("{url|port:drop}{form}") && names_url("x{host}"));
        assert!(!names_url("{path}{url_x}{header:host}"));
    }
}
