//! Names to modes, names to presets. Nothing shadows silently, and nothing is found that was not put here.

use crate::config::{
    Complaints, ConfigCode, ConfigError, ConfigErrors, Layer, Node, Sources, Span, Value, near, nearest,
    one_of,
};
use crate::handshake;
use crate::keys::{KeyError, Keyring, Vars};
use crate::mode::{Mode, ModeInfo, Needs, Scheme};
use crate::outcome::Binds;
use crate::preset::{self, DEFAULT_KEEP, Freshness, Preset, is_name};
use crate::replay::{Replay, ReplayBy};
use crate::time::Tolerance;
use crate::verifier::{Signer, Verifier};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The keys of every preset, which can name no mode: its table would stand in their place.
const RESERVED: [&str; 17] = [
    "confidence",
    "default_outbound",
    "event",
    "freshness",
    "handshake",
    "like",
    "mode",
    "name",
    "notes",
    "preset",
    "reference",
    "replaces",
    "replay",
    "response",
    "schema",
    "title",
    "var",
];

/// The modes and presets a program knows, by name.
#[derive(Default)]
pub struct Registry {
    modes: BTreeMap<Arc<str>, Arc<dyn Mode>>,
    presets: BTreeMap<Arc<str>, Layer>,
    sources: Sources,
}

impl Registry {
    /// Only the `hmac` mode, and no preset.
    pub fn new() -> Self {
        let mut registry = Self::default();
        registry.modes.insert("hmac".into(), crate::hmac::mode());
        registry
    }

    /// Everything linked into this program that announced itself. Two of one name is an error. A crate that is only
    /// listed in `Cargo.toml` is not linked: name it, `use it as _;`.
    #[cfg(feature = "announce")]
    pub fn linked() -> Result<Self, ConfigErrors> {
        let mut registry = Self::new();
        let mut errors = Vec::new();
        for announced in inventory::iter::<Announced> {
            let added = match announced {
                Announced::Mode(make) => registry.register(make()).map(drop),
                Announced::Preset(file, text) => registry.add_preset(*file, *text).map(drop),
            };
            errors.extend(added.err().into_iter().flat_map(|errors| errors.0));
        }
        if errors.is_empty() { Ok(registry) } else { Err(ConfigErrors(errors)) }
    }

    /// Add a mode. The name must be new, and no table's that every preset may have.
    pub fn register(&mut self, mode: Arc<dyn Mode>) -> Result<&mut Self, ConfigErrors> {
        let name: Arc<str> = (*mode.info().name).into();
        let complain = |says: String| Err(ConfigError::new(ConfigCode::MalformedConfig, says).into());
        if RESERVED.contains(&&*name) || !is_name(&name) {
            return complain(format!("`{name}` can be no mode's name"));
        }
        if self.modes.contains_key(&name) {
            return complain(format!("two modes are called `{name}`"));
        }
        self.modes.insert(name, mode);
        Ok(self)
    }

    /// Check at start that modes are here: each by its name, and the crate that announces it. A crate that stands in
    /// `Cargo.toml` and is named nowhere in the program is not linked, and nothing else says so.
    ///
    /// # Errors
    /// Every mode that is missing, with the line that links its crate.
    ///
    /// ```
    /// let registry = countersign::Registry::linked()?;
    /// registry.expect(&[("hmac", "countersign")])?;
    /// let errors = registry.expect(&[("blake3", "acme-blake3")]).unwrap_err();
    /// assert!(errors.to_string().contains("use acme_blake3 as _;"));
    /// # Ok::<_, countersign::ConfigErrors>(())
    /// ```
    pub fn expect(&self, modes: &[(&str, &str)]) -> Result<(), ConfigErrors> {
        let missing = modes.iter().filter(|(mode, _)| !self.modes.contains_key(*mode));
        let errors: Vec<_> = missing
            .map(|(mode, from)| {
                let says = format!("the mode `{mode}` of the crate `{from}` is expected, and is not here");
                let line = format!("use {} as _;", from.replace('-', "_"));
                let help =
                    format!("write `{line}` where the program starts: what nobody names is not linked");
                ConfigError::new(ConfigCode::UnknownMode, says).help(help)
            })
            .collect();
        if errors.is_empty() { Ok(()) } else { Err(ConfigErrors(errors)) }
    }

