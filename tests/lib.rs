//! What is true of the whole.
//!
//! `tidy.rs` holds the rules of the house, `reference.rs` the generated pages; the README's example runs from here.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
