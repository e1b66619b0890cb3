//! The places that a secret may be in, and how each is read.

use countersign::{KeyId, Window};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

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
