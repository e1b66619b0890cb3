//! A request tried against a source as it is now: what every check says that can be asked without the network. Nothing is
//! written, charged or claimed, and no key is marked as matched.

use super::events::Kept;
use super::known::Placed;
use super::requests::Word;
use super::secrets::Owner;
use super::{ErrorCode, HeaderText, Moment, OperateError, Operator};
use crate::config::{Config, Keys, Source};
use crate::secrets::Outside;
use countersign::{
    Context, Key, KeyId, Keyring, Outcome, Reason, Request, Timestamp, Vars, Verifier, Window,
};
use countersign_explain::capture::{Address, Capture};
use countersign_explain::{Asked, Budget, Diagnosis, Finding, Source as Explained, explain};
use countersign_store::{SecretState, StoredEvent};
use serde::Serialize;
use std::net::IpAddr;
use std::time::Duration;
use utoipa::ToSchema;

/// How long a cause is looked for.
const SEARCH: Duration = Duration::from_millis(1500);

/// And how much is hashed for it, in bytes.
const SEARCHED: u64 = 1 << 30;

/// What is tried.
#[derive(Clone)]
pub struct Tried {
    /// The request.
    pub capture: Capture,
    /// When it came. None: now.
    pub at: Option<Timestamp>,
    /// Where it came from. None: that is not asked.
    pub address: Option<IpAddr>,
    /// Look for the cause, if it does not verify: a second or two.
    pub explain: bool,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct Trial {
    /// Which source.
    pub source: String,
    /// `ok`, `handshake`, a reason's code, or `unresolved` for one whose key would have to be fetched: as of when it came.
    pub outcome: String,
    /// What that says.
    pub says: String,
    /// A finer code.
    pub detail: Option<String>,
    /// When it came.
    pub at: Moment,
    /// Which key signed.
    pub key: Option<String>,
    /// The sender's own name for the message.
    pub message_id: Option<String>,
    /// When the sender says it signed.
    pub signed_at: Option<Moment>,
    /// The event's type.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Every check, in the order in which a gateway asks.
    pub checks: Vec<TrialCheck>,
    /// Why it does not verify, proven by trial.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub diagnosis: Option<DiagnosisShown>,
    /// What should be known of the answer.
    pub notes: Vec<String>,
}

/// One check.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct TrialCheck {
    /// `limit`, `address`, `junk`, `method`, `signature`, `fresh_then`, `fresh_now`, `rate`, `replay` or `events`.
    pub check: String,
    /// What it said; `skipped` for what a trial does not ask.
    pub verdict: Word,
    /// Why.
    pub says: String,
}

/// Why a signature fails.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct DiagnosisShown {
    /// Whether the cause is known: `explained` or `unexplained`.
    pub state: String,
    /// What is wrong.
    pub cause: Vec<FindingShown>,
    /// What else was noticed, without proof.
    pub noted: Vec<FindingShown>,
    /// The search was ended before everything was tried.
    pub cut_short: bool,
}

/// One thing that is wrong.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct FindingShown {
    /// Stable: see the page of causes.
    pub code: String,
    /// What is wrong.
    pub says: String,
    /// What to do about it.
    pub advice: String,
    /// What mends it, as TOML.
    pub patch: Option<String>,
}

impl Operator {
    /// Try a stored event again, at the source that it came to or at another one.
    pub async fn try_event(
        &self,
        source: Option<&str>,
        id: &str,
        explain: bool,
    ) -> Result<Trial, OperateError> {
        let event = self.stored_event(id).await?;
        let source = source.unwrap_or(&event.source);
        let (capture, at) = (capture_of(&event)?, Some(event.at));
        let mut trial = self.try_request(source, Tried { capture, at, address: None, explain }).await?;
        trial.notes.push(
            "headers that may be credentials are not kept with an event: a scheme that reads one finds it missing".into(),
        );
        Ok(trial)
    }

    /// Try a request.
    pub async fn try_request(&self, source: &str, tried: Tried) -> Result<Trial, OperateError> {
        let known = self.known().await?;
        let placed = known.find(source)?.clone();
        let (rows, config, now) = (self.store().secrets().await?, self.current(), self.now());
        let managed = match placed.source.keys {
            Keys::Managed => Some(self.ring(&placed, rows)?),
            _ => None,
        };
        let _place = self.trials.acquire().await;
        // Files are read, commands run, and a thousand signatures tried: not on a thread that serves.
        let trial = tokio::task::spawn_blocking(move || run(&config, &placed, managed, &tried, now));
        trial.await.map_err(|_| OperateError::new(ErrorCode::StoreUnavailable, "the trial was broken off"))?
    }

