//! The kit fails what should fail: wrong vectors, broken presets, and modes with one flaw each.
#![allow(clippy::unwrap_used)]

use countersign::*;
use countersign_testkit::{Options, Report, VectorFile, conformance, run};
use std::borrow::Cow;
use std::sync::Arc;

// ───────────── wrong vectors and presets ─────────────

const PRESET: &str = r#"
schema = 1
name = "acme"
mode = "hmac"
[hmac]
algorithm = "sha256"
signed_template = "{timestamp}.{body}"
timestamp_source = { header = "x-acme-time", format = "unix" }
signature_source = { header = "x-acme-signature", extract = "kv_pairs", key = "v1", encoding = "hex" }
key = { forms = [{ decode = "text" }] }
"#;

/// The time and a dot under the first secret.
const WITHOUT_BODY: &str = "7427e437bb66037539bce6be7abad79e46ef8cb5baeccd0f3e904dc1ca9b1e4d";

/// `{"a":1}`, signed with `first` and with `second`.
const CASES: &str = r#"
schema = 1
preset = "acme"
[[case]]
name = "good"
source = "generated"
secrets = [{ id = "old", value = "first-secret" }, { id = "new", value = "second-secret" }]
headers = [["X-Acme-Time", "1767225600"], ["X-Acme-Signature", "v1=@1,v1=@2"]]
body = '{"a":1}'
expect = "ok"
key_id = "old"
signed_at = 1767225600
binds = ["body", "time"]
[[case]]
name = "other-body"
like = "good"
source = "captured"
body = '{"a":2}'
expect = "bad_signature"
"#;

fn signed(text: &str) -> String {
    text.replace("@1", "028c6f17cc8c46659098705cc401c026ebdb4ff1aec8e2e17118ad42ea31085d")
        .replace("@2", "837e7d785277d593cd0a11b880db1a7ef0e4eb63af148c7fba61a7384b353658")
}

fn report(preset: &str, vectors: &str) -> Report {
    let mut registry = Registry::new();
    registry.add_preset("acme.toml", preset).unwrap();
    let file =
        VectorFile::parse("acme.vectors.toml", &signed(vectors)).unwrap_or_else(|errors| panic!("{errors}"));
    run(&registry, &file, &Options::default())
}

#[test]
fn what_is_right_passes_and_is_counted() {
    let report = report(PRESET, CASES);
    assert!(report.is_ok(), "{report}");
    assert_eq!((report.ran(), report.proven()), (2, 1));
    for kind in [
        "body-bit-flip",
        "signature-dropped",
        "replayed-dropped",
        "replayed-reordered",
        "time-just-stale",
        "lone-key",
    ] {
        assert!(report.mutants.contains_key(kind), "{kind}: {:?}", report.mutants);
    }
    let json = report.to_json();
    assert_eq!(json["cases"]["captured"], 1);
    assert_eq!(json["mutants_ran"], report.mutants_ran());
    assert!(report.to_string().starts_with("2 cases (1 captured, 1 generated), "));
}

#[test]
fn a_wrong_expectation_fails_with_place_and_hint() {
    let swaps = [
        ("expect = \"bad_signature\"", "expect = \"ok\"", "expected ok, got bad_signature"),
        (
            "expect = \"bad_signature\"",
            "expect = \"stale_timestamp\"",
            "expected stale_timestamp, got bad_signature",
        ),
        ("expect = \"ok\"", "expect = \"bad_signature\"", "expected bad_signature, got ok"),
        ("key_id = \"old\"", "key_id = \"new\"", "expected key `new`"),
        ("signed_at = 1767225600", "signed_at = 1767225601", "expected signed at 2026-01-01T00:00:01Z"),
        ("\"time\"", "\"id\"", "expected body+id bound, got body+time bound"),
        ("key_id = \"old\"", "message_id = \"m\"", "expected message id `m`"),
        ("value = \"first-secret\"", "value = \"\"", "expected ok, got key_error"),
        (
            "body = '{\"a\":1}'",
            "body = '{\"a\":1}'\noverrides = { hmac = { algoritm = 1 } }",
            "expected ok, got config_error",
        ),
    ];
    for (from, to, says) in swaps {
        let vectors = CASES.replacen(from, to, 1);
        assert_ne!(vectors, CASES);
        let report = report(PRESET, &vectors).to_string();
        assert!(
            report.contains(says) && report.contains("acme.vectors.toml:") && report.contains("look at: "),
            "{says}\n{report}"
        );
    }
}

