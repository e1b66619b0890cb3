//! An authority of a test's own: certificates, and servers that have one or demand one.

use crate::server::{Server, answer, head};
use countersign_egress::Identity;
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// It signs; `root` is its certificate as PEM.
pub(crate) struct Authority {
    pub(crate) root: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = params.self_signed(&key).unwrap().pem();
        Authority { root, issuer: Issuer::new(params, key) }
    }

    /// A certificate for this name, and its key, as PEM.
    pub(crate) fn certificate(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.into()]).unwrap();
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    pub(crate) fn identity(&self) -> Identity {
        let (certificate, key) = self.certificate("gateway.example");
        Identity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap()
    }

    /// TLS with a certificate for `keys.example`; if `of` is there, with clients that have one of that authority's.
    pub(crate) fn acceptor(&self, of: Option<&Authority>) -> TlsAcceptor {
        TlsAcceptor::from(Arc::new(self.config(of)))
    }

    /// The same, before it is settled.
    pub(crate) fn config(&self, of: Option<&Authority>) -> ServerConfig {
        let (certificate, key) = self.certificate("keys.example");
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let config = match of {
            None => ServerConfig::builder().with_no_client_auth(),
            Some(of) => {
                let mut roots = RootCertStore::empty();
                roots.add(CertificateDer::from_pem_slice(of.root.as_bytes()).unwrap()).unwrap();
                let clients = WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap();
                ServerConfig::builder().with_client_cert_verifier(clients)
            }
        };
        config.with_single_cert(chain, key).unwrap()
    }

    /// A server behind such TLS, which says `secured`.
    pub(crate) async fn server(&self, of: Option<&Authority>) -> Server {
        let acceptor = self.acceptor(of);
        Server::start(move |stream| secured(acceptor.clone(), stream)).await
    }
}

async fn secured(acceptor: TlsAcceptor, stream: TcpStream) {
    match acceptor.accept(stream).into_fallible().await {
        Ok(mut stream) => {
            head(&mut stream).await;
            stream.write_all(answer("200 OK", "", "secured").as_bytes()).await.ok();
            stream.shutdown().await.ok();
        }
        Err((_, mut stream)) => {
            // What the client has sent meanwhile is read, lest its reading of our reason be cut off.
            stream.shutdown().await.ok();
            stream.read_to_end(&mut Vec::new()).await.ok();
        }
    }
}
