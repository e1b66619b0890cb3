//! What would be written, and whether today's readers take it: everything is judged here, and nothing is saved.
//!
//! The surprising decision: a source is read by the gateway's own reader up to four times, and the first text that it takes is
//! kept. What must be spelled, `require_bound = []` and `allow_weak = true`, is spelled only where it refuses otherwise; so
//! nothing here repeats its rules, and nothing can be written that `serve` would not start with.

use super::fields::{Remark, wrong};
use super::held::{Held, OldSecret, OldVar};
use super::old::Old;
use super::same;
use super::scheme::Scheme;
use super::tree::{Tree, list, text};
use crate::args::KeptIn;
use crate::output::plain;
use countersign::config::{Complaints, Value};
use countersign::{ConfigErrors, Key, KeyId, Keyring, Layer, Secret, Vars};
use countersign_gateway::config::{Config, Refused, Source, Warning};
use countersign_gateway::secrets::{SecretPlace, has_white_space, is_pem};
use std::collections::HashSet;
use zeroize::Zeroizing;

/// What a secret that is shorter than this stands in says nothing of it: it may be any word.
const TELLING: usize = 8;

/// The longest name of a file that is made here, in bytes, without the number that tells two of one name apart: file systems
/// have 255.
const MAX_NAME: usize = 200;

/// What becomes of one endpoint.
pub(super) struct Plan<'a> {
    pub(super) old: Old<'a>,
    pub(super) outcome: Outcome,
}

/// Whether it is written.
pub(super) enum Outcome {
    /// It is not: a source has its name or its path already.
    There {
        /// `name` or `path`.
        by: &'static str,
        /// That source.
        name: String,
    },
    /// It is.
    New(Box<New>),
}

/// A source that is new.
pub(super) struct New {
    /// Its table.
    pub(super) table: Value,
    /// The preset that it names.
    pub(super) preset: Option<String>,
    /// Whether that was found by comparing: the endpoint had it written out.
    pub(super) found: bool,
    pub(super) mode: String,
    pub(super) secrets: Vec<Placed>,
    pub(super) warnings: Vec<Warning>,
}

/// A secret, and where it will be.
pub(super) struct Placed {
    /// Its id, or the variable of the preset that it is.
    pub(super) id: String,
    pub(super) place: Place,
    /// What has to get there; nothing if it is there already.
    pub(super) value: Option<Zeroizing<String>>,
}

/// Where.
pub(super) enum Place {
    /// A file, relative to the configuration.
    File(String),
    /// A variable.
    Env(String),
}

/// What judging needs.
pub(super) struct Judge<'a> {
    pub(super) config: &'a Config,
    pub(super) complaints: &'a Complaints,
    pub(super) kept_in: KeptIn,
    pub(super) allow_weak: bool,
}

/// Names that were given away: no two secrets share a file or a variable.
#[derive(Default)]
struct Names(HashSet<String>);

/// Judge all of them.
pub(super) fn plan<'a>(all: Vec<Old<'a>>, judge: &Judge<'_>) -> Vec<Plan<'a>> {
    let mut names = Names::known(judge.config, &all);
    let (mut seen, mut plans) = (Vec::<(String, String, String)>::new(), Vec::new());
    for mut old in all {
        if let Some((_, _, first)) =
            seen.iter().find(|(name, path, _)| *name == old.name || *path == old.path)
        {
            let says =
                format!("`{}` has the name or the path of what stands at {}", plain(&old.name), plain(first));
            wrong(judge.complaints, old.span, &old.pointer, &says, "give each its own `name` and `path`");
            continue;
        }
        seen.push((old.name.clone(), old.path.clone(), old.pointer.clone()));
        let outcome = match judge.config.taken(&old.name, &old.path) {
            Some(source) => Some(Outcome::There {
                by: if *source.name == *old.name { "name" } else { "path" },
                name: source.name.to_string(),
            }),
            None => judge.new_source(&mut old, &mut names).map(|new| Outcome::New(Box::new(new))),
        };
        plans.extend(outcome.map(|outcome| Plan { old, outcome }));
    }
    plans
}

