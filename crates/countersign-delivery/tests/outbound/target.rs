//! An endpoint is made ready, or everything that is wrong with it is told.

use crate::receiver::{Receiver, Step};
use crate::world::{Hand, SECRETS, START, client, message, ring, signer, signer_of, waits};
use countersign::{Context, Head, Key, Keyring, Outcome, Registry, Request, Timestamp, Vars, Window};
use countersign_delivery::{End, Names, Policy, Target, Unprepared, deliver};
use countersign_egress::{Client, HeaderName};
use std::sync::Arc;

fn mistakes(url: &str, headers: &[(&str, &str)]) -> Vec<String> {
    let client = Arc::new(Client::builder().build().unwrap());
    let built = Target::builder(url, signer(), client).headers(headers.iter().copied()).build(START);
    built.err().map_or_else(Vec::new, |wrong| wrong.mistakes().to_vec())
}

const URL: &str = "https://x.example/in?token=hunter2";

#[test]
fn headers_of_the_connection_of_the_signer_and_of_ours_are_refused_by_name_and_all_at_once() {
    let headers = [
        ("Host", "evil.example"),
        ("content-length", "1"),
        ("Transfer-Encoding", "chunked"),
        ("connection", "close"),
        ("TE", "trailers"),
        ("proxy-authorization", "x"),
        ("webhook-id", "msg_2"),
        ("Webhook-Signature", "v1,AAAA"),
        ("webhook-timestamp", "1"),
        ("webhook-topic", "other"),
        ("x-good", "fine"),
        ("X-Good", "again"),
        ("not a name", "x"),
        ("x-line", "a\r\nX-Evil: 1"),
    ];
    let told = mistakes(URL, &headers);
    assert_eq!(told.len(), 13, "{told:#?}");
    for (n, name) in ["host", "content-length", "transfer-encoding", "connection", "te"].iter().enumerate() {
        assert_eq!(told[n], format!("the header `{name}` belongs to the connection: leave it out"));
    }
    assert_eq!(told[7], "the header `webhook-signature` is made by what signs: leave it out");
    assert!(told[9].contains("says topic or type") && told[10].contains("stands twice"));
    assert!(!told.concat().contains("Evil") && !told.concat().contains("evil"), "no value is repeated");
    assert_eq!(
        mistakes(URL, &[("authorization", "Bearer x"), ("content-type", "application/x+json")]),
        [""; 0]
    );
}

#[test]
fn a_url_that_cannot_be_called_is_refused_and_its_secrets_are_not_repeated() {
    for (url, says) in [
        ("https://x.example/in\r\nX-Evil: 1", "a space or a line break"),
        ("https://x.example/in\thunter2", "a space or a line break"),
        ("https://user:hunter2@x.example/", "user or a password"),
        ("https://x.example/#hunter2", "fragment"),
        ("http://x.example/hunter2", "scheme-refused"),
        ("https://x.example:22/hunter2", "port-refused"),
        ("https://127.0.0.1/hunter2", "address-refused"),
        ("https://localhost/hunter2", "address-refused"),
        ("hunter2", "no absolute URL"),
    ] {
        let told = mistakes(url, &[]);
        assert!(told.len() == 1 && told[0].contains(says) && !told[0].contains("hunter2"), "{url}: {told:?}");
    }
}

#[tokio::test]
async fn topic_and_type_travel_under_the_names_that_were_chosen_beside_headers_of_ones_own() {
    let receiver = Receiver::steps(&[Step::Status(200)]).await;
    let names = Names { topic: HeaderName::from_static("x-about"), kind: HeaderName::from_static("x-event") };
    let target = Target::builder(receiver.url(), signer(), Arc::new(client([receiver.port])))
        .names(names)
        .headers([("Authorization", "Bearer hunter2"), ("content-type", "application/x+json")])
        .build(START)
        .unwrap();
    let report = deliver(&target, &message("msg_1"), &Hand::default(), &|| 0.5).await;
    assert_eq!(report.end, End::Delivered);
    let seen = &receiver.seen()[0];
    let told = ["x-about", "x-event", "authorization", "content-type", "webhook-topic"]
        .map(|name| seen.header(name));
    let wanted =
        [Some("billing"), Some("invoice.paid"), Some("Bearer hunter2"), Some("application/x+json"), None];
    assert_eq!(told, wanted);
}

/// A scheme whose signature stands in the URL, and one whose signature stands in the body.
const INSIDE: [&str; 2] = [
    r#"signature_source = { query = "sig", encoding = "hex" }"#,
    r#"signature_source = { json = "/signature", encoding = "hex" }"#,
];

