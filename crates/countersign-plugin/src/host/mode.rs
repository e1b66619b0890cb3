//! A loaded mode as the core sees it: a [`Mode`] like any other, which asks one handle for each key and believes no more
//! than the contract allows.

use super::call::{Gate, view};
use super::credential::{Credential, Part, Setup, Signed, ask, kind_bit, sign, vars_of};
use super::descriptor::{DescribedMode, Functions, check_needs};
use super::pool::Late;
use super::redact::Spellings;
use super::spec::Isolation;
use super::verdict::{Answer, Match, Prints};
use super::watch::Shared;
use crate::abi;
use crate::border;
use crate::table;
use countersign::config::{ConfigCode, ConfigError, ConfigErrors};
use countersign::{
    Binds, BodyNeed, Check, Context, DetailInfo, Document, Draft, Evidence, Fingerprints, Head, KeyError,
    KeyId, KeyRequest, KeySet, Keyring, MAX_FETCHES, Mark, MarkPlace, Mode, ModeConfig, ModeInfo, Needs,
    Reason, Refusal, Rejection, Request, RequestKind, Scheme, Sign, SignedBy, Timestamp, Vars,
};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What a module said under no code of its own.
pub(super) const SAID: &str = "module/said";
const FAULT: &str = "module/fault";
const QUARANTINED: &str = "module/quarantined";
const DEADLINE: &str = "module/deadline";
const BUSY: &str = "module/busy";
const FETCH_REFUSED: &str = "module/fetch-refused";
const CROWDED: &str = "too many requests wait for the module";

/// The details that stand behind every loaded mode, beside its own.
pub const DETAILS: &[DetailInfo] = &[
    detail(FAULT, Reason::ModeFault, "the module broke its contract or failed"),
    detail(
        QUARANTINED,
        Reason::ModeFault,
        "the module has failed too often or hangs, and is not asked any more",
    ),
    detail(DEADLINE, Reason::ModeFault, "the module had no answer in time"),
    detail(BUSY, Reason::ModeFault, CROWDED),
    detail(FETCH_REFUSED, Reason::KeyUnavailable, "the module wants something fetched that it may not have"),
    detail(SAID, Reason::BadSignature, "what the module said, under no code of its own; with any refusal"),
];

const fn detail(code: &'static str, reason: Reason, says: &'static str) -> DetailInfo {
    (Cow::Borrowed(code), reason, Cow::Borrowed(says))
}

/// What all schemes of one loaded mode have in common.
pub(super) struct Shape {
    /// The module's own rows, in its order.
    pub(super) details: Vec<DetailInfo>,
    pub(super) needs: abi::Needs,
    pub(super) functions: Functions,
    pub(super) gate: Option<Arc<Gate>>,
    pub(super) shared: Arc<Shared>,
}

/// A mode of a module.
pub(super) struct LoadedMode {
    info: ModeInfo,
    pub(super) shape: Arc<Shape>,
}

impl LoadedMode {
    pub(super) fn new(described: DescribedMode, shared: Arc<Shared>) -> Self {
        let DescribedMode { mut info, needs, serial, functions } = described;
        let details = info.details.to_vec();
        info.details.to_mut().extend_from_slice(DETAILS);
        let gate = serial.then(Arc::default);
        LoadedMode { info, shape: Arc::new(Shape { details, needs, functions, gate, shared }) }
    }
}

impl Mode for LoadedMode {
    fn info(&self) -> &ModeInfo {
        &self.info
    }

