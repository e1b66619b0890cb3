//! What is counted, and what people change.

use super::Place;
use super::sample::{all_at_once, at, open, put_all, record};
use crate::{Changed, Edit, Histogram, KeyUse, SecretRow, SecretState, SourceRow, Store, Tally};
use std::sync::Arc;

pub(super) async fn hours_add_up(place: &dyn Place) {
    let stores = [open(place).await, open(place).await];
    let tally = |source: &str, hour: i64, outcome: &str, times: &[u64], last: i64| {
        let mut micros = Histogram::default();
        times.iter().for_each(|time| micros.add(*time));
        Tally {
            source: source.into(),
            hour: at(hour * 3600),
            outcome: outcome.into(),
            count: times.len() as u64,
            last_at: at(last),
            micros,
        }
    };
    let given = [
        vec![tally("orders", 0, "ok", &[5, 7], 10), tally("orders", 0, "stale", &[9], 11)],
        vec![tally("orders", 0, "ok", &[5], 9), tally("billing", 0, "ok", &[1], 1)],
        vec![tally("orders", 1, "ok", &[800], 3700), tally("orders", 0, "ok", &[], 8)],
        Vec::new(),
    ];
    for (number, tallies) in given.into_iter().enumerate() {
        stores[number % 2].tally(tallies).await.expect("they are added");
    }
    let hours = |source: Option<&str>, from: i64, to: i64| {
        stores[0].hours(source.map(Arc::from), at(from * 3600), at(to * 3600))
    };
    let sum = tally("orders", 0, "ok", &[5, 7, 5], 10);
    let stale = tally("orders", 0, "stale", &[9], 11);
    let later = tally("orders", 1, "ok", &[800], 3700);
    assert_eq!(hours(Some("orders"), 0, 2).await, Ok(vec![sum.clone(), stale.clone(), later.clone()]));
    assert_eq!(hours(Some("orders"), 0, 1).await, Ok(vec![sum, stale]), "the end is not inside");
    assert_eq!(hours(Some("orders"), 1, 9).await, Ok(vec![later]));
    assert_eq!(hours(Some("none"), 0, 9).await, Ok(Vec::new()));
    let all = hours(None, 0, 2).await.expect("hours");
    assert_eq!(all.iter().map(|hour| hour.count).sum::<u64>(), 6);
    assert!(all.is_sorted_by_key(|hour| hour.hour), "the oldest first");
}

pub(super) async fn a_key_was_last_used_at_its_latest_use(place: &dyn Place) {
    let store = open(place).await;
    let key_use =
        |source: &str, key: &str, seconds| KeyUse { source: source.into(), key: key.into(), at: at(seconds) };
    store.matched(vec![key_use("orders", "new", 5), key_use("orders", "old", 1)]).await.expect("written");
    store.matched(vec![key_use("orders", "new", 9), key_use("orders", "new", 7)]).await.expect("written");
    store.matched(vec![key_use("orders", "new", 3), key_use("billing", "new", 2)]).await.expect("written");
    let mut uses = open(place).await.key_uses().await.expect("uses");
    uses.sort_by_key(|one| one.at);
    assert_eq!(
        uses,
        [key_use("orders", "old", 1), key_use("billing", "new", 2), key_use("orders", "new", 9)]
    );
}

pub(super) async fn sources_are_written_replaced_and_removed_with_their_secrets(place: &dyn Place) {
    let store = open(place).await;
    assert_eq!(store.sources().await, Ok(Vec::new()));
    let whole = SourceRow {
        name: "orders".into(),
        table: Some("path = \"/in/orders\"\n".into()),
        enabled: true,
        enforce: Some("observe".into()),
        learns_until: Some(at(60)),
        changed_at: at(1),
    };
    let bare = SourceRow {
        name: "billing".into(),
        table: None,
        enabled: false,
        enforce: None,
        learns_until: None,
        ..whole.clone()
    };
    change(&*store, [Edit::Source(whole.clone()), Edit::Source(bare.clone())]).await;
    let mut rows = store.sources().await.expect("sources");
    rows.sort_by(|one, other| one.name.cmp(&other.name));
    assert_eq!(rows, [bare.clone(), whole.clone()]);
    let changed = SourceRow { enabled: false, enforce: None, learns_until: None, changed_at: at(2), ..whole };
    let [of_orders, of_billing] = ["orders", "billing"].map(|source| secret(source, "main", 1));
    let edits = [Edit::Source(changed.clone()), Edit::Secret(of_orders.clone()), Edit::Secret(of_billing)];
    change(&*store, edits).await;
    let used = |source: &str| KeyUse { source: source.into(), key: "main".into(), at: at(3) };
    store.matched(vec![used("orders"), used("billing")]).await.expect("written");
    change(&*store, [Edit::Gone("billing".into())]).await;
    let store = open(place).await;
    assert_eq!(store.sources().await, Ok(vec![changed]));
    assert_eq!(store.secrets().await, Ok(vec![of_orders.clone()]), "the other's is gone with it");
    assert_eq!(store.key_uses().await, Ok(vec![used("orders")]), "and so is when it matched");
    change(&*store, [Edit::Unsaid("orders".into())]).await;
    assert_eq!(store.sources().await, Ok(Vec::new()));
    assert_eq!(store.secrets().await, Ok(vec![of_orders]), "what was said of it is gone, and nothing else");
}

