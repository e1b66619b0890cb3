//! The command lines of `countersign event`, `source` and `secret`: what operators do.

use super::{EntryArgs, Format};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Whose gateway.
#[derive(Args)]
pub(crate) struct GatewayArgs {
    /// The configuration, which names the store. The gateway need not run; one that does takes a change within a second
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_CONFIG", default_value = "countersign.toml")]
    pub(crate) config: PathBuf,

    /// How to answer
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

#[derive(Subcommand)]
pub(crate) enum EventCommand {
    /// Events that were accepted, or with --requests every request, the newest first
    #[command(after_help = "\
Examples:
  countersign event list --source payments --type 'invoice.*'
  countersign event list --requests --outcome bad_signature --from 2026-11-01T00:00:00Z")]
    List(ListEvents),
    /// One event: its request, and what became of it
    #[command(after_help = "\
Examples:
  countersign event show evt_…
  countersign event show evt_… --part body > body.json
  countersign event show evt_… --part request | countersign explain - --preset NAME --secret env:S")]
    Show {
        /// Its name
        #[arg(value_name = "EVENT")]
        id: String,
        /// Only this of it
        #[arg(long, value_enum)]
        part: Option<Part>,
        #[command(flatten)]
        gateway: GatewayArgs,
    },
    /// Events, or with --requests every request, as they come: a line each, until Ctrl-C
    #[command(after_help = "Example:\n  countersign event tail --requests --source payments")]
    Tail(TailEvents),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Part {
    /// The body, byte for byte
    Body,
    /// The request as JSON, as `verify` and `explain` read it
    Request,
}

/// What is looked for.
#[derive(Args)]
pub(crate) struct Wanted {
    /// Of this source
    #[arg(long, value_name = "NAME")]
    pub(crate) source: Option<String>,

    /// Of this type; `invoice.*` means every type that begins so
    #[arg(long = "type", value_name = "TYPE", conflicts_with = "requests")]
    pub(crate) kind: Option<String>,

    /// Every request that got a row, refused ones as well
    #[arg(long)]
    pub(crate) requests: bool,

    /// With this outcome: `ok`, `replayed`, `bad_signature` and so on
    #[arg(long, value_name = "OUTCOME", requires = "requests")]
    pub(crate) outcome: Option<String>,
}

#[derive(Args)]
pub(crate) struct ListEvents {
    #[command(flatten)]
    pub(crate) wanted: Wanted,

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

#[derive(Args)]
pub(crate) struct TailEvents {
    #[command(flatten)]
    pub(crate) wanted: Wanted,

    /// From this moment on: RFC 3339 or Unix seconds [default: now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) from: Option<String>,

    /// End after so many lines
    #[arg(long, value_name = "N")]
    pub(crate) lines: Option<usize>,

    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

/// A time.
#[derive(Args)]
pub(crate) struct SpanArgs {
    /// At this moment or later: RFC 3339 or Unix seconds
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) from: Option<String>,

