#![allow(clippy::unwrap_used)]
use super::*;
use countersign::Head;

const PRESET: &str = "schema = 1\nname = \"x\"\nmode = \"hmac\"\n[hmac]\nalgorithm = \"sha256\"\n\
    signed_template = \"{url}{header:x-nonce|lower}{body}\"\nsignature_source = { header = \"X-Acme-Signature\", encoding = \"hex\" }\n";

type Pairs<'h> = &'h [(&'h str, &'h str)];

fn of<'r>(url: &'r str, headers: &'r Pairs<'r>) -> Vec<Variant<'r>> {
    let preset = layers::parse(PRESET).unwrap();
    variants(&Request::new(Head::new("POST", url, headers), b""), &preset)
}

#[test]
fn every_url_that_may_have_been_signed_is_tried() {
    let table: &[(&str, Pairs<'_>, &str, &str)] = &[
        ("http://h/p?a=1", &[], "https://h/p?a=1", "url/scheme"),
        ("https://h:8443/p", &[], "https://h/p", "url/port"),
        ("https://h/p", &[], "https://h:443/p", "url/port"),
        ("https://[::1]/p", &[], "https://[::1]:443/p", "url/port"),
        ("https://h:443/p", &[], "https://h/p", "url/port"),
        ("https://h/p", &[("X-Forwarded-Port", "8443")], "https://h:8443/p", "url/port"),
        ("https://h/p", &[], "https://h/p/", "url/slash"),
        ("https://h/p/?a", &[], "https://h/p?a", "url/slash"),
        ("https://h", &[], "https://h/", "url/slash"),
        ("https://h/p?b=1&a=2", &[], "https://h/p", "url/query"),
        ("https://h/p?b=1&a=2", &[], "https://h/p?a=2&b=1", "url/query"),
        ("https://h/p?b=1&a=2", &[], "https://h/p?b=1", "url/query"),
        ("https://h/p?a=%40+b", &[], "https://h/p?a=@+b", "url/query"),
        ("https://h/p?a=b+c", &[], "https://h/p?a=b%20c", "url/query"),
        ("https://h/p?a=b%20c", &[], "https://h/p?a=b+c", "url/query"),
        ("https://h/p?a=@", &[], "https://h/p?a=%40", "url/query"),
        ("https://h/p?", &[], "https://h/p", "url/query"),
        ("https://h/p#f", &[], "https://h/p", "url/fragment"),
        ("https://h/%40", &[], "https://h/@", "url/path"),
        ("https://h/v1/p", &[], "https://h/p", "url/path"),
        ("https://h/p", &[("X-Forwarded-Prefix", "/v1/")], "https://h/v1/p", "url/path"),
        ("https://h/p", &[("X-Original-URI", "/v1/p?a")], "https://h/v1/p?a", "url/path"),
        ("https://H/p", &[], "https://h/p", "url/host"),
        ("https://h/p", &[("Host", "other.example")], "https://other.example/p", "url/host"),
        ("https://h/p", &[("X-Forwarded-Host", "a.example, b")], "https://a.example/p", "url/host"),
        (
            "http://h/p",
            &[("Forwarded", "for=1;host=\"a.example\";proto=https")],
            "https://a.example/p",
            "url/host",
        ),
        ("http://h/p", &[("Forwarded", "proto=https")], "https://h/p", "url/scheme"),
        ("https://www.h.example/p", &[], "https://h.example/p", "url/host"),
        ("http://h:3000/p", &[("X-Forwarded-Host", "a.example")], "https://a.example/p", "url/host"),
        ("/p?a", &[("Host", "a.example")], "https://a.example/p?a", "url/whole"),
        ("/p?a", &[("Host", "a.example")], "http://a.example/p?a", "url/whole"),
    ];
    for (given, headers, signed, code) in table {
        let variants = of(given, headers);
        let found = variants.iter().find(|variant| variant.url == *signed);
        let found = found.unwrap_or_else(|| panic!("{given} {headers:?}: {signed}"));
        assert_eq!(
            found.deviation.as_ref().map(|deviation| deviation.code),
            Some(*code),
            "{given}: {signed}"
        );
    }
}

#[test]
fn no_url_is_tried_twice_and_the_one_that_came_is_first() {
    let headers: Pairs<'_> = &[
        ("Host", "a.example"),
        ("X-Forwarded-Host", "h"),
        ("Forwarded", "host=a.example"),
        ("X-Nonce", "n"),
    ];
    for url in ["http://h:80/a/b/?b=1&a=%40", "/a?b", "https://h", "no URL", "", "https://[", "https://é/é?é"]
    {
        let variants = of(url, &headers);
        assert!(variants[0].deviation.is_none() && variants[0].url == url);
        let mut urls: Vec<&str> = variants
            .iter()
            .filter(|variant| variant.method == "POST" && variant.headers == variants[0].headers)
            .map(|variant| &*variant.url)
            .collect();
        urls.sort_unstable();
        assert!(urls.windows(2).all(|two| two[0] != two[1]), "{urls:?}");
    }
}

/// What came, the header that is read, what it should hold, code.
#[test]
fn a_header_is_put_back() {
    let table: &[(Pairs<'_>, &str, &str, &str)] = &[
        (&[("Acme-Signature", "ab")], "x-acme-signature", "ab", "transport/header-renamed"),
        (&[("X_ACME_SIGNATURE", "ab")], "x-acme-signature", "ab", "transport/header-renamed"),
        (&[("X-Request-Nonce", "n")], "x-nonce", "n", "transport/header-renamed"),
        (&[("X-Nonce", "\"n\"")], "x-nonce", "n", "transport/header-quoted"),
        (&[("X-Nonce", "a, b")], "x-nonce", "b", "transport/header-joined"),
        (&[("X-Nonce", "a"), ("x-nonce", "b")], "x-nonce", "b", "transport/header-twice"),
        (&[("X-Nonce", "a"), ("x-nonce", "b")], "x-nonce", "a, b", "transport/header-split"),
        (&[("X-Nonce", "a"), ("Nonce", "b")], "x-nonce", "b", "message/other-header"),
    ];
    for (came, name, meant, code) in table {
        let variants = of("https://h/p", came);
        let holds = |variant: &&Variant<'_>| values(&variant.headers, name) == [meant.as_bytes()];
        let codes: Vec<&str> = variants
            .iter()
            .filter(holds)
            .filter_map(|variant| Some(variant.deviation.as_ref()?.code))
            .collect();
        assert!(codes.contains(code), "{came:?}: {codes:?}");
    }
}

#[test]
fn a_scheme_says_what_of_the_head_it_reads() {
    let preset = layers::parse(PRESET).unwrap();
    assert_eq!(wanted(&preset), ["x-acme-signature", "x-nonce"]);
    assert!(reads_url(&preset));
    assert!(!reads_url(&layers::parse(&PRESET.replace("{url}", "")).unwrap()));
}
