//! `countersign listen`: a receiver on this machine, for whoever writes one.
//!
//! It verifies with the receiver that hosts embed, so that what it accepts they accept. The surprising decision is that it hands
//! on credentials and all: the gateway keeps them back from whom they are not for, and here sender and receiver are the user's
//! own. Only what speaks in our name is taken out, for a receiver may believe it.

mod line;
mod save;
mod visit;

use crate::args::{ListenArgs, MaybeScheme};
use crate::error::{Exit, Failure};
use crate::output;
use crate::request::Stdin;
use crate::scheme::Chosen;
use crate::secret;
use crate::serve::told_to_stop;
use crate::upstream::Upstream;
use countersign::Binds;
use countersign_egress::Client;
use countersign_gateway::config::size;
use countersign_gateway::server::{Rules, serve};
use countersign_tower::{KeyFetcher, Keys, PublicUrl, Receiver, SetupError, SystemClock};
use save::Folder;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use visit::{Listener, Settings, Total};

/// How connections are held. Whoever ends the command does not wait long for what is under way.
const RULES: Rules = Rules {
    connections: 256,
    header_timeout: Duration::from_secs(30),
    headers: 100,
    drain: Duration::from_secs(2),
};

/// Listen until told to stop.
pub(crate) fn run(args: &ListenArgs) -> Result<Exit, Failure> {
    let ListenArgs { port, host, forward, scheme, url, observe, save, body_limit, format } = args;
    Stdin::check(&scheme.keys.secret, &[])?;
    let limit = size(body_limit).map_err(|says| Failure::usage(format!("--body-limit: {says}")))?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let upstream = forward.as_deref().map(|url| Upstream::parse("--forward", url)).transpose()?;
    let chosen = Chosen::if_any(scheme)?;
    if *observe && chosen.is_none() {
        return Err(Failure::usage("--observe: nothing is verified, and so nothing can be refused")
            .next("leave it out, or give --preset and --secret"));
    }
    let given = url.as_deref().map(PublicUrl::parse).transpose();
    given.map_err(|error| Failure::usage(format!("--url: {error}")))?;
    let verifier = chosen.as_ref().map(|chosen| Verifying::of(chosen, scheme)).transpose()?;
    let folder = save.as_deref().map(Folder::open).transpose()?;
    let runtime = Runtime::new().map_err(|error| Failure::stream("start", error))?;
    runtime.block_on(async {
        let stop = told_to_stop();
        let (listener, address) = bind(SocketAddr::new(*host, *port)).await?;
        if upstream.as_ref().is_some_and(|upstream| upstream.is(address)) {
            return Err(
                Failure::usage("--forward: this is where it listens itself").next("name another port")
            );
        }
        let public = url.clone().unwrap_or_else(|| format!("http://{address}"));
        let receiver = verifier.map(|verifying| verifying.receiver(&public, limit)).transpose()?;
        announce(address, chosen.as_ref(), forward.as_deref());
        if chosen.as_ref().is_some_and(Chosen::looks_at_url) && url.is_none() {
            output::note(&format!("this scheme signs the URL; assumed {public} (else: --url URL)"));
        }
        let whole_url = url.is_some() || chosen.as_ref().is_some_and(Chosen::looks_at_url);
        let settings = Settings { limit, observe: *observe, format: *format, next: next(scheme) };
        let url = PublicUrl::parse(&public).map_err(|error| Failure::usage(error.to_string()))?;
        let url = whole_url.then_some(url);
        let here = Arc::new(Listener::new(receiver, upstream, folder, url, settings));
        let total = serve_until(stop, listener, here).await?;
        output::note(&total.says());
        Ok(total.exit())
    })
}

async fn serve_until(
    stop: impl Future<Output = ()>,
    listener: TcpListener,
    here: Arc<Listener>,
) -> Result<Total, Failure> {
    let (stopping, stopped) = watch::channel(false);
    let visited = here.clone();
    let serving = serve(listener, RULES, stopped, move |_, request| {
        let here = visited.clone();
        async move { here.visit(request).await }
    });
    let serving = async { tokio::join!(serving).0 };
    let mut serving = std::pin::pin!(serving);
    tokio::select! {
        () = stop => {}
        () = here.broken() => {}
        () = serving.as_mut() => {}
    }
    let _ = stopping.send(true);
    serving.await;
    here.end()
}

