//! A gateway that runs: everything put together, changed while it runs, and taken down in an order that loses nothing.
//!
//! Reading the configuration anew is all or nothing. Whatever is wrong with the new one, the old one goes on; what is right with it
//! is in use from the next request on, with what the sources had spent and counted. Settings of the server itself (addresses,
//! limits of connections) want a restart, and it is said that they do.

mod changes;
mod own;
mod told;

pub use own::own_secrets;

use crate::admin::{self, Token};
use crate::calls::{self, To};
use crate::config::{Change, Config, Egress, Modules, Refused, Warning, diff};
use crate::gate::{Gate, Snapshot};
use crate::operate::Operator;
use crate::outbound::{Bench, Outbound};
use crate::receive::receive;
use crate::secrets::{Commands, system_random};
use crate::server::{Rules, serve};
use crate::sources::{Ready, Stored, ready};
use changes::State;
use countersign::{Clock, Secret, Timestamp};
use countersign_delivery::{Engine, Settings};
use countersign_egress::Client;
use countersign_store::{Keep, Options, Sqlite, Store, StoreError};
use countersign_tower::{KeyFetcher, Keys, Rules as FetchRules, SystemClock};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{RwLock, watch};
use tokio::task::JoinHandle;
use told::Rows;

/// How many attempts are under way at once, to everybody: some dozens of receivers that hang leave room for the rest.
const PARALLEL: usize = 256;

/// How often what is too old is forgotten, and how much at once: the writer is never held up for long.
const PRUNE_EVERY: Duration = Duration::from_secs(60);
const PRUNE_STEP: usize = 500;

/// Why a gateway did not start, or did not take a change.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The configuration will not do.
    Config(Refused),

    /// It would, but for these sources: a secret that cannot be read, mostly. Each is a sentence.
    Sources(Vec<String>),

    /// The store cannot be used.
    Store(StoreError),

    /// An address cannot be listened on, or something else of the system's.
    System(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Config(refused) => refused.fmt(f),
            StartError::Sources(wrong) => f.write_str(&wrong.join("\n")),
            StartError::Store(error) => error.fmt(f),
            StartError::System(says) => f.write_str(says),
        }
    }
}

impl std::error::Error for StartError {}

impl From<StoreError> for StartError {
    fn from(error: StoreError) -> Self {
        StartError::Store(error)
    }
}

/// A gateway that runs. Dropping it stops nothing in order: see [`stop`](Self::stop).
pub struct Gateway {
    shared: Arc<Shared>,
    addresses: Vec<SocketAddr>,
    admin: Option<SocketAddr>,
    /// Senders and operators are let in no more; what is under way ends.
    stop: watch::Sender<bool>,
    /// Everybody is gone: books and queue are closed.
    close: watch::Sender<bool>,
    front: Vec<JoinHandle<()>>,
    back: Vec<JoinHandle<()>>,
}

/// What tasks and operators share.
pub(crate) struct Shared {
    pub(crate) gate: Gate,
    pub(crate) store: Arc<Sqlite>,
    outbound: Arc<Outbound>,
    /// What delivers, once it does.
    engine: OnceLock<Arc<Engine>>,
    /// What endpoints are sent to by: its rule of addresses is the one of `[egress]`.
    client: Mutex<Client>,
    modules: Mutex<Modules>,
    /// The one in use. Locked while another is made ready.
    config: RwLock<Arc<Config>>,
    /// The same as the file says it: without the sources that the store keeps.
    of_file: std::sync::RwLock<Arc<Config>>,
    /// What of the store is in use, once something is.
    rows: Mutex<Option<Rows>>,
    /// What operators have to show. None: nobody is let in, until a restart.
    token: Option<Arc<Token>>,
    /// What commands have printed, since all was last read anew.
    commands: Mutex<Arc<Commands>>,
}

impl Gateway {
    /// Start what `file` describes. Warnings are for whoever started it.
    ///
    /// Wants a tokio runtime with IO and time.
    ///
    /// # Errors
    /// Everything that is wrong with the configuration and its secrets; a store or an address that cannot be used. Nothing
    /// is left running.
    pub async fn start(file: &Path) -> Result<(Gateway, Vec<Warning>), StartError> {
        // Not longer than a sender waits: two rounds of this are the most that a 503 takes.
        Self::start_with(file, Options::default().patience(Duration::from_secs(3))).await
    }

