//! What every attack has in common: a preset, keys, requests, and the one function that sends them.

use countersign::{
    Context, Finish, Head, Key, KeyId, Keyring, Layer, MemoryGuard, Outcome, Reason, Request, Secret,
    Timestamp, Unaccepted, Vars, Verified, Verifier,
};
use hmac::{Hmac, KeyInit, Mac};
use std::sync::Arc;

/// The moment at which everything happens unless a case says otherwise.
pub(crate) const NOW: i64 = 1_700_000_000;

/// A key of 32 bytes that is text as well.
pub(crate) const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";

/// What must come of a case.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Expected {
    /// Verified, and never accepted before.
    Verified,
    /// Refused for this reason. That it is refused is binding; which reason, is ours.
    Refused(Reason),
    /// The preset will not do.
    ConfigError,
    /// A key or variable will not do.
    KeyError,
    /// Verified, but one of `earlier` was the same message.
    Replayed,
}

/// One attack, as data.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) scheme: Scheme,
    /// TOML laid over the preset.
    pub(crate) overrides: &'static str,
    pub(crate) keys: Vec<Given>,
    pub(crate) vars: Vec<(&'static str, &'static str)>,
    /// What was accepted before.
    pub(crate) earlier: Vec<Sent>,
    pub(crate) request: Sent,
    pub(crate) expected: Expected,
}

/// Where the preset comes from.
#[derive(Clone)]
pub(crate) enum Scheme {
    Shipped(&'static str),
    Text(String),
}

/// A key as an operator gives it.
#[derive(Clone, Default)]
pub(crate) struct Given {
    pub(crate) id: &'static str,
    pub(crate) secret: Vec<u8>,
    pub(crate) not_before: Option<i64>,
    pub(crate) not_after: Option<i64>,
}

/// A request and when it comes.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) method: &'static str,
    pub(crate) url: String,
    pub(crate) headers: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    pub(crate) now: i64,
}

impl Default for Sent {
    fn default() -> Self {
        let url = "https://example.com/hook".into();
        Sent { method: "POST", url, headers: Vec::new(), body: b"{\"a\":1}".to_vec(), now: NOW }
    }
}

impl Case {
    /// A case of this scheme and request that must verify, with [`KEY`] as its only key.
    pub(crate) fn new(scheme: Scheme, request: Sent) -> Self {
        let (keys, expected) = (vec![key("main", KEY)], Expected::Verified);
        Case { scheme, overrides: "", keys, vars: Vec::new(), earlier: Vec::new(), request, expected }
    }

    pub(crate) fn expect(self, expected: Expected) -> Self {
        Case { expected, ..self }
    }

    pub(crate) fn refused(self, reason: Reason) -> Self {
        self.expect(Expected::Refused(reason))
    }

    pub(crate) fn keys(self, keys: impl IntoIterator<Item = Given>) -> Self {
        Case { keys: keys.into_iter().collect(), ..self }
    }

    pub(crate) fn overrides(self, overrides: &'static str) -> Self {
        Case { overrides, ..self }
    }

    pub(crate) fn after(self, earlier: Sent) -> Self {
        Case { earlier: vec![earlier], ..self }
    }
}

pub(crate) fn key(id: &'static str, secret: impl AsRef<[u8]>) -> Given {
    Given { id, secret: secret.as_ref().to_vec(), ..Given::default() }
}

pub(crate) fn headers<V: AsRef<[u8]>>(
    all: impl IntoIterator<Item = (&'static str, V)>,
) -> Vec<(Vec<u8>, Vec<u8>)> {
    all.into_iter().map(|(name, value)| (name.as_bytes().to_vec(), value.as_ref().to_vec())).collect()
}

/// A preset of the `hmac` mode: its own keys and tables, then the mode's.
pub(crate) fn preset(top: &str, table: &str) -> Scheme {
    Scheme::Text(format!(
        "schema = 1\nname = \"attacked\"\nmode = \"hmac\"\n{top}\n[hmac]\nalgorithm = \"sha256\"\n\
         key = {{ forms = [{{ decode = \"text\" }}] }}\n{table}\n"
    ))
}

/// A preset that signs this, hex in `x-sig`.
pub(crate) fn signing(template: &str, more: &str) -> Scheme {
    preset(
        "",
        &format!(
            "signed_template = {template}\nsignature_source = {{ header = \"x-sig\", encoding = \"hex\" }}\n{more}"
        ),
    )
}

/// HMAC as the crates compute it: never by the signer under test.
pub(crate) fn sha256(key: &[u8], content: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key).expect("any key will do");
    mac.update(content);
    mac.finalize().into_bytes().to_vec()
}