    /// The managed secrets of a source that verify, whatever their windows.
    fn ring(
        &self,
        placed: &Placed,
        rows: Vec<countersign_store::SecretRow>,
    ) -> Result<Keyring, OperateError> {
        let kind = placed.source.compiled.needs().key_kind(false);
        let mut ring = Keyring::new();
        let of_source = |row: &&countersign_store::SecretRow| {
            row.source == placed.source.name && row.state == SecretState::Live
        };
        for row in rows.iter().filter(of_source) {
            let Some(sealer) = &self.sealer else {
                return self.vault_of(Owner::source(placed)?, &[]).map(|_| Keyring::new());
            };
            let mut key = Key::new(KeyId::new(row.id.clone()), kind, super::sealed::open(sealer, row)?);
            key.window = Window { not_before: row.not_before, not_after: row.not_after };
            ring.add(key).map_err(|error| OperateError::new(ErrorCode::Unreadable, error.to_string()))?;
        }
        Ok(ring)
    }
}

fn run(
    config: &Config,
    placed: &Placed,
    managed: Option<Keyring>,
    tried: &Tried,
    now: Timestamp,
) -> Result<Trial, OperateError> {
    let source = &placed.source;
    let (ring, vars) = keys(source, managed, config.server.strict)?;
    let bound = source.compiled.verifier(source.name.clone(), &ring, &vars);
    let verifier = bound.map_err(|error| {
        OperateError::new(ErrorCode::Unreadable, format!("`{}` cannot verify: {error}", source.name))
            .help(format!("`countersign source show {}`", source.name))
    })?;
    let Tried { capture, at, address, explain } = tried;
    let url = url_of(source, capture);
    let request = capture.request(&url);
    let at = at.unwrap_or(now);
    let mut trial = judged(source, &verifier, &request, at);
    trial.checks = checks(source, capture, *address, &trial, (&verifier, &request, now));
    let refused = !["ok", "handshake", "unresolved"].contains(&&*trial.outcome);
    if refused && *explain {
        let of = Explained { name: &source.name, preset: &source.scheme, keys: &ring, vars: &vars };
        let mut asked = Asked::new(config.schemes.registry(), of, &request, at);
        asked.budget = Budget { time: SEARCH, bytes: SEARCHED };
        trial.diagnosis = Some(self::explain(&asked).into());
    }
    Ok(trial)
}

/// The keys and variables of a source, read where they are.
fn keys(source: &Source, managed: Option<Keyring>, strict: bool) -> Result<(Keyring, Vars), OperateError> {
    // What its targets are sent is not needed here, and need not be there.
    let mut alone = source.clone();
    alone.forward.clear();
    let read = alone.read_secrets(&Outside::system(), strict).map_err(|errors| {
        let says: Vec<String> = errors.iter().map(ToString::to_string).collect();
        OperateError::new(ErrorCode::Unreadable, says.join("; "))
            .help("try it where the gateway runs, or with its variables set")
    })?;
    let ring = managed.unwrap_or(read.keys);
    if ring.is_empty() && !source.compiled.needs().keys.is_empty() {
        let says = format!("`{}` has no secret that verifies: nothing can be tried", source.name);
        return Err(OperateError::new(ErrorCode::Unreadable, says)
            .help(format!("`countersign secret new {}` makes one", source.name)));
    }
    Ok((ring, read.vars))
}

/// What the verifier says, as of when the request came.
fn judged(source: &Source, verifier: &Verifier, request: &Request<'_>, at: Timestamp) -> Trial {
    let mut trial = Trial {
        source: source.name.to_string(),
        outcome: String::new(),
        says: String::new(),
        detail: None,
        at: at.into(),
        key: None,
        message_id: None,
        signed_at: None,
        kind: verifier.event(request).kind,
        checks: Vec::new(),
        diagnosis: None,
        notes: Vec::new(),
    };
    let cx = Context::at(at);
    if verifier.handshake(request, &cx).is_some() {
        trial.outcome = "handshake".into();
        trial.says = "a set-up challenge that comes unsigned".into();
        return trial;
    }
    let outcome = verifier.verify(request, &cx);
    trial.outcome = outcome.code().into();
    match outcome {
        Outcome::Verified(verified) => {
            trial.says = "it verifies".into();
            trial.key = Some(verified.key().to_string());
            trial.message_id = verified.message_id().map(str::to_owned);
            trial.signed_at = verified.signed_at().map(Into::into);
        }
        Outcome::Rejected(rejection) => {
            trial.says = rejection.reason.says().into();
            if let Some(detail) = rejection.detail {
                trial.says = format!("{}: {}", trial.says, detail.text);
                trial.detail = Some(detail.code.into_owned());
            }
        }
        Outcome::Unresolved(_) => {
            trial.says = "its key would have to be fetched, and a trial calls nobody".into();
        }
    }
    trial
}

