//! Opening what operators work on: the configuration, and the store that it names.

use crate::args::GatewayArgs;
use crate::error::Failure;
use crate::output;
use crate::time;
use countersign::{Clock, Timestamp};
use countersign_gateway::config::{Config, Modules, Refused};
use countersign_gateway::operate::{Moment, OperateError, Operator};
use countersign_gateway::secrets::{Outside, Sealer, system_random};
use std::sync::Arc;
use tokio::runtime::Runtime;

/// An operator's tools: the service, and what runs it.
pub(crate) struct Tools {
    pub(crate) operator: Operator,
    runtime: Runtime,
}

/// The clock of this command.
struct Now;

impl Clock for Now {
    fn now(&self) -> Timestamp {
        time::now()
    }
}

impl Tools {
    /// For what seals and opens no secret: it is not needed to have the store's key.
    pub(crate) fn keyless(args: &GatewayArgs) -> Result<Self, Failure> {
        Self::open(args, false)
    }

    /// With the store's key, if the configuration says where it is.
    pub(crate) fn with_key(args: &GatewayArgs) -> Result<Self, Failure> {
        Self::open(args, true)
    }

    fn open(args: &GatewayArgs, key: bool) -> Result<Self, Failure> {
        let file = &args.config;
        let loaded = Config::read(file, &mut Modules::new()).map_err(|refused| match refused {
            Refused::Unread(error) => Failure::stream("read the configuration", error).next(format!(
                "--config FILE names another one; `countersign serve --quickstart` makes {}",
                file.display()
            )),
            refused => crate::config::refused(refused),
        })?;
        let config = loaded.config;
        let sealer = if key { sealer(&config)? } else { None };
        let started = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = started.map_err(|error| Failure::stream("start", error))?;
        let opened = Operator::open(Arc::new(config), sealer, Arc::new(Now), Box::new(system_random));
        Ok(Tools { operator: opened?, runtime })
    }

    /// Do something, and wait for it.
    pub(crate) fn run<T>(&self, doing: impl Future<Output = Result<T, OperateError>>) -> Result<T, Failure> {
        Ok(self.runtime.block_on(doing)?)
    }

    /// The same for what can fail in other ways.
    pub(crate) fn wait<T>(&self, doing: impl Future<Output = T>) -> T {
        self.runtime.block_on(doing)
    }
}

fn sealer(config: &Config) -> Result<Option<Arc<Sealer>>, Failure> {
    let Some(place) = &config.store.key else { return Ok(None) };
    let read = place
        .read(&Outside::system())
        .map_err(|error| Failure::key(format!("`[store] key`: {error}")).next(error.help()))?;
    if let (true, Some(file)) = (read.open_to_all, place.file()) {
        let file = file.display();
        output::warn(&format!(
            "every user of this machine can read the store's key in `{file}`: chmod 600 it"
        ));
    }
    let sealer =
        Sealer::new(&read.secret).map_err(|error| Failure::key(format!("`[store] key`: {error}")))?;
    Ok(Some(Arc::new(sealer)))
}

/// A moment of the command line.
pub(crate) fn moment(option: &str, text: Option<&str>) -> Result<Option<Moment>, Failure> {
    text.map(|text| time::parse_option(option, text).map(Moment)).transpose()
}

/// What is there, or a hyphen.
pub(crate) fn or_none(text: Option<&str>) -> String {
    text.map_or_else(|| "-".into(), output::plain)
}

/// A moment in a table, or a hyphen.
pub(crate) fn at(moment: Option<Moment>) -> String {
    moment.map_or_else(|| "-".into(), |moment| moment.to_string())
}

/// Microseconds as people read them.
pub(crate) fn took(micros: u64) -> String {
    match micros {
        0..1000 => format!("{micros} µs"),
        1000..10_000 => format!("{}.{} ms", micros / 1000, micros % 1000 / 100),
        10_000..1_000_000 => format!("{} ms", micros / 1000),
        _ => format!("{}.{} s", micros / 1_000_000, micros % 1_000_000 / 100_000),
    }
}
