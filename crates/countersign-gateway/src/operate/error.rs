//! Why an operation was not done: a code for programs, a sentence for people, and what to do next.

use countersign::ConfigErrors;
use countersign::config::{Sources, nearest};
use countersign_store::StoreError;
use serde::{Serialize, Serializer};
use std::fmt;
use utoipa::ToSchema;

macro_rules! codes {
    ($($variant:ident = $code:literal, $status:literal, $says:literal;)+) => {
        /// Why not. The codes are stable.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[non_exhaustive]
        pub enum ErrorCode { $(#[doc = concat!("`", $code, "`: ", $says)] $variant,)+ }

        impl ErrorCode {
            /// All of them.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$variant),+];

            /// The stable code, in snake_case.
            pub const fn code(self) -> &'static str { match self { $(ErrorCode::$variant => $code,)+ } }

            /// The status that it is over HTTP.
            pub const fn status(self) -> u16 { match self { $(ErrorCode::$variant => $status,)+ } }

            /// What it means, in a sentence.
            pub const fn says(self) -> &'static str { match self { $(ErrorCode::$variant => $says,)+ } }
        }
    };
}

codes! {
    InvalidArgument = "invalid_argument", 422, "an argument is none that could be meant";
    InvalidSource = "invalid_source", 422, "the table of a source has mistakes";
    InvalidSecret = "invalid_secret", 422, "the secret is none that the source's scheme takes";
    InvalidRequest = "invalid_request", 422, "the request to be tried cannot be read";
    UnknownSource = "unknown_source", 404, "no source is called so";
    UnknownSecret = "unknown_secret", 404, "the source has no secret of that name";
    UnknownEndpoint = "unknown_endpoint", 404, "no endpoint is called so";
    UnknownType = "unknown_type", 422, "no such type of events is declared";
    UnknownDelivery = "unknown_delivery", 404, "no delivery is called so, or it is no longer kept";
    InvalidEndpoint = "invalid_endpoint", 422, "the table of an endpoint has mistakes";
    InvalidPayload = "invalid_payload", 422, "the message cannot be sent as it is";
    Over = "over", 409, "the delivery is over already";
    UnknownEvent = "unknown_event", 404, "no event is called so, or it is no longer kept";
    UnknownPath = "unknown_path", 404, "the API has nothing there";
    UnknownMethod = "unknown_method", 405, "the API has another method there";
    Conflict = "conflict", 409, "others changed sources or secrets all the while, and nothing was written";
    Taken = "taken", 409, "a name or a path belongs to another";
    InFile = "in_file", 409, "it stands in the configuration file, and is changed there";
    NotManaged = "not_managed", 409, "the source's secrets are not kept in the store";
    NoStoreKey = "no_store_key", 409, "the store has no key to seal secrets with";
    SecretTaken = "secret_taken", 409, "the source has this secret, or one of that name, already";
    TooManySecrets = "too_many_secrets", 409, "the source holds as many secrets as one may";
    LastSecret = "last_secret", 409, "it is the last one that verifies";
    NotPending = "not_pending", 409, "it does not wait to be confirmed";
    FingerprintDiffers = "fingerprint_differs", 409, "the fingerprint is another secret's";
    NothingToLearn = "nothing_to_learn", 409, "the scheme has no challenge that hands a secret over";
    InUse = "in_use", 409, "the source still receives, or the endpoint is still sent to";
    Unreadable = "unreadable", 409, "a source or one of its secrets cannot be read as it is kept";
    TooLong = "too_long", 413, "what was sent is longer than is taken";
    Unauthorized = "unauthorized", 401, "the token is missing or wrong";
    TooManyFailures = "too_many_failures", 429, "too many wrong tokens came from that address";
    NoChance = "no_chance", 500, "the system gave no random bytes";
    StoreBroken = "store_broken", 500, "the store cannot be used until an operator mends it";
    StoreUnavailable = "store_unavailable", 503, "the store cannot be used now";
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

/// An operation that was not done. Nothing of it was.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct OperateError {
    /// The stable code.
    #[schema(value_type = String, example = "unknown_source")]
    pub code: ErrorCode,

    /// What is wrong.
    pub message: String,

    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub help: Option<String>,

    /// Mistakes of a text, each with its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub complaints: Vec<Complaint>,

    /// The same for a terminal: with the lines, and carets under them. What may be a secret is masked.
    #[serde(skip)]
    pub rendered: Option<String>,
}

/// One mistake of a text.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct Complaint {
    /// Which text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub text: Option<String>,

    /// Its line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub line: Option<usize>,

    /// And the column, from 1, in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub column: Option<usize>,

    /// What is wrong.
    pub message: String,

    /// What to type instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub help: Option<String>,
}

impl OperateError {
    /// What is wrong.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: None, complaints: Vec::new(), rendered: None }
    }

    /// And what to do next.
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// There is no randomness, and nothing is safe without.
    pub(crate) fn no_chance() -> Self {
        Self::new(ErrorCode::NoChance, "this system gives no random bytes: nothing was sealed")
    }

    /// No source is called so; `known` are.
    pub(crate) fn no_source<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        let help = match (nearest(name, known.iter().copied()), known.is_empty()) {
            (Some(near), _) => format!("did you mean `{near}`? `countersign source list` shows all"),
            (None, false) => "`countersign source list` shows all".into(),
            (None, true) => "there is none yet: `countersign source add` makes one".into(),
        };
        Self::new(ErrorCode::UnknownSource, format!("no source is called `{}`", name.escape_debug()))
            .help(help)
    }

    /// A text with mistakes.
    pub(crate) fn complaints(
        code: ErrorCode,
        says: impl Into<String>,
        errors: &ConfigErrors,
        texts: &Sources,
    ) -> Self {
        let complaints = errors.0.iter().map(|error| {
            let at = error.span.as_ref().map(|span| span.locate(texts));
            Complaint {
                text: at.as_ref().map(|at| at.file.to_string()),
                line: at.as_ref().map(|at| at.line),
                column: at.as_ref().map(|at| at.column),
                message: error.message.clone(),
                help: error.help.clone(),
            }
        });
        Self {
            complaints: complaints.collect(),
            rendered: Some(errors.render(texts)),
            ..Self::new(code, says)
        }
    }
}

impl From<StoreError> for OperateError {
    fn from(error: StoreError) -> Self {
        let code = match error {
            StoreError::Unavailable(_) => ErrorCode::StoreUnavailable,
            StoreError::Invalid(_) => ErrorCode::InvalidArgument,
            _ => ErrorCode::StoreBroken,
        };
        Self::new(code, error.to_string())
    }
}

impl fmt::Display for OperateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, " (help: {help})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for OperateError {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique_and_plain_and_their_statuses_are_failures() {
        let codes: BTreeSet<&str> = ErrorCode::ALL.iter().map(|code| code.code()).collect();
        assert_eq!(codes.len(), ErrorCode::ALL.len());
        for code in ErrorCode::ALL {
            assert!(code.code().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{code:?}");
            assert!((400..600).contains(&code.status()) && !code.says().is_empty(), "{code:?}");
        }
    }
}
