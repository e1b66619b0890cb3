//! How an endpoint knew its sender, in whichever of the three shapes, as the tables of today's one.

use super::fields::{Field, Fields};
use super::old::Shape;
use super::tree::{Tree, list, text, toml};
use super::words::{ALGORITHMS, AUTH, FORMATS, PLACEHOLDERS, SIGNING, TYPES, WEBHOOK_AUTH};
use crate::output::plain;
use countersign::Registry;
use countersign::config::{Span, Table, Value, one_of};
use countersign_gateway::config::duration;

/// What it becomes.
pub(super) enum Scheme {
    /// A preset, and what is laid over it.
    Preset { name: String, overrides: Option<Table> },
    /// Written out: the mode, and its tables.
    WrittenOut { mode: String, tables: Vec<(String, Value)> },
}

/// What was found, and the block that it was found in: secrets may stand there.
pub(super) struct Found<'a> {
    /// Unless something is wrong with it, which is told; the rest is read all the same.
    pub(super) scheme: Option<(Shape, Scheme)>,
    pub(super) block: Fields<'a>,
}

/// The tables of a preset that stand beside its mode's own.
const BESIDE: [&str; 5] = ["freshness", "event", "replay", "handshake", "response"];

/// The longest tolerance, in seconds.
const MAX_TOLERANCE: i64 = 2_592_000;

/// Find it.
pub(super) fn read<'a>(fields: &Fields<'a>, registry: &Registry) -> Option<Found<'a>> {
    match (fields.get("auth"), fields.get("webhook_auth")) {
        (Some(field), None) => auth(&field, fields),
        (None, Some(field)) => webhook_auth(&field, fields, registry),
        (Some(_), Some(field)) => {
            field.wrong(
                "`auth` and `webhook_auth` are two schemes, and a source has one",
                "keep the one that was in use",
            );
            None
        }
        (None, None) => {
            fields.wrong(
                "there is neither `auth` nor `webhook_auth`: nothing proved who sent a request",
                "write `webhook_auth` with the `preset` of whoever sends; there is no source without a scheme",
            );
            None
        }
    }
}

fn auth<'a>(field: &Field<'a>, fields: &Fields<'a>) -> Option<Found<'a>> {
    let block = Fields::new(field, &[AUTH], fields.remarks())?;
    let kind = block.required("type", "write `bearer` or `hmac_sha256`");
    let signed = kind.and_then(|kind| match kind.item.text() {
        Some("none" | "off" | "disabled") => {
            let help = "write `webhook_auth` with the `preset` of whoever sends, or leave the endpoint out";
            kind.wrong("this endpoint took anything from anybody, and no source does", help);
            None
        }
        _ => kind.word(TYPES, "what signs otherwise is a preset: write `webhook_auth`"),
    });
    let scheme = match signed {
        Some(true) => signed_body(&block).map(|scheme| (Shape::HmacSha256, scheme)),
        Some(false) => Some((Shape::Bearer, shown_token(&block))),
        None => None,
    };
    block.finish();
    Some(Found { scheme, block })
}

/// The first shape.
fn shown_token(block: &Fields<'_>) -> Scheme {
    for (key, help) in
        [("format", "a token has none"), ("secret_encoding", "a token is compared as it is written")]
    {
        if let Some(field) = block.get(key) {
            field.wrong(&format!("`{key}` is for what is signed"), format!("leave it out: {help}"));
        }
    }
    let header = block.text("header").unwrap_or("authorization");
    let usual = header.eq_ignore_ascii_case("authorization").then_some("Bearer");
    let scheme = block.text("scheme").map(str::trim_end).or(usual);
    let span = block.span();
    let mut token = Tree::new(span);
    token
        .table("token_source", token_source(Some(header), scheme, span))
        .add("key", Some(forms(None, "text", span)));
    Scheme::WrittenOut { mode: "token".into(), tables: vec![("token".into(), token.value())] }
}

fn token_source<'s>(header: Option<&str>, scheme: Option<&str>, span: &'s Span) -> Tree<'s> {
    let mut source = Tree::new(span);
    source.add("header", header.map(text));
    if let Some(scheme) = scheme {
        source.add("extract", text("scheme")).add("scheme", text(scheme));
    }
    source
}