async fn bind(wanted: SocketAddr) -> Result<(TcpListener, SocketAddr), Failure> {
    let bound = TcpListener::bind(wanted).await.and_then(|listener| {
        let address = listener.local_addr()?;
        Ok((listener, address))
    });
    bound.map_err(|error| {
        Failure::stream(&format!("listen on {wanted}"), error).next("another PORT, or 0 for any that is free")
    })
}

fn announce(address: SocketAddr, chosen: Option<&Chosen>, forward: Option<&str>) {
    let to = forward
        .map_or_else(String::new, |url| format!(", handing on to {}", output::plain(without_query(url))));
    let by = match chosen {
        Some(chosen) => format!("verifying by `{}`", chosen.compiled.preset().name),
        None => "nothing is verified".into(),
    };
    output::note(&format!("listening on http://{address}, {by}{to}; Ctrl-C ends it"));
    if !address.ip().is_loopback() {
        output::warn("whoever reaches this machine can send here");
    }
    if chosen.is_some_and(|chosen| chosen.compiled.require_bound(Binds::BODY).is_err()) {
        output::warn(
            "this scheme does not cover the BODY as a whole: what the signature does not name, anyone could have changed",
        );
    }
}

/// In a query may stand a key.
fn without_query(url: &str) -> &str {
    url.split_once('?').map_or(url, |(url, _)| url)
}

/// What to type after a refusal, with the file to come. A secret that stands on the command line is not told again.
fn next(MaybeScheme { preset, scheme, folder, overrides, keys }: &MaybeScheme) -> String {
    let mut line = match (preset, scheme) {
        (Some(name), _) => format!("--preset {}", quoted(name)),
        (None, Some(file)) => format!("--scheme {}", quoted(&file.to_string_lossy())),
        (None, None) => return String::new(),
    };
    if let Some(presets) = &folder.presets {
        line.push_str(&format!(" --presets {}", quoted(&presets.to_string_lossy())));
    }
    overrides.iter().for_each(|change| line.push_str(&format!(" --override {}", quoted(change))));
    let names = keys.var.iter().filter_map(|pair| pair.split_once('='));
    names.for_each(|(name, _)| line.push_str(&format!(" --var {name}=…")));
    for spec in &keys.secret {
        line.push_str(" --secret ");
        match spec.starts_with("env:") || spec.starts_with("file:") {
            true => line.push_str(&quoted(spec)),
            false => line.push('…'),
        }
    }
    line
}

/// A word for a shell, as it is if it can be.
fn quoted(text: &str) -> String {
    match text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./:,".contains(&b)) {
        true => text.to_owned(),
        false => crate::sign::shell(text),
    }
}

/// A verifier, and where its keys come from.
struct Verifying {
    verifier: Arc<countersign::Verifier>,
    keys: Keys,
    bound: Binds,
}

impl Verifying {
    fn of(chosen: &Chosen, MaybeScheme { keys, .. }: &MaybeScheme) -> Result<Self, Failure> {
        let vars = chosen.vars(&keys.var)?;
        chosen.require_secret(&keys.secret, false)?;
        let ring = secret::keyring(&keys.secret, chosen.key_kind(false), &mut Stdin::default())?;
        let verifier = chosen.compiled.verifier("listen", &ring, &vars)?;
        let keys = match chosen.compiled.needs().remote {
            true => {
                let client = Client::builder().build();
                let client = client.map_err(|refused| Failure::stream("fetch keys", refused))?;
                Keys::Fetched(KeyFetcher::builder(client, Arc::new(SystemClock)).build())
            }
            false => Keys::None,
        };
        let bound = match chosen.compiled.require_bound(Binds::BODY) {
            Ok(()) => Binds::BODY,
            // It is told at the start, as `verify` tells it.
            Err(_) => Binds::default(),
        };
        Ok(Verifying { verifier, keys, bound })
    }

    fn receiver(self, public: &str, limit: usize) -> Result<Receiver, Failure> {
        let Verifying { verifier, keys, bound } = self;
        let settings = Receiver::builder(verifier, public).keys(keys).body_limit(limit);
        settings.danger_require_bound(bound).build().map_err(|error| match error {
            SetupError::Url(error) => Failure::usage(error.to_string()),
            error => Failure::config(error.to_string()),
        })
    }
}