    /// The same with a store that works otherwise: for measuring.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_with(file: &Path, options: Options) -> Result<(Gateway, Vec<Warning>), StartError> {
        let mut modules = Modules::new();
        let stamp = changes::stamp(file);
        let loaded = Config::read(file, &mut modules).map_err(StartError::Config)?;
        let config = Arc::new(loaded.config);
        let (public, private) = listen(&config).await?;
        let store = Arc::new(Sqlite::open(&config.store.path, options)?);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        // Before anything is read that may change.
        let seen = State::at_start(&config, stamp, &store).await;
        let (sealer, open_key) = own::sealer(&config)?;
        let (token, open_token) = own::token(&config)?;
        let ([to_keys, to_endpoints], open_files) = own::clients(&config)?;
        let keys = Keys::Fetched(fetcher(&config.egress, to_keys, clock.clone()));
        let gate = Gate::new(&config, store.clone(), clock.clone(), keys, (sealer.map(Arc::new), chance()?));
        let shared = Arc::new(Shared {
            gate,
            store: store.clone(),
            outbound: Arc::default(),
            engine: OnceLock::new(),
            client: Mutex::new(to_endpoints),
            modules: Mutex::new(modules),
            config: RwLock::new(config.clone()),
            of_file: std::sync::RwLock::new(config.clone()),
            rows: Mutex::default(),
            token: token.map(|token| Arc::new(Token::new(token))),
            commands: Mutex::default(),
        });
        let mut warnings = loaded.warnings;
        warnings.extend(open_key.into_iter().chain(open_token).chain(open_files));
        warnings.extend(shared.take(config.clone(), Arc::default()).await?);

        let (stop, stopped) = watch::channel(false);
        let (close, closed) = watch::channel(false);
        let addresses = public.iter().filter_map(|listener| listener.local_addr().ok()).collect();
        let admin = private.as_ref().and_then(|listener| listener.local_addr().ok());
        let mut gateway = Gateway {
            shared: shared.clone(),
            addresses,
            admin,
            stop,
            close,
            front: Vec::new(),
            back: Vec::new(),
        };
        gateway.back(closed, clock);
        let server = &config.server;
        let rules = Rules {
            connections: server.max_connections,
            header_timeout: server.header_timeout,
            headers: server.max_headers,
            drain: server.drain,
        };
        for listener in public {
            let shared = shared.clone();
            let answer = move |peer, request| {
                let shared = shared.clone();
                // In a box: it is of four thousand bytes, and would be moved twice on its way to where it is worked on.
                Box::pin(async move { receive(&shared.gate, peer, request).await })
            };
            gateway.front.push(tokio::spawn(serve(listener, rules, stopped.clone(), answer)));
        }
        if let (Some(listener), Some(token)) = (private, shared.token.clone()) {
            let router = admin::router(Arc::new(shared.operator()), token, shared.measure());
            gateway.front.push(tokio::spawn(admin::serve(listener, router, stopped.clone())));
        }
        gateway.front.push(tokio::spawn(changes::follow(shared, seen, stopped)));
        Ok((gateway, warnings))
    }

    /// Where senders are received.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Where operators are.
    pub fn admin(&self) -> Option<SocketAddr> {
        self.admin
    }

    /// Read the configuration and its secrets anew: all of it is in use when this answers, or nothing has changed.
    pub async fn reload(&self) -> Result<Vec<Change>, StartError> {
        self.shared.reload().await
    }

    /// Whether the configuration was taken when it was last read.
    pub fn is_reloaded(&self) -> bool {
        self.shared.gate.books.is_reloaded()
    }

    /// Let nobody in any more, bring what is under way to its end (at most `[server] drain`), hand over what is written down, and
    /// close the store.
    pub async fn stop(self) {
        let Gateway { stop, close, front, back, .. } = self;
        let _ = stop.send(true);
        for task in front {
            let _ = task.await;
        }
        let _ = close.send(true);
        for task in back {
            let _ = task.await;
        }
    }

    /// What goes on behind the requests: books, queue, forgetting.
    fn back(&mut self, closed: watch::Receiver<bool>, clock: Arc<dyn Clock>) {
        let shared = self.shared.clone();
        let stopped = closed.clone();
        self.back.push(tokio::spawn(async move {
            let Shared { gate, store, .. } = &*shared;
            gate.books.keep(&**store, || gate.ledgers(), stopped).await;
        }));
        // In a container every process has the same number.
        let own = u64::from_be_bytes(chance().unwrap_or_default());
        let worker = format!("gateway-{}-{own:016x}", std::process::id());
        let outbound = self.shared.outbound.clone();
        let settings = Settings { parallel: PARALLEL, ..Settings::default() };
        let engine = Engine::new(self.shared.store.clone(), outbound, clock, worker, even).settings(settings);
        let engine = Arc::new(engine);
        self.shared.gate.on_queued(engine.wake());
        let _ = self.shared.engine.set(engine.clone());
        let stopped = closed.clone();
        self.back.push(tokio::spawn(async move { engine.run(stopped).await }));
        self.back.push(tokio::spawn(forget(self.shared.clone(), closed)));
    }
}

