//! What the contract says of memory, asked of a handle: for whoever checks a module, in a process that may die of it.
//!
//! Inputs stand before a page that nobody may touch, so that a read beyond their end ends the process. Buffers have bytes
//! behind them that must stay as they are. Once a call has returned its inputs are written over, so that a pointer which
//! was kept leads to nonsense. What a module does wrong here it does wrong in a host, where nobody would notice.

use super::call::{Handle, lend, view};
use super::credential::{Credential, Part, Setup, kind_bit, vars_of};
use super::mode::Shape;
use super::redact::Spellings;
use crate::abi::{self, Buf, Bytes, FINGERPRINT_SIZE};
use crate::table;
use countersign::{Key, KeyError, ModeConfig, Request, Timestamp, Vars};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
use std::collections::BTreeMap;
use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;
use zeroize::Zeroizing;

macro_rules! faults {
    ($($name:ident = $code:literal, $look:literal;)+) => {
        $(const $name: &str = $code;)+

        /// What a probe can find: the code, and what to look at.
        pub const FAULTS: &[(&str, &str)] = &[$(($code, $look)),+];
    };
}
faults! {
    BEYOND_BUFFER = "memory/beyond-buffer", "every write into a cs_buf: at most `cap` bytes, whatever `cap` is";
    BEYOND_STRUCT = "memory/beyond-struct", "a host may have longer structures, and gives their size: write your own fields only";
    BUFFER_CHANGED = "memory/buffer-changed", "`ptr` and `cap` of a cs_buf are the host's, and `len` is at most `cap`";
    KEPT_POINTER = "memory/kept-pointer", "what comes in is borrowed until the call returns: copy what is needed later";
    NO_ROOM = "memory/no-room", "a buffer that is too small: what does not fit must not become a yes that is cut short";
    CHECK_HANDLE = "memory/handle-of-check", "CS_FOR_CHECK wants no handle, and nobody destroys one";
    GROWS = "memory/grows", "`destroy`: everything that `compile` has allocated is to be freed";
    ANSWERS_DIFFER = "memory/answers-differ", "memory that is not initialised, or that another call has written";
    SECRET = "secrets/in-text", "`detail_text` and complaints: they are for people, and never hold key material";
    STATUS = "memory/status", "`verify` answers a sound request with CS_OK, and says in `outcome` what it found";
}

/// A delivery to probe with: one that verifies.
pub struct Delivery<'d> {
    /// The mode's table of the preset.
    pub config: &'d ModeConfig,

    /// The key that signed it; none where keys are found.
    pub key: Option<&'d Key>,

    /// The preset's variables.
    pub vars: &'d Vars,

    /// The request.
    pub request: Request<'d>,

    /// When it is judged.
    pub now: Timestamp,
}

/// What a probe found: how often each thing was asked, and what was wrong.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Probed {
    /// How many calls were made.
    pub calls: usize,

    /// What was wrong, by its code, with a sentence; each code once.
    pub found: BTreeMap<&'static str, String>,

    /// What no text may hold.
    spellings: Option<Arc<Spellings>>,
}

impl Probed {
    fn say(&mut self, code: &'static str, says: impl Into<String>) {
        self.found.entry(code).or_insert_with(|| says.into());
    }
}

/// Probe a mode with a delivery.
///
/// # Errors
/// The key will not do.
pub(super) fn probe(shape: &Arc<Shape>, delivery: &Delivery<'_>, rounds: usize) -> Result<Probed, KeyError> {
    let mut probed = Probed::default();
    let setup = setup(shape, delivery, abi::FOR_VERIFY);
    let credential = Credential::new(setup)?;
    let handle = credential.handle();
    let spellings = Setup::spellings(&[&credential.setup]);
    probed.spellings = Some(Arc::new(spellings));
    check_gives_no_handle(shape, delivery, &mut probed);
    let fenced = Fenced::request(&delivery.request);
    let full = ask(&handle, &fenced, delivery.now, &Caps::FULL, &mut probed);
    if full.status != abi::OK {
        probed.say(STATUS, format!("`verify` returned {} for a delivery that verifies", full.status));
        return Ok(probed);
    }
    for caps in Caps::all() {
        let less = ask(&handle, &fenced, delivery.now, &caps, &mut probed);
        less.judge(&full, &caps, &mut probed);
    }
    kept_pointers(&handle, delivery, &full, &mut probed);
    if probed.found.contains_key(KEPT_POINTER) {
        // What follows gives memory back, and whoever looks at it then ends this process before it has told.
        return Ok(probed);
    }
    noise(&handle, delivery, &full, rounds, &mut probed);
    grows(shape, delivery, rounds, &mut probed);
    Ok(probed)
}

