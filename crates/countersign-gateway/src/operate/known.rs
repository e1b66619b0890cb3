//! Every source that there is: those of the file, and those that the store keeps.

use super::{ErrorCode, OperateError, Operator};
use crate::config::{Enforce, Refused, Source};
use countersign::Timestamp;
use countersign_store::{Edit, SourceRow};
use std::sync::Arc;

/// All of them, as they are now. A gateway that runs takes a change within a second; here it shows at once.
pub(super) struct Known {
    pub(super) sources: Vec<Placed>,
    /// Rows whose table cannot be read any more, and why not.
    pub(super) broken: Vec<(SourceRow, String)>,
}

/// A source, and what was changed about it.
#[derive(Clone)]
pub(super) struct Placed {
    pub(super) source: Arc<Source>,
    pub(super) row: Option<SourceRow>,
    /// It stands in the file, and not in the store.
    pub(super) in_file: bool,
}

impl Operator {
    pub(super) async fn known(&self) -> Result<Known, OperateError> {
        let (config, rows) = (self.current(), self.store().sources().await?);
        let mut sources: Vec<Placed> = config
            .sources
            .iter()
            .map(|source| Placed {
                source: source.clone(),
                row: rows.iter().find(|row| row.name == source.name && row.table.is_none()).cloned(),
                in_file: true,
            })
            .collect();
        let mut broken = Vec::new();
        for row in rows {
            let Some(table) = &row.table else { continue };
            match config.read_stored(&called(&row.name), table) {
                Err(refused) => broken.push((row, first_line(&refused))),
                Ok((source, _)) => {
                    let taken = |placed: &&Placed| {
                        placed.source.name == source.name || placed.source.path == source.path
                    };
                    match sources.iter().find(taken) {
                        Some(other) => {
                            let says = format!("its name or its path is that of `{}`", other.source.name);
                            broken.push((row, says));
                        }
                        None => {
                            sources.push(Placed { source: Arc::new(source), row: Some(row), in_file: false })
                        }
                    }
                }
            }
        }
        Ok(Known { sources, broken })
    }
}

impl Known {
    /// The source of a name.
    pub(super) fn find(&self, name: &str) -> Result<&Placed, OperateError> {
        if let Some(placed) = self.sources.iter().find(|placed| *placed.source.name == *name) {
            return Ok(placed);
        }
        if let Some((_, says)) = self.broken.iter().find(|(row, _)| *row.name == *name) {
            let says = format!("the source `{name}` cannot be read as the store keeps it: {says}");
            return Err(OperateError::new(ErrorCode::Unreadable, says).help(format!(
                "mend what it refers to, or `countersign source remove {name}` and add it anew"
            )));
        }
        Err(OperateError::no_source(name, self.sources.iter().map(|placed| &*placed.source.name)))
    }
}

impl Placed {
    pub(super) fn enabled(&self) -> bool {
        receives(&self.source, self.row.as_ref())
    }

    pub(super) fn enforce(&self) -> Enforce {
        let word = self.row.as_ref().and_then(|row| row.enforce.as_deref());
        let changed = Enforce::WORDS.iter().find(|(known, _)| Some(*known) == word);
        changed.map_or(self.source.enforce, |(_, enforce)| *enforce)
    }

    /// The source as it is received by: with what its row says otherwise than the file.
    pub(super) fn in_use(self) -> Arc<Source> {
        let (enabled, enforce) = (self.enabled(), self.enforce());
        if (enabled, enforce) == (self.source.enabled, self.source.enforce) {
            return self.source;
        }
        let mut source = Source::clone(&self.source);
        (source.enabled, source.enforce) = (enabled, enforce);
        Arc::new(source)
    }

    /// Write this row in place of its own; or none, if the row says nothing that the file does not. One that was kept for what it
    /// said once would speak again when the file is changed.
    pub(super) fn edit(&self, mut row: SourceRow, now: Timestamp) -> Edit {
        row.learns_until = row.learns_until.filter(|until| now < *until);
        row.changed_at = now;
        let as_written = row.enforce.as_deref().is_none_or(|word| word == self.source.enforce.word());
        if row.table.is_none() && row.enabled && as_written && row.learns_until.is_none() {
            return Edit::Unsaid(row.name);
        }
        Edit::Source(row)
    }

    /// Its row, or the one that changes nothing.
    pub(super) fn row(&self) -> SourceRow {
        self.row.clone().unwrap_or_else(|| SourceRow {
            name: self.source.name.clone(),
            table: None,
            enabled: true,
            enforce: None,
            learns_until: None,
            changed_at: Timestamp::from_unix(0),
        })
    }
}

/// Whether a source receives. What the file switches off, nobody switches on elsewhere: the row of such a source may be older than
/// that line.
pub(crate) fn receives(source: &Source, row: Option<&SourceRow>) -> bool {
    row.map_or(source.enabled, |row| row.enabled && (row.table.is_some() || source.enabled))
}

/// What complaints call the text of a stored source.
pub(super) fn called(name: &str) -> String {
    format!("the stored source `{name}`")
}

fn first_line(refused: &Refused) -> String {
    refused.to_string().lines().next().unwrap_or_default().to_owned()
}
