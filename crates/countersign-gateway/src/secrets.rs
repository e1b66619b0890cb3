//! Secrets: where they are, how they are read, sealed and made. What is read is wiped when it is dropped, and no message
//! here quotes any of it, nor a command, which may hold one.

mod place;

pub use place::{KeyPlace, SecretPlace};
