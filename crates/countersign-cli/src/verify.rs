//! `countersign verify`: one request, one answer, one exit code.

use crate::args::{Format, VerifyArgs};
use crate::error::{Exit, Failure};
use crate::output::{self, BAD, CARE, GOOD};
use crate::request::{self, Stdin, read_all};
use crate::scheme::Chosen;
use crate::{secret, time};
use countersign::{
    Binds, Compiled, Context, Document, KeyCache, KeyRequest, Outcome, Reason, Rejection, RequestKind,
    Timestamp, Verified,
};
use serde::Serialize;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Judge it.
pub(crate) fn run(args: &VerifyArgs) -> Result<Exit, Failure> {
    let VerifyArgs { request, scheme, keys, document, now, ignore_time, format } = args;
    let named = request.request.as_deref().and_then(Path::to_str);
    Stdin::check(&keys.secret, &[named, request.parts.body.as_deref()])?;
    let mut stdin = Stdin::default();
    let now = now.as_deref().map_or_else(|| Ok(time::now()), |text| time::parse_option("--now", text))?;
    let chosen = Chosen::by(scheme, ignore_time.then_some(AGELESS))?;
    let vars = chosen.vars(&keys.var)?;
    chosen.require_secret(&keys.secret, false)?;
    // The request first: a secret is best read only when there is something to do with it.
    let capture = request::read(request, &mut stdin)?;
    let url = request::settle_url(&capture, chosen.looks_at_url())?;
    let documents = Documents::read(document, now, &mut stdin)?;
    let ring = secret::keyring(&keys.secret, chosen.key_kind(false), &mut stdin)?;
    let verifier = chosen.compiled.verifier("command-line", &ring, &vars)?;
    drop(ring);
    if *ignore_time {
        output::warn(
            "--ignore-time: the age of the message is not judged; a replayed one would pass as well",
        );
    }
    let outcome = verifier.verify(&capture.request(&url), &Context::new(now, &documents));
    let answer = Answer::new(&chosen.compiled, &outcome, now);
    match format {
        Format::Json => output::print_json(&answer)?,
        Format::Human => {
            output::print(&answer.in_words(&chosen.compiled, &outcome))?;
            // For whoever sits there: a log has no use for it.
            if matches!(outcome, Outcome::Rejected(_)) && io::stderr().is_terminal() {
                output::help("`countersign explain` with the same options looks for the cause");
            }
        }
    }
    documents.remark_unread();
    Ok(match outcome {
        Outcome::Verified(_) => Exit::Done,
        Outcome::Rejected(_) => Exit::No,
        Outcome::Unresolved(_) => Exit::Key,
    })
}

/// What `--ignore-time` lays over the preset.
const AGELESS: &str = "freshness.tolerance_seconds = \"none\"";

/// What was given for fetched documents, as if fetched just now.
pub(crate) struct Documents {
    given: Vec<(String, Document)>,
    /// What was asked for.
    asked: Mutex<Vec<String>>,
}

impl Documents {
    pub(crate) fn read(pairs: &[String], now: Timestamp, stdin: &mut Stdin) -> Result<Self, Failure> {
        let read = |pair: &String| {
            // A URL may hold `=`; whoever names the file can avoid it.
            let (url, file) = pair
                .rsplit_once('=')
                .filter(|(url, file)| !url.is_empty() && !file.is_empty())
                .ok_or_else(|| {
                    Failure::usage("--document: it has no URL, no `=` or no file")
                        .next("write --document URL=FILE")
                })?;
            let bytes = read_all(Path::new(file), "a document", stdin)?;
            Ok((url.to_owned(), Document::new(bytes, now)))
        };
        let given = pairs.iter().map(read).collect::<Result<_, Failure>>()?;
        Ok(Documents { given, asked: Mutex::default() })
    }

    /// A document under a name that nobody asked for is mostly a name misspelt.
    pub(crate) fn remark_unread(&self) {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, _) in self.given.iter().filter(|(name, _)| !asked.contains(name)) {
            output::note(&format!("--document '{name}=…' was not asked for"));
        }
    }
}

impl KeyCache for Documents {
    fn get(&self, _: RequestKind, name: &str) -> Option<Document> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(name.to_owned());
        self.given.iter().find(|(known, _)| known == name).map(|(_, document)| document.clone())
    }
}

