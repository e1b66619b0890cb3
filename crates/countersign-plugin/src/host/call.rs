//! One call over the border, as safe as it can be made: everything that is passed is ours and lives until the call has
//! returned, and everything that comes back is looked at before it is used.

use super::descriptor::Functions;
use super::watch::lock;
use crate::abi::{self, Buf, Bytes};
use std::ffi::c_void;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A handle of a module's, destroyed when the last call on it has returned.
pub(super) struct Handle {
    raw: *mut c_void,
    functions: Functions,
    gate: Option<Arc<Gate>>,
}

// SAFETY: by the contract a handle may be used and destroyed by any thread; where calls must not overlap, the gate keeps
// them apart.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Handle {
    pub(super) fn new(raw: *mut c_void, functions: Functions, gate: Option<Arc<Gate>>) -> Self {
        Handle { raw, functions, gate }
    }

    /// As `cs_mode.verify`.
    #[inline]
    pub(super) fn verify(&self, request: &abi::Request, out: &mut Fenced<abi::Verdict>) -> i32 {
        // SAFETY: the handle is one that `compile` made for verifying, and lives as long as `self`. What `request` points to
        // is borrowed by its maker for this call, and every buffer of `out` is as long as its `cap` says.
        unsafe { (self.functions.verify)(self.raw, request, out.lend()) }
    }

    /// The same for whoever passes longer structures, to see what is touched.
    pub(super) fn verify_raw(&self, request: *const abi::Request, out: *mut abi::Verdict) -> i32 {
        // SAFETY: as for `verify`; both structures are as long as their `struct_size` says.
        unsafe { (self.functions.verify)(self.raw, request, out) }
    }

    /// As `cs_mode.sign`.
    pub(super) fn sign(&self, draft: &abi::Draft, out: &mut abi::Signed) -> i32 {
        match self.functions.sign {
            // SAFETY: as for `verify`; the handle was made for signing.
            Some(sign) => unsafe { sign(self.raw, draft, out) },
            None => abi::UNSUPPORTED,
        }
    }

    pub(super) fn gate(&self) -> Option<&Gate> {
        self.gate.as_deref()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // Whoever hangs in the gate keeps a handle, which then is never destroyed: better than two calls at once.
        let _turn = match &self.gate {
            None => None,
            Some(gate) => match gate.enter(Duration::from_secs(1)) {
                Some(turn) => Some(turn),
                None => return,
            },
        };
        // SAFETY: the handle is one that `compile` made, nobody else has it any more, and it is given back once.
        unsafe { (self.functions.destroy)(self.raw) }
    }
}

/// As `cs_mode.compile`. `out.handle` is the caller's to destroy.
pub(super) fn compile(functions: &Functions, setup: &abi::Setup, out: &mut abi::Compiled) -> i32 {
    // SAFETY: what `setup` points to is borrowed by its maker for this call, and every buffer of `out` is as long as its
    // `cap` says.
    unsafe { (functions.compile)(setup, out) }
}

/// One call at a time into a mode that is not made for more.
#[derive(Default)]
pub(super) struct Gate {
    taken: Mutex<bool>,
    free: Condvar,
}

/// The right to be the one.
pub(super) struct Turn<'g>(&'g Gate);

impl Gate {
    /// Wait for the turn, so long at most.
    pub(super) fn enter(&self, deadline: Duration) -> Option<Turn<'_>> {
        let until = Instant::now() + deadline;
        let mut taken = lock(&self.taken);
        while *taken {
            let left = until.checked_duration_since(Instant::now())?;
            taken = self.free.wait_timeout(taken, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        *taken = true;
        Some(Turn(self))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *lock(&self.0.taken) = false;
        self.0.free.notify_one();
    }
}

/// What stands behind memory that is lent, to see whether a call wrote past its end. One that writes far past it is not
/// found by this; the terminator of a text, and what a newer header would have there, are.
const FENCE: u64 = 0x7E5A_C3D2_91E6_B80F;

/// Something that is lent, with a fence behind it. It begins with a line of the cache: what lies across two is slower to write
/// and to read again.
#[repr(C, align(64))]
pub(super) struct Fenced<T> {
    what: T,
    fence: u64,
}

impl<T> Fenced<T> {
    #[inline]
    pub(super) fn new(what: T) -> Self {
        Fenced { what, fence: FENCE }
    }

    /// Where it is. The pointer is to all of it, fence included: what is written there is written, and seen.
    #[inline]
    pub(super) fn lend(&mut self) -> *mut T {
        (&raw mut *self).cast()
    }

    #[inline]
    pub(super) fn what(&self) -> &T {
        &self.what
    }

    #[inline]
    pub(super) fn what_mut(&mut self) -> &mut T {
        &mut self.what
    }

    #[inline]
    pub(super) fn is_whole(&self) -> bool {
        self.fence == FENCE
    }
}

/// Room for what a call writes, clear before: a module may say that it wrote what it did not, and what was there is ours.
/// `N` is a multiple of eight, so that the fence stands where the room ends.
pub(super) type Room<const N: usize> = Fenced<[u8; N]>;

impl<const N: usize> Room<N> {
    #[inline]
    pub(super) fn empty() -> Self {
        const { assert!(N.is_multiple_of(8)) };
        Self::new([0; N])
    }

    /// So many bytes of it, or all. For a few of them, all of the first are: stores of known size cost less than a call.
    #[inline]
    pub(super) fn clear(&mut self, length: usize) {
        const FEW: usize = 64;
        match self.what.first_chunk_mut::<FEW>() {
            Some(few) if length <= FEW => *few = [0; FEW],
            _ => self.clear_many(length),
        }
    }

    #[cold]
    #[inline(never)]
    fn clear_many(&mut self, length: usize) {
        self.what[..length.min(N)].fill(0);
    }

    pub(super) fn buf(&mut self) -> Buf {
        Self::buf_at(self.lend().cast())
    }

    /// One that is there.
    pub(super) fn buf_at(there: *mut u8) -> Buf {
        Buf { ptr: there, cap: N, len: 0 }
    }
}

/// A buffer as it was lent, to hold against what came back.
#[derive(Clone, Copy)]
pub(super) struct Lent(Buf);

impl Lent {
    pub(super) fn of(buf: &Buf) -> Self {
        Lent(*buf)
    }

    /// What was written. `None`: the pointer or the size is another, or more is said to be there than fits.
    ///
    /// # Safety
    /// The room that was lent lives, unmoved, for `'a`.
    pub(super) unsafe fn written<'a>(self, back: &Buf) -> Option<&'a [u8]> {
        let Lent(lent) = self;
        if back.ptr != lent.ptr || back.cap != lent.cap || back.len > lent.cap {
            return None;
        }
        // SAFETY: the caller's promise; the room was filled before it was lent.
        unsafe { abi::slice(back.ptr.cast_const(), back.len) }
    }
}

/// A growable buffer, lent whole.
pub(super) fn lend(bytes: &mut Vec<u8>) -> Buf {
    Buf { ptr: bytes.as_mut_ptr(), cap: bytes.len(), len: 0 }
}

/// A view of bytes for the length of a call.
pub(super) fn view(bytes: &[u8]) -> Bytes {
    Bytes::of(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    #[test]
    fn a_gate_lets_one_in_at_a_time_and_is_not_waited_for_without_end() {
        let (gate, inside, most) = (Gate::default(), AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let turn = gate.enter(Duration::from_secs(20));
                        assert!(turn.is_some());
                        most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(most.load(Ordering::SeqCst), 1);
        let _turn = gate.enter(Duration::ZERO);
        assert!(gate.enter(Duration::from_millis(5)).is_none());
    }
}
