//! Sources as operators see them.

use super::keys::key_lines;
use super::known::Placed;
use super::{Counts, KeyLine, Moment, OperateError, Operator};
use crate::config::{Forward, Keys, Source};
use countersign::Timestamp;
use countersign_store::{KeyUse, SecretRow};
use serde::Serialize;
use std::time::Duration;
use url::Url;
use utoipa::ToSchema;

/// A source in a listing.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct SourceLine {
    /// Its name.
    pub name: String,
    /// The path that it is reached by; empty if it cannot be read.
    pub path: String,
    /// Its preset; none where it writes its scheme out.
    pub preset: Option<String>,
    /// Where it is defined, and so where it is changed: `file` or `store`.
    pub defined: String,
    /// Whether it receives.
    pub enabled: bool,
    /// `reject`, or `observe` where refused requests are let through.
    pub enforce: String,
    /// Where its secrets are: `managed` in the store, `placed` where the file says, or `found` by the scheme.
    pub secrets: String,
    /// Its keys, the newest first.
    pub keys: Vec<KeyLine>,
    /// Until when it waits for a secret that a set-up challenge hands over.
    pub learns_until: Option<Moment>,
    /// When the last request came, of the last 24 hours; or else when a key last matched.
    pub last_seen: Option<Moment>,
    /// What came in the last 24 hours.
    pub day: Counts,
    /// Why it cannot receive.
    pub trouble: Option<String>,
}

/// A source, whole.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct SourceShown {
    /// What stands in listings.
    #[serde(flatten)]
    pub line: SourceLine,
    /// The mode of its scheme.
    pub mode: String,
    /// SHA-256 of the resolved scheme, to be written behind `pin`.
    pub digest: String,
    /// What its signatures cover.
    pub binds: Vec<String>,
    /// What they have to.
    pub require_bound: Vec<String>,
    /// How old a message may be. None: its age is not looked at.
    pub freshness: Option<FreshnessShown>,
    /// What makes two requests the same: `id`, `content` or `none`.
    pub replay: String,
    /// The methods that it takes.
    pub methods: Vec<String>,
    /// The URL that senders sign, if they sign one.
    pub url: Option<String>,
    /// The variables that are set, without their values.
    pub vars: Vec<String>,
    /// Who may come. None: anybody.
    pub allow_from: Option<Vec<String>>,
    /// Which types of events are recorded. None: all.
    pub events: Option<Vec<String>>,
    /// The longest body, in bytes.
    pub body_limit: usize,
    /// How many authentic requests it takes.
    pub rate: Option<RateShown>,
    /// How many at the same time.
    pub concurrency: Option<usize>,
    /// `all`, or `none` for a pure verifier.
    pub record: String,
    /// Where accepted requests go.
    pub forward: Vec<ForwardLine>,
}

/// How old a message may be.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct FreshnessShown {
    /// How many seconds behind the present.
    pub past_seconds: u64,
    /// How many before it.
    pub future_seconds: u64,
}

/// So many in a time.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct RateShown {
    /// How many.
    pub count: u32,
    /// In so many milliseconds.
    pub per_millis: u64,
}

/// A target of a source.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct ForwardLine {
    /// Its name in the queue.
    pub endpoint: String,
    /// Where to. A query is not shown: it may hold a token.
    pub to: String,
    /// How long an attempt has, in milliseconds.
    pub timeout_millis: u64,
    /// How many attempts there are.
    pub attempts: usize,
}

/// What is asked of the store for any number of sources.
pub(super) struct Seen {
    secrets: Vec<SecretRow>,
    uses: Vec<KeyUse>,
    day: std::collections::BTreeMap<String, (Counts, Option<Timestamp>)>,
}

impl Operator {
    /// Every source, those of the file first.
    pub async fn sources(&self) -> Result<Vec<SourceLine>, OperateError> {
        let (known, seen) = (self.known().await?, self.seen().await?);
        let lines = known.sources.iter().map(|placed| self.line(placed, &seen));
        let broken = known.broken.iter().map(|(row, says)| SourceLine {
            name: row.name.to_string(),
            path: String::new(),
            preset: None,
            defined: "store".into(),
            enabled: row.enabled,
            enforce: row.enforce.as_deref().unwrap_or("reject").into(),
            secrets: "managed".into(),
            keys: Vec::new(),
            learns_until: None,
            last_seen: None,
            day: Counts::default(),
            trouble: Some(says.clone()),
        });
        Ok(lines.chain(broken).collect())
    }

