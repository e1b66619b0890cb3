//! The walk-throughs of `docs/extend`: every file in them is written and every command run, in a folder of its own, and must say
//! what the page says that it says.
//!
//! A block is `console` (commands after `$`, which go on after `>`, and what they print), or TOML with what is to be done with it:
//! `file=` is all of a file, `more=` goes to its end, `line=` takes the place of the line that begins with the same key. `from=`,
//! in any language, quotes a file of the repository: it must stand there so, line for line. With `UPDATE=1` what is printed is
//! written into the page: read the difference.
//!
//! What is another in every place has one spelling in a page: `/srv/acme` is the folder, `/srv/countersign` the checkout, and
//! `9f2c…` the SHA-256 that was printed last.
#![allow(clippy::unwrap_used, clippy::print_stderr)]
#![cfg(unix)]

#[path = "../crates/countersign-plugin/tests/support/mod.rs"]
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn what_the_page_of_presets_shows_is_what_happens() {
    happens("docs/extend/write-a-preset.md", tempfile::tempdir().unwrap().path());
}

#[cfg(target_os = "linux")]
#[test]
fn what_the_pages_of_modes_show_is_what_happens() {
    for page in ["docs/extend/write-a-mode.md", "docs/extend/write-a-mode-in-c.md"] {
        happens(page, support::folder("page").path());
    }
}

#[test]
fn the_page_of_modes_shows_what_is_said_of_one_that_is_missing() {
    let page = fs::read_to_string(root().join("docs/extend/write-a-mode.md")).unwrap();
    let errors = countersign::Registry::new().expect(&[("blake3", "example-rust")]).unwrap_err();
    assert!(page.contains(&format!("```text\n{}\n```", errors.to_string().trim())), "{errors}");
}

fn happens(page: &str, folder: &Path) {
    let path = root().join(page);
    let text = fs::read_to_string(&path).unwrap();
    let done = walked(&text, folder);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &done).unwrap();
        return;
    }
    for (shown, is) in text.lines().zip(done.lines()) {
        assert_eq!(shown, is, "{page} is stale: run UPDATE=1 cargo test -p countersign-tests");
    }
    assert_eq!(text.lines().count(), done.lines().count());
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
    let mut pin = String::new();
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
                done.push_str(&consoled(&text, folder, &mut pin));
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
            what if what.ends_with(" from") => {
                let source =
                    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
                assert!(
                    format!("\n{source}").contains(&format!("\n{text}")),
                    "{name} has no such lines any more:\n{text}"
                );
            }
            _ => {}
        }
        block.iter().for_each(|line| done.push_str(&format!("{line}\n")));
    }
    done
}

/// Commands, each with what it prints now.
fn consoled(text: &str, folder: &Path, pin: &mut String) -> String {
    let (mut done, mut lines) = (String::new(), text.lines().peekable());
    while let Some(line) = lines.next() {
        let Some(command) = line.strip_prefix("$ ") else { continue };
        done.push_str(&format!("{line}\n"));
        let mut command = format!("{command}\n");
        while let Some(more) = lines.next_if(|line| line.starts_with("> ")) {
            done.push_str(&format!("{more}\n"));
            command.push_str(&format!("{}\n", &more[2..]));
        }
        done.push_str(&settled(&run(&real(&command, folder, pin), folder), folder, pin));
    }
    done
}

/// The places of pages, and those of this machine.
fn places(folder: &Path) -> [(&'static str, String); 2] {
    [("/srv/acme", folder.display().to_string()), ("/srv/countersign", root().display().to_string())]
}

/// A command of a page, as it is here.
fn real(command: &str, folder: &Path, pin: &str) -> String {
    places(folder)
        .iter()
        .fold(command.replace("9f2c…", pin), |command, (shown, is)| command.replace(shown, is))
}

/// What was printed, without what is another in every place and at every time.
fn settled(printed: &str, folder: &Path, pin: &mut String) -> String {
    let text = places(folder).iter().fold(printed.to_owned(), |text, (shown, is)| text.replace(is, shown));
    let mut done = String::new();
    for line in text.lines() {
        let mut line = line.to_owned();
        if let Some(digest) = line.split(|c: char| !c.is_ascii_hexdigit()).find(|word| word.len() == 64)
            && line.contains("sha256")
        {
            *pin = digest.to_owned();
            line = line.replace(&**pin, "9f2c…");
        }
        for (before, shown, after) in
            [("file        ", "24592", " bytes, a shared"), ("finished in ", "0.01", "s")]
        {
            if let Some((start, rest)) = line.split_once(before)
                && let Some(at) = rest.find(after)
            {
                line = format!("{start}{before}{shown}{}", &rest[at..]);
            }
        }
        done.push_str(&format!("{line}\n"));
    }
    done
}

/// What a shell in that folder says, on both streams, in order and without white space at the ends of lines. Cargo builds the
/// command, if need be, and does not run it: it would set what the command warns of.
fn run(command: &str, folder: &Path) -> String {
    // Of a project in the folder, the versions are those that are here, and nothing is fetched.
    let prelude = "exec 2>&1\numask 022\n\
        countersign() { \"$CARGO\" build --quiet --offline --manifest-path \"$ROOT/Cargo.toml\" --bin countersign --target-dir \"$TARGET\" && \"$TARGET/debug/countersign\" \"$@\"; }\n\
        cargo() { [ -e Cargo.lock ] || cp \"$ROOT/Cargo.lock\" .; env -u CARGO_TARGET_DIR \"$CARGO\" \"$@\" --offline; }\n";
    // target/debug/deps/extend-… runs beside target/debug.
    let own = std::env::current_exe().unwrap();
    let target = own.ancestors().find(|folder| folder.ends_with("deps")).unwrap().ancestors().nth(2).unwrap();
    let output = Command::new("sh")
        .args(["-c", &format!("{prelude}{command}")])
        .current_dir(folder)
        .env("CARGO", env!("CARGO"))
        .env("ROOT", root())
        .env("TARGET", target)
        .env("NO_COLOR", "1")
        .env_remove("CLICOLOR_FORCE")
        .env_remove("LD_LIBRARY_PATH")
        .env_remove("LD_PRELOAD")
        .env_remove("RUST_BACKTRACE")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}
