//! What may be wrong with a preset, each as the preset that would be right: another template, algorithm, format; another provider's
//! way altogether.

use crate::atoms::{self, Atom};
use crate::deviation::Deviation;
use crate::{candidates, head, layers};
use countersign::config::{Node, Table, Value};
use countersign::{Change, Compiled, KeyKind, Layer, Registry, Request, Scheme, TimeFormat, Timestamp};
use std::sync::Arc;

/// A preset as it may be meant.
pub(crate) struct Variant {
    /// `None`: as configured.
    pub(crate) deviation: Option<Deviation>,
    change: Kind,
}

enum Kind {
    Configured,
    /// Lines of the mode's table.
    Lines(String),
    /// Another template, and lines beside it.
    Template(String, String),
    /// Another preset.
    Other(String),
    /// Nothing is required beside the signature.
    Unrequired,
    /// A scheme of the mode's own making, by its code.
    Guess(String),
}

/// A variant, executable.
pub(crate) struct Ready {
    /// The tree that is tried, but for the wide signature.
    pub(crate) narrow: Layer,
    /// What is asked.
    pub(crate) compiled: Arc<Compiled>,
    /// What is asked in its place, where a mode has a guess of its own.
    pub(crate) scheme: Option<Box<dyn Scheme>>,
    /// The kinds of key it takes.
    pub(crate) kinds: Vec<KeyKind>,
    /// It takes any candidate for the signature.
    pub(crate) wide: bool,
    /// It takes keys as they are, in hexadecimal digits.
    pub(crate) raw_keys: bool,
}

impl Variant {
    fn new(deviation: Deviation, change: Kind) -> Self {
        Variant { deviation: Some(deviation), change }
    }

    /// Whether it is another preset altogether.
    pub(crate) fn is_other(&self) -> bool {
        matches!(self.change, Kind::Other(_))
    }

    /// Make it executable. `None`: it is no preset.
    pub(crate) fn ready(
        &self,
        registry: &Registry,
        trial: &Layer,
        candidates: usize,
        request: &Request<'_>,
    ) -> Option<Ready> {
        let narrow = match &self.change {
            Kind::Configured | Kind::Guess(_) => trial.clone(),
            Kind::Lines(lines) => over(trial, lines)?,
            Kind::Template(template, lines) => {
                let with_lines = over(trial, lines)?;
                templated(&with_lines, template)?
            }
            Kind::Unrequired => unrequired(trial)?,
            Kind::Other(name) => for_trial(&registry.resolve(name, None).ok()?)?,
        };
        let plain = registry.compile_layer(&narrow).ok()?;
        let kinds = plain.needs().keys.to_vec();
        let raw = with_raw_keys(&narrow, &kinds);
        if let Kind::Guess(code) = &self.change {
            let (compiled, raw_keys) = match raw.and_then(|layer| registry.compile_layer(&layer).ok()) {
                Some(compiled) => (compiled, true),
                None => (plain, false),
            };
            let guessed = compiled.scheme().hypotheses(request).find(|guess| guess.code == **code)?;
            let Change::Scheme(scheme) = guessed.change else { return None };
            return Some(Ready { narrow, compiled, scheme: Some(scheme), kinds, wide: false, raw_keys });
        }
        let keyed = raw.as_ref().unwrap_or(&narrow);
        let widened = widened(keyed, candidates).and_then(|layer| registry.compile_layer(&layer).ok());
        let wide = widened.is_some();
        let (compiled, raw_keys) = match (widened, raw.and_then(|layer| registry.compile_layer(&layer).ok()))
        {
            (Some(wide), raw) => (wide, raw.is_some()),
            (None, Some(raw)) => (raw, true),
            (None, None) => (plain, false),
        };
        Some(Ready { narrow, compiled, scheme: None, kinds, wide, raw_keys })
    }
}

/// A preset for trials: everything that judges a message once it is known to be the sender's is left out.
pub(crate) fn for_trial(layer: &Layer) -> Option<Layer> {
    let judging = ["freshness", "replay", "handshake", "response", "event", "notes", "replaces", "like"];
    let bare = judging.iter().fold(layer.clone(), |layer, key| layer.without(key));
    Some(layers::parse("[freshness]\nunsigned = \"ignored\"\n")?.over(&bare))
}

/// Without what is required beside the signature. `None`: nothing is.
fn unrequired(layer: &Layer) -> Option<Layer> {
    let mut any = false;
    let table = layers::everywhere(layers::table(layer)?, &mut |table| {
        any |= table.get("require").is_some();
        layers::map(table, |key, node| (key != "require").then(|| node.clone()))
    });
    any.then(|| layers::with_table(layer, table)).flatten()
}

