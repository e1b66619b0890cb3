//! The page of sending, typed by a shell from its first command to its last.

use crate::desk::{Desk, Gateway};
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// The lines of every block of `sh`, without their remarks.
fn commands(page: &str) -> Vec<String> {
    let blocks = page.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.flat_map(str::lines).map(|line| line.split(" #").next().unwrap().trim().to_owned()).collect()
}

fn shell(folder: &Path, line: &str) -> Output {
    let bin = Path::new(env!("CARGO_BIN_EXE_countersign")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    Command::new("sh").args(["-c", line]).current_dir(folder).env("PATH", path).output().unwrap()
}

#[test]
fn the_page_of_sending_can_be_typed_from_its_first_command_to_its_last() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/sending.md");
    let page = std::fs::read_to_string(path).unwrap();
    let config = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let desk = Desk::new("");
    let folder = desk.folder.path();
    std::fs::write(
        folder.join("countersign.toml"),
        config.replace("127.0.0.1:8080", "127.0.0.1:0").replace("[8080]", "[\"1024-65535\"]"),
    )
    .unwrap();
    let all = commands(&page);
    assert!(all.len() > 20, "{all:?}");
    let mut gateway = None;
    for line in all {
        if line == "countersign serve &" {
            gateway = Some(Gateway::start(&desk));
            continue;
        }
        let at = gateway.as_ref().map_or("127.0.0.1:8080", |gateway: &Gateway| &gateway.at);
        let line = line.replace("127.0.0.1:8080", at);
        let start = Instant::now();
        loop {
            let output = shell(folder, &line);
            // The page says that a gateway which runs sees a change within a second.
            let may_wait = line.contains("endpoint test") && start.elapsed() < Duration::from_secs(20);
            if output.status.success() {
                break;
            }
            let says = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(may_wait, "{line}\n{}{says}", String::from_utf8_lossy(&output.stdout));
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    let events = desk.json("event list --source books");
    assert!(events["rows"].as_array().unwrap().len() > 2, "what was sent was received, verified: {events}");
}
