//! The command line, as clap reads it.
//!
//! What may hold a secret is taken as plain text and read elsewhere: clap quotes a value it does not like, and a secret
//! must not be quoted.

mod attest;
mod capture;
mod config;
mod import;
mod local;
mod operate;
mod preset;
mod sending;
mod serve;

use crate::error::Exit;
use crate::output;
pub(crate) use attest::{AttestArgs, AttestFormat, Signed};
pub(crate) use capture::{
    CaptureArgs, CaptureCommand, EntryArgs, RedactArgs, RedactFormat, ShownAs, WhatOfBody,
};
use clap::{Args, Parser, Subcommand, ValueEnum};
pub(crate) use config::{CheckArgs, ConfigCommand, ConfigDiffArgs};
pub(crate) use import::{ImportArgs, KeptIn};
pub(crate) use local::{ListenArgs, MaybeScheme, ReplayArgs};
pub(crate) use operate::{
    AddSource, EventCommand, GatewayArgs, ListEvents, Part, SecretCommand, SourceCommand, SpanArgs,
    TailEvents, TestSource, Wanted, Which, WindowArgs,
};
pub(crate) use preset::{
    Column, DiffArgs, Handshake, ListArgs, NewArgs, PresetCommand, ShowFormat, ShowScheme,
};
pub(crate) use sending::{
    AddEndpoint, AskedDeliveries, Bad, DeadCommand, DeliveryCommand, DirectArgs, EndpointCommand,
    RedriveArgs, SendArgs, TypeCommand, WhichDeliveries, WhichDelivery, WhichEndpoint,
};
pub(crate) use serve::{LogForm, ServeArgs};
use std::path::PathBuf;

/// Verify and sign webhooks; look after the presets that say how.
#[derive(Parser)]
#[command(
    name = "countersign",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
#[command(after_help = "\
Exit codes:
  0  verified, signed, shown, in order
  1  the request was refused, a test case failed, what was sent did not arrive, or two presets or configurations differ
  2  the command line makes no sense
  3  a preset or other configuration is invalid
  4  no usable key, or one that has to be fetched first
  5  something could not be read or written
  6  `explain` found why a request was refused
  7  `explain` or `infer` found nothing, or `send --bad` proved nothing

Example:
  countersign preset list
  countersign verify request.http --preset NAME --secret env:WEBHOOK_SECRET")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Judge a request: who signed it, and what that covers
    Verify(VerifyArgs),
    /// Make the signature that a receiver will ask for
    Sign(SignArgs),
    /// Have an event carry its proof in its payload, or verify one that does
    Attest(AttestArgs),
    /// Say why a signature failed, proven by trial
    Explain(ExplainArgs),
    /// Make a preset of captured deliveries and their secret
    Infer(InferArgs),
    /// Show captured requests, and strip them of credentials
    #[command(after_help = "Example:\n  countersign capture show request.har")]
    Capture {
        #[command(subcommand)]
        command: CaptureCommand,
    },
    /// Receive on this machine, verify, show a line for each request, and hand it on
    Listen(ListenArgs),
    /// Send captured requests again
    Replay(ReplayArgs),
    /// Run the gateway: receive, verify, record, forward
    Serve(ServeArgs),
    /// Check a configuration of the gateway, and tell what another one would change
    #[command(after_help = "Example:\n  countersign config check")]
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Look at what was accepted, and at every request
    #[command(after_help = "Example:\n  countersign event tail --requests")]
    Event {
        #[command(subcommand)]
        command: EventCommand,
    },
    /// Look after sources: add, try, switch on and off, remove
    #[command(after_help = "Example:\n  countersign source list")]
    Source {
        #[command(subcommand)]
        command: SourceCommand,
    },
    /// Look after the secrets of sources and endpoints: make, take in, rotate, confirm, forget
    #[command(after_help = "Example:\n  countersign secret rotate SOURCE")]
    Secret {
        #[command(subcommand)]
        command: SecretCommand,
    },
    /// Look after endpoints, which messages are sent to: add, try, pause, resume, remove
    #[command(after_help = "Example:\n  countersign endpoint list")]
    Endpoint {
        #[command(subcommand)]
        command: EndpointCommand,
    },
    /// Declare the types of what is sent
    #[command(after_help = "Example:\n  countersign type add invoice.paid")]
    Type {
        #[command(subcommand)]
        command: TypeCommand,
    },
    /// Send a message, signed: to the endpoints that want it, or to a URL; or what a receiver must refuse
    Send(Box<SendArgs>),
    /// Look at deliveries, and give them up
    #[command(after_help = "Example:\n  countersign delivery list --state waiting")]
    Delivery {
        #[command(subcommand)]
        command: DeliveryCommand,
    },
    /// Look at dead letters, which could not be delivered; send them again, or drop them
    #[command(after_help = "Example:\n  countersign dead redrive --all --dry-run")]
    Dead {
        #[command(subcommand)]
        command: DeadCommand,
    },
    /// Make sources of the endpoints of an older configuration
    Import(ImportArgs),
    /// List, show, compare, check and test presets
    #[command(after_help = "Example:\n  countersign preset show NAME")]
    Preset {
        #[command(subcommand)]
        command: PresetCommand,
    },
    /// List and show modes: the ways of proving who signed
    #[command(after_help = "Example:\n  countersign mode show hmac")]
    Mode {
        #[command(subcommand)]
        command: ModeCommand,
    },
    /// Check, try and start modules: modes and presets in shared libraries
    #[command(after_help = "Example:\n  countersign module check ./libacme.so")]
    Module {
        #[command(subcommand)]
        command: ModuleCommand,
    },
}

