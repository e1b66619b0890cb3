//! What keys are made of, read from any of their containers.
//!
//! A private key is read as what it is, and gives its public half; nobody has to tell beforehand which one a file holds.

use crate::algorithm::Curve;
use crate::der::{self, Der};
use crate::pem;
use aws_lc_rs::signature::{EcdsaKeyPair, KeyPair, ParsedPublicKey};
use countersign::KeyError;
use ed25519_dalek::{SigningKey, VerifyingKey};
use zeroize::Zeroizing;

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const CURVES: [(&[u8], Curve); 3] = [
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7], Curve::P256),
    (&[0x2b, 0x81, 4, 0, 0x22], Curve::P384),
    (&[0x2b, 0x81, 4, 0, 0x23], Curve::P521),
];

const BROKEN: &str = "the key is cut short or is no key: copy it whole";

/// A public key.
#[derive(Clone)]
pub(crate) enum Public {
    Ed25519(VerifyingKey),
    /// The point, uncompressed (SEC 1, section 2.3.3), known to be on the curve.
    Ec(Curve, Box<[u8]>),
    Rsa(Rsa),
}

/// A modulus and an exponent, without leading zeros.
#[derive(Clone)]
pub(crate) struct Rsa {
    pub(crate) n: Box<[u8]>,
    pub(crate) e: Box<[u8]>,
    /// The container says that it is for PSS alone.
    pub(crate) pss_only: bool,
}

impl Rsa {
    /// The size of the modulus.
    pub(crate) fn bits(&self) -> usize {
        self.n.first().map_or(0, |first| self.n.len() * 8 - first.leading_zeros() as usize)
    }

    /// Whether the exponent is at least 65537.
    pub(crate) fn has_big_exponent(&self) -> bool {
        self.e.len() > 3 || (self.e.len() == 3 && self.e[..] >= [1, 0, 1][..])
    }

    /// As PKCS #1.
    pub(crate) fn der(&self) -> Zeroizing<Vec<u8>> {
        der::write(der::SEQUENCE, &[&der::write_positive(&self.n), &der::write_positive(&self.e)])
    }
}

/// A private key. Everything in it is wiped.
pub(crate) enum Private {
    Ed25519(SigningKey),
    Ec {
        curve: Curve,
        scalar: Zeroizing<Vec<u8>>,
        point: Box<[u8]>,
    },
    Rsa {
        /// PKCS #1, as read.
        der: Zeroizing<Vec<u8>>,
        public: Rsa,
    },
}

/// Either.
pub(crate) enum Material {
    Public(Public),
    Private(Private),
}

impl Material {
    /// The public half.
    pub(crate) fn into_public(self) -> Public {
        match self {
            Material::Public(public) => public,
            Material::Private(Private::Ed25519(key)) => Public::Ed25519(key.verifying_key()),
            Material::Private(Private::Ec { curve, ref point, .. }) => Public::Ec(curve, point.clone()),
            Material::Private(Private::Rsa { public, .. }) => Public::Rsa(public),
        }
    }

    /// From PEM: one block, of a kind that we know.
    pub(crate) fn from_pem(text: &[u8]) -> Result<Self, KeyError> {
        let mut blocks = pem::blocks(text, 2).map_err(KeyError::new)?;
        let block = match (blocks.pop(), blocks.len()) {
            (Some(block), 0) => block,
            _ => return Err(KeyError::new("the PEM has two blocks: leave only the key")),
        };
        let content = &block.content;
        let read = match block.label {
            "PUBLIC KEY" => return Public::from_spki(content).map(Material::Public),
            "RSA PUBLIC KEY" => Public::from_pkcs1(content).map(Material::Public),
            "PRIVATE KEY" => return Private::from_pkcs8(content).map(Material::Private),
            "RSA PRIVATE KEY" => Private::from_pkcs1(content, false).map(Material::Private),
            "EC PRIVATE KEY" => Private::from_sec1(content, None).map(Material::Private),
            "CERTIFICATE" => {
                let says = "this is a certificate, not a key: take the key out of it, with \
                            `openssl x509 -in FILE -pubkey -noout`";
                return Err(KeyError::new(says));
            }
            "ENCRYPTED PRIVATE KEY" => {
                return Err(KeyError::new(
                    "the private key is encrypted: decrypt it, with `openssl pkey -in FILE`",
                ));
            }
            _ => {
                let says = "the PEM holds no key that is read here: it must say `PUBLIC KEY`, `RSA PUBLIC KEY`, \
                            `PRIVATE KEY`, `RSA PRIVATE KEY` or `EC PRIVATE KEY`";
                return Err(KeyError::new(says));
            }
        };
        read.ok_or_else(|| KeyError::new(BROKEN))
    }

