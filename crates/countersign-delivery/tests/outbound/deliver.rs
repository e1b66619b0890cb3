//! One message to one receiver, without a store.

use crate::receiver::{Receiver, Step};
use crate::world::{Hand, START, client, message, signer, target, verifies, waits};
use countersign::{Clock, Timestamp};
use countersign_delivery::{
    End, MAX_RETRY_AFTER, Policy, Report, Schedule, Sending, Target, Then, Transport, deliver,
};
use countersign_egress::{
    Client, HeaderMap, HeaderValue, Limits, Looking, Lookup, Reach, Refused, Request, Response, Why,
};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// To a receiver that takes these steps, with waits of a few milliseconds.
async fn to(steps: &[Step], schedule: Schedule) -> (Report, Receiver) {
    let receiver = Receiver::steps(steps).await;
    let target = target(&receiver, Policy::default().schedule(schedule));
    let report = deliver(&target, &message("msg_1"), &Hand::default(), &|| 0.5).await;
    (report, receiver)
}

#[tokio::test]
async fn a_message_arrives_as_it_was_spelled_and_verifies() {
    let (report, receiver) = to(&[Step::Status(204)], waits(&[])).await;
    assert_eq!((report.end, report.attempts.len()), (End::Delivered, 1));
    assert_eq!((report.attempts[0].status, report.attempts[0].error.as_deref()), (Some(204), None));
    let seen = &receiver.seen()[0];
    assert_eq!(&seen.body[..], &message("msg_1").body[..]);
    assert!(seen.head.starts_with("POST /in HTTP/1.1"));
    assert!(verifies(seen, 0, START) && !verifies(seen, 1, START));
    let told = ["content-type", "webhook-id", "webhook-topic", "webhook-type"].map(|name| seen.header(name));
    assert_eq!(told, ["application/json", "msg_1", "billing", "invoice.paid"].map(Some));
}

#[tokio::test]
async fn what_fails_for_now_is_tried_again_and_arrives_at_last() {
    let steps = [408, 425, 429, 500, 503, 302].map(Step::Status);
    let steps = [&steps[..], &[Step::Reset, Step::Slow(Duration::from_millis(30), 200)]].concat();
    let (report, receiver) = to(&steps, waits(&[1; 9])).await;
    assert_eq!(report.end, End::Delivered);
    let told: Vec<_> = report.attempts.iter().map(|tried| tried.status).collect();
    assert_eq!(told, [Some(408), Some(425), Some(429), Some(500), Some(503), None, None, Some(200)]);
    let why = |n: usize| report.attempts[n].error.clone().unwrap();
    assert_eq!(why(3), "the answer was 500");
    assert!(why(5).starts_with("redirect: ") && why(6).starts_with("broken: "), "{} {}", why(5), why(6));
    assert!(report.attempts[7].took >= Duration::from_millis(30));
    assert_eq!(receiver.count(), 8);
}

#[tokio::test]
async fn what_keeps_failing_is_given_up_after_the_last_attempt() {
    let (report, receiver) = to(&[Step::Status(500)], waits(&[1, 1])).await;
    assert_eq!((report.end, report.attempts.len(), receiver.count()), (End::GivenUp, 3, 3));
    assert_eq!(report.attempts[2].then, Then::GiveUp);
}

#[tokio::test]
async fn what_the_receiver_refuses_is_not_tried_again() {
    for status in [400, 401, 403, 404, 409, 413, 422] {
        let (report, receiver) = to(&[Step::Status(status)], waits(&[1; 9])).await;
        assert_eq!((report.end, receiver.count()), (End::GivenUp, 1), "{status}");
    }
    let (report, receiver) = to(&[Step::Status(410)], waits(&[1; 9])).await;
    assert_eq!((report.end, receiver.count()), (End::Gone, 1));
}

/// Every name leads to a private address.
struct Private;

impl Lookup for Private {
    fn lookup(&self, _: &str) -> Looking {
        Box::pin(async { Ok(vec!["10.0.0.1".parse().unwrap()]) })
    }
}

