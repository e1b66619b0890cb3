//! Requests that were signed and verified, for those who record them.

use countersign::{
    Context, Draft, Head, Keyring, Registry, Request, Signer, Timestamp, Vars, Verified, Verifier,
};
use std::sync::Arc;

/// The moment of all of them.
pub(crate) const NOW: Timestamp = Timestamp::from_unix(1_760_000_000);

const URL: &str = "https://hooks.example.com/in";

const PRESET: &str = "schema = 1\nname = \"sample\"\nmode = \"hmac\"\n[hmac]\nalgorithm = \"sha256\"\n\
    signed_template = \"{id}.{body}\"\nid_source = { header = \"x-id\" }\n\
    signature_source = { header = \"x-mac\", encoding = \"hex\" }\nkey = { forms = [{ decode = \"text\" }] }";

/// Both ends of one source.
pub(crate) struct Sender {
    verifier: Arc<Verifier>,
    signer: Signer,
}

impl Sender {
    /// For a source of this name.
    pub(crate) fn to(source: &str) -> Self {
        let mut registry = Registry::new();
        registry.add_preset("sample.toml", PRESET).expect("the preset is well formed");
        let compiled = registry.named("sample").expect("it compiles");
        let (keys, vars) = (Keyring::of("a secret of tests, long enough").expect("a secret"), Vars::new());
        let verifier = compiled.verifier(source, &keys, &vars).expect("it can verify");
        let signer = compiled.signer(&keys, &vars).expect("it can sign");
        Self { verifier, signer }
    }

    /// A message that was sent and verified.
    pub(crate) fn verified(&self, id: &str, body: &[u8]) -> Verified<'static> {
        let signed = self.signer.sign(&Draft::new(id, NOW, URL, body)).expect("it signs");
        let headers: Vec<_> = signed.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        let request = Request::new(Head::new("POST", URL, &headers), body);
        let outcome = self.verifier.verify(&request, &Context::at(NOW));
        outcome.into_verified().expect("what was signed verifies").into_owned()
    }
}
