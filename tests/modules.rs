//! The modes that ship, through both doors: linked, and loaded from their shared libraries. Every case of every preset,
//! and everything that can be known of an answer, is the same.
#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

use countersign::{
    BodyNeed, Context, Document, Draft, Head, KeyCache, Outcome, Registry, Request, RequestKind, Verifier,
};
use countersign_plugin::host::{Loader, Module, Pin, Spec};
use countersign_testkit::{Case, Options, SecretSpec, VectorFile, conformance, run, shape};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

const MODULES: [&str; 7] = ["ed25519", "http-signature", "jwt", "public-key", "token", "x509", "digest"];

/// The registry of the loaded modes with all presets, and the modules behind it.
fn loaded() -> &'static (Registry, Vec<Module>) {
    static LOADED: OnceLock<(Registry, Vec<Module>)> = OnceLock::new();
    LOADED.get_or_init(|| {
        let mut registry = Registry::new();
        let mut loader = Loader::new();
        let mut modules = Vec::new();
        for (name, path) in MODULES.iter().zip(built()) {
            let mut spec = Spec::new(path, Pin::of(&std::fs::read(path).unwrap()));
            // What may be fetched of what the presets want: the vectors bring the documents, and nothing is fetched.
            spec.fetch_hosts = hosts();
            let module = loader.load(&spec).unwrap_or_else(|error| panic!("{error}"));
            assert!(module.modes().iter().any(|mode| mode.info().name == *name), "{name}");
            assert!(module.is_sealed() && module.is_guarded());
            module.register(&mut registry).unwrap();
            modules.push(module);
        }
        for (file, text) in countersign_presets::PRESETS {
            registry.add_preset(*file, *text).unwrap();
        }
        (registry, modules)
    })
}

/// The shared libraries, built by the same cargo into the same folder.
fn built() -> &'static [PathBuf] {
    static BUILT: OnceLock<Vec<PathBuf>> = OnceLock::new();
    BUILT.get_or_init(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--locked"]).current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        for name in MODULES {
            cargo.arg(format!("--package=countersign-module-{name}"));
        }
        assert!(cargo.status().unwrap().success());
        // target/debug/deps/modules-… runs beside target/debug.
        let own = std::env::current_exe().unwrap();
        let folder = own.ancestors().find(|folder| folder.ends_with("deps")).and_then(Path::parent).unwrap();
        let library =
            |name: &&str| folder.join(format!("libcountersign_module_{}.so", name.replace('-', "_")));
        MODULES.iter().map(library).collect()
    })
}

/// Every host of a document that a case brings.
fn hosts() -> Vec<String> {
    let host =
        |name: &str| name.strip_prefix("https://").and_then(|rest| rest.split('/').next()).map(str::to_owned);
    let files = vectors();
    let cases = files.iter().flat_map(|file| &file.cases);
    let mut hosts: Vec<String> =
        cases.flat_map(|case| case.documents.iter().filter_map(|(name, _)| host(name))).collect();
    hosts.sort();
    hosts.dedup();
    hosts
}

/// The vectors of every preset of a mode that has two doors: the core's own has one.
fn vectors() -> Vec<VectorFile> {
    let linked = countersign_modes::registry().unwrap();
    let parse = |(name, text): &(&str, &str)| {
        VectorFile::parse(*name, text).unwrap_or_else(|errors| panic!("{errors}"))
    };
    let mode = |file: &VectorFile| {
        let tree = linked.resolve(file.preset.as_deref().unwrap(), None).unwrap();
        tree.get(&["mode"]).and_then(|node| node.text().cloned()).unwrap()
    };
    countersign_presets::VECTORS.iter().map(parse).filter(|file| &*mode(file) != "hmac").collect()
}

/// The first preset of each shape.
fn one_of_a_shape() -> BTreeSet<String> {
    let linked = countersign_modes::registry().unwrap();
    let mut seen = BTreeSet::new();
    let names = linked.presets().map(|(name, _)| name.to_owned());
    names.filter(|name| seen.insert(shape(&linked, name).unwrap())).collect()
}

