//! What may have happened to the head of a request on its way: its URL, as proxies and routers change it, and its headers.

use crate::deviation::Deviation;
use crate::layers;
use countersign::config::{Node, Value};
use countersign::{Layer, Request};
use std::borrow::Cow;
use url::Url;

/// Headers that a trial has.
pub(crate) type Headers<'r> = Vec<(Cow<'r, [u8]>, Cow<'r, [u8]>)>;

/// A head as it may have been sent.
pub(crate) struct Variant<'r> {
    pub(crate) deviation: Option<Deviation>,
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Headers<'r>,
}

/// The headers of a request, as they came.
pub(crate) fn headers<'r>(request: &Request<'r>) -> Headers<'r> {
    let mut headers = Headers::new();
    let map: &'r dyn countersign::Headers = request.head.headers;
    map.each(&mut |name, value| headers.push((Cow::Borrowed(name), Cow::Borrowed(value))));
    headers
}

/// Every variant: the head as it came first, then by likelihood.
pub(crate) fn variants<'r>(request: &Request<'r>, preset: &Layer) -> Vec<Variant<'r>> {
    let came = headers(request);
    let same = |deviation, url: String, headers| Variant {
        deviation,
        method: request.head.method.to_owned(),
        url,
        headers,
    };
    let mut variants = vec![same(None, request.head.url.to_owned(), came.clone())];
    for (deviation, headers) in header_variants(&came, preset) {
        variants.push(same(Some(deviation), request.head.url.to_owned(), headers));
    }
    if reads_url(preset) {
        for (deviation, url) in url_variants(request.head.url, &came) {
            variants.push(same(Some(deviation), url, came.clone()));
        }
        for method in ["POST", "GET", "PUT"].into_iter().filter(|method| *method != request.head.method) {
            let says = format!("the sender signed the method {method}, and yours is {}", request.head.method);
            let deviation = Deviation::new(
                "url/method",
                60,
                says,
                "look whether a redirect or a proxy changed the method",
            );
            variants.push(Variant {
                method: method.to_owned(),
                ..same(Some(deviation), request.head.url.to_owned(), came.clone())
            });
        }
    }
    variants.sort_by_key(|variant| variant.deviation.as_ref().map_or(0, |deviation| deviation.rank));
    variants
}

/// Whether the scheme looks at the URL or the method.
pub(crate) fn reads_url(preset: &Layer) -> bool {
    let Some(node) = preset.get(&[layers::mode(preset)]) else { return false };
    let mut found = Vec::new();
    layers::texts(node, &mut found);
    let words = [
        "{url",
        "{path",
        "{host",
        "{target",
        "{query",
        "{method",
        "{param",
        "@target-uri",
        "@authority",
        "@path",
        "@query",
    ];
    found.iter().any(|text| words.iter().any(|word| text.contains(word)))
}

/// The names of the headers that a scheme reads, in small letters.
pub(crate) fn wanted(preset: &Layer) -> Vec<String> {
    let mut names = Vec::new();
    if let Some(node) = preset.get(&[layers::mode(preset)]) {
        collect(node, &mut names);
    }
    names.sort();
    names.dedup();
    names
}

fn collect(node: &Node, names: &mut Vec<String>) {
    match &node.value {
        Value::Text(text) => {
            for (at, word) in text.match_indices("{header:") {
                let rest = &text[at + word.len()..];
                let end = rest.find(['|', '}']).unwrap_or(rest.len());
                names.push(rest[..end].to_ascii_lowercase());
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, names)),
        Value::Table(table) => {
            for (key, node) in table.iter() {
                match (&*key.name, node.text()) {
                    ("header", Some(name)) if crate::candidates::is_header(name) => {
                        names.push(name.to_ascii_lowercase())
                    }
                    _ => collect(node, names),
                }
            }
        }
        _ => {}
    }
}

/// The values of a header.
pub(crate) fn values<'h>(headers: &'h Headers<'_>, name: &str) -> Vec<&'h [u8]> {
    headers
        .iter()
        .filter(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes()))
        .map(|(_, value)| &**value)
        .collect()
}

/// Letters and digits of a name: what is left when underscores, hyphens and case are not looked at.
fn bare(name: &[u8]) -> String {
    name.iter().filter(|b| b.is_ascii_alphanumeric()).map(|b| char::from(b.to_ascii_lowercase())).collect()
}