    /// Add a preset's text. Its name must be new, or it must say `replaces` with that very name. Its mode and the preset
    /// it is `like` may come later: they are looked for when it is used.
    pub fn add_preset(
        &mut self,
        file: impl Into<Arc<str>>,
        text: impl Into<Arc<str>>,
    ) -> Result<&mut Self, ConfigErrors> {
        let file = self.sources.add(file, text);
        let layer = Layer::parse(&self.sources, file)?;
        let name = match layer.get(&["name"]).map(|node| (node, node.text())) {
            Some((_, Some(name))) if is_name(name) => name.clone(),
            Some((node, _)) => {
                let error = ConfigError::at(
                    ConfigCode::MalformedConfig,
                    node.span.clone(),
                    "this can be no preset's name",
                );
                return Err(error
                    .help("lower-case letters, digits and hyphens, at most 64: `acme-v2`")
                    .into());
            }
            None => {
                let span = Span { file, range: 0..0 };
                let error = ConfigError::at(ConfigCode::MalformedConfig, span, "this preset has no `name`");
                return Err(error.help("write `name = \"acme\"`, the name of its file").into());
            }
        };
        let replaces = layer.get(&["replaces"]);
        let there = self.presets.get(&name);
        match (there, replaces) {
            (Some(there), None) => {
                let says = format!(
                    "two presets are called `{name}`: this one and that in {}",
                    self.sources.name(there.root().span.file)
                );
                let span =
                    layer.get(&["name"]).map_or_else(|| layer.root().span.clone(), |node| node.span.clone());
                let error = ConfigError::at(ConfigCode::MalformedConfig, span, says);
                return Err(error
                    .help(format!("rename one, or write `replaces = \"{name}\"` to mean it"))
                    .into());
            }
            (_, Some(node)) if node.text() != Some(&name) || there.is_none() => {
                let says = match node.text() == Some(&name) {
                    true => format!("there is no preset `{name}` that this one could replace"),
                    false => format!("a preset replaces the one of its own name, `{name}`"),
                };
                let error = ConfigError::at(ConfigCode::MalformedConfig, node.span.clone(), says);
                let help = match (there, self.did_you_mean(&name)) {
                    (None, Some(near)) => format!("leave `replaces` out, or correct the name: {near}"),
                    _ => "leave `replaces` out, or correct the name".into(),
                };
                return Err(error.help(help).into());
            }
            _ => {}
        }
        if let (Some(node), Some(other)) = (outbound(&layer), self.default_outbound())
            && *other != *name
        {
            let says = format!("two presets say `default_outbound = true`: this one and `{other}`");
            let error = ConfigError::at(ConfigCode::MalformedConfig, node.span.clone(), says);
            return Err(error.help("leave it out, and name this preset where it is to sign").into());
        }
        self.presets.insert(name, layer);
        Ok(self)
    }

    /// The preset that signs what is sent where nothing else is said: the one that says `default_outbound = true`.
    pub fn default_outbound(&self) -> Option<&str> {
        self.presets().find_map(|(name, layer)| outbound(layer).map(|_| name))
    }

    /// The modes here, by name.
    pub fn modes(&self) -> impl Iterator<Item = &ModeInfo> {
        self.modes.values().map(|mode| mode.info())
    }

    /// One of them.
    pub fn mode(&self, name: &str) -> Option<&Arc<dyn Mode>> {
        self.modes.get(name)
    }

    fn mode_names(&self) -> Vec<&str> {
        self.modes.keys().map(|name| &**name).collect()
    }

    /// The presets here by name, as trees, `like` not yet resolved.
    pub fn presets(&self) -> impl Iterator<Item = (&str, &Layer)> {
        self.presets.iter().map(|(name, layer)| (&**name, layer))
    }

    /// The presets that `name` was most likely meant to be, by their names and titles: at most five, the likeliest first.
    pub fn near(&self, name: &str) -> Vec<&str> {
        near(name, self.presets.iter().map(|(name, layer)| (&**name, title(layer))))
    }

    /// The same as a question.
    fn did_you_mean(&self, name: &str) -> Option<String> {
        let near = self.near(name);
        (!near.is_empty()).then(|| format!("did you mean {}?", one_of(near)))
    }

    /// The texts they came from, for rendering complaints.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// The same, to add an override's text before it is parsed.
    pub fn sources_mut(&mut self) -> &mut Sources {
        &mut self.sources
    }

    /// A preset's tree with what it is `like` beneath it and `changes` above: what is printed, compiled and pinned.
    pub fn resolve(&self, name: &str, changes: Option<Layer>) -> Result<Layer, ConfigErrors> {
        let layer = self.presets.get(name).ok_or_else(|| {
            let help = match self.did_you_mean(name) {
                Some(near) => format!("{near} `countersign preset list` shows all"),
                None => "`countersign preset list` shows all".into(),
            };
            ConfigError::new(ConfigCode::UnknownPreset, format!("there is no preset `{name}`")).help(help)
        })?;
        self.resolve_layer(layer, changes)
    }

