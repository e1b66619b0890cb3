//! From a question to an answer: what is wrong on the face of it, then the search, then what its hit means.

mod placed;

use crate::asked::Asked;
use crate::candidates::Candidate;
use crate::deviation::Deviation;
use crate::diagnosis::{Diagnosis, Finding, KeyShown, Piece, Proof, State};
use crate::head;
use crate::search::{Axes, Hit, KeyPlace, Place, Search};
use crate::{body, candidates, layers, read, schemes, secret};
use countersign::{
    Check, Compiled, Context, Evidence, Explain, Key, KeyKind, Keyring, Outcome, Reason, Rejection, Request,
    Step, Timestamp, Verifier,
};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Instant;

/// Find out why a request was refused.
///
/// Costs up to the [`Budget`](crate::Budget) that is given, and holds some copies of the body meanwhile, at most 64 MiB of them.
pub fn explain(asked: &Asked<'_>) -> Diagnosis {
    let started = Instant::now();
    let mut diagnosis = answer(asked, started);
    diagnosis.effort.time = started.elapsed();
    diagnosis.keys = asked.source.keys.iter().map(|(_, key)| shown_key(key)).collect();
    diagnosis
}

fn shown_key(key: &Key) -> KeyShown {
    let stored = key.material.expose();
    let digest = const_hex::encode(&Sha256::digest(stored)[..4]);
    KeyShown { id: key.id.to_string(), bytes: stored.len(), fingerprint: digest }
}

fn answer(asked: &Asked<'_>, started: Instant) -> Diagnosis {
    let mut diagnosis = Diagnosis::default();
    let headers = head::headers(asked.request);
    let compiled = match asked.registry.compile_layer(asked.source.preset) {
        Ok(compiled) => compiled,
        Err(errors) => {
            let first = errors.0.first().map_or_else(String::new, |error| error.message.clone());
            let says = format!("the preset cannot be used: {first}");
            return explained(
                diagnosis,
                vec![
                    Deviation::new(
                        "preset/invalid",
                        0,
                        says,
                        "`countersign preset lint` says what is wrong with it",
                    )
                    .found(Proof::Read),
                ],
            );
        }
    };
    let verifier = compiled.verifier(asked.source.name, asked.source.keys, asked.source.vars);
    let refused = match &verifier {
        Ok(verifier) => match first_look(asked, verifier, &compiled) {
            Look::Done(state, cause) => {
                diagnosis.state = state;
                diagnosis.cause = cause;
                diagnosis.content = content(&*as_configured(asked, &compiled), asked, asked.request);
                diagnosis.noted =
                    read::suspects(asked, &headers).iter().map(|s| s.found(Proof::Suspect)).collect();
                return diagnosis;
            }
            Look::Refused(rejection) => Some(rejection),
        },
        Err(error) => {
            let says = format!("the source cannot be used as it is configured: {error}");
            let told = Deviation::new("secret/unusable", 0, says, "mend what it says");
            diagnosis.noted.push(told.found(Proof::Read));
            None
        }
    };

    let witnesses = read::witnesses(&headers);
    let altered = witnesses.iter().find(|witness| !witness.saw(asked.request.body));
    let Some(search) = search(asked, &compiled, started) else { return diagnosis };
    let hit = search.run();
    diagnosis.effort = *search.effort.borrow();
    diagnosis.noted.extend(read::suspects(asked, &headers).iter().map(|s| s.found(Proof::Suspect)));
    if let Ok(Some(hit)) = hit {
        let mut hit = told(asked, &search, &hit, refused.as_ref(), &compiled);
        diagnosis.content = std::mem::take(&mut hit.content);
        return explained(diagnosis, hit.cause);
    }
    if let Some(last) = search.last().filter(|_| hit.is_ok()) {
        return explained(diagnosis, vec![last.found(Proof::Match)]);
    }
    if let Ok(verifier) = &verifier {
        diagnosis.content = content(&*as_configured(asked, verifier.compiled()), asked, asked.request);
    }
    if let Some(witness) = altered {
        let cause = vec![altered_body(witness, &search)];
        diagnosis.noted.extend(control(asked, verifier.as_ref().ok()));
        return explained(diagnosis, cause);
    }
    if let Some((found, absent)) =
        refused.as_ref().and_then(|rejection| read::refusal(rejection, asked, &headers))
    {
        // What is not there is a cause, if it is nowhere else either. What is there and cannot be read may have been anything before.
        if absent && hit.is_ok() {
            return explained(diagnosis, vec![found.found(Proof::Read)]);
        }
        diagnosis.noted.insert(0, found.found(Proof::Read));
    }
    diagnosis.noted.extend(control(asked, verifier.as_ref().ok()));
    diagnosis
}

