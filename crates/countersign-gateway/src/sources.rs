//! Sources made ready: keys read, verifiers bound, limits carried over from the sources that were there before.
//!
//! All of them or none: one secret that cannot be read leaves everything as it was. What a source has spent of its budget, and what
//! was counted of it, is the source's and not the configuration's, and survives a change of the latter.

use crate::books::Ledger;
use crate::config::{Config, Enforce, Forward, Keys, Source, Warning, WarningCode, reach};
use crate::forward::Target;
use crate::gate::{Inlet, LEARNT, Snapshot};
use crate::operate::receives;
use crate::receive::Budget;
use crate::secrets::{Commands, Outside, Sealer, SourceSecrets, new_secret, shared, system_random};
use countersign::config::{ConfigCode, ConfigError};
use countersign::{HeaderName, Key, KeyId, Keyring, Secret, Window};
use countersign_egress::Client;
use countersign_store::{SecretRow, SecretState, SourceRow};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// What the store knows.
pub(crate) struct Stored {
    pub(crate) sources: Vec<SourceRow>,
    pub(crate) secrets: Vec<SecretRow>,
    pub(crate) sealer: Option<Arc<Sealer>>,
}

/// Everything that receiving and handing on go by.
pub(crate) struct Ready {
    pub(crate) inlets: Vec<Arc<Inlet>>,
    pub(crate) targets: HashMap<Arc<str>, Target>,
    pub(crate) warnings: Vec<Warning>,
}

/// Make every source of `config` ready, which includes those that the store keeps. Runs commands and reads files: not for a thread that serves.
///
/// What `commands` knows is not run. Or everything that is wrong.
pub(crate) fn ready(
    config: &Config,
    stored: &Stored,
    before: &Snapshot,
    commands: &Commands,
) -> Result<Ready, Vec<String>> {
    let outside = Outside::system().commands(commands);
    let (mut read, mut wrong) = (Vec::new(), Vec::new());
    for source in &config.sources {
        let row = stored.sources.iter().find(|row| row.name == source.name);
        if !receives(source, row) {
            continue;
        }
        match source.read_secrets(&outside, config.server.strict) {
            Ok(secrets) => read.push((source, row, secrets)),
            Err(errors) => wrong.extend(errors.iter().map(ToString::to_string)),
        }
    }
    let mut warnings = shared(read.iter().map(|(source, _, secrets)| (&***source, secrets)));
    let (mut inlets, mut headers) = (Vec::new(), Vec::new());
    let mut next = before.all.iter().map(|inlet| inlet.number).max().unwrap_or(0);
    for (source, row, mut secrets) in read {
        let old = before.all.iter().find(|inlet| inlet.config.name == source.name);
        let number = old.map_or_else(
            || {
                next += 1;
                next
            },
            |old| old.number,
        );
        warnings.append(&mut secrets.warnings);
        if row.and_then(enforce) == Some(Enforce::Observe) && source.enforce == Enforce::Reject {
            let says = format!(
                "source `{}` was set to observe by a command: it lets through what it would refuse",
                source.name
            );
            let told = ConfigError::new(ConfigCode::MalformedConfig, says);
            let next = format!("countersign source enforce {}", source.name);
            warnings.push(Warning::new(WarningCode::Observing, told.help(next)));
        }
        match inlet(source, row, &secrets, stored, (old.map(|old| &**old), number)) {
            Ok(inlet) => inlets.extend(inlet.map(Arc::new)),
            Err(says) => wrong.push(format!("source `{}`: {says}", source.name)),
        }
        headers.extend(source.forward.iter().zip(secrets.headers.into_iter().zip(secrets.signing)));
    }
    let targets = targets(headers).unwrap_or_else(|says| {
        wrong.push(says);
        HashMap::new()
    });
    if wrong.is_empty() { Ok(Ready { inlets, targets, warnings }) } else { Err(wrong) }
}

