//! The secrets of an endpoint: where they stood, and when each may be used.

use super::fields::{Field, Fields};
use super::words::{SECRET, STANDINGS, Standing};
use crate::output::plain;
use countersign::{Registry, TimeFormat, Timestamp};
use zeroize::Zeroizing;

/// Where a secret was.
pub(super) enum Held {
    /// In the text itself, at this pointer.
    Value(Zeroizing<String>, String),
    /// In a variable.
    Env(String),
    /// In a file.
    File(String),
}

/// A secret.
pub(super) struct OldSecret {
    pub(super) id: String,
    pub(super) held: Held,
    pub(super) not_before: Option<String>,
    pub(super) not_after: Option<String>,
    pub(super) role: Option<String>,
}

/// What a variable of a preset was set to.
pub(super) enum OldVar {
    /// This, which is none of the secrets.
    Text(String),
    /// A secret.
    Held(Held),
}

/// The latest second that four digits of a year can say.
const LAST_SECOND: i64 = 253_402_300_799;

/// All of them, those in use first. They stand in one place: beside the scheme, or in its block.
pub(super) fn secrets(fields: &Fields<'_>, block: Option<&Fields<'_>>) -> Vec<OldSecret> {
    let in_block = |word: &str| block.and_then(|block| block.get(word));
    let places = [
        fields.get("webhook_secrets"),
        in_block("secrets"),
        in_block("secret"),
        in_block("secret_env"),
        in_block("secret_file"),
    ];
    let mut found = places.into_iter().enumerate().filter_map(|(index, field)| Some((index, field?)));
    let Some((index, field)) = found.next() else { return Vec::new() };
    if let Some((_, other)) = found.next() {
        let says = format!("secrets stand here and at {}", plain(&field.pointer));
        other.wrong(&says, "put all of them into one list: `webhook_secrets`");
        return Vec::new();
    }
    let alone = |held: Option<Held>| held.map(|held| OldSecret::named("main", held)).into_iter().collect();
    match index {
        3 => alone(field.text().map(|name| Held::Env(name.into()))),
        4 => alone(file(fields, &field)),
        _ => several(fields, &field),
    }
}

fn several(fields: &Fields<'_>, field: &Field<'_>) -> Vec<OldSecret> {
    let items = field.items();
    if items.is_empty() {
        field.wrong("the list is empty, and a source without a key accepts nothing", "give the secret");
    }
    let count = items.len();
    let mut all: Vec<(Standing, OldSecret)> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let usual = if count == 1 { "main".to_owned() } else { format!("key-{}", index + 1) };
        let Some((standing, secret)) = one(fields, item, usual) else { continue };
        if standing == Standing::Over {
            let says =
                format!("the secret `{}` was of no use any more, and is left behind", plain(&secret.id));
            fields.remark(&item.pointer, says, "if it is still in use, say so: `\"status\": \"previous\"`");
            continue;
        }
        if standing == Standing::Previous && secret.not_after.is_none() {
            let says = format!(
                "the previous secret `{}` has no end, and is accepted until it is taken out",
                plain(&secret.id)
            );
            fields.remark(
                &item.pointer,
                says,
                "write `not_after`: the day on which nothing is signed with it any more",
            );
        }
        all.push((standing, secret));
    }
    if all.is_empty() && !items.is_empty() && fields.complaints().is_empty() {
        field.wrong("none of these secrets is in use", "say which is: `\"status\": \"current\"`");
    }
    all.sort_by_key(|(standing, _)| *standing);
    all.into_iter().map(|(_, secret)| secret).collect()
}