fn setup(shape: &Arc<Shape>, delivery: &Delivery<'_>, purpose: u32) -> Setup {
    let part = |key: &Key| Part {
        index: None,
        id: key.id.as_str().to_owned(),
        role: key.role.as_deref().unwrap_or_default().to_owned(),
        kind: kind_bit(key.kind),
        value: Zeroizing::new(key.material.expose().to_vec()),
    };
    Setup {
        shape: shape.clone(),
        config: table::to_json(delivery.config.table()).into(),
        vars: vars_of(delivery.config.vars(), delivery.vars),
        part: delivery.key.map(part).filter(|_| purpose != abi::FOR_CHECK),
        purpose,
    }
}

fn check_gives_no_handle(shape: &Arc<Shape>, delivery: &Delivery<'_>, probed: &mut Probed) {
    probed.calls += 1;
    if let Ok(outcome) = setup(shape, delivery, abi::FOR_CHECK).compile()
        && outcome.handle.is_some()
    {
        probed.say(CHECK_HANDLE, "`compile` gave a handle where only a table was to be checked");
    }
}

/// What came back, read as far as it may be.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Back {
    status: i32,
    outcome: u32,
    binds: u32,
    times: (i64, i64),
    message_id: Vec<u8>,
    key_id: Vec<u8>,
    fingerprints: Vec<u8>,
}

impl Back {
    /// With less room, the same; or a refusal, or that there is too little of it.
    fn judge(&self, full: &Back, caps: &Caps, probed: &mut Probed) {
        if self.status == abi::NO_SPACE || self.status != abi::OK || self.outcome != abi::VERIFIED {
            return;
        }
        let cut = self.message_id != full.message_id
            || self.key_id != full.key_id
            || self.fingerprints != full.fingerprints;
        if cut {
            probed.say(
                NO_ROOM,
                format!("with {caps:?} a delivery verifies, and what is said of it is cut short"),
            );
        }
    }
}

/// How much room there is in each buffer.
#[derive(Clone, Copy, Debug)]
struct Caps {
    fingerprints: usize,
    want: usize,
    message_id: usize,
    key_id: usize,
    detail_text: usize,
}

impl Caps {
    const FULL: Caps =
        Caps { fingerprints: 4096, want: 2048, message_id: 1024, key_id: 2048, detail_text: 4096 };

    /// Each of them too small, by turns, and then all.
    fn all() -> Vec<Caps> {
        let mut all = Vec::new();
        for cap in [0, 1, FINGERPRINT_SIZE - 1, FINGERPRINT_SIZE] {
            all.push(Caps { fingerprints: cap, ..Caps::FULL });
            all.push(Caps { message_id: cap, ..Caps::FULL });
            all.push(Caps { key_id: cap, ..Caps::FULL });
            all.push(Caps { want: cap, ..Caps::FULL });
            all.push(Caps { detail_text: cap, ..Caps::FULL });
            all.push(Caps { fingerprints: cap, want: cap, message_id: cap, key_id: cap, detail_text: cap });
        }
        all
    }
}

/// A verdict of a host that has more fields.
#[repr(C)]
struct Longer {
    verdict: abi::Verdict,
    tail: [u64; 8],
}

const CANARY: u8 = 0xC5;
const TAIL: u64 = 0xC5C5_C5C5_C5C5_C5C5;
const BEHIND: usize = 64;

/// Ask, with so much room, and look at what was touched.
fn ask(handle: &Handle, fenced: &Fenced, now: Timestamp, caps: &Caps, probed: &mut Probed) -> Back {
    probed.calls += 1;
    let room = |cap: usize| vec![CANARY; cap + BEHIND];
    let Caps { fingerprints, want, message_id, key_id, detail_text } = *caps;
    let all = [fingerprints, want, message_id, key_id, detail_text];
    let mut rooms = all.map(room);
    let mut lent = [Buf::EMPTY; 5];
    for ((lent, room), cap) in lent.iter_mut().zip(&mut rooms).zip(all) {
        *lent = Buf { cap, ..lend(room) };
    }
    let verdict = abi::Verdict {
        struct_size: size_of::<Longer>(),
        fingerprints: lent[0],
        want: lent[1],
        message_id: lent[2],
        key_id: lent[3],
        detail_text: lent[4],
        ..abi::Verdict::EMPTY
    };
    let mut longer = Longer { verdict, tail: [TAIL; 8] };
    let request = fenced.request_at(now);
    let status = handle.verify_raw(&raw const request, (&raw mut longer).cast());
    if longer.tail != [TAIL; 8] {
        probed.say(BEYOND_STRUCT, "`verify` wrote behind the fields of cs_verdict that ABI 1.0 has");
    }
    let verdict = &longer.verdict;
    let back = [verdict.fingerprints, verdict.want, verdict.message_id, verdict.key_id, verdict.detail_text];
    const NAMES: [&str; 5] = ["fingerprints", "want", "message_id", "key_id", "detail_text"];
    let mut read: [Vec<u8>; 5] = Default::default();
    for (number, room) in rooms.iter().enumerate() {
        let (lent, back, name) = (lent[number], back[number], NAMES[number]);
        if room[lent.cap..].iter().any(|byte| *byte != CANARY) {
            probed.say(
                BEYOND_BUFFER,
                format!("`verify` wrote behind `{name}`, which has room for {} bytes", lent.cap),
            );
        }
        let asks = status == abi::NO_SPACE && number == 0;
        if back.ptr != lent.ptr || back.cap != lent.cap || (back.len > lent.cap && !asks) {
            let says =
                format!("`verify` left `{name}` with len {} and cap {}, of {}", back.len, back.cap, lent.cap);
            probed.say(BUFFER_CHANGED, says);
        } else {
            read[number] = room[..back.len.min(lent.cap)].to_vec();
        }
    }
    let [fingerprints, want, message_id, key_id, detail_text] = read;
    let tells = |text: &[u8]| probed.spellings.as_ref().is_some_and(|spellings| spellings.are_in(text));
    if tells(&detail_text) || tells(&want) {
        probed.say(SECRET, "a text of `verify` holds the key that it was asked with");
    }
    Back {
        status,
        outcome: verdict.outcome,
        binds: verdict.binds,
        times: (verdict.signed_at_ms, verdict.signed_until_ms),
        message_id,
        key_id,
        fingerprints,
    }
}

