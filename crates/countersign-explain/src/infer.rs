//! From deliveries and a secret to the preset that explains them.
//!
//! The signature is looked for among everything that could be one, and what was signed among the shapes that providers use. A shape
//! counts only if it explains every capture; what several shapes explain alike is said, for then the captures cannot tell them apart.

mod shapes;
mod vars;
mod written;

use crate::asked::Budget;
use crate::candidates::{self, Candidate};
use crate::diagnosis::Effort;
use crate::layers::{self, quoted};
use crate::{head, read, schemes, secret};
use countersign::config::Node;
use countersign::{
    Change, Check, Context, Head, Key, KeyId, KeyKind, Keyring, Layer, Registry, Request, Secret, SignedBy,
    Timestamp, Vars,
};
use serde::Serialize;
use shapes::Shape;
use std::cell::Cell;
use std::sync::Arc;
use std::time::Instant;

/// How many explanations are told at most.
const MOST_TOLD: usize = 12;

/// What is asked: which preset are these deliveries of? The fields are public: set those that matter.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Deliveries<'a> {
    /// The modes that there are, and the presets whose ways of signing are tried.
    pub registry: &'a Registry,

    /// What the preset will be called.
    pub name: &'a str,

    /// The deliveries, as they arrived. Two tell much more than one.
    pub requests: &'a [Request<'a>],

    /// The secret or public key that signed them.
    pub keys: &'a Keyring,

    /// What `{var:…}` may stand for in presets that have such.
    pub vars: &'a Vars,

    /// About when they arrived: tells times from other numbers.
    pub now: Timestamp,

    /// How much may be spent.
    pub budget: Budget,
}

impl<'a> Deliveries<'a> {
    /// With nothing else known.
    pub fn new(
        registry: &'a Registry,
        name: &'a str,
        requests: &'a [Request<'a>],
        keys: &'a Keyring,
        vars: &'a Vars,
        now: Timestamp,
    ) -> Self {
        let budget = Budget { time: std::time::Duration::from_secs(10), ..Budget::default() };
        Deliveries { registry, name, requests, keys, vars, now, budget }
    }
}

/// What explains all deliveries.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Inferred {
    /// Every preset that explains them, the likeliest first. More than one: the deliveries cannot tell them apart.
    pub presets: Vec<Explanation>,

    /// What would have to be known, or what was found in the way.
    pub lacks: Vec<String>,

    /// What it took.
    pub effort: Effort,
}

/// A preset that explains all deliveries.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// The preset, as TOML.
    pub toml: String,

    /// In one line: what is signed, by what, and where the signature stands.
    pub says: String,

    /// The preset that it is like, if it is one's way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub like: Option<String>,
}

/// Find the presets that explain all deliveries.
///
/// Costs up to the budget. What is found was tried: each preset verifies every delivery.
pub fn infer(asked: &Deliveries<'_>) -> Inferred {
    let started = Instant::now();
    let mut inferred = Inferred::default();
    let Some(first) = asked.requests.first() else {
        inferred.lacks.push("a delivery: none is given".into());
        return inferred;
    };
    let candidates = candidates::collect(first);
    if candidates.is_empty() {
        inferred
            .lacks
            .push("a signature: no header, parameter or field has bytes of the length that one has".into());
        return inferred;
    }
    let (shared, public) = (readings(asked, KeyKind::Shared), readings(asked, KeyKind::Public));
    let others = asked.requests[1..].iter().map(candidates::collect).collect();
    let lab =
        Lab { asked, candidates, others, shared, public, started, trials: Cell::new(0), bytes: Cell::new(0) };
    let mut spent = lab.known(&mut inferred).is_err();
    // A preset that is known explains more than a shape can: places, cases, keys by name.
    if !spent && !inferred.presets.iter().any(|found| found.like.is_some()) {
        spent = lab.shapes(&mut inferred).is_err();
    }
    inferred.effort = Effort {
        trials: lab.trials.get(),
        bytes: lab.bytes.get(),
        time: started.elapsed(),
        cut_short: spent,
    };
    if inferred.presets.is_empty() {
        lab.lacks(&mut inferred);
    }
    inferred
}

struct Spent;

struct Lab<'a, 'r> {
    asked: &'a Deliveries<'r>,
    candidates: Vec<Candidate>,
    /// Those of the other deliveries.
    others: Vec<Vec<Candidate>>,
    shared: Vec<secret::Variant>,
    public: Vec<secret::Variant>,
    started: Instant,
    trials: Cell<u64>,
    bytes: Cell<u64>,
}

