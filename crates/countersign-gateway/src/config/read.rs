//! From the file to a [`Config`]: in the order in which one part needs another, and with every complaint that there is.

use super::source::Bench;
use super::values::{Around, finish};
use super::{
    Config, Endpoint, FolderError, Modules, Schemes, Source, Warning, Warnings, delivery, mask, schemes,
    source, tables,
};
use super::{Forward, HeaderText, Keys, VarText};
use countersign::config::{Complaints, ConfigCode, FileId, Reader};
use countersign::{ConfigError, ConfigErrors, Layer, Sources};
use std::cell::RefCell;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// The longest file that is read, in bytes: room for some seven thousand sources. A preset gets less, for strangers write
/// those; this one is the operator's.
pub const MAX_FILE: usize = 4 << 20;

/// A configuration that will do, and what is to be said about it all the same.
#[derive(Debug)]
#[non_exhaustive]
pub struct Loaded {
    /// It.
    pub config: Config,

    /// What should be better.
    pub warnings: Vec<Warning>,

    /// The texts that it came from, secrets masked, to show the lines of warnings.
    pub texts: Sources,
}

/// A configuration that will not do.
#[derive(Debug)]
#[non_exhaustive]
pub enum Refused {
    /// It is not a text that could be read.
    Unread(FolderError),

    /// What is wrong with it: everything that could be found.
    Wrong {
        /// Each with its place.
        errors: ConfigErrors,

        /// The texts that it came from, secrets masked.
        texts: Sources,
    },
}

/// For a terminal or a log: every complaint with its line. What may be a secret is masked.
impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Unread(error) => fmt::Display::fmt(error, f),
            Refused::Wrong { errors, texts } => f.write_str(errors.render(texts).trim_end()),
        }
    }
}

impl std::error::Error for Refused {}

impl Config {
    /// Read a file. `modules` are those that this process has loaded; one for its whole life.
    ///
    /// # Errors
    /// Everything that is wrong, at once. Nothing of it is in use then.
    ///
    /// ```no_run
    /// use countersign_gateway::config::{Config, Modules};
    ///
    /// match Config::read("countersign.toml".as_ref(), &mut Modules::new()) {
    ///     Ok(loaded) => println!("{} sources", loaded.config.sources.len()),
    ///     Err(refused) => println!("{refused}"),
    /// }
    /// ```
    pub fn read(file: &Path, modules: &mut Modules) -> Result<Loaded, Refused> {
        let text = schemes::read_text(file).map_err(Refused::Unread)?;
        Self::read_text(file, &text, modules)
    }

    /// The same of a text that is at hand; `file` is where it is from, and what paths in it are relative to.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_text(file: &Path, text: &str, modules: &mut Modules) -> Result<Loaded, Refused> {
        let folder = file.parent().unwrap_or(Path::new(""));
        let name = file.display().to_string();
        let (schemes, early) = load_schemes(folder, &name, text, modules)?;
        let mut texts = schemes.registry().sources().clone();
        let id = texts.add(&*name, text);
        let layer = parse(&mut texts, id)?;

        let (complaints, warnings, masks) = (Complaints::new(), Warnings::default(), RefCell::default());
        let around =
            Around { folder, sources: &texts, complaints: &complaints, warnings: &warnings, masks: &masks };
        let root = Reader::new(layer.root(), &complaints, "");
        let place = layer.get(&["presets"]).or_else(|| layer.get(&["module"])).map(|node| node.span.clone());
        complaints.extend(ConfigErrors(schemes::placed(early, place.as_ref())));
        schemes::read(&around, &root);
        let server = tables::server(&around, &root);
        let admin = tables::admin(&around, &root, &server);
        let store = tables::store(&around, &root);
        let egress = tables::egress(&around, &root);
        let delivery = delivery::delivery(&around, &schemes, &root);
        let bench = Bench::new(around, &schemes, &server, store.key.is_some());
        let sources = source::read_all(&bench, &root);
        finish(&around, root);

