//! What a scheme signs, it verifies; and how fast, which is told and not judged.

use super::kit::{Kit, Subject};
use super::promises::{Check, NEEDS, NOT_VERIFIED, OTHER_VERIFIES};
use super::report::Timing;
use crate::run::{self, Bench, Verdict};
use crate::vectors::{Case, SecretSpec};
use countersign::{Draft, Signer, Timestamp};
use std::time::{Duration, Instant};

/// Bodies of many kinds, signed and verified; and asked of another key.
pub(super) fn ask(kit: &mut Kit<'_>, subject: &Subject<'_>) {
    let (check, case) = (Check::Signing, subject.case);
    let signer = match signer_or_why(kit, &subject.bench, case) {
        Some(Ok(signer)) => signer,
        Some(Err(why)) => return kit.not_asked(check, &why),
        None => return,
    };
    if !subject.bench.compiled.needs().signs {
        kit.say(NEEDS, Some(case), "it signs, and says that nobody can sign by it");
    }
    let other = subject.rekeyed(kit, check).map(|(_, verifier)| verifier);
    let long = filled(100_000);
    let mut signed_any = false;
    // What a draft carries of the case may be of its body, such as a digest: then it is signed without.
    let matters = |name: &str| subject.matters.contains(&name.to_ascii_lowercase());
    let bare = subject.changed(|case| case.request.headers.retain(|(name, _)| !matters(name)));
    for body in [&case.request.body[..], b"", b"\0", b"a\0b", b"{}", b"\xff\xfe", &long] {
        if body == case.request.body && subject.signatures.iter().any(|spot| spot.header().is_none()) {
            kit.not_asked(check, "the case's own body or URL, in which a signature stands already");
            continue;
        }
        for again in [false, true] {
            let what =
                format_args!("a body of {} bytes signed{}", body.len(), if again { " again" } else { "" });
            let mut verdicts = Vec::new();
            for carrying in [case, &bare] {
                let Some(signed) = sign(kit, subject, &signer, carrying, body, case.now) else { continue };
                verdicts.extend(kit.judge(check, case, &subject.verifier, &signed, what));
                let by_other = other.as_ref().and_then(|other| kit.judge(check, case, other, &signed, what));
                if by_other.is_some_and(|verdict| verdict.is_ok()) {
                    kit.say(OTHER_VERIFIES, Some(case), format!("{what}: it verifies by another key"));
                }
                if verdicts.iter().any(Verdict::is_ok) {
                    break;
                }
            }
            signed_any |= !verdicts.is_empty();
            if let Some(verdict) = verdicts.first().filter(|_| !verdicts.iter().any(Verdict::is_ok)) {
                kit.say(NOT_VERIFIED, Some(case), format!("{what}: {}", verdict.code));
            }
        }
    }
    if !signed_any {
        kit.not_asked(check, "nothing of what was drafted can be signed");
    }
}

/// Nanoseconds for one verification of a small body and of a big one.
pub(super) fn speed(kit: &mut Kit<'_>, subject: &Subject<'_>) {
    const ENOUGH: Duration = Duration::from_millis(20);
    let Some(Ok(signer)) = signer_or_why(kit, &subject.bench, subject.case) else {
        return kit.not_asked(Check::Speed, "the scheme or its keys cannot sign a body of that size");
    };
    for length in [1_000, 100_000] {
        let case = subject.case;
        let Some(signed) = sign(kit, subject, &signer, case, &filled(length), case.now) else { continue };
        if !run::judge(&subject.verifier, &signed).is_ok() {
            continue;
        }
        let (started, mut times) = (Instant::now(), 0_u32);
        while started.elapsed() < ENOUGH && times < 1_000 {
            run::judge(&subject.verifier, &signed);
            times += 1;
        }
        let nanos = u64::try_from((started.elapsed() / times.max(1)).as_nanos()).unwrap_or(u64::MAX);
        kit.count(Check::Speed, 1);
        kit.found.timings.push(Timing { preset: case.preset.clone(), body: length, nanos });
    }
}

/// The keys of a case, made to sign; `None` if they cannot.
pub(super) fn signer(kit: &mut Kit<'_>, bench: &Bench, case: &Case) -> Option<Signer> {
    signer_or_why(kit, bench, case)?.ok()
}

/// A draft like the case's request with another body, signed at a moment that is then its present. `None`: it is not to be
/// signed, as where content is to be read from a body that is none.
pub(super) fn sign(
    kit: &mut Kit<'_>,
    subject: &Subject<'_>,
    signer: &Signer,
    case: &Case,
    body: &[u8],
    at: Timestamp,
) -> Option<Case> {
    let request = &case.request;
    let id = subject.base.message_id.as_deref().unwrap_or("msg_conformance");
    let mut draft = Draft::new(id, at, &request.url, body);
    (draft.method, draft.headers) = (&request.method, &request.headers);
    let what = format_args!("a body of {} bytes signed", body.len());
    let signed = kit.caught(subject.case, what, || signer.sign(&draft))?.ok()?;
    let mut delivery = request.clone();
    delivery.body = signed.body.unwrap_or_else(|| body.to_vec());
    delivery.url = signed.url.unwrap_or(delivery.url);
    let new = |name: &str| signed.headers.iter().any(|(set, _)| set.eq_ignore_ascii_case(name));
    delivery.headers.retain(|(name, _)| !new(name));
    delivery.headers.extend(signed.headers.iter().map(|(name, value)| (name.to_string(), value.clone())));
    Some(Case { request: delivery, now: at, ..case.clone() })
}

fn signer_or_why(kit: &mut Kit<'_>, bench: &Bench, case: &Case) -> Option<Result<Signer, String>> {
    let needs = bench.compiled.needs();
    let (kind, held) = (needs.key_kind(true), needs.key_kind(false));
    // A public key may have the length of a private one, and would sign as it.
    let pairs = &kit.options.pairs;
    let private = |secret: &SecretSpec| {
        let given = pairs.iter().find(|(public, _)| **public == *secret.value);
        match given {
            Some((_, private)) => Some(SecretSpec { value: private.as_str().into(), ..secret.clone() }),
            None if kind == held || secret.value.contains("PRIVATE KEY-----") => Some(secret.clone()),
            None => None,
        }
    };
    let Some(secrets) = case.secrets.iter().map(private).collect::<Option<Vec<_>>>() else {
        return Some(Err(
            "the case holds public keys, and signing takes the private ones: see `Options::pairs`".into(),
        ));
    };
    kit.caught(case, format_args!("its keys bound to sign"), || {
        let ring = SecretSpec::ring(&secrets, kind).map_err(|error| error.to_string())?;
        bench.compiled.signer(&ring, &case.vars).map_err(|error| match error.to_string() {
            // Which key it was is of no interest; what it says of it is.
            says if says.starts_with("key `") => {
                says.split_once("`: ").map_or(says.clone(), |(_, says)| says.to_owned())
            }
            says => says,
        })
    })
}

/// A body of so many bytes that is JSON as well.
fn filled(length: usize) -> Vec<u8> {
    const AROUND: usize = r#"{"filled":""}"#.len();
    format!(r#"{{"filled":"{}"}}"#, "x".repeat(length.saturating_sub(AROUND))).into_bytes()
}
