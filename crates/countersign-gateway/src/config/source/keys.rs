//! Reads `secrets`, `vars` and `learn`: where a source's keys are. None is read here.

use super::super::values::{Around, PLACES, finish, literal, moment, place_at, place_in, refuse_literals};
use super::{Keys, Learn, VarText};
use crate::secrets::KeyPlace;
use countersign::config::{Node, Reader, Value, nearest};
use countersign::{Compiled, KeyId, KeyKind, Layer, MAX_KEYS, Var, Window};
use std::sync::Arc;

/// The keys of an entry of `secrets`.
const OF_SECRET: [&str; 4] = ["id", "not_before", "not_after", "role"];

/// `secrets`. `managed` is whether the store has a key to seal with.
pub(super) fn keys(
    around: &Around<'_>,
    source: &Reader<'_>,
    compiled: Option<&Compiled>,
    managed: bool,
) -> Option<Keys> {
    let takes_none = compiled.is_some_and(|compiled| compiled.needs().keys.is_empty());
    let Some(node) = source.node("secrets") else {
        return match compiled {
            Some(_) if takes_none => Some(Keys::Found),
            Some(compiled) => {
                missing(source, compiled);
                None
            }
            None => None,
        };
    };
    if takes_none {
        let says = "this scheme takes no secret: it finds its own keys";
        around.wrong(&node.span, says, "leave `secrets` out");
    }
    match &node.value {
        Value::Text(text) if &**text == "managed" => {
            if !managed {
                let says =
                    "`managed` secrets are kept in the store, and `[store]` has no `key` to seal them with";
                let help = "write `key = { env = \"COUNTERSIGN_STORE_KEY\" }` in `[store]`: 32 random bytes in hex or base64";
                around.wrong(&node.span, says, help);
            }
            Some(Keys::Managed)
        }
        Value::Text(_) => {
            around.mask(node);
            let says = "`secrets` says where secrets are, and holds none: an array of tables, or `managed`";
            around.wrong(&node.span, says, "write `secrets = [{ id = \"main\", env = \"NAME\" }]`, say");
            None
        }
        Value::Array(items) if items.is_empty() => {
            let says = "`secrets` is empty, and a source without a key accepts nothing";
            around.wrong(&node.span, says, "write `secrets = [{ id = \"main\", env = \"NAME\" }]`, say");
            None
        }
        _ => placed(around, source),
    }
}

fn missing(source: &Reader<'_>, compiled: &Compiled) {
    let kind = match compiled.needs().key_kind(false) {
        KeyKind::Shared => "a secret",
        KeyKind::TrustAnchor => "a root certificate",
        _ => "a public key",
    };
    source.missing(
        "secrets",
        format!(
            "`{}` needs {kind}: write `secrets = [{{ id = \"main\", env = \"NAME\" }}]`, say, with `env`, `file` or `command`",
            compiled.preset().name
        ),
    );
}

fn placed(around: &Around<'_>, source: &Reader<'_>) -> Option<Keys> {
    // An entry that is a text is a secret that somebody wrote down.
    if let Some(Node { value: Value::Array(items), .. }) = source.node("secrets") {
        let texts: Vec<&Node> = items.iter().filter(|item| item.table().is_none()).collect();
        if !texts.is_empty() {
            texts.iter().for_each(|node| literal(around, node, "secrets"));
            return None;
        }
    }
    let tables = source.tables("secrets");
    let (count, mut keys) = (tables.len(), Vec::<KeyPlace>::new());
    if count > MAX_KEYS {
        let says = format!("`secrets` has {count} keys, and a source holds at most {MAX_KEYS}");
        around.wrong(&super::scheme::span_of(source, "secrets"), says, "forget the old ones");
    }
    for table in tables {
        let span = table.span();
        let Some(key) = key(around, table, count == 1) else { continue };
        if keys.iter().any(|other| other.id == key.id) {
            around.wrong(span, format!("two keys are called `{}`", key.id), "give each its own `id`");
        }
        keys.push(key);
    }
    (!keys.is_empty()).then_some(Keys::Placed(keys))
}

