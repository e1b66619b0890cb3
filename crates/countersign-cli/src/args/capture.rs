//! The command line of `countersign capture`.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum CaptureCommand {
    /// What a capture holds, and what of it may not be as it was sent. Nothing is stripped
    #[command(after_help = "\
Examples:
  countersign capture show request.http
  countersign capture show browser.har
  countersign capture show browser.har --entry 3 --format http")]
    Show {
        #[command(flatten)]
        input: CaptureArgs,
        /// How to answer
        #[arg(long, value_enum, default_value_t = ShownAs::Human)]
        format: ShownAs,
    },
    /// A capture without its credentials, to show to others; what was stripped is told on standard error
    #[command(after_help = "\
Credentials go by their names: Authorization, cookies, API keys, tokens, secrets and passwords, in headers and in the URL's
query. Headers with signatures stay, because without them nothing can be explained; so does every byte of the body.

Examples:
  countersign capture redact request.http > for-the-issue.json
  countersign capture redact browser.har --entry 3 --format http
  countersign capture redact request.http --keep sig --drop x-tenant --body hash")]
    Redact(RedactArgs),
}

/// A capture to read.
#[derive(Args)]
pub(crate) struct CaptureArgs {
    /// A file, or `-` for standard input: a raw HTTP/1.1 message, a curl command line, a HAR, a gateway's event, or JSON of our own
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    #[command(flatten)]
    pub(crate) entry: EntryArgs,
}

/// Which request of a capture.
#[derive(Args)]
pub(crate) struct EntryArgs {
    /// Which request of a capture that holds several, counted from 1
    #[arg(long, value_name = "N")]
    pub(crate) entry: Option<usize>,
}

#[derive(Args)]
pub(crate) struct RedactArgs {
    #[command(flatten)]
    pub(crate) input: CaptureArgs,

    /// A header or parameter that stays, though it looks like a credential; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) keep: Vec<String>,

    /// A header or parameter that goes as well; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) drop: Vec<String>,

    /// What becomes of the body
    #[arg(long, value_enum, default_value_t = WhatOfBody::Keep)]
    pub(crate) body: WhatOfBody,

    /// How to answer
    #[arg(long, value_enum, default_value_t = RedactFormat::Json)]
    pub(crate) format: RedactFormat,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum WhatOfBody {
    /// Every byte stays
    Keep,
    /// Its length and SHA-256 stand for it: nothing that signs the body can be checked any more
    Hash,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum ShownAs {
    /// For people
    Human,
    /// JSON of our own, which is read again
    Json,
    /// A raw HTTP/1.1 message
    Http,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum RedactFormat {
    /// JSON of our own, which is read again
    Json,
    /// A raw HTTP/1.1 message
    Http,
}