    fn compile(&self, config: &ModeConfig) -> Result<Box<dyn Scheme>, ConfigErrors> {
        let config_json: Arc<[u8]> = table::to_json(config.table()).into();
        let setup = Setup {
            shape: self.shape.clone(),
            config: config_json.clone(),
            vars: vars_of(config.vars(), &Vars::new()),
            part: None,
            purpose: abi::FOR_CHECK,
        };
        let whole = |says: String| {
            let says = format!("the module {}: {says}", self.shape.shared.name);
            ConfigErrors::from(ConfigError::at(ConfigCode::MalformedConfig, config.span(), says))
        };
        let outcome = setup.compile().map_err(whole)?;
        let spellings = Spellings::of([]);
        match outcome.status {
            abi::OK => {}
            abi::BAD_CONFIG => {
                let lines = String::from_utf8_lossy(&outcome.errors).into_owned();
                let clean = |text: &str| spellings.clean(text.as_bytes());
                let complaints = table::complaints(&lines, config.table(), &clean);
                return Err(match complaints.is_empty() {
                    true => whole("it refuses this table, and does not say why".into()),
                    false => ConfigErrors(complaints),
                });
            }
            abi::PANIC => return Err(whole("it panicked while it read this table".into())),
            status => return Err(whole(format!("it returned the status {status} for this table"))),
        }
        let needs = self.needs(&outcome.needs, &outcome.notes).map_err(whole)?;
        Ok(Box::new(LoadedScheme {
            shape: self.shape.clone(),
            config: config_json,
            vars: config.vars().into(),
            needs,
        }))
    }
}

impl LoadedMode {
    /// What a table needs, held against what the mode says that any may.
    fn needs(&self, needs: &abi::Needs, notes: &[u8]) -> Result<Needs, String> {
        check_needs(needs)?;
        let most = &self.shape.needs;
        if needs.body > most.body
            || needs.keys & !most.keys != 0
            || needs.abilities & !most.abilities != 0
            || most.binds & !needs.binds != 0
        {
            return Err("this table needs more, or binds less, than the mode says that any does".into());
        }
        let body = if needs.body == abi::BODY_NOTHING { BodyNeed::Nothing } else { BodyNeed::Whole };
        let kinds: Vec<_> =
            border::KINDS.iter().filter(|(_, bit)| needs.keys & bit != 0).map(|(kind, _)| *kind).collect();
        let may_want = needs.abilities & abi::MAY_WANT != 0;
        if kinds.is_empty() && !may_want {
            return Err("this table takes no key, and asks for none".into());
        }
        let mut ours = Needs::new(body, kinds).remote(may_want);
        ours.binds = border::binds_of(needs.binds).unwrap_or_default();
        ours.content = needs.abilities & abi::SAME_CONTENT == 0;
        let notes = String::from_utf8_lossy(notes).into_owned();
        let spellings = Spellings::of([]);
        let note = |note: &str| Cow::Owned(spellings.clean(note.as_bytes()));
        ours.notes = notes.lines().filter(|note| !note.trim().is_empty()).map(note).collect();
        Ok(ours)
    }
}

struct LoadedScheme {
    shape: Arc<Shape>,
    config: Arc<[u8]>,
    vars: Arc<[countersign::Var]>,
    needs: Needs,
}

impl Scheme for LoadedScheme {
    fn needs(&self) -> Needs {
        self.needs.clone()
    }

    fn bind(&self, keys: &Keyring, vars: &Vars) -> Result<Arc<dyn Check>, KeyError> {
        let credentials = self.credentials(keys, vars, abi::FOR_VERIFY)?;
        Ok(Arc::new(LoadedCheck(Arc::new(Bound {
            shape: self.shape.clone(),
            credentials,
            binds: self.needs.binds,
            body: self.needs.body,
        }))))
    }

    fn signer(&self, keys: &Keyring, vars: &Vars) -> Result<Box<dyn Sign>, KeyError> {
        if self.shape.functions.sign.is_none() {
            return Err(KeyError::cannot_sign());
        }
        let credentials = self.credentials(keys, vars, abi::FOR_SIGN)?;
        Ok(Box::new(LoadedSign { shape: self.shape.clone(), credentials }))
    }
}

impl LoadedScheme {
    /// One handle a key, or one without.
    fn credentials(&self, keys: &Keyring, vars: &Vars, purpose: u32) -> Result<Vec<Credential>, KeyError> {
        let values = vars_of(&self.vars, vars);
        let setup = |part: Option<Part>| Setup {
            shape: self.shape.clone(),
            config: self.config.clone(),
            vars: values.clone(),
            part,
            purpose,
        };
        if keys.is_empty() {
            // Where keys are needed, the core has refused a ring without them already.
            return match self.needs.keys.is_empty() {
                true => Ok(vec![Credential::new(setup(None))?]),
                false => Err(KeyError::new("no key is given")),
            };
        }
        keys.iter()
            .map(|(index, key)| {
                Credential::new(setup(Some(Part {
                    index: Some(index),
                    id: key.id.as_str().to_owned(),
                    role: key.role.as_deref().unwrap_or_default().to_owned(),
                    kind: kind_bit(key.kind),
                    value: Zeroizing::new(key.material.expose().to_vec()),
                })))
            })
            .collect()
    }
}

