//! Chains of certificates (RFC 5280): whether a key that came with a message, or from an address in it, may be believed.
//!
//! Paths, signatures, validity, CA flags, path lengths, name constraints and critical extensions are judged by `webpki`,
//! which knows no SHA-1 and no RSA below 2048 bits. Names are ours to judge: a certificate that signs messages is not that
//! of a server, so a wildcard in it speaks for nobody, and the common name is not asked. Nothing is revoked here: providers
//! of signed webhooks publish no lists that a receiver could rely on, and rotate instead.

use crate::pem;
use crate::public::PublicKey;
pub use crate::recent::Recent;
use countersign::{KeyError, Timestamp};
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use sha2::{Digest, Sha256};
use std::fmt;
use std::time::Duration;
use webpki::{EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeId, KeyPurposeIdIter, VerifiedPath};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// How many certificates a chain has at most.
pub const MAX_CHAIN: usize = 5;

/// The roots of a chain.
pub struct Anchors(Roots);

enum Roots {
    Pinned(Vec<TrustAnchor<'static>>),
    Web,
}

/// What is asked of a chain beside its leading to an anchor. The default asks nothing more.
#[derive(Clone, Debug, Default)]
pub struct Demands {
    names: Vec<NamePattern>,
    purposes: Vec<Oid>,
    leaf: Vec<Oid>,
    issuer: Vec<Oid>,
    length: Option<usize>,
}

/// A DNS name, or one with `*` for one label.
#[derive(Clone, Debug)]
struct NamePattern(Box<str>);

/// The content of an object identifier.
#[derive(Clone, Debug)]
struct Oid(Vec<u8>);

/// The certificate at the end of a chain that is to be believed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Leaf {
    /// The SHA-256 of the certificate.
    pub print: [u8; 32],

    /// Its key. What the key may verify, and whether it is big enough, [`PublicKey::prepare`] says.
    pub key: PublicKey,

    /// When the last certificate of the path became valid.
    pub not_before: Timestamp,

    /// The second in which the first of them expires: its last.
    pub not_after: Timestamp,

    /// The places of all pinned anchors that it leads to; empty for the roots of the web.
    pub anchors: Vec<usize>,
}

/// Why a chain is not to be believed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Untrusted {
    /// What should be a certificate is none.
    Malformed,

    /// None, more than [`MAX_CHAIN`], or not as many as demanded.
    ChainLength,

    /// It leads to no anchor, or a certificate on the way may not do what it does.
    NoPath,

    /// A certificate of the path has expired.
    Expired,

    /// A certificate of the path is not valid yet.
    NotYetValid,

    /// It is made out to nobody who was demanded.
    WrongName,

    /// It is for another purpose.
    WrongPurpose,

    /// It lacks an extension that was demanded.
    MissingOid,
}

impl Untrusted {
    /// Every one of them.
    pub const ALL: [Untrusted; 8] = [
        Untrusted::Malformed,
        Untrusted::ChainLength,
        Untrusted::NoPath,
        Untrusted::Expired,
        Untrusted::NotYetValid,
        Untrusted::WrongName,
        Untrusted::WrongPurpose,
        Untrusted::MissingOid,
    ];

    /// The stable word for it.
    pub fn word(self) -> &'static str {
        match self {
            Untrusted::Malformed => "malformed",
            Untrusted::ChainLength => "chain-length",
            Untrusted::NoPath => "no-path",
            Untrusted::Expired => "expired",
            Untrusted::NotYetValid => "not-yet-valid",
            Untrusted::WrongName => "wrong-name",
            Untrusted::WrongPurpose => "wrong-purpose",
            Untrusted::MissingOid => "missing-oid",
        }
    }

    /// The sentence for it.
    pub fn says(self) -> &'static str {
        match self {
            Untrusted::Malformed => "what should be a certificate cannot be read as one",
            Untrusted::ChainLength => "the chain has not as many certificates as it must have",
            Untrusted::NoPath => "the certificate leads to no root that is trusted",
            Untrusted::Expired => "a certificate of the chain has expired",
            Untrusted::NotYetValid => "a certificate of the chain is not valid yet",
            Untrusted::WrongName => "the certificate is made out to none of the names that are taken",
            Untrusted::WrongPurpose => "the certificate is for another purpose than signing such messages",
            Untrusted::MissingOid => "a certificate of the chain lacks an extension that it must have",
        }
    }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.says())
    }
}

impl std::error::Error for Untrusted {}

