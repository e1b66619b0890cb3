//! The shared library: nothing depends on it.

countersign_plugin::export! { modes: [countersign_digest::mode] }