pub(super) async fn secrets_are_written_replaced_and_forgotten(place: &dyn Place) {
    let store = open(place).await;
    let whole = SecretRow {
        state: SecretState::Pending,
        not_before: Some(at(3)),
        not_after: Some(at(4)),
        ..secret("orders", "new", 2)
    };
    change(&*store, [Edit::Secret(secret("orders", "old", 1)), Edit::Secret(whole.clone())]).await;
    let confirmed = SecretRow { state: SecretState::Live, not_before: None, ..whole };
    change(&*store, [Edit::Secret(confirmed.clone())]).await;
    let mut rows = open(place).await.secrets().await.expect("secrets");
    rows.sort_by_key(|row| row.created_at);
    assert_eq!(rows, [secret("orders", "old", 1), confirmed.clone()]);
    for (source, id) in [("orders", "old"), ("orders", "old"), ("billing", "new")] {
        change(&*store, [Edit::Forgotten { source: source.into(), id: id.into() }]).await;
    }
    assert_eq!(store.secrets().await, Ok(vec![confirmed]));
}

pub(super) async fn every_change_of_sources_and_secrets_is_seen_by_others(place: &dyn Place) {
    let (one, other) = (open(place).await, open(place).await);
    let row = SourceRow {
        name: "orders".into(),
        table: None,
        enabled: true,
        enforce: None,
        learns_until: None,
        changed_at: at(0),
    };
    let mut last = other.revision().await.expect("a revision");
    let forgotten = Edit::Forgotten { source: "orders".into(), id: "main".into() };
    let edits = [
        Edit::Source(row.clone()),
        Edit::Secret(secret("orders", "main", 1)),
        forgotten.clone(),
        Edit::Unsaid("orders".into()),
        Edit::Source(row),
        Edit::Gone("orders".into()),
    ];
    for (step, edit) in edits.into_iter().enumerate() {
        change(&*one, [edit]).await;
        let now = other.revision().await.expect("a revision");
        assert!(now > last, "step {step}: {now} after {last}");
        last = now;
    }
    change(&*one, [forgotten, Edit::Unsaid("orders".into()), Edit::Gone("orders".into())]).await;
    change(&*one, []).await;
    put_all(&*one, [record("evt_1", 0)]).await;
    assert_eq!(other.revision().await, Ok(last), "nothing of sources and secrets was changed");
}

pub(super) async fn what_was_overtaken_is_not_written(place: &dyn Place) {
    let (one, other) = (open(place).await, open(place).await);
    let read = one.revision().await.expect("a revision");
    change(&*other, [Edit::Secret(secret("orders", "main", 1))]).await;
    let now = other.revision().await.expect("a revision");
    let edits = vec![Edit::Secret(secret("orders", "new", 2)), Edit::Gone("billing".into())];
    for expected in [read, now + 1] {
        assert_eq!(one.change(edits.clone(), expected).await, Ok(Changed::Overtaken), "at {expected}");
        assert_eq!(one.change(Vec::new(), expected).await, Ok(Changed::Overtaken), "nor was nothing");
    }
    assert_eq!(one.secrets().await, Ok(vec![secret("orders", "main", 1)]), "none of it");
    assert_eq!(one.revision().await, Ok(now));
    assert_eq!(one.change(edits, now).await, Ok(Changed::Written));
    assert_eq!(other.secrets().await.map(|rows| rows.len()), Ok(2));
}

pub(super) async fn of_many_that_change_at_once_one_is_written(place: &dyn Place) {
    let stores = [open(place).await, open(place).await];
    let read = stores[0].revision().await.expect("a revision");
    let changes = (0..32).map(|number| {
        let edit = Edit::Secret(secret("orders", &format!("number {number}"), 1));
        stores[number % 2].change(vec![edit], read)
    });
    let changed = all_at_once(changes).await;
    let written: Vec<usize> = (0..32).filter(|number| changed[*number] == Ok(Changed::Written)).collect();
    assert_eq!(written.len(), 1, "of 32 that had read the same, these were told that they were written");
    assert_eq!(changed.iter().filter(|changed| **changed == Ok(Changed::Overtaken)).count(), 31);
    let rows = stores[0].secrets().await.expect("secrets");
    let ids: Vec<String> = rows.iter().map(|row| row.id.to_string()).collect();
    assert_eq!(ids, [format!("number {}", written[0])]);
}

pub(super) async fn a_store_that_can_write_says_so(place: &dyn Place) {
    assert_eq!(open(place).await.ready().await, Ok(()));
}

/// As of now: nobody else changes anything.
async fn change(store: &dyn Store, edits: impl IntoIterator<Item = Edit>) {
    let read = store.revision().await.expect("a revision");
    let edits = edits.into_iter().collect();
    assert_eq!(store.change(edits, read).await, Ok(Changed::Written));
}

fn secret(source: &str, id: &str, seconds: i64) -> SecretRow {
    SecretRow {
        source: source.into(),
        id: id.into(),
        sealed: vec![0, 255, seconds as u8].into(),
        fingerprint: "a1b2".into(),
        state: SecretState::Live,
        not_before: None,
        not_after: None,
        created_at: at(seconds),
    }
}
