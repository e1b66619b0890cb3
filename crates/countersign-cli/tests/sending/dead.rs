//! Dead letters: listed, tried without doing, sent again once, dropped.

use crate::desk::{Desk, Gateway, until};
use crate::receiver::Receiver;
use crate::{NO, OK, SEND, desk, endpoint, sent, state};
use countersign::{Clock, Timestamp};
use countersign_gateway::config::{Config, Modules};
use countersign_gateway::operate::{NewMessage, Operator};
use countersign_gateway::secrets::system_random;
use serde_json::Value;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

/// So many dead letters to `books`.
fn dead_letters(desk: &Desk, count: usize) -> Vec<Value> {
    let sent: Vec<Value> = (0..count).map(|_| sent(desk)).collect();
    until("all are given up", || dead(desk).len() == count);
    sent
}

fn dead(desk: &Desk) -> Vec<Value> {
    desk.json("dead list")["rows"].as_array().unwrap().clone()
}

#[test]
fn dead_letters_are_listed_and_sent_again_at_a_rate_and_not_twice() {
    let desk = desk();
    desk.run("dead list").exits(0).says("there is no dead letter that fits");
    let to = Receiver::start(NO);
    let secret = endpoint(&desk, "books", &to, "");
    let _gateway = Gateway::start(&desk);
    let sent = dead_letters(&desk, 5);
    let table = desk.run("dead list --endpoint books").exits(0).out;
    assert!(table.contains("the answer was 400") && table.lines().count() == 6, "{table}");
    let id = sent[0]["deliveries"][0]["id"].as_str().unwrap();
    let shown = desk.run(&format!("dead show {id}")).exits(0).says(&format!("countersign dead redrive {id}"));
    assert!(shown.out.contains("the answer was 400") && shown.out.contains("\"data\":"), "{}", shown.out);

    desk.run("dead redrive").exits(2).says("--all");
    desk.run(&format!("dead redrive {id} --all")).exits(2);
    desk.run("dead redrive --all --rate 0").exits(2).says("1 to 10000 a second");
    to.answers(OK);
    let dry =
        desk.json("dead redrive --endpoint books --type invoice.* --from 2020-01-01T00:00:00Z --dry-run");
    assert_eq!((&dry["found"], &dry["queued"]), (&5.into(), &5.into()));
    desk.run("dead redrive --endpoint mail").exits(0).says("no dead letter that fits");
    assert_eq!((dead(&desk).len(), to.seen().len()), (5, 5), "nothing was done");
    let told = desk.run("dead redrive --all --rate 50").exits(0).says("50 a second");
    assert!(told.out.contains("5 dead letters queued again"), "{}", told.out);
    until("all arrive", || to.seen().len() == 10 && sent.iter().all(|one| state(&desk, one) == "done"));
    assert!((5..10).all(|which| to.verifies(which, &secret)), "each is signed anew");
    desk.run(&format!("dead redrive {id}")).exits(1).says("arrived since").says("--force");
    desk.run(&format!("dead redrive {id} --force")).exits(0);
    until("it is sent all the same", || to.seen().len() == 11);
    desk.run("dead redrive d999").exits(1).says("is no delivery that is kept");
}

struct Now;

impl Clock for Now {
    fn now(&self) -> Timestamp {
        let since = SystemTime::UNIX_EPOCH.elapsed().unwrap();
        Timestamp::from_unix_ms(since.as_millis() as i64)
    }
}

/// Messages written into the store by the same service, in this process: a command each would take long.
fn publish(desk: &Desk, count: usize) {
    let file = desk.folder.path().join("countersign.toml");
    let config = Config::read(&file, &mut Modules::new()).unwrap().config;
    let operator = Operator::open(Arc::new(config), None, Arc::new(Now), Box::new(system_random)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let new: NewMessage = serde_json::from_str(r#"{"type":"invoice.paid","payload":{"z":1}}"#).unwrap();
    for _ in 0..count {
        runtime.block_on(operator.publish(&new)).unwrap();
    }
}

#[test]
fn more_than_one_step_of_dead_letters_is_sent_again_by_one_command() {
    const MANY: usize = 1100;
    let desk = desk();
    let to = Receiver::start(OK);
    endpoint(&desk, "books", &to, "");
    publish(&desk, MANY);
    desk.run("endpoint remove books").exits(1).says("countersign endpoint pause books");
    desk.run("endpoint remove books --force").exits(0).says("dead letters now");
    let first = desk.json("dead list --max 1000");
    assert_eq!(first["rows"].as_array().unwrap().len(), 1000);
    let rest = desk.json(&format!("dead list --max 1000 --after {}", first["next"].as_str().unwrap()));
    assert_eq!(rest["rows"].as_array().unwrap().len(), MANY - 1000);
    let secret = endpoint(&desk, "books", &to, " --concurrency 64");
    let dry = desk.json("dead redrive --all --dry-run");
    assert_eq!((&dry["found"], &dry["queued"]), (&MANY.into(), &MANY.into()));
    let told = desk.run("dead redrive --endpoint books --rate 1000").exits(0);
    assert!(told.out.contains("1100 dead letters queued again"), "{}", told.out);
    assert_eq!(desk.json("dead redrive --all")["found"], 0);
    let _gateway = Gateway::start(&desk);
    until("all arrive", || to.seen().len() >= MANY);
    assert!(to.verifies(MANY - 1, &secret));
}

#[test]
fn redrives_at_once_send_each_letter_once() {
    let desk = desk();
    let to = Receiver::start(NO);
    endpoint(&desk, "books", &to, "");
    let _gateway = Gateway::start(&desk);
    let sent = dead_letters(&desk, 20);
    to.answers(OK);
    let config = desk.folder.path().join("countersign.toml");
    let queued = Mutex::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let args =
                    ["dead", "redrive", "--all", "--format", "json", "--config", config.to_str().unwrap()];
                let ran = crate::common::run(&args).exits(0);
                *queued.lock().unwrap() += ran.json()["queued"].as_u64().unwrap();
            });
        }
    });
    assert_eq!(*queued.lock().unwrap(), 20, "each letter is queued by one of them");
    until("all arrive", || sent.iter().all(|one| state(&desk, one) == "done"));
    assert_eq!(to.seen().len(), 40);
}

#[test]
fn what_is_cancelled_or_dropped_is_not_sent_any_more() {
    let desk = desk();
    let to = Receiver::start(OK);
    endpoint(&desk, "books", &to, "");
    // No gateway yet: both wait.
    let (cancelled, goes) = (sent(&desk), sent(&desk));
    let id = cancelled["deliveries"][0]["id"].as_str().unwrap();
    desk.run(&format!("delivery cancel {id}")).exits(0).says("is cancelled");
    desk.run(&format!("delivery cancel {id}")).exits(1).says("is cancelled already");
    let gateway = Gateway::start(&desk);
    until("the other arrives", || state(&desk, &goes) == "done");
    assert_eq!((to.seen().len(), &*state(&desk, &cancelled)), (1, "cancelled"));
    desk.run(&format!("dead redrive {id}")).exits(1).says("was cancelled");
    to.answers(NO);
    desk.run(&format!("{SEND} --wait 30s")).exits(1).says("countersign dead redrive");
    let letter = dead(&desk)[0]["id"].as_str().unwrap().to_owned();
    desk.run(&format!("dead drop {letter}")).exits(0).says("is dropped");
    assert!(dead(&desk).is_empty());
    let over = goes["deliveries"][0]["id"].as_str().unwrap();
    desk.run(&format!("delivery cancel {over}")).exits(1).says("is done already");
    drop(gateway);
}
