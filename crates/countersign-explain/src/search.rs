//! The search: every deviation alone, then two together, then three, the likeliest first.
//!
//! A trial is one combination of a scheme, a body and a head, asked with many keys at once. What verifies is a proof, for a wrong
//! guess cannot fit; so the first hit ends the search, and whatever it has that is not needed is taken out of it again.

use crate::asked::Asked;
use crate::candidates::{self, Candidate};
use crate::deviation::Deviation;
use crate::diagnosis::Effort;
use crate::{body, head, schemes, secret};
use countersign::{
    Check, Context, Explain, Head, Key, KeyId, KeyKind, Keyring, Layer, Request, Secret, SignedBy, Step,
};
use std::cell::RefCell;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;
use zeroize::Zeroizing;

/// How many keys are asked at once.
const RING: usize = 32;

/// Bodies of more bytes than this are made anew each time they are asked about.
const KEPT: usize = 64 * 1024 * 1024;

/// From this size on, only likely pairs are tried.
const LARGE: usize = 64 * 1024;

/// What can differ, each axis with what is as configured in its first place.
pub(crate) struct Axes<'a> {
    pub(crate) schemes: Vec<schemes::Variant>,
    pub(crate) bodies: Vec<body::Variant>,
    pub(crate) heads: Vec<head::Variant<'a>>,
    /// By kind: the keys as shared secrets, and as public keys.
    pub(crate) shared: Vec<secret::Variant>,
    pub(crate) public: Vec<secret::Variant>,
    pub(crate) candidates: Vec<Candidate>,
}

/// One combination. Zero is as configured; `body` counts from one.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub(crate) struct Place {
    pub(crate) scheme: usize,
    pub(crate) body: usize,
    pub(crate) head: usize,
}

/// A combination that fits, with the key that it fits.
#[derive(Clone, Debug)]
pub(crate) struct Hit {
    pub(crate) place: Place,
    pub(crate) key: KeyPlace,
}

/// Which key: of which list, and where in it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum KeyPlace {
    Shared(usize),
    Public(usize),
    /// The ring as the operator gave it, and the key's place in it.
    Given(usize),
    /// A key that was found, by the scheme itself.
    Found,
}

/// A ring of keys and what it asks.
struct Ring {
    check: Arc<dyn Check>,
    keys: Keyring,
    places: Vec<KeyPlace>,
}

/// A scheme with its rings: first the keys as configured, then all others.
struct Loaded {
    ready: schemes::Ready,
    own: Vec<Ring>,
    others: RefCell<Option<Rc<Vec<Ring>>>>,
}

/// A body that was made; `None` if it cannot be, or is one that was tried.
type Made = Option<Rc<Vec<u8>>>;

pub(crate) struct Search<'a> {
    asked: &'a Asked<'a>,
    pub(crate) trial: Layer,
    pub(crate) axes: Axes<'a>,
    loaded: RefCell<Vec<Option<Option<Rc<Loaded>>>>>,
    made: RefCell<Vec<Option<Made>>>,
    distinct: RefCell<HashSet<u64>>,
    started: Instant,
    pub(crate) effort: RefCell<Effort>,
}

/// The budget is spent.
pub(crate) struct Spent;

impl<'a> Search<'a> {
    pub(crate) fn new(asked: &'a Asked<'a>, trial: Layer, axes: Axes<'a>, started: Instant) -> Self {
        let (schemes, bodies) = (axes.schemes.len(), axes.bodies.len());
        Search {
            asked,
            trial,
            axes,
            loaded: RefCell::new((0..schemes).map(|_| None).collect()),
            made: RefCell::new((0..bodies).map(|_| None).collect()),
            distinct: RefCell::new(HashSet::from([digest(asked.request.body)])),
            started,
            effort: RefCell::default(),
        }
    }

    /// The first combination that fits. `Err`: the budget ended the search.
    pub(crate) fn run(&self) -> Result<Option<Hit>, Spent> {
        let found = self.rings();
        let mut effort = self.effort.borrow_mut();
        effort.time = self.started.elapsed();
        effort.cut_short = found.is_err();
        drop(effort);
        Ok(found?.map(|hit| self.minimal(hit)))
    }

