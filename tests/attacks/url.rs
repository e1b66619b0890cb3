//! URLs: which one was signed, and how it is spelled.

use crate::harness::*;
use countersign::Reason::*;

fn twilio(url: &str, signed: &str) -> Case {
    let signature = base64(&sha1(KEY, signed.as_bytes()));
    let headers = headers([("x-twilio-signature", signature)]);
    let sent = Sent { url: url.into(), headers, body: Vec::new(), method: "GET", ..Sent::default() };
    Case::new(Scheme::Shipped("twilio"), sent)
}

/// A URL put together from what the sender says is the sender's URL.
#[test]
fn atk_216_x_forwarded_host_proto_trusted_from_anyone() {
    let url = "https://example.com/voice";
    for signed in [url, "https://evil.example/voice", "http://example.com/voice"] {
        let mut case = twilio(url, signed);
        case.request.headers.extend(headers([
            ("host", "evil.example"),
            ("x-forwarded-host", "evil.example"),
            ("x-forwarded-proto", "http"),
            ("forwarded", "host=evil.example;proto=http"),
            ("x-original-url", "/other"),
        ]));
        attack("ATK-216", [if signed == url { case } else { case.refused(BadSignature) }]);
    }
}

/// Parameters that a framework sorted or wrote anew are other bytes.
#[test]
fn atk_217_query_normalised_before_signing() {
    let query = |query: &str| format!("https://example.com/voice?{query}");
    let signed = query("Digits=1&Retry=1&Msg=Couldn%27t+find");
    attack("ATK-217", [twilio(&signed, &signed)]);
    for other in [
        "Digits=1&Msg=Couldn%27t+find&Retry=1",
        "Digits=1&Retry=1&Msg=Couldn't+find",
        "Digits=1&Retry=1&Msg=Couldn%27t%20find",
        "Digits=1&Retry=1&Msg=Couldn%27t+find&",
        "Digits=1&Retry=1",
    ] {
        attack("ATK-217", [twilio(&query(other), &signed).refused(BadSignature)]);
    }
}

/// With and without the port: the two spellings that the provider names, and no third.
#[test]
fn atk_218_default_port_added_or_removed() {
    let (bare, port) = ("https://example.com/voice", "https://example.com:443/voice");
    attack("ATK-218", [twilio(bare, bare), twilio(bare, port), twilio(port, bare), twilio(port, port)]);
    let odd = "https://example.com:8443/voice";
    attack("ATK-218", [twilio(odd, odd), twilio(odd, bare), twilio(bare, odd).refused(BadSignature)]);
    // Schemes that do not say so know one spelling.
    let scheme = || signing("\"{url}\"", "");
    let sent =
        |url: &str| Sent { url: url.into(), headers: headers([("x-sig", sign(bare))]), ..Sent::default() };
    attack(
        "ATK-218",
        [Case::new(scheme(), sent(bare)), Case::new(scheme(), sent(port)).refused(BadSignature)],
    );
}

/// The public path is the host's to know; the local one was never signed.
#[test]
fn atk_222_path_prefix_rewriting() {
    let (public, local) = ("https://example.com/proxy/voice", "https://example.com/voice");
    attack("ATK-222", [twilio(public, public), twilio(local, public).refused(BadSignature)]);
}

/// A line break in a URL could end a line of the content.
#[test]
fn atk_223_unix_newline_or_space_in_request_target() {
    let scheme = || signing("\"{method}\\n{target}\\n{body}\"", "");
    let with = |target: &str| {
        let headers = headers([("x-sig", sign(format!("GET\n{target}\n{{\"a\":1}}")))]);
        let url = format!("https://example.com{target}");
        Case::new(scheme(), Sent { method: "GET", url, headers, ..Sent::default() })
    };
    attack("ATK-223", [with("/a%0d%0aX:1"), with("/a?b=%0a")]);
    for raw in ["/a\r\nX:1", "/a\nX", "/a b", "/a\tb", "/a\0", "/a?b= c", "/\u{e9}"] {
        attack("ATK-223", [with(raw).refused(MalformedContent)]);
    }
}
