//! The shared library: nothing depends on it.

countersign_plugin::export! { modes: [example_rust::mode], presets: ["../../../example-rust/example-blake3.toml" with "../../../example-rust/example-blake3.vectors.toml"] }
