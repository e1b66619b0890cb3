//! An endpoint made ready for whoever sends by hand: to try it, or to see that it refuses what it must.
//!
//! What is sent so is not written down, and changes nothing about the endpoint.

use super::endpoints::{client, find, read};
use super::{ErrorCode, OperateError, Operator};
use crate::config::Endpoint;
use crate::outbound::Bench;
use crate::secrets::new_secret;
use countersign::{Compiled, Keyring, Signer, Vars};
use countersign_delivery::Target;
use std::sync::Arc;

/// With what a message to an endpoint is signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AimWith {
    /// The endpoint's own secrets.
    Its,
    /// A secret that nobody has: the receiver must refuse what it signs.
    Another,
}

/// An endpoint made ready, for one attempt.
#[non_exhaustive]
pub struct Aim {
    /// It.
    pub target: Target,
    /// What signs.
    pub compiled: Arc<Compiled>,
}

impl Operator {
    /// Make an endpoint ready, paused or not.
    pub async fn aim(&self, name: &str, with: AimWith) -> Result<Aim, OperateError> {
        let (config, rows) = (self.current(), self.store().endpoints().await?);
        let endpoint = read(&config, name, &find(name, &rows)?.table)?;
        let policy = endpoint.policy.clone().attempts(1);
        let policy = policy.map_err(|says| invalid(&says.to_string()))?;
        let endpoint = Endpoint { policy, ..endpoint };
        let (secrets, client) = (self.store().secrets().await?, client(&config)?);
        let bench = Bench {
            config: &config,
            secrets: &secrets,
            sealer: self.sealer.as_deref(),
            client: &client,
            now: self.now(),
        };
        let target = match with {
            AimWith::Its => bench.target(&endpoint),
            AimWith::Another => {
                let vars: Vars = endpoint.vars.iter().fold(Vars::new(), |mut vars, (name, value)| {
                    vars.set(name.clone(), &**value);
                    vars
                });
                bench.signed(&endpoint, self.another(&endpoint.compiled, &vars)?)
            }
        };
        Ok(Aim { target: target.map_err(|says| invalid(&says))?, compiled: endpoint.compiled })
    }

    fn another(&self, compiled: &Arc<Compiled>, vars: &Vars) -> Result<Signer, OperateError> {
        let secret = new_secret(compiled, &mut |bytes| (self.chance)(bytes)).map_err(|none| {
            OperateError::new(ErrorCode::InvalidSecret, format!("no other secret can be made: {none}")).help(
                "send it with `--url` and another key as `--secret`, without `--bad`: it has to be refused",
            )
        })?;
        let signer = Keyring::of(secret.as_bytes()).and_then(|keys| compiled.signer(&keys, vars));
        signer.map_err(|error| OperateError::new(ErrorCode::InvalidSecret, error.to_string()))
    }
}

fn invalid(says: &str) -> OperateError {
    OperateError::new(ErrorCode::InvalidEndpoint, says)
}
