//! Records to put, of requests that were signed and verified: there is no other way to a claim.

use super::Place;
use crate::{
    Attempt, AuditRow, Delivery, Fence, Lease, Leased, NewEndpoint, Next, Publication, Record, Settled, Store,
};
use bytes::Bytes;
use countersign::{Context, Draft, Head, KeyId, Keyring, Registry, ReplayKey, Request, Timestamp, Vars};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

/// How long a claim is kept, in seconds.
pub(super) const KEEP: i64 = 600;

/// A moment, so many seconds after the one at which everything begins.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(1_760_000_400 + seconds)
}

/// Open the place, which has to work.
pub(super) async fn open(place: &dyn Place) -> Arc<dyn Store> {
    place.open().await.expect("an empty place can be opened, and one that was closed, and one that is open")
}

/// What a source remembers of message `id`, accepted so many seconds after the beginning: it is known for [`KEEP`] more.
pub(super) fn claim(source: &str, id: &str, seconds: i64) -> Vec<ReplayKey> {
    const URL: &str = "https://hooks.example.com/in";
    const PRESET: &str = "schema = 1\nname = \"suite\"\nmode = \"hmac\"\n[replay]\nkey = \"id\"\nkeep = 600\n\
        [hmac]\nalgorithm = \"sha256\"\nsigned_template = \"{id}.{body}\"\nid_source = { header = \"x-id\" }\n\
        signature_source = { header = \"x-mac\", encoding = \"hex\" }\nkey = { forms = [{ decode = \"text\" }] }";
    let mut registry = Registry::new();
    registry.add_preset("suite.toml", PRESET).expect("the preset is well formed");
    let compiled = registry.named("suite").expect("it compiles");
    let (keys, vars) = (Keyring::of("a secret of the suite, long enough").expect("a secret"), Vars::new());
    let signer = compiled.signer(&keys, &vars).expect("it can sign");
    let signed = signer.sign(&Draft::new(id, at(0), URL, b"{}")).expect("it signs");
    let headers: Vec<_> = signed.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
    let verifier = compiled.verifier(source, &keys, &vars).expect("it can verify");
    let request = Request::new(Head::new("POST", URL, &headers), b"{}");
    let outcome = verifier.verify(&request, &Context::at(at(0)));
    outcome.into_verified().expect("what was signed verifies").replay_keys(at(seconds))
}

/// Event `event` of source `orders`, accepted so many seconds after the beginning: it claims its own name and goes nowhere.
pub(super) fn record(event: &str, seconds: i64) -> Record {
    let source = "orders";
    Record {
        event: event.into(),
        source: source.into(),
        key: KeyId::new("main"),
        message_id: Some(event.into()),
        refused: None,
        kind: None,
        head: Bytes::from_static(b"POST /in"),
        body: Bytes::from_static(b"{}"),
        claims: claim(source, event, seconds),
        endpoints: Vec::new(),
        audit: AuditRow {
            event: Some(event.into()),
            repeated: Some(("replayed".into(), 208)),
            ..row(source, "ok", 200, seconds)
        },
        now: at(seconds),
    }
}

/// A record of another source.
pub(super) fn from(source: &str, record: Record) -> Record {
    Record { source: source.into(), audit: AuditRow { source: source.into(), ..record.audit }, ..record }
}

/// A row of the audit, without an event.
pub(super) fn row(source: &str, outcome: &str, status: u16, seconds: i64) -> AuditRow {
    AuditRow {
        at: at(seconds),
        source: source.into(),
        outcome: outcome.into(),
        status,
        event: None,
        columns: format!("{{\"z\":1, \"a\":{seconds}}}").into(),
        repeated: None,
    }
}

/// Whatever is due, of any endpoint, up to `max`.
pub(super) fn any(worker: &str, max: usize, now: i64, until: i64) -> Lease {
    Lease { worker: worker.into(), max, each: max, rooms: Vec::new(), now: at(now), until: at(until) }
}

/// A message of type `invoice.paid` to these endpoints.
pub(super) fn publication(event: &str, endpoints: &[&str], seconds: i64) -> Publication {
    Publication {
        event: event.into(),
        kind: "invoice.paid".into(),
        head: Bytes::from_static(b"{}"),
        body: Bytes::from_static(b"{\"data\":1}"),
        endpoints: endpoints.iter().copied().map(Arc::from).collect(),
        now: at(seconds),
    }
}

/// Add an endpoint without secrets.
pub(super) async fn endpoint(store: &dyn Store, name: &str) {
    let table = "url = \"https://books.example.com/in\"\n".into();
    let new = NewEndpoint { name: name.into(), table, secrets: Vec::new(), now: at(0) };
    assert_eq!(store.add_endpoint(new).await, Ok(true), "{name} is new");
}

/// What a lease takes.
pub(super) async fn leased(store: &dyn Store, lease: Lease) -> Vec<Leased> {
    store.lease(lease).await.expect("a lease")
}

/// Report an attempt: answered with 200 if nothing comes after it, and otherwise with 503.
pub(super) async fn settle(store: &dyn Store, fence: &Fence, now: i64, next: Next) -> Settled {
    let (status, error) = match next {
        Next::Done => (Some(200), None),
        _ => (Some(503), Some("it is down".into())),
    };
    let attempt = Attempt { at: at(now), status, error, next };
    store.settle(fence.clone(), attempt).await.expect("an answer")
}

/// The delivery of an event to an endpoint.
pub(super) async fn of_event(store: &dyn Store, event: &str, endpoint: &str) -> Delivery {
    let mut all = store.deliveries(event.into()).await.expect("deliveries").into_iter();
    all.find(|one| &*one.endpoint == endpoint).unwrap_or_else(|| panic!("{event} does not go to {endpoint}"))
}

/// Put events that claim nothing known, one after the other.
pub(super) async fn put_all(store: &dyn Store, records: impl IntoIterator<Item = Record>) {
    for record in records {
        let event = record.event.clone();
        let claim = store.put(record).await.unwrap_or_else(|error| panic!("{event}: {error}"));
        assert_eq!(claim, countersign::Claim::Fresh, "{event} was never seen before");
    }
}

/// Begin all of them before any is waited for; what they gave, in their order.
pub(super) async fn all_at_once<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    enum Step<F: Future> {
        Under(Pin<Box<F>>),
        Done(Option<F::Output>),
    }
    impl<F: Future> Unpin for Step<F> {}
    let mut steps: Vec<Step<F>> = futures.into_iter().map(|future| Step::Under(Box::pin(future))).collect();
    poll_fn(move |cx| {
        for step in &mut steps {
            if let Step::Under(future) = step
                && let Poll::Ready(output) = future.as_mut().poll(cx)
            {
                *step = Step::Done(Some(output));
            }
        }
        if steps.iter().any(|step| matches!(step, Step::Under(_))) {
            return Poll::Pending;
        }
        let outputs = steps.iter_mut().filter_map(|step| match step {
            Step::Done(output) => output.take(),
            Step::Under(_) => None,
        });
        Poll::Ready(outputs.collect())
    })
    .await
}
