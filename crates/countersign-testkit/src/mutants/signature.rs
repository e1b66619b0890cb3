//! Mutants of the signature itself, of the time and the id that stand beside it, and of a message that comes again.

use super::request::other_text;
use super::spots::{self, Spot};
use super::{Expected, Kind, Subject};
use countersign::{Binds, ReplayBy};

/// The text of the time and of the id, where they are bound.
pub(super) fn time_and_id(subject: &mut Subject<'_>) {
    const TIME: Kind = ("time-changed", "the time is said to be bound, and another one verifies");
    const ID: Kind = ("id-changed", "the id is said to be bound, and another one verifies");
    let binds = subject.verdict.binds;
    if binds.contains(Binds::TIME) && !subject.times.is_empty() {
        let changed = spots::replace(&subject.case.request, &subject.times, &|spot| other_time(&spot.text));
        subject.add(TIME, "its last digit", Expected::Refused, |case| case.request = changed);
        let longer = spots::replace(&subject.case.request, &subject.times, &|spot| format!("{}0", spot.text));
        subject.add(TIME, "one more digit", Expected::Refused, |case| case.request = longer);
    }
    if binds.contains(Binds::ID) && !subject.ids.is_empty() {
        let changed = spots::replace(&subject.case.request, &subject.ids, &|spot| other_text(&spot.text));
        subject.add(ID, "its last letter or digit", Expected::Refused, |case| case.request = changed);
        let longer = spots::replace(&subject.case.request, &subject.ids, &|spot| format!("{}0", spot.text));
        subject.add(ID, "one more digit", Expected::Refused, |case| case.request = longer);
    }
}

/// Every signature of the request written in another way, all at once, so that no other one answers for it.
pub(super) fn spelling(subject: &mut Subject<'_>) {
    if subject.signatures.is_empty() {
        return;
    }
    let request = &subject.case.request;
    let mut made = Vec::new();
    for Respelling { kind, changed, expected, write } in RESPELLINGS {
        let rewritten = |spot: &Spot| write(spot, Encoding::of(spot)).unwrap_or_else(|| spot.text.clone());
        // One that is the same in its new spelling proves nothing.
        if subject.signatures.iter().all(|spot| rewritten(spot) != spot.text) {
            made.push((*kind, *changed, *expected, spots::replace(request, &subject.signatures, &rewritten)));
        }
    }
    for (kind, changed, expected, delivery) in made {
        subject.add(kind, changed, expected, |case| case.request = delivery);
    }
}

/// Where there are several signatures, each alone, and all but each.
pub(super) fn several(subject: &mut Subject<'_>) {
    const ALONE: Kind = ("signature-alone", "asking whole and in pieces must agree");
    const DROPPED: Kind = (
        "signature-dropped",
        "any signature that matches is enough: without one of them, the others still decide",
    );
    const ITEM: Kind = ("item-signature-removed", "every item of a batch must be signed");
    let all = subject.signatures.clone();
    if subject.is_batch() {
        for (index, spot) in all.iter().enumerate() {
            let emptied =
                spots::replace(&subject.case.request, std::slice::from_ref(spot), &|_| String::new());
            subject.add(ITEM, format!("of item {}", index + 1), Expected::Refused, |case| {
                case.request = emptied
            });
        }
        return;
    }
    if all.len() < 2 || subject.signature_places.iter().any(|place| place.first_present) && spans_places(&all)
    {
        return;
    }
    let without = |kept: &dyn Fn(usize) -> bool| {
        let gone: Vec<Spot> =
            all.iter().enumerate().filter(|(index, _)| !kept(*index)).map(|(_, spot)| spot.clone()).collect();
        spots::drop(&subject.case.request, &gone)
    };
    let alone: Vec<_> = (0..all.len()).filter_map(|index| without(&|at| at == index)).collect();
    let dropped: Vec<_> = (0..all.len()).filter_map(|index| without(&|at| at != index)).collect();
    if alone.len() != all.len() || dropped.len() != all.len() {
        return;
    }
    let good: Vec<bool> = alone
        .iter()
        .map(|delivery| subject.try_out(|case| case.request = delivery.clone()).is_ok())
        .collect();
    for (index, delivery) in alone.into_iter().enumerate() {
        subject
            .add(ALONE, format!("only the {}.", index + 1), Expected::Either, |case| case.request = delivery);
    }
    for (index, delivery) in dropped.into_iter().enumerate() {
        let others = good.iter().enumerate().any(|(at, good)| at != index && *good);
        let expected = if others { Expected::Verified } else { Expected::Refused };
        subject.add(DROPPED, format!("without the {}.", index + 1), expected, |case| case.request = delivery);
    }
}

