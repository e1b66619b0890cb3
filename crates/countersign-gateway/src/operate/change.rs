//! Sources that are added, removed, switched on and off.

use super::decide::Held;
use super::known::{Placed, called};
use super::secrets::{Given, Owner, SecretChanged};
use super::{ErrorCode, OperateError, Operator, SourceShown};
use crate::config::{Config, Enforce, Refused, Source, quoted};
use countersign::Timestamp;
use countersign_store::{Edit, SourceRow};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use utoipa::ToSchema;

/// A source to be added: by its parts, or by its table as a file would have it.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NewSource {
    /// Its name. Default: its path, with hyphens for slashes.
    #[schema(nullable = false)]
    pub name: Option<String>,

    /// The path that it is reached by: `/in/payments`.
    #[schema(nullable = false)]
    pub path: Option<String>,

    /// Its preset.
    #[schema(nullable = false)]
    pub preset: Option<String>,

    /// Changes of the preset, each a line of TOML: `freshness.tolerance_seconds = 60`.
    pub overrides: Vec<String>,

    /// The preset's variables.
    pub vars: BTreeMap<String, String>,

    /// Where accepted requests go: a URL. None: nowhere.
    #[schema(nullable = false)]
    pub forward: Option<String>,

    /// `reject`, or `observe` to let through what would be refused.
    #[schema(nullable = false)]
    pub enforce: Option<String>,

    /// The whole table of a `[[source]]` in TOML, without that heading, in place of everything above. Its secrets are `managed`.
    #[schema(nullable = false)]
    pub table: Option<String>,

    /// Make a secret for it.
    pub generate_secret: bool,
}

/// A source that was added.
#[derive(Debug, Serialize, ToSchema)]
#[non_exhaustive]
pub struct SourceAdded {
    /// As it is now.
    pub source: SourceShown,
    /// Its table, as the store keeps it.
    pub table: String,
    /// The secret that was made for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub secret: Option<SecretChanged>,
    /// What should be better.
    pub warnings: Vec<String>,
}

/// A source that was removed.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct SourceRemoved {
    /// What it was called.
    pub name: String,
    /// How many secrets were forgotten with it. Its events stay.
    pub secrets: usize,
}

/// What a source can be switched to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Switch {
    /// It receives.
    Enable,
    /// It is as if it were not there.
    Disable,
    /// It lets through what it would refuse.
    Observe,
    /// It refuses.
    Enforce,
}

impl Switch {
    /// The words of the command that does it.
    const fn command(self) -> &'static str {
        match self {
            Switch::Enable => "source enable",
            Switch::Disable => "source disable",
            Switch::Observe => "source observe",
            Switch::Enforce => "source enforce",
        }
    }
}

impl Operator {
    /// Add a source to the store. It is read by the reader of the configuration file, and so are its mistakes.
    pub async fn add_source(&self, new: &NewSource) -> Result<SourceAdded, OperateError> {
        let config = self.current();
        let table = new.table(&config)?;
        let (source, warnings) = config.read_stored(&called(new.called()), &table).map_err(refused)?;
        let placed = Placed { source: Arc::new(source), row: None, in_file: false };
        // The source and its secret are one step: there is no source whose secret nobody has seen, nor one without.
        let secret = self.write("source add", |held| {
            held.expect_free(&placed.source)?;
            let text = Some(table.as_str().into());
            let mut edits = vec![Edit::Source(row(&placed.source, text, self.now()))];
            if !new.generate_secret {
                return Ok((edits, None));
            }
            let vault = self.vault_of(Owner::source(&placed)?, &held.secrets)?;
            let (row, value) = vault.make(self, &Given::default())?;
            let changed = vault.changed(self, &row, value, &[]);
            edits.push(Edit::Secret(row));
            Ok((edits, Some(changed)))
        });
        let secret = secret.await?;
        let warnings = warnings.iter().map(ToString::to_string).collect();
        Ok(SourceAdded { source: self.source(&placed.source.name).await?, table, secret, warnings })
    }

    /// Forget a source that the store keeps, and its secrets. One that still receives only with `force`.
    pub async fn remove_source(&self, name: &str, force: bool) -> Result<SourceRemoved, OperateError> {
        let removed = self.write("source remove", |held| {
            held.expect_removable(name, force, &self.current().file)?;
            let secrets = held.secrets.iter().filter(|row| *row.source == *name).count();
            Ok((vec![Edit::Gone(name.into())], SourceRemoved { name: name.into(), secrets }))
        });
        removed.await
    }

    /// Switch a source, wherever it is defined. A gateway that runs sees it within a second.
    pub async fn switch(&self, name: &str, to: Switch) -> Result<SourceShown, OperateError> {
        let switched = self.write(to.command(), |held| {
            let placed = held.known.find(name)?;
            if to == Switch::Enable && placed.in_file && !placed.source.enabled {
                return Err(in_file(name, "switched on").help(format!(
                    "take `enabled = false` out of its `[[source]]` in `{}`",
                    self.current().file.display()
                )));
            }
            let mut row = placed.row();
            match to {
                Switch::Enable => row.enabled = true,
                Switch::Disable => row.enabled = false,
                Switch::Observe => row.enforce = Some(Enforce::Observe.word().into()),
                Switch::Enforce => row.enforce = Some(Enforce::Reject.word().into()),
            }
            Ok((vec![placed.edit(row, self.now())], ()))
        });
        switched.await?;
        self.source(name).await
    }
}

