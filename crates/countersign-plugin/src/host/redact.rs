//! What a module says, made fit to be shown to an operator: no secret, nothing that steers a terminal, not too long.

use zeroize::Zeroizing;

/// The longest text that is shown, in bytes.
pub(super) const MAX_SHOWN: usize = 512;

/// How much of a spelling at the end of a text is taken for the beginning of it, in bytes.
const LEAST_CUT: usize = 8;

const INSTEAD: &[u8] = b"[redacted]";

/// Every spelling of the live secrets that a text is searched for. Wiped when dropped.
pub(super) struct Spellings(Vec<Zeroizing<Vec<u8>>>);

impl Spellings {
    /// Of these secrets: as they are, what they decode to, and either in hexadecimal, base64 and base64url.
    pub(super) fn of<'s>(secrets: impl IntoIterator<Item = &'s [u8]>) -> Self {
        let mut all = Vec::new();
        for secret in secrets {
            spell(secret, &mut all);
            // `whsec_MDEy…` and the like stand for the bytes behind their prefix.
            let text = secret.iter().rposition(|b| *b == b'_').map_or(secret, |at| &secret[at + 1..]);
            for form in [secret, text] {
                for decoded in decoded(form).into_iter().flatten().filter(|decoded| decoded.len() >= 8) {
                    spell(&decoded, &mut all);
                }
            }
        }
        // The longest first: what is left of one must not hide another.
        all.sort_by_key(|spelling| std::cmp::Reverse(spelling.len()));
        all.dedup();
        Spellings(all)
    }

    /// Whether a text holds one of them.
    pub(super) fn are_in(&self, text: &[u8]) -> bool {
        let holds = |spelling: &[u8]| text.windows(spelling.len()).any(|window| window == spelling);
        self.0.iter().any(|spelling| holds(spelling))
    }

    /// A text as it may be shown.
    pub(super) fn clean(&self, text: &[u8]) -> String {
        let mut bytes = Zeroizing::new(text.to_vec());
        for spelling in &self.0 {
            replace(&mut bytes, spelling);
        }
        // Where there was no room for more, the text may end within one.
        for spelling in &self.0 {
            let cut = (LEAST_CUT..spelling.len()).rev().find(|length| bytes.ends_with(&spelling[..*length]));
            if let Some(cut) = cut {
                let rest = bytes.len() - cut;
                bytes.truncate(rest);
                bytes.extend_from_slice(INSTEAD);
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        let shown: String = text.chars().flat_map(shown).collect();
        if shown.len() <= MAX_SHOWN {
            return shown;
        }
        let mut cut = shown;
        cut.truncate(cut.floor_char_boundary(MAX_SHOWN));
        cut.push('…');
        cut
    }
}

fn spell(secret: &[u8], all: &mut Vec<Zeroizing<Vec<u8>>>) {
    if secret.is_empty() {
        return;
    }
    let hex = Zeroizing::new(const_hex::encode(secret));
    let texts = [
        hex.to_uppercase(),
        hex.to_string(),
        base64_simd::STANDARD_NO_PAD.encode_to_string(secret),
        base64_simd::URL_SAFE_NO_PAD.encode_to_string(secret),
    ];
    all.push(Zeroizing::new(secret.to_vec()));
    all.extend(texts.map(|text| Zeroizing::new(text.into_bytes())));
}

fn decoded(text: &[u8]) -> [Option<Zeroizing<Vec<u8>>>; 3] {
    let bare: &[u8] = &text[..text.iter().rposition(|b| *b != b'=').map_or(0, |at| at + 1)];
    [
        const_hex::decode(text).ok(),
        base64_simd::STANDARD_NO_PAD.decode_to_vec(bare).ok(),
        base64_simd::URL_SAFE_NO_PAD.decode_to_vec(bare).ok(),
    ]
    .map(|bytes| bytes.map(Zeroizing::new))
}

fn replace(bytes: &mut Vec<u8>, spelling: &[u8]) {
    let mut from = 0;
    while let Some(at) = bytes[from..].windows(spelling.len()).position(|window| window == spelling) {
        bytes.splice(from + at..from + at + spelling.len(), INSTEAD.iter().copied());
        from += at + INSTEAD.len();
    }
}

/// Whether a character moves a cursor, ends a line, turns one round or is not seen.
pub(super) fn steers(c: char) -> bool {
    let unseen = matches!(
        c,
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
    );
    c.is_control() || unseen
}

/// A character as it may be put into a log or on a terminal.
fn shown(c: char) -> Box<dyn Iterator<Item = char>> {
    match steers(c) {
        true => Box::new(c.escape_default()),
        false => Box::new(std::iter::once(c)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_blotted_out_however_it_is_spelt() {
        let secret = b"whsec_MDEyMzQ1Njc4OWFiY2RlZg==";
        let spellings = Spellings::of([&secret[..], b"hunter2!?>"]);
        for text in [
            "whsec_MDEyMzQ1Njc4OWFiY2RlZg==",
            "0123456789abcdef",
            "30313233343536373839616263646566",
            "MDEyMzQ1Njc4OWFiY2RlZg",
            "hunter2!?>",
            "68756E74657232213F3E",
            "aHVudGVyMiE_Pg",
            "aHVudGVyMiE/Pg==",
        ] {
            let shown = spellings.clean(format!("key <{text}> bad").as_bytes());
            assert!(shown.contains("[redacted]") && !shown.contains(&text[..6]), "{text}: {shown}");
        }
    }

    #[test]
    fn a_secret_that_there_was_no_room_for_is_blotted_out_as_far_as_it_came() {
        let secret: Vec<u8> = (0..200).map(|i| b'a' + i % 23).collect();
        let spellings = Spellings::of([&secret[..]]);
        for length in [8, 100, 199, 200] {
            let text = [b"key: ", &secret[..length]].concat();
            assert_eq!(spellings.clean(&text), "key: [redacted]", "{length}");
        }
        assert_eq!(spellings.clean(b"it begins with abcdefg"), "it begins with abcdefg");
    }

    #[test]
    fn nothing_steers_a_terminal_and_nothing_is_endless() {
        let spellings = Spellings::of([]);
        assert_eq!(
            spellings.clean("a\x1b[31m\n\u{202e}\u{61c}b".as_bytes()),
            "a\\u{1b}[31m\\n\\u{202e}\\u{61c}b"
        );
        assert_eq!(spellings.clean(&[b'a', 0xff]), "a\u{fffd}");
        let long = spellings.clean("é".repeat(1000).as_bytes());
        assert!(long.len() <= MAX_SHOWN + '…'.len_utf8() && long.ends_with('…'));
    }
}
