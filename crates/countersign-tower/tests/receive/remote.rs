//! Keys that are fetched: out of a provider's vectors, through the fetcher, into the handler.

use crate::world::{ByHand, DOORS, Sent, Site, URL, shipped};
use countersign::{Keyring, Registry, Vars, Verifier};
use countersign_egress::Client;
use countersign_testkit::VectorFile;
use countersign_tower::{KeyFetcher, Keys, Receiver, SetupError};
use std::sync::Arc;

fn verifier() -> Arc<Verifier> {
    let mut registry = Registry::new();
    let (file, text) = shipped("plaid");
    registry.register(countersign_jwt::mode()).unwrap().add_preset(file, text).unwrap();
    registry.named("plaid").unwrap().verifier("mine", &Keyring::new(), &Vars::new()).unwrap()
}

#[tokio::test]
async fn a_key_is_fetched_for_the_request_that_wants_it_and_one_that_cannot_be_had_is_503() {
    let file = "presets/plaid.vectors.toml";
    let text = countersign_presets::VECTORS.iter().find(|(name, _)| *name == file).unwrap().1;
    let vectors = VectorFile::parse(file, text).unwrap();
    let case = vectors.case("item-error").unwrap();
    let document = case.documents[0].1.as_bytes();
    for (source, status) in [(Ok(document.to_vec()), 200), (Err("the vault is shut".to_owned()), 503)] {
        let clock = Arc::new(ByHand::new());
        let fetcher = KeyFetcher::builder(Client::builder().build().unwrap(), clock.clone())
            .named(move |_name: String| std::future::ready(source.clone()))
            .build();
        let receiver = Receiver::builder(verifier(), URL).clock(clock).keys(Keys::Fetched(fetcher));
        let site = Site::start(receiver.build().unwrap()).await;
        for door in DOORS {
            let mut sent = Sent::bare("POST", door).body(case.request.body.to_vec());
            for (name, value) in &case.request.headers {
                sent = sent.with(name, std::str::from_utf8(value).unwrap());
            }
            assert_eq!(site.send(&sent).await.status, status, "{door}");
            let forged = site.send(&sent.clone().body("{}")).await.status;
            assert!([401, status].contains(&forged) && forged != 200, "{door}: {forged}");
        }
        assert_eq!(site.seen.count(), if status == 200 { 2 } else { 0 });
    }
}

#[test]
fn a_receiver_that_has_no_keys_for_its_preset_is_not_made() {
    let error = Receiver::builder(verifier(), URL).build().unwrap_err();
    assert!(matches!(error, SetupError::NoKeys(_)));
    assert!(error.to_string().contains("Keys::Fetched"), "{error}");
}
