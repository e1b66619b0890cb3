//! The command line of `countersign serve`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Args)]
#[command(after_help = "\
SIGHUP reads the configuration anew, all of it or nothing; SIGTERM and Ctrl-C let nobody in any more, bring what is under
way to its end, and stop.

Examples:
  countersign serve --quickstart
  countersign serve
  countersign serve --config /etc/countersign/countersign.toml --log json")]
pub(crate) struct ServeArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_CONFIG", default_value = "countersign.toml")]
    pub(crate) config: PathBuf,

    /// Make a configuration, a source and a secret first, and print a request that it accepts
    #[arg(long)]
    pub(crate) quickstart: bool,

    /// What the source of --quickstart verifies by
    #[arg(long, value_name = "NAME", requires = "quickstart")]
    pub(crate) preset: Option<String>,

    /// Log every request, and not only refused ones
    #[arg(long)]
    pub(crate) verbose: bool,

    /// How to log, on standard error [default: text on a terminal, else json]
    #[arg(long, value_enum)]
    pub(crate) log: Option<LogForm>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum LogForm {
    /// A line for people
    Text,
    /// An object on each line
    Json,
}
