//! What one key holds, where that is more than TOML can say: times, sizes, networks, places of secrets. Each reading
//! complains at the value's own place, and says what to write.

use super::units;
use super::{Rate, WarningCode, Warnings};
use crate::secrets::SecretPlace;
use countersign::config::{Complaints, ConfigCode, ConfigError, Node, Reader, Sources, Span, Spanned, Value};
use countersign::{TimeFormat, Timestamp};
use ipnet::IpNet;
use std::cell::RefCell;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What every reading of this file needs beside the reader.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    /// The folder that relative paths are relative to.
    pub(super) folder: &'a Path,
    /// The texts, so that a complaint can name another place.
    pub(super) sources: &'a Sources,
    /// What is wrong.
    pub(super) complaints: &'a Complaints,
    /// What is not wrong and not good either.
    pub(super) warnings: &'a Warnings,
    /// What may be a secret, and is shown in no complaint.
    pub(super) masks: &'a RefCell<Vec<Span>>,
}

impl Around<'_> {
    /// Complain.
    pub(super) fn wrong(&self, span: &Span, says: impl Into<String>, help: impl Into<String>) {
        wrong(self.complaints, span, says, help);
    }

    /// Show this in no complaint.
    pub(super) fn mask(&self, node: &Node) {
        self.masks.borrow_mut().push(node.span.clone());
    }

    /// Warn.
    pub(super) fn warn(
        &self,
        code: WarningCode,
        span: &Span,
        says: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.warnings.push(code, ConfigError::at(ConfigCode::MalformedConfig, span.clone(), says).help(help));
    }
}

/// Complain, where there is nothing but a place for complaints.
pub(super) fn wrong(complaints: &Complaints, span: &Span, says: impl Into<String>, help: impl Into<String>) {
    complaints.push(ConfigError::at(ConfigCode::MalformedConfig, span.clone(), says).help(help));
}

/// Complain of every key that was not asked for. What stands there may be anything, and is not shown.
pub(super) fn finish(around: &Around<'_>, table: Reader<'_>) {
    table.unasked().for_each(|(_, node)| around.mask(node));
    table.finish();
}

/// A span of time within bounds.
pub(super) fn span_of_time(
    table: &Reader<'_>,
    key: &str,
    bounds: RangeInclusive<Duration>,
) -> Option<Spanned<Duration>> {
    let text = table.text(key)?;
    bounded_time(table, key, &text, bounds).map(|value| Spanned { value, span: text.span })
}

/// Several of them, in their order.
pub(super) fn spans_of_time(
    table: &Reader<'_>,
    key: &str,
    bounds: RangeInclusive<Duration>,
) -> Option<Spanned<Vec<Duration>>> {
    let span = table.node(key)?.span.clone();
    let texts = table.texts(key)?;
    let times = texts.iter().filter_map(|text| bounded_time(table, key, text, bounds.clone()));
    Some(Spanned { value: times.collect(), span })
}

fn bounded_time(
    table: &Reader<'_>,
    key: &str,
    text: &Spanned<Arc<str>>,
    bounds: RangeInclusive<Duration>,
) -> Option<Duration> {
    let (least, most) = (units::print_duration(*bounds.start()), units::print_duration(*bounds.end()));
    let wrong_is = match units::duration(&text.value) {
        Ok(time) if bounds.contains(&time) => return Some(time),
        Ok(_) => format!("is {}", text.value),
        Err(says) => says,
    };
    let says = format!("`{key}` must be a time from {least} to {most}, but {wrong_is}");
    wrong(table.complaints(), &text.span, says, format!("write `{key} = \"{least}\"` to `\"{most}\"`"));
    None
}

/// A size in bytes within bounds.
pub(super) fn size(table: &Reader<'_>, key: &str, bounds: RangeInclusive<u64>) -> Option<Spanned<u64>> {
    let text = table.text(key)?;
    let (least, most) = (units::print_size(*bounds.start()), units::print_size(*bounds.end()));
    let wrong_is = match units::size(&text.value) {
        Ok(size) if bounds.contains(&size) => return Some(Spanned { value: size, span: text.span }),
        Ok(_) => format!("is {}", text.value),
        Err(says) => says,
    };
    let says = format!("`{key}` must be a size from {least} to {most}, but {wrong_is}");
    wrong(table.complaints(), &text.span, says, format!("write `{key} = \"{least}\"` to `\"{most}\"`"));
    None
}

/// A rate written as one text.
pub(super) fn rate(table: &Reader<'_>, key: &str, text: &Spanned<Arc<str>>) -> Option<Rate> {
    let complain = |says: &String| {
        let says = format!("`{key}` must be a rate such as `100/s`, but {says}");
        wrong(table.complaints(), &text.span, says, format!("write `{key} = \"100/s\"`"));
    };
    units::rate(&text.value).inspect_err(complain).ok()
}

