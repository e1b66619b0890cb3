//! The mode keeps its promises, and the presets that use it pass their vectors.
#![allow(clippy::unwrap_used)]

use countersign::Registry;
use countersign_testkit::{Options, VectorFile, conformance, preset_files, run};

type File = (&'static str, &'static str);

macro_rules! preset {
    ($name:literal) => {
        preset_files!("../../../presets/", $name)
    };
}

const PRESETS: [(File, File); 4] =
    [preset!("aws-sns"), preset!("paypal"), preset!("paypal-sandbox"), preset!("alexa")];

fn vectors() -> Vec<VectorFile> {
    let parse = |(_, (name, text))| VectorFile::parse(name, text).unwrap_or_else(|errors| panic!("{errors}"));
    PRESETS.map(parse).into()
}

#[test]
fn the_mode_keeps_its_promises_and_every_preset_passes_its_vectors_and_mutants() {
    let found = conformance::suite(countersign_x509::mode(), &PRESETS.map(|(preset, _)| preset), &vectors());
    assert!(found.is_ok(), "{found}");
    assert!(found.vectors.mutants_ran() > 500, "{found}");
}

#[test]
fn linking_the_crate_is_enough() {
    use countersign_x509 as _;
    let mut registry = Registry::linked().unwrap();
    for ((file, text), _) in PRESETS {
        registry.add_preset(file, text).unwrap();
    }
    let report = run(&registry, &vectors()[1], &Options::default());
    assert!(report.is_ok(), "{report}");
}
