//! Whether a scheme that something was laid over demands less than it did before.
//!
//! What can be asked of the compiled scheme is asked there: how fresh, remembered how long, covering what. The rest is the
//! mode's own table, where a key is judged by its name. The surprising decision is what happens to a key that is not listed
//! here: it counts as weaker. Whoever adds a key to a mode, or brings a mode along, has to think about it once; until then
//! an operator has to say that he means it.

use super::schemes::texts;
use countersign::config::{Node, Table, Value};
use countersign::{Compiled, Layer, ReplayBy};
use std::sync::Arc;

/// One way in which it is weaker.
#[derive(Debug)]
pub(super) struct Weaker {
    /// Where: keys with dots between them.
    pub(super) path: String,

    /// How.
    pub(super) says: String,
}

/// How a key of a mode's table is judged.
#[derive(Clone, Copy)]
enum Rule {
    /// It says where something is or how it is written, or is judged by what is bound.
    Harmless,
    /// A word for an algorithm, or a table of them: only those that were there, or stronger ones.
    Algorithm,
    /// What is allowed: fewer is no weaker.
    Fewer,
    /// What must be there: more is no weaker.
    More,
    /// A number of which more is no weaker.
    Higher,
    /// A number of which less is no weaker.
    Lower,
    /// A permission: taking it away is no weaker.
    Permission,
    /// Tests, of which none may go.
    Tests,
}

/// The keys of the modes' tables, at any depth.
const RULES: &[(&str, Rule)] = &[
    ("signed_template", Rule::Harmless),
    ("signature_source", Rule::Harmless),
    ("timestamp_source", Rule::Harmless),
    ("id_source", Rule::Harmless),
    ("token_source", Rule::Harmless),
    ("signature_header", Rule::Harmless),
    ("parts", Rule::Harmless),
    ("forms", Rule::Harmless),
    ("derive", Rule::Harmless),
    ("mistaken", Rule::Harmless),
    ("max_items", Rule::Harmless),
    ("label", Rule::Harmless),
    ("algorithm", Rule::Algorithm),
    ("algorithms", Rule::Fewer),
    ("hosts", Rule::Fewer),
    ("names", Rule::Fewer),
    ("issuer", Rule::Fewer),
    ("audience", Rule::Fewer),
    ("subject", Rule::Fewer),
    ("type", Rule::Fewer),
    ("tag", Rule::Fewer),
    ("required", Rule::More),
    ("required_parameters", Rule::More),
    ("required_claims", Rule::More),
    ("purposes", Rule::More),
    ("leaf_oids", Rule::More),
    ("intermediate_oids", Rule::More),
    ("roles", Rule::More),
    ("min_bytes", Rule::Higher),
    ("single_audience", Rule::Higher),
    ("leeway_seconds", Rule::Lower),
    ("adjacent", Rule::Permission),
    ("secret_in_content", Rule::Permission),
    ("short_secrets", Rule::Permission),
    ("require", Rule::Tests),
];

/// Every way in which the second demands less than the first.
pub(super) fn weaker(base: (&Compiled, &Layer), over: (&Compiled, &Layer)) -> Vec<Weaker> {
    let mut found = settled(base.0, over.0);
    let (before, after) = (&base.0.preset().mode.value, &over.0.preset().mode.value);
    if before != after {
        found.push(Weaker {
            path: "mode".into(),
            says: format!("it is another scheme, `{after}` instead of `{before}`"),
        });
        return found;
    }
    let table = |layer: &Layer| layer.get(&[before]).and_then(Node::table).cloned().unwrap_or_default();
    compare(&mut found, before, &table(base.1), &table(over.1));
    found
}

/// What the compiled schemes say of themselves.
fn settled(base: &Compiled, over: &Compiled) -> Vec<Weaker> {
    let mut found = Vec::new();
    let mut weaker = |path: &str, says: String| found.push(Weaker { path: path.into(), says });
    match (base.freshness(), over.freshness()) {
        (Some(_), None) => weaker("freshness", "a message may be of any age".into()),
        (Some(before), Some(after)) => {
            let seconds = |time: std::time::Duration| time.as_secs();
            if after.tolerance.past > before.tolerance.past {
                let (before, after) = (seconds(before.tolerance.past), seconds(after.tolerance.past));
                weaker(
                    "freshness.tolerance_seconds",
                    format!("a message may be {after} s old instead of {before} s"),
                );
            }
            if after.tolerance.future > before.tolerance.future {
                let (before, after) = (seconds(before.tolerance.future), seconds(after.tolerance.future));
                weaker(
                    "freshness.future_seconds",
                    format!("a clock may run {after} s ahead instead of {before} s"),
                );
            }
            if before.required && !after.required {
                weaker("freshness.required", "a message without a time is accepted".into());
            }
        }
        (None, _) => {}
    }
    let (before, after) = (base.replay(), over.replay());
    match (before.key, after.key) {
        (ReplayBy::None, _) => {}
        (_, ReplayBy::None) => weaker("replay.key", "a request is accepted however often it comes".into()),
        // Unsaid, it follows from how fresh a message must be: fresher is shorter, and no weaker.
        _ if after.keep < before.keep
            && (base.preset().replay.is_some() || over.preset().replay.is_some()) =>
        {
            let (before, after) = (before.keep.as_secs(), after.keep.as_secs());
            weaker("replay.keep", format!("a request is remembered for {after} s instead of {before} s"));
        }
        _ => {}
    }
    let (before, after) = (base.needs().binds, over.needs().binds);
    let lost: Vec<&str> = before.words().filter(|word| !after.words().any(|kept| kept == *word)).collect();
    if !lost.is_empty() {
        let mode = &over.preset().mode.value;
        weaker(mode, format!("signatures do not cover {} any more", lost.join(" and ")));
    }
    found
}

