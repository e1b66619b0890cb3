//! `event`, `source` and `secret`: the real command on a real store, with and without a gateway that runs.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/desk.rs"]
mod desk;
use common::run_with;
use desk::{Desk, Gateway, KEY, until};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

const GITHUB: &str = "github-secret-of-the-tests";

/// A signed request of the command's own.
fn signed(preset: &str, secret: &str, path: &str, body: &str) -> String {
    let url = format!("https://hooks.example.com{path}");
    let args =
        ["sign", "--preset", preset, "--secret", "env:S", "--body", body, "--url", &url, "--format", "http"];
    run_with(&args, b"", &[("S", secret)]).exits(0).out
}

#[test]
fn the_life_of_a_source_without_a_gateway_and_its_secret_is_printed_once() {
    let desk = Desk::new("");
    desk.run("source list").exits(0).says("`countersign source add` makes one");
    let added = desk.run("source add --name acme --path /in/acme --preset standard-webhooks --override freshness.tolerance_seconds=60 --generate-secret").exits(0);
    let first = added.out.trim_end().to_owned();
    assert!(
        first.starts_with("whsec_") && added.out.lines().count() == 1,
        "the value alone on stdout: {}",
        added.out
    );
    assert!(added.err.contains("shown this once") && added.err.contains("freshness.tolerance_seconds = 60"));
    // From here on it must not be seen again.
    desk.said.borrow_mut().clear();
    desk.said.borrow_mut().push_str(&added.err);

    let listed = desk.json("source list");
    let line = &listed[0];
    assert_eq!(
        (&line["name"], &line["defined"], &line["enabled"]),
        (&"acme".into(), &"store".into(), &true.into())
    );
    assert_eq!(line["keys"].as_array().unwrap().len(), 1);
    let table = desk.run("source list").exits(0).out;
    assert!(
        table.contains("acme") && table.contains("/in/acme") && table.contains("standard-webhooks"),
        "{table}"
    );

    let rotated = desk.run("secret rotate acme --keep 24h --id second").exits(0);
    let second = rotated.out.trim_end().to_owned();
    assert!(second.starts_with("whsec_") && second != first);
    assert!(rotated.err.contains("verifies beside it until"), "{}", rotated.err);
    desk.said.borrow_mut().clear();
    desk.said.borrow_mut().push_str(&rotated.err);

    let secrets = desk.json("secret list acme");
    let keys = secrets["keys"].as_array().unwrap();
    let prints: Vec<&str> = keys.iter().map(|key| key["fingerprint"].as_str().unwrap()).collect();
    assert!(prints.len() == 2 && prints[0] != prints[1] && prints.iter().all(|print| print.len() == 8));
    assert_eq!((&keys[0]["id"], &keys[0]["not_after"]), (&"second".into(), &Value::Null));
    assert!(keys[1]["not_after"].is_string());
    let table = desk.run("secret list acme").exits(0).out;
    assert!(prints.iter().all(|print| table.contains(print)) && table.contains("never"), "{table}");

    let old = keys[1]["id"].as_str().unwrap();
    desk.run(&format!("secret forget acme {old}")).exits(0).says("is forgotten");
    desk.run("secret forget acme second")
        .exits(1)
        .says("the last secret of `acme` that verifies")
        .says("--force");
    desk.run("secret forget acme secnd").exits(2).says("did you mean `second`?");
    desk.run("secret forget acme second --force").exits(0);
    desk.run("secret list acme")
        .exits(0)
        .says("accepts nothing")
        .says("`countersign secret new acme` makes one");
    let shown = desk.run("source show acme").exits(0).out;
    assert!(shown.contains("60 s old") && shown.contains("accepts nothing"), "{shown}");
    for (command, state) in
        [("disable", "disabled"), ("enable", "on"), ("observe", "observed"), ("enforce", "on")]
    {
        desk.run(&format!("source {command} acme")).exits(0);
        assert!(
            desk.run("source show acme").exits(0).out.contains(&format!("{state}, defined in the store"))
        );
    }
    desk.run("source remove acme").exits(1).says("still receives").says("countersign source disable acme");
    desk.run("source disable acme").exits(0);
    desk.run("source remove acme").exits(0).says("its events stay");
    desk.run("source show acme").exits(2).says("no source is called `acme`");
    let said = desk.said.borrow();
    let stored = std::fs::read(desk.folder.path().join("countersign.db")).unwrap();
    for secret in [&first, &second] {
        assert!(!said.contains(secret.as_str()), "a secret was printed twice");
        let kept = stored.windows(secret.len()).any(|bytes| bytes == secret.as_bytes());
        assert!(!kept, "a secret is in the store as it is");
    }
}

