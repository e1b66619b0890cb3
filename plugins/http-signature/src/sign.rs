//! The other direction: what the plan requires is what is covered, and what is missing of it is made.

use crate::algorithm::Hand;
use crate::component::{Component, Seen};
use crate::details::PARAMETER_UNREADABLE;
use crate::digest::{content_digest, instance_digest};
use crate::draft::{Draft as OldForm, SCHEME};
use crate::plan::{Form, Plan};
use crate::standard::{CONTENT_DIGEST, Parameter, SIGNATURE_PARAMS, Standard, Which};
use crate::statement::{lines, text};
use crate::structured::{print_bytes, print_text};
use countersign::{
    Draft, Found, Head, HeaderName, Headers, KeyId, KeyIndex, KeySet, Mark, MarkPlace, Reason, Rejection,
    Sign, TimeFormat,
};
use std::sync::Arc;

/// How long a signature is good that must say when it ends.
const LIFETIME: i64 = 300;

/// A plan with keys that sign.
pub(crate) struct Signer {
    pub(crate) plan: Arc<Plan>,
    pub(crate) hands: Box<[(KeyIndex, KeyId, Hand)]>,
}

impl Sign for Signer {
    fn sign(&self, draft: &Draft<'_>, live: KeySet, out: &mut dyn FnMut(Mark)) -> Result<(), Rejection> {
        // There is one label, and so one signature: the first live key's.
        let first = self.hands.iter().find(|(index, ..)| live.contains(*index));
        let (_, id, hand) = first.ok_or_else(|| Rejection::new(Reason::NoActiveSecret))?;
        let made = self.made(draft);
        let headers = WithMade { base: draft.headers, made: &made };
        let seen = Seen {
            head: Head::new(draft.method, draft.url, &headers),
            created: Some(draft.at.unix()),
            expires: Some(draft.at.unix() + LIFETIME),
        };
        let signed = match &self.plan.form {
            Form::Standard(standard) => by_standard(standard, &seen, draft, (id, hand))?,
            Form::Draft(old) => by_draft(old, &self.plan, &seen, (id, hand))?,
        };
        for (name, text) in made.into_iter().chain(signed) {
            out(Mark { place: MarkPlace::Header(name.into()), text: text.into_bytes(), joined_by: None });
        }
        Ok(())
    }
}

/// A header to be added.
type Made = (String, String);

impl Signer {
    /// Digest and date, where they are to be covered and the draft has none.
    fn made(&self, draft: &Draft<'_>) -> Vec<Made> {
        let required = self.plan.form.required();
        let is_old = matches!(self.plan.form, Form::Draft(_));
        let lacks = |name: &str| {
            let there = HeaderName::new(name).map(|name| draft.headers.find(&name));
            required.iter().any(|component| component.is_field(name)) && matches!(there, Some(Found::Absent))
        };
        let mut made = Vec::new();
        if !is_old && lacks(CONTENT_DIGEST) {
            made.push((CONTENT_DIGEST.into(), content_digest(draft.body)));
        }
        if is_old && lacks("digest") {
            made.push(("digest".into(), instance_digest(draft.body)));
        }
        if lacks("date") {
            made.push(("date".into(), TimeFormat::HttpDate.print(draft.at)));
        }
        made
    }
}

fn by_standard(
    form: &Standard,
    seen: &Seen<'_>,
    draft: &Draft<'_>,
    (id, hand): (&KeyId, &Hand),
) -> Result<Vec<Made>, Rejection> {
    let Standard { which, required, parameters, .. } = form;
    let printed = |word: &str, text: &str| {
        let says =
            || PARAMETER_UNREADABLE.because(format!("`{word}` holds what is neither printed nor ASCII"));
        print_text(text).map(|text| format!(";{word}={text}")).ok_or_else(says)
    };
    let names: Vec<&str> = required.iter().map(|component| &*component.name).collect();
    let mut params = format!("({});created={}", names.join(" "), draft.at.unix());
    if let Some(expires) = seen.expires.filter(|_| parameters.contains(&Parameter::Expires)) {
        params.push_str(&format!(";expires={expires}"));
    }
    params.push_str(&printed("keyid", id.as_str())?);
    if parameters.contains(&Parameter::Alg) {
        params.push_str(&printed("alg", hand.name)?);
    }
    if parameters.contains(&Parameter::Nonce) {
        params.push_str(&printed("nonce", draft.id)?);
    }
    let label = match which {
        Which::Label(label) => label,
        Which::Tag(tag) => {
            params.push_str(&printed("tag", tag)?);
            "sig1"
        }
        Which::Only if parameters.contains(&Parameter::Tag) => {
            params.push_str(&printed("tag", "countersign")?);
            "sig1"
        }
        Which::Only => "sig1",
    };
    let mut signed = lines(required, seen)?;
    signed.push((SIGNATURE_PARAMS.into(), params.clone()));
    let signature = print_bytes(&made_by(hand, &text(&signed))?);
    Ok(vec![
        (form.names.input.as_str().into(), format!("{label}={params}")),
        (form.names.signature.as_str().into(), format!("{label}={signature}")),
    ])
}

fn by_draft(
    form: &OldForm,
    plan: &Plan,
    seen: &Seen<'_>,
    (id, hand): (&KeyId, &Hand),
) -> Result<Vec<Made>, Rejection> {
    if id.as_str().bytes().any(|byte| !matches!(byte, b' '..=b'~') || matches!(byte, b'"' | b'\\')) {
        return Err(PARAMETER_UNREADABLE.because("the key's name holds what stands in no quotes"));
    }
    let words: Vec<&str> = form.required.iter().map(|component| &*component.name).collect();
    let signature = made_by(hand, &text(&lines(&form.required, seen)?))?;
    let signature = base64_simd::STANDARD.encode_to_string(signature);
    // What is signed by `(created)` names no algorithm that is older than it: see how it is read.
    let timed = form.required.iter().any(|component| component.is_created() || component.is_expires());
    let algorithm = if timed { plan.algorithms.hidden_name() } else { Some(hand.name) };
    let algorithm = algorithm.map_or_else(String::new, |name| format!("algorithm=\"{name}\","));
    let number = |name: &str, is: fn(&Component) -> bool, number: Option<i64>| {
        let number = number.filter(|_| form.required.iter().any(is));
        number.map_or_else(String::new, |number| format!("{name}={number},"))
    };
    let header = format!(
        "keyId=\"{id}\",{algorithm}{}{}headers=\"{}\",signature=\"{signature}\"",
        number("created", Component::is_created, seen.created),
        number("expires", Component::is_expires, seen.expires),
        words.join(" "),
    );
    let header = if form.authorization { format!("{SCHEME} {header}") } else { header };
    Ok(vec![(form.header.as_str().into(), header)])
}

fn made_by(hand: &Hand, text: &str) -> Result<Vec<u8>, Rejection> {
    let failed = |error: countersign::KeyError| {
        Rejection::new(Reason::ModeFault).detail("core/contract", error.to_string())
    };
    hand.sign(text.as_bytes()).map_err(failed)
}

/// A draft's headers and those that are made for it.
struct WithMade<'d> {
    base: &'d dyn Headers,
    made: &'d [Made],
}

impl Headers for WithMade<'_> {
    fn each<'h>(&'h self, f: &mut dyn FnMut(&'h [u8], &'h [u8])) {
        self.base.each(f);
        self.made.iter().for_each(|(name, value)| f(name.as_bytes(), value.as_bytes()));
    }
}