#[tokio::test]
async fn a_signature_inside_of_the_url_or_of_the_body_is_sent_where_it_was_put() {
    for (place, template) in INSIDE.into_iter().zip(["{body}", "{json:/id}.{json:/type}"]) {
        let text = format!(
            "schema = 1\nname = \"acme\"\nmode = \"hmac\"\n[hmac]\nalgorithm = \"sha256\"\n\
             signed_template = \"{template}\"\n{place}\nkey = {{ forms = [{{ decode = \"text\" }}] }}\n"
        );
        let mut registry = Registry::new();
        registry.add_preset("acme.toml", text).unwrap();
        let scheme = registry.named("acme").unwrap();
        let (keys, vars) = (Keyring::of(SECRETS[0]).unwrap(), Vars::new());
        let receiver = Receiver::steps(&[Step::Status(200)]).await;
        let signer = scheme.signer(&keys, &vars).unwrap();
        let target = Target::builder(receiver.url(), signer, Arc::new(client([receiver.port]))).build(START);
        let report = deliver(&target.unwrap(), &message("msg_1"), &Hand::default(), &|| 0.5).await;
        assert_eq!(report.end, End::Delivered, "{report:?}");
        let seen = &receiver.seen()[0];
        let path = seen.head.split(' ').nth(1).unwrap();
        let url = format!("http://127.0.0.1:{}{path}", receiver.port);
        let headers = seen.headers();
        let pairs = &headers[..];
        let request = Request::new(Head::new("POST", &url, &pairs), &seen.body);
        let verifier = scheme.verifier("s", &keys, &vars).unwrap();
        let outcome = verifier.verify(&request, &Context::at(START));
        assert!(matches!(outcome, Outcome::Verified(_)), "{place}: {outcome:?} {}", seen.head);
    }
}

#[test]
fn without_a_key_that_may_sign_now_nothing_is_sent_and_it_is_tried_later() {
    let window =
        Window { not_before: Some(START.after(std::time::Duration::from_secs(60))), not_after: None };
    let client = Arc::new(Client::builder().build().unwrap());
    let target = Target::builder(URL, signer_of(&ring(&[(0, window)])), client).build(START).unwrap();
    let Err(Unprepared::Later(says)) = target.prepare(&message("msg_1"), START) else {
        panic!("it was signed")
    };
    assert!(says.starts_with("it cannot be signed: no_active_secret"), "{says}");
    assert!(target.prepare(&message("msg_1"), Timestamp::from_unix(START.unix() + 60)).is_ok());
}

#[test]
fn what_signs_stands_above_what_was_written_down_even_where_that_could_not_be_told_before() {
    let window =
        Window { not_before: Some(START.after(std::time::Duration::from_secs(60))), not_after: None };
    let client = Arc::new(Client::builder().build().unwrap());
    let forged = [("webhook-id", "msg_forged"), ("webhook-signature", "v1,AAAA"), ("webhook-timestamp", "1")];
    let target = Target::builder(URL, signer_of(&ring(&[(0, window)])), client).headers(forged);
    let (target, later) = (target.build(START).unwrap(), Timestamp::from_unix(START.unix() + 60));
    let sent = target.prepare(&message("msg_1"), later).unwrap().request;
    let all =
        |name: &str| -> Vec<_> { sent.headers.get_all(name).iter().map(|v| v.to_str().unwrap()).collect() };
    assert_eq!((all("webhook-id"), all("webhook-timestamp")), (vec!["msg_1"], vec!["1700000060"]));
    assert!(all("webhook-signature").len() == 1 && !all("webhook-signature")[0].contains("AAAA"));
}

#[test]
fn neither_an_endpoint_nor_what_it_sends_prints_what_may_be_secret() {
    let client = Arc::new(Client::builder().build().unwrap());
    let target = Target::builder(URL, signer(), client).headers([("x-key", "hunter2")]).build(START).unwrap();
    let prepared = target.prepare(&message("msg_1"), START).unwrap();
    let printed = format!("{target:?} {:?} {:?}", prepared.request, message("msg_1"));
    assert_eq!(
        printed,
        "Target(x.example) Request(POST ..) Canonical(msg_1 billing invoice.paid, 124 bytes)"
    );
    assert!(prepared.request.headers["x-key"].is_sensitive());
}

#[test]
fn an_injected_key_ring_signs_with_all_of_its_keys_up_to_what_the_scheme_has_room_for() {
    let client = Arc::new(Client::builder().build().unwrap());
    let mut keys = Keyring::new();
    keys.add(Key::shared("new", SECRETS[0]).unwrap()).unwrap();
    keys.add(Key::shared("old", SECRETS[1]).unwrap()).unwrap();
    let policy = Policy::default().schedule(waits(&[]));
    let target = Target::builder(URL, signer_of(&keys), client).policy(policy).build(START).unwrap();
    let prepared = target.prepare(&message("msg_1"), START).unwrap();
    let signatures = prepared.request.headers["webhook-signature"].to_str().unwrap().to_owned();
    assert_eq!(signatures.split(' ').count(), 2, "{signatures}");
}
