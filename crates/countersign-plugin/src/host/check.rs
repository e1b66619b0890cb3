//! Asking a loaded mode about a request: one handle for each key, whatever the others said, and what they come to together.

use super::call::{Handle, view};
use super::credential::{Came, Credential, Setup, ask};
use super::crossing::{Crossing, Named, OwnedRequest};
use super::mode::{BUSY, CROWDED, DEADLINE, FAULT, FETCH_REFUSED, PANICKED, QUARANTINED, Shape, TWO_IDS};
use super::pool::Late;
use super::rooms::{Proof, Rooms};
use super::spec::Isolation;
use super::verdict::{Answer, Match, Prints, Said};
use crate::abi;
use crate::border;
use countersign::{
    Binds, BodyNeed, Check, Context, Document, Evidence, Fingerprints, KeyId, KeyRequest, KeySet,
    MAX_FETCHES, Reason, Refusal, Rejection, Request, RequestKind, SignedBy, Timestamp,
};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::sync::Arc;

/// A scheme with its keys.
pub(super) struct LoadedCheck(pub(super) Arc<Bound>);

pub(super) struct Bound {
    pub(super) shape: Arc<Shape>,
    pub(super) credentials: Vec<Credential>,
    pub(super) binds: Binds,
    pub(super) body: BodyNeed,
    /// The only headers that it looks at, if it says so.
    pub(super) named: Option<Named>,
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
        match (shared.isolation, &bound.credentials[..]) {
            (Isolation::Inline, [only]) => self.check_one(only, request, cx),
            (Isolation::Inline, _) => {
                let mut crossing = Crossing::new(request, bound.body);
                crossing.fill(request, bound.named.as_ref());
                self.gather(cx, |number, materials, known| {
                    bound.ask(number, &crossing, cx.now, materials, known)
                })
            }
            (Isolation::Thread, _) => {
                let owned = Arc::new(OwnedRequest::of(request, bound.body, bound.named.as_ref()));
                self.gather(cx, |number, materials, known| {
                    self.ask_thread(number, &owned, cx.now, materials, known)
                })
            }
        }
    }
}

/// An answer, or that nothing is known, with the reason.
type Asked<'r> = Result<Answer<'r>, Refusal>;

fn refused(code: &'static str, says: impl Into<Cow<'static, str>>) -> Refusal {
    Rejection::new(Reason::ModeFault).detail(code, says).into()
}

