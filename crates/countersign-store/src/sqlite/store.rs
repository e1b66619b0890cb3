//! [`Store`] on [`Sqlite`]: which thread does what.

use super::{Sqlite, deliveries, hours, prune, put, search, sources};
use crate::{
    Attempt, AuditRow, Changed, Claim, Delivery, Edit, Fence, Keep, KeyUse, Leased, Page, Queued, Record,
    Reply, Search, SecretRow, Settled, SourceRow, Store, StoredEvent, Tally,
};
use countersign::Timestamp;
use std::sync::Arc;

/// How many rows are forgotten in one step of the writer: a few milliseconds.
const STEP: usize = 128;

impl Store for Sqlite {
    fn put(&self, record: Record) -> Reply<'_, Claim> {
        self.write(put::size(&record), move |group| put::put(group, &record))
    }

    fn audit(&self, rows: Vec<AuditRow>) -> Reply<'_, ()> {
        let bytes = rows.iter().map(|row| row.columns.len() + 200).sum();
        self.write(bytes, move |group| put::audit(group, &rows))
    }

    fn tally(&self, tallies: Vec<Tally>) -> Reply<'_, ()> {
        self.write(tallies.len() * 500, move |group| hours::tally(group, &tallies))
    }

    fn matched(&self, uses: Vec<KeyUse>) -> Reply<'_, ()> {
        self.write(uses.len() * 100, move |group| hours::matched(group, &uses))
    }

    fn lease(
        &self,
        worker: Arc<str>,
        max: usize,
        now: Timestamp,
        until: Timestamp,
    ) -> Reply<'_, Vec<Leased>> {
        Box::pin(async move {
            let taken = self.write(0, move |group| deliveries::take(group, &worker, max, now, until)).await?;
            if taken.is_empty() {
                return Ok(Vec::new());
            }
            self.read(|db| deliveries::with_events(db, taken)).await
        })
    }

    fn settle(&self, fence: Fence, attempt: Attempt) -> Reply<'_, Settled> {
        self.write(0, move |group| deliveries::settle(group, &fence, &attempt))
    }

    fn redrive(&self, deliveries: Vec<Arc<str>>, now: Timestamp) -> Reply<'_, usize> {
        self.write(0, move |group| deliveries::redrive(group, &deliveries, now))
    }

    fn next_due(&self) -> Reply<'_, Option<Timestamp>> {
        self.read(deliveries::next_due)
    }

    fn audits(&self, search: Search) -> Reply<'_, Page<AuditRow>> {
        self.read(move |db| search::audits(db, &search))
    }

    fn events(&self, search: Search) -> Reply<'_, Page<StoredEvent>> {
        self.read(move |db| search::events(db, &search))
    }

    fn event(&self, id: Arc<str>) -> Reply<'_, Option<StoredEvent>> {
        self.read(move |db| search::event(db, &id))
    }

    fn deliveries(&self, event: Arc<str>) -> Reply<'_, Vec<Delivery>> {
        self.read(move |db| deliveries::of_event(db, &event))
    }

    fn queued(&self) -> Reply<'_, Queued> {
        self.read(deliveries::queued)
    }

    fn hours(&self, source: Option<Arc<str>>, from: Timestamp, to: Timestamp) -> Reply<'_, Vec<Tally>> {
        self.read(move |db| hours::hours(db, source.as_deref(), from, to))
    }

    fn sources(&self) -> Reply<'_, Vec<SourceRow>> {
        self.read(sources::all)
    }

    fn secrets(&self) -> Reply<'_, Vec<SecretRow>> {
        self.read(sources::secrets)
    }

    fn change(&self, edits: Vec<Edit>, expected: u64) -> Reply<'_, Changed> {
        self.write(0, move |group| sources::change(group, &edits, expected))
    }

    fn key_uses(&self) -> Reply<'_, Vec<KeyUse>> {
        self.read(hours::key_uses)
    }

    fn revision(&self) -> Reply<'_, u64> {
        self.read(sources::revision)
    }

    fn prune(&self, keep: Keep, max: usize) -> Reply<'_, usize> {
        Box::pin(async move {
            let mut gone = 0;
            let doomed = self.read(move |db| prune::find(db, keep, max)).await?;
            for step in doomed.steps(STEP) {
                gone += self.write(0, move |group| prune::forget(group, &step, keep)).await?;
            }
            Ok(gone)
        })
    }

    fn ready(&self) -> Reply<'_, ()> {
        self.write(0, |group| {
            group.db.prepare_cached("UPDATE counters SET next = next")?.execute([])?;
            Ok(())
        })
    }
}
