//! A request as it crosses the border: views of what the caller holds, or a copy for a thread that is not waited for.

use super::call::view;
use crate::abi;
use crate::border::{is_ascii, is_plainly_lower, is_same};
use countersign::{BodyNeed, Head, HeaderName, Request, Timestamp};
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

    /// Take in the headers, or only those that are named. What is rare is done elsewhere, so that the common way saves no
    /// register.
    #[inline]
    pub(super) fn fill(&mut self, request: &Request<'r>, named: Option<&Named>) {
        if let Some(named) = named {
            return request.head.headers.each(&mut |name: &'r [u8], value: &'r [u8]| {
                if named.bits & bit(name) != 0 {
                    self.take(named, name, value);
                }
            });
        }
        // Named so that the compiler holds them to the request's own lifetime, which `shown` relies on.
        request.head.headers.each(
            &mut |name: &'r [u8], value: &'r [u8]| match self.few.get_mut(self.count) {
                Some(room) if !has_upper(name) => {
                    room.write(abi::Header { name: view(name), value: view(value) });
                    self.count += 1;
                }
                _ => self.push(name, value),
            },
        );
    }

    /// Take in a header, if it is one of those that are named. Apart from what looks at most of them, which saves no register.
    #[inline(never)]
    fn take(&mut self, named: &Named, name: &[u8], value: &'r [u8]) {
        let Some(name) = named.find(name) else { return };
        match self.few.get_mut(self.count) {
            Some(room) => {
                room.write(abi::Header { name: view(name), value: view(value) });
                self.count += 1;
            }
            None => self.push(name, value),
        }
    }

    /// One more header, whatever its name, and however many there are.
    #[cold]
    #[inline(never)]
    fn push(&mut self, name: &[u8], value: &'r [u8]) {
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
        crossing.fill(&request, None);
        crossing
    }
}

/// The only headers that a scheme looks at.
pub(super) struct Named {
    names: Vec<HeaderName>,
    /// The bits of them all. Most headers of a request are none of them, and so are told by one look.
    bits: u64,
}

impl Named {
    pub(super) fn new(names: Vec<HeaderName>) -> Self {
        let bits = names.iter().fold(0, |bits, name| bits | bit(name.as_str().as_bytes()));
        Named { names, bits }
    }

    /// Its name as it crosses, if it is one of them.
    #[inline]
    fn find(&self, name: &[u8]) -> Option<&[u8]> {
        let mut known = self.names.iter();
        known
            .find(|known| is_same(known.as_str().as_bytes(), name) || (has_upper(name) && known.is(name)))
            .map(|known| known.as_str().as_bytes())
    }
}

/// One of 64 bits, by how long a name is and by its last letter, in whatever case.
#[inline]
fn bit(name: &[u8]) -> u64 {
    let last = name.last().map_or(0, |last| last & 0x1F);
    1 << ((name.len() + 2 * usize::from(last)) & 63)
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
    pub(super) fn of(request: &Request<'_>, need: BodyNeed, named: Option<&Named>) -> Self {
        let mut headers = Vec::new();
        request.head.headers.each(&mut |name, value| {
            if named.is_none_or(|named| named.find(name).is_some()) {
                headers.push((name.to_ascii_lowercase(), value.to_vec()));
            }
        });
        let body = if need == BodyNeed::Nothing { Vec::new() } else { request.body.to_vec() };
        OwnedRequest { method: request.head.method.into(), url: request.head.url.into(), headers, body }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names and values as they cross, by this way and by that of a thread.
    fn crossed(headers: &Vec<(String, String)>, named: &[&str]) -> [Vec<(String, String)>; 2] {
        let named = Named::new(named.iter().filter_map(|name| HeaderName::new(name)).collect());
        let named = (!named.names.is_empty()).then_some(&named);
        let request = Request::new(Head::new("POST", "https://example.com/", headers), b"");
        let mut inline = Crossing::new(&request, BodyNeed::Whole);
        inline.fill(&request, named);
        let owned = OwnedRequest::of(&request, BodyNeed::Whole, named);
        // SAFETY: what the views show is above.
        let text =
            |bytes: abi::Bytes| unsafe { bytes.view() }.map(|text| String::from_utf8_lossy(text).into());
        [&inline, &Crossing::of_owned(&owned)].map(|crossing| {
            let row = |header: &abi::Header| Some((text(header.name)?, text(header.value)?));
            crossing.headers().iter().filter_map(row).collect()
        })
    }

    #[test]
    fn what_is_named_crosses_all_of_it_in_order_and_nothing_else() {
        for count in [0, 1, 20, 24, 25, 60] {
            let mut headers: Vec<(String, String)> =
                (0..count).map(|n| (format!("X-Other-{n}"), n.to_string())).collect();
            let pairs =
                [("x-id", "1"), ("x-ie", "a"), ("X-ID", "2"), ("x-signature", "3"), ("x-Id", "4"), ("", "b")];
            headers.extend(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
            let lower: Vec<(String, String)> =
                headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone())).collect();
            assert_eq!(crossed(&headers, &[]), [lower.clone(), lower.clone()], "{count}");
            let wanted = |named: &[&str]| -> Vec<_> {
                lower.iter().filter(|(name, _)| named.contains(&&**name)).cloned().collect()
            };
            for named in [&["x-signature", "x-id"][..], &["x-none"], &["x-other-24", "x-other-3", "x-ie"]] {
                assert_eq!(crossed(&headers, named), [wanted(named), wanted(named)], "{count} {named:?}");
            }
        }
    }

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
