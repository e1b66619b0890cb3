//! The table `certificate`: where a certificate is, and what is asked of it.

use crate::find::{Bound, Source};
use countersign::config::{ConfigCode, ConfigError, Node, Reader, Span, Spanned};
use countersign::template::{Find, Finder, Grammar, Value};
use countersign::{Key, KeyError, KeyIndex, KeyKind, Keyring, Vars};
use countersign_keys::chain::{Anchors, Demands, MAX_CHAIN};
use countersign_keys::remote::Remote;
use countersign_keys::{Offered, SignatureKey};
use std::borrow::Cow;
use std::sync::Arc;

/// Read the table. A certificate is always found, so there is always a finder.
pub(crate) fn finder(
    table: &Reader<'_>,
    grammar: &Grammar<'_>,
    offered: Offered,
) -> Option<Box<dyn Finder<SignatureKey>>> {
    let notes = notes(table);
    if !table.has("certificate") {
        let help = "say where it is and what it must lead to: `certificate = { url = \"…\", hosts = […], roots = \"web\", names = […] }`";
        table.missing("certificate", help);
    }
    let certificate = table.table("certificate").and_then(|table| Certificate::read(table, grammar));
    Some(Box::new(Certified { certificate, offered, notes }))
}

/// A mode's table, read in.
struct Certified {
    /// `None`: it was complained of.
    certificate: Option<Certificate>,
    offered: Offered,
    notes: Vec<Cow<'static, str>>,
}

/// Where a certificate is, and what is asked of it.
struct Certificate {
    place: Place,
    roots: Roots,
    demands: Demands,
}

enum Place {
    Remote(Box<Remote>),
    Message(Value),
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Roots {
    Web,
    Pinned,
}

impl Certificate {
    fn read(table: Reader<'_>, grammar: &Grammar<'_>) -> Option<Self> {
        let place = match table.has("value") {
            true => grammar.value(&table, "value").map(Place::Message),
            false => Remote::read(&table, grammar).map(|remote| Place::Remote(Box::new(remote))),
        };
        let roots = table.choice("roots", &[("web", Roots::Web), ("pinned", Roots::Pinned)]);
        if !table.has("roots") {
            let help = "write `roots = \"pinned\"` for anchors that the source gives, or `roots = \"web\"`";
            table.missing("roots", help);
        }
        let roots = roots.map(|roots| roots.value);
        if roots == Some(Roots::Web) && table.texts("names").is_none_or(|names| names.is_empty()) {
            let help =
                "say whose certificate it must be: anybody can have one that leads to the roots of the web";
            table.missing("names", format!("write `names = [\"hooks.example.com\"]`: {help}"));
        }
        let demands = demands(&table);
        table.finish();
        Some(Certificate { place: place?, roots: roots?, demands: demands? })
    }
}

/// What is asked of a chain. Every demand that cannot be read is complained of.
fn demands(table: &Reader<'_>) -> Option<Demands> {
    type Ask = fn(Demands, &str) -> Result<Demands, KeyError>;
    let asks: [(&str, Ask); 4] = [
        ("names", |demands, name| demands.name(name)),
        ("purposes", |demands, oid| demands.purpose(oid)),
        ("leaf_oids", |demands, oid| demands.leaf_oid(oid)),
        ("intermediate_oids", |demands, oid| demands.issuer_oid(oid)),
    ];
    let (mut demands, mut all) = (Demands::default(), true);
    for (key, ask) in asks {
        for text in table.texts(key).unwrap_or_default() {
            match ask(demands.clone(), &text.value) {
                Ok(more) => demands = more,
                Err(error) => {
                    all = false;
                    wrong(table, &text, &error);
                }
            }
        }
    }
    if let Some(length) = table.integer("chain_length", 1..=MAX_CHAIN as i64) {
        demands = demands.length(length.value as usize);
    }
    all.then_some(demands)
}

fn wrong(table: &Reader<'_>, text: &Spanned<Arc<str>>, error: &KeyError) {
    let span: &Span = &text.span;
    table.complaints().push(ConfigError::at(ConfigCode::MalformedConfig, span.clone(), error.to_string()));
}

impl Finder<SignatureKey> for Certified {
    fn kinds(&self) -> &'static [KeyKind] {
        match &self.certificate {
            Some(certificate) if certificate.roots == Roots::Web => &[],
            _ => &[KeyKind::TrustAnchor],
        }
    }

    fn notes(&self) -> Vec<Cow<'static, str>> {
        self.notes.clone()
    }

    fn values(&self) -> Vec<&Value> {
        let Some(certificate) = &self.certificate else { return Vec::new() };
        match &certificate.place {
            Place::Remote(remote) => vec![remote.place()],
            Place::Message(value) => vec![value],
        }
    }

    fn bind(&self, keys: &Keyring, vars: &Vars) -> Result<Box<dyn Find<SignatureKey>>, KeyError> {
        let Some(Certificate { place, roots, demands }) = &self.certificate else {
            return Err(KeyError::new("the preset does not say where its certificates are"));
        };
        let source = match place {
            Place::Remote(remote) => Source::Remote(Box::new(remote.with_vars(vars)?)),
            Place::Message(value) => Source::Message(value.with_vars(vars)?),
        };
        let (anchors, places) = match roots {
            Roots::Web => (Anchors::web(), Box::default()),
            Roots::Pinned => pinned(keys)?,
        };
        Ok(Box::new(Bound::new(source, anchors, places, demands.clone(), self.offered)))
    }
}

/// The anchors that a source gives, and the places of their keys.
fn pinned(keys: &Keyring) -> Result<(Anchors, Box<[KeyIndex]>), KeyError> {
    let judge = |key: &Key| match key.kind {
        KeyKind::TrustAnchor => {
            Anchors::pinned([key.material.expose()]).map(drop).map_err(|error| error.key(&key.id))
        }
        _ => Err(KeyError::new("an anchor is asked for: a certificate, in PEM or DER").key(&key.id)),
    };
    keys.iter().try_for_each(|(_, key)| judge(key))?;
    let anchors = Anchors::pinned(keys.iter().map(|(_, key)| key.material.expose()))?;
    Ok((anchors, keys.iter().map(|(index, _)| index).collect()))
}

/// What an operator should know of the content: whether the body may be another under the same signature.
fn notes(table: &Reader<'_>) -> Vec<Cow<'static, str>> {
    let own = texts(table.node("signed_template"));
    let cases = table.tables("case");
    let templates: Vec<&str> =
        own.into_iter().chain(cases.iter().flat_map(|case| texts(case.node("signed_template")))).collect();
    let some = |what: &str| templates.iter().any(|template| template.contains(what));
    if some("{body|crc32") {
        return vec![
            "the body is bound by a CRC-32 alone: whoever has one delivery can make another body for its signature".into(),
        ];
    }
    if !templates.is_empty() && !some("{body") {
        return vec!["fields of the body are signed, and the body as such is not: what is not a field of them may be altered".into()];
    }
    Vec::new()
}

/// The texts at a key, whatever else may be wrong with them: that is complained of where they are read for good.
fn texts(node: Option<&Node>) -> Vec<&str> {
    let Some(node) = node else { return Vec::new() };
    match &node.value {
        countersign::config::Value::Array(items) => {
            items.iter().filter_map(Node::text).map(|text| &**text).collect()
        }
        _ => node.text().map(|text| &**text).into_iter().collect(),
    }
}