    fn rings(&self) -> Result<Option<Hit>, Spent> {
        let nothing = Place::default();
        // As it is, but for where the signature stands; then the keys; then everything else, once.
        if let Some(hit) = self.own(nothing)? {
            return Ok(Some(hit));
        }
        let singles = self.singles();
        let (likely, others): (Vec<Place>, Vec<Place>) =
            singles.iter().copied().partition(|place| self.rank(*place) < 66);
        if let Some(hit) = self.others(nothing)? {
            return Ok(Some(hit));
        }
        for place in likely.iter().chain(&others) {
            if let Some(hit) = self.own(*place)? {
                return Ok(Some(hit));
            }
        }
        // Two of different kinds: what changes a body or a scheme with another key, and one of each.
        let large = self.asked.request.body.len() > LARGE;
        let mut pairs: Vec<(u32, bool, Place)> =
            likely.iter().map(|place| (self.rank(*place) + 3, true, *place)).collect();
        let most = if large { 55 } else { 125 };
        for (index, a) in likely.iter().enumerate() {
            for b in &likely[index + 1..] {
                let rank = self.rank(*a) + self.rank(*b);
                if let Some(place) = joined(*a, *b).filter(|_| rank < most) {
                    pairs.push((rank, false, place));
                }
            }
        }
        pairs.sort_by_key(|(rank, _, _)| *rank);
        for (_, keys, place) in pairs.iter() {
            let hit = if *keys { self.others(*place)? } else { self.own(*place)? };
            if let Some(hit) = hit {
                return Ok(Some(hit));
            }
        }
        // Less likely pairs, and three together.
        for place in others {
            if let Some(hit) = self.others(place)? {
                return Ok(Some(hit));
            }
        }
        for (_, _, place) in pairs.iter().filter(|(rank, keys, _)| !keys && *rank < most / 2) {
            if let Some(hit) = self.others(*place)? {
                return Ok(Some(hit));
            }
        }
        Ok(None)
    }

    /// What no preset can say, tried when all else is: key and message the wrong way round, and a MAC of which the end was cut off.
    pub(crate) fn last(&self) -> Option<Deviation> {
        let loaded = self.load(0)?;
        if !loaded.ready.kinds.contains(&KeyKind::Shared) {
            return None;
        }
        self.swapped(&loaded.ready.kinds).or_else(|| self.cut(&loaded))
    }

    fn swapped(&self, kinds: &[KeyKind]) -> Option<Deviation> {
        let body = self.asked.request.body;
        let compiled = schemes::bare(self.asked.registry, &self.trial, kinds, self.axes.candidates.len())?;
        let mut ring = Keyring::new();
        ring.add(Key::new(
            KeyId::new("body"),
            KeyKind::Shared,
            Secret::new(const_hex::encode(body).into_bytes()).ok()?,
        ))
        .ok()?;
        let check = compiled.scheme().bind(&ring, self.asked.source.vars).ok()?;
        let lines = candidates::headers(&self.axes.candidates.iter().collect::<Vec<_>>());
        let fits = self.axes.shared.iter().take(12).any(|variant| {
            let request =
                Request::new(Head::new("POST", self.asked.request.head.url, &lines), &variant.bytes);
            check.check(&request, &Context::new(self.asked.now, self.asked.remote)).is_ok()
        });
        let says = "the sender takes the message for the key and the secret for the message";
        fits.then(|| {
            Deviation::new(
                "algorithm/key-and-message-swapped",
                0,
                says,
                "mend the sender: its arguments are the wrong way round",
            )
        })
    }

    /// The MAC never leaves this function: it is compared by its beginning with what the request carries.
    fn cut(&self, loaded: &Loaded) -> Option<Deviation> {
        let content: Vec<u8> = self
            .with_request(Place::default(), &self.axes.candidates.iter().collect::<Vec<_>>(), |request| {
                content_of(&*loaded.own.first()?.check, self.asked, request)
            })
            .flatten()?;
        for ring in &loaded.own {
            let Some((index, _)) = ring.keys.iter().next() else { continue };
            let Some(mac) = ring.check.mac(&content, [index].into_iter().collect()).map(Zeroizing::new)
            else {
                continue;
            };
            for (place, text) in candidates::texts(self.asked.request) {
                let found = candidates::short(&text).into_iter().find(|short| {
                    (8..mac.len()).contains(&short.len())
                        && countersign::ct::equal(&mac[..short.len()], short)
                });
                if let Some(short) = found {
                    let says = format!(
                        "the signature in {} is the first {} bytes of {}: the rest is cut off",
                        place.words(),
                        short.len(),
                        mac.len()
                    );
                    let advice = "no preset takes a part of a signature, for a part is easier to guess: have the sender send it whole";
                    return Some(Deviation::new("signature/cut-short", 0, says, advice));
                }
            }
        }
        None
    }

