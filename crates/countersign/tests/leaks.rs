//! Nothing that prints says a secret.
#![allow(clippy::unwrap_used)]

mod shared;

use countersign::{Explain, Outcome, Step};
use shared::Delivery;
use std::fmt::Write;

/// Everything public that can be printed, of good and of refused requests, says no secret and no expected tag: neither
/// the one that came nor the one that should have come.
#[test]
fn nothing_that_prints_says_a_secret_or_an_expected_tag() {
    let mut refused = 0;
    for good in shared::signed() {
        let mut changed = good.clone();
        changed.body.extend_from_slice(b" ");
        let mut all = vec![good.clone(), changed.clone()];
        for header in 0..good.headers.len() {
            let mut bad = changed.clone();
            bad.headers.remove(header);
            all.push(bad.clone());
            bad.headers.push((good.headers[header].0.clone(), b"0".to_vec()));
            all.push(bad);
        }
        // What the changed body would need, found by signing it.
        let mut secret = hidden(&good);
        if let Some(expected) = changed.signed_again() {
            // Some presets refuse such a body for its shape: its tag is as right.
            assert_ne!(
                expected.judge().code(),
                "bad_signature",
                "{}: {}",
                good.preset.preset().name,
                good.name
            );
            secret.extend(hidden(&expected));
        }
        for request in all {
            refused += usize::from(request.judge().code() == "bad_signature");
            let said = said(&request);
            for needle in &secret {
                assert!(!contains(said.as_bytes(), needle), "{}: {said}", good.name);
            }
        }
    }
    assert!(refused > 10, "{refused}");
}

/// The secrets and signatures of a request, raw, in hex and in base64.
fn hidden(delivery: &Delivery) -> Vec<Vec<u8>> {
    let mut hidden = Vec::new();
    for secret in delivery.secrets.iter().filter(|secret| secret.value.len() > 6) {
        let text = secret.value.strip_prefix("whsec_").unwrap_or(&secret.value).as_bytes();
        hidden.push(text.to_vec());
        hidden.push(const_hex::encode(text).into());
        hidden.push(base64_simd::STANDARD_NO_PAD.encode_to_string(text).into());
        hidden.extend(base64_simd::STANDARD.decode_to_vec(text));
        hidden.push(format!("{text:?}").into());
    }
    let headers = delivery.headers.iter().map(|(_, value)| &value[..]);
    for place in headers.chain([delivery.url.as_bytes(), &delivery.body]) {
        for word in place.split(|b| b" ,=&?:\"".contains(b)).filter(|word| word.len() >= 27) {
            let raw =
                const_hex::decode(word).ok().or_else(|| base64_simd::forgiving_decode_to_vec(word).ok());
            let Some(raw) = raw.filter(|raw| [16, 20, 32, 48, 64].contains(&raw.len())) else { continue };
            hidden.push(format!("{raw:?}").into());
            hidden.push(const_hex::encode(&raw).into());
            hidden.push(base64_simd::STANDARD_NO_PAD.encode_to_string(&raw).into());
            hidden.push(base64_simd::URL_SAFE_NO_PAD.encode_to_string(&raw).into());
            hidden.push(raw);
        }
    }
    assert!(!hidden.is_empty(), "{}", delivery.name);
    hidden
}

fn said(delivery: &Delivery) -> String {
    let mut said = String::new();
    let (ring, verifier, request, cx) =
        (delivery.ring(), delivery.verifier(), delivery.request(), delivery.cx());
    let _ = write!(said, "{ring:?} {:?} {:?}", delivery.vars, delivery.preset.preset());
    let _ = write!(said, "{request:?} {:?} {:?} ", request.head, delivery.preset.needs());
    for (_, key) in ring.iter() {
        let _ = write!(said, "{key:?} {:?} {} ", key.material, key.id);
    }
    match verifier.verify(&request, &cx) {
        Outcome::Verified(verified) => {
            let keys = verified.replay_keys(delivery.now);
            let _ = write!(said, "{verified:?} {keys:?} ");
            let guard = countersign::MemoryGuard::default();
            let _ = write!(said, "{:?} {guard:?} ", verified.accept(&guard, delivery.now));
        }
        outcome => {
            let _ = write!(said, "{outcome:?} ");
            let rejection = outcome.into_verified().unwrap_err();
            let _ = write!(said, "{rejection} {rejection:?} {:?} ", rejection.reason.class());
        }
    }
    match verifier.begin(&request.head, &cx, 1 << 20) {
        Err(refusal) => drop(write!(said, "{refusal:?} ")),
        Ok(mut stream) => {
            stream.update(&delivery.body).unwrap();
            match stream.finish(&cx) {
                countersign::Finish::Verified(verified) => drop(write!(said, "{verified:?} ")),
                countersign::Finish::Rejected(rejection) => drop(write!(said, "{rejection:?} ")),
                countersign::Finish::Unresolved(wanted, _) => drop(write!(said, "{wanted:?} ")),
            }
        }
    }
    let _ = write!(said, "{:?} {:?}", verifier.event(&request), verifier.response(false, &request));
    verifier.explain(&request, &cx, &mut Steps(&mut said));
    said
}

/// Keeps what is said of keys and passes over what is the sender's own.
struct Steps<'a>(&'a mut String);

impl Explain for Steps<'_> {
    fn step(&mut self, step: Step<'_>) {
        if !matches!(step, Step::Candidate { .. } | Step::Part { .. }) {
            let _ = write!(self.0, "{step:?} ");
        }
    }
}

fn contains(text: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find(text, needle).is_some()
}
