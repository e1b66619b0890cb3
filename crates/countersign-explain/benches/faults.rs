//! How many causes are found, how fast, and whether anything false is ever said.
//!
//! `cargo bench -p countersign-explain --bench faults`, and behind `--`: `--quick` for a short form, `--only CODE` for the
//! faults or controls whose code has that in it, `--controls NUMBER` for more or fewer of these, which take the most time, and
//! `--misses NUMBER` to list more of what was missed.
#![allow(clippy::print_stdout)]

#[allow(dead_code, reason = "what the tests ask of the injector")]
#[path = "faults/mod.rs"]
mod faults;

use countersign_explain::Budget;
use faults::run::Plan;
use faults::table::Table;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let at = args.iter().position(|arg| arg == name)?;
        args.get(at + 1)
    };
    let budget = Budget::default();
    let plan = match args.iter().any(|arg| arg == "--quick") {
        true => Plan { each: 1, doubles: 100, controls: 300, big: 0, budget, class: None },
        false => Plan { each: 6, doubles: 1500, controls: 10_000, big: 60, budget, class: None },
    };
    let misses = value("--misses").and_then(|number| number.parse().ok()).unwrap_or(40);
    let registry = match countersign_modes::registry() {
        Ok(registry) => registry,
        Err(errors) => {
            println!("the presets do not compile: {errors}");
            return ExitCode::FAILURE;
        }
    };
    let controls = value("--controls").and_then(|number| number.parse().ok()).unwrap_or(plan.controls);
    let plan = Plan { controls, ..plan };
    let table = Table::of(&registry, &plan, value("--only").map_or("", |code| code));
    println!("{}", table.print(misses));
    if table.verdict().1 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
