//! The four functions of a mode. What comes in is borrowed and looked at first; what goes out is cut to fit, but for what
//! would mean something else when it is cut.

use super::{Exported, guarded, leak};
use crate::abi::{self, Buf, Bytes, slice};
use crate::border::{self, is_ascii, is_same};
use crate::table::{Read, var};
use countersign::config::ConfigErrors;
use countersign::{
    Binds, Check, Context, DetailInfo, Document, Draft, Evidence, Found, Head, HeaderName, Headers, Key,
    KeyCache, KeyError, KeyId, KeyRequest, KeySet, Keyring, Mark, ModeConfig, Needs, Reason, Refusal,
    Rejection, Request, RequestKind, Secret, Sign, SignedBy, Timestamp, Vars,
};
use smallvec::SmallVec;
use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::sync::{Arc, Mutex, PoisonError};

/// What a handle points to: one credential, bound.
struct Handle {
    bound: Bound,
    /// The one key; none where keys are found.
    own: KeySet,
    details: &'static [DetailInfo],
    /// Copies of documents as they came last. A mode that has read one knows it again by its copy.
    documents: Mutex<Vec<(RequestKind, Arc<str>, Document)>>,
}

enum Bound {
    Verify(Arc<dyn Check>),
    Sign(Box<dyn Sign>),
}

/// What went wrong with a call, in one of the header's numbers.
type Status = i32;

/// As `cs_mode.compile`.
pub(super) unsafe extern "C" fn compile<M: Exported>(
    setup: *const abi::Setup,
    out: *mut abi::Compiled,
) -> Status {
    guarded(abi::PANIC, || {
        // SAFETY: the host passes a structure that it owns for the length of the call, or null.
        let Some(setup) = (unsafe { setup.as_ref() }) else { return abi::INTERNAL };
        // SAFETY: the same; every structure begins with its size, and of an older host's there is no more than that.
        let Some(&size) = (unsafe { out.cast::<usize>().as_ref() }) else { return abi::INTERNAL };
        if setup.struct_size < size_of::<abi::Setup>() || size < abi::Compiled::SIZE_1_0 {
            return abi::INTERNAL;
        }
        // What an older host does not have is nothing, and is not given back.
        let size = size.min(size_of::<abi::Compiled>());
        let mut own = MaybeUninit::<abi::Compiled>::zeroed();
        // SAFETY: so many bytes are there, of which ours has at least as many.
        unsafe { own.as_mut_ptr().cast::<u8>().copy_from_nonoverlapping(out.cast(), size) };
        // SAFETY: all of its fields may be zero, and what is not is as the host has it.
        let own = unsafe { own.assume_init_mut() };
        let status = compiled::<M>(setup, own).unwrap_or_else(|status| status);
        // SAFETY: as above, the other way round.
        unsafe { out.cast::<u8>().copy_from_nonoverlapping((&raw const *own).cast(), size) };
        status
    })
}

fn compiled<M: Exported>(setup: &abi::Setup, out: &mut abi::Compiled) -> Result<Status, Status> {
    let (mode, broken) = (M::mode(), abi::INTERNAL);
    let read = Read::json(bytes(setup.config_json)?).ok_or(broken)?;
    // SAFETY: the host says that there are so many variables for the length of the call.
    let given = unsafe { slice(setup.vars, setup.var_count) }.ok_or(broken)?;
    let (mut declared, mut vars) = (Vec::new(), Vars::new());
    for given in given {
        let name = text(given.name)?;
        declared.push(var(name));
        if !given.value.ptr.is_null() {
            vars.set(name, text(given.value)?);
        }
    }
    let config = ModeConfig::new(&*mode.info().name, read.root.clone(), declared);
    let scheme = mode.compile(&config).map_err(|errors: ConfigErrors| {
        append(&mut out.errors, read.lines(&errors).as_bytes());
        abi::BAD_CONFIG
    })?;
    let needs = scheme.needs();
    out.needs = border::needs_in_bits(&needs);
    if setup.purpose == abi::FOR_CHECK {
        for note in &needs.notes {
            append(&mut out.notes, note.replace(['\n', '\r'], " ").as_bytes());
            append(&mut out.notes, b"\n");
        }
        name_headers(&needs, &mut out.headers);
        return Ok(abi::OK);
    }
    let mut refused = |error: KeyError| {
        append(&mut out.errors, format!("\t{}\n", error.without_key()).as_bytes());
        abi::BAD_KEY
    };
    // SAFETY: the host says that there are so many parts for the length of the call.
    let parts = unsafe { slice(setup.parts, setup.part_count) }.ok_or(broken)?;
    let mut ring = Keyring::new();
    for part in parts {
        let material = Secret::new(bytes(part.value)?).map_err(&mut refused)?;
        let kind = border::kind_of(part.kind).ok_or(broken)?;
        let mut key = Key::new(KeyId::new(text(part.key_id)?), kind, material);
        key.role = Some(text(part.role)?).filter(|role| !role.is_empty()).map(Into::into);
        ring.add(key).map_err(&mut refused)?;
    }
    let bound = match setup.purpose {
        abi::FOR_VERIFY => Bound::Verify(scheme.bind(&ring, &vars).map_err(refused)?),
        abi::FOR_SIGN => Bound::Sign(scheme.signer(&ring, &vars).map_err(|error| {
            refused(error);
            abi::UNSUPPORTED
        })?),
        _ => return Err(abi::UNSUPPORTED),
    };
    let own = ring.iter().map(|(index, _)| index).collect();
    let details: &'static [DetailInfo] = leak_details::<M>();
    let handle = Handle { bound, own, details, documents: Mutex::default() };
    out.handle = Box::into_raw(Box::new(handle)).cast();
    Ok(abi::OK)
}