#[derive(Subcommand)]
pub(crate) enum ModuleCommand {
    /// What the given modules bring, and how they are run
    #[command(
        after_help = "Example:\n  countersign module list --module /usr/lib/countersign/libacme.so@sha256=…"
    )]
    List {
        #[command(flatten)]
        modules: ModuleArgs,
        /// How to answer
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
    },
    /// Ask a module everything that a mode promises, and what of a request it binds, in a process that may die of it
    #[command(after_help = "\
Examples:
  countersign module conform ./libacme.so
  countersign module conform ./libacme.so --mode acme --vectors acme.vectors.toml --presets .
  countersign module conform ./libacme.so --rounds 1000000")]
    Conform(ConformArgs),
    /// The part of `conform` that runs the module
    #[command(hide = true)]
    ConformStage {
        /// `memory` or `promises`
        stage: ConformStage,
        /// Where the report goes: what the module prints must not be taken for it
        report: PathBuf,
        #[command(flatten)]
        args: ConformArgs,
    },
    /// Look at a shared library, run it, and print its pin and the table to paste. It runs with your rights: only what you trust
    #[command(after_help = "Example:\n  countersign module check ./libacme.so")]
    Check {
        /// The shared library
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// How to answer
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
    },
    /// Begin a mode of your own as a module: in Rust two crates, or one file of C; a preset, and vectors that it passes
    #[command(after_help = "Examples:\n  countersign module new acme\n  countersign module new acme --c")]
    New {
        /// The mode's name, and the preset's: lower-case letters, digits and hyphens
        #[arg(value_name = "NAME")]
        name: String,
        /// The folder to make and to write into; one that is there is let be [default: NAME]
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
        /// One file of C, which needs nothing but libc and the header beside it
        #[arg(long)]
        c: bool,
        /// Where the crates of countersign come from: a checkout, or the URL of a repository [default: the project's]
        #[arg(long, value_name = "PATH|URL", conflicts_with = "c")]
        source: Option<String>,
    },
}

#[derive(Args)]
pub(crate) struct ConformArgs {
    /// The shared library
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Only this mode of it
    #[arg(long, value_name = "NAME")]
    pub(crate) mode: Option<String>,

    /// Cases to ask with, besides those that the module brings; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) vectors: Vec<PathBuf>,

    /// A folder with the presets that the cases are of, besides those that the module brings
    #[arg(long, value_name = "DIR")]
    pub(crate) presets: Option<PathBuf>,

    /// The short form: everything is asked, and less often
    #[arg(long, conflicts_with = "rounds")]
    pub(crate) quick: bool,

    /// How many damaged requests are tried with each delivery
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    pub(crate) rounds: u32,

    /// How to answer
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum ConformStage {
    /// What the contract says of memory
    Memory,
    /// What a mode promises
    Promises,
}

/// Which scheme.
#[derive(Args)]
pub(crate) struct SchemeArgs {
    /// The preset's name, as in `countersign preset list`
    #[arg(long, value_name = "NAME", required_unless_present = "scheme", conflicts_with = "scheme")]
    pub(crate) preset: Option<String>,

    /// A preset in a file of your own
    #[arg(long, value_name = "FILE")]
    pub(crate) scheme: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) folder: FolderArgs,

    /// Change a value of the preset, such as `freshness.tolerance_seconds=60`; may be repeated
    #[arg(long = "override", value_name = "KEY=VALUE")]
    pub(crate) overrides: Vec<String>,
}

/// Where more presets are.
#[derive(Args)]
pub(crate) struct FolderArgs {
    /// A folder with presets of your own, besides those built in
    #[arg(long, value_name = "DIR")]
    pub(crate) presets: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) modules: ModuleArgs,
}

