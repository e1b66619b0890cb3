//! Endpoints: where messages are sent, added and removed, paused and resumed, tried.
//!
//! As a source that is added, an endpoint is kept as the text of its table, and read by the reader of the configuration file. Its
//! secrets are in the store, made for it or handed in with it; they are looked after as a source's are, under the name
//! `endpoint:NAME`.

use super::aim::{Aim, AimWith};
use super::keys::{KeyLine, newest_first, stored_line};
use super::secrets::{Given, Owner, SecretChanged, Value};
use super::stats::Counts;
use super::types::expect_known;
use super::{ErrorCode, Moment, OperateError, Operator};
use crate::calls::{self, To};
use crate::config::{Config, Endpoint, Refused, print_duration, quoted};
use crate::outbound::{Bench, called};
use countersign::Timestamp;
use countersign_delivery::{DEAD, DELIVERED, FAILED, Message, MessageId, Policy, deliver};
use countersign_egress::Client;
use countersign_store::{EndpointRow, SecretRow, of_endpoint};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use utoipa::ToSchema;

/// Why an endpoint is paused that an operator has paused.
const BY_OPERATOR: &str = "an operator paused it";

/// The type of what a test sends.
const TEST: &str = "countersign.test";

/// An endpoint to be added: by its parts, or by its table.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NewEndpoint {
    /// Its name: 1 to 64 letters, digits and `_`, `.`, `-`.
    #[schema(nullable = false)]
    pub name: Option<String>,

    /// Where it is.
    #[schema(nullable = false)]
    pub url: Option<String>,

    /// The preset that signs. Default: that of `[delivery]`.
    #[schema(nullable = false)]
    pub preset: Option<String>,

    /// The preset's variables.
    pub vars: BTreeMap<String, String>,

    /// Types that are sent to it, each a name or a pattern such as `invoice.*`. Empty: all.
    pub events: Vec<String>,

    /// For people.
    #[schema(nullable = false)]
    pub description: Option<String>,

    /// Headers of every attempt.
    pub headers: BTreeMap<String, String>,

    /// How long one attempt has, `5s` to `5m`. This, and what follows, by default as `[delivery]` says.
    #[schema(nullable = false)]
    pub timeout: Option<String>,

    /// How many attempts there are, 1 to 10.
    #[schema(nullable = false)]
    pub attempts: Option<u32>,

    /// How many are under way at once, 1 to 64.
    #[schema(nullable = false)]
    pub concurrency: Option<u32>,

    /// How many are begun at most: `10/s`.
    #[schema(nullable = false)]
    pub rate: Option<String>,

    /// Pause it when nothing has arrived for so long: `5d`.
    #[schema(nullable = false)]
    pub disable_after: Option<String>,

    /// The whole table in TOML, in place of everything above.
    #[schema(nullable = false)]
    pub table: Option<String>,

    /// The secret that signs, as the receiver has it. None: one is made, and shown once.
    #[schema(nullable = false)]
    pub secret: Option<Value>,
}

/// An endpoint in a listing.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct EndpointLine {
    /// Its name.
    pub name: String,
    /// Where it is. A query is not shown: it may hold a token.
    pub url: String,
    /// The preset that signs.
    pub preset: String,
    /// Types that are sent to it. None: all.
    pub events: Option<Vec<String>>,
    /// For people.
    pub description: Option<String>,
    /// `active`, or `paused`.
    pub state: String,
    /// Why it is paused.
    pub reason: Option<String>,
    /// Since when it is.
    pub paused_at: Option<Moment>,
    /// When the first attempt failed of those since the last that arrived.
    pub failing_since: Option<Moment>,
    /// Its attempts of the last 24 hours.
    pub day: Attempts,
    /// Why it cannot be sent to.
    pub trouble: Option<String>,
}

/// Attempts, and how long they took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct Attempts {
    /// Those that arrived.
    pub delivered: u64,
    /// Those that failed and were to be made again.
    pub failed: u64,
    /// Those after which the delivery was given up.
    pub dead: u64,
    /// Which part of them arrived, 0 to 1; none if there were none.
    pub success: Option<f64>,
    /// Half took no longer than so many microseconds, rounded up by at most a quarter.
    pub p50_micros: Option<u64>,
    /// 95 of 100 did not.
    pub p95_micros: Option<u64>,
    /// 99 of 100 did not.
    pub p99_micros: Option<u64>,
}

/// An endpoint, whole.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct EndpointShown {
    /// What stands in listings.
    #[serde(flatten)]
    pub line: EndpointLine,
    /// Its headers, without their values.
    pub headers: Vec<String>,
    /// How long an attempt has: `15s`.
    pub timeout: String,
    /// How many attempts there are.
    pub attempts: usize,
    /// The waits between them.
    pub schedule: Vec<String>,
    /// How many are under way at once.
    pub concurrency: usize,
    /// How many are begun in a second at most.
    pub rate: Option<u32>,
    /// After how long without an arrival it is paused.
    pub disable_after: Option<String>,
    /// What signs, the newest first.
    pub keys: Vec<KeyLine>,
    /// When it was added.
    pub created_at: Moment,
}

