//! What is to be sent: files in any form that captures come in, and events of the gateway by their names.

use crate::args::{EntryArgs, GatewayArgs};
use crate::error::Failure;
use crate::operate::Tools;
use crate::output::{self, plain};
use crate::request::{self, Stdin, read_all};
use countersign_explain::capture::Capture;
use std::path::Path;

/// A request, and what it is called.
pub(super) struct Taken {
    pub(super) name: String,
    pub(super) capture: Capture,
}

/// How events are called.
const EVENT: &str = "evt_";

/// What stands in a stored head for a credential that was kept back.
const WITHHELD: &[u8] = b"withheld";

/// Read all of them, in the order in which they are named.
pub(super) fn all(
    names: &[String],
    entry: &EntryArgs,
    gateway: &GatewayArgs,
    stdin: &mut Stdin,
) -> Result<Vec<Taken>, Failure> {
    if entry.entry.is_some() && names.len() > 1 {
        return Err(Failure::usage("--entry: of which file?").next("name one REQUEST with it"));
    }
    let mut tools = None;
    let mut all = Vec::new();
    for name in names {
        if name != "-" && name.starts_with(EVENT) && !Path::new(name).exists() {
            let tools = match &tools {
                Some(tools) => tools,
                None => tools.insert(Tools::keyless(gateway)?),
            };
            all.push(Taken { name: name.clone(), capture: event(name, tools)? });
            continue;
        }
        let path = Path::new(name);
        if name != "-" && !path.exists() {
            return Err(Failure::usage(format!(
                "there is no file `{}`, and no event is called so",
                plain(name)
            ))
            .next("name files, or events as `countersign event list` shows them: evt_…"));
        }
        let bytes = read_all(path, "the request", stdin)?;
        let captures = match entry.entry {
            Some(_) => Capture::read(&bytes, entry.entry).map(|capture| vec![capture]),
            None => Capture::read_all(&bytes),
        };
        let captures =
            captures.and_then(|all| all.into_iter().map(Capture::strict).collect::<Result<Vec<_>, _>>());
        let captures = captures.map_err(|error| request::failure(error).about(&plain(name)))?;
        let several = captures.len() > 1;
        for (index, capture) in captures.into_iter().enumerate() {
            for note in &capture.notes {
                output::note(&format!("{}: {}: {}", plain(name), note.code, note.says));
            }
            let name = if several { format!("{name}#{}", index + 1) } else { name.clone() };
            all.push(Taken { name, capture });
        }
    }
    Ok(all)
}

/// One out of the store. What was kept back cannot be sent.
fn event(id: &str, tools: &Tools) -> Result<Capture, Failure> {
    let event = tools.run(tools.operator.event(id))?;
    let json =
        serde_json::to_vec(&event.request).map_err(|error| Failure::stream("read the event", error))?;
    let mut capture = Capture::read(&json, None).map_err(|error| request::failure(error).about(id))?;
    let (withheld, kept) = capture.headers.into_iter().partition(|(_, value)| value == WITHHELD);
    capture.headers = kept;
    let withheld: Vec<(String, Vec<u8>)> = withheld;
    if capture.url.target().contains("=withheld") {
        output::note(&format!("{id}: a parameter of its query was kept back, and goes out as `withheld`"));
    }
    for (header, _) in withheld {
        output::note(&format!("{id}: the header `{}` is not shown, and not sent", plain(&header)));
    }
    Ok(capture)
}