/// The answer for programs. The names are stable.
#[derive(Serialize)]
struct Answer<'a> {
    outcome: &'static str,
    reason: Option<&'static str>,
    detail: Option<DetailJson<'a>>,
    preset: &'a str,
    mode: &'a str,
    key_id: Option<&'a str>,
    signed_at: Option<String>,
    skew_seconds: Option<i64>,
    message_id: Option<&'a str>,
    binds: Vec<&'static str>,
    notes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wanted: Option<Wanted<'a>>,
}

#[derive(Serialize)]
struct DetailJson<'a> {
    code: &'a str,
    text: &'a str,
}

#[derive(Serialize)]
struct Wanted<'a> {
    kind: &'static str,
    name: &'a str,
    newer_than: Option<String>,
}

impl<'a> Answer<'a> {
    fn new(compiled: &'a Compiled, outcome: &'a Outcome<'_>, now: Timestamp) -> Self {
        let preset = compiled.preset();
        let empty = Answer {
            outcome: "unresolved",
            reason: None,
            detail: None,
            preset: &preset.name,
            mode: &preset.mode.value,
            key_id: None,
            signed_at: None,
            skew_seconds: None,
            message_id: None,
            binds: Vec::new(),
            notes: Vec::new(),
            wanted: None,
        };
        match outcome {
            Outcome::Verified(verified) => Answer {
                outcome: "verified",
                key_id: Some(verified.key().as_str()),
                signed_at: verified.signed_at().map(|at| at.to_string()),
                skew_seconds: verified.signed_at().map(|at| at.skew_seconds(now)),
                message_id: verified.message_id(),
                binds: verified.binds().words().collect(),
                notes: compiled.needs().notes.iter().map(ToString::to_string).collect(),
                ..empty
            },
            Outcome::Rejected(Rejection { reason, detail, .. }) => Answer {
                outcome: "rejected",
                reason: Some(reason.code()),
                detail: detail.as_ref().map(|detail| DetailJson { code: &detail.code, text: &detail.text }),
                ..empty
            },
            Outcome::Unresolved(wanted) => Answer { wanted: Some(Wanted::new(wanted)), ..empty },
        }
    }

    fn in_words(&self, compiled: &Compiled, outcome: &Outcome<'_>) -> String {
        let preset = compiled.preset();
        let mut facts = vec![
            (
                "preset",
                match &preset.title {
                    Some(title) => format!("{} ({})", preset.name, output::plain(title)),
                    None => preset.name.to_string(),
                },
            ),
            ("mode", preset.mode.value.to_string()),
        ];
        let headline = match outcome {
            Outcome::Verified(verified) => {
                self.verified(verified, &mut facts);
                output::styled(GOOD, "✓ verified")
            }
            Outcome::Rejected(rejection) => {
                rejected(rejection, &mut facts);
                output::styled(BAD, &format!("✗ rejected: {}", rejection.reason.code()))
            }
            Outcome::Unresolved(wanted) => {
                unresolved(wanted, &mut facts);
                output::styled(CARE, "? unresolved: a key has to be fetched first")
            }
        };
        let mut out = format!("{headline}\n");
        output::facts(&mut out, &facts);
        out
    }

    fn verified(&self, verified: &Verified<'_>, facts: &mut Vec<(&'static str, String)>) {
        let none = || "not signed".to_owned();
        let skew = self.skew_seconds.map(time::distance);
        let when = self.signed_at.as_ref().zip(skew).map(|(at, skew)| format!("{at} ({skew})"));
        let binds = verified.binds();
        let (body, rest) = unbound(binds);
        facts.extend([
            ("key", output::plain(verified.key().as_str())),
            ("signed at", when.unwrap_or_else(none)),
            ("message id", self.message_id.map_or_else(none, output::plain)),
            ("covers", list(&self.binds)),
        ]);
        if !rest.is_empty() {
            facts.push(("not covered", rest.join(", ")));
        }
        if body {
            let says = "the BODY is not covered as a whole: what the signature does not name, anyone could have changed";
            facts.push(("beware", output::styled(CARE, says)));
        }
        facts.extend(self.notes.iter().map(|note| ("note", output::plain(note))));
    }
}

impl<'a> Wanted<'a> {
    fn new(KeyRequest { kind, name, newer_than, .. }: &'a KeyRequest) -> Self {
        let kind = match kind {
            RequestKind::Url => "url",
            RequestKind::Named => "named",
        };
        Wanted { kind, name, newer_than: newer_than.map(|at| at.to_string()) }
    }
}

