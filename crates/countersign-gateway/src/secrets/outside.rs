//! The outside that secrets come from: an environment, files, commands. Bounded in size and, for a server, in time.

use countersign::MAX_SECRET;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;
use zeroize::Zeroizing;

/// The most that is read of anything, in bytes: a secret, the newline of an editor, and one byte that says that it was more.
pub const MAX_READ: usize = MAX_SECRET + 3;

/// Where variables are looked up, and how long a command may take.
#[derive(Clone, Copy)]
pub struct Outside<'a> {
    env: &'a dyn Fn(&str) -> Option<OsString>,
    limit: Duration,
    commands: Option<&'a Commands>,
}

/// What commands have printed: whoever reads with it runs each once. In memory alone, and wiped when it is dropped.
#[derive(Default)]
pub struct Commands(Mutex<BTreeMap<Box<str>, Zeroizing<Vec<u8>>>>);

impl Commands {
    fn get(&self, command: &str) -> Option<Zeroizing<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(command).cloned()
    }

    fn put(&self, command: &str, printed: Zeroizing<Vec<u8>>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(command.into(), printed);
    }
}

/// Neither a command nor what it printed.
impl fmt::Debug for Commands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Commands(..)")
    }
}

impl<'a> Outside<'a> {
    /// The environment of this process, and 10 s for a command.
    pub fn system() -> Outside<'static> {
        Outside { env: &|name| std::env::var_os(name), limit: Duration::from_secs(10), commands: None }
    }

    /// Another environment.
    #[must_use]
    pub fn env(self, env: &'a dyn Fn(&str) -> Option<OsString>) -> Self {
        Outside { env, ..self }
    }

    /// Another time for a command.
    #[must_use]
    pub fn limit(self, limit: Duration) -> Self {
        Outside { limit, ..self }
    }

    /// Do not run what `commands` knows the answer of, and tell it what others print.
    #[must_use]
    pub fn commands(self, commands: &'a Commands) -> Self {
        Outside { commands: Some(commands), ..self }
    }

    pub(super) fn var(&self, name: &str) -> Option<OsString> {
        (self.env)(name)
    }

    pub(super) fn command(&self, command: &str) -> Result<Zeroizing<Vec<u8>>, CommandError> {
        if let Some(printed) = self.commands.and_then(|commands| commands.get(command)) {
            return Ok(printed);
        }
        let printed = run_command(command, Some(self.limit))?;
        if let Some(commands) = self.commands {
            commands.put(command, printed.clone());
        }
        Ok(printed)
    }
}

/// All of a file, up to [`MAX_READ`]; and whether every user of the machine can read it.
///
/// # Errors
/// It cannot be opened or read.
pub fn read_file(path: &Path) -> io::Result<(Zeroizing<Vec<u8>>, bool)> {
    let file = File::open(path)?;
    let open = is_open_to_all(&file);
    Ok((bounded(file)?, open))
}

#[cfg(unix)]
fn is_open_to_all(file: &File) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o004 != 0)
}

#[cfg(not(unix))]
fn is_open_to_all(_: &File) -> bool {
    false
}

/// Why a command gave no secret. It is not quoted: `echo hunter2` holds one.
#[derive(Debug)]
#[non_exhaustive]
pub enum CommandError {
    /// It did not start, or could not be read.
    Io(io::Error),

    /// It ended with this.
    Failed(ExitStatus),

    /// It had not ended by then, and was killed, with all that it had started.
    Slow(Duration),
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CommandError::Io(error) => write!(f, "its command cannot be run: {error}"),
            CommandError::Failed(status) => write!(f, "its command failed ({status})"),
            CommandError::Slow(limit) => write!(f, "its command took longer than {} s", limit.as_secs_f32()),
        }
    }
}

impl std::error::Error for CommandError {}

/// What a command of the shell prints, up to [`MAX_READ`]. With a limit it runs in a process group of its own, and what it
/// says on standard error is dropped: that is a server's log, where it may not say a secret. Without, it has the terminal and
/// may ask for a passphrase.
///
/// # Errors
/// It does not run, fails, or takes longer.
pub fn run_command(command: &str, limit: Option<Duration>) -> Result<Zeroizing<Vec<u8>>, CommandError> {
    let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let mut shell = Command::new(shell);
    shell.args([flag, command]).stdin(Stdio::null()).stdout(Stdio::piped());
    let Some(limit) = limit else {
        let mut child = shell.spawn().map_err(CommandError::Io)?;
        return finish(&mut child);
    };
    shell.stderr(Stdio::null());
    own_group(&mut shell);
    let mut child = shell.spawn().map_err(CommandError::Io)?;
    let id = child.id();
    let (done, ended) = mpsc::channel();
    // Dropped unjoined if it hangs: killing the group ends what it waits for.
    thread::spawn(move || done.send(finish(&mut child)));
    ended.recv_timeout(limit).unwrap_or_else(|_| {
        kill_group(id);
        Err(CommandError::Slow(limit))
    })
}

