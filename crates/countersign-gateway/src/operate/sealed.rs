//! What seals the secrets of a store is one key: whatever is sealed with a second one is lost when the first comes back, and the
//! other way round. So nothing is sealed before the key that is there has opened all that is sealed already; and a store gets
//! another key whole, or not at all.

use super::decide::Held;
use super::{ErrorCode, OperateError, Operator};
use crate::secrets::{NotOpened, Sealer};
use countersign::{KeyId, Secret};
use countersign_store::{Edit, SecretRow};
use serde::Serialize;

/// What became of a store's secrets.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Resealed {
    /// How many were sealed anew.
    pub resealed: usize,
    /// How many were sealed with the new key before.
    pub already: usize,
}

impl Operator {
    /// Seal every secret of the store that `old` has sealed with the key that `[store]` names now. One that neither opens, and
    /// nothing is written. A gateway that runs holds the old key until it is started anew.
    pub async fn reseal(&self, old: &Sealer) -> Result<Resealed, OperateError> {
        let Some(sealer) = &self.sealer else {
            let says = "`[store]` has no `key` to seal anything with";
            return Err(OperateError::new(ErrorCode::NoStoreKey, says).help("write the new one there"));
        };
        self.write("secret reseal", |held| self.resealed(held, old, sealer)).await
    }

    fn resealed(
        &self,
        held: &Held,
        old: &Sealer,
        new: &Sealer,
    ) -> Result<(Vec<Edit>, Resealed), OperateError> {
        let mut edits = Vec::new();
        for row in &held.secrets {
            if opened(new, row).is_ok() {
                continue;
            }
            let secret = opened(old, row).map_err(|_| neither(row))?;
            let key = KeyId::new(row.id.clone());
            let sealed = new.seal(&row.source, &key, &secret, &mut |bytes| (self.chance)(bytes));
            let sealed = sealed.ok_or_else(OperateError::no_chance)?.into();
            edits.push(Edit::Secret(SecretRow { sealed, ..row.clone() }));
        }
        let told = Resealed { resealed: edits.len(), already: held.secrets.len() - edits.len() };
        Ok((edits, told))
    }
}

/// A stored secret, opened. Why it does not open is for the operator.
pub(super) fn open(sealer: &Sealer, row: &SecretRow) -> Result<Secret, OperateError> {
    opened(sealer, row).map_err(|error| {
        OperateError::new(ErrorCode::Unreadable, format!("secret `{}` of `{}`: {error}", row.id, row.source))
            .help("give `[store] key` the key that it was sealed with, or forget it and add it anew")
    })
}

/// The key opens every secret of the store. Some microseconds for each.
pub(crate) fn expect_opens(sealer: &Sealer, rows: &[SecretRow]) -> Result<(), OperateError> {
    let Some(row) = rows.iter().find(|row| opened(sealer, row).is_err()) else { return Ok(()) };
    let SecretRow { source, id, .. } = row;
    let says = format!(
        "`[store] key` does not open secret `{id}` of `{source}`, and nothing is sealed with a second key"
    );
    Err(OperateError::new(ErrorCode::Unreadable, says).help(format!(
        "give `[store] key` the key that it was sealed with; to change keys, `countersign secret reseal --old-key env:OLD`; \
         if that key is lost, `countersign secret forget {source} {id}`, or `countersign source remove {source}` if there is no such source any more"
    )))
}

fn opened(sealer: &Sealer, row: &SecretRow) -> Result<Secret, NotOpened> {
    sealer.open(&row.source, &KeyId::new(row.id.clone()), &row.sealed)
}

fn neither(row: &SecretRow) -> OperateError {
    let SecretRow { source, id, .. } = row;
    let says = format!(
        "secret `{id}` of `{source}` opens with neither key: nothing was sealed anew, not the others either"
    );
    OperateError::new(ErrorCode::Unreadable, says).help(format!(
        "give `--old-key` the key that it was sealed with; if that is lost, `countersign secret forget {source} {id}` first"
    ))
}
