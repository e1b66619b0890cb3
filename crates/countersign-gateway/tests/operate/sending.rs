//! What is sent: declared, subscribed to, delivered, signed, given up, sent again; at a gateway that runs all the while.

use crate::api::{call, done, gateway, until};
use crate::world::{OK, Seen, Upstream, World};
use countersign::{Context, Head, Keyring, Request, Timestamp, Vars};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

/// Receivers of the tests are on this machine, and no others are.
pub(crate) const EGRESS: &str =
    "[egress]\nnetworks = [\"127.0.0.0/8\"]\nports = [\"1024-65535\"]\nplain_http = [\"127.0.0.1\"]\n";

const GONE: &str = "HTTP/1.1 410 Gone\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
const NO: &str = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

pub(crate) fn declare(world: &World, name: &str) {
    done(world, "POST", "/api/v1/event-types", Some(&json!({ "name": name })));
}

/// An endpoint at a receiver; its secret.
fn endpoint(world: &World, name: &str, to: &Upstream, events: &[&str]) -> String {
    let new = json!({ "name": name, "url": to.url, "events": events });
    let added = done(world, "POST", "/api/v1/endpoints", Some(&new));
    added["secret"]["value"].as_str().unwrap().to_owned()
}

pub(crate) fn send(world: &World, kind: &str) -> Value {
    let message = json!({ "type": kind, "payload": { "z": 1, "a": [true, "ü"] } });
    done(world, "POST", "/api/v1/messages", Some(&message))
}

pub(crate) fn delivery(world: &World, sent: &Value) -> Value {
    let id = sent["deliveries"][0]["id"].as_str().unwrap();
    done(world, "GET", &format!("/api/v1/deliveries/{id}"), None)
}

/// Whether a receiver with this secret takes it.
fn verifies(seen: &Seen, secret: &str) -> bool {
    let compiled = countersign_modes::registry().unwrap().named("standard-webhooks").unwrap();
    let verifier = compiled.verifier("receiver", &Keyring::of(secret).unwrap(), &Vars::new()).unwrap();
    let headers: Vec<(&str, &[u8])> = seen.headers.iter().map(|(n, v)| (&**n, v.as_bytes())).collect();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() as i64;
    let request = Request::new(Head::new("POST", "https://example.com/hook", &headers), &seen.body);
    verifier.verify(&request, &Context::at(Timestamp::from_unix(now))).into_verified().is_ok()
}

#[test]
fn a_message_goes_to_those_who_want_its_type_signed_for_each() {
    let world = gateway(EGRESS);
    declare(&world, "invoice.paid");
    declare(&world, "invoice.voided");
    declare(&world, "user.created");
    let (books, mail, all) = (Upstream::start(OK), Upstream::start(OK), Upstream::start(OK));
    let of_books = endpoint(&world, "books", &books, &["invoice.*"]);
    let of_mail = endpoint(&world, "mail", &mail, &["user.created"]);
    let of_all = endpoint(&world, "all", &all, &[]);
    let sent = send(&world, "invoice.paid");
    let to: Vec<&str> =
        sent["deliveries"].as_array().unwrap().iter().map(|one| one["endpoint"].as_str().unwrap()).collect();
    assert_eq!(to, ["all", "books"]);
    let (seen, beside) = (books.wait(1).remove(0), all.wait(1).remove(0));
    let id = sent["id"].as_str().unwrap();
    assert_eq!(seen.all("webhook-id"), [id], "the id of the message is the one that is signed");
    assert_eq!((seen.all("webhook-type"), seen.all("webhook-topic")), (vec!["invoice.paid"], vec!["events"]));
    assert_eq!(seen.all("content-type"), ["application/json"]);
    let body = String::from_utf8(seen.body.clone()).unwrap();
    assert!(body.starts_with("{\"data\":{\"a\":[true,\"ü\"],\"z\":1},\"id\":\"msg_"), "{body}");
    assert_eq!(seen.body, beside.body, "all get the same bytes");
    assert!(verifies(&seen, &of_books) && verifies(&beside, &of_all));
    assert!(!verifies(&seen, &of_all) && !verifies(&seen, &of_mail), "each has a secret of its own");
    send(&world, "user.created");
    assert!(verifies(&mail.wait(1)[0], &of_mail));
    assert_eq!(mail.seen.lock().unwrap().len(), 1, "what it did not ask for did not come");
    let event = done(&world, "GET", &format!("/api/v1/events/{id}"), None);
    assert_eq!((&event["source"], &event["request"]["body"]), (&json!("published"), &json!(body)));
    until("the attempts are counted", || {
        let shown = done(&world, "GET", "/api/v1/endpoints/books", None);
        shown["day"]["delivered"] == json!(1) && shown["day"]["success"] == json!(1.0)
    });
}

