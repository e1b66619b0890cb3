//! A client certificate: how a server knows us before it reads a word.
//!
//! It is read and checked at once, chain and key against each other, so that the mistake is told where the files are
//! named and not at the first call. What the key was read from is not kept.

use crate::refused::{Refused, Why};
use rustls::InconsistentKeys;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use std::fmt;
use std::sync::Arc;

/// A certificate, those that lead from it to a root, and its private key. Clones share them.
#[derive(Clone)]
pub struct Identity(Arc<SingleCertAndKey>, usize);

impl Identity {
    /// Read both from PEM: `certificates` has ours first and then its issuers, `key` has one private key (PKCS#8, PKCS#1
    /// or SEC1; RSA, ECDSA of P-256, P-384 or P-521, or Ed25519), not encrypted. Where one file holds both, give it
    /// twice: what is of the other kind is passed over.
    ///
    /// Refused with [`Why::Setup`], and a sentence that says which of the two is wrong. Whether the certificate is in
    /// date, and whether it is for clients, the server judges.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, Refused> {
        let refused = |what: &str| Refused::new(Why::Setup, what);
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(certificates)
            .collect::<Result<_, _>>()
            .map_err(|_| refused("the client certificate's PEM is broken"))?;
        if chain.is_empty() {
            return Err(refused("there is no certificate in the client certificate's file"));
        }
        let provider = aws_lc_rs::default_provider();
        match CertifiedKey::from_der(chain, read_key(key)?, &provider) {
            Ok(read) => Ok(Identity(Arc::new(SingleCertAndKey::from(read.clone())), read.cert.len())),
            Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
                Err(refused("the private key is not that of the first certificate in the file"))
            }
            Err(rustls::Error::InvalidCertificate(_)) => {
                Err(refused("the first client certificate is no X.509"))
            }
            Err(_) => Err(refused("the client certificate's private key is of no kind that is used here")),
        }
    }

    pub(crate) fn shown(self) -> Arc<SingleCertAndKey> {
        self.0
    }
}

/// Prints how many certificates there are.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({} certificates, and their key)", self.1)
    }
}

fn read_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, Refused> {
    let refused = |what: &str| Err(Refused::new(Why::Setup, what));
    // PKCS#8 says it in its label, the older kinds in a header of their own.
    if has(pem, b"BEGIN ENCRYPTED PRIVATE KEY") || has(pem, b"Proc-Type: 4,ENCRYPTED") {
        return refused(
            "the client certificate's private key is encrypted, and there is nobody to ask for its password",
        );
    }
    let mut keys = PrivateKeyDer::pem_slice_iter(pem);
    match (keys.next(), keys.next()) {
        (Some(Ok(key)), None) => Ok(key),
        (Some(Ok(_)), Some(_)) => {
            refused("there is more than one private key in the client certificate's file")
        }
        (None, _) => refused("there is no private key in the client certificate's file"),
        (Some(Err(_)), _) => refused("the PEM of the client certificate's private key is broken"),
    }
}

fn has(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