#[test]
fn the_whole_corpus_passes_loaded_as_it_does_linked() {
    let (loaded, modules) = loaded();
    let linked = countersign_modes::registry().unwrap();
    let one_of_a_shape = one_of_a_shape();
    for file in vectors() {
        // Every case of every preset; the mutants of one preset of each shape.
        let mut options = Options::default();
        options.mutants = one_of_a_shape.contains(file.preset.as_deref().unwrap());
        let (ours, theirs) = (run(&linked, &file, &options), run(loaded, &file, &options));
        assert!(ours.is_ok() && theirs.is_ok(), "{:?}:\n{ours}\n{theirs}", file.preset);
        // A loaded mode is shown every header, and so none counts as unread: the kinds differ, and their number does not.
        assert_eq!(
            (&ours.cases, ours.mutants_ran()),
            (&theirs.cases, theirs.mutants_ran()),
            "{:?}",
            file.preset
        );
    }
    for module in modules {
        assert_eq!(module.health().faults, 0, "{}", module.name());
    }
}

#[test]
fn outcomes_evidence_and_refusals_are_the_same() {
    let (loaded, _) = loaded();
    let linked = countersign_modes::registry().unwrap();
    let mut judged = 0;
    for file in vectors() {
        for case in &file.cases {
            let (ours, theirs) = (answer(&linked, case), answer(loaded, case));
            assert_eq!(ours, theirs, "{:?}: {}", file.preset, case.name);
            judged += 1;
        }
    }
    assert!(judged > 500, "{judged}");
}

#[test]
fn what_a_preset_needs_and_what_is_wrong_with_it_is_told_alike() {
    let (loaded, _) = loaded();
    let linked = countersign_modes::registry().unwrap();
    for (name, _) in linked.presets() {
        let (ours, theirs) = (linked.named(name).unwrap(), loaded.named(name).unwrap());
        let (mut ours, mut theirs) = (ours.needs(), theirs.needs());
        if ours != theirs {
            // What does not cross: that verifying allocates nothing, that a body can come in pieces, the order of kinds.
            (ours.allocates, theirs.allocates) = (true, true);
            (ours.body, theirs.body) = (BodyNeed::Whole, BodyNeed::Whole);
            ours.keys.to_mut().sort_by_key(|kind| kind.word());
            theirs.keys.to_mut().sort_by_key(|kind| kind.word());
        }
        assert_eq!(ours, theirs, "{name}");
    }
    let broken = "schema = 1\nname = \"broken\"\nmode = \"ed25519\"\n[ed25519]\nalgoritm = \"ed25519\"\n\
                  signed_template = \"{body\"\nsignature_source = { header = \"x y\", encoding = 1 }\n";
    let complaints = |mut registry: Registry| {
        registry.add_preset("broken.toml", broken).unwrap();
        registry.named("broken").err().unwrap().render(registry.sources())
    };
    let mut both = Registry::new();
    for module in &loaded_modules()[..1] {
        module.register(&mut both).unwrap();
    }
    let lines = |text: String| -> Vec<String> {
        text.lines().filter(|line| line.starts_with("broken.toml:")).map(str::to_owned).collect()
    };
    let (ours, theirs) =
        (lines(complaints(countersign_modes::without_presets().unwrap())), lines(complaints(both)));
    let says = |line: &String| line.split_once(": ").unwrap().1.to_owned();
    assert!(ours.len() >= 4, "{ours:?}");
    assert_eq!(ours.iter().map(says).collect::<Vec<_>>(), theirs.iter().map(says).collect::<Vec<_>>());
    // A pointer leads to a value or a key, not into a text: the line is the same.
    let line = |line: &String| line.split(':').nth(1).unwrap().to_owned();
    assert_eq!(ours.iter().map(line).collect::<Vec<_>>(), theirs.iter().map(line).collect::<Vec<_>>());
}

fn loaded_modules() -> &'static [Module] {
    &loaded().1
}

/// Everything that an answer says, in words.
fn answer(registry: &Registry, case: &Case) -> String {
    let compiled = match case.overrides.clone() {
        None => registry.named(&case.preset),
        Some(changes) => registry.named_with(&case.preset, changes),
    };
    let compiled = match compiled {
        Ok(compiled) => compiled,
        Err(errors) => return format!("config: {}", errors.0.len()),
    };
    let ring = match SecretSpec::ring(&case.secrets, compiled.needs().key_kind(false)) {
        Ok(ring) => ring,
        Err(error) => return format!("ring: {error}"),
    };
    match compiled.verifier("tests", &ring, &case.vars) {
        Err(error) => format!("key: {error}"),
        Ok(verifier) => judged(&verifier, case),
    }
}

