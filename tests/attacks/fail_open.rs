//! Accepting because something is not there.

use crate::harness::*;
use countersign::Reason::*;
use countersign::config::ConfigErrors;
use countersign::{
    Binds, Check, Claim, Class, Context, Evidence, Fingerprints, Head, KeyError, KeyKind, KeyRequest,
    Keyring, Mode, ModeConfig, ModeInfo, Needs, Outcome, Refusal, ReplayGuard, ReplayKey, Request,
    RequestKind, Scheme as ModeScheme, SignedBy, Status, Unaccepted, Vars, Verifier,
};
use countersign_testkit::{Expect, SecretSpec, VectorFile};
use std::sync::Arc;

/// HMAC takes an empty key, so anyone could sign where none is set.
#[test]
fn atk_008_empty_secret_accepted() {
    let body = b"body";
    let forged = format!("sha256={}", hex(&sha256(b"", body)));
    let with = |secret: &str| github(&forged, body).keys([key("main", secret)]).expect(Expected::KeyError);
    attack("ATK-008", ["", " ", "   ", "\n", "\t\r\n"].map(with));
    attack(
        "ATK-008",
        [standard("m", "1700000000", "v1,").keys([key("main", "whsec_")]).expect(Expected::KeyError)],
    );
    attack("ATK-008", [github(&forged, body).keys([]).expect(Expected::KeyError)]);
}

/// A variable that is not set becomes a word that everyone knows.
#[test]
fn atk_009_unset_environment_variable_becomes_a_literal() {
    for word in ["${NOPE}", "${WEBHOOK_SECRET}", "undefined", "null", "None", "changeme"] {
        let sig = format!("sha256={}", hex(&sha256(word.as_bytes(), b"body")));
        attack("ATK-009", [github(sig, b"body").keys([key("main", word)]).expect(Expected::KeyError)]);
    }
}

/// A secret compiled in is a secret of everybody.
#[test]
fn atk_010_default_or_fallback_secret_compiled_in() {
    let registry = countersign_modes::registry().unwrap();
    let mut seen = 0;
    for (name, _) in registry.presets() {
        let compiled = registry.named(name).unwrap();
        let mut vars = Vars::new();
        for var in compiled.preset().vars.iter() {
            vars.set(var.name.clone(), "x");
        }
        // A scheme that finds its keys takes none, and has none until it was given what it asks for.
        match compiled.verifier("source", &Keyring::new(), &vars) {
            Err(_) => {}
            Ok(verifier) => {
                assert!(compiled.needs().remote, "{name} verifies without a key");
                assert!(judge(&verifier, &Sent::default()).is_err(), "{name} verifies without a key");
            }
        }
        seen += 1;
    }
    assert_eq!(seen, countersign_presets::PRESETS.len());
}

/// "If there is a signature, check it" lets in whatever has none.
#[test]
fn atk_011_missing_signature_header_treated_as_nothing_to_check() {
    let shipped = countersign_modes::registry().unwrap();
    let mut seen = 0;
    let unsigned = Case::new(Scheme::Shipped("github"), Sent::default()).refused(MissingSignature);
    attack("ATK-011", [unsigned]);
    assert_eq!(MissingSignature.class().status(), 401);
    for (file, text) in countersign_presets::VECTORS {
        // With the keys of a delivery that verifies: such as the preset's own test has.
        let cases = VectorFile::parse(*file, text).unwrap().cases;
        let case = cases.into_iter().find(|case| case.expect == Expect::Ok);
        let Some(case) = case else { panic!("{file}: no case verifies") };
        let preset = match case.overrides {
            None => shipped.named(&case.preset).unwrap(),
            Some(changes) => shipped.named_with(&case.preset, changes).unwrap(),
        };
        let ring = SecretSpec::ring(&case.secrets, preset.needs().key_kind(false)).unwrap();
        let verifier = preset.verifier("source", &ring, &case.vars).unwrap();
        assert!(judge(&verifier, &Sent::default()).is_err(), "{file} takes a request without anything");
        seen += 1;
    }
    assert_eq!(seen, countersign_presets::PRESETS.len());
}

