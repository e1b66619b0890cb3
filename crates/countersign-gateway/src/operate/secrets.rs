//! Secrets over their life: made, added, rotated, learnt, confirmed, forgotten. Of managed ones alone: one that stands in the
//! file, or in a variable or file that it names, is changed there, and saying otherwise here would be a second truth.
//!
//! A value leaves this module in one place: [`ShownOnce`], the answer to having made it.

use super::decide::Held;
use super::keys::{KeyLine, KeyState, newest_first, state, stored_line};
use super::known::Placed;
use super::sealed::{expect_opens, open};
use super::{ErrorCode, Moment, OperateError, Operator};
use crate::config::{Endpoint, Keys, Source, duration};
use crate::secrets::{Sealer, fingerprint, new_secret};
use countersign::{Compiled, Key, KeyError, KeyId, Keyring, MAX_KEYS, Secret, Timestamp, ct};
use countersign_store::{Edit, SecretRow, SecretState, SourceRow, of_endpoint};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;
use zeroize::Zeroizing;

/// How long the old secret verifies beside the new one, if nothing else is said.
const KEEP: Duration = Duration::from_secs(7 * 86_400);

/// And at most: a rotation that does not end is none.
const MOST_KEEP: Duration = Duration::from_secs(366 * 86_400);

/// How long a source waits for a secret that is handed over, and at most.
const LEARN: Duration = Duration::from_secs(3600);
const MOST_LEARN: Duration = Duration::from_secs(7 * 86_400);

/// The secrets of one source.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct Secrets {
    /// Whose.
    pub source: String,
    /// Where they are: `managed`, `placed` or `found`.
    pub secrets: String,
    /// The newest first.
    pub keys: Vec<KeyLine>,
    /// Until when it waits for one that a set-up challenge hands over.
    pub learns_until: Option<Moment>,
}

/// What is said of a secret that is made, or handed in.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Given {
    /// Its name. Default: today's date.
    #[schema(nullable = false)]
    pub id: Option<String>,

    /// The secret itself, as the provider shows it. None: one is made.
    #[schema(nullable = false)]
    pub value: Option<Value>,

    /// Not usable before this.
    #[schema(nullable = false)]
    pub not_before: Option<Moment>,

    /// Not usable from this on.
    #[schema(nullable = false)]
    pub not_after: Option<Moment>,
}

/// A secret on its way in. Wiped when it is dropped.
#[derive(ToSchema)]
#[schema(value_type = String)]
pub struct Value(Zeroizing<String>);

/// What became of a source's secrets.
#[derive(Debug, Serialize, ToSchema)]
#[non_exhaustive]
pub struct SecretChanged {
    /// Whose.
    pub source: String,
    /// The one that was made, added, confirmed or forgotten.
    pub secret: KeyLine,
    /// The value of one that was made here: shown this once, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub value: Option<ShownOnce>,
    /// Those that verify beside it until they end.
    pub ending: Vec<KeyLine>,
}

/// A secret that was made. Serialized whole, printed by nothing else; wiped when it is dropped.
#[derive(ToSchema)]
#[schema(value_type = String)]
pub struct ShownOnce(Zeroizing<String>);

impl ShownOnce {
    /// For the one place that prints it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ShownOnce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShownOnce(..)")
    }
}

impl Serialize for ShownOnce {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Value(Zeroizing::new(text)))
    }
}

impl Value {
    /// Of bytes that were read somewhere.
    pub fn new(text: Zeroizing<String>) -> Self {
        Value(text)
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, value: _, not_before, not_after } = self;
        let mut shown = f.debug_struct("Given");
        shown.field("id", id).field("not_before", not_before).field("not_after", not_after);
        shown.finish_non_exhaustive()
    }
}

impl Operator {
    /// The secrets of a source, or of an endpoint as `endpoint:NAME`, without any of their values.
    pub async fn secrets(&self, source: &str) -> Result<Secrets, OperateError> {
        if let Some(endpoint) = source.strip_prefix(ENDPOINT) {
            let keys = self.endpoint(endpoint).await?.keys;
            return Ok(Secrets {
                source: source.into(),
                secrets: "managed".into(),
                keys,
                learns_until: None,
            });
        }
        let line = self.source(source).await?.line;
        Ok(Secrets {
            source: line.name,
            secrets: line.secrets,
            keys: line.keys,
            learns_until: line.learns_until,
        })
    }