fn judged(verifier: &Arc<Verifier>, case: &Case) -> String {
    let documents = Documents(case);
    match verifier.verify(&case.request.request(), &Context::new(case.now, &documents)) {
        Outcome::Unresolved(wanted) => format!("{wanted:?}"),
        Outcome::Rejected(rejection) => format!("{rejection:?}"),
        Outcome::Verified(verified) => {
            let mut keys: Vec<String> =
                verified.replay_keys(case.now).iter().map(|key| format!("{:?}", key.digest())).collect();
            keys.sort();
            keys.dedup();
            format!(
                "{} {:?} {:?} {:?} {keys:?}",
                verified.key(),
                verified.message_id(),
                verified.signed_at(),
                verified.binds().words().collect::<Vec<_>>()
            )
        }
    }
}

struct Documents<'c>(&'c Case);

impl KeyCache for Documents<'_> {
    fn get(&self, _: RequestKind, name: &str) -> Option<Document> {
        let (_, text) = self.0.documents.iter().find(|(known, _)| **known == *name)?;
        Some(Document::new(text.as_bytes(), self.0.now))
    }
}

#[test]
fn what_a_loaded_mode_signs_the_linked_one_verifies_and_the_other_way_round() {
    let (loaded, _) = loaded();
    let linked = countersign_modes::registry().unwrap();
    let mut signed = 0;
    for file in vectors() {
        for case in file.cases.iter().filter(|case| case.expect == countersign_testkit::Expect::Ok) {
            for (signs, verifies) in [(&linked, loaded), (loaded, &linked)] {
                signed += usize::from(sign_and_verify(signs, verifies, case));
            }
        }
    }
    assert!(signed > 100, "{signed}");
}

/// Whether a case's keys can sign, and then that the other door verifies it.
fn sign_and_verify(signs: &Registry, verifies: &Registry, case: &Case) -> bool {
    let (Ok(signing), Ok(verifying)) = (signs.named(&case.preset), verifies.named(&case.preset)) else {
        return false;
    };
    if case.overrides.is_some() {
        return false;
    }
    let Ok(ring) = SecretSpec::ring(&case.secrets, signing.needs().key_kind(true)) else { return false };
    let Ok(signer) = signing.signer(&ring, &case.vars) else { return false };
    let Ok(verifier) = verifying.verifier("tests", &ring, &case.vars) else { return false };
    let request = case.request.request();
    let mut draft = Draft::new("msg_1", case.now, request.head.url, request.body);
    draft.method = request.head.method;
    let Ok(done) = signer.sign(&draft) else { return false };
    let url = done.url.as_deref().unwrap_or(draft.url);
    let body = done.body.as_deref().unwrap_or(draft.body);
    let headers: Vec<(&str, &[u8])> = done.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
    let sent = Request::new(Head::new(draft.method, url, &headers), body);
    let outcome = verifier.verify(&sent, &Context::at(case.now)).code();
    assert_eq!(outcome, "ok", "{}: {}", case.preset, case.name);
    true
}

/// The kit asks of a loaded mode what it asks of a linked one; each mode's own tests ask the linked ones, at length.
#[test]
fn every_loaded_mode_keeps_its_promises() {
    let (registry, modules) = loaded();
    let mut options = conformance::Options::default().without_speed();
    (options.rounds, options.threads, options.damaged) = (50, 8, 8);
    (options.samples, options.budget) = (16, Duration::from_millis(400));
    let one_of_a_shape = one_of_a_shape();
    let mut files = vectors();
    files.retain(|file| one_of_a_shape.contains(file.preset.as_deref().unwrap()));
    std::thread::scope(|scope| {
        for mode in modules.iter().flat_map(|module| module.modes()) {
            let (files, options) = (&files, &options);
            scope.spawn(move || {
                let name = mode.info().name.to_string();
                let of_mode = |preset: &str| {
                    registry.named(preset).is_ok_and(|compiled| *compiled.preset().mode.value == *name)
                };
                let own = |file: &&VectorFile| file.preset.as_deref().is_some_and(of_mode);
                let files: Vec<VectorFile> = files.iter().filter(own).cloned().collect();
                assert!(!files.is_empty(), "{name} has no preset");
                let found =
                    conformance::suite_with(mode.clone(), countersign_presets::PRESETS, &files, options);
                assert!(found.is_ok(), "{name}: {found}");
            });
        }
    });
}
