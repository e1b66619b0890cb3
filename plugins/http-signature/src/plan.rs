//! The mode's table, read: which form, which signature of several, which keys, and what must be covered at least.
//!
//! `required` has no default. What a signature covers is the sender's choice, and a receiver that does not say what it
//! needs accepts a signature over nothing; whoever wants that writes an empty list.

use crate::algorithm::{Allowed, DRAFT, STANDARD};
use crate::component::{Component, binds};
use crate::draft::Draft;
use crate::standard::{CONTENT_DIGEST, Names, Parameter, Standard, Which, written};
use crate::statement::Statement;
use countersign::config::{ConfigCode, ConfigError, Reader, Spanned};
use countersign::template::KeyForms;
use countersign::{Binds, Head, HeaderName, KeyKind, Rejection};
use sfv::{KeyRef, StringRef};
use std::sync::Arc;

/// A preset's table, read.
pub(crate) struct Plan {
    pub(crate) form: Form,
    pub(crate) algorithms: Allowed,
    /// Whether the name that a signature gives selects the key.
    pub(crate) keyid_selects: bool,
    pub(crate) forms: KeyForms,
    pub(crate) binds: Binds,
}

/// The standard, or what was before it.
pub(crate) enum Form {
    Standard(Standard),
    Draft(Draft),
}

impl Plan {
    pub(crate) fn read(table: &Reader<'_>) -> Option<Self> {
        let is_draft = match table.choice("form", &[("rfc9421", false), ("cavage", true)]) {
            Some(choice) => choice.value,
            None => false,
        };
        let algorithms = Allowed::read(table, if is_draft { DRAFT } else { STANDARD });
        let form = match is_draft {
            true => draft(table).map(Form::Draft),
            false => standard(table).map(Form::Standard),
        };
        let keyid = table.choice("keyid", &[("selects", true), ("ignored", false)]);
        if !table.has("key") {
            table.missing("key", "say how a key is written: `key = { forms = [{ decode = \"pem\" }] }`");
        }
        // Of algorithms that nobody knows there may be any key: one complaint is enough.
        let kinds = algorithms.as_ref().map_or(&[KeyKind::Public][..], Allowed::kinds);
        let forms = table.table("key").and_then(|key| {
            let forms = KeyForms::read(&key, kinds);
            key.finish();
            forms
        });
        let form = form?;
        Some(Plan {
            binds: form.binds(),
            form,
            algorithms: algorithms?,
            keyid_selects: keyid.is_none_or(|keyid| keyid.value),
            forms: forms?,
        })
    }

    /// What a request says about its signature.
    pub(crate) fn statement(&self, head: &Head<'_>) -> Result<Statement, Rejection> {
        match &self.form {
            Form::Standard(standard) => standard.read(head),
            Form::Draft(draft) => draft.read(head),
        }
    }
}

impl Form {
    /// The header that has the signature.
    pub(crate) fn header(&self) -> &HeaderName {
        match self {
            Form::Standard(standard) => &standard.names.signature,
            Form::Draft(draft) => &draft.header,
        }
    }

    pub(crate) fn required(&self) -> &[Component] {
        match self {
            Form::Standard(Standard { required, .. }) | Form::Draft(Draft { required, .. }) => required,
        }
    }

    /// Whether every signature says when it ends.
    pub(crate) fn ends(&self) -> bool {
        match self {
            Form::Standard(standard) => standard.parameters.contains(&Parameter::Expires),
            Form::Draft(draft) => draft.required.iter().any(Component::is_expires),
        }
    }

    /// What every signature binds that covers what is required.
    fn binds(&self) -> Binds {
        let required = self.required();
        let is_field = |name: &str| required.iter().any(|component| component.is_whole_field(name));
        let (body, time, id) = match self {
            Form::Standard(Standard { parameters, .. }) => (
                is_field(CONTENT_DIGEST),
                parameters.contains(&Parameter::Created),
                parameters.contains(&Parameter::Nonce),
            ),
            Form::Draft(_) => {
                (is_field("digest"), is_field("date") || required.iter().any(Component::is_created), false)
            }
        };
        [(body, Binds::BODY), (time, Binds::TIME), (id, Binds::ID)]
            .into_iter()
            .filter(|(bound, _)| *bound)
            .fold(binds(required), |all, (_, binds)| all.and(binds))
    }
}

