//! What the command ends with: an exit code, and for a failure what is wrong, what was allowed and what to type next.
//!
//! No message here may hold a secret. Whoever makes a [`Failure`] about a secret names its place, never its bytes.

use crate::output;
use countersign::{ConfigErrors, KeyError, Sources};
use countersign_gateway::config::FolderError;
use countersign_gateway::operate::{ErrorCode, OperateError};
use std::fmt::Display;
use std::io;
use std::path::Path;
use std::process::ExitCode;

/// How the command ends. The numbers are stable: scripts match them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Verified, signed, shown, or all in order.
    Done = 0,
    /// The answer is no: the request was refused, a test case failed, two presets or configurations differ.
    No = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// A preset or other configuration is invalid.
    Config = 3,
    /// No usable key, or one that would have to be fetched first.
    Key = 4,
    /// Something could not be read or written.
    Io = 5,
    /// Why a request was refused is known.
    Explained = 6,
    /// A search found nothing.
    Nothing = 7,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// Why the command could not do what it was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
    next: Option<String>,
    rendered: bool,
}

impl Failure {
    fn new(exit: Exit, message: impl Into<String>) -> Self {
        Failure { exit, message: message.into(), next: None, rendered: false }
    }

    /// The command line makes no sense.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// A preset or other configuration is invalid.
    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self::new(Exit::Config, message)
    }

    /// No usable key.
    pub(crate) fn key(message: impl Into<String>) -> Self {
        Self::new(Exit::Key, message)
    }

    /// Something could not be read or written.
    pub(crate) fn io(doing: &str, path: &Path, error: &io::Error) -> Self {
        Self::new(Exit::Io, format!("cannot {doing} `{}`: {error}", path.display()))
    }

    /// As [`io`](Self::io), for what has no path.
    pub(crate) fn stream(doing: &str, error: impl Display) -> Self {
        Self::new(Exit::Io, format!("cannot {doing}: {error}"))
    }

    /// Complaints about configuration, each with its place and line.
    pub(crate) fn complaints(errors: &ConfigErrors, sources: &Sources) -> Self {
        Failure { rendered: true, ..Self::new(Exit::Config, errors.render(sources)) }
    }

    /// What to type next.
    pub(crate) fn next(self, next: impl Into<String>) -> Self {
        Failure { next: Some(next.into()), ..self }
    }

    /// What it is about, where there are several.
    pub(crate) fn about(self, what: &str) -> Self {
        Failure { message: format!("{what}: {}", self.message), ..self }
    }

    /// Tell it on stderr.
    pub(crate) fn report(self) -> Exit {
        let Failure { exit, message, next, rendered } = self;
        if rendered {
            // `render` has already made it harmless, and its lines and carets must stay as they are.
            output::raw_error(&message);
        } else {
            output::error(&message);
        }
        if let Some(next) = next {
            output::help(&next);
        }
        exit
    }
}

impl From<FolderError> for Failure {
    fn from(error: FolderError) -> Self {
        match &error {
            FolderError::Io { doing, path, error } => Self::io(doing, path, error),
            _ => {
                let failure = Self::config(error.to_string());
                match error.help() {
                    Some(help) => failure.next(help),
                    None => failure,
                }
            }
        }
    }
}

/// What operators are refused. A conflict is the answer no; the rest is sorted as everywhere.
impl From<OperateError> for Failure {
    fn from(error: OperateError) -> Self {
        let OperateError { code, message, help, rendered, .. } = error;
        if let Some(rendered) = rendered {
            return Failure { rendered: true, ..Self::new(Exit::Config, rendered) };
        }
        let exit = match code {
            ErrorCode::InvalidSecret | ErrorCode::Unreadable => Exit::Key,
            ErrorCode::InvalidSource | ErrorCode::InvalidEndpoint | ErrorCode::NoStoreKey => Exit::Config,
            ErrorCode::StoreBroken | ErrorCode::StoreUnavailable | ErrorCode::NoChance => Exit::Io,
            code if code.status() == 409 => Exit::No,
            _ => Exit::Usage,
        };
        Failure { next: help, ..Self::new(exit, message) }
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        Self::key(error.to_string())
    }
}
