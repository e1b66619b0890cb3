//! A request as it crosses the border: views of what the caller holds, or a copy for a thread that is not waited for.

use super::call::view;
use crate::abi;
use countersign::{BodyNeed, Head, Request};
use smallvec::SmallVec;

/// A request as it crosses: views of what the caller holds, with names in lower case.
pub(super) struct Crossing<'r> {
    pub(super) method: &'r str,
    pub(super) url: &'r str,
    pub(super) headers: SmallVec<[abi::Header; 24]>,
    pub(super) body: &'r [u8],
    /// What the names that were not are in.
    lower: Vec<Box<[u8]>>,
}

impl<'r> Crossing<'r> {
    #[inline]
    pub(super) fn new(request: &Request<'r>, need: BodyNeed) -> Self {
        let body = if need == BodyNeed::Nothing { &[] } else { request.body };
        let Head { method, url, .. } = request.head;
        Crossing { method, url, headers: SmallVec::new(), body, lower: Vec::new() }
    }

    /// Take in the headers.
    #[inline]
    pub(super) fn fill(&mut self, request: &Request<'r>) {
        let Self { headers, lower, .. } = self;
        request.head.headers.each(&mut |name, value| {
            let name = if has_upper(name) { lowered(name, lower) } else { view(name) };
            headers.push(abi::Header { name, value: view(value) });
        });
    }

    pub(super) fn of_owned(owned: &'r OwnedRequest) -> Self {
        let header =
            |(name, value): &(Vec<u8>, Vec<u8>)| abi::Header { name: view(name), value: view(value) };
        let headers = owned.headers.iter().map(header).collect();
        Crossing { method: &owned.method, url: &owned.url, headers, body: &owned.body, lower: Vec::new() }
    }
}

/// Whether a letter of a name is in upper case. Eight bytes at a time: every header of every request is looked at.
#[inline]
fn has_upper(name: &[u8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let upper_in = |word: u64| {
        // The high bit of a byte is set by adding as much as it lacks to 0x80, if it has as much as `A`; and not if as much
        // as what follows `Z`.
        let low = word & (0x7f * ONES);
        let from_a = low + (0x80 - u64::from(b'A')) * ONES;
        let past_z = low + (0x7f - u64::from(b'Z')) * ONES;
        from_a & !past_z & !word & (0x80 * ONES) != 0
    };
    let eight = |word: &[u8; 8]| upper_in(u64::from_ne_bytes(*word));
    if let (Some(first), Some(last)) = (name.first_chunk::<8>(), name.last_chunk::<8>()) {
        // The two overlap where they must; what is between them in a long name is looked at in its turn.
        return eight(first) || eight(last) || name.len() > 16 && name.as_chunks().0.iter().any(eight);
    }
    match (name.first_chunk::<4>(), name.last_chunk::<4>()) {
        (Some(first), Some(last)) => {
            upper_in(u64::from(u32::from_ne_bytes(*first)) << 32 | u64::from(u32::from_ne_bytes(*last)))
        }
        _ => name.iter().any(u8::is_ascii_uppercase),
    }
}

/// A name in lower case, kept in `lower`.
#[cold]
fn lowered(name: &[u8], lower: &mut Vec<Box<[u8]>>) -> abi::Bytes {
    let name: Box<[u8]> = name.to_ascii_lowercase().into();
    let seen = view(&name);
    lower.push(name);
    seen
}

/// The same, copied, for a thread that the caller may not wait for.
pub(super) struct OwnedRequest {
    method: String,
    url: String,
    headers: Vec<(Vec<u8>, Vec<u8>)>,
    body: Vec<u8>,
}

impl OwnedRequest {
    pub(super) fn of(request: &Request<'_>, need: BodyNeed) -> Self {
        let mut headers = Vec::new();
        request
            .head
            .headers
            .each(&mut |name, value| headers.push((name.to_ascii_lowercase(), value.to_vec())));
        let body = if need == BodyNeed::Nothing { Vec::new() } else { request.body.to_vec() };
        OwnedRequest { method: request.head.method.into(), url: request.head.url.into(), headers, body }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upper_case_is_found_wherever_it_is() {
        for byte in 0..=u8::MAX {
            for at in 0..20 {
                let mut name = *b"x-a-header-of-twenty";
                name[at] = byte;
                for length in [at + 1, 20] {
                    assert_eq!(
                        has_upper(&name[..length]),
                        byte.is_ascii_uppercase(),
                        "{byte} at {at} of {length}"
                    );
                }
            }
        }
    }
}
