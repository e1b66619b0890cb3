//! Which scheme: presets built in, of a folder, or in a file, with what the command line lays over them.

use crate::args::{FolderArgs, MaybeScheme, SchemeArgs};
use crate::error::Failure;
use crate::module;
use crate::output;
use countersign::config::{FileId, nearest, one_of};
use countersign::{Compiled, ConfigErrors, KeyKind, Layer, Preset, Registry, Sources, Vars};
use countersign_gateway::config::looks_at_url;
pub(crate) use countersign_gateway::config::{is_built_in, is_vectors, preset_files, read_text, toml_files};
use countersign_plugin::host::Module;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A scheme ready for keys.
pub(crate) struct Chosen {
    pub(crate) registry: Registry,
    pub(crate) compiled: Arc<Compiled>,
    /// The resolved tree, as compiled.
    pub(crate) layer: Layer,
}

/// A preset by name or in a file.
pub(crate) enum Choice<'a> {
    Name(&'a str),
    File(&'a Path),
    /// Whichever it looks like.
    Either(&'a str),
}

impl Chosen {
    /// As `verify` and `sign` choose it. `more` is laid over it as if it had been one more `--override`.
    pub(crate) fn by(args: &SchemeArgs, more: Option<&str>) -> Result<Self, Failure> {
        let SchemeArgs { preset, scheme, folder, overrides } = args;
        let choice = match (preset, scheme) {
            (_, Some(file)) => Choice::File(file),
            (Some(name), None) => Choice::Name(name),
            (None, None) => {
                return Err(Failure::usage("no scheme is named").next("--preset NAME or --scheme FILE"));
            }
        };
        Self::resolve(&choice, folder, overrides, more)
    }

    /// The same where there may be none. Then nothing may be given that is of one.
    pub(crate) fn if_any(args: &MaybeScheme) -> Result<Option<Self>, Failure> {
        let MaybeScheme { preset, scheme, folder, overrides, keys } = args;
        let choice = match (preset, scheme) {
            (_, Some(file)) => Choice::File(file),
            (Some(name), None) => Choice::Name(name),
            (None, None) if keys.secret.is_empty() && keys.var.is_empty() && overrides.is_empty() => {
                return Ok(None);
            }
            (None, None) => {
                return Err(Failure::usage("no scheme is named that this would be of")
                    .next("--preset NAME or --scheme FILE"));
            }
        };
        Self::resolve(&choice, folder, overrides, None).map(Some)
    }

    /// Find it, lay the overrides over it, compile it.
    pub(crate) fn resolve(
        choice: &Choice<'_>,
        folder: &FolderArgs,
        overrides: &[String],
        more: Option<&str>,
    ) -> Result<Self, Failure> {
        let mut registry = registry(folder)?;
        let (compiled, layer) = resolve_in(&mut registry, choice, overrides, more)?;
        Ok(Chosen { registry, compiled, layer })
    }

    /// What sort of key a `--secret` is here.
    pub(crate) fn key_kind(&self, signing: bool) -> KeyKind {
        self.compiled.needs().key_kind(signing)
    }

    /// No key at all is told here, where it can be said what to type.
    pub(crate) fn require_secret(&self, secrets: &[String], signing: bool) -> Result<(), Failure> {
        let needs = self.compiled.needs();
        if !secrets.is_empty() || needs.keys.is_empty() {
            return Ok(());
        }
        let name = &self.compiled.preset().name;
        let what = match (self.key_kind(signing), signing) {
            (KeyKind::Shared, _) => "a secret",
            (KeyKind::TrustAnchor, _) => "a root certificate",
            (_, true) => "a private key",
            (_, false) => "a public key",
        };
        Err(Failure::key(format!("no --secret is given, and `{name}` needs one: {what}")).next(format!(
            "--secret env:NAME, file:PATH, cmd:COMMAND or -; `countersign preset show {name}` says how it is written"
        )))
    }

    /// A scheme whose keys are found is told here, before anything is read: nobody can sign by it.
    pub(crate) fn require_signing(&self) -> Result<(), Failure> {
        let needs = self.compiled.needs();
        if needs.keys.iter().any(|kind| *kind != KeyKind::TrustAnchor) {
            return Ok(());
        }
        let name = &self.compiled.preset().name;
        Err(Failure::key(format!(
            "`{name}` verifies only: its keys are found, and none is held to sign with"
        ))
        .next("to try a receiver, take a case of the preset's vectors, or a delivery that you kept"))
    }

    /// Variables as the preset declares them. All that are wrong or missing are told at once, with what to type.
    pub(crate) fn vars(&self, pairs: &[String]) -> Result<Vars, Failure> {
        let vars = crate::secret::vars(pairs)?;
        let Preset { name, vars: declared, .. } = self.compiled.preset();
        let mut wrong = Vec::new();
        for given in vars.names().filter(|given| !declared.iter().any(|var| *var.name == **given)) {
            let near = nearest(given, declared.iter().map(|var| &*var.name));
            let near = near.map_or_else(String::new, |near| format!(": did you mean `{near}`?"));
            wrong.push(format!("`{name}` declares no variable `{given}`{near}"));
        }
        let missing: Vec<_> =
            declared.iter().filter(|var| var.required && vars.get(&var.name).is_none()).collect();
        wrong.extend(missing.iter().map(|var| format!("variable `{}` ({}) is not set", var.name, var.label)));
        if wrong.is_empty() {
            return Ok(vars);
        }
        let next = match missing.is_empty() {
            false => missing.iter().map(|var| format!("--var {}=…", var.name)).collect::<Vec<_>>().join(" "),
            true if declared.is_empty() => "leave --var out: the preset has no variables".into(),
            true => format!("`countersign preset show {name}` lists its variables"),
        };
        Err(Failure::key(wrong.join("; ")).next(next))
    }

    /// Whether the scheme reads scheme or host of the URL, which a message on the wire does not have.
    pub(crate) fn looks_at_url(&self) -> bool {
        looks_at_url(&self.layer, &self.compiled.preset().mode.value)
    }
}

/// Find one in a registry, lay overrides over it, compile it.
pub(crate) fn resolve_in(
    registry: &mut Registry,
    choice: &Choice<'_>,
    overrides: &[String],
    more: Option<&str>,
) -> Result<(Arc<Compiled>, Layer), Failure> {
    let lines = overrides.iter().map(|text| override_line(text)).chain(more.map(|line| Ok(line.into())));
    let lines: Vec<String> = lines.collect::<Result<_, _>>()?;
    let changes = match lines.is_empty() {
        true => None,
        false => Some(parse(registry, "--override", lines.join("\n"))?),
    };
    let (file, name, option) = match *choice {
        Choice::File(file) => (Some(file), "", ""),
        Choice::Name(name) => (None, name, "--scheme "),
        Choice::Either(text) => (is_path(text).then(|| Path::new(text)), text, ""),
    };
    let resolved = match file {
        Some(file) => {
            let layer = parse(registry, &file.display().to_string(), read_text(file)?)?;
            registry.resolve_layer(&layer, changes)
        }
        None => {
            let by_file =
                |path: &Path| path.is_file().then(|| format!("of a file: {option}{}", path.display()));
            check_there(name, registry, &by_file)?;
            registry.resolve(name, changes)
        }
    };
    let compiled = resolved.and_then(|layer| Ok((registry.compile(&Preset::read(&layer)?)?, layer)));
    compiled.map_err(|errors| Failure::complaints(&errors, registry.sources()))
}

/// Whether a text stands for a file where a name might stand as well.
fn is_path(text: &str) -> bool {
    text.contains('/') || text.ends_with(".toml") || check_name(text).is_err() && Path::new(text).is_file()
}

/// What there is to verify with: a registry, and the modules that some of it came from.
pub(crate) struct Known {
    pub(crate) registry: Registry,
    pub(crate) modules: Vec<Module>,
}

/// Everything built in, what modules bring, and what the folder adds.
pub(crate) fn registry(folder: &FolderArgs) -> Result<Registry, Failure> {
    Ok(known(folder)?.registry)
}

/// The same, and the modules.
pub(crate) fn known(FolderArgs { presets, modules }: &FolderArgs) -> Result<Known, Failure> {
    // Nothing built in is wrong, and there is no text of the user's to show.
    let mut registry = countersign_modes::registry().map_err(|errors| Failure::config(errors.to_string()))?;
    let modules = module::load_all(modules)?;
    for module in &modules {
        let added = module.register(&mut registry);
        added.map_err(|errors| Failure::complaints(&errors, registry.sources()))?;
    }
    let Some(dir) = presets else { return Ok(Known { registry, modules }) };
    let mut errors = Vec::new();
    for file in preset_files(dir)? {
        let text = read_text(&file)?;
        if is_built_in(&file, &text) {
            continue;
        }
        let added = registry.add_preset(file.display().to_string(), text).map(drop);
        errors.extend(added.err().into_iter().flat_map(|errors| errors.0));
    }
    match errors.is_empty() {
        true => Ok(Known { registry, modules }),
        false => Err(Failure::complaints(&ConfigErrors(errors), registry.sources())),
    }
}

/// That there is a preset of this name. Whoever typed a title, a slip or half a name is told those that may be meant; of a
/// file or folder that is there, `by_path` says what to type instead, if anything.
pub(crate) fn check_there(
    name: &str,
    registry: &Registry,
    by_path: &dyn Fn(&Path) -> Option<String>,
) -> Result<(), Failure> {
    if registry.presets().any(|(known, _)| known == name) {
        return Ok(());
    }
    let failure = check_name(name).err().unwrap_or_else(|| {
        let next = "`countersign preset list` shows all; those of your own are found with --presets DIR";
        Failure::config(format!("there is no preset `{name}`")).next(next)
    });
    let paths = [PathBuf::from(name), PathBuf::from(format!("{name}.toml"))];
    let instead = paths.iter().filter(|path| path.exists()).find_map(|path| by_path(path));
    // Who writes a slash means a file, and no name is like it.
    let near = if name.contains('/') { Vec::new() } else { registry.near(name) };
    Err(match instead {
        Some(instead) => failure.next(instead),
        None if near.is_empty() => failure,
        None => failure.next(format!("did you mean {}? `countersign preset list` shows all", one_of(near))),
    })
}

/// A preset's name becomes part of paths; so it may not lead out of them.
pub(crate) fn check_name(name: &str) -> Result<(), Failure> {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if !name.is_empty() && name.len() <= 64 && name.bytes().all(fits) {
        return Ok(());
    }
    let failure = Failure::usage(format!(
        "`{}` can be no preset's name: that is lower-case letters, digits and hyphens",
        output::plain(name)
    ));
    Err(failure.next("`countersign preset list` shows all; a file of your own is given with --scheme FILE"))
}

fn parse(registry: &mut Registry, name: &str, text: String) -> Result<Layer, Failure> {
    let file: FileId = registry.sources_mut().add(name, text);
    Layer::parse(registry.sources(), file).map_err(|errors| Failure::complaints(&errors, registry.sources()))
}

/// `a.b=V` as a line of TOML: V as it stands if TOML reads it as one value, else as text.
pub(crate) fn override_line(text: &str) -> Result<String, Failure> {
    let wrong = |says: &str| {
        Failure::usage(format!("--override: {says}"))
            .next("write --override KEY=VALUE, such as freshness.tolerance_seconds=60")
    };
    let (key, value) = text.split_once('=').ok_or_else(|| wrong("there is no `=` in it"))?;
    let word = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    };
    if !key.split('.').all(word) {
        return Err(wrong("the key is words with dots between them"));
    }
    let mut sources = Sources::new();
    let file = sources.add("--override", format!("x = {value}"));
    let is_value = !value.contains('\n')
        && Layer::parse(&sources, file)
            .is_ok_and(|layer| layer.root().table().is_some_and(|table| table.len() == 1));
    Ok(match is_value {
        true => format!("{key} = {value}"),
        false => format!("{key} = {}", quoted(value)),
    })
}

/// As a basic string of TOML, on one line.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => out.push_str(&format!("\\U{:08X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_value_is_toml_if_it_can_be_and_text_otherwise() {
        for (given, line) in [
            ("a.b=1", "a.b = 1"),
            ("a=sha1", "a = \"sha1\""),
            ("a={body}", "a = \"{body}\""),
            ("a={ header = \"x\" }", "a = { header = \"x\" }"),
            ("a=\"1\"", "a = \"1\""),
            ("a=1\nb = 2", "a = \"1\\nb = 2\""),
            ("a=", "a = \"\""),
            ("a=x\\y", "a = \"x\\\\y\""),
        ] {
            assert_eq!(override_line(given).unwrap(), line);
        }
        for bad in ["a", "=1", "a..b=1", "a b=1", "[a]\nx=1"] {
            assert!(override_line(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_leads_nowhere() {
        for bad in ["", "../x", "a/b", "A", "a.toml", "a b"] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
        assert!(check_name("acme-v2").is_ok());
    }
}
