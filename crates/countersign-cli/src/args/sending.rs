//! The command lines of `countersign endpoint`, `type`, `send`, `delivery` and `dead`: what is sent, and what becomes of it.

use super::{FolderArgs, Format, GatewayArgs, KeyArgs, SpanArgs};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum EndpointCommand {
    /// Add an endpoint: a URL that messages are sent to, with the secret that signs them
    #[command(after_help = "\
A secret that is made is printed on standard output, once; everything else goes to standard error.

Examples:
  countersign endpoint add books --url https://example.com/hook --event 'invoice.*'
  countersign endpoint add books --url https://example.com/hook --secret file:secret.txt --rate 10/s --disable-after 5d
  countersign endpoint add --table books.toml")]
    Add(Box<AddEndpoint>),
    /// Every endpoint: where it is, whether it is sent to, what became of the last 24 hours
    #[command(after_help = "Example:\n  countersign endpoint list")]
    List {
        #[command(flatten)]
        gateway: GatewayArgs,
    },
    /// One endpoint: how it is sent to, what signs, why it is paused
    #[command(after_help = "Example:\n  countersign endpoint show books")]
    Show {
        #[command(flatten)]
        which: WhichEndpoint,
    },
    /// Send nothing to an endpoint until it is resumed; what is queued for it is held
    #[command(after_help = "Example:\n  countersign endpoint pause books")]
    Pause {
        #[command(flatten)]
        which: WhichEndpoint,
    },
    /// Send to an endpoint again; what was held is due at once
    #[command(after_help = "Example:\n  countersign endpoint resume books")]
    Resume {
        #[command(flatten)]
        which: WhichEndpoint,
    },
    /// Forget an endpoint and its secrets; what is queued for it becomes dead letters
    #[command(
        after_help = "Example:\n  countersign endpoint pause books && countersign endpoint remove books"
    )]
    Remove {
        #[command(flatten)]
        which: WhichEndpoint,
        /// Even though it is still sent to
        #[arg(long)]
        force: bool,
    },
    /// Make one attempt with a message of the type `countersign.test`; nothing is written down
    #[command(
        after_help = "Exit codes: 0 it arrived, 1 it did not.\n\nExample:\n  countersign endpoint test books"
    )]
    Test {
        #[command(flatten)]
        which: WhichEndpoint,
    },
}

/// One endpoint.
#[derive(Args)]
pub(crate) struct WhichEndpoint {
    /// Its name
    #[arg(value_name = "ENDPOINT")]
    pub(crate) endpoint: String,

    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

#[derive(Args)]
pub(crate) struct AddEndpoint {
    /// Its name: letters, digits and `_`, `.`, `-`
    #[arg(value_name = "NAME", required_unless_present = "table")]
    pub(crate) name: Option<String>,

    /// Where it is
    #[arg(long, value_name = "URL", required_unless_present = "table")]
    pub(crate) url: Option<String>,

    /// The preset that signs [default: that of `[delivery]`, or the one that presets say is the default]
    #[arg(long, value_name = "NAME")]
    pub(crate) preset: Option<String>,

    /// A type that is sent to it, or a pattern such as `invoice.*`; may be repeated [default: every type]
    #[arg(long, value_name = "TYPE")]
    pub(crate) event: Vec<String>,

    /// A header of every message; may be repeated. Others see it in the list of processes: a secret one is said in --table
    #[arg(long, value_name = "NAME:VALUE")]
    pub(crate) header: Vec<String>,

    /// A variable that the preset declares; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) var: Vec<String>,

    /// For people
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,

    /// How long one attempt may take: 5s to 5m. This, and what follows, by default as `[delivery]` says
    #[arg(long, value_name = "TIME")]
    pub(crate) timeout: Option<String>,

    /// How many attempts there are: 1 to 10
    #[arg(long, value_name = "N")]
    pub(crate) attempts: Option<u32>,

    /// How many are under way at once: 1 to 64
    #[arg(long, value_name = "N")]
    pub(crate) concurrency: Option<u32>,

    /// How many are begun at most: `10/s`
    #[arg(long, value_name = "RATE")]
    pub(crate) rate: Option<String>,

    /// Pause it when nothing has arrived for so long: `5d`
    #[arg(long, value_name = "TIME")]
    pub(crate) disable_after: Option<String>,

    /// The secret that signs, by where it is: env:NAME, file:PATH, cmd:COMMAND, or `-` for standard input; else one is made, and printed once
    #[arg(long, value_name = "SPEC", allow_hyphen_values = true)]
    pub(crate) secret: Option<String>,

