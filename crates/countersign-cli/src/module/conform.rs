//! `countersign module conform`: everything that is asked of a module, by the whole of the kit.
//!
//! The module is loaded here to be read, and asked in processes of its own, one for what the contract says of memory and one
//! for what a mode promises: one that crashes, hangs or exits when it is asked is a finding and not the end. What it prints
//! there is listened to.

pub(super) mod stage;

use super::refused;
use crate::args::{ConformArgs, ConformStage, Format};
use crate::error::{Exit, Failure};
use crate::output::{self, BAD, CARE, GOOD};
use countersign_plugin::host::{Inspected, Module, inspect};
use countersign_testkit::VectorFile;
use countersign_testkit::conformance::shows_secret;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Output, Stdio};

/// Something that is wrong with a module.
struct Finding {
    code: String,
    found: String,
    look: String,
}

/// What came of one mode.
struct Asked {
    mode: String,
    findings: Vec<Finding>,
    /// As the kit reports it, for people and for programs; none if the process died.
    promises: Option<(String, Value)>,
    memory: Option<Value>,
}

/// Ask.
pub(super) fn run(args: &ConformArgs) -> Result<Exit, Failure> {
    let path = std::path::absolute(&args.file).map_err(|error| Failure::io("find", &args.file, &error))?;
    let inspected = inspect(&path).map_err(refused)?;
    let module = stage::load(&args.file)?;
    let files = stage::vectors(&module, args)?;
    let wanted = |name: &&str| args.mode.as_deref().is_none_or(|wanted| wanted == *name);
    let names: Vec<String> = super::modes(&module);
    let modes: Vec<&str> = names.iter().map(String::as_str).filter(wanted).collect();
    if let (Some(wanted), true) = (&args.mode, modes.is_empty()) {
        let failure = Failure::config(format!("the module brings no mode `{}`", output::plain(wanted)));
        return Err(failure.next(format!(
            "it brings {}",
            countersign::config::one_of(super::modes(&module).iter().map(String::as_str))
        )));
    }
    let of_file = outside(&inspected);
    let mut all = Vec::new();
    for mode in modes {
        output::note(&format!("asking the mode `{mode}`"));
        all.push(ask(args, mode, &files)?);
    }
    let ok = of_file.is_empty() && all.iter().all(|asked| asked.findings.is_empty() && kit_is_ok(asked));
    match args.format {
        Format::Json => output::print_json(&to_json(&module, &of_file, &all, ok))?,
        Format::Human => output::print(&in_words(&of_file, &all, ok))?,
    }
    Ok(if ok { Exit::Done } else { Exit::No })
}

/// What can be told without asking.
fn outside(inspected: &Inspected) -> Vec<Finding> {
    const CLOCKS: [&str; 6] = ["time", "clock", "clock_gettime", "gettimeofday", "ftime", "timespec_get"];
    const PLAIN: [&str; 7] = ["libc.", "libm.", "libgcc_s.", "ld-linux", "libpthread.", "libdl.", "ld-musl"];
    let mut findings = Vec::new();
    if inspected.exports.len() > 1 {
        findings.push(Finding {
            code: "file/exports".into(),
            found: format!("it exports {} names, and is to export one", inspected.exports.len()),
            look: "-fvisibility=hidden, or `pub extern` where it is not needed".into(),
        });
    }
    let foreign: Vec<&str> = inspected
        .libraries
        .iter()
        .map(String::as_str)
        .filter(|library| !PLAIN.iter().any(|plain| library.starts_with(plain)))
        .collect();
    if !foreign.is_empty() {
        findings.push(Finding {
            code: "file/libraries".into(),
            found: format!("it wants {}: what comes with a host may be another", foreign.join(", ")),
            look: "link them statically: libc, libm and libgcc are all a module wants".into(),
        });
    }
    // The standard library of Rust names a clock whether or not anybody asks it; what a mode does with one, the cases tell.
    if !in_rust(inspected) {
        for clock in CLOCKS.iter().filter(|clock| inspected.imports.iter().any(|name| name == *clock)) {
            findings.push(Finding {
                code: "time/imports-clock".into(),
                found: format!("it imports `{clock}`, and a module has no clock but `now_ms`"),
                look: "judge times against `cs_request.now_ms`, or leave freshness to the host".into(),
            });
        }
    }
    findings
}