pub(crate) fn sha1(key: &[u8], content: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(key).expect("any key will do");
    mac.update(content);
    mac.finalize().into_bytes().to_vec()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const_hex::encode(bytes)
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    base64_simd::STANDARD.encode_to_string(bytes)
}

/// The hex signature under [`KEY`].
pub(crate) fn sign(content: impl AsRef<[u8]>) -> String {
    hex(&sha256(KEY, content.as_ref()))
}

/// The base64 signature under [`KEY`].
pub(crate) fn sign64(content: impl AsRef<[u8]>) -> String {
    base64(&sha256(KEY, content.as_ref()))
}

/// Send it, and hold what comes against what must. Every request is judged whole and in pieces, and both must agree.
pub(crate) fn attack(id: &str, cases: impl IntoIterator<Item = Case>) {
    for case in cases {
        let expected = case.expected;
        assert!(
            crate::corpus::allows(id, expected),
            "{id}: the corpus asks for another outcome than {expected:?}"
        );
        run(&case, id);
    }
}

/// The same for what the corpus does not know.
pub(crate) fn run(case: &Case, what: &str) {
    let Case { overrides, request, expected, .. } = case;
    assert_eq!(outcome(case), *expected, "{what}: overrides {overrides:?}, headers {:?}", shown(request));
}

/// What comes of it.
fn outcome(case: &Case) -> Expected {
    let verifier = match build(case) {
        Ok(verifier) => verifier,
        Err(refused) => return refused,
    };
    let guard = MemoryGuard::default();
    for sent in &case.earlier {
        let verified = judge(&verifier, sent).expect("what came earlier is genuine");
        verified.accept(&guard, at(sent.now)).expect("and came for the first time");
    }
    match judge(&verifier, &case.request) {
        Err(reason) => Expected::Refused(reason),
        Ok(verified) => match verified.accept(&guard, at(case.request.now)) {
            Ok(_) => Expected::Verified,
            Err(Unaccepted::Seen(_)) => Expected::Replayed,
            Err(Unaccepted::Unknown(_)) => panic!("a guard with room knows"),
        },
    }
}

/// The verifier of a case, or how its making was refused.
pub(crate) fn build(case: &Case) -> Result<Arc<Verifier>, Expected> {
    let config = |_| Expected::ConfigError;
    let (mut registry, name) = match &case.scheme {
        Scheme::Shipped(name) => (countersign_modes::registry().expect("shipped presets are good"), *name),
        Scheme::Text(text) => {
            let mut registry = countersign_modes::without_presets().expect("linked modes are good");
            registry.add_preset("attacked.toml", text.as_str()).map_err(config)?;
            (registry, "attacked")
        }
    };
    let file = registry.sources_mut().add("overrides", case.overrides);
    let overrides = Layer::parse(registry.sources(), file).map_err(config)?;
    let compiled = registry.named_with(name, overrides).map_err(config)?;
    let mut ring = Keyring::new();
    for Given { id, secret, not_before, not_after } in &case.keys {
        let secret = Secret::new(secret.as_slice()).map_err(|_| Expected::KeyError)?;
        let mut key = Key::new(KeyId::new(*id), compiled.needs().key_kind(false), secret);
        (key.window.not_before, key.window.not_after) = (not_before.map(at), not_after.map(at));
        ring.add(key).map_err(|_| Expected::KeyError)?;
    }
    let mut vars = Vars::new();
    for (name, value) in &case.vars {
        vars.set(*name, *value);
    }
    compiled.verifier("source", &ring, &vars).map_err(|_| Expected::KeyError)
}

