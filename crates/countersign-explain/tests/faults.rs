//! The benchmark of faults in short, and that its injector does what it says.
#![allow(clippy::unwrap_used)]

#[path = "../benches/faults/mod.rs"]
mod faults;

use countersign::Registry;
use countersign_explain::Budget;
use faults::bodies::Size;
use faults::deliveries::{Delivery, PRESETS, Part, Said};
use faults::inject::{Class, Did, faults};
use faults::json::{Json, STYLES, java, javascript, php, python, style};
use faults::leaks::Needles;
use faults::random::{Random, base64};
use faults::run::{Asking, CONTROLS, Plan, asking, unexplainable};
use faults::table::Table;
use std::collections::BTreeSet;
use std::time::Duration;

fn registry() -> Registry {
    countersign_modes::registry().unwrap()
}

#[test]
fn every_delivery_verifies_before_anything_is_done_to_it() {
    let registry = registry();
    let mut modes = BTreeSet::new();
    for known in PRESETS {
        let made: Vec<Delivery> = (0..12)
            .filter_map(|n| Delivery::of(&registry, known, Size::Small, &mut Random::of(known.preset, n)))
            .collect();
        assert!(made.len() >= 10, "{}: {} of 12 can be signed", known.preset, made.len());
        for delivery in &made {
            assert_eq!(delivery.truth.said(&registry), Said::Verified, "{}", delivery.words());
            modes.insert(delivery.truth.mode());
        }
    }
    let big = Delivery::of(&registry, &PRESETS[0], Size::Big, &mut Random::of("big", 0)).unwrap();
    assert!(big.truth.body.len() > 1 << 20, "{}: {}", big.words(), big.truth.body.len());
    assert_eq!(modes.len(), 6, "{modes:?}");
}

#[test]
fn numbers_are_spelt_as_each_spells_them() {
    let spelt = |raw: &str| [javascript(raw), python(raw), php(raw), java(raw)];
    assert_eq!(spelt("12.50"), ["12.5"; 4]);
    assert_eq!(spelt("1e3"), ["1000", "1000.0", "1000.0", "1000.0"]);
    assert_eq!(spelt("0.10"), ["0.1"; 4]);
    assert_eq!(spelt("-7"), ["-7"; 4]);
    assert_eq!(spelt("0"), ["0"; 4]);
    let big = ["12345678901234567000", "12345678901234567890"];
    assert_eq!(spelt(big[1]), [big[0], big[1], "1.2345678901234567e+19", big[1]]);
    assert_eq!(spelt("1.5e-7"), ["1.5e-7", "1.5e-07", "1.5e-7", "1.5E-7"]);
    assert_eq!(spelt("12345678.9"), ["12345678.9", "12345678.9", "12345678.9", "1.23456789E7"]);
    assert_eq!(spelt("1e22"), ["1e+22", "1e+22", "1.0e+22", "1.0E22"]);
}

#[test]
fn every_style_prints_what_is_read_back() {
    let text = r#"{"b":[1,2.50,{"x":null}],"a":"é\ud83d\ude00/<&>+'\"\\\n","c":{},"d":[]}"#;
    let tree = Json::parse(text.as_bytes()).unwrap();
    for style in STYLES {
        assert_eq!(Json::parse(&tree.print(style)).as_ref(), Some(&tree), "{}", style.name);
    }
    assert_eq!(
        String::from_utf8(tree.print(style("dotnet"))).unwrap(),
        r#"{"b":[1,2.50,{"x":null}],"a":"\u00E9\uD83D\uDE00/\u003C\u0026\u003E\u002B\u0027\u0022\\\n","c":{},"d":[]}"#
    );
}

#[test]
fn what_is_told_of_a_secret_or_a_signature_is_found_however_it_is_written() {
    let registry = registry();
    let all = faults();
    let fault = all.iter().find(|fault| fault.code == "body/newline-added").unwrap();
    let number = (0..400).find(|n| {
        asking(&registry, &[fault], *n, Size::Small)
            .is_ok_and(|asked| asked.delivery.known.preset == "github")
    });
    let Asking { delivery, question } = asking(&registry, &[fault], number.unwrap(), Size::Small).unwrap();
    let needles = Needles::of(&registry, &delivery, &question);
    // What the body that came would have to be signed with: whoever hears that can send it.
    let headers = delivery.signed(&registry, &question, &delivery.pen).unwrap().headers;
    let text = String::from_utf8(headers[0].1.clone()).unwrap();
    let signature = text.trim_start_matches("sha256=");
    let bytes = const_hex::decode(signature).unwrap();
    for told in [signature.to_owned(), base64(&bytes), format!("{bytes:?}"), signature.to_uppercase()] {
        assert_eq!(needles.found_in(&[told.as_bytes()]), Some("a signature"), "{told}");
    }
    let secret = String::from_utf8(delivery.pen.bytes.clone()).unwrap();
    for told in [secret.clone(), base64(secret.as_bytes()), format!("{:?}", secret.as_bytes())] {
        assert_eq!(needles.found_in(&[format!("it is {told}.").as_bytes()]), Some("a secret"), "{told}");
    }
    // The one that came is known to whoever sent it.
    let came = question.header("x-hub-signature-256").unwrap();
    assert_eq!(needles.found_in(&[came, &question.body]), None);
}

