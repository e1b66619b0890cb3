//! What was done, for people and for programs. No secret is in it, nor where in its file one stood but by a pointer.

use super::fields::Remark;
use super::old::{Old, Shape};
use super::plan::{New, Outcome, Place, Placed, Plan};
use crate::error::Failure;
use crate::output::{self, plain};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What is told of.
pub(super) struct Report<'r> {
    pub(super) file: &'r Path,
    pub(super) config: &'r Path,
    pub(super) dry_run: bool,
    pub(super) plans: &'r [Plan<'r>],
    pub(super) added: &'r str,
    pub(super) wrote: &'r [PathBuf],
}

#[derive(Serialize)]
struct ReportJson<'r> {
    dry_run: bool,
    config: String,
    sources: Vec<SourceJson<'r>>,
    wrote: Vec<String>,
    /// Variables that have to be set.
    export: Vec<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    toml: Option<&'r str>,
}

#[derive(Serialize)]
struct SourceJson<'r> {
    at: &'r str,
    name: &'r str,
    path: &'r str,
    shape: Shape,
    /// `imported` or `there_already`.
    outcome: &'static str,
    /// The name or the path that is taken, and by which source.
    #[serde(skip_serializing_if = "Option::is_none")]
    taken: Option<TakenJson<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preset: Option<&'r str>,
    /// Whether the preset was found by what it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    preset_found: Option<bool>,
    secrets: Vec<SecretJson<'r>>,
    remarks: Vec<RemarkJson<'r>>,
}

#[derive(Serialize)]
struct TakenJson<'r> {
    by: &'static str,
    source: &'r str,
}

#[derive(Serialize)]
struct SecretJson<'r> {
    id: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    env: Option<&'r str>,
}

#[derive(Serialize)]
struct RemarkJson<'r> {
    at: &'r str,
    /// The code of a warning that the gateway will repeat at every start.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    says: &'r str,
    next: &'r str,
}

impl Report<'_> {
    /// As one JSON value.
    pub(super) fn print_json(&self) -> Result<(), Failure> {
        output::print_json(&ReportJson {
            dry_run: self.dry_run,
            config: self.config.display().to_string(),
            sources: self.plans.iter().map(source).collect(),
            wrote: self.wrote.iter().map(|path| path.display().to_string()).collect(),
            export: self.exports().collect(),
            toml: self.dry_run.then_some(self.added),
        })
    }

    /// On stderr what is said; on stdout what was asked for: the text that would be written, or the variables to set.
    pub(super) fn tell(&self) -> Result<(), Failure> {
        for Plan { old, outcome } in self.plans {
            match outcome {
                Outcome::New(new) => self.tell_new(old, new),
                Outcome::There { by, name } => {
                    let (own, other) = (plain(&old.name), plain(name));
                    output::warn(&format!(
                        "{own}: the {by} is taken by the source `{other}`: that one is let be"
                    ));
                    output::help("if this is another, give it its own `name` and `path`, and run it again");
                }
            }
        }
        self.wrote.iter().for_each(|path| output::note(&format!("wrote {}", path.display())));
        let exports: Vec<String> = self.exports().map(|name| format!("export {name}=\n")).collect();
        if !exports.is_empty() {
            output::note("set these where the gateway is started, each to what the old file has:");
        }
        if self.dry_run {
            output::print(self.added)?;
            exports.iter().for_each(|line| output::help(line.trim_end()));
            output::note("a dry run: nothing was written");
            return Ok(());
        }
        output::print(&exports.concat())?;
        if self.plans.iter().any(|plan| matches!(plan.outcome, Outcome::New(_))) {
            let (config, file) = (self.config.display(), self.file.display());
            output::help(&format!("countersign config check --config {config} --secrets"));
            output::help(&format!(
                "{file} may still hold secrets: remove it once the gateway verifies by the new ones"
            ));
        }
        Ok(())
    }

    fn tell_new(&self, old: &Old<'_>, new: &New) {
        let scheme = match &new.preset {
            Some(name) if new.found => format!("the preset `{name}`, which says the very same"),
            Some(name) => format!("the preset `{name}`"),
            None => format!("the mode `{}`, written out", new.mode),
        };
        let (name, path) = (plain(&old.name), plain(&old.path));
        let shape = old.shape.word();
        let becomes = if self.dry_run { "would become" } else { "became" };
        output::note(&format!("{name}: {shape} at {path} {becomes} {scheme}"));
        for Placed { id, place, value } in &new.secrets {
            let place = match place {
                Place::File(path) => format!("the file {}", plain(path)),
                Place::Env(name) => format!("the variable {}", plain(name)),
            };
            let verb = if value.is_some() { "goes into" } else { "stays in" };
            output::note(&format!("{name}: the secret `{}` {verb} {place}", plain(id)));
        }
        for Remark { at, says, next } in &old.remarks {
            let at = if at.is_empty() { "the whole" } else { at };
            output::warn(&format!("{name}: {}: {says}", plain(at)));
            output::help(next);
        }
        for warning in &new.warnings {
            output::warn(&format!("{name}: {}", warning.what.message));
            warning.what.help.iter().for_each(|help| output::help(help));
        }
    }

    fn exports(&self) -> impl Iterator<Item = &str> {
        let new = self.plans.iter().filter_map(|plan| match &plan.outcome {
            Outcome::New(new) => Some(&new.secrets),
            Outcome::There { .. } => None,
        });
        new.flatten().filter_map(|secret| match (&secret.place, &secret.value) {
            (Place::Env(name), Some(_)) => Some(&**name),
            _ => None,
        })
    }
}

fn source<'r>(Plan { old, outcome }: &'r Plan<'_>) -> SourceJson<'r> {
    let mut remarks: Vec<RemarkJson<'r>> = old
        .remarks
        .iter()
        .map(|Remark { at, says, next }| RemarkJson { at, code: None, says, next })
        .collect();
    let mut told = SourceJson {
        at: &old.pointer,
        name: &old.name,
        path: &old.path,
        shape: old.shape,
        outcome: "imported",
        taken: None,
        mode: None,
        preset: None,
        preset_found: None,
        secrets: Vec::new(),
        remarks: Vec::new(),
    };
    match outcome {
        Outcome::There { by, name } => {
            told.outcome = "there_already";
            told.taken = Some(TakenJson { by, source: name });
        }
        Outcome::New(new) => {
            told.mode = Some(&new.mode);
            told.preset = new.preset.as_deref();
            told.preset_found = new.preset.as_ref().map(|_| new.found);
            told.secrets = new.secrets.iter().map(secret).collect();
            remarks.extend(new.warnings.iter().map(|warning| RemarkJson {
                at: &old.pointer,
                code: Some(warning.code.code()),
                says: &warning.what.message,
                next: warning.what.help.as_deref().unwrap_or_default(),
            }));
        }
    }
    told.remarks = remarks;
    told
}

fn secret(Placed { id, place, value: _ }: &Placed) -> SecretJson<'_> {
    match place {
        Place::File(path) => SecretJson { id, file: Some(path), env: None },
        Place::Env(name) => SecretJson { id, file: None, env: Some(name) },
    }
}

impl Shape {
    /// For people.
    fn word(self) -> &'static str {
        match self {
            Shape::Bearer => "a bearer token",
            Shape::HmacSha256 => "`hmac_sha256`",
            Shape::WebhookAuth => "`webhook_auth`",
        }
    }
}