    /// One source, with its scheme, its limits and where what it accepts goes.
    pub async fn source(&self, name: &str) -> Result<SourceShown, OperateError> {
        let (known, seen) = (self.known().await?, self.seen().await?);
        let placed = known.find(name)?;
        Ok(shown(self.line(placed, &seen), &placed.source))
    }

    pub(super) async fn seen(&self) -> Result<Seen, OperateError> {
        let (secrets, uses) = (self.store().secrets().await?, self.store().key_uses().await?);
        Ok(Seen { secrets, uses, day: self.day().await? })
    }

    fn line(&self, placed: &Placed, seen: &Seen) -> SourceLine {
        let (source, now) = (&placed.source, self.now());
        let keys = key_lines(source, &seen.secrets, &seen.uses, now);
        let (day, last) = seen.day.get(&*source.name).cloned().unwrap_or_default();
        let matched = keys.iter().filter_map(|key| key.last_matched.map(|at| at.0)).max();
        let keyless = !matches!(source.keys, Keys::Found) && !keys.iter().any(KeyLine::verifies);
        let learns_until = placed.row.as_ref().and_then(|row| row.learns_until);
        let learns_until =
            learns_until.or(source.learn.map(|learn| learn.until)).filter(|until| now < *until);
        SourceLine {
            name: source.name.to_string(),
            path: source.path.to_string(),
            preset: source.preset.as_deref().map(str::to_owned),
            defined: if placed.in_file { "file" } else { "store" }.into(),
            enabled: placed.enabled(),
            enforce: placed.enforce().word().into(),
            secrets: match source.keys {
                Keys::Found => "found",
                Keys::Placed(_) => "placed",
                Keys::Managed => "managed",
            }
            .into(),
            keys,
            learns_until: learns_until.map(Into::into),
            last_seen: last.or(matched).map(Into::into),
            day,
            trouble: keyless.then(|| "it has no secret that verifies, and accepts nothing".into()),
        }
    }
}

fn shown(line: SourceLine, source: &Source) -> SourceShown {
    let Source { compiled, digest, methods, url, vars, allow_from, events, limits, require_bound, .. } =
        source;
    let texts = |texts: &[std::sync::Arc<str>]| texts.iter().map(|text| text.to_string()).collect();
    let words = |binds: countersign::Binds| binds.words().map(str::to_owned).collect();
    SourceShown {
        line,
        mode: compiled.preset().mode.value.to_string(),
        digest: digest.to_string(),
        binds: words(compiled.needs().binds),
        require_bound: words(*require_bound),
        freshness: compiled.freshness().map(|freshness| FreshnessShown {
            past_seconds: freshness.tolerance.past.as_secs(),
            future_seconds: freshness.tolerance.future.as_secs(),
        }),
        replay: compiled.replay().key.word().into(),
        methods: texts(methods),
        url: url.as_deref().map(str::to_owned),
        vars: vars.iter().map(|(name, _)| name.to_string()).collect(),
        allow_from: allow_from.as_ref().map(|nets| nets.iter().map(ToString::to_string).collect()),
        events: events.as_ref().map(|events| events.patterns().map(str::to_owned).collect()),
        body_limit: limits.body,
        rate: limits.rate.map(|rate| RateShown { count: rate.count, per_millis: millis(rate.per) }),
        concurrency: limits.concurrency,
        record: source.record.word().into(),
        forward: source.forward.iter().map(ForwardLine::of).collect(),
    }
}

impl ForwardLine {
    fn of(forward: &Forward) -> Self {
        let Forward { endpoint, to, timeout, schedule, .. } = forward;
        ForwardLine {
            endpoint: endpoint.to_string(),
            to: without_query(to),
            timeout_millis: millis(*timeout),
            attempts: schedule.len(),
        }
    }
}

pub(super) fn without_query(to: &Url) -> String {
    let mut shown = to.clone();
    shown.set_query(to.query().map(|_| "withheld"));
    // No URL of a target has a user: what cannot be taken off was not there.
    let _ = shown.set_password(None);
    shown.into()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
