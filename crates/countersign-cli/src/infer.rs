//! `countersign infer`: captured deliveries and their secret in, a preset and its vectors out.

use crate::args::{EntryArgs, Format, InferArgs};
use crate::error::{Exit, Failure};
use crate::output::{self, CARE};
use crate::request::{self, Stdin};
use crate::vectors::{Delivered, case, create, taken, variants};
use crate::{scheme, secret, time};
use countersign::{Context, KeyKind, Keyring, Outcome, Registry, Request, Timestamp, Vars};
use countersign_explain::capture::{Address, Capture};
use countersign_explain::{Deliveries, Explanation, Inferred, infer};
use std::fmt::Write as _;
use std::path::Path;

/// Look for the preset.
pub(crate) fn run(args: &InferArgs) -> Result<Exit, Failure> {
    let InferArgs { request, url, keys, folder, name, dir, now, budget, format } = args;
    scheme::check_name(name)?;
    let named: Vec<Option<&str>> = request.iter().map(|path| path.to_str()).collect();
    Stdin::check(&keys.secret, &named)?;
    if keys.secret.is_empty() {
        return Err(Failure::key("no --secret is given, and a preset is proved by one")
            .next("--secret env:NAME, file:PATH, cmd:COMMAND or -: best one of a test account"));
    }
    let mut stdin = Stdin::default();
    let now = now.as_deref().map_or_else(|| Ok(time::now()), |text| time::parse_option("--now", text))?;
    let time = time::span("--budget", budget)?;
    let mut registry = scheme::registry(folder)?;
    let captures = request
        .iter()
        .map(|path| {
            let mut capture = request::captured(path, &EntryArgs { entry: None }, &mut stdin)?;
            if let Some(url) = url {
                capture.url = Address::Given(url.clone());
            }
            let url = capture
                .url
                .assumed()
                .unwrap_or_else(|| format!("https://host.invalid{}", capture.url.target()));
            Ok((capture, url))
        })
        .collect::<Result<Vec<(Capture, String)>, Failure>>()?;
    let ring = secret::keyring(&keys.secret, KeyKind::Shared, &mut stdin)?;
    let vars = secret::vars(&keys.var)?;
    let requests: Vec<Request<'_>> = captures.iter().map(|(capture, url)| capture.request(url)).collect();
    let mut asked = Deliveries::new(&registry, name, &requests, &ring, &vars, now);
    asked.budget.time = time;
    let inferred = infer(&asked);
    if *format == Format::Json {
        output::print_json(&inferred)?;
    } else if inferred.presets.is_empty() {
        output::print(&nothing(&inferred))?;
    } else {
        // What was found goes to stdout or into files; all that is said of it, to stderr.
        remarks(&inferred);
        if dir.is_none() {
            output::print(&inferred.presets[0].toml)?;
        }
    }
    let Some(found) = inferred.presets.first() else { return Ok(Exit::Nothing) };
    if let Some(dir) = dir {
        write(&mut registry, dir, name, found, &captures, &ring, &vars, now)?;
    }
    Ok(Exit::Done)
}

fn nothing(inferred: &Inferred) -> String {
    let mut out = format!("{}\n", output::styled(CARE, "? nothing explains these deliveries"));
    for lack in &inferred.lacks {
        let _ = writeln!(out, "  {}", output::plain(lack));
    }
    let _ = writeln!(out, "  {} trials in {} ms", inferred.effort.trials, inferred.effort.time.as_millis());
    out
}

fn remarks(inferred: &Inferred) {
    let says = |found: &Explanation| output::plain(&found.says);
    output::note(&format!("found: {}", says(&inferred.presets[0])));
    if inferred.presets.len() > 1 {
        let others: Vec<String> = inferred.presets[1..].iter().map(says).collect();
        output::warn(&format!(
            "these deliveries cannot tell it from {}:\n  {}\ngive more deliveries that differ, or look at the provider's page",
            output::count(others.len(), "other"),
            others.join("\n  ")
        ));
    }
}

/// The two files.
#[expect(clippy::too_many_arguments, reason = "a question and its answer, taken apart")]
fn write(
    registry: &mut Registry,
    dir: &Path,
    name: &str,
    found: &Explanation,
    captures: &[(Capture, String)],
    ring: &Keyring,
    vars: &Vars,
    now: Timestamp,
) -> Result<(), Failure> {
    let added = registry.add_preset(format!("{name}.toml"), found.toml.clone()).map(drop);
    let compiled = added.and_then(|()| registry.named(name));
    let compiled = compiled.map_err(|errors| Failure::complaints(&errors, registry.sources()))?;
    let kind = compiled.needs().key_kind(false);
    let mut keys = Keyring::new();
    for (_, key) in ring.iter() {
        let material = countersign::Secret::new(key.material.expose())?;
        keys.add(countersign::Key::new(key.id.clone(), kind, material))?;
    }
    let declared = compiled.preset().vars.iter().any(|var| vars.get(&var.name).is_some());
    let verifier = compiled.verifier("infer", &keys, if declared { vars } else { &NO_VARS })?;
    let mut text = format!(
        "# Deliveries, and what must be said of each. Run them: countersign preset test {name} --presets .\n\
         # The secret stands here to be read: let it be a test account's.\n\nschema = 1\npreset = \"{name}\"\n\n"
    );
    for (index, (capture, url)) in captures.iter().enumerate() {
        let request = capture.request(url);
        // It may be old: when it was signed is the present of its case.
        let check = compiled.scheme().bind(&keys, if declared { vars } else { &NO_VARS })?;
        let signed_at = check.check(&request, &Context::at(now)).ok().and_then(|evidence| evidence.signed_at);
        let now = signed_at.unwrap_or(now);
        if !matches!(verifier.verify(&request, &Context::at(now)), Outcome::Verified(_)) {
            return Err(Failure::config(format!("delivery {} does not verify by what was found", index + 1)));
        }
        let delivered = Delivered::new(capture, url.clone(), now, &keys)?;
        let case_name = if index == 0 { "kept".to_owned() } else { format!("kept-{}", index + 1) };
        case(&mut text, &case_name, "captured", &delivered, &compiled);
        if index == 0 {
            variants(&mut text, &case_name, &delivered, &compiled);
        }
        text.push('\n');
    }
    for (file, text) in
        [(format!("{name}.toml"), found.toml.as_str()), (format!("{name}.vectors.toml"), &text)]
    {
        let path = dir.join(file);
        if !create(&path, text)? {
            return Err(taken(&path));
        }
        output::note(&format!("wrote {}", path.display()));
    }
    output::help(&format!("countersign preset test {name} --presets {}", dir.display()));
    output::warn(
        "the vectors hold the secret and the deliveries as they are: keep them to yourself unless they are a test account's",
    );
    Ok(())
}

static NO_VARS: std::sync::LazyLock<Vars> = std::sync::LazyLock::new(Vars::new);
