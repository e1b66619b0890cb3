//! RFC 9421: `Signature-Input` says what is covered and how, `Signature` has the signatures, by label.

use crate::component::{Component, Seen, shortened};
use crate::details::{
    EXPIRES_FIRST, NOT_THERE, PARAMETER_ABSENT, PARAMETER_UNREADABLE, SEVERAL, TOO_LONG, UNPAIRED, UNREADABLE,
};
use crate::digest::Digests;
use crate::fields;
use crate::statement::{Statement, check_cover, lines};
use crate::structured::{Dictionary, InnerList, Item, Member, Parameters, print_bytes};
use countersign::{Head, HeaderName, Reason, Rejection};
use sfv::{BareItemFromInput, KeyRef};
use std::sync::Arc;

/// How many labels are looked at.
const MAX_LABELS: usize = 16;

/// Which signature is meant.
#[derive(Clone, Debug)]
pub(crate) enum Which {
    /// That of this label.
    Label(Arc<str>),

    /// The one of this tag: labels may be changed on the way, tags are signed.
    Tag(Arc<str>),

    /// The only one.
    Only,
}

/// A parameter of a signature.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Parameter {
    Created,
    Expires,
    Nonce,
    Alg,
    Keyid,
    Tag,
}

impl Parameter {
    pub(crate) const WORDS: [(&str, Parameter); 6] = [
        ("created", Parameter::Created),
        ("expires", Parameter::Expires),
        ("nonce", Parameter::Nonce),
        ("alg", Parameter::Alg),
        ("keyid", Parameter::Keyid),
        ("tag", Parameter::Tag),
    ];

    pub(crate) fn word(self) -> &'static str {
        Self::WORDS[self as usize].0
    }
}

/// The headers of the standard.
pub(crate) struct Names {
    pub(crate) input: HeaderName,
    pub(crate) signature: HeaderName,
    pub(crate) digest: HeaderName,
}

/// What the standard's form looks for.
pub(crate) struct Standard {
    pub(crate) which: Which,
    pub(crate) required: Box<[Component]>,
    pub(crate) parameters: Box<[Parameter]>,
    pub(crate) names: Names,
}

impl Standard {
    /// Read the one signature that is meant, and everything that it covers.
    pub(crate) fn read(&self, head: &Head<'_>) -> Result<Statement, Rejection> {
        let input = fields::joined(head.headers, &self.names.input, UNREADABLE)?;
        let signature = fields::joined(head.headers, &self.names.signature, UNREADABLE)?;
        let (input, signature) = match (input, signature) {
            // A signature alone is of another scheme, an older one perhaps, and is none of this.
            (None, _) => return Err(Rejection::new(Reason::MissingSignature)),
            (Some(_), None) => return Err(UNPAIRED.refuse()),
            (Some(input), Some(signature)) => (input, signature),
        };
        let inputs = Dictionary::parse(&input).map_err(|why| UNREADABLE.because(why))?;
        let signatures = Dictionary::parse(&signature).map_err(|why| UNREADABLE.because(why))?;
        if inputs.0.len().max(signatures.0.len()) > MAX_LABELS {
            return Err(TOO_LONG.because("there are more than 16 signatures"));
        }
        let (label, list) = self.choose(&inputs, &signatures)?;
        let bytes = match signatures.get(label.as_str()) {
            None => return Err(UNPAIRED.refuse()),
            Some(Member::Item(Item { value: BareItemFromInput::ByteSequence(bytes), .. })) => bytes.clone(),
            Some(_) => return Err(UNREADABLE.because("the signature is no byte sequence")),
        };
        // Padding and loose bits may be written in several ways, and are only right in one.
        if !signature.contains(&print_bytes(&bytes)) {
            return Err(UNREADABLE.because("the signature is not in the one spelling of its bytes"));
        }
        self.state(head, list, bytes)
    }

