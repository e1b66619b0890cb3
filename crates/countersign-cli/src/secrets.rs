//! `countersign secret`: secrets of a source, or of an endpoint as `endpoint:NAME`, over their life. A value is printed in one place, once: [`hand_out`].

use crate::args::{Format, GatewayArgs, SecretCommand, Which, WindowArgs};
use crate::error::{Exit, Failure};
use crate::operate::{Tools, at, moment, or_none};
use crate::output::{self, plain};
use crate::request::Stdin;
use crate::secret;
use countersign::Secret;
use countersign_gateway::operate::{Given, KeyLine, KeyState, SecretChanged, Secrets, Value};
use countersign_gateway::secrets::{Sealer, fingerprint};

/// Do it.
pub(crate) fn run(command: &SecretCommand) -> Result<Exit, Failure> {
    match command {
        SecretCommand::New { which, window } => {
            let given = given(window, None)?;
            let tools = Tools::with_key(&which.gateway)?;
            changed(
                &tools.run(tools.operator.add_secret(&which.source, given))?,
                which.gateway.format,
                "verifies",
            )?;
        }
        SecretCommand::Add { which, value, window } => {
            let given = given(window, Some(value))?;
            let tools = Tools::with_key(&which.gateway)?;
            changed(
                &tools.run(tools.operator.add_secret(&which.source, given))?,
                which.gateway.format,
                "verifies",
            )?;
        }
        SecretCommand::Rotate { which, keep, value, id } => {
            let window = WindowArgs { id: id.clone(), not_before: None, not_after: None };
            let given = given(&window, value.as_deref())?;
            let tools = Tools::with_key(&which.gateway)?;
            let rotated = tools.run(tools.operator.rotate(&which.source, Some(keep), given))?;
            changed(&rotated, which.gateway.format, "verifies")?;
        }
        SecretCommand::Forget { source, id, force, gateway } => {
            let tools = Tools::with_key(gateway)?;
            let forgotten = tools.run(tools.operator.forget(source, id, *force))?;
            changed(&forgotten, gateway.format, "is forgotten")?;
        }
        SecretCommand::Confirm { source, id, fingerprint, gateway } => {
            let tools = Tools::with_key(gateway)?;
            let confirmed = tools.run(tools.operator.confirm(source, id, fingerprint))?;
            changed(&confirmed, gateway.format, "verifies")?;
        }
        SecretCommand::List { which } => list(which)?,
        SecretCommand::Learn { which, time } => learn(which, time)?,
        SecretCommand::Fingerprint { secret, format } => print(secret, *format)?,
        SecretCommand::Reseal { old_key, gateway } => reseal(old_key, gateway)?,
    }
    Ok(Exit::Done)
}

/// What is said of a secret, and what it is if it is handed in.
fn given(
    WindowArgs { id, not_before, not_after }: &WindowArgs,
    value: Option<&str>,
) -> Result<Given, Failure> {
    let (not_before, not_after) =
        (moment("--not-before", not_before.as_deref())?, moment("--not-after", not_after.as_deref())?);
    let value = value.map(|spec| secret::text("--value", spec, &mut Stdin::default())).transpose()?;
    Ok(Given { id: id.clone(), value: value.map(Value::new), not_before, not_after })
}

fn changed(changed: &SecretChanged, format: Format, now: &str) -> Result<(), Failure> {
    if format == Format::Json {
        return output::print_json(changed);
    }
    if changed.value.is_some() {
        return hand_out(changed);
    }
    let KeyLine { id, fingerprint, .. } = &changed.secret;
    let print = fingerprint.as_deref().unwrap_or_default();
    let now = if now == "verifies" && signs(&changed.source) { "signs" } else { now };
    output::note(&format!("`{id}` of `{}` {now}, fingerprint {print}", changed.source));
    ending(changed);
    Ok(())
}

/// Print a secret that was made: the value alone on stdout, all else on stderr.
pub(crate) fn hand_out(changed: &SecretChanged) -> Result<(), Failure> {
    let Some(value) = &changed.value else { return Ok(()) };
    let KeyLine { id, fingerprint, .. } = &changed.secret;
    let print = fingerprint.as_deref().unwrap_or_default();
    output::note(&format!("secret `{id}` of `{}`, fingerprint {print}, shown this once:", changed.source));
    let line = zeroize::Zeroizing::new(format!("{}\n", value.expose()));
    output::print_bytes(line.as_bytes())?;
    ending(changed);
    let source = &changed.source;
    output::help(&match signs(source) {
        true => "give it to the receiver: messages are signed with it from now on".into(),
        false => {
            format!("give it to the sender; `countersign secret list {source}` shows when it first matched")
        }
    });
    Ok(())
}

/// Whether these secrets are of an endpoint: they sign, and nothing tells when they matched.
fn signs(source: &str) -> bool {
    source.starts_with("endpoint:")
}