#[tokio::test]
async fn what_our_own_rule_of_addresses_refuses_is_given_up_at_once() {
    let client = Client::builder().lookup(Arc::new(Private)).build().unwrap();
    let target =
        Target::builder("https://inside.example/in", signer(), Arc::new(client)).build(START).unwrap();
    let report = deliver(&target, &message("msg_1"), &Hand::default(), &|| 0.5).await;
    assert_eq!((report.end, report.attempts.len()), (End::GivenUp, 1));
    let why = report.attempts[0].error.as_deref().unwrap();
    assert!(why.starts_with("address-refused: ") && why.contains("10.0.0.1 is private"), "{why}");
}

/// A client of one's own: it notes when it is asked, and answers by a script. Nothing leaves the process.
struct Scripted {
    answer: Box<dyn Fn(usize) -> Answer + Send + Sync>,
    asked: Mutex<Vec<(Instant, Request)>>,
}

enum Answer {
    Status(u16, Option<String>),
    Panic,
    Never,
}

impl Scripted {
    fn new(answer: impl Fn(usize) -> Answer + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Scripted { answer: Box::new(answer), asked: Mutex::default() })
    }

    fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

impl Transport for Scripted {
    fn send<'a>(&'a self, request: Request, _: &'a Limits) -> Sending<'a> {
        Box::pin(async move {
            self.asked.lock().unwrap().push((Instant::now(), request));
            match (self.answer)(self.count() - 1) {
                Answer::Panic => panic!("a defect of somebody else's"),
                Answer::Never => std::future::pending().await,
                Answer::Status(status, after) => {
                    let mut headers = HeaderMap::new();
                    if let Some(after) = after {
                        headers.insert("retry-after", HeaderValue::from_str(&after).unwrap());
                    }
                    Ok(Response::new(status, headers, ""))
                }
            }
        })
    }

    fn judge(&self, _: &str) -> Result<(), Refused> {
        Ok(())
    }
}

/// A clock that goes as the runtime's does: by itself, where time is virtual.
struct Virtual(Instant);

impl Clock for Virtual {
    fn now(&self) -> Timestamp {
        START.after(self.0.elapsed())
    }
}

async fn by(client: &Arc<Scripted>, policy: Policy) -> Report {
    let target = Target::builder("https://x.example/in", signer(), client.clone()).policy(policy);
    let clock = Virtual(Instant::now());
    deliver(&target.build(START).unwrap(), &message("msg_1"), &clock, &|| 0.5).await
}

/// How long was waited between two attempts.
fn gaps(client: &Scripted) -> Vec<u64> {
    let asked = client.asked.lock().unwrap();
    asked.windows(2).map(|pair| (pair[1].0 - pair[0].0).as_secs()).collect()
}

