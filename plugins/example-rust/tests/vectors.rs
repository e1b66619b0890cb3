//! The mode keeps its promises, and its preset passes its vectors: what every third party's test looks like.
#![allow(clippy::unwrap_used)]

use countersign::Registry;
use countersign_testkit::{Options, VectorFile, conformance, run};

const PRESET: (&str, &str) = ("example-blake3.toml", include_str!("../example-blake3.toml"));
const VECTORS: (&str, &str) = ("example-blake3.vectors.toml", include_str!("../example-blake3.vectors.toml"));

fn vectors() -> VectorFile {
    VectorFile::parse(VECTORS.0, VECTORS.1).unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn linking_the_crate_is_enough() {
    let registry = Registry::linked().unwrap();
    assert!(
        registry.mode("blake3").is_some(),
        "announced: {:?}",
        registry.presets().map(|p| p.0).collect::<Vec<_>>()
    );
    let report = run(&registry, &vectors(), &Options::default());
    assert!(report.is_ok(), "{report}");
    assert!(report.mutants_ran() > 100, "{report}");
}

#[test]
fn registering_by_hand_is_the_same() {
    let mut registry = Registry::new();
    registry.register(example_rust::mode()).unwrap().add_preset(PRESET.0, PRESET.1).unwrap();
    let report = run(&registry, &vectors(), &Options::default());
    assert!(report.is_ok(), "{report}");
}

#[test]
fn the_mode_keeps_its_promises() {
    let conformance = conformance::suite(example_rust::mode(), &[PRESET], &[vectors()]);
    assert!(conformance.is_ok(), "{conformance}");
}
