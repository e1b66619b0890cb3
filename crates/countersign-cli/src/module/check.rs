//! `countersign module check`: everything that the loader asks of a file, told step by step, and what to paste.

use super::{modes, presets, refused, to_json};
use crate::args::Format;
use crate::error::Failure;
use crate::output::{self, GOOD};
use countersign_plugin::host::{Inspected, Loader, Module, Spec, inspect};
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;

/// Check a file.
pub(super) fn run(file: &Path, format: Format) -> Result<(), Failure> {
    // A link is kept as it is, so that it is told; only where one stands is added.
    let path = std::path::absolute(file).map_err(|error| Failure::io("find", file, &error))?;
    let inspected = inspect(&path).map_err(refused)?;
    let mut spec = Spec::new(&path, inspected.pin);
    // Whether to allow that is for whoever writes the table; here it is only said.
    spec.allow_unguarded = true;
    let module = Loader::new().load(&spec).map_err(refused)?;
    let mut registry = countersign_modes::registry().map_err(|errors| Failure::config(errors.to_string()))?;
    let clash = module.register(&mut registry).err();
    let table = table(&module);
    if format == Format::Json {
        let mut value = to_json(&module);
        if let serde_json::Value::Object(fields) = &mut value {
            fields.insert("size".into(), inspected.size.into());
            fields.insert("imports".into(), json!(inspected.imports));
            fields.insert("exports".into(), json!(inspected.exports));
            fields.insert("table".into(), table.into());
            fields.insert("clash".into(), clash.map(|errors| errors.to_string()).into());
        }
        return output::print_json(&value);
    }
    let mut out = String::new();
    let ok = output::styled(GOOD, "ok");
    let steps = [
        ("path", "absolute, no link on the way, written by nobody else".to_owned()),
        ("file", format!("{} bytes, a shared library for this machine", inspected.size)),
        ("exports", exports(&inspected)),
        ("loads", "every symbol found, from a sealed copy".replace("from a sealed copy", copy(&module))),
        ("descriptor", descriptor(&module)),
        ("presets", "all can be read".to_owned()),
    ];
    for (step, says) in &steps {
        let _ = writeln!(out, "{ok}  {step:10}  {says}");
    }
    let _ = writeln!(out);
    let names = |names: Vec<String>| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let facts = [
        ("name", format!("{} {}", output::plain(module.name()), output::plain(module.version()))),
        ("modes", names(modes(&module))),
        ("presets", names(presets(&module))),
        ("sha256", inspected.pin.to_string()),
    ];
    output::facts(&mut out, &facts);
    let _ = writeln!(
        out,
        "\nTo load it, paste this, and keep it only as long as you trust this file:\n\n{table}"
    );
    let _ = writeln!(out, "or write --module {}@sha256={}", path.display(), inspected.pin);
    output::print(&out)?;
    if !module.is_guarded() {
        output::warn("a panic in it ends the process: it is loaded only with `allow_unguarded = true`");
    }
    if let Some(errors) = clash {
        output::warn(&errors.to_string());
    }
    Ok(())
}

fn copy(module: &Module) -> &'static str {
    match module.is_sealed() {
        true => "from a sealed copy",
        false => "from its own file, since this system runs no sealed copy",
    }
}

/// One is all there should be; others are for the linker to trip over.
fn exports(inspected: &Inspected) -> String {
    match inspected.exports.len() {
        1 => "countersign_plugin_v1, and nothing else".into(),
        count => format!("countersign_plugin_v1, and {} more: hide them (-fvisibility=hidden)", count - 1),
    }
}

fn descriptor(module: &Module) -> String {
    let (major, minor) = module.abi();
    let guarded = if module.is_guarded() { "no panic leaves it" } else { "a panic ends the process" };
    format!("ABI {major}.{minor}, {guarded}")
}

/// What stands in a configuration.
fn table(module: &Module) -> String {
    let list =
        |names: Vec<String>| names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    format!(
        "[[module]]\npath = \"{}\"\nsha256 = \"{}\"\nmodes = [{}]\npresets = [{}]\n",
        module.path().display(),
        module.pin(),
        list(modes(module)),
        list(presets(module))
    )
}