fn ending(changed: &SecretChanged) {
    let signs = signs(&changed.source);
    let does = if signs { "signs" } else { "verifies" };
    for KeyLine { id, not_after, .. } in &changed.ending {
        output::note(&format!("`{id}` {does} beside it until {}", at(*not_after)));
    }
    if let [first, ..] = &changed.ending[..] {
        let when = if signs { "the receiver has the new one" } else { "the new one has matched" };
        output::help(&format!("when {when}: `countersign secret forget {} {}`", changed.source, first.id));
    }
}

fn list(which: &Which) -> Result<(), Failure> {
    let tools = Tools::keyless(&which.gateway)?;
    told(&tools.run(tools.operator.secrets(&which.source))?, which.gateway.format)
}

fn learn(which: &Which, time: &str) -> Result<(), Failure> {
    let tools = Tools::with_key(&which.gateway)?;
    let secrets = tools.run(tools.operator.learn(&which.source, Some(time)))?;
    if which.gateway.format == Format::Json {
        return output::print_json(&secrets);
    }
    let name = &which.source;
    output::note(&format!(
        "`{name}` takes one secret that is handed over, until {}",
        at(secrets.learns_until)
    ));
    output::help(&format!("have the provider send its challenge, then `countersign secret list {name}`"));
    Ok(())
}

/// As the gateway has it of one that was handed over.
fn print(spec: &str, format: Format) -> Result<(), Failure> {
    let secret = secret::text("--secret", spec, &mut Stdin::default())?;
    // What can be no secret has no fingerprint that anybody could compare.
    let secret = Secret::new(secret.as_bytes())?;
    let print = fingerprint(secret.expose());
    match format {
        Format::Json => output::print_json(&serde_json::json!({ "fingerprint": print })),
        _ => output::print(&format!("{print}\n")),
    }
}

fn reseal(old: &str, gateway: &GatewayArgs) -> Result<(), Failure> {
    let old = secret::text("--old-key", old, &mut Stdin::default())?;
    let old = Secret::new(old.as_bytes()).and_then(|old| Sealer::new(&old));
    let old = old.map_err(|error| Failure::key(format!("--old-key: {}", error.without_key())))?;
    let tools = Tools::with_key(gateway)?;
    let resealed = tools.run(tools.operator.reseal(&old))?;
    if gateway.format == Format::Json {
        return output::print_json(&resealed);
    }
    output::note(&format!(
        "{} secrets were sealed anew; {} had been before",
        resealed.resealed, resealed.already
    ));
    if resealed.resealed > 0 {
        output::help("start a gateway that runs anew: until then it opens none of them");
    }
    Ok(())
}

fn told(secrets: &Secrets, format: Format) -> Result<(), Failure> {
    if format == Format::Json {
        return output::print_json(secrets);
    }
    let Secrets { source, secrets: sort, keys, learns_until, .. } = secrets;
    output::print(&if signs(source) { table_of_signing(keys) } else { table(keys) })?;
    if let Some(until) = learns_until {
        output::note(&format!("it waits for a secret that is handed over, until {until}"));
    }
    if let Some(key) = keys.iter().find(|key| key.state == KeyState::Pending) {
        let print = or_none(key.fingerprint.as_deref());
        output::help(&format!(
            "if {print} is the provider's: `countersign secret confirm {source} {} --fingerprint {print}`",
            key.id
        ));
    }
    if sort == "managed" && !keys.iter().any(KeyLine::verifies) {
        output::warn(&match signs(source) {
            true => format!("`{source}` has no secret that signs: what is queued for it waits"),
            false => format!("`{source}` has no secret that verifies, and accepts nothing"),
        });
        output::help(&format!("`countersign secret new {source}` makes one"));
    }
    Ok(())
}

/// Keys under one another.
pub(crate) fn table(keys: &[KeyLine]) -> String {
    let row = |key: &KeyLine| {
        let matched = key.last_matched.map_or_else(|| "never".into(), |at| at.to_string());
        cells(key).into_iter().chain([matched]).collect()
    };
    let head = ["SECRET", "STATE", "FINGERPRINT OR PLACE", "FROM", "UNTIL", "LAST MATCHED"];
    output::table(&head, &keys.iter().map(row).collect::<Vec<_>>())
}

/// Those that sign: what they signed matches elsewhere, and nobody here hears of it.
pub(crate) fn table_of_signing(keys: &[KeyLine]) -> String {
    let head = ["SECRET", "STATE", "FINGERPRINT", "FROM", "UNTIL"];
    output::table(&head, &keys.iter().map(|key| cells(key).into()).collect::<Vec<_>>())
}

fn cells(key: &KeyLine) -> [String; 5] {
    let state = match key.state {
        KeyState::Live => "live",
        KeyState::NotYet => "not yet",
        KeyState::Ended => "ended",
        KeyState::Pending => "pending",
        _ => "found",
    };
    let what = key.fingerprint.as_deref().or(key.place.as_deref());
    [plain(&key.id), state.into(), or_none(what), at(key.not_before), at(key.not_after)]
}
