//! Headers, and lists of signatures in them.

use crate::harness::*;
use countersign::Reason::*;

fn twice(first: &str, second: &str) -> Case {
    let mut case = github("", b"body");
    case.request.headers = headers([("x-hub-signature-256", first), ("X-Hub-Signature-256", second)]);
    case
}

/// If two readers disagree about which of two headers counts, one of them is wrong.
#[test]
fn atk_033_duplicate_signature_headers_first_versus_last() {
    let (good, bad) = (github_sig(b"body"), github_sig(b"other"));
    for (first, second) in [(&good, &bad), (&bad, &good), (&good, &good)] {
        attack("ATK-033", [twice(first, second).refused(MalformedSignature)]);
    }
    let sig = standard_sig("msg_1", "1700000000");
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let mut case = standard("msg_1", "1700000000", &format!("v1,{sig}"));
        let (_, value) = case.request.headers.iter().find(|(n, _)| n == name.as_bytes()).cloned().unwrap();
        case.request.headers.push((name.as_bytes().to_vec(), value));
        let reason = match name {
            "webhook-id" => MalformedContent,
            "webhook-timestamp" => MalformedTimestamp,
            _ => MalformedSignature,
        };
        attack("ATK-033", [case.refused(reason)]);
    }
}

/// A comma that a proxy put between two headers must not make a list of them.
#[test]
fn atk_035_comma_joined_duplicates_produced_by_a_proxy() {
    let (good, bad) = (github_sig(b"body"), github_sig(b"other"));
    for joined in [format!("{bad}, {good}"), format!("{good}, {bad}"), format!("{good},{good}")] {
        attack("ATK-035", [github(joined, b"body").refused(MalformedSignature)]);
    }
}

/// A value that is no text is there all the same.
#[test]
fn atk_037_non_utf_8_header_value_dropped_as_absent() {
    let bad = [b"\xff".as_slice(), github_sig(b"body").as_bytes()].concat();
    let end = [github_sig(b"body").as_bytes(), b"\xff"].concat();
    attack(
        "ATK-037",
        [github(bad, b"body").refused(MalformedSignature), github(end, b"body").refused(MalformedSignature)],
    );
    // Nor does it choose another branch: the place that decides if it is there, is there.
    let good = format!("v1,{}", standard_sig("m", "1700000000"));
    let mut case = Case { scheme: Scheme::Shipped("svix"), ..standard("m", "1700000000", &good) };
    attack("ATK-037", [case.clone()]);
    case.request.headers.push((b"svix-signature".to_vec(), b"\xff".to_vec()));
    attack("ATK-037", [case.refused(MalformedSignature)]);
}

/// A control character in a signed value could end a line of the content.
#[test]
fn atk_039_control_characters_or_nul_inside_a_used_header() {
    for id in ["msg\t1", "msg\u{0}1", "msg\u{7f}1", "msg\n1", "msg 1", "msg\u{e9}"] {
        let sig = standard_sig(id, "1700000000");
        attack("ATK-039", [standard(id, "1700000000", &format!("v1,{sig}")).refused(MalformedContent)]);
    }
    for value in ["a\tb", "a\u{0}b", "a\nb", "a\u{7f}"] {
        let content = [value.as_bytes(), b"\n{\"a\":1}"].concat();
        let headers = headers([("x-a", value), ("x-sig", &sign(content))]);
        let scheme = signing("\"{header:x-a}\\n{body}\"", "");
        attack("ATK-039", [Case::new(scheme, Sent { headers, ..Sent::default() }).refused(MalformedContent)]);
    }
}

/// `\u{212a}` in lower case is `k`, for readers that fold more than ASCII.
#[test]
fn atk_040_unicode_case_folding_of_header_names() {
    for name in
        ["wor\u{212a}er-\u{17f}ig", "worker-\u{17f}ig", "wor\u{212a}er-sig", "worker_sig", "worker-sig "]
    {
        let headers = vec![(name.as_bytes().to_vec(), sign("{\"a\":1}").into_bytes())];
        let scheme = preset(
            "",
            "signed_template = \"{body}\"\nsignature_source = { header = \"worker-sig\", encoding = \"hex\" }",
        );
        attack("ATK-040", [Case::new(scheme, Sent { headers, ..Sent::default() }).refused(MissingSignature)]);
    }
}