/// Networks and addresses. None of them is empty-handed: an array without any is complained of with `empty`.
pub(super) fn networks(
    around: &Around<'_>,
    table: &Reader<'_>,
    key: &str,
    empty: &str,
) -> Option<Vec<IpNet>> {
    let node = table.node(key)?;
    let texts = table.texts(key)?;
    if texts.is_empty() && matches!(&node.value, Value::Array(items) if items.is_empty()) {
        around.wrong(&node.span, format!("`{key}` is empty"), empty);
        return None;
    }
    let read = |text: &Spanned<Arc<str>>| {
        let complain = |(says, help): &(String, String)| around.wrong(&text.span, says, help);
        network(&text.value).inspect_err(complain).ok()
    };
    Some(texts.iter().filter_map(read).collect())
}

/// A network or one address; what is wrong with it and what to write otherwise.
pub(super) fn network(text: &str) -> Result<IpNet, (String, String)> {
    let example = || "write an address or a network: `192.0.2.7`, `192.0.2.0/24`, `2001:db8::/32`".to_owned();
    // Some programs read `010` as eight.
    let octal = |part: &str| part.len() > 1 && part.starts_with('0');
    let host = text.split('/').next().unwrap_or(text);
    if !host.contains(':') && host.split('.').any(octal) {
        let says = format!(
            "`{text}` has a number that begins with 0, which some programs read as octal or hexadecimal"
        );
        return Err((says, "write the number without the 0".into()));
    }
    let alone = || text.parse::<IpAddr>().map(IpNet::from);
    let plain = text.split_once('/').is_none_or(|(_, bits)| !octal(bits));
    let Some(network) = text.parse::<IpNet>().or_else(|_| alone()).ok().filter(|_| plain) else {
        return Err((format!("`{text}` is no network"), example()));
    };
    if let IpNet::V6(v6) = network
        && v6.network().to_ipv4_mapped().is_some()
    {
        return Err((format!("`{text}` is IPv4 in the clothes of IPv6"), "write the IPv4 network".into()));
    }
    if network.trunc() != network {
        let says = format!("`{text}` names a machine and a network at once");
        let (net, host) = (network.trunc(), network.addr());
        return Err((says, format!("write `{net}` for the network, or `{host}` for the machine")));
    }
    Ok(network)
}

/// A moment: RFC 3339, in quotes or bare, or a date, which is its first moment in UTC.
pub(super) fn moment(table: &Reader<'_>, key: &str) -> Option<Spanned<Timestamp>> {
    let node = table.node(key)?;
    let text = match &node.value {
        Value::Text(text) | Value::Datetime(text) => text,
        other => {
            let says = format!("`{key}` must be a date or time, but is {}", other.kind());
            wrong(table.complaints(), &node.span, says, format!("write `{key} = \"2026-12-01\"`, say"));
            return None;
        }
    };
    let at = parse_moment(text);
    if at.is_none() {
        let says = format!("`{key}` must be a date or a time with its zone, and `{text}` is neither");
        let help = format!("write `{key} = \"2026-12-01\"` or `\"2026-12-01T08:00:00Z\"`");
        wrong(table.complaints(), &node.span, says, help);
    }
    at.map(|value| Spanned { value, span: node.span.clone() })
}

fn parse_moment(text: &str) -> Option<Timestamp> {
    let read = |text: &str| TimeFormat::Rfc3339.parse(text.as_bytes());
    read(text).or_else(|| (text.len() == 10).then(|| read(&format!("{text}T00:00:00Z")))?)
}

/// The keys of a place for a secret.
pub(super) const PLACES: [&str; 3] = ["env", "file", "command"];

/// Where a secret is, at a key of its own: `token = { env = "NAME" }`. A text there is a secret that somebody wrote down.
pub(super) fn place(around: &Around<'_>, table: &Reader<'_>, key: &str) -> Option<SecretPlace> {
    let node = table.node(key)?;
    place_at(around, node, key)
}

/// The same of a node that is there.
pub(super) fn place_at(around: &Around<'_>, node: &Node, key: &str) -> Option<SecretPlace> {
    if node.table().is_none() {
        literal(around, node, key);
        return None;
    }
    let table = Reader::new(node, around.complaints, key);
    let place = place_in(around, &table);
    refuse_literals(around, &table, &PLACES);
    finish(around, table);
    place
}