/// The second.
fn signed_body(block: &Fields<'_>) -> Option<Scheme> {
    if let Some(field) = block.get("scheme") {
        field.wrong("`scheme` is for a token that is shown", "leave it out");
    }
    let header =
        block.required("header", "write the header that the signature is in").and_then(|field| field.text());
    let formats: Vec<_> = FORMATS.iter().map(|row| (row.0, row)).collect();
    let format = block.required("format", "write `sha256=hex`, `hex` or `base64`").and_then(|field| {
        field.word(
            &formats,
            "what is written otherwise is told by `webhook_auth`, with `encoding` and `prefix`",
        )
    });
    let decode = block.text("secret_encoding").unwrap_or("text");
    let (span, (header, (_, prefix, encoding))) = (block.span(), header.zip(format)?);
    let mut source = Tree::new(span);
    source.add("header", text(header));
    if let Some(prefix) = prefix {
        source.add("extract", text("prefix")).add("prefix", text(prefix));
    }
    source.add("encoding", text(encoding));
    let mut hmac = Tree::new(span);
    hmac.add("algorithm", text("sha256"))
        .add("signed_template", text("{body}"))
        .table("signature_source", source);
    hmac.add("key", Some(forms(None, decode, span)));
    Some(Scheme::WrittenOut { mode: "hmac".into(), tables: vec![("hmac".into(), hmac.value())] })
}

fn forms(prefix: Option<&str>, decode: &str, span: &Span) -> Value {
    let mut form = Tree::new(span);
    form.add("prefix", prefix.map(text)).add("decode", text(decode));
    let mut key = Tree::new(span);
    key.add("forms", list([form.value()], span));
    key.value()
}

/// The third.
fn webhook_auth<'a>(field: &Field<'a>, fields: &Fields<'a>, registry: &Registry) -> Option<Found<'a>> {
    let block = Fields::new(field, &[WEBHOOK_AUTH, SIGNING], fields.remarks())?.and(tables(registry));
    let scheme = match (block.get("preset"), block.get("mode")) {
        (Some(preset), None) => by_preset(&block, &preset, registry),
        (None, Some(mode)) => written_out(&block, &mode, registry),
        (Some(_), Some(mode)) => {
            mode.wrong(
                "`preset` and `mode` are two schemes, and a source has one",
                "keep the one that was in use",
            );
            None
        }
        (None, None) => {
            block
                .wrong("there is neither `preset` nor `mode`", "`countersign preset list` shows the presets");
            None
        }
    };
    block.finish();
    Some(Found { scheme: scheme.map(|scheme| (Shape::WebhookAuth, scheme)), block })
}

/// The tables that a scheme may have as they are: of every mode, and beside them.
fn tables(registry: &Registry) -> Vec<String> {
    let modes = registry.modes().map(|mode| mode.name.to_string());
    modes.chain(BESIDE.map(str::to_owned)).collect()
}

fn by_preset(block: &Fields<'_>, preset: &Field<'_>, registry: &Registry) -> Option<Scheme> {
    let name = preset.text()?;
    for word in SIGNING.iter().map(|word| word.name) {
        if let Some(field) = block.get(word) {
            let help = format!("write it into `overrides`: {{ \"{word}\": … }}");
            field.wrong("this stands beside a preset, which says it already", help);
        }
    }
    for key in tables(registry) {
        if let Some(field) = block.exact(&key) {
            let help = format!("write it into `overrides`: {{ \"{key}\": … }}");
            field.wrong("this stands beside a preset, which says it already", help);
        }
    }
    let Some((_, layer)) = registry.presets().find(|(known, _)| *known == name) else {
        let near = registry.near(name);
        let help = match near.is_empty() {
            true => "`countersign preset list` shows all; those of your own are in the folder `presets` of the configuration".into(),
            false => format!("did you mean {}? `countersign preset list` shows all", one_of(near)),
        };
        preset.wrong(&format!("there is no preset `{}`", plain(name)), help);
        return None;
    };
    let resolved = registry.resolve_layer(layer, None).ok()?;
    let mode = resolved.get(&["mode"])?.text()?.to_string();
    let Some(field) = block.get("overrides") else {
        return Some(Scheme::Preset { name: name.into(), overrides: None });
    };
    let overrides = Fields::new(&field, &[SIGNING], block.remarks())?.and(tables(registry));
    let signing = signing(&overrides, &mode, false);
    overrides.finish();
    let mut table = Tree::new(overrides.span());
    for (key, value) in signing? {
        table.add(&key, value);
    }
    let overrides = (!table.is_empty()).then(|| table.done());
    Some(Scheme::Preset { name: name.into(), overrides })
}