#[test]
fn a_preset_that_forgets_the_body_fails() {
    let weak = PRESET
        .replace("{timestamp}.{body}", "{timestamp}.")
        .replace("[hmac]", "[replay]\nkey = \"none\"\n[hmac]");
    let headers = "v1=@3";
    let vectors = CASES.replace("v1=@1,v1=@2", headers).replace("@3", WITHOUT_BODY);
    let report = report(&weak, &vectors);
    let said = report.to_string();
    assert!(said.contains("expected body+time bound, got time bound"), "{said}");
    assert!(said.contains("case `other-body`: expected bad_signature, got ok"), "{said}");
}

#[test]
fn a_preset_that_is_wrong_fails_its_vectors() {
    for (from, to) in [
        ("sha256", "sha1"),
        ("{timestamp}.{body}", "{body}.{timestamp}"),
        ("\"v1\"", "\"v2\""),
        ("\"hex\"", "\"base64\""),
    ] {
        let report = report(&PRESET.replace(from, to), CASES);
        assert!(!report.is_ok(), "{from} → {to}");
    }
}

#[test]
fn a_case_may_decline_mutants_with_a_reason() {
    let declined = CASES.replace("key_id = \"old\"", "mutants = \"none: too slow\"");
    let declined = report(PRESET, &declined);
    assert_eq!(declined.mutants_ran(), 0);
    assert_eq!(&*declined.without_mutants[0].1, "too slow");
}

// ───────────── reading ─────────────

#[test]
fn json_and_toml_are_one_file() {
    let json = r#"{ "schema": 1, "preset": "acme", "case": [
        { "name": "good", "source": "generated", "now": 1767225600.5, "vars": { "a": "\"\\\n\u007f" },
          "secrets": [{ "id": "main", "value": "s", "not_after": "2026-01-01T00:00:00Z" }],
          "headers": [["X-A", "1"], ["x-b", "2"]], "body_base64": "AP8=", "expect": "ok" },
        { "name": "like", "like": "good", "source": "captured", "set_headers": [["x-a", "3"]],
          "remove_headers": ["X-B"], "add_headers": [["x-a", "4"]], "body": "text", "expect": "stale_timestamp" }
    ] }"#;
    let toml = r#"
        schema = 1
        preset = "acme"
        [[case]]
        name = "good"
        source = "generated"
        now = 1767225600.5
        vars = { a = "\"\\\n\u007f" }
        secrets = [{ id = "main", value = "s", not_after = 2026-01-01T00:00:00Z }]
        headers = [["X-A", "1"], ["x-b", "2"]]
        body_base64 = "AP8="
        expect = "ok"
        [[case]]
        name = "like"
        like = "good"
        source = "captured"
        set_headers = [["x-a", "3"]]
        remove_headers = ["X-B"]
        add_headers = [["x-a", "4"]]
        body = "text"
        expect = "stale_timestamp"
    "#;
    let read = |text| VectorFile::parse("v", text).unwrap_or_else(|errors| panic!("{errors}"));
    let (json, toml) = (read(json), read(toml));
    assert_eq!(json.cases.len(), 2);
    for (a, b) in json.cases.iter().zip(&toml.cases) {
        assert_eq!((&a.name, a.source, a.now, a.expect), (&b.name, b.source, b.now, b.expect));
        assert_eq!(
            (&a.request.headers, &a.request.body, &a.request.url),
            (&b.request.headers, &b.request.body, &b.request.url)
        );
        assert_eq!(a.secrets[0].window.not_after, b.secrets[0].window.not_after);
        assert_eq!(a.vars.get("a"), b.vars.get("a"));
        assert!(a.secrets[0].window.not_after.is_some() && a.vars.get("a") == Some("\"\\\n\u{7f}"));
    }
    let like = toml.case("like").unwrap();
    let headers: Vec<_> = like.request.headers.iter().map(|(n, v)| (&**n, &**v)).collect();
    assert_eq!(headers, [("x-a", &b"3"[..]), ("x-a", b"4")]);
    assert_eq!((&*like.request.body, like.now), (&b"text"[..], json.cases[0].now));
    assert_eq!(json.cases[0].request.body, [0, 255]);
}