fn explained(diagnosis: Diagnosis, cause: Vec<Finding>) -> Diagnosis {
    let noted = diagnosis
        .noted
        .into_iter()
        .filter(|noted| !cause.iter().any(|cause| cause.code == noted.code || follows(noted, cause)))
        .collect();
    Diagnosis { state: State::Explained, cause, noted, ..diagnosis }
}

/// Whether a suspicion says no more than a cause that is proven: a body that was written anew is of another length.
fn follows(noted: &Finding, cause: &Finding) -> bool {
    let family = |finding: &Finding| finding.code.split('/').next();
    cause.proof == Proof::Match
        && noted.proof == Proof::Suspect
        && (family(cause) == Some("body") && family(noted) == Some("body")
            || cause.code == "transport/other-preset" && noted.code == "transport/other-fingerprint")
}

/// What the request says as it is.
enum Look {
    Done(State, Vec<Finding>),
    Refused(Rejection),
}

fn first_look(asked: &Asked<'_>, verifier: &Arc<Verifier>, compiled: &Compiled) -> Look {
    let cx = Context::new(asked.now, asked.remote);
    let one = |deviation: Deviation, proof| Look::Done(State::Explained, vec![deviation.found(proof)]);
    match verifier.verify(asked.request, &cx) {
        Outcome::Verified(verified) => {
            if asked.known.is_some_and(|known| known(&verified.replay_keys(asked.now))) {
                let says = "the signature is right, and the same message was accepted before";
                let advice =
                    "nothing is wrong if the sender tried again; if it did not, somebody replays what he saw";
                return one(Deviation::new("time/replayed", 0, says, advice), Proof::Match);
            }
            Look::Done(State::Verifies, Vec::new())
        }
        Outcome::Unresolved(wanted) => {
            let says = format!("the key is not held: it has to be fetched from {}", wanted_place(&wanted));
            one(
                Deviation::new("secret/not-fetched", 0, says, "give what is there with --document URL=FILE"),
                Proof::Read,
            )
        }
        Outcome::Rejected(rejection) => match rejection.reason {
            Reason::StaleTimestamp | Reason::FutureTimestamp => {
                let at = evidence(asked, compiled).and_then(|evidence| evidence.signed_at);
                one(
                    untimely(compiled, at, asked.now, rejection.reason == Reason::FutureTimestamp),
                    Proof::Match,
                )
            }
            Reason::ExpiredSecret => {
                let says = "the signature is right, and the key that made it may not be used now: its window has ended, or has not begun";
                one(
                    Deviation::new(
                        "secret/outside-window",
                        0,
                        says,
                        "look at not_before and not_after of the key, and rotate it at the provider",
                    ),
                    Proof::Match,
                )
            }
            Reason::NoActiveSecret => {
                let says = "no key of this source may be used now: every window has ended, or has not begun";
                one(
                    Deviation::new(
                        "secret/outside-window",
                        0,
                        says,
                        "look at not_before and not_after of the keys",
                    ),
                    Proof::Read,
                )
            }
            _ if verifier.handshake(asked.request, &cx).is_some() => {
                let says = "it is a set-up challenge of the provider's, and no event: it comes unsigned";
                one(
                    Deviation::new(
                        "transport/handshake",
                        0,
                        says,
                        "answer it: `countersign preset show` says with what",
                    ),
                    Proof::Read,
                )
            }
            _ => Look::Refused(rejection),
        },
    }
}

fn wanted_place(wanted: &countersign::KeyRequest) -> String {
    wanted.name.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// The check of a source as it is configured; one that refuses everything if it cannot be had.
fn as_configured(asked: &Asked<'_>, compiled: &Compiled) -> Arc<dyn Check> {
    struct Nothing;
    impl Check for Nothing {
        fn check<'r>(&self, _: &Request<'r>, _: &Context<'_>) -> Result<Evidence<'r>, countersign::Refusal> {
            Err(Reason::NoActiveSecret.into())
        }
    }
    compiled.scheme().bind(asked.source.keys, asked.source.vars).unwrap_or_else(|_| Arc::new(Nothing))
}

fn evidence<'r>(asked: &Asked<'r>, compiled: &Compiled) -> Option<Evidence<'r>> {
    let check = as_configured(asked, compiled);
    check.check(asked.request, &Context::new(asked.now, asked.remote)).ok()
}