/// All of them, or none: one that is left out would not be passed.
fn name_headers(needs: &Needs, out: &mut Buf) {
    let names = needs.headers.iter().flatten();
    if !names.into_iter().all(|name| append(out, name.as_str().as_bytes()) && append(out, b"\n")) {
        out.len = 0;
    }
}

/// A mode's details, once: the rows of the descriptor have the same order.
fn leak_details<M: Exported>() -> &'static [DetailInfo] {
    use std::any::TypeId;
    use std::collections::HashMap;
    static KNOWN: Mutex<Option<HashMap<TypeId, &'static [DetailInfo]>>> = Mutex::new(None);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known
        .get_or_insert_default()
        .entry(TypeId::of::<M>())
        .or_insert_with(|| &**leak(M::mode().info().details.to_vec()))
}

/// As `cs_mode.destroy`.
pub(super) unsafe extern "C" fn destroy(handle: *mut c_void) {
    guarded((), || {
        if !handle.is_null() {
            // SAFETY: the host gives back, once, what `compile` made of a box.
            drop(unsafe { Box::from_raw(handle.cast::<Handle>()) });
        }
    });
}

/// As `cs_mode.verify`.
pub(super) unsafe extern "C" fn verify(
    handle: *mut c_void,
    request: *const abi::Request,
    out: *mut abi::Verdict,
) -> Status {
    guarded(abi::PANIC, || {
        // SAFETY: the host passes what `compile` gave, and has not destroyed it.
        let handle = unsafe { handle.cast::<Handle>().as_ref() };
        // SAFETY: the host passes a structure that it owns for the length of the call, or null.
        let (Some(request), Some(out)) = (unsafe { request.as_ref() }, unsafe { out.as_mut() }) else {
            return abi::INTERNAL;
        };
        if request.struct_size < size_of::<abi::Request>() || out.struct_size < size_of::<abi::Verdict>() {
            return abi::INTERNAL;
        }
        match handle.map(|handle| (handle, &handle.bound)) {
            Some((handle, Bound::Verify(check))) => {
                judged(handle, &**check, request, out).unwrap_or_else(|status| status)
            }
            Some(_) => abi::UNSUPPORTED,
            None => abi::INTERNAL,
        }
    })
}

fn judged(
    handle: &Handle,
    check: &dyn Check,
    request: &abi::Request,
    out: &mut abi::Verdict,
) -> Result<Status, Status> {
    let headers = Given::read(request.headers, request.header_count)?;
    let head = Head::new(text(request.method)?, text(request.url)?, &headers);
    let judged = Request::new(head, bytes(request.body)?);
    let materials = match request.material_count {
        0 => None,
        _ => Some(Materials::read(handle, request)?),
    };
    let remote: &dyn KeyCache = match &materials {
        None => &(),
        Some(materials) => materials,
    };
    let cx = Context::new(Timestamp::from_unix_ms(request.now_ms), remote);
    // Looked at where it is: evidence is big, and to move it costs as much as to write it.
    match &check.check(&judged, &cx) {
        Ok(evidence) => proven(handle, evidence, out),
        Err(Refusal::Unresolved(wanted)) => Ok(wanting(wanted, out)),
        Err(Refusal::Rejected(rejection)) => {
            // Whatever the refusal: a key that a signature does not name, or whose spelling of the content cannot be made,
            // is one that another signature of the message may be of.
            if let Some(known) = check.fingerprints(&judged, &cx) {
                prints(&known.each(), out)?;
            }
            refuse(handle.details, rejection, out);
            Ok(abi::OK)
        }
    }
}

