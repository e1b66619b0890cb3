//! `countersign mode`: the ways of proving who signed.

use crate::args::{Format, ModeCommand};
use crate::error::{Exit, Failure};
use crate::output;
use countersign::config::nearest;
use countersign::{ModeInfo, Registry};
use serde::Serialize;
use std::fmt::Write as _;

/// Do it.
pub(crate) fn run(command: &ModeCommand) -> Result<Exit, Failure> {
    let registry =
        countersign_modes::without_presets().map_err(|errors| Failure::config(errors.to_string()))?;
    match command {
        ModeCommand::List { format } => list(&registry, *format)?,
        ModeCommand::Show { name, format } => show(find(&registry, name)?, *format)?,
    }
    Ok(Exit::Done)
}

#[derive(Serialize)]
struct ModeJson<'a> {
    name: &'a str,
    summary: &'a str,
    status: &'static str,
    example: &'a str,
    details: Vec<DetailJson<'a>>,
}

#[derive(Serialize)]
struct DetailJson<'a> {
    code: &'a str,
    reason: &'static str,
    says: &'a str,
}

impl<'a> ModeJson<'a> {
    fn new(info: &'a ModeInfo) -> Self {
        let detail = |(code, reason, says): &'a countersign::DetailInfo| DetailJson {
            code,
            reason: reason.code(),
            says,
        };
        ModeJson {
            name: &info.name,
            summary: &info.summary,
            status: info.status.word(),
            example: &info.example,
            details: info.details.iter().map(detail).collect(),
        }
    }
}

pub(crate) fn find<'r>(registry: &'r Registry, name: &str) -> Result<&'r ModeInfo, Failure> {
    registry.modes().find(|info| info.name == name).ok_or_else(|| {
        let near = nearest(name, registry.modes().map(|info| &*info.name));
        let failure = Failure::config(format!("there is no mode `{}`", output::plain(name)));
        match near {
            Some(near) => failure.next(format!("did you mean `{near}`? `countersign mode list` shows all")),
            None => failure.next("`countersign mode list` shows all"),
        }
    })
}

fn list(registry: &Registry, format: Format) -> Result<(), Failure> {
    if format == Format::Json {
        return output::print_json(&registry.modes().map(ModeJson::new).collect::<Vec<_>>());
    }
    let row = |info: &ModeInfo| {
        vec![info.name.to_string(), info.status.word().to_owned(), info.summary.to_string()]
    };
    output::print(&output::table(
        &["NAME", "STATUS", "WHAT IT IS"],
        &registry.modes().map(row).collect::<Vec<_>>(),
    ))
}

fn show(info: &ModeInfo, format: Format) -> Result<(), Failure> {
    if format == Format::Json {
        return output::print_json(&ModeJson::new(info));
    }
    let mut out =
        format!("{}: {} ({})\n", output::styled(output::HEAD, &info.name), info.summary, info.status.word());
    let _ = writeln!(out, "\n{}\n", output::styled(output::HEAD, "A smallest table"));
    let _ = writeln!(out, "  [{}]", info.name);
    info.example.lines().for_each(|line| out.push_str(&format!("  {line}\n")));
    if !info.details.is_empty() {
        let _ = writeln!(out, "\n{}\n", output::styled(output::HEAD, "Details it can give"));
        let row = |(code, reason, says): &countersign::DetailInfo| {
            vec![code.to_string(), reason.code().to_owned(), says.to_string()]
        };
        let rows: Vec<_> = info.details.iter().map(row).collect();
        out.push_str(&output::table(&["DETAIL", "REASON", "WHAT HAPPENED"], &rows));
    }
    output::print(&out)
}