    /// The same for a tree that is not in the registry.
    pub fn resolve_layer(&self, layer: &Layer, changes: Option<Layer>) -> Result<Layer, ConfigErrors> {
        let resolved = match layer.get(&["like"]) {
            None => layer.clone(),
            Some(node) => {
                let complain = |says: String, help: &str| {
                    let error = ConfigError::at(ConfigCode::MalformedConfig, node.span.clone(), says);
                    Err(ConfigErrors::from(error.help(help)))
                };
                let Some(base) = node.text() else {
                    return complain(
                        "`like` must be a preset's name".into(),
                        "write `like = \"standard\"`, say",
                    );
                };
                let Some(below) = self.presets.get(base) else {
                    let help = self
                        .did_you_mean(base)
                        .unwrap_or_else(|| "`countersign preset list` shows all".into());
                    return complain(format!("there is no preset `{base}` to be like"), &help);
                };
                if below.get(&["like"]).is_some() {
                    let says = format!("`{base}` is itself like another, and likeness has one level");
                    return complain(says, "name that other preset, or write the scheme out");
                }
                let below = below.clone().without("replaces").without("default_outbound");
                layer.clone().without("like").over(&below)
            }
        };
        Ok(match changes {
            Some(changes) => changes.over(&resolved),
            None => resolved,
        })
    }

    /// A preset of ours, executable.
    pub fn named(&self, name: &str) -> Result<Arc<Compiled>, ConfigErrors> {
        self.compile_layer(&self.resolve(name, None)?)
    }

    /// The same with a source's or command line's changes laid over it.
    pub fn named_with(&self, name: &str, changes: Layer) -> Result<Arc<Compiled>, ConfigErrors> {
        self.compile_layer(&self.resolve(name, Some(changes))?)
    }

    /// Make a resolved tree executable. What is wrong with the preset and what is wrong with its mode's table is told
    /// together.
    pub fn compile_layer(&self, layer: &Layer) -> Result<Arc<Compiled>, ConfigErrors> {
        let complaints = Complaints::new();
        let compiled =
            preset::read(layer, &complaints, &self.mode_names()).map(|preset| self.compile(&preset));
        match (compiled, complaints.into_result()) {
            (Some(compiled), Ok(())) => compiled,
            (Some(Err(more)), Err(mut errors)) => {
                errors.0.extend(more.0);
                Err(errors)
            }
            (_, Err(errors)) => Err(errors),
            (None, Ok(())) => Err(preset::no_preset()),
        }
    }

    /// Make any preset executable.
    pub fn compile(&self, preset: &Preset) -> Result<Arc<Compiled>, ConfigErrors> {
        let word = &preset.mode;
        let mode =
            self.modes.get(&word.value).ok_or_else(|| preset::unknown_mode(word, &self.mode_names()))?;
        let scheme = mode.compile(&preset.config)?;
        let errors = handshake::check_all(&preset.handshakes, &*scheme);
        let binds = scheme.needs().binds;
        let freshness = settle_freshness(preset, binds);
        let replay = settle_replay(preset, &scheme.needs(), freshness.as_ref().ok().copied().flatten());
        let mut errors = ConfigErrors(errors);
        errors.0.extend(freshness.as_ref().err().cloned());
        errors.0.extend(replay.as_ref().err().cloned());
        match (freshness, replay) {
            (Ok(freshness), Ok(replay)) if errors.0.is_empty() => {
                Ok(Arc::new(Compiled { scheme, preset: preset.clone(), freshness, replay }))
            }
            _ => Err(errors),
        }
    }
}

/// What a preset is called for people; nothing where it does not say so itself.
/// Where it says that it signs what is sent.
fn outbound(layer: &Layer) -> Option<&Node> {
    layer.get(&["default_outbound"]).filter(|node| matches!(node.value, Value::Boolean(true)))
}

fn title(layer: &Layer) -> &str {
    layer.get(&["title"]).and_then(Node::text).map_or("", |title| title)
}

/// Freshness of a time that is not signed proves nothing; a signed time without `[freshness]` gets the default.
fn settle_freshness(preset: &Preset, binds: Binds) -> Result<Option<Freshness>, ConfigError> {
    let signed = binds.contains(Binds::TIME);
    match (preset.freshness, &preset.freshness_span) {
        (Some(_), Some(span)) if !signed => {
            let error = ConfigError::at(
                ConfigCode::MalformedConfig,
                span.clone(),
                "`[freshness]` judges a time, and the signature binds none: anyone could write another",
            );
            Err(error.help("sign the time, leave `[freshness]` out, or spell `unsigned = \"ignored\"`"))
        }
        (Some(freshness), _) => Ok(Some(freshness)),
        (None, _) if preset.ageless || !signed => Ok(None),
        (None, _) => Ok(Some(Freshness { tolerance: Tolerance::default(), required: true })),
    }
}