fn finish(child: &mut Child) -> Result<Zeroizing<Vec<u8>>, CommandError> {
    // More than a secret may have is left in the pipe: closing it ends a command that would print for ever.
    let bytes = child.stdout.take().map_or_else(|| Ok(Zeroizing::default()), bounded);
    let bytes = bytes.map_err(CommandError::Io)?;
    let status = child.wait().map_err(CommandError::Io)?;
    if status.success() { Ok(bytes) } else { Err(CommandError::Failed(status)) }
}

#[cfg(unix)]
fn own_group(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

#[cfg(not(unix))]
fn own_group(_: &mut Command) {}

/// The child is not waited for yet, or was just now: its number is nobody else's for as long as somebody of its group lives.
#[cfg(unix)]
fn kill_group(id: u32) {
    use rustix::process::{Pid, Signal, kill_process_group};
    if let Some(group) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        // It may have ended by itself in this moment.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

#[cfg(not(unix))]
fn kill_group(_: u32) {}

/// All of a reader, up to [`MAX_READ`].
///
/// # Errors
/// It cannot be read.
pub fn bounded(reader: impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    // Room for all, at once: growing would leave pieces of the secret behind in freed memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_READ + 1));
    reader.take(MAX_READ as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Exactly one newline is no part of a secret: editors and `echo` add one. A second one may be. Says whether there was one.
pub fn without_newline(mut bytes: Zeroizing<Vec<u8>>) -> (Zeroizing<Vec<u8>>, bool) {
    let end = bytes.strip_suffix(b"\r\n").or_else(|| bytes.strip_suffix(b"\n")).map(<[u8]>::len);
    if let Some(end) = end {
        bytes.truncate(end);
    }
    (bytes, end.is_some())
}

/// Whether it is a PEM text, whose newlines are its own.
pub fn is_pem(bytes: &[u8]) -> bool {
    bytes.starts_with(b"-----BEGIN ")
}

/// Whether there is white space in it, which mostly makes it two secrets, or one and a remark. Nothing but white space is
/// nothing at all, which the core refuses in its own words.
pub fn has_white_space(bytes: &[u8]) -> bool {
    bytes.iter().any(u8::is_ascii_whitespace) && !bytes.iter().all(u8::is_ascii_whitespace)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::time::Instant;

    #[test]
    fn one_newline_goes_and_no_more() {
        let cut = |text: &str| {
            let (bytes, dropped) = without_newline(Zeroizing::new(text.into()));
            (String::from_utf8(bytes.to_vec()).unwrap(), dropped)
        };
        assert_eq!(cut("a\n"), ("a".into(), true));
        assert_eq!(cut("a\r\n"), ("a".into(), true));
        assert_eq!(cut("a\n\n"), ("a\n".into(), true));
        assert_eq!(cut("a"), ("a".into(), false));
        assert!(has_white_space(b"a\n") && has_white_space(b"a b"));
        assert!(!has_white_space(b"ab") && !has_white_space(b" \n"));
        assert!(is_pem(b"-----BEGIN X-----\nabc\n") && !is_pem(b"a\n"));
    }

    #[test]
    fn a_command_is_bounded_in_time_and_in_what_it_prints() {
        let begun = Instant::now();
        let slow = run_command("sleep 60 & sleep 60; echo x", Some(Duration::from_millis(200)));
        assert!(matches!(slow, Err(CommandError::Slow(_))));
        assert!(begun.elapsed() < Duration::from_secs(20));
        let endless = run_command("yes", Some(Duration::from_secs(20)));
        assert!(matches!(endless, Err(CommandError::Failed(_)) | Ok(_)), "{endless:?}");
        let printed = run_command("printf hunter2; printf no >&2", Some(Duration::from_secs(20))).unwrap();
        assert_eq!(&**printed, b"hunter2");
        assert!(matches!(
            run_command("echo x; exit 3", Some(Duration::from_secs(20))),
            Err(CommandError::Failed(_))
        ));
    }

    #[test]
    fn what_a_slow_command_started_is_gone_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("alive");
        let command = format!("(sleep 1; echo x > {}) & sleep 60", file.display());
        assert!(run_command(&command, Some(Duration::from_millis(100))).is_err());
        thread::sleep(Duration::from_millis(1500));
        assert!(!file.exists());
    }
}
