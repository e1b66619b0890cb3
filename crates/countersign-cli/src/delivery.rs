//! `countersign delivery`: what is under way, what arrived, what did not.

use crate::args::{AskedDeliveries, DeliveryCommand, Format, WhichDeliveries, WhichDelivery};
use crate::error::{Exit, Failure};
use crate::operate::{Tools, moment, or_none};
use crate::output::{self, BAD, CARE, GOOD, HEAD, plain};
use countersign_gateway::operate::{DeliveriesAsked, DeliveryLine, DeliveryShown, EventShown};
use serde::Serialize;
use std::fmt::Write as _;

/// Do it.
pub(crate) fn run(command: &DeliveryCommand) -> Result<Exit, Failure> {
    match command {
        DeliveryCommand::List { state, asked } => list(state.as_deref(), asked, "nothing fits")?,
        DeliveryCommand::Show { which } => show(which)?,
        DeliveryCommand::Cancel { which } => cancel(which, "is cancelled: nothing sends it any more")?,
    }
    Ok(Exit::Done)
}

/// What fits; `none` is said if nothing does.
pub(crate) fn list(state: Option<&str>, asked: &AskedDeliveries, none: &str) -> Result<(), Failure> {
    let AskedDeliveries { endpoint, kind, span, after, max, oldest_first, gateway } = asked;
    let tools = Tools::keyless(gateway)?;
    let search = DeliveriesAsked {
        state: state.map(str::to_owned),
        endpoint: endpoint.clone(),
        kind: kind.clone(),
        from: moment("--from", span.from.as_deref())?,
        to: moment("--to", span.to.as_deref())?,
        after: after.clone(),
        oldest_first: *oldest_first,
        max: Some(*max),
    };
    let listing = tools.run(tools.operator.find_deliveries(&search))?;
    if gateway.format == Format::Json {
        output::print_json(&listing)?;
    } else if listing.rows.is_empty() {
        output::note(none);
    } else {
        let head =
            ["DELIVERY", "ENDPOINT", "STATE", "ATTEMPTS", "TYPE", "EVENT ACCEPTED", "AT", "LAST ANSWER"];
        let rows = listing.rows.iter().map(row).collect::<Vec<_>>();
        output::print(&output::table(&head, &output::fitted(&head, rows)))?;
    }
    // A page that is full has most likely another behind it.
    if let (true, Some(next)) = (listing.rows.len() == *max, &listing.next) {
        output::note(&format!("there may be more: --after {next}"));
    }
    Ok(())
}

fn row(delivery: &DeliveryShown) -> Vec<String> {
    let DeliveryShown { line, kind, accepted_at, .. } = delivery;
    vec![
        plain(&line.id),
        plain(&line.endpoint),
        line.state.clone(),
        line.attempts.to_string(),
        or_none(kind.as_deref()),
        accepted_at.to_string(),
        line.at.to_string(),
        answer(line),
    ]
}

/// What the last attempt came to.
pub(crate) fn answer(line: &DeliveryLine) -> String {
    let status = line.status.map(|status| status.to_string());
    line.error.as_deref().map(plain).or(status).unwrap_or_else(|| "-".into())
}

/// A delivery beside its event.
#[derive(Serialize)]
struct Whole<'d> {
    #[serde(flatten)]
    delivery: &'d DeliveryShown,
    event: &'d EventShown,
}

/// One delivery, with its event.
pub(crate) fn show(which: &WhichDelivery) -> Result<(), Failure> {
    let tools = Tools::keyless(&which.gateway)?;
    let delivery = tools.run(tools.operator.delivery(&which.id))?;
    let event = tools.run(tools.operator.event(&delivery.event))?;
    match which.gateway.format {
        Format::Json => output::print_json(&Whole { delivery: &delivery, event: &event })?,
        Format::Human => output::print(&shown(&delivery, &event))?,
    }
    let id = &delivery.line.id;
    match &*delivery.line.state {
        "dead" => output::help(&format!(
            "`countersign dead redrive {id}` sends it again; `countersign dead drop {id}` does not"
        )),
        "held" if !delivery.line.endpoint.contains('/') => output::help(&format!(
            "its endpoint is paused: `countersign endpoint resume {}` sends it",
            delivery.line.endpoint
        )),
        _ => {}
    }
    Ok(())
}

fn shown(delivery: &DeliveryShown, event: &EventShown) -> String {
    let DeliveryShown { line, kind, accepted_at, .. } = delivery;
    let (style, when) = match &*line.state {
        "done" => (GOOD, "arrived"),
        "dead" => (BAD, "given up"),
        "cancelled" => (CARE, "cancelled"),
        "leased" => (HEAD, "leased until"),
        _ => (HEAD, "due"),
    };
    let mut out =
        format!("{}: {}\n", output::styled(HEAD, &plain(&line.id)), output::styled(style, &line.state));
    let status = line.status.map_or_else(|| "none".into(), |status| status.to_string());
    let mut facts = vec![("endpoint", plain(&line.endpoint)), ("attempts", line.attempts.to_string())];
    if line.state != "held" {
        facts.push((when, line.at.to_string()));
    }
    if line.attempts > 0 {
        facts.push(("last answer", status));
        facts.push(("last error", or_none(line.error.as_deref())));
    }
    facts.extend([
        ("event", plain(&delivery.event)),
        ("type", or_none(kind.as_deref())),
        ("accepted", accepted_at.to_string()),
    ]);
    output::facts(&mut out, &facts);
    let _ = writeln!(out, "\n{} ({} bytes)", output::styled(HEAD, "body"), event.line.size);
    match &event.request.body {
        Some(text) => {
            let part: String = text.chars().take(SHOWN).collect();
            let _ = writeln!(out, "  {}", output::plain_lines(&part).replace('\n', "\n  "));
            if part.len() < text.len() {
                let _ = writeln!(
                    out,
                    "  … `countersign event show {} --part body` has all of it",
                    plain(&delivery.event)
                );
            }
        }
        None => out.push_str("  no text: `event show` with `--part body` has it\n"),
    }
    out
}

/// How much of a body is shown, in characters.
const SHOWN: usize = 2000;

/// Give them up; `now` says what they are then.
pub(crate) fn cancel(which: &WhichDeliveries, now: &str) -> Result<(), Failure> {
    let tools = Tools::keyless(&which.gateway)?;
    let cancelled = tools.run(tools.operator.cancel(&which.ids))?;
    if which.gateway.format == Format::Json {
        return output::print_json(&cancelled);
    }
    for DeliveryShown { line, .. } in &cancelled {
        match &*line.state {
            "cancelled" => output::note(&format!("`{}` to `{}` {now}", line.id, line.endpoint)),
            state => output::warn(&format!("`{}` to `{}` is {state} by now", line.id, line.endpoint)),
        }
    }
    Ok(())
}
