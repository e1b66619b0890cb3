//! What is not wrong, and not good either: it is said at every start, and the gateway runs.

use countersign::config::{ConfigError, ConfigErrors, Sources};
use std::cell::RefCell;
use std::fmt;

macro_rules! warnings {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $says:literal;)+) => {
        /// What sort of warning.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[non_exhaustive]
        pub enum WarningCode { $(#[doc = concat!("`", $code, "`: ", $says)] $variant,)+ }

        impl WarningCode {
            /// All of them.
            pub const ALL: &'static [WarningCode] = &[$(WarningCode::$variant),+];

            /// The stable code, in snake_case.
            pub const fn code(self) -> &'static str { match self { $(WarningCode::$variant => $code,)+ } }

            /// What it means, in a sentence.
            pub const fn says(self) -> &'static str { match self { $(WarningCode::$variant => $says,)+ } }
        }
    };
}

warnings! {
    WideProxies = "wide_proxies", "everybody is a trusted proxy, so that everybody says himself who he is";
    AdminExposed = "admin_exposed", "operators' address can be reached from other machines";
    WeakOverride = "weak_override", "a source demands less than its preset, and says so";
    UnboundBody = "unbound_body", "a source's signatures do not cover the body, and it says that it does not mind";
    Observing = "observing", "a source lets through what it would refuse";
    SharedSecret = "shared_secret", "two sources have one secret: what is signed for one verifies at the other";
    OpenFile = "open_file", "every user of the machine can read a file with a secret";
}

/// One of them.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Warning {
    /// What sort.
    pub code: WarningCode,

    /// What exactly, where, and what to do about it.
    pub what: ConfigError,
}

impl Warning {
    /// One at no place in particular.
    pub fn new(code: WarningCode, what: ConfigError) -> Self {
        Warning { code, what }
    }
}

/// On one line, without its place.
impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.what, f)
    }
}

/// Where warnings are collected while reading goes on.
#[derive(Debug, Default)]
pub struct Warnings(RefCell<Vec<Warning>>);

impl Warnings {
    /// One more.
    pub fn push(&self, code: WarningCode, what: ConfigError) {
        self.0.borrow_mut().push(Warning { code, what });
    }

    /// All, in the order they came.
    pub fn into_vec(self) -> Vec<Warning> {
        self.0.into_inner()
    }

    /// For a terminal: each with its line, as complaints are.
    pub fn render(warnings: &[Warning], sources: &Sources) -> String {
        ConfigErrors(warnings.iter().map(|warning| warning.what.clone()).collect()).render(sources)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique_and_plain() {
        let codes: BTreeSet<&str> = WarningCode::ALL.iter().map(|code| code.code()).collect();
        assert_eq!(codes.len(), WarningCode::ALL.len());
        let plain = |code: &&str| code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        assert!(codes.iter().all(plain));
    }
}
