//! `--bad`: what a receiver must refuse, and whether it did.
//!
//! The surprising decision is a third answer. A 404 or a 503 refuses, but says nothing of the signature, and a second copy that is
//! answered as the first was may have been taken twice or known and passed over. Neither is called right: the exit code is then that of
//! a search which found nothing.

use super::message;
use crate::args::{Bad, Format, SendArgs};
use crate::error::{Exit, Failure};
use crate::operate::Tools;
use crate::output::{self, BAD, CARE, GOOD};
use crate::request::Stdin;
use crate::time;
use countersign::{Binds, Compiled, Timestamp};
use countersign_delivery::{Canonical, Prepared, Target, Unprepared};
use countersign_egress::{Refused, Response};
use countersign_gateway::operate::AimWith;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

/// How much older than its preset allows a stale message is, at least: receivers may allow more than that.
const LONG_AGO: Duration = Duration::from_secs(86_400);

/// Where it is sent, and what signs.
pub(super) struct Aimed {
    pub(super) target: Target,
    pub(super) compiled: Arc<Compiled>,
}

/// What came of it.
#[derive(Serialize)]
struct Outcome {
    bad: &'static str,
    id: String,
    /// What was answered, in order; a body as text, cut.
    answers: Vec<Answer>,
    /// `refused`, `duplicate`, `accepted` or `unproven`.
    verdict: &'static str,
    says: String,
}

#[derive(Eq, PartialEq, Serialize)]
struct Answer {
    status: u16,
    body: String,
}

/// To one endpoint of the store, unrecorded.
pub(super) fn endpoint(args: &SendArgs, bad: Bad) -> Result<Exit, Failure> {
    args.expect_store()?;
    let [name] = &args.endpoint[..] else {
        return Err(Failure::usage("--bad is sent to one receiver").next("--endpoint NAME, or --url URL"));
    };
    let message = message(args, time::now(), &mut Stdin::default())?;
    let tools = Tools::with_key(&args.gateway)?;
    let with = if bad == Bad::Secret { AimWith::Another } else { AimWith::Its };
    let aim = tools.run(tools.operator.aim(name, with))?;
    let aimed = Aimed { target: aim.target, compiled: aim.compiled };
    tools.wait(send(&aimed, &message, bad, args.format()))
}

/// Send it, and say whether the receiver did right.
pub(super) async fn send(
    aimed: &Aimed,
    message: &Canonical,
    bad: Bad,
    format: Format,
) -> Result<Exit, Failure> {
    let Aimed { target, compiled } = aimed;
    let now = time::now();
    let mut prepared = prepare(target, message, signed_at(compiled, bad, now)?)?;
    if bad == Bad::Body {
        change(compiled, &mut prepared.request.body)?;
    }
    let mut answers = vec![answered(&prepared).await?];
    if bad == Bad::Replay && is_success(&answers[0]) {
        answers.push(answered(&prepared).await?);
    }
    let (verdict, says) = match (bad, &answers[..]) {
        (Bad::Replay, [first, second]) => twice(first, second),
        (Bad::Replay, _) => ("unproven", "the first of the two is a good one, and was not accepted".into()),
        (_, all) => once(bad, &all[0]),
    };
    let bad = match bad {
        Bad::Stale => "stale",
        Bad::Body => "body",
        Bad::Secret => "secret",
        Bad::Replay => "replay",
    };
    told(&Outcome { bad, id: message.id.to_string(), answers, verdict, says }, format)
}

/// When it is signed: now, or beyond what its preset allows.
fn signed_at(compiled: &Compiled, bad: Bad, now: Timestamp) -> Result<Timestamp, Failure> {
    if bad != Bad::Stale {
        return Ok(now);
    }
    let name = &compiled.preset().name;
    let Some(fresh) = compiled.freshness() else {
        return Err(Failure::usage(format!(
            "--bad stale: `{name}` signs no time, and nothing is stale by it"
        ))
        .next("a receiver of it knows old messages by their ids: --bad replay"));
    };
    let ago = i64::try_from((fresh.tolerance.past + LONG_AGO).as_millis()).unwrap_or(i64::MAX);
    Ok(Timestamp::from_unix_ms(now.unix_ms().saturating_sub(ago)))
}

