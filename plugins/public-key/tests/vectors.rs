//! The mode keeps its promises, and the presets that use it pass their vectors.
#![allow(clippy::unwrap_used)]

use countersign::Registry;
use countersign_testkit::{Options, VectorFile, conformance, preset_files, run};

macro_rules! preset {
    ($name:literal) => {
        preset_files!("../../../presets/", $name)
    };
}
type File = (&'static str, &'static str);
const PRESETS: [(File, File); 2] = [preset!("sendgrid"), preset!("alipay-cn")];

#[test]
fn the_mode_keeps_its_promises_and_every_preset_passes_its_vectors_and_mutants() {
    let vectors = PRESETS.map(|(_, (name, text))| {
        VectorFile::parse(name, text).unwrap_or_else(|errors| panic!("{name}: {errors}"))
    });
    let found =
        conformance::suite(countersign_public_key::mode(), &PRESETS.map(|(preset, _)| preset), &vectors);
    assert!(found.is_ok() && found.vectors.mutants_ran() > 50, "{found}");
}

#[test]
fn linking_the_crate_is_enough() {
    use countersign_public_key as _;
    let mut registry = Registry::linked().unwrap();
    let ((file, text), (name, vectors)) = PRESETS[0];
    registry.add_preset(file, text).unwrap();
    let report = run(&registry, &VectorFile::parse(name, vectors).unwrap(), &Options::default());
    assert!(report.is_ok(), "{report}");
}

/// Signing with it would fail at every draft; that is said when the signer is made.
#[test]
fn a_key_that_only_verifies_makes_no_signer() {
    use countersign::{Key, KeyId, KeyKind, Keyring, Secret, Vars};
    let mut registry = Registry::new();
    registry.register(countersign_public_key::mode()).unwrap();
    let ((file, text), (name, vectors)) = PRESETS[0];
    registry.add_preset(file, text).unwrap();
    let public = VectorFile::parse(name, vectors).unwrap().cases[0].secrets[0].value.clone();
    let mut ring = Keyring::new();
    let secret = Secret::new(public.as_bytes()).unwrap();
    ring.add(Key::new(KeyId::new("main"), KeyKind::Public, secret)).unwrap();
    let refused = registry.named("sendgrid").unwrap().signer(&ring, &Vars::new()).err().unwrap();
    assert_eq!(
        refused.to_string(),
        "key `main`: this key only verifies: give the private one, and an algorithm that signs"
    );
}