fn checks(
    source: &Source,
    capture: &Capture,
    address: Option<IpAddr>,
    trial: &Trial,
    (verifier, request, now): (&Verifier, &Request<'_>, Timestamp),
) -> Vec<TrialCheck> {
    let check = |check: &str, verdict: Word, says: String| TrialCheck { check: check.into(), verdict, says };
    let whether = |passed: bool| if passed { Word::Passed } else { Word::Failed };
    let not_asked = |what: &str| format!("not asked: {what}");
    let (size, most) = (capture.body.len(), source.limits.body);
    let allowed = source.allow_from.as_ref().map(|nets| {
        address.map(|address| (address, nets.iter().any(|net| net.contains(&address.to_canonical()))))
    });
    let address = match allowed {
        None => check("address", Word::Skipped, "anybody may come".into()),
        Some(None) => check("address", Word::Skipped, not_asked("no address is given")),
        Some(Some((address, fits))) => check(
            "address",
            whether(fits),
            format!("{address} is {}in `allow_from`", if fits { "" } else { "not " }),
        ),
    };
    let aged =
        |code: &str| [Reason::StaleTimestamp, Reason::FutureTimestamp].iter().any(|aged| aged.code() == code);
    let signed = match &*trial.outcome {
        "handshake" | "unresolved" => Word::Skipped,
        code => whether(code == "ok" || aged(code)),
    };
    let says = if aged(&trial.outcome) { "a key signed it".into() } else { trial.says.clone() };
    let fresh = |name: &str, code: &str, at: Timestamp| match code {
        _ if source.compiled.freshness().is_none() => {
            check(name, Word::Skipped, "its age is not looked at".into())
        }
        "ok" => check(name, Word::Passed, format!("recent enough at {at}")),
        code if aged(code) => check(name, Word::Failed, format!("{code} at {at}")),
        _ => check(name, Word::Skipped, not_asked("nothing is known of an age that nobody signed")),
    };
    let today = verifier.verify(request, &Context::at(now)).code();
    let method =
        source.methods.iter().chain(&source.handshake_methods).any(|known| **known == *capture.method);
    let wanted = match (&source.events, &trial.kind) {
        (None, _) => check("events", Word::Skipped, "all are recorded".into()),
        (Some(_), None) => check("events", Word::Passed, "it has no type, and is recorded".into()),
        (Some(events), Some(kind)) => {
            check("events", whether(events.fit(kind)), format!("its type is `{kind}`"))
        }
    };
    vec![
        check("limit", whether(size <= most), format!("{size} of {most} bytes")),
        address,
        check("junk", Word::Skipped, not_asked("a trial is charged to nobody")),
        check("method", whether(method), capture.method.clone()),
        check("signature", signed, says),
        fresh("fresh_then", &trial.outcome, trial.at.0),
        fresh("fresh_now", today, now),
        check("rate", Word::Skipped, not_asked("a trial spends no budget")),
        check("replay", Word::Skipped, not_asked("a trial claims nothing")),
        wanted,
    ]
}

/// The URL that the sender signed, as the gateway has it: what is configured, and the query as it came.
fn url_of(source: &Source, capture: &Capture) -> String {
    let (Some(url), false) = (&source.url, matches!(capture.url, Address::Given(_))) else {
        return capture
            .url
            .assumed()
            .unwrap_or_else(|| format!("https://host.invalid{}", capture.url.target()));
    };
    match capture.url.target().split_once('?') {
        Some((_, query)) => format!("{url}?{query}"),
        None => url.to_string(),
    }
}

fn capture_of(event: &StoredEvent) -> Result<Capture, OperateError> {
    let Kept { method, url, target, headers } = Kept::of(event)?;
    let address = match (url, target) {
        (Some(url), _) => Address::Given(url),
        (None, Some(target)) => Address::Wire { host: None, target },
        (None, None) => Address::Unknown,
    };
    let headers = headers.into_iter().map(|(name, value)| match value {
        HeaderText::Text(text) => (name, text.into_bytes()),
        HeaderText::Bytes { base64 } => {
            (name, base64_simd::STANDARD.decode_to_vec(base64.as_bytes()).unwrap_or_default())
        }
    });
    Capture::new(&method, address, headers.collect(), event.body.to_vec())
        .map_err(|error| OperateError::new(ErrorCode::Unreadable, error.says))
}

impl From<Diagnosis> for DiagnosisShown {
    fn from(diagnosis: Diagnosis) -> Self {
        let shown = |finding: Finding| FindingShown {
            code: finding.code.into(),
            says: finding.says,
            advice: finding.advice,
            patch: finding.patch,
        };
        DiagnosisShown {
            state: match diagnosis.cause.is_empty() {
                true => "unexplained",
                false => "explained",
            }
            .into(),
            cause: diagnosis.cause.into_iter().map(shown).collect(),
            noted: diagnosis.noted.into_iter().map(shown).collect(),
            cut_short: diagnosis.effort.cut_short,
        }
    }
}