/// A ring of readings of the secret.
struct Ring {
    check: Arc<dyn Check>,
    keys: Keyring,
    /// Which readings its keys are; empty for those as they were given.
    readings: Vec<usize>,
}

impl Lab<'_, '_> {
    /// Presets that are known.
    fn known(&self, inferred: &mut Inferred) -> Result<(), Spent> {
        for (name, layer) in self.asked.registry.presets() {
            let Ok(resolved) = self.asked.registry.resolve(name, None) else { continue };
            let Some(trial) = schemes::for_trial(&resolved) else { continue };
            let Ok(compiled) = self.asked.registry.compile_layer(&trial) else { continue };
            let kinds = compiled.needs().keys.to_vec();
            self.spend()?;
            // Its own places and its own spelling of secrets: it is that preset, or one that is wholly like it.
            if let Some(ring) = self.ring_as_given(&compiled, &kinds)
                && self.all(&ring, false)
            {
                let title = resolved
                    .get(&["title"])
                    .and_then(Node::text)
                    .map_or_else(|| name.to_owned(), |title| title.to_string());
                // It may verify by it all the same, but no source can be of it without these.
                let unset: Vec<String> = vars::required(&resolved)
                    .into_iter()
                    .filter(|var| self.asked.vars.get(var).is_none())
                    .collect();
                if !unset.is_empty() {
                    inferred.lacks.push(vars::needs(name, &unset));
                    continue;
                }
                let toml = self.like(name, layer, &resolved);
                self.tell(
                    inferred,
                    Explanation {
                        toml,
                        says: format!("wholly as the preset `{name}` ({title})"),
                        like: Some(name.to_owned()),
                    },
                );
            }
        }
        Ok(())
    }

    /// A preset that is one that is known. Likeness has one level: what is itself like another is written out.
    fn like(&self, name: &str, layer: &Layer, resolved: &Layer) -> String {
        if layer.get(&["like"]).is_none() {
            return format!("schema = 1\nname = {}\nlike = {}\n", quoted(self.asked.name), quoted(name));
        }
        let of_the_other = ["name", "title", "reference", "confidence", "notes", "replaces", "schema"];
        let scheme = of_the_other.iter().fold(resolved.clone(), |layer, key| layer.without(key));
        format!("schema = 1\nname = {}\n{}", quoted(self.asked.name), scheme.to_toml())
    }

    /// The operator's keys as they are, of the kind that a preset takes.
    fn ring_as_given(&self, compiled: &countersign::Compiled, kinds: &[KeyKind]) -> Option<Ring> {
        let kind = kinds.first().copied()?;
        let mut keys = Keyring::new();
        for (_, key) in self.asked.keys.iter() {
            let mut copy = Key::new(key.id.clone(), kind, Secret::new(key.material.expose()).ok()?);
            copy.role = key.role.clone();
            keys.add(copy).ok()?;
        }
        let bound = compiled.scheme().bind(&keys, self.asked.vars);
        let (check, keys) = match bound {
            Ok(check) => (check, keys),
            // A part that a key has in one preset is none in another.
            Err(_) => {
                let mut plain = Keyring::new();
                for (_, key) in keys.iter() {
                    plain
                        .add(Key::new(key.id.clone(), kind, Secret::new(key.material.expose()).ok()?))
                        .ok()?;
                }
                (compiled.scheme().bind(&plain, self.asked.vars).ok()?, plain)
            }
        };
        Some(Ring { check, keys, readings: Vec::new() })
    }

    /// Shapes of signed content, in every mode that signs a template.
    fn shapes(&self, inferred: &mut Inferred) -> Result<(), Spent> {
        let bases = self.bases();
        let shapes = shapes::shapes(&self.asked.requests[0], self.asked.now);
        let mut last = u32::MAX;
        for shape in &shapes {
            // What comes long behind a shape that fits says the same in other words.
            if shape.rank > last || inferred.presets.len() >= MOST_TOLD {
                break;
            }
            for base in &bases {
                self.shape(base, shape, inferred)?;
            }
            if last == u32::MAX && !inferred.presets.is_empty() {
                last = shape.rank + 12;
            }
        }
        Ok(())
    }

