//! `countersign preset test`: every case, every mutant, and an honest count of what that proves.
//!
//! Cases that come from the provider or from somebody else's program are *proven*; those made by ourselves only show
//! that two programs agree, and are counted apart as *consistent*.

use crate::args::{FolderArgs, Format};
use crate::error::{Exit, Failure};
use crate::output::{self, BAD, GOOD};
use crate::scheme::{self, Known};
use countersign::Registry;
use countersign_plugin::host::{Module, ModulePreset};
use countersign_testkit::{CaseSource, Options, Report, VectorFile, run as run_vectors};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{IsTerminal, stderr};
use std::path::{Path, PathBuf};

/// Run them.
pub(super) fn run(
    names: &[String],
    vectors: &[PathBuf],
    folder: &FolderArgs,
    format: Format,
) -> Result<Exit, Failure> {
    let Known { registry, modules } = scheme::known(folder)?;
    let mut texts = Vec::new();
    for file in vectors {
        texts.push((file.display().to_string(), scheme::read_text(file)?));
    }
    if !names.is_empty() || vectors.is_empty() {
        texts.extend(chosen(names, folder, &registry, &modules)?);
    }
    let files = parse(texts)?;
    let mut reports = Vec::new();
    for (index, file) in files.iter().enumerate() {
        progress(index + 1, files.len(), &file.name);
        reports.push((stem(&file.name), run_vectors(&registry, file, &Options::default())));
    }
    progress(0, 0, "");
    let mut total = Report::default();
    reports.iter().for_each(|(_, report)| total.merge(report.clone()));
    match format {
        Format::Json => output::print_json(&to_json(&reports, &total))?,
        Format::Human => output::print(&in_words(&reports, &total))?,
    }
    Ok(if total.is_ok() { Exit::Done } else { Exit::No })
}

/// Files of vectors by the preset's name, for every preset that has one: what modules and the folder bring, and what is built
/// in beside.
pub(super) fn vectors(folder: &FolderArgs, modules: &[Module]) -> Result<Vec<(String, String)>, Failure> {
    Ok(with_built_in(brought(folder, modules)?))
}

/// What modules and the folder bring.
fn brought(folder: &FolderArgs, modules: &[Module]) -> Result<Vec<(String, String)>, Failure> {
    let mut all = Vec::new();
    for module in modules {
        for ModulePreset { name, vectors, .. } in module.presets() {
            let file = || format!("{}:{name}.vectors.toml", module.path().display());
            all.extend(vectors.as_ref().map(|vectors| (file(), vectors.to_string())));
        }
    }
    if let Some(dir) = &folder.presets {
        for file in scheme::toml_files(dir)?.iter().filter(|file| scheme::is_vectors(file)) {
            all.push((file.display().to_string(), scheme::read_text(file)?));
        }
    }
    Ok(all)
}

/// And what is built in, except where that says something of the same preset: it is being worked on.
fn with_built_in(mut all: Vec<(String, String)>) -> Vec<(String, String)> {
    let known: BTreeSet<String> = all.iter().map(|(name, _)| stem(name)).collect();
    let others = countersign_presets::VECTORS.iter().filter(|(name, _)| !known.contains(&stem(name)));
    all.extend(others.map(|(name, text)| ((*name).to_owned(), (*text).to_owned())));
    all.sort_by_cached_key(|(name, _)| stem(name));
    all
}

/// Files of vectors by the preset's name. If none is named: all of the folder, for that is what is being worked on; without a
/// folder, all that modules bring; without a module, all that are built in.
fn chosen(
    names: &[String],
    folder: &FolderArgs,
    registry: &Registry,
    modules: &[Module],
) -> Result<Vec<(String, String)>, Failure> {
    let all = brought(folder, modules)?;
    if let Some(dir) = folder.presets.as_ref().filter(|_| names.is_empty()) {
        return match untested(dir, &all)? {
            _ if !all.is_empty() => Ok(all),
            Some(first) => Err(no_vectors(&first)),
            None => Err(Failure::config(format!("there is no preset in `{}`", dir.display()))
                .next("countersign preset new NAME --dir DIR begins one")),
        };
    }
    if names.is_empty() && !modules.is_empty() {
        return match all.is_empty() {
            false => Ok(all),
            true => Err(Failure::config("no module brings vectors").next("give some with --vectors FILE")),
        };
    }
    let all = with_built_in(all);
    if names.is_empty() {
        return Ok(all);
    }
    if let Some(name) = names.iter().find(|name| all.iter().all(|(file, _)| stem(file) != **name)) {
        scheme::check_there(name, registry, &by_path)?;
        return Err(no_vectors(name));
    }
    Ok(all.into_iter().filter(|(file, _)| names.contains(&stem(file))).collect())
}

