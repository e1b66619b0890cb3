//! Where secrets come from: a SPEC names a place, and the place is read once.
//!
//! A SPEC may hold the secret itself (`literal:`), and a person may have typed a bare secret by mistake. So **no message
//! here quotes a SPEC**; it says which `--secret` it was by its number. Attributes stand before an `@`; they may also
//! follow `env:`, `file:` and `-`, but never `literal:` or `cmd:`, where all that follows is the value.

use crate::error::Failure;
use crate::output;
use crate::request::Stdin;
use crate::time;
use countersign::{Key, KeyId, KeyKind, Keyring, Secret, Timestamp, Window};
use countersign_gateway::secrets::{
    CommandError, bounded, has_white_space, is_pem, read_file, run_command, without_newline,
};
use std::io;
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

/// A `--secret`, taken apart and not yet read.
struct Spec<'a> {
    place: Place<'a>,
    id: Option<&'a str>,
    role: Option<&'a str>,
    window: Window,
}

enum Place<'a> {
    Env(&'a str),
    File(&'a Path),
    Command(&'a str),
    Stdin,
    Literal(&'a str),
}

const ATTRIBUTES: [&str; 4] = ["id=", "role=", "not_before=", "not_after="];
const WORDS: &str = "env:NAME, file:PATH, cmd:COMMAND, - for standard input, or literal:VALUE";

/// Read every `--secret`, in order, into keys of one kind. The first without an id is `main`, further ones `key-2` and so
/// on by their place.
pub(crate) fn keyring(specs: &[String], kind: KeyKind, stdin: &mut Stdin) -> Result<Keyring, Failure> {
    read(specs, kind, stdin, false)
}

/// The same, byte for byte as it is stored: what a newline or a space does to a secret is what is looked for.
pub(crate) fn as_stored(specs: &[String], kind: KeyKind, stdin: &mut Stdin) -> Result<Keyring, Failure> {
    read(specs, kind, stdin, true)
}

fn read(specs: &[String], kind: KeyKind, stdin: &mut Stdin, as_stored: bool) -> Result<Keyring, Failure> {
    // All are read as text first: a mistake in the second must not leave the first prompting for a passphrase.
    let specs: Vec<Spec<'_>> = specs
        .iter()
        .enumerate()
        .map(|(index, text)| Spec::parse(text).map_err(|failure| failure.about(index)))
        .collect::<Result<_, _>>()?;
    let mut ring = Keyring::new();
    let mut used_main = specs.iter().any(|spec| spec.id == Some("main"));
    for (index, Spec { place, id, role, window }) in specs.iter().enumerate() {
        let id: Arc<str> = match id {
            Some(id) => (*id).into(),
            None if !used_main => {
                used_main = true;
                "main".into()
            }
            None => format!("key-{}", index + 1).into(),
        };
        let id = KeyId::new(id);
        let bytes = place.read(&id, stdin, as_stored)?;
        let secret = Secret::new(&**bytes).map_err(|error| Failure::from(error.key(&id)))?;
        let mut key = Key::new(id, kind, secret);
        key.role = role.map(Into::into);
        key.window = *window;
        ring.add(key)?;
    }
    Ok(ring)
}

/// One secret as text, to be handed on whole: where it is and nothing else, for its name and its window are said beside it.
/// `option` is what it was given by.
pub(crate) fn text(option: &str, spec: &str, stdin: &mut Stdin) -> Result<Zeroizing<String>, Failure> {
    let place = Place::parse(spec)
        .map_err(|Wrong { says, next }| Failure::usage(format!("{option}: {says}")).next(next))?;
    let bytes = place.read(&KeyId::new("main"), stdin, false)?;
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(Failure::key(format!("{option}: what is there is no text"))
            .next("see that it is what the provider shows")),
    }
}

/// Whether a SPEC names standard input.
pub(crate) fn is_stdin(spec: &str) -> bool {
    Spec::parse(spec).is_ok_and(|spec| matches!(spec.place, Place::Stdin))
}

/// What is wrong with a SPEC. Never holds any of it.
struct Wrong {
    says: &'static str,
    next: String,
}

impl Wrong {
    fn new(says: &'static str, next: impl Into<String>) -> Self {
        Wrong { says, next: next.into() }
    }

    fn about(self, index: usize) -> Failure {
        let Wrong { says, next } = self;
        Failure::usage(format!("--secret number {}: {says}", index + 1)).next(next)
    }
}

impl<'a> Spec<'a> {
    fn parse(text: &'a str) -> Result<Self, Wrong> {
        let mut spec = Spec { place: Place::Stdin, id: None, role: None, window: Window::default() };
        let rest = match ATTRIBUTES.iter().any(|name| text.starts_with(name)) {
            false => text,
            true => {
                let (attributes, rest) = text.split_once('@').ok_or_else(|| {
                    Wrong::new(
                        "after the attributes comes `@` and where the secret is",
                        "write for example `id=main@env:WEBHOOK_SECRET`",
                    )
                })?;
                attributes.split(',').try_for_each(|attribute| spec.attribute(attribute))?;
                rest
            }
        };
        let rest = match rest.starts_with("env:") || rest.starts_with("file:") || rest.starts_with("-,") {
            true => spec.trailing(rest)?,
            false => rest,
        };
        spec.place = Place::parse(rest)?;
        if let (Some(start), Some(end)) = (spec.window.not_before, spec.window.not_after)
            && start >= end
        {
            return Err(Wrong::new("its window ends before it begins", "exchange not_before and not_after"));
        }
        Ok(spec)
    }

    /// Take windows off the end, for as long as there are some.
    fn trailing(&mut self, mut rest: &'a str) -> Result<&'a str, Wrong> {
        while let Some((before, attribute)) = rest.rsplit_once(',')
            && (attribute.starts_with("not_after=") || attribute.starts_with("not_before="))
        {
            self.attribute(attribute)?;
            rest = before;
        }
        Ok(rest)
    }

    fn attribute(&mut self, text: &'a str) -> Result<(), Wrong> {
        let Some((name, value)) = text.split_once('=') else {
            return Err(Wrong::new("an attribute has no value", "write NAME=VALUE before the `@`"));
        };
        let twice = || Wrong::new("an attribute is given twice", "keep one of the two");
        // Some senders name a key by a URL, and what a request says must be able to stand here.
        let name_like = |b: u8| b.is_ascii_alphanumeric() || b"._:-/#?&=+%~".contains(&b);
        match name {
            "id" | "role" => {
                if !(1..=256).contains(&value.len()) || !value.bytes().all(name_like) {
                    let next = "use 1 to 256 letters, digits and . _ : - / # ? & = + % ~";
                    return Err(Wrong::new("an id or role has characters that no name has", next));
                }
                let slot = if name == "id" { &mut self.id } else { &mut self.role };
                slot.replace(value).map_or(Ok(()), |_| Err(twice()))
            }
            "not_before" | "not_after" => {
                let at = time::parse(value).ok_or_else(|| {
                    Wrong::new(
                        "not_before or not_after is not a time",
                        "write RFC 3339 (2026-01-02T03:04:05Z) or Unix seconds (1767323045)",
                    )
                })?;
                let Window { not_before, not_after } = &mut self.window;
                let slot: &mut Option<Timestamp> = if name == "not_before" { not_before } else { not_after };
                slot.replace(at).map_or(Ok(()), |_| Err(twice()))
            }
            _ => Err(Wrong::new("an attribute is unknown", "known are id, role, not_before and not_after")),
        }
    }
}

impl<'a> Place<'a> {
    fn parse(text: &'a str) -> Result<Self, Wrong> {
        if text == "-" {
            return Ok(Place::Stdin);
        }
        let Some((word, value)) = text.split_once(':') else {
            return Err(Wrong::new(
                "it does not say where the secret is; a bare value is not taken, so that none is typed by accident",
                format!("write {WORDS}"),
            ));
        };
        let is_name = |name: &str| {
            name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
                && !name.starts_with(|c: char| c.is_ascii_digit())
        };
        match word {
            _ if value.is_empty() && ["env", "file", "cmd", "literal"].contains(&word) => {
                Err(Wrong::new("nothing follows the colon", format!("write {WORDS}")))
            }
            "env" if is_name(value) => Ok(Place::Env(value)),
            "env" => Err(Wrong::new(
                "after `env:` comes the name of a variable, and this is none",
                "write env:NAME, without `$`",
            )),
            "file" => Ok(Place::File(Path::new(value))),
            "cmd" => Ok(Place::Command(value)),
            "literal" => Ok(Place::Literal(value)),
            _ => Err(Wrong::new(
                "it begins with no word that is known (a bare value is not taken)",
                format!("write {WORDS}"),
            )),
        }
    }

    fn read(&self, id: &KeyId, stdin: &mut Stdin, as_stored: bool) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let (bytes, origin) = match self {
            Place::Literal(value) => return Ok(Zeroizing::new(value.as_bytes().to_vec())),
            Place::Env(name) => {
                let value = std::env::var_os(name).ok_or_else(|| {
                    Failure::key(format!("key `{id}`: the environment variable `{name}` is not set"))
                        .next(format!("set it: export {name}=…"))
                })?;
                return Ok(Zeroizing::new(value.into_encoded_bytes()));
            }
            Place::File(path) => (read_secret(path)?, format!("`{}`", path.display())),
            Place::Command(command) => (run(command, id)?, "what the command printed".into()),
            Place::Stdin => {
                stdin.claim("a secret")?;
                let read = bounded(io::stdin().lock());
                (
                    read.map_err(|error| Failure::stream("read standard input", error))?,
                    "standard input".into(),
                )
            }
        };
        if as_stored || is_pem(&bytes) {
            return Ok(bytes); // its newlines are its own
        }
        let bytes = trimmed(bytes, &origin);
        refuse_white_space(&bytes, id, &origin)?;
        Ok(bytes)
    }
}

/// And a warning, if every user of the machine can read it.
fn read_secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let failed = |error| Failure::io("read the secret file", path, &error);
    let (bytes, open_to_all) = read_file(path).map_err(failed)?;
    if open_to_all {
        let path = path.display();
        output::warn(&format!("every user of this machine can read the secret in `{path}`: chmod 600 it"));
    }
    Ok(bytes)
}

/// It may ask for a passphrase, and takes as long as that takes.
fn run(command: &str, id: &KeyId) -> Result<Zeroizing<Vec<u8>>, Failure> {
    run_command(command, None).map_err(|error| match error {
        CommandError::Io(error) => Failure::stream(&format!("run the command for key `{id}`"), error),
        // The command is not quoted: `cmd:echo hunter2` holds the secret.
        error => Failure::key(format!("key `{id}`: {error}")).next("run the command by hand to see why"),
    })
}

/// Exactly one newline is no part of the secret, and it is said that it went.
fn trimmed(bytes: Zeroizing<Vec<u8>>, origin: &str) -> Zeroizing<Vec<u8>> {
    let (bytes, dropped) = without_newline(bytes);
    if dropped {
        output::note(&format!("a newline at the end of {origin} was dropped"));
    }
    bytes
}

/// A secret with white space in it is mostly two secrets, or one and a remark.
fn refuse_white_space(bytes: &[u8], id: &KeyId, origin: &str) -> Result<(), Failure> {
    if has_white_space(bytes) {
        return Err(Failure::key(format!("key `{id}`: {origin} holds white space, and a secret has none"))
            .next("leave only the secret there; if white space is part of it, use env:NAME"));
    }
    Ok(())
}

/// What `--var NAME=VALUE` says; the value may be a secret and is never quoted.
pub(crate) fn vars(pairs: &[String]) -> Result<countersign::Vars, Failure> {
    let mut vars = countersign::Vars::new();
    for (index, pair) in pairs.iter().enumerate() {
        let wrong = |says: &str| {
            Failure::usage(format!("--var number {}: {says}", index + 1)).next("write --var NAME=VALUE")
        };
        let (name, value) = pair.split_once('=').ok_or_else(|| wrong("there is no `=` in it"))?;
        if name.is_empty() {
            return Err(wrong("there is no name before the `=`"));
        }
        if vars.get(name).is_some() {
            return Err(wrong("this name was given before"));
        }
        vars.set(name, value);
    }
    Ok(vars)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn parse(text: &str) -> Option<Spec<'_>> {
        Spec::parse(text).ok()
    }

    #[test]
    fn every_place_is_read() {
        assert!(matches!(parse("env:A").unwrap().place, Place::Env("A")));
        assert!(matches!(parse("file:a,b").unwrap().place, Place::File(p) if p == Path::new("a,b")));
        assert!(matches!(parse("cmd:a,not_after=1").unwrap().place, Place::Command("a,not_after=1")));
        assert!(matches!(parse("-").unwrap().place, Place::Stdin));
        assert!(matches!(
            parse("literal:id=a@b,not_after=1").unwrap().place,
            Place::Literal("id=a@b,not_after=1")
        ));
        for bad in
            ["", "hunter2", "hunter2:x", "env:", "env:$A", "env:1A", "literal:", "ENV:A", "id=a", "id=@env:A"]
        {
            assert!(parse(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn attributes_stand_before_the_at_or_after_a_place_that_ends() {
        let spec = parse("id=new,role=primary,not_before=10@env:A,not_after=20").unwrap();
        assert_eq!((spec.id, spec.role), (Some("new"), Some("primary")));
        assert_eq!(spec.window.not_before, Some(Timestamp::from_unix(10)));
        assert_eq!(spec.window.not_after, Some(Timestamp::from_unix(20)));
        let spec = parse("-,not_after=20,not_before=10").unwrap();
        assert!(matches!(spec.place, Place::Stdin) && spec.window.not_before.is_some());
        let url = "id=https://example.social/users/alice#main-key@env:A";
        assert_eq!(parse(url).unwrap().id, Some("https://example.social/users/alice#main-key"));
        let bad = ["not_after=1,not_after=2@-", "id=a,id=b@-", "id=a,x=1@-", "env:A,not_after=soon"];
        for bad in bad.into_iter().chain(["not_before=2,not_after=1@-"]) {
            assert!(parse(bad).is_none(), "{bad:?}");
        }
    }
}
