//! Two deliveries of every preset that signs, and what is inferred from them.

use countersign::{
    Context, Draft, Head, Key, KeyId, KeyKind, Keyring, Outcome, Registry, Request, Secret, Timestamp, Vars,
};
use countersign_explain::{Deliveries, infer};
use countersign_testkit::VectorFile;
use std::time::Duration;

/// What came of one preset.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// One preset explains the deliveries, and a third one as well.
    Found,
    /// Several do, and the captures cannot tell which is right; one of them is.
    Ambiguous,
    /// Something has to be known that no capture has.
    Lacks,
    /// What was inferred explains the captures, and not the third delivery.
    Wrong,
    /// Nothing explains the deliveries.
    Unknown,
    /// Nobody can sign by it here, so there is nothing to infer from.
    Unsigned,
}

impl Verdict {
    pub(crate) const ALL: [Verdict; 6] = [
        Verdict::Found,
        Verdict::Ambiguous,
        Verdict::Lacks,
        Verdict::Wrong,
        Verdict::Unknown,
        Verdict::Unsigned,
    ];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Verdict::Found => "found",
            Verdict::Ambiguous => "ambiguous",
            Verdict::Lacks => "lacks",
            Verdict::Wrong => "wrong",
            Verdict::Unknown => "not found",
            Verdict::Unsigned => "verifies only",
        }
    }
}

pub(crate) struct Row {
    pub(crate) preset: String,
    pub(crate) verdict: Verdict,
    pub(crate) says: String,
    pub(crate) time: Duration,
}

/// Every `step`th preset that signs a template.
pub(crate) fn survey(step: usize) -> Vec<Row> {
    let full = countersign_modes::registry().unwrap();
    let names: Vec<String> = full.presets().map(|(name, _)| name.to_owned()).collect();
    names.iter().step_by(step).filter_map(|name| row(&full, name)).collect()
}

const NOW: i64 = 1_700_000_000;

struct Delivery {
    url: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    now: Timestamp,
}

impl Delivery {
    fn request(&self) -> Request<'_> {
        Request::new(Head::new("POST", &self.url, &self.headers), &self.body)
    }
}

fn row(full: &Registry, name: &str) -> Option<Row> {
    let resolved = full.resolve(name, None).unwrap();
    let mode = resolved.get(&["mode"]).unwrap().text().unwrap().to_string();
    resolved.get(&[&*mode, "signed_template"]).or_else(|| resolved.get(&[&*mode, "case"]))?;
    let compiled = full.named(name).unwrap();
    let done = |verdict, says: String, time| Some(Row { preset: name.to_owned(), verdict, says, time });
    let mut vars = Vars::new();
    for var in compiled.preset().vars.iter() {
        vars.set(var.name.clone(), "example-value");
    }
    let made = match made(&compiled, &vars, &resolved, &mode) {
        Ok(made) => made,
        // What our own deliveries lack, those of its vectors have.
        Err(why) => match kept(name) {
            Some(kept) => {
                vars = kept.vars.clone();
                kept.made
            }
            None => return done(Verdict::Unsigned, why, Duration::ZERO),
        },
    };
    let Made { first, second, third, secret: public } = made;
    // Without the preset itself, and without what is like it in name only.
    let mut registry = Registry::linked().unwrap();
    for (file, text) in countersign_presets::PRESETS {
        let own = format!("{name}.toml");
        if !file.ends_with(&own) || file.trim_end_matches(&own).chars().last().is_some_and(|c| c != '/') {
            registry.add_preset(*file, *text).unwrap();
        }
    }
    let keys = keyring(&public, compiled.needs().key_kind(false), &resolved, &mode);
    let requests = [first.request(), second.request()];
    let mut asked = Deliveries::new(&registry, "inferred", &requests, &keys, &vars, first.now);
    asked.budget.time = Duration::from_secs(10);
    let inferred = infer(&asked);
    let time = inferred.effort.time;
    let right = |toml: &str| {
        let mut registry = countersign_modes::registry().unwrap();
        registry.add_preset("inferred.toml", toml).ok()?;
        let compiled = registry.named("inferred").ok()?;
        let given = keyring(
            &public,
            compiled.needs().key_kind(false),
            &registry.resolve("inferred", None).ok()?,
            &compiled.preset().mode.value,
        );
        let given_vars = if compiled.preset().vars.is_empty() { Vars::new() } else { vars.clone() };
        let verifier = compiled.verifier("x", &given, &given_vars).ok()?;
        matches!(verifier.verify(&third.request(), &Context::at(third.now)), Outcome::Verified(_))
            .then_some(())
    };
    let fits: Vec<bool> = inferred.presets.iter().map(|found| right(&found.toml).is_some()).collect();
    let says = |at: usize| inferred.presets[at].says.clone();
    match (fits.iter().filter(|fits| **fits).count(), fits.len()) {
        (0, 0) if inferred.lacks.iter().any(|lack| lack.contains("--var")) => {
            done(Verdict::Lacks, inferred.lacks.join("; "), time)
        }
        (0, 0) => done(Verdict::Unknown, template_of(&resolved, &mode), time),
        (0, _) => done(Verdict::Wrong, says(0), time),
        (all, many) if all == many => done(Verdict::Found, says(0), time),
        (_, many) => done(
            Verdict::Ambiguous,
            format!(
                "{} of {many}: {}",
                fits.iter().filter(|fits| **fits).count(),
                (0..many).map(says).collect::<Vec<_>>().join(" / ")
            ),
            time,
        ),
    }
}

