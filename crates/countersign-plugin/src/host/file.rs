//! The file of a module: found by one path, read once, and looked at before any of it runs.
//!
//! Every step of the path is opened in the one before it and judged there, so that nothing can be put in its place
//! meanwhile. The bytes that were hashed are those that run: they are copied into memory that can be written no more.

use super::{LoadError, LoadFault, Pin};
use crate::abi;
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use object::read::elf::ElfFile64;
use object::{Architecture, Object, ObjectKind, ObjectSymbol};
use rustix::fs::{CWD, FileType, Mode, OFlags, Stat, fstat, openat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

/// The longest file, in bytes.
const MAX_BYTES: u64 = 64 << 20;

/// Never unloaded, whoever asks: a thread of the module's, or a destructor of one, may still run in it.
#[cfg(any(target_os = "linux", target_os = "android"))]
const RTLD_NODELETE: i32 = 0x1000;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const RTLD_NODELETE: i32 = 0x80;

/// The one export of a module.
pub(super) type Entry = unsafe extern "C" fn() -> *const abi::Plugin;

/// What runs.
pub(super) struct Opened {
    pub(super) entry: Entry,
    pub(super) sealed: bool,
}

/// What a file shows without being run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inspected {
    /// The SHA-256 of its bytes.
    pub pin: Pin,

    /// How many bytes.
    pub size: usize,

    /// Every name it exports.
    pub exports: Vec<String>,

    /// Every name it must be given, such as functions of libc.
    pub imports: Vec<String>,

    /// The libraries it wants to be given them by.
    pub libraries: Vec<String>,
}

/// Look at a file as the loader does, without running any of it: its path, its owner, what it is, and its pin.
///
/// # Errors
/// As [`Loader::load`](super::Loader::load), up to the point where it would be run.
pub fn inspect(path: &Path) -> Result<Inspected, LoadError> {
    let bytes = read(path, &[])?;
    look(path, &bytes)
}

impl Inspected {
    /// The entry, or which version of it there is instead.
    pub(super) fn require_entry(&self, path: &Path) -> Result<(), LoadError> {
        let exports = |name: &str| self.exports.iter().any(|export| export == name);
        if exports(abi::ENTRY) {
            return Ok(());
        }
        let other = (0..10).find(|major| exports(&format!("countersign_plugin_v{major}")));
        Err(match other {
            Some(major) => LoadError::new(
                LoadFault::Abi,
                path,
                format!("it is built for ABI {major}, and this program speaks ABI {}", abi::MAJOR),
            )
            .help("take the module that was built for this version, or build it against its header"),
            None => LoadError::new(
                LoadFault::NotAModule,
                path,
                format!("it is a shared library, and does not export `{}`", abi::ENTRY),
            )
            .help("a module in Rust says `export!`, one in C includes countersign.h and is built without hiding that name"),
        })
    }
}

/// The bytes of a file that nobody but root and we can have written.
pub(super) fn read(path: &Path, writes: &[PathBuf]) -> Result<Vec<u8>, LoadError> {
    let steps = steps(path)?;
    let near = |written: &&PathBuf| {
        let folder = path.parent().unwrap_or(path);
        folder.starts_with(written) || written.starts_with(folder)
    };
    if let Some(written) = writes.iter().find(near) {
        let says = format!(
            "this program writes in {}, and what is written must never become code",
            written.display()
        );
        return Err(
            LoadError::new(LoadFault::Written, path, says).help("put modules into a folder of their own")
        );
    }
    let mut at = PathBuf::from("/");
    let mut folder = openat(CWD, "/", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|error| unreadable(path, &at, error))?;
    judge(path, &at, &stat(path, &at, &folder)?)?;
    let (last, folders) = steps.split_last().ok_or_else(|| not_absolute(path))?;
    for step in folders {
        at.push(step);
        folder = step_into(path, &at, &folder, step)?;
    }
    at.push(last);
    // A link is refused, and a pipe is not waited for.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat(&folder, *last, flags, Mode::empty()).map_err(|error| unreadable(path, &at, error))?;
    let about = stat(path, &at, &file)?;
    if FileType::from_raw_mode(about.st_mode) != FileType::RegularFile {
        let says = format!("{} is no regular file", at.display());
        return Err(
            LoadError::new(LoadFault::NotAFile, path, says).help("give the path of the library itself")
        );
    }
    judge(path, &at, &about)?;
    let mut bytes = Vec::new();
    let read = File::from(file).take(MAX_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| LoadError::new(LoadFault::Missing, path, format!("it cannot be read: {error}")))?;
    match bytes.len() as u64 {
        0 => Err(LoadError::new(LoadFault::Size, path, "the file is empty").help("build or copy it again")),
        length if length > MAX_BYTES => {
            let says = "it is longer than 64 MiB, which is more than a module has";
            Err(LoadError::new(LoadFault::Size, path, says)
                .help("strip it: `strip FILE`, or `strip = true` in its profile"))
        }
        _ => Ok(bytes),
    }
}

