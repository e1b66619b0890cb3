//! The mode keeps its promises, and the presets that use it pass their vectors.
#![allow(clippy::unwrap_used)]

use countersign::Registry;
use countersign_testkit::{Options, VectorFile, conformance, run};

type File = (&'static str, &'static str);

macro_rules! file {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../presets/", $name)))
    };
}

const PRESETS: [File; 4] =
    [file!("aws-sns.toml"), file!("paypal.toml"), file!("paypal-sandbox.toml"), file!("alexa.toml")];

const VECTORS: [File; 4] = [
    file!("aws-sns.vectors.toml"),
    file!("paypal.vectors.toml"),
    file!("paypal-sandbox.vectors.toml"),
    file!("alexa.vectors.toml"),
];

fn vectors() -> Vec<VectorFile> {
    let parse = |(name, text)| VectorFile::parse(name, text).unwrap_or_else(|errors| panic!("{errors}"));
    VECTORS.map(parse).into()
}

#[test]
fn the_mode_keeps_its_promises_and_every_preset_passes_its_vectors_and_mutants() {
    let found = conformance::suite(countersign_x509::mode(), &PRESETS, &vectors());
    assert!(found.is_ok(), "{found}");
    assert!(found.vectors.mutants_ran() > 500, "{found}");
}

#[test]
fn linking_the_crate_is_enough() {
    use countersign_x509 as _;
    let mut registry = Registry::linked().unwrap();
    for (file, text) in PRESETS {
        registry.add_preset(file, text).unwrap();
    }
    let report = run(&registry, &vectors()[1], &Options::default());
    assert!(report.is_ok(), "{report}");
}
