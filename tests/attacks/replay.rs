//! Accepting a message once.

use crate::harness::*;
use countersign::Reason::*;
use countersign::{Context, Head, Keyring, MemoryGuard, Request, Vars};

fn genuine() -> Case {
    standard("msg_1", "1700000000", &format!("v1,{}", standard_sig("msg_1", "1700000000")))
}

/// Without an id nothing is remembered, if nobody minds.
#[test]
fn atk_110_missing_delivery_id_skips_deduplication() {
    let mut case = genuine();
    case.request.headers.retain(|(name, _)| name != b"webhook-id");
    attack("ATK-110", [case.clone().refused(MissingHeader)]);
    for content in [".1700000000.{\"a\":1}", "1700000000.{\"a\":1}"] {
        case.request.headers[1].1 = format!("v1,{}", sign64(content)).into_bytes();
        attack("ATK-110", [case.clone().refused(MissingHeader)]);
    }
}

/// Between looking and storing there is room for another.
#[test]
fn atk_112_check_then_set_race() {
    let case = genuine();
    let verifier = build(&case).unwrap_or_else(|e| panic!("{e:?}"));
    let guard = MemoryGuard::default();
    let accepted = std::thread::scope(|scope| {
        let one = || {
            let head = Head::new(case.request.method, &case.request.url, &case.request.headers);
            let request = Request::new(head, &case.request.body);
            let verified = verifier.verify(&request, &Context::at(at(NOW))).into_verified().unwrap();
            verified.accept(&guard, at(NOW)).is_ok()
        };
        let threads: Vec<_> = (0..64).map(|_| scope.spawn(one)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).filter(|fresh| *fresh).count()
    });
    assert_eq!(accepted, 1);
}

/// One signature has many spellings, and company: what is remembered is none of them.
#[test]
fn atk_116_re_encoded_signature_defeats_text_keyed_stores() {
    let content = "replay = { key = \"content\" }";
    let (body, sig) = (b"body", sign(b"body"));
    let first = github(format!("sha256={sig}"), body).request;
    let upper = github(format!("sha256={}", sig.to_uppercase()), body).overrides(content);
    let good = standard_sig("msg_1", "1700000000");
    let beside = standard("msg_1", "1700000000", &format!("v1,{} v9,x v1,{good}", base64(&[7; 32])));
    attack(
        "ATK-116",
        [
            upper.after(first).expect(Expected::Replayed),
            beside.clone().after(genuine().request).expect(Expected::Replayed),
            beside.overrides(content).after(genuine().request).expect(Expected::Replayed),
        ],
    );
    // Two keys signed; either signature alone is the same message.
    let (a, b) = (sign(b"{\"a\":1}"), hex(&sha256(b"other", b"{\"a\":1}")));
    let listed = |list: String| {
        let table = "signed_template = \"{body}\"\nsignature_source = { header = \"x-sig\", list = \",\", encoding = \"hex\" }";
        let sent = Sent { headers: headers([("x-sig", list)]), ..Sent::default() };
        Case::new(preset("[replay]\nkey = \"content\"\n", table), sent)
            .keys([key("a", KEY), key("b", "other")])
    };
    for (first, second) in
        [(format!("{a},{b}"), a.clone()), (a.clone(), b.clone()), (b.clone(), format!("{a},{b}"))]
    {
        attack("ATK-116", [listed(second).after(listed(first).request).expect(Expected::Replayed)]);
    }
}

/// One tenant's ids must not use up another's.
#[test]
fn atk_117_replay_scope_too_wide() {
    let guard = MemoryGuard::default();
    let registry = countersign_modes::registry().unwrap();
    let compiled = registry.named("standard-webhooks").unwrap();
    for (source, secret) in [("a", KEY), ("b", b"another key of 32 bytes, as text")] {
        let ring = Keyring::of(base64(secret)).unwrap();
        let verifier = compiled.verifier(source, &ring, &Vars::new()).unwrap();
        let sig = base64(&sha256(secret, b"msg_1.1700000000.{\"a\":1}"));
        let sent = standard("msg_1", "1700000000", &format!("v1,{sig}")).request;
        assert!(judge(&verifier, &sent).unwrap().accept(&guard, at(NOW)).is_ok(), "{source}");
        assert!(judge(&verifier, &sent).unwrap().accept(&guard, at(NOW)).is_err(), "{source} again");
    }
}

/// Two heartbeats are two events, once the first is forgotten.
#[test]
fn atk_122_replay_across_body_equal_events() {
    let ping = || github(github_sig(b"ping"), b"ping");
    let first = ping().request;
    let later = |now| Case { request: Sent { now, ..first.clone() }, ..ping().after(first.clone()) };
    let day = "replay = { key = \"content\", keep = 86400 }";
    attack(
        "ATK-122",
        [
            later(NOW + 25 * 3600).overrides(day),
            later(NOW + 23 * 3600).overrides(day).expect(Expected::Replayed),
            // Unsaid, a scheme that signs neither id nor time has no replays: only the operator can say otherwise.
            later(NOW + 1),
        ],
    );
}