fn written_out(block: &Fields<'_>, mode: &Field<'_>, registry: &Registry) -> Option<Scheme> {
    if let Some(field) = block.get("overrides") {
        field.wrong("`overrides` are for a preset", "say it in the block itself");
    }
    let given = mode.text()?;
    let today = match &*given.to_ascii_lowercase().replace('_', "-") {
        "bearer" => "token".into(),
        "hmac-sha256" => "hmac".into(),
        other => other.to_owned(),
    };
    if registry.mode(&today).is_none() {
        let known = one_of(registry.modes().map(|mode| &*mode.name));
        mode.wrong(
            &format!("there is no mode `{}`: there is {known}", plain(given)),
            "`countersign mode list` shows all",
        );
        return None;
    }
    let tables = signing(block, &today, true)?;
    if !tables.iter().any(|(key, _)| *key == today) {
        block.wrong(
            &format!("nothing says how `{today}` signs"),
            format!("write the table `{today}` as `countersign mode show {today}` has it"),
        );
        return None;
    }
    Some(Scheme::WrittenOut { mode: today, tables })
}

/// What the words say, as tables. `whole` is whether nothing stands below them: then a block needs what has no default.
fn signing(block: &Fields<'_>, mode: &str, whole: bool) -> Option<Vec<(String, Value)>> {
    let mut tables = Vec::new();
    let own = own(block, mode, whole);
    match block.exact(mode) {
        Some(field) if !own.is_empty() => {
            let says = format!("the table `{mode}` and the words beside it say the same thing");
            field.wrong(&says, "keep one of the two");
        }
        Some(field) => tables.push((mode.to_owned(), verbatim(&field)?)),
        None if own.is_empty() => {}
        None => tables.push((mode.to_owned(), own.value())),
    }
    let tolerance = tolerance(block);
    for key in BESIDE {
        match (block.exact(key), &tolerance) {
            (Some(field), Some(_)) if key == "freshness" => {
                field.wrong("`freshness` and `tolerance` say the same thing", "keep one of the two");
            }
            (Some(field), _) => tables.push((key.to_owned(), verbatim(&field)?)),
            (None, Some(tolerance)) if key == "freshness" => {
                let mut table = Tree::new(block.span());
                table.add("tolerance_seconds", tolerance.clone());
                tables.push((key.to_owned(), table.value()));
            }
            (None, _) => {}
        }
    }
    // A table of another mode would be read by nobody.
    for (key, field) in self::tables_of_others(block, mode) {
        field.wrong(&format!("the table `{key}` is another mode's than `{mode}`"), "leave it out");
    }
    Some(tables)
}

fn tables_of_others<'a>(block: &Fields<'a>, mode: &str) -> Vec<(String, Field<'a>)> {
    let keys = block.more().iter().filter(|key| **key != mode && !BESIDE.contains(&&***key));
    keys.filter_map(|key| Some((key.clone(), block.exact(key)?))).collect()
}

/// A table as it is. What is none may be a secret, and goes nowhere.
fn verbatim(field: &Field<'_>) -> Option<Value> {
    if field.item.members().is_none() {
        let says = format!("this is the place of a table, and here is {}", field.item.value.kind());
        field.wrong(&says, "write a table of today; a secret stands at `secret`");
        return None;
    }
    let value = toml(field.item);
    if value.is_none() {
        field.wrong("there is a `null` in a list, and nothing is like it today", "leave it out");
    }
    value
}

/// The mode's own table, of the words.
fn own<'a>(block: &Fields<'a>, mode: &str, whole: bool) -> Tree<'a> {
    let (span, word) = (block.span(), |name: &str| block.text(name));
    let said = SIGNING.iter().any(|word| word.name != "tolerance" && block.get(word.name).is_some());
    let mut table = Tree::new(span);
    if !said && (!whole || block.exact(mode).is_some()) {
        return table;
    }
    let is_token = mode == "token";
    let implied = || {
        let given = block.get("mode").and_then(|mode| mode.item.text()).unwrap_or_default();
        given.to_ascii_lowercase().ends_with("sha256").then_some("sha256")
    };
    let need = |name: &str, found: bool, help: &str| {
        if whole && !found {
            block.wrong(&format!("`{name}` is missing"), help);
        }
    };
    let (header, encoding) = (word("header"), word("encoding").map(str::to_ascii_lowercase));
    need("header", header.is_some(), "write the header that the signature or the token is in");
    if !is_token {
        let algorithm = word("algorithm").map(algorithm).or_else(|| implied().map(str::to_owned));
        let template = word("template").map(template);
        if mode == "hmac" {
            need("algorithm", algorithm.is_some(), "write `sha256`, say");
        }
        need("template", template.is_some(), "write what is signed: `{body}`, or `{timestamp}.{body}`, say");
        need("encoding", encoding.is_some(), "write `hex`, `base64` or `base64url`");
        table.add("algorithm", algorithm.as_deref().map(text));
        table.add("signed_template", template.as_deref().map(text));
    }
    let mut source = token_source(header, word("scheme"), span);
    source.add("list", word("list_separator").map(text));
    match (word("signature_key"), word("prefix")) {
        (Some(_), Some(_)) => {
            let says = "a signature is behind a prefix or the value of a key, and not both";
            block.wrong(says, "keep `prefix` or `signature_key`");
        }
        (Some(key), None) => drop(source.add("extract", text("kv_pairs")).add("key", text(key))),
        (None, Some(prefix)) => drop(source.add("extract", text("prefix")).add("prefix", text(prefix))),
        (None, None) => {}
    }
    source.add("encoding", encoding.as_deref().map(text));
    table.table(if is_token { "token_source" } else { "signature_source" }, source);
    table.table("timestamp_source", timestamp_source(block, header, whole));
    let mut id = Tree::new(span);
    id.add("header", word("id_header").map(text));
    table.table("id_source", id);
    if whole && !is_token {
        need_places(block);
    }
    let (prefix, decode) = (word("secret_prefix"), word("secret_encoding"));
    if whole || prefix.is_some() || decode.is_some() {
        table.add("key", forms(prefix, decode.unwrap_or("text"), span));
    }
    table
}

