//! Every URL that is allowed means the same to a parser that repairs: what we judged is what a client would fetch.
//!
//! The other parser is the `url` crate, which is lenient as the web is: it drops tabs, turns backslashes round, decodes dots
//! and reads numbers as addresses. Whatever it would have to change, we must have refused.
#![allow(clippy::unwrap_used)]

use countersign::config::{Layer, Sources};
use countersign::template::{Grammar, Message, Scope};
use countersign::{Head, Preset, Request};
use countersign_keys::remote::Remote;
use proptest::prelude::*;
use std::sync::OnceLock;
use url::Url;

/// One that allows two hosts, out of a body: a header could not hold all that is tried.
fn remote() -> &'static Remote {
    static REMOTE: OnceLock<Remote> = OnceLock::new();
    REMOTE.get_or_init(|| {
        let text = "schema = 1\nname = 'a'\nmode = 'm'\n[m]\nurl = '{body}'\nhosts = ['keys.example.com', 'a.*.example.com']\n";
        let mut sources = Sources::new();
        let file = sources.add("a.toml", text);
        let preset = Preset::read(&Layer::parse(&sources, file).unwrap()).unwrap();
        preset.config().read(|table| Remote::read(table, &Grammar::of(preset.config()))).unwrap()
    })
}

fn allowed(url: &[u8]) -> Option<String> {
    let request = Request::new(Head::new("POST", "https://example.com/", &()), url);
    let scope = Scope::new(&request);
    remote().request(&Message::new(&scope)).ok().map(|request| request.name.to_string())
}

/// What must hold of a URL: if it is allowed, nobody reads it as another.
fn judge(text: &[u8]) -> Result<bool, TestCaseError> {
    let Some(name) = allowed(text) else { return Ok(false) };
    let text = std::str::from_utf8(text).map_err(|_| TestCaseError::fail("it is no text"))?;
    let url = Url::parse(text).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
    let host = url.host_str().unwrap_or_default();
    prop_assert_eq!(url.scheme(), "https");
    prop_assert!(matches!(url.host(), Some(url::Host::Domain(_))), "{}", text);
    prop_assert!(host == "keys.example.com" || host.ends_with(".example.com"), "{}", text);
    prop_assert!(url.username().is_empty() && url.password().is_none() && url.port().is_none(), "{}", text);
    prop_assert!(url.query().is_none() && url.fragment().is_none(), "{}", text);
    // Written out again it is the same text, and so was in need of no repair.
    prop_assert_eq!(url.as_str(), name.as_str());
    let without_port = match text.split_once(":443/") {
        Some((before, path)) if !before["https://".len()..].contains('/') => format!("{before}/{path}"),
        _ => text.to_owned(),
    };
    prop_assert_eq!(without_port, name);
    Ok(true)
}

/// Pieces that URLs are made of, and pieces that they are broken with.
const PIECES: &[&str] = &[
    "https://",
    "HTTPS://",
    "http://",
    "https:",
    "//",
    "keys.example.com",
    "a.b.example.com",
    "a.-.example.com",
    "KEYS.example.com",
    "evil.com",
    "127.0.0.1",
    "[::1]",
    "0x7f.1",
    "xn--a.example.com",
    "@",
    ":",
    ":443",
    ":8443",
    ":0443",
    "/",
    "\\",
    "?",
    "#",
    ".",
    "..",
    "/./",
    "/../",
    "%2e",
    "%2E",
    "%2f",
    "%5c",
    "%00",
    "%25",
    "%",
    "%41",
    "a",
    "b.pem",
    "\t",
    "\n",
    "\r",
    " ",
    "\0",
    "\u{e9}",
    "\u{ff0e}",
    "\u{200b}",
    "|",
    "^",
    "~",
    "_",
    "-",
    "=",
    "&",
    ";",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(20_000) })]

    #[test]
    fn what_is_allowed_is_read_alike_by_a_lenient_parser(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..8),
    ) {
        judge(pieces.concat().as_bytes())?;
        judge(format!("https://keys.example.com/{}", pieces.concat()).as_bytes())?;
        judge(format!("https://{}/a.pem", pieces.concat()).as_bytes())?;
        judge(format!("https://a.{}.example.com/a.pem", pieces.concat()).as_bytes())?;
    }

    #[test]
    fn a_good_url_with_some_bytes_changed_is_read_alike_or_refused(
        changes in proptest::collection::vec((0_usize..40, any::<u8>(), any::<bool>()), 1..4),
    ) {
        let mut url = b"https://keys.example.com/keys/a-1.pem".to_vec();
        for (at, byte, insert) in changes {
            let at = at % url.len();
            if insert { url.insert(at, byte) } else { url[at] = byte }
        }
        judge(&url)?;
    }
}

#[test]
fn some_are_allowed() {
    for url in [
        "https://keys.example.com/a.pem",
        "https://a.b.example.com:443/%41/~b;c=d",
        "https://keys.example.com/a/",
    ] {
        assert!(judge(url.as_bytes()).unwrap(), "{url}");
    }
}
