//! Making a client: what it is told is checked here, so that a client that is there can call.

use crate::client::Client;
use crate::dial::{ByProxy, Dial};
use crate::identity::Identity;
use crate::lookup::{Judged, Lookup, SystemLookup, Unjudged};
use crate::proxy::Proxy;
use crate::reach::Reach;
use crate::refused::{Refused, Why};
use http::HeaderValue;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::client::WantsClientCert;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use std::sync::Arc;
use std::time::Duration;

/// Settings of a [`Client`].
pub struct Builder {
    reach: Reach,
    lookup: Arc<dyn Lookup>,
    agent: String,
    roots: Vec<Vec<u8>>,
    proxy: Option<Proxy>,
    identity: Option<Identity>,
}

/// How long all of a name's addresses together may take to connect, each its share; by a proxy, each of them.
const CONNECT: Duration = Duration::from_secs(3);

/// How much an HTTP/2 server may send ahead of our reading, in bytes.
const WINDOW: u32 = 256 << 10;

impl Builder {
    pub(crate) fn new() -> Self {
        Builder {
            reach: Reach::public(),
            lookup: Arc::new(SystemLookup),
            agent: concat!("countersign/", env!("CARGO_PKG_VERSION")).into(),
            roots: Vec::new(),
            proxy: None,
            identity: None,
        }
    }

    /// What it may call.
    #[must_use]
    pub fn reach(self, reach: Reach) -> Self {
        Builder { reach, ..self }
    }

    /// Look names up otherwise. What comes is judged all the same.
    #[must_use]
    pub fn lookup(self, lookup: Arc<dyn Lookup>) -> Self {
        Builder { lookup, ..self }
    }

    /// Be called something other than `countersign/VERSION`.
    #[must_use]
    pub fn agent(self, agent: impl Into<String>) -> Self {
        Builder { agent: agent.into(), ..self }
    }

    /// Trust the certificates of this PEM file, and none of this machine's roots.
    #[must_use]
    pub fn trust_only(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots.push(pem.into());
        self
    }

    /// Go by this proxy, always: there is no list of exceptions, and nothing is dialled directly when it fails.
    #[must_use]
    pub fn proxy(self, proxy: Proxy) -> Self {
        Builder { proxy: Some(proxy), ..self }
    }

    /// Show this certificate to every server that asks for one. A proxy is shown none.
    #[must_use]
    pub fn identity(self, identity: Identity) -> Self {
        Builder { identity: Some(identity), ..self }
    }

    /// Make it. Reads this machine's roots, unless it was given others; without any it cannot be made.
    pub fn build(self) -> Result<Client, Refused> {
        let Builder { reach, lookup, agent, roots, proxy, identity } = self;
        let agent = HeaderValue::try_from(agent)
            .map_err(|_| Refused::new(Why::Setup, "the user agent is no text of one line"))?;
        let (reach, by_proxy) = (Arc::new(reach), proxy.is_some());
        let tls = trusting(&roots)?;
        let judged = Judged { reach: reach.clone(), lookup: lookup.clone() };
        let dial = match proxy {
            None => Dial::Direct(tcp(judged)),
            Some(proxy) => Dial::ByProxy(ByProxy {
                road: HttpsConnectorBuilder::new()
                    .with_tls_config(tls.clone().with_no_client_auth())
                    .https_or_http()
                    .enable_http1()
                    .wrap_connector(tcp(Unjudged(lookup))),
                proxy: Arc::new(proxy),
                judged,
                agent: agent.clone(),
                time: CONNECT,
            }),
        };
        let tls = match identity {
            None => tls.with_no_client_auth(),
            Some(identity) => tls.with_client_cert_resolver(identity.shown()),
        };
        let road = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(dial);
        let http = legacy::Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            // As many as are sent to one receiver at once: each that is not kept costs a handshake.
            .pool_max_idle_per_host(64)
            .pool_idle_timeout(Duration::from_secs(30))
            // The one that stays on: what a kept connection was closed on before it was sent goes by a new one.
            .retry_canceled_requests(true)
            .http2_initial_stream_window_size(WINDOW)
            .http2_initial_connection_window_size(4 * WINDOW)
            .build(road);
        Ok(Client { http, reach, agent, by_proxy })
    }
}

/// TCP to the addresses that `lookup` gives.
fn tcp<L>(lookup: L) -> HttpConnector<L> {
    let mut tcp = HttpConnector::new_with_resolver(lookup);
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT));
    tcp
}

/// TLS with this machine's roots, or with these and no others.
fn trusting(roots: &[Vec<u8>]) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, Refused> {
    let setup = |error: rustls::Error| Refused::new(Why::Setup, error.to_string());
    let provider = Arc::new(aws_lc_rs::default_provider());
    let tls =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(setup)?;
    if roots.is_empty() {
        return tls.with_platform_verifier().map_err(setup);
    }
    let mut trusted = RootCertStore::empty();
    for pem in roots {
        for root in CertificateDer::pem_slice_iter(pem) {
            let root = root.map_err(|_| Refused::new(Why::Setup, "the PEM file of roots is broken"))?;
            trusted.add(root).map_err(setup)?;
        }
    }
    if trusted.is_empty() {
        return Err(Refused::new(Why::Setup, "the PEM file of roots holds no certificate"));
    }
    Ok(tls.with_root_certificates(trusted))
}