/// A trial of the body alone, with any candidate and any bytes for a key: for what no preset can say.
pub(crate) fn bare(
    registry: &Registry,
    trial: &Layer,
    kinds: &[KeyKind],
    candidates: usize,
) -> Option<Arc<Compiled>> {
    let layer = with_raw_keys(&templated(trial, "{body}")?, kinds)?;
    registry.compile_layer(&widened(&layer, candidates)?).ok()
}

/// Lines of the mode's table laid over a tree.
fn over(layer: &Layer, lines: &str) -> Option<Layer> {
    match lines.is_empty() {
        true => Some(layer.clone()),
        false => Some(layers::parse(&format!("[{}]\n{lines}", layers::mode(layer)))?.over(layer)),
    }
}

/// With another template in the mode's table and every case.
fn templated(layer: &Layer, template: &str) -> Option<Layer> {
    let span = layer.root().span.clone();
    let node = layers::text_node(template, &span);
    let table = layers::everywhere(layers::table(layer)?, &mut |table| match table.get("signed_template") {
        Some(_) => layers::set(table, "signed_template", &node),
        None => table.clone(),
    });
    let table = layers::set(&table, "adjacent", &layers::text_node("accepted", &span));
    layers::with_table(layer, table)
}

/// With keys as they are, so that any bytes can be tried.
fn with_raw_keys(layer: &Layer, kinds: &[KeyKind]) -> Option<Layer> {
    layers::table(layer)?.get("key")?.table()?.get("forms")?;
    let contained =
        if kinds.contains(&KeyKind::Shared) { "" } else { "{ decode = \"pem\" }, { decode = \"jwk\" }, " };
    over(layer, &format!("key = {{ forms = [{contained}{{ decode = \"hex\" }}], min_bytes = 1 }}\n"))
}

/// The same for whoever asks again about one key.
pub(crate) fn raw(layer: &Layer, kinds: &[KeyKind]) -> Option<Layer> {
    with_raw_keys(layer, kinds)
}

/// With the signature taken from any candidate. `None`: this scheme reads other fields of a signature, or has none of its own.
fn widened(layer: &Layer, candidates: usize) -> Option<Layer> {
    let table = layers::table(layer)?;
    let mut texts = Vec::new();
    table.iter().for_each(|(_, node)| layers::texts(node, &mut texts));
    let fields = texts.iter().any(|text| text.contains("{sig:"));
    let own_time = table.get("timestamp_source").is_some_and(has_own_time);
    if candidates == 0
        || fields
        || own_time
        || table.get("signature_source").is_none() && table.get("case").is_none()
    {
        return None;
    }
    let parsed = layers::parse(&candidates::source(candidates))?;
    let place = parsed.get(&["x"])?.clone();
    let wide = layers::everywhere(table, &mut |table| match table.get("signature_source") {
        Some(_) => layers::set(table, "signature_source", &place),
        None => table.clone(),
    });
    // Which key a signature names stands beside it, and it is found without.
    let wide = layers::map(&wide, |key, node| match (key, &node.value) {
        ("key", Value::Table(table)) => {
            let table = layers::map(table, |key, node| (key != "select").then(|| node.clone()));
            Some(Node { value: Value::Table(table), span: node.span.clone() })
        }
        _ => Some(node.clone()),
    });
    layers::with_table(layer, wide)
}

fn has_own_time(node: &Node) -> bool {
    match &node.value {
        Value::Table(table) => table.get("from_signature").is_some(),
        Value::Array(items) => items.iter().any(has_own_time),
        _ => false,
    }
}