/// The same message once more, as it was and with its signatures altered without harm.
pub(super) fn replay(subject: &mut Subject<'_>) {
    const AGAIN: Kind = ("replayed", "what was accepted once is a duplicate, and the replay key must say so");
    const NEW: Kind = ("repeated", "the preset's replay key is `none`: two equal messages are two messages");
    const REORDERED: Kind =
        ("replayed-reordered", "a message is the same whichever of its signatures comes first");
    const DROPPED: Kind = (
        "replayed-dropped",
        "a message is the same without one of its signatures: its claim must cover them all",
    );
    const RESPELLED: Kind = ("replayed-respelled", "a message is the same in other letters");
    if subject.bench.compiled.replay().key == ReplayBy::None {
        return subject.add(NEW, "as it was", Expected::New, |_| ());
    }
    subject.add(AGAIN, "as it was", Expected::Seen, |_| ());
    subject.add(RESPELLED, "upper-case header names", Expected::Seen, |case| {
        case.request.headers.iter_mut().for_each(|(name, _)| *name = name.to_ascii_uppercase());
    });
    let all = subject.signatures.clone();
    let hex = all.iter().all(|spot| Encoding::of(spot) == Encoding::Hex) && !all.is_empty();
    if hex {
        let upper = spots::replace(&subject.case.request, &all, &|spot| spot.text.to_ascii_uppercase());
        subject.add(RESPELLED, "upper-case hex", Expected::Seen, |case| case.request = upper);
    }
    if all.len() < 2 || subject.is_batch() {
        return;
    }
    let reversed: Vec<String> = all.iter().rev().map(|spot| spot.text.clone()).collect();
    let position = |spot: &Spot| all.iter().position(|other| std::ptr::eq(other, spot)).unwrap_or(0);
    let reordered = spots::replace(&subject.case.request, &all, &|spot| reversed[position(spot)].clone());
    let still_good = |subject: &Subject<'_>, delivery: &crate::Delivery| {
        subject.try_out(|case| case.request = delivery.clone()).is_ok()
    };
    if still_good(subject, &reordered) {
        subject.add(REORDERED, "in reverse", Expected::Seen, |case| case.request = reordered);
    }
    for (index, spot) in all.iter().enumerate() {
        let Some(dropped) = spots::drop(&subject.case.request, std::slice::from_ref(spot)) else { continue };
        if still_good(subject, &dropped) {
            subject.add(DROPPED, format!("without the {}.", index + 1), Expected::Seen, |case| {
                case.request = dropped
            });
        }
    }
}

fn spans_places(spots: &[Spot]) -> bool {
    spots.windows(2).any(|pair| pair[0].place != pair[1].place)
}

