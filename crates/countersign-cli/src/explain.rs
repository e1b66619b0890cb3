//! `countersign explain`: why a signature failed, in words and with a picture of what was signed.

use crate::args::{ExplainArgs, Format};
use crate::error::{Exit, Failure};
use crate::output::{self, BAD, CARE, FAINT, GOOD, HEAD};
use crate::request::{self, Stdin};
use crate::scheme::Chosen;
use crate::verify::Documents;
use crate::{secret, time};
use countersign::{Keyring, Layer, Sources, Vars};
use countersign_explain::{Asked, Diagnosis, Finding, KeyShown, Piece, Proof, Source, State, explain};
use serde::Serialize;
use std::fmt::Write as _;
use std::path::Path;

/// How much of a piece of signed content is shown, in characters.
const SHOWN: usize = 160;

/// Look for the cause.
pub(crate) fn run(args: &ExplainArgs) -> Result<Exit, Failure> {
    let ExplainArgs { request, scheme, keys, other, control, document, now, budget, fix, format } = args;
    let named = request.request.as_deref().and_then(Path::to_str);
    let secrets: Vec<String> = keys.secret.iter().chain(other).cloned().collect();
    Stdin::check(
        &secrets,
        &[named, control.as_deref().and_then(Path::to_str), request.parts.body.as_deref()],
    )?;
    let mut stdin = Stdin::default();
    let now = now.as_deref().map_or_else(|| Ok(time::now()), |text| time::parse_option("--now", text))?;
    let time = time::span("--budget", budget)?;
    let chosen = Chosen::by(scheme, None)?;
    let vars = chosen.vars(&keys.var)?;
    chosen.require_secret(&keys.secret, false)?;
    let capture = request::read_leniently(request, &mut stdin)?;
    let url = request::settle_url(&capture, chosen.looks_at_url())?;
    let control =
        control.as_deref().map(|path| request::leniently(path, &request.entry, &mut stdin)).transpose()?;
    let control_url = control.as_ref().map(|control| control.url.assumed().unwrap_or_else(|| url.clone()));
    let documents = Documents::read(document, now, &mut stdin)?;
    let kind = chosen.key_kind(false);
    let ring = secret::as_stored(&keys.secret, kind, &mut stdin)?;
    let others: Vec<(String, Keyring)> = other
        .iter()
        .map(|spec| {
            let ring = secret::as_stored(std::slice::from_ref(spec), kind, &mut stdin)?;
            let name = ring.iter().next().map_or_else(String::new, |(_, key)| key.id.to_string());
            Ok((name, ring))
        })
        .collect::<Result<_, Failure>>()?;
    let none = Vars::new();
    let others: Vec<Source<'_>> =
        others.iter().map(|(name, keys)| Source { name, preset: &chosen.layer, keys, vars: &none }).collect();
    let source = Source { name: "this endpoint", preset: &chosen.layer, keys: &ring, vars: &vars };
    let asked_request = capture.request(&url);
    let control_request =
        control.as_ref().zip(control_url.as_deref()).map(|(control, url)| control.request(url));
    let mut asked = Asked::new(&chosen.registry, source, &asked_request, now);
    asked.others = &others;
    asked.control = control_request.as_ref();
    asked.remote = &documents;
    asked.budget.time = time;
    let diagnosis = explain(&asked);
    match (fix, format) {
        (true, _) => output::print(&patch(&diagnosis))?,
        (false, Format::Json) => output::print_json(&Answer::new(&diagnosis))?,
        (false, Format::Human) => output::print(&report(&diagnosis))?,
    }
    Ok(match diagnosis.state {
        State::Verifies => Exit::Done,
        State::Explained => Exit::Explained,
        _ => Exit::Nothing,
    })
}

/// What mends it, as far as TOML does.
fn patch(diagnosis: &Diagnosis) -> String {
    let mut out = String::new();
    if diagnosis.state == State::Verifies {
        return "# It verifies: there is nothing to mend.\n".into();
    }
    if diagnosis.cause.is_empty() {
        return "# No cause was found, and so nothing that mends it.\n".into();
    }
    // Two changes of one table are one table: each is laid over those before it.
    let mut whole: Option<Layer> = None;
    for finding in &diagnosis.cause {
        let _ = writeln!(out, "# {}: {}", finding.code, output::plain(&finding.says));
        let mut sources = Sources::new();
        let layer = finding.patch.as_ref().and_then(|patch| {
            let file = sources.add(finding.code, patch.as_str());
            Layer::parse(&sources, file).ok()
        });
        match layer {
            Some(layer) => {
                whole = Some(match whole {
                    Some(before) => layer.over(&before),
                    None => layer,
                });
            }
            None => {
                let _ = writeln!(out, "# No line of TOML mends it: {}", output::plain(&finding.advice));
            }
        }
    }
    out.extend(whole.map(|whole| whole.to_toml()));
    out
}

