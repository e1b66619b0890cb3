//! `countersign attest`: an event in, the same event out, with its proof or with the verdict on it.
//!
//! What is printed is the text that came, with three properties changed: a number that nobody covers leaves as it was spelled.

use crate::args::{AttestArgs, AttestFormat, Signed};
use crate::error::{Exit, Failure};
use crate::output::{self, BAD, GOOD};
use crate::request::{Stdin, read_all};
use crate::{secret, time};
use countersign::{KeyKind, Keyring, Timestamp, Tolerance};
use countersign_attest::{
    Attester, FieldErrors, Fields, Keys, Names, Reason, Refused, SigningKey, Verified, Verifier, print, read,
};
use countersign_gateway::config::duration;
use std::time::Duration;

/// Attest or verify.
pub(crate) fn run(args: &AttestArgs) -> Result<Exit, Failure> {
    Stdin::check(&args.secret, &[args.event.to_str()])?;
    match args.verify {
        true => verify(args),
        false => attest(args),
    }
}

fn attest(args: &AttestArgs) -> Result<Exit, Failure> {
    let mut stdin = Stdin::default();
    let names = names(&args.names)?;
    let fields = pointers("--fields", &args.fields, &names)?;
    let at = moment("--at", args.at.as_deref())?;
    if args.secret.len() > 1 {
        return Err(Failure::usage("one key signs, and several are given").next("give --secret once"));
    }
    let kind = if args.algorithm == Signed::Ed25519 { KeyKind::Private } else { KeyKind::Shared };
    let text = read_all(&args.event, "the event", &mut stdin)?;
    let mut event = read(&text).map_err(|error| {
        Failure::usage(format!("the event cannot be attested: {}", output::plain(&error.to_string())))
            .next("give one JSON object, in which no name comes twice")
    })?;
    let ring = keys(args, kind, &mut stdin)?;
    let Some((_, key)) = ring.iter().next() else { return Err(no_key(args.algorithm, kind)) };
    let attester = Attester::new(SigningKey::read(key)?, fields).named(names);
    if let Err(refused) = attester.attest(&mut event, at) {
        output::error(&format!("not attested: {}", output::plain(&refused.to_string())));
        advise(&refused);
        return Ok(Exit::No);
    }
    put_out(&event, &text)?;
    Ok(Exit::Done)
}

fn verify(args: &AttestArgs) -> Result<Exit, Failure> {
    let mut stdin = Stdin::default();
    let names = names(&args.names)?;
    let required = match args.require.is_empty() {
        true => None,
        false => Some(pointers("--require", &args.require, &names)?),
    };
    let default = Tolerance::default();
    let tolerance = Tolerance {
        past: span("--past", args.past.as_deref(), default.past)?,
        future: span("--future", args.future.as_deref(), default.future)?,
    };
    let now = moment("--now", args.now.as_deref())?;
    let kind = if args.algorithm == Signed::Ed25519 { KeyKind::Public } else { KeyKind::Shared };
    let text = read_all(&args.event, "the event", &mut stdin)?;
    let keys = Keys::read(&keys(args, kind, &mut stdin)?)?;
    let verifier = Verifier::new(keys).fresh_within(tolerance).named(names);
    let verifier = match required {
        Some(fields) => verifier.require(fields),
        None => verifier,
    };
    let (verdict, event) = match read(&text) {
        Ok(mut event) => (verifier.stamp(&mut event, now), Some(event)),
        Err(error) => {
            output::note(&format!("the event cannot be read: {}", output::plain(&error.to_string())));
            (Err(Reason::MalformedEvent.into()), None)
        }
    };
    match (args.format, &event) {
        (AttestFormat::Text, _) => output::print(&in_words(&verdict, now))?,
        (AttestFormat::Json, Some(event)) => put_out(event, &text)?,
        // There is nothing to stamp.
        (AttestFormat::Json, None) => {}
    }
    match &verdict {
        Ok(_) => Ok(Exit::Done),
        Err(refused) => {
            if args.format == AttestFormat::Json {
                output::error(&format!("not verified: {}", output::plain(&refused.to_string())));
            }
            advise(refused);
            Ok(Exit::No)
        }
    }
}

fn put_out(event: &serde_json::Map<String, serde_json::Value>, original: &[u8]) -> Result<(), Failure> {
    let text = print(event, original).map_err(|error| Failure::stream("write the event", error))?;
    output::print_bytes(format!("{text}\n").as_bytes())
}

