//! Who chooses the algorithm: the preset, and never the request.

use crate::harness::*;
use countersign::Reason::*;
use hmac::{Hmac, KeyInit, Mac};

/// Whoever strips the strong header must not be left with the weak one.
#[test]
fn atk_123_sha1_accepted_while_sha256_is_present() {
    let weak = format!("sha1={}", hex(&sha1(KEY, b"body")));
    let sent =
        Sent { headers: headers([("x-hub-signature", weak)]), body: b"body".to_vec(), ..Sent::default() };
    attack("ATK-123", [Case::new(Scheme::Shipped("github"), sent).refused(MissingSignature)]);
}

/// Where the older header is allowed as well, the stronger one decides alone if it is there.
#[test]
fn atk_124_sha256_invalid_but_sha1_valid() {
    let both = || {
        preset(
            "",
            "signed_template = \"{body}\"\n\
             [[hmac.case]]\nwhen = [{ value = \"{header:x-hub-signature-256}\", present = true }]\n\
             signature_source = { header = \"x-hub-signature-256\", extract = \"prefix\", prefix = \"sha256=\", encoding = \"hex\" }\n\
             [[hmac.case]]\nwhen = [{ value = \"{header:x-hub-signature}\", present = true }]\nalgorithm = \"sha1\"\n\
             signature_source = { header = \"x-hub-signature\", extract = \"prefix\", prefix = \"sha1=\", encoding = \"hex\" }",
        )
    };
    let weak = || ("x-hub-signature", format!("sha1={}", hex(&sha1(KEY, b"body"))));
    let strong = |content: &[u8]| ("x-hub-signature-256", format!("sha256={}", hex(&sha256(KEY, content))));
    let sent = |all: Vec<(&'static str, String)>| {
        Case::new(both(), Sent { headers: headers(all), body: b"body".to_vec(), ..Sent::default() })
    };
    attack(
        "ATK-124",
        [
            sent(vec![weak()]),
            sent(vec![strong(b"body"), weak()]),
            sent(vec![strong(b"other"), weak()]).refused(BadSignature),
        ],
    );
}

/// `md5=` in front of a good MD5 tag is no request for MD5.
#[test]
fn atk_125_algorithm_named_by_the_request() {
    let mut mac = Hmac::<md5::Md5>::new_from_slice(KEY).unwrap();
    mac.update(b"body");
    let tag = hex(&mac.finalize().into_bytes());
    attack("ATK-125", [github(format!("md5={tag}"), b"body").refused(MalformedSignature)]);
    let sha1 = hex(&sha1(KEY, b"body"));
    attack("ATK-125", [github(format!("sha1={sha1}"), b"body").refused(MalformedSignature)]);
    // A request may choose, where a closed map says among what.
    let mapped = preset(
        "",
        "signed_template = \"{body}\"\nsignature_source = { header = \"x-sig\", encoding = \"hex\" }",
    );
    let Scheme::Text(text) = mapped else { panic!("a text") };
    let mapped = text.replace(
        "algorithm = \"sha256\"",
        "algorithm = { from = \"{header:x-alg}\", map = { \"SHA256\" = \"sha256\" } }",
    );
    let named = |word: &'static str, tag: String| {
        let sent = Sent {
            headers: headers([("x-sig", tag), ("x-alg", word.to_owned())]),
            body: b"body".to_vec(),
            ..Sent::default()
        };
        Case::new(Scheme::Text(mapped.clone()), sent)
    };
    let good = || hex(&sha256(KEY, b"body"));
    attack(
        "ATK-125",
        [
            named("SHA256", good()),
            named("SHA1", sha1).refused(MalformedSignature),
            named("sha256", good()).refused(MalformedSignature),
            named("", good()).refused(MalformedSignature),
            named("none", String::new()).refused(MalformedSignature),
        ],
    );
}
