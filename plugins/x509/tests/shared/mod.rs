//! Authorities made for a test, and the one function that sends a request under their certificates.
#![allow(dead_code, reason = "each file of tests uses its part")]

use base64_simd::STANDARD;
use countersign::{
    Context, Document, Head, Key, KeyCache, KeyId, KeyKind, Keyring, Outcome, Registry, Request, RequestKind,
    Secret, Timestamp, Vars, Verifier, Window,
};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, SigningKey,
    date_time_ymd,
};
use std::sync::{Arc, Mutex};

/// 2026-01-01T00:00:00Z: when everything happens unless a test says otherwise.
pub(crate) const NOW: i64 = 1_767_225_600;

/// Who signs.
pub(crate) const NAME: &str = "hooks.example.com";

/// Where the certificate is.
pub(crate) const URL: &str = "https://keys.example.com/a.pem";

/// What is signed.
pub(crate) const BODY: &[u8] = b"{\"a\":1}";

/// A certificate that issues others.
pub(crate) struct Authority {
    pub(crate) params: CertificateParams,
    pub(crate) key: KeyPair,
    pub(crate) pem: String,
}

pub(crate) fn key() -> KeyPair {
    KeyPair::generate().unwrap()
}

/// An authority that nobody issued.
pub(crate) fn root(name: &str) -> Authority {
    root_with(name, |_| {})
}

pub(crate) fn root_with(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Authority {
    let (params, key) = (authority(name, change), key());
    let pem = params.self_signed(&key).unwrap().pem();
    Authority { params, key, pem }
}

/// What an authority's certificate says.
fn authority(name: &str, change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    valid(&mut params);
    change(&mut params);
    params
}

/// What a signer's certificate says.
pub(crate) fn signer() -> CertificateParams {
    let mut params = CertificateParams::new([NAME.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, "the signer");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    valid(&mut params);
    params
}

fn valid(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2030, 1, 1);
    params.use_authority_key_identifier_extension = true;
}

impl Authority {
    /// Another authority, below this one.
    pub(crate) fn below(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Authority {
        let (params, key) = (authority(name, change), key());
        let pem = params.signed_by(&key, &self.issuer()).unwrap().pem();
        Authority { params, key, pem }
    }

    /// A signer's certificate.
    pub(crate) fn issue(&self, key: &KeyPair, change: impl FnOnce(&mut CertificateParams)) -> String {
        let mut params = signer();
        change(&mut params);
        params.signed_by(key, &self.issuer()).unwrap().pem()
    }

    pub(crate) fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }
}

/// The content of the one block of a PEM text.
pub(crate) fn der(pem: &str) -> Vec<u8> {
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode_to_vec(base64).unwrap()
}

/// A source under a preset of the mode, and one request to it.
#[derive(Clone)]
pub(crate) struct World {
    /// The table `certificate`.
    pub(crate) table: String,
    pub(crate) anchors: Vec<(Vec<u8>, Window)>,
    pub(crate) documents: Vec<(String, Document)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) now: i64,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Said {
    /// `ok`, or a reason's code, or `unresolved`.
    pub(crate) code: &'static str,
    pub(crate) detail: String,
    pub(crate) key: Option<String>,
    /// Every document that was looked for.
    pub(crate) asked: Vec<String>,
}

/// A signature as this preset has it.
pub(crate) fn signature(key: &KeyPair) -> String {
    STANDARD.encode_to_string(key.sign(BODY).unwrap())
}

/// The table for a certificate at a URL that the request gives.
pub(crate) const FETCHED: &str = r#"url = "{header:x-cert-url}"
hosts = ["keys.example.com"]
path = '/[a-z]\.pem'
roots = "pinned"
names = ["hooks.example.com"]"#;

/// The same for one in the request.
pub(crate) const SENT: &str = r#"value = "{header:x-cert|unbase64}"
roots = "pinned"
names = ["hooks.example.com"]"#;

impl World {
    /// A request under a fetched certificate.
    pub(crate) fn fetched(anchor: &str, document: impl AsRef<[u8]>, key: &KeyPair) -> Self {
        World::new(FETCHED, anchor)
            .document(URL, document)
            .header("x-cert-url", URL)
            .header("x-sig", &signature(key))
    }

    /// A request that brings its certificate.
    pub(crate) fn sent(anchor: &str, certificate: impl AsRef<[u8]>, key: &KeyPair) -> Self {
        let encoded = STANDARD.encode_to_string(certificate);
        World::new(SENT, anchor).header("x-cert", &encoded).header("x-sig", &signature(key))
    }

    fn new(table: &str, anchor: &str) -> Self {
        let anchors = vec![(anchor.as_bytes().to_vec(), Window::default())];
        World { table: table.into(), anchors, documents: Vec::new(), headers: Vec::new(), now: NOW }
    }

    pub(crate) fn document(mut self, url: &str, text: impl AsRef<[u8]>) -> Self {
        let document = Document::new(text.as_ref(), Timestamp::from_unix(self.now));
        self.documents.retain(|(known, _)| known != url);
        self.documents.push((url.into(), document));
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.into(), value.into()));
        self
    }

    pub(crate) fn at(self, now: i64) -> Self {
        World { now, ..self }
    }

    /// With one line more in the table.
    pub(crate) fn with(mut self, line: &str) -> Self {
        self.table = format!("{}\n{line}", self.table);
        self
    }

    pub(crate) fn preset(&self) -> String {
        format!(
            "schema = 1\nname = \"attacked\"\nmode = \"x509\"\n[x509]\nalgorithm = \"ecdsa-p256-sha256\"\n\
             signed_template = \"{{body}}\"\nsignature_source = {{ header = \"x-sig\", encoding = \"base64\" }}\n\
             [x509.certificate]\n{}\n",
            self.table
        )
    }

    pub(crate) fn verifier(&self) -> Result<Arc<Verifier>, String> {
        let mut registry = Registry::new();
        registry.register(countersign_x509::mode()).unwrap();
        let added = registry.add_preset("attacked.toml", self.preset()).map(drop);
        let compiled = added.and_then(|()| registry.named("attacked"));
        let compiled = compiled.map_err(|errors| errors.render(registry.sources()))?;
        let mut keys = Keyring::new();
        for (place, (text, window)) in self.anchors.iter().enumerate() {
            let material = Secret::new(&**text).unwrap();
            let mut key = Key::new(KeyId::new(format!("anchor-{place}")), KeyKind::TrustAnchor, material);
            key.window = *window;
            keys.add(key).unwrap();
        }
        compiled.verifier("test", &keys, &Vars::new()).map_err(|error| error.to_string())
    }

    /// Bind the keys and send the request.
    pub(crate) fn send(&self) -> Said {
        self.send_to(&self.verifier().unwrap_or_else(|says| panic!("{says}")))
    }

    pub(crate) fn send_to(&self, verifier: &Verifier) -> Said {
        let request = Request::new(Head::new("POST", "https://example.com/hook", &self.headers), BODY);
        ask(verifier, &request, self.now, &self.documents)
    }
}

