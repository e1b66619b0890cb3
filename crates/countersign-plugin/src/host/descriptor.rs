//! What a module says about itself, read once and copied: numbers are matched, texts are looked at, and what does not fit
//! the contract refuses the module before any of its functions is called.

use super::file::Entry;
use super::redact::steers;
use super::{LoadError, LoadFault, ModulePreset};
use crate::abi::{self, slice};
use crate::border;
use countersign::config::{ConfigErrors, Layer, Sources};
use countersign::{Binds, DetailInfo, ModeInfo, Status};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;

const MAX_MODES: usize = 64;
const MAX_PRESETS: usize = 1024;
const MAX_DETAILS: usize = 1024;
const MAX_TEXT: usize = 64 << 10;
const MAX_VECTORS: usize = 16 << 20;

/// A module's own description, ours now.
pub(super) struct Described {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) minor: u32,
    pub(super) guarded: bool,
    pub(super) modes: Vec<DescribedMode>,
    pub(super) presets: Vec<ModulePreset>,
}

/// A mode's own description.
pub(super) struct DescribedMode {
    pub(super) info: ModeInfo,
    pub(super) needs: abi::Needs,
    pub(super) serial: bool,
    pub(super) functions: Functions,
}

/// The four functions.
#[derive(Clone, Copy)]
pub(super) struct Functions {
    pub(super) compile: unsafe extern "C" fn(*const abi::Setup, *mut abi::Compiled) -> i32,
    pub(super) verify:
        unsafe extern "C" fn(*mut std::ffi::c_void, *const abi::Request, *mut abi::Verdict) -> i32,
    pub(super) sign:
        Option<unsafe extern "C" fn(*mut std::ffi::c_void, *const abi::Draft, *mut abi::Signed) -> i32>,
    pub(super) destroy: unsafe extern "C" fn(*mut std::ffi::c_void),
}

/// Ask the entry, and read all of it.
pub(super) fn read(path: &Path, entry: Entry, allow_unguarded: bool) -> Result<Described, LoadError> {
    let reading = Reading { path };
    // SAFETY: the function has the type of its name in the header.
    let plugin = unsafe { entry() };
    if plugin.is_null() || !plugin.is_aligned() {
        return Err(reading
            .wrong("its entry gives no descriptor")
            .help("look for an error of its own when it starts"));
    }
    // The numbers that say how to read the rest come first, and are where they are in every major.
    // SAFETY: every descriptor begins with its magic.
    let magic = unsafe { (*plugin).magic };
    if magic != abi::MAGIC {
        let says = format!("its descriptor begins with {magic:#018x}, and {:#018x} is expected", abi::MAGIC);
        return Err(reading
            .wrong(says)
            .help("it is no countersign module, or was built for another byte order"));
    }
    // SAFETY: with this magic the versions and the size stand behind it.
    let major = unsafe { (*plugin).abi_major };
    // SAFETY: as above.
    let minor = unsafe { (*plugin).abi_minor };
    // SAFETY: as above.
    let needed = unsafe { (*plugin).abi_minor_needed };
    // SAFETY: as above.
    let size = unsafe { (*plugin).struct_size };
    if major != abi::MAJOR || needed > abi::MINOR {
        let says = format!(
            "it is built for ABI {major}.{minor} and needs {major}.{needed} at least, and this program speaks ABI {}.{}",
            abi::MAJOR,
            abi::MINOR
        );
        return Err(LoadError::new(LoadFault::Abi, path, says)
            .help("take the module that was built for this version, or a newer countersign"));
    }
    reading.size("its descriptor", size, size_of::<abi::Plugin>())?;
    // SAFETY: it is not null, aligned, and as long as ours at least; what it is stays as it is, by the contract.
    let plugin = unsafe { &*plugin };
    let guarded = plugin.flags & (abi::GUARDED | abi::NO_UNWIND) != 0;
    if !guarded && !allow_unguarded {
        let says =
            "a panic in it ends this process: it says neither that it catches them nor that it has none";
        return Err(LoadError::new(LoadFault::Unguarded, path, says)
            .help("build it with `panic = \"unwind\"`, or allow it: `allow_unguarded = true`"));
    }
    let modes = reading.modes(plugin)?;
    let presets = reading.presets(plugin)?;
    if modes.is_empty() && presets.is_empty() {
        return Err(reading.wrong("it brings neither a mode nor a preset").help("export at least one"));
    }
    let name = reading.line("its name", plugin.name, 1..=128)?;
    let version = reading.line("its version", plugin.version, 0..=128)?;
    Ok(Described { name, version, minor, guarded, modes, presets })
}

/// A row as it would come out of a library, for tests of both sides in one process.
#[cfg(test)]
pub(super) fn of_row(row: &abi::Mode) -> Result<DescribedMode, LoadError> {
    Reading { path: Path::new("/nowhere/libtest.so") }.mode(row)
}

struct Reading<'p> {
    path: &'p Path,
}