/// Which shared libraries to load.
#[derive(Args)]
pub(crate) struct ModuleArgs {
    /// A shared library with modes or presets, and its SHA-256, as `countersign module check` prints them; may be repeated
    #[arg(long, value_name = "PATH@sha256=PIN")]
    pub(crate) module: Vec<String>,

    /// A file with a `[[module]]` table for each shared library: path, sha256, modes, isolation, limits
    #[arg(long, value_name = "FILE")]
    pub(crate) modules: Option<PathBuf>,
}

/// Keys and variables.
#[derive(Args)]
pub(crate) struct KeyArgs {
    /// A secret, by where it is (see below); may be repeated, newest first
    #[arg(long, value_name = "SPEC", long_help = SPEC, allow_hyphen_values = true)]
    pub(crate) secret: Vec<String>,

    /// A variable that the preset declares; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) var: Vec<String>,
}

const SPEC: &str = "\
A secret, by where it is; may be repeated, newest first:

  env:NAME         an environment variable
  file:PATH        a file (one newline at its end is dropped)
  cmd:COMMAND      what a shell command prints
  -                standard input
  literal:VALUE    the value itself; other users can see it in the process list

Attributes stand before an `@`: id=ID, role=ROLE, not_before=TIME, not_after=TIME:

  id=new,not_before=2026-01-01T00:00:00Z@env:NEW_SECRET

After env:, file: and - a window may also follow: `env:OLD_SECRET,not_after=2026-01-08T00:00:00Z`.";

#[derive(Args)]
#[command(after_help = "\
Examples:
  countersign verify request.http --preset NAME --secret env:WEBHOOK_SECRET
  countersign verify --preset NAME --secret file:secret.txt --header 'X-Signature: …' --body @body.json
  … | countersign verify - --preset NAME --secret env:WEBHOOK_SECRET --now 2026-01-02T03:04:05Z --format json")]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) request: RequestArgs,

    #[command(flatten)]
    pub(crate) scheme: SchemeArgs,

    #[command(flatten)]
    pub(crate) keys: KeyArgs,

    /// What is at a URL, or under a name, that the scheme wants to have fetched: nothing is fetched here. May be repeated
    #[arg(long, value_name = "URL=FILE")]
    pub(crate) document: Vec<String>,

    /// Judge as of this moment: RFC 3339 or Unix seconds
    #[arg(long, value_name = "TIME", conflicts_with = "ignore_time", allow_hyphen_values = true)]
    pub(crate) now: Option<String>,

    /// Accept a message of any age. For looking into old requests, never for deciding
    #[arg(long)]
    pub(crate) ignore_time: bool,

    /// How to answer
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

#[derive(Args)]
#[command(after_help = "\
Exit codes: 0 it verifies, 6 a cause was found, 7 none was.

Examples:
  countersign explain request.http --preset NAME --secret env:WEBHOOK_SECRET
  countersign explain request.http --preset NAME --secret env:WEBHOOK_SECRET --control good.http --format json
  countersign explain request.http --preset NAME --secret env:S --other id=staging@env:STAGING_SECRET")]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    pub(crate) request: RequestArgs,

    #[command(flatten)]
    pub(crate) scheme: SchemeArgs,

    #[command(flatten)]
    pub(crate) keys: KeyArgs,

    /// A secret of another endpoint that may have been taken for this one's, as a SPEC; its id names it. May be repeated
    #[arg(long, value_name = "SPEC", allow_hyphen_values = true)]
    pub(crate) other: Vec<String>,

    /// Another request of the same sender, one that verified: whether it still does tells the secret from the body
    #[arg(long, value_name = "REQUEST")]
    pub(crate) control: Option<PathBuf>,

    /// What is at a URL, or under a name, that the scheme wants to have fetched: nothing is fetched here. May be repeated
    #[arg(long, value_name = "URL=FILE")]
    pub(crate) document: Vec<String>,

    /// Judge as of this moment: RFC 3339 or Unix seconds
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) now: Option<String>,

    /// How long to search, such as 500ms, 2s or 1m
    #[arg(long, value_name = "TIME", default_value = "2s")]
    pub(crate) budget: String,

    /// Print what mends it as TOML, to be laid over the preset or the source, and nothing else
    #[arg(long, conflicts_with = "format")]
    pub(crate) fix: bool,

    /// How to answer
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

#[derive(Args)]
#[command(after_help = "\
Exit codes: 0 a preset was found, 7 none was.

Examples:
  countersign infer one.http two.http --secret env:TEST_SECRET
  countersign infer one.http two.http --secret env:TEST_SECRET --name acme --dir presets")]