    /// A table for every mode and algorithm that may have made one of the candidates.
    fn bases(&self) -> Vec<Base> {
        let mut bases = Vec::new();
        for info in self.asked.registry.modes() {
            let text =
                format!("schema = 1\nname = \"infer\"\nmode = \"{0}\"\n[{0}]\n{1}", info.name, info.example);
            let Some(layer) = layers::parse(&text) else { continue };
            let Some(table) = layers::table(&layer) else { continue };
            if table.get("signed_template").is_none() || table.get("signature_source").is_none() {
                continue;
            }
            let Ok(compiled) = self.asked.registry.compile_layer(&layer) else { continue };
            let kinds = compiled.needs().keys.to_vec();
            // Keys that are found need more than a secret.
            if kinds.is_empty() || kinds.iter().all(|kind| *kind == KeyKind::TrustAnchor) {
                continue;
            }
            let own = table.get("algorithm").and_then(Node::text).map(|word| word.to_string());
            let others =
                compiled.scheme().hypotheses(&self.asked.requests[0]).filter_map(|guess| {
                    match guess.change {
                        Change::Table(lines) => lines.split('"').nth(1).map(str::to_owned),
                        Change::Scheme(_) => None,
                    }
                });
            let words: Vec<String> = own.into_iter().chain(others).collect();
            let shared = kinds.contains(&KeyKind::Shared);
            for word in words {
                // The length of a MAC or digest tells its hash; other signatures are tried by all.
                let length = hash_length(&word);
                if shared
                    && length.is_some_and(|length| {
                        !self.candidates.iter().any(|candidate| candidate.bytes.len() == length)
                    })
                {
                    continue;
                }
                let in_content = table
                    .get("signed_template")
                    .and_then(Node::text)
                    .is_some_and(|text| text.contains("{secret"));
                let base = Base { mode: info.name.to_string(), algorithm: word, shared, in_content };
                // What reads no key in the secret is not asked about thousands of shapes.
                let body = Shape {
                    rank: 0,
                    templates: vec!["{body}".into()],
                    separators: vec![String::new()],
                    time: None,
                    id: None,
                };
                let template = if in_content { "{secret}{body}" } else { "{body}" };
                if self.rings(&base, &body, &[template.into()]).is_some_and(|rings| !rings.is_empty()) {
                    bases.push(base);
                }
            }
        }
        bases.sort_by_key(|base| (base.in_content, !base.shared, base.algorithm.contains("legacy")));
        bases
    }

    fn shape(&self, base: &Base, shape: &Shape, inferred: &mut Inferred) -> Result<(), Spent> {
        // Alternatives of one template have the same placeholders in the same order.
        let alike: Vec<Vec<String>> = match base.in_content {
            false => vec![shape.templates.clone()],
            // The secret stands before or behind what is signed, joined as the rest is, or not at all.
            true => {
                let parts = || shape.templates.iter().zip(&shape.separators);
                let joined = || parts().filter(|(_, separator)| !separator.is_empty());
                let before = parts().map(|(template, _)| format!("{{secret}}{template}"));
                let behind = parts().map(|(template, _)| format!("{template}{{secret}}"));
                vec![
                    before
                        .chain(
                            joined().map(|(template, separator)| format!("{{secret}}{separator}{template}")),
                        )
                        .collect(),
                    behind
                        .chain(
                            joined().map(|(template, separator)| format!("{template}{separator}{{secret}}")),
                        )
                        .collect(),
                ]
            }
        };
        for part in alike.iter().flat_map(|templates| templates.chunks(4)) {
            let Some(rings) = self.rings(base, shape, part) else { continue };
            for ring in &rings {
                self.spend()?;
                if self.all(ring, true) {
                    self.settle(base, shape, part, ring, inferred);
                }
            }
        }
        Ok(())
    }

    /// A scheme of some templates with any candidate for its signature, and every reading of the secret.
    fn rings(&self, base: &Base, shape: &Shape, templates: &[String]) -> Option<Vec<Ring>> {
        let mut lines = String::new();
        let candidates = candidates::source(self.candidates.len());
        let source = candidates.strip_prefix("x = ")?;
        lines.push_str(&format!("signature_source = {source}\n"));
        let forms = if base.shared {
            "{ decode = \"hex\" }"
        } else {
            "{ decode = \"pem\" }, { decode = \"jwk\" }, { decode = \"hex\" }"
        };
        lines.push_str(&format!("key = {{ forms = [{forms}] }}\n"));
        let layer = layers::parse(&self.table(base, shape, templates, &lines, true))?;
        let compiled = self.asked.registry.compile_layer(&layer).ok()?;
        let kind = if base.shared { KeyKind::Shared } else { KeyKind::Public };
        let list = self.list(base);
        let ring = |readings: Vec<usize>| {
            let mut keys = Keyring::new();
            for at in &readings {
                let bytes = &list[*at].bytes;
                let contained = !base.shared && (bytes.starts_with(b"-----BEGIN") || bytes.starts_with(b"{"));
                let text =
                    if contained { bytes.to_vec() } else { const_hex::encode(&bytes[..]).into_bytes() };
                keys.add(Key::new(KeyId::new(format!("k{at}")), kind, Secret::new(text).ok()?)).ok()?;
            }
            let check = compiled.scheme().bind(&keys, self.asked.vars).ok()?;
            Some(Ring { check, keys, readings })
        };
        Some(match base.shared {
            true => ring((0..list.len()).collect()).into_iter().collect(),
            // One that is no key of the algorithm would spoil the others.
            false => (0..list.len()).filter_map(|at| ring(vec![at])).collect(),
        })
    }