#[tokio::test(start_paused = true)]
async fn the_default_schedule_is_ten_attempts_over_three_days() {
    let client = Scripted::new(|_| Answer::Status(500, None));
    let report = by(&client, Policy::default()).await;
    assert_eq!((report.end, client.count()), (End::GivenUp, 10));
    assert_eq!(gaps(&client), [5, 60, 300, 1800, 7200, 21_600, 43_200, 86_400, 86_400]);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_says_how_long_to_wait_in_seconds_or_by_a_date_and_a_day_at_most() {
    let date = "Tue, 14 Nov 2023 22:33:20 GMT"; // 20 minutes after the start
    let cases = [
        ("120", 120),
        (date, 1200),
        ("1", 60),
        ("Tue, 14 Nov 2023 22:00:00 GMT", 60),
        ("99999999999999999999", MAX_RETRY_AFTER.as_secs()),
        ("-1", 60),
    ];
    for (says, waited) in cases {
        for status in [429, 503] {
            let client = Scripted::new(move |n| match n {
                0 => Answer::Status(status, Some(says.into())),
                _ => Answer::Status(200, None),
            });
            let report = by(&client, Policy::default().schedule(waits(&[60_000]))).await;
            assert_eq!((report.end, gaps(&client)), (End::Delivered, vec![waited]), "{says}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_panics_or_never_ends_costs_one_attempt() {
    let client = Scripted::new(|n| match n {
        0 => Answer::Panic,
        1 => Answer::Never,
        _ => Answer::Status(200, None),
    });
    let report = by(&client, Policy::default()).await;
    assert_eq!((report.end, report.attempts.len()), (End::Delivered, 3));
    let why = |n: usize| report.attempts[n].error.as_deref().unwrap().to_owned();
    assert!(why(0).starts_with("a defect: ") && why(1).starts_with("timed-out: "), "{} {}", why(0), why(1));
}

#[tokio::test(start_paused = true)]
async fn no_more_attempts_are_made_than_its_endpoint_wants() {
    for attempts in [1, 2, 10] {
        let client = Scripted::new(|_| Answer::Status(500, None));
        let report = by(&client, Policy::default().attempts(attempts).unwrap()).await;
        assert_eq!((report.end, client.count() as u64), (End::GivenUp, attempts));
    }
}

/// The real client, in less time than an operator could say.
pub(crate) struct Hurried(pub(crate) Client, pub(crate) Duration);

impl Transport for Hurried {
    fn send<'a>(&'a self, request: Request, limits: &'a Limits) -> Sending<'a> {
        let limits = limits.time(self.1);
        Box::pin(async move { self.0.send(request, &limits).await })
    }

    fn judge(&self, url: &str) -> Result<(), Refused> {
        self.0.reach().judge_url(url).map(drop)
    }
}

#[tokio::test]
async fn a_receiver_that_hangs_costs_the_time_of_an_attempt_and_no_more() {
    let receiver = Receiver::steps(&[Step::Hang, Step::Drip, Step::Status(200)]).await;
    let client = Arc::new(Hurried(client([receiver.port]), Duration::from_millis(200)));
    let policy = Policy::default().schedule(waits(&[1, 1]));
    let target = Target::builder(receiver.url(), signer(), client).policy(policy).build(START).unwrap();
    let report = deliver(&target, &message("msg_1"), &Hand::default(), &|| 0.5).await;
    assert_eq!(report.end, End::Delivered);
    for tried in &report.attempts[..2] {
        assert!(tried.error.as_deref().unwrap().starts_with("timed-out"), "{tried:?}");
        assert!(tried.took >= Duration::from_millis(200) && tried.took < Duration::from_secs(10));
    }
}

#[tokio::test]
async fn of_a_long_answer_only_the_beginning_is_read() {
    let length = 200 << 20;
    let (report, receiver) = to(&[Step::Long(length)], waits(&[])).await;
    assert_eq!((report.end, report.attempts[0].status), (End::Delivered, Some(200)));
    // What fits into the buffers of two sockets, and not what it would have liked to send.
    assert!(receiver.written() < length / 4, "{} bytes went out", receiver.written());
}

#[tokio::test]
async fn an_endpoint_that_nobody_listens_at_is_tried_again() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let target = Target::builder(format!("http://{address}/in"), signer(), Arc::new(client([port])));
    let policy = Policy::default().schedule(waits(&[1]));
    let target = target.policy(policy).build(START).unwrap();
    let count = AtomicUsize::new(0);
    let chance = || {
        count.fetch_add(1, Ordering::SeqCst);
        0.5
    };
    let report = deliver(&target, &message("msg_1"), &Hand::default(), &chance).await;
    assert_eq!((report.end, report.attempts.len(), count.into_inner()), (End::GivenUp, 2, 2));
    assert!(report.attempts[0].error.as_deref().unwrap().starts_with("connect: "));
    assert_eq!(Why::Connect.word(), "connect");
}

#[test]
fn what_networks_may_be_called_is_the_clients_business() {
    let client = Client::builder().reach(Reach::public()).build().unwrap();
    let refused = Target::builder("https://169.254.169.254/latest", signer(), Arc::new(client)).build(START);
    let says = refused.err().unwrap().to_string();
    assert!(says.starts_with("address-refused: 169.254.169.254"), "{says}");
}
