//! Deliveries that verify: what presets sign with keys that nobody else has.

use crate::faults::bodies::{Body, Kind, Size};
use crate::faults::keys::{self, Pair};
use crate::faults::random::{ALPHANUMERIC, HEX, Random, base64};
use countersign::config::Value;
use countersign::{
    Context, Draft, Head, Key, KeyId, KeyKind, Keyring, Layer, Outcome, Registry, Request, Secret, Signed,
    Timestamp, Vars,
};
use countersign_explain::{Asked, Budget, Diagnosis, Source, explain};

/// What a preset's keys look like where they are copied from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Look {
    /// Letters and digits.
    Letters,
    /// 32 or 64 hexadecimal digits, used as text.
    Hex,
    /// What looks like base64 and is text.
    Base64Text,
    /// As a person makes one up, with marks.
    Marks,
    /// `whsec_` and letters, used as text.
    WhsecText,
    /// `whsec_` and base64, decoded.
    Whsec,
    Ed25519Hex,
    Ed25519Base64,
    /// `whpk_` and base64.
    Whpk,
    P256,
    Rsa,
}

/// A preset, and what is needed to send as it does.
pub(crate) struct Known {
    pub(crate) preset: &'static str,
    pub(crate) looks: &'static [Look],
    pub(crate) kinds: &'static [Kind],
    /// What each request carries besides.
    headers: &'static [(&'static str, &'static str)],
    vars: &'static [(&'static str, &'static str)],
}

const fn known(preset: &'static str, looks: &'static [Look], kinds: &'static [Kind]) -> Known {
    Known { preset, looks, kinds, headers: &[], vars: &[] }
}

const JSON: &[Kind] = &[Kind::Json];
const MOSTLY: &[Kind] = &[Kind::Json, Kind::Json, Kind::Json, Kind::Form, Kind::Text];
const ANY: &[Kind] =
    &[Kind::Json, Kind::Json, Kind::Json, Kind::Json, Kind::Json, Kind::Form, Kind::Text, Kind::Empty];
const TEXT: &[Look] = &[Look::Letters, Look::Hex, Look::Marks, Look::Base64Text];

/// Sixteen ways of signing and more: every mode that holds keys, bodies alone and with time, id, URL and method, signatures in
/// headers and in the body.
pub(crate) const PRESETS: &[Known] = &[
    known("github", TEXT, MOSTLY),
    known("stripe", &[Look::WhsecText], JSON),
    known("slack", &[Look::Hex], &[Kind::Json, Kind::Form]),
    known("shopify", &[Look::Hex, Look::Letters], &[Kind::Json, Kind::Json, Kind::Text]),
    known("standard-webhooks", &[Look::Whsec], ANY),
    known("svix", &[Look::Whsec], MOSTLY),
    known("twilio", &[Look::Hex], &[Kind::Form]),
    known("square", &[Look::Base64Text, Look::Letters], JSON),
    known("trello", &[Look::Hex], JSON),
    known("paddle-billing", &[Look::Letters], JSON),
    known("zoom", &[Look::Letters], JSON),
    known("mailgun", &[Look::Hex], JSON),
    known("hubspot-v3", &[Look::Hex], JSON),
    Known { headers: &[("x-hubspot-signature-version", "v2")], ..known("hubspot-v2", &[Look::Hex], JSON) },
    known("woocommerce", TEXT, JSON),
    known("xero", &[Look::Base64Text], JSON),
    known("intercom", &[Look::Hex], JSON),
    known("typeform", TEXT, MOSTLY),
    known("gocardless", &[Look::Letters], JSON),
    known("calendly", &[Look::Letters], JSON),
    Known {
        headers: &[("twitch-eventsub-message-id", "e76c6bd4-55c9-4987-8304-da1588d8988b")],
        ..known("twitch", &[Look::Letters], JSON)
    },
    known("airwallex", &[Look::Letters], JSON),
    known("pagbank", &[Look::Hex], JSON),
    known("discord", &[Look::Ed25519Hex], JSON),
    known("telnyx", &[Look::Ed25519Base64], JSON),
    known("standard-webhooks-ed25519", &[Look::Whpk], MOSTLY),
    known("sendgrid", &[Look::P256], JSON),
    known("wise", &[Look::Rsa], JSON),
    known("chip-collect", &[Look::Rsa], JSON),
    known("gitlab-token", TEXT, ANY),
    known("telegram", &[Look::Letters], JSON),
    known("fusionauth-hmac", TEXT, JSON),
    known("netlify", TEXT, JSON),
];

