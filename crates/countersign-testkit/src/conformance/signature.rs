//! The signature itself: in parts, with more behind it, changed byte by byte, and unreadable. All signatures of a request
//! are changed at once, so that no other one answers for the changed one.

use super::binding::sample;
use super::kit::{Kit, Subject};
use super::promises::{
    Breach, Check, SAME_CONTENT, SIGNATURE_CHANGED, SIGNATURE_EMPTY, SIGNATURE_EXTENDED, SIGNATURE_GARBAGE,
    SIGNATURE_PREFIX,
};
use crate::mutants::signature::Encoding;
use crate::mutants::spots::{self, Spot};
use crate::run;
use crate::vectors::Case;
use countersign::Verifier;
use std::fmt;

/// How many kinds of change there are whose number grows with the signature.
const KINDS: usize = 8;

/// Writes a signature anew; `None` where that cannot be.
type Write<'w> = dyn Fn(&Spot) -> Option<String> + 'w;

/// Every change that must not verify, and the other spellings, which are the same message if they do.
pub(super) fn ask(kit: &mut Kit<'_>, subject: &Subject<'_>, by_content: Option<&Verifier>) {
    let all = &subject.signatures;
    if all.is_empty() {
        return kit.not_asked(Check::Signature, "nothing in the request looks like a signature");
    }
    let most = subject.afford(kit.options.samples, KINDS);
    let longest = all.iter().map(|spot| spot.text.len()).max().unwrap_or(0);
    let bytes = all.iter().filter_map(Subject::decoded).map(|(_, bytes)| bytes.len()).max().unwrap_or(0);
    let mut never = |breach, what: fmt::Arguments<'_>, write: &Write<'_>| {
        if let Some(changed) = rewritten(subject, write) {
            refused(kit, subject, breach, &changed, what);
        }
    };
    never(SIGNATURE_EMPTY, format_args!("the signature emptied"), &|_| Some(String::new()));
    for kept in sample(longest, most).skip(1) {
        let cut = |spot: &Spot| {
            spot.text.get(..kept.min(without_padding(spot).len().saturating_sub(1))).map(str::to_owned)
        };
        never(SIGNATURE_PREFIX, format_args!("the signature cut to {kept} characters"), &cut);
    }
    for kept in sample(bytes, most) {
        let cut = |spot: &Spot| {
            let (encoding, bytes) = Subject::decoded(spot)?;
            encoding.encode(&bytes[..kept.min(bytes.len().saturating_sub(1))])
        };
        never(SIGNATURE_PREFIX, format_args!("the signature cut to {kept} bytes"), &cut);
    }
    for at in sample(bytes, most) {
        let flipped = |spot: &Spot| {
            let (encoding, mut bytes) = Subject::decoded(spot)?;
            let last = bytes.len().checked_sub(1)?;
            bytes[at.min(last)] ^= 1;
            encoding.encode(&bytes)
        };
        never(SIGNATURE_CHANGED, format_args!("the signature, byte {at} changed"), &flipped);
    }
    let extended: [(&str, &Write<'_>); 3] = [
        ("by a zero byte", &|spot| {
            let (encoding, bytes) = Subject::decoded(spot)?;
            encoding.encode(&[&bytes[..], &[0]].concat())
        }),
        ("by itself", &|spot| Some(spot.text.repeat(2))),
        ("by four letters", &|spot| Some(format!("{}AAAA", spot.text))),
    ];
    for (how, write) in extended {
        never(SIGNATURE_EXTENDED, format_args!("the signature extended {how}"), write);
    }
    for garbage in ["!", "\u{fffd}\u{fffd}", "%%%%", "a", "=", "null", "0", "\0", "{}", "undefined"] {
        never(SIGNATURE_GARBAGE, format_args!("`{}` for a signature", garbage.escape_debug()), &|_| {
            Some(garbage.into())
        });
    }
    never(SIGNATURE_GARBAGE, format_args!("a NUL behind the signature"), &|spot| {
        Some(format!("{}\0", spot.text))
    });
    never(SIGNATURE_GARBAGE, format_args!("`!` behind the signature"), &|spot| {
        Some(format!("{}!", spot.text))
    });
    respelled(kit, subject, by_content);
}

/// Other ways to write the same bytes. Whether they are taken is the scheme's to say; but they are no other message.
fn respelled(kit: &mut Kit<'_>, subject: &Subject<'_>, by_content: Option<&Verifier>) {
    let Some(verifier) = by_content else { return };
    let Some(keys) = run::replay_digests(verifier, subject.case) else { return };
    let into = |encoding: Encoding| move |spot: &Spot| encoding.encode(&Subject::decoded(spot)?.1);
    let spellings: [(&str, Box<Write<'_>>); 6] = [
        ("in upper-case hex", Box::new(|spot| Some(into(Encoding::Hex)(spot)?.to_ascii_uppercase()))),
        ("in hex", Box::new(into(Encoding::Hex))),
        ("in base64", Box::new(into(Encoding::Base64))),
        ("in base64url", Box::new(into(Encoding::Base64Url))),
        ("without padding", Box::new(|spot| Some(without_padding(spot).to_owned()))),
        ("with padding", Box::new(|spot| Some(format!("{}=", spot.text)))),
    ];
    for (how, write) in &spellings {
        let Some(changed) = rewritten(subject, &**write) else { continue };
        kit.count(Check::Replay, 1);
        let what = format_args!("the signature {how}");
        let again = kit.caught(subject.case, what, || run::replay_digests(verifier, &changed)).flatten();
        if again.is_some_and(|again| !again.iter().any(|key| keys.contains(key))) {
            kit.say(SAME_CONTENT, Some(subject.case), format!("{what}: it verifies as another message"));
        }
    }
}

/// The case with every signature written anew; `None` if one cannot be, or is the same.
fn rewritten(subject: &Subject<'_>, write: &Write<'_>) -> Option<Case> {
    let texts: Vec<String> = subject.signatures.iter().map(write).collect::<Option<_>>()?;
    if subject.signatures.iter().zip(&texts).any(|(spot, text)| spot.text == *text) {
        return None;
    }
    let request =
        spots::replace(&subject.case.request, &subject.signatures, &|spot| write(spot).unwrap_or_default());
    Some(subject.changed(|case| case.request = request))
}

fn refused(
    kit: &mut Kit<'_>,
    subject: &Subject<'_>,
    breach: Breach,
    changed: &Case,
    what: fmt::Arguments<'_>,
) {
    let verdict = kit.ask(Check::Signature, subject, changed, what);
    if verdict.is_some_and(|verdict| verdict.is_ok()) {
        kit.say(breach, Some(subject.case), format!("{what}: it verifies"));
    }
}

fn without_padding(spot: &Spot) -> &str {
    spot.text.trim_end_matches('=')
}
