//! A sender and a receiver: the sender puts its signed text together by hand, so that no code of ours says what is right.
#![allow(clippy::unwrap_used, dead_code)]

pub(crate) mod keys;

use countersign::{
    Compiled, Context, Draft, Head, Key, KeyId, KeyKind, Keyring, Registry, Request, Secret, Timestamp, Vars,
};
use countersign_keys::{Algorithm, Signing};
use std::sync::Arc;

/// When everything here happens.
pub(crate) const NOW: i64 = 1_700_000_000;

/// Where it goes.
pub(crate) const URL: &str = "https://example.com/hook?a=b%20c";

/// The table of most tests.
pub(crate) const ED25519_TABLE: &str = "algorithms = [\"ed25519\"]\nrequired = [\"@method\", \"content-digest\"]\nkey = { forms = [{ decode = \"pem\" }] }";

/// A preset of this table.
pub(crate) fn compile(table: &str) -> Result<Arc<Compiled>, String> {
    let mut registry = Registry::new();
    registry.register(countersign_http_signature::mode()).unwrap();
    let text = format!("schema = 1\nname = \"acme\"\nmode = \"http-signature\"\n[http-signature]\n{table}\n");
    registry.add_preset("acme.toml", text).unwrap();
    registry.named("acme").map_err(|errors| errors.render(registry.sources()))
}

/// A ring of keys with their names.
pub(crate) fn ring(kind: KeyKind, keys: &[(&str, &str)]) -> Keyring {
    let mut ring = Keyring::new();
    for (id, key) in keys {
        let secret = Secret::new(key.as_bytes()).unwrap();
        ring.add(Key::new(KeyId::new(*id), kind, secret)).unwrap();
    }
    ring
}

/// A request on its way.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

impl Sent {
    /// A POST.
    pub(crate) fn new(headers: &[(&str, &str)], body: &[u8]) -> Self {
        let headers = headers.iter().map(|(n, v)| ((*n).into(), v.as_bytes().to_vec())).collect();
        Sent { method: "POST".into(), url: URL.into(), headers, body: body.to_vec() }
    }

    /// One header in another's place, or a new one.
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        self.add(name, value)
    }

    /// One more header.
    pub(crate) fn add(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.as_bytes().to_vec()));
        self
    }

    pub(crate) fn header(&self, name: &str) -> String {
        let found = self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).unwrap();
        String::from_utf8(found.1.clone()).unwrap()
    }
}

/// Sign lines as the standard has them, under a label: two headers.
pub(crate) fn sign_as(
    (key, algorithm): (keys::Pair, &str),
    label: &str,
    lines: &[(&str, &str)],
    params: &str,
) -> [(String, String); 2] {
    let names: Vec<&str> = lines.iter().map(|(name, _)| *name).collect();
    let list = format!("({}){params}", names.join(" "));
    let mut text: String = lines.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    text.push_str(&format!("\"@signature-params\": {list}"));
    let signature = base64(&made((key, algorithm), &text));
    [
        ("Signature-Input".into(), format!("{label}={list}")),
        ("Signature".into(), format!("{label}=:{signature}:")),
    ]
}

/// A signature of a text.
pub(crate) fn made((key, algorithm): (keys::Pair, &str), text: &str) -> Vec<u8> {
    let signing = Signing::read(key.0.as_bytes(), Algorithm::from_word(algorithm).unwrap()).unwrap();
    signing.sign(&signing.verifying().content(&[text.as_bytes()])).unwrap()
}

/// A request with a body, signed with the RFC's Ed25519 key: method, digest and whatever is beside them.
pub(crate) fn signed(body: &[u8], digest: &str, more: &[(&str, &str)], params: &str) -> Sent {
    let mut lines = vec![("\"@method\"", "POST"), ("\"content-digest\"", digest)];
    lines.extend_from_slice(more);
    let [input, signature] = sign_as((keys::ED25519, "ed25519"), "sig1", &lines, params);
    Sent::new(&[("Content-Digest", digest)], body).add(&input.0, &input.1).add(&signature.0, &signature.1)
}

/// Parameters that are good.
pub(crate) const PARAMS: &str = ";created=1700000000;keyid=\"main\"";

/// A `Content-Digest` of SHA-256.
pub(crate) fn sha256_of(body: &[u8]) -> String {
    use sha2::Digest;
    format!("sha-256=:{}:", base64(&sha2::Sha256::digest(body)))
}

/// A `Content-Digest` of SHA-512.
pub(crate) fn sha512_of(body: &[u8]) -> String {
    use sha2::Digest;
    format!("sha-512=:{}:", base64(&sha2::Sha512::digest(body)))
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    base64_simd::STANDARD.encode_to_string(bytes)
}

/// What is said of a request: the key's name, or the refusal's reason and detail.
pub(crate) type Said = Result<String, (&'static str, String)>;

/// Judge by a table and keys.
pub(crate) fn judge_with(table: &str, keys: &Keyring, sent: &Sent, now: i64) -> Said {
    let compiled = compile(table).unwrap_or_else(|errors| panic!("{errors}"));
    let verifier = compiled.verifier("test", keys, &Vars::new()).unwrap();
    let request = Request::new(Head::new(&sent.method, &sent.url, &sent.headers), &sent.body);
    let outcome = verifier.verify(&request, &Context::at(Timestamp::from_unix(now)));
    outcome.into_verified().map(|verified| verified.key().to_string()).map_err(|rejection| {
        let detail = rejection.detail.map(|detail| detail.code.into_owned()).unwrap_or_default();
        (rejection.reason.code(), detail)
    })
}

/// Judge by the table of most tests and the RFC's Ed25519 key, under the name `main`.
pub(crate) fn judge(sent: &Sent) -> Said {
    judge_with(ED25519_TABLE, &ring(KeyKind::Public, &[("main", keys::ED25519.1)]), sent, NOW)
}

/// Both halves of a refusal.
pub(crate) fn refused(reason: &'static str, detail: &str) -> Said {
    let detail = if detail.is_empty() { String::new() } else { format!("http-signature/{detail}") };
    Err((reason, detail))
}

/// Sign a draft with a preset, and send what comes of it.
pub(crate) fn send(table: &str, keys: &Keyring, draft: &Draft<'_>) -> Sent {
    let compiled = compile(table).unwrap_or_else(|errors| panic!("{errors}"));
    let signed = compiled.signer(keys, &Vars::new()).unwrap().sign(draft).unwrap();
    let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
    draft.headers.each(&mut |name, value| {
        headers.push((String::from_utf8(name.to_vec()).unwrap(), value.to_vec()));
    });
    headers.extend(signed.headers.into_iter().map(|(name, value)| (name.to_string(), value)));
    Sent { method: draft.method.into(), url: draft.url.into(), headers, body: draft.body.to_vec() }
}
