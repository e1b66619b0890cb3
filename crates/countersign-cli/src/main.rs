//! The command `countersign`: judges a request, makes one, and looks after presets.
//!
//! What a caller asked for goes to stdout; all else (warnings, notes, progress, errors) goes to stderr, so that a pipe
//! never carries a remark. The exit code alone says what came of it: see [`error::Exit`]. This is also the one place
//! that looks at the clock; everything below is told the time.

mod args;
mod attest;
mod capture;
mod config;
mod dead;
mod delivery;
mod endpoint;
mod error;
mod event;
mod event_type;
mod explain;
mod import;
mod infer;
mod listen;
mod mode;
mod module;
mod operate;
mod output;
mod preset;
mod replay;
mod request;
mod scheme;
mod secret;
mod secrets;
mod send;
mod serve;
mod sign;
mod source;
mod time;
mod upstream;
mod vectors;
mod verify;

use args::{Cli, Command};
use clap::Parser;
use error::{Exit, Failure};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return args::refuse(&error).into(),
    };
    match run(cli) {
        Ok(exit) => exit.into(),
        Err(failure) => failure.report().into(),
    }
}

fn run(Cli { command }: Cli) -> Result<Exit, Failure> {
    match command {
        Command::Verify(args) => verify::run(&args),
        Command::Sign(args) => sign::run(&args),
        Command::Attest(args) => attest::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Infer(args) => infer::run(&args),
        Command::Capture { command } => capture::run(&command),
        Command::Listen(args) => listen::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Config { command } => config::run(&command),
        Command::Import(args) => import::run(&args),
        Command::Preset { command } => preset::run(&command),
        Command::Event { command } => event::run(&command),
        Command::Source { command } => source::run(&command),
        Command::Secret { command } => secrets::run(&command),
        Command::Endpoint { command } => endpoint::run(&command),
        Command::Type { command } => event_type::run(&command),
        Command::Send(args) => send::run(&args),
        Command::Delivery { command } => delivery::run(&command),
        Command::Dead { command } => dead::run(&command),
        Command::Mode { command } => mode::run(&command),
        Command::Module { command } => module::run(&command),
    }
}
