//! What a signature can cover: RFC 9421, section 2, and the words of the draft before it.
//!
//! Everything that names the receiver is taken from the configured URL. `Host` and what proxies add are the sender's words,
//! and a signature over them binds them to nothing.

use crate::details::{COMPONENT_ABSENT, COMPONENT_UNKNOWN, COMPONENT_UNREADABLE, Flaw};
use crate::fields;
use crate::structured::{Dictionary, Item, Kind, print_bytes, reprint};
use countersign::template::Address;
use countersign::{Binds, Head, HeaderName, Rejection};
use sfv::{BareItemFromInput, KeyRef};

/// One covered component: how it is named in the signed text, and where its value comes from.
#[derive(Clone, Debug)]
pub(crate) struct Component {
    pub(crate) name: String,
    /// The name with its parameters in order: two of one identity are one component.
    identity: String,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    Method,
    TargetUri,
    Authority,
    Scheme,
    RequestTarget,
    Path,
    Query,
    /// The name of the parameter, encoded as the signer encodes it.
    QueryParam(String),
    Field(HeaderName, How),
    /// `(request-target)`: method and target.
    MethodAndTarget,
    /// `host`, which is where the request went and not what it says.
    Host,
    Created,
    Expires,
}

/// How a field is written down.
#[derive(Clone, Debug)]
enum How {
    Plain,
    /// `sf`: as the structured field that it is.
    Structured(Kind),
    /// `key`: one member of a dictionary.
    Member(String),
    /// `bs`: every line as bytes.
    Binary,
}

impl How {
    /// By a field's parameters; `None` if there are others, or some that contradict each other. `sf` adds nothing to `key`.
    fn of(word: &str, parameters: &[(&KeyRef, BareItemFromInput<'_>)]) -> Option<Self> {
        let (mut how, mut structured) = (How::Plain, false);
        for (name, value) in parameters {
            match (name.as_str(), value, &how) {
                ("sf", BareItemFromInput::Boolean(true), How::Plain | How::Member(_)) => structured = true,
                ("bs", BareItemFromInput::Boolean(true), How::Plain) if !structured => how = How::Binary,
                ("key", BareItemFromInput::String(key), How::Plain) => {
                    how = How::Member(key.as_str().to_owned());
                }
                _ => return None,
            }
        }
        match how {
            How::Plain if structured => {
                let known = STRUCTURED.iter().find(|(known, _)| *known == word);
                known.map(|(_, kind)| How::Structured(*kind))
            }
            how => Some(how),
        }
    }
}

/// Where values come from.
#[derive(Clone, Copy)]
pub(crate) struct Seen<'r> {
    pub(crate) head: Head<'r>,
    pub(crate) created: Option<i64>,
    pub(crate) expires: Option<i64>,
}

/// The fields that `sf` can be said of: the registry of HTTP fields says that they are structured, and how.
const STRUCTURED: &[(&str, Kind)] = &[
    ("accept-ch", Kind::List),
    ("accept-signature", Kind::Dictionary),
    ("cache-status", Kind::List),
    ("client-cert", Kind::Item),
    ("client-cert-chain", Kind::List),
    ("content-digest", Kind::Dictionary),
    ("priority", Kind::Dictionary),
    ("proxy-status", Kind::List),
    ("repr-digest", Kind::Dictionary),
    ("signature", Kind::Dictionary),
    ("signature-input", Kind::Dictionary),
    ("want-content-digest", Kind::Dictionary),
    ("want-repr-digest", Kind::Dictionary),
];

impl Component {
    /// By its identifier in a `Signature-Input`.
    pub(crate) fn standard(item: &Item<'_>) -> Result<Self, Rejection> {
        let BareItemFromInput::String(word) = &item.value else { return Err(COMPONENT_UNKNOWN.refuse()) };
        let (word, name) = (word.as_str(), item.print());
        let unknown = || {
            COMPONENT_UNKNOWN.because(format!("`{}` is no component that a request has", shortened(&name)))
        };
        let source = match (word, &*item.parameters.0) {
            ("@query-param", [(key, BareItemFromInput::String(of))]) if key.as_str() == "name" => {
                Source::QueryParam(of.as_str().to_owned())
            }
            ("@method", []) => Source::Method,
            ("@target-uri", []) => Source::TargetUri,
            ("@authority", []) => Source::Authority,
            ("@scheme", []) => Source::Scheme,
            ("@request-target", []) => Source::RequestTarget,
            ("@path", []) => Source::Path,
            ("@query", []) => Source::Query,
            // `@status`, `req` and `tr` are of responses and trailers, and whatever else there may be is of the future.
            (_, parameters) => {
                let header = HeaderName::new(word).filter(|header| header.as_str() == word);
                let header = header.ok_or_else(unknown)?;
                let how = How::of(word, parameters).ok_or_else(unknown)?;
                Source::Field(header, how)
            }
        };
        Ok(Component { name, identity: item.identity(), source })
    }