/// Unsaid, a request is known by its id where the signature binds one, else by its content where it binds a time, else
/// not at all: two equal events are then two events, and only the operator can say otherwise.
fn settle_replay(
    preset: &Preset,
    &Needs { binds, content, .. }: &Needs,
    freshness: Option<Freshness>,
) -> Result<Replay, ConfigError> {
    let window = freshness.map(|Freshness { tolerance, .. }| {
        tolerance.past.saturating_add(tolerance.future).saturating_add(Duration::from_secs(60))
    });
    match (preset.replay, &preset.replay_span) {
        (Some(Replay { key: ReplayBy::Id, .. }), Some(span)) if !binds.contains(Binds::ID) => {
            let says = "replay by `id`, and the signature binds no id: anyone could write another";
            let error = ConfigError::at(ConfigCode::MalformedConfig, span.clone(), says);
            Err(error.help("write `key = \"content\"`, or name a signed `id_source`"))
        }
        (Some(Replay { key: ReplayBy::Content, .. }), Some(span)) if !content => {
            let says = "replay by `content`, and nothing is signed that differs: the second request would be the first";
            let error = ConfigError::at(ConfigCode::MalformedConfig, span.clone(), says);
            Err(error.help("write `key = \"none\"`, or leave `[replay]` out"))
        }
        // Forgetting while the time is still fresh would let the same request in twice.
        (Some(Replay { keep, .. }), Some(span)) if window.is_some_and(|window| keep < window) => {
            let says = "this is forgotten while the request would still be fresh";
            let error = ConfigError::at(ConfigCode::MalformedConfig, span.clone(), says);
            Err(error.help("keep it for past and future tolerance and a minute, or leave `keep` out"))
        }
        (Some(replay), _) => Ok(replay),
        (None, _) if binds.contains(Binds::ID) => {
            Ok(Replay { key: ReplayBy::Id, keep: window.unwrap_or(DEFAULT_KEEP).max(DEFAULT_KEEP) })
        }
        // A token that says nothing of its request is shown with many, and each is another.
        (None, _) if binds.contains(Binds::TIME) && content => {
            Ok(Replay { key: ReplayBy::Content, keep: window.unwrap_or(DEFAULT_KEEP) })
        }
        (None, _) => Ok(Replay { key: ReplayBy::None, keep: Duration::ZERO }),
    }
}

/// What a linked crate leaves for [`Registry::linked`] to find. One crate may leave a mode and its presets.
#[cfg(feature = "announce")]
pub enum Announced {
    /// Makes a mode.
    Mode(fn() -> Arc<dyn Mode>),

    /// A preset: its file's name, its text.
    Preset(&'static str, &'static str),
}

#[cfg(feature = "announce")]
inventory::collect!(Announced);

/// A compiled preset: give it keys.
pub struct Compiled {
    scheme: Box<dyn Scheme>,
    preset: Preset,
    freshness: Option<Freshness>,
    replay: Replay,
}

impl Compiled {
    /// What it was compiled from.
    pub fn preset(&self) -> &Preset {
        &self.preset
    }

    /// How fresh a message must be, as settled.
    pub fn freshness(&self) -> Option<Freshness> {
        self.freshness
    }

    /// What makes two requests the same, as settled.
    pub fn replay(&self) -> Replay {
        self.replay
    }

    /// What it must be given, and what it proves.
    pub fn needs(&self) -> Needs {
        self.scheme.needs()
    }

    /// Refuse at start what does not bind enough.
    pub fn require_bound(&self, binds: Binds) -> Result<(), ConfigErrors> {
        let bound = self.needs().binds;
        if bound.contains(binds) {
            return Ok(());
        }
        let missing: Vec<&str> = binds.words().filter(|word| !bound.words().any(|w| w == *word)).collect();
        let says = format!("signatures of `{}` do not cover {}", self.preset.name, one_of(missing));
        let error = ConfigError::at(ConfigCode::MalformedConfig, self.preset.mode.span.clone(), says);
        Err(error.help("demand less, and fetch from the provider what is not covered").into())
    }

    /// For whoever explains: see [`Scheme::hypotheses`].
    pub fn scheme(&self) -> &dyn Scheme {
        &*self.scheme
    }

