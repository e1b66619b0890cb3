//! `countersign source`: sources over their life.

use crate::args::{AddSource, Format, GatewayArgs, SourceCommand, SpanArgs, TestSource, Which};
use crate::error::{Exit, Failure};
use crate::operate::{Tools, at, moment, or_none, took};
use crate::output::{self, BAD, CARE, FAINT, GOOD, HEAD, plain};
use crate::request::{self, Stdin};
use crate::scheme;
use countersign_gateway::operate::{
    Counts, NewSource, SourceLine, SourceShown, Span, Stats, Switch, Trial, Tried, Word,
};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Do it.
pub(crate) fn run(command: &SourceCommand) -> Result<Exit, Failure> {
    match command {
        SourceCommand::List { gateway } => list(gateway)?,
        SourceCommand::Show { which } => show(which)?,
        SourceCommand::Stats { which, span } => stats(which, span)?,
        SourceCommand::Add(args) => add(args)?,
        SourceCommand::Remove { which, force } => remove(which, *force)?,
        SourceCommand::Enable { which } => switch(which, Switch::Enable, "receives")?,
        SourceCommand::Disable { which } => switch(which, Switch::Disable, "is as if it were not there")?,
        SourceCommand::Observe { which } => {
            switch(which, Switch::Observe, "lets through what it would refuse")?
        }
        SourceCommand::Enforce { which } => switch(which, Switch::Enforce, "refuses what does not verify")?,
        SourceCommand::Test(args) => return test(args),
    }
    Ok(Exit::Done)
}

fn list(gateway: &GatewayArgs) -> Result<(), Failure> {
    let tools = Tools::keyless(gateway)?;
    let sources = tools.run(tools.operator.sources())?;
    if gateway.format == Format::Json {
        return output::print_json(&sources);
    }
    if sources.is_empty() {
        output::note("there is no source yet: `countersign source add` makes one");
        return Ok(());
    }
    let row = |line: &SourceLine| {
        let day = &line.day;
        vec![
            plain(&line.name),
            plain(&line.path),
            line.preset.as_deref().map_or_else(|| "(its own)".into(), plain),
            line.defined.clone(),
            state(line),
            line.keys.iter().filter(|key| key.verifies()).count().to_string(),
            at(line.last_seen),
            format!("{} / {}", day.accepted, day.refused + day.limited + day.observed),
        ]
    };
    let head = ["SOURCE", "PATH", "PRESET", "IN", "STATE", "KEYS", "LAST SEEN", "24 H: OK / NOT"];
    output::print(&output::table(&head, &sources.iter().map(row).collect::<Vec<_>>()))?;
    for line in &sources {
        if let Some(trouble) = &line.trouble {
            output::warn(&format!("`{}`: {trouble}", line.name));
        }
    }
    Ok(())
}

fn state(line: &SourceLine) -> String {
    match (line.enabled, &*line.enforce) {
        (false, _) => "disabled".into(),
        (true, "observe") => "observed".into(),
        (true, _) => "on".into(),
    }
}

fn show(which: &Which) -> Result<(), Failure> {
    let tools = Tools::keyless(&which.gateway)?;
    let source = tools.run(tools.operator.source(&which.source))?;
    match which.gateway.format {
        Format::Json => output::print_json(&source),
        Format::Human => output::print(&shown(&source)),
    }
}

fn shown(source: &SourceShown) -> String {
    let SourceShown { line, mode, digest, binds, freshness, replay, url, vars, allow_from, events, .. } =
        source;
    let list = |texts: &[String]| if texts.is_empty() { "-".into() } else { plain(&texts.join(", ")) };
    let scheme = match &line.preset {
        Some(preset) => format!("{} ({mode})", plain(preset)),
        None => format!("its own ({mode})"),
    };
    let age = freshness.as_ref().map_or_else(
        || "its age is not looked at".into(),
        |fresh| format!("{} s old, {} s ahead", fresh.past_seconds, fresh.future_seconds),
    );
    let rate = source.rate.as_ref();
    let rate = rate
        .map_or_else(|| "as many as come".into(), |rate| format!("{} in {} ms", rate.count, rate.per_millis));
    let facts = [
        ("state", format!("{}, defined in the {}", state(line), line.defined)),
        ("path", format!("{} {}", source.methods.join(" "), plain(&line.path))),
        ("scheme", scheme),
        ("digest", digest.clone()),
        ("covers", list(binds)),
        ("at most", age),
        ("replay by", replay.clone()),
        ("url", or_none(url.as_deref())),
        ("variables", list(vars)),
        ("from", allow_from.as_ref().map_or_else(|| "anybody".into(), |nets| list(nets))),
        ("events", events.as_ref().map_or_else(|| "all".into(), |events| list(events))),
        ("limits", format!("{} bytes; {rate}", source.body_limit)),
        ("record", source.record.clone()),
        ("last seen", at(line.last_seen)),
        ("24 hours", counts(&line.day)),
    ];
    let mut out = format!("{}\n", output::styled(HEAD, &plain(&line.name)));
    output::facts(&mut out, &facts);
    let _ = writeln!(out, "\n{}", output::styled(HEAD, &format!("secrets ({})", line.secrets)));
    out.push_str(&crate::secrets::table(&line.keys));
    if let Some(until) = line.learns_until {
        let _ = writeln!(out, "it waits for one that is handed over, until {until}");
    }
    if let Some(trouble) = &line.trouble {
        let _ = writeln!(out, "{} {}", output::styled(CARE, "!"), plain(trouble));
    }
    let _ = writeln!(out, "\n{}", output::styled(HEAD, "forward"));
    for forward in &source.forward {
        let _ = writeln!(
            out,
            "  {}  {} attempts, {} ms each",
            plain(&forward.to),
            forward.attempts,
            forward.timeout_millis
        );
    }
    if source.forward.is_empty() {
        out.push_str("  to nothing\n");
    }
    out
}

