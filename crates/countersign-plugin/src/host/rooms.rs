//! What a verdict is written into: one set for each thread, cleared when another module gets it.
//!
//! The rooms are clear before every call, for how much of them was written is the module's word, and what stood there before
//! is not for it to show. To clear six thousand bytes for every request would cost more than all else here, so they are kept,
//! and only what was written is cleared. One who writes and does not say so finds that again, and nobody else does.

use super::call::{Fenced, Room};
use crate::abi::{self, Buf, FINGERPRINT_SIZE};
use countersign::{Binds, Timestamp};
use std::cell::Cell;
use std::mem::offset_of;
use std::ptr::NonNull;

/// Room for one text of a verdict, more than is shown: as few secrets as can be are cut in two before they are looked for.
pub(super) const TEXT: usize = 1 << 10;

/// A verdict and the rooms behind its buffers. The verdict is laid out before it is lent: it would cost more to write all of it
/// anew for every request than to write what a call has changed.
pub(super) struct Rooms {
    module: usize,
    /// What `clear` made, and this alone has. The buffers of the verdict are made of this very pointer, and what is
    /// borrowed of it is given back before the next call: so they stay good from one call to the next.
    lent: NonNull<Lent>,
}

struct Lent {
    verdict: Fenced<abi::Verdict>,
    prints: Room<256>,
    want: Room<2048>,
    message_id: Room<1024>,
    key_id: Room<2048>,
    detail_text: Room<TEXT>,
}

/// What a module wrote into each room, as far as it says.
pub(super) struct Written<'r> {
    pub(super) fingerprints: &'r [u8],
    pub(super) want: &'r [u8],
    pub(super) message_id: &'r [u8],
    pub(super) key_id: &'r [u8],
    pub(super) detail_text: &'r [u8],
}

/// What a verdict comes to that is as it nearly always is.
pub(super) struct Proof<'r> {
    pub(super) binds: Binds,
    pub(super) print: &'r [u8; FINGERPRINT_SIZE],
    pub(super) signed_at: Option<Timestamp>,
    /// Empty: none.
    pub(super) message_id: &'r [u8],
}

thread_local! {
    static KEPT: Cell<Option<Rooms>> = const { Cell::new(None) };
}

impl Rooms {
    /// A clear set for a call into this module.
    #[inline]
    pub(super) fn of(module: usize) -> Self {
        match KEPT.try_with(Cell::take) {
            Ok(Some(rooms)) if rooms.module == module => rooms,
            _ => Self::clear(module),
        }
    }

    #[cold]
    fn clear(module: usize) -> Self {
        let lent = Box::leak(Box::new(Lent {
            verdict: Fenced::new(abi::Verdict::EMPTY),
            prints: Room::empty(),
            want: Room::empty(),
            message_id: Room::empty(),
            key_id: Room::empty(),
            detail_text: Room::empty(),
        }));
        let mut rooms = Rooms { module, lent: lent.into() };
        rooms.lay_out();
        rooms
    }

    /// An empty verdict, with every buffer of it lent.
    fn lay_out(&mut self) {
        let at = |offset| self.lent.as_ptr().cast::<u8>().wrapping_add(offset);
        let verdict = abi::Verdict {
            fingerprints: Room::<256>::buf_at(at(offset_of!(Lent, prints))),
            want: Room::<2048>::buf_at(at(offset_of!(Lent, want))),
            message_id: Room::<1024>::buf_at(at(offset_of!(Lent, message_id))),
            key_id: Room::<2048>::buf_at(at(offset_of!(Lent, key_id))),
            detail_text: Room::<TEXT>::buf_at(at(offset_of!(Lent, detail_text))),
            ..abi::Verdict::EMPTY
        };
        *self.there_mut().verdict.what_mut() = verdict;
    }

    #[inline]
    fn there(&self) -> &Lent {
        // SAFETY: it is a box that was leaked for this alone, and only during a call does anybody else write to it.
        unsafe { self.lent.as_ref() }
    }