struct LoadedCheck(Arc<Bound>);

struct Bound {
    shape: Arc<Shape>,
    credentials: Vec<Credential>,
    binds: Binds,
    body: BodyNeed,
}

/// What was fetched for a request.
type Materials = SmallVec<[(RequestKind, Arc<str>, Document); 2]>;

impl Check for LoadedCheck {
    fn check<'r>(&self, request: &Request<'r>, cx: &Context<'_>) -> Result<Evidence<'r>, Refusal> {
        let bound = &self.0;
        let shared = &bound.shape.shared;
        if shared.is_quarantined() {
            return Err(refused(
                QUARANTINED,
                "the module is not asked any more, until an operator has looked at it",
            ));
        }
        let mut gathered = Gathered::default();
        match shared.isolation {
            Isolation::Inline => {
                // Filled where it is: it is big, and moving it would cost more than filling it.
                let mut crossing = Crossing::new(request, bound.body);
                crossing.fill(request);
                if let [credential] = &bound.credentials[..] {
                    // The most common source has one key, and nothing to gather.
                    let mut prints = Prints::new();
                    let asked = self.resolve(cx, &mut prints, |materials, known| {
                        bound.ask(0, &crossing, cx.now, materials, known)
                    })?;
                    if let Answer::Match(matched) = asked {
                        let found = matched.key_id.as_deref().map(KeyId::new);
                        return evidence(matched, &prints, credential.index().into_iter().collect(), found);
                    }
                    gathered.prints = prints;
                    gathered.take(bound, 0, asked)?;
                    return gathered.settle();
                }
                for number in 0..bound.credentials.len() {
                    let asked = self.resolve(cx, &mut gathered.prints, |materials, known| {
                        bound.ask(number, &crossing, cx.now, materials, known)
                    })?;
                    gathered.take(bound, number, asked)?;
                }
            }
            Isolation::Thread => {
                let owned = Arc::new(OwnedRequest::of(request, bound.body));
                for number in 0..bound.credentials.len() {
                    let asked = self.resolve(cx, &mut gathered.prints, |materials, known| {
                        self.ask_thread(number, &owned, cx.now, materials, known)
                    })?;
                    gathered.take(bound, number, asked)?;
                }
            }
        }
        gathered.settle()
    }
}

/// An answer, or that nothing is known, with the reason.
type Asked = Result<Answer, Refusal>;

fn refused(code: &'static str, says: impl Into<Cow<'static, str>>) -> Refusal {
    Rejection::new(Reason::ModeFault).detail(code, says).into()
}

impl LoadedCheck {
    /// Ask, and give what is wanted.
    #[inline]
    fn resolve(
        &self,
        cx: &Context<'_>,
        known: &mut Prints,
        mut ask: impl FnMut(&Materials, &mut Prints) -> Asked,
    ) -> Asked {
        match ask(&Materials::new(), known)? {
            Answer::Wants(wanted) => self.provide(wanted, cx, known, &mut ask),
            answer => Ok(answer),
        }
    }