/// A key as an operator holds it.
#[derive(Clone, Eq, PartialEq)]
pub(crate) struct Held {
    pub(crate) kind: KeyKind,
    pub(crate) bytes: Vec<u8>,
    /// When its window ends.
    pub(crate) ends: Option<Timestamp>,
}

impl Held {
    pub(crate) fn of(kind: KeyKind, bytes: impl Into<Vec<u8>>) -> Held {
        Held { kind, bytes: bytes.into(), ends: None }
    }

    pub(crate) fn ring(&self) -> Option<Keyring> {
        let mut ring = Keyring::new();
        let material = Secret::new(self.bytes.as_slice()).ok()?;
        let mut key = Key::new(KeyId::new("main"), self.kind, material);
        key.window.not_after = self.ends;
        ring.add(key).ok()?;
        Some(ring)
    }
}

/// Everything that a question is made of.
#[derive(Clone)]
pub(crate) struct Question {
    pub(crate) layer: Layer,
    pub(crate) key: Held,
    pub(crate) vars: Vars,
    /// The secrets of other sources of the same receiver.
    pub(crate) others: Vec<Held>,
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    pub(crate) now: Timestamp,
}

/// A part of a question: what a fault changes, and what mends it when it is put back.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Part {
    Preset,
    Key,
    Method,
    Url,
    Headers,
    Body,
    Now,
}

impl Part {
    pub(crate) const ALL: [Part; 7] =
        [Part::Preset, Part::Key, Part::Method, Part::Url, Part::Headers, Part::Body, Part::Now];
}

/// What a verifier says of a question.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Said {
    Verified,
    Refused(&'static str),
    /// The key will not do, which the operator is told before the first request.
    NoKey,
    /// The preset will not do.
    NoPreset,
}

