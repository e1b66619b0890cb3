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

    /// Take in the headers. What is rare is done elsewhere, so that the common way saves no register.
    #[inline]
    pub(super) fn fill(&mut self, request: &Request<'r>) {
        let Self { headers, lower, .. } = self;
        // Named so that the compiler holds them to the request's own lifetime, which `shown` relies on.
        request.head.headers.each(&mut |name: &'r [u8], value: &'r [u8]| {
            if has_upper(name) || headers.len() == headers.capacity() {
                return push(headers, lower, name, value);
            }
            headers.push(abi::Header { name: view(name), value: view(value) });
        });
    }

    /// The value of a header that says just this, in ASCII.
    #[inline]
    pub(super) fn shown(&self, text: &[u8]) -> Option<&'r str> {
        if !text.is_ascii() {
            return None;
        }
        self.headers.iter().filter(|header| header.value.len == text.len()).find_map(|header| {
            // SAFETY: `fill` and `of_owned` made the view of what lives as long as `'r`.
            let value: &'r [u8] = unsafe { header.value.view() }?;
            // SAFETY: it is the same as `text`, and ASCII is UTF-8.
            (value == text).then(|| unsafe { str::from_utf8_unchecked(value) })
        })
    }

    pub(super) fn of_owned(owned: &'r OwnedRequest) -> Self {
        let header =
            |(name, value): &(Vec<u8>, Vec<u8>)| abi::Header { name: view(name), value: view(value) };
        let headers = owned.headers.iter().map(header).collect();
        Crossing { method: &owned.method, url: &owned.url, headers, body: &owned.body, lower: Vec::new() }
    }
}

/// Whether a letter of a name is in upper case. Every header of every request is looked at: what all letters in lower case,
/// digits and hyphens have in common, and no letter in upper case has, is one bit.
#[inline]
fn has_upper(name: &[u8]) -> bool {
    const BIT: u64 = 0x2020_2020_2020_2020;
    let all_have_it = match (name.first_chunk::<8>(), name.last_chunk::<8>()) {
        (Some(first), Some(last)) => {
            // The two overlap where they must; what is between them in a long name is looked at in its turn.
            let mut common = u64::from_ne_bytes(*first) & u64::from_ne_bytes(*last);
            if name.len() > 16 {
                for word in name.as_chunks().0 {
                    common &= u64::from_ne_bytes(*word);
                }
            }
            common & BIT == BIT
        }
        _ => name.iter().fold(0x20, |common, byte| common & byte) != 0,
    };
    !all_have_it && name.iter().any(u8::is_ascii_uppercase)
}

/// One more header, with its name in lower case, which is kept in `lower`.
#[cold]
#[inline(never)]
fn push(headers: &mut SmallVec<[abi::Header; 24]>, lower: &mut Vec<Box<[u8]>>, name: &[u8], value: &[u8]) {
    let name: Box<[u8]> = name.to_ascii_lowercase().into();
    headers.push(abi::Header { name: view(&name), value: view(value) });
    lower.push(name);
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
