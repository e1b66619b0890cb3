//! The mode keeps its promises, and the presets that use it pass their vectors.
#![allow(clippy::unwrap_used)]

use countersign::{
    Context, Draft, Head, Key, KeyId, KeyKind, Keyring, Registry, Request, Secret, Timestamp, Vars,
};
use countersign_testkit::{Options, VectorFile, conformance, preset_files, run};

macro_rules! preset {
    ($name:literal) => {
        preset_files!("../../../presets/", $name)
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
    let options = conformance::Options::default().with_pair(CASE_PUBLIC, CASE_PRIVATE);
    let presets = PRESETS.map(|(preset, _)| preset);
    let found = conformance::suite_with(countersign_ed25519::mode(), &presets, &vectors, &options);
    assert!(found.is_ok() && found.vectors.mutants_ran() > 200, "{found}");
    let signing = found.checks.iter().find(|checked| checked.check == conformance::Check::Signing).unwrap();
    assert!(signing.asked > 10, "a case whose private key is known was signed\n{found}");
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

/// The key of a case of the vectors, and its private half: the bytes from 1 to 32.
const CASE_PUBLIC: &str = "whpk_ebVWLo/mVPlAeLES6KmLp5AfhTrmlb7X4OORC60ElmQ=";
const CASE_PRIVATE: &str = "whsk_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";

/// The first test of RFC 8032, section 7.1, as Standard Webhooks writes keys.
const PUBLIC: &str = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
const PRIVATE: &str = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";

#[test]
fn a_private_key_signs_and_verifies_and_its_public_half_only_verifies() {
    let ((file, text), _) = PRESETS[2];
    let ring = |kind: KeyKind, text: &str| {
        let mut keys = Keyring::new();
        keys.add(Key::new(KeyId::new("main"), kind, Secret::new(text.as_bytes()).unwrap())).unwrap();
        keys
    };
    let (public, private) = (ring(KeyKind::Public, PUBLIC), ring(KeyKind::Private, PRIVATE));
    for algorithm in ["ed25519", "ed25519ph"] {
        let mut registry = Registry::new();
        let text = text.replace("algorithm = \"ed25519\"", &format!("algorithm = \"{algorithm}\""));
        registry.register(countersign_ed25519::mode()).unwrap().add_preset(file, text).unwrap();
        let compiled = registry.named("standard-webhooks-ed25519").unwrap();
        let at = Timestamp::from_unix(1_700_000_000);
        let draft = Draft::new("msg_1", at, "https://example.com/", b"{}");
        let signed = compiled.signer(&private, &Vars::new()).unwrap().sign(&draft).unwrap();
        assert!(compiled.signer(&public, &Vars::new()).is_err());
        let headers: Vec<(&str, &[u8])> =
            signed.headers.iter().map(|(name, value)| (&**name, &value[..])).collect();
        for (keys, body, good) in [(&public, b"{}", true), (&private, b"{}", true), (&public, b"[]", false)] {
            let verifier = compiled.verifier("hooks", keys, &Vars::new()).unwrap();
            let request = Request::new(Head::new("POST", "https://example.com/", &headers), body);
            let verified = verifier.verify(&request, &Context::at(at)).into_verified();
            assert_eq!(verified.is_ok(), good, "{algorithm}");
        }
    }
}