    /// Every single deviation of scheme, body and head, the likeliest first.
    fn singles(&self) -> Vec<Place> {
        let Axes { schemes, bodies, heads, .. } = &self.axes;
        let schemes = (1..schemes.len()).map(|scheme| Place { scheme, ..Place::default() });
        let bodies = (1..=bodies.len()).map(|body| Place { body, ..Place::default() });
        let heads = (1..heads.len()).map(|head| Place { head, ..Place::default() });
        let mut singles: Vec<Place> = schemes.chain(bodies).chain(heads).collect();
        singles.sort_by_key(|place| self.rank(*place));
        singles
    }

    fn rank(&self, place: Place) -> u32 {
        let of = |deviation: &Option<Deviation>| deviation.as_ref().map_or(0, |deviation| deviation.rank);
        let body = place.body.checked_sub(1).map_or(0, |at| self.axes.bodies[at].deviation.rank);
        of(&self.axes.schemes[place.scheme].deviation) + body + of(&self.axes.heads[place.head].deviation)
    }

    /// Ask with the keys as configured.
    fn own(&self, place: Place) -> Result<Option<Hit>, Spent> {
        let Some(loaded) = self.load(place.scheme) else { return Ok(None) };
        self.ask(place, &loaded.ready, &loaded.own)
    }

    /// Ask with every other key.
    fn others(&self, place: Place) -> Result<Option<Hit>, Spent> {
        let Some(loaded) = self.load(place.scheme) else { return Ok(None) };
        let rings = loaded
            .others
            .borrow_mut()
            .get_or_insert_with(|| Rc::new(self.load_rings(&loaded.ready, false)))
            .clone();
        self.ask(place, &loaded.ready, &rings)
    }

    fn ask(&self, place: Place, ready: &schemes::Ready, rings: &[Ring]) -> Result<Option<Hit>, Spent> {
        if rings.is_empty() {
            return Ok(None);
        }
        let made;
        let body: &[u8] = match place.body {
            0 => self.asked.request.body,
            at => match self.body(at) {
                Some(body) => {
                    made = body;
                    &made
                }
                None => return Ok(None),
            },
        };
        let candidates: Vec<&Candidate> =
            if ready.wide { self.axes.candidates.iter().collect() } else { Vec::new() };
        for ring in rings {
            self.spend(body.len(), ring.places.len())?;
            if let Some(key) = self.fits(place, body, &candidates, ring) {
                return Ok(Some(Hit { place, key }));
            }
        }
        Ok(None)
    }

    /// The key of a ring that a combination fits.
    fn fits(&self, place: Place, body: &[u8], candidates: &[&Candidate], ring: &Ring) -> Option<KeyPlace> {
        let head = &self.axes.heads[place.head];
        let mut headers = head.headers.clone();
        headers.extend(candidates::headers(candidates));
        let request = Request::new(Head::new(&head.method, &head.url, &headers), body);
        let cx = Context::new(self.asked.now, self.asked.remote);
        let evidence = ring.check.check(&request, &cx).ok()?;
        match evidence.signed_by {
            SignedBy::Held(set) => {
                let at = ring.keys.iter().position(|(index, _)| set.contains(index))?;
                ring.places.get(at).copied()
            }
            SignedBy::Fetched(..) => Some(KeyPlace::Found),
        }
    }

    /// A tenth of the time is kept for what a hit means, and for the trial that is under way when the rest is spent.
    fn spend(&self, body: usize, keys: usize) -> Result<(), Spent> {
        let mut effort = self.effort.borrow_mut();
        effort.trials += keys as u64;
        effort.bytes += (body as u64 + 128) * keys as u64;
        // Looking at the clock costs as much as a small trial.
        let look = effort.trials % 16 < keys as u64 || body > 4096;
        match effort.bytes > self.asked.budget.bytes
            || look && self.started.elapsed() > self.asked.budget.time * 9 / 10
        {
            true => Err(Spent),
            false => Ok(()),
        }
    }

    /// A body as it may have been sent; `None` if it is one that was tried under another name.
    pub(crate) fn body(&self, at: usize) -> Made {
        if let Some(made) = &self.made.borrow()[at - 1] {
            return made.clone();
        }
        let received = self.asked.request.body;
        let sent = self.axes.bodies[at - 1]
            .sent(received)
            .filter(|sent| self.distinct.borrow_mut().insert(digest(sent)));
        let sent = sent.map(Rc::new);
        let kept: usize = self.made.borrow().iter().flatten().flatten().map(|body| body.len()).sum();
        if sent.as_ref().is_none_or(|sent| kept + sent.len() <= KEPT) {
            self.made.borrow_mut()[at - 1] = Some(sent.clone());
        }
        sent
    }

