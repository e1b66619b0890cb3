//! What must never be told: see the attacks of the class `leak`.

use crate::api::{TOKEN, call, done, gateway, until};
use crate::logged;
use crate::sending::{EGRESS, declare, delivery, send};
use crate::world::{SECRET, Upstream, World, github, http, signed};
use countersign_store::{AuditRow, Options, Sqlite, Store};
use serde_json::json;

#[test]
fn atk_261_an_agent_with_quotes_and_line_breaks_stays_one_row() {
    let world = gateway(&github("a", ""));
    // A line break cannot be sent in a header; everything else that ends a text somewhere can.
    let agent = "a\"b',\\n{\"c\":1}\\\\u000a</script>\t;--";
    let mut headers = signed("github", SECRET, "", b"hello");
    headers.push(("user-agent".into(), agent.into()));
    assert_eq!(world.post("/in/a", &headers, b"hello").status, 200);
    let raw = [http("POST", "/in/a", &[], b"x"), Vec::new()].concat();
    let raw = String::from_utf8(raw).unwrap().replace("host:", "user-agent: \u{1}\"\r\nhost:");
    world.send(raw.as_bytes());
    world.audit(1);
    let listed = done(&world, "GET", "/api/v1/requests?source=a&outcome=ok", None);
    let rows = listed["rows"].as_array().unwrap();
    assert_eq!((rows.len(), rows[0]["agent"].as_str()), (1, Some(agent)));
    // And a row that somebody got a line break into, or that is none: the others are listed all the same.
    let store = Sqlite::open(world.folder.path().join("countersign.db"), Options::default()).unwrap();
    let row = |columns: &'static str| AuditRow {
        at: countersign::Timestamp::from_unix(1_800_000_000),
        source: "a".into(),
        outcome: "bad_signature".into(),
        status: 401,
        event: None,
        columns: columns.into(),
        repeated: None,
    };
    let rows =
        ["{\"agent\":\"a\\n\\\"b\\u001b[2J\",\"note\":\"hunter2\"}", "{\"agent\":\"a\nb\"}", ""].map(row);
    world.runtime.block_on(store.audit(rows.into())).unwrap();
    let listed = done(&world, "GET", "/api/v1/requests?outcome=bad_signature", None);
    let agents: Vec<_> = listed["rows"].as_array().unwrap().iter().map(|row| row["agent"].as_str()).collect();
    assert_eq!(agents, [None, None, Some("a\n\"b\u{1b}[2J")], "what was written last comes first");
    assert!(!listed.to_string().contains("hunter2"), "and what nobody knows is not shown");
}

