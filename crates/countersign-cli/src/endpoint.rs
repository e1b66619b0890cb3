//! `countersign endpoint`: where messages are sent, over its life.

use crate::args::{AddEndpoint, EndpointCommand, Format, GatewayArgs, WhichEndpoint};
use crate::error::{Exit, Failure};
use crate::operate::{Tools, at, or_none, took};
use crate::output::{self, BAD, CARE, GOOD, HEAD, plain};
use crate::request::{self, Stdin};
use crate::{scheme, secret};
use countersign_gateway::operate::{
    Attempts, EndpointLine, EndpointShown, EndpointTried, NewEndpoint, Value,
};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Do it.
pub(crate) fn run(command: &EndpointCommand) -> Result<Exit, Failure> {
    match command {
        EndpointCommand::Add(args) => add(args)?,
        EndpointCommand::List { gateway } => list(gateway)?,
        EndpointCommand::Show { which } => show(which)?,
        EndpointCommand::Pause { which } => pause(which)?,
        EndpointCommand::Resume { which } => resume(which)?,
        EndpointCommand::Remove { which, force } => remove(which, *force)?,
        EndpointCommand::Test { which } => return test(which),
    }
    Ok(Exit::Done)
}

fn add(args: &AddEndpoint) -> Result<(), Failure> {
    let AddEndpoint { name, url, preset, event, header, var, description, table, gateway, .. } = args;
    let AddEndpoint { timeout, attempts, concurrency, rate, disable_after, secret, .. } = args;
    let vars = secret::vars(var)?;
    let pairs = vars.names().filter_map(|name| Some((name.to_owned(), vars.get(name)?.to_owned())));
    let text =
        secret.as_ref().map(|spec| secret::text("--secret", spec, &mut Stdin::default())).transpose()?;
    let new = NewEndpoint {
        name: name.clone(),
        url: url.clone(),
        preset: preset.clone(),
        vars: pairs.collect(),
        events: event.clone(),
        description: description.clone(),
        headers: headers(header)?.into_iter().collect(),
        timeout: timeout.clone(),
        attempts: *attempts,
        concurrency: *concurrency,
        rate: rate.clone(),
        disable_after: disable_after.clone(),
        table: table.as_deref().map(scheme::read_text).transpose()?,
        secret: text.map(Value::new),
    };
    let tools = Tools::with_key(gateway)?;
    let added = tools.run(tools.operator.add_endpoint(new))?;
    if gateway.format == Format::Json {
        return output::print_json(&added);
    }
    let name = &added.endpoint.line.name;
    output::note(&format!("added `{name}`:"));
    // Not its table, which holds the values of its headers.
    output::raw_error(&shown(&added.endpoint));
    crate::secrets::hand_out(&added.secret)?;
    output::help(&format!("`countersign endpoint test {name}` makes one attempt"));
    Ok(())
}

/// Headers of the command line. No value of one is repeated.
pub(crate) fn headers(texts: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let mut headers = BTreeMap::new();
    for text in texts {
        let (name, value) = request::header_option(text)?;
        let value = String::from_utf8_lossy(&value).into_owned();
        if headers.insert(name.clone(), value).is_some() {
            return Err(Failure::usage(format!("--header: `{}` is given twice", plain(&name)))
                .next("keep one of the two"));
        }
    }
    Ok(headers)
}

fn list(gateway: &GatewayArgs) -> Result<(), Failure> {
    let tools = Tools::keyless(gateway)?;
    let endpoints = tools.run(tools.operator.endpoints())?;
    if gateway.format == Format::Json {
        return output::print_json(&endpoints);
    }
    if endpoints.is_empty() {
        output::note("there is no endpoint yet: `countersign endpoint add` makes one");
        return Ok(());
    }
    let row = |line: &EndpointLine| {
        let Attempts { delivered, failed, dead, .. } = &line.day;
        vec![
            plain(&line.name),
            plain(&line.url),
            plain(&line.preset),
            types(line),
            line.state.clone(),
            at(line.failing_since),
            format!("{delivered} / {failed} / {dead}"),
        ]
    };
    let head = ["ENDPOINT", "URL", "PRESET", "TYPES", "STATE", "FAILING SINCE", "24 H: OK / AGAIN / DEAD"];
    output::print(&output::table(&head, &endpoints.iter().map(row).collect::<Vec<_>>()))?;
    for EndpointLine { name, reason, trouble, .. } in &endpoints {
        if let Some(trouble) = trouble {
            output::warn(&format!("`{name}`: {trouble}"));
        }
        if let Some(reason) = reason {
            output::warn(&format!("`{name}` is paused: {reason}"));
        }
    }
    Ok(())
}

fn types(line: &EndpointLine) -> String {
    line.events.as_ref().map_or_else(|| "all".into(), |events| plain(&events.join(", ")))
}

fn show(which: &WhichEndpoint) -> Result<(), Failure> {
    let tools = Tools::keyless(&which.gateway)?;
    let endpoint = tools.run(tools.operator.endpoint(&which.endpoint))?;
    if which.gateway.format == Format::Json {
        return output::print_json(&endpoint);
    }
    output::print(&shown(&endpoint))?;
    if endpoint.line.reason.is_some() {
        let name = &endpoint.line.name;
        output::help(&format!("`countersign endpoint resume {name}` sends to it again"));
    }
    Ok(())
}

