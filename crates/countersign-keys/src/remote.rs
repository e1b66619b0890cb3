//! Where a document is that the host fetches: a URL under rules, or a name that the operator has configured.
//!
//! Whoever names the URL of a key in a request chooses what we trust, unless rules say which URLs there may be. So a URL is
//! judged as the bytes that it is, and one that has to be repaired before it can be read is refused: a parser that drops a tab,
//! turns a backslash round or resolves `..` is a second opinion about where a URL leads, and the client that fetches it may
//! hold the first. That is why no URL library is used here.

mod url;

use countersign::config::{ConfigCode, ConfigError, Reader, Span, Spanned};
use countersign::template::{Grammar, Message, Pattern, Value};
use countersign::{
    Context, DetailInfo, Document, KeyError, KeyRequest, Reason, Refusal, Rejection, RequestKind, Vars,
};
use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use url::{Url, is_host, is_label};

/// The longest URL, in bytes.
pub const MAX_URL: usize = 2048;

/// The longest name, in bytes.
pub const MAX_NAME: usize = 256;

/// What the URL or name is made of is not there.
pub const ABSENT: &str = "remote/absent";
/// The URL has bytes that no URL has, or too many of them.
pub const URL_MALFORMED: &str = "remote/url-malformed";
/// The URL is of another shape than `https://HOST/PATH`.
pub const URL_NOT_ALLOWED: &str = "remote/url-not-allowed";
/// The URL's host is none of `hosts`.
pub const HOST_NOT_ALLOWED: &str = "remote/host-not-allowed";
/// The URL's path is not as `path` says, or could be read as another.
pub const PATH_NOT_ALLOWED: &str = "remote/path-not-allowed";
/// The name is none that an operator could have configured.
pub const NAME_NOT_ALLOWED: &str = "remote/name-not-allowed";

/// The detail codes of this module: a mode with a [`Remote`] adds them to its own.
pub const DETAILS: &[DetailInfo] = &[
    detail(ABSENT, Reason::MissingHeader, "the request lacks what the URL or name of the key is made of"),
    detail(
        URL_MALFORMED,
        Reason::MalformedSignature,
        "the key's URL is no URL: it is too long, or has a space, a backslash or a control character in it",
    ),
    detail(
        URL_NOT_ALLOWED,
        Reason::UntrustedKey,
        "the key's URL is not plain `https`: another scheme, a user, a port, a query or a fragment",
    ),
    detail(
        HOST_NOT_ALLOWED,
        Reason::UntrustedKey,
        "the key's URL is on a host that the preset does not allow",
    ),
    detail(
        PATH_NOT_ALLOWED,
        Reason::UntrustedKey,
        "the key's URL has a path that the preset does not allow, or that could be read in two ways",
    ),
    detail(NAME_NOT_ALLOWED, Reason::UnknownKey, "the key's name is none that could have been configured"),
];

const fn detail(code: &'static str, reason: Reason, says: &'static str) -> DetailInfo {
    (Cow::Borrowed(code), reason, Cow::Borrowed(says))
}

/// Where a document is that the host fetches: `{ url = VALUE, hosts = […], path = "regex" }` or `{ name = VALUE }`.
///
/// A URL with something of the request in it needs `hosts`. One that is constant, or made of the operator's variables, is
/// judged when it is read or bound; without `hosts`, its own is the only one.
#[derive(Clone, Debug)]
pub struct Remote {
    place: Value,
    rules: Rules,
    /// Of a constant place: nothing is left to judge.
    fixed: Option<KeyRequest>,
    judged: Arc<Judged>,
}

/// The texts that were allowed last. To judge a URL is one part in thirty of a request that needs nothing else anew.
#[derive(Debug, Default)]
struct Judged(Mutex<Vec<(Box<[u8]>, KeyRequest)>>);

impl Judged {
    const TEXTS: usize = 8;

    fn get(&self, text: &[u8]) -> Option<KeyRequest> {
        // A poisoned lock holds whole entries all the same: pushing is the last thing done under it.
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter().find(|(known, _)| **known == *text).map(|(_, request)| request.clone())
    }

    fn put(&self, text: &[u8], request: &KeyRequest) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() == Self::TEXTS {
            held.remove(0);
        }
        held.push((text.into(), request.clone()));
    }
}

/// What a text must be to be asked for.
#[derive(Clone, Debug)]
enum Rules {
    Url { hosts: Box<[HostPattern]>, path: Option<Pattern> },
    Name,
}