/// Each fault is injected until it fits: then the verifier refuses (which [`asking`] sees to), something is not as it was, and
/// with that put back the delivery verifies.
#[test]
fn every_fault_spoils_a_delivery_and_can_be_mended() {
    let registry = registry();
    let mut codes = BTreeSet::new();
    for fault in faults() {
        assert!(codes.insert(fault.code), "two faults are called {}", fault.code);
        let asked = (0..400).find_map(|number| asking(&registry, &[&fault], number, Size::Small).ok());
        let Some(asked) = asked else { panic!("{} fits nothing", fault.code) };
        let truth = &asked.delivery.truth;
        let spoilt = asked.question.differs(truth);
        assert!(!spoilt.is_empty(), "{}", fault.code);
        let mut mended = asked.question.clone();
        spoilt.iter().for_each(|part| mended.mend(*part, truth));
        assert_eq!(mended.differs(truth), Vec::<Part>::new(), "{}", fault.code);
        assert_eq!(mended.said(&registry), Said::Verified, "{}: {}", fault.code, asked.delivery.words());
    }
    assert!(codes.len() > 150, "{}", codes.len());
}

/// The same number gives the same question: else a miss could not be had again.
#[test]
fn what_was_missed_can_be_had_again() {
    let registry = registry();
    let all = faults();
    let pair: Vec<_> = ["body/json-stringify", "secret/newline"]
        .map(|code| all.iter().find(|f| f.code == code).unwrap())
        .into();
    let made = |n| asking(&registry, &pair, n, Size::Small);
    let (number, first) = (0..400).find_map(|n| Some((n, made(n).ok()?))).unwrap();
    let again = made(number).unwrap_or_else(|did| panic!("{did:?}"));
    assert_eq!(first.question.differs(&again.question), [], "{}", again.delivery.words());
    assert_eq!(first.delivery.words(), again.delivery.words());
    assert!(first.question.differs(&first.delivery.truth).contains(&Part::Body));
}

/// What a printer does to numbers or to the order of members is lost, and is not asked for.
#[test]
fn what_nobody_can_guess_is_not_asked_for() {
    let registry = registry();
    let all = faults();
    let count = |code: &str, did: Did| {
        let fault = all.iter().find(|fault| fault.code == code).unwrap();
        (0..200)
            .filter(|n| matches!(asking(&registry, &[fault], *n, Size::Small), Err(other) if other == did))
            .count()
    };
    for code in ["body/json-stringify", "body/go-marshal", "body/php-json-encode", "body/written-as-latin-1"]
    {
        assert!(count(code, Did::Lost) > 2, "{code}");
    }
    assert_eq!(count("body/newline-added", Did::Lost), 0);
}

#[test]
fn every_control_is_refused_and_is_of_many_presets() {
    let registry = registry();
    for name in CONTROLS {
        let presets: BTreeSet<_> = (0..100)
            .filter_map(|number| Some(unexplainable(&registry, name, number)?.delivery.known.preset))
            .collect();
        assert!(presets.len() > 10, "{name}: {presets:?}");
    }
}

/// Whatever is found or not: nothing false is said to be proven, no control is explained, and nothing leaks. With little time
/// for each question, for a build without optimisation.
#[test]
fn nothing_false_is_said_and_nothing_secret() {
    let budget = Budget { time: Duration::from_millis(15), bytes: 64 << 20 };
    let plan = Plan { each: 0, doubles: 20, controls: 300, big: 0, budget, class: None };
    let table = Table::of(&registry(), &plan, "");
    assert!(table.controls().injected >= 290, "{}", table.controls().injected);
    assert!(table.is_honest(), "{}", table.print(20));
}

/// What the benchmark wants to be found, of fewer questions. Its times are left out: this build is slow, and the machine may be busy.
#[test]
fn enough_is_found() {
    let budget = Budget { time: Duration::from_secs(20), ..Budget::default() };
    let class = Some(Class::Provable);
    let plan = Plan { each: 0, doubles: 20, controls: 0, big: 0, budget, class };
    let table = Table::of(&registry(), &plan, "");
    assert!(table.finds_enough() && table.is_honest(), "{}", table.print(40));
}