impl LoadedCheck {
    /// The most common source has one key, and nothing to gather.
    #[inline]
    fn check_one<'r>(
        &self,
        only: &Credential,
        request: &Request<'r>,
        cx: &Context<'_>,
    ) -> Result<Evidence<'r>, Refusal> {
        let bound = &self.0;
        // Filled where it is: it is big, and moving it would cost more than filling it.
        let mut crossing = Crossing::new(request, bound.body);
        crossing.fill(request, bound.named.as_ref());
        let handle = only.handle();
        if handle.gate().is_some() {
            return self.settle_one(&handle, &crossing, cx, None);
        }
        let crossed = crossing.cross(cx.now, &[]);
        let mut rooms = Rooms::of(bound.shape.shared.id);
        let status = bound.shape.shared.within(|| handle.verify(&crossed, rooms.lend()));
        // What nearly every verdict is, told apart at once and taken over where it lies. Whatever is not just that is read by
        // the general way, from the first rule on.
        let proof = rooms.proof(status, bound.binds).and_then(|proof| {
            let may_bind = bound.body != BodyNeed::Nothing || !proof.binds.contains(Binds::BODY);
            let id = match proof.message_id {
                [] => None,
                id => Some(Cow::Borrowed(crossing.shown(id)?)),
            };
            (may_bind && !only.own().is_empty()).then_some((proof, id))
        });
        let Some((proof, message_id)) = proof else {
            return self.settle_one(&handle, &crossing, cx, Some(Came { status, rooms }));
        };
        let Proof { binds, print, signed_at, .. } = proof;
        let print = *print;
        rooms.keep_proven();
        // Made last, where it is to stay.
        let mut evidence = Evidence::new(SignedBy::Held(only.own()), Fingerprints::content(print), binds);
        (evidence.signed_at, evidence.message_id) = (signed_at, message_id);
        Ok(evidence)
    }

    /// What the only credential comes to, whatever it says. `came`: what came back already.
    #[cold]
    fn settle_one<'r>(
        &self,
        handle: &Arc<Handle>,
        crossing: &Crossing<'r>,
        cx: &Context<'_>,
        mut came: Option<Came>,
    ) -> Result<Evidence<'r>, Refusal> {
        let bound = &self.0;
        let mut gathered = Gathered::default();
        let asked = self.resolve(cx, &mut gathered.prints, |materials, known| {
            bound.ask_handle(0, handle, crossing, cx.now, materials, came.take(), known)
        })?;
        gathered.take(bound, 0, asked)?;
        gathered.settle(bound)
    }

    /// Ask every credential, whatever the others said.
    fn gather<'r>(
        &self,
        cx: &Context<'_>,
        mut ask: impl FnMut(usize, &Materials, &mut Prints) -> Asked<'r>,
    ) -> Result<Evidence<'r>, Refusal> {
        let mut gathered = Gathered::default();
        for number in 0..self.0.credentials.len() {
            let asked =
                self.resolve(cx, &mut gathered.prints, |materials, known| ask(number, materials, known))?;
            gathered.take(&self.0, number, asked)?;
        }
        gathered.settle(&self.0)
    }

    /// Ask, and give what is wanted.
    #[inline(always)]
    fn resolve<'r>(
        &self,
        cx: &Context<'_>,
        known: &mut Prints,
        mut ask: impl FnMut(&Materials, &mut Prints) -> Asked<'r>,
    ) -> Asked<'r> {
        match ask(&Materials::new(), known)? {
            Answer::Wants(wanted) => self.provide(wanted, cx, known, &mut ask),
            answer => Ok(answer),
        }
    }

    /// Give what is wanted, as long as the host has it.
    fn provide<'r>(
        &self,
        mut wanted: KeyRequest,
        cx: &Context<'_>,
        known: &mut Prints,
        ask: &mut dyn FnMut(&Materials, &mut Prints) -> Asked<'r>,
    ) -> Asked<'r> {
        let Bound { shape, .. } = &*self.0;
        let mut materials = Materials::new();
        for _ in 0..=MAX_FETCHES {
            let unavailable = |says: &'static str| {
                let rejection = Rejection::new(Reason::KeyUnavailable).detail(FETCH_REFUSED, says);
                Ok(Answer::Refused(rejection, None))
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
        Ok(Answer::Refused(rejection, None))
    }

    /// The same in a thread of the module's own.
    fn ask_thread(
        &self,
        number: usize,
        owned: &Arc<OwnedRequest>,
        now: Timestamp,
        materials: &Materials,
        known: &mut Prints,
    ) -> Asked<'static> {
        let shared = &self.0.shape.shared;
        let Some(pool) = &shared.pool else { return Err(refused(FAULT, "there is no pool of threads")) };
        let (bound, owned, materials) = (self.0.clone(), owned.clone(), materials.clone());
        let asked = pool.ask(shared.deadline, move || {
            let (crossing, mut known) = (Crossing::of_owned(&owned), Prints::new());
            let asked = bound.ask(number, &crossing, now, &materials, &mut known);
            (asked.map(Answer::into_owned), known)
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
    fn ask<'r>(
        &self,
        number: usize,
        crossing: &Crossing<'r>,
        now: Timestamp,
        materials: &Materials,
        known: &mut Prints,
    ) -> Asked<'r> {
        let handle = self.credentials[number].handle();
        self.ask_handle(number, &handle, crossing, now, materials, None, known)
    }

    /// The same of a handle that was asked already, perhaps, and `came` back.
    #[expect(clippy::too_many_arguments, reason = "a request, who is asked, and what is known of it")]
    fn ask_handle<'r>(
        &self,
        number: usize,
        handle: &Arc<Handle>,
        crossing: &Crossing<'r>,
        now: Timestamp,
        materials: &Materials,
        came: Option<Came>,
        known: &mut Prints,
    ) -> Asked<'r> {
        // Nearly always there are none, and nothing is made ready for them then.
        let materials = match materials.is_empty() {
            true => SmallVec::new(),
            false => crossed(materials),
        };
        let request = crossing.cross(now, &materials);
        match ask(handle, &self.shape, self.binds, &request, crossing, came, known) {
            Answer::Panicked => {
                self.credentials[number].renew(handle);
                Ok(fault(&self.shape, PANICKED))
            }
            Answer::Fault(says) => Ok(fault(&self.shape, says)),
            // Strangers decide how many there are: that must never count.
            Answer::Busy => Err(refused(BUSY, CROWDED)),
            Answer::Match(matched)
                if self.body == BodyNeed::Nothing && matched.binds.contains(Binds::BODY) =>
            {
                Ok(fault(&self.shape, "the module binds a body that it was not given"))
            }
            answer => Ok(answer),
        }
    }

    /// A refusal with what the module says of it, fit to be shown. Every secret is looked for in every spelling, which costs
    /// more than all the rest: only of what is shown, and once a request.
    fn say(&self, rejection: Rejection, said: Said) -> Rejection {
        let (Some(said), Some(code)) = (said, rejection.detail.as_ref().map(|detail| detail.code.clone()))
        else {
            return rejection;
        };
        let setups: Vec<_> = self.credentials.iter().map(|credential| &credential.setup).collect();
        let says = Setup::spellings(&setups).clean(&said);
        rejection.detail(code, says)
    }
}