/// Judge a request whole and in pieces, and insist that the answers are one.
pub(crate) fn judge<'r>(verifier: &Arc<Verifier>, sent: &'r Sent) -> Result<Verified<'r>, Reason> {
    let head = Head::new(sent.method, &sent.url, &sent.headers);
    let request = Request::new(head, &sent.body);
    let cx = Context::at(at(sent.now));
    let whole = match verifier.verify(&request, &cx) {
        Outcome::Verified(verified) => Ok(verified),
        Outcome::Rejected(rejection) => Err(rejection.reason),
        Outcome::Unresolved(_) => Err(Reason::KeyUnavailable),
    };
    for size in [1, 7, sent.body.len().max(1)] {
        let pieces = in_pieces(verifier, sent, size);
        let seen = |verified: &Verified<'_>| {
            let digests: Vec<[u8; 32]> =
                verified.replay_keys(at(sent.now)).iter().map(|key| *key.digest()).collect();
            let id = verified.message_id().map(str::to_owned);
            (verified.key().clone(), id, verified.signed_at(), verified.body().to_vec(), digests)
        };
        assert_eq!(
            whole.as_ref().map(seen),
            pieces.as_ref().map(seen),
            "whole and in pieces of {size}: {:?}",
            shown(sent)
        );
    }
    whole
}

fn in_pieces(verifier: &Arc<Verifier>, sent: &Sent, size: usize) -> Result<Verified<'static>, Reason> {
    let cx = Context::at(at(sent.now));
    let head = Head::new(sent.method, &sent.url, &sent.headers);
    let mut stream = match verifier.begin(&head, &cx, sent.body.len()) {
        Ok(stream) => stream,
        Err(countersign::Refusal::Rejected(rejection)) => return Err(rejection.reason),
        Err(countersign::Refusal::Unresolved(_)) => return Err(Reason::KeyUnavailable),
    };
    for piece in sent.body.chunks(size) {
        stream.update(piece).expect("within the limit");
    }
    match stream.finish(&cx) {
        Finish::Verified(verified) => Ok(verified),
        Finish::Rejected(rejection) => Err(rejection.reason),
        Finish::Unresolved(..) => Err(Reason::KeyUnavailable),
    }
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(seconds)
}

fn shown(sent: &Sent) -> Vec<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    sent.headers.iter().map(|(name, value)| format!("{}: {}", text(name), text(value))).collect()
}

/// The GitHub preset with this in its signature header.
pub(crate) fn github(signature: impl AsRef<[u8]>, body: &[u8]) -> Case {
    let headers = headers([("x-hub-signature-256", signature)]);
    Case::new(Scheme::Shipped("github"), Sent { headers, body: body.to_vec(), ..Sent::default() })
}

/// A genuine GitHub signature of a body.
pub(crate) fn github_sig(body: &[u8]) -> String {
    format!("sha256={}", sign(body))
}

/// The Standard Webhooks preset; the signature is what stands in the header.
pub(crate) fn standard(id: &str, time: &str, signature: &str) -> Case {
    let headers =
        headers([("webhook-id", id), ("webhook-timestamp", time), ("webhook-signature", signature)]);
    let case = Case::new(Scheme::Shipped("standard-webhooks"), Sent { headers, ..Sent::default() });
    case.keys([key("main", format!("whsec_{}", base64(KEY)))])
}

/// The base64 signature of the default body for these.
pub(crate) fn standard_sig(id: &str, time: &str) -> String {
    sign64([id.as_bytes(), b".", time.as_bytes(), b".", &Sent::default().body].concat())
}

/// The Stripe preset with this in its signature header.
pub(crate) fn stripe(signature: &str) -> Case {
    let headers = headers([("stripe-signature", signature)]);
    Case::new(Scheme::Shipped("stripe"), Sent { headers, ..Sent::default() })
}

/// The hex signature of the default body at this time.
pub(crate) fn stripe_sig(time: &str) -> String {
    sign([time.as_bytes(), b".", &Sent::default().body].concat())
}