fn compare(found: &mut Vec<Weaker>, path: &str, base: &Table, over: &Table) {
    let names = over.iter().chain(base.iter()).map(|(key, _)| &key.name);
    let mut done: Vec<&Arc<str>> = Vec::new();
    for name in names {
        if done.contains(&name) {
            continue;
        }
        done.push(name);
        let (before, after) = (base.get(name), over.get(name));
        if before.is_some_and(|before| after.is_some_and(|after| same(before, after))) {
            continue;
        }
        let path = format!("{path}.{name}");
        let rule = RULES.iter().find(|(known, _)| **known == **name).map(|(_, rule)| *rule);
        match (rule, before.and_then(Node::table), after.and_then(Node::table)) {
            (None, Some(before), Some(after)) => compare(found, &path, before, after),
            (Some(rule), ..) => {
                let says = judge(rule, before, after);
                found.extend(says.map(|says| Weaker { path, says }));
            }
            (None, ..) => {
                let says = format!(
                    "what `{name}` says is no longer what the preset says, and nobody can tell what that costs"
                );
                found.push(Weaker { path, says });
            }
        }
    }
}

/// How the key is weaker than it was, if it is.
fn judge(rule: Rule, before: Option<&Node>, after: Option<&Node>) -> Option<String> {
    let (old, new) = (before.map(texts).unwrap_or_default(), after.map(texts).unwrap_or_default());
    let says = match rule {
        Rule::Harmless => return None,
        Rule::Algorithm => {
            let least = old.iter().map(|word| rank(word)).max().unwrap_or(0);
            let bad = new.iter().find(|word| !old.contains(word) && rank(word) <= least)?;
            format!("`{bad}` is no stronger than `{}`", old.join("`, `"))
        }
        Rule::Fewer => match before {
            None => return None,
            Some(_) if new.is_empty() => "nothing is demanded any more".into(),
            Some(_) => format!("`{}` was not allowed", new.iter().find(|word| !old.contains(word))?),
        },
        Rule::More => format!("`{}` is not demanded any more", old.iter().find(|word| !new.contains(word))?),
        Rule::Higher => match (number(before).unwrap_or(0), number(after).unwrap_or(0)) {
            (before, after) if after < before => format!("it is {after} instead of {before}"),
            _ => return None,
        },
        Rule::Lower => match (number(before).unwrap_or(0), number(after).unwrap_or(0)) {
            (before, after) if after > before => format!("it is {after} instead of {before}"),
            _ => return None,
        },
        Rule::Permission => match after.map(|node| &node.value) {
            None | Some(Value::Boolean(false)) => return None,
            _ => "this allows what the preset does not".into(),
        },
        Rule::Tests => {
            let (old, new) = (items(before), items(after));
            let gone = old.iter().filter(|test| !new.iter().any(|other| same(test, other))).count();
            if gone == 0 {
                return None;
            }
            format!("{gone} of its {} tests are gone", old.len())
        }
    };
    Some(says)
}

/// How strong a word for an algorithm is; only good for comparing.
fn rank(word: &str) -> u8 {
    let word = word.to_ascii_lowercase();
    let table: [(&[&str], u8); 6] =
        [(&["none"], 0), (&["md5"], 1), (&["sha1", "sha-1"], 2), (&["512"], 5), (&["384"], 4), (&["256"], 3)];
    table.iter().find(|(parts, _)| parts.iter().any(|part| word.contains(part))).map_or(3, |(_, rank)| *rank)
}

/// Booleans count as 0 and 1.
fn number(node: Option<&Node>) -> Option<i64> {
    match &node?.value {
        Value::Integer(number) => Some(*number),
        Value::Boolean(truth) => Some(i64::from(*truth)),
        _ => None,
    }
}

fn items(node: Option<&Node>) -> Vec<&Node> {
    match node.map(|node| &node.value) {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(_) => node.into_iter().collect(),
        None => Vec::new(),
    }
}