fn untimely(compiled: &Compiled, at: Option<Timestamp>, now: Timestamp, future: bool) -> Deviation {
    let tolerance = compiled.freshness().map(|freshness| freshness.tolerance).unwrap_or_default();
    let when = at.map_or_else(String::new, |at| {
        format!(
            " ({at}, {} s {} this clock)",
            at.skew_seconds(now).unsigned_abs(),
            if future { "ahead of" } else { "before" }
        )
    });
    match future {
        true => {
            let says = format!(
                "the signature is right, and its time lies in the future{when}, by more than {} s",
                tolerance.future.as_secs()
            );
            Deviation::new(
                "time/future",
                0,
                says,
                "set the clock of this machine or of the sender by a time server",
            )
        }
        false => {
            let says = format!(
                "the signature is right, and too old{when}: {} s are allowed",
                tolerance.past.as_secs()
            );
            let advice = "it is a late retry, a queue that was full, a clock that is wrong, or a replay; to look into an old request, say when it came (--now)";
            Deviation::new("time/stale", 0, says, advice)
        }
    }
}

/// Everything that can differ.
fn search<'a>(asked: &'a Asked<'a>, compiled: &Compiled, started: Instant) -> Option<Search<'a>> {
    let preset = asked.source.preset;
    let trial = schemes::for_trial(preset)?;
    let prefixes = all_prefixes(asked);
    let forms = layers::table(preset).map(secret::forms).unwrap_or_default();
    let list = |public: bool| {
        let keys = of_kind(asked.source.keys, public);
        let mut variants = secret::variants(&keys, &forms, &prefixes);
        for other in asked.others {
            let keys = of_kind(other.keys, public);
            let forms = layers::table(other.preset).map(secret::forms).unwrap_or_default();
            for mut variant in
                secret::variants(&keys, &forms, &prefixes).into_iter().filter(|variant| variant.steps == 0)
            {
                let says =
                    format!("the key `{}` of the source `{}` made the signature", variant.id, other.name);
                let advice = "give this source its own secret, or send the sender to the other one";
                variant.deviation = Some(Deviation::new("secret/other-source", 3, says, advice));
                variant.steps = 1;
                if !variants.iter().any(|known| countersign::ct::equal(&known.bytes, &variant.bytes)) {
                    variants.insert(variants.iter().take_while(|known| known.steps == 0).count(), variant);
                }
            }
        }
        variants
    };
    let candidates = candidates::collect(asked.request);
    let axes = Axes {
        schemes: schemes::variants(asked.registry, preset, Some(compiled), asked.request, asked.now),
        bodies: body::variants(asked.request.body, crate::form::is_form(asked.request)),
        heads: head::variants(asked.request, preset),
        shared: list(false),
        public: list(true),
        candidates,
    };
    Some(Search::new(asked, trial, axes, started))
}

/// The prefixes that secrets of any preset have.
fn all_prefixes(asked: &Asked<'_>) -> Vec<String> {
    let tables = asked.registry.presets().filter_map(|(_, layer)| layers::table(layer));
    let mut prefixes: Vec<String> = tables.flat_map(read::secret_prefixes).collect();
    prefixes.sort();
    prefixes.dedup();
    prefixes
}

/// The same keys, all of one kind.
fn of_kind(keys: &Keyring, public: bool) -> Keyring {
    let mut ring = Keyring::new();
    for (_, key) in keys.iter() {
        let kind = if public { KeyKind::Public } else { KeyKind::Shared };
        if let Ok(material) = countersign::Secret::new(key.material.expose()) {
            let mut copy = Key::new(key.id.clone(), kind, material);
            copy.role = key.role.clone();
            let _ = ring.add(copy);
        }
    }
    ring
}

/// What a hit means.
struct Told {
    cause: Vec<Finding>,
    content: Vec<Piece>,
}