impl Question {
    pub(crate) fn request<R>(&self, ask: impl FnOnce(&Request<'_>) -> R) -> R {
        ask(&Request::new(Head::new(&self.method, &self.url, &self.headers), &self.body))
    }

    pub(crate) fn said(&self, registry: &Registry) -> Said {
        let Ok(compiled) = registry.compile_layer(&self.layer) else { return Said::NoPreset };
        let Some(ring) = self.key.ring() else { return Said::NoKey };
        let Ok(verifier) = compiled.verifier("faults", &ring, &self.vars) else { return Said::NoKey };
        self.request(|request| match verifier.verify(request, &Context::at(self.now)) {
            Outcome::Verified(_) => Said::Verified,
            Outcome::Rejected(rejection) => Said::Refused(rejection.reason.code()),
            Outcome::Unresolved(_) => Said::Refused("unresolved"),
        })
    }

    /// The question, asked.
    pub(crate) fn ask(&self, registry: &Registry, budget: Budget) -> Option<Diagnosis> {
        let ring = self.key.ring()?;
        let rings: Vec<Keyring> = self.others.iter().filter_map(Held::ring).collect();
        let source = |name, keys| Source { name, preset: &self.layer, keys, vars: &self.vars };
        let others: Vec<Source<'_>> = rings.iter().map(|ring| source("another", ring)).collect();
        Some(self.request(|request| {
            let mut asked = Asked::new(registry, source("faults", &ring), request, self.now);
            asked.others = &others;
            asked.budget = budget;
            explain(&asked)
        }))
    }

    /// Which parts are not as in another.
    pub(crate) fn differs(&self, other: &Question) -> Vec<Part> {
        let differs = |part: &Part| match part {
            Part::Preset => self.layer.to_toml() != other.layer.to_toml(),
            Part::Key => self.key != other.key,
            Part::Method => self.method != other.method,
            Part::Url => self.url != other.url,
            Part::Headers => self.headers != other.headers,
            Part::Body => self.body != other.body,
            Part::Now => self.now != other.now,
        };
        Part::ALL.into_iter().filter(differs).collect()
    }

    /// Put a part back as it was.
    pub(crate) fn mend(&mut self, part: Part, truth: &Question) {
        match part {
            Part::Preset => self.layer = truth.layer.clone(),
            Part::Key => self.key = truth.key.clone(),
            Part::Method => self.method.clone_from(&truth.method),
            Part::Url => self.url.clone_from(&truth.url),
            Part::Headers => self.headers.clone_from(&truth.headers),
            Part::Body => self.body.clone_from(&truth.body),
            Part::Now => self.now = truth.now,
        }
    }

    pub(crate) fn mode(&self) -> String {
        self.layer
            .get(&["mode"])
            .and_then(|node| node.text())
            .map_or_else(String::new, |mode| (**mode).into())
    }

    /// A text of the mode's table; of several places, the first one's.
    pub(crate) fn set(&self, path: &[&str]) -> Option<String> {
        let mode = self.mode();
        let node = path.iter().try_fold(self.layer.get(&[&mode])?, |node, key| {
            let node = node.table()?.get(key)?;
            match &node.value {
                Value::Array(items) => items.first(),
                _ => Some(node),
            }
        });
        Some((**node?.text()?).into())
    }

    /// The header that holds the signature, as the preset has it, if it is in a header.
    pub(crate) fn signature_header(&self) -> Option<String> {
        let named =
            ["signature_source", "token_source"].iter().find_map(|place| self.set(&[place, "header"]));
        // Of several places, the one whose header came.
        let came = || {
            let (_, name) = self.headers.iter().find_map(|(name, _)| {
                let end = ["-signature", "-hmac-sha256"].iter().find(|end| name.ends_with(**end))?;
                Some((end, name.clone()))
            })?;
            Some(name)
        };
        named.or_else(came).filter(|name| self.header(name).is_some())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&[u8]> {
        let found = self.headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_slice())
    }

    pub(crate) fn header_text(&self, name: &str) -> Option<String> {
        String::from_utf8(self.header(name)?.to_vec()).ok()
    }

    pub(crate) fn set_header(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        let value = value.into();
        match self.headers.iter_mut().find(|(given, _)| given.eq_ignore_ascii_case(name)) {
            Some((_, there)) => *there = value,
            None => self.headers.push((name.into(), value)),
        }
    }

    /// Put a signature where the receiver will look.
    pub(crate) fn carry(&mut self, signed: Signed) {
        signed.headers.into_iter().for_each(|(name, value)| self.set_header(&name, value));
        self.url = signed.url.unwrap_or_else(|| self.url.clone());
        self.body = signed.body.unwrap_or_else(|| self.body.clone());
    }

    /// Lay something over the preset; whether that can be compiled.
    pub(crate) fn lay(&mut self, registry: &Registry, toml: &str) -> bool {
        self.layer = layer(toml).over(&self.layer);
        registry.compile_layer(&self.layer).is_ok()
    }
}

/// A layer of its own.
pub(crate) fn layer(toml: &str) -> Layer {
    let mut sources = countersign::Sources::new();
    let file = sources.add("fault.toml", toml);
    Layer::parse(&sources, file).unwrap_or_else(|errors| panic!("{toml}: {}", errors.render(&sources)))
}

/// A delivery that verifies.
pub(crate) struct Delivery {
    pub(crate) known: &'static Known,
    pub(crate) look: Look,
    pub(crate) body: Body,
    /// How it is asked about when nothing is wrong.
    pub(crate) truth: Question,
    /// What it was signed with; for shared secrets the same as the key.
    pub(crate) pen: Held,
    pub(crate) pair: Option<Pair>,
    pub(crate) id: String,
    pub(crate) at: Timestamp,
    /// What it carried before it was signed.
    pub(crate) unsigned: Vec<(String, Vec<u8>)>,
}

/// The moment of all deliveries.
pub(crate) const NOW: i64 = 1_767_225_600;

impl Delivery {
    /// One of this preset. `None`: chance made a body that it cannot sign.
    pub(crate) fn of(
        registry: &Registry,
        known: &'static Known,
        size: Size,
        random: &mut Random,
    ) -> Option<Delivery> {
        let look = *random.of_these(known.looks);
        let kind = match size {
            Size::Big if known.kinds.contains(&Kind::Json) => Kind::Json,
            _ => *random.of_these(known.kinds),
        };
        let body = Body::of(kind, size, random);
        let (pen, key, pair) = keys(look, random);
        let mut vars = Vars::new();
        for (name, value) in known.vars {
            vars.set(*name, *value);
        }
        let others = match key.kind {
            KeyKind::Shared => (0..2).map(|_| keys(look, random).1).collect(),
            _ => Vec::new(),
        };
        let at = Timestamp::from_unix(NOW - random.below(4) as i64);
        let id = format!("msg_{}", random.text(ALPHANUMERIC, 22));
        let url = url(random);
        let unsigned = around(known, &url, &body, random);
        let truth = Question {
            layer: registry.resolve(known.preset, None).ok()?,
            key,
            vars,
            others,
            method: "POST".into(),
            url,
            headers: unsigned.clone(),
            body: body.bytes.clone(),
            now: Timestamp::from_unix(NOW),
        };
        let mut delivery = Delivery { known, look, body, truth, pen, pair, id, at, unsigned };
        let signed = delivery.signed(registry, &delivery.truth, &delivery.pen)?;
        delivery.truth.carry(signed);
        delivery.body.bytes.clone_from(&delivery.truth.body);
        Some(delivery)
    }