impl Anchors {
    /// Certificates that are trusted for what they are, in DER or PEM. Their own validity is not judged: pinning them is
    /// the operator's word, and a key's window ends it.
    pub fn pinned<C: AsRef<[u8]>>(certificates: impl IntoIterator<Item = C>) -> Result<Self, KeyError> {
        let anchor = |certificate: C| {
            let none = || KeyError::new("this is no certificate: give one, in PEM or DER");
            let read = self::certificates(certificate.as_ref()).map_err(|_| none())?;
            let [der] = &read[..] else {
                return Err(KeyError::new("these are several certificates: give each as a key of its own"));
            };
            let der = CertificateDer::from(&der[..]);
            webpki::anchor_from_trusted_cert(&der).map(|anchor| anchor.to_owned()).map_err(|_| none())
        };
        let pinned = certificates.into_iter().map(anchor).collect::<Result<Vec<_>, _>>()?;
        Ok(Anchors(Roots::Pinned(pinned)))
    }

    /// The roots of the web, as Mozilla has them and this program was built with. They vouch for everybody who has a
    /// website, so a chain to them is believed only where a name is demanded.
    pub fn web() -> Self {
        Anchors(Roots::Web)
    }

    /// The anchors, each with what it is reported by.
    fn groups(&self) -> Vec<(Option<usize>, &[TrustAnchor<'static>])> {
        match &self.0 {
            Roots::Web => vec![(None, webpki_roots::TLS_SERVER_ROOTS)],
            // Each is asked alone: a path to one must not hide that to another.
            Roots::Pinned(pinned) => pinned.chunks(1).enumerate().map(|(i, one)| (Some(i), one)).collect(),
        }
    }
}

impl Demands {
    /// Made out to this DNS name, or to another that is demanded. `*` stands for exactly one label and is neither the first
    /// nor one of the last two: `sns.*.amazonaws.com`.
    pub fn name(mut self, pattern: &str) -> Result<Self, KeyError> {
        let labels: Vec<&str> = pattern.split('.').collect();
        let free = labels.iter().filter(|label| **label == "*").count();
        let first_or_last =
            labels.iter().enumerate().any(|(i, l)| *l == "*" && (i == 0 || i + 2 >= labels.len()));
        let good = |label: &&str| *label == "*" || is_label(label);
        if labels.len() < 2 || free > 1 || first_or_last || !labels.iter().all(good) {
            let says = format!(
                "`{pattern}` is no name: write it in lower case, with at most one `*` for a whole label, which is neither \
                 the first nor one of the last two: `sns.*.amazonaws.com`"
            );
            return Err(KeyError::new(says));
        }
        self.names.push(NamePattern(pattern.into()));
        Ok(self)
    }

    /// For this purpose, an extended key usage in numbers with dots: the last certificate must say so, and none on the way
    /// may say otherwise.
    pub fn purpose(mut self, oid: &str) -> Result<Self, KeyError> {
        self.purposes.push(Oid::parse(oid)?);
        Ok(self)
    }

    /// With this extension in the last certificate.
    pub fn leaf_oid(mut self, oid: &str) -> Result<Self, KeyError> {
        self.leaf.push(Oid::parse(oid)?);
        Ok(self)
    }

    /// With this extension in the certificate that issued the last one.
    pub fn issuer_oid(mut self, oid: &str) -> Result<Self, KeyError> {
        self.issuer.push(Oid::parse(oid)?);
        Ok(self)
    }

