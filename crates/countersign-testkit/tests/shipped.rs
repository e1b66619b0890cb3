//! The shipped presets pass their vectors and every mutant of them.
#![allow(clippy::unwrap_used)]

use countersign_testkit::{Counted, Expect, Options, Report, SecretSpec, VectorFile, run, shape};

fn all() -> Report {
    let registry = countersign_modes::registry().unwrap_or_else(|errors| panic!("{errors}"));
    let mut whole = Report::default();
    for (name, text) in countersign_presets::VECTORS {
        let file = VectorFile::parse(*name, text).unwrap_or_else(|errors| panic!("{errors}"));
        whole.merge(run(&registry, &file, &Options::default()));
    }
    whole
}

#[test]
fn every_shipped_preset_passes_its_vectors_and_mutants() {
    let report = all();
    let summary = report.to_string();
    assert!(report.is_ok(), "{summary}");
    assert!(report.proven() > 50 && report.mutants_ran() > 5_000, "{summary}");
}

#[test]
fn cases_are_counted_as_a_reader_counts_them() {
    for (name, text) in countersign_presets::VECTORS {
        let cases = VectorFile::parse(*name, text).unwrap().cases;
        let published: Vec<_> = cases.iter().filter(|case| case.source.is_proof()).collect();
        let proven = published.iter().any(|case| case.expect == Expect::Ok);
        let counted =
            Counted { published: published.len(), generated: cases.len() - published.len(), proven };
        assert_eq!(Counted::of(text), counted, "{name}");
    }
    let spaced =
        "schema = 1\n[[case]]\nname = \"a\"\nsource=\"captured\" # why\nexpect  =  \"ok\"\n\n[[case]]\n";
    assert_eq!(Counted::of(spaced), Counted { published: 1, generated: 1, proven: true });
    assert_eq!(Counted::of("{\"schema\": 1}"), Counted::default());
}

#[test]
fn no_report_shows_a_secret_or_a_signature() {
    // A registry in which every preset is broken in the same way, so that much is refused and much is said.
    let mut registry = countersign::Registry::new();
    for (name, text) in countersign_presets::PRESETS {
        registry
            .add_preset(*name, text.replace("{body}", "{body}x").replace("pspReference", "reference"))
            .unwrap();
    }
    let (mut failures, mut shapes) = (0, std::collections::BTreeSet::new());
    for (name, text) in countersign_presets::VECTORS {
        let file = VectorFile::parse(*name, text).unwrap();
        let mut options = Options::default();
        options.mutants =
            shape(&registry, file.preset.as_deref().unwrap()).is_ok_and(|shape| shapes.insert(shape));
        let report = run(&registry, &file, &options);
        failures += report.failures.len();
        let said = format!("{report}{}{report:?}{file:?}", report.to_json());
        for case in &file.cases {
            // A certificate and a public key are known to everybody.
            let public =
                |text: &str| text.contains("-----BEGIN CERTIFICATE") || text.contains("-----BEGIN PUBLIC");
            let secret = |secret: &&SecretSpec| secret.value.len() > 6 && !public(&secret.value);
            // A few are words of the name that the case has.
            let named = |secret: &&SecretSpec| case.name.contains(&*secret.value);
            for secret in case.secrets.iter().filter(secret).filter(|secret| !named(secret)) {
                assert!(!said.contains(&*secret.value), "{name}: {}", case.name);
            }
            let signatures = case.request.headers.iter().filter(|(name, _)| {
                let name = name.to_ascii_lowercase();
                name.contains("signature") || name.contains("hmac")
            });
            for (_, value) in signatures {
                let value = String::from_utf8_lossy(value);
                // Where a key or a certificate is is no secret.
                let secret = |word: &&str| word.len() > 30 && !word.contains("://");
                for word in value.split([' ', ',', '=']).filter(secret) {
                    assert!(!said.contains(word), "{name}: {}", case.name);
                }
            }
        }
    }
    assert!(failures > 50, "{failures}");
}

/// One preset of each shape: hundreds sign in the same words under names of their own, and the whole of it is looked at for
/// each. `CONFORMANCE=all` asks all of them.
#[test]
fn the_mode_of_the_core_keeps_its_promises() {
    let registry = countersign::Registry::new();
    let mode = registry.mode("hmac").unwrap().clone();
    let shipped = countersign_presets::registry().unwrap();
    let everything = std::env::var("CONFORMANCE").is_ok_and(|all| all == "all");
    let mut shapes = std::collections::BTreeSet::new();
    let chosen = |file: &str| {
        let name = file.trim_start_matches("presets/").trim_end_matches(".toml");
        let of_the_core = shipped.resolve(name, None).unwrap().get(&["hmac"]).is_some();
        of_the_core && (everything || shapes.insert(shape(&shipped, name).unwrap()))
    };
    let (mut chosen, mut presets, mut vectors) = (chosen, Vec::new(), Vec::new());
    for (preset, (name, text)) in countersign_presets::PRESETS.iter().zip(countersign_presets::VECTORS) {
        if chosen(preset.0) {
            presets.push(*preset);
            vectors.push(VectorFile::parse(*name, text).unwrap());
        }
    }
    assert!(presets.len() > 20, "{}", presets.len());
    let found = countersign_testkit::conformance::suite(mode, &presets, &vectors);
    assert!(found.damaged > 10_000);
    assert!(found.broken.is_empty(), "{found}");
}
