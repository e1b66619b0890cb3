//! What is counted, and what people change.

use super::Place;
use super::sample::{at, open, put_all, record};
use crate::{Histogram, KeyUse, SecretRow, SecretState, SourceRow, Tally};
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
    for row in [&whole, &bare] {
        store.save_source(row.clone()).await.expect("it is written");
    }
    let mut rows = store.sources().await.expect("sources");
    rows.sort_by(|one, other| one.name.cmp(&other.name));
    assert_eq!(rows, [bare.clone(), whole.clone()]);
    let changed = SourceRow { enabled: false, enforce: None, learns_until: None, changed_at: at(2), ..whole };
    store.save_source(changed.clone()).await.expect("it is written");
    store
        .save_secrets(vec![secret("orders", "main", 1), secret("billing", "main", 1)])
        .await
        .expect("written");
    assert_eq!(store.remove_source("billing".into()).await, Ok(true));
    assert_eq!(store.remove_source("billing".into()).await, Ok(false));
    let store = open(place).await;
    assert_eq!(store.sources().await, Ok(vec![changed]));
    assert_eq!(store.secrets().await, Ok(vec![secret("orders", "main", 1)]), "the other's is gone with it");
}

pub(super) async fn secrets_are_written_replaced_and_forgotten(place: &dyn Place) {
    let store = open(place).await;
    let whole = SecretRow {
        state: SecretState::Pending,
        not_before: Some(at(3)),
        not_after: Some(at(4)),
        ..secret("orders", "new", 2)
    };
    store.save_secrets(vec![secret("orders", "old", 1), whole.clone()]).await.expect("they are written");
    let confirmed = SecretRow { state: SecretState::Live, not_before: None, ..whole };
    store.save_secrets(vec![confirmed.clone()]).await.expect("it is written");
    let mut rows = open(place).await.secrets().await.expect("secrets");
    rows.sort_by_key(|row| row.created_at);
    assert_eq!(rows, [secret("orders", "old", 1), confirmed.clone()]);
    for (source, id, was) in [("orders", "old", true), ("orders", "old", false), ("billing", "new", false)] {
        assert_eq!(store.forget_secret(source.into(), id.into()).await, Ok(was), "{source} {id}");
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
    for step in 0..4 {
        match step {
            0 => one.save_source(row.clone()).await.expect("it is written"),
            1 => one.save_secrets(vec![secret("orders", "main", 1)]).await.expect("it is written"),
            2 => assert_eq!(one.forget_secret("orders".into(), "main".into()).await, Ok(true)),
            _ => assert_eq!(one.remove_source("orders".into()).await, Ok(true)),
        }
        let now = other.revision().await.expect("a revision");
        assert!(now > last, "step {step}: {now} after {last}");
        last = now;
    }
    assert_eq!(one.remove_source("orders".into()).await, Ok(false));
    put_all(&*one, [record("evt_1", 0)]).await;
    assert_eq!(other.revision().await, Ok(last), "nothing of sources and secrets was changed");
}

pub(super) async fn a_store_that_can_write_says_so(place: &dyn Place) {
    assert_eq!(open(place).await.ready().await, Ok(()));
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
