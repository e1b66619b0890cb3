//! The shipped presets with requests that they verify, for tests that hold of all of them.
#![allow(dead_code, clippy::unwrap_used)]

use countersign::{
    Compiled, Context, Draft, Head, Headers, Keyring, Outcome, Registry, Request, Timestamp, Vars, Verifier,
};
use countersign_testkit::{Case, Expect, SecretSpec, VectorFile};
use std::sync::Arc;

/// A request that owns its parts, and all that is needed to judge it.
#[derive(Clone)]
pub(crate) struct Delivery {
    pub(crate) name: String,
    pub(crate) preset: Arc<Compiled>,
    pub(crate) secrets: Vec<SecretSpec>,
    pub(crate) vars: Vars,
    pub(crate) now: Timestamp,
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    /// The headers that our own signer wrote.
    pub(crate) marks: Vec<String>,
}

/// Every published or generated case of every shipped preset that verifies.
pub(crate) fn vectors() -> Vec<Delivery> {
    let registry = countersign_presets::registry().unwrap_or_else(|errors| panic!("{errors}"));
    let cases = countersign_presets::VECTORS.iter().flat_map(|(name, text)| {
        VectorFile::parse(*name, text).unwrap_or_else(|errors| panic!("{errors}")).cases
    });
    let of_the_core = core_presets();
    let mine =
        |case: &Case| case.expect == Expect::Ok && of_the_core.iter().any(|name| **name == *case.preset);
    cases.filter(mine).map(|case| delivery(&registry, case)).collect()
}

/// The shipped presets of the one mode that is built in. What other modes make of theirs is for the tests of those modes.
pub(crate) fn core_presets() -> Vec<String> {
    let registry = countersign_presets::registry().unwrap_or_else(|errors| panic!("{errors}"));
    let mode = |name: &str| {
        registry.resolve(name, None).unwrap().get(&["mode"]).and_then(|node| node.text().cloned())
    };
    let names = registry.presets().filter(|(name, _)| mode(name).as_deref() == Some("hmac"));
    names.map(|(name, _)| name.to_owned()).collect()
}

/// One request of every shipped preset that can sign, signed here over what a real one said.
pub(crate) fn signed() -> Vec<Delivery> {
    let mut seen = std::collections::BTreeSet::new();
    let each = vectors().into_iter().filter_map(|vector| {
        let name = vector.preset.preset().name.clone();
        let signed = if seen.contains(&name) { None } else { vector.signed_again() };
        signed.inspect(|_| {
            seen.insert(name);
        })
    });
    each.collect()
}

fn delivery(registry: &Registry, case: Case) -> Delivery {
    let preset = match case.overrides {
        None => registry.named(&case.preset),
        Some(changes) => registry.named_with(&case.preset, changes),
    };
    let countersign_testkit::Delivery { method, url, headers, body } = case.request;
    Delivery {
        name: case.name.to_string(),
        preset: preset.unwrap_or_else(|errors| panic!("{}: {errors}", case.name)),
        secrets: case.secrets,
        vars: case.vars,
        now: case.now,
        method,
        url,
        headers,
        body,
        marks: Vec::new(),
    }
}

impl Delivery {
    pub(crate) fn ring(&self) -> Keyring {
        SecretSpec::ring(&self.secrets, countersign::KeyKind::Shared).unwrap()
    }

    pub(crate) fn verifier(&self) -> Arc<Verifier> {
        self.preset.verifier("test", &self.ring(), &self.vars).unwrap()
    }

    pub(crate) fn cx(&self) -> Context<'static> {
        Context::at(self.now)
    }

    pub(crate) fn request(&self) -> Request<'_> {
        self.request_with(&self.headers)
    }

    pub(crate) fn request_with<'r>(&'r self, headers: &'r dyn Headers) -> Request<'r> {
        Request::new(Head::new(&self.method, &self.url, headers), &self.body)
    }

    pub(crate) fn judge(&self) -> Outcome<'_> {
        self.verifier().verify(&self.request(), &self.cx())
    }

    /// The same content, signed by us now. `None` where the scheme cannot sign, or what it needs is not there.
    pub(crate) fn signed_again(&self) -> Option<Self> {
        let signer = self.preset.signer(&self.ring(), &self.vars).ok()?;
        let mut new = self.clone();
        let sign = |from: &Self| {
            let mut draft = Draft::new("msg_2b7Qk0", from.now, &from.url, &from.body);
            draft.method = &from.method;
            draft.headers = &from.headers;
            signer.sign(&draft).ok()
        };
        // What the first signing puts down is what the second finds room for.
        let first = sign(self)?;
        new.headers.retain(|(name, _)| !first.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name)));
        let signed = sign(&new)?;
        new.name = format!("{}, signed here", self.name);
        new.marks = signed.headers.iter().map(|(name, _)| name.to_string()).collect();
        new.headers.extend(signed.headers.into_iter().map(|(name, value)| (name.to_string(), value)));
        new.url = signed.url.unwrap_or(new.url);
        new.body = signed.body.unwrap_or(new.body);
        Some(new)
    }

    #[cfg(feature = "http")]
    pub(crate) fn map(&self) -> http::HeaderMap {
        let entry = |(name, value): &(String, Vec<u8>)| {
            (name.parse::<http::HeaderName>().unwrap(), http::HeaderValue::from_bytes(value).unwrap())
        };
        self.headers.iter().map(entry).collect()
    }
}