    #[inline]
    fn there_mut(&mut self) -> &mut Lent {
        // SAFETY: as in `there`.
        unsafe { self.lent.as_mut() }
    }

    /// Lend the verdict, which is laid out already. The pointer is to all of it, its fence included.
    #[inline]
    pub(super) fn lend(&mut self) -> &mut Fenced<abi::Verdict> {
        &mut self.there_mut().verdict
    }

    /// The same with `prints` in the place of the room for fingerprints.
    pub(super) fn lend_with(&mut self, prints: Buf) -> &mut Fenced<abi::Verdict> {
        let verdict = self.lend();
        verdict.what_mut().fingerprints = prints;
        verdict
    }

    pub(super) fn verdict(&self) -> &abi::Verdict {
        self.there().verdict.what()
    }

    /// Whether nothing was written past their ends.
    #[inline]
    pub(super) fn is_whole(&self) -> bool {
        let Lent { verdict, prints, want, message_id, key_id, detail_text } = self.there();
        verdict.is_whole()
            & prints.is_whole()
            & want.is_whole()
            & message_id.is_whole()
            & key_id.is_whole()
            & detail_text.is_whole()
    }

    /// What was written. `None`: a pointer or a size is another than was lent, or more is said to be there than fits. `prints`
    /// is what they were lent with.
    pub(super) fn written<'r>(&'r self, prints: Option<&'r [u8]>) -> Option<Written<'r>> {
        let Lent { verdict, prints: own, want, message_id, key_id, detail_text } = self.there();
        let verdict = verdict.what();
        Some(Written {
            fingerprints: said(&verdict.fingerprints, prints.unwrap_or(own.what()))?,
            want: said(&verdict.want, want.what())?,
            message_id: said(&verdict.message_id, message_id.what())?,
            key_id: said(&verdict.key_id, key_id.what())?,
            detail_text: said(&verdict.detail_text, detail_text.what())?,
        })
    }

    /// Whether the buffer for fingerprints is the one that was lent.
    pub(super) fn is_same_room(&self, prints: Option<&[u8]>) -> bool {
        let room = prints.unwrap_or(self.there().prints.what());
        is_same(&self.verdict().fingerprints, room)
    }