/// An endpoint that was added.
#[derive(Serialize, ToSchema)]
#[non_exhaustive]
pub struct EndpointAdded {
    /// As it is now.
    pub endpoint: EndpointShown,
    /// Its table, as the store keeps it.
    pub table: String,
    /// The secret that signs, whose value is shown if it was made here.
    pub secret: SecretChanged,
}

/// Prints no table: it has headers, and a URL whole.
impl fmt::Debug for EndpointAdded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let EndpointAdded { endpoint, table: _, secret } = self;
        let mut shown = f.debug_struct("EndpointAdded");
        shown.field("endpoint", endpoint).field("secret", secret).finish_non_exhaustive()
    }
}

/// An endpoint that was removed.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct EndpointRemoved {
    /// What it was called. What was queued for it are dead letters now.
    pub name: String,
}

/// One attempt that left no trace.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct EndpointTried {
    /// Which.
    pub name: String,
    /// The id of the message.
    pub id: String,
    /// Whether it arrived: the answer was of the 200s.
    pub arrived: bool,
    /// What was answered; none if nothing was.
    pub status: Option<u16>,
    /// Why it did not arrive.
    pub error: Option<String>,
    /// How long it took.
    pub millis: u64,
}

impl Operator {
    /// Add an endpoint with its secret. Its URL is one that may be called, and its types are declared, or it is not added.
    pub async fn add_endpoint(&self, new: NewEndpoint) -> Result<EndpointAdded, OperateError> {
        let (config, table) = (self.current(), new.table()?);
        let endpoint = read(&config, new.name.as_deref().unwrap_or("to be added"), &table)?;
        if let Some(events) = &endpoint.events {
            expect_known(events, &self.store().event_types().await?)?;
        }
        let held = self.held().await?;
        let scope = of_endpoint(&endpoint.name);
        let left: Vec<SecretRow> = held.secrets.iter().filter(|row| *row.source != *scope).cloned().collect();
        let vault = self.vault_of(Owner::endpoint(&endpoint), &left)?;
        let given = Given { value: new.secret, ..Given::default() };
        let (row, value) = vault.make(self, &given)?;
        let secret = vault.changed(self, &row, value, &[]);
        // That it can be sent to is seen now, and not by the first message.
        let (rows, client) = ([row], client(&config)?);
        let bench = Bench {
            config: &config,
            secrets: &rows,
            sealer: self.sealer.as_deref(),
            client: &client,
            now: self.now(),
        };
        bench.target(&endpoint).map_err(|says| OperateError::new(ErrorCode::InvalidEndpoint, says))?;
        let [row] = rows;
        let new = countersign_store::NewEndpoint {
            name: endpoint.name.clone(),
            table: table.as_str().into(),
            secrets: vec![row],
            now: self.now(),
        };
        if !self.store().add_endpoint(new).await? {
            let says = format!("there is an endpoint called `{}` already", endpoint.name);
            return Err(OperateError::new(ErrorCode::Taken, says)
                .help("give it another name; `countersign endpoint list` shows all"));
        }
        self.told("endpoint add", &endpoint.name);
        Ok(EndpointAdded { endpoint: self.endpoint(&endpoint.name).await?, table, secret })
    }

    /// Every endpoint, by name.
    pub async fn endpoints(&self) -> Result<Vec<EndpointLine>, OperateError> {
        let (config, rows, day) = (self.current(), self.store().endpoints().await?, self.day().await?);
        let line = |row: &EndpointRow| {
            let read = config.read_endpoint(&called(&row.name), &row.table);
            line(
                row,
                read.as_ref().map_err(first_line),
                day.get(&of_endpoint(&row.name)).map(|(counts, _)| counts),
            )
        };
        Ok(rows.iter().map(line).collect())
    }