    /// By its word in a draft's list of headers.
    pub(crate) fn draft(word: &str) -> Result<Self, Rejection> {
        let word = word.to_ascii_lowercase();
        let source = match &*word {
            "(request-target)" => Source::MethodAndTarget,
            "(created)" => Source::Created,
            "(expires)" => Source::Expires,
            "host" => Source::Host,
            header => {
                let unknown = || {
                    let word = shortened(&word);
                    COMPONENT_UNKNOWN.because(format!("`{word}` is no header and no part of a request"))
                };
                Source::Field(HeaderName::new(header).ok_or_else(unknown)?, How::Plain)
            }
        };
        Ok(Component { identity: word.clone(), name: word, source })
    }

    /// Its value in this request.
    pub(crate) fn value(&self, seen: &Seen<'_>) -> Result<String, Rejection> {
        let Head { method, url, headers, .. } = seen.head;
        let address = || Address::parse(url).map_err(|why| COMPONENT_UNREADABLE.because(why));
        let number = |number: Option<i64>| number.map(|n| n.to_string()).ok_or_else(|| self.absent());
        let upper = method.to_ascii_uppercase();
        let value = match &self.source {
            Source::Method => upper,
            Source::MethodAndTarget => format!("{} {}", method.to_ascii_lowercase(), address()?.target()),
            Source::TargetUri => {
                let at = address()?;
                format!("{}://{}{}", scheme(&at), authority(&at), at.target())
            }
            Source::Authority | Source::Host => authority(&address()?),
            Source::Scheme => scheme(&address()?),
            Source::RequestTarget => address()?.target().into_owned(),
            Source::Path => address()?.path().to_owned(),
            // An absent query and an empty one are the same to a signature.
            Source::Query => format!("?{}", address()?.query().unwrap_or_default()),
            Source::QueryParam(name) => self.parameter(name, &address()?)?,
            Source::Created => number(seen.created)?,
            Source::Expires => number(seen.expires)?,
            Source::Field(name, How::Plain) => fields::text(headers, name)?.ok_or_else(|| self.absent())?,
            Source::Field(name, How::Binary) => {
                let lines = fields::lines(headers, name)?;
                if lines.is_empty() {
                    return Err(self.absent());
                }
                lines.iter().map(|line| print_bytes(line)).collect::<Vec<_>>().join(", ")
            }
            Source::Field(name, How::Structured(kind)) => {
                let text = fields::text(headers, name)?.ok_or_else(|| self.absent())?;
                reprint(&text, *kind)
                    .ok_or_else(|| self.flawed(COMPONENT_UNREADABLE, "is no structured field"))?
            }
            Source::Field(name, How::Member(key)) => {
                let text = fields::text(headers, name)?.ok_or_else(|| self.absent())?;
                let unreadable = |_| self.flawed(COMPONENT_UNREADABLE, "is no dictionary");
                let dictionary = Dictionary::parse(&text).map_err(unreadable)?;
                dictionary.get(key).ok_or_else(|| self.absent())?.print()
            }
        };
        Ok(value)
    }

    fn parameter(&self, name: &str, at: &Address<'_>) -> Result<String, Rejection> {
        let pairs = at.parameters().map_err(|why| COMPONENT_UNREADABLE.because(why))?;
        let mut values =
            pairs.iter().filter(|(found, _)| form_encoded(found) == name).map(|(_, value)| value);
        match (values.next(), values.next()) {
            (None, _) => Err(self.absent()),
            (Some(value), None) => Ok(form_encoded(value)),
            (Some(_), Some(_)) => Err(self.flawed(COMPONENT_UNREADABLE, "comes more than once")),
        }
    }

    fn absent(&self) -> Rejection {
        self.flawed(COMPONENT_ABSENT, "is not in the request")
    }

    fn flawed(&self, flaw: Flaw, says: &str) -> Rejection {
        flaw.because(format!("`{}` is covered and {says}", shortened(&self.name)))
    }

    /// Whether both are the same.
    pub(crate) fn is(&self, other: &Component) -> bool {
        self.identity == other.identity
    }

