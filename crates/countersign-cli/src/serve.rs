//! `countersign serve`: the gateway, from its start to its end.

mod quickstart;

use crate::args::{LogForm, ServeArgs};
use crate::config;
use crate::error::{Exit, Failure};
use crate::output;
use countersign_gateway::{Gateway, StartError};
use std::io::IsTerminal as _;
use std::path::Path;
use tokio::runtime::Runtime;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Serve until told to stop.
pub(crate) fn run(args: &ServeArgs) -> Result<Exit, Failure> {
    let started = match args.quickstart {
        true => Some(quickstart::make(&args.config, args.preset.as_deref())?),
        false => None,
    };
    log(args.log, args.verbose);
    let runtime = Runtime::new().map_err(|error| Failure::stream("start", error))?;
    runtime.block_on(async {
        let (gateway, warnings) =
            Gateway::start(&args.config).await.map_err(|error| refused(error, &args.config))?;
        for warning in warnings {
            output::warn(&warning.to_string());
        }
        for address in gateway.addresses() {
            output::note(&format!("receiving on http://{address}"));
        }
        if let Some(address) = gateway.admin() {
            output::note(&format!("administered on http://{address}"));
        }
        if let (Some(started), Some(address)) = (started, gateway.addresses().first()) {
            started.tell(*address)?;
        }
        told_to_stop().await;
        output::note("stopping: what is under way is brought to its end");
        gateway.stop().await;
        Ok(Exit::Done)
    })
}

fn refused(error: StartError, file: &Path) -> Failure {
    let says = error.to_string();
    match error {
        StartError::Config(refused) if !file.exists() => {
            config::refused(refused).next("make one: countersign serve --quickstart")
        }
        StartError::Config(refused) => config::refused(refused),
        StartError::Sources(_) => Failure::key(says),
        _ => Failure::stream("serve", says),
    }
}

/// Ctrl-C, or what a service manager sends: heeded from this call on, also before it is waited for.
pub(crate) fn told_to_stop() -> impl Future<Output = ()> {
    #[cfg(unix)]
    let heard = {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::interrupt()).ok().zip(signal(SignalKind::terminate()).ok())
    };
    async move {
        #[cfg(unix)]
        if let Some((mut interrupted, mut terminated)) = heard {
            tokio::select! {
                _ = interrupted.recv() => {}
                _ = terminated.recv() => {}
            }
            return;
        }
        let _ = tokio::signal::ctrl_c().await;
    }
}

fn log(form: Option<LogForm>, verbose: bool) {
    let text = form.map_or_else(|| std::io::stderr().is_terminal(), |form| form == LogForm::Text);
    // The libraries below talk much when they are let.
    let level = if verbose { LevelFilter::DEBUG } else { LevelFilter::INFO };
    let ours = Targets::new().with_default(LevelFilter::WARN).with_target("countersign_gateway", level);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false);
    // A second subscriber is nobody's: this is the program.
    let _ = match text {
        true => tracing_subscriber::registry().with(ours).with(lines.with_ansi(false)).try_init(),
        false => tracing_subscriber::registry().with(ours).with(lines.json().flatten_event(true)).try_init(),
    };
}