#[test]
fn every_refusal_says_what_to_do_and_quotes_no_secret() {
    let desk = Desk::new(
        "[[source]]\nname = \"hub\"\npath = \"/in/hub\"\npreset = \"github\"\nsecrets = [{ id = \"main\", file = \"github.txt\" }]\n",
    );
    desk.folder.file("github.txt", GITHUB);
    desk.run("source add --name acme --path /in/acme --preset github")
        .exits(0)
        .says("countersign secret new acme");
    for (line, input, exit, says) in [
        ("source show hubb", "", 2, "did you mean `hub`?"),
        ("source remove hub", "", 1, "stands in the configuration file"),
        ("secret rotate hub", "", 1, "where the configuration file says (the file"),
        ("secret new hub", "", 1, "`secrets = \"managed\"`"),
        ("secret learn acme", "", 1, "no challenge that hands a secret over"),
        ("source add --path /in/hub --preset github", "", 1, "the path is taken"),
        ("source add --path /in/b --preset githbu", "", 3, "githbu"),
        ("source add --path in/b --preset github", "", 3, "^"),
        ("source add --path /in/b --preset github --override a", "", 2, "--override"),
        ("source add --path /in/b --preset github --override hmac.colour=1", "", 3, "colour"),
        ("secret add acme --value hunter2-is-bare", "", 2, "a bare value is not taken"),
        ("secret add acme --value -", "hunter2 with spaces", 4, "holds white space"),
        ("secret add acme --value -", "", 4, "empty"),
        ("secret rotate acme --keep 900d", "", 2, "at most 366 days"),
        ("secret rotate acme --keep soon", "", 2, "`keep`"),
        ("secret confirm acme a --fingerprint 0", "", 2, "no secret called `a`"),
        ("event show evt_none", "", 2, "countersign event list"),
        ("event list --type a.*.b", "", 2, "how it begins"),
        ("event list --source nobody", "", 2, "no source is called"),
        ("event list --max 9999", "", 2, "1 to 1000"),
        ("event list --outcome ok", "", 2, "--requests"),
        ("source stats hub --from 2020-01-01T00:00:00Z", "", 2, "31 days"),
        ("source test hub --event evt_none", "", 2, "evt_none"),
    ] {
        let ran = desk.with(line, input.as_bytes()).exits(exit).says(says);
        assert!(ran.out.is_empty(), "{line}: {}", ran.out);
    }
    desk.run("source list --config nowhere.toml").exits(5).says("nowhere.toml").says("--quickstart");
    assert!(!desk.said.borrow().contains("hunter2"));
    assert!(!desk.said.borrow().contains(GITHUB));
}

#[test]
fn without_the_stores_key_all_is_done_that_needs_none() {
    let desk = Desk::new("");
    desk.run("source add --name acme --path /in/acme --preset github").exits(0);
    std::fs::remove_file(desk.folder.path().join("store.txt")).unwrap();
    desk.run("source list").exits(0);
    desk.run("secret list acme").exits(0);
    desk.run("event list").exits(0).says("nothing fits");
    desk.run("secret new acme").exits(4).says("`[store] key`").says("store.txt");
    // Another key opens nothing, and says so.
    desk.folder.file("store.txt", KEY);
    desk.with("secret add acme --value -", b"a-secret-of-some-length\n").exits(0);
    desk.folder.file("store.txt", KEY.replace('0', "f"));
    let request = signed("github", "a-secret-of-some-length", "/in/acme", "{}");
    desk.with("source test acme -", request.as_bytes()).exits(4).says("another key than `[store] key` gives");
    desk.folder.file("store.txt", KEY);
    desk.with("source test acme -", request.as_bytes()).exits(0);
}

