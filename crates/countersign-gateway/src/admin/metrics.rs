//! `/metrics`, in the text format of Prometheus. Labels come from the configuration and from fixed lists: what a sender
//! writes can make no series.

use super::Gauges;
use countersign::Timestamp;
use countersign_delivery::Total;
use countersign_store::{Histogram, Queued};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, EncodeLabelValue, NoLabelSet, prometheus_text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use std::fmt;

/// The content type of the format.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Bounds of the buckets of times, in microseconds.
const BOUNDS: [u64; 16] = [
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    5_000_000, 30_000_000,
];

/// All of it, as of one moment.
pub(super) fn text(gauges: Gauges, queued: Option<Queued>, now: Timestamp) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("countersign");
    registry.register_collector(Box::new(Moment { gauges, queued, now }));
    let mut text = String::new();
    prometheus_text::encode(&mut text, &registry)?;
    Ok(text)
}

#[derive(Debug)]
struct Moment {
    gauges: Gauges,
    /// `None`: the store does not answer.
    queued: Option<Queued>,
    now: Timestamp,
}

impl Collector for Moment {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut out = Out(encoder);
        let Self { gauges, queued, now } = self;
        let Gauges { loaded: _, ledgers, deliveries, junk_held, rows_dropped, store, reload_ok } = gauges;
        out.build_info()?;
        let requests = ledgers.iter().flat_map(|ledger| {
            let count = |(outcome, count): &(std::sync::Arc<str>, u64)| {
                (vec![("source", ledger.source.to_string()), ("outcome", outcome.to_string())], *count)
            };
            ledger.outcomes.iter().map(count)
        });
        out.counters("requests", "Requests since the start, by source and outcome", requests)?;
        let times =
            ledgers.iter().map(|ledger| (vec![("source", ledger.source.to_string())], &ledger.micros));
        out.times("request_duration_seconds", "How long a request took, from its head to its answer", times)?;
        let labels = |total: &Total| {
            vec![("endpoint", total.endpoint.to_string()), ("outcome", total.outcome.to_owned())]
        };
        let attempts = deliveries.iter().map(|total| (labels(total), total.count));
        out.counters("delivery_attempts", "Attempts since the start, by endpoint and outcome", attempts)?;
        let times = deliveries.iter().map(|total| (labels(total), &total.micros));
        out.times("delivery_duration_seconds", "How long an attempt took", times)?;
        out.gauge("junk_addresses", "Addresses that failed of late", *junk_held as f64)?;
        out.counter("audit_rows_dropped", "Audit rows that the store did not take in", *rows_dropped)?;
        out.gauge(
            "last_reload_success",
            "Whether the configuration was taken when it was last read",
            f64::from(u8::from(*reload_ok)),
        )?;
        out.counter("store_commits", "Commits since the start", store.commits)?;
        out.counter("store_operations", "Operations in them", store.operations)?;
        out.counter("store_failures", "Groups of operations that failed as a whole", store.failures)?;
        out.counter("store_work_microseconds", "Spent on doing operations", store.work_micros)?;
        out.counter("store_commit_microseconds", "Spent on making them durable", store.commit_micros)?;
        out.gauge("store_mean_group", "Operations of a commit, in the mean", store.mean_group())?;
        out.gauge("store_largest_group", "The most operations of one commit", store.largest_group as f64)?;
        out.gauge("store_waiting", "Operations that wait to be written", store.waiting as f64)?;
        out.gauge("store_up", "Whether the store answered", f64::from(u8::from(queued.is_some())))?;
        let Some(Queued { waiting, leased, dead, held, oldest }) = queued else { return Ok(()) };
        let states = [("waiting", waiting), ("leased", leased), ("dead", dead), ("held", held)];
        let states = states.map(|(state, count)| (vec![("state", state.to_owned())], *count as f64));
        out.gauges("queue_deliveries", "Deliveries, by state", states.into_iter())?;
        let age = oldest.map_or(0, |at| now.unix_ms().saturating_sub(at.unix_ms()).max(0));
        out.gauge(
            "queue_oldest_age_seconds",
            "Age of the oldest event that is not delivered",
            age as f64 / 1000.0,
        )
    }
}

/// Labels, in their order.
#[derive(Debug)]
struct Labels(Vec<(&'static str, String)>);

impl EncodeLabelSet for Labels {
    fn encode(
        &self,
        encoder: &mut prometheus_client::encoding::LabelSetEncoder<'_>,
    ) -> Result<(), fmt::Error> {
        use prometheus_client::encoding::EncodeLabelKey;
        for (name, value) in &self.0 {
            let mut label = encoder.encode_label();
            let mut key = label.encode_label_key()?;
            EncodeLabelKey::encode(name, &mut key)?;
            let mut text = key.encode_label_value()?;
            EncodeLabelValue::encode(value, &mut text)?;
            text.finish()?;
        }
        Ok(())
    }
}

struct Out<'e>(DescriptorEncoder<'e>);

impl Out<'_> {
    fn build_info(&mut self) -> Result<(), fmt::Error> {
        let labels = Labels(vec![("version", env!("CARGO_PKG_VERSION").to_owned())]);
        let mut metric = self.0.encode_descriptor("build_info", "What runs", None, MetricType::Gauge)?;
        metric.encode_family(&labels)?.encode_gauge(&1_u32)
    }

    fn gauge(&mut self, name: &str, help: &str, value: f64) -> Result<(), fmt::Error> {
        self.0.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) -> Result<(), fmt::Error> {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        metric.encode_counter::<NoLabelSet, _, u64>(&value, None)
    }

    fn gauges(
        &mut self,
        name: &str,
        help: &str,
        values: impl Iterator<Item = (Vec<(&'static str, String)>, f64)>,
    ) -> Result<(), fmt::Error> {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in values {
            metric.encode_family(&Labels(labels))?.encode_gauge(&value)?;
        }
        Ok(())
    }

    fn counters(
        &mut self,
        name: &str,
        help: &str,
        values: impl Iterator<Item = (Vec<(&'static str, String)>, u64)>,
    ) -> Result<(), fmt::Error> {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in values {
            metric.encode_family(&Labels(labels))?.encode_counter::<NoLabelSet, _, u64>(&value, None)?;
        }
        Ok(())
    }

    fn times<'h>(
        &mut self,
        name: &str,
        help: &str,
        values: impl Iterator<Item = (Vec<(&'static str, String)>, &'h Histogram)>,
    ) -> Result<(), fmt::Error> {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Histogram)?;
        for (labels, micros) in values {
            let (sum, buckets) = buckets(micros);
            metric.encode_family(&Labels(labels))?.encode_histogram::<NoLabelSet>(
                sum,
                micros.total(),
                &buckets,
                None,
            )?;
        }
        Ok(())
    }
}

/// In seconds: the sum, and how many lie behind each bound and not behind the next. Both are of the upper ends of what was counted:
/// at most a quarter too high.
fn buckets(micros: &Histogram) -> (f64, Vec<(f64, u64)>) {
    let mut buckets: Vec<(f64, u64)> = BOUNDS.iter().map(|bound| (*bound as f64 / 1e6, 0)).collect();
    buckets.push((f64::INFINITY, 0));
    let mut sum = 0.0;
    for (highest, count) in micros.steps() {
        sum += highest as f64 / 1e6 * count as f64;
        let at = BOUNDS.iter().position(|bound| highest <= *bound).unwrap_or(BOUNDS.len());
        buckets[at].1 += count;
    }
    (sum, buckets)
}