/// Whether the body is uncovered, and what else is.
fn unbound(binds: Binds) -> (bool, Vec<&'static str>) {
    let missing = Binds::WORDS.iter().filter(|(part, _)| !binds.contains(*part));
    (!binds.contains(Binds::BODY), missing.map(|(_, word)| *word).collect())
}

fn list(words: &[&str]) -> String {
    if words.is_empty() { "nothing as a whole".into() } else { words.join(", ") }
}

fn rejected(rejection: &Rejection, facts: &mut Vec<(&'static str, String)>) {
    facts.push(("why", rejection.reason.says().into()));
    if let Some(detail) = &rejection.detail {
        facts.push(("detail", format!("{} ({})", output::plain(&detail.text), output::plain(&detail.code))));
    }
    let code = rejection.detail.as_ref().map_or("", |detail| &detail.code);
    facts.push(("look at", special(code).unwrap_or_else(|| advice(rejection.reason)).into()));
}

fn unresolved(wanted: &KeyRequest, facts: &mut Vec<(&'static str, String)>) {
    let name = output::plain(&wanted.name);
    facts.push(("wanted", name.clone()));
    facts.push((
        "next",
        match wanted.kind {
            RequestKind::Url => {
                format!("fetch it (curl -fsS -o FILE '{name}') and give it: --document '{name}=FILE'")
            }
            RequestKind::Named => format!(
                "have it from the provider, as the notes of `countersign preset show` say, and give it: --document '{name}=FILE'"
            ),
        },
    ));
}

/// What to look at where the detail says more than the reason.
fn special(code: &str) -> Option<&'static str> {
    let (_, what) = code.split_once('/')?;
    Some(match what {
        "kid-unknown" => "the document: is it of today? The request names a key that it has not",
        "kid-missing" | "no-key-id" => {
            "the document: it has several keys, and the request does not say which"
        }
        "key-expired" => "whether the message is old: its key was withdrawn",
        "key-unfit" => "the key's algorithm and size, and what the preset allows: `countersign preset show`",
        "no-key-set" | "document" => "what is in the FILE of --document: is it the answer itself, whole?",
        "algorithm" | "alg-not-allowed" => {
            "whether this is the right preset: `countersign preset show` says which algorithms it allows"
        }
        "expired" | "not-yet-valid" if code.starts_with("x509/") => {
            "this clock; an old capture is judged with --now TIME, and a certificate of today with today"
        }
        "wrong-name" => "whose certificate it is: `countersign preset show` says whose is taken",
        "host-not-allowed" | "path-not-allowed" | "url-not-allowed" => {
            "the URL that the request names: `countersign preset show` says where keys may be fetched from"
        }
        _ => return None,
    })
}

/// What to look at after a refusal.
pub(crate) fn advice(reason: Reason) -> &'static str {
    match reason {
        Reason::PayloadTooLarge => "the limit of whoever passed the body on",
        Reason::MissingHeader => "whether a proxy dropped a header, and whether this is the right preset",
        Reason::MalformedContent => "the body: is it what was sent, neither parsed nor printed again?",
        Reason::MissingSignature => {
            "whether a proxy dropped the header, and whether the sender has signing switched on"
        }
        Reason::MalformedSignature => {
            "the signature's spelling: `countersign preset show` says how it must look"
        }
        Reason::NoActiveSecret => "not_before and not_after of the secrets: none is usable now",
        Reason::KeyUnavailable => "whether the key can be fetched: --document URL=FILE",
        Reason::UnknownKey => {
            "the ids of the keys (--secret id=ID@…): the request names one that is not among them"
        }
        Reason::UntrustedKey => "the roots: the key that came leads to none of them",
        Reason::BadSignature => {
            "the secret (of this endpoint? test or live?); then the body, which must be every byte as sent"
        }
        Reason::ClaimMismatch => {
            "what the preset requires besides: the message was meant for another receiver or purpose"
        }
        Reason::ExpiredSecret => {
            "whether the sender still uses a retired secret; its window ended or has not begun"
        }
        Reason::MissingTimestamp => "whether a proxy dropped the header that holds the time",
        Reason::MalformedTimestamp => {
            "the time's spelling: seconds or milliseconds? `countersign preset show` says which"
        }
        Reason::StaleTimestamp => {
            "this clock and the age of the message; an old capture is judged with --now TIME"
        }
        Reason::FutureTimestamp => "this clock: it is behind the sender's, or --now is",
        Reason::Replayed => "nothing: it was accepted before",
        Reason::Disallowed => "content type and method: no case of the preset takes such a request",
        Reason::ModeFault => "the mode: this is a bug in it, and worth a report",
    }
}