fn standard(table: &Reader<'_>) -> Option<Standard> {
    let required = required(table, "[\"@method\", \"@target-uri\", \"content-digest\"]", written);
    let known = Parameter::WORDS;
    let parameters = match table.texts("required_parameters") {
        None => Some(vec![Parameter::Created]),
        Some(texts) => each(table, texts, |word| {
            let parameter = known.iter().find(|(known, _)| *known == word).map(|(_, parameter)| *parameter);
            let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
            parameter.ok_or_else(|| format!("`{word}` is no parameter: there are {}", words.join(", ")))
        }),
    };
    Some(Standard {
        which: which(table)?,
        required: required?,
        parameters: parameters?.into(),
        names: Names {
            input: HeaderName::new("signature-input")?,
            signature: HeaderName::new("signature")?,
            digest: HeaderName::new(CONTENT_DIGEST)?,
        },
    })
}

/// Which signature is meant; `None` after a complaint.
fn which(table: &Reader<'_>) -> Option<Which> {
    let refuse = |span, says: &str, help: &str| {
        table.complaints().push(ConfigError::at(ConfigCode::MalformedConfig, span, says).help(help));
        None
    };
    match (table.text("label"), table.text("tag")) {
        (None, None) => Some(Which::Only),
        (Some(_), Some(tag)) => {
            refuse(tag.span, "`label` and `tag` both say which signature is meant", "leave one of them out")
        }
        (Some(label), None) => match KeyRef::from_str(&label.value) {
            Ok(_) => Some(Which::Label(label.value)),
            Err(_) => {
                let help = "lower-case letters, digits, `_`, `-`, `.` and `*`, a letter first: `sig1`";
                refuse(label.span, "this can be no label", help)
            }
        },
        (None, Some(tag)) => match StringRef::from_str(&tag.value) {
            Ok(_) => Some(Which::Tag(tag.value)),
            Err(_) => refuse(tag.span, "this can be no tag", "printed ASCII alone"),
        },
    }
}

fn draft(table: &Reader<'_>) -> Option<Draft> {
    let example = "[\"(request-target)\", \"host\", \"date\", \"digest\"]";
    let required = required(table, example, |word| {
        Component::draft(word).map_err(|_| format!("`{word}` is no header and no part of a request"))
    });
    let header = match table.text("signature_header") {
        None => HeaderName::new("signature"),
        Some(text) => {
            let header = HeaderName::new(&text.value);
            if header.is_none() {
                table.complain(ConfigCode::MalformedConfig, &text.span, "this can be no header's name");
            }
            header
        }
    }?;
    Some(Draft {
        authorization: header.as_str() == "authorization",
        header,
        required: required?,
        digest: HeaderName::new("digest")?,
        date: HeaderName::new("date")?,
    })
}

/// What must be covered at least.
fn required(
    table: &Reader<'_>,
    example: &str,
    read: impl Fn(&str) -> Result<Component, String>,
) -> Option<Box<[Component]>> {
    if !table.has("required") {
        table.missing("required", format!("say what must be covered at least: `required = {example}`"));
    }
    each(table, table.texts("required")?, read).map(Vec::into_boxed_slice)
}

/// Every text of a list; `None` after a complaint.
fn each<T>(
    table: &Reader<'_>,
    texts: Vec<Spanned<Arc<str>>>,
    read: impl Fn(&str) -> Result<T, String>,
) -> Option<Vec<T>> {
    let wanted = texts.len();
    let read = |Spanned { value, span }: Spanned<Arc<str>>| {
        let complain = |says| table.complain(ConfigCode::MalformedConfig, &span, says);
        read(&value).map_err(complain).ok()
    };
    let all: Vec<T> = texts.into_iter().filter_map(read).collect();
    (all.len() == wanted).then_some(all)
}
