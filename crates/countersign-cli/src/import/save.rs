//! Writes it: the secrets, each into a file of its own, and then the sources, behind what the configuration says already.
//!
//! Nothing is written over. What was made is taken away again when something goes wrong behind it; a secret's file that is there
//! with the same bytes is left from a run that was ended, and is as good as made.

use super::plan::Place;
use super::plan::Placed;
use crate::error::Failure;
use countersign::ct;
use countersign_gateway::secrets::read_file;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// The folder for secrets, beside the configuration.
pub(super) const FOLDER: &str = "secrets";

/// What there was of the configuration before.
pub(super) enum Before<'t> {
    /// None.
    Nothing,
    /// This.
    Text(&'t str),
}

/// Complain of secrets' files that are there and hold something else.
pub(super) fn check(folder: &Path, secrets: &[&Placed]) -> Result<(), Failure> {
    for (path, bytes) in files(folder, secrets) {
        if path.symlink_metadata().is_ok() && !holds(&path, bytes) {
            return Err(taken(&path));
        }
    }
    Ok(())
}

/// Write all of it, or nothing. What was made, in the order in which it was.
pub(super) fn save(
    config: &Path,
    before: &Before<'_>,
    added: &str,
    secrets: &[&Placed],
) -> Result<Vec<PathBuf>, Failure> {
    let folder = config.parent().unwrap_or(Path::new(""));
    let mut made = Made::default();
    let saved = made.all(config, folder, before, added, secrets);
    match saved {
        Ok(()) => Ok(made.files),
        Err(failure) => {
            made.undo();
            Err(failure)
        }
    }
}

/// The folder of the configuration, where there may be none yet.
pub(super) fn make_folder(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| Failure::io("make the folder", folder, &error))
}

#[derive(Default)]
struct Made {
    files: Vec<PathBuf>,
    folder: Option<PathBuf>,
}

impl Made {
    fn all(
        &mut self,
        config: &Path,
        folder: &Path,
        before: &Before<'_>,
        added: &str,
        secrets: &[&Placed],
    ) -> Result<(), Failure> {
        for (path, bytes) in files(folder, secrets) {
            self.private_folder(&folder.join(FOLDER))?;
            match create(&path, bytes) {
                Ok(()) => self.files.push(path),
                Err(error) if error.kind() == ErrorKind::AlreadyExists && holds(&path, bytes) => {}
                Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(taken(&path)),
                Err(error) => return Err(Failure::io("write", &path, &error)),
            }
        }
        // Before the configuration names them: it must not be on the disk without them.
        if !self.files.is_empty() {
            on_disk(&folder.join(FOLDER))?;
            on_disk(folder)?;
        }
        match before {
            Before::Nothing => {
                create(config, added.as_bytes()).map_err(|error| Failure::io("write", config, &error))?;
                self.files.push(config.to_owned());
                on_disk(folder)
            }
            Before::Text(text) => append(config, text, added),
        }
    }

    fn private_folder(&mut self, path: &Path) -> Result<(), Failure> {
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        match builder.create(path) {
            Ok(()) => {
                self.folder = Some(path.to_owned());
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(Failure::io("make the folder", path, &error)),
        }
    }

    /// Nowhere is left to complain of what cannot be taken away.
    fn undo(self) {
        for file in &self.files {
            let _ = fs::remove_file(file);
        }
        if let Some(folder) = self.folder {
            let _ = fs::remove_dir(folder);
        }
    }
}

fn files<'s>(folder: &Path, secrets: &[&'s Placed]) -> Vec<(PathBuf, &'s [u8])> {
    let file = |secret: &&'s Placed| match (&secret.place, &secret.value) {
        (Place::File(path), Some(value)) => Some((folder.join(path), value.as_bytes())),
        _ => None,
    };
    secrets.iter().filter_map(file).collect()
}

/// A file for this user alone, on the disk when this returns.
fn create(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = fs::remove_file(path);
    }
    written
}

/// What was made in a folder is in it after a crash as well. Where folders cannot be written so, the system sees to it.
fn on_disk(folder: &Path) -> Result<(), Failure> {
    #[cfg(unix)]
    {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(|error| Failure::io("write", folder, &error))?;
    }
    let _ = folder;
    Ok(())
}

/// Behind what was read, and behind nothing else: whoever changed the file meanwhile is not written into.
fn append(path: &Path, before: &str, added: &str) -> Result<(), Failure> {
    let failed = |error| Failure::io("write", path, &error);
    let mut file = OpenOptions::new().append(true).open(path).map_err(failed)?;
    // Where there are no locks, the length below still tells.
    if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
        let says = format!("`{}` is being written by another", path.display());
        return Err(Failure::config(says).next("run it again"));
    }
    let length = |file: &File| file.metadata().map(|file| file.len());
    if length(&file).map_err(failed)? != before.len() as u64 {
        return Err(
            Failure::config(format!("`{}` was changed meanwhile", path.display())).next("run it again")
        );
    }
    let written = file.write_all(added.as_bytes()).and_then(|()| file.sync_all());
    written.map_err(|error| {
        let _ = file.set_len(before.len() as u64);
        failed(error)
    })
}

fn holds(path: &Path, bytes: &[u8]) -> bool {
    let is_file = path.symlink_metadata().is_ok_and(|found| found.is_file());
    is_file && read_file(path).is_ok_and(|(found, _)| ct::equal(&found, bytes))
}

fn taken(path: &Path) -> Failure {
    Failure::usage(format!(
        "`{}` is there already with something else in it, and nothing is ever written over",
        path.display()
    ))
    .next("move it away; or write elsewhere: --out DIR")
}
