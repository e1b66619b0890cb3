//! What could not work is said before the first request.

use crate::world::{Source, URL};
use countersign::{Binds, Keyring, Registry, Vars};
use countersign_tower::{PublicUrl, Receiver, SetupError, UrlRoom};

#[test]
fn a_public_url_is_one_up_to_where_the_path_begins() {
    for (text, says) in [
        ("", "it is no URL"),
        ("hooks.example.com", "it has no scheme and host"),
        ("/in", "it has no scheme and host"),
        ("ftp://example.com", "its scheme is neither"),
        ("https://me:pw@example.com", "it has a user"),
        ("https://example.com?x", "it has a query or a fragment"),
        ("https://example.com/#x", "it has a query or a fragment"),
        ("https://exa mple.com", "it is no URL"),
    ] {
        let error = PublicUrl::parse(text).unwrap_err().to_string();
        assert!(error.contains(says) && error.contains("https://hooks.example.com"), "{text}: {error}");
        assert!(!error.contains("pw"), "{error}");
    }
    let mut room = UrlRoom::default();
    let long = format!("/{}", "x".repeat(500));
    for (base, uri, url) in [
        ("https://a.example", "/in?b=%2F", "https://a.example/in?b=%2F"),
        ("https://a.example/", "/in", "https://a.example/in"),
        ("https://a.example:8443/hooks/", "/", "https://a.example:8443/hooks/"),
        ("https://a.example", "http://b.example/c", "https://a.example/c"),
        ("https://a.example", "*", "https://a.example/*"),
        ("https://a.example", &long, &format!("https://a.example{long}")),
    ] {
        assert_eq!(PublicUrl::parse(base).unwrap().of(&uri.parse().unwrap(), &mut room), url);
    }
}

#[test]
fn a_preset_that_does_not_sign_the_body_has_to_be_asked_for_by_name() {
    let mut registry = Registry::new();
    let text = r#"
        schema = 1
        name = "acme"
        mode = "hmac"
        [hmac]
        algorithm = "sha256"
        signed_template = "{header:x-id}"
        signature_source = { header = "x-signature", encoding = "hex" }
        key = { forms = [{ decode = "text" }] }
    "#;
    registry.add_preset("acme.toml", text).unwrap();
    let keys = Keyring::of("secret").unwrap();
    let verifier = registry.named("acme").unwrap().verifier("mine", &keys, &Vars::new()).unwrap();
    let error = Receiver::builder(verifier.clone(), URL).build().unwrap_err();
    assert!(matches!(error, SetupError::Unbound(_)));
    assert!(error.to_string().contains("signatures of `acme` do not cover"), "{error}");
    let receiver = Receiver::builder(verifier.clone(), URL).danger_require_bound(Binds::default());
    receiver.build().unwrap().replace(verifier.clone()).unwrap();

    // Nor does it come in later.
    let github = Source::new("github");
    let receiver = github.settings().build().unwrap();
    assert!(receiver.replace(verifier).is_err());
    assert_eq!(receiver.verifier().compiled().preset().name.as_ref(), "github");
    assert!(github.settings().danger_require_bound(Binds::TIME).build().is_err());
}

#[test]
fn nothing_of_a_secret_or_a_body_is_printed() {
    let receiver = Source::new("github").settings().build().unwrap();
    assert_eq!(format!("{receiver:?}"), "Receiver { source: \"mine\", .. }");
}