    /// One endpoint. Of one whose table cannot be read any more it is told why, and what `[delivery]` says: it can be paused and resumed
    /// as any other.
    pub async fn endpoint(&self, name: &str) -> Result<EndpointShown, OperateError> {
        let (config, rows, day) = (self.current(), self.store().endpoints().await?, self.day().await?);
        let row = find(name, &rows)?;
        let read = config.read_endpoint(&called(name), &row.table);
        let mut secrets = self.store().secrets().await?;
        let scope = of_endpoint(name);
        secrets.retain(|row| *row.source == *scope);
        newest_first(&mut secrets);
        let policy: &Policy = read.as_ref().map_or(&config.delivery.policy, |endpoint| &endpoint.policy);
        let headers = read.iter().flat_map(|endpoint| &endpoint.headers);
        Ok(EndpointShown {
            headers: headers.map(|(name, _)| name.as_str().to_owned()).collect(),
            line: line(row, read.as_ref().map_err(first_line), day.get(&scope).map(|(counts, _)| counts)),
            timeout: print_duration(policy.limits().time),
            attempts: policy.waits().len(),
            schedule: policy.waits().waits().iter().map(|wait| print_duration(*wait)).collect(),
            concurrency: policy.share().concurrency,
            rate: policy.share().rate,
            disable_after: policy.stops().after.map(print_duration),
            keys: secrets.iter().map(|row| stored_line(row, &[], self.now())).collect(),
            created_at: row.created_at.into(),
        })
    }

    /// Send nothing to it until it is resumed. What is queued for it is held.
    pub async fn pause_endpoint(&self, name: &str) -> Result<EndpointShown, OperateError> {
        if !self.store().pause(name.into(), BY_OPERATOR.into(), self.now()).await? {
            let rows = self.store().endpoints().await?;
            find(name, &rows)?;
        }
        self.told("endpoint pause", name);
        self.endpoint(name).await
    }

    /// Send to it again: what was held is due at once.
    pub async fn resume_endpoint(&self, name: &str) -> Result<EndpointShown, OperateError> {
        if !self.store().resume(name.into(), self.now()).await? {
            let rows = self.store().endpoints().await?;
            find(name, &rows)?;
        }
        self.wake();
        self.told("endpoint resume", name);
        self.endpoint(name).await
    }

    /// Forget an endpoint and its secrets. What is queued for it becomes dead letters. One that is not paused only with `force`.
    pub async fn remove_endpoint(&self, name: &str, force: bool) -> Result<EndpointRemoved, OperateError> {
        let rows = self.store().endpoints().await?;
        if find(name, &rows)?.paused.is_none() && !force {
            let says = format!("`{name}` is still sent to: what is queued for it would be given up");
            return Err(OperateError::new(ErrorCode::InUse, says).help(format!(
                "`countersign endpoint pause {name}` first; --force removes it all the same"
            )));
        }
        self.store().remove_endpoint(name.into(), self.now()).await?;
        self.told("endpoint remove", name);
        Ok(EndpointRemoved { name: name.into() })
    }

    /// One attempt with a message of the type `countersign.test`. It is not written down, and changes nothing about the endpoint.
    pub async fn try_endpoint(&self, name: &str) -> Result<EndpointTried, OperateError> {
        let (Aim { target, .. }, now) = (self.aim(name, AimWith::Its).await?, self.now());
        let message = Message {
            id: MessageId::made(now, self.bytes()?),
            time: now,
            topic: "test".into(),
            kind: TEST.into(),
            payload: bytes::Bytes::from_static(b"{\"hello\":\"from countersign\"}"),
        };
        let canonical = message.canonical(countersign_delivery::MAX_MESSAGE);
        let canonical =
            canonical.map_err(|error| OperateError::new(ErrorCode::InvalidPayload, error.to_string()))?;
        let report = deliver(&target, &canonical, &*self.clock, &|| 0.5).await;
        let tried = report.attempts.into_iter().next_back();
        let tried =
            tried.ok_or_else(|| OperateError::new(ErrorCode::InvalidEndpoint, "nothing was tried"))?;
        Ok(EndpointTried {
            name: name.into(),
            id: canonical.id.to_string(),
            arrived: tried.error.is_none(),
            status: tried.status,
            error: tried.error,
            millis: u64::try_from(tried.took.as_millis()).unwrap_or(u64::MAX),
        })
    }

    /// The endpoint of this name.
    pub(super) fn endpoint_of(&self, name: &str, rows: &[EndpointRow]) -> Result<Endpoint, OperateError> {
        read(&self.current(), name, &find(name, rows)?.table)
    }

    fn told(&self, what: &'static str, endpoint: &str) {
        tracing::info!(what, endpoint, "an operator's change");
    }
}

/// The row of this name.
pub(super) fn find<'r>(name: &str, rows: &'r [EndpointRow]) -> Result<&'r EndpointRow, OperateError> {
    rows.iter().find(|row| *row.name == *name).ok_or_else(|| unknown(name, rows))
}

/// There is none of this name.
pub(super) fn unknown(name: &str, rows: &[EndpointRow]) -> OperateError {
    let near = countersign::config::nearest(name, rows.iter().map(|row| &*row.name));
    let help = match (near, rows.is_empty()) {
        (Some(near), _) => format!("did you mean `{near}`? `countersign endpoint list` shows all"),
        (None, false) => "`countersign endpoint list` shows all".into(),
        (None, true) => "there is none yet: `countersign endpoint add` makes one".into(),
    };
    let says = format!("no endpoint is called `{}`", name.escape_debug());
    OperateError::new(ErrorCode::UnknownEndpoint, says).help(help)
}

