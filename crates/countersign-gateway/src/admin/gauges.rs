//! What only a running gateway knows, as it is measured.

use countersign_delivery::Total;
use countersign_store::{Figures, Histogram};
use std::sync::Arc;

/// Measures. Asked at each scrape, and by readiness: it should not wait for anything.
pub type Measured = dyn Fn() -> Gauges + Send + Sync;

/// Measures of one moment.
#[derive(Clone, Debug, Default)]
pub struct Gauges {
    /// Sources are in use.
    pub loaded: bool,

    /// Counts since the start, of each source and of requests that no source has the path of (whose name is empty).
    pub ledgers: Vec<LedgerGauges>,

    /// Attempts to deliver since the start, by endpoint and what they came to.
    pub deliveries: Vec<Total>,

    /// How many addresses are in the table of those that failed of late.
    pub junk_held: usize,

    /// How many audit rows were dropped since the start.
    pub rows_dropped: u64,

    /// What the store's writer has done.
    pub store: Figures,

    /// Whether the configuration was taken when it was last read.
    pub reload_ok: bool,
}

/// Counts of one source since the start.
#[derive(Clone, Debug, Default)]
pub struct LedgerGauges {
    /// Whose.
    pub source: Arc<str>,

    /// By outcome.
    pub outcomes: Vec<(Arc<str>, u64)>,

    /// How long they took, in microseconds.
    pub micros: Histogram,
}