    /// The readings of the secret that a mode takes.
    fn list(&self, base: &Base) -> &[secret::Variant] {
        if base.shared { &self.shared } else { &self.public }
    }

    /// A whole preset.
    fn table(&self, base: &Base, shape: &Shape, templates: &[String], lines: &str, trial: bool) -> String {
        let template = match templates {
            [one] => quoted(one),
            many => {
                format!("[{}]", many.iter().map(|template| quoted(template)).collect::<Vec<_>>().join(", "))
            }
        };
        let mut text =
            format!("schema = 1\nname = {}\nmode = {}\n", quoted(self.asked.name), quoted(&base.mode));
        let timed = shape.time.is_some();
        if trial {
            text.push_str("\n[freshness]\nunsigned = \"ignored\"\n");
        } else if timed {
            text.push_str("\n[freshness]\ntolerance_seconds = 300\n");
        }
        text.push_str(&format!(
            "\n[{}]\nalgorithm = {}\nsigned_template = {template}\n",
            base.mode,
            quoted(&base.algorithm)
        ));
        if let Some(time) = &shape.time {
            text.push_str(&time.source("timestamp_source"));
        }
        if let Some(id) = &shape.id {
            text.push_str(&id.source("id_source"));
        }
        text.push_str(lines);
        let sets_off = templates.iter().any(|template| template.contains("}{"));
        if trial || sets_off && !self.compiles(&text) {
            text.push_str("adjacent = \"accepted\"\n");
        }
        text
    }

    fn compiles(&self, text: &str) -> bool {
        layers::parse(text).is_some_and(|layer| self.asked.registry.compile_layer(&layer).is_ok())
    }

    /// Whether a ring explains every delivery by the same key.
    fn all(&self, ring: &Ring, wide: bool) -> bool {
        let mut common = None;
        for (at, request) in self.asked.requests.iter().enumerate() {
            self.trials.set(self.trials.get() + 1);
            self.bytes.set(self.bytes.get() + request.body.len() as u64);
            let candidates = at.checked_sub(1).map_or(&self.candidates, |other| &self.others[other]);
            let candidates: Vec<&Candidate> =
                candidates.iter().take(if wide { self.candidates.len() } else { 0 }).collect();
            let found = ask(ring, request, &candidates, self.asked.now);
            common = match (common, found) {
                (_, None) => return false,
                (None, found) => found,
                (Some(before), Some(now)) => Some(before.intersect(now)),
            };
        }
        common.is_some_and(|common| !common.is_empty())
    }

    /// Which of the templates and readings it was, where the signature stands, and the preset that says so.
    fn settle(&self, base: &Base, shape: &Shape, templates: &[String], ring: &Ring, inferred: &mut Inferred) {
        let used = {
            let mut left: Vec<&Candidate> = self.candidates.iter().collect();
            let first = &self.asked.requests[0];
            while left.len() > 1 {
                let half = left.split_off(left.len() / 2);
                if ask(ring, first, &left, self.asked.now).is_none() {
                    left = half;
                }
            }
            left.first().map(|candidate| (*candidate).clone())
        };
        let Some(candidate) = used else { return };
        for template in templates {
            for key in written::forms_of(self.list(base), &self.key_index(ring)) {
                for source in written::sources(&candidate) {
                    let lines = format!("signature_source = {{ {source} }}\n{key}");
                    let text = self.table(base, shape, std::slice::from_ref(template), &lines, false);
                    if self.verifies(&text, base) {
                        let says = format!(
                            "{} by `{}`, over `{}`, in {}",
                            base.mode,
                            base.algorithm,
                            template.replace('\n', "\\n"),
                            candidate.place.words()
                        );
                        self.tell(inferred, Explanation { toml: text, says, like: None });
                        return;
                    }
                }
            }
        }
    }