/// The endpoint that a table says.
pub(super) fn read(config: &Config, name: &str, table: &str) -> Result<Endpoint, OperateError> {
    config.read_endpoint(&called(name), table).map_err(|refused| match refused {
        Refused::Wrong { errors, texts } => {
            let says = "the endpoint will not do as it is written";
            OperateError::complaints(ErrorCode::InvalidEndpoint, says, &errors, &texts)
        }
        other => OperateError::new(ErrorCode::InvalidEndpoint, other.to_string()),
    })
}

/// What calls, within the rule of `[egress]`.
pub(super) fn client(config: &Config) -> Result<Client, OperateError> {
    let client = calls::client(config, To::Endpoints);
    client.map(|(client, _)| client).map_err(|says| OperateError::new(ErrorCode::InvalidEndpoint, says))
}

fn first_line(refused: &Refused) -> String {
    refused.to_string().lines().next().unwrap_or_default().to_owned()
}

fn line(row: &EndpointRow, read: Result<&Endpoint, String>, day: Option<&Counts>) -> EndpointLine {
    let moment = |at: Timestamp| Moment::from(at);
    let (endpoint, trouble) = match read {
        Ok(endpoint) => (Some(endpoint), None),
        Err(says) => (None, Some(says)),
    };
    EndpointLine {
        name: row.name.to_string(),
        url: endpoint.map_or_else(String::new, |endpoint| super::sources::without_query(&endpoint.url)),
        preset: endpoint.map_or_else(String::new, |endpoint| endpoint.compiled.preset().name.to_string()),
        events: endpoint
            .and_then(|endpoint| endpoint.events.as_ref())
            .map(|events| events.patterns().map(str::to_owned).collect()),
        description: endpoint.and_then(|endpoint| endpoint.description.as_deref()).map(str::to_owned),
        state: if row.paused.is_some() { "paused" } else { "active" }.into(),
        reason: row.paused.as_ref().map(|(reason, _)| reason.to_string()),
        paused_at: row.paused.as_ref().map(|(_, since)| moment(*since)),
        failing_since: row.failing_since.map(moment),
        day: day.map(Attempts::of).unwrap_or_default(),
        trouble,
    }
}

impl Attempts {
    fn of(counts: &Counts) -> Self {
        let count = |word: &str| counts.outcomes.get(word).copied().unwrap_or(0);
        let (delivered, failed, dead) = (count(DELIVERED), count(FAILED), count(DEAD));
        let all = delivered + failed + dead;
        Attempts {
            delivered,
            failed,
            dead,
            success: (all > 0).then(|| delivered as f64 / all as f64),
            p50_micros: counts.p50_micros,
            p95_micros: counts.p95_micros,
            p99_micros: counts.p99_micros,
        }
    }
}

impl NewEndpoint {
    /// The text that the store keeps.
    fn table(&self) -> Result<String, OperateError> {
        let Self { name, url, preset, vars, events, description, headers, .. } = self;
        let Self { timeout, attempts, concurrency, rate, disable_after, table, secret: _, .. } = self;
        let texts = [
            ("name", name),
            ("url", url),
            ("preset", preset),
            ("description", description),
            ("timeout", timeout),
            ("rate", rate),
            ("disable_after", disable_after),
        ];
        let numbers = [("attempts", attempts), ("concurrency", concurrency)];
        if let Some(table) = table {
            let parts = texts.iter().any(|(_, text)| text.is_some())
                || numbers.iter().any(|(_, number)| number.is_some())
                || !(vars.is_empty() && events.is_empty() && headers.is_empty());
            if parts {
                let says = "`table` is the whole table, and other parts are given beside it";
                return Err(
                    OperateError::new(ErrorCode::InvalidArgument, says).help("write them into the table")
                );
            }
            return Ok(table.clone());
        }
        let mut out = String::new();
        for (key, text) in texts {
            if let Some(text) = text {
                let _ = writeln!(out, "{key} = {}", quoted(text));
            }
        }
        for (key, number) in numbers {
            if let Some(number) = number {
                let _ = writeln!(out, "{key} = {number}");
            }
        }
        if !events.is_empty() {
            let events: Vec<String> = events.iter().map(|pattern| quoted(pattern)).collect();
            let _ = writeln!(out, "events = [{}]", events.join(", "));
        }
        for (heading, pairs) in [("headers", headers), ("vars", vars)] {
            if !pairs.is_empty() {
                let _ = writeln!(out, "\n[{heading}]");
                for (name, value) in pairs {
                    let _ = writeln!(out, "{} = {}", quoted(name), quoted(value));
                }
            }
        }
        Ok(out)
    }
}
