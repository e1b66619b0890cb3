//! The document of the API, held against what answers.

use crate::api::{TOKEN, ask, done, gateway, hook, until};
use crate::sending::EGRESS;
use crate::world::{Answer, OK, Upstream, World, github, signed};
use boon::{Compiler, Schemas};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

fn document() -> Value {
    serde_json::to_value(countersign_gateway::admin::openapi()).unwrap()
}

/// `GET /path`, for every operation of the document.
fn operations(document: &Value) -> BTreeSet<String> {
    let paths = document["paths"].as_object().unwrap();
    let of = |(path, item): (&String, &Value)| {
        item.as_object()
            .unwrap()
            .keys()
            .map(|method| format!("{} {path}", method.to_uppercase()))
            .collect::<Vec<_>>()
    };
    paths.iter().flat_map(of).collect()
}

#[test]
fn the_document_is_the_one_that_is_committed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/admin-api.json");
    let text = format!("{}\n", serde_json::to_string_pretty(&document()).unwrap());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == text,
        "docs/reference/admin-api.json is stale: UPDATE=1 cargo test -p countersign-gateway --test operate"
    );
    assert_eq!(document()["openapi"].as_str().map(|version| &version[..3]), Some("3.1"));
}

#[test]
fn there_is_what_the_document_says_and_nothing_else() {
    let world = gateway("");
    let document = document();
    let operations = operations(&document);
    for path in document["paths"].as_object().unwrap().keys() {
        let real = path.replace("{name}", "a").replace("{id}", "b");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let status = ask(&world, method, &real, Some(TOKEN), None).status;
            let said = operations.contains(&format!("{method} {path}"));
            let is = status != 405;
            assert_eq!(said, is, "{method} {path} is answered {status}");
        }
    }
    // A route that the document cannot know of would have to be written without `routes!`.
    let source =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/admin/routes.rs")).unwrap();
    let admin = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/admin.rs")).unwrap();
    for text in [source, admin] {
        assert!(![".route(", ".route_service(", ".nest("].iter().any(|call| text.contains(call)));
    }
}

/// Asks, and holds each answer against the document.
struct Held<'w> {
    world: &'w World,
    document: Value,
    asked: BTreeSet<String>,
}

impl Held<'_> {
    #[track_caller]
    fn ask(&mut self, method: &str, template: &str, path: &str, body: Option<Value>) -> Value {
        let answer = ask(self.world, method, path, Some(TOKEN), body.as_ref());
        let key = if answer.status == 200 { "200" } else { "default" };
        let value = self.check(method, template, key, &answer);
        if answer.status == 200 {
            self.asked.insert(format!("{method} {template}"));
        }
        value
    }

    #[track_caller]
    fn check(&self, method: &str, template: &str, key: &str, answer: &Answer) -> Value {
        let Answer { status, body, .. } = answer;
        let content = &self.document["paths"][template][method.to_lowercase()]["responses"][key]["content"];
        let Some(of_json) = content.get("application/json") else {
            assert!(
                content.is_object() && *status == 200,
                "{method} {template}: {status} is not in the document"
            );
            return Value::Null;
        };
        let value: Value = serde_json::from_slice(body).unwrap();
        assert!(of_json["schema"].is_object(), "{method} {template}");
        let at =
            |text: &str| text.replace('~', "~0").replace('/', "~1").replace('{', "%7B").replace('}', "%7D");
        let place = format!(
            "http://a/api.json#/paths/{}/{}/responses/{key}/content/application~1json/schema",
            at(template),
            method.to_lowercase()
        );
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.set_default_draft(boon::Draft::V2020_12);
        compiler.add_resource("http://a/api.json", self.document.clone()).unwrap();
        let index =
            compiler.compile(&place, &mut schemas).unwrap_or_else(|error| panic!("{place}: {error:#}"));
        if let Err(error) = schemas.validate(&value, index) {
            panic!("{method} {template}: {error:#}\n{value:#}");
        }
        value
    }
}

