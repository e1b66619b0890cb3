//! `countersign capture`: what a captured request holds, and the same without its credentials.

use crate::args::{CaptureArgs, CaptureCommand, RedactArgs, RedactFormat, ShownAs, WhatOfBody};
use crate::error::{Exit, Failure};
use crate::output::{self, CARE, HEAD, count, plain, plain_lines};
use crate::request::{Stdin, failure, read_all};
use countersign_explain::capture::{Address, BodyKept, Capture, Redaction, Stripped, Where, Withheld};
use std::fmt::Write as _;
use std::io::{IsTerminal, stdout};

/// How much of a body is shown: characters and lines of text, bytes of anything else.
const SHOWN: (usize, usize, usize) = (2000, 25, 256);

pub(crate) fn run(command: &CaptureCommand) -> Result<Exit, Failure> {
    match command {
        CaptureCommand::Show { input, format } => show(input, *format)?,
        CaptureCommand::Redact(args) => redact(args)?,
    }
    Ok(Exit::Done)
}

/// The requests that are asked for, and whether they are all that the capture has.
fn read(input: &CaptureArgs) -> Result<Vec<Capture>, Failure> {
    let CaptureArgs { file, entry } = input;
    let bytes = read_all(file, "the capture", &mut Stdin::default())?;
    match entry.entry {
        Some(number) => Capture::read(&bytes, Some(number)).map(|capture| vec![capture]),
        None => Capture::read_all(&bytes),
    }
    .map_err(failure)
}

fn show(input: &CaptureArgs, format: ShownAs) -> Result<(), Failure> {
    let captures = read(input)?;
    match (format, &captures[..]) {
        (ShownAs::Json, _) => print_json(&captures),
        (ShownAs::Http, _) => print_http(&captures),
        (ShownAs::Human, [capture]) => output::print(&in_words(capture)),
        (ShownAs::Human, _) => {
            output::print(&table(&captures))?;
            output::help("--entry N shows one of them");
            Ok(())
        }
    }
}

/// One by itself, several as a list: both are read again.
fn print_json(captures: &[Capture]) -> Result<(), Failure> {
    match captures {
        [capture] => output::print_json(&capture.to_json()),
        _ => output::print_json(&captures.iter().map(Capture::to_json).collect::<Vec<_>>()),
    }
}

fn print_http(captures: &[Capture]) -> Result<(), Failure> {
    match captures {
        [capture] => output::print_bytes(&capture.to_http().map_err(failure)?),
        _ => Err(Failure::usage(format!("there are {} requests, and a raw message is one", captures.len()))
            .next("--entry N, or --format json")),
    }
}

fn table(captures: &[Capture]) -> String {
    const COLUMNS: [&str; 5] = ["N", "METHOD", "BODY", "NOTES", "URL"];
    let row = |(index, capture): (usize, &Capture)| {
        let notes: Vec<&str> = capture.notes.iter().map(|note| note.code).collect();
        vec![
            (index + 1).to_string(),
            capture.method.clone(),
            length(capture),
            if notes.is_empty() { "-".into() } else { notes.join(" ") },
            place(capture),
        ]
    };
    let rows = captures.iter().enumerate().map(row).collect();
    let rows = if stdout().is_terminal() { output::fitted(&COLUMNS, rows) } else { rows };
    output::table(&COLUMNS, &rows)
}

/// Where it went, as far as it says.
fn place(capture: &Capture) -> String {
    match &capture.url {
        Address::Given(url) => plain(url),
        Address::Wire { target, .. } => plain(target),
        Address::Unknown => "(no URL)".into(),
    }
}

fn length(capture: &Capture) -> String {
    match &capture.withheld {
        Some(Withheld { length, .. }) => length.to_string(),
        None => capture.body.len().to_string(),
    }
}