impl Shared {
    /// The configuration in use.
    pub(crate) async fn config(&self) -> Arc<Config> {
        self.config.read().await.clone()
    }

    pub(crate) async fn reload(&self) -> Result<Vec<Change>, StartError> {
        let taken = self.reload_all().await;
        if taken.is_err() {
            // A token that was taken back must not live on because something else is wrong.
            let of_file = self.of_file.read().unwrap_or_else(PoisonError::into_inner).clone();
            let token = self.new_token(&of_file).await.ok();
            self.let_in_by(token.and_then(|(token, _)| token));
        }
        taken
    }

    async fn reload_all(&self) -> Result<Vec<Change>, StartError> {
        let file = self.config().await.file.clone();
        let loaded = {
            let mut modules = self.modules.lock().unwrap_or_else(PoisonError::into_inner);
            Config::read(&file, &mut modules).map_err(StartError::Config)?
        };
        let (new, mut warnings) = (Arc::new(loaded.config), loaded.warnings);
        let before = self.config().await;
        let (token, open) = self.new_token(&new).await?;
        warnings.extend(open);
        // Commands are run again here, and nowhere else.
        warnings.extend(self.take(new, Arc::default()).await?);
        self.let_in_by(token);
        warnings.iter().for_each(|warning| tracing::warn!(%warning, "the configuration"));
        Ok(diff(&before, &*self.config().await))
    }

    /// What operators have to show from now on. It may be what a command prints: not for a thread that serves.
    async fn new_token(&self, config: &Arc<Config>) -> Result<(Option<Secret>, Option<Warning>), StartError> {
        let config = config.clone();
        let read = tokio::task::spawn_blocking(move || own::token(&config)).await;
        read.map_err(|_| StartError::System("reading the token of operators failed".into()))?
    }

    fn let_in_by(&self, token: Option<Secret>) {
        if let (Some(known), Some(token)) = (&self.token, token)
            && known.replace(token)
        {
            tracing::info!("the token of operators is another one: the old one lets nobody in");
        }
    }

    /// Take what operators changed in the store, with the file as it was when it was last good.
    async fn refresh(&self) -> Result<Vec<Change>, StartError> {
        let of_file = self.of_file.read().unwrap_or_else(PoisonError::into_inner).clone();
        let before = self.config().await;
        let commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.take(of_file, commands).await?;
        Ok(diff(&before, &*self.config().await))
    }

    /// Make everything ready that `config` and the store say, and put it into use in one step. What `commands` knows is not run.
    async fn take(&self, config: Arc<Config>, commands: Arc<Commands>) -> Result<Vec<Warning>, StartError> {
        let mut current = self.config.write().await;
        let (sources, held) = (self.store.sources().await?, self.store.secrets().await?);
        let whole = with_stored(&config, &sources).map_err(StartError::Sources)?;
        let endpoints = self.store.endpoints().await?;
        let rows = Rows { sources: sources.clone(), secrets: held.clone() };
        let stored = Stored { sources, secrets: held, sealer: self.gate.sealer.clone() };
        let (before, now) = (self.gate.snapshot(), self.gate.clock.now());
        // What may be called is said by the file: whatever is accepted by a new one can be sent to by it.
        let same =
            whole.egress == current.egress && whole.delivery.certificate == current.delivery.certificate;
        let client = self.client.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // Files are read and commands run: on a thread that serves nobody.
        let making = {
            let (whole, commands) = (whole.clone(), commands.clone());
            move || {
                let ready = ready(&whole, &stored, &before, &commands)?;
                let Stored { secrets, sealer, .. } = &stored;
                let sealer = sealer.as_deref();
                let client = match same {
                    true => client,
                    false => calls::client(&whole, To::Endpoints).map_err(|says| vec![says])?.0,
                };
                let bench = Bench { config: &whole, secrets, sealer, client: &client, now };
                let endpoints = bench.ready(&endpoints);
                Ok((ready, endpoints, client))
            }
        };
        let made = tokio::task::spawn_blocking(making).await;
        let made = made.map_err(|_| StartError::System("making the sources ready failed".into()))?;
        let (Ready { inlets, targets, warnings }, endpoints, client) = made.map_err(StartError::Sources)?;
        // Nothing can fail from here on.
        self.outbound.forwards.put(targets);
        self.outbound.endpoints.put(endpoints);
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = client;
        self.gate.put(Snapshot::new(config.server.clone(), inlets));
        *current = Arc::new(whole);
        *self.commands.lock().unwrap_or_else(PoisonError::into_inner) = commands;
        let mut known = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &*known {
            known.tell(&rows);
        }
        *known = Some(rows);
        *self.of_file.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(warnings)
    }

