//! `endpoint`, `type`, `send`, `delivery` and `dead`: the real command on a real store, gateways that deliver, receivers on sockets.
#![allow(clippy::unwrap_used)]

mod bad;
#[path = "../common/mod.rs"]
mod common;
mod dead;
#[path = "../common/desk.rs"]
mod desk;
mod direct;
mod guide;
mod receiver;

use desk::{Desk, Gateway, until};
use receiver::Receiver;
use serde_json::Value;

/// Receivers of the tests are on this machine, and no others are called.
const EGRESS: &str =
    "[egress]\nnetworks = [\"127.0.0.0/8\"]\nports = [\"1024-65535\"]\nplain_http = [\"127.0.0.1\"]\n";

const OK: &str = "200 OK";
const GONE: &str = "410 Gone";
const NO: &str = "400 Bad Request";

const SEND: &str = "send --type invoice.paid --payload {\"z\":1,\"a\":[true]}";

/// A desk on which a type is declared and endpoints may be here.
fn desk() -> Desk {
    let desk = Desk::new(EGRESS);
    desk.run("type add invoice.paid --description paid").exits(0).says("`invoice.paid` is declared");
    desk
}

/// An endpoint at a receiver; its secret.
fn endpoint(desk: &Desk, name: &str, to: &Receiver, more: &str) -> String {
    let added = desk.run(&format!("endpoint add {name} --url {}{more}", to.url)).exits(0);
    assert_eq!(added.out.lines().count(), 1, "the secret alone on stdout: {}", added.out);
    added.out.trim_end().to_owned()
}

fn sent(desk: &Desk) -> Value {
    desk.json(SEND)
}

/// The state of a message's only delivery.
fn state(desk: &Desk, sent: &Value) -> String {
    let id = sent["deliveries"][0]["id"].as_str().unwrap();
    desk.json(&format!("delivery show {id}"))["state"].as_str().unwrap().to_owned()
}

#[test]
fn a_message_is_sent_to_who_wants_it_and_verifies_there() {
    let desk = desk();
    desk.run("type add user.created").exits(0);
    desk.run("endpoint list").exits(0).says("`countersign endpoint add` makes one");
    let (books, all) = (Receiver::start(OK), Receiver::start(OK));
    let secret = endpoint(&desk, "books", &books, " --event invoice.* --header X-Team:hunter2 --rate 10/s");
    endpoint(&desk, "mail", &all, " --event user.created");
    let other = endpoint(&desk, "all", &all, "");
    let gateway = Gateway::start(&desk);
    let told = desk.run(&format!("{SEND} --wait 30s")).exits(0);
    for part in ["invoice.paid", "ENDPOINT", "books", "all", "arrived at attempt 1: 200"] {
        assert!(told.out.contains(part), "{part} in {}", told.out);
    }
    assert!(!told.out.contains("mail"), "{}", told.out);
    assert_eq!((books.seen().len(), all.seen().len()), (1, 1));
    assert!(books.verifies(0, &secret) && all.verifies(0, &other) && !books.verifies(0, &other));
    let request = String::from_utf8(books.seen().remove(0)).unwrap().to_ascii_lowercase();
    assert!(request.contains("x-team: hunter2\r\n") && request.contains("\"data\":{\"a\":[true],\"z\":1}"));
    // The values of headers are told nowhere.
    assert!(!desk.said.borrow().contains("hunter2"));

    let only = desk.json(&format!("{SEND} --endpoint books --id msg_1 --topic billing --wait 30s"));
    assert_eq!((&only["id"], &only["topic"]), (&"msg_1".into(), &"billing".into()));
    assert_eq!(only["deliveries"].as_array().unwrap().len(), 1);
    assert_eq!(only["deliveries"][0]["state"], "done");
    let id = only["deliveries"][0]["id"].as_str().unwrap();
    let shown = desk.json(&format!("delivery show {id}"));
    assert_eq!((&shown["endpoint"], &shown["status"]), (&"books".into(), &200.into()));
    assert_eq!(shown["event"]["source"], "published");
    assert!(desk.run(&format!("delivery show {id}")).exits(0).out.contains("\"id\":\"msg_1\""));
    let listed = desk.json("delivery list --endpoint books --state done --type invoice.*");
    assert_eq!(listed["rows"].as_array().unwrap().len(), 2);
    assert!(desk.run("delivery list").exits(0).out.contains("LAST ANSWER"));
    assert!(desk.run("delivery list --max 1").exits(0).err.contains("--after"));
    let (list, show) = (desk.run("endpoint list").exits(0).out, desk.run("endpoint show books").exits(0).out);
    assert!(list.contains("invoice.*") && list.contains("active"), "{list}");
    assert!(show.contains("10 a second") && show.contains("X-Team") || show.contains("x-team"), "{show}");
    assert!(desk.run("type list").exits(0).out.contains("user.created"));
    desk.run("type remove user.created").exits(0).says("is forgotten");
    drop(gateway);
}