fn header_variants<'r>(came: &Headers<'r>, preset: &Layer) -> Vec<(Deviation, Headers<'r>)> {
    let mut variants = Vec::new();
    for name in wanted(preset) {
        let there = values(came, &name);
        let without = || {
            came.iter()
                .filter(|(n, _)| !n.eq_ignore_ascii_case(name.as_bytes()))
                .cloned()
                .collect::<Headers<'r>>()
        };
        let with = |value: Vec<u8>| {
            let mut headers = without();
            headers.push((Cow::Owned(name.clone().into_bytes()), Cow::Owned(value)));
            headers
        };
        match there.len() {
            0 => {
                for (other, value) in came {
                    let (ours, theirs) = (bare(name.as_bytes()), bare(other));
                    let near = ours == theirs
                        || theirs.len() > 5 && (theirs.ends_with(&ours) || ours.ends_with(&theirs));
                    let other = String::from_utf8_lossy(other).to_ascii_lowercase();
                    let alike = near || shared_words(&name, &other);
                    let rank = if near {
                        5
                    } else if alike {
                        30
                    } else {
                        75
                    };
                    let says =
                        format!("header `{name}` is not there, and what it should hold stands in `{other}`");
                    let advice = "look which proxy renames it; or write the other name into the preset";
                    variants.push((
                        Deviation::new("transport/header-renamed", rank, says, advice),
                        with(value.to_vec()),
                    ));
                }
            }
            1 => {
                let value = there[0];
                let quoted = value
                    .strip_prefix(b"\"")
                    .and_then(|v| v.strip_suffix(b"\""))
                    .or_else(|| value.strip_prefix(b"'").and_then(|v| v.strip_suffix(b"'")));
                if let Some(inner) = quoted {
                    let says = format!("the value of header `{name}` has quotes round it");
                    variants.push((
                        Deviation::new("transport/header-quoted", 20, says, "look who puts them there"),
                        with(inner.to_vec()),
                    ));
                }
                // A header that came twice and was joined: twice the same, or two of which one is meant.
                let joined: Vec<&[u8]> = value.split(|b| *b == b',').map(<[u8]>::trim_ascii).collect();
                if joined.len() > 1 && joined.len() <= 4 {
                    for (index, part) in joined.iter().enumerate() {
                        let says = format!(
                            "header `{name}` is {} joined by commas, and number {} is meant",
                            joined.len(),
                            index + 1
                        );
                        let advice = "look who sends it twice: a proxy joins such headers";
                        variants.push((
                            Deviation::new("transport/header-joined", 22, says, advice),
                            with(part.to_vec()),
                        ));
                    }
                }
                for (other, value) in came.iter().filter(|(n, _)| !n.eq_ignore_ascii_case(name.as_bytes())) {
                    let other = String::from_utf8_lossy(other).to_ascii_lowercase();
                    if shared_words(&name, &other) {
                        let says =
                            format!("header `{name}` is there, and what was meant stands in `{other}`");
                        variants.push((
                            Deviation::new(
                                "message/other-header",
                                45,
                                says,
                                "name that header in the preset",
                            ),
                            with(value.to_vec()),
                        ));
                    }
                }
            }
            many => {
                for (index, value) in there.iter().enumerate().take(4) {
                    let says = format!(
                        "header `{name}` is there {many} times, and number {} is the sender's",
                        index + 1
                    );
                    let advice = "look who adds the others: a proxy, or a client that sets it twice";
                    variants.push((
                        Deviation::new("transport/header-twice", 6, says, advice),
                        with(value.to_vec()),
                    ));
                }
                let says = format!("header `{name}` is there {many} times, and joined by commas it is one");
                variants.push((
                    Deviation::new("transport/header-split", 24, says, "look who cut it"),
                    with(there.join(&b", "[..])),
                ));
            }
        }
    }
    variants
}

/// Whether two names have a telling word in common.
fn shared_words(a: &str, b: &str) -> bool {
    let telling =
        ["signature", "sign", "sig", "timestamp", "time", "date", "id", "nonce", "hmac", "digest", "request"];
    let words = |name: &str| name.split(['-', '_']).map(str::to_owned).collect::<Vec<_>>();
    let theirs = words(b);
    words(a).iter().any(|word| telling.contains(&&**word) && theirs.contains(word))
}

/// The URLs that may have been signed in place of one.
fn url_variants(given: &str, headers: &Headers<'_>) -> Vec<(Deviation, String)> {
    let first = steps(given, headers);
    let mut variants: Vec<(Deviation, String)> = Vec::new();
    // One thing, and then two: a proxy that hides the host mostly hides the scheme as well.
    for (rank, code, says, url) in &first {
        variants.push((told(code, *rank, says, url), url.clone()));
    }
    for (rank, _, says, url) in &first {
        for (more, code, also, url) in steps(url, headers) {
            let says = format!("{says}, and {also}");
            variants.push((told(code, rank + more + 15, &says, &url), url));
        }
    }
    let mut seen = std::collections::HashSet::from([given.to_owned()]);
    variants.sort_by_key(|(deviation, _)| deviation.rank);
    variants.retain(|(_, url)| seen.insert(url.clone()));
    variants.truncate(400);
    variants
}

