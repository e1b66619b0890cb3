//! A capture without its credentials, for showing to others.
//!
//! What tells a credential is its name, and of a header also how the value begins: no list of names would be long enough.
//! Rather too much is taken than too little, all that is taken is told, and [`keep`](Redaction::keep) brings it back.
//! A signature in a header is kept, for without it nothing can be explained, and it is worth nothing without the message;
//! one in a query often opens the URL to whoever has it, and is not kept. The body stays, byte for byte: if a byte of it
//! were blotted out, no signature would fit.

use super::{Address, Capture, Withheld, split};

/// What stands where something was taken out.
pub const STRIPPED: &str = "REDACTED";

/// What to take out of a capture.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Redaction<'a> {
    /// Names of headers and parameters that stay, whatever they are.
    pub keep: &'a [String],

    /// Names of headers and parameters that go, whatever they are; also if `keep` has them.
    pub drop: &'a [String],

    /// What becomes of the body.
    pub body: BodyKept,
}

/// What becomes of a body.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum BodyKept {
    /// It stays as it is.
    #[default]
    Exactly,
    /// Its length and SHA-256 stand for it.
    Hash,
}

/// What was taken out.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Stripped {
    /// Where it stood.
    pub place: Where,

    /// The name of the header or parameter.
    pub name: String,
}

/// Where something was taken out.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Where {
    /// The value of a header.
    Header,
    /// The value of a parameter in the URL.
    Query,
    /// The value of a parameter of a URL in a header.
    HeaderQuery,
    /// Name and password in the URL.
    UserInfo,
    /// The body.
    Body,
}

impl<'a> Redaction<'a> {
    /// One that keeps and drops so.
    pub fn new(keep: &'a [String], drop: &'a [String], body: BodyKept) -> Self {
        Redaction { keep, drop, body }
    }

    /// Take it out; told is what was taken.
    pub fn apply(&self, capture: &mut Capture) -> Vec<Stripped> {
        let mut stripped = Vec::new();
        for (name, value) in &mut capture.headers {
            if self.takes(name, header_is_secret(name, value)) {
                *value = STRIPPED.into();
                stripped.push(Stripped { place: Where::Header, name: name.clone() });
            } else if let Ok(text) = std::str::from_utf8(value)
                && (text.starts_with('/') || super::is_absolute(text))
                && let Some(clean) = self.without_secrets(text, &mut Vec::new())
            {
                *value = clean.into_bytes();
                stripped.push(Stripped { place: Where::HeaderQuery, name: name.clone() });
            }
        }
        if let Address::Given(text) | Address::Wire { target: text, .. } = &mut capture.url
            && let Some(clean) = self.without_secrets(text, &mut stripped)
        {
            *text = clean;
        }
        if self.body == BodyKept::Hash && capture.withheld.is_none() && !capture.body.is_empty() {
            let withheld = Withheld { length: capture.body.len() as u64, sha256: capture.body_sha256() };
            capture.body.clear();
            capture.notes.push(withheld.note());
            capture.withheld = Some(withheld);
            stripped.push(Stripped { place: Where::Body, name: String::new() });
        }
        stripped
    }

    /// The names to keep or drop that the capture does not have: misspelt, mostly.
    pub fn idle(&self, capture: &Capture) -> Vec<&'a str> {
        let query = capture.url.target().split_once('?').map_or("", |(_, query)| query);
        let parameters: Vec<String> = parameters(query).map(|(name, _)| decoded(name)).collect();
        let headers = capture.headers.iter().map(|(name, _)| name);
        let known: Vec<&String> = headers.chain(&parameters).collect();
        let all = self.keep.iter().chain(self.drop);
        all.filter(|name| !known.iter().any(|known| known.eq_ignore_ascii_case(name)))
            .map(String::as_str)
            .collect()
    }

    fn takes(&self, name: &str, secret: bool) -> bool {
        let has = |names: &[String]| names.iter().any(|other| other.eq_ignore_ascii_case(name));
        has(self.drop) || secret && !has(self.keep)
    }

    /// A URL or target without what is secret in it, if anything is. All else stays as it is spelt.
    fn without_secrets(&self, url: &str, stripped: &mut Vec<Stripped>) -> Option<String> {
        let before = stripped.len();
        let mut out = url.to_owned();
        if super::is_absolute(url)
            && let (authority, _) = split(url)
            && let Some((userinfo, host)) = authority.rsplit_once('@')
        {
            out = url.replacen(&format!("{userinfo}@{host}"), &format!("{STRIPPED}@{host}"), 1);
            stripped.push(Stripped { place: Where::UserInfo, name: String::new() });
        }
        let (head, query) = out.split_once('?').unwrap_or((&out, ""));
        let (query, fragment) =
            query.split_once('#').map_or((query, None), |(query, rest)| (query, Some(rest)));
        let mut pieces = Vec::new();
        for (name, value) in parameters(query) {
            let plain = decoded(name);
            match value {
                Some(value) if !value.is_empty() && self.takes(&plain, parameter_is_secret(&plain)) => {
                    pieces.push(format!("{name}={STRIPPED}"));
                    stripped.push(Stripped { place: Where::Query, name: plain });
                }
                Some(value) => pieces.push(format!("{name}={value}")),
                None => pieces.push(name.to_owned()),
            }
        }
        if stripped.len() == before {
            return None;
        }
        let query = if out.contains('?') { format!("?{}", pieces.join("&")) } else { String::new() };
        let fragment = fragment.map_or_else(String::new, |fragment| format!("#{fragment}"));
        Some(format!("{head}{query}{fragment}"))
    }
}

