//! What is received once is received once, and what failed is received again.

use crate::world::{DOORS, Site, Source};
use axum::body::Body;
use axum::http::Request;
use axum::{Router, routing::post};
use countersign::{Claim, MemoryGuard, ReplayGuard, ReplayKey, Timestamp};
use countersign_tower::{Proof, VerifyLayer, Why};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower_service::Service;

async fn site(source: &Source, guard: impl ReplayGuard + 'static) -> Site {
    Site::start(source.settings().replay_guard(Arc::new(guard)).build().unwrap()).await
}

#[tokio::test]
async fn a_duplicate_is_answered_200_and_not_handled() {
    let source = Source::new("standard-webhooks");
    for door in DOORS {
        let site = site(&source, MemoryGuard::default()).await;
        let sent = source.sends(door, "{}");
        assert_eq!(site.send(&sent).await.body, "handled");
        for _ in 0..3 {
            let reply = site.send(&sent).await;
            assert_eq!((reply.status, &*reply.body), (200, ""));
        }
        assert_eq!(site.seen.logged(), [r#"duplicate Some("msg_1") mine"#; 3]);
        // Another message is another message, and one that cannot be verified claims nothing.
        let forged = source.sends_as("msg_2", door, b"{}", &[]).body("[]");
        assert_eq!(site.send(&forged).await.status, 401);
        assert_eq!(site.send(&source.sends_as("msg_2", door, b"{}", &[])).await.body, "handled");
        assert_eq!(site.seen.count(), 2);
    }
}

#[tokio::test]
async fn without_a_guard_a_duplicate_is_handled_again() {
    let source = Source::new("standard-webhooks");
    let site = Site::of(&source).await;
    for door in DOORS {
        let sent = source.sends(door, "{}");
        assert_eq!([site.send(&sent).await.body, site.send(&sent).await.body], ["handled"; 2]);
    }
}

#[tokio::test]
async fn a_message_whose_handler_failed_is_let_in_again() {
    let source = Source::new("standard-webhooks");
    for door in DOORS {
        let site = site(&source, MemoryGuard::default()).await;
        let sent = source.sends(door, "{}");
        for status in [500, 503, 404] {
            site.seen.status.store(status, Ordering::SeqCst);
            assert_eq!(site.send(&sent).await.status, status, "{door}");
        }
        site.seen.status.store(202, Ordering::SeqCst);
        assert_eq!(site.send(&sent).await.status, 202, "{door}");
        assert_eq!(site.send(&sent).await.status, 200, "{door}: a duplicate now");
        assert_eq!(site.seen.count(), 4);
    }
}

#[tokio::test]
async fn a_message_whose_handler_panicked_is_let_in_again_behind_the_layer() {
    let source = Source::new("standard-webhooks");
    let site = site(&source, MemoryGuard::default()).await;
    let sent = source.sends("/layer", "{}");
    // No status: the handler panics at it, and the connection ends without an answer.
    site.seen.status.store(0, Ordering::SeqCst);
    let mut stream = tokio::net::TcpStream::connect(site.address).await.unwrap();
    stream.write_all(&sent.bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok();
    assert!(answer.is_empty());
    site.seen.status.store(200, Ordering::SeqCst);
    assert_eq!(site.send(&sent).await.body, "handled");
    assert_eq!(site.seen.count(), 2);
}

#[test]
fn a_message_whose_handling_was_dropped_half_way_is_let_in_again_behind_the_layer() {
    let source = Source::new("standard-webhooks");
    let receiver = source.settings().replay_guard(Arc::new(MemoryGuard::default())).build().unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let handler = move |_: Proof| {
        counted.fetch_add(1, Ordering::SeqCst);
        std::future::pending::<()>()
    };
    let mut router = Router::new().route("/layer", post(handler).layer(VerifyLayer::new(receiver)));
    let sent = source.sends("/layer", "{}");
    for call in 1..=3 {
        let mut request = Request::post("/layer");
        for (name, value) in &sent.headers {
            request = request.header(name, value);
        }
        let mut handling = pin!(router.call(request.body(Body::from("{}")).unwrap()));
        assert!(handling.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(calls.load(Ordering::SeqCst), call);
    }
}

#[tokio::test]
async fn who_was_told_that_it_is_a_duplicate_cannot_give_back_the_claim_of_the_first() {
    let source = Source::new("standard-webhooks");
    let receiver = source.settings().replay_guard(Arc::new(MemoryGuard::default())).build().unwrap();
    let mut request = Request::post("/in");
    for (name, value) in &source.sends("/in", "{}").headers {
        request = request.header(name, value);
    }
    let parts = request.body(()).unwrap().into_parts().0;
    let first = receiver.receive(&parts, Body::from("{}")).await.unwrap();
    for _ in 0..2 {
        let again = receiver.receive(&parts, Body::from("{}")).await.unwrap_err();
        let Why::Duplicate(proof) = again.why() else { panic!("{again:?}") };
        proof.release();
    }
    first.release();
    assert!(receiver.receive(&parts, Body::from("{}")).await.is_ok());
}

#[tokio::test]
async fn of_many_at_once_one_is_handled() {
    let source = Source::new("standard-webhooks");
    for door in DOORS {
        let site = Arc::new(site(&source, MemoryGuard::default()).await);
        let sent = source.sends(door, "{}");
        let all: Vec<_> = (0..32)
            .map(|_| {
                let (site, sent) = (site.clone(), sent.clone());
                tokio::spawn(async move { site.send(&sent).await.status })
            })
            .collect();
        for one in all {
            assert_eq!(one.await.unwrap(), 200);
        }
        assert_eq!(site.seen.count(), 1);
    }
}

#[tokio::test]
async fn a_guard_that_cannot_say_is_503_and_nothing_is_handled() {
    struct Unsure;
    impl ReplayGuard for Unsure {
        fn claim(&self, _: &[ReplayKey], _: Timestamp) -> Claim {
            Claim::Unknown
        }
    }
    let source = Source::new("standard-webhooks");
    let site = site(&source, Unsure).await;
    for door in DOORS {
        let reply = site.send(&source.sends(door, "{}")).await;
        assert_eq!((reply.status, &*reply.body), (503, "not accepted\n"));
        assert_eq!(site.seen.logged(), ["guard_unsure"]);
    }
    assert_eq!(site.seen.count(), 0);
}

#[tokio::test]
async fn json_that_could_not_be_read_is_let_in_again() {
    let source = Source::new("standard-webhooks");
    let site = site(&source, MemoryGuard::default()).await;
    let sent = source.sends("/json", "[]");
    assert_eq!([site.send(&sent).await.status, site.send(&sent).await.status], [400, 400]);
}