/// The report for people.
fn report(diagnosis: &Diagnosis) -> String {
    let mut out = match diagnosis.state {
        State::Verifies => format!("{}\n", output::styled(GOOD, "✓ it verifies: nothing is wrong")),
        State::Explained => format!("{}\n", output::styled(BAD, "✗ it does not verify, and this is why")),
        _ => format!(
            "{}\n",
            output::styled(CARE, "? it does not verify, and nothing that was tried makes it fit")
        ),
    };
    for finding in &diagnosis.cause {
        let mut facts = vec![
            ("cause", output::styled(HEAD, finding.code)),
            ("what", output::plain(&finding.says)),
            ("proof", proof(finding, diagnosis)),
            ("do", output::plain(&finding.advice)),
        ];
        if let Some(patch) = &finding.patch {
            facts.push(("or write", output::plain_lines(patch.trim_end())));
        }
        out.push('\n');
        output::facts(&mut out, &facts);
    }
    if !diagnosis.content.is_empty() {
        out.push_str(&signed(diagnosis));
    }
    if !diagnosis.noted.is_empty() {
        let _ = write!(out, "\n{}\n", output::styled(HEAD, "also noticed"));
        for finding in &diagnosis.noted {
            let _ = writeln!(out, "  {:<28} {}", finding.code, output::plain(&finding.says));
            let _ = writeln!(out, "  {:<28} {FAINT}{}{FAINT:#}", "", output::plain(&finding.advice));
        }
    }
    if diagnosis.state != State::Verifies && !diagnosis.keys.is_empty() {
        let _ = write!(out, "\n{}\n", output::styled(HEAD, "secrets, for both sides to compare"));
        for KeyShown { id, bytes, fingerprint, .. } in &diagnosis.keys {
            let _ = writeln!(
                out,
                "  {}: {}, fingerprint {fingerprint}",
                output::plain(id),
                output::count(*bytes, "byte")
            );
        }
        let _ = writeln!(out, "  {FAINT}printf %s \"$SECRET\" | sha256sum | cut -c1-8{FAINT:#}");
    }
    let effort = &diagnosis.effort;
    if effort.trials > 0 {
        let cut =
            if effort.cut_short { "; the budget ended the search: --budget 10s looks longer" } else { "" };
        let _ = writeln!(
            out,
            "\n{FAINT}{} trials in {} ms{cut}{FAINT:#}",
            effort.trials,
            effort.time.as_millis()
        );
    }
    out
}

fn proof(finding: &Finding, diagnosis: &Diagnosis) -> String {
    match finding.proof {
        Proof::Match if diagnosis.effort.trials == 0 => "the signature fits exactly".into(),
        Proof::Match => format!(
            "with this, the signature fits exactly, and without it it does not ({}, {} ms)",
            output::count(usize::try_from(diagnosis.effort.trials).unwrap_or(usize::MAX), "trial"),
            diagnosis.effort.time.as_millis()
        ),
        Proof::Read => "it stands in the request or the configuration".into(),
        _ => "none: it is likely".into(),
    }
}

/// What was signed, piece by piece.
fn signed(diagnosis: &Diagnosis) -> String {
    let bytes: usize = diagnosis.content.iter().filter_map(|piece| piece.bytes.as_ref()).map(Vec::len).sum();
    let what = match diagnosis.state {
        State::Explained if diagnosis.cause.iter().any(|finding| finding.proof == Proof::Match) => {
            "what the sender signed"
        }
        _ => "what would have to be signed",
    };
    let mut out = format!("\n{} ({bytes} bytes)\n", output::styled(HEAD, what));
    let name =
        |piece: &Piece| if piece.name.is_empty() { "text".to_owned() } else { format!("{{{}}}", piece.name) };
    let width = diagnosis.content.iter().map(|piece| name(piece).chars().count()).max().unwrap_or(0);
    for piece in &diagnosis.content {
        let shown = match &piece.bytes {
            None => "(made of the secret, and not shown)".into(),
            Some(bytes) => excerpt(bytes),
        };
        let _ = writeln!(out, "  {FAINT}{:<width$}{FAINT:#}  {shown}", output::plain(&name(piece)));
    }
    out
}

/// The beginning of some bytes, with what cannot be seen made visible.
fn excerpt(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * SHOWN)]);
    let start: String = text.chars().take(SHOWN).collect();
    match bytes.len() > start.len() {
        true => format!("{}… ({} bytes)", output::plain(&start), bytes.len()),
        false => output::plain(&start),
    }
}

/// The answer for programs. The names are stable; bodies are in base64, as they need not be text.
#[derive(Serialize)]
struct Answer<'a> {
    state: State,
    cause: &'a [Finding],
    noted: &'a [Finding],
    content: Vec<PieceJson<'a>>,
    keys: &'a [KeyShown],
    trials: u64,
    bytes_hashed: u64,
    milliseconds: u128,
    cut_short: bool,
}

#[derive(Serialize)]
struct PieceJson<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
    secret: bool,
}

impl<'a> Answer<'a> {
    fn new(diagnosis: &'a Diagnosis) -> Self {
        let Diagnosis { state, cause, noted, content, keys, effort, .. } = diagnosis;
        let piece = |piece: &'a Piece| PieceJson {
            name: &piece.name,
            base64: piece.bytes.as_ref().map(|bytes| base64_simd::STANDARD.encode_to_string(bytes)),
            secret: piece.bytes.is_none(),
        };
        Answer {
            state: *state,
            cause,
            noted,
            content: content.iter().map(piece).collect(),
            keys,
            trials: effort.trials,
            bytes_hashed: effort.bytes,
            milliseconds: effort.time.as_millis(),
            cut_short: effort.cut_short,
        }
    }
}