    /// What operators do, here.
    fn operator(self: &Arc<Self>) -> Operator {
        let (shared, sealer) = (self.clone(), self.gate.sealer.clone());
        let current = move || shared.of_file.read().unwrap_or_else(PoisonError::into_inner).clone();
        let (store, clock) = (self.store.clone(), self.gate.clock.clone());
        let operator = Operator::new(store, Box::new(current), sealer, clock, Box::new(system_random));
        let shared = self.clone();
        operator.waking(move || shared.gate.wake())
    }

    /// What is measured, here.
    fn measure(self: &Arc<Self>) -> Box<admin::Measured> {
        let shared = self.clone();
        Box::new(move || {
            let Gate { books, junk, .. } = &shared.gate;
            let ledgers = shared.gate.ledgers().into_iter().map(|ledger| {
                let (outcomes, micros) = ledger.totals();
                admin::LedgerGauges { source: ledger.source(), outcomes, micros }
            });
            admin::Gauges {
                loaded: true,
                ledgers: ledgers.collect(),
                deliveries: shared.engine.get().map_or_else(Vec::new, |engine| engine.totals()),
                junk_held: junk.as_ref().map_or(0, |junk| junk.held()),
                rows_dropped: books.dropped(),
                store: shared.store.figures(),
                reload_ok: books.is_reloaded(),
            }
        })
    }
}

/// `config`, and the sources that the store keeps beside it.
fn with_stored(config: &Config, rows: &[countersign_store::SourceRow]) -> Result<Config, Vec<String>> {
    let (mut whole, mut wrong) = (config.clone(), Vec::new());
    for row in rows {
        let Some(table) = &row.table else { continue };
        match whole.read_stored(&format!("the stored source `{}`", row.name), table) {
            Ok((source, _)) => match whole.taken(&source.name, &source.path) {
                None => whole.sources.push(Arc::new(source)),
                Some(taken) => wrong.push(format!(
                    "the stored source `{}` has the name or the path of `{}`: remove one of them",
                    row.name, taken.name
                )),
            },
            Err(refused) => wrong.push(refused.to_string()),
        }
    }
    if wrong.is_empty() { Ok(whole) } else { Err(wrong) }
}

async fn listen(config: &Config) -> Result<(Vec<TcpListener>, Option<TcpListener>), StartError> {
    let mut public = Vec::new();
    for address in &config.server.listen {
        public.push(bind(*address, "[server] listen").await?);
    }
    match &config.admin {
        None => Ok((public, None)),
        Some(admin) => Ok((public, Some(bind(admin.listen, "[admin] listen").await?))),
    }
}

async fn bind(address: SocketAddr, key: &str) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|error| {
        let next = match error.kind() {
            io::ErrorKind::AddrInUse => "; something listens there already: stop it, or write another port",
            io::ErrorKind::PermissionDenied => {
                "; ports below 1024 want a right of their own: write a higher one"
            }
            io::ErrorKind::AddrNotAvailable => {
                "; this machine has no such address: 0.0.0.0 is all that it has"
            }
            _ => "",
        };
        StartError::System(format!("{key}: cannot listen on {address}: {error}{next}"))
    })
}

fn fetcher(egress: &Egress, client: Client, clock: Arc<dyn Clock>) -> KeyFetcher {
    let mut rules = FetchRules::default();
    rules.hosts = egress.fetch_hosts.iter().map(|host| host.to_string()).collect();
    KeyFetcher::builder(client, clock).rules(rules).build()
}

/// Bytes that nobody can guess.
fn chance<const N: usize>() -> Result<[u8; N], StartError> {
    let mut bytes = [0; N];
    match system_random(&mut bytes) {
        true => Ok(bytes),
        false => Err(StartError::System("this system gives no random bytes".into())),
    }
}

/// A number between 0 and 1. Without chance it is the middle: waits are then not spread, and nothing else.
fn even() -> f64 {
    chance::<4>().map_or(0.5, |bytes| f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX))
}

/// Forget what is too old, a little at a time.
async fn forget(shared: Arc<Shared>, mut closed: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            _ = closed.wait_for(|closed| *closed) => return,
            () = tokio::time::sleep(PRUNE_EVERY) => {}
        }
        let (now, settings) = (shared.gate.clock.now(), shared.config().await.store.clone());
        let kept = i64::try_from(settings.keep.as_millis()).unwrap_or(i64::MAX);
        let before = Timestamp::from_unix_ms(now.unix_ms().saturating_sub(kept));
        let keep = Keep { before, bytes: settings.keep_bytes, now };
        while !*closed.borrow() {
            match shared.store.prune(keep, PRUNE_STEP).await {
                Ok(0) => break,
                Ok(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                Err(error) => {
                    tracing::warn!(%error, "what is too old cannot be forgotten");
                    break;
                }
            }
        }
    }
}