    fn load(&self, scheme: usize) -> Option<Rc<Loaded>> {
        if let Some(loaded) = &self.loaded.borrow()[scheme] {
            return loaded.clone();
        }
        let variant = &self.axes.schemes[scheme];
        let ready =
            variant.ready(self.asked.registry, &self.trial, self.axes.candidates.len(), self.asked.request);
        let loaded = ready.map(|ready| {
            let own = self.load_rings(&ready, true);
            Rc::new(Loaded { ready, own, others: RefCell::default() })
        });
        self.loaded.borrow_mut()[scheme] = Some(loaded.clone());
        loaded
    }

    /// The keys as configured, or all others, in rings.
    fn load_rings(&self, ready: &schemes::Ready, own: bool) -> Vec<Ring> {
        if !ready.raw_keys {
            // The scheme reads keys in its own way, or has none: as the operator gave them.
            let ring = own.then(|| self.ring_of(ready, given(self.asked.source.keys), &[]));
            return ring.flatten().into_iter().collect();
        }
        let shared = ready.kinds.contains(&KeyKind::Shared);
        let (list, size): (&[secret::Variant], usize) =
            if shared { (&self.axes.shared, RING) } else { (&self.axes.public, 1) };
        let place = |at: usize| if shared { KeyPlace::Shared(at) } else { KeyPlace::Public(at) };
        let kind = if shared { KeyKind::Shared } else { KeyKind::Public };
        let chosen: Vec<usize> = (0..list.len()).filter(|at| (list[*at].steps == 0) == own).collect();
        chosen
            .chunks(size)
            .flat_map(|part| self.rings_of(ready, part, &|at| (raw_key(at, &list[at], kind), place(at))))
            .collect()
    }

    /// Rings of some keys. One that the mode does not take, being too short for it, say, must not spoil the others: halves are asked.
    fn rings_of(
        &self,
        ready: &schemes::Ready,
        part: &[usize],
        key: &dyn Fn(usize) -> (Option<Key>, KeyPlace),
    ) -> Vec<Ring> {
        let keys = part.iter().filter_map(|at| {
            let (key, place) = key(*at);
            Some((key?, place))
        });
        match (self.ring_of(ready, keys.collect(), part), part.len()) {
            (Some(ring), _) => vec![ring],
            (None, 0 | 1) => Vec::new(),
            (None, many) => {
                let (a, b) = part.split_at(many / 2);
                [a, b].into_iter().flat_map(|half| self.rings_of(ready, half, key)).collect()
            }
        }
    }

    fn ring_of(&self, ready: &schemes::Ready, keys: Vec<(Key, KeyPlace)>, part: &[usize]) -> Option<Ring> {
        let mut ring = Keyring::new();
        let mut places = Vec::with_capacity(keys.len());
        for (key, place) in keys {
            ring.add(key).ok()?;
            places.push(place);
        }
        if ring.is_empty() && !part.is_empty() {
            return None;
        }
        let vars = self.asked.source.vars;
        let check =
            ready.scheme.as_deref().unwrap_or_else(|| ready.compiled.scheme()).bind(&ring, vars).ok()?;
        if places.is_empty() {
            places.push(KeyPlace::Found);
        }
        Some(Ring { check, keys: ring, places })
    }

    /// The names of all presets that a hit fits as well, if it is another preset's way.
    pub(crate) fn alike(&self, hit: &Hit) -> Vec<&str> {
        let fits = |(scheme, variant): (usize, &'_ schemes::Variant)| {
            variant.other()?;
            let place = Place { scheme, ..hit.place };
            let found = self.own(place).ok().flatten().or_else(|| self.others(place).ok().flatten());
            found.filter(|found| found.key == hit.key).map(|_| scheme)
        };
        let all = self.axes.schemes.iter().enumerate().filter_map(fits);
        all.filter_map(|scheme| self.axes.schemes[scheme].other()).collect()
    }

    /// Without whatever is not needed.
    fn minimal(&self, hit: Hit) -> Hit {
        let Hit { place, key } = hit;
        let dropped = [Place { scheme: 0, ..place }, Place { body: 0, ..place }, Place { head: 0, ..place }];
        for less in dropped.into_iter().filter(|less| *less != place) {
            let found = self.own(less).ok().flatten().or_else(|| self.fits_key(less, key));
            if let Some(less) = found {
                return self.minimal(less);
            }
        }
        Hit { place, key }
    }

    /// Whether a combination fits this one key.
    fn fits_key(&self, place: Place, key: KeyPlace) -> Option<Hit> {
        let hit = self.others(place).ok().flatten()?;
        (hit.key == key).then_some(hit)
    }