fn key(around: &Around<'_>, table: Reader<'_>, alone: bool) -> Option<KeyPlace> {
    let id = name(around, &table, "id");
    if !table.has("id") && !alone {
        table.missing("id", "write `id = \"2026-11\"`, say: logs and lists call the key by it");
    }
    let role = name(around, &table, "role");
    let (not_before, not_after) = (moment(&table, "not_before"), moment(&table, "not_after"));
    if let (Some(from), Some(to)) = (&not_before, &not_after)
        && from.value >= to.value
    {
        around.wrong(
            &to.span,
            "this key's window ends before it begins",
            "exchange `not_before` and `not_after`",
        );
    }
    let place = place_in(around, &table);
    let known: Vec<&str> = OF_SECRET.into_iter().chain(PLACES).collect();
    refuse_literals(around, &table, &known);
    finish(around, table);
    let window =
        Window { not_before: not_before.map(|at| at.value), not_after: not_after.map(|at| at.value) };
    Some(KeyPlace { id: KeyId::new(id.unwrap_or_else(|| "main".into())), place: place?, window, role })
}

/// A name of a key or of a role. Some senders name a key by a URL.
fn name(around: &Around<'_>, table: &Reader<'_>, key: &str) -> Option<Arc<str>> {
    let text = table.text(key)?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-/#?&=+%~".contains(&byte);
    if (1..=256).contains(&text.value.len()) && text.value.bytes().all(fits) {
        return Some(text.value);
    }
    let says = format!("`{key}` has characters that no name has");
    around.wrong(&text.span, says, "use 1 to 256 letters, digits and . _ : - / # ? & = + % ~");
    None
}

/// `vars`, as the preset declares them.
pub(in crate::config) fn vars(
    around: &Around<'_>,
    source: &Reader<'_>,
    compiled: Option<&Compiled>,
) -> Vec<(Arc<str>, VarText)> {
    let declared: &[Var] = compiled.map_or(&[], |compiled| &compiled.preset().vars);
    let mut vars = Vec::new();
    for (key, node) in source.entries("vars") {
        let var = declared.iter().find(|var| *var.name == *key.name);
        if let (None, Some(compiled)) = (var, compiled) {
            let near = nearest(&key.name, declared.iter().map(|var| &*var.name));
            let help = match near {
                Some(near) => format!("write `{near}`, if that is what is meant"),
                None => format!("`countersign preset show {}` lists its variables", compiled.preset().name),
            };
            let says = format!("`{}` declares no variable `{}`", compiled.preset().name, key.name);
            around.wrong(&key.span, says, help);
        }
        match node.text() {
            Some(_) if var.is_some_and(|var| var.secret) => literal(around, node, &key.name),
            Some(text) if text.is_empty() => {
                let says = format!("the variable `{}` is empty", key.name);
                around.wrong(
                    &node.span,
                    says,
                    "give its value: a test against nothing holds of what is not there",
                );
            }
            Some(text) => vars.push((key.name.clone(), VarText::Text(text.clone()))),
            None => {
                let place = place_at(around, node, &key.name);
                vars.extend(place.map(|place| (key.name.clone(), VarText::Secret(place))));
            }
        }
    }
    let given = source.table("vars");
    let is_missing =
        |var: &&Var| var.required && given.as_ref().is_none_or(|given| given.peek(&var.name).is_none());
    for Var { name, label, secret, .. } in declared.iter().filter(is_missing) {
        let value = if *secret { "{ env = \"NAME\" }" } else { "\"…\"" };
        let says = format!("the variable `{name}` ({label}) is not set");
        let span = source.node("vars").map_or_else(|| source.span(), |node| &node.span);
        around.wrong(span, says, format!("write `vars = {{ {name} = {value} }}`"));
    }
    vars
}

/// `learn`, which needs a preset with something to learn, and somewhere to keep it.
pub(super) fn learn(
    around: &Around<'_>,
    source: &Reader<'_>,
    keys: Option<&Keys>,
    scheme: Option<&Layer>,
) -> Option<Learn> {
    let table = source.table("learn")?;
    let until = moment(&table, "until");
    if !table.has("until") {
        table.missing("until", "write `until = \"2026-12-01T08:00:00Z\"`, say: it does not wait for ever");
    }
    let span = table.span().clone();
    finish(around, table);
    let learns = scheme
        .and_then(|scheme| scheme.get(&["handshake"]))
        .is_some_and(|node| super::super::schemes::texts(node).contains(&"learn"));
    if scheme.is_some() && !learns {
        let says =
            "`learn` waits for a secret that a challenge hands over, and this scheme has no such challenge";
        around.wrong(&span, says, "leave `learn` out, and say where the secret is");
    }
    if matches!(keys, Some(Keys::Placed(_) | Keys::Found)) {
        let says = "what is learnt is kept in the store, and this source's secrets are elsewhere";
        around.wrong(&span, says, "write `secrets = \"managed\"`");
    }
    Some(Learn { until: until?.value })
}