fn told(code: &'static str, rank: u32, says: &str, url: &str) -> Deviation {
    let says = format!("the URL that was signed is `{}`: {says}", shown(url));
    Deviation::new(
        code,
        rank,
        says,
        "configure the public URL as the sender was told it, and never take it from the request",
    )
    .patch(format!("public_url = {}", layers::quoted(url.split('?').next().unwrap_or(url))))
}

/// A URL for people: long ones are cut.
fn shown(url: &str) -> String {
    let plain: String = url.chars().filter(|c| !c.is_control()).take(160).collect();
    if url.chars().count() > 160 { format!("{plain}…") } else { plain }
}

type Step = (u32, &'static str, String, String);

/// Every URL that is one step away.
fn steps(given: &str, headers: &Headers<'_>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let text = |name: &str| {
        values(headers, name).first().and_then(|value| std::str::from_utf8(value).ok()).map(str::to_owned)
    };
    if given.starts_with('/') {
        // A path, where the whole URL is meant.
        for name in ["host", "x-forwarded-host", "x-original-host"] {
            let Some(host) = text(name).filter(|host| is_authority(host)) else { continue };
            for (rank, scheme) in [(1, "https"), (2, "http")] {
                let says = format!("it is whole, with the host of header `{name}`, and yours is a path");
                steps.push((rank, "url/whole", says, format!("{scheme}://{host}{given}")));
            }
        }
        return steps;
    }
    let Ok(url) = Url::parse(given) else { return steps };
    let (rest, query) = match given.split_once('?') {
        Some((rest, query)) => (rest, Some(query)),
        None => (given, None),
    };
    let with_query = |rest: &str| match query {
        Some(query) => format!("{rest}?{query}"),
        None => rest.to_owned(),
    };
    let mut step = |rank, code, says: &str, url: String| {
        if url != given {
            steps.push((rank, code, says.to_owned(), url));
        }
    };
    let Some((scheme, after)) = rest.split_once("://") else { return steps };
    let (authority, path) = match after.find('/') {
        Some(at) => after.split_at(at),
        None => (after, ""),
    };
    let put =
        |scheme: &str, authority: &str, path: &str| with_query(&format!("{scheme}://{authority}{path}"));
    let other = if scheme.eq_ignore_ascii_case("https") { "http" } else { "https" };
    step(1, "url/scheme", &format!("its scheme is {other}"), put(other, authority, path));
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => {
            step(3, "url/port", &format!("it has no port {port}"), put(scheme, without_port(authority), path))
        }
        None => {
            let usual = if scheme.eq_ignore_ascii_case("https") { 443 } else { 80 };
            let bare = without_port(authority);
            step(
                6,
                "url/port",
                &format!("it has the port {usual}"),
                put(scheme, &format!("{bare}:{usual}"), path),
            );
            step(12, "url/port", "it has the port 443", put(scheme, &format!("{bare}:443"), path));
            step(14, "url/port", "it has no port", put(scheme, bare, path));
            for port in [8080, 3000, 8000, 8443] {
                step(
                    40,
                    "url/port",
                    &format!("it has the port {port}"),
                    put(scheme, &format!("{bare}:{port}"), path),
                );
            }
        }
    }
    match path {
        "" => step(4, "url/slash", "it has a `/` behind the host", put(scheme, authority, "/")),
        path => match path.strip_suffix('/') {
            Some(short) => step(2, "url/slash", "it has no `/` at its end", put(scheme, authority, short)),
            None => {
                step(4, "url/slash", "it has a `/` at its end", put(scheme, authority, &format!("{path}/")))
            }
        },
    }
    if let Some(query) = query {
        step(5, "url/query", "it has no query", rest.to_owned());
        let mut pairs: Vec<&str> = query.split('&').collect();
        pairs.sort_unstable();
        step(9, "url/query", "its query is sorted", format!("{rest}?{}", pairs.join("&")));
        let decoded = String::from_utf8_lossy(&crate::form::decode(query.as_bytes(), false)).into_owned();
        step(10, "url/query", "its query is not percent-encoded", format!("{rest}?{decoded}"));
        step(11, "url/query", "a space in its query is `+`", format!("{rest}?{}", query.replace("%20", "+")));
        step(
            11,
            "url/query",
            "a space in its query is `%20`",
            format!("{rest}?{}", query.replace('+', "%20")),
        );
        for index in 0..pairs.len().min(8) {
            let others: Vec<&str> =
                query.split('&').enumerate().filter(|(at, _)| *at != index).map(|(_, pair)| pair).collect();
            let name =
                query.split('&').nth(index).and_then(|pair| pair.split('=').next()).unwrap_or_default();
            let rest =
                if others.is_empty() { rest.to_owned() } else { format!("{rest}?{}", others.join("&")) };
            step(16, "url/query", &format!("it has no parameter `{}`", shown(name)), rest);
        }
        for style in [
            crate::form::Style { plus: false, bare: b"-_.~", small: false },
            crate::form::Style { plus: true, bare: b"-_.*", small: false },
        ] {
            let text = crate::form::rewritten(query.as_bytes(), style, false);
            step(
                18,
                "url/query",
                "its query is percent-encoded otherwise",
                format!("{rest}?{}", String::from_utf8_lossy(&text)),
            );
        }
    } else if let Some(uri) = given.strip_suffix('?') {
        step(12, "url/query", "it has no `?` at its end", uri.to_owned());
    }
    let decoded = String::from_utf8_lossy(&crate::form::decode(path.as_bytes(), false)).into_owned();
    step(20, "url/path", "its path is not percent-encoded", put(scheme, authority, &decoded));
    step(21, "url/host", "its host is in small letters", put(scheme, &authority.to_ascii_lowercase(), path));
    let first = |value: String| value.split(',').next().unwrap_or_default().trim().to_owned();
    for name in ["host", "x-forwarded-host", "x-original-host", "x-host", "x-forwarded-server", "origin"] {
        if let Some(value) = text(name).map(first).filter(|value| is_authority(value)) {
            step(
                7,
                "url/host",
                &format!("its host is the one of header `{name}`"),
                put(scheme, &value, path),
            );
        }
    }
    if let Some(forwarded) = text("forwarded") {
        let part = |key: &str| {
            forwarded
                .split([';', ','])
                .find_map(|pair| pair.trim().strip_prefix(key).map(|v| v.trim_matches('"').to_owned()))
        };
        if let Some(value) = part("host=").filter(|value| is_authority(value)) {
            step(8, "url/host", "its host is the one of header `forwarded`", put(scheme, &value, path));
        }
        if let Some(value) = part("proto=").filter(|value| value == "http" || value == "https") {
            step(
                8,
                "url/scheme",
                "its scheme is the one of header `forwarded`",
                put(&value, authority, path),
            );
        }
    }
    if let Some(port) = text("x-forwarded-port")
        .map(first)
        .filter(|port| port.bytes().all(|b| b.is_ascii_digit()) && !port.is_empty())
    {
        step(
            15,
            "url/port",
            "its port is the one of header `x-forwarded-port`",
            put(scheme, &format!("{host}:{port}"), path),
        );
    }
    if let Some(prefix) =
        text("x-forwarded-prefix").or_else(|| text("x-script-name")).filter(|prefix| prefix.starts_with('/'))
    {
        step(
            8,
            "url/path",
            "its path begins with the prefix of header `x-forwarded-prefix`",
            put(scheme, authority, &format!("{}{path}", prefix.trim_end_matches('/'))),
        );
    }
    for name in [
        "x-original-uri",
        "x-original-url",
        "x-rewrite-url",
        "x-forwarded-uri",
        "x-envoy-original-path",
        "x-forwarded-path",
    ] {
        let Some(value) = text(name) else { continue };
        if value.starts_with('/') {
            step(
                8,
                "url/path",
                &format!("path and query are those of header `{name}`"),
                format!("{scheme}://{authority}{value}"),
            );
        } else if value.contains("://") {
            step(8, "url/path", &format!("it is the one of header `{name}`"), value);
        }
    }
    // A router that was mounted below a path cuts it off, and one that mounts others adds it.
    if let Some((_, rest)) = path.strip_prefix('/').and_then(|path| path.split_once('/')) {
        step(17, "url/path", "its path lacks the first step", put(scheme, authority, &format!("/{rest}")));
    }
    let bare = host.strip_prefix("www.").map_or_else(|| format!("www.{host}"), str::to_owned);
    step(30, "url/host", "its host differs by `www.`", put(scheme, &bare, path));
    if let Some((before, _)) = given.split_once('#') {
        step(13, "url/fragment", "it has no fragment", before.to_owned());
    }
    steps
}

/// An authority without its port; an IPv6 address keeps its colons.
fn without_port(authority: &str) -> &str {
    let is_port = |port: &str| port.bytes().all(|b| b.is_ascii_digit());
    authority.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(authority, |(host, _)| host)
}

fn is_authority(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 255
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b))
}

#[cfg(test)]
mod tests;
