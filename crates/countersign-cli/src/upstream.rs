//! Where requests are sent on: a URL that the user typed.
//!
//! It goes through the one client of the workspace, which follows no redirect. An address of one's own is allowed, because the
//! user wrote it down; the rule of addresses is for URLs that strangers write.

use crate::error::Failure;
use countersign_egress::{Client, HeaderMap, Limits, Method, Refused, Request, Response, Url};
use countersign_gateway::config::reach_of;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

/// How long a receiver that is being worked on may take: somebody may be looking at it in a debugger.
const TIME: Duration = Duration::from_secs(60);

/// The longest answer that is handed back, in bytes.
const ANSWER: usize = 16 << 20;

/// One target.
pub(crate) struct Upstream {
    client: Client,
    url: Url,
    /// What stands before the path of each request: the URL names no path of its own.
    origin: Option<String>,
}

/// What became of a request that was sent.
pub(crate) struct Sent {
    pub(crate) answer: Result<Response, Refused>,
    pub(crate) took: Duration,
}

impl Upstream {
    /// Read what was given to `option`.
    pub(crate) fn parse(option: &str, text: &str) -> Result<Self, Failure> {
        // Before an `@` may stand a password.
        let shown = text.rfind('@').map_or(text, |at| &text[at + 1..]);
        // And in a query a key.
        let shown = shown.split_once('?').map_or(shown, |(shown, _)| shown);
        let wrong = |what: &str| {
            Failure::usage(format!("{option}: `{shown}`: {what}")).next(
                "write it whole: http://127.0.0.1:3000/hooks, or without a path to keep each request's own",
            )
        };
        let url = Url::parse(text).map_err(|_| wrong("this is no absolute URL"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("it is neither of http nor of https"));
        }
        let client = Client::builder().reach(reach_of([&url])).build();
        let client = client.map_err(|refused| Failure::stream("call out", refused))?;
        client.reach().judge_url(text).map_err(|refused| wrong(&refused.what))?;
        let bare = url.path() == "/" && url.query().is_none();
        let origin = bare.then(|| url.origin().ascii_serialization());
        Ok(Upstream { client, url, origin })
    }

    /// The whole URL for a request with this path and query.
    pub(crate) fn place(&self, target: &str) -> String {
        if let Some(origin) = &self.origin {
            let slash = if target.starts_with('/') { "" } else { "/" };
            return format!("{origin}{slash}{target}");
        }
        match target.split_once('?') {
            Some((_, query)) => {
                let mark = if self.url.query().is_some() { '&' } else { '?' };
                format!("{}{mark}{query}", self.url)
            }
            None => self.url.to_string(),
        }
    }

    /// Whether it goes out in another spelling than this: dots are taken out of paths, and blanks encoded.
    pub(crate) fn respells(&self, url: &str) -> bool {
        Url::parse(url).is_ok_and(|parsed| parsed.as_str() != url)
    }

    /// Send one, once.
    pub(crate) async fn send(&self, method: Method, url: String, headers: HeaderMap, body: Vec<u8>) -> Sent {
        let mut request = Request::post(url, body);
        (request.method, request.headers) = (method, headers);
        let began = Instant::now();
        let answer = self.client.send(request, &Limits::default().bytes(ANSWER).time(TIME)).await;
        Sent { answer, took: began.elapsed() }
    }

    /// Whether it leads to who listens at `address`.
    pub(crate) fn is(&self, address: SocketAddr) -> bool {
        let host = self.url.host_str().unwrap_or_default();
        self.url.port_or_known_default() == Some(address.port())
            && (is_loopback(host) && (address.ip().is_loopback() || address.ip().is_unspecified())
                || written(host) == Some(address.ip()))
    }
}

/// Whether a URL, if it is one, leads to this machine.
pub(crate) fn leads_home(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| url.host_str().is_some_and(is_loopback))
}

fn is_loopback(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || written(host).is_some_and(|ip| ip.is_loopback() || ip == Ipv4Addr::UNSPECIFIED)
}

/// The address that a host is written as.
fn written(host: &str) -> Option<IpAddr> {
    host.trim_matches(['[', ']']).parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_url_without_a_path_keeps_the_path_of_each_request() {
        let place = |to: &str, target: &str| Upstream::parse("--forward", to).unwrap().place(target);
        assert_eq!(place("http://127.0.0.1:3000", "/a%2Fb?c=%20"), "http://127.0.0.1:3000/a%2Fb?c=%20");
        assert_eq!(place("http://127.0.0.1:3000/", "*"), "http://127.0.0.1:3000/*");
        assert_eq!(place("http://127.0.0.1:3000/h", "/a?b=1"), "http://127.0.0.1:3000/h?b=1");
        assert_eq!(place("http://127.0.0.1:3000/h?k=1", "/a?b=1"), "http://127.0.0.1:3000/h?k=1&b=1");
        assert_eq!(place("http://127.0.0.1:3000/?k=1", "/a"), "http://127.0.0.1:3000/?k=1");
    }

    #[test]
    fn only_this_machine_is_home() {
        for url in ["http://localhost:1/", "http://a.localhost/", "http://127.9.9.9/", "http://[::1]:8/"] {
            assert!(leads_home(url), "{url}");
        }
        for url in
            ["http://example.com/", "http://localhost.example.com/", "http://10.0.0.1/", "localhost", "/a"]
        {
            assert!(!leads_home(url), "{url}");
        }
    }

    #[test]
    fn a_target_that_is_the_listener_itself_is_known() {
        let is = |to: &str, at: &str| Upstream::parse("--forward", to).unwrap().is(at.parse().unwrap());
        assert!(is("http://localhost:80/x", "127.0.0.1:80") && is("http://127.0.0.1:80", "0.0.0.0:80"));
        assert!(!is("http://localhost:81/x", "127.0.0.1:80") && !is("http://10.0.0.1:80", "127.0.0.1:80"));
    }
}