/// Words that make a name that of a credential.
const SECRET: [&str; 24] = [
    "apikey",
    "assertion",
    "auth",
    "authentication",
    "authorization",
    "authtoken",
    "cookie",
    "cookie2",
    "cookies",
    "credential",
    "credentials",
    "jwt",
    "key",
    "pass",
    "passwd",
    "passphrase",
    "password",
    "pwd",
    "secret",
    "secretkey",
    "session",
    "sessionid",
    "token",
    "tokens",
];

/// Words that make a name that of a signature.
const SIGNATURE: [&str; 7] = ["digest", "hmac", "sig", "sign", "signature", "signatures", "signed"];

fn header_is_secret(name: &str, value: &[u8]) -> bool {
    let words = words(name);
    let is = |list: &[&str]| words.iter().any(|word| list.contains(&&**word));
    // The scheme of a credential, wherever it stands.
    let scheme = ["bearer ", "basic ", "token "].iter().any(|scheme| {
        value.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme.as_bytes()))
    });
    // `Idempotency-Key` and its like name what is no secret; so does the id of a key.
    let harmless = words.windows(2).any(|pair| {
        pair[1] == "key" && ["idempotency", "socket", "websocket", "surrogate", "cache"].contains(&&*pair[0])
            || pair[0] == "key" && ["id", "version"].contains(&&*pair[1])
    });
    // `Authorization` and cookies are credentials even if they are called signed.
    let always = is(&["authorization", "cookie", "cookie2", "cookies"]);
    scheme || always || is(&SECRET) && !is(&SIGNATURE) && !harmless
}

fn parameter_is_secret(name: &str) -> bool {
    let words = words(name);
    words.iter().any(|word| SECRET.contains(&&**word) || SIGNATURE.contains(&&**word))
}

