//! Keys as operators see them: never their values.

use super::Moment;
use crate::config::{Keys, Source};
use countersign::{Timestamp, Window};
use countersign_store::{KeyUse, SecretRow, SecretState};
use serde::Serialize;
use utoipa::ToSchema;

/// A key as an operator sees it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct KeyLine {
    /// Its name.
    pub id: String,
    /// Whether it verifies now.
    pub state: KeyState,
    /// Not before this.
    pub not_before: Option<Moment>,
    /// Not from this on.
    pub not_after: Option<Moment>,
    /// When it last matched.
    pub last_matched: Option<Moment>,
    /// By which people tell secrets apart without seeing them; of managed ones.
    pub fingerprint: Option<String>,
    /// Where it is, of those that are not managed. A command is not shown.
    pub place: Option<String>,
}

/// Whether a key verifies now.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum KeyState {
    /// It does.
    Live,
    /// Its time has not come.
    NotYet,
    /// Its time is over.
    Ended,
    /// It was handed over by a challenge, and waits to be confirmed.
    Pending,
    /// The scheme found it, and nobody here holds it.
    Found,
}

/// The keys of a source, the newest first, whatever they are and wherever.
pub(super) fn key_lines(
    source: &Source,
    rows: &[SecretRow],
    uses: &[KeyUse],
    now: Timestamp,
) -> Vec<KeyLine> {
    let uses: Vec<&KeyUse> = uses.iter().filter(|used| used.source == source.name).collect();
    match &source.keys {
        Keys::Managed => {
            let mut rows: Vec<_> = rows.iter().filter(|row| row.source == source.name).cloned().collect();
            newest_first(&mut rows);
            rows.iter().map(|row| stored_line(row, &uses, now)).collect()
        }
        Keys::Placed(places) => places
            .iter()
            .map(|place| KeyLine {
                place: Some(place.place.to_string()),
                ..line(place.id.as_str(), place.window, &uses, now)
            })
            .collect(),
        Keys::Found => uses
            .iter()
            .map(|used| KeyLine { state: KeyState::Found, ..line(&used.key, Window::default(), &uses, now) })
            .collect(),
    }
}

impl KeyLine {
    /// Whether it does now.
    pub fn verifies(&self) -> bool {
        matches!(self.state, KeyState::Live | KeyState::Found)
    }
}

/// A stored secret in a listing.
pub(super) fn stored_line(row: &SecretRow, uses: &[&KeyUse], now: Timestamp) -> KeyLine {
    let window = Window { not_before: row.not_before, not_after: row.not_after };
    KeyLine {
        state: state(row, now),
        fingerprint: Some(row.fingerprint.to_string()),
        ..line(&row.id, window, uses, now)
    }
}

fn line(id: &str, window: Window, uses: &[&KeyUse], now: Timestamp) -> KeyLine {
    let Window { not_before, not_after } = window;
    KeyLine {
        id: id.into(),
        state: state_of(window, now),
        not_before: not_before.map(Into::into),
        not_after: not_after.map(Into::into),
        last_matched: uses.iter().find(|used| *used.key == *id).map(|used| used.at.into()),
        fingerprint: None,
        place: None,
    }
}

/// Whether a stored secret verifies now.
pub(super) fn state(row: &SecretRow, now: Timestamp) -> KeyState {
    match row.state {
        SecretState::Pending => KeyState::Pending,
        SecretState::Live => state_of(Window { not_before: row.not_before, not_after: row.not_after }, now),
    }
}

fn state_of(window: Window, now: Timestamp) -> KeyState {
    match window.not_before {
        _ if window.holds(now) => KeyState::Live,
        Some(from) if now < from => KeyState::NotYet,
        _ => KeyState::Ended,
    }
}

/// As they are shown, and tried.
pub(super) fn newest_first(rows: &mut [SecretRow]) {
    rows.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
}
