//! The one table of algorithms: their words, and what verifies and signs each.
//!
//! ECDSA stands in it twice, for the two ways of writing a signature down. They are told apart by the word and never by
//! the look of a signature, so that no signature has two readings.

use aws_lc_rs::signature::{self as aws, EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm, RsaParameters};
use aws_lc_rs::signature::{RsaSignatureEncoding, VerificationAlgorithm};
use aws_lc_rs::{digest, hmac};
use std::fmt;

/// A way of signing, down to its hash and the form of its signatures.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Algorithm(u8);

/// The mathematics of an algorithm.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Family {
    /// HMAC: RFC 2104.
    Hmac,

    /// Ed25519 and Ed25519ph: RFC 8032.
    Ed25519,

    /// ECDSA on a curve: FIPS 186-5.
    Ecdsa(Curve),

    /// RSA with PKCS #1 v1.5 padding: RFC 8017.
    RsaPkcs1,

    /// RSA-PSS, with MGF1 of the same hash and a salt as long as it: RFC 8017.
    RsaPss,
}

/// A curve of NIST's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Curve {
    /// P-256, or secp256r1.
    P256,

    /// P-384, or secp384r1.
    P384,

    /// P-521, or secp521r1.
    P521,
}

impl Curve {
    /// Its name in a JWK.
    pub fn name(self) -> &'static str {
        match self {
            Curve::P256 => "P-256",
            Curve::P384 => "P-384",
            Curve::P521 => "P-521",
        }
    }

    /// How many bytes a coordinate has.
    pub(crate) fn width(self) -> usize {
        match self {
            Curve::P256 => 32,
            Curve::P384 => 48,
            Curve::P521 => 66,
        }
    }

    /// Some algorithm of this curve, for checking points.
    pub(crate) fn verification(self) -> &'static EcdsaVerificationAlgorithm {
        match self {
            Curve::P256 => &aws::ECDSA_P256_SHA256_ASN1,
            Curve::P384 => &aws::ECDSA_P384_SHA384_ASN1,
            Curve::P521 => &aws::ECDSA_P521_SHA512_ASN1,
        }
    }

    /// Some algorithm of this curve, for reading private keys.
    pub(crate) fn signing(self) -> &'static EcdsaSigningAlgorithm {
        match self {
            Curve::P256 => &aws::ECDSA_P256_SHA256_ASN1_SIGNING,
            Curve::P384 => &aws::ECDSA_P384_SHA384_ASN1_SIGNING,
            Curve::P521 => &aws::ECDSA_P521_SHA512_ASN1_SIGNING,
        }
    }
}

/// What does the work.
pub(crate) enum With {
    Hmac(hmac::Algorithm),
    Ed25519,
    Ed25519ph,
    Ecdsa {
        verify: &'static EcdsaVerificationAlgorithm,
        sign: Option<&'static EcdsaSigningAlgorithm>,
    },
    Rsa {
        verify: &'static RsaParameters,
        /// The same for keys from 1024 bits on, where the library has it.
        small: Option<&'static RsaParameters>,
        sign: Option<&'static RsaSignatureEncoding>,
    },
}

struct Row {
    word: &'static str,
    family: Family,
    /// Names in RFC 7518, RFC 8037 and RFC 9864.
    jose: &'static [&'static str],
    /// The name in RFC 9421.
    http: Option<&'static str>,
    hash: &'static digest::Algorithm,
    with: With,
}

impl Algorithm {
    /// The word for it in a preset.
    pub fn word(self) -> &'static str {
        self.row().word
    }

    /// By its word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::find(|row| row.word == word)
    }

    /// By its name in a JOSE header: `RS256`, `PS256`, `ES256`, `EdDSA`, `Ed25519`, `HS256` and their kin. `none` has no
    /// algorithm, and neither has anything that encrypts.
    pub fn jose(alg: &str) -> Option<Self> {
        Self::find(|row| row.jose.contains(&alg))
    }

    /// By its name in the registry of RFC 9421: `rsa-v1_5-sha256`, `ecdsa-p256-sha256` and their kin. Some are spelled as
    /// words of ours and mean another form: ECDSA is always r||s there.
    pub fn http_signature(alg: &str) -> Option<Self> {
        Self::find(|row| row.http == Some(alg))
    }

    /// Its mathematics.
    pub fn family(self) -> Family {
        self.row().family
    }

    /// Every algorithm, in the order of the table.
    pub fn all() -> &'static [Algorithm] {
        &ALL
    }

    /// What an operator should know before using it.
    pub fn note(self) -> Option<&'static str> {
        let sha1 = *self.row().hash == digest::SHA1_FOR_LEGACY_USE_ONLY;
        sha1.then_some(
            "SHA-1 is a legacy: whoever can choose what is signed may find two contents for one signature",
        )
    }

    /// Whether it can be signed with, too. The library beneath signs some of what it verifies no more.
    pub fn can_sign(self) -> bool {
        match self.with() {
            With::Hmac(_) | With::Ed25519 | With::Ed25519ph => true,
            With::Ecdsa { sign, .. } => sign.is_some(),
            With::Rsa { sign, .. } => sign.is_some(),
        }
    }

    pub(crate) fn hash(self) -> &'static digest::Algorithm {
        self.row().hash
    }

    pub(crate) fn with(self) -> &'static With {
        &self.row().with
    }

    /// Whether both differ in nothing but how a signature is written down.
    pub(crate) fn is_kin(self, other: Self) -> bool {
        self.family() == other.family() && self.hash() == other.hash()
    }

    /// The place in [`Algorithm::all`].
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }

    fn row(self) -> &'static Row {
        &ROWS[self.index()]
    }

    fn find(test: impl Fn(&Row) -> bool) -> Option<Self> {
        ALL.iter().copied().find(|algorithm| test(algorithm.row()))
    }
}