    /// The signature that is meant.
    fn choose<'d, 'v>(
        &self,
        inputs: &'d Dictionary<'v>,
        signatures: &Dictionary<'v>,
    ) -> Result<(&'v KeyRef, &'d InnerList<'v>), Rejection> {
        let tagged = |tag: &str, member: &Member<'_>| match member {
            Member::List(InnerList { parameters, .. }) => {
                text(parameters, Parameter::Tag).is_ok_and(|found| found.as_deref() == Some(tag))
            }
            Member::Item(_) => false,
        };
        let mut meant = inputs.0.iter().filter(|(label, member)| match &self.which {
            Which::Label(wanted) => label.as_str() == &**wanted,
            Which::Tag(tag) => tagged(tag, member),
            Which::Only => true,
        });
        match (meant.next(), meant.next(), &self.which) {
            (None, _, Which::Label(label)) if signatures.get(label).is_some() => Err(UNPAIRED.refuse()),
            (None, _, Which::Only) => Err(Rejection::new(Reason::MissingSignature)),
            (None, ..) => Err(NOT_THERE.refuse()),
            (_, Some(_), _) => Err(SEVERAL.refuse()),
            (_, _, Which::Only) if signatures.0.len() > 1 => Err(SEVERAL.refuse()),
            (Some((_, Member::Item(_))), None, _) => {
                Err(UNREADABLE.because("the signature's input is no list of components"))
            }
            (Some((label, Member::List(list))), None, _) => Ok((label, list)),
        }
    }

    fn state(
        &self,
        head: &Head<'_>,
        list: &InnerList<'_>,
        signature: Vec<u8>,
    ) -> Result<Statement, Rejection> {
        let covered = list.items.iter().map(Component::standard).collect::<Result<Vec<_>, _>>()?;
        check_cover(&covered, &self.required)?;
        let parameters = &list.parameters;
        for required in &self.parameters {
            if find(parameters, *required).is_none() {
                let says = format!("the signature must have `{}` and has not", required.word());
                return Err(PARAMETER_ABSENT.because(says));
            }
        }
        let (created, expires) =
            (number(parameters, Parameter::Created)?, number(parameters, Parameter::Expires)?);
        if let (Some(created), Some(expires)) = (created, expires)
            && expires <= created
        {
            return Err(EXPIRES_FIRST.refuse());
        }
        let nonce = text(parameters, Parameter::Nonce)?;
        if nonce.as_ref().is_some_and(String::is_empty) {
            return Err(PARAMETER_UNREADABLE.because("`nonce` is empty"));
        }
        let seen = Seen { head: *head, created, expires };
        let mut lines = lines(&covered, &seen)?;
        lines.push((SIGNATURE_PARAMS.into(), list.print()));
        let digests = match covered.iter().any(|component| component.is_field(CONTENT_DIGEST)) {
            true => fields::text(head.headers, &self.names.digest)?.map(|text| Digests::content(&text)),
            false => None,
        };
        text(parameters, Parameter::Tag)?;
        Ok(Statement {
            lines,
            signature,
            algorithm: text(parameters, Parameter::Alg)?,
            keyid: text(parameters, Parameter::Keyid)?,
            created,
            date: None,
            expires,
            nonce,
            digests: digests.transpose()?,
        })
    }
}

/// The last line of what is signed.
pub(crate) const SIGNATURE_PARAMS: &str = "\"@signature-params\"";

/// The field that stands for the body.
pub(crate) const CONTENT_DIGEST: &str = "content-digest";

fn find<'p, 'v>(parameters: &'p Parameters<'v>, wanted: Parameter) -> Option<&'p BareItemFromInput<'v>> {
    parameters.0.iter().find(|(name, _)| name.as_str() == wanted.word()).map(|(_, value)| value)
}

fn text(parameters: &Parameters<'_>, wanted: Parameter) -> Result<Option<String>, Rejection> {
    match find(parameters, wanted) {
        None => Ok(None),
        Some(BareItemFromInput::String(text)) => Ok(Some(text.as_str().to_owned())),
        Some(_) => Err(PARAMETER_UNREADABLE.because(format!("`{}` is no text", wanted.word()))),
    }
}

fn number(parameters: &Parameters<'_>, wanted: Parameter) -> Result<Option<i64>, Rejection> {
    match find(parameters, wanted) {
        None => Ok(None),
        Some(BareItemFromInput::Integer(number)) => Ok(Some(i64::from(*number))),
        Some(_) => Err(PARAMETER_UNREADABLE.because(format!("`{}` is no whole number", wanted.word()))),
    }
}

/// A component as a preset writes it: `@method`, or `@query-param;name="id"`.
pub(crate) fn written(word: &str) -> Result<Component, String> {
    let (name, parameters) = word.split_at(word.find(';').unwrap_or(word.len()));
    let list = format!("it=(\"{name}\"{parameters})");
    let unknown = || {
        format!(
            "`{}` is no component that a request has: there are `@method`, `@target-uri`, `@authority`, `@scheme`, `@request-target`, `@path`, `@query`, `@query-param;name=\"…\"` and headers in lower case",
            shortened(word)
        )
    };
    match Dictionary::parse(&list).map_err(|_| unknown())?.0.as_slice() {
        [(_, Member::List(InnerList { items, .. }))] if items.len() == 1 => {
            Component::standard(&items[0]).map_err(|_| unknown())
        }
        _ => Err(unknown()),
    }
}
