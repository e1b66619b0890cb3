//! The command line of `countersign config`.

use super::Format;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum ConfigCommand {
    /// Tell everything that is wrong with a configuration, and what its sources are
    #[command(after_help = "\
Nothing is started, and no secret is read unless that is asked for.

Examples:
  countersign config check
  countersign config check --config /etc/countersign/countersign.toml --secrets")]
    Check(CheckArgs),
    /// Tell what a reload would change: sources, keys, and what wants a restart
    #[command(after_help = "\
Exit code 1 means that they differ.

Example:
  countersign config diff /etc/countersign/countersign.toml new.toml")]
    Diff(ConfigDiffArgs),
}

#[derive(Args)]
pub(crate) struct CheckArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_CONFIG", default_value = "countersign.toml")]
    pub(crate) config: PathBuf,

    /// Read every secret as well, and say which cannot be read; runs the commands that print some
    #[arg(long)]
    pub(crate) secrets: bool,

    /// How to answer
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

#[derive(Args)]
pub(crate) struct ConfigDiffArgs {
    /// The configuration that is in use
    #[arg(value_name = "OLD")]
    pub(crate) old: PathBuf,

    /// The one that would take its place
    #[arg(value_name = "NEW", env = "COUNTERSIGN_CONFIG", default_value = "countersign.toml")]
    pub(crate) new: PathBuf,

    /// How to answer
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}