    /// A file with the whole table of the endpoint, in place of all of these but --secret
    #[arg(long, value_name = "FILE", conflicts_with_all = ["name", "url", "preset", "event", "header", "var", "description", "timeout", "attempts", "concurrency", "rate", "disable_after"])]
    pub(crate) table: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

#[derive(Subcommand)]
pub(crate) enum TypeCommand {
    /// Declare a type, or say something else of one: what is not said again stays as it is
    #[command(after_help = "\
Examples:
  countersign type add invoice.paid
  countersign type add invoice.paid --description 'An invoice was paid' --schema invoice.json")]
    Add {
        /// Its name: words of letters, digits, `_` and `-`, with dots between them
        #[arg(value_name = "TYPE")]
        name: String,
        /// For people
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        /// A file with a JSON Schema that payloads have to be valid by
        #[arg(long, value_name = "FILE")]
        schema: Option<PathBuf>,
        #[command(flatten)]
        gateway: GatewayArgs,
    },
    /// Every type that is declared
    #[command(after_help = "Example:\n  countersign type list")]
    List {
        #[command(flatten)]
        gateway: GatewayArgs,
    },
    /// Forget a type; what was sent of it stays
    #[command(after_help = "Example:\n  countersign type remove invoice.paid")]
    Remove {
        /// Its name
        #[arg(value_name = "TYPE")]
        name: String,
        #[command(flatten)]
        gateway: GatewayArgs,
    },
}

/// What a receiver must refuse.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Bad {
    /// A message that was signed long ago
    Stale,
    /// A body that was changed after it was signed
    Body,
    /// A signature of another secret
    Secret,
    /// The same message twice: the first is a good one
    Replay,
}

#[derive(Args)]
#[command(after_help = "\
Without --url the message is written into the store, and a gateway that runs there delivers it.
With --url it is sent at once by this command, and nothing is written down.

Exit codes:
  0  it was taken, or arrived; with --bad, the receiver refused what it must
  1  it did not arrive; with --bad, the receiver accepted what it must not
  7  with --bad, the answer proves neither

Examples:
  countersign send --type invoice.paid --payload @invoice.json
  countersign send --type invoice.paid --payload '{\"id\":1}' --endpoint books --wait
  countersign send --url https://example.com/hook --secret env:S --type invoice.paid --payload -
  countersign send --url http://127.0.0.1:3000/hook --allow-private --secret env:S --type a.b --payload 1 --bad stale")]
pub(crate) struct SendArgs {
    /// Its type; without --url it has to be declared
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) kind: String,

    /// What it says, as JSON: `@FILE`, `-` for standard input, or the text itself
    #[arg(long, value_name = "@FILE|-|JSON", allow_hyphen_values = true)]
    pub(crate) payload: String,

    /// What it is about [default: events]
    #[arg(long, value_name = "TEXT")]
    pub(crate) topic: Option<String>,

    /// Its name, by which receivers know a second copy; asking twice with one name sends once [default: one is made]
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,

    /// When it happened: RFC 3339 or Unix seconds [default: now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) time: Option<String>,

    /// Only to this endpoint, whatever its filter says; may be repeated [default: to all whose filter fits]
    #[arg(long, value_name = "NAME")]
    pub(crate) endpoint: Vec<String>,

    /// Wait until every delivery is over, for so long at most
    #[arg(long, value_name = "TIME", num_args = 0..=1, default_missing_value = "5m", conflicts_with_all = ["url", "bad"])]
    pub(crate) wait: Option<String>,

    /// Send what a receiver must refuse, and see whether it does: to --url, or to one --endpoint and unrecorded
    #[arg(long, value_enum, value_name = "KIND")]
    pub(crate) bad: Option<Bad>,

    #[command(flatten)]
    pub(crate) direct: DirectArgs,

    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

/// Sending without a store.
#[derive(Args)]
#[command(next_help_heading = "Without a store")]
pub(crate) struct DirectArgs {
    /// Send it there at once: no configuration and no store is used
    #[arg(long, value_name = "URL", conflicts_with = "endpoint")]
    pub(crate) url: Option<String>,

    /// The preset that signs [default: the one that presets say is the default]
    #[arg(long, value_name = "NAME", requires = "url", conflicts_with = "scheme")]
    pub(crate) preset: Option<String>,

    /// A preset in a file of your own
    #[arg(long, value_name = "FILE", requires = "url")]
    pub(crate) scheme: Option<PathBuf>,

    /// A header that goes along; may be repeated
    #[arg(long, value_name = "NAME:VALUE", requires = "url")]
    pub(crate) header: Vec<String>,

    /// How many attempts there are: 1 to 10, with the waits of the default schedule
    #[arg(long, value_name = "N", requires = "url", default_value_t = 1)]
    pub(crate) attempts: u64,

    /// Call this machine and private networks as well, and by `http`
    #[arg(long, requires = "url")]
    pub(crate) allow_private: bool,

