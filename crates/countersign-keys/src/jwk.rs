//! JSON Web Keys: RFC 7517, RFC 7518, RFC 8037, and their thumbprints, RFC 7638.

use crate::algorithm::Curve;
use crate::der;
use crate::material::{Material, Private, Public};
use base64_simd::URL_SAFE_NO_PAD;
use countersign::KeyError;
use serde_json::Value;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// What a JWK holds. One without `d` is public.
pub(crate) fn read(jwk: &Value) -> Result<Material, KeyError> {
    let field = |name: &str| jwk.get(name).and_then(Value::as_str);
    if !jwk.is_object() {
        return Err(KeyError::new("a JWK is a JSON object"));
    }
    may_verify(jwk)?;
    match (field("kty"), field("crv")) {
        (Some("OKP"), Some("Ed25519")) => okp(jwk),
        (Some("EC"), Some("P-256")) => ec(jwk, Curve::P256),
        (Some("EC"), Some("P-384")) => ec(jwk, Curve::P384),
        (Some("EC"), Some("P-521")) => ec(jwk, Curve::P521),
        (Some("RSA"), _) => rsa(jwk),
        (Some("oct"), _) => Err(KeyError::new("the JWK is a shared secret, not a public key")),
        (Some("OKP" | "EC"), _) => Err(KeyError::new(
            "the JWK has a `crv` that is not taken here: Ed25519, P-256, P-384 and P-521 are",
        )),
        (Some(_), _) => Err(KeyError::new("the JWK has a `kty` that is not taken here: OKP, EC and RSA are")),
        (None, _) => Err(KeyError::new("the JWK has no `kty`")),
    }
}

/// The thumbprint of RFC 7638, with SHA-256: 43 characters of base64url.
pub(crate) fn thumbprint(key: &Public) -> String {
    let base64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode_to_string(bytes);
    let required = match key {
        Public::Ed25519(key) => {
            format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, base64(key.as_bytes()))
        }
        Public::Ec(curve, point) => {
            let (x, y) = point[1..].split_at(curve.width());
            format!(r#"{{"crv":"{}","kty":"EC","x":"{}","y":"{}"}}"#, curve.name(), base64(x), base64(y))
        }
        Public::Rsa(rsa) => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, base64(&rsa.e), base64(&rsa.n)),
    };
    base64(&Sha256::digest(required))
}

/// A key for something else is not taken: `use` and `key_ops`, where they are there, must allow it.
fn may_verify(jwk: &Value) -> Result<(), KeyError> {
    let private = jwk.get("d").is_some();
    let fits = |op: &Value| op == "verify" || (private && op == "sign");
    match jwk.get("use") {
        None => {}
        Some(usage) if usage == "sig" => {}
        Some(_) => return Err(KeyError::new("the JWK has a `use` other than `sig`")),
    }
    match jwk.get("key_ops") {
        None => Ok(()),
        Some(Value::Array(ops)) if ops.iter().any(fits) => Ok(()),
        Some(_) => Err(KeyError::new("the JWK has `key_ops` without `verify`")),
    }
}

fn okp(jwk: &Value) -> Result<Material, KeyError> {
    let x = bytes(jwk, "x")?;
    let public = Public::ed25519(&x)?;
    let Some(d) = private(jwk, "d")? else { return Ok(Material::Public(public)) };
    let pair = Zeroizing::new([&d[..], &x[..]].concat());
    if d.len() != 32 {
        return Err(KeyError::new("the `d` of the JWK has not 32 bytes"));
    }
    Private::ed25519(&pair).map(Material::Private)
}

fn ec(jwk: &Value, curve: Curve) -> Result<Material, KeyError> {
    let (x, y) = (bytes(jwk, "x")?, bytes(jwk, "y")?);
    if x.len() != curve.width() || y.len() != curve.width() {
        return Err(KeyError::new(format!(
            "the `x` and `y` of a JWK on {} have {} bytes each",
            curve.name(),
            curve.width()
        )));
    }
    let point = [&[4], &x[..], &y[..]].concat();
    let public = Public::point(curve, &point)?;
    match private(jwk, "d")? {
        None => Ok(Material::Public(public)),
        Some(scalar) if scalar.len() == curve.width() => {
            Ok(Material::Private(Private::Ec { curve, scalar, point: point.into() }))
        }
        Some(_) => Err(KeyError::new("the `d` of the JWK has not the length of its curve")),
    }
}

fn rsa(jwk: &Value) -> Result<Material, KeyError> {
    let (n, e) = (bytes(jwk, "n")?, bytes(jwk, "e")?);
    if n.first() == Some(&0) || e.first() == Some(&0) {
        return Err(KeyError::new("the `n` and `e` of a JWK have no leading zeros"));
    }
    let public = match Public::rsa(&n, &e, false) {
        Some(Public::Rsa(public)) => public,
        _ => return Err(KeyError::new("the `n` and `e` of the JWK are no RSA key")),
    };
    let Some(d) = private(jwk, "d")? else { return Ok(Material::Public(Public::Rsa(public))) };
    let mut der = vec![der::write(der::INTEGER, &[&[0]]), der::write_positive(&n), der::write_positive(&e)];
    der.push(der::write_positive(&d));
    for name in ["p", "q", "dp", "dq", "qi"] {
        let says = "a private RSA key needs `p`, `q`, `dp`, `dq` and `qi` in its JWK";
        let number = private(jwk, name)?.ok_or_else(|| KeyError::new(says))?;
        der.push(der::write_positive(&number));
    }
    let parts: Vec<&[u8]> = der.iter().map(|part| &part[..]).collect();
    Ok(Material::Private(Private::Rsa { der: der::write(der::SEQUENCE, &parts), public }))
}

fn bytes(jwk: &Value, name: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    private(jwk, name)?.ok_or_else(|| KeyError::new(format!("the JWK has no `{name}`")))
}

/// Base64url without padding and with one spelling; `None` if the member is not there.
fn private(jwk: &Value, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyError> {
    let Some(value) = jwk.get(name) else { return Ok(None) };
    let read = value.as_str().and_then(|text| URL_SAFE_NO_PAD.decode_to_vec(text).ok());
    match read {
        Some(bytes) if !bytes.is_empty() => Ok(Some(Zeroizing::new(bytes))),
        _ => Err(KeyError::new(format!("the `{name}` of the JWK is not base64url without padding"))),
    }
}
