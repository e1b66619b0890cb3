//! `countersign send`: a message written into the store for a gateway to deliver, or sent at once by this command.

mod bad;
mod direct;
mod follow;

use crate::args::{Format, SendArgs};
use crate::error::{Exit, Failure};
use crate::operate::{Tools, moment};
use crate::output::{self, HEAD, plain};
use crate::request::{self, Stdin};
use countersign::Timestamp;
use countersign_delivery::{Canonical, MAX_MESSAGE, Message, MessageId};
use countersign_gateway::operate::{MessageSent, NewMessage, TOPIC};
use countersign_gateway::secrets::system_random;
use serde_json::value::RawValue;
use std::path::Path;

/// Do it.
pub(crate) fn run(args: &SendArgs) -> Result<Exit, Failure> {
    Stdin::check(&args.direct.keys.secret, &[(args.payload == "-").then_some("-")])?;
    match (&args.direct.url, args.bad) {
        (Some(url), _) => direct::run(args, url),
        (None, Some(bad)) => bad::endpoint(args, bad),
        (None, None) => publish(args),
    }
}

fn publish(args: &SendArgs) -> Result<Exit, Failure> {
    let SendArgs { kind, payload, topic, id, time, endpoint, wait, gateway, .. } = args;
    args.expect_store()?;
    let wait = wait.as_deref().map(|text| crate::time::span("--wait", text)).transpose()?;
    let new = NewMessage {
        kind: kind.clone(),
        payload: json(payload, &mut Stdin::default())?,
        topic: topic.clone(),
        id: id.clone(),
        time: moment("--time", time.as_deref())?,
        endpoints: (!endpoint.is_empty()).then(|| endpoint.clone()),
    };
    let tools = Tools::keyless(gateway)?;
    let sent = tools.run(tools.operator.publish(&new))?;
    if gateway.format == Format::Human {
        told(&sent)?;
    }
    let Some(wait) = wait else {
        if gateway.format == Format::Json {
            output::print_json(&sent)?;
        } else if !sent.deliveries.is_empty() {
            output::help(&format!("`countersign event show {}` tells what became of it", sent.id));
        }
        return Ok(Exit::Done);
    };
    follow::all(&tools, sent, wait, gateway.format)
}

/// Where it goes.
fn told(sent: &MessageSent) -> Result<(), Failure> {
    let MessageSent { id, kind, topic, size, deliveries, .. } = sent;
    let mut out = format!("{}\n", output::styled(HEAD, &plain(id)));
    let facts = [("type", plain(kind)), ("topic", plain(topic)), ("size", format!("{size} bytes"))];
    output::facts(&mut out, &facts);
    if deliveries.is_empty() {
        output::print(&out)?;
        output::note(&format!("no endpoint wants `{kind}`: it is kept, and goes nowhere"));
        return Ok(());
    }
    let row = |one: &countersign_gateway::operate::DeliveryLine| {
        vec![plain(&one.id), plain(&one.endpoint), one.state.clone()]
    };
    out.push('\n');
    let rows = deliveries.iter().map(row).collect::<Vec<_>>();
    out.push_str(&output::table(&["DELIVERY", "ENDPOINT", "STATE"], &rows));
    output::print(&out)
}

/// What `--payload` says: one JSON value, spelled as it was.
fn json(payload: &str, stdin: &mut Stdin) -> Result<Box<RawValue>, Failure> {
    let text = match payload.strip_prefix('@') {
        Some(file) => request::read_all(Path::new(file), "the payload", stdin)?,
        None if payload == "-" => request::read_all(Path::new("-"), "the payload", stdin)?,
        None => payload.as_bytes().to_vec(),
    };
    let text = String::from_utf8(text)
        .map_err(|_| Failure::usage("--payload: it is no UTF-8").next("give it as JSON, in UTF-8"))?;
    RawValue::from_string(text).map_err(|error| {
        // Where, and none of it: a payload is its receiver's.
        let says = format!("--payload: it is no JSON (line {}, column {})", error.line(), error.column());
        let next = match Path::new(payload).is_file() {
            true => format!("to send what is in that file: --payload @{payload}"),
            false => "write '{\"id\":1}', @FILE, or - for standard input".into(),
        };
        Failure::usage(says).next(next)
    })
}

/// The message as it is signed, for what is sent without a store.
fn message(args: &SendArgs, now: Timestamp, stdin: &mut Stdin) -> Result<Canonical, Failure> {
    let SendArgs { kind, payload, topic, id, time, .. } = args;
    let id = match id {
        Some(id) => MessageId::new(id),
        None => {
            let mut chance = [0; 10];
            if !system_random(&mut chance) {
                return Err(Failure::stream("make an id", "this system gives no random bytes"));
            }
            Ok(MessageId::made(now, chance))
        }
    };
    let wrong = |error: countersign_delivery::MessageError| Failure::usage(error.to_string());
    let message = Message {
        id: id.map_err(wrong)?,
        time: moment("--time", time.as_deref())?.map_or(now, |at| at.0),
        topic: topic.as_deref().unwrap_or(TOPIC).into(),
        kind: kind.as_str().into(),
        payload: String::from(Box::<str>::from(json(payload, stdin)?)).into(),
    };
    message.canonical(MAX_MESSAGE).map_err(wrong)
}

impl SendArgs {
    /// What only means something beside `--url` is not passed over.
    fn expect_store(&self) -> Result<(), Failure> {
        match self.direct.speaks_of_keys() {
            false => Ok(()),
            true => Err(Failure::usage(
                "--secret, --var and --presets are for sending to a --url; an endpoint has its own",
            )
            .next("leave them out, or give --url URL")),
        }
    }
}