    /// Give what is wanted, as long as the host has it.
    fn provide(
        &self,
        mut wanted: KeyRequest,
        cx: &Context<'_>,
        known: &mut Prints,
        ask: &mut dyn FnMut(&Materials, &mut Prints) -> Asked,
    ) -> Asked {
        let Bound { shape, .. } = &*self.0;
        let mut materials = Materials::new();
        for _ in 0..=MAX_FETCHES {
            let unavailable = |says: &'static str| {
                let rejection = Rejection::new(Reason::KeyUnavailable).detail(FETCH_REFUSED, says);
                Ok(Answer::Refused(rejection))
            };
            if shape.needs.abilities & abi::MAY_WANT == 0 {
                return Ok(fault(shape, "the module wants something fetched, and has not said that it may"));
            }
            if wanted.kind == RequestKind::Url && !may_fetch(&wanted.name, &shape.shared.fetch_hosts) {
                return unavailable(
                    "the URL that it wants is on no host of `fetch_hosts`, or not plain https",
                );
            }
            let given =
                materials.iter().position(|(kind, name, _)| *kind == wanted.kind && **name == *wanted.name);
            if given.is_some() && wanted.newer_than.is_none() {
                return unavailable("it has what it wants, and wants it again");
            }
            if given.is_none() && materials.len() == MAX_FETCHES {
                return unavailable("it wants more than two documents for one request");
            }
            let document = cx.remote.get(wanted.kind, &wanted.name);
            let fits = |document: &Document| wanted.newer_than.is_none_or(|than| document.fetched_at > than);
            let Some(document) = document.filter(fits) else {
                // One that was fetched just now is not asked for again: what it lacks is not there.
                if wanted.newer_than.is_some_and(|than| than >= cx.now) {
                    return unavailable("it wants what is newer than now");
                }
                return Ok(Answer::Wants(wanted));
            };
            match given {
                Some(given) => materials[given].2 = document,
                None => materials.push((wanted.kind, wanted.name, document)),
            }
            wanted = match ask(&materials, known)? {
                Answer::Wants(wanted) => wanted,
                answer => return Ok(answer),
            };
        }
        let rejection = Rejection::new(Reason::KeyUnavailable)
            .detail(FETCH_REFUSED, "it wants newer documents again and again");
        Ok(Answer::Refused(rejection))
    }

    /// The same in a thread of the module's own.
    fn ask_thread(
        &self,
        number: usize,
        owned: &Arc<OwnedRequest>,
        now: Timestamp,
        materials: &Materials,
        known: &mut Prints,
    ) -> Asked {
        let shared = &self.0.shape.shared;
        let Some(pool) = &shared.pool else { return Err(refused(FAULT, "there is no pool of threads")) };
        let (bound, owned, materials) = (self.0.clone(), owned.clone(), materials.clone());
        let asked = pool.ask(shared.deadline, move || {
            let (crossing, mut known) = (Crossing::of_owned(&owned), Prints::new());
            (bound.ask(number, &crossing, now, &materials, &mut known), known)
        });
        match asked {
            Ok((asked, own)) => {
                known.extend(own);
                asked
            }
            Err(Late::Full) => Err(refused(BUSY, CROWDED)),
            Err(late) => {
                if late != (Late::Deadline { waiting: true }) {
                    shared.fault();
                }
                if pool.is_lost() {
                    shared.quarantine("no thread of the module's comes back".into());
                }
                let says = match late {
                    Late::Deadline { waiting: true } => "no thread of the module's was free in time",
                    Late::Deadline { waiting: false } => {
                        "the module had no answer in time; its thread is given up"
                    }
                    Late::Full | Late::Gone => "the call ended without an answer",
                };
                Err(refused(DEADLINE, says))
            }
        }
    }
}

impl Bound {
    /// Ask one credential's handle.
    #[inline]
    fn ask(
        &self,
        number: usize,
        crossing: &Crossing<'_>,
        now: Timestamp,
        materials: &Materials,
        known: &mut Prints,
    ) -> Asked {
        let credential = &self.credentials[number];
        let materials: SmallVec<[abi::Material; 2]> = materials
            .iter()
            .map(|(kind, name, document)| abi::Material {
                kind: border::want_of(*kind),
                reserved: 0,
                name: view(name.as_bytes()),
                value: view(&document.bytes),
                fetched_ms: document.fetched_at.unix_ms(),
            })
            .collect();
        let request = abi::Request {
            struct_size: size_of::<abi::Request>(),
            method: view(crossing.method.as_bytes()),
            url: view(crossing.url.as_bytes()),
            headers: crossing.headers.as_ptr(),
            header_count: crossing.headers.len(),
            body: view(crossing.body),
            now_ms: now.unix_ms(),
            materials: materials.as_ptr(),
            material_count: materials.len(),
        };
        let secrets = || Setup::spellings(&self.credentials.iter().map(|c| &c.setup).collect::<Vec<_>>());
        let handle = credential.handle();
        match ask(&handle, &self.shape, self.binds, &request, known, &secrets) {
            Answer::Panicked => {
                credential.renew(&handle);
                Ok(fault(&self.shape, "the module panicked"))
            }
            Answer::Fault(says) => Ok(fault(&self.shape, says)),
            // Strangers decide how many there are: that must never count.
            Answer::Busy => Err(refused(BUSY, CROWDED)),
            answer => Ok(answer),
        }
    }
}