fn in_rust(inspected: &Inspected) -> bool {
    inspected.imports.iter().any(|name| name.starts_with("_Unwind_"))
}

/// Both stages for one mode.
fn ask(args: &ConformArgs, mode: &str, files: &[VectorFile]) -> Result<Asked, Failure> {
    let mut asked = Asked { mode: mode.to_owned(), findings: Vec::new(), promises: None, memory: None };
    let (memory, report) = run_stage(args, mode, ConformStage::Memory)?;
    asked.judge(ConformStage::Memory, &memory, files);
    if let Some(report) = report {
        for finding in report["found"].as_array().into_iter().flatten() {
            let text = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
            asked.findings.push(Finding { code: text("code"), found: text("found"), look: text("look_at") });
        }
        asked.memory = Some(report);
    }
    let (promises, report) = run_stage(args, mode, ConformStage::Promises)?;
    asked.judge(ConformStage::Promises, &promises, files);
    if let Some(mut report) = report {
        let text = report["text"].as_str().unwrap_or_default().to_owned();
        asked.promises = Some((text, report["report"].take()));
    }
    Ok(asked)
}

/// Run one stage in a process of its own, and read what it wrote, if it came so far.
fn run_stage(
    args: &ConformArgs,
    mode: &str,
    stage: ConformStage,
) -> Result<(Output, Option<Value>), Failure> {
    let own = std::env::current_exe().map_err(|error| Failure::stream("find this program", error))?;
    let folder = std::env::temp_dir();
    let random = std::collections::hash_map::RandomState::new();
    let nonce = std::hash::BuildHasher::hash_one(&random, std::process::id());
    let report = folder.join(format!("countersign-conform-{}-{nonce:016x}.json", std::process::id()));
    // Made here, for our eyes only: whoever sees its name in the arguments below can put nothing in its place.
    File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&report)
        .map_err(|error| Failure::io("make", &report, &error))?;
    let word = match stage {
        ConformStage::Memory => "memory",
        ConformStage::Promises => "promises",
    };
    let mut command = Command::new(own);
    command.args(["module", "conform-stage", word]).arg(&report).arg(&args.file).args(["--mode", mode]);
    match args.quick {
        true => command.arg("--quick"),
        false => command.args(["--rounds", &args.rounds.to_string()]),
    };
    args.vectors.iter().for_each(|file| {
        command.arg("--vectors").arg(file);
    });
    args.presets.iter().for_each(|dir| {
        command.arg("--presets").arg(dir);
    });
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure::stream("run this program again", error))?;
    let text = std::fs::read_to_string(&report).ok();
    let _ = std::fs::remove_file(&report);
    let value = text.and_then(|text| serde_json::from_str(&text).ok());
    if value.is_none() && output.status.code().is_some_and(|code| (2..=5).contains(&code)) {
        // It was refused before it began: the same words are this program's own.
        output::raw_error(&String::from_utf8_lossy(&output.stderr));
        return Err(Failure::config("the module cannot be asked"));
    }
    Ok((output, value))
}