    /// Before this moment
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) to: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum SourceCommand {
    /// Every source: where it is, whether it receives, what came in the last 24 hours
    #[command(after_help = "Example:\n  countersign source list")]
    List {
        #[command(flatten)]
        gateway: GatewayArgs,
    },
    /// One source: its scheme, its keys, its limits, where what it accepts goes
    #[command(after_help = "Example:\n  countersign source show payments")]
    Show {
        #[command(flatten)]
        which: Which,
    },
    /// What came to a source, by the hour
    #[command(
        after_help = "Examples:\n  countersign source stats payments\n  countersign source stats payments --from 2026-11-01T00:00:00Z"
    )]
    Stats {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        span: SpanArgs,
    },
    /// Add a source to the store; what it has to be told of itself is read as the configuration file is
    #[command(after_help = "\
A secret that is made is printed on standard output, once; everything else goes to standard error.

Examples:
  countersign source add --path /in/acme --preset NAME --generate-secret
  countersign source add --path /in/acme --preset NAME --override freshness.tolerance_seconds=60 --forward http://127.0.0.1:3000/acme
  countersign source add --table acme.toml")]
    Add(Box<AddSource>),
    /// Forget a source that was added, and its secrets. Its events stay
    #[command(after_help = "Example:\n  countersign source disable acme && countersign source remove acme")]
    Remove {
        #[command(flatten)]
        which: Which,
        /// Even though it still receives
        #[arg(long)]
        force: bool,
    },
    /// Let a source receive
    #[command(after_help = "Example:\n  countersign source enable payments")]
    Enable {
        #[command(flatten)]
        which: Which,
    },
    /// Let a source be as if it were not there
    #[command(after_help = "Example:\n  countersign source disable payments")]
    Disable {
        #[command(flatten)]
        which: Which,
    },
    /// Let a source let through what it would refuse, with the verdict written on it
    #[command(after_help = "Example:\n  countersign source observe payments")]
    Observe {
        #[command(flatten)]
        which: Which,
    },
    /// Let a source refuse what does not verify
    #[command(after_help = "Example:\n  countersign source enforce payments")]
    Enforce {
        #[command(flatten)]
        which: Which,
    },
    /// Try a request against a source as it is now: nothing is written, charged or claimed
    #[command(after_help = "\
Exit codes: 0 it verifies, 1 it is refused.

Examples:
  countersign source test payments request.http
  countersign source test payments --event evt_…")]
    Test(TestSource),
}

/// One source.
#[derive(Args)]
pub(crate) struct Which {
    /// Its name
    #[arg(value_name = "SOURCE")]
    pub(crate) source: String,

    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

#[derive(Args)]
pub(crate) struct AddSource {
    /// The path that it is reached by
    #[arg(long, value_name = "PATH", required_unless_present = "table")]
    pub(crate) path: Option<String>,

    /// Its preset, as in `countersign preset list`
    #[arg(long, value_name = "NAME", required_unless_present = "table")]
    pub(crate) preset: Option<String>,

    /// Its name [default: its path, with hyphens for slashes]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,

    /// Change a value of the preset, such as `freshness.tolerance_seconds=60`; may be repeated
    #[arg(long = "override", value_name = "KEY=VALUE")]
    pub(crate) overrides: Vec<String>,

    /// A variable that the preset declares; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) var: Vec<String>,

    /// Where accepted requests go
    #[arg(long, value_name = "URL")]
    pub(crate) forward: Option<String>,

    /// Let through what would be refused, to begin with
    #[arg(long)]
    pub(crate) observe: bool,

    /// Make a secret of the preset's form, and print it once
    #[arg(long)]
    pub(crate) generate_secret: bool,

    /// A file with the whole table of a `[[source]]`, without that heading, in place of all of these
    #[arg(long, value_name = "FILE", conflicts_with_all = ["path", "preset", "name", "overrides", "var", "forward", "observe"])]
    pub(crate) table: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

#[derive(Args)]
pub(crate) struct TestSource {
    /// The source
    #[arg(value_name = "SOURCE")]
    pub(crate) source: String,

    /// A file, or `-` for standard input, in any form that `capture show` reads
    #[arg(value_name = "REQUEST", required_unless_present = "event", conflicts_with = "event")]
    pub(crate) request: Option<PathBuf>,

    /// A stored event instead
    #[arg(long, value_name = "EVENT")]
    pub(crate) event: Option<String>,

    #[command(flatten)]
    pub(crate) entry: EntryArgs,

    /// When it came: RFC 3339 or Unix seconds [default: now; of an event, when it did]
    #[arg(long, value_name = "TIME", conflicts_with = "event", allow_hyphen_values = true)]
    pub(crate) at: Option<String>,