    /// From DER, by its look.
    pub(crate) fn from_der(bytes: &[u8]) -> Result<Self, KeyError> {
        let mut inside = Der::only_sequence(bytes).ok_or_else(|| KeyError::new(BROKEN))?;
        if inside.take(der::SEQUENCE).is_some() {
            return Public::from_spki(bytes).map(Material::Public);
        }
        // An integer is a version, or else the modulus of a bare RSA key.
        match inside.take(der::INTEGER) {
            Some([0 | 1]) if inside.take(der::SEQUENCE).is_some() => {
                Private::from_pkcs8(bytes).map(Material::Private)
            }
            Some([1]) => Private::from_sec1(bytes, None).map(Material::Private).ok_or(KeyError::new(BROKEN)),
            Some([0]) => {
                Private::from_pkcs1(bytes, false).map(Material::Private).ok_or(KeyError::new(BROKEN))
            }
            _ => Public::from_pkcs1(bytes).map(Material::Public).ok_or(KeyError::new(BROKEN)),
        }
    }
}

impl Public {
    /// 32 bytes, as RFC 8032 encodes a point.
    pub(crate) fn ed25519(bytes: &[u8]) -> Result<Self, KeyError> {
        let bytes = bytes.try_into().map_err(|_| KeyError::new("an Ed25519 key has 32 bytes"))?;
        let key = VerifyingKey::from_bytes(bytes)
            .map_err(|_| KeyError::new("these 32 bytes are no Ed25519 public key"))?;
        // Reading takes more than one spelling of some points, and points under which anybody can sign.
        if key.to_edwards().compress().as_bytes() != bytes {
            return Err(KeyError::new("the Ed25519 public key is not spelled canonically"));
        }
        if key.is_weak() {
            return Err(KeyError::new("the Ed25519 public key is of small order: anybody could sign for it"));
        }
        Ok(Public::Ed25519(key))
    }

    /// A point, which must be on the curve.
    pub(crate) fn point(curve: Curve, point: &[u8]) -> Result<Self, KeyError> {
        if matches!(point, [2 | 3, ..]) {
            return Err(KeyError::new(
                "the point of the key is compressed: write it whole, with \
                 `openssl ec -pubin -in FILE -conv_form uncompressed`",
            ));
        }
        let uncompressed = point.first() == Some(&4) && point.len() == 1 + 2 * curve.width();
        if !uncompressed || ParsedPublicKey::new(curve.verification(), point).is_err() {
            return Err(KeyError::new(format!("the key is no point on {}", curve.name())));
        }
        Ok(Public::Ec(curve, point.into()))
    }

    /// A modulus and an exponent, as big-endian magnitudes without leading zeros.
    pub(crate) fn rsa(n: &[u8], e: &[u8], pss_only: bool) -> Option<Self> {
        let odd = |magnitude: &[u8]| magnitude.last().is_some_and(|last| last % 2 == 1);
        (odd(n) && odd(e)).then(|| Public::Rsa(Rsa { n: n.into(), e: e.into(), pss_only }))
    }

    /// PKCS #1: `RSAPublicKey`.
    fn from_pkcs1(bytes: &[u8]) -> Option<Self> {
        let mut inside = Der::only_sequence(bytes)?;
        let (n, e) = (inside.positive()?, inside.positive()?);
        inside.end()?;
        Self::rsa(n, e, false)
    }

    /// `SubjectPublicKeyInfo` of RFC 5280.
    pub(crate) fn from_spki(bytes: &[u8]) -> Result<Self, KeyError> {
        let broken = || KeyError::new(BROKEN);
        let mut inside = Der::only_sequence(bytes).ok_or_else(broken)?;
        let algorithm = inside.sequence().ok_or_else(broken)?;
        let key = inside.bits().ok_or_else(broken)?;
        inside.end().ok_or_else(broken)?;
        match Kind::read(algorithm)? {
            Kind::Ed25519 => Self::ed25519(key),
            Kind::Ec(curve) => Self::point(curve, key),
            Kind::Rsa { pss_only } => match Self::from_pkcs1(key).ok_or_else(broken)? {
                Public::Rsa(rsa) => Ok(Public::Rsa(Rsa { pss_only, ..rsa })),
                other => Ok(other),
            },
        }
    }
}

impl Private {
    /// The seed of RFC 8032, or the seed and its public key.
    pub(crate) fn ed25519(bytes: &[u8]) -> Result<Self, KeyError> {
        if let Ok(seed) = bytes.try_into() {
            return Ok(Private::Ed25519(SigningKey::from_bytes(seed)));
        }
        let pair = bytes.try_into().map_err(|_| KeyError::new("an Ed25519 private key has 32 bytes"))?;
        let key = SigningKey::from_keypair_bytes(pair);
        key.map(Private::Ed25519)
            .map_err(|_| KeyError::new("the halves of the Ed25519 private key do not belong together"))
    }

    /// `PrivateKeyInfo` of RFC 5208, and its second version, RFC 5958.
    fn from_pkcs8(bytes: &[u8]) -> Result<Self, KeyError> {
        let broken = || KeyError::new(BROKEN);
        let (kind, key, public) = pkcs8(bytes).ok_or_else(broken)?;
        match Kind::read(kind)? {
            Kind::Ed25519 => {
                let mut inside = Der::new(key);
                let seed =
                    inside.take(der::OCTET_STRING).filter(|seed| seed.len() == 32).ok_or_else(broken)?;
                inside.end().ok_or_else(broken)?;
                match public {
                    Some(public) => {
                        let pair = Zeroizing::new([seed, public].concat());
                        Self::ed25519(&pair)
                    }
                    None => Self::ed25519(seed),
                }
            }
            Kind::Ec(curve) => Self::from_sec1(key, Some(curve)).ok_or_else(broken),
            Kind::Rsa { pss_only } => Self::from_pkcs1(key, pss_only).ok_or_else(broken),
        }
    }