/// The same delivery in memory of its own each time, the last one's written over.
fn kept_pointers(handle: &Handle, delivery: &Delivery<'_>, full: &Back, probed: &mut Probed) {
    for _ in 0..4 {
        let mut fenced = Fenced::request(&delivery.request);
        let again = ask(handle, &fenced, delivery.now, &Caps::FULL, probed);
        if again != *full {
            probed.say(KEPT_POINTER, "asked again about the same delivery, once the first one's memory was written over, it answers otherwise");
        }
        fenced.poison();
        // Kept mapped until after the next call, and full of nonsense.
        fenced.forget();
    }
}

/// Damaged deliveries, each in fenced memory, and the good one between them.
fn noise(handle: &Handle, delivery: &Delivery<'_>, full: &Back, rounds: usize, probed: &mut Probed) {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for round in 0..rounds {
        let fenced = Fenced::damaged(&delivery.request, &mut dice);
        ask(handle, &fenced, delivery.now, &Caps::FULL, probed);
        if round % 16 == 0 {
            let fenced = Fenced::request(&delivery.request);
            if ask(handle, &fenced, delivery.now, &Caps::FULL, probed) != *full {
                probed.say(ANSWERS_DIFFER, "after damaged requests it answers a good one otherwise");
            }
        }
    }
}

/// Whether making and destroying handles leaves something behind.
fn grows(shape: &Arc<Shape>, delivery: &Delivery<'_>, rounds: usize, probed: &mut Probed) {
    let setup = setup(shape, delivery, abi::FOR_VERIFY);
    let mut make = |count: usize| {
        for _ in 0..count {
            probed.calls += 1;
            drop(setup.compile());
        }
    };
    // The first ones fill what allocators and modules keep.
    make(rounds.min(1000));
    let before = resident();
    make(rounds * 4);
    let grown = resident().saturating_sub(before);
    // A handle is a hundred bytes at least; pages come and go.
    if grown > (rounds * 4 * 32).max(2 << 20) {
        let says = format!("{} handles, made and destroyed, left {} KiB behind", rounds * 4, grown >> 10);
        probed.say(GROWS, says);
    }
}

/// How much memory this process has, in bytes; 0 where that cannot be seen.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.unwrap_or(0) * rustix::param::page_size()
}

/// A request in memory that ends where nobody may read.
struct Fenced {
    maps: Vec<(*mut c_void, usize)>,
    method: Bytes,
    url: Bytes,
    headers: *const abi::Header,
    header_count: usize,
    body: Bytes,
}

impl Fenced {
    fn request(request: &Request<'_>) -> Self {
        let mut headers = Vec::new();
        request
            .head
            .headers
            .each(&mut |name, value| headers.push((name.to_ascii_lowercase(), value.to_vec())));
        Self::of(request.head.method, request.head.url, &headers, request.body)
    }

