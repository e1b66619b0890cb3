//! `countersign event`: what was accepted, and what came at all.

use crate::args::{EventCommand, Format, GatewayArgs, ListEvents, Part, TailEvents, Wanted};
use crate::error::{Exit, Failure};
use crate::operate::{Tools, moment, or_none, took};
use crate::output::{self, plain, plain_lines};
use countersign_gateway::operate::{
    EventLine, EventSearch, EventShown, HeaderText, Listing, Moment, OperateError, RequestLine, RequestSearch,
};
use serde::Serialize;
use std::fmt::Write as _;
use std::time::Duration;

/// How often is looked for more.
const LOOK: Duration = Duration::from_millis(300);

/// Do it.
pub(crate) fn run(command: &EventCommand) -> Result<Exit, Failure> {
    match command {
        EventCommand::List(args) => list(args)?,
        EventCommand::Show { id, part, gateway } => show(id, *part, gateway)?,
        EventCommand::Tail(args) => tail(args)?,
    }
    Ok(Exit::Done)
}

fn list(args: &ListEvents) -> Result<(), Failure> {
    let ListEvents { wanted, span, after, max, oldest_first, gateway } = args;
    let tools = Tools::keyless(gateway)?;
    let (from, to) = (moment("--from", span.from.as_deref())?, moment("--to", span.to.as_deref())?);
    let place = Place { from, to, after: after.clone(), oldest_first: *oldest_first, max: *max };
    if wanted.requests {
        let listing = tools.run(requests(&tools, wanted, place))?;
        let rows = listing.rows.iter().map(request_row).collect();
        told(&listing, (&REQUEST, rows), gateway.format)?;
        goes_on(listing.rows.len(), *max, listing.next.as_deref());
    } else {
        let listing = tools.run(events(&tools, wanted, place))?;
        let rows = listing.rows.iter().map(event_row).collect();
        told(&listing, (&EVENT, rows), gateway.format)?;
        goes_on(listing.rows.len(), *max, listing.next.as_deref());
    }
    Ok(())
}

/// Which part of a listing.
struct Place {
    from: Option<Moment>,
    to: Option<Moment>,
    after: Option<String>,
    oldest_first: bool,
    max: usize,
}

async fn events(tools: &Tools, wanted: &Wanted, place: Place) -> Result<Listing<EventLine>, OperateError> {
    let Wanted { source, kind, .. } = wanted;
    let Place { from, to, after, oldest_first, max } = place;
    let (source, kind, max) = (source.clone(), kind.clone(), Some(max));
    tools.operator.events(&EventSearch { source, kind, from, to, after, oldest_first, max }).await
}

async fn requests(
    tools: &Tools,
    wanted: &Wanted,
    place: Place,
) -> Result<Listing<RequestLine>, OperateError> {
    let Wanted { source, outcome, .. } = wanted;
    let Place { from, to, after, oldest_first, max } = place;
    let (source, outcome, max) = (source.clone(), outcome.clone(), Some(max));
    tools.operator.requests(&RequestSearch { source, outcome, from, to, after, oldest_first, max }).await
}

const EVENT: [&str; 6] = ["ACCEPTED", "SOURCE", "TYPE", "KEY", "BYTES", "EVENT"];
const REQUEST: [&str; 8] = ["CAME", "SOURCE", "OUTCOME", "STATUS", "ADDRESS", "BYTES", "TOOK", "WHAT"];

fn event_row(line: &EventLine) -> Vec<String> {
    let EventLine { id, source, at, kind, key, refused, size, .. } = line;
    let key = match refused {
        Some(refused) => format!("none: {}", plain(refused)),
        None => plain(key),
    };
    vec![at.to_string(), plain(source), or_none(kind.as_deref()), key, size.to_string(), plain(id)]
}

fn request_row(line: &RequestLine) -> Vec<String> {
    let RequestLine { at, source, outcome, status, event, columns, .. } = line;
    let what = match (event, &columns.detail, &columns.path) {
        (Some(event), ..) => plain(event),
        (None, Some(detail), _) => plain(detail),
        (None, None, path) => or_none(path.as_deref()),
    };
    let source = if source.is_empty() { "-".into() } else { plain(source) };
    let address = or_none(columns.address.as_deref());
    let size = columns.size.to_string();
    vec![
        at.to_string(),
        source,
        plain(outcome),
        status.to_string(),
        address,
        size,
        took(columns.micros),
        what,
    ]
}

fn told(
    listing: &impl Serialize,
    (head, rows): (&[&str], Vec<Vec<String>>),
    format: Format,
) -> Result<(), Failure> {
    match format {
        Format::Json => output::print_json(listing),
        Format::Human if rows.is_empty() => {
            output::note("nothing fits");
            Ok(())
        }
        Format::Human => output::print(&output::table(head, &rows)),
    }
}

/// A page that is full has most likely another behind it.
fn goes_on(rows: usize, max: usize, next: Option<&str>) {
    if let (true, Some(next)) = (rows == max, next) {
        output::note(&format!("there may be more: --after {next}"));
    }
}