    /// PKCS #1: `RSAPrivateKey` of two primes. The private numbers are looked at when it is to sign.
    fn from_pkcs1(bytes: &[u8], pss_only: bool) -> Option<Self> {
        let mut inside = Der::only_sequence(bytes)?;
        inside.take(der::INTEGER).filter(|version| *version == [0])?;
        let (n, e) = (inside.positive()?, inside.positive()?);
        for _ in ["d", "p", "q", "dp", "dq", "qi"] {
            inside.positive()?;
        }
        inside.end()?;
        match Public::rsa(n, e, pss_only)? {
            Public::Rsa(public) => Some(Private::Rsa { der: Zeroizing::new(bytes.to_vec()), public }),
            _ => None,
        }
    }

    /// `ECPrivateKey` of RFC 5915. The public half is computed where it is left out.
    fn from_sec1(bytes: &[u8], curve: Option<Curve>) -> Option<Self> {
        const PARAMETERS: u8 = 0xa0;
        let mut inside = Der::only_sequence(bytes)?;
        inside.take(der::INTEGER).filter(|version| *version == [1])?;
        let scalar = inside.take(der::OCTET_STRING)?;
        let named = match inside.maybe(PARAMETERS)? {
            Some(parameters) => {
                let mut parameters = Der::new(parameters);
                let curve = curve_of(parameters.take(der::OID)?)?;
                parameters.end()?;
                Some(curve)
            }
            None => None,
        };
        let curve = match (curve, named) {
            (Some(a), Some(b)) if a != b => return None,
            (a, b) => a.or(b)?,
        };
        let pair = if named.is_some() {
            EcdsaKeyPair::from_private_key_der(curve.signing(), bytes).ok()?
        } else {
            // The library wants to be told the curve where PKCS #8 has told us.
            let octets = der::write(der::OCTET_STRING, &[scalar]);
            let oid = CURVES.iter().find(|(_, known)| *known == curve)?.0;
            let parameters = der::write(PARAMETERS, &[&der::write(der::OID, &[oid])]);
            let named = der::write(der::SEQUENCE, &[&[der::INTEGER, 1, 1], &octets, &parameters]);
            EcdsaKeyPair::from_private_key_der(curve.signing(), &named).ok()?
        };
        let scalar = Zeroizing::new(scalar.to_vec());
        Some(Private::Ec { curve, scalar, point: pair.public_key().as_ref().into() })
    }
}

/// The algorithm, the key and, in the second version, the public key.
type Pkcs8<'a> = (Der<'a>, &'a [u8], Option<&'a [u8]>);

fn pkcs8(bytes: &[u8]) -> Option<Pkcs8<'_>> {
    const ATTRIBUTES: u8 = 0xa0;
    const PUBLIC: u8 = 0x81;
    let mut inside = Der::only_sequence(bytes)?;
    inside.take(der::INTEGER).filter(|version| matches!(version, [0 | 1]))?;
    let kind = inside.sequence()?;
    let key = inside.take(der::OCTET_STRING)?;
    inside.maybe(ATTRIBUTES)?;
    let public = match inside.maybe(PUBLIC)? {
        Some(content) => Some(der::whole_bytes(content)?),
        None => None,
    };
    inside.end()?;
    Some((kind, key, public))
}

/// What an `AlgorithmIdentifier` says.
enum Kind {
    Ed25519,
    Ec(Curve),
    Rsa { pss_only: bool },
}

impl Kind {
    fn read(mut from: Der<'_>) -> Result<Self, KeyError> {
        let broken = || KeyError::new(BROKEN);
        let kind = match from.take(der::OID).ok_or_else(broken)? {
            ED25519 => Kind::Ed25519,
            EC => {
                let curve = from.take(der::OID).and_then(curve_of);
                let says = "the key is on a curve that is not taken here: P-256, P-384 and P-521 are";
                Kind::Ec(curve.ok_or_else(|| KeyError::new(says))?)
            }
            RSA => {
                from.take(der::NULL).filter(|null| null.is_empty()).ok_or_else(broken)?;
                Kind::Rsa { pss_only: false }
            }
            RSA_PSS => Kind::Rsa { pss_only: true },
            _ => {
                return Err(KeyError::new(
                    "the key is of a kind that is not taken here: Ed25519, ECDSA on P-256, P-384 or P-521, and RSA are",
                ));
            }
        };
        // A PSS key may prescribe its hash and salt; none that does was ever seen here.
        from.end().ok_or_else(|| KeyError::new("the key has parameters that are not understood"))?;
        Ok(kind)
    }
}

fn curve_of(oid: &[u8]) -> Option<Curve> {
    CURVES.iter().find(|(known, _)| *known == oid).map(|(_, curve)| *curve)
}
