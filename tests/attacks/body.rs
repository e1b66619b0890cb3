//! What the signature says of the body.

use crate::harness::*;
use countersign::Reason::*;
use countersign::{Binds, Vars};

/// A body that was read and printed again is another body.
#[test]
fn atk_063_json_re_serialised_before_verification() {
    let (sent, minified) = (br#"{ "b":1.0, "a":"\u00e9" }"#, "{\"b\":1.0,\"a\":\"é\"}".as_bytes());
    let sig = github_sig(sent);
    attack("ATK-063", [github(&sig, sent), github(&sig, minified).refused(BadSignature)]);
    for other in
        [&br#"{"b":1.0,"a":"\u00e9"}"#[..], br#"{ "a":"\u00e9", "b":1.0 }"#, br#"{ "b":1, "a":"\u00e9" }"#]
    {
        attack("ATK-063", [github(&sig, other).refused(BadSignature)]);
    }
}

fn linear(body: &[u8]) -> Case {
    let headers = headers([("linear-signature", sign(body))]);
    Case::new(Scheme::Shipped("linear"), Sent { headers, body: body.to_vec(), ..Sent::default() })
}

/// A byte order mark is three bytes of the body.
#[test]
fn atk_064_utf_8_bom_stripped_or_added() {
    let with = b"\xEF\xBB\xBF{}";
    let sig = github_sig(with);
    attack(
        "ATK-064",
        [
            github(&sig, with),
            github(&sig, b"{}").refused(BadSignature),
            github(github_sig(b"{}"), with).refused(BadSignature),
        ],
    );
    let body = format!("{{\"webhookTimestamp\":{NOW}000}}");
    attack(
        "ATK-064",
        [linear(body.as_bytes()), linear(format!("\u{feff}{body}").as_bytes()).refused(MalformedContent)],
    );
}

/// Editors and proxies add a last byte, or take it.
#[test]
fn atk_065_trailing_newline_added_or_removed() {
    for (signed, sent) in [
        (&b"{}"[..], &b"{}\n"[..]),
        (b"{}\n", b"{}"),
        (b"{}\r\n", b"{}\n"),
        (b"{}", b" {}"),
        (b"{}", b"{}\0"),
    ] {
        attack("ATK-065", [github(github_sig(signed), sent).refused(BadSignature)]);
    }
}

/// What was signed is what came over the wire, whatever a layer makes of it.
#[test]
fn atk_066_content_encoding_verification_on_the_decoded_body() {
    let zipped = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae\x05\x00\x43\xbf\xa6\xa3\x02\x00\x00\x00";
    let with = |signed: &[u8]| {
        let mut case = github(github_sig(signed), zipped);
        case.request.headers.extend(headers([("content-encoding", "gzip")]));
        case
    };
    attack("ATK-066", [with(zipped), with(b"{}").refused(BadSignature)]);
}

/// Numbers that do not fit are cut, and two events are one.
#[test]
fn atk_070_big_numbers_and_floats_as_identifiers() {
    let table = "signed_template = \"{body}\"\nid_source = { json = \"/id\" }\n\
                 signature_source = { header = \"x-sig\", encoding = \"hex\" }";
    let sent = |id: &str| {
        let body = format!("{{\"id\":{id}}}").into_bytes();
        Sent { headers: headers([("x-sig", sign(&body))]), body, ..Sent::default() }
    };
    let after = |first: &str, second: &str| Case::new(preset("", table), sent(second)).after(sent(first));
    attack(
        "ATK-070",
        [
            after("12345678901234567890001", "12345678901234567890002"),
            after("9007199254740993", "9007199254740992"),
            after("1.0", "1.00"),
            after("12345678901234567890001", "12345678901234567890001").expect(Expected::Replayed),
            after("\"7\"", "7").expect(Expected::Replayed),
        ],
    );
}

/// A reader that recurses ends where its stack ends.
#[test]
fn atk_071_depth_bomb_in_an_extracted_json_body() {
    for bomb in
        ["[".repeat(100_000), "{\"a\":".repeat(100_000), format!("{}1{}", "[".repeat(65), "]".repeat(65))]
    {
        attack("ATK-071", [linear(bomb.as_bytes()).refused(MalformedContent)]);
    }
    let deep = format!("{{\"webhookTimestamp\":{NOW}000,\"a\":{}1{}}}", "[".repeat(63), "]".repeat(63));
    attack("ATK-071", [linear(deep.as_bytes())]);
}

fn twilio(url: &str, kind: &str, body: &[u8], content: &str) -> Case {
    let signature = base64(&sha1(KEY, content.as_bytes()));
    let headers = headers([("x-twilio-signature", signature.as_str()), ("content-type", kind)]);
    let sent = Sent { url: url.into(), headers, body: body.to_vec(), ..Sent::default() };
    Case::new(Scheme::Shipped("twilio"), sent)
}

const FORM: &str = "application/x-www-form-urlencoded";
const URL: &str = "https://example.com/voice";

/// The provider signs a parameter once, however often it stands there.
#[test]
fn atk_073_twilio_parameter_duplicates_collapse() {
    attack(
        "ATK-073",
        [
            twilio(URL, FORM, b"A=1&A=1", &format!("{URL}A1")),
            twilio(URL, FORM, b"A=1&A=2", &format!("{URL}A1A2")),
            twilio(URL, FORM, b"A=1&A=2", &format!("{URL}A1")).refused(BadSignature),
        ],
    );
}

/// Names and values run into one another: whoever trusts single fields must be told.
#[test]
fn atk_074_twilio_parameter_boundary_shift() {
    let content = format!("{URL}FromX1");
    let cases = [twilio(URL, FORM, b"FromX=1", &content), twilio(URL, FORM, b"From=X1", &content)];
    for case in &cases {
        let verifier = build(case).unwrap_or_else(|e| panic!("{e:?}"));
        assert!(!judge(&verifier, &case.request).unwrap().binds().contains(Binds::BODY));
        assert!(
            verifier.compiled().require_bound(Binds::BODY).is_err(),
            "whoever demands the body hears it at start"
        );
    }
    attack("ATK-074", cases);
}

/// Only a parameter binds a JSON body; without it, any body would do.
#[test]
fn atk_075_bodysha256_absent_or_duplicated() {
    let body = b"{\"a\":1}";
    let digest = hex(&<sha2::Sha256 as sha2::Digest>::digest(body));
    let with = |query: &str, body: &[u8]| {
        let url = format!("{URL}{query}");
        twilio(&url, "application/json", body, &url)
    };
    let good = format!("?bodySHA256={digest}");
    attack(
        "ATK-075",
        [
            with("", body).refused(Disallowed),
            with("?other=1", body).refused(Disallowed),
            with(&format!("{good}&bodySHA256={digest}"), body).refused(MalformedContent),
            with(&format!("{good}&%62odySHA256={digest}"), body).refused(MalformedContent),
            with(&good, b"{\"a\":2}").refused(ClaimMismatch),
            with("?bodySHA256=", body).refused(ClaimMismatch),
        ],
    );
    let case = with(&good, body);
    let verifier = build(&case).unwrap_or_else(|e| panic!("{e:?}"));
    assert!(judge(&verifier, &case.request).is_ok());
}

/// Some sign no body at all: then it must be said, and a token counts once.
#[test]
fn atk_077_body_not_covered_at_all() {
    let token = "0123456789abcdef0123456789abcdef0123456789abcdef01";
    let sent = |event: &str| {
        let body = format!(
            "{{\"signature\":{{\"timestamp\":\"{NOW}\",\"token\":\"{token}\",\"signature\":\"{}\"}},\"event-data\":{{\"event\":\"{event}\"}}}}",
            sign(format!("{NOW}{token}"))
        );
        Sent { body: body.into_bytes(), ..Sent::default() }
    };
    let case = |event| Case::new(Scheme::Shipped("mailgun"), sent(event));
    attack(
        "ATK-077",
        [case("opened"), case("bounced"), case("bounced").after(sent("opened")).expect(Expected::Replayed)],
    );
    let registry = countersign_modes::registry().unwrap();
    let compiled = registry.named("mailgun").unwrap();
    assert!(compiled.require_bound(Binds::BODY).is_err());
    let given = countersign::Keyring::of(KEY).unwrap();
    assert!(
        !compiled.verifier("s", &given, &Vars::new()).unwrap().compiled().needs().binds.contains(Binds::BODY)
    );
}

/// The same bytes read as another type may say something else.
#[test]
fn atk_078_content_type_not_covered() {
    let pinned =
        "[[hmac.require]]\nvalue = \"{header:content-type}\"\nequals = \"application/json\"\nearly = true\n";
    let with = |kind: &str| {
        let mut case = github(github_sig(b"{}"), b"{}").overrides(pinned);
        case.request.headers.extend(headers([("content-type", kind)]));
        case
    };
    attack(
        "ATK-078",
        [
            with("application/json"),
            with(FORM).refused(MalformedSignature),
            with("").refused(MalformedSignature),
        ],
    );
    attack("ATK-078", [github(github_sig(b"{}"), b"{}").overrides(pinned).refused(MalformedSignature)]);
}

/// Where parsers of multipart bodies differ, the request is malformed.
#[test]
fn atk_080_multipart_boundary_differential() {
    let part = |name: &str, value: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let with = |kind: &str, body: String| {
        let headers = headers([("x-sig", sign("t1")), ("content-type", kind.to_owned())]);
        Case::new(
            signing("\"{form:token}\"", ""),
            Sent { headers, body: body.into_bytes(), ..Sent::default() },
        )
    };
    let kind = "multipart/form-data; boundary=b";
    let one = || format!("{}--b--\r\n", part("token", "t1"));
    attack("ATK-080", [with(kind, one())]);
    for (kind, body) in [
        (kind, format!("{}{}--b--\r\n", part("token", "t1"), part("token", "t2"))),
        (kind, format!("{}{}--b--\r\n", part("token", "t1"), part("token", "t1"))),
        ("multipart/form-data; boundary=b\"", one()),
        ("multipart/form-data; boundary=\"b", one()),
        ("multipart/form-data; boundary=b; boundary=c", one()),
        ("multipart/form-data", one()),
        (kind, one().replace("\r\n", "\n")),
        (kind, format!("before\r\n{}", one())),
        (kind, format!("{}after", one())),
        (kind, one().replace("name=\"token\"", "name=\"token\"; name=\"other\"")),
        (kind, part("token", "t1")),
    ] {
        attack("ATK-080", [with(kind, body).refused(MalformedContent)]);
    }
}

/// Nothing is a body, too.
#[test]
fn atk_081_empty_body() {
    let mut unsigned = github("", b"");
    unsigned.request.headers.clear();
    attack(
        "ATK-081",
        [
            github(github_sig(b""), b""),
            github(github_sig(b"{}"), b"").refused(BadSignature),
            github(github_sig(b""), b"{}").refused(BadSignature),
            unsigned.refused(MissingSignature),
        ],
    );
}