/// Whether two nodes say the same, wherever they stand.
pub(super) fn same(a: &Node, b: &Node) -> bool {
    match (&a.value, &b.value) {
        (Value::Text(a), Value::Text(b)) | (Value::Datetime(a), Value::Datetime(b)) => a == b,
        (Value::Integer(a), Value::Integer(b)) => a == b,
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
        (Value::Boolean(a), Value::Boolean(b)) => a == b,
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Table(a), Value::Table(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(&key.name).is_some_and(|b| same(a, b)))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const BASE: &str = r#"
        name = "acme"
        mode = "hmac"
        freshness = { tolerance_seconds = 300, future_seconds = 60 }
        [hmac]
        algorithm = "sha256"
        signed_template = "{id}.{timestamp}.{body}"
        signature_source = { header = "x-signature", encoding = "hex" }
        timestamp_source = { header = "x-time", format = "unix" }
        id_source = { header = "x-id" }
        key = { forms = [{ decode = "text" }], min_bytes = 16 }
        require = [{ value = "{header:x-kind}", equals = "event" }]
    "#;

    /// The paths at which a change makes it weaker.
    fn weakened(change: &str) -> Vec<String> {
        let mut registry = countersign_modes::without_presets().unwrap();
        registry.add_preset("acme.toml", BASE).unwrap();
        let file = registry.sources_mut().add("over.toml", change);
        let changes = Layer::parse(registry.sources(), file).unwrap();
        let both = [None, Some(changes)].map(|changes| {
            let layer = registry.resolve("acme", changes).unwrap();
            let compiled = registry.compile_layer(&layer).unwrap_or_else(|e| panic!("{change}: {e}"));
            (compiled, layer)
        });
        let [base, over] = &both;
        weaker((&base.0, &base.1), (&over.0, &over.1)).into_iter().map(|weaker| weaker.path).collect()
    }

    #[test]
    fn atk_323_what_weakens_a_preset_is_found() {
        for (change, paths) in [
            ("hmac.algorithm = \"sha1\"", &["hmac.algorithm"][..]),
            ("hmac.algorithm = \"md5-legacy\"", &["hmac.algorithm"]),
            (
                "hmac.algorithm = { from = \"{header:x-alg}\", map = { a = \"sha1\", b = \"sha512\" } }",
                &["hmac.algorithm"],
            ),
            ("freshness.tolerance_seconds = 301", &["freshness.tolerance_seconds"]),
            ("freshness.tolerance_seconds = \"none\"", &["freshness"]),
            ("freshness.future_seconds = 61", &["freshness.future_seconds"]),
            ("freshness.required = false", &["freshness.required"]),
            ("freshness.unsigned = \"ignored\"", &["freshness"]),
            ("replay = { key = \"none\" }", &["replay.key"]),
            ("replay = { key = \"id\", keep = 3600 }", &["replay.keep"]),
            ("hmac.key.min_bytes = 8", &["hmac.key.min_bytes"]),
            ("hmac.require = []", &["hmac.require"]),
            ("hmac.require = [{ value = \"{header:x-kind}\", present = true }]", &["hmac.require"]),
            ("hmac.secret_in_content = true", &["hmac.secret_in_content"]),
            ("hmac.adjacent = \"accepted\"", &["hmac.adjacent"]),
            ("hmac.signed_template = \"{id}.{timestamp}\"", &["hmac"]),
            ("hmac.key.select = \"{header:x-key}\"", &["hmac.key.select"]),
            (
                "hmac.case = [{ when = [{ value = \"{method}\", equals = \"PUT\" }], signed_template = \"{id}.{timestamp}.{body}\" }]",
                &["hmac.case"],
            ),
        ] {
            assert_eq!(weakened(change), paths, "{change}");
        }
    }

    #[test]
    fn what_does_not_is_let_be() {
        for change in [
            "",
            "title = \"x\"",
            "hmac.algorithm = \"sha512\"",
            "hmac.algorithm = \"sha256\"",
            "freshness.tolerance_seconds = 60",
            "freshness.future_seconds = 0",
            "replay = { key = \"content\", keep = 90000 }",
            "hmac.key.min_bytes = 32",
            "hmac.signature_source = { header = \"x-other\" }",
            "hmac.require = [{ value = \"{header:x-kind}\", equals = \"event\" }, { value = \"{method}\", equals = \"POST\" }]",
            "event = { type = \"{json:/type}\" }",
        ] {
            assert_eq!(weakened(change), Vec::<String>::new(), "{change}");
        }
    }

    #[test]
    fn every_key_of_a_mode_is_judged_or_counts_as_weaker() {
        let keys: std::collections::BTreeSet<&str> = RULES.iter().map(|(key, _)| *key).collect();
        assert_eq!(keys.len(), RULES.len(), "a key stands there twice");
    }
}
