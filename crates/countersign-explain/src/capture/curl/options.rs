//! The options of curl: which touch the request, and how; which do not; and which cannot be read from the command line alone.

/// What an option takes, and does to the request.
#[derive(Clone, Copy)]
pub(super) enum Takes {
    /// Nothing, and nothing.
    Flag,
    /// A value, and nothing.
    Value,
    /// It changes the request.
    Does(Act),
    /// It makes a request that is not in the command line: why.
    Refused(&'static str),
}

/// How an option changes the request.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Act {
    Agent,
    Bearer,
    Cookie,
    Data,
    DataEncoded,
    DataRaw,
    Get,
    Globoff,
    Head,
    Header,
    Json,
    Method,
    PathAsIs,
    Referer,
    Url,
    User,
}

use Takes::{Does, Flag, Refused, Value};

const AT_SEND: &str = "curl computes a header from it when it sends: give the headers that were sent";
const CHANGES: &str = "it changes the body when it sends: write it as it was sent";
const NETRC: &str = "the credentials stand in a file: give the header that was sent";
const PARTS: &str = "the parts of its body are divided by a line that curl makes up when it sends: give the body as it was \
    sent with --data-raw, or save the request as a raw HTTP message";
pub(super) const FROM_FILE: &str = "what is sent stands in a file, and a capture has to hold it";

/// Those that touch the request: letter, name, what becomes of it.
const OPTIONS: &[(char, &str, Takes)] = &[
    ('A', "user-agent", Does(Act::Agent)),
    (' ', "oauth2-bearer", Does(Act::Bearer)),
    ('b', "cookie", Does(Act::Cookie)),
    ('d', "data", Does(Act::Data)),
    (' ', "data-ascii", Does(Act::Data)),
    (' ', "data-binary", Does(Act::Data)),
    (' ', "data-raw", Does(Act::DataRaw)),
    (' ', "data-urlencode", Does(Act::DataEncoded)),
    ('G', "get", Does(Act::Get)),
    ('g', "globoff", Does(Act::Globoff)),
    ('I', "head", Does(Act::Head)),
    ('H', "header", Does(Act::Header)),
    (' ', "json", Does(Act::Json)),
    ('X', "request", Does(Act::Method)),
    (' ', "path-as-is", Does(Act::PathAsIs)),
    ('e', "referer", Does(Act::Referer)),
    (' ', "url", Does(Act::Url)),
    ('u', "user", Does(Act::User)),
    ('F', "form", Refused(PARTS)),
    (' ', "form-string", Refused(PARTS)),
    ('T', "upload-file", Refused(FROM_FILE)),
    (' ', "etag-compare", Refused(FROM_FILE)),
    ('K', "config", Refused("more of the command stands in a file, and a capture has to hold it")),
    ('n', "netrc", Refused(NETRC)),
    (' ', "netrc-file", Refused(NETRC)),
    (' ', "netrc-optional", Refused(NETRC)),
    (':', "next", Refused("it begins a second request: give one")),
    (' ', "aws-sigv4", Refused(AT_SEND)),
    (' ', "digest", Refused(AT_SEND)),
    (' ', "ntlm", Refused(AT_SEND)),
    (' ', "negotiate", Refused(AT_SEND)),
    (' ', "anyauth", Refused(AT_SEND)),
    ('C', "continue-at", Refused(AT_SEND)),
    ('r', "range", Refused("give the header that was sent: -H 'Range: …'")),
    ('z', "time-cond", Refused("give the header that was sent: -H 'If-Modified-Since: …'")),
    (' ', "tr-encoding", Refused("give the headers that were sent")),
    (' ', "request-target", Refused("it sends another target than the URL's: write the URL so")),
    (' ', "url-query", Refused("write the query into the URL, as it was sent")),
    (' ', "variable", Refused("variables are not replaced here: write what they stand for")),
    (' ', "crlf", Refused(CHANGES)),
    ('B', "use-ascii", Refused(CHANGES)),
];

/// Those that do not, and take nothing; before a `:` stands their letter.
const FLAGS: &str = "
    s:silent S:show-error v:verbose i:include k:insecure L:location f:fail 0:http1.0 4:ipv4 6:ipv6 N:no-buffer
    #:progress-bar 1:tlsv1 O:remote-name J:remote-header-name R:remote-time Z:parallel q:disable p:proxytunnel
    j:junk-session-cookies location-trusted fail-with-body fail-early compressed http1.1 http2 http2-prior-knowledge http3
    http3-only no-progress-meter basic tlsv1.0 tlsv1.1 tlsv1.2 tlsv1.3 ssl ssl-reqd ssl-no-revoke raw tcp-nodelay
    tcp-fastopen no-keepalive no-sessionid no-alpn styled-output no-styled-output post301 post302 post303
    retry-connrefused retry-all-errors trace-time create-dirs proxy-insecure";

/// And those that do not, and take a value.
const VALUES: &str = "
    o:output m:max-time x:proxy U:proxy-user E:cert w:write-out D:dump-header c:cookie-jar Y:speed-limit y:speed-time
    output-dir connect-timeout retry retry-delay retry-max-time proxy-header noproxy socks5 socks5-hostname cacert capath
    cert-type key key-type pass pinnedpubkey ciphers tls13-ciphers tls-max curves resolve connect-to interface local-port
    unix-socket dns-servers doh-url stderr trace trace-ascii limit-rate rate max-redirs max-filesize keepalive-time proto
    proto-redir hsts alt-svc expect100-timeout happy-eyeballs-timeout-ms etag-save libcurl";

/// Every option that is known.
fn all() -> impl Iterator<Item = (char, &'static str, Takes)> {
    let harmless = |names: &'static str, takes: Takes| {
        names.split_whitespace().map(move |name| match name.split_once(':') {
            Some((letter, name)) => (letter.chars().next().unwrap_or(' '), name, takes),
            None => (' ', name, takes),
        })
    };
    OPTIONS.iter().copied().chain(harmless(FLAGS, Flag)).chain(harmless(VALUES, Value))
}

impl Takes {
    /// The option of a name, without its hyphens.
    pub(super) fn by_name(name: &str) -> Result<Self, String> {
        match (all().find(|(_, known, _)| *known == name), name.split_once('=')) {
            (Some((_, _, takes)), _) => Ok(takes),
            (None, Some((name, _))) => {
                Err(format!("`--{name}=…`: curl takes a value behind a blank, not behind `=`"))
            }
            (None, None) => Err(unknown(&format!("--{name}"))),
        }
    }

    /// The option of a letter.
    pub(super) fn by_letter(letter: char) -> Result<Self, String> {
        let found = all().find(|(known, ..)| *known == letter && letter != ' ');
        found.map(|(_, _, takes)| takes).ok_or_else(|| unknown(&format!("-{letter}")))
    }

    pub(super) fn a_value(self) -> bool {
        match self {
            Flag | Refused(_) => false,
            Value => true,
            Does(act) => !matches!(act, Act::Get | Act::Globoff | Act::Head | Act::PathAsIs),
        }
    }
}

fn unknown(option: &str) -> String {
    format!(
        "the option `{option}` is not known here, and may change what is sent: leave it out if it does not"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_option_is_there_twice() {
        let all: Vec<_> = all().collect();
        for (index, (letter, name, _)) in all.iter().enumerate() {
            for (other, another, _) in &all[..index] {
                assert!(name != another && (letter != other || *letter == ' '), "{name}");
            }
        }
        assert!(all.len() > 120);
    }
}
