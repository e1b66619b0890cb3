//! URLs that are not those that the sender was given: proxies, tunnels, frameworks that put one together.

use super::{Did, Fault, Side};
use crate::faults::deliveries::Question;

/// Scheme, host with port, path, query without its mark.
struct Parts {
    scheme: String,
    host: String,
    path: String,
    query: Option<String>,
}

impl Parts {
    fn of(url: &str) -> Option<Parts> {
        let (scheme, rest) = url.split_once("://")?;
        let (rest, query) =
            rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query.to_owned())));
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        Some(Parts { scheme: scheme.into(), host: host.into(), path: path.into(), query })
    }

    fn target(&self) -> String {
        let query = self.query.as_ref().map_or_else(String::new, |query| format!("?{query}"));
        format!("{}{query}", self.path)
    }

    fn print(&self) -> String {
        format!("{}://{}{}", self.scheme, self.host, self.target())
    }
}

/// A fault of the URL alone, or of it and of headers that tell what it was.
fn url(code: &'static str, weight: usize, change: fn(&mut Parts, &mut Question) -> Option<()>) -> Fault {
    Fault::new(code, Side::Url, weight, move |question, _, _| {
        let Some(mut parts) = Parts::of(&question.url) else { return Did::Unfit };
        // What a proxy was asked for is the sender's word, wherever it is written down.
        question.set_header("host", parts.host.clone());
        let done = change(&mut parts, question).is_some();
        question.url = parts.print();
        Did::if_so(done)
    })
}

pub(crate) fn faults() -> Vec<Fault> {
    [origin(), path(), query(), hopeless()].into_iter().flatten().collect()
}

fn origin() -> Vec<Fault> {
    vec![
        // TLS ends before us.
        url("url/http", 7, |parts, _| {
            parts.scheme = "http".into();
            Some(())
        }),
        url("url/port-written", 3, |parts, _| {
            parts.host.push_str(":443");
            Some(())
        }),
        url("url/port-within", 3, |parts, _| {
            parts.host.push_str(":8080");
            Some(())
        }),
        url("url/http-and-port-within", 2, |parts, _| {
            parts.scheme = "http".into();
            parts.host.push_str(":3000");
            Some(())
        }),
        url("url/host-within-and-forwarded", 5, |parts, question| {
            question.set_header("x-forwarded-host", parts.host.clone());
            question.set_header("x-forwarded-proto", "https");
            question.set_header("host", "app-7c9f.internal:8080");
            (parts.scheme, parts.host) = ("http".into(), "app-7c9f.internal:8080".into());
            Some(())
        }),
        url("url/host-within-and-host-kept", 3, |parts, _| {
            parts.host = "localhost:3000".into();
            Some(())
        }),
        url("url/host-in-forwarded", 1, |parts, question| {
            question.set_header("forwarded", format!("for=203.0.113.7;host={};proto=https", parts.host));
            question.set_header("host", "10.0.3.7");
            parts.host = "10.0.3.7".into();
            Some(())
        }),
        url("url/host-in-capitals", 1, |parts, _| {
            parts.host = parts.host.to_uppercase();
            Some(())
        }),
    ]
}

fn path() -> Vec<Fault> {
    vec![
        url("url/slash-added", 3, |parts, _| (!parts.path.ends_with('/')).then(|| parts.path.push('/'))),
        url("url/slash-lost", 3, |parts, _| {
            parts.path = parts.path.strip_suffix('/')?.into();
            Some(())
        }),
        url("url/slash-twice", 1, |parts, _| {
            parts.path.insert(0, '/');
            Some(())
        }),
        // A proxy that routes by the first step of the path, and says so.
        url("url/prefix-taken", 2, |parts, question| {
            let (prefix, rest) = parts.path.get(1..)?.split_once('/')?;
            let (prefix, rest) = (format!("/{prefix}"), format!("/{rest}"));
            question.set_header("x-forwarded-prefix", prefix);
            parts.path = rest;
            Some(())
        }),
        url("url/rewritten-and-told", 2, |parts, question| {
            question.set_header("x-original-url", parts.target());
            (parts.path, parts.query) = ("/index.php".into(), None);
            Some(())
        }),
        Fault::new("url/target-only", Side::Url, 3, |question, _, _| {
            let Some(parts) = Parts::of(&question.url) else { return Did::Unfit };
            question.set_header("host", parts.host.clone());
            question.url = parts.target();
            Did::Spoilt
        }),
    ]
}

fn query() -> Vec<Fault> {
    vec![
        url("url/query-added", 2, |parts, _| {
            parts.query = match parts.query.take() {
                None => Some("debug=1".into()),
                Some(query) => Some(format!("{query}&debug=1")),
            };
            Some(())
        }),
        url("url/query-in-another-order", 1, |parts, _| {
            let query = parts.query.take()?;
            let (first, second) = query.split_once('&')?;
            parts.query = Some(format!("{second}&{first}"));
            Some(())
        }),
        url("url/query-with-plus", 1, |parts, _| {
            parts.query = Some(parts.query.take()?.replace("%20", "+"));
            Some(())
        }),
        url("url/query-decoded", 1, |parts, _| {
            parts.query = Some(parts.query.take()?.replace("%20", " "));
            Some(())
        }),
        url("url/mark-without-query", 1, |parts, _| {
            parts.query.is_none().then(|| parts.query = Some(String::new()))
        }),
        url("url/query-dropped-and-told", 2, |parts, question| {
            question.set_header("x-forwarded-uri", parts.target());
            parts.query.take().map(drop)
        }),
        Fault::new("url/method", Side::Url, 1, |question, _, _| {
            question.method = "GET".into();
            Did::Spoilt
        }),
    ]
}

/// Nothing that came says what it was.
fn hopeless() -> Vec<Fault> {
    vec![
        url("url/host-forgotten", 2, |parts, question| {
            question.set_header("host", "10.0.3.7:8080");
            parts.host = "10.0.3.7:8080".into();
            Some(())
        })
        .hopeless(),
        url("url/prefix-forgotten", 2, |parts, _| {
            parts.path = "/a/quite/other/path".into();
            Some(())
        })
        .hopeless(),
        url("url/query-forgotten", 2, |parts, _| parts.query.take().map(drop)).hopeless(),
    ]
}
