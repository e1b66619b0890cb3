//! From a name to the addresses that are dialled.
//!
//! If one address of a name is refused, the name is: who answers with a public and a private address is misconfigured
//! or up to something, and which of the two would be dialled is chance. An operator who means it allows the network.

use crate::reach::{OWN, Reach, is_localhost};
use crate::refused::{Refused, Why};
use hyper_util::client::legacy::connect::dns::Name;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::vec;
use tower_service::Service;

/// A look-up under way.
pub type Looking = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Where addresses come from. Whatever it answers is judged, so that an implementation need not be trusted to filter;
/// it is asked once a connection.
pub trait Lookup: Send + Sync {
    /// Every address of `name`, which is in lower case and never `localhost`.
    fn lookup(&self, name: &str) -> Looking;
}

/// As this machine does it, but without its search domains: `metadata` must not become `metadata.corp.example`. Blocks a
/// thread of the runtime's for as long as the system takes, past our own limits of time.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, name: &str) -> Looking {
        let name = absolute(name);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|found| found.ip()).collect())
        })
    }
}

/// The final dot says that the name is whole.
fn absolute(name: &str) -> String {
    format!("{}.", name.strip_suffix('.').unwrap_or(name))
}

/// How many addresses of one name are tried.
const MAX_DIALLED: usize = 8;

/// Looks a name up, judges what comes, and hands on nothing else: the connector dials these and asks nobody again.
#[derive(Clone)]
pub(crate) struct Judged {
    pub(crate) reach: Arc<Reach>,
    pub(crate) lookup: Arc<dyn Lookup>,
}

impl Judged {
    pub(crate) async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, Refused> {
        let Judged { reach, lookup } = self;
        if is_localhost(name) {
            return reach.localhost();
        }
        let mut found = looked_up(&**lookup, name).await?;
        for address in &found {
            reach.judge(*address).map_err(|refused| Refused {
                what: format!("`{name}` leads to an address that may not be called: {}", refused.what),
                ..refused
            })?;
        }
        found.truncate(MAX_DIALLED);
        Ok(found)
    }
}

impl Service<Name> for Judged {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = Refused;
    type Future = Resolving;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refused>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Resolving {
        let judged = self.clone();
        Box::pin(async move { Ok(sockets(judged.addresses(name.as_str()).await?)) })
    }
}

/// Looks up the one name that an operator wrote: the proxy's. It is not judged, for a proxy stands in a private network
/// as a rule, and nobody else can choose it.
#[derive(Clone)]
pub(crate) struct Unjudged(pub(crate) Arc<dyn Lookup>);

impl Service<Name> for Unjudged {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = Refused;
    type Future = Resolving;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refused>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Resolving {
        let lookup = self.0.clone();
        Box::pin(async move {
            if is_localhost(name.as_str()) {
                return Ok(sockets(OWN.to_vec()));
            }
            Ok(sockets(looked_up(&*lookup, name.as_str()).await?))
        })
    }
}

/// Addresses under way.
type Resolving = Pin<Box<dyn Future<Output = Result<vec::IntoIter<SocketAddr>, Refused>> + Send>>;

/// Port 0 stands for the URL's own.
fn sockets(found: Vec<IpAddr>) -> vec::IntoIter<SocketAddr> {
    found.into_iter().map(|address| SocketAddr::new(address, 0)).collect::<Vec<_>>().into_iter()
}

async fn looked_up(lookup: &dyn Lookup, name: &str) -> Result<Vec<IpAddr>, Refused> {
    let dns = |what: &str| Refused::new(Why::Dns, format!("`{name}` {what}"));
    let found = lookup.lookup(name).await.map_err(|_| dns("could not be looked up"))?;
    if found.is_empty() {
        return Err(dns("has no address"));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_asked_whole() {
        for (name, asked) in
            [("metadata", "metadata."), ("metadata.", "metadata."), ("keys.example.com", "keys.example.com.")]
        {
            assert_eq!(absolute(name), asked);
        }
    }

    #[test]
    fn the_names_of_this_machine_are_known_in_every_spelling() {
        for (name, own) in [
            ("localhost", true),
            ("LocalHost.", true),
            ("a.b.localhost", true),
            ("notlocalhost", false),
            ("localhost.example", false),
            ("", false),
        ] {
            assert_eq!(is_localhost(name), own, "{name}");
        }
    }
}