fn in_words(capture: &Capture) -> String {
    let Capture { method, url, headers, body, withheld, notes, form, .. } = capture;
    let mut out = format!("{} {}\n", output::styled(HEAD, method), place(capture));
    let mut facts = vec![("read as", form.says().to_owned())];
    if let Address::Wire { host, .. } = url {
        let host = host.as_deref().map_or_else(|| "(not said)".into(), plain);
        facts.push(("host", format!("{host}; whether http or https is not said")));
    }
    facts.push((
        "body",
        match withheld {
            Some(Withheld { length, sha256 }) => format!("withheld: {length} bytes, sha256 {sha256}"),
            None if body.is_empty() => "none".into(),
            None => format!("{}, sha256 {}", count(body.len(), "byte"), capture.body_sha256()),
        },
    ));
    let told = |code: &str, says: &str| format!("{}: {}", output::styled(CARE, code), plain(says));
    facts.extend(notes.iter().map(|note| ("note", told(note.code, &note.says))));
    output::facts(&mut out, &facts);
    if !headers.is_empty() {
        out.push('\n');
    }
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value);
        let _ = writeln!(out, "{}", plain(&format!("{name}: {value}")));
    }
    if !body.is_empty() {
        let _ = write!(out, "\n{}", preview(body));
    }
    out
}

/// The beginning of a body, harmless to a terminal.
fn preview(body: &[u8]) -> String {
    let (most, lines, bytes) = SHOWN;
    let (mut out, shown) = match std::str::from_utf8(body) {
        Ok(text) => {
            let end = text.char_indices().nth(most).map_or(text.len(), |(at, _)| at);
            let line = text.match_indices('\n').nth(lines - 1).map_or(text.len(), |(at, _)| at + 1);
            let end = end.min(line);
            (plain_lines(&text[..end]), end)
        }
        Err(_) => {
            let end = bytes.min(body.len());
            (body[..end].chunks(16).map(row).collect(), end)
        }
    };
    if !out.ends_with('\n') {
        out.push('\n');
    }
    if shown < body.len() {
        let _ = writeln!(out, "… {} more; --format json has all", count(body.len() - shown, "byte"));
    }
    out
}

/// Sixteen bytes in hex, and what of them can be printed.
fn row(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|b| format!("{b:02x}")).collect();
    let text: String =
        bytes.iter().map(|b| if b.is_ascii_graphic() || *b == b' ' { char::from(*b) } else { '.' }).collect();
    format!("{:<47}  {text}\n", digits.join(" "))
}

fn redact(args: &RedactArgs) -> Result<(), Failure> {
    let RedactArgs { input, keep, drop, body, format } = args;
    let mut captures = read(input)?;
    let kept = match body {
        WhatOfBody::Keep => BodyKept::Exactly,
        WhatOfBody::Hash => BodyKept::Hash,
    };
    let redaction = Redaction::new(keep, drop, kept);
    let idle: Vec<Vec<&str>> = captures.iter().map(|capture| redaction.idle(capture)).collect();
    let told: Vec<Vec<Stripped>> = captures.iter_mut().map(|capture| redaction.apply(capture)).collect();
    match format {
        RedactFormat::Json => print_json(&captures)?,
        RedactFormat::Http => print_http(&captures)?,
    }
    for (index, told) in told.iter().enumerate() {
        let entry = if captures.len() > 1 { format!("entry {}: ", index + 1) } else { String::new() };
        output::note(&format!("{entry}{}", what(told)));
    }
    if told.iter().flatten().any(|told| [Where::Query, Where::UserInfo].contains(&told.place)) {
        output::warn(
            "the URL is no longer what was sent: a signature over it cannot be checked; --keep NAME keeps a parameter",
        );
    }
    for name in keep.iter().chain(drop).filter(|name| idle.iter().all(|idle| idle.contains(&name.as_str()))) {
        output::warn(&format!("there is no header and no parameter `{}`", plain(name)));
    }
    if captures.iter().any(|capture| !capture.body.is_empty()) {
        output::note(
            "the path and the body are kept byte for byte: see that they hold nothing secret; --body hash leaves the body out",
        );
    }
    Ok(())
}

/// What was taken out, place by place.
fn what(told: &[Stripped]) -> String {
    let places = [
        (Where::Header, "the headers"),
        (Where::Query, "the URL's parameters"),
        (Where::HeaderQuery, "URLs in the headers"),
        (Where::UserInfo, "the URL's name and password"),
        (Where::Body, "the body, for which its hash stands"),
    ];
    let mut parts = Vec::new();
    for (place, called) in places {
        let names: Vec<String> =
            told.iter().filter(|told| told.place == place).map(|told| plain(&told.name)).collect();
        match names.iter().all(String::is_empty) {
            true if names.is_empty() => {}
            true => parts.push(called.to_owned()),
            false => parts.push(format!("{called} {}", names.join(", "))),
        }
    }
    match parts.is_empty() {
        true => "nothing was stripped: nothing is called like a credential".into(),
        false => format!("stripped: {}", parts.join("; ")),
    }
}
