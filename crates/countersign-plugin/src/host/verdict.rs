//! Whether a verdict is believed. Whatever is not exactly as the contract has it is a fault: of the module's word that a
//! message is genuine nothing is left then.

use super::call::Lent;
use super::descriptor::binds_checked;
use super::mode::Shape;
use super::redact::steers;
use crate::abi::{self, FINGERPRINT_SIZE};
use crate::border;
use countersign::{Binds, KeyRequest, Rejection, Timestamp};
use smallvec::SmallVec;
use std::str;
use zeroize::Zeroizing;

/// Fingerprints; four cost no allocation.
pub(super) type Prints = SmallVec<[[u8; FINGERPRINT_SIZE]; 4]>;

/// What one credential's handle says of a request.
pub(super) enum Answer {
    /// It signed it.
    Match(Match),

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
pub(super) struct Match {
    pub(super) binds: Binds,
    pub(super) signed_at: Option<Timestamp>,
    pub(super) signed_until: Option<Timestamp>,
    pub(super) message_id: Option<String>,
    pub(super) key_id: Option<String>,
}

/// The buffers of a verdict, as they were lent.
#[derive(Clone, Copy)]
pub(super) struct Buffers {
    fingerprints: Lent,
    want: Lent,
    message_id: Lent,
    key_id: Lent,
    detail_text: Lent,
}

impl Buffers {
    pub(super) fn of(verdict: &abi::Verdict) -> Self {
        Buffers {
            fingerprints: Lent::of(&verdict.fingerprints),
            want: Lent::of(&verdict.want),
            message_id: Lent::of(&verdict.message_id),
            key_id: Lent::of(&verdict.key_id),
            detail_text: Lent::of(&verdict.detail_text),
        }
    }

    /// Read a verdict. `binds` is what this table binds at least. What the content is known by is added to `known`, of a
    /// refusal, too.
    ///
    /// # Safety
    /// `verdict` is the one that these buffers were lent with, `status` what the call returned, and the room that was lent
    /// lives, unmoved, for the length of this call.
    #[inline(always)]
    pub(super) unsafe fn read(
        self,
        status: i32,
        verdict: &abi::Verdict,
        mode: &Shape,
        binds: Binds,
        known: &mut Prints,
    ) -> Answer {
        let fault = |says: String| Answer::Fault(says);
        match status {
            abi::OK => {}
            abi::PANIC => return Answer::Panicked,
            abi::NO_SPACE => return self.no_space(verdict),
            abi::INTERNAL => return fault("the module failed (status 4)".into()),
            status => return fault(format!("the module returned the status {status} from `verify`")),
        }
        // SAFETY: the caller's promise, for each of the five.
        let text = unsafe { self.detail_text.written(&verdict.detail_text) };
        // SAFETY: as above.
        let fingerprints = unsafe { self.fingerprints.written(&verdict.fingerprints) };
        // SAFETY: as above.
        let want = unsafe { self.want.written(&verdict.want) };
        // SAFETY: as above.
        let message_id = unsafe { self.message_id.written(&verdict.message_id) };
        // SAFETY: as above.
        let key_id = unsafe { self.key_id.written(&verdict.key_id) };
        let (Some(text), Some(fingerprints), Some(want), Some(message_id), Some(key_id)) =
            (text, fingerprints, want, message_id, key_id)
        else {
            return fault(
                "the module says that it wrote more than a buffer holds, or changed the buffer".into(),
            );
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
            abi::VERIFIED => match matched(verdict, binds, message_id, key_id) {
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

    fn no_space(self, verdict: &abi::Verdict) -> Answer {
        let needed = verdict.fingerprints.len;
        let honest = self.fingerprints.is_same(&verdict.fingerprints)
            && needed > self.fingerprints.cap()
            && needed.is_multiple_of(FINGERPRINT_SIZE)
            && needed <= MAX_PRINTS * FINGERPRINT_SIZE;
        match honest {
            true => Answer::NoSpace(needed),
            false => Answer::Fault(format!("the module wants room for {needed} bytes of fingerprints")),
        }
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
fn matched(verdict: &abi::Verdict, least: Binds, message_id: &[u8], key_id: &[u8]) -> Result<Match, String> {
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
    let text = |bytes: &[u8], what| match bytes {
        [] => Ok(None),
        bytes => match str::from_utf8(bytes) {
            Ok(text) => Ok(Some(text.to_owned())),
            Err(_) => Err(format!("the module gives a {what} that is no text")),
        },
    };
    let (message_id, key_id) = (text(message_id, "message id")?, text(key_id, "key id")?);
    Ok(Match { binds, signed_at, signed_until, message_id, key_id })
}

fn wanted(verdict: &abi::Verdict, want: &[u8]) -> Result<Answer, String> {
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
