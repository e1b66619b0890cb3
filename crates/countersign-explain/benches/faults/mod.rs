//! A benchmark of faults: deliveries that verify, spoilt as people report it, asked about, and the answers judged.
//!
//! Kept apart from the search, and written without it: whoever writes both finds what he hid.

pub(crate) mod bodies;
pub(crate) mod deliveries;
pub(crate) mod inject;
pub(crate) mod json;
pub(crate) mod keys;
pub(crate) mod leaks;
pub(crate) mod random;
pub(crate) mod run;
pub(crate) mod table;