#[test]
fn all_mistakes_are_told_at_once_with_their_places() {
    let text = r#"schema = 2
[[case]]
name = "Bad Name"
source = "provider-dogs"
expect = "bad_signatur"
headers = [["a"]]
now = true
provider_says = "ok"
bodi = ""
[[case]]
name = "a"
like = "b"
source = "generated"
expect = "ok"
preset = "p"
[[case]]
name = "a"
like = "aa"
source = "generated"
mutants = "none"
preset = "p"
"#;
    let said = VectorFile::parse("v.toml", text).unwrap_err().to_string();
    for (place, says) in [
        ("v.toml:1:10: ", "`schema` must be"),
        ("v.toml:3:8: ", "a case's name is"),
        ("v.toml:4:10: ", "`source` must be"),
        ("", "help: write `source = \"provider-docs\"`"),
        ("v.toml:5:10: ", "`expect` must be"),
        ("", "help: write `expect = \"bad_signature\"`"),
        ("v.toml:6:12: ", "a header is a pair of texts"),
        ("v.toml:7:7: ", "`now` must be seconds"),
        ("v.toml:2:1: ", "`[case.1]` lacks `why`"),
        ("v.toml:9:1: ", "unknown key `bodi`"),
        ("v.toml:12:8: ", "no case of this file is named `b`"),
        ("v.toml:17:8: ", "two cases are named `a`"),
        ("v.toml:16:1: ", "lacks `expect`"),
        ("v.toml:20:11: ", "`mutants` must be `all`, or `none:` and a reason"),
    ] {
        assert!(
            said.contains(&format!("{place}{says}")) || (says.starts_with("lacks") && said.contains(says)),
            "{place}{says}\n\n{said}"
        );
    }
    let said = VectorFile::parse("v.json", "{ \"schema\": null }").unwrap_err().to_string();
    assert!(said.contains("v.json: `schema` is null: leave it out"), "{said}");
}

#[test]
fn likeness_has_one_level() {
    let text = format!(
        "{CASES}\n[[case]]\nname = \"third\"\nlike = \"other-body\"\nsource = \"generated\"\nexpect = \"ok\"\n"
    );
    let said = VectorFile::parse("v.toml", &text).unwrap_err().to_string();
    assert!(
        said.contains("likeness has one level") && said.contains("help: write `like = \"good\"`"),
        "{said}"
    );
}

// ───────────── modes with one flaw each ─────────────

/// A toy: the tag is a checksum of key, time and body. `flaw` says what it does wrong.
struct Toy;

static TOY: ModeInfo = ModeInfo::new("toy", "for tests", "flaw = \"none\"", &[], Status::Preview);

impl Mode for Toy {
    fn info(&self) -> &ModeInfo {
        &TOY
    }

    fn compile(&self, config: &ModeConfig) -> Result<Box<dyn Scheme>, ConfigErrors> {
        let flaw = config.read(|table| {
            table.node("signature_source");
            table.node("timestamp_source");
            Some(table.required_text("flaw")?.value)
        })?;
        Ok(Box::new(ToyScheme(flaw)))
    }
}

struct ToyScheme(Arc<str>);

impl Scheme for ToyScheme {
    fn needs(&self) -> Needs {
        Needs::new(BodyNeed::Whole, vec![KeyKind::Shared]).binds(Binds::BODY | Binds::TIME)
    }

    fn bind(&self, keys: &Keyring, _: &Vars) -> Result<Arc<dyn Check>, KeyError> {
        let keys = keys.iter().map(|(index, key)| (index, key.material.expose().to_vec())).collect();
        Ok(Arc::new(ToyCheck { flaw: self.0.clone(), keys }))
    }
}

struct ToyCheck {
    flaw: Arc<str>,
    keys: Vec<(KeyIndex, Vec<u8>)>,
}