    /// One more secret: the one that is given, or one that is made. It verifies at once, beside those that are there.
    pub async fn add_secret(&self, source: &str, given: Given) -> Result<SecretChanged, OperateError> {
        let added = self.write("secret add", |held| {
            let vault = self.vault(source, held)?;
            let (row, value) = vault.make(self, &given)?;
            let changed = vault.changed(self, &row, value, &[]);
            Ok((vec![Edit::Secret(row)], changed))
        });
        added.await
    }

    /// One more secret, and an end for those that verify now: `keep` from now on. `7d` if nothing is said; `0s` ends them at once.
    pub async fn rotate(
        &self,
        source: &str,
        keep: Option<&str>,
        given: Given,
    ) -> Result<SecretChanged, OperateError> {
        let keep = span("keep", keep, KEEP, MOST_KEEP)?;
        let rotated = self.write("secret rotate", |held| {
            let vault = self.vault(source, held)?;
            let (row, value) = vault.make(self, &given)?;
            let (now, end) = (self.now(), self.now().after(keep));
            let ends_later = |row: &&SecretRow| row.not_after.is_none_or(|at| end < at);
            let ending = vault.rows.iter().filter(|row| state(row, now) == KeyState::Live).filter(ends_later);
            let ending: Vec<SecretRow> =
                ending.map(|row| SecretRow { not_after: Some(end), ..row.clone() }).collect();
            let changed = vault.changed(self, &row, value, &ending);
            // All in one step: at no moment does the source lack a secret, or have a new one beside one without an end.
            Ok((ending.into_iter().chain([row]).map(Edit::Secret).collect(), changed))
        });
        rotated.await
    }

    /// Forget a secret. The last one that verifies only with `force`: the source accepts nothing from then on.
    pub async fn forget(&self, source: &str, id: &str, force: bool) -> Result<SecretChanged, OperateError> {
        let forgotten = self.write("secret forget", |held| {
            let vault = self.vault(source, held)?;
            let row = vault.row(id)?;
            let live = |row: &&SecretRow| state(row, self.now()) == KeyState::Live;
            let last = live(&row) && vault.rows.iter().filter(live).count() == 1;
            if last && !force {
                let without = match vault.owner.signs {
                    true => "that signs: without it nothing is sent",
                    false => "that verifies: without it nothing is accepted",
                };
                let says = format!("`{id}` is the last secret of `{source}` {without}");
                return Err(OperateError::new(ErrorCode::LastSecret, says).help(format!(
                    "`countersign secret rotate {source}` makes another first; --force forgets it all the same"
                )));
            }
            let edit = Edit::Forgotten { source: row.source.clone(), id: row.id.clone() };
            Ok((vec![edit], vault.changed(self, row, None, &[])))
        });
        forgotten.await
    }

    /// Let a secret that was handed over verify. `fingerprint` is what the operator saw at the provider's, or in `secret list`:
    /// whoever cannot name it has not looked.
    pub async fn confirm(
        &self,
        source: &str,
        id: &str,
        fingerprint: &str,
    ) -> Result<SecretChanged, OperateError> {
        let confirmed = self.write("secret confirm", |held| {
            let vault = self.vault(source, held)?;
            let row = vault.confirmed(id, fingerprint)?;
            let changed = vault.changed(self, &row, None, &[]);
            let row_of = |placed: &Placed| placed.row.clone();
            let waited =
                vault.owner.placed.as_ref().and_then(row_of).filter(|row| row.learns_until.is_some());
            let stopped = waited.map(|row| SourceRow { learns_until: None, changed_at: self.now(), ..row });
            let edits = [Edit::Secret(row)].into_iter().chain(stopped.map(Edit::Source));
            Ok((edits.collect(), changed))
        });
        confirmed.await
    }

    /// Wait for a secret that a set-up challenge hands over: for `time`, `1h` if nothing is said. One is taken.
    pub async fn learn(&self, source: &str, time: Option<&str>) -> Result<Secrets, OperateError> {
        let time = span("for", time, LEARN, MOST_LEARN)?;
        let waits = self.write("secret learn", |held| {
            let vault = self.vault(source, held)?;
            let placed = vault.expect_learns()?;
            let (now, mut row) = (self.now(), placed.row());
            row.learns_until = Some(now.after(time));
            Ok((vec![placed.edit(row, now)], ()))
        });
        waits.await?;
        self.secrets(source).await
    }

    /// The managed secrets of a source or of an endpoint, and what opens them.
    fn vault<'v>(&'v self, name: &str, held: &'v Held) -> Result<Vault<'v>, OperateError> {
        match name.strip_prefix(ENDPOINT) {
            None => self.vault_of(Owner::source(held.known.find(name)?)?, &held.secrets),
            Some(endpoint) => {
                let endpoint = self.endpoint_of(endpoint, &held.endpoints)?;
                self.vault_of(Owner::endpoint(&endpoint), &held.secrets)
            }
        }
    }

