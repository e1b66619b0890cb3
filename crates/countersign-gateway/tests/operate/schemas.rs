//! Schemas that would hang a gateway, end it, or fill its memory; and what is told of payloads that are not valid.

use crate::api::{call, done, gateway};
use crate::world::World;
use serde_json::{Value, json};

fn declare(world: &World, schema: &Value) -> (u16, Value) {
    call(world, "POST", "/api/v1/event-types", Some(&json!({ "name": "a", "schema": schema })))
}

fn send(world: &World, payload: &Value) -> (u16, Value) {
    call(world, "POST", "/api/v1/messages", Some(&json!({ "type": "a", "payload": payload })))
}

/// So many definitions, each of which refers to the next so many times.
fn chain(length: usize, times: usize) -> Value {
    let part = |number| match number < length {
        true => json!({ "allOf": vec![json!({ "$ref": format!("#/$defs/{}", number + 1) }); times] }),
        false => json!({ "type": "object" }),
    };
    let parts: serde_json::Map<_, _> =
        (0..=length).map(|number| (number.to_string(), part(number))).collect();
    json!({ "$ref": "#/$defs/0", "$defs": parts })
}

#[test]
fn a_schema_that_would_be_visited_for_ever_or_off_the_end_of_the_stack_refuses_payloads_and_nothing_more() {
    let world = gateway("");
    let round = json!({ "anyOf": [{ "type": "string" }, { "items": { "allOf": [{ "$ref": "#" }, { "$ref": "#" }] } }] });
    let deep = (0..60).fold(json!(1), |below, _| json!([below]));
    for (schema, payload) in [
        (chain(60, 2), json!({})),
        (chain(3000, 1), json!({})),
        (round, deep),
        (json!({ "$ref": "#" }), json!(1)),
    ] {
        assert_eq!(declare(&world, &schema).0, 200);
        let (status, why) = send(&world, &payload);
        assert_eq!((status, &why["code"]), (422, &json!("invalid_payload")));
        assert!(why["message"].as_str().unwrap().contains("cannot be held against the schema"), "{why}");
    }
    // It lives, and what is less than that is taken.
    let round = json!({ "anyOf": [{ "type": "string" }, { "items": { "$ref": "#" } }] });
    let deep = (0..60).fold(json!("x"), |below, _| json!([below]));
    for (schema, payload) in [(chain(10, 2), json!({})), (chain(100, 1), json!({})), (round, deep)] {
        assert_eq!((declare(&world, &schema).0, send(&world, &payload).0), (200, 200));
    }
}

#[test]
fn patterns_that_would_fill_the_memory_are_refused_when_they_are_declared() {
    let world = gateway("");
    let patterns = |count: usize| {
        let part = |number| json!({ "pattern": format!("(?:a{{1,300}}){{1,30}}{number}") });
        json!({ "allOf": (0..count).map(part).collect::<Vec<_>>() })
    };
    let (status, why) = declare(&world, &patterns(2000));
    assert_eq!((status, &why["code"]), (422, &json!("invalid_argument")));
    assert!(why["message"].as_str().unwrap().contains("patterns are too many or too large"), "{why}");
    assert_eq!(declare(&world, &patterns(2)).0, 200);
    let uuid = json!({ "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$" });
    assert_eq!(declare(&world, &json!({ "allOf": vec![uuid; 100] })).0, 200);
}

#[test]
fn what_is_not_valid_is_told_without_its_value() {
    let world = gateway("");
    for part in [
        json!({ "pattern": "^[0-9]+$" }),
        json!({ "type": "integer" }),
        json!({ "enum": ["a", "b"] }),
        json!({ "maxLength": 3 }),
        json!({ "$schema": "http://json-schema.org/draft-07/schema#", "format": "email" }),
    ] {
        done(&world, "POST", "/api/v1/event-types", Some(&json!({ "name": "a", "schema": part })));
        let (status, why) = send(&world, &json!("hunter2"));
        assert_eq!((status, &why["code"]), (422, &json!("invalid_payload")), "{part}");
        assert!(!why.to_string().contains("hunter2"), "{why}");
    }
    for part in [json!({ "maximum": 5 }), json!({ "exclusiveMaximum": 5 }), json!({ "multipleOf": 4 })] {
        done(&world, "POST", "/api/v1/event-types", Some(&json!({ "name": "a", "schema": part })));
        let (status, why) = send(&world, &json!(987_654_321));
        assert_eq!((status, why.to_string().contains("987654321")), (422, false), "{why}");
    }
}