        // Before anybody can show a line of it.
        let masks = masks.into_inner();
        mask::tree(&mut texts, &layer, masks);
        match complaints.into_result() {
            Err(errors) => Err(Refused::Wrong { errors, texts }),
            Ok(()) => {
                let (file, schemes) = (file.to_owned(), Arc::new(schemes));
                let config = Config { file, server, admin, store, egress, delivery, schemes, sources };
                Ok(Loaded { config, warnings: warnings.into_vec(), texts })
            }
        }
    }

    /// Read the table of one source, by the reader of the file's. `name` is what complaints call the text.
    ///
    /// # Errors
    /// Everything that is wrong with it. That its name and path are not taken is for whoever adds it to see:
    /// [`taken`](Self::taken).
    pub fn read_source(&self, name: &str, text: &str) -> Result<(Source, Vec<Warning>), Refused> {
        self.read_table(name, text, false)
    }

    /// The same of a source that the store keeps: it names no place for a secret.
    ///
    /// # Errors
    /// As [`read_source`](Self::read_source).
    pub fn read_stored(&self, name: &str, text: &str) -> Result<(Source, Vec<Warning>), Refused> {
        self.read_table(name, text, true)
    }

    fn read_table(&self, name: &str, text: &str, stored: bool) -> Result<(Source, Vec<Warning>), Refused> {
        self.read_one(name, text, "source", |around, layer, table| {
            let bench = Bench::new(*around, &self.schemes, &self.server, self.store.key.is_some());
            let source = source::read(&bench, table);
            source
                .iter()
                .filter(|_| stored)
                .for_each(|source| names_no_place(source, layer, around.complaints));
            source
        })
    }

    /// Read the table of one endpoint. What it does not say, `[delivery]` does.
    ///
    /// # Errors
    /// As [`read_source`](Self::read_source); a URL that may not be called among it.
    pub fn read_endpoint(&self, name: &str, text: &str) -> Result<Endpoint, Refused> {
        let read = self.read_one(name, text, "endpoint", |around, _, table| {
            delivery::endpoint(around, &self.schemes, (&self.delivery, &self.egress), table)
        });
        read.map(|(endpoint, _)| endpoint)
    }

    /// A text that is one table, `called` so in complaints.
    fn read_one<T>(
        &self,
        name: &str,
        text: &str,
        called: &str,
        read: impl FnOnce(&Around<'_>, &Layer, Reader<'_>) -> Option<T>,
    ) -> Result<(T, Vec<Warning>), Refused> {
        let mut texts = self.schemes.registry().sources().clone();
        let id = texts.add(name, text);
        let layer = parse(&mut texts, id)?;
        let (complaints, warnings, masks) = (Complaints::new(), Warnings::default(), RefCell::default());
        let around = Around {
            folder: self.file.parent().unwrap_or(Path::new("")),
            sources: &texts,
            complaints: &complaints,
            warnings: &warnings,
            masks: &masks,
        };
        let read = read(&around, &layer, Reader::new(layer.root(), &complaints, called));
        // Before anybody can show a line of it.
        let masks = masks.into_inner();
        mask::tree(&mut texts, &layer, masks);
        let errors = complaints.into_vec();
        match read {
            Some(read) if errors.is_empty() => Ok((read, warnings.into_vec())),
            _ => Err(Refused::Wrong { errors: ConfigErrors(errors), texts }),
        }
    }

    /// The source that has this name or this path already.
    pub fn taken(&self, name: &str, path: &str) -> Option<&Arc<Source>> {
        self.sources.iter().find(|source| *source.name == *name || *source.path == *path)
    }
}

/// Whoever may add a source must not be able to run a command by it, or to read what only this program can read: a table of the store
/// keeps its secrets in the store, and its headers and variables are texts.
fn names_no_place(source: &Source, layer: &Layer, complaints: &Complaints) {
    let refuse = |key: &str| {
        let span = layer.get(&[key]).map_or_else(|| layer.root().span.clone(), |node| node.span.clone());
        let says = format!("a source that the store keeps names no place for a secret, and `{key}` does");
        let error = ConfigError::at(ConfigCode::MalformedConfig, span, says);
        complaints.push(
            error.help("write `secrets = \"managed\"`, and texts elsewhere; or put the source into the file"),
        );
    };
    if matches!(source.keys, Keys::Placed(_)) {
        refuse("secrets");
    }
    if source.vars.iter().any(|(_, text)| matches!(text, VarText::Secret(_))) {
        refuse("vars");
    }
    let secret = |forward: &Forward| {
        forward.sign.is_some()
            || forward.headers.iter().any(|(_, text)| matches!(text, HeaderText::Secret(_)))
    };
    if source.forward.iter().any(secret) {
        refuse("forward");
    }
}

fn parse(texts: &mut Sources, id: FileId) -> Result<Layer, Refused> {
    Layer::parse_within(texts, id, MAX_FILE).map_err(|errors| {
        mask::text(texts, id);
        Refused::Wrong { errors, texts: std::mem::take(texts) }
    })
}

/// The modes and presets are needed before the rest can be read, and the file says which they are: so it is looked at
/// twice, and what is wrong with those two tables is told the second time, with everything else.
fn load_schemes(
    folder: &Path,
    name: &str,
    text: &str,
    modules: &mut Modules,
) -> Result<(Schemes, Vec<ConfigError>), Refused> {
    let mut texts = Sources::new();
    let id = texts.add(name, text);
    let layer = parse(&mut texts, id)?;
    let (complaints, warnings, masks) = (Complaints::new(), Warnings::default(), RefCell::default());
    let around =
        Around { folder, sources: &texts, complaints: &complaints, warnings: &warnings, masks: &masks };
    let root = Reader::new(layer.root(), &complaints, "");
    let (specs, presets) = schemes::read(&around, &root);
    Ok(Schemes::load(&specs, layer.get(&["module"]), presets, modules))
}
