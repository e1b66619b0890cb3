//! A preset: a provider's webhook scheme, as data.
//!
//! What every scheme has is read here; the mode's own table is kept unread, for the mode. Nothing is guessed: a key
//! that nobody asked for is a mistake, and all mistakes are told at once.

use crate::config::{
    Complaints, ConfigCode, ConfigError, ConfigErrors, Layer, Node, Reader, Span, Spanned, nearest, one_of,
};
use crate::handshake::{Handshake, Responses};
use crate::message::value::{Allow, Env, Value};
use crate::replay::{Replay, ReplayBy};
use crate::time::Tolerance;
use std::sync::Arc;
use std::time::Duration;

/// The version of the preset format that this crate reads.
pub const SCHEMA: i64 = 1;

/// A provider's webhook scheme, as data.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Preset {
    /// Lower case, digits, hyphens.
    pub name: Arc<str>,

    /// For people.
    pub title: Option<Arc<str>>,

    /// The provider's page that it follows.
    pub reference: Option<Arc<str>>,

    /// How sure its facts are: `provider` or `third-party`.
    pub confidence: Option<Arc<str>>,

    /// What an operator should know.
    pub notes: Vec<Arc<str>>,

    /// What is sent is signed by it where nothing else is said. Of the presets of a registry at most one says so; one that is `like` it
    /// does not.
    pub default_outbound: bool,

    /// Which mode reads the rest.
    pub mode: Spanned<Arc<str>>,

    /// What each source must give.
    pub vars: Arc<[Var]>,

    /// How fresh a message must be. `None`: nothing is said, or the preset spells that it does not matter.
    pub freshness: Option<Freshness>,

    /// `[replay]`, if said.
    pub replay: Option<Replay>,

    /// `tolerance_seconds = "none"` or `unsigned = "ignored"`: no default is put in its place.
    pub(crate) ageless: bool,
    pub(crate) freshness_span: Option<Span>,
    pub(crate) replay_span: Option<Span>,
    pub(crate) handshakes: Arc<[Handshake]>,
    pub(crate) responses: Responses,
    pub(crate) event: (Option<Value>, Option<Value>),
    pub(crate) config: ModeConfig,
}

/// A `[[var]]`: what a source must give, and how to ask a person for it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Var {
    /// As in `{var:NAME}`.
    pub name: Arc<str>,

    /// For help and forms.
    pub label: Arc<str>,

    /// Never print it.
    pub secret: bool,

    /// Without it, binding is a [`KeyError`](crate::KeyError).
    pub required: bool,
}

impl Var {
    /// A required one that is no secret, labelled with its name. The fields are public: set the rest.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        let name = name.into();
        Var { label: name.clone(), name, secret: false, required: true }
    }
}

/// How fresh a message must be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Freshness {
    /// How far the signed time may stray.
    pub tolerance: Tolerance,

    /// Refuse a message with no signed time. The default.
    pub required: bool,
}

impl Preset {
    /// Read a resolved tree. The mode's own table is kept, not read.
    pub fn read(layer: &Layer) -> Result<Self, ConfigErrors> {
        let complaints = Complaints::new();
        let read = read(layer, &complaints, &[]);
        complaints.into_result()?;
        read.ok_or_else(no_preset)
    }

    /// The mode's own table.
    pub fn config(&self) -> &ModeConfig {
        &self.config
    }
}

/// One mode's table, unread.
#[derive(Clone, Debug)]
pub struct ModeConfig {
    table: Node,
    path: Arc<str>,
    vars: Arc<[Var]>,
}

impl ModeConfig {
    /// A mode's table that comes from somewhere else than a preset of this program: what the other side of a border has
    /// handed over. `mode` is the name of the table in complaints.
    pub fn new(mode: impl Into<Arc<str>>, table: Node, vars: impl Into<Arc<[Var]>>) -> Self {
        ModeConfig { table, path: mode.into(), vars: vars.into() }
    }