/// Three deliveries, and the secret or public key that verifies them.
struct Made {
    first: Delivery,
    second: Delivery,
    third: Delivery,
    secret: Vec<u8>,
}

/// Three deliveries signed by the preset itself, with a made-up key.
fn made(
    compiled: &std::sync::Arc<countersign::Compiled>,
    vars: &Vars,
    resolved: &countersign::Layer,
    mode: &str,
) -> Result<Made, String> {
    let Some((secret, public)) = secret_for(compiled, vars, resolved, mode) else {
        return Err("no key that signs by it could be made, and it has no three cases of one".into());
    };
    let signing = keyring(&secret, compiled.needs().key_kind(true), resolved, mode);
    let signer = compiled.signer(&signing, vars).map_err(|error| error.to_string())?;
    let delivery = |n: i64| {
        let now = Timestamp::from_unix(NOW + n * 97);
        let url = format!("https://hooks.example.com/in/acme?n={n}");
        let form = body_is_form(resolved, mode);
        let body = if form {
            format!("event=paid&amount=1{n}.50&id=evt_{n}a7&note=caf%C3%A9+{n}").into_bytes()
        } else {
            format!("{{\"id\":\"evt_{n}a7\",\"type\":\"invoice.paid\",\"amount\":1{n}.5,\"created\":{},\"data\":{{\"note\":\"café {n}\"}}}}", NOW + n * 97).into_bytes()
        };
        let kind = if form { "application/x-www-form-urlencoded" } else { "application/json" };
        let mut headers: Vec<(String, Vec<u8>)> = vec![
            ("content-type".into(), kind.into()),
            ("user-agent".into(), "hooks/1".into()),
            ("x-request-id".into(), format!("req_{n}f3").into_bytes()),
        ];
        let mut draft = Draft::new("", now, &url, &body);
        let id = format!("msg_{n}x9");
        draft.id = &id;
        let lent = headers.clone();
        draft.headers = &lent;
        let signed = signer.sign(&draft).ok()?;
        headers.extend(signed.headers.iter().map(|(name, value)| (name.to_string(), value.clone())));
        let (url, body) =
            (signed.url.unwrap_or_else(|| url.clone()), signed.body.unwrap_or_else(|| body.clone()));
        Some(Delivery { url, headers, body, now })
    };
    match (delivery(1), delivery(2), delivery(3)) {
        (Some(first), Some(second), Some(third)) => Ok(Made { first, second, third, secret: public }),
        _ => {
            Err("its signature needs what our delivery has not, and it has no three cases of one secret"
                .into())
        }
    }
}

/// Deliveries of its vectors that verify by one secret, and their variables.
struct Kept {
    made: Made,
    vars: Vars,
}