#[test]
fn every_answer_is_as_the_document_says() {
    let more = "forward = { to = \"http://127.0.0.1:9/\" }\nallow_from = [\"127.0.0.0/8\"]\nlimits = { rate = \"100/s\" }\nevents = [\"*\"]";
    let world = gateway(&format!("{EGRESS}{}{}", github("a", more), hook()));
    let headers = signed("github", crate::world::SECRET, "", b"hello");
    world.post("/in/a", &headers, b"hello");
    world.post("/in/a", &headers, b"hallo");
    world.audit(2);
    until("it is counted", || done(&world, "GET", "/api/v1/sources/a/stats", None)["whole"]["total"] == 2);
    let mut held = Held { world: &world, document: document(), asked: BTreeSet::new() };
    let events = held.ask("GET", "/api/v1/events", "/api/v1/events?source=a&max=5", None);
    let id = events["rows"][0]["id"].as_str().unwrap();
    held.ask("GET", "/api/v1/events/{id}", &format!("/api/v1/events/{id}"), None);
    held.ask("GET", "/api/v1/events/{id}/body", &format!("/api/v1/events/{id}/body"), None);
    held.ask("GET", "/api/v1/requests", "/api/v1/requests", None);
    held.ask("GET", "/api/v1/sources", "/api/v1/sources", None);
    held.ask("GET", "/api/v1/sources/{name}", "/api/v1/sources/a", None);
    held.ask("GET", "/api/v1/sources/{name}/stats", "/api/v1/sources/a/stats", None);
    for switch in ["observe", "enforce", "disable", "enable"] {
        held.ask(
            "POST",
            &format!("/api/v1/sources/{{name}}/{switch}"),
            &format!("/api/v1/sources/a/{switch}"),
            None,
        );
    }
    held.ask("POST", "/api/v1/sources/{name}/test", "/api/v1/sources/a/test", Some(json!({ "event": id })));
    let request = String::from_utf8(crate::world::http("POST", "/in/a", &headers, b"hallo")).unwrap();
    held.ask(
        "POST",
        "/api/v1/sources/{name}/test",
        "/api/v1/sources/a/test",
        Some(json!({ "request": request })),
    );
    let new = json!({ "name": "b", "path": "/in/b", "preset": "github", "generate_secret": true });
    held.ask("POST", "/api/v1/sources", "/api/v1/sources", Some(new));
    held.ask("POST", "/api/v1/sources", "/api/v1/sources", Some(json!({ "table": "path = 1" })));
    held.ask("GET", "/api/v1/sources/{name}/secrets", "/api/v1/sources/b/secrets", None);
    held.ask(
        "POST",
        "/api/v1/sources/{name}/secrets",
        "/api/v1/sources/b/secrets",
        Some(json!({ "id": "two" })),
    );
    held.ask(
        "POST",
        "/api/v1/sources/{name}/rotate",
        "/api/v1/sources/b/rotate",
        Some(json!({ "keep": "2d" })),
    );
    held.ask("DELETE", "/api/v1/sources/{name}/secrets/{id}", "/api/v1/sources/b/secrets/two", None);
    held.ask("DELETE", "/api/v1/sources/{name}", "/api/v1/sources/b?force=true", None);
    held.ask(
        "POST",
        "/api/v1/sources/{name}/learn",
        "/api/v1/sources/hook/learn",
        Some(json!({ "for": "10m" })),
    );
    let secret = [("x-acme-secret".to_owned(), "the-providers-own-0123456789".to_owned())];
    until("it is learnt", || world.post("/in/hook", &secret, b"").status == 200);
    let keys = held.ask("GET", "/api/v1/sources/{name}/secrets", "/api/v1/sources/hook/secrets", None);
    let (key, print) = (keys["keys"][0]["id"].as_str().unwrap(), &keys["keys"][0]["fingerprint"]);
    let path = format!("/api/v1/sources/hook/secrets/{key}/confirm");
    held.ask(
        "POST",
        "/api/v1/sources/{name}/secrets/{id}/confirm",
        &path,
        Some(json!({ "fingerprint": print })),
    );
    sending(&mut held);
    for path in ["/api/v1/config", "/api/v1/openapi.json", "/metrics", "/healthz", "/readyz"] {
        held.ask("GET", path, path, None);
    }
    assert_eq!(held.asked, operations(&held.document), "every operation was done once");
}

