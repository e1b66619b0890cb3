//! The mode keeps its promises, and its presets pass their vectors: the RFC's own, other implementations', providers'.
#![allow(clippy::unwrap_used)]

use countersign::Registry;
use countersign_testkit::{Options, VectorFile, conformance, preset_files, run};

type File = (&'static str, &'static str);

const PRESETS: [(File, File); 4] = [
    preset_files!("", "rfc9421"),
    preset_files!("../../../presets/", "mastodon"),
    preset_files!("../../../presets/", "drone"),
    preset_files!("../../../presets/", "woodpecker"),
];

fn registry() -> Registry {
    let mut registry = Registry::new();
    registry.register(countersign_http_signature::mode()).unwrap();
    for ((file, text), _) in PRESETS {
        registry.add_preset(file, text).unwrap();
    }
    registry
}

fn vectors() -> Vec<VectorFile> {
    let parse =
        |(name, text): File| VectorFile::parse(name, text).unwrap_or_else(|errors| panic!("{errors}"));
    PRESETS.iter().map(|(_, vectors)| parse(*vectors)).collect()
}

#[test]
fn every_preset_passes_its_vectors_and_mutants() {
    let registry = registry();
    for file in vectors() {
        let report = run(&registry, &file, &Options::default());
        assert!(report.is_ok() && report.mutants_ran() > 20, "{}: {report}", file.name);
    }
}

#[test]
fn the_mode_keeps_its_promises() {
    let presets = PRESETS.map(|(preset, _)| preset);
    let found = conformance::suite(countersign_http_signature::mode(), &presets, &vectors());
    assert!(found.is_ok(), "{found}");
}

#[test]
fn linking_the_crate_is_enough() {
    assert!(countersign_http_signature::mode().info().name == "http-signature");
    assert!(Registry::linked().unwrap().mode("http-signature").is_some());
}