fn kept(name: &str) -> Option<Kept> {
    let file = format!("{name}.vectors.toml");
    let (_, text) = countersign_presets::VECTORS
        .iter()
        .find(|(known, _)| *known == file || known.ends_with(&format!("/{file}")))?;
    let cases = VectorFile::parse(file, text).ok()?.cases;
    let ok = |case: &&countersign_testkit::Case| {
        case.expect.code() == "ok"
            && case.overrides.is_none()
            && case.secrets.len() == 1
            && &*case.preset == name
    };
    let first = cases.iter().find(ok)?;
    let (secret, vars) = (first.secrets[0].value.as_bytes().to_vec(), first.vars.clone());
    let mut seen = std::collections::HashSet::new();
    let alike = cases.iter().filter(ok).filter(|case| case.secrets[0].value == first.secrets[0].value);
    let mut alike = alike.filter(|case| seen.insert(case.request.body.clone())).map(|case| Delivery {
        url: case.request.url.clone(),
        headers: case.request.headers.clone(),
        body: case.request.body.clone(),
        now: case.now,
    });
    let (first, second) = (alike.next()?, alike.next()?);
    // Where there are but two, the second has to do for the third as well.
    let third = alike.next().unwrap_or_else(|| Delivery {
        url: second.url.clone(),
        headers: second.headers.clone(),
        body: second.body.clone(),
        now: second.now,
    });
    Some(Kept { made: Made { first, second, third, secret }, vars })
}

fn template_of(layer: &countersign::Layer, mode: &str) -> String {
    let text = layer
        .get(&[mode])
        .map(|node| countersign::Layer::from_table(node.clone()).unwrap().to_toml())
        .unwrap_or_default();
    text.lines()
        .filter(|line| line.starts_with("signed_template") || line.contains("parts"))
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(150)
        .collect()
}

fn body_is_form(layer: &countersign::Layer, mode: &str) -> bool {
    let text = layer
        .get(&[mode])
        .map(|node| countersign::Layer::from_table(node.clone()).unwrap().to_toml())
        .unwrap_or_default();
    text.contains("form") || text.contains("{param")
}

/// A secret to sign with and what verifies it, in a form that the preset takes.
fn secret_for(
    compiled: &std::sync::Arc<countersign::Compiled>,
    vars: &Vars,
    layer: &countersign::Layer,
    mode: &str,
) -> Option<(Vec<u8>, Vec<u8>)> {
    let needs = compiled.needs();
    if needs.key_kind(true) == KeyKind::Private {
        return PAIRS.iter().find_map(|(private, public)| {
            let ring = keyring(private.as_bytes(), KeyKind::Private, layer, mode);
            compiled.signer(&ring, vars).ok()?;
            let public_ring = keyring(public.as_bytes(), KeyKind::Public, layer, mode);
            compiled.verifier("x", &public_ring, vars).ok()?;
            Some((private.as_bytes().to_vec(), public.as_bytes().to_vec()))
        });
    }
    let prefixes: Vec<String> = layer
        .get(&[mode, "key", "forms"])
        .and_then(|node| match &node.value {
            countersign::config::Value::Array(forms) => Some(
                forms
                    .iter()
                    .filter_map(|form| form.table()?.get("prefix")?.text().map(|text| text.to_string()))
                    .collect(),
            ),
            _ => None,
        })
        .unwrap_or_default();
    let bare = [
        "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY",
        "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "a0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1",
        "a0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5",
    ];
    let mut texts: Vec<String> =
        prefixes.iter().flat_map(|prefix| bare.map(|bare| format!("{prefix}{bare}"))).collect();
    texts.extend(bare.map(str::to_owned));
    texts.into_iter().find_map(|text| {
        let ring = keyring(text.as_bytes(), KeyKind::Shared, layer, mode);
        compiled.signer(&ring, vars).ok()?;
        Some((text.clone().into_bytes(), text.into_bytes()))
    })
}

fn keyring(secret: &[u8], kind: KeyKind, layer: &countersign::Layer, mode: &str) -> Keyring {
    let role = layer.get(&[mode, "key", "roles"]).and_then(|node| match &node.value {
        countersign::config::Value::Array(roles) => roles.first()?.text().cloned(),
        countersign::config::Value::Text(role) => Some(role.clone()),
        _ => None,
    });
    let mut ring = Keyring::new();
    let mut key = Key::new(KeyId::new("main"), kind, Secret::new(secret).unwrap());
    key.role = role;
    ring.add(key).unwrap();
    ring
}

/// Key pairs, made for this.
const PAIRS: &[(&str, &str)] = &include!("pairs.in");
