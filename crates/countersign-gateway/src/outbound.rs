//! What is sent, and to whom: endpoints made ready from the store, beside the targets that sources are handed on to.
//!
//! Both are in one queue, and are told apart by their names: a target's has a slash in it, and an endpoint's has none. An endpoint
//! that cannot be made ready is an operator's matter and holds up nobody else; what is queued for it waits.

use crate::config::{Config, Endpoint};
use crate::forward::Forwards;
use crate::secrets::Sealer;
use countersign::{Key, KeyId, Keyring, Signer, Timestamp, Vars, Window};
use countersign_delivery::{
    Endpoints, Names, Prepared, Schedule, Share, Shares, Standing, Target, Targets, Unprepared,
};
use countersign_egress::{Client, HeaderName};
use countersign_store::{EndpointRow, SecretRow, SecretState, StoredEvent, of_endpoint};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// What a target of a source gets: an application of one's own, which is told of everything that comes.
const FORWARD: Share = Share { concurrency: 32, rate: None };

/// Everything that deliveries are made to.
#[derive(Default)]
pub(crate) struct Outbound {
    pub(crate) forwards: Forwards,
    pub(crate) endpoints: Targets,
}

impl Outbound {
    fn of(&self, name: &str) -> &dyn Endpoints {
        if name.contains('/') { &self.forwards } else { &self.endpoints }
    }
}

impl Endpoints for Outbound {
    fn prepare(
        &self,
        endpoint: &str,
        event: &StoredEvent,
        attempt: u32,
        now: Timestamp,
    ) -> Result<Prepared, Unprepared> {
        self.of(endpoint).prepare(endpoint, event, attempt, now)
    }

    fn schedule(&self, endpoint: &str) -> Option<Schedule> {
        self.of(endpoint).schedule(endpoint)
    }

    fn longest(&self) -> Duration {
        self.forwards.longest().max(self.endpoints.longest())
    }

    fn shares(&self) -> Shares {
        let mut shares = HashMap::clone(&self.endpoints.shares());
        shares.extend(self.forwards.names().into_iter().map(|name| (name, FORWARD)));
        Arc::new(shares)
    }
}

/// What endpoints are made ready with.
pub(crate) struct Bench<'b> {
    pub(crate) config: &'b Config,
    pub(crate) secrets: &'b [SecretRow],
    pub(crate) sealer: Option<&'b Sealer>,
    pub(crate) client: &'b Client,
    pub(crate) now: Timestamp,
}

impl Bench<'_> {
    /// How each of `rows` stands. What is wrong with one stands in the log as well.
    pub(crate) fn ready(&self, rows: &[EndpointRow]) -> HashMap<Arc<str>, Standing> {
        let mut targets = HashMap::with_capacity(rows.len());
        // Looked up once: there may be thousands of either.
        let mut secrets: HashMap<&str, Vec<&SecretRow>> = HashMap::new();
        for row in self.secrets {
            secrets.entry(&row.source).or_default().push(row);
        }
        let none = Vec::new();
        for row in rows {
            let standing = match row.paused {
                Some(_) => Standing::Paused,
                None => {
                    let own = secrets.get(&*of_endpoint(&row.name)).unwrap_or(&none);
                    let read = self.config.read_endpoint(&called(&row.name), &row.table);
                    let target = read
                        .map_err(|refused| refused.to_string())
                        .and_then(|endpoint| self.target_of(&endpoint, own));
                    target.map_or_else(
                        |why| {
                            tracing::error!(endpoint = &*row.name, why, "an endpoint is not sent to");
                            Standing::Broken(why.lines().next().unwrap_or_default().to_owned())
                        },
                        |target| Standing::Ready(Arc::new(target)),
                    )
                }
            };
            targets.insert(row.name.clone(), standing);
        }
        targets
    }

    /// One endpoint made ready, or what is wrong with it.
    pub(crate) fn target(&self, endpoint: &Endpoint) -> Result<Target, String> {
        let scope = of_endpoint(&endpoint.name);
        let secrets: Vec<_> = self.secrets.iter().filter(|row| *row.source == *scope).collect();
        self.target_of(endpoint, &secrets)
    }

    /// The same with the secrets that are its own.
    fn target_of(&self, endpoint: &Endpoint, secrets: &[&SecretRow]) -> Result<Target, String> {
        self.signed(endpoint, self.signer(endpoint, secrets)?)
    }

    /// The same, signed by another than its own secrets.
    pub(crate) fn signed(&self, endpoint: &Endpoint, signer: Signer) -> Result<Target, String> {
        let Endpoint { name, url, headers, policy, .. } = endpoint;
        let header = |name: &countersign::HeaderName| {
            HeaderName::from_bytes(name.as_str().as_bytes()).map_err(|error| error.to_string())
        };
        let delivery = &self.config.delivery;
        let names = Names { topic: header(&delivery.topic_header)?, kind: header(&delivery.type_header)? };
        let headers = headers.iter().map(|(name, value)| (name.as_str(), &**value));
        Target::builder(url.as_str(), signer, Arc::new(self.client.clone()))
            .headers(headers)
            .names(names)
            .policy(policy.clone())
            .build(self.now)
            .map_err(|wrong| format!("endpoint `{name}`: {wrong}"))
    }

    fn signer(&self, endpoint: &Endpoint, secrets: &[&SecretRow]) -> Result<Signer, String> {
        let (scope, mut keys) = (of_endpoint(&endpoint.name), Keyring::new());
        let kind = endpoint.compiled.needs().key_kind(true);
        let mut rows: Vec<&SecretRow> =
            secrets.iter().copied().filter(|row| row.state == SecretState::Live).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.created_at));
        for SecretRow { id, sealed, not_before, not_after, .. } in rows {
            let sealer = self.sealer.ok_or(
                "its secrets are in the store; say where their key is: `[store] key = { env = \"…\" }`",
            )?;
            let id = KeyId::new(id.clone());
            let secret =
                sealer.open(&scope, &id, sealed).map_err(|why| format!("its secret `{id}`: {why}"))?;
            let mut key = Key::new(id, kind, secret);
            key.window = Window { not_before: *not_before, not_after: *not_after };
            keys.add(key).map_err(|error| error.to_string())?;
        }
        let mut vars = Vars::new();
        for (name, value) in &endpoint.vars {
            vars.set(name.clone(), &**value);
        }
        endpoint.compiled.signer(&keys, &vars).map_err(|error| error.to_string())
    }
}

/// What complaints call the text of an endpoint.
pub(crate) fn called(name: &str) -> String {
    format!("the endpoint `{name}`")
}