fn show(id: &str, part: Option<Part>, gateway: &GatewayArgs) -> Result<(), Failure> {
    let tools = Tools::keyless(gateway)?;
    if part == Some(Part::Body) {
        return output::print_bytes(&tools.run(tools.operator.event_body(id))?);
    }
    let event = tools.run(tools.operator.event(id))?;
    match (part, gateway.format) {
        (Some(_), _) => output::print_json(&event.request),
        (None, Format::Json) => output::print_json(&event),
        (None, Format::Human) => output::print(&shown(&event)),
    }
}

fn shown(event: &EventShown) -> String {
    let EventShown { line, request, deliveries, .. } = event;
    let mut out = format!("{}\n", output::styled(output::HEAD, &plain(&line.id)));
    let mut facts = vec![
        ("source", plain(&line.source)),
        ("accepted", line.at.to_string()),
        ("type", or_none(line.kind.as_deref())),
        ("signed by", if line.key.is_empty() { "nobody".into() } else { plain(&line.key) }),
        ("message", or_none(line.message_id.as_deref())),
    ];
    facts.extend(line.refused.as_ref().map(|refused| ("refused for", plain(refused))));
    let place = request.url.as_deref().or(request.target.as_deref());
    facts.push(("request", format!("{} {}", plain(&request.method), or_none(place))));
    output::facts(&mut out, &facts);
    let _ = writeln!(out, "\n{}", output::styled(output::HEAD, "headers that were kept"));
    for (name, value) in &request.headers {
        let value = match value {
            HeaderText::Text(text) => plain(text),
            HeaderText::Bytes { base64 } => format!("(base64) {base64}"),
        };
        let _ = writeln!(out, "  {}: {value}", plain(name));
    }
    let _ = writeln!(out, "\n{} ({} bytes)", output::styled(output::HEAD, "body"), line.size);
    match (&request.body, &request.body_base64) {
        (Some(text), _) => {
            let shown: String = text.chars().take(SHOWN).collect();
            let _ = writeln!(out, "  {}", plain_lines(&shown).replace('\n', "\n  "));
            if shown.len() < text.len() {
                let _ = writeln!(out, "  … --part body has all of it");
            }
        }
        _ => out.push_str("  no text: --part body has it\n"),
    }
    if deliveries.is_empty() {
        out.push_str("\nit is forwarded to nothing\n");
        return out;
    }
    let rows = deliveries.iter().map(|delivery| {
        let answer = delivery.status.map(|status| status.to_string());
        let why = delivery.error.as_deref().map(plain).or(answer).unwrap_or_else(|| "-".into());
        let attempts = delivery.attempts.to_string();
        vec![
            plain(&delivery.id),
            plain(&delivery.endpoint),
            delivery.state.clone(),
            attempts,
            delivery.at.to_string(),
            why,
        ]
    });
    out.push('\n');
    out.push_str(&output::table(
        &["DELIVERY", "ENDPOINT", "STATE", "ATTEMPTS", "AT", "LAST ANSWER"],
        &rows.collect::<Vec<_>>(),
    ));
    out
}

/// How much of a body is shown, in characters.
const SHOWN: usize = 2000;

/// Follow a listing, a line for each row. Ctrl-C ends the process, and nothing is left undone by that.
fn tail(args: &TailEvents) -> Result<(), Failure> {
    let TailEvents { wanted, from, lines, gateway } = args;
    let tools = Tools::keyless(gateway)?;
    let from = moment("--from", from.as_deref())?;
    let mut after = match from {
        Some(_) => None,
        None => tools.run(newest(&tools, wanted))?,
    };
    let mut left = lines.unwrap_or(usize::MAX);
    output::note("waiting for what comes; Ctrl-C ends it");
    while left > 0 {
        let place = Place { from, to: None, after: after.clone(), oldest_first: true, max: left.min(1000) };
        let (text, count, next) = tools.run(page(&tools, wanted, place, gateway.format))?;
        output::print(&text)?;
        left -= count;
        after = next.or(after);
        if count == 0 {
            tools.wait(async { tokio::time::sleep(LOOK).await });
        }
    }
    Ok(())
}

/// The place behind all that there is. Of what fits only: a source from which nothing came yet has none.
async fn newest(tools: &Tools, wanted: &Wanted) -> Result<Option<String>, OperateError> {
    let place = || Place { from: None, to: None, after: None, oldest_first: false, max: 1 };
    Ok(match wanted.requests {
        true => requests(tools, wanted, place()).await?.next,
        false => events(tools, wanted, place()).await?.next,
    })
}

/// Lines, how many, and the place behind them.
async fn page(
    tools: &Tools,
    wanted: &Wanted,
    place: Place,
    format: Format,
) -> Result<(String, usize, Option<String>), OperateError> {
    let mut text = String::new();
    if wanted.requests {
        let Listing { rows, next, .. } = requests(tools, wanted, place).await?;
        rows.iter().for_each(|row| line(&mut text, row, request_row(row), format));
        Ok((text, rows.len(), next))
    } else {
        let Listing { rows, next, .. } = events(tools, wanted, place).await?;
        rows.iter().for_each(|row| line(&mut text, row, event_row(row), format));
        Ok((text, rows.len(), next))
    }
}

fn line(out: &mut String, row: &impl Serialize, cells: Vec<String>, format: Format) {
    match format {
        // Plain data: there is nothing that JSON could not say.
        Format::Json => out.push_str(&serde_json::to_string(row).unwrap_or_default()),
        Format::Human => out.push_str(&cells.join("  ")),
    }
    out.push('\n');
}