/// Change what was signed, so that it is still JSON and says something else.
fn change(compiled: &Compiled, body: &mut [u8]) -> Result<(), Failure> {
    let name = &compiled.preset().name;
    if !compiled.needs().binds.contains(Binds::BODY) {
        return Err(Failure::usage(format!(
            "--bad body: `{name}` does not sign the body, and no receiver can tell"
        ))
        .next("take a preset that does: `countersign preset list --columns name,binds`"));
    }
    // Behind it may stand what the signer wrote, a time for one.
    let version: &[u8] = b"\"version\":1";
    let Some(at) = body.windows(version.len()).rposition(|window| window == version) else {
        return Err(Failure::usage(format!(
            "--bad body: `{name}` sends the message in another form than JSON"
        ))
        .next("--bad secret is refused for the same reason"));
    };
    body[at + version.len() - 1] = b'7';
    Ok(())
}

fn prepare(target: &Target, message: &Canonical, at: Timestamp) -> Result<Prepared, Failure> {
    target.prepare(message, at).map_err(|why| match why {
        Unprepared::Later(says) => {
            Failure::key(format!("not sent: {says}")).next("see that a secret may sign at that time")
        }
        Unprepared::Never(says) => Failure::usage(format!("not sent: {says}"))
            .next("this preset signs what the message does not have; with --url, --header 'Name: value' adds a header"),
        _ => Failure::key("not sent: it cannot be made ready"),
    })
}

/// How much of an answer is shown, in characters.
const SHOWN: usize = 200;

async fn answered(prepared: &Prepared) -> Result<Answer, Failure> {
    let sent: Result<Response, Refused> =
        prepared.client.send(prepared.request.clone(), &prepared.limits).await;
    let Response { status, body, .. } =
        sent.map_err(|refused| Failure::stream("send it", &refused.what).next(refused.why.advice()))?;
    let body = String::from_utf8_lossy(&body).trim().chars().take(SHOWN).collect();
    Ok(Answer { status, body })
}

fn is_success(answer: &Answer) -> bool {
    (200..300).contains(&answer.status)
}

/// Whether an answer refuses a message for what it is. 404 and its like refuse whatever comes.
fn refuses(status: u16) -> bool {
    (400..500).contains(&status) && ![404, 405, 408, 410, 413, 415, 425, 429].contains(&status)
}

fn once(bad: Bad, answer: &Answer) -> (&'static str, String) {
    let what = match bad {
        Bad::Stale => "a message that was signed long ago",
        Bad::Body => "a body that was changed after it was signed",
        Bad::Secret => "a signature of another secret",
        Bad::Replay => "a message that it had taken before",
    };
    match answer.status {
        200..300 => ("accepted", format!("the receiver accepted {what}: anybody can send it such")),
        status if refuses(status) => ("refused", format!("the receiver refused {what}, as it must")),
        status @ 500..600 => (
            "unproven",
            format!(
                "{status} is a failure of the receiver, and not a refusal: senders would try it again. 400 or 401 refuses"
            ),
        ),
        status => (
            "unproven",
            format!("{status} says nothing of the signature: see that the URL is the receiver's"),
        ),
    }
}

fn twice(first: &Answer, second: &Answer) -> (&'static str, String) {
    if !is_success(second) {
        return match refuses(second.status) {
            true => ("refused", "the receiver took the first, and refused the second".into()),
            false => once(Bad::Replay, second),
        };
    }
    match first == second {
        false => (
            "duplicate",
            "the receiver took the first, and answered the second otherwise: as a duplicate".into(),
        ),
        true => (
            "unproven",
            "the second was answered as the first was: so do receivers that know a duplicate by its id, and those that take it twice. See there that it was taken once".into(),
        ),
    }
}

fn told(outcome: &Outcome, format: Format) -> Result<Exit, Failure> {
    let Outcome { bad, id, answers, verdict, says } = outcome;
    let (style, mark, exit) = match *verdict {
        "refused" | "duplicate" => (GOOD, "✓", Exit::Done),
        "accepted" => (BAD, "✗", Exit::No),
        _ => (CARE, "?", Exit::Nothing),
    };
    if format == Format::Json {
        output::print_json(outcome)?;
        return Ok(exit);
    }
    let mut out = format!("{}: {says}\n", output::styled(style, &format!("{mark} {bad}: {verdict}")));
    let mut facts = vec![("message", output::plain(id))];
    for Answer { status, body } in answers {
        let body = if body.is_empty() { String::new() } else { format!(": {}", output::plain(body)) };
        facts.push(("answered", format!("{status}{body}")));
    }
    output::facts(&mut out, &facts);
    output::print(&out)?;
    if *verdict == "refused" {
        output::note("that good ones are accepted is another question: send one without --bad");
    }
    Ok(exit)
}