/// Send a request, and listen to what is looked for.
pub(crate) fn ask(
    verifier: &Verifier,
    request: &Request<'_>,
    now: i64,
    documents: &[(String, Document)],
) -> Said {
    struct Listening<'d>(&'d [(String, Document)], Mutex<Vec<String>>);
    impl KeyCache for Listening<'_> {
        fn get(&self, _: RequestKind, name: &str) -> Option<Document> {
            self.1.lock().unwrap().push(name.to_owned());
            self.0.iter().find(|(known, _)| known == name).map(|(_, document)| document.clone())
        }
    }
    let listening = Listening(documents, Mutex::default());
    let outcome = verifier.verify(request, &Context::new(Timestamp::from_unix(now), &listening));
    let (code, detail, key) = match &outcome {
        Outcome::Verified(verified) => ("ok", String::new(), Some(verified.key().to_string())),
        Outcome::Rejected(rejection) => {
            let detail = rejection.detail.as_ref().map(|detail| detail.code.to_string());
            (rejection.reason.code(), detail.unwrap_or_default(), None)
        }
        Outcome::Unresolved(wanted) => ("unresolved", wanted.name.to_string(), None),
    };
    Said { code, detail, key, asked: listening.1.into_inner().unwrap() }
}

impl Said {
    /// It was refused for this reason and with this detail code.
    pub(crate) fn is(&self, code: &str, detail: &str) -> bool {
        self.code == code && self.detail == detail
    }
}
