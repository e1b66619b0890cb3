//! Hosts that speak http; so far what fetches and keeps remote keys.
#![forbid(unsafe_code)]
#![warn(missing_docs)]