fn counts(counts: &Counts) -> String {
    let Counts { total, accepted, observed, limited, refused, .. } = counts;
    format!(
        "{total} in all: {accepted} accepted, {refused} refused, {limited} limited, {observed} only observed"
    )
}

fn stats(which: &Which, span: &SpanArgs) -> Result<(), Failure> {
    let tools = Tools::keyless(&which.gateway)?;
    let (from, to) = (moment("--from", span.from.as_deref())?, moment("--to", span.to.as_deref())?);
    let stats = tools.run(tools.operator.stats(&which.source, &Span { from, to }))?;
    match which.gateway.format {
        Format::Json => output::print_json(&stats),
        Format::Human => output::print(&hours(&stats)),
    }
}

/// How long the longest bar is, in characters.
const BAR: u64 = 24;

fn hours(stats: &Stats) -> String {
    let Stats { source, from, to, last_seen, whole, hours, .. } = stats;
    let mut out = format!("{} from {from} to {to}\n", output::styled(HEAD, &plain(source)));
    let micros = |micros: Option<u64>| micros.map_or_else(|| "-".into(), took);
    let times = [whole.p50_micros, whole.p95_micros, whole.p99_micros].map(micros);
    let [p50, p95, p99] = &times;
    output::facts(
        &mut out,
        &[
            ("requests", counts(whole)),
            ("took", format!("{p50} at most half of them, {p95} 95 %, {p99} 99 %")),
            ("last seen", at(*last_seen)),
        ],
    );
    if hours.is_empty() {
        return out;
    }
    let most = hours.iter().map(|hour| hour.counts.total).max().unwrap_or(1).max(1);
    let rows = hours.iter().map(|hour| {
        let counts = &hour.counts;
        // What came at all is seen.
        let bar = (counts.total * BAR).div_ceil(most);
        let number = |number: u64| number.to_string();
        vec![
            hour.hour.to_string(),
            number(counts.total),
            number(counts.accepted),
            number(counts.refused),
            number(counts.limited),
            number(counts.observed),
            micros(counts.p99_micros),
            "█".repeat(usize::try_from(bar).unwrap_or(0)),
        ]
    });
    let head = ["HOUR", "ALL", "OK", "REFUSED", "LIMITED", "OBSERVED", "99 %", ""];
    out.push('\n');
    out.push_str(&output::table(&head, &rows.collect::<Vec<_>>()));
    let outcomes: Vec<Vec<String>> =
        whole.outcomes.iter().map(|(outcome, count)| vec![plain(outcome), count.to_string()]).collect();
    out.push('\n');
    out.push_str(&output::table(&["OUTCOME", "ALL"], &outcomes));
    out
}