    /// With exactly so many certificates, the root among them if it was sent.
    pub fn length(self, length: usize) -> Self {
        Demands { length: Some(length), ..self }
    }
}

impl Leaf {
    /// Whether every certificate of the path is valid at a moment. What a remembered path must be asked at every request.
    pub fn judge(&self, now: Timestamp) -> Result<(), Untrusted> {
        match now.unix() {
            second if second < self.not_before.unix() => Err(Untrusted::NotYetValid),
            second if second > self.not_after.unix() => Err(Untrusted::Expired),
            _ => Ok(()),
        }
    }
}

/// The certificates in a text of PEM blocks, or the one in DER: one at least, [`MAX_CHAIN`] at most. Only containers are
/// looked at.
pub fn certificates(pem_or_der: &[u8]) -> Result<Vec<Vec<u8>>, Untrusted> {
    if !pem::is_pem(pem_or_der) {
        let whole = X509Certificate::from_der(pem_or_der).is_ok_and(|(rest, _)| rest.is_empty());
        return if whole { Ok(vec![pem_or_der.to_vec()]) } else { Err(Untrusted::Malformed) };
    }
    let blocks = pem::blocks(pem_or_der, MAX_CHAIN + 1).map_err(|_| Untrusted::Malformed)?;
    if blocks.len() > MAX_CHAIN {
        return Err(Untrusted::ChainLength);
    }
    if blocks.iter().any(|block| block.label != "CERTIFICATE") {
        return Err(Untrusted::Malformed);
    }
    Ok(blocks.into_iter().map(|block| block.content.to_vec()).collect())
}

/// Judge a chain at a moment. The last certificate comes first; the order of the others does not matter, and a root among
/// them is trusted no more for having been sent. Costs some hundred microseconds: remember what it says, and ask
/// [`Leaf::judge`] again.
pub fn verify_chain(
    leaf_first: &[Vec<u8>],
    anchors: &Anchors,
    now: Timestamp,
    demands: &Demands,
) -> Result<Leaf, Untrusted> {
    let length = leaf_first.len();
    if length == 0 || length > MAX_CHAIN || demands.length.is_some_and(|demanded| demanded != length) {
        return Err(Untrusted::ChainLength);
    }
    let ders: Vec<CertificateDer<'_>> = leaf_first.iter().map(|der| CertificateDer::from(&der[..])).collect();
    if matches!(anchors.0, Roots::Web) && demands.names.is_empty() {
        return Err(Untrusted::WrongName);
    }
    let (first, others) = ders.split_first().ok_or(Untrusted::ChainLength)?;
    let leaf = parsed(first)?;
    let end = EndEntityCert::try_from(first).map_err(untrusted)?;
    let now = u64::try_from(now.unix()).map_err(|_| Untrusted::NotYetValid)?;
    let now = UnixTime::since_unix_epoch(Duration::from_secs(now));

    let mut believed: Option<Leaf> = None;
    let mut refused = None;
    for (place, group) in anchors.groups() {
        let path = end
            .verify_for_usage(
                webpki::ALL_VERIFICATION_ALGS,
                group,
                others,
                now,
                Purposes(&demands.purposes),
                None,
                None,
            )
            .map_err(untrusted)
            .and_then(|path| demands.judge(&leaf, &path));
        match path {
            Ok((not_before, not_after)) => {
                let so_far = believed.get_or_insert(Leaf {
                    print: Sha256::digest(first).into(),
                    key: PublicKey::from_spki(leaf.public_key().raw).map_err(|_| Untrusted::WrongPurpose)?,
                    not_before,
                    not_after,
                    anchors: Vec::new(),
                });
                so_far.not_before = so_far.not_before.max(not_before);
                so_far.not_after = so_far.not_after.min(not_after);
                so_far.anchors.extend(place);
            }
            // An anchor that has nothing to do with it knows least.
            Err(Untrusted::NoPath) => {}
            Err(other) => refused = refused.or(Some(other)),
        }
    }
    believed.ok_or(refused.unwrap_or(Untrusted::NoPath))
}

impl Demands {
    /// What is asked beside a path, and when all of it is valid.
    fn judge(
        &self,
        leaf: &X509Certificate<'_>,
        path: &VerifiedPath<'_>,
    ) -> Result<(Timestamp, Timestamp), Untrusted> {
        self.judge_leaf(leaf)?;
        let on_the_way: Vec<CertificateDer<'_>> =
            path.intermediate_certificates().map(webpki::Cert::der).collect();
        let on_the_way = on_the_way.iter().map(parsed).collect::<Result<Vec<_>, _>>()?;
        match on_the_way.first() {
            Some(issuer) if !self.issuer.iter().all(|oid| oid.is_in(issuer)) => {
                return Err(Untrusted::MissingOid);
            }
            None if !self.issuer.is_empty() => return Err(Untrusted::MissingOid),
            _ => {}
        }
        for certificate in &on_the_way {
            let usage = certificate.key_usage().map_err(|_| Untrusted::Malformed)?;
            if usage.is_some_and(|usage| !usage.value.key_cert_sign()) {
                return Err(Untrusted::NoPath);
            }
        }
        let validity = || std::iter::once(leaf).chain(&on_the_way).map(|one| one.validity());
        let first = validity().map(|v| v.not_before.timestamp()).max().ok_or(Untrusted::Malformed)?;
        let last = validity().map(|v| v.not_after.timestamp()).min().ok_or(Untrusted::Malformed)?;
        Ok((Timestamp::from_unix(first), Timestamp::from_unix(last)))
    }

