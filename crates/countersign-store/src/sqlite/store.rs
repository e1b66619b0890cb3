//! [`Store`] on [`Sqlite`]: which thread does what.

use super::group::Group;
use super::{Sqlite, deliveries, endpoints, hours, lease, prune, put, search, sources, types};
use crate::{
    Attempt, AuditRow, Changed, Claim, Delivery, DeliverySearch, Edit, EndpointRow, EventTypeRow, Fence,
    Keep, KeyUse, Lease, Leased, NewEndpoint, Page, Publication, Published, Queued, Record, Redriven, Reply,
    Search, SecretRow, Settled, SourceRow, Store, StoredEvent, Tally,
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

    fn publish(&self, publication: Publication) -> Reply<'_, Published> {
        let bytes = publication.head.len() + publication.body.len();
        self.write(bytes, move |group| put::publish(group, &publication))
    }

    fn lease(&self, lease: Lease) -> Reply<'_, Vec<Leased>> {
        Box::pin(async move {
            let (now, until) = (lease.now, lease.until);
            let taken = self.write(0, move |group| lease::take(group, &lease)).await?;
            if taken.is_empty() {
                return Ok(Vec::new());
            }
            let held: Vec<_> = taken.iter().map(lease::Taken::held).collect();
            let read = self.read(|db| lease::with_events(db, taken)).await;
            let (leased, unreadable, later) = match read {
                Ok(lease::Whole { leased, unreadable, later }) => (Ok(leased), unreadable, later),
                Err(error) => (Err(error), Vec::new(), held),
            };
            if !(unreadable.is_empty() && later.is_empty()) {
                // If this cannot be written, their leases run out. The others are leased in either case.
                let ended = move |group: &mut Group<'_>| {
                    lease::bury(group, &unreadable, now)?;
                    lease::give_back(group, &later, until)
                };
                let _ = self.write(0, ended).await;
            }
            leased
        })
    }

    fn settle(&self, fence: Fence, attempt: Attempt) -> Reply<'_, Settled> {
        self.write(0, move |group| deliveries::settle(group, &fence, &attempt))
    }

    fn redrive(&self, deliveries: Vec<(Arc<str>, Timestamp)>, force: bool) -> Reply<'_, Vec<Redriven>> {
        self.write(deliveries.len() * 50, move |group| deliveries::redrive(group, &deliveries, force))
    }

    fn cancel(&self, deliveries: Vec<Arc<str>>, now: Timestamp) -> Reply<'_, Vec<bool>> {
        self.write(deliveries.len() * 50, move |group| deliveries::cancel(group, &deliveries, now))
    }

    fn next_due(&self, but: Vec<Arc<str>>) -> Reply<'_, Option<Timestamp>> {
        self.read(move |db| lease::next_due(db, &but))
    }

    fn delivery(&self, id: Arc<str>) -> Reply<'_, Option<Delivery>> {
        self.read(move |db| deliveries::one(db, &id))
    }

    fn find_deliveries(&self, search: DeliverySearch) -> Reply<'_, Page<Delivery>> {
        self.read(move |db| search::deliveries(db, &search))
    }

    fn add_endpoint(&self, new: NewEndpoint) -> Reply<'_, bool> {
        self.write(new.table.len(), move |group| endpoints::add(group, &new))
    }

    fn endpoints(&self) -> Reply<'_, Vec<EndpointRow>> {
        self.read(endpoints::all)
    }

    fn pause(&self, endpoint: Arc<str>, reason: Arc<str>, now: Timestamp) -> Reply<'_, bool> {
        self.write(0, move |group| endpoints::pause(group, &endpoint, &reason, now))
    }

    fn resume(&self, endpoint: Arc<str>, now: Timestamp) -> Reply<'_, bool> {
        self.write(0, move |group| endpoints::resume(group, &endpoint, now))
    }

    fn remove_endpoint(&self, name: Arc<str>, now: Timestamp) -> Reply<'_, bool> {
        self.write(0, move |group| endpoints::remove(group, &name, now))
    }

    fn event_types(&self) -> Reply<'_, Vec<EventTypeRow>> {
        self.read(types::all)
    }

    fn save_event_type(&self, row: EventTypeRow) -> Reply<'_, ()> {
        let bytes = row.schema.as_ref().map_or(0, |schema| schema.len());
        self.write(bytes, move |group| types::save(group, &row))
    }

    fn remove_event_type(&self, name: Arc<str>) -> Reply<'_, bool> {
        self.write(0, move |group| types::remove(group, &name))
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
