//! The places that a secret may be in, and how each is read.

use super::outside::{CommandError, Outside, has_white_space, is_pem, read_file, without_newline};
use countersign::{KeyError, KeyId, Secret, Window};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Where a secret is.
#[derive(Clone, Eq, PartialEq)]
pub enum SecretPlace {
    /// `env = "NAME"`: a variable of the gateway's environment.
    Env(Arc<str>),

    /// `file = "PATH"`.
    File(PathBuf),

    /// `command = "…"`: what a shell's command prints. May hold a secret itself, and is printed nowhere.
    Command(Arc<str>),
}

/// A key of a source, and where its secret is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeyPlace {
    /// Its name, unique in its source.
    pub id: KeyId,

    /// Where.
    pub place: SecretPlace,

    /// When it may be used.
    pub window: Window,

    /// Its part, where the preset gives several.
    pub role: Option<Arc<str>>,
}

/// A secret that was read.
#[derive(Debug)]
#[non_exhaustive]
pub struct Read {
    /// It.
    pub secret: Secret,

    /// The file that it is in can be read by every user of the machine.
    pub open_to_all: bool,
}

/// Why there is no secret at a place. Quotes neither a secret nor a command.
#[derive(Debug)]
#[non_exhaustive]
pub enum PlaceError {
    /// This variable is not set.
    NotSet(Arc<str>),

    /// This file cannot be read.
    File(PathBuf, io::Error),

    /// This is no file: a pipe would be waited for, a folder holds nothing.
    NoFile(PathBuf),

    /// Every user of the machine can read this file, and that is refused here.
    OpenToAll(PathBuf),

    /// The command gave none.
    Command(CommandError),

    /// What was found has white space in it.
    WhiteSpace,

    /// What was found is no text in UTF-8, and has to be.
    NoText,

    /// What was found can be no secret: it is empty, a placeholder, too long.
    Refused(KeyError),
}

impl SecretPlace {
    /// Read it: one newline at its end is dropped, PEM is kept as it is stored; a variable is taken as it is. A file is opened,
    /// or a command run: it takes as long as that takes, at most the limit of `outside`.
    ///
    /// # Errors
    /// It is not there, or can be no secret.
    pub fn read(&self, outside: &Outside<'_>) -> Result<Read, PlaceError> {
        let (bytes, open_to_all) = match self {
            SecretPlace::Env(name) => {
                let value = outside.var(name).ok_or_else(|| PlaceError::NotSet(name.clone()))?;
                (Zeroizing::new(value.into_encoded_bytes()), false)
            }
            SecretPlace::File(path) => {
                let (bytes, open_to_all) = file(path)?;
                (tidy(bytes)?, open_to_all)
            }
            SecretPlace::Command(command) => {
                (tidy(outside.command(command).map_err(PlaceError::Command)?)?, false)
            }
        };
        let secret = Secret::new(&**bytes).map_err(PlaceError::Refused)?;
        Ok(Read { secret, open_to_all })
    }

    /// The file that has to be watched, if it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            SecretPlace::File(path) => Some(path),
            _ => None,
        }
    }
}

fn file(path: &Path) -> Result<(Zeroizing<Vec<u8>>, bool), PlaceError> {
    let failed = |error| PlaceError::File(path.to_owned(), error);
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(PlaceError::NoFile(path.to_owned()));
    }
    read_file(path).map_err(failed)
}

fn tidy(bytes: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, PlaceError> {
    if is_pem(&bytes) {
        return Ok(bytes);
    }
    let (bytes, _) = without_newline(bytes);
    if has_white_space(&bytes) { Err(PlaceError::WhiteSpace) } else { Ok(bytes) }
}

impl PlaceError {
    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            PlaceError::NotSet(name) => format!("set it where the gateway is started: {name}=…"),
            PlaceError::File(..) | PlaceError::NoFile(_) => {
                "see that the file is there, and that the gateway's user may read it".into()
            }
            PlaceError::OpenToAll(path) => format!("chmod 600 {}", path.display()),
            PlaceError::Command(CommandError::Slow(_)) => {
                "run it by hand, as the gateway's user: it may be asking for something".into()
            }
            PlaceError::Command(_) => "run it by hand, as the gateway's user, to see why".into(),
            PlaceError::WhiteSpace => {
                "leave only the secret there; if white space is part of it, put it into a variable".into()
            }
            PlaceError::NoText => "see that it is what the provider shows".into(),
            PlaceError::Refused(_) => "see what is there".into(),
        }
    }
}

impl fmt::Display for PlaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlaceError::NotSet(name) => write!(f, "the environment variable `{name}` is not set"),
            PlaceError::File(path, error) => {
                write!(f, "the file `{}` cannot be read: {error}", path.display())
            }
            PlaceError::NoFile(path) => write!(f, "`{}` is no file", path.display()),
            PlaceError::OpenToAll(path) => {
                write!(
                    f,
                    "every user of this machine can read the secret in `{}`, and `strict` refuses that",
                    path.display()
                )
            }
            PlaceError::Command(error) => fmt::Display::fmt(error, f),
            PlaceError::WhiteSpace => f.write_str("what is there holds white space, and a secret has none"),
            PlaceError::NoText => f.write_str("what is there is no text"),
            PlaceError::Refused(error) => f.write_str(error.without_key()),
        }
    }
}

impl std::error::Error for PlaceError {}

impl fmt::Display for SecretPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecretPlace::Env(name) => write!(f, "the variable `{name}`"),
            SecretPlace::File(path) => write!(f, "the file `{}`", path.display()),
            SecretPlace::Command(_) => f.write_str("a command"),
        }
    }
}

impl fmt::Debug for SecretPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecretPlace::Env(name) => f.debug_tuple("Env").field(name).finish(),
            SecretPlace::File(path) => f.debug_tuple("File").field(path).finish(),
            SecretPlace::Command(_) => f.write_str("Command(..)"),
        }
    }
}
