//! A proxy that an operator named.
//!
//! The surprising decision is what it is asked for: never a name. Names are looked up and judged here, and the proxy is
//! asked to `CONNECT` to the judged address and no other, `http` targets included. So the rule of addresses is asked
//! about the target, as it is without a proxy, whatever the proxy would have allowed. A proxy that only knows names
//! (because it filters by them) refuses such a call, and nothing else happens.

use crate::refused::{Refused, Why};
use http::{HeaderValue, Uri};
use std::fmt;
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use url::Url;
use zeroize::Zeroizing;

/// Where the proxy is, and what it knows us by.
///
/// ```
/// use countersign_egress::{Client, Proxy};
///
/// let proxy = Proxy::new("http://proxy.internal:3128")?.credentials("gateway", "not printed")?;
/// assert_eq!(format!("{proxy:?}"), "Proxy(http://proxy.internal:3128/, with credentials)");
/// let client = Client::builder().proxy(proxy).build()?;
/// # Ok::<_, countersign_egress::Refused>(())
/// ```
#[derive(Clone)]
pub struct Proxy {
    uri: Uri,
    /// The header's value, as it is sent.
    credentials: Option<Zeroizing<String>>,
}

/// The longest head that a proxy's answer may have, in bytes.
const MAX_HEAD: usize = 8 << 10;

impl Proxy {
    /// A proxy by its URL: `http://HOST:PORT`, or `https://…` where it speaks TLS itself. Its address is not judged:
    /// whoever names a proxy may have it in a private network. SOCKS is not spoken.
    ///
    /// A user and a password in the URL are refused: a URL is printed, so they are given apart.
    pub fn new(url: &str) -> Result<Self, Refused> {
        let refused = |what: &str| Err(Refused::new(Why::Setup, what));
        let Ok(url) = Url::parse(url) else { return refused("the proxy is no absolute URL") };
        if !matches!(url.scheme(), "http" | "https") {
            return refused("the proxy's URL begins with neither `http://` nor `https://`");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refused("the proxy's URL carries a user or a password, which are given apart");
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return refused("the proxy's URL has more than a host and a port");
        }
        match url.as_str().parse() {
            Ok(uri) => Ok(Proxy { uri, credentials: None }),
            Err(_) => refused("the proxy's URL names no host"),
        }
    }

    /// Be known to it by these (`Basic`, RFC 7617). They go over the network as they are, unless the proxy's URL is of
    /// `https`. The user has no colon, and neither has control characters. Our copy is wiped when it is no longer used.
    pub fn credentials(self, user: &str, password: &str) -> Result<Self, Refused> {
        if user.contains(':') || user.chars().chain(password.chars()).any(char::is_control) {
            return Err(Refused::new(
                Why::Setup,
                "the proxy's user has a colon, or its credentials have control characters",
            ));
        }
        let mut plain = Zeroizing::new(String::with_capacity(user.len() + 1 + password.len()));
        plain.extend([user, ":", password]);
        let encoded = Zeroizing::new(base64_simd::STANDARD.encode_to_string(plain.as_bytes()));
        Ok(Proxy { credentials: Some(encoded), ..self })
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Ask for a way to `to`; gives the status of the answer, which is read to the end of its head and not further.
    pub(crate) async fn connect(
        &self,
        stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
        to: SocketAddr,
        agent: &HeaderValue,
    ) -> Result<u16, Refused> {
        let broken = |_| Refused::new(Why::Proxy, "the proxy hung up before it answered");
        stream.write_all(&self.question(to, agent)).await.map_err(broken)?;
        stream.flush().await.map_err(broken)?;
        let mut head = Vec::new();
        // By single bytes: what follows the head is the target's, and a tunnel is opened once a connection.
        while !head.ends_with(b"\r\n\r\n") {
            if head.len() == MAX_HEAD {
                return Err(Refused::new(Why::Proxy, format!("the proxy's answer is over {MAX_HEAD} bytes")));
            }
            head.push(stream.read_u8().await.map_err(broken)?);
        }
        status(&head).ok_or_else(|| Refused::new(Why::Proxy, "the proxy does not answer in HTTP/1"))
    }

    /// All of it that is secret is wiped with it.
    fn question(&self, to: SocketAddr, agent: &HeaderValue) -> Zeroizing<Vec<u8>> {
        let mut question = Zeroizing::new(Vec::with_capacity(1024));
        question.extend_from_slice(format!("CONNECT {to} HTTP/1.1\r\nhost: {to}\r\nuser-agent: ").as_bytes());
        question.extend_from_slice(agent.as_bytes());
        if let Some(credentials) = &self.credentials {
            question.extend_from_slice(b"\r\nproxy-authorization: Basic ");
            question.extend_from_slice(credentials.as_bytes());
        }
        question.extend_from_slice(b"\r\n\r\n");
        question
    }
}

/// Prints where it is, and whether there are credentials.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Proxy { uri, credentials } = self;
        write!(f, "Proxy({uri}{})", if credentials.is_some() { ", with credentials" } else { "" })
    }
}

