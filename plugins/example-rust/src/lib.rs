//! A third party's mode, complete: keyed BLAKE3 over the grammar of presets.
//!
//! Only the mathematics is here. Templates, places, encodings, tests, streaming, signing and replay come from
//! [`TemplateMode`]; key windows and freshness from the core.
//!
//! It comes in by three doors. [`mode`] is for hosts that register it by hand; the last lines announce it and a preset to
//! every program that links this crate (`use example_rust as _;`); and `plugins/modules/example-rust` makes a shared
//! library of it in one line, for programs that load it.

use countersign::template::{Primitive, TemplateMode};
use countersign::{Announced, KeyError, KeyKind, Mode, ModeInfo, Status, ct, inventory};
use std::sync::Arc;

/// The mode, for hosts that register it by hand.
pub fn mode() -> Arc<dyn Mode> {
    Arc::new(TemplateMode::new(INFO, Blake3))
}

const INFO: ModeInfo = ModeInfo::new(
    "blake3",
    "keyed BLAKE3 over a template",
    r#"algorithm = "keyed"
signed_template = "{body}"
signature_source = { header = "x-signature", encoding = "hex" }
key = { forms = [{ decode = "hex" }] }
"#,
    &[],
    Status::Preview,
);

struct Blake3;

impl Primitive for Blake3 {
    type Key = blake3::Hasher;
    type State = blake3::Hasher;
    type Tag = blake3::Hash;

    fn algorithms(&self) -> &'static [&'static str] {
        &["keyed"]
    }

    fn key(&self, _algorithm: usize, _kind: KeyKind, bytes: &[u8]) -> Result<Self::Key, KeyError> {
        let key = bytes.try_into().map_err(|_| KeyError::new("a BLAKE3 key has 32 bytes: 64 hex digits"))?;
        Ok(blake3::Hasher::new_keyed(key))
    }

    fn start(&self, key: &Self::Key) -> Self::State {
        key.clone()
    }

    fn update(&self, state: &mut Self::State, piece: &[u8]) {
        state.update(piece);
    }

    fn finish(&self, state: Self::State) -> Self::Tag {
        state.finalize()
    }

    fn matches(&self, _key: &Self::Key, tag: &Self::Tag, signature: &[u8]) -> bool {
        ct::equal(tag.as_bytes(), signature)
    }

    fn fingerprint(&self, tag: &Self::Tag) -> [u8; 32] {
        *tag.as_bytes()
    }

    fn sign(&self, _key: &Self::Key, tag: &Self::Tag) -> Option<Vec<u8>> {
        Some(tag.as_bytes().to_vec())
    }
}

inventory::submit!(Announced::Mode(mode));
inventory::submit!(Announced::Preset("example-blake3.toml", include_str!("../example-blake3.toml")));