#[test]
fn what_cannot_be_meant_is_refused_with_what_to_type() {
    let desk = desk();
    let to = Receiver::start(OK);
    let add = |more: &str| desk.run(&format!("endpoint add books --url {}{more}", to.url));
    add(" --event invoice.payed").exits(2).says("`invoice.paid` is").says("did you mean `invoice.paid`?");
    add(" --rate often").exits(3).says("rate = \"100/s\"");
    add(" --timeout 1s").exits(3).says("timeout");
    add(" --header nothing").exits(2).says("--header 'Name: value'");
    add(" --secret hunter2").exits(2).says("env:NAME");
    for (url, part) in [
        ("http://example.com/hook", "[egress] plain_http"),
        ("https://10.0.0.1/hook", "[egress] networks"),
        ("https://example.com:99/hook", "[egress] ports"),
        ("books", "https://"),
    ] {
        desk.run(&format!("endpoint add books --url {url}")).exits(3).says(part);
    }
    endpoint(&desk, "books", &to, "");
    add("").exits(1).says("already");
    desk.run("endpoint show book").exits(2).says("did you mean `books`?");
    desk.run("send --type invoice.payed --payload 1").exits(2).says("did you mean `invoice.paid`?");
    desk.run("send --type invoice.paid --payload {").exits(2).says("--payload: it is no JSON").says("@FILE");
    let file = desk.folder.file("payload.json", "{\"id\":1}");
    desk.run(&format!("send --type invoice.paid --payload {file}"))
        .exits(2)
        .says(&format!("--payload @{file}"));
    desk.run(&format!("{SEND} --endpoint boks")).exits(2).says("did you mean `books`?");
    desk.run(&format!("{SEND} --secret env:S")).exits(2).says("--url URL");
    desk.run(&format!("{SEND} --preset github")).exits(2).says("--url");
    desk.run("delivery show d99").exits(2).says("countersign delivery list");
    desk.run("delivery list --state lost").exits(2).says("`waiting`");
    desk.run("type add in..voice").exits(2).says("invoice.paid");
    let schema = desk.folder.file("schema.json", "{\"type\":\"object\",\"required\":[\"id\"]}");
    desk.run(&format!("type add invoice.paid --schema {schema}")).exits(0).says("held against its schema");
    desk.run("type add invoice.paid --description settled").exits(0).says("held against its schema");
    assert_eq!(desk.json("type list")[0]["description"], "settled");
    desk.run(&format!("type add invoice.paid --schema {schema}")).exits(0);
    assert_eq!(desk.json("type list")[0]["description"], "settled", "what is not said again stays");
    desk.run("send --type invoice.paid --payload {}").exits(2).says("the payload is no `invoice.paid`");
    let from_stdin = desk.with("send --type invoice.paid --payload - --format json", b"{\"id\":1}").exits(0);
    assert_eq!(from_stdin.json()["deliveries"][0]["endpoint"], "books");
    desk.run(&format!("send --type invoice.paid --payload @{file} --wait 1s"))
        .exits(1)
        .says("countersign serve");
    assert!(!desk.said.borrow().contains("hunter2"));
}