    /// What a sender of this question's preset, URL and body, with this key, adds: headers, and URL or body where the signature
    /// goes there.
    pub(crate) fn signed(&self, registry: &Registry, question: &Question, pen: &Held) -> Option<Signed> {
        let compiled = registry.compile_layer(&question.layer).ok()?;
        let signer = compiled.signer(&pen.ring()?, &question.vars).ok()?;
        let mut draft = Draft::new(&self.id, self.at, &question.url, &question.body);
        draft.method = &question.method;
        draft.headers = &self.unsigned;
        signer.sign(&draft).ok()
    }

    pub(crate) fn words(&self) -> String {
        format!("{}, {:?} key, {}", self.known.preset, self.look, self.body.like)
    }
}

/// A key to sign with, one to verify with, and the pair where there is one.
fn keys(look: Look, random: &mut Random) -> (Held, Held, Option<Pair>) {
    let text = match look {
        Look::Letters => random.text(ALPHANUMERIC, 40),
        Look::Hex => {
            let len = *random.of_these(&[32, 64]);
            random.text(HEX, len)
        }
        Look::Base64Text => base64(&random.bytes(32)),
        Look::Marks => format!(
            "{}'{}&<{}=",
            random.text(ALPHANUMERIC, 9),
            random.text(ALPHANUMERIC, 9),
            random.text(ALPHANUMERIC, 18)
        ),
        Look::WhsecText => format!("whsec_{}", random.text(ALPHANUMERIC, 32)),
        Look::Whsec => format!("whsec_{}", base64(&random.bytes(*random.clone().of_these(&[24, 32, 64])))),
        Look::Ed25519Hex | Look::Ed25519Base64 | Look::Whpk | Look::P256 | Look::Rsa => {
            let (pair, pen, public) = keys::pair(look, random);
            return (Held::of(KeyKind::Private, pen), Held::of(KeyKind::Public, public), Some(pair));
        }
    };
    let key = Held::of(KeyKind::Shared, text);
    (key.clone(), key, None)
}

fn url(random: &mut Random) -> String {
    let host = random.of_these(&["hooks.example.com", "api.example.com", "example.com"]);
    let path = random.of_these(&["/webhook", "/api/hooks/in", "/hooks/incoming/", "/"]);
    let query = random.of_these(&["", "", "?a=1&b=2", "?token=x%20y&zone=eu", "?source=main"]);
    format!("https://{host}{path}{query}")
}

/// What a request carries whoever signs it.
fn around(known: &Known, url: &str, body: &Body, random: &mut Random) -> Vec<(String, Vec<u8>)> {
    let mut headers: Vec<(String, Vec<u8>)> = vec![
        ("host".into(), url.split('/').nth(2).unwrap_or_default().into()),
        ("user-agent".into(), b"Sender-Hookshot/044aadd".to_vec()),
        ("accept".into(), b"*/*".to_vec()),
        ("content-type".into(), body.kind.content_type().as_bytes().to_vec()),
        ("x-request-id".into(), random.text(HEX, 32).into_bytes()),
    ];
    // A proxy that sends in chunks leaves none. Where the signature goes into the body, it is told when that is whole.
    if random.once_in(2) && known.preset != "mailgun" {
        headers.push(("content-length".into(), body.bytes.len().to_string().into_bytes()));
    }
    headers.extend(known.headers.iter().map(|(name, value)| ((*name).into(), value.as_bytes().to_vec())));
    headers
}