#[test]
fn what_nobody_declared_is_refused_with_what_is() {
    let world = gateway(EGRESS);
    declare(&world, "invoice.paid");
    declare(&world, "user.created");
    let to = Upstream::start(OK);
    let new = json!({ "name": "books", "url": to.url, "events": ["invoice.payed"] });
    let (status, why) = call(&world, "POST", "/api/v1/endpoints", Some(&new));
    assert_eq!((status, &why["code"]), (422, &json!("unknown_type")));
    assert_eq!(
        why["message"],
        json!("no type `invoice.payed` is declared: `invoice.paid` or `user.created` is")
    );
    assert!(why["help"].as_str().unwrap().contains("did you mean `invoice.paid`?"), "{why}");
    let message = json!({ "type": "order.made", "payload": {} });
    let (status, why) = call(&world, "POST", "/api/v1/messages", Some(&message));
    assert_eq!((status, &why["code"]), (422, &json!("unknown_type")));
    let pattern = json!({ "name": "books", "url": to.url, "events": ["order.*"] });
    assert_eq!(
        call(&world, "POST", "/api/v1/endpoints", Some(&pattern)).0,
        422,
        "a pattern that fits nothing"
    );
    assert_eq!(done(&world, "GET", "/api/v1/endpoints", None), json!([]));
}

#[test]
fn atk_288_a_url_that_may_not_be_called_is_refused_when_it_is_written() {
    let world = gateway("");
    for (url, part) in [
        ("http://example.com/hook", "[egress] plain_http"),
        ("https://example.com:9000/hook", "[egress] ports"),
        ("https://10.0.0.1/hook", "[egress] networks"),
        ("https://169.254.169.254/latest", "[egress] networks"),
        ("https://user:hunter2@example.com/", "https://hooks.example.com"),
        ("https://example.com/#a", "leave out"),
        ("ftp://example.com/", "https://hooks.example.com"),
    ] {
        let (status, why) =
            call(&world, "POST", "/api/v1/endpoints", Some(&json!({ "name": "books", "url": url })));
        assert_eq!((status, &why["code"]), (422, &json!("invalid_endpoint")), "{url}");
        let help = why["complaints"][0]["help"].as_str().unwrap();
        assert!(help.contains(part), "{url}: {why:#}");
        assert!(!why.to_string().contains("hunter2"), "{why}");
    }
}

#[test]
fn a_header_that_would_say_a_secret_is_refused_and_not_shown() {
    let world = gateway(EGRESS);
    let to = Upstream::start(OK);
    let new = json!({ "name": "books", "url": to.url, "headers": { "Authorization": "Bearer hunter2" } });
    let (status, why) = call(&world, "POST", "/api/v1/endpoints", Some(&new));
    assert_eq!((status, &why["code"]), (422, &json!("invalid_endpoint")));
    let complaint = &why["complaints"][0];
    assert!(complaint["message"].as_str().unwrap().contains("`Authorization` would say a secret"), "{why:#}");
    assert_eq!(complaint["help"], json!("leave it out: the signature says who sends"));
    assert!(!why.to_string().contains("hunter2"), "{why:#}");
}

