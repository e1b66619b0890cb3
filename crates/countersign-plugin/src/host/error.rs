//! Why a module was not loaded: one table of codes, and for each refusal what was found and what to do.

use std::fmt;
use std::path::{Path, PathBuf};

macro_rules! faults {
    ($($variant:ident = $code:literal, $says:literal;)+) => {
        /// Why a module was not loaded. Codes are stable.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        #[non_exhaustive]
        pub enum LoadFault { $(#[doc = $says] $variant,)+ }

        impl LoadFault {
            /// Every one.
            pub const ALL: &'static [LoadFault] = &[$(LoadFault::$variant),+];

            /// The stable code.
            pub fn code(self) -> &'static str { match self { $(LoadFault::$variant => $code,)+ } }

            /// What it means.
            pub fn says(self) -> &'static str { match self { $(LoadFault::$variant => $says,)+ } }
        }
    };
}
faults! {
    Path         = "module/path",          "The path is not absolute, or leads through `..`.";
    Missing      = "module/missing",       "There is nothing at the path, or it cannot be read.";
    Symlink      = "module/symlink",       "A part of the path is a symbolic link.";
    NotAFile     = "module/not-a-file",    "What is there is no regular file, or a part of its path no folder.";
    Owner        = "module/owner",         "A part of the path belongs to somebody else than root and the user of this process.";
    Writable     = "module/writable",      "A part of the path may be written by others.";
    Written      = "module/written",       "It lies where this program writes, or the other way round.";
    Size         = "module/size",          "It is longer than 64 MiB, or empty.";
    Pin          = "module/pin",           "Its bytes are not those that were pinned.";
    NotALibrary  = "module/not-a-library", "It is no shared library.";
    Architecture = "module/architecture",  "It is for another machine.";
    NotAModule   = "module/no-entry",      "It is a library, and does not export what modules export.";
    Abi          = "module/abi",           "It speaks another version of the interface.";
    Linker       = "module/linker",        "The system's linker refuses it.";
    Descriptor   = "module/descriptor",    "What it says about itself is not as the interface has it.";
    Unguarded    = "module/unguarded",     "A panic in it would end this process.";
    Name         = "module/name",          "A name in it is none.";
    Duplicate    = "module/duplicate",     "It brings a name twice, or one that another module brings.";
    Unlisted     = "module/unlisted",      "Something is to be taken from it that it does not bring.";
    Preset       = "module/preset",        "A preset in it cannot be read.";
}

/// Why a module was not loaded: what was found, what was expected, what to do.
#[derive(Clone, Debug)]
pub struct LoadError {
    fault: LoadFault,
    path: PathBuf,
    says: String,
    help: Option<String>,
}

impl LoadError {
    pub(super) fn new(fault: LoadFault, path: &Path, says: impl Into<String>) -> Self {
        LoadError { fault, path: path.to_owned(), says: says.into(), help: None }
    }

    pub(super) fn help(self, help: impl Into<String>) -> Self {
        LoadError { help: Some(help.into()), ..self }
    }

    /// What sort of refusal.
    pub fn fault(&self) -> LoadFault {
        self.fault
    }

    /// The module's path, as given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was found, and what was expected.
    pub fn says(&self) -> &str {
        &self.says
    }

    /// What to do about it.
    pub fn next(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fault, path, says, help } = self;
        match path.as_os_str().is_empty() {
            true => write!(f, "a module is not loaded: {says} ({})", fault.code())?,
            false => write!(f, "module {} is not loaded: {says} ({})", path.display(), fault.code())?,
        }
        match help {
            Some(help) => write!(f, "\nhelp: {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for LoadError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_begin_alike() {
        let codes: std::collections::BTreeSet<_> = LoadFault::ALL.iter().map(|fault| fault.code()).collect();
        assert_eq!(codes.len(), LoadFault::ALL.len());
        assert!(
            LoadFault::ALL
                .iter()
                .all(|fault| fault.code().starts_with("module/") && fault.says().ends_with('.'))
        );
    }
}
