//! Whether a verdict is believed. Whatever is not exactly as the contract has it is a fault: of the module's word that a
//! message is genuine nothing is left then.

use super::crossing::Crossing;
use super::descriptor::binds_checked;
use super::mode::Shape;
use super::redact::steers;
use super::rooms::{Rooms, Written};
use crate::abi::{self, FINGERPRINT_SIZE};
use crate::border;
use countersign::{Binds, KeyRequest, Rejection, Timestamp};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::str;
use zeroize::Zeroizing;

/// Fingerprints; four cost no allocation.
pub(super) type Prints = SmallVec<[[u8; FINGERPRINT_SIZE]; 4]>;

/// What one credential's handle says of a request.
pub(super) enum Answer<'r> {
    /// It signed it.
    Match(Match<'r>),

    /// It did not. What the module says of it is not in there yet: most of it is never shown.
    Refused(Rejection, Said),

    /// Nobody knows before this is fetched.
    Wants(KeyRequest),

    /// Nothing is known: the module broke its contract, or failed. What happened, in words.
    Fault(String),

    /// It was not asked: others were before it, and it keeps one call at a time. Nobody's fault.
    Busy,

    /// A panic that was caught: a fault, and the handle is not to be used again.
    Panicked,

    /// It needs more room: for so many bytes of fingerprints.
    NoSpace(usize),
}

/// What a module says of a refusal, as it came: it may hold a secret.
pub(super) type Said = Option<Zeroizing<Vec<u8>>>;

/// What a signature covers, and what it says.
pub(super) struct Match<'r> {
    pub(super) binds: Binds,
    pub(super) signed_at: Option<Timestamp>,
    pub(super) signed_until: Option<Timestamp>,
    /// Nearly always it is what some header says, and is shown there.
    pub(super) message_id: Option<Cow<'r, str>>,
    pub(super) key_id: Option<String>,
}

impl Answer<'_> {
    /// Free of the request.
    pub(super) fn into_owned(self) -> Answer<'static> {
        match self {
            Answer::Match(Match { binds, signed_at, signed_until, message_id, key_id }) => {
                let message_id = message_id.map(|id| Cow::Owned(id.into_owned()));
                Answer::Match(Match { binds, signed_at, signed_until, message_id, key_id })
            }
            Answer::Refused(rejection, said) => Answer::Refused(rejection, said),
            Answer::Wants(wanted) => Answer::Wants(wanted),
            Answer::Fault(says) => Answer::Fault(says),
            Answer::Busy => Answer::Busy,
            Answer::Panicked => Answer::Panicked,
            Answer::NoSpace(needed) => Answer::NoSpace(needed),
        }
    }
}

/// Read a verdict. `lent` is the room for fingerprints, where it is not that of the rooms; `binds` is what this table binds at
/// least. What the content is known by is added to `known`, of a refusal, too.
#[inline(always)]
pub(super) fn read<'r>(
    rooms: &Rooms,
    lent: Option<&[u8]>,
    status: i32,
    mode: &Shape,
    binds: Binds,
    crossing: &Crossing<'r>,
    known: &mut Prints,
) -> Answer<'r> {
    let verdict = rooms.verdict();
    let fault = |says: String| Answer::Fault(says);
    match status {
        abi::OK => {}
        abi::PANIC => return Answer::Panicked,
        abi::NO_SPACE => return no_space(verdict, rooms.is_same_room(lent)),
        abi::INTERNAL => return fault("the module failed (status 4)".into()),
        status => return fault(format!("the module returned the status {status} from `verify`")),
    }
    let Some(Written { fingerprints, want, message_id, key_id, detail_text: text }) = rooms.written(lent)
    else {
        return fault("the module says that it wrote more than a buffer holds, or changed the buffer".into());
    };
    if let Err(says) = prints(fingerprints, verdict.fingerprint_kind, known) {
        return fault(says.into());
    }
    let detail = match verdict.detail_code {
        0 => None,
        row => match mode.details.get(row as usize - 1) {
            Some(detail) => Some(detail),
            None => {
                return fault(format!("the module names row {row} of {} details", mode.details.len()));
            }
        },
    };
    if let Some((code, reason, _)) = detail
        && border::outcome_of(*reason) != verdict.outcome
    {
        return fault(format!(
            "the module gives the detail `{code}` with the outcome {:#x}",
            verdict.outcome
        ));
    }
    if border::wants_detail(verdict.outcome) && detail.is_none() {
        return fault("the module judges how old a message may be, which is not its to judge".into());
    }
    match verdict.outcome {
        abi::VERIFIED if fingerprints.is_empty() => {
            fault("the module verified a message, and gives nothing to know it by".into())
        }
        abi::VERIFIED => match matched(verdict, binds, message_id, key_id, crossing) {
            Ok(matched) => Answer::Match(matched),
            Err(says) => fault(says),
        },
        abi::NEED_MATERIAL => wanted(verdict, want).unwrap_or_else(fault),
        outcome => match border::reason_of(outcome) {
            None => fault(format!("the module gives the outcome {outcome:#x}, which there is not")),
            Some(reason) => {
                let rejection = Rejection::new(reason);
                let said = (!text.is_empty()).then(|| Zeroizing::new(text.to_vec()));
                let rejection = match (detail, &said) {
                    (Some((code, _, says)), _) => rejection.detail(code.clone(), says.clone()),
                    (None, Some(_)) => rejection.detail(super::mode::SAID, ""),
                    (None, None) => rejection,
                };
                Answer::Refused(rejection, said)
            }
        },
    }
}