    /// The same of one that may not be there yet.
    pub(super) fn vault_of<'v>(
        &'v self,
        owner: Owner,
        secrets: &'v [SecretRow],
    ) -> Result<Vault<'v>, OperateError> {
        let Some(sealer) = &self.sealer else {
            let says = format!(
                "the secrets of `{}` are managed, and `[store]` has no `key` to seal them with",
                owner.name
            );
            return Err(OperateError::new(ErrorCode::NoStoreKey, says).help(
                "write `key = { env = \"COUNTERSIGN_STORE_KEY\" }` in `[store]`: 32 random bytes, `openssl rand -hex 32` makes them",
            ));
        };
        let mut rows: Vec<_> = secrets.iter().filter(|row| row.source == owner.name).cloned().collect();
        newest_first(&mut rows);
        Ok(Vault { owner, rows, all: secrets, sealer })
    }
}

/// What the name of an endpoint begins with where it stands beside those of sources: see [`of_endpoint`].
const ENDPOINT: &str = "endpoint:";

/// Whose secrets they are: a source that verifies by them, or an endpoint that is signed for.
pub(super) struct Owner {
    /// As the store and every command call it.
    name: Arc<str>,
    compiled: Arc<Compiled>,
    preset: Option<Arc<str>>,
    signs: bool,
    /// Of a source.
    placed: Option<Placed>,
}

impl Owner {
    /// A source, if its secrets are in the store.
    pub(super) fn source(placed: &Placed) -> Result<Self, OperateError> {
        let Source { name, compiled, preset, .. } = &*placed.source;
        match not_managed(&placed.source) {
            Some(refused) => Err(refused),
            None => Ok(Owner {
                name: name.clone(),
                compiled: compiled.clone(),
                preset: preset.clone(),
                signs: false,
                placed: Some(placed.clone()),
            }),
        }
    }

    /// An endpoint: its secrets are always there.
    pub(super) fn endpoint(endpoint: &Endpoint) -> Self {
        let compiled = endpoint.compiled.clone();
        let preset = Some(compiled.preset().name.clone());
        Owner { name: of_endpoint(&endpoint.name).into(), compiled, preset, signs: true, placed: None }
    }
}

/// The managed secrets of one source or endpoint.
pub(super) struct Vault<'o> {
    owner: Owner,
    /// The newest first.
    rows: Vec<SecretRow>,
    /// Those of everybody.
    all: &'o [SecretRow],
    sealer: &'o Sealer,
}