fn told(
    asked: &Asked<'_>,
    search: &Search<'_>,
    hit: &Hit,
    refused: Option<&Rejection>,
    compiled: &Compiled,
) -> Told {
    let mut cause = Vec::new();
    let mut add = |deviation: &Option<Deviation>| {
        cause.extend(deviation.as_ref().map(|deviation| deviation.found(Proof::Match)))
    };
    let key = match hit.key {
        KeyPlace::Shared(at) => Some(&search.axes.shared[at]),
        KeyPlace::Public(at) => Some(&search.axes.public[at]),
        KeyPlace::Given(_) | KeyPlace::Found => None,
    };
    // What a reading of the secret changes stands in the mode's table.
    let in_table = |deviation: Deviation| {
        let patch = deviation
            .patch
            .as_ref()
            .map(|patch| format!("[{}]\n{patch}\n", layers::mode(asked.source.preset)));
        Deviation { patch, ..deviation }
    };
    add(&key.and_then(|key| key.deviation.clone()).map(in_table));
    add(&search.axes.schemes[hit.place.scheme].deviation);
    add(&hit.place.body.checked_sub(1).map(|at| search.axes.bodies[at].deviation.clone()));
    add(&search.axes.heads[hit.place.head].deviation);
    // Several providers sign alike: which of them it is, no signature says.
    if search.axes.schemes[hit.place.scheme].other().is_some() {
        let alike = search.alike(hit);
        if let Some(found) = cause
            .iter_mut()
            .find(|found| found.patch.as_ref().is_some_and(|p| p.starts_with("preset = ")))
            .filter(|_| alike.len() > 1)
        {
            let some: Vec<String> = alike.iter().take(12).map(|name| format!("`{name}`")).collect();
            let more =
                if alike.len() > 12 { format!(" and {} more", alike.len() - 12) } else { String::new() };
            found.says =
                format!("the request is signed in the way of {}{more}, which sign alike", some.join(", "));
            found.advice = "configure the source with the one that the sender is".into();
        }
    }
    // What a signed digest of the body contradicts was altered: read off, and no trial mends it.
    if let Some(found) = cause.iter_mut().find(|found| found.code == "message/requirement")
        && requires_body(asked.source.preset)
    {
        let detail = refused
            .and_then(|rejection| rejection.detail.as_ref())
            .map_or_else(String::new, |detail| format!(" ({})", detail.text));
        let says = format!(
            "the signature is right, and what it says of the body is said of another: this one was altered on its way{detail}"
        );
        *found = Deviation::new(
            "body/altered",
            0,
            says,
            "hand on the bytes that arrived, and look at every proxy on the way",
        )
        .found(Proof::Read);
    }
    let narrow = search.narrow(hit);
    let raw = narrow.as_ref().and_then(|(layer, _, kinds)| schemes::raw(layer, kinds));
    let as_told = raw.or_else(|| narrow.as_ref().map(|(layer, _, _)| layer.clone()));
    let own = as_told.as_ref().and_then(|layer| search.check_of(hit, Some(layer)));
    let fits = own.as_ref().is_some_and(|check| search.holds(&**check, hit.place, &[]));
    let wide = narrow.as_ref().is_some_and(|(_, wide, _)| *wide);
    let mut check = own.filter(|_| fits).or_else(|| if wide { None } else { search.check_of(hit, None) });
    let mut used: Vec<&Candidate> = Vec::new();
    let other = search.axes.schemes[hit.place.scheme].other().is_some();
    if !fits
        && wide
        && let Some(wide) = search.check_of(hit, None)
    {
        used = matching(search, &*wide, hit.place);
        // Another preset's way says nothing of its place: that is as it may be.
        if let (Some(candidate), Some((layer, _, _)), false) = (used.first(), &narrow, other) {
            let found = placed::placed(candidate, layers::table(layer), layers::mode(layer), refused);
            cause.push(found.found(Proof::Match));
        }
        check = Some(wide);
    }
    if let Some(at) = key.and_then(|key| window_of(asked, key)) {
        cause.push(at.found(Proof::Match));
    }
    // What was judged at the end of all: the age of the message, and what is required beside the signature.
    let mut pieces = Vec::new();
    if let Some(check) = &check {
        let signed_at = search.with_request(hit.place, &used, |request| {
            pieces = content(&**check, asked, request);
            check
                .check(request, &Context::new(asked.now, asked.remote))
                .ok()
                .and_then(|evidence| evidence.signed_at)
        });
        if let (Some(Some(at)), Some(freshness)) = (signed_at, compiled.freshness()) {
            let skew = at.skew_seconds(asked.now);
            let bound = if skew < 0 { freshness.tolerance.future } else { freshness.tolerance.past };
            if skew.unsigned_abs() > bound.as_secs() {
                cause.push(untimely(compiled, Some(at), asked.now, skew < 0).found(Proof::Match));
            }
        }
    }
    if cause.is_empty() && refused.is_none() {
        let says = "the key is right, and not in a form that the preset takes";
        cause.push(
            Deviation::new(
                "secret/container",
                0,
                says,
                "write it as the preset says: `countersign preset show` does",
            )
            .found(Proof::Match),
        );
    }
    if cause.is_empty() {
        let found = refused.map(|rejection| {
            let detail = rejection
                .detail
                .as_ref()
                .map_or_else(|| rejection.reason.says().to_owned(), |detail| detail.text.to_string());
            let says =
                format!("the signature is right, and something else is not as the preset requires: {detail}");
            Deviation::new(
                "message/requirement",
                0,
                says,
                "compare the request with what the provider says that it sends",
            )
        });
        cause.extend(found.map(|found| found.found(Proof::Match)));
    }
    Told { cause, content: pieces }
}

