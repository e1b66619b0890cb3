//! What a request says about its signature, read and put together, before anybody has asked whether it is true.

use crate::component::{Component, Seen};
use crate::details::{COMPONENT_TWICE, NOT_COVERED, TOO_LONG};
use crate::digest::Digests;
use countersign::Rejection;

/// How many components a signature covers at most.
const MAX_COMPONENTS: usize = 64;

/// A signature and all that is said with it.
pub(crate) struct Statement {
    /// What was signed, line by line: a component's name and its value.
    pub(crate) lines: Vec<(String, String)>,
    pub(crate) signature: Vec<u8>,
    /// The name of the algorithm, if one is given.
    pub(crate) algorithm: Option<String>,
    pub(crate) keyid: Option<String>,
    /// When it was signed, in seconds.
    pub(crate) created: Option<i64>,
    /// The same as an HTTP date, where that is covered.
    pub(crate) date: Option<String>,
    /// When it ends, in seconds.
    pub(crate) expires: Option<i64>,
    /// The name of the message.
    pub(crate) nonce: Option<String>,
    /// The digests of the body, where they are covered.
    pub(crate) digests: Option<Digests>,
}

impl Statement {
    /// The signed text. No value holds a line break, so that no two statements have the same.
    pub(crate) fn text(&self) -> String {
        text(&self.lines)
    }
}

/// Lines as they are signed.
pub(crate) fn text(lines: &[(String, String)]) -> String {
    let lines: Vec<String> = lines.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    lines.join("\n")
}

/// Refuse too many components, one twice, and what the preset requires and is not among them.
pub(crate) fn check_cover(covered: &[Component], required: &[Component]) -> Result<(), Rejection> {
    if covered.len() > MAX_COMPONENTS {
        return Err(TOO_LONG.because("the signature covers more than 64 components"));
    }
    let comes_before =
        |(at, component): &(usize, &Component)| covered[..*at].iter().any(|other| other.is(component));
    if covered.iter().enumerate().any(|component| comes_before(&component)) {
        return Err(COMPONENT_TWICE.refuse());
    }
    let is_covered = |wanted: &&Component| covered.iter().any(|component| component.is(wanted));
    match required.iter().find(|wanted| !is_covered(wanted)) {
        None => Ok(()),
        Some(missing) => Err(NOT_COVERED.because(format!("`{}` must be covered and is not", missing.name))),
    }
}

/// The line of each component.
pub(crate) fn lines(covered: &[Component], seen: &Seen<'_>) -> Result<Vec<(String, String)>, Rejection> {
    covered.iter().map(|component| Ok((component.name.clone(), component.value(seen)?))).collect()
}