    #[command(flatten)]
    pub(crate) keys: KeyArgs,

    #[command(flatten)]
    pub(crate) folder: FolderArgs,
}

#[derive(Subcommand)]
pub(crate) enum DeliveryCommand {
    /// Deliveries, the newest first
    #[command(after_help = "\
Examples:
  countersign delivery list --endpoint books
  countersign delivery list --state waiting --type 'invoice.*'")]
    List {
        /// In this state: waiting, leased, done, dead, held or cancelled
        #[arg(long, value_name = "STATE")]
        state: Option<String>,
        #[command(flatten)]
        asked: AskedDeliveries,
    },
    /// One delivery, with its event and its last answer
    #[command(after_help = "Example:\n  countersign delivery show d42")]
    Show {
        #[command(flatten)]
        which: WhichDelivery,
    },
    /// Give up deliveries that are not over: nothing sends them any more
    #[command(after_help = "Example:\n  countersign delivery cancel d42 d43")]
    Cancel {
        #[command(flatten)]
        which: WhichDeliveries,
    },
}

#[derive(Subcommand)]
pub(crate) enum DeadCommand {
    /// Dead letters: deliveries that were given up, the newest first
    #[command(after_help = "Example:\n  countersign dead list --endpoint books")]
    List {
        #[command(flatten)]
        asked: AskedDeliveries,
    },
    /// One dead letter, with its event and its last answer
    #[command(after_help = "Example:\n  countersign dead show d42")]
    Show {
        #[command(flatten)]
        which: WhichDelivery,
    },
    /// Send dead letters again: those that are named, or all that fit
    #[command(after_help = "\
What has arrived since is not sent again without --force. Any number may redrive at once: each letter is queued once.

Examples:
  countersign dead redrive d42 d43
  countersign dead redrive --endpoint books --from 2026-11-01T00:00:00Z --dry-run
  countersign dead redrive --all --rate 50")]
    Redrive(Box<RedriveArgs>),
    /// Drop dead letters: they stay in the store as cancelled, and are not redriven
    #[command(after_help = "Example:\n  countersign dead drop d42")]
    Drop {
        #[command(flatten)]
        which: WhichDeliveries,
    },
}

/// Which deliveries are listed.
#[derive(Args)]
pub(crate) struct AskedDeliveries {
    /// To this endpoint
    #[arg(long, value_name = "NAME")]
    pub(crate) endpoint: Option<String>,

    /// Of events of this type; `invoice.*` means every type that begins so
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) kind: Option<String>,

    #[command(flatten)]
    pub(crate) span: SpanArgs,

    /// Behind this place of a listing
    #[arg(long, value_name = "PLACE")]
    pub(crate) after: Option<String>,

    /// At most so many: 1 to 1000
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) max: usize,

    /// The oldest first
    #[arg(long)]
    pub(crate) oldest_first: bool,

    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

/// One delivery.
#[derive(Args)]
pub(crate) struct WhichDelivery {
    /// Its name: `d` and a number
    #[arg(value_name = "DELIVERY")]
    pub(crate) id: String,

    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

/// Some deliveries.
#[derive(Args)]
pub(crate) struct WhichDeliveries {
    /// Their names
    #[arg(value_name = "DELIVERY", required = true)]
    pub(crate) ids: Vec<String>,

    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

#[derive(Args)]
pub(crate) struct RedriveArgs {
    /// These
    #[arg(value_name = "DELIVERY", conflicts_with_all = ["endpoint", "kind", "from", "to", "all"])]
    pub(crate) ids: Vec<String>,

    /// To this endpoint
    #[arg(long, value_name = "NAME")]
    pub(crate) endpoint: Option<String>,

    /// Of events of this type; `invoice.*` means every type that begins so
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) kind: Option<String>,

    #[command(flatten)]
    pub(crate) span: SpanArgs,

    /// Every dead letter
    #[arg(long, conflicts_with_all = ["endpoint", "kind", "from", "to"])]
    pub(crate) all: bool,

    /// So many a second: they become due one after the other [default: all at once]
    #[arg(long, value_name = "N")]
    pub(crate) rate: Option<u32>,

    /// Say what would be, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// What has arrived since is sent again, too
    #[arg(long)]
    pub(crate) force: bool,

    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

impl DirectArgs {
    /// Whether the answers are wanted of a scheme that is not the endpoint's.
    pub(crate) fn speaks_of_keys(&self) -> bool {
        let Self { keys: KeyArgs { secret, var }, folder, .. } = self;
        !secret.is_empty() || !var.is_empty() || folder.presets.is_some()
    }
}

impl SendArgs {
    /// How to answer.
    pub(crate) fn format(&self) -> Format {
        self.gateway.format
    }
}
