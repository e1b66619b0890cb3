//! Which of a sender's headers go further: to the upstream, and into the store.
//!
//! What belongs to a connection stays with it. What may be a credential goes nowhere: the list is of patterns and not of names
//! of providers, for the next leak has a name that nobody knows yet. And no sender speaks in our name: whatever begins like our
//! own headers is dropped before ours are added.

use http::HeaderMap;

/// How our own headers begin, in lower case.
pub const OURS: &str = "x-countersign-";

/// The same without hyphens.
const OURS_PLAIN: &str = "xcountersign";

/// They belong to one connection (RFC 9110, 7.6.1), or say how a body travels, and we send it anew.
const HOP_BY_HOP: [&str; 11] = [
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "upgrade-insecure-requests",
];

/// How names begin that say who somebody is to a proxy, or who a proxy says that somebody is: nobody signed them.
const DENIED_PREFIXES: [&str; 8] =
    ["proxy", "forwarded", "xforwarded", "xrealip", "xoriginalurl", "xrewriteurl", "xssl", "xclientcert"];

/// A name that holds one of these may be a credential.
const DENIED_WORDS: [&str; 10] = [
    "authorization",
    "cookie",
    "secret",
    "token",
    "password",
    "passwd",
    "apikey",
    "credential",
    "privatekey",
    "jwt",
];

/// Whether a header of this name, in lower case, may go further. Hyphens, underscores and dots are not looked at: there are servers
/// to which they are one.
pub(crate) fn is_safe(name: &str) -> bool {
    let plain = plain(name);
    if stays(name, &plain) {
        return false;
    }
    // Somebody's way around a method, which no signature covers.
    let overrides = plain.contains("methodoverride") || plain == "xhttpmethod";
    !overrides
        && !DENIED_PREFIXES.iter().any(|prefix| plain.starts_with(prefix))
        && !DENIED_WORDS.iter().any(|word| plain.contains(word))
}

/// The headers that may go further, in their order, and those of these names whatever they are called; without those that
/// `Connection` names.
pub(crate) fn safe<'h, 'w>(
    headers: &'h HeaderMap,
    wanted: &'w [&'w str],
) -> impl Iterator<Item = (&'h http::HeaderName, &'h http::HeaderValue)> {
    let named = named(headers);
    headers
        .iter()
        .filter(|(name, _)| is_safe(name.as_str()) || wanted.contains(&name.as_str()))
        .filter(move |(name, _)| !named.iter().any(|named| named == name.as_str()))
}

/// The headers of a message that is handed on whole, in their order, credentials and all: for whoever tries his own receiver, and
/// never for what a stranger's message may reach. Those of the connection stay behind, and those that speak in our name.
pub fn passed_on(headers: &HeaderMap) -> impl Iterator<Item = (&http::HeaderName, &http::HeaderValue)> {
    let named = named(headers);
    headers
        .iter()
        .filter(|(name, _)| !stays(name.as_str(), &plain(name.as_str())))
        .filter(move |(name, _)| !named.iter().any(|named| named == name.as_str()))
}

/// Whether a header of this name, in lower case and as [`plain`] has it, belongs to the connection, or speaks in our name.
fn stays(name: &str, plain: &str) -> bool {
    let hyphened = || name.bytes().map(|byte| if byte == b'_' { b'-' } else { byte });
    HOP_BY_HOP.iter().any(|hop| hop.bytes().eq(hyphened())) || plain.starts_with(OURS_PLAIN)
}

fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_' | '.')).collect()
}

/// The headers that `Connection` names.
fn named(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all("connection").iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(|name| name.trim().to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_connections_and_our_own_name_stay_behind() {
        for name in [
            "authorization",
            "proxy-authorization",
            "cookie",
            "x-api-key",
            "x_api_key",
            "x-acme-encoded-secret",
            "x-gitlab-token",
            "x-auth-token",
            "x-db-password",
            "transfer-encoding",
            "content-length",
            "host",
            "x-countersign-verified",
            "x-countersign-anything",
            "x-http-method-override",
            "x-ssl-client-verify",
            "x_countersign_verified",
            "x.countersign.verified",
            "transfer_encoding",
            "proxy",
            "x-forwarded-authorization",
            "x-forwarded-for",
            "x-goog-iap-jwt-assertion",
        ] {
            assert!(!is_safe(name), "{name}");
        }
        for name in [
            "content-type",
            "user-agent",
            "x-acme-signature",
            "webhook-id",
            "content-encoding",
            "x-acme-event",
        ] {
            assert!(is_safe(name), "{name}");
        }
    }

    #[test]
    fn what_connection_names_stays_behind_too() {
        let headers: HeaderMap =
            [("connection", "close, X-Acme-Hop"), ("x-acme-hop", "1"), ("x-acme-id", "2")]
                .into_iter()
                .map(|(name, value)| {
                    (http::HeaderName::from_static(name), http::HeaderValue::from_static(value))
                })
                .collect();
        let left: Vec<_> = safe(&headers, &[]).map(|(name, _)| name.as_str()).collect();
        assert_eq!(left, ["x-acme-id"]);
        let left: Vec<_> = passed_on(&headers).map(|(name, _)| name.as_str()).collect();
        assert_eq!(left, ["x-acme-id"]);
    }

    #[test]
    fn what_is_handed_on_whole_keeps_its_credentials_and_not_our_name() {
        let names = ["authorization", "x-acme-token", "host", "x-countersign-verified", "x_countersign.key"];
        let pairs =
            names.map(|name| (http::HeaderName::from_static(name), http::HeaderValue::from_static("1")));
        let headers: HeaderMap = pairs.into_iter().collect();
        let left: Vec<_> = passed_on(&headers).map(|(name, _)| name.as_str()).collect();
        assert_eq!(left, ["authorization", "x-acme-token"]);
    }
}
