//! Deliveries of shipped presets, each with one thing gone wrong, or two.
#![allow(clippy::unwrap_used)]

use countersign::{Draft, Head, Keyring, Registry, Request, Timestamp, Vars};
use countersign_explain::{Asked, Budget, Diagnosis, Finding, Proof, Source, State, explain};
use std::time::Duration;

const NOW: Timestamp = Timestamp::from_unix(1_700_000_000);
const SECRET: &str = "a secret of some thirty-two bytes";
const URL: &str = "https://example.com/hooks/in?a=1";

struct Delivery {
    registry: Registry,
    preset: &'static str,
    secret: Vec<u8>,
    url: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    now: Timestamp,
    changes: &'static str,
    budget: Budget,
}

impl Delivery {
    fn of(preset: &'static str, secret: &str, body: &str) -> Self {
        let registry = countersign_modes::registry().unwrap();
        let draft = Draft::new("msg_1", NOW, URL, body.as_bytes());
        let compiled = registry.named(preset).unwrap();
        let signer = compiled.signer(&Keyring::of(secret).unwrap(), &Vars::new()).unwrap();
        let signed = signer.sign(&draft).unwrap();
        let headers = signed.headers.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
        let (secret, url, body) = (secret.into(), URL.into(), body.into());
        Delivery {
            registry,
            preset,
            secret,
            url,
            headers,
            body,
            now: NOW,
            changes: "",
            budget: Budget { time: Duration::from_secs(60), ..Budget::default() },
        }
    }

    fn explain(mut self) -> Diagnosis {
        let changes = (!self.changes.is_empty()).then(|| {
            let file = self.registry.sources_mut().add("change", self.changes);
            countersign::Layer::parse(self.registry.sources(), file).unwrap()
        });
        let preset = self.registry.resolve(self.preset, changes).unwrap();
        let (keys, vars) = (Keyring::of(&self.secret).unwrap(), Vars::new());
        let source = Source { name: "hooks", preset: &preset, keys: &keys, vars: &vars };
        let request = Request::new(Head::new("POST", &self.url, &self.headers), &self.body);
        let mut asked = Asked::new(&self.registry, source, &request, self.now);
        asked.budget = self.budget;
        explain(&asked)
    }

    fn codes(self) -> Vec<&'static str> {
        let diagnosis = self.explain();
        assert_eq!(diagnosis.state, State::Explained, "{diagnosis:#?}");
        assert!(diagnosis.cause.iter().all(|finding| finding.proof == Proof::Match), "{diagnosis:#?}");
        diagnosis.cause.iter().map(|finding| finding.code).collect()
    }
}

const JSON: &str = r#"{"id": "evt_1", "amount": 12.50, "text": "é😀 <b>/"}"#;

#[test]
fn a_delivery_that_is_right_verifies() {
    let diagnosis = Delivery::of("github", SECRET, JSON).explain();
    assert_eq!(diagnosis.state, State::Verifies);
    assert_eq!(diagnosis.content.last().unwrap().bytes.as_deref(), Some(JSON.as_bytes()));
}

