//! Keys at their limits: one too many, all of them over, and a store whose key is another one.

use crate::api::{call, done, gateway, hook, until};
use crate::world::{WHSEC, World, signed};
use serde_json::json;

fn offer(world: &World, secret: &str) -> u16 {
    world.post("/in/hook", &[("x-acme-secret".into(), secret.into())], b"").status
}

/// The id and the fingerprint of the one that waits.
fn waiting(world: &World) -> (String, String) {
    let secrets = done(world, "GET", "/api/v1/sources/hook/secrets", None);
    let keys = secrets["keys"].as_array().unwrap();
    let key = keys.iter().find(|key| key["state"] == "pending").unwrap();
    (key["id"].as_str().unwrap().into(), key["fingerprint"].as_str().unwrap().into())
}

#[test]
fn a_65th_key_is_not_confirmed() {
    let world = gateway(&hook());
    for number in 0..64 {
        let new = json!({ "id": format!("n{number}"), "value": format!("a-secret-of-some-length-{number}") });
        done(&world, "POST", "/api/v1/sources/hook/secrets", Some(&new));
    }
    done(&world, "POST", "/api/v1/sources/hook/learn", None);
    until("one is taken", || offer(&world, "the-providers-own-0123456789") == 200);
    let (id, print) = waiting(&world);
    let path = format!("/api/v1/sources/hook/secrets/{id}/confirm");
    let (status, why) = call(&world, "POST", &path, Some(&json!({ "fingerprint": print })));
    assert_eq!((status, &why["code"]), (409, &json!("too_many_secrets")), "{why:#}");
    done(&world, "DELETE", "/api/v1/sources/hook/secrets/n0", None);
    done(&world, "POST", &path, Some(&json!({ "fingerprint": print })));
    let forged = [("x-acme-signature".into(), "00".repeat(32))];
    until("it is in use", || world.post("/in/hook", &forged, b"{}").status == 401);
}

#[test]
fn a_source_whose_keys_are_all_over_has_its_senders_come_back() {
    let world = gateway("");
    let new = json!({ "name": "a", "path": "/in/a", "preset": "standard-webhooks" });
    done(&world, "POST", "/api/v1/sources", Some(&new));
    let past = json!({ "id": "old", "value": WHSEC, "not_after": "2020-01-01T00:00:00Z" });
    done(&world, "POST", "/api/v1/sources/a/secrets", Some(&past));
    let send = || world.post("/in/a", &signed("standard-webhooks", WHSEC, "msg_1", b"{}"), b"{}");
    until("it is in use, by its outcome", || {
        send();
        let rows = done(&world, "GET", "/api/v1/requests?source=a&outcome=no_key", None);
        !rows["rows"].as_array().unwrap().is_empty() && send().status == 503
    });
    assert!(send().header("retry-after").is_some());
    let shown = done(&world, "GET", "/api/v1/sources/a", None);
    assert_eq!(shown["trouble"], "it has no secret that verifies, and accepts nothing");
    done(&world, "POST", "/api/v1/sources/a/secrets", Some(&json!({ "id": "new" })));
    until("with a key that may be used, what is signed with the old one is refused", || send().status == 401);
}

#[test]
fn a_secret_that_is_handed_over_is_not_sealed_with_a_second_key() {
    let world = gateway(&hook());
    done(&world, "POST", "/api/v1/sources/hook/secrets", Some(&json!({ "id": "first" })));
    let folder = world.stop();
    let another = "1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100";
    std::fs::write(folder.path().join("store.txt"), another).unwrap();
    let world = World::again(folder);
    done(&world, "POST", "/api/v1/sources/hook/learn", None);
    until("it waits, and takes none", || offer(&world, "the-providers-own-0123456789") == 503);
    let secrets = done(&world, "GET", "/api/v1/sources/hook/secrets", None);
    assert_eq!(secrets["keys"].as_array().unwrap().len(), 1);
}