    /// Give it one source's keys and variables. `source` names the replay scope: a tenant's own keys must not burn
    /// another's ids. Cheap: rotation is another call. No key at all is a [`KeyError`].
    pub fn verifier(
        self: &Arc<Self>,
        source: impl Into<Arc<str>>,
        keys: &Keyring,
        vars: &Vars,
    ) -> Result<Arc<Verifier>, KeyError> {
        self.check_given(keys, vars)?;
        let check = self.scheme.bind(keys, vars)?;
        Verifier::new(self.clone(), check, source.into(), keys, vars).map(Arc::new)
    }

    /// Give it signing keys. A scheme that finds its keys, and one that cannot be turned round, says so here.
    pub fn signer(self: &Arc<Self>, keys: &Keyring, vars: &Vars) -> Result<Signer, KeyError> {
        if self.needs().keys.is_empty() {
            return Err(KeyError::new("this scheme verifies only: its keys are found, not held"));
        }
        self.check_given(keys, vars)?;
        Ok(Signer::new(self.scheme.signer(keys, vars)?, keys))
    }

    fn check_given(&self, keys: &Keyring, vars: &Vars) -> Result<(), KeyError> {
        let Preset { name, vars: declared, .. } = &self.preset;
        let needs = self.needs();
        if keys.is_empty() && !(needs.remote && needs.keys.is_empty()) {
            return Err(KeyError::new(format!("no key is given, and `{name}` verifies nothing without one")));
        }
        if !keys.is_empty() && needs.keys.is_empty() {
            let says = format!("`{name}` takes no key: it finds its own, so leave the secrets out");
            return Err(KeyError::new(says));
        }
        // A test against an empty value would hold of what is not there.
        let unset = |name: &str| vars.get(name).is_none_or(str::is_empty);
        if let Some(var) = declared.iter().find(|var| var.required && unset(&var.name)) {
            return Err(KeyError::new(format!("variable `{}` ({}) is not set", var.name, var.label)));
        }
        match vars.names().find(|given| !declared.iter().any(|var| *var.name == **given)) {
            None => Ok(()),
            Some(unknown) => {
                let near = nearest(unknown, declared.iter().map(|var| &*var.name));
                let help = near.map_or_else(String::new, |near| format!(": did you mean `{near}`?"));
                Err(KeyError::new(format!("`{name}` declares no variable `{unknown}`{help}")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_misspelt_mode_is_told_with_the_nearest_and_its_table_is_no_mistake() {
        let mut registry = Registry::new();
        let text = "name = \"acme\"\nmode = \"hmca\"\n[hmac]\nalgorithm = \"sha256\"\n";
        registry.add_preset("acme.toml", text).unwrap();
        let errors = registry.named("acme").err().unwrap();
        let told: Vec<_> = errors.0.iter().map(|error| (error.code, error.help.as_deref())).collect();
        assert_eq!(told, [(ConfigCode::UnknownMode, Some("write `mode = \"hmac\"`"))]);
    }

    #[test]
    fn one_preset_signs_what_is_sent_and_its_likenesses_do_not() {
        let scheme = "mode = \"hmac\"\n[hmac]\nalgorithm = \"sha256\"\nsigned_template = \"{body}\"\n\
            signature_source = { header = \"x-s\", encoding = \"hex\" }\nkey = { forms = [{ decode = \"text\" }] }\n";
        let named = |name: &str, outbound: &str| format!("schema = 1\nname = \"{name}\"\n{outbound}{scheme}");
        let mut registry = Registry::new();
        assert_eq!(registry.default_outbound(), None);
        registry.add_preset("a.toml", named("a", "default_outbound = true\n")).unwrap();
        registry.add_preset("b.toml", named("b", "default_outbound = false\n")).unwrap();
        registry.add_preset("c.toml", "name = \"c\"\nlike = \"a\"\n").unwrap();
        assert_eq!(registry.default_outbound(), Some("a"));
        assert!(registry.named("a").unwrap().preset().default_outbound);
        for other in ["b", "c"] {
            assert!(!registry.named(other).unwrap().preset().default_outbound, "{other}");
        }
        let second = registry.add_preset("d.toml", named("d", "default_outbound = true\n")).err().unwrap();
        assert_eq!(second.0[0].message, "two presets say `default_outbound = true`: this one and `a`");
        // One that takes its place may say it in its stead.
        registry.add_preset("mine.toml", named("a", "replaces = \"a\"\ndefault_outbound = true\n")).unwrap();
        assert_eq!(registry.default_outbound(), Some("a"));
    }
}