/// A token that says "this is only a test" is still to be signed.
#[test]
fn atk_021_test_or_sandbox_bypass_reachable_in_production() {
    let files =
        countersign_presets::VECTORS.iter().map(|(file, text)| VectorFile::parse(*file, text).unwrap());
    let mut cases = files.flat_map(|file| file.cases).filter(|case| &*case.preset == "apple-app-store");
    let good = cases.find(|case| case.expect == Expect::Ok).unwrap();
    let shipped = countersign_modes::registry().unwrap();
    let compiled = match good.overrides {
        None => shipped.named(&good.preset).unwrap(),
        Some(changes) => shipped.named_with(&good.preset, changes).unwrap(),
    };
    let ring = SecretSpec::ring(&good.secrets, compiled.needs().key_kind(false)).unwrap();
    let verifier = compiled.verifier("source", &ring, &good.vars).unwrap();
    let part = |json: &str| base64_simd::URL_SAFE_NO_PAD.encode_to_string(json);
    let claims = |environment: &str| {
        part(&format!(
            "{{\"notificationUUID\":\"u\",\"signedDate\":{}000,\"data\":{{\"bundleId\":\"com.example\",\"environment\":\"{environment}\"}}}}",
            good.now.unix()
        ))
    };
    for environment in ["Xcode", "LocalTesting", "Sandbox", "Production"] {
        for (header, signature) in
            [(r#"{"alg":"none"}"#, ""), (r#"{"alg":"ES256"}"#, ""), (r#"{"alg":"ES256"}"#, "AAAA")]
        {
            let token = format!("{}.{}.{signature}", part(header), claims(environment));
            let body = format!("{{\"signedPayload\":\"{token}\"}}").into_bytes();
            let sent = Sent { body, now: good.now.unix(), ..Sent::default() };
            let refused = judge(&verifier, &sent).map(drop).unwrap_err();
            assert!(
                matches!(refused, MalformedSignature | UntrustedKey | BadSignature),
                "{environment}: {refused}"
            );
        }
    }
}

/// A magic secret that switches checking off will be found.
#[test]
fn atk_012_secret_placeholder_disables_verification() {
    let body = b"body";
    let stars = |case: Case| case.keys([key("main", "***")]);
    let unsigned = Case::new(Scheme::Shipped("github"), Sent::default());
    attack(
        "ATK-012",
        [
            stars(unsigned).refused(MissingSignature),
            stars(github(format!("sha256={}", hex(&sha256(b"***", body))), body)),
        ],
    );
    let verifier = build(&stars(github(github_sig(body), body))).unwrap_or_else(|e| panic!("{e:?}"));
    let sent = github(github_sig(body), body).request;
    assert_eq!(judge(&verifier, &sent).err(), Some(BadSignature));
}

/// Whoever may choose between two ways of proving chooses the weaker one.
#[test]
fn atk_014_any_of_lets_the_attacker_choose_the_weakest_branch() {
    let config = |table: &str| {
        let sources = format!(
            "signed_template = \"{{body}}\"\nsignature_source = {{ header = \"x\", encoding = \"hex\" }}\n{table}"
        );
        Case::new(preset("", &sources), Sent::default()).expect(Expected::ConfigError)
    };
    attack(
        "ATK-014",
        [config("any_of = [\"sha256\", \"token\"]"), config("algorithms = [\"sha256\", \"sha1\"]")],
    );
    // Two branches of one preset are cases: the first that fits decides, and a failure never leads to the second.
    let cases = "signature_source = { header = \"x-sig\", encoding = \"hex\" }\nsigned_template = \"{body}\"\n\
        [[hmac.case]]\nwhen = [{ value = \"{header:x-sig}\", present = true }]\nalgorithm = \"sha256\"\n\
        [[hmac.case]]\nwhen = [{ value = \"{method}\", equals = \"POST\" }]\nalgorithm = \"sha1\"\n";
    let sent =
        Sent { headers: headers([("x-sig", hex(&sha1(KEY, &Sent::default().body)))]), ..Sent::default() };
    let case = Case::new(preset("", cases), sent);
    let verifier = build(&case).unwrap_or_else(|e| panic!("{e:?}"));
    assert_eq!(judge(&verifier, &case.request).err(), Some(BadSignature));
}

/// A typo in `mode` must not choose a mode that accepts.
#[test]
fn atk_015_unknown_mode_name_falls_through_to_accept() {
    let text = "schema = 1\nname = \"attacked\"\nmode = \"hmac_sha265\"\n[hmac_sha265]\nx = 1\n";
    let case = Case::new(Scheme::Text(text.into()), Sent::default()).expect(Expected::ConfigError);
    let none = Case { scheme: Scheme::Text(text.replace("hmac_sha265", "none")), ..case.clone() };
    let empty = Case { scheme: Scheme::Text("schema = 1\nname = \"attacked\"\n".into()), ..case.clone() };
    let overridden =
        github(github_sig(b"x"), b"x").overrides("mode = \"hmac_sha265\"").expect(Expected::ConfigError);
    attack("ATK-015", [case, none, empty, overridden]);
}

/// A mode that the linker dropped must be missed when a preset asks for it.
#[test]
fn atk_016_mode_crate_silently_dropped_by_the_linker() {
    let text = "schema = 1\nname = \"attacked\"\nmode = \"mode-x\"\n[mode-x]\n";
    attack("ATK-016", [Case::new(Scheme::Text(text.into()), Sent::default()).expect(Expected::ConfigError)]);
    let registry = countersign::Registry::linked().unwrap();
    assert!(registry.mode("mode-x").is_none() && registry.modes().all(|mode| mode.name != "mode-x"));
}

/// A mode that does what a body tells it to.
struct Obedient(ModeInfo);
struct Obeying;

impl Mode for Obedient {
    fn info(&self) -> &ModeInfo {
        &self.0
    }
    fn compile(&self, _: &ModeConfig) -> Result<Box<dyn ModeScheme>, ConfigErrors> {
        Ok(Box::new(Obeying))
    }
}

impl ModeScheme for Obeying {
    fn needs(&self) -> Needs {
        Needs::new(countersign::BodyNeed::Whole, vec![KeyKind::Shared]).binds(Binds::BODY).remote(true)
    }
    fn bind(&self, _: &Keyring, _: &Vars) -> Result<Arc<dyn Check>, KeyError> {
        Ok(Arc::new(Obeying))
    }
}

impl Check for Obeying {
    fn check<'r>(&self, request: &Request<'r>, _: &Context<'_>) -> Result<Evidence<'r>, Refusal> {
        let prints = Fingerprints::content([7; 32]);
        let mut keys = countersign::KeySet::default();
        let ring = Keyring::of("secret").unwrap();
        ring.iter().for_each(|(index, _)| keys.insert(index));
        Err(match request.body {
            b"boom" => panic!("boom"),
            b"fetch" => Refusal::Unresolved(KeyRequest::new(RequestKind::Url, "https://example.com/keys")),
            b"less" => return Ok(Evidence::new(SignedBy::Held(keys), prints, Binds::default())),
            b"nobody" => return Ok(Evidence::new(SignedBy::Held(Default::default()), prints, Binds::BODY)),
            b"nothing" => {
                return Ok(Evidence::new(SignedBy::Held(keys), Fingerprints::tags([]), Binds::BODY));
            }
            b"good" => return Ok(Evidence::new(SignedBy::Held(keys), prints, Binds::BODY)),
            _ => BadSignature.into(),
        })
    }
}

fn obedient() -> Arc<Verifier> {
    let mut registry = countersign::Registry::new();
    registry
        .register(Arc::new(Obedient(ModeInfo::new("obedient", "obeys", "", &[], Status::Preview))))
        .unwrap();
    registry
        .add_preset("a.toml", "schema = 1\nname = \"attacked\"\nmode = \"obedient\"\n[obedient]\n")
        .unwrap();
    registry.named("attacked").unwrap().verifier("s", &Keyring::of("secret").unwrap(), &Vars::new()).unwrap()
}

fn ask<'r>(verifier: &Verifier, body: &'r [u8]) -> Outcome<'r> {
    verifier
        .verify(&Request::new(Head::new("POST", "https://example.com/", &()), body), &Context::at(at(NOW)))
}

