//! Where a preset says that verifying allocates nothing, nothing is allocated.
#![allow(clippy::unwrap_used, clippy::print_stderr)] // what was measured is worth reading

mod shared;

use allocation_counter::measure;
use countersign::{Context, Draft, Head, Headers, Key, Keyring, Registry, Request, Timestamp, Vars};
use std::collections::{BTreeMap, BTreeSet};

#[test]
fn the_counter_counts() {
    let counted = measure(|| drop(std::hint::black_box(Vec::<u8>::with_capacity(3))));
    assert_eq!(counted.count_total, 1);
    assert_eq!(measure(|| {}).count_total, 0);
    // And it sees what happens in here: a stream keeps the head, and so allocates.
    let delivery = shared::signed().into_iter().find(|d| &*d.preset.preset().name == "github").unwrap();
    let (verifier, cx) = (delivery.verifier(), delivery.cx());
    let counted = measure(|| drop(verifier.begin(&delivery.request().head, &cx, 1 << 20)));
    assert!(counted.count_total > 0);
}

#[test]
fn no_shipped_preset_that_says_no_allocates() {
    let (mut measured, mut says_yes) = (BTreeMap::new(), BTreeSet::new());
    for delivery in shared::vectors().into_iter().chain(shared::signed()) {
        let name = delivery.preset.preset().name.to_string();
        if delivery.preset.needs().allocates {
            says_yes.insert(name);
            continue;
        }
        *measured.entry(name).or_insert(0) += 1;
        nothing_allocated(&delivery, &delivery.headers);
        #[cfg(feature = "http")]
        nothing_allocated(&delivery, &delivery.map());
    }
    // Shown with `--nocapture`; a preset is in one of the two.
    eprintln!(
        "allocate nothing, by requests measured: {measured:?}\nsay that they may allocate: {says_yes:?}"
    );
    assert!(measured.len() >= 6, "{measured:?}");
    assert_eq!(measured.len() + says_yes.len(), shared::core_presets().len());
}

fn nothing_allocated(delivery: &shared::Delivery, headers: &dyn Headers) {
    let (verifier, cx, request) = (delivery.verifier(), delivery.cx(), delivery.request_with(headers));
    // Once before: what the CPU can do is found out once a process.
    assert_eq!(verifier.verify(&request, &cx).code(), "ok", "{}", delivery.name);
    let counted = measure(|| drop(verifier.verify(&request, &cx)));
    assert_eq!(counted.count_total, 0, "{}: {}", delivery.preset.preset().name, delivery.name);
}

/// Every way to sign that says it allocates nothing, with four keys and four signatures.
#[test]
fn no_way_of_signing_that_says_no_allocates() {
    let templates =
        ["{body}", "{timestamp}.{body}", "{id}.{timestamp}.{body}", "{method}\n{path}\n{header:x-a}\n{body}"];
    let places = [
        r#"extract = "raw", list = ",""#,
        r#"extract = "prefix", prefix = "v1,", list = " ""#,
        r#"extract = "kv_pairs", key = "v1""#,
    ];
    let mut quiet = 0;
    for algorithm in ["sha1", "sha256", "sha384", "sha512"] {
        for (template, place) in templates.iter().flat_map(|t| places.iter().map(move |p| (t, p))) {
            for encoding in ["hex", "base64", "base64url"] {
                quiet += usize::from(quiet_if_it_says_so(algorithm, template, place, encoding));
            }
        }
    }
    assert_eq!(quiet, 4 * 4 * 3 * 3, "all of these say that they allocate nothing");
}

fn quiet_if_it_says_so(algorithm: &str, template: &str, place: &str, encoding: &str) -> bool {
    let time = template
        .contains("{timestamp}")
        .then_some(r#"timestamp_source = { header = "x-time", format = "unix" }"#);
    let id = template.contains("{id}").then_some(r#"id_source = { header = "x-id" }"#);
    let text = format!(
        r#"
        schema = 1
        name = "acme"
        mode = "hmac"
        [hmac]
        algorithm = "{algorithm}"
        signed_template = "{}"
        {}
        {}
        signature_source = {{ header = "x-sig", {place}, encoding = "{encoding}" }}
        key = {{ forms = [{{ decode = "text" }}] }}
        "#,
        template.replace('\n', "\\n"),
        time.unwrap_or_default(),
        id.unwrap_or_default()
    );
    let mut registry = Registry::new();
    registry.add_preset("acme.toml", text.clone()).unwrap();
    let compiled =
        registry.named("acme").unwrap_or_else(|errors| panic!("{}", errors.render(registry.sources())));
    if compiled.needs().allocates {
        return false;
    }
    let mut ring = Keyring::new();
    for id in ["a", "b", "c", "d"] {
        ring.add(Key::shared(id, format!("a secret named {id}")).unwrap()).unwrap();
    }
    let now = Timestamp::from_unix(1_760_000_000);
    let mut headers = vec![("x-a".to_owned(), b"something".to_vec())];
    let mut draft = Draft::new("msg_1", now, "https://example.com/in?a=b", b"{}");
    draft.headers = &headers;
    let signed = compiled.signer(&ring, &Vars::new()).unwrap().sign(&draft).unwrap();
    headers.extend(signed.headers.into_iter().map(|(name, value)| (name.to_string(), value)));
    let verifier = compiled.verifier("test", &ring, &Vars::new()).unwrap();
    let request = Request::new(Head::new("POST", "https://example.com/in?a=b", &headers), b"{}");
    let cx = Context::at(now);
    assert_eq!(verifier.verify(&request, &cx).code(), "ok", "{text}");
    let counted = measure(|| drop(verifier.verify(&request, &cx)));
    assert_eq!(counted.count_total, 0, "{text}");
    true
}