fn proven(handle: &Handle, evidence: &Evidence<'_>, out: &mut abi::Verdict) -> Result<Status, Status> {
    let Evidence { signed_by, fingerprints, binds, signed_at, signed_until, message_id, .. } = evidence;
    prints(&fingerprints.each(), out)?;
    let refused = |reason, out: &mut abi::Verdict| {
        refuse(handle.details, &Rejection::new(reason), out);
        Ok(abi::OK)
    };
    match signed_by {
        SignedBy::Held(keys) if keys.intersect(handle.own).is_empty() => {
            return refused(Reason::BadSignature, out);
        }
        SignedBy::Held(_) => {}
        SignedBy::Fetched(_, anchors) if !anchors.is_empty() && anchors.intersect(handle.own).is_empty() => {
            return refused(Reason::UntrustedKey, out);
        }
        SignedBy::Fetched(id, _) => {
            // An id cut short would name another key.
            if id.as_str().is_empty() || !append(&mut out.key_id, id.as_str().as_bytes()) {
                return refused(Reason::KeyUnavailable, out);
            }
        }
    }
    // What is not signed counts for nothing: the core drops it where a mode is linked, and the host takes it for a fault.
    if let Some(id) = message_id.as_ref().filter(|_| binds.contains(Binds::ID))
        && !append(&mut out.message_id, id.as_bytes())
    {
        return refused(Reason::MalformedContent, out);
    }
    let signed = |at: &Option<Timestamp>| at.filter(|_| binds.contains(Binds::TIME));
    let ms = |at: &Option<Timestamp>| signed(at).map_or(abi::NONE_MS, Timestamp::unix_ms);
    (out.signed_at_ms, out.signed_until_ms) = (ms(signed_at), ms(signed_until));
    out.binds = border::bits_of(*binds);
    out.outcome = abi::VERIFIED;
    Ok(abi::OK)
}

/// The fingerprints, all of them: a message that is known by some of them only could come again by the others.
fn prints(all: &[[u8; 32]], out: &mut abi::Verdict) -> Result<(), Status> {
    out.fingerprint_kind = abi::PRINT_TAG;
    let room = &mut out.fingerprints;
    if let ([print], 0, true) = (all, room.len, room.cap >= abi::FINGERPRINT_SIZE && !room.ptr.is_null()) {
        // SAFETY: the host has room for that many bytes there. Nearly every message has one print: a store of known size.
        unsafe { room.ptr.cast::<[u8; abi::FINGERPRINT_SIZE]>().write_unaligned(*print) };
        room.len = abi::FINGERPRINT_SIZE;
        return Ok(());
    }
    let all = all.as_flattened();
    let needed = all.len();
    append(&mut out.fingerprints, all);
    if needed > out.fingerprints.cap {
        out.fingerprints.len = needed;
        return Err(abi::NO_SPACE);
    }
    Ok(())
}

fn wanting(wanted: &KeyRequest, out: &mut abi::Verdict) -> Status {
    out.want_kind = border::want_of(wanted.kind);
    out.want_newer_than_ms = wanted.newer_than.map_or(abi::NONE_MS, Timestamp::unix_ms);
    // A name cut short would be another's.
    out.outcome = match append(&mut out.want, wanted.name.as_bytes()) {
        true => abi::NEED_MATERIAL,
        false => border::outcome_of(Reason::KeyUnavailable),
    };
    abi::OK
}

fn refuse(details: &[DetailInfo], rejection: &Rejection, out: &mut abi::Verdict) {
    out.outcome = border::outcome_of(rejection.reason);
    if let Some(detail) = &rejection.detail {
        out.detail_code = row_of(details, rejection.reason, &detail.code);
        append(&mut out.detail_text, detail.text.as_bytes());
    }
    if border::wants_detail(out.outcome) && out.detail_code == 0 {
        out.outcome = abi::MODE_FAULT;
    }
}