fn one(fields: &Fields<'_>, item: &Field<'_>, usual: String) -> Option<(Standing, OldSecret)> {
    if item.item.text().is_some() {
        let held = Held::Value(Zeroizing::new(item.text()?.to_owned()), item.pointer.clone());
        return Some((Standing::Current, OldSecret::named(&usual, held)));
    }
    let table = Fields::new(item, &[SECRET], fields.remarks())?;
    let held = held(&table);
    let id = table.text("id").map_or(usual, str::to_owned);
    let standing = match table.get("status") {
        Some(field) => field.word(STANDINGS, "say whether it is in use"),
        None => Some(Standing::Current),
    };
    let (not_before, not_after) = (moment(&table, "not_before"), moment(&table, "not_after"));
    let role = table.text("role").map(str::to_owned);
    table.finish();
    Some((standing?, OldSecret { id, held: held?, not_before, not_after, role }))
}

/// Exactly one of three.
fn held(table: &Fields<'_>) -> Option<Held> {
    let fields = ["value", "env", "file"].map(|word| table.get(word));
    match fields {
        [Some(field), None, None] => {
            Some(Held::Value(Zeroizing::new(field.text()?.to_owned()), field.pointer.clone()))
        }
        [None, Some(field), None] => field.text().map(|name| Held::Env(name.into())),
        [None, None, Some(field)] => file(table, &field),
        [None, None, None] => {
            table.wrong("there is no secret here", "give `value`, or where it is: `env` or `file`");
            None
        }
        _ => {
            table
                .wrong("a secret is in one place, and here are two", "keep one of `value`, `env` and `file`");
            None
        }
    }
}

/// A path goes on as it is, and is read from another folder, perhaps.
fn file(table: &Fields<'_>, field: &Field<'_>) -> Option<Held> {
    let path = field.text()?;
    if !std::path::Path::new(path).is_absolute() {
        let says = format!(
            "the path `{}` is relative, and from now on to the folder of the configuration",
            plain(path)
        );
        table.remark(&field.pointer, says, "write the whole path, if the file is elsewhere");
    }
    Some(Held::File(path.into()))
}

/// A text goes on as it is; seconds since 1970 become one.
fn moment(table: &Fields<'_>, word: &str) -> Option<String> {
    let field = table.get(word)?;
    if field.item.text().is_some() {
        return field.text().map(str::to_owned);
    }
    let seconds = field.integer(0..=LAST_SECOND)?;
    Some(TimeFormat::Rfc3339.print(Timestamp::from_unix(seconds)))
}

/// `variables`. One that the preset calls a secret is one, however it was given.
pub(super) fn vars(
    fields: &Fields<'_>,
    block: Option<&Fields<'_>>,
    registry: &Registry,
) -> Vec<(String, OldVar)> {
    let places = [fields.get("variables"), block.and_then(|block| block.get("variables"))];
    let mut places = places.into_iter().flatten();
    let Some(field) = places.next() else { return Vec::new() };
    if let Some(other) = places.next() {
        other.wrong(
            &format!("variables stand here and at {}", plain(&field.pointer)),
            "put all of them into one place",
        );
    }
    let preset = block.and_then(|block| block.get("preset")).and_then(|preset| preset.item.text());
    let compiled = preset.and_then(|name| registry.named(name).ok());
    let is_secret = |name: &str| {
        let vars = compiled.iter().flat_map(|compiled| compiled.preset().vars.iter());
        vars.filter(|var| *var.name == *name).any(|var| var.secret)
    };
    let mut vars = Vec::new();
    for (name, item) in field.members().into_iter().flatten() {
        let at = Field::new(item, super::fields::step(&field.pointer, &name.text), fields.complaints());
        let var = match item.text() {
            Some(text) if is_secret(&name.text) => {
                Some(OldVar::Held(Held::Value(Zeroizing::new(text.to_owned()), at.pointer.clone())))
            }
            Some(_) => at.text().map(|text| OldVar::Text(text.into())),
            None => Fields::new(&at, &[SECRET], fields.remarks()).and_then(|table| {
                let held = held(&table);
                table.finish();
                held.map(OldVar::Held)
            }),
        };
        vars.extend(var.map(|var| (name.text.clone(), var)));
    }
    vars
}

impl OldSecret {
    fn named(id: &str, held: Held) -> Self {
        OldSecret { id: id.into(), held, not_before: None, not_after: None, role: None }
    }
}