/// Every variant: as configured first, then by likelihood.
pub(crate) fn variants(
    registry: &Registry,
    preset: &Layer,
    compiled: Option<&Compiled>,
    request: &Request<'_>,
    now: Timestamp,
) -> Vec<Variant> {
    let mut variants = vec![Variant { deviation: None, change: Kind::Configured }];
    let mode = layers::mode(preset).to_owned();
    if let Some(compiled) = compiled {
        for guess in compiled.scheme().hypotheses(request) {
            let advice = "change the preset, if that is how the provider says it signs";
            let code: &'static str = known_code(&guess.code);
            // What asks for less than the preset does proves little, and is asked last.
            let rank = if matches!(guess.change, Change::Table(_)) { 8 } else { 64 };
            let deviation = Deviation::new(code, rank, guess.says.into_owned(), advice);
            variants.push(match guess.change {
                Change::Table(lines) => {
                    let patch = format!("[{mode}]\n{lines}");
                    Variant::new(deviation.patch(patch), Kind::Lines(lines))
                }
                Change::Scheme(_) => Variant::new(deviation, Kind::Guess(guess.code.into_owned())),
            });
        }
    }
    let times = atoms::times(request, now);
    let ids = atoms::ids(request);
    if let Some(table) = layers::table(preset) {
        places(table, &mode, &times, &ids, &mut variants);
        templates(table, &mode, &times, &ids, head::reads_url(preset), &mut variants);
    }
    let says = "the signature is right, and what the preset requires beside it does not hold";
    let unrequired = Deviation::new(
        "message/requirement",
        63,
        says,
        "compare the request with what the provider says that it sends",
    );
    variants.push(Variant::new(unrequired, Kind::Unrequired));
    others(registry, preset, request, &mut variants);
    variants.sort_by_key(|variant| variant.deviation.as_ref().map_or(0, |deviation| deviation.rank));
    variants
}

/// A code of a mode's own as one that lives as long as ours: those that are known, else one for all.
fn known_code(code: &str) -> &'static str {
    const KNOWN: [&str; 8] = [
        "algorithm/other",
        "jwt/other-algorithm",
        "jwt/other-audience",
        "jwt/other-issuer",
        "jwt/other-type",
        "jwt/other-claim",
        "jwt/clock",
        "time/token",
    ];
    KNOWN.iter().find(|known| **known == code).copied().unwrap_or("mode/hypothesis")
}

/// A time or an id that is read from the wrong place, or in the wrong format.
fn places(table: &Table, mode: &str, times: &[Atom], ids: &[Atom], variants: &mut Vec<Variant>) {
    let advice = "write the preset so";
    if let Some(source) = table.get("timestamp_source").filter(|node| !has_own_time(node)) {
        if let Value::Table(own) = &source.value {
            let current = own.get("format").and_then(Node::text);
            for (word, meaning) in
                TimeFormat::WORDS.iter().filter(|(word, _)| current.is_none_or(|now| **now != **word))
            {
                let lines = format!("timestamp_source = {{ format = \"{word}\" }}\n");
                let says = format!("the time is written as {meaning}");
                let deviation = Deviation::new("message/time-format", 20, says, advice)
                    .patch(format!("[{mode}]\n{lines}"));
                variants.push(Variant::new(deviation, Kind::Lines(lines)));
            }
        }
        for time in times {
            let lines = time.source("timestamp_source");
            let says = format!("the time that was signed stands in {}", time.words());
            let deviation =
                Deviation::new("message/time-place", 25, says, advice).patch(format!("[{mode}]\n{lines}"));
            variants.push(Variant::new(deviation, Kind::Lines(lines)));
        }
    }
    if table.get("id_source").is_some() {
        for id in ids {
            let lines = id.source("id_source");
            let says = format!("the id that was signed stands in {}", id.words());
            let deviation =
                Deviation::new("message/id-place", 28, says, advice).patch(format!("[{mode}]\n{lines}"));
            variants.push(Variant::new(deviation, Kind::Lines(lines)));
        }
    }
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(String),
    /// With its braces.
    Slot(String),
}

