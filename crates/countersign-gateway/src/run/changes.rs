//! What changes while the gateway runs: the configuration, files with secrets, the store, and somebody who says so.

use super::Shared;
use crate::config::Config;
use crate::secrets::SecretPlace;
use countersign_store::{Sqlite, Store as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::watch;

/// How long to wait before what could not be taken is tried again: commands may be run for it.
const AGAIN: Duration = Duration::from_secs(5);

/// How often files and the store are looked at for changes.
const LOOK: Duration = Duration::from_secs(1);

/// Look at the configuration, at files with secrets and at the store, and take what has changed; and when somebody says so (SIGHUP).
/// `seen` is how it was before anything was read: what changed while the gateway started is read at the first look.
pub(super) async fn follow(shared: Arc<Shared>, mut seen: State, mut stopped: watch::Receiver<bool>) {
    let mut hangup = Hangup::new();
    let mut owed = Owed::default();
    loop {
        let asked = tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => return,
            () = hangup.heard() => true,
            () = tokio::time::sleep(LOOK) => false,
        };
        let config = shared.config().await;
        let now = State::of(&config, &shared.store).await;
        let watches = config.server.watch;
        let due = owed.since.is_some_and(|since| since.elapsed() >= AGAIN);
        let files = asked || (watches && now.files != seen.files) || (due && owed.files);
        let store = now.revision != seen.revision || (due && owed.store);
        if !files && !store {
            continue;
        }
        // As it was before reading: what changes meanwhile is read once more.
        seen = now;
        let mut taken = if files { shared.reload().await } else { shared.refresh().await };
        // A file that will not do is no reason to go on with a secret that an operator has taken back.
        let refreshed = match (&taken, files && (store || owed.store)) {
            (Err(_), true) => shared.refresh().await.is_ok(),
            (taken, _) => taken.is_ok(),
        };
        // What waits to be read of the file, waits on, though something was taken from the store meanwhile.
        let files = if files { watches && taken.is_err() } else { owed.files };
        let store = !refreshed && (store || owed.store);
        let told = owed.files || owed.store;
        owed = Owed { files, store, since: (files || store).then(Instant::now) };
        shared.gate.books.reloaded(taken.is_ok() && !files && !store);
        if told && !asked {
            // Once is enough.
            taken = taken.or(Ok(Vec::new()));
        }
        match taken {
            Ok(changes) => {
                if asked || !changes.is_empty() {
                    tracing::info!(changes = changes.len(), "the configuration was read anew");
                }
                changes.iter().for_each(|change| tracing::info!(%change, "changed"));
            }
            Err(error) => tracing::error!(
                %error, "the configuration was not read anew: what was in use stays in use, and it is tried again"
            ),
        }
    }
}

/// What was seen and could not be taken: it is tried again as it was asked for. A secret that was taken back must not live on because
/// something else failed in that second.
#[derive(Default)]
struct Owed {
    files: bool,
    store: bool,
    since: Option<Instant>,
}

/// What is looked at.
pub(super) struct State {
    revision: Option<u64>,
    /// The configuration first.
    files: Vec<(PathBuf, Option<Stamp>)>,
}

/// By which it is seen that a file is another one.
type Stamp = (SystemTime, u64);

/// Of a file, if it is there.
pub(super) fn stamp(path: &Path) -> Option<Stamp> {
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.modified().ok()?, meta.len()))
}

impl State {
    /// With the configuration as it was before it was read.
    pub(super) async fn at_start(config: &Config, read: Option<Stamp>, store: &Sqlite) -> Self {
        let mut state = State::of(config, store).await;
        if let Some((_, known)) = state.files.first_mut() {
            *known = read;
        }
        state
    }

    async fn of(config: &Config, store: &Sqlite) -> Self {
        let revision = store.revision().await.ok();
        let files = files(config);
        let look = move || files.into_iter().map(|path| (path.clone(), stamp(&path))).collect();
        State { revision, files: tokio::task::spawn_blocking(look).await.unwrap_or_default() }
    }
}

/// The configuration, and every file that a secret is read from. A folder with presets is not among them: whoever changes one says
/// so by SIGHUP.
fn files(config: &Config) -> Vec<PathBuf> {
    let mut files = vec![config.file.clone()];
    files.extend(config.admin.iter().filter_map(|admin| admin.token.file()).map(Path::to_owned));
    for source in &config.sources {
        files.extend(source.places().filter_map(SecretPlace::file).map(Path::to_owned));
    }
    files
}

/// SIGHUP, where there is one.
struct Hangup {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Hangup {
    fn new() -> Self {
        Hangup {
            #[cfg(unix)]
            signal: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok(),
        }
    }

    async fn heard(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending().await
    }
}
