//! A request as it crosses the border: views of what the caller holds, or a copy for a thread that is not waited for.

use super::call::view;
use crate::abi;
use crate::border::{is_ascii, is_plainly_lower, is_same};
use countersign::{BodyNeed, Head, Request, Timestamp};
use std::mem::MaybeUninit;

/// How many headers are lent from where they are filled in. More take an allocation.
const FEW: usize = 24;

/// A request as it crosses: views of what the caller holds, with names in lower case.
pub(super) struct Crossing<'r> {
    method: &'r str,
    url: &'r str,
    body: &'r [u8],
    /// The first `count` of them are filled in. Not cleared before: that would cost as much as to fill them.
    few: [MaybeUninit<abi::Header>; FEW],
    count: usize,
    /// What is rare, out of the way.
    rare: Option<Box<Rare>>,
}

#[derive(Default)]
struct Rare {
    /// All headers, where there are more than a few.
    all: Vec<abi::Header>,
    /// What the names that were not in lower case are in.
    lower: Vec<Box<[u8]>>,
}

impl<'r> Crossing<'r> {
    /// Without its headers yet.
    #[inline]
    pub(super) fn new(request: &Request<'r>, need: BodyNeed) -> Self {
        let body = if need == BodyNeed::Nothing { &[] } else { request.body };
        let Head { method, url, .. } = request.head;
        Crossing { method, url, body, few: [const { MaybeUninit::uninit() }; FEW], count: 0, rare: None }
    }

    /// Take in the headers. What is rare is done elsewhere, so that the common way saves no register.
    #[inline]
    pub(super) fn fill(&mut self, request: &Request<'r>) {
        // Named so that the compiler holds them to the request's own lifetime, which `shown` relies on.
        request.head.headers.each(&mut |name: &'r [u8], value: &'r [u8]| match self.few.get_mut(self.count) {
            Some(room) if !has_upper(name) => {
                room.write(abi::Header { name: view(name), value: view(value) });
                self.count += 1;
            }
            _ => self.push(name, value),
        });
    }

    /// One more header, whatever its name, and however many there are.
    #[cold]
    #[inline(never)]
    fn push(&mut self, name: &'r [u8], value: &'r [u8]) {
        let rare = self.rare.get_or_insert_default();
        let mut header = abi::Header { name: view(name), value: view(value) };
        if has_upper(name) {
            let name: Box<[u8]> = name.to_ascii_lowercase().into();
            header.name = view(&name);
            rare.lower.push(name);
        }
        if let Some(room) = self.few.get_mut(self.count) {
            room.write(header);
            self.count += 1;
            return;
        }
        if rare.all.is_empty() {
            // SAFETY: all of them were written: there is no room for one more.
            rare.all.extend_from_slice(unsafe { self.few.assume_init_ref() });
        }
        rare.all.push(header);
    }

    /// The headers, in wire order.
    #[inline]
    pub(super) fn headers(&self) -> &[abi::Header] {
        match &self.rare {
            Some(rare) if !rare.all.is_empty() => &rare.all,
            // SAFETY: so many were written, and one after another.
            _ => unsafe { self.few[..self.count].assume_init_ref() },
        }
    }

    /// As it crosses. It is as good as `self` and `materials` live.
    #[inline]
    pub(super) fn cross(&self, now: Timestamp, materials: &[abi::Material]) -> abi::Request {
        let headers = self.headers();
        abi::Request {
            struct_size: size_of::<abi::Request>(),
            method: view(self.method.as_bytes()),
            url: view(self.url.as_bytes()),
            headers: headers.as_ptr(),
            header_count: headers.len(),
            body: view(self.body),
            now_ms: now.unix_ms(),
            materials: materials.as_ptr(),
            material_count: materials.len(),
        }
    }

    /// The value of a header that says just this, in ASCII.
    #[inline]
    pub(super) fn shown(&self, text: &[u8]) -> Option<&'r str> {
        self.headers().iter().filter(|header| header.value.len == text.len()).find_map(|header| {
            // SAFETY: `fill` made the view of what lives as long as `'r`.
            let value: &'r [u8] = unsafe { header.value.view() }?;
            // SAFETY: ASCII is UTF-8.
            (is_same(value, text) && is_ascii(value)).then(|| unsafe { str::from_utf8_unchecked(value) })
        })
    }

    pub(super) fn of_owned(owned: &'r OwnedRequest) -> Self {
        let OwnedRequest { method, url, headers, body } = owned;
        let request = Request::new(Head::new(method, url, headers), body);
        let mut crossing = Crossing::new(&request, BodyNeed::Whole);
        crossing.fill(&request);
        crossing
    }
}

/// Whether a letter of a name is in upper case.
#[inline]
fn has_upper(name: &[u8]) -> bool {
    !is_plainly_lower(name) && name.iter().any(u8::is_ascii_uppercase)
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
            for at in 0..40 {
                let mut name = *b"x-a-header-of-forty-letters-and-that-is-";
                name[at] = byte;
                for length in at + 1..=40 {
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