/// Counted, and told.
fn fault(shape: &Shape, says: impl Into<String>) -> Answer {
    shape.shared.fault();
    Answer::Fault(says.into())
}

/// Whether a URL is plain https on one of these hosts. The host's own client judges it once more.
fn may_fetch(url: &str, hosts: &[String]) -> bool {
    let plain = url.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    let Some(rest) = url.strip_prefix("https://").filter(|_| plain) else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.strip_suffix(":443").unwrap_or(authority);
    hosts.iter().any(|allowed| allowed == host)
}

/// What the credentials came to, together.
#[derive(Default)]
struct Gathered {
    keys: KeySet,
    found: Option<KeyId>,
    first: Option<Match>,
    prints: Prints,
    nearest: Option<Rejection>,
    wanted: Option<KeyRequest>,
}

impl Gathered {
    fn take(&mut self, bound: &Bound, number: usize, answer: Answer) -> Result<(), Refusal> {
        match answer {
            Answer::Match(matched) => {
                if let Some(index) = bound.credentials[number].index() {
                    self.keys.insert(index);
                }
                self.found = self.found.take().or(matched.key_id.as_deref().map(KeyId::new));
                match &mut self.first {
                    None => self.first = Some(matched),
                    Some(first) => {
                        // Two keys that sign one message say the same of it; what both bind is what is bound.
                        if first.message_id != matched.message_id {
                            fault(&bound.shape, "");
                            return Err(refused(FAULT, "the module gives one message two ids"));
                        }
                        first.binds = first.binds.common(matched.binds);
                        first.signed_until = first
                            .signed_until
                            .or(first.signed_at)
                            .max(matched.signed_until.or(matched.signed_at))
                            .filter(|_| first.signed_at != matched.signed_at || first.signed_until.is_some());
                        first.signed_at = first.signed_at.min(matched.signed_at);
                    }
                }
            }
            Answer::Refused(rejection) => {
                self.nearest = Some(match self.nearest.take() {
                    None => rejection,
                    Some(nearest) => nearest.or_nearer(rejection),
                });
            }
            Answer::Wants(wanted) => self.wanted = self.wanted.take().or(Some(wanted)),
            Answer::Fault(says) => return Err(refused(FAULT, says)),
            Answer::Busy | Answer::Panicked | Answer::NoSpace(_) => {
                return Err(refused(FAULT, "the module failed"));
            }
        }
        Ok(())
    }

    fn settle<'r>(self) -> Result<Evidence<'r>, Refusal> {
        let Gathered { keys, found, first, mut prints, nearest, wanted } = self;
        let Some(matched) = first else {
            return Err(match (wanted, nearest) {
                (Some(wanted), _) => Refusal::Unresolved(wanted),
                (None, Some(nearest)) => nearest.into(),
                (None, None) => Reason::BadSignature.into(),
            });
        };
        if prints.len() > 1 {
            prints.sort_unstable();
            prints.dedup();
        }
        evidence(matched, &prints, keys, found)
    }
}

/// What a match comes to.
fn evidence<'r>(
    matched: Match,
    prints: &[[u8; 32]],
    keys: KeySet,
    found: Option<KeyId>,
) -> Result<Evidence<'r>, Refusal> {
    let signed_by = match found {
        Some(id) => SignedBy::Fetched(id, keys),
        None if keys.is_empty() => {
            return Err(refused(FAULT, "the module verified a message, and names no key"));
        }
        None => SignedBy::Held(keys),
    };
    let prints = match prints {
        [print] => Fingerprints::content(*print),
        _ => Fingerprints::tags(prints.iter().copied()),
    };
    let mut evidence = Evidence::new(signed_by, prints, matched.binds);
    evidence.signed_at = matched.signed_at;
    evidence.signed_until = matched.signed_until;
    evidence.message_id = matched.message_id.map(Cow::Owned);
    Ok(evidence)
}