#[test]
fn atk_256_a_header_that_nobody_knows_is_neither_listed_nor_kept() {
    let world = gateway(&github("a", ""));
    let mut headers = signed("github", SECRET, "", b"hello");
    headers.push(("x-acme-encoded-secret".into(), "hunter2-of-the-provider".into()));
    headers.push(("authorization".into(), "Bearer hunter2-of-the-sender".into()));
    assert_eq!(world.post("/in/a?token=hunter2-in-the-query", &headers, b"hello").status, 200);
    world.audit(1);
    let requests = done(&world, "GET", "/api/v1/requests", None).to_string();
    let events = done(&world, "GET", "/api/v1/events", None);
    let id = events["rows"][0]["id"].as_str().unwrap();
    let event = done(&world, "GET", &format!("/api/v1/events/{id}"), None).to_string();
    let metrics = call(&world, "GET", "/metrics", None).1.to_string();
    for text in [requests, events.to_string(), event, metrics] {
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn atk_262_a_thousand_key_ids_make_no_series() {
    let tables = "[[source]]\npath = \"/in/a\"\nname = \"a\"\npreset = \"fusionauth-hmac\"\nsecrets = [{ id = \"main\", file = \"store.txt\" }]\n";
    let world = gateway(tables);
    let series = || {
        let text = call(&world, "GET", "/metrics", None).1.as_str().unwrap().to_owned();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let mut names: Vec<String> =
            lines.filter_map(|line| Some(line.rsplit_once(' ')?.0.to_owned())).collect();
        names.sort();
        (names, text)
    };
    let refuse = |number: usize| {
        let part = |text: &str| base64_simd::URL_SAFE_NO_PAD.encode_to_string(text);
        let head = part(&format!("{{\"alg\":\"HS256\",\"kid\":\"kid-{number}\"}}"));
        let token = format!("{head}.{}.{}", part("{\"request_body_sha256\":\"x\"}"), part(&"s".repeat(32)));
        let headers = [
            ("x-fusionauth-signature-jwt".to_owned(), token),
            ("user-agent".to_owned(), format!("agent-{number}")),
        ];
        world.post(&format!("/in/a?kid=kid-{number}"), &headers, b"x").status
    };
    assert_eq!(refuse(0), 401);
    world.post("/nobody", &[], b"");
    let (before, _) = series();
    for number in 1..=1000 {
        assert_eq!(refuse(number), 401);
        if number % 100 == 0 {
            world.post(&format!("/nobody/{number}"), &[], b"");
        }
    }
    let (after, text) = series();
    assert_eq!(before, after);
    let counted = text.lines().filter(|line| line.starts_with("countersign_requests_total{source=\"a\""));
    let counted: u64 = counted.map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum();
    assert_eq!(counted, 1001, "{text}");
    for written in ["kid-", "agent-", "nobody", "127.0.0.1", "/in/"] {
        assert!(!text.contains(written), "{text}");
    }
}

#[test]
fn atk_265_the_configuration_is_shown_without_a_secret() {
    let world = gateway(&github(
        "a",
        "forward = { to = \"http://127.0.0.1:9/x?token=hunter2\", headers = { x-key = { file = \"whsec.txt\" } } }",
    ));
    let new = json!({ "name": "b", "path": "/in/b", "preset": "github", "generate_secret": true });
    let made = done(&world, "POST", "/api/v1/sources", Some(&new));
    let value = made["secret"]["value"].as_str().unwrap().to_owned();
    until("it is listed", || done(&world, "GET", "/api/v1/sources", None).as_array().unwrap().len() == 2);
    let config = done(&world, "GET", "/api/v1/config", None);
    let names: Vec<_> =
        config["source"].as_array().unwrap().iter().map(|source| source["name"].clone()).collect();
    assert_eq!(names, ["a", "b"], "those of the store as well: {config:#}");
    let shown = |path: &str| done(&world, "GET", path, None).to_string();
    let all = [
        config.to_string(),
        shown("/api/v1/sources"),
        shown("/api/v1/sources/a"),
        shown("/api/v1/sources/b"),
        shown("/api/v1/sources/a/secrets"),
        shown("/api/v1/sources/b/secrets"),
        call(&world, "GET", "/metrics", None).1.to_string(),
    ];
    for text in all {
        for secret in [SECRET, TOKEN, crate::world::WHSEC, "hunter2", &value] {
            let spelled = [
                secret.to_owned(),
                base64_simd::STANDARD.encode_to_string(secret),
                const_hex::encode(secret),
            ];
            assert!(!spelled.iter().any(|secret| text.contains(secret.as_str())), "{text}");
        }
    }
}

/// Everything that is shown of what is sent, after the endpoints were added.
fn shown(world: &World, endpoints: &[&str]) -> Vec<String> {
    let get = |path: &str| call(world, "GET", path, None).1;
    let whole = ["config", "endpoints", "event-types", "deliveries", "events", "requests", "sources"];
    let mut texts: Vec<String> =
        whole.iter().map(|path| get(&format!("/api/v1/{path}")).to_string()).collect();
    texts.push(get("/metrics").to_string());
    for name in endpoints {
        let path = format!("/api/v1/endpoints/{name}");
        texts.extend([get(&path).to_string(), get(&format!("{path}/secrets")).to_string()]);
        for what in ["test", "pause", "resume"] {
            texts.push(call(world, "POST", &format!("{path}/{what}"), None).1.to_string());
        }
    }
    for (path, key) in [("deliveries", "id"), ("events", "id")] {
        for row in get(&format!("/api/v1/{path}"))["rows"].as_array().unwrap() {
            texts.push(get(&format!("/api/v1/{path}/{}", row[key].as_str().unwrap())).to_string());
        }
    }
    texts
}

#[test]
fn atk_275_what_a_receiver_answers_is_told_to_nobody() {
    let log = logged::everything();
    let world = gateway(EGRESS);
    declare(&world, "a");
    let inside =
        "HTTP/1.1 404 inward\r\nx-inside: inward\r\nconnection: close\r\ncontent-length: 6\r\n\r\ninward";
    let to = Upstream::start(inside);
    done(&world, "POST", "/api/v1/endpoints", Some(&json!({ "name": "books", "url": to.url })));
    let sent = send(&world, "a");
    until("it is given up", || delivery(&world, &sent)["state"] == json!("dead"));
    for text in shown(&world, &["books"]) {
        assert!(!text.contains("inward"), "{text}");
    }
    assert!(to.seen.lock().unwrap().len() > 1, "the test of it was answered as well");
    assert!(!log.lock().unwrap().contains("inward"));
}

#[test]
fn atk_289_a_token_in_an_endpoints_url_is_neither_shown_nor_logged() {
    let log = logged::everything();
    let world = gateway(EGRESS);
    declare(&world, "a");
    let to = Upstream::start("HTTP/1.1 400 No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    let shut = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoints = [("books", to.url.clone()), ("shut", format!("http://{shut}/hook"))];
    for (name, url) in &endpoints {
        let url = format!("{url}?token=swordfish-1");
        let new = json!({ "name": name, "url": url, "headers": { "x-tenant": "swordfish-2" } });
        let added = done(&world, "POST", "/api/v1/endpoints", Some(&new));
        assert!(!added["endpoint"].to_string().contains("swordfish"), "{added}");
    }
    let sent = send(&world, "a");
    until("one of them is given up", || delivery(&world, &sent)["state"] == json!("dead"));
    let other = json!({ "deliveries": [sent["deliveries"][1]] });
    until("and one has failed", || delivery(&world, &other)["attempts"] == json!(1));
    let names = ["books", "shut"];
    let mut texts = shown(&world, &names);
    let came = to.wait(1).remove(0);
    assert!(came.line.contains("swordfish-1") && came.all("x-tenant") == ["swordfish-2"], "{}", came.line);

    // A configuration that forbids what was saved: it is complained of, with its line and without its token.
    let config = world.folder.path().join("countersign.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("plain_http", "#")).unwrap();
    world.runtime.block_on(world.gateway().reload()).unwrap();
    until("it cannot be sent to", || {
        let listed = done(&world, "GET", "/api/v1/endpoints", None);
        listed.as_array().unwrap().iter().all(|endpoint| endpoint["trouble"].is_string())
    });
    until("that is logged", || log.lock().unwrap().contains("an endpoint is not sent to"));
    texts.extend(shown(&world, &names));
    let new = json!({ "name": "new", "url": format!("{}?token=swordfish-1", to.url) });
    let (status, refused) = call(&world, "POST", "/api/v1/endpoints", Some(&new));
    assert_eq!(status, 422);
    texts.extend([refused.to_string(), log.lock().unwrap().clone()]);
    for text in texts {
        let at = text.find("swordfish");
        assert_eq!(at, None, "{}", &text[at.unwrap_or(0).saturating_sub(300)..]);
    }
}
