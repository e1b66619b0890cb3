//! Which fields are covered: JSON Pointers (RFC 6901), in order, none twice.
//!
//! Pointers and not dotted paths: a name may hold a dot, and then `a.b` would be two fields, or one that cannot be named. A
//! pointer names every property of every object, and each in one way. Pointers here lead through objects alone. An element of
//! an array cannot be covered, for its number says what it is only as long as nobody puts another before it: cover the array.

use crate::names::Names;
use crate::reason::Reason;
use std::borrow::Cow;
use std::fmt;

/// How many fields are covered at most.
pub const MAX_FIELDS: usize = 64;

/// How many bytes a pointer has at most.
pub const MAX_FIELD: usize = 512;

/// Fields, each a JSON Pointer: 1 to [`MAX_FIELDS`], in the order of their bytes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fields(Box<[Box<str>]>);

impl Fields {
    /// In any order, none twice. All mistakes are told.
    pub fn new<'a>(fields: impl IntoIterator<Item = &'a str>, names: &Names) -> Result<Self, FieldErrors> {
        let mut fields: Vec<&str> = fields.into_iter().collect();
        let mut wrong: Vec<FieldError> =
            fields.iter().filter_map(|field| Some(FieldError::of(field, check(field, names)?))).collect();
        fields.sort_unstable();
        wrong.extend(fields.windows(2).filter(|two| two[0] == two[1]).map(|two| FieldError {
            field: two[0].to_owned(),
            says: "is named twice",
            next: "name it once".to_owned(),
        }));
        if !(1..=MAX_FIELDS).contains(&fields.len()) {
            wrong.push(FieldError {
                field: String::new(),
                says: "there must be 1 to 64 fields",
                next: "name those that a consumer acts on, such as /id,/data/amount".to_owned(),
            });
        }
        if wrong.is_empty() {
            return Ok(Fields(fields.into_iter().map(Into::into).collect()));
        }
        Err(FieldErrors(wrong))
    }

    /// The pointers, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|field| &**field)
    }
}

/// What is wrong with a field that came: syntax, then whether it is reserved. The order is judged by whoever has them all.
pub(crate) fn check(field: &str, names: &Names) -> Option<Reason> {
    let well_formed = field.len() <= MAX_FIELD
        && field.starts_with('/')
        && field.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    if !well_formed {
        return Some(Reason::MalformedField);
    }
    steps(field).next().filter(|first| names.reserves(first)).map(|_| Reason::ReservedField)
}

/// The names that lead to a field, unescaped.
pub(crate) fn steps(field: &str) -> impl Iterator<Item = Cow<'_, str>> {
    field.split('/').skip(1).map(|step| match step.contains('~') {
        true => step.replace("~1", "/").replace("~0", "~").into(),
        false => step.into(),
    })
}

/// Whether covering `field` covers `wanted`: the same, or something below it.
pub(crate) fn includes(field: &str, wanted: &str) -> bool {
    wanted.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A field that will not do.
#[derive(Debug)]
pub struct FieldError {
    field: String,
    says: &'static str,
    next: String,
}

impl FieldError {
    fn of(field: &str, reason: Reason) -> Self {
        let (says, next) = match reason {
            Reason::ReservedField => {
                ("is one of the properties that attesting writes itself", "leave it out".to_owned())
            }
            _ if field.len() > MAX_FIELD => {
                ("is longer than 512 bytes", "cover the object that it is in".to_owned())
            }
            _ if field.is_empty() => {
                ("would be the event as a whole", "name the fields, such as /id,/data".to_owned())
            }
            _ if !field.starts_with('/') => {
                ("is no JSON Pointer", format!("write `/{}`", field.replace('.', "/")))
            }
            _ => ("is no JSON Pointer", "write `~0` for `~` and `~1` for `/` in a name".to_owned()),
        };
        FieldError { field: field.to_owned(), says, next }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FieldError { field, says, next } = self;
        match field.is_empty() && says.starts_with("there") {
            true => write!(f, "{says}: {next}"),
            false => write!(f, "`{field}` {says}: {next}"),
        }
    }
}

/// Every field that will not do.
#[derive(Debug)]
pub struct FieldErrors(Vec<FieldError>);

impl fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&all.join("; "))
    }
}

impl std::error::Error for FieldErrors {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_mistake_is_told_with_what_to_write() {
        let wrong = Fields::new(["a.b", "", "/a~2", "/attestation/x", "/ok", "/ok"], &Names::default());
        let says = wrong.unwrap_err().to_string();
        for part in
            ["`a.b` is no JSON Pointer: write `/a/b`", "event as a whole", "`~0`", "leave it out", "twice"]
        {
            assert!(says.contains(part), "{part:?} is not in {says}");
        }
        assert!(Fields::new([], &Names::default()).is_err());
    }

    #[test]
    fn escapes_are_read_once() {
        assert_eq!(steps("/a~01b/~1/").collect::<Vec<_>>(), ["a~1b", "/", ""]);
    }

    #[test]
    fn what_is_below_a_covered_field_is_covered_and_what_begins_alike_is_not() {
        assert!(includes("/a", "/a") && includes("/a", "/a/b") && includes("/", "//x"));
        assert!(!includes("/a", "/ab") && !includes("/a/b", "/a"));
    }
}
