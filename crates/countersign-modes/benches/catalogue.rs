//! What it costs to have the whole catalogue, and to have one provider of it, beside the raw limit: to read the same TOML and do
//! nothing with it.
//!
//! `cargo bench -p countersign-modes --bench catalogue`
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[allow(dead_code, reason = "what other benches show of a pair")]
#[path = "../../countersign/benches/pair/mod.rs"]
mod pair;

use countersign_presets::PRESETS;
use pair::Pair;
use std::hint::black_box;
use std::time::Instant;

/// The aims: all of it in 20 ms, one by name in 100 µs.
const ALL_MS: f64 = 20.0;
const ONE_US: f64 = 100.0;

fn main() {
    println!("{:44} {:>10} {:>10} {:>6}  aim", "what", "TOML µs", "ours µs", "ratio");
    let read = |text: &str| toml::de::DeTable::parse(text).unwrap().get_ref().len();
    let all = Pair::measure(
        || PRESETS.iter().map(|(_, text)| read(text)).sum::<usize>(),
        || countersign_modes::registry().unwrap(),
    );
    row(&format!("a registry of all {} presets", PRESETS.len()), &all, ALL_MS * 1e3);
    let compiled = Pair::measure(
        || PRESETS.iter().map(|(_, text)| read(text)).sum::<usize>(),
        || {
            let registry = countersign_modes::registry().unwrap();
            PRESETS.iter().filter(|(file, _)| registry.named(name(file)).is_ok()).count()
        },
    );
    row("the same, and every one compiled", &compiled, f64::INFINITY);
    let registry = countersign_modes::registry().unwrap();
    // Of several passes the least: whatever else the machine does would choose which is the slowest.
    let pass = |file: &str| {
        let start = Instant::now();
        (0..20).for_each(|_| drop(black_box(registry.named(name(file)))));
        start.elapsed().as_nanos() as f64 / 20.0
    };
    let least = |file: &str| (0..5).map(|_| pass(file)).fold(f64::INFINITY, f64::min);
    let mut each: Vec<(f64, &str)> = PRESETS.iter().map(|(file, _)| (least(file), *file)).collect();
    each.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    let last = each.len() - 1;
    for (which, at) in
        [("the median", last / 2), ("the 95th of a hundred", last * 95 / 100), ("the slowest", last)]
    {
        let (file, text) = PRESETS.iter().find(|(file, _)| *file == each[at].1).unwrap();
        let one = Pair::measure(|| read(text), || registry.named(black_box(name(file))).unwrap());
        row(&format!("one by name, {which}: {}", name(file)), &one, ONE_US);
    }
}

fn name(file: &str) -> &str {
    file.trim_start_matches("presets/").trim_end_matches(".toml")
}

fn row(what: &str, pair: &Pair, most: f64) {
    let (raw, ours) = (pair.a / 1e3, pair.b / 1e3);
    let aim = match ours <= most {
        _ if most.is_infinite() => String::new(),
        true => format!("at most {most:.0}: met"),
        false => format!("at most {most:.0}: MISSED"),
    };
    println!("{what:44} {raw:>10.0} {ours:>10.0} {:>6.2}  {aim}", ours / raw);
}