fn in_words(verdict: &Result<Verified, Refused>, now: Timestamp) -> String {
    let (headline, facts) = match verdict {
        Ok(verified) => {
            let at = verified.time();
            let mut facts = vec![
                ("algorithm", verified.algorithm().word().to_owned()),
                ("key", output::plain(verified.key_id())),
                ("attested at", format!("{at} ({})", time::distance(at.skew_seconds(now)))),
                ("covers", lines(verified.fields())),
            ];
            if !verified.absent().is_empty() {
                facts.push(("of these absent", lines(verified.absent())));
            }
            facts.push((
                "not covered",
                "whatever else the event holds: anyone could have put it there".to_owned(),
            ));
            (output::styled(GOOD, "✓ verified"), facts)
        }
        Err(Refused { reason, field, .. }) => {
            let mut facts = vec![("why", reason.says().to_owned())];
            facts.extend(field.iter().map(|field| ("field", output::plain(field))));
            (output::styled(BAD, &format!("✗ not verified: {reason}")), facts)
        }
    };
    let mut out = format!("{headline}\n");
    output::facts(&mut out, &facts);
    out
}

fn lines(fields: &[String]) -> String {
    fields.iter().map(|field| output::plain(field)).collect::<Vec<_>>().join("\n")
}

fn keys(args: &AttestArgs, kind: KeyKind, stdin: &mut Stdin) -> Result<Keyring, Failure> {
    match args.secret.is_empty() {
        true => Err(no_key(args.algorithm, kind)),
        false => secret::keyring(&args.secret, kind, stdin),
    }
}

fn no_key(algorithm: Signed, kind: KeyKind) -> Failure {
    let (what, next) = match (algorithm, kind) {
        (Signed::HmacSha256, _) => {
            ("a secret of at least 32 bytes", "--secret env:NAME; `openssl rand -hex 32` makes one")
        }
        (Signed::Ed25519, KeyKind::Private) => {
            ("a private key", "--secret file:private.pem; `openssl genpkey -algorithm ed25519` makes one")
        }
        (Signed::Ed25519, _) => (
            "a public key",
            "--secret file:public.pem; `openssl pkey -in private.pem -pubout` takes it out of the private one",
        ),
    };
    Failure::key(format!("no --secret is given, and it takes {what}")).next(next)
}

fn names(text: &str) -> Result<Names, Failure> {
    let next = "write --names proof,proof_signature,proof_verdict";
    let parts: Vec<&str> = text.split(',').collect();
    let [attestation, signature, verdict] = parts[..] else {
        return Err(
            Failure::usage(format!("--names: {} are given, and it takes three", parts.len())).next(next)
        );
    };
    Names::new(attestation, signature, verdict)
        .map_err(|error| Failure::usage(format!("--names: {error}")).next(next))
}

fn pointers(option: &str, fields: &[String], names: &Names) -> Result<Fields, Failure> {
    Fields::new(fields.iter().map(String::as_str), names).map_err(|errors: FieldErrors| {
        Failure::usage(format!("{option}: {errors}")).next(format!("write {option} /id,/data/amount"))
    })
}

fn moment(option: &str, text: Option<&str>) -> Result<Timestamp, Failure> {
    text.map_or_else(|| Ok(time::now()), |text| time::parse_option(option, text))
}

fn span(option: &str, text: Option<&str>, default: Duration) -> Result<Duration, Failure> {
    let Some(text) = text else { return Ok(default) };
    duration(text).map_err(|error| Failure::usage(format!("{option}: {error}")).next(format!("{option} 5m")))
}

/// What to look at after a refusal.
fn advise(refused: &Refused) {
    output::help(match refused.reason {
        Reason::MalformedEvent => "give one JSON object, in which no name comes twice",
        Reason::MissingAttestation | Reason::MissingSignature => {
            "see whether the sender attests, and under which names (--names); who passes events on must keep both properties"
        }
        Reason::UnknownKey => "see the ids of the keys (--secret id=ID@…); for Ed25519 they are fingerprints",
        Reason::WrongAlgorithm => "see --algorithm: the key with this id is of the other",
        Reason::BadSignature => {
            "see whether it is the sender's key, and whether somebody on the way changes a covered field"
        }
        Reason::ExpiredSecret => "see not_before and not_after of the key",
        Reason::StaleTimestamp => {
            "see how long events are under way: --past TIME; an old one is judged with --now TIME"
        }
        Reason::FutureTimestamp => "see the clocks of both sides",
        Reason::UncoveredField | Reason::MissingField => {
            "have the sender cover it (--fields), or do not --require it"
        }
        Reason::UnsupportedNumber => "send it as an integer of a smaller unit, or as a text",
        Reason::AmbiguousField => "leave one of the two properties out",
        Reason::UnreachableField => "cover what stands on the way, as a whole: arrays are covered whole",
        Reason::TooDeep | Reason::TooLarge => "cover less of the event, or a digest of what is large",
        Reason::MalformedAttestation if refused.field.is_none() => {
            "see docs/reference/attestation.md: five members, and a time between 1970 and 9999"
        }
        _ => "see docs/reference/attestation.md",
    });
}