/// Names come in any case; a look-up that minds takes them for missing.
#[test]
fn atk_041_header_name_case_sensitivity_in_map_lookups() {
    for name in ["X-HUB-SIGNATURE-256", "x-hub-signature-256", "X-Hub-Signature-256"] {
        let mut case = github("", b"body");
        case.request.headers = headers([(name, github_sig(b"body"))]);
        attack("ATK-041", [case]);
    }
}

/// A prefix read loosely is a second spelling.
#[test]
fn atk_044_prefix_case_and_shape_laxity() {
    let good = sign(b"body");
    for prefix in ["SHA256=", "sha256:", "", "sha256==", "sha256 =", "sha1=", "sha256", "=", "sha256=sha256="]
    {
        attack("ATK-044", [github(format!("{prefix}{good}"), b"body").refused(MalformedSignature)]);
    }
}

/// An empty entry is no signature, and certainly not one that matches.
#[test]
fn atk_045_empty_segments_in_a_signature_list() {
    for list in [" v1, v1a, ,", "v1,", "v1", ",", " ", "v1, v1, v1,"] {
        attack("ATK-045", [standard("m", "1700000000", list).refused(MalformedSignature)]);
    }
    let good = standard_sig("m", "1700000000");
    attack("ATK-045", [standard("m", "1700000000", &format!(" v1,  v1,{good} "))]);
}

/// A version that is not known must not be read as one that is.
#[test]
fn atk_047_unknown_version_entries() {
    let good = standard_sig("m", "1700000000");
    let with = |list: String| standard("m", "1700000000", &list);
    attack(
        "ATK-047",
        [
            with(format!("v9,{good}")).refused(MalformedSignature),
            with(format!("v1a,{good} V1,{good} v11,{good} v1{good} {good}")).refused(MalformedSignature),
            with(format!("v9,x v1,{good}")),
            with(format!("v1,{good} v9,x")),
        ],
    );
}

/// Signatures of a test scheme are not meant to be trusted.
#[test]
fn atk_048_stripe_test_scheme_v0_accepted() {
    let good = stripe_sig("1700000000");
    attack(
        "ATK-048",
        [
            stripe(&format!("t=1700000000,v1={good},v0={good}")),
            stripe(&format!("t=1700000000,v0={good}")).refused(MalformedSignature),
            stripe(&format!("t=1700000000,V1={good}")).refused(MalformedSignature),
            stripe(&format!("t=1700000000,v0=v1={good}")).refused(MalformedSignature),
        ],
    );
}

/// Pairs that two readers cut in two ways.
#[test]
fn atk_050_key_value_parser_confusion() {
    let good = stripe_sig("1700000000");
    for (list, reason) in [
        (format!("t=1700000000 ,v1={good}"), MalformedTimestamp),
        (format!("t=1700000000,v1=\"{good}\""), MalformedSignature),
        (format!("t=1700000000,v1={good}=x"), MalformedSignature),
        (format!("t=1700000000,v1= {good}"), MalformedSignature),
        (format!("t=1700000000, v1={good}"), MalformedSignature),
        (format!("t=1700000000,v1 ={good}"), MalformedSignature),
        (format!("t=1700000000;v1={good}"), MalformedSignature),
        (format!("t%3D1700000000,v1={good}"), MissingTimestamp),
        (format!("t=1700000000,t=1700000000,v1={good}"), MalformedTimestamp),
        (format!("t=1699999999,t=1700000000,v1={good}"), MalformedTimestamp),
        (format!("t=,v1={good}"), MalformedTimestamp),
        (format!("v1={good}"), MissingTimestamp),
    ] {
        attack("ATK-050", [stripe(&list).refused(reason)]);
    }
}
