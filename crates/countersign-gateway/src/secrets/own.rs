//! A secret of the gateway's own, and of no source's.

use super::{Outside, SecretPlace};
use crate::config::{Warning, WarningCode};
use countersign::Secret;
use countersign::config::{ConfigCode, ConfigError};

/// Read it; and a warning, or with `strict` a refusal, if every user of this machine could. `what` is what sentences call it.
pub(crate) fn read_own(
    place: &SecretPlace,
    what: &str,
    strict: bool,
) -> Result<(Secret, Option<Warning>), String> {
    let wrong = |says: String| format!("{what}: {says}");
    let read =
        place.read(&Outside::system()).map_err(|error| wrong(format!("{error} (help: {})", error.help())))?;
    let Some(path) = place.file().filter(|_| read.open_to_all) else { return Ok((read.secret, None)) };
    if strict {
        return Err(wrong("every user of this machine can read its file: chmod 600 it".into()));
    }
    let says = format!("{what}: every user of this machine can read the secret in `{}`", path.display());
    let told =
        ConfigError::new(ConfigCode::MalformedConfig, says).help(format!("chmod 600 {}", path.display()));
    Ok((read.secret, Some(Warning::new(WarningCode::OpenFile, told))))
}