#[test]
fn a_payload_is_held_against_the_schema_of_its_type() {
    let world = gateway(EGRESS);
    let schema = json!({ "type": "object", "required": ["amount"], "properties": { "amount": { "type": "integer" } } });
    done(&world, "POST", "/api/v1/event-types", Some(&json!({ "name": "invoice.paid", "schema": schema })));
    let send = |payload: Value| {
        call(&world, "POST", "/api/v1/messages", Some(&json!({ "type": "invoice.paid", "payload": payload })))
    };
    assert_eq!(send(json!({ "amount": 5 })).0, 200);
    let (status, why) = send(json!({ "amount": "hunter2" }));
    assert_eq!((status, &why["code"]), (422, &json!("invalid_payload")));
    assert!(
        why["message"].as_str().unwrap().contains("`/amount`") && !why.to_string().contains("hunter2"),
        "{why}"
    );
    for bad in [
        json!({ "type": 5 }),
        json!({ "$ref": "file:///etc/passwd" }),
        json!({ "$ref": "https://example.com/s" }),
    ] {
        let new = json!({ "name": "a", "schema": bad });
        let (status, why) = call(&world, "POST", "/api/v1/event-types", Some(&new));
        assert_eq!((status, &why["code"]), (422, &json!("invalid_argument")), "{bad}");
    }
}