/// Of `HTTP/1.1 200 OK`.
fn status(head: &[u8]) -> Option<u16> {
    let rest = head.strip_prefix(b"HTTP/1.1 ").or_else(|| head.strip_prefix(b"HTTP/1.0 "))?;
    let (digits, after) = rest.split_at_checked(3)?;
    let whole = matches!(after.first(), Some(b' ' | b'\r')) && digits.iter().all(u8::is_ascii_digit);
    whole.then(|| digits.iter().fold(0, |status, digit| status * 10 + u16::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_proxy_is_a_host_and_a_port() {
        for (url, said) in [
            ("http://proxy.internal:3128", None),
            ("https://10.0.0.1", None),
            ("http://[fd00::1]:3128/", None),
            ("socks5://proxy:1080", Some("neither")),
            ("proxy:3128", Some("neither")),
            ("proxy", Some("no absolute URL")),
            ("http://user:hunter2@proxy:3128", Some("given apart")),
            ("http://user@proxy", Some("given apart")),
            ("http://proxy/path", Some("more than")),
            ("http://proxy/?a=b", Some("more than")),
            ("http://", Some("no absolute URL")),
        ] {
            let refused = Proxy::new(url).err().map(|refused| refused.to_string());
            assert_eq!(refused.is_some(), said.is_some(), "{url}: {refused:?}");
            let refused = refused.unwrap_or_default();
            assert!(refused.contains(said.unwrap_or_default()) && !refused.contains("hunter2"), "{refused}");
        }
    }

    #[test]
    fn credentials_are_sent_and_never_printed() {
        let proxy = Proxy::new("http://proxy:3128").unwrap().credentials("Aladdin", "open sesame").unwrap();
        let question = proxy.question("192.0.2.1:443".parse().unwrap(), &HeaderValue::from_static("us"));
        let question = String::from_utf8(question.to_vec()).unwrap();
        // The example of RFC 7617, section 2.
        assert!(
            question.contains("proxy-authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"),
            "{question}"
        );
        let printed = format!("{proxy:?}");
        assert_eq!(printed, "Proxy(http://proxy:3128/, with credentials)");
        for (user, password) in [("a:b", "c"), ("a", "b\r\nhost: evil"), ("a\0", "b")] {
            let refused = Proxy::new("http://proxy").unwrap().credentials(user, password).unwrap_err();
            assert!(!refused.to_string().contains("evil"));
        }
    }

    #[test]
    fn only_a_status_line_of_http_1_is_a_status() {
        for (head, read) in [
            ("HTTP/1.1 200 OK\r\n\r\n", Some(200)),
            ("HTTP/1.0 407\r\n\r\n", Some(407)),
            ("HTTP/1.1 2000 OK\r\n\r\n", None),
            ("HTTP/1.1 +20 OK\r\n\r\n", None),
            ("HTTP/2 200\r\n\r\n", None),
            ("ICY 200 OK\r\n\r\n", None),
            ("HTTP/1.1 ", None),
        ] {
            assert_eq!(status(head.as_bytes()), read, "{head}");
        }
    }
}