    fn judge_leaf(&self, leaf: &X509Certificate<'_>) -> Result<(), Untrusted> {
        let names = leaf.subject_alternative_name().map_err(|_| Untrusted::Malformed)?;
        let names = names.iter().flat_map(|names| &names.value.general_names);
        let names: Vec<&str> = names
            .filter_map(|name| match name {
                GeneralName::DNSName(name) => Some(*name),
                _ => None,
            })
            .collect();
        let wildcard = names.iter().any(|name| name.contains('*'));
        let named = || names.iter().any(|name| self.names.iter().any(|pattern| pattern.fits(name)));
        if !self.names.is_empty() && (wildcard || !named()) {
            return Err(Untrusted::WrongName);
        }
        let usage = leaf.key_usage().map_err(|_| Untrusted::Malformed)?;
        if usage.is_some_and(|usage| !usage.value.digital_signature() && !usage.value.non_repudiation()) {
            return Err(Untrusted::WrongPurpose);
        }
        // Whether it is the right one, `Purposes` has asked; but it takes none at all for any.
        let purposes = leaf.extended_key_usage().map_err(|_| Untrusted::Malformed)?;
        if !self.purposes.is_empty() && purposes.is_none() {
            return Err(Untrusted::WrongPurpose);
        }
        let has_all = self.leaf.iter().all(|oid| oid.is_in(leaf));
        if has_all { Ok(()) } else { Err(Untrusted::MissingOid) }
    }
}

/// Every purpose that is demanded must be there, in every certificate that is for purposes at all.
struct Purposes<'d>(&'d [Oid]);

impl ExtendedKeyUsageValidator for Purposes<'_> {
    fn validate(&self, found: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        let found = found.collect::<Result<Vec<_>, _>>()?;
        let is_there = |oid: &Oid| found.contains(&KeyPurposeId::new(&oid.0));
        match found.is_empty() || self.0.iter().all(is_there) {
            true => Ok(()),
            false => Err(webpki::Error::EmptyEkuExtension),
        }
    }
}

impl NamePattern {
    /// Label by label, without regard to ASCII case.
    fn fits(&self, name: &str) -> bool {
        let (mut wanted, mut found) = (self.0.split('.'), name.split('.'));
        loop {
            match (wanted.next(), found.next()) {
                (None, None) => return true,
                (Some("*"), Some(label)) if is_label(&label.to_ascii_lowercase()) => {}
                (Some(wanted), Some(label)) if wanted != "*" && wanted.eq_ignore_ascii_case(label) => {}
                _ => return false,
            }
        }
    }
}

/// Letters in lower case, digits and inner hyphens.
fn is_label(label: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=63).contains(&label.len())
        && label.bytes().all(inner)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl Oid {
    /// Numbers with dots, into what stands in a certificate: X.690, section 8.19.
    fn parse(text: &str) -> Result<Self, KeyError> {
        Self::encode(text).ok_or_else(|| {
            KeyError::new(format!(
                "`{text}` is no object identifier: write numbers with dots, such as `1.3.6.1.5.5.7.3.3`"
            ))
        })
    }

    fn encode(text: &str) -> Option<Self> {
        let number = |part: &str| {
            let plain = part.bytes().all(|b| b.is_ascii_digit()) && (part == "0" || !part.starts_with('0'));
            if plain { part.parse::<u32>().ok() } else { None }
        };
        let numbers = text.split('.').map(number).collect::<Option<Vec<u32>>>()?;
        let (&[first, second], rest) = numbers.split_first_chunk()?;
        if first > 2 || (first < 2 && second > 39) || rest.is_empty() || rest.len() > 30 {
            return None;
        }
        let mut bytes = Vec::new();
        for number in std::iter::once((first * 40).checked_add(second)?).chain(rest.iter().copied()) {
            for shift in [28, 21, 14, 7, 0] {
                if shift == 0 || number >> shift != 0 {
                    let more = if shift == 0 { 0 } else { 0x80 };
                    bytes.push((number >> shift & 0x7f) as u8 | more);
                }
            }
        }
        Some(Oid(bytes))
    }

    /// Whether a certificate has this extension.
    fn is_in(&self, certificate: &X509Certificate<'_>) -> bool {
        certificate.extensions().iter().any(|extension| extension.oid.as_bytes() == self.0)
    }
}

fn parsed<'c>(der: &'c CertificateDer<'_>) -> Result<X509Certificate<'c>, Untrusted> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err(Untrusted::Malformed),
    }
}

fn untrusted(error: webpki::Error) -> Untrusted {
    use webpki::Error;
    match error {
        Error::CertExpired { .. } => Untrusted::Expired,
        Error::CertNotValidYet { .. } => Untrusted::NotYetValid,
        Error::EmptyEkuExtension | Error::RequiredEkuNotFoundContext(_) => Untrusted::WrongPurpose,
        Error::BadDer
        | Error::BadDerTime
        | Error::ExtensionValueInvalid
        | Error::InvalidCertValidity
        | Error::InvalidSerialNumber
        | Error::MalformedExtensions
        | Error::SignatureAlgorithmMismatch
        | Error::TrailingData(_)
        | Error::UnsupportedCertVersion => Untrusted::Malformed,
        _ => Untrusted::NoPath,
    }
}
