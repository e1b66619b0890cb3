//! Secrets: where they are, how they are read, sealed and made. What is read is wiped when it is dropped, and no message
//! here quotes any of it, nor a command, which may hold one.
//!
//! The command line of `countersign` reads secrets by the same code, from the same places and two more.

mod clash;
mod made;
mod outside;
mod own;
mod place;
mod seal;
mod source;

pub use clash::{fingerprint, shared};
pub use made::{NoNewSecret, new_secret};
pub use outside::{
    CommandError, Commands, MAX_READ, Outside, bounded, has_white_space, is_pem, read_file, run_command,
    without_newline,
};
pub(crate) use own::read_own;
pub use place::{KeyPlace, PlaceError, Read, SecretPlace};
pub use seal::{NotOpened, Random, Sealer, system_random};
pub use source::{SecretError, SourceSecrets};