/// A template in pieces; `None` if it has optional segments or doubled braces, whose edits would say something else.
fn pieces(template: &str) -> Option<Vec<Piece>> {
    if template.contains(['[', ']'])
        || template.contains("{{")
        || template.contains("}}")
        || template.contains('\\')
    {
        return None;
    }
    let (mut pieces, mut rest) = (Vec::new(), template);
    while let Some(start) = rest.find('{') {
        let end = rest.find('}').filter(|end| *end > start)?;
        if start > 0 {
            pieces.push(Piece::Text(rest[..start].to_owned()));
        }
        pieces.push(Piece::Slot(rest[start..=end].to_owned()));
        rest = &rest[end + 1..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Some(pieces)
}

fn name_of(piece: &Piece) -> &str {
    match piece {
        Piece::Text(text) | Piece::Slot(text) => text,
    }
}

fn joined(pieces: &[Piece]) -> String {
    pieces.iter().map(name_of).collect()
}

/// What stands between the pieces of signed content, as providers write it.
pub(crate) const SEPARATORS: [&str; 10] = ["", ".", ":", "\n", "|", ",", "-", "&", "_", " "];

/// Other templates than the preset's: its own with one thing changed, and the shapes that are common.
fn templates(
    table: &Table,
    mode: &str,
    times: &[Atom],
    ids: &[Atom],
    url: bool,
    variants: &mut Vec<Variant>,
) {
    let own: Vec<String> = match table.get("signed_template").map(|node| &node.value) {
        Some(Value::Text(text)) => vec![text.to_string()],
        Some(Value::Array(items)) => {
            items.iter().filter_map(|item| item.text().map(|text| text.to_string())).collect()
        }
        _ => Vec::new(),
    };
    if own.is_empty() {
        return;
    }
    let mut seen: std::collections::HashSet<String> = own.iter().cloned().collect();
    let mut add = |code: &'static str,
                   rank: u32,
                   says: String,
                   template: String,
                   lines: String,
                   variants: &mut Vec<Variant>| {
        if !seen.insert(format!("{template}{lines}")) {
            return;
        }
        let change = format!("signed_template = {}\n{lines}", layers::quoted(&template));
        let deviation = Deviation::new(
            code,
            rank,
            says,
            "write the preset so, if that is how the provider says it signs",
        )
        .patch(format!("[{mode}]\n{change}"));
        variants.push(Variant::new(deviation, Kind::Template(template, lines)));
    };
    let known = [("{timestamp}", "timestamp_source"), ("{id}", "id_source")];
    let known: Vec<&str> =
        known.iter().filter(|(_, source)| table.get(source).is_some()).map(|(slot, _)| *slot).collect();
    for pieces in own.iter().filter_map(|own| pieces(own)) {
        edits(&pieces, &known, &mut |code, rank, says, template| {
            add(code, rank, says, template, String::new(), variants)
        });
    }
    // Common shapes round a body, in a mode whose content holds no secret.
    let secret = own.iter().any(|own| own.contains("{secret"));
    if secret {
        return;
    }
    let body_only = ["{body}".to_owned()];
    for body in body_only {
        add("message/template", 15, "the body alone was signed".into(), body, String::new(), variants);
    }
    let own_time = own.iter().any(|own| own.contains("{timestamp}"));
    for time in times.iter().take(6) {
        let lines = if own_time { String::new() } else { time.source("timestamp_source") };
        let from = time.words();
        for (index, separator) in SEPARATORS.iter().enumerate() {
            let rank = 30 + index as u32;
            for (words, template) in [
                ("the time and the body", format!("{{timestamp}}{separator}{{body}}")),
                ("the body and the time", format!("{{body}}{separator}{{timestamp}}")),
                ("`v0`, the time and the body", format!("v0{separator}{{timestamp}}{separator}{{body}}")),
                ("`v1`, the time and the body", format!("v1{separator}{{timestamp}}{separator}{{body}}")),
            ] {
                let says = format!("what was signed is {words}{}, the time from {from}", between(separator));
                add("message/template", rank, says, template, lines.clone(), variants);
            }
            for id in ids.iter().take(4) {
                let lines = format!("{lines}{}", id.source("id_source"));
                for template in [
                    format!("{{id}}{separator}{{timestamp}}{separator}{{body}}"),
                    format!("{{timestamp}}{separator}{{id}}{separator}{{body}}"),
                ] {
                    let says = format!(
                        "what was signed is `{}`, the time from {from} and the id from {}",
                        template.replace('\n', "\\n"),
                        id.words()
                    );
                    add("message/template", rank + 10, says, template, lines.clone(), variants);
                }
            }
        }
    }
    for id in ids.iter().take(4) {
        for (index, separator) in SEPARATORS.iter().enumerate() {
            for template in [format!("{{id}}{separator}{{body}}"), format!("{{body}}{separator}{{id}}")] {
                let says = format!(
                    "what was signed is `{}`, the id from {}",
                    template.replace('\n', "\\n"),
                    id.words()
                );
                add("message/template", 45 + index as u32, says, template, id.source("id_source"), variants);
            }
        }
    }
    let addresses = ["{url}", "{path}", "{target}", "{method}{url}", "{method}{path}", "{method}{target}"];
    for (index, address) in addresses.iter().enumerate() {
        for (step, separator) in ["", ".", ":", "\n", "|"].iter().enumerate() {
            let rank = if url { 35 } else { 55 } + (index + step) as u32;
            let address = address.replace("}{", &format!("}}{separator}{{"));
            for template in [
                format!("{address}{separator}{{body}}"),
                format!("{{body}}{separator}{address}"),
                address.clone(),
            ] {
                let says = format!("what was signed is `{}`", template.replace('\n', "\\n"));
                add("message/template", rank, says, template, String::new(), variants);
            }
        }
    }
    for time in times.iter().take(3) {
        let lines = if own_time { String::new() } else { time.source("timestamp_source") };
        for (index, separator) in ["", ".", ":", "\n", "|"].iter().enumerate() {
            for order in [
                "{method}S{target}S{timestamp}S{body}",
                "{timestamp}S{method}S{target}S{body}",
                "{method}S{url}S{timestamp}S{body}",
                "{method}S{url}S{body}S{timestamp}",
                "{method}S{target}S{body}S{timestamp}",
                "{timestamp}S{url}S{body}",
                "{url}S{timestamp}S{body}",
            ] {
                let template = order.replace('S', separator);
                let says = format!(
                    "what was signed is `{}`, the time from {}",
                    template.replace('\n', "\\n"),
                    time.words()
                );
                add("message/template", 60 + index as u32, says, template, lines.clone(), variants);
            }
        }
    }
}

fn between(separator: &str) -> String {
    match separator {
        "" => String::new(),
        "\n" => ", with a newline between them".into(),
        other => format!(", with `{other}` between them"),
    }
}

type Tell<'t> = dyn FnMut(&'static str, u32, String, String) + 't;

/// A template with one thing changed.
fn edits(pieces: &[Piece], known: &[&str], tell: &mut Tell<'_>) {
    let slots: Vec<usize> = (0..pieces.len()).filter(|at| matches!(pieces[*at], Piece::Slot(_))).collect();
    let name = |at: usize| match &pieces[at] {
        Piece::Slot(text) | Piece::Text(text) => text.clone(),
    };
    // Something is signed that the sender leaves out.
    for at in slots.iter().filter(|_| slots.len() > 1) {
        for (from, to) in
            [(*at, *at + 1), (*at, (*at + 2).min(pieces.len())), (at.saturating_sub(1), *at + 1)]
        {
            let rest: Vec<Piece> = pieces[..from].iter().chain(&pieces[to..]).cloned().collect();
            if rest.iter().any(|piece| matches!(piece, Piece::Slot(_))) {
                tell(
                    "message/part-extra",
                    12,
                    format!("`{}` is not signed by the sender", name(*at)),
                    joined(&rest),
                );
            }
        }
    }
    // Something that the sender signs as well, joined as the rest is, or not at all.
    let own = pieces.iter().find_map(|piece| match piece {
        Piece::Text(text) => Some(text.as_str()),
        Piece::Slot(_) => None,
    });
    let more = ["{body}", "{url}", "{method}", "{target}", "{path}"];
    for slot in known
        .iter()
        .chain(&more)
        .filter(|slot| !pieces.iter().any(|piece| *piece == Piece::Slot((**slot).to_owned())))
    {
        for at in 0..=pieces.len() {
            for separator in std::iter::once("").chain(own) {
                let mut changed = pieces.to_vec();
                let (text, slot) = (Piece::Text(separator.to_owned()), Piece::Slot((*slot).to_owned()));
                changed.splice(at..at, if at == 0 { [slot, text] } else { [text, slot] });
                tell(
                    "message/part-lacking",
                    17,
                    format!("the sender signs `{}` as well", name_of(&changed[at + usize::from(at > 0)])),
                    joined(&changed),
                );
            }
        }
    }
    // A literal that the sender does not write, or writes otherwise.
    for at in (0..pieces.len()).filter(|at| matches!(pieces[*at], Piece::Text(_))) {
        for separator in SEPARATORS {
            let mut changed = pieces.to_vec();
            changed[at] = Piece::Text(separator.to_owned());
            let says = format!(
                "the sender signs `{}` where the preset has `{}`",
                separator.replace('\n', "\\n"),
                name(at).replace('\n', "\\n")
            );
            tell("message/separator", 14, says, joined(&changed));
        }
    }
    for separator in SEPARATORS {
        let mut woven = Vec::new();
        for at in &slots {
            if !woven.is_empty() {
                woven.push(Piece::Text(separator.to_owned()));
            }
            woven.push(pieces[*at].clone());
        }
        let says = format!("what is signed is joined otherwise{}", between(separator));
        tell("message/separator", 16, says, joined(&woven));
    }
    // Two that stand the other way round.
    for (index, a) in slots.iter().enumerate() {
        for b in &slots[index + 1..] {
            let mut changed = pieces.to_vec();
            changed.swap(*a, *b);
            tell(
                "message/order",
                18,
                format!("`{}` and `{}` are signed the other way round", name(*a), name(*b)),
                joined(&changed),
            );
        }
    }
    // A digest of the body in its place, or the body in the place of its digest.
    for at in &slots {
        let slot = name(*at);
        if !slot.starts_with("{body") {
            continue;
        }
        let forms = [
            "{body}",
            "{body|sha256|hex}",
            "{body|sha256}",
            "{body|sha256|base64}",
            "{body|md5|hex}",
            "{body|sha1|hex}",
            "{body|sha512|hex}",
            "{body|md5|base64}",
            "{body|base64}",
            "{body|hex}",
            "{body|sha256|hex|upper}",
            "{body|trim}",
            "{body|base64url}",
            "{body|sha256|base64url}",
            "{body|percent_encode:component}",
            "{body|strip_space}",
        ];
        for (rank, form) in forms.iter().enumerate().filter(|(_, form)| **form != slot) {
            let mut changed = pieces.to_vec();
            changed[*at] = Piece::Slot((*form).to_owned());
            tell(
                "message/body-form",
                22 + rank as u32,
                format!("the sender signs `{form}` where the preset has `{slot}`"),
                joined(&changed),
            );
        }
    }
    // An address in another form.
    for at in &slots {
        let slot = name(*at);
        if !["{url", "{path", "{target", "{host", "{query_string"].iter().any(|word| slot.starts_with(word)) {
            continue;
        }
        for form in [
            "{url}",
            "{path}",
            "{target}",
            "{url|query:drop}",
            "{host}{target}",
            "{host}{path}",
            "{url|port:drop}",
            "{url|percent_encode:component}",
            "{query_string}",
        ] {
            if form == slot {
                continue;
            }
            let mut changed = pieces.to_vec();
            changed[*at] = Piece::Slot(form.to_owned());
            tell(
                "message/url-form",
                26,
                format!("the sender signs `{form}` where the preset has `{slot}`"),
                joined(&changed),
            );
        }
    }
}

/// Other presets' ways: first those whose signature header is there.
fn others(registry: &Registry, preset: &Layer, request: &Request<'_>, variants: &mut Vec<Variant>) {
    let text = |layer: &Layer, key: &str| layer.get(&[key]).and_then(Node::text).map(|text| text.to_string());
    let own = text(preset, "name").unwrap_or_default();
    let came = head::headers(request);
    // Whose own header is there is most likely who it is said to be, and only configured wrongly.
    let ours = signature_headers(preset).iter().any(|header| !head::values(&came, header).is_empty());
    for (name, layer) in registry.presets().filter(|(name, _)| **name != *own) {
        let title = text(layer, "title").unwrap_or_else(|| name.to_owned());
        let resolved = layer.get(&["like"]).and_then(|_| registry.resolve(name, None).ok());
        let there = signature_headers(resolved.as_ref().unwrap_or(layer))
            .iter()
            .any(|header| !head::values(&came, header).is_empty());
        let modes = layers::mode(resolved.as_ref().unwrap_or(layer)) != layers::mode(preset);
        let rank = match (there, ours) {
            (true, false) => 7,
            (true, true) => 65,
            (false, true) if modes => 65,
            (false, _) => 70,
        };
        let says = match there {
            true => format!(
                "the request is signed in the way of the preset `{name}` ({title}), whose header it carries"
            ),
            false => format!(
                "the request is signed in the way of the preset `{name}` ({title}), or of one like it"
            ),
        };
        let code = if ours && modes { "algorithm/other-mode" } else { "transport/other-preset" };
        let deviation = Deviation::new(code, rank, says, "configure the source with that preset")
            .patch(format!("preset = \"{name}\""));
        variants.push(Variant::new(deviation, Kind::Other(name.to_owned())));
    }
}

/// The headers in which a preset looks for its signature, in small letters.
pub(crate) fn signature_headers(layer: &Layer) -> Vec<String> {
    let Some(table) = layers::table(layer) else { return Vec::new() };
    let mut headers = Vec::new();
    layers::everywhere(table, &mut |table| {
        let places: Vec<&Node> = match table.get("signature_source").map(|node| (&node.value, node)) {
            Some((Value::Array(items), _)) => items.iter().collect(),
            Some((_, node)) => vec![node],
            None => Vec::new(),
        };
        let header = |node: &Node| node.table()?.get("header")?.text().map(|text| text.to_ascii_lowercase());
        headers.extend(places.into_iter().filter_map(header));
        table.clone()
    });
    headers
}
