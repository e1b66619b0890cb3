//! What costs no allocation and no copy, counted.
#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use countersign::{Draft, Keyring, Registry, Timestamp, Vars, Verifier};
use countersign_tower::{Keys, Receiver, UrlRoom, Verdict, collect, judge};
use http::request::Parts;
use http_body_util::Full;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

const BODY: &[u8] = br#"{"id":"evt_1","type":"invoice.paid"}"#;
const NOW: Timestamp = Timestamp::from_unix(1_767_225_600);

#[test]
fn judging_a_request_allocates_nothing() {
    for (preset, secret) in [
        ("github", "It's a Secret to Everybody"),
        ("stripe", "It's a Secret to Everybody"),
        ("standard-webhooks", "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="),
    ] {
        let (verifier, parts) = signed(preset, secret);
        let receiver = Receiver::builder(verifier.clone(), "https://hooks.example.com").build().unwrap();
        let mut genuine = false;
        let counted = allocation_counter::measure(|| {
            let mut room = UrlRoom::default();
            let request = receiver.request(&parts, BODY, &mut room);
            let verdict = ready(judge(&receiver.verifier(), &Keys::None, &request, NOW));
            genuine = matches!(verdict, Verdict::Verified(_));
        });
        assert!(genuine, "{preset}");
        assert_eq!(counted.count_total, 0, "{preset}");
    }
}

#[test]
fn a_body_in_one_piece_is_neither_copied_nor_is_anything_allocated_for_it() {
    let body = Bytes::from(vec![b'x'; 100_000]);
    let (at, full) = (body.as_ptr(), Full::new(body));
    let counted = allocation_counter::measure(|| {
        let collected = ready(collect(full, 1 << 20, Duration::from_secs(1))).unwrap();
        assert_eq!(collected.as_ptr(), at);
    });
    assert_eq!(counted.count_total, 0);
}

#[test]
fn the_proof_holds_the_very_bytes_that_came() {
    let (verifier, parts) = signed("github", "It's a Secret to Everybody");
    let receiver = Receiver::builder(verifier, "https://hooks.example.com").build().unwrap();
    let body = Bytes::from_static(BODY);
    let at = body.as_ptr();
    let proof = ready(receiver.receive(&parts, Full::new(body))).unwrap();
    assert_eq!((proof.body().as_ptr(), &proof.body()[..]), (at, BODY));
    assert_eq!((proof.source(), proof.preset(), proof.key().as_str()), ("mine", "github", "main"));
    assert!(!format!("{proof:?}").contains("invoice"), "a body is not printed");
}

fn signed(preset: &str, secret: &str) -> (Arc<Verifier>, Parts) {
    let file = format!("presets/{preset}.toml");
    let (file, text) = countersign_presets::PRESETS.iter().find(|(name, _)| *name == file).unwrap();
    let mut registry = Registry::new();
    registry.add_preset(*file, *text).unwrap();
    let (compiled, keys) = (registry.named(preset).unwrap(), Keyring::of(secret).unwrap());
    let draft = Draft::new("msg_1", NOW, "https://hooks.example.com/in", BODY);
    let mut request = http::Request::post("/in").header("content-type", "application/json");
    for (name, value) in compiled.signer(&keys, &Vars::new()).unwrap().sign(&draft).unwrap().headers {
        request = request.header(&*name, value);
    }
    let parts = request.body(()).unwrap().into_parts().0;
    (compiled.verifier("mine", &keys, &Vars::new()).unwrap(), parts)
}

/// All is here: nothing waits.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("something waits"),
    }
}