impl Judge<'_> {
    fn new_source(&self, old: &mut Old<'_>, names: &mut Names) -> Option<New> {
        let found = self.find_preset(old);
        let (secrets, table) = self.secrets(old, names);
        let (vars, var_table) = self.vars(old, names);
        let spelled = |unbound: bool, weak: bool| {
            let mut tree = Tree::new(old.span);
            tree.add("name", text(&old.name)).add("path", text(&old.path));
            add_scheme(&mut tree, &old.scheme);
            tree.add("allow_weak", weak.then_some(Value::Boolean(true)));
            tree.add("secrets", table.clone()).add("vars", var_table.clone());
            tree.add("require_bound", unbound.then(|| list([], old.span)));
            for (key, value) in &old.rest {
                tree.add(key, value.clone());
            }
            tree.value()
        };
        let (table, source, warnings) = self.first_that_reads(old, &spelled)?;
        let values = secrets.iter().zip(&old.secrets);
        self.try_keys(old, &source, values)?;
        let (preset, mode) = match &old.scheme {
            Scheme::Preset { name, .. } => {
                (Some(name.clone()), source.compiled.preset().mode.value.to_string())
            }
            Scheme::WrittenOut { mode, .. } => (None, mode.clone()),
        };
        let secrets: Vec<Placed> = secrets.into_iter().chain(vars).collect();
        self.say_nothing_twice(old, &table, &secrets)?;
        Some(New { table, preset, found, mode, secrets, warnings })
    }

    /// A scheme that is written out gives way to the preset that says the very same, if one does.
    fn find_preset(&self, old: &mut Old<'_>) -> bool {
        let Scheme::WrittenOut { mode, tables } = &old.scheme else { return false };
        let mut tree = Tree::new(old.span);
        tree.add("mode", text(mode));
        for (key, value) in tables {
            tree.add(key, value.clone());
        }
        let all = same::presets(self.config.schemes.registry(), &tree.layer());
        let is = |name: &str| all.iter().find(|known| known.eq_ignore_ascii_case(name));
        let chosen = match (&old.provider, &all[..]) {
            (Some(provider), _) => is(provider),
            (None, [only]) => Some(only),
            (None, _) => is(&old.name),
        };
        if let Some(name) = chosen {
            old.scheme = Scheme::Preset { name: name.clone(), overrides: None };
            return true;
        }
        if !all.is_empty() {
            let names: Vec<String> = all.iter().map(|name| format!("`{name}`")).collect();
            old.remarks.push(Remark {
                at: old.pointer.clone(),
                says: format!("the scheme is written out, and {} say the very same", names.join(", ")),
                next: "if one of them is who sends, name it: `preset` instead of `mode` and its table".into(),
            });
        }
        false
    }

    fn secrets(&self, old: &Old<'_>, names: &mut Names) -> (Vec<Placed>, Option<Value>) {
        let (mut placed, mut tables) = (Vec::new(), Vec::new());
        for OldSecret { id, held, not_before, not_after, role } in &old.secrets {
            let secret = self.place(&old.name, id, held, names);
            let mut tree = Tree::new(old.span);
            tree.add("id", text(id));
            secret.add_to(&mut tree);
            tree.add("not_before", not_before.as_deref().map(text))
                .add("not_after", not_after.as_deref().map(text));
            tree.add("role", role.as_deref().map(text));
            tables.push(tree.value());
            placed.push(secret);
        }
        let table = (!tables.is_empty()).then(|| list(tables, old.span));
        (placed, table)
    }

    fn vars(&self, old: &Old<'_>, names: &mut Names) -> (Vec<Placed>, Option<Value>) {
        let (mut placed, mut tree) = (Vec::new(), Tree::new(old.span));
        for (name, var) in &old.vars {
            match var {
                OldVar::Text(value) => drop(tree.add(name, text(value))),
                OldVar::Held(held) => {
                    let secret = self.place(&old.name, name, held, names);
                    let mut place = Tree::new(old.span);
                    secret.add_to(&mut place);
                    tree.table(name, place);
                    placed.push(secret);
                }
            }
        }
        let table = (!tree.is_empty()).then(|| tree.value());
        (placed, table)
    }

    fn place(&self, source: &str, id: &str, held: &Held, names: &mut Names) -> Placed {
        let (place, value) = match (held, self.kept_in) {
            (Held::Env(name), _) => (Place::Env(name.clone()), None),
            (Held::File(path), _) => (Place::File(path.clone()), None),
            (Held::Value(value, _), KeptIn::File) => (
                Place::File(format!("{}/{}", super::save::FOLDER, names.file(source, id))),
                Some(value.clone()),
            ),
            (Held::Value(value, _), KeptIn::Env) => {
                (Place::Env(names.variable(source, id)), Some(value.clone()))
            }
        };
        Placed { id: id.into(), place, value }
    }

    /// What is refused only for want of a word that has to be spelled, gets it.
    fn first_that_reads(
        &self,
        old: &Old<'_>,
        spelled: &dyn Fn(bool, bool) -> Value,
    ) -> Option<(Value, Source, Vec<Warning>)> {
        let read = |table: &Value| {
            let text = Layer::of(table_of(table), old.span.clone()).to_toml();
            self.config.read_source(&old.name, &text)
        };
        let mut fewest: Option<Vec<countersign::ConfigError>> = None;
        for (unbound, weak) in [(false, false), (true, false), (false, true), (true, true)] {
            let table = spelled(unbound, weak);
            match read(&table) {
                Ok(_) if weak && !self.allow_weak => {
                    let says = "this makes the preset weaker than it is, and that has to be said";
                    let next = "take the override out; or, if the sender leaves no choice, give --allow-weak";
                    let why = fewest.iter().flatten().map(|error| error.message.clone()).next();
                    let says = why.map_or_else(|| says.to_owned(), |why| format!("{says}: {why}"));
                    wrong(self.complaints, old.span, &old.pointer, &says, next);
                    return None;
                }
                Ok((source, warnings)) => return Some((table, source, warnings)),
                Err(Refused::Wrong { errors: ConfigErrors(errors), .. }) => {
                    if fewest.as_ref().is_none_or(|fewest| errors.len() < fewest.len()) {
                        fewest = Some(errors);
                    }
                }
                Err(other) => {
                    wrong(self.complaints, old.span, &old.pointer, &other.to_string(), "see what it says");
                    return None;
                }
            }
        }
        for error in fewest.into_iter().flatten() {
            let help = error.help.unwrap_or_else(|| "see docs/reference/gateway-config.md".into());
            wrong(self.complaints, old.span, &old.pointer, &error.message, help);
        }
        None
    }

    /// Whether the secrets are of the form that the scheme wants. Those that are elsewhere are read when the gateway starts.
    fn try_keys<'s>(
        &self,
        old: &Old<'_>,
        source: &Source,
        secrets: impl Iterator<Item = (&'s Placed, &'s OldSecret)>,
    ) -> Option<()> {
        let kind = source.compiled.needs().key_kind(false);
        let (mut ring, mut fine) = (Keyring::new(), true);
        for (placed, secret) in secrets {
            let (Some(value), Held::Value(_, pointer)) = (&placed.value, &secret.held) else { continue };
            let mut complain = |says: &str, help: &str| {
                fine = false;
                let says = format!("key `{}`: {says}", plain(&secret.id));
                wrong(self.complaints, old.span, pointer, &says, help);
            };
            let bytes = value.as_bytes();
            if self.kept_in == KeptIn::File && has_white_space(bytes) && !is_pem(bytes) {
                complain(
                    "there is white space in it, and a file with a secret holds nothing else",
                    "leave what belongs to the secret (a scheme such as `Bearer` does not); or give --secrets env",
                );
                continue;
            }
            let secret_role = secret.role.as_deref().map(Into::into);
            let added = Secret::new(bytes).and_then(|secret| {
                let mut key = Key::new(KeyId::new(&*placed.id), kind, secret);
                key.role = secret_role.clone();
                ring.add(key).map(drop)
            });
            if let Err(error) = added {
                complain(error.without_key(), "see what the sender has, and give that");
            }
        }
        let all_here =
            old.vars.iter().all(|(_, var)| !matches!(var, OldVar::Held(Held::Env(_) | Held::File(_))));
        if fine && !ring.is_empty() && all_here {
            let mut vars = Vars::new();
            for (name, var) in &old.vars {
                match var {
                    OldVar::Text(text) => drop(vars.set(name.as_str(), text.as_str())),
                    OldVar::Held(Held::Value(text, _)) => drop(vars.set(name.as_str(), text.as_str())),
                    OldVar::Held(_) => {}
                }
            }
            if let Err(error) = source.compiled.verifier(source.name.clone(), &ring, &vars) {
                fine = false;
                let help = "see what the sender has, and give that";
                wrong(self.complaints, old.span, &old.pointer, &error.to_string(), help);
            }
        }
        fine.then_some(())
    }

    /// A secret that is a part of what is written is none any more.
    fn say_nothing_twice(&self, old: &Old<'_>, table: &Value, secrets: &[Placed]) -> Option<()> {
        let written = table.to_string();
        let is_told = |secret: &&Placed| {
            secret.value.as_ref().is_some_and(|value| value.len() >= TELLING && written.contains(&***value))
        };
        let Some(told) = secrets.iter().find(is_told) else { return Some(()) };
        let says = format!(
            "the secret `{}` is also a part of something else here, which is no secret",
            plain(&told.id)
        );
        wrong(
            self.complaints,
            old.span,
            &old.pointer,
            &says,
            "have the sender make another secret, or use another name or path",
        );
        None
    }
}