/// The first preset of a folder that has no vectors. Each is told of, for whoever sees no failure takes it to be right.
fn untested(dir: &Path, vectors: &[(String, String)]) -> Result<Option<String>, Failure> {
    let stems: Vec<String> =
        scheme::preset_files(dir)?.iter().map(|file| stem(&file.display().to_string())).collect();
    let mut without = stems.into_iter().filter(|name| vectors.iter().all(|(file, _)| stem(file) != *name));
    let first = without.next();
    if !vectors.is_empty() {
        for name in first.iter().cloned().chain(without) {
            output::warn(&format!("`{name}` has no {name}.vectors.toml, and so nothing of it was tested"));
        }
    }
    Ok(first)
}

fn no_vectors(name: &str) -> Failure {
    Failure::config(format!("preset `{name}` has no file of vectors"))
        .next(format!("put {name}.vectors.toml beside it, or give one with --vectors FILE"))
}

/// Files and folders are what one tries first.
fn by_path(path: &Path) -> Option<String> {
    if path.is_dir() {
        return Some(format!("of a folder: countersign preset test --presets {}", path.display()));
    }
    let dir = path.parent().filter(|dir| *dir != Path::new("")).unwrap_or(Path::new("."));
    let name = stem(&path.display().to_string());
    Some(format!("of a file: countersign preset test {name} --presets {}", dir.display()))
}

/// All of them, or the mistakes of all of them.
fn parse(texts: Vec<(String, String)>) -> Result<Vec<VectorFile>, Failure> {
    let (mut files, mut wrong) = (Vec::new(), Vec::new());
    for (name, text) in texts {
        match VectorFile::parse(name, &text) {
            Ok(file) => files.push(file),
            Err(errors) => wrong.push(errors),
        }
    }
    let Some(first) = wrong.pop() else { return Ok(files) };
    for errors in &wrong {
        output::raw_error(&format!("{}\n", errors.errors.render(&errors.sources)));
    }
    Err(Failure::complaints(&first.errors, &first.sources))
}

/// `presets/acme.vectors.toml` is `acme`.
pub(super) fn stem(name: &str) -> String {
    let name = Path::new(name).file_name().map_or(name.into(), |name| name.to_string_lossy());
    // `/lib/libacme.so:acme.vectors.toml` is what a module brings.
    let name = name.split_once(":").map_or(&*name, |(_, name)| name);
    let name = name.strip_suffix(".toml").or_else(|| name.strip_suffix(".json")).unwrap_or(name);
    name.strip_suffix(".vectors").unwrap_or(name).to_owned()
}

/// One line that is written over, for people who wait.
fn progress(done: usize, of: usize, name: &str) {
    if stderr().is_terminal() {
        let text =
            if of == 0 { String::new() } else { format!("{done}/{of} {}", output::plain(&stem(name))) };
        output::raw_error(&format!("\r\x1b[K{text}"));
    }
}

const HEAD: [&str; 11] =
    ["PRESET", "CASES", "PROVEN", "DOCS", "SDK", "CAPTURED", "OTHER", "CONSISTENT", "MUTANTS", "FAILED", ""];

fn row(name: &str, report: &Report) -> Vec<String> {
    let of = |source: CaseSource| report.cases.get(&source).copied().unwrap_or(0);
    let proven = report.proven();
    let mut row = vec![output::plain(name)];
    let numbers = [
        report.ran(),
        proven,
        of(CaseSource::ProviderDocs),
        of(CaseSource::ProviderSdk),
        of(CaseSource::Captured),
        of(CaseSource::OtherImplementation),
        report.ran() - proven,
        report.mutants_ran(),
        report.failures.len(),
    ];
    row.extend(numbers.map(|number| number.to_string()));
    row.push(if report.is_ok() { "✓".into() } else { "✗".into() });
    row
}

fn in_words(reports: &[(String, Report)], total: &Report) -> String {
    let mut rows: Vec<_> = reports.iter().map(|(name, report)| row(name, report)).collect();
    if reports.len() != 1 {
        rows.push(row("all", total));
    }
    let mut out = output::table(&HEAD, &rows);
    for (case, why) in &total.without_mutants {
        let _ = writeln!(out, "no mutants of `{}`: {}", output::plain(case), output::plain(why));
    }
    for failure in &total.failures {
        let _ = write!(out, "\n{} {}\n", output::styled(BAD, "✗"), output::plain_lines(&failure.to_string()));
    }
    let (style, word) = if total.is_ok() { (GOOD, "ok") } else { (BAD, "failed") };
    let _ = writeln!(
        out,
        "\n{}: {} ({} proven, {} consistent), {}, {}",
        output::styled(style, word),
        output::count(total.ran(), "case"),
        total.proven(),
        total.ran() - total.proven(),
        output::count(total.mutants_ran(), "mutant"),
        output::count(total.failures.len(), "failure"),
    );
    out
}

fn to_json(reports: &[(String, Report)], total: &Report) -> Value {
    let one = |name: &str, report: &Report| {
        let mut value = report.to_json();
        if let Value::Object(fields) = &mut value {
            fields.insert("preset".into(), name.into());
            fields.insert("consistent".into(), (report.ran() - report.proven()).into());
        }
        value
    };
    let presets: Vec<Value> = reports.iter().map(|(name, report)| one(name, report)).collect();
    json!({ "ok": total.is_ok(), "presets": presets, "total": one("all", total) })
}
