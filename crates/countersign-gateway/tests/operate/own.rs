//! The gateway's own secrets, and when what holds secrets is read again.
#![cfg(unix)]

use crate::api::{TOKEN, ask, done, gateway, until};
use crate::world::{SECRET, World, signed};
use std::fs::{Permissions, read_to_string, set_permissions, write};
use std::os::unix::fs::PermissionsExt;

fn status(world: &World, token: &str) -> u16 {
    ask(world, "GET", "/api/v1/sources", Some(token), None).status
}

#[test]
fn a_token_that_was_replaced_lets_nobody_in() {
    let world = gateway("");
    let file = world.folder.path().join("admin.txt");
    let other = "another-token-of-some-length";
    assert_eq!((status(&world, TOKEN), status(&world, other)), (200, 401));
    write(&file, other).unwrap();
    until("the old one does not let in", || status(&world, TOKEN) == 401);
    assert_eq!(status(&world, other), 200, "and the new one does");
    write(&file, "short").unwrap();
    let refused = world.runtime.block_on(world.gateway().reload()).unwrap_err().to_string();
    assert!(refused.contains("[admin] token: it has fewer than 16 bytes"), "{refused}");
    assert_eq!(status(&world, other), 200, "what can be guessed is not taken");
}

#[test]
fn a_token_that_was_replaced_lets_nobody_in_though_something_else_is_wrong() {
    let world = gateway("");
    let config = world.folder.path().join("countersign.toml");
    let text = read_to_string(&config).unwrap();
    write(&config, format!("{text}\nnonsense = 1\n")).unwrap();
    let other = "another-token-of-some-length";
    write(world.folder.path().join("admin.txt"), other).unwrap();
    assert!(world.runtime.block_on(world.gateway().reload()).is_err());
    assert_eq!((status(&world, TOKEN), status(&world, other)), (401, 200));
}

#[test]
fn files_of_the_gateways_own_secrets_that_all_can_read_are_told_of() {
    let folder = gateway("").stop();
    for name in ["admin.txt", "store.txt"] {
        set_permissions(folder.path().join(name), Permissions::from_mode(0o644)).unwrap();
    }
    let world = World::again(folder);
    let told: Vec<String> = world.warnings.iter().map(ToString::to_string).collect();
    for (what, file) in [("[admin] token", "admin.txt"), ("[store] key", "store.txt")] {
        let of_it = |line: &&String| line.contains(what) && line.contains(file) && line.contains("chmod 600");
        assert_eq!(told.iter().filter(of_it).count(), 1, "{told:?}");
    }
}

#[test]
fn a_command_is_run_when_all_is_read_anew_and_not_when_an_operator_changes_something() {
    let beside = tempfile::tempdir().unwrap();
    let runs = beside.path().join("runs");
    let source = format!(
        "[[source]]\nname = \"a\"\npath = \"/in/a\"\npreset = \"github\"\nsecrets = [{{ id = \"main\", command = \"echo x >> {}; echo {SECRET}\" }}]\n",
        runs.display()
    );
    let world = gateway(&source);
    let ran = || read_to_string(&runs).unwrap().lines().count();
    let send = || world.post("/in/a", &signed("github", SECRET, "", b"{}"), b"{}").status;
    assert_eq!((send(), ran()), (200, 1));
    done(&world, "POST", "/api/v1/sources/a/disable", None);
    until("it is off", || send() == 404);
    done(&world, "POST", "/api/v1/sources/a/enable", None);
    until("it is on again, by what was printed then", || send() == 200);
    assert_eq!(ran(), 1);
    world.runtime.block_on(world.gateway().reload()).unwrap();
    assert_eq!((send(), ran()), (200, 2));
}