fn shown(endpoint: &EndpointShown) -> String {
    let EndpointShown { line, headers, timeout, attempts, schedule, concurrency, rate, .. } = endpoint;
    let list = |texts: &[String]| if texts.is_empty() { "-".into() } else { plain(&texts.join(", ")) };
    let state = match (&line.reason, line.paused_at) {
        (Some(reason), Some(since)) => format!("{} since {since}: {}", line.state, plain(reason)),
        _ => line.state.clone(),
    };
    let rate = rate.map_or_else(|| "as many as are due".into(), |rate| format!("{rate} a second"));
    let facts = [
        ("state", state),
        ("url", plain(&line.url)),
        ("preset", plain(&line.preset)),
        ("types", types(line)),
        ("description", or_none(line.description.as_deref())),
        ("headers", list(headers)),
        ("attempts", format!("{attempts}, {timeout} each; waits: {}", list(schedule))),
        ("at once", format!("{concurrency}; {rate}")),
        ("paused after", endpoint.disable_after.clone().unwrap_or_else(|| "410 alone".into())),
        ("failing since", at(line.failing_since)),
        ("24 hours", day(&line.day)),
        ("added", endpoint.created_at.to_string()),
    ];
    let mut out = format!("{}\n", output::styled(HEAD, &plain(&line.name)));
    output::facts(&mut out, &facts);
    let _ = writeln!(out, "\n{}", output::styled(HEAD, "secrets that sign"));
    out.push_str(&crate::secrets::table_of_signing(&endpoint.keys));
    if let Some(trouble) = &line.trouble {
        let _ = writeln!(out, "{} {}", output::styled(CARE, "!"), plain(trouble));
    }
    out
}

fn day(day: &Attempts) -> String {
    let Attempts { delivered, failed, dead, success, p50_micros, p99_micros, .. } = day;
    let Some(success) = success else { return "no attempt".into() };
    let micros = |micros: Option<u64>| micros.map_or_else(|| "-".into(), took);
    format!(
        "{delivered} arrived ({:.1} %), {failed} failed and are tried again, {dead} were given up; {} at most half of them, {} 99 %",
        success * 100.0,
        micros(*p50_micros),
        micros(*p99_micros)
    )
}

fn pause(which: &WhichEndpoint) -> Result<(), Failure> {
    let tools = Tools::keyless(&which.gateway)?;
    let endpoint = tools.run(tools.operator.pause_endpoint(&which.endpoint))?;
    if which.gateway.format == Format::Json {
        return output::print_json(&endpoint);
    }
    let name = &endpoint.line.name;
    output::note(&format!("`{name}` is paused; what is queued for it is held"));
    output::help(&format!("`countersign endpoint resume {name}` sends it"));
    Ok(())
}

fn resume(which: &WhichEndpoint) -> Result<(), Failure> {
    let tools = Tools::keyless(&which.gateway)?;
    let endpoint = tools.run(tools.operator.resume_endpoint(&which.endpoint))?;
    if which.gateway.format == Format::Json {
        return output::print_json(&endpoint);
    }
    output::note(&format!("`{}` is sent to; what was held is due now", endpoint.line.name));
    Ok(())
}

fn remove(which: &WhichEndpoint, force: bool) -> Result<(), Failure> {
    let tools = Tools::keyless(&which.gateway)?;
    let removed = tools.run(tools.operator.remove_endpoint(&which.endpoint, force))?;
    if which.gateway.format == Format::Json {
        return output::print_json(&removed);
    }
    output::note(&format!(
        "removed `{}` and its secrets; what was queued for it are dead letters now",
        removed.name
    ));
    Ok(())
}

fn test(which: &WhichEndpoint) -> Result<Exit, Failure> {
    let tools = Tools::with_key(&which.gateway)?;
    let tried = tools.run(tools.operator.try_endpoint(&which.endpoint))?;
    let EndpointTried { name, id, arrived, status, error, millis, .. } = &tried;
    match which.gateway.format {
        Format::Json => output::print_json(&tried)?,
        Format::Human => {
            let (style, word) = if *arrived { (GOOD, "✓ arrived") } else { (BAD, "✗ did not arrive") };
            let mut out = format!("{}: {}\n", plain(name), output::styled(style, word));
            let facts = [
                ("message", plain(id)),
                ("answer", status.map_or_else(|| "none".into(), |status| status.to_string())),
                ("why", or_none(error.as_deref())),
                ("took", format!("{millis} ms")),
            ];
            output::facts(&mut out, &facts);
            output::print(&out)?;
        }
    }
    if !arrived {
        output::help(&advice(name, *status));
    }
    Ok(if *arrived { Exit::Done } else { Exit::No })
}

/// What to do next when a receiver did not take a message.
fn advice(name: &str, status: Option<u16>) -> String {
    match status {
        Some(400 | 401 | 403) => format!(
            "compare the secrets: `countersign secret list endpoint:{name}` shows fingerprints; `countersign secret rotate endpoint:{name}` makes another"
        ),
        Some(404 | 405) => "see that the URL is the one that the receiver listens at, and that it takes POST".into(),
        Some(300..=399) => "give the final URL: redirects are never followed".into(),
        Some(410) => format!("the receiver says that it is gone: `countersign endpoint remove {name} --force`, if it is"),
        Some(_) => "see the receiver's own log".into(),
        None => "see that the receiver is up, and that it can be reached from here; `[egress]` says what may be called".into(),
    }
}
