//! What a verdict is written into: one set for each thread, cleared when another module gets it.
//!
//! The rooms are clear before every call, for how much of them was written is the module's word, and what stood there before
//! is not for it to show. To clear six thousand bytes for every request would cost more than all else here, so they are kept,
//! and only what was written is cleared. One who writes and does not say so finds that again, and nobody else does.

use super::call::{Fenced, Room};
use crate::abi::{self, Buf};
use std::cell::Cell;

/// Room for one text of a verdict, more than is shown: as few secrets as can be are cut in two before they are looked for.
pub(super) const TEXT: usize = 1 << 10;

/// A verdict and the rooms behind its buffers. Boxed: what is lent stays where it is.
pub(super) struct Rooms {
    module: usize,
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

thread_local! {
    static KEPT: Cell<Option<Box<Rooms>>> = const { Cell::new(None) };
}

impl Rooms {
    /// A clear set for a call into this module.
    #[inline]
    pub(super) fn of(module: usize) -> Box<Self> {
        match KEPT.try_with(Cell::take) {
            Ok(Some(rooms)) if rooms.module == module => rooms,
            _ => Self::clear(module),
        }
    }

    #[cold]
    fn clear(module: usize) -> Box<Self> {
        Box::new(Rooms {
            module,
            verdict: Fenced::new(abi::Verdict::EMPTY),
            prints: Room::empty(),
            want: Room::empty(),
            message_id: Room::empty(),
            key_id: Room::empty(),
            detail_text: Room::empty(),
        })
    }

    /// Lend them, with `prints` in the place of the room for fingerprints, if there is more.
    #[inline]
    pub(super) fn lend(&mut self, prints: Option<Buf>) -> &mut Fenced<abi::Verdict> {
        let Self { module: _, verdict, prints: own, want, message_id, key_id, detail_text } = self;
        *verdict.what_mut() = abi::Verdict {
            fingerprints: prints.unwrap_or_else(|| own.buf()),
            want: want.buf(),
            message_id: message_id.buf(),
            key_id: key_id.buf(),
            detail_text: detail_text.buf(),
            ..abi::Verdict::EMPTY
        };
        verdict
    }

    pub(super) fn verdict(&self) -> &abi::Verdict {
        self.verdict.what()
    }

    /// Whether nothing was written past their ends.
    #[inline]
    pub(super) fn is_whole(&self) -> bool {
        let Self { module: _, verdict, prints, want, message_id, key_id, detail_text } = self;
        verdict.is_whole()
            && prints.is_whole()
            && want.is_whole()
            && message_id.is_whole()
            && key_id.is_whole()
            && detail_text.is_whole()
    }

    /// What was written. `None`: a pointer or a size is another than was lent, or more is said to be there than fits. `prints`
    /// is what they were lent with.
    #[inline]
    pub(super) fn written<'r>(&'r self, prints: Option<&'r [u8]>) -> Option<Written<'r>> {
        let Self { module: _, verdict, prints: own, want, message_id, key_id, detail_text } = self;
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
        let room = prints.unwrap_or(self.prints.what());
        is_same(&self.verdict.what().fingerprints, room)
    }

    /// Keep them for the thread's next call.
    #[inline]
    pub(super) fn keep(mut self: Box<Self>) {
        let Self { module: _, verdict, prints, want, message_id, key_id, detail_text } = &mut *self;
        let verdict = verdict.what();
        prints.clear(verdict.fingerprints.len);
        want.clear(verdict.want.len);
        message_id.clear(verdict.message_id.len);
        key_id.clear(verdict.key_id.len);
        detail_text.clear(verdict.detail_text.len);
        // A thread that ends keeps nothing.
        let _ = KEPT.try_with(|kept| kept.set(Some(self)));
    }
}

/// What of a room was written, by what came back.
#[inline]
fn said<'r>(back: &Buf, room: &'r [u8]) -> Option<&'r [u8]> {
    if is_same(back, room) { room.get(..back.len) } else { None }
}

#[inline]
fn is_same(back: &Buf, room: &[u8]) -> bool {
    back.ptr.cast_const() == room.as_ptr() && back.cap == room.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read of a set as it is lent, and what is in it after somebody wrote and said so much of it.
    fn write(module: usize, said: usize) -> bool {
        let mut rooms = Rooms::of(module);
        let was_clear = [&rooms.want.what()[..], rooms.key_id.what(), rooms.detail_text.what()]
            .iter()
            .all(|room| room.iter().all(|byte| *byte == 0));
        let verdict = rooms.lend(None).what_mut();
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
