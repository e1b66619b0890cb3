//! `cargo bench -p countersign-explain --bench infer`: what two deliveries and a secret tell of every preset that ships.
//!
//! The preset itself is taken out of the registry before it is asked for, so what is found is found by shape, or by another preset that
//! is like it. Found means that a third delivery, which was not shown, verifies by what was inferred. `-- --all` prints a line for each.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

#[path = "infer/survey.rs"]
mod survey;

use survey::{Verdict, survey};

fn main() {
    let all = std::env::args().any(|arg| arg == "--all");
    let step = std::env::args()
        .find_map(|arg| arg.strip_prefix("--step=").and_then(|n| n.parse().ok()))
        .unwrap_or(1);
    let rows = survey(step);
    println!("{:<26} {:<11} {:>9}  what", "preset", "verdict", "ms");
    for row in &rows {
        if all || row.verdict != Verdict::Found {
            println!(
                "{:<26} {:<11} {:>9.1}  {}",
                row.preset,
                row.verdict.word(),
                row.time.as_secs_f64() * 1e3,
                row.says
            );
        }
    }
    let mut times: Vec<f64> = rows.iter().map(|row| row.time.as_secs_f64() * 1e3).collect();
    times.sort_by(f64::total_cmp);
    println!();
    for verdict in Verdict::ALL {
        println!("{:<12} {:>4}", verdict.word(), rows.iter().filter(|row| row.verdict == verdict).count());
    }
    println!(
        "{:<12} {:>4}   median {:.0} ms, slowest {:.0} ms",
        "presets",
        rows.len(),
        times[times.len() / 2],
        times[times.len() - 1]
    );
}
