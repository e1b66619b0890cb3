//! A source: one path, one scheme, its keys, and what becomes of what it accepts.

mod keys;
mod limits;
mod read;
mod scheme;

pub(super) use keys::vars;
pub(super) use limits::patterns;
pub(super) use read::{Bench, read, read_all};
pub(super) use scheme::Spelled;

use super::{Forward, Limits};
use crate::secrets::{KeyPlace, SecretPlace};
use countersign::{Binds, Compiled, Layer, Timestamp};
use ipnet::IpNet;
use std::fmt;
use std::sync::Arc;

/// One `[[source]]`, or one that the store keeps: the same table, read by the same reader.
#[derive(Clone)]
#[non_exhaustive]
pub struct Source {
    /// Its name: `[A-Za-z0-9_.-]{1,64}`. Its replay scope, and what the store knows it by.
    pub name: Arc<str>,

    /// The one path that it is reached by, as it is on the wire: compared byte for byte.
    pub path: Arc<str>,

    /// Whether it receives. One that does not is as if it were not there.
    pub enabled: bool,

    /// What becomes of what is refused.
    pub enforce: Enforce,

    /// Its scheme, which demands no more than it proves: [`require_bound`](Self::require_bound) was checked.
    pub compiled: Arc<Compiled>,

    /// The tree that was compiled, for whoever shows or pins it.
    pub scheme: Layer,

    /// The preset's name, or `None` for a scheme written out in the source.
    pub preset: Option<Arc<str>>,

    /// SHA-256 of the resolved scheme in 64 hexadecimal digits: what `pin` is compared with.
    pub digest: Arc<str>,

    /// Whether `pin` says which one it has to be.
    pub pinned: bool,

    /// What of the scheme stands in the source itself.
    pub(super) spelled: Spelled,

    /// Where its keys are.
    pub keys: Keys,

    /// The preset's variables, and where each one's value is.
    pub vars: Vec<(Arc<str>, VarText)>,

    /// The methods it takes, upper case. Default: `POST`.
    pub methods: Vec<Arc<str>>,

    /// The methods by which the preset's handshakes come, which are let through for these alone.
    pub handshake_methods: Vec<Arc<str>>,

    /// Who may come at all. `None`: anybody; never empty.
    pub allow_from: Option<Vec<IpNet>>,

    /// Which events are recorded. `None`: all.
    pub events: Option<Events>,

    /// How much.
    pub limits: Limits,

    /// Where accepted requests go. Empty: `forward = "none"`.
    pub forward: Vec<Forward>,

    /// Whether accepted requests are recorded. [`Record::None`] has no [`forward`](Self::forward).
    pub record: Record,

    /// What its signatures must cover.
    pub require_bound: Binds,

    /// The URL that senders sign; `None` if nothing says what we are called. It is set if the scheme looks at it.
    pub url: Option<Arc<str>>,

    /// It waits for a secret that a set-up challenge hands over.
    pub learn: Option<Learn>,
}

/// What becomes of requests that are refused.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Enforce {
    /// They are.
    #[default]
    Reject,

    /// They are let through, with the verdict written on them, and counted.
    Observe,
}

impl Enforce {
    /// Each word of the configuration.
    pub const WORDS: [(&'static str, Enforce); 2] = [("reject", Self::Reject), ("observe", Self::Observe)];

    /// What it is called.
    pub const fn word(self) -> &'static str {
        Self::WORDS[self as usize].0
    }
}

/// Whether accepted requests are recorded.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Record {
    /// They are, before the sender is answered.
    #[default]
    All,

    /// They are not: a pure verifier, for a proxy that asks.
    None,
}

impl Record {
    /// Each word of the configuration.
    pub const WORDS: [(&'static str, Record); 2] = [("all", Self::All), ("none", Self::None)];

    /// What it is called.
    pub const fn word(self) -> &'static str {
        Self::WORDS[self as usize].0
    }
}

/// Where the keys of a source are.
#[derive(Clone, Debug)]
pub enum Keys {
    /// Nowhere here: the scheme finds its own.
    Found,

    /// In these places, the newest first. Never empty.
    Placed(Vec<KeyPlace>),

    /// In the store, sealed.
    Managed,
}

/// What a variable of a preset is set to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum VarText {
    /// This.
    Text(Arc<str>),

    /// What is found there.
    Secret(SecretPlace),
}

/// Event types: names, in which each `*` stands for any number of characters.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Events(pub(super) Vec<Arc<str>>);

impl Events {
    /// One pattern.
    pub(crate) fn one(pattern: &str) -> Self {
        Events(vec![pattern.into()])
    }

    /// As written.
    pub fn patterns(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|pattern| &**pattern)
    }

    /// Whether one of them fits the whole type. Time: pattern times type at worst.
    pub fn fit(&self, kind: &str) -> bool {
        self.patterns().any(|pattern| fits(pattern.as_bytes(), kind.as_bytes()))
    }
}

/// A source that waits for a secret which a set-up challenge hands over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Learn {
    /// From this moment on it does not.
    pub until: Timestamp,
}

/// Prints no scheme: that is a page of its own.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, path, preset, keys, forward, .. } = self;
        let mut shown = f.debug_struct("Source");
        shown.field("name", name).field("path", path).field("preset", preset).field("keys", keys);
        shown.field("forward", forward).finish_non_exhaustive()
    }
}

/// Whether a source, or a target of one, may be called this: it becomes part of rows, logs, metrics and paths.
pub(super) fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(fits) && name.bytes().any(|byte| byte != b'.')
}

/// Greedy with one way back: to the last `*`. More is never needed, for an earlier one could take no less.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t, mut back) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                back = Some((p + 1, t));
                p += 1;
            }
            Some(byte) if *byte == text[t] => (p, t) = (p + 1, t + 1),
            _ => {
                let Some((after, taken)) = back else { return false };
                back = Some((after, taken + 1));
                (p, t) = (after, taken + 1);
            }
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn a_star_stands_for_any_number_of_characters() {
        let fit = |pattern: &str, kind: &str| Events(vec![pattern.into()]).fit(kind);
        for (pattern, kind) in [
            ("invoice.*", "invoice.paid"),
            ("invoice.*", "invoice."),
            ("*", ""),
            ("*.paid", "invoice.paid"),
            ("*.*.paid", "a.b.c.paid"),
            ("a*b*c", "aXbYbZc"),
            ("charge.refunded", "charge.refunded"),
            ("**", "x"),
        ] {
            assert!(fit(pattern, kind), "{pattern} {kind}");
        }
        for (pattern, kind) in [
            ("invoice.*", "invoice"),
            ("invoice.*", "Invoice.paid"),
            ("charge.refunded", "charge.refunded2"),
            ("a*b", "a"),
            ("", "x"),
            ("*a", "b"),
        ] {
            assert!(!fit(pattern, kind), "{pattern} {kind}");
        }
    }

    #[test]
    fn a_pattern_of_many_stars_takes_no_longer_than_their_product() {
        let events = Events(vec!["*a".repeat(100).into()]);
        let begun = Instant::now();
        assert!(!events.fit(&format!("{}b", "a".repeat(5000))));
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}
