//! The mode keeps its promises, its presets pass their vectors, and what it says of itself is true.
#![allow(clippy::unwrap_used)]

mod shared;

use countersign::{
    Binds, BodyNeed, Change, Context, Draft, Explain, Head, Hypothesis, Key, KeyId, KeyKind, Keyring,
    Registry, Request, Secret, Signed, Step, Timestamp, Vars,
};
use countersign_testkit::{Options, VectorFile, conformance, preset_files, run};
use shared::{BEARER, EC, ED, HS256, NOW, RSA, SECRET, claims, mac, told};

macro_rules! preset {
    ($name:literal) => {
        preset_files!("../../../presets/", $name)
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

#[test]
fn what_every_preset_signs_it_verifies() {
    // Those whose keys are held and whose place takes a token back; the others say why not.
    let cases = [
        ("messagebird", SECRET, vec![]),
        ("vonage", SECRET, vec![]),
        ("livekit", SECRET, vec![("api_key", "APIkey")]),
        ("netlify", SECRET, vec![]),
    ];
    let registry = registry();
    for (name, secret, given) in cases {
        let (compiled, keys) = (registry.named(name).unwrap(), Keyring::of(secret).unwrap());
        let vars = vars(&given);
        let signer = compiled.signer(&keys, &vars).unwrap();
        let verifier = compiled.verifier("s", &keys, &vars).unwrap();
        for (method, body) in [("POST", &b"{\"a\":1}"[..]), ("GET", b"")] {
            let mut draft = Draft::new("evt_1", Timestamp::from_unix(NOW), "https://example.com/?a=b", body);
            draft.method = method;
            let headers = headers(&signer.sign(&draft).unwrap());
            let judge = |url: &str, body: &[u8], now: i64| {
                let request = Request::new(Head::new(method, url, &headers), body);
                told(&verifier.verify(&request, &Context::at(Timestamp::from_unix(now))))
            };
            assert_eq!(judge("https://example.com/?a=b", body, NOW), "ok", "{name}");
            assert_eq!(
                judge("https://example.com/?a=b", b"{}", NOW),
                "claim_mismatch require/claim",
                "{name}"
            );
            assert_eq!(
                judge("https://example.com/?a=b", body, NOW + 4000),
                "stale_timestamp jwt/expired",
                "{name}"
            );
        }
    }
    for (name, given) in [
        ("plaid", vec![]),
        ("apple-app-store", vec![("bundle_id", "a"), ("environment", "b")]),
        ("wix", vec![]),
        ("kinde", vec![("domain", "https://a.example")]),
    ] {
        let registry = &registry;
        let compiled = registry.named(name).unwrap();
        let refused = compiled.signer(
            &if compiled.needs().remote { Keyring::new() } else { Keyring::of(SECRET).unwrap() },
            &vars(&given),
        );
        let says = refused.err().unwrap().to_string();
        assert!(says.contains("this scheme verifies only"), "{name}: {says}");
    }
}

#[test]
fn every_algorithm_and_form_signs_what_it_verifies() {
    let own = "issuer = \"a\"\naudience = [\"b\", \"c\"]\nsubject = \"d\"\ntype = \"at+jwt\"\nrequired_claims = [\"exp\", \"iat\", \"nbf\", \"jti\"]\n";
    let nested = "required_claims = [\"/e/sent\", \"/e/id\"]\ntime = \"/e/sent\"\ntime_format = \"rfc3339\"\nid = \"/e/id\"\n\
        require = [{ value = \"{body|sha256|base64}\", equals = \"{claim:/e/digest}\" }, { value = \"{claim:m}\", equals = \"{method}\" }]\n";
    let detached = "payload = \"{method} {body}\"\nrequired_claims = [\"ts\"]\ntime = \"ts\"\ntime_format = \"unix_ms\"\n";
    let unencoded = "payload = \"{body}\"\npayload_encoding = \"none\"\n";
    let keys = [
        ("HS256", SECRET),
        ("HS384", SECRET),
        ("HS512", SECRET),
        ("RS256", RSA),
        ("PS512", RSA),
        ("ES256", EC),
        ("EdDSA", ED),
        ("Ed25519", ED),
    ];
    for (alg, key) in keys {
        let shared = alg.starts_with("HS");
        let (decode, kind) = if shared { ("text", KeyKind::Shared) } else { ("jwk", KeyKind::Private) };
        for (at, form) in [own, nested, detached, unencoded].into_iter().enumerate() {
            let table = format!(
                "token_source = {{ json = \"/token\" }}\nalgorithms = [\"{alg}\"]\nkey = {{ forms = [{{ decode = \"{decode}\" }}] }}\n{form}"
            );
            // A token that is about the body cannot stand in it.
            let in_header = table.replace("json = \"/token\"", "header = \"x-token\"");
            let table = if at == 0 { table } else { in_header };
            let registry = shared::registry("", &table);
            let compiled = registry
                .named("acme")
                .unwrap_or_else(|errors| panic!("{}", errors.render(registry.sources())));
            let mut ring = Keyring::new();
            ring.add(Key::new(KeyId::new("k1"), kind, Secret::new(key.as_bytes()).unwrap())).unwrap();
            let draft = Draft::new("evt_1", Timestamp::from_unix(NOW), "https://example.com/", b"{\"a\":1}");
            let signed = compiled.signer(&ring, &Vars::new()).unwrap().sign(&draft).unwrap();
            let (headers, body) = (headers(&signed), signed.body.unwrap_or_else(|| draft.body.to_vec()));
            let request = Request::new(Head::new("POST", "https://example.com/", &headers), &body);
            let verifier = compiled.verifier("s", &ring, &Vars::new()).unwrap();
            let verified = verifier.verify(&request, &Context::at(Timestamp::from_unix(NOW))).into_verified();
            let verified = verified.unwrap_or_else(|rejection| panic!("{alg} {at}: {rejection:?}"));
            assert_eq!(verified.message_id().is_some(), at < 2, "{alg} {at}");
            assert_eq!(verified.signed_at().is_some(), at < 3, "{alg} {at}");
            assert_eq!(verified.binds().contains(Binds::BODY), at > 0, "{alg} {at}");
        }
    }
}

#[test]
fn what_cannot_be_made_up_is_told_by_the_signer() {
    let table = |more: &str| {
        format!(
            "token_source = {{ header = \"x-token\" }}\nalgorithms = [\"HS256\"]\nkey = {{ forms = [{{ decode = \"text\" }}] }}\n{more}"
        )
    };
    let keys = Keyring::of(SECRET).unwrap();
    let compile = |more: &str| shared::registry("", &table(more)).named("acme").unwrap();
    let refused = compile("required_claims = [\"sid\"]").signer(&keys, &Vars::new()).err().unwrap();
    assert!(refused.to_string().contains("nothing says what its claim `sid` holds"), "{refused}");
    // Only the request can say whether a test holds.
    let signer = compile("require = [{ value = \"{claim:sid}\", present = true }]")
        .signer(&keys, &Vars::new())
        .unwrap();
    let sign = |id: &str, body: &[u8]| {
        let draft = Draft::new(id, Timestamp::from_unix(NOW), "https://example.com/", body);
        signer.sign(&draft).err().map(|rejection| rejection.detail.unwrap().code.into_owned())
    };
    assert_eq!(sign("evt_1", b"").as_deref(), Some("require/claim"));
    let signer =
        compile("required_claims = [\"jti\"]\nrequire = [{ value = \"{claim:x}\", equals = \"{body}\" }]")
            .signer(&keys, &Vars::new())
            .unwrap();
    let sign = |id: &str, body: &[u8]| {
        let draft = Draft::new(id, Timestamp::from_unix(NOW), "https://example.com/", body);
        signer.sign(&draft).err().map(|rejection| rejection.detail.unwrap().code.into_owned())
    };
    assert_eq!(sign("evt_1", b"text"), None);
    assert_eq!(sign("an id", b"text").as_deref(), Some("jwt/id"));
    assert_eq!(sign("evt_1", b"\xff").as_deref(), Some("jwt/unsignable"));
}

#[test]
fn a_bad_bearer_is_refused_before_the_body_is_there() {
    let verifier = shared::shared("");
    assert_eq!(verifier.compiled().needs().body, BodyNeed::Nothing);
    let begin = |token: &str| {
        let headers = [("authorization", format!("Bearer {token}"))];
        let head = Head::new("POST", "https://example.com/", &headers);
        verifier.begin(&head, &Context::at(Timestamp::from_unix(NOW)), 10).is_ok()
    };
    assert!(begin(&mac(HS256, claims(""), SECRET.as_bytes())));
    assert!(!begin(&mac(HS256, claims(""), b"another")) && !begin("a.b.c"));
    let bound = shared::shared("require = [{ value = \"{claim:h}\", equals = \"{body|sha256|hex}\" }]");
    assert_eq!(bound.compiled().needs().body, BodyNeed::Whole);
}

#[test]
fn what_a_token_binds_is_said_and_what_it_does_not_is_noted() {
    let needs = |more: &str| shared::shared(more).compiled().needs();
    assert_eq!(needs("").binds, Binds::TIME);
    assert!(needs("").notes.iter().any(|note| note.contains("says nothing of the body")));
    assert!(!needs("").content, "a token that is shown many times is no message");
    assert_eq!(needs("required_claims = [\"jti\"]").binds, Binds::ID);
    assert_eq!(needs("required_claims = [\"exp\"]\ntime = \"iat\"").binds, Binds::default());
    assert!(needs("required_claims = []").notes.iter().any(|note| note.contains("for ever")));
    let body = needs("require = [{ value = \"{claim:h}\", equals = \"{body|sha256|hex}\" }]");
    assert!(body.binds == Binds::BODY | Binds::TIME && body.content && body.notes.is_empty());
    // Of two cases, what both bind.
    let cases = "[[jwt.case]]\nwhen = [{ value = \"{method}\", equals = \"GET\" }]\n[[jwt.case]]\nwhen = []\nrequire = [{ value = \"{claim:h}\", equals = \"{body|sha256|hex}\" }]";
    assert_eq!(needs(cases).binds, Binds::TIME);
    // A token that is the body binds its bytes, unless its signature could be written another way.
    for (alg, key, whole) in [("RS256", RSA, true), ("EdDSA", ED, true), ("ES256", EC, false)] {
        let table = format!(
            "token_source = {{ body = true }}\nalgorithms = [\"{alg}\"]\nkey = {{ forms = [{{ decode = \"jwk\" }}] }}"
        );
        let verifier =
            shared::verifier(&table, KeyKind::Public, &[shared::public(key, "").as_bytes()]).unwrap();
        assert_eq!(verifier.compiled().needs().binds.contains(Binds::BODY), whole, "{alg}");
    }
    // An optional time or id is bound where it is there.
    let verifier = shared::shared("required_claims = [\"exp\"]\ntime = \"iat\"\nid = \"jti\"");
    let headers =
        [("authorization", format!("Bearer {}", mac(HS256, claims(",\"jti\":\"a\""), SECRET.as_bytes())))];
    let request = Request::new(Head::new("POST", "https://example.com/", &headers), b"");
    let verified =
        verifier.verify(&request, &Context::at(Timestamp::from_unix(NOW))).into_verified().unwrap();
    assert_eq!((verified.binds(), verified.message_id()), (Binds::TIME | Binds::ID, Some("a")));
}

#[test]
fn mistakes_in_the_table_are_told_all_at_once() {
    let good = "algorithms = [\"RS256\"]\nkey = { forms = [{ decode = \"pem\" }] }\n";
    for (table, says) in [
        ("", &["lacks `token_source`", "lacks `algorithms`", "lacks `key`"][..]),
        ("algorithms = []", &["`algorithms` is empty"]),
        ("algorithms = [\"rs256\"]", &["unknown algorithm `rs256`", "names are spelled as in RFC 7518"]),
        ("algorithms = [\"RS256\", \"RS256\"]", &["stands there twice"]),
        (
            "algorithms = [\"HS256\"]\njwks = { url = \"https://a.example/\" }",
            &["nobody publishes the shared secret"],
        ),
        (
            "algorithms = [\"RS256\"]\njwks = { url = \"https://a.example/\" }\nkey = { forms = [{ decode = \"pem\" }] }",
            &["or else by `key` or `x5c`"],
        ),
        (
            "algorithms = [\"RS256\"]\nx5c = { leaf_oids = [\"1.x\"], chain_length = 6 }",
            &["from 1 to 5", "help: write it as numbers with dots", "lacks `key`"],
        ),
        ("algorithms = [\"HS256\"]\nkey = { forms = [{ decode = \"pem\" }] }", &["must be `text`"]),
        (
            &format!("{good}payload_encoding = \"none\""),
            &["`payload_encoding` is for a `payload` that stands elsewhere"],
        ),
        (&format!("{good}payload = \"{{claim:x}}\""), &["claim"]),
        (&format!("{good}single_audience = true"), &["`single_audience` needs `audience`"]),
        (&format!("{good}issuer = []"), &["`issuer` is empty"]),
        (&format!("{good}time_format = \"unix\"\nrequired_claims = []"), &["`time_format` needs `time`"]),
        (&format!("{good}time_format = \"opaque\""), &["must be `unix`"]),
        (&format!("{good}short_secrets = \"accepted\""), &["for algorithms with a shared secret"]),
        (
            &format!("{good}require = [{{ value = \"{{claim:x}}\", absent = true, early = true }}]"),
            &["the claims and the parts are found"],
        ),
        (&format!("{good}leeway = 5"), &["unknown key `leeway`", "`leeway_seconds`"]),
        // One token is read, with all keys: what is of many would be passed over without a word.
        (
            &format!("{good}token_source = {{ header = \"x\", role = \"live\" }}"),
            &["`role` means nothing here", "one token"],
        ),
        (
            &format!(
                "{good}token_source = [{{ header = \"x\", list = \",\" }}, {{ header = \"y\", repeat = true, max_candidates = 3, first_present = true }}]"
            ),
            &["`list` means", "`repeat` means", "`max_candidates` means", "`first_present` means"],
        ),
        (
            &format!("{good}token_source = {{ header = \"x-{{n}}\", numbered = 3 }}"),
            &["`numbered` means nothing here"],
        ),
    ] {
        let said = shared::complaints(table);
        for part in says {
            assert!(said.contains(part), "{table}\n{part}\n{said}");
        }
    }
    let errors = shared::registry(
        "[freshness]\ntolerance_seconds = 5",
        &format!("token_source = {{ header = \"t\" }}\n{good}required_claims = [\"exp\"]"),
    );
    assert!(errors.named("acme").is_err(), "freshness of a time that no token must have");
}

#[test]
fn every_detail_code_of_the_mode_is_given_by_some_test() {
    let tests = [
        include_str!("attacks.rs"),
        include_str!("chain.rs"),
        include_str!("claims.rs"),
        include_str!("keyset.rs"),
        include_str!("rfc.rs"),
        include_str!("jwt.rs"),
        include_str!("../src/token.rs"),
    ];
    for (code, ..) in
        countersign_jwt::mode().info().details.iter().filter(|(code, ..)| code.starts_with("jwt/"))
    {
        let quoted = format!("{code}\"");
        assert!(tests.iter().any(|test| test.contains(&quoted)), "{code}");
    }
}

#[test]
fn explaining_shows_the_token_and_no_key() {
    struct Heard(String);
    impl Explain for Heard {
        fn step(&mut self, step: Step<'_>) {
            self.0.push_str(&match step {
                Step::Part { name, bytes } => format!("{name}={}; ", String::from_utf8_lossy(bytes)),
                Step::Tried { key, matched } => format!("{key} {matched}; "),
                Step::Unused { why, .. } => format!("unused: {why}; "),
                Step::Candidate { place, bytes } => format!("{place}: {} bytes; ", bytes.len()),
                _ => String::new(),
            });
        }
    }
    let verifier = shared::shared("");
    let explain = |token: &str| {
        let headers = [("authorization", format!("Bearer {token}"))];
        let request = Request::new(Head::new("POST", "https://example.com/", &headers), b"");
        let mut heard = Heard(String::new());
        verifier.explain(&request, &Context::at(Timestamp::from_unix(NOW)), &mut heard);
        assert!(!heard.0.contains(SECRET));
        heard.0
    };
    let good = explain(&mac(HS256, claims(""), SECRET.as_bytes()));
    assert!(
        good.contains("header={\"alg\":\"HS256\"") && good.contains("\"exp\":") && good.contains("k0 true"),
        "{good}"
    );
    assert!(good.contains("header authorization: 32 bytes"), "{good}");
    assert!(explain(&mac(HS256, claims(""), b"other")).contains("k0 false"));
    assert!(
        explain(&mac("{\"alg\":\"HS512\"}", claims(""), b"other")).contains("its algorithm is not allowed")
    );
    assert!(explain("a.b").contains("not three parts"));
}

#[test]
fn a_likely_mistake_is_proved_by_a_scheme_that_has_it_not() {
    let registry = shared::registry(
        "",
        &format!(
            "{BEARER}algorithms = [\"HS256\"]\nissuer = \"a\"\naudience = \"b\"\nkey = {{ forms = [{{ decode = \"text\" }}] }}"
        ),
    );
    let compiled = registry.named("acme").unwrap();
    let proved = |claims: String| -> Vec<String> {
        let headers = [("authorization", format!("Bearer {}", mac(HS256, claims, SECRET.as_bytes())))];
        let request = Request::new(Head::new("POST", "https://example.com/", &headers), b"");
        let keys = Keyring::of(SECRET).unwrap();
        let holds = |scheme: &dyn countersign::Scheme| {
            let check = scheme.bind(&keys, &Vars::new()).unwrap();
            check.check(&request, &Context::at(Timestamp::from_unix(NOW))).is_ok()
        };
        let guesses = compiled.scheme().hypotheses(&request);
        let proved = |guess: &Hypothesis| matches!(&guess.change, Change::Scheme(scheme) if holds(&**scheme));
        guesses.filter(proved).map(|guess| guess.code.into_owned()).collect()
    };
    assert_eq!(proved(claims(",\"iss\":\"a\",\"aud\":\"c\"")), ["jwt/other-audience"]);
    assert_eq!(proved(claims(",\"iss\":\"c\",\"aud\":\"b\"")), ["jwt/other-issuer"]);
    assert_eq!(
        proved(format!("{{\"iss\":\"a\",\"aud\":\"b\",\"iat\":{NOW},\"exp\":{}}}", NOW - 30)),
        ["jwt/clock", "time/token"]
    );
    assert_eq!(proved(claims(",\"iss\":\"c\",\"aud\":\"c\"")), Vec::<String>::new());
}

fn vars(given: &[(&str, &str)]) -> Vars {
    let mut vars = Vars::new();
    for (name, value) in given {
        vars.set(*name, *value);
    }
    vars
}

fn headers(signed: &Signed) -> Vec<(String, Vec<u8>)> {
    signed.headers.iter().map(|(name, value)| (name.to_string(), value.clone())).collect()
}
