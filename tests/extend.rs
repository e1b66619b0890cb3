//! The walk-throughs of `docs/extend`: every file in them is written and every command run, in a folder of its own, and must say
//! what the page says that it says.
//!
//! A block is `console` (commands after `$`, which go on after `>`, and what they print), or TOML with what is to be done with it:
//! `file=` is all of a file, `more=` goes to its end, `line=` takes the place of the line that begins with the same key. With
//! `UPDATE=1` what is printed is written into the page: read the difference.
#![allow(clippy::unwrap_used)]
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn what_the_page_of_presets_shows_is_what_happens() {
    let path = root().join("docs/extend/write-a-preset.md");
    let page = fs::read_to_string(&path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let done = walked(&page, folder.path());
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &done).unwrap();
        return;
    }
    for (shown, is) in page.lines().zip(done.lines()) {
        assert_eq!(
            shown, is,
            "docs/extend/write-a-preset.md is stale: run UPDATE=1 cargo test -p countersign-tests"
        );
    }
    assert_eq!(page.lines().count(), done.lines().count());
}

#[test]
fn a_page_is_walked_as_a_reader_would() {
    let folder = tempfile::tempdir().unwrap();
    let page = "Text.\n\n```toml file=a.toml\na = 1\nb = 2\n```\n```toml line=a.toml\na = 3\n```\n```toml more=a.toml\nc = 4\n```\n\
        ```console\n$ cat \\\n>   a.toml\nstale\n$ false\n```\n> ```console\n> $ not a command\n> ```\n";
    let done = walked(page, folder.path());
    assert!(done.contains("```console\n$ cat \\\n>   a.toml\na = 3\nb = 2\nc = 4\n$ false\n```\n"), "{done}");
    assert!(done.ends_with("> $ not a command\n> ```\n"));
}

/// The page as it would be if every result in it were true.
fn walked(page: &str, folder: &Path) -> String {
    let (mut done, mut lines) = (String::new(), page.lines().peekable());
    while let Some(line) = lines.next() {
        done.push_str(&format!("{line}\n"));
        let Some(kind) = line.strip_prefix("```").filter(|kind| !kind.is_empty()) else { continue };
        let mut block = Vec::new();
        for line in lines.by_ref() {
            block.push(line);
            if line == "```" {
                break;
            }
        }
        let text: String = block.iter().take(block.len() - 1).map(|line| format!("{line}\n")).collect();
        let (what, name) = kind.split_once('=').unwrap_or((kind, ""));
        let file = folder.join(name);
        match what {
            "console" => {
                done.push_str(&consoled(&text, folder));
                done.push_str("```\n");
                continue;
            }
            "toml file" => fs::write(file, &text).unwrap(),
            "toml more" => fs::write(&file, fs::read_to_string(&file).unwrap() + &text).unwrap(),
            "toml line" => {
                let key = text.split('=').next().unwrap();
                let old = fs::read_to_string(&file).unwrap();
                let line = old.lines().find(|line| line.starts_with(key)).expect("there is such a line");
                fs::write(&file, old.replace(&format!("{line}\n"), &text)).unwrap();
            }
            _ => {}
        }
        block.iter().for_each(|line| done.push_str(&format!("{line}\n")));
    }
    done
}

/// Commands, each with what it prints now.
fn consoled(text: &str, folder: &Path) -> String {
    let (mut done, mut lines) = (String::new(), text.lines().peekable());
    while let Some(line) = lines.next() {
        let Some(command) = line.strip_prefix("$ ") else { continue };
        done.push_str(&format!("{line}\n"));
        let mut command = format!("{command}\n");
        while let Some(more) = lines.next_if(|line| line.starts_with("> ")) {
            done.push_str(&format!("{more}\n"));
            command.push_str(&format!("{}\n", &more[2..]));
        }
        done.push_str(&run(&command, folder));
    }
    done
}

/// What a shell in that folder says, on both streams, in order and without white space at the ends of lines. Cargo builds the command, if need be.
fn run(command: &str, folder: &Path) -> String {
    let prelude = "exec 2>&1\ncountersign() { \"$CARGO\" run --quiet --offline --manifest-path \"$ROOT/Cargo.toml\" --bin countersign -- \"$@\"; }\n";
    let output = Command::new("sh")
        .args(["-c", &format!("{prelude}{command}")])
        .current_dir(folder)
        .env("CARGO", env!("CARGO"))
        .env("ROOT", root())
        .env("NO_COLOR", "1")
        .env_remove("CLICOLOR_FORCE")
        .env_remove("RUST_BACKTRACE")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}
