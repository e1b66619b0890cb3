//! The mode keeps its promises, and the presets that use it pass their vectors.
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
const PRESETS: [(File, File); 3] =
    [preset!("discord"), preset!("telnyx"), preset!("standard-webhooks-ed25519")];

#[test]
fn the_mode_keeps_its_promises_and_every_preset_passes_its_vectors_and_mutants() {
    let vectors = PRESETS.map(|(_, (name, text))| {
        VectorFile::parse(name, text).unwrap_or_else(|errors| panic!("{name}: {errors}"))
    });
    let found = conformance::suite(countersign_ed25519::mode(), &PRESETS.map(|(preset, _)| preset), &vectors);
    assert!(found.is_ok() && found.vectors.mutants_ran() > 200, "{found}");
}

#[test]
fn linking_the_crate_is_enough() {
    use countersign_ed25519 as _;
    let mut registry = Registry::linked().unwrap();
    let ((file, text), (name, vectors)) = PRESETS[0];
    registry.add_preset(file, text).unwrap();
    let report = run(&registry, &VectorFile::parse(name, vectors).unwrap(), &Options::default());
    assert!(report.is_ok(), "{report}");
}
