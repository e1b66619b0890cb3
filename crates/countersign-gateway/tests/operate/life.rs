//! A source from its first day to its last, at a gateway that runs all the while.

use crate::api::{SCHEME, TOKEN, ask, call, done, gateway, hook, until};
use crate::world::{World, github, signed};
use serde_json::{Value, json};

fn status(world: &World, path: &str, secret: &str) -> u16 {
    world
        .post(
            path,
            &signed("standard-webhooks", secret, &id(), b"{\"type\":\"invoice.paid\"}"),
            b"{\"type\":\"invoice.paid\"}",
        )
        .status
}

/// A message that was not sent before.
fn id() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("msg_{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

#[test]
fn a_source_is_added_used_rotated_and_removed_while_the_gateway_runs() {
    let world = gateway("");
    let new = json!({ "path": "/in/acme", "preset": "standard-webhooks", "generate_secret": true });
    let added = done(&world, "POST", "/api/v1/sources", Some(&new));
    assert_eq!((&added["source"]["name"], &added["source"]["defined"]), (&json!("in-acme"), &json!("store")));
    let first = added["secret"]["value"].as_str().unwrap().to_owned();
    assert!(first.starts_with("whsec_"), "the preset's form");
    until("the first secret verifies", || status(&world, "/in/acme", &first) == 200);

    let rotated = done(&world, "POST", "/api/v1/sources/in-acme/rotate", Some(&json!({ "keep": "1h" })));
    let second = rotated["value"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    until("the second one verifies", || status(&world, "/in/acme", &second) == 200);
    assert_eq!(status(&world, "/in/acme", &first), 200, "and the first still does");
    let listed = done(&world, "GET", "/api/v1/sources/in-acme/secrets", None);
    let keys = listed["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 2);
    assert_ne!(keys[0]["fingerprint"], keys[1]["fingerprint"]);
    assert!(keys[0]["not_after"].is_null() && keys[1]["not_after"].is_string(), "{listed:#}");
    until("both have matched", || {
        let listed = done(&world, "GET", "/api/v1/sources/in-acme/secrets", None);
        listed["keys"].as_array().unwrap().iter().all(|key| key["last_matched"].is_string())
    });

    let (old, new) = (keys[1]["id"].as_str().unwrap(), keys[0]["id"].as_str().unwrap());
    done(&world, "DELETE", &format!("/api/v1/sources/in-acme/secrets/{old}"), None);
    until("the first one does not verify any more", || status(&world, "/in/acme", &first) == 401);
    let (refused, why) = call(&world, "DELETE", &format!("/api/v1/sources/in-acme/secrets/{new}"), None);
    assert_eq!((refused, &why["code"]), (409, &json!("last_secret")));

    done(&world, "POST", "/api/v1/sources/in-acme/disable", None);
    until("it is as if it were not there", || status(&world, "/in/acme", &second) == 404);
    done(&world, "POST", "/api/v1/sources/in-acme/enable", None);
    until("it is back", || status(&world, "/in/acme", &second) == 200);
    done(&world, "POST", "/api/v1/sources/in-acme/observe", None);
    until("what is forged is let through", || status(&world, "/in/acme", &first) == 200);
    done(&world, "POST", "/api/v1/sources/in-acme/enforce", None);
    until("and is not", || status(&world, "/in/acme", &first) == 401);

    let (in_use, why) = call(&world, "DELETE", "/api/v1/sources/in-acme", None);
    assert_eq!((in_use, &why["code"]), (409, &json!("in_use")));
    let removed = done(&world, "DELETE", "/api/v1/sources/in-acme?force=true", None);
    assert_eq!(removed["secrets"], 1);
    until("it is gone", || status(&world, "/in/acme", &second) == 404);
    let events = done(&world, "GET", "/api/v1/events?source=in-acme&type=invoice.*", None);
    assert!(!events["rows"].as_array().unwrap().is_empty(), "its events stay");
}

#[test]
fn what_stands_in_the_file_is_switched_here_and_changed_there() {
    let world = gateway(&github("a", ""));
    done(&world, "POST", "/api/v1/sources/a/disable", None);
    until("it is off", || world.post("/in/a", &[], b"x").status == 404);
    let shown = done(&world, "GET", "/api/v1/sources/a", None);
    assert_eq!((&shown["defined"], &shown["enabled"]), (&json!("file"), &json!(false)));
    assert_eq!(shown["digest"].as_str().unwrap().len(), 64);
    for (method, path, code, help) in [
        ("DELETE", "/api/v1/sources/a?force=true", "in_file", "take its `[[source]]` out of"),
        ("POST", "/api/v1/sources/a/secrets", "not_managed", "add an entry to `secrets`"),
        ("POST", "/api/v1/sources/a/rotate", "not_managed", "not_after"),
        ("DELETE", "/api/v1/sources/a/secrets/main", "not_managed", "secrets"),
        ("POST", "/api/v1/sources/a/learn", "not_managed", "managed"),
    ] {
        let (status, why) = call(&world, method, path, None);
        assert_eq!((status, why["code"].as_str().unwrap()), (409, code), "{path}");
        assert!(why["help"].as_str().unwrap().contains(help), "{why:#}");
    }
    let listed = done(&world, "GET", "/api/v1/sources/a/secrets", None);
    assert!(listed["keys"][0]["place"].as_str().unwrap().contains("github.txt"));
    assert!(listed["keys"][0]["fingerprint"].is_null(), "nothing is read to be listed");
}

#[test]
fn what_the_file_switches_off_no_row_of_the_store_switches_on() {
    let world = gateway(&github("a", ""));
    // A row from the time when the file said nothing of it.
    done(&world, "POST", "/api/v1/sources/a/observe", None);
    until("it is observed", || world.post("/in/a", &[], b"x").status == 200);
    let file = world.folder.path().join("countersign.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}\nenabled = false\n")).unwrap();
    until("it is off", || world.post("/in/a", &[], b"x").status == 404);
    let (status, why) = call(&world, "POST", "/api/v1/sources/a/enable", None);
    assert_eq!((status, &why["code"]), (409, &json!("in_file")), "{why:#}");
    assert_eq!(done(&world, "GET", "/api/v1/sources/a", None)["enabled"], false);
}

#[test]
fn mistakes_are_told_with_their_lines_and_near_names() {
    let world = gateway(&github("payments", ""));
    let table = "path = \"/in/b\"\npreset = \"githbu\"\nsecrets = \"managed\"\nlimit = {}\n";
    let (status, why) = call(&world, "POST", "/api/v1/sources", Some(&json!({ "table": table })));
    assert_eq!((status, &why["code"]), (422, &json!("invalid_source")));
    let lines: Vec<_> =
        why["complaints"].as_array().unwrap().iter().map(|one| one["line"].as_u64()).collect();
    assert_eq!(lines, [Some(2), Some(4)], "{why:#}");
    for (method, path, body, status, code, told) in [
        ("GET", "/api/v1/sources/payment", None, 404, "unknown_source", "did you mean `payments`?"),
        ("GET", "/api/v1/events?source=payment", None, 404, "unknown_source", "payments"),
        ("GET", "/api/v1/events/evt_0", None, 404, "unknown_event", "evt_0"),
        ("GET", "/api/v1/events?sauce=x", None, 422, "invalid_argument", "sauce"),
        ("GET", "/api/v1/events?max=5000", None, 422, "invalid_argument", "1 to 1000"),
        ("GET", "/api/v1/events?after=x.y", None, 422, "invalid_argument", "x.y"),
        ("GET", "/api/v1/events?type=a.*.b", None, 422, "invalid_argument", "a.*.b"),
        ("GET", "/api/v1/requests?from=soon", None, 422, "invalid_argument", "RFC 3339"),
        (
            "GET",
            "/api/v1/sources/payments/stats?from=2020-01-01T00:00:00Z",
            None,
            422,
            "invalid_argument",
            "31 days",
        ),
        (
            "POST",
            "/api/v1/sources",
            Some(json!({ "path": "/in/payments", "preset": "github" })),
            409,
            "taken",
            "path",
        ),
        ("POST", "/api/v1/sources", Some(json!({ "pfad": "/x" })), 422, "invalid_argument", "pfad"),
        ("GET", "/api/v1/nothing", None, 404, "unknown_path", "openapi.json"),
        ("PUT", "/api/v1/events", None, 405, "unknown_method", "openapi.json"),
    ] {
        let (was, why) = call(&world, method, path, body.as_ref());
        assert_eq!((was, why["code"].as_str()), (status, Some(code)), "{method} {path}: {why:#}");
        assert!(why.to_string().contains(told), "{method} {path}: {why:#}");
    }
}

#[test]
fn without_the_token_nobody_learns_anything_and_a_wrong_one_is_not_tried_for_ever() {
    let world = gateway("");
    let open = |path: &str| ask(&world, "GET", path, None, None);
    assert_eq!((open("/healthz").status, open("/readyz").status), (200, 200));
    let refused: Vec<_> =
        ["/api/v1/sources", "/metrics", "/api/v1/openapi.json", "/api/v1/none", "/", "/healthz/x"]
            .into_iter()
            .map(open)
            .collect();
    for answer in &refused {
        assert_eq!((answer.status, &answer.body), (401, &refused[0].body));
        assert_eq!(answer.header("www-authenticate"), Some("bearer"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    // On the public address there is nothing of it at all.
    for path in ["/api/v1/sources", "/metrics", "/healthz", "/readyz"] {
        let answer = world.send(
            format!("GET {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {TOKEN}\r\n\r\n").as_bytes(),
        );
        assert_eq!(answer.status, 404, "{path}");
    }
    let wrong = |token: &str| ask(&world, "GET", "/api/v1/sources", Some(token), None);
    let first = wrong("wrong");
    assert_eq!((first.status, &first.body), (401, &refused[0].body), "wrong and missing are told the same");
    for length in 1..10 {
        assert_eq!(wrong(&TOKEN[..length]).status, 401);
    }
    let limited = wrong("wrong");
    assert_eq!(limited.status, 429, "ten were wrong");
    assert_eq!(wrong(TOKEN).status, 200, "and nobody shuts out who has the token");
    assert!(limited.header("retry-after").unwrap().parse::<u64>().unwrap() <= 61);
    assert_eq!(open("/healthz").status, 200);
}

#[test]
fn a_secret_is_handed_in_once_and_is_one_that_the_scheme_takes() {
    let world = gateway("");
    let new = json!({ "name": "a", "path": "/in/a", "preset": "standard-webhooks" });
    let added = done(&world, "POST", "/api/v1/sources", Some(&new));
    assert_eq!(added["source"]["trouble"], "it has no secret that verifies, and accepts nothing");
    let add = |body: Value| call(&world, "POST", "/api/v1/sources/a/secrets", Some(&body));
    let (status, why) = add(json!({ "value": "whsec_!!hunter2!!" }));
    assert_eq!((status, &why["code"]), (422, &json!("invalid_secret")));
    assert!(!why.to_string().contains("hunter2") && why.to_string().contains("preset show"), "{why:#}");
    let (status, why) = add(json!({ "value": ["hunter2"] }));
    assert!(status == 422 && !why.to_string().contains("hunter2"), "{why:#}");
    let (status, why) = add(json!({ "value": crate::world::WHSEC, "id": "one" }));
    assert_eq!((status, &why["value"]), (200, &Value::Null), "what is handed in is not handed back");
    for (body, code) in [
        (json!({ "value": crate::world::WHSEC, "id": "two" }), "secret_taken"),
        (json!({ "id": "one" }), "secret_taken"),
        (json!({ "id": "a/b" }), "invalid_argument"),
        (
            json!({ "not_before": "2030-01-01T00:00:00Z", "not_after": "2029-01-01T00:00:00Z" }),
            "invalid_argument",
        ),
    ] {
        assert_eq!(add(body.clone()).1["code"], code, "{body}");
    }
    until("it verifies", || self::status(&world, "/in/a", crate::world::WHSEC) == 200);
}

#[test]
fn a_secret_that_is_handed_over_verifies_when_its_fingerprint_was_named() {
    let world = gateway(&hook());
    let offer = |secret: &str| world.post("/in/hook", &[("x-acme-secret".into(), secret.into())], b"").status;
    assert_eq!(offer("not-asked-for-0123456789"), 401);
    let waiting = done(&world, "POST", "/api/v1/sources/hook/learn", Some(&json!({ "for": "10m" })));
    assert!(waiting["learns_until"].is_string());
    until("one is taken", || offer("the-providers-own-0123456789") == 200);
    assert_eq!(offer("somebody-elses-0123456789"), 401, "and no other");
    let keys = done(&world, "GET", "/api/v1/sources/hook/secrets", None);
    let (id, print) =
        (keys["keys"][0]["id"].as_str().unwrap(), keys["keys"][0]["fingerprint"].as_str().unwrap());
    assert_eq!(keys["keys"][0]["state"], "pending");
    let path = format!("/api/v1/sources/hook/secrets/{id}/confirm");
    let (status, why) = call(&world, "POST", &path, Some(&json!({ "fingerprint": "00000000" })));
    assert_eq!((status, &why["code"]), (409, &json!("fingerprint_differs")));
    assert!(!why.to_string().contains(print), "the right one is not told");
    let confirmed = done(&world, "POST", &path, Some(&json!({ "fingerprint": print })));
    assert_eq!(confirmed["secret"]["state"], "live");
    assert_eq!(call(&world, "POST", &path, Some(&json!({ "fingerprint": print }))).1["code"], "not_pending");
    let mut registry = countersign_modes::registry().unwrap();
    registry.add_preset("acme.toml", format!("schema = 1\nname = \"acme\"\n{SCHEME}")).unwrap();
    let keys = countersign::Keyring::of("the-providers-own-0123456789").unwrap();
    let signer = registry.named("acme").unwrap().signer(&keys, &countersign::Vars::new()).unwrap();
    let draft = countersign::Draft::new("", countersign::Timestamp::from_unix(1), "https://a/", b"{}");
    let signed = signer.sign(&draft).unwrap().headers;
    let signed =
        signed.into_iter().map(|(name, value)| (name.to_string(), String::from_utf8(value).unwrap()));
    let signed: Vec<_> = signed.collect();
    until("what it signs verifies", || world.post("/in/hook", &signed, b"{}").status == 200);
}

#[test]
fn a_trial_says_what_every_check_says_and_leaves_no_trace() {
    let world = gateway(&github("a", "allow_from = [\"192.0.2.0/24\"]\nlimits = { body = \"1KiB\" }"));
    let headers = signed("github", crate::world::SECRET, "", b"hello");
    let request = String::from_utf8(crate::world::http("POST", "/in/a", &headers, b"hello")).unwrap();
    let before = world.runtime.block_on(async { world.gateway().admin() });
    assert!(before.is_some());
    let asked = json!({ "request": request, "address": "192.0.2.7" });
    let trial = done(&world, "POST", "/api/v1/sources/a/test", Some(&asked));
    assert_eq!((&trial["outcome"], &trial["key"]), (&json!("ok"), &json!("main")));
    let verdict = |trial: &Value, name: &str| {
        let checks = trial["checks"].as_array().unwrap();
        checks.iter().find(|check| check["check"] == name).unwrap()["verdict"].as_str().unwrap().to_owned()
    };
    for (check, says) in
        [("limit", "passed"), ("address", "passed"), ("signature", "passed"), ("replay", "skipped")]
    {
        assert_eq!(verdict(&trial, check), says, "{check}");
    }
    let changed = request.replace("hello", "hallo");
    let asked = json!({ "request": changed, "address": "198.51.100.7" });
    let trial = done(&world, "POST", "/api/v1/sources/a/test", Some(&asked));
    assert_eq!((&trial["outcome"], verdict(&trial, "address")), (&json!("bad_signature"), "failed".into()));
    assert!(trial["diagnosis"]["state"].is_string());
    let (status, why) = call(&world, "POST", "/api/v1/sources/a/test", Some(&json!({ "request": "POST" })));
    assert_eq!((status, &why["code"]), (422, &json!("invalid_request")));
    assert!(world.events().is_empty());
    let line = &done(&world, "GET", "/api/v1/sources", None)[0];
    assert_eq!((&line["day"]["total"], &line["keys"][0]["last_matched"]), (&json!(0), &Value::Null));
}