/// The row of a detail, from 1; 0 where the mode gives one that it has not declared under this reason.
fn row_of(details: &[DetailInfo], reason: Reason, code: &str) -> u32 {
    let found = details.iter().position(|(known, under, _)| known == code && *under == reason);
    found.map_or(0, |row| row as u32 + 1)
}

/// What the host has fetched for this request.
struct Materials(SmallVec<[(RequestKind, Arc<str>, Document); 2]>);

impl Materials {
    #[cold]
    #[inline(never)]
    fn read(handle: &Handle, request: &abi::Request) -> Result<Self, Status> {
        // SAFETY: the host says that there are so many for the length of the call.
        let given = unsafe { slice(request.materials, request.material_count) }.ok_or(abi::INTERNAL)?;
        let mut materials = Materials(SmallVec::new());
        for material in given {
            let kind = border::request_kind(material.kind).ok_or(abi::INTERNAL)?;
            let (name, value) = (text(material.name)?, bytes(material.value)?);
            materials.0.push(handle.document(kind, name, value, material.fetched_ms));
        }
        Ok(materials)
    }
}

impl KeyCache for Materials {
    fn get(&self, kind: RequestKind, name: &str) -> Option<Document> {
        let found = self.0.iter().find(|(known, named, _)| *known == kind && **named == *name);
        found.map(|(_, _, document)| document.clone())
    }
}

impl Handle {
    /// A document, as the copy that was read before if it is the same.
    fn document(
        &self,
        kind: RequestKind,
        name: &str,
        value: &[u8],
        fetched_ms: i64,
    ) -> (RequestKind, Arc<str>, Document) {
        const COPIES: usize = 16;
        let at = Timestamp::from_unix_ms(fetched_ms);
        let mut held = self.documents.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |(known, named, document): &&(RequestKind, Arc<str>, Document)| {
            *known == kind && **named == *name && document.fetched_at == at && *document.bytes == *value
        };
        if let Some(known) = held.iter().find(same) {
            return known.clone();
        }
        let new = (kind, Arc::from(name), Document::new(value, at));
        if held.len() == COPIES {
            held.remove(0);
        }
        held.push(new.clone());
        new
    }
}

/// As `cs_mode.sign`.
pub(super) unsafe extern "C" fn sign(
    handle: *mut c_void,
    draft: *const abi::Draft,
    out: *mut abi::Signed,
) -> Status {
    guarded(abi::PANIC, || {
        // SAFETY: the host passes what `compile` gave, and has not destroyed it.
        let handle = unsafe { handle.cast::<Handle>().as_ref() };
        // SAFETY: the host passes a structure that it owns for the length of the call, or null.
        let (Some(draft), Some(out)) = (unsafe { draft.as_ref() }, unsafe { out.as_mut() }) else {
            return abi::INTERNAL;
        };
        if draft.struct_size < size_of::<abi::Draft>() || out.struct_size < size_of::<abi::Signed>() {
            return abi::INTERNAL;
        }
        match handle.map(|handle| (handle, &handle.bound)) {
            Some((handle, Bound::Sign(sign))) => {
                signed(handle, &**sign, draft, out).unwrap_or_else(|status| status)
            }
            Some(_) => abi::UNSUPPORTED,
            None => abi::INTERNAL,
        }
    })
}