impl Asked {
    /// What the end of a process, and what it printed, say of the module.
    fn judge(&mut self, stage: ConformStage, output: &Output, files: &[VectorFile]) {
        let during = match stage {
            ConformStage::Memory => "while memory was looked at",
            ConformStage::Promises => "while its promises were tried",
        };
        if !output.status.success() {
            self.findings.push(Finding {
                code: "crash/died".into(),
                found: format!("{} {during}", died(output.status)),
                look: "reads beyond the end of what came in, NUL bytes, NULL pointers with length 0, `exit`, `abort`, a call \
                       that does not end; a debugger on `countersign module conform-stage` shows where"
                    .into(),
            });
        }
        let printed =
            [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let cases = || files.iter().flat_map(|file| &file.cases);
        if printed.iter().any(|text| cases().any(|case| shows_secret(case, text))) {
            self.findings.push(Finding {
                code: "secrets/printed".into(),
                found: format!("it prints a secret {during}"),
                look: "a module prints nothing: what it has to say goes into `detail_text`, without key material".into(),
            });
        } else if output.status.success() && printed.iter().any(|text| !text.is_empty()) {
            self.findings.push(Finding {
                code: "output/prints".into(),
                found: format!("it prints {} bytes {during}", printed.iter().map(String::len).sum::<usize>()),
                look: "stdout and stderr are the host's: what a module has to say goes into `detail_text`"
                    .into(),
            });
        }
    }
}

fn died(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => {
            let name = match signal {
                4 => " (illegal instruction)",
                6 => " (abort: perhaps a call that did not end)",
                7 => " (bus error)",
                8 => " (arithmetic)",
                11 => " (a bad address)",
                _ => "",
            };
            format!("it ended its process by signal {signal}{name}")
        }
        (None, Some(code)) => format!("it ended its process with the code {code}"),
        (None, None) => "it ended its process".into(),
    }
}

fn kit_is_ok(asked: &Asked) -> bool {
    asked.promises.as_ref().is_some_and(|(_, report)| report["ok"] == true)
}

fn to_json(module: &Module, of_file: &[Finding], all: &[Asked], ok: bool) -> Value {
    let finding =
        |Finding { code, found, look }: &Finding| json!({ "code": code, "found": found, "look_at": look });
    let asked = |Asked { mode, findings, promises, memory }: &Asked| {
        json!({
            "mode": mode,
            "findings": findings.iter().map(finding).collect::<Vec<_>>(),
            "promises": promises.as_ref().map(|(_, report)| report),
            "memory": memory,
        })
    };
    json!({
        "ok": ok,
        "module": super::to_json(module),
        "findings": of_file.iter().map(finding).collect::<Vec<_>>(),
        "modes": all.iter().map(asked).collect::<Vec<_>>(),
    })
}

fn in_words(of_file: &[Finding], all: &[Asked], ok: bool) -> String {
    let mut out = String::new();
    let tell = |out: &mut String, findings: &[Finding]| {
        for Finding { code, found, look } in findings {
            let _ = writeln!(out, "{} {}: {}", output::styled(BAD, "✗"), code, output::plain(found));
            let _ = writeln!(out, "  look at: {}", output::plain(look));
        }
    };
    if !of_file.is_empty() {
        let _ = writeln!(out, "{}\n", output::styled(output::HEAD, "The file"));
        tell(&mut out, of_file);
        out.push('\n');
    }
    for Asked { mode, findings, promises, memory } in all {
        let _ = writeln!(out, "{}\n", output::styled(output::HEAD, &format!("The mode `{mode}`")));
        tell(&mut out, findings);
        match memory {
            Some(report) if report["deliveries"] == 0 => {
                let _ = writeln!(
                    out,
                    "{} memory: not asked, for no case verifies by a key that is held",
                    output::styled(CARE, "-")
                );
            }
            Some(report) => {
                let calls = report["calls"].as_u64().unwrap_or(0);
                let deliveries = report["deliveries"].as_u64().unwrap_or(0);
                let _ = writeln!(out, "memory: {calls} calls with {deliveries} deliveries, in fenced memory");
            }
            None => {}
        }
        if let Some((text, _)) = promises {
            let _ = writeln!(out, "\n{}", output::plain_lines(text.trim_end()));
        }
        out.push('\n');
    }
    let (style, word) = if ok { (GOOD, "ok: every promise held") } else { (BAD, "failed") };
    let _ = writeln!(out, "{}", output::styled(style, word));
    out
}