    /// What there is to see where all is well: nothing past any end, nothing written but one fingerprint and perhaps an id,
    /// and a verdict that says yes and contradicts neither itself nor `least`. `None` is no fault yet: everything else, and
    /// every fault, is for [`read`](super::verdict::read) to tell apart.
    #[inline]
    pub(super) fn proof(&self, status: i32, least: Binds) -> Option<Proof<'_>> {
        let Lent { verdict, prints, want, message_id, key_id, detail_text } = self.there();
        let abi::Verdict {
            struct_size: _,
            outcome,
            detail_code,
            binds,
            fingerprint_kind,
            signed_at_ms,
            signed_until_ms,
            want_newer_than_ms: _,
            want_kind: _,
            reserved: _,
            fingerprints: prints_back,
            want: want_back,
            message_id: id_back,
            key_id: key_back,
            detail_text: text_back,
        } = verdict.what();
        let is_yes = (*outcome == abi::VERIFIED)
            & (status == abi::OK)
            & (*detail_code == 0)
            & (*signed_until_ms == abi::NONE_MS)
            & ((*fingerprint_kind == abi::PRINT_TAG) | (*fingerprint_kind == abi::PRINT_CONTENT));
        let is_written = is_same(prints_back, prints.what())
            & (prints_back.len == FINGERPRINT_SIZE)
            & is_same(id_back, message_id.what())
            & (id_back.len <= message_id.what().len())
            & is_same(want_back, want.what())
            & is_same(key_back, key_id.what())
            & is_same(text_back, detail_text.what())
            & ((want_back.len | key_back.len | text_back.len) == 0);
        if !(is_yes & self.is_whole() & is_written) {
            return None;
        }
        let binds = Binds::from_bits(u16::try_from(*binds).ok()?)?;
        let is_bound = binds.contains(least)
            & (binds.contains(Binds::TIME) | (*signed_at_ms == abi::NONE_MS))
            & (binds.contains(Binds::ID) | (id_back.len == 0));
        if !is_bound {
            return None;
        }
        Some(Proof {
            binds,
            print: prints.what().first_chunk()?,
            signed_at: (*signed_at_ms != abi::NONE_MS).then(|| Timestamp::from_unix_ms(*signed_at_ms)),
            message_id: message_id.what().get(..id_back.len)?,
        })
    }

    /// Keep them for the thread's next call, after a [`proof`](Self::proof): the buffers are as they were lent, and nothing was
    /// written into the other rooms.
    #[inline]
    pub(super) fn keep_proven(mut self) {
        let Lent { verdict, prints, message_id: id, .. } = self.there_mut();
        let abi::Verdict {
            struct_size,
            outcome,
            detail_code,
            binds,
            fingerprint_kind,
            signed_at_ms,
            signed_until_ms,
            want_newer_than_ms,
            want_kind,
            reserved,
            fingerprints,
            want: _,
            message_id,
            key_id: _,
            detail_text: _,
        } = verdict.what_mut();
        prints.clear(fingerprints.len);
        id.clear(message_id.len);
        *struct_size = size_of::<abi::Verdict>();
        (*outcome, *detail_code, *binds, *fingerprint_kind) = (0, 0, 0, 0);
        (*signed_at_ms, *signed_until_ms, *want_newer_than_ms) = (abi::NONE_MS, abi::NONE_MS, abi::NONE_MS);
        (*want_kind, *reserved, fingerprints.len, message_id.len) = (0, 0, 0, 0);
        self.put_back();
    }

    /// Keep them for the thread's next call.
    pub(super) fn keep(mut self) {
        let Lent { verdict, prints, want, message_id, key_id, detail_text } = self.there_mut();
        let verdict = verdict.what();
        prints.clear(verdict.fingerprints.len);
        want.clear(verdict.want.len);
        message_id.clear(verdict.message_id.len);
        key_id.clear(verdict.key_id.len);
        detail_text.clear(verdict.detail_text.len);
        self.lay_out();
        self.put_back();
    }

    #[inline]
    fn put_back(self) {
        // A thread that ends keeps nothing.
        let _ = KEPT.try_with(|kept| kept.set(Some(self)));
    }
}

impl Drop for Rooms {
    fn drop(&mut self) {
        // SAFETY: `clear` leaked it, and it is given back once.
        drop(unsafe { Box::from_raw(self.lent.as_ptr()) });
    }
}

/// What of a room was written, by what came back.
#[inline]
fn said<'r>(back: &Buf, room: &'r [u8]) -> Option<&'r [u8]> {
    if is_same(back, room) { room.get(..back.len) } else { None }
}

#[inline]
fn is_same(back: &Buf, room: &[u8]) -> bool {
    (back.ptr.cast_const() == room.as_ptr()) & (back.cap == room.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read of a set as it is lent, and what is in it after somebody wrote and said so much of it.
    fn write(module: usize, said: usize) -> bool {
        let mut rooms = Rooms::of(module);
        let Lent { want, key_id, detail_text, .. } = rooms.there();
        let was_clear = [&want.what()[..], key_id.what(), detail_text.what()]
            .iter()
            .all(|room| room.iter().all(|byte| *byte == 0));
        let verdict = rooms.lend().what_mut();
        // SAFETY: the room lives until it is kept, and is as long as its cap says.
        unsafe { verdict.detail_text.ptr.write_bytes(b'x', 100) };
        verdict.detail_text.len = said;
        rooms.keep();
        was_clear
    }

    #[test]
    fn what_was_written_is_gone_and_what_was_not_told_is_seen_by_nobody_else() {
        assert!(write(1, 100) && write(1, usize::MAX) && write(1, 10));
        assert!(!write(1, 100), "one's own");
        assert!(write(1, 0) && write(2, 0) && write(3, 100) && write(3, 100));
    }
}