fn signed(
    handle: &Handle,
    sign: &dyn Sign,
    draft: &abi::Draft,
    out: &mut abi::Signed,
) -> Result<Status, Status> {
    let headers = Given::read(draft.headers, draft.header_count)?;
    let at = Timestamp::from_unix_ms(draft.at_ms);
    let mut given = Draft::new(text(draft.id)?, at, text(draft.url)?, bytes(draft.body)?);
    (given.method, given.headers) = (text(draft.method)?, &headers);
    let mut marks = Vec::new();
    if let Err(rejection) = sign.sign(&given, handle.own, &mut |mark| marks.push(mark)) {
        out.outcome = border::outcome_of(rejection.reason);
        if let Some(detail) = &rejection.detail {
            out.detail_code = row_of(handle.details, rejection.reason, &detail.code);
            append(&mut out.detail_text, detail.text.as_bytes());
        }
        return Ok(abi::OK);
    }
    out.mark_count = marks.len();
    let room = out.mark_cap.min(marks.len());
    let there = match (room, out.marks.is_null() || !out.marks.is_aligned()) {
        (0, _) => &mut [],
        (_, true) => return Err(abi::INTERNAL),
        // SAFETY: the host has room for `mark_cap` marks, which it reads only when the call has returned.
        (_, false) => unsafe { std::slice::from_raw_parts_mut(out.marks, room) },
    };
    let mut fits = room == marks.len();
    for (mark, there) in marks.iter().zip(there) {
        let Mark { place, text, joined_by } = mark;
        let (place, name) = border::place_of(place).ok_or(abi::UNSUPPORTED)?;
        (there.place, there.joined) = (place, u32::from(joined_by.is_some()));
        fits &= put(&mut there.name, name.as_bytes());
        fits &= put(&mut there.text, text);
        fits &= put(&mut there.joined_by, joined_by.as_deref().unwrap_or_default().as_bytes());
    }
    Ok(if fits { abi::OK } else { abi::NO_SPACE })
}

/// All of it, or the length that it has.
fn put(buf: &mut Buf, all: &[u8]) -> bool {
    let fits = append(buf, all);
    if !fits {
        buf.len = all.len();
    }
    fits
}

/// What fits of `more`, and whether all of it did. A text is cut between two characters.
fn append(buf: &mut Buf, more: &[u8]) -> bool {
    let room = buf.cap.saturating_sub(buf.len);
    let mut fits = more.len().min(room);
    if fits < more.len() {
        while fits > 0 && more[fits] & 0xC0 == 0x80 {
            fits -= 1;
        }
    }
    if fits > 0 && !buf.ptr.is_null() {
        // SAFETY: `len` is within `cap`, since this module alone writes it.
        let end = unsafe { buf.ptr.add(buf.len) };
        // SAFETY: the host has `cap` bytes there, of which `fits` are left, and none of them is part of what it passed in.
        unsafe { std::ptr::copy_nonoverlapping(more.as_ptr(), end, fits) };
        buf.len += fits;
    }
    fits == more.len()
}

/// Headers as the host has them: looked up where they are.
struct Given<'a>(&'a [abi::Header]);

// SAFETY: what the pointers lead to is only read, and by the contract nobody writes it during the call.
unsafe impl Sync for Given<'_> {}

impl<'a> Given<'a> {
    fn read(headers: *const abi::Header, count: usize) -> Result<Self, Status> {
        // SAFETY: the host says that there are so many headers for the length of the call.
        let headers = unsafe { slice(headers, count) }.ok_or(abi::INTERNAL)?;
        Ok(Given(headers))
    }

    /// What is no view of anything is shown as nothing: no signature is made of that.
    fn show(bytes: Bytes) -> &'a [u8] {
        bytes_of(bytes).unwrap_or_default()
    }
}

impl Headers for Given<'_> {
    fn each<'h>(&'h self, f: &mut dyn FnMut(&'h [u8], &'h [u8])) {
        self.0.iter().for_each(|header| f(Self::show(header.name), Self::show(header.value)));
    }

    fn find(&self, name: &HeaderName) -> Found<'_> {
        let mut found = Found::Absent;
        let name = name.as_str().as_bytes();
        for header in self.0.iter().filter(|header| header.name.len == name.len()) {
            // Both are in lower case: that of the request by the contract.
            if is_same(Self::show(header.name), name) {
                found = match found {
                    Found::Absent => Found::One(Self::show(header.value)),
                    Found::One(_) | Found::Several => return Found::Several,
                };
            }
        }
        found
    }
}

#[inline]
fn bytes<'a>(given: Bytes) -> Result<&'a [u8], Status> {
    bytes_of(given).ok_or(abi::INTERNAL)
}

#[inline]
fn bytes_of<'a>(given: Bytes) -> Option<&'a [u8]> {
    // SAFETY: what the host passes in lives, unchanged, for the length of the call, and nothing here outlives it.
    unsafe { given.view() }
}

#[inline]
fn text<'a>(given: Bytes) -> Result<&'a str, Status> {
    let bytes = bytes(given)?;
    if is_ascii(bytes) {
        // SAFETY: ASCII is UTF-8.
        return Ok(unsafe { std::str::from_utf8_unchecked(bytes) });
    }
    std::str::from_utf8(bytes).map_err(|_| abi::INTERNAL)
}