    fn damaged(request: &Request<'_>, dice: &mut Dice) -> Self {
        let (mut headers, mut body) = (Vec::new(), request.body.to_vec());
        request
            .head
            .headers
            .each(&mut |name, value| headers.push((name.to_ascii_lowercase(), value.to_vec())));
        let mut url = request.head.url.to_owned();
        for _ in 0..1 + dice.roll(3) {
            let at = dice.roll(headers.len());
            match (dice.roll(8), headers.get_mut(at)) {
                (0, Some((_, value))) => value.truncate(dice.roll(value.len() + 1)),
                (1, Some((_, value))) => dice.bytes(value),
                (2, Some((_, value))) => *value = vec![b"\0,=-"[dice.roll(4)]; dice.roll(9000)],
                (3, Some(_)) => drop(headers.remove(at)),
                (4, Some(twin)) => {
                    let twin = twin.clone();
                    headers.push(twin);
                }
                (5, Some((name, _))) => dice.bytes(name),
                (6, _) => url.push_str(["?", "&a=%zz", "#", "/..", "\u{e9}"][dice.roll(5)]),
                _ => dice.bytes(&mut body),
            }
        }
        headers
            .iter_mut()
            .for_each(|(name, _)| name.retain(|b| b.is_ascii_graphic() && !b.is_ascii_uppercase()));
        Self::of(request.head.method, &url, &headers, &body)
    }

    fn of(method: &str, url: &str, headers: &[(Vec<u8>, Vec<u8>)], body: &[u8]) -> Self {
        let mut fenced = Fenced {
            maps: Vec::new(),
            method: Bytes::EMPTY,
            url: Bytes::EMPTY,
            headers: ptr::null(),
            header_count: headers.len(),
            body: Bytes::EMPTY,
        };
        fenced.method = fenced.fence(method.as_bytes());
        fenced.url = fenced.fence(url.as_bytes());
        let rows: Vec<abi::Header> = headers
            .iter()
            .map(|(name, value)| abi::Header { name: fenced.fence(name), value: fenced.fence(value) })
            .collect();
        // SAFETY: headers are pointers and lengths, without padding between them.
        let bytes = unsafe { std::slice::from_raw_parts(rows.as_ptr().cast::<u8>(), size_of_val(&rows[..])) };
        fenced.headers = fenced.fence(bytes).ptr.cast();
        fenced.body = fenced.fence(body);
        fenced
    }

    /// A copy that ends at a page nobody may touch. Of nothing, a pointer to that very page.
    fn fence(&mut self, bytes: &[u8]) -> Bytes {
        let page = rustix::param::page_size();
        let room = bytes.len().div_ceil(page) * page;
        let whole = room + page;
        // SAFETY: a new mapping, at a place of the system's choice, is nobody else's.
        let map = unsafe {
            mmap_anonymous(ptr::null_mut(), whole, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE)
        };
        // Out of mappings: a plain pointer does, only that nothing is found by it.
        let Ok(map) = map else { return view(Box::leak(bytes.to_vec().into_boxed_slice())) };
        self.maps.push((map, whole));
        let start = map.cast::<u8>();
        // SAFETY: the last page is within the mapping.
        let guard = unsafe { start.add(room) };
        // SAFETY: the bytes end where the last page begins, and there is room for them before it.
        let at = unsafe { guard.sub(bytes.len()) };
        // SAFETY: as above; the mapping is new, and so does not overlap.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), at, bytes.len()) };
        // SAFETY: the page is ours, and nothing of ours is in it.
        let _ = unsafe { mprotect(guard.cast(), page, MprotectFlags::empty()) };
        Bytes { ptr: at, len: bytes.len() }
    }

    fn request_at(&self, now: Timestamp) -> abi::Request {
        abi::Request {
            struct_size: size_of::<abi::Request>(),
            method: self.method,
            url: self.url,
            headers: self.headers,
            header_count: self.header_count,
            body: self.body,
            now_ms: now.unix_ms(),
            materials: ptr::null(),
            material_count: 0,
        }
    }

    /// Write over everything.
    fn poison(&mut self) {
        for (map, whole) in &self.maps {
            // SAFETY: all of it but the last page is ours to write, and no call is using it.
            unsafe { ptr::write_bytes(map.cast::<u8>(), 0xDB, whole - rustix::param::page_size()) };
        }
    }

    /// Leave it mapped for good.
    fn forget(mut self) {
        self.maps.clear();
    }
}

impl Drop for Fenced {
    fn drop(&mut self) {
        for (map, whole) in &self.maps {
            // SAFETY: the mapping is ours, and no call is using it.
            let _ = unsafe { munmap(*map, *whole) };
        }
    }
}

/// A small generator: the same damage every time, so that what is found can be found again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // xorshift64*: no quality is needed, only variety.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % sides.max(1)
    }

    fn bytes(&mut self, bytes: &mut Vec<u8>) {
        let at = self.roll(bytes.len() + 1);
        match (self.roll(4), bytes.get_mut(at)) {
            (0, Some(byte)) => *byte ^= 1 << self.roll(8),
            (1, Some(byte)) => *byte = 0,
            (2, Some(_)) => drop(bytes.remove(at)),
            _ => bytes.insert(at, self.roll(256) as u8),
        }
    }
}
