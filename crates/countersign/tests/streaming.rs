//! A body that is judged as it arrives gets the answer that it would get whole.
#![allow(clippy::unwrap_used)]

mod shared;

use countersign::{Finish, Outcome, Reason, Refusal, Rejection, Timestamp, Verified};
use proptest::prelude::*;
use shared::Delivery;
use std::sync::LazyLock;
use std::time::Duration;

static ALL: LazyLock<Vec<Delivery>> =
    LazyLock::new(|| shared::vectors().into_iter().chain(shared::signed()).collect());

/// All that two answers must have in common.
fn told(outcome: Result<&Verified<'_>, &Rejection>, now: Timestamp) -> String {
    match outcome {
        Ok(verified) => format!(
            "ok {} {:?} {:?} {:?} {} {:?}",
            verified.key(),
            verified.binds(),
            verified.message_id(),
            verified.signed_at(),
            verified.body().len(),
            verified.replay_keys(now).iter().map(|key| *key.digest()).collect::<Vec<_>>(),
        ),
        Err(rejection) => format!("{rejection:?}"),
    }
}

fn whole(delivery: &Delivery) -> String {
    match delivery.judge() {
        Outcome::Verified(verified) => told(Ok(&verified), delivery.now),
        Outcome::Rejected(rejection) => told(Err(&rejection), delivery.now),
        Outcome::Unresolved(_) => "unresolved".into(),
    }
}

fn in_pieces(delivery: &Delivery, sizes: &[usize]) -> String {
    let (verifier, cx) = (delivery.verifier(), delivery.cx());
    let mut stream = match verifier.begin(&delivery.request().head, &cx, delivery.body.len()) {
        Ok(stream) => stream,
        Err(Refusal::Rejected(rejection)) => return told(Err(&rejection), delivery.now),
        Err(Refusal::Unresolved(_)) => return "unresolved".into(),
    };
    let (mut rest, mut sizes) = (&*delivery.body, sizes.iter().cycle());
    while !rest.is_empty() {
        let (piece, after) = rest.split_at((*sizes.next().unwrap_or(&usize::MAX)).min(rest.len()));
        stream.update(piece).unwrap();
        rest = after;
    }
    match stream.finish(&cx) {
        Finish::Verified(verified) => told(Ok(&verified), delivery.now),
        Finish::Rejected(rejection) => told(Err(&rejection), delivery.now),
        Finish::Unresolved(..) => "unresolved".into(),
    }
}

/// One thing wrong, or nothing.
#[derive(Clone, Debug)]
enum Harm {
    None,
    Body(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    More(u8),
    Header(prop::sample::Index, prop::sample::Index, u8),
    Drop(prop::sample::Index),
    Double(prop::sample::Index),
    Later(u32),
    Url(String),
}

impl Harm {
    fn do_to(&self, delivery: &mut Delivery) {
        let Delivery { headers, body, now, url, .. } = delivery;
        match self {
            Harm::Body(at, xor) if !body.is_empty() => {
                let at = at.index(body.len());
                body[at] ^= xor;
            }
            Harm::Cut(at) if !body.is_empty() => body.truncate(at.index(body.len())),
            Harm::More(byte) => body.push(*byte),
            Harm::Header(which, at, xor) if !headers.is_empty() => {
                let which = which.index(headers.len());
                let value = &mut headers[which].1;
                if !value.is_empty() {
                    let at = at.index(value.len());
                    value[at] ^= xor;
                }
            }
            Harm::Drop(which) if !headers.is_empty() => drop(headers.remove(which.index(headers.len()))),
            Harm::Double(which) if !headers.is_empty() => headers.push(headers[which.index(headers.len())].clone()),
            Harm::Later(seconds) => *now = now.after(Duration::from_secs(u64::from(*seconds))),
            Harm::Url(more) => url.push_str(more),
            _ => {}
        }
    }
}

fn harm() -> impl Strategy<Value = Harm> {
    use prop::sample::Index;
    prop_oneof![
        2 => Just(Harm::None),
        2 => (any::<Index>(), 1..=255_u8).prop_map(|(at, xor)| Harm::Body(at, xor)),
        1 => any::<Index>().prop_map(Harm::Cut),
        1 => any::<u8>().prop_map(Harm::More),
        4 => (any::<Index>(), any::<Index>(), 1..=255_u8).prop_map(|(which, at, xor)| Harm::Header(which, at, xor)),
        2 => any::<Index>().prop_map(Harm::Drop),
        2 => any::<Index>().prop_map(Harm::Double),
        1 => (0..2_000_u32).prop_map(Harm::Later),
        1 => "[?&][a-z]=[a-z%]{0,3}".prop_map(Harm::Url),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn in_any_pieces_as_if_whole(
        which in any::<prop::sample::Index>(),
        harm in harm(),
        sizes in prop::collection::vec(0..200_usize, 1..6),
    ) {
        let mut delivery = which.get(&*ALL).clone();
        harm.do_to(&mut delivery);
        // All sizes zero would never end.
        let sizes = [&sizes[..], &[1]].concat();
        prop_assert_eq!(whole(&delivery), in_pieces(&delivery, &sizes), "{}", delivery.name);
    }
}

#[test]
fn every_good_delivery_in_single_bytes() {
    for delivery in ALL.iter() {
        let whole = whole(delivery);
        assert!(whole.starts_with("ok "), "{}: {whole}", delivery.name);
        assert_eq!(whole, in_pieces(delivery, &[1]), "{}", delivery.name);
    }
}

#[test]
fn a_body_past_the_limit_never_verifies_whatever_follows() {
    for delivery in ALL.iter().filter(|delivery| !delivery.body.is_empty()) {
        let (verifier, cx, length) = (delivery.verifier(), delivery.cx(), delivery.body.len());
        let begin = |limit| verifier.begin(&delivery.request().head, &cx, limit).ok().unwrap();
        let mut stream = begin(length - 1);
        // The hole: a piece is refused, and what follows would fit again.
        let refused = [&delivery.body[..], b"x"].concat();
        assert_eq!(stream.update(&refused).unwrap_err().reason, Reason::PayloadTooLarge);
        assert_eq!(stream.update(b"").unwrap_err().reason, Reason::PayloadTooLarge);
        assert_eq!(stream.update(&delivery.body[1..]).unwrap_err().reason, Reason::PayloadTooLarge);
        match stream.finish(&cx) {
            Finish::Rejected(rejection) => assert_eq!(rejection.reason, Reason::PayloadTooLarge),
            _ => panic!("{}: a body with a hole was judged", delivery.name),
        }
        // The limit itself is within it.
        let mut stream = begin(length);
        stream.update(&delivery.body).unwrap();
        assert!(matches!(stream.finish(&cx), Finish::Verified(_)), "{}", delivery.name);
    }
}

#[test]
fn a_head_that_can_never_verify_is_refused_before_the_body_for_the_same_reason() {
    let mut refused = 0;
    for delivery in ALL.iter() {
        for gone in 0..delivery.headers.len() {
            let mut delivery = delivery.clone();
            delivery.headers.remove(gone);
            let (verifier, cx) = (delivery.verifier(), delivery.cx());
            if let Err(Refusal::Rejected(rejection)) = verifier.begin(&delivery.request().head, &cx, 1 << 20) {
                let whole = delivery.judge().into_verified().unwrap_err();
                assert_eq!(rejection, whole, "{}", delivery.name);
                refused += 1;
            }
        }
    }
    assert!(refused > 20, "{refused}");
}