impl Vault<'_> {
    /// Make or take in a secret, and seal it. Nothing is written.
    pub(super) fn make(
        &self,
        operator: &Operator,
        given: &Given,
    ) -> Result<(SecretRow, Option<ShownOnce>), OperateError> {
        let Given { id, value, not_before, not_after } = given;
        let (source, now) = (&self.owner, operator.now());
        self.expect_room(1)?;
        if let (Some(from), Some(to)) = (not_before, not_after)
            && from >= to
        {
            return Err(OperateError::new(ErrorCode::InvalidArgument, "its window ends before it begins")
                .help("exchange `not_before` and `not_after`"));
        }
        let id = self.id(id.as_deref(), now)?;
        let (text, made) = match value {
            Some(Value(text)) => (text.clone(), false),
            None => (self.new_text(operator)?, true),
        };
        let secret =
            Secret::new(text.as_bytes()).map_err(|error| invalid_secret(source, &error.to_string()))?;
        self.check(&id, &secret)?;
        self.expect_new(&secret)?;
        expect_opens(self.sealer, self.all)?;
        let key = KeyId::new(id.as_str());
        let sealed = self.sealer.seal(&source.name, &key, &secret, &mut |bytes| (operator.chance)(bytes));
        let row = SecretRow {
            source: source.name.clone(),
            id: id.as_str().into(),
            sealed: sealed.ok_or_else(OperateError::no_chance)?.into(),
            fingerprint: fingerprint(secret.expose()).into(),
            state: SecretState::Live,
            not_before: not_before.map(|at| at.0),
            not_after: not_after.map(|at| at.0),
            created_at: now,
        };
        Ok((row, made.then_some(ShownOnce(text))))
    }

    /// What is told of a change.
    pub(super) fn changed(
        &self,
        operator: &Operator,
        row: &SecretRow,
        value: Option<ShownOnce>,
        ending: &[SecretRow],
    ) -> SecretChanged {
        let line = |row: &SecretRow| stored_line(row, &[], operator.now());
        SecretChanged {
            source: self.owner.name.to_string(),
            secret: line(row),
            value,
            ending: ending.iter().map(line).collect(),
        }
    }

    /// A source has no more keys than are tried: with one too many, it could not be used at all.
    fn expect_room(&self, more: usize) -> Result<(), OperateError> {
        if self.rows.len() + more <= MAX_KEYS {
            return Ok(());
        }
        let name = &self.owner.name;
        let says = format!("`{name}` holds {MAX_KEYS} secrets, and more are not tried");
        Err(OperateError::new(ErrorCode::TooManySecrets, says)
            .help(format!("`countersign secret forget {name} ID` forgets one that has ended")))
    }

    /// A secret that waits, as it is once it verifies.
    fn confirmed(&self, id: &str, fingerprint: &str) -> Result<SecretRow, OperateError> {
        let (source, row) = (&self.owner.name, self.row(id)?);
        if row.state != SecretState::Pending {
            let says = format!("`{id}` of `{source}` does not wait to be confirmed");
            return Err(OperateError::new(ErrorCode::NotPending, says)
                .help(format!("`countersign secret list {source}` shows which do")));
        }
        if !ct::equal(row.fingerprint.as_bytes(), fingerprint.as_bytes()) {
            let says = format!("the fingerprint of `{id}` is another one: it was not confirmed");
            return Err(OperateError::new(ErrorCode::FingerprintDiffers, says).help(format!(
                "compare with `countersign secret list {source}`; if the provider's secret is another, `countersign secret forget {source} {id}`"
            )));
        }
        // One that is handed over is taken down however many there are.
        self.expect_room(0)?;
        // It waited sealed: that it opens, and is a secret of this scheme, is seen before it counts.
        let secret = self.open(row)?;
        self.check(&row.id, &secret)?;
        Ok(SecretRow { state: SecretState::Live, ..row.clone() })
    }

    /// There is a challenge that hands a secret over, and none was.
    fn expect_learns(&self) -> Result<&Placed, OperateError> {
        let source = &self.owner.name;
        let Some(placed) = self.owner.placed.as_ref().filter(|placed| learns(&placed.source)) else {
            let says = format!("the scheme of `{source}` has no challenge that hands a secret over");
            return Err(OperateError::new(ErrorCode::NothingToLearn, says)
                .help(format!("copy it from the provider: `countersign secret add {source} --value -`")));
        };
        match self.rows.iter().find(|row| row.state == SecretState::Pending) {
            None => Ok(placed),
            Some(SecretRow { id, .. }) => {
                let says = format!("`{id}` of `{source}` was handed over, and waits to be confirmed");
                Err(OperateError::new(ErrorCode::SecretTaken, says).help(format!(
                    "`countersign secret confirm {source} {id} --fingerprint …`, or `countersign secret forget {source} {id}`"
                )))
            }
        }
    }

    fn new_text(&self, operator: &Operator) -> Result<Zeroizing<String>, OperateError> {
        let source = &self.owner;
        new_secret(&source.compiled, &mut |bytes| (operator.chance)(bytes)).map_err(|none| {
            OperateError::new(ErrorCode::InvalidSecret, format!("none is made for `{}`: {none}", source.name))
                .help(format!("hand it in: `countersign secret add {} --value -`", source.name))
        })
    }

    /// The name that is given, or today's date, with a number behind it if that is taken.
    fn id(&self, given: Option<&str>, now: Timestamp) -> Result<String, OperateError> {
        let taken = |id: &str| self.rows.iter().any(|row| *row.id == *id);
        let Some(id) = given else {
            let day: String = now.to_string().chars().take(10).collect();
            let more = (2..).map(|number| format!("{day}-{number}"));
            return Ok([day.clone()].into_iter().chain(more).find(|id| !taken(id)).unwrap_or(day));
        };
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if !(1..=64).contains(&id.len()) || !id.bytes().all(fits) || id.bytes().all(|byte| byte == b'.') {
            let says = "the name of a secret is 1 to 64 letters, digits and . _ -";
            return Err(
                OperateError::new(ErrorCode::InvalidArgument, says).help("call it by its date: 2026-11-05")
            );
        }
        if taken(id) {
            let says = format!("`{}` has a secret called `{id}` already", self.owner.name);
            return Err(OperateError::new(ErrorCode::SecretTaken, says)
                .help("give it another name, or none: then it is called by today's date"));
        }
        Ok(id.into())
    }

    /// Whether the scheme takes it, in the scheme's own words, which quote no secret.
    fn check(&self, id: &str, secret: &Secret) -> Result<(), OperateError> {
        let source = &self.owner;
        let mut ring = Keyring::new();
        let kind = source.compiled.needs().key_kind(source.signs);
        let refused = |error: KeyError| invalid_secret(source, error.without_key());
        let copy = Secret::new(secret.expose()).map_err(refused)?;
        ring.add(Key::new(KeyId::new(id), kind, copy)).map_err(refused)?;
        // The variables' values do not matter here, and may be secrets that only the gateway can read.
        let mut vars = countersign::Vars::new();
        for var in source.compiled.preset().vars.iter() {
            vars.set(var.name.clone(), "x");
        }
        match source.signs {
            true => source.compiled.signer(&ring, &vars).map(drop),
            false => source.compiled.scheme().bind(&ring, &vars).map(drop),
        }
        .map_err(refused)
    }

    /// One secret twice is one secret, and forgetting one of them would change nothing.
    fn expect_new(&self, secret: &Secret) -> Result<(), OperateError> {
        let print = fingerprint(secret.expose());
        for row in self.rows.iter().filter(|row| *row.fingerprint == *print) {
            if ct::equal(self.open(row)?.expose(), secret.expose()) {
                let says = format!("`{}` of `{}` is this very secret", row.id, self.owner.name);
                return Err(OperateError::new(ErrorCode::SecretTaken, says)
                    .help("hand in the new one; to change its window, forget it and add it again"));
            }
        }
        Ok(())
    }

    fn open(&self, row: &SecretRow) -> Result<Secret, OperateError> {
        open(self.sealer, row)
    }

    fn row(&self, id: &str) -> Result<&SecretRow, OperateError> {
        let found = self.rows.iter().find(|row| *row.id == *id);
        found.ok_or_else(|| no_secret(&self.owner.name, id, &self.rows))
    }
}

