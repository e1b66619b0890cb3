//! The mode keeps its promises, its presets pass their vectors, and what it says of itself is true.
#![allow(clippy::unwrap_used)]

use countersign::{
    Binds, Context, Draft, Explain, Head, Key, Keyring, MemoryGuard, Registry, Request, Step, Timestamp, Vars,
};
use countersign_testkit::{Options, VectorFile, conformance, preset_files, run};

macro_rules! preset {
    ($name:literal) => {
        preset_files!("../../../presets/", $name)
    };
}
type File = (&'static str, &'static str);
const PRESETS: [(File, File); 3] = [preset!("gitlab-token"), preset!("telegram"), preset!("azure-devops")];

fn registry() -> Registry {
    let mut registry = Registry::new();
    registry.register(countersign_token::mode()).unwrap();
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

/// A preset of this table, added to the others.
fn with(table: &str) -> Registry {
    let mut registry = registry();
    let text = format!("schema = 1\nname = \"acme\"\nmode = \"token\"\n{table}");
    registry.add_preset("acme.toml", text).unwrap();
    registry
}

#[test]
fn every_preset_passes_its_vectors_and_mutants() {
    let registry = registry();
    for file in vectors() {
        let report = run(&registry, &file, &Options::default());
        assert!(report.is_ok() && report.mutants_ran() > 20, "{report}");
    }
}

#[test]
fn the_mode_keeps_its_promises() {
    let presets = PRESETS.map(|(preset, _)| preset);
    let found = conformance::suite(countersign_token::mode(), &presets, &vectors());
    assert!(found.is_ok(), "{found}");
}

#[test]
fn it_binds_nothing_and_a_host_that_demands_the_body_hears_so_at_start() {
    let compiled = registry().named("telegram").unwrap();
    assert_eq!(compiled.needs().binds, Binds::default());
    assert!(compiled.needs().notes.iter().any(|note| note.contains("nothing of the request")));
    let refused = compiled.require_bound(Binds::BODY).unwrap_err();
    assert!(refused.to_string().contains("do not cover `body`"), "{refused}");
}

#[test]
fn replay_by_content_is_an_error_and_not_a_guard_that_lets_one_request_in() {
    let table = "[replay]\nkey = \"content\"\n[token]\ntoken_source = { header = \"x\" }\nkey = { forms = [{ decode = \"text\" }] }";
    let refused = with(table).named("acme").err().unwrap();
    assert!(refused.to_string().contains("nothing is signed that differs"), "{refused}");
    // Unsaid, nothing is remembered: two equal requests are two.
    let verifier = registry()
        .named("telegram")
        .unwrap()
        .verifier("bot", &Keyring::of("abc").unwrap(), &Vars::new())
        .unwrap();
    let headers = [("x-telegram-bot-api-secret-token", "abc")];
    let request = Request::new(Head::new("POST", "https://example.com/", &headers), b"{}");
    let (cx, guard) = (Context::at(Timestamp::from_unix(0)), MemoryGuard::default());
    for _ in 0..2 {
        let verified = verifier.verify(&request, &cx).into_verified().unwrap();
        assert!(verified.accept(&guard, cx.now).is_ok());
    }
}

#[test]
fn several_tokens_and_several_places_count_each() {
    let table = "[token]\nkey = { forms = [{ decode = \"text\" }] }\ntoken_source = [{ header = \"x-old\" }, { query = \"token\" }, { header = \"authorization\", extract = \"scheme\", scheme = \"Bearer\" }]";
    let mut ring = Keyring::new();
    ring.add(Key::shared("a", "first").unwrap()).unwrap().add(Key::shared("b", "second").unwrap()).unwrap();
    let verifier = with(table).named("acme").unwrap().verifier("s", &ring, &Vars::new()).unwrap();
    let judge = |url: &str, headers: &[(&str, &str)]| {
        let request = Request::new(Head::new("POST", url, &headers), b"");
        let outcome = verifier.verify(&request, &Context::at(Timestamp::from_unix(0)));
        outcome.into_verified().map(|verified| verified.key().to_string()).map_err(|r| r.reason.code())
    };
    assert_eq!(judge("https://e.com/", &[("x-old", "first")]), Ok("a".into()));
    assert_eq!(judge("https://e.com/?token=second", &[]), Ok("b".into()));
    assert_eq!(judge("https://e.com/?token=second", &[("authorization", "BEARER first")]), Ok("a".into()));
    assert_eq!(judge("https://e.com/?token=third", &[]), Err("bad_signature"));
    assert_eq!(judge("https://e.com/", &[]), Err("missing_signature"));
    assert_eq!(judge("https://e.com/", &[("authorization", "Bearer a b")]), Err("malformed_signature"));
}

#[test]
fn a_wrong_token_is_refused_before_the_body_is_there() {
    let verifier = registry()
        .named("telegram")
        .unwrap()
        .verifier("bot", &Keyring::of("abc").unwrap(), &Vars::new())
        .unwrap();
    let cx = Context::at(Timestamp::from_unix(0));
    let begin = |token: &str| {
        let headers = [("x-telegram-bot-api-secret-token", token)];
        verifier.begin(&Head::new("POST", "https://example.com/", &headers), &cx, 10).is_ok()
    };
    assert!(begin("abc") && !begin("abd"));
}

#[test]
fn explaining_shows_no_token() {
    struct Heard(Vec<u8>);
    impl Explain for Heard {
        fn step(&mut self, step: Step<'_>) {
            self.0.extend_from_slice(format!("{step:?}").as_bytes());
            if let Step::Candidate { bytes, .. } = step {
                self.0.extend_from_slice(bytes);
            }
        }
    }
    let verifier = registry()
        .named("telegram")
        .unwrap()
        .verifier("bot", &Keyring::of("hunter2").unwrap(), &Vars::new())
        .unwrap();
    for token in ["hunter2", "hunter3"] {
        let headers = [("x-telegram-bot-api-secret-token", token)];
        let request = Request::new(Head::new("POST", "https://example.com/", &headers), b"{}");
        let mut heard = Heard(Vec::new());
        verifier.explain(&request, &Context::at(Timestamp::from_unix(0)), &mut heard);
        let heard = String::from_utf8_lossy(&heard.0).into_owned();
        assert!(heard.contains("matched") && !heard.contains("hunter"), "{heard}");
    }
}

#[test]
fn what_it_signs_it_verifies() {
    for name in ["gitlab-token", "telegram", "azure-devops"] {
        let (compiled, keys) = (registry().named(name).unwrap(), Keyring::of("user:pass:word").unwrap());
        let draft = Draft::new("id", Timestamp::from_unix(0), "https://example.com/", b"{}");
        let signed = compiled.signer(&keys, &Vars::new()).unwrap().sign(&draft).unwrap();
        let headers: Vec<(String, Vec<u8>)> =
            signed.headers.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
        let request = Request::new(Head::new("POST", "https://example.com/", &headers), b"{}");
        let verifier = compiled.verifier("s", &keys, &Vars::new()).unwrap();
        assert_eq!(verifier.verify(&request, &Context::at(Timestamp::from_unix(0))).code(), "ok", "{name}");
    }
}

#[test]
fn mistakes_in_the_table_are_told_all_at_once() {
    let refused =
        with("[token]\ntoken_sorce = { header = \"x\" }\nkey = { forms = [{ decode = \"pem\" }] }\n");
    let errors = refused.named("acme").err().unwrap();
    let said = errors.render(refused.sources());
    for part in [
        "lacks `token_source`",
        "unknown key `token_sorce`",
        "`token_source`, if that is what is meant",
        "must be `text`",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn a_token_goes_into_a_form_and_into_nothing_that_is_none() {
    let registry =
        with("[token]\ntoken_source = { form = \"token\" }\nkey = { forms = [{ decode = \"text\" }] }");
    let compiled = registry.named("acme").unwrap();
    let signer = compiled.signer(&Keyring::of("s3cr3t-t0k3n").unwrap(), &Vars::new()).unwrap();
    let mut draft =
        Draft::new("msg_1", Timestamp::from_unix(0), "https://example.com/hook", b"a=1&token=old");
    let rejection = signer.sign(&draft).err().unwrap();
    assert_eq!(rejection.detail.unwrap().code, "core/no-form");
    let headers = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
    draft.headers = &headers;
    assert_eq!(signer.sign(&draft).unwrap().body.unwrap(), b"a=1&token=s3cr3t-t0k3n");
}
