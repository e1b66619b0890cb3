//! What a page shows, a shell makes of it what the case says. The commands of all pages are run in one shell, where `curl` and
//! `countersign` are functions that say what they were given; and those of one page of each mode with the command itself.

use super::{ALL, Provider, delivery, root};
use countersign_testkit::{Case, Delivery, SecretSpec};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// How many arguments there are, each of them, and what comes from standard input.
const SAY: &str = r#"
said() {
  printf '%s\0' "$#" "$@"
  case " $* " in *' @- '* | *' - '*) base64 | tr -d '\n' ;; esac
  printf '\0'
}
curl() { said "$@"; }
countersign() { case $1 in verify) said "$@" ;; esac; }
"#;

/// The command itself, built by cargo if need be.
const DO: &str = r#"
set -e
curl() { :; }
countersign() {
  case $1 in verify) "$CARGO" run --quiet --offline --manifest-path "$MANIFEST" --bin countersign -- "$@" ;; esac
}
"#;

#[test]
fn what_a_page_shows_a_shell_makes_of_the_case() {
    let shown: Vec<&Case> = ALL.iter().filter_map(delivery::shown).collect();
    // Documents are files, and each page has its own.
    let pages =
        ALL.iter().filter_map(script).map(|script| format!("{script}\nunset body\nrm -f document-*\n"));
    let check = "for document in document-*; do [ -f \"$document\" ] && said \"$(cat \"$document\"; echo .)\"; done; said\n";
    let script: String =
        pages.map(|page| page.replace("unset body\n", &format!("{check}unset body\n"))).collect();
    let said = run(&format!("{SAY}{script}"));
    let mut words = said.split('\0').map(str::to_owned);
    let mut call = || -> (Vec<String>, String) {
        let count = words.next().unwrap().parse().unwrap();
        (words.by_ref().take(count).collect(), words.next().unwrap())
    };
    for case in shown {
        let at = format!("{}: {}", case.preset, case.name);
        let (sent, input) = call();
        assert_eq!(sends(&sent, &input), delivered(case), "{at}");
        let (judged, input) = call();
        assert_eq!(judges(&judged, &input), delivered(case), "{at}");
        assert_eq!(all(&judged, "--preset"), [&*case.preset], "{at}");
        assert_eq!(all(&judged, "--now"), [&*case.now.to_string()], "{at}");
        let secrets = all(&judged, "--secret");
        assert_eq!(secrets.len(), case.secrets.len(), "{at}");
        for (given, SecretSpec { value, .. }) in secrets.iter().zip(&case.secrets) {
            assert!(given.ends_with(&format!("literal:{value}")), "{at}");
        }
        let vars: Vec<String> = case
            .vars
            .names()
            .map(|name| format!("{name}={}", case.vars.get(name).unwrap_or_default()))
            .collect();
        assert_eq!(all(&judged, "--var"), vars, "{at}");
        let names = all(&judged, "--document");
        for (given, (name, text)) in names.iter().zip(&case.documents) {
            assert!(given.starts_with(&format!("{name}=document-")), "{at}");
            assert_eq!(call().0, [format!("{text}.")], "{at}");
        }
        assert_eq!((names.len(), call().0.len()), (case.documents.len(), 0), "{at}");
    }
}

#[test]
fn what_a_page_of_each_mode_shows_the_command_accepts() {
    let mut modes = BTreeSet::new();
    let first =
        ALL.iter().filter(|provider| delivery::shown(provider).is_some() && modes.insert(provider.mode()));
    let script: String = first.filter_map(script).collect();
    let said = run(&format!("{DO}{script}"));
    assert_eq!(said.matches("verified").count(), modes.len(), "{said}");
}

/// The commands of a page's delivery.
fn script(provider: &Provider) -> Option<String> {
    let section = delivery::section(provider, delivery::shown(provider)?);
    let blocks = section.split("```sh\n").skip(1).filter_map(|rest| rest.split("\n```").next());
    Some(blocks.map(|block| format!("{block}\n")).collect())
}

fn run(script: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("script"), script).unwrap();
    let output = Command::new("sh")
        .arg("script")
        .current_dir(folder.path())
        .env("CARGO", env!("CARGO"))
        .env("MANIFEST", Path::new(&root()).join("Cargo.toml"))
        .env("NO_COLOR", "1")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Method, URL, headers and body.
type Sent = (String, String, Vec<String>, Vec<u8>);

fn delivered(case: &Case) -> Sent {
    let Delivery { method, url, headers, body } = &case.request;
    let line = |(name, value): &(String, Vec<u8>)| {
        format!("{name}: {}", String::from_utf8_lossy(value)).trim_end().to_owned()
    };
    (method.clone(), url.clone(), headers.iter().map(line).collect(), body.clone())
}

fn sends(given: &[String], input: &str) -> Sent {
    let url = given.iter().find(|word| word.contains("://")).cloned().unwrap_or_default();
    // `Name;` is a header without a value, `Name:` takes away what curl would send by itself.
    let headers = all(given, "-H").into_iter().filter(|header| *header != "Content-Type:");
    let headers =
        headers.map(|header| header.strip_suffix(';').map_or(header.to_owned(), |name| format!("{name}:")));
    (all(given, "-X").concat(), url, headers.collect(), body(all(given, "--data-binary"), "@-", input))
}

fn judges(given: &[String], input: &str) -> Sent {
    let method = all(given, "--method").first().map_or("POST", |method| method);
    let headers = all(given, "--header").into_iter().map(str::to_owned).collect();
    (method.into(), all(given, "--url").concat(), headers, body(all(given, "--body"), "-", input))
}

fn body(given: Vec<&str>, stdin: &str, input: &str) -> Vec<u8> {
    match given[..] {
        [] => Vec::new(),
        [from] if from == stdin => base64_simd::STANDARD.decode_to_vec(input).unwrap(),
        [text] => text.into(),
        _ => panic!("one body"),
    }
}

/// What was given for an option.
fn all<'w>(words: &'w [String], option: &str) -> Vec<&'w str> {
    let pairs = words.windows(2).filter(|two| two[0] == option);
    pairs.map(|two| &*two[1]).collect()
}
