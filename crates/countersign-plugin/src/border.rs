//! What both sides of the border say in numbers.

use crate::abi;
use countersign::{Binds, BodyNeed, KeyKind, MarkPlace, Needs, Reason, RequestKind};

/// Every kind of key and its bit, in the order in which a scheme is said to take them.
pub(crate) const KINDS: [(KeyKind, u32); 4] = [
    (KeyKind::Shared, abi::KEY_SHARED),
    (KeyKind::Public, abi::KEY_PUBLIC),
    (KeyKind::Private, abi::KEY_PRIVATE),
    (KeyKind::TrustAnchor, abi::KEY_TRUST_ANCHOR),
];

/// What a refusal is added to.
const REFUSALS: u32 = 0x1000;

/// The reasons that are the core's alone: no mode gives them.
const OF_THE_CORE: [Reason; 3] = [Reason::NoActiveSecret, Reason::ExpiredSecret, Reason::Replayed];

/// Those that a mode gives only with a detail of its own: that a token says itself how long it is good is the mode's to
/// judge, how old a message may be the core's.
pub(crate) fn wants_detail(outcome: u32) -> bool {
    matches!(outcome, abi::STALE_TIMESTAMP | abi::FUTURE_TIMESTAMP)
}

pub(crate) fn outcome_of(reason: Reason) -> u32 {
    match OF_THE_CORE.contains(&reason) {
        true => abi::MODE_FAULT,
        false => REFUSALS + reason as u32,
    }
}

/// `None`: no outcome, or one that no mode gives.
#[cfg(any(feature = "host", test))]
pub(crate) fn reason_of(outcome: u32) -> Option<Reason> {
    let allowed = |reason: &&Reason| !OF_THE_CORE.contains(reason);
    Reason::ALL.iter().filter(allowed).find(|reason| REFUSALS + **reason as u32 == outcome).copied()
}

/// The core's bits are those of the header: a test holds them together.
pub(crate) fn bits_of(binds: Binds) -> u32 {
    u32::from(binds.bits())
}

/// `None`: a bit that stands for nothing.
#[cfg(any(feature = "host", test))]
pub(crate) fn binds_of(bits: u32) -> Option<Binds> {
    Binds::from_bits(u16::try_from(bits).ok()?)
}

pub(crate) fn kind_of(bit: u32) -> Option<KeyKind> {
    KINDS.iter().find(|(_, known)| *known == bit).map(|(kind, _)| *kind)
}

pub(crate) fn needs_in_bits(needs: &Needs) -> abi::Needs {
    let abilities =
        [(needs.remote, abi::MAY_WANT), (needs.signs, abi::CAN_SIGN), (!needs.content, abi::SAME_CONTENT)];
    let kind = |kind: &KeyKind| KINDS.iter().find(|(known, _)| known == kind).map_or(0, |(_, bit)| *bit);
    abi::Needs {
        body: if needs.body == BodyNeed::Nothing { abi::BODY_NOTHING } else { abi::BODY_WHOLE },
        keys: needs.keys.iter().map(kind).fold(0, |all, bit| all | bit),
        abilities: abilities.iter().filter(|(is, _)| *is).fold(0, |all, (_, bit)| all | bit),
        binds: bits_of(needs.binds),
    }
}

pub(crate) fn want_of(kind: RequestKind) -> u32 {
    match kind {
        RequestKind::Url => abi::WANT_URL,
        RequestKind::Named => abi::WANT_NAMED,
    }
}

pub(crate) fn request_kind(want: u32) -> Option<RequestKind> {
    match want {
        abi::WANT_URL => Some(RequestKind::Url),
        abi::WANT_NAMED => Some(RequestKind::Named),
        _ => None,
    }
}

/// A place and the name in it. `None`: a place that the ABI does not know.
pub(crate) fn place_of(place: &MarkPlace) -> Option<(u32, &str)> {
    match place {
        MarkPlace::Header(name) => Some((abi::IN_HEADER, name)),
        MarkPlace::Query(name) => Some((abi::IN_QUERY, name)),
        MarkPlace::Form(name) => Some((abi::IN_FORM, name)),
        MarkPlace::Json(name) => Some((abi::IN_JSON, name)),
        _ => None,
    }
}

