//! `send --bad`: a receiver that verifies does right at each kind, and one that does not is found out.

use crate::common::{Ran, run_with};
use crate::desk::{Desk, Gateway, until};
use crate::receiver::Receiver;
use crate::{EGRESS, NO, OK};

const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

const KINDS: [&str; 4] = ["stale", "body", "secret", "replay"];

fn bad(url: &str, kind: &str, more: &str) -> Ran {
    let line = format!(
        "send --url {url} --allow-private --secret env:S --type a.b --payload {{}} --bad {kind}{more}"
    );
    let args: Vec<&str> = line.split(' ').collect();
    run_with(&args, b"", &[("S", WHSEC)])
}

#[test]
fn a_gateway_refuses_each_kind_and_the_same_are_sent_to_an_endpoint_without_a_record() {
    // It hands on, so that a message is answered 202 and its second copy 200.
    let upstream = Receiver::start(OK);
    let source = format!(
        "{EGRESS}[[source]]\nname = \"in\"\npath = \"/in\"\npreset = \"standard-webhooks\"\n\
         secrets = [{{ id = \"main\", file = \"whsec.txt\" }}]\nforward = {{ to = \"{}\" }}\n",
        upstream.url
    );
    let desk = Desk::new(&source);
    let spec = format!("file:{}", desk.folder.file("whsec.txt", WHSEC));
    let gateway = Gateway::start(&desk);
    let url = format!("http://{}/in", gateway.at);
    for kind in KINDS {
        let told = bad(&url, kind, "").exits(0).out;
        let verdict = if kind == "replay" { "duplicate" } else { "refused" };
        assert!(told.contains(&format!("{kind}: {verdict}")), "{told}");
    }
    let outcome = bad(&url, "secret", " --format json").exits(0).json();
    assert_eq!((&outcome["verdict"], &outcome["answers"][0]["status"]), (&"refused".into(), &401.into()));

    desk.run(&format!("endpoint add books --url {url} --secret {spec}")).exits(0);
    for kind in KINDS {
        desk.run(&format!("send --type a.b --payload {{}} --endpoint books --bad {kind}")).exits(0);
    }
    desk.run("send --type a.b --payload {} --bad stale").exits(2).says("--endpoint NAME");
    assert_eq!(desk.json("delivery list --endpoint books")["rows"], serde_json::json!([]));
    let outcomes = || {
        let listed = desk.json("event list --requests --source in");
        let all: Vec<String> = listed["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["outcome"].as_str().unwrap().into())
            .collect();
        all
    };
    until("every refusal is for what it was meant for", || {
        let count = |word: &str| outcomes().iter().filter(|outcome| *outcome == word).count();
        count("replayed") == 2 && count("ok") == 2 && count("bad_signature") == 5
    });
    let all = outcomes();
    assert_eq!(
        all.iter().filter(|outcome| outcome.contains("stale") || outcome.contains("old")).count(),
        2,
        "{all:?}"
    );
}

#[test]
fn whatever_the_preset_what_is_bad_is_refused_for_that_and_what_is_good_is_not() {
    let presets = ["github", "stripe", "slack", "shopify", "paddle-billing", "zoom", "linear", "calendly"];
    let sources = presets.map(|name| {
        format!(
            "[[source]]\nname = \"{name}\"\npath = \"/in/{name}\"\npreset = \"{name}\"\n\
             secrets = [{{ id = \"main\", file = \"whsec.txt\" }}]\n"
        )
    });
    let desk = Desk::new(&sources.concat());
    desk.folder.file("whsec.txt", WHSEC);
    let gateway = Gateway::start(&desk);
    for name in presets {
        let url = format!("http://{}/in/{name}", gateway.at);
        let preset = format!(" --preset {name}");
        bad(&url, "secret", &preset).exits(0);
        bad(&url, "body", &preset).exits(0);
        let stale = bad(&url, "stale", &preset);
        assert!(stale.exit == 0 || stale.err.contains("signs no time"), "{name}: {}{}", stale.out, stale.err);
        let line =
            format!("send --url {url} --allow-private --secret env:S --type a.b --payload {{}}{preset}");
        run_with(&line.split(' ').collect::<Vec<_>>(), b"", &[("S", WHSEC)]).exits(0);
    }
}

#[test]
fn a_receiver_that_takes_everything_is_found_out_and_one_that_says_nothing_is_not_called_right() {
    let to = Receiver::start(OK);
    for kind in ["stale", "body", "secret"] {
        let told = bad(&to.url, kind, "").exits(1).out;
        assert!(told.contains(&format!("{kind}: accepted")), "{told}");
    }
    let told = bad(&to.url, "replay", "").exits(7).out;
    assert!(told.contains("unproven") && told.contains("taken once"), "{told}");
    let seen = to.seen();
    assert_eq!(seen.len(), 5);
    assert_eq!(seen[3], seen[4], "the same twice, byte for byte");
    to.answers("503 Busy");
    assert!(bad(&to.url, "secret", "").exits(7).out.contains("400 or 401 refuses"));
    to.answers("404 Not Found");
    assert!(bad(&to.url, "secret", "").exits(7).out.contains("see that the URL"));
    to.answers(NO);
    assert!(bad(&to.url, "replay", "").exits(7).out.contains("was not accepted"));
    bad("http://127.0.0.1:1/hook", "body", "").exits(5).says("cannot send it");
}

#[test]
fn what_a_scheme_does_not_sign_cannot_be_bad() {
    let to = Receiver::start(OK);
    bad(&to.url, "stale", " --preset github").exits(2).says("--bad replay");
    bad(&to.url, "body", " --preset gitlab-token").exits(2).says("does not sign the body");
    bad(&to.url, "body", " --preset pusher").exits(2).says("signs what the message does not have");
    bad(&to.url, "secret", " --preset svix-ed25519").exits(4).says("give another key as --secret");
    assert!(to.seen().is_empty());
}