/// The parts of an absolute path that goes straight down.
fn steps(path: &Path) -> Result<Vec<&OsStr>, LoadError> {
    let mut steps = Vec::new();
    let mut components = path.components();
    if components.next() != Some(Component::RootDir) {
        return Err(not_absolute(path));
    }
    for component in components {
        match component {
            Component::Normal(step) => steps.push(step),
            _ => {
                let says = "the path leads through `..`, and goes somewhere else than it seems";
                return Err(LoadError::new(LoadFault::Path, path, says).help("write it without `..`"));
            }
        }
    }
    Ok(steps)
}

fn not_absolute(path: &Path) -> LoadError {
    let says = "the path is not absolute, and modules are not searched for";
    let help = format!(
        "write the whole path: /usr/lib/countersign/{}",
        path.file_name().map_or("libacme.so".into(), OsStr::to_string_lossy)
    );
    LoadError::new(LoadFault::Path, path, says).help(help)
}

/// One folder further down.
fn step_into(path: &Path, at: &Path, folder: &OwnedFd, step: &OsStr) -> Result<OwnedFd, LoadError> {
    // Only to be looked through: one may have the right to pass a folder and not to read it.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let next = openat(folder, step, flags, Mode::empty()).map_err(|error| unreadable(path, at, error))?;
    let about = stat(path, at, &next)?;
    match FileType::from_raw_mode(about.st_mode) {
        FileType::Directory => {}
        FileType::Symlink => return Err(symlink(path, at)),
        _ => {
            let says = format!("{} is no folder", at.display());
            return Err(LoadError::new(LoadFault::NotAFile, path, says).help("correct the path"));
        }
    }
    judge(path, at, &about)?;
    Ok(next)
}

fn symlink(path: &Path, at: &Path) -> LoadError {
    let says = format!("{} is a symbolic link, and where it leads can be changed later", at.display());
    let real = path.canonicalize().map_or("the path it leads to".into(), |real| real.display().to_string());
    LoadError::new(LoadFault::Symlink, path, says).help(format!("write where it leads: {real}"))
}

fn stat(path: &Path, at: &Path, fd: impl AsFd) -> Result<Stat, LoadError> {
    fstat(fd).map_err(|error| unreadable(path, at, error))
}

/// Whether nobody else can have put this here.
fn judge(path: &Path, at: &Path, about: &Stat) -> Result<(), LoadError> {
    let own = rustix::process::geteuid().as_raw();
    if about.st_uid != 0 && about.st_uid != own {
        let says = format!(
            "{} belongs to the user {}, who is neither root nor the one this program runs as ({own})",
            at.display(),
            about.st_uid
        );
        return Err(LoadError::new(LoadFault::Owner, path, says).help(format!("chown root {}", at.display())));
    }
    if about.st_mode & 0o022 != 0 {
        let says = format!(
            "{} may be written by others than its owner (mode {:04o})",
            at.display(),
            about.st_mode & 0o7777
        );
        return Err(LoadError::new(LoadFault::Writable, path, says)
            .help(format!("chmod go-w {}, or put the module where only its owner writes", at.display())));
    }
    Ok(())
}