impl Placed {
    fn add_to(&self, tree: &mut Tree<'_>) {
        match &self.place {
            Place::File(path) => tree.add("file", text(path)),
            Place::Env(name) => tree.add("env", text(name)),
        };
    }
}

impl Names {
    /// Those of the variables that are named already, by the configuration or by what is imported: they hold something else.
    fn known(config: &Config, all: &[Old<'_>]) -> Self {
        let variable = |place: &SecretPlace| match place {
            SecretPlace::Env(name) => Some(name.to_ascii_lowercase()),
            _ => None,
        };
        let mut names = Names::default();
        let own = config.admin.iter().map(|admin| &admin.token).chain(&config.store.key);
        names.0.extend(own.filter_map(variable));
        for source in &config.sources {
            names.0.extend(source.places().filter_map(variable));
        }
        for old in all {
            let vars = old.vars.iter().filter_map(|(_, var)| match var {
                OldVar::Held(held) => Some(held),
                OldVar::Text(_) => None,
            });
            let held = old.secrets.iter().map(|secret| &secret.held).chain(vars);
            names.0.extend(held.filter_map(|held| match held {
                Held::Env(name) => Some(name.to_ascii_lowercase()),
                _ => None,
            }));
        }
        names
    }

    fn file(&mut self, source: &str, id: &str) -> String {
        let fits = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        let plain =
            format!("{source}-{id}").chars().map(|c| if fits(c) { c } else { '_' }).take(MAX_NAME).collect();
        self.free(plain, '-')
    }

    fn variable(&mut self, source: &str, id: &str) -> String {
        let upper = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
        let mut name: String = format!("{source}_{id}").chars().map(upper).collect();
        if name.starts_with(|first: char| first.is_ascii_digit()) {
            name.insert(0, '_');
        }
        self.free(name, '_')
    }

    fn free(&mut self, name: String, between: char) -> String {
        let mut free = name.clone();
        let mut number = 1;
        while !self.0.insert(free.to_ascii_lowercase()) {
            number += 1;
            free = format!("{name}{between}{number}");
        }
        free
    }
}

fn add_scheme(tree: &mut Tree<'_>, scheme: &Scheme) {
    match scheme {
        Scheme::Preset { name, overrides } => {
            tree.add("preset", text(name)).add("override", overrides.clone().map(Value::Table));
        }
        Scheme::WrittenOut { mode, tables } => {
            tree.add("mode", text(mode));
            for (key, value) in tables {
                tree.add(key, value.clone());
            }
        }
    }
}

fn table_of(value: &Value) -> countersign::config::Table {
    match value {
        Value::Table(table) => table.clone(),
        _ => countersign::config::Table::default(),
    }
}