fn tag(key: &[u8], time: &[u8], body: &[u8]) -> [u8; 8] {
    let mut sum = 0xcbf2_9ce4_8422_2325_u64;
    for part in [key, time, body] {
        for byte in part.iter().chain(&[0xff]) {
            sum = (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    (sum ^ sum >> 29).to_be_bytes()
}

impl ToyCheck {
    fn header<'r>(&self, head: &Head<'r>, name: &str) -> Result<&'r [u8], Reason> {
        let prepared = HeaderName::new(name).unwrap();
        let mut exact = None;
        head.headers.each(&mut |n, v| exact = exact.or((n == name.as_bytes()).then_some(v)));
        let found = match &*self.flaw {
            "first-wins" => head.headers.nth(&prepared, 0),
            "exact-case" => exact,
            _ => match head.headers.find(&prepared) {
                Found::One(value) => Some(value),
                Found::Several => return Err(Reason::MalformedSignature),
                Found::Absent => None,
            },
        };
        found.ok_or(Reason::MissingSignature)
    }

    fn judge<'r>(&self, head: &Head<'r>, body: &[u8]) -> Result<Evidence<'r>, Refusal> {
        let flaw = |name: &str| &*self.flaw == name;
        let (sent, time) = (self.header(head, "x-sig")?, self.header(head, "x-time")?);
        let sent_text = std::str::from_utf8(sent).map_err(|_| Reason::MalformedSignature)?;
        let bare = if flaw("quotes") { sent_text.trim_matches('"') } else { sent_text };
        let lower_only = flaw("lower-hex-only") && bare.contains(|c: char| c.is_ascii_uppercase());
        let sent = const_hex::decode(bare).ok().filter(|_| !lower_only).ok_or(Reason::MalformedSignature)?;
        if sent.is_empty() {
            return Err(Reason::MalformedSignature.into());
        }
        let hashed_body = if flaw("no-body") { b"{\"a\":1}" } else { body };
        let hashed_time = if flaw("no-time") { b"1767225600" } else { time };
        let mut matched = KeySet::default();
        let mut all = Vec::new();
        for (index, key) in &self.keys {
            let key: &[u8] = if flaw("no-key") { b"first-secret" } else { key };
            let made = tag(key, hashed_time, hashed_body);
            let mut print = [0; 32];
            print[..8].copy_from_slice(&made);
            all.push(print);
            if made[..] == sent[..]
                || flaw("prefix") && made.starts_with(&sent)
                || flaw("longer") && sent.starts_with(&made)
            {
                matched.insert(*index);
            }
        }
        if flaw("first-key") {
            matched = matched.intersect(self.keys[..1].iter().map(|(index, _)| *index).collect());
        }
        if matched.is_empty() {
            return Err(Reason::BadSignature.into());
        }
        let prints = match flaw("wire-print") {
            true => Fingerprints::tags([tag(b"", sent_text.as_bytes(), b"")].map(|t| {
                let mut print = [0; 32];
                print[..8].copy_from_slice(&t);
                print
            })),
            false => Fingerprints::tags(all),
        };
        let mut evidence = Evidence::new(SignedBy::Held(matched), prints, Binds::BODY | Binds::TIME);
        evidence.signed_at = TimeFormat::Unix.parse(time);
        if evidence.signed_at.is_none() {
            return Err(Reason::MalformedTimestamp.into());
        }
        evidence.message_id = None::<Cow<'_, str>>;
        Ok(evidence)
    }
}

impl Check for ToyCheck {
    fn check<'r>(&self, request: &Request<'r>, _: &Context<'_>) -> Result<Evidence<'r>, Refusal> {
        if &*self.flaw == "panic" && request.body.is_empty() {
            panic!("flawed on purpose");
        }
        if &*self.flaw == "detail" {
            return self.judge(&request.head, request.body).map_err(|_| {
                Rejection::new(Reason::BadSignature)
                    .detail("toy/undeclared", "a code that nobody declared")
                    .into()
            });
        }
        self.judge(&request.head, request.body)
    }

    fn begin(
        self: Arc<Self>,
        head: &Head<'_>,
        _: &Context<'_>,
    ) -> Result<Option<Box<dyn Progress>>, Refusal> {
        if &*self.flaw != "stream" {
            return Ok(None);
        }
        Ok(Some(Box::new(ToyProgress { head: head.to_owned(), check: self, body: Vec::new() })))
    }
}

/// Forgets every piece of one byte.
struct ToyProgress {
    head: HeadBuf,
    check: Arc<ToyCheck>,
    body: Vec<u8>,
}

impl Progress for ToyProgress {
    fn update(&mut self, piece: &[u8]) {
        if piece.len() != 1 {
            self.body.extend_from_slice(piece);
        }
    }