#[test]
fn what_a_gateway_receives_is_listed_followed_counted_and_tried_again() {
    let desk = Desk::new(
        "[[source]]\nname = \"hub\"\npath = \"/in/hub\"\npreset = \"github\"\nsecrets = [{ id = \"main\", file = \"github.txt\" }]\n",
    );
    desk.folder.file("github.txt", GITHUB);
    let gateway = Gateway::start(&desk);
    let good = signed("github", GITHUB, "/in/hub", "{\"number\":1}");
    assert_eq!(gateway.send(&good), 200);
    assert_eq!(gateway.send(&good.replace("number", "nummer")), 401);
    until("both have a row", || desk.json("event list --requests")["rows"].as_array().unwrap().len() == 2);

    let events = desk.json("event list");
    let event = &events["rows"][0];
    assert_eq!(
        (&event["source"], &event["key"], &event["size"]),
        (&"hub".into(), &"main".into(), &12.into())
    );
    let id = event["id"].as_str().unwrap();
    assert!(desk.run("event list").exits(0).out.contains(id));
    let refused = desk.run("event list --requests --outcome bad_signature").exits(0).out;
    assert!(
        refused.contains("401") && refused.contains("127.0.0.1") && refused.lines().count() == 2,
        "{refused}"
    );
    let shown = desk.run(&format!("event show {id}")).exits(0).out;
    assert!(shown.contains("{\"number\":1}") && shown.contains("x-hub-signature-256"), "{shown}");
    assert_eq!(desk.run(&format!("event show {id} --part body")).exits(0).out, "{\"number\":1}");
    let request = desk.run(&format!("event show {id} --part request")).exits(0).out;
    let verify = ["verify", "-", "--preset", "github", "--secret", "env:S"];
    run_with(&verify, request.as_bytes(), &[("S", GITHUB)]).exits(0);

    until("it is counted", || desk.json("source stats hub")["whole"]["total"] == 2);
    let stats = desk.json("source stats hub");
    assert_eq!((&stats["whole"]["accepted"], &stats["whole"]["refused"]), (&1.into(), &1.into()));
    assert!(stats["whole"]["p99_micros"].is_u64() && stats["last_seen"].is_string());
    assert!(desk.run("source stats hub").exits(0).out.contains("████"));
    until("its key has matched", || desk.json("secret list hub")["keys"][0]["last_matched"].is_string());

    let trial = desk.json(&format!("source test hub --event {id}"));
    assert_eq!((&trial["outcome"], &trial["key"]), (&"ok".into(), &"main".into()));
    let changed = good.replace("number", "nummer");
    let tried = desk.with("source test hub -", changed.as_bytes()).exits(1);
    assert!(tried.out.contains("bad_signature") && tried.out.contains("signature   failed"), "{}", tried.out);
    let rows = desk.json("event list --requests")["rows"].as_array().unwrap().len();
    assert_eq!(rows, 2, "a trial leaves no row");

    // What comes is told as it comes.
    let config = desk.folder.path().join("countersign.toml");
    let mut tail = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(["event", "tail", "--requests", "--lines", "2", "--format", "json", "--config"])
        .arg(config)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut remark = String::new();
    BufReader::new(tail.stderr.take().unwrap()).read_line(&mut remark).unwrap();
    assert!(remark.contains("Ctrl-C"), "{remark}");
    assert_eq!(gateway.send(&signed("github", GITHUB, "/in/hub", "{\"number\":2}")), 200);
    assert_eq!(gateway.send(&signed("github", "another", "/in/hub", "{}")), 401);
    let told = tail.wait_with_output().unwrap();
    assert!(told.status.success());
    let lines: Vec<Value> = String::from_utf8(told.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let mut outcomes: Vec<&str> = lines.iter().map(|line| line["outcome"].as_str().unwrap()).collect();
    outcomes.sort_unstable();
    assert_eq!(outcomes, ["bad_signature", "ok"]);

    // And a source that is added here receives there, without a restart.
    let secret = desk.run("source add --path /in/new --preset github --generate-secret").exits(0).out;
    let request = signed("github", secret.trim_end(), "/in/new", "{}");
    until("it receives", || gateway.send(&request) == 200);
    assert!(!desk.said.borrow().contains(GITHUB));
}

/// The commands of a page, in their order, without their remarks.
fn commands(page: &str) -> Vec<String> {
    let blocks = page.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let lines = blocks.flat_map(str::lines).map(|line| line.split(" #").next().unwrap().trim());
    lines.map(|line| line.strip_prefix("countersign ").unwrap().replace('\'', "")).collect()
}

#[test]
fn the_page_of_operating_can_be_typed_from_its_first_command_to_its_last() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/operating.md");
    let page = std::fs::read_to_string(path).unwrap();
    let desk = Desk::new("");
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let secret_file = desk.folder.file("secret.txt", secret);
    let request = desk.folder.file("request.http", signed("standard-webhooks", secret, "/in/acme", "{}"));
    let all = commands(&page);
    assert!(all.len() > 15, "{all:?}");
    let old_key = format!("file:{}", desk.folder.path().join("store.txt").display());
    for line in all {
        let line = line.replace("secret.txt", &secret_file).replace("request.http", &request);
        desk.run(&line.replace("env:OLD_STORE_KEY", &old_key)).exits(0);
    }
}

const TOKEN: &str = "an-admin-token-of-some-length";