/// The same of keys among others.
pub(super) fn place_in(around: &Around<'_>, table: &Reader<'_>) -> Option<SecretPlace> {
    let given: Vec<&str> = PLACES.into_iter().filter(|key| table.has(key)).collect();
    match given[..] {
        ["env"] => {
            let name = table.text("env")?;
            if !is_variable(&name.value) {
                // It may be the secret itself, and is neither quoted nor shown.
                table.node("env").into_iter().for_each(|node| around.mask(node));
                let says = "`env` is the name of a variable, and this is none";
                around.wrong(
                    &name.span,
                    says,
                    "write `env = \"NAME\"`: letters, digits and `_`, without `$`",
                );
                return None;
            }
            Some(SecretPlace::Env(name.value))
        }
        ["file"] => path(around, table, "file").map(|path| SecretPlace::File(path.value)),
        ["command"] => {
            let command = table.text("command")?;
            // It may hold a secret, whatever else is wrong in its line.
            table.node("command").into_iter().for_each(|node| around.mask(node));
            if command.value.trim().is_empty() {
                around.wrong(
                    &command.span,
                    "`command` is empty",
                    "write `command = \"pass show webhook\"`, say",
                );
                return None;
            }
            Some(SecretPlace::Command(command.value))
        }
        // What stands there instead is told of by itself.
        [] if LITERALS.iter().any(|key| table.peek(key).is_some()) => None,
        [] => {
            let says = format!("`[{}]` does not say where the secret is", table.path());
            around.wrong(
                table.span(),
                says,
                "write `env = \"NAME\"`, `file = \"PATH\"` or `command = \"…\"`",
            );
            None
        }
        _ => {
            let says = format!("`[{}]` says twice where the secret is", table.path());
            around.wrong(table.span(), says, format!("keep one of `{}`", given.join("`, `")));
            None
        }
    }
}

/// Keys by which somebody would write a secret down.
const LITERALS: [&str; 7] = ["value", "secret", "literal", "text", "key", "token", "password"];

/// Complain of a secret that is written down: each of those keys is told what it is, and not only that it is unknown.
pub(super) fn refuse_literals(around: &Around<'_>, table: &Reader<'_>, known: &[&str]) {
    for key in LITERALS {
        if let Some(node) = table.peek(key).filter(|_| !known.contains(&key)) {
            table.node(key);
            literal(around, node, key);
        }
    }
}

/// A secret that somebody wrote down.
pub(super) fn literal(around: &Around<'_>, node: &Node, key: &str) {
    around.mask(node);
    let says = format!("`{key}`: a secret does not stand in this file, where backups and logs would have it");
    let help = "say where it is: { env = \"NAME\" }, { file = \"PATH\" } or { command = \"…\" }";
    around.wrong(&node.span, says, help);
}

/// A path, relative to the folder of the configuration.
pub(super) fn path(around: &Around<'_>, table: &Reader<'_>, key: &str) -> Option<Spanned<PathBuf>> {
    let text = table.text(key)?;
    if text.value.is_empty() || text.value.contains('\0') {
        around.wrong(&text.span, format!("`{key}` is no path"), format!("write `{key} = \"PATH\"`"));
        return None;
    }
    Some(Spanned { value: around.folder.join(&*text.value), span: text.span })
}

/// Whether an environment may have a variable of this name.
pub(crate) fn is_variable(name: &str) -> bool {
    let word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    word && name.starts_with(|first: char| !first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn atk_238_no_network_is_guessed() {
        for (text, is) in [
            ("192.0.2.7", "192.0.2.7/32"),
            ("192.0.2.0/24", "192.0.2.0/24"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("::1", "::1/128"),
            ("0.0.0.0/0", "0.0.0.0/0"),
        ] {
            assert_eq!(network(text).unwrap().to_string(), is, "{text}");
        }
        for (text, says) in [
            ("010.0.0.0/8", "some programs read as octal"),
            ("10.0.0.010", "some programs read as octal"),
            ("10/8", "`10/8` is no network"),
            ("10.0.0/24", "is no network"),
            ("0x0a.0.0.0/8", "some programs read as octal"),
            ("167772160", "is no network"),
            ("10.0.0.0/33", "is no network"),
            ("10.0.0.0/08", "is no network"),
            ("10.0.0.0/+8", "is no network"),
            ("10.0.0.0/", "is no network"),
            (" 10.0.0.0/8", "is no network"),
            ("", "is no network"),
            ("example.com", "is no network"),
            ("192.0.2.7/24", "names a machine and a network at once"),
            ("::ffff:10.0.0.0/104", "IPv4 in the clothes of IPv6"),
            ("fe80::1%eth0", "is no network"),
        ] {
            let wrong = network(text).err();
            assert!(wrong.as_ref().is_some_and(|(said, _)| said.contains(says)), "{text}: {wrong:?}");
        }
    }

    #[test]
    fn a_moment_has_its_zone_or_is_a_whole_day() {
        let at = |text| parse_moment(text).map(Timestamp::unix);
        assert_eq!(at("2026-12-01"), at("2026-12-01T00:00:00Z"));
        assert_eq!(at("2026-12-01T01:00:00+01:00"), Some(1_796_083_200));
        for bad in ["2026-12-01T00:00:00", "tomorrow", "2026-13-01", "1796083200", ""] {
            assert_eq!(at(bad), None, "{bad}");
        }
    }
}