    fn finish(self: Box<Self>, _: &Context<'_>) -> Result<Evidence<'static>, Refusal> {
        let Evidence { signed_by, fingerprints, binds, signed_at, .. } =
            self.check.judge(&self.head.head(), &self.body)?;
        let mut evidence = Evidence::new(signed_by, fingerprints, binds);
        evidence.signed_at = signed_at;
        Ok(evidence)
    }
}

fn toy_preset(flaw: &str) -> String {
    format!(
        r#"
schema = 1
name = "toy"
mode = "toy"
[freshness]
tolerance_seconds = 300
[replay]
key = "content"
[toy]
flaw = "{flaw}"
signature_source = {{ header = "x-sig", encoding = "hex" }}
timestamp_source = {{ header = "x-time", format = "unix" }}
"#
    )
}

fn toy_vectors() -> VectorFile {
    let sig = const_hex::encode(tag(b"first-secret", b"1767225600", b"{\"a\":1}"));
    let text = format!(
        r#"
schema = 1
preset = "toy"
[[case]]
name = "good"
source = "generated"
secrets = [{{ id = "a", value = "first-secret" }}, {{ id = "b", value = "second-secret" }}]
headers = [["x-sig", "{sig}"], ["x-time", "1767225600"], ["x-other", "1"]]
body = '{{"a":1}}'
expect = "ok"
"#
    );
    VectorFile::parse("toy.vectors.toml", &text).unwrap_or_else(|errors| panic!("{errors}"))
}

fn toy_report(flaw: &str) -> Report {
    let mut registry = Registry::new();
    registry.register(Arc::new(Toy)).unwrap();
    registry.add_preset("toy.toml", toy_preset(flaw)).unwrap();
    run(&registry, &toy_vectors(), &Options::default())
}

#[test]
fn every_flaw_is_found_by_its_mutant() {
    let sound = toy_report("none");
    assert!(sound.is_ok(), "{sound}");
    for (flaw, kinds) in [
        ("no-body", &["body-bit-flip", "body-truncated", "body-extended", "body-emptied"][..]),
        ("no-time", &["time-changed"]),
        ("no-key", &["other-key"]),
        ("prefix", &["signature-truncated"]),
        ("longer", &["signature-extended"]),
        ("quotes", &["signature-wrapped"]),
        ("lower-hex-only", &["signature-hex-case"]),
        ("first-wins", &["signature-header-doubled", "time-header-doubled"]),
        ("exact-case", &["header-case"]),
        ("first-key", &["key-order"]),
        ("wire-print", &["replayed-respelled"]),
    ] {
        let report = toy_report(flaw);
        for kind in kinds {
            let found = report.failures.iter().any(|failure| {
                failure.mutant.as_ref().is_some_and(|mutant| mutant.starts_with(kind))
                    && !failure.hint.is_empty()
            });
            assert!(found, "{flaw} is not found by {kind}:\n{report}");
        }
    }
    let streamed = toy_report("stream").to_string();
    assert!(
        streamed.contains("in pieces of [1] bytes") && streamed.contains("disagree with its `check`"),
        "{streamed}"
    );
}

#[test]
fn a_mode_that_breaks_its_promises_is_told_which() {
    for (flaw, says) in [
        ("none", None),
        ("panic", Some("damaged: it panics")),
        ("detail", Some("`toy/undeclared` is given and not declared")),
        ("stream", Some("in pieces")),
    ] {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| ()));
        let preset = toy_preset(flaw);
        let found = match flaw {
            // Its mutants would panic as well, and a runner of vectors does not catch what a host would not.
            "panic" => conformance::suite(Arc::new(Toy), &[("toy.toml", &preset)], &[without_mutants()]),
            _ => conformance::suite(Arc::new(Toy), &[("toy.toml", &preset)], &[toy_vectors()]),
        };
        std::panic::set_hook(hook);
        match says {
            None => assert!(found.is_ok(), "{found}"),
            Some(says) => assert!(
                found.broken.iter().any(|broken| broken.to_string().contains(says)),
                "{flaw}: {found}"
            ),
        }
    }
}

fn without_mutants() -> VectorFile {
    let mut file = toy_vectors();
    file.cases[0].without_mutants = Some("panics".into());
    file
}