/// A key that could not be had is no reason to accept: the sender comes back later.
#[test]
fn atk_017_error_path_returns_success() {
    let verifier = obedient();
    let refused = ask(&verifier, b"fetch").into_verified().unwrap_err();
    assert_eq!((refused.reason, refused.reason.class().status()), (KeyUnavailable, 503));
    assert!(crate::corpus::allows("ATK-017", Expected::Refused(refused.reason)));
    for (body, reason) in
        [(&b"less"[..], ModeFault), (b"nobody", BadSignature), (b"nothing", ModeFault), (b"", BadSignature)]
    {
        assert_eq!(ask(&verifier, body).into_verified().unwrap_err().reason, reason);
    }
    assert!(ask(&verifier, b"good").into_verified().is_ok());
}

/// A guard that cannot say is not a guard that has not seen.
#[test]
fn atk_018_replay_store_failure_treated_as_not_seen() {
    struct Broken;
    impl ReplayGuard for Broken {
        fn claim(&self, _: &[ReplayKey], _: countersign::Timestamp) -> Claim {
            Claim::Unknown
        }
    }
    let case = standard("msg_1", "1700000000", &format!("v1,{}", standard_sig("msg_1", "1700000000")));
    let verifier = build(&case).unwrap_or_else(|e| panic!("{e:?}"));
    for guard in [&Broken as &dyn ReplayGuard, &countersign::MemoryGuard::new(0)] {
        let refused = judge(&verifier, &case.request).unwrap().accept(guard, at(NOW)).unwrap_err();
        assert!(matches!(refused, Unaccepted::Unknown(_)));
        assert_eq!((refused.class(), refused.class().status()), (Class::Unavailable, 503));
    }
}

/// Nothing here catches a mode's panic, so nothing can take it for a yes; and the next request is judged as ever.
#[test]
fn atk_019_panic_in_a_mode_converted_to_acceptance() {
    let verifier = obedient();
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| ask(&verifier, b"boom").code()));
    assert!(caught.is_err());
    assert_eq!((ask(&verifier, b"good").code(), ask(&verifier, b"bad").code()), ("ok", "bad_signature"));
}
