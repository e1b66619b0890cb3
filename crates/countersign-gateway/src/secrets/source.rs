//! All that a source has to read before it can receive: keys, variables, headers of its targets. Everything that is missing
//! is told at once.

use super::{Outside, PlaceError, SecretPlace};
use crate::config::{HeaderText, Keys, Source, VarText, Warning, WarningCode};
use countersign::config::{ConfigCode, ConfigError};
use countersign::{HeaderName, Key, KeyError, Keyring, Secret, Vars};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What a source was given. Prints no value.
pub struct SourceSecrets {
    /// Its keys. Empty if it finds its own, and if they are managed: then they come out of the store.
    pub keys: Keyring,

    /// The variables of its preset.
    pub vars: Vars,

    /// The constant headers of each of its targets, in their order.
    pub headers: Vec<Vec<(HeaderName, Zeroizing<String>)>>,

    /// What attempts are signed with, for each of its targets.
    pub signing: Vec<Option<Secret>>,

    /// What should be better.
    pub warnings: Vec<Warning>,
}

/// A secret that is not there, and whose.
#[derive(Debug)]
#[non_exhaustive]
pub struct SecretError {
    /// Whose: a source's name, or empty.
    pub source: Arc<str>,

    /// Which: ``key `2026-11` ``.
    pub what: String,

    /// Why.
    pub error: PlaceError,
}

/// On one line: whose, which, why, and what to do about it.
impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, what, error } = self;
        write!(f, "source `{source}`, {what}: {error} (help: {})", error.help())
    }
}

impl std::error::Error for SecretError {}

impl Source {
    /// Every place that [`read_secrets`](Self::read_secrets) reads.
    pub fn places(&self) -> impl Iterator<Item = &SecretPlace> {
        let keys = match &self.keys {
            Keys::Placed(places) => &places[..],
            Keys::Found | Keys::Managed => &[],
        };
        let vars = self.vars.iter().filter_map(|(_, text)| match text {
            VarText::Secret(place) => Some(place),
            VarText::Text(_) => None,
        });
        let headers = self.forward.iter().flat_map(|forward| &forward.headers);
        let headers = headers.filter_map(|(_, text)| match text {
            HeaderText::Secret(place) => Some(place),
            HeaderText::Text(_) => None,
        });
        let signing = self.forward.iter().filter_map(|forward| forward.sign.as_ref());
        keys.iter().map(|key| &key.place).chain(vars).chain(headers).chain(signing)
    }

    /// Read everything. `strict` refuses files that every user of the machine can read. Runs commands, and waits for them: not
    /// for a thread that serves.
    ///
    /// # Errors
    /// Every secret that is not there.
    pub fn read_secrets(
        &self,
        outside: &Outside<'_>,
        strict: bool,
    ) -> Result<SourceSecrets, Vec<SecretError>> {
        let mut reading = Reading { source: self, outside, strict, errors: Vec::new(), warnings: Vec::new() };
        let keys = reading.keys();
        let vars = reading.vars();
        let headers = self.forward.iter().map(|forward| reading.headers(&forward.headers)).collect();
        let signing = self.forward.iter().map(|forward| {
            forward.sign.as_ref().and_then(|place| reading.read(place, "`sign` of its target"))
        });
        let signing = signing.collect();
        let Reading { errors, warnings, .. } = reading;
        if errors.is_empty() {
            Ok(SourceSecrets { keys, vars, headers, signing, warnings })
        } else {
            Err(errors)
        }
    }
}

struct Reading<'a> {
    source: &'a Source,
    outside: &'a Outside<'a>,
    strict: bool,
    errors: Vec<SecretError>,
    warnings: Vec<Warning>,
}

impl Reading<'_> {
    fn keys(&mut self) -> Keyring {
        let mut ring = Keyring::new();
        let Keys::Placed(places) = &self.source.keys else { return ring };
        let kind = self.source.compiled.needs().key_kind(false);
        for place in places {
            let what = format!("key `{}`", place.id);
            let Some(secret) = self.read(&place.place, &what) else { continue };
            let mut key = Key::new(place.id.clone(), kind, secret);
            key.role = place.role.clone();
            key.window = place.window;
            if let Err(error) = ring.add(key) {
                self.wrong(&what, PlaceError::Refused(error));
            }
        }
        ring
    }

    fn vars(&mut self) -> Vars {
        let mut vars = Vars::new();
        for (name, text) in &self.source.vars {
            match text {
                VarText::Text(text) => {
                    vars.set(name.clone(), text.clone());
                }
                VarText::Secret(place) => {
                    if let Some(text) = self.read_text(place, &format!("variable `{name}`")) {
                        vars.set(name.clone(), text.as_str());
                    }
                }
            }
        }
        vars
    }

    fn headers(&mut self, headers: &[(HeaderName, HeaderText)]) -> Vec<(HeaderName, Zeroizing<String>)> {
        let mut read = Vec::new();
        for (name, text) in headers {
            let text = match text {
                HeaderText::Text(text) => Some(Zeroizing::new(text.to_string())),
                HeaderText::Secret(place) => {
                    let what = format!("header `{}`", name.as_str());
                    let text = self.read_text(place, &what);
                    // What ends a line ends a header.
                    let plain = |text: &str| text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
                    if text.as_ref().is_some_and(|text| !plain(text)) {
                        let says = "what is there can stand in no header: printable ASCII can";
                        self.wrong(&what, PlaceError::Refused(KeyError::new(says)));
                    }
                    text
                }
            };
            read.extend(text.map(|text| (name.clone(), text)));
        }
        read
    }

    fn read_text(&mut self, place: &SecretPlace, what: &str) -> Option<Zeroizing<String>> {
        let secret = self.read(place, what)?;
        match std::str::from_utf8(secret.expose()) {
            Ok(text) => Some(Zeroizing::new(text.to_owned())),
            Err(_) => {
                self.wrong(what, PlaceError::NoText);
                None
            }
        }
    }

    fn read(&mut self, place: &SecretPlace, what: &str) -> Option<Secret> {
        let read = match place.read(self.outside) {
            Ok(read) => read,
            Err(error) => {
                self.wrong(what, error);
                return None;
            }
        };
        if let (true, Some(path)) = (read.open_to_all, place.file()) {
            if self.strict {
                self.wrong(what, PlaceError::OpenToAll(path.to_owned()));
                return None;
            }
            let name = &self.source.name;
            let says = format!(
                "source `{name}`, {what}: every user of this machine can read the secret in `{}`",
                path.display()
            );
            let told = ConfigError::new(ConfigCode::MalformedConfig, says)
                .help(format!("chmod 600 {}", path.display()));
            self.warnings.push(Warning::new(WarningCode::OpenFile, told));
        }
        Some(read.secret)
    }

    fn wrong(&mut self, what: &str, error: PlaceError) {
        self.errors.push(SecretError { source: self.source.name.clone(), what: what.into(), error });
    }
}

impl fmt::Debug for SourceSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { keys, vars, headers, signing: _, warnings } = self;
        let names: Vec<&str> = headers.iter().flatten().map(|(name, _)| name.as_str()).collect();
        let mut shown = f.debug_struct("SourceSecrets");
        shown.field("keys", keys).field("vars", vars).field("headers", &names).field("warnings", warnings);
        shown.finish()
    }
}
