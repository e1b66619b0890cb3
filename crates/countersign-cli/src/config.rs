//! `countersign config`: what is wrong with a configuration of the gateway, and what another one would change.

mod check;

use crate::args::{ConfigCommand, ConfigDiffArgs, Format};
use crate::error::{Exit, Failure};
use crate::output::{self, CARE, GONE, HEAD, NEW, plain, styled};
use countersign_gateway::config::{Change, Config, KeyChange, Loaded, Modules, Refused, diff};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;

/// Do it.
pub(crate) fn run(command: &ConfigCommand) -> Result<Exit, Failure> {
    match command {
        ConfigCommand::Check(args) => check::run(args),
        ConfigCommand::Diff(args) => compare(args),
    }
}

/// Read a configuration, or say what is wrong with it.
fn read(file: &Path) -> Result<Loaded, Failure> {
    // Each is read as if it were the only one: a module that both name is loaded for each.
    Config::read(file, &mut Modules::new()).map_err(refused)
}

/// As a person reads it.
/// What will not do, with its lines.
pub(crate) fn refused(refused: Refused) -> Failure {
    match refused {
        Refused::Unread(error) => error.into(),
        Refused::Wrong { errors, texts, .. } => Failure::complaints(&errors, &texts),
        refused => Failure::config(refused.to_string()),
    }
}

fn compare(ConfigDiffArgs { old, new, format }: &ConfigDiffArgs) -> Result<Exit, Failure> {
    let (old, new) = (read(old)?.config, read(new)?.config);
    let changes = diff(&old, &new);
    match format {
        Format::Json => output::print_json(&to_json(&changes))?,
        Format::Human if changes.is_empty() => output::note("they come to the same"),
        Format::Human => output::print(&in_lines(&changes))?,
    }
    if changes.iter().any(Change::needs_restart) && *format == Format::Human {
        output::note("what is marked comes about by a restart, and by no reload");
    }
    Ok(if changes.is_empty() { Exit::Done } else { Exit::No })
}

fn in_lines(changes: &[Change]) -> String {
    let mut out = String::new();
    for change in changes {
        let (title, keys) = match change {
            Change::Added(name) => (styled(NEW, &format!("+ source {}", plain(name))), &[][..]),
            Change::Removed(name) => (styled(GONE, &format!("- source {}", plain(name))), &[][..]),
            Change::Source(name, keys) => (styled(HEAD, &format!("source {}", plain(name))), &keys[..]),
            Change::Table(name, keys) => (styled(HEAD, name), &keys[..]),
        };
        let _ = writeln!(out, "{title}");
        for KeyChange { key, from, to, restart, .. } in keys {
            let said = |value: &Option<String>| value.as_deref().map_or_else(|| "nothing".into(), plain);
            let mark = if *restart { styled(CARE, "  (restart)") } else { String::new() };
            let _ = writeln!(out, "  {}: {} -> {}{mark}", plain(key), said(from), said(to));
        }
    }
    out
}

fn to_json(changes: &[Change]) -> Value {
    let keys = |keys: &[KeyChange]| -> Vec<Value> {
        let one = |KeyChange { key, from, to, restart, .. }: &KeyChange| json!({ "key": key, "from": from, "to": to, "restart": restart });
        keys.iter().map(one).collect()
    };
    let one = |change: &Change| match change {
        Change::Added(name) => json!({ "source": &**name, "change": "added" }),
        Change::Removed(name) => json!({ "source": &**name, "change": "removed" }),
        Change::Source(name, changed) => {
            json!({ "source": &**name, "change": "changed", "keys": keys(changed) })
        }
        Change::Table(name, changed) => {
            json!({ "table": &**name, "change": "changed", "keys": keys(changed) })
        }
    };
    let changes_json: Vec<Value> = changes.iter().map(one).collect();
    let restart = changes.iter().any(Change::needs_restart);
    json!({ "same": changes.is_empty(), "restart": restart, "changes": changes_json })
}
