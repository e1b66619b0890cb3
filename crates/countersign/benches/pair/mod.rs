//! Two things measured side by side, in turn: what the benches have in common.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// How many rounds count.
pub(crate) const ROUNDS: usize = 15;
const BATCH: Duration = Duration::from_millis(4);

/// What else a delivery carries.
pub(crate) const HEADERS: [(&str, &str); 9] = [
    ("host", "hooks.example.com"),
    ("user-agent", "Provider-Hookshot/1.0 (+https://example.com/webhooks)"),
    ("accept", "*/*"),
    ("accept-encoding", "gzip, deflate"),
    ("content-type", "application/json; charset=utf-8"),
    ("content-length", "2048"),
    ("cache-control", "no-cache"),
    ("x-forwarded-for", "203.0.113.7"),
    ("x-request-id", "4c8a2b1e-6a1d-4b0f-9b9e-3f1f8f6a9a10"),
];

/// Two things measured side by side: medians of nanoseconds a call, and of their difference.
pub(crate) struct Pair {
    pub(crate) a: f64,
    pub(crate) b: f64,
    pub(crate) more: f64,
    pub(crate) quartiles: (f64, f64),
}

impl Pair {
    pub(crate) fn measure<A, B>(a: impl Fn() -> A, b: impl Fn() -> B) -> Self {
        let calls = |f: &dyn Fn()| {
            let start = Instant::now();
            (0..8).for_each(|_| f());
            (BATCH.as_nanos() / (start.elapsed() / 8).as_nanos().max(1)).clamp(4, 1_000_000) as usize
        };
        let (na, nb) = (calls(&|| drop(black_box(a()))), calls(&|| drop(black_box(b()))));
        let mut rounds = Vec::new();
        // The first rounds warm caches and predictors.
        for round in 0..ROUNDS + 2 {
            let pair = if round % 2 == 0 {
                let first = time(na, &a);
                (first, time(nb, &b))
            } else {
                let second = time(nb, &b);
                (time(na, &a), second)
            };
            rounds.push(pair);
        }
        let rounds = &rounds[2..];
        let sorted = |of: &dyn Fn(&(f64, f64)) -> f64| {
            let mut all: Vec<f64> = rounds.iter().map(of).collect();
            all.sort_by(f64::total_cmp);
            all
        };
        let more = sorted(&|(a, b)| b - a);
        Pair {
            a: sorted(&|(a, _)| *a)[ROUNDS / 2],
            b: sorted(&|(_, b)| *b)[ROUNDS / 2],
            more: more[ROUNDS / 2],
            quartiles: (more[ROUNDS / 4], more[ROUNDS * 3 / 4]),
        }
    }

    /// Print them.
    pub(crate) fn say(&self, what: &str) {
        println!("{what}: {:.0} ns, {:.0} ns, ratio {:.2}", self.a, self.b, self.b / self.a);
    }
}

fn time<T>(calls: usize, f: impl Fn() -> T) -> f64 {
    let start = Instant::now();
    for _ in 0..calls {
        black_box(&f());
    }
    start.elapsed().as_nanos() as f64 / calls as f64
}
