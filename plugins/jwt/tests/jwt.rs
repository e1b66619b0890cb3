//! The mode keeps its promises, its presets pass their vectors, and what it says of itself is true.
#![allow(clippy::unwrap_used)]

use countersign::Registry;
use countersign_testkit::{Options, VectorFile, conformance, run};

macro_rules! preset {
    ($name:literal) => {
        (
            (concat!($name, ".toml"), include_str!(concat!("../../../presets/", $name, ".toml"))),
            (
                concat!($name, ".vectors.toml"),
                include_str!(concat!("../../../presets/", $name, ".vectors.toml")),
            ),
        )
    };
}
type File = (&'static str, &'static str);
const PRESETS: [(File, File); 13] = [
    preset!("apple-app-store"),
    preset!("clerk-session"),
    preset!("constant-contact"),
    preset!("fireblocks-v2"),
    preset!("google-pubsub"),
    preset!("kinde"),
    preset!("livekit"),
    preset!("messagebird"),
    preset!("netlify"),
    preset!("plaid"),
    preset!("saleor"),
    preset!("vonage"),
    preset!("wix"),
];

fn registry() -> Registry {
    let mut registry = Registry::new();
    registry.register(countersign_jwt::mode()).unwrap();
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
    for ((file, _), _) in PRESETS {
        let compiled = registry.named(file.trim_end_matches(".toml"));
        assert!(compiled.is_ok(), "{}", compiled.err().unwrap().render(registry.sources()));
    }
    let mut failed = String::new();
    for file in vectors() {
        let report = run(&registry, &file, &Options::default());
        if !report.is_ok() || report.mutants_ran() < 20 {
            failed.push_str(&format!("{}: {report}\n", file.name));
        }
    }
    assert!(failed.is_empty(), "{failed}");
}

#[test]
fn the_mode_keeps_its_promises() {
    let presets = PRESETS.map(|(preset, _)| preset);
    let found = conformance::suite(countersign_jwt::mode(), &presets, &vectors());
    assert!(found.is_ok(), "{found}");
}
