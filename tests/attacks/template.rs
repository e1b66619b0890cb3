//! What is signed, and what only seems to be.

use crate::harness::*;
use countersign::Binds;
use countersign::Reason::*;

/// The last value of a content may hold whatever separates the others; only those before it may not.
#[test]
fn atk_087_separator_inside_the_signed_body_only() {
    let mut case = standard("m", "1700000000", &format!("v1,{}", sign64("m.1700000000.a.b.c")));
    case.request.body = b"a.b.c".to_vec();
    let mut shifted = standard("m.1", "1700000000", &format!("v1,{}", sign64("m.1.1700000000.a.b.c")));
    shifted.request.body = b"a.b.c".to_vec();
    attack("ATK-087", [case, shifted.refused(MalformedContent)]);
}

/// Two messages that differ only in which value is missing must not look alike.
#[test]
fn atk_088_missing_optional_field_collapses_separators() {
    let scheme = || signing("\"{header:x-a}:{header:x-b}:{body}\"", "");
    let with = |given: &[(&'static str, &str)], content: &str| {
        let mut all = headers(given.iter().copied());
        all.extend(headers([("x-sig", sign(content))]));
        Case::new(scheme(), Sent { headers: all, body: b"body".to_vec(), ..Sent::default() })
    };
    attack(
        "ATK-088",
        [
            with(&[("x-a", "1"), ("x-b", "2")], "1:2:body"),
            with(&[("x-a", "1")], "1::body").refused(MissingHeader),
            with(&[("x-a", "1")], "1:body").refused(MissingHeader),
            with(&[("x-b", "1")], "1:body").refused(MissingHeader),
            with(&[], "::body").refused(MissingHeader),
        ],
    );
}

/// Values without their names can change places.
#[test]
fn atk_089_header_names_not_part_of_the_signing_string() {
    let scheme = signing("\"{header:x-src}\\n{header:x-dst}\\n{body}\"", "");
    let with = |src: &str, dst: &str| {
        let headers = headers([("x-src", src), ("x-dst", dst), ("x-sig", &sign("alice\nbob\nbody"))]);
        Case::new(scheme.clone(), Sent { headers, body: b"body".to_vec(), ..Sent::default() })
    };
    attack("ATK-089", [with("alice", "bob")]);
    attack("ATK-089", [with("bob", "alice").refused(BadSignature)]);
    // A list that the request itself names, values only: whoever writes the list moves the values.
    let listed = signing("\"{header:x-list|split:,|lookup:header|values|join:;}\\n{body}\"", "");
    attack("ATK-089", [Case::new(listed, Sent::default()).expect(Expected::ConfigError)]);
}

/// A key that is signed only where it is present can be added where it is not.
#[test]
fn atk_091_extra_signed_keys_accepted_by_presence() {
    let table = "signature_source = { header = \"x-sig\", encoding = \"hex\" }\n\
        [[hmac.case]]\n\
        when = [{ value = \"{json:/Type}\", equals = \"Notification\" }, { value = \"{json:/SubscribeURL}\", absent = true }]\n\
        signed_template = \"Message\\n{json:/Message}\\n[Subject\\n{json:/Subject}\\n]Type\\n{json:/Type}\\n\"\n";
    let with = |body: &str| {
        let headers = headers([("x-sig", sign("Message\nhi\nType\nNotification\n"))]);
        Case::new(preset("", table), Sent { headers, body: body.into(), ..Sent::default() })
    };
    attack(
        "ATK-091",
        [
            with(r#"{"Type":"Notification","Message":"hi"}"#),
            with(r#"{"Type":"Notification","Message":"hi","SubscribeURL":"https://evil.example/"}"#)
                .refused(Disallowed),
            with(r#"{"Type":"Notification","Message":"hi","SubscribeURL":""}"#).refused(Disallowed),
            with(r#"{"Type":"Notification","Message":"hi","Subject":"new"}"#).refused(BadSignature),
            with(r#"{"Type":"Notification","Message":"hi","SubscribeURL":null,"SubscribeURL":"x"}"#)
                .refused(MalformedContent),
            with(r#"{"Type":"SubscriptionConfirmation","Message":"hi"}"#).refused(Disallowed),
        ],
    );
}

/// What routes a delivery is often not what was signed: the proof says what is.
#[test]
fn atk_092_template_refers_to_unsigned_data_later_trusted() {
    let with = |event: &str| {
        let mut case = github(github_sig(b"{}"), b"{}");
        case.request.headers.extend(headers([("x-github-event", event)]));
        case
    };
    for event in ["ping", "push"] {
        let case = with(event);
        let verifier = build(&case).unwrap_or_else(|e| panic!("{e:?}"));
        let verified = judge(&verifier, &case.request).unwrap();
        assert_eq!(verified.binds(), Binds::BODY, "the body, and nothing else");
    }
    attack("ATK-092", [with("ping"), with("push")]);
}