/// A time with its last digit changed.
fn other_time(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    match bytes.iter_mut().rev().find(|byte| byte.is_ascii_digit()) {
        Some(last) => *last = if *last == b'1' { b'2' } else { b'1' },
        None => bytes.push(b'1'),
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// How the outermost layer of a signature is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Encoding {
    Hex,
    Base64,
    Base64Url,
    Unknown,
}

impl Encoding {
    pub(crate) fn of(spot: &Spot) -> Self {
        match spot.encoding.as_deref() {
            Some("hex") => Encoding::Hex,
            Some("base64") => Encoding::Base64,
            Some("base64url") => Encoding::Base64Url,
            _ => Encoding::Unknown,
        }
    }

    pub(crate) fn decode(self, text: &str) -> Option<Vec<u8>> {
        let bare = text.trim_end_matches('=').as_bytes();
        match self {
            Encoding::Hex => const_hex::decode(text).ok(),
            Encoding::Base64 => base64_simd::STANDARD_NO_PAD.decode_to_vec(bare).ok(),
            Encoding::Base64Url => base64_simd::URL_SAFE_NO_PAD.decode_to_vec(bare).ok(),
            Encoding::Unknown => None,
        }
    }

    pub(crate) fn encode(self, bytes: &[u8]) -> Option<String> {
        match self {
            Encoding::Hex => Some(const_hex::encode(bytes)),
            Encoding::Base64 => Some(base64_simd::STANDARD.encode_to_string(bytes)),
            Encoding::Base64Url => Some(base64_simd::URL_SAFE.encode_to_string(bytes)),
            Encoding::Unknown => None,
        }
    }
}

/// Another way to write a signature; `None` where there is none.
struct Respelling {
    kind: Kind,
    changed: &'static str,
    expected: Expected,
    write: fn(&Spot, Encoding) -> Option<String>,
}

const TRUNCATED: Kind =
    ("signature-truncated", "part of a signature is a guess made easier: its full length must match");
const EXTENDED: Kind = ("signature-extended", "a signature with more behind it is another one");
const CHANGED: Kind = ("signature-changed", "another signature verifies: is it compared, and all of it?");
const EMPTIED: Kind = ("signature-emptied", "an empty signature must never match");
const LOOSE: Kind =
    ("signature-loose-bits", "base64 with loose trailing bits is a second spelling of one signature");
const RECASED: Kind = ("signature-recased", "base64 has case: in other letters it is another signature");
const HEX_CASE: Kind = ("signature-hex-case", "hex has no case: in upper case it is the same signature");
const REENCODED: Kind =
    ("signature-reencoded", "the preset says how signatures are written; any other way is refused");
const WRAPPED: Kind =
    ("signature-wrapped", "quotes, spaces and controls are no part of a signature and not forgiven in it");

const RESPELLINGS: &[Respelling] = &[
    Respelling {
        kind: TRUNCATED,
        changed: "by one character",
        expected: Expected::Refused,
        write: |spot, encoding| {
            // Padding may be optional, so that only what is behind it counts.
            let text =
                if encoding == Encoding::Base64Url { spot.text.trim_end_matches('=') } else { &spot.text };
            Some(text[..text.len().checked_sub(1)?].to_owned())
        },
    },
    Respelling {
        kind: TRUNCATED,
        changed: "by one byte",
        expected: Expected::Refused,
        write: |spot, encoding| {
            let bytes = encoding.decode(&spot.text)?;
            encoding.encode(&bytes[..bytes.len().checked_sub(1)?])
        },
    },
    Respelling {
        kind: TRUNCATED,
        changed: "to one byte",
        expected: Expected::Refused,
        write: |spot, encoding| encoding.encode(encoding.decode(&spot.text)?.get(..1)?),
    },
    Respelling {
        kind: EXTENDED,
        changed: "by a zero byte",
        expected: Expected::Refused,
        write: |spot, encoding| {
            let mut bytes = encoding.decode(&spot.text)?;
            bytes.push(0);
            encoding.encode(&bytes)
        },
    },
    Respelling {
        kind: EXTENDED,
        changed: "by itself",
        expected: Expected::Refused,
        write: |spot, _| Some(spot.text.repeat(2)),
    },
    Respelling {
        kind: EXTENDED,
        changed: "by one character",
        expected: Expected::Refused,
        write: |spot, _| Some(format!("{}A", spot.text)),
    },
    Respelling {
        kind: EXTENDED,
        changed: "by padding",
        expected: Expected::Refused,
        write: |spot, _| {
            Some(format!("{}=", spot.text.trim_end_matches('=')))
                .filter(|text| *text != spot.text)
                .or_else(|| Some(format!("{}=", spot.text)))
                // Where padding may be there or not, the right padding is no change.
                .filter(|text| spot.encoding.as_deref() != Some("base64url") || text.len() % 4 != 0)
        },
    },
    Respelling {
        kind: CHANGED,
        changed: "its first bit",
        expected: Expected::Refused,
        write: |spot, encoding| {
            let mut bytes = encoding.decode(&spot.text)?;
            *bytes.first_mut()? ^= 0x80;
            encoding.encode(&bytes)
        },
    },
    Respelling {
        kind: CHANGED,
        changed: "its last bit",
        expected: Expected::Refused,
        write: |spot, encoding| {
            let mut bytes = encoding.decode(&spot.text)?;
            *bytes.last_mut()? ^= 1;
            encoding.encode(&bytes)
        },
    },
    Respelling {
        kind: CHANGED,
        changed: "to zeros",
        expected: Expected::Refused,
        write: |spot, encoding| encoding.encode(&vec![0; encoding.decode(&spot.text)?.len()]),
    },
    Respelling {
        kind: CHANGED,
        changed: "its last letter or digit",
        expected: Expected::Refused,
        write: |spot, encoding| {
            // Of base64 the next letter may differ in loose bits only, which is another kind.
            (encoding != Encoding::Base64 && encoding != Encoding::Base64Url).then(|| other_text(&spot.text))
        },
    },
    Respelling {
        kind: EMPTIED,
        changed: "nothing left of it",
        expected: Expected::Refused,
        write: |_, _| Some(String::new()),
    },
    Respelling {
        kind: LOOSE,
        changed: "a loose bit set",
        expected: Expected::Refused,
        write: |spot, encoding| loose_bit(&spot.text, encoding),
    },
    Respelling {
        kind: HEX_CASE,
        changed: "to upper case",
        expected: Expected::Verified,
        write: |spot, encoding| (encoding == Encoding::Hex).then(|| spot.text.to_ascii_uppercase()),
    },
    Respelling {
        kind: RECASED,
        changed: "to upper case",
        expected: Expected::Refused,
        write: |spot, encoding| (encoding != Encoding::Hex).then(|| spot.text.to_ascii_uppercase()),
    },
    Respelling {
        kind: RECASED,
        changed: "to lower case",
        expected: Expected::Refused,
        write: |spot, encoding| (encoding != Encoding::Hex).then(|| spot.text.to_ascii_lowercase()),
    },
    Respelling {
        kind: REENCODED,
        changed: "from hex to base64, or back",
        expected: Expected::Refused,
        write: |spot, encoding| {
            let bytes = encoding.decode(&spot.text)?;
            if encoding == Encoding::Hex {
                Encoding::Base64.encode(&bytes)
            } else {
                Encoding::Hex.encode(&bytes)
            }
        },
    },
    Respelling {
        kind: REENCODED,
        changed: "in the other base64 alphabet",
        expected: Expected::Refused,
        write: |spot, _| {
            let swapped = |c| match c {
                '+' => '-',
                '/' => '_',
                '-' => '+',
                '_' => '/',
                other => other,
            };
            Some(spot.text.chars().map(swapped).collect())
        },
    },
    Respelling {
        kind: WRAPPED,
        changed: "in quotes",
        expected: Expected::Refused,
        write: |spot, _| Some(format!("\"{}\"", spot.text)),
    },
    Respelling {
        kind: WRAPPED,
        changed: "with a space inside",
        expected: Expected::Refused,
        write: |spot, _| {
            let mut text = spot.text.clone();
            text.is_char_boundary(4).then(|| text.insert(4, ' '))?;
            Some(text)
        },
    },
    Respelling {
        kind: WRAPPED,
        changed: "with a NUL behind it",
        expected: Expected::Refused,
        write: |spot, _| Some(format!("{}\0", spot.text)),
    },
];

/// The same bytes with a bit set that a lenient decoder drops.
fn loose_bit(text: &str, encoding: Encoding) -> Option<String> {
    let [plus, slash] = match encoding {
        Encoding::Base64 => ['+', '/'],
        Encoding::Base64Url => ['-', '_'],
        Encoding::Hex | Encoding::Unknown => return None,
    };
    let alphabet: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain([plus, slash]).collect();
    let bare = text.trim_end_matches('=');
    let last = bare.chars().last()?;
    let value = alphabet.iter().position(|letter| *letter == last)?;
    // Whole groups of four have no loose bits.
    (!bare.len().is_multiple_of(4) && value % 2 == 0)
        .then(|| format!("{}{}{}", &bare[..bare.len() - 1], alphabet[value + 1], &text[bare.len()..]))
}