impl fmt::Debug for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// How the library verifies, for a key of this size.
pub(crate) fn rsa_parameters(with: &'static With, small: bool) -> Option<&'static RsaParameters> {
    match with {
        With::Rsa { small: parameters, .. } if small => *parameters,
        With::Rsa { verify, .. } => Some(verify),
        _ => None,
    }
}

/// The same for ECDSA.
pub(crate) fn ecdsa_parameters(with: &'static With) -> Option<&'static dyn VerificationAlgorithm> {
    match with {
        With::Ecdsa { verify, .. } => Some(*verify),
        _ => None,
    }
}

const fn row(
    word: &'static str,
    family: Family,
    names: (&'static [&'static str], Option<&'static str>),
    hash: &'static digest::Algorithm,
    with: With,
) -> Row {
    Row { word, family, jose: names.0, http: names.1, hash, with }
}

const fn ecdsa(
    verify: &'static EcdsaVerificationAlgorithm,
    sign: Option<&'static EcdsaSigningAlgorithm>,
) -> With {
    With::Ecdsa { verify, sign }
}

const fn rsa(
    verify: &'static RsaParameters,
    small: Option<&'static RsaParameters>,
    sign: Option<&'static RsaSignatureEncoding>,
) -> With {
    With::Rsa { verify, small, sign }
}

const P256: Family = Family::Ecdsa(Curve::P256);
const P384: Family = Family::Ecdsa(Curve::P384);
const P521: Family = Family::Ecdsa(Curve::P521);
const NO_NAMES: (&[&str], Option<&str>) = (&[], None);

static ROWS: [Row; 23] = [
    row("ed25519", Family::Ed25519, (&["EdDSA", "Ed25519"], Some("ed25519")), &digest::SHA512, With::Ed25519),
    row("ed25519ph", Family::Ed25519, NO_NAMES, &digest::SHA512, With::Ed25519ph),
    row(
        "ecdsa-p256-sha256",
        P256,
        NO_NAMES,
        &digest::SHA256,
        ecdsa(&aws::ECDSA_P256_SHA256_ASN1, Some(&aws::ECDSA_P256_SHA256_ASN1_SIGNING)),
    ),
    row(
        "ecdsa-p256-sha256-p1363",
        P256,
        (&["ES256"], Some("ecdsa-p256-sha256")),
        &digest::SHA256,
        ecdsa(&aws::ECDSA_P256_SHA256_FIXED, Some(&aws::ECDSA_P256_SHA256_FIXED_SIGNING)),
    ),
    row("ecdsa-p256-sha384", P256, NO_NAMES, &digest::SHA384, ecdsa(&aws::ECDSA_P256_SHA384_ASN1, None)),
    row("ecdsa-p256-sha512", P256, NO_NAMES, &digest::SHA512, ecdsa(&aws::ECDSA_P256_SHA512_ASN1, None)),
    // By way of SHA-256, which is all that the library has that is near: `lengthened` in verify.rs says why that is sound.
    row(
        "ecdsa-p256-sha1",
        P256,
        NO_NAMES,
        &digest::SHA1_FOR_LEGACY_USE_ONLY,
        ecdsa(&aws::ECDSA_P256_SHA256_ASN1, None),
    ),
    row("ecdsa-p384-sha256", P384, NO_NAMES, &digest::SHA256, ecdsa(&aws::ECDSA_P384_SHA256_ASN1, None)),
    row(
        "ecdsa-p384-sha384",
        P384,
        NO_NAMES,
        &digest::SHA384,
        ecdsa(&aws::ECDSA_P384_SHA384_ASN1, Some(&aws::ECDSA_P384_SHA384_ASN1_SIGNING)),
    ),
    row(
        "ecdsa-p384-sha384-p1363",
        P384,
        (&["ES384"], Some("ecdsa-p384-sha384")),
        &digest::SHA384,
        ecdsa(&aws::ECDSA_P384_SHA384_FIXED, Some(&aws::ECDSA_P384_SHA384_FIXED_SIGNING)),
    ),
    row("ecdsa-p384-sha512", P384, NO_NAMES, &digest::SHA512, ecdsa(&aws::ECDSA_P384_SHA512_ASN1, None)),
    row(
        "ecdsa-p521-sha512",
        P521,
        NO_NAMES,
        &digest::SHA512,
        ecdsa(&aws::ECDSA_P521_SHA512_ASN1, Some(&aws::ECDSA_P521_SHA512_ASN1_SIGNING)),
    ),
    row(
        "ecdsa-p521-sha512-p1363",
        P521,
        (&["ES512"], None),
        &digest::SHA512,
        ecdsa(&aws::ECDSA_P521_SHA512_FIXED, Some(&aws::ECDSA_P521_SHA512_FIXED_SIGNING)),
    ),
    row(
        "rsa-pkcs1-sha1",
        Family::RsaPkcs1,
        NO_NAMES,
        &digest::SHA1_FOR_LEGACY_USE_ONLY,
        rsa(
            &aws::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            Some(&aws::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY),
            None,
        ),
    ),
    row(
        "rsa-pkcs1-sha256",
        Family::RsaPkcs1,
        (&["RS256"], Some("rsa-v1_5-sha256")),
        &digest::SHA256,
        rsa(
            &aws::RSA_PKCS1_2048_8192_SHA256,
            Some(&aws::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY),
            Some(&aws::RSA_PKCS1_SHA256),
        ),
    ),
    row(
        "rsa-pkcs1-sha384",
        Family::RsaPkcs1,
        (&["RS384"], None),
        &digest::SHA384,
        rsa(&aws::RSA_PKCS1_2048_8192_SHA384, None, Some(&aws::RSA_PKCS1_SHA384)),
    ),
    row(
        "rsa-pkcs1-sha512",
        Family::RsaPkcs1,
        (&["RS512"], None),
        &digest::SHA512,
        rsa(
            &aws::RSA_PKCS1_2048_8192_SHA512,
            Some(&aws::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY),
            Some(&aws::RSA_PKCS1_SHA512),
        ),
    ),
    row(
        "rsa-pss-sha256",
        Family::RsaPss,
        (&["PS256"], None),
        &digest::SHA256,
        rsa(&aws::RSA_PSS_2048_8192_SHA256, None, Some(&aws::RSA_PSS_SHA256)),
    ),
    row(
        "rsa-pss-sha384",
        Family::RsaPss,
        (&["PS384"], None),
        &digest::SHA384,
        rsa(&aws::RSA_PSS_2048_8192_SHA384, None, Some(&aws::RSA_PSS_SHA384)),
    ),
    row(
        "rsa-pss-sha512",
        Family::RsaPss,
        (&["PS512"], Some("rsa-pss-sha512")),
        &digest::SHA512,
        rsa(&aws::RSA_PSS_2048_8192_SHA512, None, Some(&aws::RSA_PSS_SHA512)),
    ),
    row(
        "hmac-sha256",
        Family::Hmac,
        (&["HS256"], Some("hmac-sha256")),
        &digest::SHA256,
        With::Hmac(hmac::HMAC_SHA256),
    ),
    row("hmac-sha384", Family::Hmac, (&["HS384"], None), &digest::SHA384, With::Hmac(hmac::HMAC_SHA384)),
    row("hmac-sha512", Family::Hmac, (&["HS512"], None), &digest::SHA512, With::Hmac(hmac::HMAC_SHA512)),
];

static ALL: [Algorithm; ROWS.len()] = {
    let mut all = [Algorithm(0); ROWS.len()];
    let mut i = 0;
    while i < all.len() {
        all[i] = Algorithm(i as u8);
        i += 1;
    }
    all
};

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn words_and_names_are_unique_and_lead_back() {
        let mut names = BTreeSet::new();
        for algorithm in Algorithm::all() {
            assert_eq!(Algorithm::from_word(algorithm.word()), Some(*algorithm));
            assert!(names.insert(("word", algorithm.word())));
            for name in algorithm.row().jose {
                assert!(names.insert(("jose", *name)));
                assert_eq!(Algorithm::jose(name), Some(*algorithm));
            }
            if let Some(name) = algorithm.row().http {
                assert!(names.insert(("http", name)));
                assert_eq!(Algorithm::http_signature(name), Some(*algorithm));
            }
        }
    }

    #[test]
    fn what_signs_nothing_is_no_algorithm() {
        for name in ["none", "None", "", "rs256", "RSA-OAEP", "A128GCM", "ES256K", "dir"] {
            assert_eq!(Algorithm::jose(name), None, "{name:?}");
        }
    }

    #[test]
    fn ecdsa_is_fixed_on_the_web_and_der_by_our_own_words() {
        let es256 = Algorithm::jose("ES256").unwrap();
        assert_eq!(es256.word(), "ecdsa-p256-sha256-p1363");
        assert_eq!(Algorithm::http_signature("ecdsa-p256-sha256"), Some(es256));
        let der = Algorithm::from_word("ecdsa-p256-sha256").unwrap();
        assert!(der != es256 && der.is_kin(es256));
    }
}
