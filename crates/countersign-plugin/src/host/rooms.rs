//! The rooms that a verdict's texts are written into: one set for each thread, cleared when another module gets it.
//!
//! They are clear before every call, for how much of them was written is the module's word, and what stood there before is
//! not for it to show. To clear six thousand bytes for every request would cost more than all else here, so they are kept,
//! and only what was written is cleared. One who writes and does not say so finds that again, and nobody else does.

use super::call::Room;
use crate::abi;
use std::cell::Cell;

/// Room for one text of a verdict, more than is shown: as few secrets as can be are cut in two before they are looked for.
pub(super) const TEXT: usize = 1 << 10;

/// A set of rooms, in the order of the verdict's buffers.
pub(super) struct Rooms {
    module: usize,
    want: Room<2048>,
    message_id: Room<1024>,
    key_id: Room<2048>,
    detail_text: Room<TEXT>,
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
            want: Room::empty(),
            message_id: Room::empty(),
            key_id: Room::empty(),
            detail_text: Room::empty(),
        })
    }

    /// Lend them.
    #[inline]
    pub(super) fn lend(&mut self, verdict: &mut abi::Verdict) {
        let Self { module: _, want, message_id, key_id, detail_text } = self;
        verdict.want = want.buf();
        verdict.message_id = message_id.buf();
        verdict.key_id = key_id.buf();
        verdict.detail_text = detail_text.buf();
    }

    /// Whether nothing was written past their ends.
    #[inline]
    pub(super) fn is_whole(&self) -> bool {
        let Self { module: _, want, message_id, key_id, detail_text } = self;
        want.is_whole() && message_id.is_whole() && key_id.is_whole() && detail_text.is_whole()
    }

    /// Keep them for the thread's next call, once nobody looks at them any more.
    #[inline]
    pub(super) fn keep(mut self: Box<Self>, verdict: &abi::Verdict) {
        let Self { module: _, want, message_id, key_id, detail_text } = &mut *self;
        want.clear(verdict.want.len);
        message_id.clear(verdict.message_id.len);
        key_id.clear(verdict.key_id.len);
        detail_text.clear(verdict.detail_text.len);
        // A thread that ends keeps nothing.
        let _ = KEPT.try_with(|kept| kept.set(Some(self)));
    }
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
        let mut verdict = abi::Verdict::EMPTY;
        rooms.lend(&mut verdict);
        // SAFETY: the room lives until it is kept, and is as long as its cap says.
        unsafe { verdict.detail_text.ptr.write_bytes(b'x', 100) };
        verdict.detail_text.len = said;
        rooms.keep(&verdict);
        was_clear
    }

    #[test]
    fn what_was_written_is_gone_and_what_was_not_told_is_seen_by_nobody_else() {
        assert!(write(1, 100) && write(1, usize::MAX) && write(1, 10));
        assert!(!write(1, 100), "one's own");
        assert!(write(1, 0) && write(2, 0) && write(3, 100) && write(3, 100));
    }
}
