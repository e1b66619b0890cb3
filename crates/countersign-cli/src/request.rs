//! The request to judge: a capture, or pieces from the command line.
//!
//! What a capture is and how it is read is `countersign-explain`'s; here are files and standard input, and who may take it.
//! What is judged must be what was sent, so a capture that contradicts itself is refused, and what it remarks on is told.

use crate::args::{EntryArgs, PartArgs, RequestArgs};
use crate::error::Failure;
use crate::{output, secret};
use countersign_explain::capture::{Address, Capture, CaptureError, Form, MOST, Trouble, is_absolute};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Standard input can be read once: who has taken it?
#[derive(Default)]
pub(crate) struct Stdin(Option<&'static str>);

impl Stdin {
    /// Refuse a command line that names it twice, before any of it is read.
    pub(crate) fn check(secrets: &[String], others: &[Option<&str>]) -> Result<(), Failure> {
        let mut stdin = Stdin::default();
        others.iter().filter(|other| **other == Some("-")).try_for_each(|_| stdin.claim("the request"))?;
        secrets.iter().filter(|spec| secret::is_stdin(spec)).try_for_each(|_| stdin.claim("a secret"))
    }

    /// Take it.
    pub(crate) fn claim(&mut self, what: &'static str) -> Result<(), Failure> {
        match self.0.replace(what) {
            None => Ok(()),
            Some(other) => {
                Err(Failure::usage(format!("standard input can be only one of {other} and {what}"))
                    .next("put one of them into a file, or a secret into the environment (env:NAME)"))
            }
        }
    }
}

/// Read what REQUEST names, or put it together from pieces.
pub(crate) fn read(args: &RequestArgs, stdin: &mut Stdin) -> Result<Capture, Failure> {
    let RequestArgs { request, entry, parts } = args;
    let mut capture = match request {
        Some(path) => captured(path, entry, stdin)?,
        None if parts.header.is_empty() && parts.body.is_none() && parts.url.is_none() => {
            return Err(Failure::usage("there is no request to judge")
                .next("name a file, or `-` for standard input; or give --header, --body and --url"));
        }
        None if entry.entry.is_some() => {
            return Err(Failure::usage("--entry: there is no REQUEST to choose from").next("name a file"));
        }
        None => from_parts(parts, stdin)?,
    };
    if let Some(url) = &parts.url {
        capture.url = Address::Given(absolute(url)?);
    }
    Ok(capture)
}

/// As [`read`], for whoever looks for what is wrong: a request that contradicts itself is no reason to stop.
pub(crate) fn read_leniently(args: &RequestArgs, stdin: &mut Stdin) -> Result<Capture, Failure> {
    let Some(path) = &args.request else { return read(args, stdin) };
    let mut capture = leniently(path, &args.entry, stdin)?;
    if let Some(url) = &args.parts.url {
        capture.url = Address::Given(absolute(url)?);
    }
    Ok(capture)
}

/// One request of a file, with whatever is odd about it told and kept.
pub(crate) fn leniently(path: &Path, entry: &EntryArgs, stdin: &mut Stdin) -> Result<Capture, Failure> {
    let bytes = read_all(path, "the request", stdin)?;
    let capture = Capture::read(&bytes, entry.entry).map_err(failure)?;
    for note in &capture.notes {
        output::note(&format!("{}: {}", note.code, note.says));
    }
    Ok(capture)
}

/// The one request of a file that is to be judged. What may not be as it was sent is told.
pub(crate) fn captured(path: &Path, entry: &EntryArgs, stdin: &mut Stdin) -> Result<Capture, Failure> {
    let bytes = read_all(path, "the request", stdin)?;
    let capture = Capture::read(&bytes, entry.entry).and_then(Capture::strict).map_err(failure)?;
    for note in &capture.notes {
        output::note(&format!("{}: {}", note.code, note.says));
    }
    Ok(capture)
}

/// Why a capture cannot be read or written, and what to type next.
pub(crate) fn failure(error: CaptureError) -> Failure {
    // A part of it came from the capture, and lines of that are none of ours.
    let says = output::plain(&error.says);
    match error.trouble {
        Trouble::Several(count) | Trouble::NoSuchEntry(count) => {
            let next = match count {
                1 => "leave --entry out".into(),
                _ => {
                    format!("--entry N, with N from 1 to {count}; `countersign capture show FILE` lists them")
                }
            };
            Failure::usage(format!("the request cannot be chosen: {says}")).next(next)
        }
        Trouble::Contradicts(_) => Failure::usage(format!("the request cannot be read: {says}"))
            .next("save it again, byte for byte; `countersign capture show FILE` shows what was read"),
        Trouble::Unwritable => {
            Failure::usage(format!("the request cannot be written so: {says}")).next("--format json")
        }
        _ => {
            Failure::usage(format!("the request cannot be read: {says}")).next(format!("give {}", Form::READ))
        }
    }
}

/// Put one together from pieces.
pub(crate) fn from_parts(parts: &PartArgs, stdin: &mut Stdin) -> Result<Capture, Failure> {
    let PartArgs { method, url, header, body } = parts;
    let headers = header.iter().map(|text| header_option(text)).collect::<Result<_, _>>()?;
    let url = url.as_deref().map(absolute).transpose()?.map_or(Address::Unknown, Address::Given);
    let body = match body.as_deref() {
        None => Vec::new(),
        Some("-") => read_all(Path::new("-"), "the body", stdin)?,
        Some(text) => match text.strip_prefix('@') {
            Some(file) => read_all(Path::new(file), "the body", stdin)?,
            None => text.as_bytes().to_vec(),
        },
    };
    let method = method.as_deref().unwrap_or("POST");
    let capture = Capture::new(method, url, headers, body);
    capture.map_err(|error| {
        Failure::usage(output::plain(&error.says)).next("write --method POST, --header 'Name: value'")
    })
}

/// The URL that is judged. Where the wire does not say it and the scheme wants it, what is assumed is said aloud.
pub(crate) fn settle_url(capture: &Capture, wanted: bool) -> Result<String, Failure> {
    match (capture.url.assumed(), wanted) {
        (Some(url), wanted) => {
            if wanted && !matches!(capture.url, Address::Given(_)) {
                output::note(&format!(
                    "this scheme signs the URL, which the request does not say in full; assumed {url} (else: --url URL)"
                ));
            }
            Ok(url)
        }
        (None, true) => Err(Failure::usage("this scheme signs the URL, and it is not given")
            .next("--url URL, exactly as the sender was told it, query included")),
        (None, false) => Ok(format!("https://host.invalid{}", capture.url.target())),
    }
}

/// A header of the command line. Its value is not repeated in a complaint.
pub(crate) fn header_option(text: &str) -> Result<(String, Vec<u8>), Failure> {
    match text.split_once(':') {
        Some((name, value)) => Ok((name.to_owned(), value.trim_matches([' ', '\t']).as_bytes().to_vec())),
        None => Err(Failure::usage("--header: there is no `:` in it").next("write --header 'Name: value'")),
    }
}

fn absolute(url: &str) -> Result<String, Failure> {
    match is_absolute(url) {
        true => Ok(url.to_owned()),
        false => Err(Failure::usage("--url: this is no http:// or https:// URL")
            .next("write it as the sender was told it: https://example.com/hook?a=b")),
    }
}

/// All of a file, or of standard input for `-`.
pub(crate) fn read_all(path: &Path, what: &'static str, stdin: &mut Stdin) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        stdin.claim(what)?;
        let read = io::stdin().lock().take(MOST as u64 + 1).read_to_end(&mut bytes);
        read.map_err(|error| Failure::stream("read standard input", error))?;
    } else {
        let failed = |error| Failure::io(&format!("read {what} from"), path, &error);
        File::open(path).map_err(failed)?.take(MOST as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    }
    match bytes.len() > MOST {
        true => Err(Failure::usage(format!("{what} is longer than {MOST} bytes"))),
        false => Ok(bytes),
    }
}