/// A desk with an admin API, and a gateway on it.
fn administered(sources: &str) -> (Desk, Gateway) {
    let desk = Desk::new(&format!(
        "[admin]\nlisten = \"127.0.0.1:0\"\ntoken = {{ file = \"admin.txt\" }}\n{sources}"
    ));
    desk.folder.file("admin.txt", TOKEN);
    let gateway = Gateway::start(&desk);
    (desk, gateway)
}

#[test]
fn what_operators_do_stands_in_the_log_by_whichever_door_and_no_value_does() {
    let (desk, gateway) = administered("");
    let new = r#"{"name":"shop","path":"/in/shop","preset":"standard-webhooks","generate_secret":true}"#;
    let (status, added) = gateway.ask("POST", "/api/v1/sources", TOKEN, new);
    assert_eq!(status, 200, "{added}");
    until("what came by the API is told, and from where", || {
        gateway.logged(&["\"what\":\"source add\"", "\"source\":\"shop\"", "\"address\":\"127.0.0.1\""])
            && gateway.logged(&["\"what\":\"secret added\"", "\"source\":\"shop\"", "taken from the store"])
    });
    let second = desk.run("secret rotate shop --id second --keep 1h").exits(0).out;
    desk.run("source observe shop").exits(0);
    until("and what a command did", || {
        gateway.logged(&["\"what\":\"secret added\"", "\"source\":\"shop\"", "\"secret\":\"second\""])
            && gateway.logged(&["\"what\":\"secret ends at ", "\"source\":\"shop\""])
            && gateway.logged(&["\"what\":\"enforce = observe\"", "\"source\":\"shop\""])
    });
    desk.run("secret forget shop second").exits(0);
    desk.run("source remove shop --force").exits(0);
    until("to its end", || gateway.logged(&["\"what\":\"removed\"", "\"source\":\"shop\""]));
    let log = gateway.log.lock().unwrap().join("\n");
    let first: Value = serde_json::from_str(&added).unwrap();
    for secret in [first["secret"]["value"].as_str().unwrap(), second.trim_end()] {
        assert!(secret.starts_with("whsec_") && !log.contains(&secret[6..]), "{log}");
    }
}

#[test]
fn a_fingerprint_is_that_of_the_secret_which_is_stored() {
    let desk = Desk::new("");
    desk.run("source add --name shop --path /in/shop --preset github").exits(0);
    desk.folder.file("theirs.txt", "a-secret-of-theirs-0123456789\n");
    let theirs = format!("file:{}", desk.folder.path().join("theirs.txt").display());
    desk.run(&format!("secret add shop --value {theirs}")).exits(0);
    let stored = desk.json("secret list shop")["keys"][0]["fingerprint"].as_str().unwrap().to_owned();
    let ran = desk.run(&format!("secret fingerprint --secret {theirs}")).exits(0);
    assert_eq!(ran.out, format!("{stored}\n"));
    let given = desk.with("secret fingerprint --secret - --format json", b"a-secret-of-theirs-0123456789");
    assert_eq!(given.exits(0).json()["fingerprint"], stored);
    desk.run("secret fingerprint --secret hunter2").exits(2).says("--secret: ").says("env:NAME");
    assert!(!desk.said.borrow().contains("hunter2"));
}

#[test]
fn a_store_gets_another_key_by_one_command_and_the_old_one_is_needed() {
    let desk = Desk::new("");
    let first = desk
        .run("source add --name shop --path /in/shop --preset standard-webhooks --generate-secret")
        .exits(0)
        .out;
    let another = KEY.replace("00", "aa");
    desk.folder.file("store.txt", &another);
    desk.run("secret new shop").exits(4).says("does not open secret").says("secret reseal --old-key");
    let key = |name: &str, text: &str| {
        desk.folder.file(name, text);
        format!("file:{}", desk.folder.path().join(name).display())
    };
    let wrong = key("wrong.txt", &KEY.replace("00", "bb"));
    desk.run(&format!("secret reseal --old-key {wrong}")).exits(4).says("opens with neither key");
    let none = key("none.txt", "hunter2-is-no-key");
    desk.run(&format!("secret reseal --old-key {none}")).exits(4).says("--old-key: ").says("openssl rand");
    let old = key("old.txt", KEY);
    desk.run(&format!("secret reseal --old-key {old}")).exits(0).says("1 secrets were sealed anew");
    assert_eq!(desk.json(&format!("secret reseal --old-key {old}"))["already"], 1);
    let gateway = Gateway::start(&desk);
    assert_eq!(gateway.send(&signed("standard-webhooks", first.trim_end(), "/in/shop", "{}")), 200);
    assert!(!desk.said.borrow().contains("hunter2"));
}
