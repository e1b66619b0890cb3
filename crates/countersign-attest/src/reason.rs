//! Why an event is not attested, or not believed: one table, from which the rest is derived.

use std::fmt;

macro_rules! reasons {
    ($($(#[doc = $doc:literal])* $name:ident $code:literal $says:literal,)*) => {
        /// Why an event is not attested, or not believed. Codes are stable.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        #[non_exhaustive]
        pub enum Reason {
            $($(#[doc = $doc])* #[doc = $says] $name,)*
        }

        impl Reason {
            /// All of them, in the order in which they are looked for.
            pub const ALL: &[Reason] = &[$(Reason::$name,)*];

            /// The code for programs.
            pub fn code(self) -> &'static str {
                match self { $(Reason::$name => $code,)* }
            }

            /// The sentence for people.
            pub fn says(self) -> &'static str {
                match self { $(Reason::$name => $says,)* }
            }
        }
    };
}

reasons! {
    MalformedEvent "malformed_event" "the event is no JSON object that is read alike by everybody",
    MissingAttestation "missing_attestation" "the event carries no attestation",
    MissingSignature "missing_signature" "the event carries an attestation and no signature of it",
    UnknownVersion "unknown_version" "the attestation is of another version of the format",
    MalformedAttestation "malformed_attestation" "the attestation has not exactly the members that it must have",
    UnknownAlgorithm "unknown_algorithm" "the attestation names an algorithm that is none of the format's",
    MalformedSignature "malformed_signature" "the signature is no lower-case hex of the algorithm's length",
    MalformedField "malformed_field" "a field is no JSON Pointer to something in the event",
    ReservedField "reserved_field" "a field is one of the properties that attesting writes itself",
    UnorderedFields "unordered_fields" "the fields are not in order, or one is named twice",
    UnknownKey "unknown_key" "the attestation names a key that is not among the verifier's",
    WrongAlgorithm "wrong_algorithm" "the key is of another algorithm than the attestation says",
    AmbiguousField "ambiguous_field" "beside a step to a field stands a property that differs only in case",
    UnreachableField "unreachable_field" "the way to a field leads through something that is no object",
    UnsupportedNumber "unsupported_number" "a covered number is no plain integer within 2^53 - 1 of zero",
    TooDeep "too_deep" "what is covered nests deeper than 64",
    TooLarge "too_large" "what is covered comes to more than 1048576 bytes",
    BadSignature "bad_signature" "the signature is not of these fields, or of another key",
    ExpiredSecret "expired_secret" "the signature is right, and its key is outside its window",
    StaleTimestamp "stale_timestamp" "the attestation is too old",
    FutureTimestamp "future_timestamp" "the attestation is from the future",
    UncoveredField "uncovered_field" "a field that is required is not covered",
    MissingField "missing_field" "a field that is required is covered, and is not there",
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A reason, and the field it is about.
///
/// The field is one of the verifier's or signer's own, or was sent by whoever sent the event: a text from outside, to be made
/// harmless before it is shown.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Refused {
    /// Why.
    pub reason: Reason,
    /// The field, where it is about one.
    pub field: Option<String>,
}

impl Refused {
    pub(crate) fn about(reason: Reason, field: &str) -> Self {
        Refused { reason, field: Some(field.to_owned()) }
    }
}

impl From<Reason> for Refused {
    fn from(reason: Reason) -> Self {
        Refused { reason, field: None }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(f, "{}: {}: `{field}`", self.reason, self.reason.says()),
            None => write!(f, "{}: {}", self.reason, self.reason.says()),
        }
    }
}

impl std::error::Error for Refused {}