    /// Whether it is this field, however it is written down.
    pub(crate) fn is_field(&self, wanted: &str) -> bool {
        matches!(&self.source, Source::Field(name, _) if name.as_str() == wanted)
    }

    pub(crate) fn is_created(&self) -> bool {
        matches!(self.source, Source::Created)
    }

    pub(crate) fn is_expires(&self) -> bool {
        matches!(self.source, Source::Expires)
    }
}

/// What is bound of address and method where all of these are covered.
pub(crate) fn binds(components: &[Component]) -> Binds {
    let has = |wanted: fn(&Source) -> bool| components.iter().any(|component| wanted(&component.source));
    let whole = has(|source| matches!(source, Source::TargetUri));
    let target = has(|source| matches!(source, Source::RequestTarget | Source::MethodAndTarget));
    let host = has(|source| matches!(source, Source::Authority | Source::Host));
    let path = target || has(|source| matches!(source, Source::Path));
    let query = target || has(|source| matches!(source, Source::Query));
    let method = has(|source| matches!(source, Source::Method | Source::MethodAndTarget));
    [(method, Binds::METHOD), (whole || host && path, Binds::URL), (whole || query, Binds::QUERY)]
        .into_iter()
        .filter(|(bound, _)| *bound)
        .fold(Binds::default(), |all, (_, binds)| all.and(binds))
}

fn scheme(at: &Address<'_>) -> String {
    at.scheme().to_ascii_lowercase()
}

/// In lower case, without the port that goes without saying: RFC 9421, section 2.2.3.
fn authority(at: &Address<'_>) -> String {
    let authority = at.authority().to_ascii_lowercase();
    let usual = if at.scheme().eq_ignore_ascii_case("http") { ":80" } else { ":443" };
    match authority.strip_suffix(usual) {
        Some(host) => host.to_owned(),
        None => authority,
    }
}

/// As forms are encoded, but for the space: RFC 9421, section 2.2.8.
fn form_encoded(bytes: &[u8]) -> String {
    let kept = |byte: &u8| byte.is_ascii_alphanumeric() || b"*-._".contains(byte);
    bytes.iter().fold(String::new(), |mut text, byte| {
        match kept(byte) {
            true => text.push(char::from(*byte)),
            false => text.push_str(&format!("%{byte:02X}")),
        }
        text
    })
}

/// Enough of a sender's word to be recognised in a log.
pub(crate) fn shortened(word: &str) -> String {
    word.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn standard(text: &str) -> Result<Component, &'static str> {
        let list = format!("it=({text})");
        let read = Dictionary::parse(&list).map_err(|_| "unreadable")?;
        match read.get("it") {
            Some(crate::structured::Member::List(list)) => {
                Component::standard(&list.items[0]).map_err(|refused| refused.reason.code())
            }
            _ => Err("unreadable"),
        }
    }