impl Remote {
    /// Read `url` or `name`, `hosts` and `path` of a table. The caller asks for the keys of its own and ends the reading.
    pub fn read(table: &Reader<'_>, grammar: &Grammar<'_>) -> Option<Self> {
        let (url, name) = (table.text("url"), table.text("name"));
        let hosts = table.texts("hosts").unwrap_or_default();
        let hosts = hosts.iter().filter_map(|host| HostPattern::read(host, table)).collect::<Box<[_]>>();
        let path = table.text("path");
        let path = path.as_ref().and_then(|path| Pattern::read(path, table));
        let (key, rules) = match (&url, &name) {
            (Some(_), None) => ("url", Rules::Url { hosts, path }),
            (None, Some(_)) => ("name", Rules::Name),
            (Some(_), Some(name)) => {
                let help = "keep the URL, or the name under which the host fetches it";
                wrong(table, &name.span, "both `url` and `name` say where the document is", help);
                return None;
            }
            (None, None) => {
                let help = "say where the document is: `url = \"https://…\"`, or `name = \"…\"`";
                table.missing("url", help);
                return None;
            }
        };
        if key == "name" && (table.has("hosts") || table.has("path")) {
            wrong(table, table.span(), "`hosts` and `path` are rules for a `url`", "remove them");
        }
        let place = grammar.value(table, key)?;
        let any_host = matches!(&rules, Rules::Url { hosts, .. } if hosts.is_empty());
        if any_host && place.reads_the_request() {
            let help = "say which: `hosts = [\"keys.example.com\"]`; `*` stands for one label";
            table.missing("hosts", help);
        }
        let remote = Remote { place, rules, fixed: None, judged: Arc::default() };
        match remote.settled() {
            Ok(remote) => Some(remote),
            Err(fault) => {
                let text = url.or(name)?;
                wrong(
                    table,
                    &text.span,
                    &format!("`{}` cannot be fetched: {}", text.value, fault.says),
                    "write it as it is to be fetched: `https://keys.example.com/a.pem`",
                );
                None
            }
        }
    }

    /// The same with a source's variables put in. A URL or name that is constant then and not allowed is an error.
    pub fn with_vars(&self, vars: &Vars) -> Result<Self, KeyError> {
        let place = self.place.with_vars(vars)?;
        if let Rules::Url { path: Some(path), .. } = &self.rules {
            path.prepare();
        }
        // A variable may be a secret, so what they make is not said.
        let unfit = |fault: Fault| {
            KeyError::new(format!(
                "what the variables make of the key's URL or name cannot be fetched: {}",
                fault.says
            ))
        };
        Remote { place, rules: self.rules.clone(), fixed: None, judged: Arc::default() }
            .settled()
            .map_err(unfit)
    }

    /// What the URL or name is made of.
    pub fn place(&self) -> &Value {
        &self.place
    }

    /// What to ask the host for: judged, and no more than a name where the place is constant.
    pub fn request(&self, message: &Message<'_, '_>) -> Result<KeyRequest, Rejection> {
        if let Some(request) = &self.fixed {
            return Ok(request.clone());
        }
        let absent = || {
            let says = "the request lacks what the URL or name of the key is made of";
            Rejection::new(Reason::MissingHeader).detail(ABSENT, says)
        };
        let text = message.text(&self.place)?.ok_or_else(absent)?;
        if let Some(request) = self.judged.get(&text) {
            return Ok(request);
        }
        let request = self.rules.judge(&text).map_err(Fault::rejection)?;
        self.judged.put(&text, &request);
        Ok(request)
    }

    /// The document as the host holds it, however old; else what to fetch.
    pub fn document(&self, message: &Message<'_, '_>, cx: &Context<'_>) -> Result<Document, Refusal> {
        let request = self.request(message)?;
        cx.remote.get(request.kind, &request.name).ok_or(Refusal::Unresolved(request))
    }

    /// A constant place is judged now; an error says what is wrong with it.
    fn settled(mut self) -> Result<Self, Fault> {
        let Some(text) = self.place.constant() else { return Ok(self) };
        let own = match (&self.rules, Url::parse(&text)) {
            (Rules::Url { hosts, path }, Ok(url)) if hosts.is_empty() => {
                Some(Rules::Url { hosts: [HostPattern(url.host.into())].into(), path: path.clone() })
            }
            _ => None,
        };
        self.fixed = Some(own.as_ref().unwrap_or(&self.rules).judge(&text)?);
        Ok(self)
    }
}

