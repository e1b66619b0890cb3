//! `send --url`: no configuration, no store.

use crate::common::{Ran, run_with};
use crate::receiver::Receiver;
use crate::{NO, OK};

const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn send(line: &str) -> Ran {
    let line = format!("send --secret env:S --type invoice.paid --payload {{\"id\":1}} {line}");
    let args: Vec<&str> = line.split(' ').collect();
    run_with(&args, b"", &[("S", WHSEC), ("COUNTERSIGN_CONFIG", "/nowhere/countersign.toml")])
}

#[test]
fn a_message_is_sent_to_a_url_with_nothing_but_a_secret() {
    let to = Receiver::start(OK);
    let url = format!("--url {}", to.url);
    send(&url).exits(2).says("--allow-private");
    send("--url http://example.com/hook").exits(2).says("--allow-private");
    send("--url https://127.0.0.1/hook").exits(2).says("--allow-private");
    send("--url http://169.254.169.254/latest --allow-private").exits(2).says("public address");
    assert_eq!(to.seen().len(), 0);
    let told = send(&format!("{url} --allow-private --id msg_7 --header X-Team:books")).exits(0).out;
    assert!(told.contains("msg_7") && told.contains("answered 200"), "{told}");
    assert!(to.verifies(0, WHSEC));
    let request = String::from_utf8(to.seen().remove(0)).unwrap().to_ascii_lowercase();
    assert!(request.contains("x-team: books\r\n") && request.contains("webhook-id: msg_7\r\n"), "{request}");
    to.answers(NO);
    let report = send(&format!("{url} --allow-private --attempts 3 --format json")).exits(1).json();
    assert_eq!((&report["arrived"], &report["attempts"][0]["status"]), (&false.into(), &400.into()));
    assert_eq!(report["attempts"].as_array().unwrap().len(), 1, "400 is final");
}

#[test]
fn the_scheme_is_the_senders_choice_and_has_to_sign() {
    let to = Receiver::start(OK);
    let url = format!("--url {} --allow-private", to.url);
    send(&format!("{url} --preset github")).exits(0);
    let args = ["verify", "-", "--preset", "github", "--secret", "env:S"];
    run_with(&args, &to.seen()[0], &[("S", WHSEC)]).exits(0);
    send(&format!("{url} --preset githib")).exits(3).says("did you mean `github`");
    send(&format!("{url} --attempts 11")).exits(2).says("write 1 to 10");
    send(&format!("{url} --header Webhook-Id:1")).exits(2).says("is made by what signs");
    send("--url nowhere").exits(2).says("--url");
    let none = ["send", "--type", "a.b", "--payload", "1", "--url", "https://example.com/"];
    run_with(&none, b"", &[]).exits(4).says("no --secret is given");
}
