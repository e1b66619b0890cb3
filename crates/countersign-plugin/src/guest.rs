//! The module's side: a mode that knows nothing of any ABI, and the one line that makes a shared library of it.
//!
//! ```ignore
//! // plugins/modules/acme/src/lib.rs: a cdylib of one line, which nothing depends on.
//! countersign_plugin::export! { modes: [acme::mode], presets: ["../acme.toml" with "../acme.vectors.toml"] }
//! ```
//!
//! A handle is one credential: a keyring of one key, and the scheme bound to it. Every call is guarded: a panic becomes a
//! number, and its text, which may hold key bytes, is never printed. Inputs are looked at before they are believed.

mod calls;

use crate::abi;
use crate::border;
use countersign::config::{Layer, Sources};
use countersign::{BodyNeed, KeyKind, Mode, ModeInfo, Needs, Status};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

/// Make a shared library of modes, of presets, or of both: the only export, and all that stands behind it.
///
/// `modes` are functions that make one, as crates of modes have them; `presets` are files, seen from the file that this
/// stands in, each perhaps `with` its vectors. Emit it in a crate that nothing depends on: of two in one program, one
/// hides the other.
#[macro_export]
macro_rules! export {
    (
        modes: [$($mode:path),* $(,)?]
        $(, presets: [$($preset:literal $(with $vectors:literal)?),* $(,)?])? $(,)?
    ) => {
        /// The only export: what this module brings.
        #[allow(unsafe_code, reason = "an export has a name that must be the only one of its kind in the program")]
        #[unsafe(no_mangle)]
        pub extern "C" fn countersign_plugin_v1() -> *const $crate::abi::Plugin {
            static MODULE: $crate::guest::Module = $crate::guest::Module::new();
            MODULE.describe(|| $crate::guest::Description {
                name: env!("CARGO_PKG_NAME"),
                version: env!("CARGO_PKG_VERSION"),
                unwinds: cfg!(panic = "unwind"),
                modes: vec![$({
                    struct Exported;
                    impl $crate::guest::Exported for Exported {
                        fn mode() -> std::sync::Arc<dyn $crate::guest::ExportedMode> {
                            $mode()
                        }
                    }
                    $crate::guest::row::<Exported>
                }),*],
                presets: vec![$($((
                    include_str!($preset),
                    concat!($(include_str!($vectors))?),
                )),*)?],
            })
        }
    };
}

pub use countersign::Mode as ExportedMode;

/// Which mode a set of functions is of: the border has no closures, and so every mode has functions of its own.
#[doc(hidden)]
pub trait Exported: 'static {
    /// Makes it.
    fn mode() -> Arc<dyn Mode>;
}

/// What `export!` says.
#[doc(hidden)]
pub struct Description {
    pub name: &'static str,
    pub version: &'static str,
    pub unwinds: bool,
    pub modes: Vec<fn() -> &'static abi::Mode>,
    pub presets: Vec<(&'static str, &'static str)>,
}

/// A module's descriptor, made when it is first asked for and then never freed.
#[doc(hidden)]
pub struct Module(OnceLock<Described>);

struct Described(*const abi::Plugin);

// SAFETY: the descriptor is leaked when it is made, and never written again.
unsafe impl Send for Described {}
// SAFETY: as above.
unsafe impl Sync for Described {}

impl Module {
    pub const fn new() -> Self {
        Module(OnceLock::new())
    }

    /// The descriptor; null if it cannot be made.
    pub fn describe(&self, description: impl FnOnce() -> Description) -> *const abi::Plugin {
        let described = self.0.get_or_init(|| {
            // This module's own std prints the text of a panic, which may hold key bytes. A host that shares its std with
            // its modules (`-C prefer-dynamic`) is silenced too, and is not supported.
            std::panic::set_hook(Box::new(|_| {}));
            Described(guarded(std::ptr::null(), || leak(descriptor(description()))))
        });
        described.0
    }
}

impl Default for Module {
    fn default() -> Self {
        Self::new()
    }
}

fn descriptor(description: Description) -> abi::Plugin {
    let Description { name, version, unwinds, modes, presets } = description;
    let modes: Vec<*const abi::Mode> = modes.into_iter().map(|row| row() as *const _).collect();
    let preset = |(text, vectors): (&'static str, &'static str)| abi::PresetText {
        name: abi::Bytes::of(leak(preset_name(text)).as_bytes()),
        text: abi::Bytes::of(text.as_bytes()),
        vectors: abi::Bytes::of(vectors.as_bytes()),
    };
    let presets: Vec<abi::PresetText> = presets.into_iter().map(preset).collect();
    let (modes, presets) = (modes.leak(), presets.leak());
    abi::Plugin {
        magic: abi::MAGIC,
        abi_major: abi::MAJOR,
        abi_minor: abi::MINOR,
        abi_minor_needed: 0,
        flags: if unwinds { abi::GUARDED } else { 0 },
        struct_size: size_of::<abi::Plugin>(),
        name: abi::Bytes::of(name.as_bytes()),
        version: abi::Bytes::of(version.as_bytes()),
        modes: modes.as_ptr(),
        mode_count: modes.len(),
        presets: presets.as_ptr(),
        preset_count: presets.len(),
    }
}

/// The name that a preset gives itself. A text that has none is refused by the host, which shows where.
fn preset_name(text: &'static str) -> String {
    let mut sources = Sources::new();
    let file = sources.add("preset", text);
    let layer = Layer::parse(&sources, file).ok();
    layer
        .as_ref()
        .and_then(|layer| layer.get(&["name"])?.text())
        .map_or_else(String::new, ToString::to_string)
}

/// A mode's row in the descriptor.
#[doc(hidden)]
pub fn row<M: Exported>() -> &'static abi::Mode {
    let info: &'static ModeInfo = leak(M::mode().info().clone());
    let detail = |(code, reason, says): &'static countersign::DetailInfo| abi::DetailRow {
        code: abi::Bytes::of(code.as_bytes()),
        summary: abi::Bytes::of(says.as_bytes()),
        outcome: border::outcome_of(*reason),
        reserved: 0,
    };
    let details: &[abi::DetailRow] = info.details.iter().map(detail).collect::<Vec<_>>().leak();
    // The trait does not say what the widest table of a mode needs, and so any may need anything.
    let kinds = [KeyKind::Shared, KeyKind::Public, KeyKind::Private, KeyKind::TrustAnchor];
    let mut most = Needs::new(BodyNeed::Whole, kinds.to_vec()).remote(true).signs(true);
    most.content = false;
    leak(abi::Mode {
        struct_size: size_of::<abi::Mode>(),
        name: abi::Bytes::of(info.name.as_bytes()),
        summary: abi::Bytes::of(info.summary.as_bytes()),
        config_schema: abi::Bytes::EMPTY,
        example: abi::Bytes::of(info.example.as_bytes()),
        details: details.as_ptr(),
        detail_count: details.len(),
        flags: if info.status == Status::Preview { abi::PREVIEW } else { 0 },
        reserved: 0,
        needs: border::needs_in_bits(&most),
        compile: Some(calls::compile::<M>),
        verify: Some(calls::verify),
        sign: Some(calls::sign),
        destroy: Some(calls::destroy),
    })
}

/// Do it; a panic is `otherwise`.
fn guarded<T>(otherwise: T, f: impl FnOnce() -> T) -> T {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(value) => value,
        Err(payload) => {
            // Its destructor is the module's code, and may panic again.
            std::mem::forget::<Box<dyn Any + Send>>(payload);
            otherwise
        }
    }
}

fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}