impl Rules {
    fn judge(&self, text: &[u8]) -> Result<KeyRequest, Fault> {
        let Rules::Url { hosts, path } = self else { return name(text) };
        let url = Url::parse(text)?;
        if !hosts.iter().any(|pattern| pattern.fits(url.host)) {
            return Err(Fault { code: HOST_NOT_ALLOWED, says: "its host is not one of those allowed" });
        }
        if path.as_ref().is_some_and(|path| !path.is_match(url.path.as_bytes())) {
            return Err(Fault { code: PATH_NOT_ALLOWED, says: "its path is not as the preset says" });
        }
        Ok(KeyRequest::new(RequestKind::Url, url.spelled(text)))
    }
}

/// What keeps a text from being asked for.
#[derive(Debug)]
struct Fault {
    code: &'static str,
    says: &'static str,
}

impl Fault {
    fn rejection(self) -> Rejection {
        let reason = DETAILS.iter().find(|(code, ..)| code == self.code).map(|(_, reason, _)| *reason);
        let says = format!("what the key is fetched by is not allowed: {}", self.says);
        Rejection::new(reason.unwrap_or(Reason::UntrustedKey)).detail(self.code, says)
    }
}

/// A name that a host looks up in its configuration, and could even make a file's name of.
fn name(text: &[u8]) -> Result<KeyRequest, Fault> {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"._:/-".contains(b);
    let fault = |says| Fault { code: NAME_NOT_ALLOWED, says };
    let name = std::str::from_utf8(text).map_err(|_| fault("it is no text"))?;
    if !(1..=MAX_NAME).contains(&name.len()) || !text.iter().all(plain) {
        return Err(fault("a name is 1 to 256 letters, digits, dots, colons, slashes and hyphens"));
    }
    if name.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(fault("between its slashes stands nothing, or nothing but dots"));
    }
    Ok(KeyRequest::new(RequestKind::Named, name))
}

/// Hosts that are allowed: an exact name, or one with `*` for exactly one label of small letters, digits and hyphens.
#[derive(Clone, Debug)]
struct HostPattern(Box<str>);

impl HostPattern {
    fn read(text: &Spanned<Arc<str>>, table: &Reader<'_>) -> Option<Self> {
        let labels: Vec<&str> = text.value.split('.').collect();
        let written = labels.iter().rev().take(2).all(|label| *label != "*");
        if written
            && is_host(&text.value.replace('*', "x"))
            && labels.iter().all(|l| *l == "*" || is_label(l))
        {
            return Some(HostPattern((*text.value).into()));
        }
        let says = format!("`{}` is no host that can be allowed", text.value);
        let help = "write a name in lower case; `*` stands for one whole label, and never for the last two";
        wrong(table, &text.span, &says, help);
        None
    }

    fn fits(&self, host: &str) -> bool {
        let (mut wanted, mut labels) = (self.0.split('.'), host.split('.'));
        loop {
            match (wanted.next(), labels.next()) {
                (None, None) => return true,
                (Some(wanted), Some(label)) if wanted == "*" || wanted == label => {}
                _ => return false,
            }
        }
    }
}

