//! Times: how they are written, and how far they may stray.

use crate::harness::*;
use countersign::Reason::*;

fn timed(text: &str) -> Case {
    standard("m", text, &format!("v1,{}", standard_sig("m", text)))
}

fn ago(seconds: i64) -> Case {
    timed(&(NOW - seconds).to_string())
}

/// Signatures made for tomorrow are valid until tomorrow.
#[test]
fn atk_095_future_timestamps_accepted() {
    let wide = "freshness.future_seconds = 300";
    attack(
        "ATK-095",
        [
            ago(-300).overrides(wide),
            ago(-301).overrides(wide).refused(FutureTimestamp),
            ago(-60),
            ago(-61).refused(FutureTimestamp),
            timed("9999999999").refused(FutureTimestamp),
        ],
    );
}

/// Zero is the same second; nothing but `none` switches the check off.
#[test]
fn atk_096_tolerance_zero_means_disabled() {
    let zero = "freshness = { tolerance_seconds = 0, future_seconds = 0 }";
    attack(
        "ATK-096",
        [
            ago(0).overrides(zero),
            ago(1).overrides(zero).refused(StaleTimestamp),
            ago(301).refused(StaleTimestamp),
            ago(300),
            ago(9000).overrides("freshness.tolerance_seconds = \"none\""),
        ],
    );
    for bad in ["-1", "\"\"", "\"0\"", "\"off\"", "false", "99999999"] {
        let overrides: &'static str =
            Box::leak(format!("freshness.tolerance_seconds = {bad}").into_boxed_str());
        attack("ATK-096", [ago(0).overrides(overrides).expect(Expected::ConfigError)]);
    }
}

/// Milliseconds read as seconds are a time far ahead; seconds read as milliseconds lie in 1970.
#[test]
fn atk_097_milliseconds_versus_seconds() {
    attack(
        "ATK-097",
        [timed("1700000000000").refused(MalformedTimestamp), timed("170000000").refused(MalformedTimestamp)],
    );
    let ms = |text: &str| {
        let body = format!("{{\"webhookTimestamp\":{text}}}").into_bytes();
        let headers = headers([("linear-signature", sign(&body))]);
        Case::new(Scheme::Shipped("linear"), Sent { headers, body, ..Sent::default() })
    };
    attack("ATK-097", [ms("1700000000000"), ms("1700000000").refused(MalformedTimestamp)]);
}

/// A time that is read as a number and printed again is several texts under one signature.
#[test]
fn atk_099_plus_sign_leading_zeros_spaces() {
    for text in [
        "+1700000000",
        "0001700000000",
        "01700000000",
        "1700000000\u{a0}",
        "17 00000000",
        "-1700000000",
        "1,700,000,000",
    ] {
        attack("ATK-099", [timed(text).refused(MalformedTimestamp)]);
        // The signature of the number as everybody else writes it does not help.
        let sig = standard_sig("m", "1700000000");
        attack("ATK-099", [standard("m", text, &format!("v1,{sig}")).refused(MalformedTimestamp)]);
    }
    let padded = standard("m", " 1700000000 ", &format!("v1,{}", standard_sig("m", "1700000000")));
    attack("ATK-099", [padded]);
}

/// Of a time that is not a number, every comparison is false, and so no check fails.
#[test]
fn atk_101_exponent_float_nan_infinity() {
    for text in [
        "1.7e9",
        "1700000000.5",
        "NaN",
        "nan",
        "inf",
        "-inf",
        "Infinity",
        "0x65",
        "0x6553f100",
        "1e9",
        "１７００００００００",
        "",
    ] {
        attack("ATK-101", [timed(text).refused(MalformedTimestamp)]);
    }
    let body = b"{\"webhookTimestamp\":1.7e12}".to_vec();
    let sent = Sent { headers: headers([("linear-signature", sign(&body))]), body, ..Sent::default() };
    attack("ATK-101", [Case::new(Scheme::Shipped("linear"), sent).refused(MalformedTimestamp)]);
}

/// A reader that stops at the first letter takes what follows for nothing.
#[test]
fn atk_102_parseint_style_trailing_junk() {
    let good = stripe_sig("1700000000");
    for text in ["1700000000abc", "1700000000;", "1700000000.", "abc1700000000"] {
        let own = stripe_sig(text);
        let reason = MalformedTimestamp;
        attack("ATK-102", [stripe(&format!("t={text},v1={good}")).refused(reason)]);
        attack("ATK-102", [stripe(&format!("t={text},v1={own}")).refused(reason)]);
    }
}