impl Reading<'_> {
    fn wrong(&self, says: impl Into<String>) -> LoadError {
        LoadError::new(LoadFault::Descriptor, self.path, says)
    }

    fn size(&self, what: &str, found: usize, least: usize) -> Result<(), LoadError> {
        if found >= least {
            return Ok(());
        }
        let says = format!("{what} says that it has {found} bytes, and in ABI 1.0 it has {least}");
        Err(self.wrong(says).help("set `struct_size` to the `sizeof` of the structure"))
    }

    fn text(
        &self,
        what: &str,
        bytes: abi::Bytes,
        length: std::ops::RangeInclusive<usize>,
    ) -> Result<String, LoadError> {
        if bytes.len > *length.end() || bytes.len < *length.start() {
            let says = format!(
                "{what} has {} bytes, and may have {} to {}",
                bytes.len,
                length.start(),
                length.end()
            );
            return Err(self.wrong(says).help(match bytes.len {
                0 => "write it into the descriptor",
                _ => "shorten it, or look whether its length is that of its text",
            }));
        }
        // SAFETY: texts of a descriptor are static, by the contract, and their length was looked at.
        let view = unsafe { bytes.view() };
        let text = view.and_then(|bytes| std::str::from_utf8(bytes).ok()).map(str::to_owned);
        text.ok_or_else(|| self.wrong(format!("{what} is no UTF-8 text")).help("write it in UTF-8"))
    }

    /// A text that is shown as it is, and given to threads as their name.
    fn line(
        &self,
        what: &str,
        bytes: abi::Bytes,
        length: std::ops::RangeInclusive<usize>,
    ) -> Result<String, LoadError> {
        let text = self.text(what, bytes, length)?;
        if text.contains(steers) {
            let says = format!("{what} is no plain text in one line: `{}`", text.escape_debug());
            return Err(self
                .wrong(says)
                .help("write it without line ends and other characters that are not seen"));
        }
        Ok(text)
    }

    fn table<'a, T>(
        &self,
        what: &str,
        ptr: *const T,
        count: usize,
        most: usize,
    ) -> Result<&'a [T], LoadError> {
        if count > most {
            let says = format!("it brings {count} {what}, and at most {most} are taken");
            return Err(self
                .wrong(says)
                .help("make two modules of it, or look whether the count is that of the table"));
        }
        // SAFETY: tables of a descriptor are static, by the contract, and this one has at most `most` rows.
        let table = unsafe { slice(ptr, count) };
        table.ok_or_else(|| {
            let says = format!("its table of {what} is a null pointer or not aligned");
            self.wrong(says).help("where there is no table, its count is 0")
        })
    }

    fn modes(&self, plugin: &abi::Plugin) -> Result<Vec<DescribedMode>, LoadError> {
        let rows = self.table("modes", plugin.modes, plugin.mode_count, MAX_MODES)?;
        let mut modes: Vec<DescribedMode> = Vec::new();
        for row in rows {
            let mode = self.mode(*row)?;
            if modes.iter().any(|there| there.info.name == mode.info.name) {
                let says = format!("it brings two modes called `{}`", mode.info.name);
                return Err(LoadError::new(LoadFault::Duplicate, self.path, says).help("rename one of them"));
            }
            modes.push(mode);
        }
        Ok(modes)
    }

    fn mode(&self, mode: *const abi::Mode) -> Result<DescribedMode, LoadError> {
        if mode.is_null() || !mode.is_aligned() {
            let says = "there is a null pointer, or one that is not aligned, in its table of modes";
            return Err(self.wrong(says).help("look whether its count of modes is that of the table"));
        }
        // SAFETY: every mode begins with its size.
        let size = unsafe { (*mode).struct_size };
        self.size("a mode of it", size, size_of::<abi::Mode>())?;
        // SAFETY: it is not null, aligned, and as long as ours at least; what it is stays as it is, by the contract.
        let mode = unsafe { &*mode };
        let name = self.name("mode", mode.name)?;
        let of = |what: &str| format!("the {what} of the mode `{name}`");
        let summary = self.line(&of("summary"), mode.summary, 1..=1024)?;
        let example = self.text(&of("example"), mode.example, 0..=MAX_TEXT)?;
        let schema = self.text(&of("schema"), mode.config_schema, 0..=MAX_TEXT)?;
        if !schema.is_empty() && serde_json::from_str::<serde::de::IgnoredAny>(&schema).is_err() {
            let says = format!("the schema of the mode `{name}` is no JSON");
            return Err(self.wrong(says).help("leave `config_schema` empty, or write a JSON Schema"));
        }
        let missing = |function: &str| {
            let says = format!("the mode `{name}` has no function `{function}`");
            self.wrong(says).help("`sign` alone may be left out")
        };
        let functions = Functions {
            compile: mode.compile.ok_or_else(|| missing("compile"))?,
            verify: mode.verify.ok_or_else(|| missing("verify"))?,
            sign: mode.sign,
            destroy: mode.destroy.ok_or_else(|| missing("destroy"))?,
        };
        let details = self.details(&name, mode)?;
        let needs = mode.needs;
        if let Err(says) = check_needs(&needs) {
            let says = format!("the needs of the mode `{name}`: {says}");
            return Err(self.wrong(says).help("use the numbers of the header"));
        }
        let status = if mode.flags & abi::PREVIEW != 0 { Status::Preview } else { Status::Stable };
        let mut info = ModeInfo::new("", "", "", &[], status);
        info.name = Cow::Owned(name);
        info.summary = Cow::Owned(summary);
        info.example = Cow::Owned(example);
        info.details = Cow::Owned(details);
        Ok(DescribedMode { info, needs, serial: mode.flags & abi::SERIAL != 0, functions })
    }

    fn details(&self, mode: &str, row: &abi::Mode) -> Result<Vec<DetailInfo>, LoadError> {
        let rows = self.table("details", row.details, row.detail_count, MAX_DETAILS)?;
        let detail = |row: &abi::DetailRow| {
            let code = self.text(&format!("a detail code of the mode `{mode}`"), row.code, 1..=128)?;
            let says = self.line(&format!("the detail `{code}`"), row.summary, 1..=1024)?;
            if !code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-/._".contains(&b)) {
                let says = format!("`{}` is no detail code", code.escape_default());
                return Err(self.wrong(says).help(format!("write it like `{mode}/version`")));
            }
            let reason = border::reason_of(row.outcome).ok_or_else(|| {
                let says = format!(
                    "the detail `{code}` is of the outcome {:#06x}, which is no refusal",
                    row.outcome
                );
                self.wrong(says).help("name one of the refusals of the header")
            })?;
            Ok((Cow::Owned(code), reason, Cow::Owned(says)))
        };
        rows.iter().map(detail).collect()
    }

    fn presets(&self, plugin: &abi::Plugin) -> Result<Vec<ModulePreset>, LoadError> {
        let rows = self.table("presets", plugin.presets, plugin.preset_count, MAX_PRESETS)?;
        let mut names = BTreeSet::new();
        let preset = |row: &abi::PresetText| {
            let name = self.name("preset", row.name)?;
            let text =
                self.text(&format!("the preset `{name}`"), row.text, 1..=countersign::config::MAX_BYTES)?;
            let vectors = self.text(&format!("the vectors of `{name}`"), row.vectors, 0..=MAX_VECTORS)?;
            let mut sources = Sources::new();
            let file = sources.add(format!("{name}.toml"), &*text);
            let unread = |errors: ConfigErrors| {
                let says = format!("its preset `{name}` cannot be read:\n{}", errors.render(&sources));
                LoadError::new(LoadFault::Preset, self.path, says)
                    .help("correct it and build the module again, or take only others: `presets = [\"…\"]`")
            };
            let layer = Layer::parse(&sources, file).map_err(unread)?;
            let own = layer.get(&["name"]).and_then(|node| node.text()).map_or("", |name| &**name);
            if own != name {
                let says = format!("its preset `{name}` calls itself `{}`", own.escape_debug());
                return Err(LoadError::new(LoadFault::Preset, self.path, says).help("give both one name"));
            }
            if !names.insert(name.clone()) {
                let says = format!("it brings two presets called `{name}`");
                return Err(LoadError::new(LoadFault::Duplicate, self.path, says).help("rename one of them"));
            }
            let vectors = Some(vectors).filter(|text| !text.is_empty());
            Ok(ModulePreset { name: name.into(), text: text.into(), vectors: vectors.map(Into::into) })
        };
        rows.iter().map(preset).collect()
    }

    /// A name that the registry takes.
    fn name(&self, what: &str, bytes: abi::Bytes) -> Result<String, LoadError> {
        let name = self.text(&format!("the name of a {what}"), bytes, 0..=4096)?;
        let word = |word: &str| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        if name.len() <= 64 && name.split('-').all(word) {
            return Ok(name);
        }
        let shown: String = name.chars().take(80).flat_map(char::escape_default).collect();
        let says = format!("`{shown}` can be no {what}'s name");
        Err(LoadError::new(LoadFault::Name, self.path, says)
            .help("lower-case letters, digits and hyphens, at most 64: `acme-v2`"))
    }
}

/// Whether every number in it stands for something.
pub(super) fn check_needs(needs: &abi::Needs) -> Result<(), String> {
    let abi::Needs { body, keys, abilities, binds } = *needs;
    if body != abi::BODY_NOTHING && body != abi::BODY_WHOLE {
        return Err(format!("{body} is no way to read a body"));
    }
    if body == abi::BODY_NOTHING && binds & abi::BINDS_BODY != 0 {
        return Err("it binds a body that it does not ask for".into());
    }
    let kinds = border::KINDS.iter().fold(0, |all, (_, bit)| all | bit);
    if keys & !kinds != 0 {
        return Err(format!("{keys:#x} holds a kind of key that there is not"));
    }
    if abilities & !(abi::MAY_WANT | abi::CAN_SIGN | abi::SAME_CONTENT) != 0 {
        return Err(format!("{abilities:#x} holds an ability that there is not"));
    }
    binds_checked(binds).map(|_| ())
}

pub(super) fn binds_checked(bits: u32) -> Result<Binds, String> {
    border::binds_of(bits).ok_or_else(|| format!("{bits:#x} binds something that there is not"))
}