    /// The check of the one key of a hit, with or without the wide signature.
    pub(crate) fn check_of(&self, hit: &Hit, layer: Option<&Layer>) -> Option<Arc<dyn Check>> {
        let loaded = self.load(hit.place.scheme)?;
        let keys: Vec<(Key, KeyPlace)> = match hit.key {
            KeyPlace::Shared(at) => vec![(raw_key(at, &self.axes.shared[at], KeyKind::Shared)?, hit.key)],
            KeyPlace::Public(at) => vec![(raw_key(at, &self.axes.public[at], KeyKind::Public)?, hit.key)],
            KeyPlace::Given(_) | KeyPlace::Found => given(self.asked.source.keys),
        };
        match layer {
            None => Some(self.ring_of(&loaded.ready, keys, &[])?.check),
            Some(layer) => {
                let compiled = self.asked.registry.compile_layer(layer).ok()?;
                let ready = schemes::Ready {
                    narrow: layer.clone(),
                    compiled,
                    scheme: None,
                    kinds: Vec::new(),
                    wide: false,
                    raw_keys: true,
                };
                Some(self.ring_of(&ready, keys, &[])?.check)
            }
        }
    }

    /// The tree of a hit's scheme, with its own places of signatures.
    pub(crate) fn narrow(&self, hit: &Hit) -> Option<(Layer, bool, Vec<KeyKind>)> {
        let loaded = self.load(hit.place.scheme)?;
        Some((loaded.ready.narrow.clone(), loaded.ready.wide, loaded.ready.kinds.clone()))
    }

    /// Ask a check about a combination, with some of the candidates.
    pub(crate) fn holds(&self, check: &dyn Check, place: Place, candidates: &[&Candidate]) -> bool {
        self.with_request(place, candidates, |request| {
            check.check(request, &Context::new(self.asked.now, self.asked.remote)).is_ok()
        })
        .unwrap_or(false)
    }

    /// Lend a combination's request.
    pub(crate) fn with_request<T>(
        &self,
        place: Place,
        candidates: &[&Candidate],
        ask: impl FnOnce(&Request<'_>) -> T,
    ) -> Option<T> {
        let made;
        let body: &[u8] = match place.body {
            0 => self.asked.request.body,
            at => {
                made = self.body(at)?;
                &made
            }
        };
        let head = &self.axes.heads[place.head];
        let mut headers = head.headers.clone();
        headers.extend(candidates::headers(candidates));
        Some(ask(&Request::new(Head::new(&head.method, &head.url, &headers), body)))
    }
}

/// What a check signs, put together.
fn content_of(check: &dyn Check, asked: &Asked<'_>, request: &Request<'_>) -> Option<Vec<u8>> {
    struct Together(Option<Vec<u8>>);
    impl Explain for Together {
        fn step(&mut self, step: Step<'_>) {
            match step {
                Step::Part { bytes, .. } => {
                    self.0.iter_mut().for_each(|content| content.extend_from_slice(bytes))
                }
                Step::SecretPart { .. } => self.0 = None,
                _ => {}
            }
        }
    }
    let mut together = Together(Some(Vec::new()));
    check.explain(request, &Context::new(asked.now, asked.remote), &mut together);
    together.0
}

/// Two places as one, if they differ in different things.
fn joined(a: Place, b: Place) -> Option<Place> {
    let one = |a: usize, b: usize| match (a, b) {
        (0, other) | (other, 0) => Some(other),
        _ => None,
    };
    Some(Place { scheme: one(a.scheme, b.scheme)?, body: one(a.body, b.body)?, head: one(a.head, b.head)? })
}

/// The operator's own keys, without their windows: those are judged at the end.
fn given(keys: &Keyring) -> Vec<(Key, KeyPlace)> {
    let copied = |(at, (_, key)): (usize, (countersign::KeyIndex, &Key))| {
        let mut copy = Key::new(key.id.clone(), key.kind, Secret::new(key.material.expose()).ok()?);
        copy.role = key.role.clone();
        Some((copy, KeyPlace::Given(at)))
    };
    keys.iter().enumerate().filter_map(copied).collect()
}

fn raw_key(at: usize, variant: &secret::Variant, kind: KeyKind) -> Option<Key> {
    let bytes = &variant.bytes;
    let contained = kind != KeyKind::Shared && (bytes.starts_with(b"-----BEGIN") || bytes.starts_with(b"{"));
    let secret = match contained {
        true => Secret::new(&bytes[..]),
        false => Secret::new(const_hex::encode(&bytes[..]).into_bytes()),
    };
    let mut key = Key::new(KeyId::new(format!("k{at}")), kind, secret.ok()?);
    key.role = variant.role.clone();
    Some(key)
}

fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}