/// Whether a scheme has a challenge that hands a secret over.
fn learns(source: &Source) -> bool {
    use countersign::config::Value;
    let shakes = source.scheme.get(&["handshake"]).map(|node| &node.value);
    let Some(Value::Array(shakes)) = shakes else { return false };
    let kind = |node: &countersign::config::Node| node.table()?.get("kind")?.text().cloned();
    shakes.iter().any(|shake| kind(shake).as_deref() == Some("learn"))
}

/// Why a source's secrets cannot be changed here, if they cannot.
fn not_managed(source: &Source) -> Option<OperateError> {
    let name = &source.name;
    let refused =
        |says: String, help: String| Some(OperateError::new(ErrorCode::NotManaged, says).help(help));
    match &source.keys {
        Keys::Managed => None,
        Keys::Found => refused(
            format!("`{name}` takes no secret: its scheme finds its own keys"),
            "there is nothing to do: the provider's new key is found when it signs".into(),
        ),
        Keys::Placed(places) => {
            let first = places.first().map_or_else(String::new, |place| format!(" ({})", place.place));
            refused(
                format!(
                    "the secrets of `{name}` are where the configuration file says{first}, and are changed there"
                ),
                format!(
                    "add an entry to `secrets` of `{name}` before the old one, and give the old one a `not_after`; or write `secrets = \"managed\"`"
                ),
            )
        }
    }
}

fn span(what: &str, text: Option<&str>, default: Duration, most: Duration) -> Result<Duration, OperateError> {
    let Some(text) = text else { return Ok(default) };
    if text == "0" || text == "0s" {
        return Ok(Duration::ZERO);
    }
    match duration(text) {
        Ok(time) if time <= most => Ok(time),
        Ok(_) => Err(format!("at most {} days", most.as_secs() / 86_400)),
        Err(says) => Err(says),
    }
    .map_err(|says| {
        OperateError::new(ErrorCode::InvalidArgument, format!("`{what}`: {says}"))
            .help("write 30m, 24h or 7d, say")
    })
}

fn invalid_secret(source: &Owner, says: &str) -> OperateError {
    let help = match &source.preset {
        Some(preset) => format!("`countersign preset show {preset}` says how a secret is written"),
        None => "see `key` of its scheme".into(),
    };
    OperateError::new(ErrorCode::InvalidSecret, format!("`{}` does not take it: {says}", source.name))
        .help(help)
}

fn no_secret(source: &str, id: &str, rows: &[SecretRow]) -> OperateError {
    let near = countersign::config::nearest(id, rows.iter().map(|row| &*row.id));
    let near = near.map_or_else(String::new, |near| format!("did you mean `{near}`? "));
    let says = format!("`{source}` has no secret called `{}`", id.escape_debug());
    OperateError::new(ErrorCode::UnknownSecret, says)
        .help(format!("{near}`countersign secret list {source}` shows all"))
}