    fn value(text: &str, url: &str, headers: &[(&str, &str)]) -> Result<String, &'static str> {
        let seen = Seen { head: Head::new("POST", url, &headers), created: None, expires: None };
        standard(text)?.value(&seen).map_err(|refused| refused.reason.code())
    }

    /// The examples of RFC 9421, section 2.2.
    #[test]
    fn derived_components_are_those_of_the_standard() {
        let ok = |text: &str| Ok(text.to_owned());
        let url = "https://www.example.com/path?param=value";
        assert_eq!(value(r#""@method""#, url, &[]), ok("POST"));
        assert_eq!(value(r#""@target-uri""#, url, &[]), ok(url));
        assert_eq!(value(r#""@authority""#, url, &[]), ok("www.example.com"));
        assert_eq!(value(r#""@authority""#, "https://WWW.Example.com:443/", &[]), ok("www.example.com"));
        assert_eq!(value(r#""@authority""#, "http://www.example.com:443", &[]), ok("www.example.com:443"));
        assert_eq!(value(r#""@scheme""#, "HTTP://www.example.com/path", &[]), ok("http"));
        assert_eq!(value(r#""@request-target""#, url, &[]), ok("/path?param=value"));
        assert_eq!(value(r#""@path""#, url, &[]), ok("/path"));
        assert_eq!(value(r#""@path""#, "https://www.example.com", &[]), ok("/"));
        let query = "https://www.example.com/path?param=value&foo=bar&baz=bat%2Dman";
        assert_eq!(value(r#""@query""#, query, &[]), ok("?param=value&foo=bar&baz=bat%2Dman"));
        assert_eq!(value(r#""@query""#, "https://www.example.com/path?queryString", &[]), ok("?queryString"));
        assert_eq!(value(r#""@query""#, "https://www.example.com/path", &[]), ok("?"));
    }

    #[test]
    fn a_query_parameter_is_decoded_and_encoded_again() {
        let url = "https://www.example.com/parameters?var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20=something&qux=&two=1&two=2";
        for (name, wanted) in [
            ("var", Ok("this%20is%20a%20big%0Amultiline%20value".to_owned())),
            ("bar", Ok("with%20plus%20whitespace".to_owned())),
            ("fa%C3%A7ade%22%3A%20", Ok("something".to_owned())),
            ("qux", Ok(String::new())),
            ("two", Err("malformed_content")),
            ("none", Err("missing_header")),
        ] {
            assert_eq!(value(&format!(r#""@query-param";name="{name}""#), url, &[]), wanted, "{name}");
        }
    }

    /// The examples of RFC 9421, sections 2.1.1 to 2.1.3.
    #[test]
    fn fields_are_written_as_their_parameters_say() {
        let headers = [
            ("Example-Dict", " a=1,    b=2;x=1;y=2,   c=(a   b   c), d"),
            ("Content-Digest", "sha-256=:aGk=:,   x=1"),
            ("Example-Header", "value, with, lots"),
            ("Example-Header", "of, commas"),
        ];
        let ok = |text: &str| Ok(text.to_owned());
        let of = |text: &str| value(text, "https://e.com/", &headers);
        assert_eq!(of(r#""example-dict""#), ok("a=1,    b=2;x=1;y=2,   c=(a   b   c), d"));
        assert_eq!(of(r#""example-dict";key="b""#), ok("2;x=1;y=2"));
        assert_eq!(of(r#""example-dict";key="c""#), ok("(a b c)"));
        assert_eq!(of(r#""example-dict";sf;key="c""#), ok("(a b c)"));
        assert_eq!(of(r#""example-dict";key="d""#), ok("?1"));
        assert_eq!(of(r#""example-dict";key="e""#), Err("missing_header"));
        assert_eq!(of(r#""content-digest";sf"#), ok("sha-256=:aGk=:, x=1"));
        assert_eq!(of(r#""example-header";bs"#), ok(":dmFsdWUsIHdpdGgsIGxvdHM=:, :b2YsIGNvbW1hcw==:"));
        assert_eq!(of(r#""example-header""#), ok("value, with, lots, of, commas"));
        assert_eq!(of(r#""example-header";key="with""#), ok("?1"));
        assert_eq!(of(r#""absent""#), Err("missing_header"));
    }

    #[test]
    fn what_no_request_has_is_refused() {
        for bad in [
            r#""@status""#,
            r#""@method";req"#,
            r#""content-digest";req"#,
            r#""expires";tr"#,
            r#""@signature-params""#,
            r#""@query-param""#,
            r#""@query-param";name"#,
            r#""@method";sf"#,
            r#""@other""#,
            r#""Date""#,
            r#""da te""#,
            r#""date";sf"#,
            r#""date";bs;sf"#,
            r#""date";bs;key="a""#,
            r#""priority";sf;bs"#,
            r#""priority";sf=?0"#,
            r#""date";key=a"#,
            r#""date";later"#,
            r#""""#,
            "date",
            "1",
        ] {
            assert_eq!(standard(bad).err(), Some("malformed_signature"), "{bad}");
        }
    }

    #[test]
    fn the_draft_has_words_of_its_own() {
        let url = "https://Example.com:443/foo?param=value&pet=dog";
        let headers =
            [("Host", "elsewhere.example"), ("Cache-Control", "max-age=60"), ("cache-control", "x")];
        let seen =
            Seen { head: Head::new("POST", url, &headers), created: Some(1_402_170_695), expires: None };
        let of = |word: &str| Component::draft(word).unwrap().value(&seen).map_err(|r| r.reason.code());
        assert_eq!(of("(request-target)"), Ok("post /foo?param=value&pet=dog".into()));
        assert_eq!(of("host"), Ok("example.com".into()), "where it went, and not what it says");
        assert_eq!(of("(created)"), Ok("1402170695".into()));
        assert_eq!(of("(expires)"), Err("missing_header"));
        assert_eq!(of("Cache-Control"), Ok("max-age=60, x".into()));
        assert!(Component::draft("(other)").is_err() && Component::draft("").is_err());
    }
}
