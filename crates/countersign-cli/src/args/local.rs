//! The command lines of `countersign listen` and `replay`: what is done on one's own machine.

use super::{EntryArgs, FolderArgs, Format, GatewayArgs, KeyArgs};
use clap::Args;
use std::net::IpAddr;
use std::path::PathBuf;

/// Which scheme, if any, and its keys.
#[derive(Args)]
pub(crate) struct MaybeScheme {
    /// The preset's name, as in `countersign preset list`
    #[arg(long, value_name = "NAME", conflicts_with = "scheme")]
    pub(crate) preset: Option<String>,

    /// A preset in a file of your own
    #[arg(long, value_name = "FILE")]
    pub(crate) scheme: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) folder: FolderArgs,

    /// Change a value of the preset, such as `freshness.tolerance_seconds=60`; may be repeated
    #[arg(long = "override", value_name = "KEY=VALUE")]
    pub(crate) overrides: Vec<String>,

    #[command(flatten)]
    pub(crate) keys: KeyArgs,
}

#[derive(Args)]
#[command(after_help = "\
Without a preset nothing is verified: everything is shown, and handed on. With one, what does not verify is answered as a
receiver answers it, and not handed on; --observe hands it on with `x-countersign-verified: false`.

A URL of --forward that has a path gets everything; one without gets each request at the request's own path. The answer is
the sender's answer. Ctrl-C and SIGTERM end it with a total.

Examples:
  countersign listen 8080 --preset NAME --secret env:WEBHOOK_SECRET
  countersign listen 8080 --preset NAME --secret env:WEBHOOK_SECRET --forward http://127.0.0.1:3000/hooks --save captures
  countersign listen 8080 --forward http://127.0.0.1:3000 --format json")]
pub(crate) struct ListenArgs {
    /// Where to listen; 0 for any port that is free
    #[arg(value_name = "PORT")]
    pub(crate) port: u16,

    /// The address to listen on; any but this machine's own can be reached by others
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub(crate) host: IpAddr,

    /// Hand requests on to this URL
    #[arg(long, value_name = "URL")]
    pub(crate) forward: Option<String>,

    #[command(flatten)]
    pub(crate) scheme: MaybeScheme,

    /// The URL that senders were given, up to where the path of a request begins, for schemes that sign it [default: http://ADDRESS:PORT]
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,

    /// Hand on, and say yes to, what does not verify as well
    #[arg(long)]
    pub(crate) observe: bool,

    /// Keep each request in a file of this folder, as `verify`, `explain` and `replay` read it
    #[arg(long, value_name = "DIR")]
    pub(crate) save: Option<PathBuf>,

    /// How long a body may be
    #[arg(long, value_name = "SIZE", default_value = "1MiB")]
    pub(crate) body_limit: String,

    /// How to show requests
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

#[derive(Args)]
#[command(after_help = "\
Exit codes: 0 all were taken, 1 one was answered other than 2xx, 5 one was not answered at all.

A URL of --forward that has a path gets everything; one without gets each request at its own path. Without --forward a
request goes where it went at first, if that was this machine, and else nowhere.

Examples:
  countersign replay captures/*.http --forward http://127.0.0.1:3000/hooks
  countersign replay old.http --forward http://127.0.0.1:3000 --resign --preset NAME --secret env:WEBHOOK_SECRET
  countersign replay evt_… evt_… --config countersign.toml --forward http://127.0.0.1:3000/hooks --rate 5/s")]
pub(crate) struct ReplayArgs {
    /// Files in any form that `capture show` reads, all requests of each; `-` for standard input; or events of the gateway, by their names
    #[arg(value_name = "REQUEST|ID", required = true)]
    pub(crate) request: Vec<String>,

    #[command(flatten)]
    pub(crate) entry: EntryArgs,

    /// Send them to this URL
    #[arg(long, value_name = "URL")]
    pub(crate) forward: Option<String>,

    /// Make time and signature anew, with --preset and --secret; the message keeps its id
    #[arg(long)]
    pub(crate) resign: bool,

    #[command(flatten)]
    pub(crate) scheme: MaybeScheme,

    /// The URL to sign, where it is another than that which is sent to
    #[arg(long, value_name = "URL", requires = "resign")]
    pub(crate) url: Option<String>,

    /// At most so many in a time, evenly: 5/s, 100/60s [default: one after the other, as fast as they are answered]
    #[arg(long, value_name = "N/TIME")]
    pub(crate) rate: Option<String>,

    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}