impl Held {
    /// Nothing has its name or its path, nor has anything left secrets behind under that name.
    fn expect_free(&self, source: &Source) -> Result<(), OperateError> {
        let taken = |placed: &&Placed| placed.source.name == source.name || placed.source.path == source.path;
        if let Some(Placed { source: other, .. }) = self.known.sources.iter().find(taken) {
            let what = if other.name == source.name { "name" } else { "path" };
            let says = format!("the {what} is taken: `{}` is at `{}`", other.name, other.path);
            return Err(OperateError::new(ErrorCode::Taken, says)
                .help(format!("give it another {what}; `countersign source list` shows all")));
        }
        let name = &source.name;
        if self.has_left(name) || self.is_broken(name) {
            let says = format!("the store still keeps what is left of a source called `{name}`");
            return Err(OperateError::new(ErrorCode::Taken, says)
                .help(format!("`countersign source remove {name}` forgets it, with its secrets")));
        }
        Ok(())
    }

    /// It can be forgotten: it is the store's, and receives no more, or that is no matter.
    fn expect_removable(&self, name: &str, force: bool, file: &Path) -> Result<(), OperateError> {
        match self.known.find(name) {
            Ok(placed) if placed.in_file => Err(in_file(name, "removed").help(format!(
                "take its `[[source]]` out of `{}`; or `countersign source disable {name}`",
                file.display()
            ))),
            Ok(placed) if placed.enabled() && !force => {
                let says = format!("`{name}` still receives: its senders would be answered 404");
                Err(OperateError::new(ErrorCode::InUse, says).help(format!(
                    "`countersign source disable {name}` first; --force removes it all the same"
                )))
            }
            Ok(_) => Ok(()),
            // What is left of a source that the file had: its secrets would be another's of the same name.
            Err(_) if self.is_broken(name) || self.has_left(name) => Ok(()),
            Err(unknown) => Err(unknown),
        }
    }

    fn is_broken(&self, name: &str) -> bool {
        self.known.broken.iter().any(|(row, _)| *row.name == *name)
    }

    fn has_left(&self, name: &str) -> bool {
        self.secrets.iter().any(|row| *row.source == *name)
    }
}

impl NewSource {
    fn called(&self) -> &str {
        let name = self.name.as_deref().or(self.path.as_deref());
        name.unwrap_or("to be added")
    }

    /// The text that the store keeps.
    fn table(&self, config: &Config) -> Result<String, OperateError> {
        let Self { name, path, preset, overrides, vars, forward, enforce, table, generate_secret: _ } = self;
        if let Some(table) = table {
            let parts = [name, path, preset, forward, enforce];
            if parts.iter().any(|part| part.is_some()) || !overrides.is_empty() || !vars.is_empty() {
                let says = "`table` is the whole table, and other parts are given beside it";
                return Err(
                    OperateError::new(ErrorCode::InvalidArgument, says).help("write them into the table")
                );
            }
            return Ok(table.clone());
        }
        if let Some(line) = overrides.iter().find(|line| line.contains(['\n', '\r'])) {
            let says = format!("`{}` is more than one line", line.escape_debug());
            return Err(
                OperateError::new(ErrorCode::InvalidArgument, says).help("give one override for each line")
            );
        }
        let mut out = String::new();
        for (key, value) in [("name", name), ("path", path), ("preset", preset), ("enforce", enforce)] {
            if let Some(value) = value {
                let _ = writeln!(out, "{key} = {}", quoted(value));
            }
        }
        // What there is none of is not written down: a scheme that finds its keys refuses `secrets`.
        let named = preset.as_deref().and_then(|preset| config.schemes.registry().named(preset).ok());
        if !named.is_some_and(|compiled| compiled.needs().keys.is_empty()) {
            out.push_str("secrets = \"managed\"\n");
        }
        if let Some(to) = forward {
            let _ = writeln!(out, "forward = {{ to = {} }}", quoted(to));
        }
        if !vars.is_empty() {
            out.push_str("\n[vars]\n");
            for (name, value) in vars {
                let _ = writeln!(out, "{} = {}", quoted(name), quoted(value));
            }
        }
        if !overrides.is_empty() {
            out.push_str("\n[override]\n");
            for line in overrides {
                let _ = writeln!(out, "{line}");
            }
        }
        Ok(out)
    }
}

fn row(source: &Source, table: Option<Arc<str>>, now: Timestamp) -> SourceRow {
    SourceRow {
        name: source.name.clone(),
        table,
        enabled: source.enabled,
        enforce: None,
        learns_until: None,
        changed_at: now,
    }
}

pub(super) fn refused(refused: Refused) -> OperateError {
    match refused {
        Refused::Wrong { errors, texts } => OperateError::complaints(
            ErrorCode::InvalidSource,
            "the source will not do as it is written",
            &errors,
            &texts,
        ),
        other => OperateError::new(ErrorCode::InvalidSource, other.to_string()),
    }
}

fn in_file(name: &str, done: &str) -> OperateError {
    OperateError::new(
        ErrorCode::InFile,
        format!("`{name}` stands in the configuration file, and is {done} there"),
    )
}