/// All that is about what is sent.
fn sending(held: &mut Held<'_>) {
    let to = Upstream::start(OK);
    let schema = json!({ "type": "object" });
    let new = json!({ "name": "a.b", "description": "one", "schema": schema });
    held.ask("POST", "/api/v1/event-types", "/api/v1/event-types", Some(new));
    held.ask("GET", "/api/v1/event-types", "/api/v1/event-types", None);
    let new =
        json!({ "name": "books", "url": to.url, "events": ["a.*"], "rate": "9/s", "disable_after": "5d" });
    held.ask("POST", "/api/v1/endpoints", "/api/v1/endpoints", Some(new));
    held.ask(
        "POST",
        "/api/v1/endpoints",
        "/api/v1/endpoints",
        Some(json!({ "name": "c", "url": "nothing" })),
    );
    held.ask("GET", "/api/v1/endpoints", "/api/v1/endpoints", None);
    for last in ["pause", "resume", "test"] {
        held.ask(
            "POST",
            &format!("/api/v1/endpoints/{{name}}/{last}"),
            &format!("/api/v1/endpoints/books/{last}"),
            None,
        );
    }
    let secrets = "/api/v1/endpoints/{name}/secrets";
    held.ask("POST", secrets, "/api/v1/endpoints/books/secrets", Some(json!({ "id": "two" })));
    held.ask("GET", secrets, "/api/v1/endpoints/books/secrets", None);
    held.ask("DELETE", "/api/v1/endpoints/{name}/secrets/{id}", "/api/v1/endpoints/books/secrets/two", None);
    held.ask("POST", "/api/v1/endpoints/{name}/rotate", "/api/v1/endpoints/books/rotate", Some(json!({})));
    held.ask("POST", "/api/v1/endpoints/{name}/pause", "/api/v1/endpoints/books/pause", None);
    held.ask("GET", "/api/v1/endpoints/{name}", "/api/v1/endpoints/books", None);
    let message =
        json!({ "type": "a.b", "payload": { "a": 1 }, "topic": "t", "time": "2026-01-02T03:04:05Z" });
    let sent = held.ask("POST", "/api/v1/messages", "/api/v1/messages", Some(message));
    held.ask("POST", "/api/v1/messages", "/api/v1/messages", Some(json!({ "type": "b", "payload": 1 })));
    let id = sent["deliveries"][0]["id"].as_str().unwrap();
    held.ask("GET", "/api/v1/deliveries", "/api/v1/deliveries?state=held&type=a.*&max=5", None);
    held.ask("GET", "/api/v1/deliveries/{id}", &format!("/api/v1/deliveries/{id}"), None);
    held.ask("POST", "/api/v1/deliveries/cancel", "/api/v1/deliveries/cancel", Some(json!({ "ids": [id] })));
    let all = json!({ "ids": [id, "d999999"], "dry_run": true });
    held.ask("POST", "/api/v1/deliveries/redrive", "/api/v1/deliveries/redrive", Some(all));
    held.ask("DELETE", "/api/v1/endpoints/{name}", "/api/v1/endpoints/books", None);
    held.ask("DELETE", "/api/v1/event-types/{name}", "/api/v1/event-types/a.b", None);
}

#[test]
fn the_page_of_operating_tells_every_code() {
    use countersign_gateway::operate::ErrorCode;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/operating.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let head = "| code | status | means |\n|---|---|---|\n";
    let (before, _) = page.split_once(head).unwrap();
    let rows: String = ErrorCode::ALL
        .iter()
        .map(|code| format!("| `{}` | {} | {} |\n", code.code(), code.status(), code.says()))
        .collect();
    let whole = format!("{before}{head}{rows}");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &whole).unwrap();
    }
    assert!(
        page == whole || std::env::var_os("UPDATE").is_some(),
        "UPDATE=1 cargo test -p countersign-gateway --test operate"
    );
}
