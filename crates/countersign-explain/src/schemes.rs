//! What may be wrong with a preset, each as the preset that would be right: another template, algorithm, format; another provider's
//! way altogether.

mod templates;

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

    /// The other preset that it is altogether, if it is one.
    pub(crate) fn other(&self) -> Option<&str> {
        match &self.change {
            Kind::Other(name) => Some(name),
            _ => None,
        }
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
        templates::templates(table, &mode, &times, &ids, head::reads_url(preset), &mut variants);
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

/// What stands between the pieces of signed content, as providers write it.
pub(crate) const SEPARATORS: [&str; 10] = ["", ".", ":", "\n", "|", ",", "-", "&", "_", " "];

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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use countersign::Head;

    const PRESET: &str = "schema = 1\nname = \"acme\"\nmode = \"hmac\"\n[freshness]\ntolerance_seconds = 300\n\
        [hmac]\nalgorithm = \"sha256\"\nsigned_template = \"{timestamp}.{body}\"\n\
        timestamp_source = { header = \"x-time\", format = \"unix\" }\nkey = { forms = [{ decode = \"base64\" }] }\n\
        signature_source = { header = \"X-Acme-Signature\", encoding = \"hex\" }\n";

    #[test]
    fn every_kind_of_variant_is_a_preset_of_its_own() {
        let mut registry = Registry::new();
        registry.add_preset("acme.toml", PRESET).unwrap();
        let other = PRESET.replace("acme", "other").replace("Acme", "Other");
        registry.add_preset("other.toml", other).unwrap();
        let preset = registry.resolve("acme", None).unwrap();
        let compiled = registry.compile_layer(&preset).unwrap();
        let headers = [("x-time", "1700000000"), ("x-other-signature", "ab")];
        let request = Request::new(Head::new("POST", "https://h/p", &headers), b"{}");
        let now = Timestamp::from_unix(1_700_000_000);
        let trial = for_trial(&preset).unwrap();
        let mut codes = std::collections::BTreeSet::new();
        let variants = variants(&registry, &preset, Some(&compiled), &request, now);
        assert!(variants[0].deviation.is_none());
        for variant in &variants {
            let Some(ready) = variant.ready(&registry, &trial, 3, &request) else { continue };
            assert!(ready.wide && ready.raw_keys && ready.kinds == [KeyKind::Shared]);
            codes.insert(variant.deviation.as_ref().map_or("", |deviation| deviation.code));
        }
        let wanted = [
            "",
            "algorithm/other",
            "message/body-form",
            "message/order",
            "message/part-extra",
            "message/part-lacking",
            "message/separator",
            "message/template",
            "message/time-format",
            "message/time-place",
            "transport/other-preset",
        ];
        // Nothing is required beside the signature, and so nothing of that can be left out.
        assert_eq!(codes.into_iter().collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn a_trial_takes_any_candidate_unless_more_of_a_signature_is_read() {
        let wide = |lines: &str| {
            let layer = layers::parse(&format!("mode = \"hmac\"\n[hmac]\n{lines}")).unwrap();
            widened(&layer, 2).map(|layer| layer.to_toml())
        };
        let source = "signature_source = { header = \"x\" }\n";
        let text = wide(&format!("signed_template = \"{{body}}\"\n{source}")).unwrap();
        assert!(text.contains(candidates::HEADER) && !text.contains("\"x\""), "{text}");
        let text = wide(&format!("key = {{ select = \"{{header:kid}}\" }}\n{source}")).unwrap();
        assert!(!text.contains("select"), "{text}");
        for lines in [
            format!("signed_template = \"{{sig:t}}.{{body}}\"\n{source}"),
            format!("timestamp_source = {{ from_signature = \"t\" }}\n{source}"),
            "signed_template = \"{body}\"\n".to_owned(),
        ] {
            assert!(wide(&lines).is_none(), "{lines}");
        }
    }
}