fn unreadable(path: &Path, at: &Path, error: Errno) -> LoadError {
    match error {
        Errno::LOOP | Errno::MLINK => symlink(path, at),
        Errno::NOENT => {
            let says = format!("there is no {}", at.display());
            LoadError::new(LoadFault::Missing, path, says).help("correct the path, or install the module")
        }
        Errno::NOTDIR => {
            let says = format!("{} is no folder", at.parent().unwrap_or(at).display());
            LoadError::new(LoadFault::NotAFile, path, says).help("correct the path")
        }
        error => {
            let says = format!("{} cannot be read: {}", at.display(), std::io::Error::from(error));
            LoadError::new(LoadFault::Missing, path, says)
        }
    }
}

/// Whether the bytes are those that were pinned.
pub(super) fn check_pin(path: &Path, bytes: &[u8], pin: &Pin) -> Result<(), LoadError> {
    let found = Pin::of(bytes);
    if found == *pin {
        return Ok(());
    }
    let says = format!("its SHA-256 is {found}, and {pin} is pinned");
    Err(LoadError::new(LoadFault::Pin, path, says)
        .help("find out who changed it; if it was you, pin what it is now: `countersign module check FILE` prints it"))
}

/// What the bytes are, as far as that can be seen without running them.
pub(super) fn look(path: &Path, bytes: &[u8]) -> Result<Inspected, LoadError> {
    let refused = |fault, says: String| LoadError::new(fault, path, says);
    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
    {
        // Only ELF is read here; elsewhere the system's linker is the first to look.
        let _ = refused;
        return Ok(Inspected {
            pin: Pin::of(bytes),
            size: bytes.len(),
            exports: vec![abi::ENTRY.into()],
            imports: Vec::new(),
            libraries: Vec::new(),
        });
    }
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    {
        if !bytes.starts_with(b"\x7fELF") {
            let first: Vec<String> = bytes.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
            let says = format!("it is no ELF file: it begins with the bytes {}", first.join(" "));
            return Err(refused(LoadFault::NotALibrary, says).help("give a shared library, `lib….so`"));
        }
        if bytes.get(4) != Some(&2) {
            let says = "it is for another machine: its addresses have 32 bits".to_owned();
            return Err(refused(LoadFault::Architecture, says)
                .help(format!("build it for {}", std::env::consts::ARCH)));
        }
        let file = ElfFile64::<object::Endianness>::parse(bytes)
            .map_err(|error| refused(LoadFault::NotALibrary, format!("it is no whole ELF file: {error}")))?;
        let own = cfg!(target_endian = "little");
        if file.is_little_endian() != own || architecture().is_some_and(|own| own != file.architecture()) {
            let says = format!(
                "it is for another machine: {:?}, and this is {}",
                file.architecture(),
                std::env::consts::ARCH
            );
            return Err(refused(LoadFault::Architecture, says)
                .help(format!("build it for {}", std::env::consts::ARCH)));
        }
        if file.kind() != ObjectKind::Dynamic {
            let says = format!("it is no shared library, but of the kind {:?}", file.kind());
            return Err(refused(LoadFault::NotALibrary, says)
                .help("link it as one: `cc -shared -fPIC`, or `crate-type = [\"cdylib\"]`"));
        }
        let names = |undefined: bool| {
            let all = file.dynamic_symbols().filter(|symbol| symbol.is_undefined() == undefined);
            let named = all.filter_map(|symbol| symbol.name().ok().map(str::to_owned));
            named.filter(|name| !name.is_empty()).collect::<Vec<_>>()
        };
        let library = |library: object::Result<object::read::ImportLibrary<'_>>| {
            library.ok().map(|library| String::from_utf8_lossy(library.name()).into_owned())
        };
        let libraries = file.import_libraries().into_iter().flatten().filter_map(library).collect();
        Ok(Inspected {
            pin: Pin::of(bytes),
            size: bytes.len(),
            exports: names(false),
            imports: names(true),
            libraries,
        })
    }
}

/// This machine's, if it is one of those that are told apart.
fn architecture() -> Option<Architecture> {
    match std::env::consts::ARCH {
        "x86_64" => Some(Architecture::X86_64),
        "aarch64" => Some(Architecture::Aarch64),
        "riscv64" => Some(Architecture::Riscv64),
        "loongarch64" => Some(Architecture::LoongArch64),
        "s390x" => Some(Architecture::S390x),
        "powerpc64" => Some(Architecture::PowerPc64),
        _ => None,
    }
}