/// Whether something of the body is compared with what is signed.
fn requires_body(preset: &countersign::Layer) -> bool {
    let Some(table) = layers::table(preset) else { return false };
    let mut found = false;
    layers::everywhere(table, &mut |table| {
        let mut texts = Vec::new();
        table.get("require").into_iter().for_each(|node| layers::texts(node, &mut texts));
        found |= texts.iter().any(|text| text.contains("{body"));
        table.clone()
    });
    found
}

/// Whether the operator's key that fits may be used at all.
fn window_of(asked: &Asked<'_>, variant: &secret::Variant) -> Option<Deviation> {
    let (_, key) = asked.source.keys.iter().find(|(_, key)| key.id.as_str() == variant.id)?;
    if variant.deviation.as_ref().is_some_and(|deviation| deviation.code == "secret/other-source")
        || key.window.holds(asked.now)
    {
        return None;
    }
    let says = format!("the key `{}` may not be used now: its window has ended, or has not begun", key.id);
    Some(Deviation::new("secret/outside-window", 0, says, "look at not_before and not_after of the key"))
}

/// The candidate that fits, found by halves.
fn matching<'s>(search: &'s Search<'_>, check: &dyn Check, place: Place) -> Vec<&'s Candidate> {
    let mut left: Vec<&Candidate> = search.axes.candidates.iter().collect();
    while left.len() > 1 {
        let half = left.split_off(left.len() / 2);
        if !search.holds(check, place, &left) {
            left = half;
        }
    }
    left
}

/// What was signed, in pieces.
fn content(check: &dyn Check, asked: &Asked<'_>, request: &Request<'_>) -> Vec<Piece> {
    struct Collect(Vec<Piece>);
    impl Explain for Collect {
        fn step(&mut self, step: Step<'_>) {
            match step {
                Step::Part { name, bytes } => {
                    self.0.push(Piece { name: name.to_owned(), bytes: Some(bytes.to_vec()) })
                }
                Step::SecretPart { name } => self.0.push(Piece { name: name.to_owned(), bytes: None }),
                _ => {}
            }
        }
    }
    let mut collect = Collect(Vec::new());
    check.explain(request, &Context::new(asked.now, asked.remote), &mut collect);
    collect.0
}

/// Somebody on the way saw another body: which one, if that can be found.
fn altered_body(witness: &read::Witness, search: &Search<'_>) -> Finding {
    for (index, variant) in search.axes.bodies.iter().enumerate() {
        if search.body(index + 1).is_some_and(|body| witness.saw(&body)) {
            let mut deviation = variant.deviation.clone();
            deviation.says = format!(
                "{} (so says the header `{}`; the signature does not fit that body either)",
                deviation.says, witness.header
            )
            .into();
            return deviation.found(Proof::Read);
        }
    }
    let says = format!(
        "the header `{}` has the digest of another body: this one was altered on its way",
        witness.header
    );
    Deviation::new(
        "body/altered",
        0,
        says,
        "hand on the bytes that arrived, and look at every proxy on the way",
    )
    .found(Proof::Read)
}

/// What another request of the same source says: whether secret and preset are right at all.
fn control(asked: &Asked<'_>, verifier: Option<&Arc<Verifier>>) -> Vec<Finding> {
    let mut told = Vec::new();
    let (Some(control), Some(verifier)) = (asked.control, verifier) else {
        let says = "nothing that was tried fits: the secret is most likely another one, or the body was altered in a way that cannot be undone".to_owned();
        let advice = "compare the fingerprint of the secret with the sender's, and give a request that verified with --control";
        told.push(Deviation::new("control/none", 0, says, advice).found(Proof::Suspect));
        return told;
    };
    // Old as it is, its signature is what counts.
    let check = as_configured(asked, verifier.compiled());
    let holds = check.check(control, &Context::new(asked.now, asked.remote)).is_ok();
    told.push(
        match holds {
            true => Deviation::new("control/verifies", 0, "the control verifies: secret and preset are right, and this body or message was altered, or is not the sender's", "compare the two requests byte by byte"),
            false => Deviation::new("control/fails", 0, "the control does not verify either: the secret is most likely wrong", "copy the secret again from the provider's page"),
        }
        .found(Proof::Suspect),
    );
    told
}
