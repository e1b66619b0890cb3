//! Why a call was not made, or came to nothing.
//!
//! Word and context are two fields: programs match the word, people read the sentence. Neither holds a path, a query or
//! anything that was received: they may be secret, and these sentences are logged.

use std::fmt;

/// A call that gave nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Refused {
    /// The stable word.
    pub why: Why,

    /// What happened, without the advice: `10.0.0.1 is private`.
    pub what: String,
}

impl Refused {
    /// For whoever calls out otherwise, and in whose place our client could stand. `what` holds no path, no query and nothing received.
    pub fn new(why: Why, what: impl Into<String>) -> Self {
        Refused { why, what: what.into() }
    }
}

/// What happened, and what to do about it.
impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refused { why, what } = self;
        write!(f, "{}: {what}; {}", why.word(), why.advice())
    }
}

impl std::error::Error for Refused {}

macro_rules! whys {
    ($($variant:ident = $word:literal, $rule:literal, $advice:literal;)+) => {
        /// The stable word for what went wrong. Words never change their meaning.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[non_exhaustive]
        pub enum Why { $(#[doc = concat!("`", $word, "`: ", $advice, ".")] $variant,)+ }

        impl Why {
            /// Every word there is.
            pub const ALL: &'static [Why] = &[$(Why::$variant),+];

            /// As in logs and metrics.
            pub const fn word(self) -> &'static str { match self { $(Why::$variant => $word,)+ } }

            /// What an operator does about it.
            pub const fn advice(self) -> &'static str { match self { $(Why::$variant => $advice,)+ } }

            /// Whether our own rule said no. Then nothing was sent, and asking again will not help.
            pub const fn is_rule(self) -> bool { match self { $(Why::$variant => $rule,)+ } }
        }
    };
}
whys! {
    // variant    word               rule   advice
    Url       = "url-refused",     true,  "write an absolute URL of at most 8192 bytes, without user, password or fragment";
    Scheme    = "scheme-refused",  true,  "write `https://`, or allow `http` for this very host";
    Port      = "port-refused",    true,  "use port 443 or 8443, or allow this port";
    Address   = "address-refused", true,  "use a public address, or allow the network it is in";
    Setup     = "setup",           true,  "see the client's settings: its user agent, proxy and certificate, and its roots or this machine's (`ca-certificates`)";
    Dns       = "dns",             false, "check the name: it is looked up as it stands, without search domains or `/etc/hosts`";
    Connect   = "connect",         false, "see whether the server is up, and whether a firewall stands between";
    Proxy     = "proxy",           false, "see whether the proxy is up, knows this client, and lets it `CONNECT` to addresses at this port";
    Tls       = "tls",             false, "check the server's certificate, its name and its dates, the roots this machine trusts, and whether the server wants a certificate of ours";
    Redirect  = "redirect",        false, "give the final URL: redirects are never followed";
    Status    = "status",          false, "open the URL yourself and see what it answers";
    Encoded   = "encoded",         false, "have the server send it plain: nothing is decompressed here";
    TooLarge  = "too-large",       false, "check that the URL is the right one, or raise the limit";
    TimedOut  = "timed-out",       false, "see why the server is slow, or raise the limit";
    Broken    = "broken",          false, "see what the server sends: it is not HTTP, or it ends early";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn words_are_unique_and_advice_is_a_clause() {
        let words: BTreeSet<_> = Why::ALL.iter().map(|why| why.word()).collect();
        assert_eq!(words.len(), Why::ALL.len());
        for why in Why::ALL {
            assert!(why.word().bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{}", why.word());
            assert!(why.advice().starts_with(|c: char| c.is_ascii_lowercase()), "{}", why.word());
            assert!(!why.advice().ends_with('.'), "{}", why.word());
        }
    }
}