pub(crate) struct InferArgs {
    /// Deliveries of one sender, in any form that `capture show` reads; two tell much more than one
    #[arg(value_name = "REQUEST", required = true)]
    pub(crate) request: Vec<PathBuf>,

    /// The URL of all of them as the sender signs it, where the captures do not say it
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,

    #[command(flatten)]
    pub(crate) keys: KeyArgs,

    #[command(flatten)]
    pub(crate) folder: FolderArgs,

    /// What the preset is called
    #[arg(long, value_name = "NAME", default_value = "inferred")]
    pub(crate) name: String,

    /// Write NAME.toml and NAME.vectors.toml into this folder; nothing there is written over. Else the preset is printed
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,

    /// About when they arrived: RFC 3339 or Unix seconds [default: now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) now: Option<String>,

    /// How long to search, such as 2s or 1m
    #[arg(long, value_name = "TIME", default_value = "10s")]
    pub(crate) budget: String,

    /// How to answer
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

/// A request that came: a capture, or pieces.
#[derive(Args)]
pub(crate) struct RequestArgs {
    /// A file, or `-` for standard input: a raw HTTP/1.1 message, a curl command line, a HAR, a gateway's event, or JSON with method, url, headers and body
    #[arg(value_name = "REQUEST", conflicts_with_all = ["method", "header", "body"])]
    pub(crate) request: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) entry: EntryArgs,

    #[command(flatten)]
    pub(crate) parts: PartArgs,
}

/// A request in pieces.
#[derive(Args)]
pub(crate) struct PartArgs {
    /// The method [default: POST]
    #[arg(long, value_name = "METHOD")]
    pub(crate) method: Option<String>,

    /// The URL as the sender signs it, query included
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,

    /// A header; may be repeated
    #[arg(long, value_name = "NAME:VALUE")]
    pub(crate) header: Vec<String>,

    /// The body: `@FILE`, `-` for standard input, or the text itself
    #[arg(long, value_name = "@FILE|-|TEXT", allow_hyphen_values = true)]
    pub(crate) body: Option<String>,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  countersign sign --preset NAME --secret env:WEBHOOK_SECRET --body @body.json
  countersign sign --preset NAME --secret env:WEBHOOK_SECRET --body @body.json --url https://example.com/hook --format curl
  countersign sign --preset NAME --secret env:S --body - --format json | countersign verify - --preset NAME --secret env:S")]
pub(crate) struct SignArgs {
    #[command(flatten)]
    pub(crate) scheme: SchemeArgs,

    #[command(flatten)]
    pub(crate) keys: KeyArgs,

    #[command(flatten)]
    pub(crate) parts: PartArgs,

    /// Sign as of this moment: RFC 3339 or Unix seconds [default: now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) at: Option<String>,

    /// The message's id [default: a random one]
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,

    /// How to answer
    #[arg(long, value_enum, default_value_t = SignFormat::Headers)]
    pub(crate) format: SignFormat,
}

#[derive(Subcommand)]
pub(crate) enum ModeCommand {
    /// Every mode in a table
    #[command(after_help = "Example:\n  countersign mode list --format json")]
    List {
        /// How to answer
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
    },
    /// One mode: its details, and a smallest complete table
    #[command(after_help = "Example:\n  countersign mode show hmac")]
    Show {
        /// The mode's name
        name: String,
        /// How to answer
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
    },
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Human,
    /// For programs
    Json,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum SignFormat {
    /// The headers that signing adds, one a line
    Headers,
    /// A command for a shell
    Curl,
    /// A whole HTTP/1.1 message
    Http,
    /// A whole request as JSON, as `verify` reads it
    Json,
}

/// Tell what clap says of the command line, without what may be a secret in it.
pub(crate) fn refuse(error: &clap::Error) -> Exit {
    let text = error.render().ansi().to_string();
    output::clap(error, &veil(text, std::env::args_os().filter_map(|arg| arg.into_string().ok())))
}

/// Blot out every literal secret of `args` in `text`: clap quotes an argument that it has no place for.
fn veil(text: String, args: impl Iterator<Item = String>) -> String {
    let mut text = text;
    for arg in args {
        if let Some((_, value)) = arg.split_once("literal:").filter(|(_, value)| !value.is_empty()) {
            text = text.replace(&format!("literal:{value}"), "literal:…");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn a_literal_that_clap_quotes_is_blotted_out() {
        let args = ["x", "literal:hunter2"].map(str::to_owned);
        assert_eq!(veil("unexpected 'literal:hunter2'".into(), args.into_iter()), "unexpected 'literal:…'");
    }
}