/// Have the system's linker take it in. From here on code of the module runs.
pub(super) fn open(path: &Path, bytes: &[u8], pin: &Pin) -> Result<Opened, LoadError> {
    let (library, sealed) = library(path, bytes, pin)?;
    // SAFETY: the type is that of the export of this name in the header, which the module says it was built against.
    let entry = unsafe { library.get::<Entry>(abi::ENTRY.as_bytes()) };
    let entry = *entry.map_err(|error| linker(path, &error))?;
    // Never closed: what came out of it is used until the process ends.
    std::mem::forget(library);
    Ok(Opened { entry, sealed })
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn library(path: &Path, bytes: &[u8], pin: &Pin) -> Result<(Library, bool), LoadError> {
    use std::os::fd::AsRawFd;
    let sealed = match sealed_copy(bytes) {
        Ok(copy) => {
            let opened = dlopen(path, format!("/proc/self/fd/{}", copy.as_raw_fd()).as_ref());
            // The name stays good for whoever looks at the process.
            std::mem::forget(copy);
            opened
        }
        Err(error) => {
            Err(LoadError::new(LoadFault::Linker, path, format!("a private copy cannot be made: {error}")))
        }
    };
    match sealed {
        Ok(library) => Ok((library, true)),
        // A policy may forbid to run what is only in memory. What the linker finds wrong with the library itself it finds
        // wrong with the file as well, and says so again.
        Err(_) => {
            check_pin(path, &read(path, &[])?, pin)?;
            dlopen(path, path).map(|library| (library, false))
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn library(path: &Path, bytes: &[u8], _: &Pin) -> Result<(Library, bool), LoadError> {
    use std::io::Write;
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    let failed = |error: std::io::Error| {
        LoadError::new(LoadFault::Linker, path, format!("a private copy cannot be made: {error}"))
    };
    let folder = std::env::temp_dir().join(format!("countersign-{}-{}", std::process::id(), Pin::of(bytes)));
    std::fs::DirBuilder::new().mode(0o700).create(&folder).map_err(failed)?;
    let copy = folder.join("module");
    let mut file = File::options().write(true).create_new(true).mode(0o500).open(&copy).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    drop(file);
    let opened = dlopen(path, &copy);
    let _ = std::fs::remove_dir_all(&folder);
    opened.map(|library| (library, true))
}

/// The bytes in memory that nobody can write any more, we included.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn sealed_copy(bytes: &[u8]) -> Result<OwnedFd, Errno> {
    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Kernels before 6.3 do not know the flag, and need none.
    let copy = memfd_create("countersign-module", flags | MemfdFlags::EXEC)
        .or_else(|_| memfd_create("countersign-module", flags))?;
    let mut rest = bytes;
    while !rest.is_empty() {
        match rustix::io::write(&copy, rest)? {
            0 => return Err(Errno::NOSPC),
            written => rest = &rest[written..],
        }
    }
    fcntl_add_seals(&copy, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
    Ok(copy)
}

fn dlopen(path: &Path, from: &Path) -> Result<Library, LoadError> {
    // SAFETY: constructors of the library run here. That it is the code which the operator chose was settled before, by its
    // path, its owner and its pin; what such code does is the operator's decision, and no check of ours.
    unsafe { Library::open(Some(from), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) }
        .map_err(|error| linker(path, &error))
}

fn linker(path: &Path, error: &libloading::Error) -> LoadError {
    let says = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    // The linker names the copy that it was given.
    let says = says
        .split_once("/proc/self/fd/")
        .map_or(says.as_str(), |(_, rest)| rest.split_once(": ").map_or(rest, |(_, rest)| rest));
    let help = match says.contains("undefined symbol") {
        true => "link it with the library that has this symbol, or build it against the libc of this machine",
        false => "`ldd FILE` shows what it wants to be given",
    };
    LoadError::new(LoadFault::Linker, path, format!("the system's linker refuses it: {says}")).help(help)
}