/// A request as it crosses: views of what the caller holds, with names in lower case.
struct Crossing<'r> {
    method: &'r str,
    url: &'r str,
    headers: SmallVec<[abi::Header; 24]>,
    body: &'r [u8],
    /// What the names that were not are in.
    lower: Vec<Box<[u8]>>,
}

impl<'r> Crossing<'r> {
    #[inline]
    fn new(request: &Request<'r>, need: BodyNeed) -> Self {
        let body = if need == BodyNeed::Nothing { &[] } else { request.body };
        let Head { method, url, .. } = request.head;
        Crossing { method, url, headers: SmallVec::new(), body, lower: Vec::new() }
    }

    /// Take in the headers.
    #[inline]
    fn fill(&mut self, request: &Request<'r>) {
        let Self { headers, lower, .. } = self;
        request.head.headers.each(&mut |name, value| {
            let name = if has_upper(name) { lowered(name, lower) } else { view(name) };
            headers.push(abi::Header { name, value: view(value) });
        });
    }

    fn of_owned(owned: &'r OwnedRequest) -> Self {
        let header =
            |(name, value): &(Vec<u8>, Vec<u8>)| abi::Header { name: view(name), value: view(value) };
        let headers = owned.headers.iter().map(header).collect();
        Crossing { method: &owned.method, url: &owned.url, headers, body: &owned.body, lower: Vec::new() }
    }
}

