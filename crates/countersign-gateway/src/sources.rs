//! Sources made ready: keys read, verifiers bound, limits carried over from the sources that were there before.
//!
//! All of them or none: one secret that cannot be read leaves everything as it was. What a source has spent of its budget, and what
//! was counted of it, is the source's and not the configuration's, and survives a change of the latter.

use crate::config::{Config, Keys, Source};
use crate::gate::{Inlet, Snapshot};
use crate::receive::Budget;
use crate::secrets::{Sealer, read_keys, read_vars};
use crate::books::Ledger;
use countersign::{Key, KeyId, KeyKind, Keyring, Secret, Verifier, Window};
use countersign_store::{SecretRow, SecretState, SourceRow};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// What the store knows.
pub(crate) struct Stored<'s> {
    pub(crate) sources: &'s [SourceRow],
    pub(crate) secrets: &'s [SecretRow],
    pub(crate) sealer: Option<&'s Sealer>,
}

/// Every source of `config`, which includes those that the store keeps, ready to receive. `nonce` is what a source without a key
/// verifies by: nobody knows it. Or everything that is wrong.
pub(crate) fn ready(
    config: &Config,
    stored: &Stored<'_>,
    before: &Snapshot,
    nonce: &Secret,
) -> Result<Vec<Arc<Inlet>>, Vec<String>> {
    let mut wrong = Vec::new();
    let mut next = before.all.iter().map(|inlet| inlet.number).max().unwrap_or(0);
    let mut inlets = Vec::new();
    for source in &config.sources {
        let row = stored.sources.iter().find(|row| row.name == source.name);
        if !row.map_or(source.enabled, |row| row.enabled) {
            continue;
        }
        let old = before.all.iter().find(|inlet| inlet.config.name == source.name);
        let number = old.map_or_else(|| { next += 1; next }, |old| old.number);
        match verifier(source, stored, config.server.strict, nonce) {
            Ok((verifier, keyless)) => inlets.push(Arc::new(Inlet {
                number,
                verifier,
                keyless,
                enforce: row.and_then(|row| enforce(row)).unwrap_or(source.enforce),
                budget: source.limits.rate.map(|rate| match old.and_then(|old| old.budget.clone()) {
                    Some(budget) if budget.rate() == rate => budget,
                    _ => Arc::new(Budget::new(rate)),
                }),
                ledger: old.map_or_else(|| Arc::new(Ledger::new(source.name.clone())), |old| old.ledger.clone()),
                endpoints: source.forward.iter().map(|forward| forward.endpoint.clone()).collect(),
                learns_until: row.and_then(|row| row.learns_until).or(source.learn.map(|learn| learn.until)),
                room: source.limits.concurrency.map(|most| Arc::new(Semaphore::new(most))),
                config: source.clone(),
            })),
            Err(says) => wrong.push(format!("source `{}`: {says}", source.name)),
        }
    }
    if wrong.is_empty() { Ok(inlets) } else { Err(wrong) }
}

fn enforce(row: &SourceRow) -> Option<crate::config::Enforce> {
    let word = row.enforce.as_deref()?;
    crate::config::Enforce::WORDS.iter().find(|(known, _)| *known == word).map(|(_, enforce)| *enforce)
}

/// A source's verifier, and whether it has no key.
fn verifier(
    source: &Source,
    stored: &Stored<'_>,
    strict: bool,
    nonce: &Secret,
) -> Result<(Arc<Verifier>, bool), String> {
    let vars = read_vars(&source.vars, strict)?;
    let kind = source.compiled.needs().key_kind();
    let (ring, keyless) = match &source.keys {
        Keys::Found => (Keyring::new(), false),
        Keys::Placed(places) => (read_keys(places, kind, strict)?, false),
        Keys::Managed => {
            let ring = managed(source, stored, kind)?;
            if ring.is_empty() { (stand_in(nonce)?, true) } else { (ring, false) }
        }
    };
    let made = source.compiled.verifier(source.name.clone(), &ring, &vars);
    made.map(|verifier| (verifier, keyless)).map_err(|error| error.to_string())
}

/// The live secrets of the store, the newest first.
fn managed(source: &Source, stored: &Stored<'_>, kind: KeyKind) -> Result<Keyring, String> {
    let mut rows: Vec<_> = stored
        .secrets
        .iter()
        .filter(|row| row.source == source.name && row.state == SecretState::Live)
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.created_at));
    let mut ring = Keyring::new();
    for SecretRow { id, sealed, not_before, not_after, .. } in rows {
        let sealer = stored.sealer.ok_or("it has managed secrets; write where their key is: `[store] key = { env = \"…\" }`")?;
        let secret = sealer.open(&source.name, id, sealed)?;
        let window = Window { not_before: *not_before, not_after: *not_after };
        let mut key = Key::new(KeyId::new(id.clone()), kind, secret);
        key.window = window;
        ring.add(key).map_err(|error| error.to_string())?;
    }
    Ok(ring)
}

/// What a source verifies by until it has a key: nothing that anybody can make.
fn stand_in(nonce: &Secret) -> Result<Keyring, String> {
    let mut ring = Keyring::new();
    let text = const_hex::encode(nonce.expose());
    let key = Key::shared("none", text).map_err(|error| error.to_string())?;
    ring.add(key).map_err(|error| error.to_string())?;
    Ok(ring)
}
