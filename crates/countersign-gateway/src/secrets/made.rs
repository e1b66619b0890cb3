//! New secrets: as long as they should be, in the form that a provider's own have.

use super::Random;
use countersign::config::Node;
use countersign::{Compiled, KeyKind};
use std::fmt;
use zeroize::Zeroizing;

/// How many random bytes a secret has at least: as many as the hash of most schemes.
const BYTES: usize = 32;

/// Why none can be made.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum NoNewSecret {
    /// The scheme finds its keys.
    Found(String),

    /// Its keys come in pairs, and the provider has the private halves.
    Pairs(String),

    /// There is no randomness.
    NoRandomness,
}

impl fmt::Display for NoNewSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoNewSecret::Found(preset) => write!(f, "`{preset}` takes no secret: it finds its own keys"),
            NoNewSecret::Pairs(preset) => write!(
                f,
                "`{preset}` verifies by a key of which the provider keeps the other half: copy the public one from its page"
            ),
            NoNewSecret::NoRandomness => f.write_str("the system has no randomness to give"),
        }
    }
}

impl std::error::Error for NoNewSecret {}

/// A new secret for a scheme, as text to be shown once: in the first form that its preset names, with that form's prefix, of 32
/// random bytes or as many as the preset demands.
///
/// # Errors
/// Its keys are not made by who receives, or there is no randomness.
pub fn new_secret(compiled: &Compiled, random: Random<'_>) -> Result<Zeroizing<String>, NoNewSecret> {
    let name = compiled.preset().name.to_string();
    let needs = compiled.needs();
    if needs.keys.is_empty() {
        return Err(NoNewSecret::Found(name));
    }
    if !needs.keys.contains(&KeyKind::Shared) {
        return Err(NoNewSecret::Pairs(name));
    }
    let key = compiled.preset().config().table().table().and_then(|table| table.get("key"));
    let key = key.and_then(Node::table);
    let least = key.and_then(|key| match key.get("min_bytes")?.value {
        countersign::config::Value::Integer(least) => usize::try_from(least).ok(),
        _ => None,
    });
    let (prefix, decode) = key.and_then(|key| first_form(key.get("forms")?)).unwrap_or_default();
    // Three bytes are four characters: no padding, whoever copies it.
    let mut bytes = Zeroizing::new(vec![0; BYTES.max(least.unwrap_or(0))]);
    if !random(&mut bytes) {
        return Err(NoNewSecret::NoRandomness);
    }
    let rest = Zeroizing::new(match decode.as_str() {
        "hex" => const_hex::encode(&*bytes),
        "base64" => base64_simd::STANDARD.encode_to_string(&*bytes),
        _ => base64_simd::URL_SAFE_NO_PAD.encode_to_string(&*bytes),
    });
    Ok(Zeroizing::new([&prefix, rest.as_str()].concat()))
}

/// Prefix and decoding of the first form that a shared secret can have.
fn first_form(forms: &Node) -> Option<(String, String)> {
    let forms = match &forms.value {
        countersign::config::Value::Array(items) => &items[..],
        _ => std::slice::from_ref(forms),
    };
    forms.iter().find_map(|form| {
        let form = form.table()?;
        let text = |key: &str| form.get(key).and_then(Node::text).map(|text| text.to_string());
        let decode = text("decode").filter(|decode| !["pem", "jwk"].contains(&decode.as_str()))?;
        Some((text("prefix").unwrap_or_default(), decode))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::secrets::system_random;
    use countersign::{Keyring, Vars};

    /// For every preset that ships: what is made is a key of it, or there is a reason why none is.
    #[test]
    fn a_new_secret_is_one_that_its_preset_takes() {
        let registry = countersign_modes::registry().unwrap();
        let names: Vec<String> = registry.presets().map(|(name, _)| name.to_owned()).collect();
        let (mut made, mut pairs, mut found) = (0, 0, 0);
        for name in names {
            let compiled = registry.named(&name).unwrap();
            let secret = match new_secret(&compiled, &mut system_random) {
                Ok(secret) => secret,
                Err(NoNewSecret::Pairs(_)) => {
                    pairs += 1;
                    continue;
                }
                Err(NoNewSecret::Found(_)) => {
                    found += 1;
                    continue;
                }
                Err(error) => panic!("{name}: {error}"),
            };
            made += 1;
            let mut vars = Vars::new();
            compiled.preset().vars.iter().for_each(|var| {
                vars.set(var.name.clone(), "x");
            });
            let roles =
                compiled.preset().config().table().table().and_then(|table| {
                    countersign::config::Node::table(table.get("key")?)?.get("roles").cloned()
                });
            let mut key = countersign::Key::shared("main", secret.as_bytes()).unwrap();
            if let Some(countersign::config::Value::Array(roles)) = roles.map(|roles| roles.value) {
                key.role = roles[0].text().cloned();
            }
            let mut ring = Keyring::new();
            ring.add(key).unwrap();
            let bound = compiled.verifier("a", &ring, &vars);
            let says = bound.as_ref().err().map(ToString::to_string).unwrap_or_default();
            assert!(bound.is_ok() || says.contains("role") || says.contains("variable"), "{name}: {says}");
        }
        assert!(made > 100 && pairs > 10 && found > 3, "{made} {pairs} {found}");
    }

    #[test]
    fn it_has_the_form_that_the_providers_own_have() {
        let registry = countersign_modes::registry().unwrap();
        let mut fixed = |bytes: &mut [u8]| {
            bytes.fill(0xff);
            true
        };
        let mut of = |name: &str| {
            new_secret(&registry.named(name).unwrap(), &mut fixed).map(|secret| secret.to_string())
        };
        let base64 = format!("{}8=", "/".repeat(42));
        assert_eq!(of("standard-webhooks").unwrap(), format!("whsec_{base64}"));
        assert_eq!(of("github").unwrap(), format!("{}8", "_".repeat(42)));
        assert!(matches!(of("discord"), Err(NoNewSecret::Pairs(_))));
        let none = new_secret(&registry.named("github").unwrap(), &mut |_| false);
        assert_eq!(none.unwrap_err(), NoNewSecret::NoRandomness);
    }
}