/// `X-Api-Key`, `apiKey` and `api_key[]` are `api` and `key`.
fn words(name: &str) -> Vec<String> {
    let (mut words, mut word, mut before) = (Vec::new(), String::new(), ' ');
    for c in name.chars() {
        if !c.is_ascii_alphanumeric() || before.is_ascii_lowercase() && c.is_ascii_uppercase() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_ascii_alphanumeric() {
            word.push(c.to_ascii_lowercase());
        }
        before = c;
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// Names and values of a query, as they are spelt.
fn parameters(query: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    query
        .split('&')
        .map(|pair| pair.split_once('=').map_or((pair, None), |(name, value)| (name, Some(value))))
}

/// The name of a parameter, as whoever reads it understands it.
fn decoded(name: &str) -> String {
    let mut out = Vec::new();
    let mut rest = name.as_bytes();
    while let Some((&b, more)) = rest.split_first() {
        let pair = more.get(..2).filter(|_| b == b'%').and_then(|pair| std::str::from_utf8(pair).ok());
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = &more[2..];
            }
            None => {
                out.push(if b == b'+' { b' ' } else { b });
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn capture(url: &str, headers: &[(&str, &str)]) -> Capture {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()));
        Capture::new("POST", Address::Given(url.into()), headers.collect(), b"a=token".to_vec()).unwrap()
    }

    fn stripped(name: &str, value: &str) -> bool {
        let mut capture = capture("https://h/", &[(name, value)]);
        !Redaction::default().apply(&mut capture).is_empty() && capture.headers[0].1 == STRIPPED.as_bytes()
    }

    #[test]
    fn credentials_go_and_signatures_stay() {
        for name in [
            "Authorization",
            "authorization",
            "Proxy-Authorization",
            "Cookie",
            "Set-Cookie",
            "X-Api-Key",
            "ApiKey",
            "X-ApiKey",
            "x-auth-token",
            "X-CSRF-Token",
            "X-Access-Token",
            "X-Session-Id",
            "Ocp-Subscription-Key",
            "X-Shared-Secret",
            "X-Jwt-Assertion",
            "X-Password",
            "X_API_KEY",
            "X-Signed-Cookie",
        ] {
            assert!(stripped(name, "x"), "{name}");
        }
        for name in [
            "X-Signature",
            "Signature",
            "Signature-Input",
            "Content-Digest",
            "X-Hmac-Sha256",
            "X-Token-Signature",
            "webhook-signature",
            "webhook-id",
            "Idempotency-Key",
            "Sec-WebSocket-Key",
            "X-Key-Id",
            "Content-Type",
            "Host",
            "Author",
            "X-Keyboard",
            "Accept",
        ] {
            assert!(!stripped(name, "x"), "{name}");
        }
        assert!(stripped("X-Whatever", "Bearer x") && stripped("X-Signature", "basic x"));
    }

    #[test]
    fn of_a_url_only_the_secret_is_blotted_out() {
        for (url, wanted) in [
            ("https://h/a?b=%20&token=x&&c", "https://h/a?b=%20&token=REDACTED&&c"),
            (
                "https://h/?api%5fkey=x&apiKey=y&key=z#f?token=",
                "https://h/?api%5fkey=REDACTED&apiKey=REDACTED&key=REDACTED#f?token=",
            ),
            (
                "https://h?sig=a&X-Amz-Signature=b&signature=c=d",
                "https://h?sig=REDACTED&X-Amz-Signature=REDACTED&signature=REDACTED",
            ),
            ("https://u:p@h/?a", "https://REDACTED@h/?a"),
            ("https://u:p@h", "https://REDACTED@h"),
            ("https://h/?token=&token&monkey=x", "https://h/?token=&token&monkey=x"),
            ("https://h/#token=x", "https://h/#token=x"),
        ] {
            let mut capture = capture(url, &[]);
            let told = Redaction::default().apply(&mut capture);
            assert_eq!(capture.url, Address::Given(wanted.into()));
            assert_eq!(told.is_empty(), url == wanted, "{url}");
        }
        let mut capture = capture(
            "https://h/",
            &[("Referer", "https://h/?token=x"), ("X-Original-Uri", "/?key=x"), ("A", "b?key=x")],
        );
        let told = Redaction::default().apply(&mut capture);
        assert_eq!((told.len(), told[0].place), (2, Where::HeaderQuery));
        assert_eq!(capture.headers[1].1, b"/?key=REDACTED");
        assert_eq!(capture.headers[2].1, b"b?key=x");
    }

    #[test]
    fn what_is_named_stays_or_goes_as_it_is_said() {
        let mut capture = capture("https://h/?sig=x&b=y", &[("X-Api-Key", "x"), ("X-Signature", "y")]);
        let (keep, drop) = (
            ["SIG".to_owned(), "x-api-key".to_owned()],
            ["x-signature".to_owned(), "b".to_owned(), "nope".to_owned()],
        );
        let redaction = Redaction::new(&keep, &drop, BodyKept::Exactly);
        assert_eq!(redaction.idle(&capture), ["nope"]);
        let told = redaction.apply(&mut capture);
        assert_eq!(told.iter().map(|told| &*told.name).collect::<Vec<_>>(), ["X-Signature", "b"]);
        assert_eq!(capture.url, Address::Given("https://h/?sig=x&b=REDACTED".into()));
        assert_eq!(capture.body, b"a=token", "byte for byte");
    }

    #[test]
    fn a_hash_stands_for_a_body_and_comes_back() {
        let mut capture = capture("https://h/", &[]);
        let redaction = Redaction::new(&[], &[], BodyKept::Hash);
        assert_eq!(redaction.apply(&mut capture)[0].place, Where::Body);
        assert!(redaction.apply(&mut capture).is_empty(), "it is done once");
        let Withheld { length, sha256 } = capture.withheld.clone().unwrap();
        assert_eq!((length, sha256.len(), capture.body.len()), (7, 64, 0));
        assert!(capture.to_http().is_err());
        let json = serde_json::to_string(&capture.to_json()).unwrap();
        let back = Capture::read(json.as_bytes(), None).unwrap();
        assert!(back.withheld == capture.withheld && back.notes == capture.notes);
        assert!(back.strict().unwrap_err().says.contains("kept back"));
    }
}