/// All that `f` finds in two texts of one length, from four to thirty-two bytes: it gets them word by word, and words overlap
/// where they must. What is short is read so for less than a call costs; and what was written a moment ago can be read at once
/// only in pieces no wider than it was written in.
#[inline]
fn over(a: &[u8], b: &[u8], f: impl Fn(u64, u64) -> u64) -> Option<u64> {
    let f = |a: Option<&[u8; 8]>, b: Option<&[u8; 8]>| match (a, b) {
        (Some(a), Some(b)) => f(u64::from_ne_bytes(*a), u64::from_ne_bytes(*b)),
        _ => 0,
    };
    if a.len() < 8 {
        let both =
            |(first, last): (&[u8; 4], &[u8; 4])| [*first, *last].as_flattened().first_chunk().copied();
        return Some(f(both(ends(a)?).as_ref(), both(ends(b)?).as_ref()));
    }
    let mut found = f(a.first_chunk(), b.first_chunk()) | f(a.last_chunk(), b.last_chunk());
    if let (Some((a_first, a_last)), Some((b_first, b_last))) = (ends::<16>(a), ends::<16>(b)) {
        found |=
            f(a_first.last_chunk(), b_first.last_chunk()) | f(a_last.first_chunk(), b_last.first_chunk());
    }
    (a.len() <= 32).then_some(found)
}

/// The first and the last so many bytes.
#[inline]
fn ends<const N: usize>(text: &[u8]) -> Option<(&[u8; N], &[u8; N])> {
    Some((text.first_chunk()?, text.last_chunk()?))
}

/// Whether two texts are the same, which are nobody's secret: names and ids, which are short.
#[inline]
pub(crate) fn is_same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && over(a, b, |a, b| a ^ b).map_or_else(|| a == b, |differs| differs == 0)
}

/// Whether every byte of a short text has the bit that all letters in lower case, digits and hyphens have, and no letter in
/// upper case. `false`: one has it not, or it was not looked at.
#[cfg(any(feature = "host", test))]
#[inline]
pub(crate) fn is_plainly_lower(text: &[u8]) -> bool {
    over(text, text, |word, _| !word & 0x2020_2020_2020_2020) == Some(0)
}

/// Whether all of it is ASCII.
#[inline]
pub(crate) fn is_ascii(text: &[u8]) -> bool {
    let high = over(text, text, |word, _| word & 0x8080_8080_8080_8080);
    high.map_or_else(|| text.is_ascii(), |high| high == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_that_a_mode_may_give_has_a_number_and_back() {
        for reason in Reason::ALL {
            let expected = if OF_THE_CORE.contains(reason) { Reason::ModeFault } else { *reason };
            assert_eq!(reason_of(outcome_of(*reason)), Some(expected), "{reason:?}");
        }
        for outcome in [0, 1, 0x1000, 0x1006, 0x100C, 0x1011, 0x1014, abi::VERIFIED] {
            assert_eq!(reason_of(outcome), None, "{outcome:#x}");
        }
    }

    #[test]
    fn texts_are_the_same_and_ascii_whatever_their_length() {
        for length in 0..80 {
            let text = vec![b'a'; length];
            assert!(is_same(&text, &text.clone()) && is_ascii(&text), "{length}");
            assert!(!is_same(&text, &[&text[..], b"a"].concat()), "{length}");
            for at in 0..length {
                for byte in [b'b', 0xE1] {
                    let mut other = text.clone();
                    other[at] = byte;
                    assert!(!is_same(&text, &other), "{byte} at {at} of {length}");
                    assert_eq!(is_ascii(&other), byte.is_ascii(), "{byte} at {at} of {length}");
                }
            }
        }
    }

    #[test]
    fn everything_that_can_be_bound_has_a_bit_and_back() {
        let bits = [
            (Binds::BODY, abi::BINDS_BODY),
            (Binds::TIME, abi::BINDS_TIME),
            (Binds::ID, abi::BINDS_ID),
            (Binds::URL, abi::BINDS_URL),
            (Binds::METHOD, abi::BINDS_METHOD),
            (Binds::QUERY, abi::BINDS_QUERY),
        ];
        assert_eq!(Binds::WORDS.len(), bits.len());
        for (part, bit) in bits {
            assert_eq!((bits_of(part), binds_of(bit)), (bit, Some(part)));
        }
        assert_eq!((binds_of(64), binds_of(0x1_0001)), (None, None));
    }
}