fn inlet(
    source: &Arc<Source>,
    row: Option<&SourceRow>,
    secrets: &SourceSecrets,
    stored: &Stored,
    (old, number): (Option<&Inlet>, u32),
) -> Result<Option<Inlet>, String> {
    let (held, none);
    let (ring, keyless) = match &source.keys {
        Keys::Found | Keys::Placed(_) => (&secrets.keys, false),
        Keys::Managed => {
            held = managed(source, stored)?;
            match held.is_empty() {
                false => (&held, false),
                true => {
                    let Some(made) = stand_in(source) else {
                        tracing::warn!(
                            source = &*source.name,
                            "it has no key yet, and does not receive: add one"
                        );
                        return Ok(None);
                    };
                    none = made;
                    (&none, true)
                }
            }
        }
    };
    let verifier = source.compiled.verifier(source.name.clone(), ring, &secrets.vars);
    // What the file waits for has come once it was taken down, confirmed or not.
    let learnt = |row: &SecretRow| row.source == source.name && row.id.starts_with(LEARNT);
    let learn = source.learn.map(|learn| learn.until).filter(|_| !stored.secrets.iter().any(learnt));
    Ok(Some(Inlet {
        number,
        verifier: verifier.map_err(|error| error.to_string())?,
        keyless,
        windows: if keyless { Vec::new() } else { ring.iter().map(|(_, key)| key.window).collect() },
        told: AtomicBool::new(false),
        enforce: row.and_then(enforce).unwrap_or(source.enforce),
        budget: source.limits.rate.map(|rate| match old.and_then(|old| old.budget.clone()) {
            Some(budget) if budget.rate() == rate => budget,
            _ => Arc::new(Budget::new(rate)),
        }),
        ledger: old.map_or_else(|| Arc::new(Ledger::new(source.name.clone())), |old| old.ledger.clone()),
        endpoints: source.forward.iter().map(|forward| forward.endpoint.clone()).collect(),
        learns_until: row.and_then(|row| row.learns_until).or(learn),
        room: source.limits.concurrency.map(|most| match old {
            Some(Inlet { room: Some(room), config, .. }) if config.limits.concurrency == Some(most) => {
                room.clone()
            }
            _ => Arc::new(Semaphore::new(most)),
        }),
        config: source.clone(),
    }))
}

fn enforce(row: &SourceRow) -> Option<Enforce> {
    let word = row.enforce.as_deref()?;
    Enforce::WORDS.iter().find(|(known, _)| *known == word).map(|(_, enforce)| *enforce)
}

/// The live secrets of the store, the newest first.
fn managed(source: &Source, stored: &Stored) -> Result<Keyring, String> {
    let of_it = |row: &&SecretRow| row.source == source.name && row.state == SecretState::Live;
    let mut rows: Vec<_> = stored.secrets.iter().filter(of_it).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.created_at));
    let kind = source.compiled.needs().key_kind(false);
    let mut ring = Keyring::new();
    for SecretRow { id, sealed, not_before, not_after, .. } in rows {
        let sealer = stored
            .sealer
            .as_ref()
            .ok_or("its secrets are in the store; say where their key is: `[store] key = { env = \"…\" }`")?;
        let id = KeyId::new(id.clone());
        // It is left out, and nothing else is: one that was sealed with another key must not hold up everybody.
        let secret = match sealer.open(&source.name, &id, sealed) {
            Ok(secret) => secret,
            Err(why) => {
                tracing::error!(source = &*source.name, key = id.as_str(), %why, "a managed secret is not used");
                continue;
            }
        };
        let mut key = Key::new(id, kind, secret);
        key.window = Window { not_before: *not_before, not_after: *not_after };
        ring.add(key).map_err(|error| error.to_string())?;
    }
    Ok(ring)
}

/// What a source verifies by until it has a key: nothing that anybody can make. `None` if its keys are not such that one can be made.
fn stand_in(source: &Source) -> Option<Keyring> {
    let text = new_secret(&source.compiled, &mut system_random).ok()?;
    let mut ring = Keyring::new();
    ring.add(Key::shared("none", text.as_bytes()).ok()?).ok()?;
    Some(ring)
}

/// Headers and what is signed with.
type Given = (Vec<(HeaderName, Zeroizing<String>)>, Option<Secret>);

fn targets(read: Vec<(&Forward, Given)>) -> Result<HashMap<Arc<str>, Target>, String> {
    // One client for each place that is called: what one may reach is not another's to reach.
    let mut clients: HashMap<String, Client> = HashMap::new();
    let mut made = HashMap::new();
    for (forward, (headers, secret)) in read {
        let origin = forward.to.origin().ascii_serialization();
        let client = match clients.get(&origin) {
            Some(client) => client.clone(),
            None => {
                let client = Client::builder().reach(reach([forward])).build();
                let client =
                    client.map_err(|refused| format!("forward `{}`: {refused}", forward.endpoint))?;
                clients.entry(origin).or_insert(client).clone()
            }
        };
        made.insert(forward.endpoint.clone(), Target::new(forward.clone(), headers, client, secret)?);
    }
    Ok(made)
}