#[test]
fn a_receiver_that_is_gone_is_paused_and_what_was_held_is_sent_when_it_is_resumed() {
    let desk = desk();
    let to = Receiver::start(GONE);
    let secret = endpoint(&desk, "books", &to, "");
    let _gateway = Gateway::start(&desk);
    desk.run(&format!("{SEND} --wait 30s")).exits(1);
    until("it is paused", || desk.json("endpoint list")[0]["state"] == "paused");
    desk.run("endpoint list").exits(0).says("410");
    desk.run("endpoint show books").exits(0).says("endpoint resume books");
    let held = desk.run(&format!("{SEND} --wait 30s")).exits(1).says("countersign endpoint resume books");
    assert!(held.out.contains("held"), "{}", held.out);
    to.answers(OK);
    let before = to.seen().len();
    desk.run("endpoint resume books").exits(0).says("is sent to");
    until("what was held arrives", || to.seen().len() > before);
    assert!(to.verifies(before, &secret));
    desk.run("endpoint pause books").exits(0).says("is held");
    let waits = sent(&desk);
    assert_eq!(state(&desk, &waits), "held");
    desk.run("endpoint remove books").exits(0).says("dead letters now");
    assert_eq!(state(&desk, &waits), "dead");
}

#[test]
fn a_test_is_one_attempt_which_nobody_writes_down() {
    let desk = desk();
    let to = Receiver::start(OK);
    let secret = endpoint(&desk, "books", &to, "");
    let told = desk.run("endpoint test books").exits(0).out;
    assert!(told.contains("arrived") && told.contains("200"), "{told}");
    assert!(to.verifies(0, &secret));
    to.answers("401 Unauthorized");
    desk.run("endpoint test books").exits(1).says("countersign secret rotate endpoint:books");
    to.answers("503 Busy");
    let tried = desk.run("endpoint test books --format json").exits(1).json();
    assert_eq!((&tried["arrived"], &tried["status"]), (&false.into(), &503.into()));
    assert_eq!(to.seen().len(), 3);
    assert_eq!(desk.json("delivery list")["rows"], serde_json::json!([]));
}

#[test]
fn secrets_of_an_endpoint_are_looked_after_as_those_of_a_source() {
    let desk = desk();
    let to = Receiver::start(OK);
    let whsec = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let spec = format!("file:{}", desk.folder.file("secret.txt", whsec));
    let added = desk.run(&format!("endpoint add books --url {} --secret {spec}", to.url)).exits(0);
    assert_eq!(added.out, "", "what was handed in is not printed");
    let rotated = desk.run("secret rotate endpoint:books --id second --keep 1h").exits(0);
    assert!(rotated.err.contains("signs beside it until") && rotated.err.contains("give it to the receiver"));
    desk.run("endpoint test books").exits(0);
    assert!(to.verifies(0, whsec) && to.verifies(0, rotated.out.trim_end()), "both sign");
    let listed = desk.json("secret list endpoint:books");
    let old = listed["keys"][1]["id"].as_str().unwrap().to_owned();
    assert_eq!((listed["keys"].as_array().unwrap().len(), &listed["keys"][0]["id"]), (2, &"second".into()));
    desk.run(&format!("secret forget endpoint:books {old}")).exits(0).says("is forgotten");
    desk.run("endpoint test books").exits(0);
    assert!(!to.verifies(1, whsec) && to.verifies(1, rotated.out.trim_end()));
    desk.run("secret forget endpoint:books second").exits(1).says("without it nothing is sent");
    let new = desk.run("secret new endpoint:books --id third").exits(0);
    assert!(new.out.starts_with("whsec_"));
    desk.run("secret list endpoint:boks").exits(2).says("did you mean `books`?");
    assert!(!desk.said.borrow().contains(whsec));
}

#[test]
fn what_is_sent_right_behind_adding_its_endpoint_arrives_at_the_first_attempt() {
    let desk = desk();
    let _gateway = Gateway::start(&desk);
    let to = Receiver::start(OK);
    let secret = endpoint(&desk, "books", &to, "");
    let told = desk.run(&format!("{SEND} --wait 30s")).exits(0).out;
    assert!(told.contains("arrived at attempt 1"), "{told}");
    assert!(to.seen().len() == 1 && to.verifies(0, &secret));
}