    /// Where it came from, for `allow_from`
    #[arg(long, value_name = "ADDRESS", conflicts_with = "event")]
    pub(crate) address: Option<std::net::IpAddr>,

    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

#[derive(Subcommand)]
pub(crate) enum SecretCommand {
    /// Make one more secret, of the right form and length, and print it once
    #[command(
        after_help = "Examples:\n  countersign secret new payments\n  countersign secret new endpoint:books"
    )]
    New {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        window: WindowArgs,
    },
    /// Take in a secret that the provider made
    #[command(after_help = "\
Examples:
  countersign secret add payments --value -
  countersign secret add payments --value file:secret.txt --id 2026-11")]
    Add {
        #[command(flatten)]
        which: Which,
        /// The secret, by where it is: env:NAME, file:PATH, cmd:COMMAND, or `-` for standard input
        #[arg(long, value_name = "SPEC", allow_hyphen_values = true)]
        value: String,
        #[command(flatten)]
        window: WindowArgs,
    },
    /// One more secret, and an end for those that verify now: until then both do
    #[command(after_help = "\
Examples:
  countersign secret rotate payments
  countersign secret rotate endpoint:books --keep 24h
  countersign secret rotate payments --keep 24h --value -")]
    Rotate {
        #[command(flatten)]
        which: Which,
        /// How long those that verify now still do: 30m, 24h, 7d; 0s for no longer
        #[arg(long, value_name = "TIME", default_value = "7d")]
        keep: String,
        /// The new secret, by where it is; else one is made, and printed once
        #[arg(long, value_name = "SPEC", allow_hyphen_values = true)]
        value: Option<String>,
        /// The new one's name [default: today's date]
        #[arg(long, value_name = "ID")]
        id: Option<String>,
    },
    /// Forget a secret: what it signed is refused from then on
    #[command(after_help = "Example:\n  countersign secret forget payments 2026-05")]
    Forget {
        /// Whose
        #[arg(value_name = "SOURCE")]
        source: String,
        /// Which
        #[arg(value_name = "ID")]
        id: String,
        /// Even though it is the last one that verifies
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        gateway: GatewayArgs,
    },
    /// The secrets of a source, or of an endpoint as `endpoint:NAME`: names, windows, fingerprints, when each last matched. Never a value
    #[command(after_help = "Example:\n  countersign secret list payments")]
    List {
        #[command(flatten)]
        which: Which,
    },
    /// Let a secret that a challenge handed over verify
    #[command(
        after_help = "Example:\n  countersign secret confirm payments learnt-1767323045 --fingerprint 1a2b3c4d"
    )]
    Confirm {
        /// Whose
        #[arg(value_name = "SOURCE")]
        source: String,
        /// Which
        #[arg(value_name = "ID")]
        id: String,
        /// Its fingerprint, as you saw it: whoever cannot name it has not looked
        #[arg(long, value_name = "DIGITS")]
        fingerprint: String,
        #[command(flatten)]
        gateway: GatewayArgs,
    },
    /// The fingerprint of a secret that you have: compare it with that of one that was handed over. Nothing is stored
    #[command(after_help = "\
Examples:
  countersign secret fingerprint --secret file:secret.txt
  countersign secret fingerprint --secret -")]
    Fingerprint {
        /// The secret, by where it is: env:NAME, file:PATH, cmd:COMMAND, or `-` for standard input
        #[arg(long, value_name = "SPEC", allow_hyphen_values = true)]
        secret: String,
        /// How to answer
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
    },
    /// Seal every secret of the store with the key that `[store]` names now, in place of the one that sealed them: all or none
    #[command(
        after_help = "Example:\n  countersign secret reseal --old-key env:OLD_STORE_KEY\n\nA gateway that runs holds the old key until it is started anew."
    )]
    Reseal {
        /// The key that sealed them, by where it is: env:NAME, file:PATH, cmd:COMMAND, or `-` for standard input
        #[arg(long, value_name = "SPEC", allow_hyphen_values = true)]
        old_key: String,
        #[command(flatten)]
        gateway: GatewayArgs,
    },
    /// Wait for a secret that a set-up challenge hands over; one is taken, and does not verify before it is confirmed
    #[command(after_help = "Example:\n  countersign secret learn payments --for 10m")]
    Learn {
        #[command(flatten)]
        which: Which,
        /// How long
        #[arg(long = "for", value_name = "TIME", default_value = "1h")]
        time: String,
    },
}

/// What a secret is called, and when it may be used.
#[derive(Args)]
pub(crate) struct WindowArgs {
    /// Its name [default: today's date]
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,

    /// Not usable before this moment: RFC 3339 or Unix seconds
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) not_before: Option<String>,

    /// Not usable from this moment on
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) not_after: Option<String>,
}
