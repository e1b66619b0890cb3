//! What gets by, what does not, and that refusals are alike.

use crate::world::{DOORS, Reply, Sent, Site, Source};

const PRESETS: [&str; 4] = ["github", "stripe", "standard-webhooks", "slack"];

#[tokio::test]
async fn what_is_genuine_reaches_the_handler_byte_for_byte() {
    let bodies: [&[u8]; 5] = [b"{}", b"", b" {\"a\" :1}\r\n", b"\x00\xff\xfe not text", &[b'x'; 300_000]];
    for preset in PRESETS {
        let source = Source::new(preset);
        let site = Site::of(&source).await;
        for (door, body) in DOORS.iter().flat_map(|door| bodies.map(|body| (door, body))) {
            // A preset may take no other content; none of these does.
            let sent = source.sends(door, body);
            for bytes in [sent.bytes(), sent.chunked(7_000, true), sent.chunked(1 << 20, true)] {
                let reply = site.write(&bytes).await;
                assert_eq!((reply.status, &*reply.body), (200, "handled"), "{preset} {door}");
                assert_eq!(site.seen.bodies.lock().unwrap().pop().unwrap(), body, "{preset} {door}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_not_genuine_reaches_no_handler_and_all_401s_are_alike() {
    for preset in PRESETS {
        let source = Source::new(preset);
        let site = Site::of(&source).await;
        let mut alike: Option<Reply> = None;
        for door in DOORS {
            let good = source.sends(door, r#"{"id":"evt_1"}"#);
            let (name, value) = good.headers.last().unwrap().clone();
            let other = Source::new(preset).secret(match preset {
                "standard-webhooks" => "whsec_YWJjZGVmMDEyMzQ1Njc4OTAxMjM0NTY3ODlhYmNkZWY=",
                _ => "another secret",
            });
            let again = |value: &str| good.clone().without(&name).with(&name, value);
            let all = [
                ("another key", other.sends(door, &good.body)),
                ("another body", good.clone().body(r#"{"id":"evt_2"}"#)),
                ("a longer body", good.clone().body(r#"{"id":"evt_1"} "#)),
                ("no signature", good.clone().without(&name)),
                ("the header twice", good.clone().with(&name, &value)),
                ("an empty one", again("")),
                ("no signature at all", again("!!")),
                ("cut short", again(&value[..value.len() - 2])),
            ];
            for (what, sent) in all {
                let reply = site.send(&sent).await;
                let code = site.seen.logged().pop().unwrap();
                if reply.status == 400 {
                    // Where time and signature are in one header, without it the content cannot be built.
                    assert!(
                        ["missing_timestamp", "missing_header", "malformed_content"].contains(&&*code)
                            || code == "malformed_timestamp",
                        "{preset} {what}: {code}"
                    );
                    continue;
                }
                assert_eq!(reply.status, 401, "{preset} {door}: {what}: {code}");
                assert_eq!(&reply, alike.get_or_insert_with(|| reply.clone()), "{preset} {door}: {what}");
            }
        }
        assert_eq!(site.seen.count(), 0);
        let alike = alike.unwrap();
        assert_eq!(alike.body, "not accepted\n");
        assert_eq!(alike.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(alike.header("content-type"), Some("text/plain; charset=utf-8"));
    }
}

#[tokio::test]
async fn missing_malformed_mismatched_and_stale_are_one_answer_and_four_log_lines() {
    let source = Source::new("slack");
    let site = Site::of(&source).await;
    for door in DOORS {
        let good = source.sends(door, "{}");
        let old = "x-slack-request-timestamp";
        let clock = |at: &str| good.clone().without(old).with(old, at);
        let mut replies = Vec::new();
        for sent in [
            good.clone().without("x-slack-signature"),
            good.clone().without("x-slack-signature").with("x-slack-signature", "v0=xyz"),
            good.clone().body("[]"),
            clock("1767225601"),
        ] {
            replies.push(site.send(&sent).await);
        }
        assert!(replies.iter().all(|reply| *reply == replies[0] && reply.status == 401), "{replies:?}");
        let log = site.seen.logged();
        assert_eq!(log, ["missing_signature", "malformed_signature", "bad_signature", "bad_signature"]);
    }
}

#[tokio::test]
async fn an_old_message_is_401_and_called_stale_in_the_log_only() {
    use crate::world::{ByHand, NOW, URL};
    use countersign_tower::Receiver;
    use std::sync::Arc;
    use std::sync::atomic::Ordering;
    let source = Source::new("stripe");
    let clock = Arc::new(ByHand::new());
    let receiver = Receiver::builder(source.verifier(), URL).clock(clock.clone()).build().unwrap();
    let site = Site::start(receiver).await;
    let sent = source.sends("/extract", "{}");
    clock.0.store(NOW + 300, Ordering::SeqCst);
    assert_eq!(site.send(&sent).await.status, 200);
    clock.0.store(NOW + 301, Ordering::SeqCst);
    let reply = site.send(&sent).await;
    assert_eq!((reply.status, &*reply.body), (401, "not accepted\n"));
    assert_eq!(site.seen.logged(), ["stale_timestamp"]);
}

#[tokio::test]
async fn json_is_read_after_it_verified_and_not_before() {
    let source = Source::new("stripe");
    let site = Site::of(&source).await;
    let good = source.sends("/json", r#"{"id":"evt_1","type":"invoice.paid"}"#);
    let reply = site.send(&good).await;
    assert_eq!(reply.body, r#"evt_1 1 Some("invoice.paid") Some("evt_1")"#);

    // What is no such JSON is told so only to those who can sign.
    for body in ["{", "{\"id\":7,\"secret\":\"hunter2\"}", "", "[]", "\u{feff}{\"id\":\"a\"}"] {
        let sent = source.sends("/json", body);
        let reply = site.send(&sent).await;
        assert_eq!((reply.status, &*reply.body), (400, "not accepted\n"), "{body}");
        assert_eq!(site.seen.logged(), ["not_json"]);
        let forged =
            site.send(&sent.without("stripe-signature").with("stripe-signature", "t=1767225600,v1=00")).await;
        assert_eq!(forged.status, 401, "{body}");
        site.seen.logged();
    }
    assert_eq!(site.seen.count(), 1);
}

#[tokio::test]
async fn nothing_a_client_sends_is_a_proof() {
    let source = Source::new("github");
    let site = Site::of(&source).await;
    // A handler that wants a proof, where somebody forgot the layer.
    let sent = source.sends("/unguarded", "{}").with("proof", "yes").with("x-countersign-proof", "yes");
    assert_eq!(site.send(&sent).await.status, 500);
    assert_eq!(site.seen.count(), 0);
}

#[tokio::test]
async fn a_handler_may_see_what_is_answered_instead() {
    let source = Source::new("github");
    let site = Site::of(&source).await;
    assert_eq!(site.send(&source.sends("/seeing", "{}")).await.body, "handled");
    let reply = site.send(&Sent::bare("POST", "/seeing")).await;
    assert_eq!((reply.status, &*reply.body), (418, "401 Unauthorized"));
}

#[tokio::test]
async fn another_verifier_takes_over_while_requests_come() {
    let (old, new) = (Source::new("github"), Source::new("github").secret("the next secret"));
    let site = Site::of(&old).await;
    for door in DOORS {
        site.receiver.replace(old.verifier()).unwrap();
        let (by_old, by_new) = (old.sends(door, "{}"), new.sends(door, "{}"));
        assert_eq!([site.send(&by_old).await.status, site.send(&by_new).await.status], [200, 401]);
        site.receiver.replace(new.verifier()).unwrap();
        assert_eq!([site.send(&by_old).await.status, site.send(&by_new).await.status], [401, 200]);
    }
}