    /// Which readings of the secret a ring's scheme fits.
    fn key_index(&self, ring: &Ring) -> Vec<usize> {
        let first = &self.asked.requests[0];
        let candidates: Vec<&Candidate> = self.candidates.iter().collect();
        let Some(set) = ask(ring, first, &candidates, self.asked.now) else { return Vec::new() };
        ring.keys
            .iter()
            .zip(&ring.readings)
            .filter(|((index, _), _)| set.contains(*index))
            .map(|(_, at)| *at)
            .collect()
    }

    /// Whether a preset, as it would be written, verifies every delivery with the keys as they were given.
    fn verifies(&self, text: &str, base: &Base) -> bool {
        let Some(layer) = layers::parse(text) else { return false };
        let Ok(compiled) = self.asked.registry.compile_layer(&layer) else { return false };
        let kinds = [if base.shared { KeyKind::Shared } else { KeyKind::Public }];
        let Some(ring) = self.ring_as_given(&compiled, &kinds) else { return false };
        self.all(&ring, false)
    }

    fn tell(&self, inferred: &mut Inferred, found: Explanation) {
        if !inferred.presets.iter().any(|told| told.says == found.says) && inferred.presets.len() < MOST_TOLD
        {
            inferred.presets.push(found);
        }
    }

    fn spend(&self) -> Result<(), Spent> {
        match self.bytes.get() > self.asked.budget.bytes || self.started.elapsed() > self.asked.budget.time {
            true => Err(Spent),
            false => Ok(()),
        }
    }

    /// What may be lacking, where nothing explains the deliveries.
    fn lacks(&self, inferred: &mut Inferred) {
        let came = head::headers(&self.asked.requests[0]);
        for (name, layer) in self.asked.registry.presets() {
            let there = schemes::signature_headers(layer)
                .iter()
                .any(|header| !head::values(&came, header).is_empty());
            let unset: Vec<String> =
                vars::required(layer).into_iter().filter(|var| self.asked.vars.get(var).is_none()).collect();
            if there && !unset.is_empty() {
                inferred.lacks.push(vars::needs(name, &unset));
            }
        }
        if self.asked.requests.len() < 2 {
            inferred.lacks.push("a second delivery: two tell more than one".into());
        }
        inferred.lacks.push("a shape that is known: what is signed is joined in a way that was not tried, or the secret is another one".into());
    }
}

/// What the secret may be the spelling of: nothing was done to it, but how it is read is not known.
fn readings(asked: &Deliveries<'_>, kind: KeyKind) -> Vec<secret::Variant> {
    let tables = asked.registry.presets().filter_map(|(_, layer)| layers::table(layer));
    let mut prefixes: Vec<String> = tables.flat_map(read::secret_prefixes).collect();
    prefixes.sort();
    prefixes.dedup();
    let mut ring = Keyring::new();
    for (_, key) in asked.keys.iter() {
        if let Ok(material) = Secret::new(key.material.expose()) {
            let _ = ring.add(Key::new(key.id.clone(), kind, material));
        }
    }
    let forms = [secret::Form { prefix: String::new(), decode: "text".into() }];
    let read = ["secret/decoded", "secret/prefix", "secret/container", "secret/not-decoded"];
    let variants = secret::variants(&ring, &forms, &prefixes).into_iter();
    variants
        .filter(|variant| {
            variant
                .deviation
                .as_ref()
                .is_none_or(|deviation| variant.steps == 1 && read.contains(&deviation.code))
        })
        .take(24)
        .collect()
}

fn ask(
    ring: &Ring,
    request: &Request<'_>,
    candidates: &[&Candidate],
    now: Timestamp,
) -> Option<countersign::KeySet> {
    let mut headers = head::headers(request);
    headers.extend(candidates::headers(candidates));
    let tried = Request::new(Head::new(request.head.method, request.head.url, &headers), request.body);
    match ring.check.check(&tried, &Context::at(now)).ok()?.signed_by {
        SignedBy::Held(set) => Some(set),
        SignedBy::Fetched(..) => None,
    }
}

/// A mode, with one of its algorithms.
struct Base {
    mode: String,
    algorithm: String,
    shared: bool,
    in_content: bool,
}

/// How many bytes come of an algorithm, if its name says its hash.
fn hash_length(word: &str) -> Option<usize> {
    [("sha1", 20), ("sha256", 32), ("keccak256", 32), ("sha384", 48), ("sha512", 64), ("md5", 16)]
        .into_iter()
        .find(|(name, _)| word.starts_with(name))
        .map(|(_, length)| length)
}
