//! `countersign import`: endpoints of older configurations, in JSON, become sources of today's one shape. Once: what runs knows
//! nothing of the older shapes, and this writes over nothing.
//!
//! The order is the design. The file is read whole, and every mistake told; each source is read back by the gateway's own reader,
//! and its keys are tried; then, and only if all of that went well, secrets are written into files of their own, and the sources
//! behind what the configuration says already. A secret stands in no text that this prints or writes but its own file.

mod fields;
mod held;
mod json;
mod old;
mod plan;
mod report;
mod same;
mod save;
mod scheme;
mod tree;
mod words;

use crate::args::{Format, ImportArgs};
use crate::config::refused;
use crate::error::{Exit, Failure};
use crate::output::plain;
use countersign::config::{Complaints, FileId, Sources};
use countersign::{ConfigErrors, Layer};
use countersign_gateway::config::{Config, Loaded, MAX_FILE, Modules, read_text};
use plan::{Judge, Outcome, Plan};
use report::Report;
use save::Before;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use tree::{Tree, list};
use zeroize::Zeroizing;

/// What a configuration says that is made here, before its first source.
const HEAD: &str = "\
# Read by `countersign serve`.

[server]
listen = \"127.0.0.1:8080\"

[store]
url = \"sqlite:countersign.db\"
keep = \"30d\"
";

/// Do it.
pub(crate) fn run(args: &ImportArgs) -> Result<Exit, Failure> {
    let config_path = config_path(args);
    let mut modules = Modules::new();
    let (before, Loaded { config, .. }) = load(&config_path, &mut modules)?;
    let text = read(&args.file)?;

    // What a complaint may show is known when the text has been read, and not before.
    let name = args.file.display().to_string();
    let file = Sources::new().add(&*name, "");
    let root = json::parse(&text, file)
        .map_err(|error| Failure::complaints(&error.into(), &shown(&name, json::blotted(&text))))?;
    let holds = |key: &str| {
        let all = words::ALL.iter().flat_map(|(_, words)| words.iter());
        let mut meant =
            all.filter(|word| word.spellings().any(|spelling| spelling == key)).map(|word| word.holds);
        // A word of several tables is as secret as the most secret of them.
        meant.next().filter(|first| meant.all(|other| other == *first))
    };
    let masked = shown(&name, json::masked(&text, &root, &holds));

    let complaints = Complaints::new();
    let registry = config.schemes.registry();
    let bench = old::Bench { registry, complaints: &complaints, prefix: args.prefix.as_deref() };
    let all = old::read_all(&root, &bench);
    let judge = Judge {
        config: &config,
        complaints: &complaints,
        kept_in: args.secrets,
        allow_weak: args.allow_weak,
    };
    let plans = plan::plan(all, &judge);
    if !complaints.is_empty() {
        let errors = ConfigErrors(complaints.into_vec());
        return Err(Failure::complaints(&errors, &masked).next("nothing was written"));
    }
    finish(args, &config_path, before.as_deref(), &plans, &mut modules)
}

/// The whole is read once more, and saved.
fn finish(
    args: &ImportArgs,
    path: &Path,
    before: Option<&str>,
    plans: &[Plan<'_>],
    modules: &mut Modules,
) -> Result<Exit, Failure> {
    let added = added(&args.file, before, plans);
    let whole = format!("{}{added}", before.unwrap_or_default());
    if whole.len() > MAX_FILE {
        let says = format!("the configuration would be longer than the {MAX_FILE} bytes that are read");
        return Err(Failure::config(says).next("import fewer endpoints"));
    }
    Config::read_text(path, &whole, modules).map_err(|error| {
        refused(error).next(
            "sources are added as `[[source]]`: a configuration that lists them otherwise can have none added; nothing was written",
        )
    })?;
    let new = plans.iter().filter_map(|plan| match &plan.outcome {
        Outcome::New(new) => Some(&new.secrets),
        Outcome::There { .. } => None,
    });
    let secrets: Vec<&plan::Placed> = new.flatten().collect();
    save::check(path.parent().unwrap_or(Path::new("")), &secrets)?;
    let anything = plans.iter().any(|plan| matches!(plan.outcome, Outcome::New(_)));
    let mut wrote = Vec::new();
    if anything && !args.dry_run {
        if let Some(folder) = &args.out {
            save::make_folder(folder)?;
        }
        wrote = save::save(path, &before.map_or(Before::Nothing, Before::Text), &added, &secrets)?;
        if before.is_some() {
            wrote.push(path.to_owned());
        }
    }
    let report =
        Report { file: &args.file, config: path, dry_run: args.dry_run, plans, added: &added, wrote: &wrote };
    match args.format {
        Format::Json => report.print_json()?,
        Format::Human => report.tell()?,
    }
    let all_new = plans.iter().all(|plan| matches!(plan.outcome, Outcome::New(_)));
    Ok(if all_new { Exit::Done } else { Exit::No })
}

/// The text that is added to what the configuration says.
fn added(file: &Path, before: Option<&str>, plans: &[Plan<'_>]) -> String {
    let mut text = match before {
        Some(before) if before.is_empty() || before.ends_with('\n') => String::new(),
        Some(_) => "\n".into(),
        None => HEAD.into(),
    };
    for Plan { old, outcome } in plans {
        let Outcome::New(new) = outcome else { continue };
        let mut root = Tree::new(old.span);
        root.add("source", list([new.table.clone()], old.span));
        let at = if old.pointer.is_empty() { String::new() } else { format!(" at {}", plain(&old.pointer)) };
        let from = plain(&file.file_name().unwrap_or(file.as_os_str()).to_string_lossy());
        let layer: Layer = root.layer();
        text.push_str(&format!("\n# Imported from {from}{at}.\n{}", layer.to_toml()));
    }
    text
}

fn config_path(args: &ImportArgs) -> PathBuf {
    let usual =
        || std::env::var_os("COUNTERSIGN_CONFIG").map_or_else(|| "countersign.toml".into(), PathBuf::from);
    match (&args.out, &args.config) {
        (Some(folder), _) => folder.join("countersign.toml"),
        (None, Some(file)) => file.clone(),
        (None, None) => usual(),
    }
}

/// The configuration as it is; one that there is not is what this begins one with.
fn load(path: &Path, modules: &mut Modules) -> Result<(Option<String>, Loaded), Failure> {
    let before = match path.symlink_metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        _ => Some(read_text(path)?),
    };
    let loaded = Config::read_text(path, before.as_deref().unwrap_or(HEAD), modules);
    let loaded = loaded.map_err(|error| refused(error).next("mend the configuration first"))?;
    Ok((before, loaded))
}

/// The old file, whole; one that is too big is not read to its end.
fn read(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let failed = |error| Failure::io("read", path, &error);
    let mut bytes = Zeroizing::new(Vec::new());
    let file = File::open(path).map_err(failed)?;
    file.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > MAX_FILE {
        let says = format!("`{}` is longer than the {MAX_FILE} bytes that are read", path.display());
        return Err(Failure::config(says).next("import it in parts"));
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(error) => {
            let at = error.valid_up_to();
            Err(Failure::config(format!("`{}` is not UTF-8 text: byte {at} is wrong", path.display())))
        }
    }
}

/// What complaints are shown from. Its one text has the id that the reading gave out.
fn shown(name: &str, text: String) -> Sources {
    let mut sources = Sources::new();
    let _: FileId = sources.add(name, text);
    sources
}