fn wrong(table: &Reader<'_>, span: &Span, says: &str, help: &str) {
    let error = ConfigError::at(ConfigCode::MalformedConfig, span.clone(), says);
    table.complaints().push(error.help(help));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use countersign::config::{ConfigErrors, Layer, Sources};
    use countersign::template::Scope;
    use countersign::{Head, KeyCache, Preset, Request, Timestamp};

    const SNS: &str = r#"url = "{header:x-url}", hosts = ["sns.*.amazonaws.com", "keys.example.com"]"#;

    /// A table read as a mode would read it, or what is complained of.
    fn read(table: &str) -> Result<Remote, String> {
        let text =
            format!("schema = 1\nname = 'a'\nmode = 'm'\n[[var]]\nname = 'v'\n[m]\nremote = {{ {table} }}\n");
        let mut sources = Sources::new();
        let file = sources.add("a.toml", text.as_str());
        let layer = Layer::parse(&sources, file).unwrap();
        let preset = Preset::read(&layer).unwrap();
        let read = preset.config().read(|reader| {
            let table = reader.table("remote").unwrap();
            let remote = Remote::read(&table, &Grammar::of(preset.config()));
            table.finish();
            remote
        });
        read.map_err(|errors: ConfigErrors| errors.render(&sources))
    }

    /// What is asked for, or the reason and detail code of the refusal.
    fn ask(remote: &Remote, url: &str) -> Result<String, (Reason, String)> {
        let headers = [("x-url", url)];
        let request = Request::new(Head::new("POST", "https://example.com/", &headers), b"");
        let scope = Scope::new(&request);
        let asked = remote.request(&Message::new(&scope));
        asked.map(|request| request.name.to_string()).map_err(|rejection| {
            (rejection.reason, rejection.detail.map(|detail| detail.code.into_owned()).unwrap_or_default())
        })
    }

    #[test]
    fn a_url_is_plain_and_on_an_allowed_host_or_refused() {
        let long = format!("https://keys.example.com/{}", "a".repeat(MAX_URL));
        let fits = format!("https://keys.example.com/{}", "a".repeat(MAX_URL - 25));
        let remote = read(SNS).unwrap();
        let cases: &[(&str, &str)] = &[
            ("https://keys.example.com/a.pem", ""),
            ("https://keys.example.com/a.pem", ""),
            ("https://keys.example.com:443/a.pem", ""),
            ("https://sns.us-east-1.amazonaws.com/x.pem", ""),
            ("https://sns.us-east-1.amazonaws.com/a/b-c_d~/e", ""),
            ("https://keys.example.com/", ""),
            ("https://keys.example.com/a%20b", PATH_NOT_ALLOWED),
            ("https://keys.example.com/a%C3%A9", ""),
            (&fits, ""),
            (&long, URL_MALFORMED),
            // Bytes that no URL has, or that parsers drop or turn round.
            ("https://sns.us-east-1.amazonaws.com\\@evil.com/x.pem", URL_MALFORMED),
            ("https://keys.example.com\\.evil.com/x.pem", URL_MALFORMED),
            ("https://keys.example.com/a b", URL_MALFORMED),
            ("https://keys.example.com/\u{e9}", URL_MALFORMED),
            ("https://keys.exampl\u{ff45}.com/", URL_MALFORMED),
            ("https://keys.example.com/a|b", URL_MALFORMED),
            // Another scheme, or another shape.
            ("HTTPS://keys.example.com/a", URL_NOT_ALLOWED),
            ("http://keys.example.com/a", URL_NOT_ALLOWED),
            ("file:///etc/passwd", URL_NOT_ALLOWED),
            ("//keys.example.com/a", URL_NOT_ALLOWED),
            ("https:/keys.example.com/a", URL_NOT_ALLOWED),
            ("https:///keys.example.com/a", HOST_NOT_ALLOWED),
            ("https://keys.example.com", URL_NOT_ALLOWED),
            ("https://sns.us-east-1.amazonaws.com@evil.com/x.pem", URL_NOT_ALLOWED),
            ("https://sns.us-east-1.amazonaws.com%40evil.com/x.pem", HOST_NOT_ALLOWED),
            ("https://user:pw@keys.example.com/a", URL_NOT_ALLOWED),
            ("https://@keys.example.com/a", URL_NOT_ALLOWED),
            ("https://keys.example.com:8443/a", URL_NOT_ALLOWED),
            ("https://keys.example.com:/a", URL_NOT_ALLOWED),
            ("https://keys.example.com:0443/a", URL_NOT_ALLOWED),
            ("https://keys.example.com:443:443/a", URL_NOT_ALLOWED),
            ("https://keys.example.com/a?x=.pem", URL_NOT_ALLOWED),
            ("https://keys.example.com/a?", URL_NOT_ALLOWED),
            ("https://keys.example.com/a#", URL_NOT_ALLOWED),
            ("https://evil.com#https://keys.example.com/a", URL_NOT_ALLOWED),
            ("https://evil.com?@keys.example.com/a", URL_NOT_ALLOWED),
            // Another host.
            ("https://sns.us-east-1.amazonaws.com.evil.com/x", HOST_NOT_ALLOWED),
            ("https://evilsns.us-east-1.amazonaws.com/x", HOST_NOT_ALLOWED),
            ("https://evil.sns.us-east-1.amazonaws.com/x", HOST_NOT_ALLOWED),
            ("https://sns.a.b.amazonaws.com/x", HOST_NOT_ALLOWED),
            ("https://sns..amazonaws.com/x", HOST_NOT_ALLOWED),
            ("https://sns.amazonaws.com/x", HOST_NOT_ALLOWED),
            ("https://s3.amazonaws.com/b/x.pem", HOST_NOT_ALLOWED),
            ("https://sns.-.amazonaws.com/x", HOST_NOT_ALLOWED),
            ("https://sns.xn--a.amazonaws.com/x", HOST_NOT_ALLOWED),
            ("https://KEYS.example.com/x", HOST_NOT_ALLOWED),
            ("https://keys.example.com./x", HOST_NOT_ALLOWED),
            ("https://127.0.0.1/x", HOST_NOT_ALLOWED),
            ("https://2130706433/x", HOST_NOT_ALLOWED),
            ("https://0x7f.1/x", HOST_NOT_ALLOWED),
            ("https://[::1]/x", URL_NOT_ALLOWED),
            ("https://localhost/x", HOST_NOT_ALLOWED),
            ("https://keys_example.com/x", HOST_NOT_ALLOWED),
            // Another path.
            ("https://keys.example.com/a/../b", PATH_NOT_ALLOWED),
            ("https://keys.example.com/..", PATH_NOT_ALLOWED),
            ("https://keys.example.com/./a", PATH_NOT_ALLOWED),
            ("https://keys.example.com/a/.", PATH_NOT_ALLOWED),
            ("https://keys.example.com//a", PATH_NOT_ALLOWED),
            ("https://keys.example.com/a//b", PATH_NOT_ALLOWED),
            ("https://keys.example.com/a/%2e%2e/b", PATH_NOT_ALLOWED),
            ("https://keys.example.com/a%2F..%2fb", PATH_NOT_ALLOWED),
            ("https://keys.example.com/a%5cb", PATH_NOT_ALLOWED),
            ("https://keys.example.com/a%252e", PATH_NOT_ALLOWED),
            ("https://keys.example.com/a%00", PATH_NOT_ALLOWED),
            ("https://keys.example.com/a%0d%0a", PATH_NOT_ALLOWED),
            ("https://keys.example.com/a%", PATH_NOT_ALLOWED),
            ("https://keys.example.com/a%2", PATH_NOT_ALLOWED),
            ("https://keys.example.com/a%+f", PATH_NOT_ALLOWED),
        ];
        for (url, code) in cases {
            match ask(&remote, url) {
                Ok(name) => assert!(code.is_empty() && name == url.replace(":443/", "/"), "{url}: {name}"),
                Err((reason, found)) => {
                    assert_eq!(found, *code, "{url}");
                    let malformed = reason == Reason::MalformedSignature;
                    assert!(malformed == (found == URL_MALFORMED), "{url}: {reason}");
                    assert!(malformed || reason == Reason::UntrustedKey, "{url}: {reason}");
                }
            }
        }
    }

    #[test]
    fn what_a_header_cannot_hold_is_refused_out_of_a_body_too() {
        let remote = read(r#"url = "{body}", hosts = ["keys.example.com"]"#).unwrap();
        for url in [
            &b"https://keys.example.com/a\n"[..],
            b"\thttps://keys.example.com/a",
            b" https://keys.example.com/a",
            b"https://keys.exa\tmple.com/a",
            b"https://keys.example.com/a\0",
            b"https://keys.example.com/\xff",
            b"",
        ] {
            let request = Request::new(Head::new("POST", "https://example.com/", &()), url);
            let scope = Scope::new(&request);
            assert!(remote.request(&Message::new(&scope)).is_err(), "{url:?}");
        }
    }

    #[test]
    fn a_path_matches_whole_or_not_at_all() {
        let hosts = r#"url = "{header:x-url}", hosts = ["a.example"], path = '/[a-z]+\.pem|/k'"#;
        let remote = read(hosts).unwrap();
        for (path, ok) in
            [("/x.pem", true), ("/k", true), ("/x.pem/y", false), ("/k/x.pem", false), ("/", false)]
        {
            assert_eq!(ask(&remote, &format!("https://a.example{path}")).is_ok(), ok, "{path}");
        }
    }

    #[test]
    fn a_name_is_one_that_could_be_configured() {
        let remote = read(r#"name = "keys:{header:x-url}""#).unwrap();
        let long = "a".repeat(MAX_NAME);
        for (text, ok) in [
            ("kid-1", true),
            ("a/b.c_d", true),
            ("a/../b", false),
            ("a//b", false),
            ("a b", false),
            ("a?b", false),
            ("\u{e9}", false),
            (&long, false),
        ] {
            match ask(&remote, text) {
                Ok(name) => assert!(ok && name == format!("keys:{text}"), "{name}"),
                Err((reason, code)) => {
                    assert!(!ok && reason == Reason::UnknownKey && code == NAME_NOT_ALLOWED, "{text}: {code}")
                }
            }
        }
    }

    #[test]
    fn what_is_absent_is_told_and_nothing_is_asked_for() {
        let remote = read(r#"url = "{header:x-other}", hosts = ["keys.example.com"]"#).unwrap();
        assert_eq!(ask(&remote, ""), Err((Reason::MissingHeader, ABSENT.to_owned())));
    }

    #[test]
    fn mistakes_are_found_when_the_preset_is_read() {
        for (table, says) in [
            ("", "lacks `url`"),
            (r#"url = "{header:x}""#, "lacks `hosts`"),
            (r#"url = "https://a.example/", name = "b""#, "both `url` and `name`"),
            (r#"name = "b", hosts = ["a.example"]"#, "`hosts` and `path` are rules for a `url`"),
            (r#"name = "a b""#, "`a b` cannot be fetched"),
            (r#"url = "http://a.example/""#, "it does not begin with `https://`"),
            (r#"url = "https://a.example/x?y""#, "it has a query"),
            (r#"url = "https://a.example/", hosts = ["b.example"]"#, "its host is not one of those allowed"),
            (r#"url = "https://a.example/x", path = "/y""#, "its path is not as the preset says"),
            (r#"url = "{header:x}", hosts = ["*.com"]"#, "`*.com` is no host"),
            (r#"url = "{header:x}", hosts = ["a.*"]"#, "`a.*` is no host"),
            (r#"url = "{header:x}", hosts = ["sns-*.a.example"]"#, "is no host"),
            (r#"url = "{header:x}", hosts = ["A.example"]"#, "is no host"),
            (r#"url = "{header:x}", hosts = ["10.0.0.1"]"#, "is no host"),
            (
                r#"url = "{header:x}", hosts = ["a.example"], path = "a)|(?:b""#,
                "the pattern does not compile",
            ),
            (r#"url = "{header:x}", hosts = ["a.example"], other = 1"#, "unknown key `other`"),
        ] {
            let said = read(table).map(drop).unwrap_err();
            assert!(said.contains(says), "{table}: {said}");
        }
    }

    #[test]
    fn a_url_of_the_operator_is_judged_when_it_is_bound() {
        let remote = read(r#"url = "{var:v}""#).unwrap();
        let mut vars = Vars::new();
        for (url, ok) in [("https://keys.example.com/jwks.json", true), ("http://keys.example.com/", false)] {
            let bound = remote.with_vars(vars.set("v", url));
            assert_eq!(bound.is_ok(), ok, "{url}");
            assert!(bound.is_err() || ask(&bound.unwrap(), "").unwrap() == url);
        }
        assert!(remote.with_vars(&Vars::new()).is_err());
        let pinned = read(r#"url = "{var:v}", hosts = ["*.example.com"]"#).unwrap();
        assert!(pinned.with_vars(vars.set("v", "https://keys.example.com/a")).is_ok());
        let error = pinned.with_vars(vars.set("v", "https://keys.example.org/hunter2")).err().unwrap();
        let said = error.to_string();
        assert!(said.contains("its host is not one") && !said.contains("hunter2"), "{said}");
    }

    #[test]
    fn a_document_is_the_one_held_or_asked_for() {
        struct One;
        impl KeyCache for One {
            fn get(&self, kind: RequestKind, name: &str) -> Option<Document> {
                let held = kind == RequestKind::Url && name == "https://keys.example.com/held";
                held.then(|| Document::new(*b"document", Timestamp::from_unix(1)))
            }
        }
        let remote = read(SNS).unwrap();
        let find = |url: &str| {
            let headers = [("x-url", url)];
            let request = Request::new(Head::new("POST", "https://example.com/", &headers), b"");
            let scope = Scope::new(&request);
            remote.document(&Message::new(&scope), &Context::new(Timestamp::from_unix(2), &One))
        };
        assert_eq!(&*find("https://keys.example.com:443/held").unwrap().bytes, b"document");
        let Err(Refusal::Unresolved(asked)) = find("https://keys.example.com/other") else { panic!() };
        assert_eq!(asked, KeyRequest::new(RequestKind::Url, "https://keys.example.com/other"));
        assert!(matches!(find("https://evil.example/held"), Err(Refusal::Rejected(_))));
    }

    #[test]
    fn every_detail_code_is_of_this_module_and_says_something() {
        for (code, _, says) in DETAILS {
            assert!(code.starts_with("remote/") && !says.is_empty(), "{code}");
        }
    }
}
