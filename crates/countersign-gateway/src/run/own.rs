//! The gateway's own secrets: the key of its store, read at the start, and the token of its operators, read again with every reload.

use super::StartError;
use crate::config::{Config, Warning, WarningCode};
use crate::secrets::{Outside, Sealer, SecretPlace};
use countersign::Secret;
use countersign::config::{ConfigCode, ConfigError};

/// The shortest token that operators are let in by, in bytes.
const LEAST_TOKEN: usize = 16;

/// What seals managed secrets, if `[store]` has a key; and what should be better.
pub(super) fn sealer(config: &Config) -> Result<(Option<Sealer>, Option<Warning>), StartError> {
    let Some(place) = &config.store.key else { return Ok((None, None)) };
    let (key, warning) = secret(place, "[store] key", config)?;
    let sealer =
        Sealer::new(&key).map_err(|error| StartError::Sources(vec![format!("[store] key: {error}")]))?;
    Ok((Some(sealer), warning))
}

/// What operators have to show, if there is an `[admin]`; and what should be better.
pub(super) fn token(config: &Config) -> Result<(Option<Secret>, Option<Warning>), StartError> {
    let Some(admin) = &config.admin else { return Ok((None, None)) };
    let (token, warning) = secret(&admin.token, "[admin] token", config)?;
    if token.expose().len() < LEAST_TOKEN {
        let says = format!(
            "[admin] token: it has fewer than {LEAST_TOKEN} bytes and can be guessed: `openssl rand -hex 32` makes one"
        );
        return Err(StartError::Sources(vec![says]));
    }
    Ok((Some(token), warning))
}

/// Read both as a start does: what should be better, and everything that is wrong, each in a sentence. Reads files and runs commands.
pub fn own_secrets(config: &Config) -> (Vec<Warning>, Vec<String>) {
    let (token, key) = (token(config).map(|(_, open)| open), sealer(config).map(|(_, open)| open));
    let (mut warnings, mut wrong) = (Vec::new(), Vec::new());
    for read in [token, key] {
        match read {
            Ok(open) => warnings.extend(open),
            Err(error) => wrong.push(error.to_string()),
        }
    }
    (warnings, wrong)
}

fn secret(place: &SecretPlace, what: &str, config: &Config) -> Result<(Secret, Option<Warning>), StartError> {
    let wrong = |says: String| StartError::Sources(vec![format!("{what}: {says}")]);
    let read =
        place.read(&Outside::system()).map_err(|error| wrong(format!("{error} (help: {})", error.help())))?;
    let Some(path) = place.file().filter(|_| read.open_to_all) else { return Ok((read.secret, None)) };
    if config.server.strict {
        return Err(wrong("every user of this machine can read its file: chmod 600 it".into()));
    }
    let says = format!("{what}: every user of this machine can read the secret in `{}`", path.display());
    let told =
        ConfigError::new(ConfigCode::MalformedConfig, says).help(format!("chmod 600 {}", path.display()));
    Ok((read.secret, Some(Warning::new(WarningCode::OpenFile, told))))
}