/// Whether a letter of a name is in upper case. Eight bytes at a time: every header of every request is looked at.
#[inline]
fn has_upper(name: &[u8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let upper_in = |word: u64| {
        // The high bit of a byte is set by adding as much as it lacks to 0x80, if it has as much as `A`; and not if as much
        // as what follows `Z`.
        let low = word & (0x7f * ONES);
        let from_a = low + (0x80 - u64::from(b'A')) * ONES;
        let past_z = low + (0x7f - u64::from(b'Z')) * ONES;
        from_a & !past_z & !word & (0x80 * ONES) != 0
    };
    let eight = |word: &[u8; 8]| upper_in(u64::from_ne_bytes(*word));
    if let (Some(first), Some(last)) = (name.first_chunk::<8>(), name.last_chunk::<8>()) {
        // The two overlap where they must; what is between them in a long name is looked at in its turn.
        return eight(first) || eight(last) || name.len() > 16 && name.as_chunks().0.iter().any(eight);
    }
    match (name.first_chunk::<4>(), name.last_chunk::<4>()) {
        (Some(first), Some(last)) => {
            upper_in(u64::from(u32::from_ne_bytes(*first)) << 32 | u64::from(u32::from_ne_bytes(*last)))
        }
        _ => name.iter().any(u8::is_ascii_uppercase),
    }
}

/// A name in lower case, kept in `lower`.
#[cold]
fn lowered(name: &[u8], lower: &mut Vec<Box<[u8]>>) -> abi::Bytes {
    let name: Box<[u8]> = name.to_ascii_lowercase().into();
    let seen = view(&name);
    lower.push(name);
    seen
}

/// The same, copied, for a thread that the caller may not wait for.
struct OwnedRequest {
    method: String,
    url: String,
    headers: Vec<(Vec<u8>, Vec<u8>)>,
    body: Vec<u8>,
}

impl OwnedRequest {
    fn of(request: &Request<'_>, need: BodyNeed) -> Self {
        let mut headers = Vec::new();
        request
            .head
            .headers
            .each(&mut |name, value| headers.push((name.to_ascii_lowercase(), value.to_vec())));
        let body = if need == BodyNeed::Nothing { Vec::new() } else { request.body.to_vec() };
        OwnedRequest { method: request.head.method.into(), url: request.head.url.into(), headers, body }
    }
}

struct LoadedSign {
    shape: Arc<Shape>,
    credentials: Vec<Credential>,
}

impl Sign for LoadedSign {
    /// In the caller's thread whatever the isolation: who signs is the operator, and no stranger waits.
    fn sign(&self, draft: &Draft<'_>, live: KeySet, out: &mut dyn FnMut(Mark)) -> Result<(), Rejection> {
        let fault = |says: String| {
            self.shape.shared.fault();
            Err(Rejection::new(Reason::ModeFault).detail(FAULT, says))
        };
        if self.shape.shared.is_quarantined() {
            return Err(
                Rejection::new(Reason::ModeFault).detail(QUARANTINED, "the module is not asked any more")
            );
        }
        let request = draft.request();
        let mut crossing = Crossing::new(&request, BodyNeed::Whole);
        crossing.fill(&request);
        let crossed = abi::Draft {
            struct_size: size_of::<abi::Draft>(),
            method: view(draft.method.as_bytes()),
            url: view(draft.url.as_bytes()),
            headers: crossing.headers.as_ptr(),
            header_count: crossing.headers.len(),
            body: view(draft.body),
            id: view(draft.id.as_bytes()),
            at_ms: draft.at.unix_ms(),
        };
        let mut placed: Vec<(MarkPlace, Vec<u8>)> = Vec::new();
        let is_live = |credential: &&Credential| credential.index().is_some_and(|index| live.contains(index));
        for credential in self.credentials.iter().filter(is_live) {
            let handle = credential.handle();
            let marks = match sign(&handle, &self.shape, &crossed) {
                Signed::Marks(marks) => marks,
                Signed::Refused(outcome, row, said) => {
                    let Some(reason) = border::reason_of(outcome) else {
                        return fault(format!(
                            "the module gives the outcome {outcome:#x}, which there is not"
                        ));
                    };
                    let code = (row as usize).checked_sub(1).and_then(|row| self.shape.details.get(row));
                    let code = code.map_or(Cow::Borrowed(SAID), |(code, ..)| code.clone());
                    let said = Setup::spellings(&[&credential.setup]).clean(&said);
                    return Err(Rejection::new(reason).detail(code, said));
                }
                Signed::Busy => return Err(Rejection::new(Reason::ModeFault).detail(BUSY, CROWDED)),
                Signed::Fault(says) => return fault(says),
            };
            for mark in marks {
                let Some(mark) = placed_mark(mark) else {
                    return fault(
                        "the module puts a mark where there is no place, or under a name that is no text"
                            .into(),
                    );
                };
                // The time and the id are every key's.
                let twin = (mark.place.clone(), mark.text.clone());
                if !placed.contains(&twin) {
                    placed.push(twin);
                    out(mark);
                }
            }
        }
        Ok(())
    }
}

fn placed_mark(mark: super::credential::RawMark) -> Option<Mark> {
    let name: Arc<str> = String::from_utf8(mark.name).ok().filter(|name| !name.is_empty())?.into();
    let joined_by = mark.joined_by.map(|text| String::from_utf8(text).ok().map(Cow::Owned));
    let place = match mark.place {
        abi::IN_HEADER => MarkPlace::Header(name),
        abi::IN_QUERY => MarkPlace::Query(name),
        abi::IN_FORM => MarkPlace::Form(name),
        abi::IN_JSON => MarkPlace::Json(name),
        _ => return None,
    };
    let joined_by = match joined_by {
        None => None,
        Some(text) => Some(text?),
    };
    Some(Mark { place, text: mark.text, joined_by })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upper_case_is_found_wherever_it_is() {
        for byte in 0..=u8::MAX {
            for at in 0..20 {
                let mut name = *b"x-a-header-of-twenty";
                name[at] = byte;
                for length in [at + 1, 20] {
                    assert_eq!(
                        has_upper(&name[..length]),
                        byte.is_ascii_uppercase(),
                        "{byte} at {at} of {length}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_module_fetches_from_the_operators_hosts_and_by_https_only() {
        let hosts = ["keys.example.com".to_owned()];
        for (url, may) in [
            ("https://keys.example.com/a", true),
            ("https://keys.example.com:443/a?b", true),
            ("https://keys.example.com", true),
            ("http://keys.example.com/a", false),
            ("https://keys.example.com.evil.example/a", false),
            ("https://keys.example.com@evil.example/a", false),
            ("https://keys.example.com:8443/a", false),
            ("https://KEYS.example.com/a", false),
            ("https://keys.example.com\\@evil.example/", false),
            ("file:///etc/passwd", false),
            ("", false),
        ] {
            assert_eq!(may_fetch(url, &hosts), may, "{url}");
        }
        assert!(!may_fetch("https://keys.example.com/", &[]));
    }
}
