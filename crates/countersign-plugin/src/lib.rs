//! Modes and presets in shared libraries: the C ABI, how a module is written, and how one is loaded.
//!
//! ```text
//!  a mode (an rlib, which knows no ABI)          a program
//!        │                                           │
//!   export!  ── one-line cdylib ──▶ libacme.so ──▶ Loader ──▶ Arc<dyn Mode>, presets ──▶ Registry
//!        or one .c file                          path, owner, pin, sealed copy
//! ```
//!
//! **A native module is trusted code.** It runs in this process, and no interface makes that safe. What is done here is to
//! make sure that it is *the* code that the operator chose, and to turn every mistake of it into a refusal.
//!
//! [`abi`] is the contract, [`guest`] the module's side of it, and [`host`] (feature `host`) ours. The header for C is
//! `include/countersign.h`. This is the only crate of the project with `unsafe` code.
#![warn(missing_docs)]

pub mod abi;
mod border;
pub mod guest;
#[cfg(all(feature = "host", unix))]
pub mod host;
mod table;

/// `include/countersign.h`, for whoever writes a module in C.
pub const HEADER: &str = include_str!("../include/countersign.h");
