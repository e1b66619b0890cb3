//! The little DER that keys are wrapped in: read strictly, written back.
//!
//! Only containers are read here. Whether a point is on its curve or a modulus is one is for the library beneath.

use zeroize::Zeroizing;

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const NULL: u8 = 0x05;
pub(crate) const OID: u8 = 0x06;
pub(crate) const SEQUENCE: u8 = 0x30;

/// What is left to read. Lengths are definite and shortest; anything else is `None`.
#[derive(Clone, Copy)]
pub(crate) struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Der(bytes)
    }

    /// The content of a sequence that is all there is.
    pub(crate) fn only_sequence(bytes: &'a [u8]) -> Option<Self> {
        let mut der = Der(bytes);
        let sequence = der.sequence()?;
        der.end()?;
        Some(sequence)
    }

    /// The content of the next element, which must have this tag.
    pub(crate) fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (&[found, first], rest) = self.0.split_first_chunk()?;
        if found != tag {
            return None;
        }
        let (length, rest) = match first {
            ..=0x7f => (usize::from(first), rest),
            0x81 => match rest.split_first()? {
                (&length @ 0x80..=0xff, rest) => (usize::from(length), rest),
                _ => return None,
            },
            0x82 => match rest.split_first_chunk()? {
                (&[high @ 1..=0xff, low], rest) => (usize::from(u16::from_be_bytes([high, low])), rest),
                _ => return None,
            },
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(content)
    }

    /// The same, if the next element has this tag.
    pub(crate) fn maybe(&mut self, tag: u8) -> Option<Option<&'a [u8]>> {
        match self.0.first() {
            Some(found) if *found == tag => self.take(tag).map(Some),
            _ => Some(None),
        }
    }

    pub(crate) fn sequence(&mut self) -> Option<Der<'a>> {
        self.take(SEQUENCE).map(Der)
    }

    /// The magnitude of a positive integer, without the byte for its sign.
    pub(crate) fn positive(&mut self) -> Option<&'a [u8]> {
        match self.take(INTEGER)? {
            [0, rest @ ..] if rest.first() >= Some(&0x80) => Some(rest),
            magnitude @ [1..=0x7f, ..] => Some(magnitude),
            _ => None,
        }
    }

    /// A bit string of whole bytes.
    pub(crate) fn bits(&mut self) -> Option<&'a [u8]> {
        whole_bytes(self.take(BIT_STRING)?)
    }

    /// Nothing may be left.
    pub(crate) fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// The bytes of a bit string's content, if none of its bits is unused.
pub(crate) fn whole_bytes(content: &[u8]) -> Option<&[u8]> {
    match content {
        [0, bytes @ ..] => Some(bytes),
        _ => None,
    }
}

/// One element. At most 65535 bytes of content, which no key here comes near.
pub(crate) fn write(tag: u8, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = Zeroizing::new(Vec::with_capacity(length + 4));
    out.push(tag);
    match length {
        ..=0x7f => out.push(length as u8),
        0x80..=0xff => out.extend([0x81, length as u8]),
        _ => out.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

/// A positive integer from its magnitude, leading zeros or none.
pub(crate) fn write_positive(magnitude: &[u8]) -> Zeroizing<Vec<u8>> {
    let magnitude = without_zeros(magnitude);
    match magnitude.first() {
        Some(..=0x7f) => write(INTEGER, &[magnitude]),
        _ => write(INTEGER, &[&[0], magnitude]),
    }
}

/// A magnitude without leading zeros.
pub(crate) fn without_zeros(mut magnitude: &[u8]) -> &[u8] {
    while let [0, rest @ ..] = magnitude {
        magnitude = rest;
    }
    magnitude
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_the_shortest_length_is_read() {
        let good: [&[u8]; 2] = [&[0x30, 0], &[0x30, 2, 5, 0]];
        assert!(good.iter().all(|bytes| Der::only_sequence(bytes).is_some()));
        let bad: [&[u8]; 9] = [
            &[],
            &[0x30],
            &[0x30, 1],
            &[0x30, 0, 0],
            &[0x30, 0x80, 0, 0],
            &[0x30, 0x81, 2, 5, 0],
            &[0x30, 0x82, 0, 2, 5, 0],
            &[0x30, 0x83, 0, 0, 2, 5, 0],
            &[0x31, 0],
        ];
        assert!(bad.iter().all(|bytes| Der::only_sequence(bytes).is_none()));
    }

    #[test]
    fn integers_are_positive_and_shortest_and_lead_back() {
        for magnitude in [&[1][..], &[0x7f], &[0x80], &[0xff, 0], &[1; 200], &[0x80; 300]] {
            let written = write_positive(magnitude);
            assert_eq!(Der::new(&written).positive(), Some(magnitude));
        }
        for bad in [&[2, 0][..], &[2, 1, 0], &[2, 1, 0x80], &[2, 2, 0, 0x7f]] {
            assert_eq!(Der::new(bad).positive(), None, "{bad:?}");
        }
    }
}