/// Documents as they cross.
#[cold]
fn crossed(materials: &Materials) -> SmallVec<[abi::Material; 2]> {
    let crosses = |(kind, name, document): &(RequestKind, Arc<str>, Document)| abi::Material {
        kind: border::want_of(*kind),
        reserved: 0,
        name: view(name.as_bytes()),
        value: view(&document.bytes),
        fetched_ms: document.fetched_at.unix_ms(),
    };
    materials.iter().map(crosses).collect()
}

/// Counted, and told.
fn fault(shape: &Shape, says: impl Into<String>) -> Answer<'static> {
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
struct Gathered<'r> {
    keys: KeySet,
    found: Option<KeyId>,
    first: Option<Match<'r>>,
    prints: Prints,
    nearest: Option<(Rejection, Said)>,
    wanted: Option<KeyRequest>,
}

impl<'r> Gathered<'r> {
    fn take(&mut self, bound: &Bound, number: usize, answer: Answer<'r>) -> Result<(), Refusal> {
        match answer {
            Answer::Match(matched) => {
                if let Some(index) = bound.credentials[number].index() {
                    self.keys.insert(index);
                }
                self.found = self.found.take().or(matched.key_id.as_deref().map(KeyId::new));
                match &mut self.first {
                    None => self.first = Some(matched),
                    Some(first) => {
                        // The sender wrote them: no fault of the module's, and none is chosen for him.
                        if first.message_id != matched.message_id {
                            let rejection = Rejection::new(Reason::MalformedSignature);
                            return Err(rejection
                                .detail(TWO_IDS, "each of two signatures has an id of its own")
                                .into());
                        }
                        // What both bind is what is bound, and both times are judged.
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
            Answer::Refused(rejection, said) => {
                // The first among equals.
                let is_nearer =
                    |(nearest, _): &(Rejection, Said)| rejection.reason.rank() > nearest.reason.rank();
                if self.nearest.as_ref().is_none_or(is_nearer) {
                    self.nearest = Some((rejection, said));
                }
            }
            Answer::Wants(wanted) => self.wanted = self.wanted.take().or(Some(wanted)),
            Answer::Fault(says) => return Err(refused(FAULT, says)),
            Answer::Busy | Answer::Panicked | Answer::NoSpace(_) => {
                return Err(refused(FAULT, "the module failed"));
            }
        }
        Ok(())
    }

    fn settle(self, bound: &Bound) -> Result<Evidence<'r>, Refusal> {
        let Gathered { keys, found, first, mut prints, nearest, wanted } = self;
        let Some(matched) = first else {
            return Err(match (wanted, nearest) {
                (Some(wanted), _) => Refusal::Unresolved(wanted),
                (None, Some((nearest, said))) => bound.say(nearest, said).into(),
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
#[inline(always)]
fn evidence<'r>(
    matched: Match<'r>,
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
    evidence.message_id = matched.message_id;
    Ok(evidence)
}

#[cfg(test)]
mod tests {
    use super::*;

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