/// More room is asked for. `is_same`: the buffer is the one that was lent.
fn no_space(verdict: &abi::Verdict, is_same: bool) -> Answer<'static> {
    let needed = verdict.fingerprints.len;
    let honest = is_same
        && needed > verdict.fingerprints.cap
        && needed.is_multiple_of(FINGERPRINT_SIZE)
        && needed <= MAX_PRINTS * FINGERPRINT_SIZE;
    match honest {
        true => Answer::NoSpace(needed),
        false => Answer::Fault(format!("the module wants room for {needed} bytes of fingerprints")),
    }
}

/// How many fingerprints a request has at most. Senders decide how many it has: a hundred elements, each with a hundred
/// signatures in several places under four spellings, must not be a fault. That much room is made only when it is asked for.
const MAX_PRINTS: usize = 1 << 19;

fn prints(bytes: &[u8], kind: u32, known: &mut Prints) -> Result<(), &'static str> {
    if bytes.is_empty() {
        return Ok(());
    }
    if kind != abi::PRINT_CONTENT && kind != abi::PRINT_TAG {
        return Err("the module does not say of what kind its fingerprints are");
    }
    let (prints, rest) = bytes.as_chunks::<FINGERPRINT_SIZE>();
    if !rest.is_empty() {
        return Err("the module gives a part of a fingerprint");
    }
    known.extend_from_slice(prints);
    Ok(())
}

#[inline]
fn matched<'r>(
    verdict: &abi::Verdict,
    least: Binds,
    message_id: &[u8],
    key_id: &[u8],
    crossing: &Crossing<'r>,
) -> Result<Match<'r>, String> {
    let binds = binds_checked(verdict.binds)?;
    if !binds.contains(least) {
        let lacks: Vec<_> = least.words().filter(|word| binds.words().all(|there| there != *word)).collect();
        return Err(format!("the module verified a message without binding {}", lacks.join(", ")));
    }
    let time = |ms: i64| (ms != abi::NONE_MS).then(|| Timestamp::from_unix_ms(ms));
    let (signed_at, signed_until) = (time(verdict.signed_at_ms), time(verdict.signed_until_ms));
    if (signed_at.is_some() || signed_until.is_some()) && !binds.contains(Binds::TIME) {
        return Err("the module gives a time that its signature does not bind".into());
    }
    if !message_id.is_empty() && !binds.contains(Binds::ID) {
        return Err("the module gives a message id that its signature does not bind".into());
    }
    let text = |bytes: &[u8], what| match str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err(format!("the module gives a {what} that is no text")),
    };
    let message_id = match message_id {
        [] => None,
        id => Some(match crossing.shown(id) {
            Some(shown) => Cow::Borrowed(shown),
            None => Cow::Owned(text(id, "message id")?),
        }),
    };
    let key_id = if key_id.is_empty() { None } else { Some(text(key_id, "key id")?) };
    Ok(Match { binds, signed_at, signed_until, message_id, key_id })
}

fn wanted(verdict: &abi::Verdict, want: &[u8]) -> Result<Answer<'static>, String> {
    let kind = border::request_kind(verdict.want_kind).ok_or_else(|| {
        format!("the module wants something of the kind {}, which there is not", verdict.want_kind)
    })?;
    let name = str::from_utf8(want).ok().filter(|name| !name.is_empty() && !name.contains(steers));
    let name = name.ok_or("the module wants something, and what is empty or no text in one line")?;
    let wanted = KeyRequest::new(kind, name);
    Ok(Answer::Wants(match verdict.want_newer_than_ms {
        abi::NONE_MS => wanted,
        ms => wanted.newer_than(Timestamp::from_unix_ms(ms)),
    }))
}