#[test]
fn one_fault_is_found() {
    let github = |change: &dyn Fn(&mut Delivery)| {
        let mut delivery = Delivery::of("github", SECRET, JSON);
        change(&mut delivery);
        delivery.codes()
    };
    assert_eq!(github(&|d| d.secret.push(b'\n')), ["secret/trailing-newline"]);
    assert_eq!(github(&|d| d.secret = format!("\"{SECRET}\"").into_bytes()), ["secret/quotes"]);
    assert_eq!(github(&|d| d.body.push(b'\n')), ["body/trailing-newline"]);
    assert_eq!(
        github(&|d| d.body = r#"{"id":"evt_1","amount":12.50,"text":"é😀 <b>/"}"#.into()),
        ["body/json-reserialised"]
    );
    assert_eq!(github(&|d| d.headers[0].0 = "x-signature".into()), ["signature/place"]);
    assert_eq!(github(&|d| d.headers[0].1 = d.headers[0].1[7..].to_vec()), ["signature/cut"]);
    assert_eq!(github(&|d| d.changes = "[hmac]\nalgorithm = \"sha512\""), ["algorithm/other"]);
    assert_eq!(
        github(&|d| d.changes = "[hmac]\nsigned_template = \"{body|sha256|hex}\""),
        ["message/body-form"]
    );
    assert_eq!(
        github(&|d| d.changes = "[hmac.signature_source]\nencoding = \"base64\""),
        ["signature/encoding"]
    );
    assert_eq!(
        github(&|d| d.changes = "[hmac.key]\nforms = [{ decode = \"base64\" }]"),
        ["secret/not-decoded"]
    );
    let gzip = |d: &mut Delivery| d.body = d.body.iter().rev().copied().collect();
    let mut delivery = Delivery::of("github", SECRET, JSON);
    gzip(&mut delivery);
    assert_eq!(delivery.explain().state, State::Unexplained);
}

#[test]
fn another_template_is_found() {
    for changes in [
        "[hmac]\nsigned_template = \"{timestamp}:{body}\"",
        "freshness.unsigned = \"ignored\"\n[hmac]\nsigned_template = \"{body}\"",
        "[hmac]\nsigned_template = \"{body}.{timestamp}\"",
    ] {
        let mut delivery = Delivery::of("stripe", SECRET, JSON);
        delivery.changes = changes;
        let codes = delivery.codes();
        assert!(codes[0].starts_with("message/"), "{changes}: {codes:?}");
    }
}

#[test]
fn a_time_that_is_stale_is_told_as_well() {
    let mut delivery = Delivery::of("stripe", SECRET, JSON);
    delivery.secret.push(b'\n');
    delivery.now = Timestamp::from_unix(1_700_001_000);
    assert_eq!(delivery.codes(), ["secret/trailing-newline", "time/stale"]);
}

#[test]
fn two_faults_are_found() {
    let mut delivery = Delivery::of("stripe", SECRET, JSON);
    delivery.secret.push(b'\n');
    delivery.body = "{\n  \"id\": \"evt_1\",\n  \"amount\": 12.50,\n  \"text\": \"é😀 <b>/\"\n}".into();
    assert_eq!(delivery.codes(), ["secret/trailing-newline", "body/json-reserialised"]);
}

#[test]
fn nothing_explains_what_nobody_signed() {
    let mut delivery = Delivery::of("stripe", SECRET, JSON);
    delivery.body[10] ^= 1;
    let diagnosis = delivery.explain();
    assert_eq!(diagnosis.state, State::Unexplained, "{diagnosis:#?}");
    assert!(!diagnosis.effort.cut_short);
}

#[test]
fn what_was_not_looked_for_to_the_end_is_not_said_to_be_missing() {
    let ask = |bytes| {
        let mut delivery = Delivery::of("github", SECRET, JSON);
        delivery.headers[0] = ("x-other".into(), format!("sha256={}", "ab".repeat(32)).into_bytes());
        delivery.budget.bytes = bytes;
        let diagnosis = delivery.explain();
        let codes = |findings: &[Finding]| findings.iter().map(|finding| finding.code).collect::<Vec<_>>();
        (diagnosis.state, codes(&diagnosis.cause), codes(&diagnosis.noted), diagnosis.effort.cut_short)
    };
    let missing = "transport/signature-missing";
    assert_eq!(ask(u64::MAX), (State::Explained, vec![missing], vec![], false));
    let (state, cause, noted, cut_short) = ask(10_000);
    assert_eq!((state, cause, noted.first(), cut_short), (State::Unexplained, vec![], Some(&missing), true));
}

#[test]
fn of_presets_that_sign_alike_all_are_named() {
    let mut delivery = Delivery::of("github", SECRET, JSON);
    delivery.preset = "stripe";
    let diagnosis = delivery.explain();
    assert_eq!(diagnosis.cause[0].code, "transport/other-preset", "{diagnosis:#?}");
    assert!(diagnosis.cause[0].says.contains("`github`"), "{diagnosis:#?}");
    assert!(diagnosis.noted.is_empty(), "what the cause says already is not noted: {diagnosis:#?}");
}