/// Every leniency about dates is a second spelling.
#[test]
fn atk_103_rfc_3339_laxity() {
    let table = "signed_template = \"{timestamp}\\n{body}\"\ntimestamp_source = { header = \"x-time\", format = \"rfc3339\" }\n\
        signature_source = { header = \"x-sig\", encoding = \"hex\" }";
    let with = |text: &str| {
        let headers = headers([("x-time", text), ("x-sig", &sign(format!("{text}\n{{\"a\":1}}")))]);
        Case::new(preset("", table), Sent { headers, ..Sent::default() })
    };
    attack("ATK-103", [with("2023-11-14T22:13:20Z"), with("2023-11-15T03:43:20.5+05:30")]);
    for text in [
        "2023-11-14T22:13:20",
        "2023-11-14T22:13:20+24:00",
        "2023-11-14t22:13:20Z",
        "2023-11-14T22:13:20z",
        "2023-11-14T23:59:60Z",
        "2016-12-31T23:59:60Z",
        "10000-01-01T00:00:00Z",
        "2023-11-14 22:13:20Z",
        "2023-02-30T00:00:00Z",
        "2023-11-14T22:13:20+0000",
        "2023-11-14T22:13:20.Z",
        "2023-11-14T24:00:00Z",
        "23-11-14T22:13:20Z",
        "2023-11-14T22:13:20+00:60",
        "1700000000",
    ] {
        attack("ATK-103", [with(text).refused(MalformedTimestamp)]);
    }
}

/// A time that anyone can write proves no age.
#[test]
fn atk_104_timestamp_not_covered_by_the_signature() {
    let with = |freshness: &str, template: &str| {
        let table = format!(
            "signed_template = \"{template}\"\ntimestamp_source = {{ header = \"x-time\", format = \"unix\" }}\n\
             signature_source = {{ header = \"x-sig\", encoding = \"hex\" }}"
        );
        let content = template.replace("{body}", "{\"a\":1}").replace("{timestamp}", "1600000000");
        let headers = headers([("x-time", "1600000000"), ("x-sig", &sign(content))]);
        Case::new(preset(freshness, &table), Sent { headers, ..Sent::default() })
    };
    let tolerance = "[freshness]\ntolerance_seconds = 300\n";
    attack(
        "ATK-104",
        [
            with(tolerance, "{body}").expect(Expected::ConfigError),
            with(tolerance, "[{timestamp}.]{body}").expect(Expected::ConfigError),
            with("[freshness]\nunsigned = \"ignored\"\n", "{body}"),
        ],
    );
    let case = with("", "{body}");
    let verifier = build(&case).unwrap_or_else(|e| panic!("{e:?}"));
    assert_eq!(judge(&verifier, &case.request).unwrap().signed_at(), None, "an unsigned time is no time");
    let signed = with("", "{timestamp}.{body}");
    let verifier = build(&signed).unwrap_or_else(|e| panic!("{e:?}"));
    assert_eq!(
        judge(&verifier, &signed.request).err(),
        Some(StaleTimestamp),
        "a signed one is judged unasked"
    );
}

/// A check that runs only if the header is there is switched off by leaving it away.
#[test]
fn atk_105_optional_timestamp() {
    let mut case = timed("1700000000");
    case.request.headers.retain(|(name, _)| name != b"webhook-timestamp");
    attack("ATK-105", [case.clone().refused(MissingTimestamp)]);
    for content in ["m..{\"a\":1}", "m.{\"a\":1}"] {
        case.request.headers[1].1 = format!("v1,{}", sign64(content)).into_bytes();
        attack("ATK-105", [case.clone().refused(MissingTimestamp)]);
    }
    let body = b"{\"a\":1}".to_vec();
    for body in [body, b"{\"webhookTimestamp\":null}".to_vec()] {
        let sent = Sent { headers: headers([("linear-signature", sign(&body))]), body, ..Sent::default() };
        attack("ATK-105", [Case::new(Scheme::Shipped("linear"), sent).refused(MissingTimestamp)]);
    }
}

/// A guard that forgets by a clock that stepped back lets everything in again.
#[test]
fn atk_106_wall_clock_steps_and_non_monotonic_tests() {
    let case = ago(200);
    let earlier = case.request.clone();
    let again =
        |now| Case { request: Sent { now, ..case.request.clone() }, ..case.clone().after(earlier.clone()) };
    attack(
        "ATK-106",
        [
            again(NOW - 200).expect(Expected::Replayed),
            again(NOW).expect(Expected::Replayed),
            again(NOW + 100).expect(Expected::Replayed),
        ],
    );
}

/// A clock that starts in 1970 finds very old messages fresh.
#[test]
fn atk_107_clock_before_the_epoch_or_unset() {
    for text in ["0", "0000000000", "1", "-1"] {
        let case = timed(text);
        let request = Sent { now: 0, ..case.request.clone() };
        attack("ATK-107", [Case { request, ..case }.refused(MalformedTimestamp)]);
    }
}

/// The moment of judging is the host's to name: when the request came, not when a worker got to it.
#[test]
fn atk_108_queueing_delay_counted_as_staleness() {
    let case = ago(290);
    attack("ATK-108", [case.clone()]);
    let late = Sent { now: NOW + 900, ..case.request.clone() };
    attack("ATK-108", [Case { request: late, ..case }.refused(StaleTimestamp)]);
}