#[test]
fn asking_twice_by_one_id_sends_once() {
    let world = gateway(EGRESS);
    declare(&world, "a");
    let to = Upstream::start(OK);
    endpoint(&world, "books", &to, &[]);
    let message = |payload: Value| json!({ "type": "a", "payload": payload, "id": "order-7" });
    let ask = |message: &Value| call(&world, "POST", "/api/v1/messages", Some(message));
    // All at once, as a publisher does who hears no answer: each hears the same.
    let told: Vec<(u16, Value)> = std::thread::scope(|scope| {
        let many: Vec<_> = (0..6).map(|_| scope.spawn(|| ask(&message(json!({ "b": 1, "a": 2 }))))).collect();
        many.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(told.iter().all(|(status, sent)| *status == 200 && sent["id"] == json!("order-7")), "{told:?}");
    assert_eq!(told.iter().filter(|(_, sent)| sent["repeated"] == json!(false)).count(), 1);
    assert!(told.iter().all(|(_, sent)| sent["deliveries"][0]["id"] == told[0].1["deliveries"][0]["id"]));
    until("it arrives", || delivery(&world, &told[0].1)["state"] == json!("done"));
    let (_, later) = ask(&message(json!({ "a": 2.0, "b": 1 })));
    assert_eq!((&later["repeated"], &later["deliveries"][0]["state"]), (&json!(true), &json!("done")));
    let mut timed = message(json!({ "a": 2, "b": 1 }));
    timed["time"] = json!("2020-01-01T00:00:00Z");
    let mut to_others = message(json!({ "a": 2, "b": 1 }));
    to_others["endpoints"] = json!([]);
    for other in [message(json!({ "a": 3, "b": 1 })), timed, to_others] {
        let (status, why) = ask(&other);
        assert_eq!((status, &why["code"]), (409, &json!("taken")), "{other}");
    }
    let listed = done(&world, "GET", "/api/v1/deliveries", None);
    assert_eq!(listed["rows"].as_array().unwrap().len(), 1);
    assert_eq!(to.seen.lock().unwrap().len(), 1);
}

#[test]
fn who_wants_what_is_known_at_once_however_it_was_changed() {
    let world = gateway(EGRESS);
    declare(&world, "a");
    declare(&world, "b");
    let to = Upstream::start(OK);
    let goes_to = |kind| {
        let sent = send(&world, kind);
        sent["deliveries"].as_array().unwrap().iter().map(|one| one["endpoint"].clone()).collect::<Vec<_>>()
    };
    endpoint(&world, "books", &to, &["a"]);
    assert_eq!((goes_to("a"), goes_to("b")), (vec![json!("books")], vec![]));
    endpoint(&world, "all", &to, &[]);
    assert_eq!((goes_to("a"), goes_to("b")), (vec![json!("all"), json!("books")], vec![json!("all")]));
    done(&world, "DELETE", "/api/v1/endpoints/books?force=true", None);
    assert_eq!(goes_to("a"), vec![json!("all")]);
    endpoint(&world, "books", &to, &["b"]);
    assert_eq!((goes_to("a"), goes_to("b")), (vec![json!("all")], vec![json!("all"), json!("books")]));
}

#[test]
fn while_rotating_both_secrets_sign_and_then_the_new_one_alone() {
    let world = gateway(EGRESS);
    declare(&world, "a");
    let to = Upstream::start(OK);
    let old = endpoint(&world, "books", &to, &[]);
    let rotated = done(&world, "POST", "/api/v1/endpoints/books/rotate", Some(&json!({ "keep": "1h" })));
    let new = rotated["value"].as_str().unwrap().to_owned();
    let next = || {
        let sent = send(&world, "a");
        until("it arrives", || delivery(&world, &sent)["state"] == json!("done"));
        to.seen.lock().unwrap().last().unwrap().clone()
    };
    until("both sign", || {
        let seen = next();
        verifies(&seen, &old) && verifies(&seen, &new)
    });
    let id = rotated["ending"][0]["id"].as_str().unwrap();
    done(&world, "DELETE", &format!("/api/v1/endpoints/books/secrets/{id}"), None);
    until("the old one does not sign any more", || {
        let seen = next();
        !verifies(&seen, &old) && verifies(&seen, &new)
    });
}

#[test]
fn what_is_gone_is_paused_and_what_it_was_to_get_is_held_until_it_is_resumed() {
    let world = gateway(EGRESS);
    declare(&world, "a");
    let to = Upstream::answering(&[GONE, OK]);
    endpoint(&world, "books", &to, &[]);
    let first = send(&world, "a");
    until("it is paused", || {
        let shown = done(&world, "GET", "/api/v1/endpoints/books", None);
        shown["state"] == json!("paused") && shown["reason"] == json!("the receiver answered 410")
    });
    assert_eq!(delivery(&world, &first)["state"], json!("dead"));
    let second = send(&world, "a");
    assert_eq!(delivery(&world, &second)["state"], json!("held"));
    done(&world, "POST", "/api/v1/endpoints/books/resume", None);
    until("what was held arrives", || delivery(&world, &second)["state"] == json!("done"));
}

#[test]
fn an_endpoint_whose_table_cannot_be_read_any_more_is_shown_and_paused_and_loses_nothing() {
    let tables = |egress: &str| {
        format!(
            "key = {{ file = \"store.txt\" }}\n[admin]\nlisten = \"127.0.0.1:0\"\ntoken = {{ file = \"admin.txt\" }}\n{egress}"
        )
    };
    let world = gateway(EGRESS);
    declare(&world, "a");
    let to = Upstream::start(OK);
    let new = json!({ "name": "books", "url": format!("{}?token=hunter2", to.url), "events": ["a"] });
    done(&world, "POST", "/api/v1/endpoints", Some(&new));
    world.reload(&tables("")).unwrap();
    let shown = done(&world, "GET", "/api/v1/endpoints/books", None);
    assert!(shown["trouble"].as_str().unwrap().contains("`url`"), "{shown}");
    let paused = done(&world, "POST", "/api/v1/endpoints/books/pause", None);
    assert_eq!((&paused["state"], paused["keys"].as_array().unwrap().len()), (&json!("paused"), 1));
    assert!(!format!("{shown}{paused}").contains("hunter2"));
    let sent = send(&world, "a");
    assert_eq!(delivery(&world, &sent)["state"], json!("held"));
    world.reload(&tables(EGRESS)).unwrap();
    done(&world, "POST", "/api/v1/endpoints/books/resume", None);
    until("it arrives", || delivery(&world, &sent)["state"] == json!("done"));
}

#[test]
fn dead_letters_are_told_sent_again_once_and_refused_once_they_have_arrived() {
    let world = gateway(EGRESS);
    declare(&world, "a");
    let to = Upstream::answering(&[NO, NO, OK]);
    endpoint(&world, "books", &to, &[]);
    let sent = [send(&world, "a"), send(&world, "a")];
    until("both are given up", || sent.iter().all(|one| delivery(&world, one)["state"] == json!("dead")));
    let dead = done(&world, "GET", "/api/v1/deliveries?state=dead&endpoint=books&type=a", None);
    let rows = dead["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!((&rows[0]["status"], &rows[0]["attempts"]), (&json!(400), &json!(1)));
    assert_eq!(rows[0]["error"], json!("the answer was 400"));
    let redrive = |asked: Value| done(&world, "POST", "/api/v1/deliveries/redrive", Some(&asked));
    let dry = redrive(json!({ "endpoint": "books", "dry_run": true }));
    assert_eq!((&dry["found"], &dry["queued"]), (&json!(2), &json!(2)));
    assert_eq!(delivery(&world, &sent[0])["state"], json!("dead"), "a dry run does nothing");
    // Any number at once: each is queued once.
    let asked = json!({ "endpoint": "books" });
    let queued: u64 = std::thread::scope(|scope| {
        let many: Vec<_> = (0..4).map(|_| scope.spawn(|| redrive(asked.clone()))).collect();
        many.into_iter().map(|one| one.join().unwrap()["queued"].as_u64().unwrap()).sum()
    });
    assert_eq!(queued, 2);
    until("both arrive", || sent.iter().all(|one| delivery(&world, one)["state"] == json!("done")));
    assert_eq!(to.seen.lock().unwrap().len(), 4);
    let id = delivery(&world, &sent[0])["id"].clone();
    let again = redrive(json!({ "ids": [id] }));
    assert_eq!((&again["queued"], &again["delivered"]), (&json!(0), &json!([id])));
    let forced = redrive(json!({ "ids": [id], "force": true }));
    assert_eq!(forced["queued"], json!(1));
    to.wait(5);
}

#[test]
fn a_redrive_at_a_rate_makes_them_due_one_after_the_other() {
    let world = gateway(EGRESS);
    declare(&world, "a");
    let to = Upstream::answering(&[NO, NO, NO, OK]);
    endpoint(&world, "books", &to, &[]);
    let sent: Vec<Value> = (0..3).map(|_| send(&world, "a")).collect();
    until("all are given up", || sent.iter().all(|one| delivery(&world, one)["state"] == json!("dead")));
    done(&world, "POST", "/api/v1/endpoints/books/pause", None);
    done(&world, "POST", "/api/v1/endpoints/books/resume", None);
    // So slow that the later ones are still waiting when they are looked at.
    let step =
        done(&world, "POST", "/api/v1/deliveries/redrive", Some(&json!({ "endpoint": "books", "rate": 1 })));
    assert_eq!(step["queued"], json!(3));
    let times = sent.iter().map(|one| delivery(&world, one)["at"].as_str().unwrap().to_owned());
    let times: std::collections::BTreeSet<String> = times.collect();
    assert_eq!(times.len(), 3, "{times:?}");
    until("all arrive", || sent.iter().all(|one| delivery(&world, one)["state"] == json!("done")));
}

#[test]
fn what_is_cancelled_is_not_sent_and_not_sent_again() {
    let world = gateway(EGRESS);
    declare(&world, "a");
    let to = Upstream::start(OK);
    endpoint(&world, "books", &to, &[]);
    done(&world, "POST", "/api/v1/endpoints/books/pause", None);
    let sent = send(&world, "a");
    let id = delivery(&world, &sent)["id"].clone();
    let cancelled = done(&world, "POST", "/api/v1/deliveries/cancel", Some(&json!({ "ids": [id] })));
    assert_eq!(cancelled[0]["state"], json!("cancelled"));
    done(&world, "POST", "/api/v1/endpoints/books/resume", None);
    let again =
        done(&world, "POST", "/api/v1/deliveries/redrive", Some(&json!({ "ids": [id], "force": true })));
    assert_eq!((&again["queued"], &again["cancelled"]), (&json!(0), &json!([id])));
    let later = send(&world, "a");
    until("what comes later arrives", || delivery(&world, &later)["state"] == json!("done"));
    assert_eq!(to.seen.lock().unwrap().len(), 1);
}

#[test]
fn a_test_makes_one_attempt_and_leaves_no_trace() {
    let world = gateway(EGRESS);
    let to = Upstream::answering(&["HTTP/1.1 500 No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n", OK]);
    let secret = endpoint(&world, "books", &to, &[]);
    let tried = done(&world, "POST", "/api/v1/endpoints/books/test", None);
    assert_eq!((&tried["arrived"], &tried["status"]), (&json!(false), &json!(500)));
    let tried = done(&world, "POST", "/api/v1/endpoints/books/test", None);
    assert_eq!((&tried["arrived"], &tried["status"]), (&json!(true), &json!(200)));
    assert!(verifies(&to.wait(2)[1], &secret));
    assert_eq!(done(&world, "GET", "/api/v1/deliveries", None)["rows"], json!([]));
    assert_eq!(done(&world, "GET", "/api/v1/endpoints/books", None)["failing_since"], json!(null));
}

#[test]
fn what_is_removed_leaves_dead_letters_and_no_secret() {
    let world = gateway(EGRESS);
    declare(&world, "a");
    let to = Upstream::start(OK);
    endpoint(&world, "books", &to, &[]);
    let (status, why) = call(&world, "DELETE", "/api/v1/endpoints/books", None);
    assert_eq!((status, &why["code"]), (409, &json!("in_use")));
    done(&world, "POST", "/api/v1/endpoints/books/pause", None);
    let sent = send(&world, "a");
    done(&world, "DELETE", "/api/v1/endpoints/books", None);
    let dead = delivery(&world, &sent);
    assert_eq!((&dead["state"], &dead["error"]), (&json!("dead"), &json!("its endpoint was removed")));
    assert_eq!(call(&world, "GET", "/api/v1/endpoints/books/secrets", None).0, 404);
    // Its name is free, and nothing of the old one is left.
    endpoint(&world, "books", &to, &[]);
    let secrets = done(&world, "GET", "/api/v1/endpoints/books/secrets", None);
    assert_eq!(secrets["keys"].as_array().unwrap().len(), 1);
}

/// A proxy that connects to what it is asked for; what it was asked.
fn proxy() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (url, asked) =
        (format!("http://{}", listener.local_addr().unwrap()), Arc::<Mutex<Vec<String>>>::default());
    let noted = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut near, noted) = (stream.unwrap(), noted.clone());
            std::thread::spawn(move || {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    near.read_exact(&mut byte).unwrap();
                    head.push(byte[0]);
                }
                let head = String::from_utf8(head).unwrap();
                let to = head.split(' ').nth(1).unwrap().to_owned();
                noted.lock().unwrap().push(head);
                let mut far = TcpStream::connect(to).unwrap();
                near.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").unwrap();
                let (mut back, mut forth) = (far.try_clone().unwrap(), near.try_clone().unwrap());
                std::thread::spawn(move || std::io::copy(&mut back, &mut forth));
                let _ = std::io::copy(&mut near, &mut far);
            });
        }
    });
    (url, asked)
}

#[test]
fn endpoints_are_called_by_the_proxy_that_was_named() {
    let (url, asked) = proxy();
    let egress = format!("{EGRESS}proxy = {{ url = \"{url}\", credentials = {{ file = \"whsec.txt\" }} }}\n");
    // What the file holds is no user and password: that is told, and not what it holds.
    let refused = World::refused("", &egress);
    assert!(refused.contains("[egress] proxy credentials: they are no `USER:PASSWORD`"), "{refused}");
    assert!(!refused.contains("whsec_"), "{refused}");
    let world = gateway(&format!("{EGRESS}proxy = \"{url}\"\n"));
    declare(&world, "a");
    let to = Upstream::start(OK);
    let secret = endpoint(&world, "books", &to, &[]);
    send(&world, "a");
    assert!(verifies(&to.wait(1)[0], &secret));
    let address = to.url.strip_prefix("http://").unwrap().strip_suffix("/hook").unwrap();
    assert!(asked.lock().unwrap()[0].starts_with(&format!("CONNECT {address} HTTP/1.1\r\n")));
}
