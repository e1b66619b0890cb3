//! The command line of `countersign import`.

use super::Format;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Args)]
#[command(after_help = "\
Read are the three shapes that docs/reference/coming-from.md tells: a bearer token, `hmac_sha256`, and `webhook_auth`; one
endpoint, a list of them, or an object by name. Each source is read back before anything is saved. What is there already, by
name or by path, is let be, and the exit code is 1 then.

Examples:
  countersign import old.json --dry-run
  countersign import old.json --config /etc/countersign/countersign.toml
  countersign import old.json --out new --secrets env")]
pub(crate) struct ImportArgs {
    /// The older configuration, in JSON
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// The configuration that the sources are added to [default: COUNTERSIGN_CONFIG, or countersign.toml]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// The folder for a configuration of its own, and for the secrets beside it
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    pub(crate) out: Option<PathBuf>,

    /// Where secrets go that stand in the old file: into files of their own, or into variables that you set
    #[arg(long, value_enum, default_value_t = KeptIn::File)]
    pub(crate) secrets: KeptIn,

    /// What stands before the name of an endpoint that does not say its path, such as /hooks
    #[arg(long, value_name = "PATH")]
    pub(crate) prefix: Option<String>,

    /// Let overrides make presets weaker, as the old file had them
    #[arg(long)]
    pub(crate) allow_weak: bool,

    /// Say what would be done, print what would be written, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// How to answer
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum KeptIn {
    /// `secrets/NAME-ID` beside the configuration, for its owner alone
    File,
    /// Variables, whose names are printed
    Env,
}