fn add(args: &AddSource) -> Result<(), Failure> {
    let AddSource { path, preset, name, overrides, var, forward, observe, generate_secret, table, gateway } =
        args;
    let overrides = overrides.iter().map(|text| scheme::override_line(text)).collect::<Result<_, _>>()?;
    let vars = crate::secret::vars(var)?;
    let vars: BTreeMap<String, String> =
        vars.names().filter_map(|name| Some((name.to_owned(), vars.get(name)?.to_owned()))).collect();
    let mut new = NewSource {
        name: name.clone(),
        path: path.clone(),
        preset: preset.clone(),
        overrides,
        vars,
        forward: forward.clone(),
        enforce: observe.then(|| "observe".into()),
        table: None,
        generate_secret: *generate_secret,
    };
    if let Some(file) = table {
        new.table = Some(scheme::read_text(file)?);
    }
    let tools = if *generate_secret { Tools::with_key(gateway)? } else { Tools::keyless(gateway)? };
    let added = tools.run(tools.operator.add_source(&new))?;
    added.warnings.iter().for_each(|warning| output::warn(warning));
    if gateway.format == Format::Json {
        return output::print_json(&added);
    }
    let line = &added.source.line;
    output::note(&format!(
        "added `{}` at {}; the store keeps:\n{}",
        line.name,
        line.path,
        added.table.trim_end()
    ));
    match &added.secret {
        Some(changed) => crate::secrets::hand_out(changed)?,
        None if line.trouble.is_some() => output::help(&format!(
            "give it a secret: `countersign secret new {0}`, or `countersign secret add {0} --value -`",
            line.name
        )),
        None => {}
    }
    Ok(())
}

fn remove(which: &Which, force: bool) -> Result<(), Failure> {
    let tools = Tools::keyless(&which.gateway)?;
    let removed = tools.run(tools.operator.remove_source(&which.source, force))?;
    if which.gateway.format == Format::Json {
        return output::print_json(&removed);
    }
    let secrets = output::count(removed.secrets, "secret");
    output::note(&format!("removed `{}`, and {secrets} with it; its events stay", removed.name));
    Ok(())
}

fn switch(which: &Which, to: Switch, now: &str) -> Result<(), Failure> {
    let tools = Tools::keyless(&which.gateway)?;
    let source = tools.run(tools.operator.switch(&which.source, to))?;
    if which.gateway.format == Format::Json {
        return output::print_json(&source);
    }
    output::note(&format!("`{}` {now}", source.line.name));
    if to == Switch::Observe {
        output::help(&format!(
            "`countersign source stats {0}` counts what would be refused; `countersign source enforce {0}` refuses it",
            source.line.name
        ));
    }
    Ok(())
}

fn test(args: &TestSource) -> Result<Exit, Failure> {
    let TestSource { source, request, event, entry, at, address, gateway } = args;
    let at = moment("--at", at.as_deref())?.map(|at| at.0);
    let tools = Tools::with_key(gateway)?;
    let trial = match (event, request) {
        (Some(event), _) => tools.run(tools.operator.try_event(Some(source), event, true))?,
        (None, Some(file)) => {
            let capture = request::captured(file, entry, &mut Stdin::default())?;
            let tried = Tried { capture, at, address: *address, explain: true };
            tools.run(tools.operator.try_request(source, tried))?
        }
        (None, None) => {
            return Err(Failure::usage("there is nothing to try").next("name a file, or --event EVENT"));
        }
    };
    match gateway.format {
        Format::Json => output::print_json(&trial)?,
        Format::Human => output::print(&tried(&trial))?,
    }
    for note in &trial.notes {
        output::note(note);
    }
    Ok(if ["ok", "handshake"].contains(&&*trial.outcome) { Exit::Done } else { Exit::No })
}

fn tried(trial: &Trial) -> String {
    let (style, mark) = if trial.outcome == "ok" { (GOOD, "✓") } else { (BAD, "✗") };
    let mut out =
        format!("{}: {}\n", output::styled(style, &format!("{mark} {}", trial.outcome)), plain(&trial.says));
    let facts = [
        ("as of", trial.at.to_string()),
        ("key", or_none(trial.key.as_deref())),
        ("message", or_none(trial.message_id.as_deref())),
        ("signed at", at(trial.signed_at)),
        ("type", or_none(trial.kind.as_deref())),
    ];
    output::facts(&mut out, &facts);
    out.push('\n');
    for check in &trial.checks {
        let verdict = match check.verdict {
            Word::Passed => output::styled(GOOD, "passed "),
            Word::Failed => output::styled(BAD, "failed "),
            Word::Skipped => output::styled(FAINT, "skipped"),
        };
        let _ = writeln!(out, "  {:<10}  {verdict}  {}", check.check, plain(&check.says));
    }
    let Some(diagnosis) = &trial.diagnosis else { return out };
    for finding in diagnosis.cause.iter().chain(&diagnosis.noted) {
        let _ = writeln!(out, "\n{}: {}", output::styled(HEAD, &finding.code), plain(&finding.says));
        let _ = writeln!(out, "  {}", plain(&finding.advice));
        if let Some(patch) = &finding.patch {
            let _ = writeln!(out, "  {}", output::plain_lines(patch.trim_end()).replace('\n', "\n  "));
        }
    }
    if diagnosis.cause.is_empty() {
        out.push_str("\nnothing that was tried makes it fit\n");
    }
    out
}
