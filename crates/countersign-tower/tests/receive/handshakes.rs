//! Set-up challenges are answered, and reach no handler.

use crate::world::{DOORS, Sent, Site, Source};

#[tokio::test]
async fn an_unsigned_challenge_is_answered_and_one_that_is_none_is_not() {
    let source = Source::new("dropbox");
    let site = Site::of(&source).await;
    for door in DOORS {
        let reply = site.send(&Sent::bare("GET", &format!("{door}?challenge=abc-123"))).await;
        assert_eq!((reply.status, &*reply.body), (200, "abc-123"));
        assert_eq!(reply.header("content-type"), Some("text/plain"));
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(site.seen.logged(), ["handshake, signed: false"]);
        for bare in [
            Sent::bare("POST", &format!("{door}?challenge=abc-123")),
            Sent::bare("GET", &format!("{door}?challenge=%3Cscript%3E")),
            Sent::bare("GET", door),
        ] {
            let reply = site.send(&bare).await;
            assert_eq!((reply.status, &*reply.body), (401, "not accepted\n"));
        }
        site.seen.logged();
    }
    assert_eq!(site.seen.count(), 0);
}

#[tokio::test]
async fn a_challenge_that_asks_for_a_word_is_answered_to_who_has_it() {
    let source = Source::new("meta-graph").var("verify_token", "hello");
    let site = Site::of(&source).await;
    for door in DOORS {
        let url = |word| format!("{door}?hub.mode=subscribe&hub.verify_token={word}&hub.challenge=42");
        assert_eq!(site.send(&Sent::bare("GET", &url("hello"))).await.body, "42");
        assert_eq!(site.send(&Sent::bare("GET", &url("hullo"))).await.status, 401);
    }
    assert_eq!(site.seen.count(), 0);
}

#[tokio::test]
async fn a_signed_challenge_is_answered_after_it_verified_and_not_before() {
    let source = Source::new("slack");
    let site = Site::of(&source).await;
    for door in DOORS {
        let sent = source.sends(door, r#"{"type":"url_verification","challenge":"3eZbrw1aB"}"#);
        let reply = site.send(&sent).await;
        assert_eq!((reply.status, &*reply.body), (200, "3eZbrw1aB"));
        assert_eq!(site.seen.logged(), ["handshake, signed: true"]);
        let reply = site.send(&sent.without("x-slack-signature")).await;
        assert_eq!((reply.status, &*reply.body), (401, "not accepted\n"));
        site.seen.logged();
    }
    assert_eq!(site.seen.count(), 0);
}

#[tokio::test]
async fn a_secret_that_is_handed_over_is_not_taken() {
    let source = Source::new("asana");
    let site = Site::of(&source).await;
    for door in DOORS {
        let offered = "b537207f20cbfa02357cf448134da559e8bd39d61597dcd5631b8012eae53e81";
        let reply = site.send(&Sent::bare("POST", door).with("x-hook-secret", offered)).await;
        assert_eq!((reply.status, reply.header("x-hook-secret")), (401, None));
        assert_eq!(site.seen.logged(), ["missing_signature"]);
        assert_eq!(site.send(&source.sends(door, "{}")).await.status, 200);
    }
    assert_eq!(site.seen.count(), 2);
}

#[tokio::test]
async fn what_a_provider_needs_to_hear_it_hears() {
    let source = Source::new("microsoft-teams");
    let site = Site::of(&source).await;
    for door in ["/layer", "/acknowledged"] {
        let reply = site.send(&source.sends(door, r#"{"type":"message"}"#)).await;
        assert_eq!((reply.status, &*reply.body), (200, r#"{"type":"message","text":"Received."}"#));
        assert_eq!(reply.header("content-type"), Some("application/json"));
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    }
    // The extractor leaves the answer to its handler, and a failure is nobody's success.
    assert_eq!(site.send(&source.sends("/extract", "{}")).await.body, "handled");
    site.seen.status.store(500, std::sync::atomic::Ordering::SeqCst);
    let reply = site.send(&source.sends("/layer", "{}")).await;
    assert_eq!((reply.status, &*reply.body), (500, "handled"));

    let source = Source::new("gocardless");
    let site = Site::start(source.settings().body_limit(10).build().unwrap()).await;
    for door in DOORS {
        let refused = site.send(&source.sends(door, "{}").body("[]")).await;
        assert_eq!((refused.status, &*refused.body), (498, ""));
        // That is about signatures: what is too long is too long.
        assert_eq!(site.send(&source.sends(door, [b'x'; 11])).await.status, 413);
        assert_eq!(site.seen.logged(), ["bad_signature", "payload_too_large"]);
    }
}