    /// Read the table: ask the [`Reader`] for every key there may be. What was wrong, and every key not asked for, comes
    /// back as complaints, all at once, each at its line.
    pub fn read<T>(&self, read: impl FnOnce(&mut Reader<'_>) -> Option<T>) -> Result<T, ConfigErrors> {
        let complaints = Complaints::new();
        let mut reader = Reader::new(&self.table, &complaints, &self.path);
        let value = read(&mut reader);
        reader.finish();
        complaints.into_result()?;
        let incomplete = || {
            ConfigError::at(ConfigCode::MalformedConfig, self.span(), "the mode cannot read this table")
                .into()
        };
        value.ok_or_else(incomplete)
    }

    /// The table as a tree, for whoever hands it on. What is read from it so is not asked of the [`Reader`], and a key
    /// that nobody knows is no complaint.
    pub fn table(&self) -> &Node {
        &self.table
    }

    /// The whole table's place, for what is wrong with no key in particular.
    pub fn span(&self) -> Span {
        self.table.span.clone()
    }

    /// What `{var:…}` may name.
    pub fn vars(&self) -> &[Var] {
        &self.vars
    }
}

/// Whether a preset may be called this: it becomes part of paths, logs and metrics.
pub(crate) fn is_name(name: &str) -> bool {
    let word =
        |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    name.len() <= 64 && name.split('-').all(word)
}

/// For a tree that nothing in particular is wrong with.
pub(crate) fn no_preset() -> ConfigErrors {
    ConfigError::new(ConfigCode::MalformedConfig, "this is no preset").into()
}

/// For a mode that is not here.
pub(crate) fn unknown_mode(mode: &Spanned<Arc<str>>, modes: &[&str]) -> ConfigError {
    let says = format!("unknown mode `{}`: here is {}", mode.value, one_of(modes.iter().copied()));
    let error = ConfigError::at(ConfigCode::UnknownMode, mode.span.clone(), says);
    match nearest(&mode.value, modes.iter().copied()) {
        Some(near) => error.help(format!("write `mode = \"{near}\"`")),
        None => error.help("`countersign mode list` shows all"),
    }
}

/// What of a preset can be read. It may be used only if there were no complaints. `modes` are those that there are; none
/// means that they are not known here.
pub(crate) fn read(layer: &Layer, complaints: &Complaints, modes: &[&str]) -> Option<Preset> {
    let root = Reader::new(layer.root(), complaints, "");
    if let Some(schema) = root.integer("schema", 0..=i64::MAX)
        && schema.value != SCHEMA
    {
        let says = format!("this preset has schema {}, and this program reads {SCHEMA}", schema.value);
        root.complain(ConfigCode::MalformedConfig, &schema.span, says);
    }
    let name = root.required_text("name");
    if let Some(name) = name.as_ref().filter(|name| !is_name(&name.value)) {
        let error = ConfigError::at(
            ConfigCode::MalformedConfig,
            name.span.clone(),
            format!("`{}` can be no preset's name", name.value),
        );
        complaints.push(error.help("lower-case letters, digits and hyphens, at most 64: `acme-v2`"));
    }
    let text = |key: &str| root.text(key).map(|text| text.value);
    let (title, reference) = (text("title"), text("reference"));
    let confidence = root.word("confidence", &["provider", "third-party"]).map(|word| word.value.into());
    let notes = root.texts("notes").unwrap_or_default().into_iter().map(|note| note.value).collect();
    let default_outbound = root.boolean("default_outbound").unwrap_or(false);
    // Judged when the preset is added; known here.
    root.text("replaces");
    if let Some(like) = root.text("like") {
        let says = "`like` stands in a preset of the registry, and is resolved there";
        root.complain(ConfigCode::MalformedConfig, &like.span, says);
    }
    let vars: Arc<[Var]> = root.tables("var").into_iter().filter_map(read_var).collect();
    let mode = root.required_text("mode");
    let (freshness, ageless, freshness_span) = read_freshness(&root);
    let (replay, replay_span) = read_replay(&root);
    let handshakes = Handshake::read_all(&root, &vars).into();
    let responses = Responses::read(&root, &vars);
    let event = read_event(&root, &vars);
    let config = mode.as_ref().and_then(|mode| {
        if !modes.is_empty() && !modes.contains(&&*mode.value) {
            complaints.push(unknown_mode(mode, modes));
            // The table of the mode that was meant is no mistake of its own.
            for known in modes {
                root.node(known);
            }
        }
        let table = root.node(&mode.value);
        if table.is_none() && (modes.is_empty() || modes.contains(&&*mode.value)) {
            root.missing(&mode.value, format!("the mode `{0}` reads the table `[{0}]`", mode.value));
        }
        Some(ModeConfig { table: table?.clone(), path: mode.value.clone(), vars: vars.clone() })
    });
    root.finish();
    Some(Preset {
        // One without a name is refused; what else is wrong with it is told all the same.
        name: name.map_or_else(|| "".into(), |name| name.value),
        title,
        reference,
        confidence,
        notes,
        default_outbound,
        mode: mode?,
        vars,
        freshness,
        replay,
        ageless,
        freshness_span,
        replay_span,
        handshakes,
        responses,
        event,
        config: config?,
    })
}

fn read_var(table: Reader<'_>) -> Option<Var> {
    let name = table.required_text("name");
    let label = table.text("label").map(|label| label.value);
    let secret = table.boolean("secret").unwrap_or(false);
    let required = table.boolean("required").unwrap_or(true);
    table.finish();
    let name = name?.value;
    Some(Var { label: label.unwrap_or_else(|| name.clone()), name, secret, required })
}

fn read_freshness(root: &Reader<'_>) -> (Option<Freshness>, bool, Option<Span>) {
    let Some(table) = root.table("freshness") else { return (None, false, None) };
    let span = table.span().clone();
    // A day ahead or a month behind is no tolerance any more; whoever wants none spells it.
    let seconds =
        |key: &str| table.integer(key, 0..=30 * 86_400).map(|n| Duration::from_secs(n.value as u64));
    let default = Tolerance::default();
    let written = table.node("tolerance_seconds").and_then(|node| Some((node, node.text()?)));
    if let Some((node, text)) = written.filter(|(_, text)| &***text != "none") {
        let says = format!("`tolerance_seconds` is a number of seconds or `none`, but is `{text}`");
        let error = ConfigError::at(ConfigCode::MalformedConfig, node.span.clone(), says);
        table.complaints().push(error.help("write `tolerance_seconds = 300`, without quotes"));
    }
    let none = written.is_some();
    let past = if none { None } else { seconds("tolerance_seconds") };
    let future = seconds("future_seconds");
    let required = table.boolean("required").unwrap_or(true);
    let ignored = table.word("unsigned", &["ignored"]).is_some();
    table.finish();
    if none || ignored {
        return (None, true, Some(span));
    }
    let tolerance =
        Tolerance { past: past.unwrap_or(default.past), future: future.unwrap_or(default.future) };
    (Some(Freshness { tolerance, required }), false, Some(span))
}

fn read_replay(root: &Reader<'_>) -> (Option<Replay>, Option<Span>) {
    let Some(table) = root.table("replay") else { return (None, None) };
    let words = ReplayBy::ALL.map(|by| (by.word(), by));
    let key = table.choice("key", &words);
    if !table.has("key") {
        table.missing("key", "write `key = \"id\"`, `\"content\"` or `\"none\"`");
    }
    let keep = table.integer("keep", 1..=366 * 86_400).map(|n| Duration::from_secs(n.value as u64));
    let span = table.span().clone();
    table.finish();
    let replay = key.map(|key| Replay { key: key.value, keep: keep.unwrap_or(DEFAULT_KEEP) });
    (replay, Some(span))
}

/// How long an accepted request is remembered where no tolerance says: a day.
pub(crate) const DEFAULT_KEEP: Duration = Duration::from_secs(86_400);

fn read_event(root: &Reader<'_>, vars: &[Var]) -> (Option<Value>, Option<Value>) {
    let Some(table) = root.table("event") else { return (None, None) };
    let env = Env { vars, parts: &[], allow: Allow::default(), complaints: table.complaints() };
    let value = |key: &str| table.text(key).and_then(|text| Value::compile(&text, env));
    let event = (value("type"), value("id"));
    table.finish();
    event
}
