//! The gateway's own secrets: the key of its store, read at the start, and the token of its operators, read again with every reload.

use super::StartError;
use crate::calls::{self, To};
use crate::config::{Config, Warning};
use crate::secrets::{Sealer, SecretPlace, read_own};
use countersign::Secret;
use countersign_egress::Client;

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

/// What calls out: for keys that are fetched, and for endpoints; and what should be better.
pub(super) fn clients(config: &Config) -> Result<([Client; 2], Vec<Warning>), StartError> {
    let mut warnings = Vec::new();
    let mut client = |to| {
        let (client, more) = calls::client(config, to).map_err(|says| StartError::Sources(vec![says]))?;
        for warning in more {
            // Both are told of what both are given.
            if !warnings.iter().any(|known: &Warning| known.to_string() == warning.to_string()) {
                warnings.push(warning);
            }
        }
        Ok::<_, StartError>(client)
    };
    Ok(([client(To::Keys)?, client(To::Endpoints)?], warnings))
}

/// Read all of it as a start does: what should be better, and everything that is wrong, each in a sentence. Reads files and runs
/// commands.
pub fn own_secrets(config: &Config) -> (Vec<Warning>, Vec<String>) {
    let token = token(config).map(|(_, open)| Vec::from_iter(open));
    let key = sealer(config).map(|(_, open)| Vec::from_iter(open));
    let clients = clients(config).map(|(_, open)| open);
    let (mut warnings, mut wrong) = (Vec::new(), Vec::new());
    for read in [token, key, clients] {
        match read {
            Ok(open) => warnings.extend(open),
            Err(error) => wrong.push(error.to_string()),
        }
    }
    (warnings, wrong)
}

fn secret(place: &SecretPlace, what: &str, config: &Config) -> Result<(Secret, Option<Warning>), StartError> {
    read_own(place, what, config.server.strict).map_err(|says| StartError::Sources(vec![says]))
}
