//! Every mode and every preset that ships, in one registry: what the command, and any host that wants all of it, starts from.
//!
//! A host that wants less takes `countersign-presets` and links the modes it needs, or leaves features out here. Modes are
//! named one by one below, so that what a program can verify with is to be read and not to be guessed.
//!
//! ```
//! let registry = countersign_modes::registry()?;
//! assert!(registry.mode("hmac").is_some());
//! # Ok::<_, countersign::ConfigErrors>(())
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

use countersign::{ConfigErrors, Mode, Registry};
use std::sync::Arc;

/// The modes that ship beside `hmac`, which is the core's own.
pub fn modes() -> Vec<Arc<dyn Mode>> {
    vec![
        #[cfg(feature = "digest")]
        countersign_digest::mode(),
        #[cfg(feature = "ed25519")]
        countersign_ed25519::mode(),
        #[cfg(feature = "http-signature")]
        countersign_http_signature::mode(),
        #[cfg(feature = "jwt")]
        countersign_jwt::mode(),
        #[cfg(feature = "public-key")]
        countersign_public_key::mode(),
        #[cfg(feature = "token")]
        countersign_token::mode(),
        #[cfg(feature = "x509")]
        countersign_x509::mode(),
    ]
}

/// A registry of all of them, of every other linked mode, and of every preset that ships.
///
/// # Errors
/// A linked mode or preset will not do, or two have one name.
pub fn registry() -> Result<Registry, ConfigErrors> {
    with_modes(countersign_presets::registry()?)
}

/// The same without the presets that ship.
///
/// # Errors
/// A linked mode or preset will not do, or two have one name.
pub fn without_presets() -> Result<Registry, ConfigErrors> {
    with_modes(Registry::linked()?)
}

fn with_modes(mut registry: Registry) -> Result<Registry, ConfigErrors> {
    for mode in modes() {
        // One that announces itself is there already.
        if registry.mode(&mode.info().name).is_none() {
            registry.register(mode)?;
        }
    }
    Ok(registry)
}