/// What is signed has to be found: a scheme without the place would be taken, and refuse everything.
fn need_places(block: &Fields<'_>) {
    let Some(template) = block.text("template").map(template) else { return };
    for (placeholder, words) in
        [("{timestamp}", &["timestamp_header", "timestamp_key"][..]), ("{id}", &["id_header"])]
    {
        if template.contains(placeholder) && words.iter().all(|word| block.get(word).is_none()) {
            let says = format!("`{placeholder}` is signed, and nothing says where it is");
            block.wrong(&says, format!("write `{}`", words.join("`, or `")));
        }
    }
}

fn timestamp_source<'a>(block: &Fields<'a>, signature: Option<&str>, whole: bool) -> Tree<'a> {
    let (header, key, format) =
        (block.text("timestamp_header"), block.text("timestamp_key"), block.text("timestamp_format"));
    let mut source = Tree::new(block.span());
    if header.is_none() && key.is_none() && format.is_none() {
        return source;
    }
    // A time beside the signature stands in its header.
    source.add("header", header.or(signature.filter(|_| key.is_some())).map(text));
    if let Some(key) = key {
        source.add("extract", text("kv_pairs")).add("key", text(key));
    }
    let usual = (whole || header.is_some()).then_some("unix");
    source.add("format", format.or(usual).map(text));
    source
}

/// Seconds, a span of time, or `none`.
fn tolerance(block: &Fields<'_>) -> Option<Value> {
    let field = block.get("tolerance")?;
    let says = "a tolerance of 0 turns freshness off for some and allows one second for others";
    let help = "write seconds; or `none`, if a message may be of any age";
    match field.item.text() {
        Some("none") => Some(text("none")),
        Some(_) => match duration(field.text()?).map(|time| time.as_secs()) {
            Ok(0) => {
                field.wrong(says, help);
                None
            }
            Ok(seconds) => i64::try_from(seconds).ok().map(Value::Integer),
            Err(says) => {
                field.wrong(&plain(&says), help);
                None
            }
        },
        None => match field.integer(0..=MAX_TOLERANCE)? {
            0 => {
                field.wrong(says, help);
                None
            }
            seconds => Some(Value::Integer(seconds)),
        },
    }
}

/// `HMAC-SHA256`, `SHA-256` and `sha256` are one; what nobody knows is left for the reader of today.
fn algorithm(given: &str) -> String {
    let plain = given.to_ascii_lowercase().replace(['-', '_'], "");
    let plain = plain.strip_prefix("hmac").filter(|rest| !rest.is_empty()).unwrap_or(&plain);
    let today = ALGORITHMS.iter().find(|(old, _)| *old == plain).map_or(plain, |(_, today)| *today);
    today.to_owned()
}

fn template(given: &str) -> String {
    PLACEHOLDERS.iter().fold(given.to_owned(), |text, (old, today)| text.replace(old, today))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_algorithm_and_a_template_have_many_spellings() {
        for (given, is) in [
            ("HMAC-SHA256", "sha256"),
            ("sha-512", "sha512"),
            ("SHA1", "sha1"),
            ("md5", "md5-legacy"),
            ("hmac", "hmac"),
        ] {
            assert_eq!(algorithm(given), is);
        }
        assert_eq!(template("{msg_id}.{ts}.{payload}"), "{id}.{timestamp}.{body}");
        assert_eq!(template("{timestamp}.{body}"), "{timestamp}.{body}");
    }
}
