//! What crosses the border, as C has it: `include/countersign.h`, word for word.
//!
//! The header is what people read and compile; this is what we compile. A test asks a C compiler for every size, offset
//! and number of the header, and holds them against these. Only fixed-width integers, `usize`, pointers and views of a
//! pointer and a length are here: no Rust type, no C string, no `bool`, no enumeration, no structure by value.

use std::ffi::c_void;

/// `"CSGNSPL1"`, read little-endian.
pub const MAGIC: u64 = 0x314C_5053_4E47_5343;
/// The major that this crate speaks: a module of another is refused.
pub const MAJOR: u32 = 1;
/// The minor that this crate speaks: a module that needs a later one is refused.
pub const MINOR: u32 = 1;
/// The name of the one export, with the major in it.
pub const ENTRY: &str = "countersign_plugin_v1";
/// How many bytes a fingerprint has.
pub const FINGERPRINT_SIZE: usize = 32;
/// A time that is not there.
pub const NONE_MS: i64 = i64::MIN;

macro_rules! numbers {
    ($($(#[$doc:meta])* $ty:ty { $($name:ident = $value:literal,)+ })+) => {
        $($(#[doc = concat!("`CS_", stringify!($name), "` of the header.")] pub const $name: $ty = $value;)+)+

        /// Every number of the header and its name there, without `CS_`.
        pub const NUMBERS: &[(&str, i64)] = &[$($((stringify!($name), $value as i64),)+)+];
    };
}

numbers! {
    i32 { OK = 0, BAD_CONFIG = 1, BAD_KEY = 2, UNSUPPORTED = 3, INTERNAL = 4, PANIC = 5, NO_SPACE = 6, }
    u32 {
        VERIFIED = 0x56C5, NEED_MATERIAL = 0x2001,
        PAYLOAD_TOO_LARGE = 0x1001, MISSING_HEADER = 0x1002, MALFORMED_CONTENT = 0x1003,
        MISSING_SIGNATURE = 0x1004, MALFORMED_SIGNATURE = 0x1005, KEY_UNAVAILABLE = 0x1007,
        UNKNOWN_KEY = 0x1008, UNTRUSTED_KEY = 0x1009, BAD_SIGNATURE = 0x100A, CLAIM_MISMATCH = 0x100B,
        MISSING_TIMESTAMP = 0x100D, MALFORMED_TIMESTAMP = 0x100E, STALE_TIMESTAMP = 0x100F,
        FUTURE_TIMESTAMP = 0x1010, DISALLOWED = 0x1012, MODE_FAULT = 0x1013,
        PRINT_CONTENT = 1, PRINT_TAG = 2,
        WANT_URL = 1, WANT_NAMED = 2,
        IN_HEADER = 1, IN_QUERY = 2, IN_FORM = 3, IN_JSON = 4,
        BODY_NOTHING = 0, BODY_WHOLE = 2,
        MAY_WANT = 1, CAN_SIGN = 2, SAME_CONTENT = 4,
        KEY_SHARED = 1, KEY_PUBLIC = 2, KEY_PRIVATE = 4, KEY_TRUST_ANCHOR = 8,
        BINDS_BODY = 1, BINDS_TIME = 2, BINDS_ID = 4, BINDS_URL = 8, BINDS_METHOD = 16, BINDS_QUERY = 32,
        FOR_CHECK = 0, FOR_VERIFY = 1, FOR_SIGN = 2,
        SERIAL = 1, PREVIEW = 2,
        GUARDED = 1, NO_UNWIND = 2,
    }
}

macro_rules! structures {
    ($($(#[$doc:meta])* $size:literal $name:ident = $in_c:literal { $($(#[$field_doc:meta])* $field:ident: $ty:ty,)+ })+) => {
        $($(#[$doc])*
        #[repr(C)]
        #[derive(Clone, Copy)]
        pub struct $name { $($(#[$field_doc])* pub $field: $ty,)+ }

        const _: () = assert!(size_of::<$name>() == $size);)+

        /// Every structure: its name in the header, its size, and its fields with their offsets.
        pub const STRUCTURES: &[(&str, usize, &[(&str, usize)])] = &[$((
            $in_c,
            size_of::<$name>(),
            &[$((stringify!($field), std::mem::offset_of!($name, $field)),)+],
        ),)+];
    };
}

structures! {
    /// Borrowed bytes. `ptr` may be null when `len` is 0.
    16 Bytes = "cs_bytes" {
        /// Where.
        ptr: *const u8,
        /// How many.
        len: usize,
    }

    /// Memory of the host's: at most `cap` bytes are written, and `len` says how many.
    24 Buf = "cs_buf" {
        /// Where.
        ptr: *mut u8,
        /// How many may be written. Never changed.
        cap: usize,
        /// How many were.
        len: usize,
    }

    /// A header of a request.
    32 Header = "cs_header" {
        /// In lower case.
        name: Bytes,
        /// As received.
        value: Bytes,
    }

    /// A variable of a preset.
    32 Var = "cs_var" {
        /// As in `{var:NAME}`.
        name: Bytes,
        /// Null: declared, and not given.
        value: Bytes,
    }

    /// A part of a credential.
    56 SecretPart = "cs_secret_part" {
        /// The key's name.
        key_id: Bytes,
        /// Its part, or empty.
        role: Bytes,
        /// Its bytes as the operator wrote them.
        value: Bytes,
        /// One of `KEY_*`.
        kind: u32,
        /// Zero.
        reserved: u32,
    }

    /// Something that was fetched.
    48 Material = "cs_material" {
        /// One of `WANT_*`.
        kind: u32,
        /// Zero.
        reserved: u32,
        /// As it was asked for.
        name: Bytes,
        /// As received.
        value: Bytes,
        /// When.
        fetched_ms: i64,
    }

    /// A detail code that a mode can give.
    40 DetailRow = "cs_detail" {
        /// Such as `acme/version`.
        code: Bytes,
        /// What it says.
        summary: Bytes,
        /// The refusal it comes under.
        outcome: u32,
        /// Zero.
        reserved: u32,
    }

    /// A preset that a module brings.
    48 PresetText = "cs_preset" {
        /// As in its text.
        name: Bytes,
        /// TOML.
        text: Bytes,
        /// TOML, or empty.
        vectors: Bytes,
    }

    /// What a scheme must be given, and what it proves at least.
    16 Needs = "cs_needs" {
        /// One of `BODY_*`.
        body: u32,
        /// A set of `KEY_*`.
        keys: u32,
        /// A set of `MAY_WANT`, `CAN_SIGN`, `SAME_CONTENT`.
        abilities: u32,
        /// A set of `BINDS_*`.
        binds: u32,
    }

    /// What a handle is made of.
    64 Setup = "cs_setup" {
        /// The size that the host knows.
        struct_size: usize,
        /// One of `FOR_*`.
        purpose: u32,
        /// Zero.
        reserved: u32,
        /// The mode's own table of the resolved preset.
        config_json: Bytes,
        /// One credential.
        parts: *const SecretPart,
        /// How many parts.
        part_count: usize,
        /// Every variable that the preset declares.
        vars: *const Var,
        /// How many.
        var_count: usize,
    }

    /// What a configuration came to.
    104 Compiled = "cs_compiled" {
        /// The size that the host knows.
        struct_size: usize,
        /// Opaque.
        handle: *mut c_void,
        /// Of this table.
        needs: Needs,
        /// Lines: JSON pointer, tab, what is wrong, perhaps a tab and what to do.
        errors: Buf,
        /// Lines that an operator should know.
        notes: Buf,
        /// Since 1.1. Lines: the only headers that verifying looks at. Empty: any.
        headers: Buf,
    }

    /// A request to be judged.
    96 Request = "cs_request" {
        /// The size that the host knows.
        struct_size: usize,
        /// In upper case.
        method: Bytes,
        /// The public URL, absolute, as configured.
        url: Bytes,
        /// In wire order.
        headers: *const Header,
        /// How many.
        header_count: usize,
        /// As received; empty if none is needed.
        body: Bytes,
        /// The only clock.
        now_ms: i64,
        /// What was fetched.
        materials: *const Material,
        /// How many.
        material_count: usize,
    }

    /// What was found.
    176 Verdict = "cs_verdict" {
        /// The size that the host knows.
        struct_size: usize,
        /// `VERIFIED`, `NEED_MATERIAL` or a refusal.
        outcome: u32,
        /// 0, or a row of the mode's details, from 1.
        detail_code: u32,
        /// What this signature covered.
        binds: u32,
        /// 0 or one of `PRINT_*`.
        fingerprint_kind: u32,
        /// The signed time.
        signed_at_ms: i64,
        /// The latest, where there are several.
        signed_until_ms: i64,
        /// A copy fetched at or before this moment will not do.
        want_newer_than_ms: i64,
        /// One of `WANT_*`.
        want_kind: u32,
        /// Zero.
        reserved: u32,
        /// 32 bytes each.
        fingerprints: Buf,
        /// The URL or name of what is wanted.
        want: Buf,
        /// Only if it was signed.
        message_id: Buf,
        /// Only if the key came as material.
        key_id: Buf,
        /// For operators.
        detail_text: Buf,
    }

    /// Something to sign.
    96 Draft = "cs_draft" {
        /// The size that the host knows.
        struct_size: usize,
        /// In upper case.
        method: Bytes,
        /// Where it goes.
        url: Bytes,
        /// What it carries already.
        headers: *const Header,
        /// How many.
        header_count: usize,
        /// What it says.
        body: Bytes,
        /// The message's id.
        id: Bytes,
        /// When it is sent.
        at_ms: i64,
    }

    /// One encoded piece for the receiver.
    80 Mark = "cs_mark" {
        /// One of `IN_*`.
        place: u32,
        /// 0: the place takes only one.
        joined: u32,
        /// Of the header, parameter, field or pointer.
        name: Buf,
        /// What goes there.
        text: Buf,
        /// What stands between it and the piece before it.
        joined_by: Buf,
    }

    /// What a receiver will ask for.
    64 Signed = "cs_signed" {
        /// The size that the host knows.
        struct_size: usize,
        /// 0, or a refusal.
        outcome: u32,
        /// 0, or a row of the mode's details, from 1.
        detail_code: u32,
        /// The host's.
        marks: *mut Mark,
        /// How many there may be.
        mark_cap: usize,
        /// How many there are.
        mark_count: usize,
        /// For operators.
        detail_text: Buf,
    }

    /// A mode that a module brings.
    144 Mode = "cs_mode" {
        /// The size that the module knows.
        struct_size: usize,
        /// The value of `mode =`.
        name: Bytes,
        /// One line.
        summary: Bytes,
        /// JSON Schema of its table, or empty.
        config_schema: Bytes,
        /// A smallest complete table, in TOML.
        example: Bytes,
        /// Every detail it can give.
        details: *const DetailRow,
        /// How many.
        detail_count: usize,
        /// A set of `SERIAL`, `PREVIEW`.
        flags: u32,
        /// Zero.
        reserved: u32,
        /// The most any table needs, the least any table binds.
        needs: Needs,
        /// Read a table; make a handle.
        compile: Option<unsafe extern "C" fn(*const Setup, *mut Compiled) -> i32>,
        /// Judge a request.
        verify: Option<unsafe extern "C" fn(*mut c_void, *const Request, *mut Verdict) -> i32>,
        /// Sign a draft.
        sign: Option<unsafe extern "C" fn(*mut c_void, *const Draft, *mut Signed) -> i32>,
        /// Wipe and free a handle.
        destroy: Option<unsafe extern "C" fn(*mut c_void)>,
    }

    /// What a module is.
    96 Plugin = "cs_plugin" {
        /// `MAGIC`.
        magic: u64,
        /// `MAJOR`.
        abi_major: u32,
        /// The minor it was built against.
        abi_minor: u32,
        /// The lowest minor of a host that will do.
        abi_minor_needed: u32,
        /// A set of `GUARDED`, `NO_UNWIND`.
        flags: u32,
        /// The size that the module knows.
        struct_size: usize,
        /// Its name.
        name: Bytes,
        /// Its version.
        version: Bytes,
        /// Its modes.
        modes: *const *const Mode,
        /// How many.
        mode_count: usize,
        /// Its presets.
        presets: *const PresetText,
        /// How many.
        preset_count: usize,
    }
}

#[cfg(not(target_pointer_width = "64"))]
compile_error!("modules are for 64-bit targets: the layout of ABI 1.1 is of those alone");

impl Bytes {
    /// None.
    pub const EMPTY: Bytes = Bytes { ptr: std::ptr::null(), len: 0 };

    /// A view of `bytes`, which is as good as they live.
    pub const fn of(bytes: &[u8]) -> Self {
        Bytes { ptr: bytes.as_ptr(), len: bytes.len() }
    }

    /// What it shows. `None`: no slice can be of this length, or there is none at a null pointer.
    ///
    /// # Safety
    /// `ptr` and `len` are of memory that may be read, and that nobody writes, for `'a`; or `ptr` is null.
    pub unsafe fn view<'a>(self) -> Option<&'a [u8]> {
        // SAFETY: the caller's promise, and the checks of `slice`.
        unsafe { slice(self.ptr, self.len) }
    }
}

impl Compiled {
    /// Its size in 1.0: a host of that time has no more.
    pub const SIZE_1_0: usize = std::mem::offset_of!(Compiled, headers);
}

impl Verdict {
    /// As a host passes it, but for its buffers.
    pub const EMPTY: Verdict = Verdict {
        struct_size: size_of::<Verdict>(),
        outcome: 0,
        detail_code: 0,
        binds: 0,
        fingerprint_kind: 0,
        signed_at_ms: NONE_MS,
        signed_until_ms: NONE_MS,
        want_newer_than_ms: NONE_MS,
        want_kind: 0,
        reserved: 0,
        fingerprints: Buf::EMPTY,
        want: Buf::EMPTY,
        message_id: Buf::EMPTY,
        key_id: Buf::EMPTY,
        detail_text: Buf::EMPTY,
    };
}

impl Buf {
    /// None.
    pub const EMPTY: Buf = Buf { ptr: std::ptr::null_mut(), cap: 0, len: 0 };
}

/// A slice of what somebody else says there is. `None`: a null pointer with a length, a pointer that is not aligned, or more
/// than memory can have.
///
/// # Safety
/// `count` values at `ptr` may be read, and nobody writes them, for `'a`; or `ptr` is null.
pub unsafe fn slice<'a, T>(ptr: *const T, count: usize) -> Option<&'a [T]> {
    if count == 0 {
        return Some(&[]);
    }
    if ptr.is_null() || !ptr.is_aligned() || count > isize::MAX as usize / size_of::<T>().max(1) {
        return None;
    }
    // SAFETY: it is not null, aligned, and not longer than a slice can be; the rest is the caller's promise.
    Some(unsafe { std::slice::from_raw_parts(ptr, count) })
}
